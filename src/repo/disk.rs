//! What the disk says of a path, and whether that is what the index remembers.
//!
//! Not seen here: a change that keeps size, inode and times, more than a clock tick older than the index; git does
//! not see it either.

use std::borrow::Cow;
use std::fs::Metadata;
use std::io;
use std::path::Path;

use bstr::ByteVec;
use git2::Repository;

use super::index::{IndexEntry, Stat};
use super::listings::Names;

/// In nanoseconds: files written this long before the index may have changed again without a newer time: one tick of a slow clock.
const TICK: u64 = 20_000_000;

/// In seconds: the longest tick of file systems without fractions of seconds.
const COARSE_TICK: u64 = 2;

/// The id of empty contents, as bytes.
pub(super) const EMPTY_BLOB: [u8; 20] = [
    0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b, 0x29, 0xae, 0x77, 0x5a, 0xd8, 0xc2,
    0xe4, 0x8c, 0x53, 0x91,
];

/// What kind of thing is on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    File,
    Link,
    Dir,
    /// A pipe, a socket, a device: nothing that git keeps, and nothing to open.
    Other,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Kind; 4] = [Kind::File, Kind::Link, Kind::Dir, Kind::Other];
}

impl From<std::fs::FileType> for Kind {
    fn from(kind: std::fs::FileType) -> Self {
        if kind.is_file() {
            Kind::File
        } else if kind.is_symlink() {
            Kind::Link
        } else if kind.is_dir() {
            Kind::Dir
        } else {
            Kind::Other
        }
    }
}

/// The names in a directory, sorted.
pub(super) fn list(dir: &Path) -> io::Result<Names<'static>> {
    let mut names = Names::new();
    for item in std::fs::read_dir(dir)? {
        let item = item?;
        let kind = item.file_type().map_or(Kind::Other, Kind::from);
        if let Ok(name) = Vec::from_os_string(item.file_name()) {
            names.push((Cow::Owned(name), kind));
        }
    }
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}

/// Which file or directory something is, and when it was changed last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    mtime: (u64, u64),
    ctime: (u64, u64),
}

impl Stamp {
    /// How many numbers it is made of.
    pub(super) const WORDS: usize = 6;

    /// The stamp of what is at a path, links not followed. `None` where that cannot be told.
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Option<Stamp> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::symlink_metadata(path).ok()?;
        Some(Stamp {
            device: meta.dev(),
            inode: meta.ino(),
            mtime: mtime(&meta),
            ctime: (
                meta.ctime().cast_unsigned(),
                meta.ctime_nsec().cast_unsigned(),
            ),
        })
    }

    #[cfg(not(unix))]
    pub(super) fn of(_: &Path) -> Option<Stamp> {
        None
    }

    /// Its numbers.
    pub(super) fn words(&self) -> [u64; Stamp::WORDS] {
        let (mtime, ctime) = (self.mtime, self.ctime);
        [self.device, self.inode, mtime.0, mtime.1, ctime.0, ctime.1]
    }

    /// Whether both are on one device, so that one clock gave them their times.
    pub(super) fn on_device_of(&self, other: &Stamp) -> bool {
        self.device == other.device
    }

    /// Whether this was changed so long before the other one that a change after that shows in its times.
    pub(super) fn is_older_than(&self, other: &Stamp) -> bool {
        let coarse = self.ctime.1 == 0 || other.ctime.1 == 0;
        if coarse {
            return self.ctime.0.saturating_add(COARSE_TICK) < other.ctime.0;
        }
        older(self.ctime, other.ctime, TICK)
    }
}

impl From<[u64; Stamp::WORDS]> for Stamp {
    fn from(words: [u64; Stamp::WORDS]) -> Self {
        let [device, inode, ms, mn, cs, cn] = words;
        Stamp {
            device,
            inode,
            mtime: (ms, mn),
            ctime: (cs, cn),
        }
    }
}

/// Whether a time, in seconds and nanoseconds, is more than so many nanoseconds before another.
fn older(this: (u64, u64), that: (u64, u64), by: u64) -> bool {
    if this.1 == 0 || that.1 == 0 {
        // A file system without fractions of seconds, perhaps.
        return this.0 < that.0;
    }
    let nanos =
        |(seconds, nanos): (u64, u64)| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    nanos(this).saturating_add(by) < nanos(that)
}

/// The configuration that says how much the disk can be believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// The executable bit means something here.
    pub(super) file_mode: bool,
    /// Symbolic links are checked out as links, not as files that hold the target.
    pub(super) links: bool,
    /// Names that differ by case only are one file.
    pub(super) ignore_case: bool,
    trust_ctime: bool,
    whole_stat: bool,
    /// When the index was written, in seconds and nanoseconds.
    written: (u64, u64),
}

impl Settings {
    pub(super) fn of(repo: &Repository, index: &Path) -> Settings {
        let config = repo.config().and_then(|mut config| config.snapshot()).ok();
        let flag = |name: &str, default: bool| {
            let set = config
                .as_ref()
                .and_then(|config| config.get_bool(name).ok());
            set.unwrap_or(default)
        };
        let check = config
            .as_ref()
            .and_then(|config| config.get_string("core.checkstat").ok());
        Settings {
            file_mode: cfg!(unix) && flag("core.filemode", true),
            links: cfg!(unix) && flag("core.symlinks", true),
            ignore_case: flag("core.ignorecase", false),
            trust_ctime: flag("core.trustctime", true),
            whole_stat: check.is_none_or(|check| !check.eq_ignore_ascii_case("minimal")),
            written: std::fs::metadata(index).map_or((0, 0), |meta| mtime(&meta)),
        }
    }

    /// Whether the index's stat data proves that the file is as it was when it was added.
    pub(super) fn untouched(&self, entry: &IndexEntry, meta: &Metadata) -> bool {
        let stat = &entry.stat;
        same_size(entry, meta)
            && same_time(stat.mtime, mtime(meta))
            && (!self.whole_stat || same_file(stat, meta))
            && (!self.whole_stat || !self.trust_ctime || same_ctime(stat, meta))
            && !self.racy(mtime(meta))
    }

    /// Whether the file may have changed after it was added without that showing in its time.
    fn racy(&self, file: (u64, u64)) -> bool {
        !older(file, self.written, TICK)
    }
}

/// Whether the file has the size that the index remembers.
pub(super) fn same_size(entry: &IndexEntry, meta: &Metadata) -> bool {
    // Git writes a size of nothing for a file that it could not be sure of.
    let unsure = entry.stat.size == 0 && entry.id.0 != EMPTY_BLOB;
    !unsure && u64::from(entry.stat.size) == meta.len() & 0xffff_ffff
}

fn same_time(kept: (u32, u32), found: (u64, u64)) -> bool {
    u64::from(kept.0) == found.0 & 0xffff_ffff && (kept.1 == 0 || u64::from(kept.1) == found.1)
}

#[cfg(unix)]
fn mtime(meta: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (
        meta.mtime().cast_unsigned(),
        meta.mtime_nsec().cast_unsigned(),
    )
}

#[cfg(unix)]
fn same_ctime(stat: &Stat, meta: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    same_time(
        stat.ctime,
        (
            meta.ctime().cast_unsigned(),
            meta.ctime_nsec().cast_unsigned(),
        ),
    )
}

#[cfg(unix)]
fn same_file(stat: &Stat, meta: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    u64::from(stat.ino) == meta.ino() & 0xffff_ffff
        && stat.uid == meta.uid()
        && stat.gid == meta.gid()
}

/// Whether the owner may execute the file.
#[cfg(unix)]
pub(super) fn executable(meta: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn mtime(meta: &Metadata) -> (u64, u64) {
    let since = meta
        .modified()
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or((0, 0), |since| {
        (since.as_secs(), u64::from(since.subsec_nanos()))
    })
}

#[cfg(not(unix))]
fn same_ctime(_: &Stat, _: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn same_file(_: &Stat, _: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
pub(super) fn executable(_: &Metadata) -> bool {
    false
}
