//! Prints of units: the tokens of a file, each given to the unit it belongs to.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::{Ranged, TextRange};

use super::{Kind, QUIET, Unit};
use crate::lang::python::spelling;
use crate::model::Fingerprint;

/// Which part of a unit a region of the text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Body,
    Head,
    /// A decorator that only says how a function is got at, or one that is not known, in the head.
    Way,
    /// The value of a default, in the head.
    Default,
    /// A literal that a call is given: of which kind it is belongs to the body, which one to the head.
    Literal,
    Doc,
    /// An import, which is told by what it binds. The body around it only says where imports stand.
    Import,
    /// What does nothing.
    Nothing,
}

/// A region of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub(super) range: TextRange,
    pub(super) unit: u32,
    pub(super) part: Part,
}

/// Stands for imports in a row; no kind of token.
const IMPORTS_HERE: u8 = 0xff;
/// Stands before how deep a line is indented; no kind of token.
const DEPTH: u8 = 0xfe;

/// Prints all units. Regions do not overlap; what lies in none belongs to the first unit. Linear in the text.
///
/// Blocks are told by the depth of each line. A unit in a block counts the lines of the first unit above it, too: so it is
/// another where it moved to another block.
pub(super) fn print(text: &str, tokens: &Tokens, regions: &mut [Region], units: &mut [Unit]) {
    regions.sort_by_key(|region| region.range.start());
    let mut parts: Vec<[Vec<u8>; 5]> = vec![Default::default(); units.len()];
    let mut next = 0;
    let mut here = (0, Part::Body);
    let (mut depth, mut lines_above) = (0u16, 0u32);
    let (mut starts_line, mut skips) = (true, false);
    spelling::each(text, tokens, |token, piece| {
        let kind = token.kind();
        match kind {
            TokenKind::EndOfFile => return,
            TokenKind::Indent => {
                depth += 1;
                return;
            }
            TokenKind::Dedent => {
                depth = depth.saturating_sub(1);
                return;
            }
            _ => {}
        }
        if kind == TokenKind::Newline && std::mem::take(&mut skips) {
            starts_line = true;
            return;
        }
        let before = here;
        // the end of a line belongs to what it ends
        if kind != TokenKind::Newline {
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
        if here.1 == Part::Nothing {
            (here, skips) = (before, true);
            return;
        }
        let (unit, part) = here;
        if part == Part::Import && before.1 != Part::Import {
            parts[unit as usize][0].push(IMPORTS_HERE);
        }
        // body, head, head without defaults, docstring, head without ways
        let places: &[usize] = match part {
            Part::Body => &[0],
            Part::Head => &[1, 2, 4],
            Part::Way => &[1, 2],
            Part::Default | Part::Literal => &[1, 4],
            Part::Doc => &[3],
            Part::Import | Part::Nothing => &[],
        };
        if part == Part::Literal {
            // whether it is true or false is no kind
            let kind = match kind {
                TokenKind::False => TokenKind::True,
                kind => kind,
            };
            parts[unit as usize][0].push(kind as u8);
        }
        for place in places {
            let out = &mut parts[unit as usize][*place];
            let first = before.0 != unit || *place == 4 && out.is_empty();
            if starts_line {
                out.push(DEPTH);
                out.extend(depth.to_le_bytes());
            }
            // what is called where it stands finds what stands above
            let in_order = depth > 0 || units[unit as usize].kind == Kind::Object;
            if in_order && first && unit != 0 {
                out.extend(lines_above.to_le_bytes());
            }
            spelling::write(out, token, piece);
        }
        lines_above += u32::from(starts_line && here == (0, Part::Body));
        starts_line = kind == TokenKind::Newline;
    });
    if parts[0][0].iter().all(|byte| *byte == IMPORTS_HERE) {
        units[0].flags |= QUIET;
        // there is nothing between which imports could stand
        parts[0][0].clear();
    }
    for (unit, [body, head, shape, doc, plain]) in units.iter_mut().zip(&parts) {
        unit.body = Fingerprint::of(body);
        unit.head = Fingerprint::of(head);
        unit.shape = Fingerprint::of(shape);
        unit.plain = Fingerprint::of(plain);
        unit.doc = Fingerprint::of(doc);
    }
}
