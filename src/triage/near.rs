//! How far two masked texts are apart, and which texts can be near at all.
//!
//! Distance is an edit distance over words and signs, each as heavy as it is long; blanks weigh nothing. Two texts are
//! near when it is under a tenth of their mean weight (the bound of Kubernetes triage), and the words are the same in
//! their first lines, unless these are long, and in all lines that tell an error: there another word is another failure.
//!
//! Candidates come from an index that misses none (prefix filtering, as in set-similarity joins): put the words of
//! both texts into one order, rarest first; whatever is near shares one of the first words that weigh more than the
//! bound.

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

/// Near is less than this share of the mean weight.
const SHARE: f64 = 0.1;
/// Words are put into so many heaps for a first look.
const SHARES: usize = 64;
/// First lines with more words may differ in some.
const SHORT: usize = 24;

/// A text as words and signs.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// Hash and weight of each, in order.
    words: Vec<(u64, u32)>,
    /// The same, sorted.
    sorted: Vec<(u64, u32)>,
    /// The weights of words, by bits of their hashes.
    shares: Box<[u32; SHARES]>,
    weight: u32,
    /// The words of the first line, where that is short, and of all lines that tell an error.
    line: u64,
}

impl Words {
    /// Cost: one pass.
    pub(super) fn of(text: &str) -> Self {
        let mut words = Vec::new();
        let mut weight = 0;
        each(text, |word| {
            let heavy = word.chars().count() as u32;
            weight += heavy;
            words.push((xxh3_64(word.as_bytes()), heavy));
        });
        let mut line = String::new();
        let mut count = 0;
        let mut lines = text.lines();
        each(lines.next().unwrap_or_default(), |word| {
            count += keep(word, &mut line)
        });
        let short = count <= SHORT;
        if !short {
            line.clear();
        }
        for error in lines.filter(|line| says_error(line)) {
            each(error, |word| _ = keep(word, &mut line));
        }
        let mut sorted = words.clone();
        sorted.sort_unstable();
        let mut shares = Box::new([0; SHARES]);
        for (word, weight) in &words {
            shares[*word as usize % SHARES] += weight;
        }
        Self {
            words,
            sorted,
            shares,
            weight,
            line: xxh3_64(line.as_bytes()),
        }
    }

    /// The bound for this text and any that is near it.
    fn most(&self) -> f64 {
        // the heaviest near text weighs (1 + s/2) / (1 - s/2) times as much
        let heaviest = (1.0 + SHARE / 2.0) / (1.0 - SHARE / 2.0);
        SHARE * f64::from(self.weight) * (1.0 + heaviest) / 2.0
    }

    /// A first bound from below, from heaps of words: cheap. `None` where the texts cannot be near by it, by their weights
    /// or by their lines.
    pub(super) fn glance(&self, other: &Self) -> Option<u32> {
        if !self.may_be_near(other) {
            return None;
        }
        let heaps = self.shares.iter().zip(other.shares.iter());
        let apart: u32 = heaps.map(|(a, b)| a.abs_diff(*b)).sum();
        let half = apart.div_ceil(2);
        (f64::from(half) < self.bound(other)).then_some(half)
    }

    /// A bound from below: what words each has that the other has not weigh so much. `None` where the texts cannot be
    /// near by it.
    pub(super) fn at_least(&self, other: &Self) -> Option<u32> {
        self.glance(other)?;
        let (mut a, mut b) = (
            self.sorted.iter().peekable(),
            other.sorted.iter().peekable(),
        );
        let (mut gone, mut new) = (0, 0);
        let bound = self.bound(other);
        // each heap's difference is in `gone` or in `new`
        let heaps = self.shares.iter().zip(other.shares.iter());
        let apart: u32 = heaps.map(|(a, b)| a.abs_diff(*b)).sum();
        if f64::from(apart) / 2.0 >= bound {
            return None;
        }
        while f64::from(gone.max(new)) < bound {
            match (a.peek(), b.peek()) {
                (None, None) => break,
                (Some(x), Some(y)) if x == y => {
                    a.next();
                    b.next();
                }
                (Some(x), y) if y.is_none_or(|y| *x < y) => {
                    gone += x.1;
                    a.next();
                }
                (_, y) => {
                    new += y.map_or(0, |y| y.1);
                    b.next();
                }
            }
        }
        let most = gone.max(new);
        (f64::from(most) < self.bound(other)).then_some(most)
    }

    fn bound(&self, other: &Self) -> f64 {
        SHARE * (f64::from(self.weight) + f64::from(other.weight)) / 2.0
    }

    /// Whether the texts can be near by their weights and first lines.
    fn may_be_near(&self, other: &Self) -> bool {
        let bound = self.bound(other);
        self.line == other.line && f64::from(self.weight.abs_diff(other.weight)) < bound
    }

    /// The distance, where the texts are near.
    ///
    /// Cost: the words in which they differ, squared at worst; linear in what they begin and end with alike.
    pub(super) fn near(&self, other: &Self) -> Option<u32> {
        let bound = self.bound(other);
        let least = self.at_least(other)?;
        let bound = bound.ceil() as u32; // less than the bound is at most its ceiling minus one
        distance(&self.words, &other.words, least, bound).filter(|d| *d < bound)
    }
}

/// Puts a word that holds a letter behind others; 1 where it does.
fn keep(word: &str, line: &mut String) -> usize {
    if !word.contains(char::is_alphabetic) {
        return 0;
    }
    line.extend(word.chars().filter(|c| *c != '#'));
    line.push(' ');
    1
}

/// What compilers, linkers and runtimes begin their complaint with.
fn says_error(line: &str) -> bool {
    ["rror:", "fatal:", "undefined reference", "panicked at"]
        .iter()
        .any(|sign| line.contains(sign))
}

fn each(text: &str, mut take: impl FnMut(&str)) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = if is_word(c) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            take(&rest[..end]);
        }
        rest = &rest[end..];
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '#' | '$')
}

/// The weighted edit distance, `None` where it is `bound` or more. Tries small distances first: cells further from the
/// diagonal than the distance tried for are not looked at. The distance is `least` or more.
fn distance(a: &[(u64, u32)], b: &[(u64, u32)], least: u32, bound: u32) -> Option<u32> {
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    let mut tried = (2 * least).max(16).min(bound);
    loop {
        match banded(a, b, tried) {
            Some(found) => return Some(found),
            None if tried >= bound => return None,
            None => tried = (tried * 4).min(bound),
        }
    }
}

fn banded(a: &[(u64, u32)], b: &[(u64, u32)], bound: u32) -> Option<u32> {
    const FAR: u32 = u32::MAX / 2;
    let mut columns = Vec::with_capacity(b.len() + 1);
    columns.push(0);
    let mut sum = 0;
    for (_, weight) in b {
        sum += weight;
        columns.push(sum);
    }
    let mut row: Vec<u32> = columns
        .iter()
        .map(|sum| if *sum < bound { *sum } else { FAR })
        .collect();
    // columns whose weight is as far from the row's as the bound are out of the band
    let (mut from, mut here) = (0, 0);
    for (x, heavy) in a {
        here += heavy;
        let mut corner = row[from];
        while from < columns.len() && columns[from] + bound <= here {
            corner = row[from];
            row[from] = FAR;
            from += 1;
        }
        let mut at = from;
        if from == 0 {
            corner = row[0];
            row[0] = here.min(FAR);
            at = 1;
        }
        let mut least = if from == 0 { row[0] } else { FAR };
        while at < columns.len() && columns[at] < here + bound {
            let (y, light) = &b[at - 1];
            let swapped = corner + if x == y { 0 } else { *heavy.max(light) };
            corner = row[at];
            row[at] = swapped
                .min(corner + heavy)
                .min(row[at - 1] + light)
                .min(FAR);
            least = least.min(row[at]);
            at += 1;
        }
        if least >= bound {
            return None;
        }
    }
    row.last().copied().filter(|d| *d < bound)
}

/// A word and how often it came before in its text.
type Place = (u64, u32);

/// Finds those among many texts that can be near a given one.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// In how many texts each word is.
    common: FxHashMap<Place, u32>,
    /// By word and line: texts whose lines differ are not near.
    places: FxHashMap<(Place, u64), Vec<u32>>,
    /// For each text, the question it last was an answer to.
    asked: Vec<u32>,
    question: u32,
}

impl Index {
    /// Counts the words of a text that will be asked for or added. To be done for all before the first is added.
    pub(super) fn count(&mut self, words: &Words) {
        for (place, _) in numbered(words) {
            *self.common.entry(place).or_default() += 1;
        }
    }

    /// Adds a text under a number.
    pub(super) fn add(&mut self, number: u32, words: &Words) {
        let asked = self.asked.len().max(number as usize + 1);
        self.asked.resize(asked, 0);
        for place in self.first(words) {
            let key = (place, words.line);
            self.places.entry(key).or_default().push(number);
        }
    }

    /// The numbers of all texts that can be near, and of some that are not; each once.
    pub(super) fn candidates(&mut self, words: &Words) -> Vec<u32> {
        self.question += 1;
        let mut found = Vec::new();
        for place in self.first(words) {
            for number in self.places.get(&(place, words.line)).into_iter().flatten() {
                let asked = &mut self.asked[*number as usize];
                if *asked != self.question {
                    *asked = self.question;
                    found.push(*number);
                }
            }
        }
        found
    }

    /// The rarest words of a text that together weigh at least its bound.
    fn first(&self, words: &Words) -> Vec<Place> {
        let mut all = numbered(words);
        all.sort_unstable_by_key(|(place, _)| {
            (self.common.get(place).copied().unwrap_or(0), *place)
        });
        let most = words.most();
        let mut sum = 0.0;
        let heavy_enough = all.iter().take_while(|(_, weight)| {
            let takes = sum <= most;
            sum += f64::from(*weight);
            takes
        });
        heavy_enough.map(|(place, _)| *place).collect()
    }
}

fn numbered(words: &Words) -> Vec<(Place, u32)> {
    let mut seen: FxHashMap<u64, u32> = FxHashMap::default();
    let place = |(word, weight): &(u64, u32)| {
        let times = seen.entry(*word).or_default();
        *times += 1;
        ((*word, *times), *weight)
    };
    words.words.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: &str, b: &str) -> Option<u32> {
        Words::of(a).near(&Words::of(b))
    }

    #[test]
    fn a_short_line_with_another_word_is_another_failure() {
        assert_eq!(near("no such key: alpha", "no such key: alpha"), Some(0));
        assert_eq!(
            near(
                "m041.total() returned #, expected #",
                "m042.total() returned #, expected #"
            ),
            None
        );
        assert_eq!(
            near(
                "could not connect to the database at all: #",
                "could not connect to the database at all, #"
            ),
            Some(1)
        );
        assert_eq!(near("", ""), None);
    }

    #[test]
    fn long_texts_may_differ_in_a_tenth() {
        let text = |word: &str| {
            format!(
                "build failed\n{} {word} {}",
                "some words ".repeat(9),
                "that follow ".repeat(9)
            )
        };
        assert_eq!(near(&text("one"), &text("two")), Some(3));
        assert_eq!(
            near(&text("\nerror: no x\n"), &text("\nerror: no y\n")),
            None
        );
        assert_eq!(near(&text("one"), &text(&"another ".repeat(4))), None);
    }

    proptest! {
        /// Against the plain recurrence.
        #[test]
        fn distances_are_right(a in "[abc ]{0,30}", b in "[abc ]{0,30}", bound in 1u32..40) {
            let (x, y) = (Words::of(&a), Words::of(&b));
            let mut row: Vec<u32> = std::iter::once(0).chain(y.words.iter().scan(0, |sum, word| { *sum += word.1; Some(*sum) })).collect();
            for one in &x.words {
                let mut corner = row[0];
                row[0] += one.1;
                for (at, other) in y.words.iter().enumerate() {
                    let swapped = corner + if one == other { 0 } else { one.1.max(other.1) };
                    corner = row[at + 1];
                    row[at + 1] = swapped.min(corner + one.1).min(row[at] + other.1);
                }
            }
            let plain = row.last().copied().filter(|d| *d < bound);
            prop_assert_eq!(distance(&x.words, &y.words, 0, bound), plain);
            if let Some(least) = x.at_least(&y) {
                prop_assert!(x.near(&y).is_none_or(|d| least <= d));
            }
        }

        /// What what the index is for.
        #[test]
        fn nothing_near_is_missed(texts in prop::collection::vec("x[ab ]{4,40}( [a-d]{1,9}){0,3}", 2..9)) {
            let words: Vec<Words> = texts.iter().map(|text| Words::of(&format!("t\n{text}"))).collect();
            let mut index = Index::default();
            words.iter().for_each(|words| index.count(words));
            for (number, words) in words.iter().enumerate() {
                index.add(number as u32, words);
            }
            for one in &words {
                let candidates = index.candidates(one);
                for (number, other) in words.iter().enumerate() {
                    prop_assert_eq!(one.near(other), other.near(one));
                    if one.near(other).is_some() {
                        prop_assert!(candidates.contains(&(number as u32)));
                    }
                }
            }
        }
    }
}
