//! Prints of units: the tokens that count, each given to the unit it belongs to.

use super::{DOCS, REST, Unit};
use crate::lang::rust::prints::Piece;
use crate::lang::rust::tokens::{Kind, Tokens};
use crate::model::Fingerprint;

/// Which part of which unit a token belongs to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Owner {
    pub(super) unit: u32,
    pub(super) body: bool,
}

/// Prints all units. Every token that counts is in exactly one print, so no change of code is in none. Linear.
pub(super) fn print(tokens: &Tokens<'_>, pieces: &[Piece], owners: &[Owner], units: &mut [Unit]) {
    let mut parts: Vec<[Vec<u8>; 3]> = vec![Default::default(); units.len()];
    for piece in pieces {
        let Some(token) = tokens.get(piece.index) else {
            continue;
        };
        let mut owner = owners.get(piece.index).copied().unwrap_or_default();
        if piece.doctest {
            owner = Owner {
                unit: DOCS,
                body: true,
            };
        }
        let place = if (owner.unit as usize) < parts.len() {
            owner.unit
        } else {
            REST
        };
        let [head, body, shape] = &mut parts[place as usize];
        let out = if owner.body { body } else { head };
        let tag = token.kind as u8 * 2 + u8::from(piece.joint);
        for out in [&mut *out, shape] {
            out.push(tag);
        }
        out.extend_from_slice(token.text.as_bytes());
        out.push(0xff);
        shape.extend_from_slice(blank(token.kind, token.text).as_bytes());
        shape.push(0xff);
    }
    for (unit, [head, body, shape]) in units.iter_mut().zip(&parts) {
        unit.head = Fingerprint::of(head);
        unit.body = Fingerprint::of(body);
        unit.shape = Fingerprint::of(shape);
    }
}

/// A literal without its value, so that what remains has the same type; anything else as it is.
fn blank(kind: Kind, text: &str) -> &str {
    let before = |quote: char| text.find(quote).and_then(|at| text.get(..=at));
    match kind {
        // the length of a byte string is in its type
        Kind::Str if !text.starts_with('b') => before('"').unwrap_or(text),
        Kind::Other if text.len() > 2 && text.ends_with('\'') => before('\'').unwrap_or(text),
        Kind::Ident if matches!(text, "true" | "false") => "true",
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_keep_the_type() {
        for (kind, text, expected) in [
            (Kind::Str, "\"a\"", "\""),
            (Kind::Str, "r#\"a\"#", "r#\""),
            (Kind::Str, "b\"a\"", "b\"a\""),
            (Kind::Other, "'a'", "'"),
            (Kind::Other, "b'a'", "b'"),
            (Kind::Other, "'a", "'a"),
            (Kind::Other, "12", "12"),
            (Kind::Ident, "false", "true"),
            (Kind::Ident, "x", "x"),
        ] {
            assert_eq!(blank(kind, text), expected, "{text}");
        }
    }
}
