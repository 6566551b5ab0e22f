//! What a nightly scoring costs from the store, and whether proof by graph is right.
//!
//! `cargo bench --bench nightly -- scale TESTS RUNS [shuffled]` makes a history and scores it.
//! `cargo bench --bench nightly -- update TESTS RUNS [shuffled]` stores a few more runs after that, and scores after each.
//! `cargo bench --bench nightly -- fleet DIR…` reads what the fleet simulator made, scores it with and without its
//! repository, and compares what graphs say with the imports of the truth.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to the terminal"
)]

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tia::app::{Cache, Judged, Past, PastQuery, Quiet, Workspace};
use tia::flaky::CALLED;
use tia::history::{Access, History};
use tia::model::{
    Failure, Part, RunContext, Seconds, Status, TestId, TestResult, Timestamp, attribute,
};

type Done<T> = Result<T, Box<dyn Error>>;

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [what @ ("scale" | "update"), tests, runs, rest @ ..] => {
            let update = *what == "update";
            let tests = tests.parse().map_err(Into::into);
            tests.and_then(|tests| scale(tests, runs.parse()?, rest.contains(&"shuffled"), update))
        }
        ["fleet", dirs @ ..] => dirs.iter().try_for_each(|dir| fleet(Path::new(dir))),
        [] => scale(1_000, 100, false, true),
        _ => Err("usage: nightly -- scale|update TESTS RUNS [shuffled] | fleet DIR…".into()),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// SplitMix64: small, seeded, good enough for noise.
struct Noise(u64);

impl Noise {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// One test in fifty flakes, at rates from 1 in 300 to 1 in 5; one run in ten breaks some tests for a few runs.
fn part(
    tests: &[TestId],
    rates: &[f64],
    broken: &mut Vec<(usize, usize)>,
    run: usize,
    shuffled: bool,
    noise: &mut Noise,
) -> Part {
    broken.retain(|(_, until)| *until > run);
    if noise.unit() < 0.1 {
        for _ in 0..1 + (noise.unit() * 8.0) as usize {
            let test = (noise.unit() * tests.len() as f64) as usize;
            broken.push((test, run + 1 + (noise.unit() * 6.0) as usize));
        }
    }
    let mut results: Vec<TestResult> = Vec::with_capacity(tests.len());
    for (at, test) in tests.iter().enumerate() {
        let mut result = TestResult::new(
            test.clone(),
            Status::Passed,
            Seconds::new(0.1 + 0.1 * noise.unit()),
        );
        if rates[at] > 0.0 && noise.unit() < rates[at] || broken.iter().any(|one| one.0 == at) {
            result.status = Status::Failed;
            result.failures.push(Failure {
                kind: "AssertionError".to_owned(),
                message: format!("expected {at} but was {}", (noise.unit() * 40.0) as u32),
                stack: format!("at suite.case_{at}:12\n").repeat(10),
            });
        }
        results.push(result);
    }
    if shuffled {
        for at in (1..results.len()).rev() {
            results.swap(at, (noise.unit() * (at as f64 + 1.0)) as usize);
        }
    }
    let mut context = RunContext {
        commit: Some(format!("{:040x}", run * 7919)),
        branch: Some("main".to_owned()),
        run_id: Some(format!("{run}")),
        start: Some(Timestamp(1_700_000_000_000 + run as i64 * 3_600_000)),
        ..RunContext::default()
    };
    context.set(attribute::HOST, &format!("host-{}", run % 4));
    context.set(attribute::LOAD, &format!("{:.2}", 3.0 * noise.unit()));
    Part {
        results,
        in_order: true,
        complete: true,
        producer: "generator".to_owned(),
        context,
        ..Part::default()
    }
}

fn scale(tests: usize, runs: usize, shuffled: bool, update: bool) -> Done<()> {
    let mut noise = Noise(7);
    let names: Vec<TestId> = (0..tests)
        .map(|at| {
            TestId::of(
                &format!("org.example.module{}.Class{}Test", at / 400, at / 20),
                &format!("case{at}"),
            )
        })
        .collect();
    let rates: Vec<f64> = (0..tests)
        .map(|at| {
            if at % 50 == 17 {
                (-(5.7 - 4.1 * noise.unit())).exp()
            } else {
                0.0
            }
        })
        .collect();
    let kept = std::env::temp_dir().join(format!("tia-nightly-{tests}-{runs}-{shuffled}.db"));
    if !kept.exists() {
        let making = kept.with_extension("making");
        let _ = std::fs::remove_file(&making);
        let mut history = History::open(&making, Access::Write)?;
        let mut broken = Vec::new();
        for from in (0..runs).step_by(20) {
            let batch: Vec<Part> = (from..runs.min(from + 20))
                .map(|run| part(&names, &rates, &mut broken, run, shuffled, &mut noise))
                .collect();
            for done in history.add_parts(&batch, Timestamp(1_700_000_000_000)) {
                done?;
            }
        }
        drop(history);
        std::fs::rename(&making, &kept)?;
        // A process of its own scores, so that its memory is that of scoring.
        let mut again = Command::new(std::env::current_exe()?);
        again.args(std::env::args().skip(1));
        let status = again.status()?;
        std::fs::remove_file(&kept)?;
        return if status.success() {
            Ok(())
        } else {
            Err("scoring failed".into())
        };
    }
    let state = tempfile::tempdir()?;
    let cache = Cache::new(Some(state.path()).filter(|_| update));
    let score = |cache: &Cache| -> Done<(Judged, Cost)> {
        let begun = (Instant::now(), processor()?);
        let past = Past::open(Path::new("."), Some(&kept))?;
        let judged = past.assess_lately(&PastQuery::default(), None, cache, &Quiet)?;
        let cost = Cost {
            wall: begun.0.elapsed(),
            processor: processor()?.saturating_sub(begun.1),
        };
        Ok((judged, cost))
    };
    let (judged, full) = score(&cache)?;
    let failing = judged.failing.len();
    println!(
        "{tests} tests x {runs} runs, order {}: {full}, at most {} MiB; {failing} tests failed, {} findings of {:?}",
        if shuffled { "shuffled" } else { "fixed" },
        peak()?,
        judged.findings.len(),
        judged.examined
    );
    drop(judged);
    let mut broken = Vec::new();
    for run in (runs..runs + LATER).take_while(|_| update) {
        let next = part(&names, &rates, &mut broken, run, shuffled, &mut noise);
        let begun = Instant::now();
        let mut history = History::open(&kept, Access::Write)?;
        history.add_part(&next, Timestamp(1_700_000_000_000))?;
        drop(history);
        let stored = begun.elapsed();
        let (judged, cost) = score(&cache)?;
        println!(
            "{} more: stored in {stored:.1?}, {} in {cost}, 1 in {:.0} of the processor time",
            run + 1 - runs,
            match judged.scored_as_of {
                Some(_) => "brought up to date",
                None => "scored in full",
            },
            full.processor.as_secs_f64() / cost.processor.as_secs_f64()
        );
        if run + 1 == runs + LATER {
            compare(&judged, &score(&Cache::new(None))?.0, runs as u32);
        }
    }
    Ok(())
}

/// So many runs are stored after the history.
const LATER: usize = 4;

/// How far apart an update and a full scoring are.
fn compare(update: &Judged, full: &Judged, first: u32) {
    let numbers: std::collections::HashMap<_, _> =
        full.tests.iter().zip(&full.assessment.tests).collect();
    let (mut count, mut regression, mut flaky) = (0, 0.0_f64, 0.0_f64);
    let mut called = 0;
    for (test, mine) in update.tests.iter().zip(&update.assessment.tests) {
        let theirs = numbers[test];
        flaky = flaky.max((mine.flaky.get() - theirs.flaky.get()).abs());
        called += u32::from((mine.flaked.get() >= CALLED) != (theirs.flaked.get() >= CALLED));
        let new = mine.failures.iter().zip(&theirs.failures);
        for (mine, theirs) in new.filter(|(mine, _)| mine.part >= first) {
            count += 1;
            regression = regression.max((mine.regression.get() - theirs.regression.get()).abs());
        }
    }
    println!(
        "against a full scoring: of {count} new failures the chance of a regression differs by at most {regression:.4}; of all tests that of \
         being flaky by at most {flaky:.4}, {called} are called otherwise"
    );
}

/// What something took.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    processor: Duration,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.2} s ({:.2} s of processor time)",
            self.wall.as_secs_f64(),
            self.processor.as_secs_f64()
        )
    }
}

/// The processor time of this process so far, of all threads (Linux; in hundredths of a second).
fn processor() -> Done<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("no stat")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(10 * ticks))
}

/// The most memory that this process had, in MiB (Linux).
fn peak() -> Done<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .ok_or("no VmHWM")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no VmHWM")?.parse()?;
    Ok(kib / 1024)
}

fn fleet(dir: &Path) -> Done<()> {
    let work = tempfile::tempdir()?;
    let db = work.path().join("history.db");
    let status = Command::new(env!("CARGO_BIN_EXE_tia"))
        .args(["ingest", "-q", "-C"])
        .arg(dir.join("repo"))
        .arg("--db")
        .arg(&db)
        .arg(dir.canonicalize()?.join("runs"))
        .output()?
        .status;
    if !status.success() {
        return Err("the reports cannot be read".into());
    }
    let past = Past::open(dir, Some(&db))?;
    let begun = Instant::now();
    let alone = past.assess(&PastQuery::default())?;
    let without = begun.elapsed();
    let workspace = Workspace::open(&dir.join("repo"), true)?;
    let begun = Instant::now();
    let judged = past.assess_with(&PastQuery::default(), Some(&workspace), &Quiet)?;
    let with = begun.elapsed();
    let count = |judged: &Judged| {
        let all = judged
            .assessment
            .tests
            .iter()
            .flat_map(|test| &test.failures);
        all.filter(|failure| failure.unreachable).count()
    };
    println!(
        "{}: {} parts, {} of them proven; {without:.1?} without the repository, {with:.1?} with it; {} findings, {} failures unreachable",
        dir.display(),
        judged.parts.len(),
        judged.proven,
        alone.findings.len(),
        count(&judged)
    );
    let truth: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("truth.json"))?)?;
    let mut causes = std::collections::BTreeMap::new();
    for failure in truth["failures"].as_array().into_iter().flatten() {
        let key = (failure["test"].to_string(), failure["run"].as_u64());
        causes.insert(
            key,
            failure["cause"].as_str().unwrap_or_default().to_owned(),
        );
    }
    let mut unreachable: std::collections::BTreeMap<&str, u32> = Default::default();
    for ((test, _), standing) in judged.tests.iter().zip(&judged.assessment.tests) {
        for failure in standing
            .failures
            .iter()
            .filter(|failure| failure.unreachable)
        {
            let run = &judged.parts[failure.part as usize].context.run_id;
            let run = run.as_deref().and_then(|run| run.parse().ok());
            let key = (format!("\"{test}\""), run);
            *unreachable
                .entry(causes.get(&key).map_or("not in the truth", String::as_str))
                .or_default() += 1;
        }
    }
    println!("  of the unreachable ones: {unreachable:?}");
    Ok(())
}
