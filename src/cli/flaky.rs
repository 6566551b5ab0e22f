//! `tia flaky`.

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::ingest::Db;
use super::select::write_json;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{Flaky, FlakyQuery, Found, Past, PastQuery};
use crate::flaky::association::Kind;
use crate::model::TestId;
use crate::report::flaky::{self as shown, story, table};
use crate::report::json;

/// Rank the tests that fail without cause, or tell one test's story
///
/// Costs come first: failures without cause × people blocked × time of a rerun. TEST is a test as a report names it
/// (`class::name`), or any part of its name that no other test has. Files and owners are known where the command runs
/// in the repository (`-C DIR`).
#[derive(Debug, Args)]
pub(super) struct FlakyCommand {
    /// A test, or a part of its name
    test: Option<String>,
    #[command(flatten)]
    filter: Filter,
    /// Only tests whose file matches this glob or lies below this directory
    #[arg(long, value_name = "GLOB", conflicts_with = "test")]
    path: Option<String>,
    /// Only tests that CODEOWNERS gives to this owner
    #[arg(long, value_name = "NAME", conflicts_with = "test")]
    owner: Option<String>,
    /// Only tests whose failures go along with this
    #[arg(long, value_enum, conflicts_with = "test")]
    kind: Option<KindArg>,
    /// Replay the past: what would have been said on the day, beside what reruns and fixes said later
    #[arg(long, conflicts_with_all = ["test", "path", "owner", "kind"])]
    backtest: bool,
    /// How many parts of runs a replay judges at most, spread evenly over those with decided failures
    #[arg(long, value_name = "N", default_value_t = 200, requires = "backtest")]
    most: usize,
    /// How many tests to print as text; the other formats print all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30)]
    limit: usize,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    db: Db,
}

/// Which runs.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only runs of this last time before the newest one: `90d`, `12h`
    #[arg(long, value_name = "TIME", value_parser = super::history::span, default_value = "30d")]
    pub(super) since: i64,
    /// Only runs on this branch
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For machines
    Json,
    /// One failing test a line
    Csv,
    /// A report in which flaky and broken tests fail
    Junit,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum KindArg {
    /// How long it takes
    Timing,
    /// How busy the machine is
    Load,
    /// Hour, weekday, day of the month
    Clock,
    /// Which tests ran before
    Order,
    /// Machine, system, runner
    Environment,
    /// Other tests fail with it
    CoFailure,
    /// Nothing that is known
    Unknown,
}

impl KindArg {
    fn kind(self) -> Option<Kind> {
        Some(match self {
            Self::Timing => Kind::Timing,
            Self::Load => Kind::Load,
            Self::Clock => Kind::Clock,
            Self::Order => Kind::Order,
            Self::Environment => Kind::Environment,
            Self::CoFailure => Kind::CoFailure,
            Self::Unknown => return None,
        })
    }
}

impl FlakyCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let mut past = Past::open(&global.directory, self.db.db.as_deref())?;
        let test = match &self.test {
            Some(name) => match one_test(&past, name, ui)? {
                Some(test) => Some(test),
                None => return Ok(ExitCode::No),
            },
            None => None,
        };
        let query = FlakyQuery {
            span: Some(self.filter.since),
            branch: self.filter.branch.clone(),
            path: self.path.clone(),
            owner: self.owner.clone(),
            kind: self.kind.map(KindArg::kind),
            proof: !self.backtest,
        };
        let flaky = past.flaky(&global.directory, global.no_cache, &query, ui)?;
        if flaky.view.parts == 0 {
            ui.say(nothing(&past)?);
            return Ok(ExitCode::No);
        }
        if self.backtest {
            return self.replay(&flaky, ui);
        }
        match test {
            Some(test) => self.story(&mut past, &test, &flaky, ui),
            None => self.table(&flaky, ui),
        }
    }

    fn table(&self, flaky: &Flaky, ui: &Ui) -> Result<ExitCode, CliError> {
        let view = &flaky.view;
        match self.format {
            Format::Text => ui.data(table::table(view, self.limit).as_bytes())?,
            Format::Json => write_json(&json::flaky::flaky(view), ui)?,
            Format::Csv => shown::csv::write(view, ui.stdout())?,
            Format::Junit => shown::junit::write(view, ui.stdout())?,
        }
        Ok(ExitCode::Done)
    }

    fn replay(&self, flaky: &Flaky, ui: &Ui) -> Result<ExitCode, CliError> {
        let Some(test) = flaky.backtest(self.most) else {
            return Ok(ExitCode::No);
        };
        let names: Vec<String> = flaky.failing_names();
        let replayed = shown::backtest::Replayed {
            test: &test,
            names: &names,
            parts: &flaky.judged.parts,
        };
        match self.format {
            Format::Text => ui.data(shown::backtest::text(&replayed, self.limit).as_bytes())?,
            Format::Json => write_json(&json::flaky::backtest(&replayed), ui)?,
            Format::Csv | Format::Junit => {
                return Err(CliError::usage("a replay is printed as `text` or `json`"));
            }
        }
        Ok(ExitCode::Done)
    }

    fn story(
        &self,
        past: &mut Past,
        test: &TestId,
        flaky: &Flaky,
        ui: &Ui,
    ) -> Result<ExitCode, CliError> {
        let (seen, told) = past.flaky_story(test, flaky)?;
        let outcomes = seen.outcomes();
        if outcomes.is_empty() {
            ui.say(format!(
                "{test} did not run in this time; a longer `--since` may tell more"
            ));
            return Ok(ExitCode::No);
        }
        let mut view = flaky.view.clone();
        view.rows.retain(|row| row.test == *test);
        let story = story::Story {
            test,
            rows: &view.rows,
            outcomes: &outcomes,
            failures: &told,
            people: view.people,
        };
        match self.format {
            Format::Text => ui.data(story::text(&story).as_bytes())?,
            Format::Json => write_json(&json::flaky::story(&story), ui)?,
            Format::Csv => shown::csv::write(&view, ui.stdout())?,
            Format::Junit => shown::junit::write(&view, ui.stdout())?,
        }
        Ok(ExitCode::Done)
    }
}

/// Why there is nothing to tell.
pub(super) fn nothing(past: &Past) -> Result<&'static str, CliError> {
    let any = past.parts(&PastQuery {
        limit: Some(1),
        ..PastQuery::default()
    })?;
    Ok(if any.is_empty() {
        "the history holds no run yet; `tia ingest REPORTS…` adds some"
    } else {
        "no run of the history is like that"
    })
}

/// The test that a name means; `None` after saying why there is none.
pub(super) fn one_test(past: &Past, name: &str, ui: &Ui) -> Result<Option<TestId>, CliError> {
    match past.find(name)? {
        Found::One(test) => return Ok(Some(test)),
        Found::Many(tests, more) => {
            ui.say(format!("`{name}` is a part of several names:"));
            for test in &tests {
                ui.say(format!("    {test}"));
            }
            if more > 0 {
                ui.say(format!("    … and {more} more"));
            }
        }
        Found::None => ui.say(format!("no test of the history is named `{name}`")),
    }
    Ok(None)
}
