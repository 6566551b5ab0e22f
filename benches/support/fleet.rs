//! Histories made by the fleet simulator: reports, repository and truth, as plain values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;

use quick_xml::events::{BytesStart, Event};
use serde::Deserialize;
use tia::flaky::association::speaks_of_timeout;
use tia::flaky::{Reaches, Says};
use tia::model::{
    LogSeconds, PartId, PastPart, RunContext, RunId, Seconds, Seen, Series, Status, TestId,
    Timestamp, Variant,
};
use tia::triage::signature::{Signature, signature};

#[derive(Deserialize)]
pub(crate) struct Truth {
    pub(crate) tests: BTreeMap<String, Character>,
    pub(crate) outages: Vec<u32>,
    pub(crate) failures: Vec<Failure>,
}

#[derive(Deserialize)]
pub(crate) struct Character {
    pub(crate) kind: String,
    pub(crate) rate: f64,
    pub(crate) modules: Vec<String>,
    pub(crate) seconds: f64,
    pub(crate) limit: Option<f64>,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) after: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Failure {
    pub(crate) run: u32,
    pub(crate) test: String,
    pub(crate) cause: String,
    /// The culprit of a regression.
    pub(crate) commit: Option<String>,
    /// A retry within the run passed.
    pub(crate) recovered: bool,
}

pub(crate) struct Fleet {
    pub(crate) parts: Vec<PastPart>,
    pub(crate) series: Vec<Series>,
    /// For each series, the name that the truth has.
    pub(crate) names: Vec<String>,
    /// What failures say.
    pub(crate) said: Said,
    /// For each part, the series in order of execution.
    pub(crate) order: Vec<Vec<u32>>,
    pub(crate) truth: Truth,
    pub(crate) graph: Graph,
    /// For each commit, how many came before.
    pub(crate) at: HashMap<String, usize>,
}

impl Fleet {
    /// Whether a commit came after that of one part, and at the latest with that of another.
    pub(crate) fn is_between(&self, commit: &str, after: u32, until: u32) -> bool {
        let of = |part: u32| self.at[self.parts[part as usize].context.commit.as_deref().unwrap()];
        let at = self.at[commit];
        of(after) < at && at <= of(until)
    }

    /// The first part that has a commit.
    pub(crate) fn first_part(&self, commit: &str) -> Option<usize> {
        let at = self.at[commit];
        self.parts
            .iter()
            .position(|part| self.at[part.context.commit.as_deref().unwrap()] >= at)
    }
}

/// For each series, the number of the signature of each failure, by part, and whether it speaks of a timeout; then for each
/// signature the number of its shape.
pub(crate) struct Said(pub(crate) Vec<HashMap<u32, (u32, bool)>>, Vec<u32>);

impl Says for Said {
    fn said(&self, series: u32, part: u32) -> Option<u32> {
        self.0[series as usize].get(&part).map(|said| said.0)
    }

    fn shape(&self, signature: u32) -> u32 {
        self.1[signature as usize]
    }
}

/// For each part and series, whether what changed reaches it.
pub(crate) struct Graph(Vec<Vec<bool>>);

impl Reaches for Graph {
    fn reaches(&self, series: u32, part: u32) -> Option<bool> {
        Some(self.0[part as usize][series as usize])
    }

    fn reached(&self, part: u32) -> Option<u32> {
        Some(
            self.0[part as usize]
                .iter()
                .filter(|reached| **reached)
                .count() as u32,
        )
    }
}

pub(crate) fn read(dir: &Path) -> Fleet {
    let truth: Truth =
        serde_json::from_slice(&std::fs::read(dir.join("truth.json")).unwrap()).unwrap();
    let names: Vec<String> = truth.tests.keys().cloned().collect();
    let number: HashMap<String, u32> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.clone(), n as u32))
        .collect();
    let mut files: Vec<_> = std::fs::read_dir(dir.join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut seen: Vec<Vec<Seen>> = vec![Vec::new(); names.len()];
    let mut said = vec![HashMap::new(); names.len()];
    let mut signatures: HashMap<Signature, u32> = HashMap::new();
    let (mut shapes, mut shape_of): (HashMap<String, u32>, _) = (HashMap::new(), Vec::new());
    let (mut parts, mut order) = (Vec::new(), Vec::new());
    for (part, file) in files.iter().enumerate() {
        let text = std::fs::read_to_string(file).unwrap();
        let report = report(&text);
        let mut ran = Vec::with_capacity(names.len());
        let (mut bad, mut flaky) = (0, 0);
        for case in report.cases {
            let Some(test) = number.get(&case.name) else {
                continue;
            };
            ran.push(*test);
            let status = if case.failed {
                Status::Failed
            } else {
                Status::Passed
            };
            bad += u32::from(case.failed);
            flaky += u32::from(!case.failed && case.bad > 0);
            seen[*test as usize].push(Seen {
                part: part as u32,
                status,
                bad_attempts: case.bad,
                duration: LogSeconds::of(Seconds::new(case.seconds)),
            });
            if let Some(failure) = case.failure {
                let next = signatures.len() as u32;
                let number = *signatures.entry(signature(&failure)).or_insert(next);
                if number == next {
                    let next = shapes.len() as u32;
                    let shape = signature(&failure).shape();
                    shape_of.push(*shapes.entry(shape).or_insert(next));
                }
                let timeout = speaks_of_timeout(&failure.message);
                said[*test as usize].insert(part as u32, (number, timeout));
            }
        }
        parts.push(PastPart {
            part: PartId(part as i64),
            run: RunId(part as i64),
            start: report.start,
            duration: None,
            ran: ran.len() as u32,
            bad,
            flaky,
            complete: true,
            context: report.context,
        });
        order.push(ran);
    }
    let series = names.iter().zip(seen).map(|(name, seen)| {
        let (class, test) = name.split_once("::").unwrap();
        Series {
            test: TestId::of(class, test),
            variant: Variant::default(),
            seen,
        }
    });
    let series = series.collect();
    let graph = graph(dir, &truth, &parts, &names);
    let log = git(dir, &["log", "--reverse", "--format=%H"]);
    let at = log
        .lines()
        .enumerate()
        .map(|(n, commit)| (commit.to_owned(), n))
        .collect();
    Fleet {
        parts,
        series,
        names,
        said: Said(said, shape_of),
        order,
        truth,
        graph,
        at,
    }
}

struct Report {
    context: RunContext,
    start: Timestamp,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    seconds: f64,
    bad: u8,
    failed: bool,
    failure: Option<tia::model::Failure>,
}

fn report(text: &str) -> Report {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut report = Report {
        context: RunContext::default(),
        start: Timestamp(0),
        cases: Vec::new(),
    };
    let mut inside = false;
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return report,
            Event::Text(text) if inside => {
                let case = report.cases.last_mut().unwrap();
                let failure = case.failure.as_mut().unwrap();
                if case.bad == 1 {
                    failure.stack.push_str(&text.xml10_content());
                }
            }
            Event::End(_) => inside = false,
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "property" => {
                    report
                        .context
                        .set(&attribute(&tag, "name"), &attribute(&tag, "value"));
                }
                "testsuite" if report.start.0 == 0 => {
                    let stamp: jiff::Timestamp = attribute(&tag, "timestamp").parse().unwrap();
                    report.start = Timestamp(stamp.as_millisecond());
                }
                "testcase" => report.cases.push(Case {
                    name: format!(
                        "{}::{}",
                        attribute(&tag, "classname"),
                        attribute(&tag, "name")
                    ),
                    seconds: attribute(&tag, "time").parse().unwrap(),
                    bad: 0,
                    failed: false,
                    failure: None,
                }),
                name @ ("failure" | "flakyFailure" | "rerunFailure") => {
                    let case = report.cases.last_mut().unwrap();
                    case.bad += 1;
                    case.failed |= name == "failure";
                    case.failure.get_or_insert_with(|| tia::model::Failure {
                        kind: attribute(&tag, "type"),
                        message: attribute(&tag, "message"),
                        stack: String::new(),
                    });
                    inside = true;
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> String {
    let value = tag.try_get_attribute(name).unwrap().unwrap();
    value
        .normalized_value(quick_xml::XmlVersion::Implicit1_0)
        .unwrap()
        .into_owned()
}

pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir.join("repo"))
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Reachability from the imports of the repository. A module never changes its imports once it is there.
fn graph(dir: &Path, truth: &Truth, parts: &[PastPart], names: &[String]) -> Graph {
    let mut importers: HashMap<String, Vec<String>> = HashMap::new();
    for line in git(
        dir,
        &[
            "grep",
            "-h",
            "--full-name",
            "-e",
            "^from app import",
            "HEAD",
            "--",
            "app",
        ],
    )
    .lines()
    {
        assert!(line.starts_with("from app import"), "{line}");
    }
    for line in git(
        dir,
        &["grep", "-e", "^from app import", "HEAD", "--", "app"],
    )
    .lines()
    {
        let (place, import) = line.split_once(".py:").unwrap();
        let module = place.rsplit('/').next().unwrap();
        let imported = import.rsplit(' ').next().unwrap();
        importers
            .entry(imported.to_owned())
            .or_default()
            .push(module.to_owned());
    }
    let mut users: HashMap<&str, Vec<u32>> = HashMap::new();
    for (number, name) in names.iter().enumerate() {
        for module in &truth.tests[name].modules {
            users.entry(module).or_default().push(number as u32);
        }
    }
    let mut commits: Vec<(String, Vec<String>)> = Vec::new();
    for line in git(
        dir,
        &["log", "--reverse", "--name-only", "--format=commit %H"],
    )
    .lines()
    {
        if let Some(commit) = line.strip_prefix("commit ") {
            commits.push((commit.to_owned(), Vec::new()));
        } else if let Some(module) = line
            .strip_prefix("app/")
            .and_then(|file| file.strip_suffix(".py"))
        {
            commits.last_mut().unwrap().1.push(module.to_owned());
        }
    }
    let at: HashMap<&str, usize> = commits
        .iter()
        .enumerate()
        .map(|(n, (commit, _))| (commit.as_str(), n))
        .collect();
    let mut before = 0;
    let reached = parts.iter().map(|part| {
        let now = at[part.context.commit.as_deref().unwrap()];
        let mut changed: BTreeSet<String> = commits[before + 1..=now]
            .iter()
            .flat_map(|(_, changed)| changed.clone())
            .collect();
        before = now;
        let mut frontier: Vec<String> = changed.iter().cloned().collect();
        while let Some(module) = frontier.pop() {
            for importer in importers.get(&module).into_iter().flatten() {
                if changed.insert(importer.clone()) {
                    frontier.push(importer.clone());
                }
            }
        }
        let mut row = vec![false; names.len()];
        for test in changed
            .iter()
            .flat_map(|module| users.get(module.as_str()).into_iter().flatten())
        {
            row[*test as usize] = true;
        }
        row
    });
    Graph(reached.collect())
}
