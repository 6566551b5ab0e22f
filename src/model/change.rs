//! What differs between two snapshots.

use serde::{Deserialize, Serialize};

use super::{BlobId, Entry, RepoPath};

/// What happened to one path. A rename is a deletion and an addition that know of each other.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct PathChange {
    /// The path.
    pub path: RepoPath,
    /// Its entry in the base snapshot; `None` where it was not there.
    pub before: Option<Entry>,
    /// Its entry in the head snapshot; `None` where it is gone.
    pub after: Option<Entry>,
    /// For the new side of a rename or copy: the path it came from. For the old side of a rename: where it went.
    pub other_side: Option<RepoPath>,
}

/// The kinds of [`PathChange`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Not in the base, in the head.
    Added,
    /// In the base, not in the head.
    Deleted,
    /// In both, with other contents.
    Modified,
    /// In both with the same contents, but another mode (executable bit), or another kind (file, link, submodule).
    Mode,
}

impl PathChange {
    /// The kind of this change.
    pub fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Deleted,
            (Some(before), Some(after)) if before.blob == after.blob => ChangeKind::Mode,
            _ => ChangeKind::Modified,
        }
    }

    /// The contents before and after, where the path is an ordinary file of the same mode on both sides.
    pub fn edited(&self) -> Option<(BlobId, BlobId)> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        (before.mode == after.mode && before.mode.is_file()).then_some((before.blob, after.blob))
    }
}

/// All that differs between two snapshots, by path, each path once.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The changes, sorted by path.
    pub paths: Vec<PathChange>,
}

impl Change {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }
}
