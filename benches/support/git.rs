//! What the benches ask of git, through its command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a command to its end and returns what it printed.
///
/// # Errors
/// A command that cannot start or fails, in words, with the end of what it said.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let shown = format!(
        "{} {}",
        command.get_program().to_string_lossy(),
        command
            .get_args()
            .map(OsStr::to_string_lossy)
            .collect::<Vec<_>>()
            .join(" ")
    );
    let out = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{shown}`: {error}"))?;
    if out.status.success() {
        return Ok(out.stdout);
    }
    let said = String::from_utf8_lossy(&out.stderr);
    let last: Vec<&str> = said.lines().rev().take(20).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(format!("`{shown}`: {}\n{}", out.status, last.join("\n")))
}

/// Runs git in a directory and returns what it printed.
///
/// # Errors
/// As [`output`].
pub(crate) fn git(dir: &Path, args: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(dir);
    command.args(["-c", "gc.auto=0", "-c", "advice.detachedHead=false"]);
    output(command.args(args))
}

/// The same, as lines of text.
///
/// # Errors
/// As [`output`].
pub(crate) fn lines(dir: &Path, args: &[&str]) -> Result<Vec<String>, String> {
    let text = git(dir, args)?;
    Ok(String::from_utf8_lossy(&text)
        .lines()
        .map(str::to_owned)
        .collect())
}

/// The top of the work tree around a directory, without symbolic links.
///
/// # Errors
/// No repository there, or no work tree.
pub(crate) fn top(dir: &Path) -> Result<PathBuf, String> {
    let found = lines(dir, &["rev-parse", "--show-toplevel"])?;
    let top = found.into_iter().next().unwrap_or_default();
    Path::new(&top)
        .canonicalize()
        .map_err(|error| format!("`{top}`: {error}"))
}
