//! Storing: one part, one transaction, window by window.

use std::collections::HashMap;
use std::sync::Arc;

use super::block::Exception;
use super::content::{self, ResultsPrint, SequencePrint, SetPrint};
use super::error::unreadable;
use super::memo::{Roster, Sequence};
use super::store::{DetailRow, Totals};
use super::{Added, History, HistoryError, Kept, Outcomes, roster};
use crate::model::{
    Failure, Fingerprint, LogSeconds, Part, PartId, TestResult, Timestamp, Variant,
};

/// Results of one window of [`History::add_part`]; a part of fewer is one block.
const WINDOW: usize = 1 << 20;
/// [`History::add_parts`] commits after so many parts or results.
const BATCH_PARTS: usize = 256;
const BATCH_RESULTS: usize = 1 << 18;

/// A part that is being stored. Dropped before [`PartWriter::finish`], nothing of it was ever there.
pub struct PartWriter<'a> {
    history: &'a mut History,
    part: i64,
    in_order: bool,
    /// Within a batch: a savepoint, not a transaction.
    inner: bool,
    windows: u32,
    totals: Totals,
    print: ResultsPrint,
    /// From the second window on: which series were seen, to notice one that comes again.
    seen: Vec<u64>,
    first: Option<Arc<Roster>>,
    open: bool,
}

/// What a window says, as far as it needs no number of the store.
struct Told {
    /// For each result the print of its series.
    prints: Vec<Fingerprint>,
    /// For each result the code of its duration.
    codes: Vec<u8>,
    /// The results that are more than "passed at the first attempt".
    odd: Vec<usize>,
    any_start: bool,
    set: SetPrint,
    order: SequencePrint,
}

impl History {
    /// Begins a part whose results come in windows, so that a report of any size is stored in little memory.
    ///
    /// `in_order`: results come in the order of execution. Holds the store's write lock until finished or dropped.
    ///
    /// # Errors
    /// [`HistoryError::Busy`], [`HistoryError::ReadOnly`].
    pub fn begin(&mut self, in_order: bool) -> Result<PartWriter<'_>, HistoryError> {
        self.store.begin()?;
        self.writer(in_order, false)
    }

    fn writer(&mut self, in_order: bool, inner: bool) -> Result<PartWriter<'_>, HistoryError> {
        let part = self
            .memo
            .get_mut()
            .refresh(&self.store)
            .and_then(|()| self.store.next_part());
        match part {
            Ok(part) => Ok(PartWriter {
                history: self,
                part,
                in_order,
                inner,
                windows: 0,
                totals: Totals::default(),
                print: ResultsPrint::default(),
                seen: Vec::new(),
                first: None,
                open: true,
            }),
            Err(error) => {
                self.take_back(inner);
                Err(error)
            }
        }
    }

    /// Stores a part, whole or not at all. A part all of whose sources are known is not stored again, nor is one
    /// without sources that says what another one says. `stored` is now.
    ///
    /// Cost: about a tenth of a microsecond a result where the set of tests was seen before.
    ///
    /// # Errors
    /// [`HistoryError`]; nothing of the part was stored then.
    pub fn add_part(&mut self, part: &Part, stored: Timestamp) -> Result<Added, HistoryError> {
        self.store.begin()?;
        self.add_within(part, stored, Kept::All, None, false)
    }

    /// Stores many parts in few transactions: each part is still whole or not there, and one that is refused costs
    /// the others nothing. `stored` is now. Returns what became of each, up to the first error of the store itself;
    /// such an error takes back the batch that it came in (at most 256 parts) and is returned in place of the rest.
    pub fn add_parts(
        &mut self,
        parts: &[Part],
        stored: Timestamp,
    ) -> Vec<Result<Added, HistoryError>> {
        let mut done = Vec::with_capacity(parts.len());
        let mut rest = parts;
        while !rest.is_empty() {
            let mut results = 0;
            let batch = rest.iter().take(BATCH_PARTS).take_while(|part| {
                let fits = results < BATCH_RESULTS;
                results += part.results.len();
                fits
            });
            let (batch, later) = rest.split_at(batch.count());
            rest = later;
            if let Err(error) = self.add_batch(batch, stored, &mut done) {
                done.push(Err(error));
                break;
            }
        }
        done
    }

    fn add_batch(
        &mut self,
        batch: &[Part],
        stored: Timestamp,
        done: &mut Vec<Result<Added, HistoryError>>,
    ) -> Result<(), HistoryError> {
        let before = done.len();
        self.store.begin()?;
        for part in batch {
            let added = self
                .store
                .begin_inner()
                .and_then(|()| self.add_within(part, stored, Kept::All, None, true));
            match added {
                Err(error @ HistoryError::Twice(_)) => done.push(Err(error)),
                Err(error) => {
                    done.truncate(before);
                    self.take_back(false);
                    return Err(error);
                }
                added => done.push(added),
            }
        }
        self.store.commit().inspect_err(|_| {
            done.truncate(before);
            self.memo.get_mut().forget();
        })
    }

    /// Stores a part in the transaction that is open. `print`: of what the part once was, where it was thinned.
    pub(super) fn add_within(
        &mut self,
        part: &Part,
        stored: Timestamp,
        kept: Kept,
        print: Option<Fingerprint>,
        inner: bool,
    ) -> Result<Added, HistoryError> {
        let mut writer = self.writer(part.in_order && kept == Kept::All, inner)?;
        // a part of another store is known by its key alone: which of its sources are known depends on the order
        if print.is_none()
            && let Some(known) = writer.known(part)?
        {
            return Ok(Added::Known(known));
        }
        for window in part.results.chunks(WINDOW) {
            writer.window(window, kept)?;
        }
        writer.close(part, stored, kept, print)
    }

    /// Ends the transaction, or the savepoint, as if it had not been.
    pub(super) fn take_back(&mut self, inner: bool) {
        if inner {
            self.store.rollback_inner();
        } else {
            self.store.rollback();
        }
        self.memo.get_mut().forget();
    }
}

impl PartWriter<'_> {
    /// Stores a window of results. A window should hold some ten thousand: each becomes one block.
    ///
    /// # Errors
    /// [`HistoryError::Twice`] where a test comes again in the same variant; [`HistoryError`] of the store. The part
    /// is then to be dropped.
    pub fn add(&mut self, results: &[TestResult]) -> Result<(), HistoryError> {
        for window in results.chunks(WINDOW) {
            self.window(window, Kept::All)?;
        }
        Ok(())
    }

    /// Makes the part last. `header` says everything but the results, which are not looked at.
    ///
    /// # Errors
    /// [`HistoryError`]; nothing of the part was stored then.
    pub fn finish(self, header: &Part, stored: Timestamp) -> Result<Added, HistoryError> {
        if let Some(known) = self.known(header)? {
            return Ok(Added::Known(known));
        }
        self.close(header, stored, Kept::All, None)
    }

    /// The part that says the same, if all of the sources are known.
    fn known(&self, header: &Part) -> Result<Option<PartId>, HistoryError> {
        let mut part = None;
        for source in &header.sources {
            match self.history.store.find_source(source.contents)? {
                Some(known) => part = part.or(Some(PartId(known))),
                None => return Ok(None),
            }
        }
        Ok(part)
    }

    fn close(
        mut self,
        header: &Part,
        stored: Timestamp,
        kept: Kept,
        print: Option<Fingerprint>,
    ) -> Result<Added, HistoryError> {
        let store = &self.history.store;
        let print = print.unwrap_or_else(|| self.print.finish(header));
        let key = content::key(header, print);
        if let Some(known) = store.find_part(key)? {
            return Ok(Added::Known(PartId(known)));
        }
        if self.in_order && !header.in_order {
            store.forget_order(self.part)?;
        }
        let run = store.intern_run(content::run(&header.context, key))?;
        store.add_part_row(
            self.part,
            run,
            key,
            print,
            kept,
            header,
            &self.totals,
            stored,
        )?;
        self.open = false;
        let done = if self.inner {
            store.commit_inner()
        } else {
            store.commit()
        };
        match done {
            Ok(()) => Ok(Added::New(PartId(self.part))),
            Err(error) => {
                self.history.take_back(self.inner);
                Err(error)
            }
        }
    }

    fn window(&mut self, results: &[TestResult], kept: Kept) -> Result<(), HistoryError> {
        if results.is_empty() {
            return Ok(());
        }
        let told = self.look(results);
        let sequence = self.lay(results, &told)?;
        self.note_seen(&sequence.roster)?;
        let (positions, roster) = (&sequence.positions, &sequence.roster);
        let mut outcomes = Outcomes {
            count: results.len() as u32,
            durations: vec![0; results.len()],
            ..Outcomes::default()
        };
        for (position, code) in positions.iter().zip(&told.codes) {
            outcomes.durations[*position as usize] = *code;
        }
        let mut detailed = Vec::new();
        for index in told.odd {
            let result = &results[index];
            let exception = self.exception(result, positions[index]);
            outcomes.exceptions.push(exception);
            if exception.detailed {
                detailed.push(index);
            }
        }
        let odd = outcomes.exceptions.len() as u64;
        self.totals.results += results.len() as u64;
        self.totals.ran += results.len() as u64 - odd;
        outcomes
            .exceptions
            .sort_unstable_by_key(|exception| exception.position);
        if told.any_start {
            outcomes.starts = starts(results, positions, self.in_order);
        }
        if kept == Kept::Outcomes {
            outcomes.durations.clear();
            outcomes.starts.clear();
            outcomes
                .exceptions
                .iter_mut()
                .for_each(|e| e.detailed = false);
            detailed.clear();
        }
        let history = &mut *self.history;
        let block = history.codec.get_mut().encode(&outcomes, &roster.usual);
        let ordering = sequence.ordering.filter(|_| self.in_order);
        history
            .store
            .add_chunk(self.part, self.windows, roster.id, ordering, &block)?;
        self.windows += 1;
        for index in detailed {
            let series = roster.members[positions[index] as usize];
            self.details(series, &results[index])?;
        }
        Ok(())
    }

    /// The exception that a result is, counted.
    fn exception(&mut self, result: &TestResult, position: u32) -> Exception {
        let bad_attempts = u8::try_from(result.bad_attempts()).unwrap_or(u8::MAX);
        let totals = &mut self.totals;
        totals.ran += u64::from(result.status.is_run());
        totals.bad += u64::from(result.status.is_bad());
        totals.flaky += u64::from(result.is_flaky());
        totals.skipped += u64::from(!result.status.is_run());
        Exception {
            position,
            status: result.status,
            bad_attempts,
            unordered: result.unordered,
            detailed: !result.earlier.is_empty() || !result.failures.is_empty(),
        }
    }

    /// One pass over the results: everything that needs no number of the store.
    fn look(&mut self, results: &[TestResult]) -> Told {
        let mut told = Told {
            prints: Vec::with_capacity(results.len()),
            codes: Vec::with_capacity(results.len()),
            odd: Vec::new(),
            any_start: false,
            set: SetPrint::default(),
            order: SequencePrint::default(),
        };
        let mut variants = Variants::default();
        for (index, result) in results.iter().enumerate() {
            let variant = variants.print(result.variant.as_ref());
            let print = content::series(content::test(&result.test), variant);
            let duration = LogSeconds::of(result.duration);
            let plain = content::is_plain(result);
            if !plain {
                told.odd.push(index);
            }
            told.any_start |= result.start.is_some();
            told.set.add(print);
            told.order.add(print);
            told.codes.push(duration.code());
            told.prints.push(print);
            self.print
                .add(content::result(result, plain, print, duration));
            if self.in_order {
                self.print.add_order(print);
            }
        }
        told
    }

    /// Roster and positions of a window: from memory, from a stored order, or by interning.
    fn lay(&mut self, results: &[TestResult], told: &Told) -> Result<Sequence, HistoryError> {
        let order = told.order.finish();
        let memo = self.history.memo.get_mut();
        let store = &self.history.store;
        if let Some(known) = memo.sequence(order)
            && (known.ordering.is_some() || !self.in_order)
        {
            return Ok(known);
        }
        if self.in_order
            && let Some((ordering, roster, steps)) = store.find_ordering(order)?
        {
            let positions = roster::decode_order(&mut memo.packer, &steps)
                .map_err(unreadable(format!("order {ordering}")))?;
            let sequence = Sequence {
                roster: memo.roster(store, roster)?,
                positions: Arc::new(positions),
                ordering: Some(ordering),
            };
            memo.keep_sequence(order, &sequence);
            return Ok(sequence);
        }
        let numbers = self.numbers(results, &told.prints)?;
        let memo = self.history.memo.get_mut();
        let store = &self.history.store;
        let mut sorted: Vec<(u32, u32)> = numbers.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let test = &results[pair[1].1 as usize].test;
            return Err(HistoryError::Twice(test.to_string()));
        }
        let mut positions = vec![0; results.len()];
        for (position, (_, index)) in (0..).zip(&sorted) {
            positions[*index as usize] = position;
        }
        let print = told.set.finish();
        let roster = match store.find_roster(print)? {
            Some(id) => memo.roster(store, id)?,
            None => {
                let members: Vec<u32> = sorted.iter().map(|(number, _)| *number).collect();
                let usual: Vec<u8> = sorted
                    .iter()
                    .map(|(_, index)| told.codes[*index as usize])
                    .collect();
                let id = store.add_roster(
                    print,
                    members.len(),
                    &roster::encode_members(&mut memo.packer, &members),
                    &roster::encode_bytes(&mut memo.packer, &usual),
                )?;
                memo.keep_roster(Roster { id, members, usual })
            }
        };
        let ordering = if self.in_order {
            let steps = roster::encode_order(&mut memo.packer, &positions);
            Some(store.add_ordering(order, roster.id, &steps)?)
        } else {
            None
        };
        let sequence = Sequence {
            roster,
            positions: Arc::new(positions),
            ordering,
        };
        memo.keep_sequence(order, &sequence);
        Ok(sequence)
    }

    /// The series number of each result.
    fn numbers(
        &mut self,
        results: &[TestResult],
        prints: &[Fingerprint],
    ) -> Result<Vec<u32>, HistoryError> {
        let History { store, memo, .. } = &mut *self.history;
        let memo = memo.get_mut();
        let mut numbers = Vec::with_capacity(results.len());
        let mut variants: HashMap<String, i64> = HashMap::new();
        for (result, print) in results.iter().zip(prints) {
            if let Some(known) = memo.series.get(&print.0) {
                numbers.push(*known);
                continue;
            }
            let variant = match result.variant.as_deref() {
                Some(variant) if !variant.is_empty() => {
                    let pairs = variant.to_string();
                    match variants.get(&pairs) {
                        Some(known) => *known,
                        None => {
                            let id = store.intern_variant(&pairs)?;
                            variants.insert(pairs, id);
                            id
                        }
                    }
                }
                _ => 0,
            };
            let series = store.intern(&result.test, content::test(&result.test), variant)?;
            memo.keep_series(print.0, series);
            numbers.push(series);
        }
        Ok(numbers)
    }

    /// Notices a series that was in an earlier window.
    fn note_seen(&mut self, roster: &Arc<Roster>) -> Result<(), HistoryError> {
        if self.windows == 0 {
            self.first = Some(Arc::clone(roster));
            return Ok(());
        }
        let first = self.first.take();
        for roster in first.iter().chain([roster]) {
            for member in &roster.members {
                let (word, bit) = ((member / 64) as usize, 1 << (member % 64));
                if self.seen.len() <= word {
                    self.seen.resize(word + 1, 0);
                }
                if self.seen[word] & bit != 0 {
                    let history = &mut *self.history;
                    let memo = history.memo.get_mut();
                    memo.load_names(&history.store, &[*member])?;
                    let (test, _) = memo.name(*member)?;
                    return Err(HistoryError::Twice(test.to_string()));
                }
                self.seen[word] |= bit;
            }
        }
        Ok(())
    }

    fn details(&mut self, series: u32, result: &TestResult) -> Result<(), HistoryError> {
        self.failures(series, DetailRow::default(), &result.failures)?;
        for (number, attempt) in (1..).zip(&result.earlier) {
            let row = DetailRow {
                attempt: number,
                status: Some(super::block::status_code(attempt.status)),
                duration: Some(LogSeconds::of(attempt.duration).code()),
                start: attempt.start.map(|start| start.0),
                ..DetailRow::default()
            };
            if attempt.failures.is_empty() {
                self.history.store.add_detail(self.part, series, &row)?;
            }
            self.failures(series, row, &attempt.failures)?;
        }
        Ok(())
    }

    fn failures(
        &mut self,
        series: u32,
        row: DetailRow,
        failures: &[Failure],
    ) -> Result<(), HistoryError> {
        let History { store, memo, .. } = &mut *self.history;
        let memo = memo.get_mut();
        for (nr, failure) in (0..).zip(failures) {
            let texts = [
                memo.text(store, &failure.kind)?,
                memo.text(store, &failure.message)?,
                memo.text(store, &failure.stack)?,
            ];
            let row = DetailRow {
                nr,
                texts: Some(texts),
                ..row
            };
            store.add_detail(self.part, series, &row)?;
        }
        Ok(())
    }
}

impl Drop for PartWriter<'_> {
    fn drop(&mut self) {
        if self.open {
            self.history.take_back(self.inner);
        }
    }
}

/// Starts in the order of execution where that is kept, else by position.
fn starts(results: &[TestResult], positions: &[u32], in_order: bool) -> Vec<Option<i64>> {
    let start = |result: &TestResult| result.start.map(|start| start.0);
    if in_order {
        return results.iter().map(start).collect();
    }
    let mut starts = vec![None; results.len()];
    for (result, position) in results.iter().zip(positions) {
        starts[*position as usize] = start(result);
    }
    starts
}

/// Prints of variants; neighbours mostly share theirs.
#[derive(Default)]
struct Variants<'a> {
    last: Option<(&'a Arc<Variant>, Option<Fingerprint>)>,
}

impl<'a> Variants<'a> {
    fn print(&mut self, variant: Option<&'a Arc<Variant>>) -> Option<Fingerprint> {
        let variant = variant?;
        match self.last {
            Some((last, print)) if Arc::ptr_eq(last, variant) => print,
            _ => {
                let print = content::variant(variant);
                self.last = Some((variant, print));
                print
            }
        }
    }
}
