//! Which tests, and why: two graphs and the change between them → a [`Selection`].
//!
//! Deletions are walked in the base graph, additions in the head graph, modifications in both. What is no path (a build
//! target, a pinned package) has changed when its print differs between the graphs. A test is selected when something
//! that changed can be reached from it in either graph.
//!
//! A selection can only be made with its fallbacks, and each changed path ends in one of them, in a seed, or among the
//! paths that provably affect nothing: none is left out in silence.

mod callers;
mod covered;
mod fallback;
mod named;
mod narrow;
mod recorded;
pub mod runner;
mod seeds;
mod selection;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use callers::{Callable, Calls, NamedAt, told_by_calls};
pub use covered::{
    Evidence, Judgement, Reached, Region, Told, drop, is_or_holds, judge, told_by_lines,
};
pub use narrow::{Finer, Namers, namers, narrow, unattributable};
pub use recorded::{add as add_recorded, come_or_gone};
pub use selection::{
    Cause, Fallback, Inert, Outcome, Reason, Scope, Selected, Selection, Sighting, Trail,
};

use crate::edges::Rules;
use crate::graph::{Graph, NodeId};
use crate::model::{Change, Node, RepoPath, Suite};

/// What the language of a modified file says of the edit. Files of no language have none: their bytes changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Edit {
    /// A run can tell the difference.
    Code,
    /// Only comments or layout changed, and every piece of code stands on the line it stood on.
    Comment,
    /// Only comments or layout changed, and code moved to other lines.
    MovedLines,
    /// What changed shows in other nodes (a lockfile's pins in the pinned packages), not in who reads the file.
    Elsewhere,
}

/// Everything that a selection is made of.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The graph of the base snapshot.
    pub base: &'a Graph,
    /// The graph of the head snapshot. The same object as `base` where no edge can differ.
    pub head: &'a Graph,
    /// What differs between the snapshots.
    pub change: &'a Change,
    /// What languages say of modified files.
    pub edits: &'a HashMap<RepoPath, Edit>,
    /// Rules of people.
    pub rules: &'a Rules,
}

/// Selects the tests that the change can affect.
///
/// Cost: one walk backwards over each graph, one more over each where code moved to other lines.
pub fn select(inputs: Inputs<'_>) -> Selection {
    let found = seeds::collect(&inputs);
    let mut selected: BTreeMap<Suite, Selected> = BTreeMap::new();
    let head = inputs.head;
    for (graph, seeds, in_base) in [(head, &found.head, false), (inputs.base, &found.base, true)] {
        let reach = Arc::new(graph.reach(seeds.iter().copied()));
        let affected: Vec<NodeId> = reach.iter().collect();
        let moved = found.moved_lines(graph);
        let both = affected.into_iter().map(|node| (node, reach.clone()));
        for (node, reach) in both.chain(moved) {
            let Node::Test(suite) = graph.node(node) else {
                continue;
            };
            // a test that is gone from the head cannot run
            let Some(here) = head.find(&Node::Test(suite.clone())) else {
                continue;
            };
            selected.entry(suite.clone()).or_insert_with(|| {
                let trail = Trail {
                    reach,
                    node,
                    in_base,
                };
                Selected::new(suite.clone(), head.info(here), Reason::Affected(trail))
            });
        }
    }
    let everything = found.everything.first().cloned();
    for (_, node, info) in head.iter() {
        let Node::Test(suite) = node else { continue };
        let reason = match &everything {
            Some(cause) => Reason::Everything(cause.clone()),
            None => match found.ruled(suite) {
                Some(path) => Reason::Ruled(path),
                None => continue,
            },
        };
        selected
            .entry(suite.clone())
            .or_insert_with(|| Selected::new(suite.clone(), info, reason));
    }
    let suites = head.counts().suites;
    Selection::new(
        selected.into_values().collect(),
        suites,
        everything.is_some(),
        found.fallbacks,
        found.inert,
    )
}

/// Everything, because the change itself could not be told.
pub fn everything(head: &Graph, cause: Cause) -> Selection {
    let fallback = Fallback {
        path: RepoPath::root(),
        scope: Scope::Everything,
        cause,
    };
    let selected = head
        .iter()
        .filter_map(|(_, node, info)| match node {
            Node::Test(suite) => Some(Selected::new(
                suite.clone(),
                info,
                Reason::Everything(fallback.clone()),
            )),
            _ => None,
        })
        .collect();
    Selection::new(
        selected,
        head.counts().suites,
        true,
        vec![fallback],
        Vec::new(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::model::{BlobId, Claim, EdgeKind, EdgeSink, Entry, Fingerprint, Mode, PathChange};

    /// `src/a.py` is imported by `test_a`, `data.txt` is named by `test_b`, `README.md` by nobody; `pkg` holds both tests.
    fn graph(print: u128) -> Graph {
        let mut sink = EdgeSink::default();
        let package = sink.node(Node::Package {
            reader: "python".into(),
            dir: "pkg".into(),
        });
        for (name, on, kind) in [
            ("pkg/test_a.py", "pkg/a.py", EdgeKind::Import),
            ("pkg/test_b.py", "pkg/data.txt", EdgeKind::Mention),
        ] {
            let suite = Suite::Python { file: name.into() };
            let test = sink.test(suite, vec!["test_x".into()], true);
            let file = sink.claim(&name.into());
            let on = sink.claim(&on.into());
            sink.edge(test, file, EdgeKind::Defines, 0);
            sink.edge(file, on, kind, 3);
            sink.edge(file, package, EdgeKind::Member, 0);
        }
        let a = sink.path(&"pkg/a.py".into());
        let library = sink.node(Node::External {
            ecosystem: "pypi".into(),
            name: "lib".into(),
            version: String::new(),
        });
        sink.print(library, Fingerprint(print));
        sink.edge(a, library, EdgeKind::External, 1);
        sink.settle(&"uv.lock".into());
        sink.claim(&"pkg/orphan.py".into());
        let asks = sink.path(&"pkg/test_a.py".into());
        sink.info(asks).reads_lines = true;
        assert_eq!(sink.nodes[0].claim, Claim::Nobody);
        Graph::build(sink)
    }

    fn entry(n: u8) -> Option<Entry> {
        Some(Entry {
            mode: Mode::File,
            blob: BlobId { 0: [n; 20] },
        })
    }

    fn modified(path: &str) -> PathChange {
        PathChange {
            path: path.into(),
            before: entry(1),
            after: entry(2),
            other_side: None,
        }
    }

    /// The files of the selected tests, then the fallbacks, then the paths without effect.
    fn outcome(change: PathChange, edit: Option<Edit>, head_print: u128) -> String {
        let (base, head) = (graph(1), graph(head_print));
        let edits = edit
            .map(|edit| (change.path.clone(), edit))
            .into_iter()
            .collect();
        let change = Change {
            paths: vec![change],
        };
        let rules = Rules::new(&[]).unwrap();
        let head = if head_print == 1 { &base } else { &head };
        let selection = select(Inputs {
            base: &base,
            head,
            change: &change,
            edits: &edits,
            rules: &rules,
        });
        let mut words: Vec<String> = selection
            .selected()
            .iter()
            .map(|s| s.suite.to_string())
            .collect();
        words.extend(
            selection
                .fallbacks()
                .iter()
                .map(|f| format!("fallback {:?} {:?}", f.scope, f.cause)),
        );
        words.extend(
            selection
                .inert()
                .iter()
                .map(|i| format!("no effect {}", i.path)),
        );
        words.join(", ")
    }

    #[test]
    fn an_edit_of_code_selects_what_depends_on_it() {
        assert_eq!(
            outcome(modified("pkg/a.py"), Some(Edit::Code), 1),
            "pkg/test_a.py"
        );
        assert_eq!(outcome(modified("pkg/data.txt"), None, 1), "pkg/test_b.py");
    }

    #[test]
    fn an_edit_of_comments_selects_only_who_reads_bytes() {
        assert_eq!(
            outcome(modified("pkg/a.py"), Some(Edit::Comment), 1),
            "no effect pkg/a.py"
        );
        assert_eq!(
            outcome(modified("pkg/data.txt"), Some(Edit::Comment), 1),
            "pkg/test_b.py, no effect pkg/data.txt"
        );
    }

    #[test]
    fn moved_lines_select_the_tests_that_ask_for_line_numbers() {
        assert_eq!(
            outcome(modified("pkg/a.py"), Some(Edit::MovedLines), 1),
            "pkg/test_a.py, no effect pkg/a.py"
        );
    }

    #[test]
    fn what_nobody_knows_falls_back_to_the_package_around_it_or_to_everything() {
        assert_eq!(
            outcome(modified("pkg/x/unknown.bin"), None, 1),
            "pkg/test_a.py, pkg/test_b.py, fallback Package(RepoPath(\"pkg\")) Unclaimed"
        );
        assert_eq!(
            outcome(modified("unknown.bin"), None, 1),
            "pkg/test_a.py, pkg/test_b.py, fallback Everything Unclaimed"
        );
    }

    #[test]
    fn a_followed_path_that_no_test_reaches_falls_back_and_a_settled_one_does_not() {
        assert_eq!(
            outcome(modified("pkg/orphan.py"), Some(Edit::Code), 1),
            "pkg/test_a.py, pkg/test_b.py, fallback Package(RepoPath(\"pkg\")) Unreached"
        );
        assert_eq!(outcome(modified("uv.lock"), Some(Edit::Code), 1), "");
    }

    #[test]
    fn a_pinned_package_whose_print_differs_selects_its_importers() {
        assert_eq!(
            outcome(modified("uv.lock"), Some(Edit::Code), 2),
            "pkg/test_a.py"
        );
    }

    #[test]
    fn rules_decide_what_no_reader_can() {
        assert_eq!(
            outcome(modified("README.md"), None, 1),
            "no effect README.md"
        );
        assert_eq!(
            outcome(modified("tia.toml"), None, 1),
            "pkg/test_a.py, pkg/test_b.py, \
             fallback Everything Rule(\"configures the selection itself\")"
        );
    }
}
