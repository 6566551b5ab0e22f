//! Suites of Cargo: a test begins at its function, with what is run unasked in every crate that it links.

use super::{Begun, Selected, Side, case_by_case};
use crate::graph::{NodeId, Walk};
use crate::model::{CargoTest, EdgeKind, ModuleId, Node, ProgramSuite, Suite, UnitId};

/// A suite in one version of the program.
struct Place<'a> {
    node: NodeId,
    suite: &'a ProgramSuite,
}

/// Keeps the tests of a suite that reach what changed.
pub(super) fn judge(mut selected: Selected, sides: &[Side<'_>]) -> Option<Selected> {
    let mut begun: Vec<Begun<'_, '_, Place<'_>>> = Vec::new();
    for side in sides {
        let (walk, place) = match begin(side, &selected.suite) {
            Ok(begun) => begun,
            Err(why) => {
                selected.by = vec![why];
                return Some(selected);
            }
        };
        if let Some(unit) = side.hit(&walk) {
            selected.by = side.told(&walk, unit);
            return Some(selected);
        }
        begun.push((side, walk, place));
    }
    case_by_case(selected, &begun, |side, walk, place, case| {
        side.symbols
            .extend(walk, entries(side, place, case).iter().copied());
    })
}

/// The walk from what runs before any test of the suite is called; or why nothing can be told.
fn begin<'a>(side: &Side<'a>, suite: &Suite) -> Result<(Walk, Place<'a>), String> {
    let program = side.symbols.program();
    let unseen = || "it is new, or made of files that cannot be seen".to_owned();
    let node = side
        .graph
        .find(&Node::Test(suite.clone()))
        .ok_or_else(unseen)?;
    let own = program.suites.get(suite).ok_or_else(unseen)?;
    if let Some(why) = &own.blind {
        return Err(why.clone());
    }
    // a test of the package may run its programs
    let runs_programs = matches!(
        suite,
        Suite::Cargo {
            target: CargoTest::Test(_) | CargoTest::Bench(_),
            ..
        }
    );
    let mut loaded = Vec::new();
    let mut programs: Vec<UnitId> = Vec::new();
    for (id, _) in side.graph.closure(node) {
        match side.graph.node(id) {
            Node::Path(path) => {
                if let Some(&module) = side.modules.get(path) {
                    side.can_see(module)?;
                    loaded.push(module);
                }
            }
            Node::Target { kind, .. } if runs_programs && kind == "bin" => {
                for module in roots(side, id) {
                    programs.extend(&program.modules[module as usize].main);
                }
            }
            Node::Target { kind, .. } if kind == "build-script" => runs_in_build(side, id)?,
            _ => {}
        }
    }
    let mut walk = side.symbols.walk(&loaded, &loaded, side.tests.clone());
    side.symbols.extend(&mut walk, programs);
    Ok((walk, Place { node, suite: own }))
}

/// Nothing, unless a build script is made of something that changed: what it generates cannot be seen.
fn runs_in_build(side: &Side<'_>, script: NodeId) -> Result<(), String> {
    let program = side.symbols.program();
    for (id, _) in side.graph.closure(script) {
        let Node::Path(path) = side.graph.node(id) else {
            continue;
        };
        let changed = |module: &ModuleId| {
            let mut changed = side.changed.iter();
            changed.any(|unit| program.units[*unit as usize].module == *module)
        };
        if side.modules.get(path).is_some_and(changed) {
            return Err(format!("a build script runs {path}"));
        }
    }
    Ok(())
}

/// The files that a target starts at.
fn roots(side: &Side<'_>, target: NodeId) -> Vec<ModuleId> {
    let all = side.graph.dependencies(target);
    let roots = all.filter(|(_, link)| link.kind == EdgeKind::Root);
    let paths = roots.filter_map(|(to, _)| match side.graph.node(to) {
        Node::Path(path) => side.modules.get(path).copied(),
        _ => None,
    });
    paths.collect()
}

/// Where a case begins. What this version does not have begins nowhere; what cannot be found may begin anywhere.
fn entries<'a>(side: &Side<'_>, place: &'a Place<'_>, case: &str) -> &'a [UnitId] {
    if let Some(units) = place.suite.cases.get(case) {
        return units;
    }
    let info = side.graph.info(place.node);
    let absent = info.cases_complete && !info.cases.iter().any(|known| known == case);
    if absent && !case.is_empty() {
        return &[];
    }
    &place.suite.whole
}
