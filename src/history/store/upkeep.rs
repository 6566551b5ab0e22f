//! Rollups, sweeping, pages, and looking for damage.

use rusqlite::{OptionalExtension, params};

use super::Store;
use crate::history::HistoryError;

/// Whether the sums of a day are up to date, and their bytes, where there are any.
pub(in crate::history) type StoredDay = (bool, Option<Vec<u8>>);

impl Store {
    /// Writes a whole copy to a file that is not there yet.
    pub(in crate::history) fn copy(&self, to: &std::path::Path) -> Result<(), HistoryError> {
        self.conn.backup(
            rusqlite::MAIN_DB,
            to,
            None::<fn(rusqlite::backup::Progress)>,
        )?;
        Ok(())
    }

    /// Day, branch, and whether its sums are up to date; by day.
    pub(in crate::history) fn rollup_days(&self) -> Result<Vec<(i32, String, bool)>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT day, branch, fresh FROM rollup ORDER BY day, branch")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(in crate::history) fn rollup(
        &self,
        day: i32,
        branch: &str,
    ) -> Result<Option<StoredDay>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT fresh, block FROM rollup WHERE day = ? AND branch = ?")?;
        let found = query.query_row(params![day, branch], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }

    pub(in crate::history) fn set_rollup(
        &self,
        day: i32,
        branch: &str,
        fresh: bool,
        block: &[u8],
    ) -> Result<(), HistoryError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO rollup (day, branch, fresh, block) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (day, branch) DO UPDATE SET fresh = ?3, block = ?4",
        )?;
        insert.execute(params![day, branch, fresh, block])?;
        Ok(())
    }

    /// Takes out texts and orders that nothing points to, and runs without parts. Returns the number of texts.
    pub(in crate::history) fn sweep(&self) -> Result<usize, HistoryError> {
        self.conn.execute(
            "DELETE FROM ordering WHERE id NOT IN (SELECT ordering FROM chunk WHERE ordering IS NOT NULL)",
            [],
        )?;
        self.conn
            .execute("DELETE FROM run WHERE id NOT IN (SELECT run FROM part)", [])?;
        Ok(self.conn.execute(
            "DELETE FROM text WHERE id NOT IN (
               SELECT kind FROM detail WHERE kind IS NOT NULL
               UNION SELECT message FROM detail WHERE message IS NOT NULL
               UNION SELECT stack FROM detail WHERE stack IS NOT NULL)",
            [],
        )?)
    }

    /// Takes a part out.
    pub(in crate::history) fn delete_part(&self, part: i64) -> Result<(), HistoryError> {
        self.drop_details(part)?;
        for chunk in self.chunk_rosters(part)? {
            self.conn
                .execute("DELETE FROM chunk WHERE id = ?", [chunk.0])?;
        }
        self.conn
            .execute("DELETE FROM source WHERE part = ?", [part])?;
        self.conn.execute("DELETE FROM part WHERE id = ?", [part])?;
        Ok(())
    }

    pub(in crate::history) fn stored_at_latest(
        &self,
        part: i64,
        stored: i64,
    ) -> Result<(), HistoryError> {
        let mut update = self
            .conn
            .prepare_cached("UPDATE part SET stored = ?1 WHERE id = ?2 AND stored > ?1")?;
        update.execute([stored, part])?;
        Ok(())
    }

    pub(in crate::history) fn vacuum(&self) -> Result<(), HistoryError> {
        self.conn.execute_batch("VACUUM")?;
        self.conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    pub(in crate::history) fn limit_pages(&self, pages: u32) -> Result<(), HistoryError> {
        self.conn
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
        Ok(())
    }

    /// What SQLite finds wrong with its pages and indices, and with references between rows.
    pub(in crate::history) fn integrity(&self) -> Result<Vec<String>, HistoryError> {
        let mut found = Vec::new();
        let mut query = self.conn.prepare("PRAGMA integrity_check(20)")?;
        let rows = query.query_map([], |row| row.get::<_, String>(0));
        match rows.and_then(|rows| rows.collect::<Result<Vec<_>, _>>()) {
            Ok(rows) => found.extend(rows.into_iter().filter(|row| row != "ok")),
            Err(error) => found.push(error.to_string()),
        }
        let mut query = self.conn.prepare("PRAGMA foreign_key_check")?;
        let rows = query.query_map([], |row| {
            let (table, to): (String, String) = (row.get(0)?, row.get(2)?);
            Ok(format!("a row of `{table}` points to no row of `{to}`"))
        });
        match rows.and_then(|rows| rows.collect::<Result<Vec<_>, _>>()) {
            Ok(mut rows) => {
                rows.truncate(20);
                found.extend(rows);
            }
            Err(error) => found.push(error.to_string()),
        }
        Ok(found)
    }
}
