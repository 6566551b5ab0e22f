//! Readers of coverage: what each test really ran. Bytes → [`Measured`], without I/O.
//!
//! Only files that tell tests apart are of use: coverage.py's own database with dynamic contexts, and LCOV with test
//! names. Reports that add all tests up (Cobertura, JaCoCo, Go, LLVM, Istanbul) are known, so that the message can say why
//! they narrow nothing.

mod coverage_py;
mod lcov;
mod summed;

use crate::model::Measured;

/// One format.
pub trait CoverageFormat: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether a file that begins so is of this format.
    fn recognises(&self, head: &[u8]) -> bool;

    /// What the bytes say.
    ///
    /// # Errors
    /// Bytes that are not what they seem, or tell no tests apart.
    fn read(&self, bytes: &[u8]) -> Result<Measured, CoverageError>;
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// It is of no known format.
    #[error("is no coverage file of a known format (a database of coverage.py, LCOV)")]
    Unknown,
    /// All tests are added up in it.
    #[error("is {0}, which has no names of tests: it narrows nothing")]
    Summed(&'static str),
    /// It was measured without contexts.
    #[error("tells no tests apart: {0}")]
    NoTests(&'static str),
    /// A line cannot be read.
    #[error("line {0} is damaged")]
    Line(usize),
    /// The database cannot be read.
    #[error("is a database that cannot be read")]
    Database(#[source] rusqlite::Error),
    /// The database is made by a version that is not known.
    #[error("has layout {0} of coverage.py's database, which is not known")]
    Layout(i64),
}

/// Every format, in the order in which a file is offered to them.
pub fn all() -> &'static [&'static dyn CoverageFormat] {
    &[&coverage_py::CoveragePy, &lcov::Lcov, &summed::Summed]
}

/// Reads a file of any format.
///
/// # Errors
/// See [`CoverageError`].
pub fn read(bytes: &[u8]) -> Result<Measured, CoverageError> {
    let head = &bytes[..bytes.len().min(4096)];
    let format = all().iter().find(|format| format.recognises(head));
    format.ok_or(CoverageError::Unknown)?.read(bytes)
}

#[cfg(test)]
mod tests;
