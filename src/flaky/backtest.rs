//! How well the model does on this very history: what it would have said of each failure on its day, beside what later
//! reruns and fixes said.
//!
//! The judge is not the model. A failure *was a flake* if the same test also passed on the same commit (a retry or a
//! rerun). It *was a regression* if it belongs to an unbroken line of failures over at least two commits that a later
//! commit ended, and the test's own rate outside of that line lets expect fewer than [`BY_CHANCE`] as long ones in all its
//! results. All
//! others stay undecided and are only counted: most single failures that nobody reran. Failures in parts that the whole
//! past calls an outage are left out.
//!
//! Brier's score: Brier, "Verification of forecasts expressed in terms of probability" (1950). Lower is better; 0.25 is
//! what "half and half" gets.

use serde::{Deserialize, Serialize};

use super::replay::Replay;
use super::{Assessment, Standing};
use crate::model::{PastPart, Series};

/// A line of failures of which chance lets expect fewer than this was a regression.
pub const BY_CHANCE: f64 = 0.01;
/// From here on a failure is called a flake in one row each.
pub const THRESHOLDS: [f64; 6] = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999];
/// A test is flagged from here on.
pub const FLAGGED: f64 = super::CALLED;

/// What later reruns and fixes said of a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Later {
    /// The test also passed on that commit.
    Flake,
    /// It failed until another commit repaired it.
    Regression,
    /// Neither was seen.
    Undecided,
}

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    /// Parts in which failures were judged, as if each were the newest.
    pub judged_parts: u32,
    /// Parts with decided failures that were passed over, to bound the work.
    pub passed_over: u32,
    /// Judged failures that turned out to be flakes.
    pub flakes: u32,
    /// That turned out to be regressions.
    pub regressions: u32,
    /// Of which nobody knows.
    pub undecided: u32,
    /// Brier's score over the decided ones; `None` without any.
    pub brier: Option<f64>,
    /// What each threshold would have called a flake.
    pub thresholds: Vec<Threshold>,
    /// Whether "90 %" means 90 %: the decided failures by what was said of them.
    pub reliability: Vec<Bin>,
    /// Tests that were called flaky, and when; in the order in which they were.
    pub flags: Vec<Flag>,
}

/// A threshold and what it would have done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Failures at least this surely flakes are called so.
    pub at: f64,
    /// Flakes that were called so.
    pub right: u32,
    /// Regressions that were called flakes: the one error that must not happen.
    pub wrong: u32,
    /// Flakes that were not called so.
    pub missed: u32,
}

impl Threshold {
    /// The share of those called flakes that were; `None` where nothing was called so.
    pub fn precision(self) -> Option<f64> {
        share(self.right, self.wrong)
    }

    /// The share of flakes that were called so.
    pub fn recall(self) -> Option<f64> {
        share(self.right, self.missed)
    }
}

fn share(part: u32, rest: u32) -> Option<f64> {
    (part + rest > 0).then(|| f64::from(part) / f64::from(part + rest))
}

/// Failures of which about the same was said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// From this chance of a flake, included.
    pub from: f64,
    /// To this one; included in the last bin only.
    pub to: f64,
    /// Decided failures.
    pub failures: u32,
    /// Their mean chance.
    pub said: f64,
    /// The share that were flakes.
    pub were: f64,
}

/// A test was called flaky.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// Its place among the failing series.
    pub test: u32,
    /// After this part.
    pub part: u32,
    /// Failures that were known then.
    pub failures: u32,
    /// Of its failures in the whole past: flakes, by reruns.
    pub flakes: u32,
    /// Regressions, by fixes.
    pub regressions: u32,
}

/// Replays a past. At most `most` parts are judged, spread evenly over those with decided failures.
///
/// Cost: `most` assessments of on average half the past.
pub fn backtest(
    parts: &[PastPart],
    failing: &[(u32, Series)],
    whole: &Assessment,
    most: usize,
) -> Backtest {
    let outage = |part: u32| {
        let state = whole.parts.get(part as usize);
        state.is_some_and(|state| state.outage.get() > 0.5)
    };
    let later: Vec<Vec<(u32, Later)>> = failing
        .iter()
        .map(|(_, series)| {
            let mut later = later(parts, series);
            later.retain(|(part, _)| !outage(*part));
            later
        })
        .collect();
    let mut decided: Vec<u32> = later
        .iter()
        .flatten()
        .filter(|(_, later)| *later != Later::Undecided)
        .map(|(part, _)| *part)
        .collect();
    decided.sort_unstable();
    decided.dedup();
    let chosen = spread(&decided, most);
    let replay = Replay::new(parts, failing);
    let mut found = Backtest {
        judged_parts: chosen.len() as u32,
        passed_over: (decided.len() - chosen.len()) as u32,
        ..Backtest::default()
    };
    let mut said: Vec<(f64, bool)> = Vec::new();
    let mut flagged = vec![false; failing.len()];
    for part in chosen {
        let then = replay.up_to(part as usize + 1);
        for (at, later) in later.iter().enumerate() {
            let Some(standing) = then.tests.get(at) else {
                continue;
            };
            if !flagged[at] && standing.flaked.get() >= FLAGGED {
                flagged[at] = true;
                found.flags.push(flag(at, part, standing, later));
            }
            let Some((_, later)) = later.iter().find(|(of, _)| *of == part) else {
                continue;
            };
            let failing = standing
                .failures
                .iter()
                .rfind(|failing| failing.part == part);
            match (later, failing) {
                (Later::Undecided, _) => found.undecided += 1,
                (later, Some(failing)) => {
                    said.push((failing.flake.get(), *later == Later::Flake));
                }
                (_, None) => {}
            }
        }
    }
    found.flakes = said.iter().filter(|(_, flake)| *flake).count() as u32;
    found.regressions = said.len() as u32 - found.flakes;
    found.score(&said);
    found
}

impl Backtest {
    /// Scores what was said against what was so.
    fn score(&mut self, said: &[(f64, bool)]) {
        if said.is_empty() {
            return;
        }
        let count = |keep: &dyn Fn(f64, bool) -> bool| {
            said.iter().filter(|(p, flake)| keep(*p, *flake)).count() as u32
        };
        self.thresholds = THRESHOLDS
            .iter()
            .map(|at| Threshold {
                at: *at,
                right: count(&|p, flake| flake && p >= *at),
                wrong: count(&|p, flake| !flake && p >= *at),
                missed: count(&|p, flake| flake && p < *at),
            })
            .collect();
        let error = |(p, flake): &(f64, bool)| (p - f64::from(u8::from(*flake))).powi(2);
        self.brier = Some(said.iter().map(error).sum::<f64>() / said.len() as f64);
        for tenth in 0..10 {
            let (from, to) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
            let inside: Vec<&(f64, bool)> = said
                .iter()
                .filter(|(p, _)| (*p * 10.0).floor().min(9.0) == f64::from(tenth))
                .collect();
            if inside.is_empty() {
                continue;
            }
            let number = inside.len() as f64;
            self.reliability.push(Bin {
                from,
                to,
                failures: inside.len() as u32,
                said: inside.iter().map(|(p, _)| p).sum::<f64>() / number,
                were: inside.iter().filter(|(_, flake)| *flake).count() as f64 / number,
            });
        }
    }
}

fn flag(at: usize, part: u32, standing: &Standing, later: &[(u32, Later)]) -> Flag {
    let count = |wanted| later.iter().filter(|(_, later)| *later == wanted).count() as u32;
    Flag {
        test: at as u32,
        part,
        failures: standing.failed,
        flakes: count(Later::Flake),
        regressions: count(Later::Regression),
    }
}

/// At most `most` of these, evenly; the first and the last among them.
fn spread(all: &[u32], most: usize) -> Vec<u32> {
    if all.len() <= most {
        return all.to_vec();
    }
    let last = most.saturating_sub(1).max(1);
    let mut chosen: Vec<u32> = (0..most)
        .map(|at| all[at * (all.len() - 1) / last])
        .collect();
    chosen.dedup();
    chosen
}

/// What later reruns and fixes said of each failure of a series. Cost: one look at each result.
pub fn later(parts: &[PastPart], series: &Series) -> Vec<(u32, Later)> {
    let commit = |part: u32| parts.get(part as usize)?.context.commit.as_deref();
    let branch = |part: u32| parts.get(part as usize)?.context.branch.as_deref();
    let ran: Vec<_> = series
        .seen
        .iter()
        .filter(|seen| seen.status.is_run() && (seen.part as usize) < parts.len())
        .collect();
    let passed: std::collections::HashSet<&str> = ran
        .iter()
        .filter(|seen| !seen.status.is_bad())
        .filter_map(|seen| commit(seen.part))
        .collect();
    let bad = ran.iter().filter(|seen| seen.bad_attempts > 0).count();
    let mut all = Vec::with_capacity(bad);
    let mut branches: Vec<Option<&str>> = ran.iter().map(|seen| branch(seen.part)).collect();
    branches.sort_unstable();
    branches.dedup();
    for on in branches {
        let line: Vec<_> = ran.iter().filter(|seen| branch(seen.part) == on).collect();
        let mut from = 0;
        while from < line.len() {
            let fails = line[from].bad_attempts > 0;
            let to = (from..line.len())
                .find(|at| (line[*at].bad_attempts > 0) != fails)
                .unwrap_or(line.len());
            if fails {
                let stretch = &line[from..to];
                let rerun = |part| commit(part).is_some_and(|commit| passed.contains(commit));
                let any_rerun = stretch
                    .iter()
                    .any(|seen| !seen.status.is_bad() || rerun(seen.part));
                let commits: std::collections::HashSet<_> = stretch
                    .iter()
                    .filter_map(|seen| commit(seen.part))
                    .collect();
                let outside = (ran.len() - stretch.len(), bad - stretch.len());
                let rate = (outside.1 as f64 + 1.0) / (outside.0 as f64 + 2.0);
                // a line as long could have begun at any result
                let by_chance = ran.len() as f64 * rate.powi(stretch.len().min(10_000) as i32);
                let repaired =
                    !any_rerun && commits.len() >= 2 && to < line.len() && by_chance < BY_CHANCE;
                all.extend(stretch.iter().map(|seen| {
                    let later = if !seen.status.is_bad() || rerun(seen.part) {
                        Later::Flake
                    } else if repaired {
                        Later::Regression
                    } else {
                        Later::Undecided
                    };
                    (seen.part, later)
                }));
            }
            from = to;
        }
    }
    all.sort_unstable_by_key(|(part, _)| *part);
    all
}

#[cfg(test)]
mod tests {
    use super::super::replay::testing::{parts, series};
    use super::*;
    use crate::flaky::{Past, assess};

    #[track_caller]
    fn check(outcomes: &str, each: usize, expected: &str) {
        let parts = parts(outcomes.len(), each, 1);
        let found: String = later(&parts, &series("a", outcomes))
            .iter()
            .map(|(_, later)| match later {
                Later::Flake => 'f',
                Later::Regression => 'r',
                Later::Undecided => '?',
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn both_outcomes_on_one_commit_are_a_flake() {
        check("PPFPPP", 2, "f");
        check("PPRPPP", 1, "f");
    }

    #[test]
    fn a_single_failure_that_nobody_reran_stays_undecided() {
        check("PPPPFPPPP", 1, "?");
    }

    #[test]
    fn a_line_of_failures_that_a_commit_ends_is_a_regression() {
        check("PPPPPPPPPPPPPPPPFFFFPPPPPPPP", 2, "rrrr");
    }

    #[test]
    fn a_line_that_did_not_end_stays_undecided() {
        check("PPPPPPPPPPPPPPPPFFFF", 2, "????");
    }

    #[test]
    fn a_line_that_chance_explains_stays_undecided() {
        check("PFPFPFFPFPFPFPPF", 1, "????????".get(..8).unwrap());
    }

    #[test]
    fn a_replay_scores_what_was_said_on_the_day() {
        let text = [
            "PFPPPPPPPFPPPPPPPFPPPPPPPPPFPPPPPPPPPPPP",
            "PPPPPPPPPPPPPPPPPPPPFFFFFFPPPPPPPPPPPPPP",
        ];
        let parts = parts(40, 2, 3);
        let failing: Vec<(u32, Series)> = (0..)
            .zip(text)
            .map(|(n, outcomes)| (n, series(&n.to_string(), outcomes)))
            .collect();
        let past = Past {
            parts: &parts,
            ..Past::default()
        };
        let all = failing.iter().map(|(_, series)| series.clone());
        let whole = assess(&past, all.chain([series("steady", &"P".repeat(40))]));
        let found = backtest(&parts, &failing, &whole, 100);
        assert_eq!(
            (found.flakes, found.regressions, found.passed_over),
            (4, 6, 0)
        );
        let at = found.thresholds[0];
        assert_eq!(at.right + at.missed, 4);
        assert!(found.thresholds.iter().all(|t| t.wrong <= at.wrong));
        assert!((0.0..=1.0).contains(&found.brier.unwrap()));
        assert_eq!(
            found
                .reliability
                .iter()
                .map(|bin| bin.failures)
                .sum::<u32>(),
            10
        );
    }

    #[test]
    fn nothing_decided_gives_no_figures() {
        let parts = parts(9, 1, 1);
        let failing = [(0, series("a", "PPPPFPPPP"))];
        let past = Past {
            parts: &parts,
            ..Past::default()
        };
        let whole = assess(&past, [failing[0].1.clone()]);
        let found = backtest(&parts, &failing, &whole, 100);
        assert_eq!((found.brier, found.judged_parts), (None, 0));
        assert!(found.thresholds.is_empty());
    }

    #[test]
    fn too_many_parts_are_thinned_evenly() {
        let all: Vec<u32> = (0..1000).collect();
        let few = spread(&all, 5);
        assert_eq!(few, [0, 249, 499, 749, 999]);
        assert_eq!(spread(&all[..3], 5), [0, 1, 2]);
    }
}
