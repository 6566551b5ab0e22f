//! Nodes and edges of the readers → a graph.

use fixedbitset::FixedBitSet;
use indexmap::IndexMap;
use petgraph::graph::DiGraph;
use rustc_hash::FxBuildHasher;

use super::{Graph, Link, NodeId};
use crate::model::{EdgeKind, EdgeSink, Node, NodeInfo, Note, SinkEdge};

impl Graph {
    /// Lays out what the readers found. Of several edges of one kind between the same two nodes the first line stays; where a file
    /// names another one, each line does.
    ///
    /// Cost: sorting the edges, then one forward walk from the tests.
    pub fn build(sink: EdgeSink) -> Graph {
        let EdgeSink {
            nodes,
            mut edges,
            mut notes,
        } = sink;
        edges.sort_unstable();
        edges.dedup_by(|b, a| {
            let names = matches!(a.kind, EdgeKind::Mention | EdgeKind::Contains);
            (a.from, a.to, a.kind) == (b.from, b.to, b.kind) && (!names || a.line == b.line)
        });
        notes.sort();
        notes.dedup();
        Graph::lay_out(nodes, edges.into_iter(), notes, None)
    }

    /// Shared by [`Graph::build`] and the codec. `live` is walked where it is not given.
    pub(super) fn lay_out(
        nodes: IndexMap<Node, NodeInfo, FxBuildHasher>,
        list: impl ExactSizeIterator<Item = SinkEdge>,
        notes: Vec<Note>,
        live: Option<FixedBitSet>,
    ) -> Graph {
        let mut edges = DiGraph::with_capacity(nodes.len(), list.len());
        for _ in 0..nodes.len() {
            edges.add_node(());
        }
        for SinkEdge {
            from,
            to,
            kind,
            line,
        } in list
        {
            edges.add_edge(from.0.into(), to.0.into(), Link { kind, line });
        }
        let mut graph = Graph {
            nodes,
            edges,
            live: FixedBitSet::new(),
            notes,
        };
        graph.live = live.unwrap_or_else(|| graph.walk_from_tests());
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
