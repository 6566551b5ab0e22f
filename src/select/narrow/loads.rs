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
                let mut above = vec![importer as ModuleId];
                import.loads.is_empty()
                    || !import
                        .loads
                        .iter()
                        .all(|module| is_unnoticed(program, *module, path, &mut above))
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

/// Whether nobody notices when a file is loaded, on behalf of another one. `above` are those that load it.
fn is_unnoticed(
    program: &Program,
    module: ModuleId,
    by: &RepoPath,
    above: &mut Vec<ModuleId>,
) -> bool {
    let own = &program.modules[module as usize];
    if is_around(own, by) {
        return true;
    }
    if above.contains(&module) || !own.quiet || own.opaque.is_some() {
        return false;
    }
    let around = program.modules.iter().zip(0..).filter(|(other, _)| {
        let folder = other.path.parent();
        other.path.stem() == b"__init__"
            && folder.is_some_and(|folder| own.path.is_under(&folder) && !by.is_under(&folder))
    });
    let around: Vec<ModuleId> = around
        .map(|(_, at)| at)
        .filter(|at| *at != module)
        .collect();
    above.push(module);
    let loads = own.imports.iter().filter(|import| import.ours);
    // what a package that is still being loaded has by a name, it may not have yet
    let mut asks = loads.clone().map(|import| &import.loads);
    if asks.any(|all| {
        all.iter()
            .all(|at| is_around(&program.modules[*at as usize], by))
    }) {
        return false;
    }
    let all = loads.flat_map(|import| &import.loads).chain(&around);
    let unnoticed = all
        .into_iter()
        .all(|next| is_unnoticed(program, *next, by, above));
    above.pop();
    unnoticed
}

/// Whether a file is that of a package around another one, which is loaded already.
fn is_around(module: &ProgramModule, path: &RepoPath) -> bool {
    let folder = module.path.parent();
    module.path.stem() == b"__init__" && folder.is_some_and(|folder| path.is_under(&folder))
}
