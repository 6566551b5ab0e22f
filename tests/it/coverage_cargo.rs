//! Coverage of Cargo's tests, on the crate of `fixtures/coverage/till` and what was measured of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cmd::Tia;
use crate::support::output::Output;
use crate::support::repo::{TestRepo, edit};

/// Stays always: what it runs in another process was not measured.
const BLIND: &str = "till::counter prints";

const FILES: [&str; 4] = [
    "Cargo.toml",
    "src/lib.rs",
    "src/main.rs",
    "tests/counter.rs",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/coverage")
}

fn measured() -> String {
    fs::read_to_string(fixtures().join("lcov/till.info")).expect("what was measured")
}

/// The crate with more files, committed.
fn till(more: &[(&str, &str)]) -> TestRepo {
    let repo = TestRepo::new();
    for file in FILES {
        let text = fs::read(fixtures().join("till").join(file)).expect("the crate");
        repo.write(file.as_bytes(), &text).expect("a file");
    }
    for (file, text) in more {
        repo.write(file.as_bytes(), text.as_bytes())
            .expect("a file");
    }
    repo.commit().expect("a commit");
    repo
}

/// Selects by definitions, or by whole files.
fn select(repo: &TestRepo, granularity: &str, lcov: &str) -> Output {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("till.info");
    fs::write(&file, lcov).expect("a file");
    Tia::new(repo, "select")
        .args(&["--base", "HEAD", "--granularity", granularity, "--explain"])
        .args(&["--format", "lines"])
        .args(&["--coverage", &format!("{}@HEAD", file.display())])
        .run()
}

/// The selected tests, without the one that always stays, and without the program and the docs, which hold none.
fn selected(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let others = [BLIND, "till::bin/till", "till::doc"];
    let mut names: Vec<&str> = text.lines().filter(|name| !others.contains(name)).collect();
    names.sort_unstable();
    names.join(", ")
}

/// What was measured of each test.
fn records() -> Vec<String> {
    let text = measured();
    let records = text.split("TN:").skip(1);
    records.map(|record| format!("TN:{record}")).collect()
}

#[test]
fn a_changed_body_selects_the_tests_that_ran_it() {
    for (file, from, to, tests) in [
        (
            "src/lib.rs",
            "sum += price",
            "sum -= price",
            "till tests::large, till tests::sums, till::counter",
        ),
        ("src/lib.rs", ">= LARGE", "> LARGE", "till tests::large"),
        (
            "src/lib.rs",
            "self.coins = 0",
            "self.coins = 1",
            "till tests::closes",
        ),
        // compiled, and run by nobody
        ("src/lib.rs", "    7", "    9", ""),
        // a text of a constant, and of a macro, by who ran a function that names it
        ("src/lib.rs", "\"EUR\"", "\"USD\"", "till::counter"),
        ("src/lib.rs", "{} {}", "{}-{}", "till::counter"),
        (
            "tests/counter.rs",
            "\"EUR 4\"",
            "\"EUR 5\"",
            "till::counter shows",
        ),
        (
            "src/lib.rs",
            "The sum of prices.",
            "The sum of all prices.",
            "",
        ),
    ] {
        let repo = till(&[]);
        edit(&repo, file, from, to);
        let output = select(&repo, "symbol", &measured());
        assert_eq!(selected(&output), tests, "{to}\n{}", output.stderr);
    }
}

#[test]
fn what_shows_in_no_line_is_as_the_layer_below_says() {
    for (from, to, words) in [
        (
            "units * 100",
            "units * 10",
            "cents` narrows nothing: it may run, or be read, where no line shows it",
        ),
        (
            "    8",
            "    9",
            "elsewhere` narrows nothing: `elsewhere` is not among what was measured",
        ),
        (
            "expected = \"empty\"",
            "expected = \"full\"",
            "tests::breaks` narrows nothing: it is new, gone, or got at in another way",
        ),
        (
            "pub fn forgotten() -> u64",
            "pub fn forgotten() -> u32",
            "the signature of `forgotten` changed",
        ),
    ] {
        let repo = till(&[]);
        edit(&repo, "src/lib.rs", from, to);
        let output = select(&repo, "file", &measured());
        let all = "till, till::counter";
        assert_eq!(selected(&output), all, "{to}\n{}", output.stderr);
        assert!(output.stderr.contains(words), "{to}\n{}", output.stderr);
    }
}

#[test]
fn a_test_without_a_line_of_its_own_was_not_measured() {
    let repo = till(&[]);
    edit(&repo, "src/lib.rs", ">= LARGE", "> LARGE");
    // the lines of `sums` are as if they had not run
    let lcov = records().into_iter().map(|record| {
        let of_sums = record.starts_with("TN:till tests::sums");
        let lines = (64..=66).filter(|_| of_sums);
        lines.fold(record, |record, line| {
            record.replace(&format!("DA:{line},1"), &format!("DA:{line},0"))
        })
    });
    let output = select(&repo, "file", &lcov.collect::<String>());
    let tests = "till tests::large, till tests::sums";
    assert_eq!(selected(&output), tests, "{}", output.stderr);
    // a process that broke off wrote nothing down
    let lcov = records().into_iter();
    let lcov = lcov.filter(|record| !record.starts_with("TN:till tests::sums"));
    let output = select(&repo, "file", &lcov.collect::<String>());
    assert_eq!(selected(&output), tests, "{}", output.stderr);
    let words = "`till` was not measured in full";
    assert!(output.stderr.contains(words), "{}", output.stderr);
}

#[test]
fn what_a_build_script_may_run_is_as_the_layer_below_says() {
    let shared = "pub fn answer() -> u64 {\n    42\n}\n";
    let repo = till(&[
        (
            "build.rs",
            "#[path = \"src/shared.rs\"]\nmod shared;\nfn main() {\n    println!(\"cargo:rustc-env=A={}\", shared::answer());\n}\n",
        ),
        ("src/shared.rs", shared),
        (
            "src/lib.rs",
            &format!(
                "mod shared;\n{}",
                fs::read_to_string(fixtures().join("till/src/lib.rs")).expect("the library")
            ),
        ),
    ]);
    edit(&repo, "src/shared.rs", "42", "43");
    let lcov = "TN:till tests::sums\nSF:/srv/till/src/shared.rs\nDA:1,1\nDA:2,1\nend_of_record\n";
    let output = select(&repo, "file", &(measured() + lcov));
    let words = "answer` narrows nothing: it may run while others are built";
    assert!(output.stderr.contains(words), "{}", output.stderr);
    let found = selected(&output);
    assert!(found.contains("till::counter"), "{found}");
}

#[test]
fn each_test_may_have_a_file_of_its_own() {
    let repo = till(&[]);
    edit(&repo, "src/lib.rs", ">= LARGE", "> LARGE");
    let dir = tempfile::tempdir().expect("a folder");
    for record in records() {
        let (name, record) = record.split_once('\n').expect("a name");
        let name = name.trim_start_matches("TN:").replacen(' ', "/", 1);
        let file = dir.path().join("cov").join(format!("{name}.info"));
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, record).expect("a file");
    }
    fs::write(dir.path().join("cov.commit"), "HEAD\n").expect("a file");
    let run = || {
        Tia::new(&repo, "select")
            .args(&["--base", "HEAD", "--format", "lines", "--coverage"])
            .args(&[&format!("{}/cov/{{test}}.info", dir.path().display())])
            .run()
    };
    let output = run();
    assert_eq!(selected(&output), "till tests::large", "{}", output.stderr);
    // one that is damaged tells nothing of its test
    fs::write(dir.path().join("cov/till/tests::sums.info"), "damaged").expect("a file");
    let output = run();
    let tests = "till tests::large, till tests::sums";
    assert_eq!(selected(&output), tests, "{}", output.stderr);
    let words = "warning: coverage: `";
    assert!(output.stderr.contains(words), "{}", output.stderr);
}

const MORE: &str = "\
pub const TAG: &str = \"abc\";
pub fn tagged() -> [u8; TAG.len()] {
    [0; TAG.len()]
}
pub fn hidden() -> impl Fn() -> u8 {
    move || 1
}
#[export_name = \"flag\"]
pub static FLAG: bool = true;
pub fn reads() -> bool {
    FLAG
}
pub fn drawn() -> u8 {
    fastrand::u8(0..9)
}
";

/// The crate with a module more, and what `closes` and `sums` ran of it.
fn with_more() -> (TestRepo, String) {
    let lib = fs::read_to_string(fixtures().join("till/src/lib.rs")).expect("the library");
    let lib = format!("{lib}mod more;\n");
    let repo = till(&[("src/lib.rs", &lib), ("src/more.rs", MORE)]);
    let mut lcov = measured();
    for (test, ran) in [("sums", [2, 3, 4]), ("closes", [13, 14, 15])] {
        lcov += &format!("TN:till tests::{test}\nSF:/srv/till/src/more.rs\n");
        for line in (2..=7).chain(10..=15) {
            lcov += &format!("DA:{line},{}\n", u8::from(ran.contains(&line)));
        }
        lcov += "end_of_record\n";
    }
    (repo, lcov)
}

#[test]
fn what_types_or_others_may_read_is_as_the_layer_below_says() {
    for (from, to, words) in [
        (
            "\"abc\"",
            "\"abcd\"",
            "TAG` narrows nothing: the signature of `tagged` names it",
        ),
        (
            "|| 1",
            "|| 2",
            "hidden` narrows nothing: it may run, or be read, where no line shows it",
        ),
        (
            "= true",
            "= false",
            "FLAG` narrows nothing: it may run, or be read, where no line shows it",
        ),
    ] {
        let (repo, lcov) = with_more();
        edit(&repo, "src/more.rs", from, to);
        let output = select(&repo, "file", &lcov);
        assert!(output.stderr.contains(words), "{to}\n{}", output.stderr);
        assert_eq!(selected(&output), "till, till::counter", "{to}");
    }
}

#[test]
fn a_test_that_draws_at_random_may_do_something_else_next_time() {
    let (repo, lcov) = with_more();
    edit(&repo, "src/lib.rs", ">= LARGE", "> LARGE");
    let output = select(&repo, "file", &lcov);
    let tests = "till tests::closes, till tests::large";
    assert_eq!(selected(&output), tests, "{}", output.stderr);
}

#[test]
fn a_source_of_another_language_that_nobody_is_seen_to_read_may_be_read_by_any() {
    let repo = till(&[("src/made.py", "print(1)\n")]);
    edit(&repo, "src/made.py", "1", "2");
    edit(&repo, "src/lib.rs", ">= LARGE", "> LARGE");
    let without = Tia::new(&repo, "select")
        .args(&["--base", "HEAD", "--format", "lines"])
        .run();
    for granularity in ["file", "symbol"] {
        let output = select(&repo, granularity, &measured());
        assert_eq!(
            selected(&output),
            "till, till::counter",
            "{}",
            output.stderr
        );
        assert_eq!(selected(&output), selected(&without));
    }
}
