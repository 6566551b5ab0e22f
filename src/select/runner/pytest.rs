//! Arguments for pytest, one a line: fit for `pytest @FILE` (pytest 8.2 or newer) and for `xargs`.
//!
//! Files that are selected as a whole are named as such, of the others each selected test. A file name that starts with `-` gets `./` in front, so that it is no option.

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
                Suite::Python { .. } if selected.narrowed => Some(super::lines::units(selected)),
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

#[cfg(test)]
mod tests {
    use super::super::samples::{python, selection};
    use super::*;

    #[test]
    fn a_name_like_an_option_is_kept_from_being_one() {
        let selection = selection(vec![(python("--x/test_a.py"), &["test_x"], true)], true);
        assert_eq!(Pytest.render(&selection), [b"./--x/test_a.py".to_vec()]);
    }
}
