//! The statements of a module, and of its classes.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Decorator, ExceptHandler, Expr, Stmt};
use ruff_text_size::Ranged;

use super::super::pure::dotted;
use super::super::units::Part;
use super::super::{Bound, Kind, MAY_FAIL, Member, Ty, TyId, Unit, pure, regex};
use super::Reader;
use super::made::literals;

impl Reader<'_> {
    pub(super) fn module(&mut self, body: &[Stmt]) {
        let body = match body.split_first() {
            Some((Stmt::Expr(first), rest)) if first.value.is_string_literal_expr() => {
                self.region(first.start(), first.end(), 0, Part::Doc);
                rest
            }
            _ => body,
        };
        for (at, stmt) in body.iter().enumerate() {
            let before = self.out.imports.len();
            self.replaced = is_replaced(stmt, body.get(at + 1), true);
            self.level_stmt(stmt, None);
            let plain = is_plain_import(stmt);
            if plain || only_checked(stmt) {
                self.region(stmt.start(), stmt.end(), 0, Part::Import);
            }
            if plain {
                let line = self.lines.of(stmt.start());
                let own = before as u32..self.out.imports.len() as u32;
                self.out.plain.extend(own.map(|import| (import, line)));
            }
        }
    }

    /// The statements of the module, or of one of its classes.
    pub(super) fn level(&mut self, body: &[Stmt], class: Option<u32>) {
        // who makes a class may see each definition of a name
        let alone = class.is_none_or(|class| {
            let class = &self.out.classes[class as usize];
            class.bases.is_empty() && !class.made
        });
        for (at, stmt) in body.iter().enumerate() {
            self.replaced = is_replaced(stmt, body.get(at + 1), alone);
            self.level_stmt(stmt, class);
        }
    }

    /// What stands in a class to say that there is nothing more to it.
    pub(super) fn fillers(&mut self, body: &[Stmt], head: u32) {
        let filler = |stmt: &&Stmt| match stmt {
            Stmt::Expr(expr) => {
                expr.value.is_ellipsis_literal_expr() || expr.value.is_string_literal_expr()
            }
            _ => false,
        };
        for stmt in body.iter().filter(filler) {
            self.region(stmt.start(), stmt.end(), head, Part::Head);
        }
    }

    pub(super) fn level_stmt(&mut self, stmt: &Stmt, class: Option<u32>) {
        let lines = (self.lines.of(stmt.start()), self.lines.of(stmt.end()));
        let outer = std::mem::replace(&mut self.stmt_lines, lines);
        self.walk_level(stmt, class);
        self.stmt_lines = outer;
    }

    fn walk_level(&mut self, stmt: &Stmt, class: Option<u32>) {
        match stmt {
            Stmt::FunctionDef(function) => self.function(function, class),
            Stmt::ClassDef(inner) => self.class(inner, class),
            Stmt::Assign(assign) => {
                let names: Option<Vec<&str>> = assign
                    .targets
                    .iter()
                    .map(|t| t.as_name_expr().map(|n| n.id.as_str()))
                    .collect();
                match names {
                    Some(names) => self.value(&names, None, Some(&assign.value), stmt, class),
                    None => {
                        let ty = self.expr(&assign.value);
                        for target in &assign.targets {
                            self.level_target(target, ty, class);
                        }
                    }
                }
            }
            Stmt::AnnAssign(assign) => match assign.target.as_name_expr() {
                Some(name) => {
                    let annotation = Some(&*assign.annotation);
                    self.value(
                        &[name.id.as_str()],
                        annotation,
                        assign.value.as_deref(),
                        stmt,
                        class,
                    );
                }
                None => self.stmt(stmt),
            },
            Stmt::If(branch) => {
                if class.is_none() && is_main(&branch.test) {
                    let unit = Unit {
                        name: "__main__".to_owned(),
                        kind: Kind::Main,
                        ..Unit::default()
                    };
                    let unit = self.new_unit(unit, branch.range());
                    self.region(branch.start(), branch.end(), unit, Part::Body);
                    self.within(unit, |r| r.level(&branch.body, class));
                    for clause in &branch.elif_else_clauses {
                        self.level(&clause.body, class);
                    }
                    return;
                }
                // what only type checkers see still tells names
                let checking = dotted(&branch.test).is_some_and(|n| n.ends_with("TYPE_CHECKING"));
                if !checking {
                    self.expr(&branch.test);
                }
                let outer = std::mem::replace(&mut self.checking, checking);
                self.level(&branch.body, class);
                self.checking = outer;
                for clause in &branch.elif_else_clauses {
                    if let Some(test) = &clause.test {
                        self.expr(test);
                    }
                    self.level(&clause.body, class);
                }
            }
            Stmt::Try(attempt) => {
                self.level(&attempt.body, class);
                for handler in &attempt.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    if let Some(ty) = &handler.type_ {
                        self.touch(ty);
                    }
                    if let Some(name) = &handler.name {
                        let unknown = self.ty(Ty::Unknown);
                        self.level_bind(name, unknown, class);
                    }
                    self.level(&handler.body, class);
                }
                self.level(&attempt.orelse, class);
                self.level(&attempt.finalbody, class);
            }
            Stmt::With(with) => {
                for item in &with.items {
                    let ty = self.expr(&item.context_expr);
                    let ty = self.ty(Ty::Enter(ty));
                    if let Some(target) = &item.optional_vars {
                        self.level_target(target, ty, class);
                    }
                }
                self.level(&with.body, class);
            }
            Stmt::For(each) => {
                let ty = self.expr(&each.iter);
                let ty = self.ty(Ty::Elem(ty));
                self.level_target(&each.target, ty, class);
                self.level(&each.body, class);
                self.level(&each.orelse, class);
            }
            Stmt::While(each) => {
                self.expr(&each.test);
                self.level(&each.body, class);
                self.level(&each.orelse, class);
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.import(stmt, class),
            Stmt::Pass(_) => self.region(stmt.start(), stmt.end(), 0, Part::Nothing),
            _ => self.stmt(stmt),
        }
    }

    pub(super) fn level_bind(&mut self, name: &str, ty: TyId, class: Option<u32>) {
        let unit = self.unit;
        match class {
            None => self.bind(name, Bound::Value(ty, unit)),
            Some(class) => {
                let name = self.name(name);
                self.out.classes[class as usize]
                    .members
                    .push((name, Member::Value(ty, unit)));
            }
        }
    }

    pub(super) fn level_target(&mut self, target: &Expr, ty: TyId, class: Option<u32>) {
        match target {
            Expr::Name(name) => self.level_bind(&name.id, ty, class),
            Expr::Tuple(tuple) => {
                let ty = self.ty(Ty::Elem(ty));
                tuple
                    .elts
                    .iter()
                    .for_each(|e| self.level_target(e, ty, class));
            }
            Expr::List(list) => {
                let ty = self.ty(Ty::Elem(ty));
                list.elts
                    .iter()
                    .for_each(|e| self.level_target(e, ty, class));
            }
            Expr::Starred(starred) => self.level_target(&starred.value, ty, class),
            _ => self.target(target, ty),
        }
    }

    /// Whether a value is a path or a pattern that Python's own functions put together.
    fn is_computed(&self, value: &Expr) -> bool {
        let mut calls = Vec::new();
        let ours = |name: &&str| match self.imported(name) {
            Some(import) => {
                let name = import.name.as_deref().unwrap_or_default();
                pure::puts_together(&import.module, name)
            }
            None => *name == "str",
        };
        pure::is_computed(value, &self.paths, &mut calls) && calls.iter().all(ours)
    }

    /// Whether a value is a pattern that is sure to be one. `loads` gathers the names in it.
    fn is_pattern(&self, value: &Expr, loads: &mut Vec<String>) -> bool {
        let is_re = self
            .imported("re")
            .is_some_and(|import| import.module == "re" && import.name.is_none());
        is_re
            && value
                .as_call_expr()
                .is_some_and(|call| regex::is_sure(call, loads))
    }

    /// An assignment to names of the module or of a class.
    pub(super) fn value(
        &mut self,
        names: &[&str],
        annotation: Option<&Expr>,
        value: Option<&Expr>,
        stmt: &Stmt,
        class: Option<u32>,
    ) {
        let said = annotation.map(|a| self.annotation(a));
        let mut loads = Vec::new();
        let plain_name = !names.iter().any(|name| {
            matches!(
                *name,
                "pytestmark" | "pytest_plugins" | "collect_ignore" | "collect_ignore_glob"
            ) || name.starts_with("__") && (class.is_some() || !only_told(name))
        });
        let constant = self.unit == 0
            && value.is_some_and(|value| match is_alias(annotation) {
                true => pure::is_annotation(value, &mut loads),
                false => self.is_pattern(value, &mut loads) || pure::is_pure(value, &mut loads),
            })
            && plain_name;
        let annotations_wait = self.annotations_wait;
        let said_plainly = |loads: &mut Vec<String>| {
            annotation.is_none_or(|a| annotations_wait || pure::is_annotation(a, loads))
        };
        let constant = constant && said_plainly(&mut loads);
        // what computes it runs on import, too, and may fail there
        let computed = !constant
            && self.unit == 0
            && annotation.is_none()
            && !names.iter().any(|name| name.starts_with("__"))
            && value.is_some_and(|value| self.is_computed(value));
        let makers = value.filter(|_| !(constant || computed) && self.unit == 0 && plain_name);
        let makers = makers.filter(|_| said_plainly(&mut loads));
        let makers = makers.and_then(|value| self.makers(value));
        let made = makers.is_some();
        let mut unit = self.unit;
        if constant || computed || made {
            if computed || made {
                loads.clear();
                value.map(|value| self.expr(value));
            }
            if computed {
                let top = names.iter().filter(|_| class.is_none());
                self.paths.extend(top.map(|name| (*name).to_owned()));
            }
            let loads = loads.iter().map(|name| self.name(name)).collect();
            let owner = class
                .map(|c| format!("{}.", self.class_name(c)))
                .unwrap_or_default();
            let own = Unit {
                name: format!("{owner}{}", names.join(", ")),
                kind: if made { Kind::Object } else { Kind::Constant },
                class,
                loads,
                calls: makers.unwrap_or_default(),
                flags: if constant { 0 } else { MAY_FAIL },
                ..Unit::default()
            };
            unit = self.new_unit(own, stmt.range());
            let call = value.and_then(Expr::as_call_expr).filter(|_| made);
            let mut from = stmt.start();
            for literal in call.into_iter().flat_map(literals) {
                self.region(from, literal.start(), unit, Part::Body);
                self.region(literal.start(), literal.end(), unit, Part::Literal);
                from = literal.end();
            }
            self.region(from, stmt.end(), unit, Part::Body);
        }
        let found = self.within(unit, |r| value.map(|value| r.expr(value)));
        let ty = said.or(found).unwrap_or(0);
        for name in names {
            self.within(unit, |r| r.level_bind(name, ty, class));
        }
        // what makes instances of annotated classes cannot be seen where the class is made by others
        if let (Some(annotation), Some(class)) = (annotation, class)
            && self.out.classes[class as usize].made
        {
            self.expr(annotation);
        }
    }
}

/// Whether an annotation says that the value is a type.
fn is_alias(annotation: Option<&Expr>) -> bool {
    let name = annotation.and_then(dotted);
    name.is_some_and(|name| name.rsplit('.').next() == Some("TypeAlias"))
}

/// Whether the next statement defines a function of the same name, and nothing can have asked for this one before. Unless they
/// stand `alone`, it has to be said to be an overload.
fn is_replaced(stmt: &Stmt, next: Option<&Stmt>, alone: bool) -> bool {
    let (Stmt::FunctionDef(function), Some(Stmt::FunctionDef(next))) = (stmt, next) else {
        return false;
    };
    let says_overload = |decorator: &Decorator| {
        let name = dotted(&decorator.expression);
        name.is_some_and(|name| name.rsplit('.').next() == Some("overload"))
    };
    let mut asks = Asks {
        name: &function.name,
        found: false,
    };
    for decorator in &next.decorator_list {
        asks.visit_expr(&decorator.expression);
    }
    asks.visit_parameters(&next.parameters);
    if let Some(returns) = &next.returns {
        asks.visit_expr(returns);
    }
    function.name.id == next.name.id
        && (alone || !function.decorator_list.is_empty())
        && function.decorator_list.iter().all(says_overload)
        && !asks.found
}

/// Looks for a name.
struct Asks<'n> {
    name: &'n str,
    found: bool,
}

impl<'a> Visitor<'a> for Asks<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        self.found |= matches!(expr, Expr::Name(name) if name.id.as_str() == self.name);
        visitor::walk_expr(self, expr);
    }
}

fn is_main(test: &Expr) -> bool {
    let Expr::Compare(compare) = test else {
        return false;
    };
    let name = |e: &Expr| matches!(e, Expr::Name(n) if n.id.as_str() == "__name__");
    let main = |e: &Expr| matches!(e, Expr::StringLiteral(t) if t.value.to_str() == "__main__");
    match &compare.comparators[..] {
        [right] => name(&compare.left) && main(right) || main(&compare.left) && name(right),
        _ => false,
    }
}

/// Whether a statement only binds names that are imported. What the future brings holds for the whole file.
fn is_plain_import(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Import(_) => true,
        Stmt::ImportFrom(import) => {
            import.module.as_deref() != Some("__future__")
                && import.names.iter().all(|alias| alias.name.as_str() != "*")
        }
        _ => false,
    }
}

/// Whether a statement holds nothing but imports for type checkers.
fn only_checked(stmt: &Stmt) -> bool {
    let Stmt::If(branch) = stmt else { return false };
    branch.elif_else_clauses.is_empty()
        && dotted(&branch.test)
            .is_some_and(|name| matches!(name.as_str(), "TYPE_CHECKING" | "typing.TYPE_CHECKING"))
        && branch.body.iter().all(is_plain_import)
}

/// Whether Python and its tools read a name of this form for no other purpose than to tell it.
fn only_told(name: &str) -> bool {
    matches!(
        name,
        "__all__"
            | "__author__"
            | "__authors__"
            | "__author_email__"
            | "__build__"
            | "__contact__"
            | "__copyright__"
            | "__credits__"
            | "__date__"
            | "__description__"
            | "__email__"
            | "__homepage__"
            | "__license__"
            | "__maintainer__"
            | "__revision__"
            | "__status__"
            | "__summary__"
            | "__title__"
            | "__uri__"
            | "__url__"
            | "__version__"
            | "__version_info__"
            | "__version_tuple__"
    )
}
