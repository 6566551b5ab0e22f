//! Published rules for "is this test flaky", as scorers: a higher score is flakier. What `tia` is measured against.
//!
//! A history is what happened in each run, in order: the commit, and how many attempts failed and passed.

/// One test in one run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ran {
    /// A number for the commit; runs of one commit stand together.
    pub(crate) commit: u32,
    pub(crate) failed: u32,
    pub(crate) passed: u32,
}

impl Ran {
    fn bad(self) -> bool {
        self.failed > 0
    }
}

pub(crate) type Rule = fn(&[Ran]) -> f64;

/// Every rule with its name.
pub(crate) const RULES: &[(&str, Rule)] = &[
    ("failure rate", failure_rate),
    ("flip rate", flip_rate),
    ("Apple, weighted", apple),
    ("both on one commit", both_on_one_commit),
    ("LUCI segmentation", luci),
    ("PFS", pfs),
    ("flakebox", flakebox),
    ("flakemetry", flakemetry),
];

pub(crate) fn failure_rate(runs: &[Ran]) -> f64 {
    share(runs.iter().filter(|ran| ran.bad()).count(), runs.len())
}

/// Changes of outcome between neighbouring runs.
pub(crate) fn flip_rate(runs: &[Ran]) -> f64 {
    share(
        runs.windows(2)
            .filter(|pair| pair[0].bad() != pair[1].bad())
            .count(),
        runs.len().saturating_sub(1),
    )
}

/// Apple (ICSE-SEIP 2020): flips per version over ordered attempts, older versions weighing less (λ = 0.1). Versions with
/// one attempt say nothing.
pub(crate) fn apple(runs: &[Ran]) -> f64 {
    let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
    for group in runs.chunk_by(|a, b| a.commit == b.commit).rev() {
        let attempts: Vec<bool> = group
            .iter()
            .flat_map(|ran| {
                let failed = std::iter::repeat_n(true, ran.failed as usize);
                failed.chain(std::iter::repeat_n(false, ran.passed as usize))
            })
            .collect();
        let flips = attempts
            .windows(2)
            .filter(|pair| pair[0] != pair[1])
            .count();
        sum += weight * share(flips, attempts.len().saturating_sub(1));
        weights += weight;
        weight *= 0.9;
    }
    if weights > 0.0 { sum / weights } else { 0.0 }
}

/// CircleCI, Harness, Trunk, DeFlaker's ground truth: a commit with both outcomes; the share of such commits.
pub(crate) fn both_on_one_commit(runs: &[Ran]) -> f64 {
    let groups: Vec<&[Ran]> = runs.chunk_by(|a, b| a.commit == b.commit).collect();
    let both = |group: &&&[Ran]| {
        group.iter().any(|ran| ran.failed > 0) && group.iter().any(|ran| ran.passed > 0)
    };
    share(groups.iter().filter(both).count(), groups.len())
}

/// flakebox: some pass and some failure in the last 50 runs, five runs at least.
pub(crate) fn flakebox(runs: &[Ran]) -> f64 {
    let last = &runs[runs.len().saturating_sub(50)..];
    let mixed = last.iter().any(|ran| ran.bad()) && last.iter().any(|ran| !ran.bad());
    f64::from(u8::from(last.len() >= 5 && mixed))
}

/// flakemetry: same commit 0.4, instability 0.2, flips 0.15, pass on rerun 0.1, entropy 0.1, isolation 0.05 (not known
/// here); Beta(1, 1).
pub(crate) fn flakemetry(runs: &[Ran]) -> f64 {
    if runs.len() < 5 {
        return 0.0;
    }
    let failed = runs.iter().filter(|ran| ran.bad()).count() as f64;
    let p = (failed + 1.0) / (runs.len() as f64 + 2.0);
    let entropy = -(p * p.log2() + (1.0 - p) * (1.0 - p).log2());
    let recovered = share(
        runs.iter()
            .filter(|ran| ran.bad() && ran.passed > 0)
            .count(),
        runs.len(),
    );
    let instability = 1.0 - (2.0 * p - 1.0).abs();
    0.4 * both_on_one_commit(runs)
        + 0.2 * instability
        + 0.15 * flip_rate(runs)
        + 0.1 * recovered
        + 0.1 * entropy
}

/// PFS (Facebook 2020): P(fail | good state) with a chance that a version is really broken, over a grid; retries and reruns of
/// one version are one group.
pub(crate) fn pfs(runs: &[Ran]) -> f64 {
    let groups: Vec<(u32, u32)> = runs
        .chunk_by(|a, b| a.commit == b.commit)
        .map(|group| {
            (
                group.iter().map(|ran| ran.failed).sum(),
                group.iter().map(|ran| ran.passed).sum(),
            )
        })
        .collect();
    let (mut total, mut mean) = (0.0, 0.0);
    for i in 0..40 {
        let broken = (f64::from(i) + 0.5) / 40.0;
        for j in 0..60 {
            let flaky = (0.001f64.ln() * (1.0 - (f64::from(j) + 0.5) / 60.0)).exp();
            let log: f64 = groups
                .iter()
                .map(|group| pfs_group(*group, broken, flaky).ln())
                .sum();
            total += log.exp();
            mean += log.exp() * flaky;
        }
    }
    if total > 0.0 {
        mean / total
    } else {
        failure_rate(runs)
    }
}

/// The chance of one group of attempts: all failed, or some passed.
pub(crate) fn pfs_group((failed, passed): (u32, u32), broken: f64, flaky: f64) -> f64 {
    let good = flaky.powi(failed as i32) * (1.0 - flaky).powi(passed as i32);
    (1.0 - broken) * good + if passed == 0 { broken } else { 0.0 }
}

/// The evidence of `failed` among `all` under Beta(α, β), without the binomial coefficient.
pub(crate) fn evidence(failed: u32, all: u32, alpha: f64, beta: f64) -> f64 {
    let (x, n) = (f64::from(failed), f64::from(all));
    ln_beta(x + alpha, n - x + beta) - ln_beta(alpha, beta)
}

/// LUCI Analysis: counts of a segment.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) runs: u32,
    pub(crate) unexpected: u32,
    pub(crate) retried: u32,
    pub(crate) unexpected_after_retry: u32,
}

impl Counts {
    pub(crate) fn of(runs: &[Ran]) -> Self {
        let mut counts = Self::default();
        for ran in runs {
            counts.runs += 1;
            counts.unexpected += u32::from(ran.bad());
            let retried = ran.bad() && ran.failed + ran.passed >= 2;
            counts.retried += u32::from(retried);
            counts.unexpected_after_retry += u32::from(retried && ran.passed == 0);
        }
        counts
    }

    fn log_likelihood(self) -> f64 {
        evidence(self.unexpected, self.runs, 0.3, 0.5)
            + evidence(self.unexpected_after_retry, self.retried, 0.5, 0.5)
    }
}

/// LUCI Analysis' segments, as ends.
pub(crate) fn luci_segments(runs: &[Ran]) -> Vec<usize> {
    fn split(runs: &[Ran], from: usize, ends: &mut Vec<usize>) {
        let whole = Counts::of(runs).log_likelihood();
        let mut best: Option<(usize, f64)> = None;
        for at in 1..runs.len() {
            if runs[at].bad() == runs[at - 1].bad() || runs[at].commit == runs[at - 1].commit {
                continue;
            }
            let both =
                Counts::of(&runs[..at]).log_likelihood() + Counts::of(&runs[at..]).log_likelihood();
            if best.is_none_or(|(_, value)| both > value) {
                best = Some((at, both));
            }
        }
        match best {
            Some((at, both)) if both - whole + 1e-4f64.ln() > 0.0 => {
                split(&runs[..at], from, ends);
                split(&runs[at..], from + at, ends);
            }
            _ => ends.push(from + runs.len()),
        }
    }
    let mut ends = Vec::new();
    split(runs, 0, &mut ends);
    ends
}

/// Share of failures in segments that neither always pass nor always fail.
pub(crate) fn luci(runs: &[Ran]) -> f64 {
    let (mut from, mut flaky) = (0, 0);
    for end in luci_segments(runs) {
        let counts = Counts::of(&runs[from..end]);
        if counts.unexpected < counts.runs {
            flaky += counts.unexpected;
        }
        from = end;
    }
    share(flaky as usize, runs.len())
}

fn share(some: usize, all: usize) -> f64 {
    if all == 0 {
        0.0
    } else {
        some as f64 / all as f64
    }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Stirling's series after shifting the argument above 10; good to 1e-10.
fn ln_gamma(mut x: f64) -> f64 {
    let mut shift = 0.0;
    while x < 10.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series =
        (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}

/// The published test vectors, checked before anything is compared. Panics where one is missed.
pub(crate) fn check() {
    let near = |value: f64, published: f64| {
        assert!(
            (value - published).abs() < 1e-3,
            "{value}, published {published}"
        );
    };
    near(evidence(0, 20, 0.3, 0.5), -1.3213);
    near(evidence(20, 20, 0.3, 0.5), -2.4429);
    near(evidence(3, 20, 0.3, 0.5), -10.1804);
    // A clean break after so many passes is accepted at so many failures.
    for (green, red) in [(5, 13), (10, 6), (20, 4), (50, 3), (100, 3), (500, 2)] {
        let found = (1..=20).find(|red| luci_segments(&step(green, *red)).len() > 1);
        assert_eq!(found, Some(red), "after {green} passes");
    }
    near(pfs_group((2, 0), 0.1, 0.2), 0.1 + 0.9 * 0.04);
    near(pfs_group((2, 1), 0.1, 0.2), 0.9 * 0.04 * 0.8);
    let on = |outcomes: &str| -> Vec<Ran> {
        let ran = |c: char| Ran {
            commit: 0,
            failed: u32::from(c == 'F'),
            passed: u32::from(c == 'P'),
        };
        outcomes.chars().map(ran).collect()
    };
    near(flip_rate(&on("PPFFF")), 0.25);
    near(flip_rate(&on("PFPFF")), 0.75);
    near(apple(&on("PFPFF")), 0.75);
}

/// So many passes, then so many failures, each on a commit of its own.
pub(crate) fn step(green: u32, red: u32) -> Vec<Ran> {
    let ran = |commit| Ran {
        commit,
        failed: u32::from(commit >= green),
        passed: u32::from(commit < green),
    };
    (0..green + red).map(ran).collect()
}
