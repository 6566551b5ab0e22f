//! Verdicts, evidence and advice in sentences.

use super::super::flaky::{counted, percent, sure};
use super::Failure;
use crate::model::Probability;
use crate::triage::gate::{Block, Ruling};
use crate::triage::judge::Judgement;
use crate::triage::verdict::{Advice, Alarm, Reach, Verdict};

/// A verdict in words. One of a regression is given from 20 % on, because missing one costs more than looking at a flake:
/// below one half it is a possible one.
pub fn called(verdict: Verdict, sure: f64) -> &'static str {
    match verdict {
        Verdict::Regression if sure < 0.5 => "possible regression",
        Verdict::NewTest if sure < 0.5 => "new test may be broken",
        _ => verdict.words(),
    }
}

/// The verdict and how sure it is: `flake, 99 % sure`; what it may be else, from 5 % on.
pub fn verdict(judged: &Judgement) -> String {
    let chances = &judged.chances;
    let mut words = format!(
        "{}, {} sure",
        called(judged.verdict, chances.of(judged.verdict)),
        sure(Probability::clamped(chances.of(judged.verdict)))
    );
    for other in Verdict::ALL {
        if other != judged.verdict && chances.of(other) >= 0.05 {
            words.push_str(&format!(
                "; {} {}",
                other.words(),
                percent(chances.of(other))
            ));
        }
    }
    words
}

/// What a person can check, the strongest first.
pub fn evidence(judged: &Judgement) -> Vec<String> {
    let seen = &judged.evidence;
    let mut lines = Vec::new();
    match (seen.unreachable, seen.reach) {
        (true, _) => lines.push("no change since its last pass can reach it".to_owned()),
        (false, Reach::Unreached) => lines.push("this change cannot reach it".to_owned()),
        (false, Reach::Reached) => lines.push("this change reaches it".to_owned()),
        (false, Reach::Unknown) => {}
    }
    let (bad, ran) = seen.part;
    if judged.chances.infrastructure.get() >= 0.05 {
        lines.push(format!("{bad} of {ran} tests failed beside it"));
    }
    match (seen.ran, seen.since_pass) {
        (0, _) => lines.push("it never ran before".to_owned()),
        (_, Some(0)) => lines.push("it passed the last time before".to_owned()),
        (_, Some(n)) => lines.push(format!("it failed in the {} before", runs(n))),
        (ran, None) => lines.push(format!("it never passed in {} before", runs(ran))),
    }
    match seen.same_commit {
        (0, 0) => {}
        (passed, 0) => lines.push(format!("it passed at this commit in {}", other(passed))),
        (0, failed) => lines.push(format!(
            "it failed at this commit in {}, too",
            other(failed)
        )),
        (passed, failed) => lines.push(format!(
            "at this commit it passed in {} and failed in {failed}",
            other(passed)
        )),
    }
    match seen.attempts {
        (bad, true) => lines.push(format!("it passed on attempt {}", u32::from(bad) + 1)),
        (bad, false) if bad > 1 => lines.push(format!("all {bad} attempts failed")),
        _ => {}
    }
    if seen.failed > 0 {
        lines.push(format!(
            "it failed in {} of {} before; without cause in {} of them ({} to {})",
            seen.failed,
            runs(seen.ran),
            percent(seen.rate.mean.get()),
            percent(seen.rate.low.get()),
            percent(seen.rate.high.get())
        ));
    } else if seen.ran > 0 {
        lines.push(format!("it never failed in {} before", runs(seen.ran)));
    }
    if let Some(said) = &seen.said {
        if said.by_itself > 0 {
            lines.push(format!(
                "it said the same in {} of its {} before",
                said.by_itself,
                counted(said.of as usize, "failure")
            ));
        } else if said.of > 0 {
            lines.push(format!(
                "it never said this in its {} before",
                counted(said.of as usize, "failure")
            ));
        }
        if said.beside > 0 {
            lines.push(format!(
                "{} of this run {} the same",
                counted(said.beside as usize, "other test"),
                if said.beside == 1 { "says" } else { "say" }
            ));
        }
        if said.elsewhere > 0 && said.by_itself == 0 {
            lines.push(format!(
                "{} said this before",
                counted(said.elsewhere as usize, "other test")
            ));
        }
    }
    if let Some(slower) = seen.slower.filter(|slower| *slower >= 2.0) {
        lines.push(format!("it took {slower:.1} times as long as a pass"));
    }
    lines
}

fn runs(count: u32) -> String {
    counted(count as usize, "run")
}

fn other(count: u32) -> String {
    counted(count as usize, "other run")
}

/// An alarm in a sentence.
pub fn alarm(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::NewMessage => "alarm: it fails in a way it never did before",
        Alarm::AboveRate => "alarm: it fails more often than it is known to",
        Alarm::Duration => "alarm: failing took unlike what its failures take",
    }
}

/// What a rerun would tell.
pub fn advice(judged: &Judgement) -> String {
    match judged.advice {
        Advice::Waste => "a rerun would tell nothing new".to_owned(),
        Advice::WholeRun => {
            "rerun the whole job on another machine: the outage hides the rest".to_owned()
        }
        Advice::Runs { runs } => format!(
            "rerun it {} at this commit: a pass says flake, no pass says broken",
            if runs == 1 {
                "once".to_owned()
            } else {
                format!("up to {runs} times")
            }
        ),
    }
}

/// A ruling in a word or two.
pub fn ruling(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Blocks => "blocks",
        Ruling::NotThisChange => "passes",
        Ruling::Quarantined => "quarantined",
        Ruling::Recovered => "recovered",
    }
}

/// Why a run may not pass.
pub fn block(block: &Block, history: usize) -> String {
    match block {
        Block::Failures(count) if history == 0 => format!(
            "{}: with no history every failure counts; `tia ingest` of earlier runs would tell flakes from regressions",
            counted(*count, "failure")
        ),
        Block::Failures(count) => {
            format!("{} may be this change's doing", counted(*count, "failure"))
        }
        Block::Missing(count) => format!("{} that ran before did not run", counted(*count, "test")),
        Block::Incomplete(count) => format!("{} cut off", counted(*count, "report")),
        Block::Refused(count) => format!("{} could not be read", counted(*count, "report")),
        Block::OutsideTests(count) => {
            format!("{} outside of tests", counted(*count as usize, "error"))
        }
        Block::Empty => "no test ran".to_owned(),
    }
}

/// `AssertionError: …`, the first line of what a failure says.
pub fn message(failure: &Failure) -> String {
    super::super::history::first_line(&failure.message)
}
