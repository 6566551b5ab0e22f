//! Mocha's own `xunit` reporter: one `testsuite` with a date of RFC 1123; the class is the parent's title.
//!
//! `errors` repeats `failures`. Pending tests are skipped.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `mocha-xunit`.
pub(super) struct MochaXunit;

impl Dialect for MochaXunit {
    fn name(&self) -> &'static str {
        "mocha-xunit"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.lone().is_some_and(|root| {
            root.timestamp.ends_with("GMT")
                && root.begins("name tests failures errors skipped timestamp time")
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }
}
