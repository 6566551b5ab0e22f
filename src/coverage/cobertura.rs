//! Cobertura XML: `class` names a file, `line` a line and how often it ran. Written by coverage.py, gcovr, Istanbul and more;
//! it has no names of tests.
//!
//! Format: <https://raw.githubusercontent.com/cobertura/web/master/htdocs/xml/coverage-04.dtd>.

use std::cell::RefCell;

use bstr::ByteSlice;

use super::one::Ran;
use super::{CoverageError, CoverageFormat, xml};
use crate::model::Measured;

pub(super) struct Cobertura;

impl CoverageFormat for Cobertura {
    fn name(&self) -> &'static str {
        "cobertura"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.find(b"<coverage").is_some() && head.find(b"clover=").is_none()
    }

    fn untold(&self) -> CoverageError {
        CoverageError::Summed("Cobertura XML")
    }

    fn read(&self, bytes: &[u8]) -> Result<Measured, CoverageError> {
        let mut ran = Ran::default();
        let (mut file, in_source) = (None::<String>, RefCell::new(false));
        let mut sources: Vec<String> = Vec::new();
        xml::each(
            bytes,
            |element| {
                *in_source.borrow_mut() = element.name() == "source";
                match element.name() {
                    "class" => {
                        let name = element.text("filename")?;
                        ran.of(&name);
                        file = Some(name);
                    }
                    "line" => {
                        let (line, hits) =
                            (element.number("number")?, element.number::<i64>("hits")?);
                        if hits > 0 && !ran.lines(file.as_deref()?, line, line) {
                            return None;
                        }
                    }
                    _ => {}
                }
                Some(())
            },
            |text| {
                if *in_source.borrow() && !text.trim().is_empty() {
                    sources.push(text.trim().to_owned());
                }
            },
        )?;
        let mut measured = ran.measured();
        // names start at the one folder that is named; of several it is not said which
        if let [source] = &sources[..] {
            for file in measured
                .files
                .iter_mut()
                .filter(|file| !file.starts_with('/'))
            {
                *file = format!("{}/{file}", source.trim_end_matches('/'));
            }
        }
        Ok(measured)
    }
}
