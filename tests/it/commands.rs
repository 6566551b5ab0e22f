//! `tia why`, `tia graph`, `tia init`, and what `tia select` prints in each format: whole outputs.

use insta::assert_snapshot;

use crate::support::cmd::Tia;
use crate::support::repo::TestRepo;

/// A Python package and a Rust crate side by side.
fn project() -> TestRepo {
    let repo = TestRepo::new();
    let files: [(&str, &str); 10] = [
        (
            "Cargo.toml",
            "[package]\nname = \"both\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        ),
        ("src/lib.rs", "mod leaf;\npub use leaf::leaf;\n"),
        ("src/leaf.rs", "pub fn leaf() -> u8 {\n    1\n}\n"),
        (
            "tests/it.rs",
            "#[test]\nfn one() {\n    assert_eq!(both::leaf(), 1);\n}\n",
        ),
        (
            "py/pyproject.toml",
            "[project]\nname = \"py\"\nversion = \"1\"\n",
        ),
        ("py/pkg/__init__.py", ""),
        ("py/pkg/leaf.py", "def leaf():\n    return 1\n"),
        ("py/pkg/middle.py", "from .leaf import leaf\n"),
        (
            "py/tests/test_leaf.py",
            "import os\nfrom pkg.middle import leaf\n\n\nclass TestLeaf:\n    def test_one(self):\n        assert leaf()\n",
        ),
        ("py/tests/test_other.py", "def test_other():\n    pass\n"),
    ];
    for (path, text) in files {
        repo.write(path.as_bytes(), text.as_bytes()).unwrap();
    }
    repo.commit().unwrap();
    repo
}

/// Command, exit code and both streams.
fn session(repo: &TestRepo, command: &str, args: &[&str]) -> String {
    let output = Tia::new(repo, command).args(args).run();
    format!(
        "$ tia {command} {}\nexit {}\n{}---\n{}",
        args.join(" "),
        output
            .code
            .map_or("by signal".to_owned(), |code| code.to_string()),
        String::from_utf8_lossy(&output.stdout),
        output.stderr,
    )
}

fn edited() -> TestRepo {
    let repo = project();
    repo.write(b"py/pkg/leaf.py", b"def leaf():\n    return 2\n")
        .unwrap();
    repo.write(b"src/leaf.rs", b"pub fn leaf() -> u8 {\n    2\n}\n")
        .unwrap();
    repo
}

#[test]
fn why_prints_each_link_with_its_line() {
    assert_snapshot!(session(
        &project(),
        "why",
        &[
            "py/pkg/leaf.py",
            "py/tests/test_leaf.py::TestLeaf::test_one"
        ]
    ));
    assert_snapshot!(session(&project(), "why", &["src/leaf.rs"]));
}

#[test]
fn why_says_no_with_an_exit_code_and_what_is_missing() {
    assert_snapshot!(session(
        &project(),
        "why",
        &["py/pkg/leaf.py", "py/tests/test_other.py"]
    ));
    assert_snapshot!(session(
        &project(),
        "why",
        &["--not", "py/pkg/leaf.py", "py/tests/test_other.py"]
    ));
}

#[test]
fn why_names_the_definitions_on_the_way_to_one_that_is_asked_for() {
    for args in [
        &["py/pkg/leaf.py::leaf"][..],
        &["py/pkg/leaf.py::leaf", "py/tests/test_other.py"],
        &["src/leaf.rs::leaf", "both::it one"],
        &["py/pkg/leaf.py::leef"],
    ] {
        assert_snapshot!(session(&project(), "why", args));
    }
}

#[test]
fn why_knows_methods_by_the_names_of_their_language() {
    let repo = project();
    repo.write(
        b"src/leaf.rs",
        b"pub struct Leaf;\nimpl Leaf {\n    pub fn turn(&self) {}\n}\npub fn leaf() {\n    Leaf.turn()\n}\n",
    )
    .expect("a file");
    let told = session(&repo, "why", &["src/leaf.rs::Leaf::turn", "both::it one"]);
    assert!(told.contains("Leaf::turn"), "{told}");
    assert!(!told.contains("no definition"), "{told}");
}

#[test]
fn why_names_near_misses() {
    assert_snapshot!(session(&project(), "why", &["pkg/leaf.py"]));
}

#[test]
fn each_format_names_what_its_runner_can_run() {
    let repo = edited();
    for format in ["lines", "pytest", "nextest", "cargo"] {
        assert_snapshot!(
            format,
            session(&repo, "select", &["--base", "HEAD", "--format", format])
        );
    }
    assert_snapshot!(
        "explain",
        session(&repo, "select", &["--base", "HEAD", "--explain"])
    );
    assert_snapshot!(
        "json",
        session(&repo, "select", &["--base", "HEAD", "--format", "json"])
    );
    assert_snapshot!(
        "github",
        session(&repo, "select", &["--base", "HEAD", "--format", "github"])
    );
}

#[test]
fn graph_prints_counts_and_hubs() {
    assert_snapshot!(session(&project(), "graph", &["--hubs", "3"]));
}

#[test]
fn init_writes_once_and_never_over_a_file() {
    let repo = project();
    assert_snapshot!(session(&repo, "init", &[]));
    assert_snapshot!(session(&repo, "init", &[]));
}

#[test]
fn github_outputs_go_to_the_files_that_github_names() {
    let repo = edited();
    let (outputs, summary) = (repo.root().join("outputs"), repo.root().join("summary.md"));
    let vars = [
        ("GITHUB_OUTPUT", &outputs),
        ("GITHUB_STEP_SUMMARY", &summary),
    ]
    .map(|(name, path)| (name.to_owned(), path.to_string_lossy().into_owned()));
    let output = Tia::new(&repo, "select")
        .args(&["--base", "HEAD", "--format", "github"])
        .vars(&vars)
        .run();
    assert_eq!(
        (output.code, output.stdout.len()),
        (Some(0), 0),
        "{}",
        output.stderr
    );
    let text = std::fs::read_to_string(outputs).unwrap();
    assert!(text.starts_with("outcome=some\ncount=4\n"), "{text}");
    assert!(
        std::fs::read_to_string(summary)
            .unwrap()
            .contains("### Affected tests")
    );
}

#[test]
fn an_empty_change_on_ci_is_not_passed_over_in_silence() {
    let vars = [("CI".to_owned(), "true".to_owned())];
    let output = Tia::new(&project(), "select").vars(&vars).run();
    assert_eq!((output.code, output.stdout.len()), (Some(0), 0));
    assert!(
        output.stderr.contains("base and head are the same"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let repo = project();
    let script = format!(
        "{} select --base HEAD --format json | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_tia")
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .envs(repo.environment())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir(repo.path())
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
