//! Runs, parts and their sources.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, params, params_from_iter};

use super::Store;
use super::names::{blob, print_of};
use crate::history::{HistoryError, Kept, Query};
use crate::model::{
    Fingerprint, Part, PartId, PastPart, RunContext, RunId, Seconds, Source, Timestamp,
};

/// What the results of a part come to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::history) struct Totals {
    pub(in crate::history) results: u64,
    pub(in crate::history) ran: u64,
    pub(in crate::history) bad: u64,
    pub(in crate::history) flaky: u64,
    pub(in crate::history) skipped: u64,
}

/// A row of `part`.
#[derive(Clone, Debug)]
pub(in crate::history) struct PartRow {
    pub(in crate::history) past: PastPart,
    pub(in crate::history) key: Fingerprint,
    pub(in crate::history) print: Fingerprint,
    pub(in crate::history) kept: Kept,
    pub(in crate::history) stored: Timestamp,
    pub(in crate::history) totals: Totals,
    pub(in crate::history) in_order: bool,
    pub(in crate::history) errors_outside: u32,
    pub(in crate::history) producer: String,
}

const COLUMNS: &str = "id, run, key, print, kept, start, stored, duration, results, ran, bad, flaky, skipped, complete, \
     in_order, errors_outside, producer, commit_id, branch, pipeline, run_id, job, attempt, shard, attributes";

impl Store {
    /// The number that the next part gets. Holds while the caller's transaction does.
    pub(in crate::history) fn next_part(&self) -> Result<i64, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM part")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    pub(in crate::history) fn find_part(
        &self,
        key: Fingerprint,
    ) -> Result<Option<i64>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id FROM part WHERE key = ?")?;
        Ok(query.query_row([blob(key)], |row| row.get(0)).optional()?)
    }

    /// The first part that was read from this source.
    pub(in crate::history) fn find_source(
        &self,
        print: Fingerprint,
    ) -> Result<Option<i64>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT part FROM source WHERE print = ? ORDER BY part LIMIT 1")?;
        Ok(query
            .query_row([blob(print)], |row| row.get(0))
            .optional()?)
    }

    pub(in crate::history) fn intern_run(&self, print: Fingerprint) -> Result<i64, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id FROM run WHERE print = ?")?;
        let known = query
            .query_row([blob(print)], |row| row.get(0))
            .optional()?;
        if let Some(known) = known {
            return Ok(known);
        }
        let mut insert = self
            .conn
            .prepare_cached("INSERT INTO run (print) VALUES (?)")?;
        Ok(insert.insert([blob(print)])?)
    }

    /// Stores what is known of a part besides its results.
    #[expect(clippy::too_many_arguments, reason = "one row")]
    pub(in crate::history) fn add_part_row(
        &self,
        id: i64,
        run: i64,
        key: Fingerprint,
        print: Fingerprint,
        kept: Kept,
        header: &Part,
        totals: &Totals,
        stored: Timestamp,
    ) -> Result<(), HistoryError> {
        let mut insert = self.conn.prepare_cached(&format!(
            "INSERT INTO part ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ))?;
        let context = &header.context;
        insert.execute(params![
            id,
            run,
            blob(key),
            blob(print),
            kept.code(),
            context.start.map(|start| start.0),
            stored.0,
            header.duration.map(Seconds::get),
            totals.results as i64,
            totals.ran as i64,
            totals.bad as i64,
            totals.flaky as i64,
            totals.skipped as i64,
            header.complete,
            header.in_order,
            header.errors_outside_tests,
            header.producer,
            context.commit,
            context.branch,
            context.pipeline,
            context.run_id,
            context.job,
            context.attempt,
            context.shard,
            serde_json::to_string(&context.attributes).unwrap_or_else(|_| "{}".to_owned()),
        ])?;
        let mut insert = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO source (print, part, name, bytes) VALUES (?, ?, ?, ?)",
        )?;
        for source in &header.sources {
            insert.execute(params![
                blob(source.contents),
                id,
                source.name,
                i64::try_from(source.bytes).unwrap_or(i64::MAX)
            ])?;
        }
        let day = context.start.unwrap_or(stored).day();
        let mut stale = self.conn.prepare_cached(
            "INSERT INTO rollup (day, branch, fresh) VALUES (?, ?, 0)
             ON CONFLICT (day, branch) DO UPDATE SET fresh = 0 WHERE fresh = 1",
        )?;
        stale.execute(params![day, context.branch.as_deref().unwrap_or_default()])?;
        Ok(())
    }

    /// The parts that a query asks for, oldest first.
    pub(in crate::history) fn part_rows(
        &self,
        query: &Query,
    ) -> Result<Vec<PartRow>, HistoryError> {
        let mut sql = format!("SELECT {COLUMNS} FROM part WHERE 1");
        let mut values: Vec<Value> = Vec::new();
        let mut and = |condition: &str, value: Value| {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        };
        let text = |text: &String| Value::Text(text.clone());
        if let Some(since) = query.since {
            and("coalesce(start, stored) >= ?", Value::Integer(since.0));
        }
        if let Some(until) = query.until {
            and("coalesce(start, stored) < ?", Value::Integer(until.0));
        }
        if let Some(commit) = &query.commit {
            and("commit_id = ?", text(commit));
        }
        if let Some(branch) = &query.branch {
            and("branch = ?", text(branch));
        }
        if let Some(pipeline) = &query.pipeline {
            and("pipeline = ?", text(pipeline));
        }
        if let Some(job) = &query.job {
            and("job = ?", text(job));
        }
        if let Some(run) = query.run {
            and("run = ?", Value::Integer(run.0));
        }
        sql.push_str(" ORDER BY coalesce(start, stored) DESC, id DESC");
        if let Some(limit) = query.limit {
            sql.push_str(&format!(" LIMIT {limit}"));
        }
        let mut query = self.conn.prepare_cached(&sql)?;
        let rows = query.query_map(params_from_iter(values), part_row)?;
        let mut rows: Vec<PartRow> = rows.collect::<Result<_, _>>()?;
        rows.reverse();
        Ok(rows)
    }

    pub(in crate::history) fn part_row(&self, id: i64) -> Result<PartRow, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached(&format!("SELECT {COLUMNS} FROM part WHERE id = ?"))?;
        query
            .query_row([id], part_row)
            .optional()?
            .ok_or(HistoryError::NoPart(id))
    }

    pub(in crate::history) fn sources(&self, part: i64) -> Result<Vec<Source>, HistoryError> {
        let mut query = self.conn.prepare_cached(
            "SELECT print, name, bytes FROM source WHERE part = ? ORDER BY name, print",
        )?;
        let rows = query.query_map([part], |row| {
            Ok(Source {
                contents: print_of(row.get(0)?),
                name: row.get(1)?,
                bytes: row.get::<_, i64>(2)?.unsigned_abs(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(in crate::history) fn set_kept(&self, part: i64, kept: Kept) -> Result<(), HistoryError> {
        let mut update = self
            .conn
            .prepare_cached("UPDATE part SET kept = ? WHERE id = ?")?;
        update.execute(params![kept.code(), part])?;
        Ok(())
    }
}

fn part_row(row: &Row<'_>) -> rusqlite::Result<PartRow> {
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let count = |at| -> rusqlite::Result<u64> { Ok(row.get::<_, i64>(at)?.unsigned_abs()) };
    let totals = Totals {
        results: count(8)?,
        ran: count(9)?,
        bad: count(10)?,
        flaky: count(11)?,
        skipped: count(12)?,
    };
    let start: Option<i64> = row.get(5)?;
    let stored: i64 = row.get(6)?;
    let attributes: BTreeMap<String, String> =
        serde_json::from_str(row.get_ref(24)?.as_str()?).unwrap_or_default();
    Ok(PartRow {
        past: PastPart {
            part: PartId(row.get(0)?),
            run: RunId(row.get(1)?),
            context: RunContext {
                commit: row.get(17)?,
                branch: row.get(18)?,
                pipeline: row.get(19)?,
                run_id: row.get(20)?,
                job: row.get(21)?,
                attempt: row.get(22)?,
                shard: row.get(23)?,
                start: start.map(Timestamp),
                attributes,
            },
            start: Timestamp(start.unwrap_or(stored)),
            duration: row.get::<_, Option<f64>>(7)?.and_then(Seconds::new),
            ran: small(totals.ran),
            bad: small(totals.bad),
            flaky: small(totals.flaky),
            complete: row.get(13)?,
        },
        key: print_of(row.get(2)?),
        print: print_of(row.get(3)?),
        kept: Kept::of(row.get(4)?),
        stored: Timestamp(stored),
        totals,
        in_order: row.get(14)?,
        errors_outside: row.get(15)?,
        producer: row.get(16)?,
    })
}
