//! Objects of files of tests that several tests use.

use super::super::values::Value;
use super::super::{Bound, Kind, Member, Use};
use super::Linker;
use crate::model::{ClassId, ModuleId, RepoPath, Word};

impl Linker<'_> {
    /// The objects of files of tests that a unit uses: values that are made when such a file is loaded.
    pub(super) fn shared(
        &mut self,
        file: ModuleId,
        unit: &super::super::Unit,
    ) -> Vec<(ModuleId, Word)> {
        let mut found = Vec::new();
        if !is_test_file(self.laid.files[file as usize].path) {
            return found;
        }
        for used in &unit.uses {
            let Use::Attr(of, name) = used else { continue };
            let word = self.word(file, *name);
            for value in self.eval(file, *of).values.clone() {
                let (Value::Class(class) | Value::Instance(class)) = value else {
                    continue;
                };
                let made = |(class, member): &(ClassId, Member)| {
                    let file = self.laid.program.classes[*class as usize].module;
                    matches!(member, Member::Value(_, unit) if self.is_made(file, *unit))
                };
                if self.nearest(class, word).iter().any(made) {
                    found.push((self.laid.program.classes[class as usize].module, word));
                }
            }
        }
        for name in &unit.globals {
            let word = self.word(file, *name);
            let own = self.scope(file).get(&word).cloned().unwrap_or_default();
            for bound in own {
                match bound {
                    Bound::Value(_, unit) if self.is_made(file, unit) => found.push((file, word)),
                    Bound::Import(import) => {
                        let Some(imported) = self
                            .symbols(file)
                            .and_then(|s| s.imports[import as usize].name.clone())
                        else {
                            continue;
                        };
                        let word = self.intern(&imported);
                        for target in self.targets(file, import).iter() {
                            if let Value::Module(module) = *target
                                && self.made_on_import(module, word)
                            {
                                found.push((module, word));
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        found.retain(|(module, _)| is_test_file(self.laid.files[*module as usize].path));
        found.sort_unstable();
        found.dedup();
        found
    }

    pub(super) fn made_on_import(&self, module: ModuleId, word: Word) -> bool {
        let bound = self.scope(module).get(&word);
        bound.is_some_and(|all| {
            let mut all = all.iter();
            all.any(|bound| matches!(bound, Bound::Value(_, unit) if self.is_made(module, *unit)))
        })
    }

    /// Whether a value is an object that is made when its file is loaded.
    fn is_made(&self, file: ModuleId, unit: u32) -> bool {
        unit == 0 || self.kind(self.unit_id(file, unit)) == Kind::Object
    }
}

/// Whether a file holds tests, or stands in a folder of tests.
fn is_test_file(path: &RepoPath) -> bool {
    use bstr::ByteSlice;
    let name = path.file_name();
    let folder = path.parent().unwrap_or_default();
    let mut folders = folder.as_bytes().split_str("/");
    name.starts_with(b"test_")
        || path.stem().ends_with(b"_test")
        || name == b"conftest.py"
        || folders.any(|part| matches!(part, b"test" | b"tests"))
}
