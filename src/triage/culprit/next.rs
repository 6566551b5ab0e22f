//! What to run next, and when to stop.

use super::{Belief, Outcome, Search, Step, reruns};
use crate::model::Probability;

/// Combinations of outcomes of pending runs that are thought through.
const WORLDS: usize = 64;
/// A run that tells less, in bits, is not worth it.
const NOTHING: f64 = 1e-6;

/// The suspects that cannot be told apart from one: from the first after a position that can be tested to the next one
/// that can.
fn group(search: &Search, suspect: u32) -> (u32, u32) {
    let (mut first, mut last) = (suspect, suspect);
    while first > 1 && search.is_untestable(first - 1) {
        first -= 1;
    }
    while last < search.suspects() && search.is_untestable(last) {
        last += 1;
    }
    (first, last)
}

fn mass(belief: &Belief, (first, last): (u32, u32)) -> f64 {
    belief.suspects[first as usize - 1..last as usize]
        .iter()
        .sum()
}

/// The group of suspects that is likeliest to hold the culprit.
fn likeliest(search: &Search, belief: &Belief) -> Option<((u32, u32), f64)> {
    let mut best = None;
    let mut at = 1;
    while at <= search.suspects() {
        let here = group(search, at);
        let mass = mass(belief, here);
        if best.is_none_or(|(_, most)| mass > most) {
            best = Some((here, mass));
        }
        at = here.1 + 1;
    }
    best
}

pub(super) fn outcome(search: &Search, belief: &Belief, confidence: Probability) -> Outcome {
    if belief.none >= confidence.get() {
        return Outcome::NoCulprit;
    }
    match likeliest(search, belief) {
        Some(((first, last), mass)) if mass >= confidence.get() => {
            if first == last {
                Outcome::Culprit(first)
            } else {
                Outcome::Among((first..=last).collect())
            }
        }
        _ => Outcome::Undecided,
    }
}

pub(super) fn step(search: &Search, confidence: Probability, pending: &[u32]) -> Step {
    let belief = search.belief();
    if is_broken_before(search, confidence) {
        return Step::Done(Outcome::BrokenBefore);
    }
    match outcome(search, &belief, confidence) {
        Outcome::Undecided | Outcome::BrokenBefore => {}
        Outcome::NoCulprit => return Step::Done(Outcome::NoCulprit),
        found @ (Outcome::Culprit(_) | Outcome::Among(_)) => {
            let (first, last) = match &found {
                Outcome::Among(all) => (all[0], all[all.len() - 1]),
                Outcome::Culprit(one) => (*one, *one),
                _ => (1, 1),
            };
            return match missing(search, &belief, confidence, first - 1, last, pending) {
                Some(at) => Step::Run(at),
                None if pending.is_empty() => Step::Done(found),
                None => Step::Wait,
            };
        }
    }
    match most_telling(search, &belief, pending) {
        Some(at) => Step::Run(at),
        None if pending.is_empty() => Step::Done(Outcome::Undecided),
        None => Step::Wait,
    }
}

/// The position at which a run is still missing, besides those under way, to verify that a test broke after `parent` and
/// at the latest at `culprit`.
fn missing(
    search: &Search,
    belief: &Belief,
    confidence: Probability,
    parent: u32,
    culprit: u32,
    pending: &[u32],
) -> Option<u32> {
    let of = |at| search.seen.iter().filter(move |seen| seen.at == at);
    let under_way = |at| pending.iter().filter(|other| **other == at).count();
    let failed = of(culprit).filter(|seen| seen.is_firm()).count() + under_way(culprit);
    let rate = belief.rates[culprit as usize - 1];
    let more = failed < reruns(confidence, rate) as usize && !search.is_untestable(culprit);
    let passed = of(parent).any(|seen| seen.is_clean()) || under_way(parent) > 0;
    if !passed && !search.is_untestable(parent) {
        // in turn: a parent that fails, too, shows soon that this is not the one
        let tried = of(parent).filter(|seen| !seen.told).count();
        return Some(if more && failed <= tried {
            culprit
        } else {
            parent
        });
    }
    more.then_some(culprit)
}

/// Whether the test fails at the good commit as at all others: so often that all would hardly be flakes of a test that fails
/// every other time, and nowhere did it pass.
fn is_broken_before(search: &Search, confidence: Probability) -> bool {
    let passed = search.seen.iter().any(|seen| seen.passed && !seen.told);
    let failed = search
        .seen
        .iter()
        .filter(|seen| seen.at == 0 && seen.is_firm());
    !passed && failed.count() >= reruns(confidence, 0.5) as usize
}

/// One way in which the pending runs may end.
struct World {
    chance: f64,
    /// Of each suspect, and last of "none".
    belief: Vec<f64>,
}

/// The position whose outcome is expected to tell most about the culprit, once the pending runs have ended; `None` where no
/// run tells anything.
fn most_telling(search: &Search, belief: &Belief, pending: &[u32]) -> Option<u32> {
    let mut each = belief.suspects.clone();
    each.push(belief.none);
    let passes = search.behaviour.broken_passes;
    let mut worlds = vec![World {
        chance: 1.0,
        belief: each,
    }];
    for at in pending {
        worlds = worlds
            .into_iter()
            .flat_map(|world| split(world, &belief.rates, passes, *at))
            .collect();
        worlds.sort_by(|a, b| b.chance.total_cmp(&a.chance));
        worlds.truncate(WORLDS);
    }
    let mut gain = vec![0.0; search.prior.len()];
    for world in &worlds {
        add_gain(world, &belief.rates, passes, &mut gain);
    }
    let open = (1..).zip(&gain[1..]);
    let open = open.filter(|(at, gain)| !search.is_untestable(*at) && **gain > NOTHING);
    // of equals the first
    let (at, most) = open.min_by(|a, b| b.1.total_cmp(a.1))?;
    let good = gain[0] > *most && !search.is_untestable(0);
    Some(if good { 0 } else { at })
}

/// The chance of a failure at a position under a hypothesis (an index: suspect − 1, or none).
fn fails(hypothesis: usize, at: u32, rates: &[f64], passes: f64) -> f64 {
    let none = hypothesis + 1 == rates.len();
    if !none && hypothesis < at as usize {
        1.0 - passes
    } else {
        rates[hypothesis]
    }
}

fn split(world: World, rates: &[f64], passes: f64, at: u32) -> [World; 2] {
    [true, false].map(|failed| {
        let weigh = |(hypothesis, p): (usize, &f64)| {
            let fails = fails(hypothesis, at, rates, passes);
            p * if failed { fails } else { 1.0 - fails }
        };
        let mut belief: Vec<f64> = world.belief.iter().enumerate().map(weigh).collect();
        let sum: f64 = belief.iter().sum();
        if sum > 0.0 {
            for p in &mut belief {
                *p /= sum;
            }
        }
        World {
            chance: world.chance * sum,
            belief,
        }
    })
}

/// Entropy of a yes-or-no outcome, in bits.
fn entropy(p: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
    term(p) + term(1.0 - p)
}

/// Adds, for each position, the information between its outcome and the culprit: the outcome's entropy less what the
/// test's own noise makes of it. Cost: O(suspects).
fn add_gain(world: &World, rates: &[f64], passes: f64, gain: &mut [f64]) {
    // as if nothing were broken yet
    let (mut fails, mut noise) = (0.0, 0.0);
    for (p, rate) in world.belief.iter().zip(rates) {
        fails += p * rate;
        noise += p * entropy(*rate);
    }
    // at the good commit only the flake rate shows; it may be another one under each hypothesis
    gain[0] += world.chance * (entropy(fails.clamp(0.0, 1.0)) - noise).max(0.0);
    let broken_noise = entropy(passes);
    for ((at, p), rate) in (1..).zip(&world.belief).zip(rates).take(gain.len() - 1) {
        fails += p * (1.0 - passes - rate);
        noise += p * (broken_noise - entropy(*rate));
        let gain: &mut f64 = &mut gain[at];
        *gain += world.chance * (entropy(fails.clamp(0.0, 1.0)) - noise).max(0.0);
    }
}
