//! Nodes and edges of the readers → a graph.

use fixedbitset::FixedBitSet;

use super::edges::Edges;
use super::{Graph, NodeId};
use crate::model::{EdgeSink, Node};

impl Graph {
    /// Lays out what the readers found. Of several edges of one kind between the same two nodes the first line stays.
    ///
    /// Cost: sorting the edges, then one forward walk from the tests.
    pub fn build(sink: EdgeSink) -> Graph {
        let EdgeSink {
            nodes,
            mut edges,
            mut notes,
        } = sink;
        edges.sort_unstable();
        edges.dedup_by(|b, a| (a.from, a.to, a.kind) == (b.from, b.to, b.kind));
        notes.sort();
        notes.dedup();
        let mut graph = Graph {
            edges: Edges::new(nodes.len(), &edges),
            nodes,
            live: FixedBitSet::new(),
            notes,
        };
        graph.live = graph.walk_from_tests();
        graph
    }

    fn walk_from_tests(&self) -> FixedBitSet {
        let mut live = FixedBitSet::with_capacity(self.len());
        let mut stack: Vec<NodeId> = Vec::new();
        for (id, node, _) in self.iter() {
            if matches!(node, Node::Test(_)) {
                live.insert(id.0 as usize);
                stack.push(id);
            }
        }
        while let Some(id) = stack.pop() {
            for (next, _) in self.dependencies(id) {
                if !live.put(next.0 as usize) {
                    stack.push(next);
                }
            }
        }
        live
    }
}
