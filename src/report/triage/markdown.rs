//! A run's causes as Markdown: for a pull request, a job summary, a handover.

use std::fmt::Write;

use super::super::flaky::{counted, percent};
use super::super::history;
use super::{View, table, words};

/// So many failures of a cause are listed.
const TOLD: usize = 10;

/// The run as Markdown, one section a cause; the gate's answer first, where there is one.
pub fn text(view: &View) -> String {
    let mut out = String::new();
    if view.gate.is_some() {
        let _ = writeln!(out, "### tia gate {}\n", escaped(&table::answer(view)));
    } else {
        out.push_str("### tia triage\n\n");
    }
    let _ = writeln!(out, "{}\n", escaped(&table::title(view)));
    for note in &view.notes {
        let _ = writeln!(out, "> {}\n", escaped(note));
    }
    for cause in &view.causes {
        let _ = writeln!(
            out,
            "#### {}: {}\n\n`{}` · {}\n",
            cause.called(),
            counted(cause.failures.len(), "failure"),
            cause.title.replace('`', "'"),
            cause.id
        );
        if let Some((good, bad)) = &cause.range {
            match good {
                Some(good) => {
                    let _ = writeln!(
                        out,
                        "- last good {}, first bad {}",
                        good.words(),
                        bad.words()
                    );
                }
                None => {
                    let _ = writeln!(out, "- bad since {} at the latest", bad.words());
                }
            }
        }
        for suspect in cause.suspects.iter().take(3) {
            let _ = writeln!(
                out,
                "- suspect {} ({}): {}, {}",
                history::short(&suspect.commit),
                percent(suspect.probability),
                escaped(&suspect.subject),
                escaped(&suspect.author)
            );
        }
        for (what, command) in [("reproduce", &cause.reproduce), ("way back", &cause.revert)] {
            if let Some(command) = command {
                let _ = writeln!(out, "- {what}: `{}`", command.replace('`', "'"));
            }
        }
        out.push_str("\n| test | verdict | why |\n| --- | --- | --- |\n");
        for failure in cause.failures.iter().take(TOLD) {
            let mut why = words::evidence(&failure.judged);
            why.extend(
                failure
                    .judged
                    .alarms
                    .iter()
                    .map(|alarm| words::alarm(*alarm).to_owned()),
            );
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                escaped(&failure.name()),
                escaped(&words::verdict(&failure.judged)),
                escaped(&why.join("; "))
            );
        }
        let more = cause.failures.len().saturating_sub(TOLD);
        if more > 0 {
            let _ = writeln!(out, "\n… and {more} more.");
        }
        out.push('\n');
    }
    if let Some(gate) = &view.gate
        && !gate.missing.is_empty()
    {
        let _ = writeln!(
            out,
            "#### {} did not run\n",
            counted(gate.missing.len(), "test")
        );
        for name in gate.missing.iter().take(TOLD) {
            let _ = writeln!(out, "- {}", escaped(name));
        }
        let more = gate.missing.len().saturating_sub(TOLD);
        if more > 0 {
            let _ = writeln!(out, "- … and {more} more");
        }
    }
    out
}

/// Nothing in a name or a message is Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("@\u{200b}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing;

    #[test]
    fn a_pull_request_reads_the_answer_first() {
        insta::assert_snapshot!(super::text(&testing::gated()));
    }

    #[test]
    fn names_and_messages_are_no_markup() {
        assert_eq!(
            super::escaped("<b>a|b</b> @team `x`"),
            "&lt;b&gt;a\\|b&lt;/b&gt; @\u{200b}team \\`x\\`"
        );
    }
}
