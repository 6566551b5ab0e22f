//! Streams of JSON, one event a line: libtest's and `go test -json`, told apart by the first event.
//!
//! Lines that are no JSON are talk of tools around; a reader may learn from them.

use std::io::BufRead;

use super::issue::{Issues, Level, Place};
use super::pieces::Pieces;
use super::results::Results;
use super::text::decode;
use super::{Limits, Report, Unreadable, found, go_json, libtest_json};

/// Longest event that is read, in bytes. libtest puts all that a test printed into one.
const LONGEST: usize = 1 << 23;

/// What is made of the events.
pub(super) trait Events {
    /// Takes one line of JSON; `false` where it is none of this kind.
    fn event(&mut self, line: &str, to: &mut To<'_, '_>) -> bool;

    /// Takes a line that is no JSON.
    fn talk(&mut self, _line: &str) {}

    /// The stream ends.
    fn end(&mut self, to: &mut To<'_, '_>);
}

/// What events are turned into.
pub(super) struct To<'a, 'b> {
    pub(super) report: &'a mut Report,
    pub(super) results: &'a mut Results<'b>,
    pub(super) issues: &'a mut Issues,
    /// The line, from 1.
    pub(super) line: u64,
}

impl To<'_, '_> {
    /// The place of the line.
    pub(super) fn place(&self) -> Place {
        Place {
            line: self.line,
            column: 1,
            path: String::new(),
        }
    }

    /// Notes an issue at the line.
    pub(super) fn issue(&mut self, level: Level, text: impl Into<String>) {
        let place = self.place();
        self.issues.add(level, || place, text);
    }
}

/// Reads a whole stream.
pub(super) fn read<R: BufRead>(
    mut pieces: Pieces<R>,
    limits: &Limits,
    mut issues: Issues,
    mut results: Results<'_>,
) -> Result<Report, Unreadable> {
    let mut report = Report::default();
    let mut events: Option<Box<dyn Events>> = None;
    let mut libtest = libtest_json::LibtestJson::new(limits);
    let mut bytes = Vec::new();
    let mut line = 0;
    while let Some(is_whole) = pieces.line(&mut bytes, LONGEST)? {
        line += 1;
        let mut to = To {
            report: &mut report,
            results: &mut results,
            issues: &mut issues,
            line,
        };
        if !is_whole {
            let text = format!("a line of more than {LONGEST} bytes was left out");
            to.issue(Level::Rejected, text);
            continue;
        }
        let (text, _) = decode(&bytes, true);
        let text = text.trim();
        if !text.starts_with('{') {
            match &mut events {
                Some(events) => events.talk(text),
                // cargo says which binary runs before the first event
                None => libtest.talk(text),
            }
            continue;
        }
        let known = match &mut events {
            Some(events) => events,
            None => {
                let is_go = go_json::is_event(text);
                if !is_go && !libtest_json::is_event(text) {
                    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
                        continue;
                    }
                    let found = format!("JSON that starts with {}", found(text.as_bytes()));
                    return Err(Unreadable::NotJunit { found });
                }
                let (producer, repeats) = match is_go {
                    true => ("go-json", super::Repeats::Attempts),
                    false => ("libtest-json", super::Repeats::Rows),
                };
                to.report.producer = producer;
                to.report.repeats = repeats;
                to.report.in_order = is_go;
                to.results.set_repeats(repeats);
                events.insert(match is_go {
                    true => Box::new(go_json::GoJson::new(limits)),
                    false => Box::new(std::mem::replace(
                        &mut libtest,
                        libtest_json::LibtestJson::new(limits),
                    )),
                })
            }
        };
        if !known.event(text, &mut to) {
            to.report.well_formed = false;
            to.issue(
                Level::Rejected,
                "a line that is no whole event was left out",
            );
        }
    }
    let Some(mut events) = events else {
        return Err(Unreadable::NotJunit {
            found: "text without an event of libtest or `go test -json`".into(),
        });
    };
    let mut to = To {
        report: &mut report,
        results: &mut results,
        issues: &mut issues,
        line,
    };
    events.end(&mut to);
    report.results = results.finish(&mut issues);
    if results.total() == 0 && report.errors_outside_tests == 0 {
        let text = "the report holds no test: nothing is known to have passed";
        issues.add(Level::Accepted, Place::default, text);
    }
    report.issues = issues.finish();
    Ok(report)
}
