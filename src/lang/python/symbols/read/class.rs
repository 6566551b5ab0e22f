//! Classes: what they are called, what they extend, and who reads them.

use ruff_python_ast::{Expr, Stmt, StmtClassDef};
use ruff_text_size::{Ranged, TextRange};

use super::super::pure::dotted;
use super::super::scope::{Frame, Names};
use super::super::units::Part;
use super::super::{Bound, Class, Kind, MAY_FAIL, Member, Ty, TyId, Unit, Use, pure};
use super::Reader;

impl Reader<'_> {
    pub(super) fn class(&mut self, class: &StmtClassDef, outer: Option<u32>) {
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
                let ty = match base {
                    // of a collection: not to be taken for `Base[T]`
                    Expr::Starred(starred) => {
                        let all = self.expr(&starred.value);
                        let one = self.ty(Ty::Elem(all));
                        self.ty(Ty::Union(vec![one]))
                    }
                    _ => self.touch(base),
                };
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
                self.out.classes[id as usize].told = true;
                self.expr(&keyword.value);
            }
        }
        self.out.classes[id as usize].made = made;
        self.out.classes[id as usize].may_inherit = !has_init(&class.body);
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
    pub(super) fn class_head(&mut self, class: &StmtClassDef, name: String, id: u32) -> u32 {
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

    pub(super) fn class_object(&mut self, class: u32) -> TyId {
        self.ty(Ty::ClassOf(class))
    }

    pub(super) fn class_name(&self, class: u32) -> String {
        let class = &self.out.classes[class as usize];
        self.out.names[class.name as usize].clone()
    }
}

/// Whether a class is sure to have an `__init__` of its own.
fn has_init(body: &[Stmt]) -> bool {
    body.iter().any(
        |stmt| matches!(stmt, Stmt::FunctionDef(function) if function.name.as_str() == "__init__"),
    ) && !body.iter().any(|stmt| match stmt {
        Stmt::Delete(_) => true,
        Stmt::Assign(assign) => assign
            .targets
            .iter()
            .any(|target| matches!(target, Expr::Name(name) if name.id.as_str() == "__init__")),
        _ => false,
    })
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
