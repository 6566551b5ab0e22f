//! Integration tests: the binary, run on repositories that are made for the purpose.

mod assess;
mod commands;
mod conformance;
mod coverage;
mod coverage_cargo;
mod culprit;
mod flaky;
mod gate;
mod history;
mod lately;
mod record;
mod report;
mod revert;
mod robust;
mod support;
