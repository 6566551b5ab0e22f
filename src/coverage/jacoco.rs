//! JaCoCo XML: `sourcefile` in a `package` names a file, `line` a line with the instructions that ran. It has no names of
//! tests.
//!
//! Format: <https://www.jacoco.org/jacoco/trunk/coverage/report.dtd>.

use bstr::ByteSlice;

use super::one::Ran;
use super::{CoverageError, CoverageFormat, xml};
use crate::model::Measured;

pub(super) struct Jacoco;

impl CoverageFormat for Jacoco {
    fn name(&self) -> &'static str {
        "jacoco"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.find(b"<report").is_some()
    }

    fn untold(&self) -> CoverageError {
        CoverageError::Summed("JaCoCo XML")
    }

    fn read(&self, bytes: &[u8]) -> Result<Measured, CoverageError> {
        let mut ran = Ran::default();
        let (mut package, mut file) = (String::new(), None::<String>);
        xml::each(
            bytes,
            |element| {
                match element.name() {
                    "package" => package = element.text("name")?,
                    "sourcefile" => {
                        let name = element.text("name")?;
                        let name = match package.is_empty() {
                            true => name,
                            false => format!("{package}/{name}"),
                        };
                        ran.of(&name);
                        file = Some(name);
                    }
                    "line" => {
                        let (line, covered) = (element.number("nr")?, element.number::<i64>("ci")?);
                        if covered > 0 && !ran.lines(file.as_deref()?, line, line) {
                            return None;
                        }
                    }
                    _ => {}
                }
                Some(())
            },
            |_| (),
        )?;
        Ok(ran.measured())
    }
}
