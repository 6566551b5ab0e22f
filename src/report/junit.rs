//! Parts of runs as JUnit XML, written with quick-junit.
//!
//! Every consumer of JUnit finds what it knows: cases, durations, failures, `flakyFailure` and `rerunFailure`. Where
//! these cannot say all (several failures in one attempt, unknown order of attempts, names with control characters), the
//! case also carries the whole result as JSON in [`RESULT`], and the suite what is known of the part in [`PART`]:
//! `tia ingest` reads back exactly what was written.

use std::io;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite, XmlString,
};

use crate::model::{Attempt, Failure, LogSeconds, Part, Seconds, Status, TestResult, Timestamp};

/// The name of the root element.
pub const ROOT: &str = "tia";
/// The property of the suite that holds the part without its results, as JSON.
pub const PART: &str = "tia.part";
/// The attribute of a case that holds its result as JSON.
pub const RESULT: &str = "tia.result";

/// Longer attributes would be cut when they are read.
const LONGEST: usize = 60_000;

/// Writes a part as one report.
///
/// Cost: the report is held in memory as a whole, a few hundred bytes a result.
///
/// # Errors
/// The writer's.
pub fn part(part: &Part, to: impl io::Write) -> io::Result<()> {
    let mut report = Report::new(ROOT);
    let mut suite = TestSuite::new(part.producer.as_str());
    if let Some(start) = part.context.start.and_then(moment) {
        suite.set_timestamp(start);
        report.set_timestamp(start);
    }
    if let Some(duration) = part.duration {
        suite.set_time(time(duration));
        report.set_time(time(duration));
    }
    suite.add_property((PART, header(part)?.as_str()));
    for (name, value) in part.context.all() {
        suite.add_property((name, value.as_str()));
    }
    for result in &part.results {
        suite.add_test_case(case(result)?);
    }
    report.add_test_suite(suite);
    report.serialize(to).map_err(io::Error::other)
}

/// The part without its results; without the names of its reports, too, where they are too many for an attribute.
fn header(part: &Part) -> io::Result<String> {
    let mut header = part.header();
    let mut json = serde_json::to_string(&header)?;
    if json.len() > LONGEST {
        header.sources.clear();
        json = serde_json::to_string(&header)?;
    }
    Ok(json)
}

fn case(result: &TestResult) -> io::Result<TestCase> {
    let attempts: Vec<Attempt> = result
        .earlier
        .iter()
        .cloned()
        .chain([last(result)])
        .collect();
    let (first, later) = match result.status {
        // the first failure is the case's own, what came after are reruns
        Status::Failed | Status::Errored => (&attempts[0], &attempts[1..]),
        _ => (
            &attempts[attempts.len() - 1],
            &attempts[..attempts.len() - 1],
        ),
    };
    let mut status = match first.status {
        Status::Passed => TestCaseStatus::success(),
        Status::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Errored => TestCaseStatus::non_success(NonSuccessKind::Error),
        Status::Skipped | Status::Disabled => TestCaseStatus::skipped(),
    };
    if let Some(failure) = first.failures.first() {
        status.set_message(failure.message.as_str());
        if !failure.kind.is_empty() {
            status.set_type(failure.kind.as_str());
        }
        if !failure.stack.is_empty() {
            status.set_description(failure.stack.as_str());
        }
    }
    if result.status.is_bad() {
        status.set_rerun_kind(FlakyOrRerun::Rerun);
    }
    if !matches!(result.status, Status::Skipped | Status::Disabled) {
        for attempt in later.iter().filter(|attempt| attempt.status.is_bad()) {
            status.add_rerun(rerun(attempt));
        }
    }
    let test = &result.test;
    let mut name = test.name().to_owned();
    if !test.params().is_empty() {
        name = format!("{name}[{}]", test.params());
    }
    let mut case = TestCase::new(name, status);
    if !test.class().is_empty() {
        case.set_classname(test.class());
    }
    if let Some(duration) = result.duration {
        case.set_time(time(duration));
    }
    if let Some(start) = result.start.and_then(moment) {
        case.set_timestamp(start);
    }
    let mut extra = |name: &str, value: &str| {
        case.extra
            .insert(XmlString::new(name), XmlString::new(value));
    };
    if !test.file().is_empty() {
        extra("file", test.file());
    }
    if result.status == Status::Disabled {
        extra("status", "disabled");
    }
    if !is_plain(result) {
        extra(RESULT, &serde_json::to_string(result)?);
    }
    Ok(case)
}

/// Whether the elements alone are read back as this result.
fn is_plain(result: &TestResult) -> bool {
    let test = &result.test;
    let is_safe = |text: &str| !text.chars().any(char::is_control) && text.trim() == text;
    result.earlier.is_empty()
        && !result.unordered
        && result.variant.is_none()
        && result.start.is_none()
        && is_kept(result.duration)
        && result.status != Status::Disabled
        && result.failures.len() == usize::from(result.status.is_bad())
        && test.file().is_empty()
        && test.suite().next().is_none()
        && !test.class().is_empty()
        && !test.name().is_empty()
        && !test.name().contains(['[', ']', '('])
        && [test.class(), test.name(), test.params()]
            .iter()
            .all(|text| is_safe(text))
}

/// Whether a duration survives being written in milliseconds.
fn is_kept(duration: Option<Seconds>) -> bool {
    let written = duration.and_then(|it| Seconds::new((it.get() * 1000.0).round() / 1000.0));
    LogSeconds::of(written) == LogSeconds::of(duration)
}

fn last(result: &TestResult) -> Attempt {
    Attempt {
        status: result.status,
        duration: result.duration,
        start: result.start,
        failures: result.failures.clone(),
    }
}

fn rerun(attempt: &Attempt) -> TestRerun {
    let kind = match attempt.status {
        Status::Errored => NonSuccessKind::Error,
        _ => NonSuccessKind::Failure,
    };
    let mut rerun = TestRerun::new(kind);
    if let Some(duration) = attempt.duration {
        rerun.set_time(time(duration));
    }
    if let Some(start) = attempt.start.and_then(moment) {
        rerun.set_timestamp(start);
    }
    if let Some(Failure {
        kind,
        message,
        stack,
    }) = attempt.failures.first()
    {
        rerun.set_message(message.as_str());
        rerun.set_type(kind.as_str());
        rerun.set_stack_trace(stack.as_str());
    }
    rerun
}

fn time(duration: Seconds) -> Duration {
    Duration::try_from_secs_f64(duration.get()).unwrap_or(Duration::MAX)
}

fn moment(moment: Timestamp) -> Option<DateTime<FixedOffset>> {
    DateTime::from_timestamp_millis(moment.0).map(|moment| moment.fixed_offset())
}
