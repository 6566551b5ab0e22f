//! Contents of the working tree as `git add` would store them, so that a file which differs from its blob only by
//! the checkout filter has not changed.
//!
//! Line endings (`core.autocrlf`, `text`, `eol`, `crlf`), `ident` and Git LFS pointers are done here, in memory:
//! libgit2 can only do it by writing objects. The rules are those of gitattributes(5).
//! Not seen here: external filter drivers and `working-tree-encoding`, which need other programs. A file with one of
//! those counts as changed unless the index's stat data says that nobody touched it.

use std::io;
use std::path::Path;

use bstr::{ByteSlice, ByteVec};
use git2::{AttrCheckFlags, AttrValue, Repository};

use crate::model::{BlobId, RepoPath};

use super::error::RepoError;
use super::index::Index;
use super::lfs;
use super::objects::{hash, id, oid};

/// Contents above this size are not held in memory where nothing has to be done to them.
const STREAMED: u64 = 8 << 20;

/// How line endings are treated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Text {
    /// Not at all.
    Binary,
    /// CRLF becomes LF.
    Always,
    /// CRLF becomes LF where the contents look like text.
    Auto,
}

/// Cleans files of one working tree.
///
/// Attributes cost far more than contents, so they are only asked for where the contents let them matter.
pub(super) struct Cleaner<'a> {
    repo: &'a Repository,
    index: &'a Index,
}

impl<'a> Cleaner<'a> {
    /// `repo` has been given its attributes by [`give_attributes`].
    pub(super) fn new(repo: &'a Repository, index: &'a Index) -> Self {
        Self { repo, index }
    }

    /// The id that the file would get.
    pub(super) fn id(&self, path: &RepoPath, disk: &Path) -> io::Result<BlobId> {
        let large = std::fs::metadata(disk)?.len() > STREAMED;
        if large && !self.is_lfs(path) && self.text(path) == Text::Binary && !self.ident(path) {
            return plain_id(disk);
        }
        Ok(hash(&self.contents(path, disk)?))
    }

    /// The contents that the file would be stored with.
    pub(super) fn contents(&self, path: &RepoPath, disk: &Path) -> io::Result<Vec<u8>> {
        if std::fs::symlink_metadata(disk)?.is_symlink() {
            return link_target(disk);
        }
        if self.is_lfs(path)
            && let Some(pointer) = lfs::pointer_of(disk)?
        {
            return Ok(pointer);
        }
        let mut bytes = std::fs::read(disk)?;
        if bytes.find(b"\r\n").is_some() {
            let convert = match self.text(path) {
                Text::Binary => false,
                Text::Always => true,
                Text::Auto => !looks_binary(&bytes) && !self.stored_with_cr(path),
            };
            if convert {
                bytes = bytes.replace(b"\r\n", b"\n");
            }
        }
        if bytes.find(b"$Id:").is_some() && self.ident(path) {
            bytes = without_ident(&bytes);
        }
        Ok(bytes)
    }

    /// Whether the file is the data that a Git LFS pointer stands for.
    pub(super) fn is_data_of(&self, path: &RepoPath, disk: &Path, blob: BlobId) -> bool {
        self.is_lfs(path)
            && super::objects::read_object(self.repo, blob, None)
                .is_ok_and(|pointer| lfs::stands_for(&pointer, disk))
    }

    fn is_lfs(&self, path: &RepoPath) -> bool {
        self.attribute(path, "filter") == Attribute::Value(b"lfs".to_vec())
    }

    fn ident(&self, path: &RepoPath) -> bool {
        self.attribute(path, "ident") == Attribute::Set
    }

    fn text(&self, path: &RepoPath) -> Text {
        let mut text = self.attribute(path, "text");
        if text == Attribute::Unspecified {
            text = self.attribute(path, "crlf");
        }
        match text {
            Attribute::Unset => return Text::Binary,
            Attribute::Set => return Text::Always,
            Attribute::Value(value) if value == b"auto" => return Text::Auto,
            Attribute::Value(value) if value == b"input" => return Text::Always,
            _ => {}
        }
        match self.attribute(path, "eol") {
            Attribute::Value(value) if value == b"lf" || value == b"crlf" => Text::Always,
            _ if self.autocrlf() => Text::Auto,
            _ => Text::Binary,
        }
    }

    fn autocrlf(&self) -> bool {
        let config = self.repo.config();
        let value = config.and_then(|config| config.get_string("core.autocrlf"));
        value.is_ok_and(|value| {
            value.eq_ignore_ascii_case("input") || git2::Config::parse_bool(value).unwrap_or(false)
        })
    }

    fn attribute(&self, path: &RepoPath, name: &str) -> Attribute {
        let Ok(path) = path.as_bytes().to_path() else {
            return Attribute::Unspecified;
        };
        let flags = AttrCheckFlags::FILE_THEN_INDEX;
        let value = self.repo.get_attr_bytes(path, name, flags);
        match AttrValue::always_bytes(value.unwrap_or(None)) {
            AttrValue::True => Attribute::Set,
            AttrValue::False => Attribute::Unset,
            AttrValue::Bytes(value) => Attribute::Value(value.to_vec()),
            AttrValue::String(value) => Attribute::Value(value.as_bytes().to_vec()),
            AttrValue::Unspecified => Attribute::Unspecified,
        }
    }

    /// A text file that was stored with CRLF keeps it: git does not normalize behind the user's back.
    fn stored_with_cr(&self, path: &RepoPath) -> bool {
        let stored = || {
            let entry = self.index.find(path.as_bytes())?.entry()?;
            self.repo.find_blob(oid(entry.blob)).ok()
        };
        stored().is_some_and(|blob| {
            let bytes = blob.content();
            bytes.find(b"\r\n").is_some() && !looks_binary(bytes)
        })
    }
}

/// Lets a handle know the attribute files of the index.
///
/// Asked for an attribute, libgit2 reads the whole index, for an attribute file may be tracked and not checked out. With
/// this the attribute files are all that the handle's index has.
pub(super) fn give_attributes(repo: &Repository, index: &Index) -> Result<(), RepoError> {
    let give = || {
        let mut small = git2::Index::new()?;
        for entry in index.named(b".gitattributes") {
            small.add(&git2::IndexEntry {
                ctime: git2::IndexTime::new(0, 0),
                mtime: git2::IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode: entry.mode,
                uid: 0,
                gid: 0,
                file_size: 0,
                id: oid(entry.id),
                flags: 0,
                flags_extended: 0,
                path: index.path(entry).to_vec(),
            })?;
        }
        repo.set_index(&mut small)
    };
    give().map_err(|source| RepoError::Git {
        what: "read the attribute files of the index".into(),
        source,
    })
}

/// The id of the bytes as they are.
pub(super) fn plain_id(disk: &Path) -> io::Result<BlobId> {
    if std::fs::metadata(disk)?.len() <= STREAMED {
        return Ok(hash(&std::fs::read(disk)?));
    }
    let hashed = git2::Oid::hash_file(git2::ObjectType::Blob, disk);
    hashed.map(id).map_err(io::Error::other)
}

/// The value of an attribute.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Attribute {
    Set,
    Unset,
    Value(Vec<u8>),
    Unspecified,
}

/// Where a symbolic link leads, as git stores it.
pub(super) fn link_target(disk: &Path) -> io::Result<Vec<u8>> {
    let target = std::fs::read_link(disk)?.into_os_string();
    Vec::from_os_string(target)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the target is no text"))
}

/// Git's guess: a NUL, a CR that ends no line, or too many control characters.
fn looks_binary(bytes: &[u8]) -> bool {
    let (mut printable, mut others) = (0usize, 0usize);
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            0 => return true,
            b'\r' if bytes.get(at + 1) != Some(&b'\n') => return true,
            b'\r' | b'\n' => {}
            0x08 | b'\t' | 0x0c | 0x1b => printable += 1,
            0x7f => others += 1,
            _ if byte < 0x20 => others += 1,
            _ => printable += 1,
        }
    }
    // An end-of-file character of old is no sign of binary contents.
    if bytes.last() == Some(&0x1a) {
        others -= 1;
    }
    printable >> 7 < others
}

/// `$Id: … $` back to `$Id$`.
fn without_ident(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.find(b"$Id:") {
        let (before, keyword) = rest.split_at(at);
        out.extend_from_slice(before);
        let line = keyword.find_byte(b'\n').unwrap_or(keyword.len());
        let inside = keyword.get(4..line).unwrap_or_default();
        if let Some(end) = inside.find_byte(b'$') {
            out.extend_from_slice(b"$Id$");
            rest = keyword.get(4 + end + 1..).unwrap_or_default();
        } else {
            out.extend_from_slice(b"$Id:");
            rest = keyword.get(4..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ident_keywords_are_closed_again() {
        for (with, without) in [
            (&b"a $Id: 1234 $ b"[..], &b"a $Id$ b"[..]),
            (b"$Id: open\n$", b"$Id: open\n$"),
            (b"$Id$ $Id: x$$Id:$", b"$Id$ $Id$$Id$"),
        ] {
            assert_eq!(without_ident(with).as_bstr(), without.as_bstr());
        }
    }

    #[test]
    fn binary_is_told_from_text_as_git_does() {
        assert!(!looks_binary(b"text\r\nmore\r\n"));
        assert!(!looks_binary(b"text\x1a"));
        assert!(looks_binary(b"a\rb"));
        assert!(looks_binary(b"a\0b"));
        assert!(looks_binary(b"\x01\x02"));
    }
}
