//! go-junit-report: a suite per package with the property `go.version`; the class is the package or its last element, subtests
//! are `Test/sub` beside `Test`.
//!
//! Go names tests uniquely, so a test that comes twice was run twice (`-count`). The message is always `Failed`. A build that
//! failed is a case named `[build failed]`; a test without an outcome is an error.

use std::borrow::Cow;

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `go-junit-report`.
pub(super) struct GoJunitReport;

impl Dialect for GoJunitReport {
    fn name(&self) -> &'static str {
        "go-junit-report"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let is_go = |suite: &RawSuite| suite.has_property("go.version");
        head.many().is_some()
            && (head.suites.iter().any(is_go)
                || (head.suite().is_some_and(|suite| {
                    suite.begins("name tests failures errors id hostname")
                        || suite.begins("tests failures time name")
                }) && head.case.begins("name classname")))
    }

    fn repeats(&self) -> Repeats {
        Repeats::Attempts
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let mut identity = Identity::of(case, suites).outside(is_synthetic_of_go(&case.name));
        if let Some(package) = suites.last()
            && package.name.ends_with(case.class.as_str())
        {
            // old versions give the last element of the package only
            identity.class = Cow::Borrowed(&package.name);
        }
        identity
    }
}

/// Cases that stand for a package as a whole.
fn is_synthetic_of_go(name: &str) -> bool {
    name.starts_with('[') && name.ends_with(" failed]") || name == "Failure" || name == "Error"
}
