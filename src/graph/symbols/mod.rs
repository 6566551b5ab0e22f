//! The finer layer: which definitions a test can reach, by names.
//!
//! A walk starts at what runs on import in every file that the test can load, and at the test itself. Code that is
//! reached brings what it names. Where the object behind a dot is not known, a name reaches every member so called of
//! the classes of which reached code can have instances (rapid type analysis: Bacon and Sweeney, OOPSLA 1996), so the
//! answer is too large rather than too small.

mod affixes;
mod imports;
mod outside;
mod steps;

use std::cell::OnceCell;

use fixedbitset::FixedBitSet;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{ClassId, Habits, ModuleId, Program, UnitId, Word};
pub use affixes::{fits, is_affix};
use outside::asked_outside;

/// A program with what walks ask for again and again.
#[derive(Debug)]
pub struct Symbols<'p> {
    program: &'p Program,
    /// All bases of each class, itself first.
    family: Vec<Vec<ClassId>>,
    /// All heirs of each class.
    heirs: Vec<Vec<ClassId>>,
    /// The names of all members, once somebody asks for parts of names.
    names: OnceCell<affixes::Names>,
    /// The classes that define a name.
    definers: FxHashMap<Word, Vec<ClassId>>,
    /// Names of members that code from outside asks for: those that no code of the program does, and those of files and
    /// other things that are passed around everywhere.
    asked_outside: FxHashSet<Word>,
    /// What a module answers with to names that it does not have.
    unasked: FxHashSet<Word>,
    /// Files by what may be a part of the name that they are imported by.
    called: FxHashMap<Word, Vec<ModuleId>>,
    /// By what runs on import, the classes of the file that somebody is told of when they are made.
    told: FxHashMap<UnitId, Vec<ClassId>>,
}

/// A set of units.
#[derive(Clone, Debug, Default)]
pub struct Units(FixedBitSet);

impl Units {
    /// Adds a unit.
    pub fn insert(&mut self, unit: UnitId) {
        self.0.grow(unit as usize + 1);
        self.0.insert(unit as usize);
    }

    /// Takes a unit away.
    pub fn remove(&mut self, unit: UnitId) {
        self.0.set(unit as usize, false);
    }

    /// Whether a unit is among them.
    pub fn contains(&self, unit: UnitId) -> bool {
        self.0.contains(unit as usize)
    }
}

/// What has been reached so far. A copy can be walked on.
#[derive(Clone, Debug)]
pub struct Walk {
    allowed: FixedBitSet,
    /// Units that are known not to run.
    barred: Units,
    units: FixedBitSet,
    classes: FixedBitSet,
    /// Classes of which any name may be asked for.
    whole: FixedBitSet,
    /// Classes and their bases.
    live: FixedBitSet,
    modules: FixedBitSet,
    /// Classes that were used as values.
    types: FixedBitSet,
    /// Files of which reached code asks for their own name.
    itself: FixedBitSet,
    any: FxHashSet<Word>,
    outside: FxHashSet<Word>,
    of: FxHashMap<Word, Vec<ClassId>>,
    next: FxHashMap<Word, Vec<ClassId>>,
    /// Beginnings and ends of names.
    affixes: Vec<Word>,
    habits: Habits,
    /// Something unknown was given to code from outside.
    lent: bool,
    /// What classes and modules hold that are handed on is looked at.
    held: bool,
    /// Functions that were used as values.
    given: FxHashSet<UnitId>,
    queue: Vec<UnitId>,
    via: FxHashMap<UnitId, UnitId>,
    /// Names of modules that were asked for, each with a unit that does.
    asked: FxHashMap<(ModuleId, Word), UnitId>,
    /// Modules of which all names were taken, each with a unit that does.
    stars: FxHashMap<ModuleId, UnitId>,
    /// Modules of which any name may be asked for, each with a unit that does.
    every: FxHashMap<ModuleId, UnitId>,
    /// Tests, which nobody calls but the runner.
    tests: Units,
}

impl<'p> Symbols<'p> {
    /// Cost: one pass over the classes and their members.
    pub fn new(program: &'p Program) -> Self {
        let count = program.classes.len();
        let follow = |start: ClassId, up: bool| {
            let mut found = vec![start];
            let mut at = 0;
            while let Some(&class) = found.get(at) {
                let class = &program.classes[class as usize];
                for &next in if up { &class.bases } else { &class.heirs } {
                    if !found.contains(&next) {
                        found.push(next);
                    }
                }
                at += 1;
            }
            found
        };
        let mut definers: FxHashMap<Word, Vec<ClassId>> = FxHashMap::default();
        for (id, class) in program.classes.iter().enumerate() {
            for word in class.members.keys() {
                definers.entry(*word).or_default().push(id as ClassId);
            }
        }
        let asked_outside = asked_outside(program, &definers);
        let mut told: FxHashMap<UnitId, Vec<ClassId>> = FxHashMap::default();
        for (id, class) in program.classes.iter().enumerate() {
            let runs = program.modules[class.module as usize].runs.first();
            if let Some(&run) = runs.filter(|_| class.told) {
                told.entry(run).or_default().push(id as ClassId);
            }
        }
        let words = program.words.iter().zip(0..);
        let unasked = words.filter(|(text, _)| matches!(text.as_str(), "__getattr__" | "__dir__"));
        let mut called: FxHashMap<Word, Vec<ModuleId>> = FxHashMap::default();
        for (module, own) in program.modules.iter().enumerate() {
            for word in &own.called {
                called.entry(*word).or_default().push(module as ModuleId);
            }
        }
        Self {
            program,
            names: OnceCell::new(),
            called,
            unasked: unasked.map(|(_, word)| word).collect(),
            asked_outside,
            told,
            family: (0..count as ClassId)
                .map(|class| follow(class, true))
                .collect(),
            heirs: (0..count as ClassId)
                .map(|class| follow(class, false))
                .collect(),
            definers,
        }
    }

    /// The program.
    pub fn program(&self) -> &'p Program {
        self.program
    }

    /// A walk among these modules, of which the `roots` are imported. `tests` are not called by anybody.
    ///
    /// Cost: linear in what is reached and its uses, times the namesakes of a name.
    pub fn walk(&self, modules: &[ModuleId], roots: &[ModuleId], tests: Units) -> Walk {
        self.walk_without(modules, roots, tests, Units::default())
    }

    /// The same, where some units are known not to run.
    pub fn walk_without(
        &self,
        modules: &[ModuleId],
        roots: &[ModuleId],
        tests: Units,
        barred: Units,
    ) -> Walk {
        let (units, classes) = (self.program.units.len(), self.program.classes.len());
        let mut walk = Walk {
            allowed: FixedBitSet::with_capacity(self.program.modules.len()),
            barred,
            units: FixedBitSet::with_capacity(units),
            classes: FixedBitSet::with_capacity(classes),
            whole: FixedBitSet::with_capacity(classes),
            live: FixedBitSet::with_capacity(classes),
            modules: FixedBitSet::with_capacity(self.program.modules.len()),
            types: FixedBitSet::with_capacity(classes),
            itself: FixedBitSet::with_capacity(self.program.modules.len()),
            any: FxHashSet::default(),
            outside: FxHashSet::default(),
            of: FxHashMap::default(),
            next: FxHashMap::default(),
            affixes: Vec::new(),
            habits: Habits::default(),
            lent: false,
            held: false,
            given: FxHashSet::default(),
            queue: Vec::new(),
            via: FxHashMap::default(),
            asked: FxHashMap::default(),
            stars: FxHashMap::default(),
            every: FxHashMap::default(),
            tests,
        };
        modules
            .iter()
            .for_each(|module| walk.allowed.insert(*module as usize));
        for module in roots {
            for &unit in &self.program.modules[*module as usize].runs {
                self.reach(&mut walk, unit, None);
            }
        }
        self.run(&mut walk);
        walk
    }

    /// What runs after an import: knows the objects that `imported` made and the functions that it gave away, but not the
    /// names that it asked for. Begins with what a runner calls unasked.
    pub fn after(&self, imported: &Walk) -> Walk {
        self.after_without(imported, imported.barred.clone())
    }

    /// The same, where other units are known not to run.
    pub fn after_without(&self, imported: &Walk, barred: Units) -> Walk {
        let mut walk = self.walk(&[], &[], imported.tests.clone());
        walk.allowed = imported.allowed.clone();
        walk.barred = barred;
        for class in imported.classes.ones() {
            self.alive(&mut walk, class as ClassId, None);
        }
        walk.types = imported.types.clone();
        walk.itself = imported.itself.clone();
        for module in imported.modules.ones() {
            self.module(&mut walk, module as ModuleId, None);
        }
        for &unit in &imported.given {
            self.reach(&mut walk, unit, None);
        }
        for module in walk.allowed.ones().collect::<Vec<_>>() {
            for &unit in &self.program.modules[module].hooks {
                self.reach(&mut walk, unit, None);
            }
        }
        self.run(&mut walk);
        walk
    }

    /// Goes on from these units.
    pub fn extend(&self, walk: &mut Walk, units: impl IntoIterator<Item = UnitId>) {
        for unit in units {
            self.reach(walk, unit, None);
        }
        self.run(walk);
    }

    /// Goes on from these units, where others than before are known not to run.
    pub fn extend_without(
        &self,
        walk: &mut Walk,
        units: impl IntoIterator<Item = UnitId>,
        barred: Units,
    ) {
        walk.barred = barred;
        self.extend(walk, units);
    }

    /// Goes on as if instances of this class were made.
    pub fn instantiate(&self, walk: &mut Walk, class: ClassId) {
        self.alive(walk, class, None);
        self.run(walk);
    }

    /// Whether instances of a class, or of an heir of it, may have been made.
    pub fn is_made(&self, walk: &Walk, class: ClassId) -> bool {
        let mut heirs = self.heirs(class).iter();
        heirs.any(|heir| walk.makes(*heir))
    }

    /// Whether code from outside may ask an object for a name.
    pub fn is_asked_outside(&self, word: Word) -> bool {
        self.asked_outside.contains(&word)
    }

    /// A class with all that it extends.
    pub fn family(&self, class: ClassId) -> &[ClassId] {
        &self.family[class as usize]
    }

    /// A class with all that extends it.
    pub fn heirs(&self, class: ClassId) -> &[ClassId] {
        &self.heirs[class as usize]
    }

    /// The classes of which instances cannot be made unless this member is defined, or could not if it were.
    pub fn held_up_by(&self, unit: UnitId) -> Vec<ClassId> {
        let own = &self.program.units[unit as usize];
        let Some(class) = own.class else {
            return Vec::new();
        };
        let members = &self.program.classes[class as usize].members;
        let words = members.iter().filter(|(_, units)| units.contains(&unit));
        let words: Vec<Word> = words.map(|(word, _)| *word).collect();
        let waits = |heir: &&ClassId| {
            let mut family = self.family[**heir as usize].iter();
            family.any(|base| {
                let abstracts = &self.program.classes[*base as usize].abstracts;
                abstracts.iter().any(|word| words.contains(word))
            })
        };
        let heirs = self.heirs[class as usize].iter();
        heirs.filter(waits).copied().collect()
    }

    /// A reached unit that asks a module for a name, whether it has it or not.
    pub fn asked(&self, walk: &Walk, module: ModuleId, word: Word) -> Option<UnitId> {
        let name = &self.program.words[word as usize];
        let star = walk.stars.get(&module).filter(|_| !name.starts_with('_'));
        let found = walk.asked.get(&(module, word)).or(star);
        let found = found.or_else(|| walk.every.get(&module)).copied();
        found.or_else(|| {
            // handed on as an object, and asked for a name by somebody who does not know what it is
            let blind = walk.habits.reflects
                || walk.held
                || walk.any.contains(&word)
                || walk.affixes.iter().any(|affix| self.fits(word, *affix));
            let handed = blind && walk.modules.contains(module as usize);
            handed.then(|| self.program.modules[module as usize].first)
        })
    }
}

impl Walk {
    /// Whether a unit is reached.
    pub fn contains(&self, unit: UnitId) -> bool {
        self.units.contains(unit as usize)
    }

    /// The classes that are used as values, or of which instances may be made.
    pub fn made(&self) -> impl Iterator<Item = ClassId> {
        self.classes.ones().map(|class| class as ClassId)
    }

    /// Whether instances of a class may be made.
    pub fn makes(&self, class: ClassId) -> bool {
        self.classes.contains(class as usize)
    }

    /// The first of these units that is reached.
    pub fn first_of(&self, units: &[UnitId]) -> Option<UnitId> {
        units.iter().copied().find(|unit| self.contains(*unit))
    }

    /// Whether something that is reached reads sources.
    pub fn reads_sources(&self) -> bool {
        self.habits.reads_sources
    }

    /// Whether something that is reached reads docstrings or sources.
    pub fn reads_docs(&self) -> bool {
        self.habits.reads_docs
    }

    /// The units by which one was reached, from where the walk began.
    pub fn chain(&self, unit: UnitId) -> Vec<UnitId> {
        let mut chain = vec![unit];
        let mut at = unit;
        while let Some(&from) = self.via.get(&at) {
            chain.push(from);
            at = from;
        }
        chain.reverse();
        chain
    }
}
