//! `tia quarantine`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::error::CliError;
use super::flaky::one_test;
use super::ingest::{Db, now};
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{Entering, Flaky, FlakyQuery, Past, Reviewed, Stay, Told, Ward, named};
use crate::flaky::quarantine::Advice;
use crate::model::{Date, Quarantined, TestId};
use crate::report::flaky::counted;
use crate::report::history::table;

/// Keep flaky tests from blocking, for a while and with somebody who answers for them
///
/// Quarantined tests stand in `quarantine.toml` at the top of the repository, to be committed. They go on running and
/// being recorded. `review` says which of them left their own pattern, whose time is up, and which healed.
#[derive(Debug, Args)]
pub(super) struct QuarantineCommand {
    #[command(subcommand)]
    command: Command,
    /// The file [default: `quarantine.toml` at the top of the repository]
    #[arg(long, value_name = "FILE", global = true)]
    file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the quarantined tests
    List,
    /// Put a test into quarantine, or all that the policy proposes
    Add(Add),
    /// Take a test out
    Remove {
        /// The test, or a part of its name
        test: String,
        /// Why, for `history`
        #[arg(long, value_name = "TEXT", default_value = "by hand")]
        reason: String,
        #[command(flatten)]
        db: Db,
    },
    /// Print who was in, since when and at which rate, when it left and why
    ///
    /// What `add`, `remove` and `review` saw in the file, as the history keeps it (table `quarantine` of `tia db sql`).
    History {
        /// Only tests whose name holds this
        test: Option<String>,
        #[command(flatten)]
        db: Db,
    },
    /// Print what should be done: alarms, ends, tests that healed, and tests that may come in
    ///
    /// Exit code 1 where a test left its own pattern or its time is up.
    Review {
        #[command(flatten)]
        db: Db,
    },
    /// Print the tests for a runner
    Export {
        /// For which
        #[arg(long, value_enum, default_value_t = Format::Lines)]
        format: Format,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// The test, or a part of its name
    #[arg(required_unless_present = "proposed", conflicts_with = "proposed")]
    test: Option<String>,
    /// Every test that `review` says may come in
    #[arg(long)]
    proposed: bool,
    /// Why [default: what the history says]
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who answers for it [default: whom CODEOWNERS names]
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Where it is being dealt with
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    /// How many days it may stay [default: `quarantine.days` of `tia.toml`, 14]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=366))]
    days: Option<i32>,
    /// The last day it may stay, as `2026-03-31`; instead of `--days`
    #[arg(long, value_name = "DAY", conflicts_with = "days")]
    until: Option<Date>,
    /// Even where the owner has as many in quarantine as it may
    #[arg(long)]
    over_budget: bool,
    #[command(flatten)]
    db: Db,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// `--deselect=NODE`, one argument a line
    Pytest,
    /// One filter expression for `cargo nextest run -E`
    Nextest,
    /// `--skip=NAME`, one argument a line, for behind `cargo test -- --exact`
    Cargo,
    /// One name a line
    Lines,
}

impl QuarantineCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let mut ward = Ward::open(&global.directory, self.file.as_deref())?;
        match &self.command {
            Command::List => list(&ward, ui),
            Command::Add(add) => {
                let code = add.run(&mut ward, global, ui)?;
                self.mirror(&ward, &add.db, &[], global, ui);
                Ok(code)
            }
            Command::Remove { test, reason, db } => {
                let removed = remove(&mut ward, test, ui)?;
                let code = if removed.is_some() {
                    ExitCode::Done
                } else {
                    ExitCode::No
                };
                let left: Vec<_> = removed
                    .map(|test| (test, reason.clone()))
                    .into_iter()
                    .collect();
                self.mirror(&ward, db, &left, global, ui);
                Ok(code)
            }
            Command::History { test, db } => history(test.as_deref(), db, global, ui),
            Command::Review { db } => {
                self.mirror(&ward, db, &[], global, ui);
                review(&ward, db, global, ui)
            }
            Command::Export { format } => {
                let told = match format {
                    Format::Pytest => Told::Pytest,
                    Format::Nextest => Told::Nextest,
                    Format::Cargo => Told::Cargo,
                    Format::Lines => Told::Lines,
                };
                let (lines, left_out) = ward.export(told, &global.directory, global.no_cache, ui);
                for line in lines {
                    ui.data(format!("{line}\n").as_bytes())?;
                }
                for test in left_out {
                    ui.say(format!(
                        "warning: {test} is left out: what this runner calls it is not known"
                    ));
                }
                Ok(ExitCode::Done)
            }
        }
    }
}

impl QuarantineCommand {
    /// Tells the history what the project's file says now. The file holds all the same where that fails.
    fn mirror(&self, ward: &Ward, db: &Db, left: &[(TestId, String)], global: &Global, ui: &Ui) {
        if self.file.is_some() {
            return;
        }
        let told = ward.mirror(&global.directory, db.db.as_deref(), left, now());
        if let Err(error) = told {
            let error = CliError::from(error).message;
            ui.say(format!(
                "warning: the history was not told of the quarantine: {error}"
            ));
        }
    }
}

fn history(test: Option<&str>, db: &Db, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
    let past = Past::open(&global.directory, db.db.as_deref())?;
    let stays = past.stays()?;
    let name = |stay: &Stay| named(&stay.entry);
    let asked = |stay: &&Stay| test.is_none_or(|test| name(stay).contains(test));
    let mut rows =
        vec![["since", "days", "rate", "test", "reason", "left", "why"].map(String::from)];
    for stay in stays.iter().filter(asked) {
        let end = stay.gone.as_ref().map_or_else(now, |gone| gone.at);
        rows.push([
            stay.entry.since.to_string(),
            (Date::of(end).0 - stay.entry.since.0).max(0).to_string(),
            format!("{:.1} %", 100.0 * stay.entry.pattern.rate),
            name(stay),
            stay.entry.reason.clone(),
            stay.gone
                .as_ref()
                .map_or_else(|| "is in".to_owned(), |gone| Date::of(gone.at).to_string()),
            stay.gone
                .as_ref()
                .map_or_else(String::new, |gone| gone.why.clone()),
        ]);
    }
    if rows.len() == 1 {
        ui.say("the history knows of no such test in quarantine");
        return Ok(ExitCode::No);
    }
    ui.data(table(&rows).as_bytes())?;
    Ok(ExitCode::Done)
}

fn list(ward: &Ward, ui: &Ui) -> Result<ExitCode, CliError> {
    let tests = &ward.quarantine.tests;
    if tests.is_empty() {
        ui.say("no test is in quarantine");
        return Ok(ExitCode::Done);
    }
    let mut rows = vec![["until", "owner", "test", "reason"].map(String::from)];
    for entry in tests {
        rows.push([
            entry.until.to_string(),
            entry.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
            named(entry),
            entry.reason.clone(),
        ]);
    }
    ui.data(table(&rows).as_bytes())?;
    Ok(ExitCode::Done)
}

impl Add {
    fn run(&self, ward: &mut Ward, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let mut past = Past::open(&global.directory, self.db.db.as_deref())?;
        let flaky = lately(&past, global, ui)?;
        let tests = match &self.test {
            Some(name) => match one_test(&past, name, ui)? {
                Some(test) => vec![test],
                None => return Ok(ExitCode::No),
            },
            None => Past::candidates(&flaky, ward),
        };
        let today = Date::of(now());
        let days = self
            .days
            .unwrap_or(i32::try_from(ward.limits.days).unwrap_or(i32::MAX));
        let until = self.until.unwrap_or_else(|| today.plus(days));
        if let Some(last) = ward.limits.last_day(today).filter(|last| until > *last) {
            return Err(CliError::usage(format!(
                "a test that comes today may stay until {last}: `quarantine.longest` of `tia.toml` says so"
            )));
        }
        let entering = Entering {
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            link: self.link.clone(),
            today,
            until,
        };
        let mut code = ExitCode::Done;
        let mut added = 0;
        for test in tests {
            if ward.has(&test) {
                ui.say(format!("{test} is in quarantine already"));
                code = ExitCode::No;
                continue;
            }
            let entry = past.entry(&test, &flaky, &entering)?;
            if !self.over_budget && is_full(ward, &entry) {
                let owner = entry.owner.as_deref().unwrap_or("nobody");
                ui.say(format!(
                    "{test} stays out: {owner} may have {} in quarantine and has as many; `--over-budget` takes it all the same",
                    counted(ward.budget(entry.owner.as_deref()) as usize, "test")
                ));
                code = ExitCode::No;
                continue;
            }
            if entry.owner.is_none() {
                ui.say(format!(
                    "warning: nobody answers for {test}; `--owner NAME` names somebody"
                ));
            }
            ui.data(format!("{test}: until {}, {}\n", entry.until, entry.reason).as_bytes())?;
            ward.quarantine.tests.push(entry);
            added += 1;
        }
        if added > 0 {
            ward.save()?;
            ui.say(format!(
                "{} written to `{}`; commit it",
                counted(added, "test"),
                ward.path()
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
            ));
        } else if self.proposed && code == ExitCode::Done {
            ui.say("no test is surely flaky, surely not broken, and not in quarantine yet");
        }
        Ok(code)
    }
}

fn is_full(ward: &Ward, entry: &Quarantined) -> bool {
    let owner = entry.owner.as_deref();
    ward.quarantine.used(owner) >= ward.budget(owner)
}

/// The test that was taken out, if any.
fn remove(ward: &mut Ward, name: &str, ui: &Ui) -> Result<Option<TestId>, CliError> {
    let found = ward.find(name);
    match &found[..] {
        [] => ui.say(format!("no test in quarantine is named `{name}`")),
        [test] => {
            ward.quarantine.tests.retain(|entry| entry.test != *test);
            ward.save()?;
            ui.say(format!(
                "{test} is out of quarantine; its failures block again"
            ));
            return Ok(Some(test.clone()));
        }
        several => {
            ui.say(format!("`{name}` is a part of several names:"));
            for test in several {
                ui.say(format!("    {test}"));
            }
        }
    }
    Ok(None)
}

fn review(ward: &Ward, db: &Db, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
    let mut past = Past::open(&global.directory, db.db.as_deref())?;
    let mut all = past.review(ward, Date::of(now()))?;
    all.sort_by_key(|reviewed| urgency(&reviewed.advice));
    let mut code = ExitCode::Done;
    for Reviewed {
        entry,
        advice,
        until,
        ..
    } in &all
    {
        let said = match advice {
            Advice::Alarm(why) => {
                code = ExitCode::No;
                format!("ALARM    {}: {}", entry.test, why.join("; "))
            }
            Advice::Expired => {
                code = ExitCode::No;
                format!("expired  {}: its last day was {}", entry.test, until)
            }
            Advice::Release(runs) => format!(
                "release  {}: healed, as {} since {} say; `tia quarantine remove` takes it out",
                entry.test,
                counted(*runs as usize, "result"),
                entry.since
            ),
            Advice::Stay { passes } => format!(
                "stay     {}: until {}; {} more in a row would show that it healed",
                entry.test,
                until,
                if *passes == 1 {
                    "1 pass".to_owned()
                } else {
                    format!("{passes} passes")
                }
            ),
        };
        ui.data(format!("{said}\n").as_bytes())?;
    }
    let flaky = lately(&past, global, ui)?;
    let candidates = Past::candidates(&flaky, ward);
    for test in &candidates {
        ui.data(format!("propose  {test}\n").as_bytes())?;
    }
    if !candidates.is_empty() {
        ui.say("`tia quarantine add --proposed` takes in what is proposed");
    }
    if all.is_empty() && candidates.is_empty() {
        ui.say("no test is in quarantine, and none should be");
    }
    Ok(code)
}

/// All tests of the days that are looked at where nothing else is said.
fn lately(past: &Past, global: &Global, ui: &Ui) -> Result<Flaky, CliError> {
    let query = FlakyQuery::default();
    Ok(past.flaky(&global.directory, global.no_cache, &query, ui)?)
}

fn urgency(advice: &Advice) -> u8 {
    match advice {
        Advice::Alarm(_) => 0,
        Advice::Expired => 1,
        Advice::Release(_) => 2,
        Advice::Stay { .. } => 3,
    }
}
