//! Failures that say the same, put together: their causes rather than their tests.

use std::fmt::Write;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::flaky::Failing;
use crate::history::FailureRow;
use crate::model::{Failure, PartId, TestId, Timestamp};
use crate::report::nightly::Cause;

/// Longer messages are cut.
const LONGEST: usize = 200;
/// So many tests are named.
const EXAMPLES: usize = 3;

/// Failures of one signature, as they are counted.
#[derive(Default)]
struct Group {
    failures: u32,
    tests: FxHashMap<TestId, u32>,
    parts: FxHashSet<PartId>,
    flakes: f64,
    regressions: f64,
    outages: f64,
    last: Timestamp,
}

/// Puts failures together by what they say. `of` tells when a row's part began, and why it failed, where known.
/// Most failures first; then those that most tests met.
pub(super) fn causes(
    rows: &[FailureRow],
    of: impl Fn(&FailureRow) -> Option<(Timestamp, Option<Failing>)>,
) -> Vec<Cause> {
    let mut groups: FxHashMap<String, Group> = FxHashMap::default();
    for row in rows {
        let Some((start, cause)) = of(row) else {
            continue;
        };
        let group = groups.entry(signature(&row.failure)).or_default();
        group.failures += 1;
        *group.tests.entry(row.test.clone()).or_default() += 1;
        group.parts.insert(row.part);
        group.last = group.last.max(start);
        if let Some(cause) = cause {
            group.flakes += cause.flake.get();
            group.regressions += cause.regression.get();
            group.outages += cause.outage.get();
        }
    }
    let mut causes: Vec<Cause> = groups.into_iter().map(cause).collect();
    causes
        .sort_by(|a, b| (b.failures, b.tests, &a.message).cmp(&(a.failures, a.tests, &b.message)));
    causes
}

fn cause((message, group): (String, Group)) -> Cause {
    let mut tests: Vec<(TestId, u32)> = group.tests.into_iter().collect();
    tests.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    let examples = tests
        .iter()
        .take(EXAMPLES)
        .map(|(test, _)| test.to_string());
    Cause {
        examples: examples.collect(),
        message,
        failures: group.failures,
        tests: tests.len() as u32,
        parts: group.parts.len() as u32,
        flakes: group.flakes,
        regressions: group.regressions,
        outages: group.outages,
        last: group.last,
    }
}

/// What a failure says, with everything masked that differs from one time to the next: numbers, ids, addresses.
pub(super) fn signature(failure: &Failure) -> String {
    let text = match failure.message.trim() {
        "" => failure.stack.trim(),
        message => message,
    };
    let line = text.lines().find(|line| !line.trim().is_empty());
    let line: String = line
        .unwrap_or_default()
        .trim()
        .chars()
        .take(LONGEST)
        .collect();
    let masked = mask(&line);
    let kind = failure.kind.trim();
    let last = kind.rsplit(['.', ':']).next().unwrap_or_default();
    match (kind.is_empty(), masked.is_empty()) {
        (true, true) => "(no message)".to_owned(),
        (false, true) => kind.to_owned(),
        (false, false) if !last.is_empty() && !masked.contains(last) => {
            let mut text = last.to_owned();
            let _ = write!(text, ": {masked}");
            text
        }
        _ => masked,
    }
}

/// `#` for each number, and for each word of hexadecimal digits that holds one.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let has_digit = word.bytes().any(|b| b.is_ascii_digit());
        let is_hex = word.len() >= 6 && word.bytes().all(|b| b.is_ascii_hexdigit());
        if has_digit && (is_hex || word.starts_with("0x")) {
            out.push('#');
        } else {
            let mut in_number = false;
            for c in word.chars() {
                if !c.is_ascii_digit() {
                    out.push(c);
                } else if !in_number {
                    out.push('#');
                }
                in_number = c.is_ascii_digit();
            }
        }
        let mut chars = after.chars();
        if let Some(c) = chars.next() {
            out.push(if c.is_control() { ' ' } else { c });
        }
        rest = chars.as_str();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Status, Variant};

    #[test]
    fn what_differs_each_time_is_masked() {
        assert_eq!(
            mask("could not connect to db-2.internal:5432 from ci-b1 (pid 12225)"),
            "could not connect to db-#.internal:# from ci-b# (pid #)"
        );
        assert_eq!(mask("at 0x7ffe12 in 3fa85f64-5717"), "at # in #-#");
        assert_eq!(mask("added decade é1"), "added decade é#");
    }

    #[test]
    fn the_exception_is_named_once() {
        let failure = |kind: &str, message: &str| {
            signature(&Failure {
                kind: kind.into(),
                message: message.into(),
                stack: String::new(),
            })
        };
        assert_eq!(
            failure("builtins.KeyError", "KeyError: 'a'"),
            "KeyError: 'a'"
        );
        assert_eq!(failure("java.io.IOException", "gone"), "IOException: gone");
        assert_eq!(failure("", ""), "(no message)");
    }

    #[test]
    fn failures_that_say_the_same_are_one_cause() {
        let row = |test: &str, message: &str| FailureRow {
            part: PartId(1),
            test: TestId::of("t", test),
            variant: Variant::default(),
            status: Status::Failed,
            attempt: 0,
            failure: Failure {
                kind: String::new(),
                message: message.into(),
                stack: String::new(),
            },
        };
        let rows = [
            row("a", "port 1"),
            row("b", "port 22"),
            row("a", "port 3"),
            row("c", "x"),
        ];
        let found = causes(&rows, |_| Some((Timestamp(5), None)));
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].message.as_str(), found[0].failures, found[0].tests),
            ("port #", 3, 2)
        );
        assert_eq!(found[0].examples, ["t::a", "t::b"]);
    }
}
