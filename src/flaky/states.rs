//! The state model: what a test can be, and what each state says about an attempt.
//!
//! A test has a *nature*, the rate `r` at which it fails without cause, and on each line of commits it is *healthy* or
//! *broken*. Healthy, an attempt fails with chance `r`; broken, it fails nearly always. Between two results on one
//! commit nothing changes; between commits a healthy test may break, a broken one be repaired, and now and then the
//! nature is drawn anew (flakiness is introduced, or mended). A part can be hit by an outage, which fails a share of
//! whatever ran in it.
//!
//! Rates live on a grid: one point for "never without cause", the others evenly spaced in log-odds. A grid costs the same for
//! every history, needs no conjugacy, and lets the prior take any shape that the project's own tests suggest.
//!
//! Not seen here: why an attempt failed (messages, machines), and tests whose rate drifts slowly; a drift becomes steps.

use serde::{Deserialize, Serialize};

/// Points of a grid of rates.
pub(super) const RATES: usize = 32;
/// One number for each rate of a grid.
pub(super) type Rates = [f64; RATES];

/// The rate of tests that never fail without cause. Not zero, so that no history is impossible.
pub(super) const NEVER: f64 = 1e-7;

/// Flake rates, in rising order. The first is [`NEVER`]; the others stand in the middle of cells of equal width in
/// log-odds.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// The rates.
    pub rate: Rates,
    /// Log-odds at the lower edge of the first cell.
    low: f64,
    /// Width of a cell in log-odds.
    width: f64,
}

impl Grid {
    /// From 1 in 6,000 to 98.5 %: what a history of some thousand runs can tell apart.
    pub(super) fn coarse() -> Self {
        Self::between(logit(1.5e-4), logit(0.985))
    }

    /// The grid whose cells fill this stretch of log-odds.
    pub(super) fn between(low: f64, high: f64) -> Self {
        let width = (high - low) / (RATES - 1) as f64;
        let mut rate = [NEVER; RATES];
        for (index, rate) in rate.iter_mut().enumerate().skip(1) {
            *rate = expit(low + width * (index as f64 - 0.5));
        }
        Self { rate, low, width }
    }

    /// Spreads cell weights of `other` over the cells of this one, in proportion to the overlap.
    pub(super) fn spread(&self, other: &Self, weights: &Rates) -> Rates {
        let mut spread = [0.0; RATES];
        spread[0] = weights[0];
        for (index, share) in spread.iter_mut().enumerate().skip(1) {
            let low = self.low + self.width * (index - 1) as f64;
            let high = low + self.width;
            for (from, weight) in weights.iter().enumerate().skip(1) {
                let start = other.low + other.width * (from - 1) as f64;
                let overlap = (start + other.width).min(high) - start.max(low);
                if overlap > 0.0 {
                    *share += weight * overlap / other.width;
                }
            }
        }
        spread
    }

    /// A grid as fine as this posterior needs, if this one is too coarse for it.
    pub(super) fn finer(&self, posterior: &Rates) -> Option<Self> {
        let total: f64 = posterior[1..].iter().sum();
        if total < 1e-6 {
            return None;
        }
        let middle = |index: usize| self.low + self.width * (index as f64 - 0.5);
        let weighted = |f: &dyn Fn(f64) -> f64| {
            let cells = posterior.iter().enumerate().skip(1);
            cells.map(|(i, p)| p * f(middle(i))).sum::<f64>() / total
        };
        let mean = weighted(&|x| x);
        let spread = weighted(&|x| (x - mean).powi(2)).sqrt();
        if spread > 2.0 * self.width {
            return None;
        }
        let reach = 4.5 * spread.max(0.3 * self.width);
        Some(Self::between(mean - reach, mean + reach))
    }

    /// The `share` quantile of a posterior, spread evenly (in log-odds) over each cell.
    pub(super) fn quantile(&self, posterior: &Rates, share: f64) -> f64 {
        let total: f64 = posterior.iter().sum();
        let mut left = share * total;
        if left <= posterior[0] {
            return 0.0;
        }
        left -= posterior[0];
        for (index, weight) in posterior.iter().enumerate().skip(1) {
            if left <= *weight {
                let start = self.low + self.width * (index - 1) as f64;
                return expit(start + self.width * left / weight.max(f64::MIN_POSITIVE));
            }
            left -= weight;
        }
        expit(self.low + self.width * (RATES - 1) as f64)
    }

    /// The mean of a posterior.
    pub(super) fn mean(&self, posterior: &Rates) -> f64 {
        let total: f64 = posterior.iter().sum();
        let sum: f64 = posterior[1..]
            .iter()
            .zip(&self.rate[1..])
            .map(|(p, r)| p * r)
            .sum();
        sum / total
    }
}

pub(super) fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// The exponential; 0 at once where no number is so small, of which libraries are slow to tell.
pub(super) fn exp(x: f64) -> f64 {
    if x < -746.0 { 0.0 } else { x.exp() }
}

pub(super) fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The chances of the state model. Those that depend on the project are fitted to its history (see `prior`); the
/// values of [`Chances::default`] stand where a history is short, and weigh as much as the fit says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chances {
    /// That a healthy test breaks between two commits (where a graph is at hand: by a change that reaches it).
    /// Default 1 in 1,000; fitted.
    pub breaks: f64,
    /// That a broken test is repaired between two parts. Default 1 in 4; fitted, between 5 % and 60 %.
    pub repaired: f64,
    /// Share of breakages that last. Default 15 %.
    pub lasting: f64,
    /// That a lasting breakage is repaired between two parts. Default 1 in 200.
    pub mended: f64,
    /// That the nature of a test is drawn anew between two commits (where a graph is at hand: by a change that reaches it).
    /// Default 1 in 500: many flaky tests live for months, but about one in five becomes flaky after it was written (Luo et al.,
    /// FSE 2014: 78 % are flaky when first written), and a guess too low is worse than one too high. Fitted, see `redrawn`.
    pub redrawn: f64,
    /// By how much a change that cannot reach a test, as far as the graph knows, is less likely to break it.
    /// Default 2 %: some dependencies show in no import. Not fitted: flakes at such changes would raise it.
    pub leak: f64,
    /// That a test is broken at the start of its history. Default 3 %; fitted.
    pub broken_at_start: f64,
    /// That a broken test passes all the same. Default 1 in 500.
    pub broken_passes: f64,
    /// That a test is broken on a line of its own (a pull request) when it was not on the main line. Default 3 %.
    pub broken_on_fork: f64,
    /// How far attempts within one run share their fate: 0 independent, 1 always alike. Default 0.5.
    pub alike: f64,
    /// That a part is hit by an outage. Default 2 %; fitted.
    pub outage: f64,
    /// That between two parts some change breaks tests. Default 10 %; fitted.
    pub breaking_part: f64,
}

impl Default for Chances {
    fn default() -> Self {
        Self {
            breaks: 0.001,
            repaired: 0.25,
            lasting: 0.15,
            mended: 0.005,
            redrawn: 0.002,
            leak: 0.02,
            broken_at_start: 0.03,
            broken_passes: 0.002,
            broken_on_fork: 0.03,
            alike: 0.5,
            outage: 0.02,
            breaking_part: 0.1,
        }
    }
}

/// What attempts of one test in one part looked like: `bad` bad ones, then a good one if `passed`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Outcome {
    pub bad: u8,
    pub passed: bool,
}

impl Outcome {
    /// Some attempt failed.
    pub(super) fn is_bad(self) -> bool {
        self.bad > 0
    }

    /// The chance of this outcome when each first attempt fails with chance `rate` and later ones are `alike`.
    pub(super) fn chance(self, rate: f64, alike: f64) -> f64 {
        if self.bad == 0 {
            return 1.0 - rate;
        }
        let again = alike + (1.0 - alike) * rate;
        let later = if self.bad == 1 {
            1.0
        } else {
            again.powi(i32::from(self.bad) - 1)
        };
        rate * later * if self.passed { 1.0 - again } else { 1.0 }
    }
}
