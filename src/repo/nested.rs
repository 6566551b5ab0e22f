//! Repositories inside the working tree: submodules, and clones that nobody declared.
//!
//! Each is one path, known by the commit that it is at.
//! Not seen here: which of its files differ; a submodule that is not checked out.

use std::path::{Path, PathBuf};

use git2::{Repository, RepositoryOpenFlags};

use crate::model::BlobId;

use super::objects::{hash, id};
use super::{Repo, Side};

/// Submodules in submodules are followed this far.
const DEEPEST: u8 = 6;

/// Whether a directory holds a repository of its own: then the commit it is at, or all zeros where it has none.
pub(super) fn nested(dir: &Path) -> Option<Option<BlobId>> {
    let git: PathBuf = dir.join(".git");
    let meta = std::fs::symlink_metadata(&git).ok()?;
    let none: [&Path; 0] = [];
    match Repository::open_ext(dir, RepositoryOpenFlags::NO_SEARCH, none) {
        Ok(repo) => Some(head_of(&repo)),
        Err(_) => (!meta.is_dir() || git.join("HEAD").exists()).then_some(None),
    }
}

fn head_of(repo: &Repository) -> Option<BlobId> {
    repo.head()
        .ok()?
        .peel_to_commit()
        .ok()
        .map(|commit| id(commit.id()))
}

/// The commit that a checked-out submodule is at; another id where its files differ from that commit.
///
/// `None` where it is not checked out, so that nothing but the pointer counts.
pub(super) fn checked_out(dir: &Path, depth: u8) -> Option<BlobId> {
    let head = nested(dir)?.unwrap_or_default();
    if depth >= DEEPEST {
        return Some(head);
    }
    let dirty = Repo::open(dir).and_then(|repo| {
        let base = if head == BlobId::default() {
            Side::Empty
        } else {
            Side::Commit(head)
        };
        repo.differences(&base, &Side::WorkTree, depth + 1)
    });
    match dirty {
        Ok(differences) if differences.is_empty() => Some(head),
        Ok(differences) => Some(hash(format!("{head} {differences:?}").as_bytes())),
        Err(_) => Some(BlobId::default()),
    }
}
