//! The paths and directories of a tree by their last component, for literals that name them.

use bstr::ByteSlice;
use rustc_hash::FxHashMap;

use crate::model::{Mode, RepoPath, Snapshot};

/// The paths and directories of a tree, by their last component.
#[derive(Debug)]
pub struct Names<'a> {
    by_name: FxHashMap<&'a [u8], Vec<&'a RepoPath>>,
    pub(super) by_extension: FxHashMap<&'a [u8], Vec<&'a RepoPath>>,
    dirs_by_name: FxHashMap<&'a [u8], Vec<&'a RepoPath>>,
    pub(super) submodules: Vec<&'a RepoPath>,
}

impl<'a> Names<'a> {
    /// Cost: a few hash insertions per path.
    pub fn new(tree: &'a Snapshot) -> Self {
        let mut names = Self {
            by_name: FxHashMap::default(),
            by_extension: FxHashMap::default(),
            dirs_by_name: FxHashMap::default(),
            submodules: Vec::new(),
        };
        for (path, entry) in tree.entries() {
            names
                .by_name
                .entry(path.file_name())
                .or_default()
                .push(path);
            names
                .by_extension
                .entry(path.extension())
                .or_default()
                .push(path);
            if entry.mode == Mode::Submodule {
                names.submodules.push(path);
            }
        }
        for dir in tree.dirs() {
            names
                .dirs_by_name
                .entry(dir.file_name())
                .or_default()
                .push(dir);
        }
        names
    }

    /// Whether any path or directory bears the last component of a name.
    pub(super) fn knows(&self, name: &[u8]) -> bool {
        let last = name.rsplit_str("/").next().unwrap_or_default();
        self.by_name.contains_key(last) || self.dirs_by_name.contains_key(last)
    }

    /// The paths that end with these components.
    pub(super) fn paths_ending<'s>(
        &'s self,
        tail: &'s [u8],
    ) -> impl Iterator<Item = &'a RepoPath> + 's {
        self.ending(&self.by_name, tail)
    }

    /// The directories that end with these components.
    pub(super) fn dirs_ending<'s>(
        &'s self,
        tail: &'s [u8],
    ) -> impl Iterator<Item = &'a RepoPath> + 's {
        self.ending(&self.dirs_by_name, tail)
    }

    fn ending<'s>(
        &'s self,
        map: &'s FxHashMap<&'a [u8], Vec<&'a RepoPath>>,
        tail: &'s [u8],
    ) -> impl Iterator<Item = &'a RepoPath> + 's {
        let name = tail.rsplit_str("/").next().unwrap_or_default();
        let all = map.get(name).into_iter().flatten().copied();
        all.filter(move |path| ends_with_components(path.as_bytes(), tail))
    }
}

/// Whether a path is `tail` or ends with it, whole components at a time.
pub(super) fn ends_with_components(path: &[u8], tail: &[u8]) -> bool {
    path.ends_with(tail) && (path.len() == tail.len() || path[path.len() - tail.len() - 1] == b'/')
}
