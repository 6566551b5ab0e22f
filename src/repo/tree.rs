//! Trees, compared directory by directory: git trees, the index, and nothing.
//!
//! Two directories of the same tree id are equal and not entered, so comparing costs what differs.
//! Listing a tree is comparing it with nothing.

use std::ops::Range;

use git2::Repository;

use crate::model::{Entry, Mode, ObjectId, RepoPath};

use super::error::RepoError;
use super::index::{Child, Index, TreeRef};
use super::objects::{damaged, oid};

/// A directory on one side of a comparison.
#[derive(Clone, Debug)]
pub(super) enum Dir {
    /// Nothing is there.
    Nothing,
    /// A git tree.
    Tree(ObjectId),
    /// Entries of the index, with the tree that the index remembers for them.
    Index(Range<usize>, TreeRef),
}

impl Dir {
    /// The root of the index.
    pub(super) fn index(index: &Index) -> Dir {
        Dir::Index(0..index.entries.len(), index.root_tree())
    }
}

/// A path on both sides.
pub(super) type Pair = (RepoPath, Option<Entry>, Option<Entry>);

/// What a mode in a tree or index means; `None` for directories and for what git does not write.
pub(super) fn mode_of(bits: u32) -> Option<Mode> {
    match bits & 0o170_000 {
        0o100_000 if bits & 0o111 != 0 => Some(Mode::Executable),
        0o100_000 => Some(Mode::File),
        0o120_000 => Some(Mode::Link),
        0o160_000 => Some(Mode::Submodule),
        _ => None,
    }
}

enum Node {
    Leaf(Entry),
    Dir(Dir),
}

/// A name, with a slash behind it for a directory: so git sorts, and so a file never meets a directory.
type Named = (Vec<u8>, Node);

/// Compares directories.
pub(super) struct Walk<'a> {
    pub(super) repo: &'a Repository,
    pub(super) index: &'a Index,
}

impl Walk<'_> {
    /// Every path whose entry differs, sorted by path.
    ///
    /// Cost: reads the trees of directories that differ. Fails where one of them is missing or damaged.
    pub(super) fn differences(&self, before: Dir, after: Dir) -> Result<Vec<Pair>, RepoError> {
        let mut out = Vec::new();
        // Directories being compared, from the root inwards: depth costs memory, not stack.
        let mut open = vec![self.joined(&[], before, after)?];
        let mut path: Vec<u8> = Vec::new();
        let mut lengths = vec![0usize];
        while let Some(level) = open.last_mut() {
            let Some((name, before, after)) = level.next() else {
                open.pop();
                lengths.pop();
                path.truncate(lengths.last().copied().unwrap_or(0));
                continue;
            };
            let here = path.len();
            path.extend_from_slice(&name);
            match (before, after) {
                (Side::Dir(before), Side::Dir(after)) => {
                    let inner = self.joined(&path, before, after)?;
                    open.push(inner);
                    lengths.push(path.len());
                }
                (before, after) => {
                    let (before, after) = (before.entry(), after.entry());
                    if before != after {
                        out.push((RepoPath::new(&path), before, after));
                    }
                    path.truncate(here);
                }
            }
        }
        Ok(out)
    }

    /// The entry at a path below a tree.
    pub(super) fn lookup(&self, tree: ObjectId, path: &[u8]) -> Result<Option<Entry>, RepoError> {
        let mut tree = tree;
        let mut done = 0;
        for part in path.split(|&b| b == b'/') {
            let all = self.list(&path[..done], &Dir::Tree(tree))?;
            done = (done + part.len() + 1).min(path.len());
            let last = done == path.len();
            let found = all.into_iter().find_map(|(name, node)| match node {
                Node::Leaf(entry) if last && name == part => Some(Ok(entry)),
                Node::Dir(Dir::Tree(id)) if !last && name.strip_suffix(b"/") == Some(part) => {
                    Some(Err(id))
                }
                _ => None,
            });
            match found {
                Some(Ok(entry)) => return Ok(Some(entry)),
                Some(Err(id)) => tree = id,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    fn tree_id(&self, dir: &Dir) -> Option<ObjectId> {
        match dir {
            Dir::Nothing => None,
            Dir::Tree(id) => Some(*id),
            Dir::Index(_, tree) => self.index.tree_id(*tree),
        }
    }

    /// Both listings laid side by side; empty where both are the same tree.
    fn joined(&self, path: &[u8], before: Dir, after: Dir) -> Result<Level, RepoError> {
        let same = self.tree_id(&before).is_some() && self.tree_id(&before) == self.tree_id(&after);
        if same {
            return Ok(Vec::new().into_iter());
        }
        let mut before = self.list(path, &before)?.into_iter().peekable();
        let mut after = self.list(path, &after)?.into_iter().peekable();
        let mut level = Vec::new();
        loop {
            let order = match (before.peek(), after.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => a.0.cmp(&b.0),
            };
            let a = if order.is_le() { before.next() } else { None };
            let b = if order.is_ge() { after.next() } else { None };
            let is_dir =
                matches!(&a, Some((_, Node::Dir(_)))) || matches!(&b, Some((_, Node::Dir(_))));
            let name = match (&a, &b) {
                (Some((name, _)), _) | (None, Some((name, _))) => name.clone(),
                (None, None) => break,
            };
            let side = |named: Option<Named>| match named {
                Some((_, Node::Leaf(entry))) => Side::Leaf(Some(entry)),
                Some((_, Node::Dir(dir))) => Side::Dir(dir),
                None if is_dir => Side::Dir(Dir::Nothing),
                None => Side::Leaf(None),
            };
            level.push((name, side(a), side(b)));
        }
        Ok(level.into_iter())
    }

    /// What a directory holds, in git's order.
    fn list(&self, path: &[u8], dir: &Dir) -> Result<Vec<Named>, RepoError> {
        match dir {
            Dir::Nothing => Ok(Vec::new()),
            Dir::Tree(id) => self.list_tree(path, *id),
            Dir::Index(range, tree) => Ok(self
                .index
                .children(range.clone(), path.len())
                .into_iter()
                .filter_map(|(name, child)| self.index_child(name, child, *tree))
                .collect()),
        }
    }

    fn index_child(&self, name: &[u8], child: Child, tree: TreeRef) -> Option<Named> {
        let slashed = || [name, b"/"].concat();
        Some(match child {
            Child::Leaf(range) => {
                let entry = self
                    .index
                    .entries
                    .get(range)?
                    .iter()
                    .find_map(|e| e.entry())?;
                (name.to_vec(), Node::Leaf(entry))
            }
            Child::Dir(range) => {
                let inner = self.index.subtree(tree, name);
                (slashed(), Node::Dir(Dir::Index(range, inner)))
            }
            Child::SparseDir(at) => {
                let id = self.index.entries.get(at)?.id;
                (slashed(), Node::Dir(Dir::Tree(id)))
            }
        })
    }

    fn list_tree(&self, path: &[u8], id: ObjectId) -> Result<Vec<Named>, RepoError> {
        let place = || RepoPath::new(path);
        let tree = self
            .repo
            .find_tree(oid(id))
            .map_err(|source| damaged(self.repo, id, Some(place()), source))?;
        let mut out = Vec::with_capacity(tree.len());
        for item in &tree {
            let bits = u32::try_from(item.filemode_raw()).unwrap_or(0);
            let id = super::objects::id(item.id());
            let mut name = item.name_bytes().to_vec();
            if bits & 0o170_000 == 0o040_000 {
                name.push(b'/');
                out.push((name, Node::Dir(Dir::Tree(id))));
            } else if let Some(mode) = mode_of(bits) {
                out.push((name, Node::Leaf(Entry { mode, blob: id })));
            }
        }
        // Git writes them so; a tree made by other tools may be out of order.
        out.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(out)
    }
}

enum Side {
    Leaf(Option<Entry>),
    Dir(Dir),
}

impl Side {
    fn entry(self) -> Option<Entry> {
        match self {
            Side::Leaf(entry) => entry,
            Side::Dir(_) => None,
        }
    }
}

type Level = std::vec::IntoIter<(Vec<u8>, Side, Side)>;
