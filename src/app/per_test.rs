//! Files of coverage that hold one test each, named by a pattern: `DIR/{test}.xml`.

use std::fs;
use std::path::{Path, PathBuf};

/// What stands for the name of a test.
const TEST: &str = "{test}";

/// The directory below which the files of a pattern lie; `None` for a path that is none.
pub(super) fn directory(pattern: &Path) -> Option<PathBuf> {
    let (before, _) = pattern.to_str()?.split_once(TEST)?;
    let dir = before.rsplit_once('/').map_or("", |(dir, _)| dir);
    Some(PathBuf::from(match dir {
        "" if before.starts_with('/') => "/",
        "" => ".",
        dir => dir,
    }))
}

/// The files that answer to a pattern, each with the name of its test, sorted. A path that is no pattern is itself, without a
/// name.
///
/// Cost: listing everything below the pattern's directory.
pub(super) fn files(pattern: &Path) -> Vec<(PathBuf, Option<String>)> {
    let parts = pattern.to_str().and_then(|text| text.split_once(TEST));
    let (Some((before, after)), Some(top)) = (parts, directory(pattern)) else {
        return vec![(pattern.to_path_buf(), None)];
    };
    // what is found is spelled from the directory on
    let from = before.rsplit_once('/').map_or(before, |(_, name)| name);
    let mut found = Vec::new();
    let mut dirs = vec![top.clone()];
    while let Some(dir) = dirs.pop() {
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        for entry in entries {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                dirs.push(path);
                continue;
            }
            let below = path.strip_prefix(&top).ok().and_then(Path::to_str);
            let name = below.and_then(|below| below.strip_prefix(from)?.strip_suffix(after));
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                let name = name.to_owned();
                found.push((path, Some(name)));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_files_with_the_names_of_their_tests() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        fs::create_dir_all(top.join("cov/t-sub")).unwrap();
        for file in [
            "cov/t-a.b.xml",
            "cov/t-sub/c.xml",
            "cov/t-.xml",
            "cov/t-a.info",
            "other.xml",
        ] {
            fs::write(top.join(file), "").unwrap();
        }
        let found = |pattern: &str| -> Vec<String> {
            let found = files(&top.join(pattern)).into_iter();
            found
                .map(|(_, name)| name.unwrap_or_else(|| "itself".to_owned()))
                .collect()
        };
        assert_eq!(found("cov/t-{test}.xml"), ["a.b", "sub/c"]);
        assert_eq!(found("cov/{test}.info"), ["t-a"]);
        assert_eq!(found("gone/{test}.info"), [""; 0]);
        assert_eq!(found("cov/t-a.info"), ["itself"]);
        assert_eq!(directory(Path::new("/{test}.a")), Some("/".into()));
        assert_eq!(directory(Path::new("{test}.a")), Some(".".into()));
        assert_eq!(directory(Path::new("a/b.info")), None);
    }
}
