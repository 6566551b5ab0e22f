//! How well the model does on simulated histories with the truth beside them.
//!
//! `cargo bench --bench fleet -- DIR…`: directories made by the fleet simulator, each a seed; those with one parent
//! are one row. `-m` keeps messages from the model, `-v` tells what is wrong.

#![expect(clippy::print_stdout, reason = "a bench talks to the terminal")]

#[path = "support/baselines.rs"]
mod baselines;
#[path = "support/fleet.rs"]
#[expect(dead_code, reason = "other benches ask more of it")]
mod fleet;
#[path = "support/kinds.rs"]
mod kinds;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use baselines::{RULES, Ran};
use fleet::Fleet;
use tia::flaky::{Assessment, CALLED, Past, Says, assess};

fn main() {
    baselines::check();
    let mut groups: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    let verbose = std::env::args().any(|arg| arg == "-v");
    let without = std::env::args().any(|arg| arg == "-m");
    for arg in std::env::args().skip(1).filter(|arg| !arg.starts_with('-')) {
        let dir = PathBuf::from(arg);
        if dir.join("truth.json").exists() {
            groups
                .entry(dir.parent().unwrap().to_owned())
                .or_default()
                .push(dir);
        }
    }
    for (group, dirs) in groups {
        let mut sums: BTreeMap<(u8, String), Vec<f64>> = BTreeMap::new();
        let mut tally = Tally::default();
        for dir in &dirs {
            let fleet = fleet::read(dir);
            let past = Past {
                parts: &fleet.parts,
                says: (!without).then_some(&fleet.said as &dyn Says),
                ..Past::default()
            };
            let with = Past {
                reaches: Some(&fleet.graph),
                ..past
            };
            let judged = [
                (true, assess(&with, fleet.series.clone())),
                (false, assess(&past, fleet.series.clone())),
            ];
            for (graph, assessment) in &judged {
                let name = if *graph {
                    "tia with graph"
                } else {
                    "tia without"
                };
                let scores: Vec<f64> = assessment
                    .tests
                    .iter()
                    .map(|test| test.flaked.get() + 1e-6 * test.rate.mean.get())
                    .collect();
                let precision = average_precision(&fleet, &scores);
                sums.entry((0, name.to_owned()))
                    .or_default()
                    .push(precision);
                tally.count(&fleet, assessment, *graph, verbose);
                let past = if *graph { &with } else { &past };
                let found = kinds::associated(&fleet, past, assessment);
                tally.1[usize::from(!graph)].count(&fleet, assessment, &found, verbose);
                if verbose {
                    println!(
                        "{} {name} {precision:.4} {:?}",
                        dir.display(),
                        assessment.chances
                    );
                    tell(&fleet, assessment);
                }
            }
            for (number, (name, rule)) in RULES.iter().enumerate() {
                let failed = |test: &usize| {
                    fleet.series[*test]
                        .seen
                        .iter()
                        .any(|seen| seen.bad_attempts > 0)
                };
                let score = |test| {
                    if failed(&test) {
                        rule(&runs(&fleet, test))
                    } else {
                        0.0
                    }
                };
                let scores: Vec<f64> = (0..fleet.series.len()).map(score).collect();
                sums.entry((1 + number as u8, (*name).to_owned()))
                    .or_default()
                    .push(average_precision(&fleet, &scores));
            }
        }
        println!("\n{} ({} seeds)", group.display(), dirs.len());
        for ((_, name), values) in &sums {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let least = values.iter().copied().fold(1.0, f64::min);
            println!("  average precision {name:20} {mean:.4}, least {least:.4}");
        }
        tally.print();
    }
}

/// One test's history as the baselines see it.
fn runs(fleet: &Fleet, test: usize) -> Vec<Ran> {
    let mut numbers = HashMap::new();
    let mut run = |seen: &tia::model::Seen| {
        let commit = fleet.parts[seen.part as usize].context.commit.as_deref();
        let next = numbers.len() as u32;
        let commit = *numbers.entry(commit).or_insert(next);
        Ran {
            commit,
            failed: u32::from(seen.bad_attempts),
            passed: u32::from(!seen.status.is_bad()),
        }
    };
    fleet.series[test].seen.iter().map(&mut run).collect()
}

fn flaked(fleet: &Fleet) -> HashSet<&str> {
    let flakes = fleet
        .truth
        .failures
        .iter()
        .filter(|failure| failure.cause == "flake");
    flakes.map(|failure| failure.test.as_str()).collect()
}

/// Of ranking the tests that flaked among those with any failure; equal scores share their rank.
fn average_precision(fleet: &Fleet, scores: &[f64]) -> f64 {
    let flaked = flaked(fleet);
    let mut ranked: Vec<(f64, bool)> = fleet
        .series
        .iter()
        .enumerate()
        .filter(|(_, series)| series.seen.iter().any(|seen| seen.bad_attempts > 0))
        .map(|(test, _)| (scores[test], flaked.contains(fleet.names[test].as_str())))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all = ranked.iter().filter(|one| one.1).count() as f64;
    let (mut found, mut seen, mut sum) = (0.0, 0.0, 0.0);
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let here = tied.iter().filter(|one| one.1).count() as f64;
        found += here;
        seen += tied.len() as f64;
        sum += here * found / seen;
    }
    if all == 0.0 { 1.0 } else { sum / all }
}

/// Probabilities above which a test may be called flaky.
const LEVELS: [f64; 3] = [0.5, CALLED, 0.99];

#[derive(Default)]
struct Tally([Counts; 2], [kinds::Named; 2]);

#[derive(Default)]
struct Counts {
    /// By kind: intervals, of those that cover.
    covered: BTreeMap<String, (u32, u32, u32)>,
    broke_only: u32,
    /// At each of [`LEVELS`]: tests that only broke, and tests that flaked.
    called: [(u32, u32); 3],
    flaked: u32,
    outages: (u32, u32),
    calm: (u32, u32),
    causes: BTreeMap<String, [f64; 4]>,
    regressions_called_flakes: (u32, u32),
    brier: (f64, f64),
}

impl Tally {
    fn count(&mut self, fleet: &Fleet, assessment: &Assessment, graph: bool, verbose: bool) {
        let counts = &mut self.0[usize::from(!graph)];
        let mut causes: HashMap<&str, HashSet<&str>> = HashMap::new();
        for failure in &fleet.truth.failures {
            causes
                .entry(&failure.test)
                .or_default()
                .insert(&failure.cause);
        }
        for (name, test) in fleet.names.iter().zip(&assessment.tests) {
            let character = &fleet.truth.tests[name];
            let causes = causes.get(name.as_str());
            let flaked = causes.is_some_and(|causes| causes.contains("flake"));
            if let Some(causes) = causes {
                counts.brier.0 += (test.flaked.get() - f64::from(u8::from(flaked))).powi(2);
                counts.brier.1 += 1.0;
                if !flaked && causes.contains("regression") {
                    counts.broke_only += 1;
                    for (called, level) in counts.called.iter_mut().zip(LEVELS) {
                        called.0 += u32::from(test.flaked.get() > level);
                    }
                }
            }
            if flaked {
                counts.flaked += 1;
                for (called, level) in counts.called.iter_mut().zip(LEVELS) {
                    called.1 += u32::from(test.flaked.get() > level);
                }
                let rate = true_rate(fleet, name, character);
                if verbose && !(test.rate.low.get()..=test.rate.high.get()).contains(&rate) {
                    println!(
                        "   missed: {name} {} {rate:.4} not in [{:.4}, {:.4}], mean {:.4}, {} of {} since {:?} until {:?}",
                        character.kind,
                        test.rate.low.get(),
                        test.rate.high.get(),
                        test.rate.mean.get(),
                        test.failed,
                        test.ran,
                        character.since.is_some(),
                        character.until.is_some()
                    );
                }
                let entry = counts.covered.entry(character.kind.clone()).or_default();
                entry.0 += 1;
                entry.1 += u32::from(rate < test.rate.low.get());
                entry.2 += u32::from(rate > test.rate.high.get());
            }
        }
        for (part, state) in assessment.parts.iter().enumerate() {
            let truth = fleet.truth.outages.contains(&(part as u32 + 1));
            let entry = if truth {
                &mut counts.outages
            } else {
                &mut counts.calm
            };
            entry.0 += 1;
            entry.1 += u32::from(state.outage.get() > 0.5);
        }
        let number: HashMap<&str, usize> = fleet
            .names
            .iter()
            .enumerate()
            .map(|(n, name)| (name.as_str(), n))
            .collect();
        for failure in &fleet.truth.failures {
            let test = &assessment.tests[number[failure.test.as_str()]];
            let found = test
                .failures
                .iter()
                .find(|found| found.part + 1 == failure.run)
                .unwrap();
            let entry = counts.causes.entry(failure.cause.clone()).or_default();
            entry[0] += 1.0;
            entry[1] += found.regression.get();
            entry[2] += found.flake.get();
            entry[3] += found.outage.get();
            if failure.cause == "regression" {
                counts.regressions_called_flakes.0 += 1;
                counts.regressions_called_flakes.1 += u32::from(found.flake.get() > 0.95);
            }
        }
    }

    fn print(&self) {
        for ((name, counts), named) in ["with graph", "without"].iter().zip(&self.0).zip(&self.1) {
            for ((wrong, right), level) in counts.called.iter().zip(LEVELS) {
                println!(
                    "  {name:10} called flaky above {level}: {wrong}/{} ({:.2} %) of those that only broke, {right}/{} ({:.1} %) of those that flaked",
                    counts.broke_only,
                    100.0 * f64::from(*wrong) / f64::from(counts.broke_only.max(1)),
                    counts.flaked,
                    100.0 * f64::from(*right) / f64::from(counts.flaked.max(1)),
                );
            }
            let all = counts
                .covered
                .values()
                .fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
            println!(
                "  {name:10} outages found {}/{}, false {}/{}; regressions called flakes (> 0.95) {}/{}; Brier {:.4}",
                counts.outages.1,
                counts.outages.0,
                counts.calm.1,
                counts.calm.0,
                counts.regressions_called_flakes.1,
                counts.regressions_called_flakes.0,
                counts.brier.0 / counts.brier.1,
            );
            println!(
                "  {:10} intervals cover {:.1} % of {} (missed below {}, above {}): {:?}",
                "",
                100.0 * f64::from(all.0 - all.1 - all.2) / f64::from(all.0),
                all.0,
                all.1,
                all.2,
                counts.covered
            );
            named.print(name);
            for (cause, [n, regression, flake, outage]) in &counts.causes {
                println!(
                    "  {:10} {cause:10} {n:6} failures: regression {:.3}, flake {:.3}, outage {:.3}",
                    "",
                    regression / n,
                    flake / n,
                    outage / n
                );
            }
        }
    }
}

/// The chance that a first attempt fails without cause at the end of the history, over runs as the simulator draws them.
fn true_rate(fleet: &Fleet, name: &str, test: &fleet::Character) -> f64 {
    // Quantiles of the load's distribution.
    let loads: Vec<f64> = (0..400)
        .map(|n| {
            (-0.3 + 0.7 * normal((f64::from(n) + 0.5) / 400.0))
                .exp()
                .min(4.0)
        })
        .collect();
    let over = |f: &dyn Fn(f64) -> f64| {
        loads.iter().map(|load| f(*load)).sum::<f64>() / loads.len() as f64
    };
    match test.kind.as_str() {
        "random" => test.rate,
        "introduced" if test.since.is_some() && test.until.is_none() => test.rate,
        "clock" => test.rate / 24.0,
        "order" => {
            // How often the other test goes first depends on the sizes of their files.
            let number =
                |name: &str| fleet.names.iter().position(|other| other == name).unwrap() as u32;
            let (this, other) = (number(name), number(test.after.as_deref().unwrap()));
            let after = fleet
                .order
                .iter()
                .filter(|order| order.iter().find(|t| **t == this || **t == other) == Some(&other));
            test.rate * after.count() as f64 / fleet.order.len() as f64
        }
        "environment" => test.rate / 4.0,
        "load" => {
            let on = |cpus: f64| {
                over(&|load| (test.rate * (load - 0.6).max(0.0) * (8.0 / cpus).sqrt()).min(0.95))
            };
            (on(8.0) * 2.0 + on(4.0) + on(2.0)) / 4.0
        }
        "timeout" => {
            let limit = test.limit.unwrap();
            let slow = over(&|load| {
                let needed =
                    (limit / test.seconds / (1.0 + 0.25 * (load - 1.0).max(0.0))).ln() / 0.25;
                1.0 - cumulative(needed)
            });
            test.rate + (1.0 - test.rate) * slow
        }
        _ => 0.0,
    }
}

fn cumulative(x: f64) -> f64 {
    // Abramowitz and Stegun 26.2.17.
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let poly = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * poly;
    if x > 0.0 { 1.0 - tail } else { tail }
}

fn normal(p: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if cumulative(middle) < p {
            low = middle
        } else {
            high = middle
        }
    }
    (low + high) / 2.0
}

/// Tests that the model gets wrong, with their history.
fn tell(fleet: &Fleet, assessment: &Assessment) {
    let flaked = flaked(fleet);
    for (number, (name, test)) in fleet.names.iter().zip(&assessment.tests).enumerate() {
        if test.failed > 0 && (test.flaked.get() > 0.5) != flaked.contains(name.as_str()) {
            let kind = &fleet.truth.tests[name];
            let line: Vec<String> = fleet.series[number]
                .seen
                .iter()
                .filter(|seen| seen.bad_attempts > 0)
                .map(|seen| {
                    let truth = fleet
                        .truth
                        .failures
                        .iter()
                        .find(|f| f.test == *name && f.run == seen.part + 1)
                        .unwrap();
                    let found = test.failures.iter().find(|f| f.part == seen.part).unwrap();
                    format!(
                        "{}:{}{}(r{:.2} f{:.2} o{:.2}{})",
                        seen.part,
                        &truth.cause[..1],
                        if seen.status.is_bad() { "" } else { "+" },
                        found.regression.get(),
                        found.flake.get(),
                        found.outage.get(),
                        if found.unreachable { " unreach" } else { "" }
                    )
                })
                .collect();
            println!(
                "   {name} {} {:.3}: flaked {:.3} rate {:.3} [{:.3}, {:.3}] {}",
                kind.kind,
                kind.rate,
                test.flaked.get(),
                test.rate.mean.get(),
                test.rate.low.get(),
                test.rate.high.get(),
                line.join(" ")
            );
        }
    }
    for (part, state) in assessment.parts.iter().enumerate() {
        let truth = fleet.truth.outages.contains(&(part as u32 + 1));
        if (state.outage.get() > 0.5) != truth {
            let bad = fleet
                .truth
                .failures
                .iter()
                .filter(|f| f.run == part as u32 + 1)
                .count();
            println!(
                "   part {part}: outage {truth}, said {:.3} share {:.3} breaking {:.3}, {bad} failures",
                state.outage.get(),
                state.share.get(),
                state.breaking.get()
            );
        }
    }
}
