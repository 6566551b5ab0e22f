//! Boost.Test's JUnit log: one root `testsuite`; the suites within are flattened into the class. A case that was aborted is an
//! error; logs are in `system-out`.
//!
//! A fixture that failed is a case named `test-setup`, sometimes without a failure child.

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `boost`.
pub(super) struct Boost;

impl Dialect for Boost {
    fn name(&self) -> &'static str {
        "boost"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.lone()
            .is_some_and(|root| root.begins("tests skipped errors failures id name time"))
            && head.case.has("assertions")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let is_fixture = matches!(case.name.as_str(), "test-setup" | "test-teardown");
        Identity::of(case, suites).outside(is_fixture)
    }
}
