//! What a unit uses, as units, classes and names of the whole program.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::super::values::Value;
use super::super::{Bound, GIVEN_AWAY, Member, Ty, TyId, Use};
use super::{Linker, as_value};
use crate::lang::python::links::Wide;
use crate::model::{ClassId, ModuleId, ProgramUse, Word};

impl Linker<'_> {
    pub(super) fn used(&mut self, file: ModuleId, used: Use, uses: &mut FxHashSet<ProgramUse>) {
        match used {
            Use::Load(ty) => {
                let found = self.eval(file, ty);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                uses.extend(found.values.iter().filter_map(as_value));
                // a call of what is our class's instance, or a class made by the call
                if let Some(Ty::Call(_)) = self.symbols(file).and_then(|s| s.tys.get(ty as usize)) {
                    for value in &found.values {
                        if let Value::Instance(class) = value {
                            uses.insert(ProgramUse::Class(*class));
                        }
                    }
                }
            }
            Use::Touch(ty) => {
                let found = self.eval(file, ty).clone();
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                for value in &found.values {
                    match value {
                        Value::Unit(unit) => {
                            uses.insert(ProgramUse::Unit(*unit));
                        }
                        Value::Class(class) => {
                            self.head_used(*class, uses);
                            self.compared(*class, uses);
                        }
                        _ => {}
                    }
                }
            }
            Use::Attr(of, name) => {
                let word = self.word(file, name);
                let of = self.eval(file, of);
                uses.extend(of.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                let lists_heirs = self.text(word) == "__subclasses__";
                for value in &of.values {
                    self.attr_used(value, word, uses);
                    if lists_heirs {
                        self.heirs_used(value, uses);
                    }
                }
            }
            Use::Computed(of, name) => {
                let names = self.eval(file, name).values.clone();
                let known = names.iter().all(|value| matches!(value, Value::Text(_)));
                for value in self.eval(file, of).values.clone() {
                    if known && !names.is_empty() {
                        for name in &names {
                            let Value::Text(word) = name else { continue };
                            self.attr_used(&value, *word, uses);
                            let found = self.attribute(&value, *word);
                            uses.extend(found.values.iter().filter_map(as_value));
                        }
                        continue;
                    }
                    match value {
                        Value::Class(class) | Value::Instance(class) | Value::Super(class) => {
                            uses.insert(ProgramUse::All(class));
                        }
                        Value::Module(module) => {
                            uses.insert(ProgramUse::Everything(module));
                        }
                        Value::Any | Value::Dir(_) | Value::Unit(_) => {
                            self.linked.computes_names = true;
                        }
                        _ => {}
                    }
                }
            }
            Use::Called(ty) => {
                let found = self.eval(file, ty);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                uses.extend(found.values.iter().filter_map(|value| match value {
                    Value::Unit(unit) => Some(ProgramUse::Call(*unit)),
                    Value::Class(class) => Some(ProgramUse::Class(*class)),
                    other => as_value(other),
                }));
            }
            Use::Given(said, what) => {
                let wanted = self.eval(file, said).values.clone();
                // who gets anything asks for anything
                if !wanted.contains(&Value::Any) {
                    self.misfit(wanted, file, what, uses);
                }
            }
            Use::Lent(to, what) => self.lent(file, to, what, uses),
            Use::Import(import) => {
                for target in self.targets(file, import).iter() {
                    self.runs(target, uses);
                    let name = self
                        .symbols(file)
                        .and_then(|s| s.imports[import as usize].name.clone());
                    let Some(name) = name else { continue };
                    if let Value::Module(module) = *target {
                        let asked = self.intern(&name);
                        uses.insert(match name.as_str() {
                            "*" => ProgramUse::Star(module),
                            _ => ProgramUse::Name(module, asked),
                        });
                        if name != "*" && self.lookup(module, asked).is_none() {
                            self.made_when_asked(module, uses);
                        }
                        if name == "*" {
                            // what it takes is told by a list, where there is one
                            let list = self.intern("__all__");
                            let found = self.lookup(module, list).unwrap_or_default();
                            let touched = found.touched.iter();
                            uses.extend(touched.map(|unit| ProgramUse::Unit(*unit)));
                        }
                    }
                    // a star takes along the submodules that `__all__` names
                    let names = match (name.as_str(), target) {
                        ("*", Value::Module(module)) => {
                            self.laid.files[*module as usize].source.exports.clone()
                        }
                        _ => vec![name],
                    };
                    for name in names {
                        let word = self.intern(&name);
                        for child in self.children(target, word) {
                            self.runs(&child, uses);
                        }
                    }
                }
            }
            Use::Whole(of) => {
                for value in &self.eval(file, of).values {
                    match value {
                        Value::Module(module) => uses.insert(ProgramUse::Everything(*module)),
                        Value::Class(class) => uses.insert(ProgramUse::All(*class)),
                        _ => false,
                    };
                }
            }
            Use::Listed(of) => {
                for value in self.eval(file, of).values.clone() {
                    match value {
                        Value::Module(module) => {
                            uses.insert(ProgramUse::Everything(module));
                        }
                        Value::Class(class) | Value::Instance(class) | Value::Super(class) => {
                            uses.insert(ProgramUse::All(class));
                        }
                        Value::Any | Value::Dir(_) => self.looks_at_all(),
                        _ => {}
                    }
                }
            }
            Use::Held(of, _) => {
                for value in self.eval(file, of).values.clone() {
                    match value {
                        Value::Module(module) => {
                            uses.insert(ProgramUse::Everything(module));
                        }
                        Value::Class(class) => {
                            uses.insert(ProgramUse::All(class));
                        }
                        Value::Any | Value::Dir(_) => {
                            uses.insert(ProgramUse::Held);
                        }
                        // what is put into it was told before
                        _ => {}
                    }
                }
            }
            Use::Itself => {
                uses.insert(ProgramUse::Itself(file));
            }
            Use::Prefix(name) => {
                let word = self.word(file, name);
                uses.insert(ProgramUse::Prefix(word));
            }
            Use::Fixture(name) => {
                let word = self.word(file, name);
                uses.insert(ProgramUse::Fixture(word));
            }
            Use::Text(name) => {
                let text = self
                    .symbols(file)
                    .map(|s| s.names[name as usize].clone())
                    .unwrap_or_default();
                self.text_used(file, &text, uses);
            }
        }
    }

    fn looks_at_all(&mut self) {
        self.linked.computes_names = true;
        self.linked.reflects = true;
    }

    /// Something is given to code that may not be ours: it may call any method of it.
    fn lent(&mut self, file: ModuleId, to: TyId, what: TyId, uses: &mut FxHashSet<ProgramUse>) {
        let (mut outside, mut unknown) = (false, false);
        let to = self.eval(file, to).values.clone();
        self.misfits(&to, file, what, uses);
        for value in &to {
            match value {
                Value::Foreign | Value::Outside => outside = true,
                Value::Any | Value::Store => unknown = true,
                Value::Class(class) | Value::Instance(class) | Value::Super(class) => {
                    let class = &self.laid.program.classes[*class as usize];
                    unknown |= class.open || class.outside;
                }
                _ => {}
            }
        }
        if !(outside || unknown) {
            return;
        }
        let mut next = self.eval(file, what).values.clone();
        while let Some(value) = next.pop() {
            match value {
                Value::Class(class) | Value::Instance(class) => {
                    uses.insert(ProgramUse::Lends(class));
                }
                Value::Box(inner) => next.extend(inner.iter().cloned()),
                Value::Any | Value::Store if outside => {
                    uses.insert(ProgramUse::Lent);
                }
                _ => {}
            }
        }
    }

    /// What importing a module runs. The packages around it are used by what it runs itself.
    pub(super) fn runs(&mut self, target: &Value, uses: &mut FxHashSet<ProgramUse>) {
        if let Value::Module(module) = target
            && self.symbols(*module).is_some()
        {
            uses.insert(ProgramUse::Call(self.unit_id(*module, 0)));
        }
    }

    pub(super) fn attr_used(
        &mut self,
        value: &Value,
        word: Word,
        uses: &mut FxHashSet<ProgramUse>,
    ) {
        match value {
            Value::Any | Value::Store => {
                uses.insert(ProgramUse::Any(word));
            }
            Value::Scalar | Value::Text(_) | Value::Outside | Value::Foreign | Value::Box(_) => {
                uses.insert(ProgramUse::Outside(word));
            }
            Value::Module(module) => {
                uses.insert(ProgramUse::Name(*module, word));
                match self.text(word) {
                    "__dict__" => uses.insert(ProgramUse::Everything(*module)),
                    // who has its name can get it
                    "__name__" => uses.insert(ProgramUse::Module(*module)),
                    _ => false,
                };
                let found = self.attribute(value, word);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
                for value in &found.values {
                    if let Value::Unit(unit) = value {
                        uses.insert(ProgramUse::Unit(*unit));
                    }
                    // set by others, or made when asked for
                    if *value == Value::Any {
                        self.made_when_asked(*module, uses);
                    }
                }
            }
            Value::Dir(_) => {}
            Value::Unit(unit) => {
                if self.flags(*unit) & GIVEN_AWAY != 0 {
                    uses.insert(ProgramUse::Any(word));
                }
            }
            Value::Class(class) | Value::Instance(class) => {
                if matches!(value, Value::Class(_)) {
                    self.head_used(*class, uses);
                }
                let members = self.answers(*class, word);
                if members.is_empty() {
                    uses.insert(ProgramUse::Any(word));
                    return;
                }
                uses.insert(ProgramUse::Of(*class, word));
                let is_value = members.iter().any(|(_, m)| !matches!(m, Member::Unit(_)));
                if is_value && matches!(value, Value::Class(_)) {
                    // an enumeration's members are its instances
                    uses.insert(ProgramUse::Class(*class));
                }
                let found = self.attribute(value, word);
                uses.extend(found.touched.iter().map(|unit| ProgramUse::Unit(*unit)));
            }
            Value::Super(class) => {
                uses.insert(ProgramUse::Super(*class, word));
            }
        }
    }

    /// Somebody asks a class who extends it.
    fn heirs_used(&mut self, value: &Value, uses: &mut FxHashSet<ProgramUse>) {
        let heirs = match value {
            Value::Class(class) | Value::Instance(class) => self.all_heirs(*class),
            Value::Any | Value::Store => {
                Rc::new((0..self.laid.program.classes.len() as ClassId).collect())
            }
            _ => Rc::default(),
        };
        uses.extend(heirs.iter().copied().map(ProgramUse::Class));
    }

    /// What a module answers with to names that it does not have.
    fn made_when_asked(&mut self, module: ModuleId, uses: &mut FxHashSet<ProgramUse>) {
        let getattr = self.intern("__getattr__");
        let bounds = self.scope(module).get(&getattr).cloned();
        for bound in bounds.unwrap_or_default() {
            if let Bound::Unit(unit) = bound {
                uses.insert(ProgramUse::Unit(self.unit_id(module, unit)));
            }
        }
    }

    /// A class may have a say in who is compared with it; one that is a protocol asks for all of its names.
    fn compared(&mut self, class: ClassId, uses: &mut FxHashSet<ProgramUse>) {
        let hook = self.intern("__subclasshook__");
        uses.insert(ProgramUse::Of(class, hook));
        for name in ["__instancecheck__", "__subclasscheck__"] {
            uses.insert(ProgramUse::Any(self.intern(name)));
        }
        if self.is_protocol(class) {
            let members = self.laid.program.classes[class as usize].members.keys();
            uses.extend(members.map(|word| ProgramUse::Any(*word)));
        }
    }

    /// What a class is called and what it extends, where no instance need be made.
    pub(super) fn head_used(&self, class: ClassId, uses: &mut FxHashSet<ProgramUse>) {
        let head = self.laid.program.classes[class as usize].head;
        uses.extend(head.map(ProgramUse::Call));
    }

    /// A text that leads to a module and on to a name in it.
    pub(super) fn text_used(
        &mut self,
        file: ModuleId,
        text: &str,
        uses: &mut FxHashSet<ProgramUse>,
    ) {
        let parts: Vec<&str> = text.split(['.', ':']).collect();
        let Some(top) = parts.first().copied().filter(|top| !top.is_empty()) else {
            return;
        };
        let starts = self
            .laid
            .resolver
            .starts(&self.laid.files[file as usize], top, Wide::Roots);
        for start in starts {
            for cut in (1..=parts.len()).rev() {
                let found = self
                    .laid
                    .resolver
                    .modules
                    .follow(start, parts[..cut].iter().copied());
                if found.parts != cut || found.files.is_empty() {
                    continue;
                }
                let modules: Vec<Value> = self.files_as_modules(&found.files);
                for module in modules {
                    self.runs(&module, uses);
                    if let Value::Module(id) = module {
                        uses.insert(ProgramUse::Module(id));
                    }
                    let mut values = vec![module];
                    for part in &parts[cut..] {
                        let word = self.intern(part);
                        let mut next = Vec::new();
                        for value in &values {
                            self.attr_used(value, word, uses);
                            next.extend(self.attribute(value, word).values);
                        }
                        values = next;
                    }
                    uses.extend(values.iter().filter_map(as_value));
                }
                break;
            }
        }
    }
}
