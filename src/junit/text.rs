//! Text of reports: damage, references, and long text of which head and tail are kept.

use std::borrow::Cow;
use std::fmt::Write;

use encoding_rs::WINDOWS_1252;
use memchr::memchr;
use quick_xml::escape::resolve_xml_entity;

/// Bytes as text. Bytes that are no UTF-8 become U+FFFD where UTF-8 was `declared` or other characters of the piece are
/// UTF-8; else the piece is read as Windows-1252, the superset of Latin-1. The flag says whether there was damage.
pub(super) fn decode(bytes: &[u8], declared: bool) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) if declared || has_utf8(bytes) => (String::from_utf8_lossy(bytes), true),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0, true),
    }
}

/// Whether some character beyond ASCII is valid UTF-8.
fn has_utf8(bytes: &[u8]) -> bool {
    bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii())
}

/// Appends `text` with its references resolved: the five that XML knows, and those by number. Others, and lone
/// ampersands, stay as they are. Characters that do not exist become U+FFFD. Returns whether all was well.
pub(super) fn unescape(text: &str, out: &mut String) -> bool {
    let mut rest = text;
    let mut is_well = true;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let window = &rest.as_bytes()[..rest.len().min(14)];
        let Some(end) = memchr(b';', window) else {
            out.push('&');
            rest = &rest[1..];
            is_well = false;
            continue;
        };
        let name = &rest[1..end];
        if let Some(number) = name.strip_prefix('#') {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            match code {
                Ok(0) => out.push('\u{fffd}'),
                Ok(code) => out.push(char::from_u32(code).unwrap_or('\u{fffd}')),
                Err(_) => {
                    out.push_str(&rest[..=end]);
                    is_well = false;
                }
            }
        } else if let Some(value) = resolve_xml_entity(name) {
            out.push_str(value);
        } else {
            out.push('&');
            rest = &rest[1..];
            is_well = false;
            continue;
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    is_well
}

/// Collects text of any length and keeps its head and its tail, `limit` bytes in all: two thirds head.
#[derive(Debug, Default)]
pub(super) struct Kept {
    head: Vec<u8>,
    tail: Vec<u8>,
    limit: usize,
    dropped: u64,
}

impl Kept {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    fn head_room(&self) -> usize {
        self.limit - self.limit / 3
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.head_room() - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let tail_room = self.limit / 3;
        if rest.len() >= 2 * tail_room {
            self.dropped += (self.tail.len() + rest.len() - tail_room) as u64;
            self.tail.clear();
            self.tail.extend_from_slice(&rest[rest.len() - tail_room..]);
        } else {
            self.tail.extend_from_slice(rest);
            if self.tail.len() > 2 * tail_room {
                self.trim();
            }
        }
    }

    fn trim(&mut self) {
        let excess = self.tail.len().saturating_sub(self.limit / 3);
        self.tail.drain(..excess);
        self.dropped += excess as u64;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.head.clear();
        self.tail.clear();
        self.dropped = 0;
    }

    /// What was kept, with a line that says how much was not; clears.
    pub(super) fn take(&mut self) -> String {
        self.trim();
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if self.dropped == 0 {
            self.head.extend_from_slice(&self.tail);
            text = String::from_utf8_lossy(&self.head).into_owned();
        } else {
            let cut = text.trim_end_matches('\u{fffd}').len();
            text.truncate(cut);
            let _ = write!(text, "\n[… {} bytes left out …]\n", self.dropped);
            text.push_str(String::from_utf8_lossy(&self.tail).trim_start_matches('\u{fffd}'));
        }
        self.clear();
        text
    }
}

/// How an escape character is spelled by those who must not write one.
const VISIBLE: [&str; 8] = [
    "#x1B",
    "\\x1B",
    "\\x1b",
    "\\u001b",
    "\\u001B",
    "\\e",
    "[NON-XML-CHAR-0x1B]",
    "&#27;",
];

/// A message or stack without terminal colours: escape sequences, raw or visible, are taken out, line ends become `\n`,
/// other control characters U+FFFD, and white space around is trimmed.
pub(super) fn clean(text: &str) -> String {
    let trimmed = text.trim();
    let is_plain = trimmed.bytes().all(|byte| {
        !matches!(byte, 0..=8 | 0x0b..=0x1f | 0x7f | b'\\' | b'#') && byte != b'&' && byte != b'['
    });
    if is_plain {
        return trimmed.to_owned();
    }
    let mut out = String::with_capacity(trimmed.len());
    let mut rest = trimmed;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = escape(rest) {
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\r' if rest.starts_with('\n') => {}
            '\r' => out.push('\n'),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// What follows the escape sequence at the start of `text`; `None` where there is none.
fn escape(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('\u{1b}') {
        return Some(sequence(rest).unwrap_or(rest));
    }
    if let Some(rest) = text.strip_prefix('\u{9b}') {
        return control_sequence(rest);
    }
    if !text.starts_with(['#', '\\', '[', '&']) {
        return None;
    }
    let rest = VISIBLE.iter().find_map(|form| text.strip_prefix(form))?;
    // without a colour behind it, it is only text
    sequence(rest)
}

/// After the escape character: `[31m`, or `]8;;link` up to its end.
fn sequence(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('[') {
        return control_sequence(rest);
    }
    let rest = text.strip_prefix(']')?;
    let end = rest.find(['\u{7}', '\u{1b}'])?;
    let after = &rest[end + 1..];
    Some(after.strip_prefix('\\').unwrap_or(after))
}

fn control_sequence(text: &str) -> Option<&str> {
    let end = text
        .bytes()
        .take(32)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':' | b'?' | b' '))?;
    matches!(text.as_bytes()[end], b'@'..=b'~').then(|| &text[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unescaped(text: &str) -> (String, bool) {
        let mut out = String::new();
        let is_well = unescape(text, &mut out);
        (out, is_well)
    }

    #[test]
    fn references_are_resolved_and_nothing_else_is_expanded() {
        assert_eq!(
            unescaped("a&lt;b&#x41;&#10;&amp;amp;"),
            ("a<bA\n&amp;".into(), true)
        );
        assert_eq!(unescaped("&#27;"), ("\u{1b}".into(), true));
        assert_eq!(unescaped("&#0;&#xD800;"), ("\u{fffd}\u{fffd}".into(), true));
        assert_eq!(unescaped("&lol9; & &"), ("&lol9; & &".into(), false));
        assert_eq!(unescaped("&#xZZ;"), ("&#xZZ;".into(), false));
    }

    #[test]
    fn damage_is_latin_1_only_where_nothing_speaks_for_utf_8() {
        assert_eq!(decode(b"caf\xe9", false), ("café".into(), true));
        assert_eq!(decode(b"caf\xe9", true), ("caf\u{fffd}".into(), true));
        assert_eq!(decode(b"\xc3\xa9\xff", false), ("é\u{fffd}".into(), true));
    }

    #[test]
    fn colours_go_and_text_stays() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(clean("#x1B[1;31mred#x1B[0m C#x"), "red C#x");
        assert_eq!(clean("\\x1B[32mok\\e[0m [NON-XML-CHAR-0x1B][1mx"), "ok x");
        assert_eq!(clean("a\u{1b}b\r\nc\rd\u{1}"), "ab\nc\nd\u{fffd}");
        assert_eq!(clean(" a[0] == \\x1Band "), "a[0] == \\x1Band");
    }

    #[test]
    fn long_text_keeps_head_and_tail() {
        let mut kept = Kept::new(30);
        for _ in 0..1000 {
            kept.push(b"0123456789");
        }
        kept.push(b"the end");
        let text = kept.take();
        assert_eq!(
            text,
            "01234567890123456789\n[… 9977 bytes left out …]\n789the end"
        );
        assert!(kept.is_empty());
    }

    proptest! {
        #[test]
        fn short_text_is_kept_whole(parts in proptest::collection::vec("[a-zé]{0,9}", 0..5)) {
            let mut kept = Kept::new(300);
            for part in &parts {
                kept.push(part.as_bytes());
            }
            prop_assert_eq!(kept.take(), parts.concat());
        }

        #[test]
        fn any_text_is_cleaned_without_a_panic_and_once_is_enough(text in "\\PC{0,40}|[\u{1b}\\[\\]0-9;mx#e\\\\&B ]{0,40}") {
            let once = clean(&text);
            let has_escape = once.contains('\u{1b}');
            prop_assert!(!has_escape);
        }

        #[test]
        fn memory_is_bounded(parts in proptest::collection::vec(0usize..200, 0..50), limit in 3usize..90) {
            let mut kept = Kept::new(limit);
            for part in parts {
                kept.push(&vec![b'x'; part]);
                prop_assert!(kept.head.len() + kept.tail.len() <= 2 * limit);
            }
        }
    }
}
