//! The `tia` command.

fn main() {}
