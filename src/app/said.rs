//! What the failures of a history say, as numbers of signatures.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::{AppError, Past};
use crate::flaky::Says;
use crate::flaky::association::{Message, speaks_of_timeout};
use crate::history::Query;
use crate::model::{PastPart, RunId, Series, TestId, Variant};
use crate::triage::signature::{Signature, signature};

/// Messages are read for so many failed attempts, newest runs first.
const READ: usize = 50_000;

/// What failures of a past said: of each failed result its first attempt's words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sayings {
    /// By series and part.
    said: FxHashMap<(u32, u32), Word>,
    /// What the numbers stand for.
    signatures: Vec<Signature>,
    /// For each of them, the number of its shape.
    shapes: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Word {
    signature: u32,
    /// The attempt it was taken from; the smaller, the later.
    attempt: u32,
    timeout: bool,
}

impl Says for Sayings {
    fn said(&self, series: u32, part: u32) -> Option<u32> {
        Some(self.said.get(&(series, part))?.signature)
    }

    fn shape(&self, signature: u32) -> u32 {
        self.shapes
            .get(signature as usize)
            .copied()
            .unwrap_or(u32::MAX)
    }
}

impl Sayings {
    /// The signature of a failed result, with its number.
    pub fn signature(&self, series: u32, part: u32) -> Option<(u32, &Signature)> {
        let number = self.said(series, part)?;
        Some((number, self.signatures.get(number as usize)?))
    }

    /// Failures that said this in parts before `first`: how many, of how many tests, and the first part.
    pub(super) fn before(&self, signature: u32, first: u32) -> Option<(u32, u32, u32)> {
        let said = |(&(series, part), word): (&(u32, u32), &Word)| {
            (word.signature == signature && part < first).then_some((series, part))
        };
        let found: Vec<(u32, u32)> = self.said.iter().filter_map(said).collect();
        let tests: FxHashSet<u32> = found.iter().map(|one| one.0).collect();
        let earliest = found.iter().map(|one| one.1).min()?;
        Some((found.len() as u32, tests.len() as u32, earliest))
    }

    /// Whether each failure speaks of a timeout, sorted by series and part.
    pub(super) fn messages(&self) -> Vec<Message> {
        let message = |(&(series, part), word): (&(u32, u32), &Word)| Message {
            series,
            part,
            timeout: word.timeout,
        };
        let mut messages: Vec<Message> = self.said.iter().map(message).collect();
        messages.sort_unstable();
        messages
    }
}

impl Past {
    /// What the failures of these parts say, of the newest runs first until [`READ`] failed attempts were read.
    pub(super) fn sayings(
        &self,
        parts: &[PastPart],
        numbers: &FxHashMap<(&TestId, &Variant), u32>,
        failing: &[(u32, Series)],
    ) -> Result<Sayings, AppError> {
        self.more_sayings(Sayings::default(), 0, parts, numbers, failing)
    }

    /// The same of the parts from `first` on, added to what those before say.
    pub(super) fn more_sayings(
        &self,
        mut sayings: Sayings,
        first: u32,
        parts: &[PastPart],
        numbers: &FxHashMap<(&TestId, &Variant), u32>,
        failing: &[(u32, Series)],
    ) -> Result<Sayings, AppError> {
        let index: FxHashMap<i64, u32> = parts
            .iter()
            .zip(0..)
            .filter(|(_, part)| *part >= first)
            .map(|(past, part)| (past.part.0, part))
            .collect();
        let bad = failing
            .iter()
            .flat_map(|(_, series)| series.seen.iter().filter(|seen| seen.bad_attempts > 0));
        let asked: FxHashSet<u32> = bad.map(|seen| seen.part).collect();
        let mut runs: Vec<RunId> = Vec::new();
        let mut known = FxHashSet::default();
        for (part, past) in (0..parts.len() as u32).zip(parts).rev() {
            if part >= first && asked.contains(&part) && known.insert(past.run) {
                runs.push(past.run);
            }
        }
        let known = std::mem::take(&mut sayings.signatures);
        let mut shapes: FxHashMap<String, u32> = FxHashMap::default();
        for (signature, shape) in known.iter().zip(&sayings.shapes) {
            // the first of each shape stands for it
            if *shape == shapes.len() as u32 {
                shapes.insert(signature.shape(), *shape);
            }
        }
        let mut interned: FxHashMap<Signature, u32> = known.into_iter().zip(0..).collect();
        let mut read = 0;
        for run in runs {
            if read >= READ {
                break;
            }
            let query = Query {
                run: Some(run),
                ..Query::default()
            };
            let rows = self.read_only().failures(&query, None)?;
            let masked = rows.par_iter().map(|row| signature(&row.failure));
            let masked: Vec<Signature> = masked.collect();
            for (row, signature) in rows.into_iter().zip(masked) {
                read += 1;
                let (Some(part), Some(series)) = (
                    index.get(&row.part.0),
                    numbers.get(&(&row.test, &row.variant)),
                ) else {
                    continue;
                };
                let text = &row.failure;
                let timeout = speaks_of_timeout(&text.kind) || speaks_of_timeout(&text.message);
                let entry = sayings.said.entry((*series, *part));
                // The first attempt speaks for the result: later ones are asked for because of it.
                let word = match entry {
                    std::collections::hash_map::Entry::Occupied(mut word) => {
                        word.get_mut().timeout |= timeout;
                        if row.attempt <= word.get().attempt {
                            continue;
                        }
                        word.into_mut()
                    }
                    std::collections::hash_map::Entry::Vacant(place) => place.insert(Word {
                        signature: 0,
                        attempt: row.attempt,
                        timeout,
                    }),
                };
                let next = interned.len() as u32;
                word.attempt = row.attempt;
                word.signature = *interned.entry(signature).or_insert(next);
            }
        }
        let mut signatures: Vec<(u32, Signature)> = interned
            .into_iter()
            .map(|(signature, number)| (number, signature))
            .collect();
        signatures.sort_unstable_by_key(|one| one.0);
        sayings.signatures = signatures.into_iter().map(|one| one.1).collect();
        let shape = |signature: &Signature| {
            let next = shapes.len() as u32;
            *shapes.entry(signature.shape()).or_insert(next)
        };
        let new = sayings.signatures.iter().skip(sayings.shapes.len());
        let new: Vec<u32> = new.map(shape).collect();
        sayings.shapes.extend(new);
        Ok(sayings)
    }
}
