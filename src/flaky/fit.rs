//! What is fitted to the project as a whole: the distribution of flake rates, the chances of the state model, what each part
//! tells the tests in it.
//!
//! Rounds of "tests given parts, parts given tests" (belief propagation, with EM for the chances; see `prior` and `outage`).

use rayon::prelude::*;

use super::infer::{Heard, Smoothed, World};
use super::outage::{self, PartView, Told};
use super::said::Sayings;
use super::states::{Chances, Grid, Rates};
use super::{Assessor, prior, redrawn};
use crate::model::Series;

/// After so many rounds it is known well enough what was an outage.
pub(super) const SETTLED: usize = 2;

/// The default chance of a repair counts as so many occasions: tests that broke together are repaired together, so a short history has
/// few of its own, however many tests these were.
const REPAIRS: f64 = 24.0;

/// What is fitted to the project as a whole.
pub(super) struct Fit {
    pub(super) chances: Chances,
    pub(super) prior: Rates,
    pub(super) views: Vec<PartView>,
    /// For each part, what those who passed in it hear.
    pub(super) parts: Vec<Heard>,
    /// For each failing series, what each failed result hears.
    pub(super) heard: Vec<Vec<Heard>>,
    never: Vec<(u32, u32)>,
    /// For each part, how many of the tests that ran in it its change can reach; all where no graph says.
    pub(super) reached: Vec<u32>,
    pub(super) sayings: Option<Sayings>,
    rounds: usize,
}

impl Fit {
    pub(super) fn new(assessor: &Assessor<'_>, grid: &Grid) -> Self {
        let chances = Chances::default();
        let start = Heard {
            breaks: chances.breaks,
            ..Heard::default()
        };
        let mut never = std::collections::BTreeMap::new();
        let mut failing = assessor.failing.iter().peekable();
        for (number, ran) in assessor.ran.iter().enumerate() {
            if failing
                .peek()
                .is_some_and(|(failing, _)| *failing as usize == number)
            {
                failing.next();
            } else {
                *never.entry(*ran).or_insert(0) += 1;
            }
        }
        let bad = |series: &Series| {
            series
                .seen
                .iter()
                .filter(|seen| seen.status.is_bad() || seen.bad_attempts > 0)
                .count()
        };
        let reached = reached(assessor);
        Self {
            prior: prior::default_weights(grid),
            views: Vec::new(),
            parts: vec![start; reached.len()],
            heard: assessor
                .failing
                .iter()
                .map(|(_, series)| vec![start; bad(series)])
                .collect(),
            never: never.into_iter().collect(),
            reached,
            sayings: assessor.past.says.map(|says| {
                let steps = |(number, series): &(u32, Series)| {
                    (
                        *number,
                        assessor.lines.steps(&assessor.past, *number, series),
                    )
                };
                Sayings::new(says, assessor.failing.iter().map(steps))
            }),
            chances,
            rounds: 0,
        }
    }

    /// What was fitted before, to be taken as it is; what failures hear is kept elsewhere.
    pub(super) fn resumed(
        assessor: &Assessor<'_>,
        chances: Chances,
        prior: Rates,
        parts: Vec<Heard>,
    ) -> Self {
        Self {
            chances,
            prior,
            views: Vec::new(),
            parts,
            heard: Vec::new(),
            never: Vec::new(),
            reached: reached(assessor),
            sayings: None,
            rounds: 0,
        }
    }

    pub(super) fn world<'a>(&'a self, grid: &'a Grid) -> World<'a> {
        World {
            grid,
            prior: &self.prior,
            chances: &self.chances,
            parts: &self.parts,
            no_flakes: false,
        }
    }

    pub(super) fn update(&mut self, assessor: &Assessor<'_>, grid: &Grid, smoothed: &[Smoothed]) {
        let likelihoods: Vec<Rates> = smoothed
            .iter()
            .map(|one| {
                let mut likelihood = one.now.rate;
                likelihood
                    .iter_mut()
                    .zip(&self.prior)
                    .for_each(|(l, p)| *l /= p);
                likelihood
            })
            .collect();
        self.prior = prior::fit(grid, &likelihoods, &self.never);

        // Tell each part what its failed tests say. Causes stand in the order of steps, which is not that of parts.
        let mut told: Vec<Vec<Told>> = vec![Vec::new(); self.parts.len()];
        let mut places = Vec::new();
        let (mut broke, mut repairs, mut occasions) = (0.0, 0.0, 0.0);
        let mut broken_at_start = 0.0;
        for (((number, series), one), heard) in
            assessor.failing.iter().zip(smoothed).zip(&self.heard)
        {
            let steps = assessor.lines.steps(&assessor.past, *number, series);
            debug_assert_eq!(one.causes.len(), heard.len());
            repairs += one.repairs.0;
            occasions += one.repairs.1;
            if let Some(first) = one.causes.first().filter(|first| first.step == 0) {
                broken_at_start += first.broken;
            }
            for cause in &one.causes {
                let step = &steps[cause.step as usize];
                let part = &mut told[step.part as usize];
                places.push((step.part, part.len() as u32));
                broke += cause.broke;
                part.push(Told::of(step.outcome, cause));
            }
        }
        let steps = |at: usize| {
            let (number, series) = &assessor.failing[at];
            assessor.lines.steps(&assessor.past, *number, series)
        };
        let failing = assessor.failing.len();
        self.rounds += 1;
        let redrawn = match self.rounds > SETTLED {
            true => redrawn::fit(&self.world(grid), failing, &steps, &self.heard, &self.never),
            false => self.chances.redrawn,
        };
        let chances = &self.chances;
        self.views = told
            .par_iter()
            .zip(&assessor.passed)
            .zip(&self.reached)
            .map(|((told, passed), reached)| outage::weigh(chances, told, *passed, *reached))
            .collect();
        let mut place = places.iter();
        for heard in self.heard.iter_mut().flatten() {
            if let Some((part, at)) = place.next() {
                *heard = self.views[*part as usize].each[*at as usize];
            }
        }
        if let Some(sayings) = &mut self.sayings {
            let causes = smoothed.iter().map(|one| one.causes.as_slice());
            let settled = self.rounds > SETTLED;
            let said = sayings.weigh(causes, settled).into_iter().flatten();
            for (heard, said) in self.heard.iter_mut().flatten().zip(said) {
                heard.said = said;
            }
        }
        self.parts = self.views.iter().map(|view| view.all).collect();

        let parts = self.parts.len() as f64;
        let tests = assessor.ran.len() as f64;
        let outages: f64 = self.parts.iter().map(|part| part.outage).sum();
        let breaking: f64 = self.views.iter().map(|view| view.breaking).sum();
        let occasions_to_break: f64 = self.reached.iter().map(|reached| f64::from(*reached)).sum();
        let default = Chances::default();
        let breaks = (broke + 2000.0 * default.breaks) / (occasions_to_break + 2000.0);
        self.chances = Chances {
            breaks,
            repaired: ((repairs + REPAIRS * default.repaired) / (occasions + REPAIRS))
                .clamp(0.05, 0.6),
            broken_at_start: (broken_at_start + 20.0 * default.broken_at_start) / (tests + 20.0),
            outage: (outages + 50.0 * default.outage) / (parts + 50.0),
            breaking_part: (breaking + 30.0 * default.breaking_part) / (parts + 30.0),
            redrawn,
            ..default
        };
    }
}

fn reached(assessor: &Assessor<'_>) -> Vec<u32> {
    let mut ran = assessor.passed.clone();
    for (_, series) in &assessor.failing {
        for seen in series
            .seen
            .iter()
            .filter(|seen| seen.status.is_bad() || seen.bad_attempts > 0)
        {
            ran[seen.part as usize] += 1;
        }
    }
    let reaches = assessor.past.reaches;
    let reached = ran.iter().enumerate().map(|(part, ran)| {
        let known = reaches.and_then(|reaches| reaches.reached(part as u32));
        known.map_or(*ran, |known| known.min(*ran))
    });
    reached.collect()
}
