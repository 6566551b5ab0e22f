//! What one Rust source says by itself: the modules it declares, what it pastes in, its tests, the paths it names.
//!
//! Declarations are taken wherever they stand in the tokens, inside macro calls and under any `cfg`, so that every
//! platform and feature is covered at once.
//!
//! Not seen here: modules and includes whose names a macro puts together; they widen to the whole package.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::macros::{Call, Maker};
use super::prints::{each_piece, prints};
use super::symbols::{self, Symbols};
use super::tokens::{Kind, Tokens, value};
use super::{includes, scan, uses};
use crate::lang::{Detail, Facts, Mention};
use crate::model::{Fingerprint, Printer};

/// Sources above this size are taken whole: any edit counts, and they may use every file of their package.
const TOO_LARGE: usize = 5 << 20;

/// What a source file says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The modules it declares in other files.
    pub mods: Vec<ModDecl>,
    /// The directories, from the package's, whose sources it declares as modules (`automod::dir!`).
    pub mod_dirs: Vec<(String, u32)>,
    /// What it pastes in.
    pub includes: Vec<Include>,
    /// The tests it shows, with the path of the inline modules around each: `tests::adds`.
    pub tests: Vec<String>,
    /// It may hold tests that it does not show, or under other names.
    pub hides_tests: bool,
    /// The macros it defines.
    pub makers: Vec<Maker>,
    /// The macros it calls among items, which may make tests.
    pub calls: Vec<Call>,
    /// `rerun-if-changed` lines it prints, if it is a build script.
    pub reruns: Vec<(String, u32)>,
    /// What else it asks for.
    pub uses: uses::Uses,
    /// Which items carry doc comments.
    pub documented: Fingerprint,
    /// It declares modules whose names a macro is given: each may be any source of its package.
    pub any_module: bool,
    /// It could not be read, so it may use any file of its package.
    pub opaque: bool,
    /// Its definitions, where they were asked for and the file could be read.
    pub symbols: Option<Box<Symbols>>,
}

/// `mod name;`, with the inline modules around it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct ModDecl {
    /// The inline modules around it, outermost first.
    pub inside: Vec<ModName>,
    /// The module itself.
    pub name: ModName,
    /// 1-based line.
    pub line: u32,
}

/// A module's name and its `#[path]` attributes.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct ModName {
    /// The name.
    pub name: String,
    /// The paths that attributes give it, those under `cfg_attr` too.
    pub paths: Vec<String>,
    /// One of them holds without a condition, so the name is not looked up.
    pub only_paths: bool,
}

/// A file that is pasted in at compile time.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Include {
    /// What its path is relative to.
    pub base: Base,
    /// The path as written.
    pub path: String,
    /// It is code (`include!`), not data.
    pub code: bool,
    /// 1-based line.
    pub line: u32,
}

/// What an included path is relative to.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Base {
    /// The including file.
    File,
    /// The package's directory (`CARGO_MANIFEST_DIR`).
    Package,
    /// The build script's output; no file of the repository.
    Generated,
    /// The path is computed: it may be any file of the package.
    Computed,
}

/// What the bytes of a source say; `closer`: with its definitions. Cost: linear in the file.
pub(super) fn facts(blob: &[u8], closer: bool) -> Facts {
    let text = String::from_utf8_lossy(blob);
    let damage = if blob.len() > TOO_LARGE {
        Some("larger than 5 MB: any edit counts, and it may use every file of its package")
    } else if text.contains('\u{fffd}') && std::str::from_utf8(blob).is_err() {
        Some("not UTF-8: any edit counts, and it may use every file of its package")
    } else {
        None
    };
    if let Some(text) = damage {
        return opaque(blob, text);
    }
    let tokens = Tokens::of(&text);
    let mut pieces = Vec::new();
    let prints = if closer {
        each_piece(&tokens, |piece| pieces.push(piece))
    } else {
        prints(&tokens)
    };
    let readable = closer && !tokens.broken;
    let mut source = Source {
        documented: prints.documented,
        symbols: readable.then(|| Box::new(symbols::read(&tokens, &pieces, &prints))),
        ..Source::default()
    };
    let mut trouble = Vec::new();
    scan::scan(&tokens, &mut source, &mut trouble);
    let included = includes::includes(&tokens);
    source.uses = uses::uses(&tokens);
    let mut mentions = Vec::new();
    collect_mentions(&tokens, &included, 0, &mut mentions, &mut source.reruns);
    source.includes = included.into_iter().map(|(include, _)| include).collect();
    let mut lists_directories = source.uses.lists;
    for (line, doctest) in &prints.doctests {
        let tokens = Tokens::of(doctest);
        let (uses, first) = (uses::uses(&tokens), line.saturating_sub(1));
        lists_directories |= uses.lists;
        source.uses.widen(uses);
        let included = includes::includes(&tokens);
        collect_mentions(&tokens, &included, first, &mut mentions, &mut source.reruns);
        let included = included.into_iter().map(|(include, _)| Include {
            line: include.line.saturating_add(first),
            ..include
        });
        source.includes.extend(included);
    }
    mentions.sort_by(|a, b| (&a.text, a.line).cmp(&(&b.text, b.line)));
    mentions.dedup_by(|b, a| a.text == b.text);
    let broken = tokens.broken;
    if broken {
        trouble.push((
            0,
            "brackets or literals do not end: any edit counts".to_owned(),
        ));
        source.hides_tests = true;
    }
    Facts {
        code: if broken {
            Fingerprint::of(blob)
        } else {
            prints.code
        },
        layout: if broken {
            Fingerprint::of(blob)
        } else {
            prints.layout
        },
        reads_lines: source.uses.lines,
        // Whether docs count is settled by the lints of the whole crate.
        shapes_project: source.uses.denies_missing_docs,
        mentions,
        lists_directories,
        lists_unread: false,
        trouble,
        tests: tests_print(&source),
        detail: Detail::Rust(Box::new(source)),
    }
}

/// What the source says of tests, its own and those of the files it declares.
fn tests_print(source: &Source) -> Fingerprint {
    let mut printer = Printer::new();
    for test in &source.tests {
        printer.piece(test);
    }
    printer.number(u64::from(
        source.hides_tests || source.any_module || source.opaque,
    ));
    for call in &source.calls {
        printer.piece(&call.name);
        printer.piece(&call.around);
        for given in &call.given {
            printer.piece(given.as_deref().unwrap_or_default());
        }
    }
    for maker in &source.makers {
        printer.piece(&maker.name);
        printer.piece(format!("{:?} {:?}", maker.tests, maker.calls));
    }
    for decl in &source.mods {
        for module in decl.inside.iter().chain([&decl.name]) {
            printer.piece(&module.name);
            module.paths.iter().for_each(|path| printer.piece(path));
        }
        printer.number(decl.inside.len() as u64);
    }
    for include in source.includes.iter().filter(|include| include.code) {
        printer.piece(&include.path);
    }
    source
        .mod_dirs
        .iter()
        .for_each(|(dir, _)| printer.piece(dir));
    printer.finish()
}

fn opaque(blob: &[u8], text: &str) -> Facts {
    let print = Fingerprint::of(blob);
    Facts {
        code: print,
        layout: print,
        tests: print,
        lists_directories: true,
        trouble: vec![(0, text.to_owned())],
        detail: Detail::Rust(Box::new(Source {
            hides_tests: true,
            opaque: true,
            documented: print,
            ..Source::default()
        })),
        ..Facts::default()
    }
}

/// What literals name. Those of includes with a known place name that place and no other.
fn collect_mentions(
    tokens: &Tokens<'_>,
    included: &[(Include, Range<usize>)],
    lines_before: u32,
    mentions: &mut Vec<Mention>,
    reruns: &mut Vec<(String, u32)>,
) {
    let mut placed = included
        .iter()
        .filter(|(include, _)| matches!(include.base, Base::File | Base::Package))
        .map(|(_, tokens)| tokens)
        .peekable();
    let literals = tokens.iter().enumerate();
    for (index, token) in literals.filter(|(_, token)| token.kind == Kind::Str) {
        while placed.next_if(|range| range.end <= index).is_some() {}
        if placed.peek().is_some_and(|range| range.contains(&index)) || is_label(tokens, index) {
            continue;
        }
        let line = token.line.saturating_add(lines_before);
        let Some(text) = value(token.text) else {
            continue;
        };
        for rerun in text
            .lines()
            .filter_map(|line| line.split_once("rerun-if-changed="))
        {
            reruns.push((rerun.1.trim().to_owned(), line));
        }
        mentions.extend(quoted(&text).map(|inner| Mention {
            text: inner.to_owned(),
            line,
        }));
        // what is put together behind a computed directory
        let behind = text.rsplit_once("}/").map(|(_, behind)| behind);
        if let Some(behind) = behind.filter(|behind| may_be_path(behind)) {
            mentions.push(Mention {
                text: behind.to_owned(),
                line,
            });
        }
        if may_be_path(&text) {
            mentions.push(Mention { text, line });
        }
    }
}

/// Whether the literal at `index` only labels what is shown: `.field("name", &self…)`.
fn is_label(tokens: &Tokens<'_>, index: usize) -> bool {
    index > 2
        && tokens.is(index - 1, "(")
        && tokens.is(index - 2, "field")
        && tokens.is(index - 3, ".")
        && tokens.is(index + 1, ",")
        && tokens.is(index + 2, "&")
        && tokens.is(index + 3, "self")
}

fn may_be_path(text: &str) -> bool {
    (2..=160).contains(&text.chars().count()) && !text.contains('\n')
}

/// Names of data files in quotes within a literal: the literal may be a template or a script that reads them. What
/// ends like a source or a manifest is taken for an example.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let pieces = |quote: char| text.split(quote).skip(1);
    pieces('"').chain(pieces('\'')).filter(|inner| {
        may_be_path(inner)
            && inner.contains(['.', '/'])
            && !inner.contains(char::is_whitespace)
            && !inner.ends_with(".rs")
            && !inner.ends_with("Cargo.toml")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(text: &str) -> (Facts, Source) {
        let facts = facts(text.as_bytes(), true);
        let Detail::Rust(source) = facts.detail.clone() else {
            return (facts, Source::default());
        };
        (facts, *source)
    }

    #[test]
    fn every_short_literal_is_a_mention() {
        let (facts, _) = source(
            "#[grammar = \"x.pest\"] struct P; m!(r#\"a/b\"#, b\"cc\", c\"dd\", \"x\", \"two\\nlines\");\n\
             /// ```\n/// open(\"doc.txt\");\n/// ```\nfn f() {}",
        );
        let texts: Vec<_> = facts
            .mentions
            .iter()
            .map(|m| (m.text.as_str(), m.line))
            .collect();
        assert_eq!(
            texts,
            [
                ("a/b", 1),
                ("cc", 1),
                ("dd", 1),
                ("doc.txt", 2),
                ("x.pest", 1)
            ]
        );
    }

    #[test]
    fn a_name_in_quotes_within_a_template_is_a_mention() {
        let text = "#[template(source = r#\"a\n{% include \"../b.html\" %}\n{% extends 'c/d' %} it's \"two words.\" \"e.rs\"\"#)] struct T;";
        let (facts, _) = source(text);
        let texts: Vec<_> = facts.mentions.iter().map(|m| m.text.as_str()).collect();
        assert_eq!(texts, ["../b.html", "c/d"]);
    }

    #[test]
    fn an_include_with_a_known_place_mentions_no_namesakes() {
        for (text, expected) in [
            (
                "include_str!(\"../README.md\"); f(\"a.txt\")",
                vec!["a.txt"],
            ),
            ("#![doc = include_str!(\"R.md\")] f(\"R.md\")", vec!["R.md"]),
            ("include_str!(concat!(\"a/\", $name))", vec!["a/"]),
            (
                "f(include_str!(\"a.b\"), include_str!(\"c.d\"), \"e.f\")",
                vec!["e.f"],
            ),
        ] {
            let (facts, _) = source(text);
            let texts: Vec<_> = facts.mentions.iter().map(|m| m.text.as_str()).collect();
            assert_eq!(texts, expected, "{text}");
        }
    }

    #[test]
    fn build_script_instructions_are_read_from_literals() {
        let (_, source) = source(
            "fn main() { println!(\"cargo::rerun-if-changed=a.c\\ncargo:rerun-if-changed=b\"); }",
        );
        let paths: Vec<_> = source
            .reruns
            .iter()
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(paths, ["a.c", "b"]);
    }

    #[test]
    fn what_cannot_be_read_is_opaque_and_counts_byte_by_byte() {
        let a = facts(b"fn f() {} // \xff", true);
        let b = facts(b"fn f() {}  // \xff", true);
        assert_ne!(a.code, b.code);
        assert!(a.lists_directories && !a.trouble.is_empty());
        let large = vec![b' '; TOO_LARGE + 1];
        assert!(matches!(facts(&large, true).detail, Detail::Rust(source) if source.opaque));
        let (broken, _) = source("fn f() {{ // a");
        assert_ne!(broken.code, source("fn f() {{ // b").0.code);
    }

    #[test]
    fn deep_nesting_is_read_without_recursion() {
        let deep = "mod a { ".repeat(20_000) + "mod b;" + &"}".repeat(20_000);
        let (_, source) = source(&deep);
        assert_eq!(source.mods.len(), 1);
        facts("(".repeat(200_000).as_bytes(), true);
    }

    proptest! {
        #[test]
        fn facts_are_total(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            facts(&bytes, true);
        }

        #[test]
        fn facts_are_total_on_code_like_text(
            words in proptest::collection::vec(
                prop::sample::select(vec![
                    "mod", "a", ";", "{", "}", "(", ")", "[", "]", "#", "!", "path", "=", "\"x\"", "include_str",
                    "concat", "env", ",", "cfg_attr", "fn", "pub", "macro_rules", "$", "test", "::", "///", "\n",
                    "Command", "new", "derive", ":", "extern", "b\"\\u{zz}\"", "\"\\",
                ]),
                0..80,
            ),
        ) {
            facts(words.join(" ").as_bytes(), true);
            facts(words.concat().as_bytes(), true);
        }
    }
}
