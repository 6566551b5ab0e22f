//! Who uses a definition: names it, gets at it as a member of a class, or asks a file for its name.

use std::collections::BTreeSet;

use super::super::named::{Named, Unseen, runs_alone, units_of};
use super::ran::{Ran, Who};
use crate::model::{Bits, Program, ProgramUse, RepoPath, UnitId, Word, Wrapping};

/// Who names a definition.
#[derive(Default)]
pub(super) struct Users {
    /// By its own name.
    pub(super) direct: Namers,
    /// As a member of a class, by whoever has hold of that or of an object of it.
    pub(super) through: Namers,
}

#[derive(Default)]
pub(super) struct Namers {
    /// Functions of the measured program.
    pub(super) functions: BTreeSet<UnitId>,
    /// The tests whose suites can load a file that names it on import.
    pub(super) loaders: Bits,
}

/// Who has hold of a class, and names a member of it.
pub(super) struct Having {
    pub(super) tests: Bits,
    pub(super) functions: BTreeSet<UnitId>,
    pub(super) collecting: bool,
}

impl Ran<'_> {
    /// The tests that ran one of these who name a member, as far as they may have hold of its class or of an object of it.
    pub(super) fn having(&self, member: Option<UnitId>, namers: Namers) -> Result<Having, String> {
        let mut found = Having {
            tests: namers.loaders,
            functions: namers.functions,
            collecting: false,
        };
        for &unit in &found.functions {
            if !self.program().units[unit as usize].habits.empty {
                found.tests.extend(&self.who(unit)?);
                found.collecting |= self.body(unit).is_some_and(|(_, outside)| outside);
            }
        }
        let class = member.and_then(|unit| self.program().units[unit as usize].class);
        if !found.tests.is_empty()
            && let Some(holders) = class.and_then(|class| self.holders(class))
        {
            found.tests.keep(&holders);
        }
        Ok(found)
    }

    /// Adds who runs a method or one that may stand in its place, who has its name as a text, and who names it when a file is
    /// loaded in the newer version.
    pub(super) fn got_at(
        &self,
        before: UnitId,
        after: UnitId,
        found: &mut Users,
    ) -> Result<(), String> {
        let (named, now) = (
            Named::new(self.program(), before),
            Named::new(self.finer.head.1, after),
        );
        // whoever has hold of its class runs it, too
        for named in [&named, &now] {
            if let Some(Unseen::Anybody(why)) = named.unseen() {
                return Err(why.to_owned());
            }
        }
        let found = &mut found.direct;
        found.functions.extend(named.namesakes());
        let wrapping = |program: &Program, unit: UnitId| program.units[unit as usize].wrapping;
        let wrapped = [
            wrapping(self.program(), before),
            wrapping(self.finer.head.1, after),
        ];
        if wrapped != [Wrapping::None; 2] {
            found
                .loaders
                .extend(&self.with(|habits| habits.reads_heads));
            // who calls it may come no further than to what it is wrapped in
            for user in 0..self.program().units.len() as UnitId {
                let asks = named.asked_by(user) || named.is_written_in(user);
                let own = &self.program().units[user as usize];
                if !asks {
                    continue;
                }
                if own.is_value {
                    found.loaders.extend(&self.users_of(user)?);
                } else if runs_alone(self.program(), user) {
                    found.loaders.extend(&self.can_load(own.module));
                } else {
                    found.functions.insert(user);
                }
            }
        }
        let functions = self.program().units.iter().enumerate();
        let functions = functions.filter(|(_, own)| !own.is_value);
        let told = functions.map(|(unit, _)| unit as UnitId);
        let told =
            told.filter(|unit| !runs_alone(self.program(), *unit) && named.is_written_in(*unit));
        found.functions.extend(told);
        for (user, own) in self.finer.head.1.units.iter().enumerate() {
            let user = user as UnitId;
            if runs_alone(self.finer.head.1, user) && now.plainly_by(user) {
                let path = &self.finer.head.1.modules[own.module as usize].path;
                if let Some(module) = self.modules[0].get(path) {
                    found.loaders.extend(&self.can_load(*module));
                }
            }
        }
        Ok(())
    }

    /// The tests that may have hold of a value.
    pub(super) fn users_of(&self, value: UnitId) -> Who {
        let mut users = Users::default();
        self.users(0, value, &mut users)?;
        let Users { direct, through } = users;
        let mut tests = direct.loaders;
        tests.extend(&through.loaders);
        for unit in direct.functions.into_iter().chain(through.functions) {
            tests.extend(&self.who(unit)?);
        }
        Ok(tests)
    }

    /// Adds who names a definition, directly or through constants.
    pub(super) fn users(&self, side: usize, of: UnitId, users: &mut Users) -> Result<(), String> {
        let program = [self.finer.base.1, self.finer.head.1][side];
        let mut next = vec![of];
        let mut seen = BTreeSet::from([of]);
        while let Some(unit) = next.pop() {
            let named = Named::new(program, unit);
            match named.unseen() {
                Some(Unseen::Anybody(why)) => return Err(why.to_owned()),
                Some(Unseen::Holders) if unit == of => users.through.loaders = self.everybody(),
                // a constant of another class, of which others have hold
                Some(Unseen::Holders) => users.direct.loaders = self.everybody(),
                None => {}
            }
            for (user, own) in program.units.iter().enumerate() {
                let user = user as UnitId;
                if !named.by(user) {
                    continue;
                }
                // of a constant that is made of it only the name is known
                let held = unit == of && named.is_member() && !named.directly_by(user);
                let found = match held {
                    true => &mut users.through,
                    false => &mut users.direct,
                };
                if program.modules[own.module as usize].runs.contains(&user) {
                    let path = &program.modules[own.module as usize].path;
                    // a file that is new is itself among the changes
                    if let Some(module) = self.modules[0].get(path) {
                        found.loaders.extend(&self.can_load(*module));
                    }
                    continue;
                }
                if own.is_value {
                    if seen.insert(user) {
                        next.push(user);
                    }
                    continue;
                }
                match side {
                    0 => found.functions.extend([user]),
                    // one that is new is itself among the changes
                    _ => found.functions.extend(self.before(user)),
                }
            }
        }
        Ok(())
    }

    /// The tests that may ask a file for one of these names: those that ran code which does, or that load a file which does when
    /// it is loaded.
    pub(super) fn asked(&self, path: &RepoPath, names: &[String]) -> Who {
        let mut found = Bits::default();
        for (side, modules) in self.modules.iter().enumerate() {
            let program = [self.finer.base.1, self.finer.head.1][side];
            let Some(module) = modules.get(path) else {
                continue;
            };
            let is_asked = |word: &Word| names.contains(&program.words[*word as usize]);
            let handed = program.units.iter().any(|unit| {
                unit.habits.imports || unit.uses.contains(&ProgramUse::Module(*module))
            });
            let asks = |used: &ProgramUse| match used {
                ProgramUse::Name(of, word) => of == module && is_asked(word),
                ProgramUse::Star(of) | ProgramUse::Everything(of) => of == module,
                ProgramUse::Any(word) => handed && is_asked(word),
                ProgramUse::Prefix(_) => handed,
                _ => false,
            };
            for (unit, own) in program.units.iter().enumerate() {
                let blind = handed && (own.habits.reflects || own.habits.computes_names);
                if !(blind || own.uses.iter().any(asks)) {
                    continue;
                }
                let unit = unit as UnitId;
                let own_path = &program.modules[own.module as usize].path;
                // a file or a function that is new is itself among the changes
                let Some(&own_module) = self.modules[0].get(own_path) else {
                    continue;
                };
                if runs_alone(program, unit) || own.is_value {
                    found.extend(&self.can_load(own_module));
                    continue;
                }
                let measured = if side == 0 {
                    Some(unit)
                } else {
                    self.before(unit)
                };
                if let Some(unit) = measured {
                    found.extend(&self.who(unit)?);
                }
            }
        }
        Ok(found)
    }

    /// The unit of the measured program that has the name of one of the head's.
    pub(super) fn before(&self, unit: UnitId) -> Option<UnitId> {
        let own = &self.finer.head.1.units[unit as usize];
        let path = &self.finer.head.1.modules[own.module as usize].path;
        let module = *self.modules[0].get(path)?;
        let mut units = units_of(self.program(), module);
        units.find(|unit| self.program().units[*unit as usize].name == own.name)
    }
}
