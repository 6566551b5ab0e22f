//! Bad input: each ends in a clear message or a stated fallback, never in a panic, a hang, or an empty selection.

use std::fs;

use crate::support::cmd::Tia;
use crate::support::output::Output;
use crate::support::repo::TestRepo;

/// A small Python project: `pkg/leaf.py` is used by `tests/test_leaf.py`, `tests/test_other.py` stands alone.
fn project() -> TestRepo {
    let repo = TestRepo::new();
    let files: [(&str, &str); 4] = [
        ("pkg/__init__.py", ""),
        ("pkg/leaf.py", "def leaf():\n    return 1\n"),
        (
            "tests/test_leaf.py",
            "from pkg.leaf import leaf\n\n\ndef test_leaf():\n    assert leaf() == 1\n",
        ),
        (
            "tests/test_other.py",
            "def test_other():\n    assert True\n",
        ),
    ];
    for (path, text) in files {
        repo.write(path.as_bytes(), text.as_bytes()).unwrap();
    }
    repo.commit().unwrap();
    repo
}

fn edit_leaf(repo: &TestRepo) {
    repo.write(b"pkg/leaf.py", b"def leaf():\n    return 2\n")
        .unwrap();
}

fn select(repo: &TestRepo, args: &[&str]) -> Output {
    Tia::new(repo, "select").args(args).run()
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_damaged_or_foreign_cache_is_made_anew() {
    let repo = project();
    edit_leaf(&repo);
    let whole = select(&repo, &["--base", "HEAD"]);
    assert_eq!(
        lines(&whole),
        ["tests/test_leaf.py::test_leaf"],
        "{}",
        whole.stderr
    );
    for kind in ["graphs", "facts"] {
        let dir = repo.path().join(".tia/cache").join(kind);
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            for damage in [
                &bytes[..bytes.len() / 2],
                b"",
                b"\xff\xfe something else",
                &[bytes.as_slice(), b"x"].concat(),
            ] {
                fs::write(&path, damage).unwrap();
                let again = select(&repo, &["--base", "HEAD"]);
                assert_eq!(
                    (again.code, lines(&again)),
                    (Some(0), lines(&whole)),
                    "{}",
                    again.stderr
                );
            }
        }
    }
}

#[test]
fn a_cache_that_cannot_be_written_costs_nothing_but_time() {
    let repo = project();
    edit_leaf(&repo);
    fs::write(
        repo.path().join(".tia"),
        "a file where a directory should be",
    )
    .unwrap();
    repo.write(b".gitignore", b".tia\n").unwrap();
    let output = select(&repo, &["--base", "HEAD"]);
    assert_eq!(
        (output.code, lines(&output)),
        (Some(0), vec!["tests/test_leaf.py::test_leaf".to_owned()])
    );
}

#[test]
fn without_a_cache_nothing_is_written() {
    let repo = project();
    edit_leaf(&repo);
    let output = select(&repo, &["--base", "HEAD", "--no-cache"]);
    assert_eq!(lines(&output), ["tests/test_leaf.py::test_leaf"]);
    assert!(!repo.path().join(".tia").exists());
}

#[test]
fn two_processes_share_a_cache() {
    let repo = project();
    edit_leaf(&repo);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| select(&repo, &["--base", "HEAD"])))
            .collect();
        for run in runs {
            let output = run.join().unwrap();
            assert_eq!(
                (output.code, lines(&output)),
                (Some(0), vec!["tests/test_leaf.py::test_leaf".to_owned()])
            );
        }
    });
}

#[test]
fn a_damaged_object_is_named_and_can_be_overruled() {
    let repo = project();
    edit_leaf(&repo);
    let objects = repo.path().join(".git/objects");
    let blob = repo_blob(&repo, "HEAD:pkg/leaf.py");
    let path = objects.join(&blob[..2]).join(&blob[2..]);
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"no object").unwrap();
    let output = select(&repo, &["--base", "HEAD"]);
    assert_eq!(output.code, Some(3), "{}", output.stderr);
    assert!(
        output.stderr.contains("pkg/leaf.py") && output.stderr.contains("hint"),
        "{}",
        output.stderr
    );
    assert!(output.stdout.is_empty());
    let output = select(&repo, &["--base", "HEAD", "--assume-all-on-error"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("everything"), "{}", output.stderr);
    assert_eq!(
        lines(&output),
        [
            "tests/test_leaf.py::test_leaf",
            "tests/test_other.py::test_other"
        ]
    );
}

fn repo_blob(repo: &TestRepo, spec: &str) -> String {
    let output = std::process::Command::new("git")
        .env_clear()
        .envs(repo.environment())
        .current_dir(repo.path())
        .args(["rev-parse", spec])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_syntax_error_widens_the_selection_and_is_noted() {
    let repo = project();
    repo.write(b"pkg/leaf.py", b"def leaf(:\n    return 2\n")
        .unwrap();
    let output = select(&repo, &["--base", "HEAD", "--explain"]);
    assert_eq!(output.code, Some(0));
    assert!(
        lines(&output).contains(&"tests/test_leaf.py::test_leaf".to_owned()),
        "{}",
        output.stderr
    );
}

#[test]
fn a_loop_of_directory_links_ends() {
    let repo = project();
    repo.symlink(b"pkg/again", b"../pkg").unwrap();
    repo.symlink(b"pkg/self", b"self").unwrap();
    repo.commit().unwrap();
    edit_leaf(&repo);
    let output = select(&repo, &["--base", "HEAD"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(lines(&output).contains(&"tests/test_leaf.py::test_leaf".to_owned()));
}

#[test]
fn a_source_file_of_100_megabytes_is_not_parsed_and_falls_back() {
    let repo = project();
    let mut huge = b"import pkg.leaf\n".to_vec();
    huge.resize(100 << 20, b'#');
    repo.write(b"pkg/huge.py", &huge).unwrap();
    repo.commit().unwrap();
    edit_leaf(&repo);
    let output = select(&repo, &["--base", "HEAD"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(lines(&output).contains(&"tests/test_leaf.py::test_leaf".to_owned()));
    huge.push(b'x');
    repo.write(b"pkg/huge.py", &huge).unwrap();
    let output = select(&repo, &["--base", "HEAD"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(
        lines(&output).contains(&"tests/test_leaf.py::test_leaf".to_owned()),
        "{}",
        output.stderr
    );
}

#[test]
fn an_import_cycle_is_walked_once() {
    let repo = project();
    repo.write(b"pkg/a.py", b"import pkg.b\n").unwrap();
    repo.write(b"pkg/b.py", b"import pkg.a\nimport pkg.leaf\n")
        .unwrap();
    repo.write(
        b"tests/test_cycle.py",
        b"import pkg.a\n\n\ndef test_cycle():\n    pass\n",
    )
    .unwrap();
    repo.commit().unwrap();
    edit_leaf(&repo);
    let output = select(&repo, &["--base", "HEAD"]);
    assert_eq!(
        lines(&output),
        [
            "tests/test_cycle.py::test_cycle",
            "tests/test_leaf.py::test_leaf"
        ]
    );
}

#[test]
fn ten_thousand_tests_in_one_file_are_all_named() {
    let repo = project();
    let mut text = String::from("from pkg.leaf import leaf\n");
    for n in 0..10_000 {
        text.push_str(&format!("\n\ndef test_{n}():\n    assert leaf()\n"));
    }
    repo.write(b"tests/test_many.py", text.as_bytes()).unwrap();
    repo.commit().unwrap();
    edit_leaf(&repo);
    assert_eq!(lines(&select(&repo, &["--base", "HEAD"])).len(), 10_001);
}

#[test]
fn deeply_nested_sources_end_without_a_panic() {
    let repo = project();
    let deep = format!(
        "x = {}1{}\nimport pkg.leaf\n",
        "(".repeat(50_000),
        ")".repeat(50_000)
    );
    repo.write(b"pkg/deep.py", deep.as_bytes()).unwrap();
    repo.write(
        b"Cargo.toml",
        b"[package]\nname = \"deep\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    )
    .unwrap();
    let deep = format!(
        "fn f() {{ {}{} }}\n",
        "{".repeat(50_000),
        "}".repeat(50_000)
    );
    repo.write(b"src/lib.rs", deep.as_bytes()).unwrap();
    let output = select(&repo, &["--base", "HEAD"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(
        lines(&output).contains(&"deep".to_owned()),
        "{}",
        output.stderr
    );
}

#[test]
fn a_broken_tia_toml_is_a_usage_error_that_says_where() {
    let repo = project();
    repo.write(b"tia.toml", b"[[rule]]\npaths = \"x\"\n")
        .unwrap();
    let output = select(&repo, &["--base", "HEAD"]);
    assert_eq!(output.code, Some(2));
    assert!(
        output.stderr.contains("tia.toml") && output.stderr.contains("paths"),
        "{}",
        output.stderr
    );
}

#[test]
fn an_unreadable_list_of_files_is_named() {
    let output = select(&project(), &["--changed-files", "no/such/list"]);
    assert_eq!(output.code, Some(3));
    assert!(output.stderr.contains("no/such/list"), "{}", output.stderr);
}
