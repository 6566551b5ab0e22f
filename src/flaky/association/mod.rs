//! Kinds of flakiness: what the failures of a test go along with.
//!
//! Each kind compares the failing results of one test with its passing ones. A [`Finding`] is claimed only after
//! correction for all tests and all factors that were looked at; "not enough data" is an answer too.
//!
//! Failures count where the state model believes them to be flakes: no regressions, no outages. Where the rate of a test
//! changed, only the stretches in which it is flaky are compared, so that nothing is blamed on the calendar that a commit
//! did. A factor that only follows another one (hosts of one architecture) is dropped: within strata of the stronger one it
//! says nothing more.

mod clock;
mod cofailure;
mod discovery;
mod environment;
mod exact;
mod judge;
mod load;
mod order;
mod power;
mod sample;
mod timing;

use serde::{Deserialize, Serialize};

pub use judge::{Associated, Examined, associate};
pub use timing::speaks_of_timeout;

/// What is known of the failures besides the series. All of it may be empty.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// In which order the tests of a part ran.
    pub orders: Option<&'a dyn Orders>,
    /// What failures said, sorted by series and part.
    pub messages: &'a [Message],
    /// What a series is called in sentences.
    pub name: &'a dyn Fn(u32) -> String,
}

/// In which order tests ran.
pub trait Orders {
    /// The series that ran in this part, by number, in the order of execution; `None` where it is not known. Asked at most
    /// once a part.
    fn order(&self, part: u32) -> Option<Vec<u32>>;
}

/// What a failure said, as far as a kind asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Message {
    /// Of which series.
    pub series: u32,
    /// In which part.
    pub part: u32,
    /// It speaks of a timeout (see [`speaks_of_timeout`]).
    pub timeout: bool,
}

/// What a test's failures depend on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// On how long it takes: failures are slower or stand at a ceiling, or its messages speak of a timeout.
    Timing,
    /// On how busy the machine is.
    Load,
    /// On the hour, the day of the week or of the month, or on midnight.
    Clock,
    /// On which tests ran before it in the same process.
    Order,
    /// On the machine: host, OS, architecture, runner.
    Environment,
    /// On whatever other tests fail with it.
    CoFailure,
}

/// One dependence that the past shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The series, by its number in the order given.
    pub series: u32,
    /// For [`Kind::CoFailure`], the other series of the cluster, which has one finding; else empty.
    pub others: Vec<u32>,
    /// Which kind.
    pub kind: Kind,
    /// What it depends on: an attribute (`host.name`), `duration`, `hour of day`, or another test.
    pub factor: String,
    /// How strongly: the share of results that fail where the factor holds, and where it does not (0 to 1).
    pub share_with: f64,
    /// See `share_with`.
    pub share_without: f64,
    /// Failing results that were compared.
    pub failures: u32,
    /// Passing results that were compared.
    pub passes: u32,
    /// Chance of an association as strong where there is none.
    pub p: f64,
    /// The same after correction: the expected share of false findings among those at least this strong (Benjamini and
    /// Hochberg, 1995).
    pub q: f64,
    /// In words, without the test's name: "fails on `runner-3` (8 of 40) and nowhere else (0 of 310)".
    pub sentence: String,
    /// What would confirm it.
    pub experiment: Experiment,
}

/// An experiment that would confirm a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// What to do, in words.
    pub what: String,
    /// How many runs it needs to tell the two shares apart (5 % level, 80 % power).
    pub runs: u32,
}

#[cfg(test)]
mod tests;
