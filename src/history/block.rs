//! The outcomes of one window of results, as bytes and back: statuses as exceptions, durations as one byte each.
//!
//! A block speaks of positions in a roster (`history::roster`) and knows no test. Layout, inside a frame of version and
//! checksum: which columns are there, the number of results, then as sections the exceptions (everything that is not
//! "passed at the first attempt"), the durations as differences to the roster's reference, and the starts.
//!
//! Not kept: durations closer than [`LogSeconds::ERROR`], which attempts were bad (their rows say), messages (rows).
//!
//! Versions: 1, the first.

use super::frame::{
    self, CodecError, MOST, Packer, open_frame, put_number, put_signed, seal, unseal,
};
#[cfg(doc)]
use crate::model::LogSeconds;
use crate::model::Status;

/// The version of the encoding; raised with every change to it.
pub const BLOCK_VERSION: u8 = 1;

const HAS_DURATIONS: u8 = 1;
const HAS_STARTS: u8 = 2;

const STATUS: u8 = 0b111;
const UNORDERED: u8 = 1 << 3;
const DETAILED: u8 = 1 << 4;
const COUNTED: u8 = 1 << 5;

/// A result that is more than "passed at the first attempt".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exception {
    /// Where in the roster.
    pub position: u32,
    /// How the last attempt ended.
    pub status: Status,
    /// How many attempts ended badly, the last one included; 255 for more.
    pub bad_attempts: u8,
    /// The order of the attempts is not known.
    pub unordered: bool,
    /// There are rows with what went wrong, or with earlier attempts.
    pub detailed: bool,
}

/// The outcomes of a window. The columns are as long as the roster, or empty where nothing is known.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outcomes {
    /// The number of results.
    pub count: u32,
    /// What is not "passed at the first attempt", by position.
    pub exceptions: Vec<Exception>,
    /// Codes of [`LogSeconds`] by position; empty once the block was thinned.
    pub durations: Vec<u8>,
    /// When each began, in milliseconds; empty where no result says so. In the order of execution where that is kept,
    /// else by position.
    pub starts: Vec<Option<i64>>,
}

/// Writes and reads blocks; keeps its working memory between them.
#[derive(Default)]
pub struct BlockCodec {
    packer: Packer,
    scratch: Vec<u8>,
}

impl BlockCodec {
    /// The bytes of `outcomes`. `reference` holds the roster's usual durations; positions beyond its end count as
    /// unknown there.
    ///
    /// Exceptions must be sorted by position. Cost: one pass, and zstd at level 1.
    pub fn encode(&mut self, outcomes: &Outcomes, reference: &[u8]) -> Vec<u8> {
        let mut out = open_frame(BLOCK_VERSION);
        let durations = !outcomes.durations.is_empty();
        let starts = outcomes.starts.iter().any(Option::is_some);
        out.push(if durations { HAS_DURATIONS } else { 0 } | if starts { HAS_STARTS } else { 0 });
        put_number(&mut out, u64::from(outcomes.count));
        put_number(&mut out, outcomes.exceptions.len() as u64);
        self.scratch.clear();
        put_exceptions(&mut self.scratch, &outcomes.exceptions);
        self.packer.put_section(&mut out, &self.scratch);
        if durations {
            self.scratch.clear();
            self.scratch.extend_from_slice(&outcomes.durations);
            for (code, usual) in self.scratch.iter_mut().zip(reference) {
                *code = code.wrapping_sub(*usual);
            }
            self.packer.put_section(&mut out, &self.scratch);
        }
        if starts {
            self.scratch.clear();
            put_starts(&mut self.scratch, &outcomes.starts);
            self.packer.put_section(&mut out, &self.scratch);
        }
        seal(out)
    }

    /// Reads what [`BlockCodec::encode`] wrote with the same `reference`, into `into`, whose memory is used again.
    ///
    /// # Errors
    /// [`CodecError`] where version, sum or columns do not hold; `into` is then of no use.
    pub fn decode(
        &mut self,
        block: &[u8],
        reference: &[u8],
        into: &mut Outcomes,
    ) -> Result<(), CodecError> {
        let (columns, mut input) = self.decode_exceptions(block, into)?;
        let count = into.count as usize;
        if columns & HAS_DURATIONS != 0 {
            self.packer
                .section(&mut input, count, &mut into.durations)?;
            if into.durations.len() != count {
                return Err(CodecError::Damaged);
            }
            for (code, usual) in into.durations.iter_mut().zip(reference) {
                *code = code.wrapping_add(*usual);
            }
        }
        if columns & HAS_STARTS != 0 {
            self.packer
                .section(&mut input, count * 11, &mut self.scratch)?;
            starts_of(&self.scratch, count, &mut into.starts)?;
        }
        if input.is_empty() {
            Ok(())
        } else {
            Err(CodecError::Damaged)
        }
    }

    /// Reads how results ended, without durations and starts. Returns which columns there are, and the bytes of the others.
    ///
    /// # Errors
    /// As [`BlockCodec::decode`], but for what the columns that are not read hold.
    pub(super) fn decode_exceptions<'a>(
        &mut self,
        block: &'a [u8],
        into: &mut Outcomes,
    ) -> Result<(u8, &'a [u8]), CodecError> {
        let mut input = unseal(block, BLOCK_VERSION)?;
        let columns = frame::byte(&mut input)?;
        if columns & !(HAS_DURATIONS | HAS_STARTS) != 0 {
            return Err(CodecError::Damaged);
        }
        let count = frame::length(&mut input, MOST)?;
        into.count = count as u32;
        let exceptions = frame::length(&mut input, count)?;
        self.packer
            .section(&mut input, exceptions * 8 + 1, &mut self.scratch)?;
        exceptions_of(&self.scratch, exceptions, count, &mut into.exceptions)?;
        into.durations.clear();
        into.starts.clear();
        Ok((columns, input))
    }
}

/// Columns: gaps between positions, kinds, and the number of bad attempts where the status does not tell it.
fn put_exceptions(out: &mut Vec<u8>, exceptions: &[Exception]) {
    let mut next = 0;
    for exception in exceptions {
        put_number(out, u64::from(exception.position - next));
        next = exception.position + 1;
    }
    for exception in exceptions {
        let mut kind = status_code(exception.status);
        if exception.unordered {
            kind |= UNORDERED;
        }
        if exception.detailed {
            kind |= DETAILED;
        }
        if exception.bad_attempts != u8::from(exception.status.is_bad()) {
            kind |= COUNTED;
        }
        out.push(kind);
    }
    let counted = exceptions
        .iter()
        .filter(|e| e.bad_attempts != u8::from(e.status.is_bad()));
    out.extend(counted.map(|e| e.bad_attempts));
}

fn exceptions_of(
    mut input: &[u8],
    exceptions: usize,
    count: usize,
    into: &mut Vec<Exception>,
) -> Result<(), CodecError> {
    into.clear();
    let mut next = 0_u64;
    for _ in 0..exceptions {
        let position = next.saturating_add(frame::number(&mut input)?);
        if position >= count as u64 {
            return Err(CodecError::Damaged);
        }
        next = position + 1;
        into.push(Exception {
            position: position as u32,
            status: Status::Passed,
            bad_attempts: 0,
            unordered: false,
            detailed: false,
        });
    }
    let kinds = frame::bytes(&mut input, exceptions)?;
    for (exception, kind) in into.iter_mut().zip(kinds) {
        if kind & !(STATUS | UNORDERED | DETAILED | COUNTED) != 0 {
            return Err(CodecError::Damaged);
        }
        exception.status = status_of(kind & STATUS).ok_or(CodecError::Damaged)?;
        exception.unordered = kind & UNORDERED != 0;
        exception.detailed = kind & DETAILED != 0;
        exception.bad_attempts = if kind & COUNTED != 0 {
            frame::byte(&mut input)?
        } else {
            u8::from(exception.status.is_bad())
        };
    }
    if input.is_empty() {
        Ok(())
    } else {
        Err(CodecError::Damaged)
    }
}

/// For each: 0 where unknown, else the distance to the one before, moved out of the way of the 0.
fn put_starts(out: &mut Vec<u8>, starts: &[Option<i64>]) {
    let mut before = 0_i64;
    for start in starts {
        match start {
            None => out.push(0),
            Some(at) => {
                out.push(1);
                put_signed(out, at.wrapping_sub(before));
                before = *at;
            }
        }
    }
}

fn starts_of(
    mut input: &[u8],
    count: usize,
    into: &mut Vec<Option<i64>>,
) -> Result<(), CodecError> {
    let mut before = 0_i64;
    for _ in 0..count {
        into.push(match frame::byte(&mut input)? {
            0 => None,
            1 => {
                before = before.wrapping_add(frame::signed(&mut input)?);
                Some(before)
            }
            _ => return Err(CodecError::Damaged),
        });
    }
    if input.is_empty() {
        Ok(())
    } else {
        Err(CodecError::Damaged)
    }
}

/// The number that a status is stored as. Never changed, only added to.
pub(super) fn status_code(status: Status) -> u8 {
    match status {
        Status::Passed => 0,
        Status::Failed => 1,
        Status::Errored => 2,
        Status::Skipped => 3,
        Status::Disabled => 4,
    }
}

pub(super) fn status_of(code: u8) -> Option<Status> {
    Some(match code {
        0 => Status::Passed,
        1 => Status::Failed,
        2 => Status::Errored,
        3 => Status::Skipped,
        4 => Status::Disabled,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcomes() -> impl Strategy<Value = Outcomes> {
        let kind = (0u8..5, any::<u8>(), any::<bool>(), any::<bool>());
        let row = (
            proptest::option::weighted(0.3, kind),
            any::<u8>(),
            proptest::option::of(any::<i64>()),
        );
        (
            proptest::collection::vec(row, 0..120),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(|(rows, durations, starts)| Outcomes {
                count: rows.len() as u32,
                exceptions: rows
                    .iter()
                    .enumerate()
                    .filter_map(|(at, row)| {
                        let (status, bad_attempts, unordered, detailed) = row.0?;
                        Some(Exception {
                            position: at as u32,
                            status: status_of(status)?,
                            bad_attempts,
                            unordered,
                            detailed,
                        })
                    })
                    .collect(),
                durations: rows.iter().map(|row| row.1).filter(|_| durations).collect(),
                starts: if starts && rows.iter().any(|row| row.2.is_some()) {
                    rows.iter().map(|row| row.2).collect()
                } else {
                    Vec::new()
                },
            })
    }

    fn decode(block: &[u8], reference: &[u8]) -> Result<Outcomes, CodecError> {
        let mut into = Outcomes::default();
        BlockCodec::default()
            .decode(block, reference, &mut into)
            .map(|()| into)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            outcomes in outcomes(), reference in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            let block = BlockCodec::default().encode(&outcomes, &reference);
            prop_assert_eq!(decode(&block, &reference), Ok(outcomes));
        }

        #[test]
        fn any_changed_byte_is_noticed(outcomes in outcomes(), at in any::<prop::sample::Index>(), flip in 1u8..) {
            let mut block = BlockCodec::default().encode(&outcomes, &[]);
            let at = at.index(block.len());
            block[at] ^= flip;
            prop_assert!(decode(&block, &[]).is_err());
        }

        #[test]
        fn any_cut_is_noticed(outcomes in outcomes(), at in any::<prop::sample::Index>()) {
            let block = BlockCodec::default().encode(&outcomes, &[]);
            prop_assert!(decode(&block[..at.index(block.len())], &[]).is_err());
        }

        #[test]
        fn columns_that_do_not_fit_are_damage_and_no_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut block = open_frame(BLOCK_VERSION);
            block.extend_from_slice(&payload);
            let _ = decode(&seal(block), &[]);
        }
    }

    #[test]
    fn a_run_in_which_all_passed_as_usual_takes_a_few_bytes() {
        let reference: Vec<u8> = (0..10_000).map(|i| (i % 90) as u8 + 40).collect();
        let outcomes = Outcomes {
            count: 10_000,
            durations: reference.clone(),
            ..Outcomes::default()
        };
        let block = BlockCodec::default().encode(&outcomes, &reference);
        assert!(block.len() < 64, "{} bytes", block.len());
    }

    #[test]
    fn a_newer_block_is_told_apart_from_a_damaged_one() {
        let block = seal(open_frame(BLOCK_VERSION + 1));
        assert_eq!(
            decode(&block, &[]),
            Err(CodecError::Newer(BLOCK_VERSION + 1))
        );
    }
}
