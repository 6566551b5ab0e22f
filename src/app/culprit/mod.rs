//! `tia culprit`: who broke a test.
//!
//! [`Inquiry`] puts together what is known before anything is run: the commits in question, what the history saw at them, what
//! the graph says of them. [`hunt`] runs the test where that tells most. An inquiry asks about a test; one about a cause
//! would be the product of those of its tests, over one list of suspects.

pub mod hunt;
mod process;
mod state;
mod traits;

use rustc_hash::FxHashMap;

use super::{AppError, Judged, Past, PastQuery, Progress, Workspace};
use crate::flaky::Standing;
use crate::model::{ObjectId, PastPart, Probability, SEARCH_BRANCH, Series, TestId, Variant};
use crate::repo::{Along, Commit};
use crate::report::culprit::{Origin, Suspect, View};
use crate::triage::culprit::past::{self, Leg, Stretch};
use crate::triage::culprit::prior::{self, Traits};
use crate::triage::culprit::{Behaviour, Observation, Outcome, Search};

/// Why a search cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum CulpritError {
    /// The test never failed in the runs that were looked at.
    #[error("no failure of `{test}` is stored")]
    NeverFailed {
        /// The test.
        test: String,
    },
    /// It never passed before.
    #[error("no pass of `{test}` before its failure at {bad} is stored")]
    NeverPassed {
        /// The test.
        test: String,
        /// The commit.
        bad: String,
    },
    /// Nothing lies between.
    #[error("there is no commit between {good} and {bad}")]
    Nothing {
        /// The good commit.
        good: String,
        /// The bad one.
        bad: String,
    },
    /// Another search for the same test is running.
    #[error("another search for this test is running (`{}` is locked)", path.display())]
    Running {
        /// The lock.
        path: std::path::PathBuf,
    },
    /// The test command cannot be started.
    #[error("cannot start `{command}`")]
    Start {
        /// Its first word.
        command: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// There is no place for working trees.
    #[error("there is no place for working trees: `.tia/` cannot be made")]
    NoPlace,
    /// A file of the search cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

impl CulpritError {
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NeverFailed { .. } | Self::NeverPassed { .. } => {
                "name the range: `--good REV --bad REV`; `--since 365d` looks further back".into()
            }
            Self::Nothing { .. } => "name an older commit with `--good REV`".into(),
            Self::Start { .. } => {
                "the command after `--` is started as it is; `-- sh -c '…'` runs a shell".into()
            }
            _ => return None,
        })
    }
}

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct CulpritQuery {
    /// A commit at which the test was good; from the history where `None`.
    pub good: Option<String>,
    /// A commit at which it was bad; from the history where `None`.
    pub bad: Option<String>,
    /// Only runs on this branch.
    pub branch: Option<String>,
    /// How long before the newest run to look, in milliseconds.
    pub span: Option<i64>,
}

/// What is known before anything is run.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// The test, as it was asked for or as reports name it.
    pub test: String,
    /// The same, as its runner names it, where the graph knows.
    pub runner_name: Option<String>,
    /// The commit before the first suspect.
    pub good: Commit,
    /// The suspects, in order.
    pub suspects: Vec<Commit>,
    /// For each suspect.
    pub traits: Vec<Traits>,
    /// The search, with the stored results.
    pub search: Search,
    /// Where the range comes from.
    pub origin: Origin,
    /// How many stored results were taken in.
    pub stored: usize,
}

/// The chance that a failure of which nothing else is known was a flake (Henderson et al. 2023: 40 % of their ranges).
const NONE: f64 = 0.4;
/// Other tests of the run that are asked about.
const OTHERS: usize = 50;

impl Inquiry {
    /// The position of a commit: 0 is the good one.
    fn position(&self, commit: &str) -> Option<u32> {
        let all = std::iter::once(&self.good).chain(&self.suspects);
        let mut ids = (0..).zip(all);
        ids.find(|(_, one)| one.id.to_string() == commit)
            .map(|(at, _)| at)
    }

    /// The commit at a position.
    pub fn commit(&self, at: u32) -> &Commit {
        let index = (at as usize).checked_sub(1);
        index
            .and_then(|index| self.suspects.get(index))
            .unwrap_or(&self.good)
    }

    /// The suspects, likeliest first.
    pub fn ranked(&self) -> Vec<Suspect> {
        let suspect = |(at, probability): (u32, f64)| {
            let (commit, traits) = (self.commit(at), &self.traits[at as usize - 1]);
            Suspect {
                commit: commit.id.to_string(),
                subject: commit.subject.clone(),
                author: commit.author.clone(),
                probability: Probability::clamped(probability),
                reaches: traits.reaches,
                distance: traits.distance,
            }
        };
        self.search
            .belief()
            .ranked()
            .into_iter()
            .map(suspect)
            .collect()
    }

    /// What is shown.
    pub fn view(&self, outcome: Outcome, runs: u32, seconds: f64) -> View {
        let belief = self.search.belief();
        let at = |at: u32| {
            let seen = self
                .search
                .seen()
                .iter()
                .filter(|seen| seen.at == at && !seen.told);
            seen.fold((0, 0), |(failed, ran), seen| {
                (failed + u32::from(seen.bad > 0), ran + 1)
            })
        };
        let id = |at: u32| self.commit(at).id.to_string();
        let all: Vec<u32> = (0..=self.search.suspects()).collect();
        View {
            test: self.test.clone(),
            good: id(0),
            bad: id(self.search.suspects()),
            origin: self.origin,
            commits: self.suspects.len(),
            none: Probability::clamped(belief.none),
            flake_rate: Probability::clamped(belief.rate()),
            results: all
                .iter()
                .map(|position| (id(*position), at(*position)))
                .filter(|(_, (_, ran))| *ran > 0)
                .collect(),
            untestable: all
                .iter()
                .filter(|at| self.search.is_untestable(**at))
                .map(|at| id(*at))
                .collect(),
            parent: match &outcome {
                Outcome::Culprit(culprit) => Some(id(culprit - 1)),
                _ => None,
            },
            named: match &outcome {
                Outcome::Culprit(culprit) => vec![id(*culprit)],
                Outcome::Among(among) => among.iter().map(|at| id(*at)).collect(),
                _ => Vec::new(),
            },
            outcome,
            suspects: self.ranked(),
            stored: self.stored,
            runs,
            seconds,
        }
    }
}

/// The test's results and standing that a question is about.
struct Subject<'a> {
    number: u32,
    series: &'a Series,
    standing: &'a Standing,
    /// The failure that is asked about.
    failed: u32,
}

impl Workspace {
    /// What the history and the graph say of who broke a test: of the failure of a series (by its number) in a part. `None`
    /// where the series did not fail there, or never passed before.
    ///
    /// Cost: one selection a commit of the range.
    ///
    /// # Errors
    /// The commits are not in the repository, or not one after the other.
    pub fn suspects(
        &self,
        judged: &Judged,
        series: u32,
        failed: u32,
        progress: &dyn Progress,
    ) -> Result<Option<Inquiry>, AppError> {
        let Some((_, found)) = judged.failing.iter().find(|(number, _)| *number == series) else {
            return Ok(None);
        };
        let Some(standing) = judged.assessment.tests.get(series as usize) else {
            return Ok(None);
        };
        let subject = Subject {
            number: series,
            series: found,
            standing,
            failed,
        };
        let stretch = past::stretch(&judged.parts, found, standing, failed);
        match stretch.filter(|stretch| stretch.good.is_some()) {
            Some(stretch) => self.inquire(judged, &subject, stretch, progress),
            None => Ok(None),
        }
    }

    fn inquire(
        &self,
        judged: &Judged,
        subject: &Subject<'_>,
        mut stretch: Stretch,
        progress: &dyn Progress,
    ) -> Result<Option<Inquiry>, AppError> {
        let (Some(good), Some(last)) = (&stretch.good, stretch.stages.last()) else {
            return Ok(None);
        };
        let good = self.repo.resolve(&good.commit)?;
        let bad = self.repo.resolve(&last.commit)?;
        let commits = self.repo.commits_between(good, bad, Along::FirstParents)?;
        let place: FxHashMap<String, usize> = commits
            .iter()
            .zip(1..)
            .map(|(commit, at)| (commit.id.to_string(), at))
            .collect();
        // reruns of older commits and what is on no first parent tell nothing of the order
        let mut before = 0;
        stretch.stages.retain(|stage| {
            let end = place.get(&stage.commit).copied().unwrap_or(0);
            let comes_after = end > before;
            before = before.max(end);
            comes_after
        });
        let (mut traits, mut legs) = (Vec::new(), Vec::new());
        let (mut start, mut base) = (0, good);
        for stage in &stretch.stages {
            let end = place[&stage.commit];
            let leg = &commits[start..end];
            let mut tests = vec![(subject.series.test.clone(), subject.series.variant.clone())];
            tests.extend(broke_with(judged, subject.number, &stage.parts));
            let found = self.traits(base, leg, &tests, progress);
            legs.push(Leg {
                commits: found.clone(),
            });
            traits.extend(found);
            (start, base) = (end, commits[end - 1].id);
        }
        let share = judged.assessment.flaky_share;
        let behaviour = past::behaviour(&stretch, subject.series, subject.standing, share);
        let asked = judged.proven > 0;
        let search = past::search(
            &stretch,
            &legs,
            subject.series,
            &judged.assessment,
            asked,
            behaviour,
        );
        Ok(Some(Inquiry {
            test: subject.series.test.to_string(),
            runner_name: self.runner_name(bad, &subject.series.test),
            good: self.repo.commit(good)?,
            suspects: commits,
            traits,
            stored: search.seen().len(),
            search,
            origin: Origin::History,
        }))
    }

    /// A range that somebody named: nothing is known but that the test passed at its beginning and failed at its end.
    ///
    /// # Errors
    /// No such revisions, or not one after the other.
    pub fn named_range(
        &self,
        test: &str,
        id: Option<&TestId>,
        good: &str,
        bad: &str,
        behaviour: Behaviour,
        progress: &dyn Progress,
    ) -> Result<Inquiry, AppError> {
        let (good, bad) = (self.repo.resolve(good)?, self.repo.resolve(bad)?);
        let commits = self.repo.commits_between(good, bad, Along::FirstParents)?;
        if commits.is_empty() {
            return Err(CulpritError::Nothing {
                good: good.to_string(),
                bad: bad.to_string(),
            }
            .into());
        }
        let tests: Vec<(TestId, Variant)> = id
            .map(|id| (id.clone(), Variant::default()))
            .into_iter()
            .collect();
        let traits = if tests.is_empty() {
            vec![Traits::default(); commits.len()]
        } else {
            self.traits(good, &commits, &tests, progress)
        };
        let weights: Vec<f64> = prior::weights(&traits)
            .iter()
            .map(|w| w * (1.0 - NONE))
            .collect();
        let mut search = Search::new(&weights, NONE, behaviour);
        search.observe(Observation::told(0, true));
        search.observe(Observation::told(commits.len() as u32, false));
        Ok(Inquiry {
            test: test.to_owned(),
            runner_name: id.and_then(|id| self.runner_name(bad, id)),
            good: self.repo.commit(good)?,
            suspects: commits,
            traits,
            search: search.believing(&weights, NONE),
            origin: Origin::Named,
            stored: 0,
        })
    }
}

/// Tests that probably broke in these parts, too.
fn broke_with(judged: &Judged, number: u32, parts: &[u32]) -> Vec<(TestId, Variant)> {
    let all = judged.failing.iter().filter(|(other, _)| *other != number);
    let broke = all.filter(|(other, _)| {
        let test = judged.assessment.tests.get(*other as usize);
        test.is_some_and(|test| {
            let failures = test.failures.iter();
            let mut here = failures.filter(|one| parts.contains(&one.part));
            here.any(|one| one.broke_here.get() > 0.5)
        })
    });
    broke
        .map(|(_, series)| (series.test.clone(), series.variant.clone()))
        .take(OTHERS)
        .collect()
}

impl Past {
    /// Who broke a test, as far as the history and the graph tell.
    ///
    /// Cost: an assessment of the time that is looked at, and one selection a commit of the range.
    ///
    /// # Errors
    /// [`CulpritError`] where the history does not tell a range; the repository or the history cannot be read.
    pub fn culprit(
        &mut self,
        workspace: &Workspace,
        test: &TestId,
        query: &CulpritQuery,
        progress: &dyn Progress,
    ) -> Result<Inquiry, AppError> {
        let asked = self.window(&super::FlakyQuery {
            span: query.span,
            branch: query.branch.clone(),
            ..super::FlakyQuery::default()
        })?;
        let judged = self.assess_with(&asked, None, progress)?;
        let bad = match &query.bad {
            Some(bad) => Some(workspace.repo.resolve(bad)?),
            None => None,
        };
        let subject = subject(&judged, test, bad, workspace);
        let mut inquiry = match (&query.good, &query.bad, &subject) {
            (None, None, None) => {
                return Err(CulpritError::NeverFailed {
                    test: test.to_string(),
                }
                .into());
            }
            (None, _, Some(subject)) => {
                let found =
                    workspace.suspects(&judged, subject.number, subject.failed, progress)?;
                let Some(inquiry) = found else {
                    return Err(never_passed(test, commit_of(&judged.parts, subject.failed)));
                };
                inquiry
            }
            (good, bad, _) => {
                let failed = subject
                    .as_ref()
                    .map(|subject| commit_of(&judged.parts, subject.failed));
                let Some(bad) = bad.clone().or(failed.map(str::to_owned)) else {
                    return Err(CulpritError::NeverFailed {
                        test: test.to_string(),
                    }
                    .into());
                };
                let Some(good) = good else {
                    return Err(never_passed(test, &bad));
                };
                let behaviour = match &subject {
                    Some(subject) => {
                        stretch_of(&judged, subject).map_or_else(Behaviour::unknown, |stretch| {
                            let share = judged.assessment.flaky_share;
                            past::behaviour(&stretch, subject.series, subject.standing, share)
                        })
                    }
                    None => Behaviour::unknown(),
                };
                let name = test.to_string();
                workspace.named_range(&name, Some(test), good, &bad, behaviour, progress)?
            }
        };
        let line = match inquiry.origin {
            Origin::History => subject.as_ref().and_then(|subject| {
                judged
                    .parts
                    .get(subject.failed as usize)?
                    .context
                    .branch
                    .clone()
            }),
            Origin::Named => None,
        };
        self.take_in(test, &mut inquiry, line.as_deref())?;
        Ok(inquiry)
    }

    /// Takes in stored results at commits of the range that are not on the line that the inquiry was made from.
    fn take_in(
        &mut self,
        test: &TestId,
        inquiry: &mut Inquiry,
        line: Option<&str>,
    ) -> Result<(), AppError> {
        let story = self.test(test, &PastQuery::default())?;
        let all = std::iter::once(&inquiry.good).chain(&inquiry.suspects);
        let positions: FxHashMap<String, u32> =
            all.map(|commit| commit.id.to_string()).zip(0..).collect();
        for outcome in story.outcomes() {
            let context = &outcome.part.context;
            let on_line = inquiry.origin == Origin::History && context.branch.as_deref() == line;
            let position = context
                .commit
                .as_deref()
                .and_then(|commit| positions.get(commit));
            let seen = outcome.seen;
            if let Some(at) = position
                && !on_line
                && seen.status.is_run()
            {
                inquiry.stored += 1;
                inquiry.search.observe(Observation {
                    bad: seen.bad_attempts.max(u8::from(seen.status.is_bad())),
                    ..Observation::once(*at, !seen.status.is_bad())
                });
            }
        }
        Ok(())
    }
}

fn never_passed(test: &TestId, bad: &str) -> AppError {
    CulpritError::NeverPassed {
        test: test.to_string(),
        bad: bad.to_owned(),
    }
    .into()
}

fn commit_of(parts: &[PastPart], part: u32) -> &str {
    let part = parts.get(part as usize);
    part.and_then(|part| part.context.commit.as_deref())
        .unwrap_or("an unknown commit")
}

fn stretch_of(judged: &Judged, subject: &Subject<'_>) -> Option<Stretch> {
    past::stretch(
        &judged.parts,
        subject.series,
        subject.standing,
        subject.failed,
    )
}

/// The failure that a question about a test is about: at the commit asked for, else the newest on the branch where it is most
/// likely broken, else the newest.
fn subject<'a>(
    judged: &'a Judged,
    test: &TestId,
    bad: Option<ObjectId>,
    workspace: &Workspace,
) -> Option<Subject<'a>> {
    let of_test = judged
        .failing
        .iter()
        .filter(|(_, series)| series.test == *test);
    let mut best: Option<((f64, u32), Subject<'a>)> = None;
    for (number, series) in of_test {
        let Some(standing) = judged.assessment.tests.get(*number as usize) else {
            continue;
        };
        for seen in series.seen.iter().filter(|seen| seen.status.is_run()) {
            let Some(context) = judged
                .parts
                .get(seen.part as usize)
                .map(|part| &part.context)
            else {
                continue;
            };
            let Some(commit) = context.commit.as_deref() else {
                continue;
            };
            let is_asked = bad.is_none_or(|bad| workspace.repo.resolve(commit).ok() == Some(bad));
            let searched = context.branch.as_deref() == Some(SEARCH_BRANCH);
            if !(seen.status.is_bad() || seen.bad_attempts > 0) || !is_asked || searched {
                continue;
            }
            let broken = standing
                .broken
                .iter()
                .find(|broken| broken.branch == context.branch);
            // a repaired breakage of the past comes after one that stands
            let now = broken.map_or(0.0, |broken| (broken.now.get() * 10.0).round());
            let key = (now, seen.part);
            if best.as_ref().is_none_or(|(known, _)| *known < key) {
                let subject = Subject {
                    number: *number,
                    series,
                    standing,
                    failed: seen.part,
                };
                best = Some((key, subject));
            }
        }
    }
    best.map(|(_, subject)| subject)
}
