//! Configuration: what the user, the project and the machine around them say, as plain values.
//!
//! Everything here is a pure function of what it is given; reading the environment and files is left to the caller.

pub mod ci;
mod coverage;
mod file;
mod owners;
mod quarantine;

pub use coverage::CoverageFile;
pub use file::{Config, ConfigError, FILE_NAME, TEMPLATE};
pub use owners::{Owners, PLACES as OWNER_FILES};
pub use quarantine::{QUARANTINE_FILE, Quarantine, QuarantineError};
