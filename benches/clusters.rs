//! How well failures are put together, and how fast.
//!
//! `cargo bench --bench clusters -- fleet DIR…`: directories made by the fleet simulator; those with one parent are one
//! row. `-- real DIR [-v]`: reports of any kind below a directory. `-- scale 130000 DIR…`: so many failures, made from
//! the texts of reports below the directories by changing what changes in life.

#![expect(clippy::print_stdout, reason = "a bench talks to the terminal")]

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Deserialize;
use tia::junit::{Hints, Limits};
use tia::model::{Failure, TestResult};
use tia::triage::cluster::Clusters;
use tia::triage::episode::{Occurrence, episodes};
use tia::triage::signature::signature;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let what = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    match what.as_str() {
        "fleet" => fleet(&rest),
        "real" => real(&rest),
        "scale" => scale(&rest),
        _ => println!("fleet DIR… | real DIR… [-v] | scale COUNT DIR…"),
    }
}

#[derive(Deserialize)]
struct Truth {
    failures: Vec<True>,
}

#[derive(Deserialize)]
struct True {
    run: u32,
    test: String,
    cause: String,
    commit: Option<String>,
}

/// One cause of the truth: a breakage is its commit, a flake its test, an outage its run.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
enum Cause {
    Breakage(String),
    Flake(String),
    Outage(u32),
}

/// What went wrong first in a result, where anything did.
fn first_failure(result: &TestResult) -> Option<&Failure> {
    let earlier = result
        .earlier
        .iter()
        .filter(|attempt| attempt.status.is_bad());
    let bad = result.status.is_bad();
    let last = bad.then(|| result.failures.first()).flatten();
    earlier
        .filter_map(|attempt| attempt.failures.first())
        .next()
        .or(last)
}

fn fleet(dirs: &[String]) {
    let mut groups: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for dir in dirs
        .iter()
        .filter(|arg| !arg.starts_with('-'))
        .map(PathBuf::from)
    {
        if dir.join("truth.json").exists() {
            groups
                .entry(dir.parent().unwrap().to_owned())
                .or_default()
                .push(dir);
        }
    }
    let verbose = dirs.iter().any(|arg| arg == "-v");
    println!(
        "purity: failures in the cause that most of their group have; completeness: in the group that most of their cause have"
    );
    println!(
        "B3: the same, as means over failures of the share of the group (of the cause) that has their cause (their group)"
    );
    for (group, dirs) in groups {
        let mut scores: [Vec<[f64; 4]>; 3] = [const { Vec::new() }; 3];
        let mut counts = [0; 4];
        for dir in &dirs {
            let truth: Truth =
                serde_json::from_slice(&std::fs::read(dir.join("truth.json")).unwrap()).unwrap();
            let causes: HashMap<(u32, String), Cause> = truth
                .failures
                .into_iter()
                .map(|one| {
                    let cause = match one.cause.as_str() {
                        "regression" => Cause::Breakage(one.commit.unwrap()),
                        "outage" => Cause::Outage(one.run),
                        _ => Cause::Flake(one.test.clone()),
                    };
                    ((one.run, one.test), cause)
                })
                .collect();
            let mut files: Vec<_> = std::fs::read_dir(dir.join("runs"))
                .unwrap()
                .map(|file| file.unwrap().path())
                .collect();
            files.sort();
            let mut tests: HashMap<String, u32> = HashMap::new();
            let mut clusters = Clusters::default();
            let (mut labels, mut places, mut exact) = (Vec::new(), Vec::new(), Vec::new());
            for (run, file) in files.iter().enumerate() {
                let number: u32 = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
                for result in results(file) {
                    let Some(failure) = first_failure(&result) else {
                        continue;
                    };
                    let name = format!("{}::{}", result.test.class(), result.test.name());
                    let next = tests.len() as u32;
                    let test = *tests.entry(name.clone()).or_insert(next);
                    let label = causes.get(&(number, name.clone()));
                    labels.push(
                        label
                            .unwrap_or_else(|| panic!("{name} in run {number} has no cause"))
                            .clone(),
                    );
                    let signature = signature(failure);
                    exact.push(signature.id());
                    clusters.add(test, run as u32, signature);
                    places.push((test, run as u32));
                }
            }
            assert_eq!(labels.len(), causes.len(), "every failure is seen");
            let joined = clusters.join();
            let points: Vec<Occurrence> = places
                .iter()
                .zip(&joined.of)
                .map(|((test, run), cluster)| Occurrence {
                    cluster: *cluster,
                    test: *test,
                    run: *run,
                })
                .collect();
            let found = episodes(&points, files.len() as u32);
            scores[0].push(score(&exact, &labels));
            scores[1].push(score(&joined.of, &labels));
            scores[2].push(score(&found.of, &labels));
            let mut distinct = labels.clone();
            distinct.sort_by_key(|label| format!("{label:?}"));
            distinct.dedup();
            for (sum, n) in counts.iter_mut().zip([
                labels.len(),
                joined.clusters.len(),
                found.episodes.len(),
                distinct.len(),
            ]) {
                *sum += n;
            }
            if verbose {
                println!("{} {:?}", dir.display(), scores[2].last().unwrap());
                tell(&joined.clusters, &found, &labels);
            }
        }
        let [failures, texts, groups, causes] = counts;
        println!(
            "\n{} ({} seeds): {failures} failures of {causes} causes; {texts} texts, {groups} episodes",
            group.display(),
            dirs.len()
        );
        for (name, scores) in ["texts, exact", "texts", "episodes"].iter().zip(&scores) {
            let mean = |which: usize| {
                scores.iter().map(|score| score[which]).sum::<f64>() / scores.len() as f64
            };
            let least = |which: usize| scores.iter().map(|score| score[which]).fold(1.0, f64::min);
            println!(
                "  {name:14} purity {:.4} (least {:.4})  completeness {:.4} (least {:.4})  B3 {:.4} / {:.4}",
                mean(0),
                least(0),
                mean(1),
                least(1),
                mean(2),
                mean(3)
            );
        }
    }
}

/// The largest mixed episodes and torn causes.
fn tell(
    clusters: &[tia::triage::cluster::Cluster],
    found: &tia::triage::episode::Episodes,
    labels: &[Cause],
) {
    let mut within: HashMap<u32, HashMap<&Cause, u32>> = HashMap::new();
    let mut across: HashMap<&Cause, HashMap<u32, u32>> = HashMap::new();
    for (episode, label) in found.of.iter().zip(labels) {
        *within
            .entry(*episode)
            .or_default()
            .entry(label)
            .or_default() += 1;
        *across
            .entry(label)
            .or_default()
            .entry(*episode)
            .or_default() += 1;
    }
    for (number, causes) in &within {
        if causes.len() > 1 {
            let episode = &found.episodes[*number as usize];
            println!(
                "  mixed {:?} {}..{} {}: {causes:?}",
                episode.pattern,
                episode.first,
                episode.last,
                clusters[episode.cluster as usize].signature.title()
            );
        }
    }
    for (cause, parts) in &across {
        if parts.len() > 1 && parts.values().sum::<u32>() > 5 {
            let parts: Vec<_> = parts
                .iter()
                .map(|(n, count)| (count, found.episodes[*n as usize].pattern))
                .collect();
            println!("  torn {cause:?}: {parts:?}");
        }
    }
}

/// Purity, completeness, and both of B3.
fn score<G: Eq + Hash + Copy>(groups: &[G], labels: &[Cause]) -> [f64; 4] {
    let mut both: HashMap<(G, &Cause), f64> = HashMap::new();
    let (mut of_group, mut of_label): (HashMap<G, f64>, HashMap<&Cause, f64>) = Default::default();
    for (group, label) in groups.iter().zip(labels) {
        *both.entry((*group, label)).or_default() += 1.0;
        *of_group.entry(*group).or_default() += 1.0;
        *of_label.entry(label).or_default() += 1.0;
    }
    let (mut most_of_group, mut most_of_label): (HashMap<G, f64>, HashMap<&Cause, f64>) =
        Default::default();
    let (mut precision, mut recall) = (0.0, 0.0);
    for ((group, label), count) in &both {
        let most = most_of_group.entry(*group).or_default();
        *most = most.max(*count);
        let most = most_of_label.entry(*label).or_default();
        *most = most.max(*count);
        precision += count * count / of_group[group];
        recall += count * count / of_label[*label];
    }
    let all = labels.len() as f64;
    [
        most_of_group.values().sum::<f64>() / all,
        most_of_label.values().sum::<f64>() / all,
        precision / all,
        recall / all,
    ]
}

fn results(file: &Path) -> Vec<TestResult> {
    let name = file.file_name().unwrap().to_string_lossy();
    let hints = Hints {
        file: &name,
        ..Hints::default()
    };
    let bytes = std::fs::read(file).unwrap();
    tia::junit::read(&bytes[..], &hints, &Limits::default())
        .map(|report| report.results)
        .unwrap_or_default()
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    if dir.is_file() {
        found.push(dir.to_owned());
        return;
    }
    let mut entries: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "xml" || end == "json")
        {
            found.push(path);
        }
    }
}

fn failures_below(dirs: &[String]) -> Vec<(u32, u32, Failure)> {
    let mut reports = Vec::new();
    for dir in dirs.iter().filter(|arg| !arg.starts_with('-')) {
        files(Path::new(dir), &mut reports);
    }
    let mut tests = HashMap::new();
    let mut found = Vec::new();
    for (run, report) in reports.iter().enumerate() {
        for result in results(report) {
            if let Some(failure) = first_failure(&result) {
                let next = tests.len() as u32;
                let test = *tests.entry(result.test.to_string()).or_insert(next);
                found.push((test, run as u32, failure.clone()));
            }
        }
    }
    println!(
        "{} reports, {} failures of {} tests",
        reports.len(),
        found.len(),
        tests.len()
    );
    found
}

fn real(dirs: &[String]) {
    let failures = failures_below(dirs);
    let mut clusters = Clusters::default();
    let signatures: Vec<_> = failures
        .iter()
        .map(|(.., failure)| signature(failure))
        .collect();
    let mut exact = signatures.clone();
    exact.sort();
    exact.dedup();
    for ((test, run, _), signature) in failures.iter().zip(&signatures) {
        clusters.add(*test, *run, signature.clone());
    }
    let joined = clusters.join();
    println!(
        "{} signatures, {} clusters",
        exact.len(),
        joined.clusters.len()
    );
    let mut order: Vec<usize> = (0..joined.clusters.len()).collect();
    let verbose = dirs.iter().any(|arg| arg == "-v");
    order.sort_by_key(|one| {
        let one = &joined.clusters[*one];
        std::cmp::Reverse(if verbose {
            (one.texts, one.failures)
        } else {
            (one.failures, one.tests)
        })
    });
    for number in order.into_iter().take(20) {
        let one = &joined.clusters[number];
        println!(
            "\n{} {} failures, {} tests, {} texts: {}",
            one.id,
            one.failures,
            one.tests,
            one.texts,
            one.signature.title()
        );
        if verbose {
            let mut members: Vec<&str> = joined
                .of
                .iter()
                .zip(&signatures)
                .filter(|(of, _)| **of == number as u32)
                .map(|(_, s)| s.text())
                .collect();
            members.sort_unstable();
            members.dedup();
            for text in members.iter().take(3) {
                let short: String = text.chars().take(700).collect();
                println!("    | {}", short.replace('\n', "\n    | "));
                println!("    +");
            }
        }
    }
}

/// The same numbers on every machine: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// A text as it may look another time: other digits, and in some lines another word or a line more.
fn again(text: &str, random: &mut Random, words: &[String], change: bool) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    for line in text.lines() {
        for c in line.chars() {
            if c.is_ascii_digit() {
                out.push(char::from(b'0' + random.below(10) as u8));
            } else {
                out.push(c);
            }
        }
        if change && random.below(12) == 0 {
            out.push(' ');
            out.push_str(&words[random.below(words.len() as u64) as usize]);
        }
        out.push('\n');
    }
    out
}

fn scale(args: &[String]) {
    let count: u64 = args[0].parse().unwrap();
    let seeds = failures_below(&args[1..]);
    let mut texts: Vec<Failure> = seeds.into_iter().map(|(.., failure)| failure).collect();
    texts.sort();
    texts.dedup();
    let mut words: Vec<String> = texts
        .iter()
        .flat_map(|one| one.stack.split(|c: char| !c.is_alphabetic()))
        .filter(|word| word.len() > 3)
        .map(str::to_owned)
        .collect();
    words.sort();
    words.dedup();
    let mut random = Random(1);
    let kinds = (count / 40).max(1);
    // a kind of failure is a real text with two words of its own; some come often, most seldom
    let made: Vec<(u32, u32, Failure)> = (0..count)
        .map(|_| {
            let (a, b) = (random.below(kinds), random.below(kinds));
            let kind = a.min(b).min(random.below(kinds));
            let of = &texts[(kind % texts.len() as u64) as usize];
            let mut own = Random(kind);
            let name = format!(
                "{} {}",
                words[own.below(words.len() as u64) as usize],
                words[own.below(words.len() as u64) as usize]
            );
            let change = random.below(3) == 0;
            // half of the messages say it, the others only the stack
            let (said, behind) = if kind.is_multiple_of(2) {
                (format!("{name}: "), String::new())
            } else {
                (String::new(), format!("{name}\n"))
            };
            let failure = Failure {
                kind: of.kind.clone(),
                message: said + &again(&of.message, &mut random, &words, false),
                stack: behind + &again(&of.stack, &mut random, &words, change),
            };
            let test = kind * 8 + random.below(8);
            (test as u32, random.below(1000) as u32, failure)
        })
        .collect();
    let bytes: usize = made
        .iter()
        .map(|(.., one)| one.message.len() + one.stack.len())
        .sum();
    println!(
        "{} failures of {kinds} kinds from {} texts, {:.1} MB",
        made.len(),
        texts.len(),
        bytes as f64 / 1e6
    );
    let before = memory();
    let start = Instant::now();
    let mut clusters = Clusters::default();
    for (test, run, failure) in &made {
        clusters.add(*test, *run, signature(failure));
    }
    let signed = start.elapsed();
    let joined = clusters.join();
    let together = start.elapsed();
    let points: Vec<Occurrence> = made
        .iter()
        .zip(&joined.of)
        .map(|((test, run, _), cluster)| Occurrence {
            cluster: *cluster,
            test: *test,
            run: *run,
        })
        .collect();
    let found = episodes(&points, 1000);
    let all = start.elapsed();
    let mut exact: Vec<u32> = joined.clusters.iter().map(|one| one.texts).collect();
    exact.sort_unstable();
    println!(
        "signatures {:.2} s, {} distinct; clusters {:.2} s, {}; episodes {:.2} s, {}; in all {:.2} s, {} MB more at the most",
        signed.as_secs_f64(),
        exact.iter().sum::<u32>(),
        (together - signed).as_secs_f64(),
        joined.clusters.len(),
        (all - together).as_secs_f64(),
        found.episodes.len(),
        all.as_secs_f64(),
        memory().saturating_sub(before)
    );
    let start = Instant::now();
    let mut same: HashMap<(String, String, String), u32> = HashMap::new();
    for (.., failure) in &made {
        *same
            .entry((
                failure.kind.clone(),
                failure.message.clone(),
                failure.stack.clone(),
            ))
            .or_default() += 1;
    }
    println!(
        "exact match of raw texts: {:.2} s, {} groups",
        start.elapsed().as_secs_f64(),
        same.len()
    );
}

/// The most memory this process had, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}
