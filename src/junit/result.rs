//! From what a case says to what became of the test: status, attempts, failures.
//!
//! Error outranks failure, failure outranks flaky, flaky outranks skipped, skipped outranks an attribute that says that
//! the case did not run, and that outranks a pass.

use crate::model::{Attempt, Failure, Status, TestId, TestResult};

use super::raw::{Outcome, RawCase};
use super::tag::Tag;

/// What an attribute such as `status` says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Word {
    /// Nothing against a pass.
    Fine,
    Bad(Status),
    LeftOut(Status),
}

/// Reads the words of `status` and `result`.
pub(super) fn word(text: &str) -> Word {
    if text.is_empty() || text == "run" || text == "completed" {
        return Word::Fine;
    }
    match text.to_ascii_lowercase().as_str() {
        "fail" | "failed" | "failure" => Word::Bad(Status::Failed),
        "error" | "errored" | "broken" | "crashed" | "timeout" | "timedout" => {
            Word::Bad(Status::Errored)
        }
        "skipped" | "skip" | "pending" | "ignored" | "todo" | "inconclusive" => {
            Word::LeftOut(Status::Skipped)
        }
        "disabled" | "notrun" | "not_run" | "not run" | "notexecuted" | "suppressed" => {
            Word::LeftOut(Status::Disabled)
        }
        _ => Word::Fine,
    }
}

/// The status of the case by its attributes alone, where no child speaks.
pub(super) fn status_of_attributes(case: &RawCase) -> Status {
    let words = [word(&case.status), word(&case.result)];
    if let Some(bad) = words.iter().find_map(|word| match word {
        Word::Bad(status) => Some(*status),
        _ => None,
    }) {
        return bad;
    }
    if case.is_unsuccessful || !case.failure.is_empty() {
        return Status::Failed;
    }
    // `result="skipped"` says more than `status="notrun"`
    let left_out = words.iter().rev().find_map(|word| match word {
        Word::LeftOut(status) => Some(*status),
        _ => None,
    });
    match left_out {
        Some(status) => status,
        None if case.is_left_out => Status::Disabled,
        None => Status::Passed,
    }
}

/// The result of a case. Takes the failures out of it.
///
/// `failure` and n `rerun*` are n + 1 failed attempts, the first told by `failure`; n `flaky*` without a `failure` are n
/// bad attempts and a pass. `flaky*` beside a `failure` is a test that was declared failed for being flaky: it stays bad.
pub(super) fn result(case: &mut RawCase, test: TestId) -> TestResult {
    let mut result = TestResult::new(test, Status::Passed, case.time);
    result.start = case.start;
    if case.outcomes.is_empty() {
        result.status = status_of_attributes(case);
        if result.status.is_bad() && !case.failure.is_empty() {
            result.failures.push(Failure {
                message: std::mem::take(&mut case.failure),
                ..Failure::default()
            });
        }
        return result;
    }
    let has = |tag| case.has_outcome(tag);
    let is_bad = case.is_bad();
    let is_retried = has(Tag::RerunFailure) || has(Tag::RerunError);
    let is_flaky = has(Tag::FlakyFailure) || has(Tag::FlakyError);
    result.status = match () {
        () if has(Tag::Error) => Status::Errored,
        () if has(Tag::Failure) => Status::Failed,
        // reruns all failed, whatever happened to the first `failure`
        () if is_retried && !is_flaky => Status::Failed,
        () if is_flaky => Status::Passed,
        () => match status_of_attributes(case) {
            status if status.is_bad() => status,
            _ => Status::Skipped,
        },
    };
    let mut reruns = Vec::new();
    for outcome in case.outcomes.drain(..) {
        match outcome.tag {
            Tag::FlakyFailure | Tag::FlakyError => result.earlier.push(attempt(outcome)),
            // beside flaky*, a rerun* is one more attempt before the pass
            Tag::RerunFailure | Tag::RerunError if is_flaky && !is_bad => {
                result.earlier.push(attempt(outcome));
            }
            Tag::RerunFailure | Tag::RerunError => reruns.push(attempt(outcome)),
            Tag::Skipped if is_bad || is_flaky || is_retried => {}
            _ => result.failures.push(outcome.failure),
        }
    }
    if let Some(last) = reruns.pop() {
        if is_bad {
            result.earlier.push(Attempt {
                status: result.status,
                duration: result.duration,
                start: result.start,
                failures: std::mem::take(&mut result.failures),
            });
        }
        result.earlier.append(&mut reruns);
        result.status = last.status;
        result.duration = last.duration;
        result.start = last.start;
        result.failures = last.failures;
    }
    if result.status == Status::Skipped {
        // a skip without a reason says nothing
        result
            .failures
            .retain(|failure| *failure != Failure::default());
    }
    result
}

fn attempt(outcome: Outcome) -> Attempt {
    let status = match outcome.tag {
        Tag::FlakyError | Tag::RerunError => Status::Errored,
        _ => Status::Failed,
    };
    Attempt {
        status,
        duration: outcome.time,
        start: outcome.start,
        failures: vec![outcome.failure],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `F` failure, `E` error, `S` skipped, `f` and `e` flaky, `r` and `R` rerun failure and error.
    fn case(children: &str) -> RawCase {
        let mut case = RawCase::default();
        for child in children.chars() {
            let tag = match child {
                'F' => Tag::Failure,
                'E' => Tag::Error,
                'S' => Tag::Skipped,
                'f' => Tag::FlakyFailure,
                'e' => Tag::FlakyError,
                'r' => Tag::RerunFailure,
                _ => Tag::RerunError,
            };
            let failure = Failure {
                message: child.to_string(),
                ..Failure::default()
            };
            case.outcomes.push(Outcome {
                tag,
                failure,
                ..Outcome::default()
            });
        }
        case
    }

    /// The attempts, then `:` and the messages of the last.
    #[track_caller]
    fn check(children: &str, expected: &str) {
        let result = result(&mut case(children), TestId::of("c", "n"));
        let mut text: String = result.earlier.iter().map(|a| a.status.letter()).collect();
        text.push(result.status.letter());
        text.push(':');
        text.extend(result.failures.iter().map(|f| f.message.as_str()));
        assert_eq!(text, expected, "{children}");
    }

    #[test]
    fn attempts_follow_the_rule_of_surefire() {
        check("", "P:");
        check("F", "F:F");
        check("FF", "F:FF");
        check("Frr", "FFF:r");
        check("ErR", "EFE:R");
        check("fe", "FEP:");
        check("r", "F:r");
    }

    #[test]
    fn error_outranks_failure_outranks_flaky_outranks_skipped() {
        check("FE", "E:FE");
        check("fF", "FF:F");
        check("fS", "FP:");
        check("SF", "F:F");
        check("S", "S:S");
    }

    #[test]
    fn not_run_is_not_passed() {
        let mut case = RawCase {
            status: "notrun".into(),
            ..RawCase::default()
        };
        assert_eq!(status_of_attributes(&case), Status::Disabled);
        case.result = "skipped".into();
        assert_eq!(status_of_attributes(&case), Status::Skipped);
        case.result = "suppressed".into();
        assert_eq!(status_of_attributes(&case), Status::Disabled);
        case.status = "FAILED".into();
        assert_eq!(status_of_attributes(&case), Status::Failed);
    }
}
