//! Small readers of text that the case files use: escapes, words, lists, patterns.

/// Reads `\n`, `\t`, `\r`, `\0`, `\\`, `\"`, `\s` (a space) and `\xNN`; everything else stands for itself.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let (byte, used) = match tail {
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'r', ..] => (b'\r', 1),
            [b'0', ..] => (0, 1),
            [b's', ..] => (b' ', 1),
            [b'x', high, low, ..] if hex(*high).is_some() && hex(*low).is_some() => (
                hex(*high).unwrap_or_default() * 16 + hex(*low).unwrap_or_default(),
                3,
            ),
            [other, ..] => (*other, 1),
            [] => (b'\\', 0),
        };
        out.push(byte);
        rest = &tail[used..];
    }
    out
}

/// The same where the result is text.
pub(crate) fn unescape_text(text: &str) -> String {
    String::from_utf8_lossy(&unescape(text)).into_owned()
}

/// Splits at spaces, except inside single quotes, and reads escapes.
pub(crate) fn words(line: &str) -> Vec<Vec<u8>> {
    let (mut out, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    out.push(unescape(&word));
                }
                word.clear();
                any = false;
            }
            _ => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        out.push(unescape(&word));
    }
    out
}

/// Splits at commas and reads escapes; empty items vanish.
pub(crate) fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(unescape_text)
        .collect()
}

/// Whether a pattern, in which `*` stands for any text, fits the whole of `text`.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[test]
fn escapes_give_raw_bytes_and_keep_what_they_do_not_know() {
    assert_eq!(unescape(r"a\xff\n\\\sb"), b"a\xff\n\\ b");
    assert_eq!(unescape(r"\xg"), b"xg");
}

#[test]
fn words_keep_quoted_spaces() {
    assert_eq!(words("add 'a b' c"), [&b"add"[..], b"a b", b"c"]);
}

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*", "abc", true),
        ("a*c", "abc", true),
        ("a*b*d", "a-b-c-d", true),
        ("a*c", "ab", false),
        ("abc", "abcd", false),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
    }
}
