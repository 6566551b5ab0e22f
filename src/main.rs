//! The `tia` command.

fn main() -> std::process::ExitCode {
    tia::cli::run().into()
}
