//! What `tia culprit` shows: the suspects, the answer, and what to run next.

use std::fmt::Write as _;

use super::history::{short, table};
use super::moment;
use crate::model::{Probability, SEARCH_BRANCH, Seconds};
use crate::triage::culprit::Outcome;

/// Where a range comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// From stored results: the last pass and the failures after it.
    History,
    /// Somebody named it.
    Named,
}

/// A commit that may have broken a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// The commit.
    pub commit: String,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it, where known.
    pub author: Option<String>,
    /// That it is the culprit.
    pub probability: Probability,
    /// Whether its change reaches the test; `None` where no graph says.
    pub reaches: Option<bool>,
    /// Links of the shortest chain from the test to what changed, where there is one.
    pub distance: Option<u32>,
}

/// A search, as it is shown.
#[derive(Clone, Debug)]
pub struct View {
    /// The test.
    pub test: String,
    /// The commit before the first suspect.
    pub good: String,
    /// The last suspect.
    pub bad: String,
    /// Where the two come from.
    pub origin: Origin,
    /// How many commits are suspects.
    pub commits: usize,
    /// The answer.
    pub outcome: Outcome,
    /// The commits that the answer names.
    pub named: Vec<String>,
    /// The commit before the culprit, where one is named.
    pub parent: Option<String>,
    /// The suspects, likeliest first.
    pub suspects: Vec<Suspect>,
    /// That none of them is the culprit.
    pub none: Probability,
    /// How often the test fails without cause, as far as the search tells.
    pub flake_rate: Probability,
    /// For each commit with results, in order: how many failed, of how many.
    pub results: Vec<(String, (u32, u32))>,
    /// Commits that cannot be tested.
    pub untestable: Vec<String>,
    /// Stored results that were used.
    pub stored: usize,
    /// Runs of the command, those of earlier starts included.
    pub runs: u32,
    /// How long these took, together.
    pub seconds: f64,
}

/// So many suspects are listed.
const LISTED: usize = 10;
/// Those less likely than this are not, beyond the first few.
const HARDLY: f64 = 0.0005;

impl View {
    /// What was seen at a commit.
    pub fn at(&self, commit: &str) -> (u32, u32) {
        let found = self.results.iter().find(|(id, _)| id == commit);
        found.map_or((0, 0), |(_, counts)| *counts)
    }

    fn suspect(&self, commit: &str) -> Option<&Suspect> {
        self.suspects.iter().find(|one| one.commit == commit)
    }
}

/// Suspects and answer as text.
pub fn text(view: &View) -> String {
    let commits = match view.commits {
        1 => "1 commit".to_owned(),
        n => format!("{n} commits"),
    };
    let mut out = format!(
        "{}: {commits} after {} (good) up to {} (bad{})\n\n",
        view.test,
        short(&view.good),
        short(&view.bad),
        match view.origin {
            Origin::History => ", as stored",
            Origin::Named => "",
        }
    );
    out.push_str(&suspects(view));
    out.push('\n');
    out.push_str(&answer(view));
    let _ = writeln!(out, "{}", counts(view));
    out
}

fn suspects(view: &View) -> String {
    let mut rows = vec![
        [
            "chance",
            "commit",
            "reaches the test",
            "failed",
            "author",
            "subject",
        ]
        .map(str::to_owned),
    ];
    let none = [
        view.none.to_string(),
        "none".to_owned(),
        String::new(),
        String::new(),
        String::new(),
        "no culprit: a flake".to_owned(),
    ];
    let mut none = Some(none);
    let likely = view
        .suspects
        .iter()
        .take_while(|one| one.probability.get() >= HARDLY);
    let listed = likely.count().clamp(3, LISTED).min(view.suspects.len());
    for one in &view.suspects[..listed] {
        if view.none.get() > one.probability.get() {
            rows.extend(none.take());
        }
        let (failed, ran) = view.at(&one.commit);
        rows.push([
            one.probability.to_string(),
            short(&one.commit).to_owned(),
            match (one.reaches, one.distance) {
                (Some(false), _) => "no".to_owned(),
                (_, Some(1)) => "by 1 link".to_owned(),
                (_, Some(links)) => format!("by {links} links"),
                (Some(true), None) => "perhaps".to_owned(),
                (None, None) => "unknown".to_owned(),
            },
            match ran {
                0 if view.untestable.contains(&one.commit) => "cannot be tested".to_owned(),
                0 => String::new(),
                _ => format!("{failed} of {ran}"),
            },
            one.author.clone().unwrap_or_default(),
            one.subject.chars().take(60).collect(),
        ]);
    }
    rows.extend(none);
    let mut out = table(&rows);
    let rest = &view.suspects[listed..];
    if !rest.is_empty() {
        let sum: f64 = rest.iter().map(|one| one.probability.get()).sum();
        let _ = writeln!(
            out,
            "… and {} more, together {}",
            rest.len(),
            Probability::clamped(sum)
        );
    }
    out
}

fn of_runs((failed, ran): (u32, u32)) -> String {
    let runs = if ran == 1 { "run" } else { "runs" };
    format!("failed in {failed} of {ran} {runs}")
}

fn answer(view: &View) -> String {
    let line = |one: &Suspect| {
        let author = one
            .author
            .as_deref()
            .map_or_else(String::new, |author| format!(", by {author}"));
        format!("{} {}{author}", short(&one.commit), one.subject)
    };
    match (&view.outcome, &view.named[..], view.suspects.first()) {
        (Outcome::Culprit(_), [named], _) => {
            let suspect = view.suspect(named);
            let parent = view.parent.as_deref().unwrap_or_default();
            format!(
                "culprit: {} ({})\n  it {}; the commit before it, {}, {}\n",
                suspect.map_or_else(|| named.clone(), line),
                suspect.map(|one| one.probability).unwrap_or_default(),
                of_runs(view.at(named)),
                short(parent),
                of_runs(view.at(parent))
            )
        }
        (Outcome::NoCulprit, ..) => format!(
            "no culprit: the failure was a flake ({}); it fails without cause in about {} of its runs\n",
            view.none, view.flake_rate
        ),
        (Outcome::BrokenBefore, ..) => format!(
            "no answer: at the good commit, {}, it {}, and it passed nowhere; what broke it is older, or no commit\n",
            short(&view.good),
            of_runs(view.at(&view.good))
        ),
        (Outcome::Among(_), named, _) => {
            let mut out = format!(
                "one of {} commits that cannot be told apart, since those before the last cannot be tested:\n",
                named.len()
            );
            for one in named.iter().filter_map(|commit| view.suspect(commit)) {
                let _ = writeln!(out, "  {}", line(one));
            }
            out
        }
        (_, _, Some(first)) if first.probability.get() > view.none.get() => {
            format!(
                "undecided: the likeliest is {} ({})\n",
                line(first),
                first.probability
            )
        }
        _ => format!("undecided: most likely a flake ({})\n", view.none),
    }
}

fn counts(view: &View) -> String {
    let stored = match view.stored {
        0 => "no result was stored".to_owned(),
        1 => "1 result was stored".to_owned(),
        n => format!("{n} results were stored"),
    };
    if view.runs == 0 {
        return stored;
    }
    let took = Seconds::new(view.seconds)
        .map(moment::duration)
        .unwrap_or_default();
    match view.runs {
        1 => format!("{stored}, 1 run was made ({took})"),
        n => format!("{stored}, {n} runs were made ({took})"),
    }
}

/// What to run next, as commands that any CI can execute.
pub fn plan(commits: &[String], asked: &str) -> String {
    let mut out = String::from(
        "\nto be surer, run these (or give the test command after `--`) and ask again:\n",
    );
    for commit in commits {
        let _ = writeln!(
            out,
            "  git checkout --detach {commit} && YOUR-TEST-COMMAND; tia ingest REPORT.xml --commit {commit} --branch {SEARCH_BRANCH}"
        );
    }
    let _ = writeln!(out, "  {asked}");
    out
}
