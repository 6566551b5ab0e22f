//! The nightly report: what every format prints. `app` fills it; nothing here decides anything.

use serde::Serialize;

use super::flaky::{Row, View};
use crate::flaky::backtest::Backtest;
use crate::model::{Seconds, Timestamp};

/// What changed, why, what it costs, and what is not known.
#[derive(Clone, Debug, Default)]
pub struct Nightly {
    /// The project's name, where known.
    pub project: Option<String>,
    /// The branch that was asked for, where one was.
    pub branch: Option<String>,
    /// When the newest run began.
    pub now: Timestamp,
    /// The ranked table.
    pub flaky: View,
    /// What is different from the day before the newest run.
    pub changed: Changed,
    /// What goes wrong, most failures first.
    pub causes: Vec<Cause>,
    /// How many causes there are beyond those.
    pub more_causes: usize,
    /// Each day (UTC) with a run, oldest first.
    pub days: Vec<Day>,
    /// The worst tests over time.
    pub heat: Heat,
    /// Tests that take longer than they did, most time lost first.
    pub slower: Vec<Slower>,
    /// Quarantined tests that somebody should look at.
    pub review: Vec<Review>,
    /// Tests in quarantine.
    pub quarantined: usize,
    /// Reports that did not come, or came with fewer tests.
    pub alarms: Vec<Alarm>,
    /// How well the model does on this past.
    pub backtest: Option<Backtest>,
    /// What is not known, in sentences.
    pub unknown: Vec<String>,
}

/// What is different from a day ago.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// Compared with what was known at this moment; `None` where the past is shorter than a day.
    pub since: Option<Timestamp>,
    /// Runs since then.
    pub runs: usize,
    /// Rows of tests that are called flaky now and were not.
    pub new: Vec<usize>,
    /// Rows of flaky tests whose rate is above what it was.
    pub worse: Vec<usize>,
    /// Rows of tests that are broken now.
    pub broken: Vec<usize>,
    /// Of those, rows of tests that were not broken a day ago.
    pub newly_broken: Vec<usize>,
    /// Names of tests that were flaky or broken and are no longer, with what they were.
    pub fixed: Vec<(String, &'static str)>,
}

/// Failures that say the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cause {
    /// What they say, numbers and addresses masked.
    pub message: String,
    /// Failing results.
    pub failures: u32,
    /// Tests that failed so.
    pub tests: u32,
    /// Runs in which.
    pub parts: u32,
    /// Of the failures, how many were flakes, as expected.
    pub flakes: f64,
    /// How many were regressions.
    pub regressions: f64,
    /// How many were outages.
    pub outages: f64,
    /// The tests that failed so most often, at most three.
    pub examples: Vec<String>,
    /// When it was last seen.
    pub last: Timestamp,
}

impl Cause {
    /// What most of its failures were.
    pub fn mostly(&self) -> &'static str {
        if self.outages >= self.flakes && self.outages >= self.regressions {
            "outage"
        } else if self.flakes >= self.regressions {
            "flake"
        } else {
            "regression"
        }
    }
}

/// What a day came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Day {
    /// Its first moment.
    pub day: Timestamp,
    /// Parts of runs.
    pub parts: u32,
    /// Of those, with a failure.
    pub red: u32,
    /// Results of tests that ran.
    pub ran: u64,
    /// Failing results that were flakes, as expected.
    pub flakes: f64,
    /// Regressions.
    pub regressions: f64,
    /// Outages.
    pub outages: f64,
    /// Minutes of reruns that the flakes cost.
    pub minutes: f64,
}

/// Tests over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heat {
    /// When each column begins, and how many parts of runs it holds.
    pub columns: Vec<(Timestamp, u32)>,
    /// Rows of the table, and the share of bad results in each column; `None` where it did not run.
    pub rows: Vec<(usize, Vec<Option<f32>>)>,
}

/// A test that takes longer than it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slower {
    /// The test.
    pub test: String,
    /// Its median before.
    pub before: Seconds,
    /// Its median in the newest stretch.
    pub after: Seconds,
    /// Expected share of false findings among those at least this strong.
    pub q: f64,
}

/// A quarantined test that somebody should look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    /// The test.
    pub test: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Since when it is in, as `2026-03-17`.
    pub since: String,
    /// Until when it may stay, as `2026-03-31`.
    pub until: String,
    /// How often it was in before.
    pub stays_before: usize,
    /// Why, in a sentence.
    pub why: String,
    /// It behaves otherwise than when it was quarantined, and may hide a regression.
    pub alarm: bool,
}

/// Something did not come that should have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alarm {
    /// What it is about: a pipeline and job.
    pub what: String,
    /// What happened, in a sentence.
    pub sentence: String,
}

impl Nightly {
    /// The row of a number in [`Changed`] or [`Heat`].
    pub fn row(&self, at: usize) -> Option<&Row> {
        self.flaky.rows.get(at)
    }

    /// Rows that are called flaky.
    pub fn called_flaky(&self) -> impl Iterator<Item = &Row> {
        use super::flaky::Called;
        self.flaky
            .rows
            .iter()
            .filter(|row| matches!(row.called(), Called::Flaky | Called::Both))
    }

    /// Failures without cause, their cost in person-minutes, and the minutes of reruns.
    pub fn costs(&self) -> (f64, f64, f64) {
        let failures = self.flaky.rows.iter().map(|row| row.without_cause).sum();
        let cost = self.flaky.rows.iter().map(Row::cost).sum();
        let reruns = self.days.iter().map(|day| day.minutes).sum();
        (failures, cost, reruns)
    }

    /// The report in one sentence.
    pub fn headline(&self) -> String {
        use super::flaky::counted;
        let changed = &self.changed;
        let mut said = Vec::new();
        let newly = changed.newly_broken.len();
        let broken = changed.broken.len();
        if broken > 0 {
            let since = match newly {
                0 => String::new(),
                n if n == broken => " (new)".to_owned(),
                n => format!(" ({n} new)"),
            };
            said.push(format!("{} broken now{since}", counted(broken, "test")));
        }
        if changed.since.is_some() {
            for (count, what) in [
                (changed.new.len(), "newly flaky"),
                (changed.worse.len(), "flakier than before"),
                (changed.fixed.len(), "no longer flaky or broken"),
            ] {
                if count > 0 {
                    said.push(format!("{count} {what}"));
                }
            }
        }
        let nothing_worse = broken + changed.new.len() + changed.worse.len() == 0;
        if nothing_worse || changed.since.is_none() && broken == 0 {
            let flaky = self.called_flaky().count();
            let better = match changed.fixed.len() {
                0 => String::new(),
                n => format!(", {n} no longer flaky or broken"),
            };
            return match (flaky, changed.since) {
                (0, None) => "No test is flaky or broken, as far as this past tells.".to_owned(),
                (0, Some(_)) => {
                    format!("No test is flaky or broken{better}, as far as this past tells.")
                }
                (n, None) => format!("{} flaky, none is broken.", verb(n)),
                (n, Some(_)) => format!("Nothing new: {} flaky, none is broken{better}.", verb(n)),
            };
        }
        format!("{}.", said.join(", "))
    }
}

fn verb(count: usize) -> String {
    match count {
        1 => "1 test is".to_owned(),
        n => format!("{n} tests are"),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::flaky::backtest::{Bin, Threshold};
    use crate::report::flaky::testing;

    /// A report with something in every part.
    pub(crate) fn nightly() -> Nightly {
        let day = |at: i64, flakes| Day {
            day: Timestamp((20_000 + at) * Timestamp::DAY),
            parts: 7,
            red: 3,
            ran: 28_000,
            flakes,
            regressions: 1.0,
            outages: 0.0,
            minutes: 2.0 * flakes,
        };
        Nightly {
            project: Some("shop".into()),
            branch: None,
            now: Timestamp(20_030 * Timestamp::DAY),
            flaky: testing::view(),
            changed: Changed {
                since: Some(Timestamp(20_029 * Timestamp::DAY)),
                runs: 7,
                new: vec![0],
                worse: vec![],
                broken: vec![1],
                newly_broken: vec![1],
                fixed: vec![("shop.test_old::was".into(), "flaky")],
            },
            causes: vec![Cause {
                message: "ConnectionError: <host> & port #".into(),
                failures: 12,
                tests: 4,
                parts: 9,
                flakes: 10.5,
                regressions: 0.5,
                outages: 1.0,
                examples: vec!["shop.test_cart::adds_up".into()],
                last: Timestamp(20_030 * Timestamp::DAY),
            }],
            more_causes: 2,
            days: vec![day(28, 2.0), day(29, 3.5), day(30, 0.0)],
            heat: Heat {
                columns: (0..4)
                    .map(|at| (Timestamp((20_026 + at) * Timestamp::DAY), 2))
                    .collect(),
                rows: vec![
                    (0, vec![Some(0.0), None, Some(0.5), Some(1.0)]),
                    (1, vec![Some(0.0), Some(0.0), Some(0.0), Some(1.0)]),
                ],
            },
            slower: vec![Slower {
                test: "shop.test_cart::waits".into(),
                before: Seconds::new(1.0).unwrap(),
                after: Seconds::new(2.5).unwrap(),
                q: 0.001,
            }],
            review: vec![Review {
                test: "shop.test_cart::adds_up".into(),
                owner: Some("@team/shop".into()),
                since: "2024-10-18".into(),
                until: "2024-11-01".into(),
                stays_before: 1,
                why: "its time is up".into(),
                alarm: false,
            }],
            quarantined: 3,
            alarms: vec![Alarm {
                what: "nightly / unit".into(),
                sentence: "reported nothing for 3 days".into(),
            }],
            backtest: Some(Backtest {
                judged_parts: 40,
                passed_over: 0,
                flakes: 30,
                regressions: 10,
                undecided: 7,
                brier: Some(0.031),
                thresholds: vec![Threshold {
                    at: 0.9,
                    right: 28,
                    wrong: 1,
                    missed: 2,
                }],
                reliability: vec![Bin {
                    from: 0.9,
                    to: 1.0,
                    failures: 29,
                    said: 0.97,
                    were: 0.966,
                }],
                flags: Vec::new(),
            }),
            unknown: vec!["Which changes reach which tests.".into()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_names_what_is_new() {
        let mut report = testing::nightly();
        assert_eq!(
            report.headline(),
            "1 test broken now (new), 1 newly flaky, 1 no longer flaky or broken."
        );
        report.changed = Changed::default();
        assert_eq!(report.headline(), "2 tests are flaky, none is broken.");
        report.flaky.rows.clear();
        assert!(report.headline().starts_with("No test is flaky"));
    }
}
