//! What one file says by itself.

use serde::{Deserialize, Serialize};

use crate::model::{Attributed, Fingerprint};

/// Everything a reader takes from the bytes of one file. It depends on those bytes and on the [`Kind`](super::Kind) alone, never
/// on the path, so it can be kept by content.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// What a run can see of the file: without comments and layout. Equal means: behaves the same.
    pub code: Fingerprint,
    /// The same with the line each piece stands on. Differs from `code` in telling moved lines.
    pub layout: Fingerprint,
    /// What the file says of tests. Equal means: the same tests are found in it.
    pub tests: Fingerprint,
    /// The file asks for line numbers or its own source (`line!`, `inspect.getsource`, …): moved lines matter to it.
    pub reads_lines: bool,
    /// How other files resolve depends on what this one says (a manifest, a change of the import path): an edit
    /// means that the graph has to be laid out anew.
    pub shapes_project: bool,
    /// String literals that may name a path.
    pub mentions: Vec<Mention>,
    /// The file lists directories, so it may read files that it does not name.
    pub lists_directories: bool,
    /// The file lists templates or modules, or runs sources by computed paths: it may read data there, but of a source
    /// it sees the name and what a run shows, not the comments.
    pub lists_unread: bool,
    /// Where the reader gave up on a part: 1-based line and what was assumed. Parts that were not understood are
    /// over-approximated by whoever reads `detail`.
    pub trouble: Vec<(u32, String)>,
    /// What only the language itself understands.
    pub detail: Detail,
}

/// A string literal that may name a path, a part of one, or a pattern of several.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Mention {
    /// The literal's value.
    pub text: String,
    /// 1-based line.
    pub line: u32,
}

/// How two versions of one file differ, unit by unit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UnitChange {
    /// It cannot be told, or everybody who loads the file may feel it; why, in words that continue "`file`: …".
    Whole(String),
    /// These definitions differ.
    Units(Attributed),
}

impl Facts {
    /// Whether two versions of a file say the same of their project: they differ in definitions alone.
    pub fn shapes_as(&self, other: &Self) -> bool {
        let bare = |detail: &Detail| match detail {
            Detail::Python(source) => {
                let mut source = source.clone();
                source.symbols = None;
                Detail::Python(source)
            }
            other => other.clone(),
        };
        self.shapes_project == other.shapes_project && bare(&self.detail) == bare(&other.detail)
    }
}

/// The part of the facts that belongs to one language.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// Nothing but what every file has.
    #[default]
    Nothing,
    /// A Python source file.
    Python(Box<super::python::Source>),
    /// A file that configures a Python project, or pins its distributions.
    PythonProject(Box<super::python::ProjectFile>),
    /// What a Python distribution says of itself once it is built; whether it names plugins of a runner.
    PythonMetadata(bool),
    /// Data that may name definitions: the names; `None` for any.
    Named(Option<Vec<String>>),
    /// A Rust source file.
    Rust(Box<super::rust::Source>),
    /// A file that configures a Cargo package or workspace.
    Cargo(Box<super::rust::CargoFile>),
}

/// A file and its facts, as [`super::Lang::resolve`] gets them.
#[derive(Clone, Copy, Debug)]
pub struct FileFacts<'a> {
    /// Where the file is.
    pub path: &'a crate::model::RepoPath,
    /// What it says.
    pub facts: &'a Facts,
}
