//! What real commits of Python projects select, beside the import closure, and whether every test whose outcome changed
//! is among it.
//!
//! ```sh
//! cargo bench --bench commits -- DIR… [--last 100] [--ruff ruff] [--run COMMAND --runs DIR]
//! ```
//!
//! Each DIR is the top of a repository; its last commits are taken along first parents, each against its parent. Shares
//! are those of the tests of the newer commit: of the tests that its suite reported, parameters counted one by one, where
//! COMMAND was given, else of the test functions that the graph lists. A test file's share counts files with such tests.
//!
//! COMMAND is run by `sh -c` in a temporary work tree of each commit and writes JUnit to `$REPORT`; `$PROJECT` is the
//! name of DIR. It should name tests that it cannot collect and go on (`pytest --continue-on-collection-errors`).
//! Reports are kept under `--runs` in `PROJECT/COMMIT.1.xml`. A test that passes, fails or is skipped otherwise than at
//! the parent, or is new, has a changed outcome, if a second run of both commits says the same.
//!
//! `imports` is what `ruff analyze graph` says, closed (see `support/closure.rs`), test files whole; `imports+data` reads
//! strings as module names, and runs everything where a file changed that is not Python.
//!
//! Tests come with the source that they are about, and a test that is new says little. So what a commit with source and
//! more changes in its source is replayed alone, too, from a commit that git makes for it: the tests of the newer commit
//! on the older source, against the newer commit. These are no commits of the last row.
//!
//! Prints a row for each kind of change and each changed outcome that `tia` does not select. Ends with 1 where there is
//! one.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to the terminal"
)]

#[path = "support/alone.rs"]
mod alone;
#[path = "support/checkout.rs"]
#[expect(dead_code, reason = "other benches ask for more")]
mod checkout;
#[path = "support/closure.rs"]
mod closure;
#[path = "support/commit_kind.rs"]
mod commit_kind;
#[path = "support/found.rs"]
mod found;
#[path = "support/git.rs"]
#[expect(dead_code, reason = "other benches ask for more")]
mod git;
#[path = "support/outcomes.rs"]
mod outcomes;
#[path = "support/shares.rs"]
mod shares;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use checkout::Checkout;
use closure::Imports;
use commit_kind::{Kind, SOURCE_ALONE};
use found::Found;
use outcomes::Suite as Runner;
use shares::Table;
use tia::app::{Answer, Granularity, Head, Quiet, Request, Workspace};
use tia::lang::Tests;
use tia::model::{Node, Suite};
use tia::select::Selection;

const USAGE: &str = "usage: cargo bench --bench commits -- DIR… [--last 100] [--ruff ruff] [--run COMMAND --runs DIR]";

struct Asked {
    dirs: Vec<PathBuf>,
    last: usize,
    ruff: PathBuf,
    run: Option<(String, PathBuf)>,
}

fn main() -> ExitCode {
    let args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let asked = match asked(args) {
        Ok(asked) if asked.dirs.is_empty() => {
            eprintln!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(asked) => asked,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let (mut all, mut good) = (Table::default(), true);
    for dir in &asked.dirs {
        match project(dir, &asked) {
            Ok(found) => {
                found.print(&name(dir));
                good &= found.missed.is_empty();
                all.add(found.table);
            }
            Err(message) => {
                eprintln!("{}: {message}", dir.display());
                good = false;
            }
        }
    }
    if asked.dirs.len() > 1 {
        println!("all");
        all.print();
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn asked(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let (mut dirs, mut last, mut ruff) = (Vec::new(), 100, PathBuf::from("ruff"));
    let (mut run, mut runs) = (None, None);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--last" => {
                let value = value()?;
                last = value
                    .parse()
                    .map_err(|_| format!("`{value}` is no number of commits"))?;
            }
            "--ruff" => {
                let given = PathBuf::from(value()?);
                // a name is looked up, a path is meant from here
                let is_path = given.components().count() > 1;
                let whole = std::path::absolute(&given).map_err(|error| error.to_string())?;
                ruff = if is_path { whole } else { given };
            }
            "--run" => run = Some(value()?),
            "--runs" => runs = Some(PathBuf::from(value()?)),
            dir => dirs.push(dir.into()),
        }
    }
    let run = match (run, runs) {
        (Some(run), Some(runs)) => {
            let runs = std::path::absolute(&runs).map_err(|error| error.to_string())?;
            Some((run, runs))
        }
        (None, None) => None,
        _ => return Err("`--run` and `--runs` go together".to_owned()),
    };
    Ok(Asked {
        dirs,
        last,
        ruff,
        run,
    })
}

fn name(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn project(dir: &Path, asked: &Asked) -> Result<Found, String> {
    let tia = Workspace::open(dir, true).map_err(|error| error.to_string())?;
    let count = format!("--max-count={}", asked.last + 1);
    let mut log = git::lines(dir, &["rev-list", "--first-parent", &count, "HEAD"])?;
    log.reverse();
    let project = Project {
        tia,
        checkout: Checkout::new(dir)?,
        ruff: &asked.ruff,
        runner: asked.run.as_ref().map(|(command, runs)| Runner {
            command: command.clone(),
            kept: runs.join(name(dir)),
            project: name(dir),
        }),
    };
    let mut found = Found::default();
    let mut older = None;
    for pair in log.windows(2) {
        let [base, head] = pair else { continue };
        let older_imports = match older.take() {
            Some(known) => known,
            None => project.imports(base)?,
        };
        let imports = [older_imports, project.imports(head)?];
        let change = project.compare(base, head, &imports, None, &mut found)?;
        let [_, newer] = imports;
        let newer = match change.filter(|change| change.is_more_than_source()) {
            Some(change) => {
                let base = alone::before(dir, base, head, &change.sources)?;
                let imports = [project.imports(&base)?, newer];
                project.compare(&base, head, &imports, Some(SOURCE_ALONE), &mut found)?;
                let [_, newer] = imports;
                newer
            }
            None => newer,
        };
        older = Some(newer);
    }
    Ok(found)
}

struct Project<'a> {
    tia: Workspace,
    checkout: Checkout,
    ruff: &'a Path,
    runner: Option<Runner>,
}

/// What one selector selects: files as a whole, or some of their cases.
type Picked = BTreeMap<String, Option<Vec<String>>>;

impl Project<'_> {
    /// Imports alone, and with strings that name modules.
    fn imports(&self, commit: &str) -> Result<[Imports; 2], String> {
        self.checkout.go(commit)?;
        let tree = self.checkout.tree();
        Ok([
            Imports::read(self.ruff, &tree, false)?,
            Imports::read(self.ruff, &tree, true)?,
        ])
    }

    fn select(&self, base: &str, head: &str, granularity: Granularity) -> Result<Answer, String> {
        let request = Request {
            base: Some(base.to_owned()),
            head: Head::Revision(head.to_owned()),
            granularity,
            ..Request::default()
        };
        self.tia
            .select(&request, &Quiet)
            .map_err(|error| error.to_string())
    }

    fn compare(
        &self,
        base: &str,
        head: &str,
        imports: &[[Imports; 2]; 2],
        row: Option<&'static str>,
        found: &mut Found,
    ) -> Result<Option<Kind>, String> {
        let short = &head[..head.len().min(10)];
        let whole = self.select(base, head, Granularity::File)?;
        let closer = self.select(base, head, Granularity::Symbol)?;
        let graph = whole.graph();
        let suites: Vec<(&Suite, &[String])> = graph
            .iter()
            .filter_map(|(_, node, info)| match node {
                Node::Test(suite) => Some((suite, info.cases.as_slice())),
                _ => None,
            })
            .collect();
        let tests = Tests::new(suites.iter().copied());
        let mut changed = Vec::new();
        let ran: Vec<(String, String)> = match &self.runner {
            None => listed(&suites),
            Some(runner) => {
                let Some((sure, unsure)) = runner.changed(&self.checkout, base, head)? else {
                    found.skipped.push(short.to_owned());
                    return Ok(None);
                };
                changed = sure;
                found.unsure += unsure;
                let ran = runner.run(&self.checkout, head, 1)?.unwrap_or_default();
                let joined = ran.keys().filter_map(|(test, _)| tests.join(test));
                joined
                    .map(|joined| (joined.suite.to_string(), joined.case))
                    .collect()
            }
        };
        if ran.is_empty() {
            found.skipped.push(short.to_owned());
            return Ok(None);
        }
        let picked = [
            picked(&whole.selection),
            picked(&closer.selection),
            closed(imports, 0, &whole, &suites),
            closed(imports, 1, &whole, &suites),
        ];
        let kind = commit_kind::of(&self.tia, graph, &whole.change)?;
        found.table.count(
            row.unwrap_or(kind.name),
            picked
                .each_ref()
                .map(|picked| shares::of(&ran, |file, case| has(picked, file, case))),
        );
        let mut told = Vec::new();
        for one in &changed {
            let Some(joined) = tests.join(&one.test) else {
                found.strangers.insert(one.test.to_string());
                continue;
            };
            let file = joined.suite.to_string();
            let selected = picked.each_ref().map(|picked| match one.is_set_up() {
                true => picked.contains_key(&file),
                false => has(picked, &file, &joined.case),
            });
            told.push((one, file, selected));
        }
        found.count(short, row.unwrap_or_default(), &told);
        Ok(Some(kind))
    }
}

/// Every test function that the graph lists; a file whose tests cannot be told counts as one.
fn listed(suites: &[(&Suite, &[String])]) -> Vec<(String, String)> {
    let mut tests = Vec::new();
    for (suite, cases) in suites {
        let file = suite.to_string();
        if cases.is_empty() {
            tests.push((file.clone(), String::new()));
        }
        tests.extend(cases.iter().map(|case| (file.clone(), case.clone())));
    }
    tests
}

fn picked(selection: &Selection) -> Picked {
    let selected = selection.selected().iter();
    let cases = |narrowed: bool, cases: &[String]| narrowed.then(|| cases.to_vec());
    selected
        .map(|one| (one.suite.to_string(), cases(one.narrowed, &one.cases)))
        .collect()
}

fn closed(
    imports: &[[Imports; 2]; 2],
    data: usize,
    answer: &Answer,
    suites: &[(&Suite, &[String])],
) -> Picked {
    let paths: Vec<String> = answer
        .change
        .paths
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    let everything = data == 1 && paths.iter().any(|path| !path.ends_with(".py"));
    let mut reached = BTreeSet::new();
    for imports in imports {
        reached.extend(imports[data].reached(paths.iter().map(String::as_str)));
    }
    let files = suites.iter().map(|(suite, _)| suite.to_string());
    files
        .filter(|file| everything || reached.contains(file))
        .map(|file| (file, None))
        .collect()
}

/// Whether a selection runs a test: its file as a whole, the test itself, or a class around it.
fn has(picked: &Picked, file: &str, case: &str) -> bool {
    match picked.get(file) {
        None => false,
        Some(None) => true,
        Some(Some(cases)) => cases.iter().any(|selected| {
            case.strip_prefix(selected.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        }),
    }
}
