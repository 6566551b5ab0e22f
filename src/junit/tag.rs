//! The elements and attributes of reports, by name.

use memchr::{memchr, memchr2};

/// An element that means something to the reader.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Tag {
    Suites,
    Suite,
    Case,
    Failure,
    Error,
    Skipped,
    FlakyFailure,
    FlakyError,
    RerunFailure,
    RerunError,
    StackTrace,
    SystemOut,
    SystemErr,
    Properties,
    Property,
    #[default]
    Other,
}

impl Tag {
    /// The element of this name; a namespace prefix does not count.
    pub(super) fn of(name: &[u8]) -> Self {
        let local = memchr(b':', name).map_or(name, |colon| &name[colon + 1..]);
        match local {
            b"testcase" | b"testCase" => Self::Case,
            b"testsuite" => Self::Suite,
            b"testsuites" | b"testrun" | b"unitTest" | b"testExecutions" => Self::Suites,
            b"failure" => Self::Failure,
            b"error" => Self::Error,
            b"skipped" | b"ignored" | b"disabled" | b"skip" => Self::Skipped,
            b"flakyFailure" => Self::FlakyFailure,
            b"flakyError" => Self::FlakyError,
            b"rerunFailure" => Self::RerunFailure,
            b"rerunError" => Self::RerunError,
            b"stackTrace" => Self::StackTrace,
            b"system-out" => Self::SystemOut,
            b"system-err" => Self::SystemErr,
            b"properties" => Self::Properties,
            b"property" => Self::Property,
            _ => Self::Other,
        }
    }

    /// Its usual name, for places.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Suites => "testsuites",
            Self::Suite => "testsuite",
            Self::Case => "testcase",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::FlakyFailure => "flakyFailure",
            Self::FlakyError => "flakyError",
            Self::RerunFailure => "rerunFailure",
            Self::RerunError => "rerunError",
            Self::StackTrace => "stackTrace",
            Self::SystemOut => "system-out",
            Self::SystemErr => "system-err",
            Self::Properties => "properties",
            Self::Property => "property",
            Self::Other => "*",
        }
    }

    /// A child of a case that says how an attempt at it ended.
    pub(super) fn is_outcome(self) -> bool {
        use Tag::{Error, Failure, FlakyError, FlakyFailure, RerunError, RerunFailure, Skipped};
        matches!(
            self,
            Failure | Error | Skipped | FlakyFailure | FlakyError | RerunFailure | RerunError
        )
    }
}

/// The name of an element, and its attributes.
pub(super) fn split(tag: &[u8]) -> (&[u8], Attributes<'_>) {
    let end = tag
        .iter()
        .position(|byte| byte.is_ascii_whitespace())
        .unwrap_or(tag.len());
    (&tag[..end], Attributes { rest: &tag[end..] })
}

/// The attributes of a tag as `(name, raw value)`. Lenient: values without quotes end at white space, names without a
/// value have an empty one.
#[derive(Clone)]
pub(super) struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_ascii_start();
        if rest.is_empty() {
            self.rest = rest;
            return None;
        }
        let end = rest
            .iter()
            .position(|byte| *byte == b'=' || byte.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let after = after.trim_ascii_start();
        let Some(value) = after.strip_prefix(b"=") else {
            self.rest = after;
            return Some((name, b""));
        };
        let value = value.trim_ascii_start();
        match value.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let value = &value[1..];
                let end = memchr(*quote, value).unwrap_or(value.len());
                self.rest = value.get(end + 1..).unwrap_or_default();
                Some((name, &value[..end]))
            }
            _ => {
                let end = memchr2(b' ', b'\n', value).unwrap_or(value.len());
                self.rest = &value[end..];
                Some((name, &value[..end]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tag: &str) -> Vec<String> {
        let (name, attributes) = split(tag.as_bytes());
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        std::iter::once(text(name))
            .chain(attributes.map(|(name, value)| format!("{}|{}", text(name), text(value))))
            .collect()
    }

    #[test]
    fn attributes_are_split_as_they_are_meant() {
        assert_eq!(
            read("testcase name=\"a > b\" time = '1'\n\tclassname='x\"y' flag a=b c"),
            [
                "testcase",
                "name|a > b",
                "time|1",
                "classname|x\"y",
                "flag|",
                "a|b",
                "c|"
            ]
        );
        assert_eq!(read("t  "), ["t"]);
        assert_eq!(read("t a=\"open"), ["t", "a|open"]);
        assert_eq!(read("t ="), ["t", "|"]);
    }

    #[test]
    fn names_count_without_their_namespace() {
        assert_eq!(Tag::of(b"ns:testcase"), Tag::Case);
        assert_eq!(Tag::of(b"nunit"), Tag::Other);
    }
}
