//! Use cases: the only place that joins the world, the readers and the core.

mod assess;
mod cache;
mod causes;
mod covered;
pub mod culprit;
mod definition;
mod export;
mod flaky;
mod gate;
pub mod ingest;
mod join;
mod lately;
mod layout;
mod measured;
mod narrow;
mod notify;
mod past;
mod per_test;
mod quarantine;
mod reached;
mod record;
mod renamed;
mod report;
mod revert;
mod said;
mod select;
mod site;
mod state;
pub mod store;
mod triage;
mod tried;
mod upkeep;
mod watch;
mod why;

use std::cell::Cell;
use std::path::{Path, PathBuf};

pub use crate::history::Stay;
pub use assess::Judged;
pub use cache::Cache;
pub use culprit::{CulpritError, CulpritQuery, Inquiry};
pub use definition::{Reaching, ReachingSuite};
pub use export::ExportFormat;
pub use flaky::{Flaky, FlakyQuery};
pub use gate::{GateRequest, gate};
pub use join::Joins;
pub use notify::Webhook;
pub use past::{Found, Past, PastQuery, Stamp, Story};
pub use quarantine::{Entering, Reviewed, Told, Ward, named};
pub use reached::Reached;
pub use record::{RecordError, RecordOutcome, RecordRequest};
pub use revert::{Proposed, RevertQuery};
pub use said::Sayings;
pub use select::{Answer, Granularity, Head, Request};
pub use tried::{Tried, Which};
pub use why::Question;

use crate::config::{Config, ConfigError, FILE_NAME, QUARANTINE_FILE, QuarantineError};
use crate::edges::recorded::RecordedError;
use crate::graph::Graph;
use crate::history::HistoryError;
use crate::model::{Fingerprint, ObjectId};
use crate::repo::{Repo, RepoError, Side};

/// Told about long work. The library never prints; whoever calls decides what to show.
pub trait Progress: Sync {
    /// Work of `total` steps begins.
    fn start(&self, what: &'static str, total: u64);
    /// One step is done.
    fn advance(&self);
    /// The work is done.
    fn finish(&self);
}

/// Shows nothing.
pub struct Quiet;

impl Progress for Quiet {
    fn start(&self, _what: &'static str, _total: u64) {}
    fn advance(&self) {}
    fn finish(&self) {}
}

/// What can go wrong in a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// git.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// `tia.toml`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file that the user named.
    #[error("cannot read the list of changed files `{path}`")]
    List {
        /// As it was given.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The history.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no place for a history.
    #[error("no history is named and there is no repository that could have one")]
    NoHistoryPlace {
        /// Why no repository was found.
        #[source]
        source: RepoError,
    },
    /// There is no history yet.
    #[error("there is no history at `{path}`")]
    NoHistory {
        /// Where it would be.
        path: PathBuf,
    },
    /// What was to be written could not be.
    #[error("cannot write")]
    Output {
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// `quarantine.toml`.
    #[error(transparent)]
    Quarantine(#[from] QuarantineError),
    /// There is no place for `quarantine.toml`.
    #[error("no file is named and there is no repository that could hold `{QUARANTINE_FILE}`")]
    NoQuarantinePlace,
    /// The ledger of undone commits.
    #[error("the branch is made, but the ledger `{}` cannot be written", path.display())]
    Ledger {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file that cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A recording that was to be made.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A recording that cannot be used.
    #[error("`{}`", path.display())]
    Recorded {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: RecordedError,
    },
    /// A notice did not get through.
    #[error("the webhook at `{place}` did not take the notice: {why}")]
    Webhook {
        /// Scheme and host; the rest may be a secret.
        place: String,
        /// The last answer.
        why: String,
    },
    /// A pattern for paths that is none.
    #[error("`{glob}` is no glob")]
    Glob {
        /// As it was given.
        glob: String,
        /// What is wrong with it.
        #[source]
        source: globset::Error,
    },
    /// A search for a culprit.
    #[error(transparent)]
    Culprit(#[from] CulpritError),
    /// A path or test that is not known.
    #[error("no {what} `{name}` in this repository")]
    Unknown {
        /// `file` or `test`.
        what: &'static str,
        /// As it was given.
        name: String,
        /// Names that are near.
        near: Vec<String>,
    },
}

impl AppError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Repo(error) => error.hint(),
            Self::Culprit(error) => error.hint(),
            Self::Record(error) => error.hint(),
            Self::Recorded { .. } => {
                Some("delete it, and record again with `tia record -- CMD`".into())
            }
            Self::NoHistoryPlace { .. } => Some("name a file with `--db FILE` or `TIA_DB`".into()),
            Self::NoQuarantinePlace => Some("name it with `--file FILE`".into()),
            Self::NoHistory { .. } => {
                Some("`tia ingest REPORTS…` makes it; `--db FILE` names another".into())
            }
            Self::Unknown { near, .. } if !near.is_empty() => {
                Some(format!("did you mean `{}`?", near.join("`, `")))
            }
            _ => None,
        }
    }
}

/// A repository with its settings and its cache, as the commands use it.
#[derive(Debug)]
pub struct Workspace {
    repo: Repo,
    config: Config,
    cache: Cache,
    /// Definitions will be asked for: files that are read are read with theirs.
    definitions: Cell<bool>,
}

impl Workspace {
    /// Opens the repository around `start`, reads `tia.toml`, and opens the cache unless `no_cache`.
    ///
    /// # Errors
    /// No repository there, or a `tia.toml` that cannot be used.
    pub fn open(start: &Path, no_cache: bool) -> Result<Self, AppError> {
        let mut repo = Repo::discover(start)?;
        let config = read_config(&repo)?;
        let state = if no_cache {
            None
        } else {
            state::directory(repo.work_dir(), repo.git_dir())
        };
        let cache = Cache::new(state.as_deref());
        if let Some(file) = cache.listings() {
            repo.keep_listings(file);
        }
        Ok(Self {
            repo,
            config,
            cache,
            definitions: Cell::new(false),
        })
    }

    /// The repository.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Where facts, graphs and scorings are kept.
    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The graph of one state of the repository.
    ///
    /// # Errors
    /// Contents that cannot be read.
    pub fn graph(&self, side: &Side, progress: &dyn Progress) -> Result<Graph, AppError> {
        let key = self.key(side)?;
        if let Some(graph) = key.and_then(|key| self.cache.graph(key)) {
            return Ok(graph);
        }
        let snapshot = self.repo.snapshot(side)?;
        let key = key.unwrap_or_else(|| layout::key(snapshot.tree.print()));
        self.lay_out(key, &snapshot, progress)
    }

    /// The key of the graph of a side, where it can be told without listing it.
    fn key(&self, side: &Side) -> Result<Option<Fingerprint>, AppError> {
        Ok(match side {
            Side::Commit(commit) => Some(layout::key(tree_print(self.repo.tree_id(*commit)?))),
            _ => None,
        })
    }

    fn lay_out(
        &self,
        key: Fingerprint,
        snapshot: &crate::repo::RepoSnapshot,
        progress: &dyn Progress,
    ) -> Result<Graph, AppError> {
        if let Some(graph) = self.cache.graph(key) {
            return Ok(graph);
        }
        let blobs = snapshot.blobs();
        let graph = layout::graph(
            &snapshot.tree,
            &|path, blob| Ok(blobs.read(&blob, Some(path))?),
            &self.cache,
            self.definitions.get(),
            progress,
        )?;
        self.cache.keep_graph(key, &graph);
        Ok(graph)
    }
}

fn tree_print(tree: ObjectId) -> Fingerprint {
    Fingerprint::of(&tree.0)
}

/// `tia.toml` from the working tree, or from HEAD in a bare repository.
fn read_config(repo: &Repo) -> Result<Config, AppError> {
    let text = match repo.work_dir() {
        Some(top) => {
            let path = top.join(FILE_NAME);
            match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
                Err(source) => return Err(ConfigError::Io { path, source }.into()),
            }
        }
        None => match repo.head()? {
            Some(commit) => {
                let bytes = repo.read_at(commit, &FILE_NAME.into())?.unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            None => String::new(),
        },
    };
    Ok(Config::parse(&text)?)
}
