//! A graph as bytes and back.
//!
//! Layout: the magic `TIAGRAPH`, [`FORMAT_VERSION`] as four little-endian bytes, the XXH3-128 of the rest, then the
//! columns in postcard's encoding: nodes, what is known of them, per node its number of edges, then target, kind and
//! line of each edge. A file that is cut, changed or of another version is told apart before anything is read from it.
//!
//! Versions: 1, the first.

use fixedbitset::FixedBitSet;
use serde::{Deserialize, Serialize};

use super::Graph;
use crate::model::{EdgeKind, Fingerprint, Node, NodeInfo, NodeRef, Note, SinkEdge};

/// The version of the encoding; raised with every change to it or to what a node or edge means.
pub const FORMAT_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"TIAGRAPH";
const HEADER: usize = MAGIC.len() + 4 + 16;

/// Why bytes are no graph.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodecError {
    /// Not written by this program, or by another version of it.
    #[error("not a graph of format {FORMAT_VERSION}")]
    Foreign,
    /// Cut or changed since it was written.
    #[error("a damaged graph")]
    Damaged,
}

#[derive(Serialize, Deserialize)]
struct Columns {
    nodes: Vec<(Node, NodeInfo)>,
    degrees: Vec<u32>,
    targets: Vec<u32>,
    kinds: Vec<EdgeKind>,
    lines: Vec<u32>,
    live: Vec<u32>,
    notes: Vec<Note>,
}

impl Graph {
    /// The bytes of this graph. Cost: one pass over nodes and edges.
    pub fn encode(&self) -> Vec<u8> {
        let mut columns = Columns {
            nodes: self
                .nodes
                .iter()
                .map(|(node, info)| (node.clone(), info.clone()))
                .collect(),
            degrees: Vec::with_capacity(self.len()),
            targets: Vec::with_capacity(self.edges.edge_count()),
            kinds: Vec::with_capacity(self.edges.edge_count()),
            lines: Vec::with_capacity(self.edges.edge_count()),
            live: self.live.ones().map(|i| i as u32).collect(),
            notes: self.notes.clone(),
        };
        for (id, _, _) in self.iter() {
            let before = columns.targets.len();
            for (to, link) in self.dependencies(id) {
                columns.targets.push(to.0);
                columns.kinds.push(link.kind);
                columns.lines.push(link.line);
            }
            columns
                .degrees
                .push((columns.targets.len() - before) as u32);
        }
        let payload = postcard::to_stdvec(&columns).expect("plain data has an encoding");
        let mut bytes = Vec::with_capacity(HEADER + payload.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&Fingerprint::of(&payload).0.to_le_bytes());
        bytes.extend_from_slice(&payload);
        bytes
    }

    /// Reads back what [`Graph::encode`] wrote.
    ///
    /// # Errors
    /// [`CodecError::Foreign`] for other magic or version, [`CodecError::Damaged`] where the sum or the columns disagree.
    pub fn decode(bytes: &[u8]) -> Result<Graph, CodecError> {
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(CodecError::Foreign)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(CodecError::Foreign)?;
        if magic != MAGIC || u32::from_le_bytes(*version) != FORMAT_VERSION {
            return Err(CodecError::Foreign);
        }
        let (sum, payload) = rest.split_first_chunk::<16>().ok_or(CodecError::Damaged)?;
        if Fingerprint::of(payload).0.to_le_bytes() != *sum {
            return Err(CodecError::Damaged);
        }
        let columns: Columns = postcard::from_bytes(payload).map_err(|_| CodecError::Damaged)?;
        columns.into_graph().ok_or(CodecError::Damaged)
    }
}

impl Columns {
    /// `None` where the columns do not fit together.
    fn into_graph(self) -> Option<Graph> {
        let (count, edges) = (self.nodes.len(), self.targets.len());
        let total: u64 = self.degrees.iter().map(|d| u64::from(*d)).sum();
        let fits = self.degrees.len() == count
            && total == edges as u64
            && self.kinds.len() == edges
            && self.lines.len() == edges
            && self
                .targets
                .iter()
                .chain(&self.live)
                .all(|i| (*i as usize) < count);
        let nodes: indexmap::IndexMap<_, _, rustc_hash::FxBuildHasher> =
            self.nodes.into_iter().collect();
        if !fits || nodes.len() != count {
            return None;
        }
        let mut live = FixedBitSet::with_capacity(count);
        live.extend(self.live.iter().map(|i| *i as usize));
        let mut list = Vec::with_capacity(edges);
        let mut columns = self.targets.iter().zip(&self.kinds).zip(&self.lines);
        for (from, degree) in self.degrees.iter().enumerate() {
            list.extend(
                columns
                    .by_ref()
                    .take(*degree as usize)
                    .map(|((to, kind), line)| SinkEdge {
                        from: NodeRef(from as u32),
                        to: NodeRef(*to),
                        kind: *kind,
                        line: *line,
                    }),
            );
        }
        // petgraph hands out the edges of a node newest first: laid out backwards, they come back in written order
        Some(Graph::lay_out(
            nodes,
            list.into_iter().rev(),
            self.notes,
            Some(live),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{EdgeSink, RepoPath, Suite};

    fn graph(edges: &[(u8, u8, u32)]) -> Graph {
        let mut sink = EdgeSink::default();
        for &(from, to, line) in edges {
            let from = sink.path(&RepoPath::new([from]));
            let to = sink.claim(&RepoPath::new([to, from.0 as u8]));
            sink.edge(from, to, EdgeKind::Import, line);
            let file = RepoPath::new([from.0 as u8]);
            let test = sink.test(
                Suite::Python { file },
                vec![format!("test_{line}")],
                line % 2 == 0,
            );
            sink.edge(test, from, EdgeKind::Defines, 0);
            sink.note(&RepoPath::new([from.0 as u8]), line, "odd");
        }
        Graph::build(sink)
    }

    fn as_text(graph: &Graph) -> Vec<String> {
        let mut text: Vec<String> = graph
            .iter()
            .map(|(id, node, info)| {
                format!(
                    "{node:?} {info:?} {} {:?}",
                    graph.is_live(id),
                    graph.dependencies(id).collect::<Vec<_>>()
                )
            })
            .collect();
        text.push(format!("{:?}", graph.notes()));
        text
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(edges in proptest::collection::vec((any::<u8>(), any::<u8>(), 0u32..50), 0..60)) {
            let graph = graph(&edges);
            let bytes = graph.encode();
            let back = Graph::decode(&bytes).unwrap();
            prop_assert_eq!(as_text(&graph), as_text(&back));
            prop_assert_eq!(bytes, back.encode());
        }

        #[test]
        fn any_changed_byte_is_noticed(at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut bytes = graph(&[(1, 2, 3), (2, 3, 4), (9, 1, 1)]).encode();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(Graph::decode(&bytes).is_err());
        }

        #[test]
        fn any_cut_is_noticed(at in any::<prop::sample::Index>()) {
            let bytes = graph(&[(1, 2, 3), (2, 3, 4), (9, 1, 1)]).encode();
            prop_assert!(Graph::decode(&bytes[..at.index(bytes.len())]).is_err());
        }

        #[test]
        fn columns_that_do_not_fit_are_damage_and_no_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
            bytes.extend_from_slice(&Fingerprint::of(&payload).0.to_le_bytes());
            bytes.extend_from_slice(&payload);
            let _ = Graph::decode(&bytes);
        }
    }
}
