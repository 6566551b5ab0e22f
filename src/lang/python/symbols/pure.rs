//! What provably cannot fail, or do anything, while a file is imported.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    Decorator, DictItem, Expr, ExprCall, InterpolatedStringElement, Operator, Stmt,
    StmtFunctionDef, UnaryOp,
};
use rustc_hash::FxHashSet;

/// Whether an expression only puts literals and names together. `names` gathers the names, with their attributes.
pub(super) fn is_pure(expr: &Expr, names: &mut Vec<String>) -> bool {
    match expr {
        Expr::StringLiteral(_)
        | Expr::BytesLiteral(_)
        | Expr::NumberLiteral(_)
        | Expr::BooleanLiteral(_)
        | Expr::NoneLiteral(_)
        | Expr::EllipsisLiteral(_) => true,
        Expr::UnaryOp(op) => matches!(
            &*op.operand,
            Expr::NumberLiteral(_) | Expr::BooleanLiteral(_)
        ),
        Expr::List(list) => list.elts.iter().all(|e| is_pure(e, names)),
        Expr::Tuple(tuple) => tuple.elts.iter().all(|e| is_pure(e, names)),
        Expr::Set(set) => set.elts.iter().all(is_key),
        Expr::Dict(dict) => dict
            .items
            .iter()
            .all(|item| item.key.as_ref().is_some_and(is_key) && is_pure(&item.value, names)),
        // a method of a text
        Expr::Attribute(attribute) if attribute.value.is_string_literal_expr() => matches!(
            attribute.attr.as_str(),
            "endswith" | "format" | "format_map" | "join" | "startswith"
        ),
        Expr::Name(_) | Expr::Attribute(_) => match dotted(expr) {
            Some(name) => {
                names.push(name);
                true
            }
            None => false,
        },
        Expr::Call(call) if getter(call).is_some() => {
            names.extend(getter(call));
            true
        }
        Expr::Call(call) => {
            let known = matches!(&*call.func, Expr::Name(name)
                if matches!(name.id.as_str(), "frozenset" | "set" | "tuple" | "list"));
            let [argument] = &call.arguments.args[..] else {
                return false;
            };
            let keys = match argument {
                Expr::List(list) => &list.elts,
                Expr::Tuple(tuple) => &tuple.elts,
                Expr::Set(set) => &set.elts,
                _ => return false,
            };
            known && call.arguments.keywords.is_empty() && keys.iter().all(is_key)
        }
        _ => false,
    }
}

/// Whether an expression only puts together the name of a file, or a pattern to be searched for: it may fail, but does nothing else,
/// and opens nothing. `paths` are names that stand for such, `calls` gathers what it calls by a single name.
pub(super) fn is_computed<'e>(
    expr: &'e Expr,
    paths: &FxHashSet<String>,
    calls: &mut Vec<&'e str>,
) -> bool {
    put_together(expr, paths, calls) == Some(true)
}

/// Whether an expression that only puts names and literals together holds something that is [computed](is_computed).
fn put_together<'e>(
    expr: &'e Expr,
    paths: &FxHashSet<String>,
    calls: &mut Vec<&'e str>,
) -> Option<bool> {
    let mut all = |parts: Vec<&'e Expr>| {
        parts.into_iter().try_fold(false, |any, part| {
            Some(put_together(part, paths, calls)? || any)
        })
    };
    match expr {
        Expr::Call(call) => {
            let keywords = call.arguments.keywords.iter().map(|k| &k.value);
            all(call.arguments.args.iter().chain(keywords).collect())?;
            computes(call, paths, calls).then_some(true)
        }
        Expr::Name(name) => Some(paths.contains(name.id.as_str())),
        Expr::Attribute(attribute) => {
            let of = put_together(&attribute.value, paths, calls);
            of.filter(|of| *of || dotted(expr).is_some())
        }
        Expr::Subscript(subscript) => {
            let of = put_together(&subscript.value, paths, calls);
            of.filter(|of| *of && subscript.slice.is_literal_expr())
        }
        Expr::List(list) => all(list.elts.iter().collect()),
        Expr::Tuple(tuple) => all(tuple.elts.iter().collect()),
        Expr::Dict(dict) => {
            let plain = |item: &DictItem| item.key.as_ref().is_some_and(is_key);
            let plain = dict.items.iter().all(plain);
            all(dict.items.iter().map(|item| &item.value).collect()).filter(|_| plain)
        }
        Expr::FString(text) => {
            let put = text.value.elements().filter_map(|element| match element {
                InterpolatedStringElement::Literal(_) => None,
                InterpolatedStringElement::Interpolation(put) => Some(put),
            });
            let put: Vec<_> = put.collect();
            let plain = put.iter().all(|put| put.format_spec.is_none());
            all(put.into_iter().map(|put| &*put.expression).collect()).filter(|_| plain)
        }
        Expr::BinOp(op) => {
            let both = all(vec![&op.left, &op.right])?;
            Some(both && matches!(op.op, Operator::Div | Operator::Add))
        }
        _ => expr.is_literal_expr().then_some(false),
    }
}

/// Whether a function of Python's library puts a name or a pattern together, and opens nothing.
pub(super) fn puts_together(module: &str, name: &str) -> bool {
    match module {
        "os" => name == "fspath",
        "os.path" => matches!(
            name,
            "abspath" | "basename" | "dirname" | "expanduser" | "join" | "normpath" | "realpath"
        ),
        "pathlib" => matches!(name, "Path" | "PurePath"),
        "re" => matches!(name, "compile" | "escape"),
        _ => false,
    }
}

/// Whether a call only puts together a name or a pattern.
fn computes<'e>(call: &'e ExprCall, paths: &FxHashSet<String>, calls: &mut Vec<&'e str>) -> bool {
    if let Expr::Name(name) = &*call.func {
        calls.push(&name.id);
        return true;
    }
    if let Some(name) = dotted(&call.func)
        && let Some((module, name)) = name.rsplit_once('.')
        && puts_together(module, name)
    {
        return true;
    }
    // of a path
    matches!(&*call.func, Expr::Attribute(method) if is_computed(&method.value, paths, calls) && matches!(
        method.attr.as_str(),
        "absolute" | "as_posix" | "joinpath" | "resolve" | "with_name" | "with_suffix"
    ))
}

/// The name of the library's function that gives a getter, where that is all that the call does.
fn getter(call: &ExprCall) -> Option<String> {
    let name = dotted(&call.func)?;
    let known = matches!(
        name.rsplit('.').next().unwrap_or_default(),
        "attrgetter" | "methodcaller" | "itemgetter"
    );
    let mut arguments = call.arguments.args.iter();
    let plain = !call.arguments.args.is_empty() && arguments.all(Expr::is_literal_expr);
    (known && plain && call.arguments.keywords.is_empty()).then_some(name)
}

/// Whether a base of a class is told by names alone.
pub(super) fn is_base(expr: &Expr, names: &mut Vec<String>) -> bool {
    match expr {
        Expr::Name(_) | Expr::Attribute(_) => is_pure(expr, names),
        Expr::Subscript(subscript) => {
            is_base(&subscript.value, names) && is_base(&subscript.slice, names)
        }
        Expr::Tuple(tuple) => tuple.elts.iter().all(|e| is_base(e, names)),
        _ => false,
    }
}

/// Whether an annotation is told by names alone.
pub(super) fn is_annotation(expr: &Expr, names: &mut Vec<String>) -> bool {
    match expr {
        Expr::StringLiteral(_) | Expr::NoneLiteral(_) | Expr::EllipsisLiteral(_) => true,
        Expr::Name(_) | Expr::Attribute(_) => is_pure(expr, names),
        Expr::Subscript(subscript) => {
            let literal = dotted(&subscript.value).is_some_and(|name| name.ends_with("Literal"));
            is_annotation(&subscript.value, names)
                && (literal || is_annotation(&subscript.slice, names))
        }
        Expr::Tuple(tuple) => tuple.elts.iter().all(|e| is_annotation(e, names)),
        Expr::List(list) => list.elts.iter().all(|e| is_annotation(e, names)),
        // a text on one side may be none that can be joined
        Expr::BinOp(op) => {
            op.op == Operator::BitOr
                && !op.left.is_string_literal_expr()
                && !op.right.is_string_literal_expr()
                && is_annotation(&op.left, names)
                && is_annotation(&op.right, names)
        }
        _ => false,
    }
}

/// Whether an expression of a mark of pytest fails for no other reason than that a name is not there: pure ones, what is
/// compared of them, and `pytest.param` of them.
pub(super) fn is_simple(expr: &Expr, names: &mut Vec<String>) -> bool {
    match expr {
        Expr::List(list) => list.elts.iter().all(|e| is_simple(e, names)),
        Expr::Tuple(tuple) => tuple.elts.iter().all(|e| is_simple(e, names)),
        Expr::Compare(compare) => {
            is_simple(&compare.left, names)
                && compare.comparators.iter().all(|e| is_simple(e, names))
        }
        Expr::BoolOp(op) => op.values.iter().all(|e| is_simple(e, names)),
        Expr::UnaryOp(op) if op.op == UnaryOp::Not => is_simple(&op.operand, names),
        Expr::Call(call) if dotted(&call.func).as_deref() == Some("pytest.param") => {
            names.push("pytest.param".to_owned());
            let keywords = call.arguments.keywords.iter().map(|k| &k.value);
            let mut all = call.arguments.args.iter().chain(keywords);
            all.all(|e| is_simple(e, names))
        }
        _ => is_pure(expr, names),
    }
}

/// Whether an expression is a literal that can be hashed.
fn is_key(expr: &Expr) -> bool {
    match expr {
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_key),
        _ => expr.is_literal_expr(),
    }
}

/// `a.b.c` as written.
pub(super) fn dotted(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => {
            Some(format!("{}.{}", dotted(&attribute.value)?, attribute.attr))
        }
        _ => None,
    }
}

/// What is known of a decorator.
pub(super) enum Known {
    /// Leaves the function what it is, or wraps it without keeping it, and cannot fail.
    Plain,
    /// A mark of pytest: read when tests are collected.
    Mark,
    /// A fixture.
    Fixture,
    /// Nothing.
    No,
}

/// What a decorator is known to do.
pub(super) fn decorator(decorator: &Decorator) -> Known {
    let called = match &decorator.expression {
        Expr::Call(call) => &call.func,
        other => other,
    };
    let Some(name) = dotted(called) else {
        return Known::No;
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    if name.starts_with("pytest.mark.") || name.starts_with("mark.") {
        return Known::Mark;
    }
    match last {
        "fixture" | "yield_fixture" => Known::Fixture,
        "property"
        | "cached_property"
        | "staticmethod"
        | "classmethod"
        | "abstractmethod"
        | "wraps"
        | "lru_cache"
        | "cache"
        | "contextmanager"
        | "asynccontextmanager"
        | "overload"
        | "override"
        | "final"
        | "abstractproperty"
        | "no_type_check" => Known::Plain,
        "setter" | "getter" | "deleter" => Known::Plain,
        _ => Known::No,
    }
}

/// Whether a decorator only says how a function is got at: nothing is called when it is defined, and whoever gets at it runs it.
pub(super) fn is_way(decorator: &Decorator) -> bool {
    let name = dotted(&decorator.expression).unwrap_or_default();
    matches!(
        name.rsplit('.').next().unwrap_or_default(),
        "property"
            | "setter"
            | "getter"
            | "deleter"
            | "staticmethod"
            | "classmethod"
            | "override"
            | "final"
    )
}

/// Whether a function, used as a decorator, gives back what it is given or a wrapper of it, and keeps it nowhere else.
/// Where it is `bound` to an object, what it is given comes after that.
pub(super) fn passes(function: &StmtFunctionDef, bound: bool) -> bool {
    let first = function
        .parameters
        .posonlyargs
        .iter()
        .chain(&function.parameters.args)
        .nth(usize::from(bound));
    let Some(first) = first else { return false };
    let mut watch = Watch {
        name: first.parameter.name.as_str(),
        kept: false,
    };
    function.body.iter().for_each(|stmt| watch.visit_stmt(stmt));
    !watch.kept
}

/// Whether a function gives a nested function that [`passes`].
pub(super) fn makes_passing(function: &StmtFunctionDef) -> bool {
    function.body.iter().any(|stmt| match stmt {
        Stmt::FunctionDef(inner) => {
            passes(inner, false)
                && function.body.iter().any(|stmt| {
                    matches!(stmt, Stmt::Return(back) if matches!(back.value.as_deref(),
                        Some(Expr::Name(name)) if name.id == inner.name.id))
                })
        }
        _ => false,
    })
}

/// Looks for a place where a name's value may be kept.
struct Watch<'n> {
    name: &'n str,
    kept: bool,
}

impl Watch<'_> {
    fn is(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Name(name) if name.id.as_str() == self.name)
    }
}

impl<'a> Visitor<'a> for Watch<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Return(back) if back.value.as_deref().is_some_and(|e| self.is(e)) => {}
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(_) => self.kept |= self.is(expr),
            Expr::Attribute(attribute) if self.is(&attribute.value) => {}
            Expr::Call(call) => {
                let harmless = match dotted(&call.func) {
                    Some(name) => matches!(
                        name.rsplit('.').next().unwrap_or_default(),
                        "wraps"
                            | "update_wrapper"
                            | "isinstance"
                            | "callable"
                            | "cast"
                            | "getattr"
                            | "hasattr"
                            | "setattr"
                            | "iscoroutinefunction"
                            | "type"
                            | "signature"
                    ),
                    None => false,
                };
                if !self.is(&call.func) {
                    self.visit_expr(&call.func);
                }
                for argument in &call.arguments.args {
                    if !(harmless && self.is(argument)) {
                        self.visit_expr(argument);
                    }
                }
                call.arguments
                    .keywords
                    .iter()
                    .for_each(|k| self.visit_expr(&k.value));
            }
            _ => visitor::walk_expr(self, expr),
        }
    }
}
