//! What names are bound to: by assignments, loops, imports and parameters.

use ruff_python_ast::{Expr, Parameters};

use super::calls::is_importer;
use super::fold::{Bound, literal_elements};
use super::reader::{Ask, Reader};
use super::source::Import;

impl<'a> Reader<'a> {
    pub(super) fn bind(&mut self, target: &'a Expr, bound: Bound<'a>) {
        match target {
            Expr::Name(name) => {
                let name = name.id.as_str();
                if self.functions == 0 {
                    self.module_assignment(name, bound, target);
                }
                self.bindings.push((name, bound));
            }
            Expr::Tuple(_) | Expr::List(_) => {
                let elements = match target {
                    Expr::Tuple(tuple) => &tuple.elts,
                    Expr::List(list) => &list.elts,
                    _ => return,
                };
                let values = match bound {
                    Bound::Value(value) => literal_elements(value),
                    _ => None,
                };
                for (part, element) in elements.iter().enumerate() {
                    let Expr::Name(name) = element else {
                        continue;
                    };
                    let bound = match (bound, &values) {
                        (Bound::Element(expr, None), _) => Bound::Element(expr, Some(part)),
                        (Bound::Value(_), Some(values)) if values.len() == elements.len() => {
                            values.get(part).map_or(Bound::Unknown, |v| Bound::Value(v))
                        }
                        (Bound::Value(value), None) => Bound::Part(value),
                        _ => Bound::Unknown,
                    };
                    self.bindings.push((name.id.as_str(), bound));
                }
            }
            Expr::Starred(starred) => {
                if let Expr::Name(name) = &*starred.value {
                    self.bindings.push((name.id.as_str(), Bound::Unknown));
                }
            }
            Expr::Subscript(subscript) => {
                if let Expr::Name(name) = &*subscript.value {
                    let held = match bound {
                        Bound::Value(value) => Bound::Holds(value),
                        _ => Bound::Unknown,
                    };
                    self.bindings.push((name.id.as_str(), held));
                }
            }
            Expr::Attribute(attribute) if attribute.attr.as_str() == "__path__" => {
                self.edits_path = true;
            }
            _ => {}
        }
    }

    pub(super) fn module_assignment(&mut self, name: &'a str, bound: Bound<'a>, at: &Expr) {
        match (name, bound) {
            ("pytest_plugins", Bound::Value(value)) => self.ask(Ask::Plugins(value), at),
            ("__path__", _) => self.edits_path = true,
            ("__all__", Bound::Value(value)) => self.exports.push(value),
            _ => {}
        }
    }

    pub(super) fn import_from(&mut self, import: &'a ruff_python_ast::StmtImportFrom) {
        let line = self.line(import);
        let module = import.module.as_deref().unwrap_or_default();
        let mut found = Import {
            level: import.level,
            module: module.to_owned(),
            line,
            ..Import::default()
        };
        for alias in &import.names {
            let name = alias.name.as_str();
            if name == "*" {
                found.star = true;
                if self.functions == 0 {
                    self.collector.star_import(line);
                }
                continue;
            }
            self.name_used(name, None);
            let bound = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            if is_importer(name) && bound != name {
                // Under another name its calls are not recognised.
                self.asks.push((Ask::ImportValue, line));
            }
            if self.functions == 0 {
                self.collector.imported(bound, module, line);
            }
            self.bindings.push((bound, Bound::Unknown));
            let dotted = match module {
                "" => name.to_owned(),
                _ => [module, ".", name].concat(),
            };
            self.modules.push((bound, dotted, import.level, line));
            found.names.push(name.to_owned());
        }
        if module == "linecache" || module == "traceback" {
            self.reads_lines = true;
        }
        self.imports.push(found);
    }

    pub(super) fn import(&mut self, import: &'a ruff_python_ast::StmtImport) {
        let line = self.line(import);
        for alias in &import.names {
            let module = alias.name.as_str();
            if module == "linecache" || module == "traceback" {
                self.reads_lines = true;
            }
            let (bound, named) = match &alias.asname {
                Some(asname) => (asname.as_str(), module),
                None => {
                    let top = module.split('.').next().unwrap_or(module);
                    (top, top)
                }
            };
            self.bindings.push((bound, Bound::Module(named)));
            self.modules.push((bound, named.to_owned(), 0, line));
            self.imports.push(Import {
                module: module.to_owned(),
                line,
                ..Import::default()
            });
        }
    }

    pub(super) fn parameters(&mut self, parameters: &'a Parameters, known: &[&str]) {
        for parameter in parameters {
            let name = parameter.name().as_str();
            if !known.contains(&name) {
                self.bindings.push((name, Bound::Given));
            }
        }
    }

    /// Parameters that `@pytest.mark.parametrize` gives literal values.
    pub(super) fn parametrized(
        &mut self,
        decorators: &'a [ruff_python_ast::Decorator],
    ) -> Vec<&'a str> {
        let mut known = Vec::new();
        for decorator in decorators {
            let Expr::Call(call) = &decorator.expression else {
                continue;
            };
            let Expr::Attribute(attribute) = &*call.func else {
                continue;
            };
            let (Some(names), Some(values)) = (
                call.arguments.find_argument_value("argnames", 0),
                call.arguments.find_argument_value("argvalues", 1),
            ) else {
                continue;
            };
            if attribute.attr.as_str() != "parametrize" {
                continue;
            }
            let names: Vec<&str> = match names {
                Expr::StringLiteral(names) => {
                    names.value.to_str().split(',').map(str::trim).collect()
                }
                other => literal_elements(other)
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|e| Some(e.as_string_literal_expr()?.value.to_str()))
                    .collect(),
            };
            let single = names.len() == 1;
            for (part, name) in names.into_iter().enumerate() {
                let bound = Bound::Element(values, (!single).then_some(part));
                self.bindings.push((name, bound));
                known.push(name);
            }
        }
        known
    }
}
