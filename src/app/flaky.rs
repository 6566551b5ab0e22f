//! `tia flaky`: which tests fail without cause, what that costs, and whose they are.

use std::collections::BTreeSet;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use rustc_hash::{FxHashMap, FxHashSet};

use super::site::Site;
use super::{AppError, Judged, Past, PastQuery, Progress, Story, lately};
use crate::flaky::association::{Finding, Kind};
use crate::flaky::{Failing, Standing};
use crate::model::{PartId, PastPart, RepoPath, Seconds, Seen, Series, TestId, Timestamp};
use crate::report::flaky::story::Told;
use crate::report::flaky::{BrokenNow, Changed, LINE, People, Place, Row, View};

/// How far back is looked where nothing else is said: 30 days, in milliseconds.
pub(super) const SPAN: i64 = 30 * Timestamp::DAY;

/// Which tests a question is about.
#[derive(Clone, Debug, Default)]
pub struct FlakyQuery {
    /// How long before the newest run, in milliseconds; 30 days where `None`.
    pub span: Option<i64>,
    /// Only runs on this branch.
    pub branch: Option<String>,
    /// Only tests whose file matches this glob, or lies below this directory.
    pub path: Option<String>,
    /// Only tests of this owner; a leading `@` does not matter.
    pub owner: Option<String>,
    /// Only tests with a finding of this kind; `Some(None)`: only tests without any.
    pub kind: Option<Option<Kind>>,
    /// Ask the dependency graphs of the commits what each change could reach, where the repository is at hand. Off where
    /// states are compared with those of a replay, which asks none.
    pub proof: bool,
}

/// The answer, and what it was made from.
#[derive(Debug)]
pub struct Flaky {
    /// The past.
    pub judged: Judged,
    /// What is shown.
    pub view: View,
    /// Which parts were asked for.
    pub query: PastQuery,
}

impl Past {
    /// Ranks the tests that failed, the costliest first. `directory` is where the repository may be.
    ///
    /// # Errors
    /// The history cannot be read, or the glob is none.
    pub fn flaky(
        &self,
        directory: &Path,
        no_cache: bool,
        query: &FlakyQuery,
        progress: &dyn Progress,
    ) -> Result<Flaky, AppError> {
        let path = query.path.as_deref().map(glob).transpose()?;
        let asked = self.window(query)?;
        let mut site = Site::open(directory, no_cache);
        let workspace = site.workspace().filter(|_| query.proof);
        let judged = match workspace {
            Some(at) => self.assess_lately(&asked, workspace, at.cache(), progress)?,
            None => self.assess_with(&asked, None, progress)?,
        };
        let mut view = frame(&judged);
        let wants_files = path.is_some() || query.owner.is_some() || site.has_owners();
        let tests: Vec<&TestId> = judged
            .failing
            .iter()
            .map(|(_, series)| &series.test)
            .collect();
        let files = if wants_files {
            site.files(&tests, progress)
        } else {
            vec![None; tests.len()]
        };
        let commits: BTreeSet<&str> = judged
            .parts
            .iter()
            .filter_map(|part| part.context.commit.as_deref())
            .collect();
        let branches = judged
            .parts
            .iter()
            .any(|part| part.context.branch.is_some());
        view.people = site.people(commits.into_iter(), branches);
        let mut findings: FxHashMap<u32, Vec<Finding>> = FxHashMap::default();
        for finding in &judged.findings {
            let of = findings.entry(finding.series).or_default();
            of.push(finding.clone());
        }
        let mut without_file = 0;
        for ((number, series), file) in judged.failing.iter().zip(files) {
            let Some(standing) = judged.assessment.tests.get(*number as usize) else {
                continue;
            };
            let owners = file
                .as_ref()
                .map(|file| site.owners(file))
                .unwrap_or_default();
            if let Some(path) = &path {
                match &file {
                    Some(file) if path.iter().any(|glob| glob.is_match(file.to_string())) => {}
                    Some(_) => continue,
                    None => {
                        without_file += 1;
                        continue;
                    }
                }
            }
            if let Some(wanted) = &query.owner
                && !owners.iter().any(|owner| same_owner(owner, wanted))
            {
                continue;
            }
            let findings = findings.remove(number).unwrap_or_default();
            match query.kind {
                Some(Some(kind)) if findings.iter().all(|finding| finding.kind != kind) => continue,
                Some(None) if !findings.is_empty() => continue,
                _ => {}
            }
            let people = people(view.people, &judged.parts, standing, &mut site);
            view.rows.push(Row {
                file: file.as_ref().map(ToString::to_string),
                owners,
                findings,
                people,
                ..row(*number, series, standing, &judged.parts)
            });
        }
        rank(&mut view.rows);
        view.notes.append(&mut site.notes);
        if without_file > 0 {
            view.notes.push(format!(
                "{} left out: which file defines them is not known",
                crate::report::flaky::counted(without_file, "failing test")
            ));
        }
        if query.owner.is_some() && !site.has_owners() {
            view.notes
                .push("no CODEOWNERS file is at hand, so no owner is known".to_owned());
        }
        Ok(Flaky {
            judged,
            view,
            query: asked,
        })
    }

    /// The stretch of the past that a question is about: so long before the newest run that it could be about.
    pub(super) fn window(&self, query: &FlakyQuery) -> Result<PastQuery, AppError> {
        let mut asked = PastQuery {
            branch: query.branch.clone(),
            limit: Some(1),
            ..PastQuery::default()
        };
        let newest = self.parts(&asked)?;
        let span = query.span.unwrap_or(SPAN);
        asked.since = newest.last().map(|part| lately::since(part.start, span));
        asked.limit = None;
        Ok(asked)
    }

    /// The failures of one test with their causes, newest first, and everything that was seen of it.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn flaky_story(
        &mut self,
        test: &TestId,
        flaky: &Flaky,
    ) -> Result<(Story, Vec<Told>), AppError> {
        let story = self.test(test, &flaky.query)?;
        let parts = &flaky.judged.parts;
        let mut causes: FxHashMap<(PartId, String), Failing> = FxHashMap::default();
        for (number, series) in &flaky.judged.failing {
            if series.test != *test {
                continue;
            }
            if let Some(standing) = flaky.judged.assessment.tests.get(*number as usize) {
                for failing in &standing.failures {
                    if let Some(part) = parts.get(failing.part as usize) {
                        causes.insert((part.part, series.variant.to_string()), *failing);
                    }
                }
            }
        }
        let mut messages: FxHashMap<PartId, String> = FxHashMap::default();
        for told in story.told() {
            let message = messages.entry(told.part.part).or_default();
            if message.is_empty() {
                told.message.clone_into(message);
            }
        }
        let outcomes = story.outcomes();
        let bad = outcomes
            .iter()
            .rev()
            .filter(|outcome| outcome.seen.bad_attempts > 0);
        let told = bad
            .take(NEWEST)
            .map(|outcome| Told {
                place: Place::of(outcome.part),
                variant: outcome.variant.clone(),
                branch: outcome.part.context.branch.clone(),
                status: outcome.seen.status,
                cause: causes
                    .get(&(outcome.part.part, outcome.variant.to_string()))
                    .copied(),
                message: messages
                    .get(&outcome.part.part)
                    .cloned()
                    .unwrap_or_default(),
            })
            .collect();
        Ok((story, told))
    }
}

/// So many failures of a test are told.
const NEWEST: usize = 5;

/// What is known before any test is looked at.
fn frame(judged: &Judged) -> View {
    let parts = &judged.parts;
    let outages = judged
        .assessment
        .parts
        .iter()
        .filter(|part| part.outage.get() > 0.5);
    let mut notes = Vec::new();
    let runs: FxHashSet<_> = parts.iter().map(|part| part.run).collect();
    if runs.len() == 1 {
        notes.push(
            "one run tells failing from passing, but not flaky from broken: the chances below are those of projects in \
             general"
                .to_owned(),
        );
    }
    if let Some(newest) = parts.last()
        && newest.ran > 1
        && newest.bad == newest.ran
    {
        notes.push(format!(
            "all {} tests of the newest run failed: look at the machine or the build before any test",
            newest.ran
        ));
    }
    let cut = parts.iter().filter(|part| !part.complete).count();
    if cut > 0 {
        notes.push(format!(
            "{} cut off or lost a report: what they do not tell is unknown, not passed",
            crate::report::flaky::counted(cut, "run")
        ));
    }
    if parts.iter().all(|part| part.context.commit.is_none()) && !parts.is_empty() {
        notes.push(
            "no run names its commit, so reruns of one commit cannot be told from new commits; `tia ingest --commit ID` \
             names it"
                .to_owned(),
        );
    }
    notes.extend(judged.note());
    View {
        span: parts
            .first()
            .zip(parts.last())
            .map(|(a, b)| (a.start, b.start)),
        parts: parts.len(),
        outages: outages.count(),
        tests: judged.tests.len(),
        failing: judged.failing.len(),
        notes,
        ..View::default()
    }
}

/// One row without what the repository knows.
fn row(number: u32, series: &Series, standing: &Standing, parts: &[PastPart]) -> Row {
    let without_cause = standing
        .failures
        .iter()
        .map(|failing| failing.flake.get())
        .sum();
    let broken = standing
        .broken
        .iter()
        .max_by(|a, b| a.now.get().total_cmp(&b.now.get()));
    Row {
        series: number,
        test: series.test.clone(),
        variant: series.variant.clone(),
        file: None,
        owners: Vec::new(),
        ran: standing.ran,
        failed: standing.failed,
        without_cause,
        people: 1,
        rerun: rerun(series, parts),
        rate: standing.rate,
        flaky: standing.flaky,
        flaked: standing.flaked,
        broken: broken.map(|broken| BrokenNow::of(broken, parts)),
        findings: Vec::new(),
        changes: standing
            .changes
            .iter()
            .map(|change| Changed::of(change, parts))
            .collect(),
        line: line(&series.seen, parts.len()),
    }
}

/// The costliest first, then the surest, then by name.
fn rank(rows: &mut [Row]) {
    rows.sort_by(|a, b| {
        b.cost()
            .total_cmp(&a.cost())
            .then(b.flaked.get().total_cmp(&a.flaked.get()))
            .then_with(|| (&a.test, &a.variant).cmp(&(&b.test, &b.variant)))
    });
}

/// What a rerun takes: the median of the parts in which the test failed, else of its own failing durations.
fn rerun(series: &Series, parts: &[PastPart]) -> Option<Seconds> {
    let bad = || series.seen.iter().filter(|seen| seen.bad_attempts > 0);
    let of_part = |seen: &Seen| parts.get(seen.part as usize)?.duration;
    median(bad().filter_map(of_part))
        .or_else(|| median(bad().filter_map(|seen| seen.duration.seconds())))
}

fn median(durations: impl Iterator<Item = Seconds>) -> Option<Seconds> {
    let mut known: Vec<f64> = durations.map(Seconds::get).collect();
    known.sort_by(f64::total_cmp);
    Seconds::new(*known.get(known.len() / 2)?)
}

/// People who met failures that were more likely flakes than not.
fn people(how: People, parts: &[PastPart], standing: &Standing, site: &mut Site) -> u32 {
    let mut met = FxHashSet::default();
    for failing in &standing.failures {
        if failing.flake.get() < 0.5 {
            continue;
        }
        let Some(part) = parts.get(failing.part as usize) else {
            continue;
        };
        let who = match how {
            People::Authors => part
                .context
                .commit
                .as_deref()
                .and_then(|commit| site.author(commit)),
            People::Branches => part.context.branch.clone(),
            People::Unknown => None,
        };
        met.extend(who);
    }
    met.len().max(1) as u32
}

/// The share of bad results in stretches of the past.
fn line(seen: &[Seen], parts: usize) -> Vec<Option<f32>> {
    let mut sums = [(0_u32, 0_u32); LINE];
    for seen in seen.iter().filter(|seen| seen.status.is_run()) {
        let (ran, bad) = &mut sums[(seen.part as usize * LINE / parts.max(1)).min(LINE - 1)];
        *ran += 1;
        *bad += u32::from(seen.bad_attempts > 0);
    }
    let share = |(ran, bad): (u32, u32)| (ran > 0).then(|| bad as f32 / ran as f32);
    sums.into_iter()
        .take(parts.clamp(1, LINE))
        .map(share)
        .collect()
}

fn same_owner(owner: &str, wanted: &str) -> bool {
    owner
        .trim_start_matches('@')
        .eq_ignore_ascii_case(wanted.trim_start_matches('@'))
}

/// A glob, and what lies below it. `*` does not cross a slash.
fn glob(pattern: &str) -> Result<Vec<GlobMatcher>, AppError> {
    let path = RepoPath::new(pattern).to_string();
    [path.clone(), format!("{path}/**")]
        .iter()
        .map(|pattern| {
            let glob = GlobBuilder::new(pattern).literal_separator(true).build();
            glob.map(|glob| glob.compile_matcher())
                .map_err(|source| AppError::Glob {
                    glob: path.clone(),
                    source,
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogSeconds, Status};

    #[test]
    fn a_directory_means_everything_below_it_and_a_star_stays_within() {
        let matches = |pattern: &str, path: &str| {
            glob(pattern)
                .unwrap()
                .iter()
                .any(|glob| glob.is_match(path))
        };
        assert!(matches("tests/", "tests/a/b.py"));
        assert!(matches("tests/*.py", "tests/a.py"));
        assert!(!matches("tests/*.py", "tests/a/b.py"));
        assert!(glob("a[").is_err());
    }

    #[test]
    fn a_short_past_has_one_stretch_a_part() {
        let seen = |part, bad| Seen {
            part,
            status: if bad { Status::Failed } else { Status::Passed },
            bad_attempts: u8::from(bad),
            duration: LogSeconds::UNKNOWN,
        };
        assert_eq!(line(&[seen(0, true)], 1), [Some(1.0)]);
        let long = line(&[seen(0, false), seen(1, true), seen(47, true)], 48);
        assert_eq!(
            (long.len(), long[0], long[1], long[23]),
            (24, Some(0.5), None, Some(1.0))
        );
    }

    #[test]
    fn owners_are_the_same_with_and_without_the_sign() {
        assert!(same_owner("@Team/Shop", "team/shop"));
        assert!(!same_owner("@team/shop", "shop"));
    }
}
