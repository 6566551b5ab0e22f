//! What impls, traits and macro calls belong to.

use rustc_hash::FxHashSet;

use super::{Linker, Type};
use crate::lang::rust::symbols::{Kind, Path, Unit};
use crate::model::{ClassId, ModuleId, ProgramUse, UnitId, Word};

/// Macros from outside that define nothing but what they are given names for.
const NAMING: &[&str] = &[
    "thread_local",
    "lazy_static",
    "bitflags",
    "cfg_if",
    "proptest",
    "quick_error",
    "pin_project",
    "const_assert",
    "assert_impl_all",
    "assert_not_impl_any",
    "assert_eq_size",
    "compile_error",
    "criterion_group",
    "criterion_main",
    "include",
    "quickcheck",
];

/// What an impl belongs to.
struct Place {
    /// The types of the tree that it needs; none where it may be of anything.
    types: Vec<Type>,
    /// Its trait is from outside: somebody unseen may call what is in it.
    unseen: bool,
}

impl Linker<'_> {
    /// The types that a path of a header means, where it surely means types of the tree.
    fn types_of(&self, module: ModuleId, path: Path) -> Vec<Type> {
        let Some(symbols) = self.files[module as usize].symbols else {
            return Vec::new();
        };
        let word = self.own_words[module as usize][path.name as usize];
        if self.aliases.contains(&word) || !self.locals.sure(symbols, path) {
            return Vec::new();
        }
        let all = self.types.get(&word).into_iter().flatten();
        all.filter(|found| !found.hidden || found.module == module)
            .copied()
            .collect()
    }

    /// Ties the items of impls and traits, and macro calls, to what leads to them.
    pub(super) fn implement(&mut self) {
        for (module, id, unit) in self.units() {
            match unit.kind {
                Kind::Call => self.called(module, id, unit),
                Kind::Impl => self.header(module, id, unit),
                _ => {}
            }
        }
        for (module, id, unit) in self.units() {
            if let Some((holder, around)) = self.holder(module, unit)
                && unit.kind != Kind::Call
            {
                self.item(module, (id, unit), (holder, around));
            }
        }
    }

    /// The header of an impl comes with its type; without one, with its items and the defaults of its trait.
    fn header(&mut self, module: ModuleId, id: UnitId, unit: &Unit) {
        let place = self.place(module, unit);
        if place.types.is_empty() && !place.unseen {
            let header = unit.header.as_ref().and_then(|header| header.of_trait);
            if let Some(path) = header.flatten() {
                let word = self.own_words[module as usize][path.name as usize];
                self.blanket.entry(word).or_default().push(id);
            }
        } else {
            self.always(module, id, &place.types);
        }
    }

    /// An item of an impl or trait.
    fn item(
        &mut self,
        module: ModuleId,
        (id, unit): (UnitId, &Unit),
        (holder, around): (UnitId, &Unit),
    ) {
        let Some(word) = unit.own.first() else { return };
        let word = self.own_words[module as usize][*word as usize];
        let free = [self.free[module as usize]];
        if around.kind != Kind::Impl {
            // a default: whoever has the trait may call it
            self.member(&free, module, word, id, false);
            let name = around
                .own
                .first()
                .map(|name| self.own_words[module as usize][*name as usize]);
            let headers = name
                .and_then(|name| self.blanket.get(&name))
                .into_iter()
                .flatten();
            let headers: Vec<ProgramUse> = headers.map(|id| ProgramUse::Call(*id)).collect();
            self.program.units[id as usize].uses.extend(headers);
            return;
        }
        let place = self.place(module, around);
        let typed = !place.types.is_empty();
        if place.unseen || (typed && unit.kind == Kind::Alias) {
            self.always(module, id, &place.types);
        }
        let named: Vec<ClassId> = place.types.iter().map(|found| found.named).collect();
        let classes = if typed { &named[..] } else { &free[..] };
        self.member(classes, module, word, id, self.is_hidden(module, unit));
        self.program.units[id as usize]
            .uses
            .push(ProgramUse::Call(holder));
    }

    /// What an impl belongs to, and whether somebody unseen may call what is in it.
    fn place(&self, module: ModuleId, holder: &Unit) -> Place {
        let Some(header) = &holder.header else {
            return Place {
                types: Vec::new(),
                unseen: true,
            };
        };
        let symbols = self.files[module as usize].symbols;
        let here = |path: &Path| {
            let word = self.own_words[module as usize][path.name as usize];
            self.traits.contains(&word) && symbols.is_some_and(|s| self.locals.sure(s, *path))
        };
        let unseen = match &header.of_trait {
            None => false,
            Some(path) => !path.as_ref().is_some_and(here),
        };
        let own = header
            .of
            .map(|path| self.types_of(module, path))
            .unwrap_or_default();
        if !own.is_empty() || header.of_trait.is_none() {
            return Place { types: own, unseen };
        }
        // `impl From<A> for String` needs an `A`
        let others = header
            .others
            .iter()
            .map(|path| self.types_of(module, *path));
        let types = others.into_iter().find(|types| !types.is_empty());
        Place {
            types: types.unwrap_or_default(),
            unseen,
        }
    }

    /// A unit is reached with any of these types, or always where there are none.
    fn always(&mut self, module: ModuleId, unit: UnitId, types: &[Type]) {
        if types.is_empty() {
            self.program.modules[module as usize].runs.push(unit);
        }
        let word = self.word("");
        for found in types {
            let members = &mut self.program.classes[found.open as usize].members;
            members.entry(word).or_default().push(unit);
        }
    }

    /// A macro call among items: what it defines is named by what it is given, or in the macro.
    fn called(&mut self, module: ModuleId, id: UnitId, unit: &Unit) {
        let words = &self.own_words[module as usize];
        let mut names: FxHashSet<Word> = FxHashSet::default();
        let mut written: FxHashSet<Word> = FxHashSet::default();
        let mut all = false;
        let mut methods = unit.holder.is_some();
        let mut open: Vec<Word> = unit
            .defines
            .iter()
            .map(|name| words[*name as usize])
            .collect();
        let mut seen: FxHashSet<Word> = open.iter().copied().collect();
        while let Some(word) = open.pop() {
            for &found in self.macros.get(&word).into_iter().flatten() {
                let (file, made) = self.unit(found);
                methods |= made.methods;
                let given = made.items.iter().flatten();
                let given = given.map(|at| unit.given.get(*at as usize).copied().flatten());
                for name in given {
                    match name {
                        Some(name) => {
                            names.insert(words[name as usize]);
                        }
                        None => all = true,
                    }
                }
                // what inner calls are given is not followed
                all |= made.items.is_none() || !made.calls.is_empty();
                let words = &self.own_words[file as usize];
                written.extend(made.defines.iter().map(|name| words[*name as usize]));
                let calls = made.calls.iter().map(|name| words[*name as usize]);
                open.extend(calls.filter(|word| seen.insert(*word)));
            }
        }
        let naming = |word: &Word| NAMING.contains(&self.program.words[*word as usize].as_str());
        let known = seen
            .iter()
            .all(|word| self.macros.contains_key(word) || naming(word));
        if all || seen.iter().any(|word| !self.macros.contains_key(word)) {
            written.extend(unit.own.iter().map(|name| words[*name as usize]));
        }
        if methods {
            written.extend(names.iter().copied());
        }
        if !known {
            self.program.modules[module as usize].runs.push(id);
        }
        let free = [self.free[module as usize]];
        for &word in &written {
            self.member(&free, module, word, id, false);
        }
        names.extend(written);
        for word in names {
            self.lead(module, word, id, false);
            self.named_macros.entry(word).or_default().push(id);
        }
    }
}
