//! Bytes of a source file → text that is safe to parse.
//!
//! Honours a byte order mark and the coding cookie of the first two lines. Encodings other than UTF-8, ASCII and
//! Latin-1 are read as UTF-8 with replacement characters: names stay readable, since they are nearly always ASCII.

use std::borrow::Cow;

use bstr::ByteSlice;

/// Longer files are not parsed: they are generated, and their names are found by nobody.
pub(super) const TOO_LONG: usize = 5 << 20;

/// Deeper expressions are not parsed. CPython refuses them long before.
const TOO_DEEP: u32 = 3000;
const TOO_MANY_BRACKETS: usize = 250;
const TOO_MANY_INDENTS: usize = 400;

/// A file's text.
pub(super) struct Text<'a> {
    /// The text without byte order mark.
    pub(super) text: Cow<'a, str>,
    /// What could not be decoded.
    pub(super) trouble: Option<String>,
    /// The encoding named by a cookie, where it is not UTF-8.
    pub(super) cookie: Option<&'a [u8]>,
}

/// Decodes a file.
pub(super) fn decode(blob: &[u8]) -> Text<'_> {
    let blob = blob.strip_prefix(b"\xef\xbb\xbf").unwrap_or(blob);
    let cookie = cookie(blob);
    if blob.is_ascii()
        && let Ok(text) = std::str::from_utf8(blob)
    {
        // Every encoding that Python allows for sources agrees on ASCII, but for UTF-16 and -32, which it refuses.
        return Text {
            text: Cow::Borrowed(text),
            trouble: None,
            cookie,
        };
    }
    let latin = cookie.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        matches!(
            &name[..],
            b"latin-1" | b"latin1" | b"iso-8859-1" | b"iso8859-1" | b"iso_8859-1" | b"l1"
        )
    });
    if latin {
        let text: String = blob.iter().map(|&byte| char::from(byte)).collect();
        return Text {
            text: Cow::Owned(text),
            trouble: None,
            cookie,
        };
    }
    let text = String::from_utf8_lossy(blob);
    let trouble = match (&text, cookie) {
        (Cow::Borrowed(_), None) => None,
        (_, Some(name)) => Some(format!(
            "encoding `{}` read as UTF-8",
            String::from_utf8_lossy(name)
        )),
        (Cow::Owned(_), None) => Some("not UTF-8: undecodable bytes replaced".to_owned()),
    };
    Text {
        text,
        trouble,
        cookie,
    }
}

/// Whether no nesting and no chain of operators can come near the limits: true for nearly every file. Brackets in strings
/// and comments count, so `true` is certain and `false` only a reason to look closely.
fn is_flat(bytes: &[u8]) -> bool {
    let (mut depth, mut deepest, mut start, mut longest) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut row = 0;
    for end in bytes.find_iter(b"\n").chain([bytes.len()]) {
        let line = bytes.get(row..end).unwrap_or_default();
        let indent = line
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        if indent >= TOO_MANY_INDENTS {
            return false;
        }
        for &byte in &line[indent..] {
            match BRACKETS[byte as usize] {
                0 => {}
                OPENS => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                _ => depth = depth.saturating_sub(1),
            }
        }
        let ends = line.strip_suffix(b"\r").unwrap_or(line);
        if depth == 0 && !ends.ends_with(b"\\") {
            longest = longest.max(end - start);
            start = end;
        }
        row = end + 1;
    }
    let longest = longest.max(bytes.len() - start);
    deepest < TOO_MANY_BRACKETS / 2 && longest < TOO_DEEP as usize
}

const OPENS: u8 = 1;

/// Which bytes open and close a level.
const BRACKETS: [u8; 256] = {
    let mut kinds = [0; 256];
    kinds[b'(' as usize] = OPENS;
    kinds[b'[' as usize] = OPENS;
    kinds[b'{' as usize] = OPENS;
    kinds[b')' as usize] = 2;
    kinds[b']' as usize] = 2;
    kinds[b'}' as usize] = 2;
    kinds
};

/// Whether the syntax tree of this text would be so deep that walking and dropping it could exhaust the stack.
///
/// An upper bound from one pass over the bytes: operators and words since the last comma, summed over the open
/// brackets, and the nesting of brackets and blocks.
pub(super) fn too_deep(text: &str) -> bool {
    let bytes = text.as_bytes();
    if is_flat(bytes) {
        return false;
    }
    let mut open: Vec<u32> = Vec::new();
    let (mut below, mut here) = (0u32, 0u32);
    let mut indents: Vec<usize> = Vec::new();
    let mut at = 0;
    let mut line_start = true;
    while let Some(&byte) = bytes.get(at) {
        if line_start && open.is_empty() {
            let width = bytes[at..]
                .iter()
                .take_while(|b| matches!(b, b' ' | b'\t'))
                .count();
            while indents.last().is_some_and(|&last| last >= width) {
                indents.pop();
            }
            indents.push(width);
            if indents.len() > TOO_MANY_INDENTS {
                return true;
            }
            here = 0;
            line_start = false;
            at += width;
            continue;
        }
        line_start = false;
        match byte {
            b'#' => {
                at = line_end(bytes, at);
                continue;
            }
            b'\'' | b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'\n' => line_start = true,
            b'\\' => at += 1,
            b'(' | b'[' | b'{' => {
                below = below.saturating_add(here);
                open.push(here);
                here = 0;
                if open.len() > TOO_MANY_BRACKETS {
                    return true;
                }
            }
            b')' | b']' | b'}' => {
                if let Some(outer) = open.pop() {
                    below = below.saturating_sub(outer);
                    here = outer + 1;
                }
            }
            b',' => here = 0,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => {
                at += bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || **b >= 0x80)
                    .count();
                here += 1;
                if below.saturating_add(here) > TOO_DEEP {
                    return true;
                }
                continue;
            }
            b' ' | b'\t' | b'\r' | b'0'..=b'9' => {}
            _ => here += 1,
        }
        if below.saturating_add(here) > TOO_DEEP {
            return true;
        }
        at += 1;
    }
    false
}

/// The encoding that the first two lines name, where it is not UTF-8.
fn cookie(blob: &[u8]) -> Option<&[u8]> {
    for line in blob.split(|&b| b == b'\n').take(2) {
        let line = line.trim_ascii();
        if !line.is_empty() && !line.starts_with(b"#") {
            return None;
        }
        let line = &line[..line.len().min(200)];
        let Some(at) = line.windows(6).position(|w| w == b"coding") else {
            continue;
        };
        let rest = &line[at + 6..];
        let Some(rest) = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"=")) else {
            continue;
        };
        let rest = rest.trim_ascii_start();
        let len = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            .count();
        let name = &rest[..len];
        let lower = name.to_ascii_lowercase();
        let utf8 = matches!(
            &lower[..],
            b"utf-8" | b"utf8" | b"utf_8" | b"u8" | b"utf-8-sig"
        );
        return (len > 0 && !utf8).then_some(name);
    }
    None
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|&b| b == b'\n')
        .map_or(bytes.len(), |len| from + len)
}

/// Where the string literal that opens at `from` ends. An unclosed one-line string ends with its line.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let quote = bytes[from];
    let triple = bytes[from..].starts_with(&[quote; 3]);
    let mut at = from + if triple { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' if !triple => return at,
            _ if byte == quote && !triple => return at + 1,
            _ if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_from_the_first_two_lines_only() {
        assert_eq!(
            cookie(b"# -*- coding: latin-1 -*-\n"),
            Some(&b"latin-1"[..])
        );
        assert_eq!(
            cookie(b"#!/usr/bin/python\n# vim: fileencoding=cp1252\n"),
            Some(&b"cp1252"[..])
        );
        assert_eq!(cookie(b"\n\n# coding: latin-1\n"), None);
        assert_eq!(cookie(b"# coding: utf-8\n"), None);
        assert_eq!(cookie(b"x = 1\n# coding: latin-1\n"), None);
    }

    #[test]
    fn latin_1_is_decoded_and_broken_utf_8_is_told() {
        let text = decode(b"# coding: latin-1\nx = '\xe9'\n");
        assert!(text.trouble.is_none());
        assert!(text.text.contains('é'));
        assert!(decode(b"x = '\xe9'\n").trouble.is_some());
    }

    #[test]
    fn deep_nesting_is_seen_before_parsing_and_long_tables_are_not_deep() {
        for deep in [
            "(".repeat(10_000),
            "x = ".to_owned() + &"1 + ".repeat(10_000) + "1",
            "x = ".to_owned() + &"not ".repeat(10_000) + "1",
            "x".to_owned() + &".y".repeat(10_000),
            "f".to_owned() + &"()".repeat(10_000),
            (0..1000).map(|n| " ".repeat(n) + "if x:\n").collect(),
        ] {
            assert!(too_deep(&deep), "{}", &deep[..20]);
        }
        let table = format!("x = [{}]", "(1, -2, 'a' 'b', {'k': a.b}), ".repeat(10_000));
        assert!(!too_deep(&table));
        let long: String = (0..50_000).map(|n| format!("x{n} = {n} + 1\n")).collect();
        assert!(!too_deep(&long));
        assert!(!too_deep("x = '''((((((' + \n'''\n\"(\\\"((\"\n# ((((\n"));
    }
}
