//! What a process remembers of the store, so that a known roster costs no statement.
//!
//! Nothing here is the truth: it is dropped when a transaction is taken back, or when rows were taken out by anybody.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::unreadable;
use super::frame::Packer;
use super::store::{Store, TextRef};
use super::{HistoryError, roster};
use crate::model::{Fingerprint, TestId, Variant};

/// Bytes that are remembered at most, texts apart; beyond, everything is forgotten. A run of any size is stored in
/// bounded memory, and one of a million tests asks the store again.
const MOST_BYTES: usize = 16 << 20;
/// Bytes of a member of a roster: its number, its usual duration.
const MEMBER: usize = 5;
/// Bytes of a place in a sequence.
const PLACE: usize = 4;
/// Bytes of an entry from print to series, with the slack of the table.
const SERIES: usize = 48;
/// Bytes of a name, about.
const NAME: usize = 160;
/// Texts that are remembered at most.
const MOST_TEXTS: usize = 1 << 17;

/// A roster in memory.
#[derive(Debug)]
pub(super) struct Roster {
    pub(super) id: i64,
    /// Series numbers, sorted.
    pub(super) members: Vec<u32>,
    /// Their usual durations.
    pub(super) usual: Vec<u8>,
}

/// A sequence of results that was laid out before.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    pub(super) roster: Arc<Roster>,
    /// For each result its position in the roster.
    pub(super) positions: Arc<Vec<u32>>,
    /// The number of this order, where it is stored.
    pub(super) ordering: Option<i64>,
}

#[derive(Default)]
pub(super) struct Memo {
    generation: i64,
    bytes: usize,
    pub(super) packer: Packer,
    rosters: HashMap<i64, Arc<Roster>>,
    sequences: HashMap<Fingerprint, Sequence>,
    pub(super) series: FxHashMap<u128, u32>,
    texts: HashMap<Fingerprint, TextRef>,
    names: FxHashMap<u32, (TestId, Option<Arc<Variant>>)>,
}

impl Memo {
    /// Forgets what may no longer hold.
    pub(super) fn refresh(&mut self, store: &Store) -> Result<(), HistoryError> {
        let generation = store.generation()?;
        if generation != self.generation {
            self.forget();
            self.generation = generation;
        }
        Ok(())
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        self.bytes = 0;
        self.rosters.clear();
        self.sequences.clear();
        self.series.clear();
        self.texts.clear();
        self.names.clear();
    }

    fn account(&mut self, bytes: usize) {
        if self.bytes + bytes > MOST_BYTES {
            self.forget();
        }
        self.bytes += bytes;
    }

    pub(super) fn roster(&mut self, store: &Store, id: i64) -> Result<Arc<Roster>, HistoryError> {
        if let Some(known) = self.rosters.get(&id) {
            return Ok(Arc::clone(known));
        }
        let (members, usual) = store.roster(id)?;
        let what = || format!("roster {id}");
        let roster = Roster {
            id,
            members: roster::decode_members(&mut self.packer, &members)
                .map_err(unreadable(what()))?,
            usual: roster::decode_bytes(&mut self.packer, &usual).map_err(unreadable(what()))?,
        };
        Ok(self.keep_roster(roster))
    }

    pub(super) fn keep_roster(&mut self, roster: Roster) -> Arc<Roster> {
        self.account(roster.members.len() * MEMBER);
        let roster = Arc::new(roster);
        self.rosters.insert(roster.id, Arc::clone(&roster));
        roster
    }

    pub(super) fn sequence(&self, print: Fingerprint) -> Option<Sequence> {
        self.sequences.get(&print).cloned()
    }

    pub(super) fn keep_sequence(&mut self, print: Fingerprint, sequence: &Sequence) {
        self.account(sequence.positions.len() * PLACE);
        self.sequences.insert(print, sequence.clone());
    }

    pub(super) fn keep_series(&mut self, print: u128, series: u32) {
        self.account(SERIES);
        self.series.insert(print, series);
    }

    pub(super) fn text(&mut self, store: &Store, text: &str) -> Result<TextRef, HistoryError> {
        let print = Fingerprint::of(text.as_bytes());
        if let Some(known) = self.texts.get(&print) {
            return Ok(*known);
        }
        let id = store.intern_text(&mut self.packer, text, print)?;
        if self.texts.len() >= MOST_TEXTS {
            self.texts.clear();
        }
        self.texts.insert(print, id);
        Ok(id)
    }

    /// Makes sure that [`Memo::name`] knows these series (sorted).
    pub(super) fn load_names(
        &mut self,
        store: &Store,
        members: &[u32],
    ) -> Result<(), HistoryError> {
        let missing = |memo: &Self| -> Vec<u32> {
            let unknown = |member: &&u32| !memo.names.contains_key(*member);
            members.iter().filter(unknown).copied().collect()
        };
        self.account(missing(self).len() * NAME);
        // asked again: accounting may have forgotten everything
        let missing = missing(self);
        // near neighbours are read in one go
        let mut rest = missing.as_slice();
        while let Some(first) = rest.first().copied() {
            let mut end = 1;
            while end < rest.len() && rest[end] - rest[end - 1] <= 8 {
                end += 1;
            }
            let last = rest[end - 1];
            store.named_series(first..=last, &mut |named| {
                self.names.insert(named.series, (named.id, named.variant));
            })?;
            rest = &rest[end..];
        }
        Ok(())
    }

    pub(super) fn name(&self, series: u32) -> Result<(TestId, Option<Arc<Variant>>), HistoryError> {
        self.names
            .get(&series)
            .cloned()
            .ok_or_else(|| HistoryError::Unreadable {
                what: format!("series {series}"),
                source: super::CodecError::Damaged,
            })
    }
}
