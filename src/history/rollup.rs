//! What a day on a branch came to, for every series: the sums, and their bytes. Pure.
//!
//! Counts are always made from the parts, so merging stores cannot count twice. Durations outlive their parts: of two
//! summaries of one day the one of more observations stands.
//!
//! Versions: 1, the first.

use std::collections::BTreeMap;

use super::Outcomes;
use super::frame::{self, CodecError, MOST, Packer, open_frame, put_number, seal, unseal};
use crate::model::{LogSeconds, Status};

const VERSION: u8 = 1;
/// The spread is kept in sixteenths of a step of the scale.
const SPREAD: f64 = 16.0;

/// How long a test took on a day.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct DayDurations {
    /// How many durations were seen.
    pub seen: u32,
    /// Their geometric mean.
    pub mean: LogSeconds,
    /// The standard deviation of their logarithms, in sixteenths of a step of [`LogSeconds`]; 255 for more.
    pub spread: u8,
    /// The longest.
    pub longest: LogSeconds,
}

/// What a series came to on a day.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DayCounts {
    /// Passed, failed or errored.
    pub ran: u32,
    /// Failed or errored in the end.
    pub bad: u32,
    /// Passed after a bad attempt.
    pub flaky: u32,
    /// Skipped or disabled.
    pub skipped: u32,
    /// How long it took.
    pub durations: DayDurations,
}

/// A day on a branch, by number of series.
pub(super) type Day = BTreeMap<u32, DayCounts>;

/// Adds up the windows of a day.
#[derive(Default)]
pub(super) struct DaySums {
    series: BTreeMap<u32, (DayCounts, u64, u64)>,
}

impl DaySums {
    /// Adds a window.
    pub(super) fn add(&mut self, members: &[u32], outcomes: &Outcomes) {
        let mut exceptions = outcomes.exceptions.iter().peekable();
        for (position, member) in members.iter().enumerate() {
            let (counts, sum, squares) = self.series.entry(*member).or_default();
            let exception = exceptions.next_if(|e| e.position as usize == position);
            let status = exception.map_or(Status::Passed, |e| e.status);
            let flaky = exception.is_some_and(|e| status == Status::Passed && e.bad_attempts > 0);
            counts.ran += u32::from(status.is_run());
            counts.skipped += u32::from(!status.is_run());
            counts.bad += u32::from(status.is_bad());
            counts.flaky += u32::from(flaky);
            let code = outcomes.durations.get(position).copied().unwrap_or(0);
            if code > 0 {
                counts.durations.seen += 1;
                counts.durations.longest =
                    counts.durations.longest.max(LogSeconds::from_code(code));
                *sum += u64::from(code);
                *squares += u64::from(code) * u64::from(code);
            }
        }
    }

    /// The day; `before` is what was known of its durations.
    pub(super) fn finish(self, before: &Day) -> Day {
        let day = self
            .series
            .into_iter()
            .map(|(series, (mut counts, sum, squares))| {
                if counts.durations.seen > 0 {
                    let seen = f64::from(counts.durations.seen);
                    let mean = sum as f64 / seen;
                    let variance = (squares as f64 / seen - mean * mean).max(0.0);
                    counts.durations.mean = LogSeconds::from_code(mean.round() as u8);
                    counts.durations.spread = (variance.sqrt() * SPREAD).round() as u8;
                }
                if let Some(before) = before.get(&series) {
                    counts.durations = counts.durations.max(before.durations);
                }
                (series, counts)
            });
        day.collect()
    }
}

/// The bytes of a day.
pub(super) fn encode(packer: &mut Packer, day: &Day) -> Vec<u8> {
    let mut columns = Vec::new();
    let mut next = 0;
    for series in day.keys() {
        put_number(&mut columns, u64::from(series - next));
        next = series.saturating_add(1);
    }
    let numbers: [fn(&DayCounts) -> u32; 5] = [
        |c| c.ran,
        |c| c.bad,
        |c| c.flaky,
        |c| c.skipped,
        |c| c.durations.seen,
    ];
    for number in numbers {
        day.values()
            .for_each(|counts| put_number(&mut columns, u64::from(number(counts))));
    }
    let bytes: [fn(&DayDurations) -> u8; 3] =
        [|d| d.mean.code(), |d| d.spread, |d| d.longest.code()];
    for byte in bytes {
        columns.extend(day.values().map(|counts| byte(&counts.durations)));
    }
    let mut out = open_frame(VERSION);
    put_number(&mut out, day.len() as u64);
    packer.put_section(&mut out, &columns);
    seal(out)
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(packer: &mut Packer, bytes: &[u8]) -> Result<Day, CodecError> {
    let mut input = unseal(bytes, VERSION)?;
    let count = frame::length(&mut input, MOST)?;
    let mut columns = Vec::new();
    packer.section(&mut input, count * 40, &mut columns)?;
    let mut columns = columns.as_slice();
    let mut rows = Vec::with_capacity(count.min(columns.len()));
    let mut next = 0_u64;
    for _ in 0..count {
        let series = next.saturating_add(frame::number(&mut columns)?);
        let series = u32::try_from(series).map_err(|_| CodecError::Damaged)?;
        rows.push((series, DayCounts::default()));
        next = u64::from(series) + 1;
    }
    let numbers: [fn(&mut DayCounts) -> &mut u32; 5] = [
        |c| &mut c.ran,
        |c| &mut c.bad,
        |c| &mut c.flaky,
        |c| &mut c.skipped,
        |c| &mut c.durations.seen,
    ];
    for number in numbers {
        for (_, counts) in &mut rows {
            let value = frame::number(&mut columns)?;
            *number(counts) = u32::try_from(value).map_err(|_| CodecError::Damaged)?;
        }
    }
    for (_, counts) in &mut rows {
        counts.durations.mean = LogSeconds::from_code(frame::byte(&mut columns)?);
    }
    for (_, counts) in &mut rows {
        counts.durations.spread = frame::byte(&mut columns)?;
    }
    for (_, counts) in &mut rows {
        counts.durations.longest = LogSeconds::from_code(frame::byte(&mut columns)?);
    }
    (columns.is_empty() && input.is_empty())
        .then(|| rows.into_iter().collect())
        .ok_or(CodecError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn days_are_read_back(rows in proptest::collection::btree_map(any::<u32>(), any::<[u16; 8]>(), 0..40)) {
            let day: Day = rows.into_iter().map(|(series, n)| (series, DayCounts {
                ran: u32::from(n[0]), bad: u32::from(n[1]), flaky: u32::from(n[2]), skipped: u32::from(n[3]),
                durations: DayDurations {
                    seen: u32::from(n[4]), mean: LogSeconds::from_code(n[5] as u8), spread: n[6] as u8,
                    longest: LogSeconds::from_code(n[7] as u8),
                },
            })).collect();
            let mut packer = Packer::default();
            let bytes = encode(&mut packer, &day);
            prop_assert_eq!(decode(&mut packer, &bytes), Ok(day));
        }

        #[test]
        fn any_payload_is_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut bytes = open_frame(VERSION);
            bytes.extend_from_slice(&payload);
            let _ = decode(&mut Packer::default(), &seal(bytes));
        }
    }

    #[test]
    fn the_summary_of_more_durations_stands() {
        let mut sums = DaySums::default();
        let window = |codes: &[u8]| Outcomes {
            count: 1,
            durations: codes.to_vec(),
            ..Outcomes::default()
        };
        sums.add(&[7], &window(&[100]));
        sums.add(&[7], &window(&[110]));
        sums.add(&[7], &window(&[]));
        let day = sums.finish(&Day::new());
        assert_eq!((day[&7].ran, day[&7].durations.seen), (3, 2));
        assert_eq!(day[&7].durations.mean, LogSeconds::from_code(105));
        assert_eq!(day[&7].durations.spread, 80);
        let mut later = DaySums::default();
        later.add(&[7], &window(&[200]));
        assert_eq!(later.finish(&day)[&7].durations, day[&7].durations);
    }
}
