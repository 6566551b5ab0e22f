//! Rust: Cargo workspaces, targets, modules, include macros, `#[test]`.
//!
//! Facts come from rustc's own lexer and from TOML; edges from manifests and sources alone, with every feature and
//! every platform taken to be on. The unit of selection is the test executable, as nextest names it.
//!
//! Not seen here: what macros and build scripts generate (whatever uses them depends on all they may read), files
//! opened by names no literal shows (they fall back), and C code behind a build script (its package's files count).

mod attributes;
mod config;
mod dependencies;
mod docs;
mod externals;
mod files;
mod includes;
mod join;
mod lock;
mod macros;
mod manifest;
mod modules;
mod prints;
mod resolve;
mod scan;
mod scopes;
mod settings;
mod source;
mod symbols;
mod targets;
#[cfg(test)]
mod tests;
mod tokens;
mod uses;
mod values;
mod workspace;

use serde::{Deserialize, Serialize};

pub use config::Config;
pub use dependencies::{Dependency, DependencyKind};
pub(super) use join::join;
pub use lock::{Lock, Locked};
pub use macros::{Call, Maker, Named};
pub use manifest::{Manifest, Switch, TargetEntry, TargetKind, Workspace};
pub use source::{Base, Include, ModDecl, ModName, Source};
pub use symbols::Symbols;
pub use uses::Uses;

use super::{Detail, Facts, FileFacts, Kind, Lang, Spread, UnitChange};
use crate::model::{EdgeSink, Program, RepoPath, Snapshot};

/// A source file.
const SOURCE: Kind = "rust";
/// A source file, read with its definitions.
const DEFINITIONS: Kind = "rust-definitions";

/// Rust with Cargo.
pub struct Rust;

/// What a manifest, lockfile or configuration file says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub enum CargoFile {
    /// Nothing that edges depend on.
    #[default]
    Plain,
    /// `Cargo.toml`.
    Manifest(Box<Manifest>),
    /// `Cargo.lock`.
    Lock(Lock),
    /// `.cargo/config.toml`.
    Config(Config),
}

impl Lang for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn version(&self) -> u32 {
        9
    }

    fn claims(&self, path: &RepoPath) -> Option<Kind> {
        let parent = path.parent();
        let folder = parent.as_ref().map(RepoPath::file_name).unwrap_or_default();
        Some(match (folder, path.file_name()) {
            (_, b"Cargo.toml") => "cargo-toml",
            (_, b"Cargo.lock") => "cargo-lock",
            (b".cargo", b"config.toml" | b"config") => "cargo-config",
            (_, b"rust-toolchain" | b"rust-toolchain.toml") => "rust-toolchain",
            (b".config", b"nextest.toml") => "nextest",
            (_, b"clippy.toml" | b".clippy.toml" | b"rustfmt.toml" | b".rustfmt.toml") => {
                "rust-tools"
            }
            (_, name) if name.len() > 3 && name.ends_with(b".rs") => SOURCE,
            _ => return None,
        })
    }

    fn closer(&self, kind: Kind) -> Kind {
        if kind == SOURCE { DEFINITIONS } else { kind }
    }

    fn facts(&self, kind: Kind, blob: &[u8]) -> Facts {
        match kind {
            SOURCE | DEFINITIONS => source::facts(blob, kind == DEFINITIONS),
            "cargo-toml" => manifest::facts(blob),
            "cargo-lock" => lock::facts(blob),
            _ => config::facts(blob),
        }
    }

    fn resolve(&self, files: &[FileFacts<'_>], tree: &Snapshot, out: &mut EdgeSink) {
        resolve::resolve(files, tree, out);
    }

    fn units(&self, before: &Facts, after: &Facts) -> UnitChange {
        let (Detail::Rust(old), Detail::Rust(new)) = (&before.detail, &after.detail) else {
            return UnitChange::Whole("it configures its package".to_owned());
        };
        let (Some(old), Some(new)) = (&old.symbols, &new.symbols) else {
            return UnitChange::Whole("it could not be read in full".to_owned());
        };
        match symbols::diff(old, new) {
            UnitChange::Units(told) if told.moved && (before.reads_lines || after.reads_lines) => {
                UnitChange::Whole("it asks for line numbers, and code moved".to_owned())
            }
            change => change,
        }
    }

    fn program(
        &self,
        files: &[FileFacts<'_>],
        tree: &Snapshot,
        wanted: &dyn Fn(&RepoPath) -> bool,
        _: &Spread<'_>,
    ) -> Program {
        symbols::program(files, tree, wanted)
    }
}
