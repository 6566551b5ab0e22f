//! The steps of a walk: what each use of reached code leads to.

use rustc_hash::FxHashMap;

use crate::model::{ClassId, Habits, ModuleId, ProgramUse, UnitId, Word};

use super::outside::{is_implicit, is_mapping};
use super::{Symbols, Walk};

impl Symbols<'_> {
    pub(super) fn run(&self, walk: &mut Walk) {
        while let Some(unit) = walk.queue.pop() {
            let from = Some(unit);
            let own = &self.program.units[unit as usize];
            self.habits(walk, own.habits, from);
            if walk.habits.computes_names {
                for &word in own.words.iter().chain(&own.keywords) {
                    self.written(walk, word, from);
                }
            }
            self.imported_by(walk, unit);
            for used in &own.uses {
                self.follow(walk, *used, from);
            }
            for &class in self.told.get(&unit).into_iter().flatten() {
                self.alive(walk, class, from);
            }
        }
    }

    fn follow(&self, walk: &mut Walk, used: ProgramUse, from: Option<UnitId>) {
        match used {
            ProgramUse::Unit(unit) => {
                walk.given.insert(unit);
                self.reach(walk, unit, from);
            }
            ProgramUse::Call(unit) => self.reach(walk, unit, from),
            ProgramUse::Class(class) => self.alive(walk, class, from),
            ProgramUse::Type(class) => {
                self.alive(walk, class, from);
                if walk
                    .allowed
                    .contains(self.program.classes[class as usize].module as usize)
                    && !walk.types.put(class as usize)
                    && walk.held
                {
                    self.follow(walk, ProgramUse::All(class), from);
                }
            }
            ProgramUse::Itself(module) => {
                walk.itself.insert(module as usize);
                if walk.habits.imports {
                    self.module(walk, module, from);
                }
            }
            ProgramUse::Held => {
                if std::mem::replace(&mut walk.held, true) {
                    return;
                }
                for class in walk.types.ones().collect::<Vec<_>>() {
                    self.follow(walk, ProgramUse::All(class as ClassId), from);
                }
                for module in walk.modules.ones().collect::<Vec<_>>() {
                    self.follow(walk, ProgramUse::Everything(module as ModuleId), from);
                }
            }
            ProgramUse::Module(module) => self.module(walk, module, from),
            ProgramUse::Any(word) => self.any(walk, word, from),
            ProgramUse::Of(class, word) => {
                let asked = walk.of.entry(word).or_default();
                if asked.contains(&class) {
                    return;
                }
                asked.push(class);
                self.nearest(walk, class, word, from);
                for &heir in &self.heirs[class as usize] {
                    if walk.classes.contains(heir as usize) {
                        self.nearest(walk, heir, word, from);
                    }
                }
            }
            ProgramUse::Super(class, word) => {
                let asked = walk.next.entry(word).or_default();
                if asked.contains(&class) {
                    return;
                }
                asked.push(class);
                for &base in &self.program.classes[class as usize].bases {
                    self.nearest(walk, base, word, from);
                }
                for &heir in &self.heirs[class as usize] {
                    if walk.classes.contains(heir as usize) {
                        self.whole_family(walk, heir, word, from);
                    }
                }
            }
            ProgramUse::Outside(word) => {
                if !walk.outside.insert(word) {
                    return;
                }
                for class in walk.classes.ones().collect::<Vec<_>>() {
                    if self.program.classes[class].outside {
                        self.whole_family(walk, class as ClassId, word, from);
                    }
                }
            }
            ProgramUse::All(class) | ProgramUse::Lends(class) => {
                if walk.whole.put(class as usize) {
                    return;
                }
                let heirs = self.heirs[class as usize].iter().copied();
                let heirs =
                    heirs.filter(|heir| *heir == class || walk.classes.contains(*heir as usize));
                for heir in heirs.collect::<Vec<_>>() {
                    for &base in &self.family[heir as usize] {
                        for &unit in self.program.classes[base as usize]
                            .members
                            .values()
                            .flatten()
                        {
                            self.reach(walk, unit, from);
                        }
                    }
                }
            }
            ProgramUse::Everything(module) => {
                if let Some(from) = from {
                    walk.every.entry(module).or_insert(from);
                }
                for used in self.program.modules[module as usize]
                    .members
                    .values()
                    .flatten()
                {
                    if !matches!(used, ProgramUse::Module(_)) {
                        self.follow(walk, *used, from);
                    }
                }
            }
            ProgramUse::Name(module, word) => {
                if let Some(from) = from {
                    walk.asked.entry((module, word)).or_insert(from);
                }
            }
            ProgramUse::Star(module) => {
                if let Some(from) = from {
                    walk.stars.entry(module).or_insert(from);
                }
            }
            ProgramUse::Lent => {
                if std::mem::replace(&mut walk.lent, true) {
                    return;
                }
                for class in walk.live.ones().collect::<Vec<_>>() {
                    for (word, units) in &self.program.classes[class].members {
                        if self.asked_outside.contains(word) {
                            self.reach_all(walk, units, from);
                        }
                    }
                }
            }
            ProgramUse::Prefix(word) => self.affix(walk, word, from),
            ProgramUse::Fixture(word) => {
                for &unit in self.program.fixtures.get(&word).into_iter().flatten() {
                    self.reach(walk, unit, from);
                }
            }
        }
    }

    pub(super) fn reach(&self, walk: &mut Walk, unit: UnitId, from: Option<UnitId>) {
        let module = self.program.units[unit as usize].module;
        if !walk.allowed.contains(module as usize)
            || walk.barred.contains(unit)
            || walk.units.put(unit as usize)
        {
            return;
        }
        if let Some(from) = from {
            walk.via.insert(unit, from);
        }
        walk.queue.push(unit);
    }

    /// Reaches units that nobody but a runner may call by name.
    fn reach_all(&self, walk: &mut Walk, units: &[UnitId], from: Option<UnitId>) {
        for &unit in units {
            if !walk.tests.contains(unit) {
                self.reach(walk, unit, from);
            }
        }
    }

    fn members(&self, walk: &mut Walk, class: ClassId, word: Word, from: Option<UnitId>) -> bool {
        let found = self.program.classes[class as usize].members.get(&word);
        for &unit in found.into_iter().flatten() {
            self.reach(walk, unit, from);
        }
        found.is_some()
    }

    /// What an instance of this class answers to the name with.
    fn nearest(&self, walk: &mut Walk, class: ClassId, word: Word, from: Option<UnitId>) {
        let mut seen = Vec::new();
        let mut next = vec![class];
        while let Some(class) = next.pop() {
            if seen.contains(&class) {
                continue;
            }
            seen.push(class);
            if !self.members(walk, class, word, from) {
                next.extend(&self.program.classes[class as usize].bases);
            }
        }
    }

    fn whole_family(&self, walk: &mut Walk, class: ClassId, word: Word, from: Option<UnitId>) {
        for &base in &self.family[class as usize] {
            self.members(walk, base, word, from);
        }
    }

    pub(super) fn any(&self, walk: &mut Walk, word: Word, from: Option<UnitId>) {
        if !walk.any.insert(word) {
            return;
        }
        for &class in self.definers.get(&word).into_iter().flatten() {
            if walk.live.contains(class as usize) {
                self.members(walk, class, word, from);
            }
        }
        for module in walk.modules.ones().collect::<Vec<_>>() {
            for used in self.program.modules[module]
                .members
                .get(&word)
                .into_iter()
                .flatten()
            {
                self.follow(walk, *used, from);
            }
        }
    }

    pub(super) fn alive(&self, walk: &mut Walk, class: ClassId, from: Option<UnitId>) {
        let own = &self.program.classes[class as usize];
        if !walk.allowed.contains(own.module as usize) || walk.classes.put(class as usize) {
            return;
        }
        let whole = self.family[class as usize]
            .iter()
            .any(|base| walk.whole.contains(*base as usize));
        for &base in &self.family[class as usize] {
            let fresh = !walk.live.put(base as usize);
            if let Some(head) = self.program.classes[base as usize].head {
                self.reach(walk, head, from);
            }
            for (&word, units) in &self.program.classes[base as usize].members {
                let text = self.program.words[word as usize].as_str();
                let unpacked = text == "keys" && is_mapping(self.program, base);
                let named = fresh
                    && (is_implicit(text)
                        || unpacked
                        || walk.any.contains(&word)
                        || walk.habits.reflects);
                let lent = walk.lent && self.asked_outside.contains(&word);
                let called =
                    own.open || whole || lent || (own.outside && walk.outside.contains(&word));
                if named || called {
                    self.reach_all(walk, units, from);
                }
                let asked = |by: &FxHashMap<Word, Vec<ClassId>>| {
                    by.get(&word).is_some_and(|all| {
                        all.iter()
                            .any(|of| self.family[class as usize].contains(of))
                    })
                };
                if asked(&walk.of) {
                    self.nearest(walk, class, word, from);
                }
                if asked(&walk.next) {
                    self.whole_family(walk, class, word, from);
                }
            }
        }
    }

    pub(super) fn module(&self, walk: &mut Walk, module: ModuleId, from: Option<UnitId>) {
        if !walk.allowed.contains(module as usize) || walk.modules.put(module as usize) {
            return;
        }
        if walk.held {
            self.follow(walk, ProgramUse::Everything(module), from);
        }
        let reflects = walk.habits.reflects;
        for (word, uses) in &self.program.modules[module as usize].members {
            if reflects || self.unasked.contains(word) || walk.any.contains(word) {
                for used in uses {
                    self.follow(walk, *used, from);
                }
            }
        }
    }

    fn habits(&self, walk: &mut Walk, habits: Habits, from: Option<UnitId>) {
        let had = walk.habits;
        walk.habits.reads_docs |= habits.reads_docs;
        walk.habits.reads_sources |= habits.reads_sources;
        if habits.computes_names && !had.computes_names {
            walk.habits.computes_names = true;
            if self.program.names_all {
                let all = Habits {
                    reflects: true,
                    ..Habits::default()
                };
                self.habits(walk, all, from);
            }
            for &word in &self.program.named {
                self.written(walk, word, from);
            }
            for unit in walk.units.ones().collect::<Vec<_>>() {
                let own = &self.program.units[unit];
                for &word in own.words.iter().chain(&own.keywords) {
                    self.written(walk, word, from);
                }
            }
        }
        self.imports(walk, habits, from);
        if habits.spawns && !had.spawns {
            walk.habits.spawns = true;
            for module in walk.allowed.ones().collect::<Vec<_>>() {
                for &unit in &self.program.modules[module].main {
                    self.reach(walk, unit, from);
                }
            }
        }
        if habits.any_fixture && !had.any_fixture {
            walk.habits.any_fixture = true;
            for &unit in self.program.fixtures.values().flatten() {
                self.reach(walk, unit, from);
            }
        }
        if habits.reflects && !had.reflects {
            walk.habits.reflects = true;
            for class in walk.live.ones().collect::<Vec<_>>() {
                for &unit in self.program.classes[class].members.values().flatten() {
                    self.reach(walk, unit, from);
                }
            }
            for module in walk.modules.ones().collect::<Vec<_>>() {
                for used in self.program.modules[module].members.values().flatten() {
                    self.follow(walk, *used, from);
                }
            }
        }
    }
}
