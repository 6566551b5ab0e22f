//! Failures that say nearly the same, across tests and runs.
//!
//! Texts are taken in the order in which they first appeared, each against the clusters before it: the same text, else
//! the nearest one that is near enough, else a cluster of its own. Members are compared with the first text of a
//! cluster alone, so nothing drifts; what comes later never moves what came before, so that a cluster keeps its id
//! from day to day while the history's beginning is there; beyond that, yesterday's clusters are handed in.

use std::fmt;
use std::str::FromStr;

use rustc_hash::FxHashMap;

use super::near::{Index, Words};
use super::signature::Signature;

/// So many of the most promising clusters are compared word by word. Kubernetes triage found all of its matches in first
/// place.
const COMPARED: usize = 4;

/// Names a cluster: made from its first text and the version of signatures.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct ClusterId(u64);

impl ClusterId {
    /// The id of a cluster that a signature begins.
    pub fn of(signature: &Signature) -> Self {
        Self(signature.id() >> 24)
    }
}

impl fmt::Display for ClusterId {
    /// `c` and ten hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:010x}", self.0)
    }
}

/// Why a text is no id of a cluster.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no cluster: `c` and ten hexadecimal digits are expected")]
pub struct NoClusterId(String);

impl FromStr for ClusterId {
    type Err = NoClusterId;

    fn from_str(text: &str) -> Result<Self, NoClusterId> {
        let digits = text.strip_prefix('c').filter(|digits| digits.len() == 10);
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.map(Self).ok_or_else(|| NoClusterId(text.to_owned()))
    }
}

/// A cluster that was found before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    /// Its id, which it keeps.
    pub id: ClusterId,
    /// Its first text.
    pub signature: Signature,
}

/// One cause as texts tell it, with its history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cluster {
    /// Stays from day to day.
    pub id: ClusterId,
    /// The first text.
    pub signature: Signature,
    /// How many failures; none for a known cluster that did not come back.
    pub failures: u32,
    /// How many tests.
    pub tests: u32,
    /// How many texts.
    pub texts: u32,
    /// The first run or part, by the number the caller gave.
    pub first: u32,
    /// The last one.
    pub last: u32,
}

/// Collects failures; [`join`](Self::join) puts them together.
#[derive(Clone, Debug, Default)]
pub struct Clusters {
    known: Vec<Known>,
    texts: Vec<Text>,
    by_text: FxHashMap<Signature, u32>,
    /// For each failure its text, test and run.
    failures: Vec<(u32, u32, u32)>,
}

#[derive(Clone, Debug)]
struct Text {
    signature: Signature,
    first: u32,
}

/// Clusters, and the cluster of each failure.
#[derive(Clone, Debug, Default)]
pub struct Joined {
    /// Known ones first, then by first appearance.
    pub clusters: Vec<Cluster>,
    /// For each failure in the order of [`Clusters::add`], the number of its cluster.
    pub of: Vec<u32>,
}

impl Clusters {
    /// Nothing collected yet; the known clusters keep their ids and their texts.
    pub fn seeded(known: impl IntoIterator<Item = Known>) -> Self {
        Self {
            known: known.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Takes one failure: the caller's numbers of its test and of its run (or part), which grow with time.
    pub fn add(&mut self, test: u32, run: u32, signature: Signature) {
        let next = self.texts.len() as u32;
        let text = *self
            .by_text
            .entry(signature)
            .or_insert_with_key(|signature| {
                self.texts.push(Text {
                    signature: signature.clone(),
                    first: run,
                });
                next
            });
        let first = &mut self.texts[text as usize].first;
        *first = run.min(*first);
        self.failures.push((text, test, run));
    }

    /// Puts the failures together. The order in which they were added makes no difference.
    ///
    /// Cost: about the length of all distinct texts, and the comparisons of those that are nearly alike.
    pub fn join(self) -> Joined {
        let mut order: Vec<u32> = (0..self.texts.len() as u32).collect();
        let text = |number: &u32| &self.texts[*number as usize];
        order.sort_by(|a, b| {
            let (a, b) = (text(a), text(b));
            (a.first, &a.signature).cmp(&(b.first, &b.signature))
        });
        let mut leaders: Vec<(ClusterId, &Signature, Words)> = Vec::new();
        let mut exact: FxHashMap<&Signature, u32> = FxHashMap::default();
        let mut index = Index::default();
        for known in &self.known {
            let number = leaders.len() as u32;
            exact.entry(&known.signature).or_insert(number);
            leaders.push((
                known.id,
                &known.signature,
                Words::of(known.signature.text()),
            ));
        }
        leaders.iter().for_each(|(.., words)| index.count(words));
        // the words of all texts at once would be many times as large as the texts
        for text in &self.texts {
            index.count(&Words::of(text.signature.text()));
        }
        for (number, (.., words)) in leaders.iter().enumerate() {
            index.add(number as u32, words);
        }
        let mut cluster_of = vec![0; self.texts.len()];
        for number in order {
            let signature = &text(&number).signature;
            if let Some(same) = exact.get(signature) {
                cluster_of[number as usize] = *same;
                continue;
            }
            let words = Words::of(signature.text());
            let near = nearest(&words, &leaders, index.candidates(&words));
            cluster_of[number as usize] = near.unwrap_or_else(|| {
                let next = leaders.len() as u32;
                index.add(next, &words);
                leaders.push((ClusterId::of(signature), signature, words));
                next
            });
        }
        let clusters = leaders.iter().map(|(id, signature, _)| Cluster {
            id: *id,
            signature: (*signature).clone(),
            failures: 0,
            tests: 0,
            texts: 0,
            first: u32::MAX,
            last: 0,
        });
        let mut clusters: Vec<Cluster> = clusters.collect();
        for cluster in &cluster_of {
            clusters[*cluster as usize].texts += 1;
        }
        let of: Vec<u32> = self
            .failures
            .iter()
            .map(|(text, ..)| cluster_of[*text as usize])
            .collect();
        let mut tests: Vec<(u32, u32)> = Vec::with_capacity(of.len());
        for (cluster, (_, test, run)) in of.iter().zip(&self.failures) {
            let one = &mut clusters[*cluster as usize];
            one.failures += 1;
            one.first = one.first.min(*run);
            one.last = one.last.max(*run);
            tests.push((*cluster, *test));
        }
        tests.sort_unstable();
        tests.dedup();
        for (cluster, _) in tests {
            clusters[cluster as usize].tests += 1;
        }
        for one in &mut clusters {
            one.first = one.first.min(one.last);
        }
        Joined { clusters, of }
    }
}

/// The nearest of the candidates that are near; of several the first.
fn nearest(
    words: &Words,
    leaders: &[(ClusterId, &Signature, Words)],
    candidates: Vec<u32>,
) -> Option<u32> {
    let glance = |leader: u32| Some((words.glance(&leaders[leader as usize].2)?, leader));
    let mut promising: Vec<(u32, u32)> = candidates.into_iter().filter_map(glance).collect();
    promising.sort_unstable();
    let mut best: Option<(u32, u32)> = None;
    let mut compared = 0;
    for (least, leader) in promising {
        if compared == COMPARED || best.is_some_and(|best| (least, leader) > best) {
            break;
        }
        let other = &leaders[leader as usize].2;
        if other.at_least(words).is_some() {
            compared += 1;
            let found = other.near(words).map(|distance| (distance, leader));
            best = [best, found].into_iter().flatten().min();
        }
    }
    best.map(|(_, leader)| leader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Signature {
        Signature::from_text(text.to_owned())
    }

    fn log(word: &str) -> Signature {
        of(&format!(
            "build failed\n{}{word}",
            "a long log of many words ".repeat(8)
        ))
    }

    fn join(known: &[Known], failures: &[(u32, u32, Signature)]) -> Joined {
        let mut clusters = Clusters::seeded(known.iter().cloned());
        for (test, run, signature) in failures {
            clusters.add(*test, *run, signature.clone());
        }
        clusters.join()
    }

    #[test]
    fn a_cluster_has_its_own_history() {
        let joined = join(
            &[],
            &[
                (1, 5, log("x")),
                (2, 3, log("y")),
                (1, 9, log("x")),
                (4, 4, of("other")),
            ],
        );
        assert_eq!(joined.of, [0, 0, 0, 1]);
        let one = &joined.clusters[0];
        assert_eq!(
            (one.failures, one.tests, one.texts, one.first, one.last),
            (3, 2, 2, 3, 9)
        );
        assert_eq!(one.signature, log("y"), "the first to appear");
        assert_eq!(one.id.to_string().parse(), Ok(one.id));
        assert!("c12".parse::<ClusterId>().is_err());
    }

    #[test]
    fn known_clusters_keep_their_ids() {
        let yesterday = join(&[], &[(1, 1, log("x"))]);
        let known = Known {
            id: yesterday.clusters[0].id,
            signature: log("x"),
        };
        let today = join(&[known], &[(1, 2, log("y")), (1, 3, of("other"))]);
        assert_eq!(today.clusters[0].id, yesterday.clusters[0].id);
        assert_eq!(today.of, [0, 1]);
        assert_ne!(
            join(&[], &[(1, 2, log("y"))]).clusters[0].id,
            today.clusters[0].id
        );
    }

    fn failures() -> impl Strategy<Value = Vec<(u32, u32, Signature)>> {
        let words = prop::collection::vec("(red|blue|green|x|yy)", 0..3);
        let text = (0..3u8, words).prop_map(|(line, words)| {
            log(&words.join(" "))
                .text()
                .replace("build", ["build", "link", "run"][line as usize])
        });
        prop::collection::vec((0..5u32, 0..9u32, text.prop_map(|text| of(&text))), 0..30)
    }

    proptest! {
        #[test]
        fn order_makes_no_difference(failures in failures(), seed in any::<u64>()) {
            let mut shuffled = failures.clone();
            shuffled.sort_by_cached_key(|(test, run, signature)| signature.id().wrapping_mul(seed | 1) ^ u64::from(test * 31 + run).wrapping_mul(seed));
            prop_assert_eq!(join(&[], &failures).clusters, join(&[], &shuffled).clusters);
        }

        #[test]
        fn what_comes_later_moves_nothing(failures in failures(), cut in 0..9u32) {
            let early: Vec<_> = failures.iter().filter(|(_, run, _)| *run < cut).cloned().collect();
            let (before, after) = (join(&[], &early), join(&[], &failures));
            let ids = |joined: &Joined, failures: &[(u32, u32, Signature)]| -> Vec<_> {
                let all = failures.iter().zip(&joined.of).filter(|((_, run, _), _)| *run < cut);
                all.map(|(failure, cluster)| (failure.clone(), joined.clusters[*cluster as usize].id)).collect()
            };
            prop_assert_eq!(ids(&before, &early), ids(&after, &failures));
        }
    }
}
