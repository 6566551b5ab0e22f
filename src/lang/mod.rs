//! Readers of languages: bytes of a file → [`Facts`], facts and paths → edges.
//!
//! One ecosystem a folder, each behind the [`Lang`] trait. Both steps are pure. [`Lang::facts`] cannot fail: what it
//! could not understand is itself a fact, so a syntax error in one file never stops a selection.

mod facts;
mod join;
pub mod mention;
mod names;
pub mod python;
pub mod rust;

pub use join::{Joined, Tests};
pub use names::Names;

pub use facts::{Detail, Facts, FileFacts, Mention, UnitChange};

use crate::model::{EdgeSink, Program, RepoPath, Snapshot};

/// How a file is to be read, told from its path alone. Facts are kept by (kind, version, contents).
pub type Kind = &'static str;

/// One ecosystem.
pub trait Lang: Sync {
    /// Its name, also the `reader` of its nodes.
    fn name(&self) -> &'static str;

    /// The version of [`Lang::facts`]; raised whenever the same bytes may give other facts.
    fn version(&self) -> u32;

    /// How to read this path, or `None` where the path is not this language's.
    fn claims(&self, path: &RepoPath) -> Option<Kind>;

    /// How to read what is of this kind so that its definitions are told apart, too, which costs more.
    fn closer(&self, kind: Kind) -> Kind {
        kind
    }

    /// How to read a path that is not this language's for [names](Detail::Named) that it may give to code which looks them up.
    fn names_code(&self, _path: &RepoPath) -> Option<Kind> {
        None
    }

    /// What the bytes say. Total: any bytes give facts.
    fn facts(&self, kind: Kind, blob: &[u8]) -> Facts;

    /// Lays the edges of all files that [`Lang::claims`] accepted, sorted by path, over the paths of the tree.
    ///
    /// For files whose facts say `shapes_project: false`, the edges *out of* a file and its tests depend on that file's
    /// facts, on the paths of the tree and on the files that do shape the project, on nothing else.
    fn resolve(&self, files: &[FileFacts<'_>], tree: &Snapshot, out: &mut EdgeSink);

    /// How two versions of a file differ, unit by unit.
    fn units(&self, _before: &Facts, _after: &Facts) -> UnitChange {
        UnitChange::Whole("its language is not told apart by definitions".to_owned())
    }

    /// The definitions of the wanted files, and how they use each other by names. All files are given, since names are
    /// resolved over all of them.
    fn program(
        &self,
        _files: &[FileFacts<'_>],
        _tree: &Snapshot,
        _wanted: &dyn Fn(&RepoPath) -> bool,
        _spread: &Spread<'_>,
    ) -> Program {
        Program::default()
    }
}

/// Does a job for each number below one, in any order, as far as may be side by side.
pub type Spread<'a> = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Sync + 'a;

/// Every language, in the order in which a path is offered to them.
pub fn all() -> &'static [&'static dyn Lang] {
    &[&rust::Rust, &python::Python]
}

/// The language that reads this path, and how.
pub fn of(path: &RepoPath) -> Option<(&'static dyn Lang, Kind)> {
    all()
        .iter()
        .find_map(|lang| lang.claims(path).map(|kind| (*lang, kind)))
}
