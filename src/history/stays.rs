//! Who was in quarantine, and when: the past of `quarantine.toml`, which itself only says who is in now.
//!
//! The file decides; the store is told what it says ([`History::mirror`]), and keeps for each stay when it began, at which
//! rate, when it ended and why. A stay is known by test, variant and the day it began.

use super::{History, HistoryError, content};
use crate::model::{Quarantined, TestId, Timestamp};

/// A stay of a test in quarantine.
#[derive(Clone, Debug, PartialEq)]
pub struct Stay {
    /// What the file said of it, last. Messages are not kept.
    pub entry: Quarantined,
    /// When the store learnt of it.
    pub entered: Timestamp,
    /// How it ended; `None` while it is in.
    pub gone: Option<Gone>,
}

/// The end of a stay.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Gone {
    /// When the store learnt of it.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// Why a test left of which nobody says why.
const TAKEN_OUT: &str = "taken out of the file";

impl History {
    /// Every stay that the store knows of, by the day it began.
    ///
    /// # Errors
    /// [`HistoryError`] of the store.
    pub fn stays(&self) -> Result<Vec<Stay>, HistoryError> {
        self.store.stays()
    }

    /// Tells the store what `quarantine.toml` says: new entries begin a stay, entries that are no longer there end one, for the
    /// reason in `left` where that names the test. Saying the same again changes nothing. Returns how many stays changed.
    ///
    /// # Errors
    /// [`HistoryError`]; then nothing was changed.
    pub fn mirror(
        &mut self,
        entries: &[Quarantined],
        left: &[(TestId, String)],
        now: Timestamp,
    ) -> Result<usize, HistoryError> {
        self.store.begin()?;
        let done = self.look(entries, left, now).and_then(|changed| {
            self.store.commit()?;
            Ok(changed)
        });
        if done.is_err() {
            self.take_back(false);
        }
        done
    }

    fn look(
        &self,
        entries: &[Quarantined],
        left: &[(TestId, String)],
        now: Timestamp,
    ) -> Result<usize, HistoryError> {
        let known = self.store.stays()?;
        let mut changed = Vec::new();
        for entry in entries {
            let before = known.iter().find(|stay| is_same(&stay.entry, entry));
            let stay = Stay {
                entry: without_messages(entry),
                entered: before.map_or(now, |stay| stay.entered),
                gone: None,
            };
            if before != Some(&stay) {
                changed.push(stay);
            }
        }
        let open = known.into_iter().filter(|stay| stay.gone.is_none());
        for stay in open.filter(|stay| !entries.iter().any(|it| is_same(&stay.entry, it))) {
            let why = left.iter().find(|(test, _)| *test == stay.entry.test);
            let why = why.map_or(TAKEN_OUT, |(_, why)| why.as_str()).to_owned();
            let gone = Some(Gone { at: now, why });
            changed.push(Stay { gone, ..stay });
        }
        for stay in &changed {
            self.set_stay(stay)?;
        }
        Ok(changed.len())
    }

    /// Takes over what another store knows of stays.
    pub(super) fn take_over_stays(&self, other: &Self) -> Result<(), HistoryError> {
        let mine = self.store.stays()?;
        for theirs in other.store.stays()? {
            let here = mine.iter().find(|stay| is_same(&stay.entry, &theirs.entry));
            let stay = here.map_or_else(|| theirs.clone(), |here| here.joined(&theirs));
            if here != Some(&stay) {
                self.set_stay(&stay)?;
            }
        }
        Ok(())
    }

    fn set_stay(&self, stay: &Stay) -> Result<(), HistoryError> {
        let test = &stay.entry.test;
        let test = self.store.intern_test(test, content::test(test))?;
        let variant = match stay.entry.variant.is_empty() {
            true => 0,
            false => self.store.intern_variant(&stay.entry.variant.to_string())?,
        };
        self.store.set_stay(test, variant, stay)
    }
}

fn is_same(a: &Quarantined, b: &Quarantined) -> bool {
    (&a.test, &a.variant, a.since) == (&b.test, &b.variant, b.since)
}

fn without_messages(entry: &Quarantined) -> Quarantined {
    let mut entry = entry.clone();
    entry.pattern.messages.clear();
    entry
}

impl Stay {
    /// What two stores know of one stay: the first that saw it, and the last that saw it end. A store that still has it in may
    /// not have looked since.
    fn joined(&self, other: &Self) -> Self {
        let order = |stay: &Self| {
            let entry = &stay.entry;
            (
                entry.until,
                entry.reason.clone(),
                entry.owner.clone(),
                entry.link.clone(),
                format!("{:?}", entry.pattern),
            )
        };
        let later = if order(self) >= order(other) {
            self
        } else {
            other
        };
        Self {
            entry: later.entry.clone(),
            entered: self.entered.min(other.entered),
            gone: self.gone.clone().max(other.gone.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Date, Pattern, Variant};

    fn entry(name: &str, since: i32) -> Quarantined {
        Quarantined {
            test: TestId::of("t", name),
            variant: Variant::default(),
            owner: Some("@a".to_owned()),
            reason: "flaky".to_owned(),
            link: None,
            since: Date(since),
            until: Date(since + 14),
            pattern: Pattern {
                ran: 100,
                flaked: 5.0,
                rate: 0.05,
                seconds: Some(0.5),
                messages: vec!["port".to_owned()],
            },
        }
    }

    /// `name since entered [gone why]` for each stay.
    fn told(history: &History) -> Vec<String> {
        let tell = |stay: Stay| {
            let entry = &stay.entry;
            let mut told = format!("{} {} {}", entry.test.name(), entry.since.0, stay.entered.0);
            if let Some(gone) = &stay.gone {
                told.push_str(&format!(" {} {}", gone.at.0, gone.why));
            }
            told
        };
        history.stays().unwrap().into_iter().map(tell).collect()
    }

    #[test]
    fn stays_begin_and_end_as_the_file_says() {
        let mut history = History::in_memory().unwrap();
        let mut mirror = |entries: &[Quarantined], left: &[(TestId, String)], now| {
            let changed = history.mirror(entries, left, Timestamp(now)).unwrap();
            (changed, told(&history))
        };
        let both = [entry("a", 10), entry("b", 11)];
        assert_eq!(mirror(&both, &[], 1).1, ["a 10 1", "b 11 1"]);
        assert_eq!(mirror(&both, &[], 2).0, 0);
        let healed = [(TestId::of("t", "a"), "healed".to_owned())];
        assert_eq!(
            mirror(&both[1..], &healed, 3).1,
            ["a 10 1 3 healed", "b 11 1"]
        );
        assert_eq!(
            mirror(&[], &[], 4).1,
            ["a 10 1 3 healed", "b 11 1 4 taken out of the file"]
        );
        // It comes again, and that one comes back whose removal was undone.
        let again = [entry("a", 20), entry("b", 11)];
        assert_eq!(
            mirror(&again, &[], 5).1,
            ["a 10 1 3 healed", "b 11 1", "a 20 5"]
        );
        let stays = history.stays().unwrap();
        assert_eq!(stays[1].entry, without_messages(&again[1]));
        assert_eq!(history.check().unwrap(), []);
    }

    #[test]
    fn merged_stores_know_the_first_entry_and_the_last_end() {
        let store = |looks: &[(&[Quarantined], i64)]| {
            let mut history = History::in_memory().unwrap();
            for (entries, now) in looks {
                history.mirror(entries, &[], Timestamp(*now)).unwrap();
            }
            history
        };
        let (a, b) = (entry("a", 10), entry("b", 10));
        let later = Quarantined {
            until: Date(90),
            ..a.clone()
        };
        let looks: [&[(&[Quarantined], i64)]; 3] = [
            &[(&[a.clone(), b.clone()], 1)],
            &[(std::slice::from_ref(&later), 2), (&[], 7)],
            &[(std::slice::from_ref(&a), 3), (&[], 5)],
        ];
        for (one, two) in [(0, 1), (1, 2), (0, 2)] {
            let mut forth = store(looks[one]);
            forth.join(&store(looks[two])).unwrap();
            let mut back = store(looks[two]);
            back.join(&store(looks[one])).unwrap();
            let sorted = |history: &History| {
                let mut stays: Vec<String> = history
                    .stays()
                    .unwrap()
                    .iter()
                    .map(|stay| format!("{stay:?}"))
                    .collect();
                stays.sort();
                stays
            };
            assert_eq!(sorted(&forth), sorted(&back));
            let once = sorted(&forth);
            forth.join(&back).unwrap();
            assert_eq!(sorted(&forth), once);
        }
        let mut all = store(looks[0]);
        all.join(&store(looks[1])).unwrap();
        assert_eq!(told(&all), ["a 10 1 7 taken out of the file", "b 10 1"]);
        assert_eq!(all.stays().unwrap()[0].entry.until, Date(90));
    }
}
