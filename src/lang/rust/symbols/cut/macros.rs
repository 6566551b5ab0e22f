//! Macros among items: what a definition may define, and what a call is given.

use std::ops::Range;

use super::{Before, Cutter, Item};
use crate::lang::rust::macros;
use crate::lang::rust::symbols::header::body;
use crate::lang::rust::symbols::names::names_something;
use crate::lang::rust::symbols::{Kind, NameId};
use crate::lang::rust::tokens::Tokens;

/// Keywords before the name of an item, and before one that it is given.
const ITEMS: &[&str] = &[
    "fn", "struct", "enum", "union", "trait", "const", "static", "type", "mod",
];

/// Types that nothing of the tree defines.
const PRIMITIVES: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
    "f64", "bool", "char", "str",
];

impl Cutter<'_, '_> {
    pub(super) fn macro_rules(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
        let tokens = self.tokens;
        let name = tokens.ident(keyword + 2).unwrap_or_default();
        let open = keyword + 3;
        let Some(close) = tokens.close(open) else {
            return self.loose(before.start, open);
        };
        let next = (close + 1 + usize::from(tokens.is(close + 1, ";"))).min(end);
        let own = vec![self.names.id(name)];
        let defines = self.defined(open + 1..close);
        let maker = macros::maker(tokens, name, open);
        let calls = maker.calls.iter().map(|name| self.names.id(name)).collect();
        let item = Item {
            kind: Kind::Macro,
            name,
            all: before.start..next,
            body: open..close,
            own,
            declared: Vec::new(),
            bound: None,
        };
        let unit = self.push(before, item, None);
        let own = &mut self.out.units[unit as usize];
        let hands_on = hands_on(tokens, open..close);
        own.implements = (open..close).any(|i| tokens.is(i, "impl"));
        own.defines = defines;
        own.items = maker.items.filter(|_| !hands_on);
        own.methods = maker.methods;
        own.calls = calls;
        // whoever can see it may call it, whatever stands before it
        own.hidden = false;
        own.kept = false;
        next
    }

    /// The names of items in the body of a macro, as far as they are written out.
    fn defined(&mut self, range: Range<usize>) -> Vec<NameId> {
        let tokens = self.tokens;
        let mut found = Vec::new();
        let renames = range.clone().any(|i| tokens.is(i, "use"));
        let mut i = range.start;
        while i < range.end {
            if tokens.is(i, "impl") {
                // a type of the tree has to be named; for any other, the methods have to
                let open = body(tokens, i + 1, range.end);
                let types = implemented(tokens, i + 1..open);
                let types = types.filter_map(|i| tokens.ident(i));
                found.extend(types.map(|name| self.names.id(name)).collect::<Vec<_>>());
                i = open;
            }
            if let Some(name) = tokens.ident(i).filter(|_| names_something(tokens, i)) {
                let before = |back: usize| tokens.text(i.saturating_sub(back));
                let keyword = match before(1) {
                    "mut" => before(2) == "static",
                    "!" => before(2) == "macro_rules",
                    "as" => renames,
                    word => ITEMS.contains(&word),
                };
                if keyword {
                    found.push(self.names.id(name));
                }
            }
            i += 1;
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A macro call among items; anything else is not understood.
    pub(super) fn call(
        &mut self,
        before: &Before,
        keyword: usize,
        end: usize,
        holder: Option<&(u32, String)>,
    ) -> usize {
        let tokens = self.tokens;
        let mut at = keyword;
        let mut name = None;
        while let Some(segment) = tokens.ident(at) {
            name = Some((segment, at));
            if tokens.is(at + 1, ":") && tokens.is(at + 2, ":") {
                at += 3;
            } else {
                break;
            }
        }
        let open = at + 2 + usize::from(tokens.ident(at + 2).is_some());
        let (Some((name, named)), Some(close)) = (name, tokens.close(open)) else {
            return self.skip(before.start, keyword, end);
        };
        if !tokens.is(at + 1, "!") {
            return self.skip(before.start, keyword, end);
        }
        let next = (close + 1 + usize::from(tokens.is(close + 1, ";"))).min(end);
        let called = self.names.id(name);
        let given = open - usize::from(open > named + 2)..close;
        let mut own: Vec<NameId> = given
            .filter(|i| names_something(tokens, *i))
            .filter_map(|i| tokens.ident(i))
            .filter(|name| !PRIMITIVES.contains(name))
            .map(|name| self.names.id(name))
            .collect();
        own.sort_unstable();
        own.dedup();
        let item = Item {
            kind: Kind::Call,
            name,
            all: before.start..next,
            body: next..next,
            own,
            declared: Vec::new(),
            bound: None,
        };
        let unit = self.push(before, item, holder);
        let given = macros::arguments(tokens, open).into_iter();
        let given = given
            .map(|at| Some(self.names.id(tokens.ident(at?)?)))
            .collect();
        let own = &mut self.out.units[unit as usize];
        own.name.push('!');
        own.defines = vec![called];
        own.given = given;
        own.hidden = false;
        next
    }
}

/// Whether a macro may hand on items that it is given: what matches `item`, or any tokens, stands where items do.
fn hands_on(tokens: &Tokens<'_>, range: Range<usize>) -> bool {
    let is_matched = |i: usize| {
        tokens.is(i, ":") && matches!(tokens.text(i + 1), "item" | "tt") && i > range.start
    };
    let matched = range.clone().filter(|i| is_matched(*i));
    let matched: Vec<(&str, bool)> = matched
        .filter_map(|i| Some((tokens.ident(i - 1)?, tokens.is(i + 1, "item"))))
        .collect();
    let mut at = range.start;
    while at < range.end {
        if tokens.is(at, "fn") {
            // what stands in a body is no item of the file
            let open = body(tokens, at + 1, range.end);
            at = tokens
                .close(open)
                .filter(|_| tokens.is(open, "{"))
                .unwrap_or(at)
                + 1;
            continue;
        }
        let name = tokens.ident(at + 1).filter(|_| tokens.is(at, "$"));
        if let Some(name) = name
            && !is_matched(at + 2)
        {
            let before = tokens.text(at.saturating_sub(1));
            let repeated = before == "(" && tokens.is(at.saturating_sub(2), "$");
            let stands_free = repeated || matches!(before, "{" | "}" | ";" | "]" | ")");
            let mut matched = matched.iter();
            if matched.any(|(other, item)| *other == name && (*item || stands_free)) {
                return true;
            }
        }
        at += 1;
    }
    false
}

/// Types in the header of an impl: its own, and the arguments of its trait.
fn implemented<'a>(
    tokens: &'a Tokens<'_>,
    header: Range<usize>,
) -> impl Iterator<Item = usize> + 'a {
    let between = header
        .clone()
        .find(|i| tokens.is(*i, "for") && !tokens.is(i + 1, "<"));
    let mut angles = 0_u32;
    header.filter(move |&i| {
        match tokens.text(i) {
            "<" => angles += 1,
            ">" => angles = angles.saturating_sub(1),
            _ => {}
        }
        let argument = angles > 0 || between.is_none_or(|between| i > between);
        let name = tokens.ident(i).filter(|_| argument);
        name.is_some_and(|name| name.starts_with(|c: char| c.is_uppercase()))
    })
}
