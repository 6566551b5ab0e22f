//! What ran outside of any test: while suites were collected.
//!
//! It is felt by the tests of each suite of which loading may run it: all that the suite can load and that ran then, walked over what
//! was seen to run then.

use std::collections::BTreeSet;

use super::ran::Ran;
use crate::graph::{Units, Walk};
use crate::model::{Bits, ModuleId, Node, RepoPath, Suite, UnitId};

/// More suites times files than this are not walked one by one.
const MANY: usize = 400_000;

/// A suite, and what loading it may run.
pub(super) struct Collected<'a> {
    pub(super) file: &'a RepoPath,
    /// `None` where a file can be loaded that does not show what it may use.
    pub(super) runs: Option<Walk>,
}

impl<'a> Ran<'a> {
    /// The tests that may feel what a function did outside of tests; or why that cannot be told.
    pub(super) fn collectors(&self, unit: UnitId) -> Result<Bits, String> {
        let own = &self.program().units[unit as usize];
        if own.name == "__getattr__" {
            // asked by whoever imports something from the file
            return Ok(self.can_load(own.module));
        }
        let unknown = || "it also ran outside of any test".to_owned();
        let collected = self.collected().ok_or_else(unknown)?;
        let mut found = Bits::default();
        let mut explained = false;
        for suite in collected {
            let runs = suite.runs.as_ref().map(|runs| runs.contains(unit));
            explained |= runs == Some(true);
            if runs != Some(false) {
                let tests = self.evidence.tests.iter().zip(0..);
                let own = tests.filter(|((own, _), _)| own.file() == Some(suite.file));
                own.for_each(|(_, at)| found.insert(at));
            }
        }
        // what ran must be explained by somebody
        explained.then_some(found).ok_or_else(unknown)
    }

    /// What loading each suite may run; `None` where it cannot be told what ran in tests.
    pub(super) fn collected(&self) -> Option<&[Collected<'a>]> {
        self.collected.get_or_init(|| self.collect()).as_deref()
    }

    fn collect(&self) -> Option<Vec<Collected<'a>>> {
        // where fixtures are not told apart, they run outside of tests, too
        if self.evidence.as_a_whole {
            return None;
        }
        let program = self.program();
        let tests = self.evidence.tests.iter();
        let files: BTreeSet<&RepoPath> = tests.filter_map(|(suite, _)| suite.file()).collect();
        if files.len().saturating_mul(program.modules.len()) > MANY {
            return None;
        }
        let mut barred = Units::default();
        for unit in self.shown() {
            if !self.body(unit).is_some_and(|(_, outside)| outside) {
                barred.insert(unit);
            }
        }
        let symbols = self.symbols();
        let graph = self.finer.base.0;
        let suites = files.into_iter().map(|file| {
            let node = graph.find(&Node::Test(Suite::Python { file: file.clone() }));
            let closure = node.into_iter().flat_map(|node| graph.closure(node));
            let loaded: Vec<ModuleId> = closure
                .filter_map(|(id, _)| match graph.node(id) {
                    Node::Path(path) => self.modules[0].get(path).copied(),
                    _ => None,
                })
                .collect();
            let opaque = |module: &ModuleId| program.modules[*module as usize].opaque.is_some();
            if loaded.is_empty() || loaded.iter().any(opaque) {
                return Collected { file, runs: None };
            }
            let roots: Vec<ModuleId> = loaded
                .iter()
                .copied()
                .filter(|module| self.ran_outside(*module))
                .collect();
            let mut walk = symbols.walk_without(&loaded, &roots, Units::default(), barred.clone());
            let hooks = loaded
                .iter()
                .flat_map(|module| &program.modules[*module as usize].hooks);
            symbols.extend(&mut walk, hooks.copied());
            Collected {
                file,
                runs: Some(walk),
            }
        });
        Some(suites.collect())
    }

    /// The functions of which it shows who ran them.
    pub(super) fn shown(&self) -> impl Iterator<Item = UnitId> {
        let units = self.program().units.iter().zip(0..);
        let shown = units.filter(|(own, _)| {
            let path = &self.program().modules[own.module as usize].path;
            let has_lines = !own.is_value && own.body.is_some() && !own.habits.empty;
            has_lines
                && (self.evidence.files.contains_key(path) || !self.evidence.out_of_sight(path))
        });
        shown.map(|(_, unit)| unit)
    }

    /// Whether a file may have been loaded outside of any test.
    pub(super) fn ran_outside(&self, module: ModuleId) -> bool {
        let path = &self.program().modules[module as usize].path;
        match self.evidence.files.get(path) {
            Some(runs) => runs.iter().any(|(test, _)| test.is_none()),
            None => self.evidence.out_of_sight(path),
        }
    }
}
