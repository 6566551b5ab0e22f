//! Proof by graph: for each commit of the history, which tests its change could reach.
//!
//! For each branch the commits of its parts are taken in the order in which they first ran; before the first commit of a branch
//! that left the main one stands the commit where it left. Between each and the one before it a selection is made as `tia select` makes it, fallbacks included: what it leaves out, the change cannot reach. From the
//! newest commit backwards one graph serves as long as no edge changed; only then the next is taken from the cache or laid
//! out. After [`LAYOUTS`] graphs older commits prove nothing.
//!
//! Not seen here: changes of the machine, and what no edge shows; the model takes "cannot reach" for strong evidence, not for
//! certainty.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::join::known;
use super::{AppError, Progress, Quiet, Workspace, layout, tree_print};
use crate::flaky::Reaches;
use crate::graph::Graph;
use crate::model::{Node, ObjectId, PastPart, Recording, Suite, TestId, Variant};
use crate::repo::Side;
use crate::select::{self, Inputs, Selection};

/// So many graphs are taken at most.
const LAYOUTS: usize = 400;

/// What the changes of the history could reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// For each series, the number of its suite.
    suite: Vec<Option<u32>>,
    /// For each part, its row.
    row: Vec<Option<u32>>,
    rows: Vec<Row>,
}

/// What one change could reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    /// For each suite.
    suites: Vec<Touch>,
    /// How many series could be reached.
    reached: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
enum Touch {
    /// The suite is selected.
    Reached,
    /// The suite is there and not selected.
    Unreached,
    /// The graph does not have the suite.
    Unknown,
}

impl Reached {
    /// Parts of which something is known.
    pub(super) fn parts(&self) -> u32 {
        self.row.iter().flatten().count() as u32
    }

    /// Whether it says the same of the tests and parts of `before`, which are its first.
    pub(super) fn continues(&self, before: &Self) -> bool {
        let same = |part| match (self.row(part), before.row(part)) {
            (None, None) => true,
            (Some(now), Some(then)) => now.suites.starts_with(&then.suites),
            _ => false,
        };
        self.suite.starts_with(&before.suite) && (0..before.row.len() as u32).all(same)
    }

    fn row(&self, part: u32) -> Option<&Row> {
        let row = (*self.row.get(part as usize)?)?;
        self.rows.get(row as usize)
    }
}

impl Reaches for Reached {
    fn reaches(&self, series: u32, part: u32) -> Option<bool> {
        let suite = (*self.suite.get(series as usize)?)?;
        match self.row(part)?.suites.get(suite as usize)? {
            Touch::Reached => Some(true),
            Touch::Unreached => Some(false),
            Touch::Unknown => None,
        }
    }

    fn reached(&self, part: u32) -> Option<u32> {
        Some(self.row(part)?.reached)
    }
}

impl Workspace {
    /// What the changes between these parts could reach of these tests (by number of series). What cannot be told is unknown.
    ///
    /// Cost: one selection a commit, and one graph where edges changed, at most 400.
    pub(super) fn reached(
        &self,
        parts: &[PastPart],
        tests: &[(TestId, Variant)],
        progress: &dyn Progress,
    ) -> Reached {
        let mut reached = Reached {
            suite: vec![None; tests.len()],
            row: vec![None; parts.len()],
            rows: Vec::new(),
        };
        let mut lines = self.lines(parts);
        self.root(&mut lines);
        let Some(newest) = lines
            .iter()
            .flat_map(|line| line.commits.iter().rev().flatten())
            .next()
        else {
            return reached;
        };
        let mut walk = Walk::new(self);
        let Ok(()) = walk.hold(*newest) else {
            return reached;
        };
        let suites = walk.suites(tests, &mut reached.suite);
        let mut sizes = vec![0u32; suites.len()];
        for suite in reached.suite.iter().flatten() {
            sizes[*suite as usize] += 1;
        }
        let others = reached.suite.iter().filter(|suite| suite.is_none()).count() as u32;
        let pairs: usize = lines
            .iter()
            .map(|line| line.commits.len().saturating_sub(1))
            .sum();
        progress.start("asking the graph of each commit", pairs as u64);
        for line in &lines {
            for (at, pair) in line.commits.windows(2).enumerate().rev() {
                progress.advance();
                let [Some(from), Some(to)] = pair else {
                    continue;
                };
                // A commit that cannot be read proves nothing; those before it may.
                let Ok(Some(touched)) = walk.step(*from, *to, &suites) else {
                    continue;
                };
                let known = touched.iter().zip(&sizes);
                let count = known
                    .filter(|(touch, _)| **touch != Touch::Unreached)
                    .map(|one| one.1);
                let row = reached.rows.len() as u32;
                reached.rows.push(Row {
                    reached: others + count.sum::<u32>(),
                    suites: touched,
                });
                for part in &line.parts[at + 1] {
                    reached.row[*part as usize] = Some(row);
                }
            }
        }
        progress.finish();
        reached
    }

    /// Puts before the commits of each branch the one where it left the main branch, which has the most.
    fn root(&self, lines: &mut [Line]) {
        let main = lines
            .first()
            .and_then(|main| main.commits.iter().rev().flatten().next());
        let Some(main) = main.copied() else {
            return;
        };
        for line in lines.iter_mut().skip(1) {
            let first = line.commits.first().copied().flatten();
            if let Some(root) = first.and_then(|first| self.repo.common(first, main)) {
                line.commits.insert(0, Some(root));
                line.parts.insert(0, Vec::new());
            }
        }
    }

    fn lines(&self, parts: &[PastPart]) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut number: FxHashMap<Option<&str>, usize> = FxHashMap::default();
        let mut known: FxHashMap<(usize, &str), usize> = FxHashMap::default();
        for (part, past) in (0..).zip(parts) {
            let line = *number
                .entry(past.context.branch.as_deref())
                .or_insert_with(|| {
                    lines.push(Line::default());
                    lines.len() - 1
                });
            let place = match past.context.commit.as_deref() {
                Some(commit) => *known.entry((line, commit)).or_insert_with(|| {
                    let found = self.repo.resolve(commit).ok();
                    lines[line].commits.push(found);
                    lines[line].parts.push(Vec::new());
                    lines[line].commits.len() - 1
                }),
                None => {
                    lines[line].commits.push(None);
                    lines[line].parts.push(Vec::new());
                    lines[line].commits.len() - 1
                }
            };
            lines[line].parts[place].push(part);
        }
        lines.sort_by_key(|line| std::cmp::Reverse(line.commits.len()));
        lines
    }
}

/// Commits of one branch in the order in which they first ran; those the repository has.
#[derive(Default)]
struct Line {
    commits: Vec<Option<ObjectId>>,
    /// The parts of each.
    parts: Vec<Vec<u32>>,
}

/// A walk over commits that takes as few graphs as it can.
pub(super) struct Walk<'a> {
    workspace: &'a Workspace,
    /// A graph, and the commit whose edges it has.
    held: Option<(ObjectId, Graph)>,
    /// Graphs that may still be taken.
    left: usize,
    /// What tests were seen to open; once it is asked for.
    recordings: Option<Vec<Recording>>,
}

impl<'a> Walk<'a> {
    /// A walk that holds no graph yet.
    pub(super) fn new(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            held: None,
            left: LAYOUTS,
            recordings: None,
        }
    }

    /// What the change between two commits could reach; `None` when no more graphs may be taken.
    fn step(
        &mut self,
        from: ObjectId,
        to: ObjectId,
        suites: &[Suite],
    ) -> Result<Option<Vec<Touch>>, AppError> {
        self.select(from, to, |selection, _, newer| {
            let selected: FxHashSet<&Suite> = selection
                .selected()
                .iter()
                .map(|selected| &selected.suite)
                .collect();
            let touch = |suite: &Suite| match selected.contains(suite) {
                true => Touch::Reached,
                false if newer.find(&Node::Test(suite.clone())).is_some() => Touch::Unreached,
                false => Touch::Unknown,
            };
            suites.iter().map(touch).collect()
        })
    }

    /// Hands the selection of the change between two commits, and the graphs before and after it, to `read`; `None` when no
    /// more graphs may be taken.
    pub(super) fn select<R>(
        &mut self,
        from: ObjectId,
        to: ObjectId,
        read: impl FnOnce(&Selection, &Graph, &Graph) -> R,
    ) -> Result<Option<R>, AppError> {
        let (base, head) = (Side::Commit(from), Side::Commit(to));
        let change = self.workspace.repo.quick_change(&base, &head)?;
        let reading = self.workspace.reading(&change)?;
        if self.held.as_ref().is_none_or(|held| held.0 != to) {
            if self.left == 0 {
                return Ok(None);
            }
            self.hold(to)?;
        }
        let older = if reading.relayout && !change.is_empty() {
            if self.left == 0 {
                return Ok(None);
            }
            self.left -= 1;
            Some(self.workspace.any_graph(from)?)
        } else {
            None
        };
        let Some((_, newer)) = &self.held else {
            return Ok(None);
        };
        let before = older.as_ref().unwrap_or(newer);
        let inputs = Inputs {
            base: before,
            head: newer,
            change: &change,
            edits: &reading.edits,
            rules: &self.workspace.config.rules,
        };
        let recordings = match &mut self.recordings {
            Some(recordings) => recordings,
            empty => empty.insert(self.workspace.recordings()?),
        };
        let selection = select::select(inputs);
        let selection =
            self.workspace
                .add_recorded(selection, inputs, [&base, &head], recordings)?;
        let answer = read(&selection, before, newer);
        match (older, reading.same_edges) {
            (Some(older), _) => self.held = Some((from, older)),
            (None, true) => {
                if let Some(held) = &mut self.held {
                    held.0 = from;
                }
            }
            (None, false) => self.held = None,
        }
        Ok(Some(answer))
    }

    /// Takes the graph of a commit.
    pub(super) fn hold(&mut self, commit: ObjectId) -> Result<(), AppError> {
        self.left = self.left.saturating_sub(1);
        self.held = Some((commit, self.workspace.any_graph(commit)?));
        Ok(())
    }

    /// The graph at hand.
    pub(super) fn graph(&self) -> Option<&Graph> {
        self.held.as_ref().map(|(_, graph)| graph)
    }

    /// The suites of the graph at hand that tests join, and which suite each test joins.
    pub(super) fn suites(&self, tests: &[(TestId, Variant)], of: &mut [Option<u32>]) -> Vec<Suite> {
        let Some((_, graph)) = &self.held else {
            return Vec::new();
        };
        let tests_there = known(graph);
        let mut suites: Vec<Suite> = Vec::new();
        let mut numbers: FxHashMap<&Suite, u32> = FxHashMap::default();
        for ((test, _), of) in tests.iter().zip(of) {
            if let Some(joined) = tests_there.join(test) {
                *of = Some(*numbers.entry(joined.suite).or_insert_with(|| {
                    suites.push(joined.suite.clone());
                    suites.len() as u32 - 1
                }));
            }
        }
        suites
    }
}

impl Workspace {
    /// The graph of a commit: from the cache, else laid out and not kept there, where graphs of today are wanted.
    fn any_graph(&self, commit: ObjectId) -> Result<Graph, AppError> {
        let key = layout::key(tree_print(self.repo.tree_id(commit)?));
        if let Some(graph) = self.cache.graph(key) {
            return Ok(graph);
        }
        let snapshot = self.repo.snapshot(&Side::Commit(commit))?;
        let blobs = snapshot.blobs();
        let read = |path: &_, blob| Ok(blobs.read(&blob, Some(path))?);
        layout::graph(&snapshot.tree, &read, &self.cache, false, &Quiet)
    }
}
