//! A syntax tree → units and what they use. One walk.

mod annotation;
mod call;
mod class;
mod expression;
mod function;
mod import;
mod level;
mod made;
mod name;
mod pieces;
mod statement;
mod target;

use ruff_python_ast::token::Tokens;
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::{TextRange, TextSize};
use rustc_hash::{FxHashMap, FxHashSet};

use super::scope::Frame;
use super::units::{Part, Region, print};
use super::{
    Bound, IMPORTS, LISTS, LISTS_FILES, NameId, REFLECTS, Symbols, Ty, TyId, Unit, Use, keeping,
};
use crate::lang::python::lines::Lines;

/// Deeper trees are not walked.
const DEEP: u32 = 200;

/// Whether a statement says that annotations are not computed where they stand.
fn is_future_annotations(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::ImportFrom(import)
        if import.module.as_deref() == Some("__future__")
            && import.names.iter().any(|alias| alias.name.as_str() == "annotations"))
}

/// The units of a file; `None` where it is nested too deeply.
pub(in crate::lang::python) fn read(
    body: &[Stmt],
    text: &str,
    tokens: &Tokens,
    lines: &Lines,
) -> Option<Symbols> {
    let mut reader = Reader {
        lines,
        out: Symbols::default(),
        names: FxHashMap::default(),
        tys: FxHashMap::default(),
        frames: Vec::new(),
        unit: 0,
        regions: Vec::new(),
        classes: Vec::new(),
        seen: FxHashSet::default(),
        uses: Vec::new(),
        yields: Vec::new(),
        depth: 0,
        checking: false,
        too_deep: false,
        stmt_lines: (0, 0),
        starters: FxHashSet::default(),
        loaded: FxHashMap::default(),
        aliases: FxHashMap::default(),
        annotations_wait: body.iter().any(is_future_annotations),
        paths: FxHashSet::default(),
        replaced: false,
        described: None,
    };
    reader.new_unit(Unit::default(), TextRange::default());
    reader.ty(Ty::Unknown);
    reader.module(body);
    if reader.too_deep {
        return None;
    }
    for (unit, used) in reader.out.units.iter_mut().zip(&mut reader.uses) {
        unit.uses = std::mem::take(&mut used.0);
        unit.words = std::mem::take(&mut used.1);
        unit.words.sort_unstable();
        unit.words.dedup();
        unit.keywords.sort_unstable();
        unit.keywords.dedup();
        let text = |name: &NameId| reader.out.names[*name as usize].as_str();
        let asks = |wanted: &str| {
            let mut uses = unit.uses.iter();
            uses.any(|used| matches!(used, Use::Attr(_, name) if text(name) == wanted))
        };
        let imports = unit.flags & IMPORTS != 0;
        // files of code lose their ending before they are imported
        let of_code = || unit.words.iter().any(|word| text(word) == "py") || asks("stem");
        let lists = unit.flags & LISTS_FILES != 0 && (imports || of_code());
        // a name that is told at run time may be spelled in another way there
        let spells = |used: &Use| match used {
            Use::Attr(_, name) => keeping::spells(text(name)),
            _ => false,
        };
        let computes = unit
            .uses
            .iter()
            .any(|used| matches!(used, Use::Computed(..)));
        let spells = unit.uses.iter().any(spells)
            || unit.globals.iter().any(|name| keeping::spells(text(name)));
        if imports && computes && spells {
            unit.flags |= REFLECTS;
        }
        // a name of a module may be made of one of a class
        let spelled = imports && asks("lower") && (asks("__name__") || asks("__qualname__"));
        if lists || spelled {
            unit.flags |= LISTS;
        }
    }
    reader.out.loaded = reader.loaded.into_iter().collect();
    reader.out.loaded.sort_unstable();
    print(text, tokens, &mut reader.regions, &mut reader.out.units);
    // it stays for long
    reader.out.units.shrink_to_fit();
    reader.out.tys.shrink_to_fit();
    reader.out.names.shrink_to_fit();
    Some(reader.out)
}

struct Reader<'l> {
    lines: &'l Lines,
    out: Symbols,
    names: FxHashMap<String, NameId>,
    tys: FxHashMap<Ty, TyId>,
    frames: Vec<Frame>,
    unit: u32,
    regions: Vec<Region>,
    /// The classes around, innermost last.
    classes: Vec<u32>,
    seen: FxHashSet<(u32, Use)>,
    uses: Vec<(Vec<Use>, Vec<NameId>)>,
    /// What the functions around yield and return.
    yields: Vec<(Vec<TyId>, Vec<TyId>)>,
    depth: u32,
    /// In what only type checkers see.
    checking: bool,
    too_deep: bool,
    /// The lines of the statement that is read, both included.
    stmt_lines: (u32, u32),
    /// Names that are bound to what starts processes.
    starters: FxHashSet<String>,
    /// Names that are looked up when the file is loaded, each with the first line that does.
    loaded: FxHashMap<NameId, u32>,
    /// Other names of what is imported.
    aliases: FxHashMap<String, String>,
    /// Annotations are not computed when the file is loaded.
    annotations_wait: bool,
    /// Names of the module that stand for paths or patterns which were put together.
    paths: FxHashSet<String>,
    /// The statement that is read is a function whose name the next one takes.
    replaced: bool,
    /// In the method of a descriptor: the parameter for the object that it is asked for.
    described: Option<String>,
}

impl Reader<'_> {
    fn name(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.names.get(name) {
            return id;
        }
        let id = self.out.names.len() as NameId;
        self.out.names.push(name.to_owned());
        self.names.insert(name.to_owned(), id);
        id
    }

    fn ty(&mut self, ty: Ty) -> TyId {
        if let Some(&id) = self.tys.get(&ty) {
            return id;
        }
        let id = self.out.tys.len() as TyId;
        self.out.tys.push(ty.clone());
        self.tys.insert(ty, id);
        id
    }

    fn union(&mut self, mut all: Vec<TyId>) -> TyId {
        all.sort_unstable();
        all.dedup();
        match all[..] {
            [] => self.ty(Ty::Scalar),
            [only] => only,
            _ => self.ty(Ty::Union(all)),
        }
    }

    fn uses(&mut self, used: Use) {
        if self.seen.insert((self.unit, used)) {
            self.uses[self.unit as usize].0.push(used);
        }
    }

    fn flag(&mut self, flag: u64) {
        self.out.units[self.unit as usize].flags |= flag;
    }

    fn new_unit(&mut self, mut unit: Unit, range: TextRange) -> u32 {
        unit.lines = (self.lines.of(range.start()), self.lines.of(range.end()));
        self.out.units.push(unit);
        self.uses.push((Vec::new(), Vec::new()));
        self.out.units.len() as u32 - 1
    }

    fn region(&mut self, start: TextSize, end: TextSize, unit: u32, part: Part) {
        if start < end {
            let range = TextRange::new(start, end);
            self.regions.push(Region { range, unit, part });
        }
    }

    fn within<T>(&mut self, unit: u32, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.unit, unit);
        let result = work(self);
        self.unit = outer;
        result
    }

    fn bind(&mut self, name: &str, bound: Bound) {
        let name = self.name(name);
        self.out.scope.push((name, bound));
    }
}

pub(super) fn arguments_of(call: &ExprCall) -> impl Iterator<Item = &Expr> {
    let keywords = call.arguments.keywords.iter().map(|k| &k.value);
    call.arguments.args.iter().chain(keywords)
}

fn texts(all: &[Expr]) -> Vec<String> {
    all.iter()
        .filter_map(|e| Some(e.as_string_literal_expr()?.value.to_str().to_owned()))
        .collect()
}
