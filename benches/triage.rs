//! Verdicts on the failures of each run, as they would have been given on the day, against the truth of simulated histories.
//!
//! `cargo bench --bench triage -- DIR…`: directories made by the fleet simulator, each a seed; those with one parent are one
//! group. Runs are judged from the 61st on, each from what was known when it came in. `--every N` judges every Nth of the runs
//! without a new regression and counts each N times; `-m` keeps messages from the model, `-v` tells what is wrong.

#![expect(clippy::print_stdout, reason = "a bench talks to the terminal")]

#[path = "support/fleet.rs"]
#[expect(dead_code, reason = "other benches ask more of it")]
mod fleet;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use fleet::Fleet;
use tia::flaky::{Past, Says, assess};
use tia::model::Series;
use tia::triage::verdict::{Range, Verdict, chances};

const FIRST: usize = 60;
const LEVELS: [f64; 6] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

fn main() {
    let mut groups: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    let verbose = std::env::args().any(|arg| arg == "-v");
    let every = std::env::args().skip_while(|arg| arg != "--every").nth(1);
    let every: u32 = every.map_or(1, |every| every.parse().expect("--every takes a number"));
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
        let counts: Vec<Counts> = std::thread::scope(|scope| {
            let work: Vec<_> = dirs
                .iter()
                .map(|dir| scope.spawn(move || judge(&fleet::read(dir), every, verbose)))
                .collect();
            work.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let mut all = Counts::default();
        for one in &counts {
            all.add(one);
        }
        println!("\n{} ({} seeds)", group.display(), dirs.len());
        all.print();
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    New,
    Old,
    Flake,
    Outage,
}

#[derive(Default)]
struct Counts {
    matrix: [[u32; 4]; 4],
    /// At each level: runs with a new regression that passed, and all; runs with flakes and outages only that were blocked, and all.
    missed: [u32; LEVELS.len()],
    with_new: u32,
    blocked: [u32; LEVELS.len()],
    noise: u32,
    /// For each of [`RULES`]: expected runs with a new regression that pass, and with noise only that are blocked.
    rules: [(f64, f64); RULES.len()],
}

impl Counts {
    fn add(&mut self, other: &Self) {
        for (a, b) in self
            .matrix
            .iter_mut()
            .flatten()
            .zip(other.matrix.iter().flatten())
        {
            *a += b;
        }
        for (a, b) in self.missed.iter_mut().zip(other.missed) {
            *a += b;
        }
        for (a, b) in self.blocked.iter_mut().zip(other.blocked) {
            *a += b;
        }
        self.with_new += other.with_new;
        self.noise += other.noise;
        for (a, b) in self.rules.iter_mut().zip(other.rules) {
            a.0 += b.0;
            a.1 += b.1;
        }
    }
    fn print(&self) {
        let all: u32 = self.matrix.iter().flatten().sum();
        let right: u32 = (0..4).map(|n| self.matrix[n][n]).sum();
        let share = |a: u32, b: u32| 100.0 * f64::from(a) / f64::from(b.max(1));
        println!("  right {right}/{all} ({:.2} %)", share(right, all));
        for (name, row) in ["regression", "already broken", "flake", "outage"]
            .iter()
            .zip(self.matrix)
        {
            println!(
                "    {name:15} called regression {:5}, already broken {:5}, flake {:5}, outage {:5}",
                row[0], row[1], row[2], row[3]
            );
        }
        let real = self.matrix[0];
        let n: u32 = real.iter().sum();
        println!(
            "  new regressions called anything else: {}/{n} ({:.2} %)",
            n - real[0],
            share(n - real[0], n)
        );
        for (n, level) in LEVELS.iter().enumerate() {
            println!(
                "  gate at {level}: passes {}/{} ({:.2} %) with a new regression, blocks {}/{} ({:.2} %) with only noise",
                self.missed[n],
                self.with_new,
                share(self.missed[n], self.with_new),
                self.blocked[n],
                self.noise,
                share(self.blocked[n], self.noise)
            );
        }
        for ((name, _), (missed, blocked)) in RULES.iter().zip(self.rules) {
            println!(
                "  {name}: passes {missed:.1}/{} ({:.2} %) with a new regression, blocks {blocked:.1}/{} ({:.2} %) with only noise",
                self.with_new,
                100.0 * missed / f64::from(self.with_new.max(1)),
                self.noise,
                100.0 * blocked / f64::from(self.noise.max(1))
            );
        }
    }
}

/// The chance that a rule forgives one failure, from what came before it.
type Rule = fn(&Fleet, usize, u32, &fleet::Failure) -> f64;

/// What others do, on the same failures.
const RULES: [(&str, Rule); 3] = [
    ("LUCI's exoneration", exonerated),
    ("rerun twice", rerun_twice),
    ("list of known flakes", known_flake),
];

/// LUCI Analysis: in 14 days at least two commits with both outcomes and 1 % of all commits; or six bad of the last ten results,
/// or the last three.
fn exonerated(fleet: &Fleet, test: usize, part: u32, _: &fleet::Failure) -> f64 {
    let now = fleet.parts[part as usize].start.0;
    let mut commits: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    let before = || {
        fleet.series[test]
            .seen
            .iter()
            .filter(|seen| seen.part < part)
    };
    for seen in before() {
        let at = &fleet.parts[seen.part as usize];
        if now - at.start.0 <= 14 * 86_400_000 {
            let entry = commits
                .entry(at.context.commit.as_deref().unwrap())
                .or_default();
            entry.0 |= !seen.status.is_bad();
            entry.1 |= seen.bad_attempts > 0;
        }
    }
    let both = commits.values().filter(|(good, bad)| *good && *bad).count();
    let flaking = both >= 2 && both as f64 >= 0.01 * commits.len() as f64;
    let last: Vec<bool> = before()
        .rev()
        .take(10)
        .map(|seen| seen.bad_attempts > 0)
        .collect();
    let failing = last.iter().filter(|bad| **bad).count() >= 6
        || (last.len() >= 3 && last[..3].iter().all(|bad| *bad));
    f64::from(u8::from(flaking || failing))
}

/// Two more runs at the same commit: a flake fails each with its rate again, an outage is over, a regression stays.
fn rerun_twice(fleet: &Fleet, _: usize, _: u32, failure: &fleet::Failure) -> f64 {
    match failure.cause.as_str() {
        "regression" => 0.0,
        "flake" => 1.0 - fleet.truth.tests[&failure.test].rate.min(1.0).powi(2),
        _ => 1.0,
    }
}

/// flakebox: at least one pass and one failure among the last fifty results, of at least five.
fn known_flake(fleet: &Fleet, test: usize, part: u32, _: &fleet::Failure) -> f64 {
    let before = fleet.series[test]
        .seen
        .iter()
        .filter(|seen| seen.part < part);
    let last: Vec<bool> = before
        .rev()
        .take(50)
        .map(|seen| seen.bad_attempts > 0)
        .collect();
    let both = last.contains(&true) && last.contains(&false);
    f64::from(u8::from(last.len() >= 5 && both))
}

/// The last part of the commit before.
fn before(fleet: &Fleet, part: u32) -> u32 {
    let commit = |part: u32| fleet.parts[part as usize].context.commit.as_deref();
    (0..part)
        .rev()
        .find(|before| commit(*before) != commit(part))
        .unwrap_or(0)
}

fn judge(fleet: &Fleet, every: u32, verbose: bool) -> Counts {
    let mut counts = Counts::default();
    let says = (!std::env::args().any(|arg| arg == "-m")).then_some(&fleet.said as &dyn Says);
    let number: HashMap<&str, usize> = fleet
        .names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), n))
        .collect();
    let mut by_run: BTreeMap<u32, Vec<&fleet::Failure>> = BTreeMap::new();
    for failure in &fleet.truth.failures {
        by_run.entry(failure.run - 1).or_default().push(failure);
    }
    for (part, failures) in by_run {
        if (part as usize) < FIRST {
            continue;
        }
        let truly = |failure: &fleet::Failure| match failure.cause.as_str() {
            "regression"
                if fleet.is_between(
                    failure.commit.as_deref().unwrap(),
                    before(fleet, part),
                    part,
                ) =>
            {
                Cause::New
            }
            "regression" => Cause::Old,
            "flake" => Cause::Flake,
            _ => Cause::Outage,
        };
        let any_new = failures.iter().any(|one| truly(one) == Cause::New);
        let weight = if any_new { 1 } else { every };
        if part % weight != 0 {
            continue;
        }
        let parts = &fleet.parts[..=part as usize];
        let past = Past {
            parts,
            positions: None,
            reaches: Some(&fleet.graph),
            says,
        };
        let series = fleet.series.iter().map(|series| Series {
            test: series.test.clone(),
            variant: series.variant.clone(),
            seen: series
                .seen
                .iter()
                .take_while(|seen| seen.part <= part)
                .copied()
                .collect(),
        });
        let assessment = assess(&past, series);
        let (mut any_old, mut highest) = (false, 0.0_f64);
        // For each rule, the chance that it forgives every failure of the run.
        let mut forgiven = [1.0; RULES.len()];
        for failure in failures {
            let test = &assessment.tests[number[failure.test.as_str()]];
            let found = test.failures.last().unwrap();
            assert_eq!(found.part, part);
            let chances = chances(found, Range::Commit, true);
            let now = chances.this_change();
            let called = match chances.verdict() {
                Verdict::Regression | Verdict::NewTest => 0,
                Verdict::AlreadyBroken => 1,
                Verdict::Flake => 2,
                Verdict::Infrastructure => 3,
            };
            let truth = truly(failure);
            counts.matrix[truth as usize][called] += weight;
            if verbose && truth as usize != called {
                println!(
                    "   run {part} {} truly {truth:?}, called {called}: {now:.3} {} ran {} failed {} reach {:?}",
                    failure.test,
                    fleet.truth.tests[&failure.test].kind,
                    test.ran,
                    test.failed,
                    tia::flaky::Reaches::reaches(
                        &fleet.graph,
                        number[failure.test.as_str()] as u32,
                        part
                    )
                );
            }
            any_old |= truth == Cause::Old;
            if !failure.recovered {
                highest = highest.max(now);
                for (forgives, rule) in forgiven.iter_mut().zip(RULES) {
                    *forgives *= rule.1(fleet, number[failure.test.as_str()], part, failure);
                }
            }
        }
        for (n, level) in LEVELS.iter().enumerate() {
            if any_new {
                counts.missed[n] += u32::from(highest < *level);
            } else if !any_old {
                counts.blocked[n] += weight * u32::from(highest >= *level);
            }
        }
        for (n, forgiven) in forgiven.iter().enumerate() {
            if any_new {
                counts.rules[n].0 += forgiven;
            } else if !any_old {
                counts.rules[n].1 += f64::from(weight) * (1.0 - forgiven);
            }
        }
        counts.with_new += u32::from(any_new);
        counts.noise += weight * u32::from(!any_new && !any_old);
    }
    counts
}
