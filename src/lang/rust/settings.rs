//! What manifests and configuration mean for targets: prints, the prose behind `CARGO_PKG_*`, and settled files.
//!
//! Not seen here: macros of outside crates that read `CARGO_PKG_*` under names not known to the reader.

use std::collections::{BTreeSet, VecDeque};

use super::CargoFile;
use super::dependencies::DependencyKind;
use super::resolve::Layout;
use super::targets::Target;
use super::workspace::{Package, Project};
use crate::lang::Detail;
use crate::model::{EdgeKind, Fingerprint, Node, NodeRef, Printer};

/// What a build can see of the manifest, for one target; with what dev-dependencies say or without.
pub(super) fn print(
    project: &Project<'_>,
    package: &Package<'_>,
    target: &Target,
    dev: bool,
) -> Fingerprint {
    let manifest = package.manifest;
    let workspace = project.workspace(package);
    let mut printer = Printer::new();
    printer.piece(&package.name);
    printer.piece(target.print.0.to_le_bytes());
    printer.piece(target.root.as_bytes());
    keys(&manifest.keys, package, project, &mut printer);
    printer.piece(manifest.rest.0.to_le_bytes());
    if let Some(workspace) = workspace {
        printer.piece(workspace.shared.0.to_le_bytes());
        if manifest.lints_lent {
            printer.piece(workspace.lints.0.to_le_bytes());
        }
    }
    for dependency in &manifest.dependencies {
        if !dev && dependency.kind == DependencyKind::Dev {
            continue;
        }
        printer.number(dependency.kind as u64);
        printer.piece(&dependency.key);
        printer.piece(dependency.print.0.to_le_bytes());
        if let Some(lent) = project.lender(package, dependency) {
            printer.piece(lent.print.0.to_le_bytes());
        }
    }
    printer.finish()
}

/// Keys with what the workspace lends filled in.
fn keys(
    keys: &[(String, Option<Fingerprint>)],
    package: &Package<'_>,
    project: &Project<'_>,
    printer: &mut Printer,
) {
    let lent = project
        .workspace(package)
        .map(|w| w.package.as_slice())
        .unwrap_or_default();
    for (key, said) in keys {
        let said = said.or_else(|| {
            lent.iter()
                .find(|(name, _)| name == key)
                .map(|(_, print)| *print)
        });
        printer.piece(key);
        printer.piece(said.unwrap_or_default().0.to_le_bytes());
    }
}

/// The node of what the manifest says in prose.
pub(super) fn prose(package: &Package<'_>, layout: &mut Layout<'_, '_>) -> NodeRef {
    let node = layout.out.node(Node::Target {
        package: package.name.clone(),
        kind: "manifest".to_owned(),
        name: "prose".to_owned(),
    });
    let mut printer = Printer::new();
    printer.piece(package.dir.as_bytes());
    keys(
        &package.manifest.prose,
        package,
        layout.project,
        &mut printer,
    );
    let print = printer.finish();
    let known = layout.prints.entry(node).or_default();
    if !known.contains(&print) {
        known.push(print);
    }
    node
}

/// Ties sources to the prose they may show, and settles the files whose effects are prints.
pub(super) fn lay(layout: &mut Layout<'_, '_>) {
    let project = layout.project;
    for facts in layout.files {
        match &facts.facts.detail {
            Detail::Cargo(cargo) => {
                let broken = match &**cargo {
                    CargoFile::Manifest(manifest) => manifest.broken,
                    CargoFile::Lock(lock) => lock.broken,
                    CargoFile::Plain | CargoFile::Config(_) => false,
                };
                let stray = matches!(&**cargo, CargoFile::Manifest(_))
                    && facts.path.parent().is_none_or(|dir| {
                        let known = project
                            .packages
                            .get(&dir)
                            .is_some_and(|p| p.data_of.is_none());
                        !known
                            && project
                                .manifests
                                .get(&dir)
                                .is_none_or(|m| m.workspace.is_none())
                    });
                if !(broken || stray) {
                    layout.out.settle(facts.path);
                }
            }
            Detail::Rust(source) if source.uses.package_keys => {
                let Some(home) = project.around(facts.path) else {
                    continue;
                };
                let from = layout.out.path(facts.path);
                // Macros show the prose of whoever calls them.
                let mut open = VecDeque::from([home]);
                let mut seen = BTreeSet::from([&home.dir]);
                while let Some(package) = open.pop_front() {
                    let node = prose(package, layout);
                    layout.out.edge(from, node, EdgeKind::Config, 0);
                    for user in project.packages.values() {
                        let uses = user
                            .manifest
                            .dependencies
                            .iter()
                            .any(|d| project.path_of(user, d).as_ref() == Some(&package.dir));
                        if uses && seen.insert(&user.dir) {
                            open.push_back(user);
                        }
                    }
                }
            }
            _ => {}
        }
    }
}
