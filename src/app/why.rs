//! `tia why` and `tia graph` as use cases.

use std::path::PathBuf;

use super::{AppError, Head, Progress, Workspace};
use crate::config::{ConfigError, FILE_NAME, TEMPLATE};
use crate::graph::{Chain, Graph, NodeId, Seed};
use crate::model::{Node, Reader, Recording, RepoPath, Suite};
use crate::report::text;

/// A path and perhaps a test of one graph, found.
#[derive(Debug)]
pub struct Question {
    graph: Graph,
    path: RepoPath,
    node: Option<NodeId>,
    test: Option<(NodeId, String)>,
    recordings: Vec<Recording>,
}

impl Question {
    /// A shortest chain for the test, or for every test that depends on the path; in order of the tests.
    pub fn chains(&self) -> Vec<(String, Chain)> {
        self.chains_to(self.node)
    }

    fn chains_to(&self, node: Option<NodeId>) -> Vec<(String, Chain)> {
        let Some(node) = node else {
            return Vec::new();
        };
        let reach = self.graph.reach([Seed {
            node,
            bytes_only: false,
        }]);
        let mut chains: Vec<(String, Chain)> = match &self.test {
            Some((test, name)) if reach.contains(*test) => {
                vec![(name.clone(), self.graph.chain(&reach, *test))]
            }
            Some(_) => Vec::new(),
            None => reach
                .iter()
                .filter_map(|id| match self.graph.node(id) {
                    Node::Test(suite) => Some((suite.to_string(), self.graph.chain(&reach, id))),
                    _ => None,
                })
                .collect(),
        };
        chains.sort_by(|a, b| a.0.cmp(&b.0));
        chains
    }

    /// What recordings show of the path: a suite, and lines that say who met it, after the chain to who did.
    pub fn sightings(&self) -> Vec<(String, Vec<String>)> {
        let mut found = Vec::new();
        for recording in &self.recordings {
            for (reader, met) in &recording.readers {
                let Some((meeting, path)) = met.iter().find(|(_, path)| *path == self.path) else {
                    continue;
                };
                let line = text::recorded(reader, *meeting, path, recording.commit.as_deref());
                match reader {
                    Reader::Test { suite, .. } => found.push((suite.clone(), vec![line])),
                    Reader::File(file) => {
                        let node = self.graph.find_path(file);
                        for (suite, chain) in self.chains_to(node) {
                            let mut lines = text::chain(&chain);
                            lines.push(line.clone());
                            found.push((suite, lines));
                        }
                    }
                }
            }
        }
        let asked = self.test.as_ref().map(|(test, _)| self.graph.node(*test));
        found.retain(|(name, _)| match asked {
            Some(Node::Test(suite)) => suite.to_string() == *name,
            _ => true,
        });
        found.sort();
        found
    }

    /// What would have to be tied to what; `None` where there is a chain, or no test was asked for.
    pub fn gap(&self) -> Option<String> {
        let (test, name) = self.test.as_ref()?;
        if !self.chains().is_empty() || !self.sightings().is_empty() {
            return None;
        }
        let names = |ids: Vec<NodeId>| -> Vec<String> {
            ids.into_iter()
                .map(|id| self.graph.node(id))
                .filter(|node| matches!(node, Node::Path(_) | Node::Target { .. }))
                .map(ToString::to_string)
                .collect()
        };
        let reads = names(
            self.graph
                .closure(*test)
                .into_iter()
                .map(|(id, _)| id)
                .collect(),
        );
        let dependents = self.node.map_or_else(Vec::new, |node| {
            let reach = self.graph.reach([Seed {
                node,
                bytes_only: false,
            }]);
            names(reach.iter().filter(|id| *id != node).collect())
        });
        Some(text::not_connected(
            &self.graph,
            &self.path,
            &dependents,
            name,
            &reads,
        ))
    }
}

impl Workspace {
    /// Finds a path and a test in the graph of the working tree.
    ///
    /// # Errors
    /// A path that neither exists nor was probed, a test that does not exist.
    pub fn why(
        &self,
        path: &str,
        test: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Question, AppError> {
        let graph = self.graph_at(None, progress)?;
        let path = RepoPath::new(path);
        let node = graph.find_path(&path);
        let (side, _) = self.head_side(&Head::WorkTree)?;
        let recordings = self.recordings()?;
        let mut seen = recordings
            .iter()
            .flat_map(|recording| &recording.readers)
            .flat_map(|(_, met)| met);
        let seen = seen.any(|(_, other)| *other == path);
        if node.is_none() && !seen && self.repo.entry(&side, &path)?.is_none() {
            return Err(unknown(
                "file",
                path.to_string(),
                graph.iter().filter_map(|(_, node, _)| match node {
                    Node::Path(path) => Some(path.to_string()),
                    _ => None,
                }),
            ));
        }
        let test = test.map(|name| find_test(&graph, name)).transpose()?;
        Ok(Question {
            graph,
            path,
            node,
            test,
            recordings,
        })
    }

    /// The graph of a revision, or of the working tree.
    ///
    /// # Errors
    /// No such revision; contents that cannot be read.
    pub fn graph_at(
        &self,
        revision: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Graph, AppError> {
        let head = revision.map_or(Head::WorkTree, |revision| {
            Head::Revision(revision.to_owned())
        });
        let (side, _) = self.head_side(&head)?;
        self.graph(&side, progress)
    }

    /// Writes the commented `tia.toml`; never over one that is there.
    ///
    /// # Errors
    /// A bare repository, a file that is there already or cannot be written.
    pub fn write_config(&self) -> Result<PathBuf, AppError> {
        let path = self
            .repo
            .work_dir()
            .unwrap_or(self.repo.git_dir())
            .join(FILE_NAME);
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, TEMPLATE.as_bytes()));
        match written {
            Ok(()) => Ok(path),
            Err(source) => Err(ConfigError::Write { path, source }.into()),
        }
    }
}

/// The suite of a test as `tia select` prints it.
fn find_test(graph: &Graph, name: &str) -> Result<(NodeId, String), AppError> {
    let suite = name.split_once("::").map_or(name, |(file, _)| file);
    let file = Node::Test(Suite::Python {
        file: RepoPath::new(suite),
    });
    if let Some(id) = graph.find(&file) {
        return Ok((id, name.to_owned()));
    }
    let mut names = Vec::new();
    for (id, node, _) in graph.iter() {
        if let Node::Test(suite) = node {
            let id_text = suite.to_string();
            if id_text == name {
                return Ok((id, name.to_owned()));
            }
            names.push(id_text);
        }
    }
    Err(unknown("test", name.to_owned(), names.into_iter()))
}

/// The error for a name that is not there, with up to three that hold its last part.
pub(super) fn unknown(
    what: &'static str,
    name: String,
    all: impl Iterator<Item = String>,
) -> AppError {
    let last = name.rsplit(['/', ':']).next().unwrap_or(&name).to_owned();
    let mut near: Vec<String> = all
        .filter(|other| !last.is_empty() && other.contains(&last))
        .collect();
    near.sort_by_key(String::len);
    near.truncate(3);
    AppError::Unknown { what, name, near }
}
