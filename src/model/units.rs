//! Quantities with their unit in the type. Unknown is `None`, never zero or the epoch.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Milliseconds of a day.
    pub const DAY: i64 = 86_400_000;

    /// The day (UTC) as a number: 0 is 1970-01-01.
    pub fn day(self) -> i32 {
        i32::try_from(self.0.div_euclid(Self::DAY)).unwrap_or(i32::MAX)
    }

    /// This moment, `seconds` later.
    pub fn after(self, seconds: Seconds) -> Self {
        Self(self.0.saturating_add((seconds.0 * 1000.0) as i64))
    }
}

/// A duration in seconds: finite and not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Seconds(f64);

impl Seconds {
    /// `None` for what is no duration: negative, infinite, not a number.
    pub fn new(seconds: f64) -> Option<Self> {
        (seconds.is_finite() && seconds >= 0.0).then_some(Self(seconds))
    }

    /// The number of seconds.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl std::ops::Add for Seconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// A duration in one byte: unknown, zero, or one of 254 steps of a logarithmic scale.
///
/// Step `k` stands for `10 µs × 1.1^k`, so rounding is off by at most `√1.1 − 1 = 4.9 %`. The scale ends at
/// [`LogSeconds::MAX`], about three and a half days; shorter than 10 µs counts as 10 µs, longer than the end as the end.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize,
)]
pub struct LogSeconds(u8);

impl LogSeconds {
    /// No duration is known.
    pub const UNKNOWN: Self = Self(0);
    /// The longest duration of the scale.
    pub const MAX: Self = Self(u8::MAX);
    /// Largest relative error of a duration between 10 µs and the end of the scale: `√1.1 − 1`.
    pub const ERROR: f64 = 0.0489;

    const ZERO: u8 = 1;
    const FIRST: u8 = 2;
    const SMALLEST: f64 = 1e-5;
    const STEP: f64 = 1.1;

    /// The step nearest to a duration.
    pub fn of(duration: Option<Seconds>) -> Self {
        let Some(Seconds(seconds)) = duration else {
            return Self::UNKNOWN;
        };
        if seconds == 0.0 {
            return Self(Self::ZERO);
        }
        let step = ((seconds / Self::SMALLEST).ln() / Self::STEP.ln()).round();
        Self(Self::FIRST + step.clamp(0.0, f64::from(u8::MAX - Self::FIRST)) as u8)
    }

    /// The duration, as far as it was kept.
    pub fn seconds(self) -> Option<Seconds> {
        match self.0 {
            0 => None,
            Self::ZERO => Some(Seconds(0.0)),
            code => {
                let step = i32::from(code - Self::FIRST);
                Some(Seconds(Self::SMALLEST * Self::STEP.powi(step)))
            }
        }
    }

    /// The byte, for codecs.
    pub fn code(self) -> u8 {
        self.0
    }

    /// A byte that [`LogSeconds::code`] gave.
    pub fn from_code(code: u8) -> Self {
        Self(code)
    }
}

/// A probability: a number from 0 to 1, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Probability(f64);

impl Probability {
    /// `p` held to the range 0 to 1; what is not a number is 0.
    pub fn clamped(p: f64) -> Self {
        Self(if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) })
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", self.0 * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_kept_duration_is_off_by_less_than_five_percent(exponent in -5.0f64..5.4) {
            let seconds = 10f64.powf(exponent);
            let kept = LogSeconds::of(Seconds::new(seconds)).seconds().unwrap().get();
            prop_assert!((kept / seconds - 1.0).abs() <= LogSeconds::ERROR, "{seconds} became {kept}");
        }
    }

    #[test]
    fn every_step_stands_for_itself() {
        for code in 0..=u8::MAX {
            let step = LogSeconds::from_code(code);
            assert_eq!(LogSeconds::of(step.seconds()), step);
        }
    }

    #[test]
    fn unknown_zero_and_the_ends_are_told_apart() {
        let kept = |seconds| LogSeconds::of(Seconds::new(seconds)).seconds();
        assert_eq!(LogSeconds::of(None).seconds(), None);
        assert_eq!(kept(0.0), Seconds::new(0.0));
        assert_eq!(kept(1e-9), Seconds::new(1e-5));
        assert_eq!(LogSeconds::of(Seconds::new(1e12)), LogSeconds::MAX);
        assert_eq!(Seconds::new(f64::NAN), None);
        assert_eq!(Seconds::new(-1.0), None);
    }

    #[test]
    fn days_before_the_epoch_count_backwards() {
        assert_eq!(Timestamp(-1).day(), -1);
        assert_eq!(Timestamp(Timestamp::DAY).day(), 1);
    }
}
