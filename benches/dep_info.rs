//! Is every file that rustc reads for a test in the file set that `tia` finds for it from sources alone?
//!
//! ```sh
//! cargo bench --bench dep_info -- WORKSPACE…                   # Cargo workspaces in git work trees
//! cargo bench --bench dep_info -- --all-features WORKSPACE…    # flags go to Cargo; values joined by `=`
//! ```
//!
//! Builds the tests of each workspace (`cargo test --no-run --workspace`), and its libraries once more as doctests see
//! them (`--cfg doctest`, for READMEs that are doctests). Then, per test executable and per library with doctests,
//! unites what rustc's dep-info names for it and for every library, binary and build script of the repository that it
//! is linked from or built with, and what those build scripts declare with `rerun-if-changed`. Of these files, the
//! tracked ones must all be in the closure of the suite in `tia`'s graph.
//!
//! Prints each missing file, and per workspace: suites, the files rustc read and those in the closures (a file counts
//! once per suite), and the surplus, which is what no dep-info names, with its most frequent files. Ends with 1 where a
//! file or a suite is missing.
//!
//! Not seen here: files opened at run time, and files that a proc macro or build script opens without saying so.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to the terminal"
)]

#[path = "support/cargo.rs"]
mod cargo;
#[path = "support/depfile.rs"]
mod depfile;
#[path = "support/git.rs"]
mod git;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use cargo::{Metadata, Source, Unit};
use depfile::Tracked;
use tia::app::{Quiet, Workspace};
use tia::graph::Graph;
use tia::model::{CargoTest, Node, Suite};

/// Set for the runs of this program in which Cargo calls it in place of rustc.
const AS_RUSTC: &str = "TIA_DEP_INFO_AS_RUSTC";

fn main() -> ExitCode {
    if std::env::var_os(AS_RUSTC).is_some() {
        return as_rustc();
    }
    let (flags, dirs): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .partition(|arg| arg.starts_with('-'));
    if dirs.is_empty() {
        eprintln!("usage: cargo bench --bench dep_info -- [CARGO-FLAG…] WORKSPACE…");
        return ExitCode::SUCCESS;
    }
    let mut whole = true;
    for dir in &dirs {
        match workspace(Path::new(dir), &flags) {
            Ok(report) => {
                report.print(dir);
                whole &= report.is_whole();
            }
            Err(message) => {
                eprintln!("{dir}: {message}");
                whole = false;
            }
        }
    }
    if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What comparing one workspace gave.
#[derive(Default)]
struct Report {
    suites: usize,
    /// Suites that Cargo built and `tia` does not know.
    unknown: Vec<String>,
    /// Suites that `tia` knows and Cargo did not build.
    unbuilt: Vec<String>,
    /// Suite and file.
    missing: Vec<(String, String)>,
    read: usize,
    found: usize,
    /// Files of closures that no dep-info names, and of how many closures.
    surplus: BTreeMap<String, usize>,
}

impl Report {
    fn is_whole(&self) -> bool {
        self.unknown.is_empty() && self.missing.is_empty() && self.suites > 0
    }

    fn print(&self, dir: &str) {
        let name = Path::new(dir).file_name().unwrap_or_default();
        for suite in &self.unknown {
            println!("  unknown  {suite}");
        }
        for (suite, file) in &self.missing {
            println!("  missing  {suite}: {file}");
        }
        if !self.unbuilt.is_empty() {
            println!("  not built, so not compared: {}", self.unbuilt.join(", "));
        }
        let mut most: Vec<(&String, &usize)> = self.surplus.iter().collect();
        most.sort_by_key(|(path, suites)| (std::cmp::Reverse(**suites), path.ends_with(".toml")));
        for (path, suites) in most.iter().take(5) {
            println!("  surplus  {path} ({suites} suites)");
        }
        let sum = |sources: bool| -> usize {
            let of = self.surplus.iter();
            of.filter(|(path, _)| path.ends_with(".rs") == sources)
                .map(|(_, suites)| suites)
                .sum()
        };
        let (sources, others) = (sum(true), sum(false));
        let surplus = sources + others;
        println!(
            "{:<14} {:>4} suites  {:>6} files read  {:>4} missing  {:>6} in the closures  {surplus:>6} surplus \
             ({:.0} %): {sources} sources, {others} others",
            name.to_string_lossy(),
            self.suites,
            self.read,
            self.missing.len(),
            self.found,
            100.0 * surplus as f64 / self.found.max(1) as f64,
        );
    }
}

/// Builds and compares one workspace.
fn workspace(dir: &Path, flags: &[String]) -> Result<Report, String> {
    let top = git::top(dir)?;
    let tracked = depfile::tracked(&top)?;
    let metadata = cargo::metadata(dir, flags)?;
    let me = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let mut tests = Command::new("cargo");
    tests
        .current_dir(dir)
        .args(["test", "--no-run", "--workspace"]);
    let units = cargo::build(tests.args(flags))?;
    let mut as_doctests = Vec::new();
    if metadata
        .packages
        .values()
        .any(|package| package.local && package.doctests)
    {
        let mut libs = Command::new("cargo");
        libs.current_dir(dir)
            .args(["build", "--lib", "--workspace"]);
        libs.env("RUSTC_WORKSPACE_WRAPPER", me).env(AS_RUSTC, "1");
        as_doctests = cargo::build(libs.args(flags))?;
    }

    let opened = Workspace::open(dir, true).map_err(|error| error.to_string())?;
    let graph = opened
        .graph_at(None, &Quiet)
        .map_err(|error| error.to_string())?;
    let reads = Reads {
        top,
        tracked,
        metadata,
        units,
        as_doctests,
    };
    reads.compare(&graph)
}

/// What the builds said.
struct Reads {
    top: PathBuf,
    tracked: BTreeMap<Vec<u8>, Tracked>,
    metadata: Metadata,
    units: Vec<Unit>,
    as_doctests: Vec<Unit>,
}

impl Reads {
    fn compare(&self, graph: &Graph) -> Result<Report, String> {
        let mut report = Report::default();
        let mut compared = BTreeSet::new();
        let tests = self.units.iter().filter(|unit| unit.test);
        let doctests = self
            .as_doctests
            .iter()
            .filter(|unit| unit.source == Source::Lib)
            .filter(|unit| {
                let package = self.metadata.packages.get(&unit.package);
                package.is_some_and(|package| package.doctests)
            });
        for (unit, doc) in tests.map(|u| (u, false)).chain(doctests.map(|u| (u, true))) {
            let Some(package) = self.metadata.packages.get(&unit.package) else {
                continue;
            };
            let Some(target) = target(&unit.source, doc).filter(|_| package.local) else {
                continue;
            };
            let suite = Suite::Cargo {
                package: package.name.clone(),
                target,
            };
            if !compared.insert(suite.clone()) {
                continue;
            }
            let Some(id) = graph.find(&Node::Test(suite.clone())) else {
                report.unknown.push(suite.to_string());
                continue;
            };
            let mut read = self.read_by(unit)?;
            for part in self.parts(unit) {
                read.extend(self.read_by(part)?);
            }
            let found: BTreeSet<Vec<u8>> = graph
                .closure(id)
                .into_iter()
                .filter_map(|(id, _)| match graph.node(id) {
                    Node::Path(path) => Some(path.as_bytes().to_vec()),
                    _ => None,
                })
                .filter(|path| self.tracked.contains_key(path))
                .collect();
            report.suites += 1;
            report.read += read.len();
            report.found += found.len();
            let missing = read.difference(&found);
            report.missing.extend(missing.map(|path| {
                let path = String::from_utf8_lossy(path).into_owned();
                (suite.to_string(), path)
            }));
            for path in found.difference(&read) {
                let path = String::from_utf8_lossy(path).into_owned();
                *report.surplus.entry(path).or_default() += 1;
            }
        }
        report.unbuilt = graph
            .iter()
            .filter_map(|(_, node, _)| match node {
                Node::Test(suite @ Suite::Cargo { .. }) => Some(suite),
                _ => None,
            })
            .filter(|suite| !compared.contains(suite))
            .map(Suite::to_string)
            .collect();
        Ok(report)
    }

    /// The units of the repository that a test is linked from, built with, or given to run.
    fn parts<'a>(&'a self, test: &'a Unit) -> impl Iterator<Item = &'a Unit> {
        let linked = self.metadata.linked(&test.package);
        let runs_bins = matches!(test.source, Source::Test(_) | Source::Bench(_));
        self.units.iter().filter(move |unit| {
            !unit.test
                && linked.contains(unit.package.as_str())
                && match unit.source {
                    Source::Lib => unit.package != test.package || test.source != Source::Lib,
                    Source::BuildScript => true,
                    Source::Bin(_) => unit.package == test.package && runs_bins,
                    _ => false,
                }
        })
    }

    /// The tracked files that rustc read for a unit, or that it declared as a build script.
    fn read_by(&self, unit: &Unit) -> Result<BTreeSet<Vec<u8>>, String> {
        let Some(package) = self
            .metadata
            .packages
            .get(&unit.package)
            .filter(|p| p.local)
        else {
            return Ok(BTreeSet::new());
        };
        let mut read = BTreeSet::new();
        let compiled = unit.source.clone();
        if unit.dep_files.is_empty() && unit.printed.is_none() {
            return Err(format!("no dep-info of {compiled:?} of {}", package.name));
        }
        let from = [self.metadata.root.as_path(), package.root.as_path()];
        for file in &unit.dep_files {
            let text =
                std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            for path in depfile::dependencies(&String::from_utf8_lossy(&text)) {
                read.extend(depfile::tracked_of(&path, &from, &self.top, &self.tracked));
            }
        }
        if let Some(printed) = unit
            .printed
            .as_ref()
            .and_then(|file| std::fs::read(file).ok())
        {
            for path in depfile::declared(&String::from_utf8_lossy(&printed)) {
                let from = [package.root.as_path()];
                read.extend(depfile::tracked_of(&path, &from, &self.top, &self.tracked));
            }
        }
        Ok(read)
    }
}

fn target(source: &Source, doc: bool) -> Option<CargoTest> {
    Some(match source {
        Source::Lib if doc => CargoTest::Doc,
        Source::Lib => CargoTest::Lib,
        Source::Bin(name) => CargoTest::Bin(name.clone()),
        Source::Test(name) => CargoTest::Test(name.clone()),
        Source::Example(name) => CargoTest::Example(name.clone()),
        Source::Bench(name) => CargoTest::Bench(name.clone()),
        Source::BuildScript => return None,
    })
}

/// Runs rustc as Cargo asked for it, libraries with `--cfg doctest`.
fn as_rustc() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let Some((rustc, rest)) = args.split_first() else {
        eprintln!("{AS_RUSTC} is set, but no compiler is named");
        return ExitCode::FAILURE;
    };
    let mut command = Command::new(rustc);
    command.args(rest).env_remove(AS_RUSTC);
    let is_library = rest
        .windows(2)
        .any(|pair| pair[0] == "--crate-type" && pair[1] != "bin");
    if is_library {
        command.args(["--cfg", "doctest", "-A", "explicit_builtin_cfgs_in_flags"]);
    }
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", rustc.to_string_lossy());
            ExitCode::FAILURE
        }
    }
}
