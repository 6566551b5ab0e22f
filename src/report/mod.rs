//! Values → text. Nothing here decides anything.

pub mod github;
pub mod json;
pub mod text;
