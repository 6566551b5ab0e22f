//! `tia record` as a use case: runs a command under strace and keeps what each test met; and what `tia select` reads of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use super::{AppError, Progress, Workspace, state};
use crate::edges::sessions::{Place, SeenTest, Sessions, Thing};
use crate::edges::strace::{CALLS, Strace};
use crate::edges::{PYTEST_PLUGIN, recorded};
use crate::lang;
use crate::model::{CargoTest, Meeting, Node, Reader, Recording, RepoPath, Snapshot, Suite};
use crate::repo::Side;
use crate::select::{self, Inputs, Selection};

/// Where recordings are kept, below the state directory.
const DIRECTORY: &str = "recorded";
/// The file that this clone records into.
const FILE: &str = "local.json";
/// The first strace that stops only for the calls that are asked for.
const OLDEST: (u32, u32) = (5, 3);
/// So much of each text is shown; the values that are looked at are shorter.
const TEXT: &str = "1024";

/// What to record.
#[derive(Clone, Debug)]
pub struct RecordRequest {
    /// The command and its arguments.
    pub command: Vec<OsString>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Where the recording goes; where it is not said, to the others of this clone.
    pub output: Option<PathBuf>,
}

/// What became of a recording.
#[derive(Debug)]
pub struct RecordOutcome {
    /// Where it is.
    pub file: PathBuf,
    /// How many tests were seen.
    pub tests: usize,
    /// How many files of the repository they met.
    pub paths: usize,
    /// How many may have opened files in ways that cannot be traced.
    pub hidden: usize,
    /// Suites that were seen and are none that `tia select` knows.
    pub strangers: Vec<String>,
    /// How the command ended.
    pub status: ExitStatus,
}

/// Why nothing could be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There are no files to watch.
    #[error("a bare repository has no files that tests could open")]
    Bare,
    /// strace is missing.
    #[error("`strace` cannot be run")]
    NoStrace(#[source] std::io::Error),
    /// strace is too old, or says nothing of its age.
    #[error("strace {}.{} or later is needed, this is `{found}`", OLDEST.0, OLDEST.1)]
    Old {
        /// What it says it is.
        found: String,
    },
    /// A file beside the recording.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The trace cannot be read.
    #[error("cannot read the trace")]
    Trace(#[source] std::io::Error),
    /// strace did not get to trace anything.
    #[error("strace traced nothing ({0}): what it said stands above")]
    Nothing(ExitStatus),
    /// No test was seen.
    #[error("no test was seen ({0})")]
    NoTests(ExitStatus),
}

impl RecordError {
    /// What the user can do about it.
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoStrace(_) | Self::Old { .. } => {
                "install strace (`apt install strace`, `dnf install strace`); it needs no privileges".into()
            }
            Self::Nothing(_) => {
                "a process that is traced already (by a debugger, by another `tia record`) cannot be traced again; a \
                 container may have to allow ptrace"
                    .into()
            }
            Self::NoTests(_) => {
                "tests of pytest 6.2 or later, `cargo nextest run` and `cargo test` are seen, wherever in the command they run"
                    .into()
            }
            _ => return None,
        })
    }
}

impl Workspace {
    /// Runs a command, and keeps which files of the working tree each of its tests met.
    ///
    /// # Errors
    /// No strace, nothing that could be traced, no test among it, files that cannot be written.
    ///
    /// Cost: each traced system call stops its process for some microseconds.
    pub fn record(
        &self,
        request: &RecordRequest,
        progress: &dyn Progress,
    ) -> Result<RecordOutcome, AppError> {
        let top = self.repo.work_dir().ok_or(RecordError::Bare)?;
        check_strace()?;
        // what is there before the tests run: what they make themselves is none of the repository's
        let tree = self.repo.snapshot(&Side::WorkTree)?.tree;
        let graph = self.graph(&Side::WorkTree, progress)?;
        let commit = self.repo.head()?.map(|commit| commit.to_string());
        let (trace, status) = run(request)?;
        let roots = [bytes(top), bytes(&canonical(top))];
        let places = |path: &[u8]| self.places(&tree, &roots, path);
        let mut sessions = Sessions::new(&places);
        let mut strace = Strace::new(&bytes(&canonical(&request.directory)));
        let mut lines = 0usize;
        for line in trace.split(b'\n') {
            let line = line.map_err(RecordError::Trace)?;
            strace.line(&line, &mut |pid, act| sessions.act(pid, act));
            lines += 1;
        }
        if lines == 0 {
            return Err(RecordError::Nothing(status).into());
        }
        let seen = sessions.end();
        let suites: Vec<&Suite> = graph
            .iter()
            .filter_map(|(_, node, _)| match node {
                Node::Test(suite) => Some(suite),
                _ => None,
            })
            .collect();
        let known: BTreeSet<String> = suites.iter().map(ToString::to_string).collect();
        let mut strangers = BTreeSet::new();
        let mut readers: BTreeMap<Reader, BTreeSet<(Meeting, RepoPath)>> = BTreeMap::new();
        for (test, met) in seen.tests {
            for (suite, case) in named(&test, &suites) {
                if !known.contains(&suite) {
                    strangers.insert(suite);
                    continue;
                }
                let reader = Reader::Test { suite, case };
                readers
                    .entry(reader)
                    .or_default()
                    .extend(met.iter().cloned());
            }
        }
        let tests = readers.len();
        if tests == 0 && strangers.is_empty() {
            return Err(RecordError::NoTests(status).into());
        }
        for (file, met) in seen.files {
            readers.insert(Reader::File(file), met.into_iter().collect());
        }
        let paths: BTreeSet<&RepoPath> = readers
            .values()
            .flatten()
            .filter(|(meeting, _)| matches!(meeting, Meeting::Loads | Meeting::Reads))
            .map(|(_, path)| path)
            .collect();
        let paths = paths.len();
        let readers = readers.into_iter();
        let recording = Recording {
            commit,
            readers: readers
                .map(|(reader, met)| (reader, met.into_iter().collect()))
                .collect(),
        };
        Ok(RecordOutcome {
            file: self.keep(recording, request.output.as_deref())?,
            tests,
            paths,
            hidden: seen.hidden,
            strangers: strangers.into_iter().collect(),
            status,
        })
    }

    /// What is at an absolute path.
    fn places(&self, tree: &Snapshot, roots: &[Vec<u8>], path: &[u8]) -> Vec<Place> {
        let below = roots.iter().find_map(|root| {
            let below = path.strip_prefix(&root[..])?;
            (below.is_empty() || below.starts_with(b"/")).then_some(below)
        });
        let Some(below) = below else {
            return Vec::new();
        };
        let path = RepoPath::new(below);
        let own = |dir: &str| path.is_under(&dir.into());
        if own(".git") || own(".tia") {
            return Vec::new();
        }
        let file = |path: RepoPath| Place {
            path,
            thing: Thing::File,
        };
        let Some((end, through)) = tree.find_through(&path) else {
            // a submodule, or something asked of a file as if it were a directory
            if let Some(around) = path.ancestors().find(|dir| tree.contains(dir)) {
                return vec![file(around)];
            }
            let thing = Thing::Nothing;
            let place = (!self.repo.ignores(&path)).then_some(Place { path, thing });
            return place.into_iter().collect();
        };
        let thing = match tree.contains(&end) {
            true if lang::of(&end).is_some() => Thing::Source,
            true => Thing::File,
            false => Thing::Dir,
        };
        let links = through.into_iter().map(file);
        links.chain([Place { path: end, thing }]).collect()
    }

    /// Writes a recording: alone to a file that is named, else over what this clone recorded before.
    fn keep(&self, new: Recording, output: Option<&Path>) -> Result<PathBuf, AppError> {
        let (file, recordings) = match output {
            Some(file) => (file.to_path_buf(), vec![new]),
            None => {
                state::directory(self.repo.work_dir(), self.repo.git_dir());
                let file = self.recorded_directory().join(FILE);
                let mut recordings = match fs::read(&file) {
                    Ok(bytes) => read(&file, &bytes)?,
                    Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                    Err(source) => return Err(AppError::Unreadable { path: file, source }),
                };
                recorded::renew(&mut recordings, new);
                (file, recordings)
            }
        };
        let written = match file.parent() {
            Some(dir) => fs::create_dir_all(dir),
            None => Ok(()),
        };
        let part = file.with_extension("part");
        written
            .and_then(|()| fs::write(&part, recorded::write(&recordings)))
            .and_then(|()| fs::rename(&part, &file))
            .map_err(|source| RecordError::Write {
                path: file.clone(),
                source,
            })?;
        Ok(file)
    }

    fn recorded_directory(&self) -> PathBuf {
        state::path(self.repo.work_dir(), self.repo.git_dir()).join(DIRECTORY)
    }

    /// All recordings that lie in the state directory; none where there is no such directory.
    ///
    /// # Errors
    /// A file that cannot be read, or is no recording.
    pub fn recordings(&self) -> Result<Vec<Recording>, AppError> {
        let Ok(entries) = fs::read_dir(self.recorded_directory()) else {
            return Ok(Vec::new());
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        files.retain(|file| {
            file.extension()
                .is_some_and(|extension| extension == "json")
        });
        files.sort();
        let mut all = Vec::new();
        for path in files {
            let bytes = fs::read(&path).map_err(|source| AppError::Unreadable {
                path: path.clone(),
                source,
            })?;
            all.extend(read(&path, &bytes)?);
        }
        Ok(all)
    }

    /// Adds to a selection what recordings show.
    pub(super) fn add_recorded(
        &self,
        selection: Selection,
        inputs: Inputs<'_>,
        [base, head]: [&Side; 2],
        recordings: &[Recording],
    ) -> Result<Selection, AppError> {
        if recordings.is_empty() || inputs.change.is_empty() {
            return Ok(selection);
        }
        let mut paths = inputs.change.paths.iter();
        let come_or_gone = match paths.any(|path| path.before.is_some() != path.after.is_some()) {
            true => {
                let trees = [
                    self.repo.snapshot(base)?.tree,
                    self.repo.snapshot(head)?.tree,
                ];
                let is_dir = |dir: &RepoPath| [trees[0].is_dir(dir), trees[1].is_dir(dir)];
                select::come_or_gone(inputs.change, is_dir)
            }
            false => BTreeSet::new(),
        };
        Ok(select::add_recorded(
            selection,
            inputs,
            recordings,
            &come_or_gone,
        ))
    }
}

fn read(path: &Path, bytes: &[u8]) -> Result<Vec<Recording>, AppError> {
    recorded::read(bytes).map_err(|source| AppError::Recorded {
        path: path.to_path_buf(),
        source,
    })
}

/// A directory as it stands before the paths below it.
fn bytes(dir: &Path) -> Vec<u8> {
    let bytes = dir.as_os_str().as_encoded_bytes();
    bytes.strip_suffix(b"/").unwrap_or(bytes).to_vec()
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// Whether there is a strace that serves.
fn check_strace() -> Result<(), RecordError> {
    let said = Command::new("strace")
        .arg("-V")
        .output()
        .map_err(RecordError::NoStrace)?;
    let text = String::from_utf8_lossy(&said.stdout);
    let first = text.lines().next().unwrap_or_default();
    let version = first.rsplit(' ').next().unwrap_or_default();
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), minor) if (major, minor.unwrap_or(0)) >= OLDEST => Ok(()),
        _ => Err(RecordError::Old {
            found: first.to_owned(),
        }),
    }
}

/// Runs a command under strace, with the plugin of pytest at hand; gives the trace and how the command ended.
fn run(request: &RecordRequest) -> Result<(BufReader<File>, ExitStatus), RecordError> {
    let write = |path: &Path, source| RecordError::Write {
        path: path.to_path_buf(),
        source,
    };
    let dir = tempfile::tempdir().map_err(|source| write(&std::env::temp_dir(), source))?;
    let plugin = dir.path().join("tia_recorder.py");
    fs::write(&plugin, PYTEST_PLUGIN).map_err(|source| write(&plugin, source))?;
    let trace = dir.path().join("trace");
    let mut options = std::env::var_os("PYTEST_ADDOPTS").unwrap_or_default();
    options.push(" -p tia_recorder");
    let mut python_path = dir.path().as_os_str().to_owned();
    if let Some(own) = std::env::var_os("PYTHONPATH").filter(|own| !own.is_empty()) {
        python_path.push(":");
        python_path.push(own);
    }
    let status = Command::new("strace")
        .args(["-f", "-q", "--seccomp-bpf", "-y", "-s", TEXT])
        .args(["-e", "abbrev=!execve,execveat", "-e", "signal=none", "-e"])
        .arg(format!("trace={CALLS}"))
        .arg("-o")
        .arg(&trace)
        .arg("--")
        .args(&request.command)
        .current_dir(&request.directory)
        .env("PYTEST_ADDOPTS", options)
        .env("PYTHONPATH", python_path)
        // where `tia record` itself runs in a test, these name that one
        .env_remove("NEXTEST_BINARY_ID")
        .env_remove("NEXTEST_TEST_NAME")
        .status()
        .map_err(RecordError::NoStrace)?;
    let trace = File::open(&trace).map_err(|_| RecordError::Nothing(status))?;
    Ok((BufReader::new(trace), status))
}

/// A test by the suites that it may be of: an executable tells its package and its own name, but not its kind.
fn named(test: &SeenTest, suites: &[&Suite]) -> Vec<(String, Option<String>)> {
    match test {
        SeenTest::Python { file, case } => vec![(file.to_string(), Some(case.clone()))],
        SeenTest::Nextest { binary, case } => vec![(binary.clone(), Some(case.clone()))],
        SeenTest::Doctests { package } => vec![(format!("{package}::doc"), None)],
        SeenTest::Executable {
            package,
            name,
            case,
        } => {
            let own = suites.iter().filter_map(|suite| match suite {
                Suite::Cargo {
                    package: of,
                    target,
                } if of == package => Some((suite, target)),
                _ => None,
            });
            let (mut found, mut library) = (Vec::new(), None);
            for (suite, target) in own {
                let target = match target {
                    CargoTest::Lib => {
                        library = Some(suite);
                        package
                    }
                    CargoTest::Bin(target)
                    | CargoTest::Test(target)
                    | CargoTest::Example(target)
                    | CargoTest::Bench(target) => target,
                    CargoTest::Doc => continue,
                };
                if target.replace('-', "_") == *name {
                    found.push(suite);
                }
            }
            // a library may have a name of its own
            let found = if found.is_empty() {
                library.into_iter().collect()
            } else {
                found
            };
            if found.is_empty() {
                return vec![(format!("{package}::{name}"), case.clone())];
            }
            found
                .iter()
                .map(|suite| (suite.to_string(), case.clone()))
                .collect()
        }
    }
}
