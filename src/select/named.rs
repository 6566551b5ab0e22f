//! The names of a definition, and who uses them.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::graph::{fits, is_affix};
use crate::model::{ClassId, ModuleId, Program, ProgramUse, UnitId, Word};

/// The names of a definition.
pub(super) struct Named<'a> {
    program: &'a Program,
    unit: UnitId,
    words: BTreeSet<Word>,
    /// Modules that give it by a name.
    modules: BTreeSet<ModuleId>,
    /// Its class, where it is a member, with all heirs and all that it inherits.
    classes: BTreeSet<ClassId>,
    fixture: BTreeSet<Word>,
    computed: bool,
    /// Data may give one of the names.
    in_data: bool,
    /// Something that holds it is handed on as a value.
    handed: OnceCell<bool>,
}

/// Somebody who uses a definition and cannot be seen.
pub(super) enum Unseen {
    /// Anybody, and why.
    Anybody(&'static str),
    /// Whoever has hold of its class or of an object of it.
    Holders,
}

/// The classes of whose instances some may have the members of this one: all that its heirs inherit from.
fn family(program: &Program, class: ClassId) -> BTreeSet<ClassId> {
    let own = |class: ClassId| &program.classes[class as usize];
    let heirs = closure([class], |class| &own(class).heirs);
    closure(heirs, |class| &own(class).bases)
}

fn closure<'p>(
    from: impl IntoIterator<Item = ClassId>,
    next: impl Fn(ClassId) -> &'p [ClassId],
) -> BTreeSet<ClassId> {
    let mut left: Vec<ClassId> = from.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(class) = left.pop() {
        if seen.insert(class) {
            left.extend(next(class));
        }
    }
    seen
}

impl<'a> Named<'a> {
    pub(super) fn new(program: &'a Program, unit: UnitId) -> Self {
        let own = &program.units[unit as usize];
        let last = own.name.rsplit('.').next().unwrap_or_default();
        let named = program.words.iter().position(|word| word == last);
        let mut words: BTreeSet<Word> = named.into_iter().map(|word| word as Word).collect();
        let mut modules = BTreeSet::new();
        for (at, module) in program.modules.iter().enumerate() {
            for (word, uses) in &module.members {
                if uses.contains(&ProgramUse::Unit(unit)) {
                    words.insert(*word);
                    modules.insert(at as ModuleId);
                }
            }
        }
        for class in &program.classes {
            let members = class.members.iter();
            words.extend(
                members
                    .filter(|(_, units)| units.contains(&unit))
                    .map(|(word, _)| *word),
            );
        }
        let fixture = program.fixtures.iter();
        let fixture = fixture.filter(|(_, units)| units.contains(&unit));
        let in_data = program.names_all || program.named.iter().any(|word| words.contains(word));
        Self {
            program,
            unit,
            in_data,
            handed: OnceCell::new(),
            words,
            modules,
            classes: own
                .class
                .map(|class| family(program, class))
                .unwrap_or_default(),
            fixture: fixture.map(|(word, _)| *word).collect(),
            computed: program.units.iter().any(|unit| unit.habits.computes_names),
        }
    }

    /// Whether somebody who cannot be seen may use it.
    pub(super) fn unseen(&self) -> Option<Unseen> {
        let own = &self.program.units[self.unit as usize];
        let last = own.name.rsplit('.').next().unwrap_or_default();
        let class = own.class.map(|class| &self.program.classes[class as usize]);
        if last.starts_with("__") && last.ends_with("__") && !own.name.is_empty() {
            return Some(Unseen::Anybody("Python itself uses it"));
        }
        if own.kept {
            return Some(Unseen::Anybody("a decorator may keep it"));
        }
        if self.program.modules[own.module as usize]
            .hooks
            .contains(&self.unit)
        {
            return Some(Unseen::Anybody("the runner calls it unasked"));
        }
        let class = class?;
        if class.made {
            return Some(Unseen::Anybody("who makes its class reads it"));
        }
        // one that is mixed into something from outside is called from there
        let heirs = closure(own.class, |class| {
            &self.program.classes[class as usize].heirs
        });
        let mut heirs = heirs.into_iter();
        let mixed = heirs.any(|heir| self.program.classes[heir as usize].outside);
        (class.open || mixed).then_some(Unseen::Holders)
    }

    /// Whether a unit names it.
    pub(super) fn by(&self, user: UnitId) -> bool {
        let own = &self.program.units[user as usize];
        if user == self.unit {
            return false;
        }
        self.by_text(user)
            || own.habits.any_fixture && !self.fixture.is_empty()
            || own.uses.iter().any(|used| self.matches(used))
    }

    /// Whether a unit may get at it by computing names.
    pub(super) fn by_text(&self, user: UnitId) -> bool {
        let own = &self.program.units[user as usize];
        own.habits.reflects
            || own.habits.computes_names && self.in_data
            || self.computed && {
                let mut words = own.words.iter().chain(&own.keywords);
                words.any(|word| self.written(*word))
            }
    }

    /// Whether a use may be one of it.
    pub(super) fn matches(&self, used: &ProgramUse) -> bool {
        match used {
            ProgramUse::All(class) | ProgramUse::Lends(class) => self.classes.contains(class),
            ProgramUse::Everything(module) => self.modules.contains(module),
            ProgramUse::Prefix(word) => self.begins(*word),
            ProgramUse::Held => *self.handed.get_or_init(|| self.is_handed()),
            _ => self.is_plain(used),
        }
    }

    /// Whether its class, or a file that gives it, may be handed on as a value.
    fn is_handed(&self) -> bool {
        let mut units = self.program.units.iter();
        units.any(|unit| {
            let handed = |used: &ProgramUse| match used {
                ProgramUse::Type(class) => self.classes.contains(class),
                ProgramUse::Module(module) => self.modules.contains(module),
                _ => false,
            };
            unit.habits.imports && !self.modules.is_empty() || unit.uses.iter().any(handed)
        })
    }

    /// Whether a unit names it without computing names.
    pub(super) fn plainly_by(&self, user: UnitId) -> bool {
        let uses = &self.program.units[user as usize].uses;
        user != self.unit && uses.iter().any(|used| self.is_plain(used))
    }

    /// Whether a unit may get at it itself, without somebody whom it gives something that holds it.
    pub(super) fn asked_by(&self, user: UnitId) -> bool {
        let uses = &self.program.units[user as usize].uses;
        let mut own = uses
            .iter()
            .filter(|used| !matches!(used, ProgramUse::Lends(_)));
        user != self.unit && (self.by_text(user) || own.any(|used| self.matches(used)))
    }

    /// Whether a unit may get at it in other ways than by a name that it knows.
    pub(super) fn unnamed_by(&self, user: UnitId) -> bool {
        let uses = &self.program.units[user as usize].uses;
        let mut others = uses.iter().filter(|used| !self.is_plain(used));
        others.any(|used| self.matches(used))
    }

    /// Whether a use is one of it, by a name that stands in the code.
    fn is_plain(&self, used: &ProgramUse) -> bool {
        match used {
            ProgramUse::Unit(unit) | ProgramUse::Call(unit) => *unit == self.unit,
            ProgramUse::Any(word)
            | ProgramUse::Of(_, word)
            | ProgramUse::Outside(word)
            | ProgramUse::Super(_, word) => self.words.contains(word),
            ProgramUse::Fixture(word) => self.fixture.contains(word),
            _ => false,
        }
    }

    /// Whether a unit names it by its own name, and not as a member of something.
    pub(super) fn directly_by(&self, user: UnitId) -> bool {
        let own = &self.program.units[user as usize];
        own.habits.any_fixture && !self.fixture.is_empty()
            || own.uses.iter().any(|used| match used {
                ProgramUse::Unit(unit) | ProgramUse::Call(unit) => *unit == self.unit,
                ProgramUse::Fixture(word) => self.fixture.contains(word),
                _ => false,
            })
    }

    /// Whether it is got at through a class alone, unless by its own name.
    pub(super) fn is_member(&self) -> bool {
        self.modules.is_empty() && self.program.units[self.unit as usize].class.is_some()
    }

    /// Its name, where it bears only one.
    pub(super) fn only_word(&self) -> Option<Word> {
        let mut words = self.words.iter().copied();
        words.next().filter(|_| words.next().is_none())
    }

    /// The functions that an object may have under one of the names.
    pub(super) fn namesakes(&self) -> Vec<UnitId> {
        let classes = self.classes.iter();
        let members = classes.map(|class| &self.program.classes[*class as usize].members);
        let named = members.flat_map(|members| self.words.iter().filter_map(|w| members.get(w)));
        named.flatten().copied().collect()
    }

    /// Whether a text of a unit holds one of the names.
    pub(super) fn is_written_in(&self, user: UnitId) -> bool {
        let words = &self.program.units[user as usize].words;
        words.iter().any(|word| self.written(*word))
    }

    fn written(&self, word: Word) -> bool {
        let text = &self.program.words[word as usize];
        self.words.contains(&word) || is_affix(text) && self.begins(word)
    }

    fn begins(&self, affix: Word) -> bool {
        let affix = self.program.words[affix as usize].as_str();
        self.words.iter().any(|word| {
            let name = self.program.words[*word as usize].as_str();
            fits(name, affix)
        })
    }
}

/// The units of a file.
pub(super) fn units_of(program: &Program, module: ModuleId) -> std::ops::Range<UnitId> {
    let first = program.modules[module as usize].first;
    let next = program.modules.get(module as usize + 1);
    first..next.map_or(program.units.len() as UnitId, |module| module.first)
}

/// Whether a unit is no function and no value: it runs on import, or as a program.
pub(super) fn runs_alone(program: &Program, unit: UnitId) -> bool {
    let own = &program.units[unit as usize];
    own.body.is_none() && {
        let module = &program.modules[own.module as usize];
        module.runs.contains(&unit) || own.name == "__main__"
    }
}

pub(super) fn is_fixture(program: &Program, unit: UnitId) -> bool {
    program.fixtures.values().any(|units| units.contains(&unit))
}
