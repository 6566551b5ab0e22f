//! The ranked table for people.

use std::fmt::Write;

use super::{CALLED, Called, MENTIONED, Row, View, cost, counted, kind, percent, sure};
use crate::report::{history, moment};

/// The eight heights of a line, lowest first.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The table: costs first, then what is broken now, then what the words mean. At most `limit` tests of each sort.
pub fn table(view: &View, limit: usize) -> String {
    let mut out = String::new();
    let Some((first, last)) = view.span else {
        return out;
    };
    let _ = writeln!(
        out,
        "{}, {} to {}: {} ran, {} failed at least once",
        counted(view.parts, "run"),
        moment::day(first),
        moment::day(last),
        counted(view.tests, "test"),
        view.failing
    );
    if view.outages > 0 {
        let _ = writeln!(
            out,
            "{} hit by an outage: failures there count against no test",
            match view.outages {
                1 => "1 run was".to_owned(),
                n => format!("{n} runs were"),
            }
        );
    }
    for note in &view.notes {
        let _ = writeln!(out, "note: {note}");
    }
    let flaky: Vec<&Row> = view.rows.iter().filter(|row| is_listed(row)).collect();
    let broken: Vec<&Row> = view
        .rows
        .iter()
        .filter(|row| matches!(row.called(), Called::Broken | Called::Both))
        .collect();
    if flaky.is_empty() {
        let _ = writeln!(
            out,
            "\nNo test fails without cause, as far as this past tells."
        );
    } else {
        out.push('\n');
        out.push_str(&ranked(&flaky[..flaky.len().min(limit)]));
        more(&mut out, flaky.len(), limit);
    }
    if !broken.is_empty() {
        let _ = writeln!(out, "\nbroken now");
        for row in broken.iter().take(limit) {
            let Some(now) = &row.broken else { continue };
            let branch = now.branch.as_deref().unwrap_or("a branch without a name");
            let _ = writeln!(out, "  {}", row.name());
            let _ = writeln!(
                out,
                "      {} sure on {branch}: {}",
                sure(now.now),
                now.since()
            );
        }
        more(&mut out, broken.len(), limit);
    }
    let other = view.rows.len() - flaky.len() - broken.iter().filter(|row| !is_listed(row)).count();
    if other > 0 {
        let _ = writeln!(
            out,
            "\n{} failed for causes that are gone (a regression that was repaired, an outage); `--format csv` lists all",
            counted(other, "other test")
        );
    }
    if !flaky.is_empty() {
        let _ = writeln!(
            out,
            "\ncost: failures without cause × people blocked ({}) × time of a rerun\n\
             flaky: how sure it is that some failure had no cause; {} and up is called flaky\n\
             rate: how often it fails without cause now, with its 95 % interval",
            view.people.definition(),
            percent(CALLED)
        );
    }
    out
}

/// Whether a row stands in the ranked table: what is at least as likely flaky as not.
fn is_listed(row: &Row) -> bool {
    row.flaked.get() >= MENTIONED
}

fn more(out: &mut String, all: usize, limit: usize) {
    if all > limit {
        let _ = writeln!(out, "… and {} more; `-n {all}` prints all", all - limit);
    }
}

fn ranked(rows: &[&Row]) -> String {
    let mut cells = vec![
        [
            "cost",
            "failed",
            "flaky",
            "rate",
            "95 % interval",
            "past",
            "kind",
            "test",
        ]
        .map(String::from),
    ];
    for row in rows {
        cells.push([
            cost(row.cost()),
            format!("{} of {}", row.failed, row.ran),
            sure(row.flaked),
            percent(row.rate.mean.get()),
            format!(
                "{} to {}",
                percent(row.rate.low.get()),
                percent(row.rate.high.get())
            ),
            line(&row.line),
            kinds(row),
            format!(
                "{}{}",
                row.name(),
                if row.called() == Called::Both {
                    " (broken now)"
                } else {
                    ""
                }
            ),
        ]);
    }
    let table = history::table(&cells);
    let mut out = String::new();
    let mut lines = table.lines();
    if let Some(head) = lines.next() {
        let _ = writeln!(out, "{head}");
    }
    for (line, row) in lines.zip(rows) {
        let _ = writeln!(out, "{line}");
        for finding in &row.findings {
            let _ = writeln!(out, "      {}: {}", kind(finding.kind), finding.sentence);
        }
        if !row.owners.is_empty() {
            let _ = writeln!(out, "      owned by {}", row.owners.join(", "));
        }
    }
    out
}

/// The kinds of a row, strongest first; `-` for none.
pub fn kinds(row: &Row) -> String {
    let mut names: Vec<&str> = Vec::new();
    for finding in &row.findings {
        if !names.contains(&kind(finding.kind)) {
            names.push(kind(finding.kind));
        }
    }
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(", ")
    }
}

/// Shares of bad results as a line: the higher, the more; a dot where the test did not run.
pub fn line(shares: &[Option<f32>]) -> String {
    let height = |share: &Option<f32>| match share {
        None => '·',
        Some(share) if *share <= 0.0 => HEIGHTS[0],
        Some(share) => HEIGHTS[(1.0 + share * 6.0).round().clamp(1.0, 7.0) as usize],
    };
    shares.iter().map(height).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn the_table_ranks_explains_and_defines() {
        insta::assert_snapshot!(table(&testing::view(), 30));
    }

    #[test]
    fn nothing_flaky_is_a_sentence() {
        let mut view = testing::view();
        view.rows.clear();
        let text = table(&view, 30);
        assert!(text.contains("No test fails without cause"), "{text}");
        assert!(!text.contains("cost:"), "{text}");
    }

    #[test]
    fn a_single_failure_is_seen_in_the_line() {
        assert_eq!(line(&[Some(0.0), Some(0.01), Some(1.0), None]), "▁▂█·");
    }

    #[test]
    fn what_is_cut_off_is_counted() {
        let mut view = testing::view();
        view.rows = vec![testing::row("a", 2.0), testing::row("b", 1.0)];
        assert!(table(&view, 1).contains("and 1 more"));
    }
}
