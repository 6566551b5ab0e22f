//! Whose failure is this? Verdicts on the failures of a run, the causes they share, who broke what, and the way back.
//!
//! Everything here is a function of values: nothing is run, read or written.

pub mod cluster;
pub mod culprit;
pub mod episode;
pub mod gate;
pub mod judge;
pub mod mask;
mod near;
pub mod revert;
pub mod signature;
pub mod verdict;

#[cfg(test)]
pub(crate) mod testing {
    use super::judge::Judgement;
    use super::verdict::{Advice, Chances, Evidence, Reach};
    use crate::flaky::Estimate;
    use crate::model::Probability;

    /// A failure with these chances: a regression, broken before, a flake; the rest is infrastructure.
    pub(crate) fn judgement(regression: f64, before: f64, flake: f64) -> Judgement {
        let p = Probability::clamped;
        let chances = Chances {
            regression: p(regression),
            already_broken: p(before),
            flake: p(flake),
            infrastructure: p(1.0 - regression - before - flake),
            new_test: p(0.0),
        };
        Judgement {
            series: 0,
            part: 0,
            recovered: false,
            verdict: chances.verdict(),
            chances,
            evidence: Evidence {
                ran: 80,
                failed: 4,
                since_pass: Some(0),
                same_commit: (0, 0),
                attempts: (1, false),
                reach: Reach::Unreached,
                unreachable: true,
                part: (1, 120),
                said: None,
                slower: None,
                rate: Estimate {
                    mean: p(0.05),
                    low: p(0.02),
                    high: p(0.1),
                },
            },
            alarms: Vec::new(),
            advice: Advice::Waste,
        }
    }
}
