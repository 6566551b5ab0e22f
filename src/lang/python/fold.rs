//! Constant folding: which texts an expression can have, as far as the file itself tells.
//!
//! Scopes are not told apart: a name stands for everything that is bound to it anywhere in the file, and is unknown as
//! soon as one binding is. So an answer is never narrower than the truth, but for lists changed from other files.

use rustc_hash::FxHashMap as HashMap;
use std::cell::Cell;

use ruff_python_ast::{Expr, ExprCall, FStringPart, InterpolatedStringElement, Operator};

use super::source::{OWN_FILE, OWN_NAME, OWN_PACKAGE};
use super::text::{MANY, Text, product, tidy, unknown};

/// How deep names and operators are followed.
const DEEP: u32 = 24;
/// How many steps one question may take: names that are bound to each other would be followed for ever.
const STEPS: u32 = 400;

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
    /// A part of what an expression gives, no telling which.
    Part(&'a Expr),
    /// A parameter: whoever calls gives the value.
    Given,
    /// Something that this file does not tell.
    Unknown,
}

/// All bindings of a file.
#[derive(Debug, Default)]
pub(super) struct Bindings<'a> {
    names: HashMap<&'a str, Vec<Bound<'a>>>,
    steps: Cell<u32>,
}

impl<'a> Bindings<'a> {
    /// Collects bindings in any order.
    pub(super) fn new(all: impl IntoIterator<Item = (&'a str, Bound<'a>)>) -> Self {
        let mut names: HashMap<&str, Vec<Bound<'_>>> = HashMap::default();
        for (name, bound) in all {
            names.entry(name).or_default().push(bound);
        }
        Self {
            names,
            steps: Cell::new(0),
        }
    }

    /// What a name is bound to.
    pub(super) fn of(&self, name: &str) -> &[Bound<'a>] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// The texts that an expression can have. Never empty; a text that [`Text::is_unknown`] stands for all.
    pub(super) fn texts(&self, expr: &'a Expr) -> Vec<Text> {
        self.steps.set(STEPS);
        self.fold(expr, 0)
    }

    /// Takes one step; `false` where none is left.
    fn step(&self) -> bool {
        let left = self.steps.get();
        self.steps.set(left.saturating_sub(1));
        left > 0
    }

    pub(super) fn fold(&self, expr: &'a Expr, depth: u32) -> Vec<Text> {
        if depth > DEEP || !self.step() {
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

    fn name(&self, name: &str, depth: u32) -> Vec<Text> {
        match name {
            "__name__" => return vec![Text::exact(OWN_NAME)],
            "__package__" => return vec![Text::exact(OWN_PACKAGE)],
            "__file__" => return vec![Text::exact(OWN_FILE)],
            _ => {}
        }
        let Some(bounds) = self.names.get(name) else {
            return unknown();
        };
        // One unknown binding makes the name unknown: the others need not be followed.
        if bounds.iter().any(|b| {
            matches!(
                b,
                Bound::Module(_) | Bound::Part(_) | Bound::Given | Bound::Unknown
            )
        }) {
            return unknown();
        }
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
                Bound::Module(_) | Bound::Part(_) | Bound::Given | Bound::Unknown => {
                    return unknown();
                }
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
        let Some(bounds) = self.names.get(name.id.as_str()) else {
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
        if depth > DEEP || !self.step() {
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
                for bound in self.names.get(name.id.as_str())? {
                    match *bound {
                        Bound::Value(expr) | Bound::HoldsAll(expr) => {
                            all.extend(self.held(expr, values, depth + 1)?);
                        }
                        Bound::Holds(expr) => all.push(expr),
                        Bound::Element(..)
                        | Bound::Module(_)
                        | Bound::Part(_)
                        | Bound::Given
                        | Bound::Unknown => return None,
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
