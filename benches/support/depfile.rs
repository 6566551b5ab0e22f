//! Dep-info: the files that rustc says it read, and those that build scripts say they read.
//!
//! Not seen here: files that a proc macro or a build script opens and does not declare.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::git;

/// A tracked path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tracked {
    /// A file.
    File,
    /// A symbolic link.
    Link,
}

/// The files on which the first rule of a dep-info file depends, as they are written there.
pub(crate) fn dependencies(text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, list)) = line.split_once(": ") else {
            continue;
        };
        let mut name = String::new();
        let mut chars = list.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                // only spaces are escaped; a backslash before anything else is itself
                '\\' if chars.peek() == Some(&' ') => name.extend(chars.next()),
                ' ' if !name.is_empty() => found.push(PathBuf::from(std::mem::take(&mut name))),
                ' ' => {}
                _ => name.push(char),
            }
        }
        if !name.is_empty() {
            found.push(PathBuf::from(name));
        }
    }
    found
}

/// The paths that a build script printed in `rerun-if-changed` lines.
pub(crate) fn declared(output: &str) -> Vec<PathBuf> {
    output
        .lines()
        .filter_map(|line| {
            line.strip_prefix("cargo::rerun-if-changed=")
                .or_else(|| line.strip_prefix("cargo:rerun-if-changed="))
        })
        .map(|path| PathBuf::from(path.trim()))
        .collect()
}

/// The tracked files and links below the top of a work tree, by path.
///
/// # Errors
/// As [`git::git`].
pub(crate) fn tracked(top: &Path) -> Result<BTreeMap<Vec<u8>, Tracked>, String> {
    let listed = git::git(top, &["ls-files", "-z", "--stage"])?;
    Ok(listed
        .split(|byte| *byte == 0)
        .filter_map(|row| {
            let tab = row.iter().position(|byte| *byte == b'\t')?;
            let (stage, path) = (row.get(..tab)?, row.get(tab + 1..)?);
            let kind = match stage.get(..6)? {
                b"120000" => Tracked::Link,
                b"160000" => return None,
                _ => Tracked::File,
            };
            Some((path.to_vec(), kind))
        })
        .collect())
}

/// The tracked paths that somebody who opens `path` reads: the file, or all files below the directory, and every
/// tracked symbolic link on the way there. Relative paths are tried from each of `from`.
pub(crate) fn tracked_of(
    path: &Path,
    from: &[&Path],
    top: &Path,
    tracked: &BTreeMap<Vec<u8>, Tracked>,
) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let Some(start) = from
        .iter()
        .map(|dir| dir.join(path))
        .find(|path| path.exists())
    else {
        return found;
    };
    let mut at = PathBuf::new();
    for part in start.components() {
        match part {
            Component::ParentDir => {
                at.pop();
            }
            Component::CurDir => {}
            _ => at.push(part),
        }
        if let Some(link) = below(&at, top).filter(|p| tracked.get(p) == Some(&Tracked::Link)) {
            found.insert(link);
        }
        if at.is_symlink() {
            let Ok(real) = at.canonicalize() else {
                return found;
            };
            at = real;
        }
    }
    let Some(real) = below(&at, top) else {
        return found;
    };
    if tracked.contains_key(&real) {
        found.insert(real);
    } else if at.is_dir() {
        let mut dir = real;
        if !dir.is_empty() {
            dir.push(b'/');
        }
        found.extend(
            tracked
                .range(dir.clone()..)
                .map(|(path, _)| path)
                .take_while(|path| path.starts_with(&dir))
                .cloned(),
        );
    }
    found
}

fn below(path: &Path, top: &Path) -> Option<Vec<u8>> {
    let rest = path.strip_prefix(top).ok()?;
    let parts: Vec<&[u8]> = rest.iter().map(OsStr::as_encoded_bytes).collect();
    Some(parts.join(&b'/'))
}
