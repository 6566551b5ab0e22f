//! `tia flaky` on real files.

use insta::assert_snapshot;

use crate::support::cmd::Tia;
use crate::support::repo::TestRepo;

/// Outcomes of three tests, a column a run, two runs on each commit: P passed, F failed.
const PAST: [(&str, &str); 3] = [
    ("test_adds_up", "PPFPPPPPPFPPPPPPPFPPPPPPPPPPPPPP"),
    ("test_pays", "PPPPPPPPPPPPPPPPPPPPPPPPFFFFFFFF"),
    ("test_ships", "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP"),
];

/// A repository with the tests of [`PAST`] and `reports/` of the first `runs` runs, ingested.
pub(crate) fn shop(runs: usize) -> TestRepo {
    let repo = TestRepo::new();
    let text = "def test_adds_up():\n    pass\n\n\ndef test_pays():\n    pass\n\n\ndef test_ships():\n    pass\n";
    repo.write(b"tests/test_cart.py", text.as_bytes()).unwrap();
    repo.write(b".gitignore", b"reports\n").unwrap();
    repo.write(b"CODEOWNERS", b"tests/ @team/shop\n").unwrap();
    repo.commit().unwrap();
    for run in 0..runs {
        let cases: String = PAST
            .iter()
            .map(|(name, outcomes)| {
                let bad = match outcomes.as_bytes()[run] {
                    b'F' => "<failure message=\"assert 3 == 7\">x</failure>",
                    _ => "",
                };
                format!("<testcase classname=\"tests.test_cart\" name=\"{name}\" time=\"0.5\">{bad}</testcase>")
            })
            .collect();
        let report = format!(
            "<testsuites time=\"90\"><testsuite name=\"s\" timestamp=\"2026-03-{:02}T08:00:00Z\" time=\"90\"><properties>\
             <property name=\"vcs.ref.head.revision\" value=\"{:0<40}\"/>\
             <property name=\"vcs.ref.head.name\" value=\"main\"/>\
             <property name=\"cicd.pipeline.run.id\" value=\"{run}\"/></properties>{cases}</testsuite></testsuites>",
            1 + run % 31,
            format!("{:x}", 0xabcd_ef00_u32 + run as u32 / 2),
        );
        let report = match run {
            31 => report.replace("2026-03-01T", "2026-04-01T"),
            _ => report,
        };
        repo.write(format!("reports/{run}.xml").as_bytes(), report.as_bytes())
            .unwrap();
    }
    if runs > 0 {
        let output = Tia::new(&repo, "ingest").args(&["reports"]).run();
        assert_eq!(output.code, Some(0), "{}", output.stderr);
    }
    repo
}

/// Command, exit code and both streams.
fn session(repo: &TestRepo, args: &[&str]) -> String {
    let output = Tia::new(repo, "flaky").args(args).run();
    let code = output
        .code
        .map_or("by signal".to_owned(), |code| code.to_string());
    let stdout = String::from_utf8_lossy(&output.stdout);
    format!(
        "$ tia flaky {}\nexit {code}\n{stdout}---\n{}",
        args.join(" "),
        output.stderr
    )
}

#[test]
fn the_flaky_test_and_the_broken_one_are_told_apart() {
    let repo = shop(32);
    let mut all = session(&repo, &["--since", "90d"]);
    all.push_str(&session(&repo, &["test_adds_up", "--since", "90d"]));
    all.push_str(&session(&repo, &["test_pays", "--since", "90d"]));
    all.push_str(&session(&repo, &["test_ships", "--since", "90d"]));
    assert_snapshot!(all);
}

#[test]
fn filters_leave_what_they_say() {
    let repo = shop(32);
    let lines = |args: &[&str]| {
        let mut all = vec!["--format", "csv", "--since", "90d"];
        all.extend(args);
        let output = Tia::new(&repo, "flaky").args(&all).run();
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.starts_with("test,"), "{text}");
        text.lines().count() - 1
    };
    assert_eq!(lines(&[]), 2);
    assert_eq!(lines(&["--owner", "team/shop"]), 2);
    assert_eq!(lines(&["--owner", "@team/other"]), 0);
    assert_eq!(lines(&["--path", "tests"]), 2);
    assert_eq!(lines(&["--path", "src/**"]), 0);
    assert_eq!(lines(&["--kind", "unknown"]), 2);
    assert_eq!(lines(&["--branch", "main"]), 2);
    assert!(session(&repo, &["--branch", "other"]).contains("exit 1"));
    assert!(session(&repo, &["--path", "a["]).contains("`a[` is no glob"));
}

#[test]
fn little_or_nothing_to_tell_is_a_sentence() {
    let repo = shop(0);
    let mut all = session(&repo, &[]);
    repo.write(b"reports/empty.xml", b"").unwrap();
    Tia::new(&repo, "ingest").args(&["reports"]).run();
    all.push_str(&session(&repo, &[]));
    let one = shop(1);
    all.push_str(&session(&one, &[]));
    all.push_str(&session(&one, &["nowhere"]));
    all.push_str(&session(&one, &["s"]));
    let text = "<testsuite name=\"s\" timestamp=\"2026-05-01T08:00:00Z\"><testcase classname=\"a\" name=\"b\"><failure/></testcase>\
        <testcase classname=\"a\" name=\"c\"><failure/></testcase></testsuite>";
    one.write(b"reports/all.xml", text.as_bytes()).unwrap();
    Tia::new(&one, "ingest").args(&["reports/all.xml"]).run();
    all.push_str(&session(&one, &["--since", "90d"]));
    assert_snapshot!(all);
}

#[test]
fn a_replay_says_how_far_to_believe_it() {
    let repo = shop(32);
    let mut all = session(&repo, &["--backtest", "--since", "90d"]);
    all.push_str(&session(&shop(2), &["--backtest"]));
    all.push_str(&session(&repo, &["--backtest", "--format", "csv"]));
    assert_snapshot!(all);
}
