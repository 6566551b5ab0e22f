//! A part of a commit as a change of its own.

use std::path::Path;
use std::process::Command;

use crate::git;

/// A commit like `head` whose files at `paths` are as they were in `base`: from there to `head` is their change alone. It
/// has the same id whenever it is made; no reference leads to it.
///
/// # Errors
/// git cannot make it, in words.
pub(crate) fn before(
    repository: &Path,
    base: &str,
    head: &str,
    paths: &[String],
) -> Result<String, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let index = dir.path().join("index");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(repository).args(args);
        command.env("GIT_INDEX_FILE", &index);
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "nobody");
            command.env(format!("GIT_{who}_EMAIL"), "nobody@localhost");
            command.env(format!("GIT_{who}_DATE"), "2000-01-01T00:00:00Z");
        }
        let text = git::output(&mut command)?;
        Ok::<_, String>(String::from_utf8_lossy(&text).trim().to_owned())
    };
    git(&["read-tree", head])?;
    for path in paths {
        let older = git(&["ls-tree", base, "--", path])?;
        let mut words = older.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(mode), Some("blob"), Some(blob)) => {
                let info = format!("{mode},{blob},{path}");
                git(&["update-index", "--add", "--cacheinfo", &info])?;
            }
            _ => {
                git(&["update-index", "--force-remove", "--", path])?;
            }
        }
    }
    let tree = git(&["write-tree"])?;
    git(&["commit-tree", &tree, "-p", base, "-m", "all but the source"])
}
