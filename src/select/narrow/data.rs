//! Data files, told by the definitions that name them.
//!
//! Who reads a data file has its name from a text that stands somewhere: in the body of a function, then whoever feels the file runs
//! that function; or in a constant, then whoever feels it runs a function that uses the constant. So a data file that changed counts
//! for each definition that names it; where it is named by what runs on import, for the whole file that does.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, NodeId};
use crate::model::{EdgeKind, Node, Program, ProgramModule, RepoPath, UnitId};

/// The files that name a data file, each with the places of the definitions that do; no places where the file does so as a whole.
pub type Namers = BTreeMap<RepoPath, Option<BTreeSet<u32>>>;

/// Who names a data file of the graph; `None` where it may be read in other ways. `loaded` are the files that a selected test can load.
/// Of a file of `code` only its bytes are asked about: who imports it is told by its definitions.
///
/// Cost: one pass over the definitions of each file that names it.
pub fn namers(
    (graph, program): (&Graph, &Program),
    path: &RepoPath,
    code: bool,
    loaded: &dyn Fn(&RepoPath) -> bool,
) -> Option<Namers> {
    let mut found = Namers::new();
    let mut next: Vec<NodeId> = vec![graph.find_path(path)?];
    while let Some(node) = next.pop() {
        for (dependent, link) in graph.dependents(node) {
            if !graph.is_live(dependent) {
                continue;
            }
            let imports = matches!(
                link.kind,
                EdgeKind::Import
                    | EdgeKind::Ancestor
                    | EdgeKind::DynamicImport
                    | EdgeKind::Conftest
                    | EdgeKind::Plugin
                    | EdgeKind::Defines
                    | EdgeKind::Member
                    | EdgeKind::Probe
            );
            match graph.node(dependent) {
                _ if code && imports => {}
                // a directory, for those who name it
                Node::Dir(_) | Node::Sources(_) => next.push(dependent),
                Node::Path(namer) if !loaded(namer) => {}
                Node::Path(namer) => {
                    if !matches!(link.kind, EdgeKind::Mention | EdgeKind::Contains) {
                        return None;
                    }
                    let mut modules = program.modules.iter();
                    let at = modules.position(|module| module.path == *namer)?;
                    let places = found
                        .entry(namer.clone())
                        .or_insert_with(|| Some(BTreeSet::new()));
                    match named_in(program, at, link.line) {
                        Some(unit) => {
                            let place = unit - program.modules[at].first;
                            places.as_mut().map(|places| places.insert(place));
                        }
                        None => *places = None,
                    }
                }
                _ => return None,
            }
        }
    }
    Some(found)
}

/// The definition whose body, or value, holds a line, or whose head does so and does nothing with it.
pub(in crate::select) fn named_in(program: &Program, module: usize, line: u32) -> Option<UnitId> {
    let holds = |(first, last): (u32, u32)| (first..=last).contains(&line);
    let next = program.modules.get(module + 1);
    let first = program.modules[module].first;
    let last = next.map_or(program.units.len() as UnitId, |next: &ProgramModule| {
        next.first
    });
    let inner = (first..last)
        .filter(|unit| {
            let own = &program.units[*unit as usize];
            !own.name.is_empty() && holds(own.lines)
        })
        .max_by_key(|unit| program.units[*unit as usize].lines.0)?;
    let own = &program.units[inner as usize];
    let is_head = |class: u32| program.classes[class as usize].head == Some(inner);
    let is_own = match own.is_value {
        // what makes an object may open the file
        true => !own.is_object && !own.class.is_some_and(is_head),
        false => own.plain_head || own.body.is_some_and(holds),
    };
    is_own.then_some(inner)
}
