//! What a format without names of tests tells: which lines of which files ran.

use indexmap::IndexMap;

use crate::model::{Bits, Measured, MeasuredContext};

/// No piece of code is longer; whatever says so is damaged.
const LONGEST: u32 = 1 << 16;

/// Lines that ran, by file as the producer spells it.
#[derive(Debug, Default)]
pub(super) struct Ran(IndexMap<String, Bits>);

impl Ran {
    /// The lines of a file that is measured, whether any of it ran or not.
    pub(super) fn of(&mut self, file: &str) -> &mut Bits {
        if !self.0.contains_key(file) {
            self.0.insert(file.to_owned(), Bits::default());
        }
        &mut self.0[file]
    }

    /// Lines `first..=last` of a file ran; whether there can be such lines.
    pub(super) fn lines(&mut self, file: &str, first: u32, last: u32) -> bool {
        let lines = self.of(file);
        let can_be = first > 0 && (first..first.saturating_add(LONGEST)).contains(&last);
        if can_be {
            (first..=last).for_each(|line| lines.insert(line));
        }
        can_be
    }

    /// All of it, under no name.
    pub(super) fn measured(self) -> Measured {
        let lines = self.0.values().cloned();
        let lines = (0..).zip(lines).filter(|(_, lines)| !lines.is_empty());
        let context = MeasuredContext {
            name: String::new(),
            lines: lines.collect(),
        };
        Measured {
            contexts: vec![context],
            files: self.0.into_keys().collect(),
        }
    }
}
