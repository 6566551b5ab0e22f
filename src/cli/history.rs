//! `tia history`.

use clap::{Args, Subcommand};

use super::error::CliError;
use super::ingest::{Db, Format};
use super::select::write_json;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{Past, PastQuery};
use crate::model::{PartId, PastPart, Timestamp};
use crate::report::{self, json};

/// Print the past: of a test, of a run, of a commit, or the newest runs
///
/// TEST is a test as a report names it (`class::name`), or any part of its name that no other test has.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct HistoryCommand {
    /// A test, or a part of its name
    test: Option<String>,
    /// Print this part of a run, by its number, with its failures
    #[arg(long, value_name = "N", conflicts_with = "test")]
    part: Option<i64>,
    /// Only what is at this commit; the beginning of its id will do
    #[arg(long, value_name = "ID")]
    commit: Option<String>,
    /// Only what is on this branch
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Only this run of the pipeline
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Only what began in this last time: `90d`, `12h`
    #[arg(long, value_name = "TIME", value_parser = span)]
    since: Option<i64>,
    /// How many runs to print, the newest; all results of a test are printed unless this is given
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    db: Db,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    command: Option<Renaming>,
}

/// Links between the names that a test has had.
#[derive(Debug, Subcommand)]
enum Renaming {
    /// Link an old name to a new one: what is known of OLD is read as NEW's past
    Rename {
        /// The old name, in full
        old: String,
        /// The new name, in full
        new: String,
        #[command(flatten)]
        db: Db,
    },
    /// Take a link back
    Unrename {
        /// The old name
        old: String,
        #[command(flatten)]
        db: Db,
    },
    /// Print the links
    Renames {
        /// Print links that git's renames between REV and the working tree suggest, as commands
        #[arg(long, value_name = "REV")]
        propose: Option<String>,
        #[command(flatten)]
        db: Db,
    },
}

/// `90d`, `12h`, `30m`, `2w` in milliseconds.
pub(super) fn span(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no length of time such as `90d`, `12h` or `30m`");
    let end = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let (number, unit) = text.split_at(end);
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => Timestamp::DAY,
        "w" => 7 * Timestamp::DAY,
        _ => return Err(wrong()),
    };
    if number < 0 {
        return Err(wrong());
    }
    number.checked_mul(unit).ok_or_else(wrong)
}

/// So many runs are printed where nothing else is said.
const NEWEST: usize = 20;

impl HistoryCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        if let Some(command) = &self.command {
            return command.run(global, ui);
        }
        let mut past = Past::open(&global.directory, self.db.db.as_deref())?;
        if let Some(number) = self.part {
            return self.part(&mut past, PartId(number), ui);
        }
        let mut query = PastQuery {
            commit: self.commit.clone(),
            branch: self.branch.clone(),
            run_id: self.run_id.clone(),
            since: self
                .since
                .map(|span| Timestamp(super::ingest::now().0 - span)),
            limit: self.limit,
            ..PastQuery::default()
        };
        match &self.test {
            Some(name) => self.test(&mut past, name, &query, ui),
            None => {
                query.limit = Some(self.limit.unwrap_or(NEWEST));
                self.parts(&past, &query, ui)
            }
        }
    }

    fn test(
        &self,
        past: &mut Past,
        name: &str,
        query: &PastQuery,
        ui: &Ui,
    ) -> Result<ExitCode, CliError> {
        let Some(test) = super::flaky::one_test(past, name, ui)? else {
            return Ok(ExitCode::No);
        };
        let story = past.test(&test, query)?;
        let (outcomes, told) = (story.outcomes(), story.told());
        match self.format {
            Format::Text => ui.data(report::history::test(&test, &outcomes, &told).as_bytes())?,
            Format::Json => write_json(&json::history::test(&test, &outcomes, &told), ui)?,
        }
        Ok(ExitCode::Done)
    }

    fn parts(&self, past: &Past, query: &PastQuery, ui: &Ui) -> Result<ExitCode, CliError> {
        let parts = past.parts(query)?;
        match self.format {
            Format::Text => ui.data(report::history::parts(&parts).as_bytes())?,
            Format::Json => write_json(&json::history::parts(&parts, &[]), ui)?,
        }
        if parts.is_empty() {
            ui.say("no run of the history is like that");
            return Ok(ExitCode::No);
        }
        Ok(ExitCode::Done)
    }

    fn part(&self, past: &mut Past, id: PartId, ui: &Ui) -> Result<ExitCode, CliError> {
        let Some(story) = past.part(id)? else {
            ui.say(format!("the history has no part {}", id.0));
            return Ok(ExitCode::No);
        };
        let told = story.told();
        let part: &PastPart = &story.parts[0];
        match self.format {
            Format::Text => ui.data(report::history::part(part, &told).as_bytes())?,
            Format::Json => {
                write_json(&json::history::parts(std::slice::from_ref(part), &told), ui)?;
            }
        }
        Ok(ExitCode::Done)
    }
}

impl Renaming {
    fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        match self {
            Self::Rename { old, new, db } => {
                let mut past = Past::open_to_write(&global.directory, db.db.as_deref())?;
                let (old, new) = past.rename(old, new)?;
                ui.say(format!(
                    "`{old}` is now read as `{new}`; `tia history unrename` takes it back"
                ));
            }
            Self::Unrename { old, db } => {
                let mut past = Past::open_to_write(&global.directory, db.db.as_deref())?;
                if !past.unrename(old)? {
                    ui.say(format!("`{old}` is not linked to another name"));
                    return Ok(ExitCode::No);
                }
            }
            Self::Renames { propose, db } => {
                let past = Past::open(&global.directory, db.db.as_deref())?;
                let lines = match propose {
                    Some(base) => past.proposals(&global.directory, base, ui)?,
                    None => past.renames()?,
                };
                for (old, new) in lines {
                    let line = match propose {
                        Some(_) => format!(
                            "tia history rename {} {}\n",
                            quoted(&old.to_string()),
                            quoted(&new.to_string())
                        ),
                        None => format!("{old} -> {new}\n"),
                    };
                    ui.data(line.as_bytes())?;
                }
            }
        }
        Ok(ExitCode::Done)
    }
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(span("90d"), Ok(90 * 86_400_000));
        assert_eq!(span("30m"), Ok(1_800_000));
        for wrong in ["", "d", "90", "-1d", "1y", "9223372036854775807w", "1é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
