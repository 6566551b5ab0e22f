//! Integration tests: the binary, run on repositories that are made for the purpose.

mod commands;
mod conformance;
mod robust;
mod support;
