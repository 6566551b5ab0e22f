//! rspec_junit_formatter: one `testsuite` named `rspec`, followed by the number of the parallel worker, which is no part of a
//! test. The class comes from the file's path, the name is the full description; equal descriptions are usual.
//!
//! Errors outside of examples are only in the count of errors.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `rspec`.
pub(super) struct RSpec;

impl Dialect for RSpec {
    fn name(&self) -> &'static str {
        "rspec"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.lone().is_some_and(|root| {
            root.name
                .strip_prefix("rspec")
                .is_some_and(|worker| worker.bytes().all(|byte| byte.is_ascii_digit()))
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn counts_errors_outside(&self) -> bool {
        true
    }
}
