//! Culprits of simulated histories, named on the day: from the results up to the first failure of a breakage, and one and
//! two runs later.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tia::flaky::{Assessment, Past, assess};
use tia::model::Series;
use tia::triage::culprit::past::{self, Leg};
use tia::triage::culprit::prior::Traits;

use super::fleet::{self, Fleet};

#[derive(Deserialize)]
struct Truth {
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    run: u32,
    test: String,
    cause: String,
    commit: Option<String>,
}

/// What the repository's commits changed, and how far that is from each test.
struct Commits {
    order: Vec<String>,
    /// For each commit, the modules that it changed, and how many files.
    changed: Vec<(Vec<String>, u32)>,
    /// For each test, how many imports away each module is.
    distance: Vec<HashMap<String, u32>>,
}

impl Commits {
    fn of(dir: &Path, fleet: &Fleet) -> Self {
        let mut imports: HashMap<String, Vec<String>> = HashMap::new();
        let lines = fleet::git(
            dir,
            &["grep", "-e", "^from app import", "HEAD", "--", "app"],
        );
        for line in lines.lines() {
            let (place, import) = line.split_once(".py:").unwrap();
            let module = place.rsplit('/').next().unwrap().to_owned();
            let imported = import.rsplit(' ').next().unwrap().to_owned();
            imports.entry(module).or_default().push(imported);
        }
        let distance = fleet.names.iter().map(|name| {
            let mut near: HashMap<String, u32> = HashMap::new();
            let mut frontier = fleet.truth.tests[name].modules.clone();
            let mut links = 2;
            while !frontier.is_empty() {
                frontier.retain(|module| !near.contains_key(module));
                near.extend(frontier.iter().map(|module| (module.clone(), links)));
                let next = frontier.iter().flat_map(|module| imports.get(module));
                frontier = next.flatten().cloned().collect();
                links += 1;
            }
            near
        });
        let distance = distance.collect();
        let (mut order, mut changed) = (Vec::new(), Vec::new());
        let log = ["log", "--reverse", "--name-only", "--format=commit %H"];
        for line in fleet::git(dir, &log).lines() {
            if let Some(commit) = line.strip_prefix("commit ") {
                order.push(commit.to_owned());
                changed.push((Vec::new(), 0));
            } else if !line.is_empty() {
                let last: &mut (Vec<String>, u32) = changed.last_mut().unwrap();
                last.1 += 1;
                let module = line
                    .strip_prefix("app/")
                    .and_then(|file| file.strip_suffix(".py"));
                last.0.extend(module.map(str::to_owned));
            }
        }
        Self {
            order,
            changed,
            distance,
        }
    }

    fn near(&self, commit: usize, test: usize) -> Option<u32> {
        let changed = self.changed[commit].0.iter();
        changed
            .filter_map(|module| self.distance[test].get(module).copied())
            .min()
    }

    fn traits(&self, commit: usize, test: usize, others: &[usize]) -> Traits {
        let distance = self.near(commit, test);
        Traits {
            reaches: Some(distance.is_some()),
            distance,
            files: self.changed[commit].1,
            others: others
                .iter()
                .map(|other| Some(self.near(commit, *other).is_some()))
                .collect(),
        }
    }
}

/// Where the culprit came out.
#[derive(Clone, Copy, Default)]
struct Ranks {
    asked: u32,
    /// First, and likelier than "no culprit".
    named: u32,
    first: u32,
    third: u32,
    /// Named with at least 95 %, and of those right.
    sure: (u32, u32),
    /// The stretch of results does not hold the culprit.
    outside: u32,
}

/// Scores all directories, a row for each parent.
pub(crate) fn score(dirs: &[PathBuf], verbose: bool) {
    let mut groups: BTreeMap<PathBuf, Vec<&PathBuf>> = BTreeMap::new();
    for dir in dirs {
        groups
            .entry(dir.parent().unwrap().to_owned())
            .or_default()
            .push(dir);
    }
    for (group, dirs) in groups {
        let mut ranks = [Ranks::default(); 3];
        for dir in &dirs {
            one(dir, &mut ranks, verbose);
        }
        println!("\n{} ({} seeds)", group.display(), dirs.len());
        for (later, ranks) in ranks.iter().enumerate() {
            let share = |n: u32| 100.0 * f64::from(n) / f64::from(ranks.asked.max(1));
            println!(
                "  {} of {} broken tests: culprit named {:.1} %, first {:.1} %, among three {:.1} %; above 95 %: {} of {} right; outside {}",
                match later {
                    0 => "at the first failure".to_owned(),
                    n => format!("{n} runs later"),
                },
                ranks.asked,
                share(ranks.named),
                share(ranks.first),
                share(ranks.third),
                ranks.sure.1,
                ranks.sure.0,
                ranks.outside
            );
        }
    }
}

fn one(dir: &Path, ranks: &mut [Ranks; 3], verbose: bool) {
    let fleet = fleet::read(dir);
    let commits = Commits::of(dir, &fleet);
    let text = std::fs::read(dir.join("truth.json")).unwrap();
    let truth: Truth = serde_json::from_slice(&text).unwrap();
    let number: HashMap<&str, usize> = fleet
        .names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), n))
        .collect();
    // the first failure of each test in each breakage
    let mut first: BTreeMap<u32, Vec<(usize, String)>> = BTreeMap::new();
    let mut known = HashSet::new();
    for failure in truth
        .failures
        .iter()
        .filter(|failure| failure.cause == "regression")
    {
        let commit = failure.commit.clone().unwrap();
        if known.insert((failure.test.clone(), commit.clone())) {
            let test = number[failure.test.as_str()];
            first
                .entry(failure.run - 1)
                .or_default()
                .push((test, commit));
        }
    }
    for (part, broken) in first {
        for (later, ranks) in ranks.iter_mut().enumerate() {
            let count = part as usize + 1 + later;
            if count > fleet.parts.len() {
                continue;
            }
            let series: Vec<Series> = fleet
                .series
                .iter()
                .map(|series| cut(series, count))
                .collect();
            let past = Past {
                parts: &fleet.parts[..count],
                reaches: Some(&fleet.graph),
                says: Some(&fleet.said),
                ..Past::default()
            };
            let assessment = assess(&past, series.clone());
            for (test, commit) in &broken {
                let found = rank(&fleet, &commits, &series, &assessment, *test, part, count);
                ranks.asked += 1;
                let Some((ranked, none)) = found else {
                    ranks.outside += 1;
                    continue;
                };
                let place = ranked.iter().position(|(other, _)| other == commit);
                ranks.outside += u32::from(place.is_none());
                ranks.first += u32::from(place == Some(0));
                ranks.named += u32::from(place == Some(0) && ranked[0].1 > none);
                ranks.third += u32::from(place.is_some_and(|place| place < 3));
                if ranked[0].1 >= 0.95 {
                    ranks.sure.0 += 1;
                    ranks.sure.1 += u32::from(place == Some(0));
                }
                if verbose && !(place == Some(0) && ranked[0].1 > none) {
                    let top: Vec<String> = ranked
                        .iter()
                        .take(4)
                        .map(|(_, p)| format!("{p:.3}"))
                        .collect();
                    let character = &fleet.truth.tests[&fleet.names[*test]];
                    println!(
                        "   {} run {} +{later} {} {} {:.3}: place {place:?}, none {none:.3}, {}",
                        dir.display(),
                        part + 1,
                        fleet.names[*test],
                        character.kind,
                        character.rate,
                        top.join(" ")
                    );
                }
            }
        }
    }
}

fn cut(series: &Series, count: usize) -> Series {
    let seen = series
        .seen
        .iter()
        .filter(|seen| (seen.part as usize) < count);
    Series {
        test: series.test.clone(),
        variant: series.variant.clone(),
        seen: seen.copied().collect(),
    }
}

/// The suspects, likeliest first, and the chance of none.
fn rank(
    fleet: &Fleet,
    commits: &Commits,
    series: &[Series],
    assessment: &Assessment,
    test: usize,
    part: u32,
    count: usize,
) -> Option<(Vec<(String, f64)>, f64)> {
    let (series, standing) = (&series[test], &assessment.tests[test]);
    let stretch = past::stretch(&fleet.parts[..count], series, standing, part)?;
    let mut before = fleet.at[&stretch.good.as_ref()?.commit];
    let (mut legs, mut suspects) = (Vec::new(), Vec::new());
    for stage in &stretch.stages {
        let end = fleet.at[&stage.commit];
        // others that probably broke in the same run
        let broke = |other: &usize| {
            let failures = &assessment.tests[*other].failures;
            *other != test
                && failures
                    .iter()
                    .any(|one| stage.parts.contains(&one.part) && one.broke_here.get() > 0.5)
        };
        let others: Vec<usize> = (0..assessment.tests.len()).filter(broke).collect();
        let traits = (before + 1..=end).map(|commit| commits.traits(commit, test, &others));
        legs.push(Leg {
            commits: traits.collect(),
        });
        suspects.extend(before + 1..=end);
        before = end;
    }
    let behaviour = past::behaviour(&stretch, series, standing, assessment.flaky_share);
    let search = past::search(&stretch, &legs, series, assessment, true, behaviour);
    let belief = search.belief();
    let named = belief.ranked().into_iter();
    let named = named.map(|(at, p)| (commits.order[suspects[at as usize - 1]].clone(), p));
    Some((named.collect(), belief.none))
}
