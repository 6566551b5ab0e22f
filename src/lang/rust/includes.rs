//! What `include!`, `include_str!`, `include_bytes!` and their like paste in.
//!
//! Not seen here: paths that a macro puts together; they may be any file of the package.

use std::ops::Range;

use super::source::{Base, Include};
use super::tokens::{Kind, Tokens, value};

/// All includes in the tokens, in order, with the tokens of their arguments.
pub(super) fn includes(tokens: &Tokens<'_>) -> Vec<(Include, Range<usize>)> {
    let mut out = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Ident || !tokens.is(index + 1, "!") {
            continue;
        }
        let code = token.text == "include";
        let data = matches!(
            token.text,
            "include_str"
                | "include_bytes"
                | "include_bytes_aligned"
                | "include_flate"
                | "include_utf16str"
        );
        if !(code || data) || tokens.close(index + 2).is_none() {
            continue;
        }
        let (base, path) = argument(tokens, index + 2);
        let include = Include {
            base,
            path,
            code,
            line: token.line,
        };
        out.push((include, tokens.inside(index + 2)));
    }
    out
}

/// The path in the brackets that open at `open`.
fn argument(tokens: &Tokens<'_>, open: usize) -> (Base, String) {
    let mut range = tokens.inside(open);
    if tokens.is(range.start, "concat") && tokens.is(range.start + 1, "!") {
        range = tokens.inside(range.start + 2);
    }
    let mut base = Base::File;
    let mut path = String::new();
    let mut at = range.start;
    while at < range.end {
        let Some(token) = tokens.get(at) else { break };
        match token.kind {
            Kind::Str => match value(token.text) {
                Some(piece) => path.push_str(&piece),
                None => return (Base::Computed, path),
            },
            Kind::Punct if token.text == "," => {}
            Kind::Ident if matches!(token.text, "env" | "option_env") && tokens.is(at + 1, "!") => {
                let name = tokens.inside(at + 2).start;
                let name = tokens
                    .get(name)
                    .and_then(|t| value(t.text))
                    .unwrap_or_default();
                match name.as_str() {
                    "OUT_DIR" => return (Base::Generated, path),
                    "CARGO_MANIFEST_DIR" if path.is_empty() => base = Base::Package,
                    _ => return (Base::Computed, path),
                }
                at = tokens.close(at + 2).unwrap_or(at);
            }
            _ => return (Base::Computed, path),
        }
        at += 1;
    }
    if path.is_empty() {
        return (Base::Computed, path);
    }
    (base, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_read_from_literals_and_well_known_variables() {
        for (text, expected) in [
            ("include_str!(\"a.txt\")", "File a.txt"),
            ("std::include_bytes![r\"../b\"]", "File ../b"),
            (
                "#![doc = include_str!(\"../README.md\")]",
                "File ../README.md",
            ),
            (
                "#[cfg_attr(doctest, doc = include_str!(\"R.md\",))] struct R;",
                "File R.md",
            ),
            (
                "include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/x/\", \"y\"))",
                "Package /x/y",
            ),
            ("include_str!(concat!(\"a\", \"/b\"))", "File a/b"),
            (
                "include!(concat!(env!(\"OUT_DIR\"), \"/gen.rs\"))",
                "Generated ",
            ),
            ("include_str!($path)", "Computed "),
            ("include_str!(concat!(\"a/\", $name))", "Computed a/"),
            ("include_str!(env!(\"SOME_FILE\"))", "Computed "),
        ] {
            let got: Vec<_> = includes(&Tokens::of(text))
                .into_iter()
                .map(|(i, _)| format!("{:?} {}", i.base, i.path))
                .collect();
            assert_eq!(got, [expected], "{text}");
        }
    }

    #[test]
    fn a_name_without_a_call_includes_nothing() {
        assert!(includes(&Tokens::of("use std::include_str; fn include() {}")).is_empty());
    }
}
