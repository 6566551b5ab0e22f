//! Bazel's `test.xml` where a test writes none of its own: one case per target or shard, named for the binary, without a class; the
//! time is in whole seconds and said twice. A failure is an error "exited with error code N"; the log stands behind the case.
//!
//! The tries of a flaky target are files of their own, `attempt_N.xml`: whoever joins the files of a run has to join them.

use super::{Dialect, Identity};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `bazel`.
pub(super) struct Bazel;

impl Dialect for Bazel {
    fn name(&self) -> &'static str {
        "bazel"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.many().is_some()
            && head.case.has("duration")
            && !head.case.has_class
            && head
                .suite()
                .is_some_and(|suite| suite.name == head.case.name)
    }

    fn repeats(&self) -> Repeats {
        Repeats::Attempts
    }

    fn output_follows_the_case(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        Identity {
            suite: Vec::new(),
            ..Identity::of(case, suites)
        }
    }
}
