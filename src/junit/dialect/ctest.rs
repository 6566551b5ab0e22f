//! CTest's `--output-junit`: one `testsuite`, a case per test, class and name the same. `status` is `run`, `fail`, `disabled` or
//! `notrun`; a disabled test has no child.
//!
//! The message of a failure is its status alone; what the test said is in `system-out`. With `--repeat until-pass` the
//! earlier tries do not show. The order is that of the test list, not of execution with `-j`.

use std::borrow::Cow;

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `ctest`.
pub(super) struct CTest;

impl Dialect for CTest {
    fn name(&self) -> &'static str {
        "ctest"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let is_word = |word: &str| matches!(word, "run" | "fail" | "disabled" | "notrun");
        head.lone().is_some()
            && is_word(&head.case.status)
            && !head.case.has("result")
            && head.case.class == head.case.name
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        Identity {
            class: Cow::Borrowed(""),
            suite: Vec::new(),
            ..Identity::of(case, suites)
        }
    }
}
