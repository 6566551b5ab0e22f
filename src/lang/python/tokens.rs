//! Prints of a file's tokens: what a run can see of it, without and with the lines that things stand on.
//!
//! Comments, blank lines, spaces inside a line, the width of indentation and what [`spelling`] leaves out leave no trace.
//! Everything else does: strings (docstrings are data that can be read and tested), a shebang, and an encoding cookie other
//! than UTF-8.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::Ranged;

use super::lines::Lines;
use super::spelling;
use crate::model::{Fingerprint, Printer};

/// The two prints of a file.
pub(super) struct Prints {
    /// Without positions.
    pub(super) code: Fingerprint,
    /// With the line of every token.
    pub(super) layout: Fingerprint,
}

/// So many bytes are printed at once: few enough to stay in the cache.
const AT_ONCE: usize = 4096;

/// Prints a file's tokens. Linear in the text.
pub(super) fn prints(text: &str, tokens: &Tokens, lines: &Lines, cookie: Option<&[u8]>) -> Prints {
    let mut printer = Printer::new();
    printer.piece(shebang(text));
    printer.piece(cookie.unwrap_or_default());
    let mut code: Vec<u8> = Vec::with_capacity(2 * AT_ONCE);
    let mut places: Vec<u8> = Vec::new();
    let mut line = 0;
    let mut count = 0u32;
    spelling::each(text, tokens, |token, piece| {
        let kind = token.kind();
        spelling::write(&mut code, token, piece);
        if code.len() >= AT_ONCE {
            printer.stream(&code);
            code.clear();
        }
        // The end of the file may move: nobody can ask where it is.
        if !matches!(
            kind,
            TokenKind::EndOfFile | TokenKind::Dedent | TokenKind::Newline
        ) {
            let here = lines.after(line, token.start());
            if here != line {
                line = here;
                places.extend(count.to_le_bytes());
                places.extend(here.to_le_bytes());
            }
        }
        count += 1;
    });
    printer.stream(&code);
    printer.number(u64::from(count));
    let code = printer.finish();
    printer.piece(&places);
    Prints {
        code,
        layout: printer.finish(),
    }
}

/// The first line where it names an interpreter: it matters when the file is run as a program.
fn shebang(text: &str) -> &str {
    match text.lines().next() {
        Some(line) if line.starts_with("#!") => line.trim_end(),
        _ => "",
    }
}
