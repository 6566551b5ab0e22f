//! Prints of units: the tokens of a file, each given to the unit it belongs to.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::{Ranged, TextRange};

use super::Unit;
use crate::lang::python::tokens::carries_text;
use crate::model::Fingerprint;

/// Which part of a unit a region of the text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Body,
    Head,
    /// The value of a default, in the head.
    Default,
    Doc,
}

/// A region of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub(super) range: TextRange,
    pub(super) unit: u32,
    pub(super) part: Part,
}

/// Prints all units. Regions do not overlap; what lies in none belongs to the first unit. Linear in the text.
pub(super) fn print(text: &str, tokens: &Tokens, regions: &mut [Region], units: &mut [Unit]) {
    regions.sort_by_key(|region| region.range.start());
    let mut parts: Vec<[Vec<u8>; 4]> = vec![Default::default(); units.len()];
    let mut next = 0;
    let mut here = (0, Part::Body);
    for token in tokens {
        let kind = token.kind();
        if matches!(
            kind,
            TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::EndOfFile
        ) {
            continue;
        }
        // the end of a line or of a block belongs to what it ends
        if !matches!(kind, TokenKind::Newline | TokenKind::Dedent) {
            let at = token.start();
            while regions
                .get(next)
                .is_some_and(|region| region.range.end() <= at)
            {
                next += 1;
            }
            here = match regions.get(next) {
                Some(region) if region.range.start() <= at => (region.unit, region.part),
                _ => (0, Part::Body),
            };
        }
        // body, head, head without defaults, docstring
        let places: &[usize] = match here.1 {
            Part::Body => &[0],
            Part::Head => &[1, 2],
            Part::Default => &[1],
            Part::Doc => &[3],
        };
        for place in places {
            let out = &mut parts[here.0 as usize][*place];
            out.push(kind as u8);
            if carries_text(kind) {
                let piece = text.get(std::ops::Range::<usize>::from(token.range()));
                let piece = piece.unwrap_or_default().as_bytes();
                out.extend((piece.len() as u32).to_le_bytes());
                out.extend(piece);
            }
        }
    }
    for (unit, [body, head, shape, doc]) in units.iter_mut().zip(&parts) {
        unit.body = Fingerprint::of(body);
        unit.head = Fingerprint::of(head);
        unit.shape = Fingerprint::of(shape);
        unit.doc = Fingerprint::of(doc);
    }
}
