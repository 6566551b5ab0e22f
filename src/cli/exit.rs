//! The one table of exit codes.

/// How the process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExitCode {
    /// Done. A selection of nothing or of everything is done, too.
    Done,
    /// The answer is no: `tia why` found no chain.
    No,
    /// The command line or `tia.toml` is wrong.
    Usage,
    /// The input is bad: no repository, no such revision, a clone that is too shallow, damaged objects.
    BadInput,
    /// A defect in `tia`.
    Internal,
    /// The code of a monitoring check: 0 fine, 1 warning, 2 critical, 3 unknown.
    Check(u8),
}

/// The table, as `--help` shows it.
pub(super) const HELP: &str =
    "Exit codes: 0 done, 1 the answer is no, 2 usage, 3 bad input, 4 a defect in tia";

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(match code {
            ExitCode::Done => 0,
            ExitCode::No => 1,
            ExitCode::Usage => 2,
            ExitCode::BadInput => 3,
            ExitCode::Internal => 4,
            ExitCode::Check(code) => code,
        })
    }
}
