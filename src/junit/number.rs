//! Durations as producers write them.

use crate::model::Seconds;

/// More seconds than a year: the unit is another one.
const TOO_LONG: f64 = 31_536_000.0;

const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// What a `time` attribute says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Time {
    /// A plain number of seconds.
    Plain(Seconds),
    /// A number after its commas or its unit were dealt with.
    Repaired(Seconds),
    /// No duration is given: empty or not a number.
    Missing,
    /// What is there is no duration: text, negative, or more than a year.
    Wrong,
}

impl Time {
    /// The duration, where there is one.
    pub(super) fn seconds(self) -> Option<Seconds> {
        match self {
            Self::Plain(seconds) | Self::Repaired(seconds) => Some(seconds),
            Self::Missing | Self::Wrong => None,
        }
    }
}

/// Reads a duration in seconds. A lone comma is a decimal comma, unless this producer groups thousands with commas.
pub(super) fn time(text: &str, groups_thousands: bool) -> Time {
    if let Some(seconds) = plain(text.as_bytes()) {
        return check(seconds, Time::Plain);
    }
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("nan") {
        return Time::Missing;
    }
    let (digits, unit) = match text {
        _ if text.ends_with("ms") => (&text[..text.len() - 2], 1e-3),
        _ if text.ends_with('s') => (&text[..text.len() - 1], 1.0),
        _ => (text, 1.0),
    };
    let digits = digits.trim_end();
    let commas = digits.matches(',').count();
    let repaired = match (digits.rfind(','), digits.rfind('.')) {
        // 1.234,5
        (Some(comma), Some(dot)) if comma > dot => digits.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => digits.replace(',', ""),
        (Some(comma), None) if commas > 1 || groups(digits, comma, groups_thousands) => {
            digits.replace(',', "")
        }
        (Some(_), None) => digits.replace(',', "."),
        (None, _) => digits.to_owned(),
    };
    let is_number = repaired
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    match repaired.parse::<f64>() {
        Ok(number) if is_number && repaired == text => check(number, Time::Plain),
        Ok(number) if is_number => check(number * unit, Time::Repaired),
        _ => Time::Wrong,
    }
}

/// `1,234` where commas group thousands; `0,123` never does.
fn groups(digits: &str, comma: usize, groups_thousands: bool) -> bool {
    groups_thousands && digits.len() - comma == 4 && !digits.starts_with('0')
}

fn check(number: f64, wrap: impl Fn(Seconds) -> Time) -> Time {
    match Seconds::new(number) {
        Some(seconds) if number <= TOO_LONG => wrap(seconds),
        _ => Time::Wrong,
    }
}

/// Digits with at most one point, at most fifteen of them: exact with one division.
fn plain(text: &[u8]) -> Option<f64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let mut number = 0u64;
    let mut digits = 0usize;
    let mut point = None;
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                number = number * 10 + u64::from(byte - b'0');
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    if digits == 0 || digits > 15 {
        return None;
    }
    let decimals = point.map_or(0, |point| digits - point);
    Some(number as f64 / POWERS[decimals])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(text: &str) -> Option<f64> {
        time(text, false).seconds().map(Seconds::get)
    }

    #[test]
    fn durations_of_many_hands() {
        for (text, expected) in [
            ("0.123", Some(0.123)),
            ("0.", Some(0.0)),
            (".5", Some(0.5)),
            ("12", Some(12.0)),
            ("1.4e-05", Some(1.4e-5)),
            ("4.50611114501953e-05", Some(4.50611114501953e-05)),
            ("0.0000001", Some(1e-7)),
            ("0,123", Some(0.123)),
            ("1,234.5", Some(1234.5)),
            ("1.234,5", Some(1234.5)),
            ("1,234,567", Some(1_234_567.0)),
            (" 1.5s ", Some(1.5)),
            ("15 ms", Some(0.015)),
            ("", None),
            ("NaN", None),
            ("-1", None),
            ("inf", None),
            ("<<computed>>", None),
            ("1967986371", None),
            ("1.2.3", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_comma_before_three_digits_is_what_the_producer_means() {
        assert_eq!(
            time("1,234", true),
            Time::Repaired(Seconds::new(1234.0).unwrap())
        );
        assert_eq!(
            time("1,234", false),
            Time::Repaired(Seconds::new(1.234).unwrap())
        );
        assert_eq!(
            time("0,234", true),
            Time::Repaired(Seconds::new(0.234).unwrap())
        );
    }

    #[test]
    fn nothing_and_nonsense_are_told_apart() {
        assert_eq!(time("", false), Time::Missing);
        assert_eq!(time("soon", false), Time::Wrong);
    }

    proptest! {
        #[test]
        fn the_short_way_is_exact(whole in 0u64..100_000, fraction in 0u64..1_000_000) {
            let text = format!("{whole}.{fraction:06}");
            prop_assert_eq!(seconds(&text), text.parse::<f64>().ok());
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,12}|[0-9.,eE+-]{0,12}") {
            time(&text, true);
        }
    }
}
