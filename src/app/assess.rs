//! What the history says of every test.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::reached::Reached;
use super::said::Sayings;
use super::{AppError, Past, PastQuery, Progress, Quiet, Workspace};
use crate::flaky::association::{self, Associated, Evidence, Examined, Finding, Orders};
use crate::flaky::{self, Assessment, Assessor, Kept, Reaches};
use crate::history::{History, Sifted};
use crate::model::{PastPart, SEARCH_BRANCH, Series, TestId, Variant};

/// A stretch of the past, and what it says of every test.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Judged {
    /// The parts, oldest first.
    #[serde(skip)]
    pub parts: Vec<PastPart>,
    /// What the numbers of series stand for.
    pub tests: Vec<(TestId, Variant)>,
    /// The series of tests with at least one bad attempt, with their numbers, in rising order.
    pub failing: Vec<(u32, Series)>,
    /// The state of each test and the cause of each failure; in the order of `parts` and `tests`.
    pub assessment: Assessment,
    /// What failures go along with, strongest first.
    pub findings: Vec<Finding>,
    /// How much was looked at for findings.
    pub examined: Examined,
    /// Parts of which the dependency graph tells what their change could reach.
    pub proven: u32,
    /// What failures say.
    pub sayings: Sayings,
    /// What the changes could reach, where the repository was asked.
    pub reached: Option<Reached>,
    /// Where it was brought up to date only, see [`Past::assess_lately`]: the last part of the full scoring, as an index.
    pub scored_as_of: Option<u32>,
}

impl Past {
    /// Assesses all tests of the parts that a query asks for, from the history alone.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn assess(&self, query: &PastQuery) -> Result<Judged, AppError> {
        self.assess_with(query, None, &Quiet)
    }

    /// The same; where a repository is at hand, its dependency graphs tell which changes could reach which tests.
    ///
    /// Cost: one walk over the history's blocks; order and messages of failing tests; with a repository, one selection a
    /// commit and one graph where edges changed.
    ///
    /// # Errors
    /// The history cannot be read. Commits and graphs that cannot be read prove nothing, and are no error.
    pub fn assess_with(
        &self,
        query: &PastQuery,
        workspace: Option<&Workspace>,
        progress: &dyn Progress,
    ) -> Result<Judged, AppError> {
        Ok(self.score(self.scored(query)?, workspace, progress)?.0)
    }

    /// The parts that are scored.
    pub(super) fn scored(&self, query: &PastQuery) -> Result<Vec<PastPart>, AppError> {
        let mut parts = self.parts(query)?;
        parts.retain(|part| part.context.branch.as_deref() != Some(SEARCH_BRANCH));
        Ok(parts)
    }

    /// Scores these parts in full; with what an update of that needs.
    pub(super) fn score(
        &self,
        parts: Vec<PastPart>,
        workspace: Option<&Workspace>,
        progress: &dyn Progress,
    ) -> Result<(Judged, Kept), AppError> {
        let past = flaky::Past {
            parts: &parts,
            ..flaky::Past::default()
        };
        let Sifted {
            tests,
            ran,
            passed,
            failing,
        } = self.read_only().sift(&parts)?;
        let assessor = Assessor::of(past, ran, passed, failing.iter().cloned());
        let numbers: FxHashMap<(&TestId, &Variant), u32> = tests
            .iter()
            .zip(0..)
            .map(|((test, variant), number)| ((test, variant), number))
            .collect();
        let sayings = self.sayings(&parts, &numbers, &failing)?;
        let reached = workspace.map(|workspace| workspace.reached(&parts, &tests, progress));
        let reaches = reached.as_ref().map(|reached| reached as &dyn Reaches);
        let (assessment, kept) = assessor.knowing(reaches, Some(&sayings)).finish_and_keep();
        let flakes: FxHashSet<(u32, u32)> = (0..)
            .zip(&assessment.tests)
            .flat_map(|(series, test)| {
                let flakes = test.failures.iter().filter(|one| one.flake.get() >= 0.5);
                flakes.map(move |one| (series, one.part))
            })
            .collect();
        let mut messages = sayings.messages();
        messages.retain(|one| flakes.contains(&(one.series, one.part)));
        let orders = Stored {
            history: self.read_only(),
            parts: &parts,
            numbers: &numbers,
        };
        let evidence = Evidence {
            orders: Some(&orders),
            messages: &messages,
            name: &|series| {
                let named = tests.get(series as usize);
                named.map_or_else(String::new, |(test, _)| test.to_string())
            },
        };
        let Associated { findings, examined } =
            association::associate(&past, &failing, &assessment, &evidence);
        let proven = reached.as_ref().map_or(0, Reached::parts);
        let judged = Judged {
            parts,
            tests,
            failing,
            assessment,
            findings,
            examined,
            proven,
            sayings,
            reached,
            scored_as_of: None,
        };
        Ok((judged, kept))
    }
}

/// Orders of execution as the history keeps them.
struct Stored<'a> {
    history: &'a History,
    parts: &'a [PastPart],
    numbers: &'a FxHashMap<(&'a TestId, &'a Variant), u32>,
}

impl Orders for Stored<'_> {
    fn order(&self, part: u32) -> Option<Vec<u32>> {
        // An order that cannot be read is one that is not known.
        let order = self.history.order(self.parts.get(part as usize)?.part);
        let ran = order.ok().flatten()?;
        let number =
            |(test, variant): &(TestId, Variant)| self.numbers.get(&(test, variant)).copied();
        Some(ran.iter().filter_map(number).collect())
    }
}
