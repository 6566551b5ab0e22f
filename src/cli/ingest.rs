//! `tia ingest`.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::select::write_json;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::ingest::{
    self, Fate, FileOutcome, IngestRequest, Ingested, Issue, Level, Runs, StoredPart,
};
use crate::app::{Workspace, store};
use crate::config::ci;
use crate::model::{RunContext, TestId, Timestamp, attribute};
use crate::report::json::history::{CountsV1, IngestV1, IssueV1, ReportV1, StoredV1, owned};
use crate::report::{history, moment};

/// Read test reports into the history
///
/// Takes JUnit XML of any producer, libtest JSON and `go test -json`; plain, gzip, zstd, tar or zip; files,
/// directories, or `-` for standard input. The same report twice changes nothing. Commit, branch, job and machine come
/// from these flags, from the report's own properties (OpenTelemetry's names), from the variables of CI, from git, in
/// this order. What cannot be used is told (exit code 3), and the rest is stored.
#[derive(Debug, Args)]
pub(super) struct Ingest {
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    db: Db,
    /// Print what is odd about the reports, and store nothing
    #[arg(long)]
    check: bool,
    /// How to print what was done
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Reports, and what is known of their run.
#[derive(Debug, Args)]
pub(super) struct Reports {
    /// Reports, directories of reports, archives, or `-`
    #[arg(required = true, value_name = "FILES")]
    names: Vec<String>,
    /// The commit that was tested
    #[arg(long, value_name = "ID")]
    commit: Option<String>,
    /// The branch that was tested
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// The pipeline or workflow
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// The run of the pipeline; reports with equal ids are parts of one run
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// The job
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Which try of the job this is, from 1
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Which shard of the job this is
    #[arg(long, value_name = "NAME")]
    shard: Option<String>,
    /// Any other attribute of the run; may be given several times
    #[arg(long = "attr", value_name = "KEY=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// Keep this property of the reports, as the attribute of the same or the given name
    #[arg(long = "property", value_name = "NAME[=ATTRIBUTE]", value_parser = mapping)]
    properties: Vec<(String, String)>,
    /// The reports were made on this machine just now: keep its name, processors, memory and load
    #[arg(long)]
    here: bool,
    /// How reports that do not name their run are put together
    #[arg(long, value_enum, default_value_t = RunsArg::Auto)]
    runs: RunsArg,
    /// Offset from UTC of timestamps that name none, such as `+02:00`
    #[arg(long, value_name = "OFFSET", value_parser = offset, allow_hyphen_values = true)]
    zone: Option<i32>,
}

/// Which history.
#[derive(Debug, Args)]
pub(super) struct Db {
    /// The history's file [default: `.tia/history.db` in the repository]
    #[arg(long, value_name = "FILE", env = "TIA_DB")]
    pub(super) db: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For machines
    Json,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum RunsArg {
    /// As the reports suggest: a test that comes again is another run
    Auto,
    /// All of them are one run
    One,
    /// Each is a run of its own
    Each,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("give KEY=VALUE".to_owned()),
    }
}

fn mapping(text: &str) -> Result<(String, String), String> {
    let (name, attribute) = text.split_once('=').unwrap_or((text, text));
    if name.is_empty() || attribute.is_empty() {
        return Err("give NAME or NAME=ATTRIBUTE".to_owned());
    }
    Ok((name.to_owned(), attribute.to_owned()))
}

/// `+02:00`, `-0530`, `Z` in seconds.
fn offset(text: &str) -> Result<i32, String> {
    let wrong = || format!("`{text}` is no offset such as `+02:00`");
    if text.eq_ignore_ascii_case("z") {
        return Ok(0);
    }
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let digits = rest.replace(':', "");
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let number = |range: std::ops::Range<usize>| digits[range].parse::<i32>().map_err(|_| wrong());
    let (hours, minutes) = (number(0..2)?, number(2..4)?);
    if hours > 14 || minutes > 59 {
        return Err(wrong());
    }
    Ok(sign * (hours * 3600 + minutes * 60))
}

/// The present moment.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp(i64::try_from(millis).unwrap_or(i64::MAX))
}

impl Reports {
    /// What to ingest.
    pub(super) fn request(&self) -> IngestRequest {
        let mut given = RunContext {
            attempt: self.attempt,
            ..RunContext::default()
        };
        let named = [
            (attribute::COMMIT, &self.commit),
            (attribute::BRANCH, &self.branch),
            (attribute::PIPELINE, &self.pipeline),
            (attribute::RUN_ID, &self.run_id),
            (attribute::JOB, &self.job),
            (attribute::SHARD, &self.shard),
        ];
        for (name, value) in named {
            given.set(name, value.as_deref().unwrap_or_default());
        }
        for (name, value) in &self.attributes {
            given.set(name, value);
        }
        let vars = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        IngestRequest {
            names: self.names.clone(),
            given,
            ci: ci::ci_run(&vars),
            here: self.here,
            runs: match self.runs {
                RunsArg::Auto => Runs::Auto,
                RunsArg::One => Runs::One,
                RunsArg::Each => Runs::Each,
            },
            properties: self.properties.clone(),
            zone: self.zone,
            now: now(),
        }
    }
}

impl Ingest {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let request = self.reports.request();
        if self.check {
            let done = ingest::check(&request, ui);
            return self.checked(&done, ui);
        }
        let location = store::locate(&global.directory, self.db.db.as_deref())?;
        let mut history = store::open_to_write(&global.directory, &location)?;
        let workspace = Workspace::open(&global.directory, global.no_cache).ok();
        let repo = workspace.as_ref().map(Workspace::repo);
        let done = ingest::ingest(&request, &mut history, repo, ui)?;
        match self.format {
            Format::Json => write_json(&document(&done), ui)?,
            Format::Text => {
                for part in &done.parts {
                    ui.data(format!("{}\n", summary(part)).as_bytes())?;
                }
            }
        }
        for file in &done.files {
            say(file, ui);
        }
        if done.known > 0 {
            ui.say(format!("{} stored before", reports(done.known)));
        }
        if let Some(workspace) = workspace.filter(|_| !done.parts.is_empty()) {
            let tests = store::tests(&history)?;
            self.say_joins(&workspace, &tests, ui)?;
        }
        self.end(&done, ui)
    }

    /// `--check`: every oddity of every report, on stdout.
    fn checked(&self, done: &Ingested, ui: &Ui) -> Result<ExitCode, CliError> {
        if self.format == Format::Json {
            write_json(&document(done), ui)?;
            return self.end(done, ui);
        }
        for file in &done.files {
            ui.data(format!("{}: {}\n", file.name, fate(&file.fate)).as_bytes())?;
            for issue in &file.issues {
                ui.data(format!("    {issue}\n").as_bytes())?;
            }
        }
        self.end(done, ui)
    }

    /// How many tests of the history are tests of the graph.
    fn say_joins(&self, workspace: &Workspace, tests: &[TestId], ui: &Ui) -> Result<(), CliError> {
        let Ok(joins) = workspace.joins(tests, ui) else {
            return Ok(());
        };
        let all = joins.joined + joins.not_joined;
        if all == 0 {
            ui.say("the history has no test yet");
        } else if joins.not_joined == 0 {
            ui.say(format!(
                "all {all} tests of the history are tests of the graph"
            ));
        } else {
            let named: Vec<String> = joins.others.iter().map(ToString::to_string).collect();
            ui.say(format!(
                "{} of {all} tests of the history are tests of the graph; not `{}`{}",
                joins.joined,
                named.join("`, `"),
                if joins.not_joined > named.len() {
                    ", …"
                } else {
                    ""
                }
            ));
        }
        Ok(())
    }

    fn end(&self, done: &Ingested, ui: &Ui) -> Result<ExitCode, CliError> {
        let refused = done.refused();
        if refused > 0 {
            ui.say(format!("error: {} could not be used", reports(refused)));
            return Ok(ExitCode::BadInput);
        }
        if done.read + done.known == 0 {
            ui.say("error: no report was found");
            return Ok(ExitCode::BadInput);
        }
        Ok(ExitCode::Done)
    }
}

/// What is odd about a report; of mere notes only their number.
pub(super) fn say(file: &FileOutcome, ui: &Ui) {
    match &file.fate {
        Fate::Refused { .. } => {
            ui.say(format!("error: {}: {}", file.name, fate(&file.fate)));
            return;
        }
        Fate::NoReport { .. } => {
            ui.say(format!("left out: {}: {}", file.name, fate(&file.fate)));
            return;
        }
        Fate::Read {
            complete: false, ..
        } => {
            ui.say(format!(
                "warning: {}: the report is cut off; what it holds is stored",
                file.name
            ));
        }
        Fate::Read { .. } | Fate::Known => {}
    }
    let grave = file
        .issues
        .iter()
        .filter(|issue| issue.level != Level::Accepted);
    let (mut shown, mut more) = (0, 0);
    for issue in grave {
        if shown < 3 {
            shown += 1;
            ui.say(format!("{}: {issue}", file.name));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        ui.say(format!(
            "{}: and {more} more; `tia ingest --check` prints all",
            file.name
        ));
    }
}

fn reports(count: usize) -> String {
    format!("{count} {}", if count == 1 { "report" } else { "reports" })
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Read {
            producer,
            results,
            complete,
        } => {
            let cut = if *complete { "" } else { ", cut off" };
            format!("{producer}, {results} results{cut}")
        }
        Fate::Known => "stored before".to_owned(),
        Fate::NoReport { why } | Fate::Refused { why } => why.clone(),
    }
}

/// One line for a stored part: what it is of, and what was in it.
fn summary(part: &StoredPart) -> String {
    let context = &part.context;
    let mut line = match &context.run_id {
        Some(id) => format!("run {id}"),
        None => format!("part {}", part.id.0),
    };
    if let Some(job) = &context.job {
        line.push_str(&format!(", {job}"));
    }
    if let Some(shard) = &context.shard {
        line.push_str(&format!(" {shard}"));
    }
    if let Some(commit) = &context.commit {
        line.push_str(&format!(" at {}", history::short(commit)));
    }
    if let Some(branch) = &context.branch {
        line.push_str(&format!(" on {branch}"));
    }
    let counts = part.counts;
    line.push_str(&format!(
        ": {} results from {} ({})",
        counts.all(),
        reports(part.reports),
        part.producer
    ));
    let rest = [
        (counts.failed, "failed"),
        (counts.errored, "errored"),
        (counts.flaky, "passed on a retry"),
        (counts.skipped, "skipped"),
        (counts.disabled, "switched off"),
        (part.errors_outside_tests.into(), "errors outside tests"),
    ];
    for (count, word) in rest {
        if count > 0 {
            line.push_str(&format!(", {count} {word}"));
        }
    }
    if !part.complete {
        line.push_str(", cut off");
    }
    line
}

/// The document of `--format json`.
fn document(done: &Ingested) -> IngestV1 {
    let stored = |part: &StoredPart| StoredV1 {
        part: part.id.0,
        start: part.context.start.map(moment::rfc3339),
        attributes: owned(part.context.all()),
        producer: part.producer.clone(),
        reports: part.reports,
        results: CountsV1 {
            passed: part.counts.passed,
            failed: part.counts.failed,
            errored: part.counts.errored,
            skipped: part.counts.skipped,
            disabled: part.counts.disabled,
            flaky: part.counts.flaky,
        },
        errors_outside_tests: part.errors_outside_tests,
        complete: part.complete,
    };
    let report = |file: &FileOutcome| {
        let (name, producer, results, complete, why) = match &file.fate {
            Fate::Read {
                producer,
                results,
                complete,
            } => ("read", Some(*producer), Some(*results), *complete, None),
            Fate::Known => ("known", None, None, true, None),
            Fate::NoReport { why } => ("no_report", None, None, false, Some(why.clone())),
            Fate::Refused { why } => ("refused", None, None, false, Some(why.clone())),
        };
        let issue = |issue: &Issue| IssueV1 {
            level: match issue.level {
                Level::Accepted => "accepted",
                Level::Repaired => "repaired",
                Level::Rejected => "rejected",
            },
            place: issue.place.to_string(),
            text: issue.text.clone(),
        };
        ReportV1 {
            name: file.name.clone(),
            fate: name,
            producer,
            results,
            complete,
            why,
            issues: file.issues.iter().map(issue).collect(),
        }
    };
    IngestV1 {
        schema: "tia.ingest",
        version: 1,
        read: done.read,
        known: done.known,
        refused: done.refused(),
        parts: done.parts.iter().map(stored).collect(),
        reports: done.files.iter().map(report).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_hours_and_minutes() {
        assert_eq!(offset("+02:00"), Ok(7200));
        assert_eq!(offset("-0530"), Ok(-19800));
        assert_eq!(offset("Z"), Ok(0));
        for wrong in ["", "2", "+2", "+25:00", "+02:60", "é"] {
            assert!(offset(wrong).is_err(), "{wrong}");
        }
    }
}
