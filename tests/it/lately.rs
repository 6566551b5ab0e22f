//! Scorings that are brought up to date after a few new runs: only where the store is the one of then, and new runs.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tia::app::{Cache, Judged, Past, PastQuery, Quiet, Workspace};
use tia::history::{Access, History, Keep};
use tia::model::{Failure, Part, RunContext, Seconds, Status, TestId, TestResult, Timestamp};

use crate::support::repo::TestRepo;

const HOUR: i64 = 3_600_000;
const BEGIN: i64 = 1_700_000_000_000;
/// Runs of the full scoring.
const RUNS: i64 = 44;
const TESTS: usize = 12;

/// A directory with a history of [`RUNS`] runs, one an hour, and a cache.
struct Store {
    dir: tempfile::TempDir,
}

fn test(at: usize) -> TestId {
    TestId::of("suite", &format!("case_{at}"))
}

/// Test 0 flakes, test 1 breaks in run 30 and is repaired in run 34, test 2 breaks in run 40; `broken` fails, too.
fn run(at: i64, start: i64, broken: Option<usize>) -> Part {
    let result = |number: usize| {
        let mut result = TestResult::new(test(number), Status::Passed, Seconds::new(0.1));
        let fails = match number {
            0 => at % 9 == 4,
            1 => (30..34).contains(&at),
            2 => at >= 40,
            _ => false,
        };
        if fails || broken == Some(number) {
            result.status = Status::Failed;
            result.failures.push(Failure {
                kind: "AssertionError".to_owned(),
                message: format!("case {number} is not what it was"),
                stack: String::new(),
            });
        }
        result
    };
    Part {
        results: (0..TESTS).map(result).collect(),
        in_order: true,
        complete: true,
        context: RunContext {
            commit: Some(format!("{:040x}", at * 7919 + 1)),
            branch: Some("main".to_owned()),
            run_id: Some(at.to_string()),
            start: Some(Timestamp(start)),
            ..RunContext::default()
        },
        ..Part::default()
    }
}

impl Store {
    fn new() -> Self {
        let store = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for at in 0..RUNS {
            store.add(&run(at, BEGIN + at * HOUR, None));
        }
        store
    }

    fn db(&self) -> PathBuf {
        self.dir.path().join("history.db")
    }

    fn write(&self) -> History {
        History::open(&self.db(), Access::Write).unwrap()
    }

    fn add(&self, part: &Part) {
        self.write().add_part(part, Timestamp(BEGIN)).unwrap();
    }

    /// The next run.
    fn go_on(&self, at: i64, broken: Option<usize>) {
        self.add(&run(at, BEGIN + at * HOUR, broken));
    }

    fn cache(&self) -> Cache {
        Cache::new(Some(self.dir.path()))
    }

    fn lately(&self, cache: &Cache) -> Judged {
        let past = Past::open(self.dir.path(), Some(&self.db())).unwrap();
        let query = PastQuery::default();
        past.assess_lately(&query, None, cache, &Quiet).unwrap()
    }

    fn full(&self) -> Judged {
        self.lately(&Cache::new(None))
    }

    /// The file that holds the scoring.
    fn kept(&self) -> PathBuf {
        let dir = self.dir.path().join("cache/scorings");
        let mut files = std::fs::read_dir(dir).unwrap();
        files.next().unwrap().unwrap().path()
    }
}

/// All that is published of a scoring.
fn same(a: &Judged, b: &Judged) -> bool {
    a.parts == b.parts
        && a.tests == b.tests
        && a.failing == b.failing
        && a.assessment == b.assessment
        && a.findings == b.findings
        && a.examined == b.examined
        && a.sayings == b.sayings
}

#[test]
fn a_run_more_is_judged_with_what_was_fitted() {
    let store = Store::new();
    let cache = store.cache();
    let first = store.lately(&cache);
    assert_eq!(first.scored_as_of, None);
    assert!(same(&first, &store.full()));
    // nothing new: the same again, from the cache
    let again = store.lately(&cache);
    assert_eq!(again.scored_as_of, None);
    assert!(same(&first, &again));
    // test 7, which never failed, and test 2, which is broken, fail
    store.go_on(RUNS, Some(7));
    let update = store.lately(&cache);
    assert_eq!(update.scored_as_of, Some(RUNS as u32 - 1));
    let full = store.full();
    assert_eq!(update.parts, full.parts);
    assert_eq!(update.tests, full.tests);
    assert_eq!(update.failing, full.failing);
    assert_eq!(update.assessment.chances, first.assessment.chances);
    for (mine, theirs) in update.assessment.tests.iter().zip(&full.assessment.tests) {
        assert_eq!((mine.ran, mine.failed), (theirs.ran, theirs.failed));
        for (mine, theirs) in mine.failures.iter().zip(&theirs.failures) {
            assert_eq!(mine.part, theirs.part);
            let apart = (mine.regression.get() - theirs.regression.get()).abs();
            assert!(apart < 0.05, "{mine:?} {theirs:?}");
        }
    }
    assert_eq!(update.assessment.tests[7].failures.len(), 1);
    // and nothing of it was kept: the next run is compared with the full scoring again
    store.go_on(RUNS + 1, None);
    assert_eq!(store.lately(&cache).scored_as_of, Some(RUNS as u32 - 1));
}

/// What else can become of a store, or of the cache.
#[derive(Clone, Debug)]
enum Change {
    /// A run that began before the others.
    Earlier(i64),
    /// A run more, a day later or more.
    Later(i64),
    /// So many runs more.
    Many(i64),
    /// A name leads to another.
    Link(usize, usize),
    /// What is older than so many runs before the last is thinned.
    Thinned(i64),
    /// A byte of the cache changes.
    Damaged(usize, u8),
    /// The cache is cut.
    Cut(usize),
    /// Another store altogether.
    Other,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (1..RUNS).prop_map(Change::Earlier),
        (25..200_i64).prop_map(Change::Later),
        (3..6_i64).prop_map(Change::Many),
        (0..TESTS, 0..TESTS)
            .prop_filter("two names", |(a, b)| a != b)
            .prop_map(|(a, b)| Change::Link(a, b)),
        (1..RUNS).prop_map(Change::Thinned),
        (any::<usize>(), 1..=255_u8).prop_map(|(at, bits)| Change::Damaged(at, bits)),
        any::<usize>().prop_map(Change::Cut),
        Just(Change::Other),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_other_change_leads_to_a_full_scoring(change in change(), then in any::<bool>()) {
        let store = Store::new();
        let cache = store.cache();
        store.lately(&cache);
        let mut next = RUNS;
        match &change {
            Change::Earlier(at) => store.add(&run(1_000, BEGIN + at * HOUR - HOUR / 2, None)),
            Change::Later(hours) => store.add(&run(RUNS, BEGIN + (RUNS + hours) * HOUR, None)),
            Change::Many(count) => {
                for at in 0..*count {
                    store.go_on(RUNS + at, None);
                }
                next += count;
            }
            Change::Link(old, new) => store.write().rename(&test(*old), &test(*new)).unwrap(),
            Change::Thinned(runs) => {
                let keep = Keep { everything: runs * HOUR };
                store.write().prune(keep, Timestamp(BEGIN + RUNS * HOUR)).unwrap();
            }
            Change::Damaged(at, bits) => {
                let mut bytes = std::fs::read(store.kept()).unwrap();
                let at = at % bytes.len();
                bytes[at] ^= bits;
                std::fs::write(store.kept(), bytes).unwrap();
            }
            Change::Cut(at) => {
                let bytes = std::fs::read(store.kept()).unwrap();
                std::fs::write(store.kept(), &bytes[..at % bytes.len()]).unwrap();
            }
            Change::Other => {
                std::fs::remove_file(store.db()).unwrap();
                for at in 0..RUNS {
                    store.add(&run(at + 1, BEGIN + at * HOUR, None));
                }
            }
        }
        if then && !matches!(change, Change::Later(_)) {
            store.go_on(next, Some(5));
        }
        let judged = store.lately(&cache);
        prop_assert_eq!(judged.scored_as_of, None, "{:?}", change);
        prop_assert!(same(&judged, &store.full()), "{:?}", change);
    }
}

/// Assesses what a repository's history says, with its graphs.
fn with_graph(repo: &Path, db: &Path, cache: &Cache) -> Judged {
    let past = Past::open(repo, Some(db)).unwrap();
    let workspace = Workspace::open(repo, false).unwrap();
    let query = PastQuery::default();
    past.assess_lately(&query, Some(&workspace), cache, &Quiet)
        .unwrap()
}

#[test]
fn with_a_repository_the_graphs_are_asked_of_the_new_commit_too() {
    let repo = TestRepo::new();
    repo.write(
        b"pyproject.toml",
        b"[project]\nname = \"a\"\nversion = \"1\"\n",
    )
    .unwrap();
    repo.write(
        b"tests/test_a.py",
        b"import a\n\n\ndef test_it():\n    assert a.V\n",
    )
    .unwrap();
    let db = repo.root().join("history.db");
    let mut history = History::open(&db, Access::Write).unwrap();
    let mut go_on = |at: i64, fails: bool| {
        // every second commit changes what the test imports
        let file: &[u8] = if at % 2 == 0 { b"a.py" } else { b"b.py" };
        repo.write(file, format!("V = {}\n", at + 1).as_bytes())
            .unwrap();
        repo.commit().unwrap();
        let head = std::fs::read_to_string(repo.path().join(".git/HEAD")).unwrap();
        let head = head.trim().trim_start_matches("ref: ").to_owned();
        let commit = std::fs::read_to_string(repo.path().join(".git").join(head)).unwrap();
        let mut part = run(at, BEGIN + at * HOUR, None);
        part.context.commit = Some(commit.trim().to_owned());
        let name = TestId::of("tests.test_a", "test_it");
        let status = if fails {
            Status::Failed
        } else {
            Status::Passed
        };
        part.results = vec![TestResult::new(name, status, None)];
        history.add_part(&part, Timestamp(BEGIN)).unwrap();
    };
    for at in 0..22 {
        go_on(at, at == 10);
    }
    let state = tempfile::tempdir().unwrap();
    let cache = Cache::new(Some(state.path()));
    let first = with_graph(&repo.path(), &db, &cache);
    assert_eq!((first.scored_as_of, first.proven), (None, 21));
    // run 22 changes `a`, which reaches the test
    go_on(22, true);
    let update = with_graph(&repo.path(), &db, &cache);
    assert_eq!((update.scored_as_of, update.proven), (Some(21), 22));
    let full = with_graph(&repo.path(), &db, &Cache::new(None));
    let newest = |judged: &Judged| *judged.assessment.tests[0].failures.last().unwrap();
    let (mine, theirs) = (newest(&update), newest(&full));
    assert_eq!(
        (mine.part, mine.unreachable),
        (theirs.part, theirs.unreachable)
    );
    let apart = (mine.regression.get() - theirs.regression.get()).abs();
    assert!(apart < 0.05, "{mine:?} {theirs:?}");
}
