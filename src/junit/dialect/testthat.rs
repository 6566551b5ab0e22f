//! testthat's (R) JUnit reporter: a suite per context, names reduced to `[._A-Za-z0-9]`. One case for each expectation, so a test
//! that failed once and passed ten times in one execution is eleven cases: assertions, not attempts.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `testthat`.
pub(super) struct Testthat;

impl Dialect for Testthat {
    fn name(&self) -> &'static str {
        "testthat"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some()
            && head.suite().is_some_and(|suite| {
                suite.begins("name timestamp hostname tests skipped failures errors time")
            })
            && head.case.begins("time classname name")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Assertions
    }

    fn in_order(&self) -> bool {
        true
    }

    fn counts_cases(&self) -> bool {
        false
    }
}
