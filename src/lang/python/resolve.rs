//! Facts of all files, and the paths of the tree → edges.
//!
//! Every name is linked to every file that it may mean. Not seen: import hooks, and paths that come from the environment.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::modules::{DirId, Found, Modules};
use super::project::ProjectFile;
use super::roots::Roots;
use super::source::{By, Computed, Import, OWN_NAME, OWN_PACKAGE, Source};
use super::{externals, scopes, stdlib, strings, suites};
use crate::lang::{Detail, FileFacts};
use crate::model::{Claim, EdgeKind, EdgeSink, Node, NodeRef, RepoPath, Snapshot};

/// A Python file with all that resolving needs at hand.
pub(super) struct File<'a> {
    pub(super) path: &'a RepoPath,
    pub(super) node: NodeRef,
    pub(super) dir: DirId,
    pub(super) source: &'a Source,
    pub(super) is_suite: bool,
}

/// A project file with the directory it speaks for.
pub(super) struct Project<'a> {
    pub(super) path: &'a RepoPath,
    pub(super) dir: RepoPath,
    pub(super) node: NodeRef,
    pub(super) says: &'a ProjectFile,
}

/// What is being laid out.
pub(super) struct Resolver<'a, 's> {
    pub(super) tree: &'a Snapshot,
    pub(super) out: &'s mut EdgeSink,
    pub(super) modules: Modules<'a>,
    pub(super) roots: Roots,
    /// Nodes of [`Modules::files`].
    nodes: Vec<NodeRef>,
    python: usize,
    suites: Vec<bool>,
    doctests: bool,
    edits_path: bool,
    /// Top-level names that lead out of the tree.
    pub(super) outside: BTreeMap<String, NodeRef>,
    declared: externals::Declared,
    compiled: HashMap<String, Vec<RepoPath>>,
    patterns: HashMap<String, NodeRef>,
    scripts: HashMap<String, Vec<String>>,
}

/// Lays the edges of all Python and project files.
pub(super) fn resolve(all: &[FileFacts<'_>], tree: &Snapshot, out: &mut EdgeSink) {
    let mut sources: Vec<(&RepoPath, &Source)> = Vec::new();
    let mut projects: Vec<Project<'_>> = Vec::new();
    for file in all {
        let node = match file.facts.detail {
            Detail::Python(_) => out.claim(file.path),
            // what a project file says shows in prints and in the edges of tests
            _ => out.settle(file.path),
        };
        for (line, trouble) in &file.facts.trouble {
            out.note(file.path, *line, trouble.clone());
        }
        match &file.facts.detail {
            Detail::Python(source) => {
                sources.push((file.path, source));
                if let Some(says) = &source.setup {
                    projects.push(project(file.path, node, says));
                }
            }
            Detail::PythonProject(says) => projects.push(project(file.path, node, says)),
            _ => {}
        }
    }
    let modules = Modules::new(sources.iter().map(|(path, _)| *path), tree);
    let nodes: Vec<NodeRef> = modules.files.iter().map(|path| out.path(path)).collect();
    let conftests = sources
        .iter()
        .enumerate()
        .filter(|(_, (path, _))| path.file_name() == b"conftest.py");
    let conftests: Vec<DirId> = conftests
        .filter_map(|(i, _)| modules.dir_of.get(i).copied())
        .collect();
    let roots = Roots::new(
        &modules,
        projects.iter().map(|p| (p.dir.clone(), Some(p.says))),
        conftests.iter().copied(),
        sources.iter().flat_map(|(path, source)| {
            let dir = path.parent().unwrap_or_default();
            source.search_paths.iter().map(move |p| (dir.clone(), p))
        }),
    );
    let runner = suites::Runner::new(&projects);
    let suites: Vec<bool> = sources
        .iter()
        .map(|(path, source)| runner.is_suite(path, source))
        .collect();
    let mut scripts: HashMap<String, Vec<String>> = HashMap::new();
    let mut compiled: HashMap<String, Vec<RepoPath>> = HashMap::new();
    for project in &projects {
        for (name, module) in &project.says.scripts {
            scripts
                .entry(name.clone())
                .or_default()
                .push(module.clone());
        }
        for module in &project.says.compiled {
            compiled
                .entry(module.clone())
                .or_default()
                .push(project.dir.clone());
        }
    }
    let files: Vec<File<'_>> = sources
        .iter()
        .enumerate()
        .filter_map(|(i, (path, source))| {
            Some(File {
                path,
                node: *nodes.get(i)?,
                dir: *modules.dir_of.get(i)?,
                source,
                is_suite: *suites.get(i)?,
            })
        })
        .collect();
    let mut resolver = Resolver {
        tree,
        python: sources.len(),
        modules,
        roots,
        nodes,
        suites,
        doctests: runner.doctests(),
        edits_path: sources.iter().any(|(_, source)| source.edits_path),
        outside: BTreeMap::new(),
        declared: externals::Declared::new(&projects),
        compiled,
        patterns: HashMap::new(),
        scripts,
        out,
    };
    let mut mentions = all
        .iter()
        .filter(|f| matches!(f.facts.detail, Detail::Python(_)));
    for file in &files {
        resolver.ancestors(file);
        for import in &file.source.imports {
            resolver.import(file, import);
        }
        for import in &file.source.uses {
            resolver.weak(file, import, EdgeKind::Import);
        }
        for computed in &file.source.computed {
            resolver.computed(file, computed);
        }
        if file.source.unread {
            resolver.computed(file, &Computed::default());
        }
        resolver.exports(file);
        if let Some(facts) = mentions.next() {
            resolver.named_in_texts(file, &facts.facts.mentions);
        }
        resolver.conftests(file);
    }
    for project in &projects {
        let plugins = project.says.pytest.iter().flat_map(|p| p.plugins());
        for name in plugins.chain(project.says.plugins.iter().map(String::as_str)) {
            resolver.plugin(project, name);
        }
    }
    scopes::lay(&mut resolver, &files, &projects);
    suites::lay(&mut resolver, &files, &projects, &runner);
    externals::lay(&mut resolver, &projects);
}

fn project<'a>(path: &'a RepoPath, node: NodeRef, says: &'a ProjectFile) -> Project<'a> {
    let mut dir = path.parent().unwrap_or_default();
    // A folder of requirement files speaks for the project around it.
    if matches!(dir.file_name(), b"requirements" | b"reqs")
        && matches!(path.extension(), b"txt" | b"in")
    {
        dir = dir.parent().unwrap_or_default();
    }
    Project {
        path,
        dir,
        node,
        says,
    }
}

impl<'a> Resolver<'a, '_> {
    /// Importing a module runs the packages around it; a stub and its source belong together.
    fn ancestors(&mut self, file: &File<'a>) {
        let mut dir = Some(file.dir);
        if file.path.stem() == b"__init__" {
            self.link(file.node, &self.init_of(file.dir), EdgeKind::Ancestor, 0);
            dir = self
                .modules
                .dirs
                .get(file.dir as usize)
                .and_then(|d| d.parent);
        }
        // Over a gap (a namespace inside a package) to the next package.
        let next = dir.and_then(|dir| {
            self.modules
                .upwards(dir)
                .find(|&d| self.modules.is_package(d))
        });
        if let Some(next) = next {
            self.link(file.node, &self.init_of(next), EdgeKind::Ancestor, 0);
        }
    }

    fn init_of(&self, dir: DirId) -> Vec<u32> {
        self.modules
            .dirs
            .get(dir as usize)
            .map(|d| d.init.clone())
            .unwrap_or_default()
    }

    fn link(&mut self, from: NodeRef, to: &[u32], kind: EdgeKind, line: u32) {
        for &file in to {
            let Some(&node) = self.nodes.get(file as usize) else {
                continue;
            };
            if file as usize >= self.python {
                let info = self.out.info(node);
                info.claim = info.claim.max(Claim::Followed);
            }
            self.out.edge(from, node, kind, line);
        }
    }

    /// One import by a written name.
    fn import(&mut self, file: &File<'a>, import: &Import) {
        let kind = match import.by {
            By::Statement => EdgeKind::Import,
            By::Plugin => EdgeKind::Plugin,
            By::Name | By::Run => EdgeKind::DynamicImport,
            By::Doctest if !self.doctests => return,
            By::Text | By::Doctest => return self.weak(file, import, EdgeKind::DynamicImport),
        };
        if import.level > 0 {
            self.relative(file, import, kind);
            return;
        }
        let top = import.module.split('.').next().unwrap_or_default();
        let starts = self.starts(file, top, Wide::Anywhere);
        let mut reached = false;
        for start in starts {
            reached |= self.from(file, start, import, kind);
        }
        if !reached {
            let node = self.external(top);
            self.out.edge(file.node, node, kind, import.line);
        }
    }

    /// A name that need not be a module at all.
    fn weak(&mut self, file: &File<'a>, import: &Import, kind: EdgeKind) {
        if import.level > 0 {
            self.relative(file, import, kind);
            return;
        }
        let top = import.module.split('.').next().unwrap_or_default();
        for start in self.starts(file, top, Wide::Roots) {
            self.from(file, start, import, kind);
        }
    }

    fn relative(&mut self, file: &File<'a>, import: &Import, kind: EdgeKind) {
        let up = (import.level - 1) as usize;
        let Some(start) = self.modules.upwards(file.dir).nth(up) else {
            return;
        };
        if import.module.is_empty() {
            let init = self.init_of(start);
            self.link(file.node, &init, kind, import.line);
            self.names(file, start, import, kind);
        } else {
            self.from(file, start, import, kind);
        }
    }

    /// Follows an import below one directory. Whether anything was found.
    fn from(&mut self, file: &File<'a>, start: DirId, import: &Import, kind: EdgeKind) -> bool {
        let parts = import.module.split('.').count();
        let found = self.modules.follow(start, import.module.split('.'));
        self.link(file.node, &found.files, kind, import.line);
        let mut reached = !found.files.is_empty();
        if found.parts == parts {
            if let Some(dir) = found.dir {
                reached |= self.names(file, dir, import, kind);
                if import.by == By::Run
                    && let Some(main) = self.modules.child(dir, "__main__")
                {
                    let main = main.files.clone();
                    self.link(file.node, &main, kind, import.line);
                }
            }
        } else if reached {
            self.missing(file, start, &found, import, kind);
        }
        reached
    }

    /// Names asked for from a package: those that are submodules.
    fn names(&mut self, file: &File<'a>, dir: DirId, import: &Import, kind: EdgeKind) -> bool {
        let mut reached = false;
        for name in &import.names {
            let found = self.modules.follow(dir, std::iter::once(name.as_str()));
            self.link(file.node, &found.files, kind, import.line);
            reached |= !found.files.is_empty();
            if found.parts == 0 && self.edits_path {
                self.anywhere(file, name, kind, import.line);
            }
        }
        reached
    }

    /// The name leads into a package, and on to a module that is not there: compiled, generated, or moved by `__path__`.
    fn missing(
        &mut self,
        file: &File<'a>,
        start: DirId,
        found: &Found,
        import: &Import,
        kind: EdgeKind,
    ) {
        let Some(name) = import.module.split('.').nth(found.parts) else {
            return;
        };
        if self.edits_path {
            self.anywhere(file, name, kind, import.line);
        }
        let parts: Vec<&str> = import.module.split('.').take(found.parts).collect();
        let dir = self
            .modules
            .dirs
            .get(start as usize)
            .map(|d| d.path.clone());
        let Some(dir) = dir.and_then(|dir| dir.join(parts.join("/"))) else {
            return;
        };
        if import.by == By::Statement {
            for candidate in [format!("{name}.py"), format!("{name}/__init__.py")] {
                if let Some(path) = dir.join(candidate) {
                    let node = self.out.path(&path);
                    self.out.edge(file.node, node, EdgeKind::Probe, import.line);
                }
            }
            // Compiled from sources that lie elsewhere in the tree under the same name.
            for holder in self.modules.holders(name).to_vec() {
                let files = self.modules.child(holder, name).map(|c| c.files.clone());
                let mut files = files.unwrap_or_default();
                files.retain(|&f| f as usize >= self.python);
                self.link(file.node, &files, kind, import.line);
            }
            self.compiled(file.node, &import.module, import.line);
        }
    }

    fn anywhere(&mut self, file: &File<'a>, name: &str, kind: EdgeKind, line: u32) {
        for holder in self.modules.holders(name).to_vec() {
            let found = self.modules.follow(holder, std::iter::once(name));
            self.link(file.node, &found.files, kind, line);
        }
    }

    /// Sources of a module that Cargo compiles.
    fn compiled(&mut self, from: NodeRef, module: &str, line: u32) {
        let Some(dirs) = self.compiled.get(module).cloned() else {
            return;
        };
        for dir in dirs {
            for (path, _) in self.tree.under(&dir) {
                if path.extension() == b"rs"
                    || matches!(path.file_name(), b"Cargo.toml" | b"Cargo.lock")
                {
                    let node = self.out.path(path);
                    self.out.edge(from, node, EdgeKind::Import, line);
                }
            }
        }
    }

    /// Where an absolute name may start for this file: nearer roots alone, where they hold it.
    fn starts(&mut self, file: &File<'a>, top: &str, wide: Wide) -> Vec<DirId> {
        let holders = self.modules.holders(top);
        if holders.is_empty() {
            return Vec::new();
        }
        let runs = |modules: &Modules<'_>, dir: DirId| {
            let child = modules.child(dir, top);
            child.is_some_and(|c| !c.files.is_empty() || c.dir.is_some())
        };
        let own = self.roots.own(&self.modules, file.dir);
        let near: Vec<DirId> = own
            .iter()
            .copied()
            .filter(|&dir| runs(&self.modules, dir))
            .collect();
        if !near.is_empty() {
            return near;
        }
        if stdlib::is_stdlib(top) {
            return Vec::new();
        }
        let holders = self.modules.holders(top);
        let other = holders
            .iter()
            .copied()
            .filter(|dir| self.roots.all.contains(dir));
        let other: Vec<DirId> = other.collect();
        if !other.is_empty() || wide == Wide::Roots {
            return other;
        }
        // Inside packages only where no distribution is known that would bring the name.
        match self.declared.provides(top) {
            true => Vec::new(),
            false => holders.to_vec(),
        }
    }

    /// The node of a module from outside the tree, by its top-level name.
    fn external(&mut self, top: &str) -> NodeRef {
        if let Some(&node) = self.outside.get(top) {
            return node;
        }
        let node = self.out.node(Node::Module {
            reader: "python".to_owned(),
            name: top.to_owned(),
        });
        self.outside.insert(top.to_owned(), node);
        self.compiled(node, top, 0);
        node
    }

    /// An import by a computed name: every module that the pattern can reach.
    fn computed(&mut self, file: &File<'a>, computed: &Computed) {
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

    /// What an unknown name may mean: the whole package around the file, or everything.
    fn whole(&self, file: &File<'a>) -> Vec<DirId> {
        vec![self.modules.top_package(file.dir).unwrap_or(0)]
    }

    /// One node for all modules below a directory whose name starts and ends so.
    fn pattern(&mut self, dir: DirId, leaf: &str, suffix: &str, with_tests: bool) -> NodeRef {
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

    /// A star import of a package loads the submodules that its `__all__` names.
    fn exports(&mut self, file: &File<'a>) {
        if file.path.stem() != b"__init__" {
            return;
        }
        for name in &file.source.exports {
            let found = self
                .modules
                .follow(file.dir, std::iter::once(name.as_str()));
            self.link(file.node, &found.files, EdgeKind::DynamicImport, 0);
        }
    }

    /// String literals that are names of modules, or of installed commands.
    fn named_in_texts(&mut self, file: &File<'a>, mentions: &[crate::lang::Mention]) {
        for mention in mentions {
            if let Some(modules) = self.scripts.get(&mention.text).cloned() {
                for module in modules {
                    let import = Import {
                        module,
                        by: By::Name,
                        line: mention.line,
                        ..Import::default()
                    };
                    self.weak(file, &import, EdgeKind::DynamicImport);
                }
            }
            if !mention.text.contains('.') {
                continue;
            }
            let Some(name) = strings::module_name(&mention.text, false) else {
                continue;
            };
            if strings::looks_like_file(name) {
                continue;
            }
            let top = name.split('.').next().unwrap_or_default();
            let import = Import {
                module: name.to_owned(),
                by: By::Name,
                line: mention.line,
                ..Import::default()
            };
            for start in self.starts(file, top, Wide::Anywhere) {
                self.from(file, start, &import, EdgeKind::DynamicImport);
            }
        }
    }

    /// The conftest files of the file's directory and of those above, for tests and for conftests.
    fn conftests(&mut self, file: &File<'a>) {
        let conftest = file.path.file_name() == b"conftest.py";
        if !file.is_suite && !conftest {
            return;
        }
        let above: Vec<u32> = self
            .modules
            .upwards(file.dir)
            .filter_map(|dir| self.modules.child(dir, "conftest"))
            .flat_map(|child| child.files.iter().copied())
            .collect();
        self.link(file.node, &above, EdgeKind::Conftest, 0);
    }

    /// A plugin that the project's configuration loads by name.
    fn plugin(&mut self, project: &Project<'a>, name: &str) {
        let Some(dir) = self.nearest(&project.dir) else {
            return;
        };
        let top = name.split('.').next().unwrap_or_default();
        let own = self.roots.own(&self.modules, dir).to_vec();
        let mut starts: HashSet<DirId> = own.into_iter().collect();
        starts.extend(
            self.modules
                .holders(top)
                .iter()
                .filter(|d| self.roots.all.contains(d)),
        );
        let mut starts: Vec<DirId> = starts.into_iter().collect();
        starts.sort_unstable();
        let scope = self.scope(&project.dir);
        for start in starts {
            let found = self.modules.follow(start, name.split('.'));
            self.link(project.node, &found.files, EdgeKind::Plugin, 0);
            // The plugin acts on all tests of the project.
            self.link(scope, &found.files, EdgeKind::Plugin, 0);
        }
    }

    /// The directory with Python files at or above this path.
    fn nearest(&self, dir: &RepoPath) -> Option<DirId> {
        std::iter::once(dir.clone())
            .chain(dir.ancestors())
            .find_map(|d| self.modules.dir_at(&d))
    }

    /// The node of the package or project at this directory.
    pub(super) fn scope(&mut self, dir: &RepoPath) -> NodeRef {
        self.out.node(Node::Package {
            reader: "python".to_owned(),
            dir: dir.clone(),
        })
    }
}

/// How far a name is looked for.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Wide {
    /// On the search paths.
    Roots,
    /// And, failing that, everywhere.
    Anywhere,
}
