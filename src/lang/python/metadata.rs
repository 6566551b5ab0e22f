//! What a distribution says of itself once it is built or installed (`*.egg-info`, `*.dist-info`), and who reads that.
//!
//! Code reads it through a module made for that. A runner reads the entry points, too: those for itself are plugins.
//!
//! Sources: PEP 376, <https://packaging.python.org/en/latest/specifications/entry-points/>.

use super::source::Import;
use crate::model::RepoPath;

/// Whether a file lies in a folder of metadata.
pub(super) fn is_metadata(path: &RepoPath) -> bool {
    let folder = path.parent().map(|folder| folder.file_name().to_vec());
    folder.is_some_and(|name| name.ends_with(b".egg-info") || name.ends_with(b".dist-info"))
}

/// Whether a text of metadata names plugins of a runner.
pub(super) fn names_plugins(text: &str) -> bool {
    text.contains("pytest11")
}

/// Whether an import, or attributes that are asked of one, leads to what reads metadata.
pub(super) fn reads_metadata(import: &Import) -> bool {
    const READERS: [&str; 6] = [
        "entrypoints",
        "importlib.metadata",
        "importlib_metadata",
        "pkg_resources",
        "pluggy",
        "stevedore",
    ];
    let below = |module: &str, reader: &str| {
        module == reader
            || module
                .strip_prefix(reader)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let named = import.names.iter().any(|name| name == "metadata") || import.star;
    import.level == 0
        && (READERS.iter().any(|reader| below(&import.module, reader))
            || import.module == "importlib" && named)
}
