//! Results into the history, while the next reports are being read.

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::context::Contexts;
use super::group::Grouper;
use super::intake::Input;
use super::read::{self, Loaded, Parsed, Prints};
use super::{Counts, Fate, IngestRequest, Ingested, Runs, StoredPart};
use crate::app::{AppError, Progress};
use crate::history::{Added, History, HistoryError};
use crate::junit::{self, Limits, Report};
use crate::model::{Fingerprint, Part, RunContext, Source, TestResult};

/// An ingest under way.
pub(super) struct Ingest<'a> {
    request: &'a IngestRequest,
    contexts: Contexts<'a>,
    history: &'a mut History,
    grouper: Grouper,
    /// Parts that are whole and not yet stored.
    closed: Vec<Part>,
    /// Prints of the reports of this ingest.
    seen: FxHashSet<Fingerprint>,
    /// Reports that were read and not yet put together.
    parsed: Vec<Parsed>,
    done: Ingested,
    progress: &'a dyn Progress,
}

impl<'a> Ingest<'a> {
    pub(super) fn new(
        request: &'a IngestRequest,
        contexts: Contexts<'a>,
        history: &'a mut History,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            request,
            contexts,
            history,
            grouper: Grouper::new(request.runs),
            closed: Vec::new(),
            seen: FxHashSet::default(),
            parsed: Vec::new(),
            done: Ingested::default(),
            progress,
        }
    }

    pub(super) fn refuse(&mut self, name: &str, why: String) {
        self.done.note(name, Fate::Refused { why }, Vec::new());
    }

    /// Reads a batch while the batch before it is stored.
    pub(super) fn batch(&mut self, inputs: Vec<Input>) -> Result<(), AppError> {
        let fresh = self.load(inputs)?;
        let request = self.request;
        let before = std::mem::take(&mut self.parsed);
        let (parsed, stored) = rayon::join(
            || {
                let parse = |loaded| read::parse(loaded, request);
                fresh.into_par_iter().map(parse).collect()
            },
            || self.store(before),
        );
        self.parsed = parsed;
        stored
    }

    /// Stores what is left.
    pub(super) fn finish(mut self) -> Result<Ingested, AppError> {
        let parsed = std::mem::take(&mut self.parsed);
        self.store(parsed)?;
        self.closed.extend(self.grouper.finish());
        self.flush()?;
        Ok(self.done)
    }

    /// The reports of a batch that are not stored yet.
    fn load(&mut self, inputs: Vec<Input>) -> Result<Vec<Loaded>, AppError> {
        let run = self.contexts.run_hint();
        let loaded: Vec<Loaded> = inputs
            .into_par_iter()
            .map(|input| read::load(input, run))
            .collect();
        let prints = loaded
            .iter()
            .flat_map(|it| [it.prints.alone, it.prints.in_run]);
        let known = self.history.known(&prints.collect::<Vec<_>>())?;
        let mut fresh = Vec::new();
        for (loaded, known) in loaded.into_iter().zip(known.chunks(2)) {
            self.progress.advance();
            let before = known.iter().flatten().next();
            let stored = before.is_some() || !self.seen.insert(loaded.prints.in_run);
            if stored && loaded.bytes.is_ok() {
                self.done.before.extend(before);
                self.done.note(&loaded.input.name, Fate::Known, Vec::new());
            } else {
                fresh.push(loaded);
            }
        }
        Ok(fresh)
    }

    /// Puts reports together and stores the parts that are whole.
    fn store(&mut self, parsed: Vec<Parsed>) -> Result<(), AppError> {
        for parsed in parsed {
            match parsed.report {
                None => self.large(&parsed.input, parsed.prints, parsed.size)?,
                Some(Ok(mut report)) => {
                    let fate = Fate::Read {
                        producer: report.producer,
                        results: report.results.len(),
                        complete: report.complete,
                    };
                    let issues = std::mem::take(&mut report.issues);
                    self.done.note(&parsed.input.name, fate, issues);
                    let context = self.context(&report);
                    let sources = sources(&parsed.input, parsed.prints, parsed.size, &mut report);
                    self.closed
                        .extend(self.grouper.add(report, context, sources));
                }
                Some(Err(error)) => {
                    let fate = read::fate(&parsed.input, &error);
                    self.done.note(&parsed.input.name, fate, Vec::new());
                }
            }
        }
        self.flush()
    }

    /// Stores the parts that are whole.
    fn flush(&mut self) -> Result<(), AppError> {
        let closed = std::mem::take(&mut self.closed);
        let added = self.history.add_parts(&closed, self.request.now);
        for (part, added) in closed.into_iter().zip(added) {
            let id = match added? {
                Added::New(id) => id,
                Added::Known(id) => {
                    self.done.known += part.sources.len();
                    self.done.before.push(id);
                    continue;
                }
            };
            let mut counts = Counts::default();
            counts.add(&part.results);
            self.done.parts.push(StoredPart {
                id,
                context: part.context,
                producer: part.producer,
                reports: part.sources.len(),
                counts,
                complete: part.complete,
                errors_outside_tests: part.errors_outside_tests,
            });
        }
        Ok(())
    }

    /// A report that is too large for memory: read and stored window by window, in one transaction.
    fn large(&mut self, input: &Input, prints: Prints, size: u64) -> Result<(), AppError> {
        self.closed.extend(self.grouper.finish());
        self.flush()?;
        let mut limits = Limits::default();
        let stored = match self.windows(input, prints, size, &limits) {
            // repeats of a test can only be told apart when both are at hand
            Err(AppError::History(HistoryError::Twice(_))) => {
                limits.window = usize::MAX;
                self.windows(input, prints, size, &limits)
            }
            stored => stored,
        };
        match stored {
            Err(AppError::History(error @ HistoryError::Twice(_))) => {
                let fate = Fate::Refused {
                    why: error.to_string(),
                };
                self.done.note(&input.name, fate, Vec::new());
                Ok(())
            }
            stored => stored,
        }
    }

    fn windows(
        &mut self,
        input: &Input,
        prints: Prints,
        size: u64,
        limits: &Limits,
    ) -> Result<(), AppError> {
        let hints = read::hints(input, self.request);
        let (mut counts, mut results) = (Counts::default(), 0);
        // the reader knows at the end only whether it was the order of execution, so none is kept
        let mut writer = self.history.begin(false)?;
        let mut stored = Ok(());
        let mut each = |window: Vec<TestResult>| {
            counts.add(&window);
            results += window.len();
            if stored.is_ok() {
                stored = writer.add(&window);
            }
        };
        let read = input
            .open()
            .map_err(junit::Unreadable::from)
            .and_then(|from| junit::read_windows(from, &hints, limits, &mut each));
        let mut report = match read {
            Ok(report) => report,
            Err(error) => {
                drop(writer);
                let fate = read::fate(input, &error);
                self.done.note(&input.name, fate, Vec::new());
                return Ok(());
            }
        };
        stored?;
        let mut context = self.contexts.of(&report.context);
        name_run(self.request, &mut context);
        let header = Part {
            context: context.clone(),
            duration: report.duration,
            results: Vec::new(),
            in_order: false,
            complete: report.complete,
            producer: report.producer.to_owned(),
            errors_outside_tests: report.errors_outside_tests,
            sources: sources(input, prints, size, &mut report),
        };
        let added = writer.finish(&header, self.request.now)?;
        let fate = Fate::Read {
            producer: report.producer,
            results,
            complete: report.complete,
        };
        let issues = std::mem::take(&mut report.issues);
        self.done.note(&input.name, fate, issues);
        if let Added::New(id) = added {
            self.done.parts.push(StoredPart {
                id,
                context,
                producer: report.producer.to_owned(),
                reports: 1,
                counts,
                complete: report.complete,
                errors_outside_tests: report.errors_outside_tests,
            });
        }
        Ok(())
    }

    fn context(&self, report: &Report) -> RunContext {
        let mut context = self.contexts.of(&report.context);
        name_run(self.request, &mut context);
        context
    }
}

/// Reports that the user says are one run need a name for it: the moment they were handed in.
fn name_run(request: &IngestRequest, context: &mut RunContext) {
    if request.runs == Runs::One && context.run_id.is_none() {
        context.run_id = Some(format!("ingested-{}", request.now.0));
    }
}

/// What a part is known by: the report, or what an exported report was made from.
fn sources(input: &Input, prints: Prints, size: u64, report: &mut Report) -> Vec<Source> {
    if !report.sources.is_empty() {
        return std::mem::take(&mut report.sources);
    }
    vec![Source {
        name: input.name.clone(),
        contents: if report.says_when {
            prints.alone
        } else {
            prints.in_run
        },
        bytes: size,
    }]
}
