//! What an `impl` is of, and where signatures end.

use std::ops::Range;

use super::names::{Interner, names_something};
use super::{Header, NameId, Path};
use crate::lang::rust::tokens::{Kind, Tokens};

/// The index of the `{` or `;` that ends a signature, at or behind `from`; `end` where there is none. Braces that stand
/// for a const argument belong to the signature.
pub(in crate::lang::rust) fn body(tokens: &Tokens<'_>, from: usize, end: usize) -> usize {
    let mut at = from;
    while at < end {
        match tokens.close(at) {
            Some(close) if tokens.is(at, "{") => {
                let argument = (at > 0 && tokens.is(at - 1, "<"))
                    || matches!(tokens.text(close + 1), ">" | ",") && close + 1 < end;
                if !argument {
                    return at;
                }
                at = close + 1;
            }
            Some(close) => at = close + 1,
            None if tokens.is(at, ";") => return at,
            None => at += 1,
        }
    }
    end
}

/// Walks a range outside of brackets of any kind, angle brackets too: calls `tell` with each index, stops where it says
/// so and gives that index.
pub(super) fn at_top(
    tokens: &Tokens<'_>,
    range: Range<usize>,
    mut stop: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let mut angles = 0_u32;
    let mut at = range.start;
    while at < range.end {
        if angles == 0 && stop(at) {
            return Some(at);
        }
        if let Some(close) = tokens.close(at) {
            at = close + 1;
            continue;
        }
        if tokens.is(at, "<") {
            angles += 1;
        } else if tokens.is(at, ">") && !(at > 0 && matches!(tokens.text(at - 1), "-" | "=")) {
            angles = angles.saturating_sub(1);
        }
        at += 1;
    }
    None
}

/// The index behind the generics that open at `at`, if any do.
pub(super) fn behind_generics(tokens: &Tokens<'_>, at: usize, end: usize) -> usize {
    if !tokens.is(at, "<") {
        return at;
    }
    let mut first = true;
    let behind = at_top(tokens, at..end, |i| !std::mem::take(&mut first) && i > at);
    behind.unwrap_or(end)
}

/// Reads the header between `impl` and its body.
pub(super) fn header(tokens: &Tokens<'_>, range: Range<usize>, names: &mut Interner) -> Header {
    let behind = behind_generics(tokens, range.start, range.end);
    let parameters = parameters(tokens, range.start..behind);
    let end = at_top(tokens, behind..range.end, |i| tokens.is(i, "where")).unwrap_or(range.end);
    let between = at_top(tokens, behind..end, |i| {
        tokens.is(i, "for") && !tokens.is(i + 1, "<")
    });
    let mut out = Header::default();
    let own = match between {
        Some(at) => {
            let mut start = behind;
            while matches!(tokens.text(start), "!" | "const" | "~" | "?") {
                start += 1;
            }
            out.of_trait = Some(path(tokens, start..at, &parameters, names));
            others(tokens, start..at, &parameters, names, &mut out.others);
            at + 1..end
        }
        None => behind..end,
    };
    out.of = path(tokens, own.clone(), &parameters, names);
    others(tokens, own, &parameters, names, &mut out.others);
    out
}

/// The names of type parameters and const parameters.
fn parameters<'a>(tokens: &Tokens<'a>, range: Range<usize>) -> Vec<&'a str> {
    let named = range.filter(|i| {
        let before = tokens.text(i.saturating_sub(1));
        matches!(before, "<" | "," | "const" | "]")
    });
    named.filter_map(|i| tokens.ident(i)).collect()
}

/// The path that a part of a header is, where it is one and no parameter.
fn path(
    tokens: &Tokens<'_>,
    range: Range<usize>,
    parameters: &[&str],
    names: &mut Interner,
) -> Option<Path> {
    let mut at = range.start;
    while matches!(tokens.text(at), "&" | "mut")
        || tokens
            .get(at)
            .is_some_and(|t| t.text.starts_with('\'') && t.kind == Kind::Other)
    {
        at += 1;
    }
    let absolute = tokens.is(at, ":");
    if absolute {
        at += 2;
    }
    let first = tokens.ident(at)?;
    if matches!(first, "dyn" | "impl" | "fn" | "unsafe" | "extern" | "for") {
        return None;
    }
    let mut last = at;
    while last + 3 < range.end
        && tokens.is(last + 1, ":")
        && tokens.is(last + 2, ":")
        && tokens.ident(last + 3).is_some()
    {
        last += 3;
    }
    let name = tokens.ident(last)?;
    let rest = behind_generics(tokens, last + 1, range.end);
    if rest < range.end || parameters.contains(&name) || !names_something(tokens, last) {
        return None;
    }
    let root = match (absolute, last > at) {
        (true, _) => Some(names.id(&format!("::{first}"))),
        (false, true) => Some(names.id(first)),
        (false, false) => None,
    };
    let name: NameId = names.id(name);
    Some(Path { root, name })
}

/// Plain names of types in a part of a header.
fn others(
    tokens: &Tokens<'_>,
    range: Range<usize>,
    parameters: &[&str],
    names: &mut Interner,
    out: &mut Vec<Path>,
) {
    for at in range {
        let in_path = tokens.is(at + 1, ":") || (at > 0 && tokens.is(at - 1, ":"));
        let Some(name) = tokens
            .ident(at)
            .filter(|_| names_something(tokens, at) && !in_path)
        else {
            continue;
        };
        // `Item = X` binds the name of another type
        if !parameters.contains(&name) && !tokens.is(at + 1, "=") {
            let name = names.id(name);
            out.push(Path { root: None, name });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let tokens = Tokens::of(text);
        let end = body(&tokens, 0, tokens.iter().count());
        let mut interner = Interner::default();
        let header = header(&tokens, 1..end, &mut interner);
        let name = |path: &Path| {
            let root = path
                .root
                .map(|root| format!("{}..", interner.names[root as usize]));
            format!(
                "{}{}",
                root.unwrap_or_default(),
                interner.names[path.name as usize]
            )
        };
        let of_trait = match &header.of_trait {
            None => "-".to_owned(),
            Some(None) => "?".to_owned(),
            Some(Some(path)) => name(path),
        };
        format!(
            "{of_trait} for {}",
            header.of.as_ref().map_or("?".to_owned(), name)
        )
    }

    #[test]
    fn headers_tell_trait_and_type() {
        for (text, expected) in [
            ("impl A {", "- for A"),
            ("impl<'a, T: B> a::b::A<'a, T> where T: C {", "- for a..A"),
            (
                "impl<T> fmt::Display for &'a mut A<T> {",
                "fmt..Display for A",
            ),
            ("impl<T: Into<u8>> X for T {", "X for ?"),
            (
                "impl<F> X for F where F: for<'a> Fn(&'a u8) -> bool {",
                "X for ?",
            ),
            ("impl From<A> for [A] {", "From for ?"),
            ("impl dyn A {", "- for ?"),
            ("impl ::a::X for A<{ N }> {", "::a..X for A"),
            ("unsafe impl<const N: usize> X<N> for A {", "X for A"),
        ] {
            let text = text.trim_start_matches("unsafe ");
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn a_brace_that_is_an_argument_ends_no_signature() {
        for (text, expected) in [
            ("fn f() -> A<{ N }> { x }", 12),
            ("fn f() -> A<u8, { N }, u8>;", 16),
            ("fn f() where A: B, { }", 9),
            ("fn f(", 3),
        ] {
            let tokens = Tokens::of(text);
            assert_eq!(body(&tokens, 0, tokens.iter().count()), expected, "{text}");
        }
    }
}
