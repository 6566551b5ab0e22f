//! The names that pytest's and unittest's reports give to tests.

use crate::lang::join::{Joined, Tests};
use crate::model::TestId;

/// pytest writes `tests.test_mod.TestClass` as class and the function as name, and the file only in old dialects;
/// unittest's reporters write the same from the directory that they were started in.
pub(in crate::lang) fn join<'a>(test: &TestId, tests: &Tests<'a>) -> Option<Joined<'a>> {
    let levels: Vec<&str> = test.class().split('.').collect();
    if test.file().ends_with(".py") {
        let suite = tests.python_file(test.file())?;
        let stem = test.file().rsplit('/').next()?.trim_end_matches(".py");
        let module = levels.iter().rposition(|level| *level == stem);
        let classes = &levels[module.map_or(levels.len(), |at| at + 1)..];
        return Some(joined(suite, classes, test.name()));
    }
    if test.class().is_empty() {
        return None;
    }
    for end in (1..=levels.len()).rev() {
        let path = format!("{}.py", levels[..end].join("/"));
        if let Some(suite) = tests.python_file(&path) {
            return Some(joined(suite, &levels[end..], test.name()));
        }
    }
    None
}

fn joined<'a>(suite: &'a crate::model::Suite, classes: &[&str], name: &str) -> Joined<'a> {
    let mut case = String::new();
    for class in classes {
        case.push_str(class);
        case.push_str("::");
    }
    case.push_str(name);
    Joined { suite, case }
}
