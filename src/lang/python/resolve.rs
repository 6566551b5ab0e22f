//! Facts of all files, and the paths of the tree → edges.
//!
//! Every name is linked to every file that it may mean. Not seen: import hooks, and paths that come from the environment.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::collect::Collected;
use super::links::Wide;
use super::metadata::reads_metadata;
use super::modules::{DirId, Modules};
use super::project::ProjectFile;
use super::roots::Roots;
use super::source::{By, Computed, Import, Source};
use super::{externals, scopes, strings, suites};
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
    pub(super) nodes: Vec<NodeRef>,
    pub(super) python: usize,
    pub(super) suites: Vec<bool>,
    pub(super) doctests: bool,
    pub(super) edits_path: bool,
    /// Top-level names that lead out of the tree.
    pub(super) outside: BTreeMap<String, NodeRef>,
    pub(super) declared: externals::Declared,
    pub(super) compiled: HashMap<String, Vec<RepoPath>>,
    pub(super) patterns: HashMap<String, NodeRef>,
    pub(super) scripts: HashMap<String, Vec<String>>,
}

/// Everything that resolving needs, made from the facts of all files.
pub(super) struct SetUp<'a, 's> {
    pub(super) resolver: Resolver<'a, 's>,
    pub(super) files: Vec<File<'a>>,
    pub(super) projects: Vec<Project<'a>>,
    /// What distributions say of themselves.
    pub(super) metadata: Vec<NodeRef>,
    pub(super) runner: suites::Runner<'a>,
    /// For each file, what a runner collects from it.
    pub(super) collected: Vec<Option<Collected>>,
}

/// Makes the nodes of all Python and project files, and what their names are resolved with.
pub(super) fn set_up<'a, 's>(
    all: &[FileFacts<'a>],
    tree: &'a Snapshot,
    out: &'s mut EdgeSink,
) -> SetUp<'a, 's> {
    let mut sources: Vec<(&'a RepoPath, &'a Source)> = Vec::new();
    let mut projects: Vec<Project<'a>> = Vec::new();
    let mut metadata: Vec<NodeRef> = Vec::new();
    for file in all {
        let node = match file.facts.detail {
            Detail::Python(_) => out.claim(file.path),
            // a runner that loads plugins reads it for every test
            Detail::PythonMetadata(true) => out.path(file.path),
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
            Detail::PythonMetadata(_) => metadata.push(node),
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
    let collected: Vec<Option<Collected>> = sources
        .iter()
        .map(|(path, source)| runner.collect(path, source))
        .collect();
    let suites: Vec<bool> = collected.iter().map(Option::is_some).collect();
    let mut scripts: HashMap<String, Vec<String>> = HashMap::default();
    let mut compiled: HashMap<String, Vec<RepoPath>> = HashMap::default();
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
    let files: Vec<File<'a>> = sources
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
    let resolver = Resolver {
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
        patterns: HashMap::default(),
        scripts,
        out,
    };
    SetUp {
        resolver,
        files,
        projects,
        metadata,
        runner,
        collected,
    }
}

/// Lays the edges of all Python and project files.
pub(super) fn resolve(all: &[FileFacts<'_>], tree: &Snapshot, out: &mut EdgeSink) {
    let SetUp {
        mut resolver,
        files,
        projects,
        metadata,
        runner,
        collected,
    } = set_up(all, tree, out);
    let mut mentions = all
        .iter()
        .filter(|f| matches!(f.facts.detail, Detail::Python(_)));
    for file in &files {
        resolver.ancestors(file);
        for import in &file.source.imports {
            resolver.import(file, import);
        }
        for import in &file.source.uses {
            resolver.attributes(file, import);
        }
        for computed in &file.source.computed {
            resolver.computed(file, computed);
        }
        if file.source.unread {
            resolver.computed(file, &Computed::default());
        }
        let asked = file.source.imports.iter().chain(&file.source.uses);
        for import in asked.filter(|import| reads_metadata(import)) {
            for &node in &metadata {
                resolver
                    .out
                    .edge(file.node, node, EdgeKind::Mention, import.line);
            }
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
    suites::lay(&mut resolver, &files, collected, &projects, &runner);
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

    pub(super) fn init_of(&self, dir: DirId) -> Vec<u32> {
        self.modules
            .dirs
            .get(dir as usize)
            .map(|d| d.init.clone())
            .unwrap_or_default()
    }

    pub(super) fn link(&mut self, from: NodeRef, to: &[u32], kind: EdgeKind, line: u32) {
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
