//! minitest-ci: one `testsuite` per class; cases have a file and assertions and no class, so the suite is the class.

use std::borrow::Cow;

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `minitest`.
pub(super) struct Minitest;

impl Dialect for Minitest {
    fn name(&self) -> &'static str {
        "minitest"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.lone().is_some_and(|root| root.has("assertions"))
            && head.case.has("assertions")
            && head.case.has("file")
            && !head.case.has_class
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let class = suites.last().map_or("", |suite| suite.name.as_str());
        Identity {
            class: Cow::Borrowed(class),
            suite: Vec::new(),
            ..Identity::of(case, suites)
        }
    }
}
