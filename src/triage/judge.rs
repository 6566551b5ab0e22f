//! The failures of one run, each with its verdict.

use serde::{Deserialize, Serialize};

use super::verdict::{
    Advice, Alarm, Chances, Evidence, Range, Reach, Said, Verdict, advice, alarms, chances,
};
use crate::flaky::{Assessment, Reaches, Says, Standing};
use crate::model::{PastPart, Seen, Series};

/// One failure of a run, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The number of the test's series.
    pub series: u32,
    /// The part in which it failed.
    pub part: u32,
    /// It passed in the end, after a bad attempt.
    pub recovered: bool,
    /// How likely each verdict is.
    pub chances: Chances,
    /// The likeliest.
    pub verdict: Verdict,
    /// What a person can check.
    pub evidence: Evidence,
    /// How it differs from the flake that it is known for.
    pub alarms: Vec<Alarm>,
    /// What a rerun would tell.
    pub advice: Advice,
}

/// What a run is judged from.
#[derive(Clone, Copy)]
pub struct Past<'a> {
    /// The parts, in the order in which they ran.
    pub parts: &'a [PastPart],
    /// Series with at least one bad attempt, with their numbers, rising.
    pub failing: &'a [(u32, Series)],
    /// What the model says of them.
    pub assessment: &'a Assessment,
    /// What the graph knows.
    pub reaches: Option<&'a dyn Reaches>,
    /// What failures say.
    pub says: Option<&'a dyn Says>,
}

/// Judges every failure in the parts of one run (indices into `parts`, rising), the worst first: by the chance that it is this
/// change's doing, then by number.
///
/// `range` says, for each part of the run, what counts as this change.
///
/// Cost: O(results of the tests that failed in the run), and O(failures) for what was said.
pub fn judge(past: &Past<'_>, run: &[u32], range: impl Fn(u32) -> Range) -> Vec<Judgement> {
    let words = past.says.map(|says| Words::new(past, says, run));
    let mut judged = Vec::new();
    for (number, series) in past.failing {
        let Some(standing) = past.assessment.tests.get(*number as usize) else {
            continue;
        };
        for failing in &standing.failures {
            if run.binary_search(&failing.part).is_err() {
                continue;
            }
            let case = Case {
                past,
                run,
                series: *number,
                seen: &series.seen,
                standing,
                part: failing.part,
                range: range(failing.part),
            };
            let said = words
                .as_ref()
                .and_then(|words| words.said(*number, failing.part));
            let chances = chances(failing, case.range, case.passed_before());
            let upto = series
                .seen
                .partition_point(|seen| seen.part <= failing.part);
            judged.push(Judgement {
                series: *number,
                part: failing.part,
                recovered: case.result().is_some_and(|seen| seen.is_flaky()),
                verdict: chances.verdict(),
                evidence: case.evidence(said, failing.unreachable),
                alarms: alarms(standing, &series.seen[..upto], said.as_ref()),
                advice: advice(&chances, standing),
                chances,
            });
        }
    }
    judged.sort_by(|a, b| {
        let by = |one: &Judgement| one.chances.this_change();
        by(b)
            .total_cmp(&by(a))
            .then(a.verdict.cmp(&b.verdict))
            .then((a.series, a.part).cmp(&(b.series, b.part)))
    });
    judged
}

/// One failure, with what it is judged from.
struct Case<'a> {
    past: &'a Past<'a>,
    run: &'a [u32],
    series: u32,
    seen: &'a [Seen],
    standing: &'a Standing,
    part: u32,
    range: Range,
}

impl Case<'_> {
    fn result(&self) -> Option<&Seen> {
        self.seen.iter().find(|seen| seen.part == self.part)
    }

    fn is_in_run(&self, part: u32) -> bool {
        self.run.binary_search(&part).is_ok()
    }

    fn line(&self, part: u32) -> Option<u32> {
        Some(self.past.assessment.parts.get(part as usize)?.line)
    }

    fn commit(&self, part: u32) -> Option<&str> {
        self.past
            .parts
            .get(part as usize)?
            .context
            .commit
            .as_deref()
    }

    /// It passed before the range: at an earlier part that does not belong to the change.
    fn passed_before(&self) -> bool {
        self.seen.iter().any(|seen| {
            // The main line has no other that it could have passed on.
            let line = self.line(self.part);
            let outside = match self.range {
                Range::Line => line == Some(0) || self.line(seen.part) != line,
                Range::Commit => true,
            };
            !seen.status.is_bad()
                && seen.status.is_run()
                && outside
                && seen.part < self.part
                && !self.is_in_run(seen.part)
        })
    }

    fn evidence(&self, said: Option<Said>, unreachable: bool) -> Evidence {
        let before: Vec<&Seen> = self
            .seen
            .iter()
            .filter(|seen| {
                seen.part < self.part && !self.is_in_run(seen.part) && seen.status.is_run()
            })
            .collect();
        let line = self.line(self.part);
        let on_line = before
            .iter()
            .filter(|seen| self.line(seen.part) == line)
            .rev();
        let mut since_pass = None;
        for (count, seen) in (0..).zip(on_line) {
            if !seen.status.is_bad() {
                since_pass = Some(count);
                break;
            }
        }
        let commit = self.commit(self.part);
        let same = self.seen.iter().filter(|seen| {
            seen.part != self.part
                && seen.status.is_run()
                && commit.is_some()
                && self.commit(seen.part) == commit
        });
        let (mut passed, mut failed) = (0, 0);
        for seen in same {
            if seen.bad_attempts > 0 {
                failed += 1;
            } else {
                passed += 1;
            }
        }
        let reach = match self
            .past
            .reaches
            .and_then(|graph| graph.reaches(self.series, self.part))
        {
            Some(true) => Reach::Reached,
            Some(false) => Reach::Unreached,
            None => Reach::Unknown,
        };
        let part = self.past.parts.get(self.part as usize);
        let result = self.result();
        let usual = median(
            before
                .iter()
                .filter(|seen| seen.bad_attempts == 0)
                .filter_map(|seen| Some(seen.duration.seconds()?.get())),
        );
        let took = result.and_then(|seen| Some(seen.duration.seconds()?.get()));
        Evidence {
            ran: before.len() as u32,
            failed: before.iter().filter(|seen| seen.bad_attempts > 0).count() as u32,
            since_pass,
            same_commit: (passed, failed),
            attempts: result.map_or((1, false), |seen| {
                (seen.bad_attempts, !seen.status.is_bad())
            }),
            reach,
            unreachable,
            part: part.map_or((0, 0), |part| (part.bad, part.ran)),
            said,
            slower: took
                .zip(usual)
                .filter(|(_, usual)| *usual > 0.0)
                .map(|(took, usual)| took / usual),
            rate: self.standing.rate,
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Who said what, and when.
struct Words<'a> {
    past: &'a Past<'a>,
    says: &'a dyn Says,
    run: &'a [u32],
    /// For each signature of the run, the series that said it: in the run, and before it.
    by: rustc_hash::FxHashMap<u32, [rustc_hash::FxHashSet<u32>; 2]>,
}

impl<'a> Words<'a> {
    fn new(past: &'a Past<'a>, says: &'a dyn Says, run: &'a [u32]) -> Self {
        let mut by: rustc_hash::FxHashMap<u32, [rustc_hash::FxHashSet<u32>; 2]> =
            rustc_hash::FxHashMap::default();
        let bad = || {
            past.failing.iter().flat_map(|(number, series)| {
                let bad = series.seen.iter().filter(|seen| seen.bad_attempts > 0);
                bad.map(|seen| (*number, seen.part))
            })
        };
        for (series, part) in bad().filter(|(_, part)| run.binary_search(part).is_ok()) {
            if let Some(signature) = says.said(series, part) {
                by.entry(signature).or_default()[0].insert(series);
            }
        }
        let first = run.first().copied().unwrap_or_default();
        for (series, part) in bad().filter(|(_, part)| *part < first) {
            if let Some(signature) = says.said(series, part)
                && let Some(by) = by.get_mut(&signature)
            {
                by[1].insert(series);
            }
        }
        Self {
            past,
            says,
            run,
            by,
        }
    }

    fn said(&self, series: u32, part: u32) -> Option<Said> {
        let signature = self.says.said(series, part)?;
        let at = self
            .past
            .failing
            .binary_search_by_key(&series, |(number, _)| *number)
            .ok()?;
        let seen = &self.past.failing[at].1.seen;
        let before: Vec<u32> = seen
            .iter()
            .filter(|seen| seen.bad_attempts > 0 && seen.part < part)
            .filter(|seen| self.run.binary_search(&seen.part).is_err())
            .filter_map(|seen| self.says.said(series, seen.part))
            .collect();
        let others =
            |set: &rustc_hash::FxHashSet<u32>| set.len() as u32 - u32::from(set.contains(&series));
        let by = self.by.get(&signature)?;
        Some(Said {
            signature,
            by_itself: before.iter().filter(|said| **said == signature).count() as u32,
            of: before.len() as u32,
            beside: others(&by[0]),
            elsewhere: others(&by[1]),
        })
    }
}
