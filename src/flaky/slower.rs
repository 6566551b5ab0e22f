//! Tests that take longer than they did.
//!
//! Durations of passing results before a moment are compared with those after it by the rank-sum test (Mann and Whitney,
//! 1947; normal approximation with correction for ties). What slowed all tests alike (a busier machine) is taken off
//! first: the median of all shifts. Of many tests those are claimed whose expected share of false ones is at most
//! [`FALSE`] (Benjamini and Hochberg, 1995) and that became [`TIMES`] as slow or slower.
//!
//! Not seen here: failures (their durations say more of the failure), and changes that came and went.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::model::{LogSeconds, Seconds};

/// Expected share of false claims.
pub const FALSE: f64 = 0.05;
/// Smaller changes are not told.
pub const TIMES: f64 = 1.25;
/// So many durations are needed on each side.
pub const LEAST: usize = 8;

/// Factor between neighbouring codes of [`LogSeconds`].
const STEP: f64 = 1.1;

/// Takes in tests one by one.
#[derive(Debug, Default)]
pub struct Slower {
    /// Shifts of medians, in codes, of all tests with enough durations.
    shifts: Vec<i32>,
    kept: Vec<(u32, i32, Vec<u8>, Vec<u8>)>,
}

/// A test that became slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The number it was given in with.
    pub test: u32,
    /// Median before.
    pub before: Seconds,
    /// Median after.
    pub after: Seconds,
    /// Expected share of false claims among those at least this strong.
    pub q: f64,
}

impl Slower {
    /// Takes in the durations of a test's passing results before and after. Cost: a sort; memory only for tests that may
    /// be claimed.
    pub fn add(&mut self, test: u32, before: &[LogSeconds], after: &[LogSeconds]) {
        let codes = |durations: &[LogSeconds]| {
            let known = durations.iter().filter(|it| **it != LogSeconds::UNKNOWN);
            let mut codes: Vec<u8> = known.map(|it| it.code()).collect();
            codes.sort_unstable();
            codes
        };
        let (before, after) = (codes(before), codes(after));
        if before.len() < LEAST || after.len() < LEAST {
            return;
        }
        let shift = i32::from(median(&after)) - i32::from(median(&before));
        self.shifts.push(shift);
        if shift >= 2 {
            self.kept.push((test, shift, before, after));
        }
    }

    /// Tests that became slower, most seconds first.
    pub fn finish(mut self) -> Vec<Shift> {
        self.shifts.sort_unstable();
        let tests = self.shifts.len();
        let common = self.shifts.get(tests / 2).copied().unwrap_or(0).max(0);
        let mut found: Vec<(f64, Shift)> = Vec::new();
        for (test, shift, before, after) in &self.kept {
            let p = rank_sum(before, after, common);
            let seconds = |codes: &[u8]| LogSeconds::from_code(median(codes)).seconds();
            let enough = STEP.powi(shift - common) >= TIMES;
            if let (Some(before), Some(after), true) = (seconds(before), seconds(after), enough) {
                let q = 1.0;
                found.push((
                    p,
                    Shift {
                        test: *test,
                        before,
                        after,
                        q,
                    },
                ));
            }
        }
        // those that were not kept are taken to have p = 1, so ranks among the kept are ranks among all
        found.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut least: f64 = 1.0;
        for (rank, (p, shift)) in found.iter_mut().enumerate().rev() {
            least = least.min(*p * tests as f64 / (rank + 1) as f64);
            shift.q = least;
        }
        let mut claimed: Vec<Shift> = found
            .into_iter()
            .map(|(_, shift)| shift)
            .filter(|shift| shift.q <= FALSE)
            .collect();
        let lost = |shift: &Shift| shift.after.get() - shift.before.get();
        claimed.sort_by(|a, b| lost(b).total_cmp(&lost(a)).then(a.test.cmp(&b.test)));
        claimed
    }
}

fn median(sorted: &[u8]) -> u8 {
    sorted[sorted.len() / 2]
}

/// The chance that `after`, with `common` taken off, lies as high above `before` as it does, if both are alike.
fn rank_sum(before: &[u8], after: &[u8], common: i32) -> f64 {
    let mut counts = [[0_u32; 2]; 512];
    for code in before {
        counts[usize::from(*code) + 128][0] += 1;
    }
    for code in after {
        let place = (i32::from(*code) + 128 - common).clamp(0, 511);
        counts[place as usize][1] += 1;
    }
    let (n, m) = (before.len() as f64, after.len() as f64);
    let (mut below, mut wins, mut ties) = (0.0, 0.0, 0.0);
    for [b, a] in counts.map(|pair| pair.map(f64::from)) {
        wins += a * (below + b / 2.0);
        below += b;
        ties += (a + b).powi(3) - (a + b);
    }
    let all = n + m;
    let variance = n * m / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (wins - n * m / 2.0 - 0.5) / variance.sqrt();
    Normal::standard().sf(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(seconds: f64, spread: usize) -> Vec<LogSeconds> {
        (0..20)
            .map(|at| {
                let factor = 1.0 + 0.2 * ((at * 7 + spread) % 11) as f64 / 11.0;
                LogSeconds::of(Seconds::new(seconds * factor))
            })
            .collect()
    }

    #[test]
    fn a_test_that_became_slower_is_found_among_steady_ones() {
        let mut slower = Slower::default();
        for test in 0..50 {
            let now = if test == 7 { 2.0 } else { 1.0 };
            slower.add(
                test,
                &durations(1.0, test as usize),
                &durations(now, test as usize + 3),
            );
        }
        let found = slower.finish();
        assert_eq!(
            found.iter().map(|shift| shift.test).collect::<Vec<_>>(),
            [7]
        );
        assert!(found[0].q < 1e-4 && found[0].after > found[0].before);
    }

    #[test]
    fn a_slower_machine_makes_no_test_slower() {
        let mut slower = Slower::default();
        for test in 0..50 {
            slower.add(
                test,
                &durations(1.0, test as usize),
                &durations(1.6, test as usize + 3),
            );
        }
        assert_eq!(slower.finish(), []);
    }

    #[test]
    fn too_few_durations_say_nothing() {
        let mut slower = Slower::default();
        slower.add(0, &durations(1.0, 0)[..7], &durations(9.0, 0));
        assert_eq!(slower.finish(), []);
    }

    #[test]
    fn ranks_of_equals_say_nothing() {
        assert!(rank_sum(&[5; 20], &[5; 20], 0) > 0.4);
        assert!(rank_sum(&[5; 20], &[9; 20], 0) < 1e-6);
        assert!(rank_sum(&[5; 20], &[9; 20], 4) > 0.4);
    }
}
