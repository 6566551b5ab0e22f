//! Why `determinator` selects a suite that `tia` does not, told from packages and paths alone.
//!
//! `determinator` works by package: a path marks the package around it, a package marks all that depend on it. Here
//! each cause is followed back to the suite by what Cargo would link, and then explained where the path itself shows
//! that no build of the suite reads it. What cannot be explained so is left to a person.
//!
//! Not seen here: which file of `src` belongs to the library and which to a binary beside it.

use std::collections::{BTreeMap, BTreeSet};

use determinator::{Determinator, rules::PathMatch};
use guppy::PackageId;
use guppy::graph::{BuildTargetId, DependencyDirection, PackageGraph, PackageMetadata, PackageSet};
use tia::model::CargoTest;

/// One change, as both tools see it.
pub(crate) struct Case<'a> {
    pub(crate) old: &'a PackageGraph,
    pub(crate) new: &'a PackageGraph,
    pub(crate) determinator: &'a Determinator<'a, 'a>,
    /// Changed paths, relative to the workspace.
    pub(crate) paths: &'a [String],
    /// Changed paths of which `tia` has proven that they affect nothing, with the proof.
    pub(crate) inert: &'a BTreeMap<String, String>,
    /// The directories that hold a manifest, before or after.
    pub(crate) manifests: &'a BTreeSet<String>,
    pub(crate) contents: &'a Contents<'a>,
}

/// The text of a path before and after.
pub(crate) type Contents<'a> = dyn Fn(&str) -> [Option<String>; 2] + 'a;

/// A reason for which `determinator` selects a suite, and why it is none; `None` where it may be one.
pub(crate) struct Cause {
    pub(crate) what: String,
    pub(crate) explained: Option<&'static str>,
}

impl Case<'_> {
    /// Every reason for which this suite is selected by package.
    pub(crate) fn causes(&self, package: &str, target: &CargoTest) -> Vec<Cause> {
        let mut linked = BTreeSet::new();
        let mut pins = Vec::new();
        for graph in [self.old, self.new] {
            let set = linked_by(graph, package);
            let mut outside = BTreeSet::new();
            for found in set
                .iter()
                .flat_map(|s| s.packages(DependencyDirection::Forward))
            {
                if found.in_workspace() {
                    linked.insert(found.name().to_owned());
                } else {
                    outside.insert(format!("{} {}", found.name(), found.version()));
                }
            }
            pins.push(outside);
        }
        let mut causes: Vec<Cause> = self
            .paths
            .iter()
            .filter(|path| self.marks(path, &linked))
            .map(|path| Cause {
                what: path.clone(),
                explained: self.explain(path, package, target, &linked),
            })
            .collect();
        let changed: Vec<&str> = match pins.as_slice() {
            [old, new] => old.symmetric_difference(new).map(String::as_str).collect(),
            _ => Vec::new(),
        };
        if !changed.is_empty() {
            causes.push(Cause {
                what: format!("other versions linked: {}", changed.join(", ")),
                explained: None,
            });
        }
        causes
    }

    /// Whether `determinator` takes this path for a change of one of these packages.
    fn marks(&self, path: &str, linked: &BTreeSet<String>) -> bool {
        let mut marked = false;
        let matched = self.determinator.match_path(path, |id: &PackageId| {
            let name = self.new.metadata(id).map(|package| package.name());
            marked |= name.is_ok_and(|name| linked.contains(name));
        });
        marked || matches!(matched, PathMatch::RuleMatchedAll | PathMatch::NoMatches)
    }

    fn explain(
        &self,
        path: &str,
        package: &str,
        target: &CargoTest,
        linked: &BTreeSet<String>,
    ) -> Option<&'static str> {
        if self.inert.contains_key(path) {
            return Some("proven to affect nothing");
        }
        if self.is_foreign(path) {
            return Some("in a package that no member of the workspace uses");
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        if name == "Cargo.toml" {
            return self.explain_manifest(path, linked);
        }
        if name == "Cargo.lock" {
            return Some("lockfile: judged by the versions that are linked");
        }
        let Some(owner) = self.owner(path) else {
            return is_talk(path).then_some("prose or a setting of tools");
        };
        let root = owner.manifest_path().parent()?;
        let within = |full: &str| -> Option<String> {
            let rest = full.strip_prefix(owner_dir(&owner)?)?;
            Some(rest.trim_start_matches('/').to_owned())
        };
        let below = within(path)?;
        let same = owner.name() == package;
        let roots: Vec<(BuildTargetId<'_>, String)> = owner
            .build_targets()
            .filter_map(|t| {
                let path = t.path().strip_prefix(root).ok()?;
                Some((t.id(), path.as_str().to_owned()))
            })
            .collect();
        if let Some((id, _)) = roots.iter().find(|(_, root)| *root == below) {
            let own = match (id, target) {
                (BuildTargetId::Library | BuildTargetId::BuildScript, _) => true,
                // tests and benchmarks may run the binaries of their package
                (BuildTargetId::Binary(_), CargoTest::Test(_) | CargoTest::Bench(_)) => same,
                (BuildTargetId::Binary(a), CargoTest::Bin(b)) => same && *a == b.as_str(),
                (BuildTargetId::Test(a), CargoTest::Test(b)) => same && *a == b.as_str(),
                (BuildTargetId::Example(a), CargoTest::Example(b)) => same && *a == b.as_str(),
                (BuildTargetId::Benchmark(a), CargoTest::Bench(b)) => same && *a == b.as_str(),
                _ => false,
            };
            return (!own).then_some("root of another target");
        }
        let place = below.split('/').next().unwrap_or_default();
        let beside = match place {
            "tests" => !matches!(target, CargoTest::Test(_)),
            "benches" => !matches!(target, CargoTest::Bench(_)),
            "examples" => !matches!(target, CargoTest::Example(_)),
            _ => false,
        };
        if matches!(place, "tests" | "benches" | "examples") && (beside || !same) {
            return Some("below the tests, benches or examples of other targets");
        }
        if place == "tests" && !self.root_names(&below, &roots, &owner, target) {
            return Some("named by other tests only");
        }
        let library = roots.iter().find(|(id, _)| *id == BuildTargetId::Library);
        let only_library = !same || matches!(target, CargoTest::Lib | CargoTest::Doc);
        if let Some((_, root)) = library
            && only_library
            && !self.library_names(&below, root, &owner)
        {
            return Some("below src, but the library does not name the module");
        }
        let has_library = roots.iter().any(|(id, _)| *id == BuildTargetId::Library);
        if !same && !has_library {
            return Some("binaries of another package");
        }
        is_talk(path).then_some("prose or a setting of tools")
    }

    /// Whether the root source of an integration test names some part of a path below `tests`.
    fn root_names(
        &self,
        below: &str,
        roots: &[(BuildTargetId<'_>, String)],
        owner: &PackageMetadata<'_>,
        target: &CargoTest,
    ) -> bool {
        let CargoTest::Test(name) = target else {
            return true;
        };
        let root = roots
            .iter()
            .find(|(id, _)| *id == BuildTargetId::Test(name.as_str()));
        let (Some((_, root)), Some(dir)) = (root, owner.source().workspace_path()) else {
            return true;
        };
        let [_, Some(text)] = (self.contents)(dir.join(root).as_str()) else {
            return true;
        };
        let words: BTreeSet<&str> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
            .collect();
        let listing = [
            "read_dir",
            "glob",
            "walkdir",
            "WalkDir",
            "TestCases",
            "files",
        ];
        let compilers = ["TestCases", "ui_test", "compiletest_rs", "run_tests"];
        if below.ends_with(".stderr") && !compilers.iter().any(|word| words.contains(word)) {
            // what a compiler is expected to say, to a test that starts none
            return false;
        }
        // data lies below a named folder or is named itself; a module may be reached through any of its parents
        let parts: Vec<&str> = below.split('/').skip(1).collect();
        let is_code = below.ends_with(".rs");
        let mut telling = parts
            .iter()
            .enumerate()
            .filter(|(at, _)| is_code || *at == 0 || *at + 1 == parts.len())
            .map(|(_, part)| part.split('.').next().unwrap_or(part));
        listing.iter().any(|word| words.contains(word))
            || telling.any(|part| part != "mod" && words.contains(part))
    }

    /// Whether the innermost manifest around a path is one that Cargo does not read for the workspace, as those of
    /// packages for fuzzing.
    fn is_foreign(&self, path: &str) -> bool {
        let dirs = path.rmatch_indices('/').map(|(slash, _)| &path[..slash]);
        let nearest = dirs.chain([""]).find(|dir| self.manifests.contains(*dir));
        nearest.is_some_and(|dir| {
            let known = [self.old, self.new].into_iter().any(|graph| {
                let mut local = graph
                    .packages()
                    .filter_map(|package| package.source().local_path());
                local.any(|path| path.as_str() == dir) || dir.is_empty()
            });
            !known
        })
    }

    /// Whether the root source of a library names the module, or the folder of modules, that a path beside it is.
    fn library_names(&self, below: &str, root: &str, owner: &PackageMetadata<'_>) -> bool {
        let dir = owner_dir(owner).map(|dir| match dir {
            "" => String::new(),
            dir => format!("{dir}/"),
        });
        let home = root.rsplit_once('/').map_or("", |(home, _)| home);
        let module = below
            .strip_prefix(home)
            .and_then(|rest| rest.trim_start_matches('/').split(['/', '.']).next());
        let (Some(module), Some(dir)) = (module, dir) else {
            return true;
        };
        let texts = (self.contents)(&format!("{dir}{root}"));
        texts.iter().flatten().any(|text| {
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            !below.ends_with(".rs") || words.any(|word| word == module || word == "include")
        })
    }

    /// The package of either graph whose directory is nearest around a path.
    fn owner(&self, path: &str) -> Option<PackageMetadata<'_>> {
        [self.new, self.old]
            .into_iter()
            .flat_map(|graph| graph.workspace().iter_by_path())
            .filter(|(dir, _)| {
                let dir = dir.as_str();
                dir.is_empty() || path.strip_prefix(dir).is_some_and(|r| r.starts_with('/'))
            })
            .max_by_key(|(dir, _)| dir.as_str().len())
            .map(|(_, package)| package)
    }

    /// A manifest of which only parts differ that concern no package that is linked, or that no build of a test reads,
    /// or that come to the same; requirements are judged by the versions that are linked.
    fn explain_manifest(&self, path: &str, linked: &BTreeSet<String>) -> Option<&'static str> {
        let [old, new] = (self.contents)(path);
        let read = |text: Option<String>| {
            let table: toml::Table = toml::from_str(&text?).ok()?;
            let mut flat = BTreeMap::new();
            flatten("", &toml::Value::Table(table), &mut flat);
            Some(flat)
        };
        let (old, new) = (read(old)?, read(new)?);
        let concerns = self
            .owner(path)
            .filter(|owner| {
                path.strip_suffix("Cargo.toml")
                    .map(|dir| dir.trim_end_matches('/'))
                    == owner_dir(owner)
            })
            .is_none_or(|owner| linked.contains(owner.name()));
        let same = linked.iter().all(|name| self.is_same(name));
        let harmless = |key: &str| {
            let parts: Vec<&str> = key.split('.').collect();
            let shared = matches!(
                parts.first(),
                Some(&("workspace" | "profile" | "patch" | "replace"))
            );
            let within = parts.strip_prefix(&["workspace"]).unwrap_or(&parts);
            (!shared && !concerns)
                || match within {
                    ["package", "metadata", ..] => true,
                    ["package", "include" | "exclude" | "publish" | "readme", ..] => true,
                    ["package", "build", ..] => false,
                    ["package", field, ..] => !field.starts_with("auto") && same,
                    ["badges" | "lints" | "metadata" | "bench" | "example", ..] => true,
                    ["members" | "exclude" | "default-members", ..] => true,
                    [
                        "dependencies" | "dev-dependencies" | "build-dependencies",
                        _,
                    ] => true,
                    [
                        "dependencies" | "dev-dependencies" | "build-dependencies",
                        _,
                        "version",
                    ] => true,
                    ["target", _, _, _] | ["target", _, _, _, "version"] => true,
                    _ => false,
                }
        };
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        keys.into_iter()
            .filter(|key| old.get(*key) != new.get(*key))
            .all(|key| harmless(key))
            .then_some("manifest: keys of packages that are not linked, or that change no build")
    }

    /// Whether the keys of a package that code commonly reads, or that a build obeys, come to the same.
    fn is_same(&self, name: &str) -> bool {
        let [Ok(old), Ok(new)] = [self.old, self.new].map(|g| g.workspace().member_by_name(name))
        else {
            return false;
        };
        let of = |package: &PackageMetadata<'_>| {
            (
                package.version().clone(),
                package.edition().to_owned(),
                package.links().map(str::to_owned),
                package.authors().to_vec(),
                package.description().map(str::to_owned),
                package.rust_version().cloned(),
            )
        };
        of(&old) == of(&new)
    }
}

/// The directory of a workspace package.
fn owner_dir<'g>(package: &PackageMetadata<'g>) -> Option<&'g str> {
    package.source().workspace_path().map(|dir| dir.as_str())
}

/// What Cargo links into, or builds before, the tests of a package. Development dependencies count for it alone.
fn linked_by<'g>(graph: &'g PackageGraph, package: &str) -> Option<PackageSet<'g>> {
    let package = graph.workspace().member_by_name(package).ok()?;
    let query = graph.query_forward([package.id()]).ok()?;
    Some(query.resolve_with_fn(|_, link| !link.dev_only() || link.from().id() == package.id()))
}

/// Prose, and settings of tools that build nothing.
fn is_talk(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = [
        ".md", ".rst", ".adoc", ".svg", ".png", ".gif", ".ico", ".yml", ".yaml", ".sh", ".fish",
        ".bash", ".zsh", ".1", ".nix", ".rb", ".py",
    ];
    path.starts_with(".github/")
        || name.starts_with('.')
        || [
            "LICENSE",
            "COPYING",
            "UNLICENSE",
            "CHANGELOG",
            "FAQ",
            "rustfmt",
            "clippy",
            "deny",
            "release",
            "committed",
        ]
        .iter()
        .any(|start| name.starts_with(start))
        || ends.iter().any(|end| name.ends_with(end))
}

fn flatten(at: &str, value: &toml::Value, out: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let key = if at.is_empty() {
                    key.replace('.', "_")
                } else {
                    format!("{at}.{}", key.replace('.', "_"))
                };
                flatten(&key, value, out);
            }
        }
        other => {
            out.insert(at.to_owned(), other.to_string());
        }
    }
}
