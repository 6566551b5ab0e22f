//! Tests of association between failing and a factor, on counts.
//!
//! All are conditional on the margins, so that no rate has to be known: Fisher's exact test, also
//! within strata, and the rank-sum test with ties (Wilcoxon 1945, Mann and Whitney 1947).

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::gamma::ln_gamma;

/// How often failing and passing results go along with a factor.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Counts {
    /// Failing results with the factor.
    pub fail_with: u32,
    /// Failing results in all.
    pub fails: u32,
    /// Passing results with the factor.
    pub pass_with: u32,
    /// Passing results in all.
    pub passes: u32,
}

impl Counts {
    /// Counts rows: whether each failed, and whether it has the factor.
    pub(super) fn of(rows: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for (failed, with) in rows {
            if failed {
                counts.fails += 1;
                counts.fail_with += u32::from(with);
            } else {
                counts.passes += 1;
                counts.pass_with += u32::from(with);
            }
        }
        counts
    }

    /// Results with the factor.
    pub(super) fn with(self) -> u32 {
        self.fail_with + self.pass_with
    }

    /// Results without it.
    pub(super) fn without(self) -> u32 {
        self.fails + self.passes - self.with()
    }

    /// By how many standard deviations more failures have the factor than if they were drawn from all results alike; 0 without
    /// variation.
    pub(super) fn lean(self) -> f64 {
        let (fails, passes) = (f64::from(self.fails), f64::from(self.passes));
        let (with, without) = (f64::from(self.with()), f64::from(self.without()));
        let all = fails + passes;
        let variance = fails * passes * with * without / (all * all * (all - 1.0).max(1.0));
        if variance > 0.0 {
            (f64::from(self.fail_with) - fails * with / all) / variance.sqrt()
        } else {
            0.0
        }
    }

    /// The share of results that fail, with the factor and without it.
    pub(super) fn shares(self) -> (f64, f64) {
        let share = |some: u32, all: u32| f64::from(some) / f64::from(all.max(1));
        (
            share(self.fail_with, self.with()),
            share(self.fails - self.fail_with, self.without()),
        )
    }
}

/// The chance that at least so many of the failures have the factor, if they are drawn from all results alike (Fisher's
/// exact test, one side). Cost: O(failures).
pub(super) fn fisher(counts: Counts) -> f64 {
    let (fails, with) = (counts.fails, counts.with());
    let all = fails + counts.passes;
    let most = fails.min(with);
    if counts.fail_with == 0 || all == 0 {
        return 1.0;
    }
    let first = choose(with, counts.fail_with) + choose(all - with, fails - counts.fail_with)
        - choose(all, fails);
    let (mut term, mut sum) = (1.0, 0.0);
    for hit in counts.fail_with..=most {
        sum += term;
        let (hit, rest) = (f64::from(hit), f64::from(fails) - f64::from(hit));
        // Passing results without the factor that remain after one more failure has it.
        let spare = f64::from(all) - f64::from(with) - rest + 1.0;
        term *= (f64::from(with) - hit) * rest / ((hit + 1.0) * spare);
    }
    (first + sum.ln()).exp().min(1.0)
}

/// The chance that at least so many failures have the factor, if within each stratum they are drawn from all results alike:
/// exact, by convolution of the strata's hypergeometric distributions (the exact form of Cochran 1954, Mantel and
/// Haenszel 1959). Strata without variation say nothing. Cost: O(failures²).
pub(super) fn stratified(strata: &[Counts]) -> f64 {
    if let [one] = strata {
        return fisher(*one);
    }
    let mut seen = 0;
    let mut sum = vec![1.0];
    for counts in strata {
        let all = counts.fails + counts.passes;
        let least = (counts.fails + counts.with()).saturating_sub(all);
        let most = counts.fails.min(counts.with());
        seen += counts.fail_with - least;
        if least == most {
            continue;
        }
        let chance = |hit: u32| {
            let log = choose(counts.with(), hit) + choose(all - counts.with(), counts.fails - hit)
                - choose(all, counts.fails);
            log.exp()
        };
        let here: Vec<f64> = (least..=most).map(chance).collect();
        let mut next = vec![0.0; sum.len() + here.len() - 1];
        for (i, a) in sum.iter().enumerate() {
            for (j, b) in here.iter().enumerate() {
                next[i + j] += a * b;
            }
        }
        sum = next;
    }
    sum.iter().skip(seen as usize).sum::<f64>().min(1.0)
}

/// The chance of a difference as large between failing and passing values, either way, and whether failing ones are larger.
/// Ties share their rank. The normal approximation errs on the careful side for few failures among many passes.
///
/// Cost: O(n log n). The values are sorted.
pub(super) fn rank_sum(values: &mut [(f64, bool)]) -> (f64, bool) {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = values.len() as f64;
    let fails = values.iter().filter(|value| value.1).count() as f64;
    let (mut below, mut ranks, mut ties) = (0.0, 0.0, 0.0);
    for tied in values.chunk_by(|a, b| a.0 == b.0) {
        let t = tied.len() as f64;
        let here = tied.iter().filter(|value| value.1).count() as f64;
        ranks += here * (below + (t + 1.0) / 2.0);
        ties += t * t * t - t;
        below += t;
    }
    let excess = ranks - fails * (n + 1.0) / 2.0;
    let passes = n - fails;
    let variance = fails * passes / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)).max(1.0));
    if variance <= 0.0 || fails == 0.0 || passes == 0.0 {
        return (1.0, false);
    }
    let z = (excess.abs() - 0.5).max(0.0) / variance.sqrt();
    ((2.0 * above(z)).min(1.0), excess > 0.0)
}

/// The chance that a standard normal number is larger.
pub(super) fn above(z: f64) -> f64 {
    Normal::standard().sf(z)
}

fn choose(n: u32, k: u32) -> f64 {
    let factorial = |n: u32| ln_gamma(f64::from(n) + 1.0);
    factorial(n) - factorial(k) - factorial(n - k)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All ways to choose which results fail, counted.
    fn enumerated(counts: Counts) -> f64 {
        let all = counts.fails + counts.passes;
        let (mut ways, mut hits) = (0, 0);
        for mask in 0u32..1 << all {
            if mask.count_ones() == counts.fails {
                ways += 1;
                let with = mask & ((1 << counts.with()) - 1);
                hits += u32::from(with.count_ones() >= counts.fail_with);
            }
        }
        f64::from(hits) / f64::from(ways)
    }

    proptest! {
        #[test]
        fn fisher_is_what_enumeration_gives(fails in 0u32..7, passes in 0u32..7, a in 0u32..7, b in 0u32..7) {
            let counts = Counts { fail_with: a.min(fails), fails, pass_with: b.min(passes), passes };
            prop_assert!((fisher(counts) - enumerated(counts)).abs() < 1e-9);
        }

        #[test]
        fn strata_are_what_enumeration_of_both_gives(
            a in (0u32..5, 0u32..5, 0u32..5, 0u32..5),
            b in (0u32..5, 0u32..5, 0u32..5, 0u32..5),
        ) {
            let strata = [a, b].map(|(fails, passes, x, y)| {
                Counts { fail_with: x.min(fails), fails, pass_with: y.min(passes), passes }
            });
            let seen: u32 = strata.iter().map(|counts| counts.fail_with).sum();
            let exactly = |counts: Counts, hit: u32| {
                let at_least = |hit: u32| {
                    if hit > counts.fails.min(counts.with()) {
                        return 0.0;
                    }
                    enumerated(Counts { fail_with: hit, pass_with: counts.with() - hit, ..counts })
                };
                at_least(hit) - at_least(hit + 1)
            };
            let both: f64 = (0..=4)
                .flat_map(|i| (0..=4).map(move |j| (i, j)))
                .filter(|(i, j)| i + j >= seen)
                .map(|(i, j)| exactly(strata[0], i) * exactly(strata[1], j))
                .sum();
            prop_assert!((stratified(&strata) - both).abs() < 1e-9, "{} {}", stratified(&strata), both);
        }

        #[test]
        fn rank_sum_does_not_depend_on_scale_or_order(values in prop::collection::vec((0u8..9, any::<bool>()), 2..40)) {
            let mut plain: Vec<(f64, bool)> = values.iter().map(|(v, f)| (f64::from(*v), *f)).collect();
            let mut other: Vec<(f64, bool)> = plain.iter().rev().map(|(v, f)| (v.exp(), *f)).collect();
            let (a, b) = (rank_sum(&mut plain), rank_sum(&mut other));
            prop_assert!((a.0 - b.0).abs() < 1e-12 && a.1 == b.1);
        }
    }

    #[test]
    fn fisher_tells_the_lady_tasting_tea() {
        // Fisher, The Design of Experiments (1935): 3 of 4 cups right, 17 of 70.
        let counts = Counts {
            fail_with: 3,
            fails: 4,
            pass_with: 1,
            passes: 4,
        };
        assert!((fisher(counts) - 17.0 / 70.0).abs() < 1e-12);
    }

    #[test]
    fn a_factor_that_only_follows_another_vanishes_within_its_strata() {
        let on_slow = Counts {
            fail_with: 18,
            fails: 20,
            pass_with: 18,
            passes: 20,
        };
        let on_fast = Counts {
            fail_with: 0,
            fails: 1,
            pass_with: 10,
            passes: 100,
        };
        let sum = Counts {
            fail_with: 18,
            fails: 21,
            pass_with: 28,
            passes: 120,
        };
        assert!(fisher(sum) < 1e-6);
        assert!(stratified(&[on_slow, on_fast]) > 0.3);
        assert_eq!(stratified(&[]), 1.0);
    }

    #[test]
    fn values_of_one_kind_differ_from_nothing() {
        assert_eq!(rank_sum(&mut [(1.0, true), (2.0, true)]), (1.0, false));
        assert_eq!(rank_sum(&mut [(1.0, true), (1.0, false)]).0, 1.0);
    }
}
