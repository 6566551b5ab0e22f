//! What became of one test in one run.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Seconds, TestId, Timestamp, Variant};

/// How one attempt at a test ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It ran and found nothing wrong.
    Passed,
    /// An assertion did not hold.
    Failed,
    /// It broke in another way: an exception, a crash, set-up or tear-down.
    Errored,
    /// It was left out in this run, or is expected to fail.
    Skipped,
    /// It is switched off, or the producer lists it as not run.
    Disabled,
}

impl Status {
    /// Failed or errored.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Errored)
    }

    /// Passed, failed or errored: the test did run.
    pub fn is_run(self) -> bool {
        matches!(self, Self::Passed | Self::Failed | Self::Errored)
    }

    /// One letter: `P`, `F`, `E`, `S`, `D`.
    pub fn letter(self) -> char {
        match self {
            Self::Passed => 'P',
            Self::Failed => 'F',
            Self::Errored => 'E',
            Self::Skipped => 'S',
            Self::Disabled => 'D',
        }
    }
}

/// What a producer says of one failure.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// The type: an exception class, an assertion kind; empty where not given.
    pub kind: String,
    /// The message.
    pub message: String,
    /// The stack trace or longer text.
    pub stack: String,
}

/// An attempt that was followed, or accompanied, by another of the same test in the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// How it ended.
    pub status: Status,
    /// How long it took.
    pub duration: Option<Seconds>,
    /// When it began.
    pub start: Option<Timestamp>,
    /// What went wrong; several for producers that report each assertion.
    pub failures: Vec<Failure>,
}

/// One test's outcome in one run. The last attempt is the result itself; those before it are in `earlier`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// Which test.
    pub test: TestId,
    /// What set this execution apart; `None` for nothing.
    pub variant: Option<Arc<Variant>>,
    /// How the last attempt ended.
    pub status: Status,
    /// How long the last attempt took.
    pub duration: Option<Seconds>,
    /// When the last attempt began.
    pub start: Option<Timestamp>,
    /// What went wrong in the last attempt.
    pub failures: Vec<Failure>,
    /// The attempts before the last one, in order unless `unordered`.
    pub earlier: Vec<Attempt>,
    /// The producer does not tell the order of the attempts: "last" means nothing.
    pub unordered: bool,
}

impl TestResult {
    /// A result of one attempt without failures.
    pub fn new(test: TestId, status: Status, duration: Option<Seconds>) -> Self {
        Self {
            test,
            variant: None,
            status,
            duration,
            start: None,
            failures: Vec::new(),
            earlier: Vec::new(),
            unordered: false,
        }
    }

    /// Passed in the end, after at least one bad attempt.
    pub fn is_flaky(&self) -> bool {
        self.status == Status::Passed && self.earlier.iter().any(|attempt| attempt.status.is_bad())
    }

    /// How many attempts ended badly, the last one included.
    pub fn bad_attempts(&self) -> usize {
        let earlier = self
            .earlier
            .iter()
            .filter(|attempt| attempt.status.is_bad());
        earlier.count() + usize::from(self.status.is_bad())
    }
}
