//! gotestsum's `--junitfile`: a suite per package with the property `go.version`. `--rerun-fails` writes a failed and a passed
//! case of one test, sorted by outcome: attempts whose order is lost.
//!
//! A package that failed outside of tests has a case named `TestMain`. The text of a skip holds the whole output.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `gotestsum`.
pub(super) struct Gotestsum;

impl Dialect for Gotestsum {
    fn name(&self) -> &'static str {
        "gotestsum"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let is_go = head
            .suites
            .iter()
            .any(|suite| suite.has_property("go.version"));
        is_go
            && head
                .many()
                .is_some_and(|root| root.begins("tests failures errors time"))
            && head
                .suite()
                .is_some_and(|suite| suite.begins("tests failures time name"))
    }

    fn repeats(&self) -> Repeats {
        Repeats::UnorderedAttempts
    }
}
