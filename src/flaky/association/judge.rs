//! From what was looked at to what is claimed.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cofailure::{self, Together};
use super::discovery::q_values;
use super::exact::{Counts, stratified};
use super::sample::{Candidate, FEWEST, Looked, Sample};
use super::timing::Spoken;
use super::{Evidence, Experiment, Finding, Kind, clock, environment, load, order, power, timing};
use crate::flaky::{Assessment, Past};
use crate::model::Series;

/// The share of false findings, at most.
const LEVEL: f64 = 0.05;
/// What a weaker factor must still say within strata of the stronger one.
const BESIDES: f64 = 0.001;
/// So many members of a cluster are named.
const NAMED: usize = 3;

/// What failures go along with, and how much was looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Associated {
    /// The findings, strongest first; of one test, too.
    pub findings: Vec<Finding>,
    /// How much was looked at.
    pub examined: Examined,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// Series with enough flakes.
    pub series: u32,
    /// Series that flaked, but too rarely to say what their failures go along with.
    pub too_few: u32,
    /// Pairs of a series and a factor.
    pub hypotheses: u64,
}

/// What the flakes of each test go along with, at a false-discovery rate of 5 % over all tests and factors.
///
/// `failing` are the series with bad attempts, with their numbers, as `assessment` has them.
///
/// Cost: O(flaky series × parts × factors), on all threads; orders of execution are read once or twice.
pub fn associate(
    past: &Past<'_>,
    failing: &[(u32, Series)],
    assessment: &Assessment,
    evidence: &Evidence<'_>,
) -> Associated {
    let told = |series: u32| {
        let from = evidence
            .messages
            .partition_point(|message| message.series < series);
        let to = evidence
            .messages
            .partition_point(|message| message.series <= series);
        &evidence.messages[from..to]
    };
    let all: Vec<Sample<'_>> = failing
        .iter()
        .filter_map(|(number, series)| {
            let standing = assessment.tests.get(*number as usize)?;
            Some(Sample::of(*number, series, standing, told(*number)))
        })
        .filter(|sample| sample.fails() > 0)
        .collect();
    let spoken = spoken(&all);
    let (samples, few): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|sample| sample.fails() >= FEWEST);
    let environments = environment::columns(past.parts);
    let loads = load::columns(past.parts);
    let moments = clock::moments(past.parts);
    let mut looked: Vec<Looked> = samples
        .par_iter()
        .map(|sample| {
            let mut looked = Looked::default();
            environment::look(&environments, sample, &mut looked);
            load::look(&loads, sample, &mut looked);
            clock::look(&moments, sample, &mut looked);
            timing::look(spoken, sample, &mut looked);
            looked
        })
        .collect();
    let ordered = order::look(evidence, assessment.tests.len(), &samples);
    for (looked, ordered) in looked.iter_mut().zip(ordered) {
        looked.hypotheses += ordered.hypotheses;
        looked.candidates.extend(ordered.candidates);
    }
    // Each sample is one more hypothesis: that it has a partner.
    let hypotheses = looked.iter().map(|one| one.hypotheses).sum::<usize>() + samples.len();
    let examined = Examined {
        series: samples.len() as u32,
        too_few: few.len() as u32,
        hypotheses: hypotheses as u64,
    };
    let (mut findings, kept) = single(&samples, looked, hypotheses);
    findings.extend(together(&samples, &kept, &findings, hypotheses, evidence));
    findings.sort_by(|a, b| a.p.total_cmp(&b.p).then(a.series.cmp(&b.series)));
    Associated { findings, examined }
}

fn spoken(samples: &[Sample<'_>]) -> Spoken {
    let mut spoken = Spoken::default();
    for sample in samples {
        for row in sample.rows.iter().filter(|row| row.failed) {
            if let Ok(at) = sample
                .told
                .binary_search_by_key(&row.part, |told| told.part)
            {
                spoken.told += 1;
                spoken.timeouts += u32::from(sample.told[at].timeout);
            }
        }
    }
    spoken
}

/// Findings about one test each, and for each sample the strata that they make of its rows.
fn single(
    samples: &[Sample<'_>],
    looked: Vec<Looked>,
    hypotheses: usize,
) -> (Vec<Finding>, Vec<Vec<u16>>) {
    let p: Vec<f64> = looked
        .iter()
        .flat_map(|one| &one.candidates)
        .map(|one| one.p)
        .collect();
    let mut q = q_values(&p, hypotheses).into_iter();
    let (mut findings, mut bins) = (Vec::new(), Vec::new());
    for (sample, looked) in samples.iter().zip(looked) {
        let mut holding: Vec<(Candidate, f64)> = looked
            .candidates
            .into_iter()
            .zip(q.by_ref())
            .filter(|(_, q)| *q <= LEVEL)
            .collect();
        holding.sort_by(|(a, _), (b, _)| a.effect.cmp(&b.effect).then(a.p.total_cmp(&b.p)));
        let mut strata = vec![0u16; sample.rows.len()];
        let mut kinds: Vec<Kind> = Vec::new();
        for (candidate, q) in holding {
            let gives_way = candidate.effect && !kinds.is_empty();
            let besides = kinds.is_empty() || within(sample, &candidate, &strata) < BESIDES;
            if gives_way || !besides || kinds.contains(&candidate.kind) {
                continue;
            }
            kinds.push(candidate.kind);
            for (stratum, bin) in strata.iter_mut().zip(&candidate.bins) {
                *stratum = stratum.wrapping_mul(13).wrapping_add(u16::from(*bin));
            }
            findings.push(candidate.finding(sample, q));
        }
        bins.push(strata);
    }
    (findings, bins)
}

/// What a candidate still says within strata of what was found before.
fn within(sample: &Sample<'_>, candidate: &Candidate, strata: &[u16]) -> f64 {
    let mut counts: std::collections::BTreeMap<u16, Vec<(bool, bool)>> = Default::default();
    for ((row, with), stratum) in sample.rows.iter().zip(&candidate.with).zip(strata) {
        counts
            .entry(*stratum)
            .or_default()
            .push((row.failed, *with));
    }
    let counts: Vec<Counts> = counts.into_values().map(Counts::of).collect();
    stratified(&counts)
}

/// One finding for each cluster of tests that fail together.
fn together(
    samples: &[Sample<'_>],
    bins: &[Vec<u16>],
    single: &[Finding],
    hypotheses: usize,
    evidence: &Evidence<'_>,
) -> Vec<Finding> {
    let pairs = cofailure::pairs(samples, bins);
    let p: Vec<f64> = single
        .iter()
        .map(|one| one.p)
        .chain(pairs.iter().map(|one| one.p))
        .collect();
    let q = q_values(&p, hypotheses);
    let holding: Vec<(Together, f64)> = pairs
        .into_iter()
        .zip(q.into_iter().skip(single.len()))
        .filter(|(_, q)| *q <= LEVEL)
        .collect();
    let plain: Vec<Together> = holding.iter().map(|one| one.0).collect();
    let clusters = cofailure::clusters(&plain);
    clusters
        .iter()
        .filter_map(|cluster| {
            let inside = |one: &&(Together, f64)| cluster.contains(&one.0.a);
            let (best, q) = holding.iter().find(inside)?;
            let others: Vec<u32> = cluster[1..].iter().map(|at| samples[*at].series).collect();
            let names: Vec<String> =
                others.iter().take(NAMED).map(|other| format!("`{}`", (evidence.name)(*other))).collect();
            let more = match others.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let counts = best.counts;
            let (share_with, share_without) = counts.shares();
            Some(Finding {
                series: samples[cluster[0]].series,
                others,
                kind: Kind::CoFailure,
                factor: format!("{}{more}", names.join(", ")),
                share_with,
                share_without,
                failures: counts.fails,
                passes: counts.passes,
                p: best.p,
                q: *q,
                sentence: format!(
                    "fails together with {}{more}: {} of {} failures of the closest two are common",
                    names.join(", "),
                    counts.fail_with,
                    counts.fails + counts.pass_with
                ),
                experiment: Experiment {
                    what: "look for what these tests share (a server, a fixture, a port), then run them with it and with a fresh one"
                        .to_owned(),
                    runs: power::runs(share_with, share_without),
                },
            })
        })
        .collect()
}
