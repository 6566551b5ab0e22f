//! Git LFS: a blob of three lines that stands for the real data in the working tree.
//!
//! Not seen here: pointer extensions (`ext-0-…` lines) are ignored: size and hash of the data are what counts.

use std::io::{self, Read};
use std::path::Path;

use bstr::ByteSlice;
use sha2::{Digest, Sha256};

const VERSION: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
/// A pointer is never larger.
const LARGEST: usize = 1024;

/// The pointer that Git LFS would store for the data on disk; `None` where a pointer is on disk itself, or nothing.
///
/// Cost: reads the file once.
pub(super) fn pointer_of(disk: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = std::fs::File::open(disk)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0usize;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        if size == 0 && bytes.len() <= LARGEST && bytes.starts_with(VERSION) {
            return Ok(None);
        }
        size += bytes.len();
        hasher.update(bytes);
    }
    if size == 0 {
        return Ok(None);
    }
    let mut pointer = VERSION.to_vec();
    pointer.extend_from_slice(
        format!("oid sha256:{}\nsize {size}\n", hex(&hasher.finalize())).as_bytes(),
    );
    Ok(Some(pointer))
}

/// Whether the file holds the data that the pointer names.
pub(super) fn stands_for(pointer: &[u8], disk: &Path) -> bool {
    if pointer.len() > LARGEST || !pointer.starts_with(VERSION) {
        return false;
    }
    let field = |text: &[u8], name: &[u8]| -> Option<Vec<u8>> {
        text.lines()
            .find_map(|line| line.strip_prefix(name).map(<[u8]>::to_vec))
    };
    let Ok(Some(actual)) = pointer_of(disk) else {
        return false;
    };
    [&b"oid sha256:"[..], b"size "]
        .iter()
        .all(|name| field(pointer, name).is_some() && field(pointer, name) == field(&actual, name))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
