//! The import closure: whoever imports a changed file, directly or through others, as `ruff analyze graph` sees imports.
//!
//! Two rules beside what ruff says: importing `a.b` runs `a/__init__.py`, and a test is given fixtures by each
//! `conftest.py` above it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::git;

/// Who imports whom in one commit: each file with what it depends on.
#[derive(Default)]
pub(crate) struct Imports(BTreeMap<String, BTreeSet<String>>);

impl Imports {
    /// What `ruff` says of the tree that is checked out, with string literals that name modules where `strings`.
    ///
    /// # Errors
    /// ruff cannot be run or says what is no map, in words.
    pub(crate) fn read(ruff: &Path, tree: &Path, strings: bool) -> Result<Self, String> {
        let mut command = Command::new(ruff);
        command.current_dir(tree);
        // the project's own excludes are meant for its style, not for its tests
        command.args(["analyze", "graph", "--isolated"]);
        if strings {
            command.arg("--detect-string-imports");
        }
        let json = git::output(&mut command)?;
        let mut files: BTreeMap<String, BTreeSet<String>> =
            serde_json::from_slice(&json).map_err(|error| format!("ruff: {error}"))?;
        let known: BTreeSet<String> = files.keys().cloned().collect();
        for (file, uses) in &mut files {
            let run: Vec<String> = uses.iter().flat_map(|used| packages(used)).collect();
            let given = above(file).map(|dir| format!("{dir}conftest.py"));
            let more = run.into_iter().chain(packages(file)).chain(given);
            uses.extend(more.filter(|more| known.contains(more)));
        }
        Ok(Self(files))
    }

    /// The files that depend on one of these, and these. Cost: one walk over all edges.
    pub(crate) fn reached<'a>(
        &self,
        changed: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<String> {
        let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (file, uses) in &self.0 {
            for used in uses {
                users.entry(used).or_default().push(file);
            }
        }
        let mut reached: BTreeSet<String> = changed.into_iter().map(str::to_owned).collect();
        let mut open: Vec<String> = reached.iter().cloned().collect();
        while let Some(file) = open.pop() {
            for user in users.get(file.as_str()).into_iter().flatten() {
                if reached.insert((*user).to_owned()) {
                    open.push((*user).to_owned());
                }
            }
        }
        reached
    }
}

/// The directories above a file, innermost first, each with a slash at its end unless it is the top.
fn above(file: &str) -> impl Iterator<Item = &str> {
    let ends = file.rmatch_indices('/').map(|(at, _)| at + 1).chain([0]);
    ends.map(|end| &file[..end])
}

/// The `__init__.py` that may be above a file.
fn packages(file: &str) -> impl Iterator<Item = String> + '_ {
    above(file).map(|dir| format!("{dir}__init__.py"))
}
