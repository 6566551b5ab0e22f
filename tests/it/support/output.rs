//! What a run printed, made independent of machine, moment and commit.

use std::path::Path;

/// Exit code and streams of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// The bytes of standard output, as printed.
    pub(crate) stdout: Vec<u8>,
    /// Standard error, normalised.
    pub(crate) stderr: String,
}

impl Output {
    /// Takes over a finished run in the sandbox `root`.
    pub(crate) fn new(output: &std::process::Output, root: &Path) -> Self {
        Self {
            code: output.status.code(),
            stdout: output.stdout.clone(),
            stderr: normalise(&String::from_utf8_lossy(&output.stderr), root),
        }
    }

    /// A run that could not be started.
    pub(crate) fn failed(reason: String) -> Self {
        Self {
            stderr: reason,
            ..Self::default()
        }
    }
}

/// Replaces the sandbox by `[ROOT]`, object ids by `[ID]` and durations by `[TIME]`.
pub(crate) fn normalise(text: &str, root: &Path) -> String {
    let text = text.replace(&*root.to_string_lossy(), "[ROOT]");
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_alphanumeric() || c == '.' || c == '_' {
            word.push(c);
            continue;
        }
        out.push_str(stand_in(&word).unwrap_or(&word));
        word.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

/// What stands for a word that differs from run to run.
fn stand_in(word: &str) -> Option<&'static str> {
    if word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some("[ID]");
    }
    let number = ["ms", "us", "µs", "ns", "s"]
        .iter()
        .find_map(|unit| word.strip_suffix(unit))?;
    number.parse::<f64>().is_ok().then_some("[TIME]")
}

#[test]
fn ids_times_and_the_sandbox_are_replaced_and_nothing_else() {
    let text = "in /tmp/x/repo: 1.5ms, 12s, da39a3ee5e6b4b0d3255bfef95601890afd80709, tests/a.py";
    assert_eq!(
        normalise(text, Path::new("/tmp/x")),
        "in [ROOT]/repo: [TIME], [TIME], [ID], tests/a.py"
    );
}
