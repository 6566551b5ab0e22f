//! Which manifests make which workspaces, and which packages are members.
//!
//! Packages that are test data of an outer package (their directory says so) keep their tests, but their files also
//! fall back to the outer package. Packages inside a workspace that are no members cannot be built and are left out,
//! so their files fall back.
//!
//! Not seen here: workspaces that span repositories, and source replacement other than vendored crates.

use std::collections::{BTreeMap, BTreeSet};

use globset::GlobBuilder;

use super::CargoFile;
use super::dependencies::Dependency;
use super::manifest::{Manifest, TargetKind, Workspace};
use super::targets::{Target, targets};
use crate::lang::{Detail, FileFacts};
use crate::model::{CargoTest, RepoPath, Snapshot, Suite};

/// Directory names under which whole packages are test data.
const DATA: &[&[u8]] = &[
    b"tests",
    b"test",
    b"fixtures",
    b"fixture",
    b"testdata",
    b"test-data",
    b"test_data",
    b"data",
    b"resources",
    b"snapshots",
    b"ui",
    b"testing",
    b"test-cases",
    b"testcases",
];

/// A package of the tree.
#[derive(Debug)]
pub(super) struct Package<'a> {
    /// Its directory.
    pub(super) dir: RepoPath,
    /// The directory of its workspace's root.
    pub(super) root: RepoPath,
    /// Its manifest.
    pub(super) manifest: &'a Manifest,
    /// Its name.
    pub(super) name: String,
    /// Its targets.
    pub(super) targets: Vec<Target>,
    /// `cargo test` can be asked to test it.
    pub(super) runs: bool,
    /// For test data: the directory of the package around it.
    pub(super) data_of: Option<RepoPath>,
}

/// All packages of a tree.
#[derive(Debug)]
pub(super) struct Project<'a> {
    /// The packages, by directory.
    pub(super) packages: BTreeMap<RepoPath, Package<'a>>,
    /// All manifests, by directory.
    pub(super) manifests: BTreeMap<RepoPath, &'a Manifest>,
    /// Vendored crates.
    pub(super) vendored: Vec<RepoPath>,
}

impl Package<'_> {
    /// The suites that a target makes: its test executable, and its doctests.
    pub(super) fn suites(&self, target: &Target) -> (Option<Suite>, Option<Suite>) {
        let suite = |target: CargoTest| Suite::Cargo {
            package: self.name.clone(),
            target,
        };
        let name = target.name.clone();
        let test = match target.kind.filter(|_| target.test && self.runs) {
            None => None,
            Some(TargetKind::Lib) => Some(CargoTest::Lib),
            Some(TargetKind::Bin) => Some(CargoTest::Bin(name)),
            Some(TargetKind::Example) => Some(CargoTest::Example(name)),
            Some(TargetKind::Test) => Some(CargoTest::Test(name)),
            Some(TargetKind::Bench) => Some(CargoTest::Bench(name)),
        };
        let doc = (target.doctest && self.runs).then(|| suite(CargoTest::Doc));
        (test.map(suite), doc)
    }
}

impl<'a> Project<'a> {
    /// Sorts the manifests among the files. Cost: one walk up per manifest, and per workspace one pass over its members.
    pub(super) fn of(files: &[FileFacts<'a>], tree: &Snapshot) -> Self {
        let mut manifests = BTreeMap::new();
        let mut vendored = Vec::new();
        for file in files {
            let Detail::Cargo(cargo) = &file.facts.detail else {
                continue;
            };
            let (CargoFile::Manifest(manifest), Some(dir)) = (&**cargo, file.path.parent()) else {
                continue;
            };
            if dir
                .join(".cargo-checksum.json")
                .is_some_and(|path| tree.contains(&path))
            {
                vendored.push(dir.clone());
            }
            manifests.insert(dir, &**manifest);
        }
        let mut project = Self {
            packages: BTreeMap::new(),
            manifests,
            vendored,
        };
        let roots: BTreeMap<RepoPath, RepoPath> = project
            .manifests
            .keys()
            .filter(|dir| !project.vendored.contains(dir))
            .map(|dir| (dir.clone(), project.root_of(dir)))
            .collect();
        let members = project.members(&roots);
        let patched = project.patched();
        for (dir, root) in &roots {
            let Some(manifest) = project.manifests.get(dir).copied() else {
                continue;
            };
            let Some(name) = &manifest.name else { continue };
            let runs = members.contains(dir);
            if !(runs || patched.contains(dir)) {
                continue;
            }
            let name = if name.is_empty() {
                String::from_utf8_lossy(dir.file_name()).into_owned()
            } else {
                name.clone()
            };
            let outer = dir
                .ancestors()
                .find(|outer| project.manifests.contains_key(outer));
            let data_of =
                outer.filter(|outer| roots.get(outer) != Some(root) && is_data(dir, outer));
            project.packages.insert(
                dir.clone(),
                Package {
                    targets: targets(dir, &name, manifest, tree),
                    dir: dir.clone(),
                    root: root.clone(),
                    manifest,
                    name,
                    runs,
                    data_of,
                },
            );
        }
        project
    }

    /// The workspace table that lends to a package.
    pub(super) fn workspace(&self, package: &Package<'a>) -> Option<&'a Workspace> {
        self.manifests.get(&package.root)?.workspace.as_ref()
    }

    /// The innermost package around a path.
    pub(super) fn around(&self, path: &RepoPath) -> Option<&Package<'a>> {
        path.ancestors().find_map(|dir| self.packages.get(&dir))
    }

    /// The dependency as the workspace lends it, where it does.
    pub(super) fn lender(
        &self,
        package: &Package<'a>,
        dependency: &Dependency,
    ) -> Option<&'a Dependency> {
        if !dependency.lent {
            return None;
        }
        self.workspace(package)?
            .dependencies
            .iter()
            .find(|lent| lent.key == dependency.key)
    }

    /// The directory that a dependency's path leads to: its own, the lent one, or a patch.
    pub(super) fn path_of(
        &self,
        package: &Package<'a>,
        dependency: &Dependency,
    ) -> Option<RepoPath> {
        let lender = self.lender(package, dependency);
        let own = dependency
            .path
            .as_ref()
            .and_then(|path| package.dir.join(path));
        let lent = || package.root.join(lender?.path.as_ref()?);
        own.or_else(lent).or_else(|| {
            let name = lender.unwrap_or(dependency).package_name();
            let patches = self.manifests.get(&package.root)?.patches.iter();
            patches
                .filter(|(patched, _)| patched == name)
                .find_map(|(_, path)| package.root.join(path))
        })
    }

    /// The root of the workspace that the package at `dir` belongs to; its own directory where there is none.
    fn root_of(&self, dir: &RepoPath) -> RepoPath {
        let Some(manifest) = self.manifests.get(dir) else {
            return dir.clone();
        };
        if manifest.workspace.is_some() {
            return dir.clone();
        }
        let is_root = |dir: &RepoPath| {
            self.manifests
                .get(dir)
                .is_some_and(|m| m.workspace.is_some())
        };
        if let Some(root) = manifest
            .root
            .as_ref()
            .and_then(|root| dir.join(root))
            .filter(is_root)
        {
            return root;
        }
        let workspaces = self
            .manifests
            .iter()
            .filter_map(|(root, m)| Some((root, m.workspace.as_ref()?)));
        // A root may name members outside its directory.
        let mut naming = workspaces.filter(|(root, w)| {
            !dir.is_under(root)
                && w.members
                    .iter()
                    .any(|member| root.join(member).as_ref() == Some(dir))
        });
        if let Some((root, _)) = naming.next() {
            return root.clone();
        }
        let holds = |root: &RepoPath| {
            let workspace = self.manifests.get(root)?.workspace.as_ref()?;
            let named = workspace
                .members
                .iter()
                .any(|member| root.join(member).as_ref() == Some(dir));
            let mut exclude = workspace.exclude.iter().filter_map(|path| root.join(path));
            (named || !exclude.any(|path| dir.is_under(&path))).then_some(())
        };
        dir.ancestors()
            .find(|root| holds(root).is_some())
            .unwrap_or_else(|| dir.clone())
    }

    /// The packages that can be tested: roots, those that patterns name, and what they depend on by path.
    fn members(&self, roots: &BTreeMap<RepoPath, RepoPath>) -> BTreeSet<RepoPath> {
        let mut found = BTreeSet::new();
        for (dir, root) in roots {
            let Some(workspace) = self.manifests.get(root).and_then(|m| m.workspace.as_ref())
            else {
                found.insert(dir.clone());
                continue;
            };
            let below = dir
                .below(root)
                .and_then(|below| std::str::from_utf8(below).ok());
            let named = workspace.members.iter().any(|member| {
                root.join(member).as_ref() == Some(dir)
                    || below.is_some_and(|below| glob(member, below))
            });
            if dir == root || named {
                found.insert(dir.clone());
            }
        }
        let mut open: Vec<RepoPath> = found.iter().cloned().collect();
        while let Some(dir) = open.pop() {
            let (Some(manifest), Some(root)) = (self.manifests.get(&dir), roots.get(&dir)) else {
                continue;
            };
            let lent = self.manifests.get(root).and_then(|m| m.workspace.as_ref());
            for dependency in &manifest.dependencies {
                let own = dependency.path.as_ref().and_then(|path| dir.join(path));
                let lender = lent
                    .filter(|_| dependency.lent)
                    .and_then(|w| w.dependencies.iter().find(|d| d.key == dependency.key));
                let path = own.or_else(|| root.join(lender?.path.as_ref()?));
                if let Some(path) = path.filter(|path| roots.contains_key(path))
                    && found.insert(path.clone())
                {
                    open.push(path);
                }
            }
        }
        found
    }

    fn patched(&self) -> BTreeSet<RepoPath> {
        let all = self.manifests.iter();
        all.flat_map(|(dir, m)| m.patches.iter().filter_map(|(_, path)| dir.join(path)))
            .collect()
    }
}

fn is_data(dir: &RepoPath, outer: &RepoPath) -> bool {
    let below = dir.below(outer).unwrap_or_default();
    below.split(|b| *b == b'/').any(|part| DATA.contains(&part))
}

/// Whether a pattern of members names a directory below the root. A pattern that is none names nothing but itself.
fn glob(pattern: &str, below: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .is_ok_and(|glob| glob.compile_matcher().is_match(below))
}
