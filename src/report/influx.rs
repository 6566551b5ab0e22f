//! The report as InfluxDB line protocol: one point for the project, one a test, one a day.
//!
//! Precision is nanoseconds, as the protocol's default has it. Names of tests are tags; a database that minds many series
//! can drop the measurement `tia_test`.

use std::fmt::Write;

use super::nightly::Nightly;
use crate::model::Timestamp;

/// Writes the points, one a line.
pub fn lines(report: &Nightly) -> String {
    let mut out = String::new();
    let project = tag("project", report.project.as_deref());
    let branch = tag("branch", report.branch.as_deref());
    let common = format!("{project}{branch}");
    let (without_cause, cost, reruns) = report.costs();
    let _ = writeln!(
        out,
        "tia_project{common} tests={}i,failing={}i,flaky={}i,broken={}i,quarantined={}i,outages={}i,runs={}i,\
         without_cause={without_cause},cost_minutes={cost},rerun_minutes={reruns} {}",
        report.flaky.tests,
        report.flaky.failing,
        report.called_flaky().count(),
        report.changed.broken.len(),
        report.quarantined,
        report.flaky.outages,
        report.flaky.parts,
        nanoseconds(report.now)
    );
    for row in &report.flaky.rows {
        let test = tag("test", Some(&row.name()));
        let owner = tag("owner", row.owners.first().map(String::as_str));
        let broken = row.broken.as_ref().map_or(0.0, |broken| broken.now.get());
        let _ = writeln!(
            out,
            "tia_test{common}{test}{owner} ran={}i,failed={}i,without_cause={},cost_minutes={},flaked={},rate={},\
             rate_low={},rate_high={},broken={broken} {}",
            row.ran,
            row.failed,
            row.without_cause,
            row.cost(),
            row.flaked.get(),
            row.rate.mean.get(),
            row.rate.low.get(),
            row.rate.high.get(),
            nanoseconds(report.now)
        );
    }
    for day in &report.days {
        let _ = writeln!(
            out,
            "tia_day{common} runs={}i,red={}i,results={}i,flakes={},regressions={},outages={},rerun_minutes={} {}",
            day.parts,
            day.red,
            day.ran,
            day.flakes,
            day.regressions,
            day.outages,
            day.minutes,
            nanoseconds(day.day)
        );
    }
    out
}

fn nanoseconds(moment: Timestamp) -> i128 {
    i128::from(moment.0) * 1_000_000
}

/// `,key=value` with what has a meaning escaped; nothing for no value. A backslash at the end would escape what follows.
fn tag(key: &str, value: Option<&str>) -> String {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return String::new();
    };
    let mut text = format!(",{key}=");
    for c in value.chars() {
        match c {
            ',' | '=' | ' ' => {
                text.push('\\');
                text.push(c);
            }
            '\\' => text.push('/'),
            c if c.is_control() => text.push('_'),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::nightly::testing;
    use super::*;

    #[test]
    fn every_point_is_a_line() {
        insta::assert_snapshot!(lines(&testing::nightly()));
    }

    #[test]
    fn what_has_a_meaning_is_escaped() {
        assert_eq!(tag("test", Some("a b,c=d\n\\")), ",test=a\\ b\\,c\\=d_/");
        assert_eq!(tag("test", None), "");
    }
}
