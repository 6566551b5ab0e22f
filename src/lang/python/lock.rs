//! Lock files: uv, Poetry, PDM, Pipfile. What each pins, and what each pinned distribution needs.
//!
//! The print of a lock file covers everything but the packages, which have prints of their own.

use toml::{Table, Value};

use super::project::{ProjectFile, print};
use super::requirements::{self, Pin};
use crate::model::{Fingerprint, Printer};

/// `uv.lock`, `poetry.lock`, `pdm.lock`, `pylock.toml`: tables of packages.
pub(super) fn toml_lock(text: &str) -> (ProjectFile, Fingerprint) {
    let Ok(mut root) = text.parse::<Table>() else {
        return broken(text);
    };
    let mut found = ProjectFile::default();
    let packages = root.remove("package").or_else(|| root.remove("packages"));
    let mut own: Vec<Value> = Vec::new();
    for package in packages
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let Some(name) = package.get("name").and_then(Value::as_str) else {
            continue;
        };
        let mut needs = Vec::new();
        needed(package.get("dependencies"), &mut needs);
        let groups = ["optional-dependencies", "dev-dependencies", "extras"];
        for group in groups.iter().filter_map(|key| package.get(key)?.as_table()) {
            group
                .values()
                .for_each(|list| needed(Some(list), &mut needs));
        }
        // The project's own entry: what it needs it asks for itself, and it is not from outside.
        let local = ["editable", "virtual", "directory"];
        let is_local = package
            .get("source")
            .is_some_and(|source| local.iter().any(|key| source.get(key).is_some()));
        if is_local {
            let mut entry = package.clone();
            if let Some(entry) = entry.as_table_mut() {
                for key in [
                    "dependencies",
                    "optional-dependencies",
                    "dev-dependencies",
                    "metadata",
                ] {
                    entry.remove(key);
                }
            }
            own.push(entry);
            found.pins.extend(needs.into_iter().map(|name| Pin {
                name,
                direct: true,
                ..Pin::default()
            }));
            continue;
        }
        let mut printer = Printer::new();
        print(&mut printer, package, 0);
        needs.sort();
        needs.dedup();
        found.pins.push(Pin {
            name: requirements::normal(name),
            print: printer.finish(),
            needs,
            direct: false,
        });
    }
    // Hashes of the whole file say nothing that the packages do not say.
    if let Some(Value::Table(metadata)) = root.get_mut("metadata") {
        for key in ["content-hash", "content_hash", "files"] {
            metadata.remove(key);
        }
    }
    if let Some(Value::Table(manifest)) = root.get_mut("manifest") {
        manifest.remove("dependencies");
    }
    let mut printer = Printer::new();
    print(&mut printer, &Value::Table(root), 0);
    own.iter().for_each(|entry| print(&mut printer, entry, 0));
    (found, printer.finish())
}

/// `Pipfile`
pub(super) fn pipfile(text: &str) -> (ProjectFile, Fingerprint) {
    let Ok(mut root) = text.parse::<Table>() else {
        return broken(text);
    };
    let mut found = ProjectFile::default();
    root.retain(|key, value| {
        let kept = matches!(key, "source" | "requires" | "scripts" | "pipenv");
        if !kept {
            requirements::tables(Some(value), &mut found.pins);
        }
        kept
    });
    let mut printer = Printer::new();
    print(&mut printer, &Value::Table(root), 0);
    (found, printer.finish())
}

/// `Pipfile.lock`
pub(super) fn pipfile_lock(text: &str) -> (ProjectFile, Fingerprint) {
    let Ok(serde_json::Value::Object(root)) = serde_json::from_str(text) else {
        return broken(text);
    };
    let mut found = ProjectFile::default();
    for (section, packages) in &root {
        if section == "_meta" {
            continue;
        }
        for (name, package) in packages.as_object().into_iter().flatten() {
            found.pins.push(Pin {
                name: requirements::normal(name),
                print: Fingerprint::of(package.to_string().as_bytes()),
                needs: Vec::new(),
                direct: true,
            });
        }
    }
    let meta = root.get("_meta").and_then(|m| m.get("sources"));
    let print = Fingerprint::of(meta.map(ToString::to_string).unwrap_or_default().as_bytes());
    (found, print)
}

fn broken(text: &str) -> (ProjectFile, Fingerprint) {
    let found = ProjectFile {
        broken: true,
        ..ProjectFile::default()
    };
    (found, Fingerprint::of(text.as_bytes()))
}

/// Names in a list of tables (uv), a table (Poetry), or a list of requirements (PDM).
fn needed(value: Option<&Value>, out: &mut Vec<String>) {
    match value {
        Some(Value::Array(items)) => {
            for item in items {
                let name = match item {
                    Value::String(text) => requirements::requirement(text).map(|pin| pin.name),
                    other => other
                        .get("name")
                        .and_then(Value::as_str)
                        .map(requirements::normal),
                };
                out.extend(name);
            }
        }
        Some(Value::Table(table)) => {
            out.extend(table.keys().map(|name| requirements::normal(name)))
        }
        _ => {}
    }
}
