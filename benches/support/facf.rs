//! Searches as others print them: bisection with reruns, and FACF (Henderson et al., ICST 2023).

/// Runs the test after so many suspects: whether it passed.
pub(crate) type Run<'a> = dyn FnMut(u32) -> bool + 'a;

/// Binary search for the first bad suspect; a failure counts only when `times` runs failed. 0: none is bad.
pub(crate) fn bisect(suspects: u32, times: u32, run: &mut Run<'_>) -> u32 {
    let (mut low, mut high) = (1, suspects + 1);
    while low < high {
        let middle = (low + high) / 2;
        if (0..times).all(|_| !run(middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if low > suspects { 0 } else { low }
}

/// FACF with one run at a time: `prior` of each suspect and last of "no culprit", one flake rate, stops above a threshold.
/// `None` when `most` runs did not suffice. 0: no culprit.
pub(crate) fn facf(
    prior: &[f64],
    rate: f64,
    threshold: f64,
    most: u32,
    run: &mut Run<'_>,
) -> Option<u32> {
    let suspects = prior.len() - 1;
    let mut belief = prior.to_vec();
    let mut ran = vec![false; suspects + 1];
    for _ in 0..=most {
        let (best, p) = belief
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))?;
        let only_none = belief[..suspects].iter().all(|p| *p == 0.0);
        if *p > threshold || only_none {
            return Some(if best == suspects { 0 } else { best as u32 + 1 });
        }
        // the first hypothesis at which the sum reaches a half; the one before it, where that has not been run
        let mut sum = 0.0;
        let mut at = suspects;
        for (index, p) in belief.iter().enumerate() {
            let before = sum;
            sum += p;
            if sum >= 0.5 {
                at = index + 1;
                if at > 1 && !ran[at - 1] && before > 0.0 {
                    at -= 1;
                }
                break;
            }
        }
        let at = at.min(suspects);
        ran[at] = true;
        let passed = run(at as u32);
        for (index, p) in belief.iter_mut().enumerate() {
            let broken = index < suspects && index < at;
            let fails = if broken { 1.0 } else { rate };
            *p *= if passed { 1.0 - fails } else { fails };
        }
        let total: f64 = belief.iter().sum();
        for p in &mut belief {
            *p /= total;
        }
    }
    None
}
