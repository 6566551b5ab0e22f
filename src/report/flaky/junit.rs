//! The ranked table as JUnit: every CI shows it where it shows tests.
//!
//! A test that is called flaky or broken fails, with what is known of it as its message; the others pass.

use std::fmt::Write as _;
use std::io;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Called, Row, View, percent, sure};

/// Writes the table as one report.
///
/// # Errors
/// The writer's.
pub fn write(view: &View, to: impl io::Write) -> io::Result<()> {
    let mut report = Report::new("tia flaky");
    report.add_test_suite(suite(view));
    report.serialize(to).map_err(io::Error::other)
}

/// The suite of all rows.
pub(crate) fn suite(view: &View) -> TestSuite {
    let mut suite = TestSuite::new("flaky tests");
    for row in &view.rows {
        let mut status = match row.called() {
            Called::Perhaps | Called::Neither => TestCaseStatus::success(),
            _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        status.set_message(message(row));
        status.set_type(row.called().word());
        let mut name = row.test.name().to_owned();
        if !row.test.params().is_empty() {
            let _ = write!(name, "[{}]", row.test.params());
        }
        if !row.variant.is_empty() {
            let _ = write!(name, " ({})", row.variant);
        }
        let mut case = TestCase::new(name, status);
        if !row.test.class().is_empty() {
            case.set_classname(row.test.class());
        }
        suite.add_test_case(case);
    }
    suite
}

/// What is known of a row, in a sentence or several.
pub fn message(row: &Row) -> String {
    let mut text = format!(
        "failed in {} of {} results; {} sure that some had no cause; rate {} ({} to {})",
        row.failed,
        row.ran,
        sure(row.flaked),
        percent(row.rate.mean.get()),
        percent(row.rate.low.get()),
        percent(row.rate.high.get())
    );
    if let Some(broken) = &row.broken {
        let _ = write!(
            text,
            "; {} sure that it is broken: {}",
            sure(broken.now),
            broken.since()
        );
    }
    for finding in &row.findings {
        let _ = write!(
            text,
            "; {}: {}",
            super::kind(finding.kind),
            finding.sentence
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn what_is_called_flaky_or_broken_fails() {
        let mut view = testing::view();
        view.rows[2].flaked = testing::p(0.1);
        let mut out = Vec::new();
        write(&view, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
