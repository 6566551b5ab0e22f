//! Integration tests: the binary, run on repositories that are made for the purpose.

mod conformance;
mod support;
