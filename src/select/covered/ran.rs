//! Who ran what, and who may have.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::super::Finer;
use super::collected::Collected;
use super::lasting::Keeper;
use super::{Evidence, Reached};
use crate::graph::{Seed, Symbols, Walk};
use crate::model::{Bits, Habits, ModuleId, Node, Program, RepoPath, Suite, UnitId};

/// A measured program.
pub(super) struct Ran<'a> {
    pub(super) finer: &'a Finer<'a>,
    pub(super) evidence: &'a Evidence,
    pub(super) reached: &'a Reached,
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

/// The tests that ran something, or why that cannot be told.
pub(super) type Who = Result<Bits, String>;

impl<'a> Ran<'a> {
    pub(super) fn new(finer: &'a Finer<'a>, evidence: &'a Evidence, reached: &'a Reached) -> Self {
        let modules = [finer.base.1, finer.head.1].map(|program| {
            let all = program.modules.iter().enumerate();
            all.map(|(at, module)| (&module.path, at as ModuleId))
                .collect()
        });
        Self {
            finer,
            evidence,
            reached,
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
        self.evidence.ran(path, spans)
    }

    pub(super) fn who(&self, unit: UnitId) -> Who {
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
        let kinds = kinds.map(|(is, what)| (self.with(*is), *what));
        kinds.chain([(self.draw(), "draws at random")]).collect()
    }

    /// The tests that may do something else each time: they draw at random themselves, or what sets them up does. What is drawn in
    /// other code mostly gives a name to something.
    fn draw(&self) -> Bits {
        let program = self.program();
        let suites = self.evidence.tests.iter();
        let suites: BTreeSet<&RepoPath> = suites.filter_map(|(suite, _)| suite.file()).collect();
        let mut found = Bits::default();
        for (own, unit) in program.units.iter().zip(0..) {
            let path = &program.modules[own.module as usize].path;
            let of_tests = suites.contains(path) || path.file_name() == b"conftest.py";
            if own.habits.draws && of_tests {
                found.extend(&self.may_run(unit));
            }
        }
        found
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
        let mut suites: BTreeSet<&Suite> = BTreeSet::new();
        for node in reach.iter().flat_map(|reach| reach.iter()) {
            if let Node::Test(suite) = graph.node(node) {
                suites.insert(suite);
            }
        }
        let tests = self.evidence.tests.iter().enumerate();
        let tests = tests.filter(|(_, (suite, _))| suites.contains(suite));
        let found: Bits = tests.map(|(at, _)| at as u32).collect();
        self.loaders.borrow_mut().insert(module, found.clone());
        found
    }
}
