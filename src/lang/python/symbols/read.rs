//! A syntax tree → units and what they use. One walk.

use ruff_python_ast::token::Tokens;
use ruff_python_ast::{
    Comprehension, ExceptHandler, Expr, ExprCall, InterpolatedStringElement,
    InterpolatedStringElements, Operator, Pattern, Stmt, StmtClassDef, StmtFunctionDef,
};
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustc_hash::{FxHashMap, FxHashSet};

use super::keeping::{self, Root};
use super::pure::{self, Known, dotted};
use super::scope::{Frame, Names, parameters};
use super::units::{Part, Region, print};
use super::{
    ANY_FIXTURE, Bound, CACHED, CONTEXT, Class, DYNAMIC, ELSEWHERE, EMPTY, Fixture, GIVEN_AWAY,
    IMPORTS, Imported, Kind, LOOKS_AROUND, Left, MAKES_PASSING, MAY_FAIL, Member, NameId, PASSES,
    PROPERTY, READS_DOCS, READS_HEADS, READS_SOURCES, REFLECTS, SPAWNS, Symbols, Ty, TyId, Unit,
    Use, WIDE,
};
use crate::lang::python::lines::Lines;
use crate::lang::python::stdlib;

/// Deeper trees are not walked.
const DEEP: u32 = 200;

/// The units of a file; `None` where it is nested too deeply.
pub(in crate::lang::python) fn read(
    body: &[Stmt],
    text: &str,
    tokens: &Tokens,
    lines: &Lines,
) -> Option<Symbols> {
    let mut reader = Reader {
        lines,
        out: Symbols::default(),
        names: FxHashMap::default(),
        tys: FxHashMap::default(),
        frames: Vec::new(),
        unit: 0,
        regions: Vec::new(),
        classes: Vec::new(),
        seen: FxHashSet::default(),
        uses: Vec::new(),
        yields: Vec::new(),
        depth: 0,
        checking: false,
        too_deep: false,
        stmt_lines: (0, 0),
        starters: FxHashSet::default(),
        loaded: FxHashSet::default(),
    };
    reader.new_unit(Unit::default(), TextRange::default());
    reader.ty(Ty::Unknown);
    reader.module(body);
    if reader.too_deep {
        return None;
    }
    for (unit, used) in reader.out.units.iter_mut().zip(&mut reader.uses) {
        unit.uses = std::mem::take(&mut used.0);
        unit.words = std::mem::take(&mut used.1);
        unit.words.sort_unstable();
        unit.words.dedup();
    }
    reader.out.loaded = reader.loaded.into_iter().collect();
    reader.out.loaded.sort_unstable();
    print(text, tokens, &mut reader.regions, &mut reader.out.units);
    Some(reader.out)
}

struct Reader<'l> {
    lines: &'l Lines,
    out: Symbols,
    names: FxHashMap<String, NameId>,
    tys: FxHashMap<Ty, TyId>,
    frames: Vec<Frame>,
    unit: u32,
    regions: Vec<Region>,
    /// The classes around, innermost last.
    classes: Vec<u32>,
    seen: FxHashSet<(u32, Use)>,
    uses: Vec<(Vec<Use>, Vec<NameId>)>,
    /// What the functions around yield and return.
    yields: Vec<(Vec<TyId>, Vec<TyId>)>,
    depth: u32,
    /// In what only type checkers see.
    checking: bool,
    too_deep: bool,
    /// The lines of the statement that is read, both included.
    stmt_lines: (u32, u32),
    /// Names that are bound to what starts processes.
    starters: FxHashSet<String>,
    /// Names that are looked up when the file is loaded.
    loaded: FxHashSet<NameId>,
}

impl Reader<'_> {
    fn name(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.names.get(name) {
            return id;
        }
        let id = self.out.names.len() as NameId;
        self.out.names.push(name.to_owned());
        self.names.insert(name.to_owned(), id);
        id
    }

    fn ty(&mut self, ty: Ty) -> TyId {
        if let Some(&id) = self.tys.get(&ty) {
            return id;
        }
        let id = self.out.tys.len() as TyId;
        self.out.tys.push(ty.clone());
        self.tys.insert(ty, id);
        id
    }

    fn union(&mut self, mut all: Vec<TyId>) -> TyId {
        all.sort_unstable();
        all.dedup();
        match all[..] {
            [] => self.ty(Ty::Scalar),
            [only] => only,
            _ => self.ty(Ty::Union(all)),
        }
    }

    fn uses(&mut self, used: Use) {
        if self.seen.insert((self.unit, used)) {
            self.uses[self.unit as usize].0.push(used);
        }
    }

    fn flag(&mut self, flag: u32) {
        self.out.units[self.unit as usize].flags |= flag;
    }

    fn new_unit(&mut self, mut unit: Unit, range: TextRange) -> u32 {
        unit.lines = (self.lines.of(range.start()), self.lines.of(range.end()));
        self.out.units.push(unit);
        self.uses.push((Vec::new(), Vec::new()));
        self.out.units.len() as u32 - 1
    }

    fn region(&mut self, start: TextSize, end: TextSize, unit: u32, part: Part) {
        if start < end {
            let range = TextRange::new(start, end);
            self.regions.push(Region { range, unit, part });
        }
    }

    fn within<T>(&mut self, unit: u32, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.unit, unit);
        let result = work(self);
        self.unit = outer;
        result
    }

    fn bind(&mut self, name: &str, bound: Bound) {
        let name = self.name(name);
        self.out.scope.push((name, bound));
    }

    // ---- the module ----

    fn module(&mut self, body: &[Stmt]) {
        let body = match body.split_first() {
            Some((Stmt::Expr(first), rest)) if first.value.is_string_literal_expr() => {
                self.region(first.start(), first.end(), 0, Part::Doc);
                rest
            }
            _ => body,
        };
        for stmt in body {
            let before = self.out.imports.len();
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
    fn level(&mut self, body: &[Stmt], class: Option<u32>) {
        for stmt in body {
            self.level_stmt(stmt, class);
        }
    }

    /// What stands in a class to say that there is nothing more to it.
    fn fillers(&mut self, body: &[Stmt], head: u32) {
        let filler = |stmt: &&Stmt| match stmt {
            Stmt::Pass(_) => true,
            Stmt::Expr(expr) => {
                expr.value.is_ellipsis_literal_expr() || expr.value.is_string_literal_expr()
            }
            _ => false,
        };
        for stmt in body.iter().filter(filler) {
            self.region(stmt.start(), stmt.end(), head, Part::Head);
        }
    }

    fn level_stmt(&mut self, stmt: &Stmt, class: Option<u32>) {
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
            _ => self.stmt(stmt),
        }
    }

    fn level_bind(&mut self, name: &str, ty: TyId, class: Option<u32>) {
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

    fn level_target(&mut self, target: &Expr, ty: TyId, class: Option<u32>) {
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

    /// An assignment to names of the module or of a class.
    fn value(
        &mut self,
        names: &[&str],
        annotation: Option<&Expr>,
        value: Option<&Expr>,
        stmt: &Stmt,
        class: Option<u32>,
    ) {
        let said = annotation.map(|a| self.annotation(a));
        let mut loads = Vec::new();
        let constant = self.unit == 0
            && value.is_some_and(|value| pure::is_pure(value, &mut loads))
            && !names.iter().any(|name| {
                matches!(
                    *name,
                    "pytestmark" | "pytest_plugins" | "collect_ignore" | "collect_ignore_glob"
                ) || name.starts_with("__") && (class.is_some() || !only_told(name))
            });
        let mut unit = self.unit;
        if constant {
            let loads = loads.iter().map(|name| self.name(name)).collect();
            let owner = class
                .map(|c| format!("{}.", self.class_name(c)))
                .unwrap_or_default();
            let made = Unit {
                name: format!("{owner}{}", names.join(", ")),
                kind: Kind::Constant,
                class,
                loads,
                ..Unit::default()
            };
            unit = self.new_unit(made, stmt.range());
            self.region(stmt.start(), stmt.end(), unit, Part::Body);
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

    fn class_name(&self, class: u32) -> String {
        let class = &self.out.classes[class as usize];
        self.out.names[class.name as usize].clone()
    }

    // ---- classes and functions ----

    fn class(&mut self, class: &StmtClassDef, outer: Option<u32>) {
        let id = self.out.classes.len() as u32;
        let owner = outer
            .map(|c| format!("{}.", self.class_name(c)))
            .unwrap_or_default();
        let full = format!("{owner}{}", class.name);
        let name = self.name(&full);
        self.out.classes.push(Class {
            name,
            ..Class::default()
        });
        let short = self.name(&class.name);
        match outer {
            None => self.out.scope.push((short, Bound::Class(id))),
            Some(outer) => self.out.classes[outer as usize]
                .members
                .push((short, Member::Class(id))),
        }
        let mut made = false;
        for decorator in &class.decorator_list {
            self.expr(&decorator.expression);
            made = true;
            let given = self.class_object(id);
            let known = decorated_plainly(&decorator.expression);
            if !known {
                self.uses(Use::Load(given));
            }
        }
        if let Some(arguments) = &class.arguments {
            for base in &arguments.args {
                let ty = self.touch(base);
                self.out.classes[id as usize].bases.push(ty);
                // each base may have a say when a class is made of it
                let told = self.name("__init_subclass__");
                self.uses(Use::Attr(ty, told));
                let generic = base.as_subscript_expr().map(|s| &*s.value);
                if let Some(generic) = generic {
                    let ty = self.touch(generic);
                    self.out.classes[id as usize].bases.push(ty);
                }
            }
            for keyword in &arguments.keywords {
                made = true;
                self.expr(&keyword.value);
            }
        }
        self.out.classes[id as usize].made = made;
        let head = self.class_head(class, full, id);
        let mut body = &class.body[..];
        if let Some((Stmt::Expr(first), rest)) = body.split_first()
            && first.value.is_string_literal_expr()
        {
            self.region(first.start(), first.end(), head, Part::Doc);
            body = rest;
        }
        self.fillers(body, head);
        let names = Names::of_body(&class.body);
        let mut frame = Frame {
            class: Some(Some(id)),
            ..Frame::default()
        };
        frame
            .vars
            .extend(names.bound.into_iter().map(|name| (name, 0)));
        self.frames.push(frame);
        self.classes.push(id);
        self.level(body, Some(id));
        self.classes.pop();
        self.frames.pop();
    }

    /// What a class is called and what it extends, as a unit.
    fn class_head(&mut self, class: &StmtClassDef, name: String, id: u32) -> u32 {
        let mut loads = Vec::new();
        let arguments = class.arguments.as_deref();
        let plain = class.decorator_list.is_empty()
            && arguments.is_none_or(|arguments| {
                let mut bases = arguments.args.iter();
                arguments.keywords.is_empty() && bases.all(|b| pure::is_base(b, &mut loads))
            });
        let end = class.body.first().map_or(class.end(), Ranged::start);
        let unit = Unit {
            name,
            kind: Kind::Class,
            class: Some(id),
            risky: true,
            loads: loads.iter().map(|name| self.name(name)).collect(),
            flags: if plain { 0 } else { MAY_FAIL },
            ..Unit::default()
        };
        let unit = self.new_unit(unit, TextRange::new(class.start(), end));
        self.region(class.start(), end, unit, Part::Head);
        unit
    }

    fn class_object(&mut self, class: u32) -> TyId {
        self.ty(Ty::ClassOf(class))
    }

    /// A function of the module or of one of its classes.
    fn function(&mut self, function: &StmtFunctionDef, class: Option<u32>) {
        let owner = class
            .map(|c| format!("{}.", self.class_name(c)))
            .unwrap_or_default();
        let id = self.new_unit(
            Unit {
                name: format!("{owner}{}", function.name),
                kind: Kind::Function,
                class,
                ..Unit::default()
            },
            function.range(),
        );
        let short = self.name(&function.name);
        match class {
            None => self.out.scope.push((short, Bound::Unit(id))),
            Some(class) => self.out.classes[class as usize]
                .members
                .push((short, Member::Unit(id))),
        }
        let (mut flags, mut risky, mut fixture) = (0, false, None);
        let (mut is_static, mut is_class) = (false, function.name.as_str() == "__new__");
        let mut loads: Vec<String> = Vec::new();
        let mut decorators = Vec::new();
        let mut asked: Vec<String> = Vec::new();
        for decorator in &function.decorator_list {
            let known = pure::decorator(decorator);
            let called = match &decorator.expression {
                Expr::Call(call) => Some(call),
                _ => None,
            };
            let name = dotted(called.map_or(&decorator.expression, |call| &call.func));
            loads.extend(name.clone());
            let last = name
                .as_deref()
                .and_then(|n| n.rsplit('.').next())
                .unwrap_or_default();
            if keeping::is_cache(decorator) {
                flags |= CACHED;
            }
            match known {
                Known::Plain => {
                    match last {
                        "property" | "cached_property" | "abstractproperty" | "setter"
                        | "getter" => flags |= PROPERTY,
                        "staticmethod" => is_static = true,
                        "classmethod" => is_class = true,
                        "contextmanager" | "asynccontextmanager" => flags |= CONTEXT,
                        _ => {}
                    }
                    for argument in called.into_iter().flat_map(arguments_of) {
                        if !pure::is_pure(argument, &mut loads) {
                            flags |= MAY_FAIL;
                        }
                    }
                    self.expr(&decorator.expression);
                }
                Known::Mark => {
                    if last == "usefixtures" {
                        asked.extend(called.iter().flat_map(|c| texts(&c.arguments.args)));
                    }
                    risky = true;
                    if let Some(call) = called {
                        for argument in arguments_of(call) {
                            if !pure::is_simple(argument, &mut loads) {
                                flags |= MAY_FAIL;
                            }
                        }
                    }
                    // what it calls runs on import, what it names is used by the test
                    self.within(id, |r| r.expr(&decorator.expression));
                    if let Some(call) = called
                        && holds_calls(call)
                    {
                        self.expr(&decorator.expression);
                    }
                }
                Known::Fixture => {
                    let mut found = Fixture {
                        name: short,
                        autouse: false,
                    };
                    for keyword in called.iter().flat_map(|c| &c.arguments.keywords) {
                        match keyword.arg.as_deref() {
                            Some("name") => {
                                if let Some(text) = keyword.value.as_string_literal_expr() {
                                    found.name = self.name(text.value.to_str());
                                }
                            }
                            Some("autouse") => {
                                found.autouse =
                                    !matches!(&keyword.value, Expr::BooleanLiteral(b) if !b.value);
                            }
                            Some("scope") if keeping::is_wide(&keyword.value) => flags |= WIDE,
                            None => flags |= WIDE,
                            _ => {}
                        }
                    }
                    if called.is_some_and(|call| !call.arguments.args.is_empty()) {
                        flags |= WIDE;
                    }
                    risky = true;
                    for argument in called.into_iter().flat_map(arguments_of) {
                        if !pure::is_pure(argument, &mut loads) {
                            flags |= MAY_FAIL;
                        }
                    }
                    fixture = Some(found);
                    self.expr(&decorator.expression);
                }
                Known::No => {
                    let ty = self.expr(&decorator.expression);
                    let ty = match (called, &self.out.tys[ty as usize]) {
                        (Some(_), Ty::Call(of)) => *of,
                        _ => ty,
                    };
                    if let Some(call) = called {
                        risky |= !arguments_of(call).all(|e| pure::is_pure(e, &mut loads));
                    }
                    risky |= name.is_none();
                    // what it does where it stands is its own affair
                    flags |= MAY_FAIL;
                    decorators.push((ty, called.is_some()));
                    flags |= GIVEN_AWAY;
                }
            }
        }
        for parameter in function.parameters.iter_non_variadic_params() {
            if let Some(default) = &parameter.default {
                if !pure::is_pure(default, &mut loads) {
                    risky = true;
                    flags |= MAY_FAIL;
                }
                // a default is made on import and used by the function
                self.expr(default);
                self.within(id, |r| r.expr(default));
            }
        }
        if flags & GIVEN_AWAY != 0 {
            let annotations =
                parameters(&function.parameters).filter_map(|p| p.annotation.as_deref());
            for annotation in annotations.chain(function.returns.as_deref()) {
                self.within(id, |r| r.expr(annotation));
            }
        }
        let loads: Vec<NameId> = loads.iter().map(|name| self.name(name)).collect();
        let params: Vec<NameId> = parameters(&function.parameters)
            .map(|p| p.name.as_str().to_owned())
            .collect::<Vec<_>>()
            .iter()
            .map(|name| self.name(name))
            .collect();
        if keeping::is_empty(&function.body) {
            flags |= EMPTY;
        }
        if keeping::sets_up_several(&function.name) {
            flags |= WIDE;
        }
        if pure::passes(function) {
            flags |= PASSES;
        }
        if pure::makes_passing(function) {
            flags |= MAKES_PASSING;
        }
        let is_test = function.name.starts_with("test") || fixture.is_some();
        let receiver = match class {
            Some(class) if !is_static => Some(match is_class {
                true => Ty::ClassOf(class),
                false => Ty::SelfOf(class),
            }),
            _ => None,
        };
        let unit = &mut self.out.units[id as usize];
        unit.params = params;
        unit.loads = loads;
        unit.risky = risky;
        unit.decorators = decorators;
        unit.fixture = fixture;
        unit.flags |= flags;
        let head_end = function
            .returns
            .as_deref()
            .map_or(function.parameters.end(), Ranged::end);
        if let Some(first) = function.body.first() {
            let (head, body) = (self.lines.of(head_end), self.lines.of(first.start()));
            unit.body_line = if body > head { body } else { 0 };
        }
        let mut start = function.body.first().map_or(function.end(), Ranged::start);
        let mut from = function.start();
        for parameter in function.parameters.iter_non_variadic_params() {
            if let Some(default) = &parameter.default {
                self.region(from, default.start(), id, Part::Head);
                self.region(default.start(), default.end(), id, Part::Default);
                from = default.end();
            }
        }
        self.region(from, start, id, Part::Head);
        if let Some(Stmt::Expr(first)) = function.body.first()
            && first.value.is_string_literal_expr()
        {
            self.region(first.start(), first.end(), id, Part::Doc);
            start = first.end();
        }
        self.region(start, function.end(), id, Part::Body);
        let returns = self.within(id, |r| {
            for name in asked {
                let name = r.name(&name);
                r.uses(Use::Fixture(name));
            }
            r.body_of(function, receiver, is_test)
        });
        self.out.units[id as usize].returns = returns;
    }

    /// Walks a function's body in a scope of its own. What a call gives.
    fn body_of(&mut self, function: &StmtFunctionDef, receiver: Option<Ty>, by_name: bool) -> TyId {
        let names = Names::of_body(&function.body);
        let mut frame = Frame {
            globals: names.elsewhere,
            ..Frame::default()
        };
        for name in names.bound {
            if !frame.globals.contains(&name) {
                let next = self.out.vars.len() as u32;
                if *frame.vars.entry(name).or_insert(next) == next {
                    self.out.vars.push(Vec::new());
                }
            }
        }
        let mut first = receiver;
        let starred: Vec<&str> = [&function.parameters.vararg, &function.parameters.kwarg]
            .into_iter()
            .flatten()
            .map(|p| p.name.as_str())
            .collect();
        for parameter in parameters(&function.parameters) {
            let name = parameter.name.as_str();
            let mut ty = match (first.take(), &parameter.annotation) {
                (Some(receiver), _) => self.ty(receiver),
                (None, Some(annotation)) => self.annotation(annotation),
                (None, None) if by_name => {
                    let name = self.name(name);
                    self.ty(Ty::Fixture(name))
                }
                (None, None) => 0,
            };
            if starred.contains(&name) {
                ty = self.ty(Ty::Box(vec![ty]));
            }
            // one that is assigned to as well has its variable already
            let next = self.out.vars.len() as u32;
            let var = *frame.vars.entry(name.to_owned()).or_insert(next);
            if var == next {
                self.out.vars.push(Vec::new());
            }
            self.out.vars[var as usize].push(ty);
        }
        self.frames.push(frame);
        self.yields.push((Vec::new(), Vec::new()));
        self.stmts(&function.body);
        let (yields, returns) = self.yields.pop().unwrap_or_default();
        self.frames.pop();
        if let Some(annotation) = &function.returns {
            return self.annotation(annotation);
        }
        if yields.is_empty() {
            return self.union(returns);
        }
        let all: Vec<TyId> = yields.into_iter().chain(returns).collect();
        self.ty(Ty::Box(all))
    }

    // ---- statements inside of functions, and those of the module that bind nothing ----

    fn stmts(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
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

    fn walk(&mut self, stmt: &Stmt) {
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
                let said = self.annotation(&assign.annotation);
                if let Some(value) = &assign.value {
                    self.expr(value);
                }
                self.target(&assign.target, said);
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

    fn augmented(&mut self, ty: TyId) -> TyId {
        match self.out.tys[ty as usize] {
            Ty::Scalar | Ty::Text(_) => self.ty(Ty::Scalar),
            _ => 0,
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
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
                self.touch(&class.cls);
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

    fn import(&mut self, stmt: &Stmt, class: Option<u32>) {
        let mut found: Vec<(String, Imported)> = Vec::new();
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let whole = alias.name.as_str();
                    let top = whole.split('.').next().unwrap_or_default();
                    let (bound, module) = match &alias.asname {
                        Some(name) => (name.as_str(), whole),
                        None => (top, top),
                    };
                    let module = module.to_owned();
                    if module != whole {
                        let id = self.out.imports.len() as u32;
                        self.out.imports.push(Imported {
                            module: whole.to_owned(),
                            ..Imported::default()
                        });
                        if !self.checking {
                            self.uses(Use::Import(id));
                        }
                    }
                    found.push((
                        bound.to_owned(),
                        Imported {
                            module,
                            ..Imported::default()
                        },
                    ));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name);
                    found.push((
                        bound.to_string(),
                        Imported {
                            level: import.level,
                            module: import.module.as_deref().unwrap_or_default().to_owned(),
                            name: Some(alias.name.to_string()),
                        },
                    ));
                }
            }
            _ => {}
        }
        for (name, imported) in found {
            if imported.level == 0 && keeping::starts(&imported.module) {
                self.starters.insert(name.clone());
            }
            let id = self.out.imports.len() as u32;
            self.out.imports.push(imported);
            if !self.checking {
                self.uses(Use::Import(id));
            }
            let function = self.frames.iter().any(|frame| frame.class.is_none());
            if function {
                let ty = self.ty(Ty::Imported(id));
                self.assign_name(&name, ty);
            } else if let Some(class) = class {
                let ty = self.ty(Ty::Imported(id));
                self.level_bind(&name, ty, Some(class));
            } else {
                self.bind(&name, Bound::Import(id));
            }
        }
    }

    fn assign_name(&mut self, name: &str, ty: TyId) {
        for (at, frame) in self.frames.iter().enumerate().rev() {
            if frame.globals.contains(name) {
                break;
            }
            if frame.class.is_some() && at + 1 != self.frames.len() {
                continue;
            }
            if let Some(&var) = frame.vars.get(name) {
                if frame.class != Some(None) && frame.class.is_some() {
                    return;
                }
                let given = &mut self.out.vars[var as usize];
                if !given.contains(&ty) {
                    given.push(ty);
                }
                return;
            }
        }
        // a name of the module, set from a function or inside of a statement
        // what `nonlocal` names lasts no longer than the call around
        let mut functions = self.frames.iter().filter(|frame| frame.class.is_none());
        let inside = functions.clone().next().is_some();
        if inside && !functions.any(|frame| frame.vars.contains_key(name)) {
            self.leaves(name, false);
        }
        let unit = self.unit;
        self.bind(name, Bound::Value(ty, unit));
    }

    fn target(&mut self, target: &Expr, ty: TyId) {
        match target {
            Expr::Name(name) => self.assign_name(&name.id, ty),
            Expr::Tuple(tuple) => {
                let ty = self.ty(Ty::Elem(ty));
                tuple.elts.iter().for_each(|e| self.target(e, ty));
            }
            Expr::List(list) => {
                let ty = self.ty(Ty::Elem(ty));
                list.elts.iter().for_each(|e| self.target(e, ty));
            }
            Expr::Starred(starred) => {
                let ty = self.ty(Ty::Box(vec![ty]));
                self.target(&starred.value, ty);
            }
            Expr::Attribute(attribute) => {
                let of = self.receiver(&attribute.value);
                self.left_behind(target);
                let name = self.name(&attribute.attr);
                self.uses(Use::Attr(of, name));
                if let Ty::SelfOf(class) | Ty::ClassOf(class) = self.resolved(of) {
                    let member = (name, Member::Own(ty));
                    let members = &mut self.out.classes[class as usize].members;
                    if !members.contains(&member) {
                        members.push(member);
                    }
                }
            }
            Expr::Subscript(subscript) => {
                self.left_behind(&subscript.value);
                self.expr(&subscript.value);
                self.expr(&subscript.slice);
            }
            _ => {
                self.expr(target);
            }
        }
    }

    /// Something of this object is set: where it is the module's or a class's, later calls find it.
    fn left_behind(&mut self, object: &Expr) {
        let (root, mut names) = keeping::way(object);
        let mut imported = false;
        let lasting = match root {
            Root::Made => false,
            Root::Class => true,
            Root::Name(name) => {
                let seen = self.frames.iter().rev();
                let mut seen = seen.take_while(|frame| !frame.globals.contains(name));
                let local = seen.find_map(|frame| match frame.class {
                    None => frame.vars.get(name).copied(),
                    Some(_) => None,
                });
                match local {
                    None => {
                        names.push(name);
                        imported = self.imported(name).is_some();
                        !self.imported(name).is_some_and(|from| {
                            let top = from.module.split('.').next().unwrap_or_default();
                            from.level == 0 && stdlib::is_stdlib(top)
                        })
                    }
                    Some(var) => {
                        let mut given = self.out.vars[var as usize].iter();
                        given.any(|ty| matches!(self.out.tys[*ty as usize], Ty::ClassOf(_)))
                    }
                }
            }
        };
        if lasting {
            names.iter().for_each(|name| self.leaves(name, imported));
        }
    }

    /// The import that gives the module a name.
    fn imported(&self, name: &str) -> Option<&Imported> {
        let id = self.names.get(name)?;
        self.out
            .scope
            .iter()
            .find_map(|(other, bound)| match bound {
                Bound::Import(import) if other == id => self.out.imports.get(*import as usize),
                _ => None,
            })
    }

    fn leaves(&mut self, name: &str, imported: bool) {
        let left = Left {
            name: self.name(name),
            imported,
            lines: self.stmt_lines,
        };
        let leaves = &mut self.out.units[self.unit as usize].leaves;
        if !leaves.contains(&left) {
            leaves.push(left);
        }
    }

    /// A type with local variables of one value seen through.
    fn resolved(&self, ty: TyId) -> Ty {
        let mut ty = &self.out.tys[ty as usize];
        for _ in 0..8 {
            match ty {
                Ty::Var(var) => match self.out.vars[*var as usize][..] {
                    [only] => ty = &self.out.tys[only as usize],
                    _ => break,
                },
                _ => break,
            }
        }
        ty.clone()
    }

    // ---- expressions ----

    /// What a name is, seen from here.
    fn lookup(&mut self, name: &str) -> TyId {
        let last = self.frames.len();
        for (at, frame) in self.frames.iter().enumerate().rev() {
            if frame.globals.contains(name) {
                break;
            }
            if frame.class.is_some() && at + 1 != last {
                continue;
            }
            if let Some(&var) = frame.vars.get(name) {
                if let Some(Some(class)) = frame.class {
                    // of the class's body; it may still be the module's where it is not yet bound
                    let name = self.name(name);
                    if self.unit == 0 {
                        self.loaded.insert(name);
                    }
                    let class = self.ty(Ty::ClassOf(class));
                    let own = self.ty(Ty::Attr(class, name));
                    let outer = self.ty(Ty::Name(name));
                    return self.ty(Ty::Union(vec![own, outer]));
                }
                return self.ty(Ty::Var(var));
            }
        }
        let name = self.name(name);
        let globals = &mut self.out.units[self.unit as usize].globals;
        if self.unit != 0 && !globals.contains(&name) {
            globals.push(name);
        }
        if self.unit == 0 {
            self.loaded.insert(name);
        }
        self.ty(Ty::Name(name))
    }

    /// An expression that is asked for an attribute: no use of it as a value.
    fn receiver(&mut self, expr: &Expr) -> TyId {
        match expr {
            Expr::Name(name) => {
                self.started(&name.id);
                let ty = self.lookup(&name.id);
                self.uses(Use::Touch(ty));
                ty
            }
            Expr::Attribute(attribute) => self.attribute(attribute),
            _ => self.expr(expr),
        }
    }

    /// A class or classes that something is compared with.
    fn touch(&mut self, expr: &Expr) -> TyId {
        match expr {
            Expr::Name(_) | Expr::Attribute(_) => {
                let ty = self.receiver(expr);
                self.uses(Use::Touch(ty));
                ty
            }
            Expr::Tuple(tuple) => {
                let all = tuple.elts.iter().map(|e| self.touch(e)).collect();
                self.union(all)
            }
            _ => self.expr(expr),
        }
    }

    fn attribute(&mut self, attribute: &ruff_python_ast::ExprAttribute) -> TyId {
        let of = self.receiver(&attribute.value);
        let text = attribute.attr.as_str();
        let name = self.name(text);
        self.named(text);
        if let Expr::Name(owner) = &*attribute.value {
            if keeping::looks_around(&owner.id) {
                self.flag(LOOKS_AROUND);
            }
            if owner.id.as_str() == "os" && keeping::leaves(text) {
                self.flag(ELSEWHERE);
            }
            match (owner.id.as_str(), text) {
                ("sys", "modules") => self.flag(IMPORTS | DYNAMIC),
                ("os", "system" | "execv" | "execve" | "spawnv" | "fork") => {
                    self.flag(SPAWNS | IMPORTS)
                }
                _ => {}
            }
        }
        self.uses(Use::Attr(of, name));
        self.ty(Ty::Attr(of, name))
    }

    /// A name that a module gave which starts processes.
    fn started(&mut self, name: &str) {
        if self.starters.contains(name) {
            self.flag(ELSEWHERE);
        }
    }

    /// Names whose use says something by itself.
    fn named(&mut self, name: &str) {
        self.started(name);
        if keeping::looks_around(name) {
            self.flag(LOOKS_AROUND);
        }
        if keeping::reads_heads(name) {
            self.flag(READS_HEADS);
        }
        if keeping::reads_sources(name) {
            self.flag(READS_SOURCES);
        }
        match name {
            "__doc__" | "getdoc" | "doctest" | "getsource" | "getsourcelines" | "pydoc" => {
                self.flag(READS_DOCS);
            }
            "getmembers" | "__dict__" => self.flag(REFLECTS | DYNAMIC),
            "attrgetter" | "methodcaller" => self.flag(DYNAMIC),
            "import_module" | "__import__" | "import_string" => self.flag(IMPORTS | DYNAMIC),
            "getfixturevalue" => self.flag(ANY_FIXTURE),
            _ => {
                let lower = name.to_ascii_lowercase();
                if [
                    "subprocess",
                    "popen",
                    "runpytest",
                    "pytester",
                    "script_runner",
                    "multiprocessing",
                    "xprocess",
                    "run_module",
                    "run_path",
                ]
                .iter()
                .any(|word| lower.contains(word))
                    || matches!(name, "check_output" | "check_call" | "testdir")
                {
                    self.flag(SPAWNS | IMPORTS);
                }
            }
        }
    }

    /// Python's own functions whose use says something by itself.
    fn builtin(&mut self, name: &str) {
        match name {
            "globals" | "dir" | "vars" => self.flag(REFLECTS | DYNAMIC),
            "exec" | "eval" | "compile" => self.flag(DYNAMIC),
            "help" => self.flag(READS_DOCS),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let mut words = 0;
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
            let first = word.chars().next();
            if word.len() > 1 && first.is_some_and(|c| c.is_alphabetic() || c == '_') {
                let word = self.name(word);
                let unit = self.unit as usize;
                self.uses[unit].1.push(word);
                words += 1;
            }
        }
        let path = text.contains(['.', ':']) && words > 1 && text.len() < 200;
        if path
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | ':' | '_'))
        {
            let text = self.name(text);
            self.uses(Use::Text(text));
        }
        if text.contains("import ") {
            self.flag(DYNAMIC | IMPORTS);
        }
    }

    fn expr(&mut self, expr: &Expr) -> TyId {
        if self.depth >= DEEP {
            self.too_deep = true;
            return 0;
        }
        self.depth += 1;
        let ty = self.walk_expr(expr);
        self.depth -= 1;
        ty
    }

    fn exprs<'e>(&mut self, all: impl IntoIterator<Item = &'e Expr>) -> Vec<TyId> {
        all.into_iter().map(|e| self.expr(e)).collect()
    }

    fn boxed(&mut self, mut all: Vec<TyId>) -> TyId {
        all.sort_unstable();
        all.dedup();
        self.ty(Ty::Box(all))
    }

    fn walk_expr(&mut self, expr: &Expr) -> TyId {
        match expr {
            Expr::BoolOp(op) => {
                let all = self.exprs(&op.values);
                self.union(all)
            }
            Expr::Named(named) => {
                let ty = self.expr(&named.value);
                self.target(&named.target, ty);
                ty
            }
            Expr::BinOp(op) => {
                let left = self.expr(&op.left);
                let right = self.expr(&op.right);
                let scalar =
                    |r: &Self, ty: TyId| matches!(r.out.tys[ty as usize], Ty::Scalar | Ty::Text(_));
                let format = op.op == Operator::Mod && scalar(self, left);
                if format || (scalar(self, left) && scalar(self, right)) {
                    return self.ty(Ty::Scalar);
                }
                0
            }
            Expr::UnaryOp(op) => {
                self.expr(&op.operand);
                match op.op {
                    ruff_python_ast::UnaryOp::Not => self.ty(Ty::Scalar),
                    _ => 0,
                }
            }
            Expr::Lambda(lambda) => {
                let mut frame = Frame::default();
                for parameter in lambda.parameters.iter().flat_map(|p| parameters(p)) {
                    frame
                        .vars
                        .insert(parameter.name.to_string(), self.out.vars.len() as u32);
                    self.out.vars.push(vec![0]);
                }
                for parameter in lambda
                    .parameters
                    .iter()
                    .flat_map(|p| p.iter_non_variadic_params())
                {
                    if let Some(default) = &parameter.default {
                        self.expr(default);
                    }
                }
                self.frames.push(frame);
                self.expr(&lambda.body);
                self.frames.pop();
                0
            }
            Expr::If(choice) => {
                self.expr(&choice.test);
                let all = vec![self.expr(&choice.body), self.expr(&choice.orelse)];
                self.union(all)
            }
            Expr::Dict(dict) => {
                let mut all = Vec::new();
                for item in &dict.items {
                    if let Some(key) = &item.key {
                        self.expr(key);
                        all.push(self.expr(&item.value));
                    } else {
                        let ty = self.expr(&item.value);
                        all.push(self.ty(Ty::Elem(ty)));
                    }
                }
                // it may be given more later on
                all.push(0);
                self.boxed(all)
            }
            Expr::Set(set) => {
                let mut all = self.exprs(&set.elts);
                all.push(0);
                self.boxed(all)
            }
            Expr::List(list) => {
                let mut all = self.exprs(&list.elts);
                all.push(0);
                self.boxed(all)
            }
            Expr::Tuple(tuple) => {
                let all = self.exprs(&tuple.elts);
                self.boxed(all)
            }
            Expr::ListComp(list) => {
                let elt = self.comprehension(&list.generators, |r| vec![r.expr(&list.elt), 0]);
                self.boxed(elt)
            }
            Expr::SetComp(set) => {
                let elt = self.comprehension(&set.generators, |r| vec![r.expr(&set.elt), 0]);
                self.boxed(elt)
            }
            Expr::Generator(each) => {
                let elt = self.comprehension(&each.generators, |r| vec![r.expr(&each.elt)]);
                self.boxed(elt)
            }
            Expr::DictComp(dict) => {
                let elt = self.comprehension(&dict.generators, |r| {
                    if let Some(key) = &dict.key {
                        r.expr(key);
                    }
                    vec![r.expr(&dict.value), 0]
                });
                self.boxed(elt)
            }
            Expr::Await(wait) => self.expr(&wait.value),
            Expr::Yield(give) => {
                let ty = match &give.value {
                    Some(value) => self.expr(value),
                    None => self.ty(Ty::Scalar),
                };
                if let Some((yields, _)) = self.yields.last_mut() {
                    yields.push(ty);
                }
                0
            }
            Expr::YieldFrom(give) => {
                let ty = self.expr(&give.value);
                let ty = self.ty(Ty::Elem(ty));
                if let Some((yields, _)) = self.yields.last_mut() {
                    yields.push(ty);
                }
                0
            }
            Expr::Compare(compare) => {
                self.expr(&compare.left);
                self.exprs(&compare.comparators[..]);
                self.ty(Ty::Scalar)
            }
            Expr::Call(call) => self.call(call),
            Expr::FString(string) => {
                for part in string.value.elements() {
                    self.element(part);
                }
                self.ty(Ty::Scalar)
            }
            Expr::TString(string) => {
                for part in string.value.elements() {
                    self.element(part);
                }
                0
            }
            Expr::StringLiteral(literal) => {
                let text = literal.value.to_str();
                self.text(text);
                if text.len() < 64
                    && !text.is_empty()
                    && text.chars().all(|c| c.is_alphanumeric() || c == '_')
                {
                    let text = self.name(text);
                    return self.ty(Ty::Text(text));
                }
                self.ty(Ty::Scalar)
            }
            Expr::BytesLiteral(literal) => {
                let bytes: Vec<u8> = literal.value.bytes().collect();
                self.text(&String::from_utf8_lossy(&bytes));
                self.ty(Ty::Scalar)
            }
            Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_) => self.ty(Ty::Scalar),
            Expr::Attribute(attribute) => {
                let ty = self.attribute(attribute);
                self.uses(Use::Load(ty));
                ty
            }
            Expr::Subscript(subscript) => {
                let of = self.expr(&subscript.value);
                self.expr(&subscript.slice);
                self.ty(Ty::Elem(of))
            }
            Expr::Starred(starred) => {
                let of = self.expr(&starred.value);
                self.ty(Ty::Elem(of))
            }
            Expr::Name(name) => {
                let ty = self.lookup(&name.id);
                self.named(&name.id);
                self.builtin(&name.id);
                self.uses(Use::Load(ty));
                ty
            }
            Expr::Slice(slice) => {
                for part in [&slice.lower, &slice.upper, &slice.step]
                    .into_iter()
                    .flatten()
                {
                    self.expr(part);
                }
                self.ty(Ty::Scalar)
            }
            Expr::IpyEscapeCommand(_) => 0,
        }
    }

    fn element(&mut self, element: &InterpolatedStringElement) {
        match element {
            InterpolatedStringElement::Literal(literal) => self.text(&literal.value),
            InterpolatedStringElement::Interpolation(part) => {
                self.expr(&part.expression);
                let spec: Option<&InterpolatedStringElements> =
                    part.format_spec.as_ref().map(|s| &s.elements);
                for inner in spec.into_iter().flatten() {
                    self.element(inner);
                }
            }
        }
    }

    fn comprehension(
        &mut self,
        generators: &[Comprehension],
        work: impl FnOnce(&mut Self) -> Vec<TyId>,
    ) -> Vec<TyId> {
        // the first is looked up outside
        let first = generators.first().map(|g| self.expr(&g.iter));
        let mut frame = Frame::default();
        for generator in generators {
            for name in Names::of_target(&generator.target).bound {
                frame.vars.insert(name, self.out.vars.len() as u32);
                self.out.vars.push(Vec::new());
            }
        }
        self.frames.push(frame);
        for (at, generator) in generators.iter().enumerate() {
            let ty = match (at, first) {
                (0, Some(ty)) => ty,
                _ => self.expr(&generator.iter),
            };
            let ty = self.ty(Ty::Elem(ty));
            self.target(&generator.target, ty);
            for condition in &generator.ifs {
                self.expr(condition);
            }
        }
        let result = work(self);
        self.frames.pop();
        result
    }

    fn call(&mut self, call: &ExprCall) -> TyId {
        let arguments = &call.arguments;
        let plain = call.func.as_name_expr().map(|n| n.id.as_str().to_owned());
        let local = plain
            .as_deref()
            .is_some_and(|name| self.frames.iter().any(|f| f.vars.contains_key(name)));
        match plain.as_deref().filter(|_| !local) {
            Some("super") => {
                arguments.args.iter().for_each(|e| {
                    self.touch(e);
                });
                return match self.classes.last() {
                    Some(&class) => self.ty(Ty::Super(class)),
                    None => 0,
                };
            }
            Some("isinstance" | "issubclass") => {
                for (at, argument) in arguments.args.iter().enumerate() {
                    match at {
                        1 => self.touch(argument),
                        _ => self.expr(argument),
                    };
                }
                return self.ty(Ty::Scalar);
            }
            Some("type") if arguments.len() == 1 => {
                let of = arguments.args.first().map_or(0, |e| self.expr(e));
                let class = self.name("__class__");
                return self.ty(Ty::Attr(of, class));
            }
            Some("getattr" | "hasattr" | "setattr" | "delattr") => {
                if let (Some("setattr"), Some(object)) = (plain.as_deref(), arguments.args.first())
                {
                    self.left_behind(object);
                }
                let of = arguments.args.first().map_or(0, |e| self.receiver(e));
                let found = match arguments.args.get(1) {
                    Some(Expr::StringLiteral(text)) => {
                        let name = self.name(text.value.to_str());
                        self.named(text.value.to_str());
                        self.uses(Use::Attr(of, name));
                        self.ty(Ty::Attr(of, name))
                    }
                    Some(other) => {
                        match beginning(other) {
                            Some(text) if text.len() > 1 => {
                                let text = self.name(&text);
                                self.uses(Use::Prefix(text));
                            }
                            _ => {
                                let name = self.expr(other);
                                self.uses(Use::Computed(of, name));
                            }
                        }
                        self.expr(other);
                        0
                    }
                    None => 0,
                };
                let rest = self.exprs(arguments.args.iter().skip(2));
                if matches!(plain.as_deref(), Some("hasattr")) {
                    return self.ty(Ty::Scalar);
                }
                self.uses(Use::Load(found));
                let all = rest.into_iter().chain([found]).collect();
                return self.union(all);
            }
            Some("cast") => {
                let said = arguments.args.first().map_or(0, |e| self.annotation(e));
                self.exprs(arguments.args.iter().skip(1));
                return said;
            }
            _ => {}
        }
        if call
            .func
            .as_attribute_expr()
            .is_some_and(|a| a.attr.as_str() == "cast")
            && arguments.args.len() == 2
        {
            self.expr(&call.func);
            let said = self.annotation(&arguments.args[0]);
            self.expr(&arguments.args[1]);
            return said;
        }
        let func = match &*call.func {
            Expr::Name(name) => {
                let ty = self.lookup(&name.id);
                self.named(&name.id);
                self.builtin(&name.id);
                self.uses(Use::Called(ty));
                ty
            }
            Expr::Attribute(attribute) => {
                // a function of a module adds nothing to it
                let module = match &*attribute.value {
                    Expr::Name(name) => self.imported(&name.id).is_some(),
                    _ => false,
                };
                let adds = keeping::adds(&attribute.attr) && !module;
                if adds {
                    self.left_behind(&attribute.value);
                }
                let ty = self.attribute(attribute);
                self.uses(Use::Called(ty));
                ty
            }
            other => self.expr(other),
        };
        let last = match &*call.func {
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            Expr::Name(name) => name.id.as_str(),
            _ => "",
        };
        let types = matches!(
            last,
            "raises" | "warns" | "suppress" | "assertRaises" | "assertRaisesRegex"
        );
        for (at, argument) in arguments.args.iter().enumerate() {
            match argument {
                _ if types && at == 0 => self.touch(argument),
                _ => self.expr(argument),
            };
        }
        arguments.keywords.iter().for_each(|k| {
            self.expr(&k.value);
        });
        match last {
            "getfixturevalue" => {
                if let Some(Expr::StringLiteral(text)) = arguments.args.first() {
                    let name = self.name(text.value.to_str());
                    self.uses(Use::Fixture(name));
                }
            }
            // `monkeypatch.setattr(object, "name", value)`, `mock.patch.object(object, "name")`
            "setattr" | "delattr" | "object" => {
                if let [first, Expr::StringLiteral(text), ..] = &arguments.args[..] {
                    let of = self.receiver(first);
                    let name = self.name(text.value.to_str());
                    self.uses(Use::Attr(of, name));
                }
            }
            "attrgetter" | "methodcaller" => {
                for text in texts(&arguments.args) {
                    for part in text.split('.') {
                        let name = self.name(part);
                        self.uses(Use::Attr(0, name));
                    }
                }
            }
            _ => {}
        }
        if plain.is_some() && !local {
            if let "str" | "len" | "int" | "float" | "bool" | "repr" | "format" | "bytes" | "chr"
            | "ord" | "hash" | "id" | "callable" | "ascii" | "bin" | "hex" | "oct"
            | "range" = last
            {
                return self.ty(Ty::Scalar);
            }
            if let "list" | "tuple" | "set" | "frozenset" | "sorted" | "reversed" | "iter"
            | "enumerate" | "zip" | "dict" = last
            {
                let mut all: Vec<TyId> = Vec::new();
                for argument in &arguments.args {
                    let ty = self.expr(argument);
                    all.push(self.ty(Ty::Elem(ty)));
                }
                if matches!(last, "list" | "set" | "dict") {
                    all.push(0);
                }
                return self.boxed(all);
            }
        }
        self.ty(Ty::Call(func))
    }

    // ---- annotations ----

    /// What an annotation says of a value.
    fn annotation(&mut self, expr: &Expr) -> TyId {
        if self.depth >= DEEP {
            self.too_deep = true;
            return 0;
        }
        self.depth += 1;
        let ty = self.walk_annotation(expr);
        self.depth -= 1;
        ty
    }

    fn walk_annotation(&mut self, expr: &Expr) -> TyId {
        match expr {
            Expr::StringLiteral(text) => {
                match ruff_python_parser::parse_expression(text.value.to_str()) {
                    Ok(parsed) => self.annotation(&parsed.into_syntax().body),
                    Err(_) => 0,
                }
            }
            Expr::NoneLiteral(_) => self.ty(Ty::Scalar),
            Expr::BinOp(op) if op.op == Operator::BitOr => {
                let all = vec![self.annotation(&op.left), self.annotation(&op.right)];
                self.union(all)
            }
            Expr::Subscript(subscript) => {
                let name = dotted(&subscript.value).unwrap_or_default();
                let last = name.rsplit('.').next().unwrap_or_default();
                let arguments: Vec<&Expr> = match &*subscript.slice {
                    Expr::Tuple(tuple) => tuple.elts.iter().collect(),
                    other => vec![other],
                };
                match last {
                    "Optional" | "Union" | "Final" | "ClassVar" | "Required" | "NotRequired" => {
                        let mut all: Vec<TyId> =
                            arguments.iter().map(|e| self.annotation(e)).collect();
                        all.push(self.ty(Ty::Scalar));
                        self.union(all)
                    }
                    "Annotated" => arguments.first().map_or(0, |e| self.annotation(e)),
                    "Literal" => self.ty(Ty::Scalar),
                    "type" | "Type" => match arguments.first() {
                        Some(Expr::Name(_) | Expr::Attribute(_)) => self.quiet(arguments[0]),
                        _ => 0,
                    },
                    "list"
                    | "List"
                    | "tuple"
                    | "Tuple"
                    | "set"
                    | "Set"
                    | "frozenset"
                    | "FrozenSet"
                    | "dict"
                    | "Dict"
                    | "Iterable"
                    | "Iterator"
                    | "Sequence"
                    | "MutableSequence"
                    | "Mapping"
                    | "MutableMapping"
                    | "Collection"
                    | "Generator"
                    | "AsyncIterator"
                    | "AsyncIterable"
                    | "AsyncGenerator"
                    | "deque"
                    | "defaultdict"
                    | "OrderedDict"
                    | "AbstractSet"
                    | "MutableSet"
                    | "Awaitable"
                    | "Coroutine"
                    | "KeysView"
                    | "ValuesView"
                    | "ItemsView"
                    | "ContextManager"
                    | "AbstractContextManager" => {
                        let all: Vec<TyId> = arguments.iter().map(|e| self.annotation(e)).collect();
                        self.boxed(all)
                    }
                    "Callable" => 0,
                    _ => self.annotation(&subscript.value),
                }
            }
            Expr::Name(_) | Expr::Attribute(_) => {
                let name = dotted(expr).unwrap_or_default();
                match name.rsplit('.').next().unwrap_or_default() {
                    "Any" | "object" | "Callable" | "Hashable" | "Sized" | "SupportsInt" => 0,
                    "str" | "int" | "float" | "bool" | "bytes" | "complex" | "None" => {
                        self.ty(Ty::Scalar)
                    }
                    "list" | "dict" | "tuple" | "set" | "frozenset" | "Iterable" | "Sequence"
                    | "Mapping" => self.boxed(vec![0]),
                    "Self" => match self.classes.last() {
                        Some(&class) => self.ty(Ty::SelfOf(class)),
                        None => 0,
                    },
                    _ => {
                        let ty = self.quiet(expr);
                        self.ty(Ty::Instance(ty))
                    }
                }
            }
            Expr::EllipsisLiteral(_) => self.ty(Ty::Scalar),
            Expr::List(_) => 0,
            _ => 0,
        }
    }

    /// A dotted name of an annotation: nothing is used by it.
    fn quiet(&mut self, expr: &Expr) -> TyId {
        match expr {
            // annotations see through the scopes of functions to the module's classes
            Expr::Name(name) => {
                let ty = self.lookup(&name.id);
                match &self.out.tys[ty as usize] {
                    Ty::Union(_) => {
                        let name = self.name(&name.id);
                        self.ty(Ty::Name(name))
                    }
                    _ => ty,
                }
            }
            Expr::Attribute(attribute) => {
                let of = self.quiet(&attribute.value);
                let name = self.name(&attribute.attr);
                self.ty(Ty::Attr(of, name))
            }
            Expr::StringLiteral(_) => self.annotation(expr),
            _ => 0,
        }
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

fn arguments_of(call: &ExprCall) -> impl Iterator<Item = &Expr> {
    let keywords = call.arguments.keywords.iter().map(|k| &k.value);
    call.arguments.args.iter().chain(keywords)
}

/// What a computed text certainly begins with.
fn beginning(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        Expr::BinOp(op) => match op.op {
            Operator::Add => beginning(&op.left),
            Operator::Mod => {
                beginning(&op.left).map(|t| t.split('%').next().unwrap_or_default().to_owned())
            }
            _ => None,
        },
        Expr::FString(string) => match string.value.elements().next() {
            Some(InterpolatedStringElement::Literal(literal)) => Some(literal.value.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn texts(all: &[Expr]) -> Vec<String> {
    all.iter()
        .filter_map(|e| Some(e.as_string_literal_expr()?.value.to_str().to_owned()))
        .collect()
}

/// Whether arguments hold calls of something else than pytest's own.
fn holds_calls(call: &ExprCall) -> bool {
    use ruff_python_ast::visitor::{Visitor, walk_expr};
    struct Calls(bool);
    impl<'a> Visitor<'a> for Calls {
        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Call(call) = expr {
                self.0 |= !dotted(&call.func).is_some_and(|n| n.starts_with("pytest."));
            }
            walk_expr(self, expr);
        }
    }
    let mut calls = Calls(false);
    call.arguments.args.iter().for_each(|e| calls.visit_expr(e));
    call.arguments
        .keywords
        .iter()
        .for_each(|k| calls.visit_expr(&k.value));
    calls.0
}

/// Class decorators that keep the class nowhere.
fn decorated_plainly(expr: &Expr) -> bool {
    let called = match expr {
        Expr::Call(call) => &call.func,
        other => other,
    };
    let name = dotted(called).unwrap_or_default();
    matches!(
        name.rsplit('.').next().unwrap_or_default(),
        "dataclass"
            | "total_ordering"
            | "final"
            | "runtime_checkable"
            | "usefixtures"
            | "parametrize"
            | "skipif"
            | "skip"
            | "unique"
    )
}
