//! Reports from the disk into memory, and from bytes into results.

use std::io::{self, Read};

use super::intake::Input;
use super::{Fate, IngestRequest};
use crate::junit::{self, Hints, Limits, Report, Unreadable};
use crate::model::{Fingerprint, Printer};

/// A report before it is read, with the prints that it may be known by.
pub(super) struct Loaded {
    pub(super) input: Input,
    pub(super) prints: Prints,
    /// Its bytes; `None` for what is too large for memory.
    pub(super) bytes: io::Result<Option<Vec<u8>>>,
    /// Its size.
    pub(super) size: u64,
}

/// What a report is known by. One that says when it ran is itself, whoever hands it in; one that does not (a report
/// made by a tool that writes no times) is itself within a run of the pipeline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prints {
    pub(super) alone: Fingerprint,
    pub(super) in_run: Fingerprint,
}

/// A report that was read, or not.
pub(super) struct Parsed {
    pub(super) input: Input,
    pub(super) prints: Prints,
    pub(super) size: u64,
    /// `None` for what is too large for memory: it is read while it is stored.
    pub(super) report: Option<Result<Report, Unreadable>>,
}

/// Reads the bytes. `run` is the run that is known before the report is read.
pub(super) fn load(input: Input, run: Option<&str>) -> Loaded {
    let bytes = input.read();
    let printed = match &bytes {
        Ok(Some(bytes)) => Ok((Fingerprint::of(bytes), bytes.len() as u64)),
        Ok(None) => print(&input),
        Err(_) => Ok(Default::default()),
    };
    let (contents, size, bytes) = match printed {
        Ok((contents, size)) => (contents, size, bytes),
        Err(error) => (Fingerprint::default(), 0, Err(error)),
    };
    let tagged = |tag: &str, run: &str| {
        let mut printer = Printer::new();
        printer.piece(tag);
        printer.piece(contents.0.to_le_bytes());
        printer.piece(run);
        printer.finish()
    };
    Loaded {
        prints: Prints {
            alone: tagged("alone", ""),
            in_run: tagged("in run", run.unwrap_or_default()),
        },
        input,
        bytes,
        size,
    }
}

/// The print and size of what is too large for memory.
fn print(input: &Input) -> io::Result<(Fingerprint, u64)> {
    let (mut source, mut printer, mut size) = (input.open()?, Printer::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok((printer.finish(), size)),
            Ok(count) => {
                printer.stream(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes into results.
pub(super) fn parse(loaded: Loaded, request: &IngestRequest) -> Parsed {
    let report = match loaded.bytes {
        Ok(Some(bytes)) => {
            let hints = hints(&loaded.input, request);
            Some(junit::read(bytes.as_slice(), &hints, &Limits::default()))
        }
        Ok(None) => None,
        Err(error) => Some(Err(error.into())),
    };
    Parsed {
        input: loaded.input,
        prints: loaded.prints,
        size: loaded.size,
        report,
    }
}

pub(super) fn hints<'a>(input: &'a Input, request: &'a IngestRequest) -> Hints<'a> {
    Hints {
        file: &input.name,
        zone: request.zone.unwrap_or(0),
        properties: &request.properties,
    }
}

/// What was found beside reports and is none is left out; everything else that cannot be read is refused.
pub(super) fn fate(input: &Input, error: &Unreadable) -> Fate {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        why = format!("{why}: {inner}");
        source = inner.source();
    }
    let is_other = match error {
        Unreadable::NotJunit { .. } => true,
        // a damaged report must not pass for something else, so only what is not even called XML may
        Unreadable::NotXml { .. } => !input.name.contains(".xml"),
        Unreadable::Empty | Unreadable::Io(_) => false,
    };
    if !input.named && is_other {
        Fate::NoReport { why }
    } else {
        Fate::Refused { why }
    }
}
