use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{CoverageError, all, read};
use crate::model::Measured;

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
        ("summed/shop.xml", "Cobertura"),
        ("summed/shop.json", "JSON report of coverage.py"),
        ("summed/go.out", "Go"),
    ] {
        let error = read(&fixture(name)).unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
    assert!(matches!(read(b"hello"), Err(CoverageError::Unknown)));
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
        name in prop::sample::select(vec!["coverage_py/arcs.coverage", "lcov/shop.info"]),
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
        let _ = read(&bytes);
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
