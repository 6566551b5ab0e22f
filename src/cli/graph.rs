//! `tia graph`.

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::select::write_json;
use super::ui::Ui;
use super::{ExitCode, Global};
use crate::app::Workspace;
use crate::edges::rules::DEFAULT_RULES;
use crate::report::{json, text};

/// Print what the dependency graph looks like: counts, kinds of edges, the biggest hubs
#[derive(Debug, Args)]
pub(super) struct GraphCommand {
    /// The graph of REV instead of the working tree's
    #[arg(long, value_name = "REV")]
    at: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// How many hubs to print
    #[arg(long, value_name = "N", default_value_t = 10)]
    hubs: usize,
    /// Print the rules that ship with tia, and do nothing else
    #[arg(long)]
    rules: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// Counts and hubs
    Text,
    /// Graphviz
    Dot,
    /// Nodes and edges
    Json,
}

impl GraphCommand {
    pub(super) fn run(&self, global: &Global, ui: &Ui) -> Result<ExitCode, CliError> {
        if self.rules {
            ui.data(DEFAULT_RULES.as_bytes())?;
            return Ok(ExitCode::Done);
        }
        let workspace = Workspace::open(&global.directory, global.no_cache)?;
        let graph = workspace.graph_at(self.at.as_deref(), ui)?;
        match self.format {
            Format::Text => ui.data(text::graph(&graph, self.hubs).as_bytes())?,
            Format::Dot => ui.data(text::dot(&graph).as_bytes())?,
            Format::Json => write_json(&json::graph(&graph), ui)?,
        }
        Ok(ExitCode::Done)
    }
}
