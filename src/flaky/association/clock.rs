//! Clock: the hour of the day, midnight, the day of the week, the end of the month.
//!
//! Hours are a circle. Each arc of some hours is compared with the rest of the day by Fisher's exact test (a circular scan
//! statistic, corrected for all arcs); an effect that swells and ebbs over the day shows in the first harmonic (Batschelet 1981): the
//! difference between the mean directions of failing and passing results. An hour counts only if the test failed in
//! it on three different days, a weekday in three weeks, an end of a month in two months: else it was one bad day.
//!
//! Times are UTC: the hour of local midnight shows as another hour, and moves by one with daylight saving time. A part has one time,
//! that of its start.

use std::collections::BTreeSet;

use super::Kind;
use super::exact::{Counts, fisher};
use super::sample::{Candidate, Looked, Sample, compared};
use crate::model::{PastPart, Timestamp};

const HOUR: i64 = 3_600_000;
/// Lengths of arcs that are tried, in hours.
const ARCS: &[u32] = &[1, 2, 4, 8, 12];

/// When a part began.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Moment {
    /// Days since 1970-01-01.
    day: i64,
    /// Of the day, 0 to 23.
    hour: u32,
    /// 0 is Monday.
    weekday: u32,
    /// Months since the year 0.
    month: i64,
    /// First or last two days of a month.
    month_end: bool,
    /// It ran across midnight.
    across: bool,
}

impl Moment {
    fn of(part: &PastPart) -> Self {
        let day = part.start.0.div_euclid(Timestamp::DAY);
        let (month, day_of_month) = civil(day);
        let (next_month, next_day) = civil(day + 2);
        let end = part.duration.map(|duration| part.start.after(duration).0);
        Self {
            day,
            hour: (part.start.0.rem_euclid(Timestamp::DAY) / HOUR) as u32,
            weekday: (day + 3).rem_euclid(7) as u32,
            month: if next_month != month {
                next_month
            } else {
                month
            },
            month_end: day_of_month == 1 || (next_month != month && next_day <= 2),
            across: end.is_some_and(|end| end.div_euclid(Timestamp::DAY) > day),
        }
    }
}

/// Month (counted from the year 0) and day of the month of a day since 1970-01-01 (Hinnant, chrono-compatible low-level date
/// algorithms).
fn civil(day: i64) -> (i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    ((year + era * 400 + later) * 12 + month - 1, day)
}

/// When the parts began.
pub(super) fn moments(parts: &[PastPart]) -> Vec<Moment> {
    parts.iter().map(Moment::of).collect()
}

/// Compares the failures of one test over the clock. Cost: O(rows × arcs).
pub(super) fn look(moments: &[Moment], sample: &Sample<'_>, looked: &mut Looked) {
    let at = |part: u32| moments[part as usize];
    hours(sample, &at, looked);
    let week = |moment: Moment| (moment.day + 3).div_euclid(7);
    let days = [
        "Mondays",
        "Tuesdays",
        "Wednesdays",
        "Thursdays",
        "Fridays",
        "Saturdays",
        "Sundays",
    ];
    let mut tries: Vec<Try> = Vec::new();
    for (number, name) in days.iter().enumerate() {
        tries.push((
            format!("on {name}"),
            Box::new(move |m| m.weekday == number as u32),
        ));
    }
    tries.push(("on weekends".into(), Box::new(|m| m.weekday >= 5)));
    best(sample, &at, "day of week", &tries, (&week, 3), looked);
    let month: Vec<Try> = vec![(
        "around the end of a month".into(),
        Box::new(|m| m.month_end),
    )];
    best(
        sample,
        &at,
        "end of month",
        &month,
        (&|m| m.month, 2),
        looked,
    );
    let midnight: Vec<Try> = vec![(
        "when the run crosses midnight (UTC)".into(),
        Box::new(|m| m.across),
    )];
    best(sample, &at, "midnight", &midnight, (&|m| m.day, 3), looked);
}

fn hours(sample: &Sample<'_>, at: &dyn Fn(u32) -> Moment, looked: &mut Looked) {
    let mut tries: Vec<Try> = Vec::new();
    for length in ARCS {
        for from in 0..24 {
            let name = format!(
                "between {from:02}:00 and {:02}:00 UTC",
                (from + length) % 24
            );
            tries.push((name, Box::new(move |m| (m.hour + 24 - from) % 24 < *length)));
        }
    }
    best(sample, at, "hour of day", &tries, (&|m| m.day, 3), looked);
    let (p, towards) = harmonic(sample, at);
    let half: Vec<bool> = sample
        .rows
        .iter()
        .map(|row| (at(row.part).hour + 24 - towards + 6) % 24 < 12)
        .collect();
    looked.add(p, || {
        let from = (towards + 18) % 24;
        candidate(
            sample,
            "hour of day",
            format!(
                "more often between {from:02}:00 and {:02}:00 UTC",
                (from + 12) % 24
            ),
            half,
            sample
                .rows
                .iter()
                .map(|row| (at(row.part).hour / 3) as u8)
                .collect(),
        )
    });
}

/// The chance of mean directions as different, and the hour that failures point to.
fn harmonic(sample: &Sample<'_>, at: &dyn Fn(u32) -> Moment) -> (f64, u32) {
    let n = sample.rows.len() as f64;
    let fails = f64::from(sample.fails());
    let angle = |hour: u32| (f64::from(hour) + 0.5) / 24.0 * std::f64::consts::TAU;
    let points: Vec<(f64, f64, bool)> = sample
        .rows
        .iter()
        .map(|row| {
            let (sin, cos) = angle(at(row.part).hour).sin_cos();
            (cos, sin, row.failed)
        })
        .collect();
    let mean = |f: &dyn Fn(&(f64, f64, bool)) -> f64| points.iter().map(f).sum::<f64>() / n;
    let (mx, my) = (mean(&|p| p.0), mean(&|p| p.1));
    let (xx, yy) = (mean(&|p| (p.0 - mx).powi(2)), mean(&|p| (p.1 - my).powi(2)));
    let xy = mean(&|p| (p.0 - mx) * (p.1 - my));
    let failed = |f: &dyn Fn(&(f64, f64, bool)) -> f64| {
        points.iter().filter(|p| p.2).map(f).sum::<f64>() / fails
    };
    let (dx, dy) = (failed(&|p| p.0) - mx, failed(&|p| p.1) - my);
    let determinant = xx * yy - xy * xy;
    if determinant < 1e-9 || fails < 1.0 || fails >= n {
        return (1.0, 0);
    }
    // Drawn without replacement, the mean has this share of the variance; the squared distance is χ² with two degrees of
    // freedom.
    let share = (1.0 / fails) * (n - fails) / (n - 1.0);
    let distance = (yy * dx * dx - 2.0 * xy * dx * dy + xx * dy * dy) / determinant / share;
    let hour = dy.atan2(dx).rem_euclid(std::f64::consts::TAU) / std::f64::consts::TAU * 24.0;
    ((-distance / 2.0).exp(), hour as u32 % 24)
}

/// A moment in words, and whether it is one.
type Try = (String, Box<dyn Fn(Moment) -> bool>);

/// Tries several moments for one factor; the strongest counts, corrected for all of them.
fn best(
    sample: &Sample<'_>,
    at: &dyn Fn(u32) -> Moment,
    factor: &str,
    tries: &[Try],
    (period, periods): (&dyn Fn(Moment) -> i64, usize),
    looked: &mut Looked,
) {
    let rows = |holds: &dyn Fn(Moment) -> bool| -> Vec<bool> {
        sample.rows.iter().map(|row| holds(at(row.part))).collect()
    };
    let strength = |holds: &dyn Fn(Moment) -> bool| {
        let counts: Counts = sample.counts(&rows(holds));
        (counts.with() > 0 && counts.without() > 0).then(|| fisher(counts))
    };
    let found = tries
        .iter()
        .filter_map(|one| Some((strength(&*one.1)?, one)))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    let Some((p, (name, holds))) = found else {
        return;
    };
    let with = rows(&**holds);
    let failed_in: BTreeSet<i64> = sample
        .rows
        .iter()
        .filter(|row| row.failed && holds(at(row.part)))
        .map(|row| period(at(row.part)))
        .collect();
    let p = if failed_in.len() >= periods {
        (p * tries.len() as f64).min(1.0)
    } else {
        1.0
    };
    looked.add(p, || {
        let bins = with.iter().map(|with| u8::from(*with)).collect();
        candidate(sample, factor, name.clone(), with, bins)
    });
}

fn candidate(
    sample: &Sample<'_>,
    factor: &str,
    when: String,
    with: Vec<bool>,
    bins: Vec<u8>,
) -> Candidate {
    Candidate {
        series: sample.series,
        kind: Kind::Clock,
        factor: factor.to_owned(),
        p: 1.0,
        effect: false,
        sentence: format!(
            "fails {when} {}",
            compared(sample.counts(&with), "at other times")
        ),
        what: format!(
            "run it in turn with the clock set to a moment {when} (`faketime '…' CMD`) and to another"
        ),
        with,
        bins,
    }
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_months() {
        assert_eq!(civil(0), (1970 * 12, 1));
        assert_eq!(civil(-1), (1969 * 12 + 11, 31));
        // 2024-02-29 and 2000-03-01
        assert_eq!(civil(19_782), (2024 * 12 + 1, 29));
        assert_eq!(civil(11_017), (2000 * 12 + 2, 1));
    }
}
