//! SonarQube's generic test execution format, which Karma and others write: `testExecutions` or `unitTest`, a `file` with `testCase`
//! elements, whose `duration` is in milliseconds.

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `sonar`.
pub(super) struct Sonar;

impl Dialect for Sonar {
    fn name(&self) -> &'static str {
        "sonar"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some_and(|root| root.has("version")) && head.case.has("duration")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let file = suites.last().map_or("", |suite| suite.name.as_str());
        Identity {
            file,
            suite: Vec::new(),
            ..Identity::of(case, suites)
        }
    }
}
