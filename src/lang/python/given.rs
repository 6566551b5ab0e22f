//! Values that callers give: parameters, and what is made of them and of literals.
//!
//! A function that imports what its parameter names imports nothing of its own accord: the names stand where it is
//! called. Dotted literals and literals that end in a dot are followed there, in whatever file they are. So an import
//! of a given value widens nothing in the file that holds the function.
//!
//! Not seen here: callers that read the name from data, from the environment, or put it together from single letters.

use ruff_python_ast::Expr;

use super::fold::{Bindings, Bound};

/// How many names are followed at most.
const DEEP: usize = 16;
/// How deep an expression is followed.
const NESTED: u32 = 200;

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
    from_callers(bindings, expr, &mut Vec::new(), 0)
}

/// `names`: those that are being followed. A name that is made of itself adds nothing.
fn from_callers<'a>(
    bindings: &Bindings<'a>,
    expr: &'a Expr,
    names: &mut Vec<&'a str>,
    depth: u32,
) -> bool {
    if depth > NESTED {
        return false;
    }
    let depth = depth + 1;
    let mut given = |expr: &'a Expr| from_callers(bindings, expr, names, depth);
    match expr {
        Expr::StringLiteral(_) | Expr::NumberLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::BinOp(op) => given(&op.left) && given(&op.right),
        Expr::If(choice) => given(&choice.body) && given(&choice.orelse),
        Expr::BoolOp(choice) => choice.values.iter().all(&mut given),
        Expr::Tuple(items) => items.elts.iter().all(&mut given),
        Expr::List(items) => items.elts.iter().all(&mut given),
        Expr::Dict(dict) => dict.items.iter().all(|item| given(&item.value)),
        Expr::Subscript(subscript) => given(&subscript.value),
        Expr::Name(name) => {
            let bounds = bindings.of(&name.id);
            if names.contains(&name.id.as_str()) {
                return true;
            }
            if bounds.is_empty() || names.len() >= DEEP {
                return false;
            }
            names.push(&name.id);
            let all = bounds.iter().all(|bound| match *bound {
                Bound::Given => true,
                Bound::Value(value)
                | Bound::Element(value, _)
                | Bound::Part(value)
                | Bound::Holds(value)
                | Bound::HoldsAll(value) => from_callers(bindings, value, names, depth),
                Bound::Module(_) | Bound::Unknown => false,
            });
            names.pop();
            all
        }
        Expr::Call(call) => match &*call.func {
            Expr::Attribute(method) => {
                OF_TEXT.contains(&method.attr.as_str())
                    && given(&method.value)
                    && call.arguments.args.iter().all(&mut given)
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::lang::python::source::Source;
    use crate::lang::{Detail, Lang, python::Python};

    /// Whether each computed import of the text is told by callers.
    fn given(text: &str) -> Vec<bool> {
        match Python.facts("python", text.as_bytes()).detail {
            Detail::Python(source) => {
                let Source { computed, .. } = *source;
                computed.iter().map(|computed| computed.given).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_parameter_and_what_is_cut_from_it_are_given() {
        for body in [
            "import_module(name)",
            "name = name.replace(':', '.')\n    import_module(name)",
            "module, _, obj = name.rpartition('.')\n    import_module(module)",
            "import_module(TABLE[name].rsplit('.', 1)[0] if name in TABLE else name)",
        ] {
            let text = format!(
                "from importlib import import_module\nTABLE = {{'a': 'b.c'}}\ndef load(name):\n    {body}\n"
            );
            assert_eq!(given(&text), [true], "{body}");
        }
    }

    #[test]
    fn what_the_file_itself_finds_out_is_not_given() {
        for body in [
            "import_module(os.environ['X'])",
            "import_module(find())",
            "import_module(name + find())",
        ] {
            let text = format!(
                "import os\nfrom importlib import import_module\ndef load(name):\n    {body}\n"
            );
            assert_eq!(given(&text), [false], "{body}");
        }
    }
}
