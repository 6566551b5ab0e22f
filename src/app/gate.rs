//! `tia gate`: may this run pass?

use std::path::Path;

use globset::{Glob, GlobSet, GlobSetBuilder};
use rustc_hash::FxHashSet;

use super::ingest::{Fate, IngestRequest, Ingested, ingest};
use super::join::known;
use super::site::Site;
use super::tried::{Tried, Which};
use super::{AppError, Config, Past, Progress, Ward, store};
use crate::history::History;
use crate::model::{Date, PastPart, TestId};
use crate::report::triage::{Gate, View};
use crate::triage::gate::{Policy, Shape, Strictness, decide};

/// What is asked of the gate.
#[derive(Clone, Debug)]
pub struct GateRequest {
    /// The reports of this run, and what is known of it.
    pub ingest: IngestRequest,
    /// Keep the run in the history.
    pub keep: bool,
    /// The run was told to run some tests only: none is missing.
    pub selected: bool,
    /// What blocks instead of what `tia.toml` says.
    pub block_at: Option<f64>,
    /// The present day.
    pub today: Date,
}

/// Tests that ran in so many parts before are missed.
const BEFORE: usize = 2;

/// Reads the reports of a run into the history and decides whether it may pass.
///
/// # Errors
/// The history cannot be read or written; `tia.toml` or `quarantine.toml` cannot be used.
pub fn gate(
    directory: &Path,
    no_cache: bool,
    db: Option<&Path>,
    request: &GateRequest,
    progress: &dyn Progress,
) -> Result<(View, Ingested), AppError> {
    // Settings are read before anything is stored.
    let mut site = Site::with_settings(directory, no_cache)?;
    let location = store::locate(directory, db)?;
    // Without a place of its own in the history the run is judged in a copy of it.
    let copy = tempfile::tempdir().map_err(|source| AppError::Output { source })?;
    let mut history = if request.keep {
        store::open_to_write(directory, &location)?
    } else {
        let path = copy.path().join("history.db");
        if location.path.exists() {
            store::open_to_read(&location)?.copy(&path)?;
        }
        History::open(&path, crate::history::Access::Write)?
    };
    let repo = site.workspace().map(super::Workspace::repo);
    let done = ingest(&request.ingest, &mut history, repo, progress)?;
    let past = Past { history };
    let view = past.gated(directory, &mut site, &done, request, progress)?;
    Ok((view, done))
}

impl Past {
    fn gated(
        &self,
        directory: &Path,
        site: &mut Site,
        done: &Ingested,
        request: &GateRequest,
        progress: &dyn Progress,
    ) -> Result<View, AppError> {
        let config = site
            .workspace()
            .map(|workspace| workspace.config().clone())
            .unwrap_or_default();
        let policy = Policy {
            block_at: request.block_at.unwrap_or(config.gate.block_at),
            ..config.gate
        };
        let stored = done.parts.iter().map(|part| part.id);
        let parts = stored.chain(done.before.iter().copied()).collect();
        let shared = shared(&config)?;
        let tried = self.try_run(&Which::Parts(parts), None, &shared, site, progress)?;
        let (mut shape, mut view) = (Shape::default(), View::default());
        if let Some(tried) = &tried {
            view = self.view(tried, site, progress)?;
            shape.history = view.run.history;
            for at in &tried.run {
                let part = &tried.judged.parts[*at as usize];
                let header = self.read_only().header(part.part)?;
                shape.results += u64::from(part.ran);
                shape.incomplete += usize::from(!part.complete);
                shape.errors_outside_tests += header.part.errors_outside_tests;
            }
            if !request.selected && policy.missing_tests != Strictness::Ignore {
                shape.missing = self.missing(tried, site, progress)?;
            }
        }
        for file in &done.files {
            if let Fate::Refused { why } = &file.fate {
                shape.refused.push((file.name.clone(), why.clone()));
            }
        }
        let ward = match Ward::open(directory, None) {
            Ok(ward) => Some(ward),
            Err(AppError::NoQuarantinePlace) => None,
            Err(error) => return Err(error),
        };
        let quarantined = |series: u32| {
            let named = tried
                .as_ref()
                .and_then(|tried| tried.judged.tests.get(series as usize));
            named.is_some_and(|(test, variant)| {
                let entries = ward.iter().flat_map(|ward| &ward.quarantine.tests);
                let mut entries = entries.filter(|entry| entry.until >= request.today);
                entries.any(|entry| {
                    entry.test == *test && (entry.variant.is_empty() || entry.variant == *variant)
                })
            })
        };
        // Decided in the order of what is shown.
        let judged: Vec<_> = view.failures().map(|one| one.judged.clone()).collect();
        let decision = decide(&policy, &judged, &shape, quarantined);
        let failures = view.causes.iter_mut().flat_map(|cause| &mut cause.failures);
        for (failure, ruling) in failures.zip(&decision.rulings) {
            failure.ruling = Some(*ruling);
        }
        view.gate = Some(Gate {
            decision,
            missing: shape.missing,
            refused: shape.refused,
        });
        Ok(view)
    }

    /// Tests that ran in the parts before of the same job and not in this run. A test that the graph has at the run's commit no
    /// longer, and had before, was removed and is not missing.
    fn missing(
        &self,
        tried: &Tried,
        site: &Site,
        progress: &dyn Progress,
    ) -> Result<Vec<String>, AppError> {
        let parts = &tried.judged.parts;
        let mut ran: FxHashSet<TestId> = FxHashSet::default();
        for at in &tried.run {
            ran.extend(self.tests_of(&parts[*at as usize], false)?);
        }
        let mut gone: Vec<TestId> = Vec::new();
        let mut asked = FxHashSet::default();
        let mut last = None;
        for at in &tried.run {
            let part = &parts[*at as usize];
            if !asked.insert(job(part)) {
                continue;
            }
            let before = parts[..*at as usize].iter().rev();
            let before: Vec<&PastPart> = before
                .filter(|earlier| earlier.complete && job(earlier) == job(part))
                .take(BEFORE)
                .collect();
            let Some((newest, older)) = before.split_first() else {
                continue;
            };
            let mut expected = self.tests_of(newest, true)?;
            for part in older {
                let also = self.tests_of(part, true)?;
                expected.retain(|test| also.contains(test));
            }
            gone.extend(expected.into_iter().filter(|test| !ran.contains(test)));
            last = last.or(newest.context.commit.clone());
        }
        gone.sort();
        gone.dedup();
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let now = tried
            .run
            .first()
            .and_then(|at| parts[*at as usize].context.commit.clone());
        let graphs = site.workspace().and_then(|workspace| {
            let graph =
                |commit: Option<String>| workspace.graph_at(commit.as_deref(), progress).ok();
            Some((graph(Some(last?))?, graph(Some(now?))?))
        });
        if let Some((before, now)) = &graphs {
            let (before, now) = (known(before), known(now));
            gone.retain(|test| !(before.join(test).is_some() && now.join(test).is_none()));
        }
        Ok(gone.iter().map(ToString::to_string).collect())
    }

    /// The tests of a part: those that ran, or all that it names.
    fn tests_of(&self, part: &PastPart, ran: bool) -> Result<FxHashSet<TestId>, AppError> {
        let mut tests = FxHashSet::default();
        self.read_only().results(part.part, &mut |window| {
            let window = window.into_iter().filter(|one| !ran || one.status.is_run());
            tests.extend(window.map(|one| one.test));
        })?;
        Ok(tests)
    }
}

/// What makes two parts the same job.
fn job(part: &PastPart) -> (Option<&str>, Option<&str>, Option<&str>) {
    let context = &part.context;
    (
        context.pipeline.as_deref(),
        context.job.as_deref(),
        context.shard.as_deref(),
    )
}

/// The branches that many people share.
pub(super) fn shared(config: &Config) -> Result<GlobSet, AppError> {
    let mut set = GlobSetBuilder::new();
    for glob in &config.shared_branches {
        let wrong = |source| AppError::Glob {
            glob: glob.clone(),
            source,
        };
        set.add(Glob::new(glob).map_err(wrong)?);
    }
    set.build().map_err(|source| AppError::Glob {
        glob: config.shared_branches.join(", "),
        source,
    })
}
