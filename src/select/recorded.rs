//! What recordings add to a selection: tests that were seen to meet what changed. Nothing is ever left out because of them,
//! so a recording of another commit does no harm: it may add too much, and what it lacks is as it is without it.
//!
//! A test is added where it met what changed, where it met what depends on that in the graph, and where it can load a file
//! that met what changed while it was loaded. What a process of tests only *loads* is source that the layers below read as
//! well: where the graph leads from the test to the change anyway, they know better.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::selection::{Addition, Sighting};
use super::{Inputs, Selection, Trail, seeds};
use crate::edges::Affects;
use crate::graph::{Graph, Reach, Seed};
use crate::model::{Change, Meeting, Node, NodeInfo, Reader, Recording, RepoPath, Suite};

/// The paths that a change brings or takes away, with the directories that come or go with them. `is_dir` tells whether a
/// directory is there in the base, and in the head.
pub fn come_or_gone(
    change: &Change,
    is_dir: impl Fn(&RepoPath) -> [bool; 2],
) -> BTreeSet<RepoPath> {
    let mut found = BTreeSet::new();
    for change in &change.paths {
        if change.before.is_some() == change.after.is_some() {
            continue;
        }
        found.insert(change.path.clone());
        found.extend(change.path.ancestors().take_while(|dir| {
            let [base, head] = is_dir(dir);
            base != head
        }));
    }
    found
}

/// Adds to a selection the tests that were seen to meet what changed. `come_or_gone` is what [`come_or_gone`] tells.
///
/// Cost: one walk over each graph, one more for each round in which files met what changed while they were loaded, and one
/// pass over the recordings for each.
pub fn add(
    selection: Selection,
    inputs: Inputs<'_>,
    recordings: &[Recording],
    come_or_gone: &BTreeSet<RepoPath>,
) -> Selection {
    if recordings
        .iter()
        .all(|recording| recording.readers.is_empty())
    {
        return selection;
    }
    let felt = Felt::new(inputs, recordings, come_or_gone);
    let suites: HashMap<String, (&Suite, &NodeInfo)> = inputs
        .head
        .iter()
        .filter_map(|(_, node, info)| match node {
            Node::Test(suite) => Some((suite.to_string(), (suite, info))),
            _ => None,
        })
        .collect();
    let mut additions: BTreeMap<Suite, Addition> = BTreeMap::new();
    let mut put = |(suite, info): (&Suite, &NodeInfo), case: Option<&str>, sighting: Sighting| {
        let addition = additions
            .entry(suite.clone())
            .or_insert_with(|| Addition::new(info, sighting));
        addition.add(suite, case);
    };
    for recording in recordings {
        for (reader, met) in &recording.readers {
            let Reader::Test { suite, case } = reader else {
                continue;
            };
            // a test that is gone cannot run
            let Some(&here) = suites.get(suite) else {
                continue;
            };
            let known = felt.graph_reaches(&Node::Test(here.0.clone()));
            let met = met.iter().find(|(meeting, path)| {
                !(known && *meeting == Meeting::Loads) && felt.feels(*meeting, path)
            });
            if let Some(met) = met {
                put(here, case.as_deref(), felt.sighting(reader, met, recording));
            }
        }
    }
    for (suite, info) in suites.into_values() {
        if let Some(sighting) = felt.loads(suite) {
            put((suite, info), None, sighting);
        }
    }
    selection.with(additions)
}

/// A walk over a graph; whether it is that of the base.
type Walked<'a> = (&'a Graph, Arc<Reach>, bool);

/// What a change can be felt by.
struct Felt<'a> {
    changed: BTreeSet<&'a RepoPath>,
    come_or_gone: &'a BTreeSet<RepoPath>,
    /// Directories in which a name came or went.
    listings: BTreeSet<RepoPath>,
    /// What the graph leads to.
    graph: Vec<Walked<'a>>,
    /// Files that met something felt while they were loaded.
    loaders: BTreeMap<&'a RepoPath, Sighting>,
    /// What the graph leads to from those.
    more: Vec<Walked<'a>>,
}

impl<'a> Felt<'a> {
    fn new(
        inputs: Inputs<'a>,
        recordings: &'a [Recording],
        come_or_gone: &'a BTreeSet<RepoPath>,
    ) -> Self {
        let found = seeds::collect(&inputs);
        let walk = |graph: &'a Graph, seeds: &[Seed], in_base| {
            (graph, Arc::new(graph.reach(seeds.iter().copied())), in_base)
        };
        let changed = inputs.change.paths.iter().map(|change| &change.path);
        let changed = changed.filter(|path| {
            let rule = inputs.rules.first_match(path);
            !rule.is_some_and(|rule| matches!(rule.affects, Affects::Nothing))
        });
        let mut felt = Self {
            changed: changed.collect(),
            come_or_gone,
            listings: come_or_gone.iter().filter_map(RepoPath::parent).collect(),
            graph: vec![
                walk(inputs.head, &found.head, false),
                walk(inputs.base, &found.base, true),
            ],
            loaders: BTreeMap::new(),
            more: Vec::new(),
        };
        while felt.find_loaders(recordings) {
            felt.more = [(inputs.head, false), (inputs.base, true)]
                .into_iter()
                .map(|(graph, in_base)| {
                    let nodes = felt.loaders.keys().filter_map(|file| graph.find_path(file));
                    let seeds: Vec<Seed> = nodes
                        .map(|node| Seed {
                            node,
                            bytes_only: false,
                        })
                        .collect();
                    walk(graph, &seeds, in_base)
                })
                .collect();
        }
        felt
    }

    /// Looks for files that feel something and are not known to; whether there are.
    fn find_loaders(&mut self, recordings: &'a [Recording]) -> bool {
        let before = self.loaders.len();
        for recording in recordings {
            for (reader, met) in &recording.readers {
                let Reader::File(file) = reader else { continue };
                if self.loaders.contains_key(file) {
                    continue;
                }
                let known = self.graph_reaches(&Node::Path(file.clone()));
                let met = met.iter().find(|(meeting, path)| {
                    !(known && *meeting == Meeting::Loads) && self.feels(*meeting, path)
                });
                if let Some(met) = met {
                    let sighting = self.sighting(reader, met, recording);
                    self.loaders.insert(file, sighting);
                }
            }
        }
        self.loaders.len() > before
    }

    fn feels(&self, meeting: Meeting, path: &RepoPath) -> bool {
        match meeting {
            Meeting::LooksFor => self.come_or_gone.contains(path),
            Meeting::Lists => self.listings.contains(path),
            Meeting::Reads if self.changed.contains(path) => true,
            Meeting::Reads | Meeting::Loads => {
                let node = Node::Path(path.clone());
                reaches(&self.graph, &node) || reaches(&self.more, &node)
            }
        }
    }

    fn graph_reaches(&self, node: &Node) -> bool {
        reaches(&self.graph, node)
    }

    /// Why a suite is added for what it loads.
    fn loads(&self, suite: &Suite) -> Option<Sighting> {
        let node = Node::Test(suite.clone());
        self.more.iter().find_map(|(graph, reach, in_base)| {
            let id = graph.find(&node).filter(|id| reach.contains(*id))?;
            let Node::Path(file) = graph.chain(reach, id).change else {
                return None;
            };
            let trail = Trail {
                reach: reach.clone(),
                node: id,
                in_base: *in_base,
            };
            Some(Sighting {
                trail: Some(trail),
                ..self.loaders.get(&file)?.clone()
            })
        })
    }

    fn sighting(
        &self,
        reader: &Reader,
        (meeting, path): &(Meeting, RepoPath),
        recording: &Recording,
    ) -> Sighting {
        Sighting {
            reader: reader.clone(),
            meeting: *meeting,
            path: path.clone(),
            commit: recording.commit.clone(),
            trail: None,
        }
    }
}

fn reaches(walks: &[Walked<'_>], node: &Node) -> bool {
    let mut walks = walks.iter();
    walks.any(|(graph, reach, _)| graph.find(node).is_some_and(|id| reach.contains(id)))
}
