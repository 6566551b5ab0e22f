//! `tia select` as a use case: sides → change → graphs → selection.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::thread;

use rayon::prelude::*;

use super::{AppError, Progress, Workspace, layout, tree_print};
use crate::config::{CoverageFile, FILE_NAME};
use crate::graph::Graph;
use crate::lang::{self, Facts, UnitChange};
use crate::model::{BaseHint, BaseTry, BlobId, Change, Fingerprint, PathChange, Printer, RepoPath};
use crate::repo::{Base, Side};
use crate::report::Covered;
use crate::report::json::Compared;
use crate::select::{self, Cause, Edit, Inputs, Selection};

/// Which two states to compare.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// A revision, `:index`, or nothing for the default.
    pub base: Option<String>,
    /// What the change leads to.
    pub head: Head,
    /// Paths that changed, told by the caller instead of git.
    pub changed_files: Option<Vec<RepoPath>>,
    /// What the variables of CI say of the base.
    pub ci: Option<BaseHint>,
    /// Select everything where the change cannot be told.
    pub assume_all: bool,
    /// How closely to look.
    pub granularity: Granularity,
    /// What tests ran when they were measured; where it is not said, what `tia.toml` names.
    pub coverage: Option<Vec<CoverageFile>>,
}

/// How closely a selection looks at a change.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Granularity {
    /// Whole files.
    #[default]
    File,
    /// Definitions, where they can be told apart.
    Symbol,
}

/// What the change leads to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Head {
    /// The working tree; HEAD in a bare repository.
    #[default]
    WorkTree,
    /// What is staged.
    Index,
    /// A revision.
    Revision(String),
}

/// A selection, and what it was made of.
#[derive(Debug)]
pub struct Answer {
    /// The selection.
    pub selection: Selection,
    /// What was compared with, in words.
    pub base: String,
    /// What the change leads to, in words.
    pub head: String,
    /// What differs.
    pub change: Change,
    /// Files whose change could not be told apart by definitions, each with the reason.
    pub whole: Vec<(RepoPath, String)>,
    /// What coverage said, where it was asked.
    pub covered: Option<Covered>,
    /// The graph of the base.
    pub base_graph: Graph,
    /// The graph of the head, where it is another one.
    pub head_graph: Option<Graph>,
}

impl Answer {
    /// What was compared, for reports.
    pub fn compared(&self) -> Compared<'_> {
        Compared {
            change: &self.change,
            base: &self.base,
            head: &self.head,
            base_graph: &self.base_graph,
            head_graph: self.graph(),
            covered: self.covered.as_ref(),
        }
    }

    /// The graph of what the change leads to.
    pub fn graph(&self) -> &Graph {
        self.head_graph.as_ref().unwrap_or(&self.base_graph)
    }
}

struct Sides {
    base: Side,
    head: Side,
    base_words: String,
    head_words: String,
}

impl Workspace {
    /// Selects the tests that the change between two states can affect.
    ///
    /// # Errors
    /// A revision, merge base or object that is not there, unless the request says to assume everything.
    pub fn select(&self, request: &Request, progress: &dyn Progress) -> Result<Answer, AppError> {
        match self.try_select(request, progress) {
            Err(error) if request.assume_all => self.everything(request, &error, progress),
            answer => answer,
        }
    }

    fn try_select(&self, request: &Request, progress: &dyn Progress) -> Result<Answer, AppError> {
        let Sides {
            base,
            head,
            base_words,
            head_words,
        } = self.sides(request)?;
        let listed = request.changed_files.is_some();
        self.definitions
            .set(request.granularity == Granularity::Symbol);
        let (key, cache) = (self.key(&base)?, &self.cache);
        let (change, reading, kept) = thread::scope(|scope| {
            // read while git is asked what differs
            let kept = scope.spawn(move || cache.graph(key?));
            let change = self.change(&base, &head, request.changed_files.as_deref())?;
            let reading = self.edits(&change, listed, request.granularity)?;
            let kept = kept.join().unwrap_or_else(|panic| resume_unwind(panic));
            Ok::<_, AppError>((change, reading, kept))
        })?;
        let base_graph = kept.map_or_else(|| self.graph(&base, progress), Ok)?;
        let head_graph = if change.is_empty() || !reading.relayout {
            None
        } else {
            Some(self.head_graph(&base, &head, &change, progress)?)
        };
        let inputs = Inputs {
            base: &base_graph,
            head: head_graph.as_ref().unwrap_or(&base_graph),
            change: &change,
            edits: &reading.edits,
            rules: &self.config().rules,
        };
        let (mut selection, mut whole) = (select::select(inputs), Vec::new());
        if request.granularity == Granularity::Symbol {
            (selection, whole) =
                self.narrow(selection, inputs, &reading.units, [&base, &head], progress)?;
        }
        let mut covered = None;
        let coverage = self.coverage(request);
        if !coverage.is_empty() {
            let told;
            (selection, told) = self.cover(selection, request, &coverage, &head, progress)?;
            covered = Some(told);
        }
        let recordings = self.recordings()?;
        selection = self.add_recorded(selection, inputs, [&base, &head], &recordings)?;
        Ok(Answer {
            selection,
            base: base_words,
            head: head_words,
            change,
            whole,
            covered,
            base_graph,
            head_graph,
        })
    }

    fn everything(
        &self,
        request: &Request,
        error: &AppError,
        progress: &dyn Progress,
    ) -> Result<Answer, AppError> {
        let mut cause = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            cause = format!("{cause}: {inner}");
            source = inner.source();
        }
        // even the head may be unreadable: then no test can be listed, and "everything" is all that can be said
        let graph = self
            .head_side(&request.head)
            .and_then(|(side, _)| self.graph(&side, progress))
            .unwrap_or_default();
        let selection = select::everything(&graph, Cause::NoChange(cause));
        Ok(Answer {
            selection,
            base: "unknown".to_owned(),
            head: "the working tree".to_owned(),
            change: Change::default(),
            whole: Vec::new(),
            covered: None,
            base_graph: graph,
            head_graph: None,
        })
    }

    fn sides(&self, request: &Request) -> Result<Sides, AppError> {
        let (head, head_words) = self.head_side(&request.head)?;
        let commit = |base: Base| match base.commit {
            Some(commit) => (Side::Commit(commit), base.described),
            None => (Side::Empty, base.described),
        };
        let named = request.base.as_ref().or(self.config().base.as_ref());
        let (base, base_words) = match (&request.base, named) {
            (Some(base), _) if base == ":index" => (Side::Index, "the index".to_owned()),
            (Some(base), _) => (Side::Commit(self.repo.resolve(base)?), base.clone()),
            // a list of files says itself what changed since the last commit
            _ if request.changed_files.is_some() => match self.repo.head()? {
                Some(commit) => (Side::Commit(commit), "HEAD".to_owned()),
                None => (Side::Empty, "nothing".to_owned()),
            },
            (None, _) => {
                let own = named.map(|branch| BaseHint {
                    provider: FILE_NAME.to_owned(),
                    tries: vec![
                        BaseTry::Branch(branch.clone()),
                        BaseTry::MergeBaseWith(branch.clone()),
                    ],
                });
                let hint = request.ci.as_ref().or(own.as_ref());
                let at = match head {
                    Side::Commit(commit) => Some(commit),
                    _ => None,
                };
                commit(self.repo.default_base(hint, at)?)
            }
        };
        Ok(Sides {
            base,
            head,
            base_words,
            head_words,
        })
    }

    pub(super) fn head_side(&self, head: &Head) -> Result<(Side, String), AppError> {
        Ok(match head {
            Head::WorkTree if self.repo.work_dir().is_none() => match self.repo.head()? {
                Some(commit) => (Side::Commit(commit), "HEAD".to_owned()),
                None => (Side::Empty, "nothing".to_owned()),
            },
            Head::WorkTree => (Side::WorkTree, "the working tree".to_owned()),
            Head::Index => (Side::Index, "the index".to_owned()),
            Head::Revision(revision) => {
                (Side::Commit(self.repo.resolve(revision)?), revision.clone())
            }
        })
    }

    fn change(
        &self,
        base: &Side,
        head: &Side,
        listed: Option<&[RepoPath]>,
    ) -> Result<Change, AppError> {
        let found = self.repo.quick_change(base, head)?;
        let Some(listed) = listed else {
            return Ok(found);
        };
        let mut differing: HashMap<RepoPath, PathChange> = found
            .paths
            .into_iter()
            .map(|change| (change.path.clone(), change))
            .collect();
        let mut paths = Vec::new();
        for path in listed {
            let change = match differing.remove(path) {
                Some(change) => change,
                // named although nothing differs, or although nothing is there: taken at its word
                None => {
                    let entry = self.repo.entry(base, path)?;
                    PathChange {
                        path: path.clone(),
                        before: entry.clone(),
                        after: entry,
                        other_side: None,
                    }
                }
            };
            paths.push(change);
        }
        paths.sort_by(|a, b| a.path.cmp(&b.path));
        paths.dedup_by(|a, b| a.path == b.path);
        Ok(Change { paths })
    }

    /// What the languages say of each modified file, and whether edges of other files may differ because of it.
    ///
    /// Cost: parsing both sides of each modified file, side by side.
    pub(super) fn edits(
        &self,
        change: &Change,
        listed: bool,
        granularity: Granularity,
    ) -> Result<Reading, AppError> {
        let blobs = self.repo.blobs();
        let facts = |path: &RepoPath, blob: BlobId| -> Result<_, AppError> {
            let Some((lang, kind)) = lang::of(path) else {
                return Ok(None);
            };
            let kind = match granularity {
                Granularity::File => kind,
                Granularity::Symbol => lang.closer(kind),
            };
            Ok(Some(lang.facts(kind, &blobs.read(&blob, Some(path))?)))
        };
        type Verdict = (RepoPath, Option<Edit>, bool, Option<UnitChange>, bool);
        let verdicts: Vec<Verdict> = change
            .paths
            .par_iter()
            .map(|change| {
                let path = change.path.clone();
                let Some((before, after)) = change.edited() else {
                    // a changed executable bit lays out nothing anew; an added, deleted or retyped path does
                    let same = change.before.as_ref().zip(change.after.as_ref());
                    let relayout = !same.is_some_and(|(b, a)| b.mode.is_file() && a.mode.is_file());
                    return Ok((path, None, relayout, None, !relayout));
                };
                if before == after {
                    return Ok((path, Some(Edit::Code), false, None, true));
                }
                let both = rayon::join(|| facts(&path, before), || facts(&path, after));
                let (Some(before), Some(after)) = (both.0?, both.1?) else {
                    // a file of no language has no edges of its own
                    return Ok((path, None, false, None, true));
                };
                let shapes = (before.shapes_project || after.shapes_project)
                    && before.detail != after.detail;
                let edit = if before.code != after.code || listed {
                    Edit::Code
                } else if shapes {
                    Edit::Elsewhere
                } else if before.layout == after.layout {
                    Edit::Comment
                } else if after.reads_lines {
                    Edit::Code
                } else {
                    Edit::MovedLines
                };
                let relayout = shapes
                    || before.code != after.code
                        && (before.shapes_project
                            || after.shapes_project
                            || before.tests != after.tests);
                let alike = !shapes || before.shapes_as(&after);
                let told = edit == Edit::Code && !listed && alike;
                let units = match lang::of(&path) {
                    Some((lang, _)) if told => Some(lang.units(&before, &after)),
                    _ => None,
                };
                let same = same_edges(&before, &after);
                Ok((path, Some(edit), relayout, units, same))
            })
            .collect::<Result<_, AppError>>()?;
        Ok(Reading {
            relayout: verdicts.iter().any(|(_, _, relayout, ..)| *relayout),
            same_edges: verdicts.iter().all(|verdict| verdict.4),
            edits: verdicts
                .iter()
                .filter_map(|(path, edit, ..)| Some((path.clone(), (*edit)?)))
                .collect(),
            units: verdicts
                .into_iter()
                .filter_map(|(path, _, _, units, _)| Some((path, units?)))
                .collect(),
        })
    }

    /// The graph of the head, kept under the tree it started from and what was changed since.
    pub(super) fn head_graph(
        &self,
        base: &Side,
        head: &Side,
        change: &Change,
        progress: &dyn Progress,
    ) -> Result<Graph, AppError> {
        let Side::Commit(commit) = base else {
            return self.graph(head, progress);
        };
        if matches!(head, Side::Commit(_)) {
            return self.graph(head, progress);
        }
        let mut printer = Printer::new();
        printer.piece(tree_print(self.repo.tree_id(*commit)?).0.to_le_bytes());
        for change in &change.paths {
            printer.piece(change.path.as_bytes());
            if let Some(after) = &change.after {
                printer.number(after.mode as u64 + 1);
                printer.piece(after.blob.0);
            }
        }
        let Fingerprint(print) = printer.finish();
        let key = layout::key(Fingerprint(print));
        if let Some(graph) = self.cache.graph(key) {
            return Ok(graph);
        }
        self.lay_out(key, &self.repo.snapshot(head)?, progress)
    }
}

/// Whether two versions of a file make the same edges: all of their facts are the same but the prints of code and layout.
fn same_edges(before: &Facts, after: &Facts) -> bool {
    let bare = |facts: &Facts| Facts {
        code: Fingerprint::default(),
        layout: Fingerprint::default(),
        ..facts.clone()
    };
    bare(before) == bare(after)
}

impl Workspace {
    /// What the languages say of a change between two commits.
    pub(super) fn reading(&self, change: &Change) -> Result<Reading, AppError> {
        self.edits(change, false, Granularity::File)
    }
}

/// What the languages say of a change.
pub(super) struct Reading {
    pub(super) edits: HashMap<RepoPath, Edit>,
    /// Edges of other files may differ.
    pub(super) relayout: bool,
    /// No edge differs, not even of the changed files: the facts that edges are made of are the same.
    pub(super) same_edges: bool,
    pub(super) units: HashMap<RepoPath, UnitChange>,
}
