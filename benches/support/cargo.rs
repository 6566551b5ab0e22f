//! What the benches ask of Cargo: the packages of a workspace, and the units that a build made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::git::output;

/// The packages that a workspace and its dependencies consist of.
pub(crate) struct Metadata {
    /// Where the workspace's manifest is.
    pub(crate) root: PathBuf,
    /// By package id.
    pub(crate) packages: BTreeMap<String, Package>,
}

/// One package.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Where its manifest is.
    pub(crate) root: PathBuf,
    /// Whether it comes from a path, not from a registry.
    pub(crate) local: bool,
    /// Whether its library has doctests.
    pub(crate) doctests: bool,
    deps: Vec<Dep>,
}

struct Dep {
    id: String,
    kinds: Vec<String>,
}

/// What a unit is compiled from.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Source {
    /// A library, proc macros included.
    Lib,
    /// A binary.
    Bin(String),
    /// An integration test.
    Test(String),
    /// An example.
    Example(String),
    /// A benchmark.
    Bench(String),
    /// A build script.
    BuildScript,
}

/// One thing that a build made.
pub(crate) struct Unit {
    /// The id of its package.
    pub(crate) package: String,
    /// What it is compiled from.
    pub(crate) source: Source,
    /// Whether it is a test executable.
    pub(crate) test: bool,
    /// Where rustc wrote what it read.
    pub(crate) dep_files: Vec<PathBuf>,
    /// What a build script printed when it ran.
    pub(crate) printed: Option<PathBuf>,
}

/// Reads the packages of a workspace.
///
/// # Errors
/// A workspace that Cargo cannot read.
pub(crate) fn metadata(dir: &Path, flags: &[String]) -> Result<Metadata, String> {
    let mut command = Command::new("cargo");
    command.current_dir(dir);
    command.args(["metadata", "--format-version", "1"]);
    let known = [
        "--all-features",
        "--features",
        "--no-default-features",
        "--locked",
        "--offline",
    ];
    command.args(
        flags
            .iter()
            .filter(|flag| known.iter().any(|known| flag.starts_with(known))),
    );
    let json: Value = serde_json::from_slice(&output(&mut command)?)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let mut packages: BTreeMap<String, Package> = list(&json["packages"])
        .map(|package| {
            let doctests = list(&package["targets"]).any(|t| t["doctest"] == Value::Bool(true));
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let read = Package {
                name: text(&package["name"]),
                root: manifest.parent().map(Path::to_owned).unwrap_or_default(),
                local: package["source"].is_null(),
                doctests,
                deps: Vec::new(),
            };
            (text(&package["id"]), read)
        })
        .collect();
    for node in list(&json["resolve"]["nodes"]) {
        if let Some(package) = packages.get_mut(&text(&node["id"])) {
            package.deps = list(&node["deps"])
                .map(|dep| Dep {
                    id: text(&dep["pkg"]),
                    kinds: list(&dep["dep_kinds"]).map(|k| text(&k["kind"])).collect(),
                })
                .collect();
        }
    }
    Ok(Metadata {
        root: PathBuf::from(text(&json["workspace_root"])),
        packages,
    })
}

impl Metadata {
    /// The packages whose libraries a test of this package is linked from or built with: its own, those it and they
    /// depend on, build dependencies included; development dependencies of the first package alone.
    pub(crate) fn linked(&self, package: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut queue = Vec::new();
        if let Some((id, first)) = self.packages.get_key_value(package) {
            seen.insert(id.as_str());
            queue.extend(first.deps.iter().map(|dep| dep.id.as_str()));
        }
        while let Some(id) = queue.pop() {
            let Some((id, package)) = self.packages.get_key_value(id) else {
                continue;
            };
            if seen.insert(id) {
                let linked = package
                    .deps
                    .iter()
                    .filter(|dep| dep.kinds.iter().any(|kind| kind != "dev"));
                queue.extend(linked.map(|dep| dep.id.as_str()));
            }
        }
        seen
    }
}

/// Runs a Cargo command that builds, and returns the units of local packages that it made or found fresh.
///
/// # Errors
/// A build that fails.
pub(crate) fn build(command: &mut Command) -> Result<Vec<Unit>, String> {
    let printed = output(command.arg("--message-format=json"))?;
    let mut units = Vec::new();
    for line in printed.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let package = text(&message["package_id"]);
        match message["reason"].as_str() {
            Some("compiler-artifact") => {
                let Some(source) = source(&message["target"]) else {
                    continue;
                };
                units.push(Unit {
                    package,
                    dep_files: dep_files(&message, &source),
                    source,
                    test: message["profile"]["test"] == Value::Bool(true)
                        && message["executable"].is_string(),
                    printed: None,
                });
            }
            Some("build-script-executed") => {
                let out_dir = PathBuf::from(text(&message["out_dir"]));
                units.push(Unit {
                    package,
                    source: Source::BuildScript,
                    test: false,
                    dep_files: Vec::new(),
                    printed: out_dir.parent().map(|dir| dir.join("output")),
                });
            }
            _ => {}
        }
    }
    Ok(units)
}

fn source(target: &Value) -> Option<Source> {
    let name = text(&target["name"]);
    let kinds: Vec<String> = list(&target["kind"]).map(text).collect();
    Some(match kinds.first()?.as_str() {
        "bin" => Source::Bin(name),
        "test" => Source::Test(name),
        "example" => Source::Example(name),
        "bench" => Source::Bench(name),
        "custom-build" => Source::BuildScript,
        _ => Source::Lib,
    })
}

/// Where rustc wrote the dep-info of an artifact. Cargo links some artifacts to a place outside of `deps`, with a
/// dep-info of its own beside them (it names the files of everything linked in as well) or with none.
fn dep_files(message: &Value, source: &Source) -> Vec<PathBuf> {
    let files = list(&message["filenames"]).map(|name| PathBuf::from(text(name)));
    let made: Vec<PathBuf> = match message["executable"].as_str() {
        Some(executable) => vec![PathBuf::from(executable)],
        None => files.collect(),
    };
    let mut found: Vec<PathBuf> = Vec::new();
    for file in made {
        let Some(dir) = file.parent() else { continue };
        if *source == Source::BuildScript {
            let listed = std::fs::read_dir(dir).into_iter().flatten().flatten();
            found.extend(
                listed
                    .map(|entry| entry.path())
                    .filter(|path| path.extension().is_some_and(|ext| ext == "d")),
            );
            continue;
        }
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let bare = stem.strip_prefix("lib").unwrap_or(&stem);
        let beside = [format!("{stem}.d"), format!("{bare}.d")];
        let beside = beside.into_iter().map(|name| dir.join(name));
        found.extend(beside.filter(|path| path.is_file()));
        if found.is_empty() {
            found = of_copy(&file, dir, &stem);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The dep-info of the artifacts in `deps` that `file` may be a link or copy of: those of its length, else all of its
/// name.
fn of_copy(file: &Path, dir: &Path, stem: &str) -> Vec<PathBuf> {
    let start = format!("{stem}-").replace('-', "_");
    let length = |path: &Path| std::fs::metadata(path).map(|meta| meta.len()).ok();
    let listed = std::fs::read_dir(dir.join("deps")).into_iter().flatten();
    let named: Vec<PathBuf> = listed
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.replace('-', "_").starts_with(&start)
                && path.extension().is_some_and(|extension| extension == "d")
        })
        .collect();
    let same: Vec<PathBuf> = named
        .iter()
        .filter(|path| {
            length(&path.with_extension(file.extension().unwrap_or_default())) == length(file)
        })
        .cloned()
        .collect();
    if same.is_empty() { named } else { same }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
