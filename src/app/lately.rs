//! The history scored again after a few new runs: what the last full scoring fitted is kept in the cache, and only what the new
//! runs bear on is judged anew ([`Assessor::update`]).
//!
//! It is used only where the parts of that scoring are all there, unchanged, before the new ones; else all is scored in full. So a part that
//! was pruned, merged in or began earlier, a link between names, another question, another build, a graph that says something
//! else of the past: each leads to a full scoring. So do many new parts ([`SHARE`]), a day, and many tests that fail for the
//! first time.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::reached::Reached;
use super::{AppError, Cache, Judged, Past, PastQuery, Progress, Workspace, layout};
use crate::flaky::{self, Assessor, Kept, MODEL_VERSION, Reaches, Updated};
use crate::model::{Fingerprint, PastPart, Printer, Seen, Series, TestId, Timestamp, Variant};
use crate::report::flaky::{Place, counted};

/// Of so many parts of the full scoring there may be one new part.
const SHARE: usize = 20;
/// The newest part may have begun so many milliseconds after the last of the full scoring.
const SPAN: i64 = Timestamp::DAY;
/// So many tests may fail for the first time, or a twentieth of those that failed before.
const FIRST_TIME: usize = 50;
/// A window of so many milliseconds or more begins at midnight (UTC), so that it stays the same for a day.
const WHOLE_DAYS: i64 = 20 * Timestamp::DAY;

/// What is kept of a full scoring.
#[derive(Deserialize)]
struct Scoring {
    /// Of each part, see [`crate::history::History::prints`].
    prints: Vec<Fingerprint>,
    judged: Judged,
    kept: Kept,
}

/// The same to be written.
#[derive(Serialize)]
struct Written<'a> {
    prints: &'a [Fingerprint],
    judged: &'a Judged,
    kept: &'a Kept,
}

/// The beginning of a window of so many milliseconds before `newest`: where it is long, at midnight.
pub(super) fn since(newest: Timestamp, span: i64) -> Timestamp {
    let since = newest.0.saturating_sub(span);
    match span >= WHOLE_DAYS {
        true => Timestamp(since.saturating_sub(since.rem_euclid(Timestamp::DAY))),
        false => Timestamp(since),
    }
}

impl Judged {
    /// Where it was brought up to date only, what is not of today.
    pub(super) fn note(&self) -> Option<String> {
        let last = self.scored_as_of?;
        let place = Place::of(self.parts.get(last as usize)?);
        Some(format!(
            "{} since the full scoring of {}: tests that failed lately are judged anew with its rates; the others, and what failures \
             go along with, are as of then (`--no-cache` scores all)",
            counted(self.parts.len() - 1 - last as usize, "run"),
            place.words()
        ))
    }
}

impl Past {
    /// Assesses as [`Past::assess_with`] does, or brings the last full scoring up to date: [`Judged::scored_as_of`] tells.
    ///
    /// Cost: reading what was kept, the new parts, and the graphs as for a full scoring; the tests that failed lately. Where a test
    /// fails for the first time, the blocks of all parts are read again.
    ///
    /// # Errors
    /// The history cannot be read. A cache that cannot be read or written is no error.
    pub fn assess_lately(
        &self,
        query: &PastQuery,
        workspace: Option<&Workspace>,
        cache: &Cache,
        progress: &dyn Progress,
    ) -> Result<Judged, AppError> {
        let parts = self.scored(query)?;
        if !cache.keeps() || parts.len() < SHARE {
            return Ok(self.score(parts, workspace, progress)?.0);
        }
        // Read before the results: what changes in between makes a print that nothing has any more.
        let (prints, links) = self.read_only().prints(&parts)?;
        let key = key(query, workspace.is_some(), links);
        let known = cache.scoring(key);
        let known = known.and_then(|bytes| postcard::from_bytes::<Scoring>(&bytes).ok());
        let mut keep = true;
        if let Some(scoring) = known {
            // of an older run than the one that was scored
            keep = !(scoring.prints.starts_with(&prints) && scoring.prints.len() > prints.len());
            if is_near(&scoring, &parts, &prints)
                && let Some(judged) = self.updated(scoring, &parts, workspace, progress)?
            {
                return Ok(judged);
            }
        }
        let (judged, kept) = self.score(parts, workspace, progress)?;
        if keep {
            let written = Written {
                prints: &prints,
                judged: &judged,
                kept: &kept,
            };
            if let Ok(bytes) = postcard::to_stdvec(&written) {
                cache.keep_scoring(key, bytes);
            }
        }
        Ok(judged)
    }

    /// A full scoring brought up to date; `None` where it does not fit after all.
    fn updated(
        &self,
        scoring: Scoring,
        parts: &[PastPart],
        workspace: Option<&Workspace>,
        progress: &dyn Progress,
    ) -> Result<Option<Judged>, AppError> {
        let Scoring {
            mut judged, kept, ..
        } = scoring;
        let first = judged.assessment.parts.len();
        if first == parts.len() {
            judged.parts = parts.to_vec();
            return Ok(Some(judged));
        }
        let Some(Grown {
            tests,
            ran,
            passed,
            failing,
        }) = self.grow(&judged, parts)?
        else {
            return Ok(None);
        };
        let sayings = {
            let numbers = numbers(&tests);
            let known = judged.sayings.clone();
            self.more_sayings(known, first as u32, parts, &numbers, &failing)?
        };
        let reached = workspace.map(|workspace| workspace.reached(parts, &tests, progress));
        let same = match (&reached, &judged.reached) {
            (Some(now), Some(then)) => now.continues(then),
            (None, None) => true,
            _ => false,
        };
        if !same {
            return Ok(None);
        }
        let past = flaky::Past {
            parts,
            ..flaky::Past::default()
        };
        let reaches = reached.as_ref().map(|reached| reached as &dyn Reaches);
        let assessor = Assessor::of(past, ran, passed, failing.iter().cloned());
        let assessor = assessor.knowing(reaches, Some(&sayings));
        let Some(Updated { assessment, .. }) = assessor.update(&judged.assessment, &kept) else {
            return Ok(None);
        };
        Ok(Some(Judged {
            parts: parts.to_vec(),
            tests,
            failing,
            assessment,
            proven: reached.as_ref().map_or(0, Reached::parts),
            sayings,
            reached,
            scored_as_of: Some(first as u32 - 1),
            ..judged
        }))
    }

    /// What was seen, with that of the new parts; `None` where many tests fail for the first time.
    fn grow(&self, judged: &Judged, parts: &[PastPart]) -> Result<Option<Grown>, AppError> {
        let first = judged.assessment.parts.len();
        let (old_parts, new_parts) = parts.split_at(first);
        let failed: FxHashSet<(&TestId, &Variant)> = judged
            .failing
            .iter()
            .map(|(_, series)| (&series.test, &series.variant))
            .collect();
        let new = self
            .read_only()
            .sift_for(new_parts, &|test, variant, bad| {
                bad || failed.contains(&(test, variant))
            })?;
        let mut grown = Grown {
            tests: judged.tests.clone(),
            ran: judged.assessment.tests.iter().map(|one| one.ran).collect(),
            passed: vec![0; first],
            failing: judged.failing.clone(),
        };
        grown.passed.extend(&new.passed);
        let known = numbers(&judged.tests);
        let mut number_of = Vec::with_capacity(new.tests.len());
        for ((test, variant), ran) in new.tests.iter().zip(&new.ran) {
            number_of.push(match known.get(&(test, variant)) {
                Some(number) => {
                    grown.ran[*number as usize] += ran;
                    *number
                }
                None => {
                    grown.tests.push((test.clone(), variant.clone()));
                    grown.ran.push(*ran);
                    grown.tests.len() as u32 - 1
                }
            });
        }
        let places: FxHashMap<u32, usize> = (0..)
            .zip(&judged.failing)
            .map(|(at, (number, _))| (*number, at))
            .collect();
        let mut first_time: Vec<(u32, Series)> = Vec::new();
        for (at, mut series) in new.failing {
            for seen in &mut series.seen {
                seen.part += first as u32;
            }
            let number = number_of[at as usize];
            match places.get(&number) {
                Some(at) => grown.failing[*at].1.seen.append(&mut series.seen),
                None => first_time.push((number, series)),
            }
        }
        if first_time.len() > FIRST_TIME.max(judged.failing.len() / SHARE) {
            return Ok(None);
        }
        let seen_before = |number: u32| (number as usize) < judged.tests.len();
        if first_time.iter().any(|(number, _)| seen_before(*number)) {
            let wanted: FxHashSet<(&TestId, &Variant)> = first_time
                .iter()
                .map(|(_, series)| (&series.test, &series.variant))
                .collect();
            let old = self.read_only().sift_for(old_parts, &|test, variant, _| {
                wanted.contains(&(test, variant))
            })?;
            let mut before: FxHashMap<(TestId, Variant), Vec<Seen>> = old
                .failing
                .into_iter()
                .map(|(_, series)| ((series.test, series.variant), series.seen))
                .collect();
            for (_, series) in &mut first_time {
                let name = (series.test.clone(), series.variant.clone());
                let mut seen = before.remove(&name).unwrap_or_default();
                seen.append(&mut series.seen);
                series.seen = seen;
            }
        }
        grown.failing.append(&mut first_time);
        grown.failing.sort_by_key(|(number, _)| *number);
        Ok(Some(grown))
    }
}

/// What was seen in all parts; see [`crate::history::Sifted`]. What passed is told of the new parts only.
struct Grown {
    tests: Vec<(TestId, Variant)>,
    ran: Vec<u32>,
    passed: Vec<u32>,
    failing: Vec<(u32, Series)>,
}

fn numbers(tests: &[(TestId, Variant)]) -> FxHashMap<(&TestId, &Variant), u32> {
    let named = |((test, variant), number)| ((test, variant), number);
    tests
        .iter()
        .map(|(test, variant)| (test, variant))
        .zip(0..)
        .map(named)
        .collect()
}

/// What else the answer depends on.
fn key(query: &PastQuery, graph: bool, links: Fingerprint) -> Fingerprint {
    let PastQuery {
        commit,
        branch,
        run_id,
        since,
        // which parts these are is told by their prints
        until: _,
        limit,
    } = query;
    let mut printer = Printer::new();
    printer.piece(format!(
        "{MODEL_VERSION} {graph} {commit:?} {branch:?} {run_id:?} {since:?} {limit:?}"
    ));
    printer.piece(links.0.to_le_bytes());
    layout::scoring_key(printer.finish())
}

/// Whether the parts are those of the scoring and a few new ones.
fn is_near(scoring: &Scoring, parts: &[PastPart], prints: &[Fingerprint]) -> bool {
    let known = scoring.prints.len();
    let Some(last) = known.checked_sub(1).and_then(|last| parts.get(last)) else {
        return false;
    };
    let newest = parts.iter().map(|part| part.start.0).max();
    let span = newest.unwrap_or(last.start.0).saturating_sub(last.start.0);
    prints.starts_with(&scoring.prints)
        && (prints.len() - known) * SHARE <= known
        && scoring.judged.assessment.parts.len() == known
        && span < SPAN
}
