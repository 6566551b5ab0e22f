//! Finding and opening a repository, as often as threads need it.
//!
//! Partial clones carry an extension that libgit2 does not know although it can read them: they are opened around
//! that check. Repositories with SHA-256 ids or reftables are told by a clear error.
//! Not seen here: a `core.worktree` that is relative to a linked repository directory of a partial clone.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository, RepositoryOpenFlags};

use crate::model::RepoPath;

use super::error::RepoError;
use super::objects::join;

/// Extensions that change nothing about how objects, references and the index are read.
const HARMLESS: [&str; 2] = ["partialclone", "relativeworktrees"];

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
        let repo = repo.or_else(|error| opened_anyway(start, error))?;
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
        let repo = opened.or_else(|error| opened_anyway(&self.git_dir, error))?;
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

/// Opens a repository that libgit2 refuses only for an extension which does not matter here.
fn opened_anyway(start: &Path, error: git2::Error) -> Result<Repository, RepoError> {
    let message = error.message().to_ascii_lowercase();
    if let Some((_, extension)) = message.split_once("extensions.") {
        if HARMLESS.iter().any(|name| extension.starts_with(name)) {
            return open_plainly(start).map_err(|source| RepoError::Open {
                path: start.to_path_buf(),
                source,
            });
        }
        return Err(RepoError::Unsupported {
            path: start.to_path_buf(),
            feature: if extension.starts_with("objectformat") {
                "SHA-256 object ids".into()
            } else {
                format!("the extension {}", extension.trim_end_matches(['\'', '"']))
            },
        });
    }
    Err(match error.code() {
        ErrorCode::NotFound => RepoError::NotFound {
            start: start.to_path_buf(),
        },
        ErrorCode::Owner => RepoError::Owner {
            path: start.to_path_buf(),
        },
        _ if message.contains("object format") || message.contains("sha256") => {
            RepoError::Unsupported {
                path: start.to_path_buf(),
                feature: "SHA-256 object ids".into(),
            }
        }
        _ => RepoError::Open {
            path: start.to_path_buf(),
            source: error,
        },
    })
}

/// Opens as if bare, which skips the check of extensions, and lays the working tree to it.
fn open_plainly(start: &Path) -> Result<Repository, git2::Error> {
    let none: [&Path; 0] = [];
    let git_dir = Repository::discover_path(start, none)?;
    let repo = Repository::open_bare(&git_dir)?;
    let config = repo.config()?;
    if config.get_bool("core.bare").unwrap_or(false) {
        return Ok(repo);
    }
    let work_dir = if let Ok(set) = config.get_path("core.worktree") {
        git_dir.join(set)
    } else if let Ok(link) = std::fs::read_to_string(git_dir.join("gitdir")) {
        // A linked working tree: the file names its `.git`.
        git_dir.join(link.trim_end()).with_file_name("")
    } else {
        git_dir.parent().unwrap_or(&git_dir).to_path_buf()
    };
    repo.set_workdir(&work_dir, false)?;
    Ok(repo)
}
