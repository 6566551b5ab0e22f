//! Everything that the history holds, as text.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::past::Past;
use super::{AppError, Progress};
use crate::history::Query;
use crate::model::PastPart;
use crate::report::{export, junit};

/// How results are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExportFormat {
    /// Comma-separated values, one result a line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// JUnit XML, one file a part; `tia ingest` reads it back to the same history.
    Junit,
}

impl Past {
    /// Writes every result: lines to `to`, or for JUnit one file a part into `directory`, which is made.
    ///
    /// Cost: memory for the results of one part.
    ///
    /// # Errors
    /// The history cannot be read, or the output not be written.
    pub fn export(
        &mut self,
        format: ExportFormat,
        directory: Option<&Path>,
        to: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<(), AppError> {
        let parts = self.history().parts(&Query::default())?;
        progress.start("writing", parts.len() as u64);
        let written = self.write(&parts, format, directory, to, progress);
        progress.finish();
        written
    }

    fn write(
        &mut self,
        parts: &[PastPart],
        format: ExportFormat,
        directory: Option<&Path>,
        to: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<(), AppError> {
        if let (ExportFormat::Junit, Some(directory)) = (format, directory) {
            fs::create_dir_all(directory).map_err(output)?;
        }
        for (index, past) in parts.iter().enumerate() {
            let stored = self.history().part(past.part)?;
            let results = &stored.part.results;
            match (format, directory) {
                (ExportFormat::Csv, _) => export::csv(past, results, index == 0, &mut *to),
                (ExportFormat::Junit, Some(directory)) => {
                    let path = directory.join(format!("part-{:08}.xml", past.part.0));
                    fs::File::create(path).and_then(|file| {
                        let mut file = BufWriter::new(file);
                        junit::part(&stored.part, &mut file)?;
                        file.flush()
                    })
                }
                (ExportFormat::Jsonl | ExportFormat::Junit, _) => {
                    export::jsonl(past, results, &mut *to)
                }
            }
            .map_err(output)?;
            progress.advance();
        }
        Ok(())
    }
}

fn output(source: io::Error) -> AppError {
    AppError::Output { source }
}
