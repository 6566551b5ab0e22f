//! What the history costs.
fn main() {}
