//! Who may find what was made when a test imported a file.
//!
//! Those that ran code which may import it, too, or which lies in it, and those that read what it sets elsewhere.

use super::super::named::{runs_alone, units_of};
use super::super::narrow::named_in;
use super::ran::{Ran, Who};
use crate::graph::{fits, is_affix};
use crate::model::{
    Bits, ClassId, EdgeKind, ModuleId, Node, ProgramLeft, ProgramUse, RepoPath, UnitId, Word,
};

impl Ran<'_> {
    /// The tests that may find what a file holds that some test was the first to import.
    pub(super) fn finders(&self, module: ModuleId) -> Bits {
        let all = self.can_load(module);
        match self.may_import(module) {
            Some(mut found) => {
                found.keep(&all);
                found
            }
            None => all,
        }
    }

    /// The tests that may feel data which a file names where it is loaded: those that may find what it holds.
    pub(super) fn reads(&self, path: &RepoPath) -> Who {
        let module = self.modules[0].get(path);
        let module =
            *module.ok_or_else(|| "it is loaded in ways that cannot be seen".to_owned())?;
        if self.ran_outside(module) {
            return Ok(self.can_load(module));
        }
        let mut tests = self.finders(module);
        self.shared(&self.run_by_import(module), false, &mut tests)?;
        Ok(tests)
    }

    /// `None` where somebody unseen may.
    fn may_import(&self, module: ModuleId) -> Option<Bits> {
        let program = self.program();
        let mut found = Bits::default();
        let mut modules = vec![module];
        let mut at = 0;
        while let Some(&module) = modules.get(at) {
            at += 1;
            let own = units_of(program, module);
            self.ran_one_of(own, &mut found);
            for unit in &program.modules[module as usize].runs {
                let own = &program.units[*unit as usize];
                let elsewhere = own.leaves.iter();
                for left in elsewhere.filter(|left| !self.is_own(module, left)) {
                    found.extend(&self.readers(own, left.word));
                }
            }
            for from in self.importers(module, &mut found)? {
                if self.ran_outside(from) {
                    found.extend(&self.can_load(from));
                } else if !modules.contains(&from) {
                    modules.push(from);
                }
            }
        }
        Some(found)
    }

    /// Whether what is set when a file is loaded is found through that file alone: it belongs to an object that a class of the program
    /// makes there.
    fn is_own(&self, module: ModuleId, left: &ProgramLeft) -> bool {
        let program = self.program();
        let members = &program.modules[module as usize].members;
        let bound = left.through.and_then(|name| members.get(&name));
        let Some([ProgramUse::Unit(unit)]) = bound.map(Vec::as_slice) else {
            return false;
        };
        let own = &program.units[*unit as usize];
        let makes_new = |class: &ClassId| {
            let family = self.symbols().family(*class).iter();
            family
                .map(|class| &program.classes[*class as usize])
                .all(|class| {
                    let mut words = class.members.keys();
                    !(class.made || class.open || class.outside)
                        && words.all(|word| program.words[*word as usize] != "__new__")
                })
        };
        // names that are asked for make nothing
        let makes =
            |used: &&ProgramUse| !matches!(used, ProgramUse::Itself(_) | ProgramUse::Name(..));
        let made: Vec<&ProgramUse> = own.uses.iter().filter(makes).collect();
        own.is_object && matches!(made[..], [ProgramUse::Class(class)] if makes_new(class))
    }

    /// Adds who ran a function that may import a file; gives the files that may do so when they are loaded.
    fn importers(&self, module: ModuleId, found: &mut Bits) -> Option<Vec<ModuleId>> {
        let program = self.program();
        let graph = self.finer.base.0;
        let mut loading = Vec::new();
        let runs = &program.modules[module as usize].runs;
        let leads = |used: &ProgramUse| match used {
            ProgramUse::Call(unit) | ProgramUse::Unit(unit) => runs.contains(unit),
            ProgramUse::Module(of)
            | ProgramUse::Name(of, _)
            | ProgramUse::Everything(of)
            | ProgramUse::Star(of) => *of == module,
            _ => false,
        };
        let mut next = vec![graph.find_path(&program.modules[module as usize].path)?];
        let mut seen = next.clone();
        while let Some(node) = next.pop() {
            for (dependent, link) in graph.dependents(node) {
                let from = match graph.node(dependent) {
                    _ if !graph.is_live(dependent) => continue,
                    Node::Dir(_) | Node::Sources(_) => {
                        if !seen.contains(&dependent) {
                            seen.push(dependent);
                            next.push(dependent);
                        }
                        continue;
                    }
                    Node::Path(path) => *self.modules[0].get(path)?,
                    _ => return None,
                };
                let units = units_of(program, from);
                match link.kind {
                    EdgeKind::Import | EdgeKind::Ancestor => {
                        let mut told = false;
                        for unit in units {
                            if !program.units[unit as usize].uses.iter().any(leads) {
                                continue;
                            }
                            told = true;
                            match runs_alone(program, unit) {
                                true => loading.push(from),
                                false => self.ran_one_of([unit], found),
                            }
                        }
                        if !told {
                            found.extend(&self.can_load(from));
                        }
                    }
                    // a list shows names, not what a loaded file holds
                    EdgeKind::Probe | EdgeKind::Lists => {}
                    EdgeKind::Mention | EdgeKind::Contains => {
                        match named_in(program, from as usize, link.line) {
                            Some(unit) if !program.units[unit as usize].is_value => {
                                self.ran_one_of([unit], found);
                            }
                            _ => found.extend(&self.can_load(from)),
                        }
                    }
                    // had it been imported when that file was loaded, it had not been by a test
                    EdgeKind::DynamicImport if self.ran_outside(from) => {
                        let imports = |unit: &UnitId| program.units[*unit as usize].habits.imports;
                        match units.clone().any(|unit| imports(&unit)) {
                            true => self.ran_one_of(units.filter(imports), found),
                            // its literals are imported by somebody else
                            false => {
                                let names = |unit: &UnitId| self.names_file(*unit, module);
                                let names: Vec<UnitId> = units.filter(names).collect();
                                let is_function = |unit: &UnitId| {
                                    let own = &program.units[*unit as usize];
                                    !(own.is_value || runs_alone(program, *unit))
                                };
                                match !names.is_empty() && names.iter().all(is_function) {
                                    true => self.ran_one_of(names, found),
                                    false => found.extend(&self.can_load(from)),
                                }
                            }
                        }
                    }
                    _ => found.extend(&self.can_load(from)),
                }
            }
        }
        Some(loading)
    }

    /// Whether a text of a unit may be a name by which a file is imported.
    fn names_file(&self, unit: UnitId, module: ModuleId) -> bool {
        let program = self.program();
        let called = &program.modules[module as usize].called;
        let text = |word: &Word| program.words[*word as usize].as_str();
        let mut words = program.units[unit as usize].words.iter();
        words.any(|word| {
            let may_be = |name: &Word| is_affix(text(word)) && fits(text(name), text(word));
            called.contains(word) || called.iter().any(may_be)
        })
    }

    fn ran_one_of(&self, units: impl IntoIterator<Item = UnitId>, found: &mut Bits) {
        for unit in units {
            if !runs_alone(self.program(), unit) && !self.program().units[unit as usize].is_value {
                found.extend(&self.may_run(unit));
            }
        }
    }
}
