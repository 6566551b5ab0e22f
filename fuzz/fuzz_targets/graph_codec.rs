//! Any bytes are a graph or an error; a graph is written back as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tia::graph::{FORMAT_VERSION, Graph};
use tia::model::Fingerprint;

fuzz_target!(|payload: &[u8]| {
    let _ = Graph::decode(payload);
    // behind a right header, so that the columns themselves are reached
    let mut bytes = b"TIAGRAPH".to_vec();
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&Fingerprint::of(payload).0.to_le_bytes());
    bytes.extend_from_slice(payload);
    if let Ok(graph) = Graph::decode(&bytes) {
        assert_eq!(Graph::decode(&graph.encode()).expect("just written").encode(), graph.encode());
    }
});
