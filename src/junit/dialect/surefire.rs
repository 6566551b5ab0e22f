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
        // the order in which Surefire writes them, whatever stands before and behind
        const ORDER: &str = " name time tests errors skipped failures ";
        head.suites.iter().any(|suite| {
            suite.schema.contains("surefire")
                || suite.has_property("surefire.")
                || suite.attributes.contains(ORDER)
        }) || head.lone().is_some_and(|root| {
            // old versions wrote neither host nor time of day; others who name files so write both
            let is_old = !root.has("hostname") && !root.has("timestamp");
            is_old && head.file_name().starts_with("TEST-") && is_java(&head.case.class)
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

/// Whether a class is named as Java names classes: with a package.
fn is_java(class: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '$');
    class.contains('.') && class.chars().all(is_part)
}
