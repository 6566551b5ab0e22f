//! Values → text. Nothing here decides anything.

pub mod export;
pub mod flaky;
pub mod github;
pub mod history;
pub mod json;
pub mod junit;
pub mod moment;
pub mod text;
