//! Detached working trees: a place to have another commit on disk, without touching the user's working tree, index or
//! branches.
//!
//! libgit2 adds a linked working tree only together with a new branch. So the three files of one (see
//! gitrepository-layout(5), `worktrees/`) are written here, with a HEAD that names the commit itself.
//! Not seen here: submodules stay empty; filters (LFS) do not run.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Repo, RepoError, oid};
use crate::model::ObjectId;

/// What the names of our working trees begin with.
const PREFIX: &str = "tia-";

/// A detached working tree. Dropping it leaves it on disk; [`WorkTree::remove`] takes it away.
pub struct WorkTree {
    path: PathBuf,
    admin: PathBuf,
    git: git2::Repository,
}

impl std::fmt::Debug for WorkTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("WorkTree").field(&self.path).finish()
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RepoError + '_ {
    |source| RepoError::Write {
        path: path.to_path_buf(),
        source,
    }
}

impl Repo {
    /// A new detached working tree at `path`, which must not be there yet, known to git as `tia-NAME`. Nothing is checked
    /// out so far.
    ///
    /// # Errors
    /// The place is taken, or cannot be written.
    pub fn detach(&self, name: &str, path: &Path, commit: ObjectId) -> Result<WorkTree, RepoError> {
        fs::create_dir_all(path).map_err(io(path))?;
        let path = &path.canonicalize().map_err(io(path))?;
        let place = self.git.commondir().join("worktrees");
        fs::create_dir_all(&place).map_err(io(&place))?;
        let place = place.canonicalize().map_err(io(&place))?;
        let admin = place.join(format!("{PREFIX}{name}"));
        fs::create_dir(&admin).map_err(io(&admin))?;
        let link = path.join(".git");
        let mut gitdir = link.as_os_str().as_encoded_bytes().to_vec();
        gitdir.push(b'\n');
        let mut pointer = b"gitdir: ".to_vec();
        pointer.extend_from_slice(admin.as_os_str().as_encoded_bytes());
        pointer.push(b'\n');
        let head = format!("{commit}\n");
        let files: [(PathBuf, &[u8]); 4] = [
            (admin.join("HEAD"), head.as_bytes()),
            (admin.join("commondir"), b"../..\n"),
            (admin.join("gitdir"), &gitdir),
            (link, &pointer),
        ];
        for (file, bytes) in files {
            fs::write(&file, bytes).map_err(io(&file))?;
        }
        let git = git2::Repository::open(path).map_err(|source| RepoError::Open {
            path: path.clone(),
            source,
        })?;
        Ok(WorkTree {
            path: path.clone(),
            admin,
            git,
        })
    }

    /// Takes away working trees of ours whose directory lies below `path`, left over by a process that was killed; then
    /// `path` itself.
    ///
    /// # Errors
    /// Something cannot be deleted.
    pub fn sweep(&self, path: &Path) -> Result<(), RepoError> {
        let Ok(path) = path.canonicalize() else {
            return Ok(());
        };
        let place = self.git.commondir().join("worktrees");
        let entries = fs::read_dir(&place).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
        }) {
            let admin = entry.path();
            let gitdir = fs::read(admin.join("gitdir")).unwrap_or_default();
            let below = gitdir.strip_prefix(path.as_os_str().as_encoded_bytes());
            if below.is_some_and(|rest| rest.starts_with(b"/")) {
                fs::remove_dir_all(&admin).map_err(io(&admin))?;
            }
        }
        // empty, it would make git list working trees for nothing
        let _ = fs::remove_dir(&place);
        fs::remove_dir_all(&path).map_err(io(&path))
    }
}

impl WorkTree {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it hold a commit: tracked files as they are there, no others but ignored ones, which are left (what a build
    /// keeps saves the next one time).
    ///
    /// # Errors
    /// The commit cannot be read, or a file not be written.
    pub fn check_out(&self, commit: ObjectId) -> Result<(), RepoError> {
        let failed = |source| RepoError::Git {
            what: format!("check out {commit} in `{}`", self.path.display()),
            source,
        };
        let found = self.git.find_commit(oid(commit)).map_err(failed)?;
        let mut how = git2::build::CheckoutBuilder::new();
        how.force().remove_untracked(true);
        self.git
            .checkout_tree(found.as_object(), Some(&mut how))
            .map_err(failed)?;
        self.git.set_head_detached(found.id()).map_err(failed)
    }

    /// Takes it away from the disk and from git.
    ///
    /// # Errors
    /// Something cannot be deleted.
    pub fn remove(self) -> Result<(), RepoError> {
        let Self { path, admin, git } = self;
        drop(git);
        fs::remove_dir_all(&admin).map_err(io(&admin))?;
        let _ = admin.parent().map(fs::remove_dir);
        fs::remove_dir_all(&path).map_err(io(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::testing::{Sandbox, git_in};

    fn text(path: PathBuf) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_detached_tree_holds_any_commit_and_the_users_tree_stays() {
        let repo = Sandbox::new();
        repo.write(".gitignore", "cache\ntrees\n").write("a", "1");
        let first = repo.write("old", "x").commit("one");
        let second = repo.write("a", "2").remove("old").commit("two");
        repo.write("a", "dirty").write("new", "untracked");
        let before = (repo.status(), repo.git(&["branch", "-a"]));
        let open = repo.open();
        let tree = open
            .detach("x", &repo.path().join("trees/x"), second)
            .unwrap();
        let at = |name: &str| tree.path().join(name);
        tree.check_out(second).unwrap();
        assert_eq!(text(at("a")), "2");
        assert!(!at("old").exists());
        fs::write(at("a"), "changed").unwrap();
        fs::write(at("left"), "untracked").unwrap();
        fs::write(at("cache"), "kept").unwrap();
        tree.check_out(first).unwrap();
        assert_eq!((text(at("a")), text(at("old"))), ("1".into(), "x".into()));
        assert!(!at("left").exists() && at("cache").exists());
        // git itself takes it for a working tree of its own, clean and detached
        let inside = |args: &[&str]| String::from_utf8(git_in(tree.path(), args)).unwrap();
        assert_eq!(inside(&["rev-parse", "HEAD"]).trim(), first.to_string());
        assert_eq!(inside(&["status", "--porcelain"]), "");
        assert!(repo.git(&["worktree", "list"]).contains("(detached HEAD)"));
        assert_eq!((repo.status(), repo.git(&["branch", "-a"])), before);
        tree.remove().unwrap();
        assert_eq!(repo.git(&["worktree", "list"]).lines().count(), 1);
        assert!(!repo.path().join(".git/worktrees").exists());
        assert_eq!((repo.status(), repo.git(&["branch", "-a"])), before);
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else() {
        let repo = Sandbox::new();
        repo.write(".gitignore", "trees*\nmine\n");
        let commit = repo.write("a", "1").commit("one");
        let open = repo.open();
        repo.git(&["worktree", "add", "-q", "--detach", "mine", "HEAD"]);
        for (name, place) in [("a", "trees/a"), ("b", "trees/b"), ("c", "trees2/c")] {
            let tree = open.detach(name, &repo.path().join(place), commit).unwrap();
            tree.check_out(commit).unwrap();
        }
        let taken = open.detach("a", &repo.path().join("trees/again"), commit);
        assert!(taken.unwrap_err().to_string().contains("cannot write"));
        open.sweep(&repo.path().join("trees")).unwrap();
        let left = repo.git(&["worktree", "list"]);
        assert!(left.contains("mine") && left.contains("trees2/c"), "{left}");
        assert_eq!(left.lines().count(), 3);
        assert!(!repo.path().join("trees").exists());
        open.sweep(&repo.path().join("trees")).unwrap();
    }
}
