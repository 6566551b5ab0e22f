//! Where the tests of each executable begin.

use rustc_hash::FxHashMap;

use super::{Linker, Part};
use crate::lang::rust::symbols::{DOCS, Kind};
use crate::model::{ModuleId, ProgramSuite, RepoPath, UnitId};

impl Linker<'_> {
    /// The suites of a target, and where their cases begin.
    pub(super) fn suites(&mut self, part: &Part<'_, '_>) {
        let (test, doc) = part.package.suites(part.target);
        let places: FxHashMap<&RepoPath, ModuleId> = self
            .files
            .iter()
            .enumerate()
            .map(|(at, file)| (file.path, at as ModuleId))
            .collect();
        let mut own = ProgramSuite::default();
        let mut docs = ProgramSuite::default();
        for (path, _) in &part.walked.mounts {
            let Some(&module) = places.get(path) else {
                own.blind = Some(format!("`{path}` was not read"));
                continue;
            };
            let file = &self.files[module as usize];
            let first = self.program.modules[module as usize].first;
            let Some(symbols) = file.symbols else {
                continue;
            };
            let units = first..first + symbols.units.len() as UnitId;
            own.whole.extend(units.clone());
            docs.whole.push(first + DOCS);
            if symbols.docs_elsewhere {
                docs.blind = Some("docs are pasted in from elsewhere".to_owned());
            }
        }
        for (path, test, case) in &part.walked.tests {
            let Some(&module) = places.get(path) else {
                continue;
            };
            let Some(symbols) = self.files[module as usize].symbols else {
                continue;
            };
            let first = self.program.modules[module as usize].first;
            let (around, last) = test.rsplit_once("::").unwrap_or(("", test));
            let found = (first..)
                .zip(&symbols.units)
                .filter(|(_, unit)| match unit.kind {
                    Kind::Test => unit.name == *test,
                    Kind::Call => {
                        let module = unit.name.rsplit_once("::").map_or("", |(module, _)| module);
                        module == around && unit.own.iter().any(|name| symbols.text(*name) == last)
                    }
                    _ => false,
                });
            let known = own.cases.entry(case.clone()).or_default();
            known.extend(found.map(|(id, _)| id));
        }
        own.cases.retain(|_, units| !units.is_empty());
        for (suite, found) in test
            .map(|suite| (suite, own))
            .into_iter()
            .chain(doc.map(|suite| (suite, docs)))
        {
            let known = self.program.suites.entry(suite).or_default();
            for (case, units) in found.cases {
                known.cases.entry(case).or_default().extend(units);
            }
            known.whole.extend(found.whole);
            known.blind = known.blind.take().or(found.blind);
        }
    }
}
