//! `tia init`.

use clap::Args;

use super::error::CliError;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::Workspace;

/// Write a commented `tia.toml` at the top of the repository; nothing needs it
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Print it instead
    #[arg(long)]
    print: bool,
}

impl Init {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        if self.print {
            ui.data(crate::config::TEMPLATE.as_bytes())?;
            return Ok(ExitCode::Done);
        }
        let path = Workspace::open(&global.directory, true)?.write_config()?;
        ui.say(format!("wrote `{}`", path.display()));
        Ok(ExitCode::Done)
    }
}
