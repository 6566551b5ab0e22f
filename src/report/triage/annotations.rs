//! Failures in the syntax that CI systems turn into marks beside the code.

use std::fmt::Write;

use super::{Failure, View, table, words};
use crate::triage::gate::Ruling;

/// Who reads the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reader {
    /// GitHub Actions: `::error file=…::…`.
    GitHub,
    /// Azure Pipelines: `##vso[task.logissue …]…`.
    Azure,
    /// TeamCity: `##teamcity[message …]`.
    TeamCity,
}

/// One line for each failure that blocks, and a warning for each that does not; the answer as the last line.
pub fn annotations(view: &View, reader: Reader) -> String {
    let mut out = String::new();
    for failure in view.failures() {
        let is_error = failure.ruling != Some(Ruling::NotThisChange)
            && failure.ruling != Some(Ruling::Quarantined)
            && failure.ruling != Some(Ruling::Recovered);
        line(
            &mut out,
            reader,
            is_error,
            failure.file.as_deref(),
            &text(failure),
        );
    }
    if let Some(gate) = &view.gate
        && !gate.decision.passes()
    {
        line(&mut out, reader, true, None, &table::answer(view));
    }
    out
}

fn text(failure: &Failure) -> String {
    let mut text = format!("{}: {}", failure.name(), words::verdict(&failure.judged));
    let message = words::message(failure);
    if !message.is_empty() {
        let _ = write!(text, "\n{message}");
    }
    for line in words::evidence(&failure.judged) {
        let _ = write!(text, "\n{line}");
    }
    text
}

fn line(out: &mut String, reader: Reader, is_error: bool, file: Option<&str>, text: &str) {
    let _ = match reader {
        Reader::GitHub => {
            let level = if is_error { "error" } else { "warning" };
            let place = file.map_or_else(String::new, |file| format!(" file={}", property(file)));
            writeln!(out, "::{level}{place}::{}", escaped(text))
        }
        Reader::Azure => {
            let level = if is_error { "error" } else { "warning" };
            let place = file.map_or_else(String::new, |file| {
                format!("sourcepath={};", property(file))
            });
            writeln!(
                out,
                "##vso[task.logissue type={level};{place}]{}",
                text.replace(['\r', '\n'], " · ")
            )
        }
        Reader::TeamCity => {
            let level = if is_error { "ERROR" } else { "WARNING" };
            writeln!(
                out,
                "##teamcity[message text='{}' status='{level}']",
                service(text)
            )
        }
    };
}

/// GitHub's escapes for data.
fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// GitHub's and Azure's escapes for properties.
fn property(text: &str) -> String {
    escaped(text)
        .replace(':', "%3A")
        .replace(',', "%2C")
        .replace(';', "%3B")
}

/// TeamCity's escapes.
fn service(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '|' | '\'' | '[' | ']' => {
                out.push('|');
                out.push(c);
            }
            '\n' => out.push_str("|n"),
            '\r' => out.push_str("|r"),
            c if !c.is_ascii() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "|0x{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn each_reader_has_its_own_syntax() {
        let view = testing::gated();
        let all: String = [Reader::GitHub, Reader::Azure, Reader::TeamCity]
            .map(|reader| annotations(&view, reader))
            .join("\n");
        insta::assert_snapshot!(all);
    }

    #[test]
    fn no_message_can_end_a_command_early() {
        assert_eq!(escaped("a%\n::error::b"), "a%25%0A::error::b");
        assert_eq!(service("it's [x]|é"), "it|'s |[x|]|||0x00e9");
        assert_eq!(property("a:b,c;d"), "a%3Ab%2Cc%3Bd");
    }
}
