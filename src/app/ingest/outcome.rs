//! What an ingest did, report by report and part by part.

use crate::junit::Issue;
use crate::model::{PartId, RunContext, Status, TestResult};

/// What became of one report.
#[derive(Clone, Debug)]
pub struct FileOutcome {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
    /// Oddities of the report, in order, the first ones.
    pub issues: Vec<Issue>,
}

/// What can become of a report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It was read (and, unless only checked, stored).
    Read {
        /// Who wrote it.
        producer: &'static str,
        /// How many results it holds.
        results: usize,
        /// It was not cut off.
        complete: bool,
    },
    /// This very report is stored already.
    Known,
    /// It was found beside reports and is none.
    NoReport {
        /// What it is instead.
        why: String,
    },
    /// It could not be used at all.
    Refused {
        /// Why.
        why: String,
    },
}

/// One part that was stored.
#[derive(Clone, Debug)]
pub struct StoredPart {
    /// Its number in the store.
    pub id: PartId,
    /// What is known of its run.
    pub context: RunContext,
    /// Who wrote its reports.
    pub producer: String,
    /// How many reports it was read from.
    pub reports: usize,
    /// Its results.
    pub counts: Counts,
    /// No report was cut off.
    pub complete: bool,
    /// Errors that belong to no test.
    pub errors_outside_tests: u32,
}

/// Results by outcome.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Passed in the end, those of `flaky` included.
    pub passed: u64,
    /// An assertion did not hold.
    pub failed: u64,
    /// Broke in another way.
    pub errored: u64,
    /// Left out.
    pub skipped: u64,
    /// Switched off.
    pub disabled: u64,
    /// Passed after a bad attempt.
    pub flaky: u64,
}

impl Counts {
    /// All results.
    pub fn all(&self) -> u64 {
        self.passed + self.failed + self.errored + self.skipped + self.disabled
    }

    /// Adds the results of a window.
    pub fn add(&mut self, results: &[TestResult]) {
        for result in results {
            *match result.status {
                Status::Passed => &mut self.passed,
                Status::Failed => &mut self.failed,
                Status::Errored => &mut self.errored,
                Status::Skipped => &mut self.skipped,
                Status::Disabled => &mut self.disabled,
            } += 1;
            self.flaky += u64::from(result.is_flaky());
        }
    }
}

/// What an ingest did.
#[derive(Clone, Debug, Default)]
pub struct Ingested {
    /// Every report with something to say about it: all that were not simply read and stored without an oddity.
    pub files: Vec<FileOutcome>,
    /// How many reports were read.
    pub read: usize,
    /// How many were stored before.
    pub known: usize,
    /// The parts that were stored, in order.
    pub parts: Vec<StoredPart>,
    /// The parts that reports were found in that were stored before; some may come twice.
    pub before: Vec<PartId>,
}

impl Ingested {
    /// Whether something that the user named could not be used.
    pub fn refused(&self) -> usize {
        let refused = |file: &&FileOutcome| matches!(file.fate, Fate::Refused { .. });
        self.files.iter().filter(refused).count()
    }

    pub(super) fn note(&mut self, name: &str, fate: Fate, issues: Vec<Issue>) {
        match &fate {
            Fate::Read { complete, .. } => {
                self.read += 1;
                if *complete && issues.is_empty() {
                    return;
                }
            }
            Fate::Known => {
                self.known += 1;
                return;
            }
            Fate::NoReport { .. } | Fate::Refused { .. } => {}
        }
        self.files.push(FileOutcome {
            name: name.to_owned(),
            fate,
            issues,
        });
    }
}
