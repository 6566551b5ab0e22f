//! `tia` runs only the tests a change can break.
//!
//! One selection is a pipeline of values: [`repo`] gives two snapshots and the change between them; [`lang`] turns
//! blobs into facts and facts into edges; [`graph`] holds them and walks backwards; [`select`] returns a selection
//! with a reason for every test and a fallback for every path that nobody understood; [`report`] turns it into text.
//! [`app`] joins these into use cases, [`cli`] is the terminal in front of them.

pub mod app;
pub mod cli;
pub mod config;
pub mod edges;
pub mod graph;
pub mod lang;
pub mod model;
pub mod repo;
pub mod report;
pub mod select;
