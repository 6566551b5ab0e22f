//! Reports that did not come, or came with fewer tests: silence must not look like green.

use std::collections::BTreeMap;

use crate::model::{PastPart, Seconds, Timestamp};
use crate::report::moment;
use crate::report::nightly::Alarm;

/// A source of reports is known after so many parts.
const KNOWN: usize = 5;
/// Silent: nothing came for this many of its longest usual pauses.
const PAUSES: i64 = 2;
/// And at least for this long, in milliseconds.
const SHORTEST: i64 = Timestamp::DAY;
/// Fewer: less than this share of what its last parts usually ran.
const SHARE: f64 = 0.9;
/// And so many tests fewer, at least.
const TESTS: u32 = 5;
/// What is usual is the median of so many parts.
const USUAL: usize = 10;

/// Sources of reports (pipeline, job, shard) that fell silent, and those whose newest report is short of tests. Parts are
/// oldest first.
pub(super) fn alarms(parts: &[PastPart]) -> Vec<Alarm> {
    let Some(now) = parts.iter().map(|part| part.start).max() else {
        return Vec::new();
    };
    let mut sources: BTreeMap<String, Vec<&PastPart>> = BTreeMap::new();
    for part in parts {
        sources.entry(source(part)).or_default().push(part);
    }
    let mut alarms = Vec::new();
    for (what, parts) in sources {
        let alarm = |sentence| Alarm {
            what: what.clone(),
            sentence,
        };
        alarms.extend(silence(&parts, now).map(alarm));
        alarms.extend(shortage(&parts).map(alarm));
    }
    alarms
}

/// What a part came from, in words.
fn source(part: &PastPart) -> String {
    let context = &part.context;
    let named = [&context.pipeline, &context.job, &context.shard];
    let words: Vec<&str> = named.into_iter().flatten().map(String::as_str).collect();
    if words.is_empty() {
        "reports without a pipeline".to_owned()
    } else {
        words.join(" / ")
    }
}

fn silence(parts: &[&PastPart], now: Timestamp) -> Option<String> {
    if parts.len() < KNOWN {
        return None;
    }
    let pauses = parts
        .windows(2)
        .map(|pair| pair[1].start.0 - pair[0].start.0);
    let longest = pauses.max()?.max(0);
    let last = parts.last()?.start;
    let silent = now.0 - last.0;
    if silent < SHORTEST || silent <= longest.saturating_mul(PAUSES) {
        return None;
    }
    let words = |millis: i64| {
        let seconds = Seconds::new(millis as f64 / 1000.0).unwrap_or_default();
        match millis / Timestamp::DAY {
            0 => moment::duration(seconds),
            1 => "a day".to_owned(),
            days => format!("{days} days"),
        }
    };
    Some(format!(
        "reported nothing since {}, for {}; its longest pause before was {}",
        moment::minute(last),
        words(silent),
        words(longest)
    ))
}

fn shortage(parts: &[&PastPart]) -> Option<String> {
    let (newest, before) = parts.split_last()?;
    if before.len() < KNOWN {
        return None;
    }
    let mut usual: Vec<u32> = before
        .iter()
        .rev()
        .take(USUAL)
        .map(|part| part.ran)
        .collect();
    usual.sort_unstable();
    let usual = usual[usual.len() / 2];
    let missing = usual.saturating_sub(newest.ran);
    if missing < TESTS || f64::from(newest.ran) >= SHARE * f64::from(usual) {
        return None;
    }
    Some(format!(
        "ran {} tests on {}, {missing} fewer than the usual {usual}{}",
        newest.ran,
        moment::minute(newest.start),
        if newest.complete {
            ""
        } else {
            "; its report is cut off"
        }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PartId, RunContext, RunId};

    fn part(hour: i64, job: &str, ran: u32) -> PastPart {
        PastPart {
            part: PartId(hour),
            run: RunId(hour),
            context: RunContext {
                job: Some(job.into()),
                ..RunContext::default()
            },
            start: Timestamp(hour * 3_600_000),
            duration: None,
            ran,
            bad: 0,
            flaky: 0,
            complete: true,
        }
    }

    #[test]
    fn a_job_that_stopped_reporting_is_told() {
        let mut parts: Vec<PastPart> = (0..10).map(|at| part(at * 6, "nightly", 100)).collect();
        parts.extend((0..30).map(|at| part(at * 6, "unit", 100)));
        let found = alarms(&parts);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].what, "nightly");
        assert!(found[0].sentence.contains("for 5 days"), "{found:?}");
    }

    #[test]
    fn a_weekend_is_no_silence() {
        let parts: Vec<PastPart> = [0, 2, 4, 70, 72, 74, 150]
            .into_iter()
            .map(|hour| part(hour, if hour == 150 { "other" } else { "unit" }, 10))
            .collect();
        assert_eq!(alarms(&parts), []);
    }

    #[test]
    fn a_report_short_of_tests_is_told() {
        let mut parts: Vec<PastPart> = (0..9).map(|at| part(at, "unit", 100)).collect();
        parts.push(part(9, "unit", 60));
        let found = alarms(&parts);
        assert!(
            found[0].sentence.contains("40 fewer than the usual 100"),
            "{found:?}"
        );
        parts.pop();
        parts.push(part(9, "unit", 97));
        assert_eq!(alarms(&parts), []);
    }
}
