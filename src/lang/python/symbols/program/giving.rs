//! Values made by a call that does nothing but to put together what it is given.

use super::super::values::Value;
use super::super::{GIVES, GIVES_ALONG, Kind, Member, TyId, Unit};
use super::Linker;
use crate::model::{ClassId, ModuleId, UnitId, Word};

impl Linker<'_> {
    /// Whether a value is made by a call that may do more than that.
    pub(super) fn is_unsound(&mut self, file: ModuleId, unit: &Unit) -> bool {
        unit.kind == Kind::Object && !self.all_give(file, &unit.calls, &mut Vec::new())
    }

    /// Whether all that may be called here only puts together what it is given. `above` are the functions that are looked at.
    fn all_give(&mut self, file: ModuleId, calls: &[TyId], above: &mut Vec<UnitId>) -> bool {
        calls.iter().all(|ty| {
            let called = self.eval(file, *ty).values.clone();
            !called.is_empty()
                && called.iter().all(|value| match value {
                    Value::Unit(unit) => self.gives(*unit, above),
                    Value::Class(class) => self.keeps(*class, above),
                    _ => false,
                })
        })
    }

    fn gives(&mut self, unit: UnitId, above: &mut Vec<UnitId>) -> bool {
        let flags = self.flags(unit);
        if flags & GIVES == 0 || above.contains(&unit) {
            return false;
        }
        above.push(unit);
        let file = self.laid.program.units[unit as usize].module;
        let calls = self.unit(unit).map_or(&[][..], |unit| &unit.calls);
        let mut gives = self.all_give(file, calls, above);
        if flags & GIVES_ALONG != 0 {
            let class = self.laid.program.units[unit as usize].class;
            gives &= class.is_some_and(|class| self.makes(class, unit, above));
        }
        above.pop();
        gives
    }

    /// Whether making an object of exactly this class is a matter of its `__init__` alone, and that only keeps what it is given.
    fn keeps(&mut self, class: ClassId, above: &mut Vec<UnitId>) -> bool {
        let own = &self.laid.program.classes[class as usize];
        if own.made || own.told || own.open || own.outside {
            return false;
        }
        let family = self.family(class);
        let asked = ["__new__", "__setattr__", "__getattribute__", "__set_name__"];
        let asked = asked.map(|name| self.intern(name));
        let has = |class: &ClassId, word: &Word| !self.own_members(*class, *word).is_empty();
        if family
            .iter()
            .any(|class| asked.iter().any(|word| has(class, word)))
        {
            return false;
        }
        // what is set on the object is set there, and by nobody's method
        let mut held: Vec<Word> = Vec::new();
        for class in &family {
            let members = self.laid.own[*class as usize].iter();
            let given = members.filter(|(_, all)| all.iter().any(|m| matches!(m, Member::Own(_))));
            held.extend(given.map(|(word, _)| *word));
        }
        for class in &family {
            for word in &held {
                for member in self.own_members(*class, *word).to_vec() {
                    if !self.is_plain(*class, member) {
                        return false;
                    }
                }
            }
        }
        self.makes(class, UnitId::MAX, above)
    }

    /// Whether each `__init__` of a class and of all that it inherits from, but this one, only keeps what it is given.
    fn makes(&mut self, class: ClassId, but: UnitId, above: &mut Vec<UnitId>) -> bool {
        let init = self.intern("__init__");
        self.family(class).into_iter().all(|class| {
            let file = self.laid.program.classes[class as usize].module;
            let members = self.own_members(class, init).to_vec();
            members.into_iter().all(|member| match member {
                Member::Unit(unit) => {
                    let unit = self.unit_id(file, unit);
                    unit == but || above.contains(&unit) || self.gives(unit, above)
                }
                _ => false,
            })
        })
    }

    /// Whether a member is a value which does not notice that its name is set on an object.
    fn is_plain(&mut self, class: ClassId, member: Member) -> bool {
        let file = self.laid.program.classes[class as usize].module;
        match member {
            Member::Own(_) => true,
            Member::Value(ty, _) => {
                let values = self.eval(file, ty).values.clone();
                let plain = |value: &Value| matches!(value, Value::Scalar | Value::Text(_));
                values.iter().all(plain)
            }
            Member::Unit(_) | Member::Class(_) => false,
        }
    }
}
