//! How fast reports become history, end to end, beside peers in the same run.
//!
//! ```sh
//! cargo bench --bench ingest -- few 50 10000      # 50 reports of 10,000 mostly passing tests, one run each
//! cargo bench --bench ingest -- many 20000 10     # one run of 20,000 reports of 10 tests
//! cargo bench --bench ingest -- large 2048        # one report of so many MiB: peak memory of the command
//! cargo bench --bench ingest -- day               # a thousandth of a TAP day: 50 runs of 80,000 tests, and twice that
//! ```
//!
//! Reports are written as nextest and pytest do, with 1 % failures whose messages hold numbers, and durations that vary
//! log-normally. Peers: junitparser (reading alone) and flakebox (reading and storing), both from PyPI, run by the
//! Python that `PYTHON` names [default: `python3`] over a part of the same files; a peer that is not installed is said
//! to be missing. Peak memory is read from `/proc`, so on Linux.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to the terminal"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const TIA: &str = env!("CARGO_BIN_EXE_tia");

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| {
        text.parse::<usize>()
            .map_err(|error| format!("`{text}`: {error}"))
    };
    let run = || -> Result<(), String> {
        match words.as_slice() {
            ["few", files, tests] => few(number(files)?, number(tests)?),
            ["many", files, tests] => many(number(files)?, number(tests)?),
            ["large", mebibytes] => large(number(mebibytes)?),
            ["day"] => day(),
            [] => few(5, 1000),
            _ => Err(
                "usage: ingest -- few FILES TESTS | many FILES TESTS | large MIB | day".to_owned(),
            ),
        }
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Numbers that are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Uniform in 0..1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal, by the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Writes one report: `tests` tests from number `first`, at moment `run`.
fn report(
    path: &Path,
    run: usize,
    first: usize,
    tests: usize,
    random: &mut Random,
) -> Result<(), String> {
    let file = fs::File::create(path).map_err(|error| error.to_string())?;
    let mut out = BufWriter::new(file);
    let done = (|| -> std::io::Result<()> {
        let (day, hour) = (1 + run / 24 % 28, run % 24);
        write!(
            out,
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites><testsuite name=\"pytest\" errors=\"0\" \
             tests=\"{tests}\" time=\"10.5\" timestamp=\"2026-03-{day:02}T{hour:02}:{:02}:00.000001+00:00\" hostname=\"ci-1\">\n\
             <properties><property name=\"cicd.pipeline.run.id\" value=\"{run}\"/></properties>\n",
            run % 60
        )?;
        let mut text = String::new();
        for test in first..first + tests {
            text.clear();
            let mut own = Random(0x9e37_79b9 ^ (test as u64 + 1));
            let typical = (-4.0 + own.normal()).exp();
            let time = typical * (0.25 * random.normal()).exp();
            let _ = write!(
                text,
                "<testcase classname=\"tests.unit.test_module_{:04}.TestThing\" name=\"test_case_{test}\" time=\"{time:.3}\"",
                test / 40
            );
            if random.next().is_multiple_of(100) {
                let n = random.next() % 10_000;
                let _ = write!(
                    text,
                    "><failure message=\"AssertionError: assert {n} == 7\" type=\"AssertionError\">def test():\n&gt;   assert {n} == 7\nE   \
                     AssertionError\ntests/unit/test_module.py:{}: AssertionError</failure></testcase>\n",
                    n % 300
                );
            } else {
                text.push_str(" />\n");
            }
            out.write_all(text.as_bytes())?;
        }
        out.write_all(b"</testsuite></testsuites>\n")
    })();
    done.map_err(|error| error.to_string())
}

/// One timed run of `tia` with its peak memory in MiB.
fn tia(args: &[&str]) -> Result<(Duration, f64), String> {
    let start = Instant::now();
    let mut child = Command::new(TIA)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    loop {
        if let Ok(text) = fs::read_to_string(&status) {
            let kib = text.lines().find_map(|line| {
                line.strip_prefix("VmHWM:")?
                    .trim()
                    .strip_suffix(" kB")?
                    .parse()
                    .ok()
            });
            peak = peak.max(kib.unwrap_or(0.0) / 1024.0);
        }
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return if status.success() {
                Ok((start.elapsed(), peak))
            } else {
                Err(format!("tia {args:?}: {status}"))
            };
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn place() -> Result<tempfile::TempDir, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    fs::create_dir(dir.path().join("reports")).map_err(|error| error.to_string())?;
    Ok(dir)
}

fn rate(results: usize, took: Duration) -> f64 {
    results as f64 / took.as_secs_f64() / 1e6
}

fn few(files: usize, tests: usize) -> Result<(), String> {
    let dir = place()?;
    let mut random = Random(1);
    let paths: Vec<PathBuf> = (0..files)
        .map(|run| dir.path().join(format!("reports/run-{run:05}.xml")))
        .collect();
    for (run, path) in paths.iter().enumerate() {
        report(path, run, 0, tests, &mut random)?;
    }
    println!("{files} reports of {tests} tests");
    let own = compare(dir.path(), files * tests)?;
    let some: Vec<&PathBuf> = paths.iter().take(5).collect();
    peers(dir.path(), &some, tests * some.len(), own)
}

fn many(files: usize, tests: usize) -> Result<(), String> {
    let dir = place()?;
    let mut random = Random(1);
    let paths: Vec<PathBuf> = (0..files)
        .map(|file| dir.path().join(format!("reports/TEST-{file:06}.xml")))
        .collect();
    for (file, path) in paths.iter().enumerate() {
        report(path, 0, file * tests, tests, &mut random)?;
    }
    println!("{files} reports of {tests} tests, one run");
    let own = compare(dir.path(), files * tests)?;
    let some: Vec<&PathBuf> = paths.iter().take(1000).collect();
    peers(dir.path(), &some, tests * some.len(), own)
}

/// Ingests the directory three times into new histories; prints and returns the best rate in millions a second.
fn compare(dir: &Path, results: usize) -> Result<f64, String> {
    let (mut best, mut memory, mut size) = (0.0_f64, 0.0_f64, 0);
    let reports = dir.join("reports").display().to_string();
    for round in 0..3 {
        let db = dir.join(format!("history-{round}.db"));
        let (took, peak) = tia(&[
            "-C",
            &dir.display().to_string(),
            "ingest",
            "--db",
            &db.display().to_string(),
            &reports,
        ])?;
        best = best.max(rate(results, took));
        memory = memory.max(peak);
        size = fs::metadata(&db).map_or(0, |data| data.len());
    }
    println!(
        "tia ingest: {best:.2} million results a second (best of 3), {memory:.0} MiB at most, {:.2} bytes a result on disk, messages included",
        size as f64 / results as f64
    );
    Ok(best)
}

/// Runs the peers over some of the files and prints ratios.
fn peers(dir: &Path, files: &[&PathBuf], results: usize, own: f64) -> Result<(), String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let list = dir.join("files.txt");
    let names: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    fs::write(&list, names.join("\n")).map_err(|error| error.to_string())?;
    let peers = [
        (
            "junitparser, reading alone",
            "junitparser",
            "import sys, time\nfrom junitparser import JUnitXml, TestSuite\nstart = time.perf_counter()\nn = 0\n\
             for f in open(sys.argv[1]).read().split('\\n'):\n    x = JUnitXml.fromfile(f)\n    for s in ([x] if isinstance(x, TestSuite) else x):\n        \
             for c in s:\n            n += 1; c.name; c.classname; c.time; c.result\nprint(time.perf_counter() - start)",
        ),
        (
            "flakebox record, reading and storing",
            "flakebox",
            "import subprocess, sys, time\nfiles = open(sys.argv[1]).read().split('\\n')\nstart = time.perf_counter()\n\
             from flakebox.cli import main\nimport contextlib, io\n\
             for i, f in enumerate(files):\n    with contextlib.redirect_stdout(io.StringIO()):\n        \
             main(['--db', sys.argv[1] + '.db', 'record', '--junit', f, '--commit', '%040x' % i])\nprint(time.perf_counter() - start)",
        ),
    ];
    for (name, module, script) in peers {
        let output = Command::new(&python)
            .args(["-c", script])
            .arg(&list)
            .output()
            .map_err(|error| format!("{python}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match text
            .trim()
            .lines()
            .last()
            .and_then(|line| line.parse::<f64>().ok())
        {
            Some(seconds) if output.status.success() => {
                let peer = rate(results, Duration::from_secs_f64(seconds));
                println!(
                    "{name}: {peer:.3} million a second over {} files; tia is {:.0} times as fast",
                    files.len(),
                    own / peer
                );
            }
            _ => println!(
                "{name}: did not run; `pip install {module}` for the Python that PYTHON names"
            ),
        }
    }
    Ok(())
}

fn large(mebibytes: usize) -> Result<(), String> {
    let dir = place()?;
    let db = dir.path().join("history.db").display().to_string();
    // about 120 bytes a case; one in two thousand brings a mebibyte of output
    for (kind, output) in [("cases alone", 0), ("cases and much output", 1 << 20)] {
        let path = dir.path().join("large.xml");
        let mut out = BufWriter::new(fs::File::create(&path).map_err(|error| error.to_string())?);
        let mut size = 0;
        let mut tests = 0_usize;
        let mut put = |text: &str, out: &mut BufWriter<fs::File>| -> Result<(), String> {
            size += text.len();
            out.write_all(text.as_bytes())
                .map_err(|error| error.to_string())?;
            Ok(())
        };
        let mut written = 0;
        put("<testsuites><testsuite name=\"all\">\n", &mut out)?;
        let line = "the quick brown fox jumps over the lazy dog, again and again\n";
        while written < mebibytes << 20 {
            let mut text = format!(
                "<testcase classname=\"suite.module_{:06}\" name=\"test_case_number_{tests:09}\" time=\"0.{:03}\"",
                tests / 100,
                tests % 999
            );
            if output > 0 && tests.is_multiple_of(2000) {
                let _ = writeln!(
                    text,
                    "><system-out>{}</system-out></testcase>",
                    line.repeat(output / line.len())
                );
            } else {
                text.push_str("/>\n");
            }
            written += text.len();
            put(&text, &mut out)?;
            tests += 1;
        }
        put("</testsuite></testsuites>\n", &mut out)?;
        out.flush().map_err(|error| error.to_string())?;
        drop(out);
        let (took, peak) = tia(&[
            "-C",
            &dir.path().display().to_string(),
            "ingest",
            "--db",
            &db,
            &path.display().to_string(),
        ])?;
        println!(
            "{kind}: {} MiB, {tests} tests: {:.1} s, {:.2} million results a second, {peak:.0} MiB at most",
            size >> 20,
            took.as_secs_f64(),
            rate(tests, took)
        );
    }
    Ok(())
}

/// A TAP day is 4 × 10⁹ results of 50,000 changes: 80,000 tests a change. A thousandth of it is 50 runs.
fn day() -> Result<(), String> {
    for runs in [50, 100] {
        let dir = place()?;
        let mut random = Random(7);
        for run in 0..runs {
            report(
                &dir.path().join(format!("reports/run-{run:05}.xml")),
                run,
                0,
                80_000,
                &mut random,
            )?;
        }
        let db = dir.path().join("history.db").display().to_string();
        let reports = dir.path().join("reports").display().to_string();
        let (took, peak) = tia(&[
            "-C",
            &dir.path().display().to_string(),
            "ingest",
            "--db",
            &db,
            &reports,
        ])?;
        let size = fs::metadata(&db).map_or(0, |data| data.len());
        println!(
            "{runs} runs of 80,000 tests: {:.1} s, {:.1} MiB on disk ({:.2} bytes a result), {peak:.0} MiB at most; \
             50,000 runs at this rate: {:.1} h of this machine, {:.1} GiB",
            took.as_secs_f64(),
            size as f64 / (1 << 20) as f64,
            size as f64 / (runs * 80_000) as f64,
            took.as_secs_f64() / runs as f64 * 50_000.0 / 3600.0,
            size as f64 / runs as f64 * 50_000.0 / f64::from(1 << 30)
        );
    }
    Ok(())
}
