//! Readers of coverage: what each test really ran. Bytes → [`Measured`], without I/O.
//!
//! Only what tells tests apart is of use: coverage.py's own database with dynamic contexts, LCOV with test names; or a file
//! of any format for each test, whose name is then handed in. Formats that are known and not read have a message of their
//! own.

mod cobertura;
mod coverage_py;
mod go_cover;
mod jacoco;
mod lcov;
mod llvm_json;
mod one;
mod summed;
mod xml;

use crate::model::Measured;

/// One format.
pub trait CoverageFormat: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether a file that begins so is of this format.
    fn recognises(&self, head: &[u8]) -> bool;

    /// Why a file without names of tests narrows nothing by itself.
    fn untold(&self) -> CoverageError;

    /// What the bytes say. What ran under no name of a test has none.
    ///
    /// # Errors
    /// Bytes that are not what they seem.
    fn read(&self, bytes: &[u8]) -> Result<Measured, CoverageError>;
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// It is of no known format.
    #[error(
        "is no coverage file of a known format (a database of coverage.py, LCOV, Cobertura, JaCoCo, Go, LLVM's JSON)"
    )]
    Unknown,
    /// All tests are added up in it.
    #[error(
        "is {0}, which has no names of tests: it narrows nothing, unless each test has a file of its own that is \
             named as `DIR/{{test}}.EXTENSION`"
    )]
    Summed(&'static str),
    /// The format is known, but not read.
    #[error("is {0}, which is not read: it narrows nothing")]
    NotRead(&'static str),
    /// It was measured without contexts.
    #[error("tells no tests apart: {0}")]
    NoTests(&'static str),
    /// A line cannot be read.
    #[error("line {0} is damaged")]
    Line(usize),
    /// It is no JSON of its format.
    #[error("is damaged")]
    Json(#[source] serde_json::Error),
    /// What it says of a file cannot be.
    #[error("is damaged where it tells of `{0}`")]
    Segments(String),
    /// The database cannot be read.
    #[error("is a database that cannot be read")]
    Database(#[source] rusqlite::Error),
    /// The database is made by a version that is not known.
    #[error("has layout {0} of coverage.py's database, which is not known")]
    Layout(i64),
}

/// Every format, in the order in which a file is offered to them.
pub fn all() -> &'static [&'static dyn CoverageFormat] {
    &[
        &coverage_py::CoveragePy,
        &lcov::Lcov,
        &cobertura::Cobertura,
        &jacoco::Jacoco,
        &go_cover::GoCover,
        &llvm_json::LlvmJson,
        &summed::Summed,
    ]
}

/// Reads a file of any format. Where it names no test itself, all of it is `test`'s.
///
/// # Errors
/// See [`CoverageError`].
pub fn read(bytes: &[u8], test: Option<&str>) -> Result<Measured, CoverageError> {
    let head = &bytes[..bytes.len().min(4096)];
    let format = all().iter().find(|format| format.recognises(head));
    let format = format.ok_or(CoverageError::Unknown)?;
    let mut measured = format.read(bytes)?;
    let mut contexts = measured.contexts.iter();
    if contexts.all(|context| context.name.is_empty()) {
        let test = test.ok_or_else(|| format.untold())?;
        for context in &mut measured.contexts {
            context.name = test.to_owned();
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests;
