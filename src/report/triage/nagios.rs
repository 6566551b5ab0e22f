//! A run as a check of Nagios and Icinga: one line, performance data, an exit code.
//!
//! Source: Monitoring Plugins Development Guidelines (return codes; `'label'=value[UOM];warn;crit;min;max`).

use super::super::flaky::counted;
use super::{View, table};
use crate::triage::verdict::Verdict;

/// How a check ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum State {
    /// 0: nothing is broken.
    Ok,
    /// 1: something was broken before, or a run was hit by an outage.
    Warning,
    /// 2: a change broke a test.
    Critical,
    /// 3: nothing is known.
    Unknown,
}

impl State {
    /// The exit code.
    pub fn code(self) -> u8 {
        self as u8
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// The state of a run, and the line that tells it. `hours`: since the run began; from `stale` hours on nothing is known.
pub fn check(view: &View, hours: f64, stale: f64) -> (State, String) {
    let count = |verdict| view.count(verdict);
    let new = count(Verdict::Regression) + count(Verdict::NewTest);
    let state = if hours > stale {
        State::Unknown
    } else if new > 0 {
        State::Critical
    } else if count(Verdict::AlreadyBroken) + count(Verdict::Infrastructure) > 0 {
        State::Warning
    } else {
        State::Ok
    };
    let why = match state {
        State::Unknown => format!(
            "no run for {hours:.0} hours; the newest: {}",
            table::title(view)
        ),
        _ => table::title(view),
    };
    let cause = view.causes.iter().find(|_| state == State::Critical);
    let first = cause.map_or_else(String::new, |cause| {
        format!(
            "; {} say {}",
            counted(cause.failures.len(), "test"),
            cause.title
        )
    });
    let line = format!(
        "TIA {} - {} | regressions={new};;0;0 already_broken={};0;;0 flakes={};;;0 infrastructure={};0;;0 failed={};;;0;{} age={:.0}s;;{:.0};0\n",
        state.word(),
        plain(&format!("{why}{first}")),
        count(Verdict::AlreadyBroken),
        count(Verdict::Flake),
        count(Verdict::Infrastructure),
        view.run.bad,
        view.run.ran,
        hours * 3600.0,
        stale * 3600.0,
    );
    (state, line)
}

/// A bar ends the text, and a line break the line.
fn plain(text: &str) -> String {
    text.replace('|', "/").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn a_regression_is_critical_and_an_old_run_tells_nothing() {
        let view = testing::view();
        let (state, line) = check(&view, 1.0, 26.0);
        assert_eq!((state, state.code()), (State::Critical, 2));
        insta::assert_snapshot!(line);
        assert_eq!(check(&view, 27.0, 26.0).0.code(), 3);
    }

    #[test]
    fn flakes_alone_are_ok_and_what_was_broken_before_warns() {
        let mut view = testing::view();
        view.causes.remove(0);
        assert_eq!(check(&view, 1.0, 26.0).0, State::Warning);
        view.causes.remove(0);
        assert_eq!(check(&view, 1.0, 26.0).0, State::Ok);
    }

    #[test]
    fn no_message_ends_the_text_early() {
        assert_eq!(plain("a|b\nc"), "a/b c");
    }
}
