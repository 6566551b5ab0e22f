//! What directories held when they were last listed, so that one which nobody touched is not listed again.
//!
//! Whoever adds, takes away, renames or replaces anything in a directory changes the directory's own times. While its stat
//! data is what it was when it was listed, it holds the same names of the same kinds. Which of them are tracked, ignored
//! or edited is not kept: that is asked anew every time.
//!
//! Layout of the file: [`MAGIC`], the XXH3-128 of the rest, then a record a directory. What is cut, changed or foreign is
//! read as nothing. Two processes may write at once: each writes beside and renames.
//!
//! A directory that was changed less than a tick before it was listed may change again without a newer time. It is not
//! kept; what counts as "before" is the time of this very file, which the same file system set before the scan began, so
//! no clock is asked.
//! Not seen here: directories on another device than this file, and file systems that leave the times of directories
//! alone (found out by writing the file): there everything is listed every time.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::model::Fingerprint;

use super::disk::{Kind, Stamp, list};

const MAGIC: &[u8; 11] = b"TIA-DIRS-1\n";

/// Names of a directory with their kinds, sorted.
pub(super) type Names<'a> = Vec<(Cow<'a, [u8]>, Kind)>;

/// The file that listings are kept in, as it was before a scan.
pub(super) struct Kept {
    path: PathBuf,
    /// Stat data of the file, made before anything is listed.
    at: Stamp,
    bytes: Vec<u8>,
}

impl Kept {
    /// Opens the file at `path`, made where there is none. `None` where nothing can be kept.
    pub(super) fn open(path: &Path) -> Option<Kept> {
        let bytes = fs::read(path).ok();
        if bytes.is_none() {
            fs::write(path, b"").ok()?;
        }
        Some(Kept {
            path: path.to_path_buf(),
            at: Stamp::of(path)?,
            bytes: bytes.unwrap_or_default(),
        })
    }

    /// What the file says; nothing where it is not whole.
    pub(super) fn listings(&self) -> Listings<'_> {
        Listings {
            at: self.at,
            known: read(&self.bytes).unwrap_or_default(),
        }
    }

    /// Writes what a scan came by. Nothing is lost where that fails: the next scan lists again.
    ///
    /// Fails where the times of directories prove nothing, too.
    pub(super) fn write(&self, seen: &[Seen<'_>]) -> io::Result<()> {
        if !seen.iter().any(|seen| seen.news) {
            return Ok(());
        }
        let parts: Vec<&[u8]> = seen
            .iter()
            .flat_map(|seen| seen.again.iter().copied().chain([seen.fresh.as_slice()]))
            .collect();
        let payload = parts.concat();
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let mut part = self.path.clone();
        part.set_extension(format!("{}.part", std::process::id()));
        let before = Stamp::of(dir);
        let written = fs::File::create(&part).and_then(|mut file| {
            if Stamp::of(dir) == before {
                // a file came into the directory and it does not show: here its times prove nothing
                return Err(io::ErrorKind::Unsupported.into());
            }
            file.write_all(MAGIC)?;
            file.write_all(&Fingerprint::of(&payload).0.to_le_bytes())?;
            file.write_all(&payload)
        });
        written
            .and_then(|()| fs::rename(&part, &self.path))
            .inspect_err(|_| {
                let _ = fs::remove_file(&part);
            })
    }
}

/// One directory in the file.
struct Record<'a> {
    /// All of it, to be written again.
    whole: &'a [u8],
    stamp: Stamp,
    names: &'a [u8],
}

/// The listings that are known.
pub(super) struct Listings<'a> {
    at: Stamp,
    known: FxHashMap<&'a [u8], Record<'a>>,
}

/// What one thread of a scan came by.
#[derive(Default)]
pub(super) struct Seen<'a> {
    /// Records that are still true.
    again: Vec<&'a [u8]>,
    /// Records of what was listed.
    fresh: Vec<u8>,
    /// There is something to write, or would be if the file were newer.
    news: bool,
}

impl<'a> Listings<'a> {
    /// The names in a directory: `dir` in the repository, `place` on disk. Fails where it cannot be listed.
    pub(super) fn names(
        &self,
        dir: &[u8],
        place: &Path,
        seen: &mut Seen<'a>,
    ) -> io::Result<Names<'a>> {
        // asked before the names: a change in between makes the record stale, never wrong
        let Some(stamp) = Stamp::of(place) else {
            return list(place);
        };
        if let Some(record) = self.known.get(dir)
            && record.stamp == stamp
            && let Some(names) = names(record.names)
        {
            seen.again.push(record.whole);
            return Ok(names);
        }
        let names = list(place)?;
        if stamp.on_device_of(&self.at) {
            seen.news = true;
            if stamp.is_older_than(&self.at) {
                write_record(dir, &stamp, &names, &mut seen.fresh);
            }
        }
        Ok(names)
    }
}

/// A record: its length, the directory and its length, its stat data, then kind, length and bytes of each name.
fn write_record(dir: &[u8], stamp: &Stamp, names: &Names<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(dir.len() as u32).to_le_bytes());
    out.extend_from_slice(dir);
    for word in stamp.words() {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for (name, kind) in names {
        out.push(*kind as u8);
        out.extend_from_slice(&(name.len() as u32).to_le_bytes());
        out.extend_from_slice(name);
    }
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// The records of a file; `None` where it is cut, changed or foreign.
fn read(bytes: &[u8]) -> Option<FxHashMap<&[u8], Record<'_>>> {
    let (sum, payload) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<16>()?;
    if Fingerprint::of(payload).0.to_le_bytes() != *sum {
        return None;
    }
    let mut known = FxHashMap::default();
    let mut rest = payload;
    while !rest.is_empty() {
        let mut after = rest;
        let mut record = piece(&mut after)?;
        let whole = rest.get(..rest.len() - after.len())?;
        rest = after;
        let dir = piece(&mut record)?;
        let mut words = [0; Stamp::WORDS];
        for word in &mut words {
            let (bytes, after) = record.split_first_chunk::<8>()?;
            *word = u64::from_le_bytes(*bytes);
            record = after;
        }
        let stamp = Stamp::from(words);
        let names = record;
        known.insert(
            dir,
            Record {
                whole,
                stamp,
                names,
            },
        );
    }
    Some(known)
}

/// The names of a record.
fn names(mut bytes: &[u8]) -> Option<Names<'_>> {
    let mut names = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        bytes = rest;
        let kind = Kind::ALL.into_iter().find(|known| *known as u8 == *kind)?;
        names.push((Cow::Borrowed(piece(&mut bytes)?), kind));
    }
    Some(names)
}

/// Bytes with their length before them, taken from the front.
fn piece<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (piece, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(piece)
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// Longer than two ticks.
    const WHILE: Duration = Duration::from_millis(45);

    /// Lists a directory as a process of its own would, and tells whether it was known.
    fn look(file: &Path, place: &Path) -> (Vec<Vec<u8>>, bool) {
        let kept = Kept::open(file).unwrap();
        let listings = kept.listings();
        let mut seen = Seen::default();
        let names = listings.names(b"dir/", place, &mut seen).unwrap();
        let names = names
            .into_iter()
            .map(|(name, _)| name.into_owned())
            .collect();
        let known = !seen.again.is_empty();
        kept.write(&[seen]).unwrap();
        (names, known)
    }

    #[test]
    fn an_untouched_directory_becomes_known_and_a_touched_one_is_listed() {
        let top = tempfile::tempdir().unwrap();
        let (file, place) = (top.path().join("listings"), top.path().join("dir"));
        fs::create_dir(&place).unwrap();
        fs::write(place.join("a"), "").unwrap();
        std::thread::sleep(WHILE);
        let settle = || {
            for _ in 0..3 {
                look(&file, &place);
                std::thread::sleep(WHILE);
            }
        };
        settle();
        assert_eq!(look(&file, &place), (vec![b"a".to_vec()], true));
        let before = fs::read(&file).unwrap();
        look(&file, &place);
        assert_eq!(
            fs::read(&file).unwrap(),
            before,
            "nothing new, nothing written"
        );

        fs::rename(place.join("a"), place.join("b")).unwrap();
        assert_eq!(look(&file, &place), (vec![b"b".to_vec()], false));
        // within the same tick, perhaps
        fs::write(place.join("c"), "").unwrap();
        assert_eq!(look(&file, &place).0.len(), 2);
        settle();
        assert!(look(&file, &place).1);
        fs::write(
            place.join("b"),
            "an edit in place leaves the names as they are",
        )
        .unwrap();
        assert!(look(&file, &place).1);
        fs::remove_file(place.join("b")).unwrap();
        fs::create_dir(place.join("b")).unwrap();
        assert!(!look(&file, &place).1);
    }

    #[test]
    fn a_directory_changed_within_a_tick_of_the_file_is_not_believed() {
        let at = |seconds, nanos| Stamp::from([1, 2, 0, 0, seconds, nanos]);
        let file = at(100, 30_000_000);
        for (seconds, nanos, older) in [
            (100, 9_000_000, true),
            (100, 11_000_000, false),
            (100, 30_000_000, false),
            (101, 1, false),
            // no fractions of seconds
            (97, 0, true),
            (98, 0, false),
            (100, 0, false),
        ] {
            assert_eq!(
                at(seconds, nanos).is_older_than(&file),
                older,
                "{seconds}.{nanos}"
            );
        }
    }

    fn file() -> Vec<u8> {
        let mut payload = Vec::new();
        for dir in [&b""[..], b"a/", b"a/b/"] {
            let names: Names<'_> = vec![
                (Cow::Borrowed(b"x"), Kind::File),
                (Cow::Borrowed(dir), Kind::Dir),
            ];
            write_record(dir, &Stamp::from([1, 2, 3, 4, 5, 6]), &names, &mut payload);
        }
        [
            &MAGIC[..],
            &Fingerprint::of(&payload).0.to_le_bytes(),
            &payload,
        ]
        .concat()
    }

    #[test]
    fn records_are_read_back() {
        let bytes = file();
        let known = read(&bytes).unwrap();
        assert_eq!(known.len(), 3);
        let record = &known[&b"a/"[..]];
        assert_eq!(record.stamp.words(), [1, 2, 3, 4, 5, 6]);
        let names = names(record.names).unwrap();
        assert_eq!(
            names,
            [
                (Cow::Borrowed(&b"x"[..]), Kind::File),
                (Cow::Borrowed(b"a/"), Kind::Dir)
            ]
        );
    }

    proptest! {
        #[test]
        fn any_changed_byte_and_any_cut_is_noticed(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut bytes = file();
            let at = at.index(bytes.len());
            prop_assert!(read(&bytes[..at]).is_none());
            bytes[at] ^= flip;
            prop_assert!(read(&bytes).is_none());
        }

        #[test]
        fn records_that_do_not_fit_are_damage_and_no_panic(payload in proptest::collection::vec(any::<u8>(), 0..120)) {
            let bytes = [&MAGIC[..], &Fingerprint::of(&payload).0.to_le_bytes(), &payload].concat();
            for record in read(&bytes).unwrap_or_default().values() {
                let _ = names(record.names);
            }
        }
    }
}
