//! Handing a selection to a runner: one file per kind.
//!
//! Every format is bytes, because a test's file may have any name that git allows.

mod cargo_test;
mod lines;
mod nextest;
mod pytest;

use super::Selection;

/// How one runner wants to be told what to run.
pub trait RunnerFormat {
    /// The name, as `--format` takes it.
    fn name(&self) -> &'static str;

    /// The arguments, one item a piece; how the pieces are separated is the caller's choice.
    ///
    /// Suites of other ecosystems are left out; [`RunnerFormat::runs`] says which belong here.
    fn render(&self, selection: &Selection) -> Vec<Vec<u8>>;

    /// Whether this runner can run the suite.
    fn runs(&self, suite: &crate::model::Suite) -> bool;
}

/// Every format.
pub fn all() -> &'static [&'static dyn RunnerFormat] {
    &[
        &lines::Lines,
        &pytest::Pytest,
        &nextest::Nextest,
        &cargo_test::CargoTests,
    ]
}

/// The format of this name.
pub fn of(name: &str) -> Option<&'static dyn RunnerFormat> {
    all().iter().copied().find(|format| format.name() == name)
}

/// Selections for the tests of the formats.
#[cfg(test)]
pub(super) mod samples {
    use crate::model::{CargoTest, NodeInfo, RepoPath, Suite};
    use crate::select::{Cause, Fallback, Inert, Reason, Scope, Selected, Selection};

    pub(crate) fn cargo(package: &str, target: CargoTest) -> Suite {
        Suite::Cargo {
            package: package.to_owned(),
            target,
        }
    }

    pub(crate) fn python(file: &str) -> Suite {
        Suite::Python { file: file.into() }
    }

    /// `all`: these are all the suites there are.
    pub(crate) fn selection(suites: Vec<(Suite, &[&str], bool)>, all: bool) -> Selection {
        let fallback = Fallback {
            path: RepoPath::root(),
            scope: Scope::Everything,
            cause: Cause::Unclaimed,
        };
        let selected: Vec<Selected> = suites
            .into_iter()
            .map(|(suite, cases, complete)| {
                let info = NodeInfo {
                    cases: cases.iter().map(|c| (*c).to_owned()).collect(),
                    cases_complete: complete,
                    ..NodeInfo::default()
                };
                Selected::new(suite, &info, Reason::Everything(fallback.clone()))
            })
            .collect();
        let count = selected.len() + usize::from(!all);
        Selection::new(selected, count, false, Vec::new(), Vec::<Inert>::new())
    }
}
