//! The ranked table as comma-separated values: every test that failed, one a line.

use std::io;

use super::{View, table};

/// Writes the table. Shares are 0 to 1, moments in UTC, unknown is empty.
///
/// # Errors
/// The writer's.
pub fn write(view: &View, to: impl io::Write) -> io::Result<()> {
    let mut csv = ::csv::Writer::from_writer(to);
    csv.write_record([
        "test",
        "variant",
        "file",
        "owners",
        "called",
        "cost_minutes",
        "ran",
        "failed",
        "without_cause",
        "people",
        "rerun_seconds",
        "flaked",
        "flaky_now",
        "rate",
        "rate_low",
        "rate_high",
        "broken_now",
        "broken_branch",
        "broken_after",
        "broken_by",
        "kinds",
    ])?;
    for row in &view.rows {
        let broken = row.broken.as_ref();
        let commit = |place: Option<&super::Place>| {
            place
                .and_then(|place| place.commit.clone())
                .unwrap_or_default()
        };
        csv.write_record([
            row.test.to_string(),
            row.variant.to_string(),
            row.file.clone().unwrap_or_default(),
            row.owners.join(" "),
            row.called().word().to_owned(),
            number(row.cost()),
            row.ran.to_string(),
            row.failed.to_string(),
            number(row.without_cause),
            row.people.to_string(),
            row.rerun
                .map(|rerun| number(rerun.get()))
                .unwrap_or_default(),
            number(row.flaked.get()),
            number(row.flaky.get()),
            number(row.rate.mean.get()),
            number(row.rate.low.get()),
            number(row.rate.high.get()),
            broken
                .map(|broken| number(broken.now.get()))
                .unwrap_or_default(),
            broken
                .and_then(|broken| broken.branch.clone())
                .unwrap_or_default(),
            commit(broken.and_then(|broken| broken.after.as_ref())),
            commit(broken.and_then(|broken| broken.by.as_ref())),
            match table::kinds(row) {
                kinds if kinds == "-" => String::new(),
                kinds => kinds,
            },
        ])?;
    }
    csv.flush()
}

/// Six decimals, without the zeros at the end.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn every_row_is_a_line_with_all_columns() {
        let mut out = Vec::new();
        write(&testing::view(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
