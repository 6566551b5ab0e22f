//! What commits say besides their trees.

use super::{Repo, RepoError, objects};
use crate::model::{ObjectId, Timestamp};

/// What a commit says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Commit {
    /// The commit.
    pub id: ObjectId,
    /// What it was made from; the branch that it is on comes first.
    pub parents: Vec<ObjectId>,
    /// The first line of its message.
    pub subject: String,
    /// The address of its author in lower case, else the name.
    pub author: Option<String>,
    /// When it was made.
    pub committed: Timestamp,
}

/// Which commits lie between two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Along {
    /// Those of the branch itself: a merge stands for all that it brought.
    FirstParents,
    /// All of them, parents before children.
    Everything,
}

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
        address(&found)
    }

    /// What a commit says of itself.
    ///
    /// # Errors
    /// It is not here, or cannot be read.
    pub fn commit(&self, id: ObjectId) -> Result<Commit, RepoError> {
        let found = self.git.find_commit(objects::oid(id));
        let found = found.map_err(|source| objects::damaged(&self.git, id, None, source))?;
        Ok(Commit {
            id,
            parents: found.parent_ids().map(objects::id).collect(),
            subject: found
                .summary()
                .ok()
                .flatten()
                .unwrap_or_default()
                .to_owned(),
            author: address(&found),
            committed: Timestamp(found.time().seconds().saturating_mul(1000)),
        })
    }

    /// The commits after `good` up to and with `bad`, oldest first.
    ///
    /// Cost: a walk over the commits between the two.
    ///
    /// # Errors
    /// [`RepoError::NotBefore`] where `bad` was not made from `good`; commits that are not here.
    pub fn commits_between(
        &self,
        good: ObjectId,
        bad: ObjectId,
        along: Along,
    ) -> Result<Vec<Commit>, RepoError> {
        let failed = |source| RepoError::Git {
            what: format!("list the commits between {good} and {bad}"),
            source,
        };
        let (from, to) = (objects::oid(good), objects::oid(bad));
        for commit in [good, bad] {
            self.commit(commit)?;
        }
        if !self.git.graph_descendant_of(to, from).map_err(failed)? {
            return Err(RepoError::NotBefore {
                good,
                bad,
                shallow: self.git.is_shallow(),
            });
        }
        let mut walk = self.git.revwalk().map_err(failed)?;
        let sorting = git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE;
        walk.set_sorting(sorting).map_err(failed)?;
        if along == Along::FirstParents {
            walk.simplify_first_parent().map_err(failed)?;
        }
        walk.push(to).map_err(failed)?;
        walk.hide(from).map_err(failed)?;
        walk.map(|id| self.commit(objects::id(id.map_err(failed)?)))
            .collect()
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

/// Who wrote it: address, else name, in lower case.
fn address(commit: &git2::Commit<'_>) -> Option<String> {
    let author = commit.author();
    let address = author.email().ok().filter(|address| !address.is_empty());
    Some(address.or_else(|| author.name().ok())?.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::testing::Sandbox;

    #[test]
    fn commits_between_two_are_those_of_the_branch_or_all() {
        let repo = Sandbox::new();
        let first = repo.write("a", "1").commit("one");
        let second = repo.write("a", "2").commit("two: subject\n\nbody");
        repo.git(&["checkout", "-q", "-b", "side"]);
        let side = repo.write("b", "1").commit("side");
        repo.git(&["checkout", "-q", "main"]);
        let third = repo.write("a", "3").commit("three");
        repo.git(&["merge", "-q", "--no-ff", "-m", "merged", "side"]);
        let open = repo.open();
        let merge = open.resolve("HEAD").unwrap();
        let between = |good, bad, along| -> Vec<ObjectId> {
            let found = open.commits_between(good, bad, along).unwrap();
            found.into_iter().map(|commit| commit.id).collect()
        };
        assert_eq!(
            between(first, merge, Along::FirstParents),
            [second, third, merge]
        );
        let all = between(first, merge, Along::Everything);
        assert_eq!(all.len(), 4);
        assert!(all.contains(&side) && all.last() == Some(&merge));
        // the side branch is no part of the line, but what came after it is
        assert_eq!(between(side, merge, Along::FirstParents), [third, merge]);
        let told = open.commit(second).unwrap();
        assert_eq!(told.subject, "two: subject");
        assert_eq!(told.author.as_deref(), Some("a@example.com"));
        assert_eq!(told.parents, [first]);
        assert_eq!(open.commit(merge).unwrap().parents, [third, side]);
    }

    #[test]
    fn a_commit_that_does_not_come_before_is_told() {
        let repo = Sandbox::new();
        let first = repo.write("a", "1").commit("one");
        let second = repo.write("a", "2").commit("two");
        let open = repo.open();
        let along = Along::FirstParents;
        for (good, bad) in [(second, first), (first, first)] {
            let error = open.commits_between(good, bad, along).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("commit {good} does not come before {bad}")
            );
            assert!(error.hint().unwrap().contains("--good"));
        }
        let nowhere = ObjectId([7; 20]);
        assert!(open.commits_between(nowhere, first, along).is_err());
    }
}
