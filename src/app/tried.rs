//! A run, judged: the history around it, the graph, and what its failures say, joined into verdicts.

use rustc_hash::{FxHashMap, FxHashSet};

use super::site::Site;
use super::{AppError, Judged, Past, PastQuery, Progress};
use crate::flaky::{Reaches, Says};
use crate::history::Query;
use crate::model::{PartId, PastPart, RunId, TestId, Timestamp, Variant};
use crate::report::flaky::Place;
use crate::report::history::short;
use crate::report::triage::{Before, Cause, Failure, Run, Suspect, View};
use crate::triage::cluster::ClusterId;
use crate::triage::judge::{self, Judgement};
use crate::triage::verdict::{Range, Verdict};

/// How far back a run is compared where nothing else is said: 60 days, in milliseconds.
pub(super) const SPAN: i64 = 60 * Timestamp::DAY;

/// For so many causes it is asked who did them, …
const ASKED: usize = 8;
/// … of so many of their tests at most, until one tells.
const TESTS: usize = 3;
/// So many suspects are told.
const SUSPECTS: usize = 5;

/// Which run is meant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Which {
    /// The newest with a failure.
    #[default]
    NewestRed,
    /// That of these parts.
    Parts(Vec<PartId>),
    /// The run with this id, or the newest at the commit that begins so, or the part of this number.
    Named(String),
    /// All that began so many milliseconds before the newest part, or later.
    Since(i64),
}

/// A run with the past that it was judged from.
#[derive(Debug)]
pub struct Tried {
    /// The past, the run included.
    pub judged: Judged,
    /// The run's parts, as indices into the past's; rising.
    pub run: Vec<u32>,
    /// Its failures, the worst first.
    pub judgements: Vec<Judgement>,
}

impl Past {
    /// Judges a run. `None` where there is no such run.
    ///
    /// On the main branch and on `shared` ones (globs) a run answers for what came with its commit; on any other branch for all
    /// that the branch changed.
    ///
    /// # Errors
    /// The history cannot be read.
    pub(super) fn try_run(
        &self,
        which: &Which,
        branch: Option<&str>,
        shared: &globset::GlobSet,
        site: &Site,
        progress: &dyn Progress,
    ) -> Result<Option<Tried>, AppError> {
        let all = self.parts(&PastQuery::default())?;
        let Some(run) = pick(&all, which, branch) else {
            return Ok(None);
        };
        let newest = all.iter().filter(|part| run.contains(&part.part));
        let (from, to) = newest.fold((i64::MAX, i64::MIN), |(from, to), part| {
            (from.min(part.start.0), to.max(part.start.0))
        });
        let query = PastQuery {
            since: Some(Timestamp(from.saturating_sub(SPAN))),
            until: Some(Timestamp(to)),
            ..PastQuery::default()
        };
        let judged = self.assess_with(&query, site.workspace(), progress)?;
        let index: Vec<u32> = (0..)
            .zip(&judged.parts)
            .filter(|(_, part)| run.contains(&part.part))
            .map(|(at, _)| at)
            .collect();
        let main = site
            .workspace()
            .and_then(|workspace| workspace.repo().default_branch());
        let range = |part: u32| {
            let part = part as usize;
            let branch = judged.parts[part].context.branch.as_deref();
            let is_main = match (&main, branch) {
                (Some(main), Some(branch)) => main == branch,
                _ => judged.assessment.parts[part].line == 0,
            };
            if is_main || branch.is_some_and(|branch| shared.is_match(branch)) {
                Range::Commit
            } else {
                Range::Line
            }
        };
        let past = judge::Past {
            parts: &judged.parts,
            failing: &judged.failing,
            assessment: &judged.assessment,
            reaches: judged
                .reached
                .as_ref()
                .map(|reached| reached as &dyn Reaches),
            says: Some(&judged.sayings as &dyn Says),
        };
        let judgements = judge::judge(&past, &index, range);
        Ok(Some(Tried {
            judgements,
            run: index,
            judged,
        }))
    }

    /// What is shown of a judged run.
    ///
    /// # Errors
    /// The history cannot be read.
    pub(super) fn view(
        &self,
        tried: &Tried,
        site: &mut Site,
        progress: &dyn Progress,
    ) -> Result<View, AppError> {
        let judged = &tried.judged;
        let parts: Vec<&PastPart> = tried
            .run
            .iter()
            .filter_map(|at| judged.parts.get(*at as usize))
            .collect();
        let runs: FxHashSet<RunId> = parts.iter().map(|part| part.run).collect();
        let first = parts.first().copied();
        let run = Run {
            place: first.map(Place::of),
            branch: first.and_then(|part| part.context.branch.clone()),
            id: first
                .filter(|_| runs.len() == 1)
                .and_then(|part| part.context.run_id.clone()),
            runs: runs.len(),
            parts: parts.len(),
            ran: parts.iter().map(|part| u64::from(part.ran)).sum(),
            bad: parts.iter().map(|part| u64::from(part.bad)).sum(),
            history: judged.parts.len() - parts.len(),
        };
        let messages = self.messages(&parts)?;
        let named: Vec<&(TestId, Variant)> = tried
            .judgements
            .iter()
            .filter_map(|one| judged.tests.get(one.series as usize))
            .collect();
        let tests: Vec<&TestId> = named.iter().map(|(test, _)| test).collect();
        let files = if tests.is_empty() {
            Vec::new()
        } else {
            site.files(&tests, progress)
        };
        let jobs: FxHashSet<Option<&str>> = parts
            .iter()
            .map(|part| part.context.job.as_deref())
            .collect();
        let failures =
            tried
                .judgements
                .iter()
                .zip(named)
                .zip(files)
                .map(|((one, (test, variant)), file)| {
                    let part = &judged.parts[one.part as usize];
                    let key = (part.part, test.clone(), variant.clone());
                    Failure {
                        owners: file
                            .as_ref()
                            .map(|file| site.owners(file))
                            .unwrap_or_default(),
                        file: file.as_ref().map(ToString::to_string),
                        job: part.context.job.clone().filter(|_| jobs.len() > 1),
                        judged: one.clone(),
                        ruling: None,
                        message: messages.get(&key).cloned().unwrap_or_default(),
                        test: test.clone(),
                        variant: variant.clone(),
                    }
                });
        let failures: Vec<Failure> = failures.collect();
        let causes = self.grouped(tried, failures, site, progress);
        let mut notes = std::mem::take(&mut site.notes);
        if run.history == 0 && !tried.run.is_empty() {
            notes.push(
                "the history holds no other run of this time: a failure cannot be told from a flake".to_owned(),
            );
        } else if site.workspace().is_none() {
            notes.push(
                "no repository is at hand (`-C DIR`): what a change can reach is not known"
                    .to_owned(),
            );
        }
        Ok(View {
            run,
            causes,
            gate: None,
            notes,
        })
    }

    /// What the failures of these parts say.
    fn messages(
        &self,
        parts: &[&PastPart],
    ) -> Result<FxHashMap<(PartId, TestId, Variant), String>, AppError> {
        let mut messages: FxHashMap<_, (u32, String)> = FxHashMap::default();
        let mut read = FxHashSet::default();
        for part in parts {
            if !read.insert(part.run) {
                continue;
            }
            let query = Query {
                run: Some(part.run),
                ..Query::default()
            };
            for row in self.read_only().failures(&query, None)? {
                let text = match row.failure.message.trim() {
                    "" => &row.failure.stack,
                    _ => &row.failure.message,
                };
                let entry = messages.entry((row.part, row.test, row.variant));
                let place = entry.or_insert_with(|| (u32::MAX, String::new()));
                if row.attempt < place.0 {
                    *place = (row.attempt, text.clone());
                }
            }
        }
        Ok(messages
            .into_iter()
            .map(|(key, (_, text))| (key, text))
            .collect())
    }

    /// Failures by what they say and what they are; the most damage first.
    fn grouped(
        &self,
        tried: &Tried,
        failures: Vec<Failure>,
        site: &Site,
        progress: &dyn Progress,
    ) -> Vec<Cause> {
        let sayings = &tried.judged.sayings;
        let first = tried.run.first().copied().unwrap_or_default();
        let mut index: FxHashMap<(Option<u32>, Verdict), usize> = FxHashMap::default();
        let mut causes: Vec<Cause> = Vec::new();
        for failure in failures {
            let said = sayings.signature(failure.judged.series, failure.judged.part);
            let key = (said.map(|(number, _)| number), failure.judged.verdict);
            let at = *index.entry(key).or_insert_with(|| {
                let title = said.map_or_else(
                    || "(nothing is kept of what it said)".to_owned(),
                    |(_, said)| said.title(),
                );
                let before = said.and_then(|(number, _)| sayings.before(number, first));
                causes.push(Cause {
                    cluster: said.map(|(_, said)| ClusterId::of(said)),
                    id: said.map_or_else(
                        || "unknown".to_owned(),
                        |(_, said)| ClusterId::of(said).to_string(),
                    ),
                    title,
                    verdict: failure.judged.verdict,
                    failures: Vec::new(),
                    before: before.map(|(failures, tests, part)| Before {
                        failures,
                        tests,
                        first: Place::of(&tried.judged.parts[part as usize]),
                    }),
                    range: None,
                    suspects: Vec::new(),
                    reproduce: None,
                    revert: None,
                });
                causes.len() - 1
            });
            causes[at].failures.push(failure);
        }
        let damage = |cause: &Cause| -> f64 {
            let failures = cause.failures.iter().filter(|one| !one.judged.recovered);
            failures
                .map(|one| {
                    let chances = &one.judged.chances;
                    chances.this_change() + 0.3 * chances.already_broken.get() + 0.01
                })
                .sum()
        };
        causes.sort_by(|a, b| {
            damage(b)
                .total_cmp(&damage(a))
                .then_with(|| a.id.cmp(&b.id))
        });
        let mut asked = 0;
        for cause in &mut causes {
            if matches!(
                cause.verdict,
                Verdict::Regression | Verdict::AlreadyBroken | Verdict::NewTest
            ) {
                cause.range = range(tried, cause);
                // Who did it is asked of the costliest causes only: each question is a selection a commit.
                if asked < ASKED && cause.verdict != Verdict::NewTest {
                    asked += 1;
                    blame(tried, cause, site, progress);
                }
            }
            let tests: Vec<&TestId> = cause.failures.iter().map(|one| &one.test).collect();
            cause.reproduce = site.command(&tests, progress);
        }
        causes
    }
}

/// Who may have broken the tests of a cause: what is found for the first of its tests for which anything can be.
fn blame(tried: &Tried, cause: &mut Cause, site: &Site, progress: &dyn Progress) {
    let Some(workspace) = site.workspace() else {
        return;
    };
    for failure in cause.failures.iter().take(TESTS) {
        let one = &failure.judged;
        // A range that is not in this repository leaves nobody to suspect.
        let Ok(Some(inquiry)) = workspace.suspects(&tried.judged, one.series, one.part, progress)
        else {
            continue;
        };
        let ranked = inquiry.ranked().into_iter().take(SUSPECTS);
        cause.suspects = ranked
            .map(|one| Suspect {
                commit: one.commit,
                subject: one.subject,
                author: one.author.unwrap_or_else(|| "nobody named".to_owned()),
                probability: one.probability.get(),
            })
            .collect();
        let likeliest = cause.suspects.first();
        cause.revert = likeliest
            .filter(|suspect| suspect.probability >= 0.5)
            .map(|suspect| format!("tia revert {}", short(&suspect.commit)));
        return;
    }
}

/// The last pass before what is broken now, and the first failure since; of the cause's first test.
fn range(tried: &Tried, cause: &Cause) -> Option<(Option<Place>, Place)> {
    let judged = &tried.judged;
    let one = &cause.failures.first()?.judged;
    let at = judged
        .failing
        .binary_search_by_key(&one.series, |(number, _)| *number)
        .ok()?;
    let line = |part: u32| judged.assessment.parts.get(part as usize).map(|p| p.line);
    let before = judged.failing[at].1.seen.iter().rev();
    let before = before.filter(|seen| {
        seen.part <= one.part && seen.status.is_run() && line(seen.part) == line(one.part)
    });
    let mut bad = one.part;
    let mut good = None;
    for seen in before {
        if seen.status.is_bad() {
            bad = seen.part;
        } else {
            good = Some(seen.part);
            break;
        }
    }
    let place = |part: u32| judged.parts.get(part as usize).map(Place::of);
    Some((good.and_then(place), place(bad)?))
}

/// The parts that are meant.
fn pick(all: &[PastPart], which: &Which, branch: Option<&str>) -> Option<FxHashSet<PartId>> {
    let on_branch = |part: &&PastPart| {
        branch.is_none_or(|branch| part.context.branch.as_deref() == Some(branch))
    };
    let of_run = |run: RunId| all.iter().filter(move |part| part.run == run);
    let newest = |is: &dyn Fn(&PastPart) -> bool| {
        let found = all.iter().rev().filter(on_branch).find(|part| is(part))?;
        Some(of_run(found.run).map(|part| part.part).collect())
    };
    let found: FxHashSet<PartId> = match which {
        Which::NewestRed => newest(&|part| part.bad > 0)?,
        Which::Parts(parts) => {
            let asked: FxHashSet<PartId> = parts.iter().copied().collect();
            let known = all.iter().filter(|part| asked.contains(&part.part));
            known.map(|part| part.part).collect()
        }
        Which::Named(name) => newest(&|part| part.context.run_id.as_ref() == Some(name))
            .or_else(|| {
                let is = |part: &PastPart| {
                    let commit = part.context.commit.as_deref();
                    name.len() >= 4 && commit.is_some_and(|commit| commit.starts_with(name))
                };
                newest(&is)
            })
            .or_else(|| newest(&|part| part.part.0.to_string() == *name))?,
        Which::Since(span) => {
            let newest = all
                .iter()
                .filter(on_branch)
                .map(|part| part.start.0)
                .max()?;
            let recent = all.iter().filter(on_branch);
            let recent = recent.filter(|part| part.start.0 >= newest.saturating_sub(*span));
            recent.map(|part| part.part).collect()
        }
    };
    (!found.is_empty()).then_some(found)
}
