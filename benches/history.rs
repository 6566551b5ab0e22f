//! What the history costs: time to store and to read, bytes on disk, as ratios against a plain row table in the same run.
//!
//! ```sh
//! cargo bench --bench history -- store 10000 1000    # tests, runs: throughput, size, one line, all series
//! cargo bench --bench history -- walk 100000 1000    # the series of all tests, and the peak memory
//! ```
//!
//! The generator stands in for a suite of mostly passing tests: durations are log-normal, sigma 1.0 across tests and
//! 0.25 within one; one result in a hundred fails, with one of forty messages a test. Seeded, so runs are alike.
//! Peak memory needs Linux.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to the terminal"
)]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tia::history::{Access, History, Query};
use tia::model::{
    Failure, LogSeconds, Part, RunContext, Seconds, Status, TestId, TestResult, Timestamp,
};

type Done<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["store", tests, runs] => {
            sizes(tests, runs).and_then(|(tests, runs)| store(tests, runs, 100))
        }
        ["store", tests, runs, bad] => {
            sizes(tests, runs).and_then(|(tests, runs)| store(tests, runs, bad.parse()?))
        }
        ["walk", tests, runs] => sizes(tests, runs).and_then(|(tests, runs)| walk(tests, runs)),
        [] => store(1_000, 50, 100),
        _ => Err("usage: history -- store TESTS RUNS [BAD] | walk TESTS RUNS".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn sizes(tests: &str, runs: &str) -> Done<(usize, usize)> {
    Ok((tests.parse()?, runs.parse()?))
}

/// SplitMix64: small, seeded, good enough for noise.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A normal deviate (Box and Muller, 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

struct Suite {
    tests: Vec<(TestId, f64)>,
    noise: Noise,
    /// Failures in ten thousand results.
    bad: u64,
}

impl Suite {
    fn new(tests: usize, bad: u64) -> Self {
        let mut noise = Noise(7);
        let tests = (0..tests)
            .map(|at| {
                let class = format!("org.example.shop.module{}.Class{}Test", at / 400, at / 20);
                let test = TestId::of(&class, &format!("behavesAsExpectedInCase{at}"));
                (test, (noise.normal() - 3.0).exp())
            })
            .collect();
        Self { tests, noise, bad }
    }

    fn part(&mut self, run: usize, shuffled: bool) -> Part {
        let noise = &mut self.noise;
        let mut results: Vec<TestResult> = Vec::with_capacity(self.tests.len());
        for (at, (test, usual)) in self.tests.iter().enumerate() {
            let seconds = Seconds::new(usual * (0.25 * noise.normal()).exp());
            let mut result = TestResult::new(test.clone(), Status::Passed, seconds);
            if noise.next() % 10_000 < self.bad {
                result.status = Status::Failed;
                result.failures.push(Failure {
                    kind: "java.lang.AssertionError".to_owned(),
                    message: format!("expected {} but was {}", at, noise.next() % 40),
                    stack: format!("at org.example.shop.Class{}Test.check:{}\n", at / 20, at)
                        .repeat(20),
                });
            }
            results.push(result);
        }
        if shuffled {
            for at in (1..results.len()).rev() {
                results.swap(at, (noise.next() % (at as u64 + 1)) as usize);
            }
        }
        Part {
            results,
            in_order: true,
            complete: true,
            producer: "generator".to_owned(),
            context: RunContext {
                commit: Some(format!("{:040x}", run * 7919)),
                branch: Some("main".to_owned()),
                pipeline: Some("nightly".to_owned()),
                run_id: Some(format!("{run}")),
                start: Some(Timestamp(1_700_000_000_000 + run as i64 * 3_600_000)),
                ..RunContext::default()
            },
            ..Part::default()
        }
    }
}

fn rate(results: usize, took: Duration) -> f64 {
    results as f64 / took.as_secs_f64() / 1e6
}

fn store(tests: usize, runs: usize, bad: u64) -> Done<()> {
    let dir = tempfile::tempdir()?;
    let mut figures = Vec::new();
    for shuffled in [false, true] {
        let path = dir.path().join(format!("shuffled-{shuffled}.db"));
        let mut suite = Suite::new(tests, bad);
        let mut history = History::open(&path, Access::Write)?;
        let mut aside = History::open(
            &dir.path().join(format!("aside-{shuffled}.db")),
            Access::Write,
        )?;
        let (mut first, mut later) = (Duration::ZERO, Duration::ZERO);
        for run in 0..runs {
            let part = suite.part(run, shuffled);
            let begun = Instant::now();
            history.add_part(&part, Timestamp(1_700_000_000_000))?;
            *(if run == 0 { &mut first } else { &mut later }) += begun.elapsed();
        }
        let mut batched = Duration::ZERO;
        for batch in 0..(runs / 25).max(1) {
            let parts: Vec<Part> = (0..25)
                .map(|at| suite.part(runs + batch * 25 + at, shuffled))
                .collect();
            let begun = Instant::now();
            for done in aside.add_parts(&parts, Timestamp(1_700_000_000_000)) {
                done?;
            }
            batched += begun.elapsed();
        }
        drop(history);
        let history = History::open(&path, Access::Read)?;
        let stats = history.stats()?;
        let (mut texts, mut details) = (0, 0);
        for table in &stats.tables {
            match table.table.as_str() {
                "text" => texts = table.bytes,
                "detail" => details = table.bytes,
                _ => {}
            }
        }
        let per = |bytes: u64| bytes as f64 / stats.results as f64;
        println!(
            "{tests} tests x {runs} runs, order {}: first {:.2} M results/s, then {:.2} M/s, in batches of 25 {:.2} M/s; \
             {:.3} bytes a result, and {:.3} for failures, {:.3} for their texts",
            if shuffled { "shuffled" } else { "fixed" },
            rate(tests, first),
            rate(tests * (runs - 1), later),
            rate(tests * 25 * (runs / 25).max(1), batched),
            per(stats.bytes - texts - details),
            per(details),
            per(texts)
        );
        for table in &stats.tables {
            println!(
                "  {:9} {:>10} rows {:>12} bytes",
                table.table, table.rows, table.bytes
            );
        }
        let query = Query::default();
        let test = suite.tests[tests / 2].0.clone();
        let begun = Instant::now();
        let line = history.line(&test, &query)?;
        println!(
            "  line of one test over {} runs: {:.1?}",
            line.len(),
            begun.elapsed()
        );
        let begun = Instant::now();
        let mut seen = 0;
        history.series(&history.parts(&query)?, &mut |series| {
            seen += series.seen.len()
        })?;
        println!("  series of all: {seen} results in {:.2?}", begun.elapsed());
        figures.push((later, stats.bytes - texts - details));
    }
    let (took, bytes) = rows(dir.path(), tests, runs)?;
    println!(
        "plain rows: {:.2} M results/s, {:.2} bytes a result: {:.1} times slower, {:.1} times larger than blocks",
        rate(tests * (runs - 1), took),
        bytes as f64 / (tests * runs) as f64,
        took.as_secs_f64() / figures[0].0.as_secs_f64(),
        bytes as f64 / figures[0].1 as f64
    );
    Ok(())
}

/// The peer: one row a result (run, test, status, duration), sorted by its key, names apart, without failures.
fn rows(dir: &Path, tests: usize, runs: usize) -> Done<(Duration, u64)> {
    let path = dir.join("rows.db");
    let mut conn = rusqlite::Connection::open(&path)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE test (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
         CREATE TABLE result (run INTEGER, test INTEGER, status INTEGER, seconds REAL, PRIMARY KEY (run, test)) WITHOUT ROWID;",
    )?;
    let mut suite = Suite::new(tests, 100);
    let mut took = Duration::ZERO;
    for run in 0..runs {
        let part = suite.part(run, false);
        let begun = Instant::now();
        let transaction = conn.transaction()?;
        {
            let mut name =
                transaction.prepare_cached("INSERT INTO test (id, name) VALUES (?, ?)")?;
            let mut row = transaction.prepare_cached("INSERT INTO result VALUES (?, ?, ?, ?)")?;
            for (at, result) in part.results.iter().enumerate() {
                if run == 0 {
                    name.execute(rusqlite::params![at as i64, result.test.to_string()])?;
                }
                let seconds = result.duration.map(Seconds::get);
                let bad = result.status.is_bad();
                row.execute(rusqlite::params![run as i64, at as i64, bad, seconds])?;
            }
        }
        transaction.commit()?;
        if run > 0 {
            took += begun.elapsed();
        }
    }
    conn.close().map_err(|(_, error)| error)?;
    Ok((took, std::fs::metadata(&path)?.len()))
}

fn walk(tests: usize, runs: usize) -> Done<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("walk.db");
    let mut suite = Suite::new(tests, 100);
    let mut history = History::open(&path, Access::Write)?;
    // a few different parts, told apart by their context: the walk does not know
    let mut parts: Vec<Part> = (0..8).map(|run| suite.part(run, false)).collect();
    for run in 0..runs {
        let part = &mut parts[run % 8];
        part.context = suite.part_context(run);
        history.add_part(part, Timestamp(1_700_000_000_000))?;
    }
    drop((history, parts, suite));
    let before = peak();
    let history = History::open(&path, Access::Read)?;
    let past = history.parts(&Query::default())?;
    let begun = Instant::now();
    let (mut series, mut seen, mut known) = (0_u64, 0_u64, 0_u64);
    history.series(&past, &mut |one| {
        series += 1;
        seen += one.seen.len() as u64;
        known += one
            .seen
            .iter()
            .filter(|s| s.duration != LogSeconds::UNKNOWN)
            .count() as u64;
    })?;
    println!(
        "{series} series, {seen} results ({known} with a duration) in {:.2?}; peak {:.0} MiB, before the walk {before:.0} MiB",
        begun.elapsed(),
        peak()
    );
    Ok(())
}

impl Suite {
    fn part_context(&self, run: usize) -> RunContext {
        RunContext {
            branch: Some("main".to_owned()),
            start: Some(Timestamp(1_700_000_000_000 + run as i64 * 3_600_000)),
            ..RunContext::default()
        }
    }
}

/// Peak memory of this process in MiB, where the system tells it.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}
