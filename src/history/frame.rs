//! What all stored bytes of the history share: a frame with version and checksum, compressed sections, numbers of
//! varying length. Reading never panics and never takes more memory than the input can justify.

use crate::model::Fingerprint;

/// Why stored bytes could not be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CodecError {
    /// Written by a newer version of the format.
    #[error("format {0} is newer than this program")]
    Newer(u8),
    /// Cut or changed since it was written, or never written by this program.
    #[error("damaged")]
    Damaged,
}

/// More entries than this in one block, roster or order are taken as damage.
pub(super) const MOST: usize = 1 << 24;

const SUM: usize = 8;
const RAW: u8 = 0;
const ZSTD: u8 = 1;
/// Fewer bytes than this are not worth the frame of a compressor.
const WORTH_PACKING: usize = 24;
/// The most that one byte of zstd can stand for: a block of 128 KiB told in a few bytes.
const MOST_PER_BYTE: usize = 1 << 17;

/// Compressor and decompressor with their working memory, made once and used for all blocks of a walk.
pub(super) struct Packer {
    packer: zstd::bulk::Compressor<'static>,
    unpacker: zstd::bulk::Decompressor<'static>,
}

impl Default for Packer {
    fn default() -> Self {
        // level 1: durations are noise around a reference, and only their entropy can be coded away
        Self {
            packer: zstd::bulk::Compressor::new(1).expect("level 1 exists"),
            unpacker: zstd::bulk::Decompressor::new().expect("needs no dictionary"),
        }
    }
}

impl Packer {
    /// Appends `bytes` to `out` as a section: how, length, stored length, contents.
    pub(super) fn put_section(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        let packed = if bytes.len() >= WORTH_PACKING {
            self.packer
                .compress(bytes)
                .ok()
                .filter(|p| p.len() < bytes.len())
        } else {
            None
        };
        match packed {
            Some(packed) => {
                out.push(ZSTD);
                put_number(out, bytes.len() as u64);
                put_number(out, packed.len() as u64);
                out.extend_from_slice(&packed);
            }
            None => {
                out.push(RAW);
                put_number(out, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
        }
    }

    /// Reads a section of at most `most` bytes into `into`, which is emptied first.
    pub(super) fn section(
        &mut self,
        input: &mut &[u8],
        most: usize,
        into: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        into.clear();
        let how = byte(input)?;
        let length = length(input, most)?;
        match how {
            RAW => into.extend_from_slice(bytes(input, length)?),
            ZSTD => {
                let stored_length = number(input)?;
                let stored_length =
                    usize::try_from(stored_length).map_err(|_| CodecError::Damaged)?;
                let stored = bytes(input, stored_length)?;
                if length > stored.len().saturating_mul(MOST_PER_BYTE) {
                    return Err(CodecError::Damaged);
                }
                into.reserve(length);
                let got = self
                    .unpacker
                    .decompress_to_buffer(stored, into)
                    .map_err(|_| CodecError::Damaged)?;
                if got != length {
                    return Err(CodecError::Damaged);
                }
            }
            _ => return Err(CodecError::Damaged),
        }
        Ok(())
    }

    /// `bytes` compressed, where that is shorter.
    pub(super) fn pack_text(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.packer
            .compress(bytes)
            .ok()
            .filter(|packed| packed.len() < bytes.len())
    }

    /// What [`Packer::pack_text`] made, of the given length.
    pub(super) fn unpack_text(packed: &[u8], length: usize) -> Result<Vec<u8>, CodecError> {
        if length > packed.len().saturating_mul(MOST_PER_BYTE) {
            return Err(CodecError::Damaged);
        }
        let text = zstd::bulk::decompress(packed, length).map_err(|_| CodecError::Damaged)?;
        if text.len() == length {
            Ok(text)
        } else {
            Err(CodecError::Damaged)
        }
    }
}

/// Version, then room for the sum that [`seal`] fills in.
pub(super) fn open_frame(version: u8) -> Vec<u8> {
    let mut out = vec![version];
    out.extend_from_slice(&[0; SUM]);
    out
}

/// Fills in the checksum of everything behind it.
pub(super) fn seal(mut frame: Vec<u8>) -> Vec<u8> {
    let sum = sum_of(frame[0], &frame[1 + SUM..]);
    frame[1..=SUM].copy_from_slice(&sum);
    frame
}

/// The payload of a frame whose version and sum hold.
pub(super) fn unseal(frame: &[u8], version: u8) -> Result<&[u8], CodecError> {
    let (&found, rest) = frame.split_first().ok_or(CodecError::Damaged)?;
    let (sum, payload) = rest.split_first_chunk::<SUM>().ok_or(CodecError::Damaged)?;
    if sum_of(found, payload) != *sum {
        return Err(CodecError::Damaged);
    }
    if found > version {
        return Err(CodecError::Newer(found));
    }
    Ok(payload)
}

fn sum_of(version: u8, payload: &[u8]) -> [u8; SUM] {
    let sum = (Fingerprint::of(payload).0 as u64) ^ u64::from(version);
    sum.to_le_bytes()
}

/// Appends a number: seven bits a byte, low bits first.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number, small ones of either sign short.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)) as u64);
}

pub(super) fn byte(input: &mut &[u8]) -> Result<u8, CodecError> {
    let (&first, rest) = input.split_first().ok_or(CodecError::Damaged)?;
    *input = rest;
    Ok(first)
}

pub(super) fn bytes<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], CodecError> {
    let (head, rest) = input.split_at_checked(count).ok_or(CodecError::Damaged)?;
    *input = rest;
    Ok(head)
}

pub(super) fn number(input: &mut &[u8]) -> Result<u64, CodecError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let next = byte(input)?;
        let low = u64::from(next & 0x7f);
        if shift == 63 && low > 1 {
            break;
        }
        number |= low << shift;
        if next < 0x80 {
            return Ok(number);
        }
    }
    Err(CodecError::Damaged)
}

pub(super) fn signed(input: &mut &[u8]) -> Result<i64, CodecError> {
    let number = number(input)?;
    Ok((number >> 1) as i64 ^ -((number & 1) as i64))
}

/// A number that counts entries: at most `most`.
pub(super) fn length(input: &mut &[u8], most: usize) -> Result<usize, CodecError> {
    usize::try_from(number(input)?)
        .ok()
        .filter(|length| *length <= most)
        .ok_or(CodecError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_read_back(plain in any::<u64>(), with_sign in any::<i64>()) {
            let mut out = Vec::new();
            put_number(&mut out, plain);
            put_signed(&mut out, with_sign);
            let mut input = out.as_slice();
            prop_assert_eq!(number(&mut input), Ok(plain));
            prop_assert_eq!(signed(&mut input), Ok(with_sign));
            prop_assert!(input.is_empty());
        }

        #[test]
        fn sections_are_read_back(bytes in proptest::collection::vec(0u8..4, 0..200)) {
            let mut packer = Packer::default();
            let (mut out, mut back) = (Vec::new(), Vec::new());
            packer.put_section(&mut out, &bytes);
            packer.section(&mut out.as_slice(), 200, &mut back).unwrap();
            prop_assert_eq!(&back, &bytes);
            prop_assert!(bytes.is_empty() || packer.section(&mut out.as_slice(), bytes.len() - 1, &mut back).is_err());
        }
    }
}
