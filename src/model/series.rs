//! A stretch of a project's past, laid out for statistics.

use serde::{Deserialize, Serialize};

use super::{LogSeconds, RunContext, Seconds, Status, TestId, Timestamp, Variant};

/// One stored part of a run, by its number in the store that gave it. Numbers differ between stores.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct PartId(pub i64);

/// One stored run, by its number in the store that gave it. Numbers differ between stores.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct RunId(pub i64);

/// What is known of a part as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastPart {
    /// Its number.
    pub part: PartId,
    /// The run that it belongs to.
    pub run: RunId,
    /// Commit, branch, job, machine.
    pub context: RunContext,
    /// When it began; where no report says so, when it was stored.
    pub start: Timestamp,
    /// How long it took, where known.
    pub duration: Option<Seconds>,
    /// Tests that ran (passed, failed or errored).
    pub ran: u32,
    /// Of those, failed or errored in the end.
    pub bad: u32,
    /// Of those, passed after a bad attempt.
    pub flaky: u32,
    /// No report was cut off or lost.
    pub complete: bool,
}

/// One test's outcome in one part, in eight bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Index into the list of parts that the series was made with.
    pub part: u32,
    /// How the last attempt ended.
    pub status: Status,
    /// How many attempts ended badly, the last one included; 255 for more.
    pub bad_attempts: u8,
    /// How long the last attempt took.
    pub duration: LogSeconds,
}

impl Seen {
    /// Passed in the end, after at least one bad attempt.
    pub fn is_flaky(self) -> bool {
        self.status == Status::Passed && self.bad_attempts > 0
    }
}

/// One test's past in one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Which test.
    pub test: TestId,
    /// In which variant.
    pub variant: Variant,
    /// What was seen of it, in the order of the parts. A part in which it was not seen is left out: that is unknown,
    /// not passed.
    pub seen: Vec<Seen>,
}
