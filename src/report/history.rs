//! The past of tests and runs for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::moment;
use crate::model::{PastPart, Seconds, Seen, Status, TestId, Variant};

/// One outcome of a test, with the part of a run that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// The part.
    pub part: &'a PastPart,
    /// What set this execution apart.
    pub variant: &'a Variant,
    /// What was seen.
    pub seen: Seen,
}

/// A failure with its message.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// The part.
    pub part: &'a PastPart,
    /// The test.
    pub test: &'a TestId,
    /// How it ended.
    pub status: Status,
    /// What the producer says.
    pub message: &'a str,
}

/// So many outcomes stand on one line.
const LINE: usize = 50;
/// So many stand together.
const GROUP: usize = 10;

/// What the letters of a line mean.
pub const LEGEND: &str =
    "P passed, R passed on a retry, F failed, E errored, S skipped, D switched off";

/// One letter for an outcome; see [`LEGEND`].
pub fn letter(seen: Seen) -> char {
    if seen.is_flaky() {
        'R'
    } else {
        seen.status.letter()
    }
}

/// One test's whole past: counts, durations, its line of outcomes on each branch and in each variant.
pub fn test(test: &TestId, outcomes: &[Outcome<'_>], told: &[Told<'_>]) -> String {
    let mut out = format!("{test}\n");
    if let (Some(first), Some(last)) = (outcomes.first(), outcomes.last()) {
        let _ = writeln!(
            out,
            "  {} results, {} to {}",
            outcomes.len(),
            moment::day(first.part.start),
            moment::day(last.part.start)
        );
    }
    let _ = writeln!(out, "  {}", counts(outcomes));
    if let Some(line) = durations(outcomes) {
        let _ = writeln!(out, "  {line}");
    }
    let mut lines: BTreeMap<(&str, &Variant), Vec<&Outcome<'_>>> = BTreeMap::new();
    for outcome in outcomes {
        let branch = outcome.part.context.branch.as_deref().unwrap_or_default();
        lines
            .entry((branch, outcome.variant))
            .or_default()
            .push(outcome);
    }
    for ((branch, variant), outcomes) in lines {
        let mut title = match branch {
            "" => "no branch named".to_owned(),
            branch => format!("on {branch}"),
        };
        if !variant.is_empty() {
            let _ = write!(title, ", {variant}");
        }
        let _ = writeln!(out, "\n  {title}, oldest first");
        for row in outcomes.chunks(LINE) {
            let letters: String = row.iter().map(|outcome| letter(outcome.seen)).collect();
            let _ = writeln!(
                out,
                "    {}  {}",
                moment::day(row[0].part.start),
                grouped(&letters)
            );
        }
    }
    let _ = writeln!(out, "\n  {LEGEND}");
    if !told.is_empty() {
        let _ = writeln!(out, "\n  newest failures");
        for told in told {
            let commit = told.part.context.commit.as_deref().unwrap_or_default();
            let _ = writeln!(
                out,
                "    {}  {}  {}",
                moment::minute(told.part.start),
                short(commit),
                first_line(told.message)
            );
        }
    }
    out
}

fn grouped(letters: &str) -> String {
    let groups: Vec<&str> = letters
        .as_bytes()
        .chunks(GROUP)
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(" ")
}

fn counts(outcomes: &[Outcome<'_>]) -> String {
    let count = |wanted: char| {
        outcomes
            .iter()
            .filter(|outcome| letter(outcome.seen) == wanted)
            .count()
    };
    let (bad, ran) = (
        count('F') + count('E'),
        count('P') + count('R') + count('F') + count('E'),
    );
    let mut text = format!("{} passed", count('P'));
    for (wanted, word) in [
        ('R', "passed on a retry"),
        ('F', "failed"),
        ('E', "errored"),
        ('S', "skipped"),
        ('D', "switched off"),
    ] {
        let count = count(wanted);
        if count > 0 {
            let _ = write!(text, ", {count} {word}");
        }
    }
    if ran > 0 {
        let _ = write!(
            text,
            "; {:.1} % of {ran} ended badly",
            100.0 * bad as f64 / ran as f64
        );
    }
    text
}

fn durations(outcomes: &[Outcome<'_>]) -> Option<String> {
    let mut known: Vec<Seconds> = outcomes
        .iter()
        .filter(|outcome| outcome.seen.status.is_run())
        .filter_map(|outcome| outcome.seen.duration.seconds())
        .collect();
    known.sort_by(|a, b| a.get().total_cmp(&b.get()));
    let at = |share: f64| known.get(((known.len() as f64 - 1.0) * share).round() as usize);
    let (middle, high, longest) = (at(0.5)?, at(0.95)?, known.last()?);
    Some(format!(
        "takes {} in the median, {} in the slowest twentieth, {} at most",
        moment::duration(*middle),
        moment::duration(*high),
        moment::duration(*longest)
    ))
}

/// Parts of runs, one a line, oldest first.
pub fn parts(parts: &[PastPart]) -> String {
    let mut rows = vec![
        [
            "part", "run", "began", "commit", "branch", "job", "ran", "bad", "retried",
        ]
        .map(String::from),
    ];
    for part in parts {
        let context = &part.context;
        let mut job = context.job.clone().unwrap_or_default();
        if let Some(shard) = &context.shard {
            let _ = write!(job, " {shard}");
        }
        if let Some(attempt) = context.attempt.filter(|attempt| *attempt > 1) {
            let _ = write!(job, " try {attempt}");
        }
        rows.push([
            part.part.0.to_string(),
            context.run_id.clone().unwrap_or_default(),
            moment::minute(part.start),
            short(context.commit.as_deref().unwrap_or_default()).to_owned(),
            context.branch.clone().unwrap_or_default(),
            job.trim().to_owned(),
            part.ran.to_string(),
            format!(
                "{}{}",
                part.bad,
                if part.complete { "" } else { " (cut off)" }
            ),
            part.flaky.to_string(),
        ]);
    }
    table(&rows)
}

/// One part of a run with its failures.
pub fn part(part: &PastPart, told: &[Told<'_>]) -> String {
    let mut out = parts(std::slice::from_ref(part));
    for (name, value) in part.context.all() {
        let _ = writeln!(out, "  {name} = {value}");
    }
    for told in told {
        let _ = writeln!(
            out,
            "{} {}\n    {}",
            told.status.letter(),
            told.test,
            first_line(told.message)
        );
    }
    out
}

/// Columns as wide as their widest cell; what is a number in every row stands to the right.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<&[String]> = rows.iter().map(|row| row.as_slice()).collect();
    columns(&rows)
}

/// [`table`] for any number of columns, all rows with as many.
pub fn columns(rows: &[&[String]]) -> String {
    let count = rows.first().map_or(0, |row| row.len());
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let numeric: Vec<bool> = (0..count)
        .map(|column| {
            rows.len() > 1
                && rows[1..]
                    .iter()
                    .all(|row| row[column].parse::<f64>().is_ok() || row[column].is_empty())
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            let cell = cell.replace(char::is_control, "\u{fffd}");
            if numeric[column] {
                let _ = write!(line, "{pad}{cell}  ");
            } else {
                let _ = write!(line, "{cell}{pad}  ");
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The first twelve characters of a commit id.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

pub(crate) fn first_line(message: &str) -> String {
    let line = message.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or("(no message)").trim();
    let mut text: String = line.chars().take(160).collect();
    if text.len() < line.len() {
        text.push('…');
    }
    text
}
