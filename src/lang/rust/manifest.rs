//! What a manifest says, with everything that a build can see of it as prints.
//!
//! Comments, layout and the order of keys are gone. Keys that no build and no test can see (keywords, what is
//! published) are left out; keys not known here count.
//!
//! Not seen here: what the workspace lends (`workspace = true`), which is filled in when edges are laid.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::dependencies::{Dependency, patched, read_dependencies};
use super::values::{is_lent, print_entry, print_table, print_value, sorted, strings};
use crate::lang::{Detail, Facts};
use crate::model::{Fingerprint, Printer};

/// What a `Cargo.toml` says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// It is no TOML, or not what Cargo expects. The name is guessed then.
    pub broken: bool,
    /// The package's name; none in a virtual manifest.
    pub name: Option<String>,
    /// Its version, where it is written here.
    pub version: Option<String>,
    /// The keys of `[package]` that a build can see, and what they say; none where the workspace says it.
    pub keys: Vec<(String, Option<Fingerprint>)>,
    /// The keys that only `CARGO_PKG_*` shows.
    pub prose: Vec<(String, Option<Fingerprint>)>,
    /// `package.workspace`.
    pub root: Option<String>,
    /// `package.build`: a path, or off.
    pub build: Switch,
    /// Which kinds of target are found by looking (`autobins` and the like); one bool per [`TargetKind`].
    pub auto: Vec<(TargetKind, bool)>,
    /// `[lib]`, `[[bin]]` and so on.
    pub targets: Vec<TargetEntry>,
    /// All dependencies of all kinds and platforms.
    pub dependencies: Vec<Dependency>,
    /// Everything else a build can see: features, links, profiles, lints.
    pub rest: Fingerprint,
    /// Whether `[lints]` is lent by the workspace.
    pub lints_lent: bool,
    /// Whether the lints deny missing docs.
    pub denies_missing_docs: bool,
    /// `[workspace]`.
    pub workspace: Option<Workspace>,
    /// `[patch]` and `[replace]` by path: the package's name and the path.
    pub patches: Vec<(String, String)>,
}

/// What a `[workspace]` table says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// Patterns of member directories.
    pub members: Vec<String>,
    /// Directories that are no members.
    pub exclude: Vec<String>,
    /// What it lends to `[package]`.
    pub package: Vec<(String, Fingerprint)>,
    /// The version it lends.
    pub version: Option<String>,
    /// What it lends to dependencies.
    pub dependencies: Vec<Dependency>,
    /// The lints it lends.
    pub lints: Fingerprint,
    /// Whether those deny missing docs.
    pub denies_missing_docs: bool,
    /// What every member is built with: resolver, profiles, patches.
    pub shared: Fingerprint,
}

/// On, off, or on with a value.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub enum Switch {
    /// Not said.
    #[default]
    Unsaid,
    /// `false`.
    Off,
    /// These paths.
    At(Vec<String>),
}

/// The kinds of target.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum TargetKind {
    /// The library.
    Lib,
    /// A binary.
    Bin,
    /// An example.
    Example,
    /// An integration test.
    Test,
    /// A benchmark.
    Bench,
}

/// A target as a manifest declares it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TargetEntry {
    /// Its kind.
    pub kind: TargetKind,
    /// Its name, where given.
    pub name: Option<String>,
    /// Its path, where given.
    pub path: Option<String>,
    /// `test = …`.
    pub test: Option<bool>,
    /// `doctest = …`.
    pub doctest: Option<bool>,
    /// Its tests are run by code of its own (`harness = false`).
    pub own_harness: bool,
    /// All of it.
    pub print: Fingerprint,
}

/// What the bytes of a manifest say.
pub(super) fn facts(blob: &[u8]) -> Facts {
    let text = String::from_utf8_lossy(blob);
    let table: Option<Table> = text.parse().ok();
    let (code, manifest) = match table {
        Some(table) => {
            let mut printer = Printer::new();
            print_table(&table, &mut printer);
            (printer.finish(), read(&table))
        }
        None => (Fingerprint::of(blob), Manifest::guessed(&text)),
    };
    let trouble = if manifest.broken {
        vec![(0, "not a manifest that Cargo would accept: its package may use everything below its directory".to_owned())]
    } else {
        Vec::new()
    };
    Facts {
        code,
        layout: code,
        shapes_project: true,
        trouble,
        detail: Detail::Cargo(Box::new(super::CargoFile::Manifest(Box::new(manifest)))),
        ..Facts::default()
    }
}

impl Manifest {
    /// What can be told of a manifest that is no TOML.
    fn guessed(text: &str) -> Self {
        let name = text.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "name").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
        });
        Self {
            broken: true,
            name: Some(name.unwrap_or_default()),
            rest: Fingerprint::of(text.as_bytes()),
            ..Self::default()
        }
    }
}

fn read(table: &Table) -> Manifest {
    let mut out = Manifest::default();
    let mut rest = Printer::new();
    let mut shared = Printer::new();
    for (key, value) in sorted(table) {
        match (key, value) {
            ("package" | "project", Value::Table(package)) => read_package(package, &mut out),
            ("workspace", Value::Table(workspace)) => {
                out.workspace = Some(read_workspace(workspace, &mut shared));
            }
            ("lib", Value::Table(entry)) => out.targets.push(target(TargetKind::Lib, entry)),
            ("bin" | "example" | "test" | "bench", Value::Array(entries)) => {
                let kind = match key {
                    "bin" => TargetKind::Bin,
                    "example" => TargetKind::Example,
                    "test" => TargetKind::Test,
                    _ => TargetKind::Bench,
                };
                let entries = entries.iter().filter_map(Value::as_table);
                out.targets.extend(entries.map(|entry| target(kind, entry)));
            }
            ("target", Value::Table(platforms)) => {
                for (platform, value) in sorted(platforms) {
                    if let Value::Table(sections) = value {
                        for (section, value) in sorted(sections) {
                            read_dependencies(section, platform, value, &mut out.dependencies);
                        }
                    }
                }
            }
            ("profile" | "resolver", value) => print_entry(key, value, &mut shared),
            ("patch", Value::Table(sources)) => {
                print_entry(key, value, &mut shared);
                for packages in sources.values().filter_map(Value::as_table) {
                    patched(packages, &mut out.patches);
                }
            }
            ("replace", Value::Table(packages)) => {
                print_entry(key, value, &mut shared);
                patched(packages, &mut out.patches);
            }
            ("lints", Value::Table(lints)) => {
                out.lints_lent = lints.get("workspace").and_then(Value::as_bool) == Some(true);
                out.denies_missing_docs = denies_missing_docs(lints);
                rest.piece(print_lints(lints).0.to_le_bytes());
            }
            ("badges", _) => {}
            (section, value) => {
                if !read_dependencies(section, "", value, &mut out.dependencies) {
                    print_entry(section, value, &mut rest);
                }
            }
        }
    }
    out.rest = rest.finish();
    // Profiles and patches count where the manifest is a workspace's root, and so does every package on its own.
    out.workspace.get_or_insert_default().shared = shared.finish();
    if !table.contains_key("workspace") {
        out.keys.push((
            "(shared)".to_owned(),
            out.workspace.take().map(|w| w.shared),
        ));
    }
    out.broken = out.name.is_none() && (out.workspace.is_none() || table.contains_key("package"));
    if out.broken {
        out.name = Some(String::new());
    }
    out
}

fn read_package(package: &Table, out: &mut Manifest) {
    for (key, value) in sorted(package) {
        let said = match value {
            Value::Table(table) if is_lent(table) => None,
            value => Some(print_value(value)),
        };
        let auto = match key {
            "autolib" => Some(TargetKind::Lib),
            "autobins" => Some(TargetKind::Bin),
            "autoexamples" => Some(TargetKind::Example),
            "autotests" => Some(TargetKind::Test),
            "autobenches" => Some(TargetKind::Bench),
            _ => None,
        };
        if let Some(kind) = auto {
            out.auto.push((kind, value.as_bool() != Some(false)));
            continue;
        }
        match key {
            "name" => out.name = value.as_str().map(str::to_owned),
            "workspace" => out.root = value.as_str().map(str::to_owned),
            "version" => {
                out.version = value.as_str().map(str::to_owned);
                out.keys.push((key.to_owned(), said));
            }
            "build" => {
                out.build = match value {
                    Value::Boolean(false) => Switch::Off,
                    Value::String(path) => Switch::At(vec![path.clone()]),
                    Value::Array(paths) => Switch::At(strings(paths)),
                    _ => Switch::Unsaid,
                };
            }
            "keywords" | "categories" | "documentation" | "include" | "exclude" | "publish" => {}
            "authors" | "description" | "homepage" | "repository" | "license" | "license-file"
            | "readme" | "rust-version" => out.prose.push((key.to_owned(), said)),
            _ => out.keys.push((key.to_owned(), said)),
        }
    }
}

fn read_workspace(workspace: &Table, shared: &mut Printer) -> Workspace {
    let mut out = Workspace::default();
    for (key, value) in sorted(workspace) {
        match (key, value) {
            ("members", Value::Array(list)) => out.members = strings(list),
            ("exclude", Value::Array(list)) => out.exclude = strings(list),
            // Which members are the default is no matter of how they are built.
            ("default-members", _) => {}
            ("package", Value::Table(package)) => {
                out.version = package
                    .get("version")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                out.package = sorted(package)
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), print_value(value)))
                    .collect();
            }
            ("dependencies", value) => {
                read_dependencies(key, "", value, &mut out.dependencies);
            }
            ("lints", Value::Table(lints)) => {
                out.lints = print_lints(lints);
                out.denies_missing_docs = denies_missing_docs(lints);
            }
            _ => print_entry(key, value, shared),
        }
    }
    out
}

fn target(kind: TargetKind, entry: &Table) -> TargetEntry {
    let mut printer = Printer::new();
    print_table(entry, &mut printer);
    TargetEntry {
        kind,
        name: entry.get("name").and_then(Value::as_str).map(str::to_owned),
        path: entry.get("path").and_then(Value::as_str).map(str::to_owned),
        test: entry.get("test").and_then(Value::as_bool),
        doctest: entry.get("doctest").and_then(Value::as_bool),
        own_harness: entry.get("harness").and_then(Value::as_bool) == Some(false),
        print: printer.finish(),
    }
}

/// Lints that can stop a build: rustc's own. Those of clippy and rustdoc only speak when asked.
fn print_lints(lints: &Table) -> Fingerprint {
    let mut printer = Printer::new();
    for (key, value) in sorted(lints) {
        if !matches!(key, "clippy" | "rustdoc") {
            print_entry(key, value, &mut printer);
        }
    }
    printer.finish()
}

fn denies_missing_docs(lints: &Table) -> bool {
    let rust = lints.get("rust").and_then(Value::as_table);
    rust.into_iter().flatten().any(|(lint, level)| {
        let level = level.get("level").unwrap_or(level).as_str();
        matches!(lint.as_str(), "missing_docs" | "missing-docs" | "warnings")
            && matches!(level, Some("deny" | "forbid"))
    })
}
