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

/// Whether it takes looking at a decorator to know what it does.
pub(super) fn is_unknown(one: &Decorator) -> bool {
    matches!(decorator(one), Known::No)
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

/// Whether a function, used as a decorator, gives the function that it is given, or one that runs it whenever it is called, unless
/// something fails before.
pub(super) fn runs_it(function: &StmtFunctionDef, bound: bool) -> bool {
    let parameters = &function.parameters;
    let mut placed = parameters.posonlyargs.iter().chain(&parameters.args);
    let Some(first) = placed.nth(usize::from(bound)) else {
        return false;
    };
    let first = first.parameter.name.as_str();
    is_quiet(&function.body)
        && gives_only(function, &[first], |inner| {
            let mut taken = inner.parameters.iter();
            inner.decorator_list.iter().all(is_wraps)
                && !inner.is_async
                && !taken.any(|parameter| parameter.name().as_str() == first)
                && runs(&inner.body, first)
        })
}

/// Whether a function gives nested functions that [`runs_it`], and nothing else.
pub(super) fn makes_running(function: &StmtFunctionDef) -> bool {
    is_quiet(&function.body)
        && gives_only(function, &[], |inner| {
            inner.decorator_list.is_empty() && !inner.is_async && runs_it(inner, false)
        })
}

/// Whether statements do nothing that anybody else notices: they define functions, keep attributes under names of their own, and dress
/// up wrappers.
fn is_quiet(body: &[Stmt]) -> bool {
    body.iter().all(|stmt| match stmt {
        Stmt::FunctionDef(inner) => {
            let mut defaults = inner.parameters.iter_non_variadic_params();
            inner.decorator_list.iter().all(is_wraps)
                && defaults.all(|parameter| parameter.default.as_deref().is_none_or(is_still))
        }
        Stmt::Return(back) => back.value.as_deref().is_none_or(is_still),
        Stmt::Assign(assign) => {
            assign.targets.iter().all(Expr::is_name_expr) && is_still(&assign.value)
        }
        Stmt::Expr(expr) => expr.value.is_string_literal_expr() || is_still(&expr.value),
        Stmt::If(branch) => {
            let mut others = branch.elif_else_clauses.iter();
            is_still(&branch.test)
                && is_quiet(&branch.body)
                && others
                    .all(|other| other.test.as_ref().is_none_or(is_still) && is_quiet(&other.body))
        }
        Stmt::Pass(_) => true,
        _ => false,
    })
}

/// Whether a decorator only makes a wrapper look like what it wraps.
fn is_wraps(decorator: &Decorator) -> bool {
    let called = match &decorator.expression {
        Expr::Call(call) => &call.func,
        other => other,
    };
    dotted(called).is_some_and(|name| name.rsplit('.').next() == Some("wraps"))
}

/// Whether an expression calls nothing but what looks at functions or dresses them up.
fn is_still(expr: &Expr) -> bool {
    struct Calls(bool);
    impl<'a> Visitor<'a> for Calls {
        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Call(call) = expr {
                let name = dotted(&call.func).unwrap_or_default();
                self.0 |= !matches!(
                    name.rsplit('.').next().unwrap_or_default(),
                    "wraps"
                        | "update_wrapper"
                        | "cast"
                        | "isinstance"
                        | "callable"
                        | "getattr"
                        | "hasattr"
                        | "iscoroutinefunction"
                        | "type"
                );
            }
            self.0 |= matches!(
                expr,
                Expr::Named(_) | Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Await(_)
            );
            visitor::walk_expr(self, expr);
        }
    }
    let mut calls = Calls(false);
    calls.visit_expr(expr);
    !calls.0
}

/// Whether a function gives nothing but what bears one of some names, or nested functions of a kind.
fn gives_only(
    function: &StmtFunctionDef,
    names: &[&str],
    is_one: impl Fn(&StmtFunctionDef) -> bool,
) -> bool {
    let mut outer = Outer::default();
    function.body.iter().for_each(|stmt| outer.visit_stmt(stmt));
    let mut names = names.to_vec();
    for inner in &outer.functions {
        let name = inner.name.as_str();
        let mut namesakes = outer.functions.iter();
        if namesakes.all(|other| other.name.as_str() != name || is_one(other)) {
            names.push(name);
        }
    }
    names.retain(|name| !outer.bound.contains(name));
    let mut back = outer.returns.iter();
    !outer.returns.is_empty() && back.all(|value| gives_one_of(*value, &names))
}

/// Whether statements call a function before they can be left in any other way than by an error.
fn runs(body: &[Stmt], name: &str) -> bool {
    let calls = |expr: &Expr| {
        let Expr::Call(call) = expr else { return false };
        matches!(&*call.func, Expr::Name(own) if own.id.as_str() == name)
    };
    for stmt in body {
        let called = match stmt {
            Stmt::Return(back) => return back.value.as_deref().is_some_and(calls),
            Stmt::Expr(expr) => calls(&expr.value),
            Stmt::Assign(assign) => calls(&assign.value),
            _ => false,
        };
        if called {
            return true;
        }
        let mut leaves = Leaves(false);
        leaves.visit_stmt(stmt);
        if leaves.0 {
            return false;
        }
    }
    false
}

/// Whether an expression is one of some names, or such a one dressed up as what it wraps.
fn gives_one_of(value: Option<&Expr>, names: &[&str]) -> bool {
    match value {
        Some(Expr::Name(name)) => names.contains(&name.id.as_str()),
        Some(Expr::Call(call)) => {
            let called = dotted(&call.func).unwrap_or_default();
            let given = call.arguments.args.as_ref();
            match called.rsplit('.').next().unwrap_or_default() {
                "update_wrapper" => gives_one_of(given.first(), names),
                "cast" => gives_one_of(given.get(1), names),
                _ => false,
            }
        }
        _ => false,
    }
}

/// What a function holds, without what is in the functions and classes in it.
#[derive(Default)]
struct Outer<'a> {
    functions: Vec<&'a StmtFunctionDef>,
    returns: Vec<Option<&'a Expr>>,
    /// Names that are set.
    bound: Vec<&'a str>,
}

impl<'a> Visitor<'a> for Outer<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(inner) => self.functions.push(inner),
            Stmt::ClassDef(class) => self.bound.push(class.name.as_str()),
            Stmt::Return(back) => self.returns.push(back.value.as_deref()),
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr
            && !name.ctx.is_load()
        {
            self.bound.push(name.id.as_str());
        }
        visitor::walk_expr(self, expr);
    }
}

/// Looks for another way out of a statement than by an error.
struct Leaves(bool);

impl<'a> Visitor<'a> for Leaves {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Return(_) => self.0 = true,
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.0 |= matches!(expr, Expr::Yield(_) | Expr::YieldFrom(_));
        visitor::walk_expr(self, expr);
    }
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

#[cfg(test)]
mod tests {
    use ruff_python_parser::parse_module;

    use super::*;

    fn function(text: &str) -> StmtFunctionDef {
        let mut body = parse_module(text)
            .expect("a module")
            .into_suite()
            .into_iter();
        let first = body.next().expect("a statement");
        *first.function_def_stmt().map(Box::new).expect("a function")
    }

    #[test]
    fn a_decorator_runs_what_it_is_given_if_there_is_no_other_way_out() {
        let with = |inner: &str| format!("def d(f):\n    {inner}\n    return w\n");
        for (text, expected) in [
            ("def d(f):\n    return f\n".to_owned(), true),
            (with("def w(*a):\n        return f(*a)"), true),
            (with("@wraps(f)\n    def w(*a):\n        check(a)\n        f(*a)\n        return 1"), true),
            (with("def w(*a):\n        with suppress(E):\n            x = f(*a)\n        return x"), false),
            (with("def w(*a):\n        if a: raise E\n        return f(*a)"), true),
            (with("def w(*a):\n        if a: return 1\n        return f(*a)"), false),
            (with("def w(*a):\n        if a: f(*a)"), false),
            (with("def w(*a):\n        try:\n            return f(*a)\n        except E:\n            return 1"), false),
            (with("def w(*a):\n        yield\n        f(*a)"), false),
            (with("async def w(*a):\n        return f(*a)"), false),
            (with("@cached\n    def w(*a):\n        return f(*a)"), false),
            (with("def w(f):\n        return f()"), false),
            (with("def w(*a):\n        return lambda: f(*a)"), false),
            (with("def w(*a):\n        return f(*a)\n    w = cached(w)"), false),
            (with("def w(*a):\n        return f(*a)\n    if x:\n        def w(*a): 0"), false),
            (with("def w(*a):\n        return f(*a)\n    if x: return other"), false),
            // what it does where it decorates is lost with it
            (with("def w(*a):\n        return f(*a)\n    SEEN.append(f.__name__)"), false),
            (with("def w(*a):\n        return f(*a)\n    w.marked = True"), false),
            (with("name = f.__name__\n    def w(*a):\n        return f(*a)"), true),
            ("def d(f):\n    def w(*a):\n        return f(*a)\n    return update_wrapper(w, f)\n".to_owned(), true),
            ("def d(f):\n    def w(*a):\n        return f(*a)\n    return t.cast(F, update_wrapper(w, f))\n".to_owned(), true),
            ("def d(f):\n    def w(*a):\n        return f(*a)\n    return cached(w)\n".to_owned(), false),
            ("def d(f):\n    def w(*a):\n        return f(*a)\n".to_owned(), false),
        ] {
            assert_eq!(runs_it(&function(&text), false), expected, "{text}");
        }
        let maker = "def d(x):\n    def m(f):\n        def w(*a):\n            return f(x, *a)\n        return w\n    return m\n";
        assert!(makes_running(&function(maker)));
        assert!(!makes_running(&function(&maker.replace("f(x", "x(f"))));
        assert!(!makes_running(&function(
            "def d(f):\n    def w():\n        return f()\n    return w\n"
        )));
    }
}
