//! Reverse reachability: everything that depends, directly or not, on any of many seeds.

use std::collections::VecDeque;

use fixedbitset::FixedBitSet;

use super::{Graph, Link, NodeId};

/// Where a walk starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Seed {
    /// The changed node.
    pub node: NodeId,
    /// Only its bytes changed, not what it means: only dependents that read bytes are affected.
    pub bytes_only: bool,
}

/// The result of a walk: what was reached, and the step by which each node was reached first.
#[derive(Debug)]
pub struct Reach {
    reached: FixedBitSet,
    /// The dependency through which a node was reached; none for seeds and what was not reached.
    via: Vec<Option<Step>>,
}

/// How a node was reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// The dependency, one closer to the seed.
    pub to: NodeId,
    /// Why it is one.
    pub link: Link,
    /// `to` is the seed. (A seed of which only the bytes changed may be reached fully from another one, by other steps.)
    pub last: bool,
}

impl Reach {
    /// Whether this node depends on a seed, or is a full seed.
    pub fn contains(&self, id: NodeId) -> bool {
        self.reached.contains(id.0 as usize)
    }

    /// All reached nodes, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        self.reached.ones().map(|i| NodeId(i as u32))
    }

    /// The step that leads from a reached node one closer to its seed.
    pub fn step(&self, id: NodeId) -> Option<Step> {
        self.via[id.0 as usize]
    }
}

impl Graph {
    /// Walks backwards from all seeds at once, nearest first, so that each step lies on a shortest chain.
    ///
    /// Cost: O(nodes + edges) at worst, in space one word and a bit per node.
    pub fn reach(&self, seeds: impl IntoIterator<Item = Seed>) -> Reach {
        let mut reached = FixedBitSet::with_capacity(self.len());
        let mut via = vec![None; self.len()];
        let mut queue = VecDeque::new();
        let mut bytes_only = Vec::new();
        for seed in seeds {
            if seed.bytes_only {
                bytes_only.push(seed.node);
            } else if !reached.put(seed.node.0 as usize) {
                queue.push_back(seed.node);
            }
        }
        for seed in bytes_only {
            for (dependent, link) in self
                .dependents(seed)
                .filter(|(_, link)| link.kind.reads_bytes())
            {
                if !reached.put(dependent.0 as usize) {
                    via[dependent.0 as usize] = Some(Step {
                        to: seed,
                        link,
                        last: true,
                    });
                    queue.push_back(dependent);
                }
            }
        }
        while let Some(id) = queue.pop_front() {
            for (dependent, link) in self.dependents(id) {
                if !reached.put(dependent.0 as usize) {
                    via[dependent.0 as usize] = Some(Step {
                        to: id,
                        link,
                        last: via[id.0 as usize].is_none(),
                    });
                    queue.push_back(dependent);
                }
            }
        }
        Reach { reached, via }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{EdgeKind, EdgeSink};

    fn graph(edges: &[(u8, u8, bool)]) -> Graph {
        let mut sink = EdgeSink::default();
        let nodes: Vec<_> = (0..24)
            .map(|i| sink.path(&format!("n{i}").as_str().into()))
            .collect();
        for &(from, to, bytes) in edges {
            let kind = if bytes {
                EdgeKind::Mention
            } else {
                EdgeKind::Import
            };
            sink.edge(nodes[from as usize], nodes[to as usize], kind, 0);
        }
        Graph::build(sink)
    }

    /// The definition, spelled out: repeat "whoever depends on something affected is affected" until nothing is new.
    fn naive(edges: &[(u8, u8, bool)], seeds: &[(u8, bool)]) -> Vec<u8> {
        let full = |n: u8| seeds.contains(&(n, false));
        let mut affected: Vec<u8> = (0..24).filter(|n| full(*n)).collect();
        loop {
            let new = (0..24).find(|n| {
                !affected.contains(n)
                    && edges.iter().any(|&(from, to, bytes)| {
                        from == *n
                            && from != to
                            && (affected.contains(&to) || (bytes && seeds.contains(&(to, true))))
                    })
            });
            match new {
                Some(n) => affected.push(n),
                None => break,
            }
        }
        affected.sort_unstable();
        affected
    }

    proptest! {
        #[test]
        fn reach_agrees_with_the_definition(
            edges in proptest::collection::vec((0u8..24, 0u8..24, any::<bool>()), 0..80),
            seeds in proptest::collection::vec((0u8..24, any::<bool>()), 0..4),
        ) {
            let graph = graph(&edges);
            let reach = graph.reach(seeds.iter().map(|&(n, bytes_only)| Seed { node: NodeId(u32::from(n)), bytes_only }));
            let got: Vec<u8> = reach.iter().map(|id| id.0 as u8).collect();
            prop_assert_eq!(got, naive(&edges, &seeds));
        }

        #[test]
        fn every_chain_ends_at_a_seed(
            edges in proptest::collection::vec((0u8..24, 0u8..24, any::<bool>()), 0..80),
            seeds in proptest::collection::vec((0u8..24, any::<bool>()), 1..4),
        ) {
            let graph = graph(&edges);
            let reach = graph.reach(seeds.iter().map(|&(n, bytes_only)| Seed { node: NodeId(u32::from(n)), bytes_only }));
            for id in reach.iter() {
                let mut at = id;
                let mut steps = 0;
                while let Some(step) = reach.step(at) {
                    prop_assert!(graph.dependencies(at).any(|(to, _)| to == step.to));
                    at = step.to;
                    steps += 1;
                    prop_assert!(steps <= 24);
                    if step.last {
                        break;
                    }
                }
                prop_assert!(seeds.iter().any(|&(n, _)| u32::from(n) == at.0));
            }
        }
    }
}
