//! From what the user names to single reports: files, directories, archives, packed files, standard input.
//!
//! What a file is packed with is told by its first bytes, never by its name. Directories and archives are walked for
//! names that reports have; a file that the user names is read whatever it is called.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// Reports up to this size are read into memory; larger ones are read as streams.
pub(super) const IN_MEMORY: u64 = 64 << 20;

/// How deep archives in archives are opened.
const DEEPEST: usize = 3;

/// One report before it is read.
#[derive(Debug)]
pub(super) struct Input {
    /// Its name for people: the path as given, and the member of the archive after a `:`.
    pub(super) name: String,
    /// The user named this very file, so it must be a report.
    pub(super) named: bool,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    File(PathBuf),
    Memory(Vec<u8>),
    Spooled(tempfile::NamedTempFile),
}

/// Something that the user named and that could not be opened.
#[derive(Debug)]
pub(super) struct Refused {
    /// What.
    pub(super) name: String,
    /// Why.
    pub(super) why: String,
}

impl Input {
    /// Opens the report, unpacked.
    pub(super) fn open(&self) -> io::Result<Box<dyn BufRead + '_>> {
        match &self.bytes {
            Bytes::File(path) => unpacked(File::open(path)?),
            Bytes::Memory(bytes) => unpacked(Cursor::new(bytes.as_slice())),
            Bytes::Spooled(file) => unpacked(file.reopen()?),
        }
    }

    /// The report as bytes, or `None` where it is larger than [`IN_MEMORY`] once unpacked.
    pub(super) fn read(&self) -> io::Result<Option<Vec<u8>>> {
        let hint = match &self.bytes {
            Bytes::File(path) => fs::metadata(path)?.len(),
            Bytes::Memory(bytes) => bytes.len() as u64,
            Bytes::Spooled(_) => return Ok(None),
        };
        if hint > IN_MEMORY {
            return Ok(None);
        }
        let mut bytes = match &self.bytes {
            Bytes::File(path) => {
                let mut raw = Vec::with_capacity(usize::try_from(hint).unwrap_or(0) + 1);
                // it may have grown meanwhile
                File::open(path)?
                    .take(IN_MEMORY + 1)
                    .read_to_end(&mut raw)?;
                raw
            }
            Bytes::Memory(bytes) => bytes.clone(),
            Bytes::Spooled(_) => return Ok(None),
        };
        if matches!(
            packing(&bytes[..bytes.len().min(4)]),
            Packing::Gzip | Packing::Zstd
        ) {
            let mut whole = Vec::new();
            unpacked(Cursor::new(&bytes))?
                .take(IN_MEMORY + 1)
                .read_to_end(&mut whole)?;
            bytes = whole;
        }
        Ok((bytes.len() as u64 <= IN_MEMORY).then_some(bytes))
    }

    /// Its size before it is unpacked, in bytes; a guess for what is in a temporary file.
    pub(super) fn size(&self) -> u64 {
        match &self.bytes {
            Bytes::File(path) => fs::metadata(path).map_or(0, |data| data.len()),
            Bytes::Memory(bytes) => bytes.len() as u64,
            Bytes::Spooled(_) => IN_MEMORY,
        }
    }
}

/// The layers of compression taken off.
fn unpacked<'a>(mut source: impl Read + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut magic = [0; 4];
    let got = fill(&mut source, &mut magic)?;
    let whole = Cursor::new(magic[..got].to_vec()).chain(source);
    Ok(match packing(&magic[..got]) {
        Packing::Gzip => {
            let inner: Box<dyn Read + 'a> = Box::new(MultiGzDecoder::new(whole));
            Box::new(BufReader::with_capacity(1 << 16, inner))
        }
        Packing::Zstd => {
            let inner: Box<dyn Read + 'a> = Box::new(zstd::Decoder::new(whole)?);
            Box::new(BufReader::with_capacity(1 << 16, inner))
        }
        Packing::Zip | Packing::None => Box::new(BufReader::with_capacity(1 << 16, whole)),
    })
}

enum Packing {
    Gzip,
    Zstd,
    Zip,
    None,
}

fn packing(magic: &[u8]) -> Packing {
    match magic {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
        [b'P', b'K', 3, 4] => Packing::Zip,
        _ => Packing::None,
    }
}

/// Reads until `buffer` is full or the source ends.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match source.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// Hands over every report that the names lead to, in the order of the names and by path below directories.
///
/// `-` is standard input. What cannot be opened is handed over as refused, and the rest goes on.
pub(super) fn each(names: &[String], to: &mut dyn FnMut(Result<Input, Refused>)) {
    for name in names {
        let done = if name == "-" {
            standard_input(to)
        } else {
            let path = Path::new(name);
            match fs::metadata(path) {
                Ok(data) if data.is_dir() => directory(path, to),
                Ok(_) => file(path, name.clone(), true, to),
                Err(error) => Err(error),
            }
        };
        if let Err(error) = done {
            to(Err(refused(name, &error)));
        }
    }
}

fn refused(name: &str, error: &io::Error) -> Refused {
    Refused {
        name: name.to_owned(),
        why: error.to_string(),
    }
}

fn standard_input(to: &mut dyn FnMut(Result<Input, Refused>)) -> io::Result<()> {
    member(io::stdin().lock(), "-".into(), true, 0, to)
}

/// Every file below with a name that reports have. Links to directories are not followed, so there are no loops.
fn directory(top: &Path, to: &mut dyn FnMut(Result<Input, Refused>)) -> io::Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(top)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = path.display().to_string();
        let done = match entry.file_type() {
            Ok(kind) if kind.is_dir() => directory(&path, to),
            Ok(_) if is_report_name(&name) && !path.is_dir() => {
                file(&path, name.clone(), false, to)
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            to(Err(refused(&name, &error)));
        }
    }
    Ok(())
}

/// Whether a file of this name is worth a look when nobody named it.
fn is_report_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name
        .trim_end_matches(".gz")
        .trim_end_matches(".zst")
        .trim_end_matches(".zstd");
    [
        "xml", "json", "jsonl", "ndjson", "tar", "tgz", "zip", "junit", "trx",
    ]
    .iter()
    .any(|end| {
        name.strip_suffix(end)
            .is_some_and(|stem| stem.ends_with('.'))
    })
}

fn file(
    path: &Path,
    name: String,
    named: bool,
    to: &mut dyn FnMut(Result<Input, Refused>),
) -> io::Result<()> {
    let mut head = [0; 512];
    let mut got = fill(&mut File::open(path)?, &mut head)?;
    if matches!(packing(&head[..got.min(4)]), Packing::Gzip | Packing::Zstd) {
        // a packed file that is damaged is for the reader to report
        got = fill(&mut unpacked(File::open(path)?)?, &mut head).unwrap_or(0);
    }
    if is_tar(&head[..got]) {
        return archive(unpacked(File::open(path)?)?, &name, named, 0, to);
    }
    if matches!(packing(&head[..got.min(4)]), Packing::Zip) {
        return zip_archive(File::open(path)?, &name, named, 0, to);
    }
    to(Ok(Input {
        name,
        named,
        bytes: Bytes::File(path.to_owned()),
    }));
    Ok(())
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// A member of an archive, or standard input: kept in memory, or in a temporary file where it is large.
fn member(
    source: impl Read,
    name: String,
    named: bool,
    depth: usize,
    to: &mut dyn FnMut(Result<Input, Refused>),
) -> io::Result<()> {
    let mut plain = unpacked(source)?;
    let mut bytes = Vec::new();
    plain.by_ref().take(IN_MEMORY + 1).read_to_end(&mut bytes)?;
    let head = &bytes[..bytes.len().min(512)];
    let (tar, zip) = (
        is_tar(head),
        matches!(packing(&head[..head.len().min(4)]), Packing::Zip),
    );
    if (tar || zip) && depth >= DEEPEST {
        return Err(io::Error::other(format!(
            "more than {DEEPEST} archives inside each other"
        )));
    }
    if bytes.len() as u64 <= IN_MEMORY {
        if tar {
            return archive(Cursor::new(bytes), &name, named, depth + 1, to);
        }
        if zip {
            return zip_archive(Cursor::new(bytes), &name, named, depth + 1, to);
        }
        let bytes = Bytes::Memory(bytes);
        to(Ok(Input { name, named, bytes }));
        return Ok(());
    }
    if tar {
        return archive(Cursor::new(bytes).chain(plain), &name, named, depth + 1, to);
    }
    let mut spooled = tempfile::NamedTempFile::new()?;
    io::copy(&mut Cursor::new(bytes).chain(plain), &mut spooled)?;
    if zip {
        return zip_archive(spooled.reopen()?, &name, named, depth + 1, to);
    }
    let bytes = Bytes::Spooled(spooled);
    to(Ok(Input { name, named, bytes }));
    Ok(())
}

fn archive(
    source: impl Read,
    name: &str,
    named: bool,
    depth: usize,
    to: &mut dyn FnMut(Result<Input, Refused>),
) -> io::Result<()> {
    let mut found = false;
    for entry in tar::Archive::new(source).entries()? {
        let entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type().is_file() && is_report_name(&path) {
            found = true;
            member(entry, format!("{name}:{path}"), false, depth, to)?;
        }
    }
    empty(found, named)
}

fn zip_archive(
    source: impl Read + Seek,
    name: &str,
    named: bool,
    depth: usize,
    to: &mut dyn FnMut(Result<Input, Refused>),
) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(source).map_err(io::Error::other)?;
    let names = archive.file_names().map(|name| name.map(Into::into));
    let mut names: Vec<String> = names.collect::<Result<_, _>>().map_err(io::Error::other)?;
    names.sort();
    let mut found = false;
    for path in names {
        if is_report_name(&path) {
            found = true;
            let entry = archive.by_name(&path).map_err(io::Error::other)?;
            member(entry, format!("{name}:{path}"), false, depth, to)?;
        }
    }
    empty(found, named)
}

/// An archive that the user named and that holds no report is an error.
fn empty(found: bool, named: bool) -> io::Result<()> {
    if found || !named {
        return Ok(());
    }
    Err(io::Error::other(
        "no member of the archive has the name of a report (`.xml`, `.json`, `.jsonl`)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(given: &[&Path]) -> Vec<String> {
        let top = given[0].parent().unwrap().display().to_string();
        let given: Vec<String> = given
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let mut found = Vec::new();
        each(&given, &mut |input| {
            found.push(match input {
                Ok(input) => {
                    let text = String::from_utf8(input.read().unwrap().unwrap()).unwrap();
                    format!("{} {text}", input.name.replace(&top, ""))
                }
                Err(refused) => format!("{} refused", refused.name.replace(&top, "")),
            });
        });
        found
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            out.append_data(&mut header, name, *bytes).unwrap();
        }
        out.into_inner().unwrap()
    }

    #[test]
    fn packed_files_are_told_by_their_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a.xml"), gz(b"<a/>")).unwrap();
        fs::write(path("b.xml"), zstd::encode_all(&b"<b/>"[..], 1).unwrap()).unwrap();
        let inner = tar_of(&[
            ("x/d.xml", b"<d/>"),
            ("x/readme.txt", b"no"),
            ("e.xml.gz", &gz(b"<e/>")),
        ]);
        fs::write(path("c.bin"), gz(&inner)).unwrap();
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("f.xml", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"<f/>").unwrap();
        fs::write(path("g.zip"), zip.finish().unwrap().into_inner()).unwrap();
        let given = ["a.xml", "b.xml", "c.bin", "g.zip"].map(path);
        let given: Vec<&Path> = given.iter().map(PathBuf::as_path).collect();
        assert_eq!(
            names(&given),
            [
                "/a.xml <a/>",
                "/b.xml <b/>",
                "/c.bin:x/d.xml <d/>",
                "/c.bin:e.xml.gz <e/>",
                "/g.zip:f.xml <f/>"
            ]
        );
    }

    #[test]
    fn a_directory_is_walked_by_name_and_a_missing_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("reports");
        fs::create_dir_all(top.join("sub")).unwrap();
        for name in ["b.xml", "a.xml", "log.txt", "sub/c.xml"] {
            fs::write(top.join(name), "<r/>").unwrap();
        }
        let missing = dir.path().join("missing.xml");
        assert_eq!(
            names(&[&top, &missing]),
            [
                "/reports/a.xml <r/>",
                "/reports/b.xml <r/>",
                "/reports/sub/c.xml <r/>",
                "/missing.xml refused"
            ]
        );
    }

    #[test]
    fn an_archive_without_reports_is_refused_where_it_was_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar");
        fs::write(&path, tar_of(&[("readme.txt", b"no")])).unwrap();
        assert_eq!(names(&[&path]), ["/a.tar refused"]);
    }
}
