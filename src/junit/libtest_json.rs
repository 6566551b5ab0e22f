//! libtest's JSON (`cargo test -- --format json`, and nextest's `libtest-json`).
//!
//! Events of one test binary after another; the events do not name the binary. Where cargo's own lines (`Running …`) are in
//! the stream they give the class; nextest puts it into the name, before a `$`. Otherwise the class is empty, and equal
//! names of two binaries are told apart by number. What a test printed is in one event, its panic with it.
//!
//! Not seen here: which tests ran at once. A test that started and has no outcome when its binary ends is an error.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;

use super::Limits;
use super::dialect::SET_UP;
use super::issue::Level;
use super::lines::{Events, To};
use super::text::{Kept, clean};
use crate::model::{Failure, Seconds, Status, TestId, TestParts, TestResult};

/// One event; both `suite` and `test`.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    exec_time: Option<f64>,
    #[serde(borrow)]
    stdout: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

/// Whether a line is an event of libtest.
pub(super) fn is_event(line: &str) -> bool {
    serde_json::from_str::<Event<'_>>(line)
        .is_ok_and(|event| matches!(&*event.kind, "suite" | "test" | "bench" | "report"))
}

/// The state of reading a stream.
pub(super) struct LibtestJson {
    limit: usize,
    /// The binary, where cargo's lines or nextest name it.
    class: String,
    running: BTreeSet<String>,
    is_open: bool,
    bad: u32,
}

impl LibtestJson {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.text,
            class: String::new(),
            running: BTreeSet::new(),
            is_open: false,
            bad: 0,
        }
    }

    fn id(&self, name: &str) -> TestId {
        let (class, name) = match name.split_once('$') {
            Some((binary, name)) => (binary, name),
            None => (self.class.as_str(), name),
        };
        TestId::new(TestParts {
            class,
            name,
            ..TestParts::default()
        })
    }

    /// The binary is gone, and these tests have no outcome.
    fn lose(&mut self, to: &mut To<'_, '_>) {
        for name in std::mem::take(&mut self.running) {
            let mut result = TestResult::new(self.id(&name), Status::Errored, None);
            result.failures.push(Failure {
                message: "the test started and has no outcome".into(),
                ..Failure::default()
            });
            let place = to.place();
            to.results.add(result, || place, to.issues);
            self.bad += 1;
        }
    }

    fn suite(&mut self, event: &Event<'_>, to: &mut To<'_, '_>) {
        if event.event == "started" {
            if self.is_open {
                to.issue(Level::Rejected, "a binary ended without a word");
                self.lose(to);
            }
            self.is_open = true;
            self.bad = 0;
            return;
        }
        self.lose(to);
        self.is_open = false;
        if let Some(seconds) = event.exec_time.and_then(Seconds::new) {
            let sum = to.report.duration.unwrap_or_default() + seconds;
            to.report.duration = Some(sum);
        }
        if event.event == "failed" && self.bad == 0 {
            to.report.errors_outside_tests += 1;
            let id = TestId::of(&self.class, SET_UP);
            to.results
                .add_outside(TestResult::new(id, Status::Errored, None));
        }
    }

    fn test(&mut self, event: &Event<'_>, to: &mut To<'_, '_>) {
        let status = match &*event.event {
            "started" => {
                self.running.insert(event.name.to_string());
                return;
            }
            "ok" => Status::Passed,
            "failed" => Status::Failed,
            "ignored" | "allowed_failure" => Status::Skipped,
            // a warning that it takes long; the outcome follows
            _ => return,
        };
        self.running.remove(&*event.name);
        let duration = event.exec_time.and_then(Seconds::new);
        let mut result = TestResult::new(self.id(&event.name), status, duration);
        if status == Status::Failed {
            self.bad += 1;
            let mut kept = Kept::new(self.limit);
            kept.push(event.stdout.as_deref().unwrap_or_default().as_bytes());
            let stack = clean(&kept.take());
            let message = event
                .message
                .as_deref()
                .map_or_else(|| panic_of(&stack), clean);
            result.failures.push(Failure {
                kind: String::new(),
                message,
                stack,
            });
        }
        let place = to.place();
        to.results.add(result, || place, to.issues);
    }
}

impl Events for LibtestJson {
    fn event(&mut self, line: &str, to: &mut To<'_, '_>) -> bool {
        let Ok(event) = serde_json::from_str::<Event<'_>>(line) else {
            return false;
        };
        match &*event.kind {
            "suite" => self.suite(&event, to),
            "test" => self.test(&event, to),
            _ => {}
        }
        true
    }

    /// `Running tests/it.rs (target/debug/deps/it-0123456789abcdef)`, `Doc-tests tia`.
    fn talk(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("Running ")
            && let Some((_, path)) = rest.rsplit_once('(')
        {
            let file = path.trim_end_matches(')').rsplit(['/', '\\']).next();
            let file = file.unwrap_or_default().trim_end_matches(".exe");
            let is_hash =
                |hash: &str| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit());
            self.class = match file.rsplit_once('-') {
                Some((name, hash)) if is_hash(hash) => name.to_owned(),
                _ => file.to_owned(),
            };
        } else if let Some(name) = line.strip_prefix("Doc-tests ") {
            self.class = format!("{name} (doc)");
        }
    }

    fn end(&mut self, to: &mut To<'_, '_>) {
        if self.is_open {
            to.report.complete = false;
            let text = format!(
                "the stream ends inside a binary; {} tests have no outcome and are left out",
                self.running.len()
            );
            to.issue(Level::Rejected, text);
        }
    }
}

/// What a panic says, by the lines after `panicked at`.
fn panic_of(stdout: &str) -> String {
    let mut lines = stdout
        .lines()
        .skip_while(|line| !line.contains("panicked at"));
    let Some(at) = lines.next() else {
        return String::new();
    };
    // before 1.73 the message is on the line itself
    if let Some((_, rest)) = at.split_once("panicked at '")
        && let Some((message, _)) = rest.rsplit_once("', ")
    {
        return message.to_owned();
    }
    let message = lines.take_while(|line| !line.is_empty() && !line.starts_with("note: "));
    message.collect::<Vec<_>>().join("\n")
}
