//! XML as a stream of pieces, each of bounded size.
//!
//! A pull parser that hands out whole events must hold a whole event, and reports hold attributes of hundreds of
//! megabytes and output of gigabytes. So this scan cuts text into chunks and takes the middle out of long attribute
//! values before anybody sees them; the parsers of `quick-xml` tell where a tag ends. Memory is one window and one tag.
//!
//! Document type declarations, comments and processing instructions are passed over; nothing is ever expanded. What is
//! no markup is text: a `<` before a digit or a space is a piece of its own. Not seen here: whether tags match.

use std::io::{self, BufRead};

use memchr::memmem;
use memchr::{memchr, memchr_iter, memrchr};
use quick_xml::parser::{ElementParser, Parser};
use xxhash_rust::xxh3::Xxh3Default;

use super::source::Source;
use super::text::Kept;

/// Bytes looked at together.
const WINDOW: usize = 1 << 17;

/// What a piece is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// `<name attributes>`; the bytes are those between the brackets.
    Start,
    /// `<name attributes/>`; the bytes are those before the slash.
    Empty,
    /// `</name>`; the bytes are the name.
    End,
    /// A stretch of text with its references.
    Text,
    /// A stretch of a CDATA section.
    CData,
    /// A `<` that begins no markup.
    Stray,
    /// An XML declaration was passed over.
    Declaration,
    /// A document type declaration was passed over.
    Doctype,
    /// The text ends inside markup.
    Cut,
    /// The text ends.
    Eof,
}

/// One piece; its bytes are had by [`Pieces::bytes`] until the next is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    start: usize,
    end: usize,
    is_spilled: bool,
    /// The middle of one of its values was taken out.
    pub(super) is_shortened: bool,
}

/// The scan.
pub(super) struct Pieces<R> {
    source: Source<R>,
    buffer: Vec<u8>,
    /// The first byte not handed out.
    pos: usize,
    end: usize,
    is_ended: bool,
    in_cdata: bool,
    /// Line and column of `buffer[counted]`, from 0.
    line: u64,
    column: u64,
    counted: usize,
    /// Where the marked piece begins, until its place is counted.
    mark: Option<usize>,
    /// The place of the marked piece, from 1.
    marked: (u64, u64),
    /// A tag that is longer than the window, shortened.
    spill: Vec<u8>,
    limit: usize,
}

impl<R: BufRead> Pieces<R> {
    /// A scan that keeps at most `limit` bytes of an attribute of a tag longer than the window.
    pub(super) fn new(source: Source<R>, limit: usize) -> Self {
        Self {
            source,
            buffer: vec![0; WINDOW],
            pos: 0,
            end: 0,
            is_ended: false,
            in_cdata: false,
            line: 0,
            column: 0,
            counted: 0,
            mark: None,
            marked: (1, 1),
            spill: Vec::new(),
            limit,
        }
    }

    /// The source says that it is UTF-8.
    pub(super) fn is_declared(&self) -> bool {
        self.source.is_declared
    }

    /// The bytes of the piece that came last.
    pub(super) fn bytes(&self, piece: Piece) -> &[u8] {
        if piece.is_spilled {
            &self.spill
        } else {
            &self.buffer[piece.start..piece.end]
        }
    }

    /// Line and column, from 1, of the piece that came last.
    pub(super) fn place(&mut self, piece: Piece) -> (u64, u64) {
        self.count_to(piece.start);
        (self.line + 1, self.column + 1)
    }

    /// Remembers where this piece begins. Counting lines for each case would cost as much as reading it, so it is done
    /// when somebody asks, or when the bytes are about to go.
    pub(super) fn mark(&mut self, piece: Piece) {
        self.mark = Some(piece.start);
    }

    /// Line and column, from 1, of the piece that was marked last.
    pub(super) fn marked(&mut self) -> (u64, u64) {
        if let Some(mark) = self.mark {
            self.count_to(mark);
        }
        self.settle_mark();
        self.marked
    }

    fn settle_mark(&mut self) {
        if self.mark.take().is_some() {
            self.marked = (self.line + 1, self.column + 1);
        }
    }

    /// The bytes not yet handed out, at least `wanted` where there are so many.
    pub(super) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        self.ensure(wanted)?;
        Ok(&self.buffer[self.pos..self.end])
    }

    /// Takes the next line, without its end, for text that is no XML: at most `limit` bytes of it. `None` at the end;
    /// the flag says whether the line was whole.
    pub(super) fn line(&mut self, line: &mut Vec<u8>, limit: usize) -> io::Result<Option<bool>> {
        line.clear();
        if self.pos == self.end && !self.refill()? {
            return Ok(None);
        }
        let mut is_whole = true;
        loop {
            let here = &self.buffer[self.pos..self.end];
            let at = memchr(b'\n', here);
            let part = &here[..at.unwrap_or(here.len())];
            let room = limit.saturating_sub(line.len());
            is_whole &= part.len() <= room;
            line.extend_from_slice(&part[..part.len().min(room)]);
            self.pos += part.len();
            if at.is_some() {
                self.pos += 1;
                return Ok(Some(is_whole));
            }
            if !self.refill()? {
                return Ok(Some(is_whole));
            }
        }
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> io::Result<Piece> {
        loop {
            if self.in_cdata {
                match self.cdata()? {
                    Some(piece) => return Ok(piece),
                    None => continue,
                }
            }
            if self.pos == self.end && !self.refill()? {
                return Ok(self.piece(Kind::Eof, self.pos, self.pos));
            }
            match memchr(b'<', &self.buffer[self.pos..self.end]) {
                Some(0) => {
                    if let Some(piece) = self.markup()? {
                        return Ok(piece);
                    }
                }
                Some(length) => return Ok(self.take(Kind::Text, length, 0)),
                None => {
                    let length = self.whole_characters(true);
                    if length > 0 {
                        return Ok(self.take(Kind::Text, length, 0));
                    }
                    if !self.refill()? {
                        let length = self.end - self.pos;
                        return Ok(self.take(Kind::Text, length, 0));
                    }
                }
            }
        }
    }

    fn piece(&self, kind: Kind, start: usize, end: usize) -> Piece {
        Piece {
            kind,
            start,
            end,
            is_spilled: false,
            is_shortened: false,
        }
    }

    /// Hands out `length` bytes and passes over `after` more.
    fn take(&mut self, kind: Kind, length: usize, after: usize) -> Piece {
        let start = self.pos;
        self.pos += length + after;
        self.piece(kind, start, start + length)
    }

    /// How many of the bytes at hand end with a whole character, and with a whole reference where there may be some.
    fn whole_characters(&self, with_references: bool) -> usize {
        let bytes = &self.buffer[self.pos..self.end];
        let mut length = bytes.len();
        if self.is_ended {
            return length;
        }
        let tail = &bytes[length.saturating_sub(3)..];
        if let Some(back) = tail.iter().rev().position(|byte| *byte & 0xc0 != 0x80) {
            let lead = tail[tail.len() - 1 - back];
            let size = match lead {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            if size > back + 1 {
                length -= back + 1;
            }
        }
        if with_references {
            let from = length.saturating_sub(13);
            if let Some(at) = memrchr(b'&', &bytes[from..length])
                && memchr(b';', &bytes[from + at..length]).is_none()
            {
                length = from + at;
            }
        }
        length
    }

    /// Reads more behind what is at hand; `false` where there is no more, or no room.
    fn refill(&mut self) -> io::Result<bool> {
        if self.is_ended {
            return Ok(false);
        }
        self.count_to(self.pos);
        self.buffer.copy_within(self.pos..self.end, 0);
        self.end -= self.pos;
        self.pos = 0;
        self.counted = 0;
        let before = self.end;
        while self.end < self.buffer.len() {
            let read = self.source.read(&mut self.buffer[self.end..])?;
            self.end += read;
            if read == 0 {
                self.is_ended = self.buffer.len() - self.end >= 4;
                break;
            }
            if self.end - before >= WINDOW / 2 {
                break;
            }
        }
        Ok(self.end > before)
    }

    fn count_to(&mut self, to: usize) {
        if let Some(mark) = self.mark
            && mark <= to
        {
            self.count(mark);
            self.settle_mark();
        }
        self.count(to);
    }

    fn count(&mut self, to: usize) {
        if to <= self.counted {
            return;
        }
        let passed = &self.buffer[self.counted..to];
        match memrchr(b'\n', passed) {
            Some(last) => {
                self.line += memchr_iter(b'\n', passed).count() as u64;
                self.column = (passed.len() - last - 1) as u64;
            }
            None => self.column += passed.len() as u64,
        }
        self.counted = to;
    }

    fn ensure(&mut self, wanted: usize) -> io::Result<()> {
        while self.end - self.pos < wanted && self.refill()? {}
        Ok(())
    }

    /// At a `<`.
    fn markup(&mut self) -> io::Result<Option<Piece>> {
        self.ensure(9)?;
        let here = &self.buffer[self.pos..self.end];
        match here.get(1) {
            Some(b'!') if here.starts_with(b"<!--") => {
                self.pos += 4;
                self.pass(b"-->")
            }
            Some(b'!') if here.starts_with(b"<![CDATA[") => {
                self.pos += 9;
                self.in_cdata = true;
                Ok(None)
            }
            Some(b'!') => self.doctype(),
            Some(b'?') => {
                let is_declaration = here.starts_with(b"<?xml ");
                let start = self.pos;
                self.count_to(start);
                self.pos += 2;
                let cut = self.pass(b"?>")?;
                if cut.is_none() && is_declaration {
                    // a declaration fits the window, so its start is still there
                    let start = start.min(self.pos);
                    return Ok(Some(self.piece(Kind::Declaration, start, start)));
                }
                Ok(cut)
            }
            Some(b'/' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' | 0x80..) => self.tag(),
            Some(_) => Ok(Some(self.take(Kind::Stray, 1, 0))),
            None => Ok(Some(self.take(Kind::Cut, 1, 0))),
        }
    }

    /// Passes over everything up to and including `what`.
    fn pass(&mut self, what: &[u8]) -> io::Result<Option<Piece>> {
        loop {
            let here = &self.buffer[self.pos..self.end];
            if let Some(at) = memmem::find(here, what) {
                self.pos += at + what.len();
                return Ok(None);
            }
            self.pos = self.end - here.len().min(what.len() - 1);
            if !self.refill()? {
                self.pos = self.end;
                return Ok(Some(self.take(Kind::Cut, 0, 0)));
            }
        }
    }

    fn cdata(&mut self) -> io::Result<Option<Piece>> {
        self.ensure(3)?;
        let here = &self.buffer[self.pos..self.end];
        if let Some(length) = memmem::find(here, b"]]>") {
            self.in_cdata = false;
            return Ok(Some(self.take(Kind::CData, length, 3)));
        }
        let length = self
            .whole_characters(false)
            .min(here.len().saturating_sub(2));
        if length > 0 {
            return Ok(Some(self.take(Kind::CData, length, 0)));
        }
        if !self.refill()? {
            self.in_cdata = false;
            self.pos = self.end;
            return Ok(Some(self.take(Kind::Cut, 0, 0)));
        }
        Ok(None)
    }

    /// At `<!`: up to the `>` outside of brackets, quotes and comments.
    fn doctype(&mut self) -> io::Result<Option<Piece>> {
        let mut brackets = 0u32;
        let mut quote = None;
        self.pos += 2;
        loop {
            self.ensure(4)?;
            let here = &self.buffer[self.pos..self.end];
            let Some(byte) = here.first().copied() else {
                return Ok(Some(self.take(Kind::Cut, 0, 0)));
            };
            if quote.is_none() && here.starts_with(b"<!--") {
                self.pos += 4;
                if let Some(cut) = self.pass(b"-->")? {
                    return Ok(Some(cut));
                }
                continue;
            }
            self.pos += 1;
            match (quote, byte) {
                (Some(open), byte) if open == byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'[') => brackets += 1,
                (None, b']') => brackets = brackets.saturating_sub(1),
                (None, b'>') if brackets == 0 => return Ok(Some(self.take(Kind::Doctype, 0, 0))),
                (None, _) => {}
            }
        }
    }

    /// At `<` and a name.
    fn tag(&mut self) -> io::Result<Option<Piece>> {
        let here = &self.buffer[self.pos..self.end];
        if let Some(end) = plain_end(here) {
            return Ok(Some(self.tag_to(end)));
        }
        let mut parser = ElementParser::default();
        let mut scanned = 1;
        loop {
            let here = &self.buffer[self.pos..self.end];
            if let Some(at) = parser.feed(&here[scanned..]) {
                return Ok(Some(self.tag_to(scanned + at)));
            }
            scanned = here.len();
            if scanned > WINDOW / 2 {
                return self.long_tag().map(Some);
            }
            if !self.refill()? {
                let length = self.end - self.pos;
                return Ok(Some(self.take(Kind::Cut, length, 0)));
            }
        }
    }

    /// Hands out the tag whose `>` is so many bytes ahead.
    fn tag_to(&mut self, end: usize) -> Piece {
        let (kind, from, to) = kind(&self.buffer[self.pos + 1..self.pos + end]);
        let start = self.pos + 1;
        self.pos += end + 1;
        self.piece(kind, start + from, start + to)
    }

    /// A tag that does not fit: its values are shortened while they are read.
    fn long_tag(&mut self) -> io::Result<Piece> {
        self.spill.clear();
        let whole = 8 * self.limit;
        let mut value = Kept::new(self.limit);
        let mut hash = Xxh3Default::new();
        let mut length = 0u64;
        let mut quote = None;
        let mut is_message = false;
        let mut is_shortened = false;
        self.pos += 1;
        loop {
            if self.pos == self.end && !self.refill()? {
                return Ok(self.take(Kind::Cut, 0, 0));
            }
            let here = &self.buffer[self.pos..self.end];
            let room = whole.saturating_sub(self.spill.len());
            let Some(open) = quote else {
                let at = here
                    .iter()
                    .position(|byte| matches!(byte, b'>' | b'"' | b'\''));
                let outside = &here[..at.unwrap_or(here.len())];
                self.spill
                    .extend_from_slice(&outside[..outside.len().min(room)]);
                self.pos += outside.len();
                match at.map(|at| here[at]) {
                    Some(b'>') => {
                        self.pos += 1;
                        let (kind, from, to) = kind(&self.spill);
                        self.spill.truncate(to);
                        self.spill.drain(..from);
                        return Ok(Piece {
                            is_spilled: true,
                            is_shortened,
                            ..self.piece(kind, self.pos, self.pos)
                        });
                    }
                    Some(byte) => {
                        let name = self.spill.trim_ascii_end();
                        is_message = name.ends_with(b"message=");
                        self.spill.push(byte);
                        quote = Some(byte);
                        self.pos += 1;
                    }
                    None => {}
                }
                continue;
            };
            let at = memchr(open, here);
            let inside = &here[..at.unwrap_or(here.len())];
            value.push(inside);
            hash.update(inside);
            length += inside.len() as u64;
            self.pos += inside.len();
            if at.is_some() {
                self.pos += 1;
                is_shortened |= length > self.limit as u64;
                if room > 0 {
                    self.spill.extend_from_slice(value.take().as_bytes());
                    if length > self.limit as u64 && !is_message {
                        // two long names that differ in the middle are two names
                        let print = format!("[{:016x}]", hash.digest());
                        self.spill.extend_from_slice(print.as_bytes());
                    }
                }
                value.clear();
                hash.reset();
                length = 0;
                self.spill.push(open);
                quote = None;
            }
        }
    }
}

/// Where a tag ends that has its values in double quotes: at the first `>` with an even number of them before it. `None`
/// where it takes a closer look.
fn plain_end(tag: &[u8]) -> Option<usize> {
    let end = memchr(b'>', tag)?;
    let tag = &tag[..end];
    let is_plain = memchr_iter(b'"', tag).count().is_multiple_of(2) && memchr(b'\'', tag).is_none();
    is_plain.then_some(end)
}

/// What a tag is, and where in it the name and attributes are.
fn kind(tag: &[u8]) -> (Kind, usize, usize) {
    match tag {
        [b'/', name @ ..] => {
            let name = name.trim_ascii_end();
            (Kind::End, 1, 1 + name.len())
        }
        [.., b'/'] => (Kind::Empty, 0, tag.len() - 1),
        _ => (Kind::Start, 0, tag.len()),
    }
}
