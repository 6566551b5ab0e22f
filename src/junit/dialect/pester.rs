//! Pester: `testsuites` named `Pester`, a suite per file; the name is the path of blocks. `status` is `Passed`, `Failed`, `Skipped`
//! or `NotRun`. Times of day are local and name no zone.
//!
//! A file that could not be discovered is a failing case named for the file.

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `pester`.
pub(super) struct Pester;

impl Dialect for Pester {
    fn name(&self) -> &'static str {
        "pester"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some_and(|root| root.name == "Pester")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let is_file = case.name.ends_with(".ps1");
        Identity::of(case, suites).outside(is_file)
    }
}
