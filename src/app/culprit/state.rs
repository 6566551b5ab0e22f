//! What a search remembers between two starts: one file, written anew after each result.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::CulpritError;
use crate::model::Fingerprint;

/// The format of the file.
const VERSION: u32 = 1;

/// The runs of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Remembered {
    version: u32,
    /// The test.
    pub(super) test: String,
    /// The commit before the first suspect.
    pub(super) good: String,
    /// The last suspect.
    pub(super) bad: String,
    /// The command, word by word.
    pub(super) command: Vec<String>,
    /// In the order in which they ended.
    #[serde(default)]
    pub(super) runs: Vec<Ran>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ran {
    pub(super) commit: String,
    pub(super) result: RanResult,
    pub(super) seconds: f64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RanResult {
    Passed,
    Failed,
    Untestable,
}

/// What became of an earlier search.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Earlier {
    /// There was none.
    None,
    /// It goes on.
    Resumed,
    /// It does not fit, for this reason.
    Outdated(&'static str),
}

impl Remembered {
    pub(super) fn new(test: &str, good: String, bad: String, command: &[String]) -> Self {
        Self {
            version: VERSION,
            test: test.to_owned(),
            good,
            bad,
            command: command.to_vec(),
            runs: Vec::new(),
        }
    }

    /// Takes over the runs of the search of the same test that `path` holds, if range and command are the same.
    pub(super) fn resume(&mut self, path: &Path) -> Earlier {
        let Ok(text) = fs::read_to_string(path) else {
            return Earlier::None;
        };
        let Ok(earlier) = toml::from_str::<Self>(&text) else {
            return Earlier::Outdated("its file cannot be read");
        };
        if earlier.version != self.version {
            return Earlier::Outdated("another version of tia made it");
        }
        if earlier.test != self.test {
            return Earlier::Outdated("it was about another test");
        }
        if (&earlier.good, &earlier.bad) != (&self.good, &self.bad) {
            return Earlier::Outdated("its range was another one");
        }
        if earlier.command != self.command {
            return Earlier::Outdated("its command was another one");
        }
        if earlier.runs.is_empty() {
            return Earlier::None;
        }
        self.runs = earlier.runs;
        Earlier::Resumed
    }

    /// Writes the file whole or not at all.
    pub(super) fn save(&self, path: &Path) -> Result<(), CulpritError> {
        let failed = |source| CulpritError::Write {
            path: path.to_path_buf(),
            source,
        };
        let text = toml::to_string(self).map_err(|error| failed(std::io::Error::other(error)))?;
        let new = path.with_extension("new");
        fs::write(&new, text).map_err(failed)?;
        fs::rename(&new, path).map_err(failed)
    }
}

/// Where the search for a test keeps what it has, below the state directory.
pub(super) fn place(state: &Path, test: &str) -> PathBuf {
    let print = Fingerprint::of(test.as_bytes()).0;
    state.join("culprit").join(format!("{:016x}", print as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(good: &str, command: &str) -> Remembered {
        let command = [command.to_owned(), "{}".to_owned()];
        Remembered::new("a::b \"x\"", good.into(), "bad".into(), &command)
    }

    #[test]
    fn a_search_goes_on_only_where_it_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.toml");
        assert_eq!(new("g", "run").resume(&path), Earlier::None);
        let mut first = new("g", "run");
        first.save(&path).unwrap();
        assert_eq!(new("g", "run").resume(&path), Earlier::None);
        first.runs.push(Ran {
            commit: "c".into(),
            result: RanResult::Untestable,
            seconds: 0.5,
        });
        first.save(&path).unwrap();
        let mut again = new("g", "run");
        assert_eq!(again.resume(&path), Earlier::Resumed);
        assert_eq!(again, first);
        let outdated = |mut other: Remembered| match other.resume(&path) {
            Earlier::Outdated(why) => {
                assert!(other.runs.is_empty());
                why
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(outdated(new("h", "run")), "its range was another one");
        assert_eq!(outdated(new("g", "walk")), "its command was another one");
        fs::write(&path, "version = 1\n[[").unwrap();
        assert_eq!(outdated(new("g", "run")), "its file cannot be read");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
