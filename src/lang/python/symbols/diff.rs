//! Two versions of a file → the units that differ, or why they cannot be told.
//!
//! What is added or taken away stays with whoever asks for it, as long as loading the file does nothing new that can fail:
//! a function whose decorators and defaults only name what is there, a constant, a further name of a module that is
//! imported anyway.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::{Bound, DECORATED, Imported, Kind, MAY_FAIL, PROPERTY, REPLACED, Symbols, Unit};
use crate::lang::UnitChange;
use crate::lang::python::stdlib;
use crate::model::{Attributed, Both};

/// What differs between two versions of a file.
pub(in crate::lang::python) fn diff(before: &Symbols, after: &Symbols) -> UnitChange {
    told(before, after).unwrap_or_else(|why| UnitChange::Whole(why.to_owned()))
}

fn told(before: &Symbols, after: &Symbols) -> Result<UnitChange, &'static str> {
    let (old_keys, new_keys) = (keys(before), keys(after));
    let (old, new) = (places(&old_keys), places(&new_keys));
    let (looked_up, looks_up) = (loaded(before), loaded(after));
    let known = Known::new(before, after);
    let mut units = Vec::new();
    let (mut docs, mut heads, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
    let mut ways = Vec::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut moved = false;
    let mut order = Vec::new();
    for (at, unit) in after.units.iter().enumerate() {
        let Some(&place) = old.get(&new_keys[at]) else {
            known.can_be_defined(after, unit)?;
            abstract_stays(after, unit)?;
            for name in own_names(unit) {
                let twice = looked_up.contains(name) && looks_up.contains(name);
                if twice || known.head_names.contains(name) {
                    return Err("what runs on import names what is new");
                }
            }
            units.push((None, Some(at as u32)));
            names.extend(names_of(unit));
            continue;
        };
        let was = &before.units[place as usize];
        order.push((place, at as u32, unit));
        moved |= was.lines.0 != unit.lines.0;
        if was.kind != unit.kind {
            return Err("a definition became another kind of thing");
        }
        let both = (Some(place), Some(at as u32));
        let named: BTreeSet<&str> = loads(before, was).collect();
        let finds = |name: &str| named.contains(name) || known.is_there(name, unit.lines.0);
        let same = (was.body, was.head, was.doc) == (unit.body, unit.head, unit.doc);
        if !same && is_replaced(was) && is_replaced(unit) && loads(after, unit).all(finds) {
            docs.push(both);
            continue;
        }
        if was.doc != unit.doc {
            docs.push(both);
        }
        if (was.body, was.head) == (unit.body, unit.head) {
            continue;
        }
        // a call that is given another literal: whether that matters shows once files are put together
        if unit.kind == Kind::Object && was.body == unit.body {
            units.push(both);
            continue;
        }
        let is_value = matches!(unit.kind, Kind::Constant | Kind::Object);
        let computed = is_value && (was.flags | unit.flags) & MAY_FAIL != 0;
        if unit.kind == Kind::Module || computed {
            return Err("what runs on import changed");
        }
        if was.head != unit.head {
            abstract_stays(before, was)?;
            abstract_stays(after, unit)?;
        }
        // a decorator that was called before is given another default: who keeps none of what it is given does not look at it
        let fails = match was.shape == unit.shape {
            true => MAY_FAIL,
            false => MAY_FAIL | DECORATED,
        };
        if was.head != unit.head && (was.risky || unit.risky || unit.flags & fails != 0) {
            if was.flags & fails != 0 {
                return Err("what runs where a function is defined changed");
            }
            known.can_be_defined(after, unit)?;
        }
        if !loads(after, unit).all(finds) {
            return Err("what runs on import names something new");
        }
        units.push(both);
        if was.head != unit.head {
            heads.push(both);
        }
        if was.shape != unit.shape {
            shapes.push(both);
        }
        // one that becomes a property is run by who only passed it on
        let became = unit.flags & PROPERTY > was.flags & PROPERTY;
        if was.head != unit.head && was.plain == unit.plain && !became {
            ways.push(both);
        }
    }
    // who lists what a class holds, or its heirs, sees the order
    units.extend(keeps_its_order(&order, &looks_up, after)?);
    binds_as_before(before, after)?;
    for (at, unit) in before.units.iter().enumerate() {
        if new.contains_key(&old_keys[at]) {
            continue;
        }
        units.push((Some(at as u32), None));
        abstract_stays(before, unit)?;
        for name in own_names(unit) {
            if looks_up.contains(name) || known.head_names.contains(name) {
                return Err("what runs on import names what is gone");
            }
        }
        names.extend(names_of(unit));
    }
    let imports = imports(before, after)?;
    for name in &imports.names {
        if looked_up.contains(name) && looks_up.contains(name) {
            return Err("what runs on import uses another import");
        }
        // functions that look the name up find something else
        for (symbols, keys, other) in [(before, &old_keys, &new), (after, &new_keys, &old)] {
            for (at, unit) in symbols.units.iter().enumerate() {
                let uses = |id: &u32| symbols.names[*id as usize] == *name;
                if unit.kind == Kind::Module || !unit.globals.iter().any(uses) {
                    continue;
                }
                let there = other.get(&keys[at]).copied();
                let here = Some(at as u32);
                units.push(match std::ptr::eq(symbols, before) {
                    true => (here, there),
                    false => (there, here),
                });
            }
        }
    }
    names.extend(&imports.names);
    units.sort_unstable();
    units.dedup();
    Ok(UnitChange::Units(Attributed {
        units,
        heads,
        shapes,
        ways,
        docs,
        names: names.into_iter().map(str::to_owned).collect(),
        imports: imports.added,
        loads: imports.loads,
        data: false,
        moved,
    }))
}

/// What the names in a head can be.
struct Known<'a> {
    /// Names that are loaded on import in both versions, each with the first line below which it is sure to be there.
    loaded: FxHashMap<&'a str, u32>,
    /// Names that the newer version binds on its top level, each with the line below which it is there.
    bound: FxHashMap<&'a str, u32>,
    /// The first parts of the names that heads and constants of the newer version load.
    head_names: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn new(before: &'a Symbols, after: &'a Symbols) -> Self {
        let mut known = Self {
            loaded: FxHashMap::default(),
            bound: FxHashMap::default(),
            head_names: BTreeSet::new(),
        };
        let mut loaded_before: BTreeSet<(&str, &str)> = BTreeSet::new();
        for unit in &before.units {
            loaded_before.extend(loads(before, unit).map(|name| (unit.name.as_str(), name)));
        }
        let first = |all: &mut FxHashMap<&'a str, u32>, name, line| {
            let known = all.entry(name).or_insert(line);
            *known = line.min(*known);
        };
        for unit in &after.units {
            for name in loads(after, unit) {
                known.head_names.extend(name.split('.').next());
                if loaded_before.contains(&(unit.name.as_str(), name)) {
                    first(&mut known.loaded, name, unit.lines.0);
                }
            }
            for name in names_of(unit) {
                first(&mut known.bound, name, unit.lines.1);
            }
        }
        let lines: FxHashMap<u32, u32> = after.plain.iter().copied().collect();
        for (name, bound) in &after.scope {
            if let Bound::Import(import) = bound
                && let Some(line) = lines.get(import)
            {
                first(&mut known.bound, &after.names[*name as usize], *line);
            }
        }
        known
    }

    /// Whether defining a unit of the newer version does nothing that can fail.
    fn can_be_defined(&self, after: &Symbols, unit: &Unit) -> Result<(), &'static str> {
        if unit.kind == Kind::Module {
            return Err("what runs on import changed");
        }
        // a class has no name yet where its body is read
        let around = unit.name.split_once('.').map(|(class, _)| class);
        let is_there =
            |name: &str| name.split('.').next() != around && self.is_there(name, unit.lines.0);
        let fails = unit.flags & (MAY_FAIL | DECORATED) != 0;
        if fails || !loads(after, unit).all(is_there) {
            return Err("what runs where a function is defined may fail");
        }
        Ok(())
    }

    /// Whether a name that is looked up on import can be found at a line.
    fn is_there(&self, name: &str, line: u32) -> bool {
        let above = |of: &FxHashMap<&str, u32>, name: &str| of.get(name).is_some_and(|l| *l < line);
        let (top, last) = match name.split_once('.') {
            Some((top, _)) => (top, name.rsplit('.').next().unwrap_or_default()),
            None => (name, ""),
        };
        above(&self.loaded, name)
            || above(&self.bound, top) && (last.is_empty() || is_of_pytest(name))
            || matches!(name, "property" | "staticmethod" | "classmethod")
            // of a property that stands above
            || matches!(last, "setter" | "getter" | "deleter")
    }
}

/// Names that pytest has had for long, its marks among them that need not be registered.
fn is_of_pytest(name: &str) -> bool {
    matches!(
        name,
        "pytest.fixture"
            | "pytest.param"
            | "pytest.mark.filterwarnings"
            | "pytest.mark.parametrize"
            | "pytest.mark.skip"
            | "pytest.mark.skipif"
            | "pytest.mark.usefixtures"
            | "pytest.mark.xfail"
    )
}

/// Whether a function loses its name before anybody can call it, and defining it cannot fail. Who asks for the overloads of a
/// function reads them as docstrings are read.
fn is_replaced(unit: &Unit) -> bool {
    unit.flags & REPLACED != 0 && unit.flags & (MAY_FAIL | DECORATED) == 0
}

/// Units that changed places must not be named by what runs between them, and tests keep the order in which they run.
fn keeps_its_order(
    order: &[(u32, u32, &Unit)],
    looks_up: &BTreeSet<&str>,
    after: &Symbols,
) -> Result<Vec<Both>, &'static str> {
    let mut most = None;
    let mut jumped = vec![false; order.len()];
    for (at, (place, ..)) in order.iter().enumerate() {
        jumped[at] |= most.is_some_and(|most| most > *place);
        most = most.max(Some(*place));
    }
    let mut least = u32::MAX;
    for (at, (place, ..)) in order.iter().enumerate().rev() {
        jumped[at] |= least < *place;
        least = least.min(*place);
    }
    let mut heads = Vec::new();
    for (_, (.., unit)) in jumped.iter().zip(order).filter(|(jumped, _)| **jumped) {
        let last = unit.name.rsplit('.').next().unwrap_or_default();
        let stays = unit.kind != Kind::Main
            && unit.flags & (MAY_FAIL | DECORATED) == 0
            && unit.fixture.is_none()
            && !last.to_ascii_lowercase().starts_with("test")
            && !looks_up.contains(last)
            && !after
                .units
                .iter()
                .any(|other| loads(after, other).any(|name| name == last));
        if !stays {
            return Err("its definitions changed places");
        }
        let head = order.iter().find(|(.., head)| {
            head.kind == Kind::Class && head.class.is_some() && head.class == unit.class
        });
        heads.extend(head.map(|(was, is, _)| (Some(*was), Some(*is))));
    }
    Ok(heads)
}

/// A method that heirs must have decides whether they can be made.
fn abstract_stays(symbols: &Symbols, unit: &Unit) -> Result<(), &'static str> {
    match loads(symbols, unit).any(|name| name.to_ascii_lowercase().contains("abstract")) {
        true => Err("an abstract method is another"),
        false => Ok(()),
    }
}

/// Whether what is looked up on import finds what it found.
fn binds_as_before(before: &Symbols, after: &Symbols) -> Result<(), &'static str> {
    let (old, new) = (bound_before_use(before), bound_before_use(after));
    let alone = |name: &&str, of: &BTreeMap<&str, (bool, Vec<u8>)>| of[name].1.is_empty();
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let same = names
        .iter()
        .all(|name| match (old.get(name), new.get(name)) {
            (Some(was), Some(is)) => was == is,
            (Some(_), None) => alone(name, &old),
            _ => alone(name, &new),
        });
    match same {
        true => Ok(()),
        false => Err("what runs on import changed places with a definition"),
    }
}

/// The names that are looked up on import and bound by a definition or import: whether each is bound above, and in which order
/// where it is bound more than once.
fn bound_before_use(symbols: &Symbols) -> BTreeMap<&str, (bool, Vec<u8>)> {
    let looked_up: BTreeMap<&str, u32> = symbols
        .loaded
        .iter()
        .map(|(name, line)| (symbols.names[*name as usize].as_str(), *line))
        .collect();
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    for unit in &symbols.units {
        for name in own_names(unit) {
            let line = first.entry(name).or_insert(unit.lines.0);
            *line = unit.lines.0.min(*line);
        }
    }
    let mut kinds: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (name, bound) in &symbols.scope {
        kinds
            .entry(&symbols.names[*name as usize])
            .or_default()
            .push(match bound {
                Bound::Unit(_) => 0,
                Bound::Class(_) => 1,
                Bound::Import(_) => 2,
                Bound::Value(..) => 3,
            });
    }
    let mut found = BTreeMap::new();
    for (name, line) in &looked_up {
        if let Some(defined) = first.get(name) {
            found.insert(*name, (defined < line, Vec::new()));
        }
    }
    for (name, kinds) in kinds {
        if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
            found.entry(name).or_default().1 = kinds;
        }
    }
    found
}

/// How the imports on the top level differ.
struct Imports<'a> {
    /// Names that are bound to something else, or no longer or newly bound.
    names: BTreeSet<&'a str>,
    added: Vec<String>,
    /// Those of modules that only the older, and only the newer version imports.
    loads: [Vec<String>; 2],
}

fn imports<'a>(before: &'a Symbols, after: &'a Symbols) -> Result<Imports<'a>, &'static str> {
    let (was, is) = (runs(before), runs(after));
    let common = |all: &Vec<(u32, &'a str)>, others: &Vec<(u32, &'a str)>| -> Vec<(u32, &'a str)> {
        all.iter()
            .filter(|own| others.contains(own))
            .copied()
            .collect()
    };
    if common(&was, &is) != common(&is, &was) {
        return Err("its imports run in another order");
    }
    let others = |symbols: &Symbols, known: &[(u32, &str)]| -> Vec<String> {
        let plain = symbols.plain.iter();
        let imports = plain.map(|(import, _)| &symbols.imports[*import as usize]);
        let imports = imports.filter(|import| {
            !is_of_python(import) && !known.contains(&(import.level, import.module.as_str()))
        });
        imports.map(Imported::written).collect()
    };
    let other_loads = [others(before, &is), others(after, &was)];
    if !same_order(before, after) {
        return Err("its imports run in another order");
    }
    if !same_above(before, after) {
        return Err("an import moved over a definition");
    }
    let (old, new) = (bindings(before), bindings(after));
    let all: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let names = all
        .into_iter()
        .filter(|name| old.get(name) != new.get(name))
        .collect();
    let written = |symbols: &Symbols| -> BTreeSet<String> {
        let plain = symbols.plain.iter();
        plain
            .map(|(import, _)| symbols.imports[*import as usize].written())
            .collect()
    };
    // what a head names must be there before it
    let lines: FxHashMap<u32, u32> = after.plain.iter().copied().collect();
    for (name, bound) in &after.scope {
        let Bound::Import(import) = bound else {
            continue;
        };
        let Some(line) = lines.get(import) else {
            continue;
        };
        let name = after.names[*name as usize].as_str();
        for unit in after.units.iter().filter(|unit| unit.lines.0 < *line) {
            if loads(after, unit).any(|load| load.split('.').next() == Some(name)) {
                return Err("an import stands below what uses it");
            }
        }
    }
    Ok(Imports {
        names,
        loads: other_loads,
        added: written(after)
            .difference(&written(before))
            .cloned()
            .collect(),
    })
}

/// Whether each import that both have stands below the same definitions: what it imports may ask for them at once.
fn same_above(before: &Symbols, after: &Symbols) -> bool {
    let defined = |symbols: &Symbols| -> BTreeMap<String, u32> {
        let units = symbols.units.iter();
        let named = units.filter(|unit| !unit.name.is_empty() && !unit.name.contains('.'));
        named
            .map(|unit| (unit.name.clone(), unit.lines.0))
            .collect()
    };
    let (old, new) = (defined(before), defined(after));
    let imported = |symbols: &Symbols| -> BTreeMap<String, u32> {
        let plain = symbols.plain.iter();
        let others = plain.filter(|(import, _)| !is_of_python(&symbols.imports[*import as usize]));
        others
            .map(|(import, line)| (symbols.imports[*import as usize].written(), *line))
            .collect()
    };
    let (was, is) = (imported(before), imported(after));
    was.iter().all(|(written, old_line)| {
        let Some(new_line) = is.get(written) else {
            return true;
        };
        old.iter().all(|(name, old_at)| {
            new.get(name)
                .is_none_or(|new_at| (old_at < old_line) == (new_at < new_line))
        })
    })
}

/// Whether an import is one of Python's own modules.
pub(super) fn is_of_python(import: &Imported) -> bool {
    let top = import.module.split('.').next().unwrap_or_default();
    import.level == 0 && stdlib::is_stdlib(top)
}

/// The modules that are imported on the top level, in the order in which they first are; Python's own need no order.
fn runs(symbols: &Symbols) -> Vec<(u32, &str)> {
    let mut found = Vec::new();
    for (import, _) in &symbols.plain {
        let import = &symbols.imports[*import as usize];
        let own = (import.level, import.module.as_str());
        if !is_of_python(import) && !found.contains(&own) {
            found.push(own);
        }
    }
    found
}

/// What is taken from packages on the top level and may be a module of theirs, in order.
fn taken(symbols: &Symbols) -> Vec<String> {
    let plain = symbols.plain.iter();
    let imports = plain.map(|(import, _)| &symbols.imports[*import as usize]);
    let may_run = imports.filter(|import| {
        let name = import.name.as_deref().unwrap_or_default();
        !is_of_python(import) && !import.module.contains('.') && name == name.to_lowercase()
    });
    may_run.map(Imported::written).collect()
}

/// Whether what both take from packages runs in one order.
fn same_order(before: &Symbols, after: &Symbols) -> bool {
    let (mut was, mut is) = (taken(before), taken(after));
    let (old, new): (BTreeSet<String>, BTreeSet<String>) =
        (was.iter().cloned().collect(), is.iter().cloned().collect());
    was.retain(|written| new.contains(written));
    is.retain(|written| old.contains(written));
    was == is
}

/// What each name is bound to by the imports on the top level.
fn bindings(symbols: &Symbols) -> BTreeMap<&str, Vec<String>> {
    let plain: BTreeSet<u32> = symbols.plain.iter().map(|(import, _)| *import).collect();
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, bound) in &symbols.scope {
        if let Bound::Import(import) = bound
            && plain.contains(import)
        {
            let name = symbols.names[*name as usize].as_str();
            let written = symbols.imports[*import as usize].written();
            found.entry(name).or_default().push(written);
        }
    }
    found
}

/// The names that a unit binds on the top level.
fn names_of(unit: &Unit) -> impl Iterator<Item = &str> {
    let outer = match unit.kind {
        Kind::Class => !unit.name.contains('.'),
        _ => unit.class.is_none(),
    };
    own_names(unit).filter(move |_| outer)
}

/// The names that a unit binds, in its class where it has one.
fn own_names(unit: &Unit) -> impl Iterator<Item = &str> {
    let named = matches!(
        unit.kind,
        Kind::Function | Kind::Constant | Kind::Object | Kind::Class
    );
    let all = unit.name.split(", ").filter(move |_| named);
    all.filter_map(|name| name.rsplit('.').next())
}

fn loaded(symbols: &Symbols) -> BTreeSet<&str> {
    let loaded = symbols.loaded.iter();
    loaded
        .map(|(name, _)| symbols.names[*name as usize].as_str())
        .collect()
}

/// The names that are looked up when a unit is defined.
fn loads<'a>(symbols: &'a Symbols, unit: &Unit) -> impl Iterator<Item = &'a str> {
    let loads = unit
        .loads
        .iter()
        .map(|name| symbols.names[*name as usize].as_str());
    loads.collect::<Vec<_>>().into_iter()
}

/// A unit's name, and how many namesakes stand before it.
type Key<'a> = (&'a str, u32);

/// The keys of all units, in order.
fn keys(symbols: &Symbols) -> Vec<Key<'_>> {
    let mut namesakes: FxHashMap<&str, u32> = FxHashMap::default();
    let units = symbols.units.iter();
    let keys = units.map(|unit| {
        let before = namesakes.entry(&unit.name).or_default();
        *before += 1;
        (unit.name.as_str(), *before - 1)
    });
    keys.collect()
}

/// Places by key.
fn places<'a>(keys: &[Key<'a>]) -> FxHashMap<Key<'a>, u32> {
    let keys = keys.iter().enumerate();
    keys.map(|(at, key)| (*key, at as u32)).collect()
}
