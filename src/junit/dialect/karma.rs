//! karma-junit-reporter: one `testsuite` per browser. The class begins with the browser and its version, which the name of the
//! suite repeats: it goes to the variant without the version, so that an update of the browser begins no new history.
//!
//! Several failures a case with an empty type; the console is dumped at the suite.

use std::borrow::Cow;

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `karma`.
pub(super) struct Karma;

impl Dialect for Karma {
    fn name(&self) -> &'static str {
        "karma"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.suite().is_some_and(|suite| {
            suite.begins("name package timestamp id hostname tests errors failures time")
                || suite.has_property("browser.fullName")
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let mut identity = Identity::of(case, suites);
        let Some(suite) = suites.last() else {
            return identity;
        };
        let full = suite.name.as_str();
        let browser = full.split(' ').next().unwrap_or(full);
        if !browser.is_empty() {
            identity.variant.push(("browser", browser));
        }
        // dots and spaces of the browser are underscores in the class
        let same = |a: u8, b: u8| a == b || (!a.is_ascii_alphanumeric() && b == b'_');
        let length = full.len();
        if let Some(start) = case.class.as_bytes().get(..length)
            && full
                .bytes()
                .zip(start.iter().copied())
                .all(|(a, b)| same(a, b))
            && let Some(rest) = case.class.get(length..)
        {
            identity.class = Cow::Borrowed(rest.trim_start_matches(['.', ' ', '_']));
        }
        identity
    }
}
