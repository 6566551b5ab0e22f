//! Changepoints: where the rate of a test changed, and how closely that is known.
//!
//! A history is cut into segments of constant rate. The evidence of a segment is a mixture: it never fails, it always
//! fails, or its rate is anything (Beta). Against one Beta for all (LUCI Analysis), the two ends make a clean break show at
//! least as early, and a step from nothing to a little as well. The best cut is found exactly, by dynamic programming over
//! the places where outcomes change (Jackson et al. 2005; Fearnhead 2006); a cut must be worth [`PENALTY`].
//!
//! Not seen here: slow drifts. They become steps.

use serde::{Deserialize, Serialize};
use statrs::function::beta::ln_beta;

use super::Estimate;
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

/// What a change must be worth, in logarithms: [`NULL_HISTORIES`] of a constant rate show fewer than one in a thousand
/// changes (see the tests).
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
    let (rare, often) = (END.ln(), (-END).ln_1p());
    let never = 0.45f64.ln() + failed * rare + passed * often;
    let always = 0.1f64.ln() + failed * often + passed * rare;
    let between = 0.45f64.ln() + ln_beta(failed + 0.5, passed + 1.0) - ln_beta(0.5, 1.0);
    let most = never.max(always).max(between);
    most + [never, always, between]
        .map(|x| (x - most).exp())
        .iter()
        .sum::<f64>()
        .ln()
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
    let total: f64 = logs.iter().map(|log| (log - most).exp()).sum();
    let (mut sum, mut low, mut high) = (0.0, places[0], places[places.len() - 1]);
    let mut open = true;
    for (at, log) in places.iter().zip(&logs) {
        sum += (log - most).exp() / total;
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
