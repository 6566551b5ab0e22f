//! Which reports belong together: the parts of runs that a series of reports makes up.
//!
//! A directory of reports can be one run in many files (Surefire writes one a class), or many runs of one file each.
//! Where reports name their run, that decides. Where they don't, a report continues the part before it if it comes from
//! the same producer, commit and machine, no more than [`SAME_RUN`] apart, and repeats none of its tests. A test that
//! comes again is another run, except in Bazel's `attempt_N.xml`, which say themselves that they are attempts.

use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::junit::Report;
use crate::model::{Attempt, Part, RunContext, Source, TestResult, attribute};

/// Reports of one run begin no further apart, in milliseconds: six hours.
pub(super) const SAME_RUN: i64 = 6 * 3_600_000;

/// How reports are put together into runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Runs {
    /// As the reports say, or as their contents suggest.
    #[default]
    Auto,
    /// All of them are one run.
    One,
    /// Each is a run of its own, unless it names its run.
    Each,
}

/// Puts reports together, one after the other.
#[derive(Debug)]
pub(super) struct Grouper {
    runs: Runs,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    part: Part,
    /// Where the last report came from, without the file's name.
    directory: String,
    /// The last report was an attempt whose final one is not there: which attempt was the last is not known.
    only_attempts: bool,
    /// The tests so far, once another report asks.
    tests: Option<FxHashSet<u64>>,
}

impl Grouper {
    pub(super) fn new(runs: Runs) -> Self {
        Self { runs, open: None }
    }

    /// Takes a report with what is known of its run; hands back the part that it closes.
    pub(super) fn add(
        &mut self,
        report: Report,
        context: RunContext,
        sources: Vec<Source>,
    ) -> Option<Part> {
        let name = sources.first().map_or("", |source| &source.name).to_owned();
        let attempt = attempt_of(&name);
        if let Some(open) = &mut self.open {
            if let Some((directory, _)) = attempt
                && open.directory == directory
            {
                open.join_attempt(report, sources);
                return None;
            }
            if open.takes(&report, &context, self.runs) {
                open.join(report, &context, sources);
                return None;
            }
        }
        let directory = attempt.map_or_else(|| directory(&name), |(dir, _)| dir);
        let next = Open {
            directory: directory.to_owned(),
            only_attempts: attempt.is_some(),
            tests: None,
            part: Part {
                duration: report.duration,
                results: report.results,
                in_order: report.in_order,
                complete: report.complete,
                producer: report.producer.to_owned(),
                errors_outside_tests: report.errors_outside_tests,
                context,
                sources,
            },
        };
        self.open.replace(next).map(|open| open.part)
    }

    /// The part that is still open.
    pub(super) fn finish(&mut self) -> Option<Part> {
        self.open.take().map(|open| open.part)
    }
}

impl Open {
    /// Whether a report continues this part.
    fn takes(&mut self, report: &Report, context: &RunContext, runs: Runs) -> bool {
        let mine = &self.part.context;
        if self.part.producer != report.producer || !same_place(mine, context) {
            return false;
        }
        let named = mine.run_id.is_some() || context.run_id.is_some();
        if !named && runs == Runs::Each {
            return false;
        }
        if !named
            && runs == Runs::Auto
            && let (Some(mine), Some(theirs)) = (mine.start, context.start)
            && (mine.0 - theirs.0).abs() > SAME_RUN
        {
            return false;
        }
        let results = &self.part.results;
        let tests = self
            .tests
            .get_or_insert_with(|| results.iter().map(print).collect());
        !report
            .results
            .iter()
            .any(|result| tests.contains(&print(result)))
    }

    fn join(&mut self, report: Report, context: &RunContext, sources: Vec<Source>) {
        if let Some(tests) = &mut self.tests {
            tests.extend(report.results.iter().map(print));
        }
        self.directory = directory(sources.first().map_or("", |source| &source.name)).to_owned();
        self.only_attempts = false;
        let part = &mut self.part;
        // the order of files is no order of execution unless their times say so
        let later = matches!((part.context.start, context.start), (Some(a), Some(b)) if a <= b);
        part.in_order &= report.in_order && later;
        part.complete &= report.complete;
        part.errors_outside_tests += report.errors_outside_tests;
        part.duration = match (part.duration, report.duration) {
            (Some(a), Some(b)) => Some(a + b),
            _ => None,
        };
        let start = part.context.start.into_iter().chain(context.start).min();
        part.context.fill(context);
        part.context.start = start;
        part.results.extend(report.results);
        part.sources.extend(sources);
    }

    /// Bazel: `test.xml` is the last attempt, `test_attempts/attempt_N.xml` are those before it, in order.
    fn join_attempt(&mut self, report: Report, sources: Vec<Source>) {
        let part = &mut self.part;
        for result in report.results {
            let same = |known: &&mut TestResult| {
                known.test == result.test && known.variant == result.variant
            };
            if let Some(known) = part.results.iter_mut().find(same) {
                known.unordered |= self.only_attempts;
                known.earlier.push(Attempt {
                    status: result.status,
                    duration: result.duration,
                    start: result.start,
                    failures: result.failures,
                });
            } else {
                part.results.push(result);
            }
        }
        part.complete &= report.complete;
        part.sources.extend(sources);
    }
}

/// Whether two contexts can be of the same job on the same machine: what both say is equal.
fn same_place(a: &RunContext, b: &RunContext) -> bool {
    fn agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        }
    }
    let attributes = [
        attribute::HOST,
        attribute::ARCH,
        attribute::OS,
        attribute::JOB_RUN_ID,
    ];
    a.run_id == b.run_id
        && agree(a.commit.as_ref(), b.commit.as_ref())
        && agree(a.branch.as_ref(), b.branch.as_ref())
        && agree(a.pipeline.as_ref(), b.pipeline.as_ref())
        && agree(a.job.as_ref(), b.job.as_ref())
        && agree(a.shard.as_ref(), b.shard.as_ref())
        && agree(a.attempt.as_ref(), b.attempt.as_ref())
        && attributes
            .iter()
            .all(|name| agree(a.attributes.get(*name), b.attributes.get(*name)))
}

/// A hash of test and variant: equal ones are taken to be the same.
fn print(result: &TestResult) -> u64 {
    use std::hash::BuildHasher;
    FxBuildHasher.hash_one((&result.test, &result.variant))
}

/// For `…/target/test_attempts/attempt_3.xml`: the directory of the target, and 3.
fn attempt_of(name: &str) -> Option<(&str, u32)> {
    let (directory, file) = name.rsplit_once('/')?;
    let number = file.strip_prefix("attempt_")?.strip_suffix(".xml")?;
    let target = directory
        .strip_suffix("/test_attempts")
        .unwrap_or(directory);
    Some((target, number.parse().ok()?))
}

fn directory(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fingerprint, Status, TestId, Timestamp};

    /// `name: tests @hour #run`, such as `TEST-a.xml: a b! @3 #7`; `!` marks a failure.
    fn report(line: &str) -> (Report, RunContext, Source) {
        let (name, rest) = line.split_once(": ").unwrap();
        let mut context = RunContext::default();
        let mut results = Vec::new();
        for word in rest.split_whitespace() {
            if let Some(hour) = word.strip_prefix('@') {
                let hour: i64 = hour.parse().unwrap();
                context.start = Some(Timestamp(hour * 3_600_000));
            } else if let Some(run) = word.strip_prefix('#') {
                context.run_id = Some(run.into());
            } else if let Some(host) = word.strip_prefix('%') {
                context.set(attribute::HOST, host);
            } else {
                let status = if word.ends_with('!') {
                    Status::Failed
                } else {
                    Status::Passed
                };
                let test = TestId::of("", word.trim_end_matches('!'));
                results.push(TestResult::new(test, status, None));
            }
        }
        let report = Report {
            producer: "generic",
            complete: true,
            in_order: true,
            results,
            ..Report::default()
        };
        let source = Source {
            name: name.into(),
            contents: Fingerprint::of(line.as_bytes()),
            bytes: 1,
        };
        (report, context, source)
    }

    fn grouped(runs: Runs, lines: &[&str]) -> Vec<String> {
        let mut grouper = Grouper::new(runs);
        let mut parts = Vec::new();
        for line in lines {
            let (report, context, source) = report(line);
            parts.extend(grouper.add(report, context, vec![source]));
        }
        parts.extend(grouper.finish());
        let show = |result: &TestResult| {
            let attempts = result.earlier.iter().map(|attempt| attempt.status.letter());
            let letters: String = attempts.chain([result.status.letter()]).collect();
            format!("{} {letters}", result.test)
        };
        parts
            .iter()
            .map(|part| part.results.iter().map(show).collect::<Vec<_>>().join(", "))
            .collect()
    }

    #[test]
    fn files_of_one_class_each_are_one_run() {
        let files = ["TEST-a.xml: a b @3", "TEST-c.xml: c @3", "TEST-d.xml: d @4"];
        assert_eq!(grouped(Runs::Auto, &files), ["a P, b P, c P, d P"]);
    }

    #[test]
    fn a_test_that_comes_again_is_another_run() {
        let files = ["1.xml: a b", "2.xml: a b!", "3.xml: a b"];
        assert_eq!(
            grouped(Runs::Auto, &files),
            ["a P, b P", "a P, b F", "a P, b P"]
        );
    }

    #[test]
    fn what_is_a_day_apart_or_on_another_machine_is_another_run() {
        assert_eq!(
            grouped(Runs::Auto, &["1.xml: a @1", "2.xml: b @25"]),
            ["a P", "b P"]
        );
        assert_eq!(
            grouped(Runs::Auto, &["1.xml: a %x", "2.xml: b %y"]),
            ["a P", "b P"]
        );
        assert_eq!(
            grouped(Runs::One, &["1.xml: a @1", "2.xml: b @25"]),
            ["a P, b P"]
        );
    }

    #[test]
    fn the_run_that_reports_name_decides() {
        assert_eq!(
            grouped(Runs::Auto, &["1.xml: a #1", "2.xml: b #2"]),
            ["a P", "b P"]
        );
        assert_eq!(
            grouped(Runs::Each, &["1.xml: a #1", "2.xml: b #1"]),
            ["a P, b P"]
        );
        assert_eq!(
            grouped(Runs::Each, &["1.xml: a", "2.xml: b"]),
            ["a P", "b P"]
        );
    }

    #[test]
    fn bazel_says_which_files_are_attempts() {
        let files = [
            "t/test.xml: a",
            "t/test_attempts/attempt_1.xml: a!",
            "t/test_attempts/attempt_2.xml: a!",
            "u/test.xml: b!",
            "u/test_attempts/attempt_1.xml: b!",
        ];
        assert_eq!(grouped(Runs::Auto, &files), ["a FFP, b FF"]);
    }
}
