//! JunitXml.TestLogger (spekt) and JUnit loggers like it for .NET: a suite per assembly; the method's arguments are in the name.
//!
//! Times have seven decimals, at least 1e-7. All output is at the suite. `errors` is always 0.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `dotnet`.
pub(super) struct DotNet;

impl Dialect for DotNet {
    fn name(&self) -> &'static str {
        "dotnet"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.suite().is_some_and(|suite| {
            suite.begins("name tests skipped failures errors time timestamp hostname id package")
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }
}
