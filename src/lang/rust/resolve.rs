//! Facts and paths → edges: targets and tests with what they are made of.
//!
//! "A depends on B" throughout. A package's own library stands between its other targets and its dependencies where
//! there is one. Not seen here: features that are off, platforms that are not this one; all are taken to be on.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::dependencies::DependencyKind;
use super::files::{self, kind_name};
use super::macros::Makers;
use super::manifest::TargetKind;
use super::modules::{File, Sources, sources, walk};
use super::targets::Target;
use super::workspace::{Package, Project};
use super::{externals, scopes, settings};
use crate::lang::FileFacts;
use crate::model::{
    EdgeKind, EdgeSink, Fingerprint, Node, NodeRef, Printer, RepoPath, Snapshot, Suite,
};

/// What edges are laid with.
pub(super) struct Layout<'a, 'f> {
    /// The packages.
    pub(super) project: &'a Project<'f>,
    /// All files of the language.
    pub(super) files: &'a [FileFacts<'f>],
    /// The sources.
    pub(super) sources: &'a Sources<'f>,
    /// The macros that they define.
    makers: &'a Makers<'f>,
    /// The paths.
    pub(super) tree: &'a Snapshot,
    /// Where edges go.
    pub(super) out: &'a mut EdgeSink,
    /// Directories that are laid out in full.
    pub(super) listed: HashSet<RepoPath>,
    /// Prints of nodes, which packages of the same name share.
    pub(super) prints: HashMap<NodeRef, Vec<Fingerprint>>,
    /// Tests with their names, which packages of the same name share.
    cases: BTreeMap<Suite, (Vec<String>, bool)>,
}

/// The nodes of one package.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The library.
    pub(super) lib: Option<NodeRef>,
    /// Its unit tests.
    pub(super) lib_test: Option<NodeRef>,
    /// Build scripts.
    pub(super) scripts: Vec<NodeRef>,
    /// Binaries.
    pub(super) bins: Vec<NodeRef>,
    /// Integration tests and benchmarks that are tests.
    pub(super) integration: Vec<NodeRef>,
    /// What is linked with dev-dependencies.
    pub(super) dev: Vec<NodeRef>,
    /// All of them.
    pub(super) all: Vec<NodeRef>,
    /// Tests outside `tests/` whose sources name that directory.
    pub(super) read_tests_dir: Vec<NodeRef>,
}

/// Lays all edges. Cost: linear in files, modules, and dependencies.
pub(super) fn resolve(files: &[FileFacts<'_>], tree: &Snapshot, out: &mut EdgeSink) {
    let project = Project::of(files, tree);
    let sources = sources(files);
    let makers = Makers::of(&sources);
    let mut layout = Layout {
        project: &project,
        files,
        sources: &sources,
        makers: &makers,
        tree,
        out,
        listed: HashSet::new(),
        prints: HashMap::new(),
        cases: BTreeMap::new(),
    };
    for facts in files {
        if let Some(file) = sources.get(facts.path) {
            files::lay(file, &mut layout);
        }
    }
    let mut members: BTreeMap<RepoPath, Members> = BTreeMap::new();
    for package in project.packages.values() {
        members.insert(package.dir.clone(), layout.package(package));
    }
    for package in project.packages.values() {
        if let Some(own) = members.get(&package.dir) {
            layout.dependencies(package, own, &members);
        }
    }
    externals::lay(&members, &mut layout);
    scopes::lay(&members, &mut layout);
    settings::lay(&mut layout);
    layout.finish();
}

impl Layout<'_, '_> {
    /// The node of a target that is no test.
    pub(super) fn target(&mut self, package: &Package<'_>, target: &Target) -> NodeRef {
        self.out.node(Node::Target {
            package: package.name.clone(),
            kind: kind_name(target).to_owned(),
            name: target.name.clone(),
        })
    }

    /// Adds to the print of a node.
    pub(super) fn add_print(&mut self, node: NodeRef, print: Fingerprint) {
        self.prints.entry(node).or_default().push(print);
    }

    /// The targets and tests of a package, tied to their files and to each other.
    fn package(&mut self, package: &Package<'_>) -> Members {
        let mut members = Members::default();
        for target in &package.targets {
            self.one(package, target, &mut members);
        }
        let lib = members.lib;
        let scripts = members.scripts.clone();
        for node in members.all.clone() {
            let is_lib = Some(node) == lib || Some(node) == members.lib_test;
            if scripts.contains(&node) {
                continue;
            }
            if let Some(lib) = lib.filter(|_| !is_lib) {
                self.out.edge(node, lib, EdgeKind::Dependency, 0);
            }
            for script in &scripts {
                self.out.edge(node, *script, EdgeKind::Dependency, 0);
            }
        }
        // Integration tests are told where the binaries are.
        for test in &members.integration {
            for bin in &members.bins {
                self.out.edge(*test, *bin, EdgeKind::Dependency, 0);
            }
        }
        members
    }

    fn one(&mut self, package: &Package<'_>, target: &Target, members: &mut Members) {
        let plain = (target.kind != Some(TargetKind::Test)).then(|| self.target(package, target));
        let (test, doc) = package.suites(target);
        let walked = walk(
            &target.root,
            &package.dir,
            self.sources,
            self.makers,
            self.tree,
        );
        let test_node = test.map(|suite| {
            let node = self.out.node(Node::Test(suite.clone()));
            let entry = self
                .cases
                .entry(suite)
                .or_insert_with(|| (Vec::new(), true));
            entry.0.extend(walked.cases.iter().cloned());
            entry.1 &= !(walked.hides || target.own_harness);
            node
        });
        let doc_node = doc.map(|suite| {
            self.cases.insert(suite.clone(), (Vec::new(), false));
            self.out.node(Node::Test(suite))
        });
        let base = settings::print(self.project, package, target, false);
        let with_dev = settings::print(self.project, package, target, true);
        let rooted: Vec<NodeRef> = plain.into_iter().chain(test_node).collect();
        for node in &rooted {
            self.reads(*node, &target.root, EdgeKind::Root, 0);
        }
        let docs = self.denied_docs(package, target, &walked.files);
        for node in rooted.iter().chain(&doc_node) {
            if let Some(docs) = &docs {
                self.out.edge(*node, *docs, EdgeKind::Config, 0);
            }
        }
        let ships = matches!(target.kind, None | Some(TargetKind::Lib | TargetKind::Bin));
        if let Some(node) = plain {
            self.add_print(node, if ships { base } else { with_dev });
            if !ships {
                members.dev.push(node);
            }
        }
        for node in test_node.into_iter().chain(doc_node) {
            self.add_print(node, with_dev);
            members.dev.push(node);
        }
        match (target.kind, plain) {
            (None, Some(node)) => members.scripts.push(node),
            (Some(TargetKind::Lib), node) => {
                members.lib = node;
                members.lib_test = test_node;
            }
            (Some(TargetKind::Bin), Some(node)) => members.bins.push(node),
            _ => {}
        }
        if matches!(target.kind, Some(TargetKind::Test | TargetKind::Bench)) {
            members.integration.extend(test_node);
        }
        members.all.extend(rooted.iter().chain(&doc_node));
        self.walked(package, target, &walked.files, &rooted, members);
    }

    /// What the files of a target's module tree mean for it.
    fn walked(
        &mut self,
        package: &Package<'_>,
        target: &Target,
        walked: &std::collections::BTreeSet<RepoPath>,
        rooted: &[NodeRef],
        members: &mut Members,
    ) {
        let extra =
            matches!(target.kind, Some(TargetKind::Example | TargetKind::Bench)) && !target.test;
        let mut names_tests = false;
        for path in walked {
            if package.data_of.is_some() {
                continue;
            }
            if extra {
                self.out.settle(path);
            } else {
                self.out.claim(path);
            }
            let Some(file) = self.sources.get(path) else {
                continue;
            };
            let mut mentions = file.facts.facts.mentions.iter();
            names_tests |= mentions.any(|m| {
                m.text
                    .split('/')
                    .any(|part| matches!(part, "tests" | "benches"))
            });
            let from = self.out.path(path);
            for node in rooted {
                if file.facts.facts.reads_lines {
                    self.out.edge(*node, from, EdgeKind::Defines, 0);
                }
                if target.kind.is_none() {
                    files::build_script(file, package, *node, self);
                }
            }
            // A file of another package sees this package's variables and directory.
            if !path.is_under(&package.dir) {
                self.borrowed(package, file, rooted);
            }
        }
        if names_tests && !matches!(target.kind, Some(TargetKind::Test | TargetKind::Bench)) {
            let tests = rooted.iter().filter(|node| {
                matches!(
                    self.out.nodes.get_index(node.0 as usize),
                    Some((Node::Test(_), _))
                )
            });
            members.read_tests_dir.extend(tests);
        }
    }

    fn borrowed(&mut self, package: &Package<'_>, file: &File<'_>, rooted: &[NodeRef]) {
        for include in file
            .source
            .includes
            .iter()
            .filter(|i| i.base == super::Base::Package)
        {
            if let Some(path) = package.dir.join(include.path.trim_start_matches('/')) {
                for node in rooted {
                    self.reads(*node, &path, EdgeKind::Include, 0);
                }
            }
        }
        if file.source.uses.package_keys {
            let prose = settings::prose(package, self);
            for node in rooted {
                self.out.edge(*node, prose, EdgeKind::Config, 0);
            }
        }
    }

    /// Where missing docs are denied: a node that tells which items of the target have docs.
    fn denied_docs(
        &mut self,
        package: &Package<'_>,
        target: &Target,
        walked: &std::collections::BTreeSet<RepoPath>,
    ) -> Option<NodeRef> {
        let lent = self
            .project
            .workspace(package)
            .filter(|_| package.manifest.lints_lent);
        let denied = package.manifest.denies_missing_docs
            || lent.is_some_and(|workspace| workspace.denies_missing_docs)
            || walked.iter().any(|path| {
                self.sources
                    .get(path)
                    .is_some_and(|f| f.source.uses.denies_missing_docs)
            });
        if !denied {
            return None;
        }
        let node = self.out.node(Node::Target {
            package: package.name.clone(),
            kind: "docs".to_owned(),
            name: format!("{} {}", kind_name(target), target.name),
        });
        let mut printer = Printer::new();
        for path in walked {
            if let Some(file) = self.sources.get(path) {
                printer.piece(path.as_bytes());
                printer.piece(file.source.documented.0.to_le_bytes());
            }
        }
        self.add_print(node, printer.finish());
        Some(node)
    }

    /// A node that tells which features a package has and asks of others in the tree.
    fn asked_features(&mut self, package: &Package<'_>) -> NodeRef {
        let node = self.out.node(Node::Target {
            package: package.name.clone(),
            kind: "features".to_owned(),
            name: package.name.clone(),
        });
        let mut printer = Printer::new();
        printer.piece(package.manifest.rest.0.to_le_bytes());
        for dependency in &package.manifest.dependencies {
            if self.project.path_of(package, dependency).is_some() {
                printer.piece(format!("{dependency:?}"));
            }
        }
        self.add_print(node, printer.finish());
        node
    }

    /// Edges to the libraries of other packages of the tree.
    fn dependencies(
        &mut self,
        package: &Package<'_>,
        own: &Members,
        members: &BTreeMap<RepoPath, Members>,
    ) {
        let mut asked = None;
        for dependency in &package.manifest.dependencies {
            let Some(dir) = self.project.path_of(package, dependency) else {
                continue;
            };
            // a build of the workspace gives each package the features that any member asks for
            let other = members.get(&dir);
            for node in other.map_or_else(Vec::new, |other| other.users(DependencyKind::Normal)) {
                let asked = *asked.get_or_insert_with(|| self.asked_features(package));
                self.out.edge(node, asked, EdgeKind::Config, 0);
            }
            let users = own.users(dependency.kind);
            let Some(other) = members.get(&dir) else {
                let manifest = dir.join("Cargo.toml");
                for (node, manifest) in users.iter().filter_map(|n| Some((n, manifest.as_ref()?))) {
                    self.reads(*node, manifest, EdgeKind::Config, 0);
                }
                continue;
            };
            for user in users {
                let bins: &[NodeRef] = if dependency.artifact {
                    &other.bins
                } else {
                    &[]
                };
                for to in other.lib.iter().chain(bins) {
                    self.out.edge(user, *to, EdgeKind::Dependency, 0);
                }
            }
        }
    }

    fn finish(self) {
        for (node, mut prints) in self.prints {
            prints.sort();
            let mut printer = Printer::new();
            for print in prints {
                printer.piece(print.0.to_le_bytes());
            }
            self.out.print(node, printer.finish());
        }
        for (suite, (mut cases, complete)) in self.cases {
            cases.sort();
            cases.dedup();
            self.out.test(suite, cases, complete);
        }
    }
}

impl Members {
    /// The nodes that link a dependency of this kind, or depend on what does.
    pub(super) fn users(&self, kind: DependencyKind) -> Vec<NodeRef> {
        match kind {
            DependencyKind::Build => self.scripts.clone(),
            DependencyKind::Dev => self.dev.clone(),
            DependencyKind::Normal => match self.lib {
                Some(lib) => std::iter::once(lib).chain(self.lib_test).collect(),
                None => self
                    .all
                    .iter()
                    .filter(|node| !self.scripts.contains(node))
                    .copied()
                    .collect(),
            },
        }
    }
}
