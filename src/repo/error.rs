//! What can go wrong with a repository, and what helps.
//!
//! Messages say what was tried; the cause is kept apart as the source. [`RepoError::hint`] names the command that
//! repairs the situation, where there is one.

use std::path::PathBuf;

use crate::model::{ObjectId, RepoPath};

/// Why git could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepoError {
    /// No repository at or above a directory.
    #[error("no git repository at or above `{}`", start.display())]
    NotFound {
        /// Where the search began.
        start: PathBuf,
    },
    /// There is a repository, but it cannot be opened.
    #[error("cannot open the git repository of `{}`", path.display())]
    Open {
        /// Where the search began.
        path: PathBuf,
        /// What libgit2 says.
        #[source]
        source: git2::Error,
    },
    /// The repository belongs to another user.
    #[error("the git repository of `{}` belongs to another user", path.display())]
    Owner {
        /// Where the search began.
        path: PathBuf,
    },
    /// The repository stores its objects in a way that is not understood.
    #[error("the git repository of `{}` uses {feature}, which is not supported", path.display())]
    Unsupported {
        /// Where the search began, or the file that was read.
        path: PathBuf,
        /// What it uses.
        feature: String,
    },
    /// The working tree was asked for, and there is none.
    #[error("`{}` is a bare repository: it has no working tree and no index", git_dir.display())]
    Bare {
        /// The repository.
        git_dir: PathBuf,
    },
    /// A revision that names nothing.
    #[error("no revision `{spec}`{}", near_misses(near))]
    NoRevision {
        /// The revision as given.
        spec: String,
        /// Names of branches and tags that look alike.
        near: Vec<String>,
        /// Whether the history is cut off.
        shallow: bool,
    },
    /// An abbreviated id that several objects share.
    #[error("revision `{spec}` is ambiguous: several objects begin with it")]
    Ambiguous {
        /// The revision as given.
        spec: String,
    },
    /// A revision that leads to something else than a commit.
    #[error("revision `{spec}` is a {kind}, not a commit")]
    NotACommit {
        /// The revision as given.
        spec: String,
        /// What it is.
        kind: String,
    },
    /// The branch to compare with is not in this clone.
    #[error("the base branch `{branch}` ({asked_by}) is not in this clone")]
    NoBranch {
        /// The branch.
        branch: String,
        /// The remote it would come from.
        remote: String,
        /// Who asked for it.
        asked_by: String,
        /// Whether the history is cut off.
        shallow: bool,
    },
    /// The commit to compare with is not in this clone.
    #[error("the base commit `{commit}` ({asked_by}) is not in this clone")]
    NoCommit {
        /// The commit.
        commit: String,
        /// The remote it would come from.
        remote: String,
        /// Who asked for it.
        asked_by: String,
        /// Whether the history is cut off.
        shallow: bool,
    },
    /// The history is cut off before the merge base.
    #[error("this clone is shallow: it holds no common ancestor of HEAD and {with}")]
    Shallow {
        /// What HEAD was compared with.
        with: String,
        /// The remote that has the rest.
        remote: String,
        /// The branch whose history is needed, where it is known.
        branch: Option<String>,
    },
    /// A commit that should come before another does not.
    #[error("commit {good} does not come before {bad}")]
    NotBefore {
        /// The one that should come first.
        good: ObjectId,
        /// The other.
        bad: ObjectId,
        /// Whether the history is cut off.
        shallow: bool,
    },
    /// An object that the repository should hold is not there.
    #[error("object {id}{} is missing from the repository", at_path(path.as_ref()))]
    Missing {
        /// The object.
        id: ObjectId,
        /// Where in the tree it belongs.
        path: Option<RepoPath>,
        /// The clone is partial: a remote has promised the object.
        promised_by: Option<String>,
    },
    /// An object that cannot be read.
    #[error("object {id}{} is damaged", at_path(path.as_ref()))]
    Damaged {
        /// The object.
        id: ObjectId,
        /// Where in the tree it belongs.
        path: Option<RepoPath>,
        /// What libgit2 says.
        #[source]
        source: git2::Error,
    },
    /// The index cannot be understood.
    #[error("the index `{}` is damaged: {what}", path.display())]
    DamagedIndex {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The index was asked for as a tree, and a merge is not finished.
    #[error("the index holds unmerged paths, `{path}` among them, so it is no tree yet")]
    Unmerged {
        /// The first of them.
        path: RepoPath,
    },
    /// A file of the working tree is not what it was when its contents were first read.
    #[error("`{path}` changed while it was read")]
    Moved {
        /// The file.
        path: RepoPath,
    },
    /// A file of the working tree that may not be read.
    #[error("the contents of `{path}` cannot be read")]
    Unreadable {
        /// The file.
        path: RepoPath,
    },
    /// A file that cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A place that cannot be written or deleted.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A merge goes back to one of its parents, and nobody said to which.
    #[error(
        "commit {} is a merge of {}: undoing it goes back to one of them",
        short(commit),
        listed(parents)
    )]
    NeedsMainline {
        /// The merge.
        commit: ObjectId,
        /// Its parents, in order.
        parents: Vec<super::CommitLine>,
    },
    /// A parent that the commit has not, or a choice where there is none.
    #[error("commit {} has {parents} parent{}, so `--mainline {mainline}` names none of several", short(commit), if *parents == 1 { "" } else { "s" })]
    NoMainline {
        /// The commit.
        commit: ObjectId,
        /// As it was given.
        mainline: u32,
        /// How many parents it has.
        parents: usize,
    },
    /// The parent of the commit is not in this clone.
    #[error(
        "this clone is cut off at commit {}: what it changed cannot be told without its parent",
        short(commit)
    )]
    CutOff {
        /// The commit.
        commit: ObjectId,
        /// The remote that has the rest.
        remote: String,
        /// Whether the history is cut off on purpose.
        shallow: bool,
    },
    /// A commit that no branch leads to.
    #[error(
        "commit {} is on no branch, so there is nothing to undo it on",
        short(commit)
    )]
    OnNoBranch {
        /// The commit.
        commit: ObjectId,
    },
    /// The branch to be made is there.
    #[error("the branch `{branch}` exists already; nothing was written")]
    BranchExists {
        /// The branch.
        branch: String,
    },
    /// No branch can be called so.
    #[error("`{branch}` is no name for a branch")]
    BranchName {
        /// As it was given.
        branch: String,
    },
    /// A commit that cannot be undone by itself.
    #[error(
        "undoing commit {} comes to no tree that could be committed",
        short(commit)
    )]
    NotClean {
        /// The commit.
        commit: ObjectId,
    },
    /// Nobody is named who could have written a commit.
    #[error("git does not know who you are")]
    NoIdentity {
        /// What libgit2 says.
        #[source]
        source: git2::Error,
    },
    /// Anything else that libgit2 refuses.
    #[error("git cannot {what}")]
    Git {
        /// What was tried.
        what: String,
        /// What libgit2 says.
        #[source]
        source: git2::Error,
    },
}

impl RepoError {
    /// Whether the command line is at fault rather than the repository.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NeedsMainline { .. } | Self::NoMainline { .. } | Self::BranchName { .. }
        )
    }

    /// What the user can do about it, as a command or setting.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { .. } => {
                "run it inside a clone, or make the directory a repository with `git init`".into()
            }
            Self::Owner { path } => format!(
                "trust it with `git config --global --add safe.directory {}`",
                path.display()
            ),
            Self::Unsupported { feature, .. } if feature.contains("split index") => {
                "write a whole index with `git update-index --no-split-index`".into()
            }
            Self::Unsupported { feature, .. } if feature.ends_with("partialclone") => {
                "`git config remote.origin.promisor true && git config --unset extensions.partialClone` says the \
                 same in today's way"
                    .into()
            }
            Self::Bare { .. } => {
                "compare two commits: give both `--base` and `--head` a revision".into()
            }
            Self::NotBefore { shallow: false, .. } => {
                "the good commit is an ancestor of the bad one: `--good OLDER --bad NEWER`".into()
            }
            Self::NotBefore { .. } | Self::NoRevision { shallow: true, .. } => {
                "this clone is shallow: `git fetch --unshallow` brings the rest of the history"
                    .into()
            }
            Self::NoRevision { .. } => {
                "`git fetch` brings branches and tags that only the remote has".into()
            }
            Self::Ambiguous { .. } => "give more digits of the commit id".into(),
            Self::NoBranch {
                branch,
                remote,
                shallow,
                ..
            } => {
                let fetch = format!(
                    "`git fetch {remote} +refs/heads/{branch}:refs/remotes/{remote}/{branch}`"
                );
                if *shallow {
                    format!(
                        "fetch it with its history: `git fetch --unshallow {remote} \
                         +refs/heads/{branch}:refs/remotes/{remote}/{branch}`; on GitHub Actions \
                         set `fetch-depth: 0` for actions/checkout"
                    )
                } else {
                    format!("fetch it: {fetch}, or plainly `git fetch {remote} {branch}`")
                }
            }
            Self::NoCommit {
                commit,
                remote,
                shallow,
                ..
            } => {
                if *shallow {
                    format!(
                        "`git fetch --unshallow {remote}` or `git fetch {remote} {commit}` brings it"
                    )
                } else {
                    format!("`git fetch {remote} {commit}` brings it")
                }
            }
            Self::Shallow { remote, branch, .. } => {
                let branch = branch.as_deref().unwrap_or("BRANCH");
                format!(
                    "`git fetch --deepen=100 {remote} {branch}` brings more of the history, `git fetch --unshallow \
                     {remote} {branch}` all of it; on GitHub Actions set `fetch-depth: 0` for actions/checkout, on \
                     GitLab `GIT_DEPTH: 0`"
                )
            }
            Self::Missing {
                id,
                promised_by: Some(remote),
                ..
            } => {
                format!(
                    "the clone is partial: `git fetch {remote} {id}` brings the object, `git fetch --refetch --no-filter {remote}` all of them"
                )
            }
            Self::Missing { .. } | Self::Damaged { .. } => {
                "`git fsck` lists what else is broken; a fresh clone repairs it".into()
            }
            Self::DamagedIndex { .. } => {
                "`rm .git/index && git reset` writes a new index and keeps the working tree".into()
            }
            Self::Unmerged { .. } => {
                "finish the merge, or compare with the working tree instead".into()
            }
            Self::Moved { .. } => "run it again when nothing writes to the working tree".into(),
            Self::Unreadable { path } => format!("make `{path}` readable"),
            Self::NeedsMainline { .. } => {
                "`--mainline 1` goes back to the first, which is the branch it was merged into".into()
            }
            Self::NoMainline { parents: 0 | 1, .. } => "leave `--mainline` out: it is for merges".into(),
            Self::NoMainline { parents, .. } => format!("give a number from 1 to {parents}"),
            Self::CutOff { remote, shallow: true, .. } => {
                format!("`git fetch --deepen=1 {remote}` brings it, `git fetch --unshallow {remote}` all of the history")
            }
            Self::OnNoBranch { .. } => "name the commit to undo it on with `--onto REV`".into(),
            Self::BranchExists { branch } => {
                format!("name another with `--branch NAME`, or delete it with `git branch -D {branch}`")
            }
            Self::NoIdentity { .. } => {
                "`git config user.name NAME` and `git config user.email ADDRESS` tell it".into()
            }
            _ => return None,
        })
    }
}

/// An id as people read it.
fn short(id: &ObjectId) -> String {
    let mut text = id.to_string();
    text.truncate(12);
    text
}

fn listed(parents: &[super::CommitLine]) -> String {
    let one = |(at, parent): (usize, &super::CommitLine)| {
        format!("{}: {} \"{}\"", at + 1, short(&parent.id), parent.subject)
    };
    parents
        .iter()
        .enumerate()
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}

fn near_misses(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        many => format!("; did you mean one of `{}`?", many.join("`, `")),
    }
}

fn at_path(path: Option<&RepoPath>) -> String {
    path.map_or_else(String::new, |path| format!(" (`{path}`)"))
}
