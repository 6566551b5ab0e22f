//! Node's own test runner: cases directly under `testsuites`; a suite within is a `describe`. The class is always `test`, so the
//! suites and the name are the identity. A failing case repeats its message in an attribute `failure`.

use std::borrow::Cow;

use super::{Dialect, Identity, named};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `node`.
pub(super) struct Node;

impl Dialect for Node {
    fn name(&self) -> &'static str {
        "node"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some()
            && head.case.class == "test"
            && head.case.begins("name time classname")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        Identity {
            class: Cow::Borrowed(""),
            suite: named(suites),
            file: &case.file,
            ..Identity::of(case, suites)
        }
    }
}
