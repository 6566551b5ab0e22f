//! `pyproject.toml` and what all project files have in common.
//!
//! The print of a project file covers what can reach tests: the runner's settings, the build, names and entry points.
//! Prose, and sections of tools that only look at sources, leave no trace; dependencies are printed one by one.
//! Not seen: what a build backend reads from elsewhere.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::requirements::{self, Pin};
use crate::model::{Fingerprint, Printer};

/// What a configuration, requirement or lock file says.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct ProjectFile {
    /// The distribution that the project makes, normalised.
    pub name: Option<String>,
    /// The runner's settings, where the file holds some.
    pub pytest: Option<Pytest>,
    /// Directories, below the file's own, in which packages lie.
    pub roots: Vec<String>,
    /// Modules that pytest loads as plugins of this project.
    pub plugins: Vec<String>,
    /// Commands that the project installs, with the module that each runs.
    pub scripts: Vec<(String, String)>,
    /// Modules that are compiled from sources beside the file.
    pub compiled: Vec<String>,
    /// Distributions that the project asks for or pins.
    pub pins: Vec<Pin>,
    /// The file could not be understood: any change to it may change anything.
    pub broken: bool,
}

/// pytest's settings.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Pytest {
    /// Patterns of test files.
    pub python_files: Option<Vec<String>>,
    /// Patterns of test classes.
    pub python_classes: Option<Vec<String>>,
    /// Patterns of test functions.
    pub python_functions: Option<Vec<String>>,
    /// Where tests are looked for.
    pub testpaths: Vec<String>,
    /// Additions to the search path.
    pub pythonpath: Vec<String>,
    /// Options that are always given.
    pub addopts: Vec<String>,
    /// Fixtures that every test is given.
    pub usefixtures: Vec<String>,
}

impl Pytest {
    /// Takes settings from any table of words: `get` gives the words of a key.
    pub(super) fn read(get: impl Fn(&str) -> Option<Vec<String>>) -> Self {
        Self {
            python_files: get("python_files"),
            python_classes: get("python_classes"),
            python_functions: get("python_functions"),
            testpaths: get("testpaths").unwrap_or_default(),
            pythonpath: get("pythonpath").unwrap_or_default(),
            addopts: get("addopts").unwrap_or_default(),
            usefixtures: get("usefixtures").unwrap_or_default(),
        }
    }

    /// Plugins that the options load by name (`-p name`).
    pub(super) fn plugins(&self) -> impl Iterator<Item = &str> {
        let after = self.addopts.iter().zip(self.addopts.iter().skip(1));
        let apart = after
            .filter(|(flag, _)| *flag == "-p")
            .map(|(_, name)| name.as_str());
        let joined = self.addopts.iter().filter_map(|o| o.strip_prefix("-p"));
        apart
            .chain(joined)
            .filter(|name| !name.is_empty() && !name.starts_with("no:"))
    }

    /// Patterns of text files whose examples are tests (`--doctest-glob`).
    pub(super) fn doctest_globs(&self) -> impl Iterator<Item = &str> {
        let after = self.addopts.iter().zip(self.addopts.iter().skip(1));
        let apart = after
            .filter(|(flag, _)| *flag == "--doctest-glob")
            .map(|(_, glob)| glob.as_str());
        let joined = self
            .addopts
            .iter()
            .filter_map(|o| o.strip_prefix("--doctest-glob="));
        apart
            .chain(joined)
            .map(|glob| glob.trim_matches(['"', '\'']))
    }

    /// Whether examples in docstrings are tests.
    pub(super) fn doctest_modules(&self) -> bool {
        self.addopts.iter().any(|o| o == "--doctest-modules")
    }
}

/// Sections of tools that look at sources and never run with tests.
const LOOKERS: &[&str] = &[
    "ruff",
    "black",
    "isort",
    "mypy",
    "pyright",
    "basedpyright",
    "flake8",
    "pylint",
    "bandit",
    "codespell",
    "towncrier",
    "commitizen",
    "bumpversion",
    "bumpver",
    "cibuildwheel",
    "coverage",
    "pydocstyle",
    "docformatter",
    "interrogate",
    "typos",
    "semantic_release",
    "check-manifest",
    "vulture",
    "djlint",
    "yapf",
    "autopep8",
    "numpydoc_validation",
    "pyrefly",
    "ty",
    "repo-review",
    "gha-update",
    "djhtml",
    "pytype",
    "sphinx",
    "pydoclint",
    "refurb",
    "deptry",
    "doc8",
    "gitlint",
    "pydantic-mypy",
    "pylic",
    "check-wheel-contents",
    "blacken-docs",
    "changelog",
    "scriv",
    "tbump",
    "rstcheck",
];

/// Keys of `[project]` that are prose.
const PROSE: &[&str] = &[
    "description",
    "readme",
    "authors",
    "maintainers",
    "keywords",
    "classifiers",
    "urls",
    "license",
    "license-files",
];

/// Reads `pyproject.toml`: what it says, and its print.
pub(super) fn pyproject(text: &str) -> (ProjectFile, Fingerprint) {
    let mut found = ProjectFile::default();
    let Ok(mut root) = text.parse::<Table>() else {
        found.broken = true;
        return (found, Fingerprint::of(text.as_bytes()));
    };
    requirements::from_pyproject(&root, &mut found.pins);
    if let Some(project) = root.get("project").and_then(Value::as_table) {
        found.name = project
            .get("name")
            .and_then(Value::as_str)
            .map(requirements::normal);
        for section in ["scripts", "gui-scripts"] {
            entries(project.get(section), &mut found.scripts);
        }
        let points = project.get("entry-points").and_then(Value::as_table);
        plugins(points.and_then(|p| p.get("pytest11")), &mut found.plugins);
    }
    let tool = root.get("tool").and_then(Value::as_table);
    if let Some(tool) = tool {
        tools(tool, &mut found);
        // With a compiled extension and no other name, the module is the project's.
        if let Some(maturin) = tool.get("maturin") {
            let module = string(maturin.get("module-name"));
            found
                .compiled
                .extend(module.or_else(|| found.name.as_ref().map(|n| n.replace('-', "_"))));
            found.roots.extend(string(maturin.get("python-source")));
        }
    }
    root.remove("dependency-groups");
    if let Some(Value::Table(project)) = root.get_mut("project") {
        for key in PROSE
            .iter()
            .chain(&["dependencies", "optional-dependencies"])
        {
            project.remove(*key);
        }
    }
    if let Some(Value::Table(tool)) = root.get_mut("tool") {
        if let Some(Value::Table(pytest)) = tool.get_mut("pytest") {
            runner_settings(pytest);
            if let Some(Value::Table(options)) = pytest.get_mut("ini_options") {
                runner_settings(options);
            }
        }
        tool.retain(|name, _| !LOOKERS.contains(&name));
        if let Some(Value::Table(poetry)) = tool.get_mut("poetry") {
            for key in PROSE.iter().chain(&[
                "dependencies",
                "dev-dependencies",
                "group",
                "homepage",
                "repository",
                "documentation",
            ]) {
                poetry.remove(*key);
            }
        }
    }
    if root
        .get("tool")
        .and_then(Value::as_table)
        .is_some_and(Table::is_empty)
    {
        root.remove("tool");
    }
    let mut printer = Printer::new();
    print(&mut printer, &Value::Table(root), 0);
    (found, printer.finish())
}

/// Leaves of pytest's settings what can reach tests: of marks their names, and not where tests are looked for when none are named.
fn runner_settings(options: &mut Table) {
    options.remove("testpaths");
    if let Some(marks) = options.get_mut("markers") {
        let lines: Vec<String> = match marks {
            Value::String(text) => text.lines().map(str::to_owned).collect(),
            Value::Array(items) => items.iter().filter_map(|item| string(Some(item))).collect(),
            _ => return,
        };
        let names = lines.iter().map(|line| Value::String(mark_name(line)));
        *marks = Value::Array(names.collect());
    }
}

/// What a line that registers a mark calls it: `name(arguments): description`.
pub(super) fn mark_name(line: &str) -> String {
    let end = line.find([':', '(']).unwrap_or(line.len());
    line[..end].trim().to_owned()
}

fn tools(tool: &Table, found: &mut ProjectFile) {
    let pytest = tool.get("pytest").and_then(Value::as_table);
    if let Some(options) = pytest.and_then(|p| p.get("ini_options")) {
        found.pytest = Some(Pytest::read(|key| Some(words(options.get(key)?))));
    } else if let Some(native) = pytest {
        let native = Value::Table(native.clone());
        found.pytest = Some(Pytest::read(|key| Some(words(native.get(key)?))));
    }
    if let Some(setuptools) = tool.get("setuptools") {
        if let Some(dirs) = setuptools.get("package-dir").and_then(Value::as_table) {
            found
                .roots
                .extend(dirs.values().filter_map(|dir| string(Some(dir))));
        }
        let find = setuptools.get("packages").and_then(|p| p.get("find"));
        found
            .roots
            .extend(words_of(find.and_then(|f| f.get("where"))));
    }
    if let Some(poetry) = tool.get("poetry") {
        found.name = found
            .name
            .take()
            .or_else(|| string(poetry.get("name")).map(|n| requirements::normal(&n)));
        for package in poetry
            .get("packages")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            found.roots.extend(string(package.get("from")));
        }
        entries(poetry.get("scripts"), &mut found.scripts);
        plugins(
            poetry.get("plugins").and_then(|p| p.get("pytest11")),
            &mut found.plugins,
        );
    }
    let wheel = tool
        .get("hatch")
        .and_then(|h| h.get("build")?.get("targets")?.get("wheel"));
    for package in words_of(wheel.and_then(|w| w.get("packages"))) {
        found
            .roots
            .extend(package.rsplit_once('/').map(|(dir, _)| dir.to_owned()));
    }
    for source in words_of(wheel.and_then(|w| w.get("sources"))) {
        found.roots.push(source);
    }
    found.roots.extend(string(
        tool.get("pdm")
            .and_then(|p| p.get("build")?.get("package-dir")),
    ));
    found.roots.extend(words_of(
        tool.get("uv")
            .and_then(|u| u.get("build-backend")?.get("module-root")),
    ));
    if let Some(flit) = tool.get("flit") {
        plugins(
            flit.get("entrypoints").and_then(|e| e.get("pytest11")),
            &mut found.plugins,
        );
    }
}

/// `name = "module:function"` entries.
fn entries(table: Option<&Value>, out: &mut Vec<(String, String)>) {
    for (name, target) in table.and_then(Value::as_table).into_iter().flatten() {
        let target = string(Some(target))
            .or_else(|| string(target.get("reference").or(target.get("callable"))));
        if let Some(target) = target {
            out.push((name.clone(), module_of(&target)));
        }
    }
}

fn plugins(table: Option<&Value>, out: &mut Vec<String>) {
    let mut found = Vec::new();
    entries(table, &mut found);
    out.extend(found.into_iter().map(|(_, module)| module));
}

/// The module of an entry point `module:attribute [extra]`.
pub(super) fn module_of(entry: &str) -> String {
    let end = entry.find([':', ' ', '[']).unwrap_or(entry.len());
    entry[..end].trim().to_owned()
}

fn string(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

fn words_of(value: Option<&Value>) -> Vec<String> {
    value.map(words).unwrap_or_default()
}

/// A list of strings, or the words of one string.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items.iter().filter_map(|item| string(Some(item))).collect(),
        _ => Vec::new(),
    }
}

/// Prints a value; the order of keys does not count.
pub(super) fn print(printer: &mut Printer, value: &Value, depth: u32) {
    match value {
        _ if depth > 100 => {}
        Value::Table(table) => {
            let mut keys: Vec<_> = table.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            printer.piece(b"{");
            for (key, value) in keys {
                printer.piece(key);
                print(printer, value, depth + 1);
            }
            printer.piece(b"}");
        }
        Value::Array(items) => {
            printer.piece(b"[");
            items
                .iter()
                .for_each(|item| print(printer, item, depth + 1));
            printer.piece(b"]");
        }
        Value::String(text) => {
            printer.piece(b"s");
            printer.piece(text);
        }
        other => {
            printer.piece(b"v");
            printer.piece(other.to_string());
        }
    }
}
