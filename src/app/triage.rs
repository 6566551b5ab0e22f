//! `tia triage`: the build cop's view of a run.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::gate::shared;
use super::site::Site;
use super::tried::{Tried, Which};
use super::{AppError, Past, Progress};
use crate::history::Query;
use crate::model::{PartId, PastPart, RunId, TestId, Timestamp, Variant};
use crate::report::flaky::Place;
use crate::report::history::short;
use crate::report::triage::{Before, Cause, Failure, Run, Suspect, View};
use crate::triage::cluster::ClusterId;
use crate::triage::verdict::Verdict;

/// For so many causes it is asked who did them, …
const ASKED: usize = 8;
/// … of so many of their tests at most, until one tells.
const TESTS: usize = 3;
/// So many suspects are told.
const SUSPECTS: usize = 5;

/// Causes are looked for in the runs of so many milliseconds before the newest.
const RECENT: i64 = 14 * Timestamp::DAY;

impl Past {
    /// The causes of a run's failures, the most damage first; `None` where no run is like that.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn triage(
        &self,
        directory: &Path,
        no_cache: bool,
        which: &Which,
        branch: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Option<View>, AppError> {
        let mut site = Site::with_settings(directory, no_cache)?;
        let shared = match site.workspace() {
            Some(workspace) => shared(workspace.config())?,
            None => globset::GlobSet::empty(),
        };
        let tried = self.try_run(which, branch, &shared, &site, progress)?;
        tried
            .map(|tried| self.view(&tried, &mut site, progress))
            .transpose()
    }

    /// The cause that an id of `tia triage` stands for, among those of the last two weeks; `None` where none is named so.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn cause(
        &self,
        directory: &Path,
        no_cache: bool,
        id: &str,
        progress: &dyn Progress,
    ) -> Result<Option<Cause>, AppError> {
        let is_id = id.len() == 11 && id.starts_with('c');
        if !is_id || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        for which in [Which::NewestRed, Which::Since(RECENT)] {
            let view = self.triage(directory, no_cache, &which, None, progress)?;
            let causes = view.into_iter().flat_map(|view| view.causes);
            let mut causes: Vec<Cause> = causes.filter(|cause| cause.id == id).collect();
            // One text may have several verdicts: what is broken has somebody who did it.
            causes.sort_by_key(|cause| cause.verdict);
            if let Some(cause) = causes.into_iter().next() {
                return Ok(Some(cause));
            }
        }
        Ok(None)
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
        notes.extend(judged.note());
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
