//! Who extends whom, and what comes of it.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::super::values::{Progress, Value};
use super::super::{Member, Ty, Use};
use super::Linker;
use crate::model::{ClassId, ModuleId, RepoPath, Word};

/// The members that bear a name, each with its class.
pub(in crate::lang::python::symbols) type Answers = Rc<[(ClassId, Member)]>;
/// All that extends a class.
pub(in crate::lang::python::symbols) type Heirs = FxHashSet<ClassId>;

impl Linker<'_> {
    /// Who extends whom.
    pub(super) fn bases(&mut self) {
        let mut outside = Vec::new();
        for file in 0..self.laid.files.len() as ModuleId {
            let Some(symbols) = self.symbols(file) else {
                continue;
            };
            let helper = is_test_code(self.laid.files[file as usize].path);
            for (place, class) in symbols.classes.iter().enumerate() {
                let id = self.class_id(file, place as u32);
                self.lay().program.classes[id as usize].open |= helper;
                for base in &class.bases {
                    // `Base[T]` was entered as `Base` too
                    if matches!(symbols.tys.get(*base as usize), Some(Ty::Elem(_))) {
                        continue;
                    }
                    for value in self.eval(file, *base).values.clone() {
                        match value {
                            Value::Class(base) if base != id => {
                                let classes = &mut self.lay().program.classes;
                                let bases = &mut classes[id as usize].bases;
                                if !bases.contains(&base) {
                                    bases.push(base);
                                    classes[base as usize].heirs.push(id);
                                }
                            }
                            _ => outside.push((id, self.last_name(file, *base).map(str::to_owned))),
                        }
                    }
                }
            }
            // bases were asked for before they were known
            self.progress = Progress::default();
            self.heirs.clear();
            self.answers.clear();
            self.descriptors.clear();
        }
        for (class, name) in outside {
            let class = &mut self.lay().program.classes[class as usize];
            match name.as_deref() {
                Some("NamedTuple" | "TypedDict") => class.made = true,
                // found and called by runners, and made as any other class
                Some("TestCase" | "IsolatedAsyncioTestCase") => {
                    class.outside = true;
                    class.open = true;
                }
                Some(name) if is_bare(name) => {}
                Some(name) if is_quiet(name) => class.outside = true,
                _ => {
                    class.outside = true;
                    class.open = true;
                    class.made = true;
                }
            }
        }
        // heirs of classes from outside are such classes, too; and what makes a class makes its heirs
        let init_subclass = self.intern("__init_subclass__");
        for class in 0..self.laid.program.classes.len() as ClassId {
            let own = &self.laid.program.classes[class as usize];
            let (open, outside) = (
                own.open && !is_test_code(self.laid.files[own.module as usize].path),
                own.outside,
            );
            let tells = !self.own_members(class, init_subclass).is_empty();
            let (makes, told) = (own.made || tells, own.told || tells);
            if !(open || outside || makes || told) {
                continue;
            }
            for &heir in &*self.all_heirs(class) {
                let heir = &mut self.lay().program.classes[heir as usize];
                heir.open |= open;
                heir.outside |= outside;
                heir.made |= makes;
                heir.told |= told;
            }
        }
    }

    /// Which classes have values under computed names: what sets them may be an heir's or a base's.
    pub(super) fn fill(&mut self) {
        for file in 0..self.laid.files.len() as ModuleId {
            let Some(symbols) = self.symbols(file) else {
                continue;
            };
            for (place, _) in symbols
                .classes
                .iter()
                .enumerate()
                .filter(|one| one.1.filled)
            {
                let class = self.class_id(file, place as u32);
                self.filled_with_bases(class);
            }
        }
        // what an object is may rest on what was put into others
        while self.fill_held() {
            self.progress = Progress::default();
        }
    }

    /// Fills the classes of the objects whose `__dict__` is given out; whether any was not yet.
    fn fill_held(&mut self) -> bool {
        let mut filled = false;
        for file in 0..self.laid.files.len() as ModuleId {
            let units = self.symbols(file).into_iter().flat_map(|s| &s.units);
            for used in units.flat_map(|unit| &unit.uses) {
                let Use::Held(of, false) = used else {
                    continue;
                };
                for value in &self.eval(file, *of).values {
                    if let Value::Instance(class) | Value::Super(class) = value {
                        filled |= self.filled_with_bases(*class);
                    }
                }
            }
        }
        filled
    }

    /// Whether a class, with all that extends it and what these extend, was not yet filled.
    fn filled_with_bases(&mut self, class: ClassId) -> bool {
        let mut next: Vec<ClassId> = self.all_heirs(class).iter().copied().collect();
        next.push(class);
        let mut filled = false;
        while let Some(class) = next.pop() {
            if self.lay().filled.insert(class) {
                filled = true;
                next.extend(&self.laid.program.classes[class as usize].bases);
            }
        }
        filled
    }

    /// Everything that extends a class, directly or not.
    pub(in crate::lang::python::symbols) fn all_heirs(&mut self, class: ClassId) -> Rc<Heirs> {
        if let Some(heirs) = self.heirs.get(&class) {
            return heirs.clone();
        }
        let mut seen = Heirs::default();
        let mut next = self.laid.program.classes[class as usize].heirs.clone();
        while let Some(heir) = next.pop() {
            if heir != class && seen.insert(heir) {
                next.extend(&self.laid.program.classes[heir as usize].heirs);
            }
        }
        let heirs = Rc::new(seen);
        self.heirs.insert(class, heirs.clone());
        heirs
    }

    /// What an instance of the class or of an heir may have under this name.
    pub(in crate::lang::python::symbols) fn answers(
        &mut self,
        class: ClassId,
        word: Word,
    ) -> Answers {
        if let Some(known) = self.answers.get(&(class, word)) {
            return known.clone();
        }
        let mut members = self.nearest(class, word);
        let heirs = self.all_heirs(class);
        let definers = self.laid.definers.get(&word).into_iter().flatten();
        for heir in definers.filter(|definer| heirs.contains(definer)) {
            members.extend(self.own(*heir, word));
        }
        let members: Answers = members.into();
        self.answers.insert((class, word), members.clone());
        members
    }

    pub(in crate::lang::python::symbols) fn is_protocol(&self, class: ClassId) -> bool {
        let file = self.laid.program.classes[class as usize].module;
        let Some(symbols) = self.symbols(file) else {
            return true;
        };
        let own = &symbols.classes[(class - self.laid.classes[file as usize]) as usize];
        own.bases
            .iter()
            .any(|ty| self.last_name(file, *ty) == Some("Protocol"))
    }
}

/// Whether code at this path helps tests: its classes may stand in for any other.
fn is_test_code(path: &RepoPath) -> bool {
    use bstr::ByteSlice;
    path.as_bytes()
        .split_str("/")
        .any(|part| part.starts_with(b"test") || part.starts_with(b"conftest"))
        || path.stem().ends_with(b"_test")
}

/// Bases that call nothing.
fn is_bare(name: &str) -> bool {
    matches!(name, "object" | "ABC" | "Generic" | "Protocol")
}

/// Bases that call nothing but what Python's operators call.
fn is_quiet(name: &str) -> bool {
    name.ends_with("Error")
        || name.ends_with("Exception")
        || name.ends_with("Warning")
        || matches!(
            name,
            "str"
                | "int"
                | "float"
                | "bytes"
                | "bytearray"
                | "dict"
                | "list"
                | "tuple"
                | "set"
                | "frozenset"
                | "Mapping"
                | "MutableMapping"
                | "Sequence"
                | "MutableSequence"
                | "Set"
                | "MutableSet"
                | "Collection"
                | "Iterable"
                | "Iterator"
                | "Container"
                | "Hashable"
                | "Sized"
                | "Callable"
                | "OrderedDict"
                | "defaultdict"
                | "deque"
                | "UserDict"
                | "UserList"
                | "local"
                | "ContextManager"
                | "AbstractContextManager"
                | "Dict"
                | "List"
                | "KeysView"
                | "ValuesView"
        )
}
