//! Cuts a file into units: one pass over its tokens, without recursion.
//!
//! What is not understood stays with what stands outside of all units, where any change counts for the whole file.

mod items;
mod macros;
mod unseen;

use std::ops::Range;

use super::bound::Bound;
use super::header::body;
use super::names::{Interner, Within, names};
use super::units::{Owner, print};
use super::{Kind, NameId, Symbols, Unit};
use crate::lang::rust::prints::{Piece, Prints};
use crate::lang::rust::tokens::{self, Token, Tokens};

/// Tokens that may mean anything.
const OPAQUE: Within<'static, 'static> = Within {
    opaque: true,
    declared: &[],
    bound: None,
};

/// Nesting of modules beyond this is not looked into.
const DEEPEST: usize = 64;

/// Cuts a file. Cost: linear in its tokens.
pub(in crate::lang::rust) fn read(
    tokens: &Tokens<'_>,
    pieces: &[Piece],
    prints: &Prints,
) -> Symbols {
    let count = tokens.iter().count();
    let mut cutter = Cutter {
        tokens,
        names: Interner::default(),
        out: Symbols::default(),
        owners: vec![Owner::default(); count],
        path: Vec::new(),
        module_of: Vec::new(),
        modules: 0,
        loose: Vec::new(),
    };
    cutter.out.units.push(Unit::default());
    cutter.out.units.push(Unit {
        name: "code in docs".to_owned(),
        kind: Kind::Docs,
        ..Unit::default()
    });
    cutter.cut(count);
    cutter.look_over();
    cutter.docs(prints);
    let Cutter {
        names: interner,
        mut out,
        owners,
        ..
    } = cutter;
    print(tokens, pieces, &owners, &mut out.units);
    out.names = interner.names;
    out
}

struct Cutter<'a, 't> {
    tokens: &'a Tokens<'t>,
    names: Interner,
    out: Symbols,
    owners: Vec<Owner>,
    /// The inline modules around.
    path: Vec<&'t str>,
    /// Which one of the file's inline modules each of them is, and how many there were.
    module_of: Vec<u32>,
    modules: u32,
    /// Tokens outside of units that are not understood.
    loose: Vec<Range<usize>>,
}

/// Items that follow each other.
struct Level {
    at: usize,
    end: usize,
    /// The trait or impl around them, with the name that its items are told by.
    holder: Option<(u32, String)>,
    is_module: bool,
}

/// What stands before the keyword of an item.
#[derive(Default)]
struct Before {
    start: usize,
    attributes: Vec<usize>,
    public: bool,
    constant: bool,
}

/// An item as far as it is told by its keyword.
struct Item<'t> {
    kind: Kind,
    name: &'t str,
    /// From its attributes to its end.
    all: Range<usize>,
    /// Its body or value.
    body: Range<usize>,
    own: Vec<NameId>,
    /// The indices of names that it only declares.
    declared: Vec<usize>,
    /// Its local variables.
    bound: Option<Bound<'t>>,
}

impl<'t> Cutter<'_, 't> {
    fn cut(&mut self, count: usize) {
        let mut levels = vec![Level {
            at: 0,
            end: count,
            holder: None,
            is_module: false,
        }];
        while let Some(level) = levels.last_mut() {
            if level.at >= level.end {
                if level.is_module {
                    self.path.pop();
                    self.module_of.pop();
                }
                levels.pop();
                continue;
            }
            let holder = level.holder.clone();
            let (next, inner) = self.item(level.at, level.end, holder.as_ref());
            level.at = next.max(level.at + 1);
            levels.extend(inner);
        }
    }

    /// Reads the item at `at`: the index behind it, and the items inside it.
    fn item(
        &mut self,
        at: usize,
        end: usize,
        holder: Option<&(u32, String)>,
    ) -> (usize, Option<Level>) {
        let tokens = self.tokens;
        if is_inner_doc(tokens, at) {
            return (at + 1, None);
        }
        if tokens.is(at, "#") && tokens.is(at + 1, "!") && tokens.close(at + 2).is_some() {
            let close = tokens.close(at + 2).unwrap_or(end);
            return (close + 1, None);
        }
        let (before, keyword) = self.before(at);
        if keyword >= end {
            return (end, None);
        }
        match tokens.text(keyword) {
            "fn" => self.function(&before, keyword, end, holder),
            "struct" | "enum" | "union" if self.is_type(keyword) => {
                (self.type_of(&before, keyword, end), None)
            }
            "trait" | "impl" => self.holder(&before, keyword, end),
            "mod" if tokens.ident(keyword + 1).is_some() => self.module(&before, keyword, end),
            "const" | "static" => (self.value(&before, keyword, end, holder), None),
            "type" => (self.alias(&before, keyword, end, holder), None),
            "use" => (self.import(&before, keyword, end), None),
            "extern" => (self.foreign(&before, keyword, end), None),
            "macro_rules" if tokens.is(keyword + 1, "!") => {
                (self.macro_rules(&before, keyword, end), None)
            }
            "macro" => (self.other(&before, keyword, end), None),
            _ => (self.call(&before, keyword, end, holder), None),
        }
    }

    /// Steps over docs, attributes, visibility and qualifiers to the keyword.
    fn before(&self, start: usize) -> (Before, usize) {
        let tokens = self.tokens;
        let mut out = Before {
            start,
            ..Before::default()
        };
        let mut at = start;
        loop {
            if tokens.get(at).is_some_and(|t| t.kind == tokens::Kind::Doc) {
                at += 1;
            } else if tokens.is(at, "#")
                && tokens.is(at + 1, "[")
                && let Some(close) = tokens.close(at + 1)
            {
                out.attributes.push(at + 1);
                at = close + 1;
            } else {
                break;
            }
        }
        if tokens.is(at, "pub") {
            out.public = true;
            at += 1;
            if tokens.is(at, "(") {
                at = tokens.close(at).unwrap_or(at) + 1;
            }
        }
        loop {
            let next = tokens.text(at + 1);
            let is_str = tokens
                .get(at + 1)
                .is_some_and(|t| t.kind == tokens::Kind::Str);
            let steps = match tokens.text(at) {
                "default" if is_keyword(next) => 1,
                "async" | "unsafe" | "safe" | "auto" | "gen" if is_keyword(next) => 1,
                "const" if matches!(next, "fn" | "async" | "unsafe" | "extern") => 1,
                "extern" if is_str && tokens.is(at + 2, "fn") => 2,
                "extern" if next == "fn" => 1,
                _ => break,
            };
            out.constant |= tokens.is(at, "const");
            at += steps;
        }
        (out, at)
    }

    fn skip(&mut self, start: usize, at: usize, end: usize) -> usize {
        let next = (self.tokens.close(at).unwrap_or(at) + 1).min(end);
        self.loose(start, next)
    }

    /// Something as a whole that may be reached in unseen ways.
    fn other(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
        let stop = body(self.tokens, keyword, end);
        let close = self.tokens.close(stop).unwrap_or(stop);
        let all = before.start..(close + 1).min(end);
        let next = all.end;
        let item = Item {
            kind: Kind::Other,
            name: self.tokens.text(keyword),
            body: next..next,
            all,
            own: Vec::new(),
            declared: Vec::new(),
            bound: None,
        };
        let unit = self.push(before, item, None);
        self.out.units[unit as usize].kept = true;
        next
    }

    fn loose(&mut self, start: usize, next: usize) -> usize {
        self.loose.push(start..next);
        next
    }

    fn push(&mut self, before: &Before, item: Item<'t>, holder: Option<&(u32, String)>) -> u32 {
        let tokens = self.tokens;
        let unit = self.out.units.len() as u32;
        let within = Within {
            opaque: matches!(item.kind, Kind::Macro | Kind::Call | Kind::Other),
            declared: &item.declared,
            bound: item.bound.as_ref(),
        };
        let found = names(tokens, item.all.clone(), within, &mut self.names);
        self.own(item.all.clone(), unit, false);
        self.own(item.body.clone(), unit, true);
        let line = |token: Option<&Token<'_>>| token.map_or(0, |t| t.line);
        let in_holder = holder.map(|(unit, _)| &self.out.units[*unit as usize]);
        // what stands in a trait, or in an impl of one, is as visible as the trait
        let shown = in_holder.is_some_and(|h| {
            h.kind == Kind::Trait || h.header.as_ref().is_some_and(|h| h.of_trait.is_some())
        });
        let kept_with = in_holder.is_some_and(|h| h.kept && h.kind == Kind::Impl);
        let kept = before.attributes.iter().any(|a| self.keeps(*a, item.kind));
        let name = match holder {
            Some((_, outer)) => self.qualified(&format!("{outer}::{}", item.name)),
            None => self.qualified(item.name),
        };
        self.out.units.push(Unit {
            name,
            kind: item.kind,
            lines: (
                line(tokens.get(item.all.start)),
                line(tokens.get(item.all.end.saturating_sub(1))),
            ),
            own: item.own,
            module: self.module_of.last().copied().unwrap_or_default(),
            holder: holder.map(|(unit, _)| *unit),
            hidden: !before.public && !shown,
            kept: kept || kept_with,
            uses: found.uses,
            spawns: found.spawns,
            draws: found.draws,
            forks: found.forks,
            ..Unit::default()
        });
        unit
    }

    fn own(&mut self, range: Range<usize>, unit: u32, body: bool) {
        if let Some(owners) = self.owners.get_mut(range) {
            owners.fill(Owner { unit, body });
        }
    }

    fn qualified(&self, name: &str) -> String {
        let path = self.path.iter().copied().chain([name]);
        path.collect::<Vec<_>>().join("::")
    }
}

fn is_inner_doc(tokens: &Tokens<'_>, at: usize) -> bool {
    tokens.get(at).is_some_and(|t| {
        t.kind == tokens::Kind::Doc && (t.text.starts_with("//!") || t.text.starts_with("/*!"))
    })
}

fn is_keyword(text: &str) -> bool {
    matches!(
        text,
        "fn" | "async"
            | "unsafe"
            | "safe"
            | "extern"
            | "const"
            | "impl"
            | "trait"
            | "type"
            | "auto"
            | "mod"
            | "gen"
            | "static"
    )
}
