//! The conformance suite: every case under `fixtures/select`, run for real.
//!
//! One test per family; a family reports all its failing cases at once. `TIA_CASE=part_of_a_name` runs only the cases
//! whose name holds that part.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cases::{Case, Family, parse};
use crate::support::cmd::Tia;
use crate::support::judge::{Answer, problems, required};
use crate::support::output::Output;
use crate::support::repo::TestRepo;

/// One `#[test]` per family, so that the runner shows and parallelises them.
macro_rules! families {
    ($($group:ident: $($family:ident),+ $(,)?;)+) => {
        $(mod $group {
            $(#[test]
            fn $family() {
                super::run_family(stringify!($group), stringify!($family));
            })+
        })+

        /// The families that have a test.
        const FAMILIES: &[&str] = &[$($(concat!(stringify!($group), "/", stringify!($family))),+),+];
    };
}

families! {
    git: ci, dirty, filters, links, names, renames, revisions;
    files: data, mentions, mixed, project, rules;
    python: config, conftest, dynamic, imports, ini, layout, layout_only, locks, metadata, pins, plugins, suites, symbols, symbols_asked, symbols_data, symbols_defaults, symbols_found, symbols_keywords, symbols_loads, symbols_made, symbols_reflected, symbols_told;
    rust: config, includes, lock, modules, symbols, workspace;
}

#[test]
fn every_file_of_cases_is_a_family_with_a_test() {
    let mut found: Vec<String> = Vec::new();
    for group in children(&folder()) {
        for file in children(&group) {
            let name = file.with_extension("");
            let name = name.strip_prefix(folder()).expect("below the folder");
            found.push(name.to_string_lossy().into_owned());
        }
    }
    found.sort();
    let mut named = FAMILIES.to_vec();
    named.sort_unstable();
    assert_eq!(found, named);
}

#[test]
fn there_are_at_least_120_cases_and_no_two_share_a_name() {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for family in FAMILIES {
        for case in read(family).cases {
            let one = case.name.clone();
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(one.bytes().all(plain), "{family}: `{one}`");
            if let Some(other) = seen.insert(case.name, family) {
                panic!("`{one}` is in {other} and in {family}");
            }
        }
    }
    assert!(seen.len() >= 120, "{} cases", seen.len());
}

#[test]
fn every_case_says_what_it_requires_and_names_only_tests_that_can_be() {
    for name in FAMILIES {
        let family = read(name);
        assert!(!family.roster.is_empty(), "{name}: no `tests:`");
        for case in &family.cases {
            let (place, expected) = (format!("{name}:{}", case.line), &case.expected);
            let says = expected.nothing_required ^ !expected.require.is_empty();
            assert!(says || expected.exit != 0, "{place}: require what?");
            // A pattern that fits no test of the tree can only mean one that the case itself adds.
            for pattern in expected.forbid.iter().filter(|p| *p != "*") {
                let known = family
                    .roster
                    .iter()
                    .any(|unit| crate::support::text::fits(pattern, unit) || pattern == unit);
                assert!(known, "{place}: `{pattern}` forbids no test of the tree");
            }
        }
    }
}

/// Runs all cases of a family and panics with everything that is wrong.
fn run_family(group: &str, family: &str) {
    let name = format!("{group}/{family}");
    let family = read(&name);
    let only = std::env::var("TIA_CASE").unwrap_or_default();
    let base = base(&family).unwrap_or_else(|reason| panic!("{name}: {reason}"));
    let (mut ran, mut report) = (0, Vec::new());
    for case in family.cases.iter().filter(|case| case.name.contains(&only)) {
        ran += 1;
        report.extend(run_case(&name, case, &family.roster, &base));
    }
    assert!(
        report.is_empty(),
        "{} of {ran} cases of {name} fail\n\n{}",
        report.len(),
        report.join("\n")
    );
}

/// The base commit of a family, with the cache that a selection leaves behind.
fn base(family: &Family) -> Result<TestRepo, String> {
    let repo = TestRepo::new();
    for step in &family.setup {
        step.run(&repo)?;
    }
    repo.commit().map_err(|error| error.to_string())?;
    Tia::new(&repo, "select").run();
    Ok(repo)
}

/// Runs one case; `Some` is what is wrong with it, ready to read.
fn run_case(family: &str, case: &Case, roster: &[String], base: &TestRepo) -> Option<String> {
    let repo = base.duplicate();
    for step in &case.steps {
        if let Err(reason) = step.run(&repo) {
            return Some(format!(
                "== {} (line {})\n   {reason}\n",
                case.name, case.line
            ));
        }
    }
    let run = |more: &[&str]| -> Output {
        Tia::new(&repo, "select")
            .args(more)
            .args(&case.args)
            .vars(&case.vars)
            .dir(&case.dir)
            .stdin(case.stdin.clone())
            .run()
    };
    let answer = Answer {
        warm: run(&["-0"]),
        cold: run(&["-0", "--no-cache"]),
        json: run(&["--format", "json"]),
    };
    let problems = problems(&case.expected, roster, &answer);
    (!problems.is_empty()).then(|| explain(family, case, roster, &answer, &problems))
}

fn explain(
    family: &str,
    case: &Case,
    roster: &[String],
    answer: &Answer,
    problems: &[String],
) -> String {
    let mut out = format!("== {} ({family}.cases:{})\n", case.name, case.line);
    for problem in problems {
        let _ = writeln!(out, "   {problem}");
    }
    let selected = String::from_utf8_lossy(&answer.warm.stdout).replace('\0', " ");
    let _ = writeln!(
        out,
        "   wanted   {}",
        required(&case.expected, roster).join(" ")
    );
    let _ = writeln!(out, "   selected {selected}");
    for line in answer.warm.stderr.lines().take(8) {
        let _ = writeln!(out, "   | {line}");
    }
    out
}

fn read(family: &str) -> Family {
    let file = folder().join(family).with_extension("cases");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{family}: {error}"));
    parse(&text).unwrap_or_else(|reason| panic!("{family}: {reason}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/select")
}

fn children(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    entries
        .map(|entry| entry.expect("a directory entry").path())
        .collect()
}
