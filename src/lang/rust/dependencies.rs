//! Dependencies as manifests write them, and patches by path.
//!
//! Not seen here: what the workspace lends (`workspace = true`), which is filled in when edges are laid.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::values::{is_lent, print_entry, sorted, strings};
use crate::model::{Fingerprint, Printer};

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

/// Reads a table of dependencies; says whether the section is one.
pub(super) fn read_dependencies(
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
