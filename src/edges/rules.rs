//! Rules of people: which tests the change of a path affects, where no reader can know it.
//!
//! The first rule whose globs match a path decides, rules of `tia.toml` before the shipped ones.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::model::RepoPath;

/// The shipped rules, as a commented document.
pub const DEFAULT_RULES: &str = include_str!("default_rules.toml");

/// What a rule says that a change affects.
#[derive(Clone, Debug)]
pub enum Affects {
    /// Every test.
    Everything,
    /// The tests of the package around the path, and of whatever depends on it.
    Package,
    /// No test, whatever the graph says.
    Nothing,
    /// Only those that the graph ties to the path; none where there are none.
    Mentions,
    /// The tests whose file or id matches one of these globs.
    Tests(GlobSet),
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    globs: GlobSet,
    /// What it says.
    pub affects: Affects,
    /// Why, in the words of whoever wrote it; a text that continues "the path …".
    pub reason: String,
    /// Whether it is one of the shipped rules.
    pub shipped: bool,
}

/// All rules, in the order in which they are asked.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

/// A rule that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A glob that is none.
    #[error("rule {rule}: `{glob}` is not a glob")]
    Glob {
        /// 1-based place of the rule.
        rule: usize,
        /// The text.
        glob: String,
        /// What is wrong with it.
        #[source]
        source: globset::Error,
    },
    /// A word that is none of the known ones.
    #[error(
        "rule {rule}: affects = `{word}` is none of everything, package, nothing, mentions, [globs of tests]"
    )]
    Word {
        /// 1-based place of the rule.
        rule: usize,
        /// The word.
        word: String,
    },
    /// A rule without paths would never match.
    #[error("rule {rule} has no paths")]
    NoPaths {
        /// 1-based place of the rule.
        rule: usize,
    },
}

/// A rule as it is written in TOML.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawRule {
    /// Globs from the root of the repository.
    pub paths: Vec<String>,
    /// A word or globs of tests.
    pub affects: RawAffects,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// [`Affects`] as it is written in TOML.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum RawAffects {
    /// One of the words.
    Word(String),
    /// Globs of tests.
    Tests(Vec<String>),
}

#[derive(Deserialize)]
struct Document {
    rule: Vec<RawRule>,
}

impl Rules {
    /// The rules of a project, then the shipped ones.
    ///
    /// # Errors
    /// A glob or word that is none, or a rule without paths; `rule` counts from 1 in the order given.
    pub fn new(own: &[RawRule]) -> Result<Self, RuleError> {
        let mut rules = Vec::new();
        for (i, raw) in own.iter().enumerate() {
            rules.push(compile(raw, i + 1, false)?);
        }
        let shipped: Document =
            toml::from_str(DEFAULT_RULES).expect("the shipped rules are valid, a test reads them");
        for (i, raw) in shipped.rule.iter().enumerate() {
            rules.push(compile(raw, i + 1, true)?);
        }
        Ok(Self(rules))
    }

    /// The first rule that matches this path.
    pub fn first_match(&self, path: &RepoPath) -> Option<&Rule> {
        let text = String::from_utf8_lossy(path.as_bytes());
        self.0.iter().find(|rule| rule.globs.is_match(&*text))
    }
}

fn compile(raw: &RawRule, rule: usize, shipped: bool) -> Result<Rule, RuleError> {
    if raw.paths.is_empty() {
        return Err(RuleError::NoPaths { rule });
    }
    let affects = match &raw.affects {
        RawAffects::Tests(globs) => Affects::Tests(set(globs, rule)?),
        RawAffects::Word(word) => match word.as_str() {
            "everything" => Affects::Everything,
            "package" => Affects::Package,
            "nothing" => Affects::Nothing,
            "mentions" => Affects::Mentions,
            _ => {
                return Err(RuleError::Word {
                    rule,
                    word: word.clone(),
                });
            }
        },
    };
    let reason = raw
        .reason
        .clone()
        .unwrap_or_else(|| "matches a rule of `tia.toml`".to_owned());
    Ok(Rule {
        globs: set(&raw.paths, rule)?,
        affects,
        reason,
        shipped,
    })
}

fn set(globs: &[String], rule: usize) -> Result<GlobSet, RuleError> {
    let error = |glob: &str, source| RuleError::Glob {
        rule,
        glob: glob.to_owned(),
        source,
    };
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        let text = glob.trim_start_matches("./").trim_start_matches('/');
        builder.add(
            GlobBuilder::new(text)
                .empty_alternates(true)
                .literal_separator(true)
                .build()
                .map_err(|e| error(glob, e))?,
        );
    }
    builder.build().map_err(|e| error("", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affects(path: &str) -> &'static str {
        match Rules::new(&[])
            .unwrap()
            .first_match(&path.into())
            .map(|rule| rule.affects.clone())
        {
            Some(Affects::Everything) => "everything",
            Some(Affects::Mentions) => "mentions",
            Some(_) => "something else",
            None => "no rule",
        }
    }

    #[test]
    fn the_shipped_rules_compile_and_cover_what_they_say() {
        assert!(Rules::new(&[]).unwrap().0.len() >= 7);
        for path in [
            ".github/workflows/ci.yml",
            "sub/Dockerfile",
            "tia.toml",
            "setup.py",
            "a/.gitattributes",
        ] {
            assert_eq!(affects(path), "everything", "{path}");
        }
        for path in [
            "README.md",
            "a/b/README.rst",
            "LICENSE-MIT",
            "docs/x/y.rst",
            "notes.txt",
            ".gitignore",
        ] {
            assert_eq!(affects(path), "mentions", "{path}");
        }
        for path in [
            "tests/data/notes.txt",
            "src/pkg/help.md",
            "data.json",
            "src/docs.rs",
        ] {
            assert_eq!(affects(path), "no rule", "{path}");
        }
    }

    #[test]
    fn a_rule_of_the_project_is_asked_before_the_shipped_ones() {
        let own = RawRule {
            paths: vec!["docs/**".into()],
            affects: RawAffects::Tests(vec!["tests/docs/**".into()]),
            reason: None,
        };
        let rules = Rules::new(&[own]).unwrap();
        assert!(matches!(
            rules.first_match(&"docs/a.rst".into()).unwrap().affects,
            Affects::Tests(_)
        ));
    }

    #[test]
    fn a_word_that_is_none_is_an_error_that_names_it() {
        let own = RawRule {
            paths: vec!["x".into()],
            affects: RawAffects::Word("all".into()),
            reason: None,
        };
        assert!(
            Rules::new(&[own])
                .unwrap_err()
                .to_string()
                .contains("`all`")
        );
    }
}
