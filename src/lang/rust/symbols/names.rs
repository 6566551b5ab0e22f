//! The names that a run of tokens uses.
//!
//! A name behind a dot can only be a method, and only where it is called; a name by itself is never one. What is handed
//! to a macro whose use of it is not known may be anything. Names in the braces of texts count, since `format!` and
//! its like look them up.

use std::ops::Range;

use super::bound::Bound;
use super::{How, NameId};
use crate::lang::rust::attributes;
use crate::lang::rust::macros::EXPRESSIONS;
use crate::lang::rust::tokens::{Kind, Tokens, value};
use crate::lang::rust::uses::PROGRAMS;

/// Keywords, which name nothing that is defined. `Self` and `self` mean what is around them.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "type",
    "unsafe", "use", "where", "while",
];

/// Crates, macros and functions that draw at random.
const RANDOM: &[&str] = &[
    "arbtest",
    "bolero",
    "fastrand",
    "getrandom",
    "prop_assert",
    "proptest",
    "quickcheck",
    "rand",
    "thread_rng",
    "TestRunner",
];

/// Functions after which a process may end without writing down what it ran.
const FORKS: &[&str] = &["_exit", "fork", "posix_spawn", "vfork"];

/// Numbers the names of a file.
#[derive(Debug, Default)]
pub(super) struct Interner {
    pub(super) names: Vec<String>,
    places: rustc_hash::FxHashMap<String, NameId>,
}

impl Interner {
    /// The number of a name.
    pub(super) fn id(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.places.get(name) {
            return id;
        }
        let id = self.names.len() as NameId;
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), id);
        id
    }
}

/// The names in a range of tokens.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Each with its use, sorted, once.
    pub(super) uses: Vec<(NameId, How)>,
    /// Some of them start programs.
    pub(super) spawns: bool,
    /// Some of them draw at random.
    pub(super) draws: bool,
    /// Some of them fork a process, or end one without a word.
    pub(super) forks: bool,
}

/// Whether the token at `index` is an identifier that can name something.
pub(super) fn names_something(tokens: &Tokens<'_>, index: usize) -> bool {
    tokens
        .get(index)
        .is_some_and(|token| token.kind == Kind::Ident && !KEYWORDS.contains(&token.text))
        && tokens.text(index) != "_"
}

/// What is known of a range of tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Within<'a, 't> {
    /// It is the inside of a macro, whose tokens may mean anything.
    pub(super) opaque: bool,
    /// The indices of names that are only declared, sorted.
    pub(super) declared: &'a [usize],
    /// Local variables.
    pub(super) bound: Option<&'a Bound<'t>>,
}

/// Collects the names of a range.
pub(super) fn names(
    tokens: &Tokens<'_>,
    range: Range<usize>,
    within: Within<'_, '_>,
    out: &mut Interner,
) -> Names {
    let mut found = Names::default();
    // up to where the walk is in the arguments of a macro that nobody knows, and in an attribute
    let (mut unknown, mut attribute) = (if within.opaque { range.end } else { 0 }, 0);
    // up to where it is in an attribute that names nothing of the tree
    let mut quiet = 0;
    for index in range {
        let Some(token) = tokens.get(index) else {
            break;
        };
        match token.kind {
            Kind::Open => {
                if is_call_of_unknown(tokens, index) {
                    unknown = unknown.max(token.partner);
                }
                if token.text == "[" && is_hash(tokens, index) {
                    attribute = attribute.max(token.partner);
                    quiet = quiet.max(quiet_up_to(tokens, index));
                }
            }
            Kind::Str => {
                let text = value(token.text).unwrap_or_default();
                found.spawns |= text.contains("CARGO_BIN_EXE");
                if index < attribute && index >= quiet && !is_condition(tokens, index) {
                    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
                    let words = words.filter(|word| !word.is_empty());
                    if let Some(how) = written(&text) {
                        found.uses.extend(words.map(|word| (out.id(word), how)));
                    }
                }
                for inner in text.split('{').skip(1) {
                    let end = inner.find(|c: char| !c.is_alphanumeric() && c != '_');
                    let word = inner.get(..end.unwrap_or(inner.len())).unwrap_or_default();
                    if word.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                        found.uses.push((out.id(word), How::Plain));
                    }
                }
            }
            Kind::Ident if index < quiet || within.declared.binary_search(&index).is_ok() => {}
            Kind::Ident if names_something(tokens, index) => {
                let Some(name) = tokens.ident(index) else {
                    continue;
                };
                found.spawns |= PROGRAMS.contains(&name);
                found.draws |= RANDOM.contains(&name);
                found.forks |= FORKS.contains(&name);
                let free = index < unknown || index < attribute;
                let bound = within
                    .bound
                    .is_some_and(|bound| bound.contains(token.text, index));
                if let Some(how) = how(tokens, index, free) {
                    let how = match how {
                        How::Plain if bound => How::Local,
                        how => how,
                    };
                    found.uses.push((out.id(name), how));
                }
            }
            _ => {}
        }
    }
    found.uses.sort_unstable();
    found.uses.dedup();
    found
}

/// How the name at `index` is used; nothing where it is a field, or named to be declared.
fn how(tokens: &Tokens<'_>, index: usize, free: bool) -> Option<How> {
    let before = |back: usize| {
        index
            .checked_sub(back)
            .is_some_and(|i| is_punct(tokens, i, "."))
    };
    let colons = |at: usize| is_punct(tokens, at, ":") && is_punct(tokens, at + 1, ":");
    let keyword = index
        .checked_sub(1)
        .map_or("", |before| tokens.text(before));
    if matches!(keyword, "fn" | "struct" | "enum" | "trait" | "type" | "mod") {
        return None;
    }
    if before(1) && !before(2) {
        let called = tokens.is(index + 1, "(") || colons(index + 1) || tokens.is(index + 1, "$");
        return (called || free).then_some(How::Member);
    }
    let behind_path = index > 1 && colons(index - 2);
    if behind_path && is_type(tokens, index) {
        return Some(How::Of);
    }
    if free || behind_path {
        return Some(How::Any);
    }
    let group = |at: usize| tokens.close(at).is_some();
    if is_punct(tokens, index + 1, "!")
        && (group(index + 2) || (tokens.ident(index + 2).is_some() && group(index + 3)))
    {
        return Some(How::Macro);
    }
    let declared = is_punct(tokens, index + 1, ":") && !colons(index + 1);
    (!declared).then_some(How::Plain)
}

/// Whether the path before the name at `index` ends like a type: `Type::name`, `<T as Trait>::name`.
fn is_type(tokens: &Tokens<'_>, index: usize) -> bool {
    let Some(before) = index.checked_sub(3) else {
        return false;
    };
    if is_punct(tokens, before, ">") {
        return true;
    }
    let parameter = before > 0 && is_punct(tokens, before - 1, "$");
    let named = tokens.ident(before);
    named.is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase())) && !parameter
}

fn is_punct(tokens: &Tokens<'_>, index: usize, text: &str) -> bool {
    tokens
        .get(index)
        .is_some_and(|token| token.kind == Kind::Punct && token.text == text)
}

/// Attributes that name nothing of the tree.
const QUIET: &[&str] = &[
    "test",
    "cfg",
    "doc",
    "inline",
    "must_use",
    "deprecated",
    "allow",
    "warn",
    "deny",
    "forbid",
    "expect",
    "ignore",
    "should_panic",
    "path",
    "repr",
    "non_exhaustive",
    "cold",
    "track_caller",
    "macro_export",
    "macro_use",
];

/// Up to where the attribute in the bracket at `open` names nothing of the tree: all of it, or the path it begins with.
fn quiet_up_to(tokens: &Tokens<'_>, open: usize) -> usize {
    let inside = tokens.inside(open);
    let mut path = inside.start;
    while tokens.ident(path).is_some() || is_punct(tokens, path, ":") {
        path += 1;
    }
    let named = tokens.ident(inside.start);
    if path == inside.start + 1 && named.is_some_and(|name| QUIET.contains(&name)) {
        inside.end
    } else if attributes::is_plain(tokens, inside.start) {
        path
    } else {
        open
    }
}

/// What an attribute's text may be: a path, code, or nothing but prose.
fn written(text: &str) -> Option<How> {
    let path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    if text.chars().all(path) {
        Some(How::Word)
    } else if text.contains(['(', '<', '&', '=']) || text.contains("::") {
        Some(How::Any)
    } else {
        None
    }
}

/// Whether the text at `index` is what a condition of the build asks for.
fn is_condition(tokens: &Tokens<'_>, index: usize) -> bool {
    let asked = index.checked_sub(2).and_then(|i| tokens.ident(i));
    is_punct(tokens, index.saturating_sub(1), "=")
        && asked.is_some_and(|name| name == "feature" || name.starts_with("target_"))
}

fn is_hash(tokens: &Tokens<'_>, open: usize) -> bool {
    let back = |by: usize, text: &str| {
        open.checked_sub(by)
            .is_some_and(|i| is_punct(tokens, i, text))
    };
    back(1, "#") || (back(1, "!") && back(2, "#"))
}

/// Whether the bracket at `open` holds what a macro is called with that may make names of it.
fn is_call_of_unknown(tokens: &Tokens<'_>, open: usize) -> bool {
    let bang = |i: usize| is_punct(tokens, i, "!") && i > 0 && tokens.ident(i - 1).is_some();
    let name = match open.checked_sub(1) {
        Some(before) if bang(before) => tokens.ident(before - 1),
        Some(before) if before > 0 && tokens.ident(before).is_some() && bang(before - 1) => {
            tokens.ident(before - 2)
        }
        _ => return false,
    };
    // `if !(…)` and `return !(…)` call nothing
    name.is_some_and(|name| !EXPRESSIONS.contains(&name) && !KEYWORDS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let tokens = Tokens::of(text);
        let mut interner = Interner::default();
        let found = names(
            &tokens,
            0..tokens.iter().count(),
            Within::default(),
            &mut interner,
        );
        let mut all: Vec<String> = found
            .uses
            .iter()
            .map(|(name, how)| format!("{}:{how:?}", interner.names[*name as usize]))
            .collect();
        all.sort();
        all.join(" ")
    }

    #[test]
    fn a_name_is_told_by_what_stands_around_it() {
        for (text, expected) in [
            ("f(x)", "f:Plain x:Plain"),
            ("x.f()", "f:Member x:Plain"),
            ("x.f::<T>()", "T:Plain f:Member x:Plain"),
            ("x.field + 1", "x:Plain"),
            ("a..b", "a:Plain b:Plain"),
            ("T::new(a)", "T:Plain a:Plain new:Of"),
            ("m::f(<T as U>::V)", "T:Plain U:Plain V:Of f:Any m:Plain"),
            (
                "S { field: value, short }",
                "S:Plain short:Plain value:Plain",
            ),
            (
                "assert_eq!(a.len(), B)",
                "B:Plain a:Plain assert_eq:Macro len:Member",
            ),
            ("mine!(a, b)", "a:Any b:Any mine:Macro"),
            ("mine!(x.f)", "f:Member mine:Macro x:Any"),
            (
                "println!(\"{A} {b:?} {{c}}\")",
                "A:Plain b:Plain c:Plain println:Macro",
            ),
            (
                "#[serde(with = \"a::b\")] x",
                "a:Word b:Word with:Any x:Plain",
            ),
            (
                "#[tokio::test] fn a() {} #[cfg(feature = \"b\")] c",
                "c:Plain",
            ),
            (
                "#[derive(A)] #[other(feature = \"b\")] c",
                "A:Any c:Plain derive:Any feature:Any other:Any",
            ),
            ("x != y", "x:Plain y:Plain"),
            ("r#type(r#fn)", "fn:Plain type:Plain"),
            ("if !(a) { !b }", "a:Plain b:Plain"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }
}
