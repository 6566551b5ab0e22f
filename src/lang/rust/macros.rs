//! What a `macro_rules!` makes of what it is given: tests, and items by which names.
//!
//! A name is told where the macro takes it as an identifier at the beginning of an argument: `$name:ident, …`. Other
//! ways of making tests (repetitions, modules, attributes handed on) are not followed: the list of tests is then
//! incomplete.
//!
//! Not seen here: a macro from outside that bears the name of one of the tree.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::attributes::{self, Role};
use super::modules::Sources;
use super::scan::role_of;
use super::tokens::{Kind, Tokens};

/// Macros that stand for expressions or statements, define nothing, and make no names of identifiers.
pub(super) const EXPRESSIONS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "format",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "matches",
    "assert_matches",
    "dbg",
    "format_args",
    "concat",
    "env",
    "option_env",
    "include_str",
    "include_bytes",
    "line",
    "column",
    "file",
    "module_path",
    "stringify",
    "cfg",
    "json",
    "anyhow",
    "bail",
    "ensure",
    "assert_snapshot",
    "assert_debug_snapshot",
    "assert_json_snapshot",
    "compile_error",
    "addr_of",
    "addr_of_mut",
    "prop_assert",
    "prop_assert_eq",
    "prop_assert_ne",
    "btreemap",
    "hashmap",
    "smallvec",
    "indoc",
];

/// Arguments beyond these are not looked at.
const MOST: usize = 8;

/// How the expansions of a macro name something.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub enum Named {
    /// By the identifier that begins the argument at this place.
    Given(u32),
    /// As it is written in the macro.
    Fixed(String),
}

/// What a macro makes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Maker {
    /// Its name.
    pub name: String,
    /// The tests in its expansions; `None` where they cannot be told.
    pub tests: Option<Vec<Named>>,
    /// The arguments by which items are named, or for which impls are made; `None` where they cannot be told.
    pub items: Option<Vec<u32>>,
    /// Some of these name methods.
    pub methods: bool,
    /// The macros that its expansions call, outside of functions.
    pub calls: Vec<String>,
}

/// A macro call among items.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The macro's name.
    pub name: String,
    /// The inline modules around it, with `::` behind each.
    pub around: String,
    /// The identifiers that begin its arguments, as far as arguments can be told apart.
    pub given: Vec<Option<String>>,
    /// It stands in what another macro is given.
    pub nested: bool,
}

/// Reads a definition whose arms lie in the brackets that open at `open`.
pub(super) fn maker(tokens: &Tokens<'_>, name: &str, open: usize) -> Maker {
    let mut out = Maker {
        name: name.to_owned(),
        tests: Some(Vec::new()),
        items: Some(Vec::new()),
        methods: false,
        calls: Vec::new(),
    };
    let inside = tokens.inside(open);
    let mut at = inside.start;
    while at < inside.end {
        let body = tokens.close(at).map(|close| close + 3);
        match body.filter(|body| tokens.close(*body).is_some()) {
            Some(body) => {
                Arm::of(tokens, at).read(body, &mut out);
                at = tokens.close(body).unwrap_or(body) + 1;
            }
            None => at += 1,
        }
    }
    out.calls.sort();
    out.calls.dedup();
    out
}

/// One arm of a macro.
struct Arm<'a, 't> {
    tokens: &'a Tokens<'t>,
    /// Parameters that begin an argument, with its place.
    first: HashMap<&'t str, u32>,
    /// It takes attributes as such, so that they can be seen in the call.
    takes_attributes: bool,
}

impl<'a, 't> Arm<'a, 't> {
    fn of(tokens: &'a Tokens<'t>, matcher: usize) -> Self {
        let mut first = HashMap::new();
        let (mut place, mut fresh) = (0, true);
        let inside = tokens.inside(matcher);
        let takes_attributes = inside
            .clone()
            .any(|i| tokens.is(i, "#") && tokens.is(i + 1, "[") && tokens.is(i + 2, "$"));
        let mut at = inside.start;
        while at < inside.end {
            let is_parameter = tokens.is(at, "$") && tokens.is(at + 2, ":");
            if tokens.is(at, "$") && tokens.close(at + 1).is_some() {
                break;
            } else if is_parameter {
                let kind = tokens.text(at + 3);
                if let Some(name) = tokens.ident(at + 1)
                    && fresh
                    && matches!(kind, "ident" | "ty" | "path")
                {
                    first.insert(name, place);
                }
                fresh = false;
                at += 3;
            } else if tokens.is(at, ",") {
                place += 1;
                fresh = true;
            } else {
                fresh = false;
                at = tokens.close(at).unwrap_or(at);
            }
            at += 1;
        }
        Self {
            tokens,
            first,
            takes_attributes,
        }
    }

    fn read(&self, body: usize, out: &mut Maker) {
        let tokens = self.tokens;
        let (mut attributes, mut found) = (0, 0);
        // up to where the walk is in an impl or trait
        let mut inner = 0;
        let inside = tokens.inside(body);
        let mut at = inside.start;
        while at < inside.end {
            let next = at + 1;
            match tokens.text(at) {
                "fn" if is_word(tokens, at) => {
                    out.methods |= at < inner && tokens.is(next, "$");
                    let named = self.named(next);
                    given(&mut out.items, named.clone());
                    match (role_of(tokens, at), named) {
                        (Role::Plain, _) => {}
                        (Role::Test, Some(named)) => {
                            found += 1;
                            out.tests.iter_mut().for_each(|all| all.push(named.clone()));
                        }
                        _ => out.tests = None,
                    }
                    // what stands in a function is no item of others
                    let open = super::symbols::body(tokens, next, inside.end);
                    at = tokens.close(open).unwrap_or(open);
                }
                "trait" if is_word(tokens, at) => {
                    let open = super::symbols::body(tokens, next, inside.end);
                    inner = inner.max(tokens.close(open).unwrap_or(open));
                    given(&mut out.items, self.named(next));
                }
                "struct" | "enum" | "union" | "const" | "static" | "type" | "mod"
                    if tokens.is(next, "$") =>
                {
                    out.tests = out.tests.take().filter(|_| !tokens.is(at, "mod"));
                    given(&mut out.items, self.named(next));
                }
                "mod" if is_word(tokens, at) => out.tests = None,
                "impl" if is_word(tokens, at) => {
                    let open = super::symbols::body(tokens, next, inside.end);
                    let named =
                        (next..open).filter(|i| tokens.is(*i, "$") && !tokens.is(i + 1, "crate"));
                    for i in named {
                        given(&mut out.items, self.named(i));
                    }
                    inner = inner.max(tokens.close(open).unwrap_or(open));
                    at = open;
                }
                "#" if tokens.is(next, "[") => {
                    if tokens.is(next + 1, "$") && !self.takes_attributes {
                        out.tests = None;
                    }
                    match role(tokens, next) {
                        Role::Plain => {}
                        Role::Test => attributes += 1,
                        Role::Unknown => out.tests = None,
                    }
                    at = tokens.close(next).unwrap_or(next);
                }
                "!" if tokens.close(next).is_some() && at > 0 => match tokens.ident(at - 1) {
                    Some(_)
                        if tokens.is(at.saturating_sub(2), "$") && !tokens.is(at - 1, "crate") =>
                    {
                        out.tests = None;
                        out.items = None;
                    }
                    Some(name) if !EXPRESSIONS.contains(&name) => out.calls.push(name.to_owned()),
                    _ => {}
                },
                _ => {}
            }
            at += 1;
        }
        if attributes != found {
            out.tests = None;
        }
    }

    /// The name at `at`: a parameter whose argument is known, or one that is written out.
    fn named(&self, at: usize) -> Option<Named> {
        if self.tokens.is(at, "$") {
            let name = self.tokens.ident(at + 1)?;
            return self.first.get(name).map(|place| Named::Given(*place));
        }
        self.tokens
            .ident(at)
            .map(|name| Named::Fixed(name.to_owned()))
    }
}

/// Adds the argument that names an item. What is written out is known anyway.
fn given(items: &mut Option<Vec<u32>>, named: Option<Named>) {
    match (items.as_mut(), named) {
        (Some(all), Some(Named::Given(place))) if !all.contains(&place) => all.push(place),
        (_, Some(_)) => {}
        (_, None) => *items = None,
    }
}

fn is_word(tokens: &Tokens<'_>, at: usize) -> bool {
    tokens
        .get(at)
        .is_some_and(|token| token.kind == Kind::Ident)
        && !tokens.is(at.saturating_sub(1), "$")
}

/// What an attribute makes of an item. Derives make none.
fn role(tokens: &Tokens<'_>, open: usize) -> Role {
    match tokens.ident(open + 1) {
        Some("derive") => Role::Plain,
        _ if tokens.is(open + 1, "$") => Role::Plain,
        _ => attributes::role(tokens, open),
    }
}

/// The identifiers that begin the arguments in the brackets that open at `open`.
pub(super) fn arguments(tokens: &Tokens<'_>, open: usize) -> Vec<Option<usize>> {
    let inside = tokens.inside(open);
    let mut out = Vec::new();
    let mut at = inside.start;
    let mut fresh = true;
    while at < inside.end && out.len() < MOST {
        if fresh {
            let named = tokens.ident(at).map(|_| at);
            out.push(named);
        }
        fresh = tokens.is(at, ",");
        // commas in generics and closures do not part arguments
        if matches!(tokens.text(at), "<" | "|") {
            break;
        }
        at = tokens.close(at).unwrap_or(at) + 1;
    }
    out
}

/// Whether what a macro is given holds attributes that may make tests.
pub(super) fn hands_tests(tokens: &Tokens<'_>, open: usize) -> bool {
    tokens
        .inside(open)
        .any(|i| tokens.is(i, "#") && tokens.is(i + 1, "[") && role(tokens, i + 1) != Role::Plain)
}

/// All macros of a tree, by name.
#[derive(Debug, Default)]
pub(super) struct Makers<'a>(HashMap<&'a str, Vec<&'a Maker>>);

impl<'a> Makers<'a> {
    /// Gathers them.
    pub(super) fn of(sources: &Sources<'a>) -> Self {
        let mut all: HashMap<&str, Vec<&Maker>> = HashMap::new();
        for file in sources.values() {
            for maker in &file.source.makers {
                all.entry(&maker.name).or_default().push(maker);
            }
        }
        Self(all)
    }

    /// The names of the tests that a call makes; `None` where they cannot be told.
    pub(super) fn tests(&self, call: &Call) -> Option<Vec<String>> {
        let all = self.made(&call.name, &mut Vec::new())?;
        if call.nested && !all.is_empty() {
            return None;
        }
        let named = all.into_iter().map(|named| match named {
            Named::Fixed(name) => Some(name),
            Named::Given(place) => call.given.get(place as usize)?.clone(),
        });
        named
            .map(|name| Some(format!("{}{}", call.around, name?)))
            .collect()
    }

    fn made<'s>(&'s self, name: &'s str, around: &mut Vec<&'s str>) -> Option<Vec<Named>> {
        let mut out = Vec::new();
        around.push(name);
        for maker in self.0.get(name)? {
            out.extend(maker.tests.clone()?);
            for called in &maker.calls {
                // arguments of inner calls are not followed
                if !around.contains(&called.as_str()) && !self.made(called, around)?.is_empty() {
                    return None;
                }
            }
        }
        out.sort();
        out.dedup();
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let tokens = Tokens::of(text);
        let made = maker(&tokens, "m", 3);
        let tests = made.tests.map_or("?".to_owned(), |tests| {
            let told = tests.iter().map(|named| match named {
                Named::Given(place) => format!("${place}"),
                Named::Fixed(name) => name.clone(),
            });
            told.collect::<Vec<_>>().join(" ")
        });
        let items = made
            .items
            .map_or("?".to_owned(), |items| format!("{items:?}"));
        format!("{tests} / {items} / {}", made.calls.join(" "))
    }

    #[test]
    fn tests_and_items_are_told_by_the_argument_that_names_them() {
        for (arms, expected) in [
            (
                "($n:ident, $e:expr) => { #[test] fn $n() { f!($e); } }",
                "$0 / [0] / ",
            ),
            (
                "($e:expr, $n:ident) => { #[test] fn $n() {} }",
                "$1 / [1] / ",
            ),
            (
                "($n:ident: |$e:expr|) => { struct $n; impl A for $n { fn f() {} } }",
                " / [0] / ",
            ),
            ("() => { #[test] fn a() {} }", "a / [] / "),
            (
                "($($n:ident),*) => { $( #[test] fn $n() {} )* }",
                "? / ? / ",
            ),
            (
                "($n:ident) => { mod $n { #[test] fn a() {} } }",
                "? / [0] / ",
            ),
            (
                "($(#[$m:meta])* $n:ident) => { $(#[$m])* fn $n() {} }",
                " / ? / ",
            ),
            ("($m:meta, $n:ident) => { #[$m] fn $n() {} }", "? / [1] / "),
            ("($($i:item)*) => { #[test] $($i)* }", "? / [] / "),
            ("($e:expr) => { assert!($e) }", " / [] / "),
            ("($n:ident) => { other!($n); }", " / [] / other"),
            ("($m:ident) => { $m!(a); }", "? / ? / "),
            ("($t:ty) => { impl A for $t {} }", " / [0] / "),
        ] {
            assert_eq!(
                told(&format!("macro_rules! m {{ {arms} }}")),
                expected,
                "{arms}"
            );
        }
    }

    #[test]
    fn arguments_are_told_apart_as_long_as_commas_part_them() {
        for (text, expected) in [
            ("m!(a, \"b\", c d)", "a ? c"),
            ("m!(f(x, y), b)", "f b"),
            ("m!(a::<b, c>(), d)", "a"),
            ("m!()", ""),
        ] {
            let tokens = Tokens::of(text);
            let told: Vec<&str> = arguments(&tokens, 2)
                .into_iter()
                .map(|at| at.map_or("?", |at| tokens.text(at)))
                .collect();
            assert_eq!(told.join(" "), expected, "{text}");
        }
    }
}
