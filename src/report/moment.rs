//! Moments and durations in words.

use crate::model::{Seconds, Timestamp};

/// `2026-03-02 08:04` in UTC.
pub fn minute(moment: Timestamp) -> String {
    format(moment, "%Y-%m-%d %H:%M")
}

/// `2026-03-02` in UTC.
pub fn day(moment: Timestamp) -> String {
    format(moment, "%Y-%m-%d")
}

/// `03-02` in UTC.
pub fn month_day(moment: Timestamp) -> String {
    format(moment, "%m-%d")
}

/// `2026-03-02T08:04:00.000Z`, for machines.
pub fn rfc3339(moment: Timestamp) -> String {
    format(moment, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

fn format(moment: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_millisecond(moment.0).map_or_else(
        |_| "at no time".to_owned(),
        |moment| moment.strftime(format).to_string(),
    )
}

/// Two or three digits and a unit: `8.2 ms`, `1.25 s`, `3 min 10 s`, `2 h 5 min`.
pub fn duration(duration: Seconds) -> String {
    let seconds = duration.get();
    let whole = seconds.round() as u64;
    match seconds {
        0.0 => "0 s".to_owned(),
        s if s < 0.000_999_5 => format!("{} µs", digits(s * 1e6)),
        s if s < 0.999_5 => format!("{} ms", digits(s * 1e3)),
        s if s < 59.95 => format!("{} s", digits(s)),
        _ if whole < 3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

fn digits(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit() {
        let text = |seconds| duration(Seconds::new(seconds).unwrap());
        let found = [
            0.0,
            0.000_012_34,
            0.0082,
            0.9999,
            1.25,
            59.99,
            190.0,
            7500.0,
        ]
        .map(text);
        let expected = [
            "0 s",
            "12.3 µs",
            "8.20 ms",
            "1.00 s",
            "1.25 s",
            "1 min 0 s",
            "3 min 10 s",
            "2 h 5 min",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(minute(Timestamp(1_772_438_640_000)), "2026-03-02 08:04");
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00.000Z");
    }
}
