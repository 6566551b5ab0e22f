//! Compares what `tia select` said with what a case expects.
//!
//! A test counts as selected when the selection names it, or something coarser that runs it: its class, its file, or
//! everything.

use super::output::Output;
use super::text::fits;

/// What a case expects.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// `require: none` was said.
    pub(crate) nothing_required: bool,
    /// Tests that the change can break; `all` stands for the roster.
    pub(crate) require: Vec<String>,
    /// Tests that it cannot break.
    pub(crate) forbid: Vec<String>,
    /// Tests that may be selected although the change cannot break them.
    pub(crate) tolerate: Vec<String>,
    /// Pieces of standard error.
    pub(crate) stderr: Vec<String>,
    /// `none`, or a word of the scope of at least one fallback.
    pub(crate) fallback: Option<String>,
    /// The exit code.
    pub(crate) exit: i32,
}

/// What the runs of one case gave.
pub(crate) struct Answer {
    /// `tia select -0`, with a cache that the base commit has filled.
    pub(crate) warm: Output,
    /// The same with `--no-cache`.
    pub(crate) cold: Output,
    /// `tia select --format json`.
    pub(crate) json: Output,
}

/// Everything that is wrong with an answer; empty when it is right.
pub(crate) fn problems(expected: &Expected, roster: &[String], answer: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    let Output { code, stderr, .. } = &answer.warm;
    if *code != Some(expected.exit) {
        let code = code.map_or("a signal".into(), |code| code.to_string());
        out.push(format!("exit: want {}, got {code}", expected.exit));
    }
    for piece in &expected.stderr {
        if !stderr.to_lowercase().contains(&piece.to_lowercase()) {
            out.push(format!("stderr: want `{piece}`"));
        }
    }
    if expected.exit != 0 || *code != Some(0) {
        return out;
    }
    let lines = units(&answer.warm.stdout);
    if lines != units(&answer.cold.stdout) {
        out.push(format!(
            "cache: with {lines:?}, without {:?}",
            units(&answer.cold.stdout)
        ));
    }
    let json: serde_json::Value = match serde_json::from_slice(&answer.json.stdout) {
        Ok(json) => json,
        Err(error) => {
            out.push(format!("json: {error}"));
            return out;
        }
    };
    let outcome = json["outcome"].as_str().unwrap_or("missing");
    match outcome {
        "nothing" if lines.is_empty() => says(stderr, "nothing", &mut out),
        "everything" => says(stderr, "everything", &mut out),
        "some" if !lines.is_empty() => {}
        _ => out.push(format!("outcome: `{outcome}` with {} lines", lines.len())),
    }
    fallbacks(expected, &json["fallbacks"], &mut out);
    tests(expected, roster, outcome, lines, &mut out);
    out
}

/// The required tests, spelled out.
pub(crate) fn required(expected: &Expected, roster: &[String]) -> Vec<String> {
    let mut out = Vec::new();
    for entry in &expected.require {
        let inside = |unit: &&String| {
            entry == "all"
                || fits(entry, unit)
                || unit.strip_prefix(&**entry).is_some_and(runs_inside)
        };
        let before = out.len();
        out.extend(roster.iter().filter(inside).cloned());
        if out.len() == before {
            out.push(entry.clone());
        }
    }
    out
}

/// Whether running `selected` runs `wanted`. Only Python's ids nest; `pkg` and `pkg::it` are two executables. A space
/// parts an executable from a test in it.
pub(crate) fn covers(selected: &str, wanted: &str) -> bool {
    let file = selected.split("::").next().unwrap_or_default();
    let nests = file.contains(['.', '/']);
    let rest = wanted.strip_prefix(selected);
    selected == wanted
        || rest.is_some_and(|rest| rest.starts_with(' ') || (nests && runs_inside(rest)))
}

fn runs_inside(rest: &str) -> bool {
    rest.starts_with("::")
}

fn tests(
    expected: &Expected,
    roster: &[String],
    outcome: &str,
    lines: Vec<String>,
    out: &mut Vec<String>,
) {
    let mut selected = lines;
    // Where the tests can be listed they are; else "everything" stands for all of them.
    if outcome == "everything" && selected.is_empty() {
        selected.extend(roster.iter().cloned());
        selected.sort();
        selected.dedup();
    }
    let required = required(expected, roster);
    for test in &required {
        if outcome != "everything" && !selected.iter().any(|unit| covers(unit, test)) {
            out.push(format!("missed: {test}"));
        }
    }
    let allowed = |unit: &String| {
        required
            .iter()
            .any(|test| covers(unit, test) || covers(test, unit))
            || expected.tolerate.iter().any(|pattern| {
                fits(pattern, unit) || covers(unit, pattern) || covers(pattern, unit)
            })
    };
    for unit in selected.iter().filter(|unit| !allowed(unit)) {
        let hit = |pattern: &String| fits(pattern, unit) || covers(unit, pattern);
        if expected.forbid.iter().any(hit) {
            out.push(format!("surplus: {unit}"));
        }
    }
}

fn fallbacks(expected: &Expected, found: &serde_json::Value, out: &mut Vec<String>) {
    let Some(found) = found.as_array() else {
        out.push("json: no list of fallbacks".into());
        return;
    };
    match expected.fallback.as_deref() {
        Some("none") if !found.is_empty() => {
            out.push(format!("fallback: want none, got {found:?}"))
        }
        None | Some("none") => {}
        Some(scope) => {
            let scopes = |entry: &serde_json::Value| entry["scope"].to_string().contains(scope);
            if !found.iter().any(scopes) {
                out.push(format!("fallback: want {scope}, got {found:?}"));
            }
        }
    }
}

fn says(stderr: &str, word: &str, out: &mut Vec<String>) {
    if !stderr.to_lowercase().contains(word) {
        out.push(format!("stderr: does not say `{word}`"));
    }
}

/// The test units of `-0`.
fn units(stdout: &[u8]) -> Vec<String> {
    stdout
        .split(|byte| *byte == 0)
        .filter(|unit| !unit.is_empty())
        .map(|unit| String::from_utf8_lossy(unit).into_owned())
        .collect()
}

#[test]
fn a_coarser_unit_covers_python_tests_and_never_cargo_targets() {
    for (selected, wanted, expected) in [
        ("tests/test_a.py", "tests/test_a.py::TestC::test_m", true),
        (
            "tests/test_a.py::TestC",
            "tests/test_a.py::TestC::test_m",
            true,
        ),
        (
            "tests/test_a.py::TestC",
            "tests/test_a.py::TestCat::test_m",
            false,
        ),
        ("tests/test_a.py::test_x", "tests/test_a.py", false),
        ("app", "app::it", false),
        ("app::it", "app::it", true),
        ("app::it", "app::it a::b", true),
        ("app::it a", "app::it a::b", false),
    ] {
        assert_eq!(covers(selected, wanted), expected, "{selected} {wanted}");
    }
}

#[test]
fn a_case_sees_missed_and_surplus_tests_and_silence() {
    let output = |stdout: &str, stderr: &str| Output {
        code: Some(0),
        stdout: stdout.into(),
        stderr: stderr.into(),
    };
    let roster = ["t/test_a.py::test_x", "t/test_b.py::test_y"].map(String::from);
    let expected = Expected {
        require: vec!["t/test_a.py".into()],
        forbid: vec!["*".into()],
        ..Expected::default()
    };
    for (lines, stderr, json, wrong) in [
        (
            "t/test_a.py::test_x\0",
            "",
            r#""some","fallbacks":[]"#,
            &[][..],
        ),
        (
            "t/test_b.py\0",
            "",
            r#""some","fallbacks":[]"#,
            &["missed", "surplus"],
        ),
        (
            "",
            "nothing to run",
            r#""nothing","fallbacks":[]"#,
            &["missed"],
        ),
        (
            "",
            "everything",
            r#""everything","fallbacks":[]"#,
            &["surplus"],
        ),
        ("", "", r#""nothing","fallbacks":[]"#, &["stderr", "missed"]),
    ] {
        let answer = Answer {
            warm: output(lines, stderr),
            cold: output(lines, stderr),
            json: output(&format!(r#"{{"outcome":{json}}}"#), ""),
        };
        let problems = problems(&expected, &roster, &answer);
        let kinds: Vec<_> = problems
            .iter()
            .filter_map(|p| p.split(':').next())
            .collect();
        assert_eq!(kinds, wrong, "{problems:?}");
    }
}
