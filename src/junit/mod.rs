//! Readers of test reports as they are in the wild: JUnit XML in all dialects, libtest's JSON, and `go test -json`.
//!
//! [`read`] takes bytes and gives a [`Report`]: results whose attempts are joined, what is known of the run, and an
//! [`Issue`] for each oddity. It streams; memory is bounded by [`Limits`], not by the report. What a producer means is in
//! `junit::dialect`, one file per kind.
//!
//! What is no test (set-up, hooks, initialisation, collection, a build) becomes no test: where it failed, it is counted in
//! [`Report::errors_outside_tests`] and its failure is kept as a result with the reserved name [`SET_UP`] under its class.
//!
//! Not seen here: tests that a report does not list, tries that a producer hides, attempts in sibling files of one run.

mod context;
mod dialect;
mod go_json;
mod issue;
mod libtest_json;
mod lines;
mod moment;
mod number;
mod pieces;
mod raw;
mod repeats;
mod result;
mod results;
mod source;
mod tag;
#[cfg(test)]
mod tests;
mod text;
mod xml;

use std::io::{self, BufRead};

use crate::model::{RunContext, Seconds, Source as StoredSource, TestResult};

pub use dialect::SET_UP;
pub use issue::{Issue, Level, Place};
pub use repeats::Repeats;

use issue::Issues;
use pieces::Pieces;
use results::{Each, Results};
use source::Source;

/// What one report says.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Who wrote it: the name of a dialect, or `libtest-json`, `go-json`; `generic` for nobody known.
    pub producer: &'static str,
    /// The name of the root, or nothing.
    pub name: String,
    /// What is known of the run, from properties on an allow-list.
    pub context: RunContext,
    /// How long it took as a whole, where the report says so.
    pub duration: Option<Seconds>,
    /// The results, attempts joined, each pair of test and variant once, in document order.
    pub results: Vec<TestResult>,
    /// Document order is order of execution for this producer.
    pub in_order: bool,
    /// `false` for a report that ends too early.
    pub complete: bool,
    /// `false` for XML that a strict parser refuses; everything that was understood is here all the same.
    pub well_formed: bool,
    /// It carries a timestamp or an id of its own, so equal bytes are the same run.
    pub says_when: bool,
    /// Failures that belong to no test; also in `results`, under [`SET_UP`], where the report shows them.
    pub errors_outside_tests: u32,
    /// What repeated tests mean for this producer, here and in sibling files of one run.
    pub repeats: Repeats,
    /// The reports that this one was made from, for one that `tia db export` wrote.
    pub sources: Vec<StoredSource>,
    /// What was odd; the last one counts those beyond [`Limits::issues`].
    pub issues: Vec<Issue>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            producer: "generic",
            name: String::new(),
            context: RunContext::default(),
            duration: None,
            results: Vec::new(),
            in_order: false,
            complete: true,
            well_formed: true,
            says_when: false,
            errors_outside_tests: 0,
            repeats: Repeats::Unknown,
            sources: Vec::new(),
            issues: Vec::new(),
        }
    }
}

/// What is known of a report besides its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// Its path as given, with forward slashes: some producers are told by it.
    pub file: &'a str,
    /// The offset, in seconds east of UTC, of timestamps that name no zone.
    pub zone: i32,
    /// Properties that are kept besides those on the allow-list, each with the attribute that it becomes.
    pub properties: &'a [(String, String)],
}

/// How much of a report is kept.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep elements may stand; deeper ones are passed over. Default 100.
    pub depth: usize,
    /// Bytes of an attribute, head and tail; default 65,536.
    pub attribute: usize,
    /// Bytes of a stack or an output, head and tail; default 65,536.
    pub text: usize,
    /// Issues that are listed; default 1,000.
    pub issues: usize,
    /// Bytes of results that [`read_windows`] holds at a time, about; default 8 MiB, some 30,000 plain results.
    pub window: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 100,
            attribute: 1 << 16,
            text: 1 << 16,
            issues: 1000,
            window: 8 << 20,
        }
    }
}

/// Why a report could not be used at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// There is nothing in it.
    #[error("the report is empty")]
    Empty,
    /// It is neither XML nor a stream of JSON.
    #[error("no report but {found}")]
    NotXml {
        /// What is there instead.
        found: String,
    },
    /// It is XML or JSON of another kind.
    #[error("no test report but {found}")]
    NotJunit {
        /// What is there instead.
        found: String,
    },
    /// It could not be read.
    #[error("the report could not be read")]
    Io(#[from] io::Error),
}

/// Reads one whole report of any kind: JUnit XML, libtest's JSON, `go test -json`.
///
/// Fails when there is no report in the bytes, or they cannot be read. A report that ends too early is no failure: it is
/// [`Report::complete`] no more. Cost: linear; memory grows with the results.
pub fn read(
    source: impl BufRead,
    hints: &Hints<'_>,
    limits: &Limits,
) -> Result<Report, Unreadable> {
    read_all(source, hints, limits, None)
}

/// The same for reports of any size: results are handed to `each` in windows of about [`Limits::window`] bytes, and
/// [`Report::results`] is empty. Repeats of a test are told apart within a window. Memory is bounded by the limits.
pub fn read_windows(
    source: impl BufRead,
    hints: &Hints<'_>,
    limits: &Limits,
    each: &mut dyn FnMut(Vec<TestResult>),
) -> Result<Report, Unreadable> {
    read_all(source, hints, limits, Some(each))
}

fn read_all(
    source: impl BufRead,
    hints: &Hints<'_>,
    limits: &Limits,
    each: Option<Each<'_>>,
) -> Result<Report, Unreadable> {
    let source = Source::open(source)?;
    let mut issues = Issues::new(limits.issues);
    if let Some(label) = &source.unknown {
        let text = format!("the encoding {label:?} is not known; UTF-8 was assumed");
        issues.add(Level::Repaired, Place::default, text);
    }
    let mut pieces = Pieces::new(source, limits.attribute);
    let results = Results::new(each, limits.window);
    match format(&mut pieces)? {
        Format::Xml => xml::read(pieces, hints, limits, issues, results),
        Format::Json => lines::read(pieces, limits, issues, results),
    }
}

/// What a report is written in.
enum Format {
    Xml,
    Json,
}

/// Told by the first line that begins as one of them; there may be talk before it.
fn format<R: BufRead>(pieces: &mut Pieces<R>) -> Result<Format, Unreadable> {
    let head = pieces.peek(1 << 16)?;
    if head.trim_ascii().is_empty() {
        return Err(Unreadable::Empty);
    }
    for line in head.split(|byte| *byte == b'\n') {
        match line.trim_ascii_start().first() {
            Some(b'<') => return Ok(Format::Xml),
            Some(b'{') => return Ok(Format::Json),
            _ => {}
        }
    }
    if head.contains(&b'<') {
        return Ok(Format::Xml);
    }
    Err(Unreadable::NotXml {
        found: found(head.trim_ascii_start()),
    })
}

/// The beginning of something, for messages.
fn found(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(60)];
    format!("{:?}", String::from_utf8_lossy(head))
}
