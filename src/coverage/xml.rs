//! XML of coverage, element by element.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::CoverageError;

/// An element with its attributes.
pub(super) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// An attribute; `None` where it is missing or cannot be read.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let attribute = self.0.try_get_attribute(name).ok()??;
        Some(
            attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .ok()?
                .into_owned(),
        )
    }

    /// An attribute that is a number.
    pub(super) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.text(name)?.trim().parse().ok()
    }
}

/// Hands each element that opens to `take`, and each text to `text`. An element that lacks what it must have is damage.
///
/// # Errors
/// What is no XML, or ends before all is closed; the place of an element for which `take` gives `None`.
pub(super) fn each(
    bytes: &[u8],
    mut take: impl FnMut(&Element<'_>) -> Option<()>,
    mut text: impl FnMut(&str),
) -> Result<(), CoverageError> {
    let mut reader = Reader::from_reader(bytes);
    let mut open = 0usize;
    let line = |at: u64| {
        let before = &bytes[..bytes.len().min(at as usize)];
        CoverageError::Line(before.iter().filter(|byte| **byte == b'\n').count() + 1)
    };
    loop {
        let at = reader.buffer_position();
        let event = reader
            .read_event()
            .map_err(|_| line(reader.error_position()))?;
        match event {
            Event::Start(start) => {
                open += 1;
                take(&Element(start)).ok_or_else(|| line(at))?;
            }
            Event::Empty(start) => take(&Element(start)).ok_or_else(|| line(at))?,
            Event::Text(piece) => text(&piece),
            Event::End(_) => open = open.saturating_sub(1),
            Event::Eof if open > 0 => return Err(line(at)),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}
