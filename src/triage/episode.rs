//! When a cluster's failures happened, and to which tests: one text may have several causes over time.
//!
//! Text alone cannot tell two breakages of one module, two outages, or two tests that flake alike. Time and tests can.
//! The failures of a cluster fall into episodes of three patterns:
//!
//! - *lasting*: a test fails run after run, longer than its own record of this text would ever make it by chance.
//!   Tests whose stretches begin in the same run, or end in the same run and overlap by half, share the episode.
//! - *at once*: in one run more tests fail than their record explains. One run is one episode.
//! - *scattered*: what remains, each test by itself over the whole history: a flake.
//!
//! "By chance" is counted over the whole history: fewer than one such event in a hundred histories ([`CHANCE`]).
//! A test's record is how often it failed with this text elsewhere, with half a failure added (Jeffreys). Runs in
//! which a test failed with another text say nothing and interrupt nothing.
//!
//! Episodes of different texts are not joined, even where they begin and end together: a run may bring several
//! commits, each of which breaks something of its own.

use rustc_hash::{FxHashMap, FxHashSet};

/// The expected number of events by chance, in a whole history, under which something is no chance.
pub const CHANCE: f64 = 0.01;

/// One failure, by the caller's numbers. Runs are numbered from 0 in order of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Occurrence {
    /// Which text.
    pub cluster: u32,
    /// Which test.
    pub test: u32,
    /// In which run.
    pub run: u32,
}

/// How an episode's failures lie.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Pattern {
    /// The same tests in run after run.
    Lasting,
    /// Several tests in one run.
    AtOnce,
    /// One test, now and then or once.
    Scattered,
}

/// Failures of one text that share a cause in time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Episode {
    /// The text's cluster.
    pub cluster: u32,
    /// How its failures lie.
    pub pattern: Pattern,
    /// How many failures.
    pub failures: u32,
    /// The tests, in order.
    pub tests: Vec<u32>,
    /// The first run.
    pub first: u32,
    /// The last run.
    pub last: u32,
}

/// Episodes, and the episode of each failure.
#[derive(Clone, Debug, Default)]
pub struct Episodes {
    /// By cluster, first run and tests.
    pub episodes: Vec<Episode>,
    /// For each occurrence, the number of its episode.
    pub of: Vec<u32>,
}

/// Splits the failures of each cluster into episodes. `runs` is how many runs the history has.
///
/// The order of the occurrences makes no difference. Cost: sorting them; for a cluster a few passes over its failures.
pub fn episodes(occurrences: &[Occurrence], runs: u32) -> Episodes {
    let mut order: Vec<u32> = (0..occurrences.len() as u32).collect();
    order.sort_unstable_by_key(|at| occurrences[*at as usize]);
    let failed: FxHashSet<(u32, u32)> = occurrences.iter().map(|one| (one.test, one.run)).collect();
    let mut of = vec![0; occurrences.len()];
    let mut found: Vec<(Episode, Vec<u32>)> = Vec::new();
    for cluster in
        order.chunk_by(|a, b| occurrences[*a as usize].cluster == occurrences[*b as usize].cluster)
    {
        let mut points: Vec<Occurrence> =
            cluster.iter().map(|at| occurrences[*at as usize]).collect();
        points.dedup();
        let groups = split(&points, runs, &failed);
        let mut members: Vec<Vec<u32>> = Vec::new();
        let mut numbers: FxHashMap<Group, usize> = FxHashMap::default();
        let mut group = groups.iter();
        let mut last = None;
        let mut current = Group::Scattered(0);
        for at in cluster {
            if last.replace(occurrences[*at as usize]) != Some(occurrences[*at as usize]) {
                current = *group.next().unwrap_or(&current);
            }
            let number = *numbers.entry(current).or_insert_with(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[number].push(*at);
        }
        let mut kinds: Vec<(Group, usize)> = numbers.into_iter().collect();
        kinds.sort_unstable_by_key(|(_, number)| *number);
        for ((kind, _), members) in kinds.into_iter().zip(members) {
            found.push((episode(kind, &members, occurrences), members));
        }
    }
    found.sort_by(|(a, _), (b, _)| {
        (a.cluster, a.first, &a.tests, a.last, a.pattern)
            .cmp(&(b.cluster, b.first, &b.tests, b.last, b.pattern))
    });
    let mut episodes = Vec::with_capacity(found.len());
    for (number, (episode, members)) in found.into_iter().enumerate() {
        for at in members {
            of[at as usize] = number as u32;
        }
        episodes.push(episode);
    }
    Episodes { episodes, of }
}

/// What an occurrence belongs to, within its cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
enum Group {
    /// The number of the first of its stretches.
    Lasting(u32),
    /// The run.
    AtOnce(u32),
    /// The test.
    Scattered(u32),
}

fn episode(group: Group, members: &[u32], occurrences: &[Occurrence]) -> Episode {
    let all = || members.iter().map(|at| occurrences[*at as usize]);
    let mut tests: Vec<u32> = all().map(|one| one.test).collect();
    tests.sort_unstable();
    tests.dedup();
    Episode {
        cluster: all().next().map_or(0, |one| one.cluster),
        pattern: match group {
            Group::Lasting(_) => Pattern::Lasting,
            Group::AtOnce(_) => Pattern::AtOnce,
            Group::Scattered(_) => Pattern::Scattered,
        },
        failures: members.len() as u32,
        tests,
        first: all().map(|one| one.run).min().unwrap_or(0),
        last: all().map(|one| one.run).max().unwrap_or(0),
    }
}

/// A test's failures with one text without a pass between them: a range of the points, and of runs.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: usize,
    until: usize,
    first: u32,
    last: u32,
}

/// The group of each point; points are those of one cluster, sorted by test and run, each once.
fn split(points: &[Occurrence], runs: u32, failed: &FxHashSet<(u32, u32)>) -> Vec<Group> {
    let runs = f64::from(runs.max(1));
    let mut groups: Vec<Group> = points
        .iter()
        .map(|one| Group::Scattered(one.test))
        .collect();
    let mut stretches = lasting(points, runs, failed);
    stretches.sort_by_key(|stretch| (stretch.first, stretch.last, stretch.from));
    // the number of the first stretch that each belongs with
    let mut leader: Vec<usize> = (0..stretches.len()).collect();
    for one in 0..stretches.len() {
        let joined = (0..one).find(|other| are_one(&stretches[*other], &stretches[one]));
        leader[one] = joined.map_or(one, |other| leader[other]);
    }
    let mut onsets: FxHashMap<u32, (u32, u32)> = FxHashMap::default();
    for (stretch, leader) in stretches.iter().zip(&leader) {
        groups[stretch.from..stretch.until].fill(Group::Lasting(*leader as u32));
        onsets.entry(stretch.first).or_insert((*leader as u32, 0)).1 += 1;
    }
    at_once(points, runs, &onsets, &mut groups);
    groups
}

fn are_one(a: &Stretch, b: &Stretch) -> bool {
    let overlap = f64::from(a.last.min(b.last) + 1) - f64::from(a.first.max(b.first));
    let shorter = f64::from((a.last - a.first).min(b.last - b.first) + 1);
    overlap > 0.0
        && (a.first == b.first || (a.last == b.last && overlap >= shorter / 2.0 && shorter > 1.0))
}

/// The stretches that no flake of their test explains.
fn lasting(points: &[Occurrence], runs: f64, failed: &FxHashSet<(u32, u32)>) -> Vec<Stretch> {
    let mut found = Vec::new();
    let mut from = 0;
    for of_test in points.chunk_by(|a, b| a.test == b.test) {
        let all = of_test.len() as f64;
        let mut start = 0;
        for at in 1..=of_test.len() {
            let goes_on = at < of_test.len() && {
                let (before, now) = (of_test[at - 1], of_test[at]);
                (before.run + 1..now.run).all(|run| failed.contains(&(now.test, run)))
            };
            if goes_on {
                continue;
            }
            let length = (at - start) as f64;
            let rate = (all - length + 0.5) / (runs - length + 1.0).max(1.0);
            if length > 1.0 && rate < 1.0 && runs * rate.powf(length) < CHANCE {
                found.push(Stretch {
                    from: from + start,
                    until: from + at,
                    first: of_test[start].run,
                    last: of_test[at - 1].run,
                });
            }
            start = at;
        }
        from += of_test.len();
    }
    found
}

/// Finds the runs in which more tests failed than usual; the largest first, since they hide what is usual.
fn at_once(
    points: &[Occurrence],
    runs: f64,
    onsets: &FxHashMap<u32, (u32, u32)>,
    groups: &mut [Group],
) {
    let mut by_run: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
    let mut usual: FxHashMap<u32, u32> = FxHashMap::default();
    let mut left = 0.0;
    for (at, point) in points.iter().enumerate() {
        if matches!(groups[at], Group::Scattered(_)) {
            by_run.entry(point.run).or_default().push(at);
            *usual.entry(point.test).or_default() += 1;
            left += 1.0;
        }
    }
    let mut waiting: Vec<(u32, Vec<usize>)> = by_run.into_iter().collect();
    waiting.sort_by_key(|(run, members)| (std::cmp::Reverse(members.len()), *run));
    let mut found: Vec<(u32, Vec<usize>)> = Vec::new();
    loop {
        let before = waiting.len();
        waiting.retain(|(run, members)| {
            let here = members.len() as f64;
            let with = onsets.get(run).map_or(0, |(_, tests)| *tests);
            let count = members.len() as u32 + with;
            let rate = (left - here / 2.0) / runs;
            let is_chance = count < 2 || runs * at_least(count, rate) >= CHANCE;
            if !is_chance {
                left -= here;
                for at in members {
                    usual
                        .entry(points[*at].test)
                        .and_modify(|times| *times -= 1);
                }
                found.push((*run, members.clone()));
            }
            is_chance
        });
        if waiting.len() == before {
            break;
        }
    }
    for (run, members) in found {
        let flakes = members.iter().filter(|at| {
            usual
                .get(&points[**at].test)
                .is_some_and(|times| *times >= 2)
        });
        // tests that are known to fail like this by themselves need no other cause
        if 2 * flakes.count() >= members.len() {
            continue;
        }
        let group = onsets
            .get(&run)
            .map_or(Group::AtOnce(run), |(leader, _)| Group::Lasting(*leader));
        for at in members {
            groups[at] = group;
        }
    }
}

/// The chance of `count` or more events where `rate` are expected (Poisson).
fn at_least(count: u32, rate: f64) -> f64 {
    if rate >= f64::from(count) {
        return 1.0;
    }
    let mut term = (-rate).exp();
    for n in 1..=count {
        term *= rate / f64::from(n);
    }
    let (mut sum, mut n) = (0.0, count);
    while term > sum * 1e-12 && term > 0.0 {
        sum += term;
        n += 1;
        term *= rate / f64::from(n);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A row a test, a column a run: `F` failed with the text, `o` with another, `.` passed. Letters of the answer name
    /// the episodes.
    fn check(rows: &[&str], expected: &[&str]) {
        let mut occurrences = Vec::new();
        for (test, row) in rows.iter().enumerate() {
            for (run, c) in row.bytes().enumerate() {
                let cluster = match c {
                    b'F' => 0,
                    b'o' => 1,
                    _ => continue,
                };
                occurrences.push(Occurrence {
                    cluster,
                    test: test as u32,
                    run: run as u32,
                });
            }
        }
        let found = episodes(&occurrences, 100);
        let mut shown: Vec<Vec<u8>> = rows
            .iter()
            .map(|row| {
                row.bytes()
                    .map(|c| if c == b'F' { b'?' } else { c })
                    .collect()
            })
            .collect();
        for (one, episode) in occurrences.iter().zip(&found.of) {
            if one.cluster == 0 {
                shown[one.test as usize][one.run as usize] = b'A' + *episode as u8;
            }
        }
        let shown: Vec<String> = shown
            .into_iter()
            .map(|row| String::from_utf8(row).unwrap())
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn two_breakages_of_one_text_are_two() {
        check(
            &[
                ".FFFFF.........FFFFF",
                ".FFFFF..............",
                "..............FFFFF.",
            ],
            &[
                ".AAAAA.........CCCCC",
                ".AAAAA..............",
                "..............BBBBB.",
            ],
        );
        check(
            &["...FFFFF..", "...FFFF...", ".....FFF.."],
            &["...AAAAA..", "...AAAA...", ".....AAA.."],
        );
    }

    #[test]
    fn a_run_that_hits_many_tests_is_one() {
        check(
            &["..F......F.", "..F........", "..F......F.", ".........F."],
            &["..A......B.", "..A........", "..A......B.", ".........B."],
        );
    }

    #[test]
    fn tests_that_flake_alike_are_each_their_own() {
        check(
            &["F...F..FF.....F..F...F", "..F.F.....F....F...F.."],
            &["A...A..AA.....A..A...A", "..B.B.....B....B...B.."],
        );
    }

    #[test]
    fn another_failure_interrupts_nothing() {
        check(&["FFoFF"], &["AAoAA"]);
        check(&["FF....F.F...F"], &["AA....A.A...A"]);
    }

    #[test]
    fn one_run_breaks_some_tests_for_long_and_some_for_short() {
        check(
            &["..FFFFF", "..FFFFF", "..F...."],
            &["..AAAAA", "..AAAAA", "..A...."],
        );
    }

    #[test]
    fn tails_are_those_of_poisson() {
        assert!((at_least(1, 0.5) - (1.0 - (-0.5_f64).exp())).abs() < 1e-12);
        assert!((at_least(3, 2.0) - 0.323_323_583_816_936_5).abs() < 1e-9);
        assert_eq!(at_least(2, 3.0), 1.0);
        assert_eq!(at_least(2, 0.0), 0.0);
    }

    proptest! {
        #[test]
        fn every_failure_is_in_one_episode_of_its_cluster(points in prop::collection::vec((0..3u32, 0..6u32, 0..20u32), 0..80)) {
            let all: Vec<Occurrence> = points.iter().map(|(cluster, test, run)| Occurrence { cluster: *cluster, test: *test, run: *run }).collect();
            let found = episodes(&all, 20);
            prop_assert_eq!(found.of.len(), all.len());
            prop_assert_eq!(found.episodes.iter().map(|one| one.failures as usize).sum::<usize>(), all.len());
            for (one, number) in all.iter().zip(&found.of) {
                let episode = &found.episodes[*number as usize];
                prop_assert!(episode.cluster == one.cluster && episode.tests.contains(&one.test));
                prop_assert!((episode.first..=episode.last).contains(&one.run));
            }
            let mut reversed = all.clone();
            reversed.reverse();
            prop_assert_eq!(found.episodes, episodes(&reversed, 20).episodes);
        }
    }
}
