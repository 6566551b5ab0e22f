//! World: git. The only folder that names git2.
//!
//! [`Repo`] answers what a revision is, where to compare from, what a commit, the index or the working tree holds
//! ([`RepoSnapshot`]), and what differs between two of them. Nothing is written, no object, no reference, no index, but for
//! detached working trees ([`WorkTree`]), which are taken away again, and a revert: objects, and one new branch.
//! Not seen here: repositories with SHA-256 ids, reftables or a split index, each told by a clear error; ignored
//! files of the working tree.

#[cfg(test)]
mod agreement;
mod base;
#[cfg(test)]
mod cases;
mod change;
mod clean;
mod commits;
mod disk;
mod error;
mod index;
mod lfs;
mod listings;
mod lookup;
mod nested;
mod objects;
mod open;
mod revert;
mod revision;
mod scan;
mod snapshot;
#[cfg(test)]
mod testing;
mod tree;
mod worktree;

use std::path::{Path, PathBuf};

pub use base::Base;
pub use change::change;
pub use commits::{Along, Commit, HeadCommit};
pub use error::RepoError;
pub use objects::Blobs;
pub use revert::{CommitLine, Landing, Later, Touched, Undo, Undone};
pub use snapshot::RepoSnapshot;
pub use worktree::WorkTree;

use crate::model::ObjectId;
use objects::oid;

/// One state of the repository's contents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// The tree of a commit.
    Commit(ObjectId),
    /// What is staged.
    Index,
    /// What is on disk: tracked files as they are, and untracked ones that are not ignored.
    WorkTree,
    /// Nothing: before the first commit.
    Empty,
}

/// An open repository.
///
/// The handle stays on one thread; [`Repo::blobs`] reads contents from many.
pub struct Repo {
    git: git2::Repository,
    location: open::Location,
    blobs: Blobs,
    /// The file that keeps what directories held.
    listings: Option<PathBuf>,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repo").field(&self.location).finish()
    }
}

impl Repo {
    /// The innermost repository around `start`; `GIT_DIR` and its companions are obeyed.
    pub fn discover(start: &Path) -> Result<Repo, RepoError> {
        Self::found(open::Location::find(start, true)?)
    }

    /// The innermost repository around `start`, whatever the environment says.
    pub fn open(start: &Path) -> Result<Repo, RepoError> {
        Self::found(open::Location::find(start, false)?)
    }

    fn found((location, git): (open::Location, git2::Repository)) -> Result<Repo, RepoError> {
        // zlib's own sum tells damage; hashing every object again would be a good part of a cold run
        git2::opts::strict_hash_verification(false);
        let blobs = Blobs::new(location.clone());
        Ok(Repo {
            git,
            location,
            blobs,
            listings: None,
        })
    }

    /// Keeps what directories of the working tree hold in this file, so that those which did not change are not listed
    /// again. It has to lie in a directory that is there, on the device of the working tree; else nothing is kept.
    pub fn keep_listings(&mut self, file: PathBuf) {
        self.listings = Some(file);
    }

    /// The top of the working tree; `None` in a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.location.work_dir.as_deref()
    }

    /// The directory that holds HEAD and the index: for a linked working tree its own.
    pub fn git_dir(&self) -> &Path {
        &self.location.git_dir
    }

    /// Reads contents, from any thread.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// The tree of a commit, or the tree itself: equal trees have equal contents.
    pub fn tree_id(&self, commit: ObjectId) -> Result<ObjectId, RepoError> {
        if self.git.find_tree(oid(commit)).is_ok() {
            return Ok(commit);
        }
        let found = self.git.find_commit(oid(commit));
        found
            .map(|found| objects::id(found.tree_id()))
            .map_err(|source| objects::damaged(&self.git, commit, None, source))
    }

    /// The commit that HEAD is at; `None` before the first commit.
    pub fn head(&self) -> Result<Option<ObjectId>, RepoError> {
        let head = match self.git.head() {
            Ok(head) => head,
            Err(error) if error.code() == git2::ErrorCode::UnbornBranch => return Ok(None),
            Err(source) => {
                return Err(RepoError::Git {
                    what: "read HEAD".into(),
                    source,
                });
            }
        };
        let commit = head
            .peel_to_commit()
            .map_err(|source| match head.target() {
                Some(id) => objects::damaged(&self.git, objects::id(id), None, source),
                None => RepoError::Git {
                    what: "read the commit of HEAD".into(),
                    source,
                },
            })?;
        Ok(Some(objects::id(commit.id())))
    }
}
