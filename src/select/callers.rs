//! Who may call a function, where all who can name it.
//!
//! Where nothing of a function differs but defaults, it does what it did for each call that gives these arguments. So its change is
//! felt by whoever comes to another of the places where its name stands.

use std::collections::{BTreeMap, BTreeSet};

use super::Finer;
use super::named::{Named, is_fixture, runs_alone};
use crate::graph::Symbols;
use crate::model::{
    ClassId, Means, Node, Occurrence, ProgramUnit, ProgramUse, RepoPath, Suite, UnitId, Word,
};

/// A function of which nothing but defaults may differ.
#[derive(Clone, Debug)]
pub struct Callable {
    /// Its place in its file in the older version.
    pub place: u32,
    /// Its first line in each version.
    pub lines: (u32, u32),
    /// It is a member of a class.
    pub is_method: bool,
    /// The files of the older version that name it.
    pub namers: BTreeSet<RepoPath>,
}

/// Where the name of a function stands, by file.
pub type NamedAt = BTreeMap<RepoPath, Vec<Occurrence>>;

/// By file and place in the older program, the functions of which nothing but defaults differs: where their names stand there.
pub type Calls = BTreeMap<RepoPath, BTreeMap<u32, NamedAt>>;

/// The functions of which nothing but defaults may differ, by file, where all who can call them name them. Who names them newly has
/// changed itself.
///
/// Cost: for each one a pass over both programs.
pub fn told_by_calls(finer: &Finer<'_>) -> BTreeMap<RepoPath, Vec<Callable>> {
    let mut found: BTreeMap<RepoPath, Vec<Callable>> = BTreeMap::new();
    let mut symbols = None;
    for (path, change) in finer.files {
        let suite = Node::Test(Suite::python(path));
        if path.extension() != b"py" || finer.base.0.find(&suite).is_some() {
            continue;
        }
        let heads = change.heads.iter();
        let defaults =
            heads.filter(|both| !(change.shapes.contains(both) || change.ways.contains(both)));
        for both in defaults {
            let (Some(place), Some(is)) = *both else {
                continue;
            };
            let [older, newer] =
                symbols.get_or_insert_with(|| [finer.base.1, finer.head.1].map(Symbols::new));
            let unit = |symbols: &Symbols<'_>, place: u32| {
                let mut modules = symbols.program().modules.iter();
                let module = modules.find(|module| module.path == *path)?;
                Some(module.first + place)
            };
            let (Some(before), Some(after)) = (unit(older, place), unit(newer, is)) else {
                continue;
            };
            let (Some(users), Some(_)) = (callers(older, before), callers(newer, after)) else {
                continue;
            };
            let program = older.program();
            let path_of = |user: UnitId| {
                let module = program.units[user as usize].module;
                program.modules[module as usize].path.clone()
            };
            let own = &program.units[before as usize];
            let line = newer.program().units[after as usize].lines.0;
            found.entry(path.clone()).or_default().push(Callable {
                place,
                lines: (own.lines.0, line),
                is_method: own.class.is_some(),
                namers: users.into_iter().map(path_of).collect(),
            });
        }
    }
    found
}

/// Somebody who may call a function.
pub(super) struct Caller<'c> {
    pub(super) unit: UnitId,
    /// Where the function's name stands in it.
    pub(super) places: Vec<&'c Occurrence>,
    /// It comes to the function in no other way.
    pub(super) told: bool,
}

impl Caller<'_> {
    /// Whether it may get hold of the function, to be called later.
    pub(super) fn takes(&self) -> bool {
        let mut places = self.places.iter();
        !self.told || places.any(|place| place.means == Means::Value)
    }

    /// Whether all that it calls the function with are the arguments whose defaults differ.
    pub(super) fn gives(&self) -> bool {
        let mut places = self.places.iter();
        self.told && places.all(|place| place.means == Means::Given)
    }
}

/// Everybody who may call a function, with the places of its name; `None` where somebody else may.
pub(super) fn placed<'c>(
    symbols: &Symbols<'_>,
    unit: UnitId,
    named: &'c NamedAt,
) -> Option<Vec<Caller<'c>>> {
    let program = symbols.program();
    let definition = Named::new(program, unit);
    let is_init = program.units[unit as usize].name.ends_with(".__init__");
    let found = callers(symbols, unit)?.into_iter().filter_map(|user| {
        let own = &program.units[user as usize];
        let path = &program.modules[own.module as usize].path;
        let within = |place: &&Occurrence| match runs_alone(program, user) {
            true => !place.inside,
            false => own.lines.0 <= place.lines.0 && place.lines.1 <= own.lines.1,
        };
        let places = named.get(path).into_iter().flatten();
        let places: Vec<&Occurrence> = places.filter(within).collect();
        let hidden = match is_init {
            true => looks_up(symbols, user),
            false => definition.by_text(user) || definition.unnamed_by(user),
        };
        // it names itself where it calls itself
        let calls = user != unit || hidden || !places.is_empty();
        calls.then_some(Caller {
            unit: user,
            told: !places.is_empty() && !hidden,
            places,
        })
    });
    Some(found.collect())
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
    let makers = made_by(symbols, class);
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
        let up = users.filter(|user| {
            passes_on(symbols, word, class, &program.units[*user as usize])
                || looks_up(symbols, *user)
        });
        up.collect()
    })
}

/// Whether a unit may come to an `__init__`, or to a class that has one, by other names than theirs.
fn looks_up(symbols: &Symbols<'_>, user: UnitId) -> bool {
    let program = symbols.program();
    let own = &program.units[user as usize];
    let text = |word: &Word| program.words[*word as usize].as_str();
    let to_bases = |used: &ProgramUse| match used {
        ProgramUse::Any(word) | ProgramUse::Of(_, word) => {
            matches!(
                text(word),
                "__base__" | "__bases__" | "__mro__" | "mro" | "__orig_bases__"
            )
        }
        _ => false,
    };
    own.words.iter().any(|word| text(word) == "__init__") || own.uses.iter().any(to_bases)
}

/// The classes whose objects may be set up by the `__init__` of a class.
fn made_by(symbols: &Symbols<'_>, class: ClassId) -> Vec<ClassId> {
    let classes = &symbols.program().classes;
    let heirs = symbols.heirs(class).iter().copied();
    let inherits = |heir: &ClassId| *heir == class || classes[*heir as usize].may_inherit;
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
