//! What is assigned to, and what that leaves behind for others to find.

use ruff_python_ast::Expr;

use super::super::keeping::Root;
use super::super::{Bound, Left, Member, NameId, Ty, TyId, Use, keeping};
use super::Reader;
use super::expression::is_loaded_modules;
use crate::lang::python::stdlib;

impl Reader<'_> {
    pub(super) fn assign_name(&mut self, name: &str, ty: TyId) {
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
            self.leaves(name, false, None);
        }
        let unit = self.unit;
        self.bind(name, Bound::Value(ty, unit));
    }

    pub(super) fn target(&mut self, target: &Expr, ty: TyId) {
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
                self.lend(of, ty);
                if !matches!(self.resolved(of), Ty::SelfOf(_)) {
                    self.set_outside(name, ty);
                }
                if let Ty::SelfOf(class) | Ty::ClassOf(class) = self.resolved(of) {
                    let member = (name, Member::Own(ty));
                    let members = &mut self.out.classes[class as usize].members;
                    if !members.contains(&member) {
                        members.push(member);
                    }
                }
            }
            Expr::Subscript(subscript) if is_loaded_modules(&subscript.value) => {
                self.module_by_name(Some(&subscript.slice));
            }
            Expr::Subscript(subscript) => {
                self.left_behind(&subscript.value);
                let of = self.expr(&subscript.value);
                self.lend(of, ty);
                self.expr(&subscript.slice);
            }
            _ => {
                self.expr(target);
            }
        }
    }

    /// An object is given something under a name.
    pub(super) fn set_outside(&mut self, name: NameId, ty: TyId) {
        if !self.out.sets.contains(&(name, ty)) {
            self.out.sets.push((name, ty));
        }
    }

    /// Something of this object is set: where it is the module's or a class's, later calls find it.
    pub(super) fn left_behind(&mut self, object: &Expr) {
        let (root, mut names) = keeping::way(object);
        let (mut imported, mut through) = (false, None);
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
                        through = Some(name).filter(|_| !imported);
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
            for name in names {
                self.leaves(name, imported, through);
            }
        }
    }

    pub(super) fn leaves(&mut self, name: &str, imported: bool, through: Option<&str>) {
        let left = Left {
            name: self.name(name),
            imported,
            through: through.map(|through| self.name(through)),
            lines: self.stmt_lines,
        };
        let leaves = &mut self.out.units[self.unit as usize].leaves;
        if !leaves.contains(&left) {
            leaves.push(left);
        }
    }

    /// A type with local variables of one value seen through.
    pub(super) fn resolved(&self, ty: TyId) -> Ty {
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
}
