//! Written names → the files that they may mean.

use super::modules::{DirId, Found};
use super::resolve::{File, Resolver};
use super::source::{By, Import};
use super::stdlib;
use crate::model::{EdgeKind, Node, NodeRef};

/// How far a name is looked for.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Wide {
    /// On the search paths.
    Roots,
    /// And, failing that, everywhere.
    Anywhere,
}

impl<'a> Resolver<'a, '_> {
    /// One import by a written name.
    pub(super) fn import(&mut self, file: &File<'a>, import: &Import) {
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
        let own = self.roots.own(&self.modules, file.dir);
        // Found only where this file need not look: it may come from outside all the same.
        let certain = starts.iter().any(|dir| own.contains(dir));
        let mut reached = false;
        let mut whole = false;
        for &start in &starts {
            reached |= self.from(file, start, import, kind);
            whole |= self.leads(start, import);
        }
        // The package is here but not the module: another part of it may lie below another root.
        if reached && !whole {
            for start in self.modules.holders(top).to_vec() {
                if self.roots.all.contains(&start)
                    && !starts.contains(&start)
                    && self.leads(start, import)
                {
                    self.from(file, start, import, kind);
                }
            }
        }
        if !(reached && certain) {
            let node = self.external(top);
            self.out.edge(file.node, node, kind, import.line);
        }
    }

    /// Whether the whole name is found below a directory.
    fn leads(&self, start: DirId, import: &Import) -> bool {
        let found = self.modules.follow(start, import.module.split('.'));
        found.parts == import.module.split('.').count()
    }

    /// A name that need not be a module at all.
    pub(super) fn weak(&mut self, file: &File<'a>, import: &Import, kind: EdgeKind) {
        if import.level > 0 {
            self.relative(file, import, kind);
            return;
        }
        let top = import.module.split('.').next().unwrap_or_default();
        for start in self.starts(file, top, Wide::Roots) {
            self.from(file, start, import, kind);
        }
    }

    /// Attributes of an imported name: only where they are submodules do they add anything.
    pub(super) fn attributes(&mut self, file: &File<'a>, import: &Import) {
        let starts = match import.level {
            0 => {
                let top = import.module.split('.').next().unwrap_or_default();
                self.starts(file, top, Wide::Roots)
            }
            level => self
                .modules
                .upwards(file.dir)
                .nth((level - 1) as usize)
                .into_iter()
                .collect(),
        };
        let parts = import.module.split('.').filter(|part| !part.is_empty());
        let count = parts.clone().count();
        for start in starts {
            let found = self.modules.follow(start, parts.clone());
            if let (true, Some(dir)) = (found.parts == count, found.dir) {
                self.names(file, dir, import, EdgeKind::Import);
            }
        }
    }

    pub(super) fn relative(&mut self, file: &File<'a>, import: &Import, kind: EdgeKind) {
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
    pub(super) fn from(
        &mut self,
        file: &File<'a>,
        start: DirId,
        import: &Import,
        kind: EdgeKind,
    ) -> bool {
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
    pub(super) fn names(
        &mut self,
        file: &File<'a>,
        dir: DirId,
        import: &Import,
        kind: EdgeKind,
    ) -> bool {
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
    pub(super) fn missing(
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

    pub(super) fn anywhere(&mut self, file: &File<'a>, name: &str, kind: EdgeKind, line: u32) {
        for holder in self.modules.holders(name).to_vec() {
            let found = self.modules.follow(holder, std::iter::once(name));
            self.link(file.node, &found.files, kind, line);
        }
    }

    /// Sources of a module that Cargo compiles.
    pub(super) fn compiled(&mut self, from: NodeRef, module: &str, line: u32) {
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
    pub(super) fn starts(&self, file: &File<'a>, top: &str, wide: Wide) -> Vec<DirId> {
        let holders = self.modules.holders(top);
        if holders.is_empty() {
            return Vec::new();
        }
        let own = self.roots.own(&self.modules, file.dir);
        let child = |dir: &DirId| self.modules.child(*dir, top);
        let near: Vec<DirId> = own.iter().copied().filter(|d| child(d).is_some()).collect();
        // A mere directory of the name gives way to a module or package that is found later.
        let solid = |dir: &DirId| {
            child(dir).is_some_and(|c| {
                !c.files.is_empty() || c.dir.is_some_and(|d| self.modules.is_package(d))
            })
        };
        if near.iter().any(solid) {
            return near;
        }
        if stdlib::is_stdlib(top) {
            return near;
        }
        let other = holders
            .iter()
            .copied()
            .filter(|dir| self.roots.all.contains(dir) && !near.contains(dir));
        let all: Vec<DirId> = near.iter().copied().chain(other).collect();
        if !all.is_empty() || wide == Wide::Roots {
            return all;
        }
        // Inside packages only where no distribution is known that would bring the name.
        let declared = self.declared.provides(top);
        let holders = holders.iter().copied();
        holders
            .filter(|&dir| !declared || !self.modules.is_package(dir))
            .collect()
    }

    /// The node of a module from outside the tree, by its top-level name.
    pub(super) fn external(&mut self, top: &str) -> NodeRef {
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
}
