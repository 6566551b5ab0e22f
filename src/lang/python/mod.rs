//! Python: imports, conftest scope, pytest and unittest names.

use serde::{Deserialize, Serialize};

use super::{Facts, FileFacts, Kind, Lang};
use crate::model::{EdgeSink, RepoPath, Snapshot};

/// Python with pytest and unittest.
pub struct Python;

/// What a source file says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Source {}

/// What a configuration, requirement or lock file says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct ProjectFile {}

impl Lang for Python {
    fn name(&self) -> &'static str {
        "python"
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
