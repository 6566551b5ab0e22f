//! What the graph connects.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{RepoPath, Suite};

/// One thing that tests may depend on, by identity. What it is like (its contents, its version) is its print.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Node {
    /// A path of the tree. A path that was probed and does not exist is the same node: when a file appears
    /// there, whoever probed it is affected.
    Path(RepoPath),
    /// The files directly or indirectly below a directory, for those who list it or read it by computed names.
    Dir(RepoPath),
    /// The source files below a directory, for those who list it.
    Sources(RepoPath),
    /// Everything in the package or project rooted at this directory: the scope of fallbacks. Its members
    /// depend on it, so seeding it selects them and all that depends on them.
    Package {
        /// Which reader laid this scope out (`python`, `rust`): a path falls back once per reader.
        reader: String,
        /// Its directory.
        dir: RepoPath,
    },
    /// A build target that is no test: a library, a binary, a build script.
    Target {
        /// The package's name.
        package: String,
        /// `lib`, `bin`, `build-script`, `example`.
        kind: String,
        /// The target's name.
        name: String,
    },
    /// A test suite, the unit of selection.
    Test(Suite),
    /// A package from outside the repository, as a lockfile or manifest pins it.
    External {
        /// `cargo` or `pypi`.
        ecosystem: String,
        /// Normalised name.
        name: String,
        /// The version, where several versions can live side by side (Cargo); else empty, and the version
        /// is in the print.
        version: String,
    },
    /// A module name that resolves to no file of the tree, as code asks for it.
    Module {
        /// The language.
        reader: String,
        /// The name as written.
        name: String,
    },
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{path}"),
            Self::Dir(path) => write!(f, "{path}/"),
            Self::Sources(path) => write!(f, "{path}/ with its sources"),
            Self::Package { reader, dir } => write!(f, "{reader} package {dir}"),
            Self::Target {
                package,
                kind,
                name,
            } => write!(f, "{kind} {name} of {package}"),
            Self::Test(suite) => write!(f, "test {suite}"),
            Self::External {
                ecosystem,
                name,
                version,
            } if version.is_empty() => {
                write!(f, "{ecosystem} package {name}")
            }
            Self::External {
                ecosystem,
                name,
                version,
            } => write!(f, "{ecosystem} package {name} {version}"),
            Self::Module { name, .. } => write!(f, "module {name}"),
        }
    }
}

/// Why one node depends on another.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum EdgeKind {
    /// An import statement (Python) names it.
    Import,
    /// Importing a module runs the packages around it.
    Ancestor,
    /// A module is imported by a literal or computed name.
    DynamicImport,
    /// pytest loads this `conftest.py` for the tests below its directory.
    Conftest,
    /// A pytest plugin that the project loads by name.
    Plugin,
    /// Configuration of the runner or the build.
    Config,
    /// A `mod` declaration.
    Mod,
    /// The root source file of a target.
    Root,
    /// The contents are pasted in at compile time (`include!`, `include_str!`, `include_bytes!`, doc includes).
    Include,
    /// A target links another, or runs it at build time.
    Dependency,
    /// A package from outside the repository.
    External,
    /// A string literal names the path.
    Mention,
    /// The directory is listed, or read by computed names.
    Contains,
    /// The directory around it is listed, by names alone.
    Lists,
    /// A symbolic link leads there.
    Link,
    /// A rule of `tia.toml` or of the shipped defaults.
    Rule,
    /// The test is defined in this file.
    Defines,
    /// Belongs to the package (see [`Node::Package`]).
    Member,
    /// The path was tried before the import resolved elsewhere, or nowhere.
    Probe,
}

impl EdgeKind {
    /// Whether the dependent sees the raw bytes, so that even a comment or a blank line is a change to it.
    pub fn reads_bytes(self) -> bool {
        matches!(
            self,
            Self::Include | Self::Mention | Self::Contains | Self::Link | Self::Rule
        )
    }

    /// How the dependent uses what it points to, in words: "`a` … `b`".
    pub fn verb(self) -> &'static str {
        match self {
            Self::Import => "imports",
            Self::Ancestor => "runs the package",
            Self::DynamicImport => "may import by name",
            Self::Conftest => "is given fixtures by",
            Self::Plugin => "loads the plugin",
            Self::Config => "is configured by",
            Self::Mod => "declares the module",
            Self::Root => "starts at",
            Self::Include => "includes",
            Self::Dependency => "depends on",
            Self::External => "uses",
            Self::Mention => "names",
            Self::Contains => "reads the directory of",
            Self::Lists => "lists",
            Self::Link => "links to",
            Self::Rule => "is tied by rule to",
            Self::Defines => "is defined in",
            Self::Member => "belongs to",
            Self::Probe => "would resolve to",
        }
    }
}
