//! The edges of a graph as flat columns, to be walked both ways.
//!
//! Edges lie sorted by the node they leave; a second list has them by the node they enter. A walk reads a few long arrays
//! from front to back, and reading a graph from a cache costs what copying its columns costs.

use super::{Link, NodeId};
use crate::model::SinkEdge;

/// The edges between the nodes below a count.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    /// Per node, where its edges begin; one more at the end.
    out: Vec<u32>,
    targets: Vec<u32>,
    links: Vec<Link>,
    /// Per node, where in `incoming` the edges that enter it begin; one more at the end.
    into: Vec<u32>,
    /// Where an edge comes from, and its place among `targets` and `links`.
    incoming: Vec<(u32, u32)>,
}

impl Edges {
    /// Lays out edges that are sorted by the node they leave. Cost: one pass, and another by the node they enter.
    pub(super) fn new(nodes: usize, sorted: &[SinkEdge]) -> Edges {
        let mut degrees = vec![0; nodes];
        for edge in sorted {
            degrees[edge.from.0 as usize] += 1;
        }
        let link = |edge: &SinkEdge| Link {
            kind: edge.kind,
            line: edge.line,
        };
        Self::of_columns(
            &degrees,
            sorted.iter().map(|edge| edge.to.0).collect(),
            sorted.iter().map(link).collect(),
        )
    }

    /// Lays out columns: how many edges leave each node, then where each leads and why. They have to fit together, and
    /// to lead to nodes that there are.
    pub(super) fn of_columns(degrees: &[u32], targets: Vec<u32>, links: Vec<Link>) -> Edges {
        let out = starts(degrees);
        let mut entering = vec![0; degrees.len()];
        for to in &targets {
            entering[*to as usize] += 1;
        }
        let into = starts(&entering);
        let mut free = into.clone();
        let mut incoming = vec![(0, 0); targets.len()];
        let mut edge = 0;
        for (from, degree) in degrees.iter().enumerate() {
            for _ in 0..*degree {
                let slot = &mut free[targets[edge] as usize];
                incoming[*slot as usize] = (from as u32, edge as u32);
                *slot += 1;
                edge += 1;
            }
        }
        Edges {
            out,
            targets,
            links,
            into,
            incoming,
        }
    }

    /// How many edges there are.
    pub(super) fn len(&self) -> usize {
        self.targets.len()
    }

    /// The edges that leave a node: where they lead, and why.
    pub(super) fn leaving(&self, id: NodeId) -> impl Iterator<Item = (NodeId, Link)> {
        let range = range(&self.out, id);
        let (targets, links) = (&self.targets[range.clone()], &self.links[range]);
        targets
            .iter()
            .zip(links)
            .map(|(to, link)| (NodeId(*to), *link))
    }

    /// The edges that enter a node: where they come from, and why.
    pub(super) fn entering(&self, id: NodeId) -> impl Iterator<Item = (NodeId, Link)> {
        let incoming = &self.incoming[range(&self.into, id)];
        incoming
            .iter()
            .map(|(from, edge)| (NodeId(*from), self.links[*edge as usize]))
    }

    /// How many edges leave each node.
    pub(super) fn degrees(&self) -> Vec<u32> {
        self.out.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Where each edge leads, by the node it leaves.
    pub(super) fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// Why each edge is there, in the same order.
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }
}

/// Where each run begins when runs of these lengths follow one another; the end of the last at the end.
fn starts(lengths: &[u32]) -> Vec<u32> {
    let mut starts = Vec::with_capacity(lengths.len() + 1);
    let mut at = 0;
    starts.push(at);
    for length in lengths {
        at += length;
        starts.push(at);
    }
    starts
}

fn range(starts: &[u32], id: NodeId) -> std::ops::Range<usize> {
    let at = id.0 as usize;
    // nodes of an empty graph, and of another one, have no edges
    match (starts.get(at), starts.get(at + 1)) {
        (Some(from), Some(to)) => *from as usize..*to as usize,
        _ => 0..0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{EdgeKind, NodeRef};

    proptest! {
        #[test]
        fn both_ways_show_the_same_edges(mut list in proptest::collection::vec((0u32..12, 0u32..12, 0u32..9), 0..60)) {
            list.sort_unstable();
            let edge = |&(from, to, line): &(u32, u32, u32)| SinkEdge {
                from: NodeRef(from),
                to: NodeRef(to),
                kind: EdgeKind::Import,
                line,
            };
            let edges = Edges::new(12, &list.iter().map(edge).collect::<Vec<_>>());
            let ids = || (0..12).map(NodeId);
            let leaving: Vec<_> = ids()
                .flat_map(|from| edges.leaving(from).map(move |(to, link)| (from.0, to.0, link.line)))
                .collect();
            prop_assert_eq!(&leaving, &list);
            let mut entering: Vec<_> = ids()
                .flat_map(|to| edges.entering(to).map(move |(from, link)| (from.0, to.0, link.line)))
                .collect();
            entering.sort_unstable();
            prop_assert_eq!(&entering, &list);
        }
    }
}
