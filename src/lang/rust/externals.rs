//! Packages from outside the repository: what the lockfile pins, and who uses it.
//!
//! Not seen here: which of two versions a renamed dependency means (both are tied), and platforms that leave one out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::dependencies::Dependency;
use super::lock::{Lock, Locked};
use super::resolve::{Layout, Members};
use super::workspace::Package;
use super::{CargoFile, Config};
use crate::lang::Detail;
use crate::model::{EdgeKind, Fingerprint, Node, NodeRef, Printer, RepoPath};

/// Lays the edges to and between packages from outside.
///
/// Cost: one lookup per locked dependency and per dependency of a manifest.
pub(super) fn lay(members: &BTreeMap<RepoPath, Members>, layout: &mut Layout<'_, '_>) {
    let mut locks: HashMap<RepoPath, &Lock> = HashMap::new();
    for facts in layout.files {
        if let Detail::Cargo(cargo) = &facts.facts.detail
            && let (CargoFile::Lock(lock), Some(dir)) = (&**cargo, facts.path.parent())
        {
            locks.insert(dir, lock);
        }
    }
    let features = features(layout);
    let empty = Lock::default();
    let mut pinned: HashMap<&RepoPath, Vec<Option<NodeRef>>> = HashMap::new();
    for (root, lock) in &locks {
        pinned.insert(root, pin(root, lock, &features, members, layout));
    }
    let project = layout.project;
    for package in project.packages.values() {
        let Some(own) = members.get(&package.dir) else {
            continue;
        };
        let lock = locks.get(&package.root).copied().unwrap_or(&empty);
        let nodes = pinned
            .get(&package.root)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let entry = lock
            .packages
            .iter()
            .find(|p| p.name == package.name && p.source.is_none());
        for dependency in &package.manifest.dependencies {
            if project.path_of(package, dependency).is_some() {
                continue;
            }
            for to in used(package, dependency, lock, entry, nodes, members, layout) {
                for user in own.users(dependency.kind) {
                    layout.out.edge(user, to, EdgeKind::External, 0);
                }
            }
        }
        config_patches(package, own, members, layout);
    }
    vendored(layout);
}

/// The nodes of everything a lockfile pins, by place in it, with the edges between them.
fn pin(
    root: &RepoPath,
    lock: &Lock,
    features: &HashMap<(RepoPath, String), BTreeSet<String>>,
    members: &BTreeMap<RepoPath, Members>,
    layout: &mut Layout<'_, '_>,
) -> Vec<Option<NodeRef>> {
    let project = layout.project;
    let nodes: Vec<Option<NodeRef>> = lock
        .packages
        .iter()
        .map(|locked| {
            if locked.source.is_none() {
                // A patch by path, or a member.
                let mut named = project.packages.values().filter(|p| p.name == locked.name);
                let lib = named.find_map(|p| members.get(&p.dir)?.lib);
                if lib.is_some() {
                    return lib;
                }
            }
            let node = external(&locked.name, &locked.version, layout);
            let mut printer = Printer::new();
            printer.piece(locked.print.0.to_le_bytes());
            for feature in features
                .get(&(root.clone(), locked.name.clone()))
                .into_iter()
                .flatten()
            {
                printer.piece(feature);
            }
            layout.add_print(node, printer.finish());
            Some(node)
        })
        .collect();
    for (locked, from) in lock.packages.iter().zip(&nodes) {
        let Some(from) = from.filter(|_| locked.source.is_some()) else {
            continue;
        };
        for (to, _) in locked
            .dependencies
            .iter()
            .flat_map(|written| lock.meant(written))
        {
            if let Some(to) = nodes.get(to).copied().flatten() {
                layout.out.edge(from, to, EdgeKind::External, 0);
            }
        }
    }
    nodes
}

/// What a dependency without a path means.
fn used(
    package: &Package<'_>,
    dependency: &Dependency,
    lock: &Lock,
    entry: Option<&Locked>,
    nodes: &[Option<NodeRef>],
    members: &BTreeMap<RepoPath, Members>,
    layout: &mut Layout<'_, '_>,
) -> Vec<NodeRef> {
    let project = layout.project;
    let lender = project.lender(package, dependency).unwrap_or(dependency);
    let name = lender.package_name();
    let of_name = |written: &&String| written.split(' ').next() == Some(name);
    let written = entry
        .into_iter()
        .flat_map(|entry| entry.dependencies.iter().filter(of_name));
    let mut found: Vec<NodeRef> = written
        .flat_map(|written| lock.meant(written))
        .filter_map(|(i, _)| nodes.get(i).copied().flatten())
        .collect();
    if found.is_empty() {
        found = lock
            .meant(name)
            .filter_map(|(i, _)| nodes.get(i).copied().flatten())
            .collect();
    }
    if found.is_empty() {
        let node = external(name, "", layout);
        let mut printer = Printer::new();
        printer.piece(dependency.print.0.to_le_bytes());
        printer.piece(lender.print.0.to_le_bytes());
        layout.add_print(node, printer.finish());
        found.push(node);
        // Without a lockfile, a package of that name in the tree may be meant.
        let named = project
            .packages
            .values()
            .filter(|p| p.name == name && p.root == package.root);
        found.extend(named.filter_map(|p| members.get(&p.dir)?.lib));
    }
    found
}

/// The features that the manifests of a workspace ask of each outside package, together.
fn features(layout: &Layout<'_, '_>) -> HashMap<(RepoPath, String), BTreeSet<String>> {
    let mut out: HashMap<(RepoPath, String), BTreeSet<String>> = HashMap::new();
    for package in layout.project.packages.values() {
        for dependency in &package.manifest.dependencies {
            let lender = layout.project.lender(package, dependency);
            let name = lender.unwrap_or(dependency).package_name().to_owned();
            let asked = out.entry((package.root.clone(), name)).or_default();
            asked.extend(
                dependency
                    .features
                    .iter()
                    .chain(lender.into_iter().flat_map(|l| &l.features))
                    .cloned(),
            );
        }
    }
    out
}

/// Packages that Cargo's own configuration puts in place of others.
fn config_patches(
    package: &Package<'_>,
    own: &Members,
    members: &BTreeMap<RepoPath, Members>,
    layout: &mut Layout<'_, '_>,
) {
    for facts in layout.files {
        let Detail::Cargo(cargo) = &facts.facts.detail else {
            continue;
        };
        let CargoFile::Config(Config { patches, paths }) = &**cargo else {
            continue;
        };
        // `paths` and patches are relative to the directory that holds `.cargo`.
        let Some(base) = facts.path.parent().and_then(|dir| dir.parent()) else {
            continue;
        };
        if !package.dir.is_under(&base) {
            continue;
        }
        let dirs = patches
            .iter()
            .map(|(_, path)| path)
            .chain(paths)
            .filter_map(|path| base.join(path));
        for lib in dirs.filter_map(|dir| members.get(&dir)?.lib) {
            for user in own.all.iter().filter(|user| **user != lib) {
                layout.out.edge(*user, lib, EdgeKind::Dependency, 0);
            }
        }
    }
}

/// Crates whose sources are kept in the tree: whoever uses the package depends on all its files.
fn vendored(layout: &mut Layout<'_, '_>) {
    let project = layout.project;
    for dir in &project.vendored {
        let Some(manifest) = project.manifests.get(dir) else {
            continue;
        };
        let (Some(name), Some(version)) = (&manifest.name, &manifest.version) else {
            continue;
        };
        let node = Node::External {
            ecosystem: "cargo".to_owned(),
            name: name.clone(),
            version: version.clone(),
        };
        // Without a lockfile that pins it nobody knows its users; its files fall back then.
        if layout.out.nodes.contains_key(&node) {
            let from = layout.out.node(node);
            layout.reads_dir(from, dir, 0);
            for (path, _) in layout.tree.under(dir) {
                layout.out.claim(path);
            }
        }
    }
}

fn external(name: &str, version: &str, layout: &mut Layout<'_, '_>) -> NodeRef {
    let node = layout.out.node(Node::External {
        ecosystem: "cargo".to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
    });
    layout
        .prints
        .entry(node)
        .or_insert_with(|| vec![Fingerprint::default()]);
    node
}
