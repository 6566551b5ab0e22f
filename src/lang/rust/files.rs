//! Edges out of single sources: modules, includes, and what else a file says it reads.
//!
//! They depend on the file, the manifests and the paths of the tree only. Not seen here: who uses the file.

use bstr::ByteSlice;

use super::modules::{File, candidates, in_directory};
use super::resolve::Layout;
use super::source::Base;
use super::targets::Target;
use super::workspace::Package;
use crate::lang::of;
use crate::model::{EdgeKind, Fingerprint, Node, NodeRef, RepoPath};

/// Lays the edges out of one source.
pub(super) fn lay(file: &File<'_>, layout: &mut Layout<'_, '_>) {
    let path = file.facts.path;
    let from = layout.out.path(path);
    // A source that is also reached through a symbolic link finds its modules beside the link, too.
    let links = layout
        .tree
        .links()
        .iter()
        .filter(|(_, target)| *target == path)
        .map(|(link, _)| link.clone());
    let places: Vec<RepoPath> = std::iter::once(path.clone()).chain(links).collect();
    for place in &places {
        let owns_dir = (place.file_name() == b"mod.rs").then_some(true);
        for decl in &file.source.mods {
            for candidate in candidates(place, owns_dir, decl) {
                layout.reads(from, &candidate.path, EdgeKind::Mod, decl.line);
            }
        }
    }
    let package_dir = layout
        .project
        .around(path)
        .map(|package| package.dir.clone());
    for (dir, line) in &file.source.mod_dirs {
        let package = package_dir.clone().unwrap_or_default();
        for module in in_directory(dir, &package, path, layout.tree) {
            layout.reads(from, &module, EdgeKind::Mod, *line);
        }
    }
    let mut whole_package = file.source.opaque;
    for include in &file.source.includes {
        let name = include.path.replace('\\', "/");
        match include.base {
            Base::Generated => {}
            Base::Computed => {
                whole_package = true;
                layout.out.note(
                    path,
                    include.line,
                    "includes a file by a computed name: it may be any file of the package",
                );
            }
            Base::File => {
                for target in places
                    .iter()
                    .filter_map(|place| place.parent()?.join(&name))
                {
                    layout.includes(from, &target, include.line);
                }
            }
            Base::Package => {
                let dir = package_dir.clone().unwrap_or_default();
                if let Some(target) = dir.join(name.trim_start_matches('/')) {
                    layout.includes(from, &target, include.line);
                }
            }
        }
    }
    if file.source.any_module {
        // Its own crate, `src` or `tests`, uses the macro; others of the package where it is exported.
        let package = package_dir.clone().or_else(|| path.parent());
        let mut dir = package.unwrap_or_default();
        let folder = path.below(&dir).and_then(|rest| rest.split_once_str("/"));
        if let (Some((folder, _)), false) = (folder, file.source.uses.exports_macros) {
            dir = dir.join(folder).unwrap_or(dir);
        }
        for (other, _) in layout.tree.under(&dir) {
            if other.extension() == b"rs" && other != path {
                let to = layout.out.path(other);
                layout.out.edge(from, to, EdgeKind::Mod, 0);
            }
        }
    }
    if file.source.uses.templates {
        let dir = package_dir.clone().or_else(|| path.parent());
        layout.reads_templates(from, &dir.unwrap_or_default());
    }
    if whole_package {
        let dir = package_dir.or_else(|| path.parent()).unwrap_or_default();
        layout.reads_dir(from, &dir, 0);
    }
    starts_programs(file, from, layout);
}

/// Where template compilers look for their settings.
const TEMPLATE_SETTINGS: &[&str] = &["askama.toml", "rinja.toml", "sailfish.toml", "sailfish.yml"];

/// Programs of the workspace that the file may start.
fn starts_programs(file: &File<'_>, from: NodeRef, layout: &mut Layout<'_, '_>) {
    let uses = file.source.uses;
    if !(uses.runs_programs || uses.runs_cargo) {
        return;
    }
    let project = layout.project;
    let Some(home) = project.around(file.facts.path) else {
        return;
    };
    let names = |text: &str| {
        file.facts
            .facts
            .mentions
            .iter()
            .any(|mention| mention.text == text)
    };
    let examples = file
        .facts
        .facts
        .mentions
        .iter()
        .any(|mention| mention.text.contains("example"));
    for package in project
        .packages
        .values()
        .filter(|package| package.root == home.root)
    {
        for target in &package.targets {
            let node = match kind_name(target) {
                "bin" if uses.runs_cargo || names(&target.name) => layout.target(package, target),
                // Started without Cargo, an example is named by a path with `examples` in it.
                "example"
                    if uses.runs_cargo
                        || (package.dir == home.dir && (examples || names(&target.name)))
                        || (examples && names(&target.name)) =>
                {
                    layout.target(package, target)
                }
                _ => continue,
            };
            layout.out.edge(from, node, EdgeKind::Dependency, 0);
        }
    }
}

/// What a build script reads beside what its literals name.
pub(super) fn build_script(
    file: &File<'_>,
    package: &Package<'_>,
    script: NodeRef,
    layout: &mut Layout<'_, '_>,
) {
    let uses = file.source.uses;
    if uses.lists {
        layout.reads_dir(script, &package.dir, 0);
    } else if uses.reads_unnamed {
        for (path, _) in layout.tree.under(&package.dir) {
            if of(path).is_none() && path.extension() != b"md" {
                let to = layout.out.path(path);
                layout.out.edge(script, to, EdgeKind::Contains, 0);
            }
        }
    }
    for (rerun, line) in &file.source.reruns {
        let fixed = match rerun.find('{') {
            Some(brace) => rerun
                .get(..brace)
                .and_then(|fixed| fixed.rfind('/'))
                .and_then(|end| rerun.get(..end))
                .unwrap_or("."),
            None => rerun,
        };
        let Some(target) = package.dir.join(fixed) else {
            continue;
        };
        if layout
            .tree
            .find(&target)
            .is_some_and(|found| layout.tree.is_dir(&found))
        {
            layout.reads_dir(script, &target, *line);
        } else {
            layout.reads(script, &target, EdgeKind::Mention, *line);
        }
    }
}

/// How [`Node::Target`] spells a kind.
pub(super) fn kind_name(target: &Target) -> &'static str {
    use super::manifest::TargetKind as K;
    match target.kind {
        None => "build-script",
        Some(K::Lib) => "lib",
        Some(K::Bin) => "bin",
        Some(K::Example) => "example",
        Some(K::Test) => "test",
        Some(K::Bench) => "bench",
    }
}

impl Layout<'_, '_> {
    /// `from` reads `path`: an edge where it is, a probe where it is not, links on the way included.
    pub(super) fn reads(&mut self, from: NodeRef, path: &RepoPath, kind: EdgeKind, line: u32) {
        let to = self.out.path(path);
        match self.tree.find(path) {
            None => self.out.edge(from, to, EdgeKind::Probe, line),
            Some(real) if real == *path => self.out.edge(from, to, kind, line),
            Some(real) => {
                let real = self.out.path(&real);
                self.out.edge(from, real, kind, line);
                // The link itself: the path, or the directory above it that is one.
                let on_the_way = std::iter::once(path.clone()).chain(path.ancestors());
                for link in on_the_way.filter(|p| self.tree.links().contains_key(p)) {
                    let link = self.out.path(&link);
                    self.out.edge(from, link, EdgeKind::Link, line);
                }
            }
        }
    }

    /// `from` pastes `path` in.
    fn includes(&mut self, from: NodeRef, path: &RepoPath, line: u32) {
        self.reads(from, path, EdgeKind::Include, line);
        if let Some(real) = self.tree.find(path).filter(|real| self.tree.contains(real)) {
            self.out.claim(&real);
        }
    }

    /// `from` is compiled with templates of a package, which include others by names in a syntax of their own: any data
    /// file of the package's `templates`, or of the package where settings may say otherwise.
    fn reads_templates(&mut self, from: NodeRef, package: &RepoPath) {
        let mut home = package.join("templates");
        for name in TEMPLATE_SETTINGS {
            let Some(settings) = package.join(name) else {
                continue;
            };
            self.reads(from, &settings, EdgeKind::Mention, 0);
            if self.tree.contains(&settings) {
                home = None;
            }
        }
        let home = home.filter(|home| self.tree.is_dir(home));
        let home = home.as_ref().unwrap_or(package);
        let node = self.out.node(Node::Dir(home.clone()));
        self.out.edge(from, node, EdgeKind::Contains, 0);
        if self.out.info(node).print.is_some() {
            return;
        }
        // The mark by which mentions know that data is tied.
        self.out.print(node, Fingerprint(1));
        for (path, _) in self.tree.under(home) {
            if of(path).is_none() {
                let to = self.out.path(path);
                self.out.edge(node, to, EdgeKind::Contains, 0);
            }
        }
    }

    /// `from` may read every file below a directory.
    pub(super) fn reads_dir(&mut self, from: NodeRef, dir: &RepoPath, line: u32) {
        let dir = self.tree.find(dir).unwrap_or_else(|| dir.clone());
        let node = self.out.node(Node::Dir(dir.clone()));
        self.out.edge(from, node, EdgeKind::Contains, line);
        if self.listed.insert(dir.clone()) {
            // The mark by which mentions know that sources are tied, too.
            self.out.print(node, Fingerprint(2));
            for (path, _) in self.tree.under(&dir) {
                let to = self.out.path(path);
                self.out.edge(node, to, EdgeKind::Contains, 0);
            }
        }
    }
}
