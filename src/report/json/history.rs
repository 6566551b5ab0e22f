//! What was ingested, and the past of tests and runs, version 1. See `docs/json-v1.md`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{PastPart, Seen, Status, TestId};
use crate::report::history::{Outcome, Told};
use crate::report::moment;

/// The document of `tia ingest --format json`.
#[derive(Debug, Serialize)]
pub struct IngestV1 {
    /// Always `tia.ingest`.
    pub schema: &'static str,
    /// Always 1.
    pub version: u32,
    /// Reports that were read.
    pub read: usize,
    /// Reports that were stored before.
    pub known: usize,
    /// Reports that could not be used.
    pub refused: usize,
    /// The parts that were stored.
    pub parts: Vec<StoredV1>,
    /// Reports with something to say about them; with `--check`, all.
    pub reports: Vec<ReportV1>,
}

/// A part that was stored.
#[derive(Debug, Serialize)]
pub struct StoredV1 {
    /// Its number in this store.
    pub part: i64,
    /// When it began, where a report says so.
    pub start: Option<String>,
    /// Commit, branch, job, machine, by OpenTelemetry's names.
    pub attributes: BTreeMap<String, String>,
    /// Who wrote the reports.
    pub producer: String,
    /// How many reports it was read from.
    pub reports: usize,
    /// Results by outcome.
    pub results: CountsV1,
    /// Errors that belong to no test.
    pub errors_outside_tests: u32,
    /// No report was cut off.
    pub complete: bool,
}

/// Results by outcome.
#[derive(Debug, Serialize)]
pub struct CountsV1 {
    /// Passed in the end, those of `flaky` included.
    pub passed: u64,
    /// An assertion did not hold.
    pub failed: u64,
    /// Broke in another way.
    pub errored: u64,
    /// Left out.
    pub skipped: u64,
    /// Switched off.
    pub disabled: u64,
    /// Passed after a bad attempt.
    pub flaky: u64,
}

/// A report and what became of it.
#[derive(Debug, Serialize)]
pub struct ReportV1 {
    /// Its name.
    pub name: String,
    /// `read`, `known`, `no_report` or `refused`.
    pub fate: &'static str,
    /// Who wrote it, where it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<&'static str>,
    /// How many results it holds, where it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<usize>,
    /// It was not cut off.
    pub complete: bool,
    /// Why it was left out or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its oddities.
    pub issues: Vec<IssueV1>,
}

/// One oddity of a report.
#[derive(Debug, Serialize)]
pub struct IssueV1 {
    /// `accepted`, `repaired` or `rejected`.
    pub level: &'static str,
    /// Line, column and path of elements.
    pub place: String,
    /// What it was and what was done about it.
    pub text: String,
}

/// The document of `tia history TEST --format json`.
#[derive(Debug, Serialize)]
pub struct TestHistoryV1 {
    schema: &'static str,
    version: u32,
    test: TestV1,
    results: Vec<ResultV1>,
    failures: Vec<FailureV1>,
}

/// A test by its parts.
#[derive(Debug, Serialize)]
pub struct TestV1 {
    id: String,
    file: String,
    suite: Vec<String>,
    class: String,
    name: String,
    params: String,
}

#[derive(Debug, Serialize)]
struct ResultV1 {
    part: i64,
    start: String,
    commit: Option<String>,
    branch: Option<String>,
    variant: String,
    status: Status,
    bad_attempts: u8,
    seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct FailureV1 {
    part: i64,
    test: String,
    status: Status,
    message: String,
}

/// The document of `tia history --format json`, with or without one part's failures.
#[derive(Debug, Serialize)]
pub struct PartsV1 {
    schema: &'static str,
    version: u32,
    parts: Vec<PartV1>,
    failures: Vec<FailureV1>,
}

#[derive(Debug, Serialize)]
struct PartV1 {
    part: i64,
    run: i64,
    start: String,
    seconds: Option<f64>,
    ran: u32,
    bad: u32,
    flaky: u32,
    complete: bool,
    attributes: BTreeMap<String, String>,
}

/// One test's past.
pub fn test(test: &TestId, outcomes: &[Outcome<'_>], told: &[Told<'_>]) -> TestHistoryV1 {
    let result = |outcome: &Outcome<'_>| {
        let Seen {
            status,
            bad_attempts,
            duration,
            ..
        } = outcome.seen;
        ResultV1 {
            part: outcome.part.part.0,
            start: moment::rfc3339(outcome.part.start),
            commit: outcome.part.context.commit.clone(),
            branch: outcome.part.context.branch.clone(),
            variant: outcome.variant.to_string(),
            status,
            bad_attempts,
            seconds: duration.seconds().map(crate::model::Seconds::get),
        }
    };
    TestHistoryV1 {
        schema: "tia.history.test",
        version: 1,
        test: TestV1 {
            id: test.to_string(),
            file: test.file().to_owned(),
            suite: test.suite().map(str::to_owned).collect(),
            class: test.class().to_owned(),
            name: test.name().to_owned(),
            params: test.params().to_owned(),
        },
        results: outcomes.iter().map(result).collect(),
        failures: failures(told),
    }
}

/// Parts of runs, and failures in them.
pub fn parts(parts: &[PastPart], told: &[Told<'_>]) -> PartsV1 {
    let part = |part: &PastPart| PartV1 {
        part: part.part.0,
        run: part.run.0,
        start: moment::rfc3339(part.start),
        seconds: part.duration.map(crate::model::Seconds::get),
        ran: part.ran,
        bad: part.bad,
        flaky: part.flaky,
        complete: part.complete,
        attributes: owned(part.context.all()),
    };
    PartsV1 {
        schema: "tia.history.parts",
        version: 1,
        parts: parts.iter().map(part).collect(),
        failures: failures(told),
    }
}

/// Attributes with names of their own.
pub fn owned(attributes: BTreeMap<&str, String>) -> BTreeMap<String, String> {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn failures(told: &[Told<'_>]) -> Vec<FailureV1> {
    told.iter()
        .map(|told| FailureV1 {
            part: told.part.part.0,
            test: told.test.to_string(),
            status: told.status,
            message: told.message.to_owned(),
        })
        .collect()
}
