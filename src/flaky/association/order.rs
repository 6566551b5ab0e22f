//! Order: which test ran before, and how late in its part the test ran.
//!
//! For every other test it is counted how often this one failed after it and before it. The strongest counts, corrected
//! for the number of different orders seen. A part is read once for all tests; counters for pairs are kept for the
//! tests with the most flakes only, as many as fit [`CELLS`]. Of a long history of many tests, not all orders are read:
//! those of the parts with the most failures, and the newest.
//!
//! Not seen here: processes within a part (tests of other workers count as run before), and victims of two tests together.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::exact::{Counts, fisher};
use super::load::{self, Texts};
use super::sample::{Candidate, Looked, Sample, compared};
use super::{Evidence, Kind, Orders};

/// Pairs of tests that are counted at once, eight bytes each.
const CELLS: usize = 20_000_000;
/// Tests in all orders that are held at once, four bytes each.
const HELD: usize = 20_000_000;
/// After so many equal orders, the others are taken to be equal, too.
const GLANCE: usize = 12;
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
    let targets: Vec<(usize, Target<'_, '_>)> = by_fails
        .into_iter()
        .map(|at| (at, Target::new(&samples[at], tests)))
        .collect();
    let held = read(orders, tests, &targets);
    if held.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        return looked;
    }
    let chosen: Vec<Chosen<'_, '_>> = targets
        .into_par_iter()
        .map(|(at, mut target)| {
            for (part, order) in &held {
                target.count(*part, order);
            }
            let mut chosen = Chosen::of(at, target);
            chosen.tell(&held);
            chosen
        })
        .collect();
    for chosen in chosen {
        chosen.finish(evidence, &mut looked);
    }
    looked
}

/// The orders of the parts that targets ask for, as many as may be held: half of them the newest, half the parts in which
/// most targets failed.
fn read(
    orders: &dyn Orders,
    tests: usize,
    targets: &[(usize, Target<'_, '_>)],
) -> Vec<(u32, Vec<u32>)> {
    let mut fails: FxHashMap<u32, u32> = FxHashMap::default();
    for (part, failed) in targets.iter().flat_map(|one| &one.1.asked) {
        *fails.entry(*part).or_default() += u32::from(*failed);
    }
    let mut parts: Vec<u32> = fails.keys().copied().collect();
    parts.sort_unstable_by_key(|part| std::cmp::Reverse(*part));
    let most = (HELD / tests.max(1)).max(2);
    if parts.len() > most {
        parts[most / 2..].sort_unstable_by_key(|part| std::cmp::Reverse((fails[part], *part)));
        parts.truncate(most);
    }
    parts.sort_unstable();
    let known = |part: u32| Some((part, orders.order(part)?));
    let mut held: Vec<(u32, Vec<u32>)> = Vec::new();
    for (number, part) in parts.into_iter().enumerate() {
        // Most runners keep to one order: then there is nothing to read on for.
        if number == GLANCE && held.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            break;
        }
        held.extend(known(part));
    }
    held
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
        let mut farthest = 0.0f64;
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
                // Cheaper than the exact test: only what leans this way, about as far as the best, can be better.
                let lean = counts.lean();
                if lean <= 0.8 * farthest {
                    continue;
                }
                farthest = farthest.max(lean);
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

    /// Where the other test ran on the side on which this one fails.
    fn tell(&mut self, held: &[(u32, Vec<u32>)]) {
        let Some(best) = self.best.filter(|best| best.p < 0.05) else {
            return;
        };
        for (part, order) in held {
            let of_two = |series: &&u32| **series == self.sample.series || **series == best.other;
            let mut pair = order.iter().filter(of_two);
            let before = pair.next() == Some(&best.other);
            if pair.next().is_some() && self.places.contains_key(part) {
                self.ran_before.insert(*part, before == best.after);
            }
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
