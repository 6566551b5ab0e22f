//! Who broke a test, version 1. See `docs/json-v1.md`.

use serde::Serialize;

use crate::report::culprit::{Origin, View};
use crate::triage::culprit::Outcome;

/// The document of `tia culprit --format json`.
#[derive(Debug, Serialize)]
pub struct CulpritV1<'a> {
    schema: &'static str,
    version: u32,
    test: &'a str,
    good: &'a str,
    bad: &'a str,
    /// `history` or `named`.
    range: &'static str,
    /// `culprit`, `among`, `no_culprit`, `broken_before` or `undecided`.
    outcome: &'static str,
    culprits: &'a [String],
    suspects: Vec<SuspectV1<'a>>,
    no_culprit: f64,
    flake_rate: f64,
    stored: usize,
    runs: u32,
    seconds: f64,
    /// Commits at which a run tells most.
    next: &'a [String],
}

#[derive(Debug, Serialize)]
struct SuspectV1<'a> {
    commit: &'a str,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    probability: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reaches: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<u32>,
    failed: u32,
    ran: u32,
    testable: bool,
}

/// The document. `next`: commits at which a run tells most.
pub fn culprit<'a>(view: &'a View, next: &'a [String]) -> CulpritV1<'a> {
    let suspects = view.suspects.iter().map(|one| {
        let (failed, ran) = view.at(&one.commit);
        SuspectV1 {
            commit: &one.commit,
            subject: &one.subject,
            author: one.author.as_deref(),
            probability: one.probability.get(),
            reaches: one.reaches,
            distance: one.distance,
            failed,
            ran,
            testable: !view.untestable.contains(&one.commit),
        }
    });
    CulpritV1 {
        schema: "tia.culprit",
        version: 1,
        test: &view.test,
        good: &view.good,
        bad: &view.bad,
        range: match view.origin {
            Origin::History => "history",
            Origin::Named => "named",
        },
        outcome: match view.outcome {
            Outcome::Culprit(_) => "culprit",
            Outcome::Among(_) => "among",
            Outcome::NoCulprit => "no_culprit",
            Outcome::BrokenBefore => "broken_before",
            Outcome::Undecided => "undecided",
        },
        culprits: &view.named,
        suspects: suspects.collect(),
        no_culprit: view.none.get(),
        flake_rate: view.flake_rate.get(),
        stored: view.stored,
        runs: view.runs,
        seconds: view.seconds,
        next,
    }
}
