//! A filterset for `cargo nextest run -E`.
//!
//! The whole workspace is still built, so no feature changes: only what runs is filtered. Doctests are no business of
//! nextest's; they are left out here and named by the `cargo` format.

use super::RunnerFormat;
use crate::model::{CargoTest, Suite};
use crate::select::{Outcome, Selected, Selection};

/// The format `nextest`.
pub(super) struct Nextest;

impl RunnerFormat for Nextest {
    fn name(&self) -> &'static str {
        "nextest"
    }

    fn render(&self, selection: &Selection) -> Vec<Vec<u8>> {
        let binaries: Vec<String> = selection
            .selected()
            .iter()
            .filter(|selected| self.runs(&selected.suite))
            .map(filter)
            .collect();
        let filter = if selection.outcome() == Outcome::Everything {
            "all()".to_owned()
        } else if binaries.is_empty() {
            "none()".to_owned()
        } else {
            binaries.join(" | ")
        };
        vec![filter.into_bytes()]
    }

    fn runs(&self, suite: &Suite) -> bool {
        matches!(suite, Suite::Cargo { target, .. } if *target != CargoTest::Doc)
    }
}

/// The expression for one suite: its executable, or single tests of it.
fn filter(selected: &Selected) -> String {
    let binary = format!("binary_id(={})", selected.suite);
    if !selected.narrowed {
        return binary;
    }
    let tests: Vec<String> = selected
        .cases
        .iter()
        .map(|case| format!("test(={case})"))
        .collect();
    format!("({binary} & ({}))", tests.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{cargo, selection};
    use super::*;

    fn filter(suites: Vec<(Suite, &[&str], bool)>, all: bool) -> String {
        String::from_utf8(Nextest.render(&selection(suites, all)).concat()).unwrap()
    }

    #[test]
    fn nothing_some_and_everything_are_three_different_filters() {
        assert_eq!(filter(vec![], false), "none()");
        let some = || {
            vec![
                (cargo("p", CargoTest::Lib), &[][..], true),
                (cargo("p", CargoTest::Doc), &[][..], true),
            ]
        };
        assert_eq!(filter(some(), false), "binary_id(=p)");
        assert_eq!(filter(some(), true), "all()");
    }

    #[test]
    fn single_tests_are_named_where_only_some_of_an_executable_are_selected() {
        let cases = &["a", "m::b"][..];
        let some = selection(vec![(cargo("p", CargoTest::Lib), cases, true)], false);
        let narrowed = some.map(|selected| {
            Some(Selected {
                narrowed: true,
                ..selected
            })
        });
        assert_eq!(
            String::from_utf8(Nextest.render(&narrowed).concat()).unwrap(),
            "(binary_id(=p) & (test(=a) | test(=m::b)))"
        );
    }
}
