//! The history's tests and the graph's: which of them are the same.

use super::{AppError, Progress, Workspace};
use crate::graph::Graph;
use crate::lang::Tests;
use crate::model::{Node, TestId};

/// How many of the history's tests are tests of the graph.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Joins {
    /// Tests that join.
    pub joined: usize,
    /// Tests that do not, the first few.
    pub others: Vec<TestId>,
    /// How many do not.
    pub not_joined: usize,
}

/// So many tests that do not join are named.
const NAMED: usize = 5;

/// The live tests of a graph, to join others to.
pub(super) fn known(graph: &Graph) -> Tests<'_> {
    Tests::new(graph.iter().filter_map(|(id, node, info)| match node {
        Node::Test(suite) if graph.is_live(id) => Some((suite, info.cases.as_slice())),
        _ => None,
    }))
}

impl Workspace {
    /// Joins tests to the graph of the working tree (of HEAD in a bare repository).
    ///
    /// # Errors
    /// The graph cannot be laid out.
    pub fn joins<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a TestId>,
        progress: &dyn Progress,
    ) -> Result<Joins, AppError> {
        let graph = self.graph_at(None, progress)?;
        let tests = known(&graph);
        let mut joins = Joins::default();
        for id in ids {
            if tests.join(id).is_some() {
                joins.joined += 1;
            } else {
                joins.not_joined += 1;
                if joins.others.len() < NAMED {
                    joins.others.push(id.clone());
                }
            }
        }
        Ok(joins)
    }
}
