//! stdout is data, stderr is talk. The only file that prints.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::ExitCode;
use super::error::CliError;
use crate::app::Progress;

/// The terminal, or what stands in for it.
pub(super) struct Ui {
    quiet: bool,
    bar: ProgressBar,
}

impl Ui {
    pub(super) fn new(quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if !quiet && io::stderr().is_terminal() {
            // work that is done at once shows no bar
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} files, {eta} left")
        {
            bar.set_style(style);
        }
        Self { quiet, bar }
    }

    /// Data. Pieces are written as they are.
    pub(super) fn data(&self, bytes: &[u8]) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        Ok(())
    }

    /// Whether data goes to a terminal.
    pub(super) fn is_screen(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Data in the place of what the terminal showed.
    pub(super) fn screen(&self, text: &str) -> Result<(), CliError> {
        // ANSI: clear the screen and what was scrolled away, cursor to the top
        self.data(format!("\x1b[2J\x1b[3J\x1b[H{text}").as_bytes())
    }

    /// Where long data goes.
    pub(super) fn stdout(&self) -> impl Write {
        io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
    }

    /// Talk.
    pub(super) fn say(&self, line: impl AsRef<str>) {
        if !self.quiet {
            self.bar.suspend(|| {
                let _ = writeln!(io::stderr().lock(), "tia: {}", line.as_ref());
            });
        }
    }

    /// What is being done, on a terminal only, until the next word or [`Ui::rested`].
    pub(super) fn working(&self, what: impl Into<String>) {
        self.bar.set_style(ProgressStyle::default_spinner());
        self.bar.set_message(what.into());
        self.bar.enable_steady_tick(Duration::from_millis(250));
    }

    /// Nothing is being done any more.
    pub(super) fn rested(&self) {
        self.bar.finish_and_clear();
    }

    /// An error and its hints; how the process should end.
    pub(super) fn error(&self, error: &CliError) -> ExitCode {
        if error.code != ExitCode::Done {
            let mut err = io::stderr().lock();
            let _ = writeln!(err, "tia: error: {}", error.message);
            for hint in &error.hints {
                let _ = writeln!(err, "tia: hint: {hint}");
            }
        }
        error.code
    }
}

impl Progress for Ui {
    fn start(&self, what: &'static str, total: u64) {
        self.bar.reset();
        self.bar.set_length(total);
        self.bar.set_message(what);
        self.bar.enable_steady_tick(Duration::from_millis(250));
    }

    fn advance(&self) {
        self.bar.inc(1);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Help and version go to stdout, what is wrong to stderr, as clap has it.
pub(super) fn clap_error(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::Usage
    } else {
        ExitCode::Done
    }
}
