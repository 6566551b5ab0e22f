//! The names that nextest's and libtest's reports give to tests.

use crate::lang::join::{Joined, Tests};
use crate::model::TestId;

/// nextest writes the binary id as class and the test's path as name. libtest knows no binary: its test joins where one
/// suite alone has a case of that path. Doctests are named after file and line.
pub(in crate::lang) fn join<'a>(test: &TestId, tests: &Tests<'a>) -> Option<Joined<'a>> {
    let joined = |suite, case: &str| Joined {
        suite,
        case: case.to_owned(),
    };
    if let Some(suite) = tests.binary(test.class()) {
        return Some(joined(suite, test.name()));
    }
    if test.name().contains(".rs - ") {
        return tests
            .only_doctests()
            .map(|suite| joined(suite, test.name()));
    }
    if let Some(suite) = tests.only_with(test.name()) {
        return Some(joined(suite, test.name()));
    }
    let path = format!("{}::{}", test.class(), test.name());
    tests.only_with(&path).map(|suite| joined(suite, &path))
}
