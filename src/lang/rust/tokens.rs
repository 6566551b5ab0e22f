//! Bytes of a source file → tokens, with the places of brackets.
//!
//! rustc's own lexer does the work; here its tokens become a flat list in which every bracket knows its partner, so
//! that the rest of the reader walks trees without recursion.
//!
//! Not seen here: what macros make of the tokens, and Cargo scripts' front matter (it is read as tokens).

use ra_ap_rustc_lexer::{DocStyle, FrontmatterAllowed, LiteralKind, TokenKind, strip_shebang};

/// What a token is, as far as the reader tells tokens apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// An identifier or keyword; raw identifiers too.
    Ident,
    /// A string literal of any sort.
    Str,
    /// Any other literal, and lifetimes.
    Other,
    /// Punctuation, one character each.
    Punct,
    /// An opening bracket.
    Open,
    /// A closing bracket.
    Close,
    /// A doc comment.
    Doc,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// Its text.
    pub(super) text: &'a str,
    /// The 1-based line it starts on.
    pub(super) line: u32,
    /// Something that is no code (a space, an ordinary comment) stands before it.
    pub(super) spaced: bool,
    /// For brackets: the index of the partner. An opening one without a partner points behind the last token, a
    /// closing one to itself.
    pub(super) partner: usize,
}

/// All tokens of a source.
#[derive(Debug, Default)]
pub(super) struct Tokens<'a> {
    list: Vec<Token<'a>>,
    /// Whether brackets do not match, or a literal or comment does not end: rustc would refuse the file.
    pub(super) broken: bool,
}

impl<'a> Tokens<'a> {
    /// Lexes a source. Never fails; what rustc would refuse is marked as broken.
    pub(super) fn of(source: &'a str) -> Self {
        let mut out = Self::default();
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut at = strip_shebang(source).unwrap_or(0);
        let mut line = 1 + newlines(source.get(..at).unwrap_or_default());
        let mut spaced = false;
        let mut open = Vec::new();
        let rest = source.get(at..).unwrap_or_default();
        for token in ra_ap_rustc_lexer::tokenize(rest, FrontmatterAllowed::No) {
            let end = at + token.len as usize;
            let text = source.get(at..end).unwrap_or_default();
            at = end;
            let started = line;
            line += newlines(text);
            let (kind, sound) = sort(token.kind);
            out.broken |= !sound;
            let Some(kind) = kind else {
                spaced = true;
                continue;
            };
            let index = out.list.len();
            let mut partner = index;
            match kind {
                Kind::Open => open.push(index),
                Kind::Close => match open.pop() {
                    Some(first) if out.matches(first, text) => {
                        partner = first;
                        if let Some(token) = out.list.get_mut(first) {
                            token.partner = index;
                        }
                    }
                    Some(first) => {
                        open.push(first);
                        out.broken = true;
                    }
                    None => out.broken = true,
                },
                _ => {}
            }
            out.list.push(Token {
                kind,
                text,
                line: started,
                spaced,
                partner,
            });
            spaced = false;
        }
        out.broken |= !open.is_empty();
        let len = out.list.len();
        for index in open {
            if let Some(token) = out.list.get_mut(index) {
                token.partner = len;
            }
        }
        out
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Token<'a>> {
        self.list.iter()
    }

    /// The token at an index.
    pub(super) fn get(&self, index: usize) -> Option<&Token<'a>> {
        self.list.get(index)
    }

    /// The text at an index; empty behind the end.
    pub(super) fn text(&self, index: usize) -> &'a str {
        self.list.get(index).map_or("", |token| token.text)
    }

    /// Whether the token at an index has this text and is no literal.
    pub(super) fn is(&self, index: usize, text: &str) -> bool {
        self.list
            .get(index)
            .is_some_and(|token| token.text == text && token.kind != Kind::Str)
    }

    /// The identifier at an index, without `r#`.
    pub(super) fn ident(&self, index: usize) -> Option<&'a str> {
        let token = self.list.get(index)?;
        (token.kind == Kind::Ident).then(|| token.text.strip_prefix("r#").unwrap_or(token.text))
    }

    /// For an opening bracket, the index of its partner; else nothing.
    pub(super) fn close(&self, index: usize) -> Option<usize> {
        let token = self.list.get(index)?;
        (token.kind == Kind::Open).then_some(token.partner)
    }

    /// The group that opens at `index`: the indices between its brackets.
    pub(super) fn inside(&self, index: usize) -> std::ops::Range<usize> {
        match self.close(index) {
            Some(end) => index + 1..end.max(index + 1),
            None => index..index,
        }
    }

    /// The index of the bracket that opens the attribute ending just before `index`, stepping over doc comments.
    pub(super) fn attribute_before(&self, index: usize) -> Option<usize> {
        let mut last = index.checked_sub(1)?;
        while self.get(last)?.kind == Kind::Doc {
            last = last.checked_sub(1)?;
        }
        let token = self.get(last)?;
        if token.kind != Kind::Close || token.text != "]" {
            return None;
        }
        let open = token.partner;
        (open < last && open > 0 && self.is(open - 1, "#")).then_some(open)
    }

    fn matches(&self, open: usize, close: &str) -> bool {
        matches!(
            (self.text(open), close),
            ("(", ")") | ("[", "]") | ("{", "}")
        )
    }
}

fn newlines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|b| *b == b'\n').count()).unwrap_or(u32::MAX)
}

/// What the reader makes of the lexer's kind (nothing of comments and space), and whether rustc accepts it.
fn sort(kind: TokenKind) -> (Option<Kind>, bool) {
    use LiteralKind as L;
    let doc = |style: Option<DocStyle>| style.map(|_| Kind::Doc);
    match kind {
        TokenKind::LineComment { doc_style } => (doc(doc_style), true),
        TokenKind::BlockComment {
            doc_style,
            terminated,
        } => (doc(doc_style), terminated),
        TokenKind::Whitespace => (None, true),
        TokenKind::Ident | TokenKind::RawIdent => (Some(Kind::Ident), true),
        TokenKind::Literal { kind, .. } => match kind {
            L::Str { terminated } | L::ByteStr { terminated } | L::CStr { terminated } => {
                (Some(Kind::Str), terminated)
            }
            L::RawStr { n_hashes } | L::RawByteStr { n_hashes } | L::RawCStr { n_hashes } => {
                (Some(Kind::Str), n_hashes.is_some())
            }
            L::Char { terminated } | L::Byte { terminated } => (Some(Kind::Other), terminated),
            L::Int { .. } | L::Float { .. } => (Some(Kind::Other), true),
        },
        TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket => {
            (Some(Kind::Open), true)
        }
        TokenKind::CloseParen | TokenKind::CloseBrace | TokenKind::CloseBracket => {
            (Some(Kind::Close), true)
        }
        TokenKind::Lifetime { .. } | TokenKind::RawLifetime | TokenKind::UnknownPrefixLifetime => {
            (Some(Kind::Other), true)
        }
        TokenKind::UnknownPrefix
        | TokenKind::InvalidIdent
        | TokenKind::ForcedKeywordIdent
        | TokenKind::GuardedStrPrefix
        | TokenKind::Unknown
        | TokenKind::Frontmatter { .. } => (Some(Kind::Other), true),
        TokenKind::Eof => (None, true),
        _ => (Some(Kind::Punct), true),
    }
}

/// The value of a string literal, escapes resolved; nothing where it is not text.
pub(super) fn value(literal: &str) -> Option<String> {
    let quote = literal.find('"')?;
    let (prefix, rest) = literal.split_at_checked(quote)?;
    let end = rest.rfind('"').filter(|end| *end > 0)?;
    let inner = rest.get(1..end)?;
    if prefix.contains('r') {
        return Some(inner.to_owned());
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            '0' => out.push('\0'),
            'x' => {
                let digits: String = chars.by_ref().take(2).collect();
                out.push(char::from(u8::from_str_radix(&digits, 16).ok()?));
            }
            'u' => {
                let digits: String = chars
                    .by_ref()
                    .skip_while(|c| *c == '{')
                    .take_while(|c| *c != '}')
                    .filter(|c| *c != '_')
                    .collect();
                out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
            }
            '\n' | '\r' => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_know_their_partners_and_damage_is_marked() {
        let tokens = Tokens::of("fn f() { [1] }");
        assert_eq!(tokens.inside(4).len(), 3);
        assert!(!tokens.broken);
        for broken in ["fn f( {", "}", "(]", "\"abc", "/* x", "r#\"x"] {
            assert!(Tokens::of(broken).broken, "{broken}");
        }
    }

    #[test]
    fn ordinary_comments_and_space_are_no_tokens() {
        let tokens = Tokens::of("#!/bin/x\na/* b */.c // d\n/// e\nfn");
        let texts: Vec<_> = tokens.iter().map(|t| (t.text, t.line, t.spaced)).collect();
        assert_eq!(
            texts,
            [
                ("a", 2, true),
                (".", 2, true),
                ("c", 2, false),
                ("/// e", 3, true),
                ("fn", 4, true)
            ]
        );
    }

    #[test]
    fn literals_have_values() {
        for (literal, expected) in [
            (r#""a/b.txt""#, Some("a/b.txt")),
            (r##"r#"a\b"#"##, Some(r"a\b")),
            (r#"b"a\x2fb""#, Some("a/b")),
            (r#"c"a""#, Some("a")),
            (r#""\u{41}\n""#, Some("A\n")),
            ("\"a\\\n   b\"", Some("ab")),
        ] {
            assert_eq!(value(literal).as_deref(), expected, "{literal}");
        }
    }
}
