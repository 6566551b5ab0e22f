//! Which names of types and traits surely mean something of the tree.
//!
//! A trait of the same name from outside is called by code that nobody sees, so what is not sure is taken for one.

use rustc_hash::FxHashSet;

use super::{Kind, Path, Symbols};

/// What names of paths may begin with, and which names somebody imports from outside.
#[derive(Debug, Default)]
pub(super) struct Locals<'a> {
    /// Names of the tree's crates.
    crates: FxHashSet<String>,
    /// Names that some file imports from outside.
    foreign: FxHashSet<&'a str>,
    /// Some file hands on all names of something outside.
    unlisted: bool,
}

impl<'a> Locals<'a> {
    /// Looks over the imports of all files.
    pub(super) fn new(crates: FxHashSet<String>, files: impl Iterator<Item = &'a Symbols>) -> Self {
        let mut out = Self {
            crates,
            ..Self::default()
        };
        for file in files {
            for import in &file.imports {
                if out.starts_here(file, import.root) {
                    continue;
                }
                match import.name {
                    Some(name) => {
                        out.foreign.insert(file.text(name));
                    }
                    None => out.unlisted |= import.public,
                }
            }
        }
        out
    }

    /// Whether a path that begins so leads into the tree.
    pub(super) fn starts_here(&self, file: &Symbols, root: u32) -> bool {
        let text = file.text(root);
        matches!(text, "crate" | "self" | "super" | "Self")
            || file.mods.contains(&root)
            || self.crates.contains(text.trim_start_matches(':'))
    }

    /// Whether a path in a file surely names something of the tree.
    pub(super) fn sure(&self, file: &Symbols, path: Path) -> bool {
        let name = file.text(path.name);
        if let Some(root) = path.root {
            return self.starts_here(file, root) && self.unambiguous(name);
        }
        let mut imported = file
            .imports
            .iter()
            .filter(|import| import.name == Some(path.name))
            .peekable();
        let defined = file.units.iter().any(|unit| {
            unit.holder.is_none()
                && matches!(unit.kind, Kind::Type | Kind::Trait)
                && unit.own.first() == Some(&path.name)
        });
        if imported.peek().is_none() {
            // what stands in the same file goes before what `*` and the prelude bring
            return defined;
        }
        self.unambiguous(name) && imported.all(|import| self.starts_here(file, import.root))
    }

    fn unambiguous(&self, name: &str) -> bool {
        !self.unlisted && !self.foreign.contains(name)
    }
}

impl Symbols {
    /// A name's text.
    pub(super) fn text(&self, name: u32) -> &str {
        self.names.get(name as usize).map_or("", String::as_str)
    }
}
