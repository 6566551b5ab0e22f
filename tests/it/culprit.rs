//! `tia culprit`, with tests that really run and really fail.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::support::cmd::Tia;
use crate::support::output::Output;
use crate::support::repo::TestRepo;

/// The test command: fails firmly where `app` says so, does not build where it says so, and else fails at the runs whose
/// number ends in one of the digits of `$FLAKES`. It counts and lists its runs outside any working tree. While a file `hold`
/// is there, the run of that number never ends.
const CHECK: &str = r#"
n=$(($(wc -l < "$HOME/runs") + 1))
echo "$TIA_COMMIT $TIA_TEST" >> "$HOME/runs"
if [ -e "$HOME/hold" ] && [ "$n" = "$(cat "$HOME/hold")" ]; then sleep 30; echo lived >> "$HOME/lived"; fi
grep -q unbuildable app && exit 125
grep -q broken app && exit 1
case "$FLAKES" in *"${n#"${n%?}"}"*) exit 1;; esac
exit 0
"#;

/// A repository with a commit for each of these states of `app`; the working tree holds a change.
fn repo(states: &[&str]) -> TestRepo {
    let repo = TestRepo::new();
    repo.write(b".gitignore", b".tia\n").unwrap();
    for (number, state) in states.iter().enumerate() {
        let text = format!("{number} {state}\n");
        repo.write(b"app", text.as_bytes()).unwrap();
        repo.commit().unwrap();
    }
    repo.write(b"app", b"work in progress\n").unwrap();
    std::fs::write(repo.root().join("home/runs"), "").unwrap();
    std::fs::write(repo.root().join("check.sh"), CHECK).unwrap();
    repo
}

/// `good` times good, then broken.
fn broken_after(good: usize, bad: usize) -> TestRepo {
    let mut states = vec!["good"; good];
    states.resize(good + bad, "broken");
    repo(&states)
}

fn git(repo: &TestRepo, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env_clear().envs(repo.environment());
    let output = command
        .current_dir(repo.path())
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commit so many before HEAD.
fn back(repo: &TestRepo, commits: usize) -> String {
    git(repo, &["rev-parse", &format!("HEAD~{commits}")])
        .trim()
        .to_owned()
}

fn arguments(repo: &TestRepo, range: usize, more: &[&str]) -> Vec<String> {
    let good = format!("HEAD~{range}");
    let mut all = vec!["shop::test_pays", "--good", &good, "--bad", "HEAD"];
    all.extend(more);
    let mut all: Vec<String> = all.into_iter().map(str::to_owned).collect();
    let script = repo.root().join("check.sh").to_string_lossy().into_owned();
    all.extend(["--", "sh", &script].map(str::to_owned));
    all
}

fn search(repo: &TestRepo, range: usize, flakes: &str, more: &[&str]) -> Output {
    let flakes = [("FLAKES".to_owned(), flakes.to_owned())];
    Tia::new(repo, "culprit")
        .args(&arguments(repo, range, more))
        .vars(&flakes)
        .run()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// How often the test command ran.
fn runs(repo: &TestRepo) -> usize {
    std::fs::read_to_string(repo.root().join("home/runs"))
        .unwrap()
        .lines()
        .count()
}

/// Nothing of the search is left, and nothing of the user's is touched.
fn assert_untouched(repo: &TestRepo) {
    assert_eq!(git(repo, &["worktree", "list"]).lines().count(), 1);
    assert_eq!(git(repo, &["branch", "-a"]), "* main\n");
    assert_eq!(git(repo, &["status", "--porcelain"]), " M app\n");
    assert_eq!(repo.read(b"app").unwrap(), b"work in progress\n");
    let left = find(&repo.path().join(".tia/culprit"), "trees");
    assert!(left.is_empty(), "{left:?}");
}

fn find(dir: &std::path::Path, name: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path().join(name))
        .filter(|path| path.exists())
        .collect()
}

fn assert_names(output: &Output, commit: &str) {
    let text = stdout(output);
    assert_eq!(output.code, Some(0), "{text}{}", output.stderr);
    assert!(
        text.contains(&format!("\nculprit: {} ", &commit[..12])),
        "{commit}: {text}"
    );
}

#[test]
fn a_firm_culprit_is_found_and_the_users_tree_is_untouched() {
    let repo = broken_after(8, 5);
    let output = search(&repo, 12, "", &[]);
    assert_names(&output, &back(&repo, 4));
    assert!(runs(&repo) <= 9, "{} runs", runs(&repo));
    assert_untouched(&repo);
    let (text, _) = stdout(&output)
        .rsplit_once(" (")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_snapshot!(text);
    // asked again, nothing needs to be run
    let before = runs(&repo);
    let again = search(&repo, 12, "", &[]);
    assert_names(&again, &back(&repo, 4));
    assert_eq!(runs(&repo), before);
    assert!(
        again.stderr.contains("an earlier search goes on"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_flaky_test_does_not_lead_astray() {
    for (culprit, flakes) in [(3, "258"), (9, "258"), (9, "047"), (14, "369")] {
        let repo = broken_after(culprit, 16 - culprit);
        let output = search(&repo, 15, flakes, &[]);
        assert_names(&output, &back(&repo, 15 - culprit));
        assert_untouched(&repo);
    }
}

#[test]
fn a_flaky_test_without_a_culprit_is_said_to_have_none() {
    for flakes in ["147", "258", "1", "12345"] {
        let repo = repo(&["good"; 10]);
        let output = search(&repo, 9, flakes, &[]);
        let text = stdout(&output);
        assert_eq!(output.code, Some(1), "{text}{}", output.stderr);
        assert!(
            text.contains("\nno culprit: the failure was a flake"),
            "{flakes}: {text}"
        );
        assert_untouched(&repo);
    }
}

#[test]
fn several_runs_at_once_find_the_same() {
    let repo = broken_after(11, 9);
    let output = search(&repo, 19, "", &["-j", "4"]);
    assert_names(&output, &back(&repo, 8));
    assert_untouched(&repo);
}

#[test]
fn commits_that_do_not_build_are_passed_over() {
    let (good, bad, none) = ("good", "broken", "unbuildable");
    let clear = repo(&[good, good, none, none, good, good, bad, none, bad, bad]);
    let output = search(&clear, 9, "", &[]);
    assert_names(&output, &back(&clear, 3));
    assert!(
        stdout(&output).contains("cannot be tested") || !output.stderr.contains("cannot be tested")
    );

    let unclear = repo(&[good, good, good, none, none, bad, bad, bad]);
    let output = search(&unclear, 7, "", &[]);
    let text = stdout(&output);
    assert_eq!(output.code, Some(1), "{text}{}", output.stderr);
    assert!(
        text.contains("one of 3 commits that cannot be told apart"),
        "{text}"
    );
    let (_, named) = text.split_once("told apart").unwrap();
    for commits in [2, 3, 4] {
        assert!(named.contains(&back(&unclear, commits)[..12]), "{text}");
    }
    assert_untouched(&unclear);
}

/// Starts a search whose run of this number never ends, and waits until it is under way.
fn held(repo: &TestRepo, run: usize) -> Child {
    std::fs::write(repo.root().join("home/hold"), run.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tia"));
    command
        .env_clear()
        .envs(repo.environment())
        .env("FLAKES", "");
    command
        .current_dir(repo.path())
        .arg("culprit")
        .args(arguments(repo, 15, &[]));
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while runs(repo) < run {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the run does not begin"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn signal(child: &mut Child, name: &str) -> std::process::ExitStatus {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(sent.success());
    child.wait().unwrap()
}

#[test]
fn a_search_that_was_killed_goes_on_and_repeats_nothing() {
    let repo = broken_after(10, 6);
    let mut child = held(&repo, 4);
    assert_eq!(signal(&mut child, "-KILL").signal(), Some(9));
    // whoever is killed takes nothing away; the next start does
    assert_eq!(git(&repo, &["worktree", "list"]).lines().count(), 2);
    std::fs::remove_file(repo.root().join("home/hold")).unwrap();
    let output = search(&repo, 15, "", &[]);
    assert_names(&output, &back(&repo, 5));
    assert!(
        output.stderr.contains("an earlier search goes on: 3 runs"),
        "{}",
        output.stderr
    );
    let whole = broken_after(10, 6);
    assert_names(&search(&whole, 15, "", &[]), &back(&whole, 5));
    // the run that was killed is made again, the three before it are not
    assert_eq!(runs(&repo), runs(&whole) + 1);
    assert_untouched(&repo);
}

#[test]
fn an_interrupt_kills_the_run_takes_the_trees_away_and_ends_as_the_signal() {
    let repo = broken_after(10, 6);
    for (name, number) in [("-INT", 2), ("-TERM", 15)] {
        let run = runs(&repo) + 3;
        let mut child = held(&repo, run);
        assert_eq!(signal(&mut child, name).signal(), Some(number));
        assert_untouched(&repo);
    }
    assert!(!repo.root().join("home/lived").exists());
    std::fs::remove_file(repo.root().join("home/hold")).unwrap();
    assert_names(&search(&repo, 15, "", &[]), &back(&repo, 5));
}

#[test]
fn another_range_or_command_begins_anew_and_says_so() {
    let repo = broken_after(6, 6);
    assert_names(&search(&repo, 11, "", &[]), &back(&repo, 5));
    let output = search(&repo, 10, "", &[]);
    assert!(
        output
            .stderr
            .contains("an earlier search is forgotten: its range was another one")
    );
    let mut other = arguments(&repo, 10, &[]);
    other.push("more".to_owned());
    let output = Tia::new(&repo, "culprit").args(&other).run();
    assert!(
        output
            .stderr
            .contains("an earlier search is forgotten: its command was another one")
    );
    let before = runs(&repo);
    other.insert(1, "--fresh".to_owned());
    assert_names(
        &Tia::new(&repo, "culprit").args(&other).run(),
        &back(&repo, 5),
    );
    assert!(runs(&repo) > before);
}

#[test]
fn budgets_end_a_search_that_can_go_on() {
    let repo = broken_after(20, 20);
    let output = search(&repo, 39, "", &["--runs", "2"]);
    assert_eq!((output.code, runs(&repo)), (Some(1), 2));
    assert!(
        output.stderr.contains("stopped after 2 runs"),
        "{}",
        output.stderr
    );
    assert!(stdout(&output).contains("undecided: "));
    let output = search(&repo, 39, "", &["--minutes", "0.00000000001"]);
    assert_eq!((output.code, runs(&repo)), (Some(1), 2));
    assert!(
        output.stderr.contains("the time is up"),
        "{}",
        output.stderr
    );
    assert_names(&search(&repo, 39, "", &[]), &back(&repo, 19));
    assert_untouched(&repo);
}

#[test]
fn a_run_that_takes_too_long_has_failed() {
    let repo = broken_after(3, 1);
    let good = format!("--good={}", back(&repo, 3));
    // the last commit hangs
    let script = "grep -q broken app && sleep 60; exit 0";
    let args = [
        "x",
        &good,
        "--bad",
        "HEAD",
        "--timeout",
        "0.3",
        "--",
        "sh",
        "-c",
        script,
    ];
    let output = Tia::new(&repo, "culprit").args(&args).run();
    assert_names(&output, &back(&repo, 0));
}

#[test]
fn a_command_that_always_fails_names_nobody() {
    let repo = broken_after(10, 1);
    let args = [
        "x",
        "--good",
        "HEAD~10",
        "--bad",
        "HEAD",
        "--",
        "sh",
        "-c",
        "echo no such tool; exit 127",
    ];
    let output = Tia::new(&repo, "culprit").args(&args).run();
    let text = stdout(&output);
    assert_eq!(output.code, Some(1), "{text}");
    assert!(text.contains("no answer: at the good commit"), "{text}");
    assert!(
        output.stderr.contains("what the runs printed is in"),
        "{}",
        output.stderr
    );
    assert_untouched(&repo);
}

#[test]
fn the_test_and_the_commit_are_told_to_the_command() {
    let repo = broken_after(2, 1);
    let script = "test \"$1\" = x::y && test $TIA_TEST = x::y && test $(git rev-parse HEAD) = $TIA_COMMIT || exit 125\n! grep -q broken app";
    let args = [
        "x::y", "--good", "HEAD~2", "--bad", "HEAD", "--", "sh", "-c", script, "sh", "{}",
    ];
    assert_names(
        &Tia::new(&repo, "culprit").args(&args).run(),
        &back(&repo, 0),
    );
}

/// A report of one test at a commit.
fn report(commit: &str, branch: &str, hour: usize, failed: bool) -> String {
    let failure = if failed {
        "<failure message=\"no\"/>"
    } else {
        ""
    };
    format!(
        "<testsuites><testsuite name=\"s\" timestamp=\"2026-03-{:02}T{:02}:00:00Z\"><properties>\
         <property name=\"vcs.ref.head.revision\" value=\"{commit}\"/>\
         <property name=\"vcs.ref.head.name\" value=\"{branch}\"/>\
         <property name=\"cicd.pipeline.run.id\" value=\"{hour}\"/></properties>\
         <testcase classname=\"tests.test_shop\" name=\"test_pays\" time=\"0.5\">{failure}</testcase>\
         </testsuite></testsuites>",
        1 + hour / 24,
        hour % 24
    )
}

/// A project of 30 commits whose test imports `near`; CI ran at every third. A change of `near` 8 commits ago broke it.
fn stored() -> TestRepo {
    let repo = TestRepo::new();
    repo.write(b".gitignore", b".tia\nreports\n").unwrap();
    repo.write(
        b"tests/test_shop.py",
        b"import near\n\n\ndef test_pays():\n    assert near.right()\n",
    )
    .unwrap();
    repo.write(
        b"tests/test_far.py",
        b"import far\n\n\ndef test_far():\n    assert far.x >= 0\n",
    )
    .unwrap();
    repo.write(b"far.py", b"x = 0\n").unwrap();
    for number in 0..30 {
        let right = if number < 21 { "True" } else { "False" };
        if number % 7 == 0 {
            let text = format!("def right():\n    return {right}  # {number}\n\nn = {number}\n");
            repo.write(b"near.py", text.as_bytes()).unwrap();
        } else {
            repo.write(b"far.py", format!("x = {number}\n").as_bytes())
                .unwrap();
        }
        repo.commit().unwrap();
    }
    for number in (0..30).step_by(3) {
        let commit = back(&repo, 29 - number);
        let text = report(&commit, "main", number, number >= 21);
        repo.write(format!("reports/{number}.xml").as_bytes(), text.as_bytes())
            .unwrap();
    }
    let output = Tia::new(&repo, "ingest").args(&["reports"]).run();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    repo
}

#[test]
fn stored_results_and_the_graph_name_the_likeliest_and_what_to_run() {
    let repo = stored();
    let output = Tia::new(&repo, "culprit").args(&["pays"]).run();
    let text = stdout(&output);
    assert!(
        text.lines().nth(3).unwrap().contains(&back(&repo, 8)[..12]),
        "{text}"
    );
    let json = Tia::new(&repo, "culprit")
        .args(&["pays", "--format", "json"])
        .run();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["suspects"][0]["commit"], back(&repo, 8));
    assert_eq!(json["suspects"][0]["reaches"], true);
    assert_eq!(json["suspects"][1]["reaches"], false);
    assert_snapshot!(text);

    // the printed runs are made somewhere, and their results come back
    for round in 0..10 {
        let json = Tia::new(&repo, "culprit")
            .args(&["pays", "--format", "json"])
            .run();
        let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        let next = json["next"].as_array().unwrap();
        if next.is_empty() {
            break;
        }
        for (nr, commit) in next.iter().enumerate() {
            let commit = commit.as_str().unwrap();
            let source = git(&repo, &["show", &format!("{commit}:near.py")]);
            let hour = 100 + 10 * round + nr;
            let text = report(commit, "tia-culprit", hour, source.contains("False"));
            let name = format!("reports/more-{hour}.xml");
            repo.write(name.as_bytes(), text.as_bytes()).unwrap();
            Tia::new(&repo, "ingest").args(&[name]).run();
        }
    }
    let output = Tia::new(&repo, "culprit").args(&["pays"]).run();
    assert_names(&output, &back(&repo, 8));
    assert!(!stdout(&output).contains("to be surer"));
    // what a search ran is no line of development: the test is not called flaky for it
    let flaky = Tia::new(&repo, "flaky")
        .args(&["pays", "--since", "90d"])
        .run();
    assert!(
        stdout(&flaky).contains("tests.test_shop"),
        "{}",
        stdout(&flaky)
    );
}

#[test]
fn a_named_range_of_a_stored_test_uses_what_is_stored_in_it() {
    let repo = stored();
    let args = ["pays", "--good", "HEAD~12", "--bad", "HEAD"];
    let output = Tia::new(&repo, "culprit").args(&args).run();
    let text = stdout(&output);
    assert!(
        text.contains("12 commits after") && text.contains("(bad)"),
        "{text}"
    );
    assert!(
        text.lines().nth(3).unwrap().contains(&back(&repo, 8)[..12]),
        "{text}"
    );
    assert!(text.contains("4 results were stored"), "{text}");
}

#[test]
fn what_cannot_be_searched_is_said() {
    let repo = stored();
    let mut all = String::new();
    let mut session = |args: &[&str]| {
        let output = Tia::new(&repo, "culprit").args(args).run();
        let code = output
            .code
            .map_or("signal".to_owned(), |code| code.to_string());
        let line = format!(
            "$ tia culprit {}\nexit {code}\n{}{}\n",
            args.join(" "),
            stdout(&output),
            output.stderr
        );
        all.push_str(&line);
    };
    session(&["nowhere"]);
    session(&["pays", "--good", "HEAD", "--bad", "HEAD~3"]);
    session(&["pays", "--good", "nothing"]);
    session(&["pays", "--branch", "other"]);
    session(&["pays", "--confidence", "1.5"]);
    session(&["pays", "--runs", "3"]);
    session(&[
        "x",
        "--good",
        "HEAD~3",
        "--bad",
        "HEAD",
        "--",
        "no-such-command-anywhere",
    ]);
    session(&["x", "--good", "HEAD~3", "--bad", "HEAD", "--", ""]);
    assert_snapshot!(all);
    assert_eq!(git(&repo, &["worktree", "list"]).lines().count(), 1);
}
