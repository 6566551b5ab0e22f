//! Gradle's test task: one `testsuite` per class. By default the tries of a retried test are cases of one name, in order; with
//! `mergeReruns` they are `flaky*` and `rerun*` children. Rows of a parametrized test may lose the method's name.
//!
//! Names often end with `()`. Output is at the suite unless `outputPerTestCase` is set.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `gradle`.
pub(super) struct Gradle;

impl Dialect for Gradle {
    fn name(&self) -> &'static str {
        "gradle"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.lone().is_some_and(|root| {
            root.begins("name tests skipped failures errors timestamp hostname time")
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Unknown
    }

    fn in_order(&self) -> bool {
        true
    }
}
