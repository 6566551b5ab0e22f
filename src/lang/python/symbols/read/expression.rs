//! Expressions.

use ruff_python_ast::{
    Comprehension, Expr, ExprCompare, InterpolatedStringElement, InterpolatedStringElements,
    Operator,
};

use super::super::pure::dotted;
use super::super::scope::{Frame, Names, parameters};
use super::super::{Ty, TyId, Use};
use super::pieces::GAP;
use super::{DEEP, Reader};

impl Reader<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> TyId {
        if self.depth >= DEEP {
            self.too_deep = true;
            return 0;
        }
        self.depth += 1;
        let ty = self.walk_expr(expr);
        self.depth -= 1;
        ty
    }

    pub(super) fn exprs<'e>(&mut self, all: impl IntoIterator<Item = &'e Expr>) -> Vec<TyId> {
        all.into_iter().map(|e| self.expr(e)).collect()
    }

    pub(super) fn boxed(&mut self, mut all: Vec<TyId>) -> TyId {
        all.sort_unstable();
        all.dedup();
        self.ty(Ty::Box(all))
    }

    pub(super) fn walk_expr(&mut self, expr: &Expr) -> TyId {
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
                let sides = (
                    op.left.as_string_literal_expr(),
                    op.right.as_string_literal_expr(),
                );
                match (op.op, sides) {
                    (Operator::Add, (Some(text), None)) => {
                        self.gapped(&format!("{}{GAP}", text.value.to_str()));
                    }
                    (Operator::Add, (None, Some(text))) => {
                        self.gapped(&format!("{GAP}{}", text.value.to_str()));
                    }
                    _ => {}
                }
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
            // whether it is the program
            Expr::Compare(compare) if is_asked_for_main(compare) => self.ty(Ty::Scalar),
            Expr::Compare(compare) => {
                self.expr(&compare.left);
                for part in &compare.comparators {
                    if !is_loaded_modules(part) {
                        self.expr(part);
                    }
                }
                self.ty(Ty::Scalar)
            }
            Expr::Call(call) => self.call(call),
            Expr::FString(string) => {
                let mut gapped = String::new();
                for part in string.value.elements() {
                    match part {
                        InterpolatedStringElement::Literal(text) => gapped.push_str(&text.value),
                        InterpolatedStringElement::Interpolation(_) => gapped.push(GAP),
                    }
                    self.element(part);
                }
                self.gapped(&gapped);
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
            Expr::Subscript(subscript) if is_loaded_modules(&subscript.value) => {
                self.module_by_name(Some(&subscript.slice));
                0
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
                self.itself(&name.id);
                self.builtin(&name.id);
                self.handed(&name.id);
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

    pub(super) fn element(&mut self, element: &InterpolatedStringElement) {
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

    pub(super) fn comprehension(
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
}

/// Whether this is `sys.modules`.
pub(super) fn is_loaded_modules(expr: &Expr) -> bool {
    dotted(expr).as_deref() == Some("sys.modules")
}

/// `__name__ == "__main__"`.
fn is_asked_for_main(compare: &ExprCompare) -> bool {
    let is_name = |expr: &Expr| matches!(expr, Expr::Name(name) if name.id.as_str() == "__name__");
    is_name(&compare.left) && compare.comparators.iter().all(Expr::is_string_literal_expr)
}
