//! What string literals say: paths they may name, and imports written inside them.
//!
//! Not seen: names that are put together at run time from pieces of which none is a name.

use super::source::{By, Import};

/// Whether a literal could name a file, a directory, a part of a path or a pattern. Prose could not.
pub(super) fn may_name_path(text: &str) -> bool {
    if !(2..=160).contains(&text.len()) {
        return false;
    }
    if text.bytes().any(|b| b < b' ' || b == 0x7f) {
        // A name may hold a line break, but then it is one word on either side and not a piece of text.
        return text.contains(['.', '/'])
            && text.len() < 80
            && !text.ends_with('\n')
            && !text.contains([' ', '\r', '\t'])
            && text.lines().count() == 2;
    }
    if !text.bytes().any(|b| b.is_ascii_alphanumeric() || b >= 0x80) {
        return false;
    }
    let spaces = text.bytes().filter(|&b| b == b' ').count();
    if spaces < 3 {
        return true;
    }
    // A file's name may hold several spaces, but then it ends in an extension.
    let extension = text.rsplit('.').next().unwrap_or_default();
    spaces <= 6
        && extension.len() < text.len()
        && (1..=5).contains(&extension.len())
        && extension.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A dotted module name, perhaps with an attribute after a colon, without it. At least one dot, unless `single`.
pub(super) fn module_name(text: &str, single: bool) -> Option<&str> {
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    let mut parts = 0;
    for part in name.split('.') {
        if !is_identifier(part) {
            return None;
        }
        parts += 1;
    }
    (parts > 1 || single).then_some(name)
}

/// Whether a dotted name of two parts is rather a file's name with its extension.
pub(super) fn looks_like_file(name: &str) -> bool {
    let Some((_, extension)) = name.split_once('.') else {
        return false;
    };
    matches!(
        extension,
        "txt"
            | "html"
            | "htm"
            | "json"
            | "yaml"
            | "yml"
            | "toml"
            | "md"
            | "rst"
            | "cfg"
            | "ini"
            | "sql"
            | "csv"
            | "css"
            | "js"
            | "xml"
            | "py"
            | "pyc"
            | "png"
            | "jpg"
            | "svg"
            | "gz"
            | "zip"
            | "tar"
            | "log"
            | "db"
            | "lock"
            | "com"
            | "org"
            | "net"
    )
}

/// Whether this is a name in Python's sense (keywords are not sorted out).
pub(super) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    (first == '_' || first.is_alphabetic())
        && text.len() < 200
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// The import statements in a text that may be code, or that may hold a command line with `-m`.
///
/// Reads words, not syntax: generated code often comes in pieces.
pub(super) fn imports_in(text: &str, by: By, first_line: u32, out: &mut Vec<Import>) {
    for (count, line) in text.lines().enumerate() {
        let at = first_line.saturating_add(count as u32);
        if line.contains("import ") {
            for statement in line.split(';') {
                imports_of(statement, by, at, out);
            }
        }
        if line.contains("-m ") {
            let mut words = line.split_ascii_whitespace();
            while let Some(word) = words.next() {
                if word == "-m"
                    && let Some(module) = words.next().and_then(|w| module_name(w, true))
                {
                    out.push(Import {
                        module: module.to_owned(),
                        by: By::Run,
                        line: at,
                        ..Import::default()
                    });
                }
            }
        }
    }
}

fn imports_of(statement: &str, by: By, line: u32, out: &mut Vec<Import>) {
    let mut words = statement
        .split(|c: char| {
            c.is_whitespace() || matches!(c, '(' | ')' | ',' | '"' | '\'' | '`' | '\\')
        })
        .filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if word == "import" {
            for name in words.by_ref() {
                match module_name(name, true) {
                    Some("as") | None => break,
                    Some(module) => out.push(Import {
                        module: module.to_owned(),
                        by,
                        line,
                        ..Import::default()
                    }),
                }
            }
        } else if word == "from" {
            let Some(from) = words.next() else { return };
            let module = from.trim_start_matches('.');
            let level = (from.len() - module.len()) as u32;
            if !(module.is_empty() && level > 0 || module_name(module, true).is_some()) {
                continue;
            }
            if words.next() != Some("import") {
                continue;
            }
            let mut import = Import {
                level,
                module: module.to_owned(),
                by,
                line,
                ..Import::default()
            };
            for name in words.by_ref() {
                match name {
                    "*" => import.star = true,
                    "as" => break,
                    _ if is_identifier(name) => import.names.push(name.to_owned()),
                    _ => break,
                }
            }
            out.push(import);
        }
    }
}

/// Whether a text can only be the beginning of a dotted module name: `pkg.plugins.`.
pub(super) fn begins_module_name(text: &str) -> bool {
    text.strip_suffix('.').is_some_and(|name| {
        name.split('.').all(|part| {
            part.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_names_no_path_and_words_may() {
        for yes in [
            "files",
            "a/b.txt",
            "*.md",
            ".html",
            "my data file.txt",
            "a file with spaces.txt",
            "ünïcode",
            "{}.sql",
            "-m pkg",
        ] {
            assert!(may_name_path(yes), "{yes}");
        }
        for no in [
            "",
            "x",
            "a\nb",
            "--",
            "This is a sentence of several words",
            "It ends. Really it does ends here.",
        ] {
            assert!(!may_name_path(no), "{no}");
        }
    }

    #[test]
    fn dotted_names_are_told_from_file_names_by_their_letters() {
        assert_eq!(module_name("a.b:attr", false), Some("a.b"));
        assert_eq!(module_name("a.b", false), Some("a.b"));
        assert_eq!(module_name("a", false), None);
        assert_eq!(module_name("a", true), Some("a"));
        assert_eq!(module_name("a/b.py", true), None);
        assert_eq!(module_name("a..b", true), None);
        assert_eq!(module_name("1.2", true), None);
    }

    #[test]
    fn imports_inside_texts_are_found_in_pieces_of_code_and_in_commands() {
        let all = |text: &str| {
            let mut out = Vec::new();
            imports_in(text, By::Text, 1, &mut out);
            let show = |i: &Import| {
                let dots = ".".repeat(i.level as usize);
                format!("{dots}{} {:?} {}", i.module, i.names, i.line)
            };
            out.iter().map(show).collect::<Vec<_>>()
        };
        assert_eq!(
            all("import a.b, c\nfrom d import e as f"),
            ["a.b [] 1", "c [] 1", "d [\"e\"] 2"]
        );
        assert_eq!(all("x = 1; import a; a.run()"), ["a [] 1"]);
        assert_eq!(all("from jinja2.runtime import "), ["jinja2.runtime [] 1"]);
        assert_eq!(all("from . import (x, y)"), [". [\"x\", \"y\"] 1"]);
        assert_eq!(all("python -m pkg.tool --flag"), ["pkg.tool [] 1"]);
        assert_eq!(
            all("we import goods from there"),
            ["goods [] 1", "from [] 1", "there [] 1"]
        );
    }
}
