//! What coverage may drop, and the proof it needs.
//!
//! A test that was measured at a commit, and in that run met nothing of what changed since, does again what it did: it
//! passes. So a test is dropped only where every change since *the measured commit* that could reach it lies in
//! definitions ([`judge`] says whom each of them can change), where none of its measured lines lies in them, and where
//! coverage could see all that it did. Everything else is as the layer below says.

mod cargo;
mod collected;
mod felt;
mod finders;
mod holders;
mod lasting;
mod left_out;
mod ran;
mod users;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::narrow::loads;
use super::{Finer, Selected, Selection};
use crate::model::{Attributed, Bits, Both, Program, RepoPath, Suite, UnitId};
use felt::Part;
use ran::Ran;

/// Coverage, laid over the repository as it was at the measured commit.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The measured tests: the suite, and the case spelled below it. Sorted, each once, all of one language.
    pub tests: Vec<(Suite, String)>,
    /// For each measured file who ran which of its lines: a test by place, or nobody that can be named.
    pub files: BTreeMap<RepoPath, Vec<(Option<u32>, Bits)>>,
    /// The same for what ran around tests, where that is told apart: while one was set up or torn down.
    pub around: BTreeMap<RepoPath, Vec<(u32, Bits)>>,
    /// For each measured file the lines that would show if they ran, where that is told.
    pub seen: BTreeMap<RepoPath, Bits>,
    /// Some test was measured as a whole: what ran while it was set up may count as run by nobody.
    pub as_a_whole: bool,
}

impl Evidence {
    /// Whether a file may have run without a trace: it lies beside and below no file that was measured. One that does was
    /// looked at, too.
    pub fn out_of_sight(&self, path: &RepoPath) -> bool {
        let mut measured = self.files.keys();
        !measured.any(|file| {
            file.parent()
                .is_some_and(|folder| !folder.is_root() && path.is_under(&folder))
        })
    }

    /// Whether the tests are Cargo's.
    pub fn is_cargo(&self) -> bool {
        let first = self.tests.first();
        first.is_some_and(|(suite, _)| matches!(suite, Suite::Cargo { .. }))
    }

    /// Who ran one of these lines of a file; whether somebody did outside of tests. `None` where the file was not measured.
    fn ran(&self, path: &RepoPath, spans: &[(u32, u32)]) -> Option<(Bits, bool)> {
        let mut found = (Bits::default(), false);
        for (test, lines) in self.files.get(path)? {
            let mut spans = spans.iter();
            if spans.any(|(first, last)| lines.meets(*first..=*last)) {
                match test {
                    Some(test) => found.0.insert(*test),
                    None => found.1 = true,
                }
            }
        }
        Some(found)
    }

    /// Whether a file was in sight, and nobody ran any of it.
    pub fn never_ran(&self, path: &RepoPath) -> bool {
        !self.files.contains_key(path) && !self.out_of_sight(path)
    }
}

/// What coverage says of a change.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Each definition that differs from the measured commit, sorted.
    pub regions: Vec<Region>,
    /// What is left for the layer below: by file the definitions that coverage cannot judge.
    pub rest: BTreeMap<RepoPath, Attributed>,
    /// Tests that do what coverage cannot follow, with what.
    pub blind: Vec<(Bits, &'static str)>,
    /// Members of classes are new or gone: who inherits them may have other tests.
    pub members_differ: bool,
}

/// A definition that differs from the measured commit.
#[derive(Clone, Debug)]
pub struct Region {
    /// Its file.
    pub path: RepoPath,
    /// Its first line at the measured commit; in the head where it is new.
    pub line: u32,
    /// Its qualified name.
    pub name: String,
    /// The tests that it can change, by place in [`Evidence::tests`]; or why coverage cannot tell.
    pub reaches: Result<Bits, String>,
}

const ONLY_PYTHON: &str = "coverage is followed in Python files alone";

/// For functions of the measured program, by file and place in it, the lines of which whoever feels their change ran one.
pub type Reached = BTreeMap<RepoPath, BTreeMap<u32, Vec<(u32, u32)>>>;

/// The names that packages have by what one version of a file loads and the other does not, each with the file of the package.
fn in_packages(finer: &Finer<'_>, path: &RepoPath, change: &Attributed) -> Vec<(RepoPath, String)> {
    let sides = [finer.base.1, finer.head.1].into_iter();
    let named = sides.flat_map(|program| {
        let named = loads::named(change, path, program).into_iter();
        named.map(|(parent, name)| {
            (
                program.modules[parent as usize].path.clone(),
                name.to_owned(),
            )
        })
    });
    let mut found: Vec<(RepoPath, String)> = named.collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A function by its place at the measured commit, with its first line there and in the head.
pub type Told = (u32, (u32, u32));

/// The functions of which more can be told line by line, by file: their bodies differ, and nothing else of them or of what the file
/// imports.
pub fn told_by_lines(finer: &Finer<'_>) -> BTreeMap<RepoPath, Vec<Told>> {
    let mut found: BTreeMap<RepoPath, Vec<Told>> = BTreeMap::new();
    for (path, change) in finer.files {
        if !change.names.is_empty() || path.extension() != b"py" {
            continue;
        }
        let line = |program: &Program, at: u32| {
            let module = program.modules.iter().find(|module| module.path == *path)?;
            let unit = &program.units[(module.first + at) as usize];
            (!unit.is_value).then_some(unit.lines.0)
        };
        for both in change
            .units
            .iter()
            .filter(|both| !change.heads.contains(both))
        {
            if let (Some(was), Some(is)) = both
                && let Some(first) = line(finer.base.1, *was)
                && let Some(now) = line(finer.head.1, *is)
            {
                let all = found.entry(path.clone()).or_default();
                all.push((*was, (first, now)));
            }
        }
    }
    found
}

/// Judges each definition that differs between the measured commit (the base of `finer`) and the head, some of them by lines.
///
/// Cost: for each definition one pass over the program and over the contexts of the files that use it.
pub fn judge(finer: &Finer<'_>, evidence: &Evidence, reached: &Reached) -> Judgement {
    if evidence.is_cargo() {
        return cargo::judge(finer, evidence);
    }
    let ran = Ran::new(finer, evidence, reached);
    let mut judged = Judgement {
        blind: ran.blind(),
        members_differ: members_differ(finer),
        ..Judgement::default()
    };
    let unseen = ran.unseen();
    for (path, change) in finer.files {
        let packages = in_packages(finer, path, change);
        if !(change.names.is_empty() && packages.is_empty()) {
            let reaches = match &unseen {
                Some(why) => Err(why.clone()),
                None if path.extension() != b"py" => Err(ONLY_PYTHON.to_owned()),
                None => {
                    let own = std::iter::once((path, change.names.clone()));
                    let all = own.chain(
                        packages
                            .iter()
                            .map(|(path, name)| (path, vec![name.clone()])),
                    );
                    all.into_iter()
                        .try_fold(Bits::default(), |mut found, (path, names)| {
                            found.extend(&ran.asked(path, &names)?);
                            Ok(found)
                        })
                }
            };
            let left = reaches.is_err();
            let names = change
                .names
                .iter()
                .chain(packages.iter().map(|(_, name)| name));
            judged.regions.push(Region {
                path: path.clone(),
                line: 1,
                name: names.map(String::as_str).collect::<Vec<_>>().join(", "),
                reaches,
            });
            if left {
                judged.rest.insert(path.clone(), change.clone());
                continue;
            }
        }
        if evidence.never_ran(path) && change.units.is_empty() && change.docs.is_empty() {
            judged.regions.push(Region {
                path: path.clone(),
                line: 1,
                name: "ran in no test".to_owned(),
                reaches: Ok(Bits::default()),
            });
        }
        let mut left = Attributed::default();
        if change.data {
            let reaches = match &unseen {
                Some(why) => Err(why.clone()),
                None if path.extension() != b"py" => Err(ONLY_PYTHON.to_owned()),
                None => ran.reads(path),
            };
            left.data = reaches.is_err();
            judged.regions.push(Region {
                path: path.clone(),
                line: 1,
                name: "data that it names".to_owned(),
                reaches,
            });
        }
        let part = |both: &Both, docs: bool| match docs {
            true => Part::Docs,
            false if change.ways.contains(both) => Part::Way,
            false if change.shapes.contains(both) => Part::Head,
            false if change.heads.contains(both) => Part::Defaults,
            false => Part::Body,
        };
        let mut reach = |both: &Both, docs: bool| -> bool {
            let Some((program, unit)) = place(finer, path, both) else {
                return false;
            };
            let reaches = match &unseen {
                Some(why) => Err(why.clone()),
                // what a constant or a macro of Rust does shows in no line that runs
                None if is_head(program, unit) && !docs => Err("a class is made of it".to_owned()),
                None if path.extension() != b"py" => Err(ONLY_PYTHON.to_owned()),
                None => ran.reaches(path, both, part(both, docs)),
            };
            let unit = &program.units[unit as usize];
            let clear = reaches.is_ok();
            judged.regions.push(Region {
                path: path.clone(),
                line: unit.lines.0,
                name: unit.name.clone(),
                reaches,
            });
            clear
        };
        for both in &change.units {
            if !reach(both, false) {
                left.units.push(*both);
                left.heads
                    .extend(change.heads.iter().filter(|head| *head == both));
                left.shapes
                    .extend(change.shapes.iter().filter(|shape| *shape == both));
                left.ways
                    .extend(change.ways.iter().filter(|way| *way == both));
            }
        }
        for both in &change.docs {
            if !reach(both, true) {
                left.docs.push(*both);
            }
        }
        if left.data || !(left.units.is_empty() && left.docs.is_empty()) {
            judged.rest.insert(path.clone(), left);
        }
    }
    judged
}

/// Whether a member of some class is new or gone.
fn members_differ(finer: &Finer<'_>) -> bool {
    let mut files = finer.files.iter();
    files.any(|(path, change)| {
        let appeared = |both: &&Both| both.0.is_none() || both.1.is_none();
        let mut units = change.units.iter().filter(appeared);
        units.any(|both| {
            let found = place(finer, path, both);
            found.is_none_or(|(program, unit)| program.units[unit as usize].class.is_some())
        })
    })
}

/// Whether a unit is the head of a class.
fn is_head(program: &Program, unit: UnitId) -> bool {
    let class = program.units[unit as usize].class;
    class.is_some_and(|class| program.classes[class as usize].head == Some(unit))
}

/// A definition where it stands at the measured commit, or in the head where it is new.
fn place<'a>(finer: &Finer<'a>, path: &RepoPath, both: &Both) -> Option<(&'a Program, UnitId)> {
    let (program, at) = match both {
        (Some(at), _) => (finer.base.1, at),
        (None, at) => (finer.head.1, at.as_ref()?),
    };
    let module = program.modules.iter().find(|module| module.path == *path)?;
    Some((program, module.first + at))
}

/// Drops the measured tests that nothing judged can change, and counts them. `floor` is what may be changed in other ways.
pub fn drop(
    full: Selection,
    floor: &Selection,
    judged: &Judgement,
    evidence: &Evidence,
) -> (Selection, usize) {
    let floor: BTreeMap<&Suite, &Selected> = floor
        .selected()
        .iter()
        .map(|selected| (&selected.suite, selected))
        .collect();
    let dropped = Cell::new(0);
    let left = full.map(|selected| {
        let below = floor.get(&selected.suite).copied();
        if below.is_some_and(|below| !below.narrowed) {
            return Some(selected);
        }
        let (left, count) = drop_cases(selected, below, judged, evidence);
        dropped.set(dropped.get() + count);
        left
    });
    (left, dropped.get())
}

/// What is left of a suite, and how many tests are not.
fn drop_cases(
    mut selected: Selected,
    below: Option<&Selected>,
    judged: &Judgement,
    evidence: &Evidence,
) -> (Option<Selected>, usize) {
    let suite = &selected.suite;
    let is_or_holds = |case: &str, other: &str| is_or_holds(suite, case, other);
    let from = evidence.tests.partition_point(|(other, _)| other < suite);
    let own = evidence.tests[from..]
        .iter()
        .take_while(|(other, _)| other == suite);
    // each case with what was measured of it: itself, or one test for each parameter
    let mut measured: BTreeMap<&str, Vec<(&str, u32)>> = BTreeMap::new();
    for (at, (_, test)) in own.enumerate() {
        let case = match suite {
            Suite::Python { .. } => test.split('[').next().unwrap_or_default(),
            Suite::Cargo { .. } => test,
        };
        let tests = measured.entry(case).or_default();
        tests.push((test, (from + at) as u32));
    }
    let cases: BTreeSet<&str> = if selected.complete {
        selected.cases.iter().map(String::as_str).collect()
    } else {
        // more may be made while the file is loaded: those that were measured, if all that can be seen are among them;
        // what macros make may not all have left something measured
        let seen = |case: &String| measured.keys().any(|other| is_or_holds(case, other));
        let by_macros = matches!(suite, Suite::Cargo { .. });
        if by_macros || !selected.cases.iter().all(seen) {
            return (Some(selected), 0);
        }
        measured.keys().copied().collect()
    };
    let (mut kept, mut by, mut dropped) = (Vec::new(), None, 0);
    for &case in &cases {
        let below =
            below.is_some_and(|below| below.cases.iter().any(|other| is_or_holds(other, case)));
        let Some(tests) = measured.get(case) else {
            // a class that inherits its tests stands for those that were measured, until one of them may differ
            let held = measured
                .iter()
                .filter(|(other, _)| is_or_holds(case, other));
            let held: Vec<u32> = held.flat_map(|(_, all)| all).map(|(_, at)| *at).collect();
            let why = match held.is_empty() || judged.members_differ {
                true => Some("it was not measured".to_owned()),
                false => held.iter().find_map(|at| judged.why(*at)),
            };
            if !below && why.is_none() {
                dropped += held.len();
                continue;
            }
            by = by.or(why);
            kept.push(case.to_owned());
            continue;
        };
        let all = tests.iter().map(|(test, at)| (*test, judged.why(*at)));
        let stay: Vec<_> = all.filter(|(_, why)| below || why.is_some()).collect();
        dropped += tests.len() - stay.len();
        match stay.len() == tests.len() {
            true => kept.push(case.to_owned()),
            false => kept.extend(stay.iter().map(|(test, _)| (*test).to_owned())),
        }
        by = by.or_else(|| stay.into_iter().find_map(|(_, why)| why));
    }
    if kept.is_empty() && !cases.is_empty() {
        return (None, dropped);
    }
    selected.by.extend(by);
    if dropped > 0 {
        selected.cases = kept;
        selected.complete = true;
        selected.narrowed = true;
    }
    (Some(selected), dropped)
}

/// Whether a case of a suite is another one, or a class or a test that holds it.
pub fn is_or_holds(suite: &Suite, case: &str, other: &str) -> bool {
    let in_python = matches!(suite, Suite::Python { .. });
    let holds = |rest: &str| in_python && (rest.starts_with("::") || rest.starts_with('['));
    other
        .strip_prefix(case)
        .is_some_and(|rest| rest.is_empty() || holds(rest))
}

impl Judgement {
    /// Why a measured test stays, in words.
    fn why(&self, test: u32) -> Option<String> {
        let met = self.regions.iter().find(|region| {
            region
                .reaches
                .as_ref()
                .is_ok_and(|tests| tests.contains(test))
        });
        if let Some(region) = met {
            return Some(format!("it ran with {region} when it was measured"));
        }
        let blind = self.blind.iter().find(|(tests, _)| tests.contains(test));
        blind.map(|(_, what)| format!("it {what}, which coverage cannot follow"))
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} {}", self.path, self.line, self.name)
    }
}
