//! Computed names → every module that they can mean.

use super::links::Wide;
use super::modules::{DirId, Found};
use super::resolve::{File, Resolver};
use super::source::{Computed, OWN_NAME, OWN_PACKAGE};
use crate::model::{EdgeKind, Node, NodeRef, Printer, RepoPath};

impl<'a> Resolver<'a, '_> {
    /// An import by a computed name: every module that the pattern can reach.
    ///
    /// What callers give is followed where they say it; test code that takes a parameter is not trusted to have such
    /// callers, because a runner may be the one that calls.
    pub(super) fn computed(&mut self, file: &File<'a>, computed: &Computed) {
        let part_is_test = |part: &[u8]| part.starts_with(b"test") || part.starts_with(b"conftest");
        let in_tests =
            file.is_suite || file.path.as_bytes().split(|b| *b == b'/').any(part_is_test);
        if computed.given && !in_tests {
            let text = "imports what its callers name: their literals are followed".to_owned();
            self.out.note(file.path, computed.line, text);
            return;
        }
        let own = computed.prefix.starts_with([OWN_NAME, OWN_PACKAGE]);
        let (starts, rest): (Vec<DirId>, &str) = if own {
            let rest = &computed.prefix[1..];
            // A name below the module's own: for `__init__` the package is meant, else its siblings may be.
            (vec![file.dir], rest.trim_start_matches('.'))
        } else {
            let top = computed.prefix.split('.').next().unwrap_or_default();
            match computed.prefix.contains('.') {
                true => (self.starts(file, top, Wide::Anywhere), &computed.prefix[..]),
                false => (self.whole(file), &computed.prefix[..]),
            }
        };
        let (base, leaf) = rest.rsplit_once('.').unwrap_or(("", rest));
        let suffix = match computed.suffix == computed.prefix {
            true => leaf,
            false => &computed.suffix[..],
        };
        for start in starts {
            let found = match base {
                "" => Found {
                    dir: Some(start),
                    ..Found::default()
                },
                _ => self.modules.follow(start, base.split('.')),
            };
            self.link(
                file.node,
                &found.files,
                EdgeKind::DynamicImport,
                computed.line,
            );
            let Some(dir) = found.dir else { continue };
            if computed.listed {
                self.listing(file, dir, computed.line);
                continue;
            }
            let node = self.pattern(dir, leaf, suffix, file.is_suite);
            self.out
                .edge(file.node, node, EdgeKind::DynamicImport, computed.line);
            let place = self
                .modules
                .dirs
                .get(dir as usize)
                .map(|d| d.path.to_string())
                .unwrap_or_default();
            let text = format!(
                "imports a computed name: any module of `{place}` like `{leaf}*{suffix}` is assumed"
            );
            self.out.note(file.path, computed.line, text);
        }
    }

    /// Ties a file to the names of all modules below a directory, not to what is in them.
    fn listing(&mut self, file: &File<'a>, dir: DirId, line: u32) {
        let Some(path) = self.modules.dirs.get(dir as usize).map(|d| d.path.clone()) else {
            return;
        };
        let node = self.out.node(Node::Module {
            reader: "python".to_owned(),
            name: format!("names in {path}"),
        });
        let mut names = Printer::new();
        for module in self.modules.under(dir, self.python) {
            let name = self.modules.files.get(module).map(|path| path.as_bytes());
            names.piece(name.unwrap_or_default());
        }
        self.out.print(node, names.finish());
        self.out.edge(file.node, node, EdgeKind::Contains, line);
    }

    /// What an unknown name may mean: the whole package around the file, or everything.
    pub(super) fn whole(&self, file: &File<'a>) -> Vec<DirId> {
        vec![self.modules.top_package(file.dir).unwrap_or(0)]
    }

    /// One node for all modules below a directory whose name starts and ends so.
    pub(super) fn pattern(
        &mut self,
        dir: DirId,
        leaf: &str,
        suffix: &str,
        with_tests: bool,
    ) -> NodeRef {
        let Some(path) = self.modules.dirs.get(dir as usize).map(|d| d.path.clone()) else {
            return self.out.path(&RepoPath::root());
        };
        let tests = if with_tests { " with tests" } else { "" };
        let name = format!("{path}/{leaf}*{suffix}{tests}");
        if let Some(&node) = self.patterns.get(&name) {
            return node;
        }
        let node = self.out.node(Node::Module {
            reader: "python".to_owned(),
            name: name.clone(),
        });
        self.patterns.insert(name, node);
        for file in self.modules.under(dir, self.python) {
            // Code that imports by unknown names is not what loads tests, unless it is a test.
            if !with_tests && self.suites.get(file).copied().unwrap_or(false) {
                continue;
            }
            let Some(module) = self.modules.files.get(file) else {
                continue;
            };
            let below =
                String::from_utf8_lossy(module.below(&path).unwrap_or_default()).into_owned();
            let dotted = below
                .split(".py")
                .next()
                .unwrap_or(&below)
                .replace('/', ".");
            let dotted = dotted.strip_suffix(".__init__").unwrap_or(&dotted);
            if dotted.starts_with(leaf) && dotted.ends_with(suffix)
                || !suffix.is_empty() && leaf == suffix && dotted.starts_with(leaf)
            {
                self.link(node, &[file as u32], EdgeKind::DynamicImport, 0);
            }
        }
        node
    }
}
