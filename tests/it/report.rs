//! `tia report` and `tia quarantine` on real files.

use insta::assert_snapshot;

use super::flaky::shop;
use crate::support::cmd::Tia;
use crate::support::repo::TestRepo;

/// Exit code and both streams.
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

fn stdout(repo: &TestRepo, args: &[&str]) -> String {
    let output = Tia::new(repo, "report").args(args).run();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_report_is_told_in_markdown() {
    let repo = shop(32);
    assert_snapshot!(session(
        &repo,
        "report",
        &["--since", "90d", "--format", "markdown"]
    ));
}

#[test]
fn every_format_is_what_it_says() {
    let repo = shop(32);
    let of = |format: &str| stdout(&repo, &["--since", "90d", "--format", format]);
    let json: serde_json::Value = serde_json::from_str(&of("json")).unwrap();
    assert_eq!(
        (json["schema"].as_str(), json["version"].as_u64()),
        (Some("tia.report"), Some(1))
    );
    assert_eq!(json["changed"]["broken"][0], "tests.test_cart::test_pays");
    let page = of("html");
    assert!(
        page.starts_with("<!doctype html>") && page.contains("test_adds_up"),
        "{page}"
    );
    assert!(
        !page.contains("<script") && !page.contains("://"),
        "nothing from elsewhere"
    );
    assert!(of("junit").contains("failures=\"2\""));
    assert!(of("influx").starts_with("tia_project,project=repo "));
    let metrics = of("prometheus");
    assert!(
        metrics.contains("tia_broken_tests{project=\"repo\"} 1\n"),
        "{metrics}"
    );
}

#[test]
fn a_page_goes_into_a_file_and_nothing_to_tell_is_a_sentence() {
    let repo = shop(3);
    let said = session(&repo, "report", &["-o", "reports/page.html"]);
    assert!(said.contains("exit 0"), "{said}");
    assert!(repo.path().join("reports/page.html").exists());
    let said = session(&repo, "report", &["-o", "nowhere/page.html"]);
    assert!(
        said.contains("exit 3") && said.contains("cannot write"),
        "{said}"
    );
    let said = session(&repo, "report", &["--branch", "other"]);
    assert!(
        said.contains("exit 1") && said.contains("no run of the history is like that"),
        "{said}"
    );
}

#[test]
fn a_test_goes_into_quarantine_and_out() {
    let repo = shop(32);
    let mut all = session(&repo, "quarantine", &["list"]);
    let add = [
        "add",
        "test_adds_up",
        "--until",
        "2099-01-31",
        "--link",
        "https://example.org/7",
    ];
    all.push_str(&session(&repo, "quarantine", &add));
    all.push_str(&session(&repo, "quarantine", &add));
    all.push_str(&session(&repo, "quarantine", &["list"]));
    for format in ["lines", "pytest", "cargo", "nextest"] {
        all.push_str(&session(
            &repo,
            "quarantine",
            &["export", "--format", format],
        ));
    }
    all.push_str(&session(&repo, "quarantine", &["remove", "test_ships"]));
    all.push_str(&session(&repo, "quarantine", &["remove", "adds_up"]));
    all.push_str(&session(&repo, "quarantine", &["list"]));
    assert_snapshot!(all);
}

#[test]
fn the_owners_budget_is_kept() {
    let repo = shop(32);
    repo.write(b"quarantine.toml", b"[budget]\n\"@team/shop\" = 0\n")
        .unwrap();
    let said = session(&repo, "quarantine", &["add", "test_adds_up"]);
    assert!(
        said.contains("exit 1") && said.contains("@team/shop may have 0 tests"),
        "{said}"
    );
    let said = session(
        &repo,
        "quarantine",
        &["add", "test_adds_up", "--over-budget"],
    );
    assert!(said.contains("exit 0"), "{said}");
}

#[test]
fn a_quarantined_test_that_breaks_is_an_alarm() {
    let repo = shop(32);
    let file = "[[test]]\nclass = \"tests.test_cart\"\nname = \"test_pays\"\nreason = \"flaky\"\nsince = \"2026-03-20\"\n\
        until = \"2099-01-01\"\nran = 20\nflaked = 1.0\nrate = 0.05\n\
        [[test]]\nclass = \"tests.test_cart\"\nname = \"test_ships\"\nreason = \"flaky\"\nsince = \"2020-01-01\"\n\
        until = \"2020-01-14\"\nran = 200\nflaked = 2.0\nrate = 0.01\n";
    repo.write(b"quarantine.toml", file.as_bytes()).unwrap();
    assert_snapshot!(session(&repo, "quarantine", &["review"]));
    let text = stdout(&repo, &["--since", "90d", "--format", "markdown"]);
    assert!(
        text.contains("### Quarantine") && text.contains("**alarm** `tests.test_cart::test_pays`"),
        "{text}"
    );
}

#[test]
fn a_quarantine_that_cannot_be_used_is_told() {
    let repo = shop(3);
    repo.write(
        b"quarantine.toml",
        b"[[test]]\nname = \"a\"\nuntill = \"x\"\n",
    )
    .unwrap();
    let said = session(&repo, "quarantine", &["list"]);
    assert!(said.contains("exit 3") && said.contains("untill"), "{said}");
}
