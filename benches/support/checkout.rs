//! A temporary work tree of a repository, moved from commit to commit.

use std::path::{Path, PathBuf};

use crate::git;

/// The work tree; it is taken away when dropped.
pub(crate) struct Checkout {
    repository: PathBuf,
    dir: tempfile::TempDir,
}

impl Checkout {
    /// A work tree at HEAD.
    ///
    /// # Errors
    /// git cannot make it, in words.
    pub(crate) fn new(repository: &Path) -> Result<Self, String> {
        let checkout = Self {
            repository: repository.to_owned(),
            dir: tempfile::tempdir().map_err(|error| error.to_string())?,
        };
        let tree = checkout.tree();
        let tree = tree
            .to_str()
            .ok_or("the temporary directory is not UTF-8")?;
        git::git(
            repository,
            &["worktree", "add", "--quiet", "--detach", tree, "HEAD"],
        )?;
        Ok(checkout)
    }

    /// The repository that it belongs to.
    pub(crate) fn repository(&self) -> &Path {
        &self.repository
    }

    /// Its top.
    pub(crate) fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    /// Goes to a commit; what git does not track stays.
    ///
    /// # Errors
    /// git cannot go there, in words.
    pub(crate) fn go(&self, commit: &str) -> Result<(), String> {
        let args = ["checkout", "--quiet", "--force", "--detach", commit];
        git::git(&self.tree(), &args).map(drop)
    }

    /// Takes away what git does not track, ignored files included.
    ///
    /// # Errors
    /// git cannot, in words.
    pub(crate) fn clean(&self) -> Result<(), String> {
        git::git(&self.tree(), &["clean", "-fdxq"]).map(drop)
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let tree = self.tree();
        let removed = git::git(
            &self.repository,
            &["worktree", "remove", "--force", &tree.to_string_lossy()],
        );
        if let Err(message) = removed {
            eprintln!("a work tree is left behind: {message}");
        }
    }
}
