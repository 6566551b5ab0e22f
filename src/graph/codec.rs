//! A graph as bytes and back.
//!
//! Layout: the magic `TIAGRAPH`, [`FORMAT_VERSION`] as four little-endian bytes, the XXH3-128 of the rest, then the
//! columns in postcard's encoding: nodes, what is known of them, per node its number of edges, then target, kind and
//! line of each edge. A file that is cut, changed or of another version is told apart before anything is read from it.
//!
//! Versions: 1, the first.

use fixedbitset::FixedBitSet;
use serde::{Deserialize, Serialize};

use super::edges::Edges;
use super::{Graph, Link, Nodes};
use crate::model::{EdgeKind, Fingerprint, Note};

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

/// What is written, borrowed from the graph; read back as [`Columns`].
#[derive(Serialize)]
struct Written<'a> {
    nodes: &'a Nodes,
    degrees: Vec<u32>,
    targets: &'a [u32],
    kinds: Vec<EdgeKind>,
    lines: Vec<u32>,
    live: Vec<u32>,
    notes: &'a [Note],
}

#[derive(Deserialize)]
struct Columns {
    nodes: Nodes,
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
        let links = self.edges.links();
        let columns = Written {
            nodes: &self.nodes,
            degrees: self.edges.degrees(),
            targets: self.edges.targets(),
            kinds: links.iter().map(|link| link.kind).collect(),
            lines: links.iter().map(|link| link.line).collect(),
            live: self.live.ones().map(|i| i as u32).collect(),
            notes: &self.notes,
        };
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
        if !fits {
            return None;
        }
        let mut live = FixedBitSet::with_capacity(count);
        live.extend(self.live.iter().map(|i| *i as usize));
        let both = self.kinds.into_iter().zip(self.lines);
        let links = both.map(|(kind, line)| Link { kind, line }).collect();
        Some(Graph {
            nodes: self.nodes,
            edges: Edges::of_columns(&self.degrees, self.targets, links),
            live,
            notes: self.notes,
        })
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
