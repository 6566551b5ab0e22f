//! What `tia db export --format junit` writes: plain JUnit, and where that cannot say all, the result as JSON beside it.
//!
//! The property [`PART`] of the suite holds what is known of the part, the attribute [`RESULT`] of a case its result. JSON
//! that cannot be read leaves what the elements say. The writer is `report::junit`.

use super::{Dialect, Identity, split_params};
use crate::junit::Report;
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;
use crate::model::{Part, TestResult};

/// The name of the root.
pub(in crate::junit) const ROOT: &str = "tia";
/// The property with the part.
pub(in crate::junit) const PART: &str = "tia.part";
/// The attribute with the result.
pub(in crate::junit) const RESULT: &[u8] = b"tia.result";

/// `tia`.
pub(super) struct Tia;

impl Dialect for Tia {
    fn name(&self) -> &'static str {
        "tia"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some_and(|root| root.name == ROOT)
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let mut identity = Identity::of(case, suites);
        let (name, params) = split_params(&case.name);
        identity.name = name.into();
        identity.params = params;
        // what was around tests was told from them when it was first read
        identity.is_outside = false;
        identity
    }

    fn repeats(&self) -> Repeats {
        Repeats::Attempts
    }

    fn adjust(&self, result: &mut TestResult, case: &RawCase) {
        if !case.json.is_empty()
            && let Ok(whole) = serde_json::from_str(&case.json)
        {
            *result = whole;
        }
    }
}

/// Takes over what is known of the part; `false` for JSON that says no such thing.
pub(in crate::junit) fn take_part(report: &mut Report, json: &str) -> bool {
    let Ok(part) = serde_json::from_str::<Part>(json) else {
        return false;
    };
    let known = super::ALL.iter().map(|dialect| dialect.name());
    let known = known.chain(["libtest-json", "go-json"]);
    if let Some(producer) = known.into_iter().find(|name| *name == part.producer) {
        report.producer = producer;
    }
    report.context = part.context;
    report.duration = part.duration;
    report.in_order = part.in_order;
    report.complete &= part.complete;
    report.errors_outside_tests = part.errors_outside_tests;
    report.sources = part.sources;
    report.says_when = true;
    true
}
