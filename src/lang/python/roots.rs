//! Where absolute imports start: the directories that may be on the search path.
//!
//! For each file the directories that are certainly or probably on its path ("its own"), and for the whole tree all
//! that are on anybody's. Nearer ones win, but all matches among the nearer ones count: order is not trusted.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::modules::{DirId, Modules};
use super::project::ProjectFile;
use super::source::{OWN_DIR, OWN_FILE, SearchPath};
use crate::model::RepoPath;

/// The search paths of a tree.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// Additions that hold below a directory.
    below: HashMap<DirId, Vec<DirId>>,
    /// Additions that some file makes while it runs: they may hold for everybody.
    pub(super) everywhere: Vec<DirId>,
    /// Everything that is on anybody's path.
    pub(super) all: HashSet<DirId>,
    /// The roots of the files in a directory, as far as somebody asked.
    own: Mutex<HashMap<DirId, Arc<[DirId]>>>,
}

impl Roots {
    /// Gathers the roots: `projects` are the directories of project files with what they say, `conftests` those that
    /// hold a `conftest.py`, `paths` the additions that sources make, with the directory of the source.
    pub(super) fn new<'p>(
        modules: &Modules<'_>,
        projects: impl Iterator<Item = (RepoPath, Option<&'p ProjectFile>)>,
        conftests: impl Iterator<Item = DirId>,
        paths: impl Iterator<Item = (RepoPath, &'p SearchPath)>,
    ) -> Self {
        let mut roots = Self::default();
        let usual = ["", "src", "lib", "python"];
        let root = std::iter::once((RepoPath::root(), None));
        for (dir, project) in root.chain(projects) {
            let mut names: Vec<&str> = usual.to_vec();
            if let Some(project) = project {
                names.extend(project.roots.iter().map(String::as_str));
                let pytest = project.pytest.iter().flat_map(|p| &p.pythonpath);
                names.extend(pytest.map(String::as_str));
            }
            for name in names {
                roots.add_below(modules, &dir, name);
            }
        }
        for dir in conftests {
            let base = modules.base_of(dir);
            roots.push(dir, base);
        }
        for (dir, path) in paths {
            let text = path.path.trim_end_matches('/');
            let own = text.strip_prefix([OWN_DIR, OWN_FILE]);
            let bases = match own {
                Some(_) => vec![dir],
                None => dir.ancestors().chain([dir.clone()]).collect(),
            };
            let text = own.unwrap_or(text).trim_start_matches('/');
            for base in bases {
                if let Some(at) = base.join(text).and_then(|path| modules.dir_at(&path)) {
                    roots.everywhere.push(at);
                }
            }
        }
        roots.everywhere.sort_unstable();
        roots.everywhere.dedup();
        let additions: Vec<DirId> = roots.below.values().flatten().copied().collect();
        roots.all.extend(additions);
        roots.all.extend(&roots.everywhere);
        for dir in 0..modules.dirs.len() as DirId {
            let base = modules.base_of(dir);
            roots.all.insert(base);
        }
        roots
    }

    /// The roots of the files in a directory, without repetition.
    pub(super) fn own(&self, modules: &Modules<'_>, dir: DirId) -> Arc<[DirId]> {
        let mut known = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let own = known.entry(dir).or_insert_with(|| {
            let mut own = vec![modules.base_of(dir)];
            for up in modules.upwards(dir) {
                own.extend(self.below.get(&up).into_iter().flatten());
            }
            own.extend(&self.everywhere);
            let mut seen = HashSet::default();
            own.retain(|dir| seen.insert(*dir));
            own.into()
        });
        own.clone()
    }

    fn add_below(&mut self, modules: &Modules<'_>, dir: &RepoPath, name: &str) {
        let root = dir.join(name).and_then(|path| modules.dir_at(&path));
        if let (Some(scope), Some(root)) = (modules.dir_at(dir), root) {
            self.push(scope, root);
        }
    }

    fn push(&mut self, scope: DirId, root: DirId) {
        self.below.entry(scope).or_default().push(root);
    }
}
