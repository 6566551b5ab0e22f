//! How well the search for culprits does.
//!
//! `cargo bench --bench culprit -- [sim] [--seed N] [--count N]`: searches as in the study of FACF (Henderson et al., ICST
//! 2023): 40 % of the ranges hold no culprit, their failure was a flake.
//!
//! The study prints no distribution of range lengths; it prints what bisection cost. Lengths are drawn evenly in their
//! logarithm from 16 to 1,024, with which bisection ×1, ×4 and ×8 cost what the study says (7 to 8, 14, 24 runs). Flake
//! rates are drawn in two ways. *As in the study*: in ranges without a culprit evenly in their logarithm from 0.01 to
//! 0.75; in those with one the same for a twentieth, else 0.01, with which bisection ×1 names about as many culprits as
//! the study says (96 %), and about half of the ranges without one. *Flaky throughout*: evenly in their logarithm from 0.01 to
//! 0.75 in all ranges. A search knows how often the test failed in 20 to 200 runs before the range; FACF takes the share,
//! or 0.1 if that is more.
//!
//! Graph distances are drawn so: a culprit reaches its test in 98 %, at distances 1, 2, 3, … with chances 1/2, 1/4, 1/8, …;
//! of other commits 40 % reach it, at distances 1 to 8 evenly.
//!
//! `cargo bench --bench culprit -- fleet DIR…`: culprits of simulated histories, named from stored results alone.

#![expect(clippy::print_stdout, reason = "a bench talks to the terminal")]

#[path = "support/blame.rs"]
mod blame;
#[path = "support/facf.rs"]
mod facf;
#[path = "support/fleet.rs"]
#[expect(dead_code, reason = "other benches ask for more")]
mod fleet;

use tia::model::Probability;
use tia::triage::culprit::prior::{self, Traits};
use tia::triage::culprit::{Behaviour, Observation, Outcome, Search, Step};

/// Runs after which any search gives up.
const MOST: u32 = 200;
/// The share of ranges without a culprit.
const NONE: f64 = 0.4;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| {
        let at = args.iter().position(|arg| arg == name);
        at.map_or(default, |at| args[at + 1].parse().expect("a number"))
    };
    let dirs: Vec<std::path::PathBuf> = args.iter().map(Into::into).collect();
    let dirs: Vec<_> = dirs
        .into_iter()
        .filter(|dir| dir.join("truth.json").exists())
        .collect();
    if args.iter().any(|arg| arg == "fleet") {
        return blame::score(&dirs, args.iter().any(|arg| arg == "-v"));
    }
    simulate(number("--seed", 1), number("--count", 13_600));
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, end: u32) -> u32 {
        (self.unit() * f64::from(end)) as u32
    }

    /// Evenly in the logarithm.
    fn log(&mut self, low: f64, high: f64) -> f64 {
        (low.ln() + self.unit() * (high / low).ln()).exp()
    }
}

/// One range to be searched.
struct Case {
    suspects: u32,
    /// 0: none.
    culprit: u32,
    rate: f64,
    /// Failures in so many runs before the range.
    failed: u32,
    ran: u32,
    traits: Vec<Traits>,
}

fn draw(rng: &mut Rng, flaky_throughout: bool) -> Case {
    let suspects = rng.log(16.0, 1025.0) as u32;
    let culprit = if rng.unit() < NONE {
        0
    } else {
        1 + rng.below(suspects)
    };
    let rate = if flaky_throughout || culprit == 0 || rng.unit() < 0.05 {
        rng.log(0.01, 0.75)
    } else {
        0.01
    };
    let ran = 20 + rng.below(181);
    let failed = (0..ran).filter(|_| rng.unit() < rate).count() as u32;
    let mut commit = |at| {
        let guilty = at == culprit;
        let reaches = rng.unit() < if guilty { 0.98 } else { 0.4 };
        let distance = if guilty {
            1 + (-rng.unit().log2()) as u32
        } else {
            1 + rng.below(8)
        };
        Traits {
            reaches: Some(reaches),
            distance: reaches.then_some(distance),
            files: 1,
            others: Vec::new(),
        }
    };
    let traits = (1..=suspects).map(&mut commit).collect();
    Case {
        suspects,
        culprit,
        rate,
        failed,
        ran,
        traits,
    }
}

/// A way to search: its answer, 0 for none.
type Way = fn(&Case, &mut facf::Run<'_>) -> Option<u32>;

const WAYS: [(&str, Way); 8] = [
    ("bisection ×1", |case, run| {
        Some(facf::bisect(case.suspects, 1, run))
    }),
    ("bisection ×4", |case, run| {
        Some(facf::bisect(case.suspects, 4, run))
    }),
    ("bisection ×8", |case, run| {
        Some(facf::bisect(case.suspects, 8, run))
    }),
    ("FACF, even prior", |case, run| {
        let even = vec![1.0; case.suspects as usize];
        published(case, &even, run)
    }),
    ("FACF, distance prior", |case, run| {
        // gentler than ours: with weights near 0 it may never run the suspect that tells
        let near = |one: &Traits| 1.0 / (1.0 + f64::from(one.distance.unwrap_or(10)));
        let weights: Vec<f64> = case.traits.iter().map(near).collect();
        published(case, &weights, run)
    }),
    ("tia, FACF's estimate", |case, run| {
        let even = vec![1.0; case.suspects as usize];
        ours(case, &even, Behaviour::exactly(estimate(case)), run)
    }),
    ("tia", |case, run| {
        let even = vec![1.0; case.suspects as usize];
        ours(case, &even, known(case), run)
    }),
    ("tia, graph prior", |case, run| {
        ours(case, &prior::weights(&case.traits), known(case), run)
    }),
];

/// The flake rate as FACF estimates it.
fn estimate(case: &Case) -> f64 {
    (f64::from(case.failed) / f64::from(case.ran)).clamp(0.1, 0.99)
}

/// The flake rate as `tia` knows it. A project without assessment: 4 % of its tests are taken for flaky.
fn known(case: &Case) -> Behaviour {
    Behaviour::of(Probability::clamped(0.04), case.failed, case.ran)
}

fn published(case: &Case, weights: &[f64], run: &mut facf::Run<'_>) -> Option<u32> {
    let total: f64 = weights.iter().sum();
    let mut prior: Vec<f64> = weights.iter().map(|w| w / total * (1.0 - NONE)).collect();
    prior.push(NONE);
    facf::facf(&prior, estimate(case), 0.9999, MOST, run)
}

fn ours(
    case: &Case,
    weights: &[f64],
    behaviour: Behaviour,
    run: &mut facf::Run<'_>,
) -> Option<u32> {
    let mut search = Search::new(weights, 1.0, behaviour);
    search.observe(Observation::once(0, true));
    search.observe(Observation::once(case.suspects, false));
    let total: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.iter().map(|w| w / total * (1.0 - NONE)).collect();
    let mut search = search.believing(&weights, NONE);
    for _ in 0..=MOST {
        match search.step(Probability::clamped(0.99), &[]) {
            Step::Run(at) => {
                let passed = run(at);
                search.observe(Observation::once(at, passed));
            }
            Step::Done(Outcome::Culprit(at)) => return Some(at),
            Step::Done(Outcome::NoCulprit) => return Some(0),
            Step::Done(_) | Step::Wait => return None,
        }
    }
    None
}

#[derive(Clone, Copy, Default)]
struct Score {
    /// With a culprit and without: searches, right ones, runs.
    with: [(u32, u32, u32); 2],
}

fn simulate(seed: u64, count: u64) {
    for flaky_throughout in [false, true] {
        let mut rng = Rng(seed);
        let mut scores = [Score::default(); WAYS.len()];
        let mut bits = 0.0;
        for _ in 0..count {
            let case = draw(&mut rng, flaky_throughout);
            bits += entropy(NONE) + (1.0 - NONE) * f64::from(case.suspects).log2();
            let own = rng.next();
            for ((_, way), score) in WAYS.iter().zip(&mut scores) {
                let mut rng = Rng(own);
                let mut runs = 0;
                let found = way(&case, &mut |at| {
                    runs += 1;
                    let broken = case.culprit > 0 && at >= case.culprit;
                    !broken && rng.unit() >= case.rate
                });
                let entry = &mut score.with[usize::from(case.culprit == 0)];
                entry.0 += 1;
                entry.1 += u32::from(found == Some(case.culprit));
                entry.2 += runs;
            }
        }
        println!(
            "\n{count} searches, seed {seed}, flake rates {}; {:.1} bits a search",
            if flaky_throughout {
                "0.01 to 0.75 throughout"
            } else {
                "as in the study"
            },
            bits / count as f64
        );
        println!(
            "                        right (all, with, without)    mean runs (all, with, without)"
        );
        for ((name, _), score) in WAYS.iter().zip(&scores) {
            let [with, without] = score.with;
            let all = (with.0 + without.0, with.1 + without.1, with.2 + without.2);
            let share = |(n, right, _): (u32, u32, u32)| f64::from(right) / f64::from(n.max(1));
            let mean = |(n, _, runs): (u32, u32, u32)| f64::from(runs) / f64::from(n.max(1));
            println!(
                "  {name:22} {:.4}  {:.4}  {:.4}      {:5.2}  {:5.2}  {:5.2}",
                share(all),
                share(with),
                share(without),
                mean(all),
                mean(with),
                mean(without)
            );
        }
    }
}

fn entropy(p: f64) -> f64 {
    -p * p.log2() - (1.0 - p) * (1.0 - p).log2()
}
