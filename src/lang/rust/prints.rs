//! What a run can see of a source: its tokens, and those doc comments that can matter.
//!
//! A doc comment matters when it may hold a doctest (a fence or an indented block), when a derive, an attribute macro
//! or a macro call may read it, and where it stands in a place that rustc may refuse. All others are layout.
//! Inside macro calls the spaces between tokens count too, because `stringify!` shows them.
//!
//! Not seen here: procedural macros that read the source text behind a span, comments included.

use std::collections::HashMap;

use super::attributes;
use super::docs;
use super::tokens::{Kind, Token, Tokens};
use crate::model::Fingerprint;

/// The prints of one source.
#[derive(Debug, Default)]
pub(super) struct Prints {
    /// The code.
    pub(super) code: Fingerprint,
    /// The code and the line of each token.
    pub(super) layout: Fingerprint,
    /// Which items carry docs: what `deny(missing_docs)` can see of the doc comments that are layout.
    pub(super) documented: Fingerprint,
    /// The code in doc comments, with the line where each run of them starts.
    pub(super) doctests: Vec<(u32, String)>,
}

/// A token that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Its index.
    pub(super) index: usize,
    /// It stands close to the one before it, where that can be told from code.
    pub(super) joint: bool,
    /// It is a doc comment that counts only because it may hold a doctest.
    pub(super) doctest: bool,
}

/// What stands between two brackets.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Items,
    Fields,
    Macro,
    Attribute,
    Other,
}

struct Level {
    place: Place,
    /// An attribute outside may read the docs in here.
    watched: bool,
    /// An attribute of the item at hand may.
    item_watched: bool,
    /// What the braces of the item at hand will hold.
    body: Option<Place>,
}

impl Level {
    fn new(place: Place, watched: bool) -> Self {
        Self {
            place,
            watched,
            item_watched: false,
            body: None,
        }
    }

    fn end_item(&mut self) {
        self.item_watched = false;
        self.body = None;
    }
}

/// Prints a source. Cost: linear in its tokens.
pub(super) fn prints(tokens: &Tokens<'_>) -> Prints {
    each_piece(tokens, |_| {})
}

/// Prints a source, and tells each token that counts.
pub(super) fn each_piece(tokens: &Tokens<'_>, mut tell: impl FnMut(Piece)) -> Prints {
    let mut out = Prints::default();
    let (mut code, mut layout, mut documented) = (Vec::new(), Vec::new(), Vec::new());
    let mut levels = vec![Level::new(Place::Items, false)];
    let (mut run_end, mut run_counts, mut run_only_tests) = (0, false, false);
    // how a doctest sees the docs of the run
    let mut seen_as = HashMap::new();
    let mut after_punct = false;
    let mut pieces: u32 = 0;
    for (index, token) in tokens.iter().enumerate() {
        let place = levels.last().map_or(Place::Other, |level| level.place);
        if token.kind == Kind::Doc {
            if index >= run_end {
                let watched = levels.iter().any(|l| l.watched || l.item_watched);
                let run = Run::at(tokens, index);
                let doctest = run.doctest(tokens);
                run_end = run.end;
                let seen = watched || run.watched || !run.in_ordinary_place(tokens, index, place);
                run_counts = seen || doctest.is_some();
                run_only_tests = !seen;
                if run_counts && run_only_tests {
                    seen_as = docs::skeletons(&run.docs(tokens));
                }
                out.doctests.extend(doctest.map(|text| (token.line, text)));
                if !run_counts {
                    documented.extend_from_slice(&pieces.to_le_bytes());
                }
            }
            if !run_counts {
                continue;
            }
        }
        let joint = match place {
            Place::Macro => !token.spaced,
            _ => after_punct && token.kind == Kind::Punct && !token.spaced,
        };
        after_punct = token.kind == Kind::Punct;
        tell(Piece {
            index,
            joint,
            doctest: token.kind == Kind::Doc && run_only_tests,
        });
        code.push(token.kind as u8 * 2 + u8::from(joint));
        match seen_as.get(&index).filter(|_| run_only_tests) {
            Some(skeleton) if token.kind == Kind::Doc => {
                code.extend_from_slice(skeleton.as_bytes())
            }
            _ => code.extend_from_slice(token.text.as_bytes()),
        }
        code.push(0xff);
        layout.extend_from_slice(&token.line.to_le_bytes());
        pieces = pieces.wrapping_add(1);
        step(tokens, index, token, &mut levels);
    }
    out.code = Fingerprint::of(&code);
    code.extend_from_slice(&layout);
    out.layout = Fingerprint::of(&code);
    out.documented = Fingerprint::of(&documented);
    out
}

/// Keeps track of where in the tree the walk is.
fn step(tokens: &Tokens<'_>, index: usize, token: &Token<'_>, levels: &mut Vec<Level>) {
    let depth = levels.len();
    let Some(level) = levels.last_mut() else {
        return;
    };
    match token.kind {
        Kind::Open => {
            let watched = level.item_watched;
            let place = if level.place == Place::Macro || is_macro_call(tokens, index) {
                Place::Macro
            } else if is_attribute(tokens, index) {
                Place::Attribute
            } else if token.text == "{" {
                match (level.place, level.body) {
                    (_, Some(body)) => body,
                    (Place::Fields, None) => Place::Fields,
                    _ => Place::Other,
                }
            } else {
                Place::Other
            };
            if place == Place::Attribute && !attributes::ignores_docs(tokens, index) {
                level.item_watched = true;
            }
            levels.push(Level::new(place, watched && place != Place::Attribute));
        }
        Kind::Close if depth > 1 && token.partner < index => {
            levels.pop();
            if let Some(level) = levels.last_mut()
                && token.text == "}"
            {
                level.end_item();
            }
        }
        Kind::Punct if token.text == ";" || (token.text == "," && level.place == Place::Fields) => {
            level.end_item();
        }
        Kind::Ident => {
            let body = match token.text {
                "struct" | "enum" | "union" => Place::Fields,
                "mod" | "trait" | "impl" | "extern" => Place::Items,
                "fn" => Place::Other,
                "const" | "static" | "let" | "match" | "if" | "for" | "while" | "loop" => {
                    // `const fn` and `for<'a>` stay open for the keyword that decides.
                    return;
                }
                _ => return,
            };
            let is_union = token.text != "union" || tokens.ident(index + 1).is_some();
            if is_union && (level.body.is_none() || token.text == "fn") {
                level.body = Some(body);
            }
        }
        _ => {}
    }
}

/// Whether the bracket at `index` holds what a macro is called with.
pub(super) fn is_macro_call(tokens: &Tokens<'_>, index: usize) -> bool {
    let bang = |i: usize| tokens.is(i, "!") && i > 0 && tokens.ident(i - 1).is_some();
    match index.checked_sub(1) {
        Some(before) if bang(before) => true,
        // `macro_rules! name {`, `other! name {`.
        Some(before) if before > 0 => tokens.ident(before).is_some() && bang(before - 1),
        _ => false,
    }
}

fn is_attribute(tokens: &Tokens<'_>, index: usize) -> bool {
    tokens.is(index, "[")
        && match index.checked_sub(1) {
            Some(before) if tokens.is(before, "#") => true,
            Some(before) => before > 0 && tokens.is(before, "!") && tokens.is(before - 1, "#"),
            None => false,
        }
}

/// Doc comments in a row, with the attributes between them.
struct Run {
    first: usize,
    end: usize,
    /// One of the attributes may read the docs.
    watched: bool,
}

impl Run {
    fn at(tokens: &Tokens<'_>, first: usize) -> Self {
        let mut end = first;
        let mut watched = false;
        loop {
            if tokens.get(end).is_some_and(|t| t.kind == Kind::Doc) {
                end += 1;
                continue;
            }
            let open = end + 1 + usize::from(tokens.is(end + 1, "!"));
            match tokens.close(open) {
                Some(close) if tokens.is(end, "#") && tokens.is(open, "[") => {
                    watched |= !attributes::ignores_docs(tokens, open);
                    end = close.saturating_add(1);
                }
                _ => break,
            }
        }
        Self {
            first,
            end,
            watched,
        }
    }

    /// The doc comments, with their indices.
    fn docs<'t>(&self, tokens: &Tokens<'t>) -> Vec<(usize, &'t str)> {
        let all = (self.first..self.end).filter_map(|i| Some((i, tokens.get(i)?)));
        all.filter(|(_, token)| token.kind == Kind::Doc)
            .map(|(i, token)| (i, token.text))
            .collect()
    }

    /// The code blocks in the docs, where there may be any.
    fn doctest(&self, tokens: &Tokens<'_>) -> Option<String> {
        let mut code = String::new();
        let (mut fenced, mut found) = (false, false);
        for (_, text) in self.docs(tokens) {
            for line in docs::lines(text) {
                let text = line.trim_start();
                if text.contains("```") || text.contains("~~~") {
                    fenced = !fenced;
                    found = true;
                } else if fenced
                    || ((line.starts_with("    ") || line.starts_with('\t')) && !text.is_empty())
                {
                    found = true;
                    code.push_str(text);
                    code.push('\n');
                }
            }
        }
        found.then_some(code)
    }

    /// Whether rustc takes docs here in silence.
    fn in_ordinary_place(&self, tokens: &Tokens<'_>, index: usize, place: Place) -> bool {
        let before = index.checked_sub(1).and_then(|i| tokens.get(i));
        let at_start = before.is_none_or(|t| t.kind == Kind::Open);
        let docs = (self.first..self.end).filter_map(|i| tokens.get(i));
        let mut inner = docs
            .filter(|t| t.kind == Kind::Doc)
            .map(|t| t.text.starts_with("//!") || t.text.starts_with("/*!"));
        let first_is_inner = inner.next().unwrap_or_default();
        if first_is_inner {
            // Outer docs may follow in the same run; then the rules for those hold as well.
            let only_inner = inner.by_ref().all(|inner| inner);
            let after_inner_attribute = index > 0
                && tokens.get(index - 1).is_some_and(|t| {
                    t.kind == Kind::Close && t.partner > 1 && tokens.is(t.partner - 1, "!")
                });
            return only_inner && place == Place::Items && (at_start || after_inner_attribute);
        }
        if inner.any(|inner| inner) {
            return false;
        }
        let after_end = at_start
            || before
                .is_some_and(|t| matches!(t.text, "}" | ";" | "," | "]") && t.kind != Kind::Str);
        let Some(next) = tokens.get(self.end).filter(|_| after_end) else {
            return false;
        };
        match place {
            Place::Items | Place::Fields => next.kind == Kind::Ident,
            Place::Other => matches!(
                next.text,
                "fn" | "struct" | "enum" | "trait" | "impl" | "mod" | "pub"
            ),
            Place::Macro | Place::Attribute => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(source: &str) -> Fingerprint {
        prints(&Tokens::of(source)).code
    }

    #[test]
    fn comments_space_and_plain_docs_are_layout() {
        for (a, b) in [
            ("fn f() { 1 }", "// x\nfn f()\n{\n 1 /* y */ }"),
            ("fn f() {}", "/// Does f.\nfn f() {}"),
            ("//! Old.\nfn f() {}", "//! New.\n\nfn f() {}"),
            (
                "struct A { x: u8 }",
                "/// A.\nstruct A {\n  /// X.\n  x: u8 }",
            ),
            (
                "#[derive(Debug)] enum E { A, B(u8) }",
                "#[derive(Debug)] enum E { /// a\n A, /// b\n B(u8) }",
            ),
            (
                "impl A { fn f() { g(); } }",
                "/// a\nimpl A { /// b\n fn f() { g(); } }",
            ),
            ("m!(a, b);", "m!(a,  b); // c"),
        ] {
            assert_eq!(code(a), code(b), "{a} / {b}");
        }
    }

    #[test]
    fn docs_that_a_run_can_see_are_code() {
        for (a, b) in [
            (
                "/// ```\n/// f()\n/// ```\nfn f() {}",
                "/// ```\n/// g()\n/// ```\nfn f() {}",
            ),
            ("///     f()\nfn f() {}", "///     g()\nfn f() {}"),
            (
                "/** ```\n f()\n``` */fn f() {}",
                "/** ```\n g()\n``` */fn f() {}",
            ),
            (
                "/// help\n#[derive(Parser)] struct A;",
                "/// hulp\n#[derive(Parser)] struct A;",
            ),
            (
                "#[derive(Parser)] struct A { /// help\n x: u8 }",
                "#[derive(Parser)] struct A { /// hulp\n x: u8 }",
            ),
            (
                "#[command]\n/// help\nfn f() {}",
                "#[command]\n/// hulp\nfn f() {}",
            ),
            ("m! { /// help\n x }", "m! { /// hulp\n x }"),
            ("fn f() { 1 }", "fn f() { 1 /// x\n }"),
            ("fn f(a: u8) {}", "fn f(/// x\na: u8) {}"),
            ("struct A { x: u8 }", "struct A { x: u8, /// end\n }"),
            ("fn f() {}", "fn f() {} /// end"),
            ("fn f() {}", "fn f() {} //! end"),
        ] {
            assert_ne!(code(a), code(b), "{a} / {b}");
        }
    }

    #[test]
    fn prose_around_a_doctest_is_layout_as_long_as_it_begins_alike() {
        let with = |prose: &str| {
            code(&format!(
                "/// {prose}\n/// ```\n/// f()\n/// ```\nfn f() {{}}"
            ))
        };
        assert_eq!(with("Does f."), with("Does g, too."));
        assert_ne!(with("Does f."), with("- Does f."));
        assert_ne!(with("Does f."), with("``` Does f."));
    }

    #[test]
    fn code_that_rustc_tells_apart_differs() {
        for (a, b) in [
            ("a >> b", "a > > b"),
            ("a && b", "a & & b"),
            ("1.", "1 ."),
            ("\"a b\"", "\"a  b\""),
            ("m!(a+b)", "m!(a + b)"),
            ("a b", "ab"),
            ("r#fn", "fn"),
            ("'a", "'b"),
        ] {
            assert_ne!(code(a), code(b), "{a} / {b}");
        }
    }

    #[test]
    fn layout_knows_lines_and_documented_knows_docs() {
        let (a, b) = (
            prints(&Tokens::of("fn f() {}")),
            prints(&Tokens::of("\n/// x\nfn f() {}")),
        );
        assert_ne!(a.layout, b.layout);
        assert_ne!(a.documented, b.documented);
    }

    proptest! {
        #[test]
        fn any_text_prints(source in ".*") {
            prints(&Tokens::of(&source));
        }

        #[test]
        fn inserted_comments_and_blank_lines_keep_the_code(
            words in proptest::collection::vec(
                prop::sample::select(vec![
                    "fn", "mod", "{", "}", "(", ")", "[", "]", "#", "!", "x", ";", ",", "<", ">", "::", "\"s\"",
                    "'a", "1", "derive", "struct", "enum", "=", "macro_rules", "/// d\n", "//! i\n",
                ]),
                0..60,
            ),
            fills in proptest::collection::vec(
                prop::sample::select(vec![" ", "\n", "\n\n\t", " // c\n", " /* c */ ", " //\n\n // d\n"]),
                61,
            ),
        ) {
            let plain = words.join(" ");
            let filled: String = words.iter().zip(&fills).flat_map(|(word, fill)| [*word, fill]).collect();
            prop_assert_eq!(code(&plain), code(&filled));
        }
    }
}
