//! What stored results say of a culprit, before anything is run.
//!
//! A [`Stretch`] goes back from a failure over the commits of its branch at which the test only failed to one at which it
//! passed, be it once in several runs. When in it the test broke is what the state model says ([`crate::flaky`]); which of the commits between two
//! tested ones did it, their traits say ([`super::prior`]). The results themselves become observations, so that further runs
//! add to them and are not made twice.
//!
//! Not seen here: results without a commit.

use rustc_hash::FxHashMap;

use super::prior::{self, Traits};
use super::{Behaviour, Observation, Search};
use crate::flaky::{Assessment, Chances, Standing};
use crate::model::{PastPart, Probability, Seen, Series};

/// From a commit at which a test passed to one at which it failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// The tested commit before the first stage; `None` where no pass is known.
    pub good: Option<Stage>,
    /// The tested commits after it, in order; at each, but perhaps the last, it only failed.
    pub stages: Vec<Stage>,
    /// That it was broken at the last of them.
    pub broken: Probability,
    /// The branch.
    pub branch: Option<String>,
}

/// The results at one commit of a branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The commit.
    pub commit: String,
    /// The parts in which the test ran there.
    pub parts: Vec<u32>,
    /// That it broke after the tested commit before and is so until the end of the stretch.
    pub broke: f64,
}

/// The stretch that ends with the failure of a series in this part; `None` where the test did not fail there, or the part has no
/// commit.
///
/// Cost: O(results of the series).
pub fn stretch(
    parts: &[PastPart],
    series: &Series,
    standing: &Standing,
    failed: u32,
) -> Option<Stretch> {
    let branch = &parts.get(failed as usize)?.context.branch;
    let commit_of = |part: u32| parts.get(part as usize)?.context.commit.as_deref();
    let last = commit_of(failed)?;
    // commits of the branch in the order in which they first ran
    let mut order: Vec<&str> = Vec::new();
    let mut at: FxHashMap<&str, usize> = FxHashMap::default();
    for part in parts.iter().filter(|part| part.context.branch == *branch) {
        if let Some(commit) = part.context.commit.as_deref() {
            at.entry(commit).or_insert_with(|| {
                order.push(commit);
                order.len() - 1
            });
        }
    }
    let mut results: Vec<Vec<Seen>> = vec![Vec::new(); order.len()];
    for seen in series.seen.iter().filter(|seen| seen.status.is_run()) {
        let on_branch = |part: &PastPart| part.context.branch == *branch;
        if parts.get(seen.part as usize).is_some_and(on_branch)
            && let Some(commit) = commit_of(seen.part)
        {
            results[at[commit]].push(*seen);
        }
    }
    let end = at[last];
    if !results[end]
        .iter()
        .any(|seen| seen.part == failed && is_bad(*seen))
    {
        return None;
    }
    let stage = |index: usize| Stage {
        commit: order[index].to_owned(),
        parts: results[index].iter().map(|seen| seen.part).collect(),
        broke: 0.0,
    };
    let (mut good, mut stages) = (None, Vec::new());
    for index in (0..=end).rev().filter(|index| !results[*index].is_empty()) {
        if index != end && results[index].iter().any(|seen| !is_bad(*seen)) {
            good = Some(stage(index));
            break;
        }
        stages.push(stage(index));
    }
    let broken = when(&mut stages, standing, failed);
    stages.reverse();
    Some(Stretch {
        good,
        stages,
        broken: Probability::clamped(broken),
        branch: branch.clone(),
    })
}

fn is_bad(seen: Seen) -> bool {
    seen.status.is_bad() || seen.bad_attempts > 0
}

/// Fills in when it broke: backwards over the failures, latest stage first. Returns that it was broken at the end.
fn when(stages: &mut [Stage], standing: &Standing, failed: u32) -> f64 {
    let causes: FxHashMap<u32, (f64, f64)> = standing
        .failures
        .iter()
        .map(|one| (one.part, (one.regression.get(), one.broke_here.get())))
        .collect();
    let broken = causes.get(&failed).map_or(0.0, |cause| cause.0);
    let mut left = broken;
    for stage in stages.iter_mut() {
        for (regression, broke) in stage.parts.iter().rev().filter_map(|part| causes.get(part)) {
            let here = left * (broke / regression.max(1e-12)).min(1.0);
            stage.broke += here;
            left -= here;
        }
    }
    // broken before it was seen to pass is as good as impossible: what is left belongs to all
    let sum: f64 = stages.iter().map(|stage| stage.broke).sum();
    let even = broken / stages.len().max(1) as f64;
    for stage in stages {
        stage.broke = if sum > 0.0 {
            stage.broke * broken / sum
        } else {
            even
        };
    }
    broken
}

/// How a test behaves when it is not broken, from all its results but those of the stretch.
pub fn behaviour(
    stretch: &Stretch,
    series: &Series,
    standing: &Standing,
    share: Probability,
) -> Behaviour {
    let inside: Vec<u32> = stretch
        .stages
        .iter()
        .flat_map(|stage| stage.parts.iter().copied())
        .collect();
    let flakes: FxHashMap<u32, f64> = standing
        .failures
        .iter()
        .map(|one| (one.part, one.flake.get()))
        .collect();
    let (mut failed, mut ran) = (0, 0);
    for seen in series.seen.iter().filter(|seen| seen.status.is_run()) {
        if inside.contains(&seen.part) {
            continue;
        }
        let flake = flakes.get(&seen.part).copied();
        if flake.is_none_or(|flake| flake >= 0.5) {
            ran += 1;
            failed += u32::from(flake.is_some());
        }
    }
    Behaviour::of(share, failed, ran)
}

/// What lies between two tested commits.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// The commits after the tested one before, up to and with the one of the stage, in order.
    pub commits: Vec<Traits>,
}

/// A search over all commits of a stretch, with its results taken in: one leg a stage, in order.
///
/// Where the assessment asked no graph, what the traits say of reaching the test is weighed in here.
pub fn search(
    stretch: &Stretch,
    legs: &[Leg],
    series: &Series,
    assessment: &Assessment,
    graph_asked: bool,
    behaviour: Behaviour,
) -> Search {
    let leak = Chances::default().leak;
    let mut weights = Vec::new();
    let mut ends: FxHashMap<u32, u32> = FxHashMap::default();
    let base = stretch.good.iter().flat_map(|good| &good.parts);
    ends.extend(base.map(|part| (*part, 0)));
    for (stage, leg) in stretch.stages.iter().zip(legs) {
        let reach = |one: &Traits| {
            if one.reaches == Some(false) {
                leak
            } else {
                1.0
            }
        };
        let reach: f64 =
            leg.commits.iter().map(reach).sum::<f64>() / leg.commits.len().max(1) as f64;
        let mass = stage.broke * if graph_asked { 1.0 } else { reach };
        weights.extend(
            prior::weights(&leg.commits)
                .iter()
                .map(|weight| weight * mass),
        );
        ends.extend(stage.parts.iter().map(|part| (*part, weights.len() as u32)));
    }
    let none = (1.0 - stretch.broken.get()).max(1e-6);
    let mut search = Search::new(&weights, none, behaviour);
    for seen in &series.seen {
        if let Some(at) = ends.get(&seen.part)
            && seen.status.is_run()
        {
            search.observe(observation(*at, *seen, assessment));
        }
    }
    search.believing(&weights, none)
}

/// A stored result at a position.
pub fn observation(at: u32, seen: Seen, assessment: &Assessment) -> Observation {
    let part = assessment.parts.get(seen.part as usize);
    let hit = part.map_or(0.0, |part| part.outage.get() * part.share.get());
    Observation {
        at,
        bad: seen.bad_attempts.max(u8::from(seen.status.is_bad())),
        passed: !seen.status.is_bad(),
        hit: Probability::clamped(hit),
        repaired: Probability::default(),
        told: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flaky::{Past, assess};
    use crate::model::{
        LogSeconds, PartId, RunContext, RunId, Status, TestId, Timestamp, Variant, attribute,
    };

    /// One letter a run: P, F, R (recovered); a new commit where a space stands before it.
    fn past(line: &str) -> (Vec<PastPart>, Series) {
        let (mut parts, mut seen, mut commit) = (Vec::new(), Vec::new(), 0);
        for letter in line.chars() {
            if letter == ' ' {
                commit += 1;
                continue;
            }
            let mut context = RunContext::default();
            context.set(attribute::COMMIT, &format!("{commit:040}"));
            context.set(attribute::BRANCH, "main");
            let part = parts.len() as u32;
            parts.push(PastPart {
                part: PartId(i64::from(part)),
                run: RunId(i64::from(part)),
                context,
                start: Timestamp(i64::from(part) * 3_600_000),
                duration: None,
                ran: 1,
                bad: u32::from(letter == 'F'),
                flaky: 0,
                complete: true,
            });
            seen.push(Seen {
                part,
                status: if letter == 'F' {
                    Status::Failed
                } else {
                    Status::Passed
                },
                bad_attempts: u8::from(letter != 'P'),
                duration: LogSeconds::UNKNOWN,
            });
        }
        let (test, variant) = (TestId::of("a", "b"), Variant::default());
        (
            parts,
            Series {
                test,
                variant,
                seen,
            },
        )
    }

    fn found(line: &str, failed: u32) -> (Stretch, Series, Assessment) {
        let (parts, series) = past(line);
        let known = Past {
            parts: &parts,
            ..Past::default()
        };
        let assessment = assess(&known, [series.clone()]);
        let stretch = stretch(&parts, &series, &assessment.tests[0], failed);
        (stretch.expect("a stretch"), series, assessment)
    }

    fn legs(stretch: &Stretch, each: usize) -> Vec<Leg> {
        let leg = Leg {
            commits: vec![Traits::default(); each],
        };
        vec![leg; stretch.stages.len()]
    }

    #[test]
    fn a_stretch_goes_from_the_last_pass_to_the_failure() {
        let (stretch, ..) = found("P P P P P P F F F", 8);
        assert_eq!(stretch.good.as_ref().unwrap().parts, [5]);
        let parts: Vec<&[u32]> = stretch
            .stages
            .iter()
            .map(|stage| &stage.parts[..])
            .collect();
        assert_eq!(parts, [[6], [7], [8]]);
        assert!(stretch.broken.get() > 0.95);
        assert!(stretch.stages[0].broke > 0.9 * stretch.broken.get());
        let (early, ..) = found("P P P P P P F F F", 6);
        assert_eq!(early.stages.len(), 1);
    }

    #[test]
    fn a_commit_at_which_it_passed_once_is_good_unless_it_is_the_one_asked_about() {
        let (stretch, ..) = found("P P P P P PF FF", 7);
        assert_eq!(stretch.good.as_ref().unwrap().parts, [5, 6]);
        assert_eq!(stretch.stages.len(), 1);
        assert_eq!(stretch.stages[0].parts, [7, 8]);
        let (flaky, ..) = found("P P PF P PF PPF", 9);
        assert_eq!(flaky.good.as_ref().unwrap().parts, [5, 6]);
        assert_eq!(flaky.stages[0].parts, [7, 8, 9]);
        assert!(flaky.broken.get() < 0.01, "{flaky:?}");
    }

    #[test]
    fn there_is_no_stretch_without_a_failure_and_no_good_commit_without_a_pass() {
        let (parts, series) = past("P P F");
        let known = Past {
            parts: &parts,
            ..Past::default()
        };
        let assessment = assess(&known, [series.clone()]);
        assert_eq!(stretch(&parts, &series, &assessment.tests[0], 1), None);
        assert_eq!(stretch(&parts, &series, &assessment.tests[0], 9), None);
        let (always, ..) = found("F F F", 2);
        assert_eq!((always.good, always.stages.len()), (None, 3));
    }

    #[test]
    fn a_search_begins_with_what_the_results_say() {
        let (stretch, series, assessment) = found("P P P P P P P P F F F", 10);
        let kind = behaviour(
            &stretch,
            &series,
            &assessment.tests[0],
            Probability::clamped(0.04),
        );
        let search = search(
            &stretch,
            &legs(&stretch, 4),
            &series,
            &assessment,
            true,
            kind,
        );
        assert_eq!(search.suspects(), 12);
        let belief = search.belief();
        assert!((belief.none - (1.0 - stretch.broken.get())).abs() < 1e-3);
        // four commits before the first failure share the blame
        let first: f64 = belief.suspects[..4].iter().sum();
        assert!(first > 0.9, "{belief:?}");
        assert!((belief.suspects[0] - belief.suspects[3]).abs() < 1e-9);
        assert_eq!(search.seen().len(), 4);
    }

    #[test]
    fn a_range_that_reaches_the_test_nowhere_speaks_for_a_flake() {
        let (stretch, series, assessment) = found("P P P P P P P P P P P P F", 12);
        let none = |reaches| {
            let traits = Traits {
                reaches,
                ..Traits::default()
            };
            let leg = Leg {
                commits: vec![traits; 2],
            };
            let kind = Behaviour::of(Probability::clamped(0.04), 0, 12);
            let search = search(&stretch, &[leg], &series, &assessment, false, kind);
            search.belief().none
        };
        assert!(none(Some(false)) > 5.0 * none(Some(true)));
        assert!((none(None) - none(Some(true))).abs() < 1e-9);
    }
}
