//! How long a selection takes, as ratios against a peer or a known limit in the same run.
//!
//! ```sh
//! cargo bench --bench speed -- cold DIR       # a Python work tree in git: cold graph against `ruff analyze graph`,
//!                                             # then a warm selection after a one-file edit against the cold one
//! cargo bench --bench speed -- synthetic 1000 10000 100000
//!                                             # made repositories of so many files, ten edges a file: cold, warm,
//!                                             # beside what `git status` takes there, and the peak memory
//! cargo bench --bench speed -- definitions DIR FILE OLD NEW
//!                                             # the same edit selected by whole files and by definitions, cold and warm,
//!                                             # beside `git status`; what the cache takes for a million lines
//! ```
//!
//! `OLD` is replaced once in `FILE` by `NEW`, in which `{n}` is another number each time. `cold` needs `ruff` on the path (`pip install ruff`), or its place in `RUFF`. The edited file is put back. Both need
//! Linux for the peak memory. Each figure is the median of nine runs, commands taking turns.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench talks to the terminal"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 9;
const TIA: &str = env!("CARGO_BIN_EXE_tia");

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["cold", dir] => cold(Path::new(dir)),
        ["definitions", dir, file, old, new] => definitions(Path::new(dir), file, old, new),
        ["synthetic", sizes @ ..] if !sizes.is_empty() => synthetic(sizes),
        [] => synthetic(&["1000"]),
        _ => Err(
            "usage: speed -- cold DIR | definitions DIR FILE OLD NEW | synthetic FILES…".to_owned(),
        ),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// One timed run of a command: wall time and peak memory in MiB.
struct Run {
    wall: Duration,
    peak: f64,
}

fn run(command: &mut Command) -> Result<Run, String> {
    let shown = format!("{command:?}");
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{shown}: {error}"))?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    let status = loop {
        if let Ok(text) = fs::read_to_string(&status_file) {
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
            break status;
        }
        std::thread::sleep(Duration::from_micros(500));
    };
    let wall = start.elapsed();
    if status.success() {
        Ok(Run { wall, peak })
    } else {
        Err(format!("{shown}: {status}"))
    }
}

fn median(runs: &mut [Run]) -> Duration {
    runs.sort_by_key(|run| run.wall);
    runs[runs.len() / 2].wall
}

fn git(dir: &Path, args: &[&str]) -> Result<(), String> {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(dir)
        .args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"]);
    command.args([
        "-c",
        "gc.auto=0",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.untrackedCache=false",
    ]);
    run(command.args(args)).map(|_| ())
}

fn tia(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(TIA);
    command
        .arg("-C")
        .arg(dir)
        .args(args)
        .env_remove("GITHUB_ACTIONS")
        .env_remove("CI");
    command
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn cold(dir: &Path) -> Result<(), String> {
    let ruff = std::env::var_os("RUFF").unwrap_or_else(|| "ruff".into());
    let (mut ours, mut theirs, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    let file = largest_python_file(dir)?;
    for _ in 0..RUNS {
        theirs.push(
            run(Command::new(&ruff)
                .args(["analyze", "graph", "--preview", "--no-cache"])
                .current_dir(dir))
            .or_else(|_| {
                run(Command::new(&ruff)
                    .args(["analyze", "graph", "--preview"])
                    .current_dir(dir))
            })?,
        );
        ours.push(run(&mut tia(
            dir,
            &["graph", "--at", "HEAD", "--no-cache"],
        ))?);
    }
    run(&mut tia(dir, &["select", "--base", "HEAD"]))?;
    let before = fs::read(&file).map_err(|error| error.to_string())?;
    for n in 0..RUNS {
        let edit = [&before[..], format!("\n_edit = {n}\n").as_bytes()].concat();
        fs::write(&file, edit).map_err(|error| error.to_string())?;
        let timed = run(&mut tia(dir, &["select", "--base", "HEAD"]));
        fs::write(&file, &before).map_err(|error| error.to_string())?;
        warm.push(timed?);
    }
    let peak = ours.iter().map(|run| run.peak).fold(0.0, f64::max);
    let (ours, theirs, warm) = (median(&mut ours), median(&mut theirs), median(&mut warm));
    println!("ruff analyze graph        {:8.0} ms", ms(theirs));
    println!(
        "tia graph, cold           {:8.0} ms   {:.2} of ruff   peak {peak:.0} MiB",
        ms(ours),
        ms(ours) / ms(theirs)
    );
    println!(
        "tia select, warm, 1 edit  {:8.0} ms   {:.3} of cold",
        ms(warm),
        ms(warm) / ms(ours)
    );
    Ok(())
}

fn definitions(dir: &Path, file: &str, old: &str, new: &str) -> Result<(), String> {
    let path = dir.join(file);
    let before = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
    if !before.contains(old) {
        return Err(format!("{file} holds no `{old}`"));
    }
    let edits = (0..RUNS).map(|n| before.replacen(old, &new.replace("{n}", &n.to_string()), 1));
    let edits: Vec<String> = edits.collect();
    let timed = both_ways(dir, &path, &edits);
    fs::write(&path, &before).map_err(|error| error.to_string())?;
    let [
        mut status,
        mut cold,
        mut closer_cold,
        mut warm,
        mut closer_warm,
    ] = timed?;
    let status = ms(median(&mut status));
    println!("git status                {status:8.0} ms");
    for (what, files, closer) in [
        ("cold", &mut cold, &mut closer_cold),
        ("warm", &mut warm, &mut closer_warm),
    ] {
        let (files, closer) = (ms(median(files)), ms(median(closer)));
        println!(
            "{what}: whole files {files:8.0} ms   definitions {closer:8.0} ms   {:.1} of whole files   beyond git status {:.0} ms",
            closer / files,
            closer - status
        );
    }
    let (bytes, lines) = (size_of(&dir.join(".tia"))?, lines_of(dir)?);
    println!(
        "cache {:.1} MB for {lines} lines of Python: {:.0} MB for a million",
        bytes as f64 / 1e6,
        bytes as f64 / lines.max(1) as f64
    );
    Ok(())
}

/// Runs of `git status`, of cold selections by whole files and by definitions, and of warm ones, taking turns; the cache is left.
fn both_ways(dir: &Path, path: &Path, edits: &[String]) -> Result<[Vec<Run>; 5], String> {
    let mut timed: [Vec<Run>; 5] = Default::default();
    let by_files = ["select", "--base", "HEAD"];
    let by_definitions = ["select", "--base", "HEAD", "--granularity", "symbol"];
    for edit in edits {
        fs::write(path, edit).map_err(|error| error.to_string())?;
        for (at, args) in [(1, &by_files[..]), (2, &by_definitions)] {
            let state = dir.join(".tia");
            if state.exists() {
                fs::remove_dir_all(state).map_err(|error| error.to_string())?;
            }
            timed[at].push(run(&mut tia(dir, args))?);
        }
    }
    for edit in edits {
        fs::write(path, edit).map_err(|error| error.to_string())?;
        let mut status = Command::new("git");
        status.arg("-C").arg(dir);
        status.args(["--no-optional-locks", "status", "--porcelain"]);
        timed[0].push(run(&mut status)?);
        timed[3].push(run(&mut tia(dir, &by_files))?);
        timed[4].push(run(&mut tia(dir, &by_definitions))?);
    }
    Ok(timed)
}

fn size_of(dir: &Path) -> Result<u64, String> {
    let mut all = 0;
    for entry in fs::read_dir(dir).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        let meta = entry.metadata().map_err(|error| error.to_string())?;
        all += match meta.is_dir() {
            true => size_of(&entry.path())?,
            false => meta.len(),
        };
    }
    Ok(all)
}

fn lines_of(dir: &Path) -> Result<usize, String> {
    let files = python_files(dir)?;
    let lines = files.iter().map(|path| {
        let text = fs::read(path).unwrap_or_default();
        text.iter().filter(|byte| **byte == b'\n').count()
    });
    Ok(lines.sum())
}

fn largest_python_file(dir: &Path) -> Result<PathBuf, String> {
    python_files(dir)?
        .into_iter()
        .filter(|path| {
            let below = path.strip_prefix(dir).unwrap_or(path);
            !below.to_string_lossy().contains("test")
        })
        .max_by_key(|path| fs::metadata(path).map(|meta| meta.len()).unwrap_or(0))
        .ok_or_else(|| format!("no Python files are tracked in {}", dir.display()))
}

fn python_files(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["ls-files", "-z", "*.py"])
        .output()
        .map_err(|error| format!("git ls-files: {error}"))?;
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let names = names.split('\0').filter(|name| !name.is_empty());
    Ok(names.map(|name| dir.join(name)).collect())
}

fn synthetic(sizes: &[&str]) -> Result<(), String> {
    println!(
        "{:>8} {:>9} {:>12} {:>10} {:>10} {:>14} {:>10}",
        "files", "edges", "git status", "cold", "warm", "warm − status", "peak MiB"
    );
    for size in sizes {
        let files: usize = size.parse().map_err(|_| format!("`{size}` is no number"))?;
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let edges = make(dir.path(), files)?;
        let cold = run(&mut tia(dir.path(), &["select", "--base", "HEAD"]))?;
        let (mut status, mut warm) = (Vec::new(), Vec::new());
        let edited = dir.path().join("p0/m1.py");
        let before = fs::read_to_string(&edited).map_err(|error| error.to_string())?;
        for n in 0..RUNS {
            fs::write(&edited, format!("{before}\nedit = {n}\n"))
                .map_err(|error| error.to_string())?;
            let mut command = Command::new("git");
            command.arg("-C").arg(dir.path()).args([
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.untrackedCache=false",
            ]);
            status.push(run(command.args([
                "--no-optional-locks",
                "status",
                "--porcelain",
            ]))?);
            warm.push(run(&mut tia(dir.path(), &["select", "--base", "HEAD"]))?);
        }
        let peak = warm.iter().map(|run| run.peak).fold(cold.peak, f64::max);
        let (status, warm) = (median(&mut status), median(&mut warm));
        println!(
            "{files:>8} {edges:>9} {:>9.0} ms {:>7.0} ms {:>7.0} ms {:>11.0} ms {peak:>10.0}",
            ms(status),
            ms(cold.wall),
            ms(warm),
            ms(warm) - ms(status),
        );
    }
    Ok(())
}

/// Packages of 100 files, one in ten of them a test; each module imports nine others, mostly near ones.
/// Returns the number of import edges.
fn make(dir: &Path, files: usize) -> Result<usize, String> {
    let packages = files.div_ceil(100);
    let mut edges = 0;
    let mut seed = 42_u64;
    let mut draw = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below.max(1)
    };
    let write =
        |path: PathBuf, text: String| fs::write(path, text).map_err(|error| error.to_string());
    for p in 0..packages {
        let package = dir.join(format!("p{p}"));
        fs::create_dir_all(package.join("tests")).map_err(|error| error.to_string())?;
        write(package.join("__init__.py"), String::new())?;
        for m in 1..90 {
            let mut text = String::new();
            for _ in 0..9 {
                // an earlier package one time in ten, so that the closure of a module stays a part of the whole
                let (q, n) = if draw(10) == 0 && p > 0 {
                    (p - 1 - draw(p.min(3)), 1 + draw(89))
                } else {
                    (p, draw(m))
                };
                text.push_str(&format!("from p{q} import m{n}\n", n = n.max(1)));
                edges += 1;
            }
            text.push_str(&format!("\n\ndef f{m}(x):\n    return x + {m}\n"));
            write(package.join(format!("m{m}.py")), text)?;
        }
        for t in 0..10 {
            let mut text = String::new();
            for _ in 0..10 {
                text.push_str(&format!("from p{p} import m{}\n", 1 + draw(89)));
                edges += 1;
            }
            for case in 0..5 {
                text.push_str(&format!("\n\ndef test_{case}():\n    assert m1\n"));
            }
            write(package.join(format!("tests/test_{p}_{t}.py")), text)?;
        }
    }
    git(dir, &["init", "-q"])?;
    git(dir, &["add", "-A"])?;
    git(dir, &["commit", "-q", "-m", "made"])?;
    Ok(edges)
}
