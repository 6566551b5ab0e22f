//! A replay of the past for people: how far to believe what is called flaky.

use std::fmt::Write;

use super::{Place, counted, percent};
use crate::flaky::backtest::{BY_CHANCE, Backtest, FLAGGED, Flag};
use crate::model::PastPart;
use crate::report::{history, html, moment};

/// A replay, with what its numbers stand for.
#[derive(Clone, Copy, Debug)]
pub struct Replayed<'a> {
    /// What it came to.
    pub test: &'a Backtest,
    /// The tests that failed, as it numbers them.
    pub names: &'a [String],
    /// The parts.
    pub parts: &'a [PastPart],
}

impl Replayed<'_> {
    /// The test that was flagged.
    pub fn name(&self, flag: &Flag) -> &str {
        self.names
            .get(flag.test as usize)
            .map_or("", String::as_str)
    }

    /// Where it was.
    pub fn place(&self, flag: &Flag) -> Option<Place> {
        self.parts.get(flag.part as usize).map(Place::of)
    }
}

/// The figures, then the tests that were called flaky (at most `limit`) and what became of them.
pub fn text(replayed: &Replayed<'_>, limit: usize) -> String {
    let test = replayed.test;
    let mut out = format!("{}\n", html::believe(Some(test)));
    let _ = writeln!(
        out,
        "A failure was a flake if the test also passed on that commit; a regression if failures went on until another \
         commit ended\nthem, on a test of which chance lets expect fewer than {BY_CHANCE} lines as long; {} of the judged \
         were neither.",
        test.undecided
    );
    if test.brier.is_some() {
        let share = |share: Option<f64>| share.map_or("-".to_owned(), percent);
        let mut rows = vec![
            [
                "called from",
                "flakes",
                "regressions",
                "missed",
                "precision",
                "recall",
            ]
            .map(String::from),
        ];
        for at in &test.thresholds {
            rows.push([
                percent(at.at),
                at.right.to_string(),
                at.wrong.to_string(),
                at.missed.to_string(),
                share(at.precision()),
                share(at.recall()),
            ]);
        }
        let _ = write!(out, "\n{}", history::table(&rows));
        let mut rows = vec![["said", "failures", "on average", "were flakes"].map(String::from)];
        for bin in &test.reliability {
            rows.push([
                format!("{} to {}", percent(bin.from), percent(bin.to)),
                bin.failures.to_string(),
                percent(bin.said),
                percent(bin.were),
            ]);
        }
        let _ = write!(out, "\n{}", history::table(&rows));
    }
    if !test.flags.is_empty() {
        let _ = writeln!(
            out,
            "\ncalled flaky ({} and up), and what reruns and fixes say of all their failures",
            percent(FLAGGED)
        );
        let mut rows = vec![
            [
                "on",
                "commit",
                "failures known",
                "flakes",
                "regressions",
                "test",
            ]
            .map(String::from),
        ];
        for flag in test.flags.iter().take(limit) {
            let place = replayed.place(flag);
            rows.push([
                place
                    .as_ref()
                    .map(|place| moment::day(place.start))
                    .unwrap_or_default(),
                place.as_ref().map(Place::words).unwrap_or_default(),
                flag.failures.to_string(),
                flag.flakes.to_string(),
                flag.regressions.to_string(),
                replayed.name(flag).to_owned(),
            ]);
        }
        out.push_str(&history::table(&rows));
        if test.flags.len() > limit {
            let _ = writeln!(
                out,
                "… and {} more; `-n {}` prints all",
                test.flags.len() - limit,
                test.flags.len()
            );
        }
        let wrong = test
            .flags
            .iter()
            .filter(|flag| flag.flakes == 0 && flag.regressions > 0);
        let _ = writeln!(
            out,
            "{} of {} only ever failed for real, as far as reruns and fixes tell",
            wrong.count(),
            counted(test.flags.len(), "test")
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::nightly::testing;

    #[test]
    fn a_replay_is_told_in_figures() {
        let mut test = testing::nightly().backtest.unwrap();
        test.flags = vec![
            Flag {
                test: 0,
                part: 3,
                failures: 2,
                flakes: 9,
                regressions: 0,
            },
            Flag {
                test: 1,
                part: 7,
                failures: 4,
                flakes: 0,
                regressions: 3,
            },
        ];
        let names = ["a::b".to_owned(), "a::c".to_owned()];
        let replayed = Replayed {
            test: &test,
            names: &names,
            parts: &[],
        };
        insta::assert_snapshot!(text(&replayed, 1));
    }

    #[test]
    fn a_past_that_decides_nothing_says_so() {
        let test = Backtest {
            undecided: 4,
            ..Backtest::default()
        };
        let text = text(
            &Replayed {
                test: &test,
                names: &[],
                parts: &[],
            },
            9,
        );
        assert!(
            text.contains("Rerunning failures on the same commit would"),
            "{text}"
        );
        assert!(!text.contains("precision"), "{text}");
    }
}
