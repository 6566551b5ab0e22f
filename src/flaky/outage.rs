//! What a part as a whole says: was it hit by an outage, did its change break tests?
//!
//! Each failed test tells how well it can be explained without either, by a new breakage, and by an outage (its own
//! result left out); each passed test speaks against both. With the share `s` that an outage fails and the share `q`
//! that a change breaks on a grid, their posterior is a small table for each part. What a test hears back leaves out its
//! own word.
//!
//! An outage fails at least [`LEAST_TESTS`] tests and [`LEAST_SHARE`] of them. Reruns of real suites on one commit show
//! why: a handful of flaky tests often fail together, time and again the same ones (75 % of flaky tests do; Parry et al.,
//! EASE 2025). Such a cluster is a property of its tests, not of the machine.

use super::infer::{Cause, Heard};
use super::states::{Chances, Outcome, exp};

/// One failed result, as its part sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub outcome: Outcome,
    /// Shares of one sum; see `infer::Cause`.
    pub flake: f64,
    pub old: f64,
    pub if_broke: f64,
    pub if_outage: f64,
    /// By how much the part's change is as likely to break this test as one that it reaches: 0 to 1.
    pub reach: f64,
}

impl Told {
    /// What a test tells of a part in which it failed, as this is believed of it.
    pub(super) fn of(outcome: Outcome, cause: &Cause) -> Self {
        Self {
            outcome,
            flake: cause.if_calm,
            old: cause.old,
            if_broke: cause.if_broke,
            if_outage: cause.if_outage,
            reach: cause.reach,
        }
    }

    fn explained(&self) -> f64 {
        self.flake + self.old
    }
}

/// What a part as a whole says.
#[derive(Clone, Debug)]
pub(super) struct PartView {
    /// To those who passed in it.
    pub all: Heard,
    /// To each failed test, in the order given.
    pub each: Vec<Heard>,
    /// That its change broke some test.
    pub breaking: f64,
}

/// The fewest tests that an outage fails.
const LEAST_TESTS: usize = 10;
/// The smallest share of tests that an outage fails.
const LEAST_SHARE: f64 = 0.03;
/// A failure that is explained this well tells nothing of its part.
const EXPLAINED: f64 = 0.999;
const SHARES: usize = 14;
const BREAKS: usize = 12;
const CELLS: usize = SHARES * BREAKS;

/// Weighs a part. `passed`: tests that passed in it; `reached`: of all that ran, those its change may reach.
///
/// Cost: O(failed × 168).
pub(super) fn weigh(chances: &Chances, told: &[Told], passed: u32, reached: u32) -> PartView {
    let tests = f64::from(passed) + told.len() as f64;
    let told_something = |told: &&Told| told.explained() < EXPLAINED;
    let unexplained: Vec<&Told> = told.iter().filter(told_something).collect();
    let many =
        unexplained.len() >= LEAST_TESTS && unexplained.len() as f64 >= 0.8 * LEAST_SHARE * tests;
    let outage = if many { chances.outage } else { 1e-290 };
    let (shares, breaks) = (
        shares(tests, outage),
        breaks(f64::from(reached).max(1.0), chances),
    );
    let failed_reached = told.iter().filter(|told| told.reach >= 0.5).count();
    let passed_reached = (f64::from(reached) - failed_reached as f64).max(0.0);
    let mut logs = [0.0; CELLS];
    for (cell, log) in logs.iter_mut().enumerate() {
        let (share, broken) = (shares[cell / BREAKS], breaks[cell % BREAKS]);
        *log = share.1.ln() + broken.1.ln();
        *log += f64::from(passed) * (-share.0).ln_1p() + passed_reached * (-broken.0).ln_1p();
    }
    // Hits once for each number of attempts; most failures have the same.
    let factor = |told: &Told| {
        let hit = shares.map(|(share, _)| told.outcome.chance(share, chances.alike));
        let mut factors = [0.0; CELLS];
        for (cell, factor) in factors.iter_mut().enumerate() {
            // Broken before; or else broken now; or else hit; or else a flake.
            let broke = breaks[cell % BREAKS].0 * told.reach;
            let hit = hit[cell / BREAKS] * f64::from(u8::from(cell >= BREAKS));
            let sound = hit * told.if_outage + (1.0 - hit) * told.flake;
            let value = told.old + broke * told.if_broke + (1.0 - broke) * sound;
            *factor = value.max(1e-300).ln();
        }
        factors
    };
    let factors: Vec<[f64; CELLS]> = unexplained.into_iter().map(factor).collect();
    for factor in &factors {
        for (log, factor) in logs.iter_mut().zip(factor) {
            *log += factor;
        }
    }
    let (all, breaking) = read(&logs, &shares, &breaks);
    let mut factors = factors.iter();
    let mut hear = |one: &Told| {
        if one.explained() >= EXPLAINED {
            return all;
        }
        let mut without = logs;
        for (log, factor) in without.iter_mut().zip(factors.next().into_iter().flatten()) {
            *log -= factor;
        }
        read(&without, &shares, &breaks).0
    };
    let each = told.iter().map(&mut hear).collect();
    PartView {
        all,
        each,
        breaking,
    }
}

type Weighted<const N: usize> = [(f64, f64); N];

/// Shares that an outage may fail, with their prior; the first is "no outage". Even over shares.
fn shares(tests: f64, outage: f64) -> Weighted<SHARES> {
    let least = LEAST_TESTS as f64 / tests.max(1.0);
    let least = least.clamp(0.8 * LEAST_SHARE, 0.5).ln();
    let most = 0.985f64.ln();
    let step = (most - least) / (SHARES - 2) as f64;
    let mut shares = [(0.0, 0.0); SHARES];
    let mut total = 0.0;
    for (index, share) in shares.iter_mut().enumerate().skip(1) {
        let value = (least + step * (index - 1) as f64).exp();
        *share = (value, value);
        total += value;
    }
    for share in &mut shares[1..] {
        share.1 *= outage / total;
    }
    shares[0] = (0.0, 1.0 - outage);
    shares
}

/// Shares of the reached tests that a change may break, with their prior; the first is "hardly any". Twice as many are
/// half as likely.
fn breaks(reached: f64, chances: &Chances) -> Weighted<BREAKS> {
    let least = (0.7 / reached).min(0.3).ln();
    let most = 0.95f64.ln();
    let step = (most - least) / (BREAKS - 2) as f64;
    let mut breaks = [(0.0, 0.0); BREAKS];
    let mut total = 0.0;
    for (index, share) in breaks.iter_mut().enumerate().skip(1) {
        let value = (least + step * (index - 1) as f64).exp();
        share.0 = value;
        share.1 = (-(step * (index - 1) as f64)).exp();
        total += share.1;
    }
    for share in &mut breaks[1..] {
        share.1 *= chances.breaking_part / total;
    }
    breaks[0] = (
        0.1 * chances.breaks.min(1.0 / reached),
        1.0 - chances.breaking_part,
    );
    breaks
}

fn read(logs: &[f64; CELLS], shares: &Weighted<SHARES>, breaks: &Weighted<BREAKS>) -> (Heard, f64) {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut total, mut outage, mut share, mut broken, mut breaking) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (cell, log) in logs.iter().enumerate() {
        let weight = exp(log - most);
        total += weight;
        broken += weight * breaks[cell % BREAKS].0;
        if cell >= BREAKS {
            outage += weight;
            share += weight * shares[cell / BREAKS].0;
        }
        if cell % BREAKS > 0 {
            breaking += weight;
        }
    }
    let heard = Heard {
        outage: (outage / total).clamp(0.0, 1.0 - 1e-9),
        share: if outage > 0.0 { share / outage } else { 0.0 },
        breaks: (broken / total).clamp(1e-9, 0.9),
        ..Heard::default()
    };
    (heard, breaking / total)
}
