//! JSON for machines. Every document starts with the name and version of its schema.
//!
//! The structs are the schema of version 1 and do not change: a field is added with a default meaning, never renamed.
//! `docs/json-v1.md` describes them.

pub mod culprit;
pub mod flaky;
pub mod history;
pub mod nightly;
pub mod triage;

use serde::Serialize;

use crate::graph::{Chain, Graph};
use crate::model::{Change, ChangeKind, Node, Note, Reader, Suite};
use crate::report::Covered;
use crate::select::{Outcome, Reason, Scope, Selection, Sighting};

/// The document of `tia select --format json`.
#[derive(Debug, Serialize)]
pub struct SelectV1 {
    schema: &'static str,
    version: u32,
    base: String,
    head: String,
    outcome: Outcome,
    suites_selected: usize,
    suites_total: usize,
    changes: Vec<ChangeV1>,
    tests: Vec<TestV1>,
    fallbacks: Vec<FallbackV1>,
    inert: Vec<InertV1>,
    notes: Vec<NoteV1>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<CoverageV1>,
}

#[derive(Debug, Serialize)]
struct CoverageV1 {
    measured_at: String,
    tests: usize,
    dropped: usize,
    definitions: Vec<DefinitionV1>,
    whole_files: Vec<InertV1>,
    not_measured_in_full: Vec<String>,
    taken_as_measured: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DefinitionV1 {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tests: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    narrows_nothing: Option<String>,
}

#[derive(Debug, Serialize)]
struct ChangeV1 {
    path: String,
    kind: ChangeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_side: Option<String>,
}

#[derive(Debug, Serialize)]
struct TestV1 {
    id: String,
    runner: &'static str,
    cases: Vec<String>,
    cases_complete: bool,
    reason: ReasonV1,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum ReasonV1 {
    Affected(ChainV1),
    Everything { path: String, cause: String },
    Ruled { path: String },
    Recorded(RecordedV1),
}

#[derive(Debug, Serialize)]
struct RecordedV1 {
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    met: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chain: Vec<LinkV1>,
}

/// A chain from a test to what changed.
#[derive(Debug, Serialize)]
pub struct ChainV1 {
    changed: String,
    chain: Vec<LinkV1>,
}

#[derive(Debug, Serialize)]
struct LinkV1 {
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    kind: String,
    to: String,
}

#[derive(Debug, Serialize)]
struct FallbackV1 {
    path: String,
    scope: String,
    cause: String,
}

#[derive(Debug, Serialize)]
struct InertV1 {
    path: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct NoteV1 {
    path: String,
    line: u32,
    text: String,
}

/// What [`select()`] shows of a selection, beside the selection itself.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// What differs.
    pub change: &'a Change,
    /// What was compared with, in words.
    pub base: &'a str,
    /// What the change leads to, in words.
    pub head: &'a str,
    /// The graph of the base.
    pub base_graph: &'a Graph,
    /// The graph of the head.
    pub head_graph: &'a Graph,
    /// What coverage said, where it was asked.
    pub covered: Option<&'a Covered>,
}

/// The document of a selection.
pub fn select(selection: &Selection, compared: Compared<'_>) -> SelectV1 {
    let Compared {
        change,
        base,
        head,
        base_graph,
        head_graph,
        covered,
    } = compared;
    let notes: &[Note] = head_graph.notes();
    SelectV1 {
        schema: "tia.select",
        version: 1,
        base: base.to_owned(),
        head: head.to_owned(),
        outcome: selection.outcome(),
        suites_selected: selection.selected().len(),
        suites_total: selection.suites(),
        changes: change
            .paths
            .iter()
            .map(|change| ChangeV1 {
                path: change.path.to_string(),
                kind: change.kind(),
                other_side: change.other_side.as_ref().map(ToString::to_string),
            })
            .collect(),
        tests: selection
            .selected()
            .iter()
            .map(|selected| TestV1 {
                id: selected.suite.to_string(),
                runner: match selected.suite {
                    Suite::Python { .. } => "pytest",
                    Suite::Cargo { .. } => "cargo",
                },
                cases: selected.cases.clone(),
                cases_complete: selected.complete,
                reason: reason(&selected.reason, base_graph, head_graph),
            })
            .collect(),
        fallbacks: selection
            .fallbacks()
            .iter()
            .map(|fallback| FallbackV1 {
                path: fallback.path.to_string(),
                scope: match &fallback.scope {
                    Scope::Everything => "everything".to_owned(),
                    Scope::Package(dir) => format!("package:{dir}"),
                },
                cause: fallback.cause.text(),
            })
            .collect(),
        inert: selection
            .inert()
            .iter()
            .map(|inert| InertV1 {
                path: inert.path.to_string(),
                why: inert.why.clone(),
            })
            .collect(),
        notes: notes
            .iter()
            .map(|note| NoteV1 {
                path: note.path.to_string(),
                line: note.line,
                text: note.text.clone(),
            })
            .collect(),
        coverage: covered.map(coverage),
    }
}

fn coverage(covered: &Covered) -> CoverageV1 {
    let definitions = covered.regions.iter().map(|(name, reaches)| DefinitionV1 {
        name: name.clone(),
        tests: reaches.as_ref().ok().copied(),
        narrows_nothing: reaches.as_ref().err().cloned(),
    });
    let whole = covered.whole.iter().map(|(path, why)| InertV1 {
        path: path.to_string(),
        why: why.clone(),
    });
    CoverageV1 {
        measured_at: covered.measured_at.clone(),
        tests: covered.tests,
        dropped: covered.dropped,
        definitions: definitions.collect(),
        whole_files: whole.collect(),
        not_measured_in_full: covered.unmeasured.clone(),
        taken_as_measured: covered.assumed.clone(),
        warnings: covered.warnings.clone(),
    }
}

fn reason(reason: &Reason, base: &Graph, head: &Graph) -> ReasonV1 {
    match reason {
        Reason::Affected(trail) => ReasonV1::Affected(chain(&trail.chain(base, head))),
        Reason::Everything(fallback) => ReasonV1::Everything {
            path: fallback.path.to_string(),
            cause: fallback.cause.text(),
        },
        Reason::Ruled(path) => ReasonV1::Ruled {
            path: path.to_string(),
        },
        Reason::Recorded(sighting) => ReasonV1::Recorded(recorded(sighting, base, head)),
    }
}

fn recorded(sighting: &Sighting, base: &Graph, head: &Graph) -> RecordedV1 {
    let (case, file) = match &sighting.reader {
        Reader::Test { case, .. } => (case.clone(), None),
        Reader::File(file) => (None, Some(file.to_string())),
    };
    let trail = sighting.trail.as_ref();
    RecordedV1 {
        case,
        file,
        met: sighting.meeting.verb(),
        path: sighting.path.to_string(),
        commit: sighting.commit.clone(),
        chain: trail.map_or_else(Vec::new, |trail| chain(&trail.chain(base, head)).chain),
    }
}

/// A chain, from the test to what changed.
pub fn chain(chain: &Chain) -> ChainV1 {
    let links = chain.links.iter().enumerate().map(|(i, link)| LinkV1 {
        from: link.from.to_string(),
        line: (link.line > 0).then_some(link.line),
        kind: format!("{:?}", link.kind).to_lowercase(),
        to: chain
            .links
            .get(i + 1)
            .map_or(&chain.change, |next| &next.from)
            .to_string(),
    });
    ChainV1 {
        changed: chain.change.to_string(),
        chain: links.collect(),
    }
}

/// The document of `tia graph --format json`.
#[derive(Debug, Serialize)]
pub struct GraphV1 {
    schema: &'static str,
    version: u32,
    nodes: Vec<NodeV1>,
    edges: Vec<EdgeV1>,
}

#[derive(Debug, Serialize)]
struct NodeV1 {
    kind: &'static str,
    name: String,
}

#[derive(Debug, Serialize)]
struct EdgeV1 {
    from: usize,
    to: usize,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

/// The document of a graph; edges refer to nodes by their place in the list, from 0.
pub fn graph(graph: &Graph) -> GraphV1 {
    let place: std::collections::HashMap<_, _> = graph
        .iter()
        .enumerate()
        .map(|(i, (id, _, _))| (id, i))
        .collect();
    let nodes = graph
        .iter()
        .map(|(_, node, _)| NodeV1 {
            kind: kind(node),
            name: node.to_string(),
        })
        .collect();
    let edges = graph
        .iter()
        .flat_map(|(from, _, _)| {
            let place = &place;
            graph.dependencies(from).map(move |(to, link)| EdgeV1 {
                from: place[&from],
                to: place[&to],
                kind: format!("{:?}", link.kind).to_lowercase(),
                line: (link.line > 0).then_some(link.line),
            })
        })
        .collect();
    GraphV1 {
        schema: "tia.graph",
        version: 1,
        nodes,
        edges,
    }
}

fn kind(node: &Node) -> &'static str {
    match node {
        Node::Path(_) => "path",
        Node::Dir(_) | Node::Sources(_) => "directory",
        Node::Package { .. } => "package",
        Node::Target { .. } => "target",
        Node::Test(_) => "test",
        Node::External { .. } => "external",
        Node::Module { .. } => "module",
    }
}
