//! Is this test to be believed? The state of every test, and the cause of each of its failures, from its history.
//!
//! [`assess`] takes what was seen of a project's tests and returns an [`Assessment`]: for each test the rate at which it
//! fails without cause, whether it is broken now and since when, and for each failure how likely it was a regression, a
//! flake, or an outage. [`states`] describes the model, `prior` what it learns from all tests, `outage` what it learns
//! from a part as a whole.
//!
//! Everything here is a function of values: no disk, no clock, no randomness. The same past gives the same answer on any
//! number of threads.
//!
//! Not seen here: tests that were renamed (they are two tests), and runs that nobody stored.

pub mod association;
pub mod backtest;
pub mod changepoint;
mod fit;
mod infer;
mod kept;
mod lines;
mod outage;
mod prior;
pub mod quarantine;
mod redrawn;
pub mod replay;
mod said;
pub mod slower;
pub mod states;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::model::{PastPart, Probability, Seen, Series};
use changepoint::{Point, RateChange};
use fit::Fit;
use infer::{Heard, Smoothed, World};
pub use kept::{Kept, Updated};
use lines::Lines;
use outage::PartView;
pub use said::Says;
pub use states::Chances;
use states::{Grid, Rates};

/// The version of the model. It changes whenever the same past may give another answer.
pub const MODEL_VERSION: u32 = 1;

/// From this probability on ([`Standing::flaked`]) a test is called flaky. Below it a failure may still be a real one:
/// a single failure that is gone at the next commit cannot be told from a breakage that was repaired at once.
pub const CALLED: f64 = 0.95;

/// Rounds of "tests given parts, parts given tests".
const ROUNDS: usize = 4;

/// A chance of one against `exp` of this makes no difference any more.
const CERTAIN: f64 = 60.0;

/// Whether what changed reaches a test: what the dependency graph knows.
pub trait Reaches: Sync {
    /// Whether what changed between this part's commit and that of the part before it on the same line can reach the
    /// test of the series with this number; for the first part of a line that left the main one, whether what the line changed
    /// can. `None` where no graph says.
    fn reaches(&self, series: u32, part: u32) -> Option<bool>;

    /// How many of the tests that ran in this part can be reached; `None` where no graph says.
    fn reached(&self, part: u32) -> Option<u32>;
}

/// What is known of a project's past besides the series.
#[derive(Clone, Copy, Default)]
pub struct Past<'a> {
    /// The parts that the series refer to, in the order in which they ran.
    pub parts: &'a [PastPart],
    /// For each part, where its commit stands on its branch (the same for the same commit). Without it the order of the
    /// parts is taken for the order of commits.
    pub positions: Option<&'a [u32]>,
    /// What the dependency graph knows.
    pub reaches: Option<&'a dyn Reaches>,
    /// What failures say.
    pub says: Option<&'a dyn Says>,
}

/// What a project's past says of its tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// [`MODEL_VERSION`] at the time.
    pub model_version: u32,
    /// The chances of the state model, as fitted to this project.
    pub chances: Chances,
    /// The share of tests that fail without cause at all.
    pub flaky_share: Probability,
    /// For each part, in the order given.
    pub parts: Vec<PartState>,
    /// For each series, in the order given.
    pub tests: Vec<Standing>,
}

/// What a part as a whole says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartState {
    /// That it was hit by an outage.
    pub outage: Probability,
    /// The share of tests that the outage failed, if it was one.
    pub share: Probability,
    /// That the change before it broke some test.
    pub breaking: Probability,
    /// The number of its line of commits: 0 is the main one.
    pub line: u32,
}

impl PartState {
    /// On line 0.
    fn of(view: &PartView) -> Self {
        Self {
            line: 0,
            outage: Probability::clamped(view.all.outage),
            share: Probability::clamped(view.all.share),
            breaking: Probability::clamped(view.breaking),
        }
    }
}

impl Assessment {
    /// What it says of the project, without parts and tests.
    fn head(&self) -> Self {
        Self {
            model_version: self.model_version,
            chances: self.chances.clone(),
            flaky_share: self.flaky_share,
            parts: Vec::new(),
            tests: Vec::new(),
        }
    }
}

/// Flake rates before anything is known of a test, in rising order, each with its weight (sum 1), where this share of
/// tests is flaky at all. The first stands for "never".
pub fn usual_rates(share: Probability) -> Vec<(f64, f64)> {
    let grid = Grid::coarse();
    let weights = prior::default_weights(&grid);
    let flaky: f64 = weights[1..].iter().sum();
    let share = share.get().clamp(1e-6, 1.0 - 1e-6);
    let scaled = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| match index {
            0 => 1.0 - share,
            _ => weight * share / flaky,
        });
    grid.rate.into_iter().zip(scaled).collect()
}

/// How often something happens, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: Probability,
    /// The lower end of the 95 % interval: the 2.5 % quantile.
    pub low: Probability,
    /// The upper end: the 97.5 % quantile if the test is flaky at all. Where all failures are told apart as regressions it
    /// says how often the test could fail without cause all the same, and for a test that never failed it is near 3 / runs.
    pub high: Probability,
}

/// Where one test (in one variant) stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Results in which it ran.
    pub ran: u32,
    /// Of those, with at least one bad attempt.
    pub failed: u32,
    /// That at least one of the failures was a flake.
    pub flaked: Probability,
    /// That it is flaky now: that it fails without cause at a rate above nothing.
    pub flaky: Probability,
    /// The rate at which it fails without cause, now. Lower end 0 where it may not be flaky at all.
    pub rate: Estimate,
    /// For each line of commits on which it was seen, whether it is broken there now; main line first, those below 1 % left out.
    pub broken: Vec<Broken>,
    /// For each failure, why.
    pub failures: Vec<Failing>,
    /// Where the rate at which it fails without cause changed, oldest first.
    pub changes: Vec<RateChange>,
}

/// A test may be broken on a line of commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// The branch, where known.
    pub branch: Option<String>,
    /// How likely.
    pub now: Probability,
    /// Where it broke, with 95 % probability: after the first of these parts (`None`: before it was first seen), at the
    /// latest in the second.
    pub since: Option<(Option<u32>, u32)>,
}

/// Why one result was bad. The causes sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failing {
    /// The part in which it failed.
    pub part: u32,
    /// The test was broken: by a change, until it is repaired.
    pub regression: Probability,
    /// The test failed without cause.
    pub flake: Probability,
    /// The part was hit by an outage.
    pub outage: Probability,
    /// It passed before on this line of commits, and no change since that pass can reach it, as far as the graph knows.
    pub unreachable: bool,
    /// It was not broken at the result before, and is now.
    pub broke_here: Probability,
    /// It is broken, and broke at this commit: at this result, or at an earlier one of the same commit since which it did not pass.
    pub broke_at_commit: Probability,
    /// It is broken, and broke on this line of commits: at this result, or at an earlier one since which it did not pass. Less
    /// than `regression` by what a line was broken from the start, or took over from the line that it left.
    pub broke_on_line: Probability,
}

/// Assesses all tests of a past. See [`Assessor`] for a past that does not fit into memory.
///
/// Cost: O(results × 32) for tests that ever failed, a few times over; O(results) for the others.
pub fn assess(past: &Past<'_>, series: impl IntoIterator<Item = Series>) -> Assessment {
    let mut assessor = Assessor::new(*past);
    for series in series {
        assessor.add(series);
    }
    assessor.finish()
}

/// Takes in series one by one. Of a test that never failed only two counts are kept.
pub struct Assessor<'a> {
    past: Past<'a>,
    lines: Lines,
    /// For each series, how often it ran.
    ran: Vec<u32>,
    failing: Vec<(u32, Series)>,
    /// For each part, results that passed at once.
    passed: Vec<u32>,
}

impl<'a> Assessor<'a> {
    /// Nothing taken in yet.
    pub fn new(past: Past<'a>) -> Self {
        Self {
            past,
            lines: Lines::of(past.parts, past.positions),
            ran: Vec::new(),
            failing: Vec::new(),
            passed: vec![0; past.parts.len()],
        }
    }

    /// What was taken in by others: `ran` and `passed` as this has them, and every series with a bad attempt, with its number, rising.
    pub fn of(
        past: Past<'a>,
        ran: Vec<u32>,
        passed: Vec<u32>,
        failing: impl IntoIterator<Item = (u32, Series)>,
    ) -> Self {
        let mut assessor = Self {
            ran,
            passed,
            ..Self::new(past)
        };
        for (number, mut series) in failing {
            if assessor.keep_what_ran(&mut series) {
                assessor.failing.push((number, series));
            }
        }
        assessor
    }

    /// Leaves out what did not run; whether anything of the rest was bad.
    fn keep_what_ran(&self, series: &mut Series) -> bool {
        let parts = self.past.parts.len();
        let seen = &mut series.seen;
        seen.retain(|seen| (seen.part as usize) < parts && seen.status.is_run());
        seen.iter().any(|seen| is_bad(*seen))
    }

    /// Takes in the next series. Its number is how many came before. What was seen in parts that the past does not have is left
    /// out.
    pub fn add(&mut self, mut series: Series) {
        let failed = self.keep_what_ran(&mut series);
        let number = self.ran.len() as u32;
        self.ran.push(series.seen.len() as u32);
        for seen in series.seen.iter().filter(|seen| !is_bad(**seen)) {
            self.passed[seen.part as usize] += 1;
        }
        if failed {
            self.failing.push((number, series));
        }
    }

    /// The same, with what the dependency graph knows of the series by their numbers, and what their failures say.
    pub fn knowing(mut self, reaches: Option<&'a dyn Reaches>, says: Option<&'a dyn Says>) -> Self {
        self.past.reaches = reaches;
        self.past.says = says;
        self
    }

    /// The assessment of all that was taken in.
    pub fn finish(self) -> Assessment {
        self.finish_and_keep().0
    }

    /// The same, and what [`Assessor::update`] needs of it.
    pub fn finish_and_keep(self) -> (Assessment, Kept) {
        let grid = Grid::coarse();
        let mut fit = Fit::new(&self, &grid);
        for _ in 0..ROUNDS {
            let smoothed = self.smooth_all(&grid, &fit);
            fit.update(&self, &grid, &smoothed);
        }
        let mut tests: Vec<Standing> = self.never_failed(&grid, &fit.prior);
        let judged: Vec<Standing> = self
            .failing
            .par_iter()
            .zip(&fit.heard)
            .map(|((number, series), heard)| {
                let steps = self.lines.steps(&self.past, *number, series);
                self.stand(&grid, &fit, &steps, heard)
            })
            .collect();
        for ((number, _), standing) in self.failing.iter().zip(judged) {
            tests[*number as usize] = standing;
        }
        let part = |(view, line): (&PartView, &u32)| PartState {
            line: *line,
            ..PartState::of(view)
        };
        let assessment = Assessment {
            model_version: MODEL_VERSION,
            flaky_share: Probability::clamped(1.0 - fit.prior[0]),
            parts: fit.views.iter().zip(&self.lines.line).map(part).collect(),
            tests,
            chances: fit.chances.clone(),
        };
        let kept = Kept::of(&self, fit);
        (assessment, kept)
    }

    fn smooth_all(&self, grid: &Grid, fit: &Fit) -> Vec<Smoothed> {
        self.failing
            .par_iter()
            .zip(&fit.heard)
            .map(|((number, series), heard)| {
                let steps = self.lines.steps(&self.past, *number, series);
                infer::smooth(&fit.world(grid), &steps, heard)
            })
            .collect()
    }

    fn never_failed(&self, grid: &Grid, prior: &Rates) -> Vec<Standing> {
        let mut known = rustc_hash::FxHashMap::default();
        let standing = |ran: &u32| {
            let (flaky, rate) = *known.entry(*ran).or_insert_with(|| {
                let mut posterior = *prior;
                for (weight, rate) in posterior.iter_mut().zip(&grid.rate) {
                    *weight *= (f64::from(*ran) * (-rate).ln_1p()).exp();
                }
                (flaky(&posterior), estimate(grid, &posterior))
            });
            let none = Probability::default();
            Standing {
                ran: *ran,
                failed: 0,
                flaked: none,
                flaky,
                rate,
                broken: Vec::new(),
                failures: Vec::new(),
                changes: Vec::new(),
            }
        };
        self.ran.iter().map(standing).collect()
    }

    fn stand(&self, grid: &Grid, fit: &Fit, steps: &[infer::Step], heard: &[Heard]) -> Standing {
        let world = fit.world(grid);
        let smoothed = infer::smooth(&world, steps, heard);
        let without = infer::log_likelihood(
            &World {
                no_flakes: true,
                ..world
            },
            steps,
            heard,
            smoothed.now.log_likelihood - CERTAIN,
        );
        let flaked = -(without - smoothed.now.log_likelihood).min(0.0).exp_m1();
        let mut rate = estimate(grid, &smoothed.now.rate);
        if let Some(finer) = grid.finer(&smoothed.now.rate) {
            let prior = finer.spread(grid, &fit.prior);
            let again = World {
                grid: &finer,
                prior: &prior,
                ..world
            };
            let mut belief = infer::Belief::new(&prior);
            let mut failed = heard.iter();
            for step in steps {
                let about = if step.outcome.is_bad() {
                    failed.next()
                } else {
                    None
                };
                belief.advance(
                    &again,
                    step,
                    about.unwrap_or(&fit.parts[step.part as usize]),
                );
            }
            rate = estimate(&finer, &belief.rate);
        }
        let p = Probability::clamped;
        let unreachable = unreachable(steps);
        let since = broke_since(steps, &smoothed);
        let failures = smoothed
            .causes
            .iter()
            .zip(since)
            .map(|(cause, since)| Failing {
                part: steps[cause.step as usize].part,
                regression: p(cause.broken),
                flake: p(cause.flake),
                outage: p(cause.outage),
                unreachable: unreachable[cause.step as usize],
                broke_here: p(cause.broke),
                broke_at_commit: p(since.0),
                broke_on_line: p(since.1),
            });
        Standing {
            ran: steps.len() as u32,
            failed: smoothed.causes.len() as u32,
            flaked: p(flaked),
            flaky: flaky(&smoothed.now.rate),
            rate,
            broken: self.broken(steps, &smoothed),
            failures: failures.collect(),
            changes: changepoint::changes(&points(steps, &smoothed)),
        }
    }

    fn broken(&self, steps: &[infer::Step], smoothed: &Smoothed) -> Vec<Broken> {
        let mut broken: Vec<(u32, Broken)> = smoothed
            .now
            .broken()
            .filter(|(_, now)| *now >= 0.01)
            .map(|(line, now)| {
                let since = since(steps, smoothed, line);
                let branch = self.lines.branch[line as usize].clone();
                (
                    line,
                    Broken {
                        branch,
                        now: Probability::clamped(now),
                        since,
                    },
                )
            })
            .collect();
        broken.sort_by_key(|(line, _)| *line);
        broken.into_iter().map(|(_, broken)| broken).collect()
    }
}

/// Where the test broke, if it is broken now: the shortest stretch of results that holds 95 % of the chance.
fn since(steps: &[infer::Step], smoothed: &Smoothed, line: u32) -> Option<(Option<u32>, u32)> {
    let on_line: Vec<usize> = (0..steps.len())
        .filter(|at| steps[*at].line == line)
        .collect();
    let causes = smoothed
        .causes
        .iter()
        .rev()
        .filter(|cause| steps[cause.step as usize].line == line);
    let mut left = 1.0;
    let (mut first, mut last) = (None, None);
    let mut heaviest = 0.0;
    for cause in causes {
        let here = cause.broke * left;
        if cause.broken < 0.02 {
            break;
        }
        if here > heaviest || last.is_none() {
            heaviest = here;
        }
        if here > 0.02 {
            last = last.or(Some(cause.step));
            first = Some(cause.step);
        }
        left *= 1.0 - cause.broke;
        if left < 0.05 {
            break;
        }
    }
    let (first, last) = (first?, last?);
    let before = on_line
        .iter()
        .rev()
        .find(|at| **at < first as usize)
        .map(|at| steps[*at].part);
    Some((before, steps[last as usize].part))
}

/// For each result, whether commits lie between it and the last pass before it on its line, and none of them reaches the test.
fn unreachable(steps: &[infer::Step]) -> Vec<bool> {
    // For each line with a pass: whether the commits since then are any, and all out of reach.
    let mut since: rustc_hash::FxHashMap<u32, (bool, bool)> = rustc_hash::FxHashMap::default();
    let mut found = Vec::with_capacity(steps.len());
    for step in steps {
        let (any, all) = since.get(&step.line).copied().unwrap_or((false, false));
        let now = match step.moved {
            infer::Moved::Unreached => (true, all),
            infer::Moved::Same => (any, all),
            infer::Moved::First | infer::Moved::Somehow | infer::Moved::Reached => (true, false),
        };
        found.push(now.0 && now.1);
        let after = if step.outcome.is_bad() {
            now
        } else {
            (false, true)
        };
        since.insert(step.line, after);
    }
    found
}

/// For each failure, that the test is broken and broke since it last passed on its line: at this commit; on the line.
fn broke_since(steps: &[infer::Step], smoothed: &Smoothed) -> Vec<(f64, f64)> {
    // For each line that failed at its last result: of the chance of being broken, the shares that began so.
    let mut shares: rustc_hash::FxHashMap<u32, (f64, f64)> = rustc_hash::FxHashMap::default();
    let mut causes = smoothed.causes.iter().peekable();
    let mut found = Vec::with_capacity(smoothed.causes.len());
    for (number, step) in (0..).zip(steps) {
        let Some(cause) = causes.next_if(|cause| cause.step == number) else {
            shares.remove(&step.line);
            continue;
        };
        let (mut commit, line) = shares.get(&step.line).copied().unwrap_or((0.0, 0.0));
        if step.moved != infer::Moved::Same {
            commit = 0.0;
        }
        let old = (cause.broken - cause.broke).max(0.0);
        let now = (cause.broke + old * commit, cause.broke + old * line);
        found.push(now);
        let all = cause.broken.max(1e-12);
        shares.insert(step.line, ((now.0 / all).min(1.0), (now.1 / all).min(1.0)));
    }
    found
}

/// The results of a test for its flake rate: what was a regression or an outage says nothing of it.
fn points(steps: &[infer::Step], smoothed: &Smoothed) -> Vec<Point> {
    let mut causes = smoothed.causes.iter().peekable();
    let point = |(number, step): (usize, &infer::Step)| {
        let cause = causes.next_if(|cause| cause.step as usize == number);
        let flake = cause.map(|cause| f64::from(u8::from(cause.flake >= 0.5)));
        Point {
            part: step.part,
            moved: step.moved != infer::Moved::Same,
            failed: flake.unwrap_or(0.0),
            weight: flake.unwrap_or(1.0),
        }
    };
    steps.iter().enumerate().map(point).collect()
}

fn is_bad(seen: Seen) -> bool {
    seen.status.is_bad() || seen.bad_attempts > 0
}

fn flaky(posterior: &Rates) -> Probability {
    let total: f64 = posterior.iter().sum();
    Probability::clamped(1.0 - posterior[0] / total)
}

fn estimate(grid: &Grid, posterior: &Rates) -> Estimate {
    let mut given_flaky = *posterior;
    given_flaky[0] = 0.0;
    Estimate {
        mean: Probability::clamped(grid.mean(posterior)),
        low: Probability::clamped(grid.quantile(posterior, 0.025)),
        high: Probability::clamped(grid.quantile(&given_flaky, 0.975)),
    }
}
