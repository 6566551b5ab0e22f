//! What depends on what. The only folder that names petgraph.
//!
//! **The direction of an edge**: `a → b` means "`a` depends on `b`". A change of `b` is therefore felt by everything
//! from which `b` can be reached: [`Graph::reach`] walks edges backwards.
//!
//! A graph belongs to one snapshot and never changes. A path that was probed and does not exist is a node like any
//! other; when a file appears there, those who probed it are found the same way as those who read it.

mod build;
mod codec;
mod explain;
mod reach;
mod symbols;

pub use codec::{CodecError, FORMAT_VERSION};
pub use explain::{Chain, ChainLink};
pub use reach::{Reach, Seed, Step};
pub use symbols::{Symbols, Units, Walk, fits, is_affix};

use fixedbitset::FixedBitSet;
use indexmap::IndexMap;
use petgraph::graph::DiGraph;
use rustc_hash::FxBuildHasher;

use crate::model::{EdgeKind, Node, NodeInfo, Note, RepoPath};

/// A node of one [`Graph`]; an index below [`Graph::len`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct NodeId(u32);

/// Why an edge is there and where that is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Link {
    /// The kind of dependency.
    pub kind: EdgeKind,
    /// 1-based line in the dependent's file; 0 where no line says so.
    pub line: u32,
}

/// The dependency graph of one snapshot.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: IndexMap<Node, NodeInfo, FxBuildHasher>,
    edges: DiGraph<(), Link, u32>,
    /// Nodes that some test depends on, tests included.
    live: FixedBitSet,
    notes: Vec<Note>,
}

/// How large a graph is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Counts {
    /// All nodes.
    pub nodes: usize,
    /// All edges.
    pub edges: usize,
    /// Test suites.
    pub suites: usize,
    /// Paths that exist or were probed.
    pub paths: usize,
}

impl Graph {
    /// The node of this identity. Cost: one hash lookup.
    pub fn find(&self, node: &Node) -> Option<NodeId> {
        self.nodes.get_index_of(node).map(|i| NodeId(i as u32))
    }

    /// The node of a path, present or probed.
    pub fn find_path(&self, path: &RepoPath) -> Option<NodeId> {
        self.find(&Node::Path(path.clone()))
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The identity of a node.
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes
            .get_index(id.0 as usize)
            .expect("ids come from this graph")
            .0
    }

    /// What is known of a node.
    pub fn info(&self, id: NodeId) -> &NodeInfo {
        &self.nodes[id.0 as usize]
    }

    /// Every node, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node, &NodeInfo)> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(i, (node, info))| (NodeId(i as u32), node, info))
    }

    /// Whether some test depends on this node.
    pub fn is_live(&self, id: NodeId) -> bool {
        self.live.contains(id.0 as usize)
    }

    /// The edges out of a node: what it depends on.
    pub fn dependencies(&self, id: NodeId) -> impl Iterator<Item = (NodeId, Link)> {
        use petgraph::visit::EdgeRef;
        self.edges
            .edges(id.0.into())
            .map(|e| (NodeId(e.target().index() as u32), *e.weight()))
    }

    /// The edges into a node: what depends on it.
    pub fn dependents(&self, id: NodeId) -> impl Iterator<Item = (NodeId, Link)> {
        use petgraph::visit::EdgeRef;
        self.edges
            .edges_directed(id.0.into(), petgraph::Direction::Incoming)
            .map(|e| (NodeId(e.source().index() as u32), *e.weight()))
    }

    /// What readers want the user to know.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// How large this graph is. Cost: one pass over the nodes.
    pub fn counts(&self) -> Counts {
        Counts {
            nodes: self.nodes.len(),
            edges: self.edges.edge_count(),
            suites: self
                .nodes
                .keys()
                .filter(|n| matches!(n, Node::Test(_)))
                .count(),
            paths: self
                .nodes
                .keys()
                .filter(|n| matches!(n, Node::Path(_)))
                .count(),
        }
    }

    /// The nodes that most others depend on directly, most first: (node, dependents).
    pub fn hubs(&self, most: usize) -> Vec<(NodeId, usize)> {
        let mut all: Vec<_> = (0..self.len() as u32)
            .map(|i| (NodeId(i), self.dependents(NodeId(i)).count()))
            .collect();
        all.sort_by(|a, b| {
            b.1.cmp(&a.1)
                .then_with(|| self.node(a.0).cmp(self.node(b.0)))
        });
        all.truncate(most);
        all
    }
}
