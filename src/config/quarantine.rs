//! `quarantine.toml`: the quarantined tests, as a file that people read, review and commit.
//!
//! It stands at the top of the repository and not in `.tia/`, which ignores itself: who may fail without blocking is a
//! decision of the project, belongs to its history, and holds for every clone and every branch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Date, Pattern, Quarantined, TestId, TestParts, Variant};

/// The name of the file, at the top of the repository.
pub const QUARANTINE_FILE: &str = "quarantine.toml";

const HEAD: &str = "# Tests that run and are recorded, but whose failures do not block. `tia quarantine` writes this file; edit it freely.\n\
    # `ran`, `flaked`, `rate`, `seconds` and `messages` tell how a test behaved when it came; leaving that pattern is an alarm.\n";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quarantine {
    /// So many tests each owner may have here; `default` for those not named.
    pub budgets: BTreeMap<String, u32>,
    /// The tests, in the order of the file.
    pub tests: Vec<Quarantined>,
}

/// Why `quarantine.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// It is no TOML, or a value is missing or of the wrong type.
    #[error("`{QUARANTINE_FILE}` is not valid")]
    Syntax(#[source] toml::de::Error),
    /// A day is none.
    #[error("`{QUARANTINE_FILE}`: test {number}: {what}")]
    Day {
        /// Which test, from 1.
        number: usize,
        /// What is wrong.
        what: String,
    },
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    budget: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    test: Vec<WireTest>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WireTest {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    file: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suite: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    class: String,
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    params: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    variant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    since: String,
    until: String,
    #[serde(default)]
    ran: u32,
    #[serde(default)]
    flaked: f64,
    #[serde(default)]
    rate: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    messages: Vec<String>,
}

impl Quarantine {
    /// Reads the text of the file. A key that is not known is an error: a mistyped `until` must not mean "for ever".
    ///
    /// # Errors
    /// Text that is no TOML, unknown or missing keys, a day that is none.
    pub fn parse(text: &str) -> Result<Self, QuarantineError> {
        let wire: Wire = toml::from_str(text).map_err(QuarantineError::Syntax)?;
        let tests = wire.test.into_iter().enumerate().map(|(at, test)| {
            let day = |text: &str| {
                text.parse::<Date>().map_err(|what| QuarantineError::Day {
                    number: at + 1,
                    what,
                })
            };
            let suite: Vec<&str> = test.suite.iter().map(String::as_str).collect();
            Ok(Quarantined {
                test: TestId::new(TestParts {
                    file: &test.file,
                    suite: &suite,
                    class: &test.class,
                    name: &test.name,
                    params: &test.params,
                }),
                variant: Variant::parse(&test.variant),
                since: day(&test.since)?,
                until: day(&test.until)?,
                owner: test.owner,
                reason: test.reason,
                link: test.link,
                pattern: Pattern {
                    ran: test.ran,
                    flaked: test.flaked,
                    rate: test.rate,
                    seconds: test.seconds,
                    messages: test.messages,
                },
            })
        });
        Ok(Self {
            budgets: wire.budget,
            tests: tests.collect::<Result<_, QuarantineError>>()?,
        })
    }

    /// The text of the file; tests by owner and name, so that two branches rarely touch the same lines.
    pub fn text(&self) -> String {
        let mut tests: Vec<&Quarantined> = self.tests.iter().collect();
        tests.sort_by(|a, b| (&a.owner, &a.test, &a.variant).cmp(&(&b.owner, &b.test, &b.variant)));
        let wire = Wire {
            budget: self.budgets.clone(),
            test: tests.into_iter().map(wire).collect(),
        };
        let body = toml::to_string_pretty(&wire).unwrap_or_default();
        format!("{HEAD}\n{body}")
    }

    /// So many tests an owner may have here; `usual`, where the file does not say.
    pub fn budget(&self, owner: Option<&str>, usual: u32) -> u32 {
        let own = owner.and_then(|owner| self.budgets.get(owner));
        let own = own.or_else(|| self.budgets.get("default"));
        own.copied().unwrap_or(usual)
    }

    /// So many it has.
    pub fn used(&self, owner: Option<&str>) -> u32 {
        let own = self
            .tests
            .iter()
            .filter(|test| test.owner.as_deref() == owner);
        own.count() as u32
    }
}

fn wire(entry: &Quarantined) -> WireTest {
    let test = &entry.test;
    let rounded = |value: f64| (value * 10_000.0).round() / 10_000.0;
    WireTest {
        file: test.file().to_owned(),
        suite: test.suite().map(str::to_owned).collect(),
        class: test.class().to_owned(),
        name: test.name().to_owned(),
        params: test.params().to_owned(),
        variant: entry.variant.to_string(),
        owner: entry.owner.clone(),
        reason: entry.reason.clone(),
        link: entry.link.clone(),
        since: entry.since.to_string(),
        until: entry.until.to_string(),
        ran: entry.pattern.ran,
        flaked: rounded(entry.pattern.flaked),
        rate: rounded(entry.pattern.rate),
        seconds: entry.pattern.seconds.map(rounded),
        messages: entry.pattern.messages.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, owner: Option<&str>) -> Quarantined {
        Quarantined {
            test: TestId::of("tests.test_cart", name).with_params("1-a"),
            variant: Variant::new([("os", "linux")]),
            owner: owner.map(str::to_owned),
            reason: "loses \"events\"".into(),
            link: Some("https://example.org/1".into()),
            since: Date(20_000),
            until: Date(20_014),
            pattern: Pattern {
                ran: 32,
                flaked: 3.0,
                rate: 0.0916,
                seconds: Some(0.5),
                messages: vec!["assert # == #".into()],
            },
        }
    }

    #[test]
    fn the_file_is_read_back() {
        let quarantine = Quarantine {
            budgets: [("default".to_owned(), 3)].into(),
            tests: vec![entry("a", Some("@a")), entry("b", Some("@b"))],
        };
        let text = quarantine.text();
        assert_eq!(Quarantine::parse(&text).unwrap(), quarantine, "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_mistyped_key_or_day_is_refused() {
        let good = Quarantine {
            tests: vec![entry("a", None)],
            ..Quarantine::default()
        };
        let text = good.text();
        assert!(Quarantine::parse(&text.replace("until", "untill")).is_err());
        let error = Quarantine::parse(&text.replace("2024-10-18", "2024-02-30")).unwrap_err();
        assert!(
            error.to_string().contains("test 1: `2024-02-30` is no day"),
            "{error}"
        );
    }

    #[test]
    fn budgets_have_a_default() {
        let mut quarantine = Quarantine {
            tests: vec![entry("a", Some("@a"))],
            ..Quarantine::default()
        };
        assert_eq!(
            (
                quarantine.budget(Some("@a"), 10),
                quarantine.used(Some("@a"))
            ),
            (10, 1)
        );
        quarantine.budgets = [("default".to_owned(), 3), ("@a".to_owned(), 0)].into();
        assert_eq!(
            (
                quarantine.budget(Some("@a"), 10),
                quarantine.budget(None, 10)
            ),
            (0, 3)
        );
    }
}
