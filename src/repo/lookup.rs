//! One path of one state, without listing the rest.

use crate::model::{Entry, ObjectId, RepoPath};

use super::error::RepoError;
use super::index::Index;
use super::tree::Walk;
use super::{Repo, Side};

impl Repo {
    /// The entry at a path of one state; `None` where nothing is there.
    ///
    /// Cost: for a commit, one tree per component; for the index and the working tree, a whole snapshot.
    pub fn entry(&self, side: &Side, path: &RepoPath) -> Result<Option<Entry>, RepoError> {
        match side {
            Side::Empty => Ok(None),
            Side::Commit(commit) => {
                let index = Index::default();
                let walk = Walk {
                    repo: &self.git,
                    index: &index,
                };
                walk.lookup(self.tree_id(*commit)?, path.as_bytes())
            }
            Side::Index | Side::WorkTree => Ok(self.snapshot(side)?.tree.get(path).cloned()),
        }
    }

    /// Whether the ignore rules leave a path out of the repository; not where they cannot be read.
    pub fn ignores(&self, path: &RepoPath) -> bool {
        let path = String::from_utf8_lossy(path.as_bytes());
        self.git.is_path_ignored(&*path).unwrap_or(false)
    }

    /// The contents at a path of a commit; `None` where no file is there.
    pub fn read_at(&self, commit: ObjectId, path: &RepoPath) -> Result<Option<Vec<u8>>, RepoError> {
        match self.entry(&Side::Commit(commit), path)? {
            Some(entry) if entry.mode.is_file() => {
                self.blobs().read(&entry.blob, Some(path)).map(Some)
            }
            _ => Ok(None),
        }
    }
}
