//! How the model does on real histories, labelled by reruns or known to be deterministic.
//!
//! `cargo bench --bench histories -- DIR…`: folders with `runs.csv.gz` and `results.csv.gz` or `intervals.csv.gz`. Of the
//! labelled ones all tests are pooled at the end: what was called flaky from the first so many runs, beside what those who made
//! the labels do (a test is flaky that passed and failed on one commit) and the area under the curve of other scores.

#![expect(clippy::print_stdout, reason = "a bench talks to the terminal")]

#[path = "support/baselines.rs"]
mod baselines;
#[path = "support/table.rs"]
mod table;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant;

use baselines::{RULES, Ran};
use table::Table;
use tia::flaky::{Assessment, Past, assess};
use tia::model::{
    LogSeconds, PartId, PastPart, RunContext, RunId, Seconds, Seen, Series, Status, TestId,
    Timestamp, Variant,
};

struct History {
    parts: Vec<PastPart>,
    series: Vec<Series>,
    /// By series, where there are labels: `flaky`, `always_fails`, `stable`, `skipped`.
    labels: Vec<String>,
}

fn main() {
    baselines::check();
    let mut pooled: BTreeMap<usize, Pooled> = BTreeMap::new();
    for dir in std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .map(PathBuf::from)
    {
        let history = read(&dir);
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        let runs = history.parts.len();
        println!("\n{name}: {runs} runs, {} tests", history.series.len());
        if history.labels.is_empty() {
            unlabelled(&history);
            continue;
        }
        for first in FIRST {
            if first <= runs {
                labelled(&history, first, pooled.entry(first).or_default());
            }
        }
    }
    println!("\nall labelled histories that are long enough");
    for (first, pooled) in &pooled {
        pooled.print(*first);
    }
}

/// So many runs are known.
const FIRST: [usize; 9] = [10, 20, 50, 100, 200, 500, 1000, 2000, 4000];

/// Tests of all labelled histories.
#[derive(Default)]
struct Pooled {
    histories: u32,
    truth: Vec<bool>,
    /// That it flaked, as the model says; whether it passed and failed; then a score for each of [`BESIDE`].
    scores: [Vec<f64>; 2 + BESIDE.len()],
    /// Of flaky tests that failed so far: intervals that cover the share of failures among later runs, and all.
    covered: (u32, u32),
}

const BESIDE: [&str; 3] = ["flip rate", "PFS", "failure rate"];

impl Pooled {
    fn print(&self, first: usize) {
        let called = |scores: &[f64], min: f64| {
            let called = scores.iter().zip(&self.truth).filter(|one| *one.0 > min);
            let (right, all) = called.fold((0, 0), |(right, all), one| {
                (right + usize::from(*one.1), all + 1)
            });
            let flaky = self.truth.iter().filter(|flaky| **flaky).count();
            format!(
                "precision {:5.1} % recall {:5.1} %",
                100.0 * right as f64 / (all as f64).max(1.0),
                100.0 * right as f64 / (flaky as f64).max(1.0)
            )
        };
        print!(
            "  first {first:4} of {:2} histories, {} tests: tia {} (above one half: {}), passed and failed: {}; AUC tia {:.4}",
            self.histories,
            self.truth.len(),
            called(&self.scores[0], tia::flaky::CALLED),
            called(&self.scores[0], 0.5),
            called(&self.scores[1], 0.5),
            auc(&self.scores[0], &self.truth)
        );
        for (name, scores) in BESIDE.iter().zip(&self.scores[2..]) {
            print!(", {name} {:.4}", auc(scores, &self.truth));
        }
        println!("; intervals cover {}/{}", self.covered.0, self.covered.1);
    }
}

fn read(dir: &Path) -> History {
    let runs = Table::read(&dir.join("runs.csv.gz"));
    let tests = Table::read(&dir.join("tests.csv.gz"));
    let parts: Vec<PastPart> = (0..runs.rows.len())
        .map(|run| {
            let mut context = RunContext::default();
            let version = runs.get(run, "version");
            // Where each test has a commit of its own, that never changes.
            let of_test = tests.get(0, "commit");
            context.commit = [runs.get(run, "commit"), version, of_test]
                .into_iter()
                .find(|text| !text.is_empty())
                .map(str::to_owned);
            context.branch = (!version.is_empty()).then(|| branch(version));
            PastPart {
                part: PartId(run as i64),
                run: RunId(run as i64),
                start: Timestamp(run as i64 * 3_600_000),
                context,
                duration: None,
                ran: 0,
                bad: 0,
                flaky: 0,
                complete: true,
            }
        })
        .collect();
    let mut series: Vec<Series> = (0..tests.rows.len())
        .map(|test| Series {
            test: TestId::of(tests.get(test, "classname"), tests.get(test, "name")),
            variant: Variant::default(),
            seen: Vec::new(),
        })
        .collect();
    let status = |letter: &str| match letter {
        "P" => Status::Passed,
        "F" => Status::Failed,
        "E" => Status::Errored,
        _ => Status::Skipped,
    };
    let mut add = |test: usize, run: u32, status: Status, seconds: Option<f64>| {
        let seen = &mut series[test].seen;
        let bad = u8::from(status.is_bad());
        let duration = LogSeconds::of(seconds.and_then(Seconds::new));
        if let Some(last) = seen.last_mut().filter(|last: &&mut Seen| last.part == run) {
            // Repeated within a run: attempts.
            last.bad_attempts += bad;
            last.status = status;
        } else {
            seen.push(Seen {
                part: run,
                status,
                bad_attempts: bad,
                duration,
            });
        }
    };
    let results = dir.join("results.csv.gz");
    if results.exists() {
        let table = Table::read(&results);
        for row in 0..table.rows.len() {
            let number = |name| table.get(row, name).parse().unwrap();
            add(
                number("test_id"),
                number("run") as u32,
                status(table.get(row, "status")),
                table.get(row, "time").parse().ok(),
            );
        }
    } else {
        let table = Table::read(&dir.join("intervals.csv.gz"));
        for row in 0..table.rows.len() {
            let number = |name| table.get(row, name).parse::<usize>().unwrap();
            for run in number("from_run")..=number("to_run") {
                add(
                    number("test_id"),
                    run as u32,
                    status(table.get(row, "status")),
                    None,
                );
            }
        }
    }
    for series in &mut series {
        series.seen.sort_by_key(|seen| seen.part);
    }
    let labels = dir.join("labels.csv.gz");
    let labels = if labels.exists() {
        let table = Table::read(&labels);
        let mut labels = vec![String::new(); series.len()];
        for row in 0..table.rows.len() {
            labels[table.get(row, "test_id").parse::<usize>().unwrap()] =
                table.get(row, "label").to_owned();
        }
        labels
    } else {
        Vec::new()
    };
    History {
        parts,
        series,
        labels,
    }
}

/// `v2.7.99-12-gabc` and `v2.7.3` are on the 2.7 branch; others on main.
fn branch(version: &str) -> String {
    let version = version
        .trim_start_matches("zephyr-")
        .trim_start_matches('v');
    let mut numbers = version.split(['.', '-']);
    let (major, minor, patch) = (
        numbers.next().unwrap_or(""),
        numbers.next().unwrap_or(""),
        numbers.next().unwrap_or(""),
    );
    let long_term = [("1", "14"), ("2", "7")].contains(&(major, minor)) && patch != "0";
    let patched = !long_term
        && patch
            .parse::<u32>()
            .is_ok_and(|patch| patch > 0 && patch < 99);
    if long_term || patched {
        format!("{major}.{minor}")
    } else {
        "main".to_owned()
    }
}

fn judge(history: &History, first: usize) -> (Vec<Series>, Assessment, f64) {
    let series: Vec<Series> = history
        .series
        .iter()
        .map(|series| Series {
            seen: series
                .seen
                .iter()
                .copied()
                .filter(|seen| (seen.part as usize) < first)
                .collect(),
            ..series.clone()
        })
        .collect();
    let past = Past {
        parts: &history.parts[..first],
        ..Past::default()
    };
    let start = Instant::now();
    let assessment = assess(&past, series.clone());
    (series, assessment, start.elapsed().as_secs_f64())
}

fn labelled(history: &History, first: usize, pooled: &mut Pooled) {
    let (series, assessment, seconds) = judge(history, first);
    let truth: Vec<bool> = history
        .labels
        .iter()
        .map(|label| label == "flaky")
        .collect();
    let ours: Vec<f64> = assessment
        .tests
        .iter()
        .map(|test| test.flaked.get())
        .collect();
    let called = |min: f64| {
        let hit = ours
            .iter()
            .zip(&truth)
            .filter(|(score, flaky)| **score > min && **flaky)
            .count();
        let false_ = ours
            .iter()
            .zip(&truth)
            .filter(|(score, flaky)| **score > min && !**flaky)
            .count();
        (hit, false_)
    };
    let rate = |series: &Series| {
        let ran = series
            .seen
            .iter()
            .filter(|seen| seen.status.is_run())
            .count();
        series
            .seen
            .iter()
            .filter(|seen| seen.status.is_bad())
            .count() as f64
            / ran.max(1) as f64
    };
    let (mut covered, mut intervals) = (0, 0);
    for ((whole, flaky), test) in history.series.iter().zip(&truth).zip(&assessment.tests) {
        // Of a test that never failed the interval speaks for all such tests, most of which are not flaky.
        if *flaky && test.failed > 0 {
            let later = Series {
                seen: whole
                    .seen
                    .iter()
                    .copied()
                    .filter(|seen| seen.part as usize >= first)
                    .collect(),
                ..whole.clone()
            };
            let rate = if first < history.parts.len() {
                rate(&later)
            } else {
                rate(whole)
            };
            intervals += 1;
            covered +=
                u32::from(test.rate.low.get() - 1e-9 <= rate && rate <= test.rate.high.get());
        }
    }
    let flaky = truth.iter().filter(|flaky| **flaky).count();
    let (hit, false_) = called(0.5);
    let both = series.iter().map(|series| {
        let run = series.seen.iter().filter(|seen| seen.status.is_run());
        f64::from(u8::from(
            run.clone().any(|seen| seen.status.is_bad())
                && run.clone().any(|seen| !seen.status.is_bad()),
        ))
    });
    let both: Vec<f64> = both.collect();
    let both_hit = both
        .iter()
        .zip(&truth)
        .filter(|(both, flaky)| **both > 0.0 && **flaky)
        .count();
    print!(
        "  first {first:4}: flaky {flaky}: found {hit} (did both: {both_hit}), false {false_}; AUC {:.4}",
        auc(&ours, &truth)
    );
    let failed = |series: &Series| series.seen.iter().any(|seen| seen.status.is_bad());
    for (beside, scores) in BESIDE.iter().zip(&mut pooled.scores[2..]) {
        let rule = RULES.iter().find(|(name, _)| name == beside).unwrap().1;
        let found: Vec<f64> = series
            .iter()
            .map(|series| match failed(series) {
                true => rule(&runs(&history.parts, series)),
                false => 0.0,
            })
            .collect();
        print!(", {beside} {:.4}", auc(&found, &truth));
        scores.extend(found);
    }
    pooled.histories += 1;
    pooled.scores[0].extend(ours.iter());
    pooled.scores[1].extend(both.iter());
    pooled.covered.0 += covered;
    pooled.covered.1 += intervals;
    pooled.truth.extend(truth);
    println!(
        "; intervals cover the later rate {covered}/{intervals}; outages {}; {seconds:.2} s",
        outages(&assessment)
    );
}

fn outages(assessment: &Assessment) -> usize {
    assessment
        .parts
        .iter()
        .filter(|part| part.outage.get() > 0.5)
        .count()
}

fn runs(parts: &[PastPart], series: &Series) -> Vec<Ran> {
    let mut numbers = HashMap::new();
    let run = series.seen.iter().filter(|seen| seen.status.is_run());
    run.map(|seen| {
        let commit = parts[seen.part as usize].context.commit.clone();
        let next = numbers.len() as u32;
        let commit = commit.map_or(seen.part, |commit| *numbers.entry(commit).or_insert(next));
        Ran {
            commit,
            failed: u32::from(seen.bad_attempts),
            passed: u32::from(!seen.status.is_bad()),
        }
    })
    .collect()
}

/// Area under the curve; equal scores count half.
fn auc(scores: &[f64], truth: &[bool]) -> f64 {
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(truth.iter().copied()).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut sum) = (0.0, 0.0);
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let flaky = tied.iter().filter(|one| one.1).count() as f64;
        let other = tied.len() as f64 - flaky;
        sum += flaky * (below + other / 2.0);
        below += other;
    }
    let flaky = truth.iter().filter(|flaky| **flaky).count() as f64;
    sum / (flaky * (truth.len() as f64 - flaky))
}

fn unlabelled(history: &History) {
    let (series, assessment, seconds) = judge(history, history.parts.len());
    let failed = assessment
        .tests
        .iter()
        .filter(|test| test.failed > 0)
        .count();
    let over = |min: f64| {
        assessment
            .tests
            .iter()
            .filter(|test| test.flaked.get() > min)
            .count()
    };
    println!(
        "  {failed} tests failed; flaked > 0.5: {}, > 0.95: {}, > 0.99: {}; outages {}; flaky share {:.4}; {seconds:.2} s",
        over(0.5),
        over(0.95),
        over(0.99),
        outages(&assessment),
        assessment.flaky_share.get()
    );
    println!("  {:?}", assessment.chances);
    let did = series.iter().filter(|series| {
        let run = series.seen.iter().filter(|seen| seen.status.is_run());
        run.clone().any(|seen| seen.status.is_bad())
            && run.clone().any(|seen| !seen.status.is_bad())
    });
    println!("  did both: {}", did.count());
    let mut ranked: Vec<usize> = (0..series.len()).collect();
    ranked.sort_by(|a, b| {
        assessment.tests[*b]
            .flaked
            .get()
            .total_cmp(&assessment.tests[*a].flaked.get())
    });
    for test in ranked
        .into_iter()
        .take(if std::env::args().any(|arg| arg == "-v") {
            40
        } else {
            0
        })
    {
        let line: String = series[test]
            .seen
            .iter()
            .map(|seen| match (seen.status.is_bad(), seen.bad_attempts) {
                (true, _) => 'F',
                (false, 0) => '.',
                _ => '+',
            })
            .collect();
        println!(
            "   {:.3} {} {line}",
            assessment.tests[test].flaked.get(),
            series[test].test
        );
    }
    let mut parts: Vec<usize> = (0..assessment.parts.len())
        .filter(|part| assessment.parts[*part].outage.get() > 0.5)
        .collect();
    parts.truncate(30);
    println!(
        "  outages: {:?}",
        parts
            .iter()
            .map(|part| format!("{part}:{:.2}", assessment.parts[*part].share.get()))
            .collect::<Vec<_>>()
    );
}
