//! One run of a test command: its own process group, its output in a file, a time limit.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::CulpritError;

/// How a run ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ended {
    /// Exit code 0.
    Passed,
    /// Any other end: another exit code, a signal, the time limit.
    Failed,
    /// Exit code 125: the commit cannot be tested.
    Untestable,
    /// Somebody asked to stop.
    Stopped,
}

/// The exit code that says "cannot be tested", as `git bisect run` has it.
const UNTESTABLE: i32 = 125;
/// How often is looked whether a command has ended.
const TICK: Duration = Duration::from_millis(20);

/// A command, and the variables that are set for it.
pub(super) struct Job<'a> {
    pub(super) command: &'a [String],
    pub(super) variables: [(&'static str, &'a str); 2],
    pub(super) directory: &'a Path,
    pub(super) log: &'a Path,
    pub(super) limit: Option<Duration>,
}

/// Runs a command to its end, or until `stop` is set; then its whole process group is killed.
///
/// Variables of git that name the user's repository are not handed on: the command sees the working tree it runs in.
pub(super) fn run(job: &Job<'_>, stop: &AtomicBool) -> Result<Ended, CulpritError> {
    let Some((program, arguments)) = job.command.split_first() else {
        return Ok(Ended::Untestable);
    };
    let write = |source| CulpritError::Write {
        path: job.log.to_path_buf(),
        source,
    };
    let log = File::create(job.log).map_err(write)?;
    let errors = log.try_clone().map_err(write)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(job.directory)
        .envs(job.variables)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors);
    for (name, _) in std::env::vars_os() {
        let local = [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_PREFIX",
            "GIT_COMMON_DIR",
        ];
        if local.iter().any(|local| name == *local) {
            command.env_remove(name);
        }
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let start = |source| CulpritError::Start {
        command: program.clone(),
        source,
    };
    let mut child = command.spawn().map_err(start)?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(start)? {
            return Ok(ended(status));
        }
        let stopped = stop.load(Ordering::Relaxed);
        if stopped || job.limit.is_some_and(|limit| begun.elapsed() >= limit) {
            kill(&mut child);
            return Ok(if stopped {
                Ended::Stopped
            } else {
                Ended::Failed
            });
        }
        std::thread::sleep(TICK);
    }
}

fn ended(status: ExitStatus) -> Ended {
    match status.code() {
        Some(0) => Ended::Passed,
        Some(UNTESTABLE) => Ended::Untestable,
        _ => Ended::Failed,
    }
}

/// Kills a process and all that it started. It has not been waited for, so its number is still its own.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        // whoever is gone already need not be killed
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn of(script: &str, limit: Option<Duration>, stop: bool) -> (Ended, String, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let command = ["sh", "-c", script].map(str::to_owned);
        let job = Job {
            command: &command,
            variables: [("TIA_TEST", "a::b"), ("TIA_COMMIT", "c0ffee")],
            directory: dir.path(),
            log: &log,
            limit,
        };
        let ended = run(&job, &AtomicBool::new(stop)).unwrap();
        let text = std::fs::read_to_string(&log).unwrap();
        (ended, text, dir)
    }

    #[test]
    fn exit_codes_are_read_as_git_bisect_reads_them() {
        let end = |script| of(script, None, false).0;
        assert_eq!(end("exit 0"), Ended::Passed);
        assert_eq!(end("exit 1"), Ended::Failed);
        assert_eq!(end("exit 125"), Ended::Untestable);
        assert_eq!(end("exit 127"), Ended::Failed);
        assert_eq!(end("kill -9 $$"), Ended::Failed);
    }

    #[test]
    fn a_command_knows_test_and_commit_and_its_output_is_kept() {
        let (_, text, _) = of("echo $TIA_TEST $TIA_COMMIT; echo no >&2", None, false);
        assert_eq!(text, "a::b c0ffee\nno\n");
    }

    #[test]
    fn at_the_limit_or_when_stopped_children_die_too() {
        // the child would write the file if it lived on
        let script = "(sleep 1; echo alive > alive) & sleep 60";
        let limit = Some(Duration::from_millis(50));
        for (limit, stop, end) in [(limit, false, Ended::Failed), (None, true, Ended::Stopped)] {
            let (ended, _, dir) = of(script, limit, stop);
            assert_eq!(ended, end);
            std::thread::sleep(Duration::from_millis(1500));
            assert!(!dir.path().join("alive").exists());
        }
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let job = Job {
            command: &["no-such-command-anywhere".to_owned()],
            variables: [("TIA_TEST", ""), ("TIA_COMMIT", "")],
            directory: dir.path(),
            log: &dir.path().join("log"),
            limit: None,
        };
        let error = run(&job, &AtomicBool::new(false)).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-command-anywhere`");
    }
}
