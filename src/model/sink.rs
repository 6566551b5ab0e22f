//! Where readers put the nodes and edges they find.

use indexmap::IndexMap;
use indexmap::map::Entry as MapEntry;
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use super::{EdgeKind, Fingerprint, Node, RepoPath, Suite};

/// A node of one [`EdgeSink`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct NodeRef(pub u32);

/// What a reader says of a node besides its edges.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// For nodes that are no paths: what a difference between two snapshots is told by.
    pub print: Option<Fingerprint>,
    /// For paths: whether a change here is understood.
    pub claim: Claim,
    /// For paths: the file asks for line numbers, so lines that move under it are a change to it.
    pub reads_lines: bool,
    /// For tests: the cases in it, spelled as the runner does below the suite (`Class::test_name`, `module::test`).
    pub cases: Vec<String>,
    /// For tests: every case of the suite is in `cases`. Where not, only the suite as a whole can be named.
    pub cases_complete: bool,
}

/// How well the readers understand what a change to a path affects.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub enum Claim {
    /// Nobody said anything: a change falls back to the scope around the path.
    #[default]
    Nobody,
    /// The edges that end here tell who is affected. If they lead to no test, somebody unseen may read the path after
    /// all, and a change falls back.
    Followed,
    /// All is known, even where no test is reached (a manifest whose effects are prints; an example program).
    Settled,
}

/// "`from` depends on `to`", and where that is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct SinkEdge {
    /// The dependent.
    pub from: NodeRef,
    /// What it depends on.
    pub to: NodeRef,
    /// Why.
    pub kind: EdgeKind,
    /// 1-based line in the dependent's file that says so; 0 where no line does.
    pub line: u32,
}

/// Nodes and edges as readers find them. Nodes are told apart by identity, edges may repeat.
#[derive(Debug, Default)]
pub struct EdgeSink {
    /// Every node with what is known of it, in order of first mention.
    pub nodes: IndexMap<Node, NodeInfo, FxBuildHasher>,
    /// Every edge.
    pub edges: Vec<SinkEdge>,
    /// What a reader could not understand and how it widened its answer, for the user's eyes.
    pub notes: Vec<Note>,
}

/// Something the user should know about how a file was read.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct Note {
    /// The file.
    pub path: RepoPath,
    /// 1-based line; 0 where no line is meant.
    pub line: u32,
    /// What was found and what was assumed because of it.
    pub text: String,
}

impl EdgeSink {
    /// The node of this identity, made when new.
    pub fn node(&mut self, node: Node) -> NodeRef {
        let index = match self.nodes.entry(node) {
            MapEntry::Occupied(entry) => entry.index(),
            MapEntry::Vacant(entry) => {
                let index = entry.index();
                entry.insert(NodeInfo::default());
                index
            }
        };
        NodeRef(u32::try_from(index).expect("fewer than 2^32 nodes"))
    }

    /// The node of a path.
    pub fn path(&mut self, path: &RepoPath) -> NodeRef {
        self.node(Node::Path(path.clone()))
    }

    /// The node of a test suite.
    pub fn test(&mut self, suite: Suite, cases: Vec<String>, complete: bool) -> NodeRef {
        let node = self.node(Node::Test(suite));
        let info = self.info(node);
        info.cases = cases;
        info.cases_complete = complete;
        node
    }

    /// What is known of a node.
    pub fn info(&mut self, node: NodeRef) -> &mut NodeInfo {
        &mut self.nodes[node.0 as usize]
    }

    /// Says that the edges that end at `path` tell who reads it ([`Claim::Followed`]).
    pub fn claim(&mut self, path: &RepoPath) -> NodeRef {
        let node = self.path(path);
        let info = self.info(node);
        info.claim = info.claim.max(Claim::Followed);
        node
    }

    /// Says that everything about `path` is known ([`Claim::Settled`]).
    pub fn settle(&mut self, path: &RepoPath) -> NodeRef {
        let node = self.path(path);
        self.info(node).claim = Claim::Settled;
        node
    }

    /// Sets the print by which two snapshots are compared.
    pub fn print(&mut self, node: NodeRef, print: Fingerprint) {
        self.info(node).print = Some(print);
    }

    /// `from` depends on `to`. A node does not depend on itself: such an edge is left out.
    pub fn edge(&mut self, from: NodeRef, to: NodeRef, kind: EdgeKind, line: u32) {
        if from != to {
            self.edges.push(SinkEdge {
                from,
                to,
                kind,
                line,
            });
        }
    }

    /// Adds a note for the user.
    pub fn note(&mut self, path: &RepoPath, line: u32, text: impl Into<String>) {
        self.notes.push(Note {
            path: path.clone(),
            line,
            text: text.into(),
        });
    }
}
