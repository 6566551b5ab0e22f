//! Who ran what, and who else may feel it.
//!
//! A function is felt by the tests that ran its body. What has no body of its own (a constant, a default, a docstring, a
//! new or lost definition) is felt by the tests that ran a function that names it.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::super::Finer;
use super::collected::Collected;
use super::lasting::Keeper;
use super::named::{Named, Unseen};
use super::{Calls, Evidence, Reached};
use crate::graph::{Seed, Symbols, Walk};
use crate::model::{
    Bits, Both, Habits, ModuleId, Node, Program, ProgramUse, RepoPath, Suite, UnitId, Word,
    Wrapping,
};

/// Which part of a definition changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// What runs when it is called, or the value.
    Body,
    /// The values of defaults, and perhaps the body: felt where the body runs, or by who reads parameters.
    Defaults,
    /// How it is got at, and perhaps the body: felt where it, or one that bears its name, is got at.
    Way,
    /// More of what runs when it is defined.
    Head,
    /// The docstring.
    Docs,
}

/// A measured program.
pub(super) struct Ran<'a> {
    pub(super) finer: &'a Finer<'a>,
    pub(super) evidence: &'a Evidence,
    reached: &'a Reached,
    calls: &'a Calls,
    /// Places of the files in the measured program and in the head's.
    pub(super) modules: [HashMap<&'a RepoPath, ModuleId>; 2],
    pub(super) keepers: OnceCell<Vec<Keeper>>,
    pub(super) groups: OnceCell<Vec<Bits>>,
    symbols: OnceCell<Symbols<'a>>,
    /// The program once all of it is imported, to go on from.
    pub(super) imported: OnceCell<Option<Walk>>,
    /// For each class the tests that come to it by themselves.
    pub(super) holding: OnceCell<Option<Vec<Bits>>>,
    pub(super) collected: OnceCell<Option<Vec<Collected<'a>>>>,
    /// Tests by the file that their suites can load.
    loaders: RefCell<HashMap<ModuleId, Bits>>,
}

/// Who names a definition.
#[derive(Default)]
struct Users {
    /// By its own name.
    direct: Namers,
    /// As a member of a class, by whoever has hold of that or of an object of it.
    through: Namers,
}

#[derive(Default)]
struct Namers {
    /// Functions of the measured program.
    functions: BTreeSet<UnitId>,
    /// The tests whose suites can load a file that names it on import.
    loaders: Bits,
}

/// Who has hold of a class, and names a member of it.
struct Having {
    tests: Bits,
    functions: BTreeSet<UnitId>,
    collecting: bool,
}

/// The tests that ran something, or why that cannot be told.
pub(super) type Who = Result<Bits, String>;

impl<'a> Ran<'a> {
    pub(super) fn new(
        finer: &'a Finer<'a>,
        evidence: &'a Evidence,
        (reached, calls): (&'a Reached, &'a Calls),
    ) -> Self {
        let modules = [finer.base.1, finer.head.1].map(|program| {
            let all = program.modules.iter().enumerate();
            all.map(|(at, module)| (&module.path, at as ModuleId))
                .collect()
        });
        Self {
            finer,
            evidence,
            reached,
            calls,
            modules,
            keepers: OnceCell::new(),
            groups: OnceCell::new(),
            symbols: OnceCell::new(),
            imported: OnceCell::new(),
            holding: OnceCell::new(),
            collected: OnceCell::new(),
            loaders: RefCell::default(),
        }
    }

    /// The measured program.
    pub(super) fn program(&self) -> &'a Program {
        self.finer.base.1
    }

    /// The measured program, to be walked.
    pub(super) fn symbols(&self) -> &Symbols<'a> {
        self.symbols.get_or_init(|| Symbols::new(self.program()))
    }

    /// All measured tests.
    pub(super) fn everybody(&self) -> Bits {
        (0..self.evidence.tests.len() as u32).collect()
    }

    /// Who ran a function's body; whether it also ran outside of tests.
    pub(super) fn body(&self, unit: UnitId) -> Option<(Bits, bool)> {
        let own = &self.program().units[unit as usize];
        let path = &self.program().modules[own.module as usize].path;
        self.lines(path, &[own.body?])
    }

    /// Who ran one of these lines of a file; whether somebody did outside of tests.
    pub(super) fn lines(&self, path: &RepoPath, spans: &[(u32, u32)]) -> Option<(Bits, bool)> {
        let mut found = (Bits::default(), false);
        for (test, lines) in self.evidence.files.get(path)? {
            let mut spans = spans.iter();
            if spans.any(|(first, last)| lines.meets(*first..=*last)) {
                match test {
                    Some(test) => found.0.insert(*test),
                    None => found.1 = true,
                }
            }
        }
        Some(found)
    }

    fn who(&self, unit: UnitId) -> Who {
        let own = &self.program().units[unit as usize];
        match self.body(unit) {
            Some((tests, false)) => Ok(tests),
            Some((mut tests, true)) => {
                tests.extend(&self.collectors(unit)?);
                Ok(tests)
            }
            None if own.body.is_none() => Ok(self.can_load(own.module)),
            None => Ok(self.loaders(own.module)),
        }
    }

    /// The tests that did what coverage cannot follow.
    pub(super) fn blind(&self) -> Vec<(Bits, &'static str)> {
        type Habit = (fn(&Habits) -> bool, &'static str);
        let kinds: [Habit; 3] = [
            (|habits| habits.elsewhere, "starts programs"),
            (|habits| habits.reads_sources, "reads sources"),
            (|habits| habits.looks_around, "looks at the whole process"),
        ];
        let kinds = kinds.iter();
        kinds.map(|(is, what)| (self.with(*is), *what)).collect()
    }

    /// Why nothing at all can be told, if so.
    pub(super) fn unseen(&self) -> Option<String> {
        let mut units = self.program().units.iter().enumerate();
        let (unit, _) = units.find(|(unit, own)| {
            own.habits.elsewhere
                && self
                    .body(*unit as UnitId)
                    .is_some_and(|(_, outside)| outside)
        })?;
        let own = &self.program().units[unit];
        let path = &self.program().modules[own.module as usize].path;
        Some(format!(
            "`{path}:{} {}` starts programs outside of any test",
            own.lines.0, own.name
        ))
    }

    /// The tests that a changed definition can change; or why that cannot be told.
    pub(super) fn reaches(&self, path: &RepoPath, both: &Both, part: Part) -> Who {
        let at = |side: usize, place: Option<u32>| {
            let module = self.modules[side].get(path)?;
            let program = [self.finer.base.1, self.finer.head.1][side];
            Some(program.modules[*module as usize].first + place?)
        };
        let (before, after) = (at(0, both.0), at(1, both.1));
        let own = [(self.finer.base.1, before), (self.finer.head.1, after)];
        let is_replaced = |(program, unit): &(&Program, Option<UnitId>)| {
            unit.is_some_and(|unit| program.units[unit as usize].habits.replaced)
        };
        // nobody can call it
        if own.iter().all(is_replaced) && part != Part::Head {
            return Ok(self.with(|habits| habits.reads_sources));
        }
        if part == Part::Docs {
            if own.iter().any(is_replaced) {
                return Ok(self.with(|habits| habits.reads_sources));
            }
            let kept = own
                .iter()
                .any(|(program, unit)| unit.is_some_and(|unit| program.units[unit as usize].kept));
            let shown = own.iter().any(|(program, unit)| {
                let class = unit.and_then(|unit| program.units[unit as usize].class);
                class.is_some_and(|class| {
                    let class = &program.classes[class as usize];
                    unit.is_some_and(|unit| class.head == Some(unit)) && (class.made || class.open)
                })
            });
            // on import nobody but a decorator, or who makes a class, can ask for it
            return match kept || shown {
                true => {
                    Err("a decorator, or who makes the class, may read its docstring".to_owned())
                }
                false if !self.is_given(before, after) => {
                    Ok(self.with(|habits| habits.reads_sources))
                }
                false => Ok(self.with(|habits| habits.reads_docs)),
            };
        }
        if let (Some(before), Some(_)) = (before, after)
            && runs_alone(self.program(), before)
        {
            // runs only where the file is the program: whoever starts programs stays anyway
            return Ok(Bits::default());
        }
        if let (Part::Defaults, Some(before), Some(place)) = (part, before, both.0)
            && let Some(calls) = self.calls.get(path).and_then(|all| all.get(&place))
            && let Some(tests) = self.leave_out(before, calls)
        {
            return Ok(tests);
        }
        let part = match part {
            Part::Way if !self.are_run(path, own) => Part::Head,
            part => part,
        };
        let mut users = Users::default();
        let empty = |unit: Option<UnitId>| {
            unit.is_some_and(|unit| self.program().units[unit as usize].habits.empty)
        };
        if empty(before) && self.evidence.tests.iter().any(|(file, _)| file == path) {
            return Err("its body did nothing, which no line shows".to_owned());
        }
        // who calls one of these shows all the same: it is told as a value is
        let is_function = |unit: &UnitId| {
            let own = &self.program().units[*unit as usize];
            !(own.is_value || own.habits.empty)
        };
        let function = before.filter(is_function);
        users.direct.functions.extend(function);
        let plain = function.is_some() && after.is_some() && part != Part::Head;
        if let (Part::Way, Some(before), Some(after)) = (part, function, after) {
            self.got_at(before, after, &mut users)?;
        }
        if !plain {
            for (side, unit) in [(0, before), (1, after)] {
                if let Some(unit) = unit {
                    self.users(side, unit, &mut users)?;
                }
            }
        }
        let held = self.having(before, users.through)?;
        let (felt, mut tests) = (users.direct.functions, users.direct.loaders);
        let mut collecting = false;
        let by_lines = both.0.filter(|_| plain && part == Part::Body);
        let by_lines = by_lines.and_then(|place| self.reached.get(path)?.get(&place));
        match by_lines
            .zip(function)
            .and_then(|(spans, unit)| Some((self.lines(path, spans)?, unit)))
        {
            Some(((found, outside), unit)) => {
                tests.extend(&found);
                if outside {
                    collecting = true;
                    tests.extend(&self.collectors(unit)?);
                }
            }
            None => {
                let does_nothing = |unit: UnitId| self.program().units[unit as usize].habits.empty;
                for &unit in &felt {
                    if function == Some(unit) || !does_nothing(unit) {
                        tests.extend(&self.who(unit)?);
                        collecting |= self.body(unit).is_some_and(|(_, outside)| outside);
                    }
                }
            }
        }
        tests.extend(&held.tests);
        let felt = felt.into_iter().chain(held.functions).collect();
        self.shared(&felt, collecting || held.collecting, &mut tests)?;
        if part == Part::Defaults {
            tests.extend(&self.with(|habits| habits.reads_heads));
        }
        Ok(tests)
    }

    /// Whether whoever calls a function, as it is decorated in each version, runs it. Tests and fixtures are called by nobody.
    fn are_run(&self, path: &RepoPath, own: [(&Program, Option<UnitId>); 2]) -> bool {
        let wrapping = own.map(|(program, unit)| {
            let unit = &program.units[unit? as usize];
            Some(unit.wrapping)
        });
        let suite = Node::Test(Suite::Python { file: path.clone() });
        match wrapping {
            [Some(Wrapping::None), Some(Wrapping::None)] => true,
            [Some(Wrapping::Other), _] | [_, Some(Wrapping::Other)] => false,
            _ => {
                let is_fixture = |(program, unit): (&Program, Option<UnitId>)| {
                    unit.is_some_and(|unit| is_fixture(program, unit))
                };
                !own.into_iter().any(is_fixture) && self.finer.base.0.find(&suite).is_none()
            }
        }
    }

    /// The tests that ran one of these who name a member, as far as they may have hold of its class or of an object of it.
    fn having(&self, member: Option<UnitId>, namers: Namers) -> Result<Having, String> {
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

    /// Whether a function may be got hold of other than to call it. Only of one that stands for itself it can be told that it is not.
    fn is_given(&self, before: Option<UnitId>, after: Option<UnitId>) -> bool {
        let (Some(before), Some(after)) = (before, after) else {
            return true;
        };
        let sides = [(self.finer.base.1, before), (self.finer.head.1, after)];
        sides.into_iter().any(|(program, unit)| {
            let own = &program.units[unit as usize];
            let named = Named::new(program, unit);
            let called = |used: &ProgramUse| *used == ProgramUse::Call(unit);
            let got = |(user, other): (usize, &crate::model::ProgramUnit)| {
                let mut uses = other.uses.iter().filter(|used| !called(used));
                uses.any(|used| named.matches(used)) || named.by_text(user as UnitId)
            };
            let of_class = own.class.is_some() || own.is_value || is_fixture(program, unit);
            of_class || program.units.iter().enumerate().any(got)
        })
    }

    /// The tests that ran code with a habit.
    pub(super) fn with(&self, is: fn(&Habits) -> bool) -> Bits {
        let mut all = Bits::default();
        for (unit, own) in self.program().units.iter().enumerate() {
            let unit = unit as UnitId;
            // a program's own part runs in no test, a constant only names things
            if !is(&own.habits) || own.is_value || own.name == "__main__" {
                continue;
            }
            all.extend(&self.may_run(unit));
            if self.body(unit).is_some_and(|(_, outside)| outside) {
                let collected = self.collectors(unit);
                all.extend(&collected.unwrap_or_else(|_| self.can_load(own.module)));
            }
        }
        all
    }

    /// The tests that ran a unit, or may have, where that was not measured: then all whose suite can load its file.
    pub(super) fn may_run(&self, unit: UnitId) -> Bits {
        match self.body(unit) {
            Some((tests, _)) => tests,
            None if self.program().units[unit as usize].habits.empty => Bits::default(),
            None => self.loaders(self.program().units[unit as usize].module),
        }
    }

    /// The measured tests that may have run what was not measured: those of the suites that can load the file.
    pub(super) fn loaders(&self, module: ModuleId) -> Bits {
        let path = &self.program().modules[module as usize].path;
        match self.evidence.files.contains_key(path) || self.evidence.out_of_sight(path) {
            true => self.can_load(module),
            false => Bits::default(),
        }
    }

    /// The measured tests of the suites that can load a file.
    pub(super) fn can_load(&self, module: ModuleId) -> Bits {
        if let Some(known) = self.loaders.borrow().get(&module) {
            return known.clone();
        }
        let (graph, path) = (
            self.finer.base.0,
            &self.program().modules[module as usize].path,
        );
        let reach = graph.find_path(path).map(|node| {
            graph.reach([Seed {
                node,
                bytes_only: false,
            }])
        });
        let mut suites: BTreeSet<&RepoPath> = BTreeSet::new();
        for node in reach.iter().flat_map(|reach| reach.iter()) {
            if let Node::Test(Suite::Python { file }) = graph.node(node) {
                suites.insert(file);
            }
        }
        let tests = self.evidence.tests.iter().enumerate();
        let tests = tests.filter(|(_, (file, _))| suites.contains(file));
        let found: Bits = tests.map(|(at, _)| at as u32).collect();
        self.loaders.borrow_mut().insert(module, found.clone());
        found
    }

    /// Adds who runs a method or one that may stand in its place, who has its name as a text, and who names it when a file is
    /// loaded in the newer version.
    fn got_at(&self, before: UnitId, after: UnitId, found: &mut Users) -> Result<(), String> {
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
            let callers = 0..self.program().units.len() as UnitId;
            found
                .functions
                .extend(callers.filter(|user| named.plainly_by(*user)));
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
    fn users(&self, side: usize, of: UnitId, users: &mut Users) -> Result<(), String> {
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
    fn before(&self, unit: UnitId) -> Option<UnitId> {
        let own = &self.finer.head.1.units[unit as usize];
        let path = &self.finer.head.1.modules[own.module as usize].path;
        let module = *self.modules[0].get(path)?;
        let mut units = units_of(self.program(), module);
        units.find(|unit| self.program().units[*unit as usize].name == own.name)
    }
}

pub(super) fn units_of(program: &Program, module: ModuleId) -> std::ops::Range<UnitId> {
    let first = program.modules[module as usize].first;
    let next = program.modules.get(module as usize + 1);
    first..next.map_or(program.units.len() as UnitId, |module| module.first)
}

/// Whether a unit is no function and no value: it runs on import, or as a program.
pub(super) fn runs_alone(program: &Program, unit: UnitId) -> bool {
    let own = &program.units[unit as usize];
    own.body.is_none() && {
        let module = &program.modules[own.module as usize];
        module.runs.contains(&unit) || own.name == "__main__"
    }
}

pub(super) fn is_fixture(program: &Program, unit: UnitId) -> bool {
    program.fixtures.values().any(|units| units.contains(&unit))
}
