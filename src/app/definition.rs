//! `tia why FILE::NAME`: by which names tests reach one definition. It is asked as if the definition's body had changed.

use std::collections::{BTreeMap, HashMap};

use super::why::unknown;
use super::{AppError, Head, Progress, Workspace, narrow};
use crate::graph::Graph;
use crate::model::{Attributed, Change, Node, PathChange, RepoPath, Suite};
use crate::select::{self, Calls, Edit, Finer, Inputs, Selection};

/// What is known of a definition.
#[derive(Debug)]
pub struct Reaching {
    /// The suites that may reach it.
    pub suites: Vec<ReachingSuite>,
    /// Why its file counts as a whole, where it does: then all who reach the file may.
    pub whole: Option<String>,
}

/// A suite that may reach a definition.
#[derive(Debug)]
pub struct ReachingSuite {
    /// The suite, as it is printed.
    pub suite: String,
    /// The tests of it that may; none where it has to be taken as a whole.
    pub cases: Vec<String>,
    /// The definitions on the way from the first of the tests; or why all of them may.
    pub by: Vec<String>,
}

impl Workspace {
    /// The tests that may reach a definition of the working tree by names; `test` narrows the question to a suite, or to one
    /// test of it, as `tia select` prints it.
    ///
    /// # Errors
    /// A file, definition or test that is not there; contents that cannot be read.
    pub fn why_definition(
        &self,
        path: &str,
        name: &str,
        test: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Reaching, AppError> {
        let (side, _) = self.head_side(&Head::WorkTree)?;
        let graph = self.graph(&side, progress)?;
        let path = RepoPath::new(path);
        let Some(entry) = self.repo.entry(&side, &path)? else {
            let paths = graph.iter().filter_map(|(_, node, _)| match node {
                Node::Path(path) => Some(path.to_string()),
                _ => None,
            });
            return Err(unknown("file", path.to_string(), paths));
        };
        let change = Change {
            paths: vec![PathChange {
                path: path.clone(),
                before: Some(entry.clone()),
                after: Some(entry),
                other_side: None,
            }],
        };
        let edits = HashMap::from([(path.clone(), Edit::Code)]);
        let inputs = Inputs {
            base: &graph,
            head: &graph,
            change: &change,
            edits: &edits,
            rules: &self.config().rules,
        };
        let mut full = select::select(inputs);
        if let Some(test) = test {
            let (suite, case) = find_case(&graph, test)?;
            full = full.only(suite, case);
        }
        let mut wanted = narrow::loaded(&full, &[&graph]);
        wanted.insert(path.clone());
        let program = self.programs(&[&side], &wanted, progress)?.remove(0);
        let mut modules = program.modules.iter();
        let Some(module) = modules.find(|module| module.path == path) else {
            let why = "its definitions are not told apart".to_owned();
            return Ok(Reaching::of(&full, Some(why)));
        };
        let own = program.units.iter().skip(module.first as usize);
        let own = own.take_while(|unit| program.modules[unit.module as usize].path == path);
        let dotted = name.replace("::", ".");
        let (mut units, mut names) = (Vec::new(), Vec::new());
        for (at, unit) in (0..).zip(own) {
            names.push(unit.name.clone());
            // Rust's names keep their colons
            if unit.name == dotted || unit.name == name {
                units.push((Some(at), Some(at)));
            }
        }
        if units.is_empty() {
            return Err(unknown("definition", name.to_owned(), names.into_iter()));
        }
        let attributed = Attributed {
            units,
            ..Attributed::default()
        };
        let files = BTreeMap::from([(path.clone(), attributed)]);
        let finer = Finer {
            base: (&graph, &program),
            head: (&graph, &program),
            files: &files,
            calls: &Calls::new(),
        };
        if let Some((_, why)) = select::unattributable(&finer).pop() {
            return Ok(Reaching::of(&full, Some(why)));
        }
        let edits = HashMap::from([(path, Edit::Comment)]);
        let floor = select::select(Inputs {
            edits: &edits,
            ..inputs
        });
        Ok(Reaching::of(&select::narrow(full, &floor, &finer), None))
    }
}

impl Reaching {
    fn of(selection: &Selection, whole: Option<String>) -> Self {
        let suites = selection.selected().iter().map(|selected| ReachingSuite {
            suite: selected.suite.to_string(),
            cases: match selected.complete {
                true => selected.cases.clone(),
                false => Vec::new(),
            },
            by: selected.by.clone(),
        });
        Self {
            suites: suites.collect(),
            whole,
        }
    }
}

/// The suite of a test as it is printed, and its name below that where one is given.
fn find_case<'a>(
    graph: &'a Graph,
    test: &'a str,
) -> Result<(&'a Suite, Option<&'a str>), AppError> {
    let mut suites = Vec::new();
    for (_, node, _) in graph.iter() {
        let Node::Test(suite) = node else { continue };
        let text = suite.to_string();
        let between = match suite {
            Suite::Python { .. } => "::",
            Suite::Cargo { .. } => " ",
        };
        match test.strip_prefix(&text) {
            Some("") => return Ok((suite, None)),
            Some(rest) if rest.starts_with(between) => {
                return Ok((suite, Some(&rest[between.len()..])));
            }
            _ => suites.push(text),
        }
    }
    Err(unknown("test", test.to_owned(), suites.into_iter()))
}
