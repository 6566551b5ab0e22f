//! Values → text. Nothing here decides anything.

pub mod chart;
mod covered;
pub mod culprit;
pub mod export;
pub mod flaky;
pub mod github;
pub mod history;
pub mod html;
pub mod influx;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod moment;
pub mod nightly;
pub mod prometheus;
pub mod revert;
pub mod text;
pub mod triage;

pub use covered::Covered;
