//! Where state lives: `.tia/` at the top of the working tree, or `tia/` in the directory of a bare repository.

use std::fs;
use std::path::{Path, PathBuf};

/// The state directory of a repository, whether it is there or not.
pub(super) fn path(work_dir: Option<&Path>, git_dir: &Path) -> PathBuf {
    work_dir.map_or_else(|| git_dir.join("tia"), |top| top.join(".tia"))
}

/// The state directory of a repository, made where it is missing. It ignores itself in git and tells backup tools
/// that it can be left out. `None` where it cannot be made: then nothing is kept.
///
/// It is made beside git's own files and moved to its place whole, so that another process that looks at the working tree
/// meanwhile never takes a part of it for a file of the user's.
pub(super) fn directory(work_dir: Option<&Path>, git_dir: &Path) -> Option<PathBuf> {
    let dir = path(work_dir, git_dir);
    if !dir.exists() {
        let whole = git_dir.join(format!("tia-new-{}", std::process::id()));
        let made = fs::create_dir(&whole).and_then(|()| fill(&whole));
        // where somebody else was faster, or the place is on another disk, the next lines do what is left to do
        if made.and_then(|()| fs::rename(&whole, &dir)).is_err() {
            let _ = fs::remove_dir_all(&whole);
        }
    }
    fs::create_dir_all(&dir).ok()?;
    fill(&dir).ok()?;
    Some(dir)
}

/// Puts in what every state directory has, unless it is there.
fn fill(dir: &Path) -> std::io::Result<()> {
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        let text = "# made by tia; nothing here belongs into a commit\n*\n";
        fs::write(ignore, text)?;
    }
    fs::create_dir_all(dir.join("cache"))?;
    let tag = dir.join("cache/CACHEDIR.TAG");
    if !tag.exists() {
        let text = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of tia; it can be deleted at any time.\n";
        fs::write(tag, text)?;
    }
    Ok(())
}
