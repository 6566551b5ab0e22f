//! What failed, told from what did not: a walk over many parts that lays out only the series with a bad attempt.
//!
//! Of tests that never failed it is asked how often they ran, and that follows from the rosters: a test ran in every chunk of
//! its roster, but for exceptions. So durations and series are laid out for the few that failed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::unreadable;
use super::memo::Roster;
use super::walk::{Chunk, seen};
use super::{CodecError, History, HistoryError, Outcomes};
use crate::model::{PastPart, Seen, Series, TestId, Variant};

/// What parts say of all tests: of those with a bad attempt everything, of the others how often they ran.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sifted {
    /// The tests in their variants; what stands at a place has this number. Those of links between names come last.
    pub tests: Vec<(TestId, Variant)>,
    /// For each of them, results that ran.
    pub ran: Vec<u32>,
    /// For each part, results that passed at the first attempt.
    pub passed: Vec<u32>,
    /// The series with a bad attempt, or those that were asked for, with their numbers, rising.
    pub failing: Vec<(u32, Series)>,
}

/// Numbers further apart than this are read in two goes.
const APART: u32 = 64;

/// A series of the store that the parts report.
#[derive(Clone, Copy, Default)]
struct Member {
    series: u32,
    ran: u32,
    bad: bool,
    laid_out: bool,
    /// Under a name that a link leads from or to: it may have to be put together with others.
    linked: bool,
}

impl History {
    /// Tells the series with a bad attempt from the others, in the given parts. [`Seen::part`] is the index into `parts`; results
    /// under an old name belong to the new one.
    ///
    /// Cost: how results ended is read once; durations where anything failed. Memory for the series that failed.
    ///
    /// # Errors
    /// [`HistoryError::Unreadable`] for a damaged block or roster.
    pub fn sift(&self, parts: &[PastPart]) -> Result<Sifted, HistoryError> {
        self.sift_for(parts, &|_, _, bad| bad)
    }

    /// The same, where `wanted` tells (by test, variant, and whether it had a bad attempt) which series are laid out in
    /// [`Sifted::failing`].
    ///
    /// # Errors
    /// Those of [`History::sift`].
    pub fn sift_for(
        &self,
        parts: &[PastPart],
        wanted: &dyn Fn(&TestId, &Variant, bool) -> bool,
    ) -> Result<Sifted, HistoryError> {
        // one view: else each of the many statements locks the file
        let _view = self.store.snapshot()?;
        let (rosters, chunks) = self.lay_out(parts)?;
        let mut members = union(&rosters);
        let mut passed = vec![0; parts.len()];
        self.count(&rosters, &chunks, &mut members, &mut passed)?;
        let mut sifted = Sifted {
            passed,
            ..Sifted::default()
        };
        let renames = self.rename_map()?.to;
        let targets: std::collections::HashSet<i64> = renames.values().copied().collect();
        // for each member that is laid out: the number of its test, or else the test under which it is put together
        let mut places = Vec::new();
        let mut from = 0;
        while from < members.len() {
            let mut to = from + 1;
            while to < members.len() && members[to].series - members[to - 1].series <= APART {
                to += 1;
            }
            let (first, last) = (members[from].series, members[to - 1].series);
            let mut members = members[from..to].iter_mut().peekable();
            self.store.named_series(first..=last, &mut |named| {
                let Some(member) = members.next_if(|member| member.series == named.series) else {
                    return;
                };
                let variant = super::read::plain(named.variant);
                let new = renames.get(&named.test).copied();
                member.linked = new.is_some() || targets.contains(&named.test);
                if member.linked {
                    let test = new.unwrap_or(named.test);
                    places.push(Place::Linked(test, variant));
                    return;
                }
                member.laid_out = wanted(&named.id, &variant, member.bad);
                if member.laid_out {
                    places.push(Place::Number(sifted.tests.len() as u32));
                }
                sifted.tests.push((named.id, variant));
                sifted.ran.push(member.ran);
            })?;
            if let Some(member) = members.next() {
                let what = format!("series {}", member.series);
                return Err(unreadable(what)(CodecError::Damaged));
            }
            from = to;
        }
        let laid_out: Vec<u32> = members
            .iter()
            .filter(|member| member.laid_out || member.linked)
            .map(|member| member.series)
            .collect();
        let lines = self.lines(&rosters, &chunks, &laid_out)?;
        let mut linked: BTreeMap<(i64, Variant), Vec<Seen>> = BTreeMap::new();
        for (place, seen) in places.into_iter().zip(lines) {
            match place {
                Place::Number(number) => {
                    let (test, variant) = sifted.tests[number as usize].clone();
                    let series = Series {
                        test,
                        variant,
                        seen,
                    };
                    sifted.failing.push((number, series));
                }
                Place::Linked(test, variant) => {
                    linked.entry((test, variant)).or_default().extend(seen);
                }
            }
        }
        for ((test, variant), seen) in linked {
            sifted.put_together(self.store.test(test)?, variant, seen, wanted);
        }
        Ok(sifted)
    }

    /// Counts what ran and what was bad.
    fn count(
        &self,
        rosters: &[Arc<Roster>],
        chunks: &[Chunk],
        members: &mut [Member],
        passed: &mut [u32],
    ) -> Result<(), HistoryError> {
        let mut uses = vec![0; rosters.len()];
        let mut outcomes = Outcomes::default();
        for chunk in chunks {
            let roster = &rosters[chunk.roster];
            uses[chunk.roster] += 1;
            let codec = &self.codec;
            self.store.with_block(chunk.id, &mut |block| {
                let mut codec = codec.borrow_mut();
                let read = codec.decode_exceptions(block, &mut outcomes);
                read.map(|_| ())
                    .map_err(unreadable(format!("block {}", chunk.id)))
            })?;
            let mut simply = outcomes.count;
            for exception in &outcomes.exceptions {
                let position = exception.position as usize;
                let Some(series) = roster.members.get(position).copied() else {
                    continue;
                };
                let bad = exception.status.is_bad() || exception.bad_attempts > 0;
                simply -= u32::from(bad || !exception.status.is_run());
                // most rosters are all there is
                let at = match members.get(position) {
                    Some(member) if member.series == series => Ok(position),
                    _ => members.binary_search_by_key(&series, |member| member.series),
                };
                if let Ok(at) = at {
                    let member = &mut members[at];
                    member.bad |= bad;
                    let off = u32::from(!exception.status.is_run());
                    member.ran = member.ran.wrapping_sub(off);
                }
            }
            passed[chunk.part as usize] += simply;
        }
        for (roster, uses) in rosters.iter().zip(uses) {
            let mut at = 0;
            for series in &roster.members {
                while members[at].series < *series {
                    at += 1;
                }
                members[at].ran = members[at].ran.wrapping_add(uses);
            }
        }
        Ok(())
    }

    /// What was seen of each of the wanted series (sorted), in the order of `chunks`.
    fn lines(
        &self,
        rosters: &[Arc<Roster>],
        chunks: &[Chunk],
        wanted: &[u32],
    ) -> Result<Vec<Vec<Seen>>, HistoryError> {
        let mut lines = vec![Vec::new(); wanted.len()];
        // where in the roster at hand the wanted series are: position, and which of them
        let mut places: Vec<(u32, usize)> = Vec::new();
        let mut of = None;
        let mut outcomes = Outcomes::default();
        for chunk in chunks {
            let roster = &rosters[chunk.roster];
            if of != Some(chunk.roster) {
                of = Some(chunk.roster);
                places.clear();
                let mut rest = (0..).zip(wanted).peekable();
                for (position, series) in (0..).zip(&roster.members) {
                    while rest.next_if(|(_, wanted)| *wanted < series).is_some() {}
                    if let Some((nr, _)) = rest.next_if(|(_, wanted)| *wanted == series) {
                        places.push((position, nr));
                    }
                }
            }
            if places.is_empty() {
                continue;
            }
            let codec = &self.codec;
            self.store.with_block(chunk.id, &mut |block| {
                codec
                    .borrow_mut()
                    .decode(block, &roster.usual, &mut outcomes)
                    .map_err(unreadable(format!("block {}", chunk.id)))
            })?;
            let mut exceptions = outcomes.exceptions.iter().peekable();
            for (position, nr) in &places {
                while exceptions.next_if(|one| one.position < *position).is_some() {}
                let exception = exceptions.next_if(|one| one.position == *position);
                let code = outcomes.durations.get(*position as usize).copied();
                lines[*nr].push(seen(chunk.part, code.unwrap_or_default(), exception));
            }
        }
        Ok(lines)
    }
}

/// Where what was seen of a series belongs.
enum Place {
    /// It is the one series of this number.
    Number(u32),
    /// To this test in this variant, with others.
    Linked(i64, Variant),
}

impl Sifted {
    /// Adds a test that goes by several names.
    fn put_together(
        &mut self,
        test: TestId,
        variant: Variant,
        mut seen: Vec<Seen>,
        wanted: &dyn Fn(&TestId, &Variant, bool) -> bool,
    ) {
        // stable: of two in one part, the one under the newer number comes last and counts
        seen.sort_by_key(|seen| seen.part);
        let mut kept: Vec<Seen> = Vec::with_capacity(seen.len());
        for seen in seen {
            match kept.last_mut().filter(|last| last.part == seen.part) {
                None => kept.push(seen),
                Some(last) => {
                    let simply = last.status.is_run() && last.bad_attempts == 0;
                    self.passed[seen.part as usize] -= u32::from(simply && !last.status.is_bad());
                    *last = seen;
                }
            }
        }
        let number = self.tests.len() as u32;
        let ran = kept.iter().filter(|seen| seen.status.is_run());
        self.ran.push(ran.count() as u32);
        self.tests.push((test.clone(), variant.clone()));
        let bad = |seen: &Seen| seen.status.is_bad() || seen.bad_attempts > 0;
        let failed = kept.iter().any(bad);
        if wanted(&test, &variant, failed) {
            let series = Series {
                test,
                variant,
                seen: kept,
            };
            self.failing.push((number, series));
        }
    }
}

/// The members of all rosters, sorted.
fn union(rosters: &[Arc<Roster>]) -> Vec<Member> {
    let mut all: Vec<u32> = Vec::new();
    for roster in rosters {
        if all != roster.members {
            all.extend(&roster.members);
            all.sort_unstable();
            all.dedup();
        }
    }
    let member = |series| Member {
        series,
        ..Member::default()
    };
    all.into_iter().map(member).collect()
}
