//! Where state lives: `.tia/` at the top of the working tree, or `tia/` in the directory of a bare repository.

use std::fs;
use std::path::{Path, PathBuf};

/// The state directory of a repository, whether it is there or not.
pub(super) fn path(work_dir: Option<&Path>, git_dir: &Path) -> PathBuf {
    work_dir.map_or_else(|| git_dir.join("tia"), |top| top.join(".tia"))
}

/// The state directory of a repository, made where it is missing. It ignores itself in git and tells backup tools
/// that it can be left out. `None` where it cannot be made: then nothing is kept.
pub(super) fn directory(work_dir: Option<&Path>, git_dir: &Path) -> Option<PathBuf> {
    let dir = path(work_dir, git_dir);
    fs::create_dir_all(dir.join("cache")).ok()?;
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        fs::write(
            ignore,
            "# made by tia; nothing here belongs into a commit\n*\n",
        )
        .ok()?;
    }
    let tag = dir.join("cache/CACHEDIR.TAG");
    if !tag.exists() {
        let text = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of tia; it can be deleted at any time.\n";
        fs::write(tag, text).ok()?;
    }
    Some(dir)
}
