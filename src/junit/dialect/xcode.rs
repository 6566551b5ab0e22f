//! Reports of XCTest by fastlane's trainer, xcbeautify, xcpretty and `swift test`: a suite per target or class; class and method.
//!
//! Trainer writes no skipped element, so a test that was skipped looks passed; nothing here can tell.

use super::Dialect;
use crate::junit::raw::Head;
use crate::junit::repeats::Repeats;

/// `xcode`.
pub(super) struct Xcode;

impl Dialect for Xcode {
    fn name(&self) -> &'static str {
        "xcode"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let is_bundle = |name: &str| name.ends_with(".xctest");
        head.suites
            .iter()
            .any(|suite| is_bundle(&suite.name) || suite.name == "TestResults")
            || (head.case.name.ends_with("()")
                && head.many().is_some()
                && head.case.begins("classname name"))
    }

    fn repeats(&self) -> Repeats {
        Repeats::Unknown
    }
}
