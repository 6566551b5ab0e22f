//! Functions: heads, which run where they are defined, and bodies.

use ruff_python_ast::{Expr, ExprCall, Stmt, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::super::accepted::is_accepted;
use super::super::pure::{Known, dotted};
use super::super::scope::{Frame, Names, parameters};
use super::super::units::Part;
use super::super::{
    ABSTRACT, Bound, CACHED, COLLECTS, CONTEXT, DECORATED, DRAWS, EMPTY, Fixture, GIVEN_AWAY,
    GIVES, GIVES_ALONG, Kind, MAKES_PASSING, MAKES_RUNNING, MAY_FAIL, Member, NameId, PASSES,
    PROPERTY, REPLACED, RUNS_IT, TAKES_NOTHING, Ty, TyId, Unit, Use, WIDE, keeping, pure,
};
use super::{Reader, arguments_of, texts};

impl Reader<'_> {
    /// A function of the module or of one of its classes.
    pub(super) fn function(&mut self, function: &StmtFunctionDef, class: Option<u32>) {
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
        if std::mem::take(&mut self.replaced) {
            flags |= REPLACED;
        }
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
            let root = name.as_deref().and_then(|n| n.split('.').next());
            let from = root.and_then(|root| self.imported(root));
            if from.is_some_and(|import| keeping::draws(&import.module)) {
                flags |= DRAWS;
            }
            if called.is_some_and(|call| !is_accepted(last, call, function)) {
                flags |= MAY_FAIL;
            }
            match known {
                Known::Plain => {
                    match last {
                        "abstractproperty" => flags |= PROPERTY | ABSTRACT,
                        "abstractmethod" => flags |= ABSTRACT,
                        "property" | "cached_property" | "setter" | "getter" => {
                            flags |= PROPERTY;
                        }
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
                    match self.property_of(&decorator.expression, class, id) {
                        // what it is made of is not run
                        Some(name) => drop(self.lookup(name)),
                        None => drop(self.expr(&decorator.expression)),
                    }
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
                                match keyword.value.as_string_literal_expr() {
                                    Some(text) => found.name = self.name(text.value.to_str()),
                                    // asked for by a name that is computed
                                    None => found.autouse = true,
                                }
                            }
                            Some("autouse") => {
                                found.autouse |=
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
                    flags |= DECORATED;
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
        if !self.annotations_wait {
            let annotations =
                parameters(&function.parameters).filter_map(|p| p.annotation.as_deref());
            for annotation in annotations.chain(function.returns.as_deref()) {
                if !pure::is_annotation(annotation, &mut loads) {
                    flags |= MAY_FAIL;
                }
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
        let annotations = parameters(&function.parameters).filter_map(|p| p.annotation.as_deref());
        let takes: Vec<TyId> = self.within(id, |r| annotations.map(|a| r.annotation(a)).collect());
        if keeping::is_empty(&function.body) {
            flags |= EMPTY;
        }
        if keeping::sets_up_several(&function.name) {
            flags |= WIDE;
        }
        let own = usize::from(is_class);
        let taken = parameters(&function.parameters).skip(own);
        let is_plain = |taken: &ruff_python_ast::Parameter| {
            let said = taken.annotation.as_deref().and_then(dotted);
            let plain = said.is_some_and(|said| {
                matches!(said.as_str(), "bool" | "bytes" | "float" | "int" | "str")
            });
            flags & CACHED != 0 && plain
        };
        if taken.into_iter().all(is_plain) && !keeping::holds_functions(&function.body) {
            flags |= TAKES_NOTHING;
        }
        let bound = class.is_some() && !is_static;
        if pure::passes(function, bound) {
            flags |= PASSES;
        }
        if pure::makes_passing(function) {
            flags |= MAKES_PASSING;
        }
        if function.parameters.kwarg.is_some() {
            flags |= COLLECTS;
        }
        if pure::runs_it(function, bound) {
            flags |= RUNS_IT;
        }
        if pure::makes_running(function) {
            flags |= MAKES_RUNNING;
        }
        let mut calls = Vec::new();
        if let Some((called, along)) = self.gives(function) {
            flags |= GIVES | if along { GIVES_ALONG } else { 0 };
            calls = called;
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
        unit.takes = takes;
        unit.calls = calls;
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
        let decorators = function.decorator_list.iter();
        for decorator in decorators.filter(|one| pure::is_way(one) || pure::is_unknown(one)) {
            self.region(from, decorator.start(), id, Part::Head);
            self.region(decorator.start(), decorator.end(), id, Part::Way);
            from = decorator.end();
        }
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
        for nothing in function.body.iter().filter(|stmt| is_nothing(stmt)) {
            self.region(start, nothing.start(), id, Part::Body);
            self.region(nothing.start(), nothing.end(), id, Part::Nothing);
            start = nothing.end();
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

    /// The property of the same class that a decorator adds a way to: one of Python's own, so that nothing of it runs.
    fn property_of<'e>(
        &self,
        decorator: &'e Expr,
        class: Option<u32>,
        itself: u32,
    ) -> Option<&'e str> {
        let (Expr::Attribute(way), Some(class)) = (decorator, class) else {
            return None;
        };
        let name = way.value.as_name_expr()?.id.as_str();
        let word = self.names.get(name)?;
        let members = self.out.classes[class as usize].members.iter();
        let own =
            members.filter(|(other, member)| other == word && *member != Member::Unit(itself));
        let mut own = own.peekable();
        own.peek()?;
        let is_property = |(_, member): &(NameId, Member)| match member {
            Member::Unit(unit) => {
                let unit = &self.out.units[*unit as usize];
                unit.flags & PROPERTY != 0 && unit.decorators.is_empty()
            }
            _ => false,
        };
        own.all(is_property).then_some(name)
    }

    /// Walks a function's body in a scope of its own. What a call gives.
    pub(super) fn body_of(
        &mut self,
        function: &StmtFunctionDef,
        receiver: Option<Ty>,
        by_name: bool,
    ) -> TyId {
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
        let described = match function.name.as_str() {
            "__get__" | "__set__" | "__delete__" if first.is_some() => {
                parameters(&function.parameters).nth(1)
            }
            _ => None,
        };
        let described = described.map(|parameter| parameter.name.to_string());
        let outer = std::mem::replace(&mut self.described, described);
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
        self.described = outer;
        if let Some(annotation) = &function.returns {
            let said = self.annotation(annotation);
            for ty in yields.into_iter().chain(returns) {
                self.uses(Use::Given(said, ty));
            }
            return said;
        }
        if yields.is_empty() {
            return self.union(returns);
        }
        let all: Vec<TyId> = yields.into_iter().chain(returns).collect();
        self.ty(Ty::Box(all))
    }
}

/// Whether a statement does nothing.
fn is_nothing(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Pass(_) => true,
        Stmt::Expr(expr) => expr.value.is_ellipsis_literal_expr(),
        _ => false,
    }
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
