//! A snapshot → its graph: facts of every file, from the cache or read side by side, then edges.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use rayon::prelude::*;

use super::cache::{Cache, KnownFacts};
use super::{AppError, Progress};
use crate::graph::Graph;
use crate::lang::{self, Facts, FileFacts, Kind, Lang};
use crate::model::{BlobId, EdgeSink, Fingerprint, Printer, Program, RepoPath, Snapshot};

/// The print of this program: what another build kept may mean something else.
///
/// Told by version, and by size and time of the executable, so that no reader under development meets its own past.
fn build() -> Fingerprint {
    static BUILD: OnceLock<Fingerprint> = OnceLock::new();
    *BUILD.get_or_init(|| {
        let mut printer = Printer::new();
        printer.piece(env!("CARGO_PKG_VERSION"));
        if let Ok(meta) = std::env::current_exe().and_then(std::fs::metadata) {
            printer.number(meta.len());
            let since = meta
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            printer.number(since.map_or(0, |since| since.as_nanos() as u64));
        }
        printer.finish()
    })
}

/// Reads the contents of a path of a snapshot.
pub(super) type Read<'a> = dyn Fn(&RepoPath, BlobId) -> Result<Vec<u8>, AppError> + Sync + 'a;

/// The key of the graph of a snapshot that this print tells.
pub(super) fn key(snapshot: Fingerprint) -> Fingerprint {
    let mut printer = Printer::new();
    printer.piece(build().0.to_le_bytes());
    printer.piece(snapshot.0.to_le_bytes());
    printer.finish()
}

/// The key of the program that these files of a snapshot make, whose graph has the key.
pub(super) fn program_key(graph: Fingerprint, wanted: &BTreeSet<RepoPath>) -> Fingerprint {
    let mut printer = Printer::new();
    printer.piece(graph.0.to_le_bytes());
    printer.piece("program");
    for path in wanted {
        printer.piece(path.as_bytes());
    }
    printer.finish()
}

/// The key of a scoring of these questions.
pub(super) fn scoring_key(asked: Fingerprint) -> Fingerprint {
    let mut printer = Printer::new();
    printer.piece(build().0.to_le_bytes());
    printer.piece("scoring");
    printer.piece(asked.0.to_le_bytes());
    printer.finish()
}

fn facts_key(lang: &dyn Lang, kind: Kind, blob: BlobId) -> Fingerprint {
    let mut printer = Printer::new();
    printer.piece(build().0.to_le_bytes());
    printer.piece(lang.name());
    printer.number(u64::from(lang.version()));
    printer.piece(kind);
    printer.piece(blob.0);
    printer.finish()
}

struct File<'a> {
    path: &'a RepoPath,
    blob: BlobId,
    lang: &'static dyn Lang,
    kind: Kind,
    key: Fingerprint,
}

/// The files of a snapshot that a language reads; those of `closer`, and where that is known already, with their definitions.
fn files_of<'a>(
    tree: &'a Snapshot,
    known: &KnownFacts,
    closer: &dyn Fn(&RepoPath) -> bool,
) -> Vec<File<'a>> {
    let entries = tree.entries().iter();
    let files = entries.filter(|(_, entry)| entry.mode.is_file());
    let files = files.filter_map(|(path, entry)| {
        let (lang, kind) = lang::of(path)?;
        let file = |kind: Kind| File {
            path,
            blob: entry.blob,
            lang,
            kind,
            key: facts_key(lang, kind, entry.blob),
        };
        let close = file(lang.closer(kind));
        match closer(path) || known.contains_key(&close.key) {
            true => Some(close),
            false => Some(file(kind)),
        }
    });
    files.collect()
}

/// The files of a snapshot that may name definitions though no language reads them.
fn data_of(tree: &Snapshot) -> impl Iterator<Item = File<'_>> {
    let entries = tree.entries().iter();
    let files = entries.filter(|(_, entry)| entry.mode.is_file());
    files.flat_map(|(path, entry)| {
        let kinds = lang::all()
            .iter()
            .filter_map(|lang| Some((*lang, lang.names_code(path)?)));
        kinds.map(|(lang, kind)| File {
            path,
            blob: entry.blob,
            lang,
            kind,
            key: facts_key(lang, kind, entry.blob),
        })
    })
}

/// Reads the files whose facts are not known, on all cores. Their keys.
fn fill(
    known: &mut KnownFacts,
    files: &[File<'_>],
    read: &Read<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Fingerprint>, AppError> {
    let mut missing: Vec<&File<'_>> = files
        .iter()
        .filter(|file| !known.contains_key(&file.key))
        .collect();
    missing.sort_by_key(|file| file.key);
    missing.dedup_by_key(|file| file.key);
    progress.start("reading", missing.len() as u64);
    let fresh: Vec<(Fingerprint, Facts)> = missing
        .par_iter()
        .map(|file| {
            let facts = file.lang.facts(file.kind, &read(file.path, file.blob)?);
            progress.advance();
            Ok((file.key, facts))
        })
        .collect::<Result<_, AppError>>()?;
    progress.finish();
    let keys = fresh.iter().map(|(key, _)| *key).collect();
    known.extend(fresh);
    Ok(keys)
}

/// A language, and which of the facts are its.
type Ranged = (&'static dyn Lang, Range<usize>);

/// The facts by language, each language's files sorted by path.
fn by_language<'a>(
    files: &'a [File<'_>],
    known: &'a KnownFacts,
) -> (Vec<FileFacts<'a>>, Vec<Ranged>) {
    let mut all: Vec<FileFacts<'_>> = Vec::with_capacity(files.len());
    let mut of_langs = Vec::new();
    for lang in lang::all() {
        let before = all.len();
        let own = files.iter().filter(|file| file.lang.name() == lang.name());
        all.extend(own.filter_map(|file| {
            let facts = known.get(&file.key)?;
            Some(FileFacts {
                path: file.path,
                facts,
            })
        }));
        of_langs.push((*lang, before..all.len()));
    }
    (all, of_langs)
}

/// The keys of these files, each once.
fn keys<'a>(files: impl Iterator<Item = &'a File<'a>>) -> Vec<Fingerprint> {
    let mut keys: Vec<Fingerprint> = files.map(|file| file.key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The graph of a snapshot.
///
/// # Errors
/// Contents that cannot be read. A file that can be read but not understood is no error: its facts say so.
///
/// `definitions` tells that they will be asked for, so that each file is parsed once.
///
/// Cost: parsing the files whose facts are not kept, on all cores; then one pass over all facts.
pub(super) fn graph(
    tree: &Snapshot,
    read: &Read<'_>,
    cache: &Cache,
    definitions: bool,
    progress: &dyn Progress,
) -> Result<Graph, AppError> {
    let mut known = cache.facts();
    let files = files_of(tree, &known, &|_| definitions);
    let fresh = fill(&mut known, &files, read, progress)?;
    let (all, of_langs) = by_language(&files, &known);
    let edges = || {
        let mut sink = EdgeSink::default();
        for (lang, range) in of_langs {
            lang.resolve(&all[range], tree, &mut sink);
        }
        sink
    };
    let literals = || {
        let names = lang::Names::new(tree);
        let candidates = lang::mention::candidates(&all, &names);
        (names, candidates)
    };
    let (mut sink, (names, candidates)) = rayon::join(edges, literals);
    lang::mention::resolve(&all, &candidates, &names, tree, &mut sink);
    for file in &all {
        if file.facts.reads_lines {
            let node = sink.path(file.path);
            sink.info(node).reads_lines = true;
        }
        for (line, text) in &file.facts.trouble {
            sink.note(file.path, *line, text.clone());
        }
    }
    let used = keys(files.iter());
    let ((), graph) = rayon::join(
        || cache.write_facts(&known, &fresh, &used),
        || Graph::build(sink),
    );
    cache.give_back(known);
    Ok(graph)
}

/// A snapshot, and how the contents of its files are read.
pub(super) type Source<'a> = (&'a Snapshot, &'a Read<'a>);

/// For each snapshot the program that its wanted files make.
///
/// # Errors
/// Contents that cannot be read.
///
/// Cost: that of the facts, then one pass over the wanted files, side by side for the snapshots.
pub(super) fn programs(
    sources: &[Source<'_>],
    cache: &Cache,
    wanted: &BTreeSet<RepoPath>,
    progress: &dyn Progress,
) -> Result<Vec<Program>, AppError> {
    let mut known = cache.facts();
    let wanted = |path: &RepoPath| wanted.contains(path);
    let files = sources.iter().map(|(tree, _)| {
        let mut files = files_of(tree, &known, &wanted);
        files.extend(data_of(tree));
        files
    });
    let files: Vec<Vec<File<'_>>> = files.collect();
    let mut fresh = Vec::new();
    for (files, (_, read)) in files.iter().zip(sources) {
        fresh.extend(fill(&mut known, files, read, progress)?);
    }
    let spread =
        |jobs: usize, job: &(dyn Fn(usize) + Sync)| (0..jobs).into_par_iter().for_each(job);
    let link = || {
        let sides = files.par_iter().zip(sources);
        let programs = sides.map(|(files, (tree, _))| {
            let (all, of_langs) = by_language(files, &known);
            let mut program = Program::default();
            for (lang, range) in of_langs {
                program.join(lang.program(&all[range], tree, &wanted, &spread));
            }
            program
        });
        programs.collect()
    };
    let used = keys(files.iter().flatten());
    let (programs, ()) = rayon::join(link, || cache.write_facts(&known, &fresh, &used));
    cache.give_back(known);
    Ok(programs)
}
