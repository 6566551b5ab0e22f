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
fn the_history_knows_who_was_in_quarantine_and_why_it_left() {
    let repo = shop(32);
    let quarantine = |args: &[&str]| session(&repo, "quarantine", args);
    let said = quarantine(&["history"]);
    assert!(said.contains("exit 1"), "{said}");
    quarantine(&["add", "test_adds_up"]);
    let said = quarantine(&["history", "adds_up"]);
    assert!(said.contains("exit 0") && said.contains("is in"), "{said}");
    quarantine(&["remove", "adds_up", "--reason", "repaired in #7"]);
    let said = quarantine(&["history", "adds_up"]);
    assert!(
        said.contains("repaired in #7") && !said.contains("is in"),
        "{said}"
    );
    // An entry by hand, with an earlier stay of the same test; then all of it is taken out by hand.
    let entry = |since: &str| {
        format!(
            "[[test]]\nclass = \"tests.test_cart\"\nname = \"test_pays\"\nreason = \"flaky\"\n\
             since = \"{since}\"\nuntil = \"2099-01-01\"\nran = 20\nflaked = 1.0\nrate = 0.05\n"
        )
    };
    for since in ["2026-03-01", "2026-03-20"] {
        repo.write(b"quarantine.toml", entry(since).as_bytes())
            .unwrap();
        quarantine(&["review"]);
    }
    let text = stdout(&repo, &["--since", "90d", "--format", "markdown"]);
    let span = "(since 2026-03-20, until 2099-01-01, 1 stay before)";
    assert!(text.contains(span), "{text}");
    repo.write(b"quarantine.toml", b"").unwrap();
    quarantine(&["review"]);
    let said = quarantine(&["history", "test_pays"]);
    let out = said.matches("taken out of the file").count();
    assert!(out == 2 && said.contains("5.0 %"), "{said}");
}

#[test]
fn tia_toml_limits_the_quarantine() {
    let repo = shop(32);
    let with = |settings: &str, args: &[&str]| {
        let text = format!("[quarantine]\n{settings}\n");
        repo.write(b"tia.toml", text.as_bytes()).unwrap();
        session(&repo, "quarantine", args)
    };
    let add = ["add", "test_adds_up"];
    let said = with("budget = 0", &add);
    assert!(
        said.contains("exit 1") && said.contains("may have 0 tests"),
        "{said}"
    );
    let said = with("longest = 20", &["add", "test_adds_up", "--days", "21"]);
    assert!(
        said.contains("exit 2") && said.contains("quarantine.longest"),
        "{said}"
    );
    let said = with("healed = 2", &["list"]);
    assert!(
        said.contains("exit 2") && said.contains("`quarantine.healed` must be"),
        "{said}"
    );
    assert!(with("longest = 20", &add).contains("exit 0"));
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
