//! Profiles of Go (`go test -coverprofile`): after `mode:`, a line a block, `file:line.column,line.column statements count`.
//! They have no names of tests.
//!
//! Format: <https://pkg.go.dev/golang.org/x/tools/cover>.

use bstr::ByteSlice;

use super::one::Ran;
use super::{CoverageError, CoverageFormat};
use crate::model::Measured;

pub(super) struct GoCover;

impl CoverageFormat for GoCover {
    fn name(&self) -> &'static str {
        "go_cover"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"mode: ")
    }

    fn untold(&self) -> CoverageError {
        CoverageError::Summed("a profile of Go")
    }

    fn read(&self, bytes: &[u8]) -> Result<Measured, CoverageError> {
        let mut ran = Ran::default();
        for (at, line) in bytes.lines().enumerate().skip(1) {
            let line = line.trim();
            if line.is_empty() || line.starts_with(b"mode: ") {
                continue;
            }
            block(line, &mut ran).ok_or(CoverageError::Line(at + 1))?;
        }
        Ok(ran.measured())
    }
}

fn block(line: &[u8], ran: &mut Ran) -> Option<()> {
    let (file, rest) = line.to_str().ok()?.rsplit_once(':')?;
    let mut parts = rest.split(' ');
    let (from, to) = parts.next()?.split_once(',')?;
    let line = |place: &str| place.split_once('.')?.0.parse::<u32>().ok();
    let (from, to) = (line(from)?, line(to)?);
    let _statements: u64 = parts.next()?.parse().ok()?;
    let count: u64 = parts.next()?.parse().ok()?;
    ran.of(file);
    (count == 0 || ran.lines(file, from, to)).then_some(())
}
