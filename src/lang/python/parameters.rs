//! Whether all parameters of a test run where one of them does.
//!
//! A report of a run names the parameters that ran. One that was skipped or left out there, and is not elsewhere, is missed by
//! whoever takes the named ones for all.

/// Hooks by which tests are left out or marked one by one.
const HOOKS: [&str; 5] = [
    "pytest_collection_modifyitems",
    "pytest_itemcollected",
    "pytest_make_parametrize_id",
    "pytest_pycollect_makeitem",
    "pytest_runtest_setup",
];

/// Whether a function of this name may leave out tests one by one.
pub fn leaves_out(name: &str) -> bool {
    HOOKS.contains(&name)
}

/// Whether no test of this file can have a parameter with a mark of its own, but for one that expects a failure. Cost: one pass.
pub fn are_alike(source: &[u8]) -> bool {
    let source = String::from_utf8_lossy(source);
    source.match_indices("marks").all(|(at, word)| {
        let rest = source[at + word.len()..].trim_start();
        let is_name = rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let given = rest.strip_prefix('=').map(str::trim_start);
        is_name || given.is_none_or(|given| given.starts_with("pytest.mark.xfail"))
    }) && !source.contains("add_marker")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_one_parameter_may_skip_it() {
        for (source, alike) in [
            ("@pytest.mark.parametrize('a', [1, 2])", true),
            ("pytest.param(1, marks=pytest.mark.xfail)", true),
            ("pytest.param(1, marks = pytest.mark.skipif(x))", false),
            ("pytest.param(1, marks=[pytest.mark.xfail])", false),
            ("pytest.param(1, marks=slow)", false),
            ("'question marks' # marks", true),
            ("pytestmarks = 1", false),
            ("request.node.add_marker(pytest.mark.skip)", false),
        ] {
            assert_eq!(are_alike(source.as_bytes()), alike, "{source}");
        }
    }
}
