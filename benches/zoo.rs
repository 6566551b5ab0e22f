//! Does the reader count what a manifest of many producers' reports counts?
//!
//! ```sh
//! cargo bench --bench zoo -- DIRECTORY MANIFEST.csv [PART_OF_A_NAME]
//! ```
//!
//! The manifest has a line per file of the directory with, by name of column, `file`, `testcases`, `passed`, `failed`,
//! `errored`, `skipped`, `flaky_tests`, `flaky_elements`, `rerun_elements` and `expected`. It counts elements; this reader
//! joins attempts and keeps set-up apart, so differences are listed with the issues that explain them, not judged.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to the terminal"
)]

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use tia::junit::{Hints, Limits, Report, SET_UP, read};
use tia::model::Status;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let (directory, manifest, part) = match args.as_slice() {
        [directory, manifest] => (directory, manifest, ""),
        [directory, manifest, part] => (directory, manifest, part.as_str()),
        _ => {
            eprintln!("usage: cargo bench --bench zoo -- DIRECTORY MANIFEST.csv [PART_OF_A_NAME]");
            return ExitCode::SUCCESS;
        }
    };
    let Ok(text) = std::fs::read_to_string(manifest) else {
        eprintln!("{manifest}: cannot be read");
        return ExitCode::FAILURE;
    };
    let mut rows = table(&text).into_iter();
    let columns = rows.next().unwrap_or_default();
    let (mut same, mut other) = (0, 0);
    let mut producers: BTreeMap<String, u32> = BTreeMap::new();
    for row in rows {
        let row: BTreeMap<&str, &str> = columns
            .iter()
            .map(String::as_str)
            .zip(row.iter().map(String::as_str))
            .collect();
        if !row["file"].contains(part) {
            continue;
        }
        let read = read_file(&Path::new(directory).join(row["file"]), row["file"]);
        let (producer, found) = match &read {
            Ok(report) => (report.producer, counts(report)),
            Err(message) => ("unreadable", message.clone()),
        };
        *producers
            .entry(format!("{} as {producer}", row["producer"]))
            .or_default() += 1;
        let number = |column: &str| row[column].parse::<usize>().unwrap_or(0);
        let wanted = format!(
            "{} tests: {} passed, {} failed, {} errored, {} skipped; {} flaky; {} earlier",
            number("testcases"),
            number("passed"),
            number("failed"),
            number("errored"),
            number("skipped"),
            number("flaky_tests"),
            number("flaky_elements") + number("rerun_elements"),
        );
        let is_loud = match &read {
            Ok(report) => !report.well_formed || !report.complete,
            Err(_) => true,
        };
        let is_same = match row["expected"] {
            "error" => is_loud,
            "accept-empty" => read.is_ok() && found == wanted,
            _ => found == wanted && !is_loud,
        };
        if is_same {
            same += 1;
        }
        if !is_same || !part.is_empty() {
            other += u32::from(!is_same);
            println!("{} ({producer}, {})", row["file"], row["expected"]);
            println!("  manifest {wanted}\n  reader   {found}");
            for issue in read.iter().flat_map(|report| &report.issues).take(12) {
                println!("    {issue}");
            }
        }
    }
    for (name, count) in producers {
        println!("{count:4} {name}");
    }
    println!("{same} as the manifest counts, {other} not");
    ExitCode::SUCCESS
}

fn read_file(path: &Path, name: &str) -> Result<Report, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let hints = Hints {
        file: name,
        ..Hints::default()
    };
    read(BufReader::new(file), &hints, &Limits::default()).map_err(|error| error.to_string())
}

fn counts(report: &Report) -> String {
    let results = report.results.iter();
    let tests: Vec<_> = results
        .filter(|result| result.test.name() != SET_UP)
        .collect();
    let count = |status| {
        tests
            .iter()
            .filter(|result| result.status == status)
            .count()
    };
    format!(
        "{} tests: {} passed, {} failed, {} errored, {} skipped; {} flaky; {} earlier",
        tests.len(),
        count(Status::Passed),
        count(Status::Failed),
        count(Status::Errored),
        count(Status::Skipped) + count(Status::Disabled),
        tests.iter().filter(|result| result.is_flaky()).count(),
        tests
            .iter()
            .map(|result| result.earlier.len())
            .sum::<usize>(),
    )
}

/// Rows of comma-separated values with quotes.
fn table(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .map(|line| {
            let mut cells = vec![String::new()];
            let mut is_quoted = false;
            for c in line.chars() {
                match c {
                    '"' => is_quoted = !is_quoted,
                    ',' if !is_quoted => cells.push(String::new()),
                    c => cells.last_mut().expect("one is there").push(c),
                }
            }
            cells
        })
        .collect()
}
