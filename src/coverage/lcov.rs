//! LCOV trace files with test names: `TN:` opens a record, `SF:` names its file, `DA:line,count` a line that ran `count`
//! times, `end_of_record` ends it.
//!
//! Format: `geninfo(1)`. genhtml takes names of letters, digits and `_` only, so producers write other marks as `_`.

use std::collections::HashMap;

use bstr::ByteSlice;

use super::{CoverageError, CoverageFormat};
use crate::model::{Bits, Measured, MeasuredContext};

pub(super) struct Lcov;

impl CoverageFormat for Lcov {
    fn name(&self) -> &'static str {
        "lcov"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let mut lines = head.lines().map(ByteSlice::trim);
        lines
            .find(|line| !line.is_empty() && !line.starts_with(b"#"))
            .is_some_and(|line| line.starts_with(b"TN:") || line.starts_with(b"SF:"))
    }

    fn untold(&self) -> CoverageError {
        CoverageError::NoTests("its `TN:` records are empty")
    }

    fn read(&self, bytes: &[u8]) -> Result<Measured, CoverageError> {
        let mut measured = Measured::default();
        let mut contexts: HashMap<String, usize> = HashMap::new();
        let mut files: HashMap<String, u32> = HashMap::new();
        let (mut test, mut file) = (String::new(), None);
        for (at, line) in bytes.lines().enumerate() {
            let damaged = || CoverageError::Line(at + 1);
            let line = line.trim();
            if let Some(name) = line.strip_prefix(b"TN:") {
                test = text(name);
            } else if let Some(path) = line.strip_prefix(b"SF:") {
                let path = text(path);
                let next = files.len() as u32;
                let place = *files.entry(path.clone()).or_insert(next);
                if place == next {
                    measured.files.push(path);
                    measured.seen.push((place, Bits::default()));
                }
                let context = *contexts.entry(test.clone()).or_insert_with(|| {
                    measured.contexts.push(MeasuredContext {
                        name: test.clone(),
                        lines: Vec::new(),
                    });
                    measured.contexts.len() - 1
                });
                let lines = &mut measured.contexts[context].lines;
                let known = lines.iter().position(|(known, _)| *known == place);
                let known = known.unwrap_or_else(|| {
                    lines.push((place, Default::default()));
                    lines.len() - 1
                });
                file = Some((context, known));
            } else if let Some(data) = line.strip_prefix(b"DA:") {
                let (context, place) = file.ok_or_else(damaged)?;
                let mut parts = data.split(|byte| *byte == b',');
                let mut part = || parts.next()?.to_str().ok();
                let number: Option<u32> = part().and_then(|text| text.parse().ok());
                // counters that were told from others may wrap below zero, where a panic broke the sum
                let count: Option<i128> = part().and_then(|text| text.parse().ok());
                let (number, count) = number.zip(count).ok_or_else(damaged)?;
                measured.seen[measured.contexts[context].lines[place].0 as usize]
                    .1
                    .insert(number);
                if count != 0 {
                    measured.contexts[context].lines[place].1.insert(number);
                }
            } else if line == b"end_of_record" {
                file = None;
            }
        }
        // the end is missing: so may be more
        if file.is_some() {
            return Err(CoverageError::Line(bytes.lines().count()));
        }
        Ok(measured)
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.trim().to_str_lossy().into_owned()
}
