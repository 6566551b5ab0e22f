//! Which tests, and why: two graphs and the change between them → a [`Selection`].
//!
//! Deletions are walked in the base graph, additions in the head graph, modifications in both. What is no path (a build
//! target, a pinned package) has changed when its print differs between the graphs. A test is selected when something
//! that changed can be reached from it in either graph.
//!
//! A selection can only be made with its fallbacks, and each changed path ends in one of them, in a seed, or among the
//! paths that provably affect nothing: none is left out in silence.

mod fallback;
pub mod runner;
mod seeds;
mod selection;

use std::collections::{BTreeMap, HashMap};

pub use selection::{Cause, Fallback, Inert, Outcome, Reason, Scope, Selected, Selection};

use crate::edges::Rules;
use crate::graph::Graph;
use crate::model::{Change, Node, RepoPath, Suite};

/// What the language of a modified file says of the edit. Files of no language have none: their bytes changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Edit {
    /// A run can tell the difference.
    Code,
    /// Only comments or layout changed, and every piece of code stands on the line it stood on.
    Comment,
    /// Only comments or layout changed, and code moved to other lines.
    MovedLines,
}

/// Everything that a selection is made of.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The graph of the base snapshot.
    pub base: &'a Graph,
    /// The graph of the head snapshot. The same object as `base` where no edge can differ.
    pub head: &'a Graph,
    /// What differs between the snapshots.
    pub change: &'a Change,
    /// What languages say of modified files.
    pub edits: &'a HashMap<RepoPath, Edit>,
    /// Rules of people.
    pub rules: &'a Rules,
}

/// Selects the tests that the change can affect.
///
/// Cost: one walk backwards over each graph, one more over each where code moved to other lines.
pub fn select(inputs: Inputs<'_>) -> Selection {
    let found = seeds::collect(&inputs);
    let mut selected: BTreeMap<Suite, Selected> = BTreeMap::new();
    let head = inputs.head;
    for (graph, seeds) in [(inputs.head, &found.head), (inputs.base, &found.base)] {
        let reach = graph.reach(seeds.iter().copied());
        for id in reach.iter() {
            let Node::Test(suite) = graph.node(id) else {
                continue;
            };
            // a test that is gone from the head cannot run
            let Some(here) = head.find(&Node::Test(suite.clone())) else {
                continue;
            };
            selected.entry(suite.clone()).or_insert_with(|| {
                let reason = Reason::Affected(graph.chain(&reach, id));
                Selected::new(suite.clone(), head.info(here), reason)
            });
        }
        for (id, chain) in found.moved_lines(graph) {
            let Node::Test(suite) = graph.node(id) else {
                continue;
            };
            let Some(here) = head.find(&Node::Test(suite.clone())) else {
                continue;
            };
            selected.entry(suite.clone()).or_insert_with(|| {
                Selected::new(suite.clone(), head.info(here), Reason::Affected(chain))
            });
        }
    }
    let everything = found.everything.first().cloned();
    for (_, node, info) in head.iter() {
        let Node::Test(suite) = node else { continue };
        let reason = match &everything {
            Some(cause) => Reason::Everything(cause.clone()),
            None => match found.ruled(suite) {
                Some(path) => Reason::Ruled(path),
                None => continue,
            },
        };
        selected
            .entry(suite.clone())
            .or_insert_with(|| Selected::new(suite.clone(), info, reason));
    }
    let suites = head.counts().suites;
    Selection::new(
        selected.into_values().collect(),
        suites,
        everything.is_some(),
        found.fallbacks,
        found.inert,
    )
}

/// Everything, because the change itself could not be told.
pub fn everything(head: &Graph, cause: Cause) -> Selection {
    let fallback = Fallback {
        path: RepoPath::root(),
        scope: Scope::Everything,
        cause,
    };
    let selected = head
        .iter()
        .filter_map(|(_, node, info)| match node {
            Node::Test(suite) => Some(Selected::new(
                suite.clone(),
                info,
                Reason::Everything(fallback.clone()),
            )),
            _ => None,
        })
        .collect();
    Selection::new(
        selected,
        head.counts().suites,
        true,
        vec![fallback],
        Vec::new(),
    )
}
