//! Items by their keywords.

use super::{Before, Cutter, DEEPEST, Item, Level};
use crate::lang::rust::attributes::{self, Role};
use crate::lang::rust::symbols::bound::Bound;
use crate::lang::rust::symbols::header::{at_top, body, header};
use crate::lang::rust::symbols::imports::imports;
use crate::lang::rust::symbols::names::names_something;
use crate::lang::rust::symbols::{Header, How, Import, Kind, NameId, Path, Unit};
use crate::lang::rust::tokens::Tokens;

impl<'t> Cutter<'_, 't> {
    pub(super) fn function(
        &mut self,
        before: &Before,
        keyword: usize,
        end: usize,
        holder: Option<&(u32, String)>,
    ) -> (usize, Option<Level>) {
        let tokens = self.tokens;
        let Some(name) = tokens.ident(keyword + 1) else {
            return (self.loose(before.start, keyword + 1), None);
        };
        let open = body(tokens, keyword + 2, end);
        let close = tokens.close(open).unwrap_or(open);
        let is_test = before
            .attributes
            .iter()
            .any(|open| attributes::role(tokens, *open) == Role::Test);
        let item = Item {
            kind: if is_test { Kind::Test } else { Kind::Function },
            name,
            all: before.start..(close + 1).min(end),
            body: open..close,
            own: vec![self.names.id(name)],
            declared: Vec::new(),
            bound: Some(Bound::of(tokens, keyword + 1, open)),
        };
        let next = item.all.end;
        // an impl in a body counts everywhere
        let inside = tokens.inside(open);
        let kept = inside.into_iter().any(|i| {
            matches!(tokens.text(i), "macro_export" | "no_mangle")
                || (tokens.is(i, "impl")
                    && matches!(tokens.text(i - 1), "{" | "}" | ";" | "]" | "(" | "unsafe"))
        });
        let head = || before.start..open;
        // what it gives is of a type that its body tells
        let hides_type = head().any(|i| tokens.is(i, "impl") && !tokens.is(i - 1, ":"));
        let unit = self.push(before, item, holder);
        let names = head().filter(|i| names_something(tokens, *i));
        let names: Vec<&str> = names.filter_map(|i| tokens.ident(i)).collect();
        let in_head = names.into_iter().map(|name| self.names.id(name)).collect();
        let held = holder.is_some_and(|(unit, _)| self.out.units[*unit as usize].kept);
        let own = &mut self.out.units[unit as usize];
        own.kept |= kept;
        own.in_head = in_head;
        // a const function may run when others are compiled, and whoever keeps it may do anything with it
        if let (Some(first), Some(last)) = (tokens.get(open), tokens.get(close))
            && tokens.is(open, "{")
            && !(own.kept || held || hides_type || before.constant)
        {
            own.runs = Some((first.line, last.line));
        }
        (next, None)
    }

    pub(super) fn is_type(&self, keyword: usize) -> bool {
        self.tokens.ident(keyword + 1).is_some()
            && (!self.tokens.is(keyword, "union") || !self.tokens.is(keyword + 1, "="))
    }

    pub(super) fn type_of(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
        let tokens = self.tokens;
        let name = tokens.ident(keyword + 1).unwrap_or_default();
        let open = body(tokens, keyword + 2, end);
        let close = tokens.close(open).unwrap_or(open);
        let mut own = vec![self.names.id(name)];
        let mut declared = Vec::new();
        if tokens.is(keyword, "enum") {
            let mut at = open + 1;
            let mut fresh = true;
            while at < close {
                if tokens.is(at, ",") {
                    fresh = true;
                } else if fresh && names_something(tokens, at) {
                    own.push(self.names.id(tokens.ident(at).unwrap_or_default()));
                    declared.push(at);
                    fresh = false;
                }
                at = tokens.close(at).unwrap_or(at) + 1;
            }
        }
        let all = before.start..(close + 1).min(end);
        let next = all.end;
        self.push(
            before,
            Item {
                kind: Kind::Type,
                name,
                body: next..next,
                all,
                own,
                declared,
                bound: None,
            },
            None,
        );
        next
    }

    pub(super) fn holder(
        &mut self,
        before: &Before,
        keyword: usize,
        end: usize,
    ) -> (usize, Option<Level>) {
        let tokens = self.tokens;
        let open = body(tokens, keyword + 1, end);
        let is_trait = tokens.is(keyword, "trait");
        let name = tokens.ident(keyword + 1).unwrap_or_default();
        let read: Option<Header> =
            (!is_trait).then(|| header(tokens, keyword + 1..open, &mut self.names));
        let text = |path: &Path| self.names.names[path.name as usize].clone();
        let (own, shown) = match &read {
            None => (vec![self.names.id(name)], name.to_owned()),
            Some(header) => {
                let of = header.of.as_ref().map_or("_".to_owned(), text);
                let shown = match &header.of_trait {
                    None => of,
                    Some(path) => {
                        let of_trait = path.as_ref().map_or("_".to_owned(), text);
                        format!("<{of} as {of_trait}>")
                    }
                };
                (Vec::new(), shown)
            }
        };
        let close = tokens.close(open).unwrap_or(open);
        let item = Item {
            kind: if is_trait { Kind::Trait } else { Kind::Impl },
            name: "",
            all: before.start..(open + 1).min(end),
            body: open..open,
            own,
            declared: Vec::new(),
            bound: None,
        };
        let unit = self.push(before, item, None);
        let told = self.qualified(&shown);
        let own = &mut self.out.units[unit as usize];
        own.name = match (&read, is_trait) {
            (Some(_), _) => format!("impl {told}"),
            _ => told,
        };
        own.header = read;
        // its functions may run when others are compiled
        let is_argument = |i: usize| matches!(tokens.text(i - 1), "<" | "," | "*");
        own.kept |= before.constant
            || (keyword + 1..open).any(|i| tokens.is(i, "const") && !is_argument(i));
        if let Some(last) = tokens.get(close) {
            own.lines.1 = last.line;
        }
        let next = (close + 1).min(end);
        if !tokens.is(open, "{") {
            return (next, None);
        }
        if close < end {
            self.own(close..close + 1, unit, false);
        }
        let inner = Level {
            at: open + 1,
            end: close.min(end),
            holder: Some((unit, shown)),
            is_module: false,
        };
        (next, Some(inner))
    }

    pub(super) fn module(
        &mut self,
        before: &Before,
        keyword: usize,
        end: usize,
    ) -> (usize, Option<Level>) {
        let tokens = self.tokens;
        let name = tokens.ident(keyword + 1).unwrap_or_default();
        let id = self.names.id(name);
        self.out.mods.push(id);
        let open = keyword + 2;
        if !tokens.is(open, "{") {
            return (open + 1, None);
        }
        let close = tokens.close(open).unwrap_or(end).min(end);
        let rewritten = before.attributes.iter().any(|a| self.is_unknown(*a));
        if rewritten || self.path.len() >= DEEPEST {
            return (self.other(before, keyword, end), None);
        }
        self.path.push(name);
        self.modules += 1;
        self.module_of.push(self.modules);
        let inner = Level {
            at: open + 1,
            end: close,
            holder: None,
            is_module: true,
        };
        (close + 1, Some(inner))
    }

    pub(super) fn value(
        &mut self,
        before: &Before,
        keyword: usize,
        end: usize,
        holder: Option<&(u32, String)>,
    ) -> usize {
        let tokens = self.tokens;
        let at = keyword + 1 + usize::from(tokens.is(keyword + 1, "mut"));
        let stop = at_semicolon(tokens, at, end);
        let Some(name) = tokens.ident(at) else {
            return self.loose(before.start, stop + 1);
        };
        let all = before.start..(stop + 1).min(end);
        let next = all.end;
        let unnamed = name == "_";
        let equals = at_top(tokens, at..stop, |i| tokens.is(i, "=")).unwrap_or(stop);
        let item = Item {
            kind: if unnamed { Kind::Other } else { Kind::Value },
            name,
            body: if unnamed { next..next } else { equals..stop },
            all,
            own: vec![self.names.id(name)],
            declared: Vec::new(),
            bound: None,
        };
        let unit = self.push(before, item, holder);
        // an unnamed const is looked at when it is compiled, and may hold impls
        let holds = (equals..stop).any(|i| matches!(tokens.text(i), "impl" | "static" | "#" | "!"));
        self.out.units[unit as usize].kept |= unnamed && holds;
        next
    }

    pub(super) fn alias(
        &mut self,
        before: &Before,
        keyword: usize,
        end: usize,
        holder: Option<&(u32, String)>,
    ) -> usize {
        let name = self.tokens.ident(keyword + 1).unwrap_or_default();
        let stop = at_semicolon(self.tokens, keyword, end);
        let all = before.start..(stop + 1).min(end);
        let next = all.end;
        let own = vec![self.names.id(name)];
        let item = Item {
            kind: Kind::Alias,
            name,
            body: next..next,
            all,
            own,
            declared: Vec::new(),
            bound: None,
        };
        self.push(before, item, holder);
        next
    }

    pub(super) fn import(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
        let stop = at_semicolon(self.tokens, keyword, end);
        let found = imports(self.tokens, keyword + 1..stop, &mut self.names);
        self.out.opened.extend(found.opened);
        let public = before.public;
        let bound = found.imports.into_iter();
        self.out
            .imports
            .extend(bound.map(|import| Import { public, ..import }));
        let line = self.tokens.get(keyword).map_or(0, |t| t.line);
        for (new, old) in found.renamed {
            let name = self.names.names[new as usize].clone();
            self.out.units.push(Unit {
                name: self.qualified(&name),
                kind: Kind::Alias,
                lines: (line, line),
                own: vec![new],
                hidden: !before.public,
                uses: vec![(old, How::Plain)],
                ..Unit::default()
            });
        }
        stop + 1
    }

    pub(super) fn foreign(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
        if self.tokens.is(keyword + 1, "crate") {
            let names = (keyword + 2..keyword + 5).filter_map(|i| self.tokens.ident(i));
            let named: Vec<NameId> = names.map(|name| self.names.id(name)).collect();
            self.out.mods.extend(named);
            return at_semicolon(self.tokens, keyword, end) + 1;
        }
        self.other(before, keyword, end)
    }
}

/// The index of the `;` at or behind `from`, outside of brackets; `end` where there is none.
fn at_semicolon(tokens: &Tokens<'_>, from: usize, end: usize) -> usize {
    let mut at = from;
    while at < end {
        if let Some(close) = tokens.close(at) {
            at = close + 1;
        } else if tokens.is(at, ";") {
            return at;
        } else {
            at += 1;
        }
    }
    end
}
