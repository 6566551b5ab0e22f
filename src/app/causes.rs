//! Failures that say the same, put together: their causes rather than their tests.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::flaky::Failing;
use crate::history::FailureRow;
use crate::model::{PartId, TestId, Timestamp};
use crate::report::nightly::Cause;
use crate::triage::cluster::Clusters;
use crate::triage::signature::signature;

/// So many tests are named.
const EXAMPLES: usize = 3;

/// Failures of one cluster, as they are counted.
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
    let known: Vec<(&FailureRow, (Timestamp, Option<Failing>))> = rows
        .iter()
        .filter_map(|row| Some((row, of(row)?)))
        .collect();
    let mut moments: Vec<Timestamp> = known.iter().map(|(_, (start, _))| *start).collect();
    moments.sort_unstable();
    moments.dedup();
    let mut clusters = Clusters::default();
    let mut tests: FxHashMap<&TestId, u32> = FxHashMap::default();
    for (row, (start, _)) in &known {
        let next = tests.len() as u32;
        let test = *tests.entry(&row.test).or_insert(next);
        let moment = moments.partition_point(|moment| moment < start) as u32;
        clusters.add(test, moment, signature(&row.failure));
    }
    let joined = clusters.join();
    let mut groups: Vec<Group> = joined.clusters.iter().map(|_| Group::default()).collect();
    for ((row, (start, cause)), cluster) in known.into_iter().zip(&joined.of) {
        let group = &mut groups[*cluster as usize];
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
    let titles = joined.clusters.iter().map(|one| one.signature.title());
    let mut causes: Vec<Cause> = titles.zip(groups).map(cause).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Failure, Status, Variant};

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
            row("a", "no answer on port 1"),
            row("b", "no answer on port 22"),
            row("a", "no answer on port 3"),
            row("c", "no such key"),
        ];
        let found = causes(&rows, |_| Some((Timestamp(5), None)));
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].message.as_str(), found[0].failures, found[0].tests),
            ("no answer on port #", 3, 2)
        );
        assert_eq!(found[0].examples, ["t::a", "t::b"]);
    }
}
