//! Edges that somebody else computed or wrote. So far: rules of people, and those shipped with `tia`.

pub mod rules;

pub use rules::{Affects, Rule, RuleError, Rules};
