//! What the history says of every test.

use super::{AppError, Past, PastQuery};
use crate::flaky::association::Finding;
use crate::flaky::{self, Assessment, Assessor};
use crate::model::{PastPart, Series, TestId, Variant};

/// A stretch of the past, and what it says of every test.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The parts, oldest first.
    pub parts: Vec<PastPart>,
    /// What the numbers of series stand for.
    pub tests: Vec<(TestId, Variant)>,
    /// The series of tests with at least one bad attempt, with their numbers, in rising order.
    pub failing: Vec<(u32, Series)>,
    /// The state of each test and the cause of each failure; in the order of `parts` and `tests`.
    pub assessment: Assessment,
    /// What failures go along with, strongest first.
    pub findings: Vec<Finding>,
}

impl Past {
    /// Assesses all tests of the parts that a query asks for.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn assess(&self, query: &PastQuery) -> Result<Judged, AppError> {
        let parts = self.parts(query)?;
        let mut tests = Vec::new();
        let mut failing = Vec::new();
        let past = flaky::Past {
            parts: &parts,
            ..flaky::Past::default()
        };
        let mut assessor = Assessor::new(past);
        self.series(&parts, &mut |series| {
            let number = tests.len() as u32;
            tests.push((series.test.clone(), series.variant.clone()));
            if series.seen.iter().any(|seen| seen.bad_attempts > 0) {
                failing.push((number, series.clone()));
            }
            assessor.add(series);
        })?;
        let assessment = assessor.finish();
        Ok(Judged {
            parts,
            tests,
            failing,
            assessment,
            findings: Vec::new(),
        })
    }
}
