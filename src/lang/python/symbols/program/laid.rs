//! Places for all units, classes and names of a program, and what is known of them from one file alone.

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::{
    ABSTRACT, ANY_FIXTURE, CACHED, COLLECTS, DECORATED, DRAWS, DYNAMIC, ELSEWHERE, EMPTY, IMPORTS,
    LISTS, LOOKS_AROUND, MAY_FAIL, READS_DOCS, READS_HEADS, READS_SOURCES, REFLECTS, REPLACED,
    SPAWNS, TAKES_NOTHING, WIDE,
};
use super::super::{Bound, Kind, Member, NameId, Symbols, TyId, Unit};
use super::{LinkedFile, is_named, last_part};
use crate::lang::python::resolve::{File, Resolver};
use crate::model::{
    ClassId, Habits, ModuleId, Program, ProgramClass, ProgramLeft, ProgramModule, ProgramUnit,
    ProgramUse, RepoPath, UnitId, Word, Wrapping,
};

/// A program before its units are linked.
#[derive(Clone)]
pub(in crate::lang::python::symbols) struct Laid<'a> {
    pub(super) resolver: &'a Resolver<'a, 'a>,
    pub(super) files: &'a [File<'a>],
    pub(super) symbols: Vec<Option<&'a Symbols>>,
    /// For each file the first of its units and classes.
    pub(super) units: Vec<UnitId>,
    pub(super) classes: Vec<ClassId>,
    pub(in crate::lang::python::symbols) scopes: Vec<FxHashMap<Word, Vec<Bound>>>,
    pub(super) words: FxHashMap<String, Word>,
    pub(super) own: Vec<FxHashMap<Word, Vec<Member>>>,
    /// The classes that define a name.
    pub(super) definers: FxHashMap<Word, Vec<ClassId>>,
    /// What objects are given under a name by code that is not theirs.
    pub(in crate::lang::python::symbols) set_outside: FxHashMap<Word, Vec<(ModuleId, TyId)>>,
    /// Classes whose instances may be given anything under any name.
    pub(in crate::lang::python::symbols) filled: FxHashSet<ClassId>,
    /// Somebody asks a class for its heirs.
    pub(super) lists_heirs: bool,
    pub(in crate::lang::python::symbols) program: Program,
}

impl<'a> Laid<'a> {
    /// What these files hold; those without symbols are taken to be outside.
    pub(super) fn new(
        resolver: &'a Resolver<'a, 'a>,
        files: &'a [File<'a>],
        symbols: Vec<Option<&'a Symbols>>,
    ) -> Self {
        let mut all = symbols.iter().flatten();
        let mut laid = Self {
            resolver,
            files,
            lists_heirs: all.any(|s| s.names.iter().any(|name| name == "__subclasses__")),
            symbols,
            units: Vec::new(),
            classes: Vec::new(),
            scopes: Vec::new(),
            words: FxHashMap::default(),
            own: Vec::new(),
            definers: FxHashMap::default(),
            set_outside: FxHashMap::default(),
            filled: FxHashSet::default(),
            program: Program::default(),
        };
        laid.lay_out();
        laid
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

    fn unit_id(&self, file: ModuleId, unit: u32) -> UnitId {
        self.units[file as usize] + unit
    }

    fn class_id(&self, file: ModuleId, class: u32) -> ClassId {
        self.classes[file as usize] + class
    }

    /// Where somebody who takes arguments under any name looks names up that it computes, those of arguments are among them.
    pub(super) fn collect(&mut self) {
        let looks = |(id, unit): (UnitId, &Unit)| {
            let habits = self.program.units[id as usize].habits;
            unit.flags & COLLECTS != 0 && (habits.computes_names || habits.reflects)
        };
        if !self.all_units().any(looks) {
            return;
        }
        for file in 0..self.files.len() {
            let Some(symbols) = self.symbols[file] else {
                continue;
            };
            for (id, unit) in (self.units[file]..).zip(&symbols.units) {
                for name in &unit.keywords {
                    let word = self.intern(&symbols.names[*name as usize]);
                    self.program.units[id as usize].keywords.push(word);
                }
            }
        }
    }

    fn all_units(&self) -> impl Iterator<Item = (UnitId, &'a Unit)> {
        let files = self.symbols.iter().zip(&self.units);
        let files = files.filter_map(|(symbols, first)| Some((*first, (*symbols)?)));
        files.flat_map(|(first, symbols)| (first..).zip(&symbols.units))
    }

    /// Adds what was found of a file, with these words in place of its own.
    pub(super) fn put(&mut self, found: LinkedFile, word: &dyn Fn(Word) -> Word) {
        let place = found.file as usize;
        let first = self.units[place] as usize;
        let renamed = |used: ProgramUse| used.with_word(word);
        for (at, linked) in found.units.into_iter().enumerate() {
            let unit = &mut self.program.units[first + at];
            unit.uses = linked.uses.into_iter().map(renamed).collect();
            let shares = linked.shares.into_iter();
            unit.shares = shares.map(|(module, own)| (module, word(own))).collect();
            unit.wrapping = linked.wrapping;
            unit.kept = linked.kept;
            unit.unsound = linked.unsound;
            unit.habits.apart = linked.apart;
            unit.habits.computes_names |= linked.computes_names;
            unit.habits.reflects |= linked.reflects;
        }
        let module = &mut self.program.modules[place];
        module.imports = found.imports;
        module.quiet = found.quiet;
        let members = found.members.into_iter();
        module.members = members
            .map(|(own, uses)| (word(own), uses.into_iter().map(renamed).collect()))
            .collect();
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
                opaque: self.symbols[at as usize]
                    .is_none()
                    .then(|| "could not be read in full".to_owned()),
                ..ProgramModule::default()
            };
            let mut scope: FxHashMap<Word, Vec<Bound>> = FxHashMap::default();
            let mut heads: FxHashMap<u32, UnitId> = FxHashMap::default();
            if let Some(symbols) = self.symbols[at as usize] {
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
                    let mut interned = |names: &[NameId]| -> Vec<Word> {
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
                        through: left
                            .through
                            .map(|name| self.intern(&symbols.names[name as usize])),
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
                        keywords: Vec::new(),
                        shares: Vec::new(),
                        looks_up,
                        in_head: Vec::new(),
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
                            draws: habit(DRAWS) && unit.kind == Kind::Function,
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
                        may_inherit: class.may_inherit,
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
}
