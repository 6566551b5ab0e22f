//! Walks over many parts: the line of one test, the series of all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::block::Exception;
use super::memo::Roster;
use super::rename::Renames;
use super::{History, HistoryError, LogSeconds, Outcomes, Query};
use crate::model::{PartId, PastPart, Seen, Series, Status, TestId, Variant};

/// Bytes of decoded blocks that a walk holds at once; beyond, it goes over the blocks several times.
const HELD: usize = 192 << 20;
/// Bytes of series that are put together at once.
const TILE: usize = 24 << 20;

/// A roster, and where in it the wanted series are: position, and which of the wanted.
type Places = (Arc<Roster>, Vec<(usize, usize)>);

/// A chunk of a part.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    /// The index of the part.
    pub(super) part: u32,
    /// Its number in the store.
    pub(super) id: i64,
    /// The index of its roster.
    pub(super) roster: usize,
}

/// A decoded chunk, cut to the members of one pass.
struct Held {
    part: u32,
    roster: usize,
    /// Durations from the roster's first member within the pass; empty where thinned.
    durations: Vec<u8>,
    exceptions: Vec<Exception>,
}

impl History {
    /// What was seen of one test, under all its names and in all variants, in the parts that a query asks for: by
    /// part, oldest first. [`Seen::part`] is the index into [`History::parts`] of the same query.
    ///
    /// Cost: decodes one block a part that reports the test.
    ///
    /// # Errors
    /// [`HistoryError::NoTest`] for a test that was never stored; [`HistoryError::Unreadable`] for a damaged block.
    pub fn line(
        &self,
        test: &TestId,
        query: &Query,
    ) -> Result<Vec<(PartId, Variant, Seen)>, HistoryError> {
        let mut line = Vec::new();
        let mut wanted = Vec::new();
        for series in self.series_of(test)? {
            self.memo.borrow_mut().load_names(&self.store, &[series])?;
            let (_, variant) = self.memo.borrow_mut().name(series)?;
            wanted.push((series, super::read::plain(variant)));
        }
        // where in each roster the wanted series are
        let mut places: HashMap<i64, Places> = HashMap::new();
        let mut outcomes = Outcomes::default();
        let parts = self.parts(query)?;
        for (index, past) in (0..).zip(&parts) {
            for (chunk, roster) in self.store.chunk_rosters(past.part.0)? {
                let (roster, places) = match places.entry(roster) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(empty) => {
                        let roster = self.memo.borrow_mut().roster(&self.store, roster)?;
                        let place = |(nr, (series, _)): (usize, &(u32, Variant))| {
                            Some((roster.members.binary_search(series).ok()?, nr))
                        };
                        let found = wanted.iter().enumerate().filter_map(place).collect();
                        empty.insert((roster, found))
                    }
                };
                if places.is_empty() {
                    continue;
                }
                let codec = &self.codec;
                self.store.with_block(chunk, &mut |block| {
                    codec
                        .borrow_mut()
                        .decode(block, &roster.usual, &mut outcomes)
                        .map_err(super::error::unreadable(format!("block {chunk}")))
                })?;
                for (position, nr) in places.iter() {
                    let exceptions = &outcomes.exceptions;
                    let exception = exceptions
                        .binary_search_by_key(&(*position as u32), |e| e.position)
                        .ok()
                        .map(|at| &exceptions[at]);
                    let code = outcomes.durations.get(*position).copied();
                    let seen = seen(index, code.unwrap_or_default(), exception);
                    line.push((past.part, wanted[*nr].1.clone(), seen));
                }
            }
        }
        Ok(line)
    }

    /// Calls `each` with the series of every test in every variant that the given parts report. [`Seen::part`] is the
    /// index into `parts`; results under an old name belong to the new one. The order of the series is not defined.
    ///
    /// Cost: time grows with the results; memory stays below some 300 MiB, beyond which the blocks are read again.
    ///
    /// # Errors
    /// [`HistoryError::Unreadable`] for a damaged block or roster.
    pub fn series(
        &self,
        parts: &[PastPart],
        each: &mut dyn FnMut(Series),
    ) -> Result<(), HistoryError> {
        let renames = self.rename_map()?;
        let (rosters, chunks) = self.lay_out(parts)?;
        let sizes = chunks
            .iter()
            .map(|chunk| rosters[chunk.roster].members.len());
        let cells = sizes.sum();
        let mut held_back: HashMap<(i64, Variant), Vec<Seen>> = HashMap::new();
        for (low, high) in passes(&rosters, &chunks, cells) {
            let held = self.hold(&rosters, &chunks, low, high)?;
            self.emit(&rosters, &held, low..high, &renames, &mut held_back, each)?;
        }
        let mut late: Vec<_> = held_back.into_iter().collect();
        late.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for ((test, variant), mut seen) in late {
            // stable: of two in one part, the one under the newer number comes last and counts
            seen.sort_by_key(|seen| seen.part);
            seen.reverse();
            seen.dedup_by_key(|seen| seen.part);
            seen.reverse();
            each(Series {
                test: self.store.test(test)?,
                variant,
                seen,
            });
        }
        Ok(())
    }

    /// The chunks of parts in order, and the rosters that they are of.
    pub(super) fn lay_out(
        &self,
        parts: &[PastPart],
    ) -> Result<(Vec<Arc<Roster>>, Vec<Chunk>), HistoryError> {
        let mut rosters: Vec<Arc<Roster>> = Vec::new();
        let mut known: HashMap<i64, usize> = HashMap::new();
        let mut chunks: Vec<Chunk> = Vec::new();
        for (part, past) in (0..).zip(parts) {
            for (id, roster) in self.store.chunk_rosters(past.part.0)? {
                let roster = match known.get(&roster) {
                    Some(at) => *at,
                    None => {
                        rosters.push(self.memo.borrow_mut().roster(&self.store, roster)?);
                        known.insert(roster, rosters.len() - 1);
                        rosters.len() - 1
                    }
                };
                chunks.push(Chunk { part, id, roster });
            }
        }
        Ok((rosters, chunks))
    }

    /// Decodes all chunks, cut to the series of a pass.
    fn hold(
        &self,
        rosters: &[Arc<Roster>],
        chunks: &[Chunk],
        low: u32,
        high: u32,
    ) -> Result<Vec<Held>, HistoryError> {
        let mut held = Vec::with_capacity(chunks.len());
        let mut outcomes = Outcomes::default();
        for chunk in chunks {
            let roster = &rosters[chunk.roster];
            let from = roster.members.partition_point(|member| *member < low);
            let to = roster.members.partition_point(|member| *member < high);
            if from == to {
                continue;
            }
            let codec = &self.codec;
            self.store.with_block(chunk.id, &mut |block| {
                codec
                    .borrow_mut()
                    .decode(block, &roster.usual, &mut outcomes)
                    .map_err(super::error::unreadable(format!("block {}", chunk.id)))
            })?;
            let inside = |e: &&Exception| (from..to).contains(&(e.position as usize));
            held.push(Held {
                part: chunk.part,
                roster: chunk.roster,
                durations: outcomes
                    .durations
                    .get(from..to)
                    .unwrap_or_default()
                    .to_vec(),
                exceptions: outcomes.exceptions.iter().filter(inside).copied().collect(),
            });
        }
        Ok(held)
    }

    /// Turns held chunks into series, a tile of neighbouring numbers at a time.
    fn emit(
        &self,
        rosters: &[Arc<Roster>],
        held: &[Held],
        pass: std::ops::Range<u32>,
        renames: &Renames,
        held_back: &mut HashMap<(i64, Variant), Vec<Seen>>,
        each: &mut dyn FnMut(Series),
    ) -> Result<(), HistoryError> {
        let width = (TILE / 8 / held.len().max(1)).clamp(1, 4096) as u32;
        // where each roster and each chunk's exceptions go on
        let mut starts: Vec<usize> = rosters
            .iter()
            .map(|roster| roster.members.partition_point(|m| *m < pass.start))
            .collect();
        let firsts = starts.clone();
        let mut odd = vec![0_usize; held.len()];
        let mut low = pass.start;
        while low < pass.end {
            // empty stretches of numbers are jumped over
            let next = rosters
                .iter()
                .zip(&starts)
                .filter_map(|(roster, at)| roster.members.get(*at))
                .min();
            let Some(next) = next.filter(|next| **next < pass.end) else {
                break;
            };
            low = *next;
            let high = pass.end.min(low.saturating_add(width));
            let ends: Vec<usize> = rosters
                .iter()
                .zip(&starts)
                .map(|(roster, at)| {
                    at + roster.members[*at..].partition_point(|member| *member < high)
                })
                .collect();
            let mut tile: Vec<Vec<Seen>> = vec![Vec::new(); (high - low) as usize];
            for (chunk, odd) in held.iter().zip(&mut odd) {
                let (from, to) = (starts[chunk.roster], ends[chunk.roster]);
                let first = firsts[chunk.roster];
                let members = &rosters[chunk.roster].members[from..to];
                let codes = chunk.durations.get(from - first..to - first);
                for (at, member) in members.iter().enumerate() {
                    let code = codes.map_or(0, |codes| codes[at]);
                    let position = (from + at) as u32;
                    let exception = chunk.exceptions.get(*odd);
                    let exception = exception.filter(|e| e.position == position);
                    *odd += usize::from(exception.is_some());
                    tile[(member - low) as usize].push(seen(chunk.part, code, exception));
                }
            }
            let renames = &renames.to;
            let targets = &renames.values().copied().collect::<Vec<i64>>();
            let mut names = Vec::new();
            self.store
                .named_series(low..=high - 1, &mut |named| names.push(named))?;
            for named in names {
                let seen = std::mem::take(&mut tile[(named.series - low) as usize]);
                if seen.is_empty() {
                    continue;
                }
                let variant = super::read::plain(named.variant);
                let new = renames.get(&named.test).copied();
                if new.is_some() || targets.contains(&named.test) {
                    held_back
                        .entry((new.unwrap_or(named.test), variant))
                        .or_default()
                        .extend(seen);
                } else {
                    each(Series {
                        test: named.id,
                        variant,
                        seen,
                    });
                }
            }
            starts = ends;
            low = high;
        }
        Ok(())
    }
}

pub(super) fn seen(part: u32, code: u8, exception: Option<&Exception>) -> Seen {
    Seen {
        part,
        status: exception.map_or(Status::Passed, |e| e.status),
        bad_attempts: exception.map_or(0, |e| e.bad_attempts),
        duration: LogSeconds::from_code(code),
    }
}

/// Ranges of series numbers, so that the decoded blocks of each fit what a walk may hold.
fn passes(rosters: &[Arc<Roster>], chunks: &[Chunk], cells: usize) -> Vec<(u32, u32)> {
    let ends = rosters
        .iter()
        .filter_map(|r| Some((*r.members.first()?, *r.members.last()?)));
    let Some((low, high)) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return Vec::new();
    };
    let high = high.saturating_add(1);
    let count = cells.div_ceil(HELD).max(1) as u32;
    if count == 1 {
        return vec![(low, high)];
    }
    // a histogram of cells over the numbers, cut into equal shares
    const BINS: u64 = 4096;
    let bin =
        |member: u32| (u64::from(member - low) * BINS / u64::from(high - low).max(1)) as usize;
    let mut uses = vec![0_u64; rosters.len()];
    chunks.iter().for_each(|chunk| uses[chunk.roster] += 1);
    let mut histogram = vec![0_u64; BINS as usize];
    for (roster, uses) in rosters.iter().zip(uses) {
        for member in &roster.members {
            histogram[bin(*member)] += uses;
        }
    }
    let share = (cells as u64).div_ceil(u64::from(count));
    let mut passes = Vec::new();
    let (mut from, mut sum) = (low, 0);
    for (at, cells) in (1_u64..).zip(histogram) {
        sum += cells;
        let to = low + ((u64::from(high - low) * at).div_ceil(BINS)) as u32;
        if sum >= share && to > from {
            passes.push((from, to));
            (from, sum) = (to, 0);
        }
    }
    if from < high {
        passes.push((from, high));
    }
    passes
}
