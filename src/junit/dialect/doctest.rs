//! doctest's (C++) JUnit reporter: the suite is the binary, the class a source file. `status` is always `run`.
//!
//! Several failures a case, `tests` counts assertions, skipped cases are not listed.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `doctest`.
pub(super) struct Doctest;

impl Dialect for Doctest {
    fn name(&self) -> &'static str {
        "doctest"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let is_source = |class: &str| {
            [".cpp", ".cc", ".cxx", ".h", ".hpp", ".mm"]
                .iter()
                .any(|end| class.ends_with(end))
        };
        head.many().is_some() && head.case.status == "run" && is_source(&head.case.class)
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn counts_cases(&self) -> bool {
        false
    }
}
