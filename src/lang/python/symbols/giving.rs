//! Functions that only put together what they are given: calling one with another text or number does the same as before, does not
//! fail where it did not, and leaves nothing behind but what it gives.

use ruff_python_ast::{
    CmpOp, Decorator, Expr, ExprCall, InterpolatedStringElement, Stmt, StmtFunctionDef, UnaryOp,
};
use rustc_hash::FxHashSet;

use super::pure::{dotted, is_annotation};
use super::read::arguments_of;
use super::scope::{Names, parameters};

/// What a function does besides.
#[derive(Debug, Default)]
pub(super) struct Gives<'e> {
    /// What it calls, by name; these have to be such functions, too.
    pub(super) calls: Vec<&'e Expr>,
    /// It also makes what comes next to its class.
    pub(super) calls_super: bool,
}

/// What a function does besides putting together what it is given; `None` where that is not all. `is_known` tells what of Python's
/// own does nothing else.
///
/// Cost: linear in what runs when it is called; functions within are not looked into.
pub(super) fn gives<'e>(
    function: &'e StmtFunctionDef,
    is_known: &dyn Fn(&Expr) -> bool,
) -> Option<Gives<'e>> {
    let plain = |decorator: &Decorator| {
        let name = dotted(&decorator.expression);
        name.is_some_and(|name| matches!(name.as_str(), "staticmethod" | "classmethod"))
    };
    if function.is_async || !function.decorator_list.iter().all(plain) {
        return None;
    }
    let taken = parameters(&function.parameters).map(|taken| taken.name.to_string());
    let names = Names::of_body(&function.body);
    let mut giver = Giver {
        own: taken.chain(names.bound).collect(),
        receiver: match function.name.as_str() {
            "__init__" => parameters(&function.parameters)
                .next()
                .map(|p| p.name.as_str()),
            _ => None,
        },
        is_known,
        found: Gives::default(),
    };
    (names.elsewhere.is_empty() && giver.stmts(&function.body)).then_some(giver.found)
}

struct Giver<'e, 'k> {
    /// Parameters and what it binds.
    own: FxHashSet<String>,
    /// The object that it makes.
    receiver: Option<&'e str>,
    is_known: &'k dyn Fn(&Expr) -> bool,
    found: Gives<'e>,
}

impl<'e> Giver<'e, '_> {
    fn stmts(&mut self, body: &'e [Stmt]) -> bool {
        body.iter().all(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &'e Stmt) -> bool {
        match stmt {
            Stmt::Pass(_) => true,
            Stmt::Expr(expr) => match &*expr.value {
                Expr::Call(call) => self.is_super_init(call) && self.arguments(call),
                other => other.is_literal_expr(),
            },
            Stmt::Return(back) => back.value.as_deref().is_none_or(|value| self.expr(value)),
            Stmt::Assign(assign) => {
                assign.targets.iter().all(|target| self.is_target(target))
                    && self.expr(&assign.value)
            }
            // what is annotated in a function is not looked up, but for attributes
            Stmt::AnnAssign(assign) => {
                self.is_target(&assign.target)
                    && (assign.target.is_name_expr()
                        || is_annotation(&assign.annotation, &mut Vec::new()))
                    && assign.value.as_deref().is_none_or(|value| self.expr(value))
            }
            Stmt::If(branch) => {
                let mut clauses = branch.elif_else_clauses.iter();
                self.expr(&branch.test)
                    && self.stmts(&branch.body)
                    && clauses.all(|clause| {
                        clause.test.as_ref().is_none_or(|test| self.expr(test))
                            && self.stmts(&clause.body)
                    })
            }
            Stmt::FunctionDef(function) => self.function(function),
            _ => false,
        }
    }

    /// Whether this is a variable of its own, or an attribute of the object that it makes.
    fn is_target(&self, target: &Expr) -> bool {
        match target {
            Expr::Name(name) => self.receiver != Some(name.id.as_str()),
            Expr::Attribute(attribute) => matches!(&*attribute.value,
                Expr::Name(name) if self.receiver == Some(name.id.as_str())),
            _ => false,
        }
    }

    fn is_super_init(&mut self, call: &ExprCall) -> bool {
        let Expr::Attribute(method) = &*call.func else {
            return false;
        };
        let next = matches!(&*method.value, Expr::Call(next)
            if next.arguments.is_empty() && dotted(&next.func).as_deref() == Some("super"));
        let is = next && self.receiver.is_some() && method.attr.as_str() == "__init__";
        self.found.calls_super |= is;
        is
    }

    /// A function that is defined within.
    fn function(&mut self, function: &'e StmtFunctionDef) -> bool {
        let decorated =
            function
                .decorator_list
                .iter()
                .all(|decorator| match &decorator.expression {
                    Expr::Call(call) => self.knows(&call.func) && self.arguments(call),
                    called => self.knows(called) || self.called(called),
                });
        let mut taken = function.parameters.iter_non_variadic_params();
        decorated
            && taken.all(|taken| {
                taken
                    .default
                    .as_deref()
                    .is_none_or(|value| self.expr(value))
            })
            && parameters(&function.parameters)
                .filter_map(|taken| taken.annotation.as_deref())
                .chain(function.returns.as_deref())
                .all(|annotation| is_annotation(annotation, &mut Vec::new()))
    }

    fn all(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> bool {
        exprs.into_iter().all(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &'e Expr) -> bool {
        match expr {
            Expr::Name(_) => true,
            Expr::Lambda(lambda) => lambda.parameters.iter().all(|taken| {
                let mut taken = taken.iter_non_variadic_params();
                taken.all(|taken| taken.default.is_none())
            }),
            Expr::Tuple(tuple) => self.all(&tuple.elts),
            Expr::List(list) => self.all(&list.elts),
            Expr::Dict(dict) => dict.items.iter().all(|item| {
                item.key.as_ref().is_some_and(Expr::is_literal_expr) && self.expr(&item.value)
            }),
            Expr::If(choice) => {
                self.expr(&choice.test) && self.expr(&choice.body) && self.expr(&choice.orelse)
            }
            Expr::BoolOp(op) => self.all(&op.values),
            Expr::UnaryOp(op) => op.op == UnaryOp::Not && self.expr(&op.operand),
            Expr::Compare(compare) => {
                let is = |op: &CmpOp| matches!(op, CmpOp::Is | CmpOp::IsNot);
                compare.ops.iter().all(is)
                    && self.expr(&compare.left)
                    && self.all(&*compare.comparators)
            }
            Expr::FString(text) => text.value.elements().all(|element| match element {
                InterpolatedStringElement::Literal(_) => true,
                InterpolatedStringElement::Interpolation(put) => {
                    put.format_spec.is_none() && self.expr(&put.expression)
                }
            }),
            Expr::Call(call) => {
                (self.knows(&call.func) || self.called(&call.func)) && self.arguments(call)
            }
            _ => expr.is_literal_expr(),
        }
    }

    fn arguments(&mut self, call: &'e ExprCall) -> bool {
        call.arguments
            .keywords
            .iter()
            .all(|given| given.arg.is_some())
            && self.all(arguments_of(call))
    }

    /// Whether a function is one of Python's own that does nothing else.
    fn knows(&self, func: &Expr) -> bool {
        let own = first_name(func).is_none_or(|first| self.own.contains(first));
        !own && (self.is_known)(func)
    }

    /// Takes note of a function that is called by its name.
    fn called(&mut self, func: &'e Expr) -> bool {
        let other = first_name(func).is_some_and(|first| !self.own.contains(first));
        if other {
            self.found.calls.push(func);
        }
        other
    }
}

/// Where a dotted name begins.
fn first_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(&name.id),
        Expr::Attribute(attribute) => first_name(&attribute.value),
        _ => None,
    }
}
