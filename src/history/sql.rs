//! Other people's SQL: reading only, with the results visible as a table.

use super::check::status_word;
use super::frame::Packer;
use super::{BlockCodec, CodecError, History, HistoryError, Outcomes, roster};
use crate::model::{LogSeconds, Seconds};

/// A value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<Value>>,
}

impl History {
    /// Answers one statement, which may only read. Besides the tables of `docs/schema.md` there is `results`, with
    /// a row for every result: `part, run, file, suite, class, name, params, variant, status, bad_attempts, seconds,
    /// start, commit_id, branch, pipeline, job, at`. It is made while it is read, about a million rows a second; a
    /// condition on `part` or `commit_id` keeps it short.
    ///
    /// # Errors
    /// [`HistoryError::Statement`] with SQLite's words for a statement that is wrong, or would do more than read.
    pub fn sql(&mut self, text: &str) -> Result<Table, HistoryError> {
        self.store.ask(text)
    }
}

/// The results of one block as JSON, for the table `results`: `[[series, status, bad attempts, seconds, start], …]`.
pub(super) fn block_as_json(
    block: &[u8],
    members: &[u8],
    usual: &[u8],
    steps: Option<&[u8]>,
) -> Result<String, CodecError> {
    use std::fmt::Write;

    let mut packer = Packer::default();
    let members = roster::decode_members(&mut packer, members)?;
    let usual = roster::decode_bytes(&mut packer, usual)?;
    let mut outcomes = Outcomes::default();
    BlockCodec::default().decode(block, &usual, &mut outcomes)?;
    if outcomes.count as usize != members.len() {
        return Err(CodecError::Damaged);
    }
    let mut starts = vec![None; members.len()];
    let steps = match steps {
        Some(steps) => roster::decode_order(&mut packer, steps)?,
        None => (0..members.len() as u32).collect(),
    };
    for (step, start) in steps.iter().zip(&outcomes.starts) {
        if let Some(place) = starts.get_mut(*step as usize) {
            *place = *start;
        }
    }
    let mut json = String::with_capacity(members.len() * 40);
    json.push('[');
    let mut exceptions = outcomes.exceptions.iter().peekable();
    for (position, member) in members.iter().enumerate() {
        let exception = exceptions.next_if(|e| e.position as usize == position);
        let status = exception.map_or("passed", |e| status_word(e.status));
        let bad = exception.map_or(0, |e| e.bad_attempts);
        let code = outcomes.durations.get(position).copied().unwrap_or(0);
        let comma = if position > 0 { "," } else { "" };
        // writing to a string does not fail
        let _ = write!(json, "{comma}[{member},\"{status}\",{bad},");
        let _ = match LogSeconds::from_code(code).seconds().map(Seconds::get) {
            Some(seconds) => write!(json, "{seconds:.6},"),
            None => write!(json, "null,"),
        };
        let _ = match starts[position] {
            Some(start) => write!(json, "{start}]"),
            None => write!(json, "null]"),
        };
    }
    json.push(']');
    Ok(json)
}
