//! Coverage as the last layer of a selection: gathers what `select` judges with.

use std::collections::BTreeMap;

use super::measured::{Language, Places, is_lossy};
use super::per_test;
use super::{AppError, Granularity, Progress, Request, Workspace};
use crate::config::CoverageFile;
use crate::coverage;
use crate::graph::Graph;
use crate::lang::python::{felt, parameters};
use crate::model::{Node, ObjectId, Program, RepoPath, Suite};
use crate::repo::Side;
use crate::report::Covered;
use crate::select::{self, Evidence, Inputs, Reached, Region, Selection, Told};

impl Workspace {
    /// Drops from a selection the tests that met nothing of what changed since they were measured. Whatever is wrong with
    /// the coverage is told, and narrows nothing.
    pub(super) fn cover(
        &self,
        full: Selection,
        request: &Request,
        files: &[CoverageFile],
        head: &Side,
        progress: &dyn Progress,
    ) -> Result<(Selection, Covered), AppError> {
        let mut told = Covered::default();
        if request.changed_files.is_some() {
            told.warn(
                "a list of changed files does not say what changed since coverage was measured",
            );
            return Ok((full, told));
        }
        let Some(commit) = self.measured_at(files, &mut told) else {
            return Ok((full, told));
        };
        let at = Side::Commit(commit);
        let base_graph = self.graph(&at, progress)?;
        let change = self.repo().quick_change(&at, head)?;
        let reading = self.edits(&change, false, Granularity::Symbol)?;
        let head_graph = match change.is_empty() || !reading.relayout {
            true => None,
            false => Some(self.head_graph(&at, head, &change, progress)?),
        };
        let inputs = Inputs {
            base: &base_graph,
            head: head_graph.as_ref().unwrap_or(&base_graph),
            change: &change,
            edits: &reading.edits,
            rules: &self.config().rules,
        };
        let since = select::select(inputs);
        let mut gathered =
            self.gather(&since, inputs, &reading.units, [&at, head], true, progress)?;
        let measured = self.evidence(files, &at, &base_graph, gathered.base(), &mut told)?;
        if measured.is_empty() || full.selected().is_empty() {
            return Ok((full, told));
        }
        // tests of another language may read such a source in unseen ways
        if let [evidence] = &measured[..]
            && !evidence.is_cargo()
        {
            gathered.leave_out_what_nobody_ran(&since, &change, evidence);
        }
        told.whole.clone_from(&gathered.told);
        let finer = gathered.finer(inputs);
        let reached = self.lines_of(select::told_by_lines(&finer), [&at, head])?;
        let makers: Vec<Suite> = full
            .selected()
            .iter()
            .filter(|selected| !selected.complete)
            .map(|selected| selected.suite.clone())
            .collect();
        told.unmeasured = unmeasured(&full, &measured);
        let mut left = full;
        for evidence in &measured {
            let judged = select::judge(&finer, evidence, &reached);
            let floor = gathered.floor(inputs, &judged.rest, request.granularity, since.clone());
            let (narrowed, dropped) = select::drop(left, &floor, &judged, evidence);
            left = narrowed;
            told.dropped += dropped;
            told.tests += evidence.tests.len();
            told.regions.extend(judged.regions.iter().map(said));
        }
        let narrower = |suite: &&Suite| {
            let mut left = left.selected().iter();
            !left.any(|selected| selected.suite == **suite && !selected.narrowed)
        };
        let assumed = makers.iter().filter(narrower);
        told.assumed = assumed.map(ToString::to_string).collect();
        Ok((left, told))
    }

    /// The lines by which functions tell who feels their change.
    fn lines_of(
        &self,
        functions: BTreeMap<RepoPath, Vec<Told>>,
        sides: [&Side; 2],
    ) -> Result<Reached, AppError> {
        let mut found = Reached::new();
        if functions.is_empty() {
            return Ok(found);
        }
        let [base, head] = sides.map(|side| self.repo().snapshot(side));
        let (base, head) = (base?, head?);
        for (path, functions) in functions {
            let (Some(before), Some(after)) = (base.read(&path)?, head.read(&path)?) else {
                continue;
            };
            let (places, lines): (Vec<u32>, Vec<(u32, u32)>) = functions.into_iter().unzip();
            let spans = places.into_iter().zip(felt(&before, &after, &lines));
            // where no statement differs, what it finds under its names does
            let told = spans.filter_map(|(place, spans)| Some((place, spans?)));
            let told = told.filter(|(_, spans)| !spans.is_empty());
            found.insert(path, told.collect());
        }
        Ok(found)
    }

    /// The files that a selection reads: those of the request, else those of `tia.toml`.
    pub(super) fn coverage(&self, request: &Request) -> Vec<CoverageFile> {
        match &request.coverage {
            Some(files) => files.clone(),
            None => {
                let top = self.repo.work_dir().unwrap_or(self.repo.git_dir());
                let files = self.config().coverage.iter();
                let files = files.map(|file| CoverageFile {
                    file: top.join(&file.file),
                    ..file.clone()
                });
                files.collect()
            }
        }
    }

    /// The one commit at which all files were measured.
    fn measured_at(&self, files: &[CoverageFile], told: &mut Covered) -> Option<ObjectId> {
        let mut found: BTreeMap<ObjectId, String> = BTreeMap::new();
        for shown in files {
            let CoverageFile { file, at, .. } = shown;
            let mut note = per_test::directory(file)
                .unwrap_or_else(|| file.clone())
                .into_os_string();
            note.push(".commit");
            let beside = || {
                let text = std::fs::read_to_string(&note).ok()?;
                Some(text.lines().next()?.trim().to_owned())
            };
            let Some(revision) = at.clone().or_else(beside) else {
                told.warn(format!(
                    "it is not said at which commit {shown} was measured: give `{0}@COMMIT`, or write the commit to `{1}`",
                    file.display(),
                    note.display()
                ));
                return None;
            };
            match self.repo().resolve(&revision) {
                Ok(commit) => found.insert(commit, revision),
                Err(_) => {
                    told.warn(format!(
                        "`{revision}`, at which {shown} was measured, is not in this clone"
                    ));
                    return None;
                }
            };
        }
        if found.len() > 1 {
            told.warn("the files were measured at different commits");
            return None;
        }
        let (commit, words) = found.into_iter().next()?;
        told.measured_at = words;
        Some(commit)
    }

    /// All files, laid over the tests and paths of the measured commit: what is of each language whose tests were measured.
    fn evidence(
        &self,
        files: &[CoverageFile],
        at: &Side,
        graph: &Graph,
        program: &Program,
        told: &mut Covered,
    ) -> Result<Vec<Evidence>, AppError> {
        let snapshot = self.repo().snapshot(at)?;
        let cases = graph.iter().filter_map(|(_, node, info)| match node {
            Node::Test(suite) => Some((suite, info.cases.as_slice())),
            _ => None,
        });
        let paths = snapshot.tree.entries().iter().map(|(path, _)| path);
        let chosen = program
            .units
            .iter()
            .any(|unit| parameters::leaves_out(&unit.name));
        let apart = |file: &RepoPath| {
            let source = || snapshot.read(file).ok().flatten();
            !chosen && source().is_some_and(|source| parameters::are_alike(&source))
        };
        let places = Places::new(paths, cases, apart);
        let mut all = Vec::new();
        for shown in files {
            let found = per_test::files(&shown.file);
            if found.is_empty() {
                told.warn(format!("no file is named like {shown}"));
            }
            for (file, test) in found {
                let place = match test {
                    Some(_) => format!("`{}`", file.display()),
                    None => shown.to_string(),
                };
                let bytes = match std::fs::read(&file) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        told.warn(format!("cannot read {place}: {error}"));
                        continue;
                    }
                };
                match coverage::read(&bytes, test.as_deref()) {
                    Ok(measured) => all.push(measured),
                    Err(error) => {
                        let mut words = format!("{place} {error}");
                        if let Some(source) = std::error::Error::source(&error) {
                            words = format!("{words}: {source}");
                        }
                        told.warn(words);
                    }
                }
            }
        }
        let names = all.iter().flat_map(|measured| &measured.files);
        let roots = places.roots(names.map(String::as_str));
        let mut found = Vec::new();
        for language in [Language::Python, Language::Rust] {
            let mut evidence = Evidence::default();
            for measured in &all {
                places.lay(measured, &roots, language, &mut evidence);
            }
            // of Cargo's each is measured by itself
            if language == Language::Python && is_lossy(&evidence) {
                told.warn(
                    "each line is recorded for one test only: measure with `COVERAGE_CORE=ctrace`, or with another version",
                );
            } else if !evidence.tests.is_empty() {
                found.push(evidence);
            }
        }
        if found.is_empty() && told.warnings.is_empty() {
            told.warn("no test of the measured commit is named in it");
        }
        Ok(found)
    }
}

/// The selected suites with cases that were not measured.
fn unmeasured(selection: &Selection, measured: &[Evidence]) -> Vec<String> {
    let mut known: BTreeMap<&Suite, Vec<&str>> = BTreeMap::new();
    for (suite, case) in measured.iter().flat_map(|evidence| &evidence.tests) {
        known.entry(suite).or_default().push(case);
    }
    let selected = selection.selected().iter();
    let lacking = selected.filter(|selected| {
        let suite = &selected.suite;
        let Some(own) = known.get(suite) else {
            return true;
        };
        let is_known = |case: &String| {
            let mut own = own.iter();
            own.any(|other| select::is_or_holds(suite, case, other))
        };
        !selected.cases.iter().all(is_known)
    });
    lacking.map(|selected| selected.suite.to_string()).collect()
}

fn said(region: &Region) -> (String, Result<usize, String>) {
    let reaches = region.reaches.as_ref();
    (
        region.to_string(),
        reaches.map(|tests| tests.len()).map_err(Clone::clone),
    )
}
