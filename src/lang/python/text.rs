//! Texts that are known in full, or by how they begin and end.

use super::source::{OWN_DIR, OWN_FILE};

/// How many texts an expression may have before it counts as unknown.
pub(super) const MANY: usize = 200;
/// What is known of a text: the whole, or how it begins and ends.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub(super) struct Text {
    /// How it begins; the whole text where `exact`.
    pub(super) prefix: String,
    /// How it ends, where not `exact`.
    pub(super) suffix: String,
    /// Nothing is between.
    pub(super) exact: bool,
}

impl Text {
    /// A text known in full.
    pub(super) fn exact(text: impl Into<String>) -> Self {
        Self {
            prefix: text.into(),
            suffix: String::new(),
            exact: true,
        }
    }

    /// Whether nothing at all is known.
    pub(super) fn is_unknown(&self) -> bool {
        !self.exact && self.prefix.is_empty() && self.suffix.is_empty()
    }

    /// This text with another after it.
    pub(super) fn then(&self, next: &Text) -> Text {
        let join = |a: &str, b: &str| [a, b].concat();
        match (self.exact, next.exact) {
            (true, true) => Text::exact(join(&self.prefix, &next.prefix)),
            (true, false) => Text {
                prefix: join(&self.prefix, &next.prefix),
                ..next.clone()
            },
            (false, true) => Text {
                suffix: join(&self.suffix, &next.prefix),
                ..self.clone()
            },
            (false, false) => Text {
                prefix: self.prefix.clone(),
                suffix: next.suffix.clone(),
                exact: false,
            },
        }
    }

    /// This path with another below it.
    pub(super) fn slash(&self, next: &Text) -> Text {
        if next.exact && next.prefix.starts_with('/') {
            return next.clone();
        }
        if self.exact && self.prefix.is_empty() {
            return next.clone();
        }
        let ends = if self.exact {
            &self.prefix
        } else {
            &self.suffix
        };
        if ends.ends_with('/') {
            self.then(next)
        } else {
            self.then(&Text::exact("/")).then(next)
        }
    }

    /// The directory around this path.
    pub(super) fn parent(&self) -> Text {
        if !self.exact {
            return Text::default();
        }
        let path = self.prefix.trim_end_matches('/');
        if path.chars().eq([OWN_FILE]) {
            return Text::exact(OWN_DIR);
        }
        match path.rsplit_once('/') {
            Some((dir, last)) if last != ".." && !last.is_empty() => Text::exact(dir),
            _ => Text::exact(format!("{path}/..")),
        }
    }
}

/// Nothing is known.
pub(super) fn unknown() -> Vec<Text> {
    vec![Text::default()]
}

/// Every text of one side joined with every text of the other.
pub(super) fn product(left: &[Text], right: &[Text], join: fn(&Text, &Text) -> Text) -> Vec<Text> {
    if left.len() * right.len() > MANY {
        let mut left = left.to_vec();
        left.dedup();
        // Too many: what all have in common is not worth finding, but a single side still is.
        return match (&left[..], right) {
            ([one], _) => vec![join(one, &Text::default())],
            (_, [one]) => vec![join(&Text::default(), one)],
            _ => unknown(),
        };
    }
    let pairs = left
        .iter()
        .flat_map(|l| right.iter().map(move |r| join(l, r)));
    pairs.collect()
}

/// Each text once; nothing at all where one of them is unknown.
pub(super) fn tidy(mut all: Vec<Text>) -> Vec<Text> {
    if all.len() > 1 {
        all.sort();
        all.dedup();
    }
    if all.is_empty() || all.len() > MANY || all.iter().any(Text::is_unknown) {
        return unknown();
    }
    all
}
