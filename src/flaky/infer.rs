//! Inference in the state model of one test: forwards once for what holds now, backwards once for why each past failure
//! happened.
//!
//! Given its nature `r`, the lines of a test are independent two-state chains, so the belief is one weight for each rate
//! and, for each line and rate, the chance of being broken. This is exact for one line; for several it is exact but for
//! the rare redrawing of the nature, which is applied to the line at hand only.
//!
//! What a part as a whole suggests (an outage, a breaking change) arrives as a [`Heard`] that leaves out the test's own
//! result in that part, so that no test confirms itself (belief propagation; Pearl 1988).
//!
//! Cost: O(results × rates) in time; memory for failed results only.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::said::Saying;
use super::states::{Chances, Grid, Outcome, RATES, Rates};

/// What happened to the code between this result and the one before it on the same line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moved {
    /// The first result on this line, with nothing to compare it with.
    First,
    /// The commit is the same.
    Same,
    /// Another commit; no graph says whether it reaches the test.
    Somehow,
    /// Another commit, which reaches the test.
    Reached,
    /// Another commit, which cannot reach the test as far as the graph knows.
    Unreached,
}

/// One result, as the model sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub part: u32,
    pub line: u32,
    /// Parts of this line since the test's last result on it, this one included.
    pub gap: u16,
    /// The first result on a line that left the main one, where the test was seen before. What moved is all that the line
    /// changed.
    pub forked: bool,
    pub moved: Moved,
    pub outcome: Outcome,
}

/// What is known of a part from the other tests in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Heard {
    /// That it was hit by an outage.
    pub outage: f64,
    /// The share of tests that it fails, if so.
    pub share: f64,
    /// That a healthy test which the change reaches was broken by it.
    pub breaks: f64,
    /// How well each cause explains what this failure says; of a failure only.
    pub said: Saying,
}

impl Heard {
    /// The largest difference of any number.
    pub(super) fn apart(&self, other: &Self) -> f64 {
        let numbers = |one: &Self| {
            let said = one.said;
            let part = [one.outage, one.share * one.outage, one.breaks];
            (part, [said.flake, said.outage, said.new, said.still])
        };
        let (mine, theirs) = (numbers(self), numbers(other));
        let part = mine.0.iter().zip(&theirs.0);
        let said = mine.1.iter().zip(&theirs.1);
        part.chain(said)
            .fold(0.0, |most, (a, b)| (a - b).abs().max(most))
    }
}

/// All that one pass needs besides the steps.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub grid: &'a Grid,
    pub prior: &'a Rates,
    pub chances: &'a Chances,
    /// For each part, from all tests in it.
    pub parts: &'a [Heard],
    /// Failures without cause do not exist: all must come from breakages and outages.
    pub no_flakes: bool,
}

/// Chances of a transition.
#[derive(Clone, Copy, Debug)]
struct Hazard {
    breaks: f64,
    repaired: f64,
    /// Repair of a breakage that lasts.
    mended: f64,
    redrawn: f64,
}

/// That a test breaks or is repaired on one commit. Not quite zero, so that no history is impossible.
const HARDLY: f64 = 1e-40;
/// By how much the nature of a test changes less often on one commit: the machines may have changed. (Reruns of real suites fail in
/// stretches: a hundred runs on one machine, then never again.)
const SAME: f64 = 0.02;

impl World<'_> {
    /// How often the nature of a test could be drawn anew at a step, where a commit is once.
    pub(super) fn turns(&self, step: &Step) -> f64 {
        let gap = f64::from(step.gap.max(1));
        match step.moved {
            Moved::First => 0.0,
            Moved::Same => SAME,
            Moved::Somehow | Moved::Reached => gap,
            Moved::Unreached => gap * self.chances.leak.sqrt(),
        }
    }

    #[inline]
    fn hazard(&self, step: &Step, heard: &Heard) -> Hazard {
        let chances = self.chances;
        let gap = f64::from(step.gap.max(1));
        let mut breaks = (heard.breaks + (gap - 1.0) * chances.breaks).min(0.5);
        if step.forked {
            breaks = 1.0 - (1.0 - breaks) * (1.0 - chances.broken_on_fork);
        }
        let over = |chance: f64| match step.gap {
            0 | 1 => chance,
            _ => 1.0 - (1.0 - chance).powf(gap),
        };
        let (repaired, mended) = (over(chances.repaired), over(chances.mended));
        let redrawn = (chances.redrawn * self.turns(step)).min(0.2);
        let leak = chances.leak;
        match step.moved {
            Moved::First => Hazard {
                breaks: 0.0,
                repaired: 0.0,
                mended: 0.0,
                redrawn,
            },
            Moved::Same => Hazard {
                breaks: HARDLY,
                repaired: HARDLY,
                mended: HARDLY,
                redrawn,
            },
            Moved::Somehow | Moved::Reached => Hazard {
                breaks,
                repaired,
                mended,
                redrawn,
            },
            Moved::Unreached => Hazard {
                breaks: breaks * leak,
                repaired: repaired * leak.sqrt(),
                mended: mended * leak.sqrt(),
                redrawn,
            },
        }
    }

    /// The chance of an outcome in each state. Inlined, since what it returns is too large to be handed around.
    #[inline(always)]
    fn emission(&self, outcome: Outcome, heard: &Heard) -> Emission {
        let mut emission = Emission {
            flake: [0.0; RATES],
            healthy: [0.0; RATES],
            still: 1.0,
            new: 1.0,
        };
        let chances = self.chances;
        let passes = chances.broken_passes;
        if outcome.is_bad() {
            let calm_part = 1.0 - heard.outage * heard.share;
            let said = &heard.said;
            for (index, rate) in self.grid.rate.iter().enumerate() {
                let rate = if self.no_flakes { 0.0 } else { *rate };
                let calm = outcome.chance(rate, chances.alike);
                let hit = outcome.chance(1.0 - (1.0 - rate) * (1.0 - heard.share), chances.alike);
                let all = (1.0 - heard.outage) * calm + heard.outage * hit + 1e-18;
                let flake = (calm_part * calm).min(all);
                emission.flake[index] = flake * said.flake;
                emission.healthy[index] = flake * said.flake + (all - flake) * said.outage;
            }
            let broken = (1.0 - passes) * if outcome.passed { passes } else { 1.0 };
            emission.still = broken * said.still;
            emission.new = broken * said.new;
        } else {
            let apart = 1.0 - heard.outage * heard.share;
            for (healthy, rate) in emission.healthy.iter_mut().zip(&self.grid.rate) {
                *healthy = (1.0 - rate) * apart;
            }
            emission.still = passes * apart;
            emission.new = passes * apart;
        }
        emission
    }
}

/// The chance of an outcome, and of what it says, in each state.
#[derive(Clone, Debug)]
struct Emission {
    /// At each rate, healthy and without an outage: the part of `healthy` that is a flake. 0 for a pass.
    flake: Rates,
    /// At each rate, healthy.
    healthy: Rates,
    /// Broken, as at the result before.
    still: f64,
    /// Broken, and not at the result before.
    new: f64,
}

/// The belief about one test after some of its results: all that the next result needs.
#[derive(Clone, Debug)]
pub(super) struct Belief {
    /// Weight of each rate; sums to 1.
    pub rate: Rates,
    /// Logarithm of the chance of all results so far.
    pub log_likelihood: f64,
    /// For each line seen, by its number: that the test is broken there, given the rate.
    lines: Vec<(u32, Sick)>,
    index: FxHashMap<u32, u32>,
}

/// That a test is broken, given each rate: by a breakage that is soon repaired, or by one that lasts. (Real breakages have
/// no typical length: most are repaired at once, some stay for years.)
#[derive(Clone, Debug)]
struct Sick {
    fresh: Rates,
    lasting: Rates,
}

/// The belief at a result, before its outcome is taken in and before the code moved.
#[derive(Clone, Debug)]
struct Saved {
    rate: Rates,
    sick: Sick,
}

impl Belief {
    pub(super) fn new(prior: &Rates) -> Self {
        Self {
            rate: *prior,
            log_likelihood: 0.0,
            lines: Vec::new(),
            index: FxHashMap::default(),
        }
    }

    /// That the test is broken on each line, by line.
    pub(super) fn broken(&self) -> impl Iterator<Item = (u32, f64)> {
        self.lines.iter().map(|(line, broken)| {
            let sum: f64 = (0..RATES)
                .map(|i| self.rate[i] * (broken.fresh[i] + broken.lasting[i]))
                .sum();
            (*line, sum)
        })
    }

    fn slot(&mut self, line: u32, chances: &Chances) -> usize {
        if let Some(slot) = self.index.get(&line) {
            return *slot as usize;
        }
        // A line forks from the main one (line 0), or else begins like a history.
        let broken = match self.index.get(&0) {
            Some(main) => self.lines[*main as usize].1.clone(),
            None => Sick {
                fresh: [0.0; RATES],
                lasting: [chances.broken_at_start; RATES],
            },
        };
        let slot = self.lines.len();
        self.lines.push((line, broken));
        self.index.insert(line, slot as u32);
        slot
    }

    /// Takes in one result. Cost: O(rates).
    pub(super) fn advance(&mut self, world: &World<'_>, step: &Step, heard: &Heard) {
        self.step(world, step, heard, None);
    }

    /// The same; what is believed before the outcome goes to `saved`.
    fn step(
        &mut self,
        world: &World<'_>,
        step: &Step,
        heard: &Heard,
        saved: Option<&mut Vec<Saved>>,
    ) {
        let hazard = world.hazard(step, heard);
        let Emission {
            healthy,
            still,
            new: newly,
            ..
        } = world.emission(step.outcome, heard);
        let slot = self.slot(step.line, world.chances);
        let sick = &mut self.lines[slot].1;
        let rate = &mut self.rate;
        if hazard.redrawn > 0.0 {
            let (fresh, lasting) = (dot(rate, &sick.fresh), dot(rate, &sick.lasting));
            let (stay, new) = (1.0 - hazard.redrawn, hazard.redrawn);
            for (i, rate) in rate.iter_mut().enumerate() {
                let (kept, drawn) = (stay * *rate, new * world.prior[i]);
                let weight = kept + drawn;
                let share = 1.0 / weight;
                sick.fresh[i] = (kept * sick.fresh[i] + drawn * fresh) * share;
                sick.lasting[i] = (kept * sick.lasting[i] + drawn * lasting) * share;
                *rate = weight;
            }
        }
        if let Some(saved) = saved {
            saved.push(Saved {
                rate: *rate,
                sick: sick.clone(),
            });
        }
        let lasts = world.chances.lasting;
        for i in 0..RATES {
            let (q, l) = (sick.fresh[i], sick.lasting[i]);
            let well = (1.0 - q - l).max(0.0);
            let (old_q, new_q) = (
                q * (1.0 - hazard.repaired),
                well * hazard.breaks * (1.0 - lasts),
            );
            let (old_l, new_l) = (l * (1.0 - hazard.mended), well * hazard.breaks * lasts);
            let sound = (1.0 - old_q - new_q - old_l - new_l).max(0.0);
            let q = old_q * still + new_q * newly;
            let l = old_l * still + new_l * newly;
            let seen = sound * healthy[i] + q + l;
            let share = 1.0 / seen;
            sick.fresh[i] = q * share;
            sick.lasting[i] = l * share;
            rate[i] *= seen;
        }
        let total = sum(rate);
        let scale = 1.0 / total;
        for weight in rate.iter_mut() {
            *weight = (*weight * scale).max(1e-250);
        }
        self.log_likelihood += total.ln();
    }
}

/// What the whole history says of one failed result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    /// Which step.
    pub step: u32,
    /// Failed without cause.
    pub flake: f64,
    /// Was broken.
    pub broken: f64,
    /// Hit by an outage.
    pub outage: f64,
    /// Broken, and not yet so at the result before: it broke here.
    pub broke: f64,
    /// What the part as a whole is told, all shares of one sum: a flake, if there is no outage;
    pub if_calm: f64,
    /// … broken at the result before;
    pub old: f64,
    /// … by a new breakage, for each unit of its chance;
    pub if_broke: f64,
    /// … by an outage, for each unit of its chance.
    pub if_outage: f64,
    /// By how much the part's change is as likely to break it as a test that it reaches.
    pub reach: f64,
}

/// What the whole history says of one test.
#[derive(Clone, Debug)]
pub(super) struct Smoothed {
    /// The belief after the last result.
    pub now: Belief,
    /// Each failed result, in order.
    pub causes: Vec<Cause>,
    /// Expected number of repairs, and of steps at which one could have happened.
    pub repairs: (f64, f64),
}

/// Takes in all results forwards, then looks back from the end at each failed one.
///
/// `heard` has one entry for each failed step, in order; passed ones take what their part says.
pub(super) fn smooth(world: &World<'_>, steps: &[Step], heard: &[Heard]) -> Smoothed {
    let mut belief = Belief::new(world.prior);
    let mut saved = Vec::new();
    let mut failed = 0;
    let mut after_failure: FxHashMap<u32, bool> = FxHashMap::default();
    let needed: Vec<bool> = steps
        .iter()
        .map(|step| {
            let bad = step.outcome.is_bad();
            let before = after_failure.insert(step.line, bad).unwrap_or(false);
            bad || before
        })
        .collect();
    for (step, save) in steps.iter().zip(&needed) {
        let about = about(world, step, heard, &mut failed);
        let saved = save.then_some(&mut saved);
        belief.step(world, step, &about, saved);
    }
    let (causes, repairs) = look_back(world, steps, heard, &needed, &saved);
    Smoothed {
        now: belief,
        causes,
        repairs,
    }
}

/// The logarithm of the chance of all results; of the first ones only where that is below `least` already, since more results
/// never raise it.
pub(super) fn log_likelihood(
    world: &World<'_>,
    steps: &[Step],
    heard: &[Heard],
    least: f64,
) -> f64 {
    let mut belief = Belief::new(world.prior);
    let mut failed = 0;
    for step in steps {
        let about = about(world, step, heard, &mut failed);
        belief.advance(world, step, &about);
        if belief.log_likelihood < least {
            break;
        }
    }
    belief.log_likelihood
}

/// Of how many numbers sums are taken side by side: a processor adds several at once, but only where told that their order
/// does not matter.
const LANES: usize = 8;

/// The sum over all rates, in a fixed order.
#[inline]
fn sum(values: &Rates) -> f64 {
    lanes(|lane, at| lane + values[at], |a, b| a + b)
}

/// The sum of products over all rates, in a fixed order.
#[inline]
fn dot(a: &Rates, b: &Rates) -> f64 {
    lanes(|lane, at| lane + a[at] * b[at], |a, b| a + b)
}

/// The greatest value of all rates; 0 where none is above it.
#[inline]
fn most(values: &Rates) -> f64 {
    let greater = |a: f64, b: f64| if b > a { b } else { a };
    lanes(|lane, at| greater(lane, values[at]), greater)
}

/// Takes in all rates, every eighth into the same lane, and joins the lanes. Written with indices: these loops are most of
/// what a night costs, and compile to the same code in every profile.
#[inline(always)]
fn lanes(take: impl Fn(f64, usize) -> f64, join: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    for row in 0..RATES / LANES {
        for (at, lane) in lanes.iter_mut().enumerate() {
            *lane = take(*lane, row * LANES + at);
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    join(join(join(a, e), join(c, g)), join(join(b, f), join(d, h)))
}

fn about(world: &World<'_>, step: &Step, heard: &[Heard], failed: &mut usize) -> Heard {
    if step.outcome.is_bad() {
        *failed += 1;
        heard[*failed - 1]
    } else {
        world.parts[step.part as usize]
    }
}

fn look_back(
    world: &World<'_>,
    steps: &[Step],
    heard: &[Heard],
    needed: &[bool],
    saved: &[Saved],
) -> (Vec<Cause>, (f64, f64)) {
    let mut future = [1.0; RATES];
    // Chance of the future of a line if broken (soon repaired, lasting), against that if healthy.
    let mut lines: FxHashMap<u32, [Rates; 2]> = FxHashMap::default();
    let mut causes = Vec::with_capacity(heard.len());
    let (mut repairs, mut occasions) = (0.0, 0.0);
    let (mut next_saved, mut next_heard) = (saved.len(), heard.len());
    let lasts = world.chances.lasting;
    for (number, step) in steps.iter().enumerate().rev() {
        let bad = step.outcome.is_bad();
        let about = if bad {
            next_heard -= 1;
            heard[next_heard]
        } else {
            world.parts[step.part as usize]
        };
        let hazard = world.hazard(step, &about);
        let Emission {
            flake: calm,
            healthy,
            still: goes_on,
            new: newly,
        } = world.emission(step.outcome, &about);
        let ratio = lines.entry(step.line).or_insert([[1.0; RATES]; 2]);
        if needed[number] {
            next_saved -= 1;
            let before = &saved[next_saved];
            let (mut flake, mut outage, mut old, mut new, mut well) = (0.0, 0.0, 0.0, 0.0, 0.0);
            let mut free_flake = 0.0;
            let (mut repaired, mut still) = (0.0, 0.0);
            let calm_part = 1.0 - about.outage * about.share;
            for i in 0..RATES {
                let if_healthy = future[i];
                let (if_fresh, if_lasting) = (if_healthy * ratio[0][i], if_healthy * ratio[1][i]);
                let (fresh, lasting) = (
                    before.rate[i] * before.sick.fresh[i],
                    before.rate[i] * before.sick.lasting[i],
                );
                let sound = (before.rate[i] - fresh - lasting).max(0.0);
                let back = fresh * hazard.repaired * if_healthy;
                let mass =
                    (sound * (1.0 - hazard.breaks) + lasting * hazard.mended) * if_healthy + back;
                // As if nothing were heard of a breaking change.
                let free = (sound + lasting * hazard.mended) * if_healthy + back;
                if !world.no_flakes {
                    flake += mass * calm[i];
                    free_flake += free * calm[i];
                }
                outage += mass * (healthy[i] - calm[i]).max(0.0);
                well += free;
                let stays = fresh * (1.0 - hazard.repaired) * if_fresh * goes_on;
                old += stays + lasting * (1.0 - hazard.mended) * if_lasting * goes_on;
                new += sound * newly * ((1.0 - lasts) * if_fresh + lasts * if_lasting);
                repaired += back * healthy[i];
                still += stays;
            }
            let broke = new * hazard.breaks;
            let all = flake + outage + old + broke;
            if matches!(step.moved, Moved::Somehow | Moved::Reached) {
                repairs += repaired / all;
                occasions += (repaired + still) / all;
            }
            if bad {
                let weight = match step.moved {
                    Moved::First | Moved::Same => 0.0,
                    Moved::Unreached => world.chances.leak,
                    Moved::Somehow | Moved::Reached => 1.0,
                };
                let if_calm = free_flake / calm_part.max(1e-9);
                let well = well * about.said.outage;
                let sum = if_calm + old + new * weight + well;
                causes.push(Cause {
                    step: number as u32,
                    flake: flake / all,
                    broken: (old + broke) / all,
                    outage: outage / all,
                    broke: broke / all,
                    if_calm: if_calm / sum,
                    old: old / sum,
                    if_broke: new / sum,
                    if_outage: well / sum,
                    reach: weight,
                });
            }
        }
        let mut next = [[0.0; RATES]; 3];
        for i in 0..RATES {
            let h = future[i] * healthy[i];
            let (q, l) = (future[i] * ratio[0][i], future[i] * ratio[1][i]);
            next[0][i] =
                (1.0 - hazard.breaks) * h + hazard.breaks * newly * ((1.0 - lasts) * q + lasts * l);
            next[1][i] = hazard.repaired * h + (1.0 - hazard.repaired) * q * goes_on;
            next[2][i] = hazard.mended * h + (1.0 - hazard.mended) * l * goes_on;
        }
        let sums = [
            dot(world.prior, &next[0]),
            dot(world.prior, &next[1]),
            dot(world.prior, &next[2]),
        ];
        let (stay, new) = (1.0 - hazard.redrawn, hazard.redrawn);
        for i in 0..RATES {
            let h = stay * next[0][i] + new * sums[0];
            let share = 1.0 / h;
            ratio[0][i] = (stay * next[1][i] + new * sums[1]) * share;
            ratio[1][i] = (stay * next[2][i] + new * sums[2]) * share;
            future[i] = h;
        }
        let most = most(&future);
        for value in &mut future {
            *value = (*value / most).max(1e-250);
        }
    }
    causes.reverse();
    (causes, (repairs, occasions))
}
