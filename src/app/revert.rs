//! `tia revert` as a use case: what undoing a commit would do, the commit that does it, and the ledger of those.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::{AppError, Found, Head, Past, PastQuery, Progress, Request, Workspace, state};
use crate::graph::{Graph, Seed};
use crate::model::{ChangeKind, Node, ObjectId, RepoPath, Timestamp};
use crate::repo::{CommitLine, Landing, Side, Undo, Undone};
use crate::report::revert::{
    Advice, Commit, Entry, Fate, File, Later, LedgerV1, Outcome, Proposal, Tests,
};
use crate::report::text;
use crate::select::runner;
use crate::triage::revert::{self as judge, Evidence, Policy, Told};

/// The ledger, in the directory of state.
const LEDGER: &str = "reverts.jsonl";
/// So many tests are named in a message.
const NAMED: usize = 20;

/// Which commit to undo, and where.
#[derive(Clone, Debug, Default)]
pub struct RevertQuery {
    /// The commit.
    pub commit: String,
    /// The revision to undo it on; the tip of its branch where nothing is said.
    pub onto: Option<String>,
    /// The parent that a merge goes back to, from 1.
    pub mainline: Option<u32>,
    /// Failing tests that are blamed on it, for the message and the ledger.
    pub tests: Vec<String>,
    /// The branch to make; `revert/` and the commit's id where nothing is said.
    pub branch: Option<String>,
}

/// A proposal with all that is needed to write it.
#[derive(Debug)]
pub struct Proposed {
    undo: Undo,
    message: String,
    tests: Vec<String>,
    /// For showing.
    pub view: Proposal,
}

impl Workspace {
    /// What undoing a commit would do. Merged files and the tree become objects of the repository that nothing refers to;
    /// else nothing is written.
    ///
    /// # Errors
    /// No such commit or branch, a merge without a parent to go back to, a clone that is cut off there.
    pub fn propose_revert(
        &self,
        query: &RevertQuery,
        evidence: &Evidence,
        progress: &dyn Progress,
    ) -> Result<Proposed, AppError> {
        let undo = self
            .repo
            .undo(&query.commit, query.onto.as_deref(), query.mainline)?;
        let tests = match undo.outcome {
            Undone::Clean(tree) => Some(self.tests_of(undo.onto, tree, progress)?),
            _ => None,
        };
        let graph = self.graph(&Side::Commit(undo.onto), progress)?;
        let dependents = dependents(&graph, &undo);
        let later: Vec<Later> = undo
            .later
            .iter()
            .filter_map(|later| tied(later, &dependents))
            .collect();
        let evidence = Evidence {
            later: later.len() as u32,
            ..evidence.clone()
        };
        let advice =
            (!evidence.blames.is_empty()).then(|| judge::advise(&evidence, &Policy::default()));
        let id = undo.commit.id.to_string();
        let mainline = undo.mainline.map(|parent| parent.to_string());
        let failing = query.tests.iter().map(|test| format!("failing: {test}"));
        let mut lines: Vec<String> = failing.chain(evidence.lines.iter().cloned()).collect();
        let told = lines.clone();
        if let Some(advice) = &advice {
            lines.push(format!(
                "{}, wrong with a chance of {:.2} %",
                advice.recommendation.word(),
                100.0 * advice.wrong.get()
            ));
            lines.extend(advice.reasons.iter().cloned());
        }
        let message = judge::message(&Told {
            subject: &undo.commit.subject,
            commit: &id,
            mainline: mainline.as_deref(),
            evidence: &lines,
            tests: tests.as_ref().map_or(&[][..], |tests| &tests.names),
            most: NAMED,
        });
        let files = undo.touched.iter().map(|touched| File {
            path: touched.path.to_string(),
            kind: kind(touched.kind).to_owned(),
            added: touched.added,
            removed: touched.removed,
        });
        let outcome = match &undo.outcome {
            Undone::Clean(tree) => Outcome::Clean {
                tree: tree.to_string(),
            },
            Undone::Conflicts(paths) => Outcome::Conflicts {
                paths: paths.iter().map(ToString::to_string).collect(),
            },
            Undone::Nothing => Outcome::Nothing,
            Undone::Already(by) => Outcome::Already { by: shown(by) },
        };
        let view = Proposal {
            commit: shown(&undo.commit),
            mainline,
            onto: undo.onto.to_string(),
            onto_name: undo.onto_name.clone(),
            files: files.collect(),
            outcome,
            later,
            later_cut: undo.later_cut,
            tests,
            advice: advice.map(|advice| Advice {
                recommendation: advice.recommendation.word(),
                wrong: advice.wrong.get(),
                reasons: advice.reasons,
            }),
            evidence: told,
            branch: query
                .branch
                .clone()
                .unwrap_or_else(|| format!("revert/{}", &id[..12])),
            written: None,
        };
        let blamed = evidence.blames.into_iter().map(|blame| blame.test);
        let tests = query.tests.iter().cloned().chain(blamed).collect();
        Ok(Proposed {
            undo,
            message,
            tests,
            view,
        })
    }

    /// Commits a proposal on its branch and notes it in the ledger. HEAD, the index, the working tree and all other
    /// references stay as they are.
    ///
    /// # Errors
    /// The branch is there, or its name is none; git does not know who commits; the proposal is not clean; the ledger
    /// cannot be written (the branch is made by then).
    pub fn write_revert(&self, proposed: &mut Proposed, now: Timestamp) -> Result<(), AppError> {
        let view = &mut proposed.view;
        let made = self
            .repo
            .write_undo(&proposed.undo, &view.branch, &proposed.message)?;
        view.written = Some(made.to_string());
        let entry = Entry {
            version: 1,
            moment: now,
            commit: view.commit.id.clone(),
            subject: view.commit.subject.clone(),
            onto: view.onto_name.clone(),
            branch: view.branch.clone(),
            made: made.to_string(),
            recommendation: view
                .advice
                .as_ref()
                .map(|advice| advice.recommendation.to_owned()),
            wrong: view.advice.as_ref().map(|advice| advice.wrong),
            tests: proposed.tests.clone(),
        };
        let path = self.ledger_path();
        let _ = state::directory(self.repo.work_dir(), self.repo.git_dir());
        let file = fs::OpenOptions::new().append(true).create(true).open(&path);
        file.and_then(|mut file| file.write_all(entry.line().as_bytes()))
            .map_err(|source| AppError::Ledger { path, source })
    }

    /// What was written so far, oldest first, with what became of it, as git and the history say; and lines of the ledger
    /// that cannot be read.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn reverts(&self, mut past: Option<Past>) -> Result<(LedgerV1, Vec<usize>), AppError> {
        let path = self.ledger_path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(AppError::Unreadable { path, source }),
        };
        let (entries, odd) = Entry::all(&text);
        let with_fate = entries.into_iter().map(|entry| {
            let fate = match self.repo.landed(&entry.commit, &entry.onto) {
                Ok(Landing::Open) => Fate::Open,
                Ok(Landing::Landed(by)) => {
                    let by = shown(&by);
                    let green = past
                        .as_mut()
                        .and_then(|past| self.green(past, &entry.tests, &by.id));
                    Fate::Landed { by, green }
                }
                Ok(Landing::Taken(by)) => Fate::Taken { by: shown(&by) },
                Err(_) => Fate::Unknown,
            };
            (entry, fate)
        });
        Ok((LedgerV1::of(with_fate.collect()), odd))
    }

    /// Whether all of these tests passed when they last ran at `commit` or after it.
    fn green(&self, past: &mut Past, tests: &[String], commit: &str) -> Option<bool> {
        let mut green = None;
        for name in tests {
            let Ok(Found::One(test)) = past.find(name) else {
                continue;
            };
            let Ok(story) = past.test(&test, &PastQuery::default()) else {
                continue;
            };
            let outcomes = story.outcomes();
            let last = outcomes.iter().rev().find(|outcome| {
                let at = outcome.part.context.commit.as_deref();
                outcome.seen.status.is_run()
                    && at.is_some_and(|at| self.repo.came_after(at, commit))
            });
            if let Some(outcome) = last {
                green = Some(green.unwrap_or(true) && !outcome.seen.status.is_bad());
            }
        }
        green
    }

    /// Where the ledger is.
    fn ledger_path(&self) -> PathBuf {
        state::path(self.repo.work_dir(), self.repo.git_dir()).join(LEDGER)
    }

    fn tests_of(
        &self,
        onto: ObjectId,
        tree: ObjectId,
        progress: &dyn Progress,
    ) -> Result<Tests, AppError> {
        let request = Request {
            base: Some(onto.to_string()),
            head: Head::Revision(tree.to_string()),
            coverage: Some(Vec::new()),
            ..Request::default()
        };
        let selection = self.select(&request, progress)?.selection;
        let lines = runner::of("lines")
            .map(|format| format.render(&selection))
            .unwrap_or_default();
        Ok(Tests {
            summary: text::summary(&selection),
            names: lines
                .iter()
                .map(|line| text::quoted(line).to_string())
                .collect(),
        })
    }
}

/// Paths that depend on what the commit changed.
fn dependents(graph: &Graph, undo: &Undo) -> HashSet<RepoPath> {
    let seeds = undo
        .touched
        .iter()
        .filter_map(|touched| graph.find_path(&touched.path));
    let reach = graph.reach(seeds.map(|node| Seed {
        node,
        bytes_only: false,
    }));
    let paths = reach.iter().filter_map(|id| match graph.node(id) {
        Node::Path(path) => Some(path.clone()),
        _ => None,
    });
    paths.collect()
}

/// A later commit, where anything ties it to the one to be undone.
fn tied(later: &crate::repo::Later, dependents: &HashSet<RepoPath>) -> Option<Later> {
    let depends = later
        .paths
        .iter()
        .filter(|path| dependents.contains(*path) && !later.shared.contains(path));
    let depends: Vec<String> = depends.map(ToString::to_string).collect();
    if later.shared.is_empty() && depends.is_empty() {
        return None;
    }
    Some(Later {
        commit: shown(&later.commit),
        shared: later.shared.iter().map(ToString::to_string).collect(),
        same_lines: later.same_lines,
        depends,
    })
}

fn shown(commit: &CommitLine) -> Commit {
    Commit {
        id: commit.id.to_string(),
        subject: commit.subject.clone(),
        author: commit.author.clone(),
    }
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Modified => "modified",
        ChangeKind::Mode => "mode",
    }
}
