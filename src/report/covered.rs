//! What coverage said of a change, for reports.

/// What became of a selection by coverage.
#[derive(Clone, Debug, Default)]
pub struct Covered {
    /// The commit at which it was measured, as it was given; empty where that is not known.
    pub measured_at: String,
    /// How many tests were measured.
    pub tests: usize,
    /// How many cases were dropped.
    pub dropped: usize,
    /// Each definition that changed since, with the number of measured tests that it can change; or why that cannot be told.
    pub regions: Vec<(String, Result<usize, String>)>,
    /// Files whose change since cannot be told apart by definitions, with the reason.
    pub whole: Vec<(crate::model::RepoPath, String)>,
    /// Selected suites of which not all was measured.
    pub unmeasured: Vec<String>,
    /// Suites that make tests when they are loaded and were narrowed: taken to hold the tests that were measured.
    pub assumed: Vec<String>,
    /// Why the coverage is of no use.
    pub warnings: Vec<String>,
}

impl Covered {
    /// Adds a warning.
    pub fn warn(&mut self, words: impl Into<String>) {
        self.warnings.push(words.into());
    }

    /// What it came to, in one line.
    pub fn summary(&self) -> Option<String> {
        if self.measured_at.is_empty() || self.tests == 0 {
            return None;
        }
        let judged = self.regions.iter().filter(|(_, reaches)| reaches.is_ok());
        let mut words = format!(
            "coverage of {} tests, measured at {}: {} of {} changed definitions are told by it",
            self.tests,
            self.measured_at,
            judged.count(),
            self.regions.len(),
        );
        if !self.whole.is_empty() {
            words += &format!("; {} changed files are not told apart", self.whole.len());
        }
        words += match self.dropped {
            0 => "; it narrows nothing".to_owned(),
            1 => "; 1 test is left out".to_owned(),
            n => format!("; {n} tests are left out"),
        }
        .as_str();
        Some(words)
    }

    /// What it said of each part of the change, a line each.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (region, reaches) in &self.regions {
            lines.push(match reaches {
                Ok(0) => format!("`{region}`: no measured test ran it"),
                Ok(1) => format!("`{region}`: 1 measured test"),
                Ok(n) => format!("`{region}`: {n} measured tests"),
                Err(why) => format!("`{region}` narrows nothing: {why}"),
            });
        }
        for (path, why) in &self.whole {
            lines.push(format!("`{path}` narrows nothing: {why}"));
        }
        for suite in &self.unmeasured {
            lines.push(format!("`{suite}` was not measured in full"));
        }
        for suite in &self.assumed {
            lines.push(format!(
                "`{suite}` makes tests when it is loaded: taken to hold those that were measured"
            ));
        }
        lines
    }
}
