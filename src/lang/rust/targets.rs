//! The targets of a package: those its manifest declares, and those Cargo finds by looking.
//!
//! Required features are taken to be on. Not seen here: the rules of edition 2015 that switch looking off; more is
//! found then, never less.

use std::collections::BTreeSet;

use super::manifest::{Manifest, Switch, TargetEntry, TargetKind};
use crate::model::{Fingerprint, RepoPath, Snapshot};

/// A target with its root file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Target {
    /// Its kind; none for the build script.
    pub(super) kind: Option<TargetKind>,
    /// Its name.
    pub(super) name: String,
    /// Where its code starts; the file may be missing.
    pub(super) root: RepoPath,
    /// `cargo test` runs it.
    pub(super) test: bool,
    /// It has doctests.
    pub(super) doctest: bool,
    /// Its tests are run by code of its own.
    pub(super) own_harness: bool,
    /// What the manifest says of it.
    pub(super) print: Fingerprint,
}

/// All targets of the package at `dir`. Cost: a pass over the paths below the directories that Cargo looks into.
pub(super) fn targets(
    dir: &RepoPath,
    name: &str,
    manifest: &Manifest,
    tree: &Snapshot,
) -> Vec<Target> {
    let mut out = Vec::new();
    for kind in [
        TargetKind::Lib,
        TargetKind::Bin,
        TargetKind::Example,
        TargetKind::Test,
        TargetKind::Bench,
    ] {
        let declared = manifest.targets.iter().filter(|entry| entry.kind == kind);
        let found = found(dir, name, kind, tree);
        let first = out.len();
        out.extend(declared.filter_map(|entry| declare(dir, name, entry, &found, tree)));
        let auto = manifest.auto.iter().all(|(of, on)| *of != kind || *on);
        for (name, root) in found {
            let taken = |target: &Target| target.name == name || target.root == root;
            if auto && !out.iter().skip(first).any(taken) {
                out.push(target(kind, name, root, None));
            }
        }
    }
    let scripts = match &manifest.build {
        Switch::Off => Vec::new(),
        Switch::At(paths) => paths.iter().filter_map(|path| dir.join(path)).collect(),
        Switch::Unsaid => dir
            .join("build.rs")
            .filter(|path| tree.find(path).is_some())
            .into_iter()
            .collect(),
    };
    out.extend(scripts.into_iter().map(|root| Target {
        kind: None,
        name: String::from_utf8_lossy(root.stem()).into_owned(),
        root,
        test: false,
        doctest: false,
        own_harness: false,
        print: Fingerprint::default(),
    }));
    out
}

fn target(kind: TargetKind, name: String, root: RepoPath, entry: Option<&TargetEntry>) -> Target {
    let tested = matches!(kind, TargetKind::Lib | TargetKind::Bin | TargetKind::Test);
    Target {
        kind: Some(kind),
        name,
        root,
        test: entry.and_then(|entry| entry.test).unwrap_or(tested),
        doctest: kind == TargetKind::Lib && entry.and_then(|entry| entry.doctest).unwrap_or(true),
        own_harness: entry.is_some_and(|entry| entry.own_harness),
        print: entry.map(|entry| entry.print).unwrap_or_default(),
    }
}

fn declare(
    dir: &RepoPath,
    package: &str,
    entry: &TargetEntry,
    found: &[(String, RepoPath)],
    tree: &Snapshot,
) -> Option<Target> {
    let lib = entry.kind == TargetKind::Lib;
    let name = match &entry.name {
        Some(name) => name.clone(),
        None if lib => package.replace('-', "_"),
        None => String::from_utf8_lossy(RepoPath::new(entry.path.as_deref()?).stem()).into_owned(),
    };
    let root = match &entry.path {
        Some(path) => dir.join(path)?,
        None => {
            let named = found
                .iter()
                .find(|(found, _)| lib || *found == name)
                .map(|(_, root)| root.clone());
            let folder = folder(entry.kind);
            let guess = |path: String| dir.join(path).filter(|path| tree.find(path).is_some());
            named
                .or_else(|| guess(format!("{folder}/{name}.rs")))
                .or_else(|| guess(format!("{folder}/{name}/main.rs")))
                .or_else(|| guess(format!("src/{name}.rs")))
                .or_else(|| {
                    (entry.kind == TargetKind::Bin)
                        .then(|| guess("src/main.rs".to_owned()))
                        .flatten()
                })
                .or_else(|| {
                    dir.join(if lib {
                        "src/lib.rs".to_owned()
                    } else {
                        format!("{folder}/{name}.rs")
                    })
                })?
        }
    };
    Some(target(entry.kind, name, root, Some(entry)))
}

fn folder(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Lib => "src",
        TargetKind::Bin => "src/bin",
        TargetKind::Example => "examples",
        TargetKind::Test => "tests",
        TargetKind::Bench => "benches",
    }
}

/// What looking finds: names and root files.
fn found(
    dir: &RepoPath,
    package: &str,
    kind: TargetKind,
    tree: &Snapshot,
) -> Vec<(String, RepoPath)> {
    let mut out = Vec::new();
    let mut one = |path: &str, name: String| {
        if let Some(path) = dir.join(path).filter(|path| tree.find(path).is_some()) {
            out.push((name, path));
        }
    };
    match kind {
        TargetKind::Lib => {
            one("src/lib.rs", package.replace('-', "_"));
            return out;
        }
        TargetKind::Bin => one("src/main.rs", package.to_owned()),
        _ => {}
    }
    let Some(folder) = dir.join(folder(kind)) else {
        return out;
    };
    // The folder itself may be a symbolic link.
    let real = tree.find(&folder).unwrap_or_else(|| folder.clone());
    let mut seen = BTreeSet::new();
    for (path, _) in tree.under(&real) {
        let Some(below) = path
            .below(&real)
            .and_then(|below| std::str::from_utf8(below).ok())
        else {
            continue;
        };
        let first = below.split('/').next().unwrap_or_default();
        if first.starts_with('.') || !seen.insert(first.to_owned()) {
            continue;
        }
        let (name, root) = match first.strip_suffix(".rs") {
            Some(name) => (name, folder.join(first)),
            None => (first, folder.join(format!("{first}/main.rs"))),
        };
        if let Some(root) =
            root.filter(|root| tree.find(root).is_some_and(|path| tree.contains(&path)))
        {
            out.push((name.to_owned(), root));
        }
    }
    out
}
