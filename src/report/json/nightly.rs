//! The nightly report, version 1. See `docs/json-v1.md`.

use serde::Serialize;

use super::flaky::{FlakyV1, flaky};
use crate::flaky::backtest::Backtest;
use crate::report::moment;
use crate::report::nightly::{Alarm, Cause, Nightly, Review};

/// The document of `tia report --format json`.
#[derive(Debug, Serialize)]
pub struct NightlyV1 {
    schema: &'static str,
    version: u32,
    project: Option<String>,
    branch: Option<String>,
    newest_run: Option<String>,
    headline: String,
    changed: ChangedV1,
    cost: CostV1,
    causes: Vec<CauseV1>,
    more_causes: usize,
    days: Vec<DayV1>,
    slower: Vec<SlowerV1>,
    quarantined: usize,
    review: Vec<Review>,
    alarms: Vec<Alarm>,
    backtest: Option<Backtest>,
    unknown: Vec<String>,
    flaky: FlakyV1,
}

#[derive(Debug, Serialize)]
struct ChangedV1 {
    since: Option<String>,
    runs: usize,
    newly_flaky: Vec<String>,
    worse: Vec<String>,
    broken: Vec<String>,
    newly_broken: Vec<String>,
    fixed: Vec<FixedV1>,
}

#[derive(Debug, Serialize)]
struct FixedV1 {
    test: String,
    was: &'static str,
}

#[derive(Debug, Serialize)]
struct CostV1 {
    failures_without_cause: f64,
    person_minutes: f64,
    rerun_minutes: f64,
}

#[derive(Debug, Serialize)]
struct CauseV1 {
    message: String,
    mostly: &'static str,
    failures: u32,
    tests: u32,
    parts: u32,
    flakes: f64,
    regressions: f64,
    outages: f64,
    examples: Vec<String>,
    last: String,
}

#[derive(Debug, Serialize)]
struct DayV1 {
    day: String,
    parts: u32,
    red: u32,
    ran: u64,
    flakes: f64,
    regressions: f64,
    outages: f64,
    rerun_minutes: f64,
}

#[derive(Debug, Serialize)]
struct SlowerV1 {
    test: String,
    before_seconds: f64,
    after_seconds: f64,
    q: f64,
}

/// The report.
pub fn nightly(report: &Nightly) -> NightlyV1 {
    let names = |rows: &[usize]| {
        let rows = rows.iter().filter_map(|at| report.row(*at));
        rows.map(crate::report::flaky::Row::name).collect()
    };
    let changed = &report.changed;
    let fixed = changed.fixed.iter().map(|(test, was)| FixedV1 {
        test: test.clone(),
        was,
    });
    let (failures_without_cause, person_minutes, rerun_minutes) = report.costs();
    NightlyV1 {
        schema: "tia.report",
        version: 1,
        project: report.project.clone(),
        branch: report.branch.clone(),
        newest_run: report.flaky.span.map(|_| moment::rfc3339(report.now)),
        headline: report.headline(),
        changed: ChangedV1 {
            since: changed.since.map(moment::rfc3339),
            runs: changed.runs,
            newly_flaky: names(&changed.new),
            worse: names(&changed.worse),
            broken: names(&changed.broken),
            newly_broken: names(&changed.newly_broken),
            fixed: fixed.collect(),
        },
        cost: CostV1 {
            failures_without_cause,
            person_minutes,
            rerun_minutes,
        },
        causes: report.causes.iter().map(cause).collect(),
        more_causes: report.more_causes,
        days: report
            .days
            .iter()
            .map(|day| DayV1 {
                day: moment::day(day.day),
                parts: day.parts,
                red: day.red,
                ran: day.ran,
                flakes: day.flakes,
                regressions: day.regressions,
                outages: day.outages,
                rerun_minutes: day.minutes,
            })
            .collect(),
        slower: report
            .slower
            .iter()
            .map(|slower| SlowerV1 {
                test: slower.test.clone(),
                before_seconds: slower.before.get(),
                after_seconds: slower.after.get(),
                q: slower.q,
            })
            .collect(),
        quarantined: report.quarantined,
        review: report.review.clone(),
        alarms: report.alarms.clone(),
        backtest: report.backtest.clone(),
        unknown: report.unknown.clone(),
        flaky: flaky(&report.flaky),
    }
}

fn cause(cause: &Cause) -> CauseV1 {
    CauseV1 {
        message: cause.message.clone(),
        mostly: cause.mostly(),
        failures: cause.failures,
        tests: cause.tests,
        parts: cause.parts,
        flakes: cause.flakes,
        regressions: cause.regressions,
        outages: cause.outages,
        examples: cause.examples.clone(),
        last: moment::rfc3339(cause.last),
    }
}

#[cfg(test)]
mod tests {
    use crate::report::nightly::testing;

    #[test]
    fn the_document_is_stable() {
        let document = super::nightly(&testing::nightly());
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    }
}
