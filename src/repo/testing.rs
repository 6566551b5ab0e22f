//! Temporary repositories made with the real `git`, cut off from the machine's configuration.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Repo, Side};
use crate::model::{Change, ObjectId};

/// A repository in a directory of its own.
pub(super) struct Sandbox {
    _dir: TempDir,
    path: PathBuf,
}

/// Runs git in a directory and gives its output.
pub(super) fn git_in(dir: &Path, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    let output = command
        .current_dir(dir)
        .args([
            "-c",
            "protocol.file.allow=always",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.com")
        .env("GIT_AUTHOR_DATE", "2024-01-01T00:00:00Z")
        .env("GIT_COMMITTER_DATE", "2024-01-01T00:00:00Z")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

impl Sandbox {
    /// An empty repository with the branch `main`.
    pub(super) fn new() -> Self {
        let this = Self::bare_dir();
        this.git(&["init", "-q", "."]);
        this
    }

    /// A directory that is no repository.
    pub(super) fn bare_dir() -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().canonicalize().unwrap();
        Self { _dir: dir, path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        String::from_utf8(git_in(&self.path, args)).unwrap()
    }

    pub(super) fn write(&self, path: &str, contents: impl AsRef<[u8]>) -> &Self {
        let file = self.path.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, contents).unwrap();
        self
    }

    pub(super) fn remove(&self, path: &str) -> &Self {
        std::fs::remove_file(self.path.join(path)).unwrap();
        self
    }

    pub(super) fn commit(&self, message: &str) -> ObjectId {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.open().resolve("HEAD").unwrap()
    }

    pub(super) fn open(&self) -> Repo {
        Repo::open(&self.path).unwrap()
    }

    /// HEAD against the working tree.
    pub(super) fn dirty(&self) -> Change {
        let repo = self.open();
        let base = repo.head().unwrap().map_or(Side::Empty, Side::Commit);
        let quick = repo.quick_change(&base, &Side::WorkTree).unwrap();
        let full = super::change(
            &repo.snapshot(&base).unwrap().tree,
            &repo.snapshot(&Side::WorkTree).unwrap().tree,
        );
        let plain = |change: &Change| -> Vec<_> {
            let paths = change.paths.iter();
            paths
                .map(|p| (p.path.clone(), p.before.clone(), p.after.clone()))
                .collect()
        };
        assert_eq!(
            plain(&quick),
            plain(&full),
            "the quick way and the full way"
        );
        quick
    }

    /// The same in short: `A path`, `D path`, `M path`, `T path`.
    pub(super) fn status(&self) -> Vec<String> {
        short(&self.dirty())
    }
}

/// A change as one line a path.
pub(super) fn short(change: &Change) -> Vec<String> {
    let letter = |kind| match kind {
        crate::model::ChangeKind::Added => 'A',
        crate::model::ChangeKind::Deleted => 'D',
        crate::model::ChangeKind::Modified => 'M',
        crate::model::ChangeKind::Mode => 'T',
    };
    change
        .paths
        .iter()
        .map(|p| format!("{} {}", letter(p.kind()), p.path.as_bytes().escape_ascii()))
        .collect()
}
