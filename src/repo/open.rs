//! Finding and opening a repository, as often as threads need it.
//!
//! Not seen here: repositories with SHA-256 ids, with reftables, or with the extension that old partial clones carry;
//! libgit2 refuses them, and the error says so.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository, RepositoryOpenFlags};

use crate::model::RepoPath;

use super::error::RepoError;
use super::objects::join;

/// Where a repository is, so that each thread can open it for itself.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) git_dir: PathBuf,
    pub(super) work_dir: Option<PathBuf>,
    pub(super) index: PathBuf,
}

impl Location {
    /// The repository around a directory. With `environment`, `GIT_DIR` and its companions are obeyed.
    pub(super) fn find(
        start: &Path,
        environment: bool,
    ) -> Result<(Location, Repository), RepoError> {
        let variable =
            |name| std::env::var_os(name).filter(|value| environment && !value.is_empty());
        let repo = if variable("GIT_DIR").is_some() {
            Repository::open_from_env()
        } else {
            let ceilings = variable("GIT_CEILING_DIRECTORIES").unwrap_or_default();
            let ceilings: Vec<PathBuf> = std::env::split_paths(&ceilings).collect();
            Repository::open_ext(start, RepositoryOpenFlags::CROSS_FS, ceilings)
        };
        let repo = repo.map_err(|error| refused(start, error))?;
        if repo.object_format() != git2::ObjectFormat::Sha1 {
            return Err(RepoError::Unsupported {
                path: start.to_path_buf(),
                feature: "SHA-256 object ids".into(),
            });
        }
        let git_dir = repo.path().to_path_buf();
        let work_dir = repo.workdir().map(Path::to_path_buf);
        let index = variable("GIT_INDEX_FILE").map_or_else(
            || git_dir.join("index"),
            // Git runs hooks at the top of the working tree and means the path from there.
            |file| work_dir.as_deref().unwrap_or(&git_dir).join(file),
        );
        let location = Location {
            git_dir,
            work_dir,
            index,
        };
        Ok((location, repo))
    }

    /// Another handle to the same repository.
    pub(super) fn open(&self) -> Result<Repository, RepoError> {
        let no_search = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::NO_DOTGIT;
        let none: [&Path; 0] = [];
        let opened = Repository::open_ext(&self.git_dir, no_search, none);
        let repo = opened.map_err(|error| refused(&self.git_dir, error))?;
        if let Some(work_dir) = &self.work_dir
            && repo.workdir() != Some(work_dir)
        {
            repo.set_workdir(work_dir, false)
                .map_err(|source| RepoError::Open {
                    path: work_dir.clone(),
                    source,
                })?;
        }
        Ok(repo)
    }

    /// Where a path of the repository is on disk; `None` in a bare repository.
    pub(super) fn on_disk(&self, path: &RepoPath) -> Option<PathBuf> {
        join(self.work_dir.as_deref()?, path.as_bytes())
    }
}

/// Why a repository does not open, as far as libgit2's message tells.
fn refused(start: &Path, source: git2::Error) -> RepoError {
    let path = start.to_path_buf();
    let message = source.message().to_ascii_lowercase();
    let sha256 = ["objectformat", "object format", "sha256"]
        .iter()
        .any(|word| message.contains(word));
    match source.code() {
        ErrorCode::NotFound => RepoError::NotFound { start: path },
        ErrorCode::Owner => RepoError::Owner { path },
        _ if sha256 => RepoError::Unsupported {
            path,
            feature: "SHA-256 object ids".into(),
        },
        _ => match message.split_once("extensions.") {
            Some((_, extension)) => RepoError::Unsupported {
                path,
                feature: format!("the extension {}", extension.trim_end_matches(['\'', '"'])),
            },
            None => RepoError::Open { path, source },
        },
    }
}
