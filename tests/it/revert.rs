//! `tia revert`: what it says, what it writes, and that it touches nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use crate::support::cmd::Tia;
use crate::support::output::{Output, normalise};
use crate::support::repo::TestRepo;

/// What git prints, without the line's end.
fn git(repo: &TestRepo, dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .env_clear()
        .envs(repo.environment())
        .current_dir(dir)
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

fn ask(repo: &TestRepo, args: &[&str]) -> String {
    git(repo, &repo.path(), args)
}

fn commit(repo: &TestRepo, subject: &str, files: &[(&str, &str)]) -> String {
    for (path, text) in files {
        repo.write(path.as_bytes(), text.as_bytes()).unwrap();
    }
    repo.git(["add", "-A"]).unwrap();
    repo.git(["commit", "-q", "--allow-empty", "-m", subject])
        .unwrap();
    ask(repo, &["rev-parse", "HEAD"])
}

fn revert(repo: &TestRepo, args: &[&str]) -> Output {
    Tia::new(repo, "revert").args(args).run()
}

fn shown(output: &Output, repo: &TestRepo) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let out = format!("exit {:?}\n{text}--\n{}", output.code, output.stderr);
    // ids depend on the clock of the machine where tia commits
    let mut words = String::new();
    for piece in normalise(&out, repo.root()).split_inclusive(|c: char| !c.is_ascii_alphanumeric())
    {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if word.len() == 12 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
            words.push_str("[ID]");
            words.push_str(&piece[word.len()..]);
        } else {
            words.push_str(piece);
        }
    }
    words
}

/// A library of two modules with a test each; the ids of its commits: start, the change of `leaf`, another change.
fn project() -> (TestRepo, [String; 3]) {
    let repo = TestRepo::new();
    repo.git(["config", "user.name", "Bo"]).unwrap();
    repo.git(["config", "user.email", "bo@example.org"])
        .unwrap();
    let lines: String = (1..=30).map(|n| format!("LINE_{n} = {n}\n")).collect();
    let start = commit(
        &repo,
        "Start",
        &[
            (".gitignore", ".tia/\n"),
            ("pkg/__init__.py", ""),
            ("pkg/leaf.py", &lines),
            (
                "pkg/top.py",
                "from pkg import leaf\n\n\ndef top():\n    return leaf.LINE_1\n",
            ),
            (
                "tests/test_leaf.py",
                "from pkg import leaf\n\n\ndef test_leaf():\n    assert leaf.LINE_2 == 2\n",
            ),
            (
                "tests/test_top.py",
                "from pkg.top import top\n\n\ndef test_top():\n    assert top() == 1\n",
            ),
            (
                "tests/test_other.py",
                "def test_other():\n    assert True\n",
            ),
        ],
    );
    let leaf = commit(
        &repo,
        "Change leaf",
        &[(
            "pkg/leaf.py",
            &lines.replace("LINE_2 = 2\n", "LINE_2 = 3\n"),
        )],
    );
    let other = commit(
        &repo,
        "Change top",
        &[(
            "pkg/top.py",
            "from pkg import leaf\n\n\ndef top():\n    return leaf.LINE_1 + 0\n",
        )],
    );
    (repo, [start, leaf, other])
}

/// All that must stay: HEAD, references, the index, and every file with its bytes, mode and time.
fn state(repo: &TestRepo, except: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let git_dir = repo.path().join(".git");
    let head = fs::read_to_string(git_dir.join("HEAD")).unwrap();
    all.insert("HEAD".to_owned(), head);
    let index = fs::read(git_dir.join("index")).unwrap_or_default();
    all.insert("index".to_owned(), format!("{index:?}"));
    for line in ask(repo, &["for-each-ref"])
        .lines()
        .filter(|line| !line.ends_with(except))
    {
        all.insert(format!("ref {line}"), String::new());
    }
    let mut dirs = vec![repo.path()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            if path.ends_with(".git") || path.ends_with(".tia") {
                continue;
            }
            if meta.is_dir() {
                dirs.push(path);
                continue;
            }
            let bytes = if meta.is_symlink() {
                format!("{:?}", fs::read_link(&path))
            } else {
                format!("{:?}", fs::read(&path).unwrap())
            };
            let told = format!(
                "{:o} {}.{} {bytes}",
                meta.mode(),
                meta.mtime(),
                meta.mtime_nsec()
            );
            all.insert(path.display().to_string(), told);
        }
    }
    all
}

#[test]
fn a_proposal_tells_what_depends_and_what_to_run() {
    let (repo, [_, leaf, _]) = project();
    let before = state(&repo, "");
    let output = revert(&repo, &[&leaf]);
    insta::assert_snapshot!(shown(&output, &repo));
    assert_eq!(state(&repo, ""), before);
}

#[test]
fn written_it_is_a_commit_on_a_branch_of_its_own() {
    let (repo, [_, leaf, other]) = project();
    let before = state(&repo, "revert/leaf");
    let args = [
        &leaf,
        "--write",
        "--branch",
        "revert/leaf",
        "--test",
        "test_leaf",
        "--evidence",
        "test_leaf fails since",
    ];
    let output = revert(&repo, &args);
    insta::assert_snapshot!(shown(&output, &repo));
    assert_eq!(state(&repo, "revert/leaf"), before);
    assert_eq!(ask(&repo, &["rev-parse", "revert/leaf^"]), other);
    assert_eq!(
        ask(
            &repo,
            &["log", "-1", "--format=%an <%ae> %cn", "revert/leaf"]
        ),
        "Bo <bo@example.org> Bo"
    );
    let message = ask(&repo, &["log", "-1", "--format=%B", "revert/leaf"]).replace(&leaf, "[ID]");
    insta::assert_snapshot!(message);
    assert_eq!(
        ask(
            &repo,
            &[
                "diff",
                "--stat",
                &format!("{leaf}^"),
                "revert/leaf",
                "--",
                "pkg/leaf.py"
            ]
        ),
        ""
    );

    // once more: the branch is there
    let output = revert(&repo, &args);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("the branch `revert/leaf` exists already; nothing was written"),
        "{}",
        output.stderr
    );

    // landed: the ledger says so, and there is nothing left to undo
    assert!(
        String::from_utf8_lossy(&revert(&repo, &["--ledger"]).stdout)
            .contains("0 right (landed, and stand), 0 wrong (undone, or tests fail still), 1 open")
    );
    repo.git(["merge", "-q", "--ff-only", "revert/leaf"])
        .unwrap();
    let ledger = revert(&repo, &["--ledger"]);
    assert!(
        String::from_utf8_lossy(&ledger.stdout).starts_with("1 written: 1 right"),
        "{}",
        ledger.stderr
    );

    // what the blamed test did since is in the history
    for (inner, word) in [("", "right"), ("<failure message='no'/>", "wrong")] {
        let report = format!(
            "<testsuite name='s' tests='1' timestamp='2026-01-0{}T00:00:00Z'><testcase classname='tests' name='test_leaf'>{inner}</testcase></testsuite>",
            2 + inner.len().min(1)
        );
        fs::write(repo.root().join("report.xml"), report).unwrap();
        let head = ask(&repo, &["rev-parse", "HEAD"]);
        let ingested = Tia::new(&repo, "ingest")
            .args(&["../report.xml", "--commit", &head])
            .run();
        assert_eq!(ingested.code, Some(0), "{}", ingested.stderr);
        let ledger = revert(&repo, &["--ledger", "--format", "json"]);
        let ledger: serde_json::Value = serde_json::from_slice(&ledger.stdout).unwrap();
        assert_eq!(ledger[word], 1, "{ledger}");
        assert_eq!(ledger["entries"][0]["fate"]["green"], word == "right");
    }
    let again = revert(&repo, &[&leaf, "--write", "--branch", "x"]);
    assert_eq!(again.code, Some(1));
    assert!(
        String::from_utf8_lossy(&again.stdout).contains("undone already by"),
        "{}",
        again.stderr
    );
    assert!(!ask(&repo, &["branch"]).contains('x'));

    // taken back: it was wrong, and can be undone again
    repo.git(["revert", "--no-edit", "HEAD"]).unwrap();
    let ledger = revert(&repo, &["--ledger", "--format", "json"]);
    let ledger: serde_json::Value = serde_json::from_slice(&ledger.stdout).unwrap();
    assert_eq!((&ledger["right"], &ledger["wrong"]), (&0.into(), &1.into()));
    assert_eq!(ledger["entries"][0]["fate"]["kind"], "taken");
    assert_eq!(revert(&repo, &[&leaf]).code, Some(0));
}

/// Twelve runs of `test_leaf` at the first commit that pass, and one at the last that fails.
fn history(repo: &TestRepo, good: &str, bad: &str) -> String {
    let run = |number: usize, commit: &str, said: &str| {
        let report = format!(
            "<testsuite name=\"s\" timestamp=\"2026-04-02T08:{number:02}:00Z\"><properties>\
             <property name=\"vcs.ref.head.revision\" value=\"{commit}\"/>\
             <property name=\"vcs.ref.head.name\" value=\"main\"/></properties>\
             <testcase classname=\"tests.test_leaf\" name=\"test_leaf\" time=\"0.1\">{said}</testcase></testsuite>"
        );
        let name = format!("reports/{number}.xml");
        repo.write(name.as_bytes(), report.as_bytes()).unwrap();
        let stored = Tia::new(repo, "ingest").args(&[name.as_str()]).run();
        assert_eq!(stored.code, Some(0), "{}", stored.stderr);
    };
    for number in 1..=12 {
        run(number, good, "");
    }
    run(13, bad, "<failure message=\"assert 3 == 2\">x</failure>");
    let triage = Tia::new(repo, "triage").args(&["--format", "json"]).run();
    let view: serde_json::Value = serde_json::from_slice(&triage.stdout).unwrap();
    view["causes"][0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_cause_with_many_suspects_is_not_undone_unless_forced() {
    let (repo, [start, leaf, _]) = project();
    let lines = repo.read(b"pkg/leaf.py").unwrap();
    let mut last = leaf;
    for number in 0..6 {
        let text = format!("{}EXTRA = {number}\n", String::from_utf8_lossy(&lines));
        last = commit(&repo, "Change leaf again", &[("pkg/leaf.py", &text)]);
    }
    let cause = history(&repo, &start, &last);
    let refused = revert(&repo, &[&cause, "--write", "--branch", "back"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(ask(&repo, &["branch", "--list", "back"]), "");
    let forced = revert(&repo, &[&cause, "--write", "--force", "--branch", "back"]);
    assert_eq!(forced.code, Some(0), "{}", forced.stderr);
    assert_ne!(ask(&repo, &["branch", "--list", "back"]), "");
}

#[test]
fn what_is_no_longer_there_needs_no_undoing() {
    let (repo, [_, leaf, _]) = project();
    let text = ask(&repo, &["show", &format!("{leaf}^:pkg/leaf.py")]);
    commit(
        &repo,
        "Put it back by hand",
        &[("pkg/leaf.py", &format!("{text}\n"))],
    );
    let output = revert(&repo, &[&leaf, "--write"]);
    assert_eq!(output.code, Some(1));
    assert!(
        String::from_utf8_lossy(&output.stdout)
            .contains("changes nothing: nothing of it is left there")
    );
    assert_eq!(
        ask(&repo, &["branch", "--format=%(refname)"]),
        "refs/heads/main"
    );
}

#[test]
fn conflicts_are_listed_and_nothing_is_written() {
    let (repo, [_, leaf, _]) = project();
    let text = fs::read_to_string(repo.path().join("pkg/leaf.py")).unwrap();
    commit(
        &repo,
        "Build on it",
        &[("pkg/leaf.py", &text.replace("LINE_2 = 3", "LINE_2 = 4"))],
    );
    let output = revert(&repo, &[&leaf, "--write"]);
    insta::assert_snapshot!(shown(&output, &repo));
    assert_eq!(
        ask(&repo, &["branch", "--format=%(refname)"]),
        "refs/heads/main"
    );
}

#[test]
fn a_merge_goes_back_to_the_parent_that_is_named() {
    let (repo, _) = project();
    repo.git(["checkout", "-q", "-b", "side"]).unwrap();
    commit(&repo, "Side work", &[("pkg/side.py", "SIDE = 1\n")]);
    repo.git(["checkout", "-q", "main"]).unwrap();
    commit(&repo, "Main work", &[("notes.txt", "n\n")]);
    repo.git(["merge", "-q", "--no-ff", "-m", "Merge side", "side"])
        .unwrap();
    let output = revert(&repo, &["HEAD", "--write"]);
    insta::assert_snapshot!(shown(&output, &repo));
    assert_eq!(revert(&repo, &["HEAD", "--mainline", "3"]).code, Some(2));
    assert_eq!(
        revert(&repo, &["HEAD~1", "--mainline", "1"]).code,
        Some(2),
        "no merge"
    );
    let output = revert(
        &repo,
        &["HEAD", "--mainline", "1", "--write", "--branch", "back"],
    );
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(
        ask(&repo, &["ls-tree", "--name-only", "back", "pkg/"]),
        "pkg/__init__.py\npkg/leaf.py\npkg/top.py"
    );
    assert!(
        ask(&repo, &["log", "-1", "--format=%B", "back"]).contains(", reversing\nchanges made to ")
    );
}

#[test]
fn undoing_the_first_commit_takes_its_files_away() {
    let repo = TestRepo::new();
    repo.git(["config", "user.name", "Bo"]).unwrap();
    repo.git(["config", "user.email", "bo@example.org"])
        .unwrap();
    let root = commit(&repo, "Start", &[("a.txt", "a\n"), ("b.txt", "b\n")]);
    commit(&repo, "More", &[("c.txt", "c\n")]);
    let output = revert(&repo, &[&root, "--write", "--branch", "bare"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(ask(&repo, &["ls-tree", "--name-only", "bare"]), "c.txt");
}

#[test]
fn a_detached_head_a_dirty_tree_and_another_branch_make_no_difference() {
    let (repo, [start, leaf, other]) = project();
    repo.git(["checkout", "-q", &start]).unwrap();
    repo.write(b"pkg/leaf.py", b"dirty\n").unwrap();
    repo.write(b"staged.txt", b"staged\n").unwrap();
    repo.git(["add", "staged.txt"]).unwrap();
    let before = state(&repo, "revert/x");
    let output = revert(&repo, &[&leaf, "--write", "--branch", "revert/x"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(state(&repo, "revert/x"), before);
    assert_eq!(
        ask(&repo, &["rev-parse", "revert/x^"]),
        other,
        "the tip of main, which has the commit"
    );
}

#[test]
fn a_bare_repository_and_an_unborn_branch_will_do() {
    let (repo, [_, leaf, other]) = project();
    repo.git(["clone", "-q", "--bare", ".", "../bare.git"])
        .unwrap();
    let bare = repo.root().join("bare.git");
    git(&repo, &bare, &["config", "user.name", "Bo"]);
    git(&repo, &bare, &["config", "user.email", "bo@example.org"]);
    let output = Tia::new(&repo, "revert")
        .args(&[&leaf, "--write", "--branch", "x"])
        .dir("../bare.git")
        .run();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert_eq!(git(&repo, &bare, &["rev-parse", "x^"]), other);

    repo.git(["checkout", "-q", "--orphan", "fresh"]).unwrap();
    let output = revert(&repo, &[&leaf, "--write", "--branch", "fresh"]);
    assert_eq!(
        output.code,
        Some(3),
        "HEAD would be on it: {}",
        output.stderr
    );
    assert_eq!(
        revert(&repo, &[&leaf, "--write", "--branch", "y"]).code,
        Some(0)
    );

    let empty = TestRepo::new();
    assert_eq!(revert(&empty, &["HEAD"]).code, Some(3));
}

#[test]
fn a_shallow_clone_says_what_is_missing() {
    let (repo, _) = project();
    let from = format!("file://{}", repo.path().display());
    repo.git(["clone", "-q", "--depth", "1", &from, "../shallow"])
        .unwrap();
    let output = Tia::new(&repo, "revert")
        .args(&["HEAD", "--write"])
        .dir("../shallow")
        .run();
    insta::assert_snapshot!(shown(&output, &repo));
    assert!(!git(&repo, &repo.root().join("shallow"), &["branch", "-a"]).contains("revert/"));
}

#[test]
fn names_that_are_none_are_refused() {
    let (repo, [_, leaf, _]) = project();
    for (args, code) in [
        (vec!["no-such"], 3),
        (vec![leaf.as_str(), "--write", "--branch", "a..b"], 2),
        (vec![leaf.as_str(), "--write", "--branch", "-x"], 2),
        (vec![], 2),
        (vec!["HEAD:pkg"], 3),
    ] {
        let output = revert(&repo, &args);
        assert_eq!(output.code, Some(code), "{args:?}: {}", output.stderr);
    }
    repo.git(["config", "--unset", "user.name"]).unwrap();
    repo.git(["config", "--unset", "user.email"]).unwrap();
    let output = revert(&repo, &[&leaf, "--write"]);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    assert!(
        output.stderr.contains("git does not know who you are"),
        "{}",
        output.stderr
    );
}

/// One edit of a random history: a file, the line to change, and what to do.
#[derive(Clone, Debug)]
struct Edit {
    file: usize,
    line: usize,
    kind: u8,
}

fn apply(repo: &TestRepo, edit: &Edit, number: usize) {
    let path = format!("f{}.txt", edit.file);
    let place = repo.path().join(&path);
    let old = fs::read_to_string(&place).unwrap_or_default();
    let mut lines: Vec<String> = old.lines().map(str::to_owned).collect();
    let at = edit.line.min(lines.len());
    match edit.kind {
        0 if at < lines.len() => lines[at] = format!("changed by {number}"),
        1 if at < lines.len() => {
            lines.remove(at);
        }
        2 if place.exists() && edit.line < 4 => return fs::remove_file(&place).unwrap(),
        3 if place.exists() => {
            let mode = if fs::metadata(&place).unwrap().mode() & 0o111 == 0 {
                0o755
            } else {
                0o644
            };
            return fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
        }
        _ => lines.insert(at, format!("added by {number}")),
    }
    fs::write(place, lines.join("\n") + "\n").unwrap();
}

fn edit() -> impl Strategy<Value = Edit> {
    (0..3usize, 0..24usize, 0..5u8).prop_map(|(file, line, kind)| Edit { file, line, kind })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_else_changes_and_the_tree_is_gits(
        edits in prop::collection::vec(edit(), 2..7),
        dirty in prop::collection::vec(edit(), 0..3),
        staged in any::<bool>(),
        detached in any::<bool>(),
        which in any::<prop::sample::Index>(),
    ) {
        let repo = TestRepo::new();
        repo.git(["config", "user.name", "Bo"]).unwrap();
        repo.git(["config", "user.email", "bo@example.org"]).unwrap();
        for file in 0..3 {
            let text: String = (0..20).map(|n| format!("line {n} of {file}\n")).collect();
            repo.write(format!("f{file}.txt").as_bytes(), text.as_bytes()).unwrap();
        }
        let mut commits = vec![commit(&repo, "start", &[])];
        for (number, edit) in edits.iter().enumerate() {
            apply(&repo, edit, number);
            commits.push(commit(&repo, &format!("step {number}"), &[]));
        }
        let chosen = &commits[1 + which.index(commits.len() - 1)];
        if detached {
            repo.git(["checkout", "-q", "--detach"]).unwrap();
        }
        for (number, edit) in dirty.iter().enumerate() {
            apply(&repo, edit, 100 + number);
        }
        if staged {
            repo.git(["add", "-A"]).unwrap();
        }
        let before = state(&repo, "refs/heads/back");
        let output = revert(&repo, &[chosen, "--write", "--branch", "back"]);
        prop_assert_eq!(state(&repo, "refs/heads/back"), before);
        let fresh = repo.root().join("fresh");
        repo.git(["clone", "-q", ".", "../fresh"]).unwrap();
        let mut git_revert = Command::new("git");
        git_revert.env_clear().envs(repo.environment()).current_dir(&fresh).args(["revert", "--no-edit", chosen]);
        if detached {
            git(&repo, &fresh, &["checkout", "-q", "--detach", "origin/main"]);
        }
        let clean = git_revert.output().unwrap().status.success();
        match output.code {
            Some(0) => {
                prop_assert!(clean, "git finds conflicts: {}", output.stderr);
                let theirs = git(&repo, &fresh, &["rev-parse", "HEAD^{tree}"]);
                prop_assert_eq!(ask(&repo, &["rev-parse", "back^{tree}"]), theirs);
            }
            Some(1) => prop_assert!(!clean, "{}", String::from_utf8_lossy(&output.stdout)),
            _ => prop_assert!(false, "{:?}: {}", output.code, output.stderr),
        }
    }
}
