//! What is known of a run, from those who may know it: the user, the report, CI, git, this machine.

use super::{IngestRequest, machine};
use crate::app::AppError;
use crate::model::{RunContext, Timestamp};
use crate::repo::{HeadCommit, Repo};

/// Reports that end this long before the present, in milliseconds, are taken to be of what is checked out now.
const FRESH: i64 = Timestamp::DAY;

/// Puts together what is known of a run.
#[derive(Debug)]
pub(super) struct Contexts<'a> {
    given: &'a RunContext,
    ci: &'a RunContext,
    here: Option<RunContext>,
    head: Option<HeadCommit>,
    now: Timestamp,
}

impl<'a> Contexts<'a> {
    pub(super) fn new(request: &'a IngestRequest, repo: Option<&Repo>) -> Result<Self, AppError> {
        Ok(Self {
            given: &request.given,
            ci: &request.ci,
            here: request.here.then(machine::here),
            head: match repo {
                Some(repo) => repo.head_commit()?,
                None => None,
            },
            now: request.now,
        })
    }

    /// The run that is known whatever the report says.
    pub(super) fn run_hint(&self) -> Option<&str> {
        let given = self.given.run_id.as_deref();
        given.or(self.ci.run_id.as_deref())
    }

    /// The context of a report that says `reported`. The user beats the report, the report beats CI, CI beats git.
    ///
    /// CI and git speak of this moment. They are believed only where the report is of this moment, too: where it names
    /// no other commit or run, and began no earlier than the commit was made.
    pub(super) fn of(&self, reported: &RunContext) -> RunContext {
        let mut context = self.given.clone();
        context.fill(reported);
        if agrees(&context, self.ci) {
            context.fill(self.ci);
        }
        if let Some(here) = &self.here {
            context.fill(here);
        }
        if context.commit.is_none()
            && let Some(head) = &self.head
            && self.is_of(head, context.start)
        {
            context.commit = Some(head.commit.to_string());
            if context.branch.is_none() {
                context.branch.clone_from(&head.branch);
            }
        }
        context
    }

    /// Whether a run that began then can be of the commit that is checked out now.
    fn is_of(&self, head: &HeadCommit, start: Option<Timestamp>) -> bool {
        start.is_none_or(|start| start >= head.committed && start.0 >= self.now.0 - FRESH)
    }
}

/// Whether CI's run can be the run of this context: it names no other commit or run.
fn agrees(context: &RunContext, ci: &RunContext) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
        _ => true,
    };
    same(&context.commit, &ci.commit) && same(&context.run_id, &ci.run_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectId;

    fn contexts<'a>(request: &'a IngestRequest, committed: i64) -> Contexts<'a> {
        Contexts {
            given: &request.given,
            ci: &request.ci,
            here: None,
            head: Some(HeadCommit {
                commit: ObjectId([0xab; 20]),
                branch: Some("main".into()),
                committed: Timestamp(committed),
            }),
            now: Timestamp(10 * Timestamp::DAY),
        }
    }

    fn started(day: i64) -> RunContext {
        RunContext {
            start: Some(Timestamp(day * Timestamp::DAY)),
            ..RunContext::default()
        }
    }

    #[test]
    fn git_is_believed_for_fresh_reports_only() {
        let request = IngestRequest::default();
        let commit = |committed: i64, start: i64| {
            let contexts = contexts(&request, committed * Timestamp::DAY);
            contexts.of(&started(start)).commit.is_some()
        };
        assert!(commit(8, 9), "began after the commit, a day ago");
        assert!(!commit(8, 7), "began before the commit was made");
        assert!(!commit(2, 5), "is from another week");
    }

    #[test]
    fn ci_is_not_believed_about_a_report_that_names_another_run() {
        let mut request = IngestRequest::default();
        request.ci.run_id = Some("7".into());
        request.ci.branch = Some("fix".into());
        let contexts = contexts(&request, 0);
        let mut other = started(10);
        other.run_id = Some("3".into());
        assert_eq!(
            contexts.of(&other).branch.as_deref(),
            Some("main"),
            "from git"
        );
        assert_eq!(contexts.of(&started(10)).branch.as_deref(), Some("fix"));
    }

    #[test]
    fn the_user_beats_the_report() {
        let mut request = IngestRequest::default();
        request.given.commit = Some("mine".into());
        let reported = RunContext {
            commit: Some("theirs".into()),
            job: Some("unit".into()),
            ..RunContext::default()
        };
        let context = contexts(&request, 0).of(&reported);
        assert_eq!(
            (context.commit.as_deref(), context.job.as_deref()),
            (Some("mine"), Some("unit"))
        );
    }
}
