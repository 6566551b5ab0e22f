//! Reports of producers that nobody recognised, or that do as most do: class and name. What repeats mean is decided by content.

use super::Dialect;
use crate::junit::raw::Head;

/// `generic`.
pub(super) struct Generic;

impl Dialect for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn recognises(&self, _head: &Head<'_>) -> bool {
        true
    }
}
