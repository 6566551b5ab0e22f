//! `tia report`: what changed, why, what it costs, and what is not known.

use std::collections::BTreeMap;
use std::path::Path;

use rustc_hash::FxHashMap;

use super::flaky::{Flaky, FlakyQuery};
use super::site::Site;
use super::{AppError, Past, Progress, Reviewed, Ward, causes, watch};
use crate::flaky::backtest::{Backtest, backtest};
use crate::flaky::replay::Replay;
use crate::flaky::slower::Slower;
use crate::flaky::{Failing, Standing};
use crate::history::Query;
use crate::model::{
    Date, LogSeconds, PartId, PastPart, Seconds, Series, TestId, Timestamp, Variant,
};
use crate::report::flaky::{CALLED, Called, MENTIONED, People, counted};
use crate::report::nightly::{self, Changed, Day, Heat, Nightly};

/// Columns of the heat map, at most.
const COLUMNS: usize = 60;
/// Rows of the heat map, at most.
const ROWS: usize = 30;
/// Causes that are told, at most.
const CAUSES: usize = 12;
/// Failures that are judged on their day, at most so many parts with them.
pub(super) const JUDGED: usize = 60;
/// Of results, so many may be replayed: each judged part costs an assessment of half the past.
const REPLAYED: u64 = 400_000_000;

impl Past {
    /// The nightly report.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn report(
        &mut self,
        directory: &Path,
        no_cache: bool,
        query: &FlakyQuery,
        progress: &dyn Progress,
    ) -> Result<Nightly, AppError> {
        let flaky = self.flaky(directory, no_cache, query, progress)?;
        let site = Site::open(directory, no_cache);
        let parts = &flaky.judged.parts;
        let (causes, more_causes) = self.causes(&flaky)?;
        let (slower, weighed) = self.slower(parts)?;
        let results = parts
            .iter()
            .map(|part| u64::from(part.ran))
            .sum::<u64>()
            .max(1);
        let most = (2 * REPLAYED / results).clamp(2, JUDGED as u64) as usize;
        let mut report = Nightly {
            project: site.project(),
            branch: query.branch.clone(),
            now: parts.last().map(|part| part.start).unwrap_or_default(),
            changed: changed(&flaky),
            causes,
            more_causes,
            days: days(&flaky),
            heat: heat(&flaky),
            slower,
            alarms: watch::alarms(parts),
            backtest: flaky.backtest(most),
            ..Nightly::default()
        };
        report.unknown = unknown(&flaky, weighed);
        match Ward::open(directory, None) {
            Ok(ward) => {
                report.quarantined = ward.quarantine.tests.len();
                let reviewed = self.review(&ward, Date::of(report.now))?;
                report.review = reviewed.iter().filter_map(Reviewed::due).collect();
                report.review.sort_by_key(|review| !review.alarm);
            }
            Err(AppError::NoQuarantinePlace) => {}
            Err(error) => report
                .unknown
                .push(format!("What is in quarantine: {error}.")),
        }
        report.flaky = flaky.view;
        Ok(report)
    }

    fn causes(&mut self, flaky: &Flaky) -> Result<(Vec<nightly::Cause>, usize), AppError> {
        let query = Query {
            since: flaky.query.since,
            branch: flaky.query.branch.clone(),
            ..Query::default()
        };
        let rows = self.history().failures(&query, None)?;
        let judged = &flaky.judged;
        let places: FxHashMap<PartId, u32> = (0..)
            .zip(&judged.parts)
            .map(|(at, part)| (part.part, at))
            .collect();
        let series: FxHashMap<(&TestId, &Variant), &Standing> = judged
            .failing
            .iter()
            .filter_map(|(number, series)| {
                let standing = judged.assessment.tests.get(*number as usize)?;
                Some(((&series.test, &series.variant), standing))
            })
            .collect();
        let mut all = causes::causes(&rows, |row| {
            let at = *places.get(&row.part)?;
            let start = judged.parts[at as usize].start;
            let standing = series.get(&(&row.test, &row.variant));
            let cause = standing.and_then(|standing| cause_at(standing, at));
            Some((start, cause))
        });
        let more = all.len().saturating_sub(CAUSES);
        all.truncate(CAUSES);
        Ok((all, more))
    }

    /// Tests that became slower in the newest quarter, and how many had enough durations to tell.
    fn slower(&self, parts: &[PastPart]) -> Result<(Vec<nightly::Slower>, usize), AppError> {
        let border = (parts.len() - parts.len() / 4) as u32;
        let mut slower = Slower::default();
        let mut number = 0;
        let mut enough = 0;
        self.series(parts, &mut |series| {
            let side = |late: bool| -> Vec<LogSeconds> {
                series
                    .seen
                    .iter()
                    .filter(|seen| (seen.part >= border) == late)
                    .filter(|seen| seen.status.is_run() && seen.bad_attempts == 0)
                    .map(|seen| seen.duration)
                    .filter(|duration| *duration != LogSeconds::UNKNOWN)
                    .collect()
            };
            let (before, after) = (side(false), side(true));
            enough += usize::from(before.len().min(after.len()) >= crate::flaky::slower::LEAST);
            slower.add(number, &before, &after);
            number += 1;
        })?;
        let found = slower.finish();
        let wanted: FxHashMap<u32, usize> = (0..)
            .zip(&found)
            .map(|(at, shift)| (shift.test, at))
            .collect();
        let mut names = vec![String::new(); found.len()];
        if !found.is_empty() {
            let mut number = 0;
            self.series(parts, &mut |series| {
                if let Some(at) = wanted.get(&number) {
                    names[*at] = name(&series);
                }
                number += 1;
            })?;
        }
        let told = found
            .iter()
            .zip(names)
            .map(|(shift, test)| nightly::Slower {
                test,
                before: shift.before,
                after: shift.after,
                q: shift.q,
            });
        Ok((told.collect(), enough))
    }
}

impl Flaky {
    /// The names of the tests that failed, as a replay numbers them.
    pub fn failing_names(&self) -> Vec<String> {
        let failing = self.judged.failing.iter();
        failing.map(|(_, series)| name(series)).collect()
    }

    /// The replay of this past; at most `most` parts are judged.
    pub fn backtest(&self, most: usize) -> Option<Backtest> {
        let judged = &self.judged;
        // the assessment's tests are numbered as all series are, the replay's as the failing ones
        (!judged.parts.is_empty())
            .then(|| backtest(&judged.parts, &judged.failing, &judged.assessment, most))
    }
}

fn name(series: &Series) -> String {
    if series.variant.is_empty() {
        series.test.to_string()
    } else {
        format!("{} ({})", series.test, series.variant)
    }
}

fn cause_at(standing: &Standing, part: u32) -> Option<Failing> {
    standing
        .failures
        .iter()
        .find(|failing| failing.part == part)
        .copied()
}

/// What is different from what was known a day before the newest run.
fn changed(flaky: &Flaky) -> Changed {
    let judged = &flaky.judged;
    let mut changed = Changed::default();
    let broken = |standing: &Standing| {
        let now = standing.broken.iter().map(|broken| broken.now.get());
        now.fold(0.0, f64::max)
    };
    for (at, row) in flaky.view.rows.iter().enumerate() {
        if matches!(row.called(), Called::Broken | Called::Both) {
            changed.broken.push(at);
        }
    }
    let Some(newest) = judged.parts.last() else {
        return changed;
    };
    let since = Timestamp(newest.start.0 - Timestamp::DAY);
    let before = judged.parts.partition_point(|part| part.start <= since);
    if before == 0 {
        return changed;
    }
    changed.since = Some(since);
    changed.runs = judged.parts.len() - before;
    let then = Replay::new(&judged.parts, &judged.failing).up_to(before);
    let place: FxHashMap<u32, usize> = judged
        .failing
        .iter()
        .enumerate()
        .map(|(at, (number, _))| (*number, at))
        .collect();
    for (at, row) in flaky.view.rows.iter().enumerate() {
        let Some(was) = place
            .get(&row.series)
            .and_then(|place| then.tests.get(*place))
        else {
            continue;
        };
        let is = matches!(row.called(), Called::Flaky | Called::Both);
        let was_flaky = was.flaked.get() >= CALLED;
        if is && !was_flaky {
            changed.new.push(at);
        } else if is && row.rate.low.get() > was.rate.mean.get() {
            changed.worse.push(at);
        } else if was.flaky.get() >= CALLED
            && row.flaky.get() < MENTIONED
            && row.called() == Called::Neither
        {
            changed.fixed.push((row.name(), "flaky"));
        }
        let now = row.broken.as_ref().map_or(0.0, |broken| broken.now.get());
        if now >= MENTIONED && broken(was) < MENTIONED {
            changed.newly_broken.push(at);
        } else if broken(was) >= CALLED && now < 1.0 - CALLED {
            changed.fixed.push((row.name(), "broken"));
        }
    }
    // what is new stands first, then what is surest
    let sure = |at: &usize| {
        let broken = flaky.view.rows.get(*at).and_then(|row| row.broken.as_ref());
        broken.map_or(0.0, |broken| broken.now.get())
    };
    let newly = changed.newly_broken.clone();
    changed.broken.sort_by(|a, b| {
        let old = |at| !newly.contains(at);
        old(a).cmp(&old(b)).then(sure(b).total_cmp(&sure(a)))
    });
    changed
}

/// What each day came to.
fn days(flaky: &Flaky) -> Vec<Day> {
    let judged = &flaky.judged;
    let mut days: BTreeMap<i32, Day> = BTreeMap::new();
    for part in &judged.parts {
        let day = days.entry(part.start.day()).or_default();
        day.day = Timestamp(i64::from(part.start.day()) * Timestamp::DAY);
        day.parts += 1;
        day.red += u32::from(part.bad > 0);
        day.ran += u64::from(part.ran);
    }
    for (number, _) in &judged.failing {
        let Some(standing) = judged.assessment.tests.get(*number as usize) else {
            continue;
        };
        for failing in &standing.failures {
            let part = &judged.parts[failing.part as usize];
            if let Some(day) = days.get_mut(&part.start.day()) {
                day.flakes += failing.flake.get();
                day.regressions += failing.regression.get();
                day.outages += failing.outage.get();
                let minutes = part.duration.map_or(0.0, |it: Seconds| it.get() / 60.0);
                day.minutes += failing.flake.get() * minutes;
            }
        }
    }
    days.into_values().collect()
}

/// The worst tests over time: those that are called flaky or broken, in the order of the table.
fn heat(flaky: &Flaky) -> Heat {
    let judged = &flaky.judged;
    let count = judged.parts.len();
    let columns = count.min(COLUMNS);
    if columns == 0 {
        return Heat::default();
    }
    let mut heat = Heat {
        columns: vec![(Timestamp::default(), 0); columns],
        rows: Vec::new(),
    };
    for (at, part) in judged.parts.iter().enumerate().rev() {
        let column = &mut heat.columns[at * columns / count];
        *column = (part.start, column.1 + 1);
    }
    for (at, row) in flaky.view.rows.iter().enumerate() {
        if matches!(row.called(), Called::Neither | Called::Perhaps) {
            continue;
        }
        let found = judged
            .failing
            .binary_search_by_key(&row.series, |(number, _)| *number);
        let Ok(found) = found else { continue };
        let mut sums = vec![(0_u32, 0_u32); columns];
        for seen in &judged.failing[found].1.seen {
            if seen.status.is_run() {
                let (ran, bad) = &mut sums[seen.part as usize * columns / count];
                *ran += 1;
                *bad += u32::from(seen.bad_attempts > 0);
            }
        }
        let shares = sums
            .into_iter()
            .map(|(ran, bad)| (ran > 0).then(|| bad as f32 / ran as f32));
        heat.rows.push((at, shares.collect()));
        if heat.rows.len() == ROWS {
            break;
        }
    }
    heat
}

/// What is not known, in sentences.
fn unknown(flaky: &Flaky, weighed: usize) -> Vec<String> {
    let view = &flaky.view;
    let mut unknown = view.notes.clone();
    let parts = &flaky.judged.parts;
    if parts.is_empty() {
        return unknown;
    }
    let silent = parts.iter().filter(|part| part.duration.is_none()).count();
    if silent > 0 {
        unknown.push(format!(
            "How long {} took: no report says so, and the cost of reruns leaves them out.",
            counted(silent, "run")
        ));
    }
    if view.people == People::Unknown {
        unknown.push("Who was blocked: neither authors nor branches are known.".to_owned());
    }
    let called: Vec<_> = view
        .rows
        .iter()
        .filter(|row| matches!(row.called(), Called::Flaky | Called::Both))
        .collect();
    let without = called.iter().filter(|row| row.findings.is_empty()).count();
    if without > 0 {
        unknown.push(format!(
            "What the failures of {} go along with: nothing that is recorded of the runs, or they failed too rarely.",
            counted(without, "flaky test")
        ));
    }
    let perhaps = view
        .rows
        .iter()
        .filter(|row| row.called() == Called::Perhaps);
    match perhaps.count() {
        0 => {}
        n => unknown.push(format!(
            "Whether {} flaky: more likely than not, but not sure enough to be called so.",
            if n == 1 {
                "1 more test is".to_owned()
            } else {
                format!("{n} more tests are")
            }
        )),
    }
    let short = view.tests.saturating_sub(weighed);
    if short > 0 {
        unknown.push(format!(
            "Whether {} became slower: too few durations.",
            counted(short, "test")
        ));
    }
    unknown
}
