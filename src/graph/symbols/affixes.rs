//! Names that are put together: by how they begin or end, the names that there are.
//!
//! A word that a text holds stands for names that begin so where it ends in an underscore or in `*`, and for names that end so where it
//! begins with one.

use super::{Symbols, Walk};
use crate::model::{Program, UnitId, Word};

/// The names of all members, in the order of how they begin and of how they end.
#[derive(Debug)]
pub(super) struct Names {
    forwards: Vec<(String, Word)>,
    backwards: Vec<(String, Word)>,
}

impl Names {
    pub(super) fn of(program: &Program) -> Self {
        let classes = program
            .classes
            .iter()
            .flat_map(|class| class.members.keys());
        let modules = program.modules.iter().flat_map(|m| m.members.keys());
        let mut all: Vec<Word> = classes.chain(modules).copied().collect();
        all.sort_unstable();
        all.dedup();
        let text = |word: &Word| &program.words[*word as usize];
        let mut forwards: Vec<(String, Word)> =
            all.iter().map(|word| (text(word).clone(), *word)).collect();
        let backwards = all.iter().map(|word| (reversed(text(word)), *word));
        let mut backwards: Vec<(String, Word)> = backwards.collect();
        forwards.sort_unstable();
        backwards.sort_unstable();
        Self {
            forwards,
            backwards,
        }
    }

    /// The names that an affix stands for.
    fn fitting(&self, affix: &str) -> Vec<Word> {
        let (beginning, ending) = parts(affix);
        let begin = beginning.map(|text| begin_with(&self.forwards, text));
        let end = ending.map(|text| begin_with(&self.backwards, &reversed(text)));
        let all = begin.into_iter().chain(end).flatten();
        all.map(|(_, word)| *word).collect()
    }
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

fn begin_with<'a>(all: &'a [(String, Word)], text: &str) -> &'a [(String, Word)] {
    let from = all.partition_point(|(name, _)| name.as_str() < text);
    let rest = &all[from..];
    let count = rest.partition_point(|(name, _)| name.starts_with(text));
    &rest[..count]
}

/// How the names begin and end that a text stands for.
fn parts(affix: &str) -> (Option<&str>, Option<&str>) {
    match (affix.strip_suffix('*'), affix.strip_prefix('*')) {
        (None, None) => (Some(affix), affix.starts_with('_').then_some(affix)),
        starred => starred,
    }
}

/// Whether a name begins or ends as an affix says.
pub fn fits(name: &str, affix: &str) -> bool {
    let (beginning, ending) = parts(affix);
    beginning.is_some_and(|text| name.starts_with(text))
        || ending.is_some_and(|text| name.ends_with(text))
}

/// Whether a word of a text may be a part of names.
pub fn is_affix(text: &str) -> bool {
    text.len() > 2 && (text.ends_with(['_', '*']) || text.starts_with(['_', '*']))
}

impl Symbols<'_> {
    /// A word of a text, where names are computed: a name, or the beginning or end of one.
    pub(super) fn written(&self, walk: &mut Walk, word: Word, from: Option<UnitId>) {
        self.any(walk, word, from);
        if is_affix(&self.program.words[word as usize]) {
            self.affix(walk, word, from);
        }
    }

    pub(super) fn affix(&self, walk: &mut Walk, word: Word, from: Option<UnitId>) {
        if walk.affixes.contains(&word) {
            return;
        }
        walk.affixes.push(word);
        let names = self.names.get_or_init(|| Names::of(self.program));
        for name in names.fitting(&self.program.words[word as usize]) {
            self.any(walk, name, from);
        }
    }

    /// Whether a name begins or ends so.
    pub(super) fn fits(&self, name: Word, affix: Word) -> bool {
        let text = |word: Word| self.program.words[word as usize].as_str();
        fits(text(name), text(affix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProgramModule;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_are_found_as_one_by_one(
            names in proptest::collection::btree_set("[ab_é]{1,4}", 0..12),
            affix in "[*_]?[ab_é]{1,3}[*_]?",
        ) {
            prop_assume!(!(affix.starts_with('*') && affix.ends_with('*')));
            let words: Vec<String> = names.into_iter().collect();
            let members = (0..words.len() as Word).map(|word| (word, Vec::new()));
            let program = Program {
                modules: vec![ProgramModule { members: members.collect(), ..ProgramModule::default() }],
                words: words.clone(),
                ..Program::default()
            };
            let mut found = Names::of(&program).fitting(&affix);
            found.sort_unstable();
            found.dedup();
            let naive = (0..words.len() as Word).filter(|word| fits(&words[*word as usize], &affix));
            prop_assert_eq!(found, naive.collect::<Vec<_>>());
        }
    }
}
