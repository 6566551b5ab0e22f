//! What a Python file defines, definition by definition, and the names that each uses.
//!
//! A file is cut into *units*: each function and method (with what is nested in it), each constant whose value cannot
//! fail to be computed, what runs only as a program, and the rest, which runs on import. Types are kept as expressions
//! over names ([`Ty`]); what they mean is decided when files are put together ([`program`]).
//!
//! Not seen: code made by `exec`, attributes set by computed names on objects that are then called by nobody's name.

mod accepted;
mod arguments;
mod diff;
mod giving;
mod keeping;
mod program;
mod pure;
mod read;
mod regex;
mod scope;
mod statements;
mod units;
mod values;

pub use arguments::{Defaulted, defaulted, occurrences};
pub(super) use diff::diff;
pub(super) use program::program;
pub(super) use read::read;
pub use statements::felt;

use serde::{Deserialize, Serialize};

use crate::model::Fingerprint;

/// A name, by place in [`Symbols::names`].
pub(crate) type NameId = u32;
/// A type expression, by place in [`Symbols::tys`].
pub(crate) type TyId = u32;

/// The units of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Symbols {
    pub(super) names: Vec<String>,
    pub(super) tys: Vec<Ty>,
    /// What each local variable is given, in any order.
    pub(super) vars: Vec<Vec<TyId>>,
    /// The first is what runs on import.
    pub(super) units: Vec<Unit>,
    pub(super) classes: Vec<Class>,
    /// What the names of the module are bound to; a name may be bound more than once.
    pub(super) scope: Vec<(NameId, Bound)>,
    pub(super) imports: Vec<Imported>,
    /// The imports that stand by themselves on the top level, by place among all, with their lines.
    pub(super) plain: Vec<(u32, u32)>,
    /// What is set on other objects than the own instance: under which name, and what.
    pub(super) sets: Vec<(NameId, TyId)>,
    /// The names that are looked up when the file is loaded, sorted, each with the first line that does.
    pub(super) loaded: Vec<(NameId, u32)>,
}

/// A piece of a file that changes as a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit {
    /// With its class (`Class.method`); empty for what runs on import.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// 1-based lines, both included.
    pub(super) lines: (u32, u32),
    /// The first line of a function's body, where it is below the lines of its head; else 0.
    pub(super) body_line: u32,
    pub(super) class: Option<u32>,
    /// What runs when it is called, without comments, layout and docstring.
    pub(super) body: Fingerprint,
    /// What runs when it is defined: decorators, defaults, annotations.
    pub(super) head: Fingerprint,
    /// The same without the values of defaults.
    pub(super) shape: Fingerprint,
    /// The head without the decorators that only say how the function is got at, and without those that are not known.
    pub(super) plain: Fingerprint,
    pub(super) doc: Fingerprint,
    /// A change of the head may be felt by whoever imports the file.
    pub(super) risky: bool,
    /// Names that the head loads: a new one may not be there.
    pub(super) loads: Vec<NameId>,
    /// Decorators that are not known to leave the function what it is, with whether they are called.
    pub(super) decorators: Vec<(TyId, bool)>,
    pub(super) fixture: Option<Fixture>,
    /// Parameters, by which fixtures are asked for.
    pub(super) params: Vec<NameId>,
    /// What its parameters are annotated with.
    pub(super) takes: Vec<TyId>,
    pub(super) uses: Vec<Use>,
    /// Words in its string literals.
    pub(super) words: Vec<NameId>,
    /// Names of arguments in its calls.
    pub(super) keywords: Vec<NameId>,
    /// Names of the module that a function looks up.
    pub(super) globals: Vec<NameId>,
    /// What it sets or adds to that later calls find.
    pub(super) leaves: Vec<Left>,
    /// Where it only puts together what it is given, and where a value is made by a call: what is called for it by name.
    pub(super) calls: Vec<TyId>,
    /// What a call gives; for fixtures also what is yielded.
    pub(super) returns: TyId,
    pub(super) flags: u64,
}

/// Its value is read without a call.
pub(super) const PROPERTY: u64 = 1;
/// Its call gives something to enter.
pub(super) const CONTEXT: u64 = 2;
/// As a decorator it gives back what it is given, and keeps it nowhere.
pub(super) const PASSES: u64 = 4;
/// As a decorator's maker it gives such a decorator.
pub(super) const MAKES_PASSING: u64 = 8;
/// Looks at names that it computes.
pub(super) const DYNAMIC: u64 = 16;
/// Looks at all names of an object.
pub(super) const REFLECTS: u64 = 32;
/// Imports by computed names.
pub(super) const IMPORTS: u64 = 64;
/// Starts other processes, or programs in this one.
pub(super) const SPAWNS: u64 = 128;
/// Reads docstrings or sources.
pub(super) const READS_DOCS: u64 = 256;
/// Asks for fixtures by computed names.
pub(super) const ANY_FIXTURE: u64 = 512;
/// Handed at once to a decorator that nobody knows.
pub(super) const GIVEN_AWAY: u64 = 1024;
/// What a call gives is kept for later calls.
pub(super) const CACHED: u64 = 2048;
/// Runs once for several tests.
pub(super) const WIDE: u64 = 4096;
/// Looks at what is left of others in the process.
pub(super) const LOOKS_AROUND: u64 = 8192;
/// Reads sources.
pub(super) const READS_SOURCES: u64 = 16384;
/// Runs code where no tracer may be: in another process.
pub(super) const ELSEWHERE: u64 = 32768;
/// Reads the parameters of functions.
pub(super) const READS_HEADS: u64 = 65536;
/// Its body does nothing.
pub(super) const EMPTY: u64 = 131_072;
/// What runs where it is defined may fail: it does more than putting names and literals together.
pub(super) const MAY_FAIL: u64 = 262_144;
/// Lists the names of the file that it stands in, or computes them.
pub(super) const NAMES_AROUND: u64 = 524_288;
/// Heirs have to define it before instances of them can be made.
pub(super) const ABSTRACT: u64 = 1_048_576;

/// Takes nothing, and defines no function: what it computes is the same whoever calls it. Where what it gives is kept by what it
/// took, texts and numbers are nothing.
pub(super) const TAKES_NOTHING: u64 = 4_194_304;
/// Lists what there is to import.
pub(super) const LISTS: u64 = 8_388_608;
/// Lists files, or asks for the file or module that something stands in.
pub(super) const LISTS_FILES: u64 = 16_777_216;
/// A decorator that is not known is called where it is defined, which may fail.
pub(super) const DECORATED: u64 = 67_108_864;
/// Loading the file does nothing but to define things and to import.
pub(super) const QUIET: u64 = 33_554_432;
/// The next statement takes its name: nobody can call it.
pub(super) const REPLACED: u64 = 2_097_152;

/// Only puts together what it is given, as far as what it calls does.
pub(super) const GIVES: u64 = 134_217_728;
/// And makes what comes next to its class.
pub(super) const GIVES_ALONG: u64 = 268_435_456;

/// As a decorator it gives what runs the function that it is given whenever it is called, unless something fails before.
pub(super) const RUNS_IT: u64 = 536_870_912;
/// As a decorator's maker it gives such a decorator.
pub(super) const MAKES_RUNNING: u64 = 1_073_741_824;

/// Takes arguments under any name.
pub(super) const COLLECTS: u64 = 2_147_483_648;
/// Draws at random, so that it may do something else each time.
pub(super) const DRAWS: u64 = 4_294_967_296;

/// A value of a module or class that is set or added to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(super) name: NameId,
    /// It is reached through something imported.
    pub(super) imported: bool,
    /// The name of the module that it is reached through, where it is more than that name.
    pub(super) through: Option<NameId>,
    /// The lines of the statement, both included.
    pub(super) lines: (u32, u32),
}

/// What a unit is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Everything that runs on import and is no constant.
    #[default]
    Module,
    /// What runs only when the file is the program.
    Main,
    /// A function or method.
    Function,
    /// An assignment that cannot fail and does nothing else.
    Constant,
    /// An assignment of what a call gives, which is given literals, names and functions.
    Object,
    /// The first line of a class, and its docstring.
    Class,
}

/// A pytest fixture.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fixture {
    pub(super) name: NameId,
    pub(super) autouse: bool,
}

/// A class of the module, or of a class of it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Class {
    pub(super) name: NameId,
    pub(super) bases: Vec<TyId>,
    pub(super) members: Vec<(NameId, Member)>,
    /// Decorated, or made by something else than `type`: what stands in its body is read while it is made.
    pub(super) made: bool,
    /// A method sets values of its instances under computed names.
    pub(super) filled: bool,
    /// Made by something else than `type`, which is told of it and of its heirs.
    pub(super) told: bool,
    /// It is not sure to have an `__init__` of its own.
    pub(super) may_inherit: bool,
}

/// Something that instances of a class have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum Member {
    /// A method.
    Unit(u32),
    /// A nested class.
    Class(u32),
    /// A value of the class, with the unit that makes it.
    Value(TyId, u32),
    /// A value that a method gives the instance.
    Own(TyId),
}

/// What a name of the module is bound to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) enum Bound {
    /// A function.
    Unit(u32),
    /// A class.
    Class(u32),
    /// Something imported.
    Import(u32),
    /// A value, with the unit that makes it.
    Value(TyId, u32),
}

/// A name that an import binds.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Imported {
    pub(super) level: u32,
    pub(super) module: String,
    /// The name taken from the module; `None` for the module itself, `*` for all.
    pub(super) name: Option<String>,
}

impl Imported {
    /// As one text.
    pub(super) fn written(&self) -> String {
        let dots = ".".repeat(self.level as usize);
        let name = self.name.as_deref().unwrap_or_default();
        format!("{dots}{}:{name}", self.module)
    }
}

/// A type, or the object of that type, as far as one file tells.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub(crate) enum Ty {
    /// Anything.
    Unknown,
    /// Text, numbers, nothing.
    Scalar,
    /// This text, which could be a name.
    Text(NameId),
    /// Something of the standard library that gives out nothing of ours.
    Outside,
    /// What a name of the module, or a builtin, is.
    Name(NameId),
    /// What an import inside a function binds.
    Imported(u32),
    /// A local variable.
    Var(u32),
    /// An instance of a class of this file, or of its heirs.
    SelfOf(u32),
    /// The class itself, or one of its heirs.
    ClassOf(u32),
    /// `super()` in a method of the class.
    Super(u32),
    /// An attribute.
    Attr(TyId, NameId),
    /// What a call gives.
    Call(TyId),
    /// An instance of what the type names.
    Instance(TyId),
    /// What iterating gives.
    Elem(TyId),
    /// What `with` gives.
    Enter(TyId),
    /// A collection of these.
    Box(Vec<TyId>),
    /// One of these.
    Union(Vec<TyId>),
    /// What the fixture of this name gives.
    Fixture(NameId),
    /// An object of Python's library that holds nothing but what is put into it.
    Store,
}

/// How a unit uses something.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub(crate) enum Use {
    /// As a value: it may be called, or instances may be made of it.
    Load(TyId),
    /// It is called where it stands.
    Called(TyId),
    /// An import runs, by place in [`Symbols::imports`].
    Import(u32),
    /// Only compared with, or asked for an attribute.
    Touch(TyId),
    /// An attribute is read or set.
    Attr(TyId, NameId),
    /// An attribute of a computed name: of what, and what the name is.
    Computed(TyId, TyId),
    /// Some attribute whose name begins so.
    Prefix(NameId),
    /// Any attribute, where it is a module or a class.
    Whole(TyId),
    /// All of its names are looked at.
    Listed(TyId),
    /// What it holds is looked at, under any name: of an object only what it was given itself, where that is only read.
    Held(TyId, bool),
    /// A text that may lead to a module and on to a name in it.
    Text(NameId),
    /// A fixture, by name.
    Fixture(NameId),
    /// The name of the file itself.
    Itself,
    /// Something goes where something else is said to: what is said, and what it is.
    Given(TyId, TyId),
    /// What is called or set gets this: where it is not ours, it may call anything of it.
    Lent(TyId, TyId),
}
