//! Whose failure is it: the verdict on one failure, with the evidence that a person can check.
//!
//! A verdict is about a failure, not about a test. The chances are those of the state model ([`crate::flaky`]): what the
//! project's past says of each test, what the graph says of each change, what the failure itself says, and what became of all
//! other tests in the same part. What is added here is the range: a breakage that began in it is a *regression* by the change
//! at hand, one that was there before is *already broken*; a test without a past that fails is a *new test*.

use serde::{Deserialize, Serialize};

use crate::flaky::{Estimate, Failing, Standing};
use crate::model::{Probability, Seen};

/// What triage says of one failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A change of this range broke the test.
    Regression,
    /// The test was never seen to pass before this range.
    NewTest,
    /// The test was broken before this range.
    AlreadyBroken,
    /// The test failed without cause.
    Flake,
    /// The run was hit by an outage.
    Infrastructure,
}

impl Verdict {
    /// All, the worst first.
    pub const ALL: [Self; 5] = [
        Self::Regression,
        Self::NewTest,
        Self::AlreadyBroken,
        Self::Flake,
        Self::Infrastructure,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::NewTest => "new test fails",
            Self::AlreadyBroken => "already broken",
            Self::Flake => "flake",
            Self::Infrastructure => "infrastructure",
        }
    }
}

/// From this chance on a failure is called this change's doing: missing one is taken to cost four times a false alarm.
pub const SUSPECTED: f64 = 0.2;

/// How likely each verdict is. They sum to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chances {
    /// [`Verdict::Regression`].
    pub regression: Probability,
    /// [`Verdict::NewTest`].
    pub new_test: Probability,
    /// [`Verdict::AlreadyBroken`].
    pub already_broken: Probability,
    /// [`Verdict::Flake`].
    pub flake: Probability,
    /// [`Verdict::Infrastructure`].
    pub infrastructure: Probability,
}

impl Chances {
    /// Nothing is known of the past: a failure of the change at hand, for all that can be said.
    pub fn unknown() -> Self {
        Self {
            regression: Probability::clamped(1.0),
            ..Self::default()
        }
    }

    /// Of one verdict.
    pub fn of(&self, verdict: Verdict) -> f64 {
        match verdict {
            Verdict::Regression => self.regression,
            Verdict::NewTest => self.new_test,
            Verdict::AlreadyBroken => self.already_broken,
            Verdict::Flake => self.flake,
            Verdict::Infrastructure => self.infrastructure,
        }
        .get()
    }

    /// The verdict that costs least to be wrong with: the likeliest one; but a failure that is this change's doing with a chance of
    /// [`SUSPECTED`] or more is called so, because a regression that is called a flake costs more than a flake that is looked at.
    pub fn verdict(&self) -> Verdict {
        if self.this_change() >= SUSPECTED {
            return if self.new_test > self.regression {
                Verdict::NewTest
            } else {
                Verdict::Regression
            };
        }
        let mut found = Verdict::AlreadyBroken;
        for verdict in Verdict::ALL {
            if self.of(verdict) > self.of(found) {
                found = verdict;
            }
        }
        found
    }

    /// That the failure is the doing of the change at hand: a regression, or a new test that fails.
    pub fn this_change(&self) -> f64 {
        (self.regression.get() + self.new_test.get()).min(1.0)
    }
}

/// What "before" means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// What came with the commit, since the one before that ran on the same line: a line that all share.
    #[default]
    Commit,
    /// All commits of the line since it left the main one: somebody's branch, which is answerable for all of it.
    Line,
}

/// The chances of one failure. `passed_before`: the test was seen to pass before this range, on any line.
pub fn chances(failing: &Failing, range: Range, passed_before: bool) -> Chances {
    let broken = failing.regression.get();
    let ours = match range {
        Range::Commit => failing.broke_at_commit.get(),
        Range::Line => failing.broke_on_line.get(),
    }
    .min(broken);
    let p = Probability::clamped;
    if passed_before {
        Chances {
            regression: p(ours),
            new_test: p(0.0),
            already_broken: p(broken - ours),
            flake: failing.flake,
            infrastructure: failing.outage,
        }
    } else {
        // Without a pass nothing tells "broken by this change" from "never worked".
        Chances {
            new_test: p(broken),
            flake: failing.flake,
            infrastructure: failing.outage,
            ..Chances::default()
        }
    }
}

/// Whether the change at hand can reach the test.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// It can.
    Reached,
    /// It cannot, as far as the graph knows.
    Unreached,
    /// No graph says.
    #[default]
    Unknown,
}

/// What a person can check: what is known of a failure besides the chances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Results of the test before this run.
    pub ran: u32,
    /// Of those, with a bad attempt.
    pub failed: u32,
    /// Results since the test last passed, without this one; `None` where it never did.
    pub since_pass: Option<u32>,
    /// At the same commit: parts in which it passed at once, and in which it failed, without this one.
    pub same_commit: (u32, u32),
    /// Bad attempts in this part, and whether it passed after them.
    pub attempts: (u8, bool),
    /// Whether the change can reach it.
    pub reach: Reach,
    /// No change since its last pass can reach it.
    pub unreachable: bool,
    /// How many results of the part were bad, and how many ran.
    pub part: (u32, u32),
    /// What it says, by whom it was said before.
    pub said: Option<Said>,
    /// How long it took against the median of its passes, where both are known.
    pub slower: Option<f64>,
    /// How often it fails without cause, by all that is known.
    pub rate: Estimate,
}

/// Who said the same before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The number of the signature.
    pub signature: u32,
    /// Failures of this test that said the same before.
    pub by_itself: u32,
    /// Failures of this test that said something before.
    pub of: u32,
    /// Other tests that say it in the same run.
    pub beside: u32,
    /// Other tests that said it before this run.
    pub elsewhere: u32,
}

/// A known flake leaves its own pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alarm {
    /// It failed before, and never said this.
    NewMessage,
    /// It fails more often than its rate: the chance of so many failures among its newest results is below 1 %.
    AboveRate,
    /// Failing took at least three times, or at most a third, of what its failures took before.
    Duration,
}

/// So many of the newest results are weighed against the flake rate.
const NEWEST: usize = 10;
/// Below this chance a test is above its rate.
const RARE: f64 = 0.01;
/// So many earlier messages must be known before a new one is an alarm.
const KNOWN_WORDS: u32 = 3;

/// What of a failure is not like those that the test is known for; nothing where none are known.
///
/// `seen`: the results of the test up to this one, oldest first.
pub fn alarms(standing: &Standing, seen: &[Seen], said: Option<&Said>) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    if said.is_some_and(|said| said.of >= KNOWN_WORDS && said.by_itself == 0) {
        alarms.push(Alarm::NewMessage);
    }
    let newest = &seen[seen.len().saturating_sub(NEWEST)..];
    let failed = newest.iter().filter(|seen| seen.bad_attempts > 0).count();
    if failed >= 3 && at_least(failed, newest.len(), standing.rate.high.get()) < RARE {
        alarms.push(Alarm::AboveRate);
    }
    let Some((last, before)) = seen.split_last() else {
        return alarms;
    };
    let mut took: Vec<f64> = before
        .iter()
        .filter(|seen| seen.bad_attempts > 0)
        .filter_map(|seen| Some(seen.duration.seconds()?.get()))
        .collect();
    took.sort_by(f64::total_cmp);
    if took.len() >= KNOWN_WORDS as usize
        && let Some(now) = last.duration.seconds()
    {
        let (low, high) = (took[0], took[took.len() - 1]);
        if now.get() > (3.0 * high).max(0.1) || (now.get() < low / 3.0 && low > 0.1) {
            alarms.push(Alarm::Duration);
        }
    }
    alarms
}

/// The chance of at least `k` of `n` at rate `p` (binomial).
fn at_least(k: usize, n: usize, p: f64) -> f64 {
    let (mut term, mut sum) = ((1.0 - p).powi(n as i32), 0.0);
    for i in 0..=n {
        if i >= k {
            sum += term;
        }
        term *= (n - i) as f64 / (i + 1) as f64 * p / (1.0 - p).max(1e-12);
    }
    sum.min(1.0)
}

/// What a rerun would tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "rerun")]
pub enum Advice {
    /// Nothing: the verdict is sure.
    Waste,
    /// So many reruns at the same commit settle it: one pass says flake, no pass says broken.
    Runs {
        /// How many.
        runs: u32,
    },
    /// The whole run, on another machine: the outage hides what its tests would say.
    WholeRun,
}

/// From here on a verdict is sure.
const SURE: f64 = 0.99;
/// More reruns are never advised.
const MOST_RUNS: u32 = 20;

/// How many reruns settle a failure.
///
/// While a test is broken it fails every time; while it is not, each rerun fails with its flake rate (at least 10 %, since
/// failures come in stretches). With the odds `o` of flake to broken, `n` failures in a row leave `o × rateⁿ`: asked for is the
/// smallest `n` that brings this below 1 in 100 (FACF, Henderson et al., ICST 2023, section on verification).
pub fn advice(chances: &Chances, standing: &Standing) -> Advice {
    if chances.infrastructure.get() >= 0.5 {
        return Advice::WholeRun;
    }
    if chances.of(chances.verdict()) >= SURE {
        return Advice::Waste;
    }
    let broken = chances.this_change() + chances.already_broken.get();
    let rate = standing.rate.mean.get().clamp(0.1, 0.95);
    let odds = chances.flake.get().max(1e-6) / broken.max(1e-6);
    let needed = ((odds / (1.0 - SURE)).ln() / -rate.ln()).ceil();
    Advice::Runs {
        runs: (needed.max(1.0) as u32).min(MOST_RUNS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(regression: f64, here: f64, line: f64, flake: f64) -> Failing {
        let p = Probability::clamped;
        Failing {
            part: 0,
            regression: p(regression),
            flake: p(flake),
            outage: p(1.0 - regression - flake),
            unreachable: false,
            broke_here: p(here),
            broke_at_commit: p(here),
            broke_on_line: p(line),
        }
    }

    #[test]
    fn a_branch_answers_for_all_it_changed_and_a_shared_line_for_the_newest_commit() {
        let failing = failing(0.9, 0.1, 0.8, 0.1);
        let shared = chances(&failing, Range::Commit, true);
        assert_eq!(shared.verdict(), Verdict::AlreadyBroken);
        let branch = chances(&failing, Range::Line, true);
        assert_eq!(branch.verdict(), Verdict::Regression);
        for chances in [shared, branch] {
            let sum: f64 = Verdict::ALL.iter().map(|v| chances.of(*v)).sum();
            assert!((sum - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_test_that_never_passed_is_new() {
        let chances = chances(&failing(0.7, 0.0, 0.0, 0.3), Range::Commit, false);
        assert_eq!(chances.verdict(), Verdict::NewTest);
        assert!((chances.this_change() - 0.7).abs() < 1e-9);
    }

    #[test]
    fn a_regression_is_said_long_before_it_is_the_likeliest() {
        let doubt = chances(&failing(0.2, 0.2, 0.2, 0.8), Range::Commit, true);
        assert_eq!(doubt.verdict(), Verdict::Regression);
        let less = chances(&failing(0.19, 0.19, 0.19, 0.81), Range::Commit, true);
        assert_eq!(less.verdict(), Verdict::Flake);
    }

    #[test]
    fn binomial_tails_are_those_of_the_definition() {
        assert!((at_least(0, 10, 0.3) - 1.0).abs() < 1e-12);
        assert!((at_least(2, 2, 0.5) - 0.25).abs() < 1e-12);
        assert!((at_least(1, 3, 0.1) - 0.271).abs() < 1e-12);
    }
}
