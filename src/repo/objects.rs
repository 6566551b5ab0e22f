//! Objects: ids in git2's type and in ours, and contents read from many threads.
//!
//! Contents come from the working tree where the file there hashes to the id that is asked for: reading and hashing a file
//! costs a fraction of inflating an object. Else they come from the object database, or, for files of the working tree that
//! were never added, from disk as `git add` would store them.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use git2::{ErrorCode, Repository};
use sha1::{Digest, Sha1};

use crate::model::{BlobId, ObjectId, RepoPath};

use super::clean::{Cleaner, give_attributes};
use super::error::RepoError;
use super::index::Index;
use super::open::Location;

/// An id in git2's type.
pub(super) fn oid(id: ObjectId) -> git2::Oid {
    git2::Oid::from_bytes(&id.0).unwrap_or(git2::Oid::ZERO_SHA1)
}

/// An id in our type.
pub(super) fn id(oid: git2::Oid) -> ObjectId {
    let mut id = ObjectId::default();
    if oid.as_bytes().len() == id.0.len() {
        id.0.copy_from_slice(oid.as_bytes());
    }
    id
}

/// The id that git gives to contents.
pub(super) fn hash(bytes: &[u8]) -> BlobId {
    let mut sum = Sha1::new_with_prefix(format!("blob {}\0", bytes.len()));
    sum.update(bytes);
    ObjectId(sum.finalize().into())
}

/// The error for an object that could not be read: missing, or there and damaged.
pub(super) fn damaged(
    repo: &Repository,
    id: ObjectId,
    path: Option<RepoPath>,
    source: git2::Error,
) -> RepoError {
    if source.code() == ErrorCode::NotFound {
        RepoError::Missing {
            id,
            path,
            promised_by: promisor(repo),
        }
    } else {
        RepoError::Damaged { id, path, source }
    }
}

/// The remote that a partial clone leaves objects at.
fn promisor(repo: &Repository) -> Option<String> {
    let config = repo.config().ok()?;
    if let Ok(remote) = config.get_string("extensions.partialclone") {
        return Some(remote);
    }
    let mut entries = config.entries(Some("remote\\..*\\.promisor")).ok()?;
    let first = entries.next()?.ok()?;
    let remote = first.name().ok()?;
    let remote = remote.strip_prefix("remote.")?.strip_suffix(".promisor")?;
    Some(remote.to_string())
}

/// Reads contents, from any number of threads. Clones share what they know.
#[derive(Clone)]
pub struct Blobs(Arc<Inner>);

struct Inner {
    location: Location,
    /// Open handles that no thread uses just now.
    idle: Mutex<Vec<Repository>>,
    /// What is staged, where somebody looked.
    index: Mutex<Arc<Index>>,
    /// Contents that are in the working tree and in no object.
    loose: Mutex<HashMap<BlobId, RepoPath>>,
    /// How often the working tree had what was asked for, less how often it had something else.
    luck: AtomicI32,
}

/// With so much bad luck the working tree is asked no more: another commit is checked out, or a filter stands between.
const WORST_LUCK: i32 = -64;

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Blobs").field(&self.0.location).finish()
    }
}

impl Blobs {
    pub(super) fn new(location: Location) -> Self {
        Self(Arc::new(Inner {
            location,
            idle: Mutex::default(),
            index: Mutex::default(),
            loose: Mutex::default(),
            luck: AtomicI32::new(0),
        }))
    }

    /// Remembers what is staged: it says how files of the working tree are stored.
    pub(super) fn stage(&self, index: Arc<Index>) {
        *lock(&self.0.index) = index;
        // they have the attributes of another index
        lock(&self.0.idle).clear();
    }

    fn staged(&self) -> Arc<Index> {
        lock(&self.0.index).clone()
    }

    /// Remembers where in the working tree contents lie.
    pub(super) fn add_loose(&self, found: impl IntoIterator<Item = (BlobId, RepoPath)>) {
        lock(&self.0.loose).extend(found);
    }

    /// The contents of a blob. `path` is where it may be found in the working tree, and is named in errors.
    ///
    /// Fails where the object is missing or damaged, or where a file of the working tree is no longer what it was.
    pub fn read(&self, blob: &BlobId, path: Option<&RepoPath>) -> Result<Vec<u8>, RepoError> {
        let loose = lock(&self.0.loose).get(blob).cloned();
        if loose.is_none()
            && let Some(bytes) = path.and_then(|path| self.checked_out(blob, path))
        {
            return Ok(bytes);
        }
        let repo = self.lend()?;
        let read = match &loose {
            Some(file) => self.read_loose(&repo, *blob, file),
            None => read_object(&repo, *blob, path),
        };
        self.take_back(repo);
        read
    }

    /// The contents as they lie in the working tree, where they are what is asked for.
    fn checked_out(&self, blob: &BlobId, path: &RepoPath) -> Option<Vec<u8>> {
        if self.0.luck.load(Ordering::Relaxed) < WORST_LUCK {
            return None;
        }
        let disk = self.0.location.on_disk(path)?;
        let found = fs::symlink_metadata(&disk).ok()?;
        if !found.is_file() {
            return None;
        }
        let bytes = fs::read(disk).ok()?;
        let is_it = hash(&bytes) == *blob;
        let luck = if is_it { 1 } else { -1 };
        self.0.luck.fetch_add(luck, Ordering::Relaxed);
        is_it.then_some(bytes)
    }

    fn read_loose(
        &self,
        repo: &Repository,
        blob: BlobId,
        file: &RepoPath,
    ) -> Result<Vec<u8>, RepoError> {
        // It may be in the object database as well: that copy does not change under our hands.
        if let Ok(bytes) = read_object(repo, blob, Some(file)) {
            return Ok(bytes);
        }
        if blob == BlobId::default() {
            return Err(RepoError::Unreadable { path: file.clone() });
        }
        let Some(disk) = self.0.location.on_disk(file) else {
            return Err(RepoError::Unreadable { path: file.clone() });
        };
        let bytes = Cleaner::new(repo, &self.staged()).contents(file, &disk);
        let bytes = bytes.map_err(|source| RepoError::Io { path: disk, source })?;
        if hash(&bytes) == blob {
            Ok(bytes)
        } else {
            Err(RepoError::Moved { path: file.clone() })
        }
    }

    /// Lends an open handle that knows its attributes, opening one where all are in use.
    pub(super) fn lend(&self) -> Result<Repository, RepoError> {
        let idle = lock(&self.0.idle).pop();
        if let Some(repo) = idle {
            return Ok(repo);
        }
        let repo = self.0.location.open()?;
        give_attributes(&repo, &self.staged())?;
        Ok(repo)
    }

    /// Takes a handle back that was lent.
    pub(super) fn take_back(&self, repo: Repository) {
        lock(&self.0.idle).push(repo);
    }
}

/// Nothing that is locked here is left half done, so a panic elsewhere does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The contents of an object.
pub(super) fn read_object(
    repo: &Repository,
    blob: BlobId,
    path: Option<&RepoPath>,
) -> Result<Vec<u8>, RepoError> {
    match repo.find_blob(oid(blob)) {
        Ok(found) => Ok(found.content().to_vec()),
        Err(source) => Err(damaged(repo, blob, path.cloned(), source)),
    }
}

/// Where a path of the repository lies below a directory of this machine.
pub(super) fn join(dir: &std::path::Path, path: &[u8]) -> Option<PathBuf> {
    use bstr::ByteSlice;
    path.to_path().ok().map(|path| dir.join(path))
}
