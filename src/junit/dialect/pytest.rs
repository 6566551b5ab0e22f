//! pytest's `--junitxml`: one suite, usually named `pytest`; the class is the dotted module with the class, the name carries
//! the parameters in brackets. `xunit1`, `xunit2` and `legacy` differ in attributes that are no part of the identity.
//!
//! A call that failed and a tear-down that broke are two cases of one test: phases. An error of collection is a case without
//! a class, named for the module. Reruns of pytest-rerunfailures do not show. With xdist the order is that of completion.

use std::borrow::Cow;

use super::{Dialect, Identity, split_params};
use crate::junit::raw::{Head, RawCase, RawSuite};
use crate::junit::repeats::Repeats;

/// `pytest`.
pub(super) struct Pytest;

impl Dialect for Pytest {
    fn name(&self) -> &'static str {
        "pytest"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let is_named = |name: &str| name == "pytest" || name == "pytest tests";
        head.suite().is_some_and(|suite| {
            is_named(&suite.name)
                || head.many().is_some_and(|root| is_named(&root.name))
                || (suite.begins("name errors failures skipped tests time timestamp hostname")
                    && head.case.begins("classname name"))
        })
    }

    fn repeats(&self) -> Repeats {
        Repeats::Phases
    }

    fn in_order(&self) -> bool {
        true
    }

    fn identify<'a>(&self, case: &'a RawCase, suites: &'a [RawSuite]) -> Identity<'a> {
        let (name, params) = split_params(&case.name);
        let is_collection = case.class.is_empty();
        Identity {
            name: Cow::Borrowed(name),
            params,
            suite: Vec::new(),
            file: "",
            ..Identity::of(case, suites)
        }
        .outside(is_collection)
    }
}
