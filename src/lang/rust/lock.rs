//! What `Cargo.lock` pins, and what it means for the targets that use it.
//!
//! Not seen here: git revisions that move under the same lock entry, and registries that lie.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::CargoFile;
use crate::lang::{Detail, Facts};
use crate::model::{Fingerprint, Printer};

/// A lockfile.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    /// It could not be read.
    pub broken: bool,
    /// The packages in it.
    pub packages: Vec<Locked>,
}

/// A package as a lockfile pins it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Locked {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from; none for a package on this disk.
    pub source: Option<String>,
    /// What it depends on, as written: `name`, `name version`, `name version (source)`.
    pub dependencies: Vec<String>,
    /// Source, checksum and dependencies.
    pub print: Fingerprint,
}

impl Lock {
    /// The packages that a written dependency may mean: those of that name, and of the version where it is given.
    pub(super) fn meant<'a>(&'a self, written: &str) -> impl Iterator<Item = (usize, &'a Locked)> {
        let mut words = written.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let version = words.next().map(str::to_owned);
        let start = self.packages.partition_point(|p| p.name < name);
        let named = self.packages.iter().enumerate().skip(start);
        named
            .take_while(move |(_, p)| p.name == name)
            .filter(move |(_, p)| version.as_ref().is_none_or(|v| *v == p.version))
    }
}

/// What the bytes of a lockfile say.
pub(super) fn facts(blob: &[u8]) -> Facts {
    let table: Option<Table> = std::str::from_utf8(blob)
        .ok()
        .and_then(|text| text.parse().ok());
    let lock = match &table {
        Some(table) => read(table),
        None => Lock {
            broken: true,
            ..Lock::default()
        },
    };
    let mut printer = Printer::new();
    for package in &lock.packages {
        printer.piece(&package.name);
        printer.piece(&package.version);
        printer.piece(package.print.0.to_le_bytes());
    }
    let code = if lock.broken {
        Fingerprint::of(blob)
    } else {
        printer.finish()
    };
    let trouble = if lock.broken {
        vec![(
            0,
            "not a lockfile that can be read: every test of the workspace depends on it".to_owned(),
        )]
    } else {
        Vec::new()
    };
    Facts {
        code,
        layout: code,
        shapes_project: true,
        trouble,
        detail: Detail::Cargo(Box::new(CargoFile::Lock(lock))),
        ..Facts::default()
    }
}

fn read(table: &Table) -> Lock {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    // The oldest lockfiles keep checksums apart, under `checksum NAME VERSION (SOURCE)`.
    let metadata = table.get("metadata").and_then(Value::as_table);
    let mut packages: Vec<Locked> = Vec::new();
    for package in list(table.get("package")) {
        let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
        let (Some(name), Some(version)) = (text("name"), text("version")) else {
            return Lock {
                broken: true,
                ..Lock::default()
            };
        };
        let source = text("source");
        let mut dependencies = super::values::strings(&list(package.get("dependencies")));
        dependencies.sort();
        let mut printer = Printer::new();
        printer.piece(source.as_deref().unwrap_or_default());
        let old = format!(
            "checksum {name} {version} ({})",
            source.as_deref().unwrap_or_default()
        );
        let checksum =
            text("checksum").or_else(|| metadata?.get(&old)?.as_str().map(str::to_owned));
        printer.piece(checksum.unwrap_or_default());
        printer.piece(text("replace").unwrap_or_default());
        for dependency in &dependencies {
            printer.piece(dependency);
        }
        packages.push(Locked {
            name,
            version,
            source,
            dependencies,
            print: printer.finish(),
        });
    }
    packages
        .sort_by(|a, b| (&a.name, &a.version, &a.source).cmp(&(&b.name, &b.version, &b.source)));
    Lock {
        broken: false,
        packages,
    }
}
