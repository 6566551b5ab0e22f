//! What commits say besides their trees.

use super::{Repo, RepoError, objects};
use crate::model::{ObjectId, Timestamp};

/// What HEAD is at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeadCommit {
    /// The commit.
    pub commit: ObjectId,
    /// The branch that is checked out, if one is.
    pub branch: Option<String>,
    /// When the commit was made.
    pub committed: Timestamp,
}

impl Repo {
    /// Who wrote a commit: the address of its author, in lower case; `None` where the commit is not here. Takes the
    /// beginning of an id, too.
    pub fn author(&self, commit: &str) -> Option<String> {
        let found = self
            .git
            .revparse_single(commit)
            .ok()?
            .peel_to_commit()
            .ok()?;
        let author = found.author();
        let address = author.email().ok().filter(|address| !address.is_empty());
        Some(address.or_else(|| author.name().ok())?.to_lowercase())
    }

    /// The newest commit that both of these come from; `None` where there is none here.
    pub fn common(&self, one: ObjectId, other: ObjectId) -> Option<ObjectId> {
        let found = self.git.merge_base(objects::oid(one), objects::oid(other));
        found.ok().map(objects::id)
    }

    /// What HEAD is at; `None` before the first commit.
    ///
    /// # Errors
    /// HEAD or its commit cannot be read.
    pub fn head_commit(&self) -> Result<Option<HeadCommit>, RepoError> {
        let Some(commit) = self.head()? else {
            return Ok(None);
        };
        let found = self.git.find_commit(objects::oid(commit));
        let found = found.map_err(|source| objects::damaged(&self.git, commit, None, source))?;
        let head = self.git.head().ok();
        let branch = head
            .filter(git2::Reference::is_branch)
            .and_then(|head| head.shorthand().ok().map(str::to_owned));
        Ok(Some(HeadCommit {
            commit,
            branch,
            committed: Timestamp(found.time().seconds().saturating_mul(1000)),
        }))
    }
}
