//! What a failure says, without what differs from one time to the next.
//!
//! Two failures with one signature say the same. The text is the exception and its message; what caused it, where a
//! stack says so; and the stack itself only where the message says next to nothing ("Failed"), because frames of the
//! test would tell apart what one fault does to many tests.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::mask::mask;
use crate::model::Failure;

/// The version of masking; part of every id. A change to what is masked takes the next number.
pub const SIGNATURE_VERSION: u32 = 1;

/// Longer texts keep their head and their tail, in bytes.
const LONGEST: usize = 4096;
/// Of texts longer than this, only head and tail are looked at, in bytes.
const LOOKED_AT: usize = 1 << 16;
/// A longer title is cut, in characters.
const TITLE: usize = 200;
/// So many frames in a row are kept.
const FRAMES: u32 = 8;
/// So many causes of a cause are kept.
const CAUSES: usize = 4;

/// A failure's text with everything masked that differs from one time to the next.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Signature {
    text: String,
}

impl Signature {
    /// A signature that was made before, from its [`text`](Self::text).
    pub fn from_text(text: String) -> Self {
        Self { text }
    }

    /// One line for people: the first line, at most 200 characters of it.
    pub fn title(&self) -> String {
        let line = self.text.lines().next().unwrap_or_default();
        match line.char_indices().nth(TITLE) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.to_owned(),
        }
    }

    /// The whole masked text; never empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A number for the text, of this [`SIGNATURE_VERSION`]: the same on every machine and day.
    pub fn id(&self) -> u64 {
        xxh3_64(self.text.as_bytes()) ^ u64::from(SIGNATURE_VERSION).rotate_right(8)
    }
}

impl Signature {
    /// What is left of the first line without names and values: words of letters alone, twelve at most. Failures of one kind
    /// share it although each names another function: `AssertionError returned expected`.
    pub fn shape(&self) -> String {
        let first = self.text.lines().next().unwrap_or_default();
        let word = |token: &str| {
            let word = token.trim_matches(|c: char| c.is_ascii_punctuation());
            let plain = !word.is_empty() && word.chars().all(char::is_alphabetic);
            plain.then(|| word.to_owned())
        };
        let words: Vec<String> = first.split_whitespace().filter_map(word).take(12).collect();
        words.join(" ")
    }
}

/// The signature of a failure.
///
/// Cost: a few passes over the text.
pub fn signature(failure: &Failure) -> Signature {
    let kind = failure.kind.trim();
    let last = mask(kind.rsplit(['.', ':', '\\']).next().unwrap_or_default());
    let message = mask(&ends(failure.message.trim(), LOOKED_AT));
    let mut text = match (last.is_empty(), message.is_empty()) {
        (true, _) => message,
        (false, true) => last,
        (false, false) if message.contains(&last) => message,
        (false, false) => format!("{last}: {message}"),
    };
    let stack = failure.stack.trim();
    if !stack.is_empty() {
        if tells(&text) {
            for cause in causes(stack) {
                if !text.contains(&cause) {
                    let _ = write!(text, "\n{cause}");
                }
            }
        } else {
            let stack = mask(&ends(&upper_frames(stack), LOOKED_AT));
            if stack.starts_with(&text) {
                text = stack;
            } else {
                let separator = if text.is_empty() { "" } else { "\n" };
                let _ = write!(text, "{separator}{stack}");
            }
        }
    }
    if text.is_empty() {
        text.push_str("(no message)");
    }
    if text.len() > LONGEST {
        text = ends(&once_each(&text), LONGEST).into_owned();
    }
    Signature { text }
}

/// Words that any failure may be made of.
const EMPTY: &[&str] = &[
    "actual",
    "assert",
    "assertion",
    "but",
    "code",
    "equal",
    "error",
    "errors",
    "exception",
    "exit",
    "exited",
    "expected",
    "fail",
    "failed",
    "failure",
    "false",
    "for",
    "got",
    "is",
    "not",
    "null",
    "of",
    "run",
    "runtime",
    "test",
    "the",
    "to",
    "true",
    "was",
    "were",
    "with",
];

/// Whether a masked text names anything: two words at least that not every failure may have.
fn tells(text: &str) -> bool {
    let mut found = 0;
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let lower = word.to_lowercase();
        let is_class = lower.len() > 5
            && (lower.ends_with("error")
                || lower.ends_with("exception")
                || lower.ends_with("failure"));
        // `AssertionError` and its kin name nothing, `KeyError` names a little
        let names = word.chars().nth(2).is_some()
            && word.chars().any(char::is_alphabetic)
            && !EMPTY.contains(&lower.as_str())
            && !(is_class && lower.contains("assert"));
        found += usize::from(names);
        if found >= 2 {
            return true;
        }
    }
    false
}

/// What the stack says was behind it, masked.
fn causes(stack: &str) -> impl Iterator<Item = String> {
    let said = stack
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("Caused by"));
    said.take(CAUSES).map(|line| mask(&ends(line, LONGEST)))
}

/// The stack without the frames far from where it was thrown: those of runners, which differ from one to the next.
fn upper_frames(stack: &str) -> String {
    let mut frames = 0;
    let mut out = String::with_capacity(stack.len().min(LONGEST));
    for line in stack.lines() {
        if line.trim_start().starts_with("at ") {
            frames += 1;
        } else {
            frames = 0;
        }
        if frames <= FRAMES {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Head and tail of a text that is longer than `most` bytes.
fn ends(text: &str, most: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let half = most / 2 - 4;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    format!("{}\n…\n{}", &text[..head], &text[tail..]).into()
}

/// The text without lines that were there before.
fn once_each(text: &str) -> String {
    let mut seen = rustc_hash::FxHashSet::default();
    let lines: Vec<&str> = text.lines().filter(|line| seen.insert(*line)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::junit::{Hints, Limits, read};

    fn of(kind: &str, message: &str, stack: &str) -> Signature {
        signature(&Failure {
            kind: kind.into(),
            message: message.into(),
            stack: stack.into(),
        })
    }

    #[test]
    fn a_shape_is_without_names_and_values() {
        let kind = "AssertionError";
        let one = "AssertionError: m044.total() returned 2702, expected 2954";
        let other = "AssertionError: cart.sum() returned 1, expected 3";
        let stack = format!("{one}\n  at tests/test_1.py:3");
        let [one, again, other] =
            [(one, ""), (one, &*stack), (other, "")].map(|(said, stack)| of(kind, said, stack));
        assert_eq!(one.shape(), "AssertionError returned expected");
        assert_eq!(one.shape(), again.shape());
        assert_eq!(one.shape(), other.shape());
        assert_ne!(one, other);
        assert_eq!(one, again);
    }

    #[test]
    fn the_exception_is_named_once() {
        let title = |kind, message| of(kind, message, "").title();
        assert_eq!(title("builtins.KeyError", "KeyError: 'a'"), "KeyError: 'a'");
        assert_eq!(title("java.io.IOException", "gone"), "IOException: gone");
        assert_eq!(title("std::bad_alloc", ""), "bad_alloc");
        assert_eq!(title("", ""), "(no message)");
    }

    #[test]
    fn frames_count_only_where_the_message_is_empty() {
        let one = of("E", "cannot reach the database", "at a.rs:1");
        assert_eq!(one, of("E", "cannot reach the database", "at b.rs:2"));
        let one = of("", "Failed", "    x_test.go:31: no such user");
        assert_eq!(one.text(), "Failed\nx_test.go:#: no such user");
        assert_eq!(one.title(), "Failed");
        assert_ne!(one, of("", "Failed", "    x_test.go:31: no such row"));
    }

    #[test]
    fn what_caused_it_tells_failures_apart() {
        let of = |cause| {
            of(
                "",
                "Failed to load ApplicationContext",
                &format!("at x\nCaused by: {cause}\n\tat y"),
            )
        };
        assert_ne!(of("port 80 in use"), of("no bean named 'clock'"));
        assert_eq!(of("port 80 in use"), of("port 8080 in use"));
    }

    #[test]
    fn long_texts_keep_head_and_tail() {
        let long = |middle: &str| format!("begin\n{}end of it", format!("{middle}\n").repeat(400));
        let one = of("", &long("again and again"), "");
        assert_eq!(one.text(), "begin\nagain and again\nend of it");
        let lines: String = (0..9999)
            .map(|n| format!("name_{}\n", "x".repeat(n % 97)))
            .collect();
        let one = of("", &format!("begin {lines} end"), "");
        assert!(one.text().len() <= LONGEST);
        assert!(one.text().starts_with("begin") && one.text().ends_with("end"));
    }

    #[test]
    fn ids_stay_from_build_to_build() {
        assert_eq!(
            format!("{:016x}", of("", "no such key", "").id()),
            "4ff476ebf85763dc"
        );
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(kind in "\\PC{0,20}", message in any::<String>(), stack in any::<String>()) {
            let one = of(&kind, &message, &stack);
            prop_assert!(!one.text().is_empty());
            prop_assert!(one.title().chars().count() <= TITLE + 1);
            prop_assert_eq!(one.clone(), of(&kind, &message, &stack));
        }
    }

    /// Every failure of the fixtures, by its signature.
    #[test]
    fn signatures_of_the_fixtures() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/junit");
        let mut folders: Vec<_> = std::fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        folders.retain(|path| path.is_dir() && !path.ends_with("invalid"));
        folders.sort();
        let mut out = String::new();
        for folder in folders {
            let mut found: BTreeMap<Signature, u32> = BTreeMap::new();
            let mut files: Vec<_> = std::fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            files.sort();
            for file in files {
                let bytes = std::fs::read(&file).unwrap();
                let hints = Hints {
                    file: file.file_name().unwrap().to_str().unwrap(),
                    ..Hints::default()
                };
                let Ok(report) = read(&bytes[..], &hints, &Limits::default()) else {
                    continue;
                };
                for result in &report.results {
                    let earlier = result.earlier.iter().flat_map(|attempt| &attempt.failures);
                    for failure in result.failures.iter().chain(earlier) {
                        *found.entry(signature(failure)).or_default() += 1;
                    }
                }
            }
            let _ = writeln!(out, "{}", folder.file_name().unwrap().to_str().unwrap());
            for (signature, count) in found {
                let text = signature.text().replace('\n', "\n       | ");
                let _ = writeln!(out, "  {count:>3}  {}", text);
            }
        }
        insta::assert_snapshot!(out);
    }
}
