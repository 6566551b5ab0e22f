//! Selected shares, as a table: a row for each kind of change.

use std::collections::{BTreeMap, BTreeSet};

use crate::commit_kind::{KINDS, SOURCE_ALONE};

/// The selectors, in the order of their columns.
pub(crate) const SELECTORS: [&str; 4] = ["file", "symbol", "imports", "imports+data"];

/// The selected share of one commit, each in 0..=1.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    tests: f64,
    files: f64,
}

/// The share of these tests, each a file and a case in it, that a selector has; a file counts if one of its tests is
/// selected. There is at least one test.
pub(crate) fn of(tests: &[(String, String)], selects: impl Fn(&str, &str) -> bool) -> Share {
    let all: BTreeSet<&str> = tests.iter().map(|(file, _)| file.as_str()).collect();
    let (mut selected, mut files) = (0, BTreeSet::new());
    for (file, case) in tests {
        if selects(file, case) {
            selected += 1;
            files.insert(file.as_str());
        }
    }
    Share {
        tests: f64::from(selected) / tests.len() as f64,
        files: files.len() as f64 / all.len() as f64,
    }
}

/// The shares of many commits.
#[derive(Default)]
pub(crate) struct Table(BTreeMap<&'static str, Vec<[Share; 4]>>);

impl Table {
    /// Counts one commit of a kind, with the share of each selector.
    pub(crate) fn count(&mut self, kind: &'static str, shares: [Share; 4]) {
        self.0.entry(kind).or_default().push(shares);
    }

    /// Counts the commits of another table, too.
    pub(crate) fn add(&mut self, other: Self) {
        for (kind, shares) in other.0 {
            self.0.entry(kind).or_default().extend(shares);
        }
    }

    /// Mean, median and 90th percentile in percent: of tests, then of test files.
    pub(crate) fn print(&self) {
        let whole = self.0.iter().filter(|(kind, _)| **kind != SOURCE_ALONE);
        let all: Vec<[Share; 4]> = whole.flat_map(|(_, shares)| shares).copied().collect();
        let rows = KINDS
            .iter()
            .filter_map(|kind| Some((*kind, self.0.get(kind)?)))
            .chain([("all kinds", &all)]);
        let rows: Vec<_> = rows.collect();
        for (what, pick) in [
            ("tests", (|share| share.tests) as fn(&Share) -> f64),
            ("test files", |share| share.files),
        ] {
            let head = SELECTORS.map(|name| format!("{name:>18}")).concat();
            println!("  {what:<24}{:>7}{head}   mean median P90, %", "commits");
            for (kind, shares) in &rows {
                let cells: String = (0..SELECTORS.len())
                    .map(|at| cell(shares.iter().map(|share| pick(&share[at])).collect()))
                    .collect();
                println!("  {kind:<24}{:>7}{cells}", shares.len());
            }
        }
    }
}

/// Percentiles are by nearest rank.
fn cell(mut shares: Vec<f64>) -> String {
    shares.sort_by(f64::total_cmp);
    let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    let rank = |share: f64| {
        let at = (share * shares.len() as f64).ceil() as usize;
        shares.get(at.max(1) - 1).copied().unwrap_or_default()
    };
    format!(
        "{:>8.1}{:>5.0}{:>5.0}",
        100.0 * mean,
        100.0 * rank(0.5),
        100.0 * rank(0.9)
    )
}
