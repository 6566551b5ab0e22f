//! Package scopes, for paths that nobody claims, and the configuration that holds for a whole package.
//!
//! Not seen here: configuration outside the repository, and in directories that only a shell's `cd` leads to.

use std::collections::BTreeMap;

use super::CargoFile;
use super::resolve::{Layout, Members};
use super::workspace::Package;
use crate::lang::Detail;
use crate::model::{EdgeKind, Node, NodeRef, RepoPath};

/// Files that configure every package below the directory that holds them.
const CONFIGURES: &[&str] = &[
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain",
    "rust-toolchain.toml",
    ".config/nextest.toml",
];

/// Lays out the scopes.
pub(super) fn lay(members: &BTreeMap<RepoPath, Members>, layout: &mut Layout<'_, '_>) {
    let project = layout.project;
    for package in project.packages.values() {
        let Some(own) = members.get(&package.dir) else {
            continue;
        };
        let outer = package.data_of.as_ref();
        let home = scope(outer.unwrap_or(&package.dir), layout);
        join(&own.all, home, layout);
        if let Some(outer) = outer {
            for folder in ["tests", "benches"] {
                if let Some(dir) = outer.join(folder).filter(|dir| package.dir.is_under(dir)) {
                    let within = scope(&dir, layout);
                    join(&own.all, within, layout);
                }
            }
        } else {
            let root = scope(&package.root, layout);
            layout.out.edge(home, root, EdgeKind::Member, 0);
            narrow(package, own, layout);
        }
        configure(package, home, layout);
    }
    broken(layout);
}

/// Narrower scopes inside a package.
fn narrow(package: &Package<'_>, own: &Members, layout: &mut Layout<'_, '_>) {
    let leads = package.dir == package.root;
    let alone = layout
        .project
        .packages
        .values()
        .filter(|p| p.root == package.root)
        .count()
        == 1;
    for folder in ["tests", "benches"] {
        if let Some(dir) = package
            .dir
            .join(folder)
            .filter(|dir| layout.tree.is_dir(dir))
        {
            let within = scope(&dir, layout);
            join(&own.integration, within, layout);
            join(&own.read_tests_dir, within, layout);
        }
    }
    if leads && !alone {
        for folder in ["src", "examples"] {
            if let Some(dir) = package
                .dir
                .join(folder)
                .filter(|dir| layout.tree.is_dir(dir))
            {
                let within = scope(&dir, layout);
                join(&own.all, within, layout);
            }
        }
    }
}

/// Configuration from the package's directory upwards, found or probed.
fn configure(package: &Package<'_>, home: NodeRef, layout: &mut Layout<'_, '_>) {
    for dir in std::iter::once(package.dir.clone()).chain(package.dir.ancestors()) {
        for name in CONFIGURES {
            let Some(path) = dir.join(name) else { continue };
            let probed = dir == package.dir || dir == package.root;
            if probed || layout.tree.find(&path).is_some() {
                layout.reads(home, &path, EdgeKind::Config, 0);
            }
        }
    }
}

/// Manifests and lockfiles that cannot be read count for every package at, below and above them.
fn broken(layout: &mut Layout<'_, '_>) {
    let project = layout.project;
    for facts in layout.files {
        let Detail::Cargo(cargo) = &facts.facts.detail else {
            continue;
        };
        let (is_broken, is_manifest) = match &**cargo {
            CargoFile::Manifest(manifest) => (manifest.broken, true),
            CargoFile::Lock(lock) => (lock.broken, false),
            CargoFile::Plain | CargoFile::Config(_) => (false, false),
        };
        let Some(dir) = facts.path.parent().filter(|_| is_broken) else {
            continue;
        };
        let to = layout.out.path(facts.path);
        for package in project.packages.values() {
            let member_of = is_manifest
                && project
                    .packages
                    .get(&dir)
                    .is_some_and(|p| p.root == package.root);
            let around = is_manifest && dir.is_under(&package.root);
            if package.dir.is_under(&dir) || member_of || around {
                let home = scope(&package.dir, layout);
                layout.out.edge(home, to, EdgeKind::Config, 0);
            }
        }
        if is_manifest && let Some(package) = project.packages.get(&dir) {
            let home = scope(&package.dir, layout);
            layout.reads_dir(home, &dir, 0);
        }
    }
}

fn scope(dir: &RepoPath, layout: &mut Layout<'_, '_>) -> NodeRef {
    layout.out.node(Node::Package {
        reader: "rust".to_owned(),
        dir: dir.clone(),
    })
}

fn join(nodes: &[NodeRef], scope: NodeRef, layout: &mut Layout<'_, '_>) {
    for node in nodes {
        layout.out.edge(*node, scope, EdgeKind::Member, 0);
    }
}
