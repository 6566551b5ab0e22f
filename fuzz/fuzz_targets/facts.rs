//! Any bytes give facts, whatever the file is called: the first byte chooses the name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tia::lang;

const NAMES: &[&str] = &[
    "src/lib.rs", "pkg/mod.py", "Cargo.toml", "Cargo.lock", "pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini",
    "requirements.txt", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile", "Pipfile.lock", ".cargo/config.toml",
    "rust-toolchain.toml", ".config/nextest.toml", "stub.pyi",
];

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let name = NAMES[*first as usize % NAMES.len()];
    if let Some((reader, kind)) = lang::of(&name.into()) {
        for kind in [kind, reader.closer(kind)] {
            let facts = reader.facts(kind, bytes);
            assert_eq!(facts, reader.facts(kind, bytes), "facts depend on bytes alone");
        }
    }
});
