//! Values that callers give: parameters, and what is made of them and of literals.
//!
//! A function that imports what its parameter names imports nothing of its own accord: the names stand where it is
//! called. Dotted literals and literals that end in a dot are followed there, in whatever file they are. So an import
//! of a given value widens nothing in the file that holds the function.
//!
//! Not seen here: callers that read the name from data, from the environment, or put it together from single letters.

use ruff_python_ast::Expr;

use super::fold::{Bindings, Bound};

/// How deep values are followed.
const DEEP: u32 = 16;

/// Methods of text that make nothing new out of it.
const OF_TEXT: &[&str] = &[
    "split",
    "rsplit",
    "partition",
    "rpartition",
    "strip",
    "lstrip",
    "rstrip",
    "removeprefix",
    "removesuffix",
    "replace",
    "lower",
    "join",
    "format",
    "get",
];

/// Whether a value comes from parameters and literals alone.
pub(super) fn given<'a>(bindings: &Bindings<'a>, expr: &'a Expr) -> bool {
    from_callers(bindings, expr, DEEP)
}

fn from_callers<'a>(bindings: &Bindings<'a>, expr: &'a Expr, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let given = |expr: &'a Expr| from_callers(bindings, expr, depth);
    match expr {
        Expr::StringLiteral(_) | Expr::NumberLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::BinOp(op) => given(&op.left) && given(&op.right),
        Expr::If(choice) => given(&choice.body) && given(&choice.orelse),
        Expr::BoolOp(choice) => choice.values.iter().all(given),
        Expr::Tuple(items) => items.elts.iter().all(given),
        Expr::List(items) => items.elts.iter().all(given),
        Expr::Dict(dict) => dict.items.iter().all(|item| given(&item.value)),
        Expr::Subscript(subscript) => given(&subscript.value),
        Expr::Name(name) => {
            let bounds = bindings.of(&name.id);
            !bounds.is_empty()
                && bounds.iter().all(|bound| match *bound {
                    Bound::Given => true,
                    Bound::Value(value)
                    | Bound::Element(value, _)
                    | Bound::Part(value)
                    | Bound::Holds(value)
                    | Bound::HoldsAll(value) => given(value),
                    Bound::Module(_) | Bound::Unknown => false,
                })
        }
        Expr::Call(call) => match &*call.func {
            Expr::Attribute(method) => {
                OF_TEXT.contains(&method.attr.as_str())
                    && given(&method.value)
                    && call.arguments.args.iter().all(given)
            }
            _ => false,
        },
        _ => false,
    }
}
