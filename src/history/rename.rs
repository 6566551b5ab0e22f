//! Tests under several names: links that reading follows, and names typed by people.

use std::collections::HashMap;

use super::{History, HistoryError, content};
use crate::model::TestId;

/// For each old test the one that it goes on as, chains followed to their end.
#[derive(Clone, Debug, Default)]
pub(super) struct Renames {
    pub(super) to: HashMap<i64, i64>,
}

impl Renames {
    fn new(links: &[(i64, i64)]) -> Self {
        let direct: HashMap<i64, i64> = links.iter().copied().collect();
        let end = |old: i64| {
            let mut new = old;
            // a circle is refused when it is made; one that came in by other means ends somewhere
            for _ in 0..direct.len() {
                match direct.get(&new) {
                    Some(next) => new = *next,
                    None => break,
                }
            }
            new
        };
        Self {
            to: direct.keys().map(|old| (*old, end(*old))).collect(),
        }
    }

    fn end(&self, test: i64) -> i64 {
        self.to.get(&test).copied().unwrap_or(test)
    }
}

impl History {
    /// From now on `old` goes on as `new`: reading shows its results under the new name. Stored rows stay as they
    /// are, so [`History::unrename`] brings everything back. A second link from `old` takes the place of the first.
    ///
    /// # Errors
    /// [`HistoryError::NoTest`] where `old` was never seen; [`HistoryError::Circle`].
    pub fn rename(&mut self, old: &TestId, new: &TestId) -> Result<(), HistoryError> {
        self.store.begin()?;
        let done = self.link(old, new);
        match done {
            Ok(()) => self.store.commit(),
            Err(error) => {
                self.take_back(false);
                Err(error)
            }
        }
    }

    fn link(&self, old: &TestId, new: &TestId) -> Result<(), HistoryError> {
        let from = self
            .store
            .find_test(content::test(old))?
            .ok_or_else(|| HistoryError::NoTest(old.to_string()))?;
        let to = self.store.intern_test(new, content::test(new))?;
        let mut links = self.store.renames()?;
        links.retain(|(old, _)| *old != from);
        if Renames::new(&links).end(to) == from {
            return Err(HistoryError::Circle {
                old: old.to_string(),
                new: new.to_string(),
            });
        }
        self.store.link(from, to)
    }

    /// Takes back [`History::rename`]. Returns whether there was a link.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn unrename(&mut self, old: &TestId) -> Result<bool, HistoryError> {
        match self.store.find_test(content::test(old))? {
            Some(test) => self.store.unlink(test),
            None => Ok(false),
        }
    }

    /// All links, old name and new, as they were made.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn renames(&self) -> Result<Vec<(TestId, TestId)>, HistoryError> {
        let links = self.store.renames()?;
        links
            .into_iter()
            .map(|(old, new)| Ok((self.store.test(old)?, self.store.test(new)?)))
            .collect()
    }

    pub(super) fn rename_map(&self) -> Result<Renames, HistoryError> {
        Ok(Renames::new(&self.store.renames()?))
    }

    /// The series of a test under all its names, sorted.
    pub(super) fn series_of(&self, test: &TestId) -> Result<Vec<u32>, HistoryError> {
        let number = self
            .store
            .find_test(content::test(test))?
            .ok_or_else(|| HistoryError::NoTest(test.to_string()))?;
        let renames = self.rename_map()?;
        let end = renames.end(number);
        let mut tests = vec![end];
        tests.extend(
            renames
                .to
                .iter()
                .filter(|(_, to)| **to == end)
                .map(|(old, _)| *old),
        );
        let mut series = Vec::new();
        for test in tests {
            series.extend(
                self.store
                    .series_of_test(test)?
                    .into_iter()
                    .map(|(series, _)| series),
            );
        }
        series.sort_unstable();
        Ok(series)
    }

    /// Every test that was ever stored, under the name it was stored with.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn tests(&self) -> Result<Vec<TestId>, HistoryError> {
        let mut tests = Vec::new();
        self.store.each_test(&mut |_, test| tests.push(test))?;
        Ok(tests)
    }

    /// The tests that somebody may mean by `text`: those shown exactly so, else those of this `class.name`, else of
    /// this name, else those that are shown with `text` in them. Empty where there is none.
    ///
    /// Cost: one pass over all tests.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn find(&self, text: &str) -> Result<Vec<TestId>, HistoryError> {
        let mut found: [Vec<TestId>; 4] = Default::default();
        self.store.each_test(&mut |_, test| {
            let shown = test.to_string();
            let dotted = || {
                let class = text.strip_suffix(test.name());
                let class = class.and_then(|rest| rest.strip_suffix(['.', '#', '/', ' ']));
                !test.class().is_empty() && class == Some(test.class())
            };
            let rank = if shown == text || test.key() == text {
                0
            } else if dotted() {
                1
            } else if test.name() == text {
                2
            } else if shown.contains(text) {
                3
            } else {
                return;
            };
            found[rank].push(test);
        })?;
        Ok(found
            .into_iter()
            .find(|tests| !tests.is_empty())
            .unwrap_or_default())
    }
}
