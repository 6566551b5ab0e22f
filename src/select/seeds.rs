//! Changed paths → where the walks start, or why there is none.

use std::collections::BTreeSet;
use std::sync::Arc;

use globset::GlobSet;

use super::fallback::scope_of;
use super::{Cause, Edit, Fallback, Inert, Inputs, Scope};
use crate::edges::Affects;
use crate::graph::{Graph, NodeId, Reach, Seed};
use crate::model::{ChangeKind, Claim, EdgeKind, Node, PathChange, RepoPath, Suite};

/// Where the walks start, and what was decided without a walk.
#[derive(Default)]
pub(super) struct Found {
    pub(super) base: Vec<Seed>,
    pub(super) head: Vec<Seed>,
    /// Files whose code moved to other lines.
    moved: Vec<RepoPath>,
    /// Tests that a rule ties to a changed path.
    ruled: Vec<(RepoPath, GlobSet)>,
    pub(super) everything: Vec<Fallback>,
    pub(super) fallbacks: Vec<Fallback>,
    pub(super) inert: Vec<Inert>,
}

/// Decides every changed path, then compares what is no path between the graphs.
pub(super) fn collect(inputs: &Inputs<'_>) -> Found {
    let mut found = Found::default();
    let readers = readers(inputs);
    let readers: Vec<&str> = readers.iter().map(String::as_str).collect();
    for change in &inputs.change.paths {
        decide(change, inputs, &readers, &mut found);
    }
    if !std::ptr::eq(inputs.base, inputs.head) {
        compare(inputs.base, inputs.head, &mut found.base);
        compare(inputs.head, inputs.base, &mut found.head);
    }
    found
}

/// The decision table for one changed path.
fn decide(change: &PathChange, inputs: &Inputs<'_>, readers: &[&str], found: &mut Found) {
    let path = &change.path;
    let rule = inputs.rules.first_match(path);
    let inert = |why: &str| Inert {
        path: path.clone(),
        why: why.to_owned(),
    };
    if let Some(rule) = rule {
        match &rule.affects {
            Affects::Everything => {
                let fallback = Fallback {
                    path: path.clone(),
                    scope: Scope::Everything,
                    cause: Cause::Rule(rule.reason.clone()),
                };
                found.everything.push(fallback.clone());
                found.fallbacks.push(fallback);
                return;
            }
            Affects::Nothing => return found.inert.push(inert(&rule.reason)),
            Affects::Tests(globs) => return found.ruled.push((path.clone(), globs.clone())),
            Affects::Package => {
                return fall_back(
                    path,
                    Cause::Rule(rule.reason.clone()),
                    inputs,
                    readers,
                    found,
                );
            }
            Affects::Mentions => {}
        }
    }
    // where only the executable bit changed, only who runs or reads the file as such can tell
    let mode_only = change.kind() == ChangeKind::Mode
        && change
            .before
            .iter()
            .chain(&change.after)
            .all(|entry| entry.mode.is_file());
    let edit = inputs
        .edits
        .get(path)
        .copied()
        .or(mode_only.then_some(Edit::Comment));
    let bytes_only = matches!(
        edit,
        Some(Edit::Comment | Edit::MovedLines | Edit::Elsewhere)
    );
    if edit == Some(Edit::MovedLines) {
        found.moved.push(path.clone());
    }
    let ids = [inputs.base.find_path(path), inputs.head.find_path(path)];
    let (mut live, mut claim) = (false, Claim::Nobody);
    for (id, graph, seeds) in [
        (ids[0], inputs.base, &mut found.base),
        (ids[1], inputs.head, &mut found.head),
    ] {
        let Some(id) = id else { continue };
        live |= graph.is_live(id);
        claim = claim.max(graph.info(id).claim);
        seeds.push(Seed {
            node: id,
            bytes_only,
        });
    }
    if edit == Some(Edit::Elsewhere) {
        return;
    }
    if bytes_only {
        return found.inert.push(inert(match edit {
            Some(Edit::MovedLines) => {
                "changed only in comments or layout; code moved to other lines"
            }
            _ if mode_only => "changed only its mode",
            _ => "changed only in comments or layout",
        }));
    }
    match (claim, live) {
        (Claim::Settled, _) | (Claim::Followed, true) => {}
        _ if rule.is_some() => {
            let rule = rule.map(|rule| rule.reason.clone()).unwrap_or_default();
            if !live {
                found.inert.push(inert(&rule));
            }
        }
        (Claim::Followed, false) => fall_back(path, Cause::Unreached, inputs, readers, found),
        (Claim::Nobody, _) => fall_back(path, Cause::Unclaimed, inputs, readers, found),
    }
}

fn fall_back(
    path: &RepoPath,
    cause: Cause,
    inputs: &Inputs<'_>,
    readers: &[&str],
    found: &mut Found,
) {
    let scope = match scope_of(path, inputs.base, inputs.head, readers) {
        Some((dir, in_base, in_head)) => {
            found.base.extend(in_base.into_iter().map(|node| Seed {
                node,
                bytes_only: false,
            }));
            found.head.extend(in_head.into_iter().map(|node| Seed {
                node,
                bytes_only: false,
            }));
            Scope::Package(dir)
        }
        None => Scope::Everything,
    };
    let fallback = Fallback {
        path: path.clone(),
        scope,
        cause,
    };
    if fallback.scope == Scope::Everything {
        found.everything.push(fallback.clone());
    }
    found.fallbacks.push(fallback);
}

/// Seeds of `graph`: nodes that are no paths and differ from, or are missing in, the other graph.
///
/// A node differs when its print does, or when it depends on other things: a lockfile can lead a package to another
/// version of a dependency although both versions stay as they are.
fn compare(graph: &Graph, other: &Graph, seeds: &mut Vec<Seed>) {
    for (id, node, info) in graph.iter() {
        let differs = match (node, other.find(node)) {
            (Node::Path(_) | Node::Dir(_) | Node::Sources(_), _) => false,
            // what a scope is tied to shows in other nodes; only its own print counts
            (Node::Package { .. }, Some(twin)) => other.info(twin).print != info.print,
            // a suite that was not there before has never run
            (Node::Test(_), None) => true,
            (_, None) => info.print.is_some(),
            (_, Some(twin)) => {
                other.info(twin).print != info.print
                    || dependencies(graph, id) != dependencies(other, twin)
            }
        };
        if differs {
            seeds.push(Seed {
                node: id,
                bytes_only: false,
            });
        }
    }
}

/// What a node depends on, by identity. Probes are left out: what appears there is a change of its own.
fn dependencies(graph: &Graph, id: NodeId) -> BTreeSet<(&Node, EdgeKind)> {
    let all = graph
        .dependencies(id)
        .filter(|(_, link)| link.kind != EdgeKind::Probe);
    all.map(|(to, link)| (graph.node(to), link.kind)).collect()
}

/// The languages that laid out packages.
fn readers(inputs: &Inputs<'_>) -> BTreeSet<String> {
    [inputs.base, inputs.head]
        .iter()
        .flat_map(|graph| graph.iter())
        .filter_map(|(_, node, _)| match node {
            Node::Package { reader, .. } => Some(reader.clone()),
            _ => None,
        })
        .collect()
}

impl Found {
    /// The changed path for which a rule selects this suite.
    pub(super) fn ruled(&self, suite: &Suite) -> Option<RepoPath> {
        let id = suite.to_string();
        self.ruled
            .iter()
            .find(|(_, globs)| globs.is_match(&id))
            .map(|(path, _)| path.clone())
    }

    /// Tests that ask for line numbers and reach code that moved, each with the walk that found it.
    ///
    /// A suite asks when a file that defines it does. Costs a walk only where something moved.
    pub(super) fn moved_lines(&self, graph: &Graph) -> Vec<(NodeId, Arc<Reach>)> {
        if self.moved.is_empty() {
            return Vec::new();
        }
        let seeds = self.moved.iter().filter_map(|path| graph.find_path(path));
        let seeds = seeds.map(|node| Seed {
            node,
            bytes_only: false,
        });
        let reach = Arc::new(graph.reach(seeds));
        let asks = |id: NodeId| {
            graph.dependencies(id).any(|(to, link)| {
                matches!(link.kind, EdgeKind::Defines | EdgeKind::Root)
                    && graph.info(to).reads_lines
            })
        };
        let tests = reach
            .iter()
            .filter(|id| matches!(graph.node(*id), Node::Test(_)) && asks(*id));
        tests.map(|id| (id, reach.clone())).collect()
    }
}
