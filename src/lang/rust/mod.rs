//! Rust: Cargo workspaces, targets, modules, include macros, `#[test]`.

use serde::{Deserialize, Serialize};

use super::{Facts, FileFacts, Kind, Lang};
use crate::model::{EdgeSink, RepoPath, Snapshot};

/// Rust with Cargo.
pub struct Rust;

/// What a source file says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Source {}

/// What a manifest, lockfile or toolchain file says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct CargoFile {}

impl Lang for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn version(&self) -> u32 {
        1
    }

    fn claims(&self, _path: &RepoPath) -> Option<Kind> {
        None
    }

    fn facts(&self, _kind: Kind, _blob: &[u8]) -> Facts {
        Facts::default()
    }

    fn resolve(&self, _files: &[FileFacts<'_>], _tree: &Snapshot, _out: &mut EdgeSink) {}
}
