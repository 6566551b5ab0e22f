//! The screen of the build cop, and of a gate.

use std::fmt::Write;

use super::super::flaky::{counted, percent};
use super::super::history;
use super::{Cause, Failure, View, words};
use crate::triage::verdict::Verdict;

/// So many failures of a cause are told.
const TOLD: usize = 3;
/// So many names of missing tests are told.
const NAMES: usize = 5;

/// The causes of a run's failures, each with verdict, evidence, suspects and commands.
pub fn triage(view: &View) -> String {
    let mut out = head(view);
    for (number, cause) in (1..).zip(&view.causes) {
        let _ = writeln!(
            out,
            "\n{number}. {} · {} · {}",
            cause.called(),
            counted(cause.failures.len(), "failure"),
            cause.id
        );
        let _ = writeln!(out, "   {}", cause.title);
        about(&mut out, cause);
        for failure in cause.failures.iter().take(TOLD) {
            told(&mut out, failure);
        }
        let more = cause.failures.len().saturating_sub(TOLD);
        if more > 0 {
            let _ = writeln!(out, "   … and {more} more; `--format json` lists all");
        }
    }
    out
}

/// What a gate found: its answer last, as logs are read from their end.
pub fn gate(view: &View) -> String {
    let mut out = head(view);
    let rows: Vec<[String; 4]> = view
        .failures()
        .map(|failure| {
            let judged = &failure.judged;
            [
                failure.ruling.map_or("", words::ruling).to_owned(),
                words::called(judged.verdict, judged.chances.of(judged.verdict)).to_owned(),
                percent(judged.chances.of(judged.verdict)),
                failure.name(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        let header = ["", "verdict", "sure", "test"].map(str::to_owned);
        let rows: Vec<[String; 4]> = std::iter::once(header).chain(rows).collect();
        let _ = write!(out, "\n{}", history::table(&rows));
        let blocking = view
            .failures()
            .filter(|failure| failure.ruling == Some(crate::triage::gate::Ruling::Blocks));
        for failure in blocking.take(2 * TOLD) {
            out.push('\n');
            told(&mut out, failure);
        }
    }
    if let Some(gate) = &view.gate {
        out.push('\n');
        for name in gate.missing.iter().take(NAMES) {
            let _ = writeln!(out, "missing: {name}");
        }
        let more = gate.missing.len().saturating_sub(NAMES);
        if more > 0 {
            let _ = writeln!(out, "missing: … and {more} more");
        }
        for (name, why) in &gate.refused {
            let _ = writeln!(out, "unreadable: {name}: {why}");
        }
        for warning in &gate.decision.warnings {
            let _ = writeln!(out, "warning: {}", words::block(warning, view.run.history));
        }
        let _ = writeln!(out, "{}", answer(view));
    }
    out
}

/// The gate's answer in a line.
pub fn answer(view: &View) -> String {
    let Some(gate) = &view.gate else {
        return String::new();
    };
    if gate.decision.passes() {
        let bad = view.failures().filter(|one| !one.judged.recovered).count();
        return match bad {
            0 => "passes: nothing failed".to_owned(),
            _ => format!(
                "passes: {} very probably not this change's doing",
                match bad {
                    1 => "1 failure is".to_owned(),
                    n => format!("{n} failures are"),
                }
            ),
        };
    }
    let why: Vec<String> = gate
        .decision
        .blocks
        .iter()
        .map(|block| words::block(block, view.run.history))
        .collect();
    format!("blocks: {}", why.join("; "))
}

/// What a run is, in a line, and what should be known of it.
pub fn head(view: &View) -> String {
    let mut out = format!("{}\n", title(view));
    for note in &view.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// `run 812 at bbbbbbbbbbbb on main: 4 of 120 failed; 2 regression, 1 already broken, 1 flake`.
pub fn title(view: &View) -> String {
    let run = &view.run;
    let mut line = match (&run.id, &run.place) {
        (_, Some(place)) if run.runs > 1 => format!(
            "{} since {}",
            counted(run.runs, "run"),
            super::super::moment::minute(place.start)
        ),
        (Some(id), _) => format!("run {id}"),
        (None, Some(place)) => format!("run of {}", super::super::moment::minute(place.start)),
        (None, None) => "no run".to_owned(),
    };
    if let Some(commit) = run.place.as_ref().and_then(|place| place.commit.as_ref())
        && run.runs <= 1
    {
        let _ = write!(line, " at {}", history::short(commit));
    }
    if let Some(branch) = &run.branch {
        let _ = write!(line, " on {branch}");
    }
    let _ = write!(line, ": {} of {} failed", run.bad, run.ran);
    let counts: Vec<String> = Verdict::ALL
        .into_iter()
        .map(|verdict| (view.count(verdict), verdict.words()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    if !counts.is_empty() {
        let _ = write!(line, " ({})", counts.join(", "));
    }
    line
}

fn about(out: &mut String, cause: &Cause) {
    if let Some(before) = &cause.before {
        let _ = writeln!(
            out,
            "   said before: {} of {}, first in {}",
            counted(before.failures as usize, "failure"),
            counted(before.tests as usize, "test"),
            before.first.words()
        );
    }
    if let Some((good, bad)) = &cause.range {
        match good {
            Some(good) => {
                let _ = writeln!(
                    out,
                    "   last good {}, first bad {}",
                    good.words(),
                    bad.words()
                );
            }
            None => {
                let _ = writeln!(out, "   bad since {} at the latest", bad.words());
            }
        }
    }
    for suspect in cause.suspects.iter().take(TOLD) {
        let _ = writeln!(
            out,
            "   suspect {} {:>5}  {} ({})",
            history::short(&suspect.commit),
            percent(suspect.probability),
            suspect.subject,
            suspect.author
        );
    }
    let mut owners: Vec<&str> = cause
        .failures
        .iter()
        .flat_map(|failure| failure.owners.iter().map(String::as_str))
        .collect();
    owners.sort_unstable();
    owners.dedup();
    if !owners.is_empty() {
        let _ = writeln!(out, "   owners {}", owners.join(", "));
    }
    if let Some(command) = &cause.reproduce {
        let _ = writeln!(out, "   reproduce: {command}");
    }
    if let Some(command) = &cause.revert {
        let _ = writeln!(out, "   way back: {command}");
    }
}

fn told(out: &mut String, failure: &Failure) {
    let _ = writeln!(out, "   {}", failure.name());
    let message = words::message(failure);
    if !message.is_empty() {
        let _ = writeln!(out, "     {message}");
    }
    let _ = writeln!(out, "     {}", words::verdict(&failure.judged));
    let lines = words::evidence(&failure.judged);
    let _ = writeln!(out, "     {}", lines.join("; "));
    for alarm in &failure.judged.alarms {
        let _ = writeln!(out, "     {}", words::alarm(*alarm));
    }
    let _ = writeln!(out, "     {}", words::advice(&failure.judged));
}

#[cfg(test)]
mod tests {
    use super::super::testing;

    #[test]
    fn the_screen_of_the_build_cop() {
        insta::assert_snapshot!(super::triage(&testing::view()));
    }

    #[test]
    fn a_gate_ends_with_its_answer() {
        insta::assert_snapshot!(super::gate(&testing::gated()));
    }

    #[test]
    fn a_run_without_a_failure_is_one_line_and_an_answer() {
        let mut view = testing::gated();
        view.causes.clear();
        view.notes.clear();
        view.run.bad = 0;
        view.gate = Some(super::super::Gate::default());
        insta::assert_snapshot!(super::gate(&view));
    }
}
