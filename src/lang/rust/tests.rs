//! Trees in, edges out: the reader of Rust as a whole.

use std::collections::{BTreeSet, VecDeque};

use super::Rust;
use crate::lang::{Facts, FileFacts, Lang};
use crate::model::{BlobId, Claim, EdgeKind, EdgeSink, Entry, Mode, Node, RepoPath, Snapshot};

type Tree<'a> = &'a [(&'a str, &'a str)];

fn laid(tree: Tree<'_>) -> EdgeSink {
    let entries = tree.iter().map(|(path, text)| {
        let link = text.strip_prefix("-> ");
        let mode = if link.is_some() {
            Mode::Link
        } else {
            Mode::File
        };
        let blob = BlobId::default();
        (RepoPath::from(*path), Entry { mode, blob })
    });
    let links = tree.iter().filter_map(|(path, text)| {
        Some((
            RepoPath::from(*path),
            text.strip_prefix("-> ")?.as_bytes().to_vec(),
        ))
    });
    let snapshot = Snapshot::new(entries.collect(), links.collect());
    let mut facts: Vec<(RepoPath, Facts)> = tree
        .iter()
        .filter(|(_, text)| !text.starts_with("-> "))
        .filter_map(|(path, text)| {
            let path = RepoPath::from(*path);
            let kind = Rust.claims(&path)?;
            Some((path, Rust.facts(kind, text.as_bytes())))
        })
        .collect();
    facts.sort_by(|a, b| a.0.cmp(&b.0));
    let files: Vec<_> = facts
        .iter()
        .map(|(path, facts)| FileFacts { path, facts })
        .collect();
    let mut out = EdgeSink::default();
    Rust.resolve(&files, &snapshot, &mut out);
    out
}

/// The tests from which any of the named nodes is reached.
fn reached(out: &EdgeSink, seeds: &[usize]) -> String {
    let mut seen: BTreeSet<usize> = seeds.iter().copied().collect();
    let mut open: VecDeque<usize> = seeds.iter().copied().collect();
    while let Some(at) = open.pop_front() {
        for edge in out.edges.iter().filter(|edge| edge.to.0 as usize == at) {
            if seen.insert(edge.from.0 as usize) {
                open.push_back(edge.from.0 as usize);
            }
        }
    }
    let tests: BTreeSet<String> = seen
        .into_iter()
        .filter_map(|i| match out.nodes.get_index(i) {
            Some((Node::Test(suite), _)) => Some(suite.to_string()),
            _ => None,
        })
        .collect();
    tests.into_iter().collect::<Vec<_>>().join(" ")
}

/// The tests that a change of a node reaches; the node is told by how it prints.
fn of(tree: Tree<'_>, node: &str) -> String {
    let out = laid(tree);
    let seeds: Vec<_> = out
        .nodes
        .keys()
        .enumerate()
        .filter(|(_, found)| found.to_string() == node)
        .map(|(i, _)| i)
        .collect();
    reached(&out, &seeds)
}

/// The tests that differ when one file of the tree has other contents: by prints, and through the file itself.
fn edited(tree: Tree<'_>, path: &str, text: &str) -> String {
    let changed: Vec<_> = tree
        .iter()
        .map(|(name, old)| (*name, if *name == path { text } else { *old }))
        .collect();
    let (base, head) = (laid(tree), laid(&changed));
    let mut all = BTreeSet::new();
    for (one, other) in [(&base, &head), (&head, &base)] {
        let differing = one.nodes.iter().enumerate().filter(|(_, (node, info))| {
            !matches!(node, Node::Path(_) | Node::Dir(_))
                && other
                    .nodes
                    .get(*node)
                    .map_or(info.print.is_some(), |twin| twin.print != info.print)
        });
        let seeds: Vec<_> = differing.map(|(i, _)| i).collect();
        all.extend(
            reached(one, &seeds)
                .split(' ')
                .filter(|t| !t.is_empty())
                .map(str::to_owned),
        );
    }
    all.into_iter().collect::<Vec<_>>().join(" ")
}

const ONE: &str = "[package]\nname = \"one\"\nversion = \"0.1.0\"\n";

#[test]
fn targets_are_found_by_looking() {
    let out = laid(&[
        ("Cargo.toml", ONE),
        ("src/lib.rs", "#[test] fn a() {}"),
        ("src/main.rs", ""),
        ("src/bin/tool.rs", ""),
        ("src/bin/big/main.rs", ""),
        ("tests/it.rs", ""),
        ("tests/suite/main.rs", ""),
        ("tests/common/mod.rs", ""),
        ("examples/ex.rs", ""),
        ("benches/b.rs", ""),
        ("build.rs", ""),
    ]);
    let names: BTreeSet<_> = out
        .nodes
        .keys()
        .filter(|node| matches!(node, Node::Test(_) | Node::Target { .. }))
        .map(ToString::to_string)
        .collect();
    let expected = [
        "bench b of one",
        "bin big of one",
        "bin one of one",
        "bin tool of one",
        "build-script build of one",
        "example ex of one",
        "lib one of one",
        "test one",
        "test one::bin/big",
        "test one::bin/one",
        "test one::bin/tool",
        "test one::doc",
        "test one::it",
        "test one::suite",
    ];
    assert_eq!(
        names.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn declared_targets_follow_the_manifest() {
    let manifest = "[package]\nname = \"one\"\nautotests = false\nbuild = false\n\
        [lib]\npath = \"l.rs\"\ndoctest = false\ntest = false\n\
        [[test]]\nname = \"x\"\npath = \"t/x.rs\"\nharness = false\n[[example]]\nname = \"e\"\ntest = true\n\
        [[bench]]\nname = \"b\"\ntest = true\n";
    let out = laid(&[
        ("Cargo.toml", manifest),
        ("l.rs", ""),
        ("t/x.rs", ""),
        ("tests/no.rs", ""),
        ("examples/e.rs", ""),
        ("benches/b.rs", ""),
        ("build.rs", ""),
    ]);
    let tests: Vec<_> = out
        .nodes
        .keys()
        .filter(|n| matches!(n, Node::Test(_)))
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        tests,
        ["test one::example/e", "test one::x", "test one::bench/b"]
    );
}

#[test]
fn a_module_reaches_the_tests_of_its_target_and_what_uses_the_library() {
    let tree: Tree<'_> = &[
        ("Cargo.toml", ONE),
        (
            "src/lib.rs",
            "mod a; #[path = \"odd/b.rs\"] mod b; mod inl { mod c; }",
        ),
        ("src/a.rs", "mod deep;"),
        ("src/a/deep.rs", ""),
        ("src/odd/b.rs", "mod beside;"),
        ("src/odd/beside.rs", ""),
        ("src/inl/c/mod.rs", ""),
        ("src/main.rs", "mod only_bin;"),
        ("src/only_bin.rs", ""),
        ("tests/it.rs", "mod common;"),
        ("tests/other.rs", ""),
        ("tests/common/mod.rs", ""),
        ("src/orphan.rs", ""),
    ];
    let all = "one one::bin/one one::doc one::it one::other";
    for (path, expected) in [
        ("src/a.rs", all),
        ("src/a/deep.rs", all),
        ("src/a/deep/mod.rs", all),
        ("src/odd/b.rs", all),
        ("src/odd/beside.rs", all),
        ("src/inl/c/mod.rs", all),
        ("src/inl/c.rs", all),
        ("src/only_bin.rs", "one::bin/one one::it one::other"),
        ("tests/common/mod.rs", "one::it"),
        ("tests/common.rs", "one::it"),
        ("tests/other.rs", "one::other"),
        ("src/orphan.rs", ""),
    ] {
        assert_eq!(of(tree, path), expected, "{path}");
    }
    let out = laid(tree);
    let claim = |path: &str| out.nodes[&Node::Path(path.into())].claim;
    assert_eq!(claim("src/a/deep.rs"), Claim::Followed);
    assert_eq!(claim("src/orphan.rs"), Claim::Nobody);
    assert_eq!(claim("Cargo.toml"), Claim::Settled);
}

#[test]
fn includes_reach_from_the_file_and_from_the_package() {
    let tree: Tree<'_> = &[
        ("Cargo.toml", "[workspace]\nmembers = [\"p\"]"),
        ("README.md", ""),
        ("p/Cargo.toml", ONE),
        (
            "p/src/lib.rs",
            "#![doc = include_str!(\"../../README.md\")]\ninclude!(\"part.rs\");\n\
             const A: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/a.txt\"));",
        ),
        ("p/src/part.rs", "mod q;"),
        ("p/src/q.rs", ""),
        ("p/data/a.txt", ""),
    ];
    for path in ["README.md", "p/src/part.rs", "p/src/q.rs", "p/data/a.txt"] {
        assert_eq!(of(tree, path), "one one::doc", "{path}");
    }
    let computed: Tree<'_> = &[
        ("Cargo.toml", ONE),
        (
            "src/lib.rs",
            "macro_rules! m { ($p:expr) => { include_str!($p) } }",
        ),
        ("data/a.txt", ""),
    ];
    assert_eq!(of(computed, "data/a.txt"), "one one::doc");
}

const ROOT: &str = "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/out\"]\n\
    [workspace.package]\nversion = \"1.0.0\"\nedition = \"2021\"\ndescription = \"d\"\n\
    [workspace.dependencies]\nb = { path = \"crates/b\" }\nserde = \"1\"\nlog = \"0.4\"\n";

fn workspace() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Cargo.toml", ROOT),
        (
            "crates/a/Cargo.toml",
            "[package]\nname = \"a\"\nversion.workspace = true\nedition = \"2021\"\n[dependencies]\nb.workspace = true\nserde.workspace = true\n",
        ),
        ("crates/a/src/lib.rs", ""),
        ("crates/a/tests/it.rs", ""),
        (
            "crates/b/Cargo.toml",
            "[package]\nname = \"b\"\nversion = \"0.1.0\"\nedition.workspace = true\n[build-dependencies]\nd = { path = \"../d\" }\n",
        ),
        ("crates/b/src/lib.rs", ""),
        (
            "crates/b/build.rs",
            "fn main() { println!(\"cargo:rerun-if-changed=gen/x.in\"); }",
        ),
        ("crates/b/gen/x.in", ""),
        (
            "crates/c/Cargo.toml",
            "[package]\nname = \"c\"\nversion = \"0.1.0\"\n[dev-dependencies]\nrenamed = { package = \"a\", path = \"../a\" }\nlog = \"0.4\"\n",
        ),
        ("crates/c/src/lib.rs", ""),
        ("crates/c/src/main.rs", ""),
        (
            "crates/d/Cargo.toml",
            "[package]\nname = \"d\"\nversion = \"0.1.0\"\n",
        ),
        ("crates/d/src/lib.rs", ""),
        (
            "crates/out/Cargo.toml",
            "[package]\nname = \"out\"\n[dependencies]\nd = { path = \"../d\" }\n",
        ),
        ("crates/out/src/lib.rs", ""),
    ]
}

#[test]
fn dependencies_of_every_kind_carry_changes() {
    let tree = workspace();
    let a = "a a::doc a::it";
    for (path, expected) in [
        (
            "crates/a/src/lib.rs",
            "a a::doc a::it c c::bin/c c::doc".to_owned(),
        ),
        (
            "crates/b/src/lib.rs",
            format!("{a} b b::doc c c::bin/c c::doc"),
        ),
        (
            "crates/b/gen/x.in",
            format!("{a} b b::doc c c::bin/c c::doc"),
        ),
        (
            "crates/d/src/lib.rs",
            format!("{a} b b::doc c c::bin/c c::doc d d::doc out out::doc"),
        ),
        ("crates/c/src/lib.rs", "c c::bin/c c::doc".to_owned()),
        ("crates/out/src/lib.rs", "out out::doc".to_owned()),
    ] {
        assert_eq!(of(&tree, path), expected, "{path}");
    }
}

#[test]
fn manifest_edits_reach_those_who_inherit() {
    let tree = workspace();
    let root = |from: &str, to: &str| ROOT.replace(from, to);
    let a_and_c = "a a::doc a::it c c::bin/c c::doc";
    for (text, expected) in [
        (format!("# note\n{ROOT}\n\n"), ""),
        (root("serde = \"1\"", "serde = \"1.0.5\""), a_and_c),
        (root("log = \"0.4\"", "log = \"0.4.2\""), ""),
        (root("1.0.0", "1.0.1"), a_and_c),
        (root("\"d\"", "\"e\""), ""),
        (
            root("2021", "2024"),
            "a a::doc a::it b b::doc c c::bin/c c::doc",
        ),
        (
            format!("{ROOT}[profile.dev]\nopt-level = 1\n"),
            "a a::doc a::it b b::doc c c::bin/c c::doc d d::doc out out::doc",
        ),
    ] {
        assert_eq!(edited(&tree, "Cargo.toml", &text), expected, "{text}");
    }
    let c = "[package]\nname = \"c\"\nversion = \"0.1.0\"\ndescription = \"x\"\nkeywords = [\"k\"]\n[dev-dependencies]\nrenamed = { package = \"a\", path = \"../a\" }\nlog = \"0.4\"\n";
    assert_eq!(edited(&tree, "crates/c/Cargo.toml", c), "");
}

#[test]
fn prose_counts_where_it_is_shown() {
    let tree: Tree<'_> = &[
        (
            "Cargo.toml",
            "[package]\nname = \"one\"\ndescription = \"x\"",
        ),
        (
            "src/lib.rs",
            "const D: &str = env!(\"CARGO_PKG_DESCRIPTION\");",
        ),
    ];
    let text = "[package]\nname = \"one\"\ndescription = \"y\"";
    assert_eq!(edited(tree, "Cargo.toml", text), "one one::doc");
}

const LOCK: &str = "version = 4\n\
    [[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"b\", \"serde\"]\n\
    [[package]]\nname = \"c\"\nversion = \"0.1.0\"\ndependencies = [\"a\", \"log\"]\n\
    [[package]]\nname = \"log\"\nversion = \"0.4.1\"\nsource = \"r\"\nchecksum = \"l1\"\n\
    [[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"r\"\nchecksum = \"s1\"\ndependencies = [\"serde_core\"]\n\
    [[package]]\nname = \"serde_core\"\nversion = \"1.0.0\"\nsource = \"r\"\nchecksum = \"k1\"\n\
    [[package]]\nname = \"unused\"\nversion = \"1.0.0\"\nsource = \"r\"\nchecksum = \"u1\"\n";

#[test]
fn a_lock_edit_reaches_only_users_of_what_changed() {
    let mut tree = workspace();
    tree.push(("Cargo.lock", LOCK));
    let a_and_c = "a a::doc a::it c c::bin/c c::doc";
    for (from, to, expected) in [
        ("version = 4", "version = 3", ""),
        ("u1", "u2", ""),
        ("k1", "k2", a_and_c),
        ("[\"serde_core\"]", "[]", a_and_c),
        // A dev-dependency: everything that is linked for tests.
        ("l1", "l2", "c c::bin/c c::doc"),
    ] {
        assert_eq!(
            edited(&tree, "Cargo.lock", &LOCK.replace(from, to)),
            expected,
            "{from}"
        );
    }
    tree.pop();
    tree.push(("Cargo.lock", "[[package"));
    assert_eq!(
        of(&tree, "Cargo.lock"),
        "a a::doc a::it b b::doc c c::bin/c c::doc d d::doc out out::doc"
    );
}

#[test]
fn a_patch_by_path_stands_in_for_the_outside_package() {
    let tree: Tree<'_> = &[
        (
            "Cargo.toml",
            "[package]\nname = \"one\"\n[dependencies]\ndep = \"1\"\n[patch.crates-io]\ndep = { path = \"patched\" }\ninner = { path = \"inner\" }",
        ),
        (
            "Cargo.lock",
            "[[package]]\nname = \"one\"\nversion = \"0.0.0\"\ndependencies = [\"dep\", \"far\"]\n[[package]]\nname = \"dep\"\nversion = \"1.0.0\"\n[[package]]\nname = \"far\"\nversion = \"1.0.0\"\nsource = \"r\"\ndependencies = [\"inner\"]\n[[package]]\nname = \"inner\"\nversion = \"1.0.0\"\n",
        ),
        ("src/lib.rs", ""),
        (
            "patched/Cargo.toml",
            "[package]\nname = \"dep\"\nversion = \"1.0.0\"",
        ),
        ("patched/src/lib.rs", ""),
        (
            "inner/Cargo.toml",
            "[package]\nname = \"inner\"\nversion = \"1.0.0\"",
        ),
        ("inner/src/lib.rs", ""),
    ];
    assert_eq!(of(tree, "patched/src/lib.rs"), "dep dep::doc one one::doc");
}

#[test]
fn configuration_reaches_every_test_at_or_below_it() {
    let mut tree = workspace();
    tree.push(("rust-toolchain.toml", "[toolchain]\nchannel = \"1.90\"\n"));
    tree.push(("crates/c/.cargo/config.toml", ""));
    let all = "a a::doc a::it b b::doc c c::bin/c c::doc d d::doc out out::doc";
    assert_eq!(of(&tree, "rust-toolchain.toml"), all);
    assert_eq!(of(&tree, ".cargo/config.toml"), all);
    assert_eq!(
        of(&tree, "crates/c/.cargo/config.toml"),
        "c c::bin/c c::doc"
    );
    assert!(Rust.claims(&"rustfmt.toml".into()).is_some());
    assert_eq!(
        of(
            &[("Cargo.toml", ONE), ("src/lib.rs", ""), ("clippy.toml", "")],
            "clippy.toml"
        ),
        ""
    );
}

#[test]
fn scopes_are_as_narrow_as_is_safe() {
    let tree: Tree<'_> = &[
        (
            "Cargo.toml",
            "[package]\nname = \"root\"\n[workspace]\nmembers = [\"sub\"]",
        ),
        ("src/lib.rs", ""),
        ("tests/it.rs", ""),
        ("sub/Cargo.toml", "[package]\nname = \"sub\""),
        ("sub/src/lib.rs", ""),
        ("sub/tests/it.rs", ""),
    ];
    let root = "root root::doc root::it";
    for (scope, expected) in [
        (".", format!("{root} sub sub::doc sub::it")),
        ("src", root.to_owned()),
        ("tests", "root::it".to_owned()),
        ("sub", "sub sub::doc sub::it".to_owned()),
        ("sub/tests", "sub::it".to_owned()),
    ] {
        assert_eq!(
            of(tree, &format!("rust package {scope}")),
            expected,
            "{scope}"
        );
    }
}

#[test]
fn test_data_packages_fall_back_to_the_package_around() {
    let tree: Tree<'_> = &[
        ("Cargo.toml", ONE),
        ("src/lib.rs", ""),
        ("tests/it.rs", ""),
        (
            "tests/fixtures/x/Cargo.toml",
            "[package]\nname = \"x\"\n[workspace]",
        ),
        ("tests/fixtures/x/src/lib.rs", ""),
    ];
    let out = laid(tree);
    assert_eq!(
        out.nodes[&Node::Path("tests/fixtures/x/src/lib.rs".into())].claim,
        Claim::Nobody
    );
    assert!(
        !out.nodes
            .keys()
            .any(|n| n.to_string() == "rust package tests/fixtures/x")
    );
    assert_eq!(of(tree, "rust package tests"), "one::it x x::doc");
}

#[test]
fn a_broken_manifest_hides_no_test() {
    let mut tree = workspace();
    for (path, text) in &mut tree {
        if *path == "crates/d/Cargo.toml" {
            *text = "[package]\nname = \"d\"\n???";
        }
    }
    assert_eq!(
        of(&tree, "crates/d/Cargo.toml"),
        "a a::doc a::it b b::doc c c::bin/c c::doc d d::doc out out::doc"
    );
}

#[test]
fn a_build_script_that_reads_unnamed_files_depends_on_its_package() {
    for (script, expected) in [
        (
            "fn main() { cc::Build::new().file(\"c/a.c\"); }",
            "one one::doc",
        ),
        ("fn main() { for f in read_dir(\"c\") {} }", "one one::doc"),
        ("fn main() { println!(\"cargo:rustc-cfg=x\"); }", ""),
    ] {
        let tree: Tree<'_> = &[
            ("Cargo.toml", ONE),
            ("src/lib.rs", ""),
            ("build.rs", script),
            ("c/a.h", ""),
        ];
        assert_eq!(of(tree, "c/a.h"), expected, "{script}");
    }
}

#[test]
fn denied_missing_docs_make_docs_count() {
    let lib = "#![deny(missing_docs)]\nmod a;";
    let tree: Tree<'_> = &[
        ("Cargo.toml", ONE),
        ("src/lib.rs", lib),
        ("src/a.rs", "/// A.\npub fn a() {}"),
    ];
    assert_eq!(edited(tree, "src/a.rs", "/// Other.\npub fn a() {}"), "");
    assert_eq!(edited(tree, "src/a.rs", "pub fn a() {}"), "one one::doc");
    let free: Tree<'_> = &[
        ("Cargo.toml", ONE),
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "/// A.\npub fn a() {}"),
    ];
    assert_eq!(edited(free, "src/a.rs", "pub fn a() {}"), "");
}

#[test]
fn cases_carry_module_paths_of_the_whole_tree() {
    let out = laid(&[
        ("Cargo.toml", ONE),
        ("src/lib.rs", "mod a; #[test] fn top() {}"),
        (
            "src/a.rs",
            "#[cfg(test)] mod tests { mod far; #[test] fn x() {} }",
        ),
        ("src/a/tests/far.rs", "#[test] fn y() {}"),
        ("tests/it.rs", "my_tests!();"),
    ]);
    let found: Vec<_> = out
        .nodes
        .iter()
        .filter(|(node, _)| matches!(node, Node::Test(_)))
        .map(|(node, info)| format!("{node}: {} {}", info.cases.join(" "), info.cases_complete))
        .collect();
    assert_eq!(
        found,
        [
            "test one: a::tests::far::y a::tests::x top true",
            "test one::doc:  false",
            "test one::it:  false"
        ]
    );
}

#[test]
fn links_lead_to_the_files_behind_them() {
    let tree: Tree<'_> = &[
        ("Cargo.toml", ONE),
        ("src/lib.rs", "mod a;"),
        ("src/a.rs", "-> ../shared/a.rs"),
        ("shared/a.rs", "mod b;"),
        ("src/a/b.rs", ""),
    ];
    for path in ["shared/a.rs", "src/a.rs", "src/a/b.rs"] {
        assert_eq!(of(tree, path), "one one::doc", "{path}");
    }
}

#[test]
fn a_module_that_a_macro_names_is_any_source_of_its_crate() {
    let inside = "macro_rules! m { ($m:ident) => { mod $m; } } m!(x);";
    let outside = "#[macro_export] macro_rules! m { ($m:ident) => { mod $m; } }";
    for (text, in_tests) in [(inside, "one::t"), (outside, "one one::doc one::t")] {
        let tree: Tree<'_> = &[
            ("Cargo.toml", "[package]\nname = \"one\""),
            ("src/lib.rs", text),
            ("src/x.rs", ""),
            ("tests/t.rs", ""),
        ];
        assert_eq!(of(tree, "src/x.rs"), "one one::doc one::t");
        assert_eq!(of(tree, "tests/t.rs"), in_tests);
        assert_eq!(of(tree, "Cargo.lock"), "");
    }
}

#[test]
fn a_directory_of_modules_belongs_to_the_test_that_declares_it() {
    let tree: Tree<'_> = &[
        ("Cargo.toml", "[package]\nname = \"one\""),
        (
            "tests/suite/main.rs",
            "automod::dir!(\"tests/suite\"); mod deep;",
        ),
        ("tests/suite/a.rs", "mod b;"),
        ("tests/suite/a/b.rs", ""),
        ("tests/other.rs", ""),
    ];
    assert_eq!(of(tree, "tests/suite/a.rs"), "one::suite");
    assert_eq!(of(tree, "tests/suite/a/b.rs"), "one::suite");
    let out = laid(tree);
    let claim = |path: &str| out.nodes[&Node::Path(path.into())].claim;
    assert_eq!(claim("tests/suite/a.rs"), Claim::Followed);
    assert_eq!(claim("tests/suite/a/b.rs"), Claim::Followed);
}

#[test]
fn a_source_with_templates_reads_those_that_they_include() {
    let test = "#[derive(Template)] #[template(path = \"a.html\")] struct A;";
    let plain: Tree<'_> = &[
        ("Cargo.toml", "[package]\nname = \"one\""),
        ("tests/a.rs", test),
        ("tests/b.rs", ""),
        ("templates/a.html", "{% include \"b.html\" %}"),
        ("templates/b.html", ""),
        ("views/c.html", ""),
    ];
    assert_eq!(of(plain, "templates/b.html"), "one::a");
    assert_eq!(of(plain, "views/c.html"), "");
    assert_eq!(of(plain, "askama.toml"), "one::a");
    let moved = [plain, &[("askama.toml", "[general]\ndirs = [\"views\"]")]].concat();
    assert_eq!(of(&moved, "views/c.html"), "one::a");
}

#[test]
fn programs_that_tests_start_are_dependencies() {
    let tree: Tree<'_> = &[
        ("Cargo.toml", "[workspace]\nmembers = [\"t\", \"tool\"]"),
        ("t/Cargo.toml", "[package]\nname = \"t\""),
        ("t/tests/it.rs", "#[test] fn a() { cargo_bin(\"tool\"); }"),
        ("t/tests/other.rs", ""),
        ("tool/Cargo.toml", "[package]\nname = \"tool\""),
        ("tool/src/main.rs", ""),
    ];
    assert_eq!(of(tree, "tool/src/main.rs"), "t::it tool::bin/tool");
}

#[test]
fn edges_never_point_from_a_node_to_itself() {
    let tree = workspace();
    assert!(
        laid(&tree)
            .edges
            .iter()
            .all(|edge| edge.from != edge.to && edge.kind != EdgeKind::Import)
    );
}
