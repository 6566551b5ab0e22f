//! Two versions of a file → the units that differ, or why they cannot be told.

use rustc_hash::FxHashMap;

use super::{Kind, Symbols, Unit};
use crate::lang::UnitChange;

/// What differs between two versions of a file.
pub(in crate::lang::python) fn diff(before: &Symbols, after: &Symbols) -> UnitChange {
    let whole = |why: &str| UnitChange::Whole(why.to_owned());
    let (old, new) = (keyed(before), keyed(after));
    let mut change = Vec::new();
    let (mut docs, mut heads, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
    let mut moved = false;
    let mut last = None;
    for (at, unit) in after.units.iter().enumerate() {
        let Some(&place) = old.get(&key_of(after, at)) else {
            change.push((None, Some(at as u32)));
            continue;
        };
        if last.is_some_and(|last| last > place) {
            return whole("its definitions changed places");
        }
        last = Some(place);
        let was = &before.units[place as usize];
        moved |= was.lines.0 != unit.lines.0;
        if was.kind != unit.kind {
            return whole("a definition became another kind of thing");
        }
        let both = (Some(place), Some(at as u32));
        if was.doc != unit.doc {
            docs.push(both);
        }
        if (was.body, was.head) == (unit.body, unit.head) {
            continue;
        }
        if unit.kind == Kind::Module {
            return whole("what runs on import changed");
        }
        if was.head != unit.head && (was.risky || unit.risky) {
            return whole("what runs where a function is defined changed");
        }
        if names(before, was)
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .is_superset(&names(after, unit).iter().collect())
        {
            change.push(both);
            if was.head != unit.head {
                heads.push(both);
            }
            if was.shape != unit.shape {
                shapes.push(both);
            }
        } else {
            return whole("what runs on import names something new");
        }
    }
    for (at, unit) in before.units.iter().enumerate() {
        if new.contains_key(&key_of(before, at)) {
            continue;
        }
        if unit.class.is_none() {
            return whole("a definition is gone");
        }
        change.push((Some(at as u32), None));
    }
    UnitChange::Units {
        units: change,
        heads,
        shapes,
        docs,
        moved,
    }
}

/// The names that are looked up when a unit is defined, sorted.
fn names<'a>(symbols: &'a Symbols, unit: &Unit) -> Vec<&'a str> {
    unit.loads
        .iter()
        .map(|name| symbols.names[*name as usize].as_str())
        .collect()
}

/// Units by name; namesakes by their order.
fn keyed(symbols: &Symbols) -> FxHashMap<(String, u32), u32> {
    (0..symbols.units.len())
        .map(|at| (key_of(symbols, at), at as u32))
        .collect()
}

fn key_of(symbols: &Symbols, at: usize) -> (String, u32) {
    let name = &symbols.units[at].name;
    let before = symbols.units[..at]
        .iter()
        .filter(|u| u.name == *name)
        .count();
    (name.clone(), before as u32)
}
