//! How often the nature of tests is drawn anew in this project.
//!
//! Of some values around the default, the one under which the history is likeliest, weighed by a log-normal belief around the
//! default ([`SPREAD`]); between them by the parabola through the best and its neighbours (maximum a posteriori). Tests that
//! never failed have a say, too: the more often natures change, the more of them should have failed.
//!
//! Without it a project that mends its flaky tests in days would be told for months that they are flaky still.

use rayon::prelude::*;

use super::infer::{self, Heard, Step, World};
use super::states::{Chances, Rates};

/// The values asked, as powers of four around the default.
const POWERS: [i32; 5] = [-1, 0, 1, 2, 3];
/// How far the belief spreads around the default: the standard deviation of the logarithm.
const SPREAD: f64 = 1.5;
/// So many tests that failed are asked, evenly from all of them.
const MOST: usize = 400;
/// Tests that never failed are put together by how often they ran, into about so many groups.
const GROUPS: u32 = 12;

/// The fitted value of [`Chances::redrawn`].
///
/// `steps` and `heard`: of each test that failed. `never`: how often tests ran that never failed, and how many of them,
/// rising. Cost: five passes over at most 400 tests.
pub(super) fn fit(
    world: &World<'_>,
    failing: usize,
    steps: &(dyn Fn(usize) -> Vec<Step> + Sync),
    heard: &[Vec<Heard>],
    never: &[(u32, u32)],
) -> f64 {
    let every = failing.div_ceil(MOST).max(1);
    let asked: Vec<(Vec<Step>, &Vec<Heard>)> = (0..failing)
        .into_par_iter()
        .filter(|at| at % every == 0)
        .map(|at| (steps(at), &heard[at]))
        .collect();
    let turns: f64 = asked
        .iter()
        .flat_map(|(steps, _)| steps)
        .map(|step| world.turns(step))
        .sum();
    let count: usize = asked.iter().map(|(steps, _)| steps.len()).sum();
    let turns = turns / (count as f64).max(1.0);
    let groups = groups(never);
    let default = Chances::default().redrawn;
    let score = |power: i32| {
        let redrawn = default * 4f64.powi(power);
        let chances = Chances {
            redrawn,
            ..world.chances.clone()
        };
        let world = World {
            chances: &chances,
            ..*world
        };
        let failed: f64 = asked
            .iter()
            .map(|(steps, heard)| infer::log_likelihood(&world, steps, heard, f64::NEG_INFINITY))
            .sum();
        let passed: f64 = groups
            .iter()
            .map(|(ran, tests)| f64::from(*tests) * passes(&world, *ran, redrawn * turns))
            .sum();
        let spread = f64::from(power) * 4f64.ln() / SPREAD;
        every as f64 * failed + passed - spread * spread / 2.0
    };
    let scores: Vec<f64> = POWERS.par_iter().map(|power| score(*power)).collect();
    let best = (0..scores.len()).fold(0, |best, at| match scores[at] > scores[best] {
        true => at,
        false => best,
    });
    let inside = (1..scores.len() - 1).contains(&best);
    let shift = match inside {
        true => peak([scores[best - 1], scores[best], scores[best + 1]]),
        false => 0.0,
    };
    default * 4f64.powf(f64::from(POWERS[best]) + shift)
}

/// Where the parabola through three equally spaced values has its peak, from the middle one, in steps.
fn peak([left, middle, right]: [f64; 3]) -> f64 {
    let bend = left - 2.0 * middle + right;
    if bend >= 0.0 {
        return 0.0;
    }
    (0.5 * (left - right) / bend).clamp(-0.5, 0.5)
}

/// Tests that ran about as often become one group, with the mean.
fn groups(never: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let all: u32 = never.iter().map(|(_, tests)| tests).sum();
    let enough = all.div_ceil(GROUPS);
    let mut groups = Vec::new();
    let (mut ran, mut tests) = (0u64, 0);
    for (times, count) in never {
        ran += u64::from(*times) * u64::from(*count);
        tests += count;
        if tests >= enough {
            groups.push(((ran / u64::from(tests)) as u32, tests));
            (ran, tests) = (0, 0);
        }
    }
    if tests > 0 {
        groups.push(((ran / u64::from(tests)) as u32, tests));
    }
    groups
}

/// The logarithm of the chance of so many passes and nothing else. More than 5,000 count as 5,000, so that the cost has an end.
fn passes(world: &World<'_>, ran: u32, redrawn: f64) -> f64 {
    let mut weights: Rates = *world.prior;
    let mut log = 0.0;
    for _ in 0..ran.min(5_000) {
        let mut total = 0.0;
        for ((weight, prior), rate) in weights.iter_mut().zip(world.prior).zip(&world.grid.rate) {
            *weight = ((1.0 - redrawn) * *weight + redrawn * prior) * (1.0 - rate);
            total += *weight;
        }
        log += f64::ln(total);
        weights.iter_mut().for_each(|weight| *weight /= total);
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_the_number_of_tests_and_of_results() {
        let never: Vec<(u32, u32)> = (1..100).map(|ran| (ran, 1 + ran % 3)).collect();
        let of = |groups: &[(u32, u32)]| {
            groups
                .iter()
                .fold((0, 0), |(results, tests), (ran, count)| {
                    (results + ran * count, tests + count)
                })
        };
        let found = groups(&never);
        assert!(found.len() <= GROUPS as usize + 1);
        assert_eq!(of(&found).1, of(&never).1);
        let (grouped, all) = (of(&found).0, of(&never).0);
        assert!(grouped <= all && f64::from(grouped) > 0.98 * f64::from(all));
    }

    #[test]
    fn the_peak_of_a_parabola_is_found() {
        let at = |x: f64| 3.0 - (x - 0.3).powi(2);
        assert!((peak([at(-1.0), at(0.0), at(1.0)]) - 0.3).abs() < 1e-12);
        assert_eq!(peak([1.0, 1.0, 1.0]), 0.0);
    }
}
