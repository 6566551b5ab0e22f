//! Undoing a commit: what it would do, and the commit that does it, on a branch of its own.
//!
//! Everything happens in the object database: trees are merged in memory, merged files and the tree become objects, and
//! the only reference that is ever written is the new branch. HEAD, the index and the working tree are not even read.
//! Objects of a proposal that nobody writes are left for git's garbage collection.
//! Not seen here: directories that moved as a whole (git follows them, libgit2 does not), and merge drivers that are
//! programs. Both show as conflicts.

use std::collections::{BTreeMap, HashMap};

use git2::{Commit, Diff, DiffOptions, MergeOptions, Oid, Patch, Sort, Tree};

use crate::model::{ChangeKind, ObjectId, RepoPath, Timestamp};

use super::Repo;
use super::base::Target;
use super::error::RepoError;
use super::objects::{damaged, id, oid};

/// So many later commits are compared with the one to be undone.
const COMPARED: usize = 2000;
/// So many later commits are asked whether they undid it already.
const ASKED: usize = 50_000;

/// What undoing a commit would do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Undo {
    /// The commit to be undone.
    pub commit: CommitLine,
    /// The parent that a merge goes back to; `None` where the commit is no merge.
    pub mainline: Option<ObjectId>,
    /// The commit it would be undone on.
    pub onto: ObjectId,
    /// The branch of that commit, in words.
    pub onto_name: String,
    /// What the commit changed, in order of the paths.
    pub touched: Vec<Touched>,
    /// Later commits on the branch, newest first.
    pub later: Vec<Later>,
    /// There are more later commits than were compared.
    pub later_cut: bool,
    /// What would come out.
    pub outcome: Undone,
}

/// One commit on one line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommitLine {
    /// Its id.
    pub id: ObjectId,
    /// The first line of its message.
    pub subject: String,
    /// `Name <address>`.
    pub author: String,
    /// When it was made.
    pub committed: Timestamp,
}

/// A path that the commit changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Touched {
    /// The path.
    pub path: RepoPath,
    /// How the commit changed it.
    pub kind: ChangeKind,
    /// Lines that the commit added, and undoing takes away; 0 for what has no lines.
    pub added: usize,
    /// Lines that the commit took away.
    pub removed: usize,
}

/// A commit that came after.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Later {
    /// The commit.
    pub commit: CommitLine,
    /// All paths that it changed.
    pub paths: Vec<RepoPath>,
    /// Those that the commit to be undone changed, too.
    pub shared: Vec<RepoPath>,
    /// It changed lines that the commit to be undone had changed. Only known where that commit is on the branch itself
    /// and did not come by a merge.
    pub same_lines: bool,
}

/// What comes out of undoing a commit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Undone {
    /// This tree.
    Clean(ObjectId),
    /// These paths need a person.
    Conflicts(Vec<RepoPath>),
    /// What is there already: nothing of the commit is left.
    Nothing,
    /// A later commit says that it undid it, and nothing undid that.
    Already(CommitLine),
}

/// What became of an undoing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Landing {
    /// No commit says that it undid the commit.
    Open,
    /// This commit undid it, and stands.
    Landed(CommitLine),
    /// A commit undid it, and this one undid that.
    Taken(CommitLine),
}

impl Repo {
    /// What undoing a commit would do on the tip of its branch: the default branch where that has the commit, else HEAD,
    /// else any branch; or on `onto`. `mainline` is the parent that a merge goes back to, from 1.
    ///
    /// Undoing a commit without parents takes away the files it brought.
    ///
    /// Cost: a merge of trees, and a comparison of each later commit with its parent (2000 at the most).
    ///
    /// # Errors
    /// No such commit or branch, a merge without `mainline`, a clone that is cut off at the commit.
    pub fn undo(
        &self,
        spec: &str,
        onto: Option<&str>,
        mainline: Option<u32>,
    ) -> Result<Undo, RepoError> {
        let commit = self.commit_at(self.resolve(spec)?, spec)?;
        let (onto, onto_name) = match onto {
            Some(name) => (self.commit_at(self.resolve(name)?, name)?, name.to_owned()),
            None => self.home(&commit)?,
        };
        let parents = self.true_parents(&commit)?;
        let parent = match (parents.as_slice(), mainline) {
            ([], None) => None,
            ([one], None) => Some(one),
            ([_, _, ..], None) => {
                return Err(RepoError::NeedsMainline {
                    commit: id(commit.id()),
                    parents: parents.iter().map(line).collect(),
                });
            }
            (many, Some(number)) => {
                let chosen = (number as usize).checked_sub(1).and_then(|at| many.get(at));
                match chosen.filter(|_| many.len() > 1) {
                    Some(parent) => Some(parent),
                    None => {
                        return Err(RepoError::NoMainline {
                            commit: id(commit.id()),
                            mainline: number,
                            parents: many.len(),
                        });
                    }
                }
            }
        };
        let tree = tree_of(&commit)?;
        let before = match parent {
            Some(parent) => tree_of(parent)?,
            None => self.empty_tree()?,
        };
        let change = self.compared(Some(&before), &tree)?;
        let (touched, mut lines) = touched(&change)?;
        let (later, later_cut) = self.later(&commit, &onto, &touched, &mut lines)?;
        let outcome = match self.landing(&commit, &onto)? {
            Landing::Landed(by) => Undone::Already(by),
            Landing::Taken(_) | Landing::Open => self.merged(&tree, &before, &onto)?,
        };
        Ok(Undo {
            commit: line(&commit),
            mainline: parent
                .filter(|_| parents.len() > 1)
                .map(|parent| id(parent.id())),
            onto: id(onto.id()),
            onto_name,
            touched,
            later,
            later_cut,
            outcome,
        })
    }

    /// Commits an undoing on a new branch. Nothing else of the repository changes.
    ///
    /// # Errors
    /// The branch is there, or its name is none; nobody is named in git's configuration; the outcome is not clean.
    pub fn write_undo(
        &self,
        undo: &Undo,
        branch: &str,
        message: &str,
    ) -> Result<ObjectId, RepoError> {
        let git = |what: &str| {
            let what = what.to_owned();
            move |source| RepoError::Git { what, source }
        };
        let reference = format!("refs/heads/{branch}");
        if branch.starts_with('-')
            || branch == "HEAD"
            || !git2::Reference::is_valid_name(&reference)
        {
            return Err(RepoError::BranchName {
                branch: branch.to_owned(),
            });
        }
        let exists = || RepoError::BranchExists {
            branch: branch.to_owned(),
        };
        // a branch without a commit is one as well, where HEAD is on it
        if self.git.find_reference(&reference).is_ok()
            || self.current_branch().as_deref() == Some(branch)
        {
            return Err(exists());
        }
        let Undone::Clean(tree) = undo.outcome else {
            return Err(RepoError::NotClean {
                commit: undo.commit.id,
            });
        };
        let tree = self
            .git
            .find_tree(oid(tree))
            .map_err(|source| damaged(&self.git, tree, None, source))?;
        let tip = self.commit_at(undo.onto, &undo.onto_name)?;
        let who = self
            .git
            .signature()
            .map_err(|source| RepoError::NoIdentity { source })?;
        let made = self
            .git
            .commit(None, &who, &who, message, &tree, &[&tip])
            .map_err(git("write the commit"))?;
        let log = format!("tia revert: {}", undo.commit.subject);
        match self.git.reference(&reference, made, false, &log) {
            Ok(_) => Ok(id(made)),
            Err(error) if error.code() == git2::ErrorCode::Exists => Err(exists()),
            Err(source) => Err(RepoError::Git {
                what: format!("make the branch `{branch}`"),
                source,
            }),
        }
    }

    /// What became of undoing a commit on a branch, or on its own branch where that one is not there.
    ///
    /// # Errors
    /// No such commit.
    pub fn landed(&self, commit: &str, onto: &str) -> Result<Landing, RepoError> {
        let commit = self.commit_at(self.resolve(commit)?, commit)?;
        let onto = match self.resolve(onto) {
            Ok(tip) => self.commit_at(tip, onto)?,
            Err(_) => self.home(&commit)?.0,
        };
        self.landing(&commit, &onto)
    }

    /// Whether a commit, named by its id, is another one or came after it; no where one of them is not here.
    pub fn came_after(&self, commit: &str, other: &str) -> bool {
        let (Ok(commit), Ok(other)) = (Oid::from_str(commit), Oid::from_str(other)) else {
            return false;
        };
        commit == other || self.git.graph_descendant_of(commit, other).unwrap_or(false)
    }

    fn commit_at(&self, commit: ObjectId, spec: &str) -> Result<Commit<'_>, RepoError> {
        match self.git.find_commit(oid(commit)) {
            Ok(found) => Ok(found),
            Err(_) if self.git.find_tree(oid(commit)).is_ok() => Err(RepoError::NotACommit {
                spec: spec.to_owned(),
                kind: "tree".to_owned(),
            }),
            Err(source) => Err(damaged(&self.git, commit, None, source)),
        }
    }

    /// The tip that a commit is to be undone on, and what it is called.
    fn home(&self, commit: &Commit<'_>) -> Result<(Commit<'_>, String), RepoError> {
        let has = |tip: Oid| {
            tip == commit.id()
                || self
                    .git
                    .graph_descendant_of(tip, commit.id())
                    .unwrap_or(false)
        };
        let current = self.current_branch();
        let remote = self
            .remote_default()
            .filter(|target| has(oid(target.commit)));
        let name = remote.as_ref().map(|target| target.branch.clone());
        let local = name
            .iter()
            .map(String::as_str)
            .chain(["main", "master"])
            .find_map(|name| self.target(&format!("refs/heads/{name}"), None))
            .filter(|target| has(oid(target.commit)));
        let is_ahead = |local: &Target, remote: &Target| {
            local.commit == remote.commit
                || self
                    .git
                    .graph_descendant_of(oid(local.commit), oid(remote.commit))
                    .unwrap_or(false)
        };
        let default = match (local, remote) {
            (Some(local), Some(remote)) if is_ahead(&local, &remote) => Some(local),
            (_, Some(remote)) => Some(remote),
            (local, None) => local,
        };
        if let Some(target) = default {
            return Ok((self.commit_at(target.commit, &target.name)?, target.name));
        }
        if let Some(head) = self.head()?.filter(|head| has(oid(*head))) {
            return Ok((
                self.commit_at(head, "HEAD")?,
                current.unwrap_or_else(|| "HEAD".to_owned()),
            ));
        }
        let branches = self.git.branches(None).map_err(|source| RepoError::Git {
            what: "list the branches".to_owned(),
            source,
        })?;
        let mut found: Vec<(bool, String, Oid)> = branches
            .filter_map(Result::ok)
            .filter_map(|(branch, kind)| {
                let name = String::from_utf8_lossy(branch.name_bytes().ok()?).into_owned();
                let tip = branch.get().peel_to_commit().ok()?.id();
                has(tip).then_some((kind == git2::BranchType::Remote, name, tip))
            })
            .collect();
        found.sort();
        match found.into_iter().next() {
            Some((_, name, tip)) => Ok((self.commit_at(id(tip), &name)?, name)),
            None => Err(RepoError::OnNoBranch {
                commit: id(commit.id()),
            }),
        }
    }

    /// The parents that a commit names, not those that a shallow clone lets it have.
    fn true_parents<'a>(&self, commit: &Commit<'a>) -> Result<Vec<Commit<'a>>, RepoError>
    where
        Self: 'a,
    {
        let header = commit.raw_header_bytes();
        let named = header
            .split(|b| *b == b'\n')
            .filter(|line| line.starts_with(b"parent "))
            .count();
        let parents: Vec<Commit<'a>> = commit.parents().collect();
        if parents.len() < named {
            return Err(RepoError::CutOff {
                commit: id(commit.id()),
                remote: self.main_remote(),
                shallow: self.git.is_shallow(),
            });
        }
        Ok(parents)
    }

    fn empty_tree(&self) -> Result<Tree<'_>, RepoError> {
        let tree = self
            .git
            .treebuilder(None)
            .and_then(|builder| builder.write());
        tree.and_then(|tree| self.git.find_tree(tree))
            .map_err(|source| RepoError::Git {
                what: "write an empty tree".to_owned(),
                source,
            })
    }

    fn compared(&self, before: Option<&Tree<'_>>, after: &Tree<'_>) -> Result<Diff<'_>, RepoError> {
        let mut options = DiffOptions::new();
        options
            .context_lines(0)
            .include_typechange(true)
            .skip_binary_check(false);
        self.git
            .diff_tree_to_tree(before, Some(after), Some(&mut options))
            .map_err(|source| RepoError::Git {
                what: "compare two commits".to_owned(),
                source,
            })
    }

    /// The tip with everything between `before` and `tree` taken back.
    fn merged(
        &self,
        tree: &Tree<'_>,
        before: &Tree<'_>,
        tip: &Commit<'_>,
    ) -> Result<Undone, RepoError> {
        let git = |source| RepoError::Git {
            what: "undo the commit".to_owned(),
            source,
        };
        let ours = tree_of(tip)?;
        let mut options = MergeOptions::new();
        options.find_renames(true);
        let mut index = self
            .git
            .merge_trees(tree, &ours, before, Some(&options))
            .map_err(git)?;
        if index.has_conflicts() {
            let mut paths = Vec::new();
            for conflict in index.conflicts().map_err(git)? {
                let conflict = conflict.map_err(git)?;
                let sides = [conflict.our, conflict.their, conflict.ancestor];
                paths.extend(
                    sides
                        .into_iter()
                        .flatten()
                        .map(|entry| RepoPath::new(entry.path))
                        .take(1),
                );
            }
            paths.sort();
            paths.dedup();
            return Ok(Undone::Conflicts(paths));
        }
        let made = index.write_tree_to(&self.git).map_err(git)?;
        Ok(if made == ours.id() {
            Undone::Nothing
        } else {
            Undone::Clean(id(made))
        })
    }

    /// Commits after `commit` on the way from `tip` back along first parents, newest first.
    fn later(
        &self,
        commit: &Commit<'_>,
        tip: &Commit<'_>,
        touched: &[Touched],
        lines: &mut Lines,
    ) -> Result<(Vec<Later>, bool), RepoError> {
        let git = |source| RepoError::Git {
            what: "walk the history".to_owned(),
            source,
        };
        let mut walk = self.git.revwalk().map_err(git)?;
        walk.push(tip.id()).map_err(git)?;
        walk.hide(commit.id()).map_err(git)?;
        walk.simplify_first_parent().map_err(git)?;
        walk.set_sorting(Sort::TOPOLOGICAL).map_err(git)?;
        let mut chain: Vec<Oid> = walk.take(ASKED).collect::<Result<_, _>>().map_err(git)?;
        // of the chain, those before the merge that brought the commit know nothing of it
        let knows = |one: &Oid| {
            self.git
                .graph_descendant_of(*one, commit.id())
                .unwrap_or(false)
        };
        chain.truncate(chain.partition_point(knows));
        let cut = chain.len() > COMPARED;
        let direct = chain.last().is_none_or(|first| {
            let first = self.git.find_commit(*first).ok();
            first.and_then(|first| first.parent_id(0).ok()) == Some(commit.id())
        });
        let direct = direct && !cut;
        chain.truncate(COMPARED);
        let mut found = Vec::with_capacity(chain.len());
        for one in chain.into_iter().rev() {
            let one = self.commit_at(id(one), "")?;
            let parent = one
                .parent(0)
                .ok()
                .map(|parent| tree_of(&parent))
                .transpose()?;
            let change = self.compared(parent.as_ref(), &tree_of(&one)?)?;
            let mut later = Later {
                commit: line(&one),
                paths: Vec::new(),
                shared: Vec::new(),
                same_lines: false,
            };
            for (at, delta) in change.deltas().enumerate() {
                let path = delta
                    .new_file()
                    .path_bytes()
                    .or_else(|| delta.old_file().path_bytes());
                let path = RepoPath::new(path.unwrap_or_default());
                if touched.binary_search_by(|one| one.path.cmp(&path)).is_ok() {
                    if direct {
                        later.same_lines |= lines.follow(&path, &change, at)?;
                    }
                    later.shared.push(path.clone());
                }
                later.paths.push(path);
            }
            found.push(later);
        }
        found.reverse();
        Ok((found, cut))
    }

    /// Whether a commit between `commit` and `tip` says that it undid it, and whether that stands.
    fn landing(&self, commit: &Commit<'_>, tip: &Commit<'_>) -> Result<Landing, RepoError> {
        let git = |source| RepoError::Git {
            what: "walk the history".to_owned(),
            source,
        };
        let mut walk = self.git.revwalk().map_err(git)?;
        walk.push(tip.id()).map_err(git)?;
        walk.hide(commit.id()).map_err(git)?;
        walk.set_sorting(Sort::TOPOLOGICAL).map_err(git)?;
        // newest first: whether a commit stands is known before those it undid are met
        let mut undone: HashMap<String, Oid> = HashMap::new();
        let mut taken: HashMap<String, Oid> = HashMap::new();
        for later in walk.take(ASKED) {
            let later = later.map_err(git)?;
            let found = self.commit_at(id(later), "")?;
            let by = undone.get(&later.to_string()).copied();
            for name in named(&String::from_utf8_lossy(found.message_bytes())) {
                let full = match name.len() {
                    40 => Some(name),
                    _ => self
                        .git
                        .revparse_single(&name)
                        .ok()
                        .map(|found| found.id().to_string()),
                };
                match (full, by) {
                    (Some(full), None) => _ = undone.entry(full).or_insert(later),
                    (Some(full), Some(by)) => _ = taken.entry(full).or_insert(by),
                    (None, _) => {}
                }
            }
        }
        let id = commit.id().to_string();
        let line = |by: &Oid| Ok(line(&self.commit_at(super::objects::id(*by), "")?));
        match (undone.get(&id), taken.get(&id)) {
            (Some(by), _) => line(by).map(Landing::Landed),
            (None, Some(by)) => line(by).map(Landing::Taken),
            (None, None) => Ok(Landing::Open),
        }
    }
}

/// Ids of commits that a message says it undoes.
fn named(message: &str) -> Vec<String> {
    let after = message.split("This reverts commit ").skip(1);
    let ids = after.map(|text| {
        text.trim_start()
            .chars()
            .take_while(char::is_ascii_hexdigit)
            .collect::<String>()
    });
    ids.map(|id| id.to_ascii_lowercase())
        .filter(|id| (7..=40).contains(&id.len()))
        .collect()
}

fn line(commit: &Commit<'_>) -> CommitLine {
    let author = commit.author();
    let (name, address) = (author.name_bytes(), author.email_bytes());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    CommitLine {
        id: id(commit.id()),
        subject: text(commit.summary_bytes().unwrap_or_default()),
        author: format!("{} <{}>", text(name), text(address)),
        committed: Timestamp(commit.time().seconds().saturating_mul(1000)),
    }
}

fn tree_of<'a>(commit: &Commit<'a>) -> Result<Tree<'a>, RepoError> {
    commit.tree().map_err(|source| RepoError::Git {
        what: format!("read the tree of {}", commit.id()),
        source,
    })
}

fn patch<'a>(change: &'a Diff<'_>, at: usize) -> Result<Option<Patch<'a>>, RepoError> {
    Patch::from_diff(change, at).map_err(|source| RepoError::Git {
        what: "compare two files".to_owned(),
        source,
    })
}

/// What a change touches, and where.
fn touched(change: &Diff<'_>) -> Result<(Vec<Touched>, Lines), RepoError> {
    let (mut all, mut lines) = (Vec::new(), Lines::default());
    for (at, delta) in change.deltas().enumerate() {
        let path = delta
            .new_file()
            .path_bytes()
            .or_else(|| delta.old_file().path_bytes());
        let path = RepoPath::new(path.unwrap_or_default());
        let kind = match delta.status() {
            git2::Delta::Added => ChangeKind::Added,
            git2::Delta::Deleted => ChangeKind::Deleted,
            _ if delta.old_file().id() == delta.new_file().id() => ChangeKind::Mode,
            _ => ChangeKind::Modified,
        };
        let (mut added, mut removed) = (0, 0);
        if let Some(patch) = patch(change, at)? {
            for number in 0..patch.num_hunks() {
                if let Ok((hunk, _)) = patch.hunk(number) {
                    added += hunk.new_lines() as usize;
                    removed += hunk.old_lines() as usize;
                    let start = i64::from(hunk.new_start());
                    // where lines were only taken away, their neighbours stand for them
                    let end = start + i64::from(hunk.new_lines()).max(2);
                    lines.0.entry(path.clone()).or_default().push((start, end));
                }
            }
        }
        all.push(Touched {
            path,
            kind,
            added,
            removed,
        });
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((all, lines))
}

/// Line ranges (first, behind the last) by path, as they are called in the version that was followed to.
#[derive(Debug, Default)]
struct Lines(BTreeMap<RepoPath, Vec<(i64, i64)>>);

impl Lines {
    /// Takes the ranges of a path through a change; whether the change is within them.
    fn follow(&mut self, path: &RepoPath, change: &Diff<'_>, at: usize) -> Result<bool, RepoError> {
        let (Some(ranges), Some(patch)) = (self.0.get_mut(path), patch(change, at)?) else {
            return Ok(false);
        };
        let mut met = false;
        for number in (0..patch.num_hunks()).rev() {
            let Ok((hunk, _)) = patch.hunk(number) else {
                continue;
            };
            let (first, count) = (i64::from(hunk.old_start()), i64::from(hunk.old_lines()));
            let more = i64::from(hunk.new_lines()) - count;
            // where nothing is taken away, lines come behind the named one
            let (first, end) = if count == 0 {
                (first + 1, first + 1)
            } else {
                (first, first + count)
            };
            for (from, until) in ranges.iter_mut() {
                let within = if count == 0 {
                    *from < first && first < *until
                } else {
                    *from < end && first < *until
                };
                met |= within;
                if within {
                    *from = (*from).min(first);
                    *until = (*until).max(end) + more;
                } else if first < *until {
                    *from += more;
                    *until += more;
                }
            }
        }
        Ok(met)
    }
}
