//! Chains: why a node is affected, and how two nodes hang together.

use std::collections::VecDeque;

use serde::Serialize;

use super::{Graph, NodeId, Reach, Seed};
use crate::model::{EdgeKind, Node};

/// A dependency path from an affected node down to what changed. Empty links: the node itself changed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Chain {
    /// From the affected node towards the change.
    pub links: Vec<ChainLink>,
    /// What changed.
    pub change: Node,
}

/// One step: `from` depends on the next link's `from`, or on the change.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ChainLink {
    /// The dependent.
    pub from: Node,
    /// Why.
    pub kind: EdgeKind,
    /// 1-based line in the dependent's file; 0 where no line says so.
    pub line: u32,
}

impl Graph {
    /// The chain by which `reach` came to `id`. Cost: its length.
    pub fn chain(&self, reach: &Reach, id: NodeId) -> Chain {
        let mut links = Vec::new();
        let mut at = id;
        while let Some(step) = reach.step(at) {
            links.push(ChainLink {
                from: self.node(at).clone(),
                kind: step.link.kind,
                line: step.link.line,
            });
            at = step.to;
            if step.last {
                break;
            }
        }
        Chain {
            links,
            change: self.node(at).clone(),
        }
    }

    /// A shortest chain from `dependent` to `dependency`, where there is one. Cost: one walk.
    pub fn shortest(&self, dependent: NodeId, dependency: NodeId) -> Option<Chain> {
        let reach = self.reach([Seed {
            node: dependency,
            bytes_only: false,
        }]);
        reach
            .contains(dependent)
            .then(|| self.chain(&reach, dependent))
    }

    /// What a runner loads before a test: the files that define it, and what gives it fixtures or settings. Cost: one walk.
    pub fn set_up(&self, test: NodeId) -> Vec<NodeId> {
        let mut found = vec![test];
        let mut at = 0;
        while let Some(&id) = found.get(at) {
            for (next, link) in self.dependencies(id) {
                let loads = matches!(
                    link.kind,
                    EdgeKind::Defines
                        | EdgeKind::Conftest
                        | EdgeKind::Plugin
                        | EdgeKind::Ancestor
                        | EdgeKind::Member
                        | EdgeKind::Config
                );
                if loads && !found.contains(&next) {
                    found.push(next);
                }
            }
            at += 1;
        }
        found
    }

    /// Everything that any of these depends on, themselves first. Cost: one walk.
    pub fn closure_of(&self, ids: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
        let mut seen = fixedbitset::FixedBitSet::with_capacity(self.len());
        let mut found: Vec<NodeId> = ids
            .into_iter()
            .filter(|id| !seen.put(id.0 as usize))
            .collect();
        let mut at = 0;
        while let Some(&id) = found.get(at) {
            for (next, _) in self.dependencies(id) {
                if !seen.put(next.0 as usize) {
                    found.push(next);
                }
            }
            at += 1;
        }
        found
    }

    /// Everything that `id` depends on, nearest first, with the distance in edges. Cost: one walk.
    pub fn closure(&self, id: NodeId) -> Vec<(NodeId, u32)> {
        let mut seen = fixedbitset::FixedBitSet::with_capacity(self.len());
        seen.insert(id.0 as usize);
        let mut out = vec![(id, 0)];
        let mut queue = VecDeque::from([(id, 0)]);
        while let Some((at, distance)) = queue.pop_front() {
            for (next, _) in self.dependencies(at) {
                if !seen.put(next.0 as usize) {
                    out.push((next, distance + 1));
                    queue.push_back((next, distance + 1));
                }
            }
        }
        out
    }
}
