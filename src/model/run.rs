//! One execution of a test command, and the parts it was done in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Seconds, TestResult, Timestamp};

/// Names of run attributes, as OpenTelemetry's semantic conventions have them where they do.
pub mod attribute {
    /// The commit under test.
    pub const COMMIT: &str = "vcs.ref.head.revision";
    /// The branch under test.
    pub const BRANCH: &str = "vcs.ref.head.name";
    /// The commit that a pull request is compared with.
    pub const BASE_COMMIT: &str = "vcs.ref.base.revision";
    /// The branch that a pull request is to be merged into.
    pub const BASE_BRANCH: &str = "vcs.ref.base.name";
    /// The number of the pull or merge request.
    pub const CHANGE: &str = "vcs.change.id";
    /// The pipeline or workflow.
    pub const PIPELINE: &str = "cicd.pipeline.name";
    /// The run of the pipeline, unique at its provider.
    pub const RUN_ID: &str = "cicd.pipeline.run.id";
    /// Where people look at the run.
    pub const RUN_URL: &str = "cicd.pipeline.run.url.full";
    /// The job.
    pub const JOB: &str = "cicd.pipeline.task.name";
    /// The run of the job, unique at its provider.
    pub const JOB_RUN_ID: &str = "cicd.pipeline.task.run.id";
    /// Which try of the job this is, from 1. Not in the conventions.
    pub const ATTEMPT: &str = "tia.run.attempt";
    /// Which shard of the job this is. Not in the conventions.
    pub const SHARD: &str = "tia.run.shard";
    /// The test command. Not in the conventions for test runs.
    pub const COMMAND: &str = "process.command_line";
    /// The machine.
    pub const HOST: &str = "host.name";
    /// Its processor architecture.
    pub const ARCH: &str = "host.arch";
    /// Its operating system: `linux`, `darwin`, `windows`.
    pub const OS: &str = "os.type";
    /// The version of the operating system.
    pub const OS_VERSION: &str = "os.version";
    /// The label of the runner that took the job.
    pub const RUNNER: &str = "cicd.worker.name";
    /// Logical processors.
    pub const CPUS: &str = "system.cpu.logical.count";
    /// Load average over a minute when the tests ended.
    pub const LOAD: &str = "system.cpu.load_average.1m";
    /// Memory in bytes.
    pub const MEMORY: &str = "system.memory.limit";
}

/// The branch under which results of a search for a culprit are stored. Its commits come in the order of the search, so
/// it is no line of development, and statistics leave it out.
pub const SEARCH_BRANCH: &str = "tia-culprit";

/// What a run carries besides its results. Two parts with equal `run_key`s belong to one run.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct RunContext {
    /// The commit under test, in full where known.
    pub commit: Option<String>,
    /// The branch under test.
    pub branch: Option<String>,
    /// The pipeline or workflow.
    pub pipeline: Option<String>,
    /// The run of the pipeline at its provider.
    pub run_id: Option<String>,
    /// The job.
    pub job: Option<String>,
    /// Which try of the job this is, from 1.
    pub attempt: Option<u32>,
    /// Which shard of the job this is.
    pub shard: Option<String>,
    /// When it began.
    pub start: Option<Timestamp>,
    /// Everything else, by name (see [`attribute`]); only what is on the allow-list, or was given by hand.
    pub attributes: BTreeMap<String, String>,
}

impl RunContext {
    /// Takes from `other` what is not known here.
    pub fn fill(&mut self, other: &Self) {
        fn or<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        or(&mut self.commit, &other.commit);
        or(&mut self.branch, &other.branch);
        or(&mut self.pipeline, &other.pipeline);
        or(&mut self.run_id, &other.run_id);
        or(&mut self.job, &other.job);
        or(&mut self.attempt, &other.attempt);
        or(&mut self.shard, &other.shard);
        or(&mut self.start, &other.start);
        for (name, value) in &other.attributes {
            if !self.attributes.contains_key(name) {
                self.attributes.insert(name.clone(), value.clone());
            }
        }
    }

    /// Sets the attribute of this name: one of the fields, or one of the `attributes`. Empty values are left out;
    /// a number that is none is left out, too, and `false` returned.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        if value.is_empty() {
            return true;
        }
        let text = || Some(value.to_owned());
        match name {
            attribute::COMMIT => self.commit = text(),
            attribute::BRANCH => self.branch = text(),
            attribute::PIPELINE => self.pipeline = text(),
            attribute::RUN_ID => self.run_id = text(),
            attribute::JOB => self.job = text(),
            attribute::SHARD => self.shard = text(),
            attribute::ATTEMPT => match value.parse() {
                Ok(attempt) => self.attempt = Some(attempt),
                Err(_) => return false,
            },
            _ => {
                self.attributes.insert(name.to_owned(), value.to_owned());
            }
        }
        true
    }

    /// Every attribute by its name, the fields included, `start` not.
    pub fn all(&self) -> BTreeMap<&str, String> {
        let mut all: BTreeMap<&str, String> = self
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let attempt = self.attempt.map(|attempt| attempt.to_string());
        let fields = [
            (attribute::COMMIT, &self.commit),
            (attribute::BRANCH, &self.branch),
            (attribute::PIPELINE, &self.pipeline),
            (attribute::RUN_ID, &self.run_id),
            (attribute::JOB, &self.job),
            (attribute::SHARD, &self.shard),
            (attribute::ATTEMPT, &attempt),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                all.insert(name, value.clone());
            }
        }
        all
    }
}

/// A report that a part was read from.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct Source {
    /// The name it was given under, for people.
    pub name: String,
    /// The print of its contents, after decompression.
    pub contents: Fingerprint,
    /// Its size in bytes, after decompression.
    pub bytes: u64,
}

/// What one job (or one shard, or one try of a job) reported: the unit that is stored, whole or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Commit, branch, job, machine.
    pub context: RunContext,
    /// How long it took as a whole, where a report says so.
    pub duration: Option<Seconds>,
    /// The results, each pair of test and variant once.
    pub results: Vec<TestResult>,
    /// The order of `results` is the order of execution.
    pub in_order: bool,
    /// No report was cut off or lost.
    pub complete: bool,
    /// Who wrote the reports.
    pub producer: String,
    /// Errors that belong to no test: a failed set-up, a crash between tests.
    pub errors_outside_tests: u32,
    /// What it was read from.
    pub sources: Vec<Source>,
}

impl Part {
    /// The same part without its results.
    pub fn header(&self) -> Self {
        Self {
            context: self.context.clone(),
            duration: self.duration,
            results: Vec::new(),
            in_order: self.in_order,
            complete: self.complete,
            producer: self.producer.clone(),
            errors_outside_tests: self.errors_outside_tests,
            sources: self.sources.clone(),
        }
    }
}
