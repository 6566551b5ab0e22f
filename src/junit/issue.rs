//! What was odd about a report, where, and what was done about it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How much an oddity cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Unusual, and understood: nothing was changed or lost.
    Accepted,
    /// Wrong, and read as what it most likely means.
    Repaired,
    /// Wrong, and left out.
    Rejected,
}

/// Where in a report. Lines and columns count from 1, columns in bytes of the text as UTF-8; 0 where no place is known.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
    /// The elements around it, as in `testsuites/testsuite[2]/testcase[14]/@time`.
    pub path: String,
}

impl fmt::Display for Place {
    /// `3:14: testsuites/testsuite`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        Ok(())
    }
}

/// One oddity.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// How much it cost.
    pub level: Level,
    /// Where it is.
    pub place: Place,
    /// What it was, and what was done.
    pub text: String,
}

impl fmt::Display for Issue {
    /// `repaired 3:14: testsuites/testsuite: text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Accepted => "accepted",
            Level::Repaired => "repaired",
            Level::Rejected => "rejected",
        };
        write!(f, "{level} {}: {}", self.place, self.text)
    }
}

/// A bounded list of issues.
#[derive(Debug)]
pub(super) struct Issues {
    list: Vec<Issue>,
    limit: usize,
    left_out: u64,
    worst_left_out: Option<Level>,
    once: BTreeSet<&'static str>,
}

impl Issues {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            limit,
            left_out: 0,
            worst_left_out: None,
            once: BTreeSet::new(),
        }
    }

    /// Notes an issue, or counts it where the list is full. `place` is asked only when it is kept.
    pub(super) fn add(
        &mut self,
        level: Level,
        place: impl FnOnce() -> Place,
        text: impl Into<String>,
    ) {
        if self.list.len() < self.limit {
            let (place, text) = (place(), text.into());
            self.list.push(Issue { level, place, text });
        } else {
            self.left_out += 1;
            self.worst_left_out = self.worst_left_out.max(Some(level));
        }
    }

    /// Notes an issue of a kind that is worth saying once a report.
    pub(super) fn once(
        &mut self,
        kind: &'static str,
        level: Level,
        place: impl FnOnce() -> Place,
        text: impl Into<String>,
    ) {
        if self.once.insert(kind) {
            self.add(level, place, text);
        }
    }

    /// The issues; the last one counts those left out.
    pub(super) fn finish(mut self) -> Vec<Issue> {
        if let Some(level) = self.worst_left_out {
            self.list.push(Issue {
                level,
                place: Place::default(),
                text: format!("{} more issues are not listed", self.left_out),
            });
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_beyond_the_limit_are_counted_with_the_worst_level() {
        let mut issues = Issues::new(1);
        issues.add(Level::Accepted, Place::default, "first");
        issues.add(Level::Rejected, || panic!("no place is made"), "second");
        issues.add(Level::Repaired, Place::default, "third");
        let list = issues.finish();
        assert_eq!(list.len(), 2);
        assert_eq!(list[1].level, Level::Rejected);
        assert_eq!(list[1].text, "2 more issues are not listed");
    }

    #[test]
    fn an_issue_of_a_kind_is_said_once() {
        let mut issues = Issues::new(9);
        for _ in 0..3 {
            issues.once("zone", Level::Accepted, Place::default, "no zone");
        }
        assert_eq!(issues.finish().len(), 1);
    }
}
