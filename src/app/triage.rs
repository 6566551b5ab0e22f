//! `tia triage`: the build cop's view of a run.

use std::path::Path;

use super::gate::shared;
use super::site::Site;
use super::tried::Which;
use super::{AppError, Past, Progress};
use crate::report::triage::View;

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
        let mut site = Site::open(directory, no_cache);
        let shared = match site.workspace() {
            Some(workspace) => shared(workspace.config())?,
            None => globset::GlobSet::empty(),
        };
        let tried = self.try_run(which, branch, &shared, &site, progress)?;
        tried
            .map(|tried| self.view(&tried, &mut site, progress))
            .transpose()
    }
}
