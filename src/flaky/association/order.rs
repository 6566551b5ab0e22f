//! Order: which test ran before, and how late in its part the test ran.
//!
//! For every other test it is counted how often this one failed after it and before it. The strongest counts, corrected
//! for the number of different orders seen. A part is read once for all tests; counters for pairs are kept for the
//! tests with the most flakes only, as many as fit [`CELLS`].
//!
//! Not seen here: processes within a part (tests of other workers count as run before), and victims of two tests together.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::exact::{Counts, fisher};
use super::load::{self, Texts};
use super::sample::{Candidate, Looked, Sample, compared};
use super::{Evidence, Kind};

/// Pairs of tests that are counted at once, eight bytes each.
const CELLS: usize = 20_000_000;
/// Passing parts that are compared with each test's failing ones, at least, and for each failing one.
const PASSES: usize = 100;
const PASSES_PER_FAIL: usize = 4;
/// Tests with an equal share of failures after them are one neighbourhood; so many are named.
const NAMED: usize = 1;

/// How often a test ran after another one, and before it.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    fail_after: u16,
    fail_before: u16,
    pass_after: u16,
    pass_before: u16,
}

impl Pair {
    fn counts(self) -> Counts {
        Counts {
            fail_with: u32::from(self.fail_after),
            fails: u32::from(self.fail_after) + u32::from(self.fail_before),
            pass_with: u32::from(self.pass_after),
            passes: u32::from(self.pass_after) + u32::from(self.pass_before),
        }
    }
}

/// A test whose order is looked at.
struct Target<'s, 'a> {
    sample: &'s Sample<'a>,
    /// For parts that are compared: whether it failed there.
    asked: FxHashMap<u32, bool>,
    /// For each series.
    pairs: Vec<Pair>,
    /// For each part asked, how many ran before it, as a share; and whether each candidate did.
    places: FxHashMap<u32, f64>,
}

/// Compares the order of execution between failures and passes; returns what was looked at for each sample, in order.
///
/// Cost: O(targets × parts × tests), for at most 20 million pairs of targets and tests.
pub(super) fn look(evidence: &Evidence<'_>, tests: usize, samples: &[Sample<'_>]) -> Vec<Looked> {
    let mut looked: Vec<Looked> = samples.iter().map(|_| Looked::default()).collect();
    let Some(orders) = evidence.orders else {
        return looked;
    };
    let mut by_fails: Vec<usize> = (0..samples.len()).collect();
    by_fails.sort_by_key(|at| std::cmp::Reverse(samples[*at].fails()));
    by_fails.truncate(CELLS / tests.max(1));
    let mut targets: Vec<(usize, Target<'_, '_>)> = by_fails
        .into_iter()
        .map(|at| (at, Target::new(&samples[at], tests)))
        .collect();
    let mut parts: Vec<u32> = targets
        .iter()
        .flat_map(|one| one.1.asked.keys().copied())
        .collect();
    parts.sort_unstable();
    parts.dedup();
    let mut before: Option<Vec<u32>> = None;
    let mut varied = false;
    for part in &parts {
        let Some(order) = orders.order(*part) else {
            continue;
        };
        varied |= before.as_ref().is_some_and(|before| *before != order);
        targets
            .par_iter_mut()
            .for_each(|(_, target)| target.count(*part, &order));
        before.get_or_insert(order);
    }
    if !varied {
        return looked;
    }
    // A second look at the parts tells for each finding where the other test ran before.
    let mut chosen: Vec<Chosen<'_, '_>> = targets
        .into_par_iter()
        .map(|(at, target)| Chosen::of(at, target))
        .collect();
    let wanted = |chosen: &Chosen<'_, '_>| chosen.best.is_some_and(|best| best.p < 0.05);
    if chosen.iter().any(wanted) {
        for part in &parts {
            if let Some(order) = orders.order(*part) {
                chosen
                    .iter_mut()
                    .filter(|c| wanted(c))
                    .for_each(|c| c.tell(*part, &order));
            }
        }
    }
    for chosen in chosen {
        chosen.finish(evidence, &mut looked);
    }
    looked
}

impl<'s, 'a> Target<'s, 'a> {
    fn new(sample: &'s Sample<'a>, tests: usize) -> Self {
        let fails = sample.fails() as usize;
        let passes = sample.rows.len() - fails;
        let wanted = (fails * PASSES_PER_FAIL).max(PASSES);
        let step = (passes as f64 / wanted as f64).max(1.0);
        let (mut next, mut number) = (0.0, 0.0);
        let mut asked = FxHashMap::default();
        for row in &sample.rows {
            if !row.failed {
                number += 1.0;
                if number < next {
                    continue;
                }
                next += step;
            }
            asked.insert(row.part, row.failed);
        }
        Self {
            sample,
            asked,
            pairs: vec![Pair::default(); tests],
            places: FxHashMap::default(),
        }
    }

    fn count(&mut self, part: u32, order: &[u32]) {
        let Some(failed) = self.asked.get(&part) else {
            return;
        };
        let Some(at) = order
            .iter()
            .position(|series| *series == self.sample.series)
        else {
            return;
        };
        self.places
            .insert(part, at as f64 / order.len().max(2) as f64);
        let mut add = |series: &[u32], cell: fn(&mut Pair) -> &mut u16| {
            for series in series {
                if let Some(pair) = self.pairs.get_mut(*series as usize) {
                    let cell = cell(pair);
                    *cell = cell.saturating_add(1);
                }
            }
        };
        if *failed {
            add(&order[..at], |pair| &mut pair.fail_after);
            add(&order[at + 1..], |pair| &mut pair.fail_before);
        } else {
            add(&order[..at], |pair| &mut pair.pass_after);
            add(&order[at + 1..], |pair| &mut pair.pass_before);
        }
    }
}

/// The strongest neighbour of a test.
#[derive(Clone, Copy, Debug)]
struct Best {
    p: f64,
    other: u32,
    /// Others that are as strong.
    alike: u32,
    /// The other ran before where this one failed; else the other way round.
    after: bool,
}

struct Chosen<'s, 'a> {
    at: usize,
    sample: &'s Sample<'a>,
    places: FxHashMap<u32, f64>,
    best: Option<Best>,
    counts: Counts,
    ran_before: FxHashMap<u32, bool>,
}

impl<'s, 'a> Chosen<'s, 'a> {
    fn of(at: usize, target: Target<'s, 'a>) -> Self {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut best: Option<Best> = None;
        let mut chosen = Counts::default();
        for (other, pair) in (0..).zip(&target.pairs) {
            let counts = pair.counts();
            if counts.with() == 0 || counts.without() == 0 || counts.fails == 0 {
                continue;
            }
            seen.insert((
                pair.fail_after,
                pair.fail_before,
                pair.pass_after,
                pair.pass_before,
            ));
            let turned = Counts {
                fail_with: counts.fails - counts.fail_with,
                pass_with: counts.passes - counts.pass_with,
                ..counts
            };
            for (counts, after) in [(counts, true), (turned, false)] {
                // Cheaper than the exact test: failures must at least lean this way.
                let expected = f64::from(counts.fails) * f64::from(counts.with())
                    / f64::from(counts.fails + counts.passes);
                if f64::from(counts.fail_with) <= expected {
                    continue;
                }
                let p = fisher(counts);
                match &mut best {
                    Some(best) if p > best.p => {}
                    Some(best) if p == best.p && counts == chosen => best.alike += 1,
                    _ => {
                        chosen = counts;
                        best = Some(Best {
                            p,
                            other,
                            alike: 0,
                            after,
                        });
                    }
                }
            }
        }
        let tries = 2.0 * seen.len() as f64;
        if let Some(best) = &mut best {
            best.p = (best.p * tries).min(1.0);
        }
        Self {
            at,
            sample: target.sample,
            places: target.places,
            best,
            counts: chosen,
            ran_before: FxHashMap::default(),
        }
    }

    fn tell(&mut self, part: u32, order: &[u32]) {
        let Some(best) = self.best else { return };
        if self.places.contains_key(&part) {
            let first = order
                .iter()
                .find(|s| **s == self.sample.series || **s == best.other);
            let before = first == Some(&best.other);
            self.ran_before.insert(part, before == best.after);
        }
    }

    fn finish(self, evidence: &Evidence<'_>, looked: &mut [Looked]) {
        let looked = &mut looked[self.at];
        let texts = Texts {
            kind: Kind::Order,
            name: "place in the order of execution",
            what: "run it in turn alone and at the end of all tests, on one commit".to_owned(),
        };
        let of = |part: u32| self.places.get(&part).copied();
        load::numbers(self.sample, &of, &texts, looked);
        let Some(best) = self.best else { return };
        looked.add(best.p, || {
            let name = (evidence.name)(best.other);
            let alike = match best.alike as usize {
                0 => String::new(),
                more => format!(
                    " (or one of {} others that run beside it)",
                    more + 1 - NAMED
                ),
            };
            let (order, else_) = if best.after {
                ("after", "before it")
            } else {
                ("before", "after it")
            };
            let with: Vec<bool> = self
                .sample
                .rows
                .iter()
                .map(|row| self.ran_before.get(&row.part).copied().unwrap_or(false))
                .collect();
            Candidate {
                series: self.sample.series,
                kind: Kind::Order,
                factor: name.clone(),
                p: best.p,
                bins: self
                    .sample
                    .rows
                    .iter()
                    .map(|row| {
                        self.ran_before
                            .get(&row.part)
                            .map_or(2, |with| u8::from(*with))
                    })
                    .collect(),
                with,
                effect: false,
                sentence: format!(
                    "fails when it runs {order} `{name}`{alike} {}",
                    compared(self.counts, else_)
                ),
                what: format!(
                    "run only `{name}` and it, in this order and in the other, in one process"
                ),
            }
        });
    }
}
