//! Which units a name leads to.

use super::{Linker, Type};
use crate::lang::rust::symbols::{Kind, REST, Unit};
use crate::model::{ClassId, ModuleId, ProgramModule, ProgramUnit, ProgramUse, UnitId, Word};

impl Linker<'_> {
    /// Modules, units and words.
    pub(super) fn lay_out(&mut self) {
        for at in 0..self.files.len() {
            let file = &self.files[at];
            let (path, symbols, blind) = (file.path.clone(), file.symbols, file.blind.clone());
            let (module, first) = (at as ModuleId, self.program.units.len() as UnitId);
            let mut runs = Vec::new();
            let mut main = Vec::new();
            let mut words = Vec::new();
            if let Some(symbols) = symbols {
                words = symbols.names.iter().map(|name| self.word(name)).collect();
                for (id, unit) in (first..).zip(&symbols.units) {
                    if unit.kept || id == first + REST {
                        runs.push(id);
                    }
                    if unit.name == "main" {
                        main.push(id);
                    }
                    let mut laid = ProgramUnit {
                        name: unit.name.clone(),
                        module,
                        lines: unit.lines,
                        body: unit.runs,
                        in_head: unit
                            .in_head
                            .iter()
                            .map(|name| words[*name as usize])
                            .collect(),
                        is_value: matches!(unit.kind, Kind::Value | Kind::Macro | Kind::Alias),
                        ..ProgramUnit::default()
                    };
                    laid.habits.spawns = unit.spawns;
                    laid.habits.draws = unit.draws;
                    // a type or an import of that name starts nothing
                    laid.habits.elsewhere = (unit.spawns || unit.forks)
                        && !matches!(
                            unit.kind,
                            Kind::Docs | Kind::Type | Kind::Alias | Kind::Trait | Kind::Impl
                        );
                    self.program.units.push(laid);
                }
            }
            if let Some(symbols) = symbols {
                self.opens |= symbols.opens;
                let opened = symbols.opened.iter().map(|name| words[*name as usize]);
                self.opened.extend(opened);
                let aliases = symbols.units.iter();
                let aliases = aliases.filter(|u| u.kind == Kind::Alias && u.holder.is_none());
                let aliases = aliases.flat_map(|unit| &unit.own);
                self.renamed
                    .extend(aliases.map(|name| words[*name as usize]));
                let looks_like_type =
                    |name: &u32| symbols.text(*name).starts_with(char::is_uppercase);
                let renamed = symbols.units.iter().any(|unit| {
                    let used = unit.uses.first().map(|(name, _)| name);
                    unit.kind == Kind::Alias
                        && unit.holder.is_none()
                        && unit.own.iter().any(looks_like_type)
                        && unit.uses.len() == 1
                        && !used.is_some_and(looks_like_type)
                });
                self.odd |= renamed || symbols.mods.iter().any(looks_like_type);
            }
            self.own_words.push(words);
            let free = self.class(module, false);
            self.free.push(free);
            self.program.modules.push(ProgramModule {
                path,
                first,
                runs,
                main,
                opaque: blind,
                ..ProgramModule::default()
            });
        }
    }

    pub(super) fn is_hidden(&self, module: ModuleId, unit: &Unit) -> bool {
        unit.hidden && self.files[module as usize].closed
    }

    /// Ties names to the units that they lead to.
    pub(super) fn define(&mut self) {
        for (module, id, unit) in self.units() {
            let own = |this: &Self, name: u32| this.own_words[module as usize][name as usize];
            let first = unit.own.first().map(|name| own(self, *name));
            match unit.kind {
                Kind::Type => {
                    let (named, open) = (self.class(module, false), self.class(module, true));
                    let uses = &mut self.program.units[id as usize].uses;
                    uses.extend([ProgramUse::Class(named), ProgramUse::Class(open)]);
                    let hidden = self.is_hidden(module, unit);
                    let found = Type {
                        module,
                        hidden,
                        named,
                        open,
                    };
                    self.types
                        .entry(first.unwrap_or_default())
                        .or_default()
                        .push(found);
                }
                Kind::Trait => self.traits.extend(first),
                Kind::Alias if unit.holder.is_none() => self.aliases.extend(first),
                Kind::Macro => self
                    .macros
                    .entry(first.unwrap_or_default())
                    .or_default()
                    .push(id),
                _ => {}
            }
            if unit.holder.is_some() || matches!(unit.kind, Kind::Call | Kind::Macro) {
                continue;
            }
            for (at, &name) in unit.own.iter().enumerate() {
                let word = own(self, name);
                // a variant can be named without its type where a `use` goes through the type
                if unit.kind == Kind::Type && at > 0 && !self.is_open(first) {
                    continue;
                }
                if unit.kind == Kind::Alias {
                    self.named_macros.entry(word).or_default().push(id);
                }
                self.lead(module, word, id, self.is_hidden(module, unit));
            }
        }
    }

    /// Whether a type's variants may be named without it.
    fn is_open(&self, name: Option<Word>) -> bool {
        let renamed = || self.opened.iter().any(|word| self.renamed.contains(word));
        name.is_none_or(|name| {
            let text = self.program.words[name as usize].as_str();
            self.opened.contains(&name) || !text.starts_with(char::is_uppercase)
        }) || self.opens
            || renamed()
    }

    /// A name leads to a unit.
    pub(super) fn lead(&mut self, module: ModuleId, word: Word, unit: UnitId, hidden: bool) {
        if hidden {
            self.hidden.entry((module, word)).or_default().push(unit);
            self.anywhere.entry(word).or_default().push(unit);
        } else {
            self.plain.entry(word).or_default().push(unit);
        }
    }

    /// A name of objects leads to a unit.
    pub(super) fn member(
        &mut self,
        classes: &[ClassId],
        module: ModuleId,
        word: Word,
        unit: UnitId,
        hidden: bool,
    ) {
        let mut word = word;
        if hidden {
            word = match self.scoped.get(&(module, word)) {
                Some(&scoped) => scoped,
                None => {
                    let text = format!("{} in {module}", self.program.words[word as usize]);
                    let scoped = self.word(&text);
                    self.scoped.insert((module, word), scoped);
                    self.scoped_anywhere.entry(word).or_default().push(scoped);
                    scoped
                }
            };
        }
        for &class in classes {
            let members = &mut self.program.classes[class as usize].members;
            members.entry(word).or_default().push(unit);
        }
    }
}
