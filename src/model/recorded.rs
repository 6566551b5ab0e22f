//! What tests were seen to open.

use super::RepoPath;

/// What was seen while one command ran.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recording {
    /// The commit that was checked out, in hexadecimal; none before the first one.
    pub commit: Option<String>,
    /// Who met what. A reader stands here once.
    pub readers: Vec<(Reader, Vec<(Meeting, RepoPath)>)>,
}

/// Somebody who opens files.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Reader {
    /// A test.
    Test {
        /// The suite as it is printed ([`crate::model::Suite`]).
        suite: String,
        /// The test below it; none where the suite ran as one process.
        case: Option<String>,
    },
    /// A source file, while it was loaded into a process of tests.
    File(RepoPath),
}

/// How a reader met a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Meeting {
    /// It loaded a source file into its own process, where the readers of languages see it as well.
    Loads,
    /// It opened or ran the file.
    Reads,
    /// It asked whether something is there: only that the path comes or goes is felt.
    LooksFor,
    /// It listed the directory: only names that come or go are felt.
    Lists,
}

impl Meeting {
    /// In words: "a test … the path".
    pub fn verb(self) -> &'static str {
        match self {
            Self::Loads => "loaded",
            Self::Reads => "opened",
            Self::LooksFor => "looked for",
            Self::Lists => "listed",
        }
    }
}
