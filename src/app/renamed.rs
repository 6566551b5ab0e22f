//! Renames of tests that git's renames of files suggest.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{AppError, Head, Progress, Request, Workspace};
use crate::lang::Tests;
use crate::model::{ChangeKind, Node, RepoPath, Suite, TestId, TestParts};

impl Workspace {
    /// For each test whose file went elsewhere between `base` and the working tree: its id there, if the graph knows
    /// the same case in the file's new place. Python only, whose reports name modules after files.
    ///
    /// # Errors
    /// No such revision, or the graph cannot be laid out.
    pub(super) fn renamed(
        &self,
        tests: &[TestId],
        base: &str,
        progress: &dyn Progress,
    ) -> Result<Vec<(TestId, TestId)>, AppError> {
        let request = Request {
            base: Some(base.to_owned()),
            head: Head::WorkTree,
            coverage: Some(Vec::new()),
            ..Request::default()
        };
        let answer = self.select(&request, progress)?;
        let moved: FxHashMap<&RepoPath, &RepoPath> = answer
            .change
            .paths
            .iter()
            .filter(|change| change.kind() == ChangeKind::Deleted)
            .filter_map(|change| Some((&change.path, change.other_side.as_ref()?)))
            .collect();
        let suites = |graph: &'_ crate::graph::Graph| -> Vec<(Suite, Vec<String>)> {
            graph
                .iter()
                .filter_map(|(_, node, info)| match node {
                    Node::Test(suite) => Some((suite.clone(), info.cases.clone())),
                    _ => None,
                })
                .collect()
        };
        let before = suites(&answer.base_graph);
        let before = Tests::new(
            before
                .iter()
                .map(|(suite, cases)| (suite, cases.as_slice())),
        );
        let now: FxHashSet<(Suite, String)> = suites(answer.graph())
            .into_iter()
            .flat_map(|(suite, cases)| cases.into_iter().map(move |case| (suite.clone(), case)))
            .collect();
        let mut found = Vec::new();
        for test in tests {
            let Some(joined) = before.join(test) else {
                continue;
            };
            let Suite::Python { file } = joined.suite else {
                continue;
            };
            let Some(to) = moved.get(file) else {
                continue;
            };
            let suite = Suite::Python {
                file: (*to).clone(),
            };
            if now.contains(&(suite, joined.case.clone())) {
                found.push((test.clone(), elsewhere(test, file, to)));
            }
        }
        Ok(found)
    }
}

/// The id of a test after its file went from one path to another: the module's name at the beginning of the class (and
/// the file, where given) changes as the path did.
fn elsewhere(test: &TestId, from: &RepoPath, to: &RepoPath) -> TestId {
    let module = |path: &RepoPath| {
        let path = path.to_string();
        path.strip_suffix(".py").unwrap_or(&path).replace('/', ".")
    };
    let (old, new) = (module(from), module(to));
    // reports may name modules from a directory below the top: both sides lose as many levels
    let mut class = test.class().to_owned();
    let mut levels: (&str, &str) = (&old, &new);
    loop {
        if let Some(rest) = class.strip_prefix(levels.0)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            class = format!("{}{rest}", levels.1);
            break;
        }
        match (levels.0.split_once('.'), levels.1.split_once('.')) {
            (Some((_, a)), Some((_, b))) => levels = (a, b),
            _ => break,
        }
    }
    let suite: Vec<&str> = test.suite().collect();
    let file = if test.file().is_empty() {
        String::new()
    } else {
        to.to_string()
    };
    TestId::new(TestParts {
        file: &file,
        suite: &suite,
        class: &class,
        name: test.name(),
        params: test.params(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_module_changes_the_class_from_where_reports_name_it() {
        let id = |class: &str| TestId::of(class, "test_a");
        let moved = |class: &str| {
            elsewhere(
                &id(class),
                &"src/tests/test_a.py".into(),
                &"src/unit/test_b.py".into(),
            )
        };
        assert_eq!(moved("src.tests.test_a.TestX"), id("src.unit.test_b.TestX"));
        assert_eq!(moved("tests.test_a"), id("unit.test_b"));
        assert_eq!(moved("test_a"), id("test_b"));
    }
}
