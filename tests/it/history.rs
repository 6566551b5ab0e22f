//! `tia ingest`, `tia history`, `tia db`: reports in, the past out, on real files.

use std::fmt::Write as _;
use std::path::Path;

use insta::assert_snapshot;

use crate::support::cmd::Tia;
use crate::support::repo::TestRepo;

const REPORT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="0" failures="1" skipped="1" tests="4" time="0.123" timestamp="@TIME@" hostname="ci-7">
<properties>
<property name="cicd.pipeline.run.id" value="@RUN@"/><property name="vcs.ref.head.revision" value="0123456789abcdef0123456789abcdef01234567"/>
<property name="vcs.ref.head.name" value="main"/><property name="AWS_SECRET_ACCESS_KEY" value="hunter2-must-not-be-kept"/>
</properties>
<testcase classname="tests.test_leaf.TestLeaf" name="test_one" time="0.010"/>
<testcase classname="tests.test_leaf.TestLeaf" name="test_two[1-a]" time="0.250">@TWO@</testcase>
<testcase classname="tests.test_other" name="test_other" time="0.001"/>
<testcase classname="tests.test_other" name="test_later" time="0.000"><skipped type="pytest.skip" message="later">x</skipped></testcase>
</testsuite></testsuites>
"#;

const FAILURE: &str = r#"<failure message="AssertionError: assert 3 == 7">def test_two():
&gt;   assert 3 == 7
E   AssertionError</failure>"#;

/// A repository with the tests that the reports name, and `count` reports in `reports/`; every third one fails.
fn project(count: u32) -> TestRepo {
    let repo = TestRepo::new();
    let files: [(&str, &str); 3] = [
        ("leaf.py", "def leaf():\n    return 1\n"),
        (
            "tests/test_leaf.py",
            "from leaf import leaf\n\n\nclass TestLeaf:\n    def test_one(self):\n        assert leaf()\n\n    def test_two(self, x):\n        pass\n",
        ),
        (
            "tests/test_other.py",
            "def test_other():\n    pass\n\n\ndef test_later():\n    pass\n",
        ),
    ];
    for (path, text) in files {
        repo.write(path.as_bytes(), text.as_bytes()).unwrap();
    }
    repo.write(b".gitignore", b"reports\n").unwrap();
    repo.commit().unwrap();
    for run in 1..=count {
        let text = report(run, run.is_multiple_of(3));
        repo.write(format!("reports/run-{run}.xml").as_bytes(), text.as_bytes())
            .unwrap();
    }
    repo
}

fn report(run: u32, fails: bool) -> String {
    REPORT
        .replace(
            "@TIME@",
            &format!("2026-03-{:02}T08:00:00.000000+00:00", run),
        )
        .replace("@RUN@", &run.to_string())
        .replace("@TWO@", if fails { FAILURE } else { "" })
}

/// Command, exit code and both streams.
fn session(repo: &TestRepo, command: &str, args: &[&str]) -> String {
    let output = Tia::new(repo, command).args(args).run();
    let code = output
        .code
        .map_or("by signal".to_owned(), |code| code.to_string());
    let stdout = String::from_utf8_lossy(&output.stdout);
    format!(
        "$ tia {command} {}\nexit {code}\n{stdout}---\n{}",
        args.join(" "),
        output.stderr
    )
}

fn code(repo: &TestRepo, command: &str, args: &[&str]) -> Option<i32> {
    Tia::new(repo, command).args(args).run().code
}

fn stdout(repo: &TestRepo, command: &str, args: &[&str]) -> String {
    let output = Tia::new(repo, command).args(args).run();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn reports_become_runs_and_a_line_of_outcomes() {
    let repo = project(4);
    let mut all = session(&repo, "ingest", &["reports"]);
    all.push_str(&session(&repo, "history", &["test_two"]));
    all.push_str(&session(&repo, "history", &[]));
    all.push_str(&session(&repo, "history", &["--part", "3"]));
    assert_snapshot!(all);
}

#[test]
fn the_same_report_twice_changes_nothing() {
    let repo = project(2);
    assert_eq!(code(&repo, "ingest", &["reports"]), Some(0));
    let before = stdout(&repo, "db", &["export"]);
    let again = session(&repo, "ingest", &["reports", "reports/run-1.xml"]);
    assert!(again.contains("3 reports stored before"), "{again}");
    assert_eq!(stdout(&repo, "db", &["export"]), before);
}

#[test]
fn what_cannot_be_used_is_told_and_the_rest_is_stored() {
    let repo = project(1);
    repo.write(b"reports/empty.xml", b"").unwrap();
    repo.write(b"reports/coverage.xml", b"<coverage line-rate=\"1\"/>")
        .unwrap();
    repo.write(
        b"reports/cut.xml",
        report(9, false).split_at(800).0.as_bytes(),
    )
    .unwrap();
    assert_snapshot!(session(
        &repo,
        "ingest",
        &["reports", "reports/missing.xml"]
    ));
}

#[test]
fn a_check_prints_oddities_and_stores_nothing() {
    let repo = project(1);
    let odd = report(1, false).replace("time=\"0.010\"", "time=\"1,234.5x\"");
    repo.write(b"reports/run-1.xml", odd.as_bytes()).unwrap();
    assert_snapshot!(session(&repo, "ingest", &["--check", "reports"]));
    assert_eq!(code(&repo, "history", &[]), Some(3), "no history was made");
}

#[test]
fn a_report_too_large_for_memory_may_repeat_a_test_far_apart() {
    let repo = project(0);
    // above 64 MiB a report is read in windows; more than one window lies between the two attempts
    let mut text = String::from("<testsuite name=\"all\">\n");
    let again = "<testcase classname=\"c\" name=\"again\"";
    let _ = writeln!(text, "{again}><failure message=\"at first\"/></testcase>");
    let out = "the quick brown fox jumps over the lazy dog\n".repeat(50);
    for case in 0..33_000 {
        let _ = writeln!(
            text,
            "<testcase classname=\"c\" name=\"t{case}\"><system-out>{out}</system-out></testcase>"
        );
    }
    let _ = writeln!(text, "{again}/>\n</testsuite>");
    assert!(text.len() > 65 << 20);
    repo.write(b"reports/large.xml", text.as_bytes()).unwrap();
    assert_eq!(code(&repo, "ingest", &["reports/large.xml"]), Some(0));
    let line = stdout(&repo, "history", &["c::again"]);
    assert!(line.contains("at first"), "{line}");
    let stats = stdout(
        &repo,
        "db",
        &["sql", "SELECT results, ran, bad, flaky FROM part"],
    );
    assert!(stats.contains("33001"), "{stats}");
}

#[test]
fn properties_that_nobody_allowed_are_nowhere_in_the_history() {
    let repo = project(3);
    assert_eq!(code(&repo, "ingest", &["reports"]), Some(0));
    for file in ["history.db", "history.db-wal"] {
        let path = Path::new(&repo.path()).join(".tia").join(file);
        let bytes = std::fs::read(path).unwrap_or_default();
        assert!(
            !bytes.windows(7).any(|window| window == b"hunter2"),
            "{file}"
        );
    }
}

#[test]
fn ci_says_what_the_report_does_not() {
    let repo = project(0);
    let text =
        "<testsuite name=\"s\"><testcase classname=\"a\" name=\"b\" time=\"1\"/></testsuite>";
    repo.write(b"reports/a.xml", text.as_bytes()).unwrap();
    let vars = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", "aaaabbbbccccddddeeeeffff0000111122223333"),
        ("CI_COMMIT_REF_NAME", "fix"),
        ("CI_PIPELINE_ID", "77"),
        ("CI_JOB_NAME", "unit"),
        ("CI_NODE_INDEX", "2"),
        ("CI_NODE_TOTAL", "3"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let output = Tia::new(&repo, "ingest")
        .args(&["reports"])
        .vars(&vars)
        .run();
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        line,
        "run 77, unit 2/3 at aaaabbbbcccc on fix: 1 results from 1 report (generic)\n"
    );
}

#[test]
fn the_parts_of_a_pipeline_run_are_one_run() {
    let repo = project(0);
    for (shard, test) in [("1/2", "a"), ("2/2", "b")] {
        let text = format!(
            "<testsuite name=\"s\"><testcase classname=\"c\" name=\"{test}\"/></testsuite>"
        );
        let file = format!("reports/{test}.xml");
        repo.write(file.as_bytes(), text.as_bytes()).unwrap();
        let args = [
            file.as_str(),
            "--run-id",
            "5",
            "--job",
            "unit",
            "--shard",
            shard,
        ];
        assert_eq!(code(&repo, "ingest", &args), Some(0));
    }
    let stats = stdout(&repo, "db", &["stats"]);
    let lines: Vec<String> = stats
        .lines()
        .take(3)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(lines[1..], ["runs 1", "parts of runs 2"]);
}

#[test]
fn what_is_exported_as_junit_is_read_back_to_the_same_history() {
    let repo = project(4);
    let retried = "<testsuite name=\"s\" timestamp=\"2026-03-09T10:00:00Z\" time=\"0.75\">\
        <testcase classname=\"r\" name=\"flaky\" time=\"0.5\"><flakyFailure message=\"m\" type=\"T\"><stackTrace>first</stackTrace></flakyFailure></testcase>\
        <testcase classname=\"r\" name=\"bad\"><failure message=\"one\" type=\"T\">1</failure><rerunFailure message=\"two\" type=\"T\"><stackTrace>2</stackTrace></rerunFailure></testcase>\
        <testcase classname=\"r\" name=\"odd &#10;name [x]\"><error message=\"e\" type=\"E\">a\nb</error></testcase>\
        <testcase classname=\"r\" name=\"fast\" time=\"0.0000123\"/><testcase classname=\"r\" name=\"quick\" time=\"0.0014\"/>\
        <testcase classname=\"r\" name=\"off\" status=\"disabled\"/></testsuite>";
    repo.write(b"reports/retried.xml", retried.as_bytes())
        .unwrap();
    assert_eq!(code(&repo, "ingest", &["reports"]), Some(0));
    stdout(
        &repo,
        "db",
        &["export", "--format", "junit", "--to", "reports/out"],
    );
    assert_eq!(
        code(&repo, "ingest", &["--db", "copy.db", "reports/out"]),
        Some(0)
    );
    let results = |db: &[&str]| {
        let mut args = db.to_vec();
        args.push("export");
        let text = stdout(&repo, "db", &args);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(results(&["--db", "copy.db"]), results(&[]));
    let print = |db: &[&str]| {
        let stats = stdout(&repo, "db", &[db, &["stats"]].concat());
        let line = stats.lines().find(|line| line.starts_with("print of the"));
        line.map(str::to_owned).expect("stats print it")
    };
    assert_eq!(print(&["--db", "copy.db"]), print(&[]));
    let again = session(&repo, "ingest", &["reports/out"]);
    assert!(
        again.contains("stored before") && !again.contains("results from"),
        "{again}"
    );
}

#[test]
fn a_renamed_test_keeps_its_past_and_the_link_can_be_taken_back() {
    let repo = project(2);
    assert_eq!(code(&repo, "ingest", &["reports"]), Some(0));
    let (old, new) = ("tests.test_other::test_other", "tests.test_new::test_other");
    assert_eq!(code(&repo, "history", &["rename", old, new]), Some(0));
    assert_eq!(
        stdout(&repo, "history", &["renames"]),
        format!("{old} -> {new}\n")
    );
    let newer = report(3, false).replace(
        "tests.test_other\" name=\"test_other",
        "tests.test_new\" name=\"test_other",
    );
    repo.write(b"reports/run-3.xml", newer.as_bytes()).unwrap();
    assert_eq!(code(&repo, "ingest", &["reports"]), Some(0));
    let story = stdout(&repo, "history", &[new]);
    assert!(story.contains("3 results"), "{story}");
    assert_eq!(code(&repo, "history", &["unrename", old]), Some(0));
    assert!(stdout(&repo, "history", &[new]).contains("1 results"));
    assert_eq!(code(&repo, "history", &["unrename", old]), Some(1));
}

#[test]
fn renames_are_proposed_from_those_of_git() {
    let repo = project(1);
    assert_eq!(code(&repo, "ingest", &["reports"]), Some(0));
    let text = std::fs::read(Path::new(&repo.path()).join("tests/test_other.py")).unwrap();
    std::fs::remove_file(Path::new(&repo.path()).join("tests/test_other.py")).unwrap();
    repo.write(b"unit/test_moved.py", &text).unwrap();
    let proposed = stdout(&repo, "history", &["renames", "--propose", "HEAD"]);
    assert_snapshot!(proposed);
}

#[test]
fn a_history_of_something_else_is_left_alone() {
    let repo = project(1);
    repo.write(b"reports/notes.db", b"these are my notes")
        .unwrap();
    let said = session(
        &repo,
        "ingest",
        &["--db", "reports/notes.db", "reports/run-1.xml"],
    );
    assert!(
        said.contains("exit 3") && said.contains("is not a history of tia"),
        "{said}"
    );
    let kept = std::fs::read(Path::new(&repo.path()).join("reports/notes.db")).unwrap();
    assert_eq!(kept, b"these are my notes");
}

#[test]
fn two_histories_become_one_whichever_comes_first_and_however_often() {
    let repo = project(4);
    let ingest = |db: &str, files: &[&str]| {
        let mut args = vec!["--db", db];
        args.extend(files);
        assert_eq!(code(&repo, "ingest", &args), Some(0));
    };
    ingest("reports/a.db", &["reports/run-1.xml", "reports/run-2.xml"]);
    ingest("reports/b.db", &["reports/run-2.xml", "reports/run-3.xml"]);
    for (into, from) in [
        ("ab.db", ["reports/a.db", "reports/b.db", "reports/b.db"]),
        ("ba.db", ["reports/b.db", "reports/a.db", "reports/a.db"]),
    ] {
        for from in from {
            assert_eq!(code(&repo, "db", &["--db", into, "merge", from]), Some(0));
        }
    }
    let question =
        "SELECT class, name, params, status, seconds FROM results ORDER BY at, class, name";
    let answer = |db: &str| stdout(&repo, "db", &["--db", db, "sql", question]);
    assert_eq!(answer("ab.db"), answer("ba.db"));
    assert_eq!(answer("ab.db").lines().count(), 1 + 3 * 4);
    assert_eq!(code(&repo, "db", &["--db", "ab.db", "check"]), Some(0));
}

#[test]
fn what_is_old_is_thinned_out_and_its_outcomes_stay() {
    let repo = project(4);
    assert_eq!(code(&repo, "ingest", &["reports"]), Some(0));
    let before = stdout(&repo, "history", &["test_two"]);
    assert_eq!(code(&repo, "db", &["prune", "--keep", "0d"]), Some(0));
    assert_eq!(code(&repo, "db", &["vacuum"]), Some(0));
    let after = stdout(&repo, "history", &["test_two"]);
    assert!(before.contains("PPFP") && after.contains("PPFP"), "{after}");
    assert!(
        before.contains("assert 3 == 7") && !after.contains("assert 3 == 7"),
        "{after}"
    );
    assert_eq!(code(&repo, "db", &["check"]), Some(0));
    assert!(session(&repo, "ingest", &["reports"]).contains("4 reports stored before"));
}

#[test]
fn sql_reads_results_and_changes_nothing() {
    let repo = project(3);
    assert_eq!(code(&repo, "ingest", &["reports"]), Some(0));
    let count = "SELECT status, count(*) AS results FROM results GROUP BY status ORDER BY status";
    assert_snapshot!(stdout(&repo, "db", &["sql", count]));
    let said = session(&repo, "db", &["sql", "DELETE FROM part"]);
    assert!(said.contains("exit 3"), "{said}");
}
