//! Constant folding: which texts an expression can have, as far as the file itself tells.
//!
//! Scopes are not told apart: a name stands for everything that is bound to it anywhere in the file, and is unknown as
//! soon as one binding is. So an answer is never narrower than the truth, but for lists changed from other files.

use std::collections::HashMap;

use ruff_python_ast::{Expr, ExprCall, FStringPart, InterpolatedStringElement, Operator};

use super::source::{OWN_DIR, OWN_FILE, OWN_NAME, OWN_PACKAGE};

/// How many texts an expression may have before it counts as unknown.
const MANY: usize = 200;
/// How deep names and operators are followed.
const DEEP: u32 = 24;

/// What is known of a text: the whole, or how it begins and ends.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub(super) struct Text {
    /// How it begins; the whole text where `exact`.
    pub(super) prefix: String,
    /// How it ends, where not `exact`.
    pub(super) suffix: String,
    /// Nothing is between.
    pub(super) exact: bool,
}

/// What a name is bound to somewhere in the file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound<'a> {
    /// The value of an expression.
    Value(&'a Expr),
    /// One element of what the expression holds; where that is a tuple, its part at this place.
    Element(&'a Expr, Option<usize>),
    /// The name's list or mapping also holds this.
    Holds(&'a Expr),
    /// The name's list or mapping also holds all that this one holds.
    HoldsAll(&'a Expr),
    /// A module of this absolute name.
    Module(&'a str),
    /// Something that this file does not tell.
    Unknown,
}

/// All bindings of a file.
#[derive(Debug, Default)]
pub(super) struct Bindings<'a>(HashMap<&'a str, Vec<Bound<'a>>>);

impl Text {
    /// A text known in full.
    pub(super) fn exact(text: impl Into<String>) -> Self {
        Self {
            prefix: text.into(),
            suffix: String::new(),
            exact: true,
        }
    }

    /// Whether nothing at all is known.
    pub(super) fn is_unknown(&self) -> bool {
        !self.exact && self.prefix.is_empty() && self.suffix.is_empty()
    }

    fn then(&self, next: &Text) -> Text {
        let join = |a: &str, b: &str| [a, b].concat();
        match (self.exact, next.exact) {
            (true, true) => Text::exact(join(&self.prefix, &next.prefix)),
            (true, false) => Text {
                prefix: join(&self.prefix, &next.prefix),
                ..next.clone()
            },
            (false, true) => Text {
                suffix: join(&self.suffix, &next.prefix),
                ..self.clone()
            },
            (false, false) => Text {
                prefix: self.prefix.clone(),
                suffix: next.suffix.clone(),
                exact: false,
            },
        }
    }

    /// This path with another below it.
    fn slash(&self, next: &Text) -> Text {
        if next.exact && next.prefix.starts_with('/') {
            return next.clone();
        }
        if self.exact && self.prefix.is_empty() {
            return next.clone();
        }
        let ends = if self.exact {
            &self.prefix
        } else {
            &self.suffix
        };
        if ends.ends_with('/') {
            self.then(next)
        } else {
            self.then(&Text::exact("/")).then(next)
        }
    }

    /// The directory around this path.
    fn parent(&self) -> Text {
        if !self.exact {
            return Text::default();
        }
        let path = self.prefix.trim_end_matches('/');
        if path.chars().eq([OWN_FILE]) {
            return Text::exact(OWN_DIR);
        }
        match path.rsplit_once('/') {
            Some((dir, last)) if last != ".." && !last.is_empty() => Text::exact(dir),
            _ => Text::exact(format!("{path}/..")),
        }
    }
}

impl<'a> Bindings<'a> {
    /// Collects bindings in any order.
    pub(super) fn new(all: impl IntoIterator<Item = (&'a str, Bound<'a>)>) -> Self {
        let mut names: HashMap<&str, Vec<Bound<'_>>> = HashMap::new();
        for (name, bound) in all {
            names.entry(name).or_default().push(bound);
        }
        Self(names)
    }

    /// The texts that an expression can have. Never empty; a text that [`Text::is_unknown`] stands for all.
    pub(super) fn texts(&self, expr: &'a Expr) -> Vec<Text> {
        self.fold(expr, 0)
    }

    fn fold(&self, expr: &'a Expr, depth: u32) -> Vec<Text> {
        if depth > DEEP {
            return unknown();
        }
        let depth = depth + 1;
        let found = match expr {
            Expr::StringLiteral(literal) => vec![Text::exact(literal.value.to_str())],
            Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) => return unknown(),
            Expr::FString(string) => {
                let mut all = vec![Text::exact("")];
                for part in &string.value {
                    match part {
                        FStringPart::Literal(literal) => {
                            all = product(&all, &[Text::exact(&*literal.value)], Text::then);
                        }
                        FStringPart::FString(string) => {
                            for element in &string.elements {
                                let next = match element {
                                    InterpolatedStringElement::Literal(literal) => {
                                        vec![Text::exact(&*literal.value)]
                                    }
                                    InterpolatedStringElement::Interpolation(inner)
                                        if inner.format_spec.is_none()
                                            && inner.debug_text.is_none() =>
                                    {
                                        self.fold(&inner.expression, depth)
                                    }
                                    InterpolatedStringElement::Interpolation(_) => unknown(),
                                };
                                all = product(&all, &next, Text::then);
                            }
                        }
                    }
                }
                all
            }
            Expr::BinOp(op) => match op.op {
                Operator::Add => {
                    // Long sums lean to the left: walk down instead of recursing.
                    let (mut left, mut right) = (&*op.left, vec![&*op.right]);
                    while let Expr::BinOp(inner) = left
                        && inner.op == Operator::Add
                    {
                        right.push(&inner.right);
                        left = &inner.left;
                    }
                    let mut all = self.fold(left, depth);
                    for next in right.into_iter().rev() {
                        all = product(&all, &self.fold(next, depth), Text::then);
                    }
                    all
                }
                Operator::Div => product(
                    &self.fold(&op.left, depth),
                    &self.fold(&op.right, depth),
                    Text::slash,
                ),
                Operator::Mod => self.percent(op, depth),
                _ => return unknown(),
            },
            Expr::If(choice) => {
                let mut all = self.fold(&choice.body, depth);
                all.extend(self.fold(&choice.orelse, depth));
                all
            }
            Expr::BoolOp(choice) => {
                let all = choice.values.iter().flat_map(|e| self.fold(e, depth));
                all.collect()
            }
            Expr::Named(named) => self.fold(&named.value, depth),
            Expr::Await(_) | Expr::Starred(_) => return unknown(),
            Expr::Name(name) => return self.name(&name.id, depth),
            Expr::Attribute(attribute) => match attribute.attr.as_str() {
                "parent" if is_spec(&attribute.value) => vec![Text::exact(OWN_PACKAGE)],
                "name" if is_spec(&attribute.value) => vec![Text::exact(OWN_NAME)],
                "parent" => {
                    let all = self.fold(&attribute.value, depth);
                    all.iter().map(Text::parent).collect()
                }
                "__name__" => self.module_name(&attribute.value),
                _ => return unknown(),
            },
            Expr::Subscript(subscript) => {
                if let Expr::Attribute(attribute) = &*subscript.value
                    && attribute.attr.as_str() == "parents"
                {
                    let up = match &*subscript.slice {
                        Expr::NumberLiteral(n) => n.value.as_int().and_then(|n| n.as_u8()),
                        _ => None,
                    };
                    let Some(up) = up.filter(|&up| up < 12) else {
                        return unknown();
                    };
                    let mut all = self.fold(&attribute.value, depth);
                    for _ in 0..=up {
                        all = all.iter().map(Text::parent).collect();
                    }
                    all
                } else {
                    self.all_of(self.held(&subscript.value, true, depth), depth)
                }
            }
            Expr::Call(call) => self.call(call, depth),
            _ => return unknown(),
        };
        tidy(found)
    }

    fn call(&self, call: &'a ExprCall, depth: u32) -> Vec<Text> {
        let args = &call.arguments.args;
        let method = match &*call.func {
            Expr::Name(name) => (None, name.id.as_str()),
            Expr::Attribute(attribute) => (Some(&*attribute.value), attribute.attr.as_str()),
            _ => return unknown(),
        };
        match (method, &args[..]) {
            ((Some(Expr::StringLiteral(glue)), "join"), [parts]) => {
                let glue = [Text::exact(glue.value.to_str())];
                let (Expr::List(_) | Expr::Tuple(_)) = parts else {
                    return unknown();
                };
                let mut all: Option<Vec<Text>> = None;
                for part in literal_elements(parts).unwrap_or_default() {
                    let next = self.fold(part, depth);
                    all = Some(match all {
                        None => next,
                        Some(all) => product(&product(&all, &glue, Text::then), &next, Text::then),
                    });
                }
                all.unwrap_or_else(unknown)
            }
            ((Some(Expr::StringLiteral(template)), "format"), _) => {
                self.format(template.value.to_str(), call, depth)
            }
            ((Some(base), "get"), [_, default @ ..]) if default.len() <= 1 => {
                let mut all = self.all_of(self.held(base, true, depth), depth);
                all.extend(default.iter().flat_map(|e| self.fold(e, depth)));
                all
            }
            ((Some(_), "param"), [first, ..]) => self.fold(first, depth),
            ((_, "dirname"), [path]) => {
                let all = self.fold(path, depth);
                all.iter().map(Text::parent).collect()
            }
            (
                (
                    _,
                    "abspath" | "realpath" | "normpath" | "fspath" | "expanduser" | "str"
                    | "intern",
                ),
                [path],
            ) => self.fold(path, depth),
            ((Some(path), "resolve" | "absolute" | "as_posix" | "expanduser"), _) => {
                self.fold(path, depth)
            }
            (
                (_, "Path" | "PurePath" | "PosixPath" | "PurePosixPath" | "local" | "join"),
                [first, rest @ ..],
            ) => {
                let first = self.fold(first, depth);
                rest.iter().fold(first, |all, next| {
                    product(&all, &self.fold(next, depth), Text::slash)
                })
            }
            ((Some(base), "joinpath"), parts) => {
                let base = self.fold(base, depth);
                parts.iter().fold(base, |all, next| {
                    product(&all, &self.fold(next, depth), Text::slash)
                })
            }
            _ => unknown(),
        }
    }

    /// `"…%s…" % …`
    fn percent(&self, op: &'a ruff_python_ast::ExprBinOp, depth: u32) -> Vec<Text> {
        let Expr::StringLiteral(template) = &*op.left else {
            return unknown();
        };
        let args: Vec<&Expr> = match &*op.right {
            Expr::Tuple(tuple) => tuple.elts.iter().collect(),
            Expr::Dict(_) => Vec::new(),
            single => vec![single],
        };
        let mut args = args.into_iter();
        let mut all = vec![Text::exact("")];
        let mut rest = template.value.to_str();
        while let Some((before, after)) = rest.split_once('%') {
            all = product(&all, &[Text::exact(before)], Text::then);
            let mut chars = after.chars();
            let next = match chars.next() {
                Some('%') => vec![Text::exact("%")],
                Some('s') => args
                    .next()
                    .map_or_else(unknown, |arg| self.fold(arg, depth)),
                // Anything else is a number or a named field: the end of the field is not worth finding.
                _ => {
                    let end = after.find(|c: char| c.is_ascii_alphabetic() && c != 'l');
                    let end = match after.strip_prefix('(').and_then(|n| n.find(')')) {
                        Some(close) => after[close + 2..]
                            .find(|c: char| c.is_ascii_alphabetic())
                            .map(|at| at + close + 2),
                        None => end,
                    };
                    rest = end.and_then(|at| after.get(at + 1..)).unwrap_or_default();
                    all = product(&all, &unknown(), Text::then);
                    args.next();
                    continue;
                }
            };
            all = product(&all, &next, Text::then);
            rest = chars.as_str();
        }
        product(&all, &[Text::exact(rest)], Text::then)
    }

    /// `"…{}…".format(…)`
    fn format(&self, template: &'a str, call: &'a ExprCall, depth: u32) -> Vec<Text> {
        let mut all = vec![Text::exact("")];
        let mut rest = template;
        let mut auto = 0;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, field) = rest.split_at(at);
            all = product(&all, &[Text::exact(before)], Text::then);
            if field.starts_with("{{") || field.starts_with("}}") {
                all = product(&all, &[Text::exact(&field[..1])], Text::then);
                rest = &field[2..];
                continue;
            }
            let Some(end) = field.find('}') else {
                return unknown();
            };
            let name = field.get(1..end).unwrap_or_default();
            let value = if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) {
                let index = name.parse().unwrap_or(auto);
                auto += 1;
                call.arguments.args.get(index)
            } else {
                call.arguments.find_keyword(name).map(|k| &k.value)
            };
            let next = value.map_or_else(unknown, |value| self.fold(value, depth));
            all = product(&all, &next, Text::then);
            rest = &field[end + 1..];
        }
        product(&all, &[Text::exact(rest)], Text::then)
    }

    fn name(&self, name: &str, depth: u32) -> Vec<Text> {
        match name {
            "__name__" => return vec![Text::exact(OWN_NAME)],
            "__package__" => return vec![Text::exact(OWN_PACKAGE)],
            "__file__" => return vec![Text::exact(OWN_FILE)],
            _ => {}
        }
        let Some(bounds) = self.0.get(name) else {
            return unknown();
        };
        let mut all = Vec::new();
        for bound in bounds {
            match *bound {
                Bound::Value(expr) => all.extend(self.fold(expr, depth)),
                Bound::Element(expr, part) => {
                    let part_of = |held: &'a Expr| match part {
                        None => Some(held),
                        Some(part) => literal_elements(held)?.get(part).copied(),
                    };
                    let held = match pairs_of(expr, part) {
                        Some((mapping, values)) => self.held(mapping, values, depth),
                        None => self
                            .held(expr, false, depth)
                            .and_then(|held| held.into_iter().map(part_of).collect()),
                    };
                    all.extend(self.all_of(held, depth));
                }
                Bound::Holds(_) | Bound::HoldsAll(_) => {}
                Bound::Module(_) | Bound::Unknown => return unknown(),
            }
            if all.len() > MANY {
                return unknown();
            }
        }
        if all.is_empty() { unknown() } else { tidy(all) }
    }

    fn module_name(&self, expr: &Expr) -> Vec<Text> {
        let Expr::Name(name) = expr else {
            return unknown();
        };
        let Some(bounds) = self.0.get(name.id.as_str()) else {
            return unknown();
        };
        let known = bounds.iter().map(|bound| match bound {
            Bound::Module(name) => Some(Text::exact(*name)),
            _ => None,
        });
        known.collect::<Option<Vec<_>>>().unwrap_or_else(unknown)
    }

    /// What a list, set or mapping holds: `values` of a mapping rather than its keys. `None` where not all is known.
    fn held(&self, expr: &'a Expr, values: bool, depth: u32) -> Option<Vec<&'a Expr>> {
        if depth > DEEP {
            return None;
        }
        match expr {
            Expr::Dict(dict) => dict
                .items
                .iter()
                .map(|item| {
                    let key = item.key.as_ref()?;
                    Some(if values { &item.value } else { key })
                })
                .collect(),
            Expr::List(_) | Expr::Tuple(_) | Expr::Set(_) => literal_elements(expr),
            Expr::BinOp(op) if matches!(op.op, Operator::Add | Operator::BitOr) => {
                let mut all = self.held(&op.left, values, depth + 1)?;
                all.extend(self.held(&op.right, values, depth + 1)?);
                Some(all)
            }
            Expr::Call(call) => {
                let function = match &*call.func {
                    Expr::Name(name) => name.id.as_str(),
                    Expr::Attribute(attribute) => {
                        return match attribute.attr.as_str() {
                            "values" => self.held(&attribute.value, true, depth + 1),
                            "keys" => self.held(&attribute.value, false, depth + 1),
                            _ => None,
                        };
                    }
                    _ => return None,
                };
                match (function, &call.arguments.args[..]) {
                    (
                        "list" | "tuple" | "set" | "frozenset" | "sorted" | "reversed" | "iter"
                        | "dict" | "OrderedDict",
                        [inner],
                    ) if call.arguments.keywords.is_empty() || function == "sorted" => {
                        self.held(inner, values, depth + 1)
                    }
                    _ => None,
                }
            }
            Expr::Name(name) => {
                let mut all = Vec::new();
                for bound in self.0.get(name.id.as_str())? {
                    match *bound {
                        Bound::Value(expr) | Bound::HoldsAll(expr) => {
                            all.extend(self.held(expr, values, depth + 1)?);
                        }
                        Bound::Holds(expr) => all.push(expr),
                        Bound::Element(..) | Bound::Module(_) | Bound::Unknown => return None,
                    }
                    if all.len() > MANY {
                        return None;
                    }
                }
                Some(all)
            }
            _ => None,
        }
    }

    fn all_of(&self, held: Option<Vec<&'a Expr>>, depth: u32) -> Vec<Text> {
        match held {
            Some(held) if held.len() <= MANY => {
                held.into_iter().flat_map(|e| self.fold(e, depth)).collect()
            }
            _ => unknown(),
        }
    }
}

/// The elements of a literal list, tuple or set without stars.
pub(super) fn literal_elements(expr: &Expr) -> Option<Vec<&Expr>> {
    let elements = match expr {
        Expr::List(list) => &list.elts,
        Expr::Tuple(tuple) => &tuple.elts,
        Expr::Set(set) => &set.elts,
        // `pytest.param(value, …)` stands for its first arguments.
        Expr::Call(call) if matches!(&*call.func, Expr::Attribute(a) if a.attr.as_str() == "param") =>
        {
            return Some(call.arguments.args.iter().collect());
        }
        _ => return None,
    };
    let plain = elements.iter().all(|e| !e.is_starred_expr());
    plain.then(|| elements.iter().collect())
}

/// For one side of `for key, value in mapping.items()`: the mapping, and whether its values are meant.
/// For the second side of `enumerate(list)`: the list.
fn pairs_of(expr: &Expr, part: Option<usize>) -> Option<(&Expr, bool)> {
    let Expr::Call(call) = expr else { return None };
    match &*call.func {
        Expr::Attribute(attribute) if attribute.attr.as_str() == "items" => {
            Some((&attribute.value, part? == 1))
        }
        Expr::Name(name) if name.id.as_str() == "enumerate" && part? == 1 => {
            Some((call.arguments.args.first()?, false))
        }
        _ => None,
    }
}

fn is_spec(expr: &Expr) -> bool {
    matches!(expr, Expr::Name(name) if name.id.as_str() == "__spec__")
}

fn unknown() -> Vec<Text> {
    vec![Text::default()]
}

fn product(left: &[Text], right: &[Text], join: fn(&Text, &Text) -> Text) -> Vec<Text> {
    if left.len() * right.len() > MANY {
        let mut left = left.to_vec();
        left.dedup();
        // Too many: what all have in common is not worth finding, but a single side still is.
        return match (&left[..], right) {
            ([one], _) => vec![join(one, &Text::default())],
            (_, [one]) => vec![join(&Text::default(), one)],
            _ => unknown(),
        };
    }
    let pairs = left
        .iter()
        .flat_map(|l| right.iter().map(move |r| join(l, r)));
    pairs.collect()
}

fn tidy(mut all: Vec<Text>) -> Vec<Text> {
    if all.len() > 1 {
        all.sort();
        all.dedup();
    }
    if all.is_empty() || all.len() > MANY || all.iter().any(Text::is_unknown) {
        return unknown();
    }
    all
}
