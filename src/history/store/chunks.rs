//! Rosters, orders and chunks.

use rusqlite::{OptionalExtension, params};

use super::Store;
use super::names::blob;
use crate::history::HistoryError;
use crate::model::Fingerprint;

/// Windows of one part, at most.
pub(super) const WINDOWS: i64 = 1 << 16;

/// A stored window of results, as bytes.
#[derive(Clone, Debug)]
pub(in crate::history) struct ChunkRow {
    pub(in crate::history) id: i64,
    pub(in crate::history) roster: i64,
    pub(in crate::history) ordering: Option<i64>,
    pub(in crate::history) block: Vec<u8>,
}

impl ChunkRow {
    /// The part that it belongs to.
    pub(in crate::history) fn part(&self) -> i64 {
        self.id / WINDOWS
    }
}

impl Store {
    pub(in crate::history) fn find_roster(
        &self,
        print: Fingerprint,
    ) -> Result<Option<i64>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id FROM roster WHERE print = ?")?;
        Ok(query
            .query_row([blob(print)], |row| row.get(0))
            .optional()?)
    }

    /// Members and usual durations of a roster, as bytes.
    pub(in crate::history) fn roster(&self, id: i64) -> Result<(Vec<u8>, Vec<u8>), HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT members, usual FROM roster WHERE id = ?")?;
        Ok(query.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    pub(in crate::history) fn add_roster(
        &self,
        print: Fingerprint,
        size: usize,
        members: &[u8],
        usual: &[u8],
    ) -> Result<i64, HistoryError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO roster (print, size, members, usual) VALUES (?, ?, ?, ?)",
        )?;
        Ok(insert.insert(params![blob(print), size as i64, members, usual])?)
    }

    /// Number, roster and bytes of the order of this print.
    pub(in crate::history) fn find_ordering(
        &self,
        print: Fingerprint,
    ) -> Result<Option<(i64, i64, Vec<u8>)>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id, roster, steps FROM ordering WHERE print = ?")?;
        let found = query.query_row([blob(print)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        Ok(found.optional()?)
    }

    pub(in crate::history) fn ordering(&self, id: i64) -> Result<Vec<u8>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT steps FROM ordering WHERE id = ?")?;
        Ok(query.query_row([id], |row| row.get(0))?)
    }

    pub(in crate::history) fn add_ordering(
        &self,
        print: Fingerprint,
        roster: i64,
        steps: &[u8],
    ) -> Result<i64, HistoryError> {
        let mut insert = self
            .conn
            .prepare_cached("INSERT INTO ordering (print, roster, steps) VALUES (?, ?, ?)")?;
        Ok(insert.insert(params![blob(print), roster, steps])?)
    }

    pub(in crate::history) fn add_chunk(
        &self,
        part: i64,
        window: u32,
        roster: i64,
        ordering: Option<i64>,
        block: &[u8],
    ) -> Result<(), HistoryError> {
        if i64::from(window) >= WINDOWS {
            return Err(HistoryError::TooMany("windows of one part"));
        }
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO chunk (id, roster, ordering, block) VALUES (?, ?, ?, ?)",
        )?;
        let id = part * WINDOWS + i64::from(window);
        insert.execute(params![id, roster, ordering, block])?;
        Ok(())
    }

    /// The chunks of a part, in order.
    pub(in crate::history) fn chunks(&self, part: i64) -> Result<Vec<ChunkRow>, HistoryError> {
        let mut query = self.conn.prepare_cached(
            "SELECT id, roster, ordering, block FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id",
        )?;
        let range = [part * WINDOWS, part * WINDOWS + WINDOWS - 1];
        let rows = query.query_map(range, |row| {
            Ok(ChunkRow {
                id: row.get(0)?,
                roster: row.get(1)?,
                ordering: row.get(2)?,
                block: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(in crate::history) fn chunk(&self, id: i64) -> Result<ChunkRow, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT roster, ordering, block FROM chunk WHERE id = ?")?;
        Ok(query.query_row([id], |row| {
            Ok(ChunkRow {
                id,
                roster: row.get(0)?,
                ordering: row.get(1)?,
                block: row.get(2)?,
            })
        })?)
    }

    /// Numbers and rosters of the chunks of a part, in order.
    pub(in crate::history) fn chunk_rosters(
        &self,
        part: i64,
    ) -> Result<Vec<(i64, i64)>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id, roster FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id")?;
        let range = [part * WINDOWS, part * WINDOWS + WINDOWS - 1];
        let rows = query.query_map(range, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Lets `look` at the block of one chunk.
    pub(in crate::history) fn with_block<T>(
        &self,
        chunk: i64,
        look: &mut dyn FnMut(&[u8]) -> Result<T, HistoryError>,
    ) -> Result<T, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT block FROM chunk WHERE id = ?")?;
        let mut rows = query.query([chunk])?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let block = row
            .get_ref(0)?
            .as_blob()
            .map_err(|error| HistoryError::Sqlite(error.into()))?;
        look(block)
    }

    /// Leaves the order of a part unsaid.
    pub(in crate::history) fn forget_order(&self, part: i64) -> Result<(), HistoryError> {
        self.conn.execute(
            "UPDATE chunk SET ordering = NULL WHERE id BETWEEN ? AND ?",
            [part * WINDOWS, part * WINDOWS + WINDOWS - 1],
        )?;
        Ok(())
    }

    /// Puts another block in the place of a chunk's, without its order.
    pub(in crate::history) fn thin_chunk(
        &self,
        chunk: i64,
        block: &[u8],
    ) -> Result<(), HistoryError> {
        let mut update = self
            .conn
            .prepare_cached("UPDATE chunk SET block = ?, ordering = NULL WHERE id = ?")?;
        update.execute(params![block, chunk])?;
        Ok(())
    }
}
