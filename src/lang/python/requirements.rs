//! Requirement lines, requirement files and lists of dependencies → pinned distributions.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::project::{ProjectFile, print};
use crate::model::{Fingerprint, Printer};

/// A distribution that a file asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub struct Pin {
    /// Normalised name.
    pub name: String,
    /// Of everything that is said about it: version, source, hashes, extras, markers.
    pub print: Fingerprint,
    /// Distributions that it needs itself, as a lock file knows.
    pub needs: Vec<String>,
    /// The project asks for it itself; it is not only needed by others.
    pub direct: bool,
}

/// The normal form of a distribution's name: lower case, runs of `-`, `_` and `.` as one dash.
pub(super) fn normal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            _ => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// One requirement (`name[extra]>=1; marker`). `None` where it names no distribution.
pub(super) fn requirement(text: &str) -> Option<Pin> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(text.len());
    let name = &text[..end];
    let starts = name.starts_with(|c: char| c.is_alphanumeric());
    let url = text[end..].starts_with("://") || text[end..].starts_with(['/', '\\', '+']);
    (starts && !url).then(|| Pin {
        name: normal(name),
        print: Fingerprint::of(
            text[end..]
                .split_whitespace()
                .collect::<String>()
                .as_bytes(),
        ),
        needs: Vec::new(),
        direct: true,
    })
}

/// A requirement file: its pins, and the print of everything else (options, other files, paths).
pub(super) fn file(text: &str) -> (ProjectFile, Fingerprint) {
    let mut found = ProjectFile::default();
    let mut rest = Printer::new();
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    for line in joined.lines() {
        let line = line.trim();
        let line = match line.find(" #") {
            Some(at) => line[..at].trim_end(),
            None => line,
        };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match requirement(line) {
            Some(pin) => found.pins.push(pin),
            None => rest.piece(line),
        }
    }
    (found, rest.finish())
}

/// The dependencies that `pyproject.toml` lists, in its many places.
pub(super) fn from_pyproject(root: &Table, out: &mut Vec<Pin>) {
    let list = |value: Option<&Value>, out: &mut Vec<Pin>| {
        for item in value.and_then(Value::as_array).into_iter().flatten() {
            out.extend(item.as_str().and_then(requirement));
        }
    };
    let lists = |value: Option<&Value>, out: &mut Vec<Pin>| {
        for (_, items) in value.and_then(Value::as_table).into_iter().flatten() {
            list(Some(items), out);
        }
    };
    let project = root.get("project");
    list(project.and_then(|p| p.get("dependencies")), out);
    lists(project.and_then(|p| p.get("optional-dependencies")), out);
    lists(root.get("dependency-groups"), out);
    let tool = root.get("tool");
    list(tool.and_then(|t| t.get("uv")?.get("dev-dependencies")), out);
    lists(
        tool.and_then(|t| t.get("pdm")?.get("dev-dependencies")),
        out,
    );
    if let Some(poetry) = tool.and_then(|t| t.get("poetry")) {
        tables(poetry.get("dependencies"), out);
        tables(poetry.get("dev-dependencies"), out);
        for (_, group) in poetry
            .get("group")
            .and_then(Value::as_table)
            .into_iter()
            .flatten()
        {
            tables(group.get("dependencies"), out);
        }
    }
}

/// `name = "version"` or `name = { … }`, as Poetry and Pipfile write it.
pub(super) fn tables(value: Option<&Value>, out: &mut Vec<Pin>) {
    for (name, value) in value.and_then(Value::as_table).into_iter().flatten() {
        let mut printer = Printer::new();
        print(&mut printer, value, 0);
        out.push(Pin {
            name: normal(name),
            print: printer.finish(),
            needs: Vec::new(),
            direct: true,
        });
    }
}
