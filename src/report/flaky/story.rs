//! One test's whole story in a screen.

use std::fmt::Write;

use super::{MENTIONED, Place, Row, cost, counted, kind, percent, sure};
use crate::flaky::Failing;
use crate::model::{Probability, Status, TestId, Variant};
use crate::report::history::{Outcome, letter};
use crate::report::moment;

/// What is known of one test.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    /// The test.
    pub test: &'a TestId,
    /// How it stands in each variant in which it failed.
    pub rows: &'a [Row],
    /// What was seen, oldest first, in all variants.
    pub outcomes: &'a [Outcome<'a>],
    /// Its failures, newest first, as far as they are told.
    pub failures: &'a [Told],
    /// How people are counted.
    pub people: super::People,
}

/// A failure with its cause and its message.
#[derive(Clone, Debug)]
pub struct Told {
    /// Where it happened.
    pub place: Place,
    /// In which variant.
    pub variant: Variant,
    /// On which branch, where known.
    pub branch: Option<String>,
    /// How it ended in the end.
    pub status: Status,
    /// Why, as far as the model knows.
    pub cause: Option<Failing>,
    /// What the producer says; empty where nothing is kept.
    pub message: String,
}

/// Columns of the line of outcomes.
const WIDTH: usize = 60;

/// The story in words.
pub fn text(story: &Story<'_>) -> String {
    let mut out = format!("{}\n", story.test);
    let ran = story
        .outcomes
        .iter()
        .filter(|outcome| outcome.seen.status.is_run());
    let bad = ran.clone().filter(|outcome| outcome.seen.bad_attempts > 0);
    let (ran, bad) = (ran.count(), bad.count());
    if let (Some(first), Some(last)) = (story.outcomes.first(), story.outcomes.last()) {
        let _ = writeln!(
            out,
            "  {}, {} to {}; {bad} of {ran} failed",
            counted(story.outcomes.len(), "result"),
            moment::day(first.part.start),
            moment::day(last.part.start),
        );
        let _ = writeln!(out, "  {}", sparkline(story.outcomes));
    }
    if story.rows.is_empty() {
        let _ = writeln!(
            out,
            "\n  It never failed here: nothing speaks for flakiness. `tia history` prints every outcome."
        );
    }
    for row in story.rows {
        out.push('\n');
        standing(&mut out, row, story);
    }
    if !story.failures.is_empty() {
        let _ = writeln!(out, "\n  newest failures");
        for told in story.failures {
            failure(&mut out, told);
        }
    }
    out
}

fn standing(out: &mut String, row: &Row, story: &Story<'_>) {
    if !row.variant.is_empty() {
        let _ = writeln!(out, "  in {}", row.variant);
    }
    let _ = writeln!(
        out,
        "  {}: {} sure that some failure had no cause, {} that it is flaky now",
        row.called().word(),
        sure(row.flaked),
        sure(row.flaky)
    );
    let _ = writeln!(
        out,
        "  fails without cause in {} of its runs (95 % interval {} to {})",
        percent(row.rate.mean.get()),
        percent(row.rate.low.get()),
        percent(row.rate.high.get())
    );
    let _ = writeln!(
        out,
        "  cost {}: {:.1} failures without cause × {} × {}",
        cost(row.cost()),
        row.without_cause,
        match story.people {
            super::People::Authors => counted(row.people.max(1) as usize, "author"),
            super::People::Branches => match row.people {
                0 | 1 => "the people of 1 branch".to_owned(),
                n => format!("the people of {n} branches"),
            },
            super::People::Unknown => "1 person, as nobody is known".to_owned(),
        },
        row.rerun.map_or_else(
            || "1 min, as no duration is known".to_owned(),
            moment::duration
        )
    );
    if let Some(broken) = row.broken.as_ref().filter(|b| b.now.get() >= MENTIONED) {
        let _ = writeln!(
            out,
            "  broken now on {}: {} sure; {}",
            broken
                .branch
                .as_deref()
                .unwrap_or("a branch without a name"),
            sure(broken.now),
            broken.since()
        );
    }
    for change in &row.changes {
        let _ = writeln!(out, "  its flake rate changed {}", change.words());
    }
    if !row.owners.is_empty() {
        let _ = writeln!(out, "  owned by {}", row.owners.join(", "));
    }
    if let Some(file) = &row.file {
        let _ = writeln!(out, "  defined in {file}");
    }
    if row.findings.is_empty() {
        let _ = writeln!(
            out,
            "  kind: nothing that is known of the runs goes along with its failures, or there are too few of them"
        );
    }
    for finding in &row.findings {
        let _ = writeln!(
            out,
            "  {}: {}\n      in {} failures and {} passes; about {} of such findings are false (q)",
            kind(finding.kind),
            finding.sentence,
            finding.failures,
            finding.passes,
            percent(finding.q),
        );
        let _ = writeln!(
            out,
            "      to confirm: {} ({})",
            finding.experiment.what,
            counted(finding.experiment.runs as usize, "run")
        );
    }
}

fn failure(out: &mut String, told: &Told) {
    let cause = match &told.cause {
        Some(cause) => why(cause),
        None => "cause not known".to_owned(),
    };
    let end = if told.status.is_bad() {
        ""
    } else {
        ", passed on a retry"
    };
    let _ = writeln!(
        out,
        "    {}  {}{}{}{}: {cause}",
        moment::minute(told.place.start),
        told.place.words(),
        told.branch
            .as_ref()
            .map(|branch| format!(" on {branch}"))
            .unwrap_or_default(),
        if told.variant.is_empty() {
            String::new()
        } else {
            format!(" ({})", told.variant)
        },
        end
    );
    if !told.message.is_empty() {
        let _ = writeln!(
            out,
            "        {}",
            crate::report::history::first_line(&told.message)
        );
    }
}

/// The causes of a failure that are worth a word, likeliest first.
pub fn why(cause: &Failing) -> String {
    let mut causes = [
        (cause.flake.get(), "flake"),
        (cause.regression.get(), "regression"),
        (cause.outage.get(), "outage"),
    ];
    causes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut words: Vec<String> = causes
        .iter()
        .filter(|(p, _)| *p >= 0.05)
        .map(|(p, word)| format!("{word} {}", sure(Probability::clamped(*p))))
        .collect();
    if cause.broke_here.get() >= MENTIONED {
        words.push("broke here".to_owned());
    }
    if cause.unreachable {
        words.push("the change cannot reach it, as far as the graph knows".to_owned());
    }
    words.join(", ")
}

/// Letters where they fit; else the share of bad results in stretches.
fn sparkline(outcomes: &[Outcome<'_>]) -> String {
    if outcomes.len() <= WIDTH {
        let letters: String = outcomes
            .iter()
            .map(|outcome| letter(outcome.seen))
            .collect();
        return format!("{letters}  ({})", crate::report::history::LEGEND);
    }
    let shares: Vec<Option<f32>> = (0..WIDTH)
        .map(|column| {
            let from = column * outcomes.len() / WIDTH;
            let to = (column + 1) * outcomes.len() / WIDTH;
            let ran: Vec<bool> = outcomes[from..to]
                .iter()
                .filter(|outcome| outcome.seen.status.is_run())
                .map(|outcome| outcome.seen.bad_attempts > 0)
                .collect();
            let bad = ran.iter().filter(|bad| **bad).count();
            (!ran.is_empty()).then(|| bad as f32 / ran.len() as f32)
        })
        .collect();
    format!(
        "{}  (share of bad results; a dot: did not run)",
        super::table::line(&shares)
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::model::{LogSeconds, PartId, PastPart, RunContext, RunId, Seen, Timestamp};

    fn part(day: i64) -> PastPart {
        PastPart {
            part: PartId(day),
            run: RunId(day),
            context: RunContext::default(),
            start: Timestamp((20_000 + day) * Timestamp::DAY),
            duration: None,
            ran: 1,
            bad: 0,
            flaky: 0,
            complete: true,
        }
    }

    fn seen(bad: bool) -> Seen {
        Seen {
            part: 0,
            status: if bad { Status::Failed } else { Status::Passed },
            bad_attempts: u8::from(bad),
            duration: LogSeconds::UNKNOWN,
        }
    }

    #[test]
    fn the_story_fits_a_screen() {
        let parts: Vec<PastPart> = (0..200).map(part).collect();
        let none = Variant::default();
        let outcomes: Vec<Outcome<'_>> = parts
            .iter()
            .enumerate()
            .map(|(at, part)| Outcome {
                part,
                variant: &none,
                seen: seen(at % 20 == 0),
            })
            .collect();
        let p = testing::p;
        let told = Told {
            place: Place::of(&parts[180]),
            variant: Variant::default(),
            branch: Some("main".into()),
            status: Status::Failed,
            cause: Some(Failing {
                part: 180,
                regression: p(0.07),
                flake: p(0.92),
                outage: p(0.01),
                unreachable: true,
                broke_here: p(0.07),
                broke_at_commit: p(0.07),
                broke_on_line: p(0.07),
            }),
            message: "AssertionError: assert 3 == 7\nmore".into(),
        };
        let row = testing::row("adds_up", 9.5);
        let text = text(&Story {
            test: &row.test,
            rows: std::slice::from_ref(&row),
            outcomes: &outcomes,
            failures: &[told],
            people: super::super::People::Authors,
        });
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_test_that_never_failed_gets_a_sentence() {
        let (part, none) = (part(0), Variant::default());
        let test = TestId::of("a", "b");
        let outcome = Outcome {
            part: &part,
            variant: &none,
            seen: seen(false),
        };
        let text = text(&Story {
            test: &test,
            rows: &[],
            outcomes: &[outcome],
            failures: &[],
            people: super::super::People::Unknown,
        });
        assert!(
            text.contains("never failed") && text.contains("1 result,"),
            "{text}"
        );
    }
}
