//! Where the history is, and opening it.

use std::path::{Path, PathBuf};

use super::{AppError, state};
use crate::history::{Access, History};
use crate::model::TestId;
use crate::repo::Repo;

/// The name of the history in the state directory.
pub const HISTORY_FILE: &str = "history.db";

/// Where a history is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location {
    /// The file.
    pub path: PathBuf,
    /// The user named it, or it is that of the repository.
    pub named: bool,
}

/// The history that `db` names, or else that of the repository around `directory`. Nothing is made.
///
/// # Errors
/// No file was named and there is no repository.
pub fn locate(directory: &Path, db: Option<&Path>) -> Result<Location, AppError> {
    if let Some(path) = db {
        return Ok(Location {
            path: directory.join(path),
            named: true,
        });
    }
    let repo = Repo::discover(directory).map_err(|source| AppError::NoHistoryPlace { source })?;
    Ok(Location {
        path: state::path(repo.work_dir(), repo.git_dir()).join(HISTORY_FILE),
        named: false,
    })
}

/// Opens the history to add to it; makes it where it is missing.
///
/// # Errors
/// It cannot be made, or is no history, or a newer `tia` made it.
pub fn open_to_write(directory: &Path, location: &Location) -> Result<History, AppError> {
    if !location.named
        && let Ok(repo) = Repo::discover(directory)
    {
        state::directory(repo.work_dir(), repo.git_dir());
    }
    Ok(History::open(&location.path, Access::Write)?)
}

/// Opens the history to ask it.
///
/// # Errors
/// It is not there, or cannot be read, or is no history.
pub fn open_to_read(location: &Location) -> Result<History, AppError> {
    if !location.path.exists() {
        return Err(AppError::NoHistory {
            path: location.path.clone(),
        });
    }
    Ok(History::open(&location.path, Access::Read)?)
}

/// Every test of a history.
///
/// # Errors
/// It cannot be read.
pub fn tests(history: &History) -> Result<Vec<TestId>, AppError> {
    Ok(history.tests()?)
}
