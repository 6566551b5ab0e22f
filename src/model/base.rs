//! Where to compare from, as somebody outside the repository knows it.

/// What a CI provider says about the base of the change at hand. Tried in order, the first that this clone has counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BaseHint {
    /// Who says so, for messages: `GitHub Actions`.
    pub provider: String,
    /// The ways to find the base, the most exact first.
    pub tries: Vec<BaseTry>,
}

/// One way to find the base of a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BaseTry {
    /// The merge base of HEAD and a branch of the remote.
    Branch(String),
    /// Exactly this commit.
    Commit(String),
    /// The merge base of HEAD and this commit.
    MergeBaseWith(String),
    /// The first parent of this commit, if HEAD is at it and it is a merge: the provider merged the change for a test.
    FirstParentOf(String),
}
