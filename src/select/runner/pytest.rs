//! Arguments for pytest, one a line: fit for `pytest @FILE` (pytest 8.2 or newer) and for `xargs`.
//!
//! Files that are selected as a whole are named as such, of the others each selected test. A file name that starts with `-` gets `./`
//! in front, so that it is no option. A test of which only some parameters are selected is named with all where one of them is spelled
//! with a space, at which a shell would cut.

use bstr::ByteSlice;

use super::RunnerFormat;
use crate::model::Suite;
use crate::select::Selection;

/// The format `pytest`.
pub(super) struct Pytest;

impl RunnerFormat for Pytest {
    fn name(&self) -> &'static str {
        "pytest"
    }

    fn render(&self, selection: &Selection) -> Vec<Vec<u8>> {
        let files = selection
            .selected()
            .iter()
            .filter_map(|selected| match &selected.suite {
                Suite::Python { .. } if selected.narrowed => {
                    let mut units = super::lines::units(selected);
                    units.iter_mut().for_each(in_one_word);
                    units.dedup();
                    Some(units)
                }
                Suite::Python { file } => Some(vec![file.as_bytes().to_vec()]),
                Suite::Cargo { .. } => None,
            });
        files
            .flatten()
            .map(|file| {
                if file.starts_with(b"-") || file.starts_with(b"@") {
                    [b"./", &file[..]].concat()
                } else {
                    file
                }
            })
            .collect()
    }

    fn runs(&self, suite: &Suite) -> bool {
        matches!(suite, Suite::Python { .. })
    }
}

/// Leaves out parameters that hold a space.
fn in_one_word(unit: &mut Vec<u8>) {
    let case = unit.find(b".py::").map_or(0, |at| at + 5);
    if let Some(at) = unit[case..].find_byte(b'[')
        && unit[case + at..].iter().any(u8::is_ascii_whitespace)
    {
        unit.truncate(case + at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{python, selection};
    use super::*;

    #[test]
    fn a_name_like_an_option_is_kept_from_being_one() {
        let selection = selection(vec![(python("--x/test_a.py"), &["test_x"], true)], true);
        assert_eq!(Pytest.render(&selection), [b"./--x/test_a.py".to_vec()]);
    }

    #[test]
    fn parameters_with_spaces_are_not_told_apart() {
        let selection = selection(
            vec![(
                python("test_a.py"),
                &["test_x[1-[a]]", "test_y[a b]", "test_y[c\td]", "test_z"],
                true,
            )],
            true,
        );
        let narrowed = selection.map(|selected| {
            Some(crate::select::Selected {
                narrowed: true,
                ..selected
            })
        });
        let units = Pytest.render(&narrowed).join(&b'\n');
        assert_eq!(
            units.as_bstr(),
            "test_a.py::test_x[1-[a]]\ntest_a.py::test_y\ntest_a.py::test_z"
        );
    }
}
