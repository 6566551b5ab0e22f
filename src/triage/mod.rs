//! Whose failure is this? Verdicts on the failures of a run, the causes they share, who broke what, and the way back.
//!
//! Everything here is a function of values: nothing is run, read or written.

pub mod cluster;
pub mod episode;
pub mod mask;
mod near;
pub mod revert;
pub mod signature;
