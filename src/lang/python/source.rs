//! What a Python source file says, as plain values.
//!
//! Names are kept as written: which file a name means depends on the tree and is decided by `resolve`.

use serde::{Deserialize, Serialize};

use super::project::ProjectFile;
use super::symbols::Symbols;

/// Stands for the module's own name (`__name__`) inside a folded text.
pub(super) const OWN_NAME: char = '\u{1}';
/// Stands for the name of the package around the module (`__package__`) inside a folded text.
pub(super) const OWN_PACKAGE: char = '\u{2}';
/// Stands for the directory of the file (`os.path.dirname(__file__)`) inside a folded text.
pub(super) const OWN_DIR: char = '\u{3}';
/// Stands for the file itself (`__file__`) inside a folded text.
pub(super) const OWN_FILE: char = '\u{4}';

/// What a source file says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Everything that asks for a module by a name that is written out.
    pub imports: Vec<Import>,
    /// Attributes read off imported names (`import a` … `a.b.c`): they may be submodules.
    pub uses: Vec<Import>,
    /// Imports by names that are computed, as far as they could be folded.
    pub computed: Vec<Computed>,
    /// Names in a literal `__all__`: a star import of a package loads those that are submodules.
    pub exports: Vec<String>,
    /// Literal additions to the module search path.
    pub search_paths: Vec<SearchPath>,
    /// The file changes `__path__` of a package: its submodules may lie anywhere.
    pub edits_path: bool,
    /// Functions and classes of the module and of its classes, in order; children name their parent.
    pub definitions: Vec<Definition>,
    /// Tests may be made in ways that `definitions` does not show: the first such line.
    pub hidden_tests: Option<u32>,
    /// A docstring holds an interactive example.
    pub doctests: bool,
    /// The file could not be read as Python (in full): it may import anything of its package.
    pub unread: bool,
    /// The units of the file, where it could be read in full.
    pub symbols: Option<Box<Symbols>>,
    /// What a call of `setup()` says about the project.
    pub setup: Option<Box<ProjectFile>>,
}

/// One import by a name that is written out.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// Leading dots.
    pub level: u32,
    /// The dotted name after the dots; empty for `from . import x`.
    pub module: String,
    /// Names asked for from it; each may be a submodule.
    pub names: Vec<String>,
    /// `from … import *`.
    pub star: bool,
    /// How the name is asked for.
    pub by: By,
    /// 1-based line.
    pub line: u32,
}

/// How a module is asked for.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub enum By {
    /// An import statement.
    #[default]
    Statement,
    /// The argument of a function that imports.
    Name,
    /// `python -m`, or `runpy.run_module`: runs the `__main__` of a package too.
    Run,
    /// `pytest_plugins`.
    Plugin,
    /// An import statement inside a string literal: generated code, or code for another interpreter.
    Text,
    /// An import statement inside an interactive example of a docstring.
    Doctest,
}

/// An import whose name is computed: every module whose dotted name starts and ends so may be meant.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct Computed {
    /// What the name certainly starts with; may begin with a stand-in for the module's own name or package.
    pub prefix: String,
    /// What it certainly ends with.
    pub suffix: String,
    /// The modules are only named, not imported.
    pub listed: bool,
    /// The rest comes from whoever calls the function around it: the names stand there.
    pub given: bool,
    /// 1-based line.
    pub line: u32,
}

/// A directory that the file adds to the module search path.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct SearchPath {
    /// The path as written, or below the file's own directory where it starts with that stand-in.
    pub path: String,
    /// 1-based line.
    pub line: u32,
}

/// A function or class that a runner could collect.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// The class it stands in, by position in the list.
    pub parent: Option<u32>,
    /// For classes: what there is to say about them.
    pub class: Option<Class>,
}

/// A class.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Its bases as written (dotted names; anything else is `?`).
    pub bases: Vec<String>,
    /// It has an `__init__` or `__new__` of its own, so pytest does not collect it by name.
    pub has_init: bool,
    /// It says `__test__ = False`.
    pub opted_out: bool,
    /// Decorators or a metaclass may add tests to it.
    pub rewritten: bool,
}
