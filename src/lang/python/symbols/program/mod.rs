//! Files put together: what each unit uses, as units, classes and names of the whole program.

mod bases;
mod giving;
mod misfits;
mod modules;
mod shared;
mod uses;

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::diff::is_of_python;
use super::values::{Progress, Value};
use super::{
    ABSTRACT, ANY_FIXTURE, Bound, CACHED, DECORATED, DYNAMIC, ELSEWHERE, EMPTY, GIVEN_AWAY,
    IMPORTS, Kind, LISTS, LOOKS_AROUND, MAKES_PASSING, MAKES_RUNNING, MAY_FAIL, Member,
    NAMES_AROUND, PASSES, QUIET, READS_DOCS, READS_HEADS, READS_SOURCES, REFLECTS, REPLACED,
    RUNS_IT, SPAWNS, Symbols, TAKES_NOTHING, Ty, TyId, WIDE,
};
use crate::lang::python::resolve::{File, Resolver, SetUp, set_up};
use crate::lang::{Detail, FileFacts};
use crate::model::{
    ClassId, EdgeSink, Habits, ModuleId, Program, ProgramClass, ProgramImport, ProgramLeft,
    ProgramModule, ProgramUnit, ProgramUse, RepoPath, Snapshot, UnitId, Word, Wrapping,
};
use bases::Heirs;

/// The program that some files make; the others are taken to be outside.
pub(in crate::lang::python) fn program(
    all: &[FileFacts<'_>],
    tree: &Snapshot,
    wanted: &dyn Fn(&RepoPath) -> bool,
) -> Program {
    let mut sink = EdgeSink::default();
    let SetUp {
        resolver,
        files,
        projects,
        ..
    } = set_up(all, tree, &mut sink);
    let symbols = files
        .iter()
        .map(|file| {
            wanted(file.path)
                .then_some(file.source.symbols.as_deref())
                .flatten()
        })
        .collect();
    let mut linker = Linker {
        resolver,
        files: &files,
        symbols,
        units: Vec::new(),
        classes: Vec::new(),
        scopes: Vec::new(),
        words: FxHashMap::default(),
        targets: FxHashMap::default(),
        own: Vec::new(),
        definers: FxHashMap::default(),
        set_outside: FxHashMap::default(),
        filled: FxHashSet::default(),
        lists_heirs: false,
        heirs: FxHashMap::default(),
        progress: Progress::default(),
        program: Program::default(),
    };
    let mut symbols = linker.symbols.iter().flatten();
    linker.lists_heirs = symbols.any(|s| s.names.iter().any(|name| name == "__subclasses__"));
    linker.lay_out();
    linker.bases();
    linker.fill();
    linker.hooks();
    for pytest in projects
        .iter()
        .filter_map(|project| project.says.pytest.as_ref())
    {
        linker.given_to_all(&pytest.usefixtures);
    }
    for file in 0..files.len() as ModuleId {
        linker.link(file);
    }
    for file in all {
        match &file.facts.detail {
            Detail::Named(Some(names)) => {
                for name in names {
                    // a name that no code has leads nowhere
                    linker.program.named.extend(linker.words.get(name.as_str()));
                }
            }
            Detail::Named(None) => linker.program.names_all = true,
            _ => {}
        }
    }
    linker.program.named.sort_unstable();
    linker.program.named.dedup();
    // commands that the project installs run the functions of their modules
    for project in &projects {
        for (_, module) in &project.says.scripts {
            linker.script(module);
        }
    }
    linker.program
}

pub(super) struct Linker<'a> {
    resolver: Resolver<'a, 'a>,
    files: &'a [File<'a>],
    symbols: Vec<Option<&'a Symbols>>,
    /// For each file the first of its units and classes.
    units: Vec<UnitId>,
    classes: Vec<ClassId>,
    scopes: Vec<FxHashMap<Word, Vec<Bound>>>,
    words: FxHashMap<String, Word>,
    targets: FxHashMap<(ModuleId, u32), Vec<Value>>,
    own: Vec<FxHashMap<Word, Vec<Member>>>,
    /// The classes that define a name.
    definers: FxHashMap<Word, Vec<ClassId>>,
    /// What objects are given under a name by code that is not theirs.
    pub(super) set_outside: FxHashMap<Word, Vec<(ModuleId, TyId)>>,
    /// Classes whose instances may be given anything under any name.
    pub(super) filled: FxHashSet<ClassId>,
    /// Somebody asks a class for its heirs.
    lists_heirs: bool,
    heirs: FxHashMap<ClassId, Rc<Heirs>>,
    pub(super) progress: Progress,
    pub(super) program: Program,
}

impl<'a> Linker<'a> {
    pub(super) fn symbols(&self, file: ModuleId) -> Option<&'a Symbols> {
        *self.symbols.get(file as usize)?
    }

    pub(super) fn intern(&mut self, text: &str) -> Word {
        if let Some(&word) = self.words.get(text) {
            return word;
        }
        let word = self.program.words.len() as Word;
        self.program.words.push(text.to_owned());
        self.words.insert(text.to_owned(), word);
        word
    }

    pub(super) fn text(&self, word: Word) -> &str {
        &self.program.words[word as usize]
    }

    pub(super) fn unit_id(&self, file: ModuleId, unit: u32) -> UnitId {
        self.units[file as usize] + unit
    }

    pub(super) fn class_id(&self, file: ModuleId, class: u32) -> ClassId {
        self.classes[file as usize] + class
    }

    fn unit(&self, unit: UnitId) -> Option<&'a super::Unit> {
        let file = self.program.units[unit as usize].module;
        self.symbols(file)?
            .units
            .get((unit - self.units[file as usize]) as usize)
    }

    pub(super) fn flags(&self, unit: UnitId) -> u32 {
        self.unit(unit).map_or(0, |u| u.flags)
    }

    pub(super) fn kind(&self, unit: UnitId) -> Kind {
        self.unit(unit).map_or(Kind::Module, |u| u.kind)
    }

    pub(super) fn returns(&self, unit: UnitId) -> (ModuleId, TyId) {
        let file = self.program.units[unit as usize].module;
        (file, self.unit(unit).map_or(0, |u| u.returns))
    }

    pub(super) fn scope(&self, file: ModuleId) -> &FxHashMap<Word, Vec<Bound>> {
        &self.scopes[file as usize]
    }

    pub(super) fn own_members(&self, class: ClassId, word: Word) -> &[Member] {
        self.own[class as usize]
            .get(&word)
            .map_or(&[], Vec::as_slice)
    }

    /// The last part of the name that a type is written with.
    fn last_name(&self, file: ModuleId, ty: TyId) -> Option<&'a str> {
        let symbols = self.symbols(file)?;
        match symbols.tys.get(ty as usize)? {
            Ty::Name(name) | Ty::Attr(_, name) => Some(&symbols.names[*name as usize]),
            Ty::Elem(of) | Ty::Call(of) => self.last_name(file, *of),
            Ty::Imported(import) => symbols.imports[*import as usize].name.as_deref(),
            _ => None,
        }
    }

    /// Places for all units, classes and names.
    fn lay_out(&mut self) {
        for (at, file) in self.files.iter().enumerate() {
            let at = at as ModuleId;
            self.units.push(self.program.units.len() as UnitId);
            self.classes.push(self.program.classes.len() as ClassId);
            let called = self.imported_as(file.path);
            let mut module = ProgramModule {
                path: file.path.clone(),
                called,
                first: self.program.units.len() as UnitId,
                examples: file.source.doctests,
                opaque: self
                    .symbols(at)
                    .is_none()
                    .then(|| "could not be read in full".to_owned()),
                ..ProgramModule::default()
            };
            let mut scope: FxHashMap<Word, Vec<Bound>> = FxHashMap::default();
            let mut heads: FxHashMap<u32, UnitId> = FxHashMap::default();
            if let Some(symbols) = self.symbols(at) {
                for unit in &symbols.units {
                    let id = self.program.units.len() as UnitId;
                    match unit.kind {
                        Kind::Module => module.runs.push(id),
                        Kind::Main => module.main.push(id),
                        _ => {}
                    }
                    if unit.kind == Kind::Class {
                        heads.extend(unit.class.map(|class| (class, id)));
                    }
                    let habit = |flag| unit.flags & flag != 0;
                    let mut interned = |names: &[super::NameId]| -> Vec<Word> {
                        let names = names.iter();
                        names
                            .map(|name| self.intern(&symbols.names[*name as usize]))
                            .collect()
                    };
                    let (words, looks_up) = (interned(&unit.words), interned(&unit.globals));
                    let leaves = unit.leaves.iter();
                    let leaves = leaves.map(|left| ProgramLeft {
                        word: self.intern(&symbols.names[left.name as usize]),
                        imported: left.imported,
                        lines: left.lines,
                    });
                    let leaves = leaves.collect();
                    self.program.units.push(ProgramUnit {
                        name: unit.name.clone(),
                        module: at,
                        class: unit.class.map(|class| self.class_id(at, class)),
                        lines: unit.lines,
                        body: (unit.body_line > 0).then_some((unit.body_line, unit.lines.1)),
                        is_value: matches!(unit.kind, Kind::Constant | Kind::Object | Kind::Class),
                        is_object: unit.kind == Kind::Object,
                        plain_head: unit.kind == Kind::Function && !habit(MAY_FAIL | DECORATED),
                        kept: false,
                        wrapping: Wrapping::None,
                        unsound: false,
                        uses: Vec::new(),
                        words,
                        shares: Vec::new(),
                        looks_up,
                        leaves,
                        habits: Habits {
                            computes_names: habit(DYNAMIC),
                            reflects: habit(REFLECTS),
                            imports: habit(IMPORTS),
                            lists: habit(LISTS),
                            spawns: habit(SPAWNS),
                            reads_docs: habit(READS_DOCS),
                            any_fixture: habit(ANY_FIXTURE),
                            cached: habit(CACHED),
                            wide: habit(WIDE),
                            looks_around: habit(LOOKS_AROUND),
                            reads_sources: habit(READS_SOURCES),
                            reads_heads: habit(READS_HEADS),
                            empty: habit(EMPTY),
                            replaced: habit(REPLACED),
                            takes_nothing: habit(TAKES_NOTHING),
                            apart: false,
                            elsewhere: habit(ELSEWHERE) || habit(SPAWNS),
                        },
                    });
                    if let Some(fixture) = unit.fixture {
                        let word = self.intern(&symbols.names[fixture.name as usize]);
                        self.program.fixtures.entry(word).or_default().push(id);
                    }
                }
                for (place, class) in symbols.classes.iter().enumerate() {
                    let mut own: FxHashMap<Word, Vec<Member>> = FxHashMap::default();
                    let class_name = last_part(&symbols.names[class.name as usize]);
                    for (name, member) in &class.members {
                        let text = &symbols.names[*name as usize];
                        let word = self.intern(text);
                        own.entry(word).or_default().push(*member);
                        if text.starts_with("__") && !text.ends_with("__") {
                            let mangled = format!("_{}{text}", class_name.trim_start_matches('_'));
                            let word = self.intern(&mangled);
                            own.entry(word).or_default().push(*member);
                        }
                    }
                    let mut members: FxHashMap<Word, Vec<UnitId>> = FxHashMap::default();
                    for (word, all) in &own {
                        for member in all {
                            let unit = match member {
                                Member::Unit(unit) => *unit,
                                Member::Value(_, unit)
                                    if is_named(symbols.units[*unit as usize].kind) =>
                                {
                                    *unit
                                }
                                _ => continue,
                            };
                            members
                                .entry(*word)
                                .or_default()
                                .push(self.unit_id(at, unit));
                        }
                    }
                    let is_abstract = |unit: &UnitId| {
                        let own = (*unit - self.units[at as usize]) as usize;
                        symbols.units[own].flags & ABSTRACT != 0
                    };
                    let abstracts = members.iter();
                    let abstracts = abstracts.filter(|(_, units)| units.iter().any(is_abstract));
                    let abstracts = abstracts.map(|(word, _)| *word).collect();
                    let id = self.own.len() as ClassId;
                    for word in own.keys() {
                        self.definers.entry(*word).or_default().push(id);
                    }
                    self.own.push(own);
                    self.program.classes.push(ProgramClass {
                        module: at,
                        members,
                        head: heads.get(&(place as u32)).copied(),
                        made: class.made,
                        told: class.told,
                        abstracts,
                        ..ProgramClass::default()
                    });
                }
                for (name, ty) in &symbols.sets {
                    let word = self.intern(&symbols.names[*name as usize]);
                    self.set_outside.entry(word).or_default().push((at, *ty));
                }
                for (name, bound) in &symbols.scope {
                    let word = self.intern(&symbols.names[*name as usize]);
                    scope.entry(word).or_default().push(*bound);
                }
            }
            self.scopes.push(scope);
            self.program.modules.push(module);
        }
    }

    /// Whether loading a file does nothing but to define things and to import what is ours or Python's own.
    fn is_quiet(&self, file: ModuleId, symbols: &Symbols) -> bool {
        let plain = |unit: &super::Unit| unit.flags & MAY_FAIL == 0 && unit.decorators.is_empty();
        let made = |place: usize| {
            let class = &self.program.classes[self.class_id(file, place as u32) as usize];
            // whoever lists the heirs of a class sees one more
            class.made || class.told || self.lists_heirs && !class.bases.is_empty()
        };
        let imports = &self.program.modules[file as usize].imports;
        let known = |(import, (place, _)): (&ProgramImport, &(u32, u32))| {
            import.ours || is_of_python(&symbols.imports[*place as usize])
        };
        symbols
            .units
            .first()
            .is_some_and(|unit| unit.flags & QUIET != 0)
            && symbols.units.iter().all(plain)
            && !(0..symbols.classes.len()).any(made)
            && imports.iter().zip(&symbols.plain).all(known)
    }

    /// The words that may be the last part of a name by which a file is imported.
    fn imported_as(&mut self, path: &RepoPath) -> Vec<Word> {
        let stem = String::from_utf8_lossy(path.stem()).into_owned();
        let stem = stem.split('.').next().unwrap_or_default().to_owned();
        let mut names = vec![
            stem.trim_end_matches(|c: char| c.is_ascii_digit())
                .to_owned(),
        ];
        if matches!(stem.as_str(), "__init__" | "__main__") {
            let folder = path.parent();
            names.extend(folder.map(|dir| String::from_utf8_lossy(dir.file_name()).into_owned()));
        }
        names.push(stem);
        names.dedup();
        names.retain(|name| !name.is_empty());
        names.iter().map(|name| self.intern(name)).collect()
    }

    /// What a runner calls unasked.
    fn hooks(&mut self) {
        for file in 0..self.files.len() as ModuleId {
            let Some(symbols) = self.symbols(file) else {
                continue;
            };
            for (place, unit) in symbols.units.iter().enumerate() {
                let last = unit.name.rsplit('.').next().unwrap_or_default();
                let hook = unit.class.is_none() && (last.starts_with("pytest_") || is_set_up(last));
                if hook || unit.fixture.is_some_and(|f| f.autouse) {
                    let id = self.unit_id(file, place as u32);
                    self.program.modules[file as usize].hooks.push(id);
                }
            }
        }
    }

    /// Fixtures that the runner's settings give every test.
    fn given_to_all(&mut self, fixtures: &[String]) {
        for name in fixtures {
            let word = self.intern(name);
            for unit in self
                .program
                .fixtures
                .get(&word)
                .cloned()
                .unwrap_or_default()
            {
                let module = self.program.units[unit as usize].module;
                self.program.modules[module as usize].hooks.push(unit);
            }
        }
    }

    /// What the units of a file use.
    fn link(&mut self, file: ModuleId) {
        let Some(symbols) = self.symbols(file) else {
            return;
        };
        for (place, unit) in symbols.units.iter().enumerate() {
            let id = self.unit_id(file, place as u32);
            let mut uses = FxHashSet::default();
            for used in &unit.uses {
                self.used(file, id, *used, &mut uses);
            }
            if unit.flags & NAMES_AROUND != 0 {
                uses.insert(ProgramUse::Everything(file));
            }
            // fixtures ask for fixtures, tests ask for them
            if unit.fixture.is_some()
                || is_test_name(&unit.name)
                || is_set_up(last_part(&unit.name))
            {
                for name in &unit.params {
                    let word = self.word(file, *name);
                    uses.insert(ProgramUse::Fixture(word));
                }
            }
            let mut uses: Vec<ProgramUse> = uses.into_iter().collect();
            uses.sort_unstable();
            self.program.units[id as usize].habits.apart = self.is_apart(file, id, unit, &uses);
            self.program.units[id as usize].uses = uses;
            self.program.units[id as usize].shares = self.shared(file, unit);
            self.program.units[id as usize].unsound = self.is_unsound(file, unit);
        }
        // the packages around it run first
        let around = &self.files[file as usize];
        let dirs: Vec<u32> = self.resolver.modules.upwards(around.dir).collect();
        for dir in dirs {
            for init in self.resolver.init_of(dir) {
                if init != file && self.symbols(init).is_some() {
                    let (own, init) = (self.unit_id(file, 0), self.unit_id(init, 0));
                    self.program.units[own as usize]
                        .uses
                        .push(ProgramUse::Call(init));
                }
            }
        }
        self.program.modules[file as usize].imports = self.imports(file, symbols);
        self.program.modules[file as usize].quiet = self.is_quiet(file, symbols);
        // functions that decorators may keep are called by whoever has the decorator
        let module = self.unit_id(file, 0);
        for (place, unit) in symbols.units.iter().enumerate() {
            if unit.flags & GIVEN_AWAY == 0 {
                continue;
            }
            let kept = unit
                .decorators
                .iter()
                .any(|(ty, called)| !self.passes(file, *ty, *called));
            let id = self.unit_id(file, place as u32);
            let mut decorators = unit.decorators.iter();
            let runs_it = decorators.all(|(ty, called)| self.runs_it(file, *ty, *called));
            self.program.units[id as usize].wrapping = match runs_it && !kept {
                true => Wrapping::RunsIt,
                false => Wrapping::Other,
            };
            if kept {
                self.program.units[id as usize].kept = true;
                self.program.units[module as usize]
                    .uses
                    .push(ProgramUse::Unit(id));
            }
        }
        // what an object of the module gives
        let words: Vec<Word> = self.scopes[file as usize].keys().copied().collect();
        for word in words {
            let Some(found) = self.lookup(file, word) else {
                continue;
            };
            let mut gives: Vec<ProgramUse> = found
                .touched
                .iter()
                .map(|unit| ProgramUse::Unit(*unit))
                .collect();
            gives.extend(found.values.iter().filter_map(as_value));
            if !gives.is_empty() {
                self.program.modules[file as usize]
                    .members
                    .insert(word, gives);
            }
        }
    }

    /// Whether a function has to do with nothing of the program but constants: it takes nothing, and the names that it looks up, and
    /// asks for, are those of Python's library and of pytest.
    fn is_apart(
        &mut self,
        file: ModuleId,
        id: UnitId,
        unit: &super::Unit,
        uses: &[ProgramUse],
    ) -> bool {
        let Some(symbols) = self
            .symbols(file)
            .filter(|_| unit.flags & TAKES_NOTHING != 0)
        else {
            return false;
        };
        let is_star = |import: &super::Imported| import.name.as_deref() == Some("*");
        if symbols.imports.iter().any(is_star) {
            return false;
        }
        let is_ours = |word: &Word| {
            let mut classes = self.program.classes.iter();
            classes.any(|class| class.members.contains_key(word))
                || self.scopes.iter().any(|scope| scope.contains_key(word))
        };
        let foreign = uses.iter().all(|used| match used {
            ProgramUse::Any(word) => !is_ours(word),
            // of Python's own, or of pytest: no name leads from there to the program
            ProgramUse::Outside(_) => true,
            ProgramUse::Unit(unit) | ProgramUse::Call(unit) => {
                *unit == id || self.kind(*unit) == Kind::Constant
            }
            _ => false,
        });
        foreign
            && unit.globals.iter().all(|name| {
                let word = self.word(file, *name);
                let bounds = self.scope(file).get(&word).cloned().unwrap_or_default();
                let of_pytest = |bound: &Bound| match bound {
                    Bound::Import(import) => {
                        let module = &symbols.imports[*import as usize].module;
                        matches!(module.split('.').next(), Some("pytest" | "_pytest"))
                    }
                    _ => false,
                };
                let itself = |bound: &Bound| matches!(bound, Bound::Unit(unit) if self.unit_id(file, *unit) == id);
                if bounds.iter().all(|bound| of_pytest(bound) || itself(bound)) {
                    return true;
                }
                let found = self.lookup(file, word).unwrap_or_default();
                let plain = |value: &Value| matches!(value, Value::Scalar | Value::Text(_) | Value::Outside);
                found.values.iter().all(plain)
            })
    }

    /// Whether a decorator is one of ours that gives what runs what it is given.
    fn runs_it(&mut self, file: ModuleId, ty: TyId, called: bool) -> bool {
        let found = self.eval(file, ty);
        let wanted = if called { MAKES_RUNNING } else { RUNS_IT };
        let runs =
            |value: &Value| matches!(value, Value::Unit(unit) if self.flags(*unit) & wanted != 0);
        !found.values.is_empty() && found.values.iter().all(runs)
    }

    /// Whether a decorator is one of ours that keeps nothing, and does not look at the parameters of what it is given.
    fn passes(&mut self, file: ModuleId, ty: TyId, called: bool) -> bool {
        let found = self.eval(file, ty);
        let wanted = if called { MAKES_PASSING } else { PASSES };
        !found.values.is_empty()
            && found.values.iter().all(|value| match value {
                Value::Unit(unit) => {
                    let flags = self.flags(*unit);
                    flags & wanted != 0 && flags & READS_HEADS == 0
                }
                _ => false,
            })
    }
}

/// Whether a value is a piece of code of its own.
pub(super) fn is_named(kind: Kind) -> bool {
    matches!(kind, Kind::Constant | Kind::Object)
}

/// What using a value as a value may lead to.
fn as_value(value: &Value) -> Option<ProgramUse> {
    match value {
        Value::Unit(unit) => Some(ProgramUse::Unit(*unit)),
        Value::Class(class) => Some(ProgramUse::Type(*class)),
        Value::Module(module) => Some(ProgramUse::Module(*module)),
        _ => None,
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

fn is_test_name(name: &str) -> bool {
    let last = last_part(name);
    last.starts_with("test") || last.ends_with("_test") || last == "runTest"
}

/// What runners call around tests.
pub(super) fn is_set_up(name: &str) -> bool {
    matches!(
        name,
        "setUp"
            | "tearDown"
            | "setUpClass"
            | "tearDownClass"
            | "setUpModule"
            | "tearDownModule"
            | "setup"
            | "teardown"
            | "setup_method"
            | "teardown_method"
            | "setup_class"
            | "teardown_class"
            | "setup_module"
            | "teardown_module"
            | "setup_function"
            | "teardown_function"
            | "asyncSetUp"
            | "asyncTearDown"
            | "setUpTestData"
    )
}
