//! Running the test where that tells most, until the culprit is known.
//!
//! Each run has a detached working tree of its own below `.tia/culprit/`; the user's is not touched. Every result is written
//! to a file before the next run is chosen, so a search that was interrupted or killed goes on where it stopped. Results of an
//! earlier search for the same test count as long as range and command are the same.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::process::{self, Ended, Job};
use super::state::{self, Earlier, Ran, RanResult, Remembered};
use super::{CulpritError, Inquiry};
use crate::app::{AppError, Workspace};
use crate::model::Probability;
use crate::repo::{Commit, WorkTree};
use crate::triage::culprit::{Observation, Outcome, Step};

/// How to search.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The test command, word by word. `{}` in a word stands for the test as its runner names it.
    pub command: Vec<String>,
    /// At which confidence to stop.
    pub confidence: Probability,
    /// How many runs to make at most, those of an interrupted search included.
    pub runs: u32,
    /// How long to search at most.
    pub time: Option<Duration>,
    /// How many runs at once.
    pub jobs: usize,
    /// How long one run may take; beyond that it has failed.
    pub limit: Option<Duration>,
    /// Forget an earlier search.
    pub fresh: bool,
}

/// What happens during a search.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// So many results of an earlier search are used.
    Resumed(usize),
    /// An earlier search is forgotten, for this reason.
    Outdated(&'static str),
    /// A run begins.
    Begins {
        /// At this commit.
        commit: &'a Commit,
        /// The number of the run, from 1.
        run: u32,
    },
    /// A run ended.
    Ended {
        /// At this commit.
        commit: &'a Commit,
        /// `passed`, `failed`, or `cannot be tested`.
        result: &'static str,
        /// After so many seconds.
        seconds: f64,
        /// What it printed.
        log: &'a Path,
    },
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The answer is known, or no run can tell more.
    Answered,
    /// The runs were used up.
    Runs,
    /// The time was used up.
    Time,
    /// Somebody interrupted it.
    Interrupted,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The answer.
    pub outcome: Outcome,
    /// Why it ended.
    pub end: End,
    /// Runs of the command, those of earlier starts included.
    pub runs: u32,
    /// How long they took, together.
    pub seconds: f64,
    /// Where the output of each run is.
    pub logs: PathBuf,
}

/// A run that is under way.
struct UnderWay {
    at: u32,
    slot: usize,
}

/// What a run reports.
struct Report {
    slot: usize,
    ended: Result<Ended, AppError>,
    seconds: f64,
    log: PathBuf,
}

impl Workspace {
    /// Searches by running. `stop` interrupts it; then, as at any other end, working trees are taken away.
    ///
    /// # Errors
    /// Another search for this test is running; the command cannot be started; a working tree cannot be made.
    pub fn hunt(
        &self,
        inquiry: &mut Inquiry,
        plan: &Plan,
        stop: &AtomicBool,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Found, AppError> {
        let state = crate::app::state::directory(self.repo.work_dir(), self.repo.git_dir());
        let place = state::place(&state.ok_or(CulpritError::NoPlace)?, &inquiry.test);
        fs::create_dir_all(&place).map_err(write(&place))?;
        let _lock = lock(&place)?;
        let (trees, logs) = (place.join("trees"), place.join("logs"));
        self.repo.sweep(&trees)?;
        fs::create_dir_all(&logs).map_err(write(&logs))?;
        let file = place.join("search.toml");
        let (good, bad) = (
            inquiry.commit(0).id,
            inquiry.commit(inquiry.search.suspects()).id,
        );
        let mut known = Remembered::new(
            &inquiry.test,
            good.to_string(),
            bad.to_string(),
            &plan.command,
        );
        if !plan.fresh {
            match known.resume(&file) {
                Earlier::None => {}
                Earlier::Resumed => watch(Event::Resumed(known.runs.len())),
                Earlier::Outdated(why) => watch(Event::Outdated(why)),
            }
        }
        for ran in &known.runs {
            take_in(inquiry, &ran.commit, ran.result);
        }
        let mut hunt = Hunt {
            workspace: self,
            plan,
            known,
            file,
            trees,
            logs,
            slots: Vec::new(),
            pending: Vec::new(),
            begun: Instant::now(),
        };
        let end = hunt.search(inquiry, stop, watch);
        let Hunt {
            slots,
            known,
            trees,
            logs,
            ..
        } = hunt;
        for slot in slots {
            slot.remove()?;
        }
        self.repo.sweep(&trees)?;
        Ok(Found {
            end: end?,
            outcome: answer(inquiry, plan),
            runs: known.runs.len() as u32,
            seconds: known.runs.iter().map(|ran| ran.seconds).sum(),
            logs,
        })
    }
}

/// The answer as far as it is known. A culprit that is likely enough but not verified is not named.
fn answer(inquiry: &Inquiry, plan: &Plan) -> Outcome {
    match inquiry.search.step(plan.confidence, &[]) {
        Step::Done(outcome) => outcome,
        Step::Run(_) | Step::Wait => Outcome::Undecided,
    }
}

fn write(path: &Path) -> impl FnOnce(std::io::Error) -> CulpritError + '_ {
    |source| CulpritError::Write {
        path: path.to_path_buf(),
        source,
    }
}

/// One search a test at a time. The lock ends with the process, however it ends.
fn lock(place: &Path) -> Result<File, CulpritError> {
    let path = place.join("lock");
    let file = File::create(&path).map_err(write(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(CulpritError::Running { path }),
        Err(fs::TryLockError::Error(source)) => Err(CulpritError::Write { path, source }),
    }
}

fn take_in(inquiry: &mut Inquiry, commit: &str, result: RanResult) {
    let Some(at) = inquiry.position(commit) else {
        return;
    };
    match result {
        RanResult::Passed => inquiry.search.observe(Observation::once(at, true)),
        RanResult::Failed => inquiry.search.observe(Observation::once(at, false)),
        RanResult::Untestable => inquiry.search.rule_out_testing(at),
    }
}

struct Hunt<'a> {
    workspace: &'a Workspace,
    plan: &'a Plan,
    known: Remembered,
    file: PathBuf,
    trees: PathBuf,
    logs: PathBuf,
    slots: Vec<WorkTree>,
    pending: Vec<UnderWay>,
    begun: Instant,
}

impl Hunt<'_> {
    fn search(
        &mut self,
        inquiry: &mut Inquiry,
        stop: &AtomicBool,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<End, AppError> {
        let name = inquiry
            .runner_name
            .clone()
            .unwrap_or_else(|| inquiry.test.clone());
        let words = self
            .plan
            .command
            .iter()
            .map(|word| word.replace("{}", &name));
        let command: Vec<String> = words.collect();
        let cancel = AtomicBool::new(false);
        let (sender, receiver) = mpsc::channel::<Report>();
        std::thread::scope(|scope| {
            let mut end = Ok(End::Answered);
            loop {
                while end.is_ok() && !cancel.load(Ordering::Relaxed) {
                    let at = match self.next(inquiry, stop) {
                        Ok(Some(at)) => at,
                        Ok(None) => break,
                        Err(why) => {
                            end = Ok(why);
                            cancel.store(true, Ordering::Relaxed);
                            break;
                        }
                    };
                    match self.begin(inquiry.commit(at), at) {
                        Ok((slot, tree)) => {
                            let run = (self.known.runs.len() + self.pending.len()) as u32;
                            watch(Event::Begins {
                                commit: inquiry.commit(at),
                                run,
                            });
                            let commit = inquiry.commit(at).id.to_string();
                            let log = self.logs.join(format!("{run}-{}.log", &commit[..12]));
                            let (sender, command, cancel) = (sender.clone(), &command, &cancel);
                            let (name, limit) = (&name, self.plan.limit);
                            scope.spawn(move || {
                                let begun = Instant::now();
                                let job = Job {
                                    command,
                                    variables: [("TIA_TEST", name), ("TIA_COMMIT", &commit)],
                                    directory: &tree,
                                    log: &log,
                                    limit,
                                };
                                let ended = process::run(&job, cancel).map_err(AppError::from);
                                let seconds = begun.elapsed().as_secs_f64();
                                // nobody listens any more only when the search is over
                                let _ = sender.send(Report {
                                    slot,
                                    ended,
                                    seconds,
                                    log,
                                });
                            });
                        }
                        Err(error) => end = Err(error),
                    }
                }
                if end.is_err() {
                    cancel.store(true, Ordering::Relaxed);
                }
                if self.pending.is_empty() {
                    return end;
                }
                match receiver.recv_timeout(Duration::from_millis(50)) {
                    Ok(report) => {
                        if let Err(error) = self.finish(inquiry, report, watch) {
                            end = end.and(Err(error));
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return end,
                }
                if stop.load(Ordering::Relaxed) && !cancel.swap(true, Ordering::Relaxed) {
                    end = end.map(|_| End::Interrupted);
                }
            }
        })
    }

    /// Where to run next; `None` to wait for what is under way; an error is a reason to end.
    fn next(&self, inquiry: &Inquiry, stop: &AtomicBool) -> Result<Option<u32>, End> {
        if stop.load(Ordering::Relaxed) {
            return Err(End::Interrupted);
        }
        let pending: Vec<u32> = self.pending.iter().map(|one| one.at).collect();
        match inquiry.search.step(self.plan.confidence, &pending) {
            Step::Done(_) => Err(End::Answered),
            Step::Wait => Ok(None),
            Step::Run(_) if self.pending.len() >= self.plan.jobs => Ok(None),
            Step::Run(at) => {
                let made = self.known.runs.len() + self.pending.len();
                if self
                    .plan
                    .time
                    .is_some_and(|time| self.begun.elapsed() >= time)
                {
                    return if self.pending.is_empty() {
                        Err(End::Time)
                    } else {
                        Ok(None)
                    };
                }
                if made >= self.plan.runs as usize {
                    return if self.pending.is_empty() {
                        Err(End::Runs)
                    } else {
                        Ok(None)
                    };
                }
                Ok(Some(at))
            }
        }
    }

    /// Prepares a working tree for a run.
    fn begin(&mut self, commit: &Commit, at: u32) -> Result<(usize, PathBuf), AppError> {
        let busy = |slot: &usize| self.pending.iter().any(|one| one.slot == *slot);
        let slot = (0..self.slots.len()).find(|slot| !busy(slot));
        let slot = match slot {
            Some(slot) => slot,
            None => {
                let name = format!("{}-{}", std::process::id(), self.slots.len());
                let path = self.trees.join(&name);
                let print = self
                    .trees
                    .parent()
                    .and_then(Path::file_name)
                    .unwrap_or_default();
                let name = format!("culprit-{}-{name}", print.to_string_lossy());
                self.slots
                    .push(self.workspace.repo.detach(&name, &path, commit.id)?);
                self.slots.len() - 1
            }
        };
        let tree = &self.slots[slot];
        tree.check_out(commit.id)?;
        self.pending.push(UnderWay { at, slot });
        Ok((slot, tree.path().to_path_buf()))
    }

    /// Takes in the end of a run and writes it down.
    fn finish(
        &mut self,
        inquiry: &mut Inquiry,
        report: Report,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), AppError> {
        let Some(place) = self.pending.iter().position(|one| one.slot == report.slot) else {
            return Ok(());
        };
        let at = self.pending.swap_remove(place).at;
        let (result, word) = match report.ended? {
            Ended::Passed => (RanResult::Passed, "passed"),
            Ended::Failed => (RanResult::Failed, "failed"),
            Ended::Untestable => (RanResult::Untestable, "cannot be tested"),
            Ended::Stopped => return Ok(()),
        };
        let commit = inquiry.commit(at).clone();
        self.known.runs.push(Ran {
            commit: commit.id.to_string(),
            result,
            seconds: report.seconds,
        });
        self.known.save(&self.file)?;
        take_in(inquiry, &commit.id.to_string(), result);
        watch(Event::Ended {
            commit: &commit,
            result: word,
            seconds: report.seconds,
            log: &report.log,
        });
        Ok(())
    }
}
