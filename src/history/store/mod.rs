//! The database: every statement of the history is in this folder.

mod ask;
mod chunks;
mod details;
mod migrate;
mod names;
mod parts;
mod sqlite;
mod stats;
mod stays;
mod upkeep;

pub(super) use chunks::ChunkRow;
pub(super) use details::{DetailRow, TextRef};
pub(super) use parts::{PartRow, Totals};
pub(super) use sqlite::Store;
