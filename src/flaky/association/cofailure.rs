//! Co-failure: tests that flake together have one cause, which is named once.
//!
//! Systemic flakiness is the rule, not the exception: 75 % of flaky tests fail in clusters (Parry et al., EASE 2025). Each
//! pair with some common failures is compared by an exact test within the strata of what either test is already known
//! to depend on, so that two tests that both need one machine are no pair. The strongest partner of each test counts, corrected
//! for the number of partners; pairs that hold and share a third of their failures are joined to clusters.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::exact::{Counts, stratified};
use super::sample::Sample;

/// Common failures that a pair needs.
const COMMON: u32 = 3;
/// Share of common failures among all failures of a pair.
const SHARED: f64 = 1.0 / 3.0;
/// A failing part with more tests is compared among the first so many only.
const CROWD: usize = 400;

/// Two samples whose failures go together, by their indices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Together {
    pub a: usize,
    pub b: usize,
    pub counts: Counts,
    /// Corrected for the number of partners.
    pub p: f64,
}

/// The pairs that have enough failures in common. `bins`: for each sample, the stratum of each row.
///
/// Cost: O(common failures + samples²) to find them, O(rows) for each.
pub(super) fn pairs(samples: &[Sample<'_>], bins: &[Vec<u16>]) -> Vec<Together> {
    let mut failed_in: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for (at, sample) in (0..).zip(samples) {
        for row in sample.rows.iter().filter(|row| row.failed) {
            failed_in.entry(row.part).or_default().push(at);
        }
    }
    for failed in failed_in.values_mut() {
        failed.truncate(CROWD);
    }
    // A row of the table of pairs at a time: counting in a map of all pairs takes ten times as long.
    let row = |common: &mut Vec<u32>, a: usize| -> Vec<Together> {
        common.fill(0);
        for row in samples[a].rows.iter().filter(|row| row.failed) {
            let failed = &failed_in[&row.part];
            if let Ok(at) = failed.binary_search(&(a as u32)) {
                for b in &failed[at + 1..] {
                    common[*b as usize] += 1;
                }
            }
        }
        let partners = (a + 1..samples.len()).filter(|b| common[*b] >= COMMON);
        partners
            .filter_map(|b| pair(samples, bins, (a, b), common[b]))
            .collect()
    };
    let mut found: Vec<Together> = (0..samples.len())
        .into_par_iter()
        .map_init(|| vec![0; samples.len()], row)
        .flatten_iter()
        .collect();
    found.sort_by(|x, y| x.p.total_cmp(&y.p).then((x.a, x.b).cmp(&(y.a, y.b))));
    found
}

/// Compares a pair, if it shares enough of its failures.
fn pair(
    samples: &[Sample<'_>],
    bins: &[Vec<u16>],
    (a, b): (usize, usize),
    common: u32,
) -> Option<Together> {
    let either = samples[a].fails() + samples[b].fails() - common;
    if f64::from(common) < SHARED * f64::from(either) {
        return None;
    }
    let strata = strata(&samples[a], &bins[a], &samples[b], &bins[b]);
    let counts = strata.iter().fold(Counts::default(), |sum, one| Counts {
        fail_with: sum.fail_with + one.fail_with,
        fails: sum.fails + one.fails,
        pass_with: sum.pass_with + one.pass_with,
        passes: sum.passes + one.passes,
    });
    let p = (stratified(&strata) * (samples.len() - 1) as f64).min(1.0);
    Some(Together { a, b, counts, p })
}

/// Failures of `a` against failures of `b`, within equal strata of both.
fn strata(a: &Sample<'_>, of_a: &[u16], b: &Sample<'_>, of_b: &[u16]) -> Vec<Counts> {
    let mut strata: FxHashMap<(u16, u16), Counts> = FxHashMap::default();
    let mut other = b.rows.iter().zip(of_b).peekable();
    for (row, bin) in a.rows.iter().zip(of_a) {
        while other.next_if(|(other, _)| other.part < row.part).is_some() {}
        let Some((beside, other_bin)) = other.peek().filter(|(other, _)| other.part == row.part)
        else {
            continue;
        };
        let counts = strata.entry((*bin, **other_bin)).or_default();
        if row.failed {
            counts.fails += 1;
            counts.fail_with += u32::from(beside.failed);
        } else {
            counts.passes += 1;
            counts.pass_with += u32::from(beside.failed);
        }
    }
    strata.into_values().collect()
}

/// Joins pairs to clusters: members in rising order, each sample in one cluster.
pub(super) fn clusters(pairs: &[Together]) -> Vec<Vec<usize>> {
    let mut root: FxHashMap<usize, usize> = FxHashMap::default();
    fn find(root: &FxHashMap<usize, usize>, mut at: usize) -> usize {
        while let Some(up) = root.get(&at).filter(|up| **up != at) {
            at = *up;
        }
        at
    }
    for pair in pairs {
        let (a, b) = (find(&root, pair.a), find(&root, pair.b));
        let (low, high) = (a.min(b), a.max(b));
        root.insert(low, low);
        root.insert(high, low);
        for member in [pair.a, pair.b] {
            root.entry(member).or_insert(low);
        }
    }
    let mut members: std::collections::BTreeMap<usize, Vec<usize>> = Default::default();
    for member in root.keys() {
        members
            .entry(find(&root, *member))
            .or_default()
            .push(*member);
    }
    let mut clusters: Vec<Vec<usize>> = members.into_values().collect();
    clusters
        .iter_mut()
        .for_each(|cluster| cluster.sort_unstable());
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_share_a_test_are_one_cluster() {
        let pair = |a, b| Together {
            a,
            b,
            counts: Counts::default(),
            p: 0.0,
        };
        let found = clusters(&[pair(4, 5), pair(1, 2), pair(2, 4), pair(7, 8)]);
        assert_eq!(found, [vec![1, 2, 4, 5], vec![7, 8]]);
    }
}
