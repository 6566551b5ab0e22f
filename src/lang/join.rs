//! From a test as a report names it to the test as the graph names it.
//!
//! Reports name tests by what a runner printed, the graph by where sources define them. A test joins only where exactly
//! one suite can be meant; what is ambiguous does not join. One function an ecosystem: [`python::join`] and
//! [`rust::join`].

use rustc_hash::FxHashMap;

use super::{python, rust};
use crate::model::{CargoTest, Suite, TestId};

/// The tests of a graph, laid out to be found by the names that reports use.
#[derive(Debug)]
pub struct Tests<'a> {
    suites: Vec<(&'a Suite, &'a [String])>,
    /// Python files by their last path component.
    files: FxHashMap<&'a [u8], Vec<usize>>,
    /// Cargo suites by nextest's binary id.
    binaries: FxHashMap<String, usize>,
    /// Cargo cases by name; `None` where several suites have one of this name.
    cases: FxHashMap<&'a str, Option<usize>>,
}

/// Where a test of a report is in the graph.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Joined<'a> {
    /// The suite, a node of the graph.
    pub suite: &'a Suite,
    /// The case below it, as the runner spells it (`Class::test_name`, `module::test`); empty for the suite as a whole.
    pub case: String,
}

impl<'a> Tests<'a> {
    /// Lays out the suites of a graph with their cases. Cost: one look-up a suite and a Cargo case.
    pub fn new(suites: impl IntoIterator<Item = (&'a Suite, &'a [String])>) -> Self {
        let mut tests = Self {
            suites: suites.into_iter().collect(),
            files: FxHashMap::default(),
            binaries: FxHashMap::default(),
            cases: FxHashMap::default(),
        };
        for (index, (suite, cases)) in tests.suites.iter().enumerate() {
            match suite {
                Suite::Python { file } => {
                    let name = file.as_bytes().rsplit(|byte| *byte == b'/').next();
                    tests
                        .files
                        .entry(name.unwrap_or_default())
                        .or_default()
                        .push(index);
                }
                Suite::Cargo { .. } => {
                    tests.binaries.insert(suite.to_string(), index);
                    for case in *cases {
                        tests
                            .cases
                            .entry(case)
                            .and_modify(|known| *known = None)
                            .or_insert(Some(index));
                    }
                }
            }
        }
        tests
    }

    /// The test of the graph that a test of a report is. Cost: a few look-ups.
    pub fn join(&self, test: &TestId) -> Option<Joined<'a>> {
        python::join(test, self).or_else(|| rust::join(test, self))
    }

    /// The one Python file at this path, or whose path ends so, or which this path ends with: reports name files
    /// relative to where the runner was started, which may be above or below the top of the repository.
    pub(super) fn python_file(&self, path: &str) -> Option<&'a Suite> {
        let path = path.strip_prefix("./").unwrap_or(path).as_bytes();
        let name = path.rsplit(|byte| *byte == b'/').next()?;
        let mut near = None;
        for index in self.files.get(name)? {
            let suite = self.suites[*index].0;
            let Suite::Python { file } = suite else {
                continue;
            };
            let file = file.as_bytes();
            if file == path {
                return Some(suite);
            }
            if below(file, path) || below(path, file) {
                if near.is_some() {
                    return None;
                }
                near = Some(suite);
            }
        }
        near
    }

    /// The Cargo suite of this binary id, as nextest has it.
    pub(super) fn binary(&self, id: &str) -> Option<&'a Suite> {
        self.binaries.get(id).map(|index| self.suites[*index].0)
    }

    /// The only Cargo suite with a case of this name.
    pub(super) fn only_with(&self, case: &str) -> Option<&'a Suite> {
        self.cases
            .get(case)
            .copied()
            .flatten()
            .map(|index| self.suites[index].0)
    }

    /// The doctests of the repository, where it has one library.
    pub(super) fn only_doctests(&self) -> Option<&'a Suite> {
        let mut docs = self.suites.iter().filter_map(|(suite, _)| match suite {
            Suite::Cargo {
                target: CargoTest::Doc,
                ..
            } => Some(*suite),
            _ => None,
        });
        docs.next().filter(|_| docs.next().is_none())
    }
}

/// Whether `path` is `end`, with directories before it.
fn below(path: &[u8], end: &[u8]) -> bool {
    path.strip_suffix(end)
        .is_some_and(|front| front.ends_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TestParts;

    fn python(file: &str) -> Suite {
        Suite::Python { file: file.into() }
    }

    fn cargo(package: &str, target: CargoTest) -> Suite {
        Suite::Cargo {
            package: package.into(),
            target,
        }
    }

    #[track_caller]
    fn check(id: &TestId, expected: &str) {
        let suites = [
            (python("tests/test_leaf.py"), vec!["TestLeaf::test_one"]),
            (python("a/tests/test_twice.py"), vec![]),
            (python("b/tests/test_twice.py"), vec![]),
            (python("src/pkg/tests/test_deep.py"), vec![]),
            (
                cargo("core", CargoTest::Lib),
                vec!["parse::tests::empty", "both"],
            ),
            (
                cargo("core", CargoTest::Test("it".into())),
                vec!["run::works", "both"],
            ),
            (cargo("core", CargoTest::Doc), vec![]),
        ];
        let suites: Vec<(Suite, Vec<String>)> = suites
            .into_iter()
            .map(|(suite, cases)| (suite, cases.into_iter().map(String::from).collect()))
            .collect();
        let tests = Tests::new(
            suites
                .iter()
                .map(|(suite, cases)| (suite, cases.as_slice())),
        );
        let found = tests.join(id).map_or("nothing".into(), |joined| {
            format!("{} {}", joined.suite, joined.case)
        });
        assert_eq!(found, expected, "{id}");
    }

    #[test]
    fn pytest_names_the_module_and_then_the_classes() {
        check(
            &TestId::of("tests.test_leaf", "test_one"),
            "tests/test_leaf.py test_one",
        );
        check(
            &TestId::of("tests.test_leaf.TestLeaf", "test_one").with_params("a-1"),
            "tests/test_leaf.py TestLeaf::test_one",
        );
        check(
            &TestId::of("tests.test_leaf.TestLeaf.TestInner", "test_one"),
            "tests/test_leaf.py TestLeaf::TestInner::test_one",
        );
    }

    #[test]
    fn a_runner_started_above_or_below_the_top_names_other_paths() {
        check(
            &TestId::of("test_leaf.TestLeaf", "test_one"),
            "tests/test_leaf.py TestLeaf::test_one",
        );
        check(
            &TestId::of("repo.tests.test_leaf", "test_one"),
            "tests/test_leaf.py test_one",
        );
        check(
            &TestId::of("pkg.tests.test_deep", "test_x"),
            "src/pkg/tests/test_deep.py test_x",
        );
    }

    #[test]
    fn what_could_be_two_suites_is_none() {
        check(&TestId::of("tests.test_twice", "test_x"), "nothing");
        check(
            &TestId::of("a.tests.test_twice", "test_x"),
            "a/tests/test_twice.py test_x",
        );
        check(&TestId::of("", "both"), "nothing");
    }

    #[test]
    fn a_file_beats_the_class() {
        let id = TestId::new(TestParts {
            file: "b/tests/test_twice.py",
            class: "tests.test_twice.TestA",
            name: "test_x",
            ..TestParts::default()
        });
        check(&id, "b/tests/test_twice.py TestA::test_x");
    }

    #[test]
    fn nextest_names_the_binary_and_libtest_only_the_case() {
        check(&TestId::of("core::it", "run::works"), "core::it run::works");
        check(
            &TestId::of("", "parse::tests::empty"),
            "core parse::tests::empty",
        );
        check(
            &TestId::of("parse::tests", "empty"),
            "core parse::tests::empty",
        );
        check(
            &TestId::of("", "src/lib.rs - parse (line 12)"),
            "core::doc src/lib.rs - parse (line 12)",
        );
        check(&TestId::of("com.example.FooTest", "works"), "nothing");
    }
}
