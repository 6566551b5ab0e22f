//! Which tests fail without cause, how sure that is, why, and what it costs: what `tia flaky` shows.
//!
//! The structs here are what every format prints; `app` fills them. Nothing here decides anything but words.

pub mod backtest;
pub mod csv;
pub mod junit;
pub mod story;
pub mod table;

use serde::Serialize;

use crate::flaky::association::{Finding, Kind};
use crate::flaky::changepoint::RateChange;
use crate::flaky::{Broken, Estimate};
use crate::model::{PastPart, Probability, Seconds, TestId, Timestamp, Variant};

/// From here on a test is called flaky, a failure is called a flake, a test is called broken.
pub const CALLED: f64 = crate::flaky::CALLED;
/// From here on it is mentioned that a test may be broken.
pub const MENTIONED: f64 = 0.5;

/// Who is counted as blocked by a failure.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum People {
    /// Distinct authors of the commits on which the test failed.
    Authors,
    /// Distinct branches on which it failed: the repository, which knows the authors, is not at hand.
    Branches,
    /// Nobody is known; every test counts as one person's.
    #[default]
    Unknown,
}

impl People {
    /// How it is counted, in words.
    pub fn definition(self) -> &'static str {
        match self {
            Self::Authors => "distinct authors of the commits on which the test failed",
            Self::Branches => "distinct branches on which the test failed",
            Self::Unknown => "taken as 1: neither authors nor branches are known",
        }
    }
}

/// A stretch of the past, and the tests that failed in it.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// When the first and the last part of a run began; `None` where there is none.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Parts of runs.
    pub parts: usize,
    /// Parts that were hit by an outage, more likely than not.
    pub outages: usize,
    /// Tests that were seen, each variant counted.
    pub tests: usize,
    /// Tests that failed at least once, before any filter.
    pub failing: usize,
    /// How people are counted.
    pub people: People,
    /// The tests that failed and that the filters leave, the costliest first.
    pub rows: Vec<Row>,
    /// What should be known before anything here is believed, in sentences.
    pub notes: Vec<String>,
}

/// A test (in one variant) that failed.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its number among the series of the assessment.
    pub series: u32,
    /// The test.
    pub test: TestId,
    /// In which variant.
    pub variant: Variant,
    /// The file that defines it, where the repository is at hand and was asked.
    pub file: Option<String>,
    /// Who owns that file.
    pub owners: Vec<String>,
    /// Results in which it ran.
    pub ran: u32,
    /// Of those, with at least one bad attempt.
    pub failed: u32,
    /// How many of the failures had no cause, as expected from the chance of each.
    pub without_cause: f64,
    /// People that it blocked.
    pub people: u32,
    /// What a rerun takes: the median of the parts in which it failed; its own time where no part says.
    pub rerun: Option<Seconds>,
    /// At which rate it fails without cause.
    pub rate: Estimate,
    /// That it is flaky now.
    pub flaky: Probability,
    /// That at least one of its failures was a flake.
    pub flaked: Probability,
    /// Where it may be broken now, the likeliest branch.
    pub broken: Option<BrokenNow>,
    /// What its failures go along with, strongest first.
    pub findings: Vec<Finding>,
    /// Where the rate at which it fails without cause changed, oldest first.
    pub changes: Vec<Changed>,
    /// Share of bad results in each of [`LINE`] stretches of the past, oldest first; `None` where it did not run.
    pub line: Vec<Option<f32>>,
}

/// A change of the rate at which a test fails without cause.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// It changed after this, …
    pub after: Option<Place>,
    /// … and at the latest here.
    pub until: Option<Place>,
    /// The rate before.
    pub before: f64,
    /// The rate from then on.
    pub then: f64,
}

impl Changed {
    /// From a change and the parts that it refers to.
    pub fn of(change: &RateChange, parts: &[PastPart]) -> Self {
        let place = |part: u32| parts.get(part as usize).map(Place::of);
        Self {
            after: place(change.after),
            until: place(change.until),
            before: change.before.mean.get(),
            then: change.then.mean.get(),
        }
    }

    /// In words: `from 0 % to 12 % of its runs, after 0123456789ab, at the latest in 123456789abc`.
    pub fn words(&self) -> String {
        let mut words = format!(
            "from {} to {} of its runs",
            percent(self.before),
            percent(self.then)
        );
        if let Some(after) = &self.after {
            words = format!("{words}, after {}", after.words());
        }
        if let Some(until) = &self.until {
            words = format!("{words}, at the latest in {}", until.words());
        }
        words
    }
}

/// Stretches in a row's line.
pub const LINE: usize = 24;

impl Row {
    /// Its cost in person-minutes: failures without cause × people blocked × minutes of a rerun. Where no duration is
    /// known at all, a rerun counts as one minute.
    pub fn cost(&self) -> f64 {
        let minutes = self.rerun.map_or(1.0, |rerun| rerun.get() / 60.0);
        self.without_cause * f64::from(self.people.max(1)) * minutes
    }

    /// What to call it.
    pub fn called(&self) -> Called {
        let broken = self.broken.as_ref().map_or(0.0, |broken| broken.now.get());
        match (self.flaked.get() >= CALLED, broken >= MENTIONED) {
            (true, true) => Called::Both,
            (_, true) => Called::Broken,
            (true, _) => Called::Flaky,
            _ if self.flaked.get() >= MENTIONED => Called::Perhaps,
            _ => Called::Neither,
        }
    }

    /// The name with its variant.
    pub fn name(&self) -> String {
        if self.variant.is_empty() {
            self.test.to_string()
        } else {
            format!("{} ({})", self.test, self.variant)
        }
    }
}

/// What a test is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Called {
    /// It fails without cause.
    Flaky,
    /// It fails without cause, and it is broken now.
    Both,
    /// It is broken now.
    Broken,
    /// It may fail without cause.
    Perhaps,
    /// Its failures had causes.
    Neither,
}

impl Called {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flaky => "flaky",
            Self::Both => "flaky, broken now",
            Self::Broken => "broken now",
            Self::Perhaps => "perhaps flaky",
            Self::Neither => "had causes",
        }
    }
}

/// Where a commit stands in the past.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Place {
    /// The commit, where known.
    pub commit: Option<String>,
    /// When the part of the run began.
    pub start: Timestamp,
}

impl Place {
    /// Where a part stands.
    pub fn of(part: &PastPart) -> Self {
        Self {
            commit: part.context.commit.clone(),
            start: part.start,
        }
    }

    /// The commit, or else the moment.
    pub fn words(&self) -> String {
        match &self.commit {
            Some(commit) => super::history::short(commit).to_owned(),
            None => format!("the run of {}", super::moment::minute(self.start)),
        }
    }
}

/// A test is broken now.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokenNow {
    /// On this branch, where known.
    pub branch: Option<String>,
    /// How likely.
    pub now: Probability,
    /// It was not yet broken here.
    pub after: Option<Place>,
    /// It was broken here at the latest.
    pub by: Option<Place>,
}

impl BrokenNow {
    /// From the state of a test and the parts that it refers to.
    pub fn of(broken: &Broken, parts: &[PastPart]) -> Self {
        let place = |part: u32| parts.get(part as usize).map(Place::of);
        let since = broken.since;
        Self {
            branch: broken.branch.clone(),
            now: broken.now,
            after: since.and_then(|(after, _)| after).and_then(place),
            by: since.and_then(|(_, by)| place(by)),
        }
    }

    /// Since when, in words: `since 0123456789ab, or up to 3 runs earlier`.
    pub fn since(&self) -> String {
        match (&self.after, &self.by) {
            (Some(after), Some(by)) => {
                format!(
                    "broke after {}, at the latest in {}",
                    after.words(),
                    by.words()
                )
            }
            (None, Some(by)) => format!("was broken when it first ran, or broke by {}", by.words()),
            _ => "since a moment that cannot be told".to_owned(),
        }
    }
}

/// The name of a kind, as flags and JSON have it.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Timing => "timing",
        Kind::Load => "load",
        Kind::Clock => "clock",
        Kind::Order => "order",
        Kind::Environment => "environment",
        Kind::CoFailure => "co-failure",
    }
}

/// Every kind.
pub const KINDS: [Kind; 6] = [
    Kind::Timing,
    Kind::Load,
    Kind::Clock,
    Kind::Order,
    Kind::Environment,
    Kind::CoFailure,
];

/// `12 %`, `1.3 %`, `0.02 %`; never `0 %` or `100 %` for what is neither.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        p if p <= 0.0 => "0 %".to_owned(),
        p if p < 0.01 => "< 0.01 %".to_owned(),
        p if p < 1.0 => format!("{p:.2} %"),
        p if p < 9.95 => format!("{p:.1} %"),
        p if p < 99.5 => format!("{p:.0} %"),
        p if p < 99.995 => format!("{:.2} %", (p - 0.005).max(99.5)),
        p if p < 100.0 => "> 99.99 %".to_owned(),
        _ => "100 %".to_owned(),
    }
}

/// How sure something is: [`percent`], but nothing is ever quite sure.
pub fn sure(p: Probability) -> String {
    match p.get() {
        p if p < 0.0001 => "< 0.01 %".to_owned(),
        p if p > 0.9999 => "> 99.99 %".to_owned(),
        p => percent(p),
    }
}

/// Person-minutes in words: `4 min`, `3.5 h`.
pub fn cost(minutes: f64) -> String {
    match minutes {
        m if m < 0.05 => "0 min".to_owned(),
        m if m < 9.95 => format!("{m:.1} min"),
        m if m < 120.0 => format!("{m:.0} min"),
        m if m < 60_000.0 => format!("{:.1} h", m / 60.0),
        m => format!("{:.0} h", m / 60.0),
    }
}

/// `1 test`, `2 tests`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::flaky::association::Experiment;

    /// A probability.
    pub(crate) fn p(p: f64) -> Probability {
        Probability::clamped(p)
    }

    /// A flaky test with a finding.
    pub(crate) fn row(name: &str, without_cause: f64) -> Row {
        Row {
            series: 0,
            test: TestId::of("shop.test_cart", name),
            variant: Variant::default(),
            file: Some("tests/test_cart.py".into()),
            owners: vec!["@team/shop".into()],
            ran: 200,
            failed: 10,
            without_cause,
            people: 3,
            rerun: Seconds::new(120.0),
            rate: Estimate {
                mean: p(0.045),
                low: p(0.02),
                high: p(0.08),
            },
            flaky: p(0.998),
            flaked: p(0.999_99),
            broken: None,
            findings: vec![finding()],
            changes: Vec::new(),
            line: vec![Some(0.0), None, Some(0.5), Some(1.0)],
        }
    }

    /// An association with a host.
    pub(crate) fn finding() -> Finding {
        Finding {
            series: 0,
            kind: Kind::Environment,
            others: Vec::new(),
            factor: "host.name".into(),
            share_with: 0.2,
            share_without: 0.0,
            failures: 8,
            passes: 340,
            p: 1e-8,
            q: 1e-5,
            sentence: "fails on `runner-3` (8 of 40) and nowhere else (0 of 310)".into(),
            experiment: Experiment {
                what: "run it on `runner-3` and on another host".into(),
                runs: 37,
            },
        }
    }

    /// A test that is broken.
    pub(crate) fn broken(name: &str) -> Row {
        let place = |commit: &str, day| Place {
            commit: Some(commit.into()),
            start: Timestamp(day * Timestamp::DAY),
        };
        Row {
            flaky: p(0.02),
            flaked: p(0.03),
            findings: Vec::new(),
            broken: Some(BrokenNow {
                branch: Some("main".into()),
                now: p(0.97),
                after: Some(place("aaaaaaaaaaaaaaaa", 20_000)),
                by: Some(place("bbbbbbbbbbbbbbbb", 20_001)),
            }),
            ..row(name, 0.1)
        }
    }

    /// Some tests of each sort.
    pub(crate) fn view() -> View {
        View {
            span: Some((
                Timestamp(20_000 * Timestamp::DAY),
                Timestamp(20_030 * Timestamp::DAY),
            )),
            parts: 200,
            outages: 2,
            tests: 4000,
            failing: 3,
            people: People::Authors,
            rows: vec![row("adds_up", 9.5), broken("pays"), row("ships", 0.01)],
            notes: vec!["A note.".into()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_is_not_rounded_into_being() {
        let found = [0.0, 0.000_01, 0.0042, 0.042, 0.42, 0.996, 0.999_99, 1.0].map(percent);
        let expected = [
            "0 %",
            "< 0.01 %",
            "0.42 %",
            "4.2 %",
            "42 %",
            "99.59 %",
            "> 99.99 %",
            "100 %",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn cost_is_failures_times_people_times_minutes() {
        let row = testing::row("a", 9.5);
        assert!((row.cost() - 9.5 * 3.0 * 2.0).abs() < 1e-9);
        let alone = Row {
            people: 0,
            rerun: None,
            ..row
        };
        assert!((alone.cost() - 9.5).abs() < 1e-9);
    }

    #[test]
    fn a_broken_test_is_not_called_flaky() {
        assert_eq!(testing::broken("a").called(), Called::Broken);
        assert_eq!(testing::row("a", 1.0).called(), Called::Flaky);
    }
}
