//! Tests of Cargo: a change to the body of a function is felt by who ran one of its lines.
//!
//! Rust checks other code against signatures alone, and the body of a function runs when that is called and at no other time, unless
//! it is a `const fn`. So a test that ran none of its lines does what it did. Another text of a constant or a macro is felt by who ran a
//! function that names it. What else changes shows in no line.
//!
//! Not seen: what a test leaves behind for others of its process in a static, in the environment, on disk; processes that are forked by
//! packages from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Finer;
use super::super::named::Named;
use super::{Evidence, Judgement, Region, place};
use crate::model::{
    Attributed, Bits, Both, ModuleId, Node, Program, ProgramUnit, RepoPath, Suite, UnitId,
};

const UNTOLD: &str = "it may run, or be read, where no line shows it";

/// Judges each definition that differs between the measured commit and the head, for tests of Cargo.
///
/// Cost: a walk of the graph for each measured executable, and for each definition one pass over who ran its file.
pub(super) fn judge(finer: &Finer<'_>, evidence: &Evidence) -> Judgement {
    let mut judged = Judgement {
        blind: blind(finer, evidence),
        ..Judgement::default()
    };
    let built = run_in_build(finer);
    for (path, change) in finer.files {
        let mut left = Attributed {
            data: change.data,
            ..Attributed::default()
        };
        for both in &change.units {
            let reaches = match built.contains(path) {
                true => Err("it may run while others are built".to_owned()),
                false => reaches(finer, evidence, path, change, both),
            };
            if reaches.is_err() {
                left.units.push(*both);
                let heads = change.heads.iter();
                left.heads.extend(heads.filter(|head| *head == both));
            }
            let Some((program, unit)) = place(finer, path, both) else {
                continue;
            };
            let unit = &program.units[unit as usize];
            judged.regions.push(Region {
                path: path.clone(),
                line: unit.lines.0,
                name: unit.name.clone(),
                reaches,
            });
        }
        if path.extension() != b"rs" {
            judged.rest.insert(path.clone(), change.clone());
        } else if left.data || !left.units.is_empty() {
            judged.rest.insert(path.clone(), left);
        }
    }
    judged
}

/// The tests that ran the body in which alone a definition differs; or why that cannot be told.
fn reaches(
    finer: &Finer<'_>,
    evidence: &Evidence,
    path: &RepoPath,
    change: &Attributed,
    both: &Both,
) -> Result<Bits, String> {
    if path.extension() != b"rs" {
        return Err("coverage of Cargo's tests is followed in Rust files alone".to_owned());
    }
    let (Some(_), Some(_), false) = (both.0, both.1, change.heads.contains(both)) else {
        return Err("it is new, gone, or got at in another way".to_owned());
    };
    let found = place(finer, path, both).zip(place(finer, path, &(None, both.1)));
    let ((base, before), (head, after)) = found.ok_or_else(|| "it cannot be found".to_owned())?;
    let (was, is) = (&base.units[before as usize], &head.units[after as usize]);
    match (was.body, is.body) {
        (Some(_), Some(_)) => ran(base, evidence, before),
        (None, None) if was.is_value && is.is_value => users(base, evidence, before),
        _ => Err(UNTOLD.to_owned()),
    }
}

/// Who ran the body of a function; `None` where it has none, or its file was not measured.
fn in_body(program: &Program, evidence: &Evidence, unit: UnitId) -> Option<Bits> {
    let own = &program.units[unit as usize];
    let path = &program.modules[own.module as usize].path;
    Some(evidence.ran(path, &[own.body?])?.0)
}

/// The tests that ran a line of a function.
fn ran(program: &Program, evidence: &Evidence, unit: UnitId) -> Result<Bits, String> {
    let own = &program.units[unit as usize];
    let path = &program.modules[own.module as usize].path;
    let body = own.body.ok_or_else(|| UNTOLD.to_owned())?;
    let would_show = |lines: &Bits| lines.meets(body.0..=body.1);
    let tests = in_body(program, evidence, unit).unwrap_or_default();
    // what is left out by a condition, or not measured, may run all the same
    match evidence.seen.get(path).is_some_and(would_show) || !tests.is_empty() {
        true => Ok(tests),
        false => Err(format!("`{}` is not among what was measured", own.name)),
    }
}

/// The tests that ran a function which names a constant or a macro, or something that does.
fn users(program: &Program, evidence: &Evidence, value: UnitId) -> Result<Bits, String> {
    let mut found = Bits::default();
    let mut values = vec![value];
    let mut at = 0;
    while let Some(&value) = values.get(at) {
        at += 1;
        let module = program.units[value as usize].module;
        if program.modules[module as usize].runs.contains(&value) {
            return Err(UNTOLD.to_owned());
        }
        let mut members = program
            .classes
            .iter()
            .flat_map(|class| class.members.values());
        if members.any(|units| units.contains(&value)) {
            return Err("it belongs to a type or a trait".to_owned());
        }
        let named = Named::new(program, value);
        let name = program.units[value as usize].name.rsplit("::").next();
        let in_head = |own: &ProgramUnit| {
            let mut words = own.in_head.iter();
            words.any(|word| Some(program.words[*word as usize].as_str()) == name)
        };
        for (own, user) in program.units.iter().zip(0..) {
            if values.contains(&user) || !named.by(user) {
                continue;
            }
            match own.body {
                // a type may be made of it
                Some(_) if in_head(own) => {
                    return Err(format!("the signature of `{}` names it", own.name));
                }
                Some(_) => found.extend(&ran(program, evidence, user)?),
                None if own.is_value => values.push(user),
                None => return Err(format!("`{}` is made of it", own.name)),
            }
        }
    }
    Ok(found)
}

/// The files of which a build script may run something, in either version.
fn run_in_build<'a>(finer: &Finer<'a>) -> BTreeSet<&'a RepoPath> {
    let mut found = BTreeSet::new();
    for graph in [finer.base.0, finer.head.0] {
        let scripts = graph.iter().filter_map(|(id, node, _)| match node {
            Node::Target { kind, .. } if kind == "build-script" => Some(id),
            _ => None,
        });
        for id in graph.closure_of(scripts) {
            if let Node::Path(path) = graph.node(id) {
                found.insert(path);
            }
        }
    }
    found
}

/// The tests that did what coverage cannot follow.
fn blind(finer: &Finer<'_>, evidence: &Evidence) -> Vec<(Bits, &'static str)> {
    let (graph, program) = finer.base;
    let modules: BTreeMap<&RepoPath, ModuleId> = program
        .modules
        .iter()
        .zip(0..)
        .map(|(module, at)| (&module.path, at))
        .collect();
    let (mut spawning, mut drawing) = <(Bits, Bits)>::default();
    let (mut unseen, mut unproven) = <(Bits, Bits)>::default();
    let ran = |unit: UnitId| in_body(program, evidence, unit);
    // who starts programs: by the lines of the function that does, or by the file where something else may
    let [mut spawn_in, mut draw_in] = <[BTreeSet<ModuleId>; 2]>::default();
    for (own, unit) in program.units.iter().zip(0..) {
        let habits = [
            (own.habits.elsewhere, &mut spawning, &mut spawn_in),
            // a call that makes tests draws in these alone
            (
                own.habits.draws && (own.body.is_some() || own.is_value),
                &mut drawing,
                &mut draw_in,
            ),
        ];
        for (has, tests, files) in habits {
            match has.then(|| ran(unit)) {
                Some(Some(ran)) => tests.extend(&ran),
                Some(None) => drop(files.insert(own.module)),
                None => {}
            }
        }
    }
    let mut suites: BTreeMap<&Suite, Vec<(&str, u32)>> = BTreeMap::new();
    for ((suite, case), at) in evidence.tests.iter().zip(0..) {
        suites.entry(suite).or_default().push((case, at));
    }
    for (suite, tests) in suites {
        let node = graph.find(&Node::Test(suite.clone()));
        let loaded: Vec<ModuleId> = graph
            .closure_of(node)
            .into_iter()
            .filter_map(|id| match graph.node(id) {
                Node::Path(path) => modules.get(path).copied(),
                _ => None,
            })
            .collect();
        let own = program.suites.get(suite);
        let is_opaque = |module: &ModuleId| program.modules[*module as usize].opaque.is_some();
        let cannot_see = own.is_none_or(|own| own.blind.is_some()) || loaded.iter().any(is_opaque);
        let spawns = loaded.iter().any(|module| spawn_in.contains(module));
        let draws = loaded.iter().any(|module| draw_in.contains(module));
        for (case, test) in tests {
            if cannot_see {
                unseen.insert(test);
            }
            if spawns {
                spawning.insert(test);
            }
            let begins = own.and_then(|own| own.cases.get(case));
            let begins = begins.map_or(&[][..], Vec::as_slice);
            let mut habits = begins
                .iter()
                .map(|unit| program.units[*unit as usize].habits);
            if draws || habits.any(|habits| habits.draws) {
                drawing.insert(test);
            }
            // of a test whose own file was measured its own lines have to be there
            let mut begins = begins.iter().filter_map(|unit| ran(*unit)).peekable();
            if begins.peek().is_some() && !begins.any(|tests| tests.contains(test)) {
                unproven.insert(test);
            }
        }
    }
    vec![
        (spawning, "starts programs"),
        (drawing, "draws at random"),
        (unseen, "loads code that cannot be told apart"),
        (unproven, "was measured without a line of its own"),
    ]
}
