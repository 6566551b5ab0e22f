//! What can go wrong with a history.

use std::path::PathBuf;

use super::frame::CodecError;

/// Why the history could not answer, or did not take something. What was stored before is still there.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no store to read.
    #[error("there is no history at `{0}`; `tia ingest` makes one")]
    Missing(PathBuf),
    /// The file is something else. It was not touched.
    #[error("`{path}` is not a history of tia: {what}; it was left as it is, give another path")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, as far as can be told.
        what: String,
    },
    /// Written by a newer program, in a way that this one cannot use. It was not touched.
    #[error(
        "the history `{path}` has schema {found}, this program knows {known}; it was left as it is, use a newer tia"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// Written by an older program; only a writer may bring it up to date.
    #[error(
        "the history `{0}` is of an older schema and open for reading; `tia ingest` brings it up to date"
    )]
    Older(PathBuf),
    /// The file could not be opened.
    #[error("could not open the history `{path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file, its directory or this way of opening it does not allow writing.
    #[error("the history cannot be written: it is read-only here; nothing of this was stored")]
    ReadOnly,
    /// Another process kept the store locked for longer than this one waits.
    #[error(
        "another process has kept the history locked for two minutes; nothing of this was stored, try again"
    )]
    Busy,
    /// No room left.
    #[error(
        "there is no room left for the history; nothing of this was stored, make room and try again"
    )]
    Full(#[source] rusqlite::Error),
    /// The file is damaged.
    #[error("the history is damaged; `tia db check` says where")]
    Damaged(#[source] rusqlite::Error),
    /// A stored value does not decode.
    #[error("{what} of the history cannot be read; `tia db check` says more")]
    Unreadable {
        /// Which value.
        what: String,
        /// Why.
        #[source]
        source: CodecError,
    },
    /// A part reports one test twice in the same variant.
    #[error("`{0}` is reported twice in one part; nothing of this part was stored")]
    Twice(String),
    /// More than the store has numbers for.
    #[error("too many {0} for one history")]
    TooMany(&'static str),
    /// A part that is not there.
    #[error("there is no part {0} in the history")]
    NoPart(i64),
    /// A test that was never seen.
    #[error("the history knows no test `{0}`")]
    NoTest(String),
    /// A rename that would lead back to where it starts.
    #[error("`{old}` cannot go on as `{new}`: that one goes on as `{old}` already")]
    Circle {
        /// The old name.
        old: String,
        /// The new name.
        new: String,
    },
    /// A statement of somebody else that SQLite refused.
    #[error("the statement was refused: {0}")]
    Statement(String),
    /// Anything else that SQLite says.
    #[error("the history could not be used")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for HistoryError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Busy,
            Some(Code::DiskFull) => Self::Full(error),
            // a file system that is full, or a file that may not grow, fails as a write
            Some(Code::SystemIoFailure) if is_write_failure(&error) => Self::Full(error),
            Some(Code::ReadOnly) => Self::ReadOnly,
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Damaged(error),
            _ => Self::Sqlite(error),
        }
    }
}

fn is_write_failure(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
    [
        rusqlite::ffi::SQLITE_IOERR_WRITE,
        rusqlite::ffi::SQLITE_IOERR_TRUNCATE,
        rusqlite::ffi::SQLITE_IOERR_FSYNC,
        rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
    ]
    .contains(&extended)
}

/// Names the stored value that did not decode.
pub(super) fn unreadable(what: impl Into<String>) -> impl FnOnce(CodecError) -> HistoryError {
    let what = what.into();
    move |source| HistoryError::Unreadable { what, source }
}
