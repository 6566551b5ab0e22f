//! The terminal: one file per command.

mod check;
mod culprit;
mod db;
mod error;
mod exit;
mod flaky;
mod gate;
mod graph;
mod history;
mod ingest;
mod init;
mod quarantine;
#[cfg(target_os = "linux")]
mod record;
mod report;
mod revert;
mod select;
mod triage;
mod ui;
mod why;

use clap::{Parser, Subcommand};

pub use exit::ExitCode;

/// Run only the tests a change can break
#[derive(Debug, Parser)]
#[command(name = "tia", version, about, max_term_width = 100, after_help = exit::HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that all commands share.
#[derive(Debug, clap::Args)]
struct Global {
    /// Run as if started in DIR
    #[arg(
        short = 'C',
        long = "directory",
        value_name = "DIR",
        global = true,
        default_value = "."
    )]
    directory: std::path::PathBuf,
    /// Neither read nor write the cache in `.tia/`
    #[arg(long, global = true)]
    no_cache: bool,
    /// Say less on stderr: only errors
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the tests that a change can affect
    Select(select::Select),
    /// Print why a test depends on a path
    Why(why::Why),
    /// Run tests and remember which files each of them opens
    #[cfg(target_os = "linux")]
    Record(record::Record),
    /// Read test reports into the history
    Ingest(ingest::Ingest),
    /// Print the past: of a test, of a run, of a commit, or the newest runs
    History(history::HistoryCommand),
    /// May this run pass? One exit code for CI
    Gate(gate::GateCommand),
    /// Say whose the failures of a run are, and how to get back to green
    Triage(triage::TriageCommand),
    /// The newest run as a check of Nagios or Icinga
    Check(check::CheckCommand),
    /// Rank the tests that fail without cause, or tell one test's story
    Flaky(flaky::FlakyCommand),
    /// Write the nightly report: a page, or text for chats and machines
    Report(report::ReportCommand),
    /// Keep flaky tests from blocking, for a while and with somebody who answers for them
    Quarantine(quarantine::QuarantineCommand),
    /// Name the commit that broke a test
    Culprit(culprit::CulpritCommand),
    /// Propose to undo a commit, or commit that on a branch of its own
    Revert(revert::RevertCommand),
    /// Look after the history: its size, its health, its age
    Db(db::DbCommand),
    /// Print what the dependency graph looks like
    Graph(graph::GraphCommand),
    /// Write a commented `tia.toml`
    Init(init::Init),
}

/// Parses the arguments, runs the command, and says how the process should end.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ui::clap_error(&error),
    };
    let ui = ui::Ui::new(cli.global.quiet);
    let done = match cli.command {
        Command::Select(command) => command.run(&cli.global, &ui),
        Command::Why(command) => command.run(&cli.global, &ui),
        #[cfg(target_os = "linux")]
        Command::Record(command) => command.run(&cli.global, &ui),
        Command::Ingest(command) => command.run(&cli.global, &ui),
        Command::History(command) => command.run(&cli.global, &ui),
        Command::Gate(command) => command.run(&cli.global, &ui),
        Command::Triage(command) => command.run(&cli.global, &ui),
        Command::Check(command) => command.run(&cli.global, &ui),
        Command::Flaky(command) => command.run(&cli.global, &ui),
        Command::Report(command) => command.run(&cli.global, &ui),
        Command::Quarantine(command) => command.run(&cli.global, &ui),
        Command::Culprit(command) => command.run(&cli.global, &ui),
        Command::Revert(command) => command.run(&cli.global, &ui),
        Command::Db(command) => command.run(&cli.global, &ui),
        Command::Graph(command) => command.run(&cli.global, &ui),
        Command::Init(command) => command.run(&cli.global, &ui),
    };
    match done {
        Ok(code) => code,
        Err(error) => ui.error(&error),
    }
}
