//! What a store holds, in numbers.

use super::{History, HistoryError};

/// The size of a table with its indices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableSize {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Bytes of its pages and those of its indices.
    pub bytes: u64,
}

/// What a store holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stats {
    /// Runs.
    pub runs: u64,
    /// Parts of runs.
    pub parts: u64,
    /// Parts of which only outcomes are left.
    pub thinned: u64,
    /// Results.
    pub results: u64,
    /// Tests.
    pub tests: u64,
    /// Bytes of the file, the log not counted.
    pub bytes: u64,
    /// Of those, bytes that are free.
    pub free: u64,
    /// Bytes of the texts of failures, as they would be without sharing and compression of each.
    pub text_bytes: u64,
    /// Tables with what they take, largest first.
    pub tables: Vec<TableSize>,
}

impl Stats {
    /// Bytes per result, everything counted.
    pub fn bytes_per_result(&self) -> f64 {
        self.bytes as f64 / self.results.max(1) as f64
    }
}

impl History {
    /// What the store holds, in numbers.
    ///
    /// Cost: reads every page once.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn stats(&self) -> Result<Stats, HistoryError> {
        self.store.stats()
    }
}
