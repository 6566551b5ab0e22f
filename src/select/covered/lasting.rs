//! What lasts from test to test: a test may live on what another one computed.
//!
//! Three things last: what is made while a file is imported, where a test was the first to import it; what wide fixtures, caches
//! and assignments to modules and classes leave behind; and the objects that a test file makes when it is loaded, with all that
//! they remember. Who finds such a thing may feel whatever ran in the test that left it.
//!
//! Not seen: what is left in objects of the library itself that outlast a test, in the standard library, on disk; and what a test
//! finds in a cache which it filled, too, under another key.

use std::collections::{BTreeSet, HashMap};

use super::super::named::{Named, is_fixture, runs_alone};
use super::ran::Ran;
use crate::graph::{Units, Walk};
use crate::model::{
    Bits, ClassId, ModuleId, Node, ProgramLeft, ProgramUnit, ProgramUse, RepoPath, Suite, UnitId,
    Word,
};

/// Code that runs in one test and lasts for others.
pub(super) struct Keeper {
    /// What it is called.
    name: String,
    /// The tests in which it did so.
    tests: Bits,
    /// The other tests that may live on it; `None` for all.
    users: Option<Bits>,
    /// It ran around a test, not in it.
    around: bool,
    /// It also ran outside of any test.
    collecting: bool,
    reach: Reach,
}

/// What can have a part in what lasts.
enum Reach {
    /// Whatever ran in the same test.
    Anything,
    /// These functions.
    These(BTreeSet<UnitId>),
    /// What this function, which takes nothing, may run.
    RunBy(UnitId),
}

impl Ran<'_> {
    /// Adds the tests that may live on what others computed with these functions, or what was computed outside of any test.
    pub(super) fn shared(
        &self,
        felt: &BTreeSet<UnitId>,
        collecting: bool,
        tests: &mut Bits,
    ) -> Result<(), String> {
        if tests.is_empty() {
            return Ok(());
        }
        let direct = tests.clone();
        let around = self.around(felt);
        for keeper in self.keepers.get_or_init(|| self.find_keepers()) {
            let ran = if keeper.around { &around } else { &direct };
            if !(keeper.tests.shares(ran) || collecting && keeper.collecting) {
                continue;
            }
            let has_part = match &keeper.reach {
                Reach::Anything => true,
                Reach::These(units) => felt.iter().any(|unit| units.contains(unit)),
                Reach::RunBy(unit) => self.may_be_run_by(*unit, felt),
            };
            if !has_part {
                continue;
            }
            match &keeper.users {
                Some(users) => tests.extend(users),
                None => {
                    return Err(format!(
                        "`{}` runs it in one test for others that come later",
                        keeper.name
                    ));
                }
            }
        }
        for group in self.groups.get_or_init(|| self.find_groups()) {
            if group.shares(&direct) {
                tests.extend(group);
            }
        }
        Ok(())
    }

    /// Whether a unit names a class, or one that extends it.
    fn makes(&self, unit: UnitId, class: ClassId) -> bool {
        let heirs = self.symbols().heirs(class);
        let mut uses = self.program().units[unit as usize].uses.iter();
        uses.any(|used| match used {
            ProgramUse::Class(class) | ProgramUse::Type(class) => heirs.contains(class),
            _ => false,
        })
    }

    fn find_keepers(&self) -> Vec<Keeper> {
        let program = self.program();
        let mut found = Vec::new();
        for (unit, own) in program.units.iter().enumerate() {
            let unit = unit as UnitId;
            // what runs on import is looked at file by file
            if runs_alone(program, unit) {
                continue;
            }
            let name = || {
                let path = &program.modules[own.module as usize].path;
                format!("{path}:{} {}", own.lines.0, own.name)
            };
            let part = |alone: bool| match own.habits.takes_nothing && alone {
                true => Reach::RunBy(unit),
                false => Reach::Anything,
            };
            if own.habits.wide || own.habits.cached {
                let tests = match own.habits.wide {
                    true => self.around(&BTreeSet::from([unit])),
                    false => self.may_run(unit),
                };
                let collecting = self.body(unit).is_some_and(|(_, outside)| outside);
                if !tests.is_empty() || collecting {
                    found.push(Keeper {
                        name: name(),
                        collecting,
                        users: self.askers(unit),
                        around: own.habits.wide,
                        tests,
                        reach: part(true),
                    });
                }
            }
            for left in own.leaves.iter().filter(|left| self.lasts(left)) {
                let (tests, collecting) = self.ran_lines(own, left.lines);
                if !tests.is_empty() || collecting {
                    found.push(Keeper {
                        name: name(),
                        collecting,
                        users: Some(self.readers(own, left.word)),
                        around: false,
                        tests,
                        // who finds nothing there does it again
                        reach: part(self.reads_alone(unit, left.word)),
                    });
                }
            }
        }
        for (module, tests) in self.imported_in_tests() {
            let path = &program.modules[module as usize].path;
            found.push(Keeper {
                name: format!("the import of {path}"),
                collecting: false,
                tests,
                users: Some(self.finders(module)),
                around: false,
                reach: Reach::These(self.run_by_import(module)),
            });
        }
        // who did it itself needs nobody else's
        for keeper in &mut found {
            if let Some(users) = &mut keeper.users {
                users.remove(&keeper.tests);
            }
        }
        found.retain(|keeper| !keeper.users.as_ref().is_some_and(Bits::is_empty));
        found
    }

    /// The tests around which one of these functions ran.
    fn around(&self, units: &BTreeSet<UnitId>) -> Bits {
        let mut found = Bits::default();
        for unit in units {
            let own = &self.program().units[*unit as usize];
            let path = &self.program().modules[own.module as usize].path;
            let measured = self.evidence.files.contains_key(path);
            let (Some((first, last)), true) = (own.body, measured) else {
                found.extend(&self.loaders(own.module));
                continue;
            };
            let runs = self.evidence.around.get(path).into_iter().flatten();
            let ran = runs.filter(|(_, lines)| lines.meets(first..=last));
            found.extend(&ran.map(|(test, _)| *test).collect());
        }
        found
    }

    /// Whether what is left somewhere outlasts a test: a value of the own module or of a class; through an import only where it is seen
    /// to be a plain value, not an object that may stand for another one in each test.
    fn lasts(&self, left: &ProgramLeft) -> bool {
        let program = self.program();
        let word = program.words[left.word as usize].as_str();
        let named = |unit: &ProgramUnit| unit.name.rsplit('.').next() == Some(word);
        !left.imported
            || program
                .units
                .iter()
                .any(|unit| unit.is_value && !unit.is_object && named(unit))
    }

    /// The tests that ran one of these lines of a unit, and whether it also ran outside of any.
    fn ran_lines(&self, own: &ProgramUnit, lines: (u32, u32)) -> (Bits, bool) {
        let path = &self.program().modules[own.module as usize].path;
        let ran = self.lines(path, &[lines]);
        ran.unwrap_or_else(|| (self.loaders(own.module), false))
    }

    /// The functions that may run while a file is imported: those that its own statements name, and what these name with certainty.
    pub(super) fn run_by_import(&self, module: ModuleId) -> BTreeSet<UnitId> {
        let program = self.program();
        let runs = &program.modules[module as usize].runs;
        let mut found: BTreeSet<UnitId> = BTreeSet::new();
        let mut next: Vec<UnitId> = runs.clone();
        let mut classes: BTreeSet<ClassId> = BTreeSet::new();
        while let Some(unit) = next.pop() {
            if !found.insert(unit) {
                continue;
            }
            let from_import = runs.contains(&unit);
            for used in &program.units[unit as usize].uses {
                match used {
                    // an import of another file is looked at by itself
                    ProgramUse::Unit(unit) | ProgramUse::Call(unit)
                        if !runs_alone(program, *unit) =>
                    {
                        next.push(*unit);
                    }
                    ProgramUse::Class(class) | ProgramUse::Type(class) => {
                        self.made(*class, &mut classes, &mut next)
                    }
                    ProgramUse::Of(class, word) | ProgramUse::Super(class, word) => {
                        self.made(*class, &mut classes, &mut next);
                        for class in &classes {
                            let members = &program.classes[*class as usize].members;
                            next.extend(members.get(word).into_iter().flatten());
                        }
                    }
                    ProgramUse::Any(word) if from_import => {
                        let all = program.classes.iter().filter_map(|c| c.members.get(word));
                        next.extend(all.flatten());
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// What making instances of a class runs, or the class itself with all that it inherits.
    fn made(&self, class: ClassId, seen: &mut BTreeSet<ClassId>, next: &mut Vec<UnitId>) {
        let program = self.program();
        let mut classes = vec![class];
        while let Some(class) = classes.pop() {
            if !seen.insert(class) {
                continue;
            }
            let own = &program.classes[class as usize];
            classes.extend(own.bases.iter().chain(&own.heirs));
            for (word, units) in &own.members {
                if program.words[*word as usize].starts_with("__") {
                    next.extend(units);
                }
            }
        }
    }

    /// The tests that may ask for what a wide fixture or a cached function made: those that ran somebody who names it. `None`
    /// for all.
    fn askers(&self, unit: UnitId) -> Option<Bits> {
        let program = self.program();
        let own = &program.units[unit as usize];
        let module = &program.modules[own.module as usize];
        let unasked = module.hooks.contains(&unit) || !is_fixture(program, unit);
        if own.habits.wide && unasked {
            return self.scope(&module.path);
        }
        let named = Named::new(program, unit);
        let mut users = Bits::default();
        for (user, own) in program.units.iter().enumerate() {
            let user = user as UnitId;
            if own.is_value || runs_alone(program, user) || !named.plainly_by(user) {
                continue;
            }
            users.extend(&self.may_run(user));
        }
        Some(users)
    }

    /// The measured tests for which a runner calls what stands in this file; `None` for all.
    fn scope(&self, path: &RepoPath) -> Option<Bits> {
        let tests = self.evidence.tests.iter().enumerate();
        let own: Bits = tests
            .filter(|(_, (suite, _))| suite.file() == Some(path))
            .map(|(at, _)| at as u32)
            .collect();
        (!own.is_empty()).then_some(own)
    }

    /// Whether a function that takes nothing may run one of these, or make objects that these change.
    fn may_be_run_by(&self, unit: UnitId, felt: &BTreeSet<UnitId>) -> bool {
        if self.program().units[unit as usize].habits.apart {
            return felt.contains(&unit);
        }
        let Some(walk) = self.run_by(unit) else {
            return true;
        };
        felt.iter().any(|felt| {
            let class = self.program().units[*felt as usize].class;
            walk.contains(*felt) || class.is_some_and(|class| self.symbols().is_made(&walk, class))
        })
    }

    /// What a function that takes nothing may run; `None` where that cannot be told.
    fn run_by(&self, unit: UnitId) -> Option<Walk> {
        let symbols = self.symbols();
        let imported = self.imported.get_or_init(|| {
            let loaded = self.loaded();
            let mut modules = loaded
                .iter()
                .map(|at| &self.program().modules[*at as usize]);
            if modules.any(|module| module.opaque.is_some()) {
                return None;
            }
            let imported = symbols.walk(&loaded, &loaded, Units::default());
            Some(symbols.after(&imported))
        });
        let mut walk = imported.clone()?;
        symbols.extend(&mut walk, [unit]);
        Some(walk)
    }

    /// Adds the tests that may live on an object of a class, or on the class itself, which some of these left.
    pub(super) fn handed_on(&self, class: ClassId, tests: &mut Bits) {
        let keepers = self.keepers.get_or_init(|| self.find_keepers());
        let groups = self.groups.get_or_init(|| self.find_groups());
        loop {
            let before = tests.len();
            for keeper in keepers {
                if !keeper.tests.shares(tests) {
                    continue;
                }
                let holds = match &keeper.reach {
                    Reach::RunBy(unit) => {
                        let walk = self.run_by(*unit);
                        walk.is_none_or(|walk| self.symbols().is_made(&walk, class))
                    }
                    // an object is made by who names its class
                    Reach::These(units) => units.iter().any(|unit| self.makes(*unit, class)),
                    Reach::Anything => true,
                };
                if holds {
                    match &keeper.users {
                        Some(users) => tests.extend(users),
                        None => tests.extend(&self.everybody()),
                    }
                }
            }
            for group in groups {
                if group.shares(tests) {
                    tests.extend(group);
                }
            }
            if tests.len() == before {
                return;
            }
        }
    }

    /// The files that some measured test can load.
    fn loaded(&self) -> Vec<ModuleId> {
        let graph = self.finer.base.0;
        let suites: BTreeSet<&Suite> = self.evidence.tests.iter().map(|(suite, _)| suite).collect();
        let suites = suites
            .into_iter()
            .filter_map(|suite| graph.find(&Node::Test(suite.clone())));
        let closure = graph.closure_of(suites);
        let paths = closure
            .into_iter()
            .filter_map(|node| match graph.node(node) {
                Node::Path(path) => self.modules[0].get(path).copied(),
                _ => None,
            });
        paths.collect()
    }

    /// The tests that may read what was left under this name.
    pub(super) fn readers(&self, keeper: &ProgramUnit, left: Word) -> Bits {
        let mut readers = Bits::default();
        for unit in self.reading(keeper, left) {
            readers.extend(&self.may_run(unit));
        }
        readers
    }

    /// Whether nobody but a function itself reads what it leaves under a name.
    fn reads_alone(&self, unit: UnitId, left: Word) -> bool {
        let keeper = &self.program().units[unit as usize];
        self.reading(keeper, left).all(|reader| reader == unit)
    }

    /// The functions that may read what was left under this name.
    fn reading(&self, keeper: &ProgramUnit, left: Word) -> impl Iterator<Item = UnitId> {
        let program = self.program();
        let word = program.words[left as usize].as_str();
        let module = keeper.module;
        let names = move |used: &ProgramUse| match used {
            ProgramUse::Any(word)
            | ProgramUse::Of(_, word)
            | ProgramUse::Outside(word)
            | ProgramUse::Super(_, word) => *word == left,
            ProgramUse::Unit(unit) | ProgramUse::Call(unit) => {
                let used = &program.units[*unit as usize];
                used.is_value && used.name.rsplit('.').next() == Some(word)
            }
            ProgramUse::Name(of, word) => *of == module && *word == left,
            ProgramUse::Everything(of) | ProgramUse::Module(of) | ProgramUse::Star(of) => {
                *of == module
            }
            _ => false,
        };
        let units = program.units.iter().enumerate();
        let reading = units.filter(move |(unit, own)| {
            let reads = own.uses.iter().any(names)
                || own.words.contains(&left)
                || own.looks_up.contains(&left);
            !own.is_value && !runs_alone(program, *unit as UnitId) && reads
        });
        reading.map(|(unit, _)| unit as UnitId)
    }

    /// The files that some test was the first to import.
    fn imported_in_tests(&self) -> Vec<(ModuleId, Bits)> {
        let mut found = Vec::new();
        for (path, runs) in &self.evidence.files {
            let Some(&module) = self.modules[0].get(path) else {
                continue;
            };
            let first = runs.iter().filter_map(|(_, lines)| lines.first()).min();
            let Some(first) = first else { continue };
            let tests: Bits = runs
                .iter()
                .filter(|(_, lines)| lines.contains(first))
                .filter_map(|(test, _)| *test)
                .collect();
            if !tests.is_empty() {
                found.push((module, tests));
            }
        }
        found
    }

    /// Tests that use the same object of a test file.
    pub(super) fn find_groups(&self) -> Vec<Bits> {
        let mut found: HashMap<(ModuleId, Word), Bits> = HashMap::new();
        for (unit, own) in self.program().units.iter().enumerate() {
            if own.shares.is_empty() || runs_alone(self.program(), unit as UnitId) {
                continue;
            }
            let tests = self.may_run(unit as UnitId);
            for object in &own.shares {
                found.entry(*object).or_default().extend(&tests);
            }
        }
        found.into_values().collect()
    }
}
