//! `go test -json`, also as gotestsum's `--jsonfile` and `go tool test2json` write it.
//!
//! An event a line: run, output, pass, fail, skip, for a test of a package or for the package. The class is the package.
//! A test that is run again (`-count`, gotestsum's `--rerun-fails`) has its attempts in order. A package that failed while
//! none of its tests did (build, `TestMain`, a panic between tests) is kept under the set-up name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::Limits;
use super::dialect::SET_UP;
use super::issue::Level;
use super::lines::{Events, To};
use super::moment::moment;
use super::text::{Kept, clean};
use crate::model::{Failure, Seconds, Status, TestId, TestResult, Timestamp};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
    #[serde(borrow, default)]
    package: Cow<'a, str>,
    #[serde(borrow, default)]
    import_path: Cow<'a, str>,
    #[serde(borrow, default)]
    test: Cow<'a, str>,
    #[serde(borrow, default)]
    output: Cow<'a, str>,
    #[serde(borrow, default)]
    failed_build: Cow<'a, str>,
    elapsed: Option<f64>,
}

/// Whether a line is an event of Go.
pub(super) fn is_event(line: &str) -> bool {
    serde_json::from_str::<Event<'_>>(line).is_ok()
}

/// A package, a test of it, or a build, that has no outcome yet.
struct Open {
    start: Option<Timestamp>,
    output: Kept,
    /// For a package: how many of its tests went badly.
    bad: u32,
}

/// The state of reading a stream.
pub(super) struct GoJson {
    limit: usize,
    /// By package and test; packages have no test, builds an import path for a package and no test.
    open: BTreeMap<(String, String), Open>,
}

impl GoJson {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.text,
            open: BTreeMap::new(),
        }
    }

    fn open(&mut self, package: &str, test: &str) -> &mut Open {
        let limit = self.limit;
        self.open
            .entry((package.to_owned(), test.to_owned()))
            .or_insert_with(|| Open {
                start: None,
                output: Kept::new(limit),
                bad: 0,
            })
    }

    fn test_ends(
        &mut self,
        (package, test): (&str, &str),
        status: Status,
        elapsed: Option<f64>,
        to: &mut To<'_, '_>,
    ) {
        let open = self.open.remove(&(package.to_owned(), test.to_owned()));
        let duration = elapsed.and_then(Seconds::new);
        let mut result = TestResult::new(TestId::of(package, test), status, duration);
        if let Some(mut open) = open {
            result.start = open.start;
            if status != Status::Passed {
                result.failures.push(failure(&mut open.output));
                result
                    .failures
                    .retain(|failure| *failure != Failure::default());
            }
        }
        if status.is_bad() {
            self.open(package, "").bad += 1;
        }
        let place = to.place();
        to.results.add(result, || place, to.issues);
    }

    fn package_ends(&mut self, event: &Event<'_>, to: &mut To<'_, '_>) {
        let package = &*event.package;
        let lost: Vec<String> = self
            .open
            .range((package.to_owned(), String::new())..)
            .take_while(|((of, _), _)| of == package)
            .map(|((_, test), _)| test.clone())
            .filter(|test| !test.is_empty())
            .collect();
        for test in lost {
            // a panic or an exit took the package down
            self.test_ends((package, &test), Status::Errored, None, to);
        }
        if let Some(seconds) = event.elapsed.and_then(Seconds::new) {
            to.report.duration = Some(to.report.duration.unwrap_or_default() + seconds);
        }
        let mut open = self.open.remove(&(package.to_owned(), String::new()));
        if event.action != "fail" || open.as_ref().is_some_and(|open| open.bad > 0) {
            return;
        }
        let build = (event.failed_build.to_string(), String::new());
        if !event.failed_build.is_empty()
            && let Some(built) = self.open.remove(&build)
        {
            open = Some(built);
        }
        let mut result = TestResult::new(TestId::of(package, SET_UP), Status::Errored, None);
        if let Some(mut open) = open {
            result.start = open.start;
            result.failures.push(failure(&mut open.output));
        }
        to.report.errors_outside_tests += 1;
        to.issue(
            Level::Accepted,
            format!(
                "`{package}` failed and none of its tests did; kept as `{}`",
                result.test
            ),
        );
        to.results.add_outside(result);
    }
}

impl Events for GoJson {
    fn event(&mut self, line: &str, to: &mut To<'_, '_>) -> bool {
        let Ok(event) = serde_json::from_str::<Event<'_>>(line) else {
            return false;
        };
        let (package, test) = (&*event.package, &*event.test);
        let status = match &*event.action {
            "run" | "start" => {
                let start = moment(&event.time, 0).map(|moment| moment.at);
                to.report.says_when |= start.is_some();
                if to.report.context.start.is_none() {
                    to.report.context.start = start;
                }
                self.open(package, test).start = start;
                return true;
            }
            "output" => {
                let open = self.open(package, test);
                open.output.push(event.output.as_bytes());
                return true;
            }
            "build-output" => {
                let open = self.open(&event.import_path, "");
                open.output.push(event.output.as_bytes());
                return true;
            }
            "pass" => Status::Passed,
            "fail" => Status::Failed,
            "skip" => Status::Skipped,
            _ => return true,
        };
        if test.is_empty() {
            self.package_ends(&event, to);
        } else {
            self.test_ends((package, test), status, event.elapsed, to);
        }
        true
    }

    fn end(&mut self, to: &mut To<'_, '_>) {
        let tests = self
            .open
            .keys()
            .filter(|(_, test)| !test.is_empty())
            .count();
        let is_cut = tests > 0 || self.open.values().any(|open| open.start.is_some());
        if is_cut {
            to.report.complete = false;
            let text = format!(
                "the stream ends inside a package; {tests} tests have no outcome and are left out"
            );
            to.issue(Level::Rejected, text);
        }
    }
}

/// The output of a test without the lines that only frame it.
fn failure(output: &mut Kept) -> Failure {
    let text = clean(&output.take());
    let is_frame = |line: &str| {
        let line = line.trim_start();
        ["=== ", "--- PASS", "--- FAIL", "--- SKIP"]
            .iter()
            .any(|start| line.starts_with(start))
            || matches!(line, "FAIL" | "PASS")
    };
    let stack: Vec<&str> = text.lines().filter(|line| !is_frame(line)).collect();
    let message = stack.first().map_or("", |line| line.trim()).to_owned();
    Failure {
        kind: String::new(),
        message,
        stack: stack.join("\n"),
    }
}
