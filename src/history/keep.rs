//! Upkeep: rollups made and read, old parts thinned, pages given back.

use super::error::unreadable;
use super::retention::{Keep, to_thin};
use super::rollup::{self, Day, DayCounts, DaySums};
use super::{History, HistoryError, Kept, Outcomes, Query};
use crate::model::{PartId, TestId, Timestamp, Variant};

/// Parts that are thinned in one transaction, so that others get their turn.
const BATCH: usize = 200;

/// What thinning took out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pruned {
    /// Parts of which only outcomes are left now.
    pub parts: usize,
    /// Texts that no failure says any more.
    pub texts: usize,
}

/// A day on a branch.
#[derive(Clone, Debug, PartialEq)]
pub struct DayRollup {
    /// The day (UTC), 0 is 1970-01-01.
    pub day: i32,
    /// The branch, where known.
    pub branch: Option<String>,
    /// What each test in each variant came to, under the name that it was stored with.
    pub tests: Vec<(TestId, Variant, DayCounts)>,
}

impl History {
    /// Thins the parts that are older than `keep` says: outcomes and rollups stay, durations, order, messages and
    /// stacks go. Results that are left say what they said. The file shrinks with [`History::vacuum`].
    ///
    /// # Errors
    /// [`HistoryError`]; what was thinned until then stays thinned, and each part is whole in one state or the other.
    pub fn prune(&mut self, keep: Keep, now: Timestamp) -> Result<Pruned, HistoryError> {
        let rows = self.store.part_rows(&Query::default())?;
        let old = to_thin(
            rows.iter()
                .map(|row| (row.past.part, row.past.start, row.kept)),
            keep,
            now,
        );
        let mut pruned = Pruned::default();
        for batch in old.chunks(BATCH) {
            self.within(|history| history.thin(batch))?;
            pruned.parts += batch.len();
        }
        pruned.texts = self.within(|history| history.store.sweep())?;
        Ok(pruned)
    }

    /// Runs `work` in one transaction that may take rows out.
    pub(super) fn within<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, HistoryError>,
    ) -> Result<T, HistoryError> {
        self.store.begin()?;
        let done = work(self).and_then(|done| {
            self.store.next_generation()?;
            self.store.commit()?;
            Ok(done)
        });
        self.memo.get_mut().forget();
        if done.is_err() {
            self.take_back(false);
        }
        done
    }

    /// Thins parts, after their days were summed up.
    pub(super) fn thin(&mut self, parts: &[PartId]) -> Result<(), HistoryError> {
        let mut days: Vec<(i32, String)> = Vec::new();
        for part in parts {
            let past = self.store.part_row(part.0)?.past;
            days.push((past.start.day(), past.context.branch.unwrap_or_default()));
        }
        days.sort_unstable();
        days.dedup();
        for (day, branch) in days {
            self.refresh_day(day, &branch)?;
        }
        let mut outcomes = Outcomes::default();
        for part in parts {
            for chunk in self.store.chunks(part.0)? {
                self.decode(&chunk.block, &[], chunk.id, &mut outcomes)?;
                outcomes.durations.clear();
                outcomes.starts.clear();
                outcomes
                    .exceptions
                    .iter_mut()
                    .for_each(|e| e.detailed = false);
                let block = self.codec.get_mut().encode(&outcomes, &[]);
                self.store.thin_chunk(chunk.id, &block)?;
            }
            self.store.drop_details(part.0)?;
            self.store.set_kept(part.0, Kept::Outcomes)?;
        }
        Ok(())
    }

    /// Sums up the days that have had parts since they were summed up last. Reading does without, only slower.
    ///
    /// # Errors
    /// [`HistoryError`] of the store; [`HistoryError::Unreadable`] for a damaged block.
    pub fn refresh_rollups(&mut self) -> Result<(), HistoryError> {
        for (day, branch, fresh) in self.store.rollup_days()? {
            if !fresh {
                self.within(|history| history.refresh_day(day, &branch))?;
            }
        }
        Ok(())
    }

    pub(super) fn refresh_day(&mut self, day: i32, branch: &str) -> Result<(), HistoryError> {
        let sums = self.day(day, branch)?;
        let block = rollup::encode(&mut self.memo.get_mut().packer, &sums);
        self.store.set_rollup(day, branch, true, &block)
    }

    /// The stored day, if any.
    fn stored_day(&self, day: i32, branch: &str) -> Result<(bool, Day), HistoryError> {
        match self.store.rollup(day, branch)? {
            Some((fresh, Some(block))) => {
                let day = rollup::decode(&mut self.memo.borrow_mut().packer, &block)
                    .map_err(unreadable(format!("the rollup of day {day} on `{branch}`")))?;
                Ok((fresh, day))
            }
            _ => Ok((false, Day::new())),
        }
    }

    /// A day as its parts make it now.
    pub(super) fn day(&self, day: i32, branch: &str) -> Result<Day, HistoryError> {
        let (fresh, before) = self.stored_day(day, branch)?;
        if fresh {
            return Ok(before);
        }
        let query = Query {
            since: Some(Timestamp(i64::from(day) * Timestamp::DAY)),
            until: Some(Timestamp((i64::from(day) + 1) * Timestamp::DAY)),
            ..Query::default()
        };
        let mut sums = DaySums::default();
        let mut outcomes = Outcomes::default();
        for past in self.parts(&query)? {
            if past.context.branch.as_deref().unwrap_or_default() != branch {
                continue;
            }
            for chunk in self.store.chunks(past.part.0)? {
                let roster = self.memo.borrow_mut().roster(&self.store, chunk.roster)?;
                self.decode(&chunk.block, &roster.usual, chunk.id, &mut outcomes)?;
                sums.add(&roster.members, &outcomes);
            }
        }
        Ok(sums.finish(&before))
    }

    /// Takes over what another store knows of the durations of a day; counts are made anew.
    pub(super) fn join_day(
        &mut self,
        day: i32,
        branch: &str,
        theirs: &Day,
    ) -> Result<(), HistoryError> {
        let (_, mut mine) = self.stored_day(day, branch)?;
        for (series, counts) in theirs {
            let durations = &mut mine.entry(*series).or_default().durations;
            *durations = (*durations).max(counts.durations);
        }
        let block = rollup::encode(&mut self.memo.get_mut().packer, &mine);
        self.store.set_rollup(day, branch, false, &block)
    }

    /// Calls `each` with the days that have parts within the query's `since`, `until` and `branch`, oldest first.
    ///
    /// Cost: one block a day where it was summed up, else all blocks of the day.
    ///
    /// # Errors
    /// [`HistoryError`] of the store; [`HistoryError::Unreadable`] for a damaged block.
    pub fn rollups(
        &self,
        query: &Query,
        each: &mut dyn FnMut(DayRollup),
    ) -> Result<(), HistoryError> {
        for (day, branch, _) in self.store.rollup_days()? {
            let early = query.since.is_some_and(|since| day < since.day());
            let late = query
                .until
                .is_some_and(|until| i64::from(day) * Timestamp::DAY >= until.0);
            let other = query.branch.as_ref().is_some_and(|asked| *asked != branch);
            if early || late || other {
                continue;
            }
            let sums = self.day(day, &branch)?;
            let members: Vec<u32> = sums.keys().copied().collect();
            let mut memo = self.memo.borrow_mut();
            memo.load_names(&self.store, &members)?;
            let tests = sums.into_iter().map(|(series, counts)| {
                let (test, variant) = memo.name(series)?;
                Ok((test, super::read::plain(variant), counts))
            });
            let tests = tests.collect::<Result<_, HistoryError>>()?;
            drop(memo);
            each(DayRollup {
                day,
                branch: (!branch.is_empty()).then_some(branch),
                tests,
            });
        }
        Ok(())
    }

    /// Writes a whole copy of the store to a file that is not there yet, as it is at this moment.
    ///
    /// # Errors
    /// [`HistoryError`] of either store.
    pub fn copy(&self, to: &std::path::Path) -> Result<(), HistoryError> {
        self.store.copy(to)
    }

    /// Gives unused pages back to the file system. Needs room for a second copy while it runs, and waits for readers.
    ///
    /// # Errors
    /// [`HistoryError::Busy`], [`HistoryError::Full`], [`HistoryError::ReadOnly`]; the store is then as it was.
    pub fn vacuum(&mut self) -> Result<(), HistoryError> {
        self.store.vacuum()
    }
    /// Lets the file grow to so many pages and no further; what does not fit is refused as on a full disk. Lasts
    /// until the store is closed.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn limit_pages(&mut self, pages: u32) -> Result<(), HistoryError> {
        self.store.limit_pages(pages)
    }
}
