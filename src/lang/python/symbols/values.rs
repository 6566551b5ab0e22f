//! What type expressions mean once files are put together.
//!
//! A value set is never too small: what cannot be told is [`Value::Any`].

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::program::{Linker, is_named};
use super::{Bound, CONTEXT, GIVEN_AWAY, Member, PROPERTY, Ty, TyId};
use crate::model::{ClassId, ModuleId, UnitId, Word};

/// What an expression may be.
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub(super) enum Value {
    Any,
    /// An object of Python's library: anything, but it holds nothing but what is put into it.
    Store,
    /// Text, numbers, nothing.
    Scalar,
    /// This text.
    Text(Word),
    /// Of the standard library, and gives out nothing of ours.
    Outside,
    /// Of another distribution: an object, of which only its own attributes are known to be foreign.
    Foreign,
    Module(ModuleId),
    /// A directory that is a package without a file.
    Dir(u32),
    Class(ClassId),
    Instance(ClassId),
    Super(ClassId),
    Unit(UnitId),
    /// A collection of these.
    Box(Rc<[Value]>),
}

/// The values, and the constants that were looked through to find them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Found {
    pub(super) values: Vec<Value>,
    pub(super) touched: Vec<UnitId>,
}

/// More kinds of value than this are anything.
const MANY: usize = 16;
/// Longer ways are given up.
const DEEP: u32 = 60;
/// More steps for one expression are given up.
const STEPS: u32 = 20_000;

impl Found {
    fn any() -> Self {
        Self {
            values: vec![Value::Any],
            touched: Vec::new(),
        }
    }

    fn one(value: Value) -> Self {
        Self {
            values: vec![value],
            touched: Vec::new(),
        }
    }

    fn add(&mut self, other: &Found) {
        for value in &other.values {
            if !self.values.contains(value) {
                self.values.push(value.clone());
            }
        }
        if self.values.len() > MANY {
            self.values = vec![Value::Any];
        }
        for unit in &other.touched {
            if !self.touched.contains(unit) {
                self.touched.push(*unit);
            }
        }
    }
}

/// Where an evaluation stands.
#[derive(Default)]
pub(super) struct Progress {
    known: FxHashMap<(ModuleId, TyId), Rc<Found>>,
    /// What holds as long as what is assumed of the open expressions does: with the outermost of these that it rests on.
    resting: FxHashMap<(ModuleId, TyId), (u32, Rc<Found>)>,
    /// The same in the order in which it was found.
    order: Vec<(ModuleId, TyId)>,
    /// What most expressions are.
    plain: Vec<Rc<Found>>,
    /// What is being evaluated: its depth, and what is assumed of it.
    open: FxHashMap<(ModuleId, TyId), (u32, Rc<Found>, bool)>,
    depth: u32,
    steps: u32,
    /// The outermost open expression that was asked for again.
    reached: u32,
}

impl Progress {
    /// The values, in one place with all others that are the same single one and have no constants behind them.
    fn shared(&mut self, found: Found) -> Rc<Found> {
        let ([Value::Any | Value::Scalar | Value::Outside | Value::Foreign], []) =
            (&found.values[..], &found.touched[..])
        else {
            return Rc::new(found);
        };
        let mut known = self.plain.iter();
        if let Some(known) = known.find(|known| ***known == found) {
            return known.clone();
        }
        let found = Rc::new(found);
        self.plain.push(found.clone());
        found
    }

    /// Lets go of what was found since then.
    fn forget(&mut self, mark: usize) {
        for key in self.order.drain(mark..) {
            self.resting.remove(&key);
        }
    }

    /// What was found since then holds: all that it rests on is known.
    fn settle(&mut self, mark: usize) {
        for key in self.order.drain(mark..) {
            let found = self.resting.remove(&key);
            self.known.extend(found.map(|(_, found)| (key, found)));
        }
    }
}

impl Linker<'_> {
    /// What a type expression of a file may be.
    pub(super) fn eval(&mut self, file: ModuleId, ty: TyId) -> Rc<Found> {
        if self.progress.depth == 0 {
            self.progress.steps = STEPS;
        }
        let key = (file, ty);
        if let Some(found) = self.progress.known.get(&key) {
            return found.clone();
        }
        if let Some((depth, found)) = self.progress.resting.get(&key) {
            self.progress.reached = self.progress.reached.min(*depth);
            return found.clone();
        }
        if let Some((depth, assumed, asked)) = self.progress.open.get_mut(&key) {
            *asked = true;
            self.progress.reached = self.progress.reached.min(*depth);
            return assumed.clone();
        }
        if self.progress.depth > DEEP || self.progress.steps == 0 {
            // not kept: another way may be shorter
            self.progress.reached = 0;
            return Rc::new(Found::any());
        }
        self.progress.steps -= 1;
        self.progress.depth += 1;
        let depth = self.progress.depth;
        let outer = std::mem::replace(&mut self.progress.reached, u32::MAX);
        let mut assumed = Rc::new(Found::default());
        let mut rounds = 0;
        let mark = self.progress.order.len();
        let found = loop {
            self.progress
                .open
                .insert(key, (depth, assumed.clone(), false));
            let found = self.step(file, ty);
            let found = self.progress.shared(found);
            let asked = self
                .progress
                .open
                .remove(&key)
                .is_some_and(|(.., asked)| asked);
            if !asked || found == assumed {
                break found;
            }
            // what was found inside rested on another assumption
            self.progress.forget(mark);
            rounds += 1;
            if rounds > 4 {
                break Rc::new(Found {
                    values: vec![Value::Any],
                    touched: found.touched.clone(),
                });
            }
            assumed = found;
        };
        self.progress.depth -= 1;
        // complete unless it rests on something further out; what was given up once is given up for all who ask for it
        if self.progress.reached >= depth || self.progress.depth == 0 {
            self.progress.settle(mark);
            self.progress.known.insert(key, found.clone());
            self.progress.reached = outer;
        } else {
            if self.progress.reached > 0 {
                let resting = (self.progress.reached, found.clone());
                self.progress.resting.insert(key, resting);
                self.progress.order.push(key);
            }
            self.progress.reached = self.progress.reached.min(outer);
        }
        found
    }

    fn step(&mut self, file: ModuleId, ty: TyId) -> Found {
        let Some(symbols) = self.symbols(file) else {
            return Found::any();
        };
        let Some(ty) = symbols.tys.get(ty as usize) else {
            return Found::any();
        };
        match *ty {
            Ty::Unknown => Found::any(),
            Ty::Scalar => Found::one(Value::Scalar),
            Ty::Text(name) => Found::one(Value::Text(self.word(file, name))),
            Ty::Outside => Found::one(Value::Outside),
            Ty::Store => Found::one(Value::Store),
            Ty::Name(name) => {
                let word = self.word(file, name);
                self.lookup(file, word)
                    .unwrap_or_else(|| Found::one(Value::Foreign))
            }
            Ty::Imported(import) => self.imported(file, import, 0),
            Ty::Var(var) => match symbols.vars.get(var as usize) {
                Some(given) if !given.is_empty() => self.all(file, given),
                _ => Found::any(),
            },
            Ty::SelfOf(class) => Found::one(Value::Instance(self.class_id(file, class))),
            Ty::ClassOf(class) => Found::one(Value::Class(self.class_id(file, class))),
            Ty::Super(class) => Found::one(Value::Super(self.class_id(file, class))),
            Ty::Attr(of, name) => {
                let word = self.word(file, name);
                let of = self.eval(file, of);
                let mut found = Found {
                    values: Vec::new(),
                    touched: of.touched.clone(),
                };
                for value in &of.values {
                    let next = self.attribute(value, word);
                    found.add(&next);
                }
                found
            }
            Ty::Call(of) => {
                let of = self.eval(file, of);
                let mut found = Found {
                    values: Vec::new(),
                    touched: of.touched.clone(),
                };
                for value in &of.values {
                    let next = self.called(value);
                    found.add(&next);
                }
                found
            }
            Ty::Instance(of) => {
                let of = self.eval(file, of);
                let mut found = Found::default();
                for value in &of.values {
                    found.add(&Found::one(match value {
                        Value::Class(class) if self.is_protocol(*class) => Value::Any,
                        Value::Class(class) => Value::Instance(*class),
                        Value::Scalar | Value::Text(_) => Value::Scalar,
                        Value::Outside | Value::Foreign => Value::Foreign,
                        _ => Value::Any,
                    }));
                }
                found
            }
            Ty::Elem(of) => {
                let of = self.eval(file, of);
                let mut found = Found {
                    values: Vec::new(),
                    touched: of.touched.clone(),
                };
                for value in &of.values {
                    match value {
                        Value::Box(inner) => {
                            for value in inner.iter() {
                                found.add(&Found::one(value.clone()));
                                // keys and values come in pairs
                                if let Value::Box(deeper) = value {
                                    deeper
                                        .iter()
                                        .for_each(|v| found.add(&Found::one(v.clone())));
                                }
                            }
                        }
                        Value::Text(_) => found.add(&Found::one(Value::Scalar)),
                        Value::Scalar | Value::Outside | Value::Class(_) => {
                            found.add(&Found::one(value.clone()));
                        }
                        _ => found.add(&Found::any()),
                    }
                }
                found
            }
            Ty::Enter(of) => {
                let of = self.eval(file, of);
                let mut found = Found {
                    values: Vec::new(),
                    touched: of.touched.clone(),
                };
                for value in &of.values {
                    match value {
                        Value::Box(inner) => {
                            inner.iter().for_each(|v| found.add(&Found::one(v.clone())))
                        }
                        Value::Outside | Value::Scalar | Value::Text(_) => {
                            found.add(&Found::one(value.clone()))
                        }
                        Value::Instance(_) => {
                            for name in ["__enter__", "__aenter__"] {
                                let word = self.intern(name);
                                for method in self.attribute(value, word).values {
                                    let next = self.called(&method);
                                    found.add(&next);
                                }
                            }
                        }
                        _ => found.add(&Found::any()),
                    }
                }
                found
            }
            Ty::Box(ref inner) => {
                let inner = self.all(file, inner);
                Found {
                    values: vec![Value::Box(inner.values.into())],
                    touched: inner.touched,
                }
            }
            Ty::Union(ref all) => self.all(file, all),
            Ty::Fixture(name) => {
                let word = self.word(file, name);
                let mut found = Found::default();
                for unit in self
                    .laid
                    .program
                    .fixtures
                    .get(&word)
                    .cloned()
                    .unwrap_or_default()
                {
                    for value in self.returned(unit).values {
                        match value {
                            Value::Box(inner) => {
                                inner.iter().for_each(|v| found.add(&Found::one(v.clone())))
                            }
                            other => found.add(&Found::one(other)),
                        }
                    }
                }
                if found.values.is_empty() {
                    Found::any()
                } else {
                    found
                }
            }
        }
    }

    fn all(&mut self, file: ModuleId, tys: &[TyId]) -> Found {
        let mut found = Found::default();
        for ty in tys {
            let next = self.eval(file, *ty);
            found.add(&next);
        }
        found
    }

    /// What a name of a module is; `None` where the module does not bind it.
    pub(super) fn lookup(&mut self, file: ModuleId, word: Word) -> Option<Found> {
        let mut found = self.look(file, word, 0)?;
        self.set_by_others(word, &mut found);
        Some(found)
    }

    fn look(&mut self, file: ModuleId, word: Word, depth: u32) -> Option<Found> {
        if depth > 12 {
            return None;
        }
        let laid = self.laid.clone();
        let Some(bounds) = laid.scopes[file as usize].get(&word) else {
            let mut found: Option<Found> = None;
            for import in self.stars(file) {
                for target in self.targets(file, import).iter() {
                    if let Value::Module(module) = *target
                        && module != file
                        && let Some(next) = self.look(module, word, depth + 1)
                    {
                        found.get_or_insert_default().add(&next);
                    }
                }
            }
            return found;
        };
        let mut found = Found::default();
        for bound in bounds {
            let next = match *bound {
                Bound::Unit(unit) => Found::one(Value::Unit(self.unit_id(file, unit))),
                Bound::Class(class) => Found::one(Value::Class(self.class_id(file, class))),
                Bound::Import(import) => self.imported(file, import, depth),
                Bound::Value(ty, unit) => {
                    let unit = self.unit_id(file, unit);
                    let mut next = (*self.eval(file, ty)).clone();
                    if is_named(self.kind(unit)) {
                        next.touched.push(unit);
                    }
                    next
                }
            };
            found.add(&next);
        }
        Some(found)
    }

    /// What an import binds.
    fn imported(&mut self, file: ModuleId, import: u32, depth: u32) -> Found {
        let Some(imported) = self
            .symbols(file)
            .and_then(|s| s.imports.get(import as usize))
        else {
            return Found::any();
        };
        let targets = self.targets(file, import);
        if targets.is_empty() {
            let top = imported.module.split('.').next().unwrap_or_default();
            let closed = imported.level == 0 && CLOSED.contains(&top);
            return Found::one(if closed {
                Value::Outside
            } else {
                Value::Foreign
            });
        }
        let Some(name) = &imported.name else {
            return Found {
                values: targets.to_vec(),
                touched: Vec::new(),
            };
        };
        let word = self.intern(name);
        let mut found = Found::default();
        for target in targets.iter() {
            let next = self.member_of_module(target, word, depth + 1);
            found.add(&next);
        }
        found
    }

    fn member_of_module(&mut self, module: &Value, word: Word, depth: u32) -> Found {
        let mut found = Found::default();
        if let Value::Module(module) = module
            && let Some(next) = self.look(*module, word, depth)
        {
            found.add(&next);
        }
        if found.values.is_empty() {
            for child in self.children(module, word) {
                found.add(&Found::one(child));
            }
        }
        if found.values.is_empty() {
            return Found::any();
        }
        found
    }

    /// What an attribute of a value is.
    pub(super) fn attribute(&mut self, value: &Value, word: Word) -> Found {
        let mut found = self.own_attribute(value, word);
        self.set_by_others(word, &mut found);
        found
    }

    /// Adds what other code gives objects under a name.
    fn set_by_others(&mut self, word: Word, found: &mut Found) {
        let Some(sets) = self.laid.set_outside.get(&word).cloned() else {
            return;
        };
        if found.values.contains(&Value::Any) {
            return;
        }
        for (file, ty) in sets {
            let mut next = (*self.eval(file, ty)).clone();
            // used by who sets it
            next.touched.clear();
            found.add(&next);
        }
    }

    fn own_attribute(&mut self, value: &Value, word: Word) -> Found {
        match value {
            Value::Any | Value::Store => Found::any(),
            Value::Text(_) => Found::one(Value::Scalar),
            Value::Scalar | Value::Outside | Value::Foreign | Value::Box(_) => {
                Found::one(value.clone())
            }
            Value::Module(_) | Value::Dir(_) => self.member_of_module(value, word, 0),
            Value::Unit(_) => {
                let scalar = matches!(
                    self.text(word),
                    "__name__" | "__qualname__" | "__module__" | "__doc__"
                );
                if scalar {
                    Found::one(Value::Scalar)
                } else {
                    Found::any()
                }
            }
            Value::Class(class) | Value::Instance(class) => {
                match self.text(word) {
                    "__class__" => return Found::one(Value::Class(*class)),
                    "__name__" | "__qualname__" | "__module__" | "__doc__" => {
                        return Found::one(Value::Scalar);
                    }
                    _ => {}
                }
                let members = self.answers(*class, word);
                let instance = matches!(value, Value::Instance(_));
                let mut found = self.members(&members, instance);
                let held = |one: &(ClassId, Member)| !matches!(one.1, Member::Unit(_));
                if self.laid.filled.contains(class) && members.iter().any(held) {
                    found.add(&Found::any());
                }
                found
            }
            Value::Super(class) => {
                let mut members = Vec::new();
                for base in self.laid.program.classes[*class as usize].bases.clone() {
                    members.extend(self.nearest(base, word));
                }
                self.members(&members, true)
            }
        }
    }

    fn members(&mut self, members: &[(ClassId, Member)], instance: bool) -> Found {
        if members.is_empty() {
            return Found::any();
        }
        let mut found = Found::default();
        for (class, member) in members {
            let file = self.laid.program.classes[*class as usize].module;
            match *member {
                Member::Unit(unit) => {
                    let unit = self.unit_id(file, unit);
                    let flags = self.flags(unit);
                    let next = match flags & PROPERTY != 0 && instance {
                        true => self.returned(unit),
                        false => Found::one(Value::Unit(unit)),
                    };
                    found.add(&next);
                }
                Member::Class(class) => {
                    found.add(&Found::one(Value::Class(self.class_id(file, class))))
                }
                Member::Own(ty) => {
                    let next = self.eval(file, ty);
                    found.add(&next);
                }
                Member::Value(ty, unit) => {
                    let unit = self.unit_id(file, unit);
                    let next = self.eval(file, ty);
                    for value in &next.values {
                        // a descriptor gives what its methods give
                        let descriptor = match value {
                            Value::Instance(class) => self.is_descriptor(*class),
                            _ => false,
                        };
                        found.add(&Found::one(if descriptor {
                            Value::Any
                        } else {
                            value.clone()
                        }));
                    }
                    if is_named(self.kind(unit)) {
                        found.touched.push(unit);
                    }
                }
            }
        }
        found
    }

    fn is_descriptor(&mut self, class: ClassId) -> bool {
        if let Some(known) = self.descriptors.get(&class) {
            return *known;
        }
        let get = self.intern("__get__");
        let found = !self.nearest(class, get).is_empty();
        self.descriptors.insert(class, found);
        found
    }

    /// What a call of a value gives.
    pub(super) fn called(&mut self, value: &Value) -> Found {
        match value {
            Value::Any
            | Value::Store
            | Value::Module(_)
            | Value::Dir(_)
            | Value::Foreign
            | Value::Super(_) => Found::any(),
            Value::Scalar | Value::Text(_) => Found::one(Value::Scalar),
            Value::Outside => Found::one(Value::Outside),
            Value::Box(inner) => {
                let mut found = Found::one(value.clone());
                inner.iter().for_each(|v| found.add(&Found::one(v.clone())));
                found
            }
            Value::Class(class) => Found::one(Value::Instance(*class)),
            Value::Instance(_) => {
                let call = self.intern("__call__");
                let mut found = Found::default();
                for method in self.attribute(value, call).values {
                    let next = match method {
                        Value::Unit(unit) => self.returned(unit),
                        _ => Found::any(),
                    };
                    found.add(&next);
                }
                found
            }
            Value::Unit(unit) => self.returned(*unit),
        }
    }

    /// What a call of a function gives.
    pub(super) fn returned(&mut self, unit: UnitId) -> Found {
        let flags = self.flags(unit);
        if flags & GIVEN_AWAY != 0 && flags & CONTEXT == 0 {
            return Found::any();
        }
        let (file, returns) = self.returns(unit);
        let mut found = (*self.eval(file, returns)).clone();
        // what stands behind constants is used by the function, not by its callers
        found.touched.clear();
        found
    }

    /// Members of this name that an instance of the class itself may have.
    pub(super) fn nearest(&self, class: ClassId, word: Word) -> Vec<(ClassId, Member)> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        let mut next = vec![class];
        while let Some(class) = next.pop() {
            if seen.contains(&class) {
                continue;
            }
            seen.push(class);
            let own = self.own(class, word);
            // what an instance is given does not hide what classes define
            let hides = own
                .iter()
                .any(|(_, member)| !matches!(member, Member::Own(_)));
            found.extend(own);
            if !hides {
                next.extend(&self.laid.program.classes[class as usize].bases);
            }
        }
        found
    }

    /// The class's own members of this name.
    pub(super) fn own(&self, class: ClassId, word: Word) -> Vec<(ClassId, Member)> {
        let members = self.own_members(class, word);
        members.iter().map(|member| (class, *member)).collect()
    }
}

/// Modules of the standard library whose objects give out nothing that was not put into them as text or numbers.
const CLOSED: &[&str] = &[
    "re",
    "os",
    "json",
    "io",
    "pathlib",
    "datetime",
    "time",
    "math",
    "string",
    "textwrap",
    "struct",
    "base64",
    "hashlib",
    "urllib",
    "socket",
    "tempfile",
    "shutil",
    "platform",
    "random",
    "uuid",
    "decimal",
    "fractions",
    "zlib",
    "gzip",
    "zipfile",
    "tarfile",
    "html",
    "unicodedata",
    "locale",
    "errno",
    "stat",
    "secrets",
    "hmac",
    "mimetypes",
    "ssl",
    "calendar",
    "colorsys",
    "difflib",
    "fnmatch",
    "keyword",
    "numbers",
    "posixpath",
    "ntpath",
    "tokenize",
    "stringprep",
];
