//! What differs from one time to the next is masked: numbers, addresses, ids, times, durations, temporary places.
//!
//! `#` stands for anything of the kind, `…` for what was left out. `#` counts as a digit, so that masking a masked text
//! changes nothing. Digits that belong to a name are kept (`int32`, `m041.total`): they tell two causes apart. They are
//! masked after words that are only numbered (`worker3`), in words with hyphens (`ci-b1`, names of pods), and where
//! there are four or more of them.
//!
//! The ideas are those of Kubernetes triage (times, addresses, ids, sorted `map[…]`) and of LUCI's templates
//! (base64, long hexadecimal words); paths, durations and escapes are ours.

use std::borrow::Cow;

/// Longer quoted values are left out.
const QUOTED: usize = 80;
/// So many passes at most; hardly any text needs a third.
const PASSES: usize = 12;
/// So many `map[…]` of one line, in and behind each other, are put in order.
const DEPTH: usize = 8;

/// Words that only number what they name.
const NUMBERED: &[&str] = &[
    "agent",
    "attempt",
    "build",
    "client",
    "conn",
    "connection",
    "container",
    "core",
    "cpu",
    "device",
    "gpu",
    "gw",
    "host",
    "id",
    "instance",
    "job",
    "line",
    "lwp",
    "node",
    "pid",
    "pod",
    "port",
    "proc",
    "process",
    "replica",
    "request",
    "run",
    "runner",
    "seed",
    "server",
    "session",
    "shard",
    "slot",
    "temp",
    "thread",
    "tid",
    "tmp",
    "tty",
    "v",
    "vm",
    "worker",
];
/// Units that stand right behind a number.
const ATTACHED: &[&str] = &[
    "b", "d", "g", "gb", "gib", "h", "hr", "hrs", "k", "kb", "kib", "m", "mb", "mib", "min",
    "mins", "ms", "msec", "ns", "s", "sec", "secs", "us", "z", "µs", "μs",
];
/// Units and zones that stand behind a number and a space.
const APART: &[&str] = &[
    "am",
    "cest",
    "cet",
    "est",
    "gmt",
    "hour",
    "hours",
    "hrs",
    "kb",
    "kib",
    "mb",
    "mib",
    "microseconds",
    "millis",
    "milliseconds",
    "min",
    "mins",
    "minute",
    "minutes",
    "ms",
    "nanoseconds",
    "ns",
    "pm",
    "pst",
    "s",
    "sec",
    "second",
    "seconds",
    "secs",
    "us",
    "utc",
    "µs",
    "μs",
];
/// Days and months, as dates name them.
const CALENDAR: &[&str] = &[
    "Mon",
    "Tue",
    "Wed",
    "Thu",
    "Fri",
    "Sat",
    "Sun",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
    "January",
    "February",
    "March",
    "April",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The text with everything masked that differs from one time to the next. Lines are trimmed, empty ones are gone.
///
/// Masking twice is masking once. Cost: a few passes over the text.
pub fn mask(text: &str) -> String {
    let mut masked = pass(&without_escapes(text));
    for _ in 0..PASSES {
        let next = pass(&without_escapes(&masked));
        if next == masked {
            break;
        }
        masked = next;
    }
    masked
}

fn pass(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split(['\n', '\r']) {
        let line = joined(&words(line));
        let line = maps(&line, DEPTH);
        let line = quotes(&line);
        if !line.is_empty() {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&line);
        }
    }
    out
}

/// How producers write the escape character where XML has none.
const ESCAPES: &[&str] = &[
    "\u{1b}",
    "\u{9b}",
    "\u{241b}",
    "#x1B",
    "\\x1B",
    "\\u001B",
    "\\033",
    "\\e",
    "[NON-XML-CHAR-0x1B]",
    "&#27;",
    "&#x1B;",
];

/// The text without ANSI sequences, whatever their escape character was turned into.
fn without_escapes(text: &str) -> Cow<'_, str> {
    let starts = |c: char| matches!(c, '\u{1b}' | '\u{9b}' | '\u{241b}' | '#' | '\\' | '[' | '&');
    if !text.contains(starts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(starts) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let skip = sequence(rest);
        if skip == 0 {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..first]);
            rest = &rest[first..];
        } else {
            rest = &rest[skip..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The length of the ANSI sequence that the text begins with; 0 where it begins with none.
fn sequence(text: &str) -> usize {
    let spelling = ESCAPES.iter().find(|escape| {
        let start = text.as_bytes().get(..escape.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(escape.as_bytes()))
    });
    let Some(escape) = spelling else {
        return colour(text);
    };
    let rest = &text[escape.len()..];
    if *escape == "\u{9b}" {
        return escape.len() + control(rest);
    }
    match rest.as_bytes().first() {
        Some(b'[') if control(&rest[1..]) > 0 => escape.len() + 1 + control(&rest[1..]),
        Some(b']') => {
            let end = rest.find(['\u{7}', '\n']).unwrap_or(1);
            escape.len() + end
        }
        // a lone `\e` or `\033` may be part of a path or of code
        _ if matches!(*escape, "\\e" | "\\033") => 0,
        _ => escape.len(),
    }
}

/// The parameters of a control sequence and the letter that ends it.
fn control(text: &str) -> usize {
    let letter = text.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?' | '#'));
    match letter {
        Some(at) if text.as_bytes()[at].is_ascii_alphabetic() => at + 1,
        _ => 0,
    }
}

/// A colour whose escape character was lost: `[31m`.
fn colour(text: &str) -> usize {
    let Some(rest) = text.strip_prefix('[') else {
        return 0;
    };
    let digits = rest
        .find(|c: char| !c.is_ascii_digit() && c != ';')
        .unwrap_or(0);
    if digits > 0 && rest[digits..].starts_with('m') && !follows_word(&rest[digits + 1..]) {
        digits + 2
    } else {
        0
    }
}

fn follows_word(text: &str) -> bool {
    text.starts_with([']', '_'])
}

/// Each piece of a line between blanks, quotes and brackets masked by itself.
fn words(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(is_border).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        match path(piece) {
            _ if is_base64(piece) && after.starts_with('=') => out.push('#'),
            Some(short) => in_piece(&short, &mut out),
            None => in_piece(piece, &mut out),
        }
        let mut chars = after.chars();
        if let Some(c) = chars.next() {
            if !c.is_whitespace() && !c.is_control() {
                out.push(c);
            } else if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        }
        rest = chars.as_str();
    }
    out.truncate(out.trim_end().len());
    out
}

fn is_border(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '"' | '\''
                | '`'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '<'
                | '>'
                | ','
                | ';'
                | '='
                | '|'
        )
}

/// Ten or more letters of base64, of more than one kind.
fn is_base64(piece: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| piece.as_bytes().iter().any(kind);
    piece.len() >= 10
        && piece
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
}

/// A path's last two names, only its last one below a directory for temporary files.
fn path(piece: &str) -> Option<String> {
    let bytes = piece.as_bytes();
    let drive = bytes.len() > 2
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'\\' | b'/');
    let file = piece.strip_prefix("file://");
    let absolute = drive || file.is_some() || piece.starts_with(['/', '\\', '~', '…']);
    let place = file.unwrap_or(piece);
    if !place.contains(['/', '\\']) || (file.is_none() && piece.contains("://")) {
        return None;
    }
    let names: Vec<&str> = place
        .split(['/', '\\'])
        .filter(|name| !matches!(*name, "" | "." | ".." | "…" | "~"))
        .collect();
    let (last, before) = names.split_last()?;
    if !absolute && (before.len() < 2 || !last.contains('.')) {
        return None;
    }
    if absolute && before.is_empty() {
        return None;
    }
    let temporary = before.iter().any(|name| {
        matches!(*name, "tmp" | "temp" | "Temp" | "TEMP" | "folders") || is_temporary(name)
    });
    let mut short = "…/".to_owned();
    if let (Some(parent), false) = (before.last(), temporary || is_drive(before)) {
        short.push_str(parent);
        short.push('/');
    }
    if is_temporary(last) {
        short.push_str("tmp#");
    } else {
        short.push_str(last);
    }
    Some(short)
}

fn is_drive(names: &[&str]) -> bool {
    names.len() == 1 && names[0].ends_with(':')
}

/// `tmpab12cd_x`, `.tmpAbCdEf`, `tmp.Xb12ab9kQ1`: what libraries call temporary files and directories.
fn is_temporary(name: &str) -> bool {
    let Some(rest) = name.trim_start_matches('.').strip_prefix("tmp") else {
        return false;
    };
    let rest = rest.trim_start_matches(['.', '-', '_', '#']);
    let plain = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain && matches!(rest.len(), 6 | 8 | 10)
}

/// Masks the words of a piece without blanks.
fn in_piece(piece: &str, out: &mut String) {
    let bytes = piece.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let c = piece[at..].chars().next().unwrap_or_default();
        if !is_word(c) {
            out.push(c);
            at += c.len_utf8();
            continue;
        }
        if is_uuid(&bytes[at..]) {
            out.push('#');
            at += 36;
            continue;
        }
        let end = piece[at..]
            .find(|c| !is_word(c))
            .map_or(piece.len(), |n| at + n);
        let word = &piece[at..end];
        at = end;
        if c == '#' || c.is_ascii_digit() {
            at += number(word, &bytes[end..], out);
        } else {
            let hyphened = hyphen(bytes, end - word.len(), end);
            name(word, hyphened, out);
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '#' | '$')
}

fn is_digit(b: u8) -> bool {
    b.is_ascii_digit() || b == b'#'
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() >= 36
        && bytes[..36].iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
        && !bytes.get(36).is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a word has a neighbour behind a hyphen.
fn hyphen(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_neighbour =
        |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'_'));
    let before = start >= 2 && bytes[start - 1] == b'-' && is_neighbour(bytes.get(start - 2));
    before || (bytes.get(end) == Some(&b'-') && is_neighbour(bytes.get(end + 1)))
}

/// A word that begins with a digit. Returns how many bytes behind it belong to the number.
fn number(word: &str, after: &[u8], out: &mut String) -> usize {
    out.push('#');
    let rest = word.trim_start_matches(|c: char| c == '#' || c.is_ascii_digit());
    if rest.is_empty() {
        return 0;
    }
    let lower = rest.to_lowercase();
    let exponent = lower == "e" && matches!(after.first(), Some(b'+' | b'-'));
    if exponent && after.get(1).is_some_and(|b| is_digit(*b)) {
        return 1 + after[1..].iter().take_while(|b| is_digit(**b)).count();
    }
    let hex = word.len() >= 6 && word.bytes().all(|b| b.is_ascii_hexdigit());
    if !(hex || ATTACHED.contains(&lower.as_str()) || turns(word) >= 2) {
        out.push_str(rest);
    }
    0
}

/// A word that begins with a letter.
fn name(word: &str, hyphened: bool, out: &mut String) {
    let digits = word.bytes().filter(|b| is_digit(*b)).count();
    let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_id = (is_hex && word.len() >= if digits > 0 { 6 } else { 8 })
        || (word.len() >= 10 && turns(word) >= 4 && !word.contains('_'));
    if is_id || (hyphened && digits > 0) {
        out.push('#');
        return;
    }
    if word.len() == 11 && is_temporary(word) {
        out.push_str("tmp#");
        return;
    }
    if digits == 0 {
        out.push_str(word);
        return;
    }
    let bare = word.trim_end_matches(|c: char| c == '#' || c.is_ascii_digit());
    if bare.len() < word.len() {
        let noun = bare.trim_end_matches('_').to_lowercase();
        let noun = noun.rsplit('_').next().unwrap_or_default();
        if NUMBERED.contains(&noun) {
            long_numbers(bare, out);
            out.push('#');
            return;
        }
    }
    long_numbers(word, out);
}

/// `#` for each run of four digits or more, and for the numbers that compilers give (`lambda$3`).
fn long_numbers(word: &str, out: &mut String) {
    let mut rest = word;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| is_digit(*b)).count();
        let other = rest[digits..].find(|c: char| c == '#' || c.is_ascii_digit());
        let end = other.map_or(rest.len(), |other| digits + other);
        let run = &rest[..digits];
        if digits >= 4 || run.contains('#') || (digits > 0 && out.ends_with('$')) {
            out.push('#');
        } else {
            out.push_str(run);
        }
        out.push_str(&rest[digits..end]);
        rest = &rest[end..];
    }
}

/// How often a word turns from letters to digits or back.
fn turns(word: &str) -> usize {
    let bytes = word.as_bytes();
    bytes
        .windows(2)
        .filter(|two| is_digit(two[0]) != is_digit(two[1]))
        .count()
}

/// Numbers that belong together become one: dates, times, addresses, lists; with their units, zones, days and months.
fn joined(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if c == '#' {
            let glued = out
                .chars()
                .next_back()
                .is_some_and(|c| c.is_alphanumeric() || c == '_');
            if out.ends_with(['-', '+']) && !is_word_before_sign(&out) {
                out.pop();
            }
            if !(out.ends_with('#')) {
                out.push('#');
            }
            rest = rest.trim_start_matches('#');
            if !glued {
                rest = behind(rest);
            }
            continue;
        }
        if c.is_ascii_uppercase() && !out.chars().next_back().is_some_and(is_word) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if CALENDAR.contains(&&rest[..end])
                && rest[end..]
                    .trim_start_matches(['.', ',', ' ', '/', '-'])
                    .starts_with('#')
            {
                out.push('#');
                rest = behind(&rest[end..]);
                continue;
            }
        }
        if is_word(c) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            // a name may end in a masked number, and others may follow that
            rest = &rest[end..];
            continue;
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn is_word_before_sign(out: &str) -> bool {
    let mut chars = out.chars().rev();
    chars.next();
    chars
        .next()
        .is_some_and(|c| is_word(c) || matches!(c, ')' | ']' | '…'))
}

/// What follows a number without all that belongs to it.
fn behind(text: &str) -> &str {
    let mut rest = text;
    loop {
        let blank = rest.trim_start_matches(' ');
        let sign = blank.trim_start_matches([',', ':', ';', '.', '/', '+', '-']);
        let next = if blank.len() - sign.len() <= 2 {
            sign.trim_start_matches(' ')
        } else {
            blank
        };
        let word = &next[..next.find(|c| !is_word(c)).unwrap_or(next.len())];
        if word.bytes().all(|b| b == b'#') && !word.is_empty() {
            rest = &next[word.len()..];
            continue;
        }
        if CALENDAR.contains(&word) {
            rest = &next[word.len()..];
            continue;
        }
        let word = &blank[..blank.find(|c| !is_word(c)).unwrap_or(blank.len())];
        if blank.len() < rest.len() && APART.contains(&word.to_lowercase().as_str()) {
            rest = &blank[word.len()..];
            continue;
        }
        return rest;
    }
}

/// The entries of Go's `map[…]` in order.
fn maps(line: &str, depth_left: usize) -> Cow<'_, str> {
    let Some(start) = line.find("map[").filter(|_| depth_left > 0) else {
        return Cow::Borrowed(line);
    };
    let inner = start + 4;
    let mut depth = 1_usize;
    let end = line[inner..].find(|c| {
        match c {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    let Some(end) = end.map(|end| inner + end) else {
        return Cow::Borrowed(line);
    };
    let body = maps(&line[inner..end], depth_left - 1);
    let (mut entries, mut depth, mut from) = (Vec::new(), 0_usize, 0);
    for (at, c) in body.char_indices() {
        match c {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => {
                entries.push(&body[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    entries.push(&body[from..]);
    entries.sort_unstable();
    let mut out = line[..inner].to_owned();
    out.push_str(&entries.join(" "));
    out.push_str(&maps(&line[end..], depth_left - 1));
    Cow::Owned(out)
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Long quoted values are left out.
fn quotes(line: &str) -> Cow<'_, str> {
    if line.len() <= QUOTED {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    // a quote that nothing closes is not looked for again
    let mut open_ended = [false; 3];
    while let Some(open) = rest.find(QUOTES) {
        let quote = rest.as_bytes()[open] as char;
        let which = QUOTES.iter().position(|q| *q == quote).unwrap_or(0);
        let inner = &rest[open + 1..];
        let before = rest[..open].chars().next_back();
        let opens = !before.is_some_and(char::is_alphanumeric) && !open_ended[which];
        let close = opens.then(|| closing(inner, quote)).flatten();
        open_ended[which] |= opens && close.is_none();
        out.push_str(&rest[..=open]);
        match close {
            Some(close) if close > QUOTED => {
                out.push('…');
                out.push(quote);
                rest = &inner[close + 1..];
            }
            Some(close) => {
                out.push_str(&inner[..=close]);
                rest = &inner[close + 1..];
            }
            None => rest = inner,
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where a quoted value ends: at the next quote that no letter follows.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut ends = text.match_indices(quote).map(|(at, _)| at);
    ends.find(|at| !text[at + 1..].starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(mask(text), *expected, "of {text:?}");
        }
    }

    #[test]
    fn numbers_addresses_and_ids_are_masked() {
        check(&[
            (
                "could not connect to db-2.internal:5432 from ci-b1 (pid 12225)",
                "could not connect to db-#.internal:# from ci-# (pid #)",
            ),
            (
                "at 0x7ffe12 in 3fa85f64-5717-4562-b3fc-2c963f66afa6",
                "at # in #",
            ),
            (
                "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 is gone",
                "commit # is gone",
            ),
            ("returned -3, expected 4.5e-7", "returned #, expected #"),
            ("10.0.0.1:5432 refused [::1]:80", "# refused [::#]:#"),
            (
                "token dGhpcyBpcyBhIHRva2Vu3Q== expired",
                "token #== expired",
            ),
            (
                "pod web-7d4b9c6f5-x2x4z was evicted",
                "pod web-# was evicted",
            ),
            ("session 01ARZ3NDEKTSV4RRFFQ69G5FAV", "session #"),
            ("[1, 2, 3] != [1, 2]", "[#] != [#]"),
        ]);
    }

    #[test]
    fn digits_of_names_are_kept() {
        check(&[
            (
                "AssertionError: m041.total() returned 7, expected 8",
                "AssertionError: m041.total() returned #, expected #",
            ),
            ("cannot cast int64 to int32", "cannot cast int64 to int32"),
            ("test_case_4 did not finish", "test_case_4 did not finish"),
            (
                "worker3 and gw0 and Thread-12 of user_183746",
                "worker# and gw# and Thread-# of user_#",
            ),
            ("a cached decade, a facade", "a cached decade, a facade"),
        ]);
    }

    #[test]
    fn times_and_durations_are_masked() {
        check(&[
            ("at 2026-03-02T08:00:00.123Z sharp", "at # sharp"),
            ("at 2026-03-02 08:00:00 UTC sharp", "at # sharp"),
            ("at Mon, 02 Mar 2026 08:00:00 GMT sharp", "at # sharp"),
            (
                "only 3 of 10 events arrived after 270 ms",
                "only # of # events arrived after #",
            ),
            ("took 1.5s, limit 300ms, 1m30s ago", "took #, limit # ago"),
        ]);
    }

    #[test]
    fn paths_keep_their_last_names() {
        check(&[
            (
                "/builds/app/src/main/util.py:33: KeyError",
                "…/main/util.py:#: KeyError",
            ),
            ("in src/app/main/util.py:7", "in …/main/util.py:#"),
            (
                "File \"/tmp/pytest-of-me/pytest-3/out.txt\", line 5",
                "File \"…/out.txt\", line #",
            ),
            ("C:\\Users\\me\\repo\\a\\b.cs:line 3", "…/a/b.cs:line #"),
            (
                "open /var/folders/x1/abc/T/tmpab12cd_x: gone",
                "open …/tmp#: gone",
            ),
            (
                "GET http://localhost:8080/api/v1/users",
                "GET http://localhost:#/api/v#/users",
            ),
            ("and/or tests/test_016.py:4", "and/or tests/test_016.py:#"),
        ]);
    }

    #[test]
    fn escapes_are_gone_in_every_spelling() {
        for escape in [
            "\u{1b}",
            "#x1B",
            "\\x1B",
            "\\e",
            "[NON-XML-CHAR-0x1B]",
            "&#27;",
            "\\u001b",
            "",
        ] {
            let text = format!("{escape}[31m{escape}[1mno{escape}[0m such key");
            assert_eq!(mask(&text), "no such key", "of {text:?}");
        }
        check(&[("a[0] of C:\\e\\[x]", "a[#] of …/e[x]")]);
    }

    #[test]
    fn entries_of_a_map_are_in_order() {
        check(&[
            (
                "got map[b:1 a:map[z:2 y:x]] here",
                "got map[a:map[y:x z:#] b:#] here",
            ),
            ("map[b a", "map[b a"),
        ]);
    }

    #[test]
    fn long_quoted_values_are_left_out() {
        let long = "lorem ipsum ".repeat(9);
        assert_eq!(
            mask(&format!("expected '{long}' don't \"ask\"")),
            "expected '…' don't \"ask\""
        );
        let odd = " 'a".repeat(50_000);
        assert_eq!(mask(&odd).len(), odd.len() - 1);
    }

    #[test]
    fn deep_nesting_is_no_trouble() {
        let deep = "map[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(mask(&deep), deep);
    }

    /// What is masked, as it may look at two times.
    fn varying() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<u32>().prop_map(|n| n.to_string()),
            (any::<u16>(), any::<u16>()).prop_map(|(a, b)| format!("{a}.{b}")),
            any::<u64>().prop_map(|n| format!("0x{n:x}")),
            any::<u128>().prop_map(|n| {
                let n = format!("{n:032x}");
                format!(
                    "{}-{}-{}-{}-{}",
                    &n[..8],
                    &n[8..12],
                    &n[12..16],
                    &n[16..20],
                    &n[20..]
                )
            }),
            any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("{a}.{b}.{c}.{d}:80{a}")),
            (1u8..13, 1u8..29, 0u8..24, 0u8..60)
                .prop_map(|(m, d, h, s)| format!("2026-{m:02}-{d:02}T{h:02}:{s:02}:00Z")),
            (1u8..29, 0u8..24).prop_map(|(d, h)| format!("{d} Mar 2026 {h}:00:00 GMT")),
            (0u16..999).prop_map(|n| format!("{n}ms")),
            (0u16..999).prop_map(|n| format!("\u{1b}[3{n}m{n}\u{1b}[0m")),
        ]
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "\\PC{0,60}",
            r##"([a-zA-Z0-9#…_$.:,;/\\'"\[\]()+~= \n-]|map\[|tmp|Mar |UTC|0x|&#27;|\\e\[1m|ms){0,40}"##,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn masking_twice_is_masking_once(text in text()) {
            let once = mask(&text);
            prop_assert_eq!(mask(&once), once);
        }

        #[test]
        fn what_is_masked_makes_no_difference(
            words in prop::collection::vec("[a-z]{2,9}|[A-Z][a-z]{2,8}:|\\([a-z]{3,5}\\)", 1..9),
            one in prop::collection::vec(varying(), 9),
            two in prop::collection::vec(varying(), 9),
        ) {
            let fill = |values: &[String]| {
                let pairs = words.iter().zip(values).map(|(word, value)| format!("{word} {value} "));
                mask(&pairs.collect::<String>())
            };
            prop_assert_eq!(fill(&one), fill(&two));
        }
    }
}
