//! The life of a quarantined test: proposed, entered, watched, released or expired.
//!
//! A test may come in when it is surely flaky ([`Limits::enter`]) and surely not broken. It may leave when a sequential test
//! (Wald, "Sequential Tests of Statistical Hypotheses", 1945) says that it no longer fails at the rate it came in with but
//! at a small share of it ([`Limits::healed`]). Both limits differ on purpose, so that a test does not go in and out: a single passing week of
//! a rare flake decides nothing, and one failure of a healed test starts no new quarantine.
//!
//! While it is in, it is measured by its own pattern at entry: a higher rate, another message or a much longer duration is
//! an alarm. A quarantined test that breaks for real must not hide behind its past.
//!
//! Nothing is done here; everything is a proposal. Not seen here: why a test healed.

use serde::Deserialize;
use statrs::distribution::{Beta, ContinuousCDF};

use super::Standing;
use crate::model::{Date, Pattern, Quarantined, Status};

/// Who may come in, for how long, and when it may leave: `[quarantine]` of `tia.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// So many tests an owner may have in quarantine, where `quarantine.toml` names no other number. Default 10.
    pub budget: u32,
    /// So many days a test stays where nobody says how many. Default 14.
    pub days: u32,
    /// So many days it stays at most, whatever its last day is. Default: as its last day says.
    pub longest: Option<u32>,
    /// How sure it must be that a test is flaky, for it to be proposed. Default 99 %.
    pub enter: f64,
    /// How likely it may be broken at most, to be proposed. Default 10 %.
    pub broken: f64,
    /// So many failures without cause are needed at least. Default 2.
    pub failures: f64,
    /// A healed test fails at this share of its old rate. Default one tenth.
    pub healed: f64,
    /// Chance of releasing a test that is as flaky as ever. Default 1 %.
    pub wrong_release: f64,
    /// Chance of keeping a test that healed. Default 5 %.
    pub wrong_keep: f64,
    /// An alarm is raised where the pattern at entry makes what was seen less likely than this. Default 1 in 1,000.
    pub alarm: f64,
    /// Or where it takes so many times as long. Default 3.
    pub times: f64,
    /// After so many results. Default 5.
    pub results: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            budget: 10,
            days: 14,
            longest: None,
            enter: 0.99,
            broken: 0.1,
            failures: 2.0,
            healed: 0.1,
            wrong_release: 0.01,
            wrong_keep: 0.05,
            alarm: 0.001,
            times: 3.0,
            results: 5,
        }
    }
}

impl Limits {
    /// What of this makes no sense: the name of the setting, and what it must be.
    pub fn wrong(&self) -> Option<(&'static str, &'static str)> {
        let chance = |value: f64| (0.0..=1.0).contains(&value);
        let between = |value: f64, most: f64| value > 0.0 && value < most;
        let checks = [
            (
                "longest",
                self.longest.is_none_or(|longest| longest >= self.days),
                "at least `days`",
            ),
            ("enter", chance(self.enter), "between 0 and 1"),
            ("broken", chance(self.broken), "between 0 and 1"),
            ("failures", self.failures >= 0.0, "0 or more"),
            ("healed", between(self.healed, 1.0), "above 0 and below 1"),
            (
                "wrong-release",
                between(self.wrong_release, 0.5),
                "above 0 and below 0.5",
            ),
            (
                "wrong-keep",
                between(self.wrong_keep, 0.5),
                "above 0 and below 0.5",
            ),
            ("alarm", chance(self.alarm), "between 0 and 1"),
            ("times", self.times >= 1.0, "1 or more"),
            ("results", self.results >= 1, "1 or more"),
        ];
        let wrong = checks.into_iter().find(|(_, right, _)| !right);
        wrong.map(|(name, _, what)| (name, what))
    }

    /// The last day that an entry may stay.
    pub fn until(&self, entry: &Quarantined) -> Date {
        let last = self.last_day(entry.since);
        last.map_or(entry.until, |last| last.min(entry.until))
    }

    /// The last day that a test may stay which comes on this one, where there is a limit.
    pub fn last_day(&self, since: Date) -> Option<Date> {
        let longest = i32::try_from(self.longest?).unwrap_or(i32::MAX);
        Some(since.plus(longest))
    }
}

/// What a quarantined test did since it came in.
#[derive(Clone, Debug, Default)]
pub struct Since {
    /// Results in which it ran, oldest first: whether any attempt was bad.
    pub bad: Vec<bool>,
    /// Seconds of its results, in any order.
    pub seconds: Vec<f64>,
    /// What its failures said, masked.
    pub messages: Vec<String>,
    /// That it is broken now.
    pub broken: f64,
}

/// What should be done with a quarantined test.
#[derive(Clone, Debug, PartialEq)]
pub enum Advice {
    /// It left its own pattern, for these reasons.
    Alarm(Vec<String>),
    /// Its time is up.
    Expired,
    /// It healed; after so many results.
    Release(u32),
    /// It goes on as it came.
    Stay {
        /// If it passes so many times more in a row, it healed.
        passes: u32,
    },
}

/// Whether a test may come in: surely flaky, surely not broken.
pub fn may_enter(limits: &Limits, standing: &Standing) -> bool {
    let broken = standing.broken.iter().map(|broken| broken.now.get());
    let failures: f64 = standing.failures.iter().map(|it| it.flake.get()).sum();
    standing.flaked.get() >= limits.enter
        && standing.flaky.get() >= limits.enter
        && broken.fold(0.0, f64::max) <= limits.broken
        && failures >= limits.failures
}

/// What to do with a test in quarantine. Alarms come before all else, and a test that healed before its end may go.
pub fn advise(limits: &Limits, entry: &Quarantined, since: &Since, today: Date) -> Advice {
    let alarms = alarms(limits, &entry.pattern, since);
    if !alarms.is_empty() {
        return Advice::Alarm(alarms);
    }
    match sequential(limits, entry.pattern.rate, &since.bad) {
        Sequential::Healed(after) => Advice::Release(after),
        _ if today > limits.until(entry) => Advice::Expired,
        Sequential::Open(passes) => Advice::Stay { passes },
    }
}

/// What the sequential test says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sequential {
    /// Healed after so many results.
    Healed(u32),
    /// Not decided; so many passes in a row would.
    Open(u32),
}

/// Wald's test of "fails at `rate`" against "fails at a small share of it". Where the results speak for the rate, it begins
/// anew: a test may heal any day.
fn sequential(limits: &Limits, rate: f64, bad: &[bool]) -> Sequential {
    let rate = rate.clamp(0.001, 0.95);
    let healed = rate * limits.healed;
    let on_bad = (rate / healed).ln();
    let on_pass = ((1.0 - rate) / (1.0 - healed)).ln();
    let keep = ((1.0 - limits.wrong_release) / limits.wrong_keep).ln();
    let release = (limits.wrong_release / (1.0 - limits.wrong_keep)).ln();
    let mut sum = 0.0;
    for (at, bad) in bad.iter().enumerate() {
        sum += if *bad { on_bad } else { on_pass };
        if sum >= keep {
            sum = 0.0;
        }
        if sum <= release {
            return Sequential::Healed(at as u32 + 1);
        }
    }
    Sequential::Open(((release - sum) / on_pass).ceil().max(1.0) as u32)
}

/// In what a test left its own pattern.
fn alarms(limits: &Limits, pattern: &Pattern, since: &Since) -> Vec<String> {
    let enough = limits.results as usize;
    let mut alarms = Vec::new();
    if since.broken >= 0.9 {
        alarms.push("it is broken: it fails as a regression does, not as a flake".to_owned());
    }
    let bad = since.bad.iter().filter(|bad| **bad).count();
    let ran = since.bad.len();
    if ran >= enough && as_many(pattern, ran, bad) < limits.alarm {
        alarms.push(format!(
            "it failed {bad} of {ran} times since it came, {:.0} % before",
            100.0 * pattern.rate
        ));
    }
    let new: Vec<&String> = since
        .messages
        .iter()
        .filter(|message| !pattern.messages.contains(message))
        .collect();
    if let (Some(first), false) = (new.first(), pattern.messages.is_empty()) {
        alarms.push(format!("it fails with a message that is new: {first}"));
    }
    if let Some(before) = pattern.seconds.filter(|_| since.seconds.len() >= enough) {
        let mut sorted = since.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let now = sorted[sorted.len() / 2];
        if now >= limits.times * before && now - before >= 0.1 {
            alarms.push(format!("it takes {now:.1} s, {before:.1} s before"));
        }
    }
    alarms
}

/// The chance of at least `bad` failures in `ran` results, for a test whose rate is as uncertain as its pattern says:
/// beta-binomial, with Jeffreys' prior (1946) of 1/2 and 1/2.
fn as_many(pattern: &Pattern, ran: usize, bad: usize) -> f64 {
    let flaked = pattern.flaked.clamp(0.0, f64::from(pattern.ran));
    let a = flaked + 0.5;
    let b = f64::from(pattern.ran) - flaked + 0.5;
    let Ok(beta) = Beta::new(a, b) else {
        return 1.0;
    };
    if bad == 0 {
        return 1.0;
    }
    // the binomial tail is itself a beta's: P(X ≥ k) = I_r(k, n − k + 1), averaged over the quantiles of the rate
    let Ok(tail) = Beta::new(bad as f64, (ran - bad + 1) as f64) else {
        return 1.0;
    };
    const STEPS: u32 = 200;
    let step = |at: u32| tail.cdf(beta.inverse_cdf((f64::from(at) + 0.5) / f64::from(STEPS)));
    (0..STEPS).map(step).sum::<f64>() / f64::from(STEPS)
}

/// Whether a result counts as bad for the quarantine.
pub fn is_bad(status: Status, bad_attempts: u8) -> bool {
    status.is_bad() || bad_attempts > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TestId, Variant};

    fn entry() -> Quarantined {
        Quarantined {
            test: TestId::of("a", "b"),
            variant: Variant::default(),
            owner: None,
            reason: "flaky".into(),
            link: None,
            since: Date(20_000),
            until: Date(20_014),
            pattern: Pattern {
                ran: 200,
                flaked: 20.0,
                rate: 0.1,
                seconds: Some(1.0),
                messages: vec!["port #".into()],
            },
        }
    }

    fn since(outcomes: &str) -> Since {
        Since {
            bad: outcomes.chars().map(|c| c == 'F').collect(),
            ..Since::default()
        }
    }

    #[track_caller]
    fn check(outcomes: &str, day: i32, expected: &Advice) {
        assert_eq!(
            &advise(
                &Limits::default(),
                &entry(),
                &since(outcomes),
                Date(20_000 + day)
            ),
            expected
        );
    }

    #[test]
    fn a_test_that_passes_long_enough_may_go() {
        check(&"P".repeat(48), 3, &Advice::Release(48));
        check(&"P".repeat(47), 3, &Advice::Stay { passes: 1 });
    }

    #[test]
    fn failures_at_the_old_rate_keep_it() {
        let flaky = "PPPPPPPPPF".repeat(30);
        assert!(matches!(
            advise(&Limits::default(), &entry(), &since(&flaky), Date(20_003)),
            Advice::Stay { .. }
        ));
    }

    #[test]
    fn nothing_stays_longer_than_the_longest() {
        let short = Limits {
            days: 3,
            longest: Some(7),
            ..Limits::default()
        };
        let on = |day| advise(&short, &entry(), &since("PPF"), Date(20_000 + day));
        assert_eq!(on(7), Advice::Stay { passes: 70 });
        assert_eq!(on(8), Advice::Expired);
        assert_eq!(short.wrong(), None);
        let longer = Limits { days: 8, ..short };
        assert_eq!(longer.wrong(), Some(("longest", "at least `days`")));
    }

    #[test]
    fn a_rare_flake_needs_longer() {
        let rare = |rate| match sequential(&Limits::default(), rate, &[]) {
            Sequential::Open(passes) => passes,
            Sequential::Healed(_) => 0,
        };
        assert!(
            rare(0.01) > 400 && rare(0.5) < 10,
            "{} {}",
            rare(0.01),
            rare(0.5)
        );
    }

    #[test]
    fn it_expires_after_its_last_day() {
        check("PPF", 14, &Advice::Stay { passes: 70 });
        check("PPF", 15, &Advice::Expired);
    }

    #[test]
    fn what_leaves_its_pattern_is_an_alarm() {
        assert!(matches!(
            advise(
                &Limits::default(),
                &entry(),
                &since("PPFFFFFF"),
                Date(20_001)
            ),
            Advice::Alarm(_)
        ));
        let new = Since {
            messages: vec!["port #".into(), "KeyError".into()],
            ..since("PPF")
        };
        assert!(
            matches!(advise(&Limits::default(), &entry(), &new, Date(20_001)), Advice::Alarm(why) if why.len() == 1)
        );
        let slow = Since {
            seconds: vec![4.0; 6],
            ..since("PPPPPP")
        };
        assert!(matches!(
            advise(&Limits::default(), &entry(), &slow, Date(20_001)),
            Advice::Alarm(_)
        ));
        let broken = Since {
            broken: 0.95,
            ..since("PFF")
        };
        assert!(matches!(
            advise(&Limits::default(), &entry(), &broken, Date(20_001)),
            Advice::Alarm(_)
        ));
    }

    #[test]
    fn the_tail_is_that_of_a_beta_binomial() {
        // a rate that is known well gives the binomial: P(X ≥ 3 | 10, 0.1) = 0.0702
        let sure = Pattern {
            ran: 1_000_000,
            flaked: 100_000.0,
            ..Pattern::default()
        };
        assert!(
            (as_many(&sure, 10, 3) - 0.0702).abs() < 1e-3,
            "{}",
            as_many(&sure, 10, 3)
        );
        assert!(as_many(&sure, 10, 0) > 0.999);
    }
}
