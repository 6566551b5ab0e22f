//! Files put together: which units the names of each unit may mean.
//!
//! A name means everything so called that the file can see. A method needs its name and its type: a value of a type can
//! only be there where reached code names the type, an alias of it, or something that names it in its signature. So a
//! type is a class of which instances may be made by whoever names it. What traits from outside call (`Drop`, `Deref`,
//! operators, iterators, formatting) needs no name but the type's. Impls for anything else than a type of the tree are
//! as good as free functions, called by name.
//!
//! Not seen: calls of items without `pub` from other files than those that privacy allows.

use rustc_hash::{FxHashMap, FxHashSet};

use super::locals::Locals;
use super::{DOCS, How, Kind, Path, REST, Symbols, Unit};
use crate::lang::FileFacts;
use crate::lang::rust::macros::Makers;
use crate::lang::rust::modules::{Sources, Walk, sources, walk};
use crate::lang::rust::source::Base;
use crate::lang::rust::targets::Target;
use crate::lang::rust::workspace::{Package, Project};
use crate::model::{
    ClassId, ModuleId, Program, ProgramClass, ProgramModule, ProgramSuite, ProgramUnit, ProgramUse,
    RepoPath, Snapshot, UnitId, Word,
};

/// A target with the files it is made of.
struct Part<'p, 'f> {
    package: &'p Package<'f>,
    target: &'p Target,
    walked: Walk,
}

/// The program that some files make; the others are taken to be outside.
pub(in crate::lang::rust) fn program(
    all: &[FileFacts<'_>],
    tree: &Snapshot,
    wanted: &dyn Fn(&RepoPath) -> bool,
) -> Program {
    let project = Project::of(all, tree);
    let sources = sources(all);
    let makers = Makers::of(&sources);
    let mut parts = Vec::new();
    let mut crates = FxHashSet::default();
    for package in project.packages.values() {
        crates.insert(package.name.replace('-', "_"));
        // what a build script does is over when tests run
        for target in package
            .targets
            .iter()
            .filter(|target| target.kind.is_some())
        {
            crates.insert(target.name.replace('-', "_"));
            if tree.find(&target.root).is_some_and(|root| wanted(&root)) {
                let walked = walk(&target.root, &package.dir, &sources, &makers, tree);
                parts.push(Part {
                    package,
                    target,
                    walked,
                });
            }
        }
    }
    let mut paths: Vec<&RepoPath> = parts.iter().flat_map(|part| &part.walked.files).collect();
    paths.retain(|path| wanted(path));
    paths.sort();
    paths.dedup();
    let files: Vec<File<'_>> = paths.iter().map(|path| File::new(path, &sources)).collect();
    let locals = Locals::new(crates, files.iter().filter_map(|file| file.symbols));
    let mut linker = Linker::new(files, locals);
    linker.close(&sources);
    linker.lay_out();
    linker.define();
    linker.implement();
    linker.link();
    for part in &parts {
        linker.suites(part);
    }
    linker.program
}

/// A file of the program.
struct File<'a> {
    path: &'a RepoPath,
    symbols: Option<&'a Symbols>,
    blind: Option<String>,
    /// What has no `pub` cannot be named from other files.
    closed: bool,
}

impl<'a> File<'a> {
    fn new(path: &'a RepoPath, sources: &Sources<'a>) -> Self {
        let source = sources.get(path).map(|file| file.source);
        let symbols = source.and_then(|source| source.symbols.as_deref());
        let generated = source.is_some_and(|source| {
            source
                .includes
                .iter()
                .any(|i| i.code && matches!(i.base, Base::Generated | Base::Computed))
        });
        let blind = match (symbols, source) {
            (Some(symbols), Some(source)) => symbols.blind.clone().or_else(|| {
                let cargo = source.uses.runs_cargo.then(|| "runs Cargo".to_owned());
                cargo.or_else(|| generated.then(|| "holds generated code".to_owned()))
            }),
            _ => Some("could not be read in full".to_owned()),
        };
        let closed = source.is_some_and(|source| {
            source.mods.is_empty()
                && source.mod_dirs.is_empty()
                && !source.any_module
                && !source.includes.iter().any(|include| include.code)
        });
        Self {
            path,
            symbols,
            blind,
            closed,
        }
    }
}

/// A type, with the classes that its members are kept in.
#[derive(Clone, Copy)]
struct Type {
    module: ModuleId,
    hidden: bool,
    /// Members that are called by name.
    named: ClassId,
    /// Members that are called without being named.
    open: ClassId,
}

/// What an impl belongs to.
struct Place {
    /// The types of the tree that it needs; none where it may be of anything.
    types: Vec<Type>,
    /// Its trait is from outside: somebody unseen may call what is in it.
    unseen: bool,
}

struct Linker<'a> {
    files: Vec<File<'a>>,
    locals: Locals<'a>,
    words: FxHashMap<String, Word>,
    /// Where each name of each file is among the words.
    own_words: Vec<Vec<Word>>,
    /// What a name leads to from everywhere, and within one file.
    plain: FxHashMap<Word, Vec<UnitId>>,
    hidden: FxHashMap<(ModuleId, Word), Vec<UnitId>>,
    /// The same within any file, for macros, whose bodies are looked up where they are called.
    anywhere: FxHashMap<Word, Vec<UnitId>>,
    /// The words by which members without `pub` are called in their file.
    scoped: FxHashMap<(ModuleId, Word), Word>,
    scoped_anywhere: FxHashMap<Word, Vec<Word>>,
    types: FxHashMap<Word, Vec<Type>>,
    traits: FxHashSet<Word>,
    aliases: FxHashSet<Word>,
    macros: FxHashMap<Word, Vec<UnitId>>,
    /// What else may be a macro: renamed ones, and what other macros define.
    named_macros: FxHashMap<Word, Vec<UnitId>>,
    /// What looks like a type may be a module.
    odd: bool,
    /// Types whose variants are imported; all of them may be.
    opened: FxHashSet<Word>,
    opens: bool,
    /// Headers of impls that belong to no type of the tree, by trait.
    blanket: FxHashMap<Word, Vec<UnitId>>,
    /// The class of each file whose members need no type.
    free: Vec<ClassId>,
    program: Program,
}

impl<'a> Linker<'a> {
    fn new(files: Vec<File<'a>>, locals: Locals<'a>) -> Self {
        Self {
            files,
            locals,
            words: FxHashMap::default(),
            own_words: Vec::new(),
            plain: FxHashMap::default(),
            hidden: FxHashMap::default(),
            anywhere: FxHashMap::default(),
            scoped: FxHashMap::default(),
            scoped_anywhere: FxHashMap::default(),
            types: FxHashMap::default(),
            traits: FxHashSet::default(),
            aliases: FxHashSet::default(),
            macros: FxHashMap::default(),
            named_macros: FxHashMap::default(),
            odd: false,
            opened: FxHashSet::default(),
            opens: false,
            blanket: FxHashMap::default(),
            free: Vec::new(),
            program: Program::default(),
        }
    }

    /// Opens the files that others paste in.
    fn close(&mut self, sources: &Sources<'_>) {
        let mut pasted: FxHashSet<Vec<u8>> = FxHashSet::default();
        for file in sources.values() {
            for include in file.source.includes.iter().filter(|include| include.code) {
                pasted.insert(RepoPath::from(include.path.as_str()).file_name().to_vec());
            }
        }
        for file in &mut self.files {
            file.closed &= !pasted.contains(file.path.file_name());
        }
    }

    fn word(&mut self, text: &str) -> Word {
        if let Some(&word) = self.words.get(text) {
            return word;
        }
        let word = self.program.words.len() as Word;
        self.program.words.push(text.to_owned());
        self.words.insert(text.to_owned(), word);
        word
    }

    fn class(&mut self, module: ModuleId, open: bool) -> ClassId {
        self.program.classes.push(ProgramClass {
            module,
            open,
            ..ProgramClass::default()
        });
        self.program.classes.len() as ClassId - 1
    }

    /// Every unit with its file.
    fn units(&self) -> Vec<(ModuleId, UnitId, &'a Unit)> {
        let files = self.files.iter().enumerate();
        files
            .flat_map(|(at, file)| {
                let first = self.program.modules[at].first;
                let units = file.symbols.map_or(&[][..], |symbols| &symbols.units);
                (first..)
                    .zip(units)
                    .map(move |(id, unit)| (at as ModuleId, id, unit))
            })
            .collect()
    }

    /// The unit that another stands in.
    fn holder(&self, module: ModuleId, unit: &Unit) -> Option<(UnitId, &'a Unit)> {
        let at = unit.holder?;
        let symbols = self.files[module as usize].symbols?;
        let first = self.program.modules[module as usize].first;
        Some((first + at, symbols.units.get(at as usize)?))
    }

    /// Modules, units and words.
    fn lay_out(&mut self) {
        for at in 0..self.files.len() {
            let file = &self.files[at];
            let (path, symbols, blind) = (file.path.clone(), file.symbols, file.blind.clone());
            let (module, first) = (at as ModuleId, self.program.units.len() as UnitId);
            let mut runs = Vec::new();
            let mut main = Vec::new();
            let mut words = Vec::new();
            if let Some(symbols) = symbols {
                words = symbols.names.iter().map(|name| self.word(name)).collect();
                for (id, unit) in (first..).zip(&symbols.units) {
                    if unit.kept || id == first + REST {
                        runs.push(id);
                    }
                    if unit.name == "main" {
                        main.push(id);
                    }
                    let mut laid = ProgramUnit {
                        name: unit.name.clone(),
                        module,
                        lines: unit.lines,
                        ..ProgramUnit::default()
                    };
                    laid.habits.spawns = unit.spawns;
                    self.program.units.push(laid);
                }
            }
            if let Some(symbols) = symbols {
                self.opens |= symbols.opens;
                let opened = symbols.opened.iter().map(|name| words[*name as usize]);
                self.opened.extend(opened);
                let looks_like_type =
                    |name: &u32| symbols.text(*name).starts_with(char::is_uppercase);
                let renamed = symbols.units.iter().any(|unit| {
                    let used = unit.uses.first().map(|(name, _)| name);
                    unit.kind == Kind::Alias
                        && unit.holder.is_none()
                        && unit.own.iter().any(looks_like_type)
                        && unit.uses.len() == 1
                        && !used.is_some_and(looks_like_type)
                });
                self.odd |= renamed || symbols.mods.iter().any(looks_like_type);
            }
            self.own_words.push(words);
            let free = self.class(module, false);
            self.free.push(free);
            self.program.modules.push(ProgramModule {
                path,
                first,
                runs,
                main,
                opaque: blind,
                ..ProgramModule::default()
            });
        }
    }

    fn is_hidden(&self, module: ModuleId, unit: &Unit) -> bool {
        unit.hidden && self.files[module as usize].closed
    }

    /// Ties names to the units that they lead to.
    fn define(&mut self) {
        for (module, id, unit) in self.units() {
            let own = |this: &Self, name: u32| this.own_words[module as usize][name as usize];
            let first = unit.own.first().map(|name| own(self, *name));
            match unit.kind {
                Kind::Type => {
                    let (named, open) = (self.class(module, false), self.class(module, true));
                    let uses = &mut self.program.units[id as usize].uses;
                    uses.extend([ProgramUse::Class(named), ProgramUse::Class(open)]);
                    let hidden = self.is_hidden(module, unit);
                    let found = Type {
                        module,
                        hidden,
                        named,
                        open,
                    };
                    self.types
                        .entry(first.unwrap_or_default())
                        .or_default()
                        .push(found);
                }
                Kind::Trait => self.traits.extend(first),
                Kind::Alias if unit.holder.is_none() => self.aliases.extend(first),
                Kind::Macro => self
                    .macros
                    .entry(first.unwrap_or_default())
                    .or_default()
                    .push(id),
                _ => {}
            }
            if unit.holder.is_some() || matches!(unit.kind, Kind::Call | Kind::Macro) {
                continue;
            }
            for (at, &name) in unit.own.iter().enumerate() {
                let word = own(self, name);
                // a variant can be named without its type where a `use` goes through the type
                let variant = unit.kind == Kind::Type && at > 0;
                if variant && !self.opens && !first.is_some_and(|of| self.opened.contains(&of)) {
                    continue;
                }
                if unit.kind == Kind::Alias {
                    self.named_macros.entry(word).or_default().push(id);
                }
                self.lead(module, word, id, self.is_hidden(module, unit));
            }
        }
    }

    /// A name leads to a unit.
    fn lead(&mut self, module: ModuleId, word: Word, unit: UnitId, hidden: bool) {
        if hidden {
            self.hidden.entry((module, word)).or_default().push(unit);
            self.anywhere.entry(word).or_default().push(unit);
        } else {
            self.plain.entry(word).or_default().push(unit);
        }
    }

    /// A name of objects leads to a unit.
    fn member(
        &mut self,
        classes: &[ClassId],
        module: ModuleId,
        word: Word,
        unit: UnitId,
        hidden: bool,
    ) {
        let mut word = word;
        if hidden {
            word = match self.scoped.get(&(module, word)) {
                Some(&scoped) => scoped,
                None => {
                    let text = format!("{} in {module}", self.program.words[word as usize]);
                    let scoped = self.word(&text);
                    self.scoped.insert((module, word), scoped);
                    self.scoped_anywhere.entry(word).or_default().push(scoped);
                    scoped
                }
            };
        }
        for &class in classes {
            let members = &mut self.program.classes[class as usize].members;
            members.entry(word).or_default().push(unit);
        }
    }

    /// The types that a path of a header means, where it surely means types of the tree.
    fn types_of(&self, module: ModuleId, path: Path) -> Vec<Type> {
        let Some(symbols) = self.files[module as usize].symbols else {
            return Vec::new();
        };
        let word = self.own_words[module as usize][path.name as usize];
        if self.aliases.contains(&word) || !self.locals.sure(symbols, path) {
            return Vec::new();
        }
        let all = self.types.get(&word).into_iter().flatten();
        all.filter(|found| !found.hidden || found.module == module)
            .copied()
            .collect()
    }

    /// Ties the items of impls and traits, and macro calls, to what leads to them.
    fn implement(&mut self) {
        for (module, id, unit) in self.units() {
            match unit.kind {
                Kind::Call => self.called(module, id, unit),
                Kind::Impl => self.header(module, id, unit),
                _ => {}
            }
        }
        for (module, id, unit) in self.units() {
            if let Some((holder, around)) = self.holder(module, unit)
                && unit.kind != Kind::Call
            {
                self.item(module, (id, unit), (holder, around));
            }
        }
    }

    /// The header of an impl comes with its type; without one, with its items and the defaults of its trait.
    fn header(&mut self, module: ModuleId, id: UnitId, unit: &Unit) {
        let place = self.place(module, unit);
        if place.types.is_empty() && !place.unseen {
            let header = unit.header.as_ref().and_then(|header| header.of_trait);
            if let Some(path) = header.flatten() {
                let word = self.own_words[module as usize][path.name as usize];
                self.blanket.entry(word).or_default().push(id);
            }
        } else {
            self.always(module, id, &place.types);
        }
    }

    /// An item of an impl or trait.
    fn item(
        &mut self,
        module: ModuleId,
        (id, unit): (UnitId, &Unit),
        (holder, around): (UnitId, &Unit),
    ) {
        let Some(word) = unit.own.first() else { return };
        let word = self.own_words[module as usize][*word as usize];
        let free = [self.free[module as usize]];
        if around.kind != Kind::Impl {
            // a default: whoever has the trait may call it
            self.member(&free, module, word, id, false);
            let name = around
                .own
                .first()
                .map(|name| self.own_words[module as usize][*name as usize]);
            let headers = name
                .and_then(|name| self.blanket.get(&name))
                .into_iter()
                .flatten();
            let headers: Vec<ProgramUse> = headers.map(|id| ProgramUse::Call(*id)).collect();
            self.program.units[id as usize].uses.extend(headers);
            return;
        }
        let place = self.place(module, around);
        let typed = !place.types.is_empty();
        if place.unseen || (typed && unit.kind == Kind::Alias) {
            self.always(module, id, &place.types);
        }
        let named: Vec<ClassId> = place.types.iter().map(|found| found.named).collect();
        let classes = if typed { &named[..] } else { &free[..] };
        self.member(classes, module, word, id, self.is_hidden(module, unit));
        self.program.units[id as usize]
            .uses
            .push(ProgramUse::Call(holder));
    }

    /// What an impl belongs to, and whether somebody unseen may call what is in it.
    fn place(&self, module: ModuleId, holder: &Unit) -> Place {
        let Some(header) = &holder.header else {
            return Place {
                types: Vec::new(),
                unseen: true,
            };
        };
        let symbols = self.files[module as usize].symbols;
        let here = |path: &Path| {
            let word = self.own_words[module as usize][path.name as usize];
            self.traits.contains(&word) && symbols.is_some_and(|s| self.locals.sure(s, *path))
        };
        let unseen = match &header.of_trait {
            None => false,
            Some(path) => !path.as_ref().is_some_and(here),
        };
        let own = header
            .of
            .map(|path| self.types_of(module, path))
            .unwrap_or_default();
        if !own.is_empty() || header.of_trait.is_none() {
            return Place { types: own, unseen };
        }
        // `impl From<A> for String` needs an `A`
        let others = header
            .others
            .iter()
            .map(|path| self.types_of(module, *path));
        let types = others.into_iter().find(|types| !types.is_empty());
        Place {
            types: types.unwrap_or_default(),
            unseen,
        }
    }

    /// A unit is reached with any of these types, or always where there are none.
    fn always(&mut self, module: ModuleId, unit: UnitId, types: &[Type]) {
        if types.is_empty() {
            self.program.modules[module as usize].runs.push(unit);
        }
        let word = self.word("");
        for found in types {
            let members = &mut self.program.classes[found.open as usize].members;
            members.entry(word).or_default().push(unit);
        }
    }

    /// A macro call among items: what it defines is named by what it is given, or in the macro.
    fn called(&mut self, module: ModuleId, id: UnitId, unit: &Unit) {
        let words = &self.own_words[module as usize];
        let mut names: FxHashSet<Word> = FxHashSet::default();
        let mut written: FxHashSet<Word> = FxHashSet::default();
        let mut all = false;
        let mut methods = unit.holder.is_some();
        let mut open: Vec<Word> = unit
            .defines
            .iter()
            .map(|name| words[*name as usize])
            .collect();
        let mut seen: FxHashSet<Word> = open.iter().copied().collect();
        while let Some(word) = open.pop() {
            for &found in self.macros.get(&word).into_iter().flatten() {
                let (file, made) = self.unit(found);
                methods |= made.methods;
                let given = made.items.iter().flatten();
                let given = given.map(|at| unit.given.get(*at as usize).copied().flatten());
                for name in given {
                    match name {
                        Some(name) => {
                            names.insert(words[name as usize]);
                        }
                        None => all = true,
                    }
                }
                // what inner calls are given is not followed
                all |= made.items.is_none() || !made.calls.is_empty();
                let words = &self.own_words[file as usize];
                written.extend(made.defines.iter().map(|name| words[*name as usize]));
                let calls = made.calls.iter().map(|name| words[*name as usize]);
                open.extend(calls.filter(|word| seen.insert(*word)));
            }
        }
        let naming = |word: &Word| NAMING.contains(&self.program.words[*word as usize].as_str());
        let known = seen
            .iter()
            .all(|word| self.macros.contains_key(word) || naming(word));
        if all || seen.iter().any(|word| !self.macros.contains_key(word)) {
            written.extend(unit.own.iter().map(|name| words[*name as usize]));
        }
        if methods {
            written.extend(names.iter().copied());
        }
        if !known {
            self.program.modules[module as usize].runs.push(id);
        }
        let free = [self.free[module as usize]];
        for &word in &written {
            self.member(&free, module, word, id, false);
        }
        names.extend(written);
        for word in names {
            self.lead(module, word, id, false);
            self.named_macros.entry(word).or_default().push(id);
        }
    }

    fn unit(&self, id: UnitId) -> (ModuleId, &'a Unit) {
        let module = self.program.units[id as usize].module;
        let first = self.program.modules[module as usize].first;
        let symbols = self.files[module as usize].symbols;
        let units = symbols.map_or(&[][..], |symbols| &symbols.units);
        (module, &units[(id - first) as usize])
    }

    /// What each unit uses.
    fn link(&mut self) {
        for (module, id, unit) in self.units() {
            let mut uses = std::mem::take(&mut self.program.units[id as usize].uses);
            if id == self.program.modules[module as usize].first + REST {
                uses.push(ProgramUse::Class(self.free[module as usize]));
            }
            let everywhere = unit.kind == Kind::Macro;
            let outside = self.renames_outside(module, unit);
            for &(name, how) in unit.uses.iter().filter(|_| !outside) {
                let word = self.own_words[module as usize][name as usize];
                let how = match how {
                    How::Of if self.odd => How::Any,
                    how => how,
                };
                if matches!(how, How::Plain | How::Local | How::Any | How::Word) {
                    let first = uses.len();
                    self.plain_uses(module, word, everywhere, unit.kind, &mut uses);
                    if how == How::Local {
                        // a variable hides functions, and must not be called like anything else
                        let mut at = 0;
                        uses.retain(|used| {
                            at += 1;
                            at <= first || !self.is_function(*used)
                        });
                    }
                }
                if matches!(how, How::Macro | How::Any | How::Word) || unit.kind == Kind::Alias {
                    let all = self.macros.get(&word).into_iter().flatten();
                    uses.extend(all.map(|unit| ProgramUse::Call(*unit)));
                    let all = self.named_macros.get(&word).into_iter().flatten();
                    uses.extend(all.map(|unit| ProgramUse::Call(*unit)));
                }
                if matches!(how, How::Member | How::Of | How::Any | How::Word) {
                    self.member_uses(module, word, everywhere, unit.kind, &mut uses);
                }
                if how == How::Word {
                    self.module_uses(word, &mut uses);
                }
            }
            uses.sort_unstable();
            uses.dedup();
            self.program.units[id as usize].uses = uses;
        }
    }

    fn is_function(&self, used: ProgramUse) -> bool {
        let ProgramUse::Call(unit) = used else {
            return false;
        };
        matches!(self.unit(unit).1.kind, Kind::Function | Kind::Test)
    }

    /// Whether a unit only gives something from outside another name.
    fn renames_outside(&self, module: ModuleId, unit: &Unit) -> bool {
        let symbols = self.files[module as usize].symbols;
        let (Some(symbols), Kind::Alias, None) = (symbols, unit.kind, unit.holder) else {
            return false;
        };
        let own = unit.own.first().copied();
        let mut imported = symbols
            .imports
            .iter()
            .filter(|import| import.name == own)
            .peekable();
        imported.peek().is_some()
            && unit.uses.len() == 1
            && imported.all(|import| !self.locals.starts_here(symbols, import.root))
    }

    fn plain_uses(
        &self,
        module: ModuleId,
        word: Word,
        everywhere: bool,
        kind: Kind,
        out: &mut Vec<ProgramUse>,
    ) {
        let all = self.plain.get(&word).into_iter().flatten();
        let hidden = match (everywhere, kind) {
            (true, _) => self.anywhere.get(&word),
            (_, Kind::Docs) => None,
            _ => self.hidden.get(&(module, word)),
        };
        out.extend(
            all.chain(hidden.into_iter().flatten())
                .map(|unit| ProgramUse::Call(*unit)),
        );
    }

    fn member_uses(
        &self,
        module: ModuleId,
        word: Word,
        everywhere: bool,
        kind: Kind,
        out: &mut Vec<ProgramUse>,
    ) {
        out.push(ProgramUse::Any(word));
        match (everywhere, kind) {
            (true, _) => {
                let all = self.scoped_anywhere.get(&word).into_iter().flatten();
                out.extend(all.map(|word| ProgramUse::Any(*word)));
            }
            (_, Kind::Docs) => {}
            _ => out.extend(
                self.scoped
                    .get(&(module, word))
                    .map(|word| ProgramUse::Any(*word)),
            ),
        }
    }

    /// All units of the modules of this name.
    fn module_uses(&self, word: Word, out: &mut Vec<ProgramUse>) {
        let text = self.program.words[word as usize].as_str();
        for (module, id, unit) in self.units() {
            let path = self.files[module as usize].path;
            let is_file = path.stem() == text.as_bytes()
                || (path.stem() == b"mod"
                    && path
                        .parent()
                        .is_some_and(|dir| dir.file_name() == text.as_bytes()));
            let around = unit.name.rsplit_once("::").map_or("", |(around, _)| around);
            let mut around = around.split("::");
            if !matches!(unit.kind, Kind::Docs | Kind::Test)
                && (is_file || around.any(|module| module == text))
            {
                out.push(ProgramUse::Call(id));
            }
        }
    }

    /// The suites of a target, and where their cases begin.
    fn suites(&mut self, part: &Part<'_, '_>) {
        let (test, doc) = part.package.suites(part.target);
        let places: FxHashMap<&RepoPath, ModuleId> = self
            .files
            .iter()
            .enumerate()
            .map(|(at, file)| (file.path, at as ModuleId))
            .collect();
        let mut own = ProgramSuite::default();
        let mut docs = ProgramSuite::default();
        for (path, _) in &part.walked.mounts {
            let Some(&module) = places.get(path) else {
                own.blind = Some(format!("`{path}` was not read"));
                continue;
            };
            let file = &self.files[module as usize];
            let first = self.program.modules[module as usize].first;
            let Some(symbols) = file.symbols else {
                continue;
            };
            let units = first..first + symbols.units.len() as UnitId;
            own.whole.extend(units.clone());
            docs.whole.push(first + DOCS);
            if symbols.docs_elsewhere {
                docs.blind = Some("docs are pasted in from elsewhere".to_owned());
            }
        }
        for (path, test, case) in &part.walked.tests {
            let Some(&module) = places.get(path) else {
                continue;
            };
            let Some(symbols) = self.files[module as usize].symbols else {
                continue;
            };
            let first = self.program.modules[module as usize].first;
            let (around, last) = test.rsplit_once("::").unwrap_or(("", test));
            let found = (first..)
                .zip(&symbols.units)
                .filter(|(_, unit)| match unit.kind {
                    Kind::Test => unit.name == *test,
                    Kind::Call => {
                        let module = unit.name.rsplit_once("::").map_or("", |(module, _)| module);
                        module == around && unit.own.iter().any(|name| symbols.text(*name) == last)
                    }
                    _ => false,
                });
            let known = own.cases.entry(case.clone()).or_default();
            known.extend(found.map(|(id, _)| id));
        }
        own.cases.retain(|_, units| !units.is_empty());
        for (suite, found) in test
            .map(|suite| (suite, own))
            .into_iter()
            .chain(doc.map(|suite| (suite, docs)))
        {
            let known = self.program.suites.entry(suite).or_default();
            for (case, units) in found.cases {
                known.cases.entry(case).or_default().extend(units);
            }
            known.whole.extend(found.whole);
            known.blind = known.blind.take().or(found.blind);
        }
    }
}

/// Macros from outside that define nothing but what they are given names for.
const NAMING: &[&str] = &[
    "thread_local",
    "lazy_static",
    "bitflags",
    "cfg_if",
    "proptest",
    "quick_error",
    "pin_project",
    "const_assert",
    "assert_impl_all",
    "assert_not_impl_any",
    "assert_eq_size",
    "compile_error",
    "criterion_group",
    "criterion_main",
    "include",
    "quickcheck",
];
