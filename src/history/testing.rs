//! Made-up parts, for tests.

use std::sync::Arc;

use proptest::prelude::*;

use crate::model::{
    Attempt, Failure, Fingerprint, LogSeconds, Part, RunContext, Seconds, Source, Status, TestId,
    TestResult, Timestamp, Variant,
};

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        6 => Just(Status::Passed),
        2 => Just(Status::Failed),
        1 => Just(Status::Errored),
        1 => Just(Status::Skipped),
        1 => Just(Status::Disabled),
    ]
}

/// Durations that are kept exactly.
fn duration() -> impl Strategy<Value = Option<Seconds>> {
    any::<u8>().prop_map(|code| LogSeconds::from_code(code).seconds())
}

fn start() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::weighted(0.3, (0i64..1 << 42).prop_map(Timestamp))
}

fn failures() -> impl Strategy<Value = Vec<Failure>> {
    let text = || "[a-z\u{e9}\n]{0,6}";
    let failure = (text(), text(), text()).prop_map(|(kind, message, stack)| Failure {
        kind,
        message,
        stack: stack.repeat(80),
    });
    proptest::collection::vec(failure, 0..3)
}

fn attempt() -> impl Strategy<Value = Attempt> {
    (status(), duration(), start(), failures()).prop_map(|(status, duration, start, failures)| {
        Attempt {
            status,
            duration,
            start,
            failures,
        }
    })
}

fn result(test: u8) -> impl Strategy<Value = TestResult> {
    let earlier = prop_oneof![4 => Just(0..1_usize), 1 => Just(0..3_usize)];
    let earlier = earlier.prop_flat_map(|count| proptest::collection::vec(attempt(), count));
    (
        status(),
        duration(),
        start(),
        failures(),
        earlier,
        any::<bool>(),
    )
        .prop_map(
            move |(status, duration, start, failures, earlier, unordered)| TestResult {
                test: TestId::of(&format!("class{}", test % 4), &format!("test{}", test / 4)),
                variant: (test % 3 == 2).then(|| Arc::new(Variant::new([("os", "linux")]))),
                status,
                duration,
                start,
                unordered: unordered && !earlier.is_empty(),
                failures,
                earlier,
            },
        )
}

/// Any part over some thirty tests.
pub(super) fn part() -> impl Strategy<Value = Part> {
    let results = proptest::sample::subsequence((0u8..32).collect::<Vec<_>>(), 0..32)
        .prop_shuffle()
        .prop_flat_map(|tests| tests.into_iter().map(result).collect::<Vec<_>>());
    (
        results,
        0u8..40,
        any::<bool>(),
        any::<bool>(),
        start(),
        0u32..3,
    )
        .prop_map(|(results, name, in_order, complete, start, errors)| Part {
            context: context(name, start),
            duration: Seconds::new(f64::from(name) / 3.0),
            results,
            in_order,
            complete,
            producer: format!("producer{}", name % 2),
            errors_outside_tests: errors,
            sources: if name.is_multiple_of(4) {
                Vec::new()
            } else {
                vec![source(name)]
            },
        })
}

fn source(name: u8) -> Source {
    Source {
        name: format!("report{name}.xml"),
        contents: Fingerprint::of(&[name]),
        bytes: u64::from(name),
    }
}

fn context(name: u8, start: Option<Timestamp>) -> RunContext {
    RunContext {
        commit: Some(format!("{:040x}", name / 3)),
        branch: (!name.is_multiple_of(5)).then(|| format!("branch{}", name % 3)),
        run_id: (name.is_multiple_of(2)).then(|| format!("{}", name / 2)),
        attempt: (name.is_multiple_of(7)).then_some(1),
        start,
        attributes: [("host.name".to_owned(), format!("host{}", name % 2))].into(),
        ..RunContext::default()
    }
}

/// A part as it should come back: results that are not in order have no order of their own.
pub(super) fn settled(mut part: Part) -> Part {
    if !part.in_order {
        part.results
            .sort_by(|a, b| (&a.test, &a.variant).cmp(&(&b.test, &b.variant)));
    }
    part
}

/// A run of tests on a branch: one letter a test, `P`, `F`, `E`, `S`, `D`, or `f` for passed after a failure.
pub(super) fn run_of(letters: &str, day: i64) -> Part {
    let results = letters.chars().enumerate().filter_map(|(index, letter)| {
        let status = match letter {
            'P' | 'f' => Status::Passed,
            'F' => Status::Failed,
            'E' => Status::Errored,
            'S' => Status::Skipped,
            'D' => Status::Disabled,
            _ => return None,
        };
        let test = TestId::of("suite", &format!("test{index}"));
        let mut result = TestResult::new(test, status, Seconds::new(0.5));
        if status.is_bad() {
            result.failures.push(Failure {
                kind: "AssertionError".to_owned(),
                message: format!("test{index} did not hold"),
                stack: "at suite.rs:1\n".repeat(40),
            });
        }
        if letter == 'f' {
            result.earlier.push(Attempt {
                status: Status::Failed,
                duration: None,
                start: None,
                failures: Vec::new(),
            });
        }
        Some(result)
    });
    Part {
        results: results.collect(),
        complete: true,
        in_order: true,
        context: RunContext {
            branch: Some("main".to_owned()),
            commit: Some(format!("{day:040x}")),
            start: Some(Timestamp(day * Timestamp::DAY + 3_600_000)),
            ..RunContext::default()
        },
        ..Part::default()
    }
}
