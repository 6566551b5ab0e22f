//! Imports, and the names that they bind.

use ruff_python_ast::Stmt;

use super::super::{Bound, Imported, Ty, Use, keeping};
use super::Reader;

impl Reader<'_> {
    pub(super) fn import(&mut self, stmt: &Stmt, class: Option<u32>) {
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
            let own = imported.name.as_deref().filter(|own| *own != name);
            if let Some(own) = own {
                self.aliases.insert(name.clone(), own.to_owned());
            }
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

    /// The import that gives the module a name.
    pub(super) fn imported(&self, name: &str) -> Option<&Imported> {
        let id = self.names.get(name)?;
        self.out
            .scope
            .iter()
            .find_map(|(other, bound)| match bound {
                Bound::Import(import) if other == id => self.out.imports.get(*import as usize),
                _ => None,
            })
    }
}
