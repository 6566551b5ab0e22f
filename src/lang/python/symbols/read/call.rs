//! Calls.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprAttribute, ExprCall, InterpolatedStringElement, Operator};
use ruff_python_parser::parse_expression;

use super::super::pure::dotted;
use super::super::{ANY_FIXTURE, DYNAMIC, Imported, LISTS, NAMES_AROUND, Ty, TyId, Use, keeping};
use super::expression::is_loaded_modules;
use super::{Reader, texts};

impl Reader<'_> {
    /// Somebody gets something.
    pub(super) fn lend(&mut self, to: TyId, ty: TyId) {
        if !matches!(self.out.tys[ty as usize], Ty::Scalar | Ty::Text(_)) {
            self.uses(Use::Lent(to, ty));
        }
    }

    /// A text that is run as code: what its names lead to is used.
    fn code(&mut self, text: &str) {
        let names = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')));
        for name in names {
            if let Ok(parsed) = parse_expression(name) {
                self.expr(parsed.expr());
            }
        }
    }

    pub(super) fn call(&mut self, call: &ExprCall) -> TyId {
        let arguments = &call.arguments;
        let plain = call.func.as_name_expr().map(|n| n.id.as_str().to_owned());
        let local = plain.as_deref().is_some_and(|name| self.is_local(name));
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
                        let asks = plain.as_deref() != Some("hasattr");
                        let described = |r: &Self| r.is_described(&arguments.args[0]);
                        if text.value.to_str() == "__dict__" && asks && !described(self) {
                            self.held(of, false);
                        }
                        self.uses(Use::Attr(of, name));
                        self.ty(Ty::Attr(of, name))
                    }
                    Some(other) => {
                        match beginning(other) {
                            Some(text) if text.len() > 1 => {
                                let text = self.name(&text);
                                self.uses(Use::Prefix(text));
                                self.uses(Use::Whole(of));
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
                if let (Some("setattr"), [value]) = (plain.as_deref(), &rest[..]) {
                    match arguments.args[1].as_string_literal_expr() {
                        Some(text) => {
                            let name = self.name(text.value.to_str());
                            self.set_outside(name, *value);
                        }
                        None => {
                            if let Ty::SelfOf(class) | Ty::ClassOf(class) = self.resolved(of) {
                                self.out.classes[class as usize].filled = true;
                            }
                        }
                    }
                }
                if matches!(plain.as_deref(), Some("hasattr")) {
                    return self.ty(Ty::Scalar);
                }
                self.uses(Use::Load(found));
                let all = rest.into_iter().chain([found]).collect();
                return self.union(all);
            }
            Some("cast") => {
                // what is said of it need not be so
                let said = arguments.args.first().map_or(0, |e| self.annotation(e));
                let mut all = self.exprs(arguments.args.iter().skip(1));
                all.push(said);
                return self.union(all);
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
            let given = self.expr(&arguments.args[1]);
            return self.union(vec![said, given]);
        }
        if let Some(module) = named_module(call) {
            if let Expr::Attribute(attribute) = &*call.func {
                self.receiver(&attribute.value);
            }
            self.exprs(&arguments.args);
            let id = self.out.imports.len() as u32;
            self.out.imports.push(Imported {
                module: module.to_owned(),
                ..Imported::default()
            });
            let module = self.ty(Ty::Imported(id));
            self.uses(Use::Import(id));
            self.uses(Use::Load(module));
            return 0;
        }
        if let Expr::Attribute(attribute) = &*call.func
            && is_loaded_modules(&attribute.value)
            && matches!(attribute.attr.as_str(), "get" | "pop" | "setdefault")
        {
            self.module_by_name(arguments.args.first());
            self.exprs(arguments.args.iter().skip(1));
            return 0;
        }
        if let (Some("object.__new__"), [class]) =
            (dotted(&call.func).as_deref(), &arguments.args[..])
            && !self.is_local("object")
        {
            let class = self.receiver(class);
            self.uses(Use::Called(class));
            return self.ty(Ty::Instance(class));
        }
        let func = match &*call.func {
            Expr::Name(name) => {
                let ty = self.lookup(&name.id);
                self.named(&name.id);
                if let (Some(first), false) = (arguments.args.first(), local) {
                    self.looked_at(&name.id, first);
                }
                self.builtin(&name.id);
                self.uses(Use::Called(ty));
                ty
            }
            Expr::Attribute(attribute) if is_read(attribute) => {
                let held = attribute.value.as_attribute_expr();
                let of = held.map_or(0, |held| self.receiver(&held.value));
                self.held(of, true);
                0
            }
            Expr::Attribute(attribute) => {
                // a function of a module adds nothing to it
                let module = match &*attribute.value {
                    Expr::Name(name) => self.imported(&name.id).is_some(),
                    _ => false,
                };
                let adds = keeping::adds(&attribute.attr) && !module;
                let of = attribute.value.as_attribute_expr();
                if adds && of.is_some_and(|of| of.attr.as_str() == "fixturenames") {
                    self.flag(ANY_FIXTURE);
                }
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
        let alias = self.aliases.get(last).cloned();
        let last = alias.as_deref().unwrap_or(last);
        let types = matches!(
            last,
            "raises" | "warns" | "suppress" | "assertRaises" | "assertRaisesRegex"
        );
        let around = match last {
            "globals" | "locals" | "vars" | "dir" => arguments.is_empty(),
            "eval" | "exec" => true,
            _ => false,
        };
        if around && plain.is_some() && !local {
            self.flag(NAMES_AROUND);
            if let Some(Expr::StringLiteral(code)) = arguments.args.first() {
                self.code(code.value.to_str());
            }
        }
        // Python's own functions call what operators call, and what `key=` or `file=` is given
        let own = plain.is_some() && !local && is_builtin(last);
        for (at, argument) in arguments.args.iter().enumerate() {
            let ty = match argument {
                _ if types && at == 0 => self.touch(argument),
                // `monkeypatch.setitem(sys.modules, "name", module)`
                _ if at == 0
                    && is_loaded_modules(argument)
                    && matches!(last, "setitem" | "delitem") =>
                {
                    self.module_by_name(arguments.args.get(1));
                    0
                }
                _ => self.expr(argument),
            };
            if !own {
                self.lend(func, ty);
            }
        }
        for keyword in &arguments.keywords {
            let ty = self.expr(&keyword.value);
            self.lend(func, ty);
            if let Some(name) = &keyword.arg {
                let word = self.name(name);
                let unit = &mut self.out.units[self.unit as usize];
                unit.keywords.push(word);
                if last == "dict" {
                    self.uses[self.unit as usize].1.push(word);
                }
            }
        }
        match last {
            // on a class, in a list of marks, or under another name
            "usefixtures" => {
                for text in texts(&arguments.args) {
                    let name = self.name(&text);
                    self.uses(Use::Fixture(name));
                }
            }
            "getfixturevalue" => {
                if let Some(Expr::StringLiteral(text)) = arguments.args.first() {
                    let name = self.name(text.value.to_str());
                    self.uses(Use::Fixture(name));
                }
            }
            "__setattr__" => {
                if let [.., Expr::StringLiteral(text), value] = &arguments.args[..] {
                    let name = self.name(text.value.to_str());
                    let value = self.expr(value);
                    self.set_outside(name, value);
                }
            }
            // `monkeypatch.setattr(object, "name", value)`, `mock.patch.object(object, "name")`
            "setattr" | "delattr" | "object" => {
                if let Some(Expr::BinOp(_) | Expr::FString(_)) = arguments.args.first() {
                    self.flag(DYNAMIC);
                }
                if let [first, Expr::StringLiteral(text), ..] = &arguments.args[..] {
                    let of = self.receiver(first);
                    let name = self.name(text.value.to_str());
                    self.uses(Use::Attr(of, name));
                }
            }
            // a target that is put together
            "patch" if !matches!(arguments.args.first(), None | Some(Expr::StringLiteral(_))) => {
                self.flag(DYNAMIC);
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
        if keeping::gives_module(last) {
            if arguments.args.iter().any(holds_name) {
                self.flag(LISTS);
            }
            return 0;
        }
        if self.makes_store(&call.func) {
            return self.ty(Ty::Store);
        }
        self.ty(Ty::Call(func))
    }

    /// A function that looks at all names of what it is given. `vars` gives what an object holds to be changed.
    fn looked_at(&mut self, name: &str, of: &Expr) {
        if !matches!(name, "dir" | "vars") {
            return;
        }
        let of = self.receiver(of);
        match name {
            "dir" => self.uses(Use::Listed(of)),
            "vars" => self.held(of, false),
            _ => {}
        }
    }
}

/// The module that a call imports, where its name stands there.
fn named_module(call: &ExprCall) -> Option<&str> {
    let [Expr::StringLiteral(name), rest @ ..] = &call.arguments.args[..] else {
        return None;
    };
    let function = dotted(&call.func)?;
    let imports = matches!(
        function.rsplit('.').next().unwrap_or_default(),
        "__import__" | "import_module" | "importorskip"
    );
    let name = name.value.to_str();
    let plain = rest.iter().all(Expr::is_literal_expr) && call.arguments.keywords.is_empty();
    (imports && plain && !name.starts_with('.')).then_some(name)
}

/// Whether an expression asks for the name of a function or class.
fn holds_name(expr: &Expr) -> bool {
    struct Holds(bool);
    impl<'a> Visitor<'a> for Holds {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0 |= matches!(expr, Expr::Attribute(attribute)
                if matches!(attribute.attr.as_str(), "__name__" | "__qualname__"));
            visitor::walk_expr(self, expr);
        }
    }
    let mut holds = Holds(false);
    holds.visit_expr(expr);
    holds.0
}

/// Whether this is the method of a `__dict__` that changes nothing in it.
fn is_read(attribute: &ExprAttribute) -> bool {
    let held = attribute.value.as_attribute_expr();
    held.is_some_and(|held| held.attr.as_str() == "__dict__")
        && matches!(
            attribute.attr.as_str(),
            "copy" | "get" | "items" | "keys" | "values"
        )
}

/// Whether Python's own function of this name calls no methods of its arguments but those that operators call.
fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "abs"
            | "all"
            | "any"
            | "bool"
            | "bytes"
            | "callable"
            | "dict"
            | "divmod"
            | "enumerate"
            | "filter"
            | "float"
            | "format"
            | "frozenset"
            | "hash"
            | "id"
            | "int"
            | "isinstance"
            | "issubclass"
            | "iter"
            | "len"
            | "list"
            | "map"
            | "max"
            | "min"
            | "next"
            | "print"
            | "range"
            | "repr"
            | "reversed"
            | "round"
            | "set"
            | "sorted"
            | "str"
            | "sum"
            | "tuple"
            | "type"
            | "vars"
            | "zip"
    )
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
