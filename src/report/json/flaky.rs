//! Flaky tests, version 1. See `docs/json-v1.md`.

use serde::Serialize;

use crate::flaky::MODEL_VERSION;
use crate::flaky::association::{Experiment, Finding, Kind};
use crate::report::flaky::backtest::Replayed;
use crate::report::flaky::story::Story;
use crate::report::flaky::{BrokenNow, Called, People, Place, Row, View};
use crate::report::moment;

/// The document of `tia flaky --format json`.
#[derive(Debug, Serialize)]
pub struct FlakyV1 {
    schema: &'static str,
    version: u32,
    model_version: u32,
    from: Option<String>,
    to: Option<String>,
    parts: usize,
    outages: usize,
    tests: usize,
    failing: usize,
    people: People,
    notes: Vec<String>,
    rows: Vec<RowV1>,
}

/// A test that failed.
#[derive(Debug, Serialize)]
pub struct RowV1 {
    test: String,
    variant: String,
    file: Option<String>,
    owners: Vec<String>,
    called: Called,
    cost_minutes: f64,
    ran: u32,
    failed: u32,
    without_cause: f64,
    people: u32,
    rerun_seconds: Option<f64>,
    flaked: f64,
    flaky: f64,
    rate: RateV1,
    broken: Option<BrokenV1>,
    findings: Vec<FindingV1>,
}

/// A finding without the numbers that series have in one assessment only.
#[derive(Debug, Serialize)]
struct FindingV1 {
    kind: Kind,
    factor: String,
    share_with: f64,
    share_without: f64,
    failures: u32,
    passes: u32,
    p: f64,
    q: f64,
    sentence: String,
    experiment: Experiment,
}

impl From<&Finding> for FindingV1 {
    fn from(finding: &Finding) -> Self {
        Self {
            kind: finding.kind,
            factor: finding.factor.clone(),
            share_with: finding.share_with,
            share_without: finding.share_without,
            failures: finding.failures,
            passes: finding.passes,
            p: finding.p,
            q: finding.q,
            sentence: finding.sentence.clone(),
            experiment: finding.experiment.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
struct RateV1 {
    mean: f64,
    low: f64,
    high: f64,
}

#[derive(Debug, Serialize)]
struct BrokenV1 {
    branch: Option<String>,
    now: f64,
    after: Option<PlaceV1>,
    by: Option<PlaceV1>,
}

#[derive(Debug, Serialize)]
struct PlaceV1 {
    commit: Option<String>,
    start: String,
}

/// The document of `tia flaky TEST --format json`.
#[derive(Debug, Serialize)]
pub struct StoryV1 {
    schema: &'static str,
    version: u32,
    model_version: u32,
    test: String,
    results: usize,
    people: People,
    rows: Vec<RowV1>,
    failures: Vec<FailureV1>,
}

#[derive(Debug, Serialize)]
struct FailureV1 {
    at: PlaceV1,
    branch: Option<String>,
    variant: String,
    passed_in_the_end: bool,
    regression: Option<f64>,
    flake: Option<f64>,
    outage: Option<f64>,
    broke_here: Option<f64>,
    unreachable: bool,
    message: String,
}

/// The ranked table.
pub fn flaky(view: &View) -> FlakyV1 {
    FlakyV1 {
        schema: "tia.flaky",
        version: 1,
        model_version: MODEL_VERSION,
        from: view.span.map(|(from, _)| moment::rfc3339(from)),
        to: view.span.map(|(_, to)| moment::rfc3339(to)),
        parts: view.parts,
        outages: view.outages,
        tests: view.tests,
        failing: view.failing,
        people: view.people,
        notes: view.notes.clone(),
        rows: view.rows.iter().map(row).collect(),
    }
}

/// One row.
pub fn row(row: &Row) -> RowV1 {
    RowV1 {
        test: row.test.to_string(),
        variant: row.variant.to_string(),
        file: row.file.clone(),
        owners: row.owners.clone(),
        called: row.called(),
        cost_minutes: row.cost(),
        ran: row.ran,
        failed: row.failed,
        without_cause: row.without_cause,
        people: row.people,
        rerun_seconds: row.rerun.map(crate::model::Seconds::get),
        flaked: row.flaked.get(),
        flaky: row.flaky.get(),
        rate: RateV1 {
            mean: row.rate.mean.get(),
            low: row.rate.low.get(),
            high: row.rate.high.get(),
        },
        broken: row.broken.as_ref().map(broken),
        findings: row.findings.iter().map(FindingV1::from).collect(),
    }
}

fn broken(broken: &BrokenNow) -> BrokenV1 {
    BrokenV1 {
        branch: broken.branch.clone(),
        now: broken.now.get(),
        after: broken.after.as_ref().map(place),
        by: broken.by.as_ref().map(place),
    }
}

fn place(place: &Place) -> PlaceV1 {
    PlaceV1 {
        commit: place.commit.clone(),
        start: moment::rfc3339(place.start),
    }
}

/// One test's story.
pub fn story(story: &Story<'_>) -> StoryV1 {
    let failures = story.failures.iter().map(|told| FailureV1 {
        at: place(&told.place),
        branch: told.branch.clone(),
        variant: told.variant.to_string(),
        passed_in_the_end: !told.status.is_bad(),
        regression: told.cause.map(|cause| cause.regression.get()),
        flake: told.cause.map(|cause| cause.flake.get()),
        outage: told.cause.map(|cause| cause.outage.get()),
        broke_here: told.cause.map(|cause| cause.broke_here.get()),
        unreachable: told.cause.is_some_and(|cause| cause.unreachable),
        message: told.message.clone(),
    });
    StoryV1 {
        schema: "tia.flaky.test",
        version: 1,
        model_version: MODEL_VERSION,
        test: story.test.to_string(),
        results: story.outcomes.len(),
        people: story.people,
        rows: story.rows.iter().map(row).collect(),
        failures: failures.collect(),
    }
}

/// The document of `tia flaky --backtest --format json`.
#[derive(Debug, Serialize)]
pub struct BacktestV1 {
    schema: &'static str,
    version: u32,
    model_version: u32,
    judged_parts: u32,
    passed_over: u32,
    flakes: u32,
    regressions: u32,
    undecided: u32,
    brier: Option<f64>,
    thresholds: Vec<ThresholdV1>,
    reliability: Vec<BinV1>,
    flags: Vec<FlagV1>,
}

#[derive(Debug, Serialize)]
struct ThresholdV1 {
    at: f64,
    flakes_called: u32,
    regressions_called: u32,
    flakes_missed: u32,
    precision: Option<f64>,
    recall: Option<f64>,
}

#[derive(Debug, Serialize)]
struct BinV1 {
    from: f64,
    to: f64,
    failures: u32,
    said: f64,
    were: f64,
}

#[derive(Debug, Serialize)]
struct FlagV1 {
    test: String,
    at: Option<PlaceV1>,
    failures_known: u32,
    flakes: u32,
    regressions: u32,
}

/// A replay.
pub fn backtest(replayed: &Replayed<'_>) -> BacktestV1 {
    let test = replayed.test;
    BacktestV1 {
        schema: "tia.flaky.backtest",
        version: 1,
        model_version: MODEL_VERSION,
        judged_parts: test.judged_parts,
        passed_over: test.passed_over,
        flakes: test.flakes,
        regressions: test.regressions,
        undecided: test.undecided,
        brier: test.brier,
        thresholds: test
            .thresholds
            .iter()
            .map(|at| ThresholdV1 {
                at: at.at,
                flakes_called: at.right,
                regressions_called: at.wrong,
                flakes_missed: at.missed,
                precision: at.precision(),
                recall: at.recall(),
            })
            .collect(),
        reliability: test
            .reliability
            .iter()
            .map(|bin| BinV1 {
                from: bin.from,
                to: bin.to,
                failures: bin.failures,
                said: bin.said,
                were: bin.were,
            })
            .collect(),
        flags: test
            .flags
            .iter()
            .map(|flag| FlagV1 {
                test: replayed.name(flag).to_owned(),
                at: replayed.place(flag).as_ref().map(place),
                failures_known: flag.failures,
                flakes: flag.flakes,
                regressions: flag.regressions,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::report::flaky::testing;

    #[test]
    fn the_document_is_stable() {
        let document = super::flaky(&testing::view());
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
    }
}
