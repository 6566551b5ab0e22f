//! Cuts a file into units: one pass over its tokens, without recursion.
//!
//! What is not understood stays with what stands outside of all units, where any change counts for the whole file.

use std::ops::Range;

use super::bound::Bound;
use super::header::{at_top, body, header};
use super::imports::imports;
use super::names::{Interner, Within, names, names_something};
use super::units::{Owner, print};
use super::{DOCS, Header, How, Import, Kind, NameId, REST, Symbols, Unit};
use crate::lang::rust::attributes::{self, Role};
use crate::lang::rust::macros;
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

/// Keywords before the name of an item, and before one that it is given.
const ITEMS: &[&str] = &[
    "fn", "struct", "enum", "union", "trait", "const", "static", "type", "mod",
];

/// Types that nothing of the tree defines.
const PRIMITIVES: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32",
    "f64", "bool", "char", "str",
];

/// Attributes that hand an item to the linker or the compiler.
const KEEPS: &[&str] = &[
    "no_mangle",
    "export_name",
    "link_section",
    "used",
    "global_allocator",
    "panic_handler",
    "ctor",
    "dtor",
    "distributed_slice",
    "proc_macro",
    "proc_macro_attribute",
    "proc_macro_derive",
    "macro_export",
    "alloc_error_handler",
];

/// Attributes that change what they stand on without handing it to anybody.
const REWRITES: &[&str] = &["async_trait", "main", "instrument", "automock", "cfg_attr"];

/// Derives that only implement traits, which are called by whoever has the type.
const DERIVES: &[&str] = &[
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Serialize",
    "Deserialize",
    "Error",
    "Display",
    "From",
    "Into",
    "Deref",
    "DerefMut",
    "AsRef",
    "Parser",
    "Subcommand",
    "Args",
    "ValueEnum",
    "Builder",
    "EnumString",
    "EnumIter",
    "IntoIterator",
    "Arbitrary",
    "Zeroize",
    "Pod",
    "Template",
    "FromPrimitive",
];

/// Names that make others of names, or run sources that are not part of the program.
const BLINDS: &[(&str, &str)] = &[
    ("paste", "puts names together"),
    ("concat_idents", "puts names together"),
    ("format_ident", "puts names together"),
    ("proc_macro", "defines procedural macros"),
    ("proc_macro_derive", "defines procedural macros"),
    ("proc_macro_attribute", "defines procedural macros"),
    ("trybuild", "runs other sources"),
    ("ui_test", "runs other sources"),
    ("compiletest_rs", "runs other sources"),
    ("lang_tester", "runs other sources"),
    ("macrotest", "runs other sources"),
    ("skeptic", "runs other sources"),
];

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
            at += steps;
        }
        (out, at)
    }

    fn function(
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
                    && matches!(tokens.text(i - 1), "{" | "}" | ";" | "]" | "unsafe"))
        });
        let unit = self.push(before, item, holder);
        self.out.units[unit as usize].kept |= kept;
        (next, None)
    }

    fn is_type(&self, keyword: usize) -> bool {
        self.tokens.ident(keyword + 1).is_some()
            && (!self.tokens.is(keyword, "union") || !self.tokens.is(keyword + 1, "="))
    }

    fn type_of(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
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

    fn holder(&mut self, before: &Before, keyword: usize, end: usize) -> (usize, Option<Level>) {
        let tokens = self.tokens;
        let open = body(tokens, keyword + 1, end);
        let is_trait = tokens.is(keyword, "trait");
        let name = tokens.ident(keyword + 1).unwrap_or_default();
        let read: Option<Header> =
            (!is_trait).then(|| header(tokens, keyword + 1..open, &mut self.names));
        let text = |path: &super::Path| self.names.names[path.name as usize].clone();
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

    fn module(&mut self, before: &Before, keyword: usize, end: usize) -> (usize, Option<Level>) {
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
        let inner = Level {
            at: open + 1,
            end: close,
            holder: None,
            is_module: true,
        };
        (close + 1, Some(inner))
    }

    fn value(
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

    fn alias(
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

    fn import(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
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

    fn foreign(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
        if self.tokens.is(keyword + 1, "crate") {
            let names = (keyword + 2..keyword + 5).filter_map(|i| self.tokens.ident(i));
            let named: Vec<NameId> = names.map(|name| self.names.id(name)).collect();
            self.out.mods.extend(named);
            return at_semicolon(self.tokens, keyword, end) + 1;
        }
        self.other(before, keyword, end)
    }

    fn macro_rules(&mut self, before: &Before, keyword: usize, end: usize) -> usize {
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
        own.defines = defines;
        own.items = maker.items;
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
    fn call(
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
            holder: holder.map(|(unit, _)| *unit),
            hidden: !before.public && !shown,
            kept: kept || kept_with,
            uses: found.uses,
            spawns: found.spawns,
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

    /// Whether an attribute may hand what it stands on to somebody unseen.
    fn keeps(&self, open: usize, kind: Kind) -> bool {
        let tokens = self.tokens;
        tokens
            .inside(open)
            .any(|i| tokens.ident(i).is_some_and(|name| KEEPS.contains(&name)))
            || (kind != Kind::Test && self.is_unknown(open))
    }

    /// Whether nobody knows what an attribute does.
    fn is_unknown(&self, open: usize) -> bool {
        let tokens = self.tokens;
        attributes::parts(tokens, open).into_iter().any(|part| {
            let Some(name) = attributes::last_segment(tokens, part) else {
                return true;
            };
            if name == "derive" {
                return !attributes::derives(tokens, part).all(|derive| DERIVES.contains(&derive));
            }
            !REWRITES.contains(&name) && !attributes::is_plain(tokens, part)
        })
    }

    /// What holds for the file as a whole.
    fn look_over(&mut self) {
        let tokens = self.tokens;
        for (index, token) in tokens.iter().enumerate() {
            if token.kind != tokens::Kind::Ident {
                continue;
            }
            if token.text == "use" {
                let owner = self.owners.get(index).copied().unwrap_or_default();
                let kind = self
                    .out
                    .units
                    .get(owner.unit as usize)
                    .map(|unit| unit.kind);
                self.out.opens |= matches!(kind, Some(Kind::Macro | Kind::Call | Kind::Other));
            }
            let blind = BLINDS.iter().find(|(name, _)| *name == token.text);
            let is_macro = tokens.is(index + 1, "!");
            if let Some((name, why)) = blind
                && (!matches!(*name, "paste" | "format_ident" | "concat_idents") || is_macro)
                && (*name != "proc_macro" || tokens.is(index.saturating_sub(1), "["))
            {
                self.out.blind.get_or_insert_with(|| (*why).to_owned());
            }
            let in_docs =
                (token.text == "include_str" && is_macro && index > 1 && tokens.is(index - 1, "="))
                    || (token.text == "doc" && tokens.is(index + 1, "="))
                    || (matches!(token.text, "doctest" | "doc_comment") && is_macro);
            self.out.docs_elsewhere |= in_docs;
        }
        let loose = std::mem::take(&mut self.loose);
        for range in loose {
            let found = names(tokens, range, OPAQUE, &mut self.names);
            let rest = &mut self.out.units[REST as usize];
            rest.uses.extend(found.uses);
            rest.spawns |= found.spawns;
        }
    }

    fn docs(&mut self, prints: &Prints) {
        let mut uses = Vec::new();
        for (_, text) in &prints.doctests {
            let tokens = Tokens::of(text);
            let count = tokens.iter().count();
            uses.extend(names(&tokens, 0..count, OPAQUE, &mut self.names).uses);
        }
        uses.sort_unstable();
        uses.dedup();
        self.out.units[DOCS as usize].uses = uses;
    }
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
