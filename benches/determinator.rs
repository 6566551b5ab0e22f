//! Does `tia` miss a test that guppy's `determinator` selects, and how much less does it select?
//!
//! ```sh
//! cargo bench --bench determinator -- REPOSITORY 50      # its last 50 commits, each against its first parent
//! ```
//!
//! The repository's top must be a Cargo workspace. Each commit is checked out in a temporary work tree of the
//! repository for `cargo metadata`; `tia` reads git objects. `determinator` works with its default rules and selects
//! packages; a package stands for all test suites that `tia` lists for it.
//!
//! Prints both tools' shares of selected suites, what explains the suites that only `determinator` selects (see
//! `support/verdict.rs`), and each suite that nothing explains, with the causes. Ends with 1 where there is one.
//!
//! Not seen here: suites of packages outside the workspace. A repository without a lockfile is resolved as of today,
//! with one lock for all commits, so its dependencies change only with its manifests.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to the terminal"
)]

#[path = "support/checkout.rs"]
#[expect(dead_code, reason = "other benches ask for more")]
mod checkout;
#[path = "support/git.rs"]
mod git;
#[path = "support/verdict.rs"]
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::rc::Rc;

use checkout::Checkout;
use determinator::Determinator;
use guppy::CargoMetadata;
use guppy::graph::{DependencyDirection, PackageGraph};
use tia::app::{Answer, Head, Quiet, Request, Workspace};
use tia::model::{CargoTest, Node, Suite};
use tia::select::{Reason, Selected};
use verdict::Case;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let (dir, commits) = match args.as_slice() {
        [dir] => (dir, 50),
        [dir, n] => match n.parse() {
            Ok(n) => (dir, n),
            Err(_) => {
                eprintln!("`{n}` is no number of commits");
                return ExitCode::FAILURE;
            }
        },
        _ => {
            eprintln!("usage: cargo bench --bench determinator -- REPOSITORY [COMMITS]");
            return ExitCode::SUCCESS;
        }
    };
    match repository(Path::new(dir), commits) {
        Ok(report) => {
            report.print(dir);
            if report.unexplained == 0 && !report.shares.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(message) => {
            eprintln!("{dir}: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What comparing the commits of one repository gave.
#[derive(Default)]
struct Report {
    /// Per commit: the share of suites that `determinator` selects, and that `tia` does.
    shares: Vec<(f64, f64)>,
    skipped: usize,
    /// Suites of all commits that only `determinator` selects, by what explains them.
    explained: BTreeMap<String, usize>,
    unexplained: usize,
    /// Suites of all commits that only `tia` selects, by its reason.
    only_tia: BTreeMap<String, usize>,
}

impl Report {
    fn print(&self, dir: &str) {
        let name = Path::new(dir).file_name().unwrap_or_default();
        let of = |pick: fn(&(f64, f64)) -> f64| {
            let mut shares: Vec<f64> = self.shares.iter().map(pick).collect();
            shares.sort_by(f64::total_cmp);
            let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
            let median = shares.get(shares.len() / 2).copied().unwrap_or_default();
            (100.0 * mean, 100.0 * median)
        };
        let (theirs, ours) = (of(|share| share.0), of(|share| share.1));
        for (why, suites) in &self.explained {
            println!("  only determinator, {suites} suites: {why}");
        }
        for (why, suites) in &self.only_tia {
            println!("  only tia, {suites} suites: {why}");
        }
        if self.skipped > 0 {
            println!("  {} commits skipped", self.skipped);
        }
        println!(
            "{:<14} {:>3} commits  determinator mean {:.1} % median {:.0} %  tia mean {:.1} % median {:.0} %  \
             unexplained {}",
            name.to_string_lossy(),
            self.shares.len(),
            theirs.0,
            theirs.1,
            ours.0,
            ours.1,
            self.unexplained
        );
    }
}

fn repository(dir: &Path, commits: usize) -> Result<Report, String> {
    let top = git::top(dir)?;
    let same = dir.canonicalize().is_ok_and(|dir| dir == top);
    if !same {
        return Err(format!("the top of its repository is {}", top.display()));
    }
    let tia = Workspace::open(dir, true).map_err(|error| error.to_string())?;
    let count = format!("--max-count={}", commits + 1);
    let mut log = git::lines(dir, &["rev-list", "--first-parent", &count, "HEAD"])?;
    log.reverse();
    let mut packages = Packages::new(dir)?;
    let mut report = Report::default();
    for pair in log.windows(2) {
        let [base, head] = pair else { continue };
        let graphs = packages
            .graph(base)
            .and_then(|old| Ok((old, packages.graph(head)?)));
        match graphs {
            Ok((old, new)) => compare(
                &tia,
                packages.checkout.repository(),
                base,
                head,
                &old,
                &new,
                &mut report,
            )?,
            Err(message) => {
                eprintln!("{head:.10} skipped: {message}");
                report.skipped += 1;
            }
        }
    }
    Ok(report)
}

/// Compares both tools on one commit.
fn compare(
    tia: &Workspace,
    repository: &Path,
    base: &str,
    head: &str,
    old: &PackageGraph,
    new: &PackageGraph,
    report: &mut Report,
) -> Result<(), String> {
    let listed = git::git(
        repository,
        &["diff", "--name-only", "-z", "--no-renames", base, head],
    )?;
    let paths: Vec<String> = String::from_utf8_lossy(&listed)
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect();
    let mut determinator = Determinator::new(old, new);
    determinator.add_changed_paths(paths.iter().map(String::as_str));
    let affected = determinator.compute().affected_set;
    let packages: Vec<&str> = affected
        .packages(DependencyDirection::Forward)
        .map(|package| package.name())
        .collect();

    let request = Request {
        base: Some(base.to_owned()),
        head: Head::Revision(head.to_owned()),
        ..Request::default()
    };
    let answer = tia
        .select(&request, &Quiet)
        .map_err(|error| error.to_string())?;
    let suites: Vec<(&Suite, &str, &CargoTest)> = answer
        .graph()
        .iter()
        .filter_map(|(_, node, _)| match node {
            Node::Test(suite @ Suite::Cargo { package, target }) => {
                Some((suite, package.as_str(), target))
            }
            _ => None,
        })
        .filter(|(_, package, _)| new.workspace().contains_name(package))
        .collect();
    if suites.is_empty() {
        return Err(format!(
            "{head:.10}: tia lists no test suite of this workspace"
        ));
    }
    let inert = answer
        .selection
        .inert()
        .iter()
        .map(|inert| (inert.path.to_string(), inert.why.clone()))
        .collect();
    let mut manifests = BTreeSet::new();
    for commit in [base, head] {
        let listed = git::lines(repository, &["ls-tree", "-r", "--name-only", commit])?;
        manifests.extend(listed.into_iter().filter_map(|path| {
            let dir = path.strip_suffix("Cargo.toml")?;
            (dir.is_empty() || dir.ends_with('/')).then(|| dir.trim_end_matches('/').to_owned())
        }));
    }
    let contents = |path: &str| {
        let show = |commit: &str| {
            let bytes = git::git(repository, &["show", &format!("{commit}:{path}")]).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        [show(base), show(head)]
    };
    let case = Case {
        old,
        new,
        determinator: &determinator,
        paths: &paths,
        inert: &inert,
        manifests: &manifests,
        contents: &contents,
    };
    let (mut theirs, mut ours) = (0, 0);
    let mut open: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (suite, package, target) in &suites {
        let found = answer.selection.selected().iter();
        let selected = found.clone().find(|selected| selected.suite == **suite);
        let named = packages.contains(package);
        theirs += usize::from(named);
        ours += usize::from(selected.is_some());
        match (named, selected) {
            (false, Some(selected)) => {
                *report
                    .only_tia
                    .entry(reason(selected, &answer))
                    .or_default() += 1
            }
            (true, None) => match judge(&case, package, target) {
                Ok(why) => *report.explained.entry(why).or_default() += 1,
                Err(causes) => open.entry(causes).or_default().push(suite.to_string()),
            },
            _ => {}
        }
    }
    for (causes, suites) in open {
        println!(
            "  unexplained  {head:.10}  {}\n      {causes}",
            suites.join(", ")
        );
        report.unexplained += suites.len();
    }
    let all = suites.len() as f64;
    report
        .shares
        .push((f64::from(theirs as u32) / all, ours as f64 / all));
    Ok(())
}

/// Why `tia` selects a suite, without the links between the change and the suite.
fn reason(selected: &Selected, answer: &Answer) -> String {
    match &selected.reason {
        Reason::Everything(fallback) => format!("{} {}", fallback.path, fallback.cause.text()),
        Reason::Ruled(path) => format!("{path} is tied to it by a rule"),
        Reason::Recorded(sighting) => format!("it {} {}", sighting.meeting.verb(), sighting.path),
        Reason::Affected(trail) => {
            let chain = trail.chain(&answer.base_graph, answer.graph());
            format!("it reaches {}", chain.change)
        }
    }
}

/// What explains that a suite is selected by `determinator` alone, or the causes that nothing explains.
fn judge(case: &Case<'_>, package: &str, target: &CargoTest) -> Result<String, String> {
    let causes = case.causes(package, target);
    let open: Vec<&str> = causes
        .iter()
        .filter(|cause| cause.explained.is_none())
        .map(|cause| cause.what.as_str())
        .collect();
    if !open.is_empty() {
        return Err(open.join(", "));
    }
    let mut why: Vec<&str> = causes.iter().filter_map(|cause| cause.explained).collect();
    why.sort_unstable();
    why.dedup();
    if why.is_empty() {
        return Ok("reached by development dependencies of other packages only".to_owned());
    }
    Ok(why.join("; "))
}

/// The packages of commits.
struct Packages {
    checkout: Checkout,
    known: BTreeMap<Vec<u8>, Rc<PackageGraph>>,
}

impl Packages {
    fn new(repository: &Path) -> Result<Self, String> {
        Ok(Self {
            checkout: Checkout::new(repository)?,
            known: BTreeMap::new(),
        })
    }

    /// The packages of a commit. Read anew only where a manifest, the lock or the set of paths differs.
    fn graph(&mut self, commit: &str) -> Result<Rc<PackageGraph>, String> {
        let repository = self.checkout.repository();
        let mut key = git::git(repository, &["ls-tree", "-r", "--name-only", commit])?;
        let listed = git::lines(repository, &["ls-tree", "-r", commit])?;
        for row in listed
            .iter()
            .filter(|row| row.contains("/Cargo.") || row.contains("\tCargo."))
        {
            key.extend_from_slice(row.as_bytes());
        }
        if let Some(graph) = self.known.get(&key) {
            return Ok(Rc::clone(graph));
        }
        self.checkout.go(commit)?;
        let mut command = Command::new("cargo");
        command.current_dir(self.checkout.tree());
        command.args(["metadata", "--format-version", "1", "--all-features"]);
        let json = git::output(&mut command)?;
        let graph = CargoMetadata::parse_json(String::from_utf8_lossy(&json))
            .and_then(CargoMetadata::build_graph)
            .map_err(|error| format!("cargo metadata: {error}"))?;
        let graph = Rc::new(graph);
        self.known.insert(key, Rc::clone(&graph));
        Ok(graph)
    }
}
