//! Imports that are new or gone: whether anybody can notice that a file is loaded by somebody else, later, or not at all.
//!
//! Nobody can where loading it does nothing but to define things, and the same holds for all that it imports: then only its name in
//! the package around it tells, for whoever asks that for it.

use super::Finer;
use crate::model::{Attributed, ModuleId, Program, ProgramImport, ProgramModule, RepoPath};

/// Whether somebody may notice which files another version of this one loads.
pub(super) fn are_noticed(change: &Attributed, path: &RepoPath, finer: &Finer<'_>) -> bool {
    let sides = [finer.base.1, finer.head.1];
    sides
        .into_iter()
        .zip(&change.loads)
        .any(|(program, loads)| {
            let importer = program
                .modules
                .iter()
                .position(|module| module.path == *path);
            loads.iter().any(|written| {
                let import = importer.and_then(|at| import_of(program, at as ModuleId, written));
                let (Some(importer), Some(import)) = (importer, import) else {
                    return true;
                };
                let mut loading = Loading {
                    program,
                    by: path,
                    above: vec![importer as ModuleId],
                    known: Vec::new(),
                };
                import.loads.is_empty()
                    || !import
                        .loads
                        .iter()
                        .all(|module| loading.is_unnoticed(*module))
            })
        })
}

/// The names of packages that are there once files are loaded which only one version of a file imports.
pub(in crate::select) fn named<'p>(
    change: &Attributed,
    path: &RepoPath,
    program: &'p Program,
) -> Vec<(ModuleId, &'p str)> {
    let mut found = Vec::new();
    let Some(importer) = program
        .modules
        .iter()
        .position(|module| module.path == *path)
    else {
        return found;
    };
    let loads = change.loads.iter().flatten();
    let imports = loads.filter_map(|written| import_of(program, importer as ModuleId, written));
    let mut next: Vec<ModuleId> = imports.flat_map(|import| &import.loads).copied().collect();
    let mut seen = Vec::new();
    while let Some(module) = next.pop() {
        if seen.contains(&module) {
            continue;
        }
        seen.push(module);
        let own = &program.modules[module as usize];
        let below = own.imports.iter().flat_map(|import| &import.loads);
        next.extend(below);
        let is_package = |module: &ProgramModule| {
            module.path.stem() == b"__init__" && module.path.parent() == own.path.parent()
        };
        let parent = program
            .modules
            .iter()
            .zip(0..)
            .find(|(module, _)| is_package(module));
        let name = std::str::from_utf8(own.path.stem());
        if let (Some((_, parent)), Ok(name)) = (parent, name) {
            found.push((parent, name));
        }
    }
    found
}

fn import_of<'p>(
    program: &'p Program,
    module: ModuleId,
    written: &str,
) -> Option<&'p ProgramImport> {
    let mut imports = program.modules[module as usize].imports.iter();
    imports.find(|import| import.written == written)
}

/// Files that are loaded on behalf of another one.
struct Loading<'a> {
    program: &'a Program,
    by: &'a RepoPath,
    /// Those that load the one that is looked at.
    above: Vec<ModuleId>,
    /// Those that nobody notices, with all that they load.
    known: Vec<ModuleId>,
}

impl Loading<'_> {
    /// Whether nobody notices when a file is loaded. Each is looked at once.
    fn is_unnoticed(&mut self, module: ModuleId) -> bool {
        let program = self.program;
        let own = &program.modules[module as usize];
        if is_around(own, self.by) || self.known.contains(&module) {
            return true;
        }
        if self.above.contains(&module) || !own.quiet || own.opaque.is_some() {
            return false;
        }
        let loads = own.imports.iter().filter(|import| import.ours);
        // what a package that is still being loaded has by a name, it may not have yet
        let is_loading = |at: &ModuleId| is_around(&program.modules[*at as usize], self.by);
        let mut asks = loads.clone().map(|import| &import.loads);
        if asks.any(|all| all.iter().all(is_loading)) {
            return false;
        }
        let packages = program.modules.iter().zip(0..);
        let packages = packages.filter(|(other, at)| *at != module && is_around(other, &own.path));
        let packages: Vec<ModuleId> = packages.map(|(_, at)| at).collect();
        self.above.push(module);
        let mut all = loads.flat_map(|import| &import.loads).chain(&packages);
        let unnoticed = all.all(|next| self.is_unnoticed(*next));
        self.above.pop();
        if unnoticed {
            self.known.push(module);
        }
        unnoticed
    }
}

/// Whether a file is that of a package around another one, which is loaded already.
fn is_around(module: &ProgramModule, path: &RepoPath) -> bool {
    let folder = module.path.parent();
    module.path.stem() == b"__init__" && folder.is_some_and(|folder| path.is_under(&folder))
}
