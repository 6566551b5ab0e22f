//! `tia gate`.

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::ingest::{self, Db, Reports};
use super::select::write_json;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{GateRequest, gate};
use crate::model::Date;
use crate::report::json;
use crate::report::triage::annotations::{Reader, annotations};
use crate::report::triage::{markdown, table};

/// May this run pass? One exit code for CI
///
/// Reads the reports of a run into the history and judges each failure: a run passes (0) when every failure is very probably
/// not this change's doing and nothing is missing, else it is blocked (1). A test that ran before and did not run now, a report
/// that is cut off or empty, and errors outside of tests block, too; `tia.toml` says otherwise under `[gate]`. Without a
/// history every failure blocks. In GitHub Actions, Azure Pipelines and TeamCity failures are also marked beside the code.
#[derive(Debug, Args)]
pub(super) struct GateCommand {
    #[command(flatten)]
    reports: Reports,
    /// Judge the run, and do not keep it in the history
    #[arg(long)]
    no_ingest: bool,
    /// The run was told to run some tests only (`tia select`): none is missing
    #[arg(long)]
    selected: bool,
    /// Block from this chance on that a failure is this change's doing [default: 0.02, or what `tia.toml` says]
    #[arg(long, value_name = "P", value_parser = chance)]
    block_at: Option<f64>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    db: Db,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines
    Json,
    /// For a pull request
    Markdown,
}

fn chance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(chance) if (0.0..=1.0).contains(&chance) => Ok(chance),
        _ => Err("give a number from 0 to 1".to_owned()),
    }
}

/// Whose log this is written to.
fn reader() -> Option<Reader> {
    let set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    if set("GITHUB_ACTIONS") {
        Some(Reader::GitHub)
    } else if set("TF_BUILD") {
        Some(Reader::Azure)
    } else if set("TEAMCITY_VERSION") {
        Some(Reader::TeamCity)
    } else {
        None
    }
}

impl GateCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let ingest = self.reports.request();
        let request = GateRequest {
            today: Date::of(ingest.now),
            ingest,
            keep: !self.no_ingest,
            selected: self.selected,
            block_at: self.block_at,
        };
        let db = self.db.db.as_deref();
        let (view, done) = gate(&global.directory, global.no_cache, db, &request, ui)?;
        for file in &done.files {
            ingest::say(file, ui);
        }
        match self.format {
            Format::Json => write_json(&json::triage::triage(&view), ui)?,
            Format::Markdown => ui.data(markdown::text(&view).as_bytes())?,
            Format::Text => {
                ui.data(table::gate(&view).as_bytes())?;
                if let Some(reader) = reader() {
                    ui.data(annotations(&view, reader).as_bytes())?;
                }
            }
        }
        let passes = view.gate.is_some_and(|gate| gate.decision.passes());
        Ok(if passes { ExitCode::Done } else { ExitCode::No })
    }
}
