//! Any bytes are a report or an error, the same each time; each pair of test and variant comes once; windows hold what the
//! whole holds.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use tia::junit::{Hints, Limits, read, read_windows};

fuzz_target!(|input: &[u8]| {
    let hints = Hints { file: "TEST-a.xml", ..Hints::default() };
    let limits = Limits { depth: 20, attribute: 256, text: 256, issues: 20, window: usize::MAX };
    let Ok(report) = read(input, &hints, &limits) else { return };
    assert!(report.issues.len() <= limits.issues + 1);
    let mut seen = HashSet::new();
    for result in &report.results {
        assert!(seen.insert((result.test.clone(), result.variant.clone())), "{} comes twice", result.test);
    }
    let mut all = Vec::new();
    let again = read_windows(input, &hints, &limits, &mut |window| all.extend(window)).expect("it was read before");
    assert_eq!(all, report.results);
    assert_eq!(again.issues, report.issues);
});
