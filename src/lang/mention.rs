//! Mentions: string literals that name a tracked path, a directory, or a pattern of names.
//!
//! A literal names every path that ends with it, whole components at a time: `"files/a.sql"` and `"a.sql"` both name
//! `tests/files/a.sql`. Where only one path answers, a change to that path is understood ([`Claim::Followed`]); where
//! several do, all are tied, but a change still falls back to the scope around it.
//!
//! A directory that test code names is read by it, file by file or as a whole, so a change to any data file below is
//! felt there. Source files below it count only for code that lists directories.
//!
//! Not seen here: names that are put together from parts no literal shows, names that stand in data files or in the
//! environment. A path that no literal names falls back.
//!
//! [`Claim::Followed`]: crate::model::Claim::Followed

use std::collections::BTreeSet;

use bstr::ByteSlice;
use globset::GlobBuilder;

use super::names::{Names, ends_with_components};
use super::{FileFacts, Mention, of};
use crate::model::{EdgeKind, EdgeSink, Node, NodeRef, RepoPath, Snapshot};

/// A name that so many paths bear says nothing; those paths fall back.
const MOST_NAMESAKES: usize = 64;

/// For each file the literals that may name something.
pub type Candidates<'a> = Vec<Vec<&'a Mention>>;

/// Sorts out the literals that name nothing: most of them, told by one look at their last component.
///
/// Needs nothing but the paths of the tree, so it can be done while the languages lay their edges.
pub fn candidates<'a>(files: &[FileFacts<'a>], names: &Names<'_>) -> Candidates<'a> {
    let may_name = |mention: &&Mention| {
        let bytes = mention.text.trim_end_matches('/').as_bytes();
        is_pattern(&mention.text)
            || is_tail(bytes)
            || !names.submodules.is_empty()
            || names.knows(bytes)
    };
    files
        .iter()
        .map(|file| file.facts.mentions.iter().filter(may_name).collect())
        .collect()
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Ties files to the paths that their literals name, and symbolic links to where they lead.
///
/// Cost: a few hash lookups per literal; a pass over the files of one extension per pattern.
pub fn resolve(
    files: &[FileFacts<'_>],
    candidates: &Candidates<'_>,
    names: &Names<'_>,
    tree: &Snapshot,
    out: &mut EdgeSink,
) {
    for (link, target) in tree.links() {
        let (from, to) = (out.path(link), out.path(target));
        out.edge(from, to, EdgeKind::Link, 0);
        if tree.is_dir(target) {
            let dir = directory(target, true, tree, out);
            out.edge(from, dir, EdgeKind::Link, 0);
        }
    }
    let scopes = Scopes::new(out);
    for (file, mentions) in files.iter().zip(candidates) {
        let reader = Reader {
            path: file.path,
            in_tests: in_tests(file.path),
            lists: file.facts.lists_directories || file.facts.lists_unread,
            reads: file.facts.lists_directories,
            local: scopes.around(file.path, tree),
        };
        let mut named = Named::default();
        for mention in mentions {
            follow(
                &reader,
                &mention.text,
                mention.line,
                names,
                tree,
                out,
                &mut named,
            );
        }
        read_directories(&reader, &named, tree, out);
    }
}

/// What one file names.
#[derive(Default)]
struct Named {
    /// Paths, by literals that hold more than the last component.
    paths: Vec<RepoPath>,
    /// Directories with the line, and whether the literal can mean only that one.
    dirs: Vec<(RepoPath, u32, bool)>,
    /// Some pattern was named.
    pattern: bool,
}

/// The file whose literals are followed.
struct Reader<'a> {
    path: &'a RepoPath,
    /// The file is test code, or a build script: what it names it reads.
    in_tests: bool,
    /// The file lists directories.
    lists: bool,
    /// It may read the sources that it lists, not only their names.
    reads: bool,
    /// Where bare words are looked for.
    local: RepoPath,
}

/// Whether code at this path runs for the tests' sake: what it names, it reads.
fn in_tests(path: &RepoPath) -> bool {
    path.as_bytes().split_str("/").any(|part| {
        part.starts_with(b"test")
            || part.starts_with(b"conftest")
            || part == b"build.rs"
            || part == b"benches"
    }) || path.stem().ends_with(b"_test")
        || path.stem().ends_with(b"_tests")
}

/// Whether this is Rust code that tests link, and no test or build script itself.
fn is_library_rust(reader: &Reader<'_>) -> bool {
    !reader.in_tests && reader.path.extension() == b"rs"
}

/// Whether a file of this name may lie in every package: it is a bare one, or one of `src`.
fn is_everywhere(name: &[u8]) -> bool {
    !name.strip_prefix(b"src/").unwrap_or(name).contains(&b'/')
}

/// Follows one literal: ties the file to the paths it names, and notes the directories.
fn follow(
    reader: &Reader<'_>,
    text: &str,
    line: u32,
    index: &Names<'_>,
    tree: &Snapshot,
    out: &mut EdgeSink,
    seen: &mut Named,
) {
    let whole = text.trim_end_matches('/');
    let mut name = whole;
    while let Some(rest) = ["./", "../", "/"]
        .iter()
        .find_map(|start| name.strip_prefix(start))
    {
        name = rest;
    }
    if name.is_empty() || name == "." || name == ".." {
        return;
    }
    let bytes = name.as_bytes();
    let from = out.path(reader.path);
    // where the text leads from the file's own directory or from one above it, symbolic links followed
    let mut exact = BTreeSet::new();
    for (end, links) in reader
        .path
        .ancestors()
        .filter_map(|dir| tree.find_through(&dir.join(whole)?))
    {
        for link in links {
            let to = out.claim(&link);
            out.edge(from, to, EdgeKind::Mention, line);
        }
        exact.insert(end);
    }
    let ending: BTreeSet<&RepoPath> = index.paths_ending(bytes).collect();
    let named: BTreeSet<&RepoPath> = ending
        .iter()
        .copied()
        .chain(exact.iter().filter(|path| tree.contains(path)))
        .collect();
    let composed = bytes.contains(&b'/');
    // `src/lib.rs` in one crate's examples does not mean every other crate's
    let own_only = is_library_rust(reader) && is_everywhere(bytes);
    if named.len() <= MOST_NAMESAKES {
        for path in &named {
            if own_only
                && of(path).is_some()
                && !exact.contains(*path)
                && !path.is_under(&reader.local)
            {
                continue;
            }
            let sure = named.len() == 1
                || ending.len() == 1
                || (composed && exact.len() == 1 && exact.contains(*path));
            // `__init__.py` in a library means the files of its users, not each one of its own
            let python = [reader.path, *path]
                .iter()
                .all(|path| path.extension() == b"py");
            if python && !(sure || composed || reader.in_tests) {
                continue;
            }
            let to = if sure {
                out.claim(path)
            } else {
                out.path(path)
            };
            out.edge(from, to, EdgeKind::Mention, line);
            if composed {
                seen.paths.push((*path).clone());
            }
        }
    }
    if named.is_empty() && is_pattern(name) {
        // a pattern that leads up may answer anywhere
        let within = if whole.split('/').any(|part| part == "..") {
            &RepoPath::root()
        } else {
            &reader.local
        };
        seen.pattern |= pattern(reader, name, within, line, index, out);
        // what lies beside the files that a pattern means belongs to them: inputs and expectations
        let literal: Vec<&str> = name
            .split('/')
            .take_while(|part| !part.contains(['*', '?', '[', '{']))
            .collect();
        let dir = literal.join("/");
        if reader.in_tests && dir.contains('/') {
            let dirs: Vec<&RepoPath> = index.dirs_ending(dir.as_bytes()).collect();
            if let [only] = dirs.as_slice() {
                seen.dirs.push(((*only).clone(), line, true));
            }
        }
        return;
    }
    for module in index
        .submodules
        .iter()
        .filter(|m| whole_component_prefix(m.as_bytes(), bytes))
    {
        let to = out.path(module);
        out.edge(from, to, EdgeKind::Mention, line);
    }
    if named.is_empty() && is_tail(bytes) {
        tail(reader, bytes, line, index, out);
    }
    if !(reader.in_tests || reader.lists) {
        return;
    }
    let mut dirs: BTreeSet<&RepoPath> = index
        .dirs_ending(bytes)
        .filter(|dir| composed || dir.is_under(&reader.local))
        .collect();
    dirs.extend(exact.iter().filter(|p| tree.is_dir(p) && !p.is_root()));
    if dirs.len() <= MOST_NAMESAKES {
        let sure = dirs.len() == 1;
        seen.dirs
            .extend(dirs.into_iter().map(|dir| (dir.clone(), line, sure)));
    }
}

/// Ties a file to the directories it names.
///
/// A directory is left out where the file does not list directories and names a path below it in full: then the literal
/// is one of the parts of that path. A file of tests that lists directories but names none lists its own.
fn read_directories(reader: &Reader<'_>, named: &Named, tree: &Snapshot, out: &mut EdgeSink) {
    let from = out.path(reader.path);
    for (dir, line, sure) in &named.dirs {
        if !(reader.lists || named.pattern) && named.paths.iter().any(|path| path.is_under(dir)) {
            continue;
        }
        let lists = reader.lists || named.pattern;
        let to = directory(dir, reader.reads, tree, out);
        out.edge(from, to, EdgeKind::Contains, *line);
        if reader.lists && !reader.reads {
            for (path, _) in tree
                .under(dir)
                .iter()
                .filter(|(path, _)| of(path).is_some())
            {
                let to = out.path(path);
                out.edge(from, to, EdgeKind::Lists, *line);
            }
        }
        if lists && *sure {
            for (path, _) in tree
                .under(dir)
                .iter()
                .filter(|(path, _)| of(path).is_none())
            {
                out.claim(path);
            }
        }
    }
    if reader.lists && named.dirs.is_empty() && !named.pattern && reader.in_tests {
        let own = directory(&reader.path.parent().unwrap_or_default(), false, tree, out);
        out.edge(from, own, EdgeKind::Contains, 0);
    }
}

/// Whether a literal can only be the end of a name that is put together: `.sql`, `_expected.json`.
fn is_tail(name: &[u8]) -> bool {
    name.len() > 2
        && matches!(name.first(), Some(b'.' | b'_' | b'-'))
        && name[1..].contains_str(".") | (name[0] == b'.')
        && !name.contains(&b'/')
        && !matches!(
            name.rsplit_str(".").next(),
            Some(b"py" | b"pyi" | b"rs" | b"pyc")
        )
}

fn tail(reader: &Reader<'_>, tail: &[u8], line: u32, index: &Names<'_>, out: &mut EdgeSink) {
    let from = out.path(reader.path);
    let extension = tail.rsplit_str(".").next().unwrap_or_default();
    for path in index.by_extension.get(extension).into_iter().flatten() {
        if of(path).is_none() && path.file_name().ends_with(tail) && path.is_under(&reader.local) {
            let to = out.path(path);
            out.edge(from, to, EdgeKind::Mention, line);
        }
    }
}

/// A literal with wildcards: every path of which some tail of whole components answers to it. Returns whether one does.
fn pattern(
    reader: &Reader<'_>,
    glob: &str,
    within: &RepoPath,
    line: u32,
    index: &Names<'_>,
    out: &mut EdgeSink,
) -> bool {
    let last = glob.rsplit('/').next().unwrap_or_default();
    let extension = last
        .rsplit('.')
        .next()
        .filter(|e| *e != last && !e.contains(['*', '?', '[', ']', '{', '}']));
    let Some(extension) = extension else {
        return false;
    };
    let Ok(matcher) = GlobBuilder::new(&format!("**/{}", glob.trim_start_matches("**/")))
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
    else {
        return false;
    };
    // a pattern without a directory may be meant for any: it ties, but claims nothing
    let sure = glob.trim_start_matches("**/").contains('/');
    let from = out.path(reader.path);
    let mut any = false;
    for path in index
        .by_extension
        .get(extension.as_bytes())
        .into_iter()
        .flatten()
    {
        let Some(text) = path.to_str() else { continue };
        let meant = of(path).is_none() || (sure && reader.in_tests);
        if meant && path.is_under(within) && matcher.is_match(text) {
            let to = if sure {
                out.claim(path)
            } else {
                out.path(path)
            };
            out.edge(from, to, EdgeKind::Mention, line);
            any = true;
        }
    }
    any
}

/// The node of a directory that is read, tied to the data below it, or to the sources as well.
///
/// These are two nodes, so that who lists a directory with its sources does not tie those who only name it.
fn directory(dir: &RepoPath, with_sources: bool, tree: &Snapshot, out: &mut EdgeSink) -> NodeRef {
    let data = lay_out(Node::Dir(dir.clone()), dir, false, tree, out);
    if !with_sources {
        return data;
    }
    let sources = lay_out(Node::Sources(dir.clone()), dir, true, tree, out);
    out.edge(sources, data, EdgeKind::Contains, 0);
    sources
}

/// Ties a node to the sources or to the other files below a directory, once: its print tells that it is done.
fn lay_out(
    node: Node,
    dir: &RepoPath,
    sources: bool,
    tree: &Snapshot,
    out: &mut EdgeSink,
) -> NodeRef {
    let node = out.node(node);
    if out.info(node).print.is_some() {
        return node;
    }
    out.print(node, crate::model::Fingerprint(1));
    for (path, _) in tree
        .under(dir)
        .iter()
        .filter(|(path, _)| of(path).is_some() == sources)
    {
        let to = out.path(path);
        out.edge(node, to, EdgeKind::Contains, 0);
    }
    node
}

/// Whether `name` is `prefix` or lies below it, where `prefix` may have more in front.
fn whole_component_prefix(module: &[u8], name: &[u8]) -> bool {
    (1..=name.split_str("/").count()).any(|n| {
        let head = bstr::join("/", name.split_str("/").take(n));
        ends_with_components(module, &head)
    })
}

/// The directories of the packages that the languages laid out.
struct Scopes(BTreeSet<RepoPath>);

impl Scopes {
    fn new(out: &EdgeSink) -> Self {
        Self(
            out.nodes
                .keys()
                .filter_map(|node| match node {
                    Node::Package { dir, .. } => Some(dir.clone()),
                    _ => None,
                })
                .collect(),
        )
    }

    /// The directory around the innermost package that holds `path`; for Rust code the package itself, since it is
    /// there that its tests are run.
    fn around(&self, path: &RepoPath, tree: &Snapshot) -> RepoPath {
        let Some(dir) = path.ancestors().find(|dir| self.0.contains(dir)) else {
            return RepoPath::root();
        };
        let manifest = dir.join("Cargo.toml");
        if path.extension() == b"rs" && manifest.is_some_and(|manifest| tree.contains(&manifest)) {
            return dir;
        }
        dir.parent().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Facts, Mention};
    use crate::model::{BlobId, Claim, Entry, Mode};

    fn tie(files: &[FileFacts<'_>], tree: &Snapshot, out: &mut EdgeSink) {
        let names = Names::new(tree);
        resolve(files, &candidates(files, &names), &names, tree, out);
    }

    /// The edges, as `from kind to`, and the claimed paths, that one file with these literals gets.
    fn edges(
        path: &str,
        texts: &[&str],
        lists: bool,
        paths: &[&str],
    ) -> (Vec<String>, Vec<String>) {
        let entry = Entry {
            mode: Mode::File,
            blob: BlobId::default(),
        };
        let entries = paths
            .iter()
            .map(|p| (RepoPath::from(*p), entry.clone()))
            .collect();
        let tree = Snapshot::new(entries, Vec::new());
        let facts = Facts {
            mentions: texts
                .iter()
                .map(|t| Mention {
                    text: (*t).to_owned(),
                    line: 7,
                })
                .collect(),
            lists_directories: lists,
            ..Facts::default()
        };
        let mut out = EdgeSink::default();
        tie(
            &[FileFacts {
                path: &path.into(),
                facts: &facts,
            }],
            &tree,
            &mut out,
        );
        let name = |r: NodeRef| out.nodes.get_index(r.0 as usize).unwrap().0.to_string();
        let mut edges: Vec<_> = out
            .edges
            .iter()
            .map(|e| format!("{} {} {}", name(e.from), e.kind.verb(), name(e.to)))
            .collect();
        edges.sort();
        let claimed = out
            .nodes
            .iter()
            .filter(|(_, i)| i.claim == Claim::Followed)
            .map(|(n, _)| n.to_string())
            .collect();
        (edges, claimed)
    }

    #[test]
    fn rust_code_names_common_files_and_patterns_of_its_own_package() {
        let tree = [
            "a/Cargo.toml",
            "a/src/lib.rs",
            "a/x.sql",
            "b/Cargo.toml",
            "b/src/lib.rs",
            "b/y.sql",
        ];
        let scoped = |path: &str, texts: &[&str]| {
            let entry = Entry {
                mode: Mode::File,
                blob: BlobId::default(),
            };
            let entries = tree.iter().map(|p| (RepoPath::from(*p), entry.clone()));
            let tree = Snapshot::new(entries.collect(), Vec::new());
            let mentions = texts.iter().map(|t| Mention {
                text: (*t).to_owned(),
                line: 7,
            });
            let facts = Facts {
                mentions: mentions.collect(),
                ..Facts::default()
            };
            let mut out = EdgeSink::default();
            for dir in ["a", "b"] {
                out.node(Node::Package {
                    reader: "rust".to_owned(),
                    dir: dir.into(),
                });
            }
            let path = path.into();
            let file = FileFacts {
                path: &path,
                facts: &facts,
            };
            tie(&[file], &tree, &mut out);
            let name = |r: NodeRef| out.nodes.get_index(r.0 as usize).unwrap().0.to_string();
            let mut named: Vec<_> = out.edges.iter().map(|edge| name(edge.to)).collect();
            named.sort();
            named.dedup();
            named
        };
        for (path, text, expected) in [
            ("a/src/m.rs", "src/lib.rs", vec!["a/src/lib.rs"]),
            ("a/src/m.rs", "Cargo.toml", vec!["a/Cargo.toml"]),
            ("a/src/m.rs", "../b/src/lib.rs", vec!["b/src/lib.rs"]),
            (
                "a/tests/m.rs",
                "Cargo.toml",
                vec!["a/Cargo.toml", "b/Cargo.toml"],
            ),
            ("a/src/m.rs", "*.sql", vec!["a/x.sql"]),
            ("a/src/m.rs", "../*/*.sql", vec!["a/x.sql", "b/y.sql"]),
            ("a/src/m.rs", "y.sql", vec!["b/y.sql"]),
        ] {
            assert_eq!(scoped(path, &[text]), expected, "{path} {text}");
        }
    }

    #[test]
    fn a_name_that_one_path_bears_is_followed() {
        let (edges, claimed) = edges(
            "t/test_a.py",
            &["x/b.sql", "./c.sql"],
            false,
            &["t/x/b.sql", "t/c.sql", "t/y/d.sql"],
        );
        assert_eq!(
            edges,
            ["t/test_a.py names t/c.sql", "t/test_a.py names t/x/b.sql"]
        );
        assert_eq!(claimed, ["t/x/b.sql", "t/c.sql"]);
    }

    #[test]
    fn a_name_that_two_paths_bear_ties_both_and_claims_none() {
        let (edges, claimed) = edges(
            "src/a.py",
            &["in.txt"],
            false,
            &["t/1/in.txt", "t/2/in.txt", "t/2/xin.txt"],
        );
        assert_eq!(
            edges,
            ["src/a.py names t/1/in.txt", "src/a.py names t/2/in.txt"]
        );
        assert!(claimed.is_empty());
    }

    #[test]
    fn a_bare_name_of_several_sources_ties_test_code_and_no_library() {
        let paths = ["src/a/__init__.py", "src/b/__init__.py"];
        assert!(
            edges("src/a/cli.py", &["__init__.py"], false, &paths)
                .0
                .is_empty()
        );
        assert_eq!(
            edges("tests/test_a.py", &["__init__.py"], false, &paths)
                .0
                .len(),
            2
        );
    }

    #[test]
    fn a_directory_that_test_code_names_ties_its_data_and_not_its_sources() {
        let (edges, _) = edges(
            "t/test_a.py",
            &["data"],
            false,
            &["t/data/a.txt", "t/data/b.py", "t/other/c.txt"],
        );
        assert_eq!(
            edges,
            [
                "t/data/ reads the directory of t/data/a.txt",
                "t/test_a.py reads the directory of t/data/"
            ]
        );
    }

    #[test]
    fn a_directory_that_library_code_names_without_listing_ties_nothing() {
        let (edges, _) = edges("src/a.py", &["data"], false, &["src/data/a.txt"]);
        assert!(edges.is_empty());
    }

    #[test]
    fn a_lister_that_names_no_directory_reads_its_own() {
        let (edges, _) = edges("t/test_a.py", &[], true, &["t/a.txt"]);
        assert_eq!(
            edges,
            [
                "t/ reads the directory of t/a.txt",
                "t/test_a.py reads the directory of t/"
            ]
        );
    }

    #[test]
    fn the_end_of_a_name_and_a_pattern_tie_all_that_answer() {
        let paths = ["t/1_out.txt", "t/2_out.txt", "t/in.txt", "t/d/x.json"];
        assert_eq!(edges("src/a.py", &["_out.txt"], false, &paths).0.len(), 2);
        assert_eq!(edges("src/a.py", &["*.txt"], false, &paths).0.len(), 3);
        assert_eq!(
            edges("src/a.py", &["d/*.json"], false, &paths).0,
            ["src/a.py names t/d/x.json"]
        );
    }
}
