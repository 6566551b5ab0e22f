//! Whose failures a run's are: what `tia gate` and `tia triage` show.
//!
//! The structs here are what every format prints; `app` fills them. Nothing here decides anything but words.

pub mod annotations;
pub mod html;
pub mod markdown;
pub mod nagios;
pub mod slack;
pub mod table;
pub mod words;

use super::flaky::Place;
use crate::model::{Probability, TestId, Variant};
use crate::triage::cluster::ClusterId;
use crate::triage::gate::{Decision, Ruling};
use crate::triage::judge::Judgement;
use crate::triage::revert::{Blame, Evidence};
use crate::triage::verdict::Verdict;

/// A run with its failures, put together by what caused them.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The run.
    pub run: Run,
    /// The causes of its failures, the most damage first.
    pub causes: Vec<Cause>,
    /// May it pass? Only where that was asked.
    pub gate: Option<Gate>,
    /// What should be known before anything here is believed, in sentences.
    pub notes: Vec<String>,
}

/// What is known of a run as a whole.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Its commit, and when its first part began; `None` where nothing was read.
    pub place: Option<Place>,
    /// Its branch, where known.
    pub branch: Option<String>,
    /// The pipeline's run, where known.
    pub id: Option<String>,
    /// How many runs: more than one for a stretch of time.
    pub runs: usize,
    /// Parts (jobs, shards).
    pub parts: usize,
    /// Results that ran.
    pub ran: u64,
    /// Of those, bad in the end.
    pub bad: u64,
    /// Parts of earlier runs that it was compared with.
    pub history: usize,
}

/// The gate's answer.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// What was decided.
    pub decision: Decision,
    /// Tests that are missing, by name, the first ones.
    pub missing: Vec<String>,
    /// Reports that could not be used, with the reason.
    pub refused: Vec<(String, String)>,
}

/// Failures of one run that have one cause.
#[derive(Clone, Debug)]
pub struct Cause {
    /// A name that is the same on every day: of what its failures say.
    pub id: String,
    /// The same, where anything is known of what they say.
    pub cluster: Option<ClusterId>,
    /// What they say, in a line.
    pub title: String,
    /// What most of it is.
    pub verdict: Verdict,
    /// The failures, the worst first.
    pub failures: Vec<Failure>,
    /// What was said before this run: failures, tests, and where first.
    pub before: Option<Before>,
    /// The last commit without it and the first with it; of what is broken only.
    pub range: Option<(Option<Place>, Place)>,
    /// Who may have done it, the likeliest first; of what is broken only.
    pub suspects: Vec<Suspect>,
    /// A command that runs its tests.
    pub reproduce: Option<String>,
    /// A command that proposes the way back.
    pub revert: Option<String>,
}

/// A cause that was there before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Before {
    /// Failures that said the same.
    pub failures: u32,
    /// Tests that said it.
    pub tests: u32,
    /// Where it was first said.
    pub first: Place,
}

/// One failure.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The test.
    pub test: TestId,
    /// In which variant.
    pub variant: Variant,
    /// The file that defines it, where known.
    pub file: Option<String>,
    /// Who owns that file.
    pub owners: Vec<String>,
    /// In which job, where there are several.
    pub job: Option<String>,
    /// What was decided, and from what.
    pub judged: Judgement,
    /// What the gate says of it, where that was asked.
    pub ruling: Option<Ruling>,
    /// What it says; empty where nothing is kept.
    pub message: String,
}

impl Failure {
    /// The name with its variant.
    pub fn name(&self) -> String {
        if self.variant.is_empty() {
            self.test.to_string()
        } else {
            format!("{} ({})", self.test, self.variant)
        }
    }
}

/// A commit that may have done it.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// The commit.
    pub commit: String,
    /// Its first line.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// How likely, 0 to 1.
    pub probability: f64,
}

impl Cause {
    /// The verdict in words, as sure as the surest of its failures.
    pub fn called(&self) -> &'static str {
        let chances = self.failures.iter().map(|failure| &failure.judged.chances);
        let surest = chances
            .map(|chances| chances.of(self.verdict))
            .fold(0.0, f64::max);
        words::called(self.verdict, surest)
    }

    /// What speaks for undoing a commit: each test that is broken, how surely this commit broke it, and lines for people. Its
    /// failures say the same, so they are one piece of evidence.
    pub fn against(&self, commit: &str) -> Evidence {
        let suspect = self.suspects.iter().find(|one| one.commit == commit);
        let probability = suspect.map_or(0.0, |one| one.probability);
        let broken = self.failures.iter().filter(|failure| {
            let verdict = failure.judged.verdict;
            verdict == Verdict::Regression || verdict == Verdict::AlreadyBroken
        });
        let blame = |failure: &Failure| {
            let chances = &failure.judged.chances;
            let broken = chances.this_change() + chances.already_broken.get();
            Blame {
                test: failure.name(),
                cluster: self.cluster,
                culprit: Probability::clamped(probability * broken),
                flake_rate: failure.judged.evidence.rate.mean,
                verified: None,
            }
        };
        let lines = broken.clone().take(3).map(|failure| {
            format!(
                "{}: {}; {}",
                failure.name(),
                words::verdict(&failure.judged),
                words::evidence(&failure.judged).join("; ")
            )
        });
        Evidence {
            lines: std::iter::once(format!("cause {}: {}", self.id, self.title))
                .chain(lines)
                .collect(),
            blames: broken.map(blame).collect(),
            ..Evidence::default()
        }
    }
}

impl View {
    /// Every failure, in the order of causes.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.causes.iter().flat_map(|cause| &cause.failures)
    }

    /// How many failures have a verdict, of those that did not pass in the end.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.failures()
            .filter(|failure| !failure.judged.recovered && failure.judged.verdict == verdict)
            .count()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::model::Timestamp;
    use crate::triage::gate::Block;
    use crate::triage::testing::judgement;
    use crate::triage::verdict::{Advice, Alarm, Reach, Said};

    pub(crate) fn place(commit: &str, day: i64) -> Place {
        Place {
            commit: Some(commit.into()),
            start: Timestamp(day * Timestamp::DAY),
        }
    }

    fn failure(name: &str, judged: Judgement) -> Failure {
        Failure {
            test: TestId::of("shop.test_cart", name),
            variant: Variant::default(),
            file: Some("tests/test_cart.py".into()),
            owners: vec!["@team/shop".into()],
            job: None,
            judged,
            ruling: None,
            message: "AssertionError: total was 3, expected 4\nmore".into(),
        }
    }

    /// A regression of two tests, a flake, and one that was broken before.
    pub(crate) fn view() -> View {
        let mut broken = judgement(0.97, 0.01, 0.02);
        broken.evidence.reach = Reach::Reached;
        broken.evidence.unreachable = false;
        broken.evidence.failed = 0;
        broken.evidence.said = Some(Said {
            signature: 1,
            beside: 1,
            ..Said::default()
        });
        broken.advice = Advice::Runs { runs: 1 };
        let mut flake = judgement(0.004, 0.0, 0.996);
        flake.evidence.said = Some(Said {
            signature: 2,
            by_itself: 3,
            of: 4,
            beside: 0,
            elsewhere: 0,
        });
        flake.alarms = vec![Alarm::AboveRate];
        let mut old = judgement(0.01, 0.98, 0.01);
        old.evidence.since_pass = Some(3);
        let cause = |title: &str, verdict, failures| Cause {
            id: format!("c{:010x}", title.len()),
            cluster: None,
            title: title.into(),
            verdict,
            failures,
            before: None,
            range: None,
            suspects: Vec::new(),
            reproduce: None,
            revert: None,
        };
        let mut regression = cause(
            "AssertionError: total was #, expected #",
            Verdict::Regression,
            vec![
                failure("adds_up", broken.clone()),
                failure("pays", broken.clone()),
            ],
        );
        regression.range = Some((
            Some(place("aaaaaaaaaaaaaaaa", 20_000)),
            place("bbbbbbbbbbbbbbbb", 20_001),
        ));
        regression.suspects = vec![Suspect {
            commit: "bbbbbbbbbbbbbbbb".into(),
            subject: "cart: round at the end".into(),
            author: "dev@example.org".into(),
            probability: 0.93,
        }];
        regression.reproduce = Some("pytest tests/test_cart.py::adds_up".into());
        regression.revert = Some("tia revert bbbbbbbbbbbb".into());
        let mut noise = cause(
            "TimeoutError: worker # was not ready",
            Verdict::Flake,
            vec![failure("ships", flake)],
        );
        noise.before = Some(Before {
            failures: 3,
            tests: 1,
            first: place("cccccccccccccccc", 19_980),
        });
        let stale = cause(
            "KeyError: 'tax'",
            Verdict::AlreadyBroken,
            vec![failure("taxes", old)],
        );
        View {
            run: Run {
                place: Some(place("bbbbbbbbbbbbbbbb", 20_001)),
                branch: Some("main".into()),
                id: Some("812".into()),
                runs: 1,
                parts: 1,
                ran: 120,
                bad: 4,
                history: 80,
            },
            causes: vec![regression, stale, noise],
            gate: None,
            notes: vec!["A note.".into()],
        }
    }

    /// The same, asked for one answer.
    pub(crate) fn gated() -> View {
        let mut view = view();
        let rulings = [
            Ruling::Blocks,
            Ruling::Blocks,
            Ruling::NotThisChange,
            Ruling::NotThisChange,
        ];
        let failures = view.causes.iter_mut().flat_map(|c| &mut c.failures);
        for (failure, ruling) in failures.zip(rulings) {
            failure.ruling = Some(ruling);
        }
        view.gate = Some(Gate {
            decision: Decision {
                rulings: rulings.to_vec(),
                blocks: vec![Block::Failures(2), Block::Missing(1)],
                warnings: Vec::new(),
            },
            missing: vec!["shop.test_cart::gone".into()],
            refused: Vec::new(),
        });
        view
    }
}
