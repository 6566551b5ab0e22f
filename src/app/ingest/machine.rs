//! What the machine that `tia` runs on says of itself, for reports that were made on it just now.
//!
//! Host name, memory and load are read from `/proc` and so known on Linux only.

use crate::model::{RunContext, attribute};

/// The machine's attributes, under OpenTelemetry's names.
pub(super) fn here() -> RunContext {
    let mut context = RunContext::default();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            context.set(name, value.trim());
        }
    };
    let first_word = |path: &str| {
        let text = std::fs::read_to_string(path).ok()?;
        text.split_whitespace().next().map(str::to_owned)
    };
    let cpus = std::thread::available_parallelism();
    set(attribute::CPUS, cpus.ok().map(|count| count.to_string()));
    set(attribute::ARCH, Some(architecture().to_owned()));
    set(attribute::OS, Some(system().to_owned()));
    set(attribute::HOST, first_word("/proc/sys/kernel/hostname"));
    set(attribute::LOAD, first_word("/proc/loadavg"));
    set(attribute::MEMORY, memory().map(|bytes| bytes.to_string()));
    context
}

/// Memory of the machine in bytes.
fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = total.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// As OpenTelemetry's `host.arch` spells it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        other => other,
    }
}

/// As OpenTelemetry's `os.type` spells it.
fn system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}
