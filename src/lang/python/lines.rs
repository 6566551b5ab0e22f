//! Offsets → line numbers.

use bstr::ByteSlice;
use ruff_text_size::TextSize;

/// Where the lines of a text start.
pub(super) struct Lines(Vec<u32>);

impl Lines {
    /// Finds the lines of a text (shorter than 4 GiB).
    pub(super) fn new(text: &str) -> Self {
        let mut breaks = Vec::with_capacity(text.len() / 24);
        breaks.extend(text.as_bytes().find_iter(b"\n").map(|at| at as u32));
        Self(breaks)
    }

    /// The 1-based line of an offset.
    pub(super) fn of(&self, offset: TextSize) -> u32 {
        self.0.partition_point(|&at| at < offset.to_u32()) as u32 + 1
    }

    /// The same for offsets that only grow: `line` is the last answer (0 at first), so that a pass over a file is linear.
    pub(super) fn after(&self, line: u32, offset: TextSize) -> u32 {
        let known = (line as usize).saturating_sub(1);
        let rest = self.0.get(known..).unwrap_or_default();
        let more = rest.iter().take_while(|&&at| at < offset.to_u32()).count();
        (known + more) as u32 + 1
    }
}
