//! Stays in quarantine.

use rusqlite::{Row, params};

use super::Store;
use crate::history::HistoryError;
use crate::history::stays::{Gone, Stay};
use crate::model::{Date, Pattern, Quarantined, Timestamp, Variant};

const COLUMNS: &str = "q.since, q.until, q.owner, q.reason, q.link, q.ran, q.flaked, q.rate, q.seconds, q.entered, q.gone, \
                       q.why, v.pairs, q.test";

impl Store {
    /// All stays, by day; none in a store that is older than their table.
    pub(in crate::history) fn stays(&self) -> Result<Vec<Stay>, HistoryError> {
        let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'quarantine'";
        if self.conn.query_row(table, [], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(Vec::new());
        }
        let mut query = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM quarantine q JOIN variant v ON v.id = q.variant ORDER BY q.since, q.id"
        ))?;
        let mut rows = query.query([])?;
        let mut stays = Vec::new();
        while let Some(row) = rows.next()? {
            stays.push(self.stay(row)?);
        }
        Ok(stays)
    }

    fn stay(&self, row: &Row<'_>) -> Result<Stay, HistoryError> {
        let gone = match (row.get(10)?, row.get(11)?) {
            (Some(at), why) => Some(Gone {
                at: Timestamp(at),
                why: Option::unwrap_or_default(why),
            }),
            (None, _) => None,
        };
        Ok(Stay {
            entry: Quarantined {
                test: self.test(row.get(13)?)?,
                variant: Variant::parse(&row.get::<_, String>(12)?),
                since: Date(row.get(0)?),
                until: Date(row.get(1)?),
                owner: row.get(2)?,
                reason: row.get(3)?,
                link: row.get(4)?,
                pattern: Pattern {
                    ran: row.get(5)?,
                    flaked: row.get(6)?,
                    rate: row.get(7)?,
                    seconds: row.get(8)?,
                    messages: Vec::new(),
                },
            },
            entered: Timestamp(row.get(9)?),
            gone,
        })
    }

    /// Writes a stay in the place of what was known of it.
    pub(in crate::history) fn set_stay(
        &self,
        test: i64,
        variant: i64,
        stay: &Stay,
    ) -> Result<(), HistoryError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO quarantine
               (test, variant, since, until, owner, reason, link, ran, flaked, rate, seconds, entered, gone, why)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (test, variant, since) DO UPDATE SET until = ?4, owner = ?5, reason = ?6, link = ?7,
               ran = ?8, flaked = ?9, rate = ?10, seconds = ?11, entered = ?12, gone = ?13, why = ?14",
        )?;
        let Stay {
            entry,
            entered,
            gone,
        } = stay;
        insert.execute(params![
            test,
            variant,
            entry.since.0,
            entry.until.0,
            entry.owner,
            entry.reason,
            entry.link,
            entry.pattern.ran,
            entry.pattern.flaked,
            entry.pattern.rate,
            entry.pattern.seconds,
            entered.0,
            gone.as_ref().map(|gone| gone.at.0),
            gone.as_ref().map(|gone| gone.why.as_str()),
        ])?;
        Ok(())
    }
}
