//! What a report says of a suite and of a case, before a dialect says what it means.

use crate::model::{Failure, Seconds, Timestamp};

use super::tag::Tag;

/// An open suite, or the root.
#[derive(Debug, Default)]
pub(super) struct RawSuite {
    pub(super) tag: Tag,
    pub(super) name: String,
    pub(super) hostname: String,
    pub(super) package: String,
    pub(super) file: String,
    pub(super) id: String,
    pub(super) timestamp: String,
    /// What it says to have taken, in seconds.
    pub(super) time: Option<Seconds>,
    /// What its cases took together.
    pub(super) spent: f64,
    /// How many cases it claims, and how many were seen in it and below.
    pub(super) declared: Option<u64>,
    pub(super) declared_errors: Option<u64>,
    pub(super) cases: u64,
    pub(super) errors: u64,
    /// The names of its attributes in order, each between spaces: ` name tests `. Producers differ in it.
    pub(super) attributes: String,
    /// The names of its properties that are fingerprints of a producer: see [`FINGERPRINTS`].
    pub(super) properties: Vec<&'static str>,
    /// It refers to the schema of Surefire, of Jenkins, of whomever.
    pub(super) schema: String,
    /// Where it is, for issues.
    pub(super) place: (u64, u64),
}

/// Starts of property names by which producers are known.
pub(super) const FINGERPRINTS: [&str; 4] = ["go.version", "surefire.", "ant.", "browser.fullName"];

impl RawSuite {
    /// Whether its attributes begin with these, in this order.
    pub(super) fn begins(&self, attributes: &str) -> bool {
        self.attributes
            .trim_start()
            .strip_prefix(attributes)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }

    /// Whether it has an attribute of this name.
    pub(super) fn has(&self, attribute: &str) -> bool {
        self.attributes.split(' ').any(|name| name == attribute)
    }

    /// Whether it has a property that begins with `start`.
    pub(super) fn has_property(&self, start: &str) -> bool {
        self.properties.contains(&start)
    }
}

/// A case. One value is used for all of them.
#[derive(Debug, Default)]
pub(super) struct RawCase {
    pub(super) name: String,
    pub(super) has_name: bool,
    pub(super) class: String,
    pub(super) has_class: bool,
    pub(super) file: String,
    pub(super) id: String,
    pub(super) status: String,
    pub(super) result: String,
    pub(super) time: Option<Seconds>,
    pub(super) start: Option<Timestamp>,
    /// The `failure` attribute that Node's runner writes beside the child.
    pub(super) failure: String,
    /// The whole result as JSON, in reports that `tia db export` wrote.
    pub(super) json: String,
    /// Says of itself, in an attribute, that it was left out: `disabled="true"`, `executed="no"`.
    pub(super) is_left_out: bool,
    /// Says of itself, in an attribute, that it failed: `success="false"`.
    pub(super) is_unsuccessful: bool,
    /// One of its children is `skipped`.
    pub(super) is_skipped: bool,
    /// Attribute names in order, as in [`RawSuite::attributes`]; kept only until the producer is known.
    pub(super) attributes: String,
    /// What its children say, in order.
    pub(super) outcomes: Vec<Outcome>,
}

impl RawCase {
    pub(super) fn clear(&mut self) {
        for text in [
            &mut self.name,
            &mut self.class,
            &mut self.file,
            &mut self.id,
            &mut self.status,
            &mut self.result,
            &mut self.failure,
            &mut self.json,
            &mut self.attributes,
        ] {
            text.clear();
        }
        self.has_name = false;
        self.has_class = false;
        self.time = None;
        self.start = None;
        self.is_left_out = false;
        self.is_unsuccessful = false;
        self.is_skipped = false;
        self.outcomes.clear();
    }

    /// Whether its attributes begin with these, in this order. Only before the producer is known.
    pub(super) fn begins(&self, attributes: &str) -> bool {
        self.attributes
            .trim_start()
            .strip_prefix(attributes)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }

    /// Whether it has an attribute of this name. Only before the producer is known.
    pub(super) fn has(&self, attribute: &str) -> bool {
        self.attributes.split(' ').any(|name| name == attribute)
    }

    /// Whether a child of this kind is there.
    pub(super) fn has_outcome(&self, tag: Tag) -> bool {
        self.outcomes.iter().any(|outcome| outcome.tag == tag)
    }

    /// Whether a child says that it went badly.
    pub(super) fn is_bad(&self) -> bool {
        self.has_outcome(Tag::Failure) || self.has_outcome(Tag::Error)
    }
}

/// A child of a case: `failure`, `skipped`, `rerunError` and so on.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) tag: Tag,
    pub(super) failure: Failure,
    pub(super) time: Option<Seconds>,
    pub(super) start: Option<Timestamp>,
}

/// All that is known of a report when its first case ends; dialects are told apart by it.
pub(super) struct Head<'a> {
    /// The path of the report as given, with forward slashes.
    pub(super) file: &'a str,
    /// The root and the suites around the case, outermost first; empty for a case without any.
    pub(super) suites: &'a [RawSuite],
    pub(super) case: &'a RawCase,
}

impl Head<'_> {
    /// The outermost element, where there is one around the case.
    pub(super) fn root(&self) -> Option<&RawSuite> {
        self.suites.first()
    }

    /// The root, where it is a lone `testsuite`.
    pub(super) fn lone(&self) -> Option<&RawSuite> {
        self.root().filter(|root| root.tag == Tag::Suite)
    }

    /// The root, where it is `testsuites`.
    pub(super) fn many(&self) -> Option<&RawSuite> {
        self.root().filter(|root| root.tag == Tag::Suites)
    }

    /// The innermost suite.
    pub(super) fn suite(&self) -> Option<&RawSuite> {
        self.suites.last().filter(|suite| suite.tag == Tag::Suite)
    }

    /// The file's own name.
    pub(super) fn file_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or_default()
    }
}
