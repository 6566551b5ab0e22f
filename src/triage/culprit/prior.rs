//! Before any run: which commit of a range is likely to have broken a test.
//!
//! A change that cannot reach a test, as far as the dependency graph knows, hardly breaks it; one that reaches it by a short
//! chain breaks it sooner than one far away (Henderson et al. 2023 take the distance in the build graph for their priors);
//! one that touches many files sooner than one that touches few (Kamei et al. 2013, of defects in changes).
//! And if other tests broke in the same run, a commit that reaches them all explains more than one that does not.

use serde::{Deserialize, Serialize};

use crate::flaky::Chances;

/// What is known of one commit, with regard to one test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traits {
    /// Whether its change can reach the test; `None` where no graph says.
    pub reaches: Option<bool>,
    /// Links of the shortest chain from the test to what changed, where there is one.
    pub distance: Option<u32>,
    /// Files that it changes; 0 where unknown.
    pub files: u32,
    /// For each other test that broke in the same run: whether it reaches that one; `None` where no graph says.
    pub others: Vec<Option<bool>>,
}

/// The distance that stands for "reaches it, but by no chain": a fallback or a rule.
const FAR: u32 = 6;
/// The chance that another test which broke in the same run was broken by the same commit.
const TOGETHER: f64 = 0.8;

/// Of each commit, how likely it is the culprit, if one of them is. Sums to 1.
///
/// A commit that cannot reach the test keeps [`Chances::leak`] of what it would have otherwise, never nothing.
pub fn weights(commits: &[Traits]) -> Vec<f64> {
    let leak = Chances::default().leak;
    let logs: Vec<f64> = commits
        .iter()
        .map(|one| alone(one, leak).ln() + others(one, leak))
        .collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let each = logs.iter().map(|log| (log - most).exp());
    let sum: f64 = each.clone().sum();
    each.map(|weight| weight / sum).collect()
}

fn alone(commit: &Traits, leak: f64) -> f64 {
    let near = match (commit.reaches, commit.distance) {
        (Some(false), _) => leak / f64::from(FAR),
        (_, Some(distance)) => 1.0 / f64::from(distance.clamp(1, FAR)),
        (_, None) => 1.0 / f64::from(FAR),
    };
    near * (1.0 + f64::from(commit.files.max(1)).ln())
}

/// The logarithm of how well it explains the others.
fn others(commit: &Traits, leak: f64) -> f64 {
    let missed = commit.others.iter().filter(|one| **one == Some(false));
    missed.count() as f64 * (1.0 - TOGETHER * (1.0 - leak)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(distance: u32) -> Traits {
        Traits {
            reaches: Some(true),
            distance: Some(distance),
            files: 1,
            ..Traits::default()
        }
    }

    fn unreached() -> Traits {
        Traits {
            reaches: Some(false),
            files: 1,
            ..Traits::default()
        }
    }

    #[test]
    fn who_reaches_the_test_comes_first_and_nobody_is_cleared() {
        let weights = weights(&[unreached(), reached(4), reached(1), Traits::default()]);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(weights[2] > weights[1] && weights[1] > weights[3] && weights[3] > weights[0]);
        assert!(weights[0] > 1e-4, "{weights:?}");
    }

    #[test]
    fn who_explains_all_that_broke_comes_before_who_is_nearer() {
        let with = |distance, others: &[bool]| Traits {
            others: others.iter().map(|reaches| Some(*reaches)).collect(),
            ..reached(distance)
        };
        let weights = weights(&[with(1, &[false, false]), with(3, &[true, true])]);
        assert!(weights[1] > 0.8 && weights[0] > 0.1, "{weights:?}");
    }

    #[test]
    fn nothing_known_means_all_alike_and_no_commits_no_weights() {
        assert_eq!(weights(&vec![Traits::default(); 4]), [0.25; 4]);
        assert!(weights(&[]).is_empty());
    }

    #[test]
    fn large_changes_weigh_a_little_more() {
        let large = Traits {
            files: 50,
            ..reached(2)
        };
        let weights = weights(&[reached(2), large]);
        assert!(weights[1] > 0.7 && weights[1] < 0.9, "{weights:?}");
    }
}
