//! What happened before: a project's test results in one SQLite file.
//!
//! The unit of storing is a [`Part`]: what one job reported, whole or not at all. Its results become one block a window
//! ([`block`]): which tests (a roster, shared by all parts that report the same tests), what did not simply pass, and
//! one byte a duration, all compressed: about a byte a result. What went wrong is kept as rows, each text once.
//!
//! ```
//! use tia::history::{Added, History, Query};
//! use tia::model::{Part, Seconds, Status, TestId, TestResult, Timestamp};
//!
//! let mut history = History::in_memory()?;
//! let test = TestId::of("shop.cart", "adds_up");
//! let part = Part {
//!     results: vec![TestResult::new(test.clone(), Status::Passed, Seconds::new(0.25))],
//!     complete: true,
//!     ..Part::default()
//! };
//! assert!(matches!(history.add_part(&part, Timestamp(1_000))?, Added::New(_)));
//! assert!(matches!(history.add_part(&part, Timestamp(2_000))?, Added::Known(_)));
//! assert_eq!(history.line(&test, &Query::default())?.len(), 1);
//! # Ok::<(), tia::history::HistoryError>(())
//! ```
//!
//! Kept of a result: everything but the precision of its durations ([`LogSeconds`]). Not known here: what a report is,
//! what a failure means, what the time is. Statements are in `store` and nowhere else.

use std::cell::RefCell;
use std::path::Path;

#[cfg(doc)]
use crate::model::Part;
use crate::model::{Fingerprint, LogSeconds, PartId, PastPart, Printer, RunId, Timestamp};

pub mod block;
mod check;
mod content;
mod error;
mod frame;
mod ingest;
mod keep;
mod memo;
mod merge;
mod read;
mod rename;
mod retention;
mod rollup;
mod roster;
mod sift;
mod sql;
mod stats;
mod stays;
mod store;
mod walk;

pub use block::{BLOCK_VERSION, BlockCodec, Exception, Outcomes};
pub use check::Problem;
pub use error::HistoryError;
pub use frame::CodecError;
pub use ingest::PartWriter;
pub use keep::{DayRollup, Pruned};
pub use merge::Merged;
pub use read::{FailureRow, StoredPart};
pub use retention::Keep;
pub use rollup::{DayCounts, DayDurations};
pub use sift::Sifted;
pub use sql::{Table, Value};
pub use stats::{Stats, TableSize};
pub use stays::{Gone, Stay};

/// What a store is opened for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Questions only. The file must be there, and is not changed.
    Read,
    /// Questions and additions. The file is made where it is not there.
    Write,
}

/// What became of a part that was to be stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Added {
    /// It was stored under this number.
    New(PartId),
    /// This part says the same, or was read from the same reports; nothing was stored.
    Known(PartId),
}

impl Added {
    /// The number of the part that is stored now.
    pub fn part(self) -> PartId {
        match self {
            Self::New(part) | Self::Known(part) => part,
        }
    }
}

/// How much of a part is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Kept {
    /// Everything.
    All,
    /// How each test ended and how many of its attempts were bad. No durations, no order, no messages.
    Outcomes,
}

impl Kept {
    fn code(self) -> i64 {
        match self {
            Self::All => 0,
            Self::Outcomes => 1,
        }
    }

    fn of(code: i64) -> Self {
        if code == 0 { Self::All } else { Self::Outcomes }
    }
}

/// Which parts a question is about; what is `None` does not matter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Query {
    /// Begun (where unknown: stored) at this moment or later.
    pub since: Option<Timestamp>,
    /// Begun (where unknown: stored) before this moment.
    pub until: Option<Timestamp>,
    /// On this branch.
    pub branch: Option<String>,
    /// Of this commit, written as it was stored.
    pub commit: Option<String>,
    /// Of this pipeline.
    pub pipeline: Option<String>,
    /// Of this job.
    pub job: Option<String>,
    /// Of this run.
    pub run: Option<RunId>,
    /// The newest so many.
    pub limit: Option<u32>,
}

/// A store of test results, open for reading or writing.
///
/// Several processes may have one store open: readers see the last whole state and never wait, writers take turns.
pub struct History {
    store: store::Store,
    memo: RefCell<memo::Memo>,
    codec: RefCell<BlockCodec>,
}

impl History {
    /// Opens the store at `path`; `Write` makes it where it is not there.
    ///
    /// # Errors
    /// [`HistoryError::Missing`] for reading what is not there; [`HistoryError::Foreign`] and [`HistoryError::Newer`]
    /// for a file that is not ours to use, which is left as it is.
    pub fn open(path: &Path, access: Access) -> Result<Self, HistoryError> {
        Ok(Self::over(store::Store::open(path, access)?))
    }

    /// A store that ends with this value.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn in_memory() -> Result<Self, HistoryError> {
        Ok(Self::over(store::Store::in_memory()?))
    }

    fn over(store: store::Store) -> Self {
        Self {
            store,
            memo: RefCell::default(),
            codec: RefCell::default(),
        }
    }

    /// For each source, the stored part that was read from it.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn known(&self, sources: &[Fingerprint]) -> Result<Vec<Option<PartId>>, HistoryError> {
        sources
            .iter()
            .map(|source| Ok(self.store.find_source(*source)?.map(PartId)))
            .collect()
    }

    /// For each part a print of its number, what it reported and how much of that is left; and one of all links between names. As long
    /// as they are the same, so is every answer about these parts.
    ///
    /// # Errors
    /// [`HistoryError::NoPart`] for a part that is gone meanwhile.
    pub fn prints(
        &self,
        parts: &[PastPart],
    ) -> Result<(Vec<Fingerprint>, Fingerprint), HistoryError> {
        let _view = self.store.snapshot()?;
        let print = |past: &PastPart| {
            let row = self.store.part_row(past.part.0)?;
            let mut printer = Printer::new();
            let numbers = [past.part.0, past.run.0, past.start.0, row.kept.code()];
            for number in numbers {
                printer.number(number as u64);
            }
            printer.piece(row.key.0.to_le_bytes());
            printer.piece(row.print.0.to_le_bytes());
            Ok(printer.finish())
        };
        let prints = parts
            .iter()
            .map(print)
            .collect::<Result<_, HistoryError>>()?;
        let mut links = Printer::new();
        for (old, new) in self.renames()? {
            links.piece(old.to_string());
            links.piece(new.to_string());
        }
        Ok((prints, links.finish()))
    }

    /// The parts that a query asks for, oldest first: by when they began, where unknown by when they were stored.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn parts(&self, query: &Query) -> Result<Vec<PastPart>, HistoryError> {
        let rows = self.store.part_rows(query)?;
        Ok(rows.into_iter().map(|row| row.past).collect())
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
