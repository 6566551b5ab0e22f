//! Edges that somebody else computed or wrote: rules of people, those shipped with `tia`, and what tests were seen to open.

pub mod recorded;
pub mod rules;
pub mod sessions;
pub mod strace;

pub use rules::{Affects, Rule, RuleError, Rules};

/// The plugin of pytest whose markers [`sessions`] reads, as `tia record` writes it out.
pub const PYTEST_PLUGIN: &str = include_str!("tia_recorder.py");
