//! Where a change begins when nobody says so: the merge base with the branch it will go into.
//!
//! In order: what the CI provider names; the upstream branch; the default branch of the remote; a local default
//! branch; HEAD, so that only uncommitted changes count.
//! Not seen here: the commit that was pushed last. On the default branch itself, in step with the remote, nothing
//! but uncommitted changes is new.

use git2::ErrorCode;

use crate::model::{BaseHint, BaseTry, ObjectId};

use super::Repo;
use super::error::RepoError;
use super::objects::{id, oid};

/// The commit to compare with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Base {
    /// The commit; `None` before the first commit, when everything is new.
    pub commit: Option<ObjectId>,
    /// How it was found, in words: `merge base with origin/main`.
    pub described: String,
}

/// A branch that HEAD can be compared with.
pub(super) struct Target {
    pub(super) commit: ObjectId,
    /// As it is shown: `origin/main`.
    pub(super) name: String,
    /// The branch's own name, and the remote it is of.
    pub(super) branch: String,
    remote: Option<String>,
}

impl Repo {
    /// The commit to compare `head` with when the user names none. Without a `head`, HEAD is meant.
    ///
    /// Fails where the provider's base is not in this clone, and where the clone is too shallow for a merge base.
    pub fn default_base(
        &self,
        hint: Option<&BaseHint>,
        head: Option<ObjectId>,
    ) -> Result<Base, RepoError> {
        let Some(head) = head.map_or_else(|| self.head(), |head| Ok(Some(head)))? else {
            return Ok(Base {
                commit: None,
                described: "no commit yet".into(),
            });
        };
        if let Some(hint) = hint.filter(|hint| !hint.tries.is_empty()) {
            return self.hinted(head, hint);
        }
        let current = self.current_branch();
        let target = current
            .as_deref()
            .and_then(|branch| self.upstream(branch))
            .or_else(|| self.remote_default())
            .or_else(|| self.local_default(current.as_deref()));
        match target {
            Some(target) => self.merge_base(head, &target),
            None => Ok(Base {
                commit: Some(head),
                described: "HEAD, for want of another branch".into(),
            }),
        }
    }

    /// The name of the branch that others leave and come back to: the remote's default one, or else a local `main` or `master`;
    /// `None` where that cannot be told.
    pub fn default_branch(&self) -> Option<String> {
        let found = self.remote_default().or_else(|| self.local_default(None));
        Some(found?.branch)
    }

    /// The first of a provider's ways that this clone can go; else why the first could not.
    fn hinted(&self, head: ObjectId, hint: &BaseHint) -> Result<Base, RepoError> {
        let mut refused = None;
        for attempt in &hint.tries {
            match self.attempt(head, attempt, &hint.provider) {
                Ok(Some(mut base)) => {
                    base.described = format!("{} ({})", base.described, hint.provider);
                    return Ok(base);
                }
                Ok(None) => {}
                // A branch is what can be fetched, so its error helps most.
                Err(error) if matches!(attempt, BaseTry::Branch(_)) => refused = Some(error),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(|| RepoError::NoBranch {
            branch: "HEAD".into(),
            remote: self.main_remote(),
            asked_by: hint.provider.clone(),
            shallow: self.git.is_shallow(),
        }))
    }

    fn attempt(
        &self,
        head: ObjectId,
        attempt: &BaseTry,
        who: &str,
    ) -> Result<Option<Base>, RepoError> {
        let missing = |commit: &str| RepoError::NoCommit {
            commit: commit.to_string(),
            remote: self.main_remote(),
            asked_by: who.to_string(),
            shallow: self.git.is_shallow(),
        };
        match attempt {
            BaseTry::Branch(branch) => {
                let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
                let target = self.branch(branch).ok_or_else(|| RepoError::NoBranch {
                    branch: branch.to_string(),
                    remote: self.main_remote(),
                    asked_by: who.to_string(),
                    shallow: self.git.is_shallow(),
                })?;
                self.merge_base(head, &target).map(Some)
            }
            BaseTry::Commit(spec) => {
                let commit = self.resolve(spec).map_err(|_| missing(spec))?;
                Ok(Some(Base {
                    commit: Some(commit),
                    described: format!("commit {}", short(spec)),
                }))
            }
            BaseTry::MergeBaseWith(spec) => {
                let commit = self.resolve(spec).map_err(|_| missing(spec))?;
                let name = format!("commit {}", short(spec));
                let target = Target {
                    commit,
                    branch: name.clone(),
                    name,
                    remote: None,
                };
                self.merge_base(head, &target).map(Some)
            }
            BaseTry::FirstParentOf(merge) => {
                if !head.to_string().eq_ignore_ascii_case(merge) {
                    return Ok(None);
                }
                let commit = self.git.find_commit(oid(head)).ok();
                let parent = commit
                    .filter(|commit| commit.parent_count() == 2)
                    .and_then(|commit| commit.parent(0).ok());
                Ok(parent.map(|parent| Base {
                    commit: Some(id(parent.id())),
                    described: "first parent of the merge commit under test".into(),
                }))
            }
        }
    }

    fn merge_base(&self, head: ObjectId, target: &Target) -> Result<Base, RepoError> {
        match self.git.merge_base(oid(head), oid(target.commit)) {
            Ok(base) => Ok(Base {
                commit: Some(id(base)),
                described: format!("merge base with {}", target.name),
            }),
            Err(error) if error.code() == ErrorCode::NotFound && self.git.is_shallow() => {
                Err(RepoError::Shallow {
                    with: target.name.clone(),
                    remote: target.remote.clone().unwrap_or_else(|| self.main_remote()),
                    branch: target.remote.as_ref().map(|_| target.branch.clone()),
                })
            }
            // Histories that never met: the other tip itself differs in all that can matter.
            Err(error) if error.code() == ErrorCode::NotFound => Ok(Base {
                commit: Some(target.commit),
                described: format!("tip of {}, which shares no history with HEAD", target.name),
            }),
            Err(source) => Err(RepoError::Git {
                what: format!("find the merge base of HEAD and {}", target.name),
                source,
            }),
        }
    }

    /// The branch that HEAD is on; `None` where it is detached.
    pub(super) fn current_branch(&self) -> Option<String> {
        let head = self.git.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok()??;
        target.strip_prefix("refs/heads/").map(str::to_string)
    }

    /// The upstream of a branch. A branch pushed under its own name is no base for itself, unless it is the default
    /// branch: work that is pushed but not merged is still part of the change.
    fn upstream(&self, branch: &str) -> Option<Target> {
        let full = format!("refs/heads/{branch}");
        let upstream = self.git.branch_upstream_name(&full).ok()?;
        let upstream = upstream.as_str().ok()?.to_string();
        let remote = self.git.branch_upstream_remote(&full).ok();
        let remote = remote.and_then(|name| name.as_str().ok().map(str::to_string));
        let target = match remote.as_deref() {
            None | Some(".") => self.target(&upstream, None)?,
            Some(remote) => self.target(&upstream, Some(remote))?,
        };
        if target.remote.is_some() && target.branch == branch {
            let default = self.remote_default();
            if default.is_some_and(|default| default.branch != branch) {
                return None;
            }
        }
        Some(target)
    }

    /// The default branch of the main remote.
    pub(super) fn remote_default(&self) -> Option<Target> {
        let remote = self.main_remote();
        let symbolic = self
            .git
            .find_reference(&format!("refs/remotes/{remote}/HEAD"))
            .ok();
        let symbolic =
            symbolic.and_then(|head| head.symbolic_target().ok().flatten().map(str::to_string));
        symbolic
            .and_then(|name| self.target(&name, Some(&remote)))
            .or_else(|| {
                let names = ["main", "master"].iter();
                names
                    .filter_map(|name| {
                        self.target(&format!("refs/remotes/{remote}/{name}"), Some(&remote))
                    })
                    .next()
            })
    }

    fn local_default(&self, current: Option<&str>) -> Option<Target> {
        let set = self
            .git
            .config()
            .and_then(|config| config.get_string("init.defaultbranch"));
        let mut names = vec!["main".to_string(), "master".to_string()];
        names.extend(set.ok());
        if current.is_some_and(|current| names.iter().any(|name| name == current)) {
            return None;
        }
        names
            .iter()
            .find_map(|name| self.target(&format!("refs/heads/{name}"), None))
    }

    /// A branch by its plain name: of the main remote, of any other, or local.
    fn branch(&self, branch: &str) -> Option<Target> {
        let mut remotes = vec![self.main_remote()];
        if let Ok(all) = self.git.remotes() {
            let all = all.iter().flatten().flatten().map(str::to_string);
            remotes.extend(all);
        }
        remotes
            .iter()
            .find_map(|remote| {
                self.target(&format!("refs/remotes/{remote}/{branch}"), Some(remote))
            })
            .or_else(|| self.target(&format!("refs/heads/{branch}"), None))
    }

    pub(super) fn target(&self, reference: &str, remote: Option<&str>) -> Option<Target> {
        let commit = self
            .git
            .find_reference(reference)
            .ok()?
            .peel_to_commit()
            .ok()?;
        let name = reference
            .strip_prefix("refs/remotes/")
            .or_else(|| reference.strip_prefix("refs/heads/"))
            .unwrap_or(reference);
        let branch = remote
            .and_then(|remote| name.strip_prefix(remote)?.strip_prefix('/'))
            .unwrap_or(name);
        Some(Target {
            commit: id(commit.id()),
            name: name.to_string(),
            branch: branch.to_string(),
            remote: remote.map(str::to_string),
        })
    }

    /// `origin`, or the only remote there is.
    pub(super) fn main_remote(&self) -> String {
        let all = self.git.remotes().ok();
        let names: Vec<String> = all
            .iter()
            .flat_map(|all| all.iter().flatten().flatten().map(str::to_string))
            .collect();
        match names.as_slice() {
            [only] => only.clone(),
            _ => "origin".into(),
        }
    }
}

/// An id as people read it.
fn short(spec: &str) -> &str {
    match spec.get(..12) {
        Some(short) if spec.len() >= 40 => short,
        _ => spec,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::testing::{Sandbox, git_in};

    fn described(repo: &Repo) -> String {
        repo.default_base(None, None).unwrap().described
    }

    fn hint(tries: Vec<BaseTry>) -> BaseHint {
        BaseHint {
            provider: "CI".into(),
            tries,
        }
    }

    /// A clone of a repository with two commits, on `main`.
    fn cloned() -> (Sandbox, Sandbox, Repo) {
        let origin = Sandbox::new();
        origin.write("a", "1").commit("one");
        origin.write("a", "2").commit("two");
        let clone = Sandbox::bare_dir();
        let url = format!("file://{}", origin.path().display());
        clone.git(&["clone", "-q", &url, "."]);
        let repo = clone.open();
        (origin, clone, repo)
    }

    #[test]
    fn without_remote_a_branch_is_compared_with_the_local_default() {
        let repo = Sandbox::new();
        let first = repo.write("a", "1").commit("one");
        assert_eq!(described(&repo.open()), "HEAD, for want of another branch");
        repo.git(&["checkout", "-q", "-b", "feature"]);
        repo.write("a", "2").commit("two");
        let base = repo.open().default_base(None, None).unwrap();
        assert_eq!(
            (base.commit, base.described.as_str()),
            (Some(first), "merge base with main")
        );
        repo.git(&["checkout", "-q", "--detach"]);
        assert_eq!(
            repo.open().default_base(None, None).unwrap().commit,
            Some(first)
        );
    }

    #[test]
    fn the_upstream_counts_and_a_pushed_copy_of_the_branch_does_not() {
        let (_origin, clone, repo) = cloned();
        let main = repo.head().unwrap();
        assert_eq!(described(&repo), "merge base with origin/main");
        clone.write("b", "1").commit("local");
        assert_eq!(repo.default_base(None, None).unwrap().commit, main);
        clone.git(&["checkout", "-q", "-b", "feature"]);
        clone.write("b", "2").commit("feature");
        clone.git(&["push", "-q", "-u", "origin", "feature"]);
        let base = repo.default_base(None, None).unwrap();
        assert_eq!(
            (base.commit, base.described.as_str()),
            (main, "merge base with origin/main")
        );
        clone.git(&["push", "-q", "origin", "feature:release"]);
        clone.git(&["branch", "-q", "-u", "origin/release"]);
        assert_eq!(described(&repo), "merge base with origin/release");
        clone.git(&["branch", "-q", "-u", "main"]);
        assert_eq!(described(&repo), "merge base with main");
    }

    #[test]
    fn the_default_branch_of_the_remote_is_found_under_any_name() {
        let (_origin, clone, repo) = cloned();
        clone.git(&["checkout", "-q", "--detach"]);
        assert_eq!(described(&repo), "merge base with origin/main");
        clone.git(&["remote", "rename", "origin", "up"]);
        assert_eq!(described(&repo), "merge base with up/main");
        clone.git(&["remote", "set-head", "up", "--delete"]);
        assert_eq!(described(&repo), "merge base with up/main");
    }

    #[test]
    fn a_providers_branch_is_looked_for_and_missed_with_a_fetch_to_run() {
        let (_origin, clone, repo) = cloned();
        clone.git(&["checkout", "-q", "--detach"]);
        let main = repo.head().unwrap();
        let base = repo
            .default_base(Some(&hint(vec![BaseTry::Branch("main".into())])), None)
            .unwrap();
        assert_eq!(
            (base.commit, base.described.as_str()),
            (main, "merge base with origin/main (CI)")
        );
        let error = repo
            .default_base(Some(&hint(vec![BaseTry::Branch("next".into())])), None)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the base branch `next` (CI) is not in this clone"
        );
        assert!(error.hint().unwrap().contains("`git fetch origin next`"));
        let unknown = "1234567890123456789012345678901234567890";
        let tries = vec![
            BaseTry::Commit(unknown.into()),
            BaseTry::Branch("main".into()),
        ];
        assert_eq!(
            repo.default_base(Some(&hint(tries)), None).unwrap().commit,
            main
        );
        let error = repo
            .default_base(Some(&hint(vec![BaseTry::Commit(unknown.into())])), None)
            .unwrap_err();
        assert!(error.hint().unwrap().contains("git fetch origin 1234"));
    }

    #[test]
    fn a_merge_made_for_the_test_is_compared_with_its_first_parent() {
        let repo = Sandbox::new();
        repo.write("a", "1").commit("one");
        repo.git(&["checkout", "-q", "-b", "pr"]);
        repo.write("b", "1").commit("pr");
        repo.git(&["checkout", "-q", "main"]);
        let target = repo.write("c", "1").commit("main moves on");
        repo.git(&["checkout", "-q", "--detach"]);
        repo.git(&["merge", "-q", "--no-ff", "-m", "merge", "pr"]);
        let merge = repo.git(&["rev-parse", "HEAD"]).trim().to_string();
        let open = repo.open();
        let base = open
            .default_base(Some(&hint(vec![BaseTry::FirstParentOf(merge)])), None)
            .unwrap();
        assert_eq!(base.commit, Some(target));
        let other = hint(vec![
            BaseTry::FirstParentOf(target.to_string()),
            BaseTry::Branch("pr".into()),
        ]);
        let base = open.default_base(Some(&other), None).unwrap();
        assert_eq!(base.described, "merge base with pr (CI)");
    }

    #[test]
    fn a_shallow_clone_without_the_merge_base_names_the_fetch_that_helps() {
        let origin = Sandbox::new();
        origin.write("a", "1").commit("one");
        origin.git(&["checkout", "-q", "-b", "feature"]);
        origin.write("b", "1").commit("feature");
        origin.git(&["checkout", "-q", "main"]);
        origin.write("a", "2").commit("two");
        let clone = Sandbox::bare_dir();
        let url = format!("file://{}", origin.path().display());
        clone.git(&["clone", "-q", "--depth=1", "--no-single-branch", &url, "."]);
        clone.git(&["checkout", "-q", "feature"]);
        let error = clone.open().default_base(None, None).unwrap_err();
        assert!(matches!(error, RepoError::Shallow { .. }), "{error:?}");
        let hint = error.hint().unwrap();
        for part in [
            "git fetch --unshallow origin main",
            "--deepen=",
            "fetch-depth: 0",
        ] {
            assert!(hint.contains(part), "{hint}");
        }
        git_in(clone.path(), &["fetch", "-q", "--unshallow", "origin"]);
        assert_eq!(described(&clone.open()), "merge base with origin/main");
    }

    #[test]
    fn histories_that_never_met_are_compared_at_the_tip() {
        let repo = Sandbox::new();
        let main = repo.write("a", "1").commit("one");
        repo.git(&["checkout", "-q", "--orphan", "alone"]);
        repo.write("b", "1").commit("alone");
        let base = repo.open().default_base(None, None).unwrap();
        assert_eq!(base.commit, Some(main));
        assert!(base.described.contains("no history"), "{}", base.described);
    }
}
