//! Coverage as its producer spells it, laid over the paths and tests of the repository.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{Bits, Measured, RepoPath};
use crate::select::Evidence;

/// What pytest-cov puts after the name of a test.
const PHASES: [&str; 3] = ["setup", "run", "teardown"];

/// Paths and suites of the measured commit.
pub(super) struct Places<'a> {
    paths: HashMap<&'a [u8], &'a RepoPath>,
    /// Every path by its last part.
    by_name: HashMap<&'a [u8], Vec<&'a RepoPath>>,
    /// Cases by other spellings of them: dotted, and with every mark replaced by `_`.
    spelled: HashMap<String, Option<(RepoPath, String)>>,
    /// Whether a suite's parameters are told apart, where it was measured itself.
    apart: Box<dyn Fn(&RepoPath) -> bool + 'a>,
    /// What it said.
    told: RefCell<HashMap<RepoPath, bool>>,
}

impl<'a> Places<'a> {
    /// `cases` are the suites with the cases that can be seen in them; `apart` tells of which of them the parameters of a test may
    /// be told apart.
    pub(super) fn new(
        paths: impl Iterator<Item = &'a RepoPath>,
        cases: impl Iterator<Item = (&'a RepoPath, &'a [String])>,
        apart: impl Fn(&RepoPath) -> bool + 'a,
    ) -> Self {
        let paths: HashMap<&[u8], &RepoPath> = paths.map(|path| (path.as_bytes(), path)).collect();
        let mut by_name: HashMap<&[u8], Vec<&RepoPath>> = HashMap::new();
        for path in paths.values() {
            by_name.entry(path.file_name()).or_default().push(path);
        }
        let mut spelled: HashMap<String, Option<(RepoPath, String)>> = HashMap::new();
        let mut spell = |spelling: String, file: &RepoPath, case: &str| {
            let own = (file.clone(), case.to_owned());
            let known = spelled.entry(spelling).or_insert_with(|| Some(own.clone()));
            // two tests of one spelling cannot be told apart
            if known.as_ref() != Some(&own) {
                *known = None;
            }
        };
        for (file, cases) in cases {
            let path = file.to_string();
            let module = path.strip_suffix(".py").unwrap_or(&path).replace('/', ".");
            for case in cases {
                let dotted = case.replace("::", ".");
                let mut module = module.as_str();
                loop {
                    spell(format!("{module}.{dotted}"), file, case);
                    match module.split_once('.') {
                        Some((_, rest)) => module = rest,
                        None => break,
                    }
                }
                spell(plain(&format!("{path}::{case}")), file, case);
            }
        }
        Self {
            paths,
            by_name,
            spelled,
            apart: Box::new(apart),
            told: RefCell::default(),
        }
    }

    /// A measured file as a path of the repository. `root` is where the producer had the repository.
    fn file(&self, name: &str, root: &str) -> Option<RepoPath> {
        let below = name.strip_prefix(root)?;
        self.paths.get(below.as_bytes()).map(|path| (*path).clone())
    }

    /// Where the producer had the repository: what stands before the paths of most files.
    fn root(&self, names: &[String]) -> String {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names {
            let found = std::iter::once(0).chain(name.match_indices('/').map(|(at, _)| at + 1));
            for at in found {
                if self.paths.contains_key(&name.as_bytes()[at..]) {
                    *votes.entry(&name[..at]).or_default() += 1;
                }
            }
        }
        // of equals the longest: the repository may hold a copy of itself
        let best = votes
            .iter()
            .max_by_key(|(root, count)| (**count, root.len()));
        best.map_or_else(String::new, |(root, _)| (*root).to_owned())
    }

    /// A context's name as a test: file and case. `measured` are the files that were measured.
    fn test(&self, name: &str, measured: &HashSet<&RepoPath>) -> Option<(RepoPath, String)> {
        let name = match name.rsplit_once('|') {
            Some((test, phase)) if PHASES.contains(&phase) => test,
            _ => name,
        };
        if let Some(at) = name.find(".py::") {
            let start = name[..at].rfind('|').map_or(0, |bar| bar + 1);
            let (file, case) = (self.suite(&name[start..at + 3])?, &name[at + 5..]);
            // parameters, then the group that pytest-xdist adds
            let bare = case.split(['[', '@']).next().unwrap_or_default();
            let whole = case.rfind(']').map_or(bare, |at| &case[..=at]);
            // one that skips itself while it is set up shows in no file but its own
            let apart = measured.contains(&file) && self.tells_apart(&file);
            return Some((file, if apart { whole } else { bare }.to_owned()));
        }
        let case = name.split('[').next().unwrap_or_default();
        let dotted = case.replace('/', ".");
        let mut spellings = [name, &dotted].into_iter();
        let known = spellings.find_map(|spelling| self.spelled.get(spelling));
        known.or_else(|| self.spelled.get(&plain(case)))?.clone()
    }

    fn tells_apart(&self, file: &RepoPath) -> bool {
        if let Some(told) = self.told.borrow().get(file) {
            return *told;
        }
        let told = (self.apart)(file);
        self.told.borrow_mut().insert(file.clone(), told);
        told
    }

    /// The one file that a path leads to which may be relative to a folder of the repository.
    fn suite(&self, file: &str) -> Option<RepoPath> {
        if let Some(path) = self.paths.get(file.as_bytes()) {
            return Some((*path).clone());
        }
        let last = file.rsplit('/').next().unwrap_or_default();
        let below = format!("/{file}");
        let mut found = self
            .by_name
            .get(last.as_bytes())?
            .iter()
            .filter(|path| path.as_bytes().ends_with(below.as_bytes()));
        match (found.next(), found.next()) {
            (Some(path), None) => Some((*path).clone()),
            _ => None,
        }
    }

    /// Lays a measurement over the repository. What ran under a name that is no test's counts as run outside of tests.
    pub(super) fn lay(&self, measured: Measured, evidence: &mut Evidence) {
        let names: Vec<String> = measured
            .files
            .iter()
            .map(|name| name.replace('\\', "/"))
            .collect();
        let root = self.root(&names);
        let files: Vec<Option<RepoPath>> =
            names.iter().map(|name| self.file(name, &root)).collect();
        let known: HashSet<&RepoPath> = files.iter().flatten().collect();
        let tests: Vec<Option<(RepoPath, String)>> = measured
            .contexts
            .iter()
            .map(|context| self.test(&context.name, &known))
            .collect();
        let mut all = std::mem::take(&mut evidence.tests);
        let old = all.clone();
        all.extend(tests.iter().flatten().cloned());
        all.sort();
        all.dedup();
        let place = |test: &(RepoPath, String)| all.binary_search(test).ok().map(|at| at as u32);
        let mut ran: BTreeMap<(RepoPath, Option<u32>), Bits> = BTreeMap::new();
        let mut around: BTreeMap<(RepoPath, u32), Bits> = BTreeMap::new();
        for (path, runs) in std::mem::take(&mut evidence.files) {
            for (test, lines) in runs {
                let test = test.and_then(|test| place(&old[test as usize]));
                ran.entry((path.clone(), test)).or_default().extend(&lines);
            }
        }
        for (path, runs) in std::mem::take(&mut evidence.around) {
            for (test, lines) in runs {
                if let Some(test) = place(&old[test as usize]) {
                    around
                        .entry((path.clone(), test))
                        .or_default()
                        .extend(&lines);
                }
            }
        }
        for (context, test) in measured.contexts.iter().zip(&tests) {
            let test = test.as_ref().and_then(place);
            // what is not said to be the test's own run may be around it
            let own = context.name.ends_with("|run");
            let phase = context.name.rsplit_once('|').map(|(_, phase)| phase);
            evidence.as_a_whole |= test.is_some() && !phase.is_some_and(|p| PHASES.contains(&p));
            for (file, lines) in &context.lines {
                let Some(Some(path)) = files.get(*file as usize) else {
                    continue;
                };
                if lines.is_empty() {
                    continue;
                }
                ran.entry((path.clone(), test)).or_default().extend(lines);
                if let Some(test) = test.filter(|_| !own) {
                    around
                        .entry((path.clone(), test))
                        .or_default()
                        .extend(lines);
                }
            }
        }
        for ((path, test), lines) in ran {
            evidence.files.entry(path).or_default().push((test, lines));
        }
        for ((path, test), lines) in around {
            evidence.around.entry(path).or_default().push((test, lines));
        }
        evidence.tests = all;
    }
}

/// Whether each line was recorded for one test only, although there are several: then the tracer stopped looking at a line
/// that it had seen once, and what the others ran is lost.
pub(super) fn is_lossy(evidence: &Evidence) -> bool {
    let shared = evidence.files.values().any(|runs| {
        let mut seen = Bits::default();
        runs.iter()
            .filter(|(test, _)| test.is_some())
            .any(|(_, lines)| {
                let shares = seen.shares(lines);
                seen.extend(lines);
                shares
            })
    });
    evidence.tests.len() > 1 && !shared
}

/// A name as LCOV's tools take it.
fn plain(name: &str) -> String {
    let mark = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MeasuredContext;

    fn test_of(name: &str) -> String {
        let paths: Vec<RepoPath> = ["tests/test_a.py", "pkg/tests/test_b.py", "src/a.py"]
            .map(RepoPath::from)
            .into();
        let cases = [
            vec!["TestA::test_b".to_owned(), "test_c".to_owned()],
            vec!["test_d".to_owned()],
        ];
        let places = Places::new(
            paths.iter(),
            paths.iter().zip(cases.iter().map(Vec::as_slice)),
            |file| file.as_bytes() == b"tests/test_a.py",
        );
        match places.test(name, &paths[..1].iter().collect()) {
            Some((path, case)) => format!("{path} {case}"),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn contexts_name_tests_in_every_spelling() {
        for (name, is) in [
            (
                "tests/test_a.py::TestA::test_b|run",
                "tests/test_a.py TestA::test_b",
            ),
            (
                "tests/test_a.py::test_c[x|run]|setup",
                "tests/test_a.py test_c[x|run]",
            ),
            (
                "tests/test_a.py::test_c[a::b]|teardown",
                "tests/test_a.py test_c[a::b]",
            ),
            (
                "tests/test_a.py::test_c[[@]]@group|run",
                "tests/test_a.py test_c[[@]]",
            ),
            ("test_b.py::test_d[x]", "pkg/tests/test_b.py test_d"),
            (
                "tests/test_a.py::test_c@group|run",
                "tests/test_a.py test_c",
            ),
            (
                "py311|tests/test_a.py::test_c|run",
                "tests/test_a.py test_c",
            ),
            ("test_b.py::test_d", "pkg/tests/test_b.py test_d"),
            ("tests.test_a.TestA.test_b", "tests/test_a.py TestA::test_b"),
            ("test_a.test_c", "tests/test_a.py test_c"),
            ("tests/test_a/test_c[1]", "tests/test_a.py test_c"),
            (
                "tests_test_a_py__TestA__test_b",
                "tests/test_a.py TestA::test_b",
            ),
            ("", "none"),
            ("py311", "none"),
            ("gone.py::test_x|run", "none"),
        ] {
            assert_eq!(test_of(name), is, "{name}");
        }
    }

    #[test]
    fn files_of_another_machine_are_found_below_its_folder() {
        let paths: Vec<RepoPath> = ["a.py", "tests/test_a.py", "venv/a.py"]
            .map(RepoPath::from)
            .into();
        let places = Places::new(paths.iter(), std::iter::empty(), |_| true);
        let names: Vec<String> = ["/ci/job/a.py", "/ci/job/tests/test_a.py", "/usr/lib/a.py"]
            .map(str::to_owned)
            .into();
        assert_eq!(places.root(&names), "/ci/job/");
        let lines = |n: u32| [n].into_iter().collect::<Bits>();
        let context = |name: &str, lines| MeasuredContext {
            name: name.to_owned(),
            lines,
        };
        let mut evidence = Evidence::default();
        for _ in 0..2 {
            let measured = Measured {
                files: names.clone(),
                contexts: vec![
                    context("", vec![(0, lines(1))]),
                    context(
                        "tests/test_a.py::test_a|setup",
                        vec![(0, lines(2)), (2, lines(9))],
                    ),
                    context(
                        "tests/test_a.py::test_a|run",
                        vec![(0, lines(3)), (1, lines(2))],
                    ),
                ],
            };
            // the same once more changes nothing
            places.lay(measured, &mut evidence);
        }
        assert_eq!(
            evidence.tests,
            [("tests/test_a.py".into(), "test_a".to_owned())]
        );
        assert_eq!(
            evidence.files,
            [
                (
                    "a.py".into(),
                    vec![(None, lines(1)), (Some(0), [2, 3].into_iter().collect())]
                ),
                ("tests/test_a.py".into(), vec![(Some(0), lines(2))]),
            ]
            .into()
        );
        assert_eq!(
            evidence.around,
            [("a.py".into(), vec![(0, lines(2))])].into()
        );
    }
}
