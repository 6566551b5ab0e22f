//! The database of coverage.py (`.coverage`), measured with dynamic contexts: `pytest --cov --cov-context=test`, or
//! `dynamic_context = test_function`.
//!
//! Layout: <https://coverage.readthedocs.io/en/latest/dbschema.html>. Lines are bits of a blob; with branch coverage there
//! are arcs between lines instead, whose negative ends are entries and exits.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::{CoverageError, CoverageFormat};
use crate::model::{Bits, Measured, MeasuredContext};

/// The layouts that are known. 7 since coverage.py 5.0.
const LAYOUT: i64 = 7;
/// Lines of one file under one context, by their ids.
type Ran = BTreeMap<(i64, i64), Bits>;

pub(super) struct CoveragePy;

impl CoverageFormat for CoveragePy {
    fn name(&self) -> &'static str {
        "coverage.py"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"SQLite format 3\0")
    }

    fn untold(&self) -> CoverageError {
        CoverageError::NoTests("measure with `pytest --cov --cov-context=test`")
    }

    fn read(&self, bytes: &[u8]) -> Result<Measured, CoverageError> {
        let measured = open(bytes).and_then(|conn| {
            let layout: i64 =
                conn.query_row("SELECT version FROM coverage_schema", [], |row| row.get(0))?;
            if layout != LAYOUT {
                return Ok(Err(CoverageError::Layout(layout)));
            }
            contents(&conn).map(Ok)
        });
        measured.map_err(CoverageError::Database)?
    }
}

fn open(bytes: &[u8]) -> rusqlite::Result<Connection> {
    let mut conn = Connection::open_in_memory()?;
    conn.deserialize_read_exact("main", bytes, bytes.len(), true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    Ok(conn)
}

fn contents(conn: &Connection) -> rusqlite::Result<Measured> {
    let mut files: Vec<(i64, String)> = Vec::new();
    each(conn, "SELECT id, path FROM file ORDER BY id", |row| {
        files.push((row.get(0)?, row.get(1)?));
        Ok(())
    })?;
    let mut contexts: Vec<(i64, String)> = Vec::new();
    each(conn, "SELECT id, context FROM context ORDER BY id", |row| {
        contexts.push((row.get(0)?, row.get(1)?));
        Ok(())
    })?;
    let mut ran = Ran::new();
    each(
        conn,
        "SELECT file_id, context_id, numbits FROM line_bits",
        |row| {
            let lines = Bits::from_bits(row.get(2)?);
            ran.entry((row.get(1)?, row.get(0)?))
                .or_default()
                .extend(&lines);
            Ok(())
        },
    )?;
    each(
        conn,
        "SELECT file_id, context_id, fromno, tono FROM arc",
        |row| {
            let lines = ran.entry((row.get(1)?, row.get(0)?)).or_default();
            for end in [row.get::<_, i64>(2)?, row.get::<_, i64>(3)?] {
                if let Some(line) = u32::try_from(end).ok().filter(|line| *line > 0) {
                    lines.insert(line);
                }
            }
            Ok(())
        },
    )?;
    let place = |id: i64| files.binary_search_by_key(&id, |file| file.0).ok();
    let found = contexts.iter().map(|(id, name)| MeasuredContext {
        name: name.clone(),
        lines: ran
            .range((*id, i64::MIN)..=(*id, i64::MAX))
            .filter_map(|((_, file), lines)| Some((place(*file)? as u32, lines.clone())))
            .collect(),
    });
    Ok(Measured {
        contexts: found.collect(),
        files: files.iter().map(|(_, path)| path.clone()).collect(),
        seen: Vec::new(),
    })
}

fn each(
    conn: &Connection,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query(params![])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}
