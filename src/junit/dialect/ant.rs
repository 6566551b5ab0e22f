//! Ant's `junitreport`, and runners that write as it does: one `testsuite` per class with host and properties.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `ant`.
pub(super) struct Ant;

impl Dialect for Ant {
    fn name(&self) -> &'static str {
        "ant"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.lone().is_some_and(|root| {
            root.has_property("ant.")
                || root.begins("errors failures hostname name skipped tests time timestamp")
                || root.begins("errors failures hostname name tests time timestamp")
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn groups_thousands(&self) -> bool {
        true
    }
}
