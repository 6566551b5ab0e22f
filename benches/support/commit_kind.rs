//! What kind of change a commit is.

use tia::app::Workspace;
use tia::graph::Graph;
use tia::lang;
use tia::model::{Change, Node, PathChange, RepoPath, Suite};

/// What is made of commits that change source and more: their source alone.
pub(crate) const SOURCE_ALONE: &str = "(its source alone)";

/// The kinds, in the order of the table.
pub(crate) const KINDS: [&str; 7] = [
    "source",
    "tests",
    "source and tests",
    SOURCE_ALONE,
    "configuration and data",
    "mixed",
    "docs and comments",
];

/// The kind of a change, and its files of source.
pub(crate) struct Kind {
    pub name: &'static str,
    pub sources: Vec<String>,
}

impl Kind {
    /// Whether it changes source and tests, configuration or data.
    pub(crate) fn is_more_than_source(&self) -> bool {
        !self.sources.is_empty() && self.name != "source"
    }
}

/// The kind of a change. All below `doc` and `docs` is documents, requirements too. Documents and comments ride along with
/// anything else; `mixed` is configuration or data together with code.
///
/// # Errors
/// A blob that cannot be read, in words.
pub(crate) fn of(tia: &Workspace, graph: &Graph, change: &Change) -> Result<Kind, String> {
    let (mut tests, mut other, mut sources) = (false, false, Vec::new());
    for path in &change.paths {
        match one(tia, graph, path)? {
            Path::Source => sources.push(path.path.to_string()),
            Path::Test => tests = true,
            Path::Other => other = true,
            Path::Docs => {}
        }
    }
    let source = !sources.is_empty();
    let name = match (source, tests, other) {
        (true, false, false) => "source",
        (false, true, false) => "tests",
        (true, true, false) => "source and tests",
        (false, false, true) => "configuration and data",
        (false, false, false) => "docs and comments",
        _ => "mixed",
    };
    Ok(Kind { name, sources })
}

enum Path {
    Source,
    Test,
    Docs,
    Other,
}

fn one(tia: &Workspace, graph: &Graph, change: &PathChange) -> Result<Path, String> {
    let path = change.path.to_string();
    let mut levels: Vec<&str> = path.split('/').collect();
    let name = levels.pop().unwrap_or_default();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if matches!(extension, "py" | "pyi") {
        if same_code(tia, change)? {
            return Ok(Path::Docs);
        }
        let suite = Suite::Python {
            file: change.path.clone(),
        };
        let test = graph.find(&Node::Test(suite)).is_some()
            || name == "conftest.py"
            || levels.iter().any(|level| is_for_tests(level));
        return Ok(if test { Path::Test } else { Path::Source });
    }
    if matches!(extension, "c" | "h" | "pyx" | "pxd" | "rs") {
        return Ok(Path::Source);
    }
    let prose = matches!(extension, "md" | "rst")
        || levels
            .first()
            .is_some_and(|top| matches!(*top, "doc" | "docs"))
        || ["CHANGES", "CHANGELOG", "LICENSE", "COPYING", "AUTHORS"]
            .iter()
            .any(|prose| stem.starts_with(prose));
    Ok(
        if prose && !levels.iter().any(|level| is_for_tests(level)) {
            Path::Docs
        } else {
            Path::Other
        },
    )
}

fn is_for_tests(level: &str) -> bool {
    matches!(level, "test" | "tests")
}

/// Whether both versions of a file are the same but for comments and layout.
fn same_code(tia: &Workspace, change: &PathChange) -> Result<bool, String> {
    let (Some((before, after)), Some((lang, kind))) = (change.edited(), lang::of(&change.path))
    else {
        return Ok(false);
    };
    let code = |blob| {
        let path: &RepoPath = &change.path;
        let bytes = tia.repo().blobs().read(&blob, Some(path));
        let bytes = bytes.map_err(|error| error.to_string())?;
        Ok::<_, String>(lang.facts(kind, &bytes).code)
    };
    Ok(code(before)? == code(after)?)
}
