//! The report as one HTML file that needs nothing beside it: no script, no font, no picture.
//!
//! The page is `templates/report.html`, the style `templates/report.css`. Everything is a string by the time it gets
//! there. Lists have an end, so that a project of any size gives a page that opens at once.

use minijinja::Environment;
use serde::Serialize;

use super::flaky::{Called, Row, cost, counted, kind, percent, sure};
use super::nightly::Nightly;
use super::{chart, moment};
use crate::flaky::backtest::Backtest;

const PAGE: &str = include_str!("templates/report.html");
/// The style of all pages.
pub(super) const STYLE: &str = include_str!("templates/report.css");

/// So many flaky tests stand in the table.
const TESTS: usize = 50;
/// So many tests stand in each list of changes.
const CHANGES: usize = 12;
/// So many tests stand in the lists below.
const LISTED: usize = 25;

/// Why a page could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the report's template failed")]
pub struct PageError(#[from] minijinja::Error);

#[derive(Serialize)]
struct Page {
    version: &'static str,
    css: &'static str,
    title: String,
    project: Option<String>,
    branch: Option<String>,
    day: String,
    headline: String,
    tiles: Vec<Tile>,
    sections: Vec<Section>,
    changed: Option<Changed>,
    causes: Vec<Cause>,
    more_causes: usize,
    people: &'static str,
    scale: String,
    flaky: Vec<FlakyRow>,
    more_flaky: usize,
    heat: Option<Heat>,
    trend: Option<String>,
    days: Vec<DayRow>,
    slower: Vec<SlowerRow>,
    review: Vec<super::nightly::Review>,
    alarms: Vec<super::nightly::Alarm>,
    believe: String,
    thresholds: Vec<ThresholdRow>,
    reliability: Vec<BinRow>,
    unknown: Vec<String>,
    foot: String,
}

#[derive(Serialize)]
pub(super) struct Tile {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) tone: &'static str,
}

#[derive(Serialize)]
struct Section {
    id: &'static str,
    title: &'static str,
}

#[derive(Serialize)]
struct Changed {
    lead: String,
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    title: String,
    tone: &'static str,
    items: Vec<Item>,
    more: usize,
}

#[derive(Serialize)]
struct Item {
    name: String,
    text: String,
}

#[derive(Serialize)]
struct Cause {
    message: String,
    r#where: String,
    mostly: &'static str,
    tone: &'static str,
    failures: u32,
    tests: u32,
    last: String,
}

#[derive(Serialize)]
struct FlakyRow {
    name: String,
    broken: bool,
    findings: Vec<FindingRow>,
    owner: String,
    cost: String,
    failed: String,
    flaked: String,
    rate: String,
    interval: String,
    left: String,
    width: String,
    middle: String,
}

#[derive(Serialize)]
struct FindingRow {
    kind: &'static str,
    sentence: String,
    experiment: String,
}

#[derive(Serialize)]
struct Heat {
    about: String,
    first: String,
    last: String,
    rows: Vec<HeatRow>,
}

#[derive(Serialize)]
struct HeatRow {
    name: String,
    svg: String,
    words: String,
}

#[derive(Serialize)]
struct DayRow {
    day: String,
    parts: u32,
    red: u32,
    ran: u64,
    flakes: String,
    regressions: String,
    outages: String,
    reruns: String,
}

#[derive(Serialize)]
struct SlowerRow {
    name: String,
    before: String,
    after: String,
    times: String,
}

#[derive(Serialize)]
struct ThresholdRow {
    at: String,
    right: u32,
    wrong: u32,
    precision: String,
    recall: String,
}

#[derive(Serialize)]
struct BinRow {
    range: String,
    failures: u32,
    said: String,
    were: String,
}

/// Writes the page.
///
/// # Errors
/// A defect of the template.
pub fn page(report: &Nightly) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.add_template("report.html", PAGE)?;
    let page = minijinja::value::Serde(view(report));
    Ok(environment.get_template("report.html")?.render(page)?)
}

fn view(report: &Nightly) -> Page {
    let flaky: Vec<&Row> = report.called_flaky().collect();
    let shown = &flaky[..flaky.len().min(TESTS)];
    let scale = scale(shown);
    let heat = heat(report);
    let trend = chart::trend(&report.days);
    let changed = (report.flaky.parts > 0).then(|| changed(report));
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        css: STYLE,
        title: match &report.project {
            Some(project) => format!("{project}: {}", report.headline()),
            None => report.headline(),
        },
        project: report.project.clone(),
        branch: report.branch.clone(),
        day: match report.flaky.span {
            Some(_) => format!("newest run {} UTC", moment::minute(report.now)),
            None => "no run yet".to_owned(),
        },
        headline: report.headline(),
        tiles: tiles(report, flaky.len()),
        sections: Vec::new(),
        changed,
        causes: report.causes.iter().map(cause).collect(),
        more_causes: report.more_causes,
        people: report.flaky.people.definition(),
        scale: percent(scale),
        flaky: shown.iter().map(|row| flaky_row(row, scale)).collect(),
        more_flaky: flaky.len() - shown.len(),
        heat,
        trend,
        days: report.days.iter().map(day).collect(),
        slower: report
            .slower
            .iter()
            .take(LISTED)
            .map(|slower| SlowerRow {
                name: slower.test.clone(),
                before: moment::duration(slower.before),
                after: moment::duration(slower.after),
                times: format!("{:.1}", slower.after.get() / slower.before.get().max(1e-9)),
            })
            .collect(),
        review: report.review.iter().take(LISTED).cloned().collect(),
        alarms: report.alarms.iter().take(LISTED).cloned().collect(),
        believe: believe(report.backtest.as_ref()),
        thresholds: report.backtest.as_ref().map(thresholds).unwrap_or_default(),
        reliability: report
            .backtest
            .as_ref()
            .map(reliability)
            .unwrap_or_default(),
        unknown: report.unknown.clone(),
        foot: foot(report),
    };
    with_sections(page)
}

fn with_sections(mut page: Page) -> Page {
    let all = [
        ("changed", "What changed", page.changed.is_some()),
        ("causes", "Causes", !page.causes.is_empty()),
        ("flaky", "Flaky tests", !page.flaky.is_empty()),
        ("past", "Tests over time", page.heat.is_some()),
        ("trend", "Trend", page.trend.is_some()),
        ("slower", "Slower than before", !page.slower.is_empty()),
        ("quarantine", "Quarantine", !page.review.is_empty()),
        ("alarms", "Missing reports", !page.alarms.is_empty()),
        ("believe", "How far to believe this", true),
    ];
    page.sections = all
        .into_iter()
        .filter(|(_, _, there)| *there)
        .map(|(id, title, _)| Section { id, title })
        .collect();
    page
}

fn tiles(report: &Nightly, flaky: usize) -> Vec<Tile> {
    if report.flaky.parts == 0 {
        return Vec::new();
    }
    let (failures, price, reruns) = report.costs();
    let tone = |bad: bool, tone| if bad { tone } else { "" };
    let broken = report.changed.broken.len();
    vec![
        Tile {
            label: "broken now",
            value: grouped(broken as u64),
            tone: tone(broken > 0, "bad"),
        },
        Tile {
            label: "flaky tests",
            value: grouped(flaky as u64),
            tone: tone(flaky > 0, "warn"),
        },
        Tile {
            label: "failures without cause",
            value: grouped(f64::round(failures) as u64),
            tone: "",
        },
        Tile {
            label: "of people’s time",
            value: cost(price),
            tone: "",
        },
        Tile {
            label: "of reruns",
            value: cost(reruns),
            tone: "",
        },
        Tile {
            label: "tests looked at",
            value: grouped(report.flaky.tests as u64),
            tone: "",
        },
    ]
}

/// A number with thin spaces between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn changed(report: &Nightly) -> Changed {
    let changed = &report.changed;
    let rows = |list: &[usize], text: &dyn Fn(&Row) -> String| -> Vec<Item> {
        list.iter()
            .filter_map(|at| report.row(*at))
            .map(|row| Item {
                name: row.name(),
                text: text(row),
            })
            .collect()
    };
    let new: Vec<u32> = changed
        .newly_broken
        .iter()
        .filter_map(|at| Some(report.row(*at)?.series))
        .collect();
    let broken = rows(&changed.broken, &|row| {
        let new = if new.contains(&row.series) {
            "new; "
        } else {
            ""
        };
        let broken = row.broken.as_ref();
        let text =
            broken.map(|broken| format!("{new}{} sure; {}", sure(broken.now), broken.since()));
        text.unwrap_or_default()
    });
    let rate = |row: &Row| {
        format!(
            "failed {} of {}; rate {}",
            row.failed,
            row.ran,
            percent(row.rate.mean.get())
        )
    };
    let fixed = changed.fixed.iter().map(|(name, was)| Item {
        name: name.clone(),
        text: format!("was {was}"),
    });
    let lists = [
        ("broken now", "regression", broken),
        ("newly flaky", "flake", rows(&changed.new, &rate)),
        ("flakier than before", "flake", rows(&changed.worse, &rate)),
        ("no longer flaky or broken", "good", fixed.collect()),
    ];
    let groups: Vec<Group> = lists
        .into_iter()
        .filter(|(_, _, items)| !items.is_empty())
        .map(|(title, tone, mut items)| {
            let count = items.len();
            items.truncate(CHANGES);
            Group {
                title: format!("{count} {title}"),
                tone,
                more: count - items.len(),
                items,
            }
        })
        .collect();
    let lead = match changed.since {
        Some(since) => format!(
            "Compared with what was known at {} UTC, {} ago.{}",
            moment::minute(since),
            counted(changed.runs, "run"),
            if groups.is_empty() {
                " Nothing changed."
            } else {
                ""
            }
        ),
        None => "The past is shorter than a day: there is nothing to compare with yet.".to_owned(),
    };
    Changed { lead, groups }
}

fn cause(cause: &super::nightly::Cause) -> Cause {
    let rest = (cause.tests as usize).saturating_sub(cause.examples.len());
    let mut place = cause.examples.join(", ");
    if rest > 0 {
        place = format!("{place} and {rest} more");
    }
    Cause {
        message: cause.message.clone(),
        r#where: place,
        mostly: cause.mostly(),
        tone: cause.mostly(),
        failures: cause.failures,
        tests: cause.tests,
        last: moment::month_day(cause.last),
    }
}

/// The end of the bars: the highest upper end, rounded up.
fn scale(rows: &[&Row]) -> f64 {
    let highest = rows
        .iter()
        .map(|row| row.rate.high.get())
        .fold(0.0, f64::max);
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
        .into_iter()
        .find(|scale| highest <= *scale)
        .unwrap_or(1.0)
}

fn flaky_row(row: &Row, scale: f64) -> FlakyRow {
    let at = |share: f64| 100.0 * (share / scale).min(1.0);
    let (low, middle, high) = (
        at(row.rate.low.get()),
        at(row.rate.mean.get()),
        at(row.rate.high.get()),
    );
    let findings = row.findings.iter().map(|finding| FindingRow {
        kind: kind(finding.kind),
        sentence: finding.sentence.clone(),
        experiment: format!(
            "{} ({})",
            finding.experiment.what,
            counted(finding.experiment.runs as usize, "run")
        ),
    });
    FlakyRow {
        name: row.name(),
        broken: row.called() == Called::Both,
        findings: findings.collect(),
        owner: row.owners.join(", "),
        cost: cost(row.cost()),
        failed: format!("{} of {}", row.failed, row.ran),
        flaked: sure(row.flaked),
        rate: percent(row.rate.mean.get()),
        interval: format!(
            "{} to {}",
            percent(row.rate.low.get()),
            percent(row.rate.high.get())
        ),
        left: format!("{low:.1}"),
        width: format!("{:.1}", high - low),
        middle: format!("{middle:.1}"),
    }
}

fn heat(report: &Nightly) -> Option<Heat> {
    let heat = &report.heat;
    let (first, last) = (heat.columns.first()?, heat.columns.last()?);
    if heat.rows.is_empty() {
        return None;
    }
    let most = heat.columns.iter().map(|(_, parts)| *parts).max()?;
    let rows = heat.rows.iter().filter_map(|(at, shares)| {
        Some(HeatRow {
            name: report.row(*at)?.name(),
            svg: chart::heat_row(shares),
            words: chart::heat_words(heat, shares),
        })
    });
    Some(Heat {
        about: match most {
            1 => "Each cell is a run, the newest to the right.".to_owned(),
            n => format!("Each cell is up to {n} runs, the newest to the right."),
        },
        first: moment::day(first.0),
        last: moment::day(last.0),
        rows: rows.collect(),
    })
}

fn day(day: &super::nightly::Day) -> DayRow {
    DayRow {
        day: moment::day(day.day),
        parts: day.parts,
        red: day.red,
        ran: day.ran,
        flakes: format!("{:.1}", day.flakes),
        regressions: format!("{:.1}", day.regressions),
        outages: format!("{:.1}", day.outages),
        reruns: cost(day.minutes),
    }
}

/// What the backtest says, in a paragraph.
pub fn believe(test: Option<&Backtest>) -> String {
    let Some(test) = test else {
        return "This past was not replayed, so nothing here says how well the model does on it."
            .to_owned();
    };
    let decided = test.flakes + test.regressions;
    let Some(brier) = test.brier else {
        return format!(
            "Nothing tells how well the model does on this past: of no failure do reruns or fixes say what it was ({} \
             undecided). Rerunning failures on the same commit would.",
            counted(test.undecided as usize, "failure")
        );
    };
    let mut text = format!(
        "The past was replayed: {} judged on the day, and reruns and fixes later said what they were ({}, {}). The \
         Brier score is {brier:.3}: 0 is perfect, 0.25 is guessing.",
        match decided {
            1 => "1 failure was".to_owned(),
            n => format!("{n} failures were"),
        },
        counted(test.flakes as usize, "flake"),
        counted(test.regressions as usize, "regression"),
    );
    if test.passed_over > 0 {
        text.push_str(&format!(
            " {} more with such failures were passed over to save time.",
            counted(test.passed_over as usize, "run")
        ));
    }
    text
}

fn thresholds(test: &Backtest) -> Vec<ThresholdRow> {
    let share = |share: Option<f64>| share.map_or("–".to_owned(), percent);
    let row = |at: &crate::flaky::backtest::Threshold| ThresholdRow {
        at: percent(at.at),
        right: at.right,
        wrong: at.wrong,
        precision: share(at.precision()),
        recall: share(at.recall()),
    };
    test.thresholds.iter().map(row).collect()
}

fn reliability(test: &Backtest) -> Vec<BinRow> {
    let row = |bin: &crate::flaky::backtest::Bin| BinRow {
        range: format!("{} to {}", percent(bin.from), percent(bin.to)),
        failures: bin.failures,
        said: percent(bin.said),
        were: percent(bin.were),
    };
    test.reliability.iter().map(row).collect()
}

fn foot(report: &Nightly) -> String {
    let model = crate::flaky::MODEL_VERSION;
    let version = env!("CARGO_PKG_VERSION");
    match report.flaky.span {
        Some((first, last)) => format!(
            "{}, {} to {}. Moments are in UTC. Made by tia {version}, model {model}.",
            counted(report.flaky.parts, "run"),
            moment::day(first),
            moment::day(last),
        ),
        None => format!("Made by tia {version}, model {model}."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::nightly::testing;
    use super::*;

    #[test]
    fn the_page_holds_every_part_and_needs_nothing_else() {
        let page = page(&testing::nightly()).unwrap();
        for id in [
            "changed",
            "causes",
            "flaky",
            "past",
            "trend",
            "slower",
            "quarantine",
            "alarms",
            "believe",
        ] {
            assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
            assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
        }
        for outside in ["<script", "http:", "https:", "url(", "@import", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
        insta::assert_snapshot!(page.replace(STYLE, "(style)"));
    }

    #[test]
    fn what_reports_say_is_escaped() {
        let mut report = testing::nightly();
        report.causes[0].message = "<script>alert(1)</script>".into();
        report.project = Some("a & <b>".into());
        let page = page(&report).unwrap();
        assert!(
            !page.contains("<script") && page.contains("&lt;script&gt;"),
            "escaped"
        );
        assert!(page.contains("a &amp; &lt;b&gt;"));
    }

    #[test]
    fn an_empty_past_gives_a_page() {
        let page = page(&Nightly::default()).unwrap();
        assert!(
            page.contains("no run yet") && !page.contains("NaN"),
            "{page}"
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(999), "999");
    }
}
