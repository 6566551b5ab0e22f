//! What the commits of one project gave, and how it is told.

use std::collections::{BTreeMap, BTreeSet};

use crate::outcomes::Changed;
use crate::shares::{SELECTORS, Table};

/// How many each selector has.
type Counts = [usize; SELECTORS.len()];

/// What the commits of one project gave.
#[derive(Default)]
pub(crate) struct Found {
    pub table: Table,
    /// Changes without tests, or without a report on one of their sides.
    pub skipped: Vec<String>,
    /// Changed outcomes, by what happened: how many there are, and how many each selector has.
    outcomes: BTreeMap<String, (usize, Counts)>,
    /// Changes with changed outcomes, and those of them for which each selector has all.
    changes: (usize, Counts),
    /// Changed outcomes that `tia` does not select, in words.
    pub missed: Vec<String>,
    /// Changed outcomes that a second run did not confirm.
    pub unsure: usize,
    /// Tests with changed outcomes that are no tests of the graph.
    pub strangers: BTreeSet<String>,
}

/// Whether each selector has a test.
pub(crate) type Selected = [bool; SELECTORS.len()];

impl Found {
    /// Counts the changed outcomes of one change, each with its file and who selects it.
    pub(crate) fn count(
        &mut self,
        commit: &str,
        row: &str,
        changed: &[(&Changed, String, Selected)],
    ) {
        let mut safe = [true; SELECTORS.len()];
        for (one, file, selected) in changed {
            let how = [one.how(), row].join(" ");
            let (outcomes, counts) = self.outcomes.entry(how.trim_end().to_owned()).or_default();
            *outcomes += 1;
            for (at, selected) in selected.iter().enumerate() {
                counts[at] += usize::from(*selected);
                safe[at] &= selected;
            }
            let level = match selected {
                [true, true, ..] => continue,
                [true, false, ..] => "by symbols",
                [false, true, ..] => "by files alone",
                [false, false, ..] => "by files and symbols",
            };
            let (test, how) = (&one.test, one.how());
            self.missed
                .push(format!("{level}  {commit} {row}  {file}  {test}  {how}"));
        }
        if !changed.is_empty() {
            self.changes.0 += 1;
            for (count, safe) in self.changes.1.iter_mut().zip(safe) {
                *count += usize::from(safe);
            }
        }
    }

    pub(crate) fn print(&self, project: &str) {
        println!("{project}");
        self.table.print();
        let told = |counts: &Counts| {
            let each = SELECTORS.iter().zip(counts);
            let each: Vec<String> = each
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            each.join(", ")
        };
        let (changes, safe) = &self.changes;
        if *changes > 0 {
            println!(
                "  {changes} changes with changed outcomes, those of source alone among them; all selected by {}",
                told(safe)
            );
        }
        for (how, (outcomes, counts)) in &self.outcomes {
            println!("  {outcomes} outcomes, {how}: selected by {}", told(counts));
        }
        for missed in &self.missed {
            println!("  missed  {missed}");
        }
        if self.unsure > 0 {
            println!(
                "  {} changed outcomes not confirmed by a second run",
                self.unsure
            );
        }
        if let Some(one) = self.strangers.first() {
            let more = self.strangers.len();
            println!("  {more} tests with changed outcomes are not in the graph, {one} among them");
        }
        if !self.skipped.is_empty() {
            println!("  skipped: {}", self.skipped.join(", "));
        }
    }
}
