//! Defaults that differ, felt by who leaves the argument out.
//!
//! Where nothing of a function differs but defaults, it does what it did for each call that gives these arguments. So its change is
//! felt by the tests that ran another of the places where its name stands, and by those that ran it and none of these places: they
//! came to it from where nobody can see.
//!
//! Not seen: code from outside that calls it by a name which the program uses, too, in a test that also calls it with all arguments.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Finer;
use super::Told;
use super::named::Named;
use super::ran::{Ran, is_fixture, runs_alone};
use crate::graph::Symbols;
use crate::model::{
    Bits, ClassId, Means, Node, Occurrence, Program, ProgramUnit, ProgramUse, RepoPath, Suite,
    UnitId, Word,
};

/// A function of which nothing but defaults may differ.
#[derive(Clone, Debug)]
pub struct Defaulted {
    /// Where it stands.
    pub at: Told,
    /// It is a member of a class.
    pub is_method: bool,
    /// The files that name it.
    pub namers: BTreeSet<RepoPath>,
}

/// By file and place in the measured program, the functions of which nothing but defaults differs: where their names stand in each file
/// that names them.
pub type Calls = BTreeMap<RepoPath, BTreeMap<u32, BTreeMap<RepoPath, Vec<Occurrence>>>>;

/// The functions of which nothing but defaults may differ, by file, where all who can call them name them.
///
/// Cost: for each one pass over the program.
pub fn told_by_calls(finer: &Finer<'_>) -> BTreeMap<RepoPath, Vec<Defaulted>> {
    let mut found: BTreeMap<RepoPath, Vec<Defaulted>> = BTreeMap::new();
    let program = finer.base.1;
    let mut symbols = None;
    for (path, change) in finer.files {
        let suite = Node::Test(Suite::Python { file: path.clone() });
        if path.extension() != b"py" || finer.base.0.find(&suite).is_some() {
            continue;
        }
        let heads = change.heads.iter();
        let defaults =
            heads.filter(|both| !(change.shapes.contains(both) || change.ways.contains(both)));
        for both in defaults {
            let (Some(was), Some(is)) = *both else {
                continue;
            };
            let first = |program: &Program| {
                let module = program.modules.iter().find(|module| module.path == *path)?;
                Some(module.first)
            };
            let (Some(base), Some(head)) = (first(program), first(finer.head.1)) else {
                continue;
            };
            let unit = base + was;
            let symbols = symbols.get_or_insert_with(|| Symbols::new(program));
            let Some(users) = callers(symbols, unit) else {
                continue;
            };
            let paths = users.into_iter().map(|user| {
                let module = program.units[user as usize].module;
                program.modules[module as usize].path.clone()
            });
            let line = |program: &Program, unit: UnitId| program.units[unit as usize].lines.0;
            let all = found.entry(path.clone()).or_default();
            all.push(Defaulted {
                at: (was, (line(program, unit), line(finer.head.1, head + is))),
                is_method: program.units[unit as usize].class.is_some(),
                namers: paths.collect(),
            });
        }
    }
    found
}

/// Who may call a function, itself among them; `None` where somebody else may.
fn callers(symbols: &Symbols<'_>, unit: UnitId) -> Option<Vec<UnitId>> {
    let program = symbols.program();
    let own = &program.units[unit as usize];
    let module = &program.modules[own.module as usize];
    let named = Named::new(program, unit);
    let word = named.only_word()?;
    let from_outside = own.is_value
        || own.kept
        || module.hooks.contains(&unit)
        || module.main.contains(&unit)
        || is_fixture(program, unit);
    if from_outside {
        return None;
    }
    let users = 0..program.units.len() as UnitId;
    if program.words[word as usize] != "__init__" {
        let unseen = named.unseen().is_some() || symbols.is_asked_outside(word);
        let calls = |user: &UnitId| *user == unit || named.by(*user);
        return (!unseen).then(|| users.filter(calls).collect());
    }
    // who makes an object does not name it
    let class = own.class?;
    let makers = made_by(symbols, class, word);
    let is_seen = |class: &ClassId| {
        let own = &program.classes[*class as usize];
        !(own.made || own.told)
    };
    let makes = |unit: &ProgramUnit| {
        unit.uses.iter().any(|used| match used {
            ProgramUse::Class(class) | ProgramUse::Type(class) => makers.contains(class),
            _ => false,
        })
    };
    let never_made = makers.iter().all(is_seen) && !program.units.iter().any(makes);
    never_made.then(|| {
        let up =
            users.filter(|user| passes_on(symbols, word, class, &program.units[*user as usize]));
        up.collect()
    })
}

/// The classes whose objects may be set up by the `__init__` of a class.
fn made_by(symbols: &Symbols<'_>, class: ClassId, init: Word) -> Vec<ClassId> {
    let classes = &symbols.program().classes;
    let heirs = symbols.heirs(class).iter().copied();
    let inherits =
        |heir: &ClassId| *heir == class || !classes[*heir as usize].members.contains_key(&init);
    heirs.filter(inherits).collect()
}

/// Whether a unit may call the `__init__` of a class. Nobody calls one that was found by listing names.
fn passes_on(symbols: &Symbols<'_>, named: Word, class: ClassId, user: &ProgramUnit) -> bool {
    let program = symbols.program();
    let in_family = |below: ClassId| {
        let mut heirs = symbols.heirs(below).iter();
        heirs.any(|heir| symbols.family(*heir).contains(&class))
    };
    // what comes from outside finds it where it is extended together with something of there
    let extends = || {
        let mut heirs = symbols.heirs(class).iter();
        heirs.any(|heir| {
            let heir = &program.classes[*heir as usize];
            heir.open || heir.outside
        })
    };
    let mut uses = user.uses.iter();
    uses.any(|used| match *used {
        ProgramUse::Unit(unit) | ProgramUse::Call(unit) => {
            let members = program.classes[class as usize].members.get(&named);
            members.is_some_and(|members| members.contains(&unit))
        }
        ProgramUse::Any(word) => word == named,
        ProgramUse::Outside(word) => word == named && extends(),
        ProgramUse::Of(below, word) => word == named && in_family(below),
        // what comes next to a class is none of its heirs
        ProgramUse::Super(below, word) => {
            word == named && in_family(below) && !symbols.heirs(below).contains(&class)
        }
        _ => false,
    })
}

impl Ran<'_> {
    /// The tests that ran one of these lines of a function, and those that may have loaded something that did; `None` where that
    /// cannot be told.
    fn ran_at(&self, unit: UnitId, lines: Vec<(u32, u32)>) -> Option<[Bits; 2]> {
        let own = &self.program().units[unit as usize];
        let path = &self.program().modules[own.module as usize].path;
        let Some((ran, outside)) = self.lines(path, &lines) else {
            return Some([self.loaders(own.module), self.loaders(own.module)]);
        };
        let loaded = outside.then(|| self.collectors(unit).ok());
        Some([ran, loaded.unwrap_or_else(|| Some(Bits::default()))?])
    }

    /// The tests that feel other defaults of a function; `None` where its calls do not tell.
    pub(super) fn leave_out(
        &self,
        unit: UnitId,
        calls: &BTreeMap<RepoPath, Vec<Occurrence>>,
    ) -> Option<Bits> {
        let program = self.program();
        let named = Named::new(program, unit);
        let is_init = program.units[unit as usize].name.ends_with(".__init__");
        // who ran a place that gives all, and who another one: in a test, and outside of any
        let (mut given, mut left_out) = <([Bits; 2], [Bits; 2])>::default();
        let mut felt = BTreeSet::from([unit]);
        for user in callers(self.symbols(), unit)? {
            let own = &program.units[user as usize];
            let path = &program.modules[own.module as usize].path;
            let on_import = runs_alone(program, user);
            let within = |place: &&Occurrence| match on_import {
                true => !place.inside,
                false => own.lines.0 <= place.lines.0 && place.lines.1 <= own.lines.1,
            };
            let places = calls.get(path).into_iter().flatten();
            let places: Vec<&Occurrence> = places.filter(within).collect();
            let hidden = !is_init && (named.by_text(user) || named.unnamed_by(user));
            if user == unit && places.is_empty() && !hidden {
                continue;
            }
            let told = !places.is_empty() && !hidden;
            let gives = |place: &&&Occurrence| place.means == Means::Given;
            if own.is_value || on_import {
                if told && places.iter().all(|place| gives(&place)) {
                    continue;
                }
                let users = match own.is_value {
                    true => self.users_of(user).ok()?,
                    // whoever can load the file may have it from there
                    false => self.can_load(own.module),
                };
                left_out[0].extend(&users);
                felt.insert(user);
                continue;
            }
            let spans = |all: &[&Occurrence]| all.iter().map(|place| place.lines).collect();
            let (giving, others): (Vec<&Occurrence>, _) = places.iter().partition(gives);
            if self.body(user).is_some() {
                let ran = self.ran_at(user, spans(&giving))?;
                given[0].extend(&ran[0]);
                given[1].extend(&ran[1]);
            }
            if told && others.is_empty() {
                continue;
            }
            let others = match told {
                true => spans(&others),
                false => vec![own.body.unwrap_or(own.lines)],
            };
            let ran = self.ran_at(user, others)?;
            left_out[0].extend(&ran[0]);
            left_out[1].extend(&ran[1]);
            felt.insert(user);
        }
        let [mut unfelt, mut unfelt_outside] = given;
        unfelt.remove(&left_out[0]);
        unfelt_outside.remove(&left_out[1]);
        let (mut tests, outside) = self.body(unit)?;
        tests.remove(&unfelt);
        let mut collecting = Bits::default();
        if outside {
            collecting = self.collectors(unit).ok()?;
            collecting.remove(&unfelt_outside);
            tests.extend(&collecting);
        }
        self.shared(&felt, !collecting.is_empty(), &mut tests)
            .ok()?;
        tests.extend(&self.with(|habits| habits.reads_heads));
        Some(tests)
    }
}
