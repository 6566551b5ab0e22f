//! Who ran what, and who else may feel it.
//!
//! A function is felt by the tests that ran its body. What has no body of its own (a constant, a default, a docstring, a
//! new or lost definition) is felt by the tests that ran a function that names it. What several tests share needs more: a
//! test may live on what another one computed ([`Ran::shared`]).

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use super::{Evidence, Finer};
use crate::graph::{Symbols, Units, Walk};
use crate::model::{
    Bits, Habits, ModuleId, Program, ProgramUnit, ProgramUse, RepoPath, UnitId, Word,
};

/// A measured program.
pub(super) struct Ran<'a> {
    finer: &'a Finer<'a>,
    evidence: &'a Evidence,
    symbols: Symbols<'a>,
    modules: [HashMap<&'a RepoPath, ModuleId>; 2],
    keepers: OnceCell<Vec<Keeper>>,
    groups: OnceCell<Vec<Bits>>,
}

/// Code that runs in one test and lasts for others.
struct Keeper {
    /// What it is called.
    name: String,
    /// The tests in which it ran.
    tests: Bits,
    /// The tests that ask for what it made; `None` for all.
    users: Option<Bits>,
    /// What it can reach.
    reach: Walk,
}

/// The tests that ran something, or why that cannot be told.
type Who = Result<Bits, String>;

impl<'a> Ran<'a> {
    pub(super) fn new(finer: &'a Finer<'a>, evidence: &'a Evidence) -> Self {
        let modules = [finer.base.1, finer.head.1].map(|program| {
            let all = program.modules.iter().enumerate();
            all.map(|(at, module)| (&module.path, at as ModuleId))
                .collect()
        });
        Self {
            finer,
            evidence,
            symbols: Symbols::new(finer.base.1),
            modules,
            keepers: OnceCell::new(),
            groups: OnceCell::new(),
        }
    }

    fn program(&self) -> &'a Program {
        self.finer.base.1
    }

    /// Who ran a function's body; whether it also ran outside of tests.
    fn body(&self, unit: UnitId) -> Option<(Bits, bool)> {
        let own = &self.program().units[unit as usize];
        let path = &self.program().modules[own.module as usize].path;
        let (first, last) = own.body?;
        let mut found = (Bits::default(), false);
        for (test, lines) in self.evidence.files.get(path)? {
            if lines.meets(first..=last) {
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
        let path = &self.program().modules[own.module as usize].path;
        match self.body(unit) {
            Some((tests, false)) => Ok(tests),
            Some((_, true)) => Err("it also ran outside of any test".to_owned()),
            None if own.body.is_none() => Err("its body shares a line with its head".to_owned()),
            None => Err(format!("`{path}` was not measured")),
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
        kinds
            .iter()
            .map(|(is, what)| {
                let mut all = Bits::default();
                for (unit, own) in self.program().units.iter().enumerate() {
                    if is(&own.habits)
                        && let Some((tests, _)) = self.body(unit as UnitId)
                    {
                        all.extend(&tests);
                    }
                }
                (all, *what)
            })
            .collect()
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
    pub(super) fn reaches(
        &self,
        path: &RepoPath,
        both: &(Option<u32>, Option<u32>),
        docs: bool,
        head: bool,
    ) -> Who {
        let at = |side: usize, place: Option<u32>| {
            let module = self.modules[side].get(path)?;
            let program = [self.finer.base.1, self.finer.head.1][side];
            Some(program.modules[*module as usize].first + place?)
        };
        let (before, after) = (at(0, both.0), at(1, both.1));
        let mut felt: BTreeSet<UnitId> = BTreeSet::new();
        if docs {
            let own = [(self.finer.base.1, before), (self.finer.head.1, after)];
            let kept = own
                .iter()
                .any(|(program, unit)| unit.is_some_and(|unit| program.units[unit as usize].kept));
            if kept {
                return Err("a decorator may read its docstring".to_owned());
            }
            let units = self.program().units.iter().enumerate();
            felt.extend(
                units
                    .filter(|(_, own)| own.habits.reads_docs)
                    .map(|(unit, _)| unit as UnitId),
            );
            // at import nobody but a decorator can ask for it
            let mut all = Bits::default();
            for unit in &felt {
                if let Some((tests, _)) = self.body(*unit) {
                    all.extend(&tests);
                }
            }
            return Ok(all);
        }
        let is_function = |program: &Program, unit: UnitId| {
            let own = &program.units[unit as usize];
            !own.is_value && !runs_alone(program, unit)
        };
        let plain = match (before, after) {
            (Some(before), Some(_)) => {
                if self.program().modules[self.program().units[before as usize].module as usize]
                    .main
                    .contains(&before)
                    && !is_function(self.program(), before)
                {
                    // runs only where the file is the program: whoever starts programs stays anyway
                    return Ok(Bits::default());
                }
                !head && is_function(self.program(), before)
            }
            _ => false,
        };
        if let Some(before) = before.filter(|unit| is_function(self.program(), *unit)) {
            felt.insert(before);
        }
        if !plain {
            for (side, unit) in [(0, before), (1, after)] {
                if let Some(unit) = unit {
                    self.users(side, unit, &mut felt)?;
                }
            }
        }
        let mut tests = Bits::default();
        for &unit in &felt {
            tests.extend(&self.who(unit)?);
        }
        self.shared(&felt, &mut tests)?;
        Ok(tests)
    }

    /// The functions of the measured program that name a definition, directly or through constants.
    fn users(&self, side: usize, unit: UnitId, felt: &mut BTreeSet<UnitId>) -> Result<(), String> {
        let program = [self.finer.base.1, self.finer.head.1][side];
        let mut next = vec![unit];
        let mut seen = BTreeSet::from([unit]);
        while let Some(unit) = next.pop() {
            let named = Named::new(program, unit);
            if let Some(why) = named.unseen() {
                return Err(why.to_owned());
            }
            for (user, own) in program.units.iter().enumerate() {
                let user = user as UnitId;
                if !named.by(user) || !seen.insert(user) {
                    continue;
                }
                if program.modules[own.module as usize].runs.contains(&user) {
                    let path = &program.modules[own.module as usize].path;
                    return Err(format!("`{path}` uses it on import"));
                }
                if own.is_value {
                    next.push(user);
                    continue;
                }
                match side {
                    0 => felt.extend([user]),
                    // one that is new is itself among the changes
                    _ => felt.extend(self.before(user)),
                }
            }
        }
        Ok(())
    }

    /// The unit of the measured program that has the name of one of the head's.
    fn before(&self, unit: UnitId) -> Option<UnitId> {
        let own = &self.finer.head.1.units[unit as usize];
        let path = &self.finer.head.1.modules[own.module as usize].path;
        let module = *self.modules[0].get(path)?;
        let mut units = units_of(self.program(), module);
        units.find(|unit| self.program().units[*unit as usize].name == own.name)
    }

    /// Adds the tests that may live on what others computed with these functions.
    ///
    /// Three things last: what is made while a file is imported, where a test was the first to import it; what wide
    /// fixtures, caches and assignments to modules and classes leave behind; and the objects that a test file makes when it is
    /// loaded, with all that they remember.
    fn shared(&self, felt: &BTreeSet<UnitId>, tests: &mut Bits) -> Result<(), String> {
        if tests.is_empty() {
            return Ok(());
        }
        let direct = tests.clone();
        for keeper in self.keepers.get_or_init(|| self.find_keepers()) {
            if !keeper.tests.shares(&direct)
                || !felt.iter().any(|unit| keeper.reach.contains(*unit))
            {
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

    fn find_keepers(&self) -> Vec<Keeper> {
        let program = self.program();
        let all: Vec<ModuleId> = (0..program.modules.len() as ModuleId).collect();
        let start = self.symbols.walk(&all, &[], Units::default());
        let mut found = Vec::new();
        for (unit, own) in program.units.iter().enumerate() {
            let unit = unit as UnitId;
            if !(own.habits.cached || own.habits.wide || !own.leaves.is_empty()) {
                continue;
            }
            let Some((tests, _)) = self.body(unit) else {
                continue;
            };
            if tests.is_empty() {
                continue;
            }
            let mut reach = start.clone();
            if let Some(class) = own.class {
                self.symbols.instantiate(&mut reach, class);
            }
            self.symbols.extend(&mut reach, [unit]);
            found.push(Keeper {
                name: format!(
                    "{}:{} {}",
                    program.modules[own.module as usize].path, own.lines.0, own.name
                ),
                users: self.askers(unit, &tests),
                tests,
                reach,
            });
        }
        for (module, tests) in self.imported_in_tests() {
            let mut reach = start.clone();
            let runs = program.modules[module as usize].runs.iter().copied();
            self.symbols.extend(&mut reach, runs);
            found.push(Keeper {
                name: format!("the import of {}", program.modules[module as usize].path),
                tests,
                users: None,
                reach,
            });
        }
        found
    }

    /// The tests that may live on what a keeper made: those that ran it, or somebody who names it where its call is not
    /// seen to run it, or who reads where it left something. `None` for all.
    fn askers(&self, unit: UnitId, ran: &Bits) -> Option<Bits> {
        let program = self.program();
        let own = &program.units[unit as usize];
        let module = &program.modules[own.module as usize];
        let fixture = is_fixture(program, unit);
        if own.habits.wide && (!fixture || module.hooks.contains(&unit)) {
            return self.scope(&module.path);
        }
        let mut users = ran.clone();
        if own.habits.wide || own.habits.cached {
            let mut felt = BTreeSet::new();
            self.users(0, unit, &mut felt).ok()?;
            for user in felt {
                users.extend(&self.who(user).ok()?);
            }
        }
        if !own.leaves.is_empty() {
            for reader in self.readers(own) {
                match self.body(reader) {
                    Some((tests, _)) => users.extend(&tests),
                    // on one line with its head, so that nobody knows who called it
                    None => return None,
                }
            }
        }
        Some(users)
    }

    /// The measured tests for which a runner calls what stands in this file; `None` for all.
    fn scope(&self, path: &RepoPath) -> Option<Bits> {
        let tests = self.evidence.tests.iter().enumerate();
        let own: Bits = tests
            .filter(|(_, (file, _))| file == path)
            .map(|(at, _)| at as u32)
            .collect();
        (!own.is_empty()).then_some(own)
    }

    /// The functions that may read where a keeper left something.
    fn readers<'b>(&'b self, keeper: &'b ProgramUnit) -> impl Iterator<Item = UnitId> + 'b {
        let program = self.program();
        let left = move |word: &Word| keeper.leaves.contains(word);
        let names = move |used: &ProgramUse| match used {
            ProgramUse::Any(word)
            | ProgramUse::Of(_, word)
            | ProgramUse::Outside(word)
            | ProgramUse::Super(_, word) => left(word),
            ProgramUse::Unit(unit) | ProgramUse::Call(unit) => {
                let used = &program.units[*unit as usize];
                let last = used.name.rsplit('.').next().unwrap_or_default();
                used.is_value
                    && keeper
                        .leaves
                        .iter()
                        .any(|word| program.words[*word as usize] == last)
                    || used.module == keeper.module && runs_alone(program, *unit)
            }
            ProgramUse::Everything(module) => *module == keeper.module,
            _ => false,
        };
        let units = program.units.iter().enumerate();
        units
            .filter(move |(unit, own)| {
                !own.is_value
                    && !runs_alone(program, *unit as UnitId)
                    && (own.uses.iter().any(names) || own.words.iter().any(left))
            })
            .map(|(unit, _)| unit as UnitId)
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

    /// Tests that use the same objects of a test file.
    fn find_groups(&self) -> Vec<Bits> {
        let program = self.program();
        let mut found: HashMap<ModuleId, Bits> = HashMap::new();
        let suites: BTreeSet<&RepoPath> =
            self.evidence.tests.iter().map(|(path, _)| path).collect();
        for (unit, own) in program.units.iter().enumerate() {
            if own.is_value || runs_alone(program, unit as UnitId) {
                continue;
            }
            for used in &own.uses {
                let (ProgramUse::Unit(used) | ProgramUse::Call(used)) = used else {
                    continue;
                };
                let module = program.units[*used as usize].module;
                let path = &program.modules[module as usize].path;
                if program.modules[module as usize].runs.contains(used)
                    && suites.contains(path)
                    && let Some((tests, _)) = self.body(unit as UnitId)
                {
                    found.entry(module).or_default().extend(&tests);
                }
            }
        }
        found.into_values().collect()
    }
}

fn units_of(program: &Program, module: ModuleId) -> std::ops::Range<UnitId> {
    let first = program.modules[module as usize].first;
    let next = program.modules.get(module as usize + 1);
    first..next.map_or(program.units.len() as UnitId, |module| module.first)
}

/// Whether a unit is no function and no value: it runs on import, or as a program.
fn runs_alone(program: &Program, unit: UnitId) -> bool {
    let own = &program.units[unit as usize];
    own.body.is_none() && {
        let module = &program.modules[own.module as usize];
        module.runs.contains(&unit) || own.name == "__main__"
    }
}

fn is_fixture(program: &Program, unit: UnitId) -> bool {
    program.fixtures.values().any(|units| units.contains(&unit))
}

/// The names of a definition.
struct Named<'a> {
    program: &'a Program,
    unit: UnitId,
    words: BTreeSet<Word>,
    /// Modules that give it by a name.
    modules: BTreeSet<ModuleId>,
    fixture: BTreeSet<Word>,
    computed: bool,
}

impl<'a> Named<'a> {
    fn new(program: &'a Program, unit: UnitId) -> Self {
        let own = &program.units[unit as usize];
        let last = own.name.rsplit('.').next().unwrap_or_default();
        let named = program.words.iter().position(|word| word == last);
        let mut words: BTreeSet<Word> = named.into_iter().map(|word| word as Word).collect();
        let mut modules = BTreeSet::new();
        for (at, module) in program.modules.iter().enumerate() {
            for (word, uses) in &module.members {
                if uses.contains(&ProgramUse::Unit(unit)) {
                    words.insert(*word);
                    modules.insert(at as ModuleId);
                }
            }
        }
        for class in &program.classes {
            let members = class.members.iter();
            words.extend(
                members
                    .filter(|(_, units)| units.contains(&unit))
                    .map(|(word, _)| *word),
            );
        }
        let fixture = program.fixtures.iter();
        let fixture = fixture.filter(|(_, units)| units.contains(&unit));
        Self {
            program,
            unit,
            words,
            modules,
            fixture: fixture.map(|(word, _)| *word).collect(),
            computed: program.units.iter().any(|unit| unit.habits.computes_names),
        }
    }

    /// Why somebody who cannot be seen may use it.
    fn unseen(&self) -> Option<&'static str> {
        let own = &self.program.units[self.unit as usize];
        let last = own.name.rsplit('.').next().unwrap_or_default();
        let class = own.class.map(|class| &self.program.classes[class as usize]);
        if last.starts_with("__") && last.ends_with("__") && !own.name.is_empty() {
            return Some("Python itself uses it");
        }
        if own.kept {
            return Some("a decorator may keep it");
        }
        if self.program.modules[own.module as usize]
            .hooks
            .contains(&self.unit)
        {
            return Some("the runner calls it unasked");
        }
        if class.is_some_and(|class| class.open || class.outside || class.made) {
            return Some("its class is used by somebody outside");
        }
        None
    }

    /// Whether a unit names it.
    fn by(&self, user: UnitId) -> bool {
        let own = &self.program.units[user as usize];
        let of_class = self.program.units[self.unit as usize].class.is_some();
        if user == self.unit {
            return false;
        }
        own.habits.reflects
            || own.habits.any_fixture && !self.fixture.is_empty()
            || self.computed && own.words.iter().any(|word| self.written(*word))
            || own.uses.iter().any(|used| match used {
                ProgramUse::Unit(unit) | ProgramUse::Call(unit) => *unit == self.unit,
                ProgramUse::Any(word)
                | ProgramUse::Of(_, word)
                | ProgramUse::Outside(word)
                | ProgramUse::Super(_, word) => self.words.contains(word),
                ProgramUse::All(_) => of_class,
                ProgramUse::Everything(module) => self.modules.contains(module),
                ProgramUse::Prefix(word) => self.begins(*word),
                ProgramUse::Fixture(word) => self.fixture.contains(word),
                ProgramUse::Class(_) | ProgramUse::Module(_) => false,
            })
    }

    fn written(&self, word: Word) -> bool {
        let text = &self.program.words[word as usize];
        let part = text.len() > 2 && (text.ends_with('_') || text.starts_with('_'));
        self.words.contains(&word) || part && self.begins(word)
    }

    fn begins(&self, affix: Word) -> bool {
        let affix = self.program.words[affix as usize].as_str();
        self.words.iter().any(|word| {
            let name = self.program.words[*word as usize].as_str();
            name.starts_with(affix) || affix.starts_with('_') && name.ends_with(affix)
        })
    }
}
