//! What each unit uses.

use super::Linker;
use crate::lang::rust::symbols::{How, Kind, REST, Unit};
use crate::model::{ModuleId, Program, ProgramUse, UnitId, Word};
use rustc_hash::FxHashSet;

impl Linker<'_> {
    /// What each unit uses.
    pub(super) fn link(&mut self) {
        for (module, id, unit) in self.units() {
            let mut uses = std::mem::take(&mut self.program.units[id as usize].uses);
            if id == self.program.modules[module as usize].first + REST {
                uses.push(ProgramUse::Class(self.free[module as usize]));
            }
            let everywhere = unit.kind == Kind::Macro;
            let outside = self.renames_outside(module, unit);
            for &(name, how) in unit.uses.iter().filter(|_| !outside) {
                let word = self.own_words[module as usize][name as usize];
                let how = match how {
                    How::Of if self.odd => How::Any,
                    how => how,
                };
                if matches!(how, How::Plain | How::Local | How::Any | How::Word) {
                    let first = uses.len();
                    self.plain_uses(module, word, everywhere, unit.kind, &mut uses);
                    if how == How::Local {
                        // a variable hides functions, and must not be called like anything else
                        let mut at = 0;
                        uses.retain(|used| {
                            at += 1;
                            at <= first || !self.is_function(*used)
                        });
                    }
                }
                if matches!(how, How::Macro | How::Any | How::Word) || unit.kind == Kind::Alias {
                    let all = self.macros.get(&word).into_iter().flatten();
                    uses.extend(all.map(|unit| ProgramUse::Call(*unit)));
                    let all = self.named_macros.get(&word).into_iter().flatten();
                    uses.extend(all.map(|unit| ProgramUse::Call(*unit)));
                }
                if matches!(how, How::Member | How::Of | How::Any | How::Word) {
                    self.member_uses(module, word, everywhere, unit.kind, &mut uses);
                }
                if how == How::Word {
                    self.module_uses(word, &mut uses);
                }
            }
            uses.sort_unstable();
            uses.dedup();
            self.program.units[id as usize].uses = uses;
        }
    }

    /// The body of a function that calls a macro with an impl in it counts elsewhere, too.
    pub(super) fn leak(&mut self) {
        let mut leaking: FxHashSet<UnitId> = FxHashSet::default();
        let units = self.units();
        let macros = units.iter().filter(|(_, _, unit)| unit.kind == Kind::Macro);
        leaking.extend(
            macros
                .clone()
                .filter(|(.., unit)| unit.implements)
                .map(|(_, id, _)| *id),
        );
        let calls = |program: &Program, leaking: &FxHashSet<UnitId>, id: UnitId| {
            let mut uses = program.units[id as usize].uses.iter();
            uses.any(|used| matches!(used, ProgramUse::Call(unit) if leaking.contains(unit)))
        };
        loop {
            let before = leaking.len();
            for (_, id, _) in macros.clone() {
                if calls(&self.program, &leaking, *id) {
                    leaking.insert(*id);
                }
            }
            if leaking.len() == before {
                break;
            }
        }
        for (module, id, unit) in units {
            if !calls(&self.program, &leaking, id) {
                continue;
            }
            self.program.units[id as usize].body = None;
            // that of a test is for its own types
            if unit.kind == Kind::Function {
                self.program.modules[module as usize].runs.push(id);
            }
        }
    }

    fn is_function(&self, used: ProgramUse) -> bool {
        let ProgramUse::Call(unit) = used else {
            return false;
        };
        matches!(self.unit(unit).1.kind, Kind::Function | Kind::Test)
    }

    /// Whether a unit only gives something from outside another name.
    fn renames_outside(&self, module: ModuleId, unit: &Unit) -> bool {
        let symbols = self.files[module as usize].symbols;
        let (Some(symbols), Kind::Alias, None) = (symbols, unit.kind, unit.holder) else {
            return false;
        };
        let own = unit.own.first().copied();
        let mut imported = symbols
            .imports
            .iter()
            .filter(|import| import.name == own)
            .peekable();
        imported.peek().is_some()
            && unit.uses.len() == 1
            && imported.all(|import| !self.locals.starts_here(symbols, import.root))
    }

    fn plain_uses(
        &self,
        module: ModuleId,
        word: Word,
        everywhere: bool,
        kind: Kind,
        out: &mut Vec<ProgramUse>,
    ) {
        let all = self.plain.get(&word).into_iter().flatten();
        let hidden = match (everywhere, kind) {
            (true, _) => self.anywhere.get(&word),
            (_, Kind::Docs) => None,
            _ => self.hidden.get(&(module, word)),
        };
        out.extend(
            all.chain(hidden.into_iter().flatten())
                .map(|unit| ProgramUse::Call(*unit)),
        );
    }

    fn member_uses(
        &self,
        module: ModuleId,
        word: Word,
        everywhere: bool,
        kind: Kind,
        out: &mut Vec<ProgramUse>,
    ) {
        out.push(ProgramUse::Any(word));
        match (everywhere, kind) {
            (true, _) => {
                let all = self.scoped_anywhere.get(&word).into_iter().flatten();
                out.extend(all.map(|word| ProgramUse::Any(*word)));
            }
            (_, Kind::Docs) => {}
            _ => out.extend(
                self.scoped
                    .get(&(module, word))
                    .map(|word| ProgramUse::Any(*word)),
            ),
        }
    }

    /// All units of the modules of this name.
    fn module_uses(&self, word: Word, out: &mut Vec<ProgramUse>) {
        let text = self.program.words[word as usize].as_str();
        for (module, id, unit) in self.units() {
            let path = self.files[module as usize].path;
            let is_file = path.stem() == text.as_bytes()
                || (path.stem() == b"mod"
                    && path
                        .parent()
                        .is_some_and(|dir| dir.file_name() == text.as_bytes()));
            let around = unit.name.rsplit_once("::").map_or("", |(around, _)| around);
            let mut around = around.split("::");
            if !matches!(unit.kind, Kind::Docs | Kind::Test)
                && (is_file || around.any(|module| module == text))
            {
                out.push(ProgramUse::Call(id));
            }
        }
    }
}
