//! Which names in a function are local variables, where that is plain.
//!
//! Parameters hold in the whole body, what `let` binds from its `;` to the end of the block, what `for` binds in its
//! body, what a closure takes in the closure. Patterns in `match` and `if let` are not looked at, and nothing is where
//! the body holds items of its own.

use std::ops::Range;

use rustc_hash::FxHashMap;

use super::header::behind_generics;
use crate::lang::rust::tokens::{Kind, Tokens};

/// Where each name is a local variable.
#[derive(Debug, Default)]
pub(super) struct Bound<'t>(FxHashMap<&'t str, Vec<Range<usize>>>);

impl<'t> Bound<'t> {
    /// Reads the function whose name is at `name` and whose body opens at `open`.
    pub(super) fn of(tokens: &Tokens<'t>, name: usize, open: usize) -> Self {
        let mut out = Self::default();
        let body = tokens.inside(open);
        let items = [
            "fn",
            "mod",
            "macro_rules",
            "impl",
            "trait",
            "const",
            "static",
        ];
        if body
            .clone()
            .any(|i| tokens.ident(i).is_some_and(|name| items.contains(&name)))
        {
            return out;
        }
        let parameters = behind_generics(tokens, name + 1, open);
        for at in at_top(tokens, tokens.inside(parameters)) {
            let declared = tokens.is(at + 1, ":") && !tokens.is(at + 2, ":");
            if declared && !tokens.is(at.saturating_sub(1), ":") {
                out.add(tokens, at, body.clone());
            }
        }
        // the ends of the blocks around
        let mut ends = vec![body.end];
        for at in body {
            while ends.len() > 1 && ends.last().is_some_and(|end| *end <= at) {
                ends.pop();
            }
            let end = ends.last().copied().unwrap_or_default();
            match tokens.text(at) {
                "{" | "(" | "[" => ends.extend(tokens.close(at)),
                "let" => out.bound_by_let(tokens, at, end),
                "for" if tokens.is(at + 2, "in") => {
                    let block = at_top(tokens, at + 3..end).find(|i| tokens.is(*i, "{"));
                    if let Some(block) = block {
                        out.add(tokens, at + 1, tokens.inside(block));
                    }
                }
                "|" => out.bound_by_closure(tokens, at, end),
                _ => {}
            }
        }
        out
    }

    /// Whether the name at `at` is a local variable.
    pub(super) fn contains(&self, name: &str, at: usize) -> bool {
        let ranges = self.0.get(name).into_iter().flatten();
        ranges.into_iter().any(|range| range.contains(&at))
    }

    fn add(&mut self, tokens: &Tokens<'t>, at: usize, range: Range<usize>) {
        let is_name = |token: &&crate::lang::rust::tokens::Token<'t>| token.kind == Kind::Ident;
        if let Some(token) = tokens.get(at).filter(is_name) {
            let ranges = self.0.entry(token.text).or_default();
            ranges.extend([at..at + 1, range]);
        }
    }

    fn bound_by_let(&mut self, tokens: &Tokens<'t>, at: usize, end: usize) {
        // `if let` and its like bind for a block
        if !matches!(tokens.text(at.saturating_sub(1)), "{" | "}" | ";") {
            return;
        }
        let name = at + 1 + usize::from(tokens.is(at + 1, "mut"));
        let plain = matches!(tokens.text(name + 1), "=" | ":" | ";") && !tokens.is(name + 2, ":");
        let stop = at_top(tokens, name..end).find(|i| tokens.is(*i, ";"));
        if let Some(stop) = stop.filter(|_| plain) {
            self.add(tokens, name, stop..end);
        }
    }

    /// A closure whose first bar is at `at`; its body ends where an argument or a statement does.
    fn bound_by_closure(&mut self, tokens: &Tokens<'t>, at: usize, end: usize) {
        if !matches!(
            tokens.text(at.saturating_sub(1)),
            "(" | "," | "=" | "move" | "{" | ";"
        ) {
            return;
        }
        let Some(close) = at_top(tokens, at + 1..end).find(|i| tokens.is(*i, "|")) else {
            return;
        };
        let body = close + 1;
        let stop = at_top(tokens, body..end).find(|i| matches!(tokens.text(*i), "," | ";"));
        for name in at + 1..close {
            let first = matches!(tokens.text(name - 1), "|" | "," | "mut" | "(" | "&");
            if first && matches!(tokens.text(name + 1), "|" | "," | ":" | ")") {
                self.add(tokens, name, body..stop.unwrap_or(end));
            }
        }
    }
}

/// The indices of a range that are in no brackets; opening brackets too.
fn at_top<'a>(tokens: &'a Tokens<'_>, range: Range<usize>) -> impl Iterator<Item = usize> + 'a {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let here = (at < range.end).then_some(at)?;
        at = tokens.close(at).unwrap_or(at) + 1;
        Some(here)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_variable_from_where_it_is_bound_to_the_end_of_its_scope() {
        // each `x` of the body, as it is used
        for (text, expected) in [
            ("fn f(x: u8) { x }", "v"),
            ("fn f() { x; let x = x; x }", "-v-v"),
            ("fn f() { { let x = 1; x } x }", "vv-"),
            ("fn f() { for x in x { x } x }", "v-v-"),
            ("fn f() { g(|x| x, x) }", "vv-"),
            ("fn f() { let y = |&x| { x }; x }", "vv-"),
            ("fn f() { if let x = 1 { x } x; x }", "----"),
            ("fn f(x: u8) { fn g() { x } }", "-"),
            ("fn f(a: x::A) { x }", "-"),
            ("fn f() { a | x | b; x }", "--"),
        ] {
            let tokens = Tokens::of(text);
            let open = (0..).find(|i| tokens.is(*i, "{")).unwrap();
            let bound = Bound::of(&tokens, 1, open);
            let told: String = tokens
                .inside(open)
                .filter(|i| tokens.is(*i, "x"))
                .map(|i| if bound.contains("x", i) { 'v' } else { '-' })
                .collect();
            assert_eq!(told, expected, "{text}");
        }
    }
}
