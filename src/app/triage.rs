//! `tia triage`: the build cop's view of a run.

use std::path::Path;

use super::gate::shared;
use super::site::Site;
use super::tried::Which;
use super::{AppError, Past, Progress};
use crate::model::Timestamp;
use crate::report::triage::{Cause, View};

/// Causes are looked for in the runs of so many milliseconds before the newest.
const RECENT: i64 = 14 * Timestamp::DAY;

impl Past {
    /// The causes of a run's failures, the most damage first; `None` where no run is like that.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn triage(
        &self,
        directory: &Path,
        no_cache: bool,
        which: &Which,
        branch: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Option<View>, AppError> {
        let mut site = Site::with_settings(directory, no_cache)?;
        let shared = match site.workspace() {
            Some(workspace) => shared(workspace.config())?,
            None => globset::GlobSet::empty(),
        };
        let tried = self.try_run(which, branch, &shared, &site, progress)?;
        tried
            .map(|tried| self.view(&tried, &mut site, progress))
            .transpose()
    }

    /// The cause that an id of `tia triage` stands for, among those of the last two weeks; `None` where none is named so.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn cause(
        &self,
        directory: &Path,
        no_cache: bool,
        id: &str,
        progress: &dyn Progress,
    ) -> Result<Option<Cause>, AppError> {
        let is_id = id.len() == 11 && id.starts_with('c');
        if !is_id || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        for which in [Which::NewestRed, Which::Since(RECENT)] {
            let view = self.triage(directory, no_cache, &which, None, progress)?;
            let causes = view.into_iter().flat_map(|view| view.causes);
            let mut causes: Vec<Cause> = causes.filter(|cause| cause.id == id).collect();
            // One text may have several verdicts: what is broken has somebody who did it.
            causes.sort_by_key(|cause| cause.verdict);
            if let Some(cause) = causes.into_iter().next() {
                return Ok(Some(cause));
            }
        }
        Ok(None)
    }
}
