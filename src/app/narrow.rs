//! From whole files to definitions: gathers what `select` narrows with.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{AppError, Granularity, Progress, Workspace, layout};
use crate::graph::Graph;
use crate::lang::python::{defaulted, occurrences};
use crate::lang::{self, UnitChange};
use crate::model::{Attributed, Change, ChangeKind, Entry, Node, PathChange, Program, RepoPath};
use crate::repo::Side;
use crate::select::{
    self, Callable, Calls, Cause, Edit, Evidence, Finer, Inputs, NamedAt, Namers, Selection,
};

/// What a finer layer looks at, as far as it can be told from a change.
pub(super) struct Gathered {
    /// The files whose change is attributed to definitions.
    files: BTreeMap<RepoPath, Attributed>,
    /// Those among them in which code moved to other lines.
    moved: BTreeSet<RepoPath>,
    /// Data files that changed, and files of code whose bytes somebody may read, each with the files that name it.
    data: BTreeMap<RepoPath, Namers>,
    /// Files whose change is not, with the reason.
    pub(super) told: Vec<(RepoPath, String)>,
    /// The functions of which nothing but defaults differs.
    calls: Calls,
    base: Program,
    /// The same as the base where nothing differs but inside of definitions.
    head: Option<Program>,
}

impl Gathered {
    /// What is narrowed with.
    pub(super) fn finer<'a>(&'a self, inputs: Inputs<'a>) -> Finer<'a> {
        self.with(inputs, &self.files)
    }

    /// The program of the base.
    pub(super) fn base(&self) -> &Program {
        &self.base
    }

    fn head(&self) -> &Program {
        self.head.as_ref().unwrap_or(&self.base)
    }

    fn with<'a>(
        &'a self,
        inputs: Inputs<'a>,
        files: &'a BTreeMap<RepoPath, Attributed>,
    ) -> Finer<'a> {
        Finer {
            base: (inputs.base, &self.base),
            head: (inputs.head, self.head()),
            files,
            calls: &self.calls,
        }
    }

    /// Attributes a data file, or the bytes of a file of code, to the definitions that name it, where that is all who read it.
    fn attribute_data(
        &mut self,
        path: &RepoPath,
        inputs: Inputs<'_>,
        loaded: &dyn Fn(&RepoPath) -> bool,
    ) {
        let sides = [(inputs.base, &self.base), (inputs.head, self.head())];
        let code = lang::of(path).is_some();
        let [Some(before), Some(after)] =
            sides.map(|side| select::namers(side, path, code, loaded))
        else {
            return;
        };
        let mut changed = inputs.change.paths.iter().map(|change| &change.path);
        // one that changed, too, has other places in each version
        if changed.any(|changed| before.contains_key(changed)) || before != after {
            return;
        }
        for (namer, places) in &before {
            let own = self.files.entry(namer.clone()).or_default();
            let Some(places) = places else {
                own.data = true;
                continue;
            };
            let units = &mut own.units;
            units.extend(places.iter().map(|place| (Some(*place), Some(*place))));
            units.sort_unstable();
            units.dedup();
        }
        self.data.insert(path.clone(), before);
    }

    /// What may be affected in other ways than by definitions; with `rest` as if it were not attributed. Who names data where it is `loaded`
    /// counts as a whole.
    fn others(
        &self,
        inputs: Inputs<'_>,
        rest: &BTreeMap<RepoPath, Attributed>,
        loaded: impl Fn(&RepoPath) -> bool,
    ) -> Selection {
        let mut change = inputs.change.clone();
        let mut as_whole: Vec<PathChange> = Vec::new();
        change.paths.retain(|changed| {
            let Some(namers) = self.data.get(&changed.path) else {
                return true;
            };
            if rest.contains_key(&changed.path)
                || namers.keys().any(|namer| rest.contains_key(namer))
            {
                return true;
            }
            // as if the file had changed that names it where it is loaded
            let whole = namers.iter();
            let whole = whole.filter(|(path, places)| places.is_none() && loaded(path));
            as_whole.extend(whole.map(|(path, _)| PathChange {
                path: path.clone(),
                ..changed.clone()
            }));
            false
        });
        let whole: BTreeSet<RepoPath> = as_whole.iter().map(|one| one.path.clone()).collect();
        change.paths.append(&mut as_whole);
        let mut edits = inputs.edits.clone();
        let files = self.files.keys();
        for path in files.filter(|path| !(rest.contains_key(path) || whole.contains(path))) {
            let edit = if self.moved.contains(path) {
                Edit::MovedLines
            } else {
                Edit::Comment
            };
            edits.insert(path.clone(), edit);
        }
        select::select(Inputs {
            edits: &edits,
            change: &change,
            ..inputs
        })
    }

    /// Takes for attributed, with no definition that differs, what coverage had in sight and nobody ran: sources that no test is seen to
    /// reach.
    pub(super) fn leave_out_what_nobody_ran(
        &mut self,
        full: &Selection,
        change: &Change,
        evidence: &Evidence,
    ) {
        let unreached = full.fallbacks().iter();
        let unreached = unreached.filter(|fallback| fallback.cause == Cause::Unreached);
        for path in unreached.map(|fallback| &fallback.path) {
            let modified =
                |one: &PathChange| one.path == *path && one.kind() == ChangeKind::Modified;
            if path.extension() == b"py"
                && change.paths.iter().any(modified)
                && evidence.never_ran(path)
            {
                self.files.insert(path.clone(), Attributed::default());
                self.told.retain(|(told, _)| told != path);
            }
        }
    }

    /// What may be affected by what coverage leaves: the `rest`, and all that is not attributed.
    pub(super) fn floor(
        &self,
        inputs: Inputs<'_>,
        rest: &BTreeMap<RepoPath, Attributed>,
        granularity: Granularity,
        full: Selection,
    ) -> Selection {
        let loaded = |path: &RepoPath| rest.get(path).is_some_and(|left| left.data);
        if granularity == Granularity::File || rest.is_empty() {
            return self.others(inputs, rest, loaded);
        }
        let others = self.others(inputs, &BTreeMap::new(), loaded);
        select::narrow(full, &others, &self.with(inputs, rest))
    }
}

impl Workspace {
    /// Drops from a selection the tests that cannot reach any changed definition.
    ///
    /// Cost: nothing where no change can be attributed; else the facts of all files, and a walk per selected suite.
    pub(super) fn narrow(
        &self,
        full: Selection,
        inputs: Inputs<'_>,
        units: &HashMap<RepoPath, UnitChange>,
        sides: [&Side; 2],
        progress: &dyn Progress,
    ) -> Result<(Selection, Vec<(RepoPath, String)>), AppError> {
        let gathered = self.gather(&full, inputs, units, sides, false, progress)?;
        if gathered.files.is_empty() || full.selected().is_empty() {
            return Ok((full, gathered.told));
        }
        let floor = gathered.others(inputs, &BTreeMap::new(), |_| true);
        let narrowed = select::narrow(full, &floor, &gathered.finer(inputs));
        Ok((narrowed, gathered.told))
    }

    /// Attributes a change to definitions, and puts together the programs that the selected suites can load: both where the `lines` of
    /// each count.
    pub(super) fn gather(
        &self,
        full: &Selection,
        inputs: Inputs<'_>,
        units: &HashMap<RepoPath, UnitChange>,
        sides: [&Side; 2],
        lines: bool,
        progress: &dyn Progress,
    ) -> Result<Gathered, AppError> {
        let mut found = Gathered {
            files: BTreeMap::new(),
            moved: BTreeSet::new(),
            data: BTreeMap::new(),
            told: Vec::new(),
            calls: Calls::new(),
            base: Program::default(),
            head: None,
        };
        let fallen: BTreeSet<&RepoPath> = full
            .fallbacks()
            .iter()
            .map(|fallback| &fallback.path)
            .collect();
        for (path, change) in units {
            let attributed = match change {
                UnitChange::Units(attributed) => attributed,
                UnitChange::Whole(why) => {
                    found.told.push((path.clone(), why.clone()));
                    continue;
                }
            };
            if fallen.contains(path) || inputs.rules.first_match(path).is_some() {
                continue;
            }
            if attributed.moved {
                found.moved.insert(path.clone());
            }
            found.files.insert(path.clone(), attributed.clone());
        }
        let is_data = |change: &&PathChange| {
            let path = &change.path;
            let plain =
                |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.mode.is_file());
            change.kind() == ChangeKind::Modified
                && plain(&change.before)
                && plain(&change.after)
                && lang::of(path).is_none()
                && !inputs.edits.contains_key(path)
                && !fallen.contains(path)
                && inputs.rules.first_match(path).is_none()
        };
        let data: Vec<&RepoPath> = inputs
            .change
            .paths
            .iter()
            .filter(is_data)
            .map(|change| &change.path)
            .collect();
        let attributed = !found.files.is_empty() || !data.is_empty();
        if attributed && !full.selected().is_empty() {
            let wanted = loaded(full, &[inputs.base, inputs.head]);
            // what differs inside of definitions alone is found from the older version
            let inside = !lines && found.files.values().all(Attributed::is_inside);
            let sides = if inside { &sides[..1] } else { &sides[..] };
            let mut programs = self.programs(sides, &wanted, progress)?.into_iter();
            found.base = programs.next().unwrap_or_default();
            found.head = programs.next();
            let wanted = |path: &RepoPath| wanted.contains(path);
            let code: Vec<RepoPath> = found.files.keys().cloned().collect();
            let code = code
                .iter()
                .filter(|path| path.extension() == b"py" && !found.moved.contains(path));
            let code: Vec<&RepoPath> = code.collect();
            for path in data.into_iter().chain(code) {
                found.attribute_data(path, inputs, &wanted);
            }
            let told = select::unattributable(&found.finer(inputs));
            for (path, _) in &told {
                found.files.remove(path);
                found.data.remove(path);
                found.data.retain(|_, namers| !namers.contains_key(path));
            }
            found.told.extend(told);
            let defaulted = select::told_by_calls(&found.finer(inputs));
            found.calls = self.calls_of(defaulted, sides)?;
        }
        found.told.sort();
        found.told.dedup();
        Ok(found)
    }

    /// Where functions of which nothing but defaults differs are named.
    fn calls_of(
        &self,
        functions: BTreeMap<RepoPath, Vec<Callable>>,
        sides: &[&Side],
    ) -> Result<Calls, AppError> {
        let mut found = Calls::new();
        let (false, [base, head]) = (functions.is_empty(), sides) else {
            return Ok(found);
        };
        let (older, newer) = (self.repo.snapshot(base)?, self.repo.snapshot(head)?);
        for (path, functions) in functions {
            let (Some(before), Some(after)) = (older.read(&path)?, newer.read(&path)?) else {
                continue;
            };
            for function in functions {
                let (lines, is_method) = (function.lines, function.is_method);
                let Some(defaulted) = defaulted(&before, &after, lines, is_method) else {
                    continue;
                };
                let mut named = NamedAt::default();
                for namer in function.namers {
                    let source = older.read(&namer)?;
                    let found = source.and_then(|source| occurrences(&source, &defaulted));
                    named.extend(found.map(|found| (namer, found)));
                }
                let own = found.entry(path.clone()).or_default();
                own.insert(function.place, named);
            }
        }
        Ok(found)
    }

    /// For each side, the older first, the program that its wanted files make. That of the first is kept: it stays while files are edited.
    pub(super) fn programs(
        &self,
        sides: &[&Side],
        wanted: &BTreeSet<RepoPath>,
        progress: &dyn Progress,
    ) -> Result<Vec<Program>, AppError> {
        let Some((first, others)) = sides.split_first() else {
            return Ok(Vec::new());
        };
        let key = self.key(first)?;
        let key = key.map(|graph| layout::program_key(graph, wanted));
        let kept = key.and_then(|key| self.cache.program(key));
        let missing = if kept.is_some() { others } else { sides };
        if missing.is_empty() {
            return Ok(Vec::from_iter(kept));
        }
        let mut snapshots = Vec::with_capacity(missing.len());
        for side in missing {
            snapshots.push(self.repo.snapshot(side)?);
        }
        let blobs: Vec<_> = snapshots.iter().map(|snapshot| snapshot.blobs()).collect();
        let reads: Vec<_> = blobs
            .iter()
            .map(|blobs| move |path: &RepoPath, blob| Ok(blobs.read(&blob, Some(path))?))
            .collect();
        let sources = snapshots.iter().zip(&reads);
        let sources = sources.map(|(snapshot, read)| (&snapshot.tree, read as &layout::Read<'_>));
        let sources: Vec<layout::Source<'_>> = sources.collect();
        let made = layout::programs(&sources, &self.cache, wanted, progress)?;
        if let (Some(key), None, Some(first)) = (key, &kept, made.first()) {
            self.cache.keep_program(key, first);
        }
        Ok(kept.into_iter().chain(made).collect())
    }
}

/// The files that the selected suites can load.
pub(super) fn loaded(selection: &Selection, graphs: &[&Graph]) -> BTreeSet<RepoPath> {
    let mut found = BTreeSet::new();
    for graph in graphs {
        let suites = selection.selected().iter();
        let suites = suites.filter_map(|selected| graph.find(&Node::Test(selected.suite.clone())));
        for id in graph.closure_of(suites) {
            if let Node::Path(path) = graph.node(id) {
                found.insert(path.clone());
            }
        }
    }
    found
}
