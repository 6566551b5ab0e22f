//! Which files a runner collects, under which configuration, and what they hold.
//!
//! `testpaths` does not narrow: a test outside of it can still be named on the command line. Not seen: tests that plugins
//! collect from files of their own kinds.

use super::collect::{Collected, Naming, collected};
use super::glob;
use super::project::Pytest;
use super::resolve::{File, Project, Resolver};
use super::source::Source;
use crate::model::{EdgeKind, NodeRef, RepoPath, Suite};

/// Directories that pytest does not enter by itself, beside hidden ones and eggs.
const SKIPPED: &[&str] = &[
    "_darcs",
    "build",
    "CVS",
    "dist",
    "node_modules",
    "venv",
    "{arch}",
];

/// All of the runner's settings in the tree.
pub(super) struct Runner<'p> {
    /// By directory.
    settings: Vec<(RepoPath, &'p Pytest)>,
}

impl<'p> Runner<'p> {
    pub(super) fn new(projects: &[Project<'p>]) -> Self {
        let own = projects
            .iter()
            .filter_map(|p| Some((p.dir.clone(), p.says.pytest.as_ref()?)));
        Self {
            settings: own.collect(),
        }
    }

    /// Whether examples in docstrings are tests somewhere.
    pub(super) fn doctests(&self) -> bool {
        self.settings
            .iter()
            .any(|(_, settings)| settings.doctest_modules())
    }

    /// The settings that may be in force for a path: those of all directories above it.
    fn of(&self, path: &RepoPath) -> impl Iterator<Item = &'p Pytest> + use<'_, 'p> {
        let path = path.clone();
        let above = self
            .settings
            .iter()
            .filter(move |(dir, _)| path.is_under(dir));
        above.map(|(_, settings)| *settings)
    }

    /// What is collected from a file; `None` where a runner would not look, or would find nothing.
    pub(super) fn collect(&self, path: &RepoPath, source: &Source) -> Option<Collected> {
        if path.extension() != b"py" || is_skipped(path) {
            return None;
        }
        let name = String::from_utf8_lossy(path.file_name()).into_owned();
        let whole = path.to_string();
        // Both the usual names and the configured ones: several runs with several settings are common.
        let mut matched = name.starts_with("test_") || name.ends_with("_test.py");
        let mut naming = Naming::default();
        for settings in self.of(path) {
            let matches = |pattern: &String| {
                glob::matches(pattern, &name)
                    || pattern.contains('/') && glob::matches(&format!("*{pattern}"), &whole)
            };
            if let Some(patterns) = &settings.python_files {
                matched |= patterns.iter().any(matches);
            }
            for (patterns, all) in [
                (&settings.python_classes, &mut naming.classes),
                (&settings.python_functions, &mut naming.functions),
            ] {
                if let Some(patterns) = patterns {
                    all.extend(patterns.iter().cloned());
                    naming.default = false;
                }
            }
        }
        // unittest's discovery has its own pattern.
        let near_tests = name.starts_with("test")
            || path.ancestors().any(|dir| {
                dir.file_name()
                    .windows(4)
                    .any(|w| w.eq_ignore_ascii_case(b"test"))
            });
        let examples = source.doctests && self.of(path).any(Pytest::doctest_modules);
        if !(matched || near_tests || examples) {
            return None;
        }
        let found = collected(source, &naming);
        let holds = !found.cases.is_empty() || !found.complete;
        if matched && holds || found.unittest && near_tests {
            return Some(Collected {
                complete: found.complete && !examples,
                ..found
            });
        }
        examples.then_some(Collected {
            complete: false,
            ..found
        })
    }
}

/// Lays out the suites: what defines them, and what configures them.
pub(super) fn lay(
    resolver: &mut Resolver<'_, '_>,
    files: &[File<'_>],
    collected: Vec<Option<Collected>>,
    projects: &[Project<'_>],
    runner: &Runner<'_>,
) {
    let configs: Vec<(&RepoPath, NodeRef)> = projects
        .iter()
        .filter(|p| is_config(p.path))
        .map(|p| (&p.dir, p.node))
        .collect();
    for (file, found) in files.iter().zip(collected) {
        let Some(found) = found else { continue };
        let suite = Suite::Python {
            file: file.path.clone(),
        };
        let test = resolver.out.test(suite, found.cases, found.complete);
        resolver.out.edge(test, file.node, EdgeKind::Defines, 0);
        for (dir, config) in &configs {
            if file.path.is_under(dir) {
                resolver.out.edge(test, *config, EdgeKind::Config, 0);
            }
        }
    }
    lay_texts(resolver, runner);
}

/// Lays out text files whose examples are tests. What they import stands in prose, so all modules are assumed.
fn lay_texts(resolver: &mut Resolver<'_, '_>, runner: &Runner<'_>) {
    for (dir, settings) in &runner.settings {
        for pattern in settings.doctest_globs() {
            for (path, _) in resolver.tree.under(dir) {
                let name = String::from_utf8_lossy(path.file_name()).into_owned();
                if !glob::matches(pattern, &name) || is_skipped(path) {
                    continue;
                }
                let file = resolver.out.claim(path);
                let suite = Suite::Python { file: path.clone() };
                let test = resolver.out.test(suite, Vec::new(), false);
                resolver.out.edge(test, file, EdgeKind::Defines, 0);
                let modules = resolver.pattern(0, "", "", true);
                resolver.out.edge(test, modules, EdgeKind::DynamicImport, 0);
            }
        }
    }
}

fn is_config(path: &RepoPath) -> bool {
    matches!(
        path.file_name(),
        b"pytest.ini" | b".pytest.ini" | b"pyproject.toml" | b"tox.ini" | b"setup.cfg"
    )
}

fn is_skipped(path: &RepoPath) -> bool {
    let text = path.as_bytes();
    let mut dirs = text.rsplit(|byte| *byte == b'/').skip(1);
    dirs.any(|name| {
        name.starts_with(b".")
            || name.ends_with(b".egg")
            || SKIPPED.iter().any(|s| s.as_bytes() == name)
    })
}
