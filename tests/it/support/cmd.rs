//! Runs the binary on a repository, with the repository's hermetic environment and a time limit.

use std::time::Duration;

use super::output::Output;
use super::repo::TestRepo;

/// No case needs anywhere near as long; a run that does hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// One call of `tia` to be.
pub(crate) struct Tia<'a> {
    repo: &'a TestRepo,
    dir: String,
    args: Vec<String>,
    vars: Vec<(String, String)>,
    stdin: Option<Vec<u8>>,
}

impl<'a> Tia<'a> {
    /// `tia COMMAND`, in the repository's root.
    pub(crate) fn new(repo: &'a TestRepo, command: &str) -> Self {
        Self {
            repo,
            dir: ".".into(),
            args: vec![command.into()],
            vars: Vec::new(),
            stdin: None,
        }
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<str>>(mut self, args: &[S]) -> Self {
        self.args
            .extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Runs in another directory, given from the repository's root.
    pub(crate) fn dir(mut self, dir: &str) -> Self {
        self.dir = dir.into();
        self
    }

    /// Sets environment variables.
    pub(crate) fn vars(mut self, vars: &[(String, String)]) -> Self {
        self.vars.extend_from_slice(vars);
        self
    }

    /// Hands in standard input.
    pub(crate) fn stdin(mut self, bytes: Option<Vec<u8>>) -> Self {
        self.stdin = bytes;
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Output {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_tia"));
        command
            .env_clear()
            .envs(self.repo.environment())
            .envs(self.vars)
            .current_dir(self.repo.path().join(self.dir))
            .args(self.args)
            .timeout(LIMIT);
        if let Some(bytes) = self.stdin {
            command.write_stdin(bytes);
        }
        match command.output() {
            Ok(output) => Output::new(&output, self.repo.root()),
            Err(error) => Output::failed(error.to_string()),
        }
    }
}
