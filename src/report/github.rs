//! GitHub Actions: step outputs and a job summary.

use std::fmt::Write;

use super::json::Compared;
use super::text;
use crate::select::runner;
use crate::select::{Outcome, Selection};

/// The lines for the file that `GITHUB_OUTPUT` names: `outcome`, `count`, and the arguments of each runner.
///
/// `delimiter` must not occur in the arguments; whoever calls makes one up.
pub fn outputs(selection: &Selection, delimiter: &str) -> String {
    let outcome = match selection.outcome() {
        Outcome::Nothing => "nothing",
        Outcome::Some => "some",
        Outcome::Everything => "everything",
    };
    let mut out = format!("outcome={outcome}\ncount={}\n", selection.selected().len());
    for format in runner::all() {
        let lines: Vec<String> = format
            .render(selection)
            .iter()
            .map(|line| text::quoted(line).into_owned())
            .collect();
        writeln!(
            out,
            "{}<<{delimiter}\n{}\n{delimiter}",
            format.name(),
            lines.join("\n")
        )
        .expect("a string takes all");
    }
    out
}

/// How many lines of a list are shown.
const LISTED: usize = 200;

/// The Markdown for the file that `GITHUB_STEP_SUMMARY` names.
pub fn summary(selection: &Selection, compared: Compared<'_>) -> String {
    let Compared { base, head, .. } = compared;
    let mut out = format!(
        "### Affected tests\n\n{} ({base} → {head})\n",
        text::summary(selection)
    );
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            write!(
                out,
                "\n<details><summary>{title} ({})</summary>\n\n",
                lines.len()
            )
            .expect("a string takes all");
            for line in lines.iter().take(LISTED) {
                writeln!(out, "- {line}").expect("a string takes all");
            }
            out.push_str("\n</details>\n");
        }
    };
    list("Fallbacks", text::fallbacks(selection));
    let tests = selection.selected().iter().take(LISTED).map(|s| {
        let why = text::reason(&s.reason, compared.base_graph, compared.head_graph)
            .pop()
            .unwrap_or_default();
        format!("`{}`: {why}", s.suite)
    });
    list("Tests", tests.collect());
    list("Changes that affect nothing", text::inert(selection));
    out
}
