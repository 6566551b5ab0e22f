//! Which series a block speaks of, and in which order they ran, as bytes and back.
//!
//! A roster is a sorted set of series numbers with their usual durations; an order is a permutation of its positions.
//! Both are shared between runs by content, so a suite that does not change costs nothing after its first run.
//!
//! Versions: 1, the first.

use super::frame::{
    self, CodecError, MOST, Packer, open_frame, put_number, put_signed, seal, unseal,
};

const VERSION: u8 = 1;

/// Order: as the roster.
const AS_ROSTER: u8 = 0;
/// Order: distances between neighbours; short where tests move in groups.
const DISTANCES: u8 = 1;
/// Order: high bytes, then low bytes; short where nothing is left of the roster's order.
const PLANES: u8 = 2;

/// The bytes of a sorted set of series numbers.
pub(super) fn encode_members(packer: &mut Packer, members: &[u32]) -> Vec<u8> {
    let mut gaps = Vec::with_capacity(members.len() + 8);
    let mut next = 0;
    for member in members {
        put_number(&mut gaps, u64::from(member - next));
        next = member.saturating_add(1);
    }
    let mut out = open_frame(VERSION);
    put_number(&mut out, members.len() as u64);
    packer.put_section(&mut out, &gaps);
    seal(out)
}

/// Reads what [`encode_members`] wrote.
pub(super) fn decode_members(packer: &mut Packer, bytes: &[u8]) -> Result<Vec<u32>, CodecError> {
    let mut input = unseal(bytes, VERSION)?;
    let count = frame::length(&mut input, MOST)?;
    let mut gaps = Vec::new();
    packer.section(&mut input, count * 5, &mut gaps)?;
    let mut gaps = gaps.as_slice();
    let mut members = Vec::with_capacity(count.min(gaps.len()));
    let mut next = 0_u64;
    for _ in 0..count {
        let member = next.saturating_add(frame::number(&mut gaps)?);
        members.push(u32::try_from(member).map_err(|_| CodecError::Damaged)?);
        next = member + 1;
    }
    (gaps.is_empty() && input.is_empty())
        .then_some(members)
        .ok_or(CodecError::Damaged)
}

/// The bytes of a column of one byte per member.
pub(super) fn encode_bytes(packer: &mut Packer, bytes: &[u8]) -> Vec<u8> {
    let mut out = open_frame(VERSION);
    packer.put_section(&mut out, bytes);
    seal(out)
}

/// Reads what [`encode_bytes`] wrote.
pub(super) fn decode_bytes(packer: &mut Packer, bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut input = unseal(bytes, VERSION)?;
    let mut column = Vec::new();
    packer.section(&mut input, MOST, &mut column)?;
    input
        .is_empty()
        .then_some(column)
        .ok_or(CodecError::Damaged)
}

/// The bytes of a permutation: for each step of the execution the position in the roster.
pub(super) fn encode_order(packer: &mut Packer, order: &[u32]) -> Vec<u8> {
    let mut out = open_frame(VERSION);
    put_number(&mut out, order.len() as u64);
    if order.iter().enumerate().all(|(at, to)| at as u32 == *to) {
        out.push(AS_ROSTER);
        return seal(out);
    }
    let mut plain = Vec::with_capacity(order.len() * 2);
    let mut expected = 0;
    for to in order {
        put_signed(&mut plain, i64::from(*to) - expected);
        expected = i64::from(*to) + 1;
    }
    let mut distances = vec![DISTANCES];
    packer.put_section(&mut distances, &plain);
    let mut planes = vec![PLANES];
    let high = if order.len() > 1 << 16 { 2 } else { 1 };
    for plane in (0..=high).rev() {
        plain.clear();
        plain.extend(order.iter().map(|to| (to >> (8 * plane)) as u8));
        packer.put_section(&mut planes, &plain);
    }
    out.extend_from_slice(if planes.len() < distances.len() {
        &planes
    } else {
        &distances
    });
    seal(out)
}

/// Reads what [`encode_order`] wrote; a list that is no permutation is damage.
pub(super) fn decode_order(packer: &mut Packer, bytes: &[u8]) -> Result<Vec<u32>, CodecError> {
    let mut input = unseal(bytes, VERSION)?;
    let count = frame::length(&mut input, MOST)?;
    let mut plain = Vec::new();
    let order: Vec<u32> = match frame::byte(&mut input)? {
        AS_ROSTER => (0..count as u32).collect(),
        DISTANCES => {
            packer.section(&mut input, count * 5, &mut plain)?;
            let mut plain = plain.as_slice();
            let mut expected = 0_i64;
            let mut order = Vec::with_capacity(count.min(plain.len()));
            for _ in 0..count {
                let to = expected.wrapping_add(frame::signed(&mut plain)?);
                order.push(u32::try_from(to).map_err(|_| CodecError::Damaged)?);
                expected = to + 1;
            }
            if !plain.is_empty() {
                return Err(CodecError::Damaged);
            }
            order
        }
        PLANES => {
            let mut order = Vec::new();
            for _ in 0..if count > 1 << 16 { 3 } else { 2 } {
                packer.section(&mut input, count, &mut plain)?;
                if plain.len() != count {
                    return Err(CodecError::Damaged);
                }
                order.resize(count, 0_u32);
                for (to, low) in order.iter_mut().zip(&plain) {
                    *to = *to << 8 | u32::from(*low);
                }
            }
            order
        }
        _ => return Err(CodecError::Damaged),
    };
    let mut seen = vec![false; order.len()];
    let whole = input.is_empty()
        && order.iter().all(|to| {
            seen.get_mut(*to as usize)
                .is_some_and(|seen| !std::mem::replace(seen, true))
        });
    whole.then_some(order).ok_or(CodecError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rosters_are_read_back(set in proptest::collection::btree_set(any::<u32>(), 0..100)) {
            let members: Vec<u32> = set.into_iter().collect();
            let mut packer = Packer::default();
            let bytes = encode_members(&mut packer, &members);
            prop_assert_eq!(decode_members(&mut packer, &bytes), Ok(members));
        }

        #[test]
        fn orders_are_read_back(order in (0u32..400).prop_flat_map(|count| Just((0..count).collect::<Vec<_>>()).prop_shuffle())) {
            let mut packer = Packer::default();
            let bytes = encode_order(&mut packer, &order);
            prop_assert_eq!(decode_order(&mut packer, &bytes), Ok(order));
        }

        #[test]
        fn any_payload_is_read_or_refused(payload in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut bytes = open_frame(VERSION);
            bytes.extend_from_slice(&payload);
            let (bytes, mut packer) = (seal(bytes), Packer::default());
            let _ = (decode_members(&mut packer, &bytes), decode_order(&mut packer, &bytes));
        }
    }

    #[test]
    fn an_order_longer_than_sixteen_bits_is_read_back() {
        let mut packer = Packer::default();
        // a step that has no factor in common with the length visits every position
        let order: Vec<u32> = (0..70_001_u64)
            .map(|i| (i * 30_011 % 70_001) as u32)
            .collect();
        let bytes = encode_order(&mut packer, &order);
        assert_eq!(decode_order(&mut packer, &bytes), Ok(order));
    }

    #[test]
    fn a_list_that_visits_a_test_twice_is_no_order() {
        let mut packer = Packer::default();
        let bytes = encode_order(&mut packer, &[1, 0, 1]);
        assert_eq!(decode_order(&mut packer, &bytes), Err(CodecError::Damaged));
    }
}
