//! A few more parts after a full scoring: what was fitted is kept, and only the tests for which it matters are judged anew.
//!
//! The chances of the model, the prior, and what the parts of the full scoring told each failure stay as they were; the project's
//! words are those of then. The new parts are weighed in the same rounds of "tests given parts, parts given tests". Judged
//! anew, from all of its results, is every test that ever failed, where these are few ([`FEW`]); else each
//!
//! - that failed in a new part,
//! - that the full scoring took for broken with 1 % or more, on any line,
//! - that failed in the part before a new one on its line, or at its commit,
//! - that failed in one of the last [`FRESH`] parts of the full scoring, where it is open why: passes after that tell.
//!
//! They get exactly what a scoring of all tests with the same fit gives. The others keep their causes, rate and changes, of which a
//! few passes say little, and only the number of their results moves: in the random histories of the tests below, of some sixty
//! parts, no probability of theirs is further than 0.35 from what it would be, and on large histories `cargo bench --bench nightly --
//! update` tells. None of them failed in a new part, and none was taken for broken. Tests that never failed are all counted
//! anew, which is exact.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::fit::{self, Fit};
use super::infer::{self, Heard, Smoothed, Step};
use super::outage::{self, PartView, Told};
use super::said::{self, AllShares, Before, Sayings, Weights};
use super::states::{Grid, Rates};
use super::{Assessment, Assessor, Failing, MODEL_VERSION, PartState, ROUNDS, Standing};
use crate::model::{Probability, Series};

/// Where no more tests ever failed, all of them are judged anew.
const FEW: usize = 300;
/// Tests that failed in the so many parts of a line before a new part are judged anew.
const RECENT: usize = 1;
/// A test that failed in one of the last so many parts of the full scoring is judged anew where what it is was open, see [`OPEN`].
const FRESH: u32 = 8;
/// A chance is open where neither it nor its contrary is less likely than this.
const OPEN: f64 = 0.002;
/// What is heard has settled once no chance moves by more, from one round to the next.
const SAME: f64 = 1e-4;

/// What a full scoring leaves for the next few parts, besides its [`Assessment`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    prior: Rates,
    /// For each part, what those who passed in it hear.
    parts: Vec<Heard>,
    /// For each test that failed, what each failed result hears, in the order of [`Standing::failures`].
    heard: Vec<Vec<Heard>>,
    shares: Option<[AllShares; 2]>,
    /// The branch of line 0.
    main: Option<String>,
}

/// A scoring brought up to date.
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    /// The assessment of all parts.
    pub assessment: Assessment,
    /// The tests that were judged anew, by the numbers of their series; rising.
    pub anew: Vec<u32>,
}

/// A test that is judged anew.
struct Anew {
    /// The number of its series.
    number: u32,
    steps: Vec<Step>,
    /// What each failed step hears.
    heard: Vec<Heard>,
    /// It failed in a new part.
    new: bool,
}

impl Kept {
    pub(super) fn of(assessor: &Assessor<'_>, fit: Fit) -> Self {
        Self {
            prior: fit.prior,
            parts: fit.parts,
            heard: fit.heard,
            shares: fit.sayings.as_ref().map(Sayings::shares),
            main: assessor.lines.branch.first().cloned().flatten(),
        }
    }
}

impl Assessor<'_> {
    /// The assessment of all that was taken in, where `before` is that of the first parts, made in full, and `kept` what it left.
    /// `None` where that does not fit: another model, another main line, a failure that was not there.
    ///
    /// The numbers of series must be those of then, with new ones after them. Of what passed at once in each part only the new parts
    /// are asked.
    ///
    /// Cost: O(results × rates) for the tests judged anew, O(failures) for the others.
    pub fn update(&self, before: &Assessment, kept: &Kept) -> Option<Updated> {
        match self.failing.len() <= FEW {
            true => self.update_of(before, kept, &|_, _| true),
            false => self.update_of(before, kept, &self.matters(before.parts.len() as u32)),
        }
    }

    /// Which of the failing tests it may matter to judge anew, after a full scoring of so many parts.
    fn matters(&self, first: u32) -> impl Fn(Option<&Standing>, &Series) -> bool {
        let recent = self.recent(first);
        move |standing, series| {
            let fresh = |failing: &&Failing| failing.part + FRESH >= first;
            let open = |standing: &Standing| {
                let mut fresh = standing.failures.iter().filter(fresh).peekable();
                let of_test = fresh.peek().is_some() && is_open(standing.flaky);
                of_test || fresh.any(|one| is_open(one.regression))
            };
            standing.is_some_and(|standing| !standing.broken.is_empty() || open(standing))
                || failed(series).any(|part| recent.contains(&part))
        }
    }

    /// The new parts, those shortly before them on their lines, and those of their commits.
    fn recent(&self, first: u32) -> FxHashSet<u32> {
        let mut recent = FxHashSet::default();
        for part in first..self.past.parts.len() as u32 {
            recent.insert(part);
            recent.extend(self.lines.around(part, RECENT));
        }
        recent
    }

    /// The same, where `chosen` tells which of the failing tests are judged anew; those that failed in a new part always are.
    fn update_of(
        &self,
        before: &Assessment,
        kept: &Kept,
        chosen: &dyn Fn(Option<&Standing>, &Series) -> bool,
    ) -> Option<Updated> {
        let first = before.parts.len();
        let main = self.lines.branch.first().cloned().flatten();
        let fits = before.model_version == MODEL_VERSION
            && kept.parts.len() == first
            && first <= self.past.parts.len()
            && before.tests.len() <= self.ran.len()
            && kept.main == main
            && kept.shares.is_some() == self.past.says.is_some();
        if !fits {
            return None;
        }
        let grid = Grid::coarse();
        let start = Heard {
            breaks: before.chances.breaks,
            ..Heard::default()
        };
        let mut parts = kept.parts.clone();
        parts.resize(self.past.parts.len(), start);
        let mut fit = Fit::resumed(self, before.chances.clone(), kept.prior, parts);
        let mut anew = self.pick(before, kept, start, chosen)?;
        let views = self.settle(&grid, &mut fit, &mut anew, before, kept.shares);

        let judged: Vec<Standing> = anew
            .par_iter()
            .map(|test| self.stand(&grid, &fit, &test.steps, &test.heard))
            .collect();
        let mut tests = self.never_failed(&grid, &fit.prior);
        for (number, _) in &self.failing {
            let at = *number as usize;
            if let Some(standing) = before.tests.get(at) {
                tests[at] = Standing {
                    ran: self.ran[at],
                    ..standing.clone()
                };
            }
        }
        for (test, standing) in anew.iter().zip(judged) {
            tests[test.number as usize] = standing;
        }
        let known = before.parts.iter().copied();
        let parts = known.chain(views.iter().map(PartState::of));
        let parts = parts.zip(&self.lines.line);
        let assessment = Assessment {
            parts: parts
                .map(|(part, line)| PartState {
                    line: *line,
                    ..part
                })
                .collect(),
            tests,
            ..before.head()
        };
        Some(Updated {
            assessment,
            anew: anew.into_iter().map(|test| test.number).collect(),
        })
    }

    /// The tests that are judged anew, with what their failures heard; new ones hear `start`. `None` where the failures of the first
    /// parts are not those of then.
    fn pick(
        &self,
        before: &Assessment,
        kept: &Kept,
        start: Heard,
        chosen: &dyn Fn(Option<&Standing>, &Series) -> bool,
    ) -> Option<Vec<Anew>> {
        let first = before.parts.len() as u32;
        let then = (0_u32..).zip(&before.tests).filter(|one| one.1.failed > 0);
        let mut then = then.zip(&kept.heard).peekable();
        let mut picked = Vec::new();
        for (number, series) in &self.failing {
            let known = then.next_if(|((then, _), _)| then == number);
            let known = known.map(|((_, standing), heard)| (standing, heard));
            let mut parts: Vec<u32> = Vec::new();
            if let Some((standing, heard)) = known {
                parts.extend(standing.failures.iter().map(|failing| failing.part));
                if parts.len() != heard.len() {
                    return None;
                }
                parts.sort_unstable();
            }
            let mut failed = failed(series).peekable();
            for part in parts {
                failed.next_if_eq(&part)?;
            }
            let new = failed.peek().is_some();
            if failed.any(|part| part < first) {
                return None;
            }
            if new || chosen(known.map(|known| known.0), series) {
                picked.push((*number, series, known, new));
            }
        }
        if then.next().is_some() {
            return None;
        }
        let anew = picked.into_par_iter().map(|(number, series, known, new)| {
            let steps = self.lines.steps(&self.past, number, series);
            let mut heard_in: FxHashMap<u32, Heard> = FxHashMap::default();
            if let Some((standing, heard)) = known {
                let parts = standing.failures.iter().map(|failing| failing.part);
                heard_in.extend(parts.zip(heard.iter().copied()));
            }
            let bad = steps.iter().filter(|step| step.outcome.is_bad());
            let heard = bad.map(|step| heard_in.get(&step.part).copied().unwrap_or(start));
            Anew {
                number,
                heard: heard.collect(),
                steps,
                new,
            }
        });
        Some(anew.collect())
    }

    /// Lets the new parts and the tests that failed in them hear of one another; what each new part is then.
    fn settle(
        &self,
        grid: &Grid,
        fit: &mut Fit,
        anew: &mut [Anew],
        before: &Assessment,
        shares: Option<[AllShares; 2]>,
    ) -> Vec<PartView> {
        let first = before.parts.len();
        let mut tests: Vec<&mut Anew> = anew.iter_mut().filter(|test| test.new).collect();
        let words = self.past.says.zip(shares).map(|(says, shares)| {
            let failures = (0_u32..).zip(&before.tests).flat_map(|(number, standing)| {
                let weights = move |failing: &Failing| (number, failing.part, weights_of(failing));
                standing.failures.iter().map(weights)
            });
            let failures: Vec<(u32, u32, Weights)> = failures.collect();
            let asked = tests.iter().map(|test| (test.number, test.steps.clone()));
            Before::new(says, shares, &failures, first as u32, asked)
        });
        let mut views = Vec::new();
        for round in 1..=ROUNDS {
            let smoothed: Vec<Smoothed> = tests
                .par_iter()
                .map(|test| infer::smooth(&fit.world(grid), &test.steps, &test.heard))
                .collect();
            let mut told: Vec<Vec<Told>> = vec![Vec::new(); self.past.parts.len() - first];
            let mut places = Vec::new();
            for (at, (test, one)) in tests.iter().zip(&smoothed).enumerate() {
                for (failure, cause) in one.causes.iter().enumerate() {
                    let step = &test.steps[cause.step as usize];
                    let Some(part) = (step.part as usize).checked_sub(first) else {
                        continue;
                    };
                    places.push((at, failure, part, told[part].len()));
                    told[part].push(Told::of(step.outcome, cause));
                }
            }
            let weigh = |(part, told): (usize, &Vec<Told>)| {
                let (passed, reached) = (self.passed[first + part], fit.reached[first + part]);
                outage::weigh(&fit.chances, told, passed, reached)
            };
            views = told.iter().enumerate().map(weigh).collect();
            let said = words.as_ref().map(|words| {
                let causes = smoothed.iter().map(|one| &one.causes);
                let weights = causes.map(|causes| causes.iter().map(said::weights).collect());
                let weights: Vec<Vec<Weights>> = weights.collect();
                words.weigh(&weights, round > fit::SETTLED)
            });
            let mut apart = 0.0_f64;
            for (at, failure, part, place) in places {
                let mut heard = views[part].each[place];
                if let Some(said) = &said {
                    heard.said = said[at][failure];
                }
                let was = std::mem::replace(&mut tests[at].heard[failure], heard);
                apart = apart.max(heard.apart(&was));
            }
            for (part, view) in fit.parts[first..].iter_mut().zip(&views) {
                apart = apart.max(view.all.apart(part));
                *part = view.all;
            }
            if round > fit::SETTLED && apart < SAME {
                break;
            }
        }
        views
    }
}

fn is_open(chance: Probability) -> bool {
    (OPEN..1.0 - OPEN).contains(&chance.get())
}

/// The parts in which a test had a bad attempt.
fn failed(series: &Series) -> impl Iterator<Item = u32> {
    let bad = series.seen.iter().filter(|seen| super::is_bad(**seen));
    bad.map(|seen| seen.part)
}

fn weights_of(failing: &Failing) -> Weights {
    let (broken, broke) = (failing.regression.get(), failing.broke_here.get());
    [
        failing.flake.get(),
        failing.outage.get(),
        broke,
        (broken - broke).max(0.0),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::replay::testing::{parts, series};
    use super::super::{Past, Says, assess};
    use super::*;
    use crate::model::PastPart;

    /// What every failure says: a few texts of two shapes, by test and part.
    struct Told;

    impl Says for Told {
        fn said(&self, series: u32, part: u32) -> Option<u32> {
            let at = series * 7 + part;
            (!at.is_multiple_of(5))
                .then_some(at % 4 + u32::from(part.is_multiple_of(9)) * (series + 10))
        }

        fn shape(&self, signature: u32) -> u32 {
            signature % 2
        }
    }

    /// A project: its parts, some on a branch of their own, and a line of outcomes for each test.
    #[derive(Clone, Debug)]
    struct Project {
        parts: Vec<PastPart>,
        lines: Vec<String>,
    }

    impl Project {
        fn series(&self, parts: usize) -> impl Iterator<Item = Series> + '_ {
            let named = self.lines.iter().zip(0..);
            named.map(move |(line, at)| series(&format!("test_{at}"), &line[..parts]))
        }

        fn past(&self, parts: usize) -> Past<'_> {
            Past {
                parts: &self.parts[..parts],
                says: Some(&Told),
                ..Past::default()
            }
        }

        fn taken_in(&self, parts: usize) -> Assessor<'_> {
            let mut assessor = Assessor::new(self.past(parts));
            self.series(parts).for_each(|series| assessor.add(series));
            assessor
        }
    }

    const PARTS: usize = 66;
    /// Parts of the full scoring.
    const FIRST: usize = 63;

    fn project() -> impl Strategy<Value = Project> {
        // steady, flaky, broken for a while, not always there
        let line = prop_oneof![
            3 => Just("P".repeat(PARTS)),
            3 => proptest::collection::vec(prop_oneof![9 => Just('P'), 1 => Just('F'), 1 => Just('R')], PARTS)
                .prop_map(String::from_iter),
            2 => (0..PARTS, 1..9_usize).prop_map(|(from, long)| {
                let broken = |at| (from..from + long).contains(&at);
                (0..PARTS).map(|at| if broken(at) { 'F' } else { 'P' }).collect()
            }),
            1 => proptest::collection::vec(prop_oneof![5 => Just('P'), 1 => Just('F'), 3 => Just('.')], PARTS)
                .prop_map(String::from_iter),
        ];
        let lines = proptest::collection::vec(line, 1..24);
        let branches = proptest::collection::vec(0..5_u8, PARTS);
        (lines, branches, 1..4_usize).prop_map(|(lines, branches, each)| {
            let mut parts = parts(PARTS, each, lines.len() as u32);
            for (part, branch) in parts.iter_mut().zip(branches) {
                if branch == 0 {
                    part.context.branch = Some("topic".into());
                }
            }
            Project { parts, lines }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        #[test]
        fn what_is_kept_is_all_that_the_assessment_came_from(project in project()) {
            let (full, kept) = project.taken_in(FIRST).finish_and_keep();
            prop_assert_eq!(&full, &assess(&project.past(FIRST), project.series(FIRST)));
            let bytes = postcard::to_stdvec(&kept).unwrap();
            let kept: Kept = postcard::from_bytes(&bytes).unwrap();
            let again = project.taken_in(FIRST).update_of(&full, &kept, &|_, _| true).unwrap();
            prop_assert_eq!(again.assessment, full);
        }

        #[test]
        fn who_is_judged_anew_gets_what_all_get_and_the_others_their_counts(
            project in project(),
            new in 1..=PARTS - FIRST,
        ) {
            let (full, kept) = project.taken_in(FIRST).finish_and_keep();
            let assessor = project.taken_in(FIRST + new);
            let matters = assessor.matters(FIRST as u32);
            let Some(Updated { assessment, anew }) = assessor.update_of(&full, &kept, &matters) else {
                // the topic branch may be the main one now, or have been
                let main = |parts: usize| {
                    let branches = project.parts[..parts].iter().map(|part| &part.context.branch);
                    2 * branches.filter(|branch| branch.as_deref() == Some("main")).count() > parts
                };
                prop_assert!(!(main(FIRST) && main(FIRST + new)));
                return Ok(());
            };
            let all = assessor.update_of(&full, &kept, &|_, _| true).unwrap().assessment;
            let of_few = assessor.update(&full, &kept).map(|one| one.assessment);
            prop_assert_eq!(of_few.as_ref(), Some(&all));
            prop_assert_eq!(&assessment.parts, &all.parts);
            prop_assert_eq!(&assessment.chances, &full.chances);
            for (at, (mine, theirs)) in (0..).zip(assessment.tests.iter().zip(&all.tests)) {
                if theirs.failed == 0 || anew.contains(&at) {
                    prop_assert_eq!(mine, theirs);
                    continue;
                }
                prop_assert_eq!((mine.ran, mine.failed), (theirs.ran, theirs.failed));
                let parts = |one: &Standing| one.failures.iter().map(|one| one.part).collect::<Vec<_>>();
                prop_assert_eq!(parts(mine), parts(theirs));
                prop_assert!(mine.broken.is_empty());
                prop_assert!(mine.failures.iter().all(|one| (one.part as usize) < FIRST));
                let apart = (mine.flaky.get() - theirs.flaky.get()).abs();
                prop_assert!(apart < APART, "flaky {} and {}", mine.flaky.get(), theirs.flaky.get());
                for (mine, theirs) in mine.failures.iter().zip(&theirs.failures) {
                    let apart = (mine.regression.get() - theirs.regression.get()).abs();
                    prop_assert!(apart < APART, "regression {mine:?} and {theirs:?}");
                }
            }
        }
    }

    const APART: f64 = 0.35;

    #[test]
    fn what_does_not_fit_is_not_brought_up_to_date() {
        let lines = ["PFPPPFPPPPPFPPPPPPPPPPPP", "PPPPPPPPPPPPPPPPFFFFFFFF"];
        let project = |outcomes: [&str; 2]| Project {
            parts: parts(24, 1, 2),
            lines: outcomes.map(str::to_owned).to_vec(),
        };
        let this = project(lines);
        let (full, kept) = this.taken_in(22).finish_and_keep();
        let update = |project: &Project, full: &Assessment, kept: &Kept| {
            project.taken_in(24).update(full, kept).is_some()
        };
        assert!(update(&this, &full, &kept));
        let model = Assessment {
            model_version: MODEL_VERSION + 1,
            ..full.clone()
        };
        assert!(!update(&this, &model, &kept), "another model");
        let failed = project([lines[0], "PPFPPPPPPPPPPPPPFFFFFFFF"]);
        assert!(
            !update(&failed, &full, &kept),
            "a failure that was not there"
        );
        let passed = project([lines[0], "PPPPPPPPPPPPPPPPFFPFFFFF"]);
        assert!(!update(&passed, &full, &kept), "a failure that is gone");
        let mut moved = this.clone();
        for part in &mut moved.parts {
            part.context.branch = Some("trunk".into());
        }
        assert!(!update(&moved, &full, &kept), "another main line");
        let silent = Kept {
            shares: None,
            ..kept.clone()
        };
        assert!(!update(&this, &full, &silent), "nothing known of messages");
    }
}
