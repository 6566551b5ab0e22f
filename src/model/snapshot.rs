//! The paths of one git tree, or of the working tree laid over HEAD.

use rustc_hash::{FxHashMap, FxHashSet};

use serde::{Deserialize, Serialize};

use super::{BlobId, Fingerprint, Printer, RepoPath};

/// What kind of thing a path is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// An ordinary file.
    File,
    /// A file with the executable bit.
    Executable,
    /// A symbolic link; its blob holds the target.
    Link,
    /// A submodule; its id is the commit it points to.
    Submodule,
}

impl Mode {
    /// Whether there are contents to read as a file.
    pub fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// Mode and contents of one path.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// What kind of thing it is.
    pub mode: Mode,
    /// Its contents (for a submodule: the commit).
    pub blob: BlobId,
}

/// Every path of a tree with its entry, and quick answers about them.
///
/// Directories are those that hold an entry. Symbolic links inside the tree are followed by [`Snapshot::find`].
#[derive(Debug, Default)]
pub struct Snapshot {
    entries: Vec<(RepoPath, Entry)>,
    index: FxHashMap<RepoPath, u32>,
    dirs: FxHashSet<RepoPath>,
    links: FxHashMap<RepoPath, RepoPath>,
}

impl Snapshot {
    /// Lays out entries. `links` gives the target of each symbolic link as its blob holds it.
    ///
    /// Cost: one hash insertion per path and per directory.
    pub fn new(mut entries: Vec<(RepoPath, Entry)>, links: Vec<(RepoPath, Vec<u8>)>) -> Self {
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|a, b| a.0 == b.0);
        let mut dirs = FxHashSet::default();
        dirs.insert(RepoPath::root());
        for (path, _) in &entries {
            for dir in path.ancestors() {
                if !dirs.insert(dir) {
                    break;
                }
            }
        }
        let index = entries
            .iter()
            .enumerate()
            .map(|(i, (path, _))| (path.clone(), i as u32))
            .collect();
        let links = links
            .into_iter()
            .filter_map(|(link, target)| {
                let target = link.parent()?.join(target)?;
                Some((link, target))
            })
            .collect();
        Self {
            entries,
            index,
            dirs,
            links,
        }
    }

    /// All entries, sorted by path.
    pub fn entries(&self) -> &[(RepoPath, Entry)] {
        &self.entries
    }

    /// The entry at exactly this path.
    pub fn get(&self, path: &RepoPath) -> Option<&Entry> {
        self.index.get(path).map(|&i| &self.entries[i as usize].1)
    }

    /// Whether a file, link or submodule is at exactly this path.
    pub fn contains(&self, path: &RepoPath) -> bool {
        self.index.contains_key(path)
    }

    /// Whether this directory holds anything.
    pub fn is_dir(&self, path: &RepoPath) -> bool {
        self.dirs.contains(path)
    }

    /// Every directory that holds an entry, the root included, in no order.
    pub fn dirs(&self) -> impl Iterator<Item = &RepoPath> {
        self.dirs.iter()
    }

    /// The symbolic links whose target lies inside the repository, with that target.
    pub fn links(&self) -> &FxHashMap<RepoPath, RepoPath> {
        &self.links
    }

    /// Where reading `path` ends up: the path itself, or what symbolic links on the way lead to.
    ///
    /// `None` where nothing is there. A loop of links leads nowhere. The answer may be a directory.
    pub fn find(&self, path: &RepoPath) -> Option<RepoPath> {
        self.find_through(path).map(|(end, _)| end)
    }

    /// The same as [`Snapshot::find`], with the symbolic links on the way.
    pub fn find_through(&self, path: &RepoPath) -> Option<(RepoPath, Vec<RepoPath>)> {
        let (mut path, mut through) = (path.clone(), Vec::new());
        while !self.links.is_empty() && through.len() < 40 {
            let mut on_the_way = std::iter::once(path.clone()).chain(path.ancestors());
            let Some(link) = on_the_way.find(|p| self.links.contains_key(p)) else {
                break;
            };
            path = self.links[&link].join(path.below(&link)?)?;
            through.push(link);
        }
        (self.contains(&path) || self.is_dir(&path)).then_some((path, through))
    }

    /// The entries at or below a directory, sorted.
    pub fn under(&self, dir: &RepoPath) -> &[(RepoPath, Entry)] {
        if dir.is_root() {
            return &self.entries;
        }
        let mut first = dir.as_bytes().to_vec();
        if let Some(i) = self.index.get(dir) {
            return &self.entries[*i as usize..=*i as usize];
        }
        first.push(b'/');
        let start = self
            .entries
            .partition_point(|(path, _)| path.as_bytes() < &first[..]);
        let len =
            self.entries[start..].partition_point(|(path, _)| path.as_bytes().starts_with(&first));
        &self.entries[start..start + len]
    }

    /// A print of all paths, modes and contents: the identity of this snapshot.
    pub fn print(&self) -> Fingerprint {
        let mut printer = Printer::new();
        for (path, entry) in &self.entries {
            printer.piece(path.as_bytes());
            printer.number(entry.mode as u64);
            printer.piece(entry.blob.0);
        }
        printer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(paths: &[&str], links: &[(&str, &str)]) -> Snapshot {
        let entry = |mode| Entry {
            mode,
            blob: BlobId::default(),
        };
        let mut entries: Vec<_> = paths
            .iter()
            .map(|p| (RepoPath::from(*p), entry(Mode::File)))
            .collect();
        entries.extend(
            links
                .iter()
                .map(|(l, _)| (RepoPath::from(*l), entry(Mode::Link))),
        );
        Snapshot::new(
            entries,
            links
                .iter()
                .map(|(l, t)| (RepoPath::from(*l), t.as_bytes().to_vec()))
                .collect(),
        )
    }

    #[test]
    fn under_lists_a_directory_and_not_its_namesakes() {
        let tree = snapshot(&["a/b", "a/c/d", "a-b/x", "ab"], &[]);
        let names: Vec<_> = tree
            .under(&"a".into())
            .iter()
            .map(|(p, _)| p.to_string())
            .collect();
        assert_eq!(names, ["a/b", "a/c/d"]);
        assert_eq!(tree.under(&RepoPath::root()).len(), 4);
        assert!(tree.is_dir(&"a/c".into()) && !tree.is_dir(&"a/b".into()));
    }

    #[test]
    fn find_follows_links_of_files_and_directories_and_ends_in_a_loop() {
        let tree = snapshot(
            &["data/x.txt"],
            &[
                ("tests/data", "../data"),
                ("l", "m"),
                ("m", "l"),
                ("out", "../../etc"),
            ],
        );
        assert_eq!(
            tree.find(&"tests/data/x.txt".into()),
            Some("data/x.txt".into())
        );
        assert_eq!(tree.find(&"tests/data".into()), Some("data".into()));
        assert_eq!(tree.find(&"l".into()), Some("l".into()));
        assert_eq!(tree.find(&"nothing".into()), None);
    }
}
