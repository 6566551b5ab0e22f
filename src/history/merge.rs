//! Two stores become one: a union of parts, so that order and repetition do not matter.
//!
//! A part is known by its key (its sources; its contents where it has none). Where both stores have a key, the part of
//! the smaller print stays, thinned where either was. Where both renamed a test, the smaller new name stays. Of a stay in
//! quarantine both know, the first entry and the last end stand.

use std::path::Path;

use super::rollup::Day;
use super::store::PartRow;
use super::{Access, History, HistoryError, Kept, Query, content};
use crate::model::PartId;

/// Parts that are carried over in one transaction.
const BATCH: usize = 200;

/// What merging did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Merged {
    /// Parts that were carried over.
    pub new: usize,
    /// Parts that were here already.
    pub known: usize,
    /// What of the other store could not be read, and why: parts, and sums of days. Everything else was carried over.
    pub unreadable: Vec<String>,
}

impl History {
    /// Takes over everything of another store that is not here yet. The other one is not changed.
    ///
    /// # Errors
    /// [`HistoryError`] of either store. Parts that were carried over until then stay; merging again goes on.
    pub fn merge(&mut self, other: &Path) -> Result<Merged, HistoryError> {
        let other = Self::open(other, Access::Read)?;
        self.join(&other)
    }

    /// [`History::merge`], of a store that is open.
    ///
    /// # Errors
    /// As there.
    pub fn join(&mut self, other: &Self) -> Result<Merged, HistoryError> {
        let mut merged = Merged::default();
        let rows = other.store.part_rows(&Query::default())?;
        for batch in rows.chunks(BATCH) {
            self.within(|history| {
                for row in batch {
                    history.take_over(other, row, &mut merged)?;
                }
                Ok(())
            })?;
        }
        self.within(|history| history.take_over_rest(other, &mut merged))?;
        Ok(merged)
    }

    fn take_over(
        &mut self,
        other: &Self,
        row: &PartRow,
        merged: &mut Merged,
    ) -> Result<(), HistoryError> {
        let mut kept = row.kept;
        let mut stored = row.stored;
        if let Some(mine) = self.store.find_part(row.key)? {
            let here = self.store.part_row(mine)?;
            stored = stored.min(here.stored);
            kept = kept.max(here.kept);
            if here.print <= row.print {
                merged.known += 1;
                if kept != here.kept {
                    self.thin(&[PartId(mine)])?;
                }
                return self.store.stored_at_latest(mine, stored.0);
            }
            self.store.delete_part(mine)?;
        }
        match other.part(row.past.part) {
            Ok(theirs) => {
                self.add_known(&theirs.part, stored, kept, row)?;
                merged.new += 1;
            }
            Err(error) => merged
                .unreadable
                .push(format!("part {}: {error}", row.past.part.0)),
        }
        Ok(())
    }

    /// Renames, stays in quarantine, and durations of days whose parts no longer have them.
    fn take_over_rest(&mut self, other: &Self, merged: &mut Merged) -> Result<(), HistoryError> {
        for (old, new) in other.renames()? {
            let from = self.store.intern_test(&old, content::test(&old))?;
            let to = self.store.intern_test(&new, content::test(&new))?;
            let links = self.store.renames()?;
            let mine = links
                .iter()
                .find(|(old, _)| *old == from)
                .map(|(_, new)| *new);
            let smaller = match mine {
                Some(mine) => new < self.store.test(mine)?,
                None => true,
            };
            if smaller {
                self.store.link(from, to)?;
            }
        }
        self.take_over_stays(other)?;
        for (day, branch, _) in other.store.rollup_days()? {
            // a damaged block must not keep back the days of whole ones
            let theirs = match other.day(day, &branch) {
                Ok(theirs) => theirs,
                Err(error) => {
                    merged
                        .unreadable
                        .push(format!("day {day} on `{branch}`: {error}"));
                    continue;
                }
            };
            let mut mine = Day::new();
            let members: Vec<u32> = theirs.keys().copied().collect();
            other.memo.borrow_mut().load_names(&other.store, &members)?;
            for (series, counts) in theirs {
                let (test, variant) = other.memo.borrow().name(series)?;
                let test = self.store.intern_test(&test, content::test(&test))?;
                let variant = match variant {
                    Some(variant) => self.store.intern_variant(&variant.to_string())?,
                    None => 0,
                };
                mine.insert(self.store.intern_series(test, variant)?, counts);
            }
            self.join_day(day, &branch, &mine)?;
        }
        Ok(())
    }

    fn add_known(
        &mut self,
        part: &crate::model::Part,
        stored: crate::model::Timestamp,
        kept: Kept,
        row: &PartRow,
    ) -> Result<(), HistoryError> {
        self.store.begin_inner()?;
        self.add_within(part, stored, kept, Some(row.print), true)?;
        Ok(())
    }
}
