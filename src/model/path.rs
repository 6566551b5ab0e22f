//! `RepoPath`: a path as git stores it.

use std::fmt;

use bstr::{BStr, BString, ByteSlice};
use serde::{Deserialize, Serialize};

/// A path relative to the repository's root: bytes, forward slashes, no leading or trailing slash.
///
/// Bytes and not a string, because git allows any byte but NUL in a name. The empty path is the root.
/// A machine's absolute path never becomes a `RepoPath`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct RepoPath(BString);

impl RepoPath {
    /// Wraps bytes that git handed out. Leading `./` and outer slashes are taken off; nothing else is changed.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let mut bytes = bytes.as_ref();
        while let Some(rest) = bytes.strip_prefix(b"./") {
            bytes = rest;
        }
        let trimmed = bytes.trim_with(|c| c == '/');
        Self(if trimmed == b"." {
            BString::default()
        } else {
            BString::from(trimmed)
        })
    }

    /// The root of the repository.
    pub fn root() -> Self {
        Self::default()
    }

    /// The bytes as git stores them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same as a byte string, for printing and searching.
    pub fn as_bstr(&self) -> &BStr {
        self.0.as_bstr()
    }

    /// The path as text, where it is UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether this is the repository's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last component; empty for the root.
    pub fn file_name(&self) -> &[u8] {
        self.0
            .rsplit_once_str("/")
            .map_or(&self.0, |(_, name)| name)
    }

    /// The last component up to its last dot (a leading dot is part of the stem).
    pub fn stem(&self) -> &[u8] {
        let name = self.file_name();
        match name.rfind_byte(b'.') {
            Some(dot) if dot > 0 => &name[..dot],
            _ => name,
        }
    }

    /// What follows the last dot of the last component; empty where there is none.
    pub fn extension(&self) -> &[u8] {
        let name = self.file_name();
        match name.rfind_byte(b'.') {
            Some(dot) if dot > 0 => &name[dot + 1..],
            _ => b"",
        }
    }

    /// The directory that holds this path; `None` for the root itself.
    pub fn parent(&self) -> Option<RepoPath> {
        if self.is_root() {
            return None;
        }
        Some(match self.0.rfind_byte(b'/') {
            Some(slash) => Self(BString::from(&self.0[..slash])),
            None => Self::root(),
        })
    }

    /// The directories above this path, innermost first, the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = RepoPath> + use<> {
        std::iter::successors(self.parent(), RepoPath::parent)
    }

    /// `name` below this directory. `name` may hold slashes; `.` and `..` are resolved.
    ///
    /// `None` where `..` would leave the repository, or where `name` is absolute.
    pub fn join(&self, name: impl AsRef<[u8]>) -> Option<RepoPath> {
        let name = name.as_ref();
        if name.starts_with(b"/") {
            return None;
        }
        let mut parts: Vec<&[u8]> = self.0.split_str("/").filter(|p| !p.is_empty()).collect();
        for part in name.split_str("/") {
            match part {
                b"" | b"." => {}
                b".." => {
                    parts.pop()?;
                }
                _ => parts.push(part),
            }
        }
        Some(Self(BString::from(bstr::join("/", parts))))
    }

    /// Whether this path is `dir` or lies below it.
    pub fn is_under(&self, dir: &RepoPath) -> bool {
        dir.is_root()
            || (self.0.starts_with(&dir.0)
                && (self.0.len() == dir.0.len() || self.0[dir.0.len()] == b'/'))
    }

    /// The rest of this path below `dir`.
    pub fn below(&self, dir: &RepoPath) -> Option<&[u8]> {
        if !self.is_under(dir) {
            return None;
        }
        let rest = &self.0[dir.0.len()..];
        Some(rest.strip_prefix(b"/").unwrap_or(rest))
    }
}

impl fmt::Display for RepoPath {
    /// Bytes that are not UTF-8 are shown as the replacement character; use [`RepoPath::as_bytes`] for data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            f.write_str(".")
        } else {
            fmt::Display::fmt(self.0.as_bstr(), f)
        }
    }
}

impl From<&str> for RepoPath {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_resolves_dots_and_refuses_to_leave_the_repository() {
        let dir = RepoPath::from("a/b");
        assert_eq!(dir.join("../c/./d"), Some("a/c/d".into()));
        assert_eq!(dir.join("../../x"), Some("x".into()));
        assert_eq!(dir.join("../../../x"), None);
        assert_eq!(dir.join("/etc/passwd"), None);
    }

    #[test]
    fn under_is_by_component_and_not_by_prefix() {
        assert!(RepoPath::from("a/b/c").is_under(&"a/b".into()));
        assert!(!RepoPath::from("a/bc").is_under(&"a/b".into()));
        assert!(RepoPath::from("x").is_under(&RepoPath::root()));
        assert_eq!(
            RepoPath::from("a/b/c").below(&"a".into()),
            Some(&b"b/c"[..])
        );
    }

    #[test]
    fn a_leading_dot_belongs_to_the_stem() {
        assert_eq!(RepoPath::from("x/.env").stem(), b".env");
        assert_eq!(RepoPath::from("x/.env").extension(), b"");
        assert_eq!(RepoPath::from("x/a.tar.gz").extension(), b"gz");
    }

    #[test]
    fn ancestors_end_at_the_root() {
        let all: Vec<String> = RepoPath::from("a/b/c")
            .ancestors()
            .map(|p| p.to_string())
            .collect();
        assert_eq!(all, ["a/b", "a", "."]);
    }
}
