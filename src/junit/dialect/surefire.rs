//! Maven Surefire and Failsafe: one `testsuite` per class, with every system property, secrets included.
//!
//! A pass after failures has `flaky*` children, a failure on every try `failure` and `rerun*`. Several cases of one test are
//! rows of a parametrized test, or TestNG's retries: skipped, then run. A failing `@BeforeAll` is a case named `null`, nothing
//! or `initializationError`, or named as its class. Old versions write `1,234.5` seconds.

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `surefire`.
pub(super) struct Surefire;

impl Dialect for Surefire {
    fn name(&self) -> &'static str {
        "surefire"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.suites
            .iter()
            .any(|suite| suite.schema.contains("surefire") || suite.has_property("surefire."))
            || head.lone().is_some_and(|root| {
                let is_file = head.file_name().starts_with("TEST-");
                let is_java = root.has_property("java.version")
                    || root.begins("name time tests errors skipped failures");
                is_file && is_java && !root.has("hostname")
            })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn groups_thousands(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let is_class = !case.class.is_empty() && case.name == case.class;
        Identity::of(case, suites).outside(is_class)
    }
}
