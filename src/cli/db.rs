//! `tia db`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::error::CliError;
use super::ingest::Db;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{ExportFormat, Past};

/// Look after the history: its size, its health, its age
#[derive(Debug, Args)]
pub(super) struct DbCommand {
    #[command(flatten)]
    db: Db,
    #[command(subcommand)]
    command: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Print how much it holds and what it takes
    Stats,
    /// Print every result
    Export {
        /// How: `junit` writes one file for each part into `--to`
        #[arg(long, value_enum, default_value_t = ExportArg::Jsonl)]
        format: ExportArg,
        /// The directory for JUnit files
        #[arg(long, value_name = "DIR", required_if_eq("format", "junit"))]
        to: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum ExportArg {
    /// Comma-separated values, one result a line
    Csv,
    /// One JSON object a line, failures included
    Jsonl,
    /// JUnit XML that `tia ingest` reads back to the same history
    Junit,
}

impl DbCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let (dir, db) = (&global.directory, self.db.db.as_deref());
        match &self.command {
            Work::Stats => {
                let mut past = Past::open(dir, db)?;
                ui.data(past.stats()?.as_bytes())?;
            }
            Work::Export { format, to } => {
                let mut past = Past::open(dir, db)?;
                let format = match format {
                    ExportArg::Csv => ExportFormat::Csv,
                    ExportArg::Jsonl => ExportFormat::Jsonl,
                    ExportArg::Junit => ExportFormat::Junit,
                };
                past.export(format, to.as_deref(), &mut ui.stdout(), ui)?;
            }
        }
        Ok(ExitCode::Done)
    }
}
