//! The past as it was known then: assessments of its beginnings.
//!
//! A replay needs the tests that ever failed and, of the others, only how many passed in each part. These are stood in
//! for: as many nameless series that always pass. An assessment of a beginning is then what [`super::assess`] said on
//! that day, except that no graph is asked.

use super::{Assessment, Assessor, Past};
use crate::model::{LogSeconds, PastPart, Seen, Series, Status, TestId, Variant};

/// A past, to be assessed up to any part.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    parts: &'a [PastPart],
    failing: &'a [(u32, Series)],
    /// For each part, tests that ran in it and never failed anywhere.
    others: Vec<u32>,
}

impl<'a> Replay<'a> {
    /// `failing`: every series with a bad attempt, as numbered in the past.
    pub fn new(parts: &'a [PastPart], failing: &'a [(u32, Series)]) -> Self {
        let mut others: Vec<u32> = parts.iter().map(|part| part.ran).collect();
        for (_, series) in failing {
            for seen in series.seen.iter().filter(|seen| seen.status.is_run()) {
                if let Some(ran) = others.get_mut(seen.part as usize) {
                    *ran = ran.saturating_sub(1);
                }
            }
        }
        Self {
            parts,
            failing,
            others,
        }
    }

    /// The assessment of the first `count` parts. Its tests are those of `failing`, in that order, then the stand-ins.
    ///
    /// Cost: that of an assessment of as many results.
    pub fn up_to(&self, count: usize) -> Assessment {
        let parts = &self.parts[..count.min(self.parts.len())];
        let mut assessor = Assessor::new(Past {
            parts,
            ..Past::default()
        });
        for (_, series) in self.failing {
            let seen = series.seen.iter();
            let seen = seen.take_while(|seen| (seen.part as usize) < parts.len());
            assessor.add(Series {
                test: series.test.clone(),
                variant: series.variant.clone(),
                seen: seen.copied().collect(),
            });
        }
        let others = &self.others[..parts.len()];
        let most = others.iter().max().copied().unwrap_or_default();
        for number in 0..most {
            let seen = |(part, ran): (u32, &u32)| {
                (number < *ran).then_some(Seen {
                    part,
                    status: Status::Passed,
                    bad_attempts: 0,
                    duration: LogSeconds::UNKNOWN,
                })
            };
            assessor.add(Series {
                test: TestId::of("", ""),
                variant: Variant::default(),
                seen: (0..).zip(others).filter_map(seen).collect(),
            });
        }
        assessor.finish()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::model::{PartId, RunContext, RunId, Timestamp};

    /// A part an hour, `each` of them on one commit.
    pub(crate) fn parts(count: usize, each: usize, ran: u32) -> Vec<PastPart> {
        (0..count as i64)
            .map(|at| PastPart {
                part: PartId(at),
                run: RunId(at),
                context: RunContext {
                    commit: Some(format!("commit-{}", at / each as i64)),
                    branch: Some("main".into()),
                    ..RunContext::default()
                },
                start: Timestamp(at * 3_600_000),
                duration: None,
                ran,
                bad: 0,
                flaky: 0,
                complete: true,
            })
            .collect()
    }

    /// `PPFRP` as a series; a dot did not run.
    pub(crate) fn series(name: &str, outcomes: &str) -> Series {
        let seen = |(part, c): (u32, char)| {
            (c != '.').then_some(Seen {
                part,
                status: if c == 'F' {
                    Status::Failed
                } else {
                    Status::Passed
                },
                bad_attempts: u8::from(c != 'P'),
                duration: LogSeconds::UNKNOWN,
            })
        };
        Series {
            test: TestId::of("t", name),
            variant: Variant::default(),
            seen: (0..).zip(outcomes.chars()).filter_map(seen).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{parts, series};
    use super::*;

    #[test]
    fn a_whole_replay_is_the_assessment_itself() {
        let parts = parts(12, 2, 5);
        let flaky = series("flaky", "PFPPPFPPPPPF");
        let broken = series("broken", "PPPPPPPFFFFF");
        let steady = (0..3).map(|n| series(&format!("steady{n}"), "PPPPPPPPPPPP"));
        let all: Vec<Series> = [flaky.clone(), broken.clone()]
            .into_iter()
            .chain(steady)
            .collect();
        let past = Past {
            parts: &parts,
            ..Past::default()
        };
        let whole = crate::flaky::assess(&past, all);
        let failing = [(0, flaky), (1, broken)];
        let replay = Replay::new(&parts, &failing);
        assert_eq!(replay.up_to(12), whole);
        assert_eq!(replay.up_to(99), whole);
    }

    #[test]
    fn what_came_later_is_not_known() {
        let parts = parts(12, 2, 1);
        let failing = [(0, series("a", "PPPPPPFPPPPP"))];
        let replay = Replay::new(&parts, &failing);
        let early = replay.up_to(6);
        assert_eq!((early.tests[0].ran, early.tests[0].failed), (6, 0));
        assert_eq!(replay.up_to(0).tests[0].ran, 0);
    }
}
