//! The index, read from its bytes: entries with their stat data, and the trees that git remembers for them.
//!
//! Read here and not through libgit2, because a warm selection looks at every entry of a large repository and at
//! little else: this way no entry costs an allocation, and directories whose tree is remembered are not compared.
//! Versions 2 to 4 and sparse indexes are understood.
//! Not seen here: split indexes (told by a clear error), and the checksum at the end, which git does not check either.

use std::ops::Range;

use crate::model::{Entry, Mode, ObjectId, RepoPath};

use super::tree::mode_of;

/// Mode bits of a sparse directory: an index entry that stands for a whole tree.
const TREE: u32 = 0o040_000;

/// The stat data that git keeps to tell whether a file has been touched. All cut to 32 bits, as in the file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Stat {
    pub(super) ctime: (u32, u32),
    pub(super) mtime: (u32, u32),
    pub(super) ino: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u32,
}

/// One entry of the index.
#[derive(Clone, Debug)]
pub(super) struct IndexEntry {
    path: Range<usize>,
    pub(super) stat: Stat,
    pub(super) mode: u32,
    pub(super) id: ObjectId,
    /// 0 where merged; else one side of a conflict.
    pub(super) stage: u8,
    /// A sparse checkout leaves the file out of the working tree.
    pub(super) skip_worktree: bool,
    /// `git add -N`: only the name is known.
    pub(super) intent_to_add: bool,
}

impl IndexEntry {
    /// The entry as a tree would hold it; `None` for conflicts, for bare intentions, and for sparse directories.
    pub(super) fn entry(&self) -> Option<Entry> {
        let mode = mode_of(self.mode)?;
        (self.stage == 0 && !self.intent_to_add).then_some(Entry {
            mode,
            blob: self.id,
        })
    }

    /// Whether it is a submodule.
    pub(super) fn is_submodule(&self) -> bool {
        mode_of(self.mode) == Some(Mode::Submodule)
    }
}

/// A directory whose tree git remembers.
#[derive(Debug, Default)]
struct CachedTree {
    name: Vec<u8>,
    id: Option<ObjectId>,
    children: Vec<usize>,
}

/// All entries, sorted by path.
#[derive(Debug, Default)]
pub(super) struct Index {
    paths: Vec<u8>,
    pub(super) entries: Vec<IndexEntry>,
    trees: Vec<CachedTree>,
}

/// Which remembered tree belongs to a directory of the index.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeRef(Option<usize>);

/// One name in a directory of the index.
pub(super) enum Child {
    /// The entries of one path: one, or the sides of a conflict.
    Leaf(Range<usize>),
    /// The entries below a directory.
    Dir(Range<usize>),
    /// A whole directory that is not checked out, as one entry with a slash at its end.
    SparseDir(usize),
}

impl Index {
    /// Reads the bytes of an index file. The error says what is wrong.
    pub(super) fn parse(data: &[u8]) -> Result<Index, String> {
        let mut at = Reader { data, pos: 0 };
        if at.take(4)? != b"DIRC" {
            return Err("it does not begin with DIRC".into());
        }
        let version = at.u32()?;
        if !(2..=4).contains(&version) {
            return Err(format!("version {version} is not known"));
        }
        let count = at.u32()? as usize;
        let mut index = Index::default();
        // An entry takes more than 60 bytes, so a damaged count does not ask for much memory.
        index.entries.reserve(count.min(data.len() / 60));
        index.paths.reserve(data.len() / 2);
        for _ in 0..count {
            index.read_entry(&mut at, version)?;
        }
        // What stands behind the entries is announced by name and size; a checksum comes last.
        while data.len().saturating_sub(at.pos) > 20 + 8 {
            let name = at.take(4)?;
            let size = at.u32()? as usize;
            let body = at.take(size)?;
            match name {
                b"TREE" => index.trees = read_trees(body)?,
                b"link" => return Err("split index".into()),
                b"sdir" => {}
                _ if name.first().is_some_and(u8::is_ascii_uppercase) => {}
                _ => return Err(format!("unknown extension {}", name.escape_ascii())),
            }
        }
        index.check_order()?;
        Ok(index)
    }

    /// Paths have to be there and sorted, for everything else relies on it.
    fn check_order(&self) -> Result<(), String> {
        let mut last: Option<&IndexEntry> = None;
        for entry in &self.entries {
            let path = self.path(entry);
            let sorted =
                last.is_none_or(|last| (self.path(last), last.stage) < (path, entry.stage));
            if path.is_empty() || !sorted {
                return Err(format!("`{}` is out of order", RepoPath::new(path)));
            }
            last = Some(entry);
        }
        Ok(())
    }

    fn read_entry(&mut self, at: &mut Reader<'_>, version: u32) -> Result<(), String> {
        let start = at.pos;
        let mut word = [0u32; 10];
        for slot in &mut word {
            *slot = at.u32()?;
        }
        let [cs, cn, ms, mn, _dev, ino, mode, uid, gid, size] = word;
        let id = object_id(at.take(20)?);
        let flags = at.u16()?;
        let more = if flags & 0x4000 != 0 { at.u16()? } else { 0 };
        let before = self.entries.last().map_or(0..0, |last| last.path.clone());
        let from = self.paths.len();
        if version == 4 {
            let drop = at.varint()?;
            let keep = before
                .len()
                .checked_sub(drop)
                .ok_or("a path takes off too much")?;
            self.paths
                .extend_from_within(before.start..before.start + keep);
            self.paths.extend_from_slice(at.until_nul()?);
        } else {
            self.paths.extend_from_slice(at.until_nul()?);
            // Padded with one to eight NULs to a multiple of eight; one of them is taken.
            let unpadded = at.pos - 1 - start;
            at.take((unpadded / 8 + 1) * 8 - unpadded - 1)?;
        }
        let end = self.paths.len();
        let entry = IndexEntry {
            path: from..end,
            stat: Stat {
                ctime: (cs, cn),
                mtime: (ms, mn),
                ino,
                uid,
                gid,
                size,
            },
            mode,
            id,
            stage: (flags >> 12 & 3) as u8,
            skip_worktree: more & 0x4000 != 0,
            intent_to_add: more & 0x2000 != 0,
        };
        self.entries.push(entry);
        Ok(())
    }

    /// The path of an entry.
    pub(super) fn path(&self, entry: &IndexEntry) -> &[u8] {
        self.paths.get(entry.path.clone()).unwrap_or_default()
    }

    /// The path of the entry at this place.
    pub(super) fn path_at(&self, at: usize) -> &[u8] {
        self.entries.get(at).map_or(&[], |entry| self.path(entry))
    }

    /// The names directly below a directory, in order. `range` holds its entries, `skip` is how many bytes of their
    /// paths belong to the directory (its slash included).
    pub(super) fn children(&self, range: Range<usize>, skip: usize) -> Vec<(&[u8], Child)> {
        let mut out = Vec::new();
        let mut at = range.start;
        while at < range.end.min(self.entries.len()) {
            let rest = self.path_at(at).get(skip..).unwrap_or_default();
            let slash = rest.iter().position(|&b| b == b'/');
            let first = at;
            match slash {
                None => {
                    while at < range.end && self.path_at(at).get(skip..) == Some(rest) {
                        at += 1;
                    }
                    out.push((rest, Child::Leaf(first..at)));
                }
                Some(slash)
                    if slash + 1 == rest.len()
                        && self.entries.get(at).is_some_and(|e| e.mode == TREE) =>
                {
                    out.push((&rest[..slash], Child::SparseDir(at)));
                    at += 1;
                }
                Some(slash) => {
                    let name = &rest[..slash];
                    let prefix = &rest[..=slash];
                    // Runs are long in the middle of a tree: search instead of stepping.
                    let run = self.entries[at..range.end].partition_point(|entry| {
                        self.path(entry)
                            .get(skip..)
                            .is_some_and(|rest| rest.starts_with(prefix))
                    });
                    at += run.max(1);
                    out.push((name, Child::Dir(first..at)));
                }
            }
        }
        out
    }

    /// The first entry at exactly this path.
    pub(super) fn find(&self, path: &[u8]) -> Option<&IndexEntry> {
        let at = self.entries.partition_point(|e| self.path(e) < path);
        self.entries.get(at).filter(|e| self.path(e) == path)
    }

    /// The merged entries whose file has this name, in any directory.
    pub(super) fn named<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a IndexEntry> {
        self.entries.iter().filter(move |entry| {
            let dir = self.path(entry).strip_suffix(name);
            dir.is_some_and(|dir| dir.is_empty() || dir.ends_with(b"/")) && entry.entry().is_some()
        })
    }

    /// The directory left out of a sparse checkout that covers a path: its tree, and the rest of the path.
    pub(super) fn sparse_dir_around<'p>(&self, path: &'p RepoPath) -> Option<(ObjectId, &'p [u8])> {
        path.ancestors().find_map(|dir| {
            let entry = self.find(&[dir.as_bytes(), b"/"].concat())?;
            Some((entry.id, path.below(&dir)?))
        })
    }

    /// The remembered tree of the root.
    pub(super) fn root_tree(&self) -> TreeRef {
        TreeRef((!self.trees.is_empty()).then_some(0))
    }

    /// The remembered tree of a directory in a directory.
    pub(super) fn subtree(&self, of: TreeRef, name: &[u8]) -> TreeRef {
        let children = of.0.and_then(|at| self.trees.get(at)).map(|t| &t.children);
        TreeRef(children.and_then(|all| {
            all.iter()
                .copied()
                .find(|&at| self.trees.get(at).is_some_and(|t| t.name == name))
        }))
    }

    /// The id of a remembered tree, where it is still right.
    pub(super) fn tree_id(&self, of: TreeRef) -> Option<ObjectId> {
        self.trees.get(of.0?)?.id
    }
}

/// The bytes of an id.
fn object_id(bytes: &[u8]) -> ObjectId {
    let mut id = ObjectId::default();
    if bytes.len() == 20 {
        id.0.copy_from_slice(bytes);
    }
    id
}

/// The `TREE` extension: directories from outside in, each followed by those in it.
fn read_trees(data: &[u8]) -> Result<Vec<CachedTree>, String> {
    let mut at = Reader { data, pos: 0 };
    let mut trees: Vec<CachedTree> = Vec::new();
    // Directories whose inner ones are still to come, and how many.
    let mut open: Vec<(usize, usize)> = Vec::new();
    while at.pos < data.len() {
        let name = at.until_nul()?.to_vec();
        let entries = at.number(b' ')?;
        let inner = at.number(b'\n')?;
        let id = if entries >= 0 {
            Some(object_id(at.take(20)?))
        } else {
            None
        };
        let this = trees.len();
        while open.last().is_some_and(|(_, left)| *left == 0) {
            open.pop();
        }
        if let Some((parent, left)) = open.last_mut() {
            *left -= 1;
            if let Some(parent) = trees.get_mut(*parent) {
                parent.children.push(this);
            }
        } else if this > 0 {
            return Err("the remembered trees have two roots".into());
        }
        trees.push(CachedTree {
            name,
            id,
            children: Vec::new(),
        });
        open.push((this, usize::try_from(inner).unwrap_or(0)));
    }
    Ok(trees)
}

/// A cursor that never runs past the end.
struct Reader<'a> {
    data: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let end = self.pos.checked_add(len);
        let bytes = end.and_then(|end| self.data.get(self.pos..end));
        self.pos = self.pos.saturating_add(len);
        bytes.ok_or_else(|| "it ends too early".into())
    }

    fn u32(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().fold(0, |n, &b| n << 8 | u32::from(b)))
    }

    fn u16(&mut self) -> Result<u16, String> {
        let bytes = self.take(2)?;
        Ok(bytes.iter().fold(0, |n, &b| n << 8 | u16::from(b)))
    }

    fn until_nul(&mut self) -> Result<&'a [u8], String> {
        self.until(0)
    }

    fn until(&mut self, end: u8) -> Result<&'a [u8], String> {
        let rest = self.data.get(self.pos..).unwrap_or_default();
        let len = rest.iter().position(|&b| b == end);
        let len = len.ok_or("it ends too early")?;
        let bytes = self.take(len)?;
        self.pos += 1;
        Ok(bytes)
    }

    /// A decimal number and the byte behind it.
    fn number(&mut self, end: u8) -> Result<i64, String> {
        let text = self.until(end)?;
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| "a remembered tree has no count".into())
    }

    /// A number in seven-bit groups, most significant first, as offsets in packs are written.
    fn varint(&mut self) -> Result<usize, String> {
        let mut value = 0usize;
        for first in std::iter::once(true)
            .chain(std::iter::repeat(false))
            .take(6)
        {
            let byte = self.take(1)?.first().copied().unwrap_or(0);
            if !first {
                value += 1;
            }
            value = value << 7 | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a path takes off too much".into())
    }
}
