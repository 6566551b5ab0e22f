//! The working tree against the index: every path where the disk says something else.
//!
//! One pass over the directories, shared by a few threads: each directory is listed once, or known unchanged, tracked names in it are
//! compared by their stat data, unknown names are offered to the ignore rules. Contents are only read where the stat
//! data proves nothing. `assume-unchanged` is not believed: what is on disk is what the tests will see.
//! Not seen here: ignored files; changes below a submodule that is not checked out.

use std::cell::OnceCell;
use std::ops::Range;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bstr::ByteSlice;
use git2::Repository;

use crate::model::{BlobId, Entry, Mode, RepoPath};

use super::clean::{Cleaner, link_target, plain_id};
use super::disk::{Kind, Settings, executable, list, same_size};
use super::error::RepoError;
use super::index::{Child, Index, IndexEntry};
use super::listings::{Kept, Listings, Names, Seen};
use super::nested::{checked_out, nested};
use super::objects::{Blobs, hash, join};
use super::open::Location;

/// A path where the working tree is not what the index says: what is there, or nothing.
pub(super) type Found = (RepoPath, Option<Entry>);

/// Every path of the working tree that differs from the index, sorted. `listings` is the file where directories that did
/// not change are known from, if there is to be one.
///
/// Contents that cannot be read have the id of all zeros: they count as changed.
pub(super) fn scan(
    location: &Location,
    blobs: &Blobs,
    index: &Index,
    settings: Settings,
    listings: Option<&Path>,
    depth: u8,
) -> Result<Vec<Found>, RepoError> {
    let Some(top) = &location.work_dir else {
        return Err(RepoError::Bare {
            git_dir: location.git_dir.clone(),
        });
    };
    let kept = listings.and_then(Kept::open);
    let known = kept.as_ref().map(Kept::listings);
    let shared = Shared {
        index,
        listings: known.as_ref(),
        blobs,
        top,
        settings,
        depth,
        queue: Mutex::new(Queue {
            jobs: vec![Job {
                dir: Vec::new(),
                range: 0..index.entries.len(),
            }],
            busy: 0,
            waiting: 0,
        }),
        wake: Condvar::new(),
        idle: AtomicBool::new(false),
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let done: Vec<(Vec<Found>, Seen<'_>)> = std::thread::scope(|scope| {
        let work = || Worker::new(&shared).run();
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others.into_iter().map(|other| other.join());
        std::iter::once(own)
            .chain(others.map(|done| done.unwrap_or_else(|panic| resume_unwind(panic))))
            .collect()
    });
    let (found, seen): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    let mut found = found.concat();
    if let Some(kept) = &kept {
        // what cannot be kept is listed again
        let _ = kept.write(&seen);
    }
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// A directory to look at.
struct Job {
    /// Its path, with a slash behind it; empty for the top.
    dir: Vec<u8>,
    /// Its entries in the index.
    range: Range<usize>,
}

struct Queue {
    jobs: Vec<Job>,
    /// Threads that may still add jobs.
    busy: usize,
    /// Threads that wait for jobs.
    waiting: usize,
}

struct Shared<'a> {
    index: &'a Index,
    listings: Option<&'a Listings<'a>>,
    /// Lends handles to the repository.
    blobs: &'a Blobs,
    top: &'a Path,
    settings: Settings,
    depth: u8,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Somebody waits for jobs. Only a hint: the queue knows.
    idle: AtomicBool,
}

impl<'a> Shared<'a> {
    /// The names in a directory.
    fn names(&self, job: &Job, place: &Path, seen: &mut Seen<'a>) -> std::io::Result<Names<'a>> {
        match self.listings {
            Some(listings) => listings.names(&job.dir, place, seen),
            None => list(place),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next directory for a thread that has none left; `None` when all are done.
    fn next(&self, worked: bool) -> Option<Job> {
        let mut queue = self.queue();
        if worked {
            queue.busy -= 1;
        }
        loop {
            if let Some(job) = queue.jobs.pop() {
                queue.busy += 1;
                return Some(job);
            }
            if queue.busy == 0 {
                self.wake.notify_all();
                return None;
            }
            queue.waiting += 1;
            self.idle.store(true, Ordering::Relaxed);
            queue = self
                .wake
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
            queue.waiting -= 1;
            self.idle.store(queue.waiting > 0, Ordering::Relaxed);
        }
    }

    /// Gives the older half of a thread's directories, likely the larger ones, to those that wait.
    fn share(&self, jobs: &mut Vec<Job>) {
        if jobs.len() > 1 && self.idle.load(Ordering::Relaxed) {
            let half = jobs.len() / 2;
            self.queue().jobs.extend(jobs.drain(..half));
            self.wake.notify_all();
        }
    }
}

/// One thread of the scan, with its own handle to the repository, borrowed when first needed.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    repo: OnceCell<Option<Repository>>,
    found: Vec<Found>,
    seen: Seen<'a>,
    jobs: Vec<Job>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            repo: OnceCell::new(),
            found: Vec::new(),
            seen: Seen::default(),
            jobs: Vec::new(),
        }
    }

    fn run(mut self) -> (Vec<Found>, Seen<'a>) {
        let mut worked = false;
        while let Some(job) = self.shared.next(worked) {
            self.jobs.push(job);
            // its own directories cost no lock
            while let Some(job) = self.jobs.pop() {
                self.directory(&job);
                self.shared.share(&mut self.jobs);
            }
            worked = true;
        }
        if let Some(repo) = self.repo.take().flatten() {
            self.shared.blobs.take_back(repo);
        }
        (self.found, self.seen)
    }

    fn repo(&self) -> Option<&Repository> {
        self.repo
            .get_or_init(|| self.shared.blobs.lend().ok())
            .as_ref()
    }

    fn directory(&mut self, job: &Job) {
        let Some(place) = join(self.shared.top, &job.dir) else {
            return self.unknowable(job.range.clone());
        };
        let names = match self.shared.names(job, &place, &mut self.seen) {
            Ok(names) => names,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return self.unknowable(job.range.clone());
            }
            // Gone since its parent was listed, or not a directory any more.
            Err(_) => Vec::new(),
        };
        let index = self.shared.index;
        let mut known = vec![false; names.len()];
        for (name, child) in index.children(job.range.clone(), job.dir.len()) {
            let at = self.position(&names, name);
            let kind = at.and_then(|at| names.get(at)).map(|(_, kind)| *kind);
            let on_disk = at
                .and_then(|at| names.get(at))
                .map_or(name, |(name, _)| name.as_ref());
            let mut taken = true;
            match child {
                Child::Leaf(range) => {
                    let entries = index.entries.get(range).unwrap_or_default();
                    let disk = join(&place, on_disk).unwrap_or_default();
                    // A directory where a file was: the file is gone, and what is inside is new.
                    taken = kind != Some(Kind::Dir) || entries.iter().any(IndexEntry::is_submodule);
                    self.tracked(entries, kind, &disk);
                }
                Child::Dir(range) if kind == Some(Kind::Dir) => {
                    self.enter(&job.dir, name, range);
                }
                Child::Dir(range) => {
                    taken = false;
                    self.absent(range);
                }
                // Present although it is not checked out: its files are compared one by one.
                Child::SparseDir(_) if kind == Some(Kind::Dir) => self.enter(&job.dir, name, 0..0),
                Child::SparseDir(_) => {}
            }
            if let Some(known) = at.and_then(|at| known.get_mut(at)) {
                *known |= taken;
            }
        }
        for ((name, kind), known) in names.iter().zip(known) {
            if !known && name.as_ref() != b".git" {
                self.unknown(&job.dir, name, *kind, &place);
            }
        }
    }

    fn position(&self, names: &Names<'_>, name: &[u8]) -> Option<usize> {
        let exact = names.binary_search_by(|(other, _)| other.as_ref().cmp(name));
        exact.ok().or_else(|| {
            let fold = self.shared.settings.ignore_case;
            fold.then(|| {
                names
                    .iter()
                    .position(|(other, _)| other.eq_ignore_ascii_case(name))
            })
            .flatten()
        })
    }

    fn enter(&mut self, dir: &[u8], name: &[u8], range: Range<usize>) {
        let dir = [dir, name, b"/"].concat();
        self.jobs.push(Job { dir, range });
    }

    /// Tracked paths that are not on disk; not being checked out is no deletion.
    fn absent(&mut self, range: Range<usize>) {
        let index = self.shared.index;
        for entry in index.entries.get(range).unwrap_or_default() {
            self.missing(entry);
        }
    }

    fn missing(&mut self, entry: &IndexEntry) {
        let sparse_dir = entry.entry().is_none() && entry.stage == 0 && !entry.intent_to_add;
        if !entry.skip_worktree && !sparse_dir {
            self.found
                .push((RepoPath::new(self.shared.index.path(entry)), None));
        }
    }

    /// Tracked paths that nobody may look at.
    fn unknowable(&mut self, range: Range<usize>) {
        let index = self.shared.index;
        for entry in index.entries.get(range).unwrap_or_default() {
            if let Some(held) = entry.entry() {
                let path = RepoPath::new(index.path(entry));
                let blob = BlobId::default();
                self.found.push((path, Some(Entry { blob, ..held })));
            }
        }
    }

    /// One tracked path: a single entry, or the sides of a conflict.
    fn tracked(&mut self, entries: &[IndexEntry], kind: Option<Kind>, disk: &Path) {
        let Some(first) = entries.first() else { return };
        let path = RepoPath::new(self.shared.index.path(first));
        match (first.entry(), kind) {
            (Some(held), Some(Kind::Dir)) if held.mode == Mode::Submodule => {
                if let Some(commit) = checked_out(disk, self.shared.depth)
                    && commit != held.blob
                {
                    let mode = Mode::Submodule;
                    self.found.push((path, Some(Entry { mode, blob: commit })));
                }
            }
            (Some(held), Some(kind @ (Kind::File | Kind::Link))) => {
                self.compare(path, first, &held, kind, disk);
            }
            (Some(_), _) => self.missing(first),
            // A conflict, or only intended to be added: what counts is what is on disk.
            (None, Some(kind @ (Kind::File | Kind::Link))) => {
                let actual = self.actual(&path, kind, disk, None);
                self.found.push((path, actual));
            }
            (None, _) => self.found.push((path, None)),
        }
    }

    fn compare(
        &mut self,
        path: RepoPath,
        entry: &IndexEntry,
        held: &Entry,
        kind: Kind,
        disk: &Path,
    ) {
        let Ok(meta) = std::fs::symlink_metadata(disk) else {
            return self.missing(entry);
        };
        let same_mode = match held.mode {
            Mode::Link => kind == Kind::Link || !self.shared.settings.links,
            Mode::File | Mode::Executable => {
                let bit = self.shared.settings.file_mode;
                kind == Kind::File && (!bit || executable(&meta) == (held.mode == Mode::Executable))
            }
            Mode::Submodule => false,
        };
        if same_mode && self.shared.settings.untouched(entry, &meta) {
            return;
        }
        // The very bytes of the blob need no cleaning. This makes a tree cheap whose times were all changed.
        let may_be_same = same_mode && held.mode.is_file() && same_size(entry, &meta);
        if may_be_same && plain_id(disk).is_ok_and(|plain| plain == held.blob) {
            return;
        }
        let mut actual = self.actual(&path, kind, disk, Some(held.mode));
        if let Some(actual) = &mut actual
            && actual.blob != held.blob
            && actual.mode.is_file()
            && let Some(repo) = self.repo()
            && Cleaner::new(repo, self.shared.index).is_data_of(&path, disk, held.blob)
        {
            actual.blob = held.blob;
        }
        if actual.as_ref() != Some(held) {
            self.found.push((path, actual));
        }
    }

    /// The entry that a file on disk would get. `held` is the mode that the index has for it, where there is one.
    fn actual(
        &self,
        path: &RepoPath,
        kind: Kind,
        disk: &Path,
        held: Option<Mode>,
    ) -> Option<Entry> {
        let settings = &self.shared.settings;
        if kind == Kind::Link {
            let blob = link_target(disk).map_or_else(|_| BlobId::default(), |target| hash(&target));
            let mode = Mode::Link;
            return Some(Entry { mode, blob });
        }
        let meta = std::fs::symlink_metadata(disk).ok()?;
        if !meta.is_file() {
            return None;
        }
        let mode = match held {
            Some(Mode::Link) if !settings.links => Mode::Link,
            Some(held) if held.is_file() && !settings.file_mode => held,
            _ if settings.file_mode && executable(&meta) => Mode::Executable,
            _ => Mode::File,
        };
        let blob = match self.repo() {
            _ if mode == Mode::Link => std::fs::read(disk).map(|bytes| hash(&bytes)),
            Some(repo) => Cleaner::new(repo, self.shared.index).id(path, disk),
            None => Ok(BlobId::default()),
        };
        let blob = blob.unwrap_or_default();
        Some(Entry { mode, blob })
    }

    /// A name that the index does not know.
    fn unknown(&mut self, dir: &[u8], name: &[u8], kind: Kind, place: &Path) {
        let path = RepoPath::new([dir, name].concat());
        if kind == Kind::Other || self.is_ignored(&path) {
            return;
        }
        let disk = join(place, name).unwrap_or_default();
        if kind == Kind::Dir {
            match nested(&disk) {
                Some(repo) => {
                    let blob = repo.unwrap_or_default();
                    let mode = Mode::Submodule;
                    self.found.push((path, Some(Entry { mode, blob })));
                }
                None => self.enter(dir, name, 0..0),
            }
        } else if let Some(entry) = self.actual(&path, kind, &disk, None) {
            self.found.push((path, Some(entry)));
        }
    }

    fn is_ignored(&self, path: &RepoPath) -> bool {
        let asked = path.as_bytes().to_path().ok().zip(self.repo());
        asked.is_some_and(|(path, repo)| repo.is_path_ignored(path).unwrap_or(false))
    }
}
