//! A program as its definitions and the names by which they reach each other.
//!
//! Languages lay programs out; what a test reaches is decided by `graph`. Everything is an over-approximation: a use of
//! a name may reach more than a run does, never less.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{RepoPath, Suite};

/// A name, by place in [`Program::words`].
pub type Word = u32;
/// A piece of code that changes as a whole, by place in [`Program::units`].
pub type UnitId = u32;
/// A class or type, by place in [`Program::classes`].
pub type ClassId = u32;
/// A file, by place in [`Program::modules`].
pub type ModuleId = u32;

/// A program, or the part of it that some tests can load.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Program {
    /// All names.
    pub words: Vec<String>,
    /// All units.
    pub units: Vec<ProgramUnit>,
    /// All classes.
    pub classes: Vec<ProgramClass>,
    /// All files.
    pub modules: Vec<ProgramModule>,
    /// Fixtures by the name that asks for them.
    pub fixtures: FxHashMap<Word, Vec<UnitId>>,
    /// Suites that are made of several files.
    pub suites: FxHashMap<Suite, ProgramSuite>,
    /// Names that data may give to code which looks them up.
    pub named: Vec<Word>,
    /// Data may give any name.
    pub names_all: bool,
}

/// A suite that is made of several files.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProgramSuite {
    /// Where each case begins.
    pub cases: FxHashMap<String, Vec<UnitId>>,
    /// Where any case may begin.
    pub whole: Vec<UnitId>,
    /// Why the suite's code cannot be seen, where it cannot.
    pub blind: Option<String>,
}

/// A piece of code.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProgramUnit {
    /// Qualified within its file; empty for what runs on import.
    pub name: String,
    /// Its file.
    pub module: ModuleId,
    /// The class that it stands in.
    pub class: Option<ClassId>,
    /// 1-based lines, both included.
    pub lines: (u32, u32),
    /// The lines of a function's body, both included, where none of them is a line of its head, too: those run when the
    /// function is called and at no other time.
    pub body: Option<(u32, u32)>,
    /// A value, and no function.
    pub is_value: bool,
    /// A value that is made by a call.
    pub is_object: bool,
    /// What runs when it is defined only puts names and literals together.
    pub plain_head: bool,
    /// Given to a decorator that may keep it: somebody unseen may call it.
    pub kept: bool,
    /// What decorators make of it.
    pub wrapping: Wrapping,
    /// The call that makes it may fail, or do more than to put together what it is given.
    pub unsound: bool,
    /// What it uses.
    pub uses: Vec<ProgramUse>,
    /// Words in its texts; where names may be put together, how they begin (`get_*`) and end (`*Handler`).
    pub words: Vec<Word>,
    /// Names of arguments in its calls, where somebody may look them up.
    pub keywords: Vec<Word>,
    /// Objects that a file of tests makes when it is loaded, and which it uses: the file and the name.
    pub shares: Vec<(ModuleId, Word)>,
    /// Names of its file that it looks up.
    pub looks_up: Vec<Word>,
    /// Names in its signature, where types are checked as they are written.
    pub in_head: Vec<Word>,
    /// What it sets or adds to that later calls find.
    pub leaves: Vec<ProgramLeft>,
    /// What it does that names do not show.
    pub habits: Habits,
}

/// What decorators make of a function.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub enum Wrapping {
    /// They leave it what it is, as far as Python's own do.
    #[default]
    None,
    /// Something that runs it whenever it is called, unless something fails before.
    RunsIt,
    /// Something else.
    Other,
}

/// A value of a module or class that a piece of code sets or adds to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct ProgramLeft {
    /// Its name.
    pub word: Word,
    /// It is reached through something imported.
    pub imported: bool,
    /// The name of its own file that it is reached through.
    pub through: Option<Word>,
    /// The lines of the statement, both included.
    pub lines: (u32, u32),
}

/// What a piece of code does that names do not show.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Habits {
    /// Computes the names that it looks up.
    pub computes_names: bool,
    /// Lists all names of an object.
    pub reflects: bool,
    /// Imports by computed names.
    pub imports: bool,
    /// Lists what there is to import.
    pub lists: bool,
    /// Starts programs.
    pub spawns: bool,
    /// Reads docstrings or sources.
    pub reads_docs: bool,
    /// Asks for fixtures by computed names.
    pub any_fixture: bool,
    /// What a call gives is kept for later calls.
    pub cached: bool,
    /// Runs once for several tests.
    pub wide: bool,
    /// Looks at what is left of others in the process.
    pub looks_around: bool,
    /// Reads sources, or code that was made of them.
    pub reads_sources: bool,
    /// Reads the parameters of functions.
    pub reads_heads: bool,
    /// Its body does nothing.
    pub empty: bool,
    /// Takes nothing: what it computes is the same whoever calls it.
    pub takes_nothing: bool,
    /// And has to do with nothing of the program but constants.
    pub apart: bool,
    /// The next definition takes its name: nobody can call it.
    pub replaced: bool,
    /// Runs code where no tracer may be: in another process.
    pub elsewhere: bool,
    /// Draws at random, so that it may do something else each time.
    pub draws: bool,
}

/// How a piece of code uses something.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProgramUse {
    /// This piece of code, as a value: it may be called later.
    Unit(UnitId),
    /// This piece of code, called where it is named.
    Call(UnitId),
    /// Instances of the class may be made.
    Class(ClassId),
    /// The class as a value: it may be handed on, and instances may be made of it.
    Type(ClassId),
    /// The module may be handed on as an object.
    Module(ModuleId),
    /// A name of any object there is.
    Any(Word),
    /// A name of instances of the class and its heirs.
    Of(ClassId, Word),
    /// A name of objects that come from outside, or of their heirs.
    Outside(Word),
    /// A name of what comes next after the class in an heir's order.
    Super(ClassId, Word),
    /// Any name of instances of the class and its heirs.
    All(ClassId),
    /// The same, for somebody who is given the class or an instance: code from outside, or where another class is named.
    Lends(ClassId),
    /// Any name of the module.
    Everything(ModuleId),
    /// All names that begin so.
    Prefix(Word),
    /// A fixture.
    Fixture(Word),
    /// This name of the module has to be there, or may not be there: an import or an attribute asks for it.
    Name(ModuleId, Word),
    /// All names of the module that a star import takes.
    Star(ModuleId),
    /// Something of which nothing is known is given to code from outside, which calls methods of it.
    Lent,
    /// The name of the module, for whoever imports by names.
    Itself(ModuleId),
    /// What something holds of which nothing is known: of classes and modules that are handed on, all their members.
    Held,
}

impl ProgramUse {
    /// The same use with another word in place of its own, where it has one.
    pub fn with_word(self, word: impl Fn(Word) -> Word) -> Self {
        match self {
            Self::Any(own) => Self::Any(word(own)),
            Self::Of(class, own) => Self::Of(class, word(own)),
            Self::Outside(own) => Self::Outside(word(own)),
            Self::Super(class, own) => Self::Super(class, word(own)),
            Self::Prefix(own) => Self::Prefix(word(own)),
            Self::Fixture(own) => Self::Fixture(word(own)),
            Self::Name(module, own) => Self::Name(module, word(own)),
            Self::Unit(_)
            | Self::Call(_)
            | Self::Class(_)
            | Self::Type(_)
            | Self::Module(_)
            | Self::All(_)
            | Self::Lends(_)
            | Self::Everything(_)
            | Self::Star(_)
            | Self::Lent
            | Self::Itself(_)
            | Self::Held => self,
        }
    }
}

/// A class.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProgramClass {
    /// Its file.
    pub module: ModuleId,
    /// Its bases, as far as they are in the program.
    pub bases: Vec<ClassId>,
    /// Those that have it as a base, directly.
    pub heirs: Vec<ClassId>,
    /// Its own members by name.
    pub members: FxHashMap<Word, Vec<UnitId>>,
    /// What it is called and what it extends, where that is a piece of code of its own.
    pub head: Option<UnitId>,
    /// Whoever calls its methods need not be seen: it extends something from outside, or helps tests.
    pub open: bool,
    /// It extends something from outside that only calls what Python's operators call.
    pub outside: bool,
    /// Its body is read by whoever makes the class.
    pub made: bool,
    /// Whoever makes the class, or a base of it, is told of it, and may make instances.
    pub told: bool,
    /// It is not sure to have an `__init__` of its own.
    pub may_inherit: bool,
    /// Its own members that heirs have to define before instances of them can be made.
    pub abstracts: Vec<Word>,
}

/// A file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProgramModule {
    /// Where it is.
    pub path: RepoPath,
    /// Words that may be the last part of a name that it is imported by.
    pub called: Vec<Word>,
    /// The first of its units; they follow each other in the order of the file's facts.
    pub first: UnitId,
    /// What runs on import.
    pub runs: Vec<UnitId>,
    /// What runs where the file is a program, or is started by the project's commands.
    pub main: Vec<UnitId>,
    /// What an object of the module gives by name.
    pub members: FxHashMap<Word, Vec<ProgramUse>>,
    /// What a runner calls unasked: hooks, automatic fixtures.
    pub hooks: Vec<UnitId>,
    /// What it imports on its top level.
    pub imports: Vec<ProgramImport>,
    /// Loading it does nothing but to define things and to import.
    pub quiet: bool,
    /// Its docstrings hold examples.
    pub examples: bool,
    /// Why it may use anything, where it may, in words that continue "`file` is loaded, and".
    pub opaque: Option<String>,
}

/// An import on the top level of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct ProgramImport {
    /// As one text that tells it from all others of the file.
    pub written: String,
    /// It names a file of the program.
    pub ours: bool,
    /// The files that it may load itself, apart from the packages around them.
    pub loads: Vec<ModuleId>,
    /// What it names is there, and is no file of its own.
    pub bound: bool,
}

impl Program {
    /// Adds another program, of which this one knows nothing. Cost: that of the other.
    pub fn join(&mut self, other: Self) {
        let words = self.words.len() as Word;
        let units = self.units.len() as UnitId;
        let classes = self.classes.len() as ClassId;
        let modules = self.modules.len() as ModuleId;
        let used = |used: ProgramUse| match used {
            ProgramUse::Unit(unit) => ProgramUse::Unit(unit + units),
            ProgramUse::Call(unit) => ProgramUse::Call(unit + units),
            ProgramUse::Class(class) => ProgramUse::Class(class + classes),
            ProgramUse::Type(class) => ProgramUse::Type(class + classes),
            ProgramUse::Module(module) => ProgramUse::Module(module + modules),
            ProgramUse::Any(word) => ProgramUse::Any(word + words),
            ProgramUse::Of(class, word) => ProgramUse::Of(class + classes, word + words),
            ProgramUse::Outside(word) => ProgramUse::Outside(word + words),
            ProgramUse::Super(class, word) => ProgramUse::Super(class + classes, word + words),
            ProgramUse::All(class) => ProgramUse::All(class + classes),
            ProgramUse::Lends(class) => ProgramUse::Lends(class + classes),
            ProgramUse::Everything(module) => ProgramUse::Everything(module + modules),
            ProgramUse::Prefix(word) => ProgramUse::Prefix(word + words),
            ProgramUse::Fixture(word) => ProgramUse::Fixture(word + words),
            ProgramUse::Name(module, word) => ProgramUse::Name(module + modules, word + words),
            ProgramUse::Star(module) => ProgramUse::Star(module + modules),
            ProgramUse::Lent => ProgramUse::Lent,
            ProgramUse::Held => ProgramUse::Held,
            ProgramUse::Itself(module) => ProgramUse::Itself(module + modules),
        };
        let shifted = |all: Vec<UnitId>| all.into_iter().map(|unit| unit + units).collect();
        let by_word = |all: FxHashMap<Word, Vec<UnitId>>| {
            let all = all.into_iter();
            all.map(|(word, found)| (word + words, shifted(found)))
                .collect()
        };
        self.named
            .extend(other.named.into_iter().map(|word| word + words));
        self.names_all |= other.names_all;
        self.words.extend(other.words);
        self.units.extend(other.units.into_iter().map(|unit| {
            ProgramUnit {
                module: unit.module + modules,
                class: unit.class.map(|class| class + classes),
                uses: unit.uses.into_iter().map(used).collect(),
                words: unit.words.into_iter().map(|word| word + words).collect(),
                keywords: unit.keywords.into_iter().map(|word| word + words).collect(),
                looks_up: unit.looks_up.into_iter().map(|word| word + words).collect(),
                in_head: unit.in_head.into_iter().map(|word| word + words).collect(),
                shares: unit
                    .shares
                    .into_iter()
                    .map(|(module, word)| (module + modules, word + words))
                    .collect(),
                leaves: unit
                    .leaves
                    .into_iter()
                    .map(|left| ProgramLeft {
                        word: left.word + words,
                        through: left.through.map(|word| word + words),
                        ..left
                    })
                    .collect(),
                ..unit
            }
        }));
        let moved = |all: Vec<ClassId>| all.into_iter().map(|class| class + classes).collect();
        self.classes.extend(other.classes.into_iter().map(|class| {
            ProgramClass {
                module: class.module + modules,
                bases: moved(class.bases),
                heirs: moved(class.heirs),
                members: by_word(class.members),
                head: class.head.map(|unit| unit + units),
                abstracts: class
                    .abstracts
                    .into_iter()
                    .map(|word| word + words)
                    .collect(),
                ..class
            }
        }));
        self.modules.extend(other.modules.into_iter().map(|module| {
            ProgramModule {
                called: module.called.iter().map(|word| word + words).collect(),
                first: module.first + units,
                runs: shifted(module.runs),
                main: shifted(module.main),
                hooks: shifted(module.hooks),
                imports: module
                    .imports
                    .into_iter()
                    .map(|import| ProgramImport {
                        loads: import.loads.iter().map(|module| module + modules).collect(),
                        ..import
                    })
                    .collect(),
                members: module
                    .members
                    .into_iter()
                    .map(|(word, uses)| (word + words, uses.into_iter().map(used).collect()))
                    .collect(),
                ..module
            }
        }));
        self.fixtures.extend(by_word(other.fixtures));
        self.suites
            .extend(other.suites.into_iter().map(|(suite, own)| {
                let cases = own.cases.into_iter();
                let own = ProgramSuite {
                    cases: cases.map(|(case, found)| (case, shifted(found))).collect(),
                    whole: shifted(own.whole),
                    ..own
                };
                (suite, own)
            }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joined_program_keeps_its_own_places() {
        let one = || Program {
            words: vec!["a".to_owned()],
            units: vec![ProgramUnit {
                uses: vec![
                    ProgramUse::Call(0),
                    ProgramUse::Any(0),
                    ProgramUse::Class(0),
                ],
                ..ProgramUnit::default()
            }],
            classes: vec![ProgramClass {
                members: std::iter::once((0, vec![0])).collect(),
                ..ProgramClass::default()
            }],
            modules: vec![ProgramModule {
                runs: vec![0],
                ..ProgramModule::default()
            }],
            ..Program::default()
        };
        let mut both = one();
        both.join(one());
        assert_eq!(both.units[0].uses, one().units[0].uses);
        assert_eq!(
            both.units[1].uses,
            [
                ProgramUse::Call(1),
                ProgramUse::Any(1),
                ProgramUse::Class(1)
            ]
        );
        assert_eq!((both.units[1].module, both.modules[1].first), (1, 1));
        assert_eq!(both.modules[1].runs, [1]);
        assert_eq!(both.classes[1].members[&1], [1]);
    }
}
