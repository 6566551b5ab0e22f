//! What the repository says of the tests of a history: where they are defined, who owns them, who met their failures.

use rustc_hash::FxHashMap;
use std::path::Path;

use super::join::known;
use super::{AppError, Progress, Workspace};
use crate::config::{OWNER_FILES, Owners};
use crate::graph::Graph;
use crate::model::{CargoTest, Node, RepoPath, Suite, TestId};
use crate::repo::Repo;
use crate::report::flaky::People;

/// So many tests are named in a command.
const COMMAND: usize = 10;

/// The repository around a history, as far as there is one.
pub(super) struct Site {
    workspace: Option<Workspace>,
    owners: Owners,
    authors: FxHashMap<String, Option<String>>,
    /// What could not be found out, in sentences.
    pub(super) notes: Vec<String>,
}

impl Site {
    /// Opens the repository around `directory`, if one is there. Nothing of this may fail: what is not found is not told.
    pub(super) fn open(directory: &Path, no_cache: bool) -> Self {
        let workspace = Workspace::open(directory, no_cache).ok();
        let mut notes = Vec::new();
        let mut owners = Owners::default();
        if let Some((place, text)) = workspace
            .as_ref()
            .and_then(|workspace| owner_file(workspace.repo()))
        {
            owners = Owners::parse(&text);
            if let Some(line) = owners.unread.first() {
                notes.push(format!(
                    "{} of `{place}` could not be read, the first is line {line}",
                    crate::report::flaky::counted(owners.unread.len(), "pattern")
                ));
            }
        }
        Self {
            workspace,
            owners,
            authors: FxHashMap::default(),
            notes,
        }
    }

    /// The same, where settings decide: a `tia.toml` that cannot be used is an error.
    pub(super) fn with_settings(directory: &Path, no_cache: bool) -> Result<Self, AppError> {
        match Workspace::open(directory, no_cache) {
            Err(error @ AppError::Config(_)) => Err(error),
            _ => Ok(Self::open(directory, no_cache)),
        }
    }

    /// The repository, where there is one.
    pub(super) fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// What the project is called: the name of the directory that its repository is in.
    pub(super) fn project(&self) -> Option<String> {
        let repo = self.workspace.as_ref()?.repo();
        let top = repo.work_dir().unwrap_or_else(|| repo.git_dir());
        let name = top
            .canonicalize()
            .ok()?
            .file_name()?
            .to_string_lossy()
            .into_owned();
        Some(
            name.strip_suffix(".git")
                .map_or(name.clone(), str::to_owned),
        )
    }

    /// Whether a CODEOWNERS file says who owns anything.
    pub(super) fn has_owners(&self) -> bool {
        !self.owners.is_empty()
    }

    /// The file that defines each test, where the graph of the working tree knows.
    pub(super) fn files(
        &mut self,
        tests: &[&TestId],
        progress: &dyn Progress,
    ) -> Vec<Option<RepoPath>> {
        let own = |test: &TestId| (!test.file().is_empty()).then(|| RepoPath::new(test.file()));
        let graph = match &self.workspace {
            Some(workspace) => workspace.graph_at(None, progress),
            None => return tests.iter().map(|test| own(test)).collect(),
        };
        let graph = match graph {
            Ok(graph) => graph,
            Err(error) => {
                self.notes
                    .push(format!("the files of tests are not known: {error}"));
                return tests.iter().map(|test| own(test)).collect();
            }
        };
        let tests_there = known(&graph);
        let file = |test: &&TestId| match tests_there.join(test) {
            Some(joined) => defined(&graph, joined.suite),
            None => own(test),
        };
        tests.iter().map(file).collect()
    }

    /// What pytest calls each test (`tests/a.py::Class::test[1]`), where the graph of the working tree knows it.
    pub(super) fn nodes(&self, tests: &[&TestId], progress: &dyn Progress) -> Vec<Option<String>> {
        let graph = self
            .workspace
            .as_ref()
            .and_then(|workspace| workspace.graph_at(None, progress).ok());
        let Some(graph) = graph else {
            return vec![None; tests.len()];
        };
        let tests_there = known(&graph);
        let node = |test: &&TestId| {
            let joined = tests_there.join(test)?;
            let Suite::Python { file } = joined.suite else {
                return None;
            };
            let mut node = file.to_string();
            if !joined.case.is_empty() {
                node.push_str("::");
                node.push_str(&joined.case);
                if !test.params().is_empty() && !node.ends_with(']') {
                    node.push_str(&format!("[{}]", test.params()));
                }
            }
            Some(node)
        };
        tests.iter().map(node).collect()
    }

    /// A command that runs these tests, where the graph of the working tree knows them: for pytest, or for Cargo.
    pub(super) fn command(&self, tests: &[&TestId], progress: &dyn Progress) -> Option<String> {
        let graph = self.workspace.as_ref()?.graph_at(None, progress).ok()?;
        let tests_there = known(&graph);
        let (mut files, mut suites) = (Vec::new(), Vec::new());
        for test in tests.iter().take(COMMAND) {
            let joined = tests_there.join(test)?;
            match joined.suite {
                Suite::Python { file } if joined.case.is_empty() => files.push(file.to_string()),
                Suite::Python { file } => files.push(format!("{file}::{}", joined.case)),
                Suite::Cargo { package, target } => {
                    let target = match target {
                        CargoTest::Lib => "--lib".to_owned(),
                        CargoTest::Doc => "--doc".to_owned(),
                        CargoTest::Bin(name) => format!("--bin {name}"),
                        CargoTest::Test(name) => format!("--test {name}"),
                        CargoTest::Example(name) => format!("--example {name}"),
                        CargoTest::Bench(name) => format!("--bench {name}"),
                    };
                    suites.push(format!("-p {package} {target} -- --exact {}", joined.case));
                }
            }
        }
        files.sort();
        files.dedup();
        if !files.is_empty() {
            return Some(format!("pytest {}", files.join(" ")));
        }
        suites
            .into_iter()
            .next()
            .map(|suite| format!("cargo test {suite}"))
    }

    /// Who owns a file.
    pub(super) fn owners(&self, file: &RepoPath) -> Vec<String> {
        self.owners.of(file).to_vec()
    }

    /// How people can be counted: by authors where most of these commits are at hand.
    pub(super) fn people<'a>(
        &mut self,
        commits: impl Iterator<Item = &'a str>,
        branches: bool,
    ) -> People {
        let mut known = 0;
        let mut all = 0;
        for commit in commits {
            all += 1;
            known += usize::from(self.author(commit).is_some());
        }
        match (2 * known > all, branches) {
            (true, _) => People::Authors,
            (false, true) => People::Branches,
            _ => People::Unknown,
        }
    }

    /// Who wrote a commit.
    pub(super) fn author(&mut self, commit: &str) -> Option<String> {
        let repo = self.workspace.as_ref()?.repo();
        self.authors
            .entry(commit.to_owned())
            .or_insert_with(|| repo.author(commit))
            .clone()
    }
}

/// The file of a suite; for an executable of Cargo its main source.
fn defined(graph: &Graph, suite: &Suite) -> Option<RepoPath> {
    if let Suite::Python { file } = suite {
        return Some(file.clone());
    }
    let test = graph.find(&Node::Test(suite.clone()))?;
    graph
        .dependencies(test)
        .find_map(|(to, _)| match graph.node(to) {
            Node::Path(path) if path.as_bytes().ends_with(b".rs") => Some(path.clone()),
            _ => None,
        })
}

/// The CODEOWNERS file of the working tree, or of HEAD in a bare repository.
fn owner_file(repo: &Repo) -> Option<(&'static str, String)> {
    OWNER_FILES.into_iter().find_map(|place| {
        let text = match repo.work_dir() {
            Some(top) => std::fs::read(top.join(place)).ok()?,
            None => repo.read_at(repo.head().ok()??, &place.into()).ok()??,
        };
        Some((place, String::from_utf8_lossy(&text).into_owned()))
    })
}
