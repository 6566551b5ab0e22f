//! What a `use` binds, and what it gives another name.

use std::ops::Range;

use super::names::Interner;
use super::{Import, NameId};
use crate::lang::rust::tokens::Tokens;

/// The names that a `use` binds, and those that it renames: (new name, old name).
#[derive(Debug, Default)]
pub(super) struct Imported {
    pub(super) imports: Vec<Import>,
    pub(super) renamed: Vec<(NameId, NameId)>,
    /// What looks like a type and is gone through.
    pub(super) opened: Vec<NameId>,
}

/// Reads the tokens between `use` and `;`.
pub(super) fn imports(tokens: &Tokens<'_>, range: Range<usize>, names: &mut Interner) -> Imported {
    let mut out = Imported::default();
    // the first segment of the path so far, for each brace that is open
    let mut roots: Vec<Option<NameId>> = vec![None];
    let mut root: Option<NameId> = None;
    let mut last: Option<NameId> = None;
    let mut at = range.start;
    while at < range.end {
        let text = tokens.text(at);
        match text {
            "{" => {
                roots.push(root);
                last = None;
            }
            "}" | "," => {
                bind(&mut out, root, last.take());
                if text == "}" && roots.len() > 1 {
                    roots.pop();
                }
                root = roots.last().copied().flatten();
            }
            "*" => {
                if let Some(root) = root {
                    out.imports.push(Import {
                        root,
                        name: None,
                        public: false,
                    });
                }
            }
            "as" => {
                let new = tokens.ident(at + 1).map(|new| names.id(new));
                if let (Some(new), Some(old)) = (new, last.take())
                    && names.names[new as usize] != "_"
                {
                    out.renamed.push((new, old));
                    bind(&mut out, root, Some(new));
                }
                at += 1;
            }
            ":" if root.is_none() => {
                let name = tokens.ident(at + 2).unwrap_or_default();
                root = Some(names.id(&format!("::{name}")));
            }
            _ => {
                if let Some(name) = tokens.ident(at) {
                    let name = names.id(name);
                    root = root.or(Some(name));
                    last = Some(name);
                    let is_type =
                        names.names[name as usize].starts_with(|c: char| c.is_uppercase());
                    if is_type && tokens.is(at + 1, ":") {
                        out.opened.push(name);
                    }
                }
            }
        }
        at += 1;
    }
    bind(&mut out, root, last);
    out
}

fn bind(out: &mut Imported, root: Option<NameId>, name: Option<NameId>) {
    if let (Some(root), Some(name)) = (root, name) {
        out.imports.push(Import {
            root,
            name: Some(name),
            public: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_of_a_use_binds_its_name() {
        for (text, expected) in [
            ("a::b", "a>b"),
            ("a::{b, c::{d as e, *}, self}", "a>b a>e a>* a>self (e=d)"),
            ("::a::b", "::a>b"),
            ("{a::b, c}", "a>b c>c"),
            ("crate::T as _", ""),
        ] {
            let tokens = Tokens::of(text);
            let mut names = Interner::default();
            let found = imports(&tokens, 0..tokens.iter().count(), &mut names);
            let name = |id: NameId| names.names[id as usize].clone();
            let mut told: Vec<String> = found
                .imports
                .iter()
                .map(|i| format!("{}>{}", name(i.root), i.name.map_or("*".to_owned(), name)))
                .collect();
            told.extend(
                found
                    .renamed
                    .iter()
                    .map(|(new, old)| format!("({}={})", name(*new), name(*old))),
            );
            assert_eq!(told.join(" "), expected, "{text}");
        }
    }
}
