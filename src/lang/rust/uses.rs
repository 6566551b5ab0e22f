//! What a source asks for besides modules and includes, told by the names it uses.
//!
//! A name says enough: `read_dir` is taken to list directories wherever it stands. Not seen here: the same done through
//! a helper of another crate under another name.

use serde::{Deserialize, Serialize};

use super::tokens::{Kind, Tokens, value};

/// What a source asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Uses {
    /// Lists directories.
    pub lists: bool,
    /// Asks for line numbers.
    pub lines: bool,
    /// Reads what the manifest says in prose (`CARGO_PKG_DESCRIPTION` and the like).
    pub package_keys: bool,
    /// Starts programs.
    pub runs_programs: bool,
    /// Starts Cargo itself, which can build and run anything.
    pub runs_cargo: bool,
    /// Hands files to tools or reads files whose names are computed; this matters in build scripts.
    pub reads_unnamed: bool,
    /// Compiles templates (`#[template(…)]`), which may include each other.
    pub templates: bool,
    /// Defines macros for other crates.
    pub exports_macros: bool,
    /// Denies missing docs.
    pub denies_missing_docs: bool,
}

impl Uses {
    /// Adds what another part of the file asks for.
    pub(super) fn widen(&mut self, other: Uses) {
        self.lists |= other.lists;
        self.package_keys |= other.package_keys;
        self.templates |= other.templates;
        self.runs_programs |= other.runs_programs;
        self.runs_cargo |= other.runs_cargo;
    }
}

const LISTS: &[&str] = &[
    "read_dir",
    "read_dir_utf8",
    "WalkDir",
    "walkdir",
    "jwalk",
    "WalkBuilder",
    "glob",
    "globwalk",
    "GlobWalkerBuilder",
    "include_dir",
    "datatest",
    "datatest_stable",
    "libtest_mimic",
    "dir_test",
    "test_resources",
    "TestCases",
    "trybuild",
    "ui_test",
    "RustEmbed",
    "rust_embed",
    "fs_extra",
    "copy_dir",
    "files",
    "migrate",
    "Migrator",
    "embed_migrations",
    "process_root",
    "Tera",
    "trycmd",
    "test_each_file",
    "lang_tester",
    "LangTester",
    "compiletest_rs",
    "read_dir_all",
    "automod",
    "mod_dir",
];
const LINES: &[&str] = &[
    "line",
    "column",
    "caller",
    "Location",
    "track_caller",
    "trybuild",
    "ui_test",
    "Backtrace",
    "set_hook",
    "compile_fail",
];
const PACKAGE_KEYS: &[&str] = &[
    "about",
    "author",
    "authors",
    "long_about",
    "crate_authors",
    "crate_description",
    "crate_name",
    "command",
    "built",
    "shadow_rs",
    "vergen",
    "human_panic",
    "setup_panic",
    "bugreport",
    "cargo_crate",
];
/// Programs of the toolchain and libraries that start programs.
pub(super) const PROGRAMS: &[&str] = &[
    "Command",
    "cargo_bin",
    "cargo_bin_cmd",
    "assert_cmd",
    "escargot",
    "duct",
    "cmd",
    "xshell",
    "rexpect",
    "trycmd",
    "snapbox",
    "CargoBuild",
    "expectrl",
];
/// Crates and functions that read more files than their arguments name: headers, imports, whole source trees.
const TOOLS: &[&str] = &[
    "cc",
    "cmake",
    "bindgen",
    "prost_build",
    "tonic_build",
    "protobuf_codegen",
    "protobuf",
    "protoc",
    "lalrpop",
    "cxx_build",
    "capnpc",
    "flatc",
    "autotools",
    "meson",
    "nasm_rs",
    "embuild",
    "uniffi",
    "tauri_build",
    "slint_build",
    "cbindgen",
    "swift_bridge_build",
    "skeptic",
    "build_helper",
    "tonic_prost_build",
    "volo_build",
    "winres",
    "embed_resource",
];
const READERS: &[&str] = &[
    "read",
    "read_to_string",
    "open",
    "copy",
    "metadata",
    "exists",
    "is_file",
    "is_dir",
];

/// What the names in the tokens ask for.
pub(super) fn uses(tokens: &Tokens<'_>) -> Uses {
    let mut out = Uses::default();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Str => {
                out.package_keys |= token.text.contains("CARGO_PKG_");
                out.runs_cargo |= !is_feature(tokens, index)
                    && matches!(value(token.text).as_deref(), Some("cargo" | "CARGO"));
            }
            Kind::Doc => {
                out.lines |= token.text.contains("compile_fail");
            }
            Kind::Ident => {
                let name = token.text;
                let is_macro = tokens.is(index + 1, "!");
                // `files` is a common name; it lists as an attribute: `#[files("…")]`.
                out.lists |= LISTS.contains(&name)
                    && (name != "files" || index > 0 && tokens.is(index - 1, "["));
                out.lines |= match name {
                    "line" | "column" => is_macro,
                    name => LINES.contains(&name),
                };
                out.package_keys |= PACKAGE_KEYS.contains(&name) || name.contains("CARGO_PKG_");
                out.exports_macros |= name == "macro_export";
                out.templates |= name == "template" && tokens.is(index + 1, "(");
                out.runs_programs |= PROGRAMS.contains(&name);
                out.runs_cargo |= matches!(name, "escargot" | "CargoBuild" | "cargo_metadata");
                out.reads_unnamed |= TOOLS.contains(&name)
                    || (READERS.contains(&name) && !is_named(tokens, index))
                    || (name == "Command" && !runs_toolchain(tokens, index));
                out.denies_missing_docs |= matches!(name, "deny" | "forbid") && {
                    let inside = tokens.inside(index + 1);
                    inside.into_iter().any(|i| {
                        tokens
                            .ident(i)
                            .is_some_and(|name| matches!(name, "missing_docs" | "warnings"))
                    })
                };
            }
            _ => {}
        }
    }
    out
}

/// Whether the literal at `index` is the name in `feature = "…"`.
fn is_feature(tokens: &Tokens<'_>, index: usize) -> bool {
    index > 1 && tokens.is(index - 1, "=") && tokens.is(index - 2, "feature")
}

/// Whether the call that `index` names has a literal for its path; a name that is no call reads nothing.
fn is_named(tokens: &Tokens<'_>, index: usize) -> bool {
    let range = tokens.inside(index + 1);
    if range.is_empty() {
        // A method without arguments, as in `path.exists()`, hides its path; a plain name does nothing.
        return !tokens.is(index + 1, "(");
    }
    let first = range.start + usize::from(tokens.is(range.start, "&"));
    tokens.get(first).is_some_and(|t| t.kind == Kind::Str)
}

/// Whether the command at `index` starts a part of the toolchain, which reads no files of ours here.
fn runs_toolchain(tokens: &Tokens<'_>, index: usize) -> bool {
    let open = (index + 1..index + 6).find(|i| tokens.close(*i).is_some());
    let Some(open) = open.filter(|_| tokens.is(index + 1, ":")) else {
        // `use std::process::Command;`, or a type.
        return true;
    };
    tokens.inside(open).any(|i| {
        tokens.get(i).is_some_and(|t| {
            let text = t.text.to_ascii_lowercase();
            text.contains("rustc") || text.contains("\"git\"")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Uses {
        uses(&Tokens::of(text))
    }

    #[test]
    fn lines_are_asked_for_by_macros_and_locations() {
        for (text, expected) in [
            ("line!()", true),
            ("let line = 1;", false),
            ("#[track_caller] fn f() {}", true),
            ("Location::caller()", true),
            ("/// ```compile_fail\nfn f() {}", true),
        ] {
            assert_eq!(of(text).lines, expected, "{text}");
        }
    }

    #[test]
    fn a_build_script_reads_unnamed_files_unless_all_are_written_out() {
        for (text, expected) in [
            ("fs::read_to_string(\"a.txt\")", false),
            ("fs::read_to_string(path)", true),
            ("File::open(dir.join(\"x\"))", true),
            ("path.exists()", true),
            (
                "use std::process::Command; Command::new(\"rustc\").arg(\"-V\")",
                false,
            ),
            ("Command::new(env::var(\"RUSTC\"))", false),
            ("Command::new(\"python\")", true),
            ("cc::Build::new().file(\"a.c\")", true),
            ("println!(\"cargo:rustc-cfg=x\"); autocfg::new()", false),
        ] {
            assert_eq!(of(text).reads_unnamed, expected, "{text}");
        }
    }

    #[test]
    fn manifest_prose_docs_and_cargo_are_noticed() {
        assert!(of("env!(\"CARGO_PKG_DESCRIPTION\")").package_keys);
        assert!(of("#[command(version, about)] struct A;").package_keys);
        assert!(of("#![deny(unsafe_code, missing_docs)]").denies_missing_docs);
        assert!(!of("#![warn(missing_docs)]").denies_missing_docs);
        assert!(of("Command::new(\"cargo\")").runs_cargo);
        assert!(!of("#[cfg(feature = \"cargo\")] fn f() {}").runs_cargo);
        assert!(of("fs::read_dir(x)").lists);
        assert!(of("fn f(#[files(\"a/*.txt\")] a: PathBuf) {}").lists);
        assert!(!of("let files = m.get(files);").lists);
        assert!(of("#[derive(Template)] #[template(path = \"a.html\")] struct A;").templates);
        assert!(!of("let template = 1; struct Template;").templates);
    }
}
