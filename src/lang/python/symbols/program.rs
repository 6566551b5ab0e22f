//! Files put together: what each unit uses, as units, classes and names of the whole program.

use rustc_hash::{FxHashMap, FxHashSet};

use super::values::{Progress, Value};
use super::{
    ANY_FIXTURE, Bound, CACHED, DYNAMIC, ELSEWHERE, EMPTY, GIVEN_AWAY, IMPORTS, Kind, LOOKS_AROUND,
    MAKES_PASSING, Member, PASSES, READS_DOCS, READS_HEADS, READS_SOURCES, REFLECTS, SPAWNS,
    Symbols, Ty, TyId, Use, WIDE,
};
use crate::lang::FileFacts;
use crate::lang::python::links::Wide;
use crate::lang::python::resolve::{File, Resolver, SetUp, set_up};
use crate::model::{
    ClassId, EdgeSink, Habits, ModuleId, Program, ProgramClass, ProgramImport, ProgramLeft,
    ProgramModule, ProgramUnit, ProgramUse, RepoPath, Snapshot, UnitId, Word,
};

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
        open_heirs: FxHashMap::default(),
        progress: Progress::default(),
        program: Program::default(),
    };
    linker.lay_out();
    linker.bases();
    linker.hooks();
    for file in 0..files.len() as ModuleId {
        linker.link(file);
    }
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
    open_heirs: FxHashMap<ClassId, Vec<ClassId>>,
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

    pub(super) fn is_protocol(&self, class: ClassId) -> bool {
        let file = self.program.classes[class as usize].module;
        let Some(symbols) = self.symbols(file) else {
            return true;
        };
        let own = &symbols.classes[(class - self.classes[file as usize]) as usize];
        own.bases
            .iter()
            .any(|ty| self.last_name(file, *ty) == Some("Protocol"))
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
            let mut module = ProgramModule {
                path: file.path.clone(),
                first: self.program.units.len() as UnitId,
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
                    let words = unit
                        .words
                        .iter()
                        .map(|w| self.intern(&symbols.names[*w as usize]))
                        .collect();
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
                        is_value: matches!(unit.kind, Kind::Constant | Kind::Class),
                        kept: false,
                        uses: Vec::new(),
                        words,
                        shares: Vec::new(),
                        leaves,
                        habits: Habits {
                            computes_names: habit(DYNAMIC),
                            reflects: habit(REFLECTS),
                            imports: habit(IMPORTS),
                            spawns: habit(SPAWNS),
                            reads_docs: habit(READS_DOCS),
                            any_fixture: habit(ANY_FIXTURE),
                            cached: habit(CACHED),
                            wide: habit(WIDE),
                            looks_around: habit(LOOKS_AROUND),
                            reads_sources: habit(READS_SOURCES),
                            reads_heads: habit(READS_HEADS),
                            empty: habit(EMPTY),
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
                    for (name, member) in &class.members {
                        let word = self.intern(&symbols.names[*name as usize]);
                        own.entry(word).or_default().push(*member);
                    }
                    let mut members: FxHashMap<Word, Vec<UnitId>> = FxHashMap::default();
                    for (word, all) in &own {
                        for member in all {
                            let unit = match member {
                                Member::Unit(unit) => *unit,
                                Member::Value(_, unit)
                                    if symbols.units[*unit as usize].kind == Kind::Constant =>
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
                    self.own.push(own);
                    self.program.classes.push(ProgramClass {
                        module: at,
                        members,
                        head: heads.get(&(place as u32)).copied(),
                        made: class.made,
                        ..ProgramClass::default()
                    });
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

    /// Who extends whom.
    fn bases(&mut self) {
        let mut outside = Vec::new();
        for file in 0..self.files.len() as ModuleId {
            let Some(symbols) = self.symbols(file) else {
                continue;
            };
            let helper = is_test_code(self.files[file as usize].path);
            for (place, class) in symbols.classes.iter().enumerate() {
                let id = self.class_id(file, place as u32);
                self.program.classes[id as usize].open |= helper;
                for base in &class.bases {
                    // `Base[T]` was entered as `Base` too
                    if matches!(symbols.tys.get(*base as usize), Some(Ty::Elem(_))) {
                        continue;
                    }
                    for value in self.eval(file, *base).values.clone() {
                        match value {
                            Value::Class(base) if base != id => {
                                let bases = &mut self.program.classes[id as usize].bases;
                                if !bases.contains(&base) {
                                    bases.push(base);
                                    self.program.classes[base as usize].heirs.push(id);
                                }
                            }
                            _ => outside.push((id, self.last_name(file, *base).map(str::to_owned))),
                        }
                    }
                }
            }
            // bases were asked for before they were known
            self.progress = Progress::default();
        }
        for (class, name) in outside {
            let class = &mut self.program.classes[class as usize];
            match name.as_deref() {
                Some("NamedTuple" | "TypedDict") => class.made = true,
                // found and called by runners, and made as any other class
                Some("TestCase" | "IsolatedAsyncioTestCase") => {
                    class.outside = true;
                    class.open = true;
                }
                Some(name) if is_bare(name) => {}
                Some(name) if is_quiet(name) => class.outside = true,
                _ => {
                    class.outside = true;
                    class.open = true;
                    class.made = true;
                }
            }
        }
        // heirs of classes from outside are such classes, too; and what makes a class makes its heirs
        let init_subclass = self.intern("__init_subclass__");
        for class in 0..self.program.classes.len() as ClassId {
            let own = &self.program.classes[class as usize];
            let (open, outside) = (
                own.open && !is_test_code(self.files[own.module as usize].path),
                own.outside,
            );
            let makes = own.made || !self.own_members(class, init_subclass).is_empty();
            if !(open || outside || makes) {
                continue;
            }
            for heir in self.all_heirs(class) {
                let heir = &mut self.program.classes[heir as usize];
                heir.open |= open;
                heir.outside |= outside;
                heir.made |= makes;
            }
        }
    }

    /// Everything that extends a class, directly or not.
    pub(super) fn all_heirs(&mut self, class: ClassId) -> Vec<ClassId> {
        if let Some(heirs) = self.open_heirs.get(&class) {
            return heirs.clone();
        }
        let mut found = Vec::new();
        let mut seen: FxHashSet<ClassId> = FxHashSet::default();
        let mut next = self.program.classes[class as usize].heirs.clone();
        while let Some(heir) = next.pop() {
            if heir != class && seen.insert(heir) {
                found.push(heir);
                next.extend(&self.program.classes[heir as usize].heirs);
            }
        }
        found
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
            self.program.units[id as usize].uses = uses;
            self.program.units[id as usize].shares = self.shared(file, unit);
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
            if kept {
                let id = self.unit_id(file, place as u32);
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

    /// What a file imports on its top level.
    fn imports(&mut self, file: ModuleId, symbols: &Symbols) -> Vec<ProgramImport> {
        let plain = symbols.plain.iter();
        plain
            .map(|(place, _)| {
                let import = &symbols.imports[*place as usize];
                let targets = self.targets(file, *place);
                let name = import.name.as_ref().map(|name| self.intern(name));
                let bound = name.is_some_and(|name| {
                    targets.iter().any(|target| match target {
                        Value::Module(module) => self.lookup(*module, name).is_some(),
                        _ => false,
                    })
                });
                ProgramImport {
                    written: import.written(),
                    ours: !targets.is_empty(),
                    bound,
                }
            })
            .collect()
    }

    /// The objects of files of tests that a unit uses: values that are made when such a file is loaded.
    fn shared(&mut self, file: ModuleId, unit: &super::Unit) -> Vec<(ModuleId, Word)> {
        let mut found = Vec::new();
        if !is_test_file(self.files[file as usize].path) {
            return found;
        }
        for used in &unit.uses {
            let Use::Attr(of, name) = used else { continue };
            let word = self.word(file, *name);
            for value in self.eval(file, *of).values.clone() {
                let (Value::Class(class) | Value::Instance(class)) = value else {
                    continue;
                };
                let made = |(_, member): &(_, Member)| matches!(member, Member::Value(_, 0));
                if self.nearest(class, word).iter().any(made) {
                    found.push((self.program.classes[class as usize].module, word));
                }
            }
        }
        for name in &unit.globals {
            let word = self.word(file, *name);
            let own = self.scope(file).get(&word).cloned().unwrap_or_default();
            for bound in own {
                match bound {
                    Bound::Value(_, 0) => found.push((file, word)),
                    Bound::Import(import) => {
                        let Some(imported) = self
                            .symbols(file)
                            .and_then(|s| s.imports[import as usize].name.clone())
                        else {
                            continue;
                        };
                        let word = self.intern(&imported);
                        for target in self.targets(file, import) {
                            if let Value::Module(module) = target
                                && self.made_on_import(module, word)
                            {
                                found.push((module, word));
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        found.retain(|(module, _)| is_test_file(self.files[*module as usize].path));
        found.sort_unstable();
        found.dedup();
        found
    }

    fn made_on_import(&self, module: ModuleId, word: Word) -> bool {
        let bound = self.scope(module).get(&word);
        bound.is_some_and(|all| all.iter().any(|bound| matches!(bound, Bound::Value(_, 0))))
    }

    /// Whether a decorator is one of ours that keeps nothing.
    fn passes(&mut self, file: ModuleId, ty: TyId, called: bool) -> bool {
        let found = self.eval(file, ty);
        let wanted = if called { MAKES_PASSING } else { PASSES };
        !found.values.is_empty()
            && found.values.iter().all(|value| match value {
                Value::Unit(unit) => self.flags(*unit) & wanted != 0,
                _ => false,
            })
    }

    fn used(&mut self, file: ModuleId, unit: UnitId, used: Use, uses: &mut FxHashSet<ProgramUse>) {
        match used {
            Use::Load(ty) => {
                let found = self.eval(file, ty);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                uses.extend(found.values.iter().filter_map(as_value));
                // a call of what is our class's instance, or a class made by the call
                if let Some(Ty::Call(_)) = self.symbols(file).and_then(|s| s.tys.get(ty as usize)) {
                    for value in &found.values {
                        if let Value::Instance(class) = value {
                            uses.insert(ProgramUse::Class(*class));
                        }
                    }
                }
            }
            Use::Touch(ty) => {
                let found = self.eval(file, ty);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                for value in &found.values {
                    match value {
                        Value::Unit(unit) => {
                            uses.insert(ProgramUse::Unit(*unit));
                        }
                        Value::Class(class) => self.head_used(*class, uses),
                        _ => {}
                    }
                }
            }
            Use::Attr(of, name) => {
                let word = self.word(file, name);
                let of = self.eval(file, of);
                uses.extend(of.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                for value in &of.values {
                    self.attr_used(value, word, uses);
                }
            }
            Use::Computed(of, name) => {
                let names = self.eval(file, name).values.clone();
                let known = names.iter().all(|value| matches!(value, Value::Text(_)));
                for value in self.eval(file, of).values.clone() {
                    if known && !names.is_empty() {
                        for name in &names {
                            let Value::Text(word) = name else { continue };
                            self.attr_used(&value, *word, uses);
                            let found = self.attribute(&value, *word);
                            uses.extend(found.values.iter().filter_map(as_value));
                        }
                        continue;
                    }
                    match value {
                        Value::Class(class) | Value::Instance(class) | Value::Super(class) => {
                            uses.insert(ProgramUse::All(class));
                        }
                        Value::Module(module) => {
                            uses.insert(ProgramUse::Everything(module));
                        }
                        Value::Any | Value::Dir(_) | Value::Unit(_) => {
                            self.program.units[unit as usize].habits.computes_names = true;
                        }
                        _ => {}
                    }
                }
            }
            Use::Called(ty) => {
                let found = self.eval(file, ty);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                uses.extend(found.values.iter().filter_map(|value| match value {
                    Value::Unit(unit) => Some(ProgramUse::Call(*unit)),
                    other => as_value(other),
                }));
            }
            Use::Import(import) => {
                for target in self.targets(file, import) {
                    self.runs(&target, uses);
                    let name = self
                        .symbols(file)
                        .and_then(|s| s.imports[import as usize].name.clone());
                    let Some(name) = name else { continue };
                    if let Value::Module(module) = target {
                        let asked = self.intern(&name);
                        uses.insert(match name.as_str() {
                            "*" => ProgramUse::Star(module),
                            _ => ProgramUse::Name(module, asked),
                        });
                        if name == "*" {
                            // what it takes is told by a list, where there is one
                            let list = self.intern("__all__");
                            let found = self.lookup(module, list).unwrap_or_default();
                            let touched = found.touched.iter();
                            uses.extend(touched.map(|unit| ProgramUse::Unit(*unit)));
                        }
                    }
                    // a star takes along the submodules that `__all__` names
                    let names = match (name.as_str(), &target) {
                        ("*", Value::Module(module)) => {
                            self.files[*module as usize].source.exports.clone()
                        }
                        _ => vec![name],
                    };
                    for name in names {
                        let word = self.intern(&name);
                        for child in self.children(&target, word) {
                            self.runs(&child, uses);
                        }
                    }
                }
            }
            Use::Prefix(name) => {
                let word = self.word(file, name);
                uses.insert(ProgramUse::Prefix(word));
            }
            Use::Fixture(name) => {
                let word = self.word(file, name);
                uses.insert(ProgramUse::Fixture(word));
            }
            Use::Text(name) => {
                let text = self
                    .symbols(file)
                    .map(|s| s.names[name as usize].clone())
                    .unwrap_or_default();
                self.text_used(file, &text, uses);
            }
        }
    }

    /// What importing a module runs. The packages around it are used by what it runs itself.
    fn runs(&mut self, target: &Value, uses: &mut FxHashSet<ProgramUse>) {
        if let Value::Module(module) = target
            && self.symbols(*module).is_some()
        {
            uses.insert(ProgramUse::Call(self.unit_id(*module, 0)));
        }
    }

    fn attr_used(&mut self, value: &Value, word: Word, uses: &mut FxHashSet<ProgramUse>) {
        match value {
            Value::Any => {
                uses.insert(ProgramUse::Any(word));
            }
            Value::Scalar | Value::Text(_) | Value::Outside | Value::Foreign | Value::Box(_) => {
                uses.insert(ProgramUse::Outside(word));
            }
            Value::Module(module) => {
                uses.insert(ProgramUse::Name(*module, word));
                let found = self.attribute(value, word);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                for value in &found.values {
                    if let Value::Unit(unit) = value {
                        uses.insert(ProgramUse::Unit(*unit));
                    }
                    // set by others, or made when asked for
                    if *value == Value::Any {
                        let getattr = self.intern("__getattr__");
                        for bound in self
                            .scope(*module)
                            .get(&getattr)
                            .cloned()
                            .unwrap_or_default()
                        {
                            if let Bound::Unit(unit) = bound {
                                uses.insert(ProgramUse::Unit(self.unit_id(*module, unit)));
                            }
                        }
                    }
                }
            }
            Value::Dir(_) => {}
            Value::Unit(unit) => {
                if self.flags(*unit) & GIVEN_AWAY != 0 {
                    uses.insert(ProgramUse::Any(word));
                }
            }
            Value::Class(class) | Value::Instance(class) => {
                if matches!(value, Value::Class(_)) {
                    self.head_used(*class, uses);
                }
                let mut members = self.nearest(*class, word);
                for heir in self.all_heirs(*class) {
                    members.extend(self.own(heir, word));
                }
                if members.is_empty() {
                    uses.insert(ProgramUse::Any(word));
                    return;
                }
                uses.insert(ProgramUse::Of(*class, word));
                let is_value = members.iter().any(|(_, m)| !matches!(m, Member::Unit(_)));
                if is_value && matches!(value, Value::Class(_)) {
                    // an enumeration's members are its instances
                    uses.insert(ProgramUse::Class(*class));
                }
                let found = self.attribute(value, word);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
            }
            Value::Super(class) => {
                uses.insert(ProgramUse::Super(*class, word));
            }
        }
    }

    /// What a class is called and what it extends, where no instance need be made.
    fn head_used(&self, class: ClassId, uses: &mut FxHashSet<ProgramUse>) {
        let head = self.program.classes[class as usize].head;
        uses.extend(head.map(ProgramUse::Call));
    }

    /// A text that leads to a module and on to a name in it.
    fn text_used(&mut self, file: ModuleId, text: &str, uses: &mut FxHashSet<ProgramUse>) {
        let parts: Vec<&str> = text.split(['.', ':']).collect();
        let Some(top) = parts.first().copied().filter(|top| !top.is_empty()) else {
            return;
        };
        let starts = self
            .resolver
            .starts(&self.files[file as usize], top, Wide::Roots);
        for start in starts {
            for cut in (1..=parts.len()).rev() {
                let found = self
                    .resolver
                    .modules
                    .follow(start, parts[..cut].iter().copied());
                if found.parts != cut || found.files.is_empty() {
                    continue;
                }
                let modules: Vec<Value> = self.files_as_modules(&found.files);
                for module in modules {
                    self.runs(&module, uses);
                    if let Value::Module(id) = module {
                        uses.insert(ProgramUse::Module(id));
                    }
                    let mut values = vec![module];
                    for part in &parts[cut..] {
                        let word = self.intern(part);
                        let mut next = Vec::new();
                        for value in &values {
                            self.attr_used(value, word, uses);
                            next.extend(self.attribute(value, word).values);
                        }
                        values = next;
                    }
                    uses.extend(values.iter().filter_map(as_value));
                }
                break;
            }
        }
    }

    fn files_as_modules(&self, files: &[u32]) -> Vec<Value> {
        let ours = files
            .iter()
            .filter(|file| (**file as usize) < self.files.len());
        ours.map(|file| Value::Module(*file)).collect()
    }

    /// The modules that an import names.
    pub(super) fn targets(&mut self, file: ModuleId, import: u32) -> Vec<Value> {
        if let Some(found) = self.targets.get(&(file, import)) {
            return found.clone();
        }
        let Some(imported) = self
            .symbols(file)
            .and_then(|s| s.imports.get(import as usize))
        else {
            return Vec::new();
        };
        let own = &self.files[file as usize];
        let parts: Vec<&str> = imported
            .module
            .split('.')
            .filter(|p| !p.is_empty())
            .collect();
        let starts = match imported.level {
            0 => {
                let top = parts.first().copied().unwrap_or_default();
                self.resolver.starts(own, top, Wide::Anywhere)
            }
            level => {
                let up = self
                    .resolver
                    .modules
                    .upwards(own.dir)
                    .nth((level - 1) as usize);
                up.into_iter().collect()
            }
        };
        let mut values = Vec::new();
        for start in starts {
            if parts.is_empty() {
                values.extend(self.files_as_modules(&self.resolver.init_of(start)));
                values.push(Value::Dir(start));
                continue;
            }
            let found = self.resolver.modules.follow(start, parts.iter().copied());
            if found.parts == parts.len() {
                values.extend(self.files_as_modules(&found.files));
                values.extend(found.dir.map(Value::Dir));
            }
        }
        self.targets.insert((file, import), values.clone());
        values
    }

    /// Modules below a module or directory.
    pub(super) fn children(&mut self, module: &Value, word: Word) -> Vec<Value> {
        let dir = match module {
            Value::Dir(dir) => *dir,
            Value::Module(file) if self.files[*file as usize].path.stem() == b"__init__" => {
                self.files[*file as usize].dir
            }
            _ => return Vec::new(),
        };
        let name = self.text(word).to_owned();
        let found = self
            .resolver
            .modules
            .follow(dir, std::iter::once(name.as_str()));
        if found.parts == 0 {
            return Vec::new();
        }
        let mut values = self.files_as_modules(&found.files);
        values.extend(found.dir.map(Value::Dir));
        values
    }

    /// Star imports of a module, by place among its imports.
    pub(super) fn stars(&self, file: ModuleId) -> Vec<u32> {
        let Some(symbols) = self.symbols(file) else {
            return Vec::new();
        };
        let all = symbols.imports.iter().enumerate();
        all.filter(|(_, import)| import.name.as_deref() == Some("*"))
            .map(|(at, _)| at as u32)
            .collect()
    }

    /// The functions of a module that an installed command starts.
    fn script(&mut self, module: &str) {
        let parts: Vec<&str> = module.split(['.', ':']).collect();
        let Some(top) = parts.first().copied() else {
            return;
        };
        for start in self.resolver.modules.holders(top).to_vec() {
            let found = self.resolver.modules.follow(start, parts.iter().copied());
            for file in found.files {
                let Some(symbols) = self.symbols(file) else {
                    continue;
                };
                for (place, unit) in symbols.units.iter().enumerate() {
                    if unit.kind == Kind::Function && unit.class.is_none() {
                        let id = self.unit_id(file, place as u32);
                        self.program.modules[file as usize].main.push(id);
                    }
                }
            }
        }
    }
}

/// What using a value as a value may lead to.
fn as_value(value: &Value) -> Option<ProgramUse> {
    match value {
        Value::Unit(unit) => Some(ProgramUse::Unit(*unit)),
        Value::Class(class) => Some(ProgramUse::Class(*class)),
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

/// Whether code at this path helps tests: its classes may stand in for any other.
fn is_test_code(path: &RepoPath) -> bool {
    use bstr::ByteSlice;
    path.as_bytes()
        .split_str("/")
        .any(|part| part.starts_with(b"test") || part.starts_with(b"conftest"))
        || path.stem().ends_with(b"_test")
}

/// Whether a file holds tests, or stands in a folder of tests.
fn is_test_file(path: &RepoPath) -> bool {
    use bstr::ByteSlice;
    let name = path.file_name();
    let folder = path.parent().unwrap_or_default();
    let mut folders = folder.as_bytes().split_str("/");
    name.starts_with(b"test_")
        || path.stem().ends_with(b"_test")
        || name == b"conftest.py"
        || folders.any(|part| matches!(part, b"test" | b"tests"))
}

/// Bases that call nothing.
fn is_bare(name: &str) -> bool {
    matches!(name, "object" | "ABC" | "Generic" | "Protocol")
}

/// Bases that call nothing but what Python's operators call.
fn is_quiet(name: &str) -> bool {
    name.ends_with("Error")
        || name.ends_with("Exception")
        || name.ends_with("Warning")
        || matches!(
            name,
            "str"
                | "int"
                | "float"
                | "bytes"
                | "bytearray"
                | "dict"
                | "list"
                | "tuple"
                | "set"
                | "frozenset"
                | "Mapping"
                | "MutableMapping"
                | "Sequence"
                | "MutableSequence"
                | "Set"
                | "MutableSet"
                | "Collection"
                | "Iterable"
                | "Iterator"
                | "Container"
                | "Hashable"
                | "Sized"
                | "Callable"
                | "OrderedDict"
                | "defaultdict"
                | "deque"
                | "UserDict"
                | "UserList"
                | "local"
                | "ContextManager"
                | "AbstractContextManager"
                | "Dict"
                | "List"
                | "KeysView"
                | "ValuesView"
        )
}
