//! `mod` declarations → files, and the module tree of a target.
//!
//! Edges out of a file are laid without knowing how it was reached: both directories are tried in which its modules
//! could lie. The walk of a target follows rustc's rule exactly, for the names of tests.
//!
//! Not seen here: files that only a macro of another file declares.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::macros::Makers;
use super::source::{Base, ModDecl, ModName, Source};
use crate::lang::{Detail, FileFacts};
use crate::model::{RepoPath, Snapshot};

/// Walks deeper than this give up on naming tests.
const LONGEST_NAME: usize = 400;

/// A source with its facts.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    /// Where it is, and all facts.
    pub(super) facts: FileFacts<'a>,
    /// What it says.
    pub(super) source: &'a Source,
}

/// All sources by path.
pub(super) type Sources<'a> = HashMap<&'a RepoPath, File<'a>>;

/// The sources among the files.
pub(super) fn sources<'a>(files: &[FileFacts<'a>]) -> Sources<'a> {
    let all = files.iter().filter_map(|facts| match &facts.facts.detail {
        Detail::Rust(source) => Some((
            facts.path,
            File {
                facts: *facts,
                source,
            },
        )),
        _ => None,
    });
    all.collect()
}

/// Where a module may lie.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Candidate {
    /// The file.
    pub(super) path: RepoPath,
    /// Its own modules lie beside it, not in a directory of its name.
    pub(super) owns_dir: bool,
}

/// The files that a declaration may mean. `owns_dir`: whether the declaring file's modules lie beside it, where known.
pub(super) fn candidates(
    file: &RepoPath,
    owns_dir: Option<bool>,
    decl: &ModDecl,
) -> Vec<Candidate> {
    let dir = file.parent().unwrap_or_default();
    // A directory, and what still has to be put behind it for modules without a `#[path]`.
    let mut bases: Vec<(RepoPath, Option<&[u8]>)> = Vec::new();
    if owns_dir != Some(false) {
        bases.push((dir.clone(), None));
    }
    if owns_dir != Some(true) {
        bases.push((dir, Some(file.stem())));
    }
    for inside in &decl.inside {
        bases = bases
            .iter()
            .flat_map(|(dir, rest)| step(dir, *rest, inside))
            .collect();
    }
    let mut out: Vec<Candidate> = Vec::new();
    for (dir, rest) in bases {
        let attributes = decl
            .name
            .paths
            .iter()
            .filter_map(|path| dir.join(slashes(path)));
        out.extend(attributes.map(|path| Candidate {
            path,
            owns_dir: true,
        }));
        let named = rest.map_or(Some(dir.clone()), |rest| dir.join(rest));
        if let Some(dir) = named.filter(|_| !decl.name.only_paths) {
            let name = &decl.name.name;
            let file = dir.join(format!("{name}.rs")).map(|path| Candidate {
                path,
                owns_dir: false,
            });
            let own = dir.join(format!("{name}/mod.rs")).map(|path| Candidate {
                path,
                owns_dir: true,
            });
            out.extend(file.into_iter().chain(own));
        }
    }
    let mut seen = HashSet::new();
    out.retain(|candidate| seen.insert(candidate.path.clone()));
    out
}

fn step<'b>(
    dir: &RepoPath,
    rest: Option<&'b [u8]>,
    inside: &ModName,
) -> Vec<(RepoPath, Option<&'b [u8]>)> {
    let mut out: Vec<_> = inside
        .paths
        .iter()
        .filter_map(|path| Some((dir.join(slashes(path))?, None)))
        .collect();
    if !inside.only_paths {
        let named = rest.map_or(Some(dir.clone()), |rest| dir.join(rest));
        out.extend(named.and_then(|dir| Some((dir.join(&inside.name)?, None))));
    }
    out
}

/// The sources that `automod::dir!` in `around` declares as modules: those right in the directory, but for roots.
pub(super) fn in_directory(
    dir: &str,
    package: &RepoPath,
    around: &RepoPath,
    tree: &Snapshot,
) -> Vec<RepoPath> {
    let Some(dir) = package.join(dir) else {
        return Vec::new();
    };
    tree.under(&dir)
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.parent().as_ref() == Some(&dir) && path.extension() == b"rs")
        .filter(|path| *path != around && !matches!(path.stem(), b"mod" | b"lib" | b"main"))
        .cloned()
        .collect()
}

fn slashes(path: &str) -> String {
    path.replace('\\', "/")
}

/// What a walk over a target's modules found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Every file of the tree that is compiled in as code.
    pub(super) files: BTreeSet<RepoPath>,
    /// The same with the modules around each, as the names of tests begin.
    pub(super) mounts: Vec<(RepoPath, String)>,
    /// Where each test stands: its file, its name in there, its full name.
    pub(super) tests: Vec<(RepoPath, String, String)>,
    /// The tests, as the test executable names them.
    pub(super) cases: Vec<String>,
    /// There may be other tests.
    pub(super) hides: bool,
}

/// Walks the module tree from a target's root file. Cost: linear in the files of the tree and their declarations.
pub(super) fn walk(
    root: &RepoPath,
    package: &RepoPath,
    sources: &Sources<'_>,
    makers: &Makers<'_>,
    tree: &Snapshot,
) -> Walk {
    let mut out = Walk::default();
    let mut open = vec![(root.clone(), true, String::new())];
    let mut seen = HashSet::new();
    while let Some((path, owns_dir, prefix)) = open.pop() {
        let Some(real) = tree.find(&path) else {
            out.hides = true;
            continue;
        };
        if prefix.len() > LONGEST_NAME {
            out.hides = true;
        }
        if prefix.len() > LONGEST_NAME || !seen.insert((path.clone(), owns_dir)) {
            continue;
        }
        let Some(file) = sources.get(&real) else {
            out.hides = true;
            continue;
        };
        out.mounts.push((real.clone(), prefix.clone()));
        out.files.insert(real.clone());
        let source = file.source;
        out.hides |= source.hides_tests || source.any_module || source.opaque;
        let mut tests = source.tests.clone();
        for call in &source.calls {
            match makers.tests(call) {
                Some(made) => tests.extend(made),
                None => out.hides = true,
            }
        }
        out.tests.extend(tests.into_iter().map(|test| {
            let case = format!("{prefix}{test}");
            (real.clone(), test, case)
        }));
        for decl in &source.mods {
            let names = decl.inside.iter().chain([&decl.name]);
            let below: String = names.map(|module| format!("{}::", module.name)).collect();
            for candidate in candidates(&path, Some(owns_dir), decl) {
                if tree.find(&candidate.path).is_some() {
                    open.push((
                        candidate.path,
                        candidate.owns_dir,
                        format!("{prefix}{below}"),
                    ));
                }
            }
        }
        for (dir, _) in &source.mod_dirs {
            out.hides = true;
            for path in in_directory(dir, package, &path, tree) {
                open.push((path, false, prefix.clone()));
            }
        }
        for include in source.includes.iter().filter(|include| include.code) {
            // Around which module the text is pasted is not kept.
            out.hides = true;
            let base = match include.base {
                Base::File => path.parent().unwrap_or_default(),
                Base::Package => package.clone(),
                Base::Generated | Base::Computed => continue,
            };
            let target = base.join(include.path.trim_start_matches('/'));
            open.extend(
                target
                    .filter(|path| tree.find(path).is_some())
                    .map(|path| (path, true, prefix.clone())),
            );
        }
    }
    out.cases = out.tests.iter().map(|(.., case)| case.clone()).collect();
    out.cases.sort();
    out.cases.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ModName {
        ModName {
            name: name.to_owned(),
            ..ModName::default()
        }
    }

    #[test]
    fn modules_lie_where_rustc_looks() {
        let pathed = |path: &str, only: bool| ModName {
            paths: vec![path.to_owned()],
            only_paths: only,
            ..named("a")
        };
        for (file, owns, inside, name, expected) in [
            (
                "src/lib.rs",
                Some(true),
                vec![],
                named("a"),
                "src/a.rs src/a/mod.rs",
            ),
            (
                "src/x.rs",
                Some(false),
                vec![],
                named("a"),
                "src/x/a.rs src/x/a/mod.rs",
            ),
            (
                "src/x/mod.rs",
                Some(true),
                vec![],
                named("a"),
                "src/x/a.rs src/x/a/mod.rs",
            ),
            (
                "src/x.rs",
                None,
                vec![],
                named("a"),
                "src/a.rs src/a/mod.rs src/x/a.rs src/x/a/mod.rs",
            ),
            (
                "src/x.rs",
                Some(false),
                vec![],
                pathed("../q.rs", true),
                "q.rs",
            ),
            (
                "src/x.rs",
                Some(false),
                vec![],
                pathed("u.rs", false),
                "src/u.rs src/x/a.rs src/x/a/mod.rs",
            ),
            (
                "src/lib.rs",
                Some(true),
                vec![named("i")],
                named("a"),
                "src/i/a.rs src/i/a/mod.rs",
            ),
            (
                "src/x.rs",
                Some(false),
                vec![named("i")],
                named("a"),
                "src/x/i/a.rs src/x/i/a/mod.rs",
            ),
            (
                "src/x.rs",
                Some(false),
                vec![named("i")],
                pathed("q.rs", true),
                "src/x/i/q.rs",
            ),
            (
                "src/x.rs",
                Some(false),
                vec![pathed("d", true)],
                named("b"),
                "src/d/b.rs src/d/b/mod.rs",
            ),
        ] {
            let decl = ModDecl {
                inside,
                name,
                line: 1,
            };
            let got: Vec<_> = candidates(&file.into(), owns, &decl)
                .iter()
                .map(|c| c.path.to_string())
                .collect();
            assert_eq!(got.join(" "), expected, "{file} {decl:?}");
        }
    }
}
