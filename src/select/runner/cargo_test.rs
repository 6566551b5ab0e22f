//! Arguments for `cargo test`, one invocation a line.
//!
//! **Features.** Cargo unifies features over the packages of one invocation, so `-p` may build a package with other
//! features than the whole workspace gives it, and then compile or list other tests. Here `-p` is never used: every
//! invocation takes the workspace, and only the targets are named. Target names are not unique over a workspace, and
//! `--lib` means every library, so this can run more than was selected, never less.
//!
//! Doctests cannot be asked for together with other targets; they are an invocation of their own.

use std::collections::BTreeSet;

use super::RunnerFormat;
use crate::model::{CargoTest, Suite};
use crate::select::{Outcome, Selection};

/// The format `cargo`.
pub(super) struct CargoTests;

impl RunnerFormat for CargoTests {
    fn name(&self) -> &'static str {
        "cargo"
    }

    fn render(&self, selection: &Selection) -> Vec<Vec<u8>> {
        if selection.outcome() == Outcome::Everything {
            return vec![b"--workspace".to_vec()];
        }
        let mut targets = BTreeSet::new();
        let mut doc = false;
        for selected in selection.selected() {
            let Suite::Cargo { target, .. } = &selected.suite else {
                continue;
            };
            match target {
                CargoTest::Lib => targets.insert("--lib".to_owned()),
                CargoTest::Bin(name) => targets.insert(format!("--bin {name}")),
                CargoTest::Test(name) => targets.insert(format!("--test {name}")),
                CargoTest::Example(name) => targets.insert(format!("--example {name}")),
                CargoTest::Bench(name) => targets.insert(format!("--bench {name}")),
                CargoTest::Doc => std::mem::replace(&mut doc, true),
            };
        }
        let mut lines = Vec::new();
        if !targets.is_empty() {
            let targets: Vec<String> = targets.into_iter().collect();
            lines.push(format!("--workspace {}", targets.join(" ")).into_bytes());
        }
        if doc {
            lines.push(b"--workspace --doc".to_vec());
        }
        lines
    }

    fn runs(&self, suite: &Suite) -> bool {
        matches!(suite, Suite::Cargo { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{cargo, selection};
    use super::*;

    #[test]
    fn doctests_are_an_invocation_of_their_own_and_no_package_is_named() {
        let selection = selection(
            vec![
                (cargo("p", CargoTest::Test("it".into())), &[], true),
                (cargo("p", CargoTest::Doc), &[], true),
                (cargo("q", CargoTest::Lib), &[], true),
                (cargo("p", CargoTest::Lib), &[], true),
            ],
            false,
        );
        let lines: Vec<String> = CargoTests
            .render(&selection)
            .into_iter()
            .map(|l| String::from_utf8(l).unwrap())
            .collect();
        assert_eq!(lines, ["--workspace --lib --test it", "--workspace --doc"]);
    }
}
