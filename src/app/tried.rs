//! A run, judged: the history around it, the graph, and what its failures say, joined into verdicts.

use rustc_hash::FxHashSet;

use super::site::Site;
use super::{AppError, Judged, Past, PastQuery, Progress, lately};
use crate::flaky::{Reaches, Says};
use crate::model::{PartId, PastPart, RunId, Timestamp};
use crate::triage::judge::{self, Judgement};
use crate::triage::verdict::Range;

/// How far back a run is compared where nothing else is said: 60 days, in milliseconds.
pub(super) const SPAN: i64 = 60 * Timestamp::DAY;

/// Which run is meant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Which {
    /// The newest with a failure.
    #[default]
    NewestRed,
    /// That of these parts.
    Parts(Vec<PartId>),
    /// The run with this id, or the newest at the commit that begins so, or the part of this number.
    Named(String),
    /// All that began so many milliseconds before the newest part, or later.
    Since(i64),
}

/// A run with the past that it was judged from.
#[derive(Debug)]
pub struct Tried {
    /// The past, the run included.
    pub judged: Judged,
    /// The run's parts, as indices into the past's; rising.
    pub run: Vec<u32>,
    /// Its failures, the worst first.
    pub judgements: Vec<Judgement>,
}

impl Past {
    /// Judges a run. `None` where there is no such run.
    ///
    /// On the main branch and on `shared` ones (globs) a run answers for what came with its commit; on any other branch for all
    /// that the branch changed; a run that names no branch for all since the test last passed.
    ///
    /// # Errors
    /// The history cannot be read.
    pub(super) fn try_run(
        &self,
        which: &Which,
        branch: Option<&str>,
        shared: &globset::GlobSet,
        site: &Site,
        progress: &dyn Progress,
    ) -> Result<Option<Tried>, AppError> {
        let all = self.parts(&PastQuery::default())?;
        let Some(run) = pick(&all, which, branch) else {
            return Ok(None);
        };
        let newest = all.iter().filter(|part| run.contains(&part.part));
        let (from, to) = newest.fold((i64::MAX, i64::MIN), |(from, to), part| {
            (from.min(part.start.0), to.max(part.start.0))
        });
        let query = PastQuery {
            since: Some(lately::since(Timestamp(from), SPAN)),
            until: Some(Timestamp(to)),
            ..PastQuery::default()
        };
        let judged = match site.workspace() {
            Some(at) => self.assess_lately(&query, Some(at), at.cache(), progress)?,
            None => self.assess_with(&query, None, progress)?,
        };
        let index: Vec<u32> = (0..)
            .zip(&judged.parts)
            .filter(|(_, part)| run.contains(&part.part))
            .map(|(at, _)| at)
            .collect();
        let main = site
            .workspace()
            .and_then(|workspace| workspace.repo().default_branch());
        let range = |part: u32| {
            let part = part as usize;
            let branch = judged.parts[part].context.branch.as_deref();
            let is_main = match (&main, branch) {
                (Some(main), Some(branch)) => main == branch,
                (None, Some(_)) => judged.assessment.parts[part].line == 0,
                // Whose run it is cannot be told: it answers for everything.
                (_, None) => false,
            };
            if is_main || branch.is_some_and(|branch| shared.is_match(branch)) {
                Range::Commit
            } else {
                Range::Line
            }
        };
        let past = judge::Past {
            parts: &judged.parts,
            failing: &judged.failing,
            assessment: &judged.assessment,
            reaches: judged
                .reached
                .as_ref()
                .map(|reached| reached as &dyn Reaches),
            says: Some(&judged.sayings as &dyn Says),
        };
        let judgements = judge::judge(&past, &index, range);
        Ok(Some(Tried {
            judgements,
            run: index,
            judged,
        }))
    }
}

/// The parts that are meant.
fn pick(all: &[PastPart], which: &Which, branch: Option<&str>) -> Option<FxHashSet<PartId>> {
    let on_branch = |part: &&PastPart| {
        branch.is_none_or(|branch| part.context.branch.as_deref() == Some(branch))
    };
    let of_run = |run: RunId| all.iter().filter(move |part| part.run == run);
    let newest = |is: &dyn Fn(&PastPart) -> bool| {
        let found = all.iter().rev().filter(on_branch).find(|part| is(part))?;
        Some(of_run(found.run).map(|part| part.part).collect())
    };
    let found: FxHashSet<PartId> = match which {
        Which::NewestRed => newest(&|part| part.bad > 0)?,
        Which::Parts(parts) => {
            let asked: FxHashSet<PartId> = parts.iter().copied().collect();
            let known = all.iter().filter(|part| asked.contains(&part.part));
            known.map(|part| part.part).collect()
        }
        Which::Named(name) => newest(&|part| part.context.run_id.as_ref() == Some(name))
            .or_else(|| {
                let is = |part: &PastPart| {
                    let commit = part.context.commit.as_deref();
                    name.len() >= 4 && commit.is_some_and(|commit| commit.starts_with(name))
                };
                newest(&is)
            })
            .or_else(|| newest(&|part| part.part.0.to_string() == *name))?,
        Which::Since(span) => {
            let newest = all
                .iter()
                .filter(on_branch)
                .map(|part| part.start.0)
                .max()?;
            let recent = all.iter().filter(on_branch);
            let recent = recent.filter(|part| part.start.0 >= newest.saturating_sub(*span));
            recent.map(|part| part.part).collect()
        }
    };
    (!found.is_empty()).then_some(found)
}
