//! One walk over the syntax tree: everything that the rest of the reader needs to know of it.
//!
//! Not seen: names bound by `exec`, by `globals()`, or from other files.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    Comprehension, Expr, ExprCall, InterpolatedStringElement, Parameter, Pattern, Stmt,
    StringLiteral,
};
use ruff_text_size::Ranged;

use super::calls::{is_importer, is_sys_path, joins};
use super::collect::Collector;
use super::fold::{Bound, literal_elements};
use super::lines::Lines;
use super::source::{By, Import};
use super::strings;

/// Deeper parts of the tree are not walked; the file then counts as unread.
const DEEP: u32 = 300;

/// A call whose meaning depends on folded arguments.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask<'a> {
    /// A function that imports the module named by its first argument.
    Import(&'a ExprCall, By),
    /// The name of an importing function, used as a value: what it will import is unknown.
    ImportValue,
    /// A function that lists or imports the modules of a package: (its prefix argument, whether it imports them).
    Modules(Option<&'a Expr>, bool),
    /// What follows `-m` in a command line, and whether an interpreter certainly stands before it.
    Run(&'a Expr, bool),
    /// `pytest_plugins = …`
    Plugins(&'a Expr),
    /// A directory put on the search path.
    SearchPath(&'a Expr),
    /// Pieces that make up a path together.
    Join(&'a Expr),
    /// `setup(…)`
    Setup(&'a ExprCall),
}

/// What the walk gathers.
pub(super) struct Reader<'a> {
    pub(super) lines: &'a Lines,
    pub(super) depth: u32,
    /// Below a joined expression, whose parts need no joining of their own.
    pub(super) in_join: bool,
    pub(super) functions: u32,
    pub(super) collector: Collector,
    pub(super) imports: Vec<Import>,
    pub(super) texts: Vec<(&'a str, u32)>,
    pub(super) bindings: Vec<(&'a str, Bound<'a>)>,
    pub(super) asks: Vec<(Ask<'a>, u32)>,
    /// Names of modules as they are bound: (bound name, module, level, line).
    pub(super) modules: Vec<(&'a str, String, u32, u32)>,
    /// Attributes read off names: (name, attribute, attribute of that).
    pub(super) attributes: Vec<(&'a str, &'a str, &'a str)>,
    pub(super) exports: Vec<&'a Expr>,
    pub(super) too_deep: bool,
    pub(super) reads_lines: bool,
    pub(super) lists_directories: bool,
    pub(super) lists_unread: bool,
    /// A loader is asked for a module.
    pub(super) loads: bool,
    pub(super) edits_path: bool,
    pub(super) doctests: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lines: &'a Lines) -> Self {
        Self {
            lines,
            depth: 0,
            in_join: false,
            functions: 0,
            collector: Collector::default(),
            imports: Vec::new(),
            texts: Vec::new(),
            bindings: Vec::new(),
            asks: Vec::new(),
            modules: Vec::new(),
            attributes: Vec::new(),
            exports: Vec::new(),
            too_deep: false,
            reads_lines: false,
            lists_directories: false,
            lists_unread: false,
            loads: false,
            edits_path: false,
            doctests: false,
        }
    }

    pub(super) fn line(&self, node: impl Ranged) -> u32 {
        self.lines.of(node.start())
    }

    pub(super) fn ask(&mut self, ask: Ask<'a>, at: impl Ranged) {
        let line = self.line(at);
        self.asks.push((ask, line));
    }

    pub(super) fn text(&mut self, text: &'a str, at: impl Ranged) {
        let names_path = strings::may_name_path(text);
        let holds_code = text.contains("import ") || text.contains("-m ");
        if names_path || holds_code {
            let line = self.line(at);
            if names_path {
                self.texts.push((text, line));
            }
            if holds_code {
                strings::imports_in(text, By::Text, line, &mut self.imports);
            }
        }
    }

    /// The first statement of a body, where it is a docstring, is data, but names nothing.
    fn body(&mut self, body: &'a [Stmt]) {
        for stmt in body {
            self.visit_stmt(stmt);
        }
    }

    /// The outermost of joined pieces: `"a" + b`, `Path("a") / "b"`, `"%s/b" % a`, `os.path.join("a", b)`, `f"{a}/b"`.
    fn join(&mut self, expr: &'a Expr) {
        self.ask(Ask::Join(expr), expr);
    }
}

impl<'a> Visitor<'a> for Reader<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if self.depth >= DEEP {
            self.too_deep = true;
            return;
        }
        self.depth += 1;
        match stmt {
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::FunctionDef(function) => {
                self.bindings.push((function.name.as_str(), Bound::Unknown));
                if self.functions == 0 {
                    let line = self.line(function);
                    self.collector.function(function, line);
                }
                let known = self.parametrized(&function.decorator_list);
                self.parameters(&function.parameters, &known);
                for decorator in &function.decorator_list {
                    self.visit_decorator(decorator);
                }
                self.visit_parameters(&function.parameters);
                if let Some(returns) = &function.returns {
                    self.visit_annotation(returns);
                }
                self.functions += 1;
                self.body(&function.body);
                self.functions -= 1;
            }
            Stmt::ClassDef(class) => {
                self.bindings.push((class.name.as_str(), Bound::Unknown));
                for decorator in &class.decorator_list {
                    self.visit_decorator(decorator);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                let collected = self.functions == 0;
                if collected {
                    self.collector.enter(class);
                }
                self.body(&class.body);
                if collected {
                    self.collector.leave();
                }
            }
            // A string that stands alone has no effect but as a docstring.
            Stmt::Expr(expr) if expr.value.is_string_literal_expr() => {
                if let Expr::StringLiteral(literal) = &*expr.value {
                    let text = literal.value.to_str();
                    if text.contains(">>>") {
                        self.doctests = true;
                        let line = self.line(literal);
                        strings::imports_in(text, By::Doctest, line, &mut self.imports);
                    }
                }
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    self.bind(target, Bound::Value(&assign.value));
                    if self.functions == 0 {
                        let line = self.line(target);
                        self.collector.assigned(target, &assign.value, line);
                    }
                }
                visitor::walk_stmt(self, stmt);
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.bind(&assign.target, Bound::Value(value));
                }
                visitor::walk_stmt(self, stmt);
            }
            Stmt::AugAssign(assign) => {
                match &*assign.target {
                    Expr::Name(name) if name.id.as_str() == "__all__" => {
                        self.exports.push(&assign.value);
                    }
                    Expr::Name(name) if name.id.as_str() == "__path__" => self.edits_path = true,
                    Expr::Attribute(_) if is_sys_path(&assign.target) => {
                        for path in literal_elements(&assign.value).unwrap_or_default() {
                            self.ask(Ask::SearchPath(path), path);
                        }
                    }
                    _ => {}
                }
                if let Expr::Name(name) = &*assign.target {
                    self.bindings
                        .push((name.id.as_str(), Bound::HoldsAll(&assign.value)));
                    if !assign.value.is_list_expr() && !assign.value.is_tuple_expr() {
                        self.bindings.push((name.id.as_str(), Bound::Unknown));
                    }
                }
                visitor::walk_stmt(self, stmt);
            }
            Stmt::For(all) => {
                self.bind(&all.target, Bound::Element(&all.iter, None));
                visitor::walk_stmt(self, stmt);
            }
            Stmt::With(with) => {
                for item in &with.items {
                    if let Some(target) = &item.optional_vars {
                        self.bind(target, Bound::Unknown);
                    }
                }
                visitor::walk_stmt(self, stmt);
            }
            Stmt::Try(attempt) => {
                for handler in &attempt.handlers {
                    let ruff_python_ast::ExceptHandler::ExceptHandler(handler) = handler;
                    if let Some(name) = &handler.name {
                        self.bindings.push((name.as_str(), Bound::Unknown));
                    }
                }
                visitor::walk_stmt(self, stmt);
            }
            _ => visitor::walk_stmt(self, stmt),
        }
        self.depth -= 1;
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if self.depth >= DEEP {
            self.too_deep = true;
            return;
        }
        self.depth += 1;
        let outer = self.in_join;
        // Sums, attributes and calls lean to the left and may be long: walk down instead of recursing.
        let mut current = expr;
        let mut chain: [&'a str; 2] = ["", ""];
        loop {
            match current {
                Expr::BinOp(op) => {
                    use ruff_python_ast::Operator::{Add, Div, Mod};
                    let literal = |e: &Expr| e.is_string_literal_expr() || e.is_f_string_expr();
                    if !self.in_join
                        && matches!(op.op, Add | Div | Mod)
                        && (literal(&op.right) || literal(&op.left) || op.left.is_bin_op_expr())
                    {
                        self.join(current);
                        self.in_join = true;
                    }
                    self.visit_expr(&op.right);
                    chain = ["", ""];
                    current = &op.left;
                }
                Expr::Attribute(attribute) => {
                    let name = attribute.attr.as_str();
                    self.name_used(name, Some(&attribute.value));
                    if is_importer(name) {
                        self.ask(Ask::ImportValue, current);
                    }
                    chain = [name, chain[0]];
                    current = &attribute.value;
                }
                Expr::Call(call) => {
                    self.call(call);
                    if !self.in_join && joins(call) {
                        self.join(current);
                        self.in_join = true;
                    }
                    let within = self.in_join;
                    self.in_join &= joins(call);
                    self.visit_arguments(&call.arguments);
                    self.in_join = within;
                    chain = ["", ""];
                    match &*call.func {
                        // The name of what is called was looked at with the call.
                        Expr::Name(name) => {
                            self.name_used(name.id.as_str(), None);
                            break;
                        }
                        Expr::Attribute(attribute) => {
                            let name = attribute.attr.as_str();
                            self.name_used(name, Some(&attribute.value));
                            chain = [name, ""];
                            current = &attribute.value;
                        }
                        other => current = other,
                    }
                }
                Expr::Subscript(subscript) => {
                    self.visit_expr(&subscript.slice);
                    chain = ["", ""];
                    current = &subscript.value;
                }
                Expr::Name(name) => {
                    let name = name.id.as_str();
                    if !chain[0].is_empty() {
                        self.attributes.push((name, chain[0], chain[1]));
                    } else if is_importer(name) {
                        self.ask(Ask::ImportValue, current);
                    }
                    break;
                }
                Expr::StringLiteral(literal) => {
                    self.text(literal.value.to_str(), literal);
                    break;
                }
                Expr::FString(_) => {
                    if !self.in_join {
                        self.join(current);
                    }
                    visitor::walk_expr(self, current);
                    break;
                }
                Expr::List(list) => {
                    self.after_dash_m(&list.elts);
                    visitor::walk_expr(self, current);
                    break;
                }
                Expr::Tuple(tuple) => {
                    self.after_dash_m(&tuple.elts);
                    visitor::walk_expr(self, current);
                    break;
                }
                Expr::Named(named) => {
                    self.bind(&named.target, Bound::Value(&named.value));
                    visitor::walk_expr(self, current);
                    break;
                }
                Expr::Lambda(lambda) => {
                    if let Some(parameters) = &lambda.parameters {
                        self.parameters(parameters, &[]);
                    }
                    visitor::walk_expr(self, current);
                    break;
                }
                _ => {
                    visitor::walk_expr(self, current);
                    break;
                }
            }
        }
        self.in_join = outer;
        self.depth -= 1;
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.bind(
            &comprehension.target,
            Bound::Element(&comprehension.iter, None),
        );
        visitor::walk_comprehension(self, comprehension);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        if self.depth >= DEEP {
            self.too_deep = true;
            return;
        }
        let name = match pattern {
            Pattern::MatchAs(named) => named.name.as_ref(),
            Pattern::MatchStar(named) => named.name.as_ref(),
            Pattern::MatchMapping(named) => named.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bindings.push((name.as_str(), Bound::Unknown));
        }
        self.depth += 1;
        visitor::walk_pattern(self, pattern);
        self.depth -= 1;
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        visitor::walk_parameter(self, parameter);
    }

    fn visit_interpolated_string_element(&mut self, element: &'a InterpolatedStringElement) {
        match element {
            InterpolatedStringElement::Literal(literal) => self.text(&literal.value, literal),
            InterpolatedStringElement::Interpolation(_) => {
                visitor::walk_interpolated_string_element(self, element);
            }
        }
    }

    fn visit_string_literal(&mut self, literal: &'a StringLiteral) {
        self.text(&literal.value, literal);
    }
}
