//! Errors at the edge: a kind, a cause, hints.

use super::ExitCode;
use crate::app::AppError;
use crate::report::html::PageError;

/// What a command can fail with.
#[derive(Debug)]
pub(super) struct CliError {
    pub(super) code: ExitCode,
    pub(super) message: String,
    pub(super) hints: Vec<String>,
}

impl CliError {
    /// The command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self {
            code: ExitCode::Usage,
            message: message.into(),
            hints: Vec::new(),
        }
    }
}

impl From<AppError> for CliError {
    fn from(error: AppError) -> Self {
        let code = match &error {
            AppError::Config(_) => ExitCode::Usage,
            AppError::Repo(error) if error.is_usage() => ExitCode::Usage,
            AppError::Output { source } if source.kind() == std::io::ErrorKind::BrokenPipe => {
                ExitCode::Done
            }
            _ => ExitCode::BadInput,
        };
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            let text = inner.to_string();
            message = format!("{message}: {}", text.trim_end());
            source = inner.source();
        }
        Self {
            code,
            message,
            hints: error.hint().into_iter().collect(),
        }
    }
}

impl From<PageError> for CliError {
    fn from(error: PageError) -> Self {
        Self {
            code: ExitCode::Internal,
            message: error.to_string(),
            hints: Vec::new(),
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        // a closed pipe is no error: whoever read had enough
        let code = if error.kind() == std::io::ErrorKind::BrokenPipe {
            ExitCode::Done
        } else {
            ExitCode::BadInput
        };
        Self {
            code,
            message: format!("cannot write: {error}"),
            hints: Vec::new(),
        }
    }
}
