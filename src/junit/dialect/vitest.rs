//! Vitest's `junit` reporter: a suite per file, the class is the file, the name `a > b > c`.
//!
//! Several failures a case. A test that passed on a retry shows nothing of it. Errors outside of tests are in a suite of their
//! own, named `Unhandled errors`.

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `vitest`.
pub(super) struct Vitest;

impl Dialect for Vitest {
    fn name(&self) -> &'static str {
        "vitest"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some_and(|root| root.name == "vitest tests")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let is_outside = suites
            .iter()
            .any(|suite| suite.name.eq_ignore_ascii_case("unhandled errors"));
        Identity::of(case, suites).outside(is_outside)
    }
}
