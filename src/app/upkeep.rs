//! Looking after the history: its size, its health, its age.

use std::path::Path;

use super::AppError;
use super::past::Past;
use crate::history::{Keep, Problem, Value};
use crate::model::Timestamp;
use crate::report::history::table;

impl Past {
    /// How much the history holds and what it takes, as a table.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn stats(&mut self) -> Result<String, AppError> {
        let stats = self.history().stats()?;
        let row = |name: &str, value: String| [name.to_owned(), value];
        let mut rows = vec![
            row("what", "how much".into()),
            row("runs", stats.runs.to_string()),
            row("parts of runs", stats.parts.to_string()),
            row("of them thinned out", stats.thinned.to_string()),
            row("tests", stats.tests.to_string()),
            row("results", stats.results.to_string()),
            row("bytes", stats.bytes.to_string()),
            row("of them free", stats.free.to_string()),
            row("bytes a result", format!("{:.2}", stats.bytes_per_result())),
            row("bytes of messages, unpacked", stats.text_bytes.to_string()),
            // the same for stores that hold the same, whatever the order and the numbers
            row(
                "print of the contents",
                format!("{:032x}", self.history().content_print()?.0),
            ),
        ];
        for table in &stats.tables {
            let name = format!("table {}, {} rows", table.table, table.rows);
            rows.push(row(&name, table.bytes.to_string()));
        }
        Ok(table(&rows))
    }

    /// Everything that is wrong with the history, with what to do about it; empty when all is well.
    ///
    /// # Errors
    /// The history cannot be read at all.
    pub fn check(&mut self) -> Result<Vec<String>, AppError> {
        let problems = self.history().check()?;
        let line = |problem: &Problem| format!("{}: {}", problem.what, problem.advice);
        Ok(problems.iter().map(line).collect())
    }

    /// Thins out what began more than `keep` milliseconds before `now`; says what was done.
    ///
    /// # Errors
    /// The history cannot be written.
    pub fn prune(&mut self, keep: i64, now: Timestamp) -> Result<String, AppError> {
        let keep = Keep { everything: keep };
        let pruned = self.history().prune(keep, now)?;
        Ok(format!(
            "thinned out {} parts of runs; {} texts went; `tia db vacuum` gives the room back",
            pruned.parts, pruned.texts
        ))
    }

    /// Gives room that is no longer needed back to the disk; says how much.
    ///
    /// # Errors
    /// The history cannot be written.
    pub fn vacuum(&mut self) -> Result<String, AppError> {
        let before = self.history().stats()?.bytes;
        self.history().vacuum()?;
        let after = self.history().stats()?.bytes;
        Ok(format!("{before} bytes before, {after} bytes now"))
    }

    /// Takes over everything that another history holds; says what.
    ///
    /// # Errors
    /// The other one cannot be read, or this one not be written.
    pub fn merge(&mut self, other: &Path) -> Result<String, AppError> {
        let merged = self.history().merge(other)?;
        let mut said = format!(
            "{} parts of runs taken over, {} known",
            merged.new, merged.known
        );
        for what in &merged.unreadable {
            said.push_str(&format!("; could not be read: {what}"));
        }
        Ok(said)
    }

    /// Answers one SQL statement: the names of the columns, then the rows.
    ///
    /// # Errors
    /// A statement that is wrong, or that would change something.
    pub fn sql(&mut self, statement: &str) -> Result<Vec<Vec<String>>, AppError> {
        let table = self.history().sql(statement)?;
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::Blob(bytes) => format!("({} bytes)", bytes.len()),
        };
        let rows = table.rows.iter().map(|row| row.iter().map(text).collect());
        Ok([table.columns].into_iter().chain(rows).collect())
    }
}
