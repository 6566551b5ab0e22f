//! unittest-xml-reporting (`xmlrunner`) for Python's unittest: a suite per class, named with the time of the run, which is no part of
//! a test. Cases have a file and a line.

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `unittest-xml`.
pub(super) struct UnittestXml;

impl Dialect for UnittestXml {
    fn name(&self) -> &'static str {
        "unittest-xml"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.suite().is_some_and(|suite| {
            suite.name.rsplit_once('-').is_some_and(|(_, time)| {
                time.len() == 14 && time.bytes().all(|byte| byte.is_ascii_digit())
            })
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        Identity {
            suite: Vec::new(),
            ..Identity::of(case, suites)
        }
    }
}
