//! The posterior: each hypothesis weighed by what was seen.

use super::Search;

/// How likely each hypothesis is. All sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Belief {
    /// Of each suspect.
    pub suspects: Vec<f64>,
    /// Of "no culprit".
    pub none: f64,
    /// The mean flake rate under each hypothesis, "no culprit" last.
    pub rates: Vec<f64>,
}

impl Belief {
    /// The likeliest suspect, from 1, with its probability; `None` without suspects.
    pub fn best(&self) -> Option<(u32, f64)> {
        let best = (1..).zip(&self.suspects).max_by(|a, b| a.1.total_cmp(b.1));
        best.map(|(at, p)| (at, *p))
    }

    /// Suspects by probability, likeliest first.
    pub fn ranked(&self) -> Vec<(u32, f64)> {
        let mut ranked: Vec<(u32, f64)> = (1..).zip(self.suspects.iter().copied()).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked
    }

    /// The mean flake rate over all hypotheses.
    pub fn rate(&self) -> f64 {
        let each = self.suspects.iter().chain([&self.none]);
        each.zip(&self.rates).map(|(p, rate)| p * rate).sum()
    }

    /// In how many yes-or-no questions one could find the answer: the entropy, in bits.
    pub fn entropy(&self) -> f64 {
        let each = self.suspects.iter().chain([&self.none]);
        each.filter(|p| **p > 0.0).map(|p| -p * p.log2()).sum()
    }
}

/// No result is quite impossible.
const LEAST: f64 = 1e-300;

pub(super) fn weigh(search: &Search) -> Belief {
    let positions = search.prior.len();
    let rates = &search.behaviour.rates;
    let width = rates.len();
    // by position and rate: logarithms of all results there, before and after the breakage
    let mut healthy = vec![0.0; positions * width];
    let mut broken = vec![0.0; positions * width];
    for seen in &search.seen {
        let row = seen.at as usize * width;
        for (cell, (rate, _)) in rates.iter().enumerate() {
            let behaviour = &search.behaviour;
            healthy[row + cell] += behaviour.healthy(*rate, seen).max(LEAST).ln();
            broken[row + cell] += behaviour.broken(*rate, seen).max(LEAST).ln();
        }
    }
    // after position `last` everything is broken: sums from the end
    for row in (1..positions).rev() {
        for cell in 0..width {
            let above = broken.get((row + 1) * width + cell).copied();
            broken[row * width + cell] += above.unwrap_or(0.0);
        }
    }
    let mut before: Vec<f64> = rates.iter().map(|(_, weight)| weight.ln()).collect();
    let mut logs = vec![0.0; positions * width];
    for hypothesis in 0..positions {
        // hypothesis h: suspect h + 1 broke it, so positions up to h are healthy; the last one: none did
        for cell in 0..width {
            before[cell] += healthy[hypothesis * width + cell];
            let after = broken.get((hypothesis + 1) * width + cell).copied();
            logs[hypothesis * width + cell] = before[cell] + after.unwrap_or(0.0);
        }
    }
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut weights = Vec::with_capacity(positions);
    let mut means = Vec::with_capacity(positions);
    for (prior, logs) in search.prior.iter().zip(logs.chunks(width)) {
        let (mut sum, mut mean) = (0.0, 0.0);
        for (log, (rate, _)) in logs.iter().zip(rates) {
            let weight = (log - most).exp();
            sum += weight;
            mean += weight * rate;
        }
        weights.push(prior * sum);
        means.push(if sum > 0.0 {
            mean / sum
        } else {
            search.behaviour.rate()
        });
    }
    let total: f64 = weights.iter().sum();
    if total > 0.0 {
        for weight in &mut weights {
            *weight /= total;
        }
    } else {
        // only hypotheses without any prior weight explain what was seen
        weights.clone_from(&search.prior);
    }
    let none = weights.pop().unwrap_or(1.0);
    Belief {
        suspects: weights,
        none,
        rates: means,
    }
}
