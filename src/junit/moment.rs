//! Timestamps as producers write them.

use crate::model::Timestamp;

/// A moment, and whether its zone had to be assumed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) is_naive: bool,
}

/// Reads ISO 8601 (with `Z`, an offset, `UTC`, or nothing), RFC 1123, and seconds or milliseconds since the epoch.
/// `zone` is the offset, in seconds east of UTC, of times that name none. The epoch itself and the years before 1990 mean
/// that the producer has no clock, and give `None`.
pub(super) fn moment(text: &str, zone: i32) -> Option<Moment> {
    let text = text.trim();
    let moment = iso(text.as_bytes(), zone)
        .or_else(|| rfc1123(text))
        .or_else(|| epoch(text))?;
    (moment.at.0 >= FIRST).then_some(moment)
}

/// 1990-01-02, for times before it with any offset.
const FIRST: i64 = 631_238_400_000;

fn iso(text: &[u8], zone: i32) -> Option<Moment> {
    let number = |from: usize, to: usize| -> Option<i64> {
        text.get(from..to)?.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let is = |at: usize, bytes: &[u8]| text.get(at).is_some_and(|byte| bytes.contains(byte));
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !is(4, b"-/") || !is(7, b"-/") || !is(10, b"T t") || !is(13, b":") {
        return None;
    }
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    let mut at = 16;
    let mut second = 0;
    if is(at, b":") {
        second = number(17, 19)?;
        at = 19;
    }
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut millis = 0;
    if is(at, b".,") {
        at += 1;
        let mut scale = 100;
        while let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit()) {
            millis += i64::from(digit - b'0') * scale;
            scale /= 10;
            at += 1;
        }
    }
    let rest = text[at..].trim_ascii();
    let (offset, is_naive) = match rest {
        b"" => (i64::from(zone), true),
        b"Z" | b"z" | b"UTC" | b"GMT" => (0, false),
        [sign @ (b'+' | b'-'), h1, h2, more @ ..] => {
            let digits = match more {
                [] => [b'0', b'0'],
                [b':', m1, m2] | [m1, m2] => [*m1, *m2],
                _ => return None,
            };
            let all = [*h1, *h2, digits[0], digits[1]];
            if !all.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let digit = |index: usize| i64::from(all[index] - b'0');
            let seconds = (digit(0) * 10 + digit(1)) * 3600 + (digit(2) * 10 + digit(3)) * 60;
            (if *sign == b'-' { -seconds } else { seconds }, false)
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(Moment {
        at: Timestamp(seconds * 1000 + millis),
        is_naive,
    })
}

/// Days since 1970-01-01 of a date of the Gregorian calendar: years are counted from March, so that the leap day comes
/// last, and 400 years have 146,097 days.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let before = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    before + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn rfc1123(text: &str) -> Option<Moment> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Moment {
        at: Timestamp(zoned.timestamp().as_millisecond()),
        is_naive: false,
    })
}

fn epoch(text: &str) -> Option<Moment> {
    let millis = match text.len() {
        13 => text.parse::<i64>().ok()?,
        10 => text.parse::<i64>().ok()? * 1000,
        // seconds with a fraction
        11.. if text.as_bytes()[10] == b'.' => (text.parse::<f64>().ok()? * 1000.0) as i64,
        _ => return None,
    };
    Some(Moment {
        at: Timestamp(millis),
        is_naive: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(String, bool)> {
        let moment = moment(text, 3600)?;
        let at = jiff::Timestamp::from_millisecond(moment.at.0).unwrap();
        Some((at.to_string(), moment.is_naive))
    }

    #[test]
    fn moments_of_many_hands() {
        let utc = |text: &str| Some((text.to_owned(), false));
        for (text, expected) in [
            (
                "2024-12-02T20:06:10.512+00:00",
                utc("2024-12-02T20:06:10.512Z"),
            ),
            ("2021-03-22T14:06:25+09:00", utc("2021-03-22T05:06:25Z")),
            ("2021-03-22T14:06:25-0330", utc("2021-03-22T17:36:25Z")),
            ("2021-03-07T10:36:56 UTC", utc("2021-03-07T10:36:56Z")),
            ("2021-03-07 10:36:56Z", utc("2021-03-07T10:36:56Z")),
            ("Tue, 15 Jul 2025 10:00:00 GMT", utc("2025-07-15T10:00:00Z")),
            ("1626170399123", utc("2021-07-13T09:59:59.123Z")),
            ("1626170399", utc("2021-07-13T09:59:59Z")),
            (
                "2021-07-06T10:59:29.220003",
                Some(("2021-07-06T09:59:29.22Z".into(), true)),
            ),
            ("1970-01-01T00:00:00Z", None),
            ("1970-01-01T00:00:00.000", None),
            ("2021-13-01T00:00:00Z", None),
            ("today", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_read_as_the_calendar_has_it(millis in FIRST..4_102_444_800_000i64) {
            let text = jiff::Timestamp::from_millisecond(millis).unwrap().to_string();
            let expected = Moment { at: Timestamp(millis), is_naive: false };
            prop_assert_eq!(moment(&text, 0), Some(expected));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,30}|[0-9TZ:.+-]{0,30}") {
            moment(&text, 0);
        }
    }
}
