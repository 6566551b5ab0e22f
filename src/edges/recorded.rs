//! The file of recordings that `tia record` writes and `tia select` reads: JSON, described in `docs/json-v1.md`.

use indexmap::IndexSet;
use serde::{Deserialize, Serialize};

use crate::model::{Meeting, Reader, Recording, RepoPath};

const SCHEMA: &str = "tia.recorded";
const VERSION: u32 = 1;

/// Why a file of recordings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// It is no such JSON.
    #[error("is no recording")]
    Syntax(#[source] serde_json::Error),
    /// It is JSON of something else, or of a later version.
    #[error("is `{schema}` of version {version}, not `{SCHEMA}` of version {VERSION}")]
    Other {
        /// What it says it is.
        schema: String,
        /// Of which version.
        version: u32,
    },
    /// It names a path by a number that it does not have.
    #[error("has no path {0}")]
    NoPath(u32),
    /// A reader is neither a test nor a file, or both.
    #[error("has a reader that is not either a test or a file")]
    NoReader,
}

#[derive(Deserialize, Serialize)]
struct Wire {
    schema: String,
    version: u32,
    paths: Vec<Name>,
    recordings: Vec<WireRecording>,
}

/// A path; bytes where it is no text.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WireRecording {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    readers: Vec<WireReader>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct WireReader {
    #[serde(skip_serializing_if = "Option::is_none")]
    suite: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    loads: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reads: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    looks_for: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lists: Vec<u32>,
}

impl WireReader {
    fn list(&mut self, meeting: Meeting) -> &mut Vec<u32> {
        match meeting {
            Meeting::Loads => &mut self.loads,
            Meeting::Reads => &mut self.reads,
            Meeting::LooksFor => &mut self.looks_for,
            Meeting::Lists => &mut self.lists,
        }
    }
}

const MEETINGS: [Meeting; 4] = [
    Meeting::Loads,
    Meeting::Reads,
    Meeting::LooksFor,
    Meeting::Lists,
];

/// Reads a file.
///
/// # Errors
/// Bytes that are no file of recordings, or one of a later version.
pub fn read(bytes: &[u8]) -> Result<Vec<Recording>, RecordedError> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
        version: u32,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(RecordedError::Syntax)?;
    if head.schema != SCHEMA || head.version != VERSION {
        return Err(RecordedError::Other {
            schema: head.schema,
            version: head.version,
        });
    }
    let wire: Wire = serde_json::from_slice(bytes).map_err(RecordedError::Syntax)?;
    let paths: Vec<RepoPath> = wire
        .paths
        .iter()
        .map(|name| match name {
            Name::Text(text) => RepoPath::new(text),
            Name::Bytes(bytes) => RepoPath::new(bytes),
        })
        .collect();
    let path = |at: u32| {
        paths
            .get(at as usize)
            .cloned()
            .ok_or(RecordedError::NoPath(at))
    };
    let recordings = wire.recordings.into_iter().map(|recording| {
        let readers = recording.readers.into_iter().map(|mut wire| {
            let reader = match (wire.suite.take(), wire.file) {
                (Some(suite), None) => Reader::Test {
                    suite,
                    case: wire.case.take(),
                },
                (None, Some(file)) => Reader::File(path(file)?),
                _ => return Err(RecordedError::NoReader),
            };
            let mut met = Vec::new();
            for meeting in MEETINGS {
                for at in wire.list(meeting) {
                    met.push((meeting, path(*at)?));
                }
            }
            Ok((reader, met))
        });
        Ok(Recording {
            commit: recording.commit,
            readers: readers.collect::<Result<_, _>>()?,
        })
    });
    recordings.collect()
}

/// Writes a file. Each path stands in it once.
pub fn write(recordings: &[Recording]) -> Vec<u8> {
    let mut paths: IndexSet<&RepoPath> = IndexSet::new();
    let mut place = |path| paths.insert_full(path).0 as u32;
    let recordings: Vec<WireRecording> = recordings
        .iter()
        .map(|recording| WireRecording {
            commit: recording.commit.clone(),
            readers: recording
                .readers
                .iter()
                .map(|(reader, met)| {
                    let mut wire = WireReader::default();
                    match reader {
                        Reader::Test { suite, case } => {
                            wire.suite = Some(suite.clone());
                            wire.case.clone_from(case);
                        }
                        Reader::File(file) => wire.file = Some(place(file)),
                    }
                    for (meeting, path) in met {
                        let at = place(path);
                        wire.list(*meeting).push(at);
                    }
                    wire
                })
                .collect(),
        })
        .collect();
    let name = |path: &&RepoPath| match path.to_str() {
        Some(text) => Name::Text(text.to_owned()),
        None => Name::Bytes(path.as_bytes().to_vec()),
    };
    let wire = Wire {
        schema: SCHEMA.to_owned(),
        version: VERSION,
        paths: paths.iter().map(name).collect(),
        recordings,
    };
    let mut bytes = serde_json::to_vec(&wire).expect("plain data has an encoding");
    bytes.push(b'\n');
    bytes
}

/// Lays a new recording over older ones: what a reader met is what it met the last time it was recorded.
pub fn renew(older: &mut Vec<Recording>, new: Recording) {
    let again: std::collections::HashSet<&Reader> =
        new.readers.iter().map(|(reader, _)| reader).collect();
    for recording in older.iter_mut() {
        recording
            .readers
            .retain(|(reader, _)| !again.contains(reader));
    }
    older.retain(|recording| !recording.readers.is_empty());
    older.push(new);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recording() -> impl Strategy<Value = Recording> {
        let path = || proptest::collection::vec(any::<u8>(), 1..4).prop_map(RepoPath::new);
        let reader = prop_oneof![
            ("[a-c]", proptest::option::of("[a-c]"))
                .prop_map(|(suite, case)| Reader::Test { suite, case }),
            path().prop_map(Reader::File),
        ];
        let met =
            proptest::collection::btree_set((prop::sample::select(&MEETINGS[..]), path()), 0..4);
        let readers = proptest::collection::btree_map(reader, met, 0..5);
        (proptest::option::of("[0-9a-f]{4}"), readers).prop_map(|(commit, readers)| Recording {
            commit,
            readers: readers
                .into_iter()
                .map(|(reader, met)| (reader, met.into_iter().collect()))
                .collect(),
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(recordings in proptest::collection::vec(recording(), 0..3)) {
            prop_assert_eq!(read(&write(&recordings)).unwrap(), recordings);
        }

        #[test]
        fn damaged_files_never_panic(
            recordings in proptest::collection::vec(recording(), 1..3),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = write(&recordings);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = read(&bytes);
        }

        #[test]
        fn a_reader_stands_in_one_recording_after_any_renewals(all in proptest::collection::vec(recording(), 1..4)) {
            let mut kept = Vec::new();
            for one in &all {
                renew(&mut kept, one.clone());
            }
            for (reader, _) in all.iter().flat_map(|one| &one.readers) {
                let last = all.iter().rev().find_map(|one| one.readers.iter().find(|(other, _)| other == reader));
                let found: Vec<_> = kept.iter().flat_map(|one| &one.readers).filter(|(other, _)| other == reader).collect();
                prop_assert_eq!(found, [last.unwrap()]);
            }
        }
    }

    #[test]
    fn what_is_no_recording_says_so() {
        for (text, words) in [
            ("hello", "is no recording"),
            (r#"{"schema":"tia.recorded","version":2}"#, "version 2"),
            (
                r#"{"schema":"tia.recorded","version":1,"paths":[],"recordings":[{"readers":[{"file":3}]}]}"#,
                "no path 3",
            ),
            (
                r#"{"schema":"tia.recorded","version":1,"paths":[],"recordings":[{"readers":[{}]}]}"#,
                "either a test or a file",
            ),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
