//! What became of each test at a commit, as its suite reports it, and what became another between two commits.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tia::junit::{self, Hints, Limits, SET_UP};
use tia::model::{Status, TestId, TestResult};

use crate::checkout::Checkout;

/// The outcomes of one run, by test and variant.
pub(crate) type Outcomes = BTreeMap<(TestId, String), Status>;

/// Runs a suite at commits, and keeps the reports.
pub(crate) struct Suite {
    /// For `sh -c`, in a work tree of the commit; writes its report where `$REPORT` says.
    pub command: String,
    /// Where reports are kept: `COMMIT.1.xml` of the first run, `COMMIT.2.xml` of the second.
    pub kept: PathBuf,
    /// The name of the project, `$PROJECT` in the command.
    pub project: String,
}

/// A test whose outcome at a commit is not that at its parent.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Changed {
    pub test: TestId,
    /// Nothing where the test is new.
    pub before: Option<Status>,
    pub after: Status,
}

impl Suite {
    /// The outcomes of the run with this number at a commit; `None` where it left no report.
    ///
    /// # Errors
    /// The checkout or the command cannot be made, or the report cannot be read, in words.
    pub(crate) fn run(
        &self,
        checkout: &Checkout,
        commit: &str,
        number: u32,
    ) -> Result<Option<Outcomes>, String> {
        let file = self.kept.join(format!("{commit}.{number}.xml"));
        let none = file.with_extension("none");
        if !file.exists() && !none.exists() {
            std::fs::create_dir_all(&self.kept)
                .map_err(|error| format!("{}: {error}", self.kept.display()))?;
            checkout.go(commit)?;
            checkout.clean()?;
            let ended = Command::new("sh")
                .args(["-c", &self.command])
                .current_dir(checkout.tree())
                .env("REPORT", &file)
                .env("PROJECT", &self.project)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .map_err(|error| format!("`{}`: {error}", self.command))?;
            if !file.exists() {
                eprintln!("{commit:.10}: the suite ended with {ended} and without a report");
                std::fs::write(&none, "")
                    .map_err(|error| format!("{}: {error}", none.display()))?;
            }
        }
        let Ok(report) = File::open(&file) else {
            return Ok(None);
        };
        let report = junit::read(
            BufReader::new(report),
            &Hints::default(),
            &Limits::default(),
        )
        .map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Some(report.results.into_iter().map(outcome).collect()))
    }

    /// The tests whose outcome changed from a commit to another, sorted, and how many of the first runs' changes a second
    /// run did not confirm. Tests that are gone are not among them: nobody can run them. `None` without reports.
    ///
    /// # Errors
    /// As [`Suite::run`].
    pub(crate) fn changed(
        &self,
        checkout: &Checkout,
        base: &str,
        head: &str,
    ) -> Result<Option<(Vec<Changed>, usize)>, String> {
        let (Some(before), Some(after)) =
            (self.run(checkout, base, 1)?, self.run(checkout, head, 1)?)
        else {
            return Ok(None);
        };
        let first = compare(&before, &after);
        if first.is_empty() {
            return Ok(Some((Vec::new(), 0)));
        }
        let (Some(before), Some(after)) =
            (self.run(checkout, base, 2)?, self.run(checkout, head, 2)?)
        else {
            return Ok(None);
        };
        let second = compare(&before, &after);
        let sure: BTreeSet<Changed> = first.intersection(&second).cloned().collect();
        let unsure = first.len() - sure.len();
        Ok(Some((sure.into_iter().collect(), unsure)))
    }
}

fn outcome(result: TestResult) -> ((TestId, String), Status) {
    let variant = result.variant.map(|variant| variant.to_string());
    ((result.test, variant.unwrap_or_default()), result.status)
}

fn compare(before: &Outcomes, after: &Outcomes) -> BTreeSet<Changed> {
    let changed = after.iter().filter_map(|(test, after)| {
        let before = before.get(test).copied();
        (before != Some(*after)).then(|| Changed {
            test: test.0.clone(),
            before,
            after: *after,
        })
    });
    changed.collect()
}

impl Changed {
    /// The file could not be loaded: no test of its own, and any test of the file shows it.
    pub(crate) fn is_set_up(&self) -> bool {
        self.test.name() == SET_UP
    }

    /// What happened, in words.
    pub(crate) fn how(&self) -> &'static str {
        match (self.before, self.after) {
            (None, after) if !after.is_bad() => "new",
            (_, after) if after.is_bad() => "now fails",
            (Some(before), _) if before.is_bad() => "fails no more",
            _ => "is skipped or no more",
        }
    }
}
