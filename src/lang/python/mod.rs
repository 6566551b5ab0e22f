//! Python: imports, conftest scope, pytest and unittest names.
//!
//! What it cannot see stands at the top of each file. In one list: code assembled at run time from pieces none of which
//! is a name, search paths that come from outside the tree, and files that no literal names.

mod binding;
mod calls;
#[cfg(test)]
mod check;
mod collect;
mod decode;
mod distributions;
mod externals;
mod facts;
mod fold;
mod formats;
mod given;
mod glob;
mod ini;
mod join;
mod lines;
mod links;
mod lock;
mod metadata;
mod modules;
mod named;
pub mod parameters;
mod patterns;
mod project;
mod reader;
mod requirements;
mod resolve;
mod roots;
mod scopes;
mod source;
mod spelling;
mod stdlib;
mod strings;
mod suites;
mod symbols;
mod text;
mod tokens;

pub(super) use join::join;
pub use project::{ProjectFile, Pytest};
pub use requirements::Pin;
pub use source::{By, Class, Computed, Definition, Import, SearchPath, Source};
pub use symbols::{Defaulted, Symbols, defaulted, felt, occurrences};

use super::{Detail, Facts, FileFacts, Kind, Lang, Spread, UnitChange};
use crate::model::{EdgeSink, Fingerprint, Program, RepoPath, Snapshot};

const SOURCE: Kind = "python";
/// Sources with their definitions.
const DEFINITIONS: Kind = "python definitions";
const PYPROJECT: Kind = "python-pyproject";
const METADATA: Kind = "python-metadata";
const NAMED: Kind = "python-named";
const SETUP_CFG: Kind = "python-setup-cfg";
const PYTEST_INI: Kind = "python-pytest-ini";
const TOX_INI: Kind = "python-tox-ini";
const REQUIREMENTS: Kind = "python-requirements";
const TOML_LOCK: Kind = "python-lock";
const PIPFILE: Kind = "python-pipfile";
const PIPFILE_LOCK: Kind = "python-pipfile-lock";

/// Python with pytest and unittest.
pub struct Python;

impl Lang for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn version(&self) -> u32 {
        1
    }

    fn claims(&self, path: &RepoPath) -> Option<Kind> {
        let name = path.file_name();
        if matches!(path.extension(), b"py" | b"pyi" | b"pyw") {
            return Some(SOURCE);
        }
        match name {
            b"pyproject.toml" => Some(PYPROJECT),
            b"setup.cfg" => Some(SETUP_CFG),
            b"pytest.ini" | b".pytest.ini" => Some(PYTEST_INI),
            b"tox.ini" => Some(TOX_INI),
            b"uv.lock" | b"poetry.lock" | b"pdm.lock" | b"pylock.toml" => Some(TOML_LOCK),
            b"Pipfile" => Some(PIPFILE),
            b"Pipfile.lock" => Some(PIPFILE_LOCK),
            _ if metadata::is_metadata(path) => Some(METADATA),
            _ => is_requirements(path).then_some(REQUIREMENTS),
        }
    }

    fn names_code(&self, path: &RepoPath) -> Option<Kind> {
        let data = matches!(
            path.extension(),
            b"cfg"
                | b"conf"
                | b"env"
                | b"in"
                | b"ini"
                | b"json"
                | b"properties"
                | b"toml"
                | b"txt"
                | b"xml"
                | b"yaml"
                | b"yml"
        );
        data.then_some(NAMED)
    }

    fn closer(&self, kind: Kind) -> Kind {
        if kind == SOURCE { DEFINITIONS } else { kind }
    }

    fn facts(&self, kind: Kind, blob: &[u8]) -> Facts {
        if kind == SOURCE || kind == DEFINITIONS {
            return facts::source(blob, kind == DEFINITIONS);
        }
        if kind == NAMED {
            return Facts {
                detail: Detail::Named(named::names(blob)),
                ..Facts::default()
            };
        }
        let text = String::from_utf8_lossy(blob);
        if kind == METADATA {
            let code = Fingerprint::of(blob);
            return Facts {
                code,
                layout: code,
                detail: Detail::PythonMetadata(metadata::names_plugins(&text)),
                ..Facts::default()
            };
        }
        let (found, code) = match kind {
            PYPROJECT => project::pyproject(&text),
            REQUIREMENTS => requirements::file(&text),
            TOML_LOCK => lock::toml_lock(&text),
            PIPFILE => lock::pipfile(&text),
            PIPFILE_LOCK => lock::pipfile_lock(&text),
            _ => ini::read(kind, &text),
        };
        let trouble = found.broken.then(|| {
            let told = "cannot be read: any change to it may change everything in its project";
            (1, told.to_owned())
        });
        Facts {
            code,
            layout: code,
            shapes_project: true,
            trouble: trouble.into_iter().collect(),
            detail: Detail::PythonProject(Box::new(found)),
            ..Facts::default()
        }
    }

    fn resolve(&self, files: &[FileFacts<'_>], tree: &Snapshot, out: &mut EdgeSink) {
        resolve::resolve(files, tree, out);
    }

    fn units(&self, before: &Facts, after: &Facts) -> UnitChange {
        match (&before.detail, &after.detail) {
            (Detail::Python(before), Detail::Python(after)) => {
                let found_by = |source: &Source| (source.hidden_tests.is_some(), source.doctests);
                if found_by(before) != found_by(after) {
                    return UnitChange::Whole("its tests are found in other ways".to_owned());
                }
                match (&before.symbols, &after.symbols) {
                    (Some(before), Some(after)) => symbols::diff(before, after),
                    _ => UnitChange::Whole("it could not be read in full".to_owned()),
                }
            }
            _ => UnitChange::Whole("it configures its project".to_owned()),
        }
    }

    fn program(
        &self,
        files: &[FileFacts<'_>],
        tree: &Snapshot,
        wanted: &dyn Fn(&RepoPath) -> bool,
        spread: &Spread<'_>,
    ) -> Program {
        symbols::program(files, tree, wanted, spread)
    }
}

/// `requirements*.txt`, `constraints*.txt`, their `.in` sources, and everything like them in a folder of requirements.
fn is_requirements(path: &RepoPath) -> bool {
    if !matches!(path.extension(), b"txt" | b"in") {
        return false;
    }
    let stem = path.stem();
    let named = |part: &[u8]| {
        stem.windows(part.len())
            .any(|w| w.eq_ignore_ascii_case(part))
    };
    let folder = path
        .parent()
        .map(|dir| dir.file_name().to_vec())
        .unwrap_or_default();
    named(b"requirements")
        || stem.starts_with(b"constraints")
        || folder == b"requirements"
        || folder == b"reqs"
}
