//! Who wrote this report, and what that producer means: one file per kind.
//!
//! A dialect is recognised when the first case of a report ends, by the elements around it, the order of their attributes
//! and the name of the file. The first that recognises a report reads it; `generic` takes what is left. A dialect that
//! only names a producer and keeps the defaults is there for what the producer's repeats and order mean.

mod ant;
mod bazel;
mod boost;
mod catch2;
mod ctest;
mod cucumber;
mod doctest;
mod dotnet;
mod generic;
mod go_junit_report;
mod googletest;
mod gotestsum;
mod gradle;
mod jest;
mod karma;
mod luaunit;
mod minitest;
mod mocha;
mod mocha_xunit;
mod nextest;
mod node;
mod pester;
mod phpunit;
mod playwright;
mod pytest;
mod rspec;
mod sonar;
mod surefire;
mod testng;
mod testthat;
pub(super) mod tia;
mod trx2junit;
mod unittest_xml;
mod vitest;
mod xcode;

use std::borrow::Cow;
use std::sync::Arc;

use super::raw::{Head, RawCase, RawSuite};
use super::repeats::Repeats;
use super::results::Results;
use super::tag::Tag;
use crate::model::{TestId, TestParts, TestResult, Variant};

/// The name under a class of what is no test: set-up, hooks, initialisation, collection, the build.
pub const SET_UP: &str = "(set-up)";

/// What one producer means. The defaults are those of a producer that does as most do.
pub(super) trait Dialect: Sync {
    /// The producer's name; also that of its folder in `fixtures/junit`.
    fn name(&self) -> &'static str;

    /// Whether this producer wrote the report.
    fn recognises(&self, head: &Head<'_>) -> bool;

    /// Which test the case is of.
    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        Identity::of(case, suites)
    }

    /// What several cases of one test are.
    fn repeats(&self) -> Repeats {
        Repeats::Unknown
    }

    /// Whether the order of the cases is the order of execution.
    fn in_order(&self) -> bool {
        false
    }

    /// Whether `1,234` is more than a thousand.
    fn groups_thousands(&self) -> bool {
        false
    }

    /// Whether the `tests` of a suite is the number of its cases.
    fn counts_cases(&self) -> bool {
        true
    }

    /// Whether errors beyond those of cases are counted in `errors` and shown nowhere else.
    fn counts_errors_outside(&self) -> bool {
        false
    }

    /// Whether the `hostname` of a suite is that of a machine.
    fn hostname_is_host(&self) -> bool {
        true
    }

    /// Whether the output of a case stands behind it, in the suite.
    fn output_follows_the_case(&self) -> bool {
        false
    }

    /// Corrects the result where the producer's elements mean something else.
    fn adjust(&self, _result: &mut TestResult, _case: &RawCase) {}
}

/// Which test a case is of, in parts.
#[derive(Debug, Default)]
pub(super) struct Identity<'a> {
    pub(super) file: &'a str,
    pub(super) suite: Vec<&'a str>,
    pub(super) class: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) params: &'a str,
    /// What sets this execution apart.
    pub(super) variant: Vec<(&'static str, &'a str)>,
    /// It is no test but something around tests.
    pub(super) is_outside: bool,
}

impl<'a> Identity<'a> {
    /// Class and name; the named suites around where there is no class, the file where there are neither.
    pub(super) fn of(case: &'a RawCase, suites: &'a [RawSuite]) -> Self {
        let mut identity = Self {
            class: Cow::Borrowed(&case.class),
            name: Cow::Borrowed(&case.name),
            is_outside: case.name.trim().is_empty() || (case.is_bad() && is_synthetic(&case.name)),
            ..Self::default()
        };
        if !case.has_name && !case.id.is_empty() {
            identity.name = Cow::Borrowed(&case.id);
            identity.is_outside = false;
        }
        if case.class.is_empty() {
            identity.suite = named(suites);
            if identity.suite.is_empty() {
                identity.file = &case.file;
            }
        }
        identity
    }

    /// The same, marked as outside of tests where `is_outside`.
    pub(super) fn outside(mut self, is_outside: bool) -> Self {
        self.is_outside |= is_outside;
        self
    }

    /// The id, and the variant.
    pub(super) fn finish(self, results: &mut Results<'_>) -> (TestId, Option<Arc<Variant>>) {
        let name: &str = if self.is_outside { SET_UP } else { &self.name };
        // something around tests is told apart by the class; its own name may vary
        let class: &str = match () {
            () if !self.class.is_empty() || !self.is_outside => &self.class,
            () if self.suite.is_empty() && !is_synthetic(&self.name) => &self.name,
            () => "",
        };
        let test = TestId::new(TestParts {
            file: self.file,
            suite: &self.suite,
            class,
            name,
            params: if self.is_outside { "" } else { self.params },
        });
        let variant = if self.variant.is_empty() {
            None
        } else {
            results.variant(Variant::new(self.variant))
        };
        (test, variant)
    }
}

/// The names of the suites around a case, outermost first. A root `testsuites` is named for the run.
pub(super) fn named(suites: &[RawSuite]) -> Vec<&str> {
    let suites = suites.iter().filter(|suite| suite.tag == Tag::Suite);
    suites
        .map(|suite| suite.name.as_str())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Names that producers give to what is no test, where it failed. A test that passed may be called so by its author.
fn is_synthetic(name: &str) -> bool {
    let name = name.trim();
    name.len() <= 24
        && matches!(
            name,
            "" | "null"
                | "initializationError"
                | "classMethod"
                | "[build failed]"
                | "[setup failed]"
                | "TestMain"
        )
}

/// Splits `name[params]`.
pub(super) fn split_params(name: &str) -> (&str, &str) {
    match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((name, params)) if !name.is_empty() => (name, params),
        _ => (name, ""),
    }
}

/// All dialects, in the order in which they are asked.
pub(super) const ALL: &[&dyn Dialect] = &[
    &tia::Tia,
    &nextest::Nextest,
    &pytest::Pytest,
    &googletest::GoogleTest,
    &catch2::Catch2,
    &ctest::CTest,
    &doctest::Doctest,
    &playwright::Playwright,
    &vitest::Vitest,
    &jest::Jest,
    &mocha_xunit::MochaXunit,
    &mocha::Mocha,
    &rspec::RSpec,
    &minitest::Minitest,
    &phpunit::PhpUnit,
    &gotestsum::Gotestsum,
    &go_junit_report::GoJunitReport,
    &trx2junit::Trx2Junit,
    &dotnet::DotNet,
    &pester::Pester,
    &testthat::Testthat,
    &boost::Boost,
    &karma::Karma,
    &cucumber::Cucumber,
    &luaunit::LuaUnit,
    &xcode::Xcode,
    &unittest_xml::UnittestXml,
    &node::Node,
    &sonar::Sonar,
    &testng::TestNg,
    &surefire::Surefire,
    &ant::Ant,
    &gradle::Gradle,
    &bazel::Bazel,
    &generic::Generic,
];

/// The dialect of a report.
pub(super) fn of(head: &Head<'_>) -> &'static dyn Dialect {
    ALL.iter()
        .copied()
        .find(|dialect| dialect.recognises(head))
        .unwrap_or(&generic::Generic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_has_a_fixture() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/junit");
        for dialect in ALL {
            let folder = root.join(dialect.name());
            let has_file = std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some());
            assert!(
                has_file,
                "`{}` has no example in {}",
                dialect.name(),
                folder.display()
            );
        }
    }

    #[test]
    fn parameters_are_split_at_the_first_bracket() {
        assert_eq!(split_params("test_a[x[1]]"), ("test_a", "x[1]"));
        assert_eq!(split_params("test_a"), ("test_a", ""));
        assert_eq!(split_params("[x]"), ("[x]", ""));
        assert_eq!(split_params("a[b] c"), ("a[b] c", ""));
    }
}
