//! `tia.toml`, which nothing needs.

use std::path::PathBuf;

use serde::Deserialize;

use super::CoverageFile;
use crate::edges::rules::RawRule;
use crate::edges::{RuleError, Rules};
use crate::flaky::quarantine::Limits;
use crate::triage::gate::Policy;

/// The name of the file, at the top of the repository.
pub const FILE_NAME: &str = "tia.toml";

/// A commented file with every setting at its default, as `tia init` writes it.
pub const TEMPLATE: &str = include_str!("default.toml");

/// The settings of a project.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The revision to compare with, where neither a flag nor CI names one.
    pub base: Option<String>,
    /// Rules of the project, then the shipped ones.
    pub rules: Rules,
    /// What blocks a run.
    pub gate: Policy,
    /// Who may be in quarantine, for how long, and when it may leave.
    pub quarantine: Limits,
    /// Branches besides the default one that many people share (globs): a run there answers for its own commit alone.
    pub shared_branches: Vec<String>,
    /// Files of coverage, where no flag names one.
    pub coverage: Vec<CoverageFile>,
    /// Keys that no setting bears, with where they stand.
    pub unknown: Vec<String>,
}

/// Why `tia.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML, or a value has the wrong type.
    #[error("`{FILE_NAME}` is not valid")]
    Syntax(#[source] toml::de::Error),
    /// A probability that is none.
    #[error("`{FILE_NAME}`: `gate.block-at` is {0}, but must lie between 0 and 1")]
    BlockAt(f64),
    /// A limit of the quarantine that makes no sense.
    #[error("`{FILE_NAME}`: `quarantine.{name}` must be {what}")]
    Quarantine {
        /// The setting.
        name: &'static str,
        /// What it must be.
        what: &'static str,
    },
    /// A file of coverage that is none.
    #[error("`{FILE_NAME}`, line {line}: `coverage.files`: {what}")]
    Coverage {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A rule cannot be used.
    #[error("`{FILE_NAME}` is not valid")]
    Rule(#[source] RuleError),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    select: Select,
    gate: Policy,
    quarantine: Limits,
    branches: Branches,
    coverage: Coverage,
    rule: Vec<RawRule>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Select {
    base: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Branches {
    shared: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Coverage {
    files: Vec<toml::Spanned<String>>,
}

impl Config {
    /// Reads the text of `tia.toml`. Unknown keys are kept for a warning; unknown keys in a rule are errors, because a
    /// rule that is not understood could hide tests.
    ///
    /// # Errors
    /// Text that is no TOML, values of a wrong type, rules that cannot be used.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let wire: Wire = toml::from_str(text).map_err(ConfigError::Syntax)?;
        let table: toml::Table = toml::from_str(text).map_err(ConfigError::Syntax)?;
        let mut unknown = Vec::new();
        for (key, value) in &table {
            match (key.as_str(), value) {
                // These refuse themselves what they do not know.
                ("rule" | "gate" | "quarantine", _) => {}
                ("select", toml::Value::Table(inner)) => {
                    unknown.extend(others("select", inner, "base"));
                }
                ("branches", toml::Value::Table(inner)) => {
                    unknown.extend(others("branches", inner, "shared"));
                }
                ("coverage", toml::Value::Table(inner)) => {
                    unknown.extend(others("coverage", inner, "files"));
                }
                _ => unknown.push(key.clone()),
            }
        }
        let range = 0.0..=1.0;
        if !range.contains(&wire.gate.block_at) {
            return Err(ConfigError::BlockAt(wire.gate.block_at));
        }
        if let Some((name, what)) = wire.quarantine.wrong() {
            return Err(ConfigError::Quarantine { name, what });
        }
        let coverage = wire.coverage.files.iter().map(|given| {
            let line = text[..given.span().start].matches('\n').count() + 1;
            let file = CoverageFile::parse(given.get_ref());
            let file = file.map_err(|what| ConfigError::Coverage { line, what })?;
            Ok(CoverageFile {
                line: Some(line),
                ..file
            })
        });
        let coverage = coverage.collect::<Result<_, ConfigError>>()?;
        let rules = Rules::new(&wire.rule).map_err(ConfigError::Rule)?;
        Ok(Self {
            base: wire.select.base,
            gate: wire.gate,
            quarantine: wire.quarantine,
            shared_branches: wire.branches.shared,
            coverage,
            rules,
            unknown,
        })
    }
}

/// The keys of a table that are not the one it has.
fn others<'a>(
    table: &'a str,
    inner: &'a toml::Table,
    known: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let others = inner.keys().filter(move |key| *key != known);
    others.map(move |key| format!("{table}.{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid_and_changes_nothing() {
        let config = Config::parse(TEMPLATE).unwrap();
        assert_eq!(config.base, None);
        assert!(config.unknown.is_empty());
        assert!(
            Config::parse("")
                .unwrap()
                .rules
                .first_match(&"x/y".into())
                .is_none()
        );
    }

    #[test]
    fn files_of_coverage_know_their_line_and_wrong_ones_name_it() {
        let text = "[coverage]\nfiles = [\n  '.coverage',\n  'a.info@main',\n]\n";
        let files = Config::parse(text).unwrap().coverage;
        let lines: Vec<_> = files.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "`.coverage` (line 3 of `tia.toml`)",
                "`a.info` (line 4 of `tia.toml`)"
            ]
        );
        for (text, words) in [
            (
                "[coverage]\nfiles = ['a', 'b@']\n",
                "line 2: `coverage.files`: `b@` names no commit",
            ),
            (
                "\n[coverage]\nfiles = [\n  '',\n]\n",
                "line 4: `coverage.files`: names no file",
            ),
            ("[coverage]\nfiles = 'a'\n", "line 2"),
        ] {
            let error = Config::parse(text).unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let said = format!("{error} {}", source.unwrap_or_default());
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(
            Config::parse("[coverage]\nfile = 'a'\n").unwrap().unknown,
            ["coverage.file"]
        );
    }

    #[test]
    fn a_mistyped_key_is_named_and_a_mistyped_rule_is_refused() {
        let config = Config::parse("[select]\nbas = 'x'\n[selekt]\n").unwrap();
        assert_eq!(config.unknown, ["select.bas", "selekt"]);
        assert!(Config::parse("[gate]\nblock-ta = 0.1\n").is_err());
        assert!(Config::parse("[gate]\nblock-at = 1.5\n").is_err());
        let gate = Config::parse("[gate]\nblock-at = 0.2\nmissing-tests = 'warn'\n")
            .unwrap()
            .gate;
        assert_eq!(gate.missing_tests, crate::triage::gate::Strictness::Warn);
        assert!(Config::parse("[quarantine]\nday = 3\n").is_err());
        let wrong = Config::parse("[quarantine]\nhealed = 1.0\n").unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "`tia.toml`: `quarantine.healed` must be above 0 and below 1"
        );
        let limits = Config::parse("[quarantine]\nbudget = 3\nlongest = 30\n")
            .unwrap()
            .quarantine;
        let usual = Limits::default();
        assert_eq!(
            (limits.budget, limits.longest, limits.days),
            (3, Some(30), usual.days)
        );
        assert!(Config::parse("[[rule]]\npaths = ['x']\naffect = 'nothing'\n").is_err());
    }
}
