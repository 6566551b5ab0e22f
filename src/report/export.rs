//! Single results as lines of CSV and JSON.

use std::io;

use serde::Serialize;

use super::moment;
use crate::model::{PastPart, Seconds, Status, TestResult};

/// The first line of the CSV.
const COLUMNS: [&str; 16] = [
    "part",
    "run",
    "start",
    "commit",
    "branch",
    "job",
    "file",
    "suite",
    "class",
    "name",
    "params",
    "variant",
    "status",
    "bad_attempts",
    "seconds",
    "message",
];

/// Writes results as CSV (RFC 4180), `heading` first where it is the first part.
///
/// # Errors
/// The writer's.
pub fn csv(
    part: &PastPart,
    results: &[TestResult],
    heading: bool,
    to: impl io::Write,
) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(to);
    if heading {
        out.write_record(COLUMNS)?;
    }
    let context = &part.context;
    for result in results {
        let test = &result.test;
        let suite: Vec<&str> = test.suite().collect();
        let message = result
            .failures
            .first()
            .map_or("", |failure| failure.message.as_str());
        out.write_record([
            part.part.0.to_string().as_str(),
            context.run_id.as_deref().unwrap_or_default(),
            &moment::rfc3339(part.start),
            context.commit.as_deref().unwrap_or_default(),
            context.branch.as_deref().unwrap_or_default(),
            context.job.as_deref().unwrap_or_default(),
            test.file(),
            &suite.join(" > "),
            test.class(),
            test.name(),
            test.params(),
            &variant(result),
            &result.status.letter().to_string(),
            &result.bad_attempts().to_string(),
            &result
                .duration
                .map_or_else(String::new, |it| format!("{:.6}", it.get())),
            message,
        ])?;
    }
    out.flush()
}

fn variant(result: &TestResult) -> String {
    result
        .variant
        .as_ref()
        .map_or_else(String::new, |variant| variant.to_string())
}

/// One line of the JSON export.
#[derive(Debug, Serialize)]
struct ResultV1<'a> {
    schema: &'static str,
    version: u32,
    part: i64,
    run: Option<&'a str>,
    start: String,
    commit: Option<&'a str>,
    branch: Option<&'a str>,
    job: Option<&'a str>,
    file: &'a str,
    suite: Vec<&'a str>,
    class: &'a str,
    name: &'a str,
    params: &'a str,
    variant: String,
    status: Status,
    seconds: Option<f64>,
    failures: &'a [crate::model::Failure],
    earlier: &'a [crate::model::Attempt],
}

/// Writes results as one JSON object a line, with all failures and attempts.
///
/// # Errors
/// The writer's.
pub fn jsonl(part: &PastPart, results: &[TestResult], mut to: impl io::Write) -> io::Result<()> {
    let context = &part.context;
    for result in results {
        let line = ResultV1 {
            schema: "tia.result",
            version: 1,
            part: part.part.0,
            run: context.run_id.as_deref(),
            start: moment::rfc3339(part.start),
            commit: context.commit.as_deref(),
            branch: context.branch.as_deref(),
            job: context.job.as_deref(),
            file: result.test.file(),
            suite: result.test.suite().collect(),
            class: result.test.class(),
            name: result.test.name(),
            params: result.test.params(),
            variant: variant(result),
            status: result.status,
            seconds: result.duration.map(Seconds::get),
            failures: &result.failures,
            earlier: &result.earlier,
        };
        serde_json::to_writer(&mut to, &line)?;
        to.write_all(b"\n")?;
    }
    Ok(())
}
