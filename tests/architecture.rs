//! Holds the import table of `ARCHITECTURE.md`: which room may use which, and where each outside crate may be named.
//!
//! Sources are read as text, without their tests. A failure says what to do instead.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// For each room of `src`, the rooms it may name.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("repo", &["model"]),
    ("lang", &["model"]),
    ("coverage", &["model"]),
    ("edges", &["model"]),
    ("junit", &["model"]),
    ("graph", &["model"]),
    ("flaky", &["model"]),
    ("select", &["model", "graph", "edges"]),
    ("history", &["model"]),
    ("triage", &["model", "graph", "flaky"]),
    ("report", &["model", "graph", "select", "flaky", "triage"]),
    ("config", &["model", "edges", "flaky", "triage"]),
    (
        "app",
        &[
            "model", "repo", "lang", "coverage", "edges", "junit", "graph", "select", "flaky",
            "triage", "history", "report", "config",
        ],
    ),
    (
        "cli",
        &[
            "model", "edges", "select", "flaky", "triage", "report", "config", "app",
        ],
    ),
];

/// For each outside crate that is fenced, the places that may name it.
const FENCES: &[(&str, &[&str])] = &[
    ("git2", &["repo"]),
    ("petgraph", &["graph"]),
    ("fixedbitset", &["graph"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    (
        "serde_json",
        &[
            "cli", "coverage", "edges", "history", "junit", "lang", "report",
        ],
    ),
    ("quick_xml", &["coverage", "junit"]),
    ("jiff", &["junit", "report"]),
    ("rusqlite", &["coverage", "history"]),
    ("rayon", &["app", "flaky"]),
    ("csv", &["report"]),
    ("chrono", &["report"]),
    ("quick_junit", &["report"]),
    ("flate2", &["app"]),
    ("tar", &["app"]),
    ("zip", &["app"]),
    ("zstd", &["app", "history"]),
    ("statrs", &["flaky"]),
    ("ruff_python_parser", &["lang"]),
    ("ruff_python_ast", &["lang"]),
    ("ra_ap_rustc_lexer", &["lang"]),
    ("globset", &["edges", "lang", "select", "app"]),
    ("ignore", &["config"]),
    ("minijinja", &["report"]),
    ("plotters", &["report"]),
    ("ureq", &["app"]),
    ("postcard", &["app", "graph"]),
];

/// Rooms that compute on values: no disk, environment, network, processes or clock.
const PURE: &[&str] = &[
    "model", "lang", "coverage", "edges", "junit", "graph", "flaky", "select", "triage", "report",
    "config",
];
const WORLD: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "SystemTime::now",
    "Instant::now",
];

/// Every source file of `src` with its room and its code: no comments, no test modules.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut dirs = vec![root.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(&root).unwrap();
            let room = below
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "rs")
                && room != "main.rs"
                && room != "lib.rs"
            {
                let is_test = below.components().any(|c| {
                    matches!(
                        c.as_os_str().to_str(),
                        Some("cases.rs" | "testing.rs" | "tests.rs" | "tests")
                    )
                });
                if !is_test {
                    let text = fs::read_to_string(&path).unwrap();
                    found.push((room, path, code(&text)));
                }
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

/// The text up to the test module, without comments.
fn code(text: &str) -> String {
    let code = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The identifiers that follow `prefix` in `code`.
fn named_after<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.split(prefix).skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

fn check(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let table: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut problems = Vec::new();
    for (room, path, code) in sources() {
        let Some(allowed) = table.get(room.as_str()) else {
            problems.push(format!(
                "{}: room `{room}` is not in the table of tests/architecture.rs",
                path.display()
            ));
            continue;
        };
        for used in named_after(&code, "crate::") {
            if used != room && table.contains_key(used) && !allowed.contains(&used) {
                problems.push(format!(
                    "{}: `{room}` may not use `{used}`. Let `app` carry the value across, or move the type to `model`.",
                    path.display()
                ));
            }
        }
    }
    check(problems);
}

/// Whether code names an outside crate. A module of ours that bears its name (`flaky::csv::`) is another thing.
fn is_named(code: &str, name: &str) -> bool {
    let of_ours = |before: &str| {
        let outer = before.strip_suffix("::").unwrap_or_default();
        outer.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    };
    code.contains(&format!("use {name};"))
        || code
            .match_indices(&format!("{name}::"))
            .any(|(at, _)| !of_ours(&code[..at]))
}

#[test]
fn outside_crates_stay_behind_their_fences() {
    let mut problems = Vec::new();
    for (room, path, code) in sources() {
        for (name, places) in FENCES {
            if is_named(&code, name) && !places.contains(&room.as_str()) {
                problems.push(format!(
                    "{}: `{name}` belongs to {places:?}. Ask that room for the answer in its own types.",
                    path.display()
                ));
            }
        }
    }
    check(problems);
    assert!(is_named("::csv::Writer", "csv") && is_named("use csv;", "csv"));
    assert!(!is_named("shown::csv::write", "csv"));
}

#[test]
fn readers_and_core_touch_nothing_outside_themselves() {
    let mut problems = Vec::new();
    for (room, path, code) in sources() {
        for touch in WORLD {
            if PURE.contains(&room.as_str()) && code.contains(touch) {
                problems.push(format!(
                    "{}: `{room}` is pure and may not use `{touch}`. Take the value as an argument.",
                    path.display()
                ));
            }
        }
    }
    check(problems);
}

#[test]
fn only_the_terminal_prints() {
    let mut problems = Vec::new();
    for (room, path, code) in sources() {
        for print in ["println!", "eprintln!", "print!(", "eprint!(", "dbg!"] {
            if code.contains(print) && room != "cli" {
                problems.push(format!(
                    "{}: return the text; `cli/ui.rs` prints it",
                    path.display()
                ));
            }
        }
    }
    check(problems);
}

#[test]
fn paths_named_in_documents_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut problems = Vec::new();
    for document in ["ARCHITECTURE.md", "README.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        for name in text.split('`').skip(1).step_by(2) {
            let path = [
                "src/",
                "tests/",
                "benches/",
                "fixtures/",
                "docs/",
                "fuzz/",
                ".ci/",
            ];
            if path.iter().any(|p| name.starts_with(p))
                && !name.contains(['*', ' ', '<'])
                && !root.join(name).exists()
            {
                problems.push(format!("{document} names `{name}`, which is not there"));
            }
        }
    }
    check(problems);
}
