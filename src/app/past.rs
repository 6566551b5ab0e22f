//! The history as the commands ask it.

use std::path::Path;

use super::store::{self, Location};
use super::{AppError, Progress, Workspace};
use crate::history::{FailureRow, History, Query, Stay};
use crate::model::{PartId, PastPart, Seen, Series, TestId, Timestamp, Variant};
use crate::report::history::{Outcome, Told};

/// An open history.
pub struct Past {
    pub(super) history: History,
}

/// Which parts of runs a question is about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct PastQuery {
    /// At this commit; the beginning of its id will do.
    pub commit: Option<String>,
    /// On this branch.
    pub branch: Option<String>,
    /// Of this run of a pipeline.
    pub run_id: Option<String>,
    /// Begun at this moment or later.
    pub since: Option<Timestamp>,
    /// Begun at this moment or earlier.
    pub until: Option<Timestamp>,
    /// The newest so many.
    pub limit: Option<usize>,
}

/// The test that somebody means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// This one.
    One(TestId),
    /// One of these, and so many more.
    Many(Vec<TestId>, usize),
    /// None.
    None,
}

/// Parts of runs with what was seen in them.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The parts, oldest first.
    pub parts: Vec<PastPart>,
    seen: Vec<(usize, Variant, Seen)>,
    failures: Vec<(usize, FailureRow)>,
}

/// So many names are listed where several could be meant.
const LISTED: usize = 10;
/// So many failures of a test are told.
const NEWEST: usize = 5;

impl Story {
    /// What was seen, oldest first.
    pub fn outcomes(&self) -> Vec<Outcome<'_>> {
        self.seen
            .iter()
            .map(|(index, variant, seen)| Outcome {
                part: &self.parts[*index],
                variant,
                seen: *seen,
            })
            .collect()
    }

    /// Failures with their messages.
    pub fn told(&self) -> Vec<Told<'_>> {
        self.failures
            .iter()
            .map(|(index, row)| Told {
                part: &self.parts[*index],
                test: &row.test,
                status: row.status,
                message: match row.failure.message.trim() {
                    "" => &row.failure.stack,
                    _ => &row.failure.message,
                },
            })
            .collect()
    }
}

/// What a store's files looked like at one moment, see [`Past::stamp`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stamp([Option<(std::time::SystemTime, u64)>; 2]);

impl Past {
    /// Opens the history that `db` names, or that of the repository around `directory`, to ask it.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(directory: &Path, db: Option<&Path>) -> Result<Self, AppError> {
        let location = store::locate(directory, db)?;
        Ok(Self {
            history: store::open_to_read(&location)?,
        })
    }

    /// Of the store's files, when they were last written to and how long they are: another answer means that the history may
    /// have changed.
    ///
    /// # Errors
    /// There is no place for a store.
    pub fn stamp(directory: &Path, db: Option<&Path>) -> Result<Stamp, AppError> {
        let path = store::locate(directory, db)?.path;
        let mut log = path.clone().into_os_string();
        log.push("-wal");
        let of = |path: &Path| {
            let about = path.metadata().ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        Ok(Stamp([of(&path), of(Path::new(&log))]))
    }

    /// The same, to change it; it must be there.
    ///
    /// # Errors
    /// There is none, or it cannot be written.
    pub fn open_to_write(directory: &Path, db: Option<&Path>) -> Result<Self, AppError> {
        let location = store::locate(directory, db)?;
        if !location.path.exists() {
            return Err(AppError::NoHistory {
                path: location.path,
            });
        }
        Self::make(directory, &location)
    }

    /// The same; it is made where it is not there.
    ///
    /// # Errors
    /// It cannot be made or written.
    pub fn open_to_make(directory: &Path, db: Option<&Path>) -> Result<Self, AppError> {
        Self::make(directory, &store::locate(directory, db)?)
    }

    fn make(directory: &Path, location: &Location) -> Result<Self, AppError> {
        Ok(Self {
            history: store::open_to_write(directory, location)?,
        })
    }

    /// The history itself, to be asked only.
    pub(super) fn read_only(&self) -> &History {
        &self.history
    }

    /// The history itself.
    pub fn history(&mut self) -> &mut History {
        &mut self.history
    }

    /// Every stay of a test in quarantine, by the day it began.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn stays(&self) -> Result<Vec<Stay>, AppError> {
        Ok(self.history.stays()?)
    }

    /// The test that somebody means by a name, or a part of one.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn find(&self, name: &str) -> Result<Found, AppError> {
        let mut tests = self.history.find(name)?;
        if tests.len() > 1 {
            let more = tests.len().saturating_sub(LISTED);
            tests.truncate(LISTED);
            return Ok(Found::Many(tests, more));
        }
        Ok(tests.pop().map_or(Found::None, Found::One))
    }

    /// Parts of runs, oldest first.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn parts(&self, query: &PastQuery) -> Result<Vec<PastPart>, AppError> {
        let mut parts = self.history.parts(&self.query(query))?;
        parts.retain(|part| is_asked(part, query));
        if let Some(limit) = query.limit {
            parts.drain(..parts.len().saturating_sub(limit));
        }
        Ok(parts)
    }

    /// Hands over the series of every test in these parts.
    ///
    /// # Errors
    /// The history cannot be read.
    pub(super) fn series(
        &self,
        parts: &[PastPart],
        each: &mut dyn FnMut(Series),
    ) -> Result<(), AppError> {
        Ok(self.history.series(parts, each)?)
    }

    fn query(&self, query: &PastQuery) -> Query {
        Query {
            since: query.since,
            branch: query.branch.clone(),
            ..Query::default()
        }
    }

    /// One test's past.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn test(&mut self, test: &TestId, query: &PastQuery) -> Result<Story, AppError> {
        let all = self.query(query);
        let parts = self.history.parts(&all)?;
        let mut seen: Vec<(usize, Variant, Seen)> = Vec::new();
        for (_, variant, it) in self.history.line(test, &all)? {
            let index = it.part as usize;
            if parts.get(index).is_some_and(|part| is_asked(part, query)) {
                seen.push((index, variant, it));
            }
        }
        if let Some(limit) = query.limit {
            seen.drain(..seen.len().saturating_sub(limit));
        }
        let mut failures = Vec::new();
        let bad = seen
            .iter()
            .rev()
            .filter(|(_, _, seen)| seen.bad_attempts > 0);
        let mut indices: Vec<usize> = bad.map(|(index, _, _)| *index).collect();
        indices.dedup();
        for index in indices.into_iter().take(NEWEST) {
            let rows = self.failures(&parts[index], Some(test))?;
            failures.extend(rows.into_iter().map(|row| (index, row)));
        }
        Ok(Story {
            parts,
            seen,
            failures,
        })
    }

    /// One part with its failures; `None` for a part that is not there.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn part(&mut self, id: PartId) -> Result<Option<Story>, AppError> {
        let all = self.history.parts(&Query::default())?;
        let Some(part) = all.into_iter().find(|part| part.part == id) else {
            return Ok(None);
        };
        let rows = self.failures(&part, None)?;
        Ok(Some(Story {
            parts: vec![part],
            seen: Vec::new(),
            failures: rows.into_iter().map(|row| (0, row)).collect(),
        }))
    }

    fn failures(
        &mut self,
        part: &PastPart,
        test: Option<&TestId>,
    ) -> Result<Vec<FailureRow>, AppError> {
        let query = Query {
            run: Some(part.run),
            ..Query::default()
        };
        let mut rows = self.history.failures(&query, test)?;
        rows.retain(|row| row.part == part.part);
        Ok(rows)
    }

    /// Links an old name to a new one. The old one must be known by its full name; the new one may be yet unseen, as
    /// `class::name`.
    ///
    /// # Errors
    /// The old name is no test's, or the link would lead back to where it begins.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(TestId, TestId), AppError> {
        let old = self.exact(old)?;
        let new = match self.exact(new) {
            Ok(new) => new,
            Err(_) => named(new),
        };
        self.history.rename(&old, &new)?;
        Ok((old, new))
    }

    /// Takes a link back; `false` where there is none.
    ///
    /// # Errors
    /// The name is no test's.
    pub fn unrename(&mut self, old: &str) -> Result<bool, AppError> {
        let old = self.exact(old)?;
        Ok(self.history.unrename(&old)?)
    }

    /// The links, old names first.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn renames(&self) -> Result<Vec<(TestId, TestId)>, AppError> {
        Ok(self.history.renames()?)
    }

    /// Links that git's renames suggest: tests of the history whose file went to another path between `base` and the
    /// working tree, where the graph knows the same case.
    ///
    /// # Errors
    /// There is no repository or no such revision, or the graph cannot be laid out.
    pub fn proposals(
        &self,
        directory: &Path,
        base: &str,
        progress: &dyn Progress,
    ) -> Result<Vec<(TestId, TestId)>, AppError> {
        let workspace = Workspace::open(directory, false)?;
        workspace.renamed(&self.history.tests()?, base, progress)
    }

    /// The test of exactly this name.
    fn exact(&self, name: &str) -> Result<TestId, AppError> {
        let tests = self.history.find(name)?;
        let exact = tests.iter().find(|test| test.to_string() == name);
        exact.cloned().ok_or_else(|| AppError::Unknown {
            what: "test",
            name: name.to_owned(),
            near: tests.iter().take(3).map(ToString::to_string).collect(),
        })
    }
}

/// `class::name[params]` as an id.
fn named(text: &str) -> TestId {
    let (name, params) = match text.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
        Some((name, params)) if !name.is_empty() => (name, params),
        _ => (text, ""),
    };
    let (class, name) = name.split_once("::").unwrap_or(("", name));
    TestId::of(class, name).with_params(params)
}

/// What the store's query does not tell.
fn is_asked(part: &PastPart, query: &PastQuery) -> bool {
    let commit = part.context.commit.as_deref().unwrap_or_default();
    let wanted = query.commit.as_deref().unwrap_or_default();
    let run = query.run_id.as_ref();
    let early = query.until.is_none_or(|until| part.start <= until);
    early
        && commit.starts_with(wanted)
        && run.is_none_or(|run| part.context.run_id.as_ref() == Some(run))
}
