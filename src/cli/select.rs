//! `tia select`.

use std::io::Read;
use std::path::PathBuf;

use bstr::ByteSlice;
use clap::{Args, ValueEnum};

use super::error::CliError;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::{Answer, AppError, Granularity, Head, Request, Workspace};
use crate::config::{CoverageFile, ci};
use crate::model::RepoPath;
use crate::report::{github, json, text};
use crate::select::Outcome;
use crate::select::runner;

/// Print the tests that a change can affect, one a line or as a runner wants them
///
/// Without flags: what differs between the merge base with the upstream or default branch (on CI: with the base
/// branch that CI names) and the working tree. stdout holds tests and nothing else; what was decided without a proof,
/// and whether that is nothing or everything, is said on stderr.
#[derive(Debug, Args)]
pub(super) struct Select {
    #[command(flatten)]
    pub(super) sides: Sides,
    /// How to print the selection
    #[arg(long, value_enum, default_value_t = Format::Lines)]
    format: Format,
    /// End each item with NUL instead of a new line, for `xargs -0`
    #[arg(short = '0', long = "null")]
    null: bool,
    /// Print on stderr why each test is selected, and which changes affect nothing
    #[arg(long)]
    explain: bool,
}

/// What to compare.
#[derive(Debug, Args)]
pub(super) struct Sides {
    /// Compare with REV, or with `:index` [default: the merge base, see above]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// What the change leads to: a revision, `:index`, or `:worktree`
    #[arg(long, value_name = "REV", default_value = ":worktree")]
    head: String,
    /// Take the changed paths from FILE (`-` for stdin), one a line, relative to the top of the repository
    #[arg(long, value_name = "FILE")]
    changed_files: Option<String>,
    /// The list of changed paths is separated by NUL
    #[arg(short = 'z', requires = "changed_files")]
    z: bool,
    /// Select everything where the change cannot be told, instead of failing
    #[arg(long)]
    assume_all_on_error: bool,
    /// How closely to look at the change
    #[arg(long, value_enum, default_value_t = Closeness::File)]
    granularity: Closeness,
    /// Leave out tests that ran nothing of what changed when they were measured: a `.coverage` file with contexts,
    /// LCOV with test names, or `DIR/{test}.xml` for a file a test. Without `@COMMIT`, FILE.commit tells the commit that
    /// was measured
    /// [default: `files` under `[coverage]` in `tia.toml`]
    #[arg(long, value_name = "FILE[@COMMIT]")]
    coverage: Vec<String>,
    /// Leave nothing out because of coverage, whatever `tia.toml` says
    #[arg(long, conflicts_with = "coverage")]
    no_coverage: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Closeness {
    /// Whole files
    File,
    /// Functions, methods and constants, where the change can be attributed to them
    Symbol,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// One test unit a line
    Lines,
    /// The whole selection with reasons
    Json,
    /// Arguments for pytest
    Pytest,
    /// A filterset for `cargo nextest run -E`
    Nextest,
    /// Arguments for `cargo test`, one invocation a line
    Cargo,
    /// Step outputs and a job summary for GitHub Actions
    Github,
}

impl Sides {
    pub(super) fn request(&self) -> Result<Request, CliError> {
        let head = match self.head.as_str() {
            ":worktree" => Head::WorkTree,
            ":index" => Head::Index,
            revision => Head::Revision(revision.to_owned()),
        };
        let changed_files = self
            .changed_files
            .as_deref()
            .map(|file| self.listed(file))
            .transpose()?;
        let ci = ci::ci_base(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Ok(Request {
            base: self.base.clone(),
            head,
            changed_files,
            ci,
            assume_all: self.assume_all_on_error,
            granularity: match self.granularity {
                Closeness::File => Granularity::File,
                Closeness::Symbol => Granularity::Symbol,
            },
            coverage: self.coverage()?,
        })
    }

    /// The files that were named; none where the question is left to `tia.toml`.
    fn coverage(&self) -> Result<Option<Vec<CoverageFile>>, CliError> {
        if self.coverage.is_empty() && !self.no_coverage {
            return Ok(None);
        }
        let files = self.coverage.iter().map(|given| CoverageFile::parse(given));
        let files = files.collect::<Result<_, String>>();
        files
            .map(Some)
            .map_err(|what| CliError::usage(format!("--coverage {what}")))
    }

    fn listed(&self, file: &str) -> Result<Vec<RepoPath>, CliError> {
        let read = || -> std::io::Result<Vec<u8>> {
            if file == "-" {
                let mut bytes = Vec::new();
                std::io::stdin().lock().read_to_end(&mut bytes)?;
                return Ok(bytes);
            }
            std::fs::read(PathBuf::from(file))
        };
        let bytes = read().map_err(|source| AppError::List {
            path: file.to_owned(),
            source,
        })?;
        let separator: &[u8] = if self.z { b"\0" } else { b"\n" };
        let names = bytes.split_str(separator).map(|name| {
            if self.z {
                name
            } else {
                name.trim_end_with(|c| c == '\r')
            }
        });
        Ok(names
            .filter(|name| !name.is_empty())
            .map(RepoPath::new)
            .collect())
    }
}

impl Select {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        let workspace = Workspace::open(&global.directory, global.no_cache)?;
        for key in &workspace.config().unknown {
            ui.say(format!("warning: `tia.toml`: no setting is named `{key}`"));
        }
        let answer = workspace.select(&self.sides.request()?, ui)?;
        self.explain(&answer, ui);
        self.print(&answer, ui)?;
        // the process ends here: taking graphs apart piece by piece would only keep the runner waiting
        std::mem::forget((answer, workspace));
        Ok(ExitCode::Done)
    }

    fn explain(&self, answer: &Answer, ui: &Ui) {
        let selection = &answer.selection;
        ui.say(format!(
            "{} → {}: {}",
            answer.base,
            answer.head,
            text::summary(selection)
        ));
        if answer.change.is_empty() && std::env::var_os("CI").is_some() {
            ui.say(
                "warning: base and head are the same, so nothing can be affected; where CI builds a branch that was \
                 pushed, give `--base`, for instance the commit before the push",
            );
        }
        let fallbacks = text::fallbacks(selection);
        let shown = if self.explain {
            fallbacks.len()
        } else {
            fallbacks.len().min(8)
        };
        for line in &fallbacks[..shown] {
            ui.say(format!("fallback: {line}"));
        }
        if shown < fallbacks.len() {
            ui.say(format!(
                "fallback: … and {} more; `--explain` prints all",
                fallbacks.len() - shown
            ));
        }
        if let Some(covered) = &answer.covered {
            for warning in &covered.warnings {
                // one of several files may be of no use
                let comes_to = match covered.tests {
                    0 => "coverage narrows nothing",
                    _ => "coverage",
                };
                ui.say(format!("warning: {comes_to}: {warning}"));
            }
            covered.summary().into_iter().for_each(|line| ui.say(line));
            if self.explain {
                for line in covered.lines() {
                    ui.say(format!("coverage: {line}"));
                }
            }
        }
        if !self.explain {
            return;
        }
        for line in text::inert(selection) {
            ui.say(format!("no effect: {line}"));
        }
        for note in answer.graph().notes() {
            ui.say(format!("note: {}:{}: {}", note.path, note.line, note.text));
        }
        for (path, why) in &answer.whole {
            ui.say(format!("as a whole: `{path}`: {why}"));
        }
        for selected in selection.selected() {
            ui.say(format!("{}", selected.suite));
            for line in &selected.by {
                ui.say(format!("    → {line}"));
            }
            for line in text::reason(&selected.reason, &answer.base_graph, answer.graph()) {
                ui.say(format!("    {line}"));
            }
        }
    }

    fn print(&self, answer: &Answer, ui: &Ui) -> Result<(), CliError> {
        let selection = &answer.selection;
        let name = match self.format {
            Format::Lines => "lines",
            Format::Pytest => "pytest",
            Format::Nextest => "nextest",
            Format::Cargo => "cargo",
            Format::Json => {
                let document = json::select(selection, answer.compared());
                return write_json(&document, ui);
            }
            Format::Github => return self.github(answer, ui),
        };
        let Some(format) = runner::of(name) else {
            return Err(CliError::usage(format!("no format `{name}`")));
        };
        let left_out = selection
            .selected()
            .iter()
            .filter(|s| !format.runs(&s.suite))
            .count();
        if left_out > 0 {
            ui.say(format!("warning: {left_out} selected suites are not for {name}; `--format lines` prints all"));
        }
        let mut out = Vec::new();
        for item in format.render(selection) {
            if self.null {
                out.extend_from_slice(&item);
                out.push(0);
            } else {
                out.extend_from_slice(text::quoted(&item).as_bytes());
                out.push(b'\n');
            }
        }
        if selection.outcome() == Outcome::Everything && selection.suites() == 0 {
            ui.say("warning: the tests cannot be listed here; run all of them");
        }
        ui.data(&out)
    }

    fn github(&self, answer: &Answer, ui: &Ui) -> Result<(), CliError> {
        let print = crate::model::Fingerprint::of(answer.base.as_bytes());
        let outputs = github::outputs(&answer.selection, &format!("tia_{:032x}", print.0));
        let summary = github::summary(&answer.selection, answer.compared());
        for (variable, text) in [("GITHUB_OUTPUT", outputs), ("GITHUB_STEP_SUMMARY", summary)] {
            match std::env::var_os(variable) {
                Some(path) => {
                    let mut file = std::fs::OpenOptions::new()
                        .append(true)
                        .create(true)
                        .open(path)?;
                    std::io::Write::write_all(&mut file, text.as_bytes())?;
                }
                None => ui.data(text.as_bytes())?,
            }
        }
        Ok(())
    }
}

/// Prints a document, indented.
pub(super) fn write_json(document: &impl serde::Serialize, ui: &Ui) -> Result<(), CliError> {
    let mut bytes = serde_json::to_vec_pretty(document).map_err(std::io::Error::from)?;
    bytes.push(b'\n');
    ui.data(&bytes)
}
