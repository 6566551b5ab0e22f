//! `tia triage`.

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::flaky::nothing;
use super::ingest::Db;
use super::select::write_json;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{Past, Webhook, Which};
use crate::report::json;
use crate::report::triage::{View, html, markdown, slack, table};

/// Say whose the failures of a run are, and how to get back to green
///
/// The causes of the newest red run, the most damage first: what is new, what is noise, since when, who may have done it, and
/// the commands to reproduce it and to take it back. RUN is the id of a pipeline's run, the beginning of a commit, or the number
/// of a part (`tia history`). Exit code 1 where no run is like that.
#[derive(Debug, Args)]
pub(super) struct TriageCommand {
    /// Which run [default: the newest with a failure]
    run: Option<String>,
    /// All runs of this last time before the newest one, as for a handover: `24h`, `7d`
    #[arg(long, value_name = "TIME", value_parser = super::history::span, conflicts_with = "run")]
    since: Option<i64>,
    /// Stay, and show it anew whenever the history changed; on a terminal, until Ctrl-C
    #[arg(long, conflicts_with_all = ["webhook", "format"])]
    watch: bool,
    /// Only runs on this branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Post it to this address, too: as a Slack message with `--format slack`, else as JSON. A token for it is read from
    /// TIA_WEBHOOK_TOKEN
    #[arg(
        long,
        value_name = "URL",
        env = "TIA_WEBHOOK_URL",
        hide_env_values = true
    )]
    webhook: Option<String>,
    #[command(flatten)]
    db: Db,
}

/// How often a watcher looks whether the history changed.
const EVERY: std::time::Duration = std::time::Duration::from_secs(2);

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For machines
    Json,
    /// For a chat or a handover
    Markdown,
    /// A page that needs nothing beside it
    Html,
    /// A message for Slack's webhooks
    Slack,
}

impl TriageCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        if self.watch {
            return self.watch(global, ui);
        }
        let view = match self.view(global, ui)? {
            Ok(view) => view,
            Err(why) => {
                ui.say(why);
                return Ok(ExitCode::No);
            }
        };
        match self.format {
            Format::Json => write_json(&json::triage::triage(&view), ui)?,
            Format::Html => ui.data(html::page(&view)?.as_bytes())?,
            Format::Markdown => ui.data(markdown::text(&view).as_bytes())?,
            Format::Slack => write_json(&slack::message(&view), ui)?,
            Format::Text => ui.data(table::triage(&view).as_bytes())?,
        }
        if let Some(url) = &self.webhook {
            let token = std::env::var("TIA_WEBHOOK_TOKEN");
            let token = token.ok().filter(|token| !token.is_empty());
            let body = match self.format {
                Format::Slack => serde_json::to_string(&slack::message(&view)),
                _ => serde_json::to_string(&json::triage::triage(&view)),
            };
            let body = body.map_err(std::io::Error::from)?;
            Webhook::new(url.clone(), token).post(&body)?;
        }
        Ok(ExitCode::Done)
    }

    /// The run's causes, or why there are none.
    fn view(&self, global: &Global, ui: &Ui) -> Result<Result<View, &'static str>, CliError> {
        let past = Past::open(&global.directory, self.db.db.as_deref())?;
        let which = match (&self.run, self.since) {
            (Some(run), _) => Which::Named(run.clone()),
            (None, Some(span)) => Which::Since(span),
            (None, None) => Which::NewestRed,
        };
        let branch = self.branch.as_deref();
        let view = past.triage(&global.directory, global.no_cache, &which, branch, ui)?;
        if let Some(view) = view {
            return Ok(Ok(view));
        }
        Ok(Err(match (which, nothing(&past)?) {
            (Which::NewestRed, "no run of the history is like that") => {
                "no run of the history failed"
            }
            (_, other) => other,
        }))
    }

    /// Shows the screen anew whenever the store was written to.
    fn watch(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        if !ui.is_screen() {
            return Err(CliError::usage(
                "`--watch` needs a terminal to draw on; without one, run `tia triage` whenever a run ends",
            ));
        }
        let mut last = None;
        loop {
            let stamp = Past::stamp(&global.directory, self.db.db.as_deref())?;
            if last.as_ref() != Some(&stamp) {
                let text = match self.view(global, ui)? {
                    Ok(view) => table::triage(&view),
                    Err(why) => format!("{why}\n"),
                };
                ui.screen(&text)?;
                last = Some(stamp);
            }
            std::thread::sleep(EVERY);
        }
    }
}
