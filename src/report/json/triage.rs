//! Version 1 of what `tia gate` and `tia triage` print.

use serde::Serialize;

use super::super::flaky::Place;
use super::super::moment;
use super::super::triage::{Cause, Failure, View, table, words};
use crate::triage::gate::{Block, Ruling};
use crate::triage::verdict::{Advice, Alarm, Chances, Reach, Verdict};

/// A run with the causes of its failures.
#[derive(Debug, Serialize)]
pub struct TriageV1 {
    schema: &'static str,
    version: u32,
    run: RunV1,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<GateV1>,
    causes: Vec<CauseV1>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RunV1 {
    id: Option<String>,
    commit: Option<String>,
    branch: Option<String>,
    start: Option<String>,
    runs: usize,
    parts: usize,
    ran: u64,
    bad: u64,
    /// Parts of earlier runs that it was compared with.
    history: usize,
}

#[derive(Debug, Serialize)]
struct GateV1 {
    passes: bool,
    answer: String,
    blocks: Vec<Block>,
    warnings: Vec<Block>,
    missing: Vec<String>,
    unreadable: Vec<UnreadableV1>,
}

#[derive(Debug, Serialize)]
struct UnreadableV1 {
    name: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct CauseV1 {
    id: String,
    title: String,
    verdict: Verdict,
    before: Option<BeforeV1>,
    last_good: Option<PlaceV1>,
    first_bad: Option<PlaceV1>,
    suspects: Vec<SuspectV1>,
    reproduce: Option<String>,
    revert: Option<String>,
    failures: Vec<FailureV1>,
}

#[derive(Debug, Serialize)]
struct BeforeV1 {
    failures: u32,
    tests: u32,
    first: PlaceV1,
}

#[derive(Debug, Serialize)]
struct PlaceV1 {
    commit: Option<String>,
    start: String,
}

#[derive(Debug, Serialize)]
struct SuspectV1 {
    commit: String,
    subject: String,
    author: String,
    probability: f64,
}

#[derive(Debug, Serialize)]
struct FailureV1 {
    test: String,
    variant: String,
    file: Option<String>,
    owners: Vec<String>,
    job: Option<String>,
    verdict: Verdict,
    probabilities: Chances,
    recovered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ruling: Option<Ruling>,
    reach: Reach,
    evidence: Vec<String>,
    alarms: Vec<Alarm>,
    advice: Advice,
    message: String,
}

/// The document, under the name of the command that prints it.
pub fn triage(view: &View) -> TriageV1 {
    let run = &view.run;
    TriageV1 {
        schema: if view.gate.is_some() {
            "tia.gate"
        } else {
            "tia.triage"
        },
        version: 1,
        run: RunV1 {
            id: run.id.clone(),
            commit: run.place.as_ref().and_then(|place| place.commit.clone()),
            branch: run.branch.clone(),
            start: run.place.as_ref().map(|place| moment::rfc3339(place.start)),
            runs: run.runs,
            parts: run.parts,
            ran: run.ran,
            bad: run.bad,
            history: run.history,
        },
        gate: view.gate.as_ref().map(|gate| GateV1 {
            passes: gate.decision.passes(),
            answer: table::answer(view),
            blocks: gate.decision.blocks.clone(),
            warnings: gate.decision.warnings.clone(),
            missing: gate.missing.clone(),
            unreadable: gate
                .refused
                .iter()
                .map(|(name, why)| UnreadableV1 {
                    name: name.clone(),
                    why: why.clone(),
                })
                .collect(),
        }),
        causes: view.causes.iter().map(cause).collect(),
        notes: view.notes.clone(),
    }
}

fn place(place: &Place) -> PlaceV1 {
    PlaceV1 {
        commit: place.commit.clone(),
        start: moment::rfc3339(place.start),
    }
}

fn cause(cause: &Cause) -> CauseV1 {
    CauseV1 {
        id: cause.id.clone(),
        title: cause.title.clone(),
        verdict: cause.verdict,
        before: cause.before.as_ref().map(|before| BeforeV1 {
            failures: before.failures,
            tests: before.tests,
            first: place(&before.first),
        }),
        last_good: cause
            .range
            .as_ref()
            .and_then(|(good, _)| good.as_ref().map(place)),
        first_bad: cause.range.as_ref().map(|(_, bad)| place(bad)),
        suspects: cause
            .suspects
            .iter()
            .map(|suspect| SuspectV1 {
                commit: suspect.commit.clone(),
                subject: suspect.subject.clone(),
                author: suspect.author.clone(),
                probability: suspect.probability,
            })
            .collect(),
        reproduce: cause.reproduce.clone(),
        revert: cause.revert.clone(),
        failures: cause.failures.iter().map(failure).collect(),
    }
}

fn failure(failure: &Failure) -> FailureV1 {
    let judged = &failure.judged;
    FailureV1 {
        test: failure.test.to_string(),
        variant: failure.variant.to_string(),
        file: failure.file.clone(),
        owners: failure.owners.clone(),
        job: failure.job.clone(),
        verdict: judged.verdict,
        probabilities: judged.chances,
        recovered: judged.recovered,
        ruling: failure.ruling,
        reach: judged.evidence.reach,
        evidence: words::evidence(judged),
        alarms: judged.alarms.clone(),
        advice: judged.advice,
        message: failure.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::triage::testing;

    #[test]
    fn a_gate_is_a_triage_with_an_answer() {
        let gated = serde_json::to_string_pretty(&super::triage(&testing::gated())).unwrap();
        insta::assert_snapshot!(gated);
        let plain = serde_json::to_value(super::triage(&testing::view())).unwrap();
        assert_eq!(plain["schema"], "tia.triage");
        assert!(plain.get("gate").is_none());
    }
}
