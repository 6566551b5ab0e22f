//! What configuration says beside manifests: Cargo's own, the toolchain's, nextest's.
//!
//! Comments and layout are gone from the prints. Not seen here: configuration outside the repository.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::CargoFile;
use super::dependencies::patched;
use super::values::{print_table, strings};
use crate::lang::{Detail, Facts};
use crate::model::{Fingerprint, Printer};

/// What a `.cargo/config.toml` says that edges depend on.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// `[patch]` by path: the package's name and the path.
    pub patches: Vec<(String, String)>,
    /// `paths = […]`: packages that stand in for those of the same name.
    pub paths: Vec<String>,
}

/// What the bytes of a configuration file say.
pub(super) fn facts(blob: &[u8]) -> Facts {
    let table: Option<Table> = std::str::from_utf8(blob)
        .ok()
        .and_then(|text| text.parse().ok());
    let mut config = Config::default();
    let code = match &table {
        Some(table) => {
            let sources = table.get("patch").and_then(Value::as_table);
            for packages in sources
                .into_iter()
                .flat_map(|t| t.values())
                .filter_map(Value::as_table)
            {
                patched(packages, &mut config.patches);
            }
            config.paths = table
                .get("paths")
                .and_then(Value::as_array)
                .map(|l| strings(l))
                .unwrap_or_default();
            let mut printer = Printer::new();
            print_table(table, &mut printer);
            printer.finish()
        }
        // The old form of `rust-toolchain` is a bare word; what is broken counts byte by byte.
        None => Fingerprint::of(blob.trim_ascii()),
    };
    Facts {
        code,
        layout: code,
        shapes_project: true,
        detail: Detail::Cargo(Box::new(CargoFile::Config(config))),
        ..Facts::default()
    }
}
