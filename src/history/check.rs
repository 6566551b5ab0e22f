//! Looking for damage: every page, every reference, every block against what was said of it.

use super::content::{self, ResultsPrint};
use super::store::Totals;
use super::{History, HistoryError, Kept, Query};
use crate::model::{Fingerprint, LogSeconds, PartId, Status};

/// Something that is wrong with a store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

const RESTORE: &str = "put a copy from before the damage in its place, or `tia db merge` this file into a new one: \
                       parts that can be read are carried over, then ingest the reports of the others again";

impl History {
    /// Everything that is wrong with the store; empty when all is well.
    ///
    /// Cost: reads everything; about a second per million results.
    ///
    /// # Errors
    /// Where the store cannot be asked at all.
    pub fn check(&self) -> Result<Vec<Problem>, HistoryError> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut report = |what: String| {
            problems.push(Problem {
                what,
                advice: RESTORE.to_owned(),
            });
        };
        self.store.integrity()?.into_iter().for_each(&mut report);
        let rows = match self.store.part_rows(&Query::default()) {
            Ok(rows) => rows,
            Err(error) => {
                report(chain(&error));
                return Ok(problems);
            }
        };
        for row in rows {
            let id = row.past.part;
            match self.recount(id) {
                Err(error) => report(format!("part {}: {}", id.0, chain(&error))),
                Ok((totals, _)) if totals != row.totals => report(format!(
                    "part {}: its blocks hold {totals:?}, its row says {:?}",
                    id.0, row.totals
                )),
                Ok((_, print)) if row.kept == Kept::All && print != row.print => report(format!(
                    "part {}: its contents are not what was stored",
                    id.0
                )),
                Ok(_) => {}
            }
        }
        for (day, branch, _) in self.store.rollup_days()? {
            if let Err(error) = self.day(day, &branch) {
                report(chain(&error));
            }
        }
        Ok(problems)
    }

    /// Counts and print of a part, made anew from its blocks and rows.
    fn recount(&self, id: PartId) -> Result<(Totals, Fingerprint), HistoryError> {
        let header = self.header(id)?.part;
        let mut totals = Totals::default();
        let mut print = ResultsPrint::default();
        self.results(id, &mut |window| {
            for result in &window {
                totals.results += 1;
                totals.ran += u64::from(result.status.is_run());
                totals.bad += u64::from(result.status.is_bad());
                totals.flaky += u64::from(result.is_flaky());
                totals.skipped += u64::from(!result.status.is_run());
                let variant = result.variant.as_deref().and_then(content::variant);
                let series = content::series(content::test(&result.test), variant);
                let plain = content::is_plain(result);
                let duration = LogSeconds::of(result.duration);
                print.add(content::result(result, plain, series, duration));
                print.add_order(series);
            }
        })?;
        Ok((totals, print.finish(&header)))
    }

    /// A print of everything that the store holds of parts and renames, whatever the order in which it came and the
    /// numbers it got. Two stores of one print answer alike. Rollups follow from the parts and are left out.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn content_print(&self) -> Result<Fingerprint, HistoryError> {
        let mut set = content::SetPrint::default();
        for row in self.store.part_rows(&Query::default())? {
            let mut printer = crate::model::Printer::new();
            printer.piece(row.key.0.to_le_bytes());
            printer.piece(row.print.0.to_le_bytes());
            printer.number(u64::from(row.kept == Kept::Outcomes));
            set.add(printer.finish());
        }
        for (old, new) in self.renames()? {
            let mut printer = crate::model::Printer::new();
            printer.piece(old.key());
            printer.piece(new.key());
            set.add(printer.finish());
        }
        Ok(set.finish())
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The words for a status in answers to SQL.
pub(super) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Errored => "errored",
        Status::Skipped => "skipped",
        Status::Disabled => "disabled",
    }
}
