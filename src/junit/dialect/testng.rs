//! TestNG's own JUnit reports: a suite per class; class and method, the parameters are lost, so rows of data share an id. The
//! timestamp has a `Z` on local time. A retried try is a skipped case before the one that counts.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `testng`.
pub(super) struct TestNg;

impl Dialect for TestNg {
    fn name(&self) -> &'static str {
        "testng"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.lone().is_some_and(|root| {
            root.begins("hostname failures tests name time errors timestamp")
                || root.begins("hostname ignored name tests failures timestamp time errors")
                || root.begins("ignored hostname failures tests name time errors timestamp")
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }
}
