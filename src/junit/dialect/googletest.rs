//! GoogleTest's `--gtest_output=xml`, and what imitates it: `testsuites` named `AllTests`, a suite per class. `status` is `run` or
//! `notrun`, `result` is `completed`, `skipped` or `suppressed`; a disabled test has no child and a time of 1970.
//!
//! Several failures a case. A failure of an environment is a case with an empty name. `--gtest_repeat` overwrites the file.
//! Value parameters are in the name by their index, `Test/0`, and in an attribute by their value, which may hold addresses.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `googletest`.
pub(super) struct GoogleTest;

impl Dialect for GoogleTest {
    fn name(&self) -> &'static str {
        "googletest"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let is_word = |word: &str| matches!(word, "run" | "notrun" | "disabled");
        head.many().is_some_and(|root| root.name == "AllTests")
            || (is_word(&head.case.status) && head.case.has("result"))
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }
}
