//! Reading a part back, with everything that was kept of it.

use std::sync::Arc;

use super::block::status_of;
use super::error::unreadable;
use super::store::{ChunkRow, DetailRow, PartRow};
use super::{History, HistoryError, Kept, Outcomes, Query, roster};
use crate::model::{
    Attempt, Failure, LogSeconds, Part, PartId, PastPart, Status, TestId, TestResult, Timestamp,
    Variant,
};

/// A part as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPart {
    /// What is known of it as a whole.
    pub past: PastPart,
    /// When it was stored.
    pub stored: Timestamp,
    /// How much of it is left.
    pub kept: Kept,
    /// What was stored. Durations are as precise as [`LogSeconds`]. Where only outcomes are left, `earlier` holds as
    /// many failed attempts as there were bad ones, of which nothing else is known.
    pub part: Part,
}

/// What went wrong in one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureRow {
    /// In which part.
    pub part: PartId,
    /// Which test.
    pub test: TestId,
    /// In which variant.
    pub variant: Variant,
    /// How the attempt ended.
    pub status: Status,
    /// 0 for the last attempt, 1, 2, … for those before it, in order.
    pub attempt: u32,
    /// What went wrong.
    pub failure: Failure,
}

impl History {
    /// A part with its results: in the order of execution where that is kept, else in the order of first appearance.
    ///
    /// Cost: memory for all results; [`History::results`] reads window by window.
    ///
    /// # Errors
    /// [`HistoryError::NoPart`]; [`HistoryError::Unreadable`] for a damaged one.
    pub fn part(&self, id: PartId) -> Result<StoredPart, HistoryError> {
        let mut stored = self.header(id)?;
        let mut results = Vec::new();
        self.results(id, &mut |window| results.extend(window))?;
        stored.part.results = results;
        Ok(stored)
    }

    /// What is known of a part besides its results.
    ///
    /// # Errors
    /// [`HistoryError::NoPart`].
    pub fn header(&self, id: PartId) -> Result<StoredPart, HistoryError> {
        let row = self.store.part_row(id.0)?;
        let sources = self.store.sources(id.0)?;
        Ok(stored_part(row, sources))
    }

    /// Calls `each` with the results of a part, a window at a time.
    ///
    /// # Errors
    /// [`HistoryError::NoPart`]; [`HistoryError::Unreadable`] for a damaged window.
    pub fn results(
        &self,
        id: PartId,
        each: &mut dyn FnMut(Vec<TestResult>),
    ) -> Result<(), HistoryError> {
        let kept = self.store.part_row(id.0)?.kept;
        for (chunk, _) in self.store.chunk_rosters(id.0)? {
            each(self.window(chunk, kept)?);
        }
        Ok(())
    }

    /// The tests of a part in the order in which they ran; `None` where that is not known or no longer kept.
    ///
    /// # Errors
    /// [`HistoryError::NoPart`]; [`HistoryError::Unreadable`] for a damaged order.
    pub fn order(&self, id: PartId) -> Result<Option<Vec<(TestId, Variant)>>, HistoryError> {
        let mut ran = Vec::new();
        self.store.part_row(id.0)?;
        for chunk in self.store.chunks(id.0)? {
            let roster = self.memo.borrow_mut().roster(&self.store, chunk.roster)?;
            let Some(steps) = self.steps(&chunk)? else {
                return Ok(None);
            };
            self.memo
                .borrow_mut()
                .load_names(&self.store, &roster.members)?;
            for step in steps {
                let member = roster.members.get(step as usize).copied();
                let (test, variant) = self.memo.borrow_mut().name(member.unwrap_or(u32::MAX))?;
                ran.push((test, plain(variant)));
            }
        }
        Ok((!ran.is_empty()).then_some(ran))
    }

    /// What went wrong in the parts that a query asks for, of one test or of all, oldest part first.
    ///
    /// Cost: of one test, one block a part; of all, one row a failure.
    ///
    /// # Errors
    /// [`HistoryError`] of the store; [`HistoryError::Unreadable`] for a damaged block or text.
    pub fn failures(
        &self,
        query: &Query,
        test: Option<&TestId>,
    ) -> Result<Vec<FailureRow>, HistoryError> {
        let only = match test {
            Some(test) => Some(self.series_of(test)?),
            None => None,
        };
        // one view: else each of the many statements locks the file
        let _view = self.store.snapshot()?;
        let mut failures = Vec::new();
        let mut outcomes = Outcomes::default();
        for past in self.parts(query)? {
            for chunk in self.store.chunks(past.part.0)? {
                let roster = self.memo.borrow_mut().roster(&self.store, chunk.roster)?;
                self.codec
                    .borrow_mut()
                    .decode_exceptions(&chunk.block, &mut outcomes)
                    .map_err(unreadable(format!("block {}", chunk.id)))?;
                for exception in &outcomes.exceptions {
                    let Some(series) = roster.members.get(exception.position as usize) else {
                        continue;
                    };
                    let asked = only.as_ref().is_none_or(|only| only.contains(series));
                    if !exception.detailed || !asked {
                        continue;
                    }
                    self.memo.borrow_mut().load_names(&self.store, &[*series])?;
                    let (test, variant) = self.memo.borrow_mut().name(*series)?;
                    for row in self.store.details(past.part.0, *series)? {
                        if let Some(failure) = self.failure(&row)? {
                            failures.push(FailureRow {
                                part: past.part,
                                test: test.clone(),
                                variant: plain(variant.clone()),
                                status: row.status.and_then(status_of).unwrap_or(exception.status),
                                attempt: row.attempt,
                                failure,
                            });
                        }
                    }
                }
            }
        }
        Ok(failures)
    }

    pub(super) fn decode(
        &self,
        block: &[u8],
        usual: &[u8],
        chunk: i64,
        into: &mut Outcomes,
    ) -> Result<(), HistoryError> {
        self.codec
            .borrow_mut()
            .decode(block, usual, into)
            .map_err(unreadable(format!("block {chunk}")))
    }

    fn steps(&self, chunk: &ChunkRow) -> Result<Option<Vec<u32>>, HistoryError> {
        let Some(ordering) = chunk.ordering else {
            return Ok(None);
        };
        let steps = self.store.ordering(ordering)?;
        roster::decode_order(&mut self.memo.borrow_mut().packer, &steps)
            .map(Some)
            .map_err(unreadable(format!("order {ordering}")))
    }

    /// The results of one chunk.
    fn window(&self, id: i64, kept: Kept) -> Result<Vec<TestResult>, HistoryError> {
        let chunk = self.store.chunk(id)?;
        let roster = self.memo.borrow_mut().roster(&self.store, chunk.roster)?;
        let mut outcomes = Outcomes::default();
        self.decode(&chunk.block, &roster.usual, id, &mut outcomes)?;
        if outcomes.count as usize != roster.members.len() {
            return Err(unreadable(format!("block {id}"))(
                super::CodecError::Damaged,
            ));
        }
        self.memo
            .borrow_mut()
            .load_names(&self.store, &roster.members)?;
        let mut results = Vec::with_capacity(roster.members.len());
        for (position, member) in roster.members.iter().enumerate() {
            let (test, variant) = self.memo.borrow_mut().name(*member)?;
            let code = outcomes.durations.get(position).copied();
            let duration = code.and_then(|code| LogSeconds::from_code(code).seconds());
            let mut result = TestResult::new(test, Status::Passed, duration);
            result.variant = variant;
            results.push(result);
        }
        for exception in &outcomes.exceptions {
            let result = &mut results[exception.position as usize];
            result.status = exception.status;
            result.unordered = exception.unordered;
            let series = roster.members[exception.position as usize];
            if exception.detailed {
                let rows = self.store.details(chunk.part(), series)?;
                self.fill(result, &rows)?;
            } else if kept == Kept::Outcomes {
                let earlier = exception
                    .bad_attempts
                    .saturating_sub(u8::from(exception.status.is_bad()));
                let unknown = Attempt {
                    status: Status::Failed,
                    duration: None,
                    start: None,
                    failures: Vec::new(),
                };
                result.earlier = vec![unknown; usize::from(earlier)];
            }
        }
        let steps = self.steps(&chunk)?;
        let in_steps = |index: usize| match &steps {
            Some(steps) => steps.get(index).map_or(index, |step| *step as usize),
            None => index,
        };
        for (index, start) in outcomes.starts.iter().enumerate() {
            if let Some(result) = results.get_mut(in_steps(index)) {
                result.start = start.map(Timestamp);
            }
        }
        if steps.is_some() {
            let mut slots: Vec<Option<TestResult>> = results.into_iter().map(Some).collect();
            let count = slots.len();
            results = (0..count)
                .filter_map(|index| slots.get_mut(in_steps(index))?.take())
                .collect();
        }
        Ok(results)
    }

    /// Puts rows of details back into their result.
    fn fill(&self, result: &mut TestResult, rows: &[DetailRow]) -> Result<(), HistoryError> {
        for row in rows {
            let failure = self.failure(row)?;
            if row.attempt == 0 {
                result.failures.extend(failure);
                continue;
            }
            if result.earlier.len() < row.attempt as usize {
                let code = row.duration.unwrap_or_default();
                result.earlier.push(Attempt {
                    status: row.status.and_then(status_of).unwrap_or(Status::Failed),
                    duration: LogSeconds::from_code(code).seconds(),
                    start: row.start.map(Timestamp),
                    failures: Vec::new(),
                });
            }
            if let Some(attempt) = result.earlier.last_mut() {
                attempt.failures.extend(failure);
            }
        }
        Ok(())
    }

    fn failure(&self, row: &DetailRow) -> Result<Option<Failure>, HistoryError> {
        let Some([kind, message, stack]) = row.texts else {
            return Ok(None);
        };
        Ok(Some(Failure {
            kind: self.store.text(kind)?,
            message: self.store.text(message)?,
            stack: self.store.text(stack)?,
        }))
    }
}

pub(super) fn plain(variant: Option<Arc<Variant>>) -> Variant {
    variant.map_or_else(Variant::default, |variant| (*variant).clone())
}

fn stored_part(row: PartRow, sources: Vec<crate::model::Source>) -> StoredPart {
    StoredPart {
        stored: row.stored,
        kept: row.kept,
        part: Part {
            context: row.past.context.clone(),
            duration: row.past.duration,
            results: Vec::new(),
            in_order: row.in_order && row.kept == Kept::All,
            complete: row.past.complete,
            producer: row.producer,
            errors_outside_tests: row.errors_outside,
            sources,
        },
        past: row.past,
    }
}
