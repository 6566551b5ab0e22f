//! Files put together: which units the names of each unit may mean.
//!
//! A name means everything so called that the file can see. A method needs its name and its type: a value of a type can
//! only be there where reached code names the type, an alias of it, or something that names it in its signature. So a
//! type is a class of which instances may be made by whoever names it. What traits from outside call (`Drop`, `Deref`,
//! operators, iterators, formatting) needs no name but the type's. Impls for anything else than a type of the tree are
//! as good as free functions, called by name.
//!
//! Not seen: calls of items without `pub` from other files than those that privacy allows.

mod define;
mod implement;
mod link;
mod suites;

use rustc_hash::{FxHashMap, FxHashSet};

use super::locals::Locals;
use super::{Symbols, Unit};
use crate::lang::FileFacts;
use crate::lang::rust::macros::Makers;
use crate::lang::rust::modules::{Sources, Walk, sources, walk};
use crate::lang::rust::source::Base;
use crate::lang::rust::targets::Target;
use crate::lang::rust::workspace::{Package, Project};
use crate::model::{ClassId, ModuleId, Program, ProgramClass, RepoPath, Snapshot, UnitId, Word};

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
    linker.leak();
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
                let unseen = generated.then(|| "holds generated code".to_owned());
                let unwritten = source.any_module || source.opaque;
                let unwritten =
                    unwritten.then(|| "declares modules that are not written out".to_owned());
                cargo.or(unseen).or(unwritten)
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
    /// Names that `use` gives to something.
    renamed: FxHashSet<Word>,
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
            renamed: FxHashSet::default(),
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

    fn unit(&self, id: UnitId) -> (ModuleId, &'a Unit) {
        let module = self.program.units[id as usize].module;
        let first = self.program.modules[module as usize].first;
        let symbols = self.files[module as usize].symbols;
        let units = symbols.map_or(&[][..], |symbols| &symbols.units);
        (module, &units[(id - first) as usize])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lang::Lang;
    use crate::lang::rust::Rust;
    use crate::model::{BlobId, Entry, Mode};

    /// The program of a package with this library.
    fn of(lib: &str) -> Program {
        let manifest = "[package]\nname = \"one\"\nversion = \"0.1.0\"\n";
        let files = [("Cargo.toml", manifest), ("src/lib.rs", lib)];
        let entries = files.iter().map(|(path, _)| {
            let (mode, blob) = (Mode::File, BlobId::default());
            (RepoPath::from(*path), Entry { mode, blob })
        });
        let tree = Snapshot::new(entries.collect(), Vec::new());
        let facts = files.map(|(path, text)| {
            let path = RepoPath::from(path);
            let kind = Rust.claims(&path).map(|kind| Rust.closer(kind));
            (path, Rust.facts(kind.unwrap_or_default(), text.as_bytes()))
        });
        let all: Vec<FileFacts<'_>> = facts
            .iter()
            .map(|(path, facts)| FileFacts { path, facts })
            .collect();
        program(&all, &tree, &|_| true)
    }

    #[test]
    fn cases_begin_at_their_functions_and_at_the_calls_that_make_them() {
        let program = of(
            "macro_rules! t { ($n:ident) => { #[test] fn $n() {} } } t!(made); mod m { #[test] fn plain() {} }",
        );
        let suite = program
            .suites
            .values()
            .find(|suite| !suite.cases.is_empty());
        let mut told: Vec<String> = suite
            .into_iter()
            .flat_map(|suite| &suite.cases)
            .map(|(case, units)| {
                let names = units
                    .iter()
                    .map(|unit| program.units[*unit as usize].name.as_str());
                format!("{case}: {}", names.collect::<Vec<_>>().join(" "))
            })
            .collect();
        told.sort();
        assert_eq!(told, ["m::plain: m::plain", "made: t!"]);
    }

    #[test]
    fn items_that_a_macro_hands_on_are_reached_by_their_names() {
        let given = "pub fn calls() -> u8 { helper() }";
        for (text, led) in [
            ("($($i:item)*) => { $( #[cfg(unix)] $i )* }", true),
            ("($($t:tt)*) => { $($t)* }", true),
            ("($($t:tt)*) => { mod inner { $($t)* } }", true),
            ("($n:ident, $d:tt) => { fn $n() -> u8 { $d } }", false),
            ("($($t:tt)*) => { fn made() { $($t)* } }", false),
        ] {
            let program = of(&format!(
                "macro_rules! m {{ {text} }} fn helper() -> u8 {{ 1 }} m! {{ {given} }} fn uses() {{ calls(); }}"
            ));
            let place = |name: &str| program.units.iter().position(|unit| unit.name == name);
            let call = place("m!").expect("the call") as UnitId;
            let uses = &program.units[place("uses").expect("a function")].uses;
            let leads = uses.contains(&crate::model::ProgramUse::Call(call));
            assert_eq!(leads, led, "{text}");
        }
    }

    #[test]
    fn a_body_that_calls_a_macro_with_an_impl_in_it_counts_everywhere() {
        let program = of(
            "macro_rules! i { ($t:ty) => { impl A for $t {} } } macro_rules! o { ($t:ty) => { i!($t); } } fn f() { o!(B); } fn g() {}",
        );
        let place = |name: &str| program.units.iter().position(|unit| unit.name == name);
        for (name, leaks) in [("f", true), ("g", false)] {
            let unit = place(name).expect("a function") as UnitId;
            assert_eq!(program.modules[0].runs.contains(&unit), leaks, "{name}");
            assert_eq!(program.units[unit as usize].body.is_none(), leaks, "{name}");
        }
    }

    #[test]
    fn what_hides_names_is_blind() {
        for (lib, expected) in [
            ("fn f() {}", None),
            (
                "fn f() { paste! { [<a b>]() } }",
                Some("puts names together"),
            ),
            (
                "include!(concat!(env!(\"OUT_DIR\"), \"/a.rs\"));",
                Some("holds generated code"),
            ),
            (
                "#[derive(Template)] #[template(path = \"a\")] struct A;",
                Some("holds code that is made of templates"),
            ),
            (
                "#[proc_macro] pub fn f() {}",
                Some("defines procedural macros"),
            ),
            (
                "macro_rules! m { ($a:ident) => { mod $a; } }",
                Some("declares modules that are not written out"),
            ),
            ("fn f( {", Some("could not be read in full")),
        ] {
            let program = of(lib);
            assert_eq!(program.modules[0].opaque.as_deref(), expected, "{lib}");
        }
    }

    proptest! {
        #[test]
        fn any_code_makes_a_program(
            words in proptest::collection::vec(
                prop::sample::select(vec![
                    "fn", "impl", "trait", "struct", "enum", "mod", "const", "static", "type", "use", "macro_rules",
                    "pub", "for", "where", "as", "dyn", "#", "!", "=", ";", ",", ":", "::", "<", ">", "{", "}", "(", ")",
                    "[", "]", "$", "|", "let", "A", "b", "T", "self", "test", "derive", "\"s\"", "1", "/// ```\n",
                ]),
                0..80,
            ),
        ) {
            let program = of(&words.join(" "));
            let count = program.units.len() as UnitId;
            for unit in &program.units {
                for used in &unit.uses {
                    let known = match used {
                        crate::model::ProgramUse::Call(unit) => *unit < count,
                        crate::model::ProgramUse::Class(class) => (*class as usize) < program.classes.len(),
                        _ => true,
                    };
                    prop_assert!(known);
                }
            }
        }
    }
}
