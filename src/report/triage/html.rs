//! A run's causes as one HTML file that needs nothing beside it, for a screen on the wall or a link in a chat.

use minijinja::Environment;
use serde::Serialize;

use super::super::flaky::{counted, percent};
use super::super::history;
use super::super::html::{PageError, STYLE, Tile};
use super::{Failure, View, table, words};
use crate::triage::verdict::Verdict;

const PAGE: &str = include_str!("../templates/triage.html");
/// So many failures of a cause are told.
const TOLD: usize = 25;
/// So many suspects are named.
const SUSPECTS: usize = 5;

#[derive(Serialize)]
struct Page {
    version: &'static str,
    css: &'static str,
    title: String,
    over: String,
    tiles: Vec<Tile>,
    notes: Vec<String>,
    causes: Vec<Cause>,
    foot: String,
}

#[derive(Serialize)]
struct Cause {
    id: String,
    verdict: &'static str,
    tone: &'static str,
    count: String,
    title: String,
    facts: Vec<String>,
    suspects: Vec<Suspect>,
    commands: Vec<Command>,
    rows: Vec<Row>,
    more: usize,
}

#[derive(Serialize)]
struct Suspect {
    commit: String,
    subject: String,
    author: String,
    probability: String,
}

#[derive(Serialize)]
struct Command {
    what: &'static str,
    command: String,
}

#[derive(Serialize)]
struct Row {
    name: String,
    about: String,
    verdict: String,
    why: String,
    advice: String,
}

/// Writes the page.
///
/// # Errors
/// A defect of the template.
pub fn page(view: &View) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.add_template("triage.html", PAGE)?;
    let page = minijinja::value::Serde(laid_out(view));
    Ok(environment.get_template("triage.html")?.render(page)?)
}

fn laid_out(view: &View) -> Page {
    let tile = |verdict: Verdict| {
        let count = view.count(verdict);
        (count > 0).then(|| Tile {
            label: verdict.words(),
            value: count.to_string(),
            tone: match verdict {
                Verdict::Regression | Verdict::NewTest => "bad",
                Verdict::Flake => "warn",
                Verdict::AlreadyBroken | Verdict::Infrastructure => "",
            },
        })
    };
    Page {
        version: env!("CARGO_PKG_VERSION"),
        css: STYLE,
        title: table::title(view),
        over: match (&view.run.branch, &view.run.place) {
            (Some(branch), Some(place)) => format!("{branch} · {}", place.words()),
            (None, Some(place)) => place.words(),
            (_, None) => "no run".to_owned(),
        },
        tiles: Verdict::ALL.into_iter().filter_map(tile).collect(),
        notes: view.notes.clone(),
        causes: view.causes.iter().map(cause).collect(),
        foot: format!(
            "tia {}: compared with {} of earlier runs. Verdicts are probabilities; each says what it rests on.",
            env!("CARGO_PKG_VERSION"),
            counted(view.run.history, "part")
        ),
    }
}

fn cause(cause: &super::Cause) -> Cause {
    let mut facts = Vec::new();
    if let Some(before) = &cause.before {
        facts.push(format!(
            "said before: {} of {}, first in {}",
            counted(before.failures as usize, "failure"),
            counted(before.tests as usize, "test"),
            before.first.words()
        ));
    }
    match &cause.range {
        Some((Some(good), bad)) => facts.push(format!(
            "last good {}, first bad {}",
            good.words(),
            bad.words()
        )),
        Some((None, bad)) => facts.push(format!("bad since {} at the latest", bad.words())),
        None => {}
    }
    let suspect = |suspect: &super::Suspect| Suspect {
        commit: history::short(&suspect.commit).to_owned(),
        subject: suspect.subject.clone(),
        author: suspect.author.clone(),
        probability: percent(suspect.probability),
    };
    let commands = [("reproduce", &cause.reproduce), ("way back", &cause.revert)];
    let command = |(what, command): (&'static str, &Option<String>)| {
        let command = command.clone()?;
        Some(Command { what, command })
    };
    Cause {
        id: cause.id.clone(),
        verdict: cause.called(),
        tone: tone(cause.verdict),
        count: counted(cause.failures.len(), "failure"),
        title: cause.title.clone(),
        facts,
        suspects: cause.suspects.iter().take(SUSPECTS).map(suspect).collect(),
        commands: commands.into_iter().filter_map(command).collect(),
        rows: cause.failures.iter().take(TOLD).map(row).collect(),
        more: cause.failures.len().saturating_sub(TOLD),
    }
}

fn row(failure: &Failure) -> Row {
    let judged = &failure.judged;
    let mut why = words::evidence(judged);
    why.extend(judged.alarms.iter().map(|it| words::alarm(*it).to_owned()));
    let mut about: Vec<String> = failure.file.iter().cloned().collect();
    if !failure.owners.is_empty() {
        about.push(format!("owned by {}", failure.owners.join(", ")));
    }
    Row {
        name: failure.name(),
        about: about.join("; "),
        verdict: words::verdict(judged),
        why: why.join("; "),
        advice: words::advice(judged),
    }
}

fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regression | Verdict::NewTest | Verdict::AlreadyBroken => "regression",
        Verdict::Flake => "flake",
        Verdict::Infrastructure => "outage",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn the_page_names_each_cause_once_and_needs_nothing_beside_it() {
        let view = testing::gated();
        let page = page(&view).unwrap();
        for cause in &view.causes {
            assert_eq!(
                page.matches(&format!("<section id=\"{}\"", cause.id))
                    .count(),
                1
            );
        }
        assert!(
            !page.contains("<script") && !page.contains("http"),
            "{page}"
        );
    }

    #[test]
    fn messages_are_no_markup() {
        let mut view = testing::gated();
        view.causes[0].title = "<img src=x onerror=alert(1)>".to_owned();
        let page = page(&view).unwrap();
        assert!(page.contains("&lt;img") && !page.contains("<img"));
    }
}
