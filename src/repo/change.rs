//! Two snapshots → [`Change`], and which deletion and addition are one file that moved.
//!
//! Both sides of a move are always there as changes of their own; pairing them only adds knowledge.
//! Not seen here: files that moved and changed on the way.

use std::collections::{HashMap, HashSet};

use crate::model::{BlobId, Change, Entry, PathChange, RepoPath, Snapshot};

use super::disk::EMPTY_BLOB;

/// What differs between two snapshots.
///
/// Cost: one pass over both, and another over the base where paths were added.
pub fn change(base: &Snapshot, head: &Snapshot) -> Change {
    let mut paths = Vec::new();
    let (mut before, mut after) = (
        base.entries().iter().peekable(),
        head.entries().iter().peekable(),
    );
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        let a = if order.is_le() { before.next() } else { None };
        let b = if order.is_ge() { after.next() } else { None };
        let Some((path, _)) = a.or(b) else { break };
        let (a, b) = (a.map(|(_, entry)| entry), b.map(|(_, entry)| entry));
        if a != b {
            paths.push(PathChange {
                path: path.clone(),
                before: a.cloned(),
                after: b.cloned(),
                other_side: None,
            });
        }
    }
    pair_moves(&mut paths, base.entries());
    Change { paths }
}

/// Fills in `other_side` where contents moved or were copied unchanged. `base` offers sources of copies beside the
/// changed paths themselves.
pub(super) fn pair_moves(paths: &mut [PathChange], base: &[(RepoPath, Entry)]) {
    let wanted: HashSet<BlobId> = paths
        .iter()
        .filter(|change| change.before.is_none())
        .filter_map(|change| change.after.as_ref())
        .filter(|entry| {
            entry.mode.is_file() && entry.blob.0 != EMPTY_BLOB && entry.blob != BlobId::default()
        })
        .map(|entry| entry.blob)
        .collect();
    if wanted.is_empty() {
        return;
    }
    // Deleted paths first: they are where a file moved from, not where it was copied from.
    let mut sources: HashMap<BlobId, Vec<(RepoPath, Option<usize>)>> = HashMap::new();
    for deleted in [true, false] {
        for (at, change) in paths.iter().enumerate() {
            if let Some(entry) = &change.before
                && change.after.is_none() == deleted
                && wanted.contains(&entry.blob)
            {
                let from = (change.path.clone(), deleted.then_some(at));
                sources.entry(entry.blob).or_default().push(from);
            }
        }
    }
    for (path, entry) in base {
        if wanted.contains(&entry.blob) {
            let known = sources.entry(entry.blob).or_default();
            if known.is_empty() {
                known.push((path.clone(), None));
            }
        }
    }
    let mut moved: Vec<(usize, RepoPath)> = Vec::new();
    for change in paths.iter_mut().filter(|change| change.before.is_none()) {
        let Some(known) = change
            .after
            .as_ref()
            .and_then(|entry| sources.get_mut(&entry.blob))
        else {
            continue;
        };
        let named_alike =
            |(path, _): &&(RepoPath, Option<usize>)| path.file_name() == change.path.file_name();
        let Some((from, deleted)) = known.iter().find(named_alike).or(known.first()).cloned()
        else {
            continue;
        };
        if let Some(at) = deleted {
            moved.push((at, change.path.clone()));
        }
        change.other_side = Some(from);
    }
    for (at, to) in moved {
        if let Some(change) = paths.get_mut(at)
            && change.other_side.is_none()
        {
            change.other_side = Some(to);
        }
    }
}
