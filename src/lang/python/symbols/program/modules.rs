//! Which files imports lead to.

use std::rc::Rc;

use super::super::values::Value;
use super::super::{Kind, Symbols};
use super::Linker;
use crate::lang::python::links::Wide;
use crate::model::{ModuleId, ProgramImport, Word};

impl Linker<'_> {
    /// What a file imports on its top level.
    pub(super) fn imports(&mut self, file: ModuleId, symbols: &Symbols) -> Vec<ProgramImport> {
        let plain = symbols.plain.iter();
        plain
            .map(|(place, _)| {
                let import = &symbols.imports[*place as usize];
                let targets = self.targets(file, *place);
                let name = import.name.as_ref().map(|name| self.intern(name));
                let bound = name.is_some_and(|name| {
                    targets.iter().any(|target| match target {
                        Value::Module(module) => self.lookup(*module, name).is_some(),
                        _ => false,
                    })
                });
                let mut loads: Vec<ModuleId> = Vec::new();
                let deeper: Vec<Value> = match name {
                    Some(name) => {
                        let below = targets.iter();
                        below
                            .flat_map(|target| self.children(target, name))
                            .collect()
                    }
                    None => Vec::new(),
                };
                for target in targets.iter().chain(&deeper) {
                    if let Value::Module(module) = target
                        && !loads.contains(module)
                    {
                        loads.push(*module);
                    }
                }
                ProgramImport {
                    written: import.written(),
                    ours: !targets.is_empty(),
                    loads,
                    bound,
                }
            })
            .collect()
    }

    pub(super) fn files_as_modules(&self, files: &[u32]) -> Vec<Value> {
        let ours = files
            .iter()
            .filter(|file| (**file as usize) < self.laid.files.len());
        ours.map(|file| Value::Module(*file)).collect()
    }

    /// The modules that an import names.
    pub(in crate::lang::python::symbols) fn targets(
        &mut self,
        file: ModuleId,
        import: u32,
    ) -> Rc<[Value]> {
        if let Some(found) = self.targets.get(&(file, import)) {
            return found.clone();
        }
        let Some(imported) = self
            .symbols(file)
            .and_then(|s| s.imports.get(import as usize))
        else {
            return Rc::default();
        };
        let own = &self.laid.files[file as usize];
        let parts: Vec<&str> = imported
            .module
            .split('.')
            .filter(|p| !p.is_empty())
            .collect();
        let starts = match imported.level {
            0 => {
                let top = parts.first().copied().unwrap_or_default();
                self.laid.resolver.starts(own, top, Wide::Anywhere)
            }
            level => {
                let up = self
                    .laid
                    .resolver
                    .modules
                    .upwards(own.dir)
                    .nth((level - 1) as usize);
                up.into_iter().collect()
            }
        };
        let mut values = Vec::new();
        for start in starts {
            if parts.is_empty() {
                values.extend(self.files_as_modules(&self.laid.resolver.init_of(start)));
                values.push(Value::Dir(start));
                continue;
            }
            let found = self
                .laid
                .resolver
                .modules
                .follow(start, parts.iter().copied());
            if found.parts == parts.len() {
                values.extend(self.files_as_modules(&found.files));
                values.extend(found.dir.map(Value::Dir));
            }
        }
        let values: Rc<[Value]> = values.into();
        self.targets.insert((file, import), values.clone());
        values
    }

    /// Modules below a module or directory.
    pub(in crate::lang::python::symbols) fn children(
        &mut self,
        module: &Value,
        word: Word,
    ) -> Vec<Value> {
        let dir = match module {
            Value::Dir(dir) => *dir,
            Value::Module(file) if self.laid.files[*file as usize].path.stem() == b"__init__" => {
                self.laid.files[*file as usize].dir
            }
            _ => return Vec::new(),
        };
        let name = self.text(word).to_owned();
        let found = self
            .laid
            .resolver
            .modules
            .follow(dir, std::iter::once(name.as_str()));
        if found.parts == 0 {
            return Vec::new();
        }
        let mut values = self.files_as_modules(&found.files);
        values.extend(found.dir.map(Value::Dir));
        values
    }

    /// Star imports of a module, by place among its imports.
    pub(in crate::lang::python::symbols) fn stars(&self, file: ModuleId) -> Vec<u32> {
        let Some(symbols) = self.symbols(file) else {
            return Vec::new();
        };
        let all = symbols.imports.iter().enumerate();
        all.filter(|(_, import)| import.name.as_deref() == Some("*"))
            .map(|(at, _)| at as u32)
            .collect()
    }

    /// The functions of a module that an installed command starts.
    pub(super) fn script(&mut self, module: &str) {
        let parts: Vec<&str> = module.split(['.', ':']).collect();
        let Some(top) = parts.first().copied() else {
            return;
        };
        for start in self.laid.resolver.modules.holders(top).to_vec() {
            let found = self
                .laid
                .resolver
                .modules
                .follow(start, parts.iter().copied());
            for file in found.files {
                let Some(symbols) = self.symbols(file) else {
                    continue;
                };
                for (place, unit) in symbols.units.iter().enumerate() {
                    if unit.kind == Kind::Function && unit.class.is_none() {
                        let id = self.unit_id(file, place as u32);
                        self.lay().program.modules[file as usize].main.push(id);
                    }
                }
            }
        }
    }
}
