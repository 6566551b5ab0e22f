//! trx2junit: a suite per class with `package="not available"`. Rows of data share a name; `status` repeats what the children say.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `trx2junit`.
pub(super) struct Trx2Junit;

impl Dialect for Trx2Junit {
    fn name(&self) -> &'static str {
        "trx2junit"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.suites
            .iter()
            .any(|suite| suite.package == "not available")
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }
}
