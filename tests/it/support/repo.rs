//! A temporary git repository into which nothing leaks from the machine that runs the tests.
//!
//! The environment is emptied, git reads no configuration but the repository's own, author and date are fixed.
//! Not shut out: the system-wide configuration that libgit2 may read by itself.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A directory of its own with a repository in `repo/`, and room beside it for clones and worktrees.
pub(crate) struct TestRepo {
    sandbox: TempDir,
}

impl TestRepo {
    /// An empty repository on the branch `main`, without a commit.
    pub(crate) fn new() -> Self {
        let repo = Self {
            sandbox: tempfile::tempdir().expect("a temporary directory"),
        };
        fs::create_dir(repo.path()).expect("the repository's directory");
        fs::create_dir(repo.root().join("home")).expect("an empty home");
        repo.git(["init", "-q", "--template=", "-b", "main", "."])
            .expect("an empty repository");
        repo
    }

    /// Another sandbox with the same contents: faster than building the tree again.
    pub(crate) fn duplicate(&self) -> Self {
        let sandbox = tempfile::tempdir().expect("a temporary directory");
        copy_tree(self.root(), sandbox.path()).expect("a copy of the sandbox");
        Self { sandbox }
    }

    /// The directory around the repository.
    pub(crate) fn root(&self) -> &Path {
        self.sandbox.path()
    }

    /// The repository's working tree.
    pub(crate) fn path(&self) -> PathBuf {
        self.root().join("repo")
    }

    /// A place in the working tree; the name may be any bytes.
    pub(crate) fn at(&self, path: &[u8]) -> PathBuf {
        self.path().join(OsStr::from_bytes(path))
    }

    /// Writes a file, with the directories around it.
    pub(crate) fn write(&self, path: &[u8], contents: &[u8]) -> io::Result<()> {
        let place = self.parent_of(path)?;
        fs::write(place, contents)
    }

    /// Reads a file.
    pub(crate) fn read(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        fs::read(self.at(path))
    }

    /// Deletes a file, a link or a directory with all in it.
    pub(crate) fn delete(&self, path: &[u8]) -> io::Result<()> {
        let place = self.at(path);
        if fs::symlink_metadata(&place)?.is_dir() {
            fs::remove_dir_all(place)
        } else {
            fs::remove_file(place)
        }
    }

    /// Moves a file or a directory.
    pub(crate) fn rename(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        fs::rename(self.at(from), self.parent_of(to)?)
    }

    /// Makes a symbolic link.
    pub(crate) fn symlink(&self, path: &[u8], target: &[u8]) -> io::Result<()> {
        symlink(OsStr::from_bytes(target), self.parent_of(path)?)
    }

    /// Sets or clears the executable bit.
    pub(crate) fn executable(&self, path: &[u8], on: bool) -> io::Result<()> {
        let mode = if on { 0o755 } else { 0o644 };
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode))
    }

    /// Commits all there is.
    pub(crate) fn commit(&self) -> io::Result<()> {
        self.git(["add", "-A"])?;
        self.git(["commit", "-q", "--allow-empty", "-m", "step"])
    }

    /// Runs git in the working tree; `Err` is what it printed where it fails.
    pub(crate) fn git<I, S>(&self, args: I) -> io::Result<()>
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let mut command = Command::new("git");
        command.env_clear().current_dir(self.path()).args(&args);
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        let output = command.output()?;
        if output.status.success() {
            return Ok(());
        }
        let (stdout, stderr) = (output.stdout, output.stderr);
        Err(io::Error::other(
            String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned(),
        ))
    }

    /// The whole environment that git, and `tia`, get.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut all: Vec<(&'static str, OsString)> = [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
            ("GIT_CONFIG_VALUE_0", "always"),
            ("GIT_CONFIG_KEY_1", "advice.detachedHead"),
            ("GIT_CONFIG_VALUE_1", "false"),
            ("GIT_AUTHOR_NAME", "Ada"),
            ("GIT_AUTHOR_EMAIL", "ada@example.org"),
            ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"),
            ("GIT_COMMITTER_NAME", "Ada"),
            ("GIT_COMMITTER_EMAIL", "ada@example.org"),
            ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
        ]
        .map(|(name, value)| (name, value.into()))
        .into();
        all.push(("HOME", self.root().join("home").into()));
        all.push(("PATH", std::env::var_os("PATH").unwrap_or_default()));
        all
    }

    fn parent_of(&self, path: &[u8]) -> io::Result<PathBuf> {
        let place = self.at(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(place)
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Puts a text in the place of another one, once.
pub(crate) fn edit(repo: &TestRepo, file: &str, from: &str, to: &str) {
    let text = String::from_utf8(repo.read(file.as_bytes()).expect("the file")).expect("text");
    assert!(text.contains(from), "{file} holds no {from:?}");
    repo.write(file.as_bytes(), text.replacen(from, to, 1).as_bytes())
        .expect("a file");
}
