//! Tests, variants, series: names to numbers and back.

use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};

use super::Store;
use crate::history::HistoryError;
use crate::model::{Fingerprint, TestId, TestParts, Variant};

/// Between the levels of a suite in its column.
const BETWEEN_LEVELS: char = '\u{1e}';

/// A series with its name.
#[derive(Clone, Debug)]
pub(in crate::history) struct NamedSeries {
    /// Its number.
    pub(in crate::history) series: u32,
    /// The number of its test.
    pub(in crate::history) test: i64,
    /// The test.
    pub(in crate::history) id: TestId,
    /// The variant; `None` for nothing.
    pub(in crate::history) variant: Option<Arc<Variant>>,
}

impl Store {
    /// The number of a test, where it is known.
    pub(in crate::history) fn find_test(
        &self,
        print: Fingerprint,
    ) -> Result<Option<i64>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id FROM test WHERE print = ?")?;
        Ok(query
            .query_row([blob(print)], |row| row.get(0))
            .optional()?)
    }

    /// The number of a test, new where it is not known.
    pub(in crate::history) fn intern_test(
        &self,
        id: &TestId,
        print: Fingerprint,
    ) -> Result<i64, HistoryError> {
        match self.find_test(print)? {
            Some(known) => Ok(known),
            None => self.add_test(id, print),
        }
    }

    fn add_test(&self, id: &TestId, print: Fingerprint) -> Result<i64, HistoryError> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO test (print, file, suite, class, name, params) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        let suite: Vec<&str> = id.suite().collect();
        let suite = suite.join(&BETWEEN_LEVELS.to_string());
        Ok(insert.insert(params![
            blob(print),
            id.file(),
            suite,
            id.class(),
            id.name(),
            id.params()
        ])?)
    }

    /// The series of a test in a variant, both new where they are not known. A test that is new has no series yet, which saves looking for one.
    pub(in crate::history) fn intern(
        &self,
        id: &TestId,
        print: Fingerprint,
        variant: i64,
    ) -> Result<u32, HistoryError> {
        match self.find_test(print)? {
            Some(known) => self.intern_series(known, variant),
            None => self.add_series(self.add_test(id, print)?, variant),
        }
    }

    /// The number of a variant, new where it is not known.
    pub(in crate::history) fn intern_variant(&self, pairs: &str) -> Result<i64, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id FROM variant WHERE pairs = ?")?;
        if let Some(known) = query.query_row([pairs], |row| row.get(0)).optional()? {
            return Ok(known);
        }
        let mut insert = self
            .conn
            .prepare_cached("INSERT INTO variant (pairs) VALUES (?)")?;
        Ok(insert.insert([pairs])?)
    }

    /// The number of a series, new where it is not known.
    pub(in crate::history) fn intern_series(
        &self,
        test: i64,
        variant: i64,
    ) -> Result<u32, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT id FROM series WHERE test = ? AND variant = ?")?;
        let known = query
            .query_row([test, variant], |row| row.get::<_, i64>(0))
            .optional()?;
        match known {
            Some(known) => number(known),
            None => self.add_series(test, variant),
        }
    }

    fn add_series(&self, test: i64, variant: i64) -> Result<u32, HistoryError> {
        let mut insert = self
            .conn
            .prepare_cached("INSERT INTO series (test, variant) VALUES (?, ?)")?;
        number(insert.insert([test, variant])?)
    }

    /// The series of a test, with their variants.
    pub(in crate::history) fn series_of_test(
        &self,
        test: i64,
    ) -> Result<Vec<(u32, Variant)>, HistoryError> {
        let mut query = self.conn.prepare_cached(
            "SELECT s.id, v.pairs FROM series s JOIN variant v ON v.id = s.variant WHERE s.test = ? ORDER BY s.id",
        )?;
        let rows = query.query_map([test], |row| {
            Ok((row.get(0)?, Variant::parse(&row.get::<_, String>(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Calls `each` for every series of a range of numbers, by number.
    pub(in crate::history) fn named_series(
        &self,
        range: RangeInclusive<u32>,
        each: &mut dyn FnMut(NamedSeries),
    ) -> Result<(), HistoryError> {
        let mut query = self.conn.prepare_cached(
            "SELECT t.file, t.suite, t.class, t.name, t.params, s.id, s.test, s.variant, v.pairs
             FROM series s JOIN test t ON t.id = s.test JOIN variant v ON v.id = s.variant
             WHERE s.id BETWEEN ? AND ? ORDER BY s.id",
        )?;
        let mut rows = query.query([range.start(), range.end()])?;
        // most series have the variant of their neighbour
        let mut variant: (i64, Option<Arc<Variant>>) = (0, None);
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(7)?;
            if number != variant.0 {
                let parsed = Variant::parse(row.get_ref(8)?.as_str().unwrap_or_default());
                variant = (number, (!parsed.is_empty()).then(|| Arc::new(parsed)));
            }
            each(NamedSeries {
                series: row.get(5)?,
                test: row.get(6)?,
                id: test_of(row)?,
                variant: variant.1.clone(),
            });
        }
        Ok(())
    }

    /// Calls `each` for every test, by number.
    pub(in crate::history) fn each_test(
        &self,
        each: &mut dyn FnMut(i64, TestId),
    ) -> Result<(), HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT file, suite, class, name, params, id FROM test ORDER BY id")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            each(row.get(5)?, test_of(row)?);
        }
        Ok(())
    }

    /// The test of a number.
    pub(in crate::history) fn test(&self, test: i64) -> Result<TestId, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT file, suite, class, name, params FROM test WHERE id = ?")?;
        Ok(query.query_row([test], test_of)?)
    }

    /// Every link from an old test to a new one.
    pub(in crate::history) fn renames(&self) -> Result<Vec<(i64, i64)>, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT old, new FROM rename ORDER BY old")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(in crate::history) fn link(&self, old: i64, new: i64) -> Result<(), HistoryError> {
        self.conn.execute(
            "INSERT INTO rename (old, new) VALUES (?1, ?2) ON CONFLICT (old) DO UPDATE SET new = ?2",
            [old, new],
        )?;
        Ok(())
    }

    /// Whether there was a link to take away.
    pub(in crate::history) fn unlink(&self, old: i64) -> Result<bool, HistoryError> {
        Ok(self
            .conn
            .execute("DELETE FROM rename WHERE old = ?", [old])?
            > 0)
    }
}

/// The test of a row that starts with its parts.
fn test_of(row: &Row<'_>) -> rusqlite::Result<TestId> {
    let text = |at| -> rusqlite::Result<&str> { Ok(row.get_ref(at)?.as_str()?) };
    let suite = text(1)?;
    let levels: Vec<&str> = if suite.is_empty() {
        Vec::new()
    } else {
        suite.split(BETWEEN_LEVELS).collect()
    };
    Ok(TestId::new(TestParts {
        file: text(0)?,
        suite: &levels,
        class: text(2)?,
        name: text(3)?,
        params: text(4)?,
    }))
}

/// A print as it is stored.
pub(super) fn blob(print: Fingerprint) -> [u8; 16] {
    print.0.to_be_bytes()
}

/// A stored print.
pub(super) fn print_of(bytes: [u8; 16]) -> Fingerprint {
    Fingerprint(u128::from_be_bytes(bytes))
}

/// The number of a series in the width that rosters have.
fn number(series: i64) -> Result<u32, HistoryError> {
    u32::try_from(series).map_err(|_| HistoryError::TooMany("tests"))
}
