//! Whether a commit should be undone, judged as a change and not test by test; and the message of the commit that does.
//!
//! A blame is one test with the posterior that this commit broke it. Blames that are right per test can be wrong per
//! change, because wrong ones spread over many innocent changes (SafeRevert, ICST 2024: 99.54 % right per test are
//! 77.37 % per change). So the question is the chance that *none* of the blamed tests was broken by the commit:
//!
//! - Blames on tests of one cluster are one piece of evidence: they fail for one cause, so they are right or wrong
//!   together. A cluster is wrong with `q = 1 − mean(p)`, `p` the posteriors of its tests. Tests without a cluster
//!   are clusters of their own.
//! - A verification (the commit fails `k` times, its parent passes) takes `q / (1 − q)` times `f^k`: only a flake of
//!   rate `f` fails `k` times without a cause. `f` is at least 0.1, as in FACF. A parent that fails too, or a commit
//!   that passes, acquits: `q = 1`.
//! - No cluster is believed beyond what finders of culprits were found to reach: `q ≥ 0.02` unverified (FACF is right in
//!   98 % of searches), `q ≥ 0.008` verified (its verifier in 99.2 %).
//! - Clusters of one range share the range and its runs, so they are not independent: with `q₁ ≤ q₂ ≤ …` the change is
//!   wrongly blamed with `Q = q₁ · (q₂ · q₃ · …)^½`.
//!
//! `Q` at or below the target (0.5 % of proposals, SafeRevert's) recommends; at or below [`Policy::plausible`] it is
//! plausible. One verified cluster alone is plausible and not recommended: its floor is above the target.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::cluster::ClusterId;
use crate::model::Probability;

/// What counts, and how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// The share of proposals that may be wrong. 0.005.
    pub target: f64,
    /// The chance of a wrong blame up to which undoing is plausible. 0.2: better than the 23 % of blames alone.
    pub plausible: f64,
    /// A cluster is never less likely to be wrong than this, unverified. 0.02.
    pub unverified: f64,
    /// And verified. 0.008.
    pub verified: f64,
    /// The least rate at which any test flakes. 0.1.
    pub least_flake: f64,
    /// The part of independence between clusters: an exponent, 0 to 1. 0.5.
    pub independence: f64,
    /// A test that flakes as often, unverified, blames nobody. 0.75: 99 % of true culprits are found at lower rates.
    pub flakiest: f64,
    /// With more later commits than this that build on it, undoing is no quick way back. 20.
    pub most_later: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            target: 0.005,
            plausible: 0.2,
            unverified: 0.02,
            verified: 0.008,
            least_flake: 0.1,
            independence: 0.5,
            flakiest: 0.75,
            most_later: 20,
        }
    }
}

/// One test that failed, and how surely by this commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Blame {
    /// The test, for people.
    pub test: String,
    /// What its failure says.
    pub cluster: Option<ClusterId>,
    /// The posterior that this commit broke it.
    pub culprit: Probability,
    /// How often it fails without a cause.
    pub flake_rate: Probability,
    /// What running it again said.
    pub verified: Option<Verified>,
}

/// Runs of a test at the commit and at its parent, made to make sure.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Verified {
    /// Failures at the commit.
    pub failed_at: u32,
    /// Passes at the commit.
    pub passed_at: u32,
    /// Failures at its parent.
    pub failed_before: u32,
    /// Passes at its parent.
    pub passed_before: u32,
}

/// What speaks for and against undoing a commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The tests that are blamed on it.
    pub blames: Vec<Blame>,
    /// Whether what comes out builds; `None` where nobody tried.
    pub builds: Option<bool>,
    /// How many later commits build on it.
    pub later: u32,
    /// More lines for people, as they go into the message.
    pub lines: Vec<String>,
}

/// What is advised.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Recommendation {
    /// The evidence does not carry it.
    NotSupported,
    /// Somebody should look before it is done.
    Plausible,
    /// It is wrong in fewer cases than the target allows.
    Recommended,
}

impl Recommendation {
    /// One word or two, as in JSON: `recommended`, `plausible`, `not supported`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Plausible => "plausible",
            Self::NotSupported => "not supported",
        }
    }
}

/// The advice, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// What is advised.
    pub recommendation: Recommendation,
    /// The chance that the commit broke none of the blamed tests.
    pub wrong: Probability,
    /// Why, a line each.
    pub reasons: Vec<String>,
}

/// Judges the evidence.
///
/// Cost: the blames, sorted.
pub fn advise(evidence: &Evidence, policy: &Policy) -> Advice {
    let mut reasons = Vec::new();
    let mut clusters: BTreeMap<(Option<ClusterId>, &str), Vec<&Blame>> = BTreeMap::new();
    for blame in &evidence.blames {
        if blame.verified.is_none() && blame.flake_rate.get() >= policy.flakiest {
            reasons.push(format!(
                "`{}` fails in {:.0} % of runs anyway and blames nobody",
                blame.test,
                100.0 * blame.flake_rate.get()
            ));
            continue;
        }
        let alone = if blame.cluster.is_some() {
            ""
        } else {
            blame.test.as_str()
        };
        clusters
            .entry((blame.cluster, alone))
            .or_default()
            .push(blame);
    }
    let mut wrongs: Vec<f64> = clusters
        .values()
        .map(|blames| {
            let (wrong, reason) = cluster(blames, policy);
            reasons.push(reason);
            wrong
        })
        .collect();
    wrongs.sort_by(f64::total_cmp);
    let wrong = match wrongs.split_first() {
        None => 1.0,
        Some((first, others)) => first * others.iter().product::<f64>().powf(policy.independence),
    };
    let mut recommendation = if wrong <= policy.target {
        Recommendation::Recommended
    } else if wrong <= policy.plausible {
        Recommendation::Plausible
    } else {
        Recommendation::NotSupported
    };
    if clusters.is_empty() {
        reasons.push("no failing test is blamed on it".to_owned());
    }
    if evidence.builds == Some(false) {
        reasons.push("without it the project does not build".to_owned());
        recommendation = Recommendation::NotSupported;
    }
    if evidence.later > policy.most_later {
        reasons.push(format!("{} later commits build on it", evidence.later));
        recommendation = recommendation.min(Recommendation::Plausible);
    }
    Advice {
        recommendation,
        wrong: Probability::clamped(wrong),
        reasons,
    }
}

/// The chance that the commit is not behind a cluster, and a line that says so.
fn cluster(blames: &[&Blame], policy: &Policy) -> (f64, String) {
    let count = blames.len() as f64;
    let right = blames.iter().map(|blame| blame.culprit.get()).sum::<f64>() / count;
    let mut wrong = (1.0 - right).clamp(0.0, 1.0);
    let mut floor = policy.unverified;
    let runs = blames
        .iter()
        .filter_map(|blame| Some((blame, blame.verified?)));
    let mut said = "not verified".to_owned();
    // the tests of a cluster fail together, so the best verified of them speaks for all, and any acquittal counts
    let mut least: Option<f64> = None;
    for (blame, runs) in runs {
        if runs.failed_before > 0 || runs.passed_at > 0 {
            return (
                1.0,
                format!(
                    "{}: acquitted, runs at the commit and before it do not differ",
                    names(blames)
                ),
            );
        }
        if runs.failed_at > 0 && runs.passed_before > 0 {
            let flake = blame.flake_rate.get().clamp(policy.least_flake, 1.0);
            let factor = flake.powf(f64::from(runs.failed_at));
            if least.is_none_or(|least| factor < least) {
                least = Some(factor);
                said = format!(
                    "failed {} times at the commit, passed {} times before it",
                    runs.failed_at, runs.passed_before
                );
            }
        }
    }
    if let Some(factor) = least {
        let odds = wrong * factor;
        wrong = odds / (odds + (1.0 - wrong).max(f64::MIN_POSITIVE));
        floor = policy.verified;
    }
    let wrong = wrong.max(floor).min(1.0);
    (
        wrong,
        format!(
            "{}: {:.1} % likely by this commit, {said}",
            names(blames),
            100.0 * (1.0 - wrong)
        ),
    )
}

fn names(blames: &[&Blame]) -> String {
    match blames {
        [] => String::new(),
        [one] => format!("`{}`", one.test),
        [one, others @ ..] => format!("`{}` and {} of its cluster", one.test, others.len()),
    }
}

/// What a message says of the commit it undoes.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The first line of its message.
    pub subject: &'a str,
    /// Its id.
    pub commit: &'a str,
    /// The parent a merge goes back to.
    pub mainline: Option<&'a str>,
    /// A line each.
    pub evidence: &'a [String],
    /// As the runner names them.
    pub tests: &'a [String],
    /// How many tests may be named.
    pub most: usize,
}

/// The message of the commit that undoes another, in git's own words first.
pub fn message(told: &Told<'_>) -> String {
    let mut out = format!(
        "Revert \"{}\"\n\nThis reverts commit {}",
        told.subject, told.commit
    );
    if let Some(parent) = told.mainline {
        let _ = write!(out, ", reversing\nchanges made to {parent}");
    }
    out.push_str(".\n");
    let mut list = |title: &str, lines: &[String], most: usize| {
        if lines.is_empty() {
            return;
        }
        let _ = write!(out, "\n{title}:\n");
        for line in lines.iter().take(most) {
            let _ = writeln!(out, "- {}", line.replace(['\n', '\r'], " "));
        }
        if lines.len() > most {
            let _ = writeln!(out, "- … and {} more", lines.len() - most);
        }
    };
    list("Evidence", told.evidence, usize::MAX);
    list("Tests to run", told.tests, told.most);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blame(test: &str, cluster: &str, culprit: f64, verified: Option<(u32, u32)>) -> Blame {
        Blame {
            test: test.to_owned(),
            cluster: cluster.parse().ok(),
            culprit: Probability::clamped(culprit),
            flake_rate: Probability::clamped(0.01),
            verified: verified.map(|(failed_at, passed_before)| Verified {
                failed_at,
                passed_before,
                ..Verified::default()
            }),
        }
    }

    fn judged(blames: Vec<Blame>) -> Advice {
        advise(
            &Evidence {
                blames,
                ..Evidence::default()
            },
            &Policy::default(),
        )
    }

    #[test]
    fn many_tests_of_one_cluster_are_one_piece_of_evidence() {
        let one = judged(vec![blame("a", "c0000000001", 0.97, None)]);
        let many = judged(
            (0..50)
                .map(|n| blame(&n.to_string(), "c0000000001", 0.97, None))
                .collect(),
        );
        assert!((one.wrong.get() - many.wrong.get()).abs() < 1e-9);
        assert_eq!(many.recommendation, Recommendation::Plausible);
        let spread = judged(
            (0..6)
                .map(|n| blame(&n.to_string(), &format!("c000000000{n}"), 0.97, None))
                .collect(),
        );
        assert_eq!(spread.recommendation, Recommendation::Recommended);
        assert!((spread.wrong.get() - 0.03 * 0.03_f64.powi(5).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn a_verified_culprit_of_two_causes_is_recommended() {
        let sure = |n: &str| blame(n, &format!("c000000000{n}"), 0.9, Some((3, 3)));
        assert_eq!(
            judged(vec![sure("1")]).recommendation,
            Recommendation::Plausible
        );
        assert_eq!(
            judged(vec![sure("1"), sure("2")]).recommendation,
            Recommendation::Recommended
        );
    }

    #[test]
    fn a_parent_that_fails_too_acquits() {
        let mut one = blame("a", "", 0.99, Some((3, 3)));
        one.verified.as_mut().unwrap().failed_before = 1;
        let advice = judged(vec![one]);
        assert_eq!(advice.recommendation, Recommendation::NotSupported);
        assert_eq!(advice.wrong.get(), 1.0);
    }

    #[test]
    fn a_test_that_always_flakes_blames_nobody() {
        let mut one = blame("a", "", 0.99, None);
        one.flake_rate = Probability::clamped(0.8);
        let advice = judged(vec![one]);
        assert_eq!(
            advice.reasons,
            [
                "`a` fails in 80 % of runs anyway and blames nobody",
                "no failing test is blamed on it"
            ]
        );
        assert_eq!(advice.recommendation, Recommendation::NotSupported);
    }

    #[test]
    fn what_does_not_build_or_is_built_upon_is_not_undone_at_once() {
        let blames: Vec<Blame> = (0..4)
            .map(|n| blame(&n.to_string(), "", 0.99, Some((5, 5))))
            .collect();
        let with = |builds, later| {
            let evidence = Evidence {
                blames: blames.clone(),
                builds,
                later,
                ..Evidence::default()
            };
            advise(&evidence, &Policy::default()).recommendation
        };
        assert_eq!(with(None, 3), Recommendation::Recommended);
        assert_eq!(with(None, 21), Recommendation::Plausible);
        assert_eq!(with(Some(false), 0), Recommendation::NotSupported);
    }

    #[test]
    fn a_message_begins_as_gits_does() {
        let told = Told {
            subject: "Change m1",
            commit: "abc",
            mainline: Some("def"),
            evidence: &["`a` failed\nthrice".to_owned()],
            tests: &["t1".to_owned(), "t2".to_owned()],
            most: 1,
        };
        assert_eq!(
            message(&told),
            "Revert \"Change m1\"\n\nThis reverts commit abc, reversing\nchanges made to def.\n\nEvidence:\n- `a` failed thrice\n\n\
             Tests to run:\n- t1\n- … and 1 more\n"
        );
    }

    proptest! {
        #[test]
        fn more_certainty_never_speaks_against(p in 0.0..1.0f64, more in 0.0..1.0f64, runs in 1u32..9) {
            let q = p + (1.0 - p) * more;
            let wrong = |p, runs| judged(vec![blame("a", "", p, runs)]).wrong.get();
            prop_assert!(wrong(q, None) <= wrong(p, None));
            prop_assert!(wrong(p, Some((runs, 1))) <= wrong(p, None));
            prop_assert!(wrong(p, Some((runs + 1, 1))) <= wrong(p, Some((runs, 1))));
        }
    }
}
