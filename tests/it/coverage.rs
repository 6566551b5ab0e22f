//! Coverage as the last layer of a selection, on the project of `fixtures/coverage/shop` and what was measured of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cmd::Tia;
use crate::support::output::Output;
use crate::support::repo::{TestRepo, edit};

/// Stays always: what it runs in another process was not measured.
const BLIND: &str = "test_in_a_process";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/coverage")
}

/// The project as it was measured, committed; the commit is tagged `measured`.
fn shop() -> TestRepo {
    let repo = TestRepo::new();
    for file in ["shop/__init__.py", "shop/cart.py", "tests/test_cart.py"] {
        let text = fs::read(fixtures().join("shop").join(file)).expect("the project");
        repo.write(file.as_bytes(), &text).expect("a file");
    }
    repo.write(b"setup.cfg", b"[metadata]\nname = shop\n")
        .expect("a file");
    repo.commit().expect("a commit");
    repo.git(["tag", "measured"]).expect("a tag");
    repo
}

fn select(repo: &TestRepo, coverage: &str, more: &[&str]) -> Output {
    let coverage = format!("{}/{coverage}", fixtures().display());
    Tia::new(repo, "select")
        .args(&["--base", "HEAD", "--coverage", &coverage])
        .args(more)
        .run()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The selected tests without their file, but for the one that always stays; `all` for all of them.
fn selected(output: &Output) -> String {
    let text = stdout(output);
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("tests/test_cart.py::"))
        .collect();
    if names.len() == 7 || text.lines().any(|line| line == "tests/test_cart.py") {
        return "all".to_owned();
    }
    let mut names = names;
    let before = names.len();
    names.retain(|name| *name != BLIND);
    assert!(before == 0 || names.len() < before, "{text}");
    names.sort_unstable();
    names.join(" ")
}

#[test]
fn a_change_selects_the_tests_that_ran_it() {
    for (from, to, tests) in [
        (
            "result += price",
            "result -= price",
            "TestCart::test_add test_total",
        ),
        ("amount - amount", "amount + amount", "test_discount"),
        // a default is felt by whoever names the function
        ("percent=10", "percent=11", "test_discount"),
        // a constant by whoever ran a function that names it, and by whom that ran for
        (
            "return amount * (100 + RATE)",
            "return amount * (101 + RATE)",
            "test_taxed",
        ),
        (
            "RATE = 19",
            "RATE = 7",
            "test_table test_table_again test_taxed",
        ),
        // the second test lives on what the first one computed
        (
            "{\"de\": RATE}",
            "{\"fr\": RATE}",
            "test_table test_table_again",
        ),
        // what runs on import is as the layer below says
        ("return \"ready\"", "return \"done\"", "all"),
        ("STATE = prepare()", "STATE = prepare", "all"),
        // a comment is nothing
        ("RATE = 19", "RATE = 19  # percent", ""),
    ] {
        for file in [
            "coverage_py/lines.coverage@HEAD",
            "coverage_py/arcs.coverage@measured",
            "coverage_py/functions.coverage@HEAD",
            "lcov/shop.info@HEAD",
        ] {
            let repo = shop();
            edit(&repo, "shop/cart.py", from, to);
            let output = select(&repo, file, &[]);
            assert_eq!(
                selected(&output),
                tests,
                "{to} with {file}\n{}",
                output.stderr
            );
        }
    }
}

#[test]
fn what_is_not_python_and_what_is_new_is_as_the_layer_below_says() {
    let repo = shop();
    repo.write(
        b"setup.cfg",
        b"[metadata]\nname = shop\n[tool:pytest]\naddopts = -x\n",
    )
    .expect("a file");
    assert_eq!(
        selected(&select(&repo, "coverage_py/lines.coverage@HEAD", &[])),
        "all"
    );

    let repo = shop();
    edit(
        &repo,
        "tests/test_cart.py",
        "class TestCart",
        "def test_new():\n    pass\n\n\nclass TestCart",
    );
    let output = select(&repo, "coverage_py/lines.coverage@HEAD", &[]);
    // nobody asks for it
    assert_eq!(
        stdout(&output).lines().collect::<Vec<_>>(),
        [
            "tests/test_cart.py::test_in_a_process",
            "tests/test_cart.py::test_new"
        ]
    );

    let repo = shop();
    repo.write(
        b"tests/test_more.py",
        b"from shop import cart\n\n\ndef test_more():\n    assert cart.total([])\n",
    )
    .expect("a file");
    repo.commit().expect("a commit");
    edit(&repo, "shop/cart.py", "amount - amount", "amount + amount");
    let output = select(&repo, "coverage_py/lines.coverage@measured", &[]);
    let lines = stdout(&output);
    let kept = [
        "tests/test_cart.py::test_discount",
        "tests/test_cart.py::test_in_a_process",
        "tests/test_more.py::test_more",
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), kept);
}

#[test]
fn all_that_changed_since_the_measured_commit_counts() {
    let repo = shop();
    // the base is newer than the measurement, and already differs in what two tests ran
    edit(
        &repo,
        "shop/cart.py",
        "result += price",
        "result += 1 * price",
    );
    repo.commit().expect("a commit");
    edit(&repo, "shop/cart.py", "amount - amount", "amount + amount");
    let output = select(&repo, "coverage_py/lines.coverage@measured", &[]);
    assert_eq!(
        selected(&output),
        "TestCart::test_add test_discount test_total"
    );
    // as if measured at the base, which it was not: less, since the lie is believed
    let output = select(&repo, "coverage_py/lines.coverage@HEAD", &[]);
    assert_eq!(selected(&output), "test_discount");
}

#[test]
fn evidence_that_cannot_be_used_narrows_nothing_and_says_so() {
    let repo = shop();
    edit(&repo, "shop/cart.py", "amount - amount", "amount + amount");
    for (file, words) in [
        ("coverage_py/lines.coverage", "not said at which commit"),
        (
            "coverage_py/lines.coverage@0123456789",
            "is not in this clone",
        ),
        ("coverage_py/gone.coverage@HEAD", "cannot read"),
        (
            "coverage_py/no_contexts.coverage@HEAD",
            "--cov-context=test",
        ),
        ("summed/shop.xml@HEAD", "Cobertura"),
        ("summed/shop.info@HEAD", "tells no tests apart"),
    ] {
        let output = select(&repo, file, &[]);
        assert_eq!(selected(&output), "all", "{file}\n{}", output.stderr);
        assert!(
            output.stderr.contains("coverage narrows nothing"),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains(words), "{file}\n{}", output.stderr);
        let output = select(&repo, file, &["--format", "json"]);
        assert!(
            stdout(&output).contains("\"warnings\": ["),
            "{}",
            stdout(&output)
        );
    }
}

#[test]
fn the_commit_may_stand_in_a_file_beside_it() {
    let repo = shop();
    let file = repo.root().join("shop.coverage");
    fs::copy(fixtures().join("coverage_py/lines.coverage"), &file).expect("a copy");
    fs::write(repo.root().join("shop.coverage.commit"), "measured\n").expect("a file");
    edit(&repo, "shop/cart.py", "amount - amount", "amount + amount");
    let output = Tia::new(&repo, "select")
        .args(&["--base", "HEAD", "--coverage", &file.to_string_lossy()])
        .run();
    assert_eq!(selected(&output), "test_discount");
}

#[test]
fn it_is_said_what_coverage_told() {
    let repo = shop();
    edit(&repo, "shop/cart.py", "amount - amount", "amount + amount");
    edit(&repo, "shop/cart.py", "return \"ready\"", "return \"done\"");
    let output = select(
        &repo,
        "coverage_py/functions.coverage@measured",
        &["--explain"],
    );
    for words in [
        "coverage of 7 tests, measured at measured: 1 of 2 changed definitions are told by it; it narrows nothing",
        "coverage: `shop/cart.py:19 discount`: 1 measured test",
        "coverage: `shop/cart.py:36 prepare` narrows nothing: it also ran outside of any test",
    ] {
        assert!(output.stderr.contains(words), "{words}\n{}", output.stderr);
    }
    let output = select(
        &repo,
        "coverage_py/functions.coverage@measured",
        &["--format", "json"],
    );
    for words in [
        "\"measured_at\": \"measured\"",
        "\"narrows_nothing\": \"it also ran",
    ] {
        assert!(
            stdout(&output).contains(words),
            "{words}\n{}",
            stdout(&output)
        );
    }
}

const APP: &str = "_items = {}


def put(key):
    _items[key] = make(key)


def make(key):
    return key * 2


def look(key):
    return _items[key]


def other():
    return 3
";

const TESTS: &str = "import gc

import pytest

import app


class Box:
    def __init__(self):
        self.kept = None

    def get(self):
        if self.kept is None:
            self.kept = app.other()
        return self.kept


box = Box()


@pytest.fixture(scope=\"module\")
def wide():
    return app.make(\"x\")


def test_put():
    app.put(\"a\")


def test_look():
    assert app.look(\"a\") == \"aa\"


def test_box_first():
    assert box.get() == 3


def test_box_again():
    assert box.get() == 3


def test_wide_first(wide):
    assert wide == \"xx\"


def test_wide_again(wide):
    assert wide == \"xx\"


def test_alone():
    assert True


def test_garbage():
    gc.collect()
    assert True
";

const LAZY: &str = "import app
VALUE = app.make(\"y\")
";

const LAZY_TESTS: &str = "def test_lazy_first():
    import lazy
    assert lazy.VALUE == \"yy\"


def test_lazy_again():
    import lazy
    assert lazy.VALUE
";

/// Which lines ran: by test (empty: outside of tests) and file.
const RAN: &[(&str, &str, &[u32])] = &[
    ("", "app.py", &[1, 4, 8, 12, 16]),
    (
        "",
        "tests/test_app.py",
        &[1, 3, 5, 8, 9, 10, 12, 18, 21, 22, 26],
    ),
    ("", "tests/test_lazy.py", &[1, 6]),
    ("put", "app.py", &[5, 9]),
    ("put", "tests/test_app.py", &[27]),
    ("look", "app.py", &[13]),
    ("look", "tests/test_app.py", &[31]),
    ("box_first", "app.py", &[17]),
    ("box_first", "tests/test_app.py", &[13, 14, 15, 35]),
    ("box_again", "tests/test_app.py", &[13, 15, 39]),
    ("wide_first", "app.py", &[9]),
    ("wide_first", "tests/test_app.py", &[23, 43]),
    ("wide_again", "tests/test_app.py", &[47]),
    ("alone", "tests/test_app.py", &[51]),
    ("garbage", "tests/test_app.py", &[55, 56]),
    ("lazy_first", "app.py", &[9]),
    ("lazy_first", "lazy.py", &[1, 2]),
    ("lazy_first", "tests/test_lazy.py", &[2, 3]),
    ("lazy_again", "tests/test_lazy.py", &[7, 8]),
];

/// What is selected after an edit of `app.py`, where the files that `measured` takes were measured.
fn after(from: &str, to: &str, measured: fn(&str) -> bool) -> Vec<String> {
    let repo = TestRepo::new();
    for (file, text) in [
        ("app.py", APP),
        ("lazy.py", LAZY),
        ("tests/test_app.py", TESTS),
        ("tests/test_lazy.py", LAZY_TESTS),
        ("setup.cfg", "[metadata]\nname = app\n"),
    ] {
        repo.write(file.as_bytes(), text.as_bytes())
            .expect("a file");
    }
    repo.commit().expect("a commit");
    let mut lcov = String::new();
    for (test, file, lines) in RAN.iter().filter(|(_, file, _)| measured(file)) {
        let suite = if test.starts_with("lazy") {
            "lazy"
        } else {
            "app"
        };
        lcov += &match *test {
            "" => "TN:\n".to_owned(),
            test => format!("TN:tests_test_{suite}_py__test_{test}\n"),
        };
        lcov += &format!("SF:{file}\n");
        for line in *lines {
            lcov += &format!("DA:{line},1\n");
        }
        lcov += "end_of_record\n";
    }
    let file = repo.root().join("app.info");
    fs::write(&file, lcov).expect("a file");
    edit(&repo, "app.py", from, to);
    let output = Tia::new(&repo, "select")
        .args(&["--base", "HEAD", "--coverage"])
        .args(&[format!("{}@HEAD", file.display())])
        .run();
    let text = stdout(&output);
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| Some(line.split_once("::test_")?.1.to_owned()))
        .collect();
    names.sort();
    names
}

#[test]
fn who_finds_what_another_test_left_stays() {
    // a value of the module, a wide fixture, a file that a test was the first to import; garbage looks at everything
    let kept = [
        "garbage",
        "lazy_again",
        "lazy_first",
        "look",
        "put",
        "wide_again",
        "wide_first",
    ];
    assert_eq!(after("key * 2", "key * 3", |_| true), kept);
    // an object of the test file remembers
    assert_eq!(
        after("return 3", "return 4", |_| true),
        ["box_again", "box_first", "garbage"]
    );
}

#[test]
fn tests_whose_own_files_were_not_measured_may_do_what_these_files_do() {
    // one of them looks at everything: which, nobody knows
    let kept = after("return _items[key]", "return _items.get(key)", |file| {
        !file.starts_with("tests/")
    });
    assert!(kept.contains(&"put".to_owned()), "{kept:?}");
    assert!(!kept.contains(&"lazy_first".to_owned()), "{kept:?}");
}

#[test]
fn tia_toml_names_the_files_and_flags_name_others_or_none() {
    let repo = shop();
    let lines = fixtures().join("coverage_py/lines.coverage");
    let toml = format!("[coverage]\nfiles = ['{}@measured']\n", lines.display());
    repo.write(b"tia.toml", toml.as_bytes()).expect("a file");
    repo.commit().expect("a commit");
    // the file itself configures selections, so it has to be of the measured commit
    repo.git(["tag", "-f", "measured"]).expect("a tag");
    edit(&repo, "shop/cart.py", "amount - amount", "amount + amount");
    let run = |more: &[&str]| {
        Tia::new(&repo, "select")
            .args(&["--base", "HEAD"])
            .args(more)
            .run()
    };
    assert_eq!(selected(&run(&[])), "test_discount");
    assert_eq!(selected(&run(&["--no-coverage"])), "all");
    let other = run(&["--coverage", "missing.info@measured"]);
    assert_eq!(selected(&other), "all");
    assert!(
        other.stderr.contains("cannot read `missing.info`"),
        "{}",
        other.stderr
    );
    let toml = "[coverage]\nfiles = [\n  'gone.info@measured',\n]\n";
    repo.write(b"tia.toml", toml.as_bytes()).expect("a file");
    let gone = run(&[]).stderr;
    assert!(gone.contains("gone.info` (line 3 of `tia.toml`)"), "{gone}");
}

#[test]
fn one_file_a_test_tells_tests_apart_in_formats_that_do_not() {
    let repo = shop();
    edit(&repo, "shop/cart.py", "amount - amount", "amount + amount");
    assert_eq!(
        selected(&select(&repo, "cobertura/{test}.xml@measured", &[])),
        "test_discount"
    );
    let none = select(&repo, "cobertura/{test}.info@measured", &[]);
    assert_eq!(selected(&none), "all");
    assert!(
        none.stderr.contains("no file is named like"),
        "{}",
        none.stderr
    );
    let unsaid = select(&repo, "cobertura/{test}.xml", &[]);
    assert!(
        unsaid
            .stderr
            .contains("fixtures/coverage/cobertura.commit`"),
        "{}",
        unsaid.stderr
    );
}

/// Files, each with the lines that ran in it.
type Lines<'a> = &'a [(&'a str, &'a [u32])];

/// A project of these files as it was measured, committed, and what ran in it as LCOV: each file with the lines that ran, by test.
fn measured(files: &[(&str, &str)], runs: &[(&str, Lines<'_>)]) -> (TestRepo, PathBuf) {
    let repo = TestRepo::new();
    let files = [
        ("setup.cfg", "[metadata]\nname = pkg\n"),
        ("pkg/__init__.py", ""),
    ]
    .iter()
    .chain(files);
    for (file, text) in files {
        repo.write(file.as_bytes(), text.as_bytes())
            .expect("a file");
    }
    repo.commit().expect("a commit");
    let mut lcov = String::new();
    for (test, files) in runs {
        for (file, lines) in *files {
            lcov += &format!("TN:{test}\nSF:{file}\n");
            lcov.extend(lines.iter().map(|line| format!("DA:{line},1\n")));
            lcov += "end_of_record\n";
        }
    }
    let file = repo.root().join("measured.info");
    fs::write(&file, lcov).expect("a file");
    (repo, file)
}

/// A function with two branches, each run by one test.
fn branches() -> (TestRepo, PathBuf) {
    measured(
        &[
            (
                "pkg/sign.py",
                "def sign(x):\n    if x < 0:\n        text = 'minus'\n    else:\n        text = 'plus'\n    return text\n",
            ),
            (
                "tests/test_sign.py",
                "import pytest\n\nfrom pkg.sign import sign\n\n\n@pytest.mark.parametrize('x', [-1, 1])\ndef test_sign(x):\n    assert sign(x)\n",
            ),
        ],
        &[
            (
                "",
                &[("pkg/sign.py", &[1]), ("tests/test_sign.py", &[1, 3, 7])],
            ),
            (
                "tests/test_sign.py::test_sign[-1]",
                &[("pkg/sign.py", &[2, 3, 6]), ("tests/test_sign.py", &[8])],
            ),
            (
                "tests/test_sign.py::test_sign[1]",
                &[("pkg/sign.py", &[2, 5, 6]), ("tests/test_sign.py", &[8])],
            ),
        ],
    )
}

fn left(repo: &TestRepo, file: &Path, more: &[&str]) -> Vec<String> {
    let coverage = format!("{}@HEAD", file.display());
    let output = Tia::new(repo, "select")
        .args(&["--base", "HEAD", "--coverage", &coverage])
        .args(more)
        .run();
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn who_ran_another_branch_of_a_function_does_not_feel_it() {
    for (from, to, tests) in [
        ("'plus'", "'more'", &["[1]"][..]),
        ("'minus'", "'less'", &["[-1]"]),
        (
            "        text = 'plus'\n",
            "        text = 'plus'\n        print(text)\n",
            &["[1]"],
        ),
        // all come to it, or all of it changes
        ("return text", "return text.upper()", &[""]),
        ("x < 0", "x <= 0", &[""]),
        ("text = 'plus'", "yield 'plus'", &[""]),
    ] {
        let (repo, file) = branches();
        edit(&repo, "pkg/sign.py", from, to);
        let wanted: Vec<String> = tests
            .iter()
            .map(|parameters| format!("tests/test_sign.py::test_sign{parameters}"))
            .collect();
        assert_eq!(left(&repo, &file, &[]), wanted, "{from} -> {to}");
    }
}

#[test]
fn parameters_that_may_be_skipped_are_not_told_apart() {
    let (repo, file) = branches();
    edit(
        &repo,
        "tests/test_sign.py",
        "[-1, 1]",
        "[-1, pytest.param(1, marks=pytest.mark.slow)]",
    );
    repo.commit().expect("a commit");
    edit(&repo, "pkg/sign.py", "'minus'", "'less'");
    assert_eq!(left(&repo, &file, &[]), ["tests/test_sign.py::test_sign"]);
    // nor where a hook leaves tests out
    let (repo, file) = branches();
    repo.write(
        b"conftest.py",
        b"def pytest_collection_modifyitems(items):\n    items.pop()\n",
    )
    .expect("a file");
    repo.commit().expect("a commit");
    edit(&repo, "pkg/sign.py", "'minus'", "'less'");
    assert_eq!(left(&repo, &file, &[]), ["tests/test_sign.py::test_sign"]);
}

#[test]
fn what_makes_itself_again_is_felt_by_who_may_live_on_what_it_runs() {
    for (from, to, tests) in [
        // ran in the test that made the one object, but had no part in it
        ("return 1", "return 2", &["test_first"][..]),
        // makes it
        ("return {}", "return {1: 2}", &["test_first", "test_second"]),
        // changes it, in one test or the other
        (
            "self.rows = rows",
            "self.rows = None",
            &["test_first", "test_second"],
        ),
    ] {
        let (repo, file) = measured(
            &[
                (
                    "pkg/one.py",
                    "_one = None\n\n\nclass One:\n    def __init__(self, rows):\n        self.rows = rows\n\n\ndef get():\n    global _one\n    if _one is None:\n        _one = One(make())\n    return _one\n\n\ndef make():\n    return {}\n\n\ndef other():\n    return 1\n",
                ),
                (
                    "tests/test_one.py",
                    "from pkg import one\n\n\ndef test_first():\n    one.get()\n    one.other()\n\n\ndef test_second():\n    one.get()\n",
                ),
            ],
            &[
                (
                    "",
                    &[
                        ("pkg/one.py", &[1, 4, 5, 9, 16, 20]),
                        ("tests/test_one.py", &[1, 4, 9]),
                    ],
                ),
                (
                    "tests/test_one.py::test_first",
                    &[
                        ("pkg/one.py", &[6, 11, 12, 13, 17, 21]),
                        ("tests/test_one.py", &[5, 6]),
                    ],
                ),
                (
                    "tests/test_one.py::test_second",
                    &[("pkg/one.py", &[11, 13]), ("tests/test_one.py", &[10])],
                ),
            ],
        );
        edit(&repo, "pkg/one.py", from, to);
        let wanted: Vec<String> = tests
            .iter()
            .map(|test| format!("tests/test_one.py::{test}"))
            .collect();
        assert_eq!(left(&repo, &file, &[]), wanted, "{from} -> {to}");
    }
}

#[test]
fn who_finds_what_a_test_put_into_an_object_of_a_module_stays() {
    let all = ["test_first", "test_second", "test_note"];
    for (from, to, tests) in [
        ("return 1", "return 2", &all[..2]),
        // who ran what did nothing shows in no line, but who ran its callers does
        (
            "\"\"\"Nothing.\"\"\"",
            "\"\"\"Nothing.\"\"\"\n    raise OSError",
            &all[2..],
        ),
    ] {
        let (repo, file) = measured(
            &[
                (
                    "pkg/memo.py",
                    "class Memo(dict):\n    pass\n\n\n_memo = Memo()\n\n\ndef get(key):\n    found = _memo.get(key)\n    if found is None:\n        _memo[key] = found = make()\n    return found\n\n\ndef make():\n    return 1\n\n\ndef note():\n    \"\"\"Nothing.\"\"\"\n",
                ),
                (
                    "tests/test_memo.py",
                    "from pkg import memo\n\n\ndef test_first():\n    memo.get(1)\n\n\ndef test_second():\n    memo.get(1)\n\n\ndef test_note():\n    memo.note()\n",
                ),
            ],
            &[
                (
                    "",
                    &[
                        ("pkg/memo.py", &[1, 2, 5, 8, 15, 19]),
                        ("tests/test_memo.py", &[1, 4, 8, 12]),
                    ],
                ),
                (
                    "tests/test_memo.py::test_first",
                    &[
                        ("pkg/memo.py", &[9, 10, 11, 12, 16]),
                        ("tests/test_memo.py", &[5]),
                    ],
                ),
                (
                    "tests/test_memo.py::test_second",
                    &[("pkg/memo.py", &[9, 10, 12]), ("tests/test_memo.py", &[9])],
                ),
                (
                    "tests/test_memo.py::test_note",
                    &[("tests/test_memo.py", &[13])],
                ),
            ],
        );
        edit(&repo, "pkg/memo.py", from, to);
        let wanted: Vec<String> = tests
            .iter()
            .map(|test| format!("tests/test_memo.py::{test}"))
            .collect();
        assert_eq!(
            left(&repo, &file, &["--format", "lines"]),
            wanted,
            "{from} -> {to}"
        );
    }
}

#[test]
fn what_ran_while_tests_were_collected_counts_for_suites_whose_loading_may_run_it() {
    let files = [
        (
            "pkg/made.py",
            "def make(n):\n    return n\n\n\ndef far():\n    return 1\n",
        ),
        (
            "tests/test_a.py",
            "from pkg.made import make\n\nVALUE = make(1)\n\n\ndef test_a():\n    assert VALUE == 1\n",
        ),
        (
            "tests/test_b.py",
            "from pkg.made import far, make\n\n\ndef test_b():\n    assert make(2) == 2 * far()\n",
        ),
        (
            "tests/test_c.py",
            "from pkg import made\n\n\ndef test_c():\n    assert made.far() == 1\n",
        ),
    ];
    let run: [(&str, Lines<'_>); 6] = [
        (
            "",
            &[
                ("pkg/made.py", &[1, 2, 5]),
                ("tests/test_a.py", &[1, 3, 6]),
                ("tests/test_b.py", &[1, 4]),
                ("tests/test_c.py", &[1, 4]),
            ],
        ),
        ("tests/test_a.py::test_a|setup", &[("tests/test_a.py", &[])]),
        ("tests/test_a.py::test_a|run", &[("tests/test_a.py", &[7])]),
        (
            "tests/test_b.py::test_b|run",
            &[("pkg/made.py", &[2, 6]), ("tests/test_b.py", &[5])],
        ),
        (
            "tests/test_c.py::test_c|setup",
            &[("tests/test_c.py", &[4])],
        ),
        (
            "tests/test_c.py::test_c|run",
            &[("pkg/made.py", &[6]), ("tests/test_c.py", &[5])],
        ),
    ];
    for (from, to, tests) in [
        (
            "return n",
            "return n + 0",
            &["tests/test_a.py::test_a", "tests/test_b.py::test_b"][..],
        ),
        (
            "return 1",
            "return 2",
            &["tests/test_b.py::test_b", "tests/test_c.py::test_c"],
        ),
    ] {
        let (repo, file) = measured(&files, &run);
        edit(&repo, "pkg/made.py", from, to);
        assert_eq!(left(&repo, &file, &[]), tests, "{from} -> {to}");
    }
    // where nothing tells what ran around tests, fixtures may have run it
    let whole: Vec<(&str, Lines<'_>)> = run
        .iter()
        .filter(|(test, _)| !test.ends_with("setup"))
        .map(|(test, lines)| (test.strip_suffix("|run").unwrap_or(test), *lines))
        .collect();
    let (repo, file) = measured(&files, &whole);
    edit(&repo, "pkg/made.py", "return n", "return n + 0");
    assert_eq!(left(&repo, &file, &[]).len(), 3);
}

#[test]
fn how_a_method_is_got_at_is_felt_by_who_ran_it_and_not_by_who_names_another() {
    let (repo, file) = measured(
        &[
            (
                "pkg/kinds.py",
                "class One:\n    @property\n    def x(self):\n        return 1\n\n\nclass Other:\n    def __init__(self):\n        self.x = 2\n",
            ),
            (
                "tests/test_kinds.py",
                "from pkg.kinds import One, Other\n\n\ndef test_one():\n    assert One().x == 1\n\n\ndef test_other(thing=None):\n    thing = thing or Other()\n    assert thing.x == 2\n\n\nclass Held:\n    def test_held(self):\n        assert One().x == 1\n\n\nclass TestHeir(Held):\n    pass\n",
            ),
        ],
        &[
            (
                "",
                &[
                    ("pkg/kinds.py", &[1, 2, 3, 7, 8]),
                    ("tests/test_kinds.py", &[1, 4, 8, 13, 14, 18, 19]),
                ],
            ),
            (
                "tests/test_kinds.py::test_one",
                &[("pkg/kinds.py", &[4]), ("tests/test_kinds.py", &[5])],
            ),
            (
                "tests/test_kinds.py::test_other",
                &[("pkg/kinds.py", &[9]), ("tests/test_kinds.py", &[9, 10])],
            ),
            (
                "tests/test_kinds.py::TestHeir",
                &[("pkg/kinds.py", &[4]), ("tests/test_kinds.py", &[15])],
            ),
        ],
    );
    edit(&repo, "pkg/kinds.py", "    @property\n", "");
    assert_eq!(
        left(&repo, &file, &[]),
        [
            "tests/test_kinds.py::TestHeir",
            "tests/test_kinds.py::test_one"
        ]
    );
    repo.git(["checkout", "-q", "."]).expect("a checkout");
    edit(&repo, "pkg/kinds.py", "self.x = 2", "self.x = 3");
    assert_eq!(left(&repo, &file, &[]), ["tests/test_kinds.py::test_other"]);
    // who inherits tests may have one more
    repo.git(["checkout", "-q", "."]).expect("a checkout");
    edit(
        &repo,
        "tests/test_kinds.py",
        "class Held:\n",
        "class Held:\n    def test_new(self):\n        pass\n\n",
    );
    assert_eq!(
        left(&repo, &file, &["--granularity", "symbol"]),
        ["tests/test_kinds.py::TestHeir"]
    );
}

#[test]
fn a_name_that_is_gone_is_felt_by_who_ran_code_that_asks_for_it() {
    let (repo, file) = measured(
        &[
            ("pkg/names.py", "LIMIT = 1\nOTHER = 2\n"),
            (
                "pkg/asks.py",
                "def limit():\n    from pkg.names import LIMIT\n\n    return LIMIT\n\n\ndef other():\n    from pkg.names import OTHER\n\n    return OTHER\n\n\ndef both():\n    return 0\n",
            ),
            (
                "tests/test_names.py",
                "from pkg.asks import both, limit, other\n\n\ndef test_limit():\n    assert limit() == 1 + both()\n\n\ndef test_other():\n    assert other() == 2 + both()\n",
            ),
        ],
        &[
            (
                "",
                &[
                    ("pkg/asks.py", &[1, 7, 13]),
                    ("tests/test_names.py", &[1, 4, 8]),
                ],
            ),
            (
                "tests/test_names.py::test_limit",
                &[
                    ("pkg/names.py", &[1, 2]),
                    ("pkg/asks.py", &[2, 4, 14]),
                    ("tests/test_names.py", &[5]),
                ],
            ),
            (
                "tests/test_names.py::test_other",
                &[("pkg/asks.py", &[8, 10, 14]), ("tests/test_names.py", &[9])],
            ),
        ],
    );
    edit(&repo, "pkg/names.py", "LIMIT = 1\n", "");
    assert_eq!(left(&repo, &file, &[]), ["tests/test_names.py::test_limit"]);
}

#[test]
fn a_docstring_is_felt_by_who_reads_docstrings_where_its_object_is_got_hold_of() {
    let (repo, file) = measured(
        &[
            (
                "pkg/told.py",
                "def both():\n    return 0\n\n\nclass Told:\n    \"\"\"One.\"\"\"\n\n    def text(self):\n        return self.__doc__\n\n\ndef called():\n    \"\"\"Two.\"\"\"\n    return 1\n\n\ndef given():\n    \"\"\"Three.\"\"\"\n    return 2\n",
            ),
            (
                "tests/test_told.py",
                "from pkg.told import Told, both, called, given\n\n\ndef test_reads():\n    assert Told().text() == \"One.\" and not both()\n\n\ndef test_calls():\n    assert called() == 1 + both()\n\n\ndef test_gives():\n    assert [given][0]() == 2 + both()\n",
            ),
        ],
        &[
            (
                "",
                &[
                    ("pkg/told.py", &[1, 5, 6, 8, 12, 17]),
                    ("tests/test_told.py", &[1, 4, 8, 12]),
                ],
            ),
            (
                "tests/test_told.py::test_reads",
                &[("pkg/told.py", &[2, 9]), ("tests/test_told.py", &[5])],
            ),
            (
                "tests/test_told.py::test_calls",
                &[("pkg/told.py", &[2, 14]), ("tests/test_told.py", &[9])],
            ),
            (
                "tests/test_told.py::test_gives",
                &[("pkg/told.py", &[2, 19]), ("tests/test_told.py", &[13])],
            ),
        ],
    );
    for (from, to, tests) in [
        ("One.", "Four.", &["tests/test_told.py::test_reads"][..]),
        // nobody gets hold of it but to call it
        ("Two.", "Four.", &[]),
        ("Three.", "Four.", &["tests/test_told.py::test_reads"]),
    ] {
        edit(&repo, "pkg/told.py", from, to);
        assert_eq!(left(&repo, &file, &[]), tests, "{from}");
        repo.git(["checkout", "-q", "."]).expect("a checkout");
    }
}

#[test]
fn a_source_that_no_test_is_seen_to_reach_and_nobody_ran_is_felt_by_nobody() {
    let (repo, file) = measured(
        &[
            ("pkg/__init__.py", ""),
            ("pkg/used.py", "def used():\n    return 1\n"),
            ("pkg/unused.py", "import os\n\nprint(os.sep)\n"),
            ("tools/unused.py", "import os\n\nprint(os.sep)\n"),
            (
                "tests/test_used.py",
                "from pkg.used import used\n\n\ndef test_used():\n    assert used() == 1\n",
            ),
        ],
        &[
            (
                "",
                &[("pkg/used.py", &[1]), ("tests/test_used.py", &[1, 4])],
            ),
            (
                "tests/test_used.py::test_used",
                &[("pkg/used.py", &[2]), ("tests/test_used.py", &[5])],
            ),
        ],
    );
    edit(&repo, "pkg/unused.py", "import os", "pass");
    assert!(left(&repo, &file, &[]).is_empty());
    repo.git(["checkout", "-q", "."]).expect("a checkout");
    // where nothing was measured, it may have run without a trace
    edit(&repo, "tools/unused.py", "import os", "pass");
    assert_eq!(left(&repo, &file, &[]), ["tests/test_used.py::test_used"]);
}

#[test]
fn a_default_under_a_decorator_is_felt_by_who_ran_the_function_unless_the_decorator_reads_it() {
    let (repo, file) = measured(
        &[
            (
                "pkg/deco.py",
                "import inspect\nfrom functools import wraps\n\n\ndef plain(function):\n    @wraps(function)\n    def inner(*args):\n        return function(*args)\n\n    return inner\n\n\ndef reads(function):\n    taken = inspect.signature(function)\n\n    @wraps(function)\n    def inner(*args):\n        return function(*args)\n\n    return inner\n",
            ),
            (
                "pkg/made.py",
                "from pkg.deco import plain, reads\n\n\ndef both():\n    return 0\n\n\n@plain\ndef one(x=1):\n    return x\n\n\n@reads\ndef two(x=2):\n    return x\n",
            ),
            (
                "tests/test_made.py",
                "from pkg.made import both, one, two\n\n\ndef test_one():\n    assert one() == 1 + both()\n\n\ndef test_two():\n    assert two() == 2 + both()\n",
            ),
        ],
        &[
            (
                "",
                &[
                    ("pkg/deco.py", &[1, 2, 5, 6, 7, 10, 13, 14, 16, 17, 20]),
                    ("pkg/made.py", &[1, 4, 8, 9, 13, 14]),
                    ("tests/test_made.py", &[1, 4, 8]),
                ],
            ),
            (
                "tests/test_made.py::test_one",
                &[
                    ("pkg/deco.py", &[8]),
                    ("pkg/made.py", &[5, 10]),
                    ("tests/test_made.py", &[5]),
                ],
            ),
            (
                "tests/test_made.py::test_two",
                &[
                    ("pkg/deco.py", &[18]),
                    ("pkg/made.py", &[5, 15]),
                    ("tests/test_made.py", &[9]),
                ],
            ),
        ],
    );
    let symbol = ["--granularity", "symbol"];
    edit(&repo, "pkg/made.py", "x=1", "x=3");
    assert_eq!(
        left(&repo, &file, &symbol),
        ["tests/test_made.py::test_one"]
    );
    repo.git(["checkout", "-q", "."]).expect("a checkout");
    edit(&repo, "pkg/made.py", "x=2", "x=3");
    assert_eq!(
        left(&repo, &file, &symbol),
        [
            "tests/test_made.py::test_one",
            "tests/test_made.py::test_two"
        ]
    );
}

#[test]
fn a_value_of_a_class_is_felt_by_who_may_have_hold_of_the_class_or_of_what_extends_it() {
    let (repo, file) = measured(
        &[
            (
                "pkg/kinds.py",
                "class One:\n    size = 1\n\n\nclass Other:\n    size = 2\n\n\nclass Heir(One):\n    pass\n",
            ),
            ("pkg/use.py", "def measure(thing):\n    return thing.size\n"),
            (
                "pkg/kept.py",
                "from pkg.kinds import One\n\nKEPT = {}\n\n\ndef keep():\n    KEPT['one'] = One()\n\n\ndef kept():\n    return KEPT['one']\n",
            ),
            (
                "tests/test_kinds.py",
                "from pkg.kept import keep, kept\nfrom pkg.kinds import Heir, One, Other\nfrom pkg.use import measure\n\n\ndef test_one():\n    assert measure(One()) == 1\n\n\ndef test_other():\n    assert measure(Other()) == 2\n\n\ndef test_heir():\n    assert measure(Heir()) == 1\n\n\ndef test_keep():\n    keep()\n\n\ndef test_kept():\n    assert measure(kept()) == 1\n\n\ndef test_line(): assert measure(One()) == 1\n",
            ),
            (
                "tests/helpers.py",
                "class Sized:\n    size = 4\n\n    def test_size(self):\n        assert self.size\n\n\nclass TestSized(Sized):\n    size = 5\n",
            ),
            (
                "tests/test_sized.py",
                "from tests.helpers import TestSized\n",
            ),
        ],
        &[
            (
                "",
                &[
                    ("pkg/kinds.py", &[1, 2, 5, 6, 9, 10]),
                    ("pkg/use.py", &[1]),
                    ("pkg/kept.py", &[1, 3, 6, 10]),
                    ("tests/test_kinds.py", &[1, 2, 3, 6, 10, 14, 18, 22, 26]),
                    ("tests/helpers.py", &[1, 2, 4, 8, 9]),
                    ("tests/test_sized.py", &[1]),
                ],
            ),
            (
                "tests/test_kinds.py::test_one|run",
                &[("pkg/use.py", &[2]), ("tests/test_kinds.py", &[7])],
            ),
            (
                "tests/test_kinds.py::test_other|run",
                &[("pkg/use.py", &[2]), ("tests/test_kinds.py", &[11])],
            ),
            (
                "tests/test_kinds.py::test_heir|run",
                &[("pkg/use.py", &[2]), ("tests/test_kinds.py", &[15])],
            ),
            (
                "tests/test_kinds.py::test_keep|run",
                &[("pkg/kept.py", &[7]), ("tests/test_kinds.py", &[19])],
            ),
            (
                "tests/test_kinds.py::test_kept|run",
                &[
                    ("pkg/kept.py", &[11]),
                    ("pkg/use.py", &[2]),
                    ("tests/test_kinds.py", &[23]),
                ],
            ),
            (
                "tests/test_kinds.py::test_line|run",
                &[("pkg/use.py", &[2]), ("tests/test_kinds.py", &[26])],
            ),
            (
                "tests/test_sized.py::TestSized::test_size|run",
                &[("tests/helpers.py", &[5])],
            ),
        ],
    );
    for (file_, from, to, tests) in [
        (
            "pkg/kinds.py",
            "size = 1",
            "size = 3",
            &[
                "test_kinds.py::test_heir",
                "test_kinds.py::test_kept",
                "test_kinds.py::test_line",
                "test_kinds.py::test_one",
            ][..],
        ),
        (
            "pkg/kinds.py",
            "size = 2",
            "size = 3",
            &["test_kinds.py::test_other"],
        ),
        (
            "tests/helpers.py",
            "size = 5",
            "size = 0",
            &["test_sized.py"],
        ),
    ] {
        edit(&repo, file_, from, to);
        let tests: Vec<String> = tests.iter().map(|test| format!("tests/{test}")).collect();
        assert_eq!(left(&repo, &file, &[]), tests, "{to} in {file_}");
        repo.git(["checkout", "-q", "."]).expect("a checkout");
    }
}

/// The tests that are left once something of `pkg/text.py` differs, by what follows `test_` in their names.
fn without(repo: &TestRepo, file: &Path, from: &str, to: &str) -> String {
    edit(repo, "pkg/text.py", from, to);
    let left = left(repo, file, &[]);
    repo.git(["checkout", "-q", "."]).expect("a checkout");
    let names = left.iter().map(|test| test.rsplit("::test_").next());
    names.flatten().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_default_is_felt_by_who_leaves_the_argument_out() {
    let text = "\
def pad(text, width=2, fill=' '):
    return text.center(width, fill)


def mark(text, *, by='*'):
    return by + text


class Base:
    def __init__(self, name='base'):
        self.name = name

    def cut(self, text, at=1):
        return text[:at]


class Heir(Base):
    def __init__(self):
        super().__init__('heir')


class Other(Base):
    def __init__(self):
        super().__init__()


ALL = [mark]


def nest(text, depth=0):
    if depth < 3:
        return nest(text + '(')
    return text
";
    let tests = "\
import json; from pkg import text
from pkg.text import ALL, Heir, Other, mark, pad


def test_given():
    pad('a', 3, fill='.')
    mark('a', by='+')


def test_left():
    pad('a', fill='.')
    mark('a')


def test_handed():
    for make in [mark]:
        make('a')


def test_heir():
    Heir().cut('abc', 1)
    Heir().cut('abc', at=1)


def test_other():
    Other().cut('abc')


def test_neither():
    assert pad


def test_listed():
    ALL[0]('a')


def test_unseen():
    'a'.center(3)


def test_nested():
    text.nest('a', 2)


def test_lookup():
    pad('a', 3, fill='.')
    getattr(text, 'pad')('a')


def test_named():
    Heir().cut('abc', at=1)


def test_lent():
    heir = Heir()
    heir.cut('abc', at=1)
    json.dumps(heir)
";
    let (repo, file) = measured(
        &[("pkg/text.py", text), ("tests/test_text.py", tests)],
        &[
            (
                "",
                &[
                    ("pkg/text.py", &[1, 5, 9, 10, 13, 17, 18, 22, 23, 27, 30]),
                    (
                        "tests/test_text.py",
                        &[1, 2, 5, 10, 15, 20, 25, 29, 33, 37, 41, 45, 50, 54],
                    ),
                ],
            ),
            (
                "tests/test_text.py::test_given",
                &[("pkg/text.py", &[2, 6]), ("tests/test_text.py", &[6, 7])],
            ),
            (
                "tests/test_text.py::test_left",
                &[("pkg/text.py", &[2, 6]), ("tests/test_text.py", &[11, 12])],
            ),
            (
                "tests/test_text.py::test_handed",
                &[("pkg/text.py", &[6]), ("tests/test_text.py", &[16, 17])],
            ),
            (
                "tests/test_text.py::test_heir",
                &[
                    ("pkg/text.py", &[11, 14, 19]),
                    ("tests/test_text.py", &[21, 22]),
                ],
            ),
            (
                "tests/test_text.py::test_other",
                &[
                    ("pkg/text.py", &[11, 14, 24]),
                    ("tests/test_text.py", &[26]),
                ],
            ),
            (
                "tests/test_text.py::test_neither",
                &[("tests/test_text.py", &[30])],
            ),
            (
                "tests/test_text.py::test_listed",
                &[("pkg/text.py", &[6]), ("tests/test_text.py", &[34])],
            ),
            // nobody sees who called it
            (
                "tests/test_text.py::test_unseen",
                &[("pkg/text.py", &[2]), ("tests/test_text.py", &[38])],
            ),
            (
                "tests/test_text.py::test_nested",
                &[
                    ("pkg/text.py", &[31, 32, 33]),
                    ("tests/test_text.py", &[42]),
                ],
            ),
            (
                "tests/test_text.py::test_lookup",
                &[("pkg/text.py", &[2]), ("tests/test_text.py", &[46, 47])],
            ),
            (
                "tests/test_text.py::test_named",
                &[
                    ("pkg/text.py", &[11, 14, 19]),
                    ("tests/test_text.py", &[51]),
                ],
            ),
            (
                "tests/test_text.py::test_lent",
                &[
                    ("pkg/text.py", &[11, 14, 19]),
                    ("tests/test_text.py", &[55, 56, 57]),
                ],
            ),
        ],
    );
    for (from, to, tests) in [
        ("width=2", "width=4", "left lookup unseen"),
        ("fill=' '", "fill='-'", "lookup unseen"),
        (
            "width=2, fill=' '",
            "width=4, fill='-'",
            "left lookup unseen",
        ),
        ("depth=0", "depth=1", "nested"),
        ("by='*'", "by='**'", "handed left listed"),
        ("name='base'", "name=''", "other"),
        // it may be called through the class, and then the first argument is the object
        ("at=1", "at=2", "heir lent other"),
        // more than defaults differs
        (
            "center(width",
            "center(1 + width",
            "given left lookup unseen",
        ),
    ] {
        assert_eq!(without(&repo, &file, from, to), tests, "{from} -> {to}");
    }
}

#[test]
fn a_lost_decorator_that_always_runs_its_function_is_felt_by_who_ran_or_named_it() {
    let text = "\
def checked(function):
    def inner(self, *args):
        if self.done:
            raise ValueError
        return function(self, *args)

    return inner


def skipped(function):
    def inner(self, *args):
        if self.done:
            return None
        return function(self, *args)

    return inner


class App:
    done = False

    @checked
    def add(self, x):
        return x

    @skipped
    def drop(self, x):
        return x

    def shown(self):
        return []


def call(app, name, x):
    return getattr(app, name)(x)
";
    let tests = "\
import json

import pytest

from pkg.text import App, call


def test_added():
    App().add(1)


def test_refused():
    app = App()
    app.done = True
    with pytest.raises(ValueError):
        app.add(1)


def test_lent():
    json.dumps(App(), default=App.shown)


def test_none():
    assert App


def test_computed():
    app = App()
    app.done = True
    with pytest.raises(ValueError):
        call(app, str(b'add', 'ascii'), 1)
";
    let (repo, file) = measured(
        &[("pkg/text.py", text), ("tests/test_text.py", tests)],
        &[
            (
                "",
                &[
                    (
                        "pkg/text.py",
                        &[1, 2, 7, 10, 11, 16, 19, 20, 22, 23, 26, 27, 30, 34],
                    ),
                    ("tests/test_text.py", &[1, 3, 5, 8, 12, 19, 23, 27]),
                ],
            ),
            (
                "tests/test_text.py::test_added",
                &[("pkg/text.py", &[3, 5, 24]), ("tests/test_text.py", &[9])],
            ),
            (
                "tests/test_text.py::test_refused",
                &[
                    ("pkg/text.py", &[3, 4]),
                    ("tests/test_text.py", &[13, 14, 15, 16]),
                ],
            ),
            (
                "tests/test_text.py::test_lent",
                &[("pkg/text.py", &[31]), ("tests/test_text.py", &[20])],
            ),
            (
                "tests/test_text.py::test_none",
                &[("tests/test_text.py", &[24])],
            ),
            (
                "tests/test_text.py::test_computed",
                &[
                    ("pkg/text.py", &[3, 4, 35]),
                    ("tests/test_text.py", &[28, 29, 30, 31]),
                ],
            ),
        ],
    );
    for (lost, tests) in [
        ("    @checked\n", "added computed refused"),
        // whoever calls it may have been turned away
        ("    @skipped\n", "added refused lent none computed"),
    ] {
        assert_eq!(without(&repo, &file, lost, ""), tests, "{lost}");
    }
}

#[test]
fn what_is_called_or_taken_while_a_file_is_loaded_may_leave_arguments_out() {
    let text = "\
def pad(text, width=2):
    return text * width


def both():
    return pad('a', 3)


def mark(text, by='*'):
    return by + text


class Keeper:
    def __init__(self):
        self.call = mark


FIRST = pad('a').title()
SECOND = both().title()
KEPT = Keeper()
";
    let tests = "\
from pkg.text import FIRST, KEPT, both, mark


def test_first():
    assert FIRST == 'Aa'


def test_kept():
    mark('a', '+')
    KEPT.call('a')


def test_both():
    assert both()


def test_again():
    assert both()
";
    let (repo, file) = measured(
        &[("pkg/text.py", text), ("tests/test_text.py", tests)],
        &[
            (
                "",
                &[
                    ("pkg/text.py", &[1, 2, 5, 6, 9, 13, 14, 15, 18, 19, 20]),
                    ("tests/test_text.py", &[1, 4, 8, 13, 17]),
                ],
            ),
            (
                "tests/test_text.py::test_first|run",
                &[("tests/test_text.py", &[5])],
            ),
            (
                "tests/test_text.py::test_kept|run",
                &[("pkg/text.py", &[10]), ("tests/test_text.py", &[9, 10])],
            ),
            (
                "tests/test_text.py::test_both|run",
                &[("pkg/text.py", &[2, 6]), ("tests/test_text.py", &[14])],
            ),
            (
                "tests/test_text.py::test_again|run",
                &[("pkg/text.py", &[2, 6]), ("tests/test_text.py", &[18])],
            ),
        ],
    );
    for (from, to, test) in [
        ("width=2", "width=3", "first"),
        ("by='*'", "by='-'", "kept"),
    ] {
        let found = without(&repo, &file, from, to);
        assert!(found.contains(test), "{from}: {found}");
    }
}

#[test]
fn data_that_a_file_names_when_it_is_loaded_is_felt_by_who_may_find_what_it_holds() {
    let lib = "class App:\n    def __init__(self, folder):\n        self.folder = folder\n        self.config = {}\n\n    def page(self, name):\n        with open(f'{self.folder}/{name}') as file:\n            return file.read()\n\n\nSHARED = App('nowhere')\n";
    let tests = "import pkg.lib\n\n\ndef test_page():\n    from pkg.site import app\n    assert app.page('index.txt')\n\n\ndef test_again():\n    import pkg.site\n    assert pkg.site.app.config\n\n\ndef test_config():\n    assert pkg.lib.App('x').config == {}\n\n\ndef test_shared():\n    assert pkg.lib.SHARED.config is not None\n";
    for (made, kept) in [
        // what is set on an object that the file makes is found through the file
        ("pkg.lib.App('pkg/texts')", "again, page"),
        // one that is made elsewhere is found by others, too
        ("pkg.lib.SHARED", "again, config, page, shared"),
    ] {
        let site = format!(
            "import pkg.lib\nTEXTS = 'pkg/texts'\napp = {made}\napp.config['debug'] = True\nopen('pkg/texts/index.txt')\n"
        );
        let (repo, file) = measured(
            &[
                ("pkg/lib.py", lib),
                ("pkg/site.py", &site),
                ("pkg/texts/index.txt", "welcome\n"),
                ("tests/test_site.py", tests),
            ],
            &[
                (
                    "",
                    &[
                        ("pkg/lib.py", &[1, 2, 6, 11]),
                        ("tests/test_site.py", &[1, 4, 9, 14, 18]),
                    ],
                ),
                (
                    "tests/test_site.py::test_page|run",
                    &[
                        ("pkg/lib.py", &[3, 4, 7, 8]),
                        ("pkg/site.py", &[1, 2, 3, 4, 5]),
                        ("tests/test_site.py", &[5, 6]),
                    ],
                ),
                (
                    "tests/test_site.py::test_again|run",
                    &[("tests/test_site.py", &[10, 11])],
                ),
                (
                    "tests/test_site.py::test_config|run",
                    &[("pkg/lib.py", &[3, 4]), ("tests/test_site.py", &[15])],
                ),
                (
                    "tests/test_site.py::test_shared|run",
                    &[("tests/test_site.py", &[19])],
                ),
            ],
        );
        repo.write(b"pkg/texts/index.txt", b"farewell\n")
            .expect("a file");
        let found = left(&repo, &file, &["--granularity", "symbol"]);
        let names = found.iter();
        let names = names.map(|line| line.trim_start_matches("tests/test_site.py::test_"));
        let mut found: Vec<&str> = names.collect();
        found.sort_unstable();
        assert_eq!(found.join(", "), kept, "{made}");
    }
}

#[test]
fn a_test_that_draws_at_random_may_do_something_else_next_time() {
    let code = "def a(n):\n    return n + 1\n\n\ndef b(n):\n    return n + 2\n";
    let tests = "import random\nfrom hypothesis import given, strategies\nfrom pkg.sign import a, b\n\n\ndef test_a():\n    assert a(1) == 2\n\n\n@given(strategies.integers())\ndef test_given(n):\n    assert b(n) if n < 2 ** 30 else a(n)\n\n\ndef test_random():\n    assert b(1) if random.random() < 0.9 else a(1)\n\n\ndef test_plain():\n    assert b(1)\n";
    let (repo, file) = measured(
        &[("pkg/sign.py", code), ("tests/test_sign.py", tests)],
        &[
            (
                "",
                &[
                    ("pkg/sign.py", &[1, 5]),
                    ("tests/test_sign.py", &[1, 2, 3, 6, 10, 11, 15, 19]),
                ],
            ),
            (
                "tests/test_sign.py::test_a|run",
                &[("pkg/sign.py", &[2]), ("tests/test_sign.py", &[7])],
            ),
            (
                "tests/test_sign.py::test_given|run",
                &[("pkg/sign.py", &[6]), ("tests/test_sign.py", &[12])],
            ),
            (
                "tests/test_sign.py::test_random|run",
                &[("pkg/sign.py", &[6]), ("tests/test_sign.py", &[16])],
            ),
            (
                "tests/test_sign.py::test_plain|run",
                &[("pkg/sign.py", &[6]), ("tests/test_sign.py", &[20])],
            ),
        ],
    );
    edit(&repo, "pkg/sign.py", "n + 1", "n + 3");
    let mut found = left(&repo, &file, &[]);
    found.sort();
    let kept = ["a", "given", "random"].map(|name| format!("tests/test_sign.py::test_{name}"));
    assert_eq!(found, kept);
}
