use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{CoverageError, all};
use crate::model::{Bits, Measured};

fn read(bytes: &[u8]) -> Result<Measured, CoverageError> {
    super::read(bytes, None)
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).expect("the fixture")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/coverage")
}

/// The lines of `shop/cart.py` by test.
fn cart(measured: &Measured) -> BTreeMap<String, Vec<u32>> {
    let file = measured
        .files
        .iter()
        .position(|file| file.ends_with("shop/cart.py"))
        .expect("the file") as u32;
    let contexts = measured.contexts.iter();
    contexts
        .filter_map(|context| {
            let (_, lines) = context.lines.iter().find(|(place, _)| *place == file)?;
            Some((context.name.clone(), lines.iter().collect()))
        })
        .collect()
}

#[test]
fn every_format_has_a_fixture_of_its_own() {
    for format in all() {
        let files = fs::read_dir(folder().join(format.name().replace('.', "_")))
            .unwrap_or_else(|_| panic!("no fixture of {}", format.name()));
        assert!(files.count() > 0);
    }
}

#[test]
fn a_database_tells_who_ran_which_lines() {
    let lines = cart(&read(&fixture("coverage_py/lines.coverage")).unwrap());
    assert_eq!(
        lines["tests/test_cart.py::test_total|run"],
        [9, 13, 14, 15, 16]
    );
    assert_eq!(lines["tests/test_cart.py::test_table|run"], [29, 33]);
    // what the first test computed is kept
    assert!(!lines.contains_key("tests/test_cart.py::test_table_again|run"));
    assert!(lines[""].contains(&40) && lines[""].contains(&37));
}

#[test]
fn arcs_tell_the_same_lines() {
    let of = |name| cart(&read(&fixture(name)).unwrap());
    assert_eq!(
        of("coverage_py/arcs.coverage"),
        of("coverage_py/lines.coverage")
    );
}

#[test]
fn lcov_with_test_names_tells_the_same_lines() {
    let lcov = cart(&read(&fixture("lcov/shop.info")).unwrap());
    let database = cart(&read(&fixture("coverage_py/lines.coverage")).unwrap());
    assert_eq!(lcov["tests_test_cart_py__test_total"], [9, 13, 14, 15, 16]);
    assert_eq!(lcov[""], database[""]);
}

/// The lines of a file that would have shown, had they run.
fn seen(measured: &Measured, file: &str) -> Vec<u32> {
    let place = measured.files.iter().position(|name| name == file);
    let of_file = |(other, _): &&(u32, Bits)| Some(*other as usize) == place;
    let lines = measured.seen.iter().find(of_file);
    lines.map_or_else(Vec::new, |(_, lines)| lines.iter().collect())
}

#[test]
fn lines_that_did_not_run_are_seen_where_the_format_tells() {
    let lcov = read(&fixture("lcov/till.info")).unwrap();
    let lines = seen(&lcov, "/srv/till/src/lib.rs");
    // run by nobody; left out by a condition
    assert!(lines.contains(&40) && !lines.contains(&46), "{lines:?}");
    let json = super::read(&fixture("llvm_json/shop.json"), Some("test")).unwrap();
    let file = "/srv/shop/src/lib.rs";
    let ran = handed("llvm_json/shop.json", file);
    let lines = seen(&json, file);
    assert!(ran.iter().all(|line| lines.contains(line)), "{lines:?}");
    assert!(lines.len() > ran.len(), "{lines:?}");
    // LLVM tells some counts from others, and a panic may take them below zero
    let wrapped = "TN:t\nSF:a.rs\nDA:1,18446744073709551615\nDA:2,-1\nDA:3,0\nend_of_record\n";
    let lines = read(wrapped.as_bytes()).unwrap().contexts.remove(0).lines;
    assert_eq!(lines[0].1.iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn functions_as_contexts_are_named_with_their_modules() {
    let lines = cart(&read(&fixture("coverage_py/functions.coverage")).unwrap());
    assert_eq!(lines["test_cart.test_total"], [9, 13, 14, 15, 16]);
}

#[test]
fn files_that_tell_no_tests_apart_say_so() {
    for (name, words) in [
        ("coverage_py/no_contexts.coverage", "tells no tests apart"),
        ("summed/shop.info", "tells no tests apart"),
        (
            "summed/shop.xml",
            "Cobertura XML, which has no names of tests",
        ),
        ("jacoco/shop.xml", "JaCoCo XML, which has no names of tests"),
        (
            "llvm_json/shop.json",
            "LLVM's JSON, which has no names of tests",
        ),
        ("summed/shop.json", "JSON report of coverage.py"),
        (
            "go_cover/shop.out",
            "a profile of Go, which has no names of tests",
        ),
    ] {
        let error = read(&fixture(name)).unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
    assert!(matches!(read(b"hello"), Err(CoverageError::Unknown)));
}

/// The lines of a file that ran under the name that was handed in.
fn handed(name: &str, file: &str) -> Vec<u32> {
    let measured = super::read(&fixture(name), Some("test")).unwrap();
    let [context] = &measured.contexts[..] else {
        panic!("{:?}", measured.contexts)
    };
    assert_eq!(context.name, "test");
    let place = measured.files.iter().position(|other| other == file);
    let place = place.unwrap_or_else(|| panic!("{:?}", measured.files)) as u32;
    let lines = context.lines.iter().find(|(other, _)| *other == place);
    lines.map_or_else(Vec::new, |(_, lines)| lines.iter().collect())
}

#[test]
fn a_file_without_names_of_tests_is_that_of_the_test_that_names_it() {
    assert_eq!(
        handed(
            "cobertura/tests.test_cart.test_total.xml",
            "/srv/shop/shop/cart.py"
        ),
        [
            3, 5, 8, 9, 12, 13, 14, 15, 16, 19, 23, 27, 28, 32, 36, 37, 40
        ]
    );
    assert_eq!(
        handed("llvm_json/shop.json", "/srv/shop/src/lib.rs"),
        [9, 10, 12, 13, 14, 24, 25, 26]
    );
    assert_eq!(handed("jacoco/shop.xml", "shop/Cart.java"), [5, 8, 12]);
    assert_eq!(
        handed("go_cover/shop.out", "example.com/shop/cart.go"),
        [3, 4, 5, 9]
    );
    // names in the file count
    let bytes = fixture("lcov/shop.info");
    assert_eq!(
        super::read(&bytes, Some("test")).unwrap(),
        read(&bytes).unwrap()
    );
}

#[test]
fn what_is_cut_or_cannot_be_is_told_with_its_line() {
    for (text, words) in [
        (
            "<coverage><class filename='a'><line number='x' hits='1'/></class></coverage>",
            "line 1 is damaged",
        ),
        ("<coverage>\n<class filename='a'>\n", "line 3 is damaged"),
        (
            "<coverage>\n<line number='1' hits='1'/></coverage>",
            "line 2 is damaged",
        ),
        (
            "<report><package name='a'><sourcefile>",
            "line 1 is damaged",
        ),
        ("mode: set\na.go:1.1,2.2 1 1\na.go:1.1", "line 3 is damaged"),
        (
            "mode: set\na.go:1.1,4000000000.2 1 1\n",
            "line 2 is damaged",
        ),
        (
            "{\"data\":[{\"files\":[{\"filename\":\"a\",\"segments\":[[1],[2,1]]}]}]}",
            "damaged where it tells of `a`",
        ),
        ("{\"data\":[{\"files\":[{", "is damaged"),
    ] {
        let error = super::read(text.as_bytes(), Some("t"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn a_database_of_another_layout_is_refused() {
    let mut conn = rusqlite::Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "CREATE TABLE coverage_schema (version); INSERT INTO coverage_schema VALUES (8)",
    )
    .unwrap();
    let bytes = conn.serialize("main").unwrap().to_vec();
    assert!(matches!(read(&bytes), Err(CoverageError::Layout(8))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_never_panic(
        name in prop::sample::select(vec![
            "coverage_py/arcs.coverage",
            "lcov/shop.info",
            "summed/shop.xml",
            "jacoco/shop.xml",
            "go_cover/shop.out",
            "llvm_json/shop.json",
        ]),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let mut bytes = fixture(name);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = super::read(&bytes, Some("test"));
    }

    #[test]
    fn what_is_written_as_lcov_is_read_back(
        runs in proptest::collection::btree_map(
            ("t[a-c]", "[a-c]/x\\.py"),
            proptest::collection::btree_set(1u32..300, 1..20),
            1..12,
        ),
    ) {
        let mut text = String::new();
        for ((test, file), lines) in &runs {
            text += &format!("TN:{test}\nSF:{file}\nDA:999,0\n");
            for line in lines {
                text += &format!("DA:{line},3\n");
            }
            text += "end_of_record\n";
        }
        let measured = read(text.as_bytes()).unwrap();
        let mut found = BTreeMap::new();
        for context in &measured.contexts {
            for (file, lines) in &context.lines {
                let file = measured.files[*file as usize].clone();
                found.insert((context.name.clone(), file), lines.iter().collect());
            }
        }
        prop_assert_eq!(found, runs);
    }
}
