//! Snapshots, and the quick way to a change that makes none.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{BlobId, Change, Entry, Mode, PathChange, RepoPath, Snapshot};

use super::change::pair_moves;
use super::disk::Settings;
use super::error::RepoError;
use super::index::Index;
use super::objects::Blobs;
use super::scan::{Found, scan};
use super::tree::{Dir, Pair, Walk};
use super::{Repo, Side};

/// The paths of one state of the repository, and their contents when asked for.
#[derive(Debug)]
pub struct RepoSnapshot {
    /// The paths.
    pub tree: Snapshot,
    blobs: Blobs,
}

impl RepoSnapshot {
    /// The contents at a path; `None` where no file or link is there. Links are not followed.
    pub fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, RepoError> {
        match self.tree.get(path) {
            Some(entry) if entry.mode != Mode::Submodule => {
                self.blobs.read(&entry.blob, Some(path)).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Reads contents by id, from any thread.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }
}

impl Repo {
    /// Every path of one state.
    ///
    /// Cost: reads every tree of a commit; for the working tree, one stat per tracked file.
    pub fn snapshot(&self, side: &Side) -> Result<RepoSnapshot, RepoError> {
        let pairs = self.differences(&Side::Empty, side, 0)?;
        let mut links = Vec::new();
        let mut entries = Vec::with_capacity(pairs.len());
        for (path, _, entry) in pairs {
            let Some(entry) = entry else { continue };
            if entry.mode == Mode::Link && entry.blob != BlobId::default() {
                let target = self.blobs.read(&entry.blob, Some(&path))?;
                links.push((path.clone(), target));
            }
            entries.push((path, entry));
        }
        Ok(RepoSnapshot {
            tree: Snapshot::new(entries, links),
            blobs: self.blobs.clone(),
        })
    }

    /// What differs between two states, without listing either.
    ///
    /// Cost: reads the trees that differ; for the working tree, one stat per tracked file.
    pub fn quick_change(&self, base: &Side, head: &Side) -> Result<Change, RepoError> {
        let pairs = self.differences(base, head, 0)?;
        let mut paths: Vec<PathChange> = pairs
            .into_iter()
            .map(|(path, before, after)| PathChange {
                path,
                before,
                after,
                other_side: None,
            })
            .collect();
        pair_moves(&mut paths, &[]);
        Ok(Change { paths })
    }

    /// The differing paths, sorted. `depth` counts the submodules around this repository.
    pub(super) fn differences(
        &self,
        base: &Side,
        head: &Side,
        depth: u8,
    ) -> Result<Vec<Pair>, RepoError> {
        if base == head {
            return Ok(Vec::new());
        }
        let uses = |side: &Side| base == side || head == side;
        // Asked for its time before it is read: an index that is replaced in between is only trusted less.
        let settings = Settings::of(&self.git, &self.location.index);
        let index = if uses(&Side::Index) || uses(&Side::WorkTree) {
            let index = Arc::new(self.read_index()?);
            self.blobs.stage(index.clone());
            index
        } else {
            Arc::default()
        };
        if uses(&Side::Index)
            && let Some(conflict) = index.entries.iter().find(|entry| entry.stage != 0)
        {
            let path = RepoPath::new(index.path(conflict));
            return Err(RepoError::Unmerged { path });
        }
        let walk = Walk {
            repo: &self.git,
            index: &index,
        };
        let found = if uses(&Side::WorkTree) {
            scan(
                &self.location,
                &self.blobs,
                &index,
                settings,
                self.listings.as_deref(),
                depth,
            )?
        } else {
            Vec::new()
        };
        let mut pairs = walk.differences(self.dir(base, &index)?, self.dir(head, &index)?)?;
        self.blobs
            .add_loose(found.iter().filter_map(|(path, entry)| {
                let entry = entry.as_ref()?;
                (entry.mode != Mode::Submodule).then(|| (entry.blob, path.clone()))
            }));
        if !found.is_empty() {
            lay_over(&walk, &mut pairs, found, *head == Side::WorkTree)?;
        }
        Ok(pairs)
    }

    fn dir(&self, side: &Side, index: &Index) -> Result<Dir, RepoError> {
        Ok(match side {
            Side::Commit(commit) => Dir::Tree(self.tree_id(*commit)?),
            Side::Index | Side::WorkTree => Dir::index(index),
            Side::Empty => Dir::Nothing,
        })
    }

    fn read_index(&self) -> Result<Index, RepoError> {
        let path = &self.location.index;
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            // Nothing was ever staged.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Index::default());
            }
            Err(source) => {
                let path = path.clone();
                return Err(RepoError::Io { path, source });
            }
        };
        Index::parse(&bytes).map_err(|what| {
            let path = path.clone();
            if what == "split index" {
                let feature = "a split index".into();
                RepoError::Unsupported { path, feature }
            } else {
                RepoError::DamagedIndex { path, what }
            }
        })
    }
}

/// Puts what the working tree says in the place of what the index says, on one side of the pairs.
fn lay_over(
    walk: &Walk<'_>,
    pairs: &mut Vec<Pair>,
    found: Vec<Found>,
    on_head: bool,
) -> Result<(), RepoError> {
    let places: HashMap<RepoPath, usize> = pairs
        .iter()
        .enumerate()
        .map(|(at, (path, ..))| (path.clone(), at))
        .collect();
    for (path, entry) in found {
        if let Some((_, before, after)) = places.get(&path).and_then(|&at| pairs.get_mut(at)) {
            *(if on_head { after } else { before }) = entry;
        } else {
            // Where nothing differed, the other side has what the index has.
            let held = held(walk, &path)?;
            let (before, after) = if on_head {
                (held, entry)
            } else {
                (entry, held)
            };
            pairs.push((path, before, after));
        }
    }
    pairs.retain(|(_, before, after)| before != after);
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(())
}

/// What the index has at a path, inside directories that are not checked out too.
fn held(walk: &Walk<'_>, path: &RepoPath) -> Result<Option<Entry>, RepoError> {
    if let Some(entry) = walk.index.find(path.as_bytes()) {
        return Ok(entry.entry());
    }
    match walk.index.sparse_dir_around(path) {
        Some((tree, rest)) => walk.lookup(tree, rest),
        None => Ok(None),
    }
}
