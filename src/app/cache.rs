//! Facts by contents and graphs by snapshot, on disk.
//!
//! The cache is disposable and never trusted: every piece carries its length and sum, and what is cut, changed or
//! foreign is read as absent and made anew. Files are written beside and renamed, under names that tell their contents,
//! so several processes may share a cache; a file that another process took away is absent, too.

use rustc_hash::FxHashMap as HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;

use crate::graph::{FORMAT_VERSION, Graph};
use crate::lang::Facts;
use crate::model::{Fingerprint, Printer, Program};

/// How many graphs are kept, newest first.
const GRAPHS_KEPT: usize = 8;
/// How many programs are kept, newest first.
const PROGRAMS_KEPT: usize = 4;
/// How many scorings are kept, newest first.
const SCORINGS_KEPT: usize = 4;
/// A larger scoring is not kept, in bytes.
const SCORING_BYTES: usize = 256 << 20;
/// How many files of facts there may be before they are written anew as one.
const SEGMENTS_KEPT: usize = 12;
/// Facts are kept in chunks of this many, each with its own sum, read side by side.
const CHUNK: usize = 1024;
const MAGIC: &[u8; 12] = b"TIA-FACTS-1\n";

/// A cache directory, or none; and the facts that this process has seen already.
#[derive(Debug)]
pub struct Cache {
    dir: Option<PathBuf>,
    seen: Mutex<Option<KnownFacts>>,
}

/// The facts known so far, by key.
pub(super) type KnownFacts = HashMap<Fingerprint, Facts>;

impl Cache {
    /// A cache below `state`; `None` keeps nothing.
    pub fn new(state: Option<&Path>) -> Self {
        Self {
            dir: state.map(|state| state.join("cache")),
            seen: Mutex::new(None),
        }
    }

    /// Where the repository keeps what directories hold; `None` where nothing is kept.
    pub(super) fn listings(&self) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join("listings"))
    }

    /// The graph of this key, where it is kept and whole.
    pub fn graph(&self, key: Fingerprint) -> Option<Graph> {
        let path = self.graph_path(key)?;
        let graph = Graph::decode(&fs::read(&path).ok()?).ok()?;
        touch(&path);
        Some(graph)
    }

    /// Keeps a graph and lets go of the oldest. What cannot be written is not kept.
    pub fn keep_graph(&self, key: Fingerprint, graph: &Graph) {
        let Some(path) = self.graph_path(key) else {
            return;
        };
        if write_whole(&path, &[&graph.encode()]).is_err() {
            return;
        }
        let_go(&path, GRAPHS_KEPT);
    }

    /// The program of this key, where it is kept and whole.
    pub(super) fn program(&self, key: Fingerprint) -> Option<Program> {
        postcard::from_bytes(&read_sealed(&self.program_path(key)?)?).ok()
    }

    /// Keeps a program and lets go of the oldest. What cannot be written is not kept.
    pub(super) fn keep_program(&self, key: Fingerprint, program: &Program) {
        let Some(path) = self.program_path(key) else {
            return;
        };
        let bytes = postcard::to_stdvec(program).expect("plain data has an encoding");
        write_sealed(&path, &bytes, PROGRAMS_KEPT);
    }

    /// The scoring of this key, where it is kept and whole.
    pub(super) fn scoring(&self, key: Fingerprint) -> Option<Vec<u8>> {
        read_sealed(&self.scoring_path(key)?)
    }

    /// Keeps a scoring unless it is very large, and lets go of the oldest.
    pub(super) fn keep_scoring(&self, key: Fingerprint, bytes: Vec<u8>) {
        let Some(path) = self.scoring_path(key) else {
            return;
        };
        if bytes.len() <= SCORING_BYTES {
            write_sealed(&path, &bytes, SCORINGS_KEPT);
        }
    }

    /// Whether anything is kept.
    pub(super) fn keeps(&self) -> bool {
        self.dir.is_some()
    }

    fn program_path(&self, key: Fingerprint) -> Option<PathBuf> {
        let dir = self.dir.as_ref()?.join("programs");
        Some(dir.join(format!("{:032x}", key.0)))
    }

    fn scoring_path(&self, key: Fingerprint) -> Option<PathBuf> {
        let dir = self.dir.as_ref()?.join("scorings");
        Some(dir.join(format!("{:032x}", key.0)))
    }

    fn graph_path(&self, key: Fingerprint) -> Option<PathBuf> {
        Some(
            self.dir
                .as_ref()?
                .join("graphs")
                .join(format!("{:032x}.v{FORMAT_VERSION}", key.0)),
        )
    }

    /// All facts that are kept or were seen, taken out; [`Cache::give_back`] puts them back.
    ///
    /// Cost: the first time, reading and decoding the whole cache, chunks side by side.
    pub(super) fn facts(&self) -> KnownFacts {
        let seen = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        seen.unwrap_or_else(|| self.read_facts())
    }

    fn read_facts(&self) -> KnownFacts {
        let Some(dir) = self.facts_dir() else {
            return KnownFacts::default();
        };
        let segments: Vec<Vec<u8>> = files(&dir)
            .into_par_iter()
            .filter_map(|path| fs::read(path).ok())
            .collect();
        let chunks: Vec<&[u8]> = segments
            .iter()
            .flat_map(|segment| chunks(segment))
            .collect();
        let decoded: Vec<Vec<(Fingerprint, Facts)>> = chunks
            .into_par_iter()
            .filter_map(|chunk| postcard::from_bytes(chunk).ok())
            .collect();
        decoded.into_iter().flatten().collect()
    }

    /// Puts back what [`Cache::facts`] took out.
    pub(super) fn give_back(&self, known: KnownFacts) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    /// Keeps the `new` ones among facts. Where there are too many files already, all that are `used` are written in their
    /// place.
    pub(super) fn write_facts(
        &self,
        known: &KnownFacts,
        new: &[Fingerprint],
        used: &[Fingerprint],
    ) {
        let Some(dir) = self.facts_dir() else { return };
        if new.is_empty() {
            return;
        }
        let old = files(&dir);
        let renew = old.len() >= SEGMENTS_KEPT;
        let keys = if renew { used } else { new };
        let picked: Vec<(Fingerprint, &Facts)> = keys
            .iter()
            .filter_map(|key| Some((*key, known.get(key)?)))
            .collect();
        let (name, parts) = segment(&picked);
        let path = dir.join(format!("{:032x}", name.0));
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        if write_whole(&path, &parts).is_ok() && renew {
            for stale in old.into_iter().filter(|old| *old != path) {
                let _ = fs::remove_file(stale);
            }
        }
    }

    fn facts_dir(&self) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join("facts"))
    }
}

/// What was written with its sum behind it, if it is whole; it is in use, and so young.
fn read_sealed(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = fs::read(path).ok()?;
    let (_, sum) = bytes.split_last_chunk::<16>()?;
    let sum = *sum;
    bytes.truncate(bytes.len() - sum.len());
    if Fingerprint::of(&bytes).0.to_le_bytes() != sum {
        return None;
    }
    touch(path);
    Some(bytes)
}

/// Writes bytes with their sum behind them, and lets go of the oldest files beside them but for so many.
fn write_sealed(path: &Path, bytes: &[u8], kept: usize) {
    let sum = Fingerprint::of(bytes).0.to_le_bytes();
    if write_whole(path, &[bytes, &sum]).is_ok() {
        let_go(path, kept);
    }
}

/// What is in use is young.
fn touch(path: &Path) {
    if let Ok(file) = fs::File::options().append(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Takes away the oldest files beside this one but for so many.
fn let_go(path: &Path, kept: usize) {
    let Some(dir) = path.parent() else { return };
    let mut found: Vec<(SystemTime, PathBuf)> = files(dir)
        .into_iter()
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    for (_, old) in found.into_iter().skip(kept) {
        let _ = fs::remove_file(old);
    }
}

/// Facts as the parts of a file, with its name: what tells its contents.
fn segment(facts: &[(Fingerprint, &Facts)]) -> (Fingerprint, Vec<Vec<u8>>) {
    let chunks: Vec<(Fingerprint, Vec<u8>)> = facts
        .par_chunks(CHUNK)
        .map(|chunk| postcard::to_stdvec(chunk).expect("plain data has an encoding"))
        .map(|bytes| (Fingerprint::of(&bytes), bytes))
        .collect();
    let mut printer = Printer::new();
    let mut parts = vec![MAGIC.to_vec()];
    for (sum, bytes) in chunks {
        printer.piece(sum.0.to_le_bytes());
        let mut head = (bytes.len() as u64).to_le_bytes().to_vec();
        head.extend_from_slice(&sum.0.to_le_bytes());
        parts.extend([head, bytes]);
    }
    (printer.finish(), parts)
}

/// The chunks of a segment that are whole.
fn chunks(segment: &[u8]) -> Vec<&[u8]> {
    let mut whole = Vec::new();
    let Some(mut rest) = segment.strip_prefix(MAGIC) else {
        return whole;
    };
    while let Some((len, after)) = rest.split_first_chunk::<8>() {
        let Some((sum, after)) = after.split_first_chunk::<16>() else {
            break;
        };
        let Ok(len) = usize::try_from(u64::from_le_bytes(*len)) else {
            break;
        };
        let Some((chunk, after)) = after.split_at_checked(len) else {
            break;
        };
        if Fingerprint::of(chunk).0.to_le_bytes() == *sum {
            whole.push(chunk);
        }
        rest = after;
    }
    whole
}

/// The finished files of a directory; none where there is no such directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_none_or(|e| e != "part"))
        .collect();
    files.sort();
    files
}

/// Writes beside and renames, so that no reader ever sees half a file.
fn write_whole(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    sweep(dir);
    let mut part = path.to_path_buf();
    part.set_extension(format!("{}.part", std::process::id()));
    let written = fs::File::create(&part)
        .and_then(|mut file| parts.iter().try_for_each(|bytes| file.write_all(bytes)));
    written
        .and_then(|()| fs::rename(&part, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })
}

/// Takes away half-written files of processes that were killed: those older than an hour.
fn sweep(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let age = fs::metadata(&path)
            .and_then(|meta| meta.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        if path.extension().is_some_and(|e| e == "part")
            && age.is_some_and(|age| age > Duration::from_secs(3600))
        {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EdgeSink;

    fn graph() -> Graph {
        let mut sink = EdgeSink::default();
        sink.claim(&"a.py".into());
        Graph::build(sink)
    }

    fn facts(n: u128) -> Facts {
        Facts {
            code: Fingerprint(n),
            ..Facts::default()
        }
    }

    #[test]
    fn what_is_kept_is_found_and_damage_is_absence() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(dir.path()));
        let key = Fingerprint(7);
        assert!(cache.graph(key).is_none());
        cache.keep_graph(key, &graph());
        assert_eq!(cache.graph(key).unwrap().len(), 1);
        let file = &files(&dir.path().join("cache/graphs"))[0];
        let mut bytes = fs::read(file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(file, &bytes).unwrap();
        assert!(cache.graph(key).is_none());
        fs::write(file, &bytes[..10]).unwrap();
        assert!(cache.graph(key).is_none());
    }

    #[test]
    fn a_program_is_kept_and_damage_is_absence() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(dir.path()));
        let key = Fingerprint(7);
        assert!(cache.program(key).is_none());
        let program = Program {
            words: vec!["name".to_owned()],
            units: vec![crate::model::ProgramUnit {
                uses: vec![crate::model::ProgramUse::Any(0)],
                ..Default::default()
            }],
            ..Program::default()
        };
        cache.keep_program(key, &program);
        let kept = cache.program(key).unwrap();
        assert_eq!(kept.words, program.words);
        assert_eq!(kept.units[0].uses, program.units[0].uses);
        let file = &files(&dir.path().join("cache/programs"))[0];
        let mut bytes = fs::read(file).unwrap();
        bytes[0] ^= 1;
        fs::write(file, &bytes).unwrap();
        assert!(cache.program(key).is_none());
        for n in 0..10 {
            cache.keep_program(Fingerprint(n), &program);
        }
        assert_eq!(
            files(&dir.path().join("cache/programs")).len(),
            PROGRAMS_KEPT
        );
    }

    /// Keeps facts with these codes, as a process of its own would.
    fn keep(dir: &Path, codes: std::ops::Range<u128>, used: std::ops::Range<u128>) {
        let known: KnownFacts = used.clone().map(|n| (Fingerprint(n), facts(n))).collect();
        let keys = |range: std::ops::Range<u128>| range.map(Fingerprint).collect::<Vec<_>>();
        Cache::new(Some(dir)).write_facts(&known, &keys(codes), &keys(used));
    }

    #[test]
    fn a_damaged_chunk_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        keep(dir.path(), 0..3000, 0..3000);
        let kept = || Cache::new(Some(dir.path())).facts();
        assert_eq!(kept().len(), 3000);
        let file = &files(&dir.path().join("cache/facts"))[0];
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, &bytes).unwrap();
        assert_eq!(kept().len(), 3000 - CHUNK);
        fs::write(file, b"something else entirely").unwrap();
        assert!(kept().is_empty());
    }

    #[test]
    fn many_small_files_of_facts_become_one() {
        let dir = tempfile::tempdir().unwrap();
        for i in 0..40 {
            keep(dir.path(), i..i + 1, 0..i + 1);
        }
        assert!(files(&dir.path().join("cache/facts")).len() <= SEGMENTS_KEPT);
        assert_eq!(Cache::new(Some(dir.path())).facts().len(), 40);
    }

    #[test]
    fn facts_once_seen_are_not_read_again() {
        let cache = Cache::new(None);
        cache.give_back(std::iter::once((Fingerprint(1), facts(1))).collect());
        assert_eq!(cache.facts().len(), 1);
    }

    #[test]
    fn old_graphs_are_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(dir.path()));
        for i in 0..20 {
            cache.keep_graph(Fingerprint(i), &graph());
        }
        assert_eq!(files(&dir.path().join("cache/graphs")).len(), GRAPHS_KEPT);
        assert!(Cache::new(None).graph(Fingerprint(19)).is_none());
    }
}
