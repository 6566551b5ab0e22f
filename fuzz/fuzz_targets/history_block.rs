//! Any bytes are a block or an error; a block is written back as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tia::history::{BLOCK_VERSION, BlockCodec, Outcomes};
use tia::model::Fingerprint;

fuzz_target!(|input: &[u8]| {
    let mut codec = BlockCodec::default();
    let mut outcomes = Outcomes::default();
    let _ = codec.decode(input, &[], &mut outcomes);
    // behind a right header, so that the columns themselves are reached
    let reference = [7; 64];
    let mut block = vec![BLOCK_VERSION];
    let sum = Fingerprint::of(input).0 as u64 ^ u64::from(BLOCK_VERSION);
    block.extend_from_slice(&sum.to_le_bytes());
    block.extend_from_slice(input);
    if codec.decode(&block, &reference, &mut outcomes).is_ok() {
        let again = codec.encode(&outcomes, &reference);
        let mut back = Outcomes::default();
        codec.decode(&again, &reference, &mut back).expect("just written");
        if outcomes.starts.iter().all(Option::is_none) {
            // a column in which nothing is known is not written again
            outcomes.starts.clear();
        }
        assert_eq!(back, outcomes);
    }
});
