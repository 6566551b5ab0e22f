//! Counting rows and pages.

use super::Store;
use crate::history::{HistoryError, Stats, TableSize};

impl Store {
    pub(in crate::history) fn stats(&self) -> Result<Stats, HistoryError> {
        let _view = self.snapshot()?;
        let number = |sql: &str| -> Result<u64, HistoryError> {
            let number: i64 = self.conn.query_row(sql, [], |row| row.get(0))?;
            Ok(number.unsigned_abs())
        };
        let page = number("PRAGMA page_size")?;
        let mut stats = Stats {
            runs: number("SELECT count(*) FROM run")?,
            parts: number("SELECT count(*) FROM part")?,
            thinned: number("SELECT count(*) FROM part WHERE kept = 1")?,
            results: number("SELECT coalesce(sum(results), 0) FROM part")?,
            tests: number("SELECT count(*) FROM test")?,
            bytes: number("PRAGMA page_count")? * page,
            free: number("PRAGMA freelist_count")? * page,
            text_bytes: number("SELECT coalesce(sum(size), 0) FROM text")?,
            tables: Vec::new(),
        };
        let mut query = self.conn.prepare(
            "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name
             WHERE d.aggregate = TRUE GROUP BY s.tbl_name ORDER BY 2 DESC, 1",
        )?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        for row in rows {
            let (table, bytes) = row?;
            stats.tables.push(TableSize {
                rows: number(&format!("SELECT count(*) FROM \"{table}\""))?,
                table,
                bytes: bytes.unsigned_abs(),
            });
        }
        Ok(stats)
    }
}
