//! `tia revert`.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::select::write_json;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{AppError, Past, RevertQuery, Workspace};
use crate::model::Timestamp;
use crate::report::revert::{self, Outcome, RevertV1};
use crate::report::triage::Cause;
use crate::triage::revert::Evidence;

/// Propose to undo a commit; with --write, commit the undoing on a branch of its own
///
/// Says what would be undone, whether it applies to the tip of the commit's branch, which later commits build on it and
/// which tests to run. Neither HEAD, the index, the working tree nor any other branch is touched, and nothing is pushed.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 it applies (and was written), 1 it does not: conflicts, nothing left to undo, \
                        undone already, or too little evidence to write it; 2 usage, 3 bad input, 4 a defect in tia"
)]
pub(super) struct RevertCommand {
    /// The commit to undo, or a cause (`tia triage`): then its first suspect, with the evidence
    #[arg(required_unless_present = "ledger", value_name = "COMMIT|CAUSE")]
    commit: Option<String>,
    /// Make the branch with the commit. Where a cause was named and its evidence does not carry it, it is refused
    #[arg(long, conflicts_with = "ledger")]
    write: bool,
    /// Make it even where the evidence does not carry it
    #[arg(long, requires = "write")]
    force: bool,
    /// The branch to make [default: revert/ and the first 12 digits of the commit's id]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// For a merge: the parent to go back to, from 1
    #[arg(long, value_name = "N")]
    mainline: Option<u32>,
    /// Undo it on this revision [default: the default branch if it has the commit, else HEAD, else any branch]
    #[arg(long, value_name = "REV")]
    onto: Option<String>,
    /// A line of evidence for the message; may be repeated
    #[arg(long, value_name = "TEXT")]
    evidence: Vec<String>,
    /// A failing test that is blamed on it; the ledger follows what becomes of it; may be repeated
    #[arg(long = "test", value_name = "TEST")]
    tests: Vec<String>,
    /// The history that tells what became of tests, for --ledger [default: .tia/history.db]
    #[arg(long, value_name = "FILE", env = "TIA_DB")]
    db: Option<PathBuf>,
    /// Print what was written so far, and what became of it
    #[arg(long, conflicts_with_all = ["commit", "branch", "mainline", "onto", "evidence", "tests"])]
    ledger: bool,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines
    Json,
}

impl RevertCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let workspace = Workspace::open(&global.directory, global.no_cache)?;
        if self.ledger {
            return self.ledger(&workspace, global, ui);
        }
        let mut commit = self.commit.clone().unwrap_or_default();
        let (mut tests, mut evidence) = (self.tests.clone(), Evidence::default());
        if let Some(cause) = self.cause(&workspace, global, &commit, ui)? {
            let Some(suspect) = cause.suspects.first() else {
                ui.say(format!(
                    "nobody is suspected of {commit}; `tia culprit {commit}` looks further"
                ));
                return Ok(ExitCode::No);
            };
            commit.clone_from(&suspect.commit);
            evidence = cause.against(&commit);
            tests.extend(
                cause
                    .failures
                    .iter()
                    .map(|failure| failure.test.to_string()),
            );
        }
        evidence.lines.extend(self.evidence.iter().cloned());
        let query = RevertQuery {
            commit,
            onto: self.onto.clone(),
            mainline: self.mainline,
            branch: self.branch.clone(),
            tests,
        };
        let mut proposed = workspace.propose_revert(&query, &evidence, ui)?;
        let clean = proposed.view.outcome.is_clean();
        let advice = proposed.view.advice.as_ref();
        let refused = !self.force && advice.is_some_and(|advice| !advice.is_supported());
        if self.write && clean && !refused {
            workspace.write_revert(&mut proposed, now())?;
        }
        let view = &proposed.view;
        match self.format {
            Format::Text => ui.data(revert::text(view).as_bytes())?,
            Format::Json => write_json(&RevertV1::of(view), ui)?,
        }
        match &view.outcome {
            Outcome::Clean { .. } if self.write && refused => ui.say(
                "the evidence does not carry it, so nothing is written; `tia culprit` finds more, `--force` writes it all the same",
            ),
            Outcome::Clean { .. } if !self.write => {
                ui.say(format!(
                    "nothing is written; `--write` makes the branch `{}`",
                    view.branch
                ));
            }
            Outcome::Clean { .. } => ui.say(format!(
                "nothing is checked out or pushed; `git push origin {}` offers it",
                view.branch
            )),
            Outcome::Conflicts { paths } => ui.say(format!(
                "it does not apply to {}: {} in conflict; nothing is written",
                view.onto_name,
                if paths.len() == 1 {
                    "one path is".to_owned()
                } else {
                    format!("{} paths are", paths.len())
                }
            )),
            Outcome::Nothing | Outcome::Already { .. } => {
                ui.say(format!(
                    "there is nothing to undo on {}; nothing is written",
                    view.onto_name
                ));
            }
        }
        let done = clean && !(self.write && refused);
        Ok(if done { ExitCode::Done } else { ExitCode::No })
    }

    /// The cause that an argument names, where it names no commit.
    fn cause(
        &self,
        workspace: &Workspace,
        global: &Global,
        named: &str,
        ui: &Ui,
    ) -> Result<Option<Cause>, CliError> {
        if workspace.repo().resolve(named).is_ok() {
            return Ok(None);
        }
        match Past::open(&global.directory, self.db.as_deref()) {
            Ok(past) => Ok(past.cause(&global.directory, global.no_cache, named, ui)?),
            Err(AppError::NoHistory { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn ledger(
        &self,
        workspace: &Workspace,
        global: &Global,
        ui: &Ui,
    ) -> Result<ExitCode, CliError> {
        let past = match Past::open(&global.directory, self.db.as_deref()) {
            Ok(past) => Some(past),
            // without a history git alone tells
            Err(AppError::NoHistory { .. }) if self.db.is_none() => None,
            Err(error) => return Err(error.into()),
        };
        let (ledger, odd) = workspace.reverts(past)?;
        for line in odd {
            ui.say(format!("warning: line {line} of the ledger is no entry"));
        }
        match self.format {
            Format::Text => ui.data(ledger.text().as_bytes())?,
            Format::Json => write_json(&ledger, ui)?,
        }
        Ok(ExitCode::Done)
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
