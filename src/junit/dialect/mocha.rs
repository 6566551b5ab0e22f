//! mocha-junit-reporter, for Cypress too: `testsuites` named `Mocha Tests`, a flat suite per `describe`, `Root Suite` with the file.
//! The name is the full title and the class the title, or the other way round.
//!
//! A hook that failed is a case named `… "before each" hook …`. Pending tests are left out, retries hidden. Specs overwrite
//! each other's file without `[hash]`.

use std::borrow::Cow;

use super::{Dialect, Identity, named};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `mocha`.
pub(super) struct Mocha;

impl Dialect for Mocha {
    fn name(&self) -> &'static str {
        "mocha"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some_and(|root| root.name == "Mocha Tests")
            || (head.many().is_some()
                && head
                    .suite()
                    .is_some_and(|suite| suite.name.starts_with("Root Suite")))
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let is_hook = ["before each", "after each", "before all", "after all"]
            .iter()
            .any(|hook| case.name.contains(&format!("\"{hook}\" hook")));
        let suite = if is_hook { named(suites) } else { Vec::new() };
        let mut identity = Identity::of(case, suites).outside(is_hook);
        if is_hook {
            // the class holds the title of whichever test came next
            identity.class = Cow::Borrowed("");
        }
        if identity.suite.is_empty() {
            identity.suite = suite;
        }
        identity
    }
}
