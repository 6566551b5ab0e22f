//! The report in Prometheus' text format, for a file that node_exporter's textfile collector reads.
//!
//! Tests are labels, at most [`MOST`] of them, the costliest: a series a test would be too many for most servers.

use std::fmt::Write;

use super::nightly::Nightly;

/// So many tests become series of their own.
pub const MOST: usize = 100;

/// Writes every metric with its help.
pub fn text(report: &Nightly) -> String {
    let (without_cause, cost, reruns) = report.costs();
    let mut common = Vec::new();
    for (name, value) in [("project", &report.project), ("branch", &report.branch)] {
        if let Some(value) = value {
            common.push((name, value.clone()));
        }
    }
    let mut out = String::new();
    let of_project = [
        (
            "tia_runs",
            "Parts of runs that were looked at.",
            report.flaky.parts as f64,
        ),
        (
            "tia_tests",
            "Tests that ran, variants counted.",
            report.flaky.tests as f64,
        ),
        (
            "tia_failing_tests",
            "Tests that failed at least once.",
            report.flaky.failing as f64,
        ),
        (
            "tia_flaky_tests",
            "Tests that are called flaky.",
            report.called_flaky().count() as f64,
        ),
        (
            "tia_broken_tests",
            "Tests that are broken now.",
            report.changed.broken.len() as f64,
        ),
        (
            "tia_new_flaky_tests",
            "Tests called flaky that were not a day before.",
            report.changed.new.len() as f64,
        ),
        (
            "tia_quarantined_tests",
            "Tests in quarantine.",
            report.quarantined as f64,
        ),
        (
            "tia_review_tests",
            "Quarantined tests that somebody should look at.",
            report.review.len() as f64,
        ),
        (
            "tia_outages",
            "Parts of runs that were hit by an outage.",
            report.flaky.outages as f64,
        ),
        (
            "tia_alarms",
            "Reports that did not come, or came with fewer tests.",
            report.alarms.len() as f64,
        ),
        (
            "tia_failures_without_cause",
            "Expected failures without cause.",
            without_cause,
        ),
        (
            "tia_cost_person_minutes",
            "Failures without cause times people blocked times minutes of a rerun.",
            cost,
        ),
        (
            "tia_rerun_minutes",
            "Minutes of reruns that failures without cause took.",
            reruns,
        ),
        (
            "tia_newest_run_timestamp_seconds",
            "When the newest run began.",
            report.now.0 as f64 / 1000.0,
        ),
    ];
    for (name, help, value) in of_project {
        metric(&mut out, name, help);
        sample(&mut out, name, &common, value);
    }
    if let Some(brier) = report.backtest.as_ref().and_then(|test| test.brier) {
        let name = "tia_brier_score";
        metric(
            &mut out,
            name,
            "Brier score of the model on this past; lower is better.",
        );
        sample(&mut out, name, &common, brier);
    }
    let rows: Vec<_> = report.flaky.rows.iter().take(MOST).collect();
    type Of = fn(&super::flaky::Row) -> f64;
    let of_test: [(&str, &str, Of); 4] = [
        (
            "tia_test_flaked",
            "How sure it is that the test failed without cause.",
            |row| row.flaked.get(),
        ),
        (
            "tia_test_rate",
            "Rate at which the test fails without cause.",
            |row| row.rate.mean.get(),
        ),
        (
            "tia_test_cost_person_minutes",
            "What the test costs.",
            super::flaky::Row::cost,
        ),
        (
            "tia_test_broken",
            "How likely the test is broken now.",
            |row| row.broken.as_ref().map_or(0.0, |broken| broken.now.get()),
        ),
    ];
    for (name, help, value) in of_test {
        if rows.is_empty() {
            continue;
        }
        metric(&mut out, name, help);
        for row in &rows {
            let mut labels = common.clone();
            labels.push(("test", row.test.to_string()));
            if !row.variant.is_empty() {
                labels.push(("variant", row.variant.to_string()));
            }
            sample(&mut out, name, &labels, value(row));
        }
    }
    out
}

fn metric(out: &mut String, name: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
}

fn sample(out: &mut String, name: &str, labels: &[(&str, String)], value: f64) {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    let labels = match labels.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", labels.join(",")),
    };
    let _ = writeln!(out, "{name}{labels} {value}");
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::nightly::testing;
    use super::*;

    #[test]
    fn every_metric_has_its_help() {
        insta::assert_snapshot!(text(&testing::nightly()));
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
