//! Several cases of one test in one report: attempts, rows, phases or assertions.
//!
//! Reading rows as attempts would call a failing row a flake, so attempts need a producer that is known to write them, or
//! evidence in the report itself. Not seen here: attempts in sibling files of one run; whoever joins the files has the
//! same four meanings in [`Repeats`].

use crate::model::{Attempt, Status, TestResult};

/// What it means when a producer writes two cases for one test.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Repeats {
    /// The test was run again; document order is order of execution.
    Attempts,
    /// The test was run again; the order is lost.
    UnorderedAttempts,
    /// Rows of data, or tests that share a title: separate tests.
    Rows,
    /// One execution told in parts: the test, then its tear-down.
    Phases,
    /// One case for each assertion of one execution.
    Assertions,
    /// Nobody knows; the report's content decides.
    Unknown,
}

/// What the repeats of a report of an unknown producer are. `groups` are the statuses of each repeated test, in order.
///
/// Attempts, only if every group is bad until its last, some group ends with a pass, and none is longer than a retry
/// limit would be: nobody retries a test that passed, while rows and assertions pass several times.
pub(super) fn by_content<'a>(mut groups: impl Iterator<Item = &'a [Status]> + Clone) -> Repeats {
    const LIMIT: usize = 11;
    let is_retry = |group: &[Status]| {
        let (last, before) = group.split_last().expect("a group has two at least");
        group.len() <= LIMIT && last.is_run() && before.iter().all(|status| status.is_bad())
    };
    let some_recovers = groups
        .clone()
        .any(|group| group.last() == Some(&Status::Passed));
    if some_recovers && groups.all(is_retry) {
        Repeats::Attempts
    } else {
        Repeats::Rows
    }
}

/// Whether rows are in truth placeholders of a retry: all skipped but the last, which ran (TestNG).
pub(super) fn is_skipped_then_run(group: &[Status]) -> bool {
    let (last, before) = group.split_last().expect("a group has two at least");
    last.is_run() && before.iter().all(|status| *status == Status::Skipped)
}

/// Joins the attempts at one test. Unordered ones end with a pass where there is one.
pub(super) fn join_attempts(mut group: Vec<TestResult>, is_ordered: bool) -> TestResult {
    if !is_ordered {
        // stable, so that the order of the report is kept among equals
        group.sort_by_key(|result| match result.status {
            Status::Disabled => 0,
            Status::Skipped => 1,
            Status::Failed | Status::Errored => 2,
            Status::Passed => 3,
        });
    }
    let mut last = group.pop().expect("a group has two at least");
    let mut earlier = Vec::new();
    for result in group {
        earlier.extend(result.earlier);
        earlier.push(Attempt {
            status: result.status,
            duration: result.duration,
            start: result.start,
            failures: result.failures,
        });
    }
    earlier.append(&mut last.earlier);
    last.earlier = earlier;
    last.unordered = !is_ordered;
    last
}

/// Joins parts of one execution: all failures, the worst status, the sum of the durations.
pub(super) fn join_parts(group: Vec<TestResult>) -> TestResult {
    let mut parts = group.into_iter();
    let mut whole = parts.next().expect("a group has two at least");
    for part in parts {
        if rank(part.status) > rank(whole.status) {
            whole.status = part.status;
        }
        whole.duration = match (whole.duration, part.duration) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        whole.start = whole.start.or(part.start);
        whole.failures.extend(part.failures);
        whole.earlier.extend(part.earlier);
    }
    whole
}

fn rank(status: Status) -> u8 {
    match status {
        Status::Disabled => 0,
        Status::Skipped => 1,
        Status::Passed => 2,
        Status::Failed => 3,
        Status::Errored => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Seconds, TestId};

    fn statuses(text: &str) -> Vec<Status> {
        text.chars()
            .map(|letter| match letter {
                'P' => Status::Passed,
                'F' => Status::Failed,
                'E' => Status::Errored,
                'S' => Status::Skipped,
                _ => Status::Disabled,
            })
            .collect()
    }

    fn group(text: &str) -> Vec<TestResult> {
        statuses(text)
            .into_iter()
            .map(|status| TestResult::new(TestId::of("c", "n"), status, Seconds::new(1.0)))
            .collect()
    }

    #[track_caller]
    fn check(groups: &str, expected: Repeats) {
        let groups: Vec<_> = groups.split(' ').map(statuses).collect();
        assert_eq!(by_content(groups.iter().map(Vec::as_slice)), expected);
    }

    #[test]
    fn only_a_report_in_which_nobody_passes_twice_has_attempts() {
        check("FP", Repeats::Attempts);
        check("FP FFF", Repeats::Attempts);
        check("EFP", Repeats::Attempts);
        check("FP PP", Repeats::Rows);
        check("PF", Repeats::Rows);
        check("PFP", Repeats::Rows);
        check("FF", Repeats::Rows);
        check("PPP", Repeats::Rows);
        check("FFFFFFFFFFFP", Repeats::Rows);
    }

    #[test]
    fn a_skip_before_the_run_is_a_retry() {
        assert!(is_skipped_then_run(&statuses("SSP")));
        assert!(!is_skipped_then_run(&statuses("SPP")));
        assert!(!is_skipped_then_run(&statuses("PS")));
    }

    #[test]
    fn attempts_without_an_order_end_with_the_pass() {
        let joined = join_attempts(group("PF"), false);
        assert!(joined.is_flaky() && joined.unordered);
        let joined = join_attempts(group("PF"), true);
        assert_eq!((joined.status, joined.is_flaky()), (Status::Failed, false));
    }

    #[test]
    fn a_failing_part_fails_the_whole() {
        let joined = join_parts(group("PFP"));
        assert_eq!(joined.status, Status::Failed);
        assert_eq!(joined.duration, Seconds::new(3.0));
        assert!(joined.earlier.is_empty());
    }
}
