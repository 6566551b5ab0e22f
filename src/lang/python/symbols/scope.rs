//! Which names a body binds, by Python's rule: a name that is bound anywhere in a function is its own everywhere in it.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Comprehension, ExceptHandler, Expr, ExprContext, Parameters, Pattern, Stmt};
use rustc_hash::{FxHashMap, FxHashSet};

/// The names of one scope.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) vars: FxHashMap<String, u32>,
    pub(super) globals: FxHashSet<String>,
    /// A class's own scope, which its functions do not see; the class where it is one of the file's.
    pub(super) class: Option<Option<u32>>,
}

/// The names that a body binds, and those that it says are bound elsewhere.
#[derive(Default)]
pub(super) struct Names {
    pub(super) bound: Vec<String>,
    pub(super) elsewhere: FxHashSet<String>,
}

impl Names {
    pub(super) fn of_body(body: &[Stmt]) -> Self {
        let mut names = Self::default();
        body.iter().for_each(|stmt| names.visit_stmt(stmt));
        names
    }

    pub(super) fn of_target(target: &Expr) -> Self {
        let mut names = Self::default();
        names.visit_expr(target);
        names
    }

    fn bind(&mut self, name: &str) {
        self.bound.push(name.to_owned());
    }
}

impl<'a> Visitor<'a> for Names {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => self.bind(&function.name),
            Stmt::ClassDef(class) => self.bind(&class.name),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.bind(name.split('.').next().unwrap_or_default());
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.bind(alias.asname.as_ref().unwrap_or(&alias.name));
                }
            }
            Stmt::Global(global) => {
                let names = global.names.iter().map(|name| name.to_string());
                self.elsewhere.extend(names);
            }
            Stmt::Nonlocal(outer) => {
                let names = outer.names.iter().map(|name| name.to_string());
                self.elsewhere.extend(names);
            }
            Stmt::Try(attempt) => {
                for handler in &attempt.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    if let Some(name) = &handler.name {
                        self.bind(name);
                    }
                }
                visitor::walk_stmt(self, stmt);
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => {
                if !matches!(name.ctx, ExprContext::Load) {
                    self.bind(&name.id);
                }
            }
            Expr::Lambda(_) => {}
            _ => visitor::walk_expr(self, expr),
        }
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.visit_expr(&comprehension.iter);
        comprehension.ifs.iter().for_each(|e| self.visit_expr(e));
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(named) => named.name.as_ref(),
            Pattern::MatchStar(named) => named.name.as_ref(),
            Pattern::MatchMapping(named) => named.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name);
        }
        visitor::walk_pattern(self, pattern);
    }
}

/// All parameters of a function.
pub(super) fn parameters(
    parameters: &Parameters,
) -> impl Iterator<Item = &ruff_python_ast::Parameter> {
    let plain = parameters
        .posonlyargs
        .iter()
        .chain(&parameters.args)
        .map(|p| &p.parameter);
    plain
        .chain(parameters.vararg.as_deref())
        .chain(parameters.kwonlyargs.iter().map(|p| &p.parameter))
        .chain(parameters.kwarg.as_deref())
}
