//! Playwright's `junit` reporter: a suite per file and project; `hostname` is the project (browser), so it is the variant. The
//! class is the file, the name `describe › test`.
//!
//! Retries are hidden unless `includeRetries` is set, which writes `flaky*` and `rerun*`; the time is the sum of all tries.

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `playwright`.
pub(super) struct Playwright;

impl Dialect for Playwright {
    fn name(&self) -> &'static str {
        "playwright"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many()
            .is_some_and(|root| root.begins("id name tests failures skipped errors time"))
            && head.suite().is_some_and(|suite| {
                suite.begins("name timestamp hostname tests failures skipped time errors")
            })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn hostname_is_host(&self) -> bool {
        false
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let mut identity = Identity::of(case, suites);
        if let Some(suite) = suites.last()
            && !suite.hostname.is_empty()
        {
            identity.variant.push(("project", &suite.hostname));
        }
        identity
    }
}
