//! Statements inside of functions, and those of the module that bind nothing.

use ruff_python_ast::{ExceptHandler, Pattern, Stmt};
use ruff_text_size::Ranged;

use super::super::scope::{Frame, Names, parameters};
use super::super::{Ty, TyId, Use};
use super::{DEEP, Reader};

impl Reader<'_> {
    pub(super) fn stmts(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    pub(super) fn stmt(&mut self, stmt: &Stmt) {
        if self.depth >= DEEP {
            self.too_deep = true;
            return;
        }
        self.depth += 1;
        let outer = std::mem::replace(
            &mut self.stmt_lines,
            (self.lines.of(stmt.start()), self.lines.of(stmt.end())),
        );
        self.walk(stmt);
        self.stmt_lines = outer;
        self.depth -= 1;
    }

    pub(super) fn walk(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                for decorator in &function.decorator_list {
                    self.expr(&decorator.expression);
                }
                for parameter in function.parameters.iter_non_variadic_params() {
                    if let Some(default) = &parameter.default {
                        self.expr(default);
                    }
                }
                if !function.decorator_list.is_empty() {
                    for annotation in
                        parameters(&function.parameters).filter_map(|p| p.annotation.as_deref())
                    {
                        self.expr(annotation);
                    }
                }
                self.body_of(function, None, false);
                self.assign_name(&function.name, 0);
            }
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.expr(&decorator.expression);
                }
                for argument in class.arguments.iter().flat_map(|a| &a.args) {
                    self.expr(argument);
                }
                for keyword in class.arguments.iter().flat_map(|a| &a.keywords) {
                    self.expr(&keyword.value);
                }
                let names = Names::of_body(&class.body);
                let mut frame = Frame {
                    class: Some(None),
                    ..Frame::default()
                };
                for name in names.bound {
                    frame.vars.insert(name, self.out.vars.len() as u32);
                    self.out.vars.push(vec![0]);
                }
                self.frames.push(frame);
                self.stmts(&class.body);
                self.frames.pop();
                self.assign_name(&class.name, 0);
            }
            Stmt::Return(back) => {
                let ty = match &back.value {
                    Some(value) => self.expr(value),
                    None => self.ty(Ty::Scalar),
                };
                if let Some((_, returns)) = self.yields.last_mut() {
                    returns.push(ty);
                }
            }
            Stmt::Delete(delete) => {
                for target in &delete.targets {
                    self.target(target, 0);
                }
            }
            Stmt::TypeAlias(_)
            | Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::Pass(_)
            | Stmt::Break(_)
            | Stmt::Continue(_)
            | Stmt::IpyEscapeCommand(_) => {}
            Stmt::Assign(assign) => {
                let ty = self.expr(&assign.value);
                for target in &assign.targets {
                    self.target(target, ty);
                }
            }
            Stmt::AugAssign(assign) => {
                let ty = self.expr(&assign.value);
                self.expr(&assign.target);
                let ty = self.augmented(ty);
                self.target(&assign.target, ty);
            }
            Stmt::AnnAssign(assign) => {
                // what is said of it need not be so
                let mut all = vec![self.annotation(&assign.annotation)];
                if let Some(value) = &assign.value {
                    all.push(self.expr(value));
                }
                let ty = self.union(all);
                self.target(&assign.target, ty);
            }
            Stmt::For(each) => {
                let ty = self.expr(&each.iter);
                let ty = self.ty(Ty::Elem(ty));
                self.target(&each.target, ty);
                self.stmts(&each.body);
                self.stmts(&each.orelse);
            }
            Stmt::While(each) => {
                self.expr(&each.test);
                self.stmts(&each.body);
                self.stmts(&each.orelse);
            }
            Stmt::If(branch) => {
                self.expr(&branch.test);
                self.stmts(&branch.body);
                for clause in &branch.elif_else_clauses {
                    if let Some(test) = &clause.test {
                        self.expr(test);
                    }
                    self.stmts(&clause.body);
                }
            }
            Stmt::With(with) => {
                for item in &with.items {
                    let ty = self.expr(&item.context_expr);
                    let ty = self.ty(Ty::Enter(ty));
                    if let Some(target) = &item.optional_vars {
                        self.target(target, ty);
                    }
                }
                self.stmts(&with.body);
            }
            Stmt::Match(select) => {
                self.expr(&select.subject);
                for case in &select.cases {
                    self.pattern(&case.pattern);
                    if let Some(guard) = &case.guard {
                        self.expr(guard);
                    }
                    self.stmts(&case.body);
                }
            }
            Stmt::Raise(raise) => {
                for expr in raise.exc.iter().chain(&raise.cause) {
                    self.expr(expr);
                }
            }
            Stmt::Try(attempt) => {
                self.stmts(&attempt.body);
                for handler in &attempt.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    let ty = handler.type_.as_ref().map(|ty| self.touch(ty));
                    if let Some(name) = &handler.name {
                        let ty = ty.map_or(0, |ty| self.ty(Ty::Instance(ty)));
                        self.assign_name(name, ty);
                    }
                    self.stmts(&handler.body);
                }
                self.stmts(&attempt.orelse);
                self.stmts(&attempt.finalbody);
            }
            Stmt::Assert(assert) => {
                self.expr(&assert.test);
                if let Some(message) = &assert.msg {
                    self.expr(message);
                }
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.import(stmt, None),
            Stmt::Expr(expr) => {
                if !expr.value.is_string_literal_expr() {
                    self.expr(&expr.value);
                }
            }
        }
    }

    pub(super) fn augmented(&mut self, ty: TyId) -> TyId {
        match self.out.tys[ty as usize] {
            Ty::Scalar | Ty::Text(_) => self.ty(Ty::Scalar),
            _ => 0,
        }
    }

    pub(super) fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::MatchValue(value) => {
                self.expr(&value.value);
            }
            Pattern::MatchSingleton(_) | Pattern::MatchStar(_) => {}
            Pattern::MatchSequence(all) => all.patterns.iter().for_each(|p| self.pattern(p)),
            Pattern::MatchMapping(map) => {
                map.keys.iter().for_each(|key| {
                    self.expr(key);
                });
                map.patterns.iter().for_each(|p| self.pattern(p));
            }
            Pattern::MatchClass(class) => {
                let ty = self.touch(&class.cls);
                // by place: the names stand in `__match_args__`
                if !class.arguments.patterns.is_empty() {
                    let one = self.ty(Ty::Instance(ty));
                    self.uses(Use::Computed(one, 0));
                }
                class
                    .arguments
                    .patterns
                    .iter()
                    .for_each(|p| self.pattern(p));
                for keyword in &class.arguments.keywords {
                    let name = self.name(&keyword.attr);
                    self.uses(Use::Attr(0, name));
                    self.pattern(&keyword.pattern);
                }
            }
            Pattern::MatchAs(named) => {
                if let Some(inner) = &named.pattern {
                    self.pattern(inner);
                }
                if let Some(name) = &named.name {
                    self.assign_name(name, 0);
                }
            }
            Pattern::MatchOr(all) => all.patterns.iter().for_each(|p| self.pattern(p)),
        }
    }
}
