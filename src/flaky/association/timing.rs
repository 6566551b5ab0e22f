//! Timing: failures that stop at a ceiling, that speak of a timeout, or that are slower than what passes.
//!
//! A ceiling is where most failing durations lie close together and hardly a passing one gets to (Fisher's exact test, corrected
//! for the choice of the ceiling). Words are compared with the failures of all other tests. Slower failures alone are what
//! comes of many causes, so that finding gives way to every other.
//!
//! Not seen here: the duration of an attempt that was retried and passed.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::Kind;
use super::exact::{Counts, fisher, rank_sum};
use super::load::rounded;
use super::sample::{Candidate, Looked, Row, Sample};

/// Durations this close are one: kept ones are a tenth apart, and one ceiling may show as two of them.
const CLOSE: f64 = 1.12;
/// Share of failures at a ceiling.
const MOST: f64 = 0.6;
/// Share of passing results that may get to a ceiling: it may be a limit of one step among several.
const HARDLY: f64 = 0.1;
/// Places that a ceiling could have had, for correction: the steps of kept durations over two orders of magnitude.
const CEILINGS: f64 = 50.0;
/// The chance that a failing duration lies at the ceiling of another one without cause: two steps, where failing durations
/// of a test are spread over a factor of four (15 steps).
const BY_CHANCE: f64 = 2.0 / 15.0;

/// Whether a message says that something took too long.
pub fn speaks_of_timeout(message: &str) -> bool {
    let text = message.to_lowercase();
    [
        "timeout",
        "timed out",
        "time out",
        "time limit",
        "deadline",
        "took too long",
        "did not finish within",
        "did not complete within",
        "exceeded the time",
        "etimedout",
        "sigalrm",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// How many failures of all tests speak of a timeout, and how many said anything.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spoken {
    pub timeouts: u32,
    pub told: u32,
}

/// Compares durations and words of the failures of one test. Cost: O(rows log rows).
pub(super) fn look(spoken: Spoken, sample: &Sample<'_>, looked: &mut Looked) {
    let timed: Vec<(f64, bool)> = sample
        .rows
        .iter()
        .filter_map(|row| Some((row.seconds?, row.failed)))
        .collect();
    let enough = timed.iter().filter(|row| row.1).count() >= 3;
    let ceiling = ceiling(&timed);
    if let Some(ceiling) = ceiling.filter(|_| enough) {
        at_ceiling(sample, &timed, ceiling, looked);
    }
    words(spoken, sample, ceiling, looked);
    if enough {
        slower(sample, timed, looked);
    }
}

/// The duration below which most failures do not stop, where they lie close together.
fn ceiling(timed: &[(f64, bool)]) -> Option<f64> {
    let mut failing: Vec<f64> = timed.iter().filter(|row| row.1).map(|row| row.0).collect();
    failing.sort_by(f64::total_cmp);
    let close = |from: &f64| {
        let within = |value: &&f64| **value >= *from && **value <= *from * CLOSE;
        failing.iter().filter(within).count()
    };
    let best = failing.iter().max_by_key(|value| close(value))?;
    (close(best) as f64 >= MOST * failing.len() as f64 && *best > 0.0).then_some(*best)
}

/// The chance that so many of all failing durations lie together without a ceiling: any first one, and so many more.
fn together(all: u32, piled: u32) -> f64 {
    let rest = f64::from(all.max(1)) - 1.0;
    let more = u64::from(piled.max(1)) - 1;
    let chance = match Binomial::new(BY_CHANCE, rest as u64) {
        Ok(others) if more > 0 => others.sf(more - 1),
        _ => 1.0,
    };
    (chance * f64::from(all)).min(1.0)
}

fn near(row: &Row, ceiling: f64) -> bool {
    row.seconds.is_some_and(|seconds| seconds >= ceiling / 1.01)
}

fn at_ceiling(sample: &Sample<'_>, timed: &[(f64, bool)], ceiling: f64, looked: &mut Looked) {
    let counts = Counts::of(
        timed
            .iter()
            .map(|(s, failed)| (*failed, *s >= ceiling / 1.01)),
    );
    // Failures must pile up, too, not only be slower than what passes.
    let piled = together(counts.fails, counts.fail_with);
    let reached = f64::from(counts.pass_with) > HARDLY * f64::from(counts.passes);
    let piled = if reached { 1.0 } else { piled };
    looked.add((fisher(counts) * CEILINGS).max(piled).min(1.0), || {
        let with: Vec<bool> = sample.rows.iter().map(|row| near(row, ceiling)).collect();
        Candidate {
            series: sample.series,
            kind: Kind::Timing,
            factor: "duration".to_owned(),
            p: 1.0,
            bins: with.iter().map(|with| u8::from(*with)).collect(),
            with,
            effect: false,
            sentence: format!(
                "stops at {} s in {} of {} timed failures{}",
                rounded(ceiling),
                counts.fail_with,
                counts.fails,
                headroom(sample, ceiling)
            ),
            what: "run it in turn with the limit doubled and as it is".to_owned(),
        }
    });
}

/// How close passing results come to a ceiling, and whether they come closer.
fn headroom(sample: &Sample<'_>, ceiling: f64) -> String {
    let passing = sample.rows.iter().filter(|row| !row.failed);
    let seconds: Vec<f64> = passing.filter_map(|row| row.seconds).collect();
    let Some(usual) = median(seconds.clone()) else {
        return String::new();
    };
    let half = seconds.len() / 2;
    let drift = match (
        median(seconds[..half].to_vec()),
        median(seconds[half..].to_vec()),
    ) {
        (Some(then), Some(now)) if half >= 20 && now > 1.15 * then => {
            format!(", up from {} s", rounded(then))
        }
        _ => String::new(),
    };
    let share = 100.0 * usual / ceiling;
    format!(
        "; passing takes {} s, {share:.0} % of that{drift}",
        rounded(usual)
    )
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn words(spoken: Spoken, sample: &Sample<'_>, ceiling: Option<f64>, looked: &mut Looked) {
    let says = |part: u32| {
        let at = sample.told.binary_search_by_key(&part, |told| told.part);
        at.ok().map(|at| sample.told[at].timeout)
    };
    let told: Vec<bool> = sample
        .rows
        .iter()
        .filter(|row| row.failed)
        .filter_map(|row| says(row.part))
        .collect();
    let timeouts = told.iter().filter(|timeout| **timeout).count() as u32;
    if told.is_empty() || spoken.told <= told.len() as u32 {
        return;
    }
    let counts = Counts {
        fail_with: timeouts,
        fails: told.len() as u32,
        pass_with: spoken.timeouts.saturating_sub(timeouts),
        passes: spoken.told - told.len() as u32,
    };
    let p = if f64::from(timeouts) >= MOST * told.len() as f64 {
        fisher(counts)
    } else {
        1.0
    };
    looked.add(p, || {
        let with: Vec<bool> = sample
            .rows
            .iter()
            .map(|row| row.failed && says(row.part) == Some(true))
            .collect();
        let limit = ceiling.map_or(String::new(), |ceiling| {
            format!(
                "; they stop at {} s{}",
                rounded(ceiling),
                headroom(sample, ceiling)
            )
        });
        Candidate {
            series: sample.series,
            kind: Kind::Timing,
            factor: "timeout in its messages".to_owned(),
            p,
            bins: vec![0; with.len()],
            with,
            effect: false,
            sentence: format!(
                "{timeouts} of {} messages speak of a timeout{limit}",
                told.len()
            ),
            what: "run it in turn with the limit doubled and as it is".to_owned(),
        }
    });
}

fn slower(sample: &Sample<'_>, mut timed: Vec<(f64, bool)>, looked: &mut Looked) {
    let (p, larger) = rank_sum(&mut timed);
    let of = |failed: bool| {
        median(
            timed
                .iter()
                .filter(|row| row.1 == failed)
                .map(|row| row.0)
                .collect(),
        )
    };
    let (Some(failing), Some(passing)) = (of(true), of(false)) else {
        return;
    };
    // Failing early is no finding: most failures cut a test short.
    looked.add(if larger { p } else { 1.0 }, || {
        let with: Vec<bool> = sample
            .rows
            .iter()
            .map(|row| row.seconds.is_some_and(|s| s >= failing))
            .collect();
        Candidate {
            series: sample.series,
            kind: Kind::Timing,
            factor: "duration".to_owned(),
            p,
            bins: vec![0; with.len()],
            with,
            effect: true,
            sentence: format!(
                "failures take {} s, what passes takes {} s",
                rounded(failing),
                rounded(passing)
            ),
            what: "run it in turn slowed down (`taskset -c 0` beside a busy process) and as it is"
                .to_owned(),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_too_long_are_known() {
        assert!(speaks_of_timeout(
            "TimeoutError: fetch did not finish within 5.0 s"
        ));
        assert!(speaks_of_timeout("context deadline exceeded"));
        assert!(speaks_of_timeout("Test timed out after 30 seconds"));
        assert!(!speaks_of_timeout("AssertionError: expected 3, got 4"));
    }

    #[test]
    fn a_ceiling_needs_failures_that_lie_close_together() {
        let piled = [5.0, 5.1, 5.02, 5.0, 1.0].map(|s| (s, true));
        let spread = [1.0, 2.0, 4.0, 8.0, 16.0].map(|s| (s, true));
        assert_eq!(ceiling(&piled), Some(5.0));
        assert_eq!(ceiling(&spread), None);
        assert!(together(5, 4) > 0.005);
        assert!(together(12, 12) < 1e-6);
    }
}
