//! Looking after the history: its size, its health, its age.

use super::AppError;
use super::past::Past;
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
        ];
        for table in &stats.tables {
            let name = format!("table {}, {} rows", table.table, table.rows);
            rows.push(row(&name, table.bytes.to_string()));
        }
        Ok(table(&rows))
    }
}
