//! Identities: of contents, of trees, of tests.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::RepoPath;

/// The id of a git object: 20 bytes of SHA-1 (git's own hash of type, length and contents).
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub struct ObjectId(pub [u8; 20]);

/// The contents of one file.
pub type BlobId = ObjectId;

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A 128-bit hash of what something *means* to its users (XXH3-128). Equal prints mean "nothing changed".
///
/// Not cryptographic: it guards against accidents, not against an attacker who may write the sources anyway.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    /// The print of a byte string.
    pub fn of(bytes: &[u8]) -> Self {
        Self(xxhash_rust::xxh3::xxh3_128(bytes))
    }
}

/// Builds a [`Fingerprint`] piece by piece; piece boundaries count, so `ab|c` differs from `a|bc`.
#[derive(Clone, Default)]
pub struct Printer(Box<xxhash_rust::xxh3::Xxh3>);

impl Printer {
    /// A print of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one piece.
    pub fn piece(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    /// Adds bytes without a boundary: prints of one stream are equal however it was cut.
    pub fn stream(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The print of all pieces so far.
    pub fn finish(&self) -> Fingerprint {
        Fingerprint(self.0.digest128())
    }
}

/// What a runner can be asked to run as one piece.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum Suite {
    /// A file that pytest or unittest collects.
    Python {
        /// The file.
        file: RepoPath,
    },
    /// A test executable of Cargo, or the doctests of a library.
    Cargo {
        /// The package's name.
        package: String,
        /// Which of the package's test executables.
        target: CargoTest,
    },
}

/// The kinds of test executable that `cargo test` makes of a package.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub enum CargoTest {
    /// Unit tests of the library (proc-macro libraries included).
    Lib,
    /// Unit tests of a binary.
    Bin(String),
    /// An integration test.
    Test(String),
    /// An example that is built with the tests.
    Example(String),
    /// A benchmark, which `cargo test` runs once.
    Bench(String),
    /// Doctests of the library.
    Doc,
}

impl Suite {
    /// The suite that a file of Python is.
    pub fn python(file: &RepoPath) -> Self {
        Self::Python { file: file.clone() }
    }

    /// The file that the suite is, where it is one.
    pub fn file(&self) -> Option<&RepoPath> {
        match self {
            Self::Python { file } => Some(file),
            Self::Cargo { .. } => None,
        }
    }
}

impl fmt::Display for Suite {
    /// Python: the file. Cargo: nextest's binary id, or `PACKAGE::doc` for doctests, which nextest does not run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python { file } => write!(f, "{file}"),
            Self::Cargo { package, target } => match target {
                CargoTest::Lib => write!(f, "{package}"),
                CargoTest::Bin(name) => write!(f, "{package}::bin/{name}"),
                CargoTest::Test(name) => write!(f, "{package}::{name}"),
                CargoTest::Example(name) => write!(f, "{package}::example/{name}"),
                CargoTest::Bench(name) => write!(f, "{package}::bench/{name}"),
                CargoTest::Doc => write!(f, "{package}::doc"),
            },
        }
    }
}
