//! False-discovery control: how many of the findings may be false.

/// For each p-value, the expected share of false findings among those at least as strong (Benjamini and Hochberg, 1995).
/// `all`: how many hypotheses were looked at; those not in `p` count as larger than every one of them. Valid for independent tests and for those that depend positively (Benjamini and Yekutieli, 2001).
///
/// Cost: O(n log n).
pub(super) fn q_values(p: &[f64], all: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut q = vec![1.0; p.len()];
    let mut least = 1.0f64;
    for (rank, at) in order.iter().enumerate().rev() {
        least = least.min(p[*at] * all.max(p.len()) as f64 / (rank + 1) as f64);
        q[*at] = least;
    }
    q
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_below_a_level_is_what_the_step_up_rule_rejects(
            p in prop::collection::vec(0.0f64..1.0, 1..60),
            level in 0.001f64..0.5,
        ) {
            // The definition: the largest k with p(k) ≤ k/m × level; reject the k smallest.
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let m = p.len() as f64;
            let k = (1..=p.len()).rev().find(|k| sorted[k - 1] <= *k as f64 / m * level).unwrap_or(0);
            let rejected = q_values(&p, p.len()).into_iter().filter(|q| *q <= level).count();
            prop_assert_eq!(rejected, k);
        }

        #[test]
        fn no_q_is_below_its_p(p in prop::collection::vec(0.0f64..1.0, 0..60)) {
            prop_assert!(q_values(&p, p.len()).iter().zip(&p).all(|(q, p)| *q >= p * 0.999_999 && *q <= 1.0));
        }
    }
}
