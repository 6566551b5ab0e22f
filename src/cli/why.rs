//! `tia why`.

use clap::Args;

use super::error::CliError;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{Reaching, ReachingSuite, Workspace};
use crate::report::text;

/// Print why a test depends on a path: the shortest chain, with file and line of each link
///
/// Without TEST: one chain for every test that depends on the path. Looks at the working tree as it is. FILE::NAME asks for
/// one definition (`src/cart.py::Cart.total`, `src/lib.rs::parse`): by which names the tests reach it, as
/// `tia select --granularity symbol` sees it.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// A path, relative to the top of the repository, or FILE::NAME
    path: String,
    /// A test as `tia select` prints it
    test: Option<String>,
    /// Print what would have to be tied to what for TEST to depend on PATH
    #[arg(long, requires = "test")]
    not: bool,
}

impl Why {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let workspace = Workspace::open(&global.directory, global.no_cache)?;
        if let Some((file, name)) = self.path.split_once("::") {
            let reaching = workspace.why_definition(file, name, self.test.as_deref(), ui)?;
            return self.definition(&reaching, ui);
        }
        let question = workspace.why(&self.path, self.test.as_deref(), ui)?;
        if self.not
            && let Some(gap) = question.gap()
        {
            ui.data(gap.as_bytes())?;
            return Ok(ExitCode::Done);
        }
        let mut out = String::new();
        let chains = question.chains().into_iter();
        let chains = chains.map(|(test, chain)| (test, text::chain(&chain)));
        for (test, lines) in chains.chain(question.sightings()) {
            out.push_str(&format!("{test}\n"));
            for line in lines {
                out.push_str(&format!("    {line}\n"));
            }
        }
        ui.data(out.as_bytes())?;
        if out.is_empty() {
            ui.say(match &self.test {
                Some(test) => format!(
                    "no chain leads from `{test}` to `{}`; `--not` says what is missing",
                    self.path
                ),
                None => format!("no test depends on `{}`", self.path),
            });
            return Ok(ExitCode::No);
        }
        Ok(ExitCode::Done)
    }

    fn definition(&self, reaching: &Reaching, ui: &Ui) -> Result<ExitCode, CliError> {
        let mut out = String::new();
        for ReachingSuite { suite, cases, by } in &reaching.suites {
            out.push_str(suite);
            match &cases[..] {
                [] => {}
                [case] => out.push_str(&format!(" {case}")),
                [case, others @ ..] => out.push_str(&format!(" {case} and {} more", others.len())),
            }
            out.push('\n');
            for line in by {
                out.push_str(&format!("    {line}\n"));
            }
        }
        ui.data(out.as_bytes())?;
        if let Some(why) = &reaching.whole {
            ui.say(format!(
                "`{}`: {why}; whoever reaches the file may reach it",
                self.path
            ));
        }
        if out.is_empty() {
            ui.say(match &self.test {
                Some(test) => format!("`{test}` does not reach `{}` by names", self.path),
                None => format!("no test reaches `{}` by names", self.path),
            });
            return Ok(ExitCode::No);
        }
        Ok(ExitCode::Done)
    }
}
