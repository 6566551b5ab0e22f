//! `tia culprit`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;

use super::error::CliError;
use super::ingest::{Db, Format};
use super::select::write_json;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::culprit::hunt::{End, Event, Plan};
use crate::app::{AppError, CulpritQuery, Found, Inquiry, Past, Workspace};
use crate::model::Probability;
use crate::report::{culprit, history::short, json, moment};
use crate::triage::culprit::{Behaviour, Outcome, Step};

/// Name the commit that broke a test: from stored results, or by running it
///
/// TEST is a test as a report names it (`class::name`), or any part of its name that no other test has. The suspects are the
/// commits of the branch between the last pass and the failure; a merge counts as one commit. "No culprit, it was a
/// flake" is an answer like each of them.
///
/// With CMD it is run in working trees of its own, where it tells most: exit code 0 means passed, 125 that the commit cannot
/// be tested, any other failed. `{}` in CMD and the variable TIA_TEST stand for the test as its runner names it, TIA_COMMIT
/// for the commit. An interrupted search goes on where it stopped. Without CMD the next runs are printed as commands; results
/// come back with `tia ingest`.
///
/// Exit code 0: a culprit is named; 1: there is none, or it is not known yet.
#[derive(Debug, Args)]
pub(super) struct CulpritCommand {
    /// A test, or a part of its name, or a cause (`tia triage`); with --good and --bad any name will do
    #[arg(value_name = "TEST|CAUSE")]
    test: String,
    /// A commit at which the test was good [default: the last pass before the failure]
    #[arg(long, value_name = "REV")]
    good: Option<String>,
    /// A commit at which the test was bad [default: its newest failure]
    #[arg(long, value_name = "REV")]
    bad: Option<String>,
    /// Stop at this confidence
    #[arg(long, value_name = "P", default_value = "0.99", value_parser = confidence)]
    confidence: f64,
    /// How many runs to make at most
    #[arg(long, value_name = "N", default_value_t = 200, requires = "command")]
    runs: u32,
    /// How long to search at most, in minutes
    #[arg(long, value_name = "M", requires = "command", value_parser = positive)]
    minutes: Option<f64>,
    /// How many runs at once; without CMD, how many to print
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// A run that takes longer, in seconds, has failed
    #[arg(long, value_name = "S", requires = "command", value_parser = positive)]
    timeout: Option<f64>,
    /// Forget the runs of an earlier search
    #[arg(long, requires = "command")]
    fresh: bool,
    /// Only runs of this last time before the newest one: `90d`, `12h`
    #[arg(long, value_name = "TIME", value_parser = super::history::span, default_value = "90d")]
    since: i64,
    /// Only runs on this branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    db: Db,
    /// The test command
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

fn confidence(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(p) if p > 0.5 && p < 1.0 => Ok(p),
        _ => Err("give a number above 0.5 and below 1".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(n) if n > 0.0 && n < 1e9 => Ok(n),
        _ => Err("give a number above 0".to_owned()),
    }
}

/// Signals that end a search in an orderly way.
#[cfg(unix)]
const SIGNALS: [i32; 3] = [
    signal_hook::consts::SIGINT,
    signal_hook::consts::SIGTERM,
    signal_hook::consts::SIGHUP,
];

/// So many runs are printed at once where nothing else is said.
const PRINTED: u16 = 3;

impl CulpritCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let workspace = Workspace::open(&global.directory, global.no_cache)?;
        let Some(mut inquiry) = self.inquire(global, &workspace, ui)? else {
            return Ok(ExitCode::No);
        };
        if self.command.is_empty() {
            return self.tell(&inquiry, ui);
        }
        self.hunt(&workspace, &mut inquiry, ui)
    }

    /// What is known before anything is run; `None` after saying that no test has this name.
    fn inquire(
        &self,
        global: &Global,
        workspace: &Workspace,
        ui: &Ui,
    ) -> Result<Option<Inquiry>, CliError> {
        let past = match Past::open(&global.directory, self.db.db.as_deref()) {
            Err(AppError::NoHistory { .. }) if self.db.db.is_none() => None,
            past => Some(past?),
        };
        let named = self.good.as_deref().zip(self.bad.as_deref());
        let mut found = match &past {
            Some(past) => past.find(&self.test)?,
            None => Found::None,
        };
        if let (Some(past), Found::None) = (&past, &found)
            && let Some(cause) = past.cause(&global.directory, global.no_cache, &self.test, ui)?
            && let Some(first) = cause.failures.first()
        {
            ui.say(format!(
                "{} is `{}`; asked of {}",
                cause.id, cause.title, first.test
            ));
            found = Found::One(first.test.clone());
        }
        if let (Some(mut past), Found::One(test)) = (past, &found) {
            let query = CulpritQuery {
                good: self.good.clone(),
                bad: self.bad.clone(),
                branch: self.branch.clone(),
                span: Some(self.since),
            };
            return Ok(Some(past.culprit(workspace, test, &query, ui)?));
        }
        match (named, found) {
            (Some((good, bad)), Found::None) => {
                ui.say(format!("no result of `{}` is stored", self.test));
                let kind = Behaviour::unknown();
                Ok(Some(
                    workspace.named_range(&self.test, None, good, bad, kind, ui)?,
                ))
            }
            (None, Found::None) => {
                ui.say(format!(
                    "no result of `{}` is stored; `--good REV --bad REV -- CMD…` searches without any",
                    self.test
                ));
                Ok(None)
            }
            _ => {
                let past = Past::open(&global.directory, self.db.db.as_deref())?;
                super::flaky::one_test(&past, &self.test, ui)?;
                Ok(None)
            }
        }
    }

    fn confidence(&self) -> Probability {
        Probability::clamped(self.confidence)
    }

    /// Prints what is known and what to run.
    fn tell(&self, inquiry: &Inquiry, ui: &Ui) -> Result<ExitCode, CliError> {
        let jobs = usize::from(self.jobs.unwrap_or(PRINTED));
        let mut next: Vec<u32> = Vec::new();
        let mut outcome = Outcome::Undecided;
        while next.len() < jobs {
            match inquiry.search.step(self.confidence(), &next) {
                Step::Run(at) => next.push(at),
                Step::Done(found) => {
                    outcome = found;
                    break;
                }
                Step::Wait => break,
            }
        }
        // likely enough to be named; what runs are printed would verify it
        if outcome == Outcome::Undecided {
            outcome = inquiry.search.outcome(self.confidence());
        }
        let commits: Vec<String> = next
            .iter()
            .map(|at| inquiry.commit(*at).id.to_string())
            .collect();
        let view = inquiry.view(outcome, 0, 0.0);
        match self.format {
            Format::Json => write_json(&json::culprit::culprit(&view, &commits), ui)?,
            Format::Text => {
                let mut text = culprit::text(&view);
                if !commits.is_empty() {
                    text.push_str(&culprit::plan(&commits, &self.again()));
                }
                ui.data(text.as_bytes())?;
            }
        }
        Ok(code(&view.outcome))
    }

    /// The command that asks the same again.
    fn again(&self) -> String {
        let mut words = format!("tia culprit '{}'", self.test.replace('\'', r"'\''"));
        for (flag, value) in [("--good", &self.good), ("--bad", &self.bad)] {
            if let Some(value) = value {
                words.push_str(&format!(" {flag} {value}"));
            }
        }
        words
    }

    fn hunt(
        &self,
        workspace: &Workspace,
        inquiry: &mut Inquiry,
        ui: &Ui,
    ) -> Result<ExitCode, CliError> {
        let (stop, signal) = interruptible()?;
        let plan = Plan {
            command: self.command.clone(),
            confidence: self.confidence(),
            runs: self.runs,
            time: self
                .minutes
                .map(|minutes| Duration::from_secs_f64(minutes * 60.0)),
            jobs: usize::from(self.jobs.unwrap_or(1)),
            limit: self.timeout.map(Duration::from_secs_f64),
            fresh: self.fresh,
        };
        let mut tell = |event: Event<'_>| match event {
            Event::Resumed(runs) => ui.say(format!(
                "an earlier search goes on: {runs} runs are not made again (`--fresh` forgets them)"
            )),
            Event::Outdated(why) => ui.say(format!("an earlier search is forgotten: {why}")),
            Event::Begins { commit, run } => ui.working(format!(
                "run {run} at {} {}",
                short(&commit.id.to_string()),
                commit.subject
            )),
            Event::Ended {
                commit,
                result,
                seconds,
                ..
            } => {
                let took = crate::model::Seconds::new(seconds).map(moment::duration);
                ui.say(format!(
                    "{} {result} ({}) {}",
                    short(&commit.id.to_string()),
                    took.unwrap_or_default(),
                    commit.subject
                ));
            }
        };
        let found = workspace.hunt(inquiry, &plan, &stop, &mut tell);
        ui.rested();
        let found = found?;
        let view = inquiry.view(found.outcome, found.runs, found.seconds);
        match self.format {
            Format::Json => write_json(&json::culprit::culprit(&view, &[]), ui)?,
            Format::Text => ui.data(culprit::text(&view).as_bytes())?,
        }
        if view.outcome == Outcome::BrokenBefore {
            ui.say(format!(
                "what the runs printed is in `{}`",
                found.logs.display()
            ));
        }
        match found.end {
            End::Answered => {}
            End::Runs => ui.say(format!(
                "stopped after {} runs; `--runs N` allows more",
                found.runs
            )),
            End::Time => ui.say("the time is up; the same command goes on from here"),
            End::Interrupted => {
                ui.say("interrupted; the same command goes on from here");
                end_as(signal.load(Ordering::Relaxed));
            }
        }
        Ok(code(&view.outcome))
    }
}

fn code(outcome: &Outcome) -> ExitCode {
    match outcome {
        Outcome::Culprit(_) => ExitCode::Done,
        Outcome::Among(_) | Outcome::NoCulprit | Outcome::BrokenBefore | Outcome::Undecided => {
            ExitCode::No
        }
    }
}

/// A flag that signals set, and which one it was. A second signal ends the process at once.
fn interruptible() -> Result<(Arc<AtomicBool>, Arc<AtomicUsize>), CliError> {
    let (stop, signal) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    #[cfg(unix)]
    for number in SIGNALS {
        signal_hook::flag::register_conditional_default(number, stop.clone())?;
        signal_hook::flag::register_usize(number, signal.clone(), number as usize)?;
        signal_hook::flag::register(number, stop.clone())?;
    }
    Ok((stop, signal))
}

/// Ends the process as the signal would have, where it was one.
fn end_as(signal: usize) {
    #[cfg(unix)]
    if let Ok(number) = i32::try_from(signal)
        && SIGNALS.contains(&number)
    {
        // where it cannot be done, the exit code tells it
        let _ = signal_hook::low_level::emulate_default_handler(number);
    }
}
