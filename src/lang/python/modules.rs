//! The files of the tree as importable modules: directories, and what a dotted name finds below one.
//!
//! Not seen: search paths and finders that are set up outside the tree.

use rustc_hash::FxHashMap;

use crate::model::{RepoPath, Snapshot};

/// A file that an import can load, by place in [`Modules::files`].
pub(super) type FileId = u32;
/// A directory, by place.
pub(super) type DirId = u32;

/// A directory with Python files at or below it.
#[derive(Debug)]
pub(super) struct Dir {
    pub(super) path: RepoPath,
    pub(super) parent: Option<DirId>,
    /// Its `__init__` files.
    pub(super) init: Vec<FileId>,
}

/// What bears one name in a directory.
#[derive(Debug, Default)]
pub(super) struct Child {
    pub(super) dir: Option<DirId>,
    /// Source, stub and compiled files of this name.
    pub(super) files: Vec<FileId>,
}

/// All modules of a tree.
#[derive(Debug, Default)]
pub(super) struct Modules<'a> {
    /// The files: Python files first, in the order they were given, then compiled ones.
    pub(super) files: Vec<&'a RepoPath>,
    /// Which directory each file is in.
    pub(super) dir_of: Vec<DirId>,
    pub(super) dirs: Vec<Dir>,
    by_path: FxHashMap<RepoPath, DirId>,
    /// By directory.
    children: Vec<FxHashMap<&'a [u8], Child>>,
    /// Directories that hold something of this name.
    holders: FxHashMap<&'a [u8], Vec<DirId>>,
}

/// How far a dotted name leads.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// What the last part that is a module runs.
    pub(super) files: Vec<FileId>,
    /// The directory, where the whole name leads to one.
    pub(super) dir: Option<DirId>,
    /// How many parts were found.
    pub(super) parts: usize,
}

impl<'a> Modules<'a> {
    /// Lays out the Python files (sorted by path) and the compiled modules of a tree.
    pub(super) fn new(python: impl Iterator<Item = &'a RepoPath>, tree: &'a Snapshot) -> Self {
        let mut all = Self::default();
        all.dir(&RepoPath::root());
        for path in python {
            all.add(path);
        }
        for (path, entry) in tree.entries() {
            if entry.mode.is_file() && is_compiled(path) {
                all.add(path);
            }
        }
        let mut links: Vec<_> = tree.links().keys().collect();
        links.sort();
        for link in links {
            all.link(link, tree);
        }
        for holders in all.holders.values_mut() {
            holders.sort_unstable();
            holders.dedup();
        }
        all
    }

    /// The directory of this path, where it holds Python files.
    pub(super) fn dir_at(&self, path: &RepoPath) -> Option<DirId> {
        self.by_path.get(path).copied()
    }

    /// Whether this directory is a regular package.
    pub(super) fn is_package(&self, dir: DirId) -> bool {
        self.dirs
            .get(dir as usize)
            .is_some_and(|d| !d.init.is_empty())
    }

    /// The directories from this one up to the root.
    pub(super) fn upwards(&self, dir: DirId) -> impl Iterator<Item = DirId> {
        std::iter::successors(Some(dir), |&dir| self.dirs.get(dir as usize)?.parent)
    }

    /// The first directory from this one upwards that is no regular package: what pytest puts on the search path.
    pub(super) fn base_of(&self, dir: DirId) -> DirId {
        self.upwards(dir)
            .find(|&d| !self.is_package(d))
            .unwrap_or(0)
    }

    /// The outermost regular package around this directory.
    pub(super) fn top_package(&self, dir: DirId) -> Option<DirId> {
        self.upwards(dir).take_while(|&d| self.is_package(d)).last()
    }

    /// What bears this name in a directory.
    pub(super) fn child(&self, dir: DirId, name: &str) -> Option<&Child> {
        self.children.get(dir as usize)?.get(name.as_bytes())
    }

    /// Every directory in the tree that holds something of this name.
    pub(super) fn holders(&self, name: &str) -> &[DirId] {
        self.holders
            .get(name.as_bytes())
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Follows a dotted name from a directory as far as it leads.
    pub(super) fn follow<'n>(&self, from: DirId, parts: impl Iterator<Item = &'n str>) -> Found {
        let mut found = Found {
            dir: Some(from),
            ..Found::default()
        };
        for part in parts {
            let Some(child) = found.dir.and_then(|dir| self.child(dir, part)) else {
                found.dir = None;
                return found;
            };
            found.parts += 1;
            let init = child
                .dir
                .and_then(|dir| self.dirs.get(dir as usize))
                .map(|d| &d.init);
            let init = init.map(Vec::as_slice).unwrap_or_default();
            if !child.files.is_empty() || !init.is_empty() {
                found.files = child.files.iter().chain(init).copied().collect();
            }
            found.dir = child.dir;
        }
        found
    }

    /// The files at or below a directory (compiled ones not).
    pub(super) fn under(&self, dir: DirId, python: usize) -> std::ops::Range<usize> {
        let Some(dir) = self.dirs.get(dir as usize) else {
            return 0..0;
        };
        let files = self.files.get(..python).unwrap_or_default();
        if dir.path.is_root() {
            return 0..files.len();
        }
        let first = [dir.path.as_bytes(), b"/"].concat();
        let start = files.partition_point(|f| f.as_bytes() < &first[..]);
        let rest = files.get(start..).unwrap_or_default();
        start..start + rest.partition_point(|f| f.as_bytes().starts_with(&first))
    }

    fn dir(&mut self, path: &RepoPath) -> DirId {
        if let Some(&dir) = self.by_path.get(path) {
            return dir;
        }
        let parent = path.parent().map(|parent| self.dir_chain(&parent));
        self.push_dir(path, parent)
    }

    /// Makes the directories down to this one. Not recursive: paths can be long.
    fn dir_chain(&mut self, path: &RepoPath) -> DirId {
        let mut missing = vec![path.clone()];
        missing.extend(path.ancestors());
        let known = missing.iter().position(|p| self.by_path.contains_key(p));
        let mut parent = known.and_then(|at| self.dir_at(&missing[at]));
        for path in missing.iter().take(known.unwrap_or(missing.len())).rev() {
            parent = Some(self.push_dir(path, parent));
        }
        parent.unwrap_or(0)
    }

    fn push_dir(&mut self, path: &RepoPath, parent: Option<DirId>) -> DirId {
        let id = self.dirs.len() as DirId;
        self.dirs.push(Dir {
            path: path.clone(),
            parent,
            init: Vec::new(),
        });
        self.by_path.insert(path.clone(), id);
        self.children.push(FxHashMap::default());
        id
    }

    fn entry(&mut self, dir: DirId, name: &'a [u8]) -> &mut Child {
        self.children[dir as usize].entry(name).or_default()
    }

    fn add(&mut self, path: &'a RepoPath) {
        let id = self.files.len() as FileId;
        let Some(parent) = path.parent() else { return };
        let fresh = !self.by_path.contains_key(&parent);
        let dir = self.dir(&parent);
        self.files.push(path);
        self.dir_of.push(dir);
        if fresh {
            self.name_dirs(path);
        }
        let name = module_stem(path);
        if name == b"__init__"
            && let Some(dir) = self.dirs.get_mut(dir as usize)
        {
            dir.init.push(id);
        }
        self.entry(dir, name).files.push(id);
        self.holders.entry(name).or_default().push(dir);
    }

    /// Enters the directories above a file as children of theirs, under names that live as long as the file's path.
    fn name_dirs(&mut self, path: &'a RepoPath) {
        let bytes = path.as_bytes();
        let mut end = bytes.len();
        let mut below = path.parent();
        while let (Some(dir), Some(slash)) = (below, bytes[..end].iter().rposition(|&b| b == b'/'))
        {
            end = slash;
            let start = bytes[..end]
                .iter()
                .rposition(|&b| b == b'/')
                .map_or(0, |at| at + 1);
            let name = &bytes[start..end];
            below = dir.parent();
            let (Some(id), Some(parent)) = (
                self.dir_at(&dir),
                below.as_ref().and_then(|parent| self.dir_at(parent)),
            ) else {
                return;
            };
            let child = self.entry(parent, name);
            if child.dir.replace(id).is_some() {
                return;
            }
            self.holders.entry(name).or_default().push(parent);
        }
    }

    /// Enters what a symbolic link leads to under the link's name.
    fn link(&mut self, link: &'a RepoPath, tree: &Snapshot) {
        let (Some(target), Some(parent)) = (tree.find(link), link.parent()) else {
            return;
        };
        if let Some(dir) = self.dir_at(&target) {
            let parent = self.dir(&parent);
            self.entry(parent, link.file_name()).dir.get_or_insert(dir);
            self.holders
                .entry(link.file_name())
                .or_default()
                .push(parent);
        } else if let Some(file) = self.files.iter().position(|f| **f == target) {
            let parent = self.dir(&parent);
            let name = module_stem(link);
            self.entry(parent, name).files.push(file as FileId);
            self.holders.entry(name).or_default().push(parent);
            if name == b"__init__"
                && let Some(dir) = self.dirs.get_mut(parent as usize)
            {
                dir.init.push(file as FileId);
            }
        }
    }
}

/// The name under which a file is imported: up to the first dot (`_ext.cpython-312-x86_64-linux-gnu.so`).
fn module_stem(path: &RepoPath) -> &[u8] {
    let name = path.file_name();
    name.iter()
        .position(|&b| b == b'.')
        .map_or(name, |dot| &name[..dot])
}

/// Compiled modules and what they are usually compiled from.
fn is_compiled(path: &RepoPath) -> bool {
    matches!(
        path.extension(),
        b"so" | b"pyd" | b"pyx" | b"pxd" | b"c" | b"cc" | b"cpp" | b"cxx"
    )
}
