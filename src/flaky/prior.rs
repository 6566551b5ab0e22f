//! Empirical Bayes: what this project's own tests say about flake rates, before a single test is judged.
//!
//! The distribution of rates over tests is fitted without a shape (Kiefer and Wolfowitz 1956; Laird 1978), by EM with a
//! smoothing step (Silverman et al. 1990) so that intervals are not narrower than few tests warrant. A stated default
//! counts as [`DEFAULT_TESTS`] further tests.

use super::states::{Grid, RATES, Rates};

/// How many tests the default distribution counts for.
pub(super) const DEFAULT_TESTS: f64 = 40.0;
/// The default share of tests that fail without cause now and then. Google saw about 16 % ever (Micco 2016); most
/// projects have fewer.
pub(super) const DEFAULT_FLAKY: f64 = 0.04;
/// Rounds of EM for each fit.
const ROUNDS: usize = 30;

/// The default distribution: rates even in log-odds below one half, rarer above (such tests are mended or deleted).
pub(super) fn default_weights(grid: &Grid) -> Rates {
    let mut weights = [0.0; RATES];
    for (weight, rate) in weights.iter_mut().zip(&grid.rate).skip(1) {
        *weight = (1.0 - rate) * (rate / (rate + 0.002)).sqrt();
    }
    let total: f64 = weights.iter().sum();
    for weight in &mut weights[1..] {
        *weight *= DEFAULT_FLAKY / total;
    }
    weights[0] = 1.0 - DEFAULT_FLAKY;
    weights
}

/// Fits the distribution of rates.
///
/// `likelihoods`: for each test that failed, how well each rate explains its history, up to a factor. `never`: for tests
/// that never failed, how often they ran, and how many of them. Cost: rounds × tests × rates.
pub(super) fn fit(grid: &Grid, likelihoods: &[Rates], never: &[(u32, u32)]) -> Rates {
    let default = default_weights(grid);
    let passes: Vec<(Rates, f64)> = never
        .iter()
        .map(|(ran, tests)| {
            (
                grid.rate
                    .map(|rate| (f64::from(*ran) * (-rate).ln_1p()).exp()),
                f64::from(*tests),
            )
        })
        .collect();
    let mut weights = default;
    for _ in 0..ROUNDS {
        let mut sum = default.map(|weight| weight * DEFAULT_TESTS);
        let all = likelihoods
            .iter()
            .map(|l| (l, 1.0))
            .chain(passes.iter().map(|(l, n)| (l, *n)));
        for (likelihood, count) in all {
            let total: f64 = likelihood.iter().zip(&weights).map(|(l, w)| l * w).sum();
            if total > 0.0 {
                for ((sum, l), w) in sum.iter_mut().zip(likelihood).zip(&weights) {
                    *sum += count * l * w / total;
                }
            }
        }
        weights = smooth(&sum);
    }
    weights
}

/// Weights with the sum 1, each flaky rate mixed with its neighbours.
fn smooth(sum: &Rates) -> Rates {
    let total: f64 = sum.iter().sum();
    let mut weights = [0.0; RATES];
    weights[0] = sum[0] / total;
    for index in 1..RATES {
        let left = sum[if index == 1 { 1 } else { index - 1 }];
        let right = sum[(index + 1).min(RATES - 1)];
        weights[index] = (0.25 * left + 0.5 * sum[index] + 0.25 * right) / total;
    }
    weights
}
