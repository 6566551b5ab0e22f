//! What code from outside asks objects for: Python itself, its library, and whatever else is not in the program.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{ClassId, Program, ProgramUse, Word};

/// Names of members that code from outside asks for.
pub(super) fn asked_outside(
    program: &Program,
    definers: &FxHashMap<Word, Vec<ClassId>>,
) -> FxHashSet<Word> {
    let uses = program.units.iter().flat_map(|unit| &unit.uses);
    let named: FxHashSet<Word> = uses
        .filter_map(|used| match used {
            ProgramUse::Any(word)
            | ProgramUse::Of(_, word)
            | ProgramUse::Outside(word)
            | ProgramUse::Super(_, word) => Some(*word),
            _ => None,
        })
        .collect();
    let asked = |word: &Word| !named.contains(word) || is_common(&program.words[*word as usize]);
    definers.keys().copied().filter(asked).collect()
}

/// Names by which Python's library uses objects that are not its own: files, mappings, locks, handlers.
fn is_common(name: &str) -> bool {
    matches!(
        name,
        "acquire"
            | "append"
            | "close"
            | "default"
            | "emit"
            | "feed"
            | "filter"
            | "flush"
            | "format"
            | "get"
            | "handle"
            | "items"
            | "keys"
            | "process"
            | "read"
            | "readable"
            | "readinto"
            | "readline"
            | "readlines"
            | "recv"
            | "release"
            | "run"
            | "seek"
            | "seekable"
            | "send"
            | "tell"
            | "update"
            | "values"
            | "visit"
            | "writable"
            | "write"
            | "writelines"
    )
}

/// Names that Python itself calls.
pub(super) fn is_implicit(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

/// Whether Python unpacks instances of a class by its keys.
pub(super) fn is_mapping(program: &Program, class: ClassId) -> bool {
    let mut words = program.classes[class as usize].members.keys();
    words.any(|word| program.words[*word as usize] == "__getitem__")
}
