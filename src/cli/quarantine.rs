//! `tia quarantine`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::error::CliError;
use super::flaky::one_test;
use super::ingest::{Db, now};
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{Entering, Flaky, FlakyQuery, Past, Reviewed, Told, Ward};
use crate::flaky::quarantine::Advice;
use crate::model::{Date, Quarantined};
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
    /// How many days it may stay
    #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(i32).range(0..=366))]
    days: i32,
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
            Command::Add(add) => add.run(&mut ward, global, ui),
            Command::Remove { test } => remove(&mut ward, test, ui),
            Command::Review { db } => review(&ward, db, global, ui),
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

fn list(ward: &Ward, ui: &Ui) -> Result<ExitCode, CliError> {
    let tests = &ward.quarantine.tests;
    if tests.is_empty() {
        ui.say("no test is in quarantine");
        return Ok(ExitCode::Done);
    }
    let mut rows = vec![["until", "owner", "test", "reason"].map(String::from)];
    for entry in tests {
        let mut test = entry.test.to_string();
        if !entry.variant.is_empty() {
            test = format!("{test} ({})", entry.variant);
        }
        rows.push([
            entry.until.to_string(),
            entry.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
            test,
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
        let entering = Entering {
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            link: self.link.clone(),
            today,
            until: self.until.unwrap_or_else(|| today.plus(self.days)),
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
                    counted(ward.quarantine.budget(entry.owner.as_deref()) as usize, "test")
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
    ward.quarantine.used(owner) >= ward.quarantine.budget(owner)
}

fn remove(ward: &mut Ward, name: &str, ui: &Ui) -> Result<ExitCode, CliError> {
    let found = ward.find(name);
    match &found[..] {
        [] => ui.say(format!("no test in quarantine is named `{name}`")),
        [test] => {
            ward.quarantine.tests.retain(|entry| entry.test != *test);
            ward.save()?;
            ui.say(format!(
                "{test} is out of quarantine; its failures block again"
            ));
            return Ok(ExitCode::Done);
        }
        several => {
            ui.say(format!("`{name}` is a part of several names:"));
            for test in several {
                ui.say(format!("    {test}"));
            }
        }
    }
    Ok(ExitCode::No)
}

fn review(ward: &Ward, db: &Db, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
    let mut past = Past::open(&global.directory, db.db.as_deref())?;
    let mut all = past.review(ward, Date::of(now()))?;
    all.sort_by_key(|reviewed| urgency(&reviewed.advice));
    let mut code = ExitCode::Done;
    for Reviewed { entry, advice } in &all {
        let said = match advice {
            Advice::Alarm(why) => {
                code = ExitCode::No;
                format!("ALARM    {}: {}", entry.test, why.join("; "))
            }
            Advice::Expired => {
                code = ExitCode::No;
                format!("expired  {}: its last day was {}", entry.test, entry.until)
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
                entry.until,
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
