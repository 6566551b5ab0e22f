//! The encoding of a report, decided once from its first bytes.
//!
//! UTF-8 passes through untouched, damage included (each piece of text repairs its own, see [`super::text`]). Everything
//! else is decoded by `encoding_rs` while it is read. A byte order mark outranks the declaration, the declaration outranks
//! the default. Not seen here: a declaration that lies about which eight-bit encoding it is.

use std::io::{self, BufRead};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How much is looked at to find a declaration.
const HEAD: usize = 1024;

/// Bytes of a report as UTF-8, or as something that was meant to be.
pub(super) struct Source<R> {
    inner: R,
    head: Vec<u8>,
    served: usize,
    decoder: Option<Decoder>,
    ended: bool,
    /// The declaration says UTF-8, so bytes that are not are damage; otherwise they may be Latin-1.
    pub(super) is_declared: bool,
    /// A declared encoding that nobody knows.
    pub(super) unknown: Option<String>,
}

impl<R: BufRead> Source<R> {
    /// Looks at the first bytes.
    pub(super) fn open(mut inner: R) -> io::Result<Self> {
        let mut head = Vec::new();
        while head.len() < HEAD {
            let available = match inner.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            let take = available.len().min(HEAD - head.len());
            head.extend_from_slice(&available[..take]);
            inner.consume(take);
        }
        let mut source = Self {
            inner,
            head,
            served: 0,
            decoder: None,
            ended: false,
            is_declared: false,
            unknown: None,
        };
        source.detect();
        Ok(source)
    }

    fn detect(&mut self) {
        if let Some((encoding, mark)) = Encoding::for_bom(&self.head) {
            self.served = mark;
            self.is_declared = true;
            if encoding != UTF_8 {
                self.decoder = Some(encoding.new_decoder_without_bom_handling());
            }
            return;
        }
        match self.head.as_slice() {
            [b'<' | b'{', 0, second, 0, ..] if *second != 0 => {
                self.decoder = Some(UTF_16LE.new_decoder_without_bom_handling());
            }
            [0, b'<' | b'{', 0, second, ..] if *second != 0 => {
                self.decoder = Some(UTF_16BE.new_decoder_without_bom_handling());
            }
            _ => self.detect_declared(),
        }
    }

    fn detect_declared(&mut self) {
        let Some(label) = declared(&self.head) else {
            return;
        };
        let label = String::from_utf8_lossy(label).into_owned();
        match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding == UTF_8 => self.is_declared = true,
            // the declaration could be read, so it is not UTF-16
            Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {}
            Some(encoding) => self.decoder = Some(encoding.new_decoder_without_bom_handling()),
            None if label.eq_ignore_ascii_case("us-ascii") => {}
            None => self.unknown = Some(label),
        }
    }

    /// Reads some bytes; 0 only at the end.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let (read, consumed) = {
                let from_head = self.served < self.head.len();
                let available = if from_head {
                    &self.head[self.served..]
                } else {
                    match self.inner.fill_buf() {
                        Ok(available) => available,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Err(error) => return Err(error),
                    }
                };
                match &mut self.decoder {
                    None => {
                        let take = available.len().min(into.len());
                        into[..take].copy_from_slice(&available[..take]);
                        (take, take)
                    }
                    Some(_) if self.ended => return Ok(0),
                    Some(decoder) => {
                        let last = available.is_empty();
                        let (_, consumed, written, _) =
                            decoder.decode_to_utf8(available, into, last);
                        self.ended = last;
                        if !last && written == 0 {
                            // a character in pieces, or no room for one more
                            self.consume(consumed, from_head);
                            if consumed == 0 {
                                return Ok(0);
                            }
                            continue;
                        }
                        (written, consumed)
                    }
                }
            };
            let from_head = self.served < self.head.len();
            self.consume(consumed, from_head);
            return Ok(read);
        }
    }

    fn consume(&mut self, bytes: usize, from_head: bool) {
        if from_head {
            self.served += bytes;
        } else {
            self.inner.consume(bytes);
        }
    }
}

/// The label in `encoding="…"` of an XML declaration.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let start = head.windows(5).position(|window| window == b"<?xml")?;
    let rest = &head[start..];
    let end = rest.windows(2).position(|window| window == b"?>")?;
    let declaration = &rest[..end];
    let at = declaration
        .windows(8)
        .position(|window| window == b"encoding")?;
    let value = &declaration[at + 8..];
    let open = value.iter().position(|byte| matches!(byte, b'"' | b'\''))?;
    let value = &value[open + 1..];
    let close = value.iter().position(|byte| matches!(byte, b'"' | b'\''))?;
    Some(&value[..close])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> String {
        let mut source = Source::open(bytes).unwrap();
        let mut text = Vec::new();
        let mut buffer = [0; 16];
        loop {
            match source.read(&mut buffer).unwrap() {
                0 => return String::from_utf8(text).unwrap(),
                read => text.extend_from_slice(&buffer[..read]),
            }
        }
    }

    #[test]
    fn encodings_are_told_by_mark_by_pattern_and_by_declaration() {
        let text = "<?xml version='1.0'?><t n='é…'/>";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(all(&little), text);
        assert_eq!(all(&big), text);
        assert_eq!(all(&[&b"\xff\xfe"[..], &little].concat()), text);
        assert_eq!(all(&[&b"\xfe\xff"[..], &big].concat()), text);
        assert_eq!(all(&[&b"\xef\xbb\xbf"[..], text.as_bytes()].concat()), text);
        let latin = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><t n='\xe9'/>";
        assert!(all(latin).ends_with("<t n='é'/>"));
    }

    #[test]
    fn a_declaration_of_utf_16_that_can_be_read_is_wrong() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><t n='é'/>";
        assert_eq!(all(text.as_bytes()), text);
    }

    #[test]
    fn an_unknown_encoding_is_kept_for_an_issue() {
        let source = Source::open(&b"<?xml version='1.0' encoding='klingon'?>"[..]).unwrap();
        assert_eq!(source.unknown.as_deref(), Some("klingon"));
    }
}
