//! One answer for CI: may this run pass?
//!
//! A run passes only when every failure in it is very probably not the doing of the change at hand, and nothing is missing
//! that should have run. Quarantine forgives a failure that is like those the test is known for; one that is not (an alarm), or
//! that is more likely than not this change's doing, counts like any other.

use serde::{Deserialize, Serialize};

use super::judge::Judgement;

/// What blocks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// A failure blocks from this chance on that it is this change's doing: 0 to 1.
    pub block_at: f64,
    /// What was broken before blocks, too.
    pub already_broken: bool,
    /// Tests that ran in the runs before and did not in this one.
    pub missing_tests: Strictness,
    /// Reports that were cut off or lost.
    pub incomplete: Strictness,
    /// Errors outside of tests: set-up, tear-down, collection.
    pub errors_outside_tests: Strictness,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            block_at: 0.02,
            already_broken: false,
            missing_tests: Strictness::Block,
            incomplete: Strictness::Block,
            errors_outside_tests: Strictness::Block,
        }
    }
}

/// How something is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strictness {
    /// It blocks.
    Block,
    /// It is said.
    Warn,
    /// It is not looked at.
    Ignore,
}

/// What is known of a run besides its failures.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Results in it, of any kind.
    pub results: u64,
    /// Reports that could not be used at all, with the reason.
    pub refused: Vec<(String, String)>,
    /// Parts that were cut off or lost a report.
    pub incomplete: usize,
    /// Errors that belong to no test.
    pub errors_outside_tests: u32,
    /// Tests that ran in the runs before and did not in this one, by name.
    pub missing: Vec<String>,
    /// Earlier parts of runs that the failures were compared with.
    pub history: usize,
}

/// Why a run may not pass.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// Failures that may be this change's doing: so many.
    Failures(usize),
    /// Tests that did not run: so many.
    Missing(usize),
    /// Reports that were cut off or lost: so many.
    Incomplete(usize),
    /// Reports that could not be read: so many.
    Refused(usize),
    /// Errors outside of tests: so many.
    OutsideTests(u32),
    /// No result at all.
    Empty,
}

/// What the gate says of one failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// It may be this change's doing.
    Blocks,
    /// It is very probably not.
    NotThisChange,
    /// Its test is in quarantine, and it is like the failures it is there for.
    Quarantined,
    /// It passed in the end.
    Recovered,
}

/// What the gate says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// For each failure, in the order given.
    pub rulings: Vec<Ruling>,
    /// Why it may not pass; empty where it may.
    pub blocks: Vec<Block>,
    /// What would block under a stricter policy.
    pub warnings: Vec<Block>,
}

impl Decision {
    /// Whether the run may pass.
    pub fn passes(&self) -> bool {
        self.blocks.is_empty()
    }
}

/// From this chance on quarantine does not forgive.
const LIKELY: f64 = 0.5;

/// Decides. `quarantined` tells whether the test of a series is in quarantine.
pub fn decide(
    policy: &Policy,
    judged: &[Judgement],
    shape: &Shape,
    quarantined: impl Fn(u32) -> bool,
) -> Decision {
    let ruling = |one: &Judgement| {
        let ours = one.chances.this_change();
        let old = one.chances.already_broken.get();
        let blame = if policy.already_broken {
            ours + old
        } else {
            ours
        };
        if one.recovered {
            Ruling::Recovered
        } else if quarantined(one.series) && one.alarms.is_empty() && ours < LIKELY {
            Ruling::Quarantined
        } else if shape.history == 0 || blame >= policy.block_at {
            Ruling::Blocks
        } else {
            Ruling::NotThisChange
        }
    };
    let mut decision = Decision {
        rulings: judged.iter().map(ruling).collect(),
        ..Decision::default()
    };
    let blocking = decision
        .rulings
        .iter()
        .filter(|ruling| **ruling == Ruling::Blocks);
    let blocking = blocking.count();
    if blocking > 0 {
        decision.blocks.push(Block::Failures(blocking));
    }
    if !shape.refused.is_empty() {
        decision.blocks.push(Block::Refused(shape.refused.len()));
    }
    if shape.results == 0 {
        decision.blocks.push(Block::Empty);
    }
    let mut weigh = |there: bool, how: Strictness, block: Block| match how {
        Strictness::Block if there => decision.blocks.push(block),
        Strictness::Warn if there => decision.warnings.push(block),
        _ => {}
    };
    weigh(
        shape.incomplete > 0,
        policy.incomplete,
        Block::Incomplete(shape.incomplete),
    );
    weigh(
        shape.errors_outside_tests > 0,
        policy.errors_outside_tests,
        Block::OutsideTests(shape.errors_outside_tests),
    );
    weigh(
        !shape.missing.is_empty(),
        policy.missing_tests,
        Block::Missing(shape.missing.len()),
    );
    decision
}

#[cfg(test)]
mod tests {
    use super::super::testing::judgement;
    use super::*;

    fn shape() -> Shape {
        Shape {
            results: 10,
            history: 60,
            ..Shape::default()
        }
    }

    #[test]
    fn a_run_of_flakes_passes_and_one_doubtful_failure_blocks() {
        let policy = Policy::default();
        let flakes = [judgement(0.01, 0.0, 0.99), judgement(0.019, 0.0, 0.981)];
        let decision = decide(&policy, &flakes, &shape(), |_| false);
        assert!(decision.passes());
        let doubtful = [judgement(0.01, 0.0, 0.99), judgement(0.02, 0.0, 0.98)];
        let decision = decide(&policy, &doubtful, &shape(), |_| false);
        assert_eq!(decision.blocks, [Block::Failures(1)]);
        assert_eq!(decision.rulings, [Ruling::NotThisChange, Ruling::Blocks]);
    }

    #[test]
    fn what_was_broken_before_passes_unless_the_policy_says_otherwise() {
        let old = [judgement(0.01, 0.98, 0.01)];
        assert!(decide(&Policy::default(), &old, &shape(), |_| false).passes());
        let strict = Policy {
            already_broken: true,
            ..Policy::default()
        };
        assert!(!decide(&strict, &old, &shape(), |_| false).passes());
    }

    #[test]
    fn without_a_history_every_failure_blocks_and_an_empty_run_always_does() {
        let none = Shape {
            history: 0,
            ..shape()
        };
        let flake = [judgement(0.0, 0.0, 1.0)];
        assert!(!decide(&Policy::default(), &flake, &none, |_| false).passes());
        assert!(decide(&Policy::default(), &[], &none, |_| false).passes());
        let empty = Shape {
            results: 0,
            ..shape()
        };
        let decision = decide(&Policy::default(), &[], &empty, |_| false);
        assert_eq!(decision.blocks, [Block::Empty]);
    }

    #[test]
    fn quarantine_forgives_only_what_the_test_is_known_for() {
        let mut doubtful = judgement(0.4, 0.0, 0.6);
        let policy = Policy::default();
        assert!(decide(&policy, &[doubtful.clone()], &shape(), |_| true).passes());
        let broken = judgement(0.5, 0.0, 0.5);
        assert!(!decide(&policy, &[broken], &shape(), |_| true).passes());
        doubtful
            .alarms
            .push(super::super::verdict::Alarm::NewMessage);
        assert!(!decide(&policy, &[doubtful], &shape(), |_| true).passes());
    }

    #[test]
    fn what_is_missing_blocks_warns_or_is_nothing_as_the_policy_says() {
        let missing = Shape {
            missing: vec!["t::gone".into()],
            incomplete: 1,
            ..shape()
        };
        let lax = Policy {
            missing_tests: Strictness::Warn,
            incomplete: Strictness::Ignore,
            ..Policy::default()
        };
        let decision = decide(&lax, &[], &missing, |_| false);
        assert!(decision.passes());
        assert_eq!(decision.warnings, [Block::Missing(1)]);
        let strict = decide(&Policy::default(), &[], &missing, |_| false);
        assert_eq!(strict.blocks, [Block::Incomplete(1), Block::Missing(1)]);
    }
}
