//! What the history says of every test.

use rustc_hash::{FxHashMap, FxHashSet};

use super::reached::Reached;
use super::{AppError, Past, PastQuery, Progress, Quiet, Workspace};
use crate::flaky::association::{
    self, Associated, Evidence, Examined, Finding, Message, Orders, speaks_of_timeout,
};
use crate::flaky::{self, Assessment, Assessor, Reaches};
use crate::history::{History, Query};
use crate::model::{PastPart, RunId, SEARCH_BRANCH, Series, TestId, Variant};

/// A stretch of the past, and what it says of every test.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The parts, oldest first.
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
}

/// Messages are read for so many failures, newest parts first.
const MESSAGES: usize = 20_000;

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
        let mut parts = self.parts(query)?;
        parts.retain(|part| part.context.branch.as_deref() != Some(SEARCH_BRANCH));
        let mut tests = Vec::new();
        let mut failing = Vec::new();
        let past = flaky::Past {
            parts: &parts,
            ..flaky::Past::default()
        };
        let mut assessor = Assessor::new(past);
        self.series(&parts, &mut |series| {
            let number = tests.len() as u32;
            tests.push((series.test.clone(), series.variant.clone()));
            if series.seen.iter().any(|seen| seen.bad_attempts > 0) {
                failing.push((number, series.clone()));
            }
            assessor.add(series);
        })?;
        // Numbers of series are known only now.
        let reached = workspace.map(|workspace| workspace.reached(&parts, &tests, progress));
        let reaches = reached.as_ref().map(|reached| reached as &dyn Reaches);
        let assessment = assessor.knowing(reaches).finish();
        let Associated { findings, examined } =
            self.associated(&past, &tests, &failing, &assessment)?;
        let proven = reached.as_ref().map_or(0, Reached::parts);
        Ok(Judged {
            parts,
            tests,
            failing,
            assessment,
            findings,
            examined,
            proven,
        })
    }

    fn associated(
        &self,
        past: &flaky::Past<'_>,
        tests: &[(TestId, Variant)],
        failing: &[(u32, Series)],
        assessment: &Assessment,
    ) -> Result<Associated, AppError> {
        let numbers: FxHashMap<(&TestId, &Variant), u32> = tests
            .iter()
            .zip(0..)
            .map(|((test, variant), number)| ((test, variant), number))
            .collect();
        let messages = self.messages(past.parts, &numbers, assessment)?;
        let orders = Stored {
            history: self.read_only(),
            parts: past.parts,
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
        Ok(association::associate(past, failing, assessment, &evidence))
    }

    /// What flakes said, of the newest runs first until [`MESSAGES`] rows were read.
    fn messages(
        &self,
        parts: &[PastPart],
        numbers: &FxHashMap<(&TestId, &Variant), u32>,
        assessment: &Assessment,
    ) -> Result<Vec<Message>, AppError> {
        let flakes: FxHashSet<(u32, u32)> = (0..)
            .zip(&assessment.tests)
            .flat_map(|(series, test)| {
                let flakes = test.failures.iter().filter(|one| one.flake.get() >= 0.5);
                flakes.map(move |one| (series, one.part))
            })
            .collect();
        let index: FxHashMap<i64, u32> = parts
            .iter()
            .zip(0..)
            .map(|(past, part)| (past.part.0, part))
            .collect();
        let asked: FxHashSet<u32> = flakes.iter().map(|(_, part)| *part).collect();
        let mut runs: Vec<RunId> = Vec::new();
        let mut known = FxHashSet::default();
        for (part, past) in (0..parts.len() as u32).zip(parts).rev() {
            if asked.contains(&part) && known.insert(past.run) {
                runs.push(past.run);
            }
        }
        let (mut messages, mut read) = (Vec::new(), 0);
        for run in runs {
            if read >= MESSAGES {
                break;
            }
            let query = Query {
                run: Some(run),
                ..Query::default()
            };
            for row in self.read_only().failures(&query, None)? {
                read += 1;
                let (Some(part), Some(series)) = (
                    index.get(&row.part.0),
                    numbers.get(&(&row.test, &row.variant)),
                ) else {
                    continue;
                };
                let text = &row.failure;
                if flakes.contains(&(*series, *part)) {
                    messages.push(Message {
                        series: *series,
                        part: *part,
                        timeout: speaks_of_timeout(&text.kind) || speaks_of_timeout(&text.message),
                    });
                }
            }
        }
        // Of several attempts in one part, one that speaks of a timeout is enough.
        messages.sort_unstable();
        messages.reverse();
        messages.dedup_by_key(|message| (message.series, message.part));
        messages.reverse();
        Ok(messages)
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
