//! `setup.cfg`, `pytest.ini`, `tox.ini`: sections of keys whose values may run over several lines.

use super::project::{ProjectFile, Pytest, mark_name, module_of};
use super::requirements;
use crate::model::{Fingerprint, Printer};

/// Sections of tools that only look at sources.
const LOOKERS: &[&str] = &[
    "flake8",
    "isort",
    "mypy",
    "pycodestyle",
    "pep8",
    "pydocstyle",
    "pylint",
    "bumpversion",
    "coverage",
    "doc8",
    "yapf",
    "check-manifest",
    "codespell",
    "bandit",
    "darglint",
    "rstcheck",
    "build_sphinx",
    "upload_docs",
    "zest.releaser",
];

/// Keys of setup.cfg's `[metadata]` that count.
const METADATA: &[&str] = &["name", "version"];

type Section = (String, Vec<(String, Vec<String>)>);

/// Reads an ini file: what it says, and its print. `kind` tells which of them it is.
pub(super) fn read(kind: super::Kind, text: &str) -> (ProjectFile, Fingerprint) {
    let mut found = ProjectFile::default();
    let sections = sections(text);
    let mut printer = Printer::new();
    // An empty pytest.ini still marks the root and hides other configuration.
    if kind == super::PYTEST_INI {
        found.pytest = Some(Pytest::default());
    }
    for (name, keys) in &sections {
        let get = |key: &str| {
            let (_, lines) = keys.iter().find(|(k, _)| k == key)?;
            let words = lines.iter().flat_map(|line| line.split_whitespace());
            Some(words.map(str::to_owned).collect::<Vec<_>>())
        };
        let lines = |key: &str| {
            let found = keys.iter().find(|(k, _)| k == key);
            found.map(|(_, lines)| &lines[..]).unwrap_or_default()
        };
        match (kind, &name[..]) {
            (super::PYTEST_INI | super::TOX_INI, "pytest") | (super::SETUP_CFG, "tool:pytest") => {
                found.pytest = Some(Pytest::read(get));
            }
            (super::SETUP_CFG, "metadata") => {
                found.name = lines("name").first().map(|name| requirements::normal(name));
            }
            (super::SETUP_CFG, "options") => {
                for line in lines("install_requires") {
                    found.pins.extend(requirements::requirement(line));
                }
                for line in lines("package_dir") {
                    let dir = line.split_once('=').map(|(_, dir)| dir.trim().to_owned());
                    found.roots.extend(dir);
                }
            }
            (super::SETUP_CFG, "options.packages.find") => {
                found.roots.extend(get("where").unwrap_or_default());
            }
            (super::SETUP_CFG, "options.extras_require") => {
                for line in keys.iter().flat_map(|(_, lines)| lines) {
                    found.pins.extend(requirements::requirement(line));
                }
            }
            (super::SETUP_CFG, "options.entry_points") => {
                for (group, lines) in keys {
                    let points = lines.iter().filter_map(|line| line.split_once('='));
                    for (name, target) in points {
                        let module = module_of(target.trim());
                        match &group[..] {
                            "pytest11" => found.plugins.push(module),
                            "console_scripts" | "gui_scripts" => {
                                found.scripts.push((name.trim().to_owned(), module));
                            }
                            _ => {}
                        }
                    }
                }
            }
            _ => {}
        }
        let tool = name.strip_prefix("tool:").unwrap_or(name);
        let tool = tool.split([':', '-']).next().unwrap_or(tool);
        if LOOKERS.contains(&tool) || name.starts_with("mypy") {
            continue;
        }
        printer.piece(name);
        let mut keys: Vec<_> = keys.iter().collect();
        keys.sort();
        for (key, lines) in keys {
            let prose =
                kind == super::SETUP_CFG && name == "metadata" && !METADATA.contains(&&key[..]);
            let pinned = kind == super::SETUP_CFG
                && (name == "options.extras_require"
                    || name == "options" && key == "install_requires");
            let runner = matches!(
                (kind, &name[..]),
                (super::PYTEST_INI | super::TOX_INI, "pytest") | (super::SETUP_CFG, "tool:pytest")
            );
            if prose || pinned || runner && key == "testpaths" {
                continue;
            }
            printer.piece(key);
            printer.number(lines.len() as u64);
            for line in lines {
                match runner && key == "markers" {
                    true => printer.piece(mark_name(line)),
                    false => printer.piece(line),
                }
            }
        }
    }
    (found, printer.finish())
}

/// Sections in order. Lines that belong nowhere are kept under an empty key, so that they count.
fn sections(text: &str) -> Vec<Section> {
    let mut all: Vec<Section> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        let indented = line.starts_with([' ', '\t']);
        if !indented && let Some(name) = trimmed.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or(name).trim();
            all.push((name.to_owned(), Vec::new()));
            continue;
        }
        if all.is_empty() {
            all.push((String::new(), Vec::new()));
        }
        let Some((_, keys)) = all.last_mut() else {
            continue;
        };
        if indented && let Some((_, lines)) = keys.last_mut() {
            lines.push(trimmed.to_owned());
            continue;
        }
        let (key, value) = match trimmed.find(['=', ':']) {
            Some(at) => (trimmed[..at].trim(), trimmed[at + 1..].trim()),
            None => (trimmed, ""),
        };
        let value = (!value.is_empty()).then(|| value.to_owned());
        keys.push((key.to_owned(), value.into_iter().collect()));
    }
    all
}
