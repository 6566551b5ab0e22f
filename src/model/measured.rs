//! What coverage measured, test by test.

use std::ops::RangeInclusive;

/// What one measurement recorded.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Measured {
    /// The measured files, spelled as the producer did.
    pub files: Vec<String>,
    /// Who ran what. Several may bear one name.
    pub contexts: Vec<MeasuredContext>,
    /// Lines that would show if they ran, by place in [`Measured::files`], where the producer tells.
    pub seen: Vec<(u32, Bits)>,
}

/// What ran under one name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MeasuredContext {
    /// The name of a test as the producer spells it; empty for what ran outside of any test.
    pub name: String,
    /// Lines that ran, by place in [`Measured::files`].
    pub lines: Vec<(u32, Bits)>,
}

impl MeasuredContext {
    /// Whether any line ran.
    pub fn ran(&self) -> bool {
        self.lines.iter().any(|(_, lines)| !lines.is_empty())
    }
}

/// A set of small numbers: 1-based lines, or places of tests. Number `n` is bit `n % 8` of byte `n / 8`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bits(Vec<u8>);

impl Bits {
    /// The largest number that is kept, so that no input can ask for much memory.
    pub const MAX: u32 = 4_000_000;

    /// The set that has these bits.
    pub fn from_bits(mut bits: Vec<u8>) -> Self {
        bits.truncate(Self::MAX as usize / 8);
        Self(bits)
    }

    /// Adds a number.
    pub fn insert(&mut self, number: u32) {
        let (byte, bit) = (number as usize / 8, number % 8);
        if number > Self::MAX {
            return;
        }
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        self.0[byte] |= 1 << bit;
    }

    /// Whether one of these numbers is in the set.
    pub fn meets(&self, numbers: RangeInclusive<u32>) -> bool {
        let (first, last) = (*numbers.start() as usize, *numbers.end() as usize);
        let bytes = self.0.iter().enumerate().skip(first / 8);
        bytes
            .take_while(|(byte, _)| *byte <= last / 8)
            .any(|(byte, &bits)| {
                let from = first.saturating_sub(byte * 8).min(7);
                let to = (last - byte * 8).min(7);
                bits & (0xff << from) & (0xff >> (7 - to)) != 0
            })
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let bytes = self.0.iter().enumerate();
        bytes.flat_map(|(byte, bits)| {
            (0..8)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| byte as u32 * 8 + bit)
        })
    }

    /// Whether the number is in the set.
    pub fn contains(&self, number: u32) -> bool {
        self.meets(number..=number)
    }

    /// The smallest number.
    pub fn first(&self) -> Option<u32> {
        self.iter().next()
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Whether the sets share a number.
    pub fn shares(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Takes the numbers of another set away.
    pub fn remove(&mut self, other: &Self) {
        for (own, less) in self.0.iter_mut().zip(&other.0) {
            *own &= !less;
        }
    }

    /// Keeps only the numbers of another set.
    pub fn keep(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        for (own, kept) in self.0.iter_mut().zip(&other.0) {
            *own &= kept;
        }
    }

    /// Adds the numbers of another set.
    pub fn extend(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (own, more) in self.0.iter_mut().zip(&other.0) {
            *own |= more;
        }
    }
}

impl FromIterator<u32> for Bits {
    fn from_iter<T: IntoIterator<Item = u32>>(numbers: T) -> Self {
        let mut set = Self::default();
        numbers.into_iter().for_each(|number| set.insert(number));
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_answer_as_a_set(
            lines in proptest::collection::btree_set(0u32..200, 0..20),
            more in proptest::collection::btree_set(0u32..200, 0..20),
            (from, len) in (0u32..220, 0u32..30),
        ) {
            let (set, other): (Bits, Bits) = (lines.iter().copied().collect(), more.iter().copied().collect());
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), lines.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.meets(from..=from + len), lines.range(from..=from + len).next().is_some());
            prop_assert_eq!(set.shares(&other), lines.intersection(&more).next().is_some());
            let mut both = set.clone();
            both.keep(&other);
            prop_assert_eq!(both.iter().collect::<Vec<_>>(), lines.intersection(&more).copied().collect::<Vec<_>>());
            let mut less = set.clone();
            less.remove(&other);
            prop_assert_eq!(less.iter().collect::<Vec<_>>(), lines.difference(&more).copied().collect::<Vec<_>>());
            let mut both = set;
            both.extend(&other);
            prop_assert_eq!(both.iter().collect::<Vec<_>>(), lines.union(&more).copied().collect::<Vec<_>>());
        }
    }
}
