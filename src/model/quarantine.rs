//! Tests whose failures do not block, with who answers for them and until when.

use std::fmt;
use std::str::FromStr;

use super::{TestId, Timestamp, Variant};

/// A day (UTC): 0 is 1970-01-01.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Date(pub i32);

impl Date {
    /// The day of a moment.
    pub fn of(moment: Timestamp) -> Self {
        Self(moment.day())
    }

    /// Its first moment.
    pub fn start(self) -> Timestamp {
        Timestamp(i64::from(self.0) * Timestamp::DAY)
    }

    /// So many days later.
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }
}

impl fmt::Display for Date {
    /// `2026-03-31`. Calendar arithmetic after Hinnant, "chrono-compatible low-level date algorithms" (2013).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = i64::from(self.0) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = String;

    /// `2026-03-31`; a day that is on no calendar is refused.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no day such as `2026-03-31`");
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else {
            return Err(wrong());
        };
        if [year.len(), month.len(), day.len()] != [4, 2, 2] {
            return Err(wrong());
        }
        let number = |text: &str| text.parse::<u32>().map(i64::from).map_err(|_| wrong());
        let (year, month, day) = (number(year)?, number(month)?, number(day)?);
        let (y, m) = if month <= 2 {
            (year - 1, month + 9)
        } else {
            (year, month - 3)
        };
        let of_year = (153 * m + 2) / 5 + day - 1;
        let of_era =
            y.rem_euclid(400) * 365 + y.rem_euclid(400) / 4 - y.rem_euclid(400) / 100 + of_year;
        let days = y.div_euclid(400) * 146_097 + of_era - 719_468;
        let date = Self(i32::try_from(days).map_err(|_| wrong())?);
        (date.to_string() == text).then_some(date).ok_or_else(wrong)
    }
}

/// A test in quarantine: it runs and is recorded, but its failures do not block.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantined {
    /// The test.
    pub test: TestId,
    /// In which variant only; nothing for all.
    pub variant: Variant,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why it is here.
    pub reason: String,
    /// Where it is being dealt with.
    pub link: Option<String>,
    /// The day it came.
    pub since: Date,
    /// The last day it may stay.
    pub until: Date,
    /// How it behaved when it came; what it does later is measured by this.
    pub pattern: Pattern,
}

/// How a test behaved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pattern {
    /// Results in which it ran.
    pub ran: u32,
    /// Expected failures without cause.
    pub flaked: f64,
    /// The rate at which it failed without cause.
    pub rate: f64,
    /// Median seconds of its results.
    pub seconds: Option<f64>,
    /// What its failures said, masked.
    pub messages: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn days_are_read_back(days in -700_000..2_900_000) {
            let date = Date(days);
            if (0..=9999).contains(&date.to_string()[..4].parse::<i32>().unwrap_or(-1)) && !date.to_string().starts_with('-') {
                prop_assert_eq!(date.to_string().parse(), Ok(date));
            }
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(Date(0).to_string(), "1970-01-01");
        assert_eq!("2024-02-29".parse(), Ok(Date(19_782)));
        for wrong in [
            "2023-02-29",
            "2026-13-01",
            "2026-3-1",
            "",
            "2026-03",
            "+026-03-01",
        ] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
    }
}
