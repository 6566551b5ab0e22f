//! Package scopes: what a fallback seeds when nobody claims a changed path.
//!
//! Every file belongs to the innermost scope around it, every scope to the next one out.

use std::collections::BTreeSet;

use super::resolve::{File, Project, Resolver};
use crate::model::{EdgeKind, RepoPath};

/// Lays out the scopes, who belongs to them, and the configuration that holds for each.
pub(super) fn lay(resolver: &mut Resolver<'_, '_>, files: &[File<'_>], projects: &[Project<'_>]) {
    let mut dirs: BTreeSet<RepoPath> = BTreeSet::new();
    dirs.insert(RepoPath::root());
    dirs.extend(projects.iter().map(|p| p.dir.clone()));
    for file in files {
        if let Some(top) = resolver.modules.top_package(file.dir) {
            let path = resolver
                .modules
                .dirs
                .get(top as usize)
                .map(|d| d.path.clone());
            dirs.extend(path);
        }
    }
    // The outermost directory of tests that is in no package and no project of its own.
    let mut tests: BTreeSet<RepoPath> = BTreeSet::new();
    for file in files {
        let Some(dir) = file.path.parent() else {
            continue;
        };
        let test = file.is_suite || file.path.file_name() == b"conftest.py";
        if test && !dirs.contains(&dir) && resolver.modules.top_package(file.dir).is_none() {
            tests.insert(dir);
        }
    }
    let outermost: Vec<RepoPath> = tests
        .iter()
        .filter(|dir| !dir.ancestors().any(|above| tests.contains(&above)))
        .cloned()
        .collect();
    dirs.extend(outermost);
    for dir in &dirs {
        let node = resolver.scope(dir);
        if let Some(outer) = dir.ancestors().find(|above| dirs.contains(above)) {
            let outer = resolver.scope(&outer);
            resolver.out.edge(node, outer, EdgeKind::Member, 0);
        }
    }
    for file in files {
        if let Some(dir) = file.path.ancestors().find(|dir| dirs.contains(dir)) {
            let scope = resolver.scope(&dir);
            resolver.out.edge(file.node, scope, EdgeKind::Member, 0);
        }
    }
    // What builds a project, or says what it is made of, reaches all of it. A runner's own files reach tests alone.
    for project in projects {
        let runner = matches!(
            project.path.file_name(),
            b"pytest.ini" | b".pytest.ini" | b"tox.ini"
        );
        if !runner || project.says.broken {
            let scope = resolver.scope(&project.dir);
            resolver.out.edge(scope, project.node, EdgeKind::Config, 0);
        }
    }
    // Files that would be the project's, or the runner's, configuration if they appeared.
    for dir in &dirs {
        let scope = resolver.scope(dir);
        for name in [
            "pytest.ini",
            ".pytest.ini",
            "pyproject.toml",
            "tox.ini",
            "setup.cfg",
            "setup.py",
            "conftest.py",
        ] {
            let Some(path) = dir.join(name) else { continue };
            if !resolver.tree.contains(&path) {
                let probe = resolver.out.path(&path);
                resolver.out.edge(scope, probe, EdgeKind::Probe, 0);
            }
        }
    }
}
