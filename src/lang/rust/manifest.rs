//! What a manifest says, with everything that a build can see of it as prints.
//!
//! Comments, layout and the order of keys are gone. Keys that no build and no test can see (keywords, what is
//! published) are left out; keys not known here count.
//!
//! Not seen here: what the workspace lends (`workspace = true`), which is filled in when edges are laid.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

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
    /// All of it.
    pub print: Fingerprint,
}

/// When a dependency is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum DependencyKind {
    /// By everything.
    Normal,
    /// By tests, examples and benchmarks.
    Dev,
    /// By the build script.
    Build,
}

/// One dependency as written.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Dependency {
    /// When it is used.
    pub kind: DependencyKind,
    /// The name it goes by here.
    pub key: String,
    /// The package's own name, where it is renamed.
    pub package: Option<String>,
    /// Its directory, where it has one.
    pub path: Option<String>,
    /// The workspace says the rest.
    pub lent: bool,
    /// It is used as a program, too.
    pub artifact: bool,
    /// The features asked for, with `default` where defaults are not turned off.
    pub features: Vec<String>,
    /// All of it.
    pub print: Fingerprint,
}

impl Dependency {
    /// The package's own name.
    pub fn package_name(&self) -> &str {
        self.package.as_deref().unwrap_or(&self.key)
    }
}

/// What the bytes of a manifest say.
pub(super) fn facts(blob: &[u8]) -> Facts {
    let text = String::from_utf8_lossy(blob);
    let table: Option<Table> = match text.parse() {
        Ok(table) => Some(table),
        Err(_) => None,
    };
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
        detail: Detail::Cargo(Box::new(super::CargoFile::Manifest(manifest))),
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

/// Reads a table of dependencies; says whether the section is one.
fn read_dependencies(
    section: &str,
    platform: &str,
    value: &Value,
    out: &mut Vec<Dependency>,
) -> bool {
    let kind = match section {
        "dependencies" => DependencyKind::Normal,
        "dev-dependencies" | "dev_dependencies" => DependencyKind::Dev,
        "build-dependencies" | "build_dependencies" => DependencyKind::Build,
        _ => return false,
    };
    let Value::Table(table) = value else {
        return false;
    };
    for (key, value) in sorted(table) {
        let mut printer = Printer::new();
        printer.piece(platform);
        print_entry(key, value, &mut printer);
        let empty = Table::new();
        let entry = value.as_table().unwrap_or(&empty);
        let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut features = entry
            .get("features")
            .and_then(Value::as_array)
            .map(|list| strings(list))
            .unwrap_or_default();
        let lent = is_lent(entry);
        let no_default = ["default-features", "default_features"]
            .iter()
            .any(|key| entry.get(*key).and_then(Value::as_bool) == Some(false));
        if !no_default && !lent {
            features.push("default".to_owned());
        }
        out.push(Dependency {
            kind,
            key: key.to_owned(),
            package: text("package"),
            path: text("path"),
            lent,
            artifact: entry.contains_key("artifact"),
            features,
            print: printer.finish(),
        });
    }
    true
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
        print: printer.finish(),
    }
}

/// The packages of a patch table that have a path.
pub(super) fn patched(packages: &Table, out: &mut Vec<(String, String)>) {
    for (key, value) in sorted(packages) {
        let Some(path) = value.get("path").and_then(Value::as_str) else {
            continue;
        };
        // Keys of `[replace]` carry a version: `name:1.0.0`.
        let key = key.split([':', '@']).next().unwrap_or(key);
        let name = value.get("package").and_then(Value::as_str).unwrap_or(key);
        out.push((name.to_owned(), path.to_owned()));
    }
}

/// Strings of an array.
pub(super) fn strings(list: &[Value]) -> Vec<String> {
    list.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The print of a table, whatever the order of its keys.
pub(super) fn print_table(table: &Table, printer: &mut Printer) {
    printer.number(table.len() as u64);
    for (key, value) in sorted(table) {
        print_entry(key, value, printer);
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

fn is_lent(table: &Table) -> bool {
    table.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn print_value(value: &Value) -> Fingerprint {
    let mut printer = Printer::new();
    print_entry("", value, &mut printer);
    printer.finish()
}

/// TOML's own limit on nesting keeps this walk short.
fn print_entry(key: &str, value: &Value, printer: &mut Printer) {
    printer.piece(key);
    match value {
        Value::Table(table) => print_table(table, printer),
        Value::Array(list) => {
            printer.number(list.len() as u64);
            for value in list {
                print_entry("", value, printer);
            }
        }
        Value::String(text) => printer.piece(format!("s{text}")),
        other => printer.piece(other.to_string()),
    }
}

fn sorted(table: &Table) -> Vec<(&str, &Value)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}
