//! From whole files to definitions: gathers what `select` narrows with.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{AppError, Progress, Workspace, layout};
use crate::graph::Graph;
use crate::lang::UnitChange;
use crate::model::{Node, Program, RepoPath};
use crate::repo::Side;
use crate::select::{self, Attributed, Edit, Finer, Inputs, Selection};

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
        let mut told = Vec::new();
        let fallen: BTreeSet<&RepoPath> = full
            .fallbacks()
            .iter()
            .map(|fallback| &fallback.path)
            .collect();
        let mut moved = BTreeSet::new();
        let mut files = BTreeMap::new();
        for (path, change) in units {
            let UnitChange::Units {
                units,
                heads,
                docs,
                moved: lines,
            } = change
            else {
                if let UnitChange::Whole(why) = change {
                    told.push((path.clone(), why.clone()));
                }
                continue;
            };
            if fallen.contains(path) || inputs.rules.first_match(path).is_some() {
                continue;
            }
            if *lines {
                moved.insert(path);
            }
            let (units, heads, docs) = (units.clone(), heads.clone(), docs.clone());
            files.insert(path.clone(), Attributed { units, heads, docs });
        }
        if files.is_empty() || full.selected().is_empty() {
            return Ok((full, told));
        }
        let wanted = loaded(&full, &[inputs.base, inputs.head]);
        let wanted = |path: &RepoPath| wanted.contains(path);
        let base = self.program(sides[0], &wanted, progress)?;
        let head = self.program(sides[1], &wanted, progress)?;
        let mut finer = Finer {
            base: (inputs.base, &base),
            head: (inputs.head, &head),
            files: &files,
        };
        told.extend(select::unattributable(&finer));
        told.sort();
        let whole: Vec<&RepoPath> = told.iter().map(|(path, _)| path).collect();
        let files: BTreeMap<RepoPath, Attributed> = files
            .iter()
            .filter(|(path, _)| !whole.contains(path))
            .map(|(p, a)| (p.clone(), a.clone()))
            .collect();
        if files.is_empty() {
            return Ok((full, told));
        }
        finer.files = &files;
        let mut edits = inputs.edits.clone();
        for path in files.keys() {
            let edit = if moved.contains(path) {
                Edit::MovedLines
            } else {
                Edit::Comment
            };
            edits.insert(path.clone(), edit);
        }
        let floor = select::select(Inputs {
            edits: &edits,
            ..inputs
        });
        Ok((select::narrow(full, &floor, &finer), told))
    }

    fn program(
        &self,
        side: &Side,
        wanted: &dyn Fn(&RepoPath) -> bool,
        progress: &dyn Progress,
    ) -> Result<Program, AppError> {
        let snapshot = self.repo.snapshot(side)?;
        let blobs = snapshot.blobs();
        layout::program(
            &snapshot.tree,
            &|path, blob| Ok(blobs.read(&blob, Some(path))?),
            &self.cache,
            wanted,
            progress,
        )
    }
}

/// The files that the selected suites can load.
fn loaded(selection: &Selection, graphs: &[&Graph]) -> BTreeSet<RepoPath> {
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
