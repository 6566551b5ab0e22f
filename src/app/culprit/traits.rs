//! What the dependency graph says of the commits of a range: whether and how near each reaches a test.

use super::super::reached::Walk;
use super::super::{AppError, Progress, Workspace};
use crate::graph::Graph;
use crate::lang::Tests;
use crate::model::{Node, ObjectId, Suite, TestId, Variant};
use crate::repo::Commit;
use crate::select::{Reason, Selection};
use crate::triage::culprit::prior::Traits;

impl Workspace {
    /// The traits of each of these commits (in order, the first made from `base`) with regard to the first of the tests;
    /// the others are those that broke in the same run. What cannot be read is unknown.
    ///
    /// Cost: one selection a commit, and one graph where edges changed.
    pub(super) fn traits(
        &self,
        base: ObjectId,
        commits: &[Commit],
        tests: &[(TestId, Variant)],
        progress: &dyn Progress,
    ) -> Vec<Traits> {
        let unknown = Traits::default();
        let mut traits = vec![unknown; commits.len()];
        let Some(newest) = commits.last() else {
            return traits;
        };
        let mut walk = Walk::new(self);
        if walk.hold(newest.id).is_err() {
            return traits;
        }
        let mut of = vec![None; tests.len()];
        let suites = walk.suites(tests, &mut of);
        let suite = |number: &Option<u32>| number.and_then(|number| suites.get(number as usize));
        progress.start("asking the graph of each commit", commits.len() as u64);
        for at in (0..commits.len()).rev() {
            progress.advance();
            let before = match at.checked_sub(1) {
                Some(before) => commits[before].id,
                None => base,
            };
            if let Ok(change) = self.files(before, commits[at].id) {
                traits[at].files = change;
            }
            let found = walk.select(before, commits[at].id, |selection, older, newer| {
                let look =
                    |number| suite(number).map(|suite| look(selection, [older, newer], suite));
                of.iter().map(look).collect::<Vec<_>>()
            });
            let Ok(Some(found)) = found else { continue };
            if let Some((Some(own), others)) = found.split_first() {
                traits[at].reaches = own.reaches;
                traits[at].distance = own.distance;
                let others = others.iter();
                traits[at].others = others.map(|one| one.as_ref()?.reaches).collect();
            }
        }
        progress.finish();
        traits
    }

    fn files(&self, before: ObjectId, after: ObjectId) -> Result<u32, AppError> {
        use crate::repo::Side;
        let (base, head) = (Side::Commit(before), Side::Commit(after));
        let change = self.repo.quick_change(&base, &head)?;
        Ok(change.paths.len() as u32)
    }

    /// A test as its runner names it: `file::case` for pytest, the path of the function for `cargo test`; `None` where the
    /// graph of the commit does not have it.
    pub(super) fn runner_name(&self, commit: ObjectId, test: &TestId) -> Option<String> {
        let mut walk = Walk::new(self);
        walk.hold(commit).ok()?;
        walk.graph().and_then(|graph| {
            let known = Tests::new(graph.iter().filter_map(|(id, node, info)| match node {
                Node::Test(suite) if graph.is_live(id) => Some((suite, info.cases.as_slice())),
                _ => None,
            }));
            let joined = known.join(test)?;
            let params = match test.params() {
                "" => String::new(),
                params if params.starts_with('#') => String::new(),
                params => format!("[{params}]"),
            };
            Some(match joined.suite {
                Suite::Python { file } => format!("{file}::{}{params}", joined.case),
                Suite::Cargo { .. } => joined.case.clone(),
            })
        })
    }
}

/// How a change meets a suite.
struct Meets {
    reaches: Option<bool>,
    distance: Option<u32>,
}

fn look(selection: &Selection, [older, newer]: [&Graph; 2], suite: &Suite) -> Meets {
    let selected = selection.selected();
    let Ok(at) = selected.binary_search_by(|one| one.suite.cmp(suite)) else {
        let known = newer.find(&Node::Test(suite.clone())).is_some();
        return Meets {
            reaches: known.then_some(false),
            distance: None,
        };
    };
    let distance = match &selected[at].reason {
        Reason::Affected(trail) => Some(trail.chain(older, newer).links.len() as u32),
        Reason::Everything(_) | Reason::Ruled(_) | Reason::Recorded(_) => None,
    };
    Meets {
        reaches: Some(true),
        distance,
    }
}
