//! What a tracer of single tests does not show: what one test leaves for the next to find, and what runs or looks
//! elsewhere.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Decorator, Expr, Stmt};

use super::pure::dotted;

/// Where the way to an object begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Root<'a> {
    /// A name.
    Name(&'a str),
    /// The class of something, or all names of the module.
    Class,
    /// Made on the spot.
    Made,
}

/// Where the way to an object begins, and the attributes on it.
pub(super) fn way(object: &Expr) -> (Root<'_>, Vec<&str>) {
    let mut names = Vec::new();
    let mut at = object;
    loop {
        at = match at {
            Expr::Name(name) => return (Root::Name(&name.id), names),
            Expr::Attribute(attribute) if attribute.attr.as_str() == "__class__" => {
                return (Root::Class, names);
            }
            Expr::Attribute(attribute) => {
                names.push(attribute.attr.as_str());
                &attribute.value
            }
            Expr::Subscript(subscript) => {
                if let (Expr::Call(call), Expr::StringLiteral(name)) =
                    (&*subscript.value, &*subscript.slice)
                    && dotted(&call.func).as_deref() == Some("globals")
                {
                    names.push(name.value.to_str());
                }
                &subscript.value
            }
            Expr::Call(call) => {
                let class = dotted(&call.func)
                    .is_some_and(|name| matches!(name.as_str(), "type" | "globals"));
                return (if class { Root::Class } else { Root::Made }, names);
            }
            _ => return (Root::Made, names),
        };
    }
}

/// Whether a decorator with this last name keeps what a call gives.
pub(super) fn is_cache(decorator: &Decorator) -> bool {
    let called = match &decorator.expression {
        Expr::Call(call) => &call.func,
        other => other,
    };
    let name = dotted(called).unwrap_or_default().to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    // what is kept on an object lasts no longer than the object
    !last.contains("property")
        && ["cache", "memo", "once", "singleton", "lazy"]
            .iter()
            .any(|word| last.contains(word))
}

/// Whether a method with this name adds to what its object holds.
pub(super) fn adds(name: &str) -> bool {
    matches!(
        name,
        "add"
            | "append"
            | "appendleft"
            | "extend"
            | "insert"
            | "register"
            | "setdefault"
            | "update"
    )
}

/// Whether a body does nothing.
pub(super) fn is_empty(body: &[Stmt]) -> bool {
    body.iter().all(|stmt| match stmt {
        Stmt::Pass(_) => true,
        Stmt::Expr(expr) => {
            expr.value.is_ellipsis_literal_expr() || expr.value.is_string_literal_expr()
        }
        _ => false,
    })
}

/// Whether a fixture's scope may hold several tests.
pub(super) fn is_wide(scope: &Expr) -> bool {
    !matches!(scope, Expr::StringLiteral(text) if text.value.to_str() == "function")
}

/// Whether runners call a function of this name once for several tests.
pub(super) fn sets_up_several(name: &str) -> bool {
    let lower = name.to_ascii_lowercase().replace('_', "");
    ["setup", "teardown"].iter().any(|word| {
        lower
            .strip_prefix(word)
            .is_some_and(|rest| matches!(rest, "class" | "module" | "package" | "testdata"))
    })
}

/// Whether whoever uses this name looks at what is left of others in the process.
pub(super) fn looks_around(name: &str) -> bool {
    matches!(
        name,
        "gc" | "tracemalloc" | "psutil" | "getrefcount" | "active_count" | "all_tasks"
    )
}

/// Whether whoever uses something of this module may do something else each time.
pub(super) fn draws(module: &str) -> bool {
    let top = module.split('.').next().unwrap_or_default();
    matches!(top, "faker" | "hypothesis" | "random" | "schemathesis")
        || module.ends_with("numpy.random")
}

/// Whether whoever uses this name reads sources, or code that was made of them.
pub(super) fn reads_sources(name: &str) -> bool {
    matches!(
        name,
        "getsource"
            | "getsourcelines"
            | "findsource"
            | "get_overloads"
            | "linecache"
            | "doctest"
            | "pydoc"
            | "dis"
            | "settrace"
            | "setprofile"
    )
}

/// Whether this module starts processes.
pub(super) fn starts(module: &str) -> bool {
    matches!(
        module.split('.').next().unwrap_or_default(),
        "subprocess"
            | "multiprocessing"
            | "multiprocess"
            | "pexpect"
            | "ptyprocess"
            | "sh"
            | "plumbum"
            | "xprocess"
            | "billiard"
            | "loky"
            | "joblib"
            | "pty"
    )
}

/// Whether this function of `os` starts a process, or another program in this one.
pub(super) fn leaves(name: &str) -> bool {
    [
        "exec",
        "fork",
        "popen",
        "posix_spawn",
        "spawn",
        "startfile",
        "system",
    ]
    .iter()
    .any(|word| name.starts_with(word))
}

/// Whether a call of this name gives a module, or its names, that is told at run time.
pub(super) fn gives_module(name: &str) -> bool {
    matches!(
        name,
        "import_module"
            | "__import__"
            | "import_string"
            | "module_from_spec"
            | "load_module"
            | "run_path"
            | "run_module"
            | "resolve_name"
    )
}

/// Whether whoever uses this name spells texts in another way.
pub(super) fn spells(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "casefold" | "lower" | "swapcase" | "title" | "upper"
    ) || ["camel", "capital", "classif", "pascal", "snake"]
        .iter()
        .any(|word| lower.contains(word))
}

/// Whether whoever uses this name lists modules.
pub(super) fn lists_modules(name: &str) -> bool {
    matches!(name, "find_packages" | "iter_modules" | "walk_packages")
}

/// Whether whoever uses this name lists files, or asks for the module that something stands in.
pub(super) fn lists_files(name: &str) -> bool {
    matches!(
        name,
        "__module__"
            | "contents"
            | "f_globals"
            | "fwalk"
            | "getmodule"
            | "glob"
            | "iglob"
            | "iterdir"
            | "listdir"
            | "rglob"
            | "scandir"
    )
}

/// Whether whoever uses this name, or this module, reads docstrings.
pub(super) fn reads_docs(name: &str) -> bool {
    matches!(
        name,
        "__doc__" | "getdoc" | "doctest" | "getsource" | "getsourcelines" | "pydoc"
    )
}

/// Whether functions are defined within a body.
pub(super) fn holds_functions(body: &[Stmt]) -> bool {
    struct Holds(bool);
    impl<'a> Visitor<'a> for Holds {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            self.0 |= matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_));
            visitor::walk_stmt(self, stmt);
        }

        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0 |= expr.is_lambda_expr();
            visitor::walk_expr(self, expr);
        }
    }
    let mut holds = Holds(false);
    body.iter().for_each(|stmt| holds.visit_stmt(stmt));
    holds.0
}

/// Whether whoever uses this name reads the parameters of functions.
pub(super) fn reads_heads(name: &str) -> bool {
    matches!(
        name,
        "signature"
            | "Signature"
            | "getfullargspec"
            | "getargspec"
            | "getcallargs"
            | "__defaults__"
            | "__kwdefaults__"
            | "__signature__"
    )
}
