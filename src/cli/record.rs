//! `tia record`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::error::CliError;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{RecordRequest, Workspace};

/// Run tests and remember which files each of them opens, for `tia select` to add
///
/// Runs CMD under strace (Linux; no privileges needed). Tests of pytest, `cargo nextest run` and `cargo test` are told
/// apart, wherever in CMD they run; what their child processes do is theirs, in any language. What was recorded only adds
/// tests to a selection, never leaves one out, so that an old recording does no harm. Exit code 1 where CMD fails; what it
/// did until then is recorded all the same.
#[derive(Debug, Args)]
pub(super) struct Record {
    /// Write this recording alone to FILE; `tia select` reads every `.json` in `.tia/recorded/`
    /// [default: over the same tests in `.tia/recorded/local.json`]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The command, after `--`
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Record {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let workspace = Workspace::open(&global.directory, global.no_cache)?;
        let request = RecordRequest {
            command: self.command.clone(),
            directory: global.directory.clone(),
            output: self.output.clone(),
        };
        let outcome = workspace.record(&request, ui)?;
        let counted = |n: usize, what: &str| match n {
            1 => format!("1 {what}"),
            n => format!("{n} {what}s"),
        };
        ui.say(format!(
            "{} opened {} of the repository: {}",
            counted(outcome.tests, "test"),
            counted(outcome.paths, "file"),
            outcome.file.display()
        ));
        if outcome.hidden > 0 {
            ui.say(format!(
                "warning: io_uring was used in {}; what is opened through it is not seen",
                counted(outcome.hidden, "test")
            ));
        }
        if let [first, others @ ..] = &outcome.strangers[..] {
            let more = match others.len() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            ui.say(format!(
                "warning: not recorded, since `tia select` knows no such suites: {first}{more}"
            ));
        }
        if outcome.status.success() {
            return Ok(ExitCode::Done);
        }
        ui.say(format!("the command failed: {}", outcome.status));
        Ok(ExitCode::No)
    }
}
