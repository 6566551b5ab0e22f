//! From pieces of XML to raw suites and cases, and from these to results.
//!
//! Elements are known by name wherever they stand: any nesting, any number of roots. What is unknown is passed over. A
//! case counts when its end was seen. Not seen here: properties of single cases.

use std::io::BufRead;

use memchr::memchr;

use super::context;
use super::dialect::{self, Dialect, tia};
use super::issue::{Issues, Level, Place};
use super::moment::moment;
use super::number::{Time, time};
use super::pieces::{Kind, Piece, Pieces};
use super::raw::{FINGERPRINTS, Head, Outcome, RawCase, RawSuite};
use super::results::Results;
use super::tag::{Tag, split};
use super::text::{Kept, clean, decode, unescape};
use super::{Hints, Limits, Report, Unreadable, result};
use crate::model::{Seconds, Timestamp};

/// Where text goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Target {
    Nowhere,
    /// To the failure that is open.
    Failure,
    /// To the output of the case.
    Output,
    /// To the output of a suite.
    SuiteOutput,
    /// To the property that is open.
    Property,
}

/// An open element.
struct Open {
    tag: Tag,
    /// Print of its name, to see whether it is closed by the same.
    print: u64,
    target: Target,
    /// Which of its kind it is among its siblings, from 1.
    ordinal: u32,
    /// How many suites, cases and others it holds so far.
    children: [u32; 3],
}

impl Open {
    fn child(children: &mut [u32; 3], tag: Tag) -> u32 {
        let count = &mut children[match tag {
            Tag::Suite | Tag::Suites => 0,
            Tag::Case => 1,
            _ => 2,
        }];
        *count += 1;
        *count
    }
}

/// The state of reading one report.
pub(super) struct Xml<'a, 'b, R> {
    pieces: Pieces<R>,
    hints: &'a Hints<'a>,
    limits: &'a Limits,
    stack: Vec<Open>,
    roots: [u32; 3],
    /// Open elements beyond the depth limit.
    beyond: u64,
    suites: Vec<RawSuite>,
    case: RawCase,
    /// How deep the open case is; 0 for none.
    case_depth: usize,
    /// The time of the case, where it is no plain number.
    case_time: String,
    stack_text: Kept,
    output: Kept,
    property: Option<&'a str>,
    /// It is an export of ours that says of which producer the reports were.
    is_exported: bool,
    property_text: String,
    scratch: String,
    dialect: Option<&'static dyn Dialect>,
    is_known: bool,
    first_root: String,
    results: Results<'b>,
    report: Report,
    issues: Issues,
}

/// Reads a whole XML report.
pub(super) fn read<R: BufRead>(
    pieces: Pieces<R>,
    hints: &Hints<'_>,
    limits: &Limits,
    issues: Issues,
    results: Results<'_>,
) -> Result<Report, Unreadable> {
    let mut xml = Xml {
        pieces,
        hints,
        limits,
        stack: Vec::new(),
        roots: [0; 3],
        beyond: 0,
        suites: Vec::new(),
        case: RawCase::default(),
        case_depth: 0,
        case_time: String::new(),
        stack_text: Kept::new(limits.text),
        output: Kept::new(limits.text),
        property: None,
        is_exported: false,
        property_text: String::new(),
        scratch: String::new(),
        dialect: None,
        is_known: false,
        first_root: String::new(),
        results,
        report: Report::default(),
        issues,
    };
    xml.run()?;
    xml.finish()
}

impl<R: BufRead> Xml<'_, '_, R> {
    fn run(&mut self) -> Result<(), Unreadable> {
        loop {
            let piece = self.pieces.next()?;
            match piece.kind {
                Kind::Text | Kind::CData | Kind::Stray => self.text(piece),
                Kind::Start => self.start(piece, false),
                Kind::Empty => self.start(piece, true),
                Kind::End => self.end(piece),
                Kind::Declaration => {
                    let (line, column) = self.pieces.place(piece);
                    if (line, column) != (1, 1) {
                        self.malformed(
                            piece,
                            "an XML declaration not at the start was passed over",
                        );
                    }
                }
                Kind::Doctype => {
                    let place = self.pieces.place(piece);
                    let text =
                        "a document type declaration was passed over; entities are not expanded";
                    let stack = &self.stack;
                    self.issues
                        .once("doctype", Level::Accepted, || at(place, stack, ""), text);
                }
                Kind::Cut => {
                    self.cut(piece);
                    return Ok(());
                }
                Kind::Eof => {
                    if !self.stack.is_empty() || self.beyond > 0 {
                        self.cut(piece);
                    }
                    return Ok(());
                }
            }
        }
    }

    /// The report ends too early.
    fn cut(&mut self, piece: Piece) {
        let place = self.pieces.place(piece);
        self.report.complete = false;
        self.report.well_formed = false;
        let in_outcome = self.stack.iter().any(|open| open.tag.is_outcome());
        let has_failed = self.case_depth > 0 && self.case.is_bad() && !in_outcome;
        let stack = &self.stack;
        let text = match self.case_depth {
            0 => "the report ends here, too early; what was closed is kept",
            _ if has_failed => {
                "the report ends inside a case that had failed; it is kept, and what was closed"
            }
            _ => "the report ends inside a case, which is left out; what was closed is kept",
        };
        self.issues
            .add(Level::Rejected, || at(place, stack, ""), text);
        if has_failed {
            self.finish_case();
        }
        while !self.suites.is_empty() {
            self.close_suite(false);
        }
    }

    fn malformed(&mut self, piece: Piece, text: &'static str) {
        self.report.well_formed = false;
        let place = self.pieces.place(piece);
        let stack = &self.stack;
        self.issues
            .once(text, Level::Repaired, || at(place, stack, ""), text);
    }

    fn text(&mut self, piece: Piece) {
        if piece.kind == Kind::Stray {
            self.malformed(piece, "a `<` that begins no element was read as text");
        }
        let Some(open) = self.stack.last() else {
            if !self.pieces.bytes(piece).trim_ascii().is_empty() {
                self.malformed(piece, "text outside of all elements was passed over");
            }
            return;
        };
        let target = open.target;
        if target == Target::Nowhere || self.beyond > 0 {
            return;
        }
        let bytes = self.pieces.bytes(piece);
        let (text, is_damaged) = decode(bytes, self.pieces.is_declared());
        let mut is_well = true;
        let text: &str = if piece.kind == Kind::Text && memchr(b'&', bytes).is_some() {
            self.scratch.clear();
            is_well = unescape(&text, &mut self.scratch);
            &self.scratch
        } else {
            &text
        };
        match target {
            Target::Failure => self.stack_text.push(text.as_bytes()),
            Target::Output | Target::SuiteOutput => self.output.push(text.as_bytes()),
            Target::Property if self.property_text.len() + text.len() <= self.limits.attribute => {
                self.property_text.push_str(text);
            }
            Target::Property | Target::Nowhere => {}
        }
        if is_damaged || !is_well {
            self.damaged(piece, is_damaged);
        }
    }

    fn damaged(&mut self, piece: Piece, is_bytes: bool) {
        let place = self.pieces.place(piece);
        let stack = &self.stack;
        let (kind, text) = if is_bytes {
            (
                "bytes",
                "bytes that are no UTF-8 were read as Latin-1 or replaced",
            )
        } else {
            self.report.well_formed = false;
            (
                "references",
                "ampersands and unknown references were read as text",
            )
        };
        self.issues
            .once(kind, Level::Repaired, || at(place, stack, ""), text);
    }

    fn start(&mut self, piece: Piece, is_empty: bool) {
        let bytes = self.pieces.bytes(piece);
        let (name, _) = split(bytes);
        let tag = Tag::of(name);
        let tag = self.settle(tag, name);
        if self.stack.len() >= self.limits.depth {
            if !is_empty {
                self.beyond += 1;
            }
            if self.beyond == 1 || is_empty {
                let place = self.pieces.place(piece);
                let stack = &self.stack;
                let text = format!(
                    "elements more than {} deep were passed over",
                    self.limits.depth
                );
                self.issues
                    .once("depth", Level::Rejected, || at(place, stack, ""), text);
            }
            return;
        }
        // what is closed at once needs no name to be closed by
        let print = if is_empty {
            0
        } else {
            xxhash_rust::xxh3::xxh3_64(name)
        };
        let has_bracket = memchr(b'<', bytes).is_some();
        if self.stack.is_empty() {
            self.root(piece);
        }
        let siblings = match self.stack.last_mut() {
            Some(parent) => &mut parent.children,
            None => &mut self.roots,
        };
        let ordinal = Open::child(siblings, tag);
        let target = self.target(tag);
        self.stack.push(Open {
            tag,
            print,
            target,
            ordinal,
            children: [0; 3],
        });
        if has_bracket {
            self.malformed(piece, "a `<` in an attribute was read as text");
        }
        if piece.is_shortened {
            let place = self.pieces.place(piece);
            let stack = &self.stack;
            let text = format!(
                "attributes of more than {} bytes were cut to head and tail",
                self.limits.attribute
            );
            self.issues
                .once("long", Level::Repaired, || at(place, stack, ""), text);
        }
        match tag {
            Tag::Suite | Tag::Suites => self.open_suite(piece, tag),
            Tag::Case => self.open_case(piece),
            tag if tag.is_outcome() && self.case_depth > 0 => self.open_outcome(piece, tag),
            Tag::Property if self.case_depth == 0 => self.open_property(piece),
            _ => {}
        }
        if is_empty {
            self.close();
        }
    }

    /// A name that is an element of JUnit only in some places.
    fn settle(&self, tag: Tag, name: &[u8]) -> Tag {
        let is_generic_file = name == b"file"
            && self.case_depth == 0
            && self
                .stack
                .last()
                .is_some_and(|open| open.tag == Tag::Suites);
        if is_generic_file { Tag::Suite } else { tag }
    }

    /// Before the start of a root.
    fn root(&mut self, piece: Piece) {
        let bytes = self.pieces.bytes(piece);
        let (name, _) = split(bytes);
        if self.first_root.is_empty() {
            let (name, _) = decode(&name[..name.len().min(80)], true);
            self.first_root = name.into_owned();
            return;
        }
        // the next report of several written one after another
        self.dialect = None;
        let place = self.pieces.place(piece);
        let stack = &self.stack;
        let text = "several roots, one after another, were read as one report";
        self.issues
            .once("roots", Level::Accepted, || at(place, stack, ""), text);
    }

    /// Where the text of a new element goes.
    fn target(&self, tag: Tag) -> Target {
        let parent = self.stack.last();
        let above = parent.map_or(Target::Nowhere, |open| open.target);
        let parent = parent.map_or(Tag::Other, |open| open.tag);
        match tag {
            _ if tag.is_outcome() && self.case_depth > 0 => Target::Failure,
            Tag::SystemOut | Tag::SystemErr => match parent {
                Tag::Case => Target::Output,
                Tag::Suite if self.wants_suite_output() => Target::SuiteOutput,
                _ => Target::Nowhere,
            },
            Tag::StackTrace if parent.is_outcome() => Target::Failure,
            Tag::Property if self.case_depth == 0 => Target::Property,
            Tag::Other if above == Target::Failure => Target::Failure,
            _ => Target::Nowhere,
        }
    }

    fn wants_suite_output(&self) -> bool {
        self.case_depth == 0
            && self
                .dialect
                .is_some_and(|dialect| dialect.output_follows_the_case())
    }

    fn end(&mut self, piece: Piece) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let print = xxhash_rust::xxh3::xxh3_64(self.pieces.bytes(piece));
        if self.stack.last().is_some_and(|open| open.print == print) {
            self.close();
            return;
        }
        match self.stack.iter().rposition(|open| open.print == print) {
            Some(level) => {
                self.malformed(
                    piece,
                    "elements that were not closed were closed with those around",
                );
                while self.stack.len() > level {
                    self.close();
                }
            }
            None => self.malformed(
                piece,
                "the end of an element that is not open was passed over",
            ),
        }
    }

    /// Closes the innermost element.
    fn close(&mut self) {
        let Some(open) = self.stack.last() else {
            return;
        };
        match open.tag {
            Tag::Case if self.case_depth == self.stack.len() => {
                self.finish_case();
                self.case_depth = 0;
            }
            Tag::Suite | Tag::Suites => self.close_suite(true),
            tag if tag.is_outcome() && self.case_depth > 0 => {
                if !self.stack_text.is_empty()
                    && let Some(outcome) = self.case.outcomes.last_mut()
                {
                    outcome.failure.stack = clean(&self.stack_text.take());
                }
            }
            Tag::SystemOut | Tag::SystemErr if open.target == Target::SuiteOutput => {
                let text = clean(&self.output.take());
                self.results.explain_last(text);
            }
            Tag::Property => self.close_property(),
            _ => {}
        }
        self.stack.pop();
    }

    fn open_suite(&mut self, piece: Piece, tag: Tag) {
        let mut suite = RawSuite {
            tag,
            place: self.pieces.place(piece),
            ..RawSuite::default()
        };
        self.is_known = true;
        suite.attributes.push(' ');
        let (_, attributes) = split(self.pieces.bytes(piece));
        let mut has_uuid = false;
        let declared = self.pieces.is_declared();
        for (key, value) in attributes {
            let (name, _) = decode(key, true);
            suite.attributes.push_str(&name);
            suite.attributes.push(' ');
            let text = match key {
                b"name" => &mut suite.name,
                b"path" if suite.name.is_empty() => &mut suite.name,
                b"hostname" => &mut suite.hostname,
                b"package" => &mut suite.package,
                b"file" => &mut suite.file,
                b"id" => &mut suite.id,
                b"timestamp" => &mut suite.timestamp,
                b"uuid" => {
                    has_uuid = true;
                    continue;
                }
                b"time" => {
                    let (value, _) = decode(value, declared);
                    suite.time = time(&value, true).seconds();
                    continue;
                }
                b"tests" => {
                    suite.declared = number(value);
                    continue;
                }
                b"errors" => {
                    suite.declared_errors = number(value);
                    continue;
                }
                _ if key.ends_with(b"noNamespaceSchemaLocation") => &mut suite.schema,
                _ => continue,
            };
            set(text, value, declared, self.limits.attribute);
        }
        self.results.expect(suite.declared.unwrap_or_default());
        self.report.says_when |= has_uuid;
        if !suite.timestamp.is_empty() {
            let start = self.moment(&suite.timestamp, |_| suite.place);
            let known = &mut self.report.context.start;
            *known = match (*known, start) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        if self.suites.is_empty() && self.roots == [1, 0, 0] {
            self.report.name.clone_from(&suite.name);
        }
        self.suites.push(suite);
    }

    /// A timestamp of the report; notes what is odd about it.
    fn moment(
        &mut self,
        text: &str,
        place: impl FnOnce(&mut Pieces<R>) -> (u64, u64),
    ) -> Option<Timestamp> {
        let found = moment(text, self.hints.zone);
        let stack = &self.stack;
        let pieces = &mut self.pieces;
        let place = || at(place(pieces), stack, "/@timestamp");
        match found {
            Some(moment) => {
                self.report.says_when = true;
                if moment.is_naive {
                    let text = "timestamps do not name their zone; the assumed one was taken";
                    self.issues.once("zone", Level::Accepted, place, text);
                }
                Some(moment.at)
            }
            None => {
                let text = format!("{text:?} was taken as no timestamp");
                self.issues.once("timestamp", Level::Repaired, place, text);
                None
            }
        }
    }

    fn close_suite(&mut self, is_whole: bool) {
        let Some(suite) = self.suites.pop() else {
            return;
        };
        let dialect = self.dialect;
        if is_whole
            && let Some(declared) = suite.declared
            && declared != suite.cases
            && dialect.is_none_or(|dialect| dialect.counts_cases())
        {
            let stack = &self.stack;
            let text = format!(
                "{declared} tests are declared and {} are there; those that are there count",
                suite.cases
            );
            self.issues
                .add(Level::Accepted, || at(suite.place, stack, "/@tests"), text);
        }
        if is_whole
            && dialect.is_some_and(|dialect| dialect.counts_errors_outside())
            && let Some(more) = suite
                .declared_errors
                .and_then(|declared| declared.checked_sub(suite.errors))
        {
            self.report.errors_outside_tests += u32::try_from(more).unwrap_or(u32::MAX);
        }
        if dialect.is_none_or(|dialect| dialect.hostname_is_host()) {
            context::keep_host(&mut self.report.context, &suite.hostname);
        }
        if let Some(time) = suite.time
            && suite.cases > 1
            && suite.spent > 100.0 * time.get().max(0.01)
        {
            let stack = &self.stack;
            let text = format!(
                "the cases took {:.3} s together, the suite {:.3} s: their unit may not be seconds",
                suite.spent,
                time.get()
            );
            self.issues.once(
                "unit",
                Level::Accepted,
                || at(suite.place, stack, "/@time"),
                text,
            );
        }
        // an export says of its part how long that took
        let time = suite.time.filter(|_| !self.is_exported);
        match self.suites.last_mut() {
            Some(parent) => {
                parent.cases += suite.cases;
                parent.errors += suite.errors;
                parent.spent += suite.spent;
                if parent.tag == Tag::Suites && parent.time.is_none() {
                    add(&mut self.report.duration, time);
                }
            }
            None => add(&mut self.report.duration, time),
        }
    }

    fn open_property(&mut self, piece: Piece) {
        self.property = None;
        self.property_text.clear();
        let (_, attributes) = split(self.pieces.bytes(piece));
        for (key, value) in attributes {
            if key == b"name" {
                let (name, _) = decode(value, true);
                self.property = match name.as_ref() {
                    tia::PART => Some(tia::PART),
                    name => context::kept(name, self.hints.properties),
                };
                if let Some(suite) = self.suites.last_mut()
                    && let Some(print) = FINGERPRINTS.iter().find(|print| name.starts_with(**print))
                    && !suite.properties.contains(print)
                {
                    suite.properties.push(print);
                }
            } else if key == b"value" {
                let declared = self.pieces.is_declared();
                set(
                    &mut self.property_text,
                    value,
                    declared,
                    self.limits.attribute,
                );
            }
        }
    }

    fn close_property(&mut self) {
        if self.property == Some(tia::PART) {
            let is_ours = self
                .suites
                .first()
                .is_some_and(|root| root.name == tia::ROOT);
            if is_ours && tia::take_part(&mut self.report, &self.property_text) {
                self.property = None;
                self.is_exported = true;
                return;
            }
        }
        if let Some(name) = self.property.take()
            && !context::keep(&mut self.report.context, name, &self.property_text)
        {
            let place = self.suites.last().map_or((0, 0), |suite| suite.place);
            let stack = &self.stack;
            let text = format!("the value of `{name}` cannot be, and was left out");
            self.issues
                .add(Level::Rejected, || at(place, stack, ""), text);
        }
    }

    fn open_case(&mut self, piece: Piece) {
        self.is_known = true;
        if self.case_depth > 0 {
            let place = self.pieces.place(piece);
            let stack = &self.stack;
            let text = "a case inside a case; its outcome was read as one of the case around";
            self.issues
                .add(Level::Repaired, || at(place, stack, ""), text);
            return;
        }
        self.case_depth = self.stack.len();
        self.case.clear();
        self.case_time.clear();
        self.stack_text.clear();
        self.output.clear();
        self.pieces.mark(piece);
        let declared = self.pieces.is_declared();
        let limit = self.limits.attribute;
        let mut is_well = true;
        let mut timestamp = None;
        let case = &mut self.case;
        let (_, attributes) = split(self.pieces.bytes(piece));
        for (key, value) in attributes {
            if self.dialect.is_none() {
                case.attributes.push(' ');
                case.attributes.push_str(&decode(key, true).0);
            }
            let text = match key {
                b"name" => {
                    case.has_name = true;
                    &mut case.name
                }
                b"classname" => {
                    case.has_class = true;
                    &mut case.class
                }
                b"time" => {
                    match std::str::from_utf8(value).map(|value| time(value, false)) {
                        Ok(Time::Plain(seconds)) => case.time = Some(seconds),
                        _ => is_well &= set(&mut self.case_time, value, declared, limit),
                    }
                    continue;
                }
                b"class" | b"className" if !case.has_class => &mut case.class,
                b"file" | b"filepath" | b"filename" => &mut case.file,
                b"id" => &mut case.id,
                b"status" => &mut case.status,
                b"result" => &mut case.result,
                b"failure" => &mut case.failure,
                tia::RESULT => &mut case.json,
                b"timestamp" => {
                    timestamp = Some(value);
                    continue;
                }
                // milliseconds, in the generic format of SonarQube
                b"duration" if case.time.is_none() && self.first_root != "testsuites" => {
                    let millis = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                    case.time = millis.and_then(|millis: f64| Seconds::new(millis / 1000.0));
                    continue;
                }
                b"disabled" | b"skipped" | b"ignored" => {
                    case.is_left_out |= value.eq_ignore_ascii_case(b"true") || value == b"1";
                    continue;
                }
                b"executed" => {
                    case.is_left_out |= matches!(value, b"no" | b"false" | b"False");
                    continue;
                }
                b"success" => {
                    case.is_unsuccessful |= matches!(value, b"no" | b"false" | b"False");
                    continue;
                }
                _ => continue,
            };
            is_well &= set(text, value, declared, limit);
        }
        if self.dialect.is_none() {
            case.attributes.push(' ');
        }
        if let Some(value) = timestamp {
            let text = decode(value, declared).0.into_owned();
            self.case.start = self.moment(&text, Pieces::marked);
        }
        if !is_well {
            self.damaged(piece, false);
        }
    }

    fn open_outcome(&mut self, piece: Piece, tag: Tag) {
        self.stack_text.clear();
        let place = self.pieces.place(piece);
        let declared = self.pieces.is_declared();
        let limit = self.limits.attribute;
        let mut outcome = Outcome {
            tag,
            ..Outcome::default()
        };
        let mut is_well = true;
        let mut start = None;
        let (_, attributes) = split(self.pieces.bytes(piece));
        for (key, value) in attributes {
            match key {
                b"message" => {
                    self.scratch.clear();
                    is_well &= set(&mut self.scratch, value, declared, limit);
                    outcome.failure.message = clean(&self.scratch);
                }
                b"type" => {
                    is_well &= set(&mut outcome.failure.kind, value, declared, limit);
                }
                b"time" => {
                    let text = decode(value, declared).0;
                    outcome.time = time(&text, true).seconds();
                }
                b"timestamp" => start = Some(decode(value, declared).0.into_owned()),
                _ => {}
            }
        }
        if let Some(start) = start {
            outcome.start = self.moment(&start, |_| place);
        }
        self.case.is_skipped |= tag == Tag::Skipped;
        self.case.outcomes.push(outcome);
        if !is_well {
            self.damaged(piece, false);
        }
    }

    fn finish_case(&mut self) {
        let dialect = match self.dialect {
            Some(dialect) => dialect,
            None => {
                let dialect = dialect::of(&Head {
                    file: self.hints.file,
                    suites: &self.suites,
                    case: &self.case,
                });
                self.dialect = Some(dialect);
                self.results.set_dialect(dialect);
                dialect
            }
        };
        if !self.case_time.is_empty() {
            self.read_time(dialect);
        }
        if let Some(suite) = self.suites.last_mut() {
            suite.cases += 1;
            suite.errors += u64::from(self.case.has_outcome(Tag::Error));
            suite.spent += self.case.time.map_or(0.0, Seconds::get);
        }
        let identity = dialect.identify(&self.case, &self.suites);
        let is_outside = identity.is_outside;
        let (test, variant) = identity.finish(&mut self.results);
        let mut result = result::result(&mut self.case, test);
        result.variant = variant;
        dialect.adjust(&mut result, &self.case);
        if result.status.is_bad() {
            explain(&mut result, &mut self.output);
        }
        let (pieces, stack) = (&mut self.pieces, &self.stack);
        let place = || at(pieces.marked(), stack, "");
        if !is_outside {
            self.results.add(result, place, &mut self.issues);
            return;
        }
        if result.status.is_bad() {
            self.report.errors_outside_tests += 1;
            let text = format!(
                "{:?} is no test but something around tests; its failure is kept as `{}`",
                self.case.name, result.test
            );
            let is_nobody = result.test.class().is_empty()
                && result.test.suite().next().is_none()
                && result.test.file().is_empty();
            let level = if is_nobody {
                Level::Rejected
            } else {
                Level::Accepted
            };
            self.issues.add(level, place, text);
            self.results.add_outside(result);
        } else {
            let is_nameless = self.case.name.trim().is_empty();
            let (level, text) = if is_nameless {
                (
                    Level::Rejected,
                    "a case without a name was left out: it cannot be told from others".to_owned(),
                )
            } else {
                (
                    Level::Accepted,
                    format!(
                        "{:?} is no test, did not fail, and was left out",
                        self.case.name
                    ),
                )
            };
            self.issues.add(level, place, text);
        }
    }

    /// The time of the case, where it is no plain number.
    fn read_time(&mut self, dialect: &dyn Dialect) {
        let found = time(&self.case_time, dialect.groups_thousands());
        self.case.time = found.seconds();
        let text = match found {
            Time::Repaired(seconds) => {
                format!("{:?} was read as {} s", self.case_time, seconds.get())
            }
            Time::Wrong => format!("{:?} was taken as no duration", self.case_time),
            Time::Plain(_) | Time::Missing => return,
        };
        let (place, stack) = (self.pieces.marked(), &self.stack);
        self.issues
            .add(Level::Repaired, || at(place, stack, "/@time"), text);
    }

    fn finish(mut self) -> Result<Report, Unreadable> {
        if !self.is_known {
            return Err(match self.first_root.as_str() {
                "" => Unreadable::NotXml {
                    found: "no element that is whole".into(),
                },
                root => Unreadable::NotJunit {
                    found: format!("XML with the root `{root}` and without a test suite or case"),
                },
            });
        }
        if let Some(dialect) = self.results.dialect() {
            if !self.is_exported {
                self.report.producer = dialect.name();
                self.report.in_order = dialect.in_order();
            }
            self.report.repeats = dialect.repeats();
        }
        self.report.results = self.results.finish(&mut self.issues);
        if self.results.total() == 0 && self.report.errors_outside_tests == 0 {
            self.issues.add(
                Level::Accepted,
                Place::default,
                "the report holds no test: nothing is known to have passed",
            );
        }
        self.report.issues = self.issues.finish();
        Ok(self.report)
    }
}

/// What a failing case printed stands for the stack that it does not give.
fn explain(result: &mut crate::model::TestResult, output: &mut Kept) {
    if output.is_empty() {
        return;
    }
    if result.failures.is_empty() {
        result.failures.push(crate::model::Failure::default());
    }
    let last = result.failures.last_mut().expect("one is there");
    if last.stack.is_empty() {
        last.stack = clean(&output.take());
    }
}

fn add(sum: &mut Option<Seconds>, more: Option<Seconds>) {
    *sum = match (*sum, more) {
        (Some(one), Some(other)) => Some(one + other),
        (one, other) => one.or(other),
    };
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// Sets `text` to an attribute's value. `false` where something in it is not well.
fn set(text: &mut String, value: &[u8], declared: bool, limit: usize) -> bool {
    text.clear();
    let is_well = match std::str::from_utf8(value) {
        Ok(value) if memchr(b'&', value.as_bytes()).is_none() => {
            text.push_str(value);
            true
        }
        Ok(value) => unescape(value, text),
        Err(_) => {
            let (value, _) = decode(value, declared);
            unescape(&value, text)
        }
    };
    if text.len() > limit {
        let mut kept = Kept::new(limit);
        kept.push(text.as_bytes());
        *text = kept.take();
    }
    is_well
}

/// The place of an element: where it starts, and the path to the innermost open element.
fn at((line, column): (u64, u64), stack: &[Open], attribute: &str) -> Place {
    let mut path = String::new();
    for open in stack.iter().take(16) {
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(open.tag.name());
        if open.tag == Tag::Case || open.tag == Tag::Suite {
            path.push_str(&format!("[{}]", open.ordinal));
        }
    }
    if stack.len() > 16 {
        path.push_str("/…");
    }
    path.push_str(attribute);
    Place { line, column, path }
}
