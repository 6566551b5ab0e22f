//! What went wrong: rows per attempt and failure, and their texts.

use rusqlite::{OptionalExtension, params};

use super::Store;
use super::names::blob;
use crate::history::HistoryError;
use crate::history::error::unreadable;
use crate::history::frame::Packer;
use crate::model::Fingerprint;

/// Shorter texts are kept as they are: compressing them alone gains little, and their rows stay readable.
const WORTH_PACKING: usize = 256;

/// A text, by its number.
pub(in crate::history) type TextRef = i64;

/// One row of details.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::history) struct DetailRow {
    /// 0 for the last attempt, 1, 2, … for those before it.
    pub(in crate::history) attempt: u32,
    /// The failure within the attempt.
    pub(in crate::history) nr: u32,
    /// Code of the status; `None` for the last attempt.
    pub(in crate::history) status: Option<u8>,
    /// Code of the duration; `None` for the last attempt.
    pub(in crate::history) duration: Option<u8>,
    /// Milliseconds; `None` for the last attempt.
    pub(in crate::history) start: Option<i64>,
    /// Kind, message and stack; `None` for an attempt without a failure.
    pub(in crate::history) texts: Option<[TextRef; 3]>,
}

impl Store {
    pub(in crate::history) fn intern_text(
        &self,
        packer: &mut Packer,
        text: &str,
        print: Fingerprint,
    ) -> Result<TextRef, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id FROM text WHERE print = ?")?;
        let known = query
            .query_row([blob(print)], |row| row.get(0))
            .optional()?;
        if let Some(known) = known {
            return Ok(known);
        }
        let packed = if text.len() >= WORTH_PACKING {
            packer.pack_text(text.as_bytes())
        } else {
            None
        };
        let body = packed.as_deref().unwrap_or(text.as_bytes());
        let mut insert = self
            .conn
            .prepare_cached("INSERT INTO text (print, size, packed, body) VALUES (?, ?, ?, ?)")?;
        Ok(insert.insert(params![
            blob(print),
            text.len() as i64,
            packed.is_some(),
            body
        ])?)
    }

    /// The text of a number.
    pub(in crate::history) fn text(&self, id: TextRef) -> Result<String, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT size, packed, body FROM text WHERE id = ?")?;
        let (size, packed, body): (i64, bool, Vec<u8>) =
            query.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let body = if packed {
            let size = usize::try_from(size).unwrap_or_default();
            Packer::unpack_text(&body, size).map_err(unreadable(format!("text {id}")))?
        } else {
            body
        };
        Ok(String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    pub(in crate::history) fn add_detail(
        &self,
        part: i64,
        series: u32,
        row: &DetailRow,
    ) -> Result<(), HistoryError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO detail (part, series, attempt, nr, status, duration, start, kind, message, stack)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        let [kind, message, stack] = match row.texts {
            Some(texts) => texts.map(Some),
            None => [None; 3],
        };
        insert.execute(params![
            part,
            series,
            row.attempt,
            row.nr,
            row.status,
            row.duration,
            row.start,
            kind,
            message,
            stack
        ])?;
        Ok(())
    }

    /// The rows of one result, by attempt and failure.
    pub(in crate::history) fn details(
        &self,
        part: i64,
        series: u32,
    ) -> Result<Vec<DetailRow>, HistoryError> {
        let mut query = self.conn.prepare_cached(
            "SELECT attempt, nr, status, duration, start, kind, message, stack FROM detail
             WHERE part = ? AND series = ? ORDER BY attempt, nr",
        )?;
        let rows = query.query_map(params![part, series], |row| {
            let kind: Option<i64> = row.get(5)?;
            Ok(DetailRow {
                attempt: row.get(0)?,
                nr: row.get(1)?,
                status: row.get(2)?,
                duration: row.get(3)?,
                start: row.get(4)?,
                texts: match kind {
                    Some(kind) => Some([kind, row.get(6)?, row.get(7)?]),
                    None => None,
                },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(in crate::history) fn drop_details(&self, part: i64) -> Result<(), HistoryError> {
        self.conn
            .execute("DELETE FROM detail WHERE part = ?", [part])?;
        Ok(())
    }
}
