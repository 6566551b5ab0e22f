//! `tia quarantine`: the file, what the history says of the tests in it, and how runners are told.

use std::fs;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::flaky::{Flaky, FlakyQuery};
use super::site::Site;
use super::{AppError, Past, PastQuery, Progress};
use crate::config::{QUARANTINE_FILE, Quarantine};
use crate::flaky::Standing;
use crate::flaky::quarantine::{Advice, Limits, Since, advise, is_bad, may_enter};
use crate::history::Query;
use crate::model::{Date, Pattern, Quarantined, Seconds, Series, TestId, Timestamp};
use crate::repo::Repo;
use crate::report::nightly::Review;
use crate::triage::signature::signature;

/// So many messages of a test are remembered.
const MESSAGES: usize = 8;

/// The quarantine and its file.
#[derive(Debug)]
pub struct Ward {
    path: PathBuf,
    /// What the file says.
    pub quarantine: Quarantine,
    /// What `tia.toml` says of it.
    pub limits: Limits,
}

/// What somebody says of a test that is to come in.
#[derive(Clone, Debug)]
pub struct Entering {
    /// Who answers for it; CODEOWNERS says, where nobody is named.
    pub owner: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Where it is being dealt with.
    pub link: Option<String>,
    /// The day it comes.
    pub today: Date,
    /// The last day it may stay.
    pub until: Date,
}

/// A quarantined test and what should be done with it.
#[derive(Clone, Debug)]
pub struct Reviewed {
    /// The entry.
    pub entry: Quarantined,
    /// The last day it may stay.
    pub until: Date,
    /// How often it was in before.
    pub stays_before: usize,
    /// What the history says of it.
    pub advice: Advice,
}

impl Reviewed {
    /// Whether somebody should look at it, and why.
    pub fn due(&self) -> Option<Review> {
        let why = match &self.advice {
            Advice::Alarm(why) => why.join("; "),
            Advice::Expired => {
                "its time is up: repair it, remove it, or give it a later day".to_owned()
            }
            Advice::Release(runs) => {
                format!("it healed: the sequential test is sure after {runs} results")
            }
            Advice::Stay { .. } => return None,
        };
        Some(Review {
            test: named(&self.entry),
            owner: self.entry.owner.clone(),
            since: self.entry.since.to_string(),
            until: self.until.to_string(),
            stays_before: self.stays_before,
            why,
            alarm: matches!(self.advice, Advice::Alarm(_)),
        })
    }
}

/// An entry's test with its variant.
pub fn named(entry: &Quarantined) -> String {
    if entry.variant.is_empty() {
        entry.test.to_string()
    } else {
        format!("{} ({})", entry.test, entry.variant)
    }
}

impl Ward {
    /// Reads the file that was named, or that of the repository around `directory`; one that is not there is empty.
    ///
    /// # Errors
    /// There is no repository, or the file or `tia.toml` cannot be read or used.
    pub fn open(directory: &Path, file: Option<&Path>) -> Result<Self, AppError> {
        let repo = Repo::discover(directory).ok();
        let path = match file {
            Some(file) => directory.join(file),
            None => {
                let top = repo.as_ref().and_then(Repo::work_dir);
                top.ok_or(AppError::NoQuarantinePlace)?
                    .join(QUARANTINE_FILE)
            }
        };
        let limits = match &repo {
            Some(repo) => super::read_config(repo)?.quarantine,
            None => Limits::default(),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(AppError::Unreadable { path, source }),
        };
        let quarantine = Quarantine::parse(&text)?;
        Ok(Self {
            path,
            quarantine,
            limits,
        })
    }

    /// Tells the history what the file says, so that who was in when can be asked later; `left`: why tests went. Where there is no
    /// history yet, nothing is told.
    ///
    /// # Errors
    /// The history cannot be written.
    pub fn mirror(
        &self,
        directory: &Path,
        db: Option<&Path>,
        left: &[(TestId, String)],
        now: Timestamp,
    ) -> Result<(), AppError> {
        if !super::store::locate(directory, db)?.path.exists() {
            return Ok(());
        }
        let mut past = Past::open_to_write(directory, db)?;
        past.history().mirror(&self.quarantine.tests, left, now)?;
        Ok(())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file, beside its place and then to it, so that it is never half there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self) -> Result<(), AppError> {
        let output = |source| AppError::Output { source };
        let beside = self.path.with_extension("toml.new");
        fs::write(&beside, self.quarantine.text()).map_err(output)?;
        fs::rename(&beside, &self.path).map_err(output)
    }

    /// So many tests an owner may have in.
    pub fn budget(&self, owner: Option<&str>) -> u32 {
        self.quarantine.budget(owner, self.limits.budget)
    }

    /// Whether a test (in all or any variant) is in.
    pub fn has(&self, test: &TestId) -> bool {
        self.quarantine
            .tests
            .iter()
            .any(|entry| entry.test == *test)
    }

    /// Entries whose name is, or holds, this text; the exact one alone where there is one.
    pub fn find(&self, name: &str) -> Vec<TestId> {
        let all = self.quarantine.tests.iter().map(|entry| &entry.test);
        let shown: Vec<(&TestId, String)> = all.map(|test| (test, test.to_string())).collect();
        let exact = shown.iter().filter(|(_, shown)| shown == name);
        let mut found: Vec<TestId> = exact.map(|(test, _)| (*test).clone()).collect();
        if found.is_empty() {
            let within = shown.iter().filter(|(_, shown)| shown.contains(name));
            found = within.map(|(test, _)| (*test).clone()).collect();
        }
        found.dedup();
        found
    }
}

impl Past {
    /// Tests that the policy would let in, the costliest first: surely flaky, surely not broken, not in yet.
    pub fn candidates(flaky: &Flaky, ward: &Ward) -> Vec<TestId> {
        let rows = flaky.view.rows.iter().filter(|row| {
            let standing = flaky.judged.assessment.tests.get(row.series as usize);
            standing.is_some_and(|it| may_enter(&ward.limits, it)) && !ward.has(&row.test)
        });
        let mut found: Vec<TestId> = Vec::new();
        for row in rows {
            if !found.contains(&row.test) {
                found.push(row.test.clone());
            }
        }
        found
    }

    /// The entry of a test as it stands now.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn entry(
        &mut self,
        test: &TestId,
        flaky: &Flaky,
        entering: &Entering,
    ) -> Result<Quarantined, AppError> {
        let judged = &flaky.judged;
        let mut pattern = Pattern::default();
        let mut seconds = Vec::new();
        for (number, series) in judged.failing.iter().filter(|(_, it)| it.test == *test) {
            if let Some(standing) = judged.assessment.tests.get(*number as usize) {
                pattern.ran += standing.ran;
                pattern.flaked += flaked(standing);
                pattern.rate = pattern.rate.max(standing.rate.mean.get());
            }
            seconds.extend(durations(series, 0));
        }
        seconds.sort_by(f64::total_cmp);
        pattern.seconds = seconds.get(seconds.len() / 2).copied();
        let query = Query {
            since: flaky.query.since,
            branch: flaky.query.branch.clone(),
            ..Query::default()
        };
        for row in self.history().failures(&query, Some(test))? {
            let message = signature(&row.failure).title();
            if pattern.messages.len() < MESSAGES && !pattern.messages.contains(&message) {
                pattern.messages.push(message);
            }
        }
        let row = flaky.view.rows.iter().find(|row| row.test == *test);
        let owner = row.and_then(|row| row.owners.first().cloned());
        let reason = match row {
            Some(row) => format!(
                "fails without cause: {} of {} results",
                row.without_cause.round(),
                row.ran
            ),
            None => "by hand".to_owned(),
        };
        Ok(Quarantined {
            test: test.clone(),
            variant: crate::model::Variant::default(),
            owner: entering.owner.clone().or(owner),
            reason: entering.reason.clone().unwrap_or(reason),
            link: entering.link.clone(),
            since: entering.today,
            until: entering.until,
            pattern,
        })
    }

    /// What the history says of each test in quarantine. Results of the day it came and later count.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn review(&mut self, ward: &Ward, today: Date) -> Result<Vec<Reviewed>, AppError> {
        let entries = &ward.quarantine.tests;
        let Some(oldest) = entries.iter().map(|entry| entry.since.start()).min() else {
            return Ok(Vec::new());
        };
        let mut query = self.window(&FlakyQuery::default())?;
        query.since = query.since.map(|since| since.min(oldest));
        let judged = self.assess(&query)?;
        let stays = self.stays()?;
        let mut reviewed = Vec::with_capacity(entries.len());
        for entry in entries {
            let border = judged
                .parts
                .partition_point(|part| part.start < entry.since.start());
            let mut since = Since::default();
            let of_entry = judged.failing.iter().filter(|(_, series)| {
                series.test == entry.test
                    && (entry.variant.is_empty() || series.variant == entry.variant)
            });
            let mut seen = Vec::new();
            for (number, series) in of_entry {
                let later = series
                    .seen
                    .iter()
                    .filter(|it| it.part as usize >= border && it.status.is_run());
                seen.extend(later.map(|it| (it.part, is_bad(it.status, it.bad_attempts))));
                since.seconds.extend(durations(series, border as u32));
                if let Some(standing) = judged.assessment.tests.get(*number as usize) {
                    let broken = standing.broken.iter().map(|broken| broken.now.get());
                    since.broken = broken.fold(since.broken, f64::max);
                }
            }
            if seen.is_empty() {
                // a test that never failed in this time is not among the failing ones
                seen = self.passes(entry, &query, border)?;
            }
            seen.sort_unstable();
            since.bad = seen.into_iter().map(|(_, bad)| bad).collect();
            if since.bad.contains(&true) {
                let query = Query {
                    since: Some(entry.since.start()),
                    ..Query::default()
                };
                for row in self.history().failures(&query, Some(&entry.test))? {
                    let message = signature(&row.failure).title();
                    if !since.messages.contains(&message) {
                        since.messages.push(message);
                    }
                }
            }
            let before = stays.iter().map(|stay| &stay.entry).filter(|stay| {
                (&stay.test, &stay.variant) == (&entry.test, &entry.variant)
                    && stay.since < entry.since
            });
            reviewed.push(Reviewed {
                entry: entry.clone(),
                until: ward.limits.until(entry),
                stays_before: before.count(),
                advice: advise(&ward.limits, entry, &since, today),
            });
        }
        Ok(reviewed)
    }

    fn passes(
        &mut self,
        entry: &Quarantined,
        query: &PastQuery,
        border: usize,
    ) -> Result<Vec<(u32, bool)>, AppError> {
        if !self.history().tests()?.contains(&entry.test) {
            return Ok(Vec::new());
        }
        let story = self.test(&entry.test, query)?;
        let mut seen: Vec<(u32, bool)> = Vec::new();
        for outcome in story.outcomes() {
            let fits = entry.variant.is_empty() || *outcome.variant == entry.variant;
            if fits && outcome.seen.part as usize >= border && outcome.seen.status.is_run() {
                seen.push((
                    outcome.seen.part,
                    is_bad(outcome.seen.status, outcome.seen.bad_attempts),
                ));
            }
        }
        Ok(seen)
    }
}

fn flaked(standing: &Standing) -> f64 {
    standing
        .failures
        .iter()
        .map(|failing| failing.flake.get())
        .sum()
}

fn durations(series: &Series, from: u32) -> Vec<f64> {
    let seen = series.seen.iter().filter(|seen| seen.part >= from);
    seen.filter_map(|seen| seen.duration.seconds().map(Seconds::get))
        .collect()
}

/// How a runner is told which tests are in quarantine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// `--deselect=NODE`, an argument a line.
    Pytest,
    /// One filter expression that leaves them out.
    Nextest,
    /// `--skip` and a name, an argument a line, for behind `cargo test --`.
    Cargo,
    /// One name a line.
    Lines,
}

impl Ward {
    /// The quarantined tests for a runner, and those it cannot be told of. Arguments leave the tests out of a run; let a
    /// second run that does not block take them in.
    pub fn export(
        &self,
        told: Told,
        directory: &Path,
        no_cache: bool,
        progress: &dyn Progress,
    ) -> (Vec<String>, Vec<TestId>) {
        let tests: Vec<&TestId> = self
            .quarantine
            .tests
            .iter()
            .map(|entry| &entry.test)
            .collect();
        let mut lines = Vec::new();
        let mut left_out = Vec::new();
        let nodes: FxHashMap<&TestId, String> = match told {
            Told::Pytest => Site::open(directory, no_cache)
                .nodes(&tests, progress)
                .into_iter()
                .zip(&tests)
                .filter_map(|(node, test)| Some((*test, node?)))
                .collect(),
            _ => FxHashMap::default(),
        };
        for test in tests {
            let line = match told {
                Told::Lines => Some(test.to_string()),
                Told::Cargo => Some(format!("--skip={}", test.name())),
                Told::Nextest => (!test.class().is_empty())
                    .then(|| format!("(binary_id(={}) & test(={}))", test.class(), test.name())),
                Told::Pytest => nodes.get(test).map(|node| format!("--deselect={node}")),
            };
            match line {
                Some(line) if !lines.contains(&line) => lines.push(line),
                Some(_) => {}
                None => left_out.push(test.clone()),
            }
        }
        if told == Told::Nextest && !lines.is_empty() {
            lines = vec![format!("not ({})", lines.join(" | "))];
        }
        (lines, left_out)
    }
}
