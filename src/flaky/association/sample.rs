//! The results of one test that are compared: its flakes, and what passed while it was flaky.

use super::exact::Counts;
use super::{Experiment, Finding, Kind, Message, power};
use crate::flaky::Standing;
use crate::model::Series;

/// Fewer failures say nothing about what they go along with.
pub(super) const FEWEST: u32 = 5;
/// A weaker association is not kept for correction (it still counts as looked at).
const WEAK: f64 = 0.05;

/// One result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// In which part.
    pub part: u32,
    /// A flake; else it passed.
    pub failed: bool,
    /// How long the attempt took that this row is about, where known.
    pub seconds: Option<f64>,
}

/// What is compared of one series.
#[derive(Clone, Debug)]
pub(super) struct Sample<'a> {
    pub series: u32,
    /// In the order of parts.
    pub rows: Vec<Row>,
    /// How many of them are flakes.
    fails: u32,
    /// What its failures said.
    pub told: &'a [Message],
}

/// An association that is not too weak, before correction.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub series: u32,
    pub kind: Kind,
    pub factor: String,
    pub p: f64,
    /// For each row, whether the factor holds.
    pub with: Vec<bool>,
    /// For each row, a bin of the factor: what else is to be compared within.
    pub bins: Vec<u8>,
    /// The duration of a failure is what comes of its cause; such a candidate gives way to every cause.
    pub effect: bool,
    pub sentence: String,
    pub what: String,
}

/// What was looked at.
#[derive(Default)]
pub(super) struct Looked {
    pub hypotheses: usize,
    pub candidates: Vec<Candidate>,
}

impl Looked {
    /// Counts a hypothesis, and keeps it if it is not too weak.
    pub(super) fn add(&mut self, p: f64, candidate: impl FnOnce() -> Candidate) {
        self.hypotheses += 1;
        if p < WEAK {
            self.candidates.push(Candidate { p, ..candidate() });
        }
    }
}

impl<'a> Sample<'a> {
    /// The rows of a series. Failures that are more likely no flakes are left out, as is what was seen while the test
    /// was hardly flaky.
    pub(super) fn of(series: u32, seen: &Series, standing: &Standing, told: &'a [Message]) -> Self {
        let flakes: rustc_hash::FxHashMap<u32, bool> = standing
            .failures
            .iter()
            .map(|failing| (failing.part, failing.flake.get() >= 0.5))
            .collect();
        let rates = || standing.changes.iter().map(|change| change.then.mean.get());
        let first = standing
            .changes
            .first()
            .map(|change| change.before.mean.get());
        let most = rates().chain(first).fold(0.0, f64::max);
        let calm = |part: u32| {
            let now = standing
                .changes
                .iter()
                .rev()
                .find(|change| change.until <= part);
            let rate = now.map(|change| change.then.mean.get()).or(first);
            rate.is_some_and(|rate| rate < 0.25 * most)
        };
        let rows = seen.seen.iter().filter(|seen| seen.status.is_run());
        let rows = rows.filter_map(|seen| {
            let bad = seen.bad_attempts > 0 || seen.status.is_bad();
            let flake = flakes.get(&seen.part).copied();
            let asked = if bad {
                flake == Some(true)
            } else {
                !calm(seen.part)
            };
            // Of a test that recovered only the last, good attempt's duration is kept.
            let seconds = seen
                .duration
                .seconds()
                .filter(|_| bad == seen.status.is_bad());
            asked.then_some(Row {
                part: seen.part,
                failed: bad,
                seconds: seconds.map(crate::model::Seconds::get),
            })
        });
        let rows: Vec<Row> = rows.collect();
        Self {
            series,
            fails: rows.iter().filter(|row| row.failed).count() as u32,
            rows,
            told,
        }
    }

    /// Its flakes.
    pub(super) fn fails(&self) -> u32 {
        self.fails
    }

    /// Counts of a factor that holds or does not.
    pub(super) fn counts(&self, with: &[bool]) -> Counts {
        Counts::of(
            self.rows
                .iter()
                .map(|row| row.failed)
                .zip(with.iter().copied()),
        )
    }
}

impl Candidate {
    /// The finding that it is once corrected.
    pub(super) fn finding(&self, sample: &Sample<'_>, q: f64) -> Finding {
        let counts = sample.counts(&self.with);
        let (share_with, share_without) = counts.shares();
        Finding {
            series: self.series,
            others: Vec::new(),
            kind: self.kind,
            factor: self.factor.clone(),
            share_with,
            share_without,
            failures: counts.fails,
            passes: counts.passes,
            p: self.p,
            q,
            sentence: self.sentence.clone(),
            experiment: Experiment {
                what: self.what.clone(),
                runs: power::runs(share_with, share_without),
            },
        }
    }
}

/// "(8 of 40) and never else (0 of 310)".
pub(super) fn compared(counts: Counts, place: &str) -> String {
    let other = counts.fails - counts.fail_with;
    let how = if other == 0 { "never" } else { "less often" };
    format!(
        "({} of {}), {how} {place} ({other} of {})",
        counts.fail_with,
        counts.with(),
        counts.without()
    )
}
