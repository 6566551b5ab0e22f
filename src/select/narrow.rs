//! What the finer layer may drop, and the proof it needs.
//!
//! A test is dropped only where every change that reaches its file is attributed to definitions, and none of these can
//! be reached from it in either version. Where a file cannot be cut into definitions, or a test could load one that
//! cannot be read, the answer of whole files stands.

mod cargo;
mod data;
pub(super) mod loads;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::graph::{Graph, Symbols, Units, Walk};
use crate::model::{
    Attributed, Both, ClassId, ModuleId, Node, Program, ProgramImport, ProgramUse, RepoPath, Suite,
    UnitId, Word, Wrapping,
};

use super::callers::Calls;
use super::{Selected, Selection};

pub(super) use data::named_in;
pub use data::{Namers, namers};

/// What narrowing is made of.
#[derive(Debug)]
pub struct Finer<'a> {
    /// The graph of the base and its program.
    pub base: (&'a Graph, &'a Program),
    /// The graph of the head and its program; that of the base itself where nothing differs but inside of definitions.
    pub head: (&'a Graph, &'a Program),
    /// The files whose change is attributed.
    pub files: &'a BTreeMap<RepoPath, Attributed>,
    /// The functions of which nothing but defaults differs.
    pub calls: &'a Calls,
}

/// One version of the program.
struct Side<'a> {
    graph: &'a Graph,
    symbols: Symbols<'a>,
    modules: HashMap<&'a RepoPath, ModuleId>,
    changed: Vec<UnitId>,
    docs: Vec<UnitId>,
    /// Definitions that are new or gone, with the classes of which that lets instances be made, or keeps them from it.
    holding_up: Vec<(UnitId, Vec<ClassId>)>,
    /// Names of files that are new, gone, or bound to something else.
    names: Vec<(ModuleId, Word)>,
    /// Definitions that nobody calls but a runner.
    tests: Units,
}

/// The files among these whose change cannot stay with the definitions it lies in, with the reason: they are made when
/// the file is loaded, by somebody who may look at everything in them.
pub fn unattributable(finer: &Finer<'_>) -> Vec<(RepoPath, String)> {
    let mut found = Vec::new();
    let before = finer.base.1.modules.iter().flat_map(|m| &m.imports);
    let before: HashSet<&str> = before.map(|import| import.written.as_str()).collect();
    for (path, change) in finer.files {
        if let Some(import) = uncertain(change, path, finer.head.1, &before) {
            let import = import.replace(':', " ");
            found.push((
                path.clone(),
                format!("it may not find what it now imports: {import}"),
            ));
            continue;
        }
        if loads::are_noticed(change, path, finer) {
            found.push((path.clone(), "it imports other modules".to_owned()));
            continue;
        }
        let reason =
            [(finer.base.1, 0), (finer.head.1, 1)]
                .into_iter()
                .find_map(|(program, side)| {
                    let Some(module) = program.modules.iter().find(|module| module.path == *path)
                    else {
                        return Some("it is loaded in ways that cannot be seen".to_owned());
                    };
                    if let Some(why) = &module.opaque {
                        return Some(format!("it {why}"));
                    }
                    let places = change
                        .units
                        .iter()
                        .filter_map(|both| [both.0, both.1][side].map(|at| (at, both)));
                    for (at, both) in places {
                        let unit = &program.units[(module.first + at) as usize];
                        let appeared = both.0.is_none() || both.1.is_none();
                        let made = unit
                            .class
                            .is_some_and(|class| program.classes[class as usize].made);
                        if unit.kept && (appeared || change.heads.contains(both)) {
                            return Some("a decorator may keep what it is given".to_owned());
                        }
                        let wraps = unit.wrapping == Wrapping::Other;
                        if wraps && (appeared || change.shapes.contains(both)) {
                            return Some("a decorator may do more than to wrap".to_owned());
                        }
                        if unit.unsound {
                            return Some("what runs on import changed".to_owned());
                        }
                        if made && (appeared || unit.is_value) {
                            return Some(
                                "the class is made by somebody who reads its body".to_owned(),
                            );
                        }
                    }
                    None
                });
        found.extend(reason.map(|reason| (path.clone(), reason)));
    }
    found
}

/// A new import of a file that may fail: it names none of our definitions, and no other file had it before.
fn uncertain<'c>(
    change: &'c Attributed,
    path: &RepoPath,
    head: &Program,
    before: &HashSet<&str>,
) -> Option<&'c str> {
    let module = head.modules.iter().find(|module| module.path == *path);
    let imports = change.imports.iter().map(String::as_str);
    imports.into_iter().find(|written| {
        let same = |import: &&ProgramImport| import.written == *written;
        let found = module.and_then(|module| module.imports.iter().find(same));
        !found.is_some_and(|import| import.bound || !import.ours && before.contains(written))
    })
}

/// Drops what cannot reach any attributed change. `floor` is what has to stay for other reasons.
///
/// Cost: for each suite one walk forwards, and one more step for each of its tests.
pub fn narrow(full: Selection, floor: &Selection, finer: &Finer<'_>) -> Selection {
    let kept: std::collections::BTreeSet<&Suite> = floor
        .selected()
        .iter()
        .map(|selected| &selected.suite)
        .collect();
    let mut sides = vec![Side::new(finer, true)];
    if !std::ptr::eq(finer.base.1, finer.head.1) {
        sides.push(Side::new(finer, false));
    }
    full.map(|selected| {
        if kept.contains(&selected.suite) {
            let why = "it depends on the change in other ways than by definitions";
            return Some(Selected {
                by: vec![why.to_owned()],
                ..selected
            });
        }
        judge(selected, &sides)
    })
}

/// A walk that has begun, in one version of the program.
type Begun<'s, 'a, P> = (&'s Side<'a>, Walk, P);

fn judge(selected: Selected, sides: &[Side<'_>]) -> Option<Selected> {
    match selected.suite.clone() {
        Suite::Python { file } => judge_file(selected, &file, sides),
        Suite::Cargo { .. } => cargo::judge(selected, sides),
    }
}

fn judge_file(mut selected: Selected, file: &RepoPath, sides: &[Side<'_>]) -> Option<Selected> {
    let mut begun: Vec<Begun<'_, '_, ModuleId>> = Vec::new();
    for side in sides {
        let one = side.begin(&selected.suite, file);
        let (walk, module) = match one.and_then(|one| side.sees_examples(&selected, one)) {
            Ok(begun) => begun,
            Err(why) => {
                selected.by = vec![why];
                return Some(selected);
            }
        };
        let later = side.symbols.after(&walk);
        for walk in [&walk, &later] {
            if let Some(unit) = side.hit(walk) {
                selected.by = side.told(walk, unit);
                return Some(selected);
            }
        }
        begun.push((side, later, module));
    }
    case_by_case(selected, &begun, |side, walk, module, case| {
        side.enter(walk, *module, case);
    })
}

/// Keeps the cases that reach what changed, each entered on a copy of the walks.
fn case_by_case<P>(
    mut selected: Selected,
    begun: &[Begun<'_, '_, P>],
    enter: impl Fn(&Side<'_>, &mut Walk, &P, &str),
) -> Option<Selected> {
    let mut cases = Vec::new();
    let whole = [String::new()];
    let all: &[String] = if selected.complete && !selected.cases.is_empty() {
        &selected.cases
    } else {
        &whole
    };
    let mut by = Vec::new();
    for case in all {
        for (side, walk, place) in begun {
            let mut walk = walk.clone();
            enter(side, &mut walk, place, case);
            if let Some(unit) = side.hit(&walk) {
                if by.is_empty() {
                    by = side.told(&walk, unit);
                }
                cases.push(case.clone());
                break;
            }
        }
    }
    if cases.is_empty() {
        return None;
    }
    selected.by = by;
    if all.len() > cases.len() {
        selected.cases = cases;
        selected.narrowed = true;
    }
    Some(selected)
}

impl<'a> Side<'a> {
    fn new(finer: &Finer<'a>, base: bool) -> Self {
        let (graph, program) = if base { finer.base } else { finer.head };
        let modules: HashMap<&RepoPath, ModuleId> = program
            .modules
            .iter()
            .enumerate()
            .map(|(at, module)| (&module.path, at as ModuleId))
            .collect();
        let place = |both: &Both| if base { both.0 } else { both.1 };
        let mut side = Self {
            graph,
            symbols: Symbols::new(program),
            changed: Vec::new(),
            docs: Vec::new(),
            holding_up: Vec::new(),
            names: Vec::new(),
            tests: Units::default(),
            modules,
        };
        let words: HashMap<&str, Word> = program
            .words
            .iter()
            .zip(0..)
            .map(|(text, word)| (text.as_str(), word))
            .collect();
        for (path, change) in finer.files {
            let Some(&module) = side.modules.get(path) else {
                continue;
            };
            // a word that the program lacks is asked for by nobody
            let names = change.names.iter();
            side.names
                .extend(names.filter_map(|name| Some((module, *words.get(name.as_str())?))));
            for (parent, name) in loads::named(change, path, program) {
                let name = words.get(name).copied();
                side.names.extend(name.map(|name| (parent, name)));
            }
            let first = program.modules[module as usize].first;
            side.changed
                .extend(change.units.iter().filter_map(place).map(|at| first + at));
            let appeared = change.units.iter();
            let appeared = appeared.filter(|both| both.0.is_none() || both.1.is_none());
            for unit in appeared.filter_map(place).map(|at| first + at) {
                let classes = side.symbols.held_up_by(unit);
                if !classes.is_empty() {
                    side.holding_up.push((unit, classes));
                }
            }
            side.docs
                .extend(change.docs.iter().filter_map(place).map(|at| first + at));
        }
        for (_, node, _) in graph.iter() {
            let Node::Test(Suite::Python { file }) = node else {
                continue;
            };
            let Some(&module) = side.modules.get(file) else {
                continue;
            };
            for unit in side.units_of(module) {
                let name = &program.units[unit as usize].name;
                if name
                    .rsplit('.')
                    .next()
                    .is_some_and(|last| last.starts_with("test"))
                {
                    side.tests.insert(unit);
                }
            }
        }
        side
    }

    fn units_of(&self, module: ModuleId) -> std::ops::Range<UnitId> {
        let program = self.symbols.program();
        let first = program.modules[module as usize].first;
        let next = program
            .modules
            .get(module as usize + 1)
            .map_or(program.units.len() as UnitId, |m| m.first);
        first..next
    }

    /// Whether a module that is loaded shows all that it may use; or why not.
    fn can_see(&self, module: ModuleId) -> Result<(), String> {
        let module = &self.symbols.program().modules[module as usize];
        match &module.opaque {
            Some(why) => Err(format!("{} is loaded, and {why}", module.path)),
            None => Ok(()),
        }
    }

    /// Passes on what was begun where no examples in docstrings may be among the tests.
    fn sees_examples<T>(
        &self,
        selected: &Selected,
        begun: (T, ModuleId),
    ) -> Result<(T, ModuleId), String> {
        let module = &self.symbols.program().modules[begun.1 as usize];
        match module.examples && !selected.complete {
            true => Err(format!(
                "{} has examples in docstrings, which are not followed",
                module.path
            )),
            false => Ok(begun),
        }
    }

    /// The walk from what every test of a suite runs; or why nothing can be told.
    fn begin(&self, suite: &Suite, file: &RepoPath) -> Result<(Walk, ModuleId), String> {
        let unseen = || format!("{file} is new, or loaded in ways that cannot be seen");
        let node = self
            .graph
            .find(&Node::Test(suite.clone()))
            .ok_or_else(unseen)?;
        let own = *self.modules.get(file).ok_or_else(unseen)?;
        let mut loaded = Vec::new();
        for (id, _) in self.graph.closure(node) {
            let Node::Path(path) = self.graph.node(id) else {
                continue;
            };
            if let Some(&module) = self.modules.get(path) {
                self.can_see(module)?;
                loaded.push(module);
            }
        }
        let mut roots: Vec<ModuleId> = self
            .graph
            .set_up(node)
            .into_iter()
            .filter_map(|id| match self.graph.node(id) {
                Node::Path(path) => self.modules.get(path).copied(),
                _ => None,
            })
            .collect();
        roots.push(own);
        Ok((self.symbols.walk(&loaded, &roots, self.tests.clone()), own))
    }

    /// Goes on from one test, or from all of a suite where it cannot be told apart.
    fn enter(&self, walk: &mut Walk, module: ModuleId, case: &str) {
        let program = self.symbols.program();
        let wanted = case.replace("::", ".");
        let (mut units, mut classes) = (Vec::new(), Vec::new());
        let mut exact = false;
        for unit in self.units_of(module) {
            let own = &program.units[unit as usize];
            // what runs on import has no name, and a class bears that of its first line
            if own.name == wanted && !wanted.is_empty() && !own.is_value {
                exact = true;
                units.push(unit);
                classes.extend(own.class);
            }
        }
        if !exact {
            // a class as a whole with what it inherits, or the file as a whole
            for unit in self.units_of(module) {
                let own = &program.units[unit as usize];
                if wanted.is_empty() || own.name.starts_with(&format!("{wanted}.")) {
                    units.push(unit);
                    classes.extend(own.class);
                }
            }
            let mut at = 0;
            while let Some(&class) = classes.get(at) {
                for &base in &program.classes[class as usize].bases {
                    if !classes.contains(&base) {
                        classes.push(base);
                        units.extend(program.classes[base as usize].members.values().flatten());
                    }
                }
                at += 1;
            }
            if wanted.is_empty() {
                let (more, made) = imported(program, module);
                units.extend(more);
                classes.extend(made);
            }
            if units.is_empty() {
                units.extend(self.units_of(module));
            }
        }
        for class in classes {
            self.symbols.instantiate(walk, class);
        }
        self.symbols.extend(walk, units);
    }

    fn hit(&self, walk: &Walk) -> Option<UnitId> {
        let program = self.symbols.program();
        let read = |unit: &&UnitId| {
            let own = &program.units[**unit as usize];
            if own.habits.replaced {
                return walk.reads_sources();
            }
            // a file's own is there once the file is loaded
            let there = walk.contains(**unit) || own.name.is_empty();
            // a base from outside may show it as a text of help
            let class = own.class.map(|class| &program.classes[class as usize]);
            let open = class.is_some_and(|class| class.open && class.outside);
            there && (walk.reads_docs() || own.kept || open)
        };
        let asked = |(module, word): &(ModuleId, Word)| self.symbols.asked(walk, *module, *word);
        let made = |(unit, classes): &(UnitId, Vec<ClassId>)| {
            let mut classes = classes.iter();
            classes.any(|class| walk.makes(*class)).then_some(*unit)
        };
        walk.first_of(&self.changed)
            .or_else(|| self.holding_up.iter().find_map(made))
            .or_else(|| self.names.iter().find_map(asked))
            .or_else(|| self.docs.iter().find(read).copied())
    }

    /// The chain to a unit, in words.
    fn told(&self, walk: &Walk, unit: UnitId) -> Vec<String> {
        let program = self.symbols.program();
        let told = walk.chain(unit).into_iter().map(|unit| {
            let unit = &program.units[unit as usize];
            let path = &program.modules[unit.module as usize].path;
            match unit.name.as_str() {
                "" => format!("{path}"),
                name => format!("{path}:{} {name}", unit.lines.0),
            }
        });
        told.collect()
    }
}

/// What a file of tests imports may be tests, too: functions, and classes with their members.
pub(super) fn imported(program: &Program, module: ModuleId) -> (Vec<UnitId>, Vec<ClassId>) {
    let own = &program.modules[module as usize];
    let runs = own.runs.iter();
    let stars = runs.flat_map(|unit| &program.units[*unit as usize].uses);
    let stars = stars.filter_map(|used| match used {
        ProgramUse::Star(module) => Some(*module),
        _ => None,
    });
    let all = std::iter::once(module).chain(stars);
    let (mut units, mut classes) = (Vec::new(), Vec::new());
    for used in all.flat_map(|m| program.modules[m as usize].members.values().flatten()) {
        match used {
            ProgramUse::Unit(unit) | ProgramUse::Call(unit) => units.push(*unit),
            ProgramUse::Class(class) | ProgramUse::Type(class) => {
                classes.push(*class);
                let members = program.classes[*class as usize].members.values();
                units.extend(members.flatten());
            }
            _ => {}
        }
    }
    (units, classes)
}
