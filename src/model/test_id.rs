//! Which test: its parts, and what varies between executions of the same test.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Between the parts of a [`TestId`]. Does not occur in a part.
const BETWEEN_PARTS: char = '\u{1f}';
/// Between the levels of the suite path. Does not occur in a level.
const BETWEEN_LEVELS: char = '\u{1e}';

/// The identity of a test as its reports name it: file, suite path, class, name, parameters, each empty where the
/// producer has none. What varies between workers, browsers and shards is no part of it (see [`Variant`]).
///
/// Kept as one string with separators, so that ten thousand ids are ten thousand allocations and no more; equality,
/// order and hash are those of the parts.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct TestId(Box<str>);

/// The parts of a [`TestId`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TestParts<'a> {
    /// The file, only where class and name do not tell the test apart without it.
    pub file: &'a str,
    /// The suites around the test, outermost first, as far as they are the same in every run.
    pub suite: &'a [&'a str],
    /// The class, module, package or binary.
    pub class: &'a str,
    /// The test function or title.
    pub name: &'a str,
    /// The parameters of a parametrized test, without brackets; `#2` for the second of several rows of one name.
    pub params: &'a str,
}

impl TestId {
    /// The id with these parts. Separator characters (U+001E, U+001F) inside a part become U+FFFD.
    pub fn new(parts: TestParts<'_>) -> Self {
        let length = parts.file.len()
            + parts
                .suite
                .iter()
                .map(|level| level.len() + 1)
                .sum::<usize>()
            + parts.class.len()
            + parts.name.len()
            + parts.params.len();
        let mut text = String::with_capacity(length + 4);
        push(&mut text, parts.file);
        text.push(BETWEEN_PARTS);
        for (index, level) in parts.suite.iter().enumerate() {
            if index > 0 {
                text.push(BETWEEN_LEVELS);
            }
            push(&mut text, level);
        }
        for part in [parts.class, parts.name, parts.params] {
            text.push(BETWEEN_PARTS);
            push(&mut text, part);
        }
        Self(text.into_boxed_str())
    }

    /// The id of a test that has a class and a name only.
    pub fn of(class: &str, name: &str) -> Self {
        Self::new(TestParts {
            class,
            name,
            ..TestParts::default()
        })
    }

    /// The id that [`TestId::key`] gave; `None` for a text that is none.
    pub fn from_key(key: &str) -> Option<Self> {
        (key.matches(BETWEEN_PARTS).count() == 4).then(|| Self(key.into()))
    }

    /// All parts in one text, for stores and hashes. Not for people.
    pub fn key(&self) -> &str {
        &self.0
    }

    /// The file, or nothing.
    pub fn file(&self) -> &str {
        self.part(0)
    }

    /// The suites around the test, outermost first.
    pub fn suite(&self) -> impl Iterator<Item = &str> {
        let suite = self.part(1);
        suite
            .split(BETWEEN_LEVELS)
            .filter(move |_| !suite.is_empty())
    }

    /// The class, module, package or binary, or nothing.
    pub fn class(&self) -> &str {
        self.part(2)
    }

    /// The test function or title.
    pub fn name(&self) -> &str {
        self.part(3)
    }

    /// The parameters, or nothing.
    pub fn params(&self) -> &str {
        self.part(4)
    }

    /// The same test with other parameters.
    pub fn with_params(&self, params: &str) -> Self {
        let suite: Vec<&str> = self.suite().collect();
        Self::new(TestParts {
            file: self.file(),
            suite: &suite,
            class: self.class(),
            name: self.name(),
            params,
        })
    }

    fn part(&self, index: usize) -> &str {
        self.0.split(BETWEEN_PARTS).nth(index).unwrap_or_default()
    }
}

fn push(text: &mut String, part: &str) {
    if memchr::memchr2(0x1e, 0x1f, part.as_bytes()).is_some() {
        text.push_str(&part.replace([BETWEEN_PARTS, BETWEEN_LEVELS], "\u{fffd}"));
    } else {
        text.push_str(part);
    }
}

impl fmt::Display for TestId {
    /// `file > suite > class::name[params]`, without what is empty; control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        if !self.file().is_empty() {
            text.push_str(self.file());
            text.push_str(" > ");
        }
        for level in self.suite() {
            text.push_str(level);
            text.push_str(" > ");
        }
        if !self.class().is_empty() {
            text.push_str(self.class());
            text.push_str("::");
        }
        text.push_str(self.name());
        if !self.params().is_empty() {
            text.push('[');
            text.push_str(self.params());
            text.push(']');
        }
        for c in text.chars() {
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

/// What sets executions of one test apart without making it another test: the browser, the operating system, the
/// worker. Keys and values, sorted by key; empty for most.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Variant(Vec<(String, String)>);

impl Variant {
    /// The variant with these keys and values. A key that comes twice keeps its last value; `;`, `=` and control
    /// characters become `_`.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let plain =
            |text: &str| text.replace(|c: char| c == ';' || c == '=' || c.is_control(), "_");
        let map: std::collections::BTreeMap<String, String> = pairs
            .into_iter()
            .map(|(key, value)| (plain(key.as_ref()), plain(value.as_ref())))
            .collect();
        Self(map.into_iter().collect())
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Self {
        Self::new(text.split(';').filter_map(|pair| pair.split_once('=')))
    }

    /// Whether nothing varies.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and values, by key.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl fmt::Display for Variant {
    /// `browser=firefox;os=linux`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let between = if index > 0 { ";" } else { "" };
            write!(f, "{between}{key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_come_back_as_they_were_given(
            file in "[^\u{1e}\u{1f}]{0,8}", suite in proptest::collection::vec("[^\u{1e}\u{1f}]{1,8}", 0..4),
            class in "[^\u{1e}\u{1f}]{0,8}", name in "[^\u{1e}\u{1f}]{0,8}", params in "[^\u{1e}\u{1f}]{0,8}",
        ) {
            let levels: Vec<&str> = suite.iter().map(String::as_str).collect();
            let id = TestId::new(TestParts { file: &file, suite: &levels, class: &class, name: &name, params: &params });
            prop_assert_eq!(id.file(), &file);
            prop_assert_eq!(id.suite().collect::<Vec<_>>(), levels);
            prop_assert_eq!((id.class(), id.name(), id.params()), (&*class, &*name, &*params));
            prop_assert_eq!(TestId::from_key(id.key()), Some(id));
        }

        #[test]
        fn variants_are_read_back(pairs in proptest::collection::vec(("[a-z]{1,4}", "[a-zA-Z0-9 ]{0,4}"), 0..4)) {
            let variant = Variant::new(pairs);
            prop_assert_eq!(Variant::parse(&variant.to_string()), variant);
        }
    }

    #[test]
    fn a_separator_in_a_name_makes_no_other_test() {
        let id = TestId::of("a\u{1f}b", "c");
        assert_eq!((id.class(), id.name()), ("a\u{fffd}b", "c"));
    }

    #[test]
    fn people_see_no_control_characters() {
        assert_eq!(TestId::of("suite", "a\rb").to_string(), "suite::a\\rb");
    }
}
