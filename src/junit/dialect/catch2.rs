//! Catch2's JUnit reporter: the suite is the binary, with `hostname="tbd"`; a case for each path of sections, class
//! `binary.global`. `status` is always `run`.
//!
//! `tests` counts assertions. A case with both `skipped` and `failure` may fail (`[!mayfail]`) and did: that is an expected
//! failure, not a red one. The class begins with the name of the binary, which is part of what is tested, so it stays.

use super::Dialect;
use crate::junit::raw::{Head, RawCase};
use crate::junit::repeats::Repeats;
use crate::model::{Status, TestResult};

/// `catch2`.
pub(super) struct Catch2;

impl Dialect for Catch2 {
    fn name(&self) -> &'static str {
        "catch2"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.suites.iter().any(|suite| suite.hostname == "tbd")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn counts_cases(&self) -> bool {
        false
    }

    fn hostname_is_host(&self) -> bool {
        false
    }

    fn adjust(&self, result: &mut TestResult, case: &RawCase) {
        if result.status.is_bad() && case.is_skipped {
            result.status = Status::Skipped;
        }
    }
}
