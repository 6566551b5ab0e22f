//! What integration tests share: repositories, the command, its output, and the files of conformance cases.

pub(crate) mod cases;
pub(crate) mod cmd;
pub(crate) mod judge;
pub(crate) mod output;
pub(crate) mod repo;
pub(crate) mod text;
