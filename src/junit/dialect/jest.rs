//! jest-junit: a suite per file or top-level `describe`. Name and class are `{classname} {title}` unless configured, so the class
//! alone tells little; both are kept as they are.
//!
//! Several failures a case, without a message attribute. A file that did not load shows only with an option, as a case named
//! `… Test suite failed to run`. Retries are hidden. Titles need not be unique.

use std::borrow::Cow;

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `jest`.
pub(super) struct Jest;

impl Dialect for Jest {
    fn name(&self) -> &'static str {
        "jest"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some_and(|root| root.name == "jest tests")
            || (head
                .many()
                .is_some_and(|root| root.begins("name tests failures errors time"))
                && head.suite().is_some_and(|suite| {
                    suite.begins("name errors failures skipped timestamp time tests")
                        || suite.begins("name errors failures skipped timestamp tests time")
                }))
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        const LOAD: &str = "Test suite failed to run";
        let is_outside = case.name.ends_with(LOAD) || case.class == LOAD;
        let mut identity = Identity::of(case, suites).outside(is_outside);
        if case.class == LOAD {
            // by another template the name is the file
            identity.class = Cow::Borrowed(&case.name);
        }
        identity
    }
}
