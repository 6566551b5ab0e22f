//! LuaUnit's `--output junit`: one suite named `LuaUnit`; class and method. Names are not escaped, so quotes and brackets in them
//! break the XML; times of day are local and name no zone.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `luaunit`.
pub(super) struct LuaUnit;

impl Dialect for LuaUnit {
    fn name(&self) -> &'static str {
        "luaunit"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.suites
            .iter()
            .any(|suite| suite.name.starts_with("LuaUnit"))
    }

    fn repeats(&self) -> Repeats {
        Repeats::Rows
    }

    fn in_order(&self) -> bool {
        true
    }
}
