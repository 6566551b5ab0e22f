//! From whole files to definitions: gathers what `select` narrows with.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{AppError, Granularity, Progress, Workspace, layout};
use crate::graph::Graph;
use crate::lang::UnitChange;
use crate::model::{Node, Program, RepoPath};
use crate::repo::Side;
use crate::select::{self, Attributed, Edit, Finer, Inputs, Selection};

/// What a finer layer looks at, as far as it can be told from a change.
pub(super) struct Gathered {
    /// The files whose change is attributed to definitions.
    files: BTreeMap<RepoPath, Attributed>,
    /// Those among them in which code moved to other lines.
    moved: BTreeSet<RepoPath>,
    /// Files whose change is not, with the reason.
    pub(super) told: Vec<(RepoPath, String)>,
    base: Program,
    head: Program,
}

impl Gathered {
    /// What is narrowed with.
    pub(super) fn finer<'a>(&'a self, inputs: Inputs<'a>) -> Finer<'a> {
        self.with(inputs, &self.files)
    }

    fn with<'a>(
        &'a self,
        inputs: Inputs<'a>,
        files: &'a BTreeMap<RepoPath, Attributed>,
    ) -> Finer<'a> {
        Finer {
            base: (inputs.base, &self.base),
            head: (inputs.head, &self.head),
            files,
        }
    }

    /// What may be affected in other ways than by definitions; with `rest` as if it were not attributed.
    fn others(&self, inputs: Inputs<'_>, rest: &BTreeMap<RepoPath, Attributed>) -> Selection {
        let mut edits = inputs.edits.clone();
        for path in self.files.keys().filter(|path| !rest.contains_key(path)) {
            let edit = if self.moved.contains(path) {
                Edit::MovedLines
            } else {
                Edit::Comment
            };
            edits.insert(path.clone(), edit);
        }
        select::select(Inputs {
            edits: &edits,
            ..inputs
        })
    }

    /// What may be affected by what coverage leaves: the `rest`, and all that is not attributed.
    pub(super) fn floor(
        &self,
        inputs: Inputs<'_>,
        rest: &BTreeMap<RepoPath, Attributed>,
        granularity: Granularity,
        full: Selection,
    ) -> Selection {
        if granularity == Granularity::File || rest.is_empty() {
            return self.others(inputs, rest);
        }
        let others = self.others(inputs, &BTreeMap::new());
        select::narrow(full, &others, &self.with(inputs, rest))
    }
}

impl Workspace {
    /// Drops from a selection the tests that cannot reach any changed definition.
    ///
    /// Cost: nothing where no change can be attributed; else the facts of all files, and a walk per selected suite.
    pub(super) fn narrow(
        &self,
        full: Selection,
        inputs: Inputs<'_>,
        units: &HashMap<RepoPath, UnitChange>,
        sides: [&Side; 2],
        progress: &dyn Progress,
    ) -> Result<(Selection, Vec<(RepoPath, String)>), AppError> {
        let gathered = self.gather(&full, inputs, units, sides, progress)?;
        if gathered.files.is_empty() || full.selected().is_empty() {
            return Ok((full, gathered.told));
        }
        let floor = gathered.others(inputs, &BTreeMap::new());
        let narrowed = select::narrow(full, &floor, &gathered.finer(inputs));
        Ok((narrowed, gathered.told))
    }

    /// Attributes a change to definitions, and puts together the programs that the selected suites can load.
    pub(super) fn gather(
        &self,
        full: &Selection,
        inputs: Inputs<'_>,
        units: &HashMap<RepoPath, UnitChange>,
        sides: [&Side; 2],
        progress: &dyn Progress,
    ) -> Result<Gathered, AppError> {
        let mut found = Gathered {
            files: BTreeMap::new(),
            moved: BTreeSet::new(),
            told: Vec::new(),
            base: Program::default(),
            head: Program::default(),
        };
        let fallen: BTreeSet<&RepoPath> = full
            .fallbacks()
            .iter()
            .map(|fallback| &fallback.path)
            .collect();
        for (path, change) in units {
            let UnitChange::Units {
                units,
                heads,
                shapes,
                docs,
                names,
                imports,
                moved,
            } = change
            else {
                if let UnitChange::Whole(why) = change {
                    found.told.push((path.clone(), why.clone()));
                }
                continue;
            };
            if fallen.contains(path) || inputs.rules.first_match(path).is_some() {
                continue;
            }
            if *moved {
                found.moved.insert(path.clone());
            }
            let attributed = Attributed {
                units: units.clone(),
                heads: heads.clone(),
                shapes: shapes.clone(),
                docs: docs.clone(),
                names: names.clone(),
                imports: imports.clone(),
            };
            found.files.insert(path.clone(), attributed);
        }
        if !found.files.is_empty() && !full.selected().is_empty() {
            let wanted = loaded(full, &[inputs.base, inputs.head]);
            let wanted = |path: &RepoPath| wanted.contains(path);
            [found.base, found.head] = self.programs(sides, &wanted, progress)?;
            let told = select::unattributable(&found.finer(inputs));
            for (path, _) in &told {
                found.files.remove(path);
            }
            found.told.extend(told);
        }
        found.told.sort();
        Ok(found)
    }

    /// For each side the program that its wanted files make.
    pub(super) fn programs<const N: usize>(
        &self,
        sides: [&Side; N],
        wanted: &(dyn Fn(&RepoPath) -> bool + Sync),
        progress: &dyn Progress,
    ) -> Result<[Program; N], AppError> {
        let mut snapshots = Vec::with_capacity(N);
        for side in sides {
            snapshots.push(self.repo.snapshot(side)?);
        }
        let blobs: Vec<_> = snapshots.iter().map(|snapshot| snapshot.blobs()).collect();
        let reads: Vec<_> = blobs
            .iter()
            .map(|blobs| move |path: &RepoPath, blob| Ok(blobs.read(&blob, Some(path))?))
            .collect();
        let sources = std::array::from_fn(|at| {
            let read: &layout::Read<'_> = &reads[at];
            (&snapshots[at].tree, read)
        });
        layout::programs(sources, &self.cache, wanted, progress)
    }
}

/// The files that the selected suites can load.
pub(super) fn loaded(selection: &Selection, graphs: &[&Graph]) -> BTreeSet<RepoPath> {
    let mut found = BTreeSet::new();
    for graph in graphs {
        let suites = selection.selected().iter();
        let suites = suites.filter_map(|selected| graph.find(&Node::Test(selected.suite.clone())));
        for id in graph.closure_of(suites) {
            if let Node::Path(path) = graph.node(id) {
                found.insert(path.clone());
            }
        }
    }
    found
}
