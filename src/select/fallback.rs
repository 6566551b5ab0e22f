//! Fallbacks: what to select when nobody claims a changed path.
//!
//! A fallback can only make a selection larger. It takes the narrowest scope that is certainly safe: the innermost
//! package, test root or project that a language laid out around the path, in either snapshot; without one, everything.
//! Where the scopes of two languages start at the same directory, both are taken.
//! Not seen here: the network, the environment, files outside the repository.

use crate::graph::{Graph, NodeId};
use crate::model::{Node, RepoPath};

/// The innermost packages around `path`: their directory and, per graph, their nodes. `None` where no package is.
///
/// Cost: one lookup per directory above the path and language.
pub(super) fn scope_of(
    path: &RepoPath,
    base: &Graph,
    head: &Graph,
    readers: &[&str],
) -> Option<(RepoPath, Vec<NodeId>, Vec<NodeId>)> {
    std::iter::once(path.clone())
        .chain(path.ancestors())
        .find_map(|dir| {
            let nodes = |graph: &Graph| -> Vec<NodeId> {
                readers
                    .iter()
                    .filter_map(|reader| {
                        graph.find(&Node::Package {
                            reader: (*reader).to_owned(),
                            dir: dir.clone(),
                        })
                    })
                    .collect()
            };
            let (in_base, in_head) = (nodes(base), nodes(head));
            (!in_base.is_empty() || !in_head.is_empty()).then_some((dir, in_base, in_head))
        })
}
