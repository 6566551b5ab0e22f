//! Who may have hold of a class, or of an object of it.
//!
//! What is a member of a class is got through the class or an object, and these come from where the class is named. So a test may
//! have one where a walk over what loading its suite ran, and then over what itself was seen to run, comes to the class; or where
//! another test left one.

use std::collections::BTreeSet;

use super::super::named::runs_alone;
use super::super::narrow::imported;
use super::ran::Ran;
use crate::graph::Units;
use crate::model::{Bits, ClassId, ModuleId, RepoPath, UnitId};

impl Ran<'_> {
    /// The tests that may have hold of a class or of an object of it, or of what extends it; `None` where that cannot be told.
    ///
    /// Cost: once a walk over what each test ran.
    pub(super) fn holders(&self, class: ClassId) -> Option<Bits> {
        let held = self.holding.get_or_init(|| self.find_holding()).as_ref()?;
        let mut found = Bits::default();
        for heir in self.symbols().heirs(class) {
            found.extend(&held[*heir as usize]);
        }
        self.handed_on(class, &mut found);
        Some(found)
    }

    /// For each class the tests that come to it by themselves.
    fn find_holding(&self) -> Option<Vec<Bits>> {
        let collected = self.collected()?;
        let symbols = self.symbols();
        let mut ran: Vec<Vec<UnitId>> = vec![Vec::new(); self.evidence.tests.len()];
        let mut shown = Units::default();
        for unit in self.shown() {
            shown.insert(unit);
            let tests = self.body(unit).unwrap_or_default().0;
            tests.iter().for_each(|test| ran[test as usize].push(unit));
        }
        let mut held = vec![Bits::default(); self.program().classes.len()];
        for suite in collected {
            let tests = self.evidence.tests.iter().zip(0..);
            let tests = tests.filter(|((own, _), _)| own.file() == Some(suite.file));
            let measured = self.evidence.files.contains_key(suite.file);
            let Some(imported) = suite.runs.as_ref().filter(|_| measured) else {
                for (_, test) in tests {
                    held.iter_mut().for_each(|tests| tests.insert(test));
                }
                continue;
            };
            let mut imported = symbols.after_without(imported, shown.clone());
            let classes = self.suite_classes(suite.file);
            for &class in &classes {
                symbols.instantiate(&mut imported, class);
            }
            // a function on the line of its head shows nothing
            let silent = self.functions_beside(suite.file, &classes);
            let silent: Vec<UnitId> = silent.filter(|unit| !shown.contains(*unit)).collect();
            for ((_, case), test) in tests {
                let ran = &ran[test as usize];
                let mut barred = shown.clone();
                ran.iter().for_each(|unit| barred.remove(*unit));
                let mut walk = imported.clone();
                // who runs a method has what it belongs to
                let classes = ran
                    .iter()
                    .filter_map(|unit| self.program().units[*unit as usize].class);
                classes.for_each(|class| symbols.instantiate(&mut walk, class));
                let silent = silent.iter().filter(|unit| self.may_be_of(**unit, case));
                let ran = ran.iter().chain(silent).copied();
                symbols.extend_without(&mut walk, ran, barred);
                walk.made()
                    .for_each(|class| held[class as usize].insert(test));
            }
        }
        Some(held)
    }

    /// Whether a function is the test of a case, or no test.
    fn may_be_of(&self, unit: UnitId, case: &str) -> bool {
        let name = self.program().units[unit as usize].name.rsplit('.').next();
        let test = case
            .split('[')
            .next()
            .and_then(|case| case.rsplit("::").next());
        name == test || name.is_some_and(|name| !name.starts_with("test"))
    }

    /// The classes, of a suite's file or imported there, of which the runner makes objects to run their tests.
    fn suite_classes(&self, file: &RepoPath) -> Vec<ClassId> {
        let program = self.program();
        let Some(&module) = self.modules[0].get(file) else {
            return Vec::new();
        };
        let own = program.classes.iter().zip(0..);
        let own = own.filter(|(class, _)| class.module == module);
        let mut found = imported(program, module).1;
        found.extend(own.map(|(_, class)| class));
        let tests = self.evidence.tests.iter();
        let cases = tests.filter(|(suite, _)| suite.file() == Some(file));
        let parts: BTreeSet<&str> = cases.flat_map(|(_, case)| case.split("::")).collect();
        found.retain(|class| {
            let head = program.classes[*class as usize].head;
            let name = head.and_then(|head| program.units[head as usize].name.rsplit('.').next());
            // one that is imported may have another name there
            name.is_none_or(|name| parts.contains(name) || name.starts_with("Test"))
        });
        found
    }

    /// The functions of a suite's file, and of the files of these classes and of what they extend.
    fn functions_beside(
        &self,
        file: &RepoPath,
        classes: &[ClassId],
    ) -> impl Iterator<Item = UnitId> {
        let program = self.program();
        let mut modules: Vec<ModuleId> = self.modules[0].get(file).copied().into_iter().collect();
        for class in classes {
            let family = self.symbols().family(*class).iter();
            modules.extend(family.map(|class| program.classes[*class as usize].module));
        }
        let units = program.units.iter().zip(0..);
        let functions = units.filter(move |(own, unit)| {
            !own.is_value && modules.contains(&own.module) && !runs_alone(program, *unit)
        });
        functions.map(|(_, unit)| unit)
    }
}
