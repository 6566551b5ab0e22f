//! What a format without names of tests tells: which lines of which files ran.

use indexmap::IndexMap;

use crate::model::{Bits, Measured, MeasuredContext};

/// No piece of code is longer; whatever says so is damaged.
const LONGEST: u32 = 1 << 16;

/// Lines that ran, by file as the producer spells it.
#[derive(Debug, Default)]
pub(super) struct Ran {
    files: IndexMap<String, File>,
}

#[derive(Debug, Default)]
struct File {
    ran: Bits,
    /// Lines that would show if they ran, where it is said.
    seen: Bits,
}

impl Ran {
    /// A file is measured, whether any of it ran or not.
    pub(super) fn of(&mut self, file: &str) {
        self.file(file);
    }

    fn file(&mut self, file: &str) -> &mut File {
        if !self.files.contains_key(file) {
            self.files.insert(file.to_owned(), File::default());
        }
        &mut self.files[file]
    }

    /// Lines `first..=last` of a file ran; whether there can be such lines.
    pub(super) fn lines(&mut self, file: &str, first: u32, last: u32) -> bool {
        let file = self.file(file);
        [&mut file.ran, &mut file.seen]
            .into_iter()
            .all(|lines| insert(lines, first, last))
    }

    /// Lines `first..=last` of a file did not run, and would show if they did; whether there can be such lines.
    pub(super) fn idle(&mut self, file: &str, first: u32, last: u32) -> bool {
        insert(&mut self.file(file).seen, first, last)
    }

    /// All of it, under no name.
    pub(super) fn measured(self) -> Measured {
        let mut measured = Measured::default();
        let mut lines = Vec::new();
        for (place, (name, file)) in (0..).zip(self.files) {
            measured.files.push(name);
            if !file.ran.is_empty() {
                lines.push((place, file.ran));
            }
            if !file.seen.is_empty() {
                measured.seen.push((place, file.seen));
            }
        }
        measured.contexts.push(MeasuredContext {
            name: String::new(),
            lines,
        });
        measured
    }
}

fn insert(lines: &mut Bits, first: u32, last: u32) -> bool {
    let can_be = first > 0 && (first..first.saturating_add(LONGEST)).contains(&last);
    if can_be {
        (first..=last).for_each(|line| lines.insert(line));
    }
    can_be
}
