//! Cucumber's JUnit formatter (all languages): one `testsuite` named `Cucumber`; the class is the feature, the name the scenario,
//! with the row of the example. Pending, undefined and ambiguous steps are failures; the list of steps is in `system-out`.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `cucumber`.
pub(super) struct Cucumber;

impl Dialect for Cucumber {
    fn name(&self) -> &'static str {
        "cucumber"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.lone()
            .is_some_and(|root| root.name == "Cucumber" || root.name.starts_with("Cucumber."))
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }
}
