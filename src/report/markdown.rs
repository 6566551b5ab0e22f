//! The report for a chat or a CI summary.
//!
//! GitHub cuts a summary at 1 MiB; lists here are short enough for any project. Names from reports are code spans, so that
//! nothing in them is taken for markup.

use std::fmt::Write;

use super::flaky::{Row, cost, counted, kind, percent, sure};
use super::moment;
use super::nightly::Nightly;

/// So many entries a list has.
const MOST: usize = 10;

/// Writes the report.
pub fn text(report: &Nightly) -> String {
    let mut out = format!("## {}\n\n", report.headline());
    let Some((first, last)) = report.flaky.span else {
        return out;
    };
    let (failures, price, reruns) = report.costs();
    let _ = writeln!(
        out,
        "{}{}, {} to {}, {}. {:.0} failures without cause cost {} of people's time and {} of reruns.\n",
        report
            .project
            .as_ref()
            .map(|project| format!("{}: ", code(project)))
            .unwrap_or_default(),
        counted(report.flaky.parts, "run"),
        moment::day(first),
        moment::day(last),
        counted(report.flaky.tests, "test"),
        failures,
        cost(price),
        cost(reruns)
    );
    changed(&mut out, report);
    list(
        &mut out,
        "Causes",
        &report.causes,
        report.more_causes,
        |cause| {
            format!(
                "{}: {} in {}, mostly {}",
                code(&cause.message),
                counted(cause.failures as usize, "failure"),
                counted(cause.tests as usize, "test"),
                cause.mostly()
            )
        },
    );
    let flaky: Vec<&Row> = report.called_flaky().collect();
    if !flaky.is_empty() {
        out.push_str("### Flaky tests\n\n| cost | failed | rate (95 % interval) | kind | test |\n| ---: | ---: | --- | --- | --- |\n");
        for row in flaky.iter().take(MOST) {
            let kinds: Vec<&str> = row.findings.iter().map(|f| kind(f.kind)).collect();
            let _ = writeln!(
                out,
                "| {} | {} of {} | {} ({} to {}) | {} | {} |",
                cost(row.cost()),
                row.failed,
                row.ran,
                percent(row.rate.mean.get()),
                percent(row.rate.low.get()),
                percent(row.rate.high.get()),
                kinds.join(", "),
                code(&row.name()).replace('|', "\\|")
            );
        }
        more(&mut out, flaky.len());
        out.push('\n');
    }
    list(
        &mut out,
        "Slower than before",
        &report.slower,
        0,
        |slower| {
            format!(
                "{}: {} → {}",
                code(&slower.test),
                moment::duration(slower.before),
                moment::duration(slower.after)
            )
        },
    );
    list(&mut out, "Quarantine", &report.review, 0, |review| {
        format!(
            "{}{}: {} (since {}, until {}{})",
            if review.alarm { "**alarm** " } else { "" },
            code(&review.test),
            review.why,
            review.since,
            review.until,
            match review.stays_before {
                0 => String::new(),
                before => format!(", {} before", counted(before, "stay")),
            }
        )
    });
    list(&mut out, "Missing reports", &report.alarms, 0, |alarm| {
        format!("{}: {}", code(&alarm.what), alarm.sentence)
    });
    if let Some(test) = &report.backtest
        && let Some(brier) = test.brier
    {
        let _ = writeln!(
            out,
            "### How far to believe this\n\nOn {} whose cause reruns and fixes told later, the Brier score is {brier:.3} \
             (0 is perfect, 0.25 is guessing).",
            counted((test.flakes + test.regressions) as usize, "failure")
        );
        if let Some(at) = test.thresholds.iter().find(|t| t.at == 0.9) {
            let _ = writeln!(
                out,
                "Of {} that were called flakes (90 % and up), {} were regressions.",
                at.right + at.wrong,
                at.wrong
            );
        }
        out.push('\n');
    }
    list(&mut out, "Not known", &report.unknown, 0, String::clone);
    out
}

fn changed(out: &mut String, report: &Nightly) {
    let changed = &report.changed;
    let rows =
        |list: &[usize]| -> Vec<&Row> { list.iter().filter_map(|at| report.row(*at)).collect() };
    list(out, "Broken now", &rows(&changed.broken), 0, |row| {
        let broken = row.broken.as_ref();
        format!(
            "{}: {}",
            code(&row.name()),
            broken
                .map(|broken| format!("{} sure, {}", sure(broken.now), broken.since()))
                .unwrap_or_default()
        )
    });
    list(out, "Newly flaky", &rows(&changed.new), 0, |row| {
        format!(
            "{}: failed {} of {}",
            code(&row.name()),
            row.failed,
            row.ran
        )
    });
    list(
        out,
        "Flakier than before",
        &rows(&changed.worse),
        0,
        |row| format!("{}: {}", code(&row.name()), percent(row.rate.mean.get())),
    );
    list(out, "No longer", &changed.fixed, 0, |(name, what)| {
        format!("{what}: {}", code(name))
    });
}

fn list<T>(out: &mut String, title: &str, items: &[T], beyond: usize, line: impl Fn(&T) -> String) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(out, "### {title}\n");
    for item in items.iter().take(MOST) {
        let _ = writeln!(out, "- {}", line(item));
    }
    more(out, items.len() + beyond);
    out.push('\n');
}

fn more(out: &mut String, all: usize) {
    if all > MOST {
        let _ = writeln!(out, "\n… and {} more", all - MOST);
    }
}

/// A code span, whatever backticks the text holds.
fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::super::nightly::testing;
    use super::*;

    #[test]
    fn the_report_reads_as_text() {
        insta::assert_snapshot!(text(&testing::nightly()));
    }

    #[test]
    fn nothing_in_a_name_is_markup() {
        assert_eq!(code("a*b"), "`a*b`");
        assert_eq!(code("a`b``c\n"), "``` a`b``c  ```");
    }

    #[test]
    fn an_empty_report_is_its_headline() {
        let text = text(&Nightly::default());
        assert_eq!(
            text,
            "## No test is flaky or broken, as far as this past tells.\n\n"
        );
    }
}
