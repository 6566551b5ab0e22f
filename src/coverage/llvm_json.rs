//! LLVM's JSON (`llvm-cov export`): for each file segments, each of which ends where the next begins. It has no names of
//! tests.
//!
//! Format: `tools/llvm-cov/CoverageExporterJson.cpp` of LLVM: `[line, column, count, has count, is entry, is gap]`.

use bstr::ByteSlice;
use serde::Deserialize;
use serde_json::Value;

use super::one::Ran;
use super::{CoverageError, CoverageFormat};
use crate::model::Measured;

pub(super) struct LlvmJson;

#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    #[serde(default)]
    segments: Vec<Vec<Value>>,
}

impl CoverageFormat for LlvmJson {
    fn name(&self) -> &'static str {
        "llvm_json"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // the type stands at the end; what stands at the beginning is LLVM's alone
        head.trim_start().starts_with(b"{\"data\":[{\"files\":[{")
            || head.find(b"\"llvm.coverage.json.export\"").is_some()
    }

    fn untold(&self) -> CoverageError {
        CoverageError::Summed("LLVM's JSON")
    }

    fn read(&self, bytes: &[u8]) -> Result<Measured, CoverageError> {
        let export: Export = serde_json::from_slice(bytes).map_err(CoverageError::Json)?;
        let mut ran = Ran::default();
        for file in export.data.iter().flat_map(|data| &data.files) {
            segments(file, &mut ran)
                .ok_or_else(|| CoverageError::Segments(file.filename.clone()))?;
        }
        Ok(ran.measured())
    }
}

fn segments(file: &File, ran: &mut Ran) -> Option<()> {
    ran.of(&file.filename);
    let line = |segment: &[Value]| u32::try_from(segment.first()?.as_u64()?).ok();
    for pair in file.segments.windows(2) {
        let [from, to] = pair else { continue };
        let is = |at: usize| from.get(at).and_then(Value::as_bool).unwrap_or(false);
        let count = from.get(2)?.as_u64()?;
        let column = to.get(1)?.as_u64()?;
        let (first, end) = (line(from)?, line(to)?);
        // what ends in the first column ends with the line before
        let last = if column <= 1 && end > first {
            end - 1
        } else {
            end
        };
        let can_be = match (is(3) && !is(5), count) {
            (false, _) => true,
            (true, 0) => ran.idle(&file.filename, first, last),
            (true, _) => ran.lines(&file.filename, first, last),
        };
        if !can_be {
            return None;
        }
    }
    Some(())
}
