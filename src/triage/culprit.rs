//! Which commit broke a test? A search that knows that tests flake.
//!
//! The commits after a good one are the suspects, in order; that none of them broke anything and the failure was a flake is a
//! hypothesis like each of them. What was seen of the test at any commit, and how often, makes each more or less
//! likely (Bayes), so that one flake never sends the search astray for good, and results that were paid for already count
//! as much as new ones. After Henderson et al., "Flake Aware Culprit Finding" (ICST 2023), with these differences:
//!
//! - the flake rate is not one number but a weighted list of them, and the results of the search speak about it as well;
//! - a broken test may pass now and then;
//! - the next run is the one that tells most (expected information), given those that are under way;
//! - commits that cannot be tested stay suspects; they end in a group that cannot be told apart;
//! - a culprit is named only when it failed often enough and its parent passed.
//!
//! Not seen here: a breakage that only raises the flake rate; two breakages in one range (the first that explains all is
//! named); what commits are.

mod belief;
mod next;
pub mod past;
pub mod prior;

use serde::{Deserialize, Serialize};

pub use belief::Belief;

use crate::flaky::{Chances, usual_rates};
use crate::model::Probability;

/// How the test behaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Behaviour {
    /// The chance that an attempt fails while nothing is broken, as rates with their weights. Weights need no sum.
    rates: Vec<(f64, f64)>,
    /// The chance that it passes while it is broken.
    broken_passes: f64,
    /// How far attempts within one run share their fate: 0 independent, 1 always alike.
    alike: f64,
}

/// From a floor of 0.1 on, whatever the history says (Henderson et al. 2023): a change can alter how flaky a test is.
const FLOOR: f64 = 0.1;
/// So much weight lies on [`FLOOR`].
const DOUBT: f64 = 0.1;

impl Behaviour {
    /// A test of which the flake rate is known, and which never passes while it is broken: the model as it was published.
    pub fn exactly(rate: f64) -> Self {
        Self {
            rates: vec![(rate.clamp(0.0, 1.0), 1.0)],
            broken_passes: 0.0,
            alike: 0.0,
        }
    }

    /// A test of which nothing is known.
    pub fn unknown() -> Self {
        Self::of(Probability::clamped(0.04), 0, 0)
    }

    /// A test of a project in which this share of tests is flaky, which failed without cause in `failed` of `ran` runs.
    ///
    /// A tenth of the weight stays on a rate of 10 %: what changes in the range may change the flakiness, too.
    pub fn of(share: Probability, failed: u32, ran: u32) -> Self {
        let chances = Chances::default();
        let mut rates = usual_rates(share);
        let (bad, good) = (
            f64::from(failed.min(ran)),
            f64::from(ran.saturating_sub(failed)),
        );
        let logs: Vec<f64> = rates
            .iter()
            .map(|(rate, _)| bad * rate.ln() + good * (-rate).ln_1p())
            .collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for ((_, weight), log) in rates.iter_mut().zip(&logs) {
            *weight *= (log - most).exp();
        }
        let total: f64 = rates.iter().map(|(_, weight)| weight).sum();
        for (_, weight) in &mut rates {
            *weight *= (1.0 - DOUBT) / total;
        }
        rates.push((FLOOR, DOUBT));
        Self {
            rates,
            broken_passes: chances.broken_passes,
            alike: chances.alike,
        }
    }

    /// The mean flake rate.
    pub fn rate(&self) -> f64 {
        let total: f64 = self.rates.iter().map(|(_, weight)| weight).sum();
        self.rates.iter().map(|(r, w)| r * w).sum::<f64>() / total
    }

    /// The chance of an outcome with this flake rate, while nothing is broken.
    fn healthy(&self, rate: f64, seen: &Observation) -> f64 {
        if seen.bad == 0 {
            return 1.0 - rate;
        }
        let rate = 1.0 - (1.0 - rate) * (1.0 - seen.hit.get());
        let again = self.alike + (1.0 - self.alike) * rate;
        let later = again.powi(i32::from(seen.bad) - 1);
        rate * later * if seen.passed { 1.0 - again } else { 1.0 }
    }

    /// The chance of an outcome after the breakage.
    fn broken(&self, rate: f64, seen: &Observation) -> f64 {
        let passes = self.broken_passes;
        let broken = match (seen.bad, seen.passed) {
            (0, _) => passes,
            (_, false) => 1.0 - passes,
            (_, true) => (1.0 - passes) * passes,
        };
        let repaired = seen.repaired.get();
        repaired * self.healthy(rate, seen) + (1.0 - repaired) * broken
    }
}

/// What was seen of the test in one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// After how many of the suspects: 0 at the good commit, `n` at the last suspect.
    pub at: u32,
    /// Attempts that failed.
    pub bad: u8,
    /// Whether it passed in the end.
    pub passed: bool,
    /// The chance that the run would have failed whatever the test does: it was hit by an outage.
    pub hit: Probability,
    /// The chance that a breakage was repaired by then: for results after the last suspect.
    pub repaired: Probability,
    /// Somebody said so: it counts as evidence, but verifies nothing.
    pub told: bool,
}

impl Observation {
    /// One attempt at a position, which passed or failed.
    pub fn once(at: u32, passed: bool) -> Self {
        Self {
            at,
            bad: u8::from(!passed),
            passed,
            hit: Probability::default(),
            repaired: Probability::default(),
            told: false,
        }
    }

    /// The same, said by somebody.
    pub fn told(at: u32, passed: bool) -> Self {
        Self {
            told: true,
            ..Self::once(at, passed)
        }
    }

    /// It passed at once.
    fn is_clean(&self) -> bool {
        self.bad == 0 && !self.told
    }

    /// It failed in the end, and that was hardly an outage.
    fn is_firm(&self) -> bool {
        !self.passed && !self.told && self.hit.get() < 0.5
    }
}

/// The end of a search, or where it stands.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// This suspect, from 1.
    Culprit(u32),
    /// One of these suspects; those before the last cannot be tested.
    Among(Vec<u32>),
    /// None: the failure was a flake.
    NoCulprit,
    /// The test fails at the good commit, too: what broke it is older, or no commit.
    BrokenBefore,
    /// Not yet known.
    Undecided,
}

/// What to do next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Run the test at this position.
    Run(u32),
    /// Nothing, until a run that is under way ends.
    Wait,
    /// The answer is known, or no run can tell more.
    Done(Outcome),
}

/// A search: suspects with their prior weights, the test's behaviour, and all that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Of each suspect, and last of "none".
    prior: Vec<f64>,
    behaviour: Behaviour,
    seen: Vec<Observation>,
    /// For each position, that no run at it can tell anything: it does not build.
    untestable: Vec<bool>,
}

impl Search {
    /// A search among suspects with these weights, in the order of commits; `none` is the weight of "no culprit". Weights
    /// that are negative or no numbers count as nothing; if all are nothing, each counts alike.
    pub fn new(weights: &[f64], none: f64, behaviour: Behaviour) -> Self {
        let sound = |weight: &f64| {
            if weight.is_finite() {
                weight.max(0.0)
            } else {
                0.0
            }
        };
        let mut prior: Vec<f64> = weights.iter().chain([&none]).map(sound).collect();
        if prior.iter().sum::<f64>() <= 0.0 {
            prior.fill(1.0);
        }
        let mut search = Self {
            untestable: vec![false; prior.len()],
            prior,
            behaviour,
            seen: Vec::new(),
        };
        search.normalise();
        search
    }

    fn normalise(&mut self) {
        let total: f64 = self.prior.iter().sum();
        for weight in &mut self.prior {
            *weight /= total;
        }
    }

    /// How many suspects there are.
    pub fn suspects(&self) -> u32 {
        (self.untestable.len() - 1) as u32
    }

    /// What was seen so far.
    pub fn seen(&self) -> &[Observation] {
        &self.seen
    }

    /// Takes in a result. What lies beyond the last suspect counts as at it.
    pub fn observe(&mut self, mut seen: Observation) {
        seen.at = seen.at.min(self.suspects());
        if !seen.passed && seen.bad == 0 {
            seen.bad = 1;
        }
        self.seen.push(seen);
    }

    /// A position turned out not to be testable.
    pub fn rule_out_testing(&mut self, at: u32) {
        if let Some(mark) = self.untestable.get_mut(at as usize) {
            *mark = true;
        }
    }

    /// Whether a position cannot be tested.
    pub fn is_untestable(&self, at: u32) -> bool {
        self.untestable.get(at as usize) == Some(&true)
    }

    /// The same search, with a prior such that this is what is believed now: what is known from elsewhere (of each suspect,
    /// and of "no culprit") already speaks of the results taken in so far. Weights need no sum.
    pub fn believing(mut self, suspects: &[f64], none: f64) -> Self {
        let now = self.belief();
        let wanted = suspects.iter().chain([&none]);
        let now = now.suspects.iter().chain([&now.none]);
        for ((prior, wanted), now) in self.prior.iter_mut().zip(wanted).zip(now) {
            // what the results rule out stays ruled out
            *prior = if *now > 0.0 && wanted.is_finite() {
                *prior * wanted.max(0.0) / now
            } else {
                0.0
            };
        }
        if self.prior.iter().sum::<f64>() <= 0.0 {
            self.prior.fill(1.0);
        }
        self.normalise();
        self
    }

    /// What all results say. Cost: O((suspects + results) × rates).
    pub fn belief(&self) -> Belief {
        belief::weigh(self)
    }

    /// What to do next, while runs at the positions `pending` are under way.
    ///
    /// A culprit must reach `confidence`, must have failed [`reruns`] times, and its parent must have passed.
    /// Cost: that of a belief, and O(suspects) for each combination of pending outcomes (64 at most).
    pub fn step(&self, confidence: Probability, pending: &[u32]) -> Step {
        next::step(self, confidence, pending)
    }

    /// The answer at this confidence, as far as it is known; a culprit that is likely enough but not verified is given, too.
    pub fn outcome(&self, confidence: Probability) -> Outcome {
        next::outcome(self, &self.belief(), confidence)
    }
}

/// How often a culprit must fail, so that all of that were flakes with a chance of `1 − confidence` at most:
/// `⌈ln(1 − C) / ln f⌉`, with a flake rate of at least a tenth (Henderson et al. 2023, their verifier).
pub fn reruns(confidence: Probability, rate: f64) -> u32 {
    let doubt = (1.0 - confidence.get()).max(1e-12);
    let times = doubt.ln() / rate.clamp(FLOOR, 0.99).ln();
    // what is a whole number but for rounding stays one
    (times - 1e-9).ceil().max(1.0) as u32
}

#[cfg(test)]
mod tests;
