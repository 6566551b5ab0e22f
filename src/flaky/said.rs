//! What failures say: how well each cause explains the message of a failure.
//!
//! A message is known by the number of its signature. Each cause draws it from a mixture of sources: what the test said before
//! for the same cause, or for any; what it said at the result before; what other tests say in the same part; what the
//! project's tests say for the same cause, or for any; or something never heard. How much each cause draws from each source is
//! fitted to the project by EM (Dempster, Laird and Rubin 1977), with stated defaults that count as [`PSEUDO`] failures. So a project whose every
//! failure says the same learns that messages tell nothing, and one whose broken tests name their cause learns that.
//!
//! "Before" is in the order of results, and "in the same part" in the order of series, so that the chances of messages multiply as
//! those of a sequence: of a hundred tests that say the same in one part, one has to come up with it.

use rustc_hash::FxHashMap;

use super::infer::{Cause, Step};

/// What failures say.
pub trait Says: Sync {
    /// The number of the signature of what a test (by the number of its series) said when it failed in a part; `None` where
    /// nothing is known. Equal numbers are equal signatures, of any test.
    fn said(&self, series: u32, part: u32) -> Option<u32>;
}

/// How well each cause explains what a failure said, up to a common factor.
#[derive(Clone, Copy, Debug, PartialEq)]
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

/// For each cause (flake, outage, new breakage, old breakage), how much it draws from: the test's own words for the same
/// cause; for any cause; at the result before; other tests in the part; the project's words for the same cause; for any;
/// nothing heard before. Cautious where a real breakage may say what a flake of the same test said.
const DEFAULT: [Shares; CAUSES] = [
    [0.30, 0.15, 0.05, 0.05, 0.10, 0.10, 0.25],
    [0.02, 0.05, 0.05, 0.45, 0.15, 0.08, 0.20],
    [0.03, 0.15, 0.02, 0.20, 0.05, 0.20, 0.35],
    [0.15, 0.10, 0.55, 0.03, 0.02, 0.05, 0.10],
];
/// For how many failures of each cause the defaults count.
const PSEUDO: f64 = 20.0;
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
    /// Of the part, by the order of series: failures before this one that say the same, and all before this one.
    beside: (u32, u32),
}

/// What all failures of a past say.
#[derive(Debug)]
pub(super) struct Sayings {
    /// For each failing series, for each of its failures in order; `None` where nothing is known.
    words: Vec<Vec<Option<Word>>>,
    shares: [Shares; CAUSES],
}

impl Sayings {
    /// What is said at the failed steps of each series, given as (number of the series, its steps).
    pub(super) fn new(says: &dyn Says, series: impl Iterator<Item = (u32, Vec<Step>)>) -> Self {
        let mut beside: FxHashMap<u32, (FxHashMap<u32, u32>, u32)> = FxHashMap::default();
        let words = series
            .map(|(number, steps)| {
                let mut last: FxHashMap<u32, Option<u32>> = FxHashMap::default();
                let mut words = Vec::new();
                for step in &steps {
                    let before = last.get(&step.line).copied().flatten();
                    let failed = step.outcome.is_bad().then_some(words.len() as u32);
                    last.insert(step.line, failed);
                    if failed.is_none() {
                        continue;
                    }
                    let said = says.said(number, step.part);
                    words.push(said.map(|signature| {
                        let (counts, all) = beside.entry(step.part).or_default();
                        let same = counts.entry(signature).or_default();
                        let word = Word {
                            part: step.part,
                            signature,
                            before,
                            beside: (*same, *all),
                        };
                        *same += 1;
                        *all += 1;
                        word
                    }));
                }
                words
            })
            .collect();
        Self {
            words,
            shares: DEFAULT,
        }
    }

    /// Fits the shares to the causes as they are believed now, and says how well each cause explains each failure; in the order
    /// of series and failures.
    ///
    /// Cost: O(failures), some forty operations each.
    pub(super) fn weigh<'c>(
        &mut self,
        causes: impl Iterator<Item = &'c [Cause]> + Clone,
    ) -> Vec<Vec<Saying>> {
        let project = self.project(causes.clone());
        let sources: Vec<Vec<Option<[Shares; CAUSES]>>> = self
            .words
            .iter()
            .zip(causes.clone())
            .map(|(words, causes)| self.sources(words, causes, &project))
            .collect();
        for _ in 0..STEPS {
            let mut sums = DEFAULT.map(|row| row.map(|share| share * PSEUDO));
            for (sources, causes) in sources.iter().zip(causes.clone()) {
                for (source, cause) in sources.iter().zip(causes) {
                    let Some(source) = source else { continue };
                    for (at, weight) in weights(cause).into_iter().enumerate() {
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
        let saying = |source: &Option<[Shares; CAUSES]>| {
            source.map_or_else(Saying::default, |source| {
                let [flake, outage, new, still] =
                    std::array::from_fn(|at| mix(&self.shares[at], &source[at]).1);
                let most = flake.max(outage).max(new).max(still);
                Saying {
                    flake: flake / most,
                    outage: outage / most,
                    new: new / most,
                    still: still / most,
                }
            })
        };
        sources
            .iter()
            .map(|failures| failures.iter().map(saying).collect())
            .collect()
    }

    /// What was said in each part, and by how many: failures of one part that say the same are one event, whatever their number.
    fn project<'c>(&self, causes: impl Iterator<Item = &'c [Cause]>) -> Project {
        let mut project = Project::default();
        for (words, causes) in self.words.iter().zip(causes) {
            for (word, cause) in words.iter().zip(causes) {
                if let Some(word) = word {
                    let event = project.events.entry((word.part, word.signature));
                    let (sums, count) = event.or_default();
                    for (sum, weight) in sums.iter_mut().zip(weights(cause)) {
                        *sum += weight;
                    }
                    *count += 1.0;
                }
            }
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

    /// For each failure of one test, for each cause, the chance of its message from each source. A source that has nothing yet
    /// gives its share back to [`UNHEARD`], as far as it has nothing.
    fn sources(
        &self,
        words: &[Option<Word>],
        causes: &[Cause],
        project: &Project,
    ) -> Vec<Option<[Shares; CAUSES]>> {
        // The test's own part in the events: what it said itself has sources of its own.
        let mut own = Said::default();
        for word in words.iter().flatten() {
            if let Some((weights, count)) = project.events.get(&(word.part, word.signature)) {
                own.add(word.signature, &weights.map(|weight| weight / count));
            }
        }
        let mut so_far = Said::default();
        let mut found = Vec::with_capacity(words.len());
        for (word, cause) in words.iter().zip(causes) {
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
            let any = share(said.iter().sum(), so_far.totals.iter().sum());
            let anywhere = share(others.iter().sum(), other_totals.iter().sum());
            let (beside, besides) = word.beside;
            found.push(Some(std::array::from_fn(|at| {
                [
                    share(said[at], so_far.totals[at]),
                    any,
                    before.unwrap_or(UNHEARD),
                    share(f64::from(beside), f64::from(besides)),
                    share(others[at], other_totals[at]),
                    anywhere,
                    UNHEARD,
                ]
            })));
            so_far.add(signature, &weights(cause));
        }
        found
    }
}

/// A weight for each cause.
type Weights = [f64; CAUSES];

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

/// The share of `part` in `all`, where little is known mixed with [`UNHEARD`].
fn share(part: f64, all: f64) -> f64 {
    (part + UNHEARD) / (all + 1.0)
}

fn mix(shares: &Shares, chances: &Shares) -> (Shares, f64) {
    let parts: Shares = std::array::from_fn(|at| shares[at] * chances[at]);
    let all = parts.iter().sum();
    (parts, all)
}

fn weights(cause: &Cause) -> Weights {
    [
        cause.flake,
        cause.outage,
        cause.broke,
        (cause.broken - cause.broke).max(0.0),
    ]
}
