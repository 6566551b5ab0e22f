//! The answer: selected tests, each with its reason, and the fallbacks that fired.

use serde::Serialize;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::is_or_holds;
use crate::graph::{Chain, Graph, NodeId, Reach};
use crate::model::{Meeting, NodeInfo, Reader, RepoPath, Suite};

/// The affected tests, with reasons and fallbacks.
#[derive(Clone, Debug)]
pub struct Selection {
    selected: Vec<Selected>,
    suites: usize,
    everything: bool,
    fallbacks: Vec<Fallback>,
    inert: Vec<Inert>,
}

/// One selected suite.
#[derive(Clone, Debug)]
pub struct Selected {
    /// What to run.
    pub suite: Suite,
    /// The cases in it, spelled below the suite.
    pub cases: Vec<String>,
    /// Whether `cases` are all there are. Where not, only the suite as a whole can be named.
    pub complete: bool,
    /// `cases` are only some of the suite's: the others cannot reach what changed.
    pub narrowed: bool,
    /// The definitions by which the first of the cases reaches what changed, where that was looked at.
    pub by: Vec<String>,
    /// Why.
    pub reason: Reason,
}

/// Why a suite is selected.
#[derive(Clone, Debug)]
pub enum Reason {
    /// It depends on what changed, by the chain at the end of this trail.
    Affected(Trail),
    /// Everything is selected.
    Everything(Fallback),
    /// A rule ties it to this changed path.
    Ruled(RepoPath),
    /// It was seen to meet what changed.
    Recorded(Sighting),
}

/// What a recording shows.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Who met something: a test, or a file while it was loaded.
    pub reader: Reader,
    /// How.
    pub meeting: Meeting,
    /// What: a path that changed, or one that depends on that.
    pub path: RepoPath,
    /// The commit at which it was recorded.
    pub commit: Option<String>,
    /// The way from the suite to the file that met something, where that is no test.
    pub trail: Option<Trail>,
}

/// What recordings add of one suite.
pub(super) struct Addition {
    /// The suite as it is, selected for the first sighting.
    info: NodeInfo,
    sighting: Sighting,
    /// The cases that are added; none where the suite cannot be told apart.
    cases: Option<BTreeSet<String>>,
}

impl Addition {
    pub(super) fn new(info: &NodeInfo, sighting: Sighting) -> Self {
        Self {
            info: info.clone(),
            sighting,
            cases: info.cases_complete.then(BTreeSet::new),
        }
    }

    /// Adds a case as it was recorded, or all.
    pub(super) fn add(&mut self, suite: &Suite, case: Option<&str>) {
        let known = case.and_then(|case| {
            self.info
                .cases
                .iter()
                .find(|known| is_or_holds(suite, known, case))
        });
        self.cases = known.and_then(|known| {
            let mut cases = self.cases.take()?;
            cases.insert(known.clone());
            Some(cases)
        });
    }
}

/// The way from a selected suite to what changed. The chain itself is only put together when somebody asks: a change
/// that affects ten thousand suites has ten thousand chains.
#[derive(Clone, Debug)]
pub struct Trail {
    pub(super) reach: Arc<Reach>,
    pub(super) node: NodeId,
    pub(super) in_base: bool,
}

impl Trail {
    /// The chain. `base` and `head` are the graphs that the selection was made of. Cost: the chain's length.
    pub fn chain(&self, base: &Graph, head: &Graph) -> Chain {
        let graph = if self.in_base { base } else { head };
        graph.chain(&self.reach, self.node)
    }
}

/// A changed path that nothing understands, and what is selected because of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fallback {
    /// The path; the root where the change as a whole is meant.
    pub path: RepoPath,
    /// How far it reaches.
    pub scope: Scope,
    /// Why it was needed.
    pub cause: Cause,
}

/// How far a fallback reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The tests of the innermost package around the path, and of whatever depends on it.
    Package(RepoPath),
    /// Every test.
    Everything,
}

/// Why a fallback was needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// No rule, language or literal knows the path.
    Unclaimed,
    /// It is known, but no test can be seen to reach it, so somebody unseen may.
    Unreached,
    /// A rule says so, in these words.
    Rule(String),
    /// The change could not be told, for this reason.
    NoChange(String),
}

impl Cause {
    /// In words that continue "`path` …".
    pub fn text(&self) -> String {
        match self {
            Self::Unclaimed => "is named by no import, rule or literal".to_owned(),
            Self::Unreached => "is reached by no test that can be seen".to_owned(),
            Self::Rule(reason) => reason.clone(),
            Self::NoChange(reason) => reason.clone(),
        }
    }
}

/// A changed path that provably affects no test.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inert {
    /// The path.
    pub path: RepoPath,
    /// The proof, in words that continue "`path` …".
    pub why: String,
}

/// The outcome in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// No test can be affected.
    Nothing,
    /// Some tests.
    Some,
    /// Every test.
    Everything,
}

impl Selected {
    pub(super) fn new(suite: Suite, info: &NodeInfo, reason: Reason) -> Self {
        Self {
            suite,
            cases: info.cases.clone(),
            complete: info.cases_complete,
            narrowed: false,
            by: Vec::new(),
            reason,
        }
    }

    /// Adds cases to those that are selected.
    fn widen(&mut self, addition: Addition) {
        let all = addition.info.cases;
        let Some(more) = addition.cases else {
            (self.cases, self.complete, self.narrowed) = (all, addition.info.cases_complete, false);
            return;
        };
        let old = std::mem::take(&mut self.cases);
        self.narrowed = false;
        for case in all {
            // some of its parameters, or itself
            let some: Vec<&String> = old.iter().filter(|old| is_of(&case, old)).collect();
            self.narrowed |= !more.contains(&case) && !some.contains(&&case);
            if more.contains(&case) {
                self.cases.push(case);
            } else {
                self.cases.extend(some.into_iter().cloned());
            }
        }
    }
}

/// Whether one of the tests that are selected is a case, or the case with one of its parameters.
fn is_of(case: &str, selected: &str) -> bool {
    let rest = selected.strip_prefix(case);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

impl Selection {
    /// The only constructor: no caller can forget the fallbacks.
    pub(super) fn new(
        selected: Vec<Selected>,
        suites: usize,
        everything: bool,
        mut fallbacks: Vec<Fallback>,
        mut inert: Vec<Inert>,
    ) -> Self {
        fallbacks.sort();
        fallbacks.dedup();
        inert.sort();
        inert.dedup();
        Self {
            selected,
            suites,
            everything,
            fallbacks,
            inert,
        }
    }

    /// The same with each suite changed or left out.
    pub(super) fn map(mut self, change: impl Fn(Selected) -> Option<Selected>) -> Self {
        self.selected = self.selected.into_iter().filter_map(change).collect();
        self
    }

    /// One suite of it, if it is selected; of its cases only the one that is named, where they can be told apart.
    pub fn only(self, suite: &Suite, case: Option<&str>) -> Self {
        self.map(|mut selected| {
            if selected.suite != *suite {
                return None;
            }
            if let Some(case) = case.filter(|_| selected.complete) {
                selected
                    .cases
                    .retain(|known| is_or_holds(suite, known, case) || is_of(case, known));
            }
            Some(selected)
        })
    }

    /// The same with suites, or cases of suites, added.
    pub(super) fn with(mut self, additions: BTreeMap<Suite, Addition>) -> Self {
        let felt = |path: &RepoPath| additions.values().any(|one| one.sighting.path == *path);
        self.inert.retain(|inert| !felt(&inert.path));
        for (suite, addition) in additions {
            let place = self
                .selected
                .binary_search_by(|selected| selected.suite.cmp(&suite));
            match place {
                Ok(at) if !self.selected[at].narrowed => {}
                Ok(at) => self.selected[at].widen(addition),
                Err(at) => {
                    let reason = Reason::Recorded(addition.sighting.clone());
                    let mut selected = Selected::new(suite, &addition.info, reason);
                    selected.cases.clear();
                    selected.widen(addition);
                    self.selected.insert(at, selected);
                }
            }
        }
        self
    }

    /// The selected suites, sorted.
    pub fn selected(&self) -> &[Selected] {
        &self.selected
    }

    /// How many suites there are in the head snapshot.
    pub fn suites(&self) -> usize {
        self.suites
    }

    /// The fallbacks that fired, sorted by path.
    pub fn fallbacks(&self) -> &[Fallback] {
        &self.fallbacks
    }

    /// The changed paths that affect nothing, sorted.
    pub fn inert(&self) -> &[Inert] {
        &self.inert
    }

    /// The outcome in one word. "Everything" where a fallback says so or where all suites are affected one by one.
    pub fn outcome(&self) -> Outcome {
        let whole = self
            .selected
            .iter()
            .filter(|selected| !selected.narrowed)
            .count();
        if self.everything || (self.suites > 0 && whole == self.suites) {
            Outcome::Everything
        } else if self.selected.is_empty() {
            Outcome::Nothing
        } else {
            Outcome::Some
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Meeting;

    #[test]
    fn a_recorded_case_is_added_whole_to_one_of_which_only_parameters_are_selected() {
        let info = NodeInfo {
            cases: ["test_a", "test_b", "test_c"].map(str::to_owned).into(),
            cases_complete: true,
            ..NodeInfo::default()
        };
        let sighting = Sighting {
            reader: Reader::File("a.py".into()),
            meeting: Meeting::Reads,
            path: "data".into(),
            commit: None,
            trail: None,
        };
        let suite = Suite::Python {
            file: "a.py".into(),
        };
        let reason = Reason::Recorded(sighting.clone());
        let widened = |recorded: &str| {
            let mut selected = Selected::new(suite.clone(), &info, reason.clone());
            selected.cases = ["test_a[1]", "test_a[2]", "test_b"]
                .map(str::to_owned)
                .into();
            let mut addition = Addition::new(&info, sighting.clone());
            addition.add(&suite, Some(recorded));
            selected.widen(addition);
            (selected.cases.join(" "), selected.narrowed)
        };
        assert_eq!(widened("test_a"), ("test_a test_b".to_owned(), true));
        assert_eq!(widened("test_a[1]"), ("test_a test_b".to_owned(), true));
        assert_eq!(
            widened("test_c"),
            ("test_a[1] test_a[2] test_b test_c".to_owned(), true)
        );
        assert_eq!(
            widened("TestD::test_d"),
            ("test_a test_b test_c".to_owned(), false)
        );
    }
}
