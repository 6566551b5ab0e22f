//! What a call, or the mere use of a name, says by itself.

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use super::fold::{Bound, literal_elements};
use super::reader::{Ask, Reader};
use super::source::By;

impl<'a> Reader<'a> {
    pub(super) fn call(&mut self, call: &'a ExprCall) {
        let (owner, name) = match &*call.func {
            Expr::Name(name) => (None, name.id.as_str()),
            Expr::Attribute(attribute) => (Some(&*attribute.value), attribute.attr.as_str()),
            _ => return,
        };
        let args = &call.arguments.args;
        self.loads |= matches!(
            name,
            "find_spec"
                | "find_loader"
                | "find_module"
                | "load_module"
                | "exec_module"
                | "module_from_spec"
        );
        match name {
            "import_module" | "__import__" | "importorskip" | "find_spec" | "find_loader"
            | "find_module" | "resolve_name" | "locate" | "import_string" | "import_object"
            | "load_module" | "lazy_import" | "LazyLoader" => {
                // Common names of helpers: a literal argument is a module; a computed one only where it is Python's own.
                self.ask(Ask::Import(call, By::Name), call);
            }
            "run_module" | "_run_module_as_main" => self.ask(Ask::Import(call, By::Run), call),
            // Walking packages imports them; iterating modules only names them, and whoever then imports says so:
            // by a function that imports, or by a loader.
            "walk_packages" | "iter_modules" => {
                self.lists_unread = true;
                let prefix = call.arguments.find_argument_value("prefix", 1);
                self.ask(Ask::Modules(prefix, name == "walk_packages"), call);
            }
            "run_path" | "spec_from_file_location" | "load_source" | "SourceFileLoader" => {
                let path = args.get(usize::from(name != "run_path"));
                if !path.is_some_and(Expr::is_string_literal_expr) {
                    self.lists_unread = true;
                }
            }
            "addsitedir" | "syspath_prepend" => {
                if let Some(path) = args.first() {
                    self.ask(Ask::SearchPath(path), call);
                }
            }
            "insert" | "append" | "extend" if owner.is_some_and(is_sys_path) => {
                match args.last().map(|path| (path, literal_elements(path))) {
                    Some((_, Some(paths))) => {
                        for path in paths {
                            self.ask(Ask::SearchPath(path), call);
                        }
                    }
                    Some((path, None)) => self.ask(Ask::SearchPath(path), call),
                    None => {}
                }
            }
            "insert" | "append" | "extend" | "add" | "update" | "setdefault" => match owner {
                Some(Expr::Attribute(attribute)) if attribute.attr.as_str() == "__path__" => {
                    self.edits_path = true;
                }
                Some(Expr::Name(owner)) => {
                    let owner = owner.id.as_str();
                    let held = match (name, &args[..]) {
                        ("append" | "add", [held]) => Bound::Holds(held),
                        ("insert" | "setdefault", [_, held]) => Bound::Holds(held),
                        ("extend" | "update", [held]) => Bound::HoldsAll(held),
                        _ => Bound::Unknown,
                    };
                    if owner == "__path__" {
                        self.edits_path = true;
                    } else if owner == "__all__" && name == "extend" {
                        self.exports.extend(args.first());
                    }
                    self.bindings.push((owner, held));
                }
                _ => {}
            },
            "setup" => self.ask(Ask::Setup(call), call),
            _ => {}
        }
        if self.functions == 0 {
            self.collector
                .module_call(name, self.lines.of(call.start()));
        }
        self.after_dash_m(args);
    }

    /// `[…, "-m", "pkg.tool", …]`
    pub(super) fn after_dash_m(&mut self, elements: &'a [Expr]) {
        for (before, pair) in elements.windows(2).enumerate() {
            if let [Expr::StringLiteral(flag), module] = pair
                && flag.value.to_str() == "-m"
            {
                let interpreter = elements[..before].iter().any(|e| match e {
                    Expr::Attribute(attribute) => attribute.attr.as_str() == "executable",
                    Expr::Name(name) => name.id.to_ascii_lowercase().contains("py"),
                    Expr::StringLiteral(text) => text.value.to_str().contains("py"),
                    _ => false,
                });
                self.ask(Ask::Run(module, interpreter), module);
            }
        }
    }

    /// Names whose use says something by itself, whoever they belong to.
    pub(super) fn name_used(&mut self, name: &str, of: Option<&Expr>) {
        match name {
            "lineno" | "f_lineno" | "tb_lineno" | "co_firstlineno" | "co_lines" | "getsource"
            | "getsourcelines" | "getsourcefile" | "findsource" | "currentframe" | "_getframe"
            | "linecache" | "extract_stack" | "extract_tb" | "format_exc" | "format_exception"
            | "print_exc" | "format_stack" | "walk_tb" | "end_lineno" | "getframeinfo"
            | "getouterframes" | "getinnerframes" => self.reads_lines = true,
            "listdir" | "scandir" | "glob" | "iglob" | "rglob" | "iterdir" | "contents"
            | "copytree" | "make_archive" => {
                self.lists_directories = true;
            }
            "get_templates" | "list_templates" => self.lists_unread = true,
            // A tree of syntax is walked too.
            "walk" => {
                let ast = of.is_some_and(|e| matches!(e, Expr::Name(n) if n.id.as_str() == "ast"));
                self.lists_directories |= !ast;
            }
            _ => {}
        }
    }
}

/// Python's own functions that import by name.
pub(super) fn is_importer(name: &str) -> bool {
    matches!(name, "import_module" | "__import__")
}

pub(super) fn is_sys_path(expr: &Expr) -> bool {
    match expr {
        Expr::Attribute(attribute) => {
            attribute.attr.as_str() == "path"
                && matches!(&*attribute.value, Expr::Name(name) if name.id.as_str().trim_start_matches('_') == "sys")
        }
        _ => false,
    }
}

/// Whether a call puts pieces of a path or a text together.
pub(super) fn joins(call: &ExprCall) -> bool {
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return false,
    };
    matches!(name, "join" | "joinpath" | "Path" | "PurePath" | "format")
        && !call.arguments.args.is_empty()
}
