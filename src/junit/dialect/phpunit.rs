//! PHPUnit: suites three to four deep, a data provider is a suite of its own, the name has `with data set #0`. `classname` has dots
//! where `class` has backslashes; a file and a line beside.
//!
//! The counts of a suite include those of its children. Incomplete and risky tests are skipped without a text.

use std::borrow::Cow;

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `phpunit`.
pub(super) struct PhpUnit;

impl Dialect for PhpUnit {
    fn name(&self) -> &'static str {
        "phpunit"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.case.has("assertions")
            && (head.case.has("class") || head.case.file.ends_with(".php"))
            && !head.case.attributes.is_empty()
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let mut identity = Identity::of(case, suites);
        if let Some((name, params)) = case.name.split_once(" with data set ") {
            identity.name = Cow::Borrowed(name);
            identity.params = params;
        }
        identity
    }
}
