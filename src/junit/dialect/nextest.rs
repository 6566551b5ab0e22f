//! cargo-nextest, and others that write with quick-junit: `testsuites` with a uuid, a suite per test binary, the class is the
//! binary's id. Times have milliseconds and an offset.
//!
//! Retries are `flaky*` and `rerun*` children with their own time. Under stress a test comes once per round, in suites named
//! `binary@stress-0`; the rounds are attempts at one test. Set-up scripts are suites named `@setup-script:…`. Skipped tests
//! are not listed.

use std::borrow::Cow;

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `nextest`.
pub(super) struct Nextest;

impl Dialect for Nextest {
    fn name(&self) -> &'static str {
        "nextest"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let is_of_quick_junit =
            |attributes: &str| head.many().is_some_and(|root| root.begins(attributes));
        is_of_quick_junit("name tests failures errors uuid")
            || head.many().is_some_and(|root| root.name == "nextest-run")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Attempts
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let is_script = |name: &str| name.starts_with("@setup-script:");
        let is_outside = suites.iter().any(|suite| is_script(&suite.name));
        let mut identity = Identity::of(case, suites).outside(is_outside);
        if let Some((binary, _)) = case.class.split_once("@stress-") {
            identity.class = Cow::Borrowed(binary);
        }
        identity
    }
}
