//! Defaults that differ between two versions of a function, and the calls that leave the argument out.
//!
//! A default is used where a call leaves its argument out, and nowhere else. So where nothing of a function differs but defaults, it
//! does what it did for every call that gives these arguments. Calls are found by the function's name, whatever object they go
//! through; where the name stands for anything but a call, the function may be called from anywhere.

use ruff_python_ast::comparable::{ComparableDecorator, ComparableExpr, ComparableStmt};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    Arguments, ElifElseClause, ExceptHandler, Expr, ExprCall, MatchCase, Parameters, Stmt,
    StmtFunctionDef,
};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::pure::dotted;
use super::statements::{functions_of, parsed, yields};
use crate::lang::python::decode;
use crate::lang::python::lines::Lines;
use crate::model::{Means, Occurrence};

/// A function of which the defaults of some parameters differ, and nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Defaulted {
    /// What it is called.
    pub name: String,
    parameters: Vec<Parameter>,
    first: First,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Parameter {
    name: String,
    /// Where it stands among those that may be given without their names.
    place: Option<usize>,
    /// It may be given by its name.
    named: bool,
}

/// What a function's first parameter is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum First {
    /// What the call gives first.
    Argument,
    /// The object, where it is called through one.
    Object,
    /// The class, always.
    Class,
}

/// The defaults that differ between the functions that begin at these lines of two versions of a file; `None` where they differ in
/// more, or where a decorator stands between the function and its callers. Cost: both versions are parsed.
pub fn defaulted(
    before: &[u8],
    after: &[u8],
    lines: (u32, u32),
    is_method: bool,
) -> Option<Defaulted> {
    let texts = [before, after].map(|source| decode::decode(source).text.into_owned());
    let [old, new] = [parsed(&texts[0])?, parsed(&texts[1])?];
    let only = |suite, text: &str, line| {
        let all = functions_of(suite, &Lines::new(text));
        let mut found = all.into_iter().filter(|(first, _)| *first == line);
        let function = found.next()?.1;
        found.next().is_none().then_some(function)
    };
    let was = only(&old, &texts[0], lines.0)?;
    let is = only(&new, &texts[1], lines.1)?;
    // what is called in one test may run in another
    if was.is_async || yields(was) {
        return None;
    }
    let first = first(was, is_method)?;
    let parameters = parameters(was, is)?;
    Some(Defaulted {
        name: was.name.to_string(),
        parameters,
        first,
    })
}

/// What the first parameter is given; `None` where a decorator may call the function in its own way.
fn first(function: &StmtFunctionDef, is_method: bool) -> Option<First> {
    let decorators = function.decorator_list.as_slice();
    match (is_method, decorators) {
        (false, []) => Some(First::Argument),
        (true, []) => Some(First::Object),
        (true, [only]) => match only.expression.as_name_expr()?.id.as_str() {
            "staticmethod" => Some(First::Argument),
            "classmethod" => Some(First::Class),
            _ => None,
        },
        _ => None,
    }
}

/// The parameters whose defaults differ, where nothing else of the functions does.
fn parameters(was: &StmtFunctionDef, is: &StmtFunctionDef) -> Option<Vec<Parameter>> {
    let expr = |a: Option<&Expr>, b: Option<&Expr>| {
        a.map(ComparableExpr::from) == b.map(ComparableExpr::from)
    };
    let same = was.name.id == is.name.id
        && was.is_async == is.is_async
        && was.type_params == is.type_params
        && expr(was.returns.as_deref(), is.returns.as_deref())
        && was.decorator_list.len() == is.decorator_list.len()
        && was
            .decorator_list
            .iter()
            .zip(&is.decorator_list)
            .all(|(a, b)| ComparableDecorator::from(a) == ComparableDecorator::from(b))
        && was.body.len() == is.body.len()
        && was
            .body
            .iter()
            .zip(&is.body)
            .all(|(a, b)| ComparableStmt::from(a) == ComparableStmt::from(b));
    let (old, new) = (&*was.parameters, &*is.parameters);
    let variadic = |parameters: &Parameters| {
        let all = [&parameters.vararg, &parameters.kwarg];
        all.map(|one| one.as_ref().map(|one| one.name.id.clone()))
    };
    let kinds = |parameters: &Parameters| (parameters.posonlyargs.len(), parameters.args.len());
    if !same || variadic(old) != variadic(new) || kinds(old) != kinds(new) {
        return None;
    }
    let (old, new): (Vec<_>, Vec<_>) = (
        old.iter_non_variadic_params().collect(),
        new.iter_non_variadic_params().collect(),
    );
    if old.len() != new.len() {
        return None;
    }
    let (unnamed, placed) = kinds(&was.parameters);
    let mut found = Vec::new();
    for (at, (old, new)) in old.into_iter().zip(new).enumerate() {
        let (a, b) = (&old.parameter, &new.parameter);
        let defaults = (old.default.as_deref(), new.default.as_deref());
        let alike = a.name.id == b.name.id
            && expr(a.annotation.as_deref(), b.annotation.as_deref())
            && defaults.0.is_some() == defaults.1.is_some();
        if !alike {
            return None;
        }
        if !expr(defaults.0, defaults.1) {
            found.push(Parameter {
                name: a.name.to_string(),
                place: (at < unnamed + placed).then_some(at),
                named: at >= unnamed,
            });
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Where the function's name stands in a file, from top to bottom; `None` where it may bear another name there, or where
/// the file cannot be read. Cost: the file is parsed.
pub fn occurrences(source: &[u8], of: &Defaulted) -> Option<Vec<Occurrence>> {
    let text = decode::decode(source).text.into_owned();
    let suite = parsed(&text)?;
    let mut seen = Occurrences {
        of,
        lines: Lines::new(&text),
        span: TextRange::default(),
        depth: 0,
        in_class: false,
        has_self: false,
        found: Vec::new(),
        renamed: false,
    };
    seen.visit_body(&suite);
    (!seen.renamed).then_some(seen.found)
}

struct Occurrences<'a> {
    of: &'a Defaulted,
    lines: Lines,
    /// Of the statement, or head of one, that is looked at.
    span: TextRange,
    /// How many functions are around it.
    depth: u32,
    /// It stands directly in a class.
    in_class: bool,
    /// `self`, and what `super()` gives, is an object.
    has_self: bool,
    found: Vec<Occurrence>,
    renamed: bool,
}

impl Occurrences<'_> {
    fn is_it(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Name(name) => name.id.as_str() == self.of.name,
            Expr::Attribute(attribute) => attribute.attr.as_str() == self.of.name,
            _ => false,
        }
    }

    fn stands(&mut self, at: TextRange, means: Means) {
        let span = self.span.cover(at);
        self.found.push(Occurrence {
            lines: (self.lines.of(span.start()), self.lines.of(span.end())),
            inside: self.depth > 0,
            means,
        });
    }

    /// Looks at what stands in the head of something, which ends with this.
    fn within<'b>(&mut self, start: TextSize, exprs: impl Iterator<Item = &'b Expr>) {
        for expr in exprs {
            let around = std::mem::replace(&mut self.span, TextRange::new(start, expr.end()));
            self.visit_expr(expr);
            self.span = around;
        }
    }
}

impl<'a> Visitor<'a> for Occurrences<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let start = stmt.start();
        match stmt {
            Stmt::Import(import) => self.names(&import.names),
            Stmt::ImportFrom(import) => self.names(&import.names),
            Stmt::FunctionDef(function) => {
                let body = function.body.first().map_or(function.end(), Ranged::start);
                self.span = TextRange::new(start, body);
                function
                    .decorator_list
                    .iter()
                    .for_each(|one| self.visit_decorator(one));
                self.visit_parameters(&function.parameters);
                function
                    .returns
                    .iter()
                    .for_each(|expr| self.visit_annotation(expr));
                let outer = (self.in_class, self.has_self);
                let mut taken = function.parameters.iter();
                let takes = taken.any(|parameter| parameter.name().as_str() == "self");
                self.has_self = match self.in_class {
                    true => is_of_objects(function),
                    false => self.has_self && !takes,
                };
                self.in_class = false;
                self.depth += 1;
                self.visit_body(&function.body);
                self.depth -= 1;
                (self.in_class, self.has_self) = outer;
            }
            Stmt::ClassDef(class) => {
                let body = class.body.first().map_or(class.end(), Ranged::start);
                self.span = TextRange::new(start, body);
                class
                    .decorator_list
                    .iter()
                    .for_each(|one| self.visit_decorator(one));
                class
                    .arguments
                    .iter()
                    .for_each(|all| self.visit_arguments(all));
                let outer = (self.in_class, self.has_self);
                (self.in_class, self.has_self) = (true, false);
                self.visit_body(&class.body);
                (self.in_class, self.has_self) = outer;
            }
            Stmt::If(branch) => {
                self.within(start, [&*branch.test].into_iter());
                self.visit_body(&branch.body);
                branch
                    .elif_else_clauses
                    .iter()
                    .for_each(|one| self.visit_elif_else_clause(one));
            }
            Stmt::While(each) => {
                self.within(start, [&*each.test].into_iter());
                self.visit_body(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::For(each) => {
                self.within(start, [&*each.target, &*each.iter].into_iter());
                self.visit_body(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::With(with) => {
                for item in &with.items {
                    let exprs = [Some(&item.context_expr), item.optional_vars.as_deref()];
                    self.within(start, exprs.into_iter().flatten());
                }
                self.visit_body(&with.body);
            }
            Stmt::Match(matched) => {
                self.within(start, [&*matched.subject].into_iter());
                matched
                    .cases
                    .iter()
                    .for_each(|case| self.visit_match_case(case));
            }
            Stmt::Try(attempt) => {
                self.visit_body(&attempt.body);
                attempt
                    .handlers
                    .iter()
                    .for_each(|one| self.visit_except_handler(one));
                self.visit_body(&attempt.orelse);
                self.visit_body(&attempt.finalbody);
            }
            // prose
            Stmt::Expr(text) if text.value.is_string_literal_expr() => {}
            _ => {
                self.span = stmt.range();
                visitor::walk_stmt(self, stmt);
            }
        }
    }

    fn visit_elif_else_clause(&mut self, clause: &'a ElifElseClause) {
        self.within(clause.start(), clause.test.iter());
        self.visit_body(&clause.body);
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(own) = handler;
        self.within(own.start(), own.type_.as_deref().into_iter());
        self.visit_body(&own.body);
    }

    fn visit_match_case(&mut self, case: &'a MatchCase) {
        self.span = TextRange::new(case.start(), case.pattern.end());
        self.visit_pattern(&case.pattern);
        self.within(case.start(), case.guard.as_deref().into_iter());
        self.visit_body(&case.body);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) if self.is_it(&call.func) => {
                let means = match self.of.is_given_all(call, self.has_self) {
                    true => Means::Given,
                    false => Means::LeftOut,
                };
                self.stands(call.range(), means);
                if let Expr::Attribute(attribute) = &*call.func {
                    self.visit_expr(&attribute.value);
                }
                self.visit_arguments(&call.arguments);
            }
            // whoever looks a name up, or runs a text, may call what it finds
            Expr::StringLiteral(text) => {
                if holds(text.value.to_str(), &self.of.name) {
                    self.stands(expr.range(), Means::Value);
                }
            }
            _ => {
                if self.is_it(expr) {
                    self.stands(expr.range(), Means::Value);
                }
                visitor::walk_expr(self, expr);
            }
        }
    }
}

impl Occurrences<'_> {
    fn names(&mut self, names: &[ruff_python_ast::Alias]) {
        self.renamed |= names.iter().any(|alias| {
            let other = |name: &ruff_python_ast::Identifier| name.id != alias.name.id;
            alias.name.as_str() == self.of.name && alias.asname.as_ref().is_some_and(other)
        });
    }
}

impl Defaulted {
    /// Whether a call by the function's name gives all arguments whose defaults differ.
    fn is_given_all(&self, call: &ExprCall, has_self: bool) -> bool {
        // how many parameters are filled before the first argument is, at least
        let filled = match (self.first, &*call.func) {
            (First::Argument, _) => 0,
            (First::Class, Expr::Attribute(_)) => 1,
            (First::Object, Expr::Attribute(attribute)) => {
                usize::from(has_self && is_object(&attribute.value))
            }
            // a method by its bare name, which is another thing
            _ => return false,
        };
        let all = self.parameters.iter();
        all.into_iter().all(|parameter| {
            let by_name = parameter.named && is_named(&call.arguments, &parameter.name);
            let by_place = parameter.place.is_some_and(|place| {
                let given = call.arguments.args.iter();
                let given = given.take_while(|one| !one.is_starred_expr()).count();
                place < given + filled
            });
            by_name || by_place
        })
    }
}

/// Whether a function of a class is called with an object of it, which it calls `self`.
fn is_of_objects(function: &StmtFunctionDef) -> bool {
    let parameters = &function.parameters;
    let mut placed = parameters.posonlyargs.iter().chain(&parameters.args);
    let first = placed.next().map(|first| first.parameter.name.as_str());
    let of_class = matches!(
        function.name.as_str(),
        "__new__" | "__init_subclass__" | "__class_getitem__"
    );
    let plain = function.decorator_list.iter().all(|decorator| {
        let name = dotted(&decorator.expression).unwrap_or_default();
        let last = name.rsplit('.').next().unwrap_or_default();
        matches!(last, "property" | "setter" | "override" | "abstractmethod")
    });
    first == Some("self") && plain && !of_class
}

/// Whether this is the object of a method, and no class: then it fills the first parameter of its other methods.
fn is_object(expr: &Expr) -> bool {
    match expr {
        Expr::Name(name) => name.id.as_str() == "self",
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "super")
                && call.arguments.is_empty()
        }
        _ => false,
    }
}

/// Whether a text holds a name as a word of its own.
fn holds(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part)
    })
}

fn is_named(arguments: &Arguments, name: &str) -> bool {
    let keywords = arguments.keywords.iter();
    let mut names = keywords.filter_map(|keyword| keyword.arg.as_ref());
    names.any(|own| own.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Means::{Given, LeftOut, Value};

    fn of(before: &str, after: &str, is_method: bool) -> Option<Defaulted> {
        let line = 1 + before
            .lines()
            .position(|line| line.contains("def ") || line.contains('@'))
            .unwrap_or(0) as u32;
        defaulted(before.as_bytes(), after.as_bytes(), (line, line), is_method)
    }

    #[test]
    fn nothing_but_defaults_may_differ() {
        let names = |before: &str, after: &str| {
            let found = of(before, after, false)?;
            let names = found.parameters.into_iter().map(|parameter| parameter.name);
            Some(names.collect::<Vec<_>>().join(" "))
        };
        let f = "def f(a, b=1, /, c: int = 2, *d, e=3, g): return a\n";
        for (from, to, expected) in [
            ("b=1", "b=2", Some("b")),
            ("2", "3", Some("c")),
            ("e=3", "e=None", Some("e")),
            ("b=1", "b=(1)", None),
            ("b=1", "z=2", None),
            ("c: int", "c: str", None),
            ("e=3", "e", None),
            ("*d", "*z", None),
            ("return a", "return b", None),
            ("def f", "@g\ndef f", None),
            ("def f", "async def f", None),
        ] {
            let found = names(f, &f.replacen(from, to, 1));
            assert_eq!(found.as_deref(), expected, "{from} -> {to}");
        }
        assert_eq!(names("@x\ndef f(a=1): 0\n", "@x\ndef f(a=2): 0\n"), None);
    }

    #[test]
    fn a_call_leaves_out_what_it_does_not_surely_give() {
        let function = of(
            "def f(a, b=1, *, c=1): 0",
            "def f(a, b=2, *, c=1): 0",
            false,
        );
        let object = of("def f(a, b=1): 0", "def f(a, b=2): 0", true);
        let class = of(
            "@classmethod\ndef f(a, b=1): 0",
            "@classmethod\ndef f(a, b=2): 0",
            true,
        );
        let fixed = of(
            "@staticmethod\ndef f(a, b=1): 0",
            "@staticmethod\ndef f(a, b=2): 0",
            true,
        );
        let by_name = of("def f(*, c=1): 0", "def f(*, c=2): 0", false);
        for (of, text, expected) in [
            (&function, "f(1)", &[LeftOut][..]),
            (&function, "f(1, 2)", &[Given]),
            (&function, "m.f(1, b=2)", &[Given]),
            (&function, "f(*x, 2)", &[LeftOut]),
            (&function, "f(1, 2, *x)", &[Given]),
            (&function, "f(**x)", &[LeftOut]),
            (&function, "f(f(1, 2), c=2)", &[LeftOut, Given]),
            (&function, "map(f, x)", &[Value]),
            (&function, "x.f = 1", &[Value]),
            (&function, "x = {f: 1}", &[Value]),
            (&function, "'g f'\ng('ff f_', f=1)", &[]),
            (&function, "timeit('m.f(1)')", &[Value]),
            (&function, "getattr(m, 'f')(1)", &[Value]),
            (&function, "patch('m.f')", &[Value]),
            (&function, "f'{f(1)}'", &[LeftOut]),
            (&object, "class A:\n def g(self): self.f(1)", &[Given]),
            (&object, "class A:\n def g(self): super().f(1)", &[Given]),
            (
                &object,
                "class A:\n def g(self): super(A, x).f(1)",
                &[LeftOut],
            ),
            (
                &object,
                "class A:\n def g(self):\n  def h(self): self.f(1)",
                &[LeftOut],
            ),
            (
                &object,
                "class A:\n @classmethod\n def g(self): self.f(1)",
                &[LeftOut],
            ),
            (
                &object,
                "class A:\n def __new__(self): super().f(1)",
                &[LeftOut],
            ),
            (&object, "self.f(1)", &[LeftOut]),
            // it may be a class
            (&object, "x.f(1)", &[LeftOut]),
            (&object, "x.f(1, 2)", &[Given]),
            (&object, "f(1, 2)", &[LeftOut]),
            (&class, "x.f(1)", &[Given]),
            (&fixed, "self.f(1)", &[LeftOut]),
            (&fixed, "self.f(1, 2)", &[Given]),
            (&by_name, "f(1)", &[LeftOut]),
            (&by_name, "f(c=1)", &[Given]),
        ] {
            let found = occurrences(text.as_bytes(), of.as_ref().unwrap()).unwrap();
            let found: Vec<Means> = found.into_iter().map(|place| place.means).collect();
            assert_eq!(found, expected, "{text}");
        }
        let function = function.unwrap();
        assert_eq!(occurrences(b"from m import f as g", &function), None);
        assert_eq!(occurrences(b"from m import f", &function), Some(Vec::new()));
        assert_eq!(occurrences(b"def", &function), None);
    }

    #[test]
    fn a_place_is_told_by_the_lines_of_its_statement() {
        let function = of("def f(b=1): 0", "def f(b=2): 0", false).unwrap();
        let text = "\
f()
def g(a=f()):
    if x and \\
            f():
        y = [
            f(),
        ]
    elif f():
        with a, f():
            pass
    try:
        0
    except f():
        while f(): 0
@f()
class A(f()):
    f()
";
        let found = occurrences(text.as_bytes(), &function).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|place| (place.lines, place.inside))
            .collect();
        let expected = [
            ((1, 1), false),
            ((2, 3), false),
            ((3, 4), true),
            ((5, 7), true),
            ((8, 8), true),
            ((9, 9), true),
            ((13, 13), true),
            ((14, 14), true),
            ((15, 17), false),
            ((15, 17), false),
            ((17, 17), false),
        ];
        assert_eq!(found, expected);
    }
}
