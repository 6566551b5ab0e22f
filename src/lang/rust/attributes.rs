//! What attributes mean to the reader: which ones make tests, which ones may read doc comments.
//!
//! Names are told by their last segment, as written. Not seen here: attributes imported under another name; what is
//! not known is taken to read docs and to make tests.

use super::tokens::{Kind, Tokens};

/// Attributes of the language and of well-known crates that never look at doc comments, and make no tests.
const PLAIN: &[&str] = &[
    "allow",
    "automatically_derived",
    "warn",
    "deny",
    "forbid",
    "expect",
    "cfg",
    "cold",
    "default",
    "deprecated",
    "diagnostic",
    "doc",
    "error",
    "export_name",
    "feature",
    "from",
    "global_allocator",
    "ignore",
    "inline",
    "link",
    "link_name",
    "link_section",
    "macro_export",
    "macro_use",
    "must_use",
    "no_main",
    "no_mangle",
    "no_std",
    "non_exhaustive",
    "panic_handler",
    "path",
    "proc_macro",
    "proc_macro_attribute",
    "proc_macro_derive",
    "recursion_limit",
    "repr",
    "serde",
    "should_panic",
    "skip",
    "source",
    "target_feature",
    "test_runner",
    "track_caller",
    "type_length_limit",
    "unsafe",
    "used",
    "instrument",
    "coverage",
];

/// Attributes that turn a function into a test of the same name.
const TESTS: &[&str] = &[
    "test",
    "rstest",
    "gtest",
    "quickcheck",
    "wasm_bindgen_test",
    "test_log",
    "traced_test",
    "proptest",
    "property_test",
    "async_test",
    "googletest",
];

/// Attributes that give a test parameters, so that its cases have names of their own, or that make tests in other ways.
const CASES: &[&str] = &[
    "case",
    "test_case",
    "test_matrix",
    "values",
    "files",
    "apply",
    "template",
    "parameterized",
    "dir_test",
    "bench",
    "test_each_file",
    "parametrize",
    "cases",
];

/// Derives that read no docs.
const DERIVES: &[&str] = &[
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Serialize",
    "Deserialize",
    "Error",
];

/// What an attribute does to a function it stands on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Makes no tests.
    Plain,
    /// Makes it a test.
    Test,
    /// Makes tests whose names the source does not show, or may do so.
    Unknown,
}

/// Whether the attribute that opens at `open` (its `[`) and what it stands on may keep their docs to themselves.
pub(super) fn ignores_docs(tokens: &Tokens<'_>, open: usize) -> bool {
    parts(tokens, open).into_iter().all(|part| {
        let Some(name) = last_segment(tokens, part) else {
            return false;
        };
        match name {
            "derive" => derives(tokens, part).all(|derive| DERIVES.contains(&derive)),
            _ => is_plain(tokens, part),
        }
    })
}

/// Whether the attribute that starts at `part` is known to leave what it stands on where it is.
pub(super) fn is_plain(tokens: &Tokens<'_>, part: usize) -> bool {
    let named = last_segment(tokens, part).is_some_and(|name| {
        PLAIN.contains(&name) || TESTS.contains(&name) || CASES.contains(&name)
    });
    named || is_tool(tokens, part)
}

/// What the attribute that opens at `open` does to a function.
pub(super) fn role(tokens: &Tokens<'_>, open: usize) -> Role {
    let roles = parts(tokens, open)
        .into_iter()
        .map(|part| match last_segment(tokens, part) {
            Some(name) if TESTS.contains(&name) => Role::Test,
            Some(name) if PLAIN.contains(&name) || name == "main" || is_tool(tokens, part) => {
                Role::Plain
            }
            _ => Role::Unknown,
        });
    roles.fold(Role::Plain, |a, b| match (a, b) {
        (Role::Unknown, _) | (_, Role::Unknown) => Role::Unknown,
        (Role::Test, _) | (_, Role::Test) => Role::Test,
        _ => Role::Plain,
    })
}

/// The indices where the attribute itself starts, or for `cfg_attr` each attribute that it hands out.
pub(super) fn parts(tokens: &Tokens<'_>, open: usize) -> Vec<usize> {
    let first = open + 1;
    if !tokens.is(first, "cfg_attr") {
        return vec![first];
    }
    let range = tokens.inside(first + 1);
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        if tokens.is(at, ",") && at + 1 < range.end {
            found.push(at + 1);
        }
        at = tokens.close(at).unwrap_or(at) + 1;
    }
    found
}

/// The last segment of the path that starts at `index`.
pub(super) fn last_segment<'a>(tokens: &Tokens<'a>, index: usize) -> Option<&'a str> {
    let mut at = index;
    if tokens.is(at, ":") {
        at += 2;
    }
    let mut last = tokens.ident(at)?;
    while tokens.is(at + 1, ":") && tokens.is(at + 2, ":") {
        at += 3;
        last = tokens.ident(at)?;
    }
    Some(last)
}

fn is_tool(tokens: &Tokens<'_>, index: usize) -> bool {
    ["rustfmt", "clippy", "diagnostic", "rust_analyzer"]
        .iter()
        .any(|tool| tokens.is(index, tool))
}

/// The last segments of the names in a derive.
pub(super) fn derives<'a>(tokens: &'a Tokens<'a>, part: usize) -> impl Iterator<Item = &'a str> {
    let mut open = part;
    while open < part + 64 && tokens.get(open).is_some_and(|t| t.kind != Kind::Open) {
        open += 1;
    }
    let range = tokens.inside(open);
    range
        .filter(|i| !tokens.is(i + 1, ":"))
        .filter_map(|i| tokens.ident(i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_go_by_the_last_segment() {
        for (attribute, expected) in [
            ("#[test]", Role::Test),
            ("#[tokio::test(flavor = \"x\")]", Role::Test),
            ("#[::core::prelude::v1::test]", Role::Test),
            ("#[cfg_attr(not(miri), test)]", Role::Test),
            ("#[cfg(test)]", Role::Plain),
            ("#[cfg_attr(a, ignore, should_panic)]", Role::Plain),
            ("#[case(1)]", Role::Unknown),
            ("#[my::attr]", Role::Unknown),
        ] {
            assert_eq!(role(&Tokens::of(attribute), 1), expected, "{attribute}");
        }
    }

    #[test]
    fn only_known_attributes_ignore_docs() {
        for (attribute, expected) in [
            ("#[derive(Debug, std::clone::Clone)]", true),
            ("#[derive(Debug, clap::Parser)]", false),
            ("#[cfg_attr(feature = \"x\", derive(Parser))]", false),
            (
                "#[cfg_attr(feature = \"x\", derive(serde::Serialize))]",
                true,
            ),
            ("#[rustfmt::skip]", true),
            ("#[pyfunction]", false),
        ] {
            assert_eq!(
                ignores_docs(&Tokens::of(attribute), 1),
                expected,
                "{attribute}"
            );
        }
    }
}
