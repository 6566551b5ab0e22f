//! Lines of commits: which results follow which, and what moved between them.

use rustc_hash::FxHashMap;

use super::Past;
use super::infer::{Moved, Step};
use super::states::Outcome;
use crate::model::{PastPart, Series};

/// The parts of a past, sorted into lines. Line 0 is the main one: the branch with the most parts.
#[derive(Debug)]
pub(super) struct Lines {
    /// For each part, its line.
    pub line: Vec<u32>,
    /// For each line, the branch.
    pub branch: Vec<Option<String>>,
    /// For each part, its place in the order of all results of a test.
    rank: Vec<u32>,
    /// For each part, how many commits of its line came before.
    ordinal: Vec<u32>,
    /// For each part, its index in `members` of its line.
    place: Vec<u32>,
    /// For each line, its parts in order.
    members: Vec<Vec<u32>>,
}

impl Lines {
    /// Sorts parts into lines. On a line they stand in the order of `positions`; without it in the order in which their
    /// commits were first seen, so that a later run of an older commit counts as a rerun of it.
    ///
    /// Cost: O(parts log parts).
    pub(super) fn of(parts: &[PastPart], positions: Option<&[u32]>) -> Self {
        let mut count: FxHashMap<Option<&str>, (u32, u32)> = FxHashMap::default();
        for (index, part) in parts.iter().enumerate() {
            let entry = count
                .entry(part.context.branch.as_deref())
                .or_insert((0, index as u32));
            entry.0 += 1;
        }
        let mut branches: Vec<_> = count.into_iter().collect();
        branches.sort_by_key(|(_, (parts, first))| (std::cmp::Reverse(*parts), *first));
        let number: FxHashMap<_, _> = branches
            .iter()
            .enumerate()
            .map(|(n, (branch, _))| (*branch, n as u32))
            .collect();
        let line: Vec<u32> = parts
            .iter()
            .map(|part| number[&part.context.branch.as_deref()])
            .collect();

        let mut first: FxHashMap<(u32, &str), u32> = FxHashMap::default();
        let position: Vec<u32> = (0..parts.len())
            .map(|index| match (positions, &parts[index].context.commit) {
                (Some(positions), _) => positions[index],
                (None, Some(commit)) => *first.entry((line[index], commit)).or_insert(index as u32),
                (None, None) => index as u32,
            })
            .collect();
        let mut order: Vec<u32> = (0..parts.len() as u32).collect();
        order.sort_by_key(|part| (position[*part as usize], *part));
        let mut rank = vec![0; parts.len()];
        let mut members = vec![Vec::new(); branches.len()];
        let (mut ordinal, mut place) = (vec![0; parts.len()], vec![0; parts.len()]);
        for (at, part) in order.into_iter().enumerate() {
            let index = part as usize;
            rank[index] = at as u32;
            let line: &mut Vec<u32> = &mut members[line[index] as usize];
            ordinal[index] = line.last().map_or(0, |last| {
                let last = *last as usize;
                ordinal[last] + u32::from(position[last] != position[index])
            });
            place[index] = line.len() as u32;
            line.push(part);
        }
        let branch = branches
            .into_iter()
            .map(|(branch, _)| branch.map(str::to_owned))
            .collect();
        Self {
            line,
            branch,
            rank,
            ordinal,
            place,
            members,
        }
    }

    /// The parts of the same line at the same commit, and the `before` ones before them.
    pub(super) fn around(&self, part: u32, before: usize) -> &[u32] {
        let index = part as usize;
        let line = &self.members[self.line[index] as usize];
        let same = |at: &usize| self.ordinal[line[*at] as usize] == self.ordinal[index];
        let place = self.place[index] as usize;
        let from = (0..=place).rev().take_while(same).last().unwrap_or(place);
        let to = (place..line.len()).take_while(same).last().unwrap_or(place);
        &line[from.saturating_sub(before)..=to]
    }

    /// The results of one series as steps of the model, in order. Results that did not run are left out.
    pub(super) fn steps(&self, past: &Past<'_>, number: u32, series: &Series) -> Vec<Step> {
        let mut seen: Vec<_> = series
            .seen
            .iter()
            .filter(|seen| seen.status.is_run())
            .collect();
        if !seen.is_sorted_by_key(|seen| self.rank[seen.part as usize]) {
            seen.sort_by_key(|seen| self.rank[seen.part as usize]);
        }
        let mut last: FxHashMap<u32, u32> = FxHashMap::default();
        let step = |seen: &&crate::model::Seen| {
            let part = seen.part;
            let line = self.line[part as usize];
            let forked = line != 0 && last.contains_key(&0) && !last.contains_key(&line);
            let before = last.insert(line, part);
            let (gap, moved) = match before {
                _ if forked => (1, forked_to(past, number, part)),
                before => self.moved(past, number, before, part),
            };
            let bad = seen.bad_attempts.max(u8::from(seen.status.is_bad()));
            let outcome = Outcome {
                bad,
                passed: !seen.status.is_bad(),
            };
            Step {
                part,
                line,
                gap,
                forked,
                moved,
                outcome,
            }
        };
        seen.iter().map(step).collect()
    }

    fn moved(&self, past: &Past<'_>, number: u32, before: Option<u32>, part: u32) -> (u16, Moved) {
        let Some(before) = before else {
            return (1, Moved::First);
        };
        let gap = self.ordinal[part as usize] - self.ordinal[before as usize];
        if gap == 0 {
            return (1, Moved::Same);
        }
        let gap = u16::try_from(gap).unwrap_or(u16::MAX);
        let Some(reaches) = past.reaches else {
            return (gap, Moved::Somehow);
        };
        let line = &self.members[self.line[part as usize] as usize];
        let between =
            &line[self.place[before as usize] as usize + 1..=self.place[part as usize] as usize];
        let mut moved = Moved::Unreached;
        for part in between {
            match reaches.reaches(number, *part) {
                Some(true) => return (gap, Moved::Reached),
                Some(false) => {}
                None => moved = Moved::Somehow,
            }
        }
        (gap, moved)
    }
}

/// What the whole of a line changed, at its first part.
fn forked_to(past: &Past<'_>, number: u32, part: u32) -> Moved {
    match past.reaches.and_then(|graph| graph.reaches(number, part)) {
        Some(true) => Moved::Reached,
        Some(false) => Moved::Unreached,
        None => Moved::Somehow,
    }
}
