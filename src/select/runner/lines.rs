//! One test unit a line: a pytest node id, or nextest's binary id.
//!
//! Where only some tests of an executable are selected, each is a line: the binary id, a space, the test's name.
//! A Python file whose tests cannot all be seen is one unit, the file; else each case is one.

use super::RunnerFormat;
use crate::model::Suite;
use crate::select::{Selected, Selection};

/// The format `lines`.
pub(super) struct Lines;

impl RunnerFormat for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn render(&self, selection: &Selection) -> Vec<Vec<u8>> {
        selection.selected().iter().flat_map(units).collect()
    }

    fn runs(&self, _suite: &Suite) -> bool {
        true
    }
}

/// The units of one selected suite.
pub(super) fn units(selected: &Selected) -> Vec<Vec<u8>> {
    match &selected.suite {
        Suite::Cargo { .. } if selected.narrowed => {
            let cases = selected.cases.iter();
            cases
                .map(|case| format!("{} {case}", selected.suite).into_bytes())
                .collect()
        }
        Suite::Cargo { .. } => vec![selected.suite.to_string().into_bytes()],
        Suite::Python { file } if !selected.complete || selected.cases.is_empty() => {
            vec![file.as_bytes().to_vec()]
        }
        Suite::Python { file } => selected
            .cases
            .iter()
            .map(|case| [file.as_bytes(), b"::", case.as_bytes()].concat())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{cargo, python, selection};
    use super::*;
    use crate::model::CargoTest;

    #[test]
    fn cases_are_units_where_all_of_them_can_be_seen() {
        let selection = selection(
            vec![
                (python("t/test_a.py"), &["test_x", "TestC::test_y"], true),
                (python("t/test_b.py"), &["test_x"], false),
                (cargo("p", CargoTest::Bin("b".into())), &["tests::x"], true),
            ],
            true,
        );
        let text: Vec<String> = Lines
            .render(&selection)
            .into_iter()
            .map(|u| String::from_utf8(u).unwrap())
            .collect();
        assert_eq!(
            text,
            [
                "t/test_a.py::test_x",
                "t/test_a.py::TestC::test_y",
                "t/test_b.py",
                "p::bin/b"
            ]
        );
    }
}
