//! What decorators of pytest and of Python's library accept: what they do not fails where a file is loaded, for all that is in it.

use ruff_python_ast::{Expr, ExprCall, Keyword, StmtFunctionDef};

/// Whether a decorator that is called accepts what it is given on this function, as far as its text shows.
pub(super) fn is_accepted(last: &str, call: &ExprCall, function: &StmtFunctionDef) -> bool {
    match last {
        "fixture" | "yield_fixture" => {
            let mut keywords = call.arguments.keywords.iter();
            call.arguments.args.is_empty() && keywords.all(is_of_fixture)
        }
        "lru_cache" => {
            let mut given = super::read::arguments_of(call);
            given.all(|given| match given {
                Expr::NumberLiteral(number) => number.value.is_int(),
                Expr::NoneLiteral(_) | Expr::BooleanLiteral(_) => true,
                _ => false,
            })
        }
        "parametrize" => fits(call, function),
        _ => true,
    }
}

fn is_of_fixture(keyword: &Keyword) -> bool {
    let value = &keyword.value;
    match keyword.arg.as_deref() {
        Some("scope") => matches!(value, Expr::StringLiteral(scope) if matches!(
            scope.value.to_str(),
            "function" | "class" | "module" | "package" | "session"
        )),
        Some("autouse") => value.is_boolean_literal_expr(),
        Some("name") => value.is_string_literal_expr(),
        Some("params") => value.is_list_expr() || value.is_tuple_expr(),
        _ => false,
    }
}

/// Whether the function takes each parameter, and each set of values has one for each.
fn fits(call: &ExprCall, function: &StmtFunctionDef) -> bool {
    let [names, values] = &*call.arguments.args else {
        return false;
    };
    let count = match values {
        Expr::List(list) => Some(list.elts.len()),
        Expr::Tuple(tuple) => Some(tuple.elts.len()),
        _ => None,
    };
    let mut keywords = call.arguments.keywords.iter();
    let known = |keyword: &Keyword| match (keyword.arg.as_deref(), &keyword.value) {
        (Some("indirect"), _) => true,
        (Some("ids"), Expr::List(ids)) => Some(ids.elts.len()) == count,
        (Some("ids"), value) => value.is_name_expr() || value.is_attribute_expr(),
        _ => false,
    };
    if !keywords.all(known) {
        return false;
    }
    let names: Option<Vec<&str>> = match names {
        Expr::StringLiteral(text) => {
            let names = text.value.to_str().split(',').map(str::trim);
            Some(names.filter(|name| !name.is_empty()).collect())
        }
        Expr::List(list) => list.elts.iter().map(text).collect(),
        Expr::Tuple(tuple) => tuple.elts.iter().map(text).collect(),
        _ => None,
    };
    let Some(names) = names else { return false };
    let takes = |name: &&str| {
        let mut taken = function.parameters.iter_non_variadic_params();
        taken.any(|taken| taken.name().as_str() == *name && taken.default.is_none())
    };
    let distinct = names.iter().collect::<std::collections::BTreeSet<_>>();
    if names.is_empty() || distinct.len() < names.len() || !names.iter().all(takes) {
        return false;
    }
    let sets = match values {
        Expr::List(list) => &list.elts,
        Expr::Tuple(tuple) => &tuple.elts,
        // made elsewhere: one value for one name fits whatever it is
        Expr::Name(_) | Expr::Attribute(_) => return names.len() == 1,
        _ => return false,
    };
    sets.iter().all(|set| match set {
        Expr::Starred(_) => false,
        Expr::Call(call) => {
            let param = super::pure::dotted(&call.func);
            let param = param.is_some_and(|name| name.rsplit('.').next() == Some("param"));
            if param {
                let args = &call.arguments.args;
                args.len() == names.len() && !args.iter().any(Expr::is_starred_expr)
            } else {
                names.len() == 1
            }
        }
        _ if names.len() == 1 => true,
        Expr::Tuple(tuple) => tuple.elts.len() == names.len(),
        Expr::List(list) => list.elts.len() == names.len(),
        _ => false,
    })
}

fn text(expr: &Expr) -> Option<&str> {
    Some(expr.as_string_literal_expr()?.value.to_str())
}

#[cfg(test)]
mod tests {
    use ruff_python_ast::Stmt;

    use super::*;

    #[test]
    fn a_decorator_that_does_not_fit_fails_for_the_whole_file() {
        for (decorator, fits) in [
            ("fixture(scope=\"session\", autouse=True)", true),
            ("fixture(scope=\"sessions\")", false),
            ("fixture(scope=SCOPE)", false),
            ("fixture(\"session\")", false),
            ("fixture(scopes=\"session\")", false),
            ("fixture(params=[1, 2])", true),
            ("fixture(name=\"it\")", true),
            ("lru_cache(maxsize=128)", true),
            ("lru_cache(maxsize=\"128\")", false),
            ("parametrize(\"a\", [1, f(2)])", true),
            ("parametrize(\"a\", VALUES)", true),
            ("parametrize(\"a,\", VALUES)", true),
            ("parametrize(\"a, b\", VALUES)", false),
            ("parametrize(\"c\", [1])", false),
            ("parametrize(\"a, b\", [(1, 2), pytest.param(3, 4)])", true),
            ("parametrize((\"a\", \"b\"), [(1, 2)])", true),
            ("parametrize(\"a, b\", [(1, 2), (3,)])", false),
            ("parametrize(\"a, b\", [(1, 2), pytest.param(3)])", false),
            ("parametrize(\"a, a\", [(1, 2)])", false),
            ("parametrize(\"a\", [1], ids=[\"one\"])", true),
            ("parametrize(\"a\", [1], ids=repr)", true),
            ("parametrize(\"a\", [1], ids=[\"one\", \"two\"])", false),
            ("parametrize(\"a\", make())", false),
            ("wraps(of)", true),
        ] {
            let source = format!("@x.{decorator}\ndef test(a, b): pass\n");
            let parsed = ruff_python_parser::parse_module(&source).unwrap();
            let Some(Stmt::FunctionDef(function)) = parsed.suite().first() else {
                panic!("no function in {source}");
            };
            let call = function.decorator_list[0].expression.as_call_expr();
            let name = decorator.split('(').next().unwrap();
            let accepted = is_accepted(name, call.unwrap(), function);
            assert_eq!(accepted, fits, "{decorator}");
        }
    }
}
