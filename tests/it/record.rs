//! `tia record`, and what `tia select` makes of a recording.

use std::process::Command;

use crate::support::cmd::Tia;
use crate::support::output::Output;
use crate::support::repo::TestRepo;

/// Two suites; `test_a` imports a library, and nothing shows that `test_b` reads data and more.
fn project() -> TestRepo {
    let repo = TestRepo::new();
    for (file, text) in [
        ("app/__init__.py", ""),
        (
            "app/lib.py",
            "import app.base\nDATA = 1\n\n\ndef f():\n    return 1\n",
        ),
        ("app/base.py", "BASE = 1\n"),
        ("data/a.txt", "a\n"),
        (
            "tests/test_a.py",
            "from app.lib import f\n\n\ndef test_one():\n    f()\n\n\ndef test_two():\n    pass\n",
        ),
        (
            "tests/test_b.py",
            "def test_three():\n    pass\n\n\ndef test_four():\n    pass\n",
        ),
        ("setup.cfg", "[metadata]\nname = app\n"),
        // what nobody names changes nothing here, so that a recording can be seen to add
        (
            "tia.toml",
            "[[rule]]\npaths = [\"data/**\"]\naffects = \"mentions\"\n",
        ),
    ] {
        repo.write(file.as_bytes(), text.as_bytes())
            .expect("a file");
    }
    repo.commit().expect("a commit");
    repo
}

fn record(repo: &TestRepo, readers: &str) {
    let paths = r#"["data/a.txt","app/lib.py","data","data/new.txt","app/base.py"]"#;
    let text = format!(
        r#"{{"schema":"tia.recorded","version":1,"paths":{paths},"recordings":[{{"commit":"0123456789abcdef","readers":[{readers}]}}]}}"#
    );
    repo.write(b".tia/.gitignore", b"*\n").expect("a file");
    repo.write(b".tia/recorded/ci.json", text.as_bytes())
        .expect("a file");
}

fn select(repo: &TestRepo, more: &[&str]) -> Output {
    Tia::new(repo, "select")
        .args(&["--base", "HEAD"])
        .args(more)
        .run()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn selected(repo: &TestRepo, more: &[&str]) -> String {
    let output = select(repo, more);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| line.trim_start_matches("tests/"))
        .collect::<Vec<_>>()
        .join(" ")
}

const THREE: &str = r#"{"suite":"tests/test_b.py","case":"test_three","#;

#[test]
fn a_test_that_opened_a_file_feels_all_that_becomes_of_it() {
    let repo = project();
    record(&repo, &format!(r#"{THREE}"reads":[0]}}"#));
    assert_eq!(selected(&repo, &[]), "");
    repo.write(b"data/a.txt", b"b\n").expect("a file");
    assert_eq!(selected(&repo, &[]), "test_b.py::test_three");
    repo.delete(b"data/a.txt").expect("deleted");
    assert_eq!(selected(&repo, &[]), "test_b.py::test_three");
}

#[test]
fn a_test_that_looked_for_a_file_feels_it_come_and_one_that_listed_its_directory_too() {
    for (readers, comes, edited) in [
        (
            format!(r#"{THREE}"looks_for":[3]}}"#),
            "test_b.py::test_three",
            "",
        ),
        (
            format!(r#"{THREE}"lists":[2]}}"#),
            "test_b.py::test_three",
            "",
        ),
        (format!(r#"{THREE}"looks_for":[0]}}"#), "", ""),
        (format!(r#"{THREE}"looks_for":[2]}}"#), "", ""),
    ] {
        let repo = project();
        record(&repo, &readers);
        repo.write(b"data/new.txt", b"new\n").expect("a file");
        assert_eq!(selected(&repo, &[]), comes, "{readers}");
        repo.delete(b"data/new.txt").expect("deleted");
        repo.write(b"data/a.txt", b"b\n").expect("a file");
        assert_eq!(selected(&repo, &[]), edited, "{readers}");
    }
}

#[test]
fn a_directory_goes_with_its_last_file() {
    let repo = project();
    record(&repo, &format!(r#"{THREE}"looks_for":[2]}}"#));
    repo.delete(b"data/a.txt").expect("deleted");
    assert_eq!(selected(&repo, &[]), "test_b.py::test_three");
}

#[test]
fn what_a_test_opened_stays_selected_whatever_is_narrowed() {
    let repo = project();
    let body = b"import app.base\nDATA = 1\n\n\ndef f():\n    return 2\n";
    repo.write(b"app/lib.py", body).expect("a file");
    let closely: &[&str] = &["--granularity", "symbol"];
    assert_eq!(selected(&repo, closely), "test_a.py::test_one");
    // a child process of another test reads the source
    record(
        &repo,
        r#"{"suite":"tests/test_a.py","case":"test_two","reads":[1]}"#,
    );
    assert_eq!(
        selected(&repo, closely),
        "test_a.py::test_one test_a.py::test_two"
    );
    // that a test loads it itself is for the other layers to judge
    record(
        &repo,
        r#"{"suite":"tests/test_a.py","case":"test_two","loads":[1]}"#,
    );
    assert_eq!(selected(&repo, closely), "test_a.py::test_one");
    // unless they do not know that it does
    record(&repo, &format!(r#"{THREE}"loads":[1]}}"#));
    assert_eq!(
        selected(&repo, closely),
        "test_a.py::test_one test_b.py::test_three"
    );
}

#[test]
fn a_test_feels_what_depends_on_the_change() {
    let repo = project();
    record(&repo, &format!(r#"{THREE}"loads":[1]}}"#));
    repo.write(b"app/base.py", b"BASE = 2\n").expect("a file");
    assert_eq!(
        selected(&repo, &[]),
        "test_a.py::test_one test_a.py::test_two test_b.py::test_three"
    );
}

#[test]
fn whoever_loads_a_file_feels_what_it_opened_while_it_was_loaded() {
    let repo = project();
    record(&repo, r#"{"file":4,"reads":[0]}"#);
    repo.write(b"data/a.txt", b"b\n").expect("a file");
    assert_eq!(
        selected(&repo, &[]),
        "test_a.py::test_one test_a.py::test_two"
    );
    // a test that is only known to load it, too
    record(
        &repo,
        &format!(r#"{{"file":4,"reads":[0]}},{THREE}"loads":[1]}}"#),
    );
    assert_eq!(
        selected(&repo, &[]),
        "test_a.py::test_one test_a.py::test_two test_b.py::test_three"
    );
}

#[test]
fn why_a_recording_adds_a_test_is_said() {
    let repo = project();
    record(
        &repo,
        &format!(r#"{{"file":4,"reads":[0]}},{THREE}"reads":[0]}}"#),
    );
    repo.write(b"data/a.txt", b"b\n").expect("a file");
    insta::assert_snapshot!(select(&repo, &["--explain"]).stderr);
    let json = String::from_utf8(select(&repo, &["--format", "json"]).stdout).expect("text");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let reasons: Vec<_> = json["tests"]
        .as_array()
        .expect("tests")
        .iter()
        .map(|test| &test["reason"])
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&reasons).expect("JSON"));
}

#[test]
fn why_tells_what_was_recorded_even_of_a_path_that_is_not_there() {
    let repo = project();
    let readers = format!(r#"{{"file":4,"reads":[0]}},{THREE}"reads":[0],"looks_for":[3]}}"#);
    record(&repo, &readers);
    let why = |args: &[&str]| {
        let output = Tia::new(&repo, "why").args(args).run();
        format!("{}{}", stdout(&output), output.stderr)
    };
    insta::assert_snapshot!(why(&["data/a.txt"]));
    insta::assert_snapshot!(why(&["data/new.txt", "tests/test_b.py"]));
    insta::assert_snapshot!(why(&["data/new.txt", "tests/test_a.py"]));
}

#[test]
fn a_damaged_recording_is_an_error_that_names_it() {
    let repo = project();
    record(&repo, "");
    repo.write(b".tia/recorded/ci.json", b"{").expect("a file");
    let output = select(&repo, &[]);
    assert_eq!(output.code, Some(3));
    insta::assert_snapshot!(output.stderr);
}

/// A command whose processes say of themselves what nextest says of tests.
fn tests_of_nextest() -> [&'static str; 3] {
    let script = "set -e
        NEXTEST_BINARY_ID=app NEXTEST_TEST_NAME=tests::one sh -c 'cat data/a.txt; cd data; cat ../missing.txt || true'
        NEXTEST_BINARY_ID=other NEXTEST_TEST_NAME=tests::two sh -c 'cat data/a.txt'";
    ["sh", "-c", script]
}

#[test]
fn what_tests_open_is_recorded_where_there_is_strace() {
    let repo = TestRepo::new();
    for (file, text) in [
        (
            "Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        ),
        (
            "src/lib.rs",
            "#[cfg(test)]\nmod tests {\n    #[test]\n    fn one() {}\n}\n",
        ),
        ("data/a.txt", "a\n"),
    ] {
        repo.write(file.as_bytes(), text.as_bytes())
            .expect("a file");
    }
    repo.commit().expect("a commit");
    let output = Tia::new(&repo, "record")
        .args(&["--"])
        .args(&tests_of_nextest())
        .run();
    let said = output.stderr.clone();
    if Command::new("strace").arg("-V").output().is_err() {
        assert_eq!(output.code, Some(3));
        assert!(
            said.contains("`strace` cannot be run") && said.contains("install strace"),
            "{said}"
        );
        return;
    }
    assert_eq!(output.code, Some(0), "{said}");
    assert!(
        said.contains("1 test opened 1 file of the repository"),
        "{said}"
    );
    assert!(
        said.contains("`tia select` knows no such suites: other"),
        "{said}"
    );
    let kept = repo
        .read(b".tia/recorded/local.json")
        .expect("the recording");
    let kept: serde_json::Value = serde_json::from_slice(&kept).expect("JSON");
    let reader = &kept["recordings"][0]["readers"][0];
    assert_eq!(
        (&reader["suite"], &reader["case"]),
        (&"app".into(), &"tests::one".into())
    );
    let names = |list: &str| -> Vec<&str> {
        let places = reader[list].as_array().expect("a list").iter();
        let places = places.map(|place| place.as_u64().expect("a number") as usize);
        places
            .map(|place| kept["paths"][place].as_str().expect("a path"))
            .collect()
    };
    assert_eq!(names("reads"), ["data/a.txt"]);
    assert!(names("looks_for").contains(&"missing.txt"), "{kept}");
    // a command that fails is said to; one without tests is an error
    let failed = Tia::new(&repo, "record").args(&["-o", "x.json", "--", "sh", "-c"]);
    let failed = failed
        .args(&["NEXTEST_BINARY_ID=app NEXTEST_TEST_NAME=tests::one cat gone"])
        .run();
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    let empty = Tia::new(&repo, "record").args(&["--", "true"]).run();
    assert_eq!(empty.code, Some(3));
    assert!(empty.stderr.contains("no test was seen"));
}
