//! Whole histories with known causes, and with none.

use super::*;
use crate::flaky::{Past, assess};
use crate::model::{
    LogSeconds, PartId, PastPart, RunContext, RunId, Seconds, Seen, Series, Status, TestId,
    Timestamp, Variant, attribute,
};

/// A plain generator (SplitMix64), so that simulations are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

struct Simulated {
    parts: Vec<PastPart>,
    series: Vec<Series>,
    orders: Vec<Vec<u32>>,
}

impl Orders for Simulated {
    fn order(&self, part: u32) -> Option<Vec<u32>> {
        self.orders.get(part as usize).cloned()
    }
}

/// Given test, part, order and a number from 0 to 1: the seconds after which it fails, if it does.
type Fails<'a> = dyn Fn(u32, &PastPart, &[u32], f64) -> Option<f64> + 'a;

/// Runs every 95 minutes or so, each on its commit, on one of three hosts.
fn simulate(seed: u64, tests: u32, runs: u32, fails: &Fails<'_>) -> Simulated {
    let mut numbers = Numbers(seed);
    let (mut parts, mut orders, mut now) = (Vec::new(), Vec::new(), 0);
    let mut seen = vec![Vec::new(); tests as usize];
    for run in 0..runs {
        now += (numbers.next() * 190.0 * 60_000.0) as i64;
        let mut context = RunContext {
            commit: Some(format!("c{run}")),
            ..RunContext::default()
        };
        let host = format!("host-{}", (numbers.next() * 3.0) as u32);
        context.set(attribute::HOST, &host);
        context.set(attribute::LOAD, &format!("{:.2}", 3.0 * numbers.next()));
        let part = PastPart {
            part: PartId(i64::from(run)),
            run: RunId(i64::from(run)),
            context,
            start: Timestamp(now),
            duration: None,
            ran: tests,
            bad: 0,
            flaky: 0,
            complete: true,
        };
        let mut order: Vec<(f64, u32)> = (0..tests).map(|test| (numbers.next(), test)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let order: Vec<u32> = order.into_iter().map(|one| one.1).collect();
        for test in 0..tests {
            let failed = fails(test, &part, &order, numbers.next());
            let seconds = failed.unwrap_or(0.5 + numbers.next());
            seen[test as usize].push(Seen {
                part: run,
                status: if failed.is_some() {
                    Status::Failed
                } else {
                    Status::Passed
                },
                bad_attempts: u8::from(failed.is_some()),
                duration: LogSeconds::of(Seconds::new(seconds)),
            });
        }
        parts.push(part);
        orders.push(order);
    }
    let series = (0..).zip(seen).map(|(test, seen): (u32, _)| Series {
        test: TestId::of("suite", &format!("case_{test}")),
        variant: Variant::default(),
        seen,
    });
    Simulated {
        parts,
        series: series.collect(),
        orders,
    }
}

fn found(simulated: &Simulated) -> Associated {
    let past = Past {
        parts: &simulated.parts,
        ..Past::default()
    };
    let assessment = assess(&past, simulated.series.clone());
    let failing: Vec<(u32, Series)> = (0..)
        .zip(simulated.series.iter().cloned())
        .filter(|(_, series)| series.seen.iter().any(|seen| seen.bad_attempts > 0))
        .collect();
    let evidence = Evidence {
        orders: Some(simulated),
        messages: &[],
        name: &|series| format!("case_{series}"),
    };
    associate(&past, &failing, &assessment, &evidence)
}

/// The kinds that are named for test 0, where only it fails; seldom enough to be no regression.
fn kinds(fails: impl Fn(&PastPart, &[u32], f64) -> Option<f64>) -> Vec<Kind> {
    let simulated = simulate(5, 12, 400, &|test, part, order, number| {
        if test == 0 {
            fails(part, order, number)
        } else {
            None
        }
    });
    let findings = found(&simulated).findings;
    assert!(
        findings
            .iter()
            .all(|one| one.series == 0 && one.q <= 0.05 && one.p <= one.q)
    );
    findings.into_iter().map(|one| one.kind).collect()
}

fn when(fails: bool) -> Option<f64> {
    fails.then_some(0.7)
}

#[test]
fn a_test_that_fails_on_one_host_depends_on_its_environment() {
    let on = |part: &PastPart| part.context.attributes[attribute::HOST] == "host-1";
    assert_eq!(
        kinds(|part, _, number| when(on(part) && number < 0.4)),
        [Kind::Environment]
    );
}

#[test]
fn a_test_that_fails_on_busy_machines_depends_on_load() {
    let load = |part: &PastPart| {
        part.context.attributes[attribute::LOAD]
            .parse::<f64>()
            .unwrap()
    };
    assert_eq!(
        kinds(|part, _, number| when(number < 0.1 * load(part).powi(2) / 2.0)),
        [Kind::Load]
    );
}

#[test]
fn a_test_that_fails_before_midnight_depends_on_the_clock() {
    let hour = |part: &PastPart| part.start.0.rem_euclid(Timestamp::DAY) / 3_600_000;
    assert_eq!(
        kinds(|part, _, number| when(hour(part) >= 22 && number < 0.7)),
        [Kind::Clock]
    );
}

#[test]
fn a_test_that_fails_after_another_one_depends_on_order() {
    let after = |order: &[u32]| order.iter().find(|test| **test == 0 || **test == 3) == Some(&3);
    assert_eq!(
        kinds(|_, order, number| when(after(order) && number < 0.4)),
        [Kind::Order]
    );
}

#[test]
fn a_test_that_stops_at_its_limit_depends_on_timing() {
    assert_eq!(
        kinds(|_, _, number| (number < 0.1).then_some(5.0 + number / 10.0)),
        [Kind::Timing]
    );
}

#[test]
fn a_test_that_fails_at_random_depends_on_nothing() {
    assert_eq!(kinds(|_, _, number| when(number < 0.1)), []);
}

#[test]
fn tests_that_fail_together_are_one_finding() {
    let simulated = simulate(9, 12, 400, &|test, part, _, number| {
        let down = Numbers(part.part.0 as u64).next() < 0.08;
        when(test < 4 && down && number < 0.9)
    });
    let findings = found(&simulated).findings;
    let together: Vec<_> = findings
        .iter()
        .filter(|one| one.kind == Kind::CoFailure)
        .collect();
    assert_eq!(together.len(), 1, "{findings:?}");
    assert_eq!(
        (together[0].series, &together[0].others[..]),
        (0, &[1, 2, 3][..])
    );
}

#[test]
fn few_failures_are_too_few_to_say() {
    let simulated = simulate(5, 12, 400, &|test, part, _, _| {
        when(test == 0 && part.part.0 % 130 == 7)
    });
    let found = found(&simulated);
    assert_eq!(
        (
            found.findings.len(),
            found.examined.series,
            found.examined.too_few
        ),
        (0, 0, 1)
    );
}

#[test]
fn nothing_to_find_gives_no_more_findings_than_the_stated_rate() {
    // 30 projects in which failures have no cause. Each finding is false, so at most about one project in twenty has any.
    let mut with_findings = 0;
    for seed in 0..30 {
        let simulated = simulate(100 + seed, 40, 150, &|test, _, _, number| {
            when(test < 20 && number < 0.04 + 0.01 * f64::from(test))
        });
        with_findings += u32::from(!found(&simulated).findings.is_empty());
    }
    assert!(with_findings <= 4, "{with_findings} of 30");
}
