//! Files put together: what each unit uses, as units, classes and names of the whole program.

mod bases;
mod giving;
mod laid;
mod misfits;
mod modules;
mod shared;
mod uses;

use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::diff::is_of_python;
use super::values::{Progress, Value};
use super::{
    Bound, GIVEN_AWAY, Kind, MAKES_PASSING, MAKES_RUNNING, MAY_FAIL, Member, NAMES_AROUND, NameId,
    PASSES, QUIET, READS_HEADS, RUNS_IT, Symbols, TAKES_NOTHING, Ty, TyId,
};
use crate::lang::python::resolve::{SetUp, set_up};
use crate::lang::{Detail, FileFacts, Spread};
use crate::model::{
    ClassId, EdgeSink, ModuleId, Program, ProgramImport, ProgramUse, RepoPath, Snapshot, UnitId,
    Word, Wrapping,
};
use bases::{Answers, Heirs};
use laid::Laid;

/// The program that some files make; the others are taken to be outside.
pub(in crate::lang::python) fn program(
    all: &[FileFacts<'_>],
    tree: &Snapshot,
    wanted: &dyn Fn(&RepoPath) -> bool,
    spread: &Spread<'_>,
) -> Program {
    linked(all, tree, wanted, (CHUNK, spread))
}

/// The same, with so many files for each linker.
fn linked(
    all: &[FileFacts<'_>],
    tree: &Snapshot,
    wanted: &dyn Fn(&RepoPath) -> bool,
    (chunk, spread): (usize, &Spread<'_>),
) -> Program {
    let mut sink = EdgeSink::default();
    let SetUp {
        resolver,
        files,
        projects,
        ..
    } = set_up(all, tree, &mut sink);
    let symbols: Vec<Option<&Symbols>> = files
        .iter()
        .map(|file| {
            wanted(file.path)
                .then_some(file.source.symbols.as_deref())
                .flatten()
        })
        .collect();
    let laid = Laid::new(&resolver, &files, symbols);
    let mut linker = Linker::new(Arc::new(laid));
    linker.bases();
    linker.fill();
    linker.hooks();
    for pytest in projects
        .iter()
        .filter_map(|project| project.says.pytest.as_ref())
    {
        linker.given_to_all(&pytest.usefixtures);
    }
    // commands that the project installs run the functions of their modules
    for project in &projects {
        for (_, module) in &project.says.scripts {
            linker.script(module);
        }
    }
    let mut laid = linker.linked(chunk, spread);
    laid.collect();
    for file in all {
        match &file.facts.detail {
            Detail::Named(Some(names)) => {
                for name in names {
                    // a name that no code has leads nowhere
                    laid.program.named.extend(laid.words.get(name.as_str()));
                }
            }
            Detail::Named(None) => laid.program.names_all = true,
            _ => {}
        }
    }
    laid.program.named.sort_unstable();
    laid.program.named.dedup();
    laid.program
}

/// Tells what units use. What it found out on the way is its own, so that several can go side by side.
pub(super) struct Linker<'a> {
    pub(super) laid: Arc<Laid<'a>>,
    /// Words that are not laid out, and numbered from the last of those.
    words: FxHashMap<String, Word>,
    added: Vec<String>,
    /// For each file the numbers of its names, as far as they were asked for.
    names: Vec<Vec<Option<Word>>>,
    targets: FxHashMap<(ModuleId, u32), Rc<[Value]>>,
    heirs: FxHashMap<ClassId, Rc<Heirs>>,
    answers: FxHashMap<(ClassId, Word), Answers>,
    pub(super) descriptors: FxHashMap<ClassId, bool>,
    pub(super) progress: Progress,
    /// What was found of the unit that is linked.
    linked: Linked,
}

/// What linking finds of a unit.
#[derive(Default)]
struct Linked {
    uses: Vec<ProgramUse>,
    shares: Vec<(ModuleId, Word)>,
    wrapping: Wrapping,
    kept: bool,
    unsound: bool,
    apart: bool,
    computes_names: bool,
    reflects: bool,
}

/// What linking finds of a file.
struct LinkedFile {
    file: ModuleId,
    units: Vec<Linked>,
    imports: Vec<ProgramImport>,
    quiet: bool,
    members: FxHashMap<Word, Vec<ProgramUse>>,
}

/// So many files are linked by one linker: more go side by side, and each finds out anew what it needs of the others. It does not
/// depend on the machine, so that everybody selects the same.
const CHUNK: usize = 1000;

impl<'a> Linker<'a> {
    fn new(laid: Arc<Laid<'a>>) -> Self {
        Self {
            words: FxHashMap::default(),
            added: Vec::new(),
            names: vec![Vec::new(); laid.files.len()],
            targets: FxHashMap::default(),
            heirs: FxHashMap::default(),
            answers: FxHashMap::default(),
            descriptors: FxHashMap::default(),
            progress: Progress::default(),
            linked: Linked::default(),
            laid,
        }
    }

    /// What is laid out, to be changed.
    pub(super) fn lay(&mut self) -> &mut Laid<'a> {
        Arc::make_mut(&mut self.laid)
    }

    /// What all units use.
    fn linked(mut self, chunk: usize, spread: &Spread<'_>) -> Laid<'a> {
        let added = std::mem::take(&mut self.added);
        let laid = self.lay();
        for word in added {
            laid.intern(&word);
        }
        let Self { laid, .. } = self;
        let all: Vec<ModuleId> = (0..laid.files.len() as ModuleId).collect();
        let chunks: Vec<&[ModuleId]> = all.chunks(chunk).collect();
        let linked: Vec<OnceLock<(Vec<LinkedFile>, Vec<String>)>> =
            chunks.iter().map(|_| OnceLock::new()).collect();
        spread(chunks.len(), &|at| {
            linked[at].get_or_init(|| {
                let mut linker = Linker::new(laid.clone());
                let files = chunks[at].iter();
                let files = files.filter_map(|file| linker.link(*file)).collect();
                (files, linker.added)
            });
        });
        let mut laid = Arc::unwrap_or_clone(laid);
        let known = laid.program.words.len() as Word;
        for (files, added) in linked.into_iter().filter_map(OnceLock::into_inner) {
            let places: Vec<Word> = added.iter().map(|word| laid.intern(word)).collect();
            let word = |word: Word| match word.checked_sub(known) {
                Some(place) => places[place as usize],
                None => word,
            };
            for file in files {
                laid.put(file, &word);
            }
        }
        laid
    }

    pub(super) fn symbols(&self, file: ModuleId) -> Option<&'a Symbols> {
        *self.laid.symbols.get(file as usize)?
    }

    pub(super) fn intern(&mut self, text: &str) -> Word {
        let known = self.laid.words.get(text).or_else(|| self.words.get(text));
        if let Some(&word) = known {
            return word;
        }
        let word = (self.laid.program.words.len() + self.added.len()) as Word;
        self.added.push(text.to_owned());
        self.words.insert(text.to_owned(), word);
        word
    }

    /// The number of a name of a file.
    pub(super) fn word(&mut self, file: ModuleId, name: NameId) -> Word {
        let place = (file as usize, name as usize);
        let known = self.names[place.0].get(place.1).copied().flatten();
        if let Some(word) = known {
            return word;
        }
        let texts = self.symbols(file).map_or(&[][..], |symbols| &symbols.names);
        let word = self.intern(texts.get(place.1).map_or("", String::as_str));
        let names = &mut self.names[place.0];
        names.resize(texts.len().max(place.1 + 1), None);
        names[place.1] = Some(word);
        word
    }

    pub(super) fn text(&self, word: Word) -> &str {
        let laid = &self.laid.program.words;
        let added = || &self.added[word as usize - laid.len()];
        laid.get(word as usize).unwrap_or_else(added)
    }

    pub(super) fn unit_id(&self, file: ModuleId, unit: u32) -> UnitId {
        self.laid.units[file as usize] + unit
    }

    pub(super) fn class_id(&self, file: ModuleId, class: u32) -> ClassId {
        self.laid.classes[file as usize] + class
    }

    fn unit(&self, unit: UnitId) -> Option<&'a super::Unit> {
        let file = self.laid.program.units[unit as usize].module;
        self.symbols(file)?
            .units
            .get((unit - self.laid.units[file as usize]) as usize)
    }

    pub(super) fn flags(&self, unit: UnitId) -> u64 {
        self.unit(unit).map_or(0, |u| u.flags)
    }

    pub(super) fn kind(&self, unit: UnitId) -> Kind {
        self.unit(unit).map_or(Kind::Module, |u| u.kind)
    }

    pub(super) fn returns(&self, unit: UnitId) -> (ModuleId, TyId) {
        let file = self.laid.program.units[unit as usize].module;
        (file, self.unit(unit).map_or(0, |u| u.returns))
    }

    pub(super) fn scope(&self, file: ModuleId) -> &FxHashMap<Word, Vec<Bound>> {
        &self.laid.scopes[file as usize]
    }

    pub(super) fn own_members(&self, class: ClassId, word: Word) -> &[Member] {
        self.laid.own[class as usize]
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

    /// Whether loading a file does nothing but to define things and to import what is ours or Python's own.
    fn is_quiet(&self, file: ModuleId, symbols: &Symbols, imports: &[ProgramImport]) -> bool {
        let plain = |unit: &super::Unit| unit.flags & MAY_FAIL == 0 && unit.decorators.is_empty();
        let made = |place: usize| {
            let class = &self.laid.program.classes[self.class_id(file, place as u32) as usize];
            // whoever lists the heirs of a class sees one more
            class.made || class.told || self.laid.lists_heirs && !class.bases.is_empty()
        };
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

    /// What a runner calls unasked.
    fn hooks(&mut self) {
        for file in 0..self.laid.files.len() as ModuleId {
            let Some(symbols) = self.symbols(file) else {
                continue;
            };
            for (place, unit) in symbols.units.iter().enumerate() {
                let last = unit.name.rsplit('.').next().unwrap_or_default();
                let hook = unit.class.is_none() && (last.starts_with("pytest_") || is_set_up(last));
                if hook || unit.fixture.is_some_and(|f| f.autouse) {
                    let id = self.unit_id(file, place as u32);
                    self.lay().program.modules[file as usize].hooks.push(id);
                }
            }
        }
    }

    /// Fixtures that the runner's settings give every test.
    fn given_to_all(&mut self, fixtures: &[String]) {
        for name in fixtures {
            let word = self.intern(name);
            for unit in self
                .laid
                .program
                .fixtures
                .get(&word)
                .cloned()
                .unwrap_or_default()
            {
                let module = self.laid.program.units[unit as usize].module;
                self.lay().program.modules[module as usize].hooks.push(unit);
            }
        }
    }

    /// What the units of a file use.
    fn link(&mut self, file: ModuleId) -> Option<LinkedFile> {
        let symbols = self.symbols(file)?;
        let mut units = Vec::with_capacity(symbols.units.len());
        for (place, unit) in symbols.units.iter().enumerate() {
            let id = self.unit_id(file, place as u32);
            let mut uses = FxHashSet::default();
            for used in &unit.uses {
                self.used(file, *used, &mut uses);
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
            let mut linked = Linked {
                apart: self.is_apart(file, id, unit, &uses),
                shares: self.shared(file, unit),
                unsound: self.is_unsound(file, unit),
                uses,
                ..std::mem::take(&mut self.linked)
            };
            // functions that decorators may keep are called by whoever has the decorator
            if unit.flags & GIVEN_AWAY != 0 {
                let mut decorators = unit.decorators.iter();
                linked.kept = decorators.any(|(ty, called)| !self.passes(file, *ty, *called));
                let mut decorators = unit.decorators.iter();
                let runs_it = decorators.all(|(ty, called)| self.runs_it(file, *ty, *called));
                linked.wrapping = match runs_it && !linked.kept {
                    true => Wrapping::RunsIt,
                    false => Wrapping::Other,
                };
            }
            units.push(linked);
        }
        // the packages around it run first
        let around = &self.laid.files[file as usize];
        let dirs: Vec<u32> = self.laid.resolver.modules.upwards(around.dir).collect();
        let mut runs = Vec::new();
        for dir in dirs {
            for init in self.laid.resolver.init_of(dir) {
                if init != file && self.symbols(init).is_some() {
                    runs.push(ProgramUse::Call(self.unit_id(init, 0)));
                }
            }
        }
        let kept = units.iter().zip(0..).filter(|(unit, _)| unit.kept);
        runs.extend(kept.map(|(_, place)| ProgramUse::Unit(self.unit_id(file, place))));
        units.first_mut()?.uses.extend(runs);
        let imports = self.imports(file, symbols);
        let quiet = self.is_quiet(file, symbols, &imports);
        // what an object of the module gives
        let words: Vec<Word> = self.laid.scopes[file as usize].keys().copied().collect();
        let mut members = FxHashMap::default();
        for word in words {
            let Some(found) = self.lookup(file, word) else {
                continue;
            };
            let touched = found.touched.iter();
            let mut gives: Vec<ProgramUse> = touched.map(|unit| ProgramUse::Unit(*unit)).collect();
            gives.extend(found.values.iter().filter_map(as_value));
            if !gives.is_empty() {
                members.insert(word, gives);
            }
        }
        Some(LinkedFile {
            file,
            units,
            imports,
            quiet,
            members,
        })
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
            let mut classes = self.laid.program.classes.iter();
            classes.any(|class| class.members.contains_key(word))
                || self
                    .laid
                    .scopes
                    .iter()
                    .any(|scope| scope.contains_key(word))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lang::python::Python;
    use crate::lang::{Facts, Lang};
    use crate::model::{BlobId, Entry, Mode};

    const TREES: [&str; 5] = [
        include_str!("../../../../../fixtures/select/python/symbols.cases"),
        include_str!("../../../../../fixtures/select/python/symbols_asked.cases"),
        include_str!("../../../../../fixtures/select/python/symbols_found.cases"),
        include_str!("../../../../../fixtures/select/python/symbols_made.cases"),
        include_str!("../../../../../fixtures/select/python/symbols_reflected.cases"),
    ];

    /// The files of a tree of cases.
    fn files(cases: &str) -> Vec<(RepoPath, String)> {
        let tree = cases.split("\n== ").next().unwrap_or_default();
        let parts = tree.split("\n-- ").skip(1);
        let files = parts.filter_map(|part| part.split_once(" --\n"));
        let mut files: Vec<(RepoPath, String)> = files
            .map(|(path, text)| (RepoPath::from(path), text.to_owned()))
            .collect();
        files.sort();
        files
    }

    /// A program by its words, which are numbered in some order.
    fn told(program: &Program) -> Vec<String> {
        let word = |word: Word| program.words[word as usize].as_str();
        let used = |used: &ProgramUse| {
            let words = std::cell::RefCell::new(Vec::new());
            let bare = used.with_word(|own| {
                words.borrow_mut().push(word(own));
                0
            });
            format!("{bare:?} {:?}", words.into_inner())
        };
        let uses = |all: &[ProgramUse]| all.iter().map(&used).collect::<BTreeSet<_>>();
        let units = program.units.iter().map(|unit| {
            let shares = unit.shares.iter().map(|(at, own)| (*at, word(*own)));
            let shares: Vec<_> = shares.collect();
            format!(
                "{} {:?} {:?} {} {} {shares:?} {:?}",
                unit.name,
                unit.habits,
                unit.wrapping,
                unit.kept,
                unit.unsound,
                uses(&unit.uses)
            )
        });
        let modules = program.modules.iter().map(|module| {
            let members = module.members.iter();
            let members: BTreeSet<_> = members.map(|(own, all)| (word(*own), uses(all))).collect();
            format!(
                "{} {} {:?} {members:?}",
                module.path, module.quiet, module.imports
            )
        });
        units.chain(modules).collect()
    }

    #[test]
    fn a_program_is_the_same_however_many_link_it() {
        for cases in TREES {
            let files = files(cases);
            assert!(files.len() > 4);
            let entry = Entry {
                mode: Mode::File,
                blob: BlobId::default(),
            };
            let entries = files.iter().map(|(path, _)| (path.clone(), entry.clone()));
            let tree = Snapshot::new(entries.collect(), Vec::new());
            let facts = files.iter().filter_map(|(path, text)| {
                let kind = Python.closer(Python.claims(path)?);
                Some((path, Python.facts(kind, text.as_bytes())))
            });
            let facts: Vec<(&RepoPath, Facts)> = facts.collect();
            let all = facts.iter().map(|(path, facts)| FileFacts { path, facts });
            let all: Vec<FileFacts<'_>> = all.collect();
            let spread = |jobs: usize, job: &(dyn Fn(usize) + Sync)| (0..jobs).rev().for_each(job);
            let chunks = [usize::MAX, 1];
            let [alone, several] =
                chunks.map(|n| told(&linked(&all, &tree, &|_| true, (n, &spread))));
            assert!(alone.iter().any(|unit| unit.contains("Of(")));
            assert_eq!(alone, several);
        }
    }
}
