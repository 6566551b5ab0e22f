//! What a Rust file defines, item by item, and the names that each item uses.
//!
//! A file is cut into *units* ([`cut`]): functions, methods, types, traits, headers of impls, consts, macros, and what
//! stands outside of them all. Names are identifiers as they are written ([`names`]); what they may mean is decided
//! when files are put together ([`program`]). Which units differ between two versions is told by [`diff`].
//!
//! Not seen: names that macros put together (`paste!`, procedural macros of the tree) and generated sources. A file with
//! one of them is *blind*: tests that load it are not told apart.

mod bound;
mod cut;
mod diff;
mod header;
mod imports;
mod locals;
mod names;
mod program;
mod units;

pub(super) use cut::read;
pub(super) use diff::diff;
pub(super) use header::body;
pub(super) use program::program;

use serde::{Deserialize, Serialize};

use crate::model::Fingerprint;

/// A name, by place in [`Symbols::names`].
pub(crate) type NameId = u32;

/// The units of a file.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Symbols {
    pub(super) names: Vec<String>,
    /// The first is what stands outside of all others, the second the code in doc comments.
    pub(super) units: Vec<Unit>,
    pub(super) imports: Vec<Import>,
    /// Modules declared here, inline or in other files.
    pub(super) mods: Vec<NameId>,
    /// Why names do not tell all that is used here.
    pub(super) blind: Option<String>,
    /// What looks like types, of which `use` brings names: their variants can be named without them.
    pub(super) opened: Vec<NameId>,
    /// There is a `use` in what macros are given, so anything may be opened.
    pub(super) opens: bool,
    /// Doc comments are pasted in from elsewhere.
    pub(super) docs_elsewhere: bool,
}

/// The place of what stands outside of all other units.
pub(super) const REST: u32 = 0;
/// The place of the code in doc comments.
pub(super) const DOCS: u32 = 1;

/// A piece of a file that changes as a whole.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit {
    /// With the inline modules and the type around it: `tests::adds`, `a::Type::method`.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// 1-based lines, both included.
    pub(super) lines: (u32, u32),
    /// The names that lead here: its own; a type's variants; what a macro call is given.
    pub(super) own: Vec<NameId>,
    /// Which of the file's inline modules it stands in; 0 for none.
    pub(super) module: u32,
    /// The trait or impl that it stands in.
    pub(super) holder: Option<u32>,
    /// It has no `pub`: only its module and those inside it can name it.
    pub(super) hidden: bool,
    /// Somebody unseen may run it: the linker, or whoever an attribute hands it to.
    pub(super) kept: bool,
    /// Its signature with attributes; all of it where it has no body.
    pub(super) head: Fingerprint,
    /// Its body or value.
    pub(super) body: Fingerprint,
    /// All of it with literals blanked out.
    pub(super) shape: Fingerprint,
    pub(super) uses: Vec<(NameId, How)>,
    /// Starts programs.
    pub(super) spawns: bool,
    /// Draws at random.
    pub(super) draws: bool,
    /// Forks a process, or ends one without a word.
    pub(super) forks: bool,
    /// For functions: the names in the signature.
    pub(super) in_head: Vec<NameId>,
    /// For macros: an impl stands in it.
    pub(super) implements: bool,
    /// For functions: the lines of the body, where it runs when the function is called and at no other time.
    pub(super) runs: Option<(u32, u32)>,
    /// For macros: names of items that its expansions may define; for macro calls: the macro.
    pub(super) defines: Vec<NameId>,
    /// For macros: the arguments that name items, where they can be told.
    pub(super) items: Option<Vec<u32>>,
    /// For macros: some of those name methods.
    pub(super) methods: bool,
    /// For macros: the macros that its expansions call outside of functions.
    pub(super) calls: Vec<NameId>,
    /// For macro calls: the names that begin its arguments, as far as they can be told apart.
    pub(super) given: Vec<Option<NameId>>,
    /// For impls: of what.
    pub(super) header: Option<Header>,
}

/// What a unit is.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// What stands outside of all others: `use`, `mod`, inner attributes, what is not understood.
    #[default]
    Rest,
    /// The code in doc comments.
    Docs,
    /// A function or method.
    Function,
    /// A test function.
    Test,
    /// A const or static.
    Value,
    /// A struct, enum or union.
    Type,
    /// Another name for something: a type alias, a renaming `use`, an associated type.
    Alias,
    /// A trait without its items.
    Trait,
    /// An impl without its items.
    Impl,
    /// `macro_rules!`.
    Macro,
    /// A macro call that stands for items.
    Call,
    /// Foreign functions, modules under attribute macros, unnamed consts.
    Other,
}

/// How a name is used.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub(crate) enum How {
    /// By itself: it cannot mean a method or a macro.
    Plain,
    /// By itself, where it is a local variable: it cannot mean a function either.
    Local,
    /// Before `!`: it can mean nothing but a macro.
    Macro,
    /// Behind a dot: it can mean nothing else.
    Member,
    /// Behind a type and `::`: it belongs to the type, unless what looks like a type is a module.
    Of,
    /// Behind `::`, or handed to a macro: it can mean anything.
    Any,
    /// A word of an attribute's text: also a module with all that is in it.
    Word,
}

/// What an impl is of.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The type, where it is a path and no parameter.
    pub(super) of: Option<Path>,
    /// The trait, where it has one; without a path where that is no plain one.
    pub(super) of_trait: Option<Option<Path>>,
    /// Other types named in the trait's and the type's arguments.
    pub(super) others: Vec<Path>,
}

/// A path as far as it matters: where it starts and what it names.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Path {
    /// The first segment, where there are several.
    pub(super) root: Option<NameId>,
    /// The last one.
    pub(super) name: NameId,
}

/// What a `use` binds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Import {
    /// The first segment of the path.
    pub(super) root: NameId,
    /// The name that is bound; `None` for `*`.
    pub(super) name: Option<NameId>,
    /// Others may import it from here.
    pub(super) public: bool,
}
