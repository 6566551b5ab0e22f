//! Names and attributes: what they are seen from here, and what their use says by itself.

use ruff_python_ast::Expr;

use super::super::diff::is_of_python;
use super::super::{
    ANY_FIXTURE, DRAWS, DYNAMIC, ELSEWHERE, IMPORTS, Imported, LISTS, LISTS_FILES, LOOKS_AROUND,
    NameId, READS_DOCS, READS_HEADS, READS_SOURCES, REFLECTS, SPAWNS, Ty, TyId, Use, keeping,
};
use super::Reader;
use super::pieces::{format, pieces};

impl Reader<'_> {
    /// What a name is, seen from here.
    pub(super) fn lookup(&mut self, name: &str) -> TyId {
        let last = self.frames.len();
        for (at, frame) in self.frames.iter().enumerate().rev() {
            if frame.globals.contains(name) {
                break;
            }
            if frame.class.is_some() && at + 1 != last {
                continue;
            }
            if let Some(&var) = frame.vars.get(name) {
                if let Some(Some(class)) = frame.class {
                    // of the class's body; it may still be the module's where it is not yet bound
                    let name = self.name(name);
                    self.looked_up(name);
                    let class = self.ty(Ty::ClassOf(class));
                    let own = self.ty(Ty::Attr(class, name));
                    let outer = self.ty(Ty::Name(name));
                    return self.ty(Ty::Union(vec![own, outer]));
                }
                return self.ty(Ty::Var(var));
            }
        }
        let name = self.name(name);
        let globals = &mut self.out.units[self.unit as usize].globals;
        if self.unit != 0 && !globals.contains(&name) {
            globals.push(name);
        }
        self.looked_up(name);
        self.ty(Ty::Name(name))
    }

    /// Whether a name is that of a function around, and so not Python's own of that name. A class's may not be there yet.
    pub(super) fn is_local(&self, name: &str) -> bool {
        let mut functions = self.frames.iter().rev();
        let found = functions.find(|frame| {
            frame.globals.contains(name) || frame.class.is_none() && frame.vars.contains_key(name)
        });
        found.is_some_and(|frame| !frame.globals.contains(name))
    }

    fn looked_up(&mut self, name: NameId) {
        if self.unit == 0 {
            let line = self.loaded.entry(name).or_insert(self.stmt_lines.0);
            *line = self.stmt_lines.0.min(*line);
        }
    }

    /// An expression that is asked for an attribute: no use of it as a value.
    pub(super) fn receiver(&mut self, expr: &Expr) -> TyId {
        match expr {
            Expr::Name(name) => {
                self.started(&name.id);
                self.itself(&name.id);
                let ty = self.lookup(&name.id);
                self.uses(Use::Touch(ty));
                ty
            }
            Expr::Attribute(attribute) => self.attribute(attribute),
            _ => self.expr(expr),
        }
    }

    /// A class or classes that something is compared with.
    pub(super) fn touch(&mut self, expr: &Expr) -> TyId {
        match expr {
            Expr::Name(_) | Expr::Attribute(_) => {
                let ty = self.receiver(expr);
                self.uses(Use::Touch(ty));
                ty
            }
            Expr::Tuple(tuple) => {
                let all = tuple.elts.iter().map(|e| self.touch(e)).collect();
                self.union(all)
            }
            _ => self.expr(expr),
        }
    }

    pub(super) fn attribute(&mut self, attribute: &ruff_python_ast::ExprAttribute) -> TyId {
        let of = self.receiver(&attribute.value);
        let text = attribute.attr.as_str();
        let name = self.name(text);
        self.named(text);
        if let Expr::Name(owner) = &*attribute.value {
            if keeping::looks_around(&owner.id) {
                self.flag(LOOKS_AROUND);
            }
            let module = self.imported(&owner.id);
            let module = module.map_or(owner.id.as_str(), |import| import.module.as_str());
            let module = module.to_owned();
            if keeping::draws(&module) || keeping::draws(&format!("{module}.{text}")) {
                self.flag(DRAWS);
            }
            if keeping::reads_docs(&module) {
                self.flag(READS_DOCS);
            }
            if module == "os" && keeping::leaves(text) {
                self.flag(ELSEWHERE);
            }
            match (module.as_str(), text) {
                ("sys", "modules") => self.flag(IMPORTS | DYNAMIC | LISTS),
                ("os", "walk") => self.flag(LISTS_FILES),
                ("os", "system" | "execv" | "execve" | "spawnv" | "fork") => {
                    self.flag(SPAWNS | IMPORTS)
                }
                _ => {}
            }
        }
        if text == "__dict__" && !self.is_described(&attribute.value) {
            self.held(of, false);
        }
        self.uses(Use::Attr(of, name));
        self.ty(Ty::Attr(of, name))
    }

    /// What an object holds is looked at; `read` where that is all.
    pub(super) fn held(&mut self, of: TyId, read: bool) {
        match self.resolved(of) {
            Ty::SelfOf(class) => self.out.classes[class as usize].filled |= !read,
            _ => self.uses(Use::Held(of, read)),
        }
    }

    /// Whether this is the object for which a descriptor is asked: what it keeps there is got by the descriptor's own name.
    pub(super) fn is_described(&self, of: &Expr) -> bool {
        matches!(of, Expr::Name(name) if self.described.as_deref() == Some(name.id.as_str()))
    }

    /// The function or class of Python's library that a name stands for: of which module, and what it is called there.
    pub(super) fn of_library<'e>(&'e self, func: &'e Expr) -> Option<(&'e str, &'e str)> {
        let (first, last) = match func {
            Expr::Name(name) => (name.id.as_str(), None),
            Expr::Attribute(attribute) => {
                let module = attribute.value.as_name_expr()?;
                (module.id.as_str(), Some(attribute.attr.as_str()))
            }
            _ => return None,
        };
        if self.is_local(first) {
            return None;
        }
        let bound = self.names.get(first).is_some_and(|first| {
            let mut scope = self.out.scope.iter();
            scope.any(|(name, _)| name == first)
        });
        match self.imported(first) {
            Some(from) if !is_of_library(from) => None,
            Some(from) => match (from.name.as_deref(), last) {
                (Some(name), None) => Some((&from.module, name)),
                (None, Some(last)) => Some((&from.module, last)),
                _ => None,
            },
            None if bound || last.is_some() => None,
            None => Some(("builtins", first)),
        }
    }

    /// Whether a call of this makes an object of Python's library that holds nothing but what is put into it.
    pub(super) fn makes_store(&self, func: &Expr) -> bool {
        matches!(
            self.of_library(func),
            Some(("threading", "local") | ("types", "ModuleType" | "SimpleNamespace"))
        )
    }

    /// A name that a module gave which starts processes.
    pub(super) fn started(&mut self, name: &str) {
        if self.starters.contains(name) {
            self.flag(ELSEWHERE | SPAWNS | IMPORTS);
        }
    }

    /// A name by which a file can tell its own.
    pub(super) fn itself(&mut self, name: &str) {
        if matches!(
            name,
            "__name__" | "__package__" | "__spec__" | "__file__" | "__path__"
        ) {
            self.uses(Use::Itself);
        }
    }

    /// A module that is got out of those which are loaded, by its name.
    pub(super) fn module_by_name(&mut self, name: Option<&Expr>) {
        if let Some(name) = name {
            self.expr(name);
        }
        // that of the runner; where a file is started, it shows as a program
        if !matches!(name, Some(Expr::StringLiteral(text)) if text.value.to_str() == "__main__") {
            self.flag(IMPORTS | DYNAMIC);
        }
    }

    /// Names whose use says something by itself.
    pub(super) fn named(&mut self, name: &str) {
        self.started(name);
        if let Some(other) = self.aliases.remove(name) {
            self.named(&other);
            self.aliases.insert(name.to_owned(), other);
        }
        if keeping::looks_around(name) {
            self.flag(LOOKS_AROUND);
        }
        if self
            .imported(name)
            .is_some_and(|import| keeping::draws(&import.module))
        {
            self.flag(DRAWS);
        }
        if keeping::reads_heads(name) {
            self.flag(READS_HEADS);
        }
        if keeping::reads_sources(name) {
            self.flag(READS_SOURCES);
        }
        if keeping::reads_docs(name) {
            self.flag(READS_DOCS);
        }
        match name {
            "getmembers" => self.flag(REFLECTS | DYNAMIC),
            "attrgetter" | "methodcaller" => self.flag(DYNAMIC),
            "exec_module" | "spec_from_file_location" | "SourceFileLoader" => {
                self.flag(IMPORTS | DYNAMIC);
            }
            // classes and functions that a file of settings may name
            "dictConfig" | "fileConfig" => self.flag(IMPORTS | DYNAMIC),
            _ if keeping::gives_module(name) => self.flag(IMPORTS | DYNAMIC),
            "getfixturevalue" => self.flag(ANY_FIXTURE),
            _ if keeping::lists_modules(name) => self.flag(LISTS),
            _ if keeping::lists_files(name) => self.flag(LISTS_FILES),
            _ => {
                let lower = name.to_ascii_lowercase();
                if [
                    "subprocess",
                    "popen",
                    "runpytest",
                    "pytester",
                    "script_runner",
                    "multiprocessing",
                    "xprocess",
                    "run_module",
                    "run_path",
                ]
                .iter()
                .any(|word| lower.contains(word))
                    || matches!(name, "check_output" | "check_call" | "testdir")
                {
                    self.flag(SPAWNS | IMPORTS);
                }
            }
        }
    }

    /// Python's own functions whose use says something by itself.
    pub(super) fn builtin(&mut self, name: &str) {
        match name {
            _ if self.is_local(name) => {}
            "exec" | "eval" | "compile" => self.flag(DYNAMIC),
            "help" => self.flag(READS_DOCS),
            _ => {}
        }
    }

    /// One of them that is not called where it stands: somebody will, with anything.
    pub(super) fn handed(&mut self, name: &str) {
        if matches!(name, "globals" | "dir" | "vars") && !self.is_local(name) {
            self.flag(REFLECTS | DYNAMIC);
        }
    }

    /// A text with gaps, of which names may be made.
    pub(super) fn gapped(&mut self, text: &str) {
        for piece in pieces(text) {
            let word = self.name(&piece);
            self.uses[self.unit as usize].1.push(word);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        if let Some(gapped) = format(text) {
            self.gapped(&gapped);
        }
        let mut words = 0;
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
            let first = word.chars().next();
            if first.is_some_and(|c| c.is_alphabetic() || c == '_') {
                let word = self.name(word);
                let unit = self.unit as usize;
                self.uses[unit].1.push(word);
                words += 1;
            }
        }
        for field in fields(text) {
            let name = self.name(field);
            self.uses(Use::Attr(0, name));
        }
        let path = text.contains(['.', ':']) && words > 1 && text.len() < 200;
        if path
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | ':' | '_'))
        {
            let text = self.name(text);
            self.uses(Use::Text(text));
        }
        if holds_import(text) {
            self.flag(DYNAMIC | IMPORTS);
        }
    }
}

/// Whether an import is one of Python's own modules, or of what brings later ones to older versions.
fn is_of_library(import: &Imported) -> bool {
    is_of_python(import) || import.level == 0 && import.module == "typing_extensions"
}

/// Whether a text may be code that imports something, or the end of such code: `import` stands where a statement begins, or after
/// `from` and a way.
fn holds_import(text: &str) -> bool {
    text.match_indices("import ").any(|(at, _)| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let line = before.rsplit(['\n', ';']).next().unwrap_or_default();
        let mut words = line.split_whitespace().rev().skip(1);
        before.is_empty()
            || before.ends_with(['\n', '\r', ';', ':', '\'', '"', '`', '(', '\\'])
            || words.next() == Some("from")
    })
}

/// The attributes that a text asks of what is put into it, as a format (`{0.name}`, `{row.total:>8}`).
fn fields(text: &str) -> impl Iterator<Item = &str> {
    let places = text.split('{').skip(1);
    let places = places.filter_map(|rest| rest.split(['}', ':', '!']).next());
    places.flat_map(|place| {
        let parts = place.split('.').skip(1);
        let names = parts.map(|part| part.split('[').next().unwrap_or_default());
        names.filter(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
    })
}
