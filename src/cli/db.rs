//! `tia db`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::error::CliError;
use super::history::span;
use super::ingest::{Db, now};
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{ExportFormat, Past};
use crate::report;

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
    /// Look for damage; exit code 1 where there is some
    Check,
    /// Thin out what is old: outcomes and the sums of each day stay; durations, messages and orders go
    Prune {
        /// Keep everything of this last time, such as `90d`
        #[arg(long, value_name = "TIME", value_parser = span)]
        keep: i64,
    },
    /// Give room that is no longer needed back to the disk
    Vacuum,
    /// Print every result
    Export {
        /// How: `junit` writes one file for each part into `--to`
        #[arg(long, value_enum, default_value_t = ExportArg::Jsonl)]
        format: ExportArg,
        /// The directory for JUnit files
        #[arg(long, value_name = "DIR", required_if_eq("format", "junit"))]
        to: Option<PathBuf>,
    },
    /// Take over everything that another history holds
    Merge {
        /// The other history; it is not changed
        other: PathBuf,
    },
    /// Ask it in SQL; nothing can be changed. Results are the table `results`
    Sql {
        /// One statement
        statement: String,
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
                ui.data(Past::open(dir, db)?.stats()?.as_bytes())?;
            }
            Work::Check => {
                let problems = Past::open(dir, db)?.check()?;
                if problems.is_empty() {
                    ui.say("the history is sound");
                    return Ok(ExitCode::Done);
                }
                for problem in &problems {
                    ui.data(format!("{problem}\n").as_bytes())?;
                }
                return Ok(ExitCode::No);
            }
            Work::Prune { keep } => {
                let said = Past::open_to_write(dir, db)?.prune(*keep, now())?;
                ui.say(said);
            }
            Work::Vacuum => {
                let said = Past::open_to_write(dir, db)?.vacuum()?;
                ui.say(said);
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
            Work::Merge { other } => {
                let said = Past::open_to_make(dir, db)?.merge(other)?;
                ui.say(said);
            }
            Work::Sql { statement } => {
                let rows = Past::open(dir, db)?.sql(statement)?;
                let rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
                ui.data(report::history::columns(&rows).as_bytes())?;
            }
        }
        Ok(ExitCode::Done)
    }
}
