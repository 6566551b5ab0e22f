//! What failures say: how well each cause explains the message of a failure.
//!
//! A message is known by the number of its signature. Each cause draws it from a mixture of sources: what the test said before
//! for the same cause, or for any; what it said at the result before; what other tests say in the same part for the same cause; what the
//! project's tests say for the same cause, or for any; or something never heard. What was never heard is told by its *shape*, the
//! message without names and values, in the same way (a backoff, as in models of language: Katz 1987). How much each cause draws from each source is
//! fitted to the project by EM (Dempster, Laird and Rubin 1977), with stated defaults that count as [`PSEUDO`] failures. So a project whose every
//! failure says the same learns that messages tell nothing, and one whose broken tests name their cause learns that.
//!
//! "Before" is in the order of results, and "in the same part" in the order of series, so that the chances of messages multiply as
//! those of a sequence: of a hundred tests that say the same in one part, one has to come up with it.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::infer::{Cause, Step};

/// What failures say.
pub trait Says: Sync {
    /// The number of the signature of what a test (by the number of its series) said when it failed in a part; `None` where
    /// nothing is known. Equal numbers are equal signatures, of any test.
    fn said(&self, series: u32, part: u32) -> Option<u32>;

    /// The number of the shape of a signature: equal for messages that differ in names and values only.
    fn shape(&self, signature: u32) -> u32;
}

/// How well each cause explains what a failure said, up to a common factor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Saying {
    /// A failure without cause.
    pub flake: f64,
    /// An outage.
    pub outage: f64,
    /// A breakage that is new.
    pub new: f64,
    /// A breakage that was there at the result before.
    pub still: f64,
}

impl Default for Saying {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            flake: 1.0,
            outage: 1.0,
            new: 1.0,
            still: 1.0,
        }
    }
}

const CAUSES: usize = 4;
const SOURCES: usize = 7;
type Shares = [f64; SOURCES];
/// Of each cause, the chance of one message from each source.
type Sources = [Shares; CAUSES];
/// How much each cause draws from each source.
pub(super) type AllShares = [Shares; CAUSES];

/// For each cause (flake, outage, new breakage, old breakage), how much it draws from: the test's own words for the same
/// cause; for any cause; at the result before; other tests in the part; the project's words for the same cause; for any;
/// nothing heard before. An outage hardly says what broken tests say. Cautious where a real breakage may say what a flake of the same test said.
const DEFAULT: [Shares; CAUSES] = [
    [0.30, 0.15, 0.05, 0.05, 0.10, 0.10, 0.25],
    [0.02, 0.03, 0.03, 0.50, 0.20, 0.02, 0.20],
    [0.03, 0.15, 0.02, 0.20, 0.05, 0.20, 0.35],
    [0.15, 0.10, 0.55, 0.03, 0.02, 0.05, 0.10],
];
/// For how many failures of each cause the defaults count.
const PSEUDO: f64 = 10.0;
/// The chance of one message among those never heard. Only its size against shares of known ones matters.
const UNHEARD: f64 = 1e-3;
/// Steps of EM in each round of the fit.
const STEPS: usize = 3;

/// One failed result of a test.
#[derive(Clone, Copy, Debug)]
struct Word {
    part: u32,
    signature: u32,
    /// The failure at the result before on the same line, by its place among the test's failures.
    before: Option<u32>,
}

/// What all failures of a past say: the messages, and their shapes.
#[derive(Debug)]
pub(super) struct Sayings {
    messages: Level,
    shapes: Level,
}

impl Sayings {
    /// What is said at the failed steps of each series, given as (number of the series, its steps).
    pub(super) fn new(says: &dyn Says, series: impl Iterator<Item = (u32, Vec<Step>)>) -> Self {
        let mut sayings = Self {
            messages: Level::default(),
            shapes: Level::default(),
        };
        for (number, steps) in series {
            let message = |part| says.said(number, part);
            sayings.messages.add(&message, &steps);
            let shape = |part| Some(says.shape(message(part)?));
            sayings.shapes.add(&shape, &steps);
        }
        sayings
    }

    /// Fits the shares to the causes as they are believed now, and says how well each cause explains each failure; in the order
    /// of series and failures. Until the causes are settled, tests of one part that say the same are alike whatever the cause:
    /// else the first guess would confirm itself.
    ///
    /// Cost: O(failures), some eighty operations each.
    pub(super) fn weigh<'c>(
        &mut self,
        causes: impl Iterator<Item = &'c [Cause]>,
        settled: bool,
    ) -> Vec<Vec<Saying>> {
        let weights = causes.map(|causes| causes.iter().map(weights).collect());
        let weights: Vec<Vec<Weights>> = weights.collect();
        let shapes = self.shapes.weigh(&weights, settled, None);
        let messages = self.messages.weigh(&weights, settled, Some(&shapes));
        messages.into_iter().map(sayings).collect()
    }

    /// What was fitted.
    pub(super) fn shares(&self) -> [AllShares; 2] {
        [self.messages.shares, self.shapes.shares]
    }
}

/// What a project said in its first parts, taken as it is, and what some of its tests say.
#[derive(Debug)]
pub(super) struct Before {
    sayings: Sayings,
    messages: Project,
    shapes: Project,
    until: u32,
}

impl Before {
    /// `failures`: of all tests before part `until`, as (number of the series, part, weights of causes); `shares` as they were fitted
    /// to these. `series`: the tests that are asked, rising, as [`Sayings::new`] takes them.
    pub(super) fn new(
        says: &dyn Says,
        shares: [AllShares; 2],
        failures: &[(u32, u32, Weights)],
        until: u32,
        series: impl Iterator<Item = (u32, Vec<Step>)>,
    ) -> Self {
        let mut sayings = Sayings::new(says, series);
        [sayings.messages.shares, sayings.shapes.shares] = shares;
        let event = |(series, part, weights): &(u32, u32, Weights)| {
            Some((*part, says.said(*series, *part)?, *weights))
        };
        let events: Vec<(u32, u32, Weights)> = failures.iter().filter_map(event).collect();
        let shape = |(part, signature, weights)| (part, says.shape(signature), weights);
        let (messages, shapes) = rayon::join(
            || Project::of(events.iter().copied()),
            || Project::of(events.iter().copied().map(shape)),
        );
        Self {
            sayings,
            messages,
            shapes,
            until,
        }
    }

    /// How well each cause explains each failure of the tests that are asked, for these weights of its causes. Only what is said of
    /// parts from `until` on is of use: other tests are beside them there only if they are asked, too.
    pub(super) fn weigh(&self, weights: &[Vec<Weights>], settled: bool) -> Vec<Vec<Saying>> {
        let explain = |level: &Level, project: &Project, unheard: Option<&Explained>| {
            level.explained(&level.all_sources(weights, project, self.until, settled, unheard))
        };
        let shapes = explain(&self.sayings.shapes, &self.shapes, None);
        let messages = explain(&self.sayings.messages, &self.messages, Some(&shapes));
        messages.into_iter().map(sayings).collect()
    }
}

/// As the model of one test takes it.
fn sayings(failures: Vec<Option<Weights>>) -> Vec<Saying> {
    let saying = |chances: Option<Weights>| {
        chances.map_or_else(Saying::default, |[flake, outage, new, still]| Saying {
            flake,
            outage,
            new,
            still,
        })
    };
    failures.into_iter().map(saying).collect()
}

/// For each series and each of its failures, how well each cause explains what it says; the best has 1.
type Explained = Vec<Vec<Option<Weights>>>;

/// What failures say in one way of looking at it.
#[derive(Debug)]
struct Level {
    /// For each failing series, for each of its failures in order; `None` where nothing is known.
    words: Vec<Vec<Option<Word>>>,
    shares: [Shares; CAUSES],
}

impl Default for Level {
    fn default() -> Self {
        Self {
            words: Vec::new(),
            shares: DEFAULT,
        }
    }
}

impl Level {
    /// Takes in the next series.
    fn add(&mut self, says: &dyn Fn(u32) -> Option<u32>, steps: &[Step]) {
        let mut last: FxHashMap<u32, Option<u32>> = FxHashMap::default();
        let mut words = Vec::new();
        for step in steps {
            let before = last.get(&step.line).copied().flatten();
            let failed = step.outcome.is_bad().then_some(words.len() as u32);
            last.insert(step.line, failed);
            if failed.is_none() {
                continue;
            }
            let said = says(step.part);
            words.push(said.map(|signature| Word {
                part: step.part,
                signature,
                before,
            }));
        }
        self.words.push(words);
    }

    /// Fits the shares, and says how well each cause explains each failure: what was never heard as well as `unheard` says.
    fn weigh(
        &mut self,
        weights: &[Vec<Weights>],
        settled: bool,
        unheard: Option<&Explained>,
    ) -> Explained {
        let words = self.words.iter().zip(weights);
        let words = words.flat_map(|(words, weights)| words.iter().zip(weights));
        let event = |(word, weights): (&Option<Word>, &Weights)| {
            let word = (*word)?;
            Some((word.part, word.signature, *weights))
        };
        let project = Project::of(words.filter_map(event));
        let sources = self.all_sources(weights, &project, u32::MAX, settled, unheard);
        for _ in 0..STEPS {
            let mut sums = DEFAULT.map(|row| row.map(|share| share * PSEUDO));
            for (sources, weights) in sources.iter().zip(weights) {
                for (source, weights) in sources.iter().zip(weights) {
                    let Some(source) = source else { continue };
                    for (at, weight) in weights.iter().enumerate() {
                        let (chances, all) = mix(&self.shares[at], &source[at]);
                        for (sum, chance) in sums[at].iter_mut().zip(chances) {
                            *sum += weight * chance / all;
                        }
                    }
                }
            }
            self.shares = sums.map(|row| {
                let total: f64 = row.iter().sum();
                row.map(|sum| sum / total)
            });
        }
        self.explained(&sources)
    }

    /// For each series and each of its failures, see [`Level::sources`].
    fn all_sources(
        &self,
        weights: &[Vec<Weights>],
        project: &Project,
        until: u32,
        settled: bool,
        unheard: Option<&Explained>,
    ) -> Vec<Vec<Option<Sources>>> {
        let mut parts: FxHashMap<u32, Said> = FxHashMap::default();
        let series = self.words.iter().zip(weights).enumerate();
        let sources = series.map(|(at, (words, weights))| {
            let unheard = unheard.map(|unheard| unheard[at].as_slice());
            self.sources(words, weights, project, until, &mut parts, settled, unheard)
        });
        sources.collect()
    }

    fn explained(&self, sources: &[Vec<Option<Sources>>]) -> Explained {
        let explained = |source: &Option<Sources>| {
            source.map(|source| {
                let chances: Weights =
                    std::array::from_fn(|at| mix(&self.shares[at], &source[at]).1);
                let most = chances.iter().copied().fold(0.0, f64::max);
                chances.map(|chance| chance / most)
            })
        };
        sources
            .iter()
            .map(|failures| failures.iter().map(explained).collect())
            .collect()
    }

    /// For each failure of one test, for each cause, the chance of its message from each source. A source that has nothing yet
    /// gives its share back to what was never heard, as far as it has nothing. `parts` holds what the tests before this one said
    /// in each part. What was said from part `until` on is no part of the project's words.
    #[expect(clippy::too_many_arguments, reason = "all that a source may be")]
    fn sources(
        &self,
        words: &[Option<Word>],
        causes: &[Weights],
        project: &Project,
        until: u32,
        parts: &mut FxHashMap<u32, Said>,
        settled: bool,
        unheard: Option<&[Option<Weights>]>,
    ) -> Vec<Option<Sources>> {
        // The test's own part in the events: what it said itself has sources of its own.
        let mut own = Said::default();
        for word in words.iter().flatten().filter(|word| word.part < until) {
            if let Some((weights, count)) = project.events.get(&(word.part, word.signature)) {
                own.add(word.signature, &weights.map(|weight| weight / count));
            }
        }
        let mut so_far = Said::default();
        let mut found = Vec::with_capacity(words.len());
        for (failure, (word, weights)) in words.iter().zip(causes).enumerate() {
            let Some(word) = word else {
                found.push(None);
                continue;
            };
            let signature = word.signature;
            let said = so_far.of(signature);
            // Other tests, in other parts: what is said in this part has a source of its own, and must not confirm itself.
            let here = project.parts.get(&word.part);
            let (here, here_all) =
                here.map_or_else(Default::default, |here| (here.of(signature), here.totals));
            let (all, owned) = (project.all.of(signature), own.of(signature));
            let others: Weights =
                std::array::from_fn(|at| (all[at] - owned[at] - here[at]).max(0.0));
            let other_totals: Weights = std::array::from_fn(|at| {
                (project.all.totals[at] - own.totals[at] - here_all[at]).max(others[at])
            });
            let before = word
                .before
                .and_then(|before| words[before as usize])
                .map(|before| f64::from(u8::from(before.signature == signature)));
            let beside = parts.entry(word.part).or_default();
            let besides = beside.totals;
            let unheard = unheard.and_then(|unheard| unheard[failure]);
            found.push(Some(std::array::from_fn(|at| {
                let new = UNHEARD * unheard.map_or(1.0, |unheard| unheard[at]);
                let share = |part: f64, all: f64| (part + new) / (all + 1.0);
                [
                    share(said[at], so_far.totals[at]),
                    share(said.iter().sum(), so_far.totals.iter().sum()),
                    before.unwrap_or(new),
                    share(beside.of(signature)[at], besides[at]),
                    share(others[at], other_totals[at]),
                    share(others.iter().sum(), other_totals.iter().sum()),
                    new,
                ]
            })));
            beside.add(signature, if settled { weights } else { &[1.0; CAUSES] });
            so_far.add(signature, weights);
        }
        found
    }
}

/// A weight for each cause: flake, outage, new breakage, old breakage.
pub(super) type Weights = [f64; CAUSES];

/// What was said how often for each cause.
#[derive(Debug, Default)]
struct Said {
    by_signature: FxHashMap<u32, Weights>,
    totals: Weights,
}

impl Said {
    fn add(&mut self, signature: u32, weights: &Weights) {
        let entry = self.by_signature.entry(signature).or_default();
        for (at, weight) in weights.iter().enumerate() {
            entry[at] += weight;
            self.totals[at] += weight;
        }
    }

    fn of(&self, signature: u32) -> Weights {
        self.by_signature
            .get(&signature)
            .copied()
            .unwrap_or_default()
    }
}

/// What all tests of a project said: in all parts, and in each.
#[derive(Debug, Default)]
struct Project {
    /// By part and signature: the mean weights of its failures, and how many these are.
    events: FxHashMap<(u32, u32), (Weights, f64)>,
    all: Said,
    parts: FxHashMap<u32, Said>,
}

impl Project {
    /// What was said in each part, and by how many: failures of one part that say the same are one event, whatever their number.
    /// Failures are given as (part, signature, weights of causes).
    fn of(failures: impl Iterator<Item = (u32, u32, Weights)>) -> Self {
        let mut project = Self::default();
        for (part, signature, weights) in failures {
            let (sums, count) = project.events.entry((part, signature)).or_default();
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += weight;
            }
            *count += 1.0;
        }
        for ((part, signature), (sums, count)) in &mut project.events {
            for sum in sums.iter_mut() {
                *sum /= *count;
            }
            project.all.add(*signature, sums);
            project
                .parts
                .entry(*part)
                .or_default()
                .add(*signature, sums);
        }
        project
    }
}

fn mix(shares: &Shares, chances: &Shares) -> (Shares, f64) {
    let parts: Shares = std::array::from_fn(|at| shares[at] * chances[at]);
    let all = parts.iter().sum();
    (parts, all)
}

pub(super) fn weights(cause: &Cause) -> Weights {
    [
        cause.flake,
        cause.outage,
        cause.broke,
        (cause.broken - cause.broke).max(0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::replay::testing::{parts, series};
    use super::super::{Failing, Past, assess};
    use super::*;
    use crate::model::Series;

    /// Signatures 10 and more are of breakages and share a shape; 1 is an outage's.
    struct Told(FxHashMap<(u32, u32), u32>);

    impl Says for Told {
        fn said(&self, series: u32, part: u32) -> Option<u32> {
            self.0.get(&(series, part)).copied()
        }

        fn shape(&self, signature: u32) -> u32 {
            signature.min(10)
        }
    }

    const RUNS: usize = 40;
    const TESTS: u32 = 24;

    /// Four tests break one after the other, each in words of its own; three outages fail half of the tests. In the last run, an
    /// outage too, test 23 says `last`.
    fn failing(last: u32) -> Failing {
        let mut bad: FxHashMap<(u32, u32), u32> = FxHashMap::default();
        for (test, part) in [(0, 6), (1, 12), (2, 18), (3, 24)] {
            bad.insert((test, part), 10 + test);
            bad.insert((test, part + 1), 10 + test);
        }
        for part in [9, 21, 30, RUNS as u32 - 1] {
            bad.extend((4..16).map(|test| ((test, part), 1)));
        }
        bad.insert((TESTS - 1, RUNS as u32 - 1), last);
        let line = |test: u32| -> Series {
            let outcome = |part| match bad.contains_key(&(test, part)) {
                true => 'F',
                false => 'P',
            };
            let line: String = (0..RUNS as u32).map(outcome).collect();
            series(&format!("test_{test}"), &line)
        };
        let parts = parts(RUNS, 1, TESTS);
        let all: Vec<Series> = (0..TESTS).map(line).collect();
        let told = Told(bad);
        let past = Past {
            parts: &parts,
            says: Some(&told),
            ..Past::default()
        };
        assess(&past, all).tests[TESTS as usize - 1].failures[0]
    }

    #[test]
    fn in_an_outage_a_test_that_says_what_the_others_say_was_hit_by_it() {
        assert!(failing(1).outage.get() > 0.95, "{:?}", failing(1));
    }

    #[test]
    fn in_an_outage_a_new_message_of_the_shape_of_breakages_is_suspected() {
        let (known, unknown) = (failing(99).regression.get(), failing(7).regression.get());
        assert!(known > 0.3 && known > 3.0 * unknown, "{known}, {unknown}");
    }
}
