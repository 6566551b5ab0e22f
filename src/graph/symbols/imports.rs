//! Which files an import by a computed name may give: those whose name some text of reached code, or of data, holds.
//!
//! A name may be put together of a package and a text, of a text and a number, or of parts that an underscore joins. Where code lists
//! what there is to import, or may ask for the name of another's module, it may be any.

use super::{Symbols, Walk, is_affix};
use crate::model::{Habits, ModuleId, UnitId, Word};

impl Symbols<'_> {
    /// What comes of importing by computed names: `habits` are those of a reached unit.
    pub(super) fn imports(&self, walk: &mut Walk, habits: Habits, from: Option<UnitId>) {
        let had = walk.habits;
        walk.habits.imports |= habits.imports;
        // data that may give any name is a list of all
        walk.habits.lists |= habits.lists || self.program.names_all;
        let now = walk.habits;
        if now.imports && now.lists {
            if !(had.imports && had.lists) {
                for module in walk.allowed.ones().collect::<Vec<_>>() {
                    self.imported(walk, module as ModuleId, from);
                }
            }
            return;
        }
        if now.imports && !had.imports {
            for module in walk.itself.ones().collect::<Vec<_>>() {
                self.imported(walk, module as ModuleId, from);
            }
            for &word in &self.program.named {
                self.imported_as(walk, word, from);
            }
            for unit in walk.units.ones().collect::<Vec<_>>() {
                self.imported_by(walk, unit as UnitId);
            }
        }
    }

    /// What the texts of a unit may name, where anything is imported by computed names.
    pub(super) fn imported_by(&self, walk: &mut Walk, unit: UnitId) {
        if walk.habits.imports {
            for &word in &self.program.units[unit as usize].words {
                self.imported_as(walk, word, Some(unit));
            }
        }
    }

    fn imported_as(&self, walk: &mut Walk, word: Word, from: Option<UnitId>) {
        for &module in self.called.get(&word).into_iter().flatten() {
            self.imported(walk, module, from);
        }
        if is_affix(&self.program.words[word as usize]) {
            for module in walk.allowed.ones().collect::<Vec<_>>() {
                let mut called = self.program.modules[module].called.iter();
                if called.any(|name| self.fits(*name, word)) {
                    self.imported(walk, module as ModuleId, from);
                }
            }
        }
    }

    /// A file is imported, and handed on as an object.
    fn imported(&self, walk: &mut Walk, module: ModuleId, from: Option<UnitId>) {
        if walk.allowed.contains(module as usize) {
            self.module(walk, module, from);
            for &unit in &self.program.modules[module as usize].runs {
                self.reach(walk, unit, from);
            }
        }
    }
}
