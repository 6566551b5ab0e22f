//! Reports into the history: read in parallel, put together into parts of runs, stored one transaction a part.

mod context;
mod group;
mod intake;
mod machine;
mod outcome;
mod read;
mod store;

pub use crate::junit::{Issue, Level};
pub use group::Runs;
pub use outcome::{Counts, Fate, FileOutcome, Ingested, StoredPart};

use self::context::Contexts;
use self::store::Ingest;
use super::{AppError, Progress};
use crate::history::History;
use crate::junit;
use crate::model::{RunContext, TestResult, Timestamp};
use crate::repo::Repo;

/// What to ingest, and what is known of it.
#[derive(Clone, Debug, Default)]
pub struct IngestRequest {
    /// Files, directories, archives, or `-` for standard input.
    pub names: Vec<String>,
    /// What was said by hand. Beats everything else.
    pub given: RunContext,
    /// What the CI provider says. Taken where the report does not name another run.
    pub ci: RunContext,
    /// The reports were made on this machine just now.
    pub here: bool,
    /// How reports are put together into runs.
    pub runs: Runs,
    /// Properties of reports that are kept besides those on the allow-list, and the attributes they become.
    pub properties: Vec<(String, String)>,
    /// Offset from UTC in seconds of timestamps that name no zone.
    pub zone: Option<i32>,
    /// The present moment.
    pub now: Timestamp,
}

/// So many bytes of reports are read at once.
const BATCH_BYTES: u64 = 16 << 20;
/// So many reports are read at once.
const BATCH_FILES: usize = 256;

/// Reads reports and stores them. What cannot be used is told, and the rest is stored.
///
/// # Errors
/// The history cannot be read or written. Parts stored before that stay.
pub fn ingest(
    request: &IngestRequest,
    history: &mut History,
    repo: Option<&Repo>,
    progress: &dyn Progress,
) -> Result<Ingested, AppError> {
    let contexts = Contexts::new(request, repo)?;
    let mut ingest = Ingest::new(request, contexts, history, progress);
    let (mut batch, mut size) = (Vec::new(), 0);
    let mut outcome = Ok(());
    progress.start("reading", 0);
    intake::each(&request.names, &mut |input| {
        if outcome.is_err() {
            return;
        }
        match input {
            Ok(input) => {
                size += input.size();
                batch.push(input);
                if size >= BATCH_BYTES || batch.len() >= BATCH_FILES {
                    size = 0;
                    outcome = ingest.batch(std::mem::take(&mut batch));
                }
            }
            Err(refused) => ingest.refuse(&refused.name, refused.why),
        }
    });
    let outcome = outcome.and_then(|()| ingest.batch(batch));
    let done = outcome.and_then(|()| ingest.finish());
    progress.finish();
    done
}

/// Reads reports and says what is odd about them; stores nothing.
pub fn check(request: &IngestRequest, progress: &dyn Progress) -> Ingested {
    let mut done = Ingested::default();
    let limits = junit::Limits::default();
    progress.start("reading", 0);
    intake::each(&request.names, &mut |input| {
        progress.advance();
        let input = match input {
            Ok(input) => input,
            Err(refused) => {
                let fate = Fate::Refused { why: refused.why };
                return done.note(&refused.name, fate, Vec::new());
            }
        };
        let mut results = 0;
        let mut count = |window: Vec<TestResult>| results += window.len();
        let read = input.open().map_err(junit::Unreadable::from);
        let hints = read::hints(&input, request);
        match read.and_then(|source| junit::read_windows(source, &hints, &limits, &mut count)) {
            Ok(report) => {
                let fate = Fate::Read {
                    producer: report.producer,
                    results,
                    complete: report.complete,
                };
                done.read += 1;
                done.files.push(FileOutcome {
                    name: input.name,
                    fate,
                    issues: report.issues,
                });
            }
            Err(error) => done.note(&input.name, read::fate(&input, &error), Vec::new()),
        }
    });
    progress.finish();
    done
}
