//! `tia check`.

use clap::Args;

use super::error::CliError;
use super::ingest::{Db, now};
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{Past, PastQuery, Which};
use crate::report::triage::nagios::{State, check};

/// The newest run as a check of Nagios or Icinga
///
/// One line with performance data. Exit codes are those of such checks: 0 nothing is broken (flakes do not count), 1 something
/// was broken before or an outage hit the run, 2 a change broke a test, 3 nothing is known or no run came for too long.
#[derive(Debug, Args)]
pub(super) struct CheckCommand {
    /// Only runs on this branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Without a run for so long nothing is known: `26h`, `7d`
    #[arg(long, value_name = "TIME", value_parser = super::history::span, default_value = "26h")]
    stale: i64,
    #[command(flatten)]
    db: Db,
}

const HOUR: f64 = 3_600_000.0;

impl CheckCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let (state, line) = match self.state(global, ui) {
            Ok(Some(found)) => found,
            Ok(None) => (State::Unknown, "TIA UNKNOWN - no run is stored\n".into()),
            Err(error) => (
                State::Unknown,
                format!("TIA UNKNOWN - {}\n", error.message.replace('|', "/")),
            ),
        };
        ui.data(line.as_bytes())?;
        Ok(ExitCode::Check(state.code()))
    }

    fn state(&self, global: &Global, ui: &Ui) -> Result<Option<(State, String)>, CliError> {
        let past = Past::open(&global.directory, self.db.db.as_deref())?;
        let newest = past.parts(&PastQuery {
            branch: self.branch.clone(),
            limit: Some(1),
            ..PastQuery::default()
        })?;
        let Some(part) = newest.last() else {
            return Ok(None);
        };
        let which = Which::Parts(vec![part.part]);
        let view = past.triage(&global.directory, global.no_cache, &which, None, ui)?;
        let hours = (now().0 - part.start.0) as f64 / HOUR;
        Ok(view.map(|view| check(&view, hours, self.stale as f64 / HOUR)))
    }
}
