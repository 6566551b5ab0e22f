//! What names do not tell: who is handed an item, what makes names or code elsewhere.

use super::{Cutter, OPAQUE};
use crate::lang::rust::attributes;
use crate::lang::rust::prints::Prints;
use crate::lang::rust::symbols::names::names;
use crate::lang::rust::symbols::{DOCS, Kind, REST};
use crate::lang::rust::tokens::{self, Tokens};

/// Attributes that hand an item to the linker or the compiler.
const KEEPS: &[&str] = &[
    "no_mangle",
    "export_name",
    "link_section",
    "used",
    "global_allocator",
    "panic_handler",
    "ctor",
    "dtor",
    "distributed_slice",
    "proc_macro",
    "proc_macro_attribute",
    "proc_macro_derive",
    "macro_export",
    "alloc_error_handler",
];

/// Attributes that change what they stand on without handing it to anybody.
const REWRITES: &[&str] = &["async_trait", "main", "instrument", "automock", "cfg_attr"];

/// Derives that only implement traits, which are called by whoever has the type.
const DERIVES: &[&str] = &[
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Serialize",
    "Deserialize",
    "Error",
    "Display",
    "From",
    "Into",
    "Deref",
    "DerefMut",
    "AsRef",
    "Parser",
    "Subcommand",
    "Args",
    "ValueEnum",
    "Builder",
    "EnumString",
    "EnumIter",
    "IntoIterator",
    "Arbitrary",
    "Zeroize",
    "Pod",
    "Template",
    "FromPrimitive",
];

/// Names that make others of names, or run sources that are not part of the program.
const BLINDS: &[(&str, &str)] = &[
    ("paste", "puts names together"),
    ("concat_idents", "puts names together"),
    ("format_ident", "puts names together"),
    ("proc_macro", "defines procedural macros"),
    ("proc_macro_derive", "defines procedural macros"),
    ("proc_macro_attribute", "defines procedural macros"),
    ("trybuild", "runs other sources"),
    ("ui_test", "runs other sources"),
    ("compiletest_rs", "runs other sources"),
    ("lang_tester", "runs other sources"),
    ("macrotest", "runs other sources"),
    ("skeptic", "runs other sources"),
    ("rusty_fork", "runs itself"),
    ("template", "holds code that is made of templates"),
    ("lalrpop_mod", "holds generated code"),
    ("include_proto", "holds generated code"),
    ("include_modules", "holds generated code"),
    ("include_scaffolding", "holds generated code"),
];

impl Cutter<'_, '_> {
    /// Whether an attribute may hand what it stands on to somebody unseen.
    pub(super) fn keeps(&self, open: usize, kind: Kind) -> bool {
        let tokens = self.tokens;
        tokens
            .inside(open)
            .any(|i| tokens.ident(i).is_some_and(|name| KEEPS.contains(&name)))
            || (kind != Kind::Test && self.is_unknown(open))
    }

    /// Whether nobody knows what an attribute does.
    pub(super) fn is_unknown(&self, open: usize) -> bool {
        let tokens = self.tokens;
        attributes::parts(tokens, open).into_iter().any(|part| {
            let Some(name) = attributes::last_segment(tokens, part) else {
                return true;
            };
            if name == "derive" {
                return !attributes::derives(tokens, part).all(|derive| DERIVES.contains(&derive));
            }
            !REWRITES.contains(&name) && !attributes::is_plain(tokens, part)
        })
    }

    /// What holds for the file as a whole.
    pub(super) fn look_over(&mut self) {
        let tokens = self.tokens;
        for (index, token) in tokens.iter().enumerate() {
            if token.kind == tokens::Kind::Str && token.text == "\"--exact\"" {
                self.out
                    .blind
                    .get_or_insert_with(|| "runs itself".to_owned());
            }
            if token.kind != tokens::Kind::Ident {
                continue;
            }
            if token.text == "use" {
                let owner = self.owners.get(index).copied().unwrap_or_default();
                let kind = self
                    .out
                    .units
                    .get(owner.unit as usize)
                    .map(|unit| unit.kind);
                self.out.opens |= matches!(kind, Some(Kind::Macro | Kind::Call | Kind::Other));
            }
            let blind = BLINDS.iter().find(|(name, _)| *name == token.text);
            let is_macro = tokens.is(index + 1, "!");
            let in_attribute = tokens.is(index.saturating_sub(1), "[");
            if let Some((name, why)) = blind
                && match *name {
                    "paste" | "format_ident" | "concat_idents" => is_macro,
                    "proc_macro" | "template" => in_attribute,
                    _ => true,
                }
            {
                self.out.blind.get_or_insert_with(|| (*why).to_owned());
            }
            let in_docs =
                (token.text == "include_str" && is_macro && index > 1 && tokens.is(index - 1, "="))
                    || (token.text == "doc" && tokens.is(index + 1, "="))
                    || (matches!(token.text, "doctest" | "doc_comment") && is_macro);
            self.out.docs_elsewhere |= in_docs;
        }
        let loose = std::mem::take(&mut self.loose);
        for range in loose {
            let found = names(tokens, range, OPAQUE, &mut self.names);
            let rest = &mut self.out.units[REST as usize];
            rest.uses.extend(found.uses);
            rest.spawns |= found.spawns;
        }
    }

    pub(super) fn docs(&mut self, prints: &Prints) {
        let mut uses = Vec::new();
        for (_, text) in &prints.doctests {
            let tokens = Tokens::of(text);
            let count = tokens.iter().count();
            uses.extend(names(&tokens, 0..count, OPAQUE, &mut self.names).uses);
        }
        uses.sort_unstable();
        uses.dedup();
        self.out.units[DOCS as usize].uses = uses;
    }
}
