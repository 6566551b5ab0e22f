//! Objects where another class is named for what goes there: annotations are not checked when code runs.

use rustc_hash::FxHashSet;

use super::super::values::Value;
use super::super::{Member, TyId};
use super::Linker;
use crate::model::{ClassId, ModuleId, ProgramUse, UnitId};

impl Linker<'_> {
    /// What is used of an object that goes to a function, a class or an object of ours.
    pub(super) fn misfits(
        &mut self,
        to: &[Value],
        file: ModuleId,
        what: TyId,
        uses: &mut FxHashSet<ProgramUse>,
    ) {
        let mut wanted: Vec<Value> = Vec::new();
        for value in to {
            wanted.extend(self.wanted(value));
        }
        self.misfit(wanted, file, what, uses);
    }

    /// Where an object goes that another class is named for, whoever gets it asks for names that the class does not tell.
    pub(super) fn misfit(
        &mut self,
        wanted: Vec<Value>,
        file: ModuleId,
        what: TyId,
        uses: &mut FxHashSet<ProgramUse>,
    ) {
        let given = classes_of(self.eval(file, what).values.clone());
        if given.is_empty() || wanted.is_empty() {
            return;
        }
        let named = classes_of(wanted);
        for class in given {
            let fits = named.iter().any(|named| {
                *named == class
                    || self.all_heirs(*named).contains(&class)
                    || self.all_heirs(class).contains(named)
            });
            if !fits {
                uses.insert(ProgramUse::Lends(class));
            }
        }
    }

    /// A class with all that it inherits from.
    pub(super) fn family(&self, class: ClassId) -> Vec<ClassId> {
        let mut found = vec![class];
        let mut at = 0;
        while let Some(&class) = found.get(at) {
            for base in &self.laid.program.classes[class as usize].bases {
                if !found.contains(base) {
                    found.push(*base);
                }
            }
            at += 1;
        }
        found
    }

    /// What a function of ours, the making of an object, or the attributes of one are annotated with or known to hold.
    fn wanted(&mut self, to: &Value) -> Vec<Value> {
        let mut units: Vec<UnitId> = Vec::new();
        let mut tys: Vec<(ModuleId, TyId)> = Vec::new();
        match to {
            Value::Unit(unit) => units.push(*unit),
            Value::Class(class) => {
                let init = self.intern("__init__");
                let found = self.nearest(*class, init);
                let found = found.into_iter().filter_map(|(class, member)| {
                    let file = self.laid.program.classes[class as usize].module;
                    match member {
                        Member::Unit(unit) => Some(self.unit_id(file, unit)),
                        _ => None,
                    }
                });
                units.extend(found);
                // its fields are what it is made of
                if units.is_empty() {
                    for class in self.family(*class) {
                        let file = self.laid.program.classes[class as usize].module;
                        let held = self.laid.own[class as usize].values().flatten();
                        tys.extend(held.filter_map(|member| match member {
                            Member::Value(ty, _) => Some((file, *ty)),
                            _ => None,
                        }));
                    }
                }
            }
            Value::Instance(class) => {
                let file = self.laid.program.classes[*class as usize].module;
                let held = self.laid.own[*class as usize].values().flatten();
                tys.extend(held.filter_map(|member| match member {
                    Member::Value(ty, _) | Member::Own(ty) => Some((file, *ty)),
                    _ => None,
                }));
            }
            _ => {}
        }
        for unit in units {
            let file = self.laid.program.units[unit as usize].module;
            let takes = self.unit(unit).map(|unit| unit.takes.as_slice());
            tys.extend(takes.into_iter().flatten().map(|ty| (file, *ty)));
        }
        let mut found = Vec::new();
        for (file, ty) in tys {
            found.extend(self.eval(file, ty).values.iter().cloned());
        }
        found
    }
}

/// The classes among values, those in collections too.
fn classes_of(mut values: Vec<Value>) -> Vec<ClassId> {
    let mut found = Vec::new();
    while let Some(value) = values.pop() {
        match value {
            Value::Box(inner) => values.extend(inner.iter().cloned()),
            Value::Class(class) | Value::Instance(class) => found.push(class),
            _ => {}
        }
    }
    found
}
