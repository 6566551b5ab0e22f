//! Tokens as they count: two spellings of the same code give the same.
//!
//! Formatters change how literals are quoted, put a comma behind a last element, and put names that are imported in
//! parentheses. None of it changes what the code means, so none of it is passed on. Comments and line breaks inside of
//! brackets are left out, too.
//!
//! Not seen: that further parentheses mean nothing, and that two literals have one value (`0x10` and `16`).

use ruff_python_ast::token::{Token, TokenKind, Tokens};
use ruff_text_size::Ranged;

/// The text of a token in two parts: what stands before its quotes, and the rest without them.
pub(super) type Piece<'t> = [&'t [u8]; 2];

/// An open bracket.
struct Open {
    /// A comma behind the only element makes it a tuple.
    makes_tuple: bool,
    commas: u32,
    /// Around names that are imported: it counts for nothing.
    of_import: bool,
}

/// Hands on each token that counts, with its text where that can differ. Linear in the text.
pub(super) fn each<'t>(
    text: &'t str,
    tokens: &'t Tokens,
    mut take: impl FnMut(&'t Token, Option<Piece<'t>>),
) {
    let mut open: Vec<Open> = Vec::new();
    let mut before = TokenKind::Newline;
    // a comma is handed on once it is known not to be the last thing in its brackets
    let mut comma = None;
    for token in tokens {
        let kind = token.kind();
        if matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline) {
            continue;
        }
        let closes = matches!(kind, TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace);
        let closed = closes.then(|| open.pop()).flatten();
        if let Some(comma) = comma.take() {
            let idle = closed
                .as_ref()
                .is_some_and(|open| !open.makes_tuple || open.commas > 1);
            if !idle {
                take(comma, None);
            }
        }
        let mut counts = !closed.is_some_and(|open| open.of_import);
        match kind {
            TokenKind::Comma => {
                if let Some(open) = open.last_mut() {
                    open.commas += 1;
                }
                comma = Some(token);
                counts = false;
            }
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                let opened = opens(kind, before);
                counts = !opened.of_import;
                open.push(opened);
            }
            _ => {}
        }
        if counts {
            let piece = || {
                let piece = text.get(std::ops::Range::<usize>::from(token.range()));
                unquoted(kind, piece.unwrap_or_default())
            };
            take(token, carries_text(kind).then(piece));
        }
        before = kind;
    }
    if let Some(comma) = comma {
        take(comma, None);
    }
}

fn opens(kind: TokenKind, before: TokenKind) -> Open {
    // a call or a subscript, or else a tuple or a list
    let of_value = matches!(
        before,
        TokenKind::Name
            | TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::String
            | TokenKind::FStringEnd
    );
    let of_import = kind == TokenKind::Lpar && before == TokenKind::Import;
    Open {
        makes_tuple: match kind {
            TokenKind::Lpar => !of_value && !of_import,
            TokenKind::Lsqb => of_value,
            // a value in a text may be a tuple, too
            _ => true,
        },
        commas: 0,
        of_import,
    }
}

/// A text without its quotes.
fn unquoted(kind: TokenKind, piece: &str) -> Piece<'_> {
    let whole = piece.as_bytes();
    if !is_text(kind) {
        return [whole, &[]];
    }
    match (kind, piece.find(['\'', '"'])) {
        (TokenKind::String, Some(at)) => {
            let (prefix, quoted) = whole.split_at(at);
            let width = match quoted {
                [a, b, c, .., d, e, f] if [b, c, d, e, f].iter().all(|other| *other == a) => 3,
                _ => 1,
            };
            match quoted.get(width..quoted.len().saturating_sub(width)) {
                Some(inner) => [prefix, inner],
                None => [whole, &[]],
            }
        }
        (TokenKind::FStringStart | TokenKind::TStringStart, Some(at)) => [&whole[..at], &[]],
        (TokenKind::FStringEnd | TokenKind::TStringEnd, _) => [&[], &[]],
        _ => [whole, &[]],
    }
}

/// Whether tokens of this kind have quotes.
fn is_text(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::String
            | TokenKind::FStringStart
            | TokenKind::FStringEnd
            | TokenKind::TStringStart
            | TokenKind::TStringEnd
    )
}

/// Whether tokens of this kind can differ in their text.
fn carries_text(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringStart
            | TokenKind::FStringMiddle
            | TokenKind::FStringEnd
            | TokenKind::TStringStart
            | TokenKind::TStringMiddle
            | TokenKind::TStringEnd
            | TokenKind::IpyEscapeCommand
            | TokenKind::Unknown
    )
}

/// Adds a token as bytes that no other token has.
pub(super) fn write(out: &mut Vec<u8>, token: &Token, piece: Option<Piece<'_>>) {
    out.push(token.kind() as u8);
    let Some([first, quoted]) = piece else { return };
    out.extend((first.len() as u32).to_le_bytes());
    out.extend(first);
    if token.kind() == TokenKind::String {
        out.extend((quoted.len() as u32).to_le_bytes());
        out.extend(quoted);
    }
}

#[cfg(test)]
mod tests {
    use ruff_python_parser::parse_module;

    use super::{each, write};

    fn spelled(text: &str) -> Vec<u8> {
        let parsed = parse_module(text).expect("it is Python");
        let mut out = Vec::new();
        each(text, parsed.tokens(), |token, piece| {
            write(&mut out, token, piece);
        });
        out
    }

    #[test]
    fn what_formatters_change_counts_for_nothing() {
        for (one, other) in [
            ("x = 'a'", r#"x = "a""#),
            ("x = '''a'''", r#"x = "a""#),
            ("x = ''", r#"x = """""""#),
            ("x = f'a{b}'", r#"x = f"a{b}""#),
            ("f(a, b)", "f(\n    a,\n    b,\n)"),
            ("f(a)", "f(a,)"),
            ("x = [a]", "x = [a,]"),
            ("x = {a, b}", "x = {a, b,}"),
            ("x = (a, b)", "x = (a, b,)"),
            ("x[a, b]", "x[a, b,]"),
            ("def f(a): pass", "def f(a,): pass"),
            ("from a import b, c", "from a import (\n    b,\n    c,\n)"),
        ] {
            assert_eq!(spelled(one), spelled(other), "{one} / {other}");
        }
    }

    #[test]
    fn what_means_something_else_counts() {
        for (one, other) in [
            ("x = (a)", "x = (a,)"),
            ("x[a]", "x[a,]"),
            ("x = a", "x = a,"),
            ("x = 'a'", "x = b'a'"),
            (r"x = r'\n'", r"x = '\n'"),
            ("x = 'a' 'b'", "x = 'ab'"),
            ("x = 'a', 'b'", "x = 'a' 'b'"),
            ("x = f'a'", "x = f'b'"),
            ("x = f'{a}'", "x = f'{a,}'"),
            ("x = f'{a}{b}'", "x = f'{a}{b,}'"),
            ("x = 'a\"'", "x = 'a'"),
            ("x = ' a'", "x = 'a'"),
            ("f(a)(b)", "f(a, b)"),
            ("for x in (a,): pass", "for x in (a): pass"),
            ("assert (a,)", "assert (a)"),
            ("x = not (a,)", "x = not (a)"),
            (
                "match (a,):\n    case _: pass",
                "match (a):\n    case _: pass",
            ),
        ] {
            assert_ne!(spelled(one), spelled(other), "{one} / {other}");
        }
    }
}
