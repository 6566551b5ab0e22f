//! `tia report`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::flaky::{Filter, nothing};
use super::ingest::Db;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{FlakyQuery, Past};
use crate::report::{flaky, html, influx, json, markdown, nightly::Nightly, prometheus};

/// Write the nightly report: what changed, why, what it costs, and what is not known
///
/// The HTML is one file that needs nothing beside it. Names, owners and authors are known where the command runs in the
/// repository (`-C DIR`).
#[derive(Debug, Args)]
pub(super) struct ReportCommand {
    #[command(flatten)]
    filter: Filter,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    db: Db,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// A page for people
    Html,
    /// For a chat, or the summary of a CI job
    #[value(alias = "md")]
    Markdown,
    /// For machines
    Json,
    /// A report in which flaky and broken tests fail
    Junit,
    /// Line protocol of InfluxDB
    Influx,
    /// Text format of Prometheus
    Prometheus,
}

impl ReportCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let mut past = Past::open(&global.directory, self.db.db.as_deref())?;
        let query = FlakyQuery {
            span: Some(self.filter.since),
            branch: self.filter.branch.clone(),
            ..FlakyQuery::default()
        };
        let report = past.report(&global.directory, global.no_cache, &query, ui)?;
        if report.flaky.parts == 0 {
            ui.say(nothing(&past)?);
            return Ok(ExitCode::No);
        }
        let text = self.text(&report)?;
        match &self.output {
            Some(path) => {
                let path = global.directory.join(path);
                std::fs::write(&path, text).map_err(|source| CliError {
                    message: format!("cannot write `{}`: {source}", path.display()),
                    ..CliError::from(source)
                })?;
                ui.say(report.headline());
            }
            None => {
                let mut out = ui.stdout();
                out.write_all(&text)?;
                out.flush()?;
            }
        }
        Ok(ExitCode::Done)
    }

    fn text(&self, report: &Nightly) -> Result<Vec<u8>, CliError> {
        Ok(match self.format {
            Format::Html => html::page(report)?.into_bytes(),
            Format::Markdown => markdown::text(report).into_bytes(),
            Format::Json => {
                let mut bytes = serde_json::to_vec_pretty(&json::nightly::nightly(report))
                    .map_err(std::io::Error::from)?;
                bytes.push(b'\n');
                bytes
            }
            Format::Junit => {
                let mut bytes = Vec::new();
                flaky::junit::write(&report.flaky, &mut bytes)?;
                bytes
            }
            Format::Influx => influx::lines(report).into_bytes(),
            Format::Prometheus => prometheus::text(report).into_bytes(),
        })
    }
}
