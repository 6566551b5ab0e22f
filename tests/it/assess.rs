//! What the history and the repository together say of tests, through the library.

use std::io;

use tia::app::{Judged, Past, PastQuery, Quiet, Workspace};
use tia::history::{Access, History};
use tia::model::{Failure, Part, RunContext, Seconds, Status, TestId, TestResult, Timestamp};

use crate::support::repo::TestRepo;

const LEAVES: [&str; 2] = ["left", "right"];

/// A repository of two modules with a test each, and a history of `runs` commits that change one or the other in turn; `fails` says
/// which test fails in which run.
fn judged(runs: u32, fails: impl Fn(&str, u32) -> bool) -> io::Result<(Judged, Judged)> {
    let repo = TestRepo::new();
    for leaf in LEAVES {
        let test = format!("import {leaf}\n\n\ndef test_it():\n    assert {leaf}.VALUE\n");
        repo.write(format!("tests/test_{leaf}.py").as_bytes(), test.as_bytes())?;
        repo.write(format!("{leaf}.py").as_bytes(), b"VALUE = 1\n")?;
    }
    repo.write(
        b"pyproject.toml",
        b"[project]\nname = \"leaves\"\nversion = \"1\"\n",
    )?;
    repo.commit()?;
    let db = repo.root().join("history.db");
    let mut history = History::open(&db, Access::Write).map_err(io::Error::other)?;
    for run in 0..runs {
        let leaf = LEAVES[run as usize % 2];
        repo.write(
            format!("{leaf}.py").as_bytes(),
            format!("VALUE = {}\n", run + 2).as_bytes(),
        )?;
        repo.commit()?;
        let head = std::fs::read_to_string(repo.path().join(".git/HEAD"))?;
        let head = head.trim().trim_start_matches("ref: ").to_owned();
        let commit = std::fs::read_to_string(repo.path().join(".git").join(head))?;
        let result = |leaf: &&str| {
            let test = TestId::of(&format!("tests.test_{leaf}"), "test_it");
            let mut result = TestResult::new(test, Status::Passed, Seconds::new(0.1));
            if fails(leaf, run) {
                result.status = Status::Failed;
                result.failures.push(Failure {
                    kind: "TimeoutError".into(),
                    message: "it took too long".into(),
                    stack: String::new(),
                });
            }
            result
        };
        let part = Part {
            results: LEAVES.iter().map(result).collect(),
            complete: true,
            context: RunContext {
                commit: Some(commit.trim().to_owned()),
                branch: Some("main".into()),
                run_id: Some(run.to_string()),
                start: Some(Timestamp(1_700_000_000_000 + i64::from(run) * 3_600_000)),
                ..RunContext::default()
            },
            ..Part::default()
        };
        history
            .add_part(&part, Timestamp(1_700_000_000_000))
            .map_err(io::Error::other)?;
    }
    drop(history);
    let past = Past::open(&repo.path(), Some(&db)).map_err(io::Error::other)?;
    let workspace = Workspace::open(&repo.path(), true).map_err(io::Error::other)?;
    let query = PastQuery::default();
    let alone = past.assess(&query).map_err(io::Error::other)?;
    let with = past
        .assess_with(&query, Some(&workspace), &Quiet)
        .map_err(io::Error::other)?;
    Ok((alone, with))
}

fn unreachable(judged: &Judged) -> Vec<(String, u32)> {
    let tests = judged.tests.iter().zip(&judged.assessment.tests);
    let mut found: Vec<(String, u32)> = tests
        .flat_map(|((test, _), standing)| {
            let failures = standing
                .failures
                .iter()
                .filter(|failure| failure.unreachable);
            failures.map(move |failure| (test.to_string(), failure.part))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn a_failure_at_a_change_that_cannot_reach_the_test_is_told_and_weighs() {
    // Run 8 changes `left`, run 9 `right`; the test of `right` fails in both.
    let (alone, with) = judged(16, |leaf, run| leaf == "right" && (run == 8 || run == 13)).unwrap();
    assert_eq!(unreachable(&alone), []);
    assert_eq!(
        unreachable(&with),
        [("tests.test_right::test_it".to_owned(), 8)]
    );
    assert_eq!(with.proven, 15, "all but the first run");
    let flaked = |judged: &Judged| {
        let at = judged
            .tests
            .iter()
            .position(|(test, _)| test.to_string().contains("right"));
        judged.assessment.tests[at.unwrap()].flaked.get()
    };
    assert!(
        flaked(&with) > flaked(&alone),
        "{} {}",
        flaked(&with),
        flaked(&alone)
    );
}

#[test]
fn a_failure_at_a_change_that_reaches_the_test_is_no_proof() {
    let (_, with) = judged(16, |leaf, run| leaf == "left" && run == 8).unwrap();
    assert_eq!(unreachable(&with), []);
}

#[test]
fn commits_that_the_repository_does_not_have_prove_nothing() {
    let repo = TestRepo::new();
    repo.write(b"a.py", b"A = 1\n").unwrap();
    repo.commit().unwrap();
    let db = repo.root().join("history.db");
    let mut history = History::open(&db, Access::Write).unwrap();
    for run in 0..3 {
        let part = Part {
            results: vec![TestResult::new(TestId::of("a", "b"), Status::Failed, None)],
            complete: true,
            context: RunContext {
                commit: Some(format!("{:040x}", run + 1)),
                run_id: Some(run.to_string()),
                ..RunContext::default()
            },
            ..Part::default()
        };
        history.add_part(&part, Timestamp(run)).unwrap();
    }
    drop(history);
    let past = Past::open(&repo.path(), Some(&db)).unwrap();
    let workspace = Workspace::open(&repo.path(), true).unwrap();
    let judged = past
        .assess_with(&PastQuery::default(), Some(&workspace), &Quiet)
        .unwrap();
    assert_eq!((judged.proven, judged.parts.len()), (0, 3));
}

#[test]
fn an_empty_history_has_nothing_to_say() {
    let repo = TestRepo::new();
    let db = repo.root().join("history.db");
    drop(History::open(&db, Access::Write).unwrap());
    let judged = Past::open(repo.root(), Some(&db))
        .unwrap()
        .assess(&PastQuery::default())
        .unwrap();
    assert_eq!(
        (
            judged.tests.len(),
            judged.findings.len(),
            judged.examined.series
        ),
        (0, 0, 0)
    );
}
