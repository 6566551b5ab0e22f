//! Values that are made by a call while a file is imported.
//!
//! Such a call may do anything. Where all that it calls only puts together what it is given, another literal is a matter of who
//! uses the value; whether it is so shows once files are put together.

use ruff_python_ast::{Expr, ExprCall};

use super::super::{Ty, TyId, giving, pure};
use super::{Reader, arguments_of};

impl Reader<'_> {
    /// What makes a value, by name, where it is given literals, names and functions; nothing where Python's own does that is sure
    /// to keep what it is given. `None` for any other value.
    pub(super) fn makers(&mut self, value: &Expr) -> Option<Vec<TyId>> {
        let call = value.as_call_expr()?;
        let plain = |given: &Expr| given.is_lambda_expr() || pure::is_pure(given, &mut Vec::new());
        let named = call
            .arguments
            .keywords
            .iter()
            .all(|given| given.arg.is_some());
        if !named || !arguments_of(call).all(plain) {
            return None;
        }
        let mut func = &*call.func;
        if let Expr::Subscript(of) = func
            && pure::is_annotation(&of.slice, &mut Vec::new())
        {
            func = &of.value;
        }
        if let Some(library) = self.of_library(func) {
            return keeps_its_name(library).then(Vec::new);
        }
        Some(vec![self.named_type(func)?])
    }

    /// What is called by its name, as it is seen from the module.
    pub(super) fn named_type(&mut self, func: &Expr) -> Option<TyId> {
        match func {
            Expr::Name(name) => {
                let name = self.name(&name.id);
                Some(self.ty(Ty::Name(name)))
            }
            Expr::Attribute(attribute) => {
                let of = self.named_type(&attribute.value)?;
                let name = self.name(&attribute.attr);
                Some(self.ty(Ty::Attr(of, name)))
            }
            _ => None,
        }
    }

    /// What a function calls that only puts together what it is given, and whether it makes what comes next to its class.
    pub(super) fn gives(
        &mut self,
        function: &ruff_python_ast::StmtFunctionDef,
    ) -> Option<(Vec<TyId>, bool)> {
        let known = |func: &Expr| {
            let library = self.of_library(func);
            library.is_some_and(puts_together)
        };
        let gives = giving::gives(function, &known)?;
        let calls = gives.calls.iter().map(|func| self.named_type(func));
        Some((calls.collect::<Option<_>>()?, gives.calls_super))
    }
}

/// The literals that a call is given, in collections, too, in order.
pub(super) fn literals(call: &ExprCall) -> Vec<&Expr> {
    let mut found = Vec::new();
    arguments_of(call).for_each(|given| add(given, &mut found));
    found
}

fn add<'e>(given: &'e Expr, found: &mut Vec<&'e Expr>) {
    match given {
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|one| add(one, found)),
        Expr::List(list) => list.elts.iter().for_each(|one| add(one, found)),
        Expr::StringLiteral(_)
        | Expr::BytesLiteral(_)
        | Expr::NumberLiteral(_)
        | Expr::BooleanLiteral(_) => found.push(given),
        _ => {}
    }
}

/// Functions of Python's own that put together what they are given, and do not fail for what they are given.
fn puts_together(library: (&str, &str)) -> bool {
    matches!(
        library,
        ("builtins", "property" | "staticmethod" | "classmethod")
            | ("functools", "wraps" | "update_wrapper")
            | ("typing", "cast")
    )
}

/// What keeps the name that it is given, and says it to nobody but who shows it.
fn keeps_its_name(library: (&str, &str)) -> bool {
    matches!(
        library,
        ("contextvars", "ContextVar")
            | (
                "typing" | "typing_extensions",
                "NewType" | "ParamSpec" | "TypeVar" | "TypeVarTuple"
            )
    )
}
