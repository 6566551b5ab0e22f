//! Changepoints: where the rate of a test changed, and how closely that is known.
//!
//! A history is cut into segments of constant rate. The evidence of a segment is a mixture: it never fails, it always
//! fails, or its rate is anything (Beta). Against one Beta for all (LUCI Analysis), the two ends make a clean break show at
//! least as early, and a step from nothing to a little as well. The best cut is found exactly, by dynamic programming over
//! the places where outcomes change (Jackson et al. 2005; Fearnhead 2006); a cut must be worth `PENALTY`.
//!
//! Not seen here: slow drifts. They become steps.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use statrs::function::beta::ln_beta;
use statrs::function::gamma::ln_gamma;

use super::Estimate;
use super::states::exp;
use crate::model::Probability;

/// The rate of a test changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateChange {
    /// After this part, with 99 % probability, …
    pub after: u32,
    /// … and at the latest in this one.
    pub until: u32,
    /// The rate before, since the change before that.
    pub before: Estimate,
    /// The rate from then on, until the next change.
    pub then: Estimate,
}

/// One result, as far as a rate goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// In which part.
    pub part: u32,
    /// Another commit than that of the point before: a rate may change here.
    pub moved: bool,
    /// That it failed for a reason that counts.
    pub failed: f64,
    /// That it says something at all.
    pub weight: f64,
}

/// What a change must be worth, in logarithms: of histories with a constant rate, fewer than one in a thousand shows a
/// change (see the tests).
const PENALTY: f64 = 8.0;
/// Most places that are looked at; of more, every second, third, … is.
const PLACES: usize = 600;
/// Rates of the two ends of the mixture: hardly ever, nearly always.
const END: f64 = 1e-4;

/// Running sums of failures and weights.
struct Sums {
    failed: Vec<f64>,
    weight: Vec<f64>,
}

impl Sums {
    fn of(points: &[Point]) -> Self {
        let mut sums = Self {
            failed: vec![0.0],
            weight: vec![0.0],
        };
        let (mut failed, mut weight) = (0.0, 0.0);
        for point in points {
            failed += point.failed;
            weight += point.weight;
            sums.failed.push(failed);
            sums.weight.push(weight);
        }
        sums
    }

    fn between(&self, from: usize, to: usize) -> (f64, f64) {
        let failed = self.failed[to] - self.failed[from];
        (failed, (self.weight[to] - self.weight[from]).max(failed))
    }

    fn evidence(&self, from: usize, to: usize) -> f64 {
        let (failed, weight) = self.between(from, to);
        evidence(failed, weight)
    }
}

/// The logarithm of the chance of so many failures among so many results in a segment, whatever its rate.
fn evidence(failed: f64, all: f64) -> f64 {
    let passed = all - failed;
    let known = &*KNOWN;
    let never = known.nearly_half + failed * known.rare + passed * known.often;
    let always = known.tenth + failed * known.often + passed * known.rare;
    let between = known.nearly_half + known.ln_beta(failed, passed) - known.ln_beta(0.0, 0.0);
    let most = never.max(always).max(between);
    most + [never, always, between]
        .map(|x| exp(x - most))
        .iter()
        .sum::<f64>()
        .ln()
}

/// Counts of results up to which logarithms are looked up.
const COUNTS: usize = 1 << 13;

/// Logarithms that are asked for time and again.
struct Known {
    rare: f64,
    often: f64,
    nearly_half: f64,
    tenth: f64,
    /// Of the gamma function at n/2, by n.
    gamma: Vec<f64>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| Known {
    rare: END.ln(),
    often: (-END).ln_1p(),
    nearly_half: 0.45f64.ln(),
    tenth: 0.1f64.ln(),
    gamma: (0..2 * COUNTS + 4)
        .map(|n| ln_gamma(n as f64 / 2.0))
        .collect(),
});

impl Known {
    /// Of the beta function at half a failure and one pass more than these.
    fn ln_beta(&self, failed: f64, passed: f64) -> f64 {
        let all = failed + passed;
        if all >= COUNTS as f64 || failed.fract() != 0.0 || passed.fract() != 0.0 {
            return ln_beta(failed + 0.5, passed + 1.0);
        }
        let at = |value: f64| self.gamma[(2.0 * value) as usize];
        at(failed + 0.5) + at(passed + 1.0) - at(all + 1.5)
    }
}

/// The changes of a test's rate, oldest first.
///
/// Cost: O(points), and O(places²) for the places (at most 600) where outcomes change between commits.
pub(super) fn changes(points: &[Point]) -> Vec<RateChange> {
    let sums = Sums::of(points);
    let places = places(points);
    let cuts = cut(&sums, &places, points.len());
    let mut changes = Vec::with_capacity(cuts.len());
    for (index, cut) in cuts.iter().enumerate() {
        let from = if index == 0 { 0 } else { cuts[index - 1] };
        let to = cuts.get(index + 1).copied().unwrap_or(points.len());
        let (low, high) = bounds(&sums, points, from, to);
        changes.push(RateChange {
            after: points[low - 1].part,
            until: points[high].part,
            before: rate(&sums, from, *cut),
            then: rate(&sums, *cut, to),
        });
    }
    changes
}

/// Where a cut may be best: next to a failure, between commits.
fn places(points: &[Point]) -> Vec<usize> {
    let bad = |point: &Point| point.failed > 0.5;
    let between = (1..points.len())
        .filter(|at| points[*at].moved && bad(&points[*at]) != bad(&points[at - 1]));
    let places: Vec<usize> = between.collect();
    let step = places.len().div_ceil(PLACES).max(1);
    places.into_iter().step_by(step).collect()
}

/// The cuts with the best sum of evidence and penalties, by dynamic programming.
fn cut(sums: &Sums, places: &[usize], end: usize) -> Vec<usize> {
    let stops: Vec<usize> = places.iter().copied().chain([end]).collect();
    let mut best: Vec<(f64, Option<usize>)> = Vec::with_capacity(stops.len());
    for (index, stop) in stops.iter().enumerate() {
        let mut top = (sums.evidence(0, *stop), None);
        for (before, from) in stops[..index].iter().enumerate() {
            let value = best[before].0 - PENALTY + sums.evidence(*from, *stop);
            if value > top.0 {
                top = (value, Some(before));
            }
        }
        best.push(top);
    }
    let mut cuts = Vec::new();
    let mut at = best.last().and_then(|last| last.1);
    while let Some(index) = at {
        cuts.push(stops[index]);
        at = best[index].1;
    }
    cuts.reverse();
    cuts
}

/// The range that holds the one change between `from` and `to` with 99 % probability: it is after the point before the
/// first index, at the latest at the second. All places between commits are weighed, not only the best ones.
fn bounds(sums: &Sums, points: &[Point], from: usize, to: usize) -> (usize, usize) {
    let at = |at: &usize| points[*at].moved;
    let places: Vec<usize> = (from + 1..to).filter(at).collect();
    let logs: Vec<f64> = places
        .iter()
        .map(|at| sums.evidence(from, *at) + sums.evidence(*at, to))
        .collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logs.iter().map(|log| exp(log - most)).sum();
    let (mut sum, mut low, mut high) = (0.0, places[0], places[places.len() - 1]);
    let mut open = true;
    for (at, log) in places.iter().zip(&logs) {
        sum += exp(log - most) / total;
        if open && sum >= 0.005 {
            low = *at;
            open = false;
        }
        if sum >= 0.995 {
            high = *at;
            break;
        }
    }
    (low, high)
}

/// The rate of a segment: Beta(½, 1) and what was seen, with its 95 % interval.
fn rate(sums: &Sums, from: usize, to: usize) -> Estimate {
    let (failed, all) = sums.between(from, to);
    let (a, b) = (failed + 0.5, all - failed + 1.0);
    let quantile = |share: f64| Probability::clamped(quantile(a, b, share));
    Estimate {
        mean: Probability::clamped(a / (a + b)),
        low: quantile(0.025),
        high: quantile(0.975),
    }
}

/// A quantile of Beta(a, b), by halving.
fn quantile(a: f64, b: f64, share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if statrs::function::beta::beta_reg(a, b, middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One result a commit: `P` or `F`.
    fn points(outcomes: impl IntoIterator<Item = bool>) -> Vec<Point> {
        let point = |(part, failed)| Point {
            part,
            moved: true,
            failed: f64::from(u8::from(failed)),
            weight: 1.0,
        };
        (0..).zip(outcomes).map(point).collect()
    }

    fn step(green: u32, red: u32) -> Vec<Point> {
        points((0..green + red).map(|at| at >= green))
    }

    /// Every `every`th of so many results fails, after so many passes.
    fn later(green: u32, red: u32, every: u32) -> Vec<Point> {
        points((0..green + red).map(|at| at >= green && (at - green) % every == every / 2))
    }

    /// A plain generator (SplitMix64), so that simulations are the same everywhere.
    fn numbers(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn a_clean_break_shows_at_least_as_early_as_with_luci() {
        // What LUCI Analysis needs after so many passes, by its own formula.
        for (green, luci) in [(5, 13), (10, 6), (20, 4), (50, 3), (100, 3), (500, 2)] {
            let ours = (1..=20).find(|red| !changes(&step(green, *red)).is_empty());
            assert!(
                ours.is_some_and(|ours| ours <= luci),
                "after {green}: {ours:?}, LUCI {luci}"
            );
        }
    }

    #[test]
    fn a_step_to_a_half_and_to_a_fifth_shows_as_early_as_with_luci() {
        for (every, luci) in [(2, 5), (5, 31)] {
            let ours = (1..=60).find(|red| !changes(&later(100, *red, every)).is_empty());
            assert!(
                ours.is_some_and(|ours| ours <= luci),
                "1 in {every}: {ours:?}, LUCI {luci}"
            );
        }
    }

    #[test]
    fn a_step_to_a_tenth_shows_though_luci_does_not_see_it_in_400_runs() {
        let ours = (1..=400).find(|red| !changes(&later(100, *red, 10)).is_empty());
        assert!(ours.is_some_and(|ours| ours <= 150), "{ours:?}");
    }

    #[test]
    fn a_constant_rate_shows_fewer_than_one_change_in_a_thousand_histories() {
        let mut number = numbers(7);
        let mut found = 0;
        for history in 0..3000 {
            let rate = [0.005, 0.02, 0.1, 0.3, 0.6][history % 5];
            let outcomes: Vec<bool> = (0..200).map(|_| number() < rate).collect();
            found += u32::from(!changes(&points(outcomes)).is_empty());
        }
        assert!(found <= 3, "{found} of 3000");
    }

    #[test]
    fn the_true_change_lies_inside_the_bounds() {
        let mut number = numbers(11);
        let (mut found, mut inside) = (0, 0);
        for _ in 0..400 {
            let at = 50 + (number() * 150.0) as u32;
            let rate = 0.05 + 0.45 * number();
            let outcomes: Vec<bool> = (0..300).map(|i| i >= at && number() < rate).collect();
            if let [change] = changes(&points(outcomes))[..] {
                found += 1;
                inside += u32::from(change.after < at && at <= change.until);
            }
        }
        assert!(found > 300, "{found}");
        assert!(
            f64::from(inside) >= 0.97 * f64::from(found),
            "{inside} of {found}"
        );
    }

    #[test]
    fn a_stretch_of_flakiness_has_a_beginning_and_an_end() {
        let outcomes = (0..300).map(|at| (100..180).contains(&at) && at % 4 == 0);
        let found = changes(&points(outcomes));
        assert_eq!(found.len(), 2, "{found:?}");
        let [first, second] = [found[0], found[1]];
        assert!(
            first.after < 100 && 100 <= first.until && second.after < 180 && second.until >= 177
        );
        assert!(first.before.high.get() < 0.05 && first.then.low.get() > 0.15);
    }

    #[test]
    fn reruns_of_one_commit_are_never_parted() {
        let mut rerun = step(30, 20);
        rerun
            .iter_mut()
            .skip(25)
            .take(10)
            .for_each(|point| point.moved = false);
        for change in changes(&rerun) {
            assert!(
                !(25..35).contains(&change.until) || change.until == 25,
                "{change:?}"
            );
        }
    }

    /// All ways to cut, tried.
    fn tried(sums: &Sums, places: &[usize], end: usize) -> f64 {
        (0u32..1 << places.len())
            .map(|mask| {
                let (mut from, mut value) = (0, 0.0);
                for (bit, place) in places.iter().enumerate() {
                    if mask & (1 << bit) != 0 {
                        value += sums.evidence(from, *place) - PENALTY;
                        from = *place;
                    }
                }
                value + sums.evidence(from, end)
            })
            .fold(f64::NEG_INFINITY, f64::max)
    }

    proptest! {
        #[test]
        fn the_cut_is_the_best_of_all(outcomes in prop::collection::vec((any::<bool>(), 1usize..30), 1..9)) {
            let outcomes = outcomes.into_iter().flat_map(|(failed, many)| std::iter::repeat_n(failed, many));
            let points = points(outcomes);
            let (sums, places) = (Sums::of(&points), places(&points));
            let (mut from, mut value) = (0, 0.0);
            for cut in cut(&sums, &places, points.len()) {
                value += sums.evidence(from, cut) - PENALTY;
                from = cut;
            }
            value += sums.evidence(from, points.len());
            prop_assert!((value - tried(&sums, &places, points.len())).abs() < 1e-9);
        }
    }
}
