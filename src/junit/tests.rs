//! Whole reports: every fixture with its snapshot, and what holds for any bytes.

use std::fmt::Write;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::model::{Failure, Status};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/junit")
}

/// All fixtures as `(folder, name, bytes)`, in order.
fn fixtures() -> Vec<(String, String, Vec<u8>)> {
    let mut found = Vec::new();
    let folders = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for folder in folders.filter(|path| path.is_dir()) {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
            let names = (
                text(folder.file_name().unwrap()),
                text(path.file_name().unwrap()),
            );
            found.push((names.0, names.1, std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

fn read_bytes(bytes: &[u8], file: &str) -> Result<Report, Unreadable> {
    let hints = Hints {
        file,
        ..Hints::default()
    };
    read(bytes, &hints, &Limits::default())
}

fn failures(out: &mut String, failures: &[Failure]) {
    for failure in failures {
        let line: String = failure.stack.chars().take(60).collect();
        let _ = writeln!(
            out,
            "      {:?} {:?} {line:?}",
            failure.kind, failure.message
        );
    }
}

/// A report for people.
fn shown(report: &Report) -> String {
    let mut out = format!("{} {:?}", report.producer, report.name);
    for (is, word) in [
        (report.in_order, "in order"),
        (!report.complete, "CUT"),
        (!report.well_formed, "NOT WELL-FORMED"),
        (report.says_when, "says when"),
    ] {
        if is {
            let _ = write!(out, ", {word}");
        }
    }
    if let Some(duration) = report.duration {
        let _ = write!(out, ", {} s", duration.get());
    }
    if report.errors_outside_tests > 0 {
        let _ = write!(out, ", {} errors outside", report.errors_outside_tests);
    }
    if let Some(start) = report.context.start {
        let _ = write!(out, ", start {}", start.0);
    }
    out.push('\n');
    for (name, value) in report.context.all() {
        let _ = writeln!(out, "  {name} = {value}");
    }
    for result in &report.results {
        let _ = write!(out, "  {} {}", result.status.letter(), result.test);
        if let Some(variant) = &result.variant {
            let _ = write!(out, " {{{variant}}}");
        }
        if let Some(duration) = result.duration {
            let _ = write!(out, " {} s", duration.get());
        }
        if result.unordered {
            out.push_str(" unordered");
        }
        out.push('\n');
        failures(&mut out, &result.failures);
        for attempt in &result.earlier {
            let _ = writeln!(out, "    earlier {}", attempt.status.letter());
            failures(&mut out, &attempt.failures);
        }
    }
    for issue in &report.issues {
        let _ = writeln!(out, "  {issue}");
    }
    out
}

#[test]
fn every_fixture_is_read_as_it_was() {
    let mut folders: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for (folder, name, bytes) in fixtures() {
        let text = match read_bytes(&bytes, &name) {
            Ok(report) => shown(&report),
            Err(error) => format!("{error}\n"),
        };
        let _ = write!(folders.entry(folder).or_default(), "== {name}\n{text}");
    }
    for (folder, text) in folders {
        insta::assert_snapshot!(folder, text);
    }
}

#[test]
fn every_fixture_is_known_by_its_folder() {
    for (folder, name, bytes) in fixtures() {
        // an export says who wrote the reports that it was made from
        let producer = if folder == "tia" { "generic" } else { &folder };
        if folder != "invalid" {
            let report = read_bytes(&bytes, &name).unwrap();
            assert_eq!(report.producer, producer, "{name}");
        }
    }
}

#[test]
fn the_three_dialects_of_pytest_name_the_same_tests() {
    let ids = |name: &str| {
        let bytes = std::fs::read(root().join("pytest").join(name)).unwrap();
        let report = read_bytes(&bytes, name).unwrap();
        let mut ids: Vec<_> = report.results.iter().map(|r| r.test.clone()).collect();
        ids.truncate(2);
        ids
    };
    assert_eq!(ids("xunit1.xml"), ids("xunit2.xml"));
}

#[test]
fn nothing_and_something_else_are_loud() {
    for (bytes, expected) in [
        (&b""[..], "the report is empty"),
        (b" \n\t", "the report is empty"),
        (b"hello", "no report but \"hello\""),
        (b"\x89PNG\r\n", "no report but \"\u{fffd}PNG\\r\\n\""),
        (
            b"<html><body/></html>",
            "no test report but XML with the root `html` and without a test suite or case",
        ),
        (b"<testsu", "no report but no element that is whole"),
        (
            b"{\"a\": 1}",
            "no test report but JSON that starts with \"{\\\"a\\\": 1}\"",
        ),
    ] {
        assert_eq!(read_bytes(bytes, "").unwrap_err().to_string(), expected);
    }
}

#[test]
fn no_tests_is_never_green() {
    let report = read_bytes(b"<testsuites/>", "").unwrap();
    assert!(report.results.is_empty());
    assert_eq!(report.issues.len(), 1);
}

/// A reader of `head`, then `times` times `middle`, then `tail`.
fn long<'a>(head: &'a str, middle: &'a [u8], times: u64, tail: &'a str) -> impl BufRead + 'a {
    use std::io::Read;
    let repeated = Repeated {
        middle,
        at: 0,
        left: times,
    };
    BufReader::with_capacity(
        1 << 16,
        head.as_bytes().chain(repeated).chain(tail.as_bytes()),
    )
}

struct Repeated<'a> {
    middle: &'a [u8],
    at: usize,
    left: u64,
}

impl std::io::Read for Repeated<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let rest = &self.middle[self.at..];
        let take = rest.len().min(buffer.len());
        buffer[..take].copy_from_slice(&rest[..take]);
        self.at += take;
        if self.at == self.middle.len() {
            self.at = 0;
            self.left -= 1;
        }
        Ok(take)
    }
}

#[test]
fn long_values_keep_head_and_tail_and_stay_apart() {
    let name = |middle: &'static [u8]| {
        let source = long(
            "<testsuite><testcase classname='c' name='head ",
            middle,
            500_000,
            " tail'/></testsuite>",
        );
        let report = read(source, &Hints::default(), &Limits::default()).unwrap();
        report.results[0].test.name().to_owned()
    };
    let (one, other) = (name(b"0123456789"), name(b"0123456798"));
    assert!(one.starts_with("head 0123456789") && one.len() < 70_000);
    assert_ne!(one, other);
}

#[test]
fn a_value_that_was_cut_is_told() {
    let source = long(
        "<testsuite><testcase x='",
        b"y",
        200_000,
        "' name='a'/></testsuite>",
    );
    let report = read(source, &Hints::default(), &Limits::default()).unwrap();
    assert_eq!(report.results.len(), 1);
    let told = |issue: &Issue| issue.text.contains("cut to head and tail");
    assert_eq!(report.issues.iter().filter(|issue| told(issue)).count(), 1);
    let source = long(
        "<testsuite><testcase x='",
        b"y",
        60_000,
        "' name='a'/></testsuite>",
    );
    let report = read(source, &Hints::default(), &Limits::default()).unwrap();
    assert!(!report.issues.iter().any(told));
}

#[test]
fn a_million_open_elements_are_counted_and_no_more() {
    let source = long("<testsuite><testcase name='a'/>", b"<x>", 1_000_000, "");
    let report = read(source, &Hints::default(), &Limits::default()).unwrap();
    assert_eq!(report.results.len(), 1);
    assert!(!report.complete);
    assert!(
        report
            .issues
            .iter()
            .any(|issue| issue.text.contains("100 deep"))
    );
}

#[test]
fn long_output_keeps_head_and_tail() {
    let source = long(
        "<testsuite><testcase name='a'><failure>first &amp; ",
        b"line &lt;\n",
        1_000_000,
        "last</failure></testcase></testsuite>",
    );
    let report = read(source, &Hints::default(), &Limits::default()).unwrap();
    let stack = &report.results[0].failures[0].stack;
    assert!(stack.starts_with("first & line <\n") && stack.ends_with("line <\nlast"));
    assert!(stack.len() < 70_000 && stack.contains("bytes left out"));
}

#[test]
fn windows_hold_what_the_whole_holds() {
    let mut text = String::from("<testsuite>");
    for index in 0..25 {
        let _ = write!(text, "<testcase classname='c' name='t{index}'/>");
    }
    text.push_str("</testsuite>");
    let whole = read_bytes(text.as_bytes(), "").unwrap();
    let mut windows = Vec::new();
    let limits = Limits {
        window: 2500,
        ..Limits::default()
    };
    let mut each = |window| windows.push(window);
    let report = read_windows(text.as_bytes(), &Hints::default(), &limits, &mut each).unwrap();
    assert!(report.results.is_empty());
    assert!(windows.len() > 2 && windows.iter().all(|window| window.len() < 20));
    assert_eq!(windows.concat(), whole.results);
}

/// How many tests ran and how many went badly.
fn outcome(report: &Report) -> (usize, usize) {
    let bad = report
        .results
        .iter()
        .filter(|result| result.status.is_bad());
    (report.results.len(), bad.count())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cutting_a_report_keeps_what_was_closed_or_had_failed_and_says_so(share in 0.0f64..1.0) {
        let mut text = String::from("<testsuites><testsuite name='s' tests='9'>");
        let mut closed = Vec::new();
        for index in 0..9 {
            let bad = if index % 3 == 0 { "<failure message='&lt;é'>x</failure>" } else { "" };
            let _ = write!(text, "<testcase classname='c' name='é{index}' time='0.1'>{bad}</testcase>");
            let behind = text.len() - if bad.is_empty() { 0 } else { "</testcase>".len() };
            closed.push(behind);
        }
        text.push_str("</testsuite></testsuites>");
        let cut = (text.len() as f64 * share) as usize;
        match read_bytes(&text.as_bytes()[..cut], "") {
            Ok(report) => {
                prop_assert!(!report.complete);
                let kept = closed.iter().filter(|end| **end <= cut).count();
                prop_assert_eq!(outcome(&report), (kept, kept.div_ceil(3)));
            }
            Err(_) => prop_assert!(cut < "<testsuites>".len()),
        }
    }

    #[test]
    fn damaged_reports_are_read_without_a_panic(
        which in any::<proptest::sample::Index>(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0u8..4), 1..12),
    ) {
        let all = fixtures();
        let (_, name, bytes) = &all[which.index(all.len())];
        let mut bytes = bytes.clone();
        for (at, byte, kind) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"<>&\"'/="[usize::from(byte) % 7]),
                2 => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len()))),
                _ => bytes.extend_from_within(at..(at + usize::from(byte)).min(bytes.len())),
            }
        }
        if let Ok(report) = read_bytes(&bytes, name) {
            let mut seen = std::collections::HashSet::new();
            for result in &report.results {
                prop_assert!(seen.insert((result.test.clone(), result.variant.clone())), "{} comes twice", result.test);
                prop_assert!(result.status != Status::Passed || result.failures.is_empty());
            }
        }
    }
}
