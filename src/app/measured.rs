//! Coverage as its producer spells it, laid over the paths and tests of the repository.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{Bits, Measured, MeasuredContext, RepoPath, Suite};
use crate::select::Evidence;

/// What pytest-cov puts after the name of a test.
const PHASES: [&str; 3] = ["setup", "run", "teardown"];

/// A test: its suite, and the case spelled below it.
type Test = (Suite, String);

/// Directories, with how many measured files lie below each by the names that the repository has for them.
pub(super) type Roots = BTreeMap<String, usize>;

/// What stands between an executable and a test of it: in what nextest prints, in names of files, in JUnit reports.
const BEHIND_EXECUTABLE: [char; 3] = [' ', '/', '$'];

/// The languages whose tests are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Language {
    Python,
    Rust,
}

impl Language {
    fn holds(self, suite: &Suite) -> bool {
        match suite {
            Suite::Python { .. } => self == Self::Python,
            Suite::Cargo { .. } => self == Self::Rust,
        }
    }
}

/// Paths and suites of the measured commit.
pub(super) struct Places<'a> {
    paths: HashMap<&'a [u8], &'a RepoPath>,
    /// Every path by its last part.
    by_name: HashMap<&'a [u8], Vec<&'a RepoPath>>,
    /// Cases by other spellings of them: dotted, behind the executable, and with every mark replaced by `_`.
    spelled: HashMap<String, Option<Test>>,
    /// Cargo's test executables by their names.
    executables: HashMap<String, &'a Suite>,
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
        cases: impl Iterator<Item = (&'a Suite, &'a [String])>,
        apart: impl Fn(&RepoPath) -> bool + 'a,
    ) -> Self {
        let paths: HashMap<&[u8], &RepoPath> = paths.map(|path| (path.as_bytes(), path)).collect();
        let mut by_name: HashMap<&[u8], Vec<&RepoPath>> = HashMap::new();
        for path in paths.values() {
            by_name.entry(path.file_name()).or_default().push(path);
        }
        let mut spelled: HashMap<String, Option<Test>> = HashMap::new();
        let mut executables = HashMap::new();
        let mut spell = |spelling: String, suite: &Suite, case: &str| {
            let own = (suite.clone(), case.to_owned());
            let known = spelled.entry(spelling).or_insert_with(|| Some(own.clone()));
            // two tests of one spelling cannot be told apart
            if known.as_ref() != Some(&own) {
                *known = None;
            }
        };
        for (suite, cases) in cases {
            let Some(file) = suite.file() else {
                for case in cases {
                    spell(case.clone(), suite, case);
                    spell(plain(case), suite, case);
                    spell(plain(&format!("{suite} {case}")), suite, case);
                }
                executables.insert(suite.to_string(), suite);
                continue;
            };
            let path = file.to_string();
            let module = path.strip_suffix(".py").unwrap_or(&path).replace('/', ".");
            for case in cases {
                let dotted = case.replace("::", ".");
                let mut module = module.as_str();
                loop {
                    spell(format!("{module}.{dotted}"), suite, case);
                    match module.split_once('.') {
                        Some((_, rest)) => module = rest,
                        None => break,
                    }
                }
                spell(plain(&format!("{path}::{case}")), suite, case);
            }
        }
        Self {
            paths,
            by_name,
            spelled,
            executables,
            apart: Box::new(apart),
            told: RefCell::default(),
        }
    }

    /// A measured file as a path of the repository. `root` is where the producer had the repository.
    fn file(&self, name: &str, root: &str) -> Option<RepoPath> {
        let below = name.strip_prefix(root)?;
        self.paths.get(below.as_bytes()).map(|path| (*path).clone())
    }

    /// Where producers may have had the repository, with how many of all measured files lie there. `names` may repeat.
    pub(super) fn roots<'n>(&self, names: impl Iterator<Item = &'n str>) -> Roots {
        let names: HashSet<String> = names.map(slashed).collect();
        let mut votes = Roots::new();
        for name in &names {
            for at in self.tails(name) {
                *votes.entry(name[..at].to_owned()).or_default() += 1;
            }
        }
        votes
    }

    /// Where in a name paths of the repository begin.
    fn tails(&self, name: &str) -> impl Iterator<Item = usize> {
        let starts = std::iter::once(0).chain(name.match_indices('/').map(|(at, _)| at + 1));
        starts.filter(|at| self.paths.contains_key(&name.as_bytes()[*at..]))
    }

    /// Where the producer of these files had the repository: where most of all files lie. Sources of packages from elsewhere may have the
    /// same names.
    fn root<'r>(&self, names: &[String], roots: &'r Roots) -> &'r str {
        let own = |root: &str| {
            let mut names = names.iter().filter_map(|name| name.strip_prefix(root));
            names.any(|below| self.paths.contains_key(below.as_bytes()))
        };
        let found = roots.iter().filter(|(root, _)| own(root));
        // of equals the longest: the repository may hold a copy of itself
        let best = found.max_by_key(|(root, count)| (!is_installed(root), **count, root.len()));
        best.map_or("", |(root, _)| root)
    }

    /// A context's name as a test: file and case. `measured` are the files that were measured.
    fn test(&self, name: &str, measured: &HashSet<&RepoPath>) -> Option<Test> {
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
            let suite = Suite::Python { file };
            return Some((suite, if apart { whole } else { bare }.to_owned()));
        }
        let mut ends = name.match_indices(BEHIND_EXECUTABLE);
        let behind = ends.find_map(|(at, _)| {
            let (suite, case) = (self.executables.get(&name[..at])?, &name[at + 1..]);
            let is_path = case
                .chars()
                .all(|c| c.is_alphanumeric() || "_:".contains(c));
            is_path.then(|| ((*suite).clone(), case.to_owned()))
        });
        if behind.is_some() {
            return behind;
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

    /// Lays a measurement over the repository, as far as it is of one language's tests. What ran under a name that is no test's counts as
    /// run outside of tests.
    pub(super) fn lay(
        &self,
        measured: &Measured,
        roots: &Roots,
        language: Language,
        evidence: &mut Evidence,
    ) {
        let names: Vec<String> = measured.files.iter().map(|name| slashed(name)).collect();
        let root = self.root(&names, roots);
        let files: Vec<Option<RepoPath>> = names.iter().map(|name| self.file(name, root)).collect();
        let known: HashSet<&RepoPath> = files.iter().flatten().collect();
        let contexts = measured.contexts.iter();
        let contexts = contexts.map(|context| (context, self.test(&context.name, &known)));
        let (contexts, tests): (Vec<&MeasuredContext>, Vec<Option<Test>>) = contexts
            .filter(|(context, test)| match test {
                // a process that broke off wrote nothing down
                Some((suite, _)) => {
                    language.holds(suite) && (language == Language::Python || context.ran())
                }
                None => true,
            })
            .unzip();
        let mut all = std::mem::take(&mut evidence.tests);
        let old = all.clone();
        all.extend(tests.iter().flatten().cloned());
        all.sort();
        all.dedup();
        let place = |test: &Test| all.binary_search(test).ok().map(|at| at as u32);
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
        for (context, test) in contexts.into_iter().zip(&tests) {
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
        for (file, lines) in &measured.seen {
            if let Some(Some(path)) = files.get(*file as usize) {
                let seen = evidence.seen.entry(path.clone()).or_default();
                seen.extend(lines);
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

fn slashed(name: &str) -> String {
    name.replace('\\', "/")
}

/// Whether packages from elsewhere are kept in a directory.
fn is_installed(dir: &str) -> bool {
    [
        "/registry/src/",
        "/git/checkouts/",
        "/site-packages/",
        "/rustc/",
    ]
    .iter()
    .any(|part| dir.contains(part))
}

/// A name as LCOV's tools take it.
fn plain(name: &str) -> String {
    let mark = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CargoTest;

    fn test_of(name: &str) -> String {
        let paths: Vec<RepoPath> = ["tests/test_a.py", "pkg/tests/test_b.py", "src/a.py"]
            .map(RepoPath::from)
            .into();
        let cases = [
            vec!["TestA::test_b".to_owned(), "test_c".to_owned()],
            vec!["test_d".to_owned()],
        ];
        let suites: Vec<Suite> = paths[..2].iter().map(Suite::python).collect();
        let places = Places::new(
            paths.iter(),
            suites.iter().zip(cases.iter().map(Vec::as_slice)),
            |file| file.as_bytes() == b"tests/test_a.py",
        );
        match places.test(name, &paths[..1].iter().collect()) {
            Some((suite, case)) => format!("{suite} {case}"),
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
        let roots = places.roots(names.iter().map(String::as_str));
        assert_eq!(places.root(&names, &roots), "/ci/job/");
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
                seen: vec![(0, lines(4))],
            };
            // the same once more changes nothing
            places.lay(&measured, &roots, Language::Python, &mut evidence);
        }
        let suite = Suite::python(&"tests/test_a.py".into());
        assert_eq!(evidence.tests, [(suite, "test_a".to_owned())]);
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
        assert_eq!(evidence.seen, [("a.py".into(), lines(4))].into());
    }

    #[test]
    fn sources_of_other_packages_are_not_taken_for_ours() {
        let paths: Vec<RepoPath> = ["src/lib.rs", "src/parse.rs", "src/own.rs"]
            .map(RepoPath::from)
            .into();
        let places = Places::new(paths.iter(), std::iter::empty(), |_| true);
        let older = "/home/.cargo/registry/src/index/older-1.0.0/src";
        let one = [format!("{older}/lib.rs"), format!("{older}/parse.rs")];
        let other = ["/ci/src/lib.rs".to_owned(), "/ci/src/own.rs".to_owned()];
        let roots = places.roots(one.iter().chain(&other).map(String::as_str));
        let mixed = [one[0].clone(), one[1].clone(), other[0].clone()];
        assert_eq!(places.root(&mixed, &roots), "/ci/");
        // packages that are kept somewhere else have fewer names of ours
        let one = one.map(|name| name.replace("/.cargo/registry/src/", "/vendor/"));
        let more = ["/ci/src/parse.rs".to_owned()];
        let all = one.iter().chain(&other).chain(&more);
        let roots = places.roots(all.map(String::as_str));
        let mixed = [one[0].clone(), one[1].clone(), other[0].clone()];
        assert_eq!(places.root(&mixed, &roots), "/ci/");
    }

    #[test]
    fn tests_of_cargo_are_told_behind_their_executables() {
        let suites = [
            CargoTest::Lib,
            CargoTest::Bin("b".to_owned()),
            CargoTest::Test("t".to_owned()),
        ]
        .map(|target| Suite::Cargo {
            package: "p".to_owned(),
            target,
        });
        let cases = [
            vec!["tests::a".to_owned(), "tests::c".to_owned()],
            vec!["tests::a".to_owned()],
            vec!["b".to_owned()],
        ];
        let cases = suites.iter().zip(cases.iter().map(Vec::as_slice));
        let places = Places::new(std::iter::empty(), cases, |_| true);
        for (name, is) in [
            ("p tests::a", "p tests::a"),
            ("p/tests::a", "p tests::a"),
            ("p$tests::made", "p tests::made"),
            ("p::bin/b tests::a", "p::bin/b tests::a"),
            ("p::bin/b/tests::a", "p::bin/b tests::a"),
            ("p::t/b", "p::t b"),
            ("p__bin_b_tests__a", "p::bin/b tests::a"),
            // two executables have one of this name
            ("tests::a", "none"),
            ("tests__c", "p tests::c"),
            ("p/tests/a.py", "none"),
            ("q tests::a", "none"),
        ] {
            let found = places.test(name, &HashSet::new());
            let told = found.map(|(suite, case)| format!("{suite} {case}"));
            assert_eq!(told.unwrap_or_else(|| "none".to_owned()), is, "{name}");
        }
    }
}
