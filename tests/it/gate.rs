//! `tia gate`, `tia triage` and `tia check` on real files.

use insta::assert_snapshot;

use crate::flaky::shop;
use crate::support::cmd::Tia;
use crate::support::repo::TestRepo;

/// A report of the shop's three tests at a commit of its own; each with a message where it fails.
fn report(run: u32, branch: &str, said: [Option<&str>; 3]) -> String {
    let names = ["test_adds_up", "test_pays", "test_ships"];
    let cases: String = names
        .iter()
        .zip(said)
        .map(|(name, said)| {
            let bad = said.map_or_else(String::new, |said| {
                format!("<failure message=\"{said}\">x</failure>")
            });
            format!("<testcase classname=\"tests.test_cart\" name=\"{name}\" time=\"0.5\">{bad}</testcase>")
        })
        .collect();
    format!(
        "<testsuites><testsuite name=\"s\" timestamp=\"2026-04-02T08:00:{run:02}Z\"><properties>\
         <property name=\"vcs.ref.head.revision\" value=\"{:0<40}\"/>\
         <property name=\"vcs.ref.head.name\" value=\"{branch}\"/>\
         <property name=\"cicd.pipeline.run.id\" value=\"new-{run}\"/></properties>{cases}</testsuite></testsuites>",
        format!("{:x}", 0xbbbb_0000_u32 + run),
    )
}

/// Command, exit code and both streams.
fn session(repo: &TestRepo, args: &[&str], vars: &[(&str, &str)]) -> String {
    let vars: Vec<(String, String)> = vars
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let output = Tia::new(repo, args[0]).args(&args[1..]).vars(&vars).run();
    let code = output
        .code
        .map_or("by signal".to_owned(), |code| code.to_string());
    let stdout = String::from_utf8_lossy(&output.stdout);
    let root = repo.root().to_string_lossy().into_owned();
    format!(
        "$ tia {}\nexit {code}\n{}---\n{}",
        args.join(" "),
        stdout.replace(&root, "[ROOT]"),
        output.stderr
    )
}

fn with(repo: &TestRepo, name: &str, text: &str) {
    repo.write(format!("new/{name}.xml").as_bytes(), text.as_bytes())
        .unwrap();
}

#[test]
fn a_known_flake_passes_a_new_failure_blocks_and_triage_tells_them_apart() {
    let repo = shop(24);
    with(
        &repo,
        "1",
        &report(1, "main", [Some("assert 3 == 7"), None, None]),
    );
    with(
        &repo,
        "2",
        &report(2, "main", [None, None, Some("KeyError: 'port'")]),
    );
    let mut all = session(&repo, &["gate", "new/1.xml"], &[]);
    all.push_str(&session(&repo, &["gate", "new/2.xml"], &[]));
    all.push_str(&session(&repo, &["triage"], &[]));
    all.push_str(&session(
        &repo,
        &["gate", "--no-ingest", "new/2.xml"],
        &[("GITHUB_ACTIONS", "true")],
    ));
    assert_snapshot!(all);
}

#[test]
fn triage_is_a_page_too_and_watches_on_a_terminal_only() {
    let repo = shop(24);
    let said = Some("KeyError: 'port'");
    with(&repo, "1", &report(1, "main", [None, None, said]));
    session(&repo, &["gate", "new/1.xml"], &[]);
    let page = session(&repo, &["triage", "--format", "html"], &[]);
    assert!(
        page.contains("exit 0") && page.contains("KeyError: &#x27;port&#x27;"),
        "{page}"
    );
    let watched = session(&repo, &["triage", "--watch"], &[]);
    assert!(
        watched.contains("exit 2") && watched.contains("needs a terminal"),
        "{watched}"
    );
}

#[test]
fn without_a_history_every_failure_blocks_and_a_green_run_passes() {
    let repo = shop(0);
    with(
        &repo,
        "1",
        &report(1, "main", [Some("assert 3 == 7"), None, None]),
    );
    with(&repo, "2", &report(2, "main", [None, None, None]));
    let mut all = session(&repo, &["gate", "--no-ingest", "new/2.xml"], &[]);
    all.push_str(&session(&repo, &["gate", "--no-ingest", "new/1.xml"], &[]));
    assert!(!repo.at(b".tia/history.db").exists());
    all.push_str(&session(&repo, &["triage"], &[]));
    all.push_str(&session(&repo, &["check"], &[]));
    assert_snapshot!(all);
}

#[test]
fn what_is_missing_cut_off_empty_or_unreadable_blocks() {
    let repo = shop(24);
    let whole = report(1, "main", [None, None, None]);
    let two = whole.replace(
        "<testcase classname=\"tests.test_cart\" name=\"test_pays\" time=\"0.5\"></testcase>",
        "",
    );
    with(&repo, "two", &two);
    with(&repo, "cut", &whole[..whole.len() - 40]);
    with(&repo, "empty", "");
    with(&repo, "none", "<testsuites></testsuites>");
    let mut all = String::new();
    let none = session(&repo, &["gate", "--no-ingest", "new/none.xml"], &[]);
    assert!(
        none.contains("exit 1") && none.contains("blocks: no test ran"),
        "{none}"
    );
    for name in ["two", "cut", "empty"] {
        let path = format!("new/{name}.xml");
        all.push_str(&session(&repo, &["gate", "--no-ingest", &path], &[]));
    }
    all.push_str(&session(
        &repo,
        &["gate", "--no-ingest", "--selected", "new/two.xml"],
        &[],
    ));
    assert_snapshot!(all);
}

#[test]
fn a_branch_answers_for_what_its_earlier_pushes_broke() {
    let repo = shop(24);
    let broken = [None, None, Some("KeyError: 'port'")];
    for run in 1..=3 {
        with(&repo, &run.to_string(), &report(run, "topic", broken));
        let path = format!("new/{run}.xml");
        let gate = session(&repo, &["gate", &path], &[]);
        assert!(gate.contains("exit 1"), "push {run}: {gate}");
        assert!(gate.contains("blocks  regression"), "push {run}: {gate}");
    }
}

#[test]
fn a_run_that_names_no_branch_answers_for_all_since_the_last_pass() {
    let repo = shop(24);
    let branch = "<property name=\"vcs.ref.head.name\" value=\"main\"/>";
    for run in 1..=3 {
        let broken = [None, None, (run > 1).then_some("KeyError: 'port'")];
        let text = report(run, "main", broken).replace(branch, "");
        with(&repo, &run.to_string(), &text);
        let gate = session(&repo, &["gate", &format!("new/{run}.xml")], &[]);
        let expected = if run > 1 { "exit 1" } else { "exit 0" };
        assert!(gate.contains(expected), "run {run}: {gate}");
    }
}

#[test]
fn quarantine_does_not_forgive_a_likely_regression() {
    let repo = shop(24);
    let flaky = "tests.test_cart::test_adds_up";
    let steady = "tests.test_cart::test_ships";
    for test in [flaky, steady] {
        let add = [
            "add",
            test,
            "--owner",
            "@team/shop",
            "--reason",
            "flaky",
            "--until",
            "2099-01-01",
        ];
        let added = Tia::new(&repo, "quarantine").args(&add).run();
        assert_eq!(added.code, Some(0), "{}", added.stderr);
    }
    with(
        &repo,
        "1",
        &report(1, "main", [Some("assert 3 == 7"), None, None]),
    );
    with(
        &repo,
        "2",
        &report(2, "main", [None, None, Some("KeyError: 'port'")]),
    );
    let known = session(&repo, &["gate", "new/1.xml"], &[]);
    assert!(known.contains("quarantined  flake"), "{known}");
    let new = session(&repo, &["gate", "new/2.xml"], &[]);
    assert!(
        new.contains("exit 1") && new.contains("blocks  regression"),
        "{new}"
    );
}

#[test]
fn the_same_report_twice_is_judged_twice_and_stored_once() {
    let repo = shop(24);
    with(
        &repo,
        "1",
        &report(1, "main", [Some("assert 3 == 7"), None, None]),
    );
    let first = session(&repo, &["gate", "new/1.xml"], &[]);
    let again = session(&repo, &["gate", "new/1.xml"], &[]);
    let answer = |text: &str| text.split("---").next().unwrap().to_owned();
    assert_eq!(answer(&first), answer(&again));
}

#[test]
fn a_policy_that_is_mistyped_is_refused() {
    let repo = shop(0);
    repo.write(b"tia.toml", b"[gate]\nblock-ta = 0.5\n")
        .unwrap();
    with(&repo, "1", &report(1, "main", [None, None, None]));
    let gate = session(&repo, &["gate", "new/1.xml"], &[]);
    assert!(gate.contains("exit 2"), "{gate}");
    assert!(gate.contains("block-ta"), "{gate}");
}
