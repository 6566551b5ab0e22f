//! Annotations: what they say of a value.

use ruff_python_ast::{Expr, Operator};

use super::super::pure::dotted;
use super::super::{Ty, TyId};
use super::{DEEP, Reader};

impl Reader<'_> {
    /// What an annotation says of a value.
    pub(super) fn annotation(&mut self, expr: &Expr) -> TyId {
        if self.depth >= DEEP {
            self.too_deep = true;
            return 0;
        }
        self.depth += 1;
        let ty = self.walk_annotation(expr);
        self.depth -= 1;
        ty
    }

    pub(super) fn walk_annotation(&mut self, expr: &Expr) -> TyId {
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
                    // what is ours is one, too
                    "ModuleType" | "FunctionType" | "MethodType" | "SimpleNamespace" => 0,
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
    pub(super) fn quiet(&mut self, expr: &Expr) -> TyId {
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
